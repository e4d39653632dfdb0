//! The API of Codetrack: what the learners of a coding course did each week.
//!
//! * [`model`]: learners, generated from the seed, and what they did, as a function of learner and week
//! * [`routes`]: the API itself

mod accessors;
mod model;
mod routes;

pub use self::model::Profile;

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use chrono::NaiveDate;
use serde_json::{Value, json};

use self::model::{Learner, World};
use crate::Options;
use crate::counts::Counts;

pub(crate) use self::routes::{BASE, router};

/// A learner of the roster who has an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LearnerInfo {
    /// Id of the account.
    pub id: i64,
    /// Invented, below example.org.
    pub email: String,
    /// A name, not a number: `10.1` and `10.10` are two cohorts.
    pub cohort: String,
    /// How the learner fares.
    pub profile: Profile,
}

/// What a learner did in a week.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Week {
    /// The Monday it begins with.
    pub monday: NaiveDate,
    /// Points, or the number of commits.
    pub points: i64,
}

/// The generated world, and what happened to it since.
#[derive(Debug)]
pub(crate) struct Codetrack {
    world: World,
    counts: Counts,
    corrections: RwLock<HashMap<(i64, NaiveDate), i64>>,
    /// Learners of whom nothing can be had: requests for them fail.
    failing: RwLock<HashSet<i64>>,
}

impl Codetrack {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            world: World::generate(options),
            counts: Counts::default(),
            corrections: RwLock::default(),
            failing: RwLock::default(),
        }
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn fail_learners(&self, ids: Vec<i64>) {
        *self.failing.write().unwrap_or_else(PoisonError::into_inner) = ids.into_iter().collect();
    }

    fn is_failing(&self, id: i64) -> bool {
        self.failing.read().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    pub(crate) fn learners(&self) -> Vec<LearnerInfo> {
        let info = |one: &Learner| LearnerInfo {
            id: one.id,
            email: one.email.clone(),
            cohort: one.cohort.name.to_owned(),
            profile: one.profile,
        };
        self.world.learners.iter().map(info).collect()
    }

    /// Sets the points of a week the server has points of. Gives whether it has.
    pub(crate) fn correct(&self, monday: NaiveDate, id: i64, points: i64) -> bool {
        let known = self.scores(id).is_some_and(|weeks| weeks.iter().any(|week| week.monday == monday));
        if known {
            self.corrections.write().unwrap_or_else(PoisonError::into_inner).insert((id, monday), points);
        }
        known
    }

    /// Newest first, or `None` for an unknown learner.
    pub(crate) fn scores(&self, id: i64) -> Option<Vec<Week>> {
        let mut weeks = self.world.scores(self.world.find(id)?);
        let corrections = self.corrections.read().unwrap_or_else(PoisonError::into_inner);
        for week in &mut weeks {
            week.points = corrections.get(&(id, week.monday)).copied().unwrap_or(week.points);
        }
        Some(weeks)
    }

    /// As [`Self::scores`].
    pub(crate) fn commits(&self, id: i64) -> Option<Vec<Week>> {
        Some(self.world.commits(self.world.find(id)?))
    }

    /// The learners and what a list kept by hand has besides: one without account and one whose account was
    /// given up, and someone listed twice.
    pub(crate) fn roster(&self) -> Value {
        let entry = |one: &Learner| {
            json!({"name": one.name, "email": one.email, "id": one.id, "cohort": one.cohort.name,
                "leetcode_id": one.leetcode_id})
        };
        let without = |name: &str, id: i64, cohort: &str| {
            json!({"name": format!("{name} Example"), "email": format!("{}@example.org", name.to_lowercase()),
                "id": id, "cohort": cohort, "leetcode_id": null})
        };
        let mut entries: Vec<Value> = self.world.learners.iter().map(entry).collect();
        entries.insert(entries.len() / 2, without("Newcomer", 0, "10.10"));
        entries.push(without("Leaver", -1, "7.3"));
        entries.extend(self.world.learners.iter().skip(2).take(1).map(entry));
        entries.into()
    }
}

#[cfg(test)]
mod tests;
