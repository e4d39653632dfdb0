//! What a run has fetched of a school year so far, kept in the raw zone below `year=24-25/_progress/`, where no table
//! looks.
//!
//! The folder in it is named after the requests and settings it is good for. `assessments.ndjson` is written first: the
//! list that all else follows, and whose age is that of the whole. `0003.responses_group.ndjson` holds the answers for the
//! fourth part of that list, each complete with all of its pages. What belongs to other settings, or is too old, is
//! removed at the next start, and everything when the year is complete.

use chrono::{DateTime, TimeDelta, Utc};
use lake::hash;
use lake::store::{Condition, Store};

use super::SchoolYear;
use crate::error::Result;
use crate::raw::{self, Line};

/// The claim of the run that fetches a school year: only that run touches the progress.
pub fn claim_key(year: &SchoolYear) -> String {
    format!("{}_progress/claim.json", year.folder())
}

/// The progress of one school year.
pub struct Progress<'a> {
    store: &'a Store,
    folder: String,
    /// Whether an earlier run has begun.
    begun: bool,
}

impl<'a> Progress<'a> {
    /// Finds what an earlier run left, if it is not older than `resume_for`.
    pub async fn open(
        store: &'a Store,
        year: &SchoolYear,
        good_for: &[&str],
        now: DateTime<Utc>,
        resume_for: TimeDelta,
    ) -> Result<Self> {
        let above = format!("{}_progress/", year.folder());
        let name = hash::texts(good_for.iter().copied());
        let mut progress = Self { store, folder: format!("{above}{}/", name.get(..16).unwrap_or(&name)), begun: false };
        let list = raw::read_lines(store, &progress.list_key()).await?;
        let began = list.first().and_then(|line| DateTime::parse_from_rfc3339(&line.received_at).ok());
        progress.begun = began.is_some_and(|began| (TimeDelta::zero()..resume_for).contains(&(now - began.to_utc())));
        let kept = |key: &str| key == claim_key(year) || progress.begun && key.starts_with(&progress.folder);
        for object in store.list(&above).await?.into_iter().filter(|object| !kept(&object.key)) {
            store.delete(&object.key, Condition::Always).await?;
        }
        Ok(progress)
    }

    /// The list of assessments, if an earlier run has begun.
    pub async fn list(&self) -> Result<Option<Vec<Line>>> {
        Ok(if self.begun { Some(raw::read_lines(self.store, &self.list_key()).await?) } else { None })
    }

    /// Begins with a list of assessments.
    pub async fn begin(&self, list: &[Line]) -> Result<()> {
        self.put(self.list_key(), list).await
    }

    /// What there is of one part of the list and one kind of result.
    pub async fn part(&self, number: usize, kind: &str) -> Result<Vec<Line>> {
        raw::read_lines(self.store, &self.part_key(number, kind)).await
    }

    /// Keeps the answers of one part of the list and one kind of result.
    pub async fn keep(&self, number: usize, kind: &str, lines: &[Line]) -> Result<()> {
        self.put(self.part_key(number, kind), lines).await
    }

    /// Removes everything: the list first, without which the rest is unusable.
    pub async fn remove(self) -> Result<()> {
        self.store.delete(&self.list_key(), Condition::Always).await?;
        for object in self.store.list(&self.folder).await? {
            self.store.delete(&object.key, Condition::Always).await?;
        }
        Ok(())
    }

    fn list_key(&self) -> String {
        format!("{}assessments.ndjson", self.folder)
    }

    fn part_key(&self, number: usize, kind: &str) -> String {
        format!("{}{number:04}.{kind}.ndjson", self.folder)
    }

    async fn put(&self, key: String, lines: &[Line]) -> Result<()> {
        self.store.put(&key, raw::render(lines), Condition::Always).await?;
        Ok(())
    }
}
