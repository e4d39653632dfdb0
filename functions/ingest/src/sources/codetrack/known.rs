//! What the objects of all weeks know of a learner's weeks, and what the table says, as `clean` reads them.
//!
//! Each object has the run's weeks anew, and of each week the table takes the newest row, whichever object it is from: a
//! row has both counts, and the later one of the times of the answers that its entries stand in. What is known is more, see
//! [`known`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{DateTime, Datelike, Days, NaiveDate, Weekday};
use lake::dataset::Verdict;
use serde_json::value::RawValue;

use super::both::{Both, Kind};
use super::weeks::{self, WeekLists};
use super::{Request, monday};
use crate::raw::Line;

/// What a list says of a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Of(i64),
    /// It has no such week, which is 0.
    Lacking,
    /// Nothing.
    Unknown,
}

impl Count {
    /// Whether there is a count that can be lost.
    pub fn is_value(self) -> bool {
        matches!(self, Count::Of(_))
    }
}

/// What a list of an object says of a week, where, and when it was received.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    pub count: Count,
    /// Whether it has an entry of the week: then the week is a row.
    pub is_entry: bool,
    /// The line that says so; nothing if no line does, or one whose entry is rejected.
    pub line: Option<usize>,
    pub time: Option<i64>,
}

/// An answer of a list.
#[derive(Debug)]
struct Answer {
    line: usize,
    time: i64,
    /// The weeks that it was asked about.
    asked: Range<NaiveDate>,
    /// Those of which it says by its silence that there is nothing.
    about: Range<NaiveDate>,
    /// The weeks that it has entries of, and those of which it has counts.
    entries: BTreeSet<NaiveDate>,
    counts: BTreeSet<NaiveDate>,
    /// Whether an entry may be of any week.
    is_vague: bool,
}

impl Answer {
    /// Whether it lacks a week of which an earlier answer has a count. Of those of one second the earlier ones stand behind.
    fn lacks_some_of(&self, other: &Answer) -> bool {
        let is_earlier = (other.time, Reverse(other.line)) < (self.time, Reverse(self.line));
        is_earlier && other.counts.iter().any(|week| self.about.contains(week) && !self.entries.contains(week))
    }
}

/// One list of an object about a learner, as it is read.
#[derive(Debug, Default)]
pub struct List {
    answers: Vec<Answer>,
    /// Whether each of them speaks of the weeks that it lacks.
    whole: Vec<bool>,
    entries: BTreeMap<NaiveDate, Said>,
    /// Weeks whose entries are rejected, and when the last one came.
    rejected: BTreeMap<NaiveDate, i64>,
    /// The weeks of gaps, and when these were met.
    gaps: Vec<(Range<NaiveDate>, i64)>,
}

impl List {
    /// Reads the lines of one learner.
    pub fn of(lines: &[Line], shape: WeekLists<'_>) -> Self {
        let mut list = Self::default();
        for (place, line) in lines.iter().enumerate().filter(|(_, line)| is_list(line)) {
            if let Some(request) = Request::of(line) {
                list.add(place, line, &request, shape);
            }
        }
        list.gaps =
            lines.iter().filter(|line| line.gap.is_some()).map(|line| (weeks::weeks_of(line), time(line))).collect();
        let is_whole = |answer: &Answer| !list.answers.iter().any(|other| answer.lacks_some_of(other));
        list.whole = list.answers.iter().map(is_whole).collect();
        list
    }

    fn add(&mut self, place: usize, line: &Line, request: &Request, shape: WeekLists<'_>) {
        let time = time(line);
        let mut counts = BTreeSet::new();
        for entry in weeks::entries(line) {
            let entry = shape.read(request, entry.get());
            let Some(day) = entry.day.filter(|day| request.covers(*day)) else { continue };
            if entry.verdict == Verdict::Refused || day.weekday() != Weekday::Mon {
                let last = self.rejected.entry(monday(day)).or_insert(time);
                *last = time.max(*last);
                continue;
            }
            let count = entry.count.map_or(Count::Unknown, Count::Of);
            if count.is_value() {
                counts.insert(day);
            }
            self.entries.insert(day, Said { count, is_entry: true, line: Some(place), time: Some(time) });
        }
        self.answers.push(Answer {
            line: place,
            time,
            asked: request.weeks(),
            about: weeks::spoken_weeks(line),
            entries: weeks::entries(line).iter().filter_map(|entry| weeks::week_of(entry)).collect(),
            counts,
            is_vague: weeks::mondays(line).is_none(),
        });
    }

