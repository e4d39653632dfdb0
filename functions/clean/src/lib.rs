//! Cleans raw objects: bytes become typed rows in the standard zone, invalid rows go to the rejection zone with their
//! reasons, and a ledger entry, written last, accounts for every row.
//!
//! `formats` has the decoders, pure functions of bytes; `writer` makes Parquet in bounded memory; `object` brings one
//! raw object through; this file decides which objects are to be cleaned.

mod commit;
mod decode;
mod duplicates;
mod error;
pub mod event;
pub mod formats;
pub mod handler;
mod ignored;
mod key;
mod large;
mod object;
mod part;
pub mod reasons;
pub mod reject;
mod retract;
pub mod run;
mod scanner;
pub mod spill;
mod survey;
pub mod sweep;
mod waiting;
pub mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use futures::StreamExt;
use lake::dataset::{Dataset, Table};
use lake::ledger::{Gap, Keep, LeftOut, RawEntry, Reasons, Rows, Unreadable, WholeReject};
use lake::progress::Progress;
use lake::settings::Zone;
use lake::store::Object;
use lake::{Lake, guard, keys, work};
use serde::Serialize;

pub use self::decode::decompress;
pub use self::error::{Error, Result, Stop};
pub use self::ignored::{Ignored, ignored};
pub use self::large::{large_and_stale, of_days};
pub use self::retract::forget;
use self::survey::{Survey, Wanted, survey, tidy};
pub use self::waiting::{Waiting, waiting, waiting_beside};

/// Which raw objects to clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Those that the ledger does not show as done, of one dataset or of all.
    Stale(Option<String>),
    /// All of them, from scratch, of one dataset or of all; what no raw object stands for any more is removed.
    All(Option<String>),
    /// Those with rejects, of one dataset or of all.
    Rejected(Option<String>),
    /// These, by raw key.
    Keys(Vec<String>),
}

/// How to clean.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Objects cleaned at the same time.
    pub workers: usize,
    /// Whether it is meant that many raw objects of a dataset are gone.
    pub prune: bool,
    /// The share of an object's rows that may be rejected, from 0 to 1; beyond it the object counts as failed.
    pub max_rejected: f64,
    /// The time, by which a sweep leaves young objects alone.
    pub now: DateTime<Utc>,
}

/// Objects that one run cleans again only because an older version wrote what was made of them (the same rows, in other
/// bytes), or rejected rows of them that the decoders may read by now. The others follow in the next runs.
const OLDER_PER_RUN: usize = if cfg!(test) { 50 } else { 1000 };

/// The share of an object's rows that may be rejected, unless the caller says otherwise.
pub const MAX_REJECTED: f64 = 0.5;

/// What became of one raw object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cleaned {
    /// The raw object's key.
    pub raw_key: String,
    /// The dataset.
    pub dataset: String,
    /// The table it feeds.
    pub table: String,
    /// The account of its rows.
    #[serde(flatten)]
    pub rows: Rows,
    /// Why it was rejected as a whole, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_whole: Option<WholeReject>,
    /// Its rejected rows by reason, each with the first one's line or index.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: Reasons,
    /// What it says its source could not deliver.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// How many of its columns nobody declared: they are ignored.
    pub ignored_columns: u64,
    /// How many of its lines are no rows by its table's declaration: before the header, or comments.
    #[serde(skip_serializing_if = "is_zero")]
    pub preamble: u64,
    /// What it has, as an archive, that its table's `entries` leaves out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    /// Keys in the standard zone.
    pub outputs: Vec<String>,
    /// The size of what was written, in bytes.
    #[serde(skip)]
    pub bytes: u64,
    /// The newest local day of its rows.
    #[serde(skip)]
    pub newest_day: Option<NaiveDate>,
}

