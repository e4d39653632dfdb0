//! What the lines of the raw objects have: weeks, or an account.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use lake::dataset::{Column, Table, Verdict};
use lake::json::Object;
use lake::partition::YEARS;
use lake::time::parse_day;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Request;
use crate::raw::Line;
use crate::replace::{Holdings, Item, Keep, Measures, Shape};

/// Lists of weeks: a subject is a learner, an item a week, its value the points or commits of it. Which weeks were asked
/// for is an item as well, without a value.
#[derive(Clone, Copy)]
pub struct WeekLists<'a> {
    /// The column of the counts.
    pub column: Option<&'a Column>,
}

/// Accounts: a subject is a learner, an item a member of the account. One that the table rejects has none.
#[derive(Clone, Copy)]
pub struct Users<'a> {
    /// The table of accounts.
    pub table: Option<&'a Table>,
}

fn learner(line: &Line) -> Vec<String> {
    Request::of(line).map(|request| request.learner.to_string()).into_iter().collect()
}

/// In the order of the learners' ids, whatever the roster says.
fn sort(lines: &mut [Line]) {
    lines.sort_by_key(|line| Request::of(line).map(|request| request.learner));
}

fn entries(line: &Line) -> Vec<&RawValue> {
    line.body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
}

/// The day that an entry names, with or without a time.
fn day(entry: &Object<'_>) -> Option<NaiveDate> {
    let text = lake::json::text(entry.get("date")?)?;
    let date = text.trim().split(['T', ' ']).next()?;
    parse_day(date).ok().filter(|day| date.len() == 10 && YEARS.contains(&day.year()))
}

impl WeekLists<'_> {
    fn item(&self, request: &Request, text: &str) -> Item {
        let entry = Object::of_text(text).unwrap_or_default();
        let day = day(&entry);
        let verdict = match day {
            None => Verdict::Refused,
            // A number that is beyond all doubles, say, makes all of it unreadable.
            Some(_) if serde_json::from_str::<Value>(text).is_err() => Verdict::Refused,
            // What a list has beyond the weeks asked for is not missed.
            Some(day) if !request.covers(day) => Verdict::Missing,
            // The number of commits is called points as well.
            Some(_) => self.column.map_or(Verdict::Refused, |column| column.judge_count(entry.get("points"))),
        };
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
        Line { body: Some(format!("[{}]", kept.join(","))), ..line.clone() }
    }

    fn covers(&self, line: &Line, item: &Item) -> bool {
        Request::of(line).is_some_and(|request| item.name.parse().is_ok_and(|day| request.covers(day)))
    }

    /// A week without points has 0 of them; null is no correction.
    fn steady(&self) -> Measures {
        Measures::MAX
    }

    fn sort(&self, lines: &mut [Line]) {
        sort(lines);
    }
}

impl Shape for Users<'_> {
    fn asks(&self, line: &Line) -> Vec<String> {
        learner(line)
    }

    fn holds(&self, line: &Line) -> Holdings {
        let body = line.body.as_deref().unwrap_or_default();
        let members = Object::of_text(body).unwrap_or_default();
        let judged = self.table.map(|table| table.judge(body, &line.request));
        let is_taken = judged.as_ref().is_none_or(|judged| judged.is_taken());
        // A member without a value of the column that is read from it is one that the account lacks.
        let lacks = |name: &str| {
            let columns = self.table.iter().flat_map(|table| &table.columns);
            let verdicts = judged.iter().flat_map(|judged| judged.verdicts());
            let mut read = columns.zip(verdicts).filter(|(column, _)| column.fields().any(|field| field == name));
            read.any(|(_, verdict)| *verdict == Verdict::Missing)
        };
        let item = |name: &str| {
            let value = members.get(name).map(RawValue::get).filter(|value| *value != "null" && !lacks(name))?;
            let verdict = if is_taken { Verdict::Value } else { Verdict::Refused };
            Some(Item::of_value(name.to_owned(), value.to_owned(), verdict))
        };
        let names: BTreeSet<&str> = members.members().map(|(name, _)| name).collect();
        let items: Vec<Item> = names.into_iter().filter_map(item).collect();
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
