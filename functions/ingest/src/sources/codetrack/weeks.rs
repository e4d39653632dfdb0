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

/// A list as the answer to a request for the weeks of which it speaks. One with as many entries as its limit was cut, and says
/// nothing of the weeks beyond its last entry. It begins with the newest week; else nothing is known of those after its last
/// one either. `clean` reads it so, as long as it has all of its entries.
pub fn spoken_of(line: Line) -> Line {
    let limit = Request::of(&line).and_then(|request| request.limit);
    let is_cut = |mondays: &Vec<NaiveDate>| limit.is_some_and(|limit| i64::try_from(mondays.len()) == Ok(limit));
    let mondays = mondays(&line).filter(is_cut).unwrap_or_default();
    let (Some(first), Some(last)) = (mondays.first(), mondays.last()) else { return line };
    let end = if first < last { last.checked_add_days(Days::new(7)) } else { None };
    narrowed(line, *first.min(last)..end.unwrap_or(NaiveDate::MAX))
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
        let entries = entries(line).into_iter().enumerate();
        let kept: Vec<&str> = entries.filter(|(place, _)| keep.has(*place)).map(|(_, entry)| entry.get()).collect();
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