    /// What it says of a week.
    pub fn of_week(&self, week: NaiveDate) -> Said {
        if let Some(said) = self.entries.get(&week) {
            return *said;
        }
        let whole =
            self.answers.iter().zip(&self.whole).filter(|(answer, whole)| **whole && answer.about.contains(&week));
        let silent = whole.map(|(answer, _)| (answer.line, answer.time)).max_by_key(|(_, time)| *time);
        match (self.rejected.get(&week), silent) {
            (None, Some((line, time))) => {
                Said { count: Count::Lacking, is_entry: false, line: Some(line), time: Some(time) }
            }
            (rejected, _) => Said { count: Count::Unknown, is_entry: false, line: None, time: rejected.copied() },
        }
    }

    /// Whether an answer has an entry of a week, if only one that is rejected.
    pub fn names(&self, week: NaiveDate) -> bool {
        self.answers.iter().any(|answer| answer.entries.contains(&week))
    }

    /// Whether an answer was asked about a week, and its limit has not cut it before that.
    pub fn reaches(&self, week: NaiveDate) -> bool {
        self.answers
            .iter()
            .any(|answer| answer.about.contains(&week) || answer.is_vague && answer.asked.contains(&week))
    }

    /// When a gap, or an answer that says nothing of it, last left a week open.
    fn open(&self, week: NaiveDate) -> Option<i64> {
        let is_unknown = self.of_week(week).count == Count::Unknown;
        let asked = self.answers.iter().filter(|_| is_unknown).map(|answer| (&answer.asked, answer.time));
        let asked = asked.chain(self.gaps.iter().map(|(asked, time)| (asked, *time)));
        asked.filter(|(asked, _)| asked.contains(&week)).map(|(_, time)| time).max()
    }

    /// Whether the silence of an answer about a week says that there is nothing.
    pub fn is_about(&self, week: NaiveDate) -> bool {
        self.answers.iter().any(|answer| answer.about.contains(&week))
    }

    /// Whether an entry may be of any week.
    pub fn is_vague(&self) -> bool {
        self.answers.iter().any(|answer| answer.is_vague)
    }

    /// A line cut down to some weeks, each part byte for byte as it came. It says of these weeks what it said, and nothing
    /// of others: its request names no weeks of which it did not speak.
    pub fn parts(&self, place: usize, line: &Line, weeks: Vec<Range<NaiveDate>>) -> Vec<Line> {
        self.parts_without(place, line, weeks, &BTreeSet::new())
    }

    /// The same without the entries of some weeks: if the line spoke of those, it says that there is nothing.
    pub fn parts_without(
        &self,
        place: usize,
        line: &Line,
        mut weeks: Vec<Range<NaiveDate>>,
        gone: &BTreeSet<NaiveDate>,
    ) -> Vec<Line> {
        let answers = self.answers.iter().zip(&self.whole);
        let Some((answer, whole)) = answers.into_iter().find(|(answer, _)| answer.line == place) else {
            return Vec::new();
        };
        weeks.sort_by_key(|weeks| weeks.start);
        let mut joined: Vec<Range<NaiveDate>> = Vec::new();
        for weeks in weeks {
            match joined.last_mut() {
                Some(last) if last.end >= weeks.start => last.end = last.end.max(weeks.end),
                _ => joined.push(weeks),
            }
        }
        let mut parts = Vec::new();
        for weeks in joined.into_iter().rev() {
            let common = |other: &Range<NaiveDate>| weeks.start.max(other.start)..weeks.end.min(other.end);
            if answer.is_vague && common(&answer.asked) == answer.asked && answer.entries.is_disjoint(gone) {
                parts.push(line.clone());
            } else if *whole && !answer.about.is_empty() {
                parts.extend(part(line, common(&answer.about), gone));
            } else {
                let asked = common(&answer.asked);
                let left = answer.entries.difference(gone);
                let of_entries = runs(left.filter(|week| asked.contains(week)));
                parts.extend(of_entries.into_iter().rev().filter_map(|weeks| part(line, weeks, gone)));
            }
        }
        parts
    }
}

