//! Cleans raw objects: bytes become typed rows in the standard zone, invalid rows go to the rejection zone with their
//! reasons, and a ledger entry, written last, accounts for every row.
//!
//! `formats` has the decoders, pure functions of bytes; `writer` makes Parquet in bounded memory; `object` brings one
//! raw object through; this file decides which objects are to be cleaned.

mod duplicates;
mod error;
pub mod event;
pub mod formats;
pub mod handler;
mod large;
mod object;
pub mod reject;
mod scanner;
pub mod writer;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use futures::StreamExt;
use lake::dataset::Dataset;
use lake::ledger::{Gap, Input, Objects, RawEntry, Rows, WholeReject};
use lake::progress::Progress;
use lake::store::{Condition, Object};
use lake::{Lake, keys};
use serde::Serialize;

pub use self::error::{Error, Result, Stop};
pub use self::large::{large_and_stale, of_days};
pub use self::object::decompress;

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
    /// What it says its source could not deliver.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// How many of its columns nobody declared: they are ignored.
    pub ignored_columns: u64,
    /// Keys in the standard zone.
    pub outputs: Vec<String>,
    /// The size of what was written, in bytes.
    #[serde(skip)]
    pub bytes: u64,
    /// The newest local day of its rows.
    #[serde(skip)]
    pub newest_day: Option<NaiveDate>,
}

