//! What the raw objects of other weeks have of the weeks, and of the accounts, that a run asks for.
//!
//! A week's object asks for the weeks before it once more, and newer rows win: what becomes of them is decided in
//! [`super::merge`]. Of accounts the newest week's counts. A learner about whom there is no answer has no account in the new
//! week, which hides nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use lake::store::Store;

use super::both::Kind;
use super::known::Held;
use super::{LISTS, NAME, Request, Weeks, key};
use crate::error::Result;
use crate::raw::{self, Line};

/// What the other objects that reach into a run's weeks have about each learner.
pub async fn held(store: &Store, week: NaiveDate, weeks: Weeks, learners: &[i64]) -> Result<BTreeMap<i64, Vec<Held>>> {
    let mut found: BTreeMap<i64, Vec<Held>> = learners.iter().map(|learner| (*learner, Vec::new())).collect();
    let mut folders: BTreeMap<NaiveDate, BTreeSet<String>> = BTreeMap::new();
    for object in store.list(&format!("{NAME}/week=")).await? {
        let is_of = |list: Kind| monday_of(&object.key, &format!("{}.ndjson", LISTS[list].file));
        let monday = Kind::BOTH.into_iter().find_map(is_of);
        // An object has weeks up to its own one.
        if let Some(monday) = monday.filter(|monday| *monday != week && *monday >= weeks.from) {
            folders.entry(monday).or_default().insert(object.key);
        }
    }
    for (folder, keys) in folders {
        let is_half = !keys.contains(&key(folder, LISTS.points));
        let mut of_learners: BTreeMap<i64, Held> = BTreeMap::new();
        for list in Kind::BOTH {
            let lines = raw::read_lines(store, &key(folder, LISTS[list])).await?;
            for (learner, lines) in by_learner(lines) {
                let held = of_learners.entry(learner).or_default();
                (held.key, held.is_half) = (folder.to_string(), is_half);
                held.lists[list] = lines;
            }
        }
        for (learner, held) in of_learners {
            if let Some(objects) = found.get_mut(&learner) {
                objects.push(held);
            }
        }
    }
    Ok(found)
}

/// The lines of an object by learner. Those of none are left out.
pub fn by_learner(lines: Vec<Line>) -> BTreeMap<i64, Vec<Line>> {
    let mut found: BTreeMap<i64, Vec<Line>> = BTreeMap::new();
    for line in lines {
        if let Some(request) = Request::of(&line) {
            found.entry(request.learner).or_default().push(line);
        }
    }
    found
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
async fn answers(store: &Store, key: &str) -> Result<BTreeMap<i64, Vec<Line>>> {
    Ok(by_learner(raw::read_lines(store, key).await?.into_iter().filter(Line::is_answer).collect()))
}

/// The Monday of a week's raw object, if it is of a kind.
fn monday_of(key: &str, file: &str) -> Option<NaiveDate> {
    let folder = key.strip_prefix(NAME)?.strip_prefix("/week=")?.strip_suffix(file)?.strip_suffix('/')?;
    folder.parse().ok()
}
