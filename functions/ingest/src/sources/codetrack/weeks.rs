//! What the lines of the raw objects have: weeks, or an account.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use lake::dataset::{Column, Judged, Table, Verdict};
use lake::json::{Json, Object};
use lake::partition::YEARS;
use lake::time::parse_day;
use lake::value::whole_decimal;
use serde_json::value::RawValue;

use super::{Request, monday};
use crate::raw::Line;
use crate::replace::{Holdings, Item, Keep, Shape};

/// Lists of weeks: a subject is a learner, an item a week, its value the points or commits of it. Which weeks were asked
/// for is an item as well, without a value.
#[derive(Clone, Copy)]
pub struct WeekLists<'a> {
    /// The column of the counts.
    pub column: Option<&'a Column>,
}

/// Accounts: a subject is a learner, an item a column of the account. One that the table rejects has none. What no column is
/// read from is an item as well, without a value.
#[derive(Clone, Copy)]
pub struct Users<'a> {
    /// The table of accounts.
    pub table: Option<&'a Table>,
}

/// An entry of a list.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The day that it names.
    pub day: Option<NaiveDate>,
    /// What the table makes of its count.
    pub verdict: Verdict,
    /// Its count, where that is a value.
    pub count: Option<i64>,
}

fn learner(line: &Line) -> Vec<String> {
    Request::of(line).map(|request| request.learner.to_string()).into_iter().collect()
}

/// In the order of the learners' ids, whatever the roster says.
fn sort(lines: &mut [Line]) {
    lines.sort_by_key(|line| Request::of(line).map(|request| request.learner));
}

pub fn entries(line: &Line) -> Vec<&RawValue> {
    line.body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
}

/// The day that an entry names, with or without a time.
fn day(entry: &Object<'_>) -> Option<NaiveDate> {
    let text = lake::json::text(entry.get("date")?)?;
    let date = text.trim().split(['T', ' ']).next()?;
    parse_day(date).ok().filter(|day| date.len() == 10 && YEARS.contains(&day.year()))
}

/// Whether an answer says that it is about another learner than its request: by the account's `id`, or by an entry's
/// `user_id`. Without one, or where it is blank, it says nothing.
pub fn names_another(line: &Line) -> bool {
    let Some(Request { learner, .. }) = Request::of(line) else { return false };
    let is_other = |id: &RawValue| {
        let id = lake::json::text(id).unwrap_or_else(|| id.get().into());
        let id = id.trim();
        !matches!(id, "" | "null") && id.parse() != Ok(learner as f64)
    };
    let names_other = |text: &str, name| Object::of_text(text).and_then(|of| of.get(name)).is_some_and(is_other);
    names_other(line.body.as_deref().unwrap_or_default(), "id")
        || entries(line).into_iter().any(|entry| names_other(entry.get(), "user_id"))
}

/// Whether a list has entries, and it cannot be read of any of them which week it is about.
pub fn names_no_week(line: &Line) -> bool {
    let entries = entries(line);
    let is_readable = |entry: &&RawValue| Object::of_text(entry.get()).is_some_and(|entry| day(&entry).is_some());
    !entries.is_empty() && !entries.iter().any(is_readable)
}

/// The Monday of an entry's week.
pub fn week_of(entry: &RawValue) -> Option<NaiveDate> {
    day(&Object::of_text(entry.get())?).map(monday)
}

/// The weeks that a line asks for.
pub fn weeks_of(line: &Line) -> Range<NaiveDate> {
    Request::of(line).map_or(NaiveDate::MAX..NaiveDate::MAX, |request| request.weeks())
}

/// The weeks of a list's entries, or nothing if one may be of any week.
pub fn mondays(line: &Line) -> Option<Vec<NaiveDate>> {
    entries(line).into_iter().map(week_of).collect()
}