/// The newest day that rows may have by the calendar of any zone.
fn tomorrow() -> NaiveDate {
    let today = Utc::now().date_naive();
    today.succ_opt().unwrap_or(today)
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl From<RawEntry> for Cleaned {
    fn from(entry: RawEntry) -> Self {
        Self {
            raw_key: entry.raw_key().to_owned(),
            newest_day: entry.newest_day(tomorrow()),
            bytes: entry.outputs.iter().chain(&entry.rejects).map(|output| output.bytes).sum(),
            dataset: entry.dataset,
            table: entry.table,
            rows: entry.rows,
            rejected_whole: entry.rejected,
            reasons: entry.reasons,
            gaps: entry.gaps,
            ignored_columns: entry.ignored_columns,
            preamble: entry.preamble,
            left_out: entry.left_out,
            outputs: entry.outputs.into_iter().map(|output| output.key).collect(),
        }
    }
}

/// What became of all.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The objects that were cleaned, by raw key.
    pub cleaned: Vec<Cleaned>,
    /// Objects that failed: the others are done nevertheless.
    pub failed: Vec<Error>,
    /// Raw keys whose object is gone, with everything that was made from it.
    pub retracted: Vec<String>,
    /// How many objects needed nothing.
    pub up_to_date: u64,
    /// Objects that were left alone, because they are for AWS Batch.
    pub too_large: Vec<Object>,
    /// What there was before of the datasets of which all objects were looked at.
    pub newest: NewestDays,
    /// What no dataset or table takes, but for hidden objects, where all were looked at.
    pub ignored: Ignored,
    /// How many objects were cleaned by rules that have changed since, and are not cleaned again for that.
    pub by_older_rules: u64,
}

/// The newest day of each table that has data, by dataset and table.
pub type NewestDays = BTreeMap<String, BTreeMap<String, sweep::Newest>>;

/// Cleans the selected raw objects, some at a time. Those that are for AWS Batch are only named.
pub async fn clean(lake: &Lake, selection: &Selection, options: Options, progress: &dyn Progress) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    if let Selection::Stale(None) | Selection::All(None) | Selection::Rejected(None) = selection {
        outcome.failed.extend(lake.catalog.broken().map(Error::Lake));
    }
    let found = match selection {
        Selection::Keys(keys) => {
            // One that is named twice is cleaned once: two tries of one writer do not see each other.
            let keys: BTreeSet<&String> = keys.iter().collect();
            Survey { todo: keys.into_iter().cloned().collect(), ..Survey::default() }
        }
        Selection::Stale(dataset) => survey(lake, dataset.as_deref(), Wanted::Stale, Keep::Snapshot).await?,
        Selection::All(dataset) => survey(lake, dataset.as_deref(), Wanted::All, Keep::Snapshot).await?,
        Selection::Rejected(dataset) => survey(lake, dataset.as_deref(), Wanted::Rejected, Keep::Snapshot).await?,
    };
    tidy(lake, &found, options.prune, &mut outcome).await;
    let Survey { mut todo, older, discarded, newest, ignored, by_older_rules, .. } = found;
    (outcome.newest, outcome.ignored, outcome.by_older_rules) = (newest, ignored, by_older_rules);
    if let Selection::Stale(None) | Selection::All(None) | Selection::Rejected(None) = selection {
        ignored::of_no_dataset(lake, &mut outcome.ignored).await?;
    }
    if lake.batch.is_some() {
        for key in std::mem::take(&mut todo) {
            match large::large(lake, &key).await? {
                Some(raw) => outcome.too_large.push(raw),
                None => todo.push(key),
            }
        }
    }
    progress.begin("clean", todo.len() as u64);
    let all = Arc::new(All { lake: lake.clone(), discarded });
    let mut work = futures::stream::iter(todo.into_iter().map(|key| {
        let all = Arc::clone(&all);
        async move {
            let done = all.one(&key).await;
            (key, done)
        }
    }))
    .buffer_unordered(options.workers.max(1));
    while let Some((key, done)) = work.next().await {
        progress.advance(&key);
        match done {
            Ok(cleaned) => {
                // What an older version has rejected already is no news.
                if older.get(&key).is_none_or(|rejected| cleaned.rows.rejected > *rejected) {
                    outcome.failed.extend(too_many_rejects(&cleaned, options.max_rejected));
                }
                outcome.cleaned.push(cleaned);
            }
            // Deleted since it was listed: the next survey retracts it. A key that was asked for may be a mistake.
            Err(Error::Gone { .. }) if !matches!(selection, Selection::Keys(_)) => {}
            Err(error) => {
                tracing::info!(%key, %error, "failed to clean a raw object");
                outcome.failed.push(error);
            }
        }
    }
    progress.end();
    outcome.cleaned.sort_by(|a, b| a.raw_key.cmp(&b.raw_key));
    if let Selection::All(dataset) = selection {
        for dataset in selected(lake, dataset.as_deref())? {
            if let Err(refused) = retract::remove_orphans(lake, dataset, options.now, options.prune).await {
                outcome.failed.push(refused);
            }
        }
    }
    Ok(outcome)
}