/// Weeks that follow each other, as ranges.
fn runs<'a>(weeks: impl Iterator<Item = &'a NaiveDate>) -> Vec<Range<NaiveDate>> {
    let mut runs: Vec<Range<NaiveDate>> = Vec::new();
    for week in weeks {
        let end = after(*week);
        match runs.last_mut() {
            Some(last) if last.end == *week => last.end = end,
            _ => runs.push(*week..end),
        }
    }
    runs
}

/// The Monday after one.
pub fn after(week: NaiveDate) -> NaiveDate {
    week.checked_add_days(Days::new(7)).unwrap_or(NaiveDate::MAX)
}

/// A line cut down to the weeks of a range; nothing if there are none.
fn part(line: &Line, weeks: Range<NaiveDate>, gone: &BTreeSet<NaiveDate>) -> Option<Line> {
    let request = Request::of(line).filter(|_| weeks.start < weeks.end)?;
    let entries = weeks::entries(line);
    let all = entries.len();
    let is_left = |week: NaiveDate| weeks.contains(&week) && !gone.contains(&week);
    let is_of_them = |entry: &&RawValue| weeks::week_of(entry).is_some_and(is_left);
    let kept: Vec<&str> = entries.into_iter().filter(is_of_them).map(|entry| entry.get()).collect();
    let asked = request.weeks();
    if kept.len() == all && weeks.start <= asked.start && asked.end <= weeks.end {
        return Some(line.clone());
    }
    // One that has more entries than its limit is not cut by it, nor is what is left of it.
    let limit = request.limit.filter(|limit| i64::try_from(all).is_ok_and(|all| all <= *limit));
    let (from, to) = (asked.start.max(weeks.start), asked.end.min(weeks.end));
    let is_set = |day: &NaiveDate| *day != NaiveDate::MIN && *day != NaiveDate::MAX;
    let request = Request { limit, from: Some(from).filter(is_set), to: Some(to).filter(is_set), ..request };
    let request = serde_json::to_string(&request).ok()?;
    Some(Line { request, body: Some(format!("[{}]", kept.join(","))), ..line.clone() })
}

fn is_list(line: &Line) -> bool {
    line.is_answer() && line.body.as_deref().is_some_and(|body| body.starts_with('['))
}

/// When a line was received, in microseconds since 1970.
pub fn time(line: &Line) -> i64 {
    DateTime::parse_from_rfc3339(&line.received_at).map_or(i64::MIN, |time| time.timestamp_micros())
}

/// What an object has about a learner: commits, and points.
#[derive(Debug, Clone, Default)]
pub struct Held {
    pub key: String,
    pub lists: Both<Vec<Line>>,
    /// Whether there is no object of points, with which it is cleaned: a run was killed before it wrote that.
    pub is_half: bool,
}

/// The same as it is read.
#[derive(Debug)]
pub struct Object<'a> {
    key: &'a str,
    pub lists: Both<List>,
    is_half: bool,
}

impl<'a> Object<'a> {
    pub fn of(held: &'a Held, shape: Both<WeekLists<'_>>) -> Self {
        let lists = Both::each(|list| held.lists[list].as_slice());
        Self { is_half: held.is_half, ..Self::of_lists(&held.key, lists, shape) }
    }

    pub fn of_lists(key: &'a str, lists: Both<&[Line]>, shape: Both<WeekLists<'_>>) -> Self {
        Self { key, lists: Both::each(|list| List::of(lists[list], shape[list])), is_half: false }
    }

