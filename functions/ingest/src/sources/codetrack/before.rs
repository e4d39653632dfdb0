//! What the raw objects of other weeks know of the weeks, and of the accounts, that a run asks for.
//!
//! A new week's object asks for the weeks before it once more, and newer rows win. Without this, an answer that lacks a
//! count, or a gap, would hide the count that the object of another week has. The same goes for accounts, of which the
//! newest week's counts; a learner about whom there is no answer has no account in the new week, which hides nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use lake::store::Store;

use super::weeks::{WeekLists, narrowed};
use super::{NAME, Request, Weeks, monday};
use crate::error::Result;
use crate::raw::{self, Line};
use crate::replace::{Item, Keep, Shape};

/// The lines of a learner in one object.
type OfObject = Vec<Line>;

/// The answers of other objects about a run's weeks, of each learner and week the last one; only of learners of whom the
/// run's own object has none.
pub async fn known(
    store: &Store,
    key: &str,
    weeks: Weeks,
    learners: &[i64],
    shape: WeekLists<'_>,
) -> Result<Vec<Line>> {
    let own: BTreeSet<i64> = answers(store, key).await?.into_keys().collect();
    let mut found: BTreeMap<i64, Vec<OfObject>> = BTreeMap::new();
    let wanted = learners.iter().filter(|learner| !own.contains(learner));
    found.extend(wanted.map(|learner| (*learner, Vec::new())));
    let Some(file) = key.rsplit('/').next().filter(|_| !found.is_empty()) else { return Ok(Vec::new()) };
    for object in store.list(&format!("{NAME}/week=")).await? {
        // An object has weeks up to its own one.
        let is_about = monday_of(&object.key, file).is_some_and(|monday| monday >= weeks.from);
        if object.key == key || !is_about {
            continue;
        }
        for (learner, lines) in answers(store, &object.key).await? {
            if let Some(objects) = found.get_mut(&learner) {
                objects.push(lines);
            }
        }
    }
    Ok(found.into_values().flat_map(|objects| latest(objects, weeks, shape)).collect())
}

/// The last account that an earlier week's object has of each learner about whom a run has an answer; only of learners of
/// whom the run's own object has none.
pub async fn accounts(store: &Store, key: &str, week: NaiveDate, lines: &[Line]) -> Result<Vec<Line>> {
    let own = answers(store, key).await?;
    let answered = lines.iter().filter(|line| line.is_answer()).filter_map(Request::of);
    let mut open: BTreeSet<i64> = answered.map(|request| request.learner).filter(|id| !own.contains_key(id)).collect();
    let Some(file) = key.rsplit('/').next().filter(|_| !open.is_empty()) else { return Ok(Vec::new()) };
    let objects = store.list(&format!("{NAME}/week=")).await?;
    let mondays = objects.into_iter().filter_map(|object| Some((monday_of(&object.key, file)?, object.key)));
    let mut earlier: Vec<(NaiveDate, String)> = mondays.filter(|(monday, _)| *monday < week).collect();
    earlier.sort();
    let mut found = Vec::new();
    for (_, key) in earlier.into_iter().rev() {
        if open.is_empty() {
            break;
        }
        for (learner, lines) in answers(store, &key).await? {
            found.extend(lines.into_iter().next_back().filter(|_| open.remove(&learner)));
        }
    }
    Ok(found)
}

/// The answers of an object, by learner.
async fn answers(store: &Store, key: &str) -> Result<BTreeMap<i64, OfObject>> {
    let mut found: BTreeMap<i64, OfObject> = BTreeMap::new();
    for line in raw::read_lines(store, key).await?.into_iter().filter(Line::is_answer) {
        if let Some(request) = Request::of(&line) {
            found.entry(request.learner).or_default().push(line);
        }
    }
    Ok(found)
}

/// The Monday of a week's raw object, if it is of a kind.
fn monday_of(key: &str, file: &str) -> Option<NaiveDate> {
    let folder = key.strip_prefix(NAME)?.strip_prefix("/week=")?.strip_suffix(file)?.strip_suffix('/')?;
    folder.parse().ok()
}

/// The lines of a learner, cut down to the weeks of which no later object knows. A week that a later object was answered
/// about and lacks is no longer known: that loss was accepted.
fn latest(mut objects: Vec<OfObject>, weeks: Weeks, shape: WeekLists<'_>) -> Vec<Line> {
    objects.sort_by_cached_key(|lines| lines.iter().map(|line| line.received_at.clone()).max());
    let mut covered: BTreeSet<NaiveDate> = BTreeSet::new();
    let mut kept = Vec::new();
    for lines in objects.into_iter().rev() {
        let open: BTreeSet<NaiveDate> = weeks.mondays().filter(|day| !covered.contains(day)).collect();
        kept.push(cut(&lines, &open, shape));
        covered.extend(lines.iter().flat_map(|line| shape.spoken_of(line, weeks.mondays())));
    }
    // Of other weeks than the run's, a copy has no entries, and is not to say that there are none.
    kept.into_iter().rev().flatten().map(|line| narrowed(line, weeks.from..weeks.to)).collect()
}

/// Lines cut down to some weeks. Of a week that stands there several times the last count is taken. A line that has no entry
/// of a week that it was asked for says that there is none: entries without a count stay, where there is none.
fn cut(lines: &[Line], open: &BTreeSet<NaiveDate>, shape: WeekLists<'_>) -> Vec<Line> {
    let held = lines.iter().flat_map(|line| shape.holds(line).into_values().flatten());
    let counted: BTreeSet<String> = held.filter(Item::is_value).map(|item| item.name).collect();
    let is_unknown = |item: &Item| {
        !item.is_value()
            && !counted.contains(&item.name)
            && item.name.parse().map_or(true, |day| open.contains(&monday(day)))
    };
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for line in lines.iter().rev() {
        let Some(request) = Request::of(line) else { continue };
        let subject = request.learner.to_string();
        let items = shape.holds(line).remove(&subject).unwrap_or_default();
        let mut places = BTreeSet::new();
        for (place, item) in items.iter().enumerate().rev().filter(|(_, item)| item.is_value()) {
            if item.name.parse().is_ok_and(|day| open.contains(&day)) && seen.insert(item.name.clone()) {
                places.insert(place);
            }
        }
        places.extend(items.iter().enumerate().filter(|(_, item)| is_unknown(item)).map(|(place, _)| place));
        if open.iter().any(|day| request.covers(*day)) {
            kept.push(shape.cut(line, &BTreeMap::from([(subject, Keep::Items(places))])));
        }
    }
    kept.reverse();
    kept
}
