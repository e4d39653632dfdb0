//! What the lines of the raw objects have: weeks, or an account.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use lake::time::parse_day;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Request;
use crate::raw::Line;
use crate::replace::{Holdings, Item, Keep, Shape};

/// Lists of weeks: a subject is a learner, an item a week, its value the points or commits of it. Which weeks were asked
/// for is an item as well, without a value.
pub struct WeekLists;

/// Accounts: a subject is a learner, an item a member of the account.
pub struct Users;

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

/// An entry of a list.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    date: Value,
    /// Or commits.
    #[serde(default)]
    points: Value,
}

impl Entry {
    /// The day that it names, with or without a time.
    fn day(&self) -> Option<NaiveDate> {
        self.date.as_str()?.trim().split(['T', ' ']).next().and_then(|day| parse_day(day).ok())
    }

    /// Whether it has a count, as a number or as text.
    fn has_count(&self) -> bool {
        match &self.points {
            Value::Number(_) => true,
            Value::String(text) => text.trim().parse::<i64>().is_ok(),
            _ => false,
        }
    }
}

impl Shape for WeekLists {
    fn asks(&self, line: &Line) -> Vec<String> {
        learner(line)
    }

    fn holds(&self, line: &Line) -> Holdings {
        let Some(request) = Request::of(line) else { return Holdings::new() };
        let item = |entry: &RawValue| {
            let read: Option<Entry> = serde_json::from_str(entry.get()).ok();
            let day = read.as_ref().and_then(Entry::day);
            Item::of_value(
                day.map_or_else(|| entry.get().to_owned(), |day| day.to_string()),
                entry.get().to_owned(),
                // What a list has beyond the weeks asked for is not missed.
                day.is_some_and(|day| request.covers(day)) && read.as_ref().is_some_and(Entry::has_count),
            )
        };
        let mut items: Vec<Item> = entries(line).into_iter().map(item).collect();
        let asked = format!("{:?} to {:?}", request.from, request.to);
        items.push(Item::of_value(asked, String::new(), false));
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
    fn never_turns_missing(&self) -> bool {
        true
    }

    fn sort(&self, lines: &mut [Line]) {
        sort(lines);
    }
}

impl Shape for Users {
    fn asks(&self, line: &Line) -> Vec<String> {
        learner(line)
    }

    fn holds(&self, line: &Line) -> Holdings {
        let body = line.body.as_deref().unwrap_or_default();
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(body).unwrap_or_default();
        // A member that is null is one that the account lacks.
        let members = members.into_iter().filter(|(_, value)| value.get() != "null");
        let item = |(name, value): (String, &RawValue)| Item::of_value(name, value.get().to_owned(), true);
        let items: Vec<Item> = members.map(item).collect();
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
