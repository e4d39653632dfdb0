//! The REST API of Illuminate Education DnA: results of school assessments.
//!
//! * [`catalogue`]: fixed tables of titles, standards and labels
//! * [`model`]: assessments and students, generated from the seed
//! * [`results`]: who achieved what, as a function of assessment, student and sitting
//! * [`json`]: rows on their way out, as text or numbers
//! * [`roster`]: the school's list of students
//! * [`tokens`] and [`routes`]: the API itself

mod accessors;
mod catalogue;
mod json;
mod model;
mod results;
mod roster;
mod routes;
mod tokens;

pub use self::results::Endpoint;
pub use self::routes::{CLIENT_ID, CLIENT_SECRET};

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use serde_json::Value;

use self::json::{Fields, Form, Scalar, object};
use self::model::{Assessment, World};
use self::results::Window;
use self::tokens::Tokens;
use crate::counts::Counts;
use crate::random::{Purpose, bits};
use crate::{AuthFailure, Options};

pub(crate) use self::routes::{BASE, router};

/// An assessment, as far as a client can know it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AssessmentInfo {
    /// A number or 24 hexadecimal digits.
    pub id: String,
    /// May be missing or empty.
    pub title: Option<String>,
    /// The grade, `K` or a number, unless there are several.
    pub grade_levels: Option<String>,
    /// Whether the metadata have it. Others answer all the same.
    pub listed: bool,
}

/// The generated world, and what happened to it since.
#[derive(Debug)]
pub(crate) struct Illuminate {
    world: World,
    tokens: Tokens,
    /// What `expires_in` tells.
    told_seconds: Option<u64>,
    auth_failure: AuthFailure,
    volatile_count: bool,
    counts: Counts,
    /// Assessments whose results cannot be had: requests for them fail.
    failing: RwLock<HashSet<String>>,
}

impl Illuminate {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            world: World::generate(options),
            tokens: Tokens::new(options.seed, options.token_seconds),
            told_seconds: options.token_expires_in.then(|| options.token_told_seconds.unwrap_or(options.token_seconds)),
            auth_failure: options.auth_failure,
            volatile_count: options.volatile_count,
            counts: Counts::default(),
            failing: RwLock::new(options.failing_assessments.iter().cloned().collect()),
        }
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn expire_tokens(&self) {
        self.tokens.expire_all();
    }

    pub(crate) fn expire_tokens_at(&self, requests: &[u64]) {
        self.tokens.expire_at(requests);
    }

    pub(crate) fn roster(&self) -> String {
        self.world.roster()
    }

    pub(crate) fn fail_assessments(&self, ids: Vec<String>) {
        *self.failing.write().unwrap_or_else(PoisonError::into_inner) = ids.into_iter().collect();
    }

    fn is_failing(&self, id: &str) -> bool {
        self.failing.read().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    pub(crate) fn assessments(&self) -> Vec<AssessmentInfo> {
        let info = |one: &Assessment| AssessmentInfo {
            id: one.id.clone(),
            title: one.title.clone(),
            grade_levels: one.grade_levels(),
            listed: one.listed,
        };
        self.world.assessments.iter().map(info).collect()
    }

    /// The rows of an answer that holds all pages, or none for an assessment that is not known.
    pub(crate) fn rows(&self, id: &str, endpoint: Endpoint, window: &Window) -> Vec<Value> {
        let known = self.world.find(id);
        let rows = known.map(|assessment| self.world.rows(assessment, endpoint, window)).unwrap_or_default();
        rows.into_iter().map(|row| object(row.fields(self.world.seed), Form::Typed)).collect()
    }

    pub(crate) fn metadata_rows(&self) -> Vec<Value> {
        self.metadata().into_iter().map(|one| object(self.metadata_row(one), Form::Typed)).collect()
    }

    /// What is listed, in the order of the server. The second assessment is listed twice.
    fn metadata(&self) -> Vec<&Assessment> {
        let listed = || self.world.assessments.iter().filter(|one| one.listed);
        listed().chain(listed().skip(1).take(1)).collect()
    }

    fn metadata_row(&self, one: &Assessment) -> Fields {
        let (subject_id, subject) = one.subject.named();
        let updated = one.created + chrono::TimeDelta::hours(one.key as i64 % 300);
        vec![
            ("assessment_id", Scalar::id(&one.id)),
            ("local_assessment_id", Scalar::Null),
            ("title", Scalar::optional(one.title.as_deref(), Scalar::text)),
            ("description", Scalar::text("")),
            ("author_id", Scalar::id(70 + bits(self.world.seed, Purpose::AssessmentId, &[one.key]) % 9)),
            ("district_author_id", Scalar::Null),
            ("author_first", Scalar::text("Ada")),
            ("author_last", Scalar::text("Example")),
            ("created_at", Scalar::text(one.created.to_string())),
            ("updated_at", Scalar::text(updated.to_string())),
            ("scope_id", Scalar::id(3)),
            ("scope", Scalar::text("Grade Level")),
            ("subject_id", Scalar::id(subject_id)),
            ("subject", Scalar::text(subject)),
            ("grade_levels", Scalar::optional(one.grade_levels(), Scalar::Id)),
        ]
    }
}

#[cfg(test)]
mod tests;