    /// Whether a week is a row of it.
    pub fn has_row(&self, week: NaiveDate) -> bool {
        self.row(week).is_some()
    }

    /// The time of a week's row, if the week is one.
    fn row(&self, week: NaiveDate) -> Option<i64> {
        let said = Kind::BOTH.into_iter().map(|list| self.lists[list].of_week(week)).filter(|said| said.is_entry);
        said.filter_map(|said| said.time).max().filter(|_| !self.is_half)
    }

    /// The time of a row of nulls, if a week is not a row: it may be one where it is the newest of all learners.
    fn open(&self, week: NaiveDate) -> Option<i64> {
        let is_open = !self.has_row(week) && !self.is_half;
        Kind::BOTH.into_iter().filter_map(|list| self.lists[list].open(week)).max().filter(|_| is_open)
    }
}

/// What is known of a week by one of the lists, and by which object, of several.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub said: Said,
    pub object: usize,
    /// When it was said last, if by another object.
    pub time: Option<i64>,
}

impl Known {
    /// The first object is preferred, where it says the same.
    fn of(objects: &[Object<'_>], week: NaiveDate, list: Kind, object: usize) -> Self {
        let of = |object: usize| objects.get(object).map(|object| object.lists[list].of_week(week));
        let nothing = Said { count: Count::Unknown, is_entry: false, line: None, time: None };
        let said = of(object).unwrap_or(nothing);
        match of(0).filter(|own| own.count == said.count) {
            Some(own) => Known { said: own, object: 0, time: said.time },
            None => Known { said, object, time: said.time },
        }
    }
}

/// The object whose row of a week the table takes.
fn newest_row(objects: &[Object<'_>], week: NaiveDate) -> Option<usize> {
    let rows = objects.iter().enumerate().filter_map(|(place, object)| Some((object.row(week)?, object.key, place)));
    rows.max().map(|(_, _, place)| place)
}

/// The objects that may have the table say of a week what another one does not: the one whose row it takes, and those whose row
/// of nulls would be newer.
pub fn decisive(objects: &[Object<'_>], week: NaiveDate) -> Vec<usize> {
    let Some((row, newest)) = newest_row(objects, week).and_then(|row| Some((row, objects.get(row)?))) else {
        return Vec::new();
    };
    let is_newer = |object: &Object<'_>| {
        object.open(week).map(|time| (time, object.key)) > newest.row(week).map(|time| (time, newest.key))
    };
    let open = objects.iter().enumerate().filter(|(_, object)| object.open(week).is_some() && is_newer(object));
    std::iter::once(row).chain(open.map(|(place, _)| place)).collect()
}

/// What the table says of a week: what its newest row says. Of a week that is no row, each list may say that it has nothing.
pub fn in_table(objects: &[Object<'_>], week: NaiveDate) -> Both<Known> {
    let row = newest_row(objects, week);
    Both::each(|list| {
        let silent = || (0..objects.len()).max_by_key(|object| objects.get(*object)?.lists[list].of_week(week).time);
        Known::of(objects, week, list, row.or_else(silent).unwrap_or_default())
    })
}

/// What is known of a week: by each list the newest count, whichever object has it, or else the newest that is said. That is
/// what the table says, once all runs have done their work: but a run writes one list after the other, and may be another one
/// still, or have been killed. A row of its then has one count, and hides what an older row knows; that it is silent is no loss
/// that was accepted, as this takes the count from all objects.
pub fn known(objects: &[Object<'_>], week: NaiveDate) -> Both<Known> {
    let table = in_table(objects, week);
    Both::each(|list| {
        let said = objects.iter().enumerate().map(|(place, of)| (of.lists[list].of_week(week), of.key, place));
        let said = said.filter(|(said, _, _)| said.time.is_some());
        let newest = said
            .max_by_key(|(said, key, place)| (said.count.is_value(), said.time, *place == table[list].object, *key));
        newest.map_or(table[list], |(_, _, place)| Known::of(objects, week, list, place))
    })
}
