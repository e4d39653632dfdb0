//! Format `codetrack-weeks`: points per week of many learners, with the commits of the sibling `weekly_commits.ndjson`.
//!
//! Each line of either object is one response: `{"request": {"learner": 43, "from": "2026-10-26", "to": "2026-11-23"},
//! "received_at": ..., "status": 200, "body": [{"date": "2026-11-16T00:00:00.000Z", "points": 42}, ...]}`; the number of
//! commits is in `points` as well. A date may have a time, which does not matter.
//!
//! A list with as many entries as the request's `limit` was cut: it says nothing of the weeks beyond its last entry, and where
//! its entries are in no order, of none that it has no entry of. A list that lacks a week of which an answer before it has a
//! count is not whole (the object keeps both, until the loss is accepted), and says nothing of the weeks that it has no entry
//! of.
//!
//! A row is a learner's week as the scores have it, with the commits of that week; and one for each week of which there are
//! commits only. A list that was asked about a week and lacks it has 0 of it. What is not known is null: a count that is
//! null, not there or rejected, and a week about which a list was not answered (a gap, or an unknown learner). In either
//! object the last entry of a learner and week counts: a later response is a newer one. A row's `received_at` is the later
//! one of those of the two responses that it is made from.
//!
//! Silence and a gap are not the same: where a gap, or a list that says nothing of it, leaves open the newest week that anybody
//! has a count of, it is a row even if nothing is known of it. Where nobody has anything, no row pretends that something came.
//!
//! A table may declare three more columns: `has_points` and `has_commits` (which of the two lists has a count of the week: a
//! 0 stands also for a week that a list lacks), and `received_on`, the local day of `received_at` in the dataset's time zone.
//!
//! A week is named by the Monday that it begins with: an entry of another day is rejected, and nothing is known of its week.
//!
//! The rows that are accounted for as read are
//!
//! * each entry of a list of scores: it becomes clean, or a duplicate if its week comes again later (the table's key is
//!   `id` and `date`), or rejected, or outside of the weeks that its response was asked for;
//! * each entry of a list of commits that is rejected or outside;
//! * each week of which there are commits only;
//! * each week of which nothing is known.
//!
//! Commits that go into a row of the scores, or are superseded by a later list of commits, are no rows of their own. The
//! `row` of a reject is the running index, from 1, of the entry among all entries of its object; its column tells which
//! object: `commits` is that of the sibling.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Int64Builder, RecordBatch, TimestampMicrosecondBuilder, new_null_array,
};
use arrow::datatypes::Date32Type;
use chrono::{DateTime, Datelike, Days, NaiveDate, Weekday};
use lake::dataset::{Column, RECEIVED_AT};
use lake::json::{Json, Object};
use lake::ledger::Gap;
use lake::partition::YEARS;
use lake::value::whole_decimal;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Notes, RawObject, Siblings};
use crate::error::Stop;
use crate::reject::Reject;
use crate::scanner::Scanner;
use crate::writer::Sink;

/// The object with the commits, in the same folder.
const COMMITS: &str = "weekly_commits.ndjson";
/// The longest line that is accepted: thousands of weeks.
const MAX_LINE: usize = 8 * 1024 * 1024;
/// Rows per batch.
const BATCH_ROWS: usize = 8 * 1024;

/// A learner's week: id and days since 1970.
type Key = (i64, i32);

/// What a list says of a week.
#[derive(Debug, Clone, Copy)]
enum Count {
    /// So many.
    Of(i64),
    /// It was answered, and has no such week.
    Lacking,
    /// It was not answered, or its entry has no count.
    Unknown,
}

/// The commits of a week.
#[derive(Debug, Clone, Copy)]
struct Commits {
    count: Count,
    received_at: i64,
    /// Whether a row of the scores has them.
    is_used: bool,
}

/// What an object was asked and answered, beside its entries.
#[derive(Debug, Default)]
struct Asked {
    /// The answers, by learner.
    answered: BTreeMap<i64, Vec<Said>>,
    /// The weeks that each gap, or answer that is no list, leaves open, with its time, by learner.
    open: Vec<(i64, Range<NaiveDate>, i64)>,
    /// The newest week of which there is a count.
    newest: Option<i32>,
    /// Weeks whose entries were rejected.
    rejected: BTreeSet<Key>,
}