/// What the objects of one run share.
struct All {
    lake: Lake,
    /// Entries that are to be discarded before their object is cleaned, by raw key.
    discarded: BTreeMap<String, Unreadable>,
}

impl All {
    /// Cleans an object. In a local lake all of it is work that blocks, dozens of small pieces for each object: one thread
    /// does them all.
    async fn one(self: Arc<Self>, key: &str) -> Result<Cleaned> {
        if !Zone::ALL.iter().all(|zone| self.lake.store(*zone).is_local()) {
            return self.one_here(key).await;
        }
        let owned = key.to_owned();
        let done = work::alone(move || async move { self.one_here(&owned).await }).await;
        done.unwrap_or_else(|stopped| Err(Error::Broken { key: key.to_owned(), why: stopped.to_string() }))
    }

    async fn one_here(&self, key: &str) -> Result<Cleaned> {
        if let Some(unreadable) = self.discarded.get(key) {
            retract::forget(&self.lake, unreadable).await?;
        }
        one(&self.lake, key).await
    }
}

/// An object is done whatever is rejected of it, but a caller that hears only of success would not look.
fn too_many_rejects(cleaned: &Cleaned, max_rejected: f64) -> Option<Error> {
    let Rows { read, rejected, .. } = cleaned.rows;
    let share = rejected as f64 / read.max(1) as f64;
    (rejected > 0 && share > max_rejected).then(|| Error::Rejected {
        key: cleaned.raw_key.clone(),
        rejected,
        read,
        why: cleaned.rejected_whole.as_ref().map(|whole| format!(": {}", whole.message)).unwrap_or_default(),
        max_rejected,
    })
}

/// Cleans one raw object unless the ledger shows it as done: an event may come often, late and out of order, and what
/// counts is the object as it is now. Retracts what was made of an object that is gone, unless it is one of many and
/// `prune` does not say that this is meant. Hidden objects need nothing, nor do those that are there for another one's
/// sake.
pub async fn clean_if_stale(lake: &Lake, raw_key: &str, prune: bool) -> Result<Option<Cleaned>> {
    match look_and_clean(lake, raw_key, prune).await {
        // It was there a moment ago.
        Err(Error::Gone { .. }) => look_and_clean(lake, raw_key, prune).await,
        done => done,
    }
}