/// The weeks of which a list speaks by what it lacks, if it has as many entries as its limit: that has cut it, and nothing is
/// known of the weeks beyond its last entry. Where it begins with the oldest week, these are the newer ones. Where it is in no
/// order, nobody knows which were cut off: none.
fn reach(line: &Line) -> Option<Range<NaiveDate>> {
    let limit = Request::of(line)?.limit?;
    let mondays = mondays(line).filter(|mondays| i64::try_from(mondays.len()) == Ok(limit))?;
    let (first, last) = (*mondays.first()?, *mondays.last()?);
    if mondays.is_sorted_by(|earlier, later| earlier >= later) {
        return Some(last..NaiveDate::MAX);
    }
    let end = last.checked_add_days(Days::new(7)).unwrap_or(NaiveDate::MAX);
    Some(if mondays.is_sorted() { first..end } else { NOTHING })
}

/// No week.
const NOTHING: Range<NaiveDate> = NaiveDate::MAX..NaiveDate::MAX;

/// The weeks of which a list speaks by what it lacks. One with an entry that may be of any week speaks of none.
pub fn spoken_weeks(line: &Line) -> Range<NaiveDate> {
    let (asked, reach) = (weeks_of(line), reach(line).unwrap_or(NaiveDate::MIN..NaiveDate::MAX));
    let weeks = asked.start.max(reach.start)..asked.end.min(reach.end);
    if mondays(line).is_some() && weeks.start < weeks.end { weeks } else { NOTHING }
}

/// A list as the answer to a request for the weeks of which it speaks, so that it says no more without some of its entries. One in
/// no order stays as it is: its entries are of any weeks.
pub fn spoken_of(line: Line) -> Line {
    match reach(&line).filter(|reach| *reach != NOTHING) {
        Some(weeks) => narrowed(line, weeks),
        None => line,
    }
}

/// A list as the answer to a request for no more than some weeks.
pub fn narrowed(line: Line, weeks: Range<NaiveDate>) -> Line {
    let Some(request) = Request::of(&line) else { return line };
    let Range { start, end } = request.weeks();
    if weeks.start <= start && end <= weeks.end {
        return line;
    }
    let (from, to) = (Some(start.max(weeks.start)), Some(end.min(weeks.end)));
    let request = serde_json::to_string(&Request { from, to, ..request });
    Line { request: request.unwrap_or_else(|_| line.request.clone()), ..line }
}

impl WeekLists<'_> {
    /// What an entry of a list is to its table.
    pub fn read(&self, request: &Request, text: &str) -> Entry {
        let entry = Object::of_text(text).unwrap_or_default();
        let day = day(&entry);
        let verdict = match day {
            None => Verdict::Refused,
            // What a list has beyond the weeks asked for is not missed.
            Some(day) if !request.covers(day) => Verdict::Missing,
            Some(day) if day.weekday() != Weekday::Mon => Verdict::Refused,
            // The number of commits is called points as well.
            Some(_) => self.column.map_or(Verdict::Refused, |column| column.judge_count(entry.get("points"))),
        };
        let count = match entry.get("points").filter(|_| verdict == Verdict::Value).map(Json::of) {
            Some(Ok(Json::Text(text))) => text.trim().parse().ok(),
            Some(Ok(Json::Number(digits))) => digits.parse().ok().or_else(|| whole_decimal(digits)),
            _ => None,
        };
        Entry { day, verdict, count }
    }

    fn item(&self, request: &Request, text: &str) -> Item {
        let Entry { day, verdict, .. } = self.read(request, text);
        Item::of_value(day.map_or_else(|| text.to_owned(), |day| day.to_string()), text.to_owned(), verdict)
    }

    /// The entries of a list with those that do not stay before the others of their days, as the last one counts: without them it
    /// would be as if its limit had not cut it.
    fn turned<'l>(&self, line: &'l Line, keep: &Keep) -> Vec<&'l str> {
        let mut entries: Vec<&str> = entries(line).into_iter().map(RawValue::get).collect();
        let mut places: BTreeMap<Option<NaiveDate>, Vec<usize>> = BTreeMap::new();
        for (place, entry) in entries.iter().enumerate() {
            places.entry(Object::of_text(entry).and_then(|entry| day(&entry))).or_default().push(place);
        }
        let came = entries.clone();
        for places in places.into_values() {
            let (stay, go): (Vec<usize>, Vec<usize>) = places.iter().partition(|place| keep.has(**place));
            for (place, from) in places.into_iter().zip(go.into_iter().chain(stay)) {
                if let (Some(entry), Some(from)) = (entries.get_mut(place), came.get(from)) {
                    *entry = from;
                }
            }
        }
        entries
    }
}