/// An answer.
#[derive(Debug)]
struct Said {
    /// The weeks that it was asked about.
    asked: Range<NaiveDate>,
    /// The weeks that it is about.
    weeks: Range<NaiveDate>,
    received_at: i64,
    /// The weeks that it has entries of, in order.
    entries: Vec<i32>,
    /// Those of which it has a count.
    counts: Vec<i32>,
}

impl Said {
    fn is_about(&self, day: i32) -> bool {
        Date32Type::to_naive_date_opt(day).is_some_and(|day| self.weeks.contains(&day))
    }

    /// Whether it lacks a week of which another answer has a count.
    fn lacks(&self, other: &Said) -> bool {
        other.counts.iter().any(|day| self.is_about(*day) && self.entries.binary_search(day).is_err())
    }
}

/// Whether one of a learner's answers lacks nothing that an earlier one has. Of those of one second, times having no smaller
/// parts, the earlier ones stand behind: they are what was kept.
fn is_whole(place: usize, answers: &[Said]) -> bool {
    let Some(answer) = answers.get(place) else { return false };
    let is_earlier = |(other, said): &(usize, &Said)| {
        said.received_at < answer.received_at || said.received_at == answer.received_at && *other > place
    };
    !answers.iter().enumerate().filter(is_earlier).any(|(_, earlier)| answer.lacks(earlier))
}

impl Count {
    fn value(self) -> Option<i64> {
        match self {
            Count::Of(count) => Some(count),
            Count::Lacking => Some(0),
            Count::Unknown => None,
        }
    }
}

impl Asked {
    fn answer(&mut self, learner: i64, said: Said) {
        self.answered.entry(learner).or_default().push(said);
    }

    /// A gap whose request is not as documented leaves no week open.
    fn gap(&mut self, request: &Request, received_at: i64) {
        if let (Ok(learner), Some(from), Some(to)) = (learner(request), request.from, request.to) {
            self.open.push((learner, from..to, received_at));
        }
    }

    /// The learners about whom gaps, or answers that say nothing of it, leave a week open, with the times of these.
    fn open_at(&self, day: i32) -> impl Iterator<Item = (Key, i64)> {
        let date = Date32Type::to_naive_date_opt(day);
        let has = move |weeks: &Range<NaiveDate>| date.is_some_and(|date| weeks.contains(&date));
        let open = self.open.iter().filter(move |(_, weeks, _)| has(weeks));
        let open = open.map(move |(learner, _, received_at)| ((*learner, day), *received_at));
        let said = self
            .answered
            .iter()
            .filter(move |(learner, _)| matches!(self.without_entry((**learner, day)), Count::Unknown));
        let said = said.flat_map(|(learner, said)| said.iter().map(move |said| (learner, said)));
        let said = said.filter(move |(_, said)| has(&said.asked));
        open.chain(said.map(move |(learner, said)| ((*learner, day), said.received_at)))
    }

    /// What a list says of a week that it has no entry of.
    fn without_entry(&self, key: Key) -> Count {
        let (learner, day) = key;
        let said = self.answered.get(&learner).map(Vec::as_slice).unwrap_or_default();
        let mut about = said.iter().enumerate().filter(|(_, answer)| answer.is_about(day));
        let is_answered = about.any(|(place, _)| is_whole(place, said));
        if is_answered && !self.rejected.contains(&key) { Count::Lacking } else { Count::Unknown }
    }
}