impl From<RawEntry> for Cleaned {
    fn from(entry: RawEntry) -> Self {
        Self {
            raw_key: entry.raw_key().to_owned(),
            newest_day: entry.newest_day(),
            bytes: entry.outputs.iter().chain(&entry.rejects).map(|output| output.bytes).sum(),
            dataset: entry.dataset,
            table: entry.table,
            rows: entry.rows,
            rejected_whole: entry.rejected,
            gaps: entry.gaps,
            ignored_columns: entry.ignored_columns,
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
    pub too_large: Vec<String>,
}

/// Cleans the selected raw objects, `workers` at a time. Those that are for AWS Batch are only named.
pub async fn clean(lake: &Lake, selection: &Selection, workers: usize, progress: &dyn Progress) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    if let Selection::Stale(None) | Selection::All(None) | Selection::Rejected(None) = selection {
        outcome.failed.extend(lake.catalog.broken().map(Error::Lake));
    }
    let mut todo = match selection {
        Selection::Keys(keys) => keys.clone(),
        Selection::Stale(dataset) => tidy_survey(lake, dataset.as_deref(), &mut outcome, Wanted::Stale).await?,
        Selection::All(dataset) => {
            let todo = tidy_survey(lake, dataset.as_deref(), &mut outcome, Wanted::All).await?;
            remove_orphans(lake, dataset.as_deref()).await?;
            todo
        }
        Selection::Rejected(dataset) => tidy_survey(lake, dataset.as_deref(), &mut outcome, Wanted::Rejected).await?,
    };
    if lake.batch.is_some() {
        for key in std::mem::take(&mut todo) {
            let list = if large::large(lake, &key).await?.is_some() { &mut outcome.too_large } else { &mut todo };
            list.push(key);
        }
    }
    progress.begin("clean", todo.len() as u64);
    let mut work = futures::stream::iter(todo.into_iter().map(|key| async move {
        let done = one(lake, &key).await;
        (key, done)
    }))
    .buffer_unordered(workers.max(1));
    while let Some((key, done)) = work.next().await {
        progress.advance(&key);
        match done {
            Ok(cleaned) => outcome.cleaned.push(cleaned),
            Err(error) => {
                tracing::warn!(%key, %error, "failed to clean a raw object");
                outcome.failed.push(error);
            }
        }
    }
    progress.end();
    outcome.cleaned.sort_by(|a, b| a.raw_key.cmp(&b.raw_key));
    Ok(outcome)
}

/// Cleans one raw object unless the ledger shows it as done: an event may come often, late and out of order, and what
/// counts is the object as it is now. Retracts what was made of an object that is gone. Hidden objects need nothing, nor
/// do those that are there for another one's sake.
pub async fn clean_if_stale(lake: &Lake, raw_key: &str) -> Result<Option<Cleaned>> {
    let dataset = lake.catalog.dataset(keys::dataset(raw_key))?;
    if keys::is_hidden(raw_key) || dataset.table_of(raw_key).is_none() && is_sibling(dataset, raw_key) {
        return Ok(None);
    }
    let entry = retire(lake, raw_key).await?;
    let Some(raw) = lake.raw.head(raw_key).await? else {
        if let Some(entry) = entry {
            retract(lake, &entry).await?;
        }
        return Ok(None);
    };
    if is_current(lake, raw_key, &raw, entry.as_ref()).await? {
        return Ok(None);
    }
    one(lake, raw_key).await.map(Some)
}

/// Whether the ledger shows a raw object as done, with all those that it was cleaned with, and what was made of it is
/// there, where the table has it by now: a writer that came too late may have put what it made of an older one in its place.
async fn is_current(lake: &Lake, raw_key: &str, raw: &Object, entry: Option<&RawEntry>) -> Result<bool> {
    let Some(entry) = entry else { return Ok(false) };
    let table = lake.catalog.dataset(keys::dataset(raw_key))?.table_of(raw_key);
    if !table.is_some_and(|table| entry.fits(table)) {
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

/// The entry of a raw object, after what it says is to be deleted is.
async fn retire(lake: &Lake, raw_key: &str) -> Result<Option<RawEntry>> {
    let Some((mut entry, etag)) = lake.ledger.raw_entry(raw_key).await? else { return Ok(None) };
    object::finish_retirement(lake, &mut entry, &etag).await?;
    Ok(Some(entry))
}

async fn one(lake: &Lake, raw_key: &str) -> Result<Cleaned> {
    let dataset = lake.catalog.dataset(keys::dataset(raw_key))?;
    let Some(table) = dataset.table_of(raw_key).filter(|_| !keys::is_hidden(raw_key)) else {
        return Err(Error::NoTable { key: raw_key.to_owned(), dataset: dataset.name.clone() });
    };
    Ok(object::clean_object(lake, dataset, table, raw_key).await?.into())
}

/// Which raw objects a survey is to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    /// Those that the ledger does not show as done, those whose outputs are not as it says, and those of a table that
    /// lies otherwise by now.
    Stale,
    /// Those, and the ones with rejects.
    Rejected,
}

impl Wanted {
    /// Whether a raw object is wanted, by its ledger entry and whether that is current.
    fn wants(self, entry: Option<&RawEntry>, is_current: impl Fn(&RawEntry) -> bool) -> bool {
        let Some(entry) = entry else { return true };
        match self {
            Wanted::All => true,
            Wanted::Stale => !is_current(entry),
            Wanted::Rejected => entry.rows.rejected > 0 || !is_current(entry),
        }
    }
}

/// The raw objects of some datasets beside the ledger.
#[derive(Default)]
struct Survey {
    todo: Vec<String>,
    up_to_date: u64,
    /// Entries whose raw object is gone.
    gone: Vec<RawEntry>,
    /// Entries with objects that are still to be deleted.
    retiring: Vec<RawEntry>,
}

/// The raw keys that the ledger does not show as done, of one dataset or of all.
pub async fn waiting(lake: &Lake, dataset: Option<&str>) -> Result<Vec<String>> {
    Ok(survey(lake, dataset, Wanted::Stale).await?.todo)
}

/// Finds the raw objects that `wanted` is true for.
async fn survey(lake: &Lake, dataset: Option<&str>, wanted: Wanted) -> Result<Survey> {
    let datasets: Vec<&Dataset> = match dataset {
        Some(name) => vec![lake.catalog.dataset(name)?],
        None => lake.catalog.datasets().iter().collect(),
    };
    let mut found = Survey::default();
    for dataset in datasets {
        // The ledger first: what is ingested and cleaned in between is then cleaned twice, and not taken for gone.
        let entries = lake.ledger.raw_entries(Some(&dataset.name)).await?.readable;
        let mut objects = lake.raw.list(&format!("{}/", dataset.name)).await?;
        objects.retain(|object| !keys::is_hidden(&object.key));
        let etags: BTreeMap<&str, &str> =
            objects.iter().map(|object| (object.key.as_str(), object.etag.as_str())).collect();
        let standard = Objects::list(&lake.standard, &dataset.name).await?;
        let rejection = Objects::list(&lake.rejection, &dataset.name).await?;
        let is_current = |entry: &RawEntry| {
            let is_there = |input: &Input| etags.get(input.key.as_str()) == Some(&input.etag.as_str());
            dataset.table_of(entry.raw_key()).is_some_and(|table| entry.fits(table))
                && entry.inputs.iter().all(is_there)
                && entry.outputs.iter().all(|output| standard.have(output))
                && entry.rejects.iter().all(|rejects| rejection.have(rejects))
        };
        let by_key: BTreeMap<&str, &RawEntry> = entries.iter().map(|entry| (entry.raw_key(), entry)).collect();
        for raw in &objects {
            if dataset.table_of(&raw.key).is_none() {
                if is_sibling(dataset, &raw.key) {
                    continue;
                }
                tracing::warn!(key = %raw.key, "no table takes this raw object; see the `from` globs in dataset.toml");
            } else if wanted.wants(by_key.get(raw.key.as_str()).copied(), is_current) {
                found.todo.push(raw.key.clone());
            } else {
                found.up_to_date += 1;
            }
        }
        for entry in &entries {
            if !etags.contains_key(entry.raw_key()) {
                found.gone.push(entry.clone());
            } else if !entry.retired.is_empty() {
                found.retiring.push(entry.clone());
            }
        }
    }
    Ok(found)
}

/// Whether an object has no table of its own because another one is cleaned with it.
fn is_sibling(dataset: &Dataset, raw_key: &str) -> bool {
    let name = raw_key.rsplit('/').next().unwrap_or(raw_key);
    dataset.tables.iter().any(|table| table.siblings.iter().any(|sibling| sibling == name))
}

/// Surveys, and brings to an end what earlier runs or deleted raw objects left to do.
async fn tidy_survey(lake: &Lake, dataset: Option<&str>, outcome: &mut Outcome, wanted: Wanted) -> Result<Vec<String>> {
    let found = survey(lake, dataset, wanted).await?;
    for entry in &found.gone {
        retract(lake, entry).await?;
        outcome.retracted.push(entry.raw_key().to_owned());
    }
    for entry in found.retiring {
        retire(lake, entry.raw_key()).await?;
    }
    outcome.up_to_date = found.up_to_date;
    Ok(found.todo)
}

/// Removes everything that was made of a raw object that is gone. The entry goes last, so that a killed process
/// starts again here.
async fn retract(lake: &Lake, entry: &RawEntry) -> Result<()> {
    tracing::info!(key = entry.raw_key(), "the raw object is gone: removing what was made of it");
    for output in &entry.outputs {
        lake.standard.delete(&output.key, Condition::Always).await?;
    }
    if let Some(rejects) = &entry.rejects {
        lake.rejection.delete(&rejects.key, Condition::Always).await?;
    }
    if let Some((_, etag)) = lake.ledger.raw_entry(entry.raw_key()).await? {
        lake.ledger.remove(&keys::raw_ledger(entry.raw_key()), &etag).await?;
    }
    Ok(())
}

/// Removes objects of the standard and rejection zones that no ledger entry names: killed writers made them.
async fn remove_orphans(lake: &Lake, dataset: Option<&str>) -> Result<()> {
    let entries = lake.ledger.raw_entries(dataset).await?.readable;
    let named: BTreeSet<&str> = entries
        .iter()
        .flat_map(|entry| entry.outputs.iter().chain(&entry.rejects))
        .map(|output| output.key.as_str())
        .collect();
    let prefix = dataset.map_or_else(String::new, |dataset| format!("{dataset}/"));
    for store in [&lake.standard, &lake.rejection] {
        for object in store.list(&prefix).await? {
            if !named.contains(object.key.as_str()) {
                tracing::info!(key = %object.key, "removing an object that no ledger entry names");
                store.delete(&object.key, Condition::Always).await?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use lake::settings::LakeSettings;
    use lake::store::Condition;

    use super::*;

    /// A lake in a folder, whose dataset `trams` has a table with these options.
    async fn lake_with(folder: &Path, options: &str) -> Lake {
        let config = folder.join("config/datasets/trams");
        std::fs::create_dir_all(&config).unwrap();
        let declared = format!(
            "title = \"T\"\ntime_zone = \"UTC\"\n[table.position]\nfrom = \"*/*.json\"\nformat = \"json\"\n{options}\n\
             [table.position.column.tram]\ntype = \"int64\"\n"
        );
        std::fs::write(config.join("dataset.toml"), declared).unwrap();
        Lake::open(LakeSettings::at(format!("file:{}", folder.display()).parse().unwrap())).await.unwrap()
    }

    #[tokio::test]
    async fn a_table_that_is_cut_otherwise_is_cleaned_again_whoever_asks() {
        const KEY: &str = "trams/date=2026-11-18/a.json";
        let folder = tempfile::tempdir().unwrap();
        let lake = lake_with(folder.path(), "").await;
        lake.raw.put(KEY, "[{\"tram\": 1}]".into(), Condition::Always).await.unwrap();
        let days = "2026-11-18".parse().unwrap().."2026-11-19".parse().unwrap();
        assert!(clean_if_stale(&lake, KEY).await.unwrap().is_some());
        assert_eq!(of_days(&lake, "trams", &days).await.unwrap(), Vec::<String>::new());

        let lake = lake_with(folder.path(), "partition = \"date\"").await;
        assert_eq!(of_days(&lake, "trams", &days).await.unwrap(), [KEY]);
        assert_eq!(waiting(&lake, Some("trams")).await.unwrap(), [KEY]);
        assert!(clean_if_stale(&lake, KEY).await.unwrap().is_some());
        assert!(clean_if_stale(&lake, KEY).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn hidden_objects_and_mere_siblings_need_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake_with(folder.path(), "siblings = [\"lines.txt\"]").await;
        for key in ["trams/_progress/a.json", "trams/1/_a.json", "trams/1/lines.txt", "trams/1/a.json"] {
            lake.raw.put(key, "[]".into(), Condition::Always).await.unwrap();
        }
        assert_eq!(waiting(&lake, Some("trams")).await.unwrap(), ["trams/1/a.json"]);
        for key in ["trams/_progress/a.json", "trams/1/_a.json", "trams/1/lines.txt"] {
            assert_eq!(clean_if_stale(&lake, key).await.unwrap(), None, "{key}");
        }
        assert!(one(&lake, "trams/_progress/a.json").await.unwrap_err().to_string().contains("no table"));
        assert_eq!(clean_if_stale(&lake, "trams/1/a.json").await.unwrap().unwrap().table, "position");
    }
}