impl Shape for WeekLists<'_> {
    fn asks(&self, line: &Line) -> Vec<String> {
        learner(line)
    }

    fn holds(&self, line: &Line) -> Holdings {
        let Some(request) = Request::of(line) else { return Holdings::new() };
        let mut items: Vec<Item> = entries(line).into_iter().map(|entry| self.item(&request, entry.get())).collect();
        let asked = format!("{:?} to {:?}", request.from, request.to);
        items.push(Item::of_value(asked, String::new(), Verdict::Missing));
        Holdings::from([(request.learner.to_string(), items)])
    }

    fn cut(&self, line: &Line, keep: &BTreeMap<String, Keep>) -> Line {
        let Some(keep) = learner(line).first().and_then(|learner| keep.get(learner)) else { return line.clone() };
        let entries = entries(line).into_iter().map(RawValue::get).enumerate();
        let kept: Vec<&str> = if reach(line) == Some(NOTHING) {
            self.turned(line, keep)
        } else {
            entries.filter(|(place, _)| keep.has(*place)).map(|(_, entry)| entry).collect()
        };
        Line { body: Some(format!("[{}]", kept.join(","))), ..spoken_of(line.clone()) }
    }

    fn covers(&self, line: &Line, item: &Item) -> bool {
        Request::of(line).is_some_and(|request| item.name.parse().is_ok_and(|day| request.covers(day)))
    }

    fn sort(&self, lines: &mut [Line]) {
        sort(lines);
    }
}

impl<'a> Users<'a> {
    fn judged(&self, line: &Line) -> Option<Judged> {
        Some(self.table?.judge(line.body.as_deref().unwrap_or_default(), &line.request))
    }

    /// The columns that an answer has a value of, beside those that the request has.
    fn known<'j>(&self, judged: &'j Judged) -> impl Iterator<Item = &'a Column> + 'j
    where
        'a: 'j,
    {
        let columns = self.table.into_iter().flat_map(|table| &table.columns).zip(judged.verdicts());
        columns.filter(|(column, verdict)| column.request.is_none() && **verdict == Verdict::Value).map(|(own, _)| own)
    }

    /// Whether an answer has no value of the account.
    pub fn is_empty(&self, line: &Line) -> bool {
        self.judged(line).is_some_and(|judged| self.known(&judged).next().is_none())
    }
}

impl Shape for Users<'_> {
    fn asks(&self, line: &Line) -> Vec<String> {
        learner(line)
    }

    fn holds(&self, line: &Line) -> Holdings {
        let Some(judged) = self.judged(line) else { return Holdings::new() };
        let body = line.body.as_deref().unwrap_or_default();
        let members = Object::of_text(body).unwrap_or_default();
        let verdict = if judged.is_taken() { Verdict::Value } else { Verdict::Refused };
        let item = |column: &Column| {
            let value = column.fields().find_map(|name| members.member(name)).map_or("", RawValue::get);
            Item::of_value(column.name.clone(), value.to_owned(), verdict)
        };
        let mut items: Vec<Item> = self.known(&judged).map(item).collect();
        items.push(Item::of_value(String::new(), body.to_owned(), Verdict::Missing));
        learner(line).into_iter().map(|learner| (learner, items.clone())).collect()
    }

    fn cut(&self, line: &Line, _keep: &BTreeMap<String, Keep>) -> Line {
        line.clone()
    }

    fn is_indivisible(&self) -> bool {
        true
    }

    fn sort(&self, lines: &mut [Line]) {
        sort(lines);
    }
}