/// Reads one raw object; returns how many rows it has by the account above, and the gaps that it and its sibling report.
pub(super) fn decode(
    object: &RawObject,
    mut siblings: Siblings<'_>,
    reader: impl Read,
    sink: &mut dyn Sink,
) -> Result<Notes, Stop> {
    let Some(sibling) = siblings.remove(COMMITS) else {
        return Err(Stop::Broken(format!("dataset.toml does not declare the sibling {COMMITS}")));
    };
    let mut commits: BTreeMap<Key, Commits> = BTreeMap::new();
    let (mut asked_commits, mut asked_points) = (Asked::default(), Asked::default());
    let mut taken = 0;
    let take = |week: Week, _: &mut dyn Sink| {
        let Week { key, count, received_at } = week;
        taken += 1;
        commits.insert(key, Commits { count, received_at, is_used: false });
        Ok(())
    };
    let mut notes =
        each_week(object, "commits", sibling, sink, &mut asked_commits, take).map_err(|stop| match stop {
            Stop::Reject(reject) => Stop::Broken(format!("the sibling {COMMITS} is not usable: {}", reject.message)),
            broken => broken,
        })?;

    // The weeks of the scores, without those that are older than any that may be open.
    let mut scored: Vec<Key> = Vec::new();
    let mut rows = Rows::new(object);
    let take_score = |week: Week, sink: &mut dyn Sink| {
        let (count, received_at) = match commits.get_mut(&week.key) {
            Some(found) => {
                found.is_used = true;
                (found.count, found.received_at.max(week.received_at))
            }
            None => (asked_commits.without_entry(week.key), week.received_at),
        };
        if Some(week.key.1) >= asked_commits.newest {
            scored.push(week.key);
        }
        rows.push(week.key, week.count, count, received_at, sink)
    };
    // Those that were taken are rows only if no score has them.
    notes.seen -= taken;
    let scores = each_week(object, "points", reader, sink, &mut asked_points, take_score)?;
    notes.seen += scores.seen;
    notes.gaps.extend(scores.gaps);
    let mut open = open_weeks(&asked_points, &asked_commits);
    open.retain(|key, _| !commits.contains_key(key));
    if !open.is_empty() {
        for key in &scored {
            open.remove(key);
        }
    }
    for (key, Commits { count, received_at, .. }) in commits.into_iter().filter(|(_, commits)| !commits.is_used) {
        notes.seen += 1;
        rows.push(key, asked_points.without_entry(key), count, received_at, sink)?;
    }
    for (key, received_at) in open {
        notes.seen += 1;
        rows.push(key, Count::Unknown, Count::Unknown, received_at, sink)?;
    }
    rows.flush(sink)?;
    Ok(notes)
}

/// The newest week of which there is a count, for each learner about whom a gap or an answer leaves it open, with its time.
fn open_weeks(points: &Asked, commits: &Asked) -> BTreeMap<Key, i64> {
    let mut open: BTreeMap<Key, i64> = BTreeMap::new();
    let Some(newest) = points.newest.max(commits.newest) else { return open };
    for (key, received_at) in points.open_at(newest).chain(commits.open_at(newest)) {
        let time = open.entry(key).or_insert(received_at);
        *time = received_at.max(*time);
    }
    open
}

/// One response.
#[derive(Deserialize)]
struct Line<'a> {
    request: Request,
    received_at: Option<String>,
    status: Option<u16>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    gap: Option<Gap>,
}