async fn look_and_clean(lake: &Lake, raw_key: &str, prune: bool) -> Result<Option<Cleaned>> {
    if keys::is_folder(raw_key) {
        return Ok(None);
    }
    let dataset = lake.catalog.dataset(keys::dataset(raw_key))?;
    if keys::is_hidden(raw_key) || dataset.table_of(raw_key).is_none() && is_sibling(dataset, raw_key) {
        return Ok(None);
    }
    let Some(raw) = lake.raw.head(raw_key).await? else {
        let is_known = lake.ledger.raw_entry(raw_key).await?.is_some();
        if is_known && !prune {
            guard::ensure_root(&lake.raw, Zone::Raw).await?;
            retract::check_share(lake, &dataset.name).await?;
        }
        if is_known {
            retract::retract(lake, raw_key).await?;
        }
        return Ok(None);
    };
    let entry = lake.ledger.raw_entry(raw_key).await?.map(|(entry, _)| entry);
    if !is_current(lake, raw_key, &raw, entry.as_ref()).await? {
        return one(lake, raw_key).await.map(Some);
    }
    if entry.is_some_and(|entry| !entry.beside.is_empty()) {
        commit::settle(lake, raw_key).await?;
    }
    Ok(None)
}

/// Whether the ledger shows a raw object as done, with all those that it was cleaned with, and what was made of it is
/// there, where the table has it by now: a writer that came too late may have put what it made of an older one in its place.
async fn is_current(lake: &Lake, raw_key: &str, raw: &Object, entry: Option<&RawEntry>) -> Result<bool> {
    let Some(entry) = entry else { return Ok(false) };
    let table = lake.catalog.dataset(keys::dataset(raw_key))?.table_of(raw_key);
    if !table.is_some_and(|table| entry.fits(table) && !entry.is_outdated(table)) {
        return Ok(false);
    }
    if !has_time(entry, raw.last_modified) {
        return Ok(false);
    }
    for input in &entry.inputs {
        let there = if input.key == raw_key { Some(raw.clone()) } else { lake.raw.head(&input.key).await? };
        if there.is_none_or(|there| there.etag != input.etag) {
            return Ok(false);
        }
    }
    let made = entry.outputs.iter().map(|output| (&lake.standard, output));
    for (store, output) in made.chain(entry.rejects.iter().map(|rejects| (&lake.rejection, rejects))) {
        if store.head(&output.key).await?.is_none_or(|there| there.etag != output.etag) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an entry has the raw object's time, where that is part of what was made: the same bytes that arrive again are
/// newer than they were, in a lake that has them already as in one that does not.
fn has_time(entry: &RawEntry, last_modified: DateTime<Utc>) -> bool {
    let arrived = decode::whole_seconds(last_modified);
    entry.received_at.is_none_or(|time| time == arrived) && entry.arrived.is_none_or(|time| time == arrived)
}

async fn one(lake: &Lake, raw_key: &str) -> Result<Cleaned> {
    let (dataset, table) = place_of(lake, raw_key)?;
    Ok(object::clean_object(lake, dataset, table, raw_key).await?.into())
}

/// The dataset and table that take a raw object.
fn place_of<'l>(lake: &'l Lake, raw_key: &str) -> Result<(&'l Dataset, &'l Table)> {
    let dataset = lake.catalog.dataset(keys::dataset(raw_key))?;
    if keys::is_hidden(raw_key) {
        return Err(Error::Hidden { key: raw_key.to_owned() });
    }
    let table = dataset.table_of(raw_key);
    let table = table.ok_or_else(|| Error::NoTable { key: raw_key.to_owned(), dataset: dataset.name.clone() })?;
    Ok((dataset, table))
}

fn selected<'l>(lake: &'l Lake, dataset: Option<&str>) -> Result<Vec<&'l Dataset>> {
    Ok(match dataset {
        Some(name) => vec![lake.catalog.dataset(name)?],
        None => lake.catalog.datasets().iter().collect(),
    })
}

/// Whether an object has no table of its own because another one is cleaned with it.
fn is_sibling(dataset: &Dataset, raw_key: &str) -> bool {
    let name = raw_key.rsplit('/').next().unwrap_or(raw_key);
    dataset.tables.iter().any(|table| table.siblings.iter().any(|sibling| sibling == name))
}

#[cfg(test)]
mod tests;