#[derive(Deserialize)]
struct Request {
    learner: Value,
    #[serde(default)]
    limit: Value,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

/// A valid entry.
struct Week {
    key: Key,
    /// Points, or the number of commits.
    count: Count,
    received_at: i64,
}

/// Why an entry is not valid: column, stable code, and a message without any value of it.
type Refusal<'a> = (&'a str, &'static str, String);

/// Calls `take` for each valid entry of an object within its response's weeks; the others go to the sink. `counted` names
/// the column of the entries' counts, `asked` takes what was asked. Returns the gaps, and how many entries there were.
fn each_week(
    object: &RawObject,
    counted: &str,
    reader: impl Read,
    sink: &mut dyn Sink,
    asked: &mut Asked,
    mut take: impl FnMut(Week, &mut dyn Sink) -> Result<(), Stop>,
) -> Result<Notes, Stop> {
    let column =
        object.table.column(counted).ok_or_else(|| Stop::Broken(format!("the table has no column {counted}")))?;
    let mut scanner = Scanner::new(reader)?;
    let mut gaps = Vec::new();
    let mut row: u64 = 0;
    while scanner.peek()?.is_some() {
        let length = scanner.value_length(MAX_LINE)?;
        let text = scanner.window().get(..length).unwrap_or_default();
        let line: Line = serde_json::from_slice(text).map_err(|error| scanner.not_json(&place(&error)))?;
        if line.gap.is_some() {
            asked.gap(&line.request, received_at(object, line.received_at.as_deref())?);
        } else if let (Some(200), Some(body)) = (line.status, line.body) {
            let (learner, received_at) = (learner(&line.request)?, received_at(object, line.received_at.as_deref())?);
            let weeks = line.request.from.unwrap_or(NaiveDate::MIN)..line.request.to.unwrap_or(NaiveDate::MAX);
            let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(body.get()) else {
                asked.open.push((learner, weeks, received_at));
                row += 1;
                let message = format!("the answer about learner {learner} is no list of weeks");
                let text = body.get().as_bytes();
                sink.reject(&Reject { row, column: None, reason: "not_a_list", message, text })?;
                scanner.consume(length);
                continue;
            };
            let mut mondays = Vec::with_capacity(entries.len());
            let mut are_dated = true;
            let mut counts = Vec::with_capacity(entries.len());
            for entry in entries {
                row += 1;
                let members = Object::of_text(entry.get()).unwrap_or_default();
                let date = members.get("date").and_then(lake::json::text);
                let day = date.as_deref().and_then(day);
                let monday = day.and_then(monday_of);
                mondays.extend(monday);
                are_dated &= monday.is_some();
                match understand(&members, day, column, &weeks) {
                    Ok(Some((day, count))) => {
                        let is_known = matches!(count, Count::Of(_));
                        asked.newest = asked.newest.max(is_known.then_some(day));
                        counts.extend(is_known.then_some(day));
                        take(Week { key: (learner, day), count, received_at }, sink)?;
                    }
                    Ok(None) => sink.outside(1),
                    Err((column, reason, why)) => {
                        asked.rejected.extend(monday.map(|day| (learner, day)));
                        let message = format!("learner {learner}: {why}");
                        let text = entry.get().as_bytes();
                        sink.reject(&Reject { row, column: Some(column), reason, message, text })?;
                    }
                }
            }
            // An entry that may be of any week leaves open what the weeks have of which there is none. The counts of such a
            // list are known all the same.
            // With more entries than the limit, the server has none.
            let is_cut = |mondays: &[i32]| line.request.limit.as_u64() == Some(mondays.len() as u64);
            let about = if !are_dated {
                mondays.clear();
                NaiveDate::MAX..NaiveDate::MAX
            } else if is_cut(&mondays) {
                reach(&mondays, weeks.clone())
            } else {
                weeks.clone()
            };
            mondays.sort_unstable();
            asked.answer(learner, Said { asked: weeks, weeks: about, received_at, entries: mondays, counts });
        }
        gaps.extend(line.gap);
        scanner.consume(length);
    }
    Ok(Notes { gaps, seen: row, ..Notes::default() })
}

/// The weeks of which a list speaks that was cut. It begins with the newest week, or with the oldest: then nothing is known of
/// those after its last one. Where it is in no order, nobody knows which were cut off.
fn reach(mondays: &[i32], weeks: Range<NaiveDate>) -> Range<NaiveDate> {
    let day = |day: Option<&i32>| day.and_then(|day| Date32Type::to_naive_date_opt(*day));
    let (Some(first), Some(last)) = (day(mondays.first()), day(mondays.last())) else { return weeks };
    if mondays.is_sorted_by(|earlier, later| earlier >= later) {
        return weeks.start.max(last)..weeks.end;
    }
    if !mondays.is_sorted() {
        return NaiveDate::MAX..NaiveDate::MAX;
    }
    let end = last.checked_add_days(Days::new(7));
    weeks.start.max(first)..end.map_or(weeks.end, |end| weeks.end.min(end))
}

/// Where the parser stopped, without what it found there.
fn place(error: &serde_json::Error) -> String {
    format!("not as documented, at its byte {}", error.column())
}

fn learner(request: &Request) -> Result<i64, Stop> {
    let id = match &request.learner {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_i64(),
    };
    id.ok_or_else(|| Stop::reject("not_an_integer", "a response's request has no learner's id"))
}

fn received_at(object: &RawObject, text: Option<&str>) -> Result<i64, Stop> {
    let Some(text) = text else { return Ok(object.received_at.timestamp_micros()) };
    let time = DateTime::parse_from_rfc3339(text);
    let time = time.map_err(|_| Stop::reject("not_a_timestamp", "a response's received_at is no time"))?;
    Ok(time.timestamp_micros())
}

/// The week, by its day, and count of an entry; nothing if the day is outside of the weeks.
fn understand<'a>(
    entry: &Object<'_>,
    day: Option<NaiveDate>,
    column: &'a Column,
    weeks: &Range<NaiveDate>,
) -> Result<Option<(i32, Count)>, Refusal<'a>> {
    let Some(day) = day else {
        return Err(match entry.get("date").map(Json::of) {
            None | Some(Ok(Json::Null)) => ("date", "missing_value", "there is no date".to_owned()),
            Some(_) => ("date", "not_a_date", "the date is not one like 2026-11-16, with or without a time".to_owned()),
        });
    };
    if !weeks.contains(&day) {
        return Ok(None);
    }
    if day.weekday() != Weekday::Mon {
        let why = format!("the day is a {}, and weeks are named by the Monday that they begin with", day.format("%A"));
        return Err(("date", "not_a_monday", why));
    }
    let day = Date32Type::from_naive_date(day);
    let count = match entry.get("points").map(Json::of) {
        None | Some(Ok(Json::Null)) => return Ok(Some((day, Count::Unknown))),
        Some(Ok(Json::Text(text))) => text.trim().parse().ok(),
        Some(Ok(Json::Number(digits))) => digits.parse().ok().or_else(|| whole_decimal(digits)),
        Some(_) => None,
    };
    let name = column.name.as_str();
    let count = count.ok_or_else(|| (name, "not_an_integer", "the count is not an integer".to_owned()))?;
    // Bounds are small: the rounding of huge integers does not move them across.
    if let Some((reason, why)) = column.refuse_number(count as f64) {
        return Err((name, reason, why));
    }
    Ok(Some((day, Count::Of(count))))
}

/// The Monday of a day's week.
fn monday_of(day: NaiveDate) -> Option<i32> {
    let monday = day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday())))?;
    Some(Date32Type::from_naive_date(monday))
}

/// The date before the time, if there is one.
fn day(text: &str) -> Option<NaiveDate> {
    let date = text.trim().split(['T', ' ']).next()?;
    let day = lake::time::parse_day(date).ok()?;
    (date.len() == 10 && YEARS.contains(&day.year())).then_some(day)
}

/// Rows of the next batch.
struct Rows<'a> {
    object: &'a RawObject<'a>,
    ids: Int64Builder,
    dates: Date32Builder,
    points: Int64Builder,
    commits: Int64Builder,
    has_points: BooleanBuilder,
    has_commits: BooleanBuilder,
    received: TimestampMicrosecondBuilder,
    received_on: Date32Builder,
    /// The local day of the last instant: those of one response are the same.
    last: Option<(i64, Option<i32>)>,
    rows: usize,
}

impl<'a> Rows<'a> {
    fn new(object: &'a RawObject<'a>) -> Self {
        Self {
            object,
            ids: Int64Builder::new(),
            dates: Date32Builder::new(),
            points: Int64Builder::new(),
            commits: Int64Builder::new(),
            has_points: BooleanBuilder::new(),
            has_commits: BooleanBuilder::new(),
            received: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            received_on: Date32Builder::new(),
            last: None,
            rows: 0,
        }
    }

    /// A week.
    fn push(
        &mut self,
        (id, day): Key,
        points: Count,
        commits: Count,
        received: i64,
        sink: &mut dyn Sink,
    ) -> Result<(), Stop> {
        self.ids.append_value(id);
        self.dates.append_value(day);
        self.points.append_option(points.value());
        self.commits.append_option(commits.value());
        self.has_points.append_value(matches!(points, Count::Of(_)));
        self.has_commits.append_value(matches!(commits, Count::Of(_)));
        self.received.append_value(received);
        let local_day = match self.last {
            Some((instant, day)) if instant == received => day,
            _ => self.local_day(received),
        };
        self.last = Some((received, local_day));
        self.received_on.append_option(local_day);
        self.rows += 1;
        if self.rows >= BATCH_ROWS { self.flush(sink) } else { Ok(()) }
    }

    /// Days since 1970 of an instant in the dataset's time zone.
    fn local_day(&self, instant: i64) -> Option<i32> {
        let local = DateTime::from_timestamp_micros(instant)?.with_timezone(&self.object.dataset.zone);
        Some(Date32Type::from_naive_date(local.date_naive()))
    }

    fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let rows = std::mem::take(&mut self.rows);
        let schema = self.object.table.schema();
        let finished: [(&str, ArrayRef); 8] = [
            ("id", Arc::new(self.ids.finish())),
            ("date", Arc::new(self.dates.finish())),
            ("points", Arc::new(self.points.finish())),
            ("commits", Arc::new(self.commits.finish())),
            ("has_points", Arc::new(self.has_points.finish())),
            ("has_commits", Arc::new(self.has_commits.finish())),
            ("received_on", Arc::new(self.received_on.finish())),
            (RECEIVED_AT, Arc::new(self.received.finish())),
        ];
        let columns = schema.fields().iter().map(|field| {
            let column = finished.iter().find(|(name, _)| name == field.name());
            column.map_or_else(|| new_null_array(field.data_type(), rows), |(_, column)| Arc::clone(column))
        });
        sink.write(&RecordBatch::try_new(Arc::clone(&schema), columns.collect())?)
    }
}

#[cfg(test)]
mod tests;
