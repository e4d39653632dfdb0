//! The ledger: what went in and what came out, one small JSON record per raw object and per consumption partition.
//!
//! A raw object's entry is written after all of its outputs, and conditionally: it is the commit. What is in a zone
//! but in no entry does not exist for readers, and `tributary verify` calls it an orphan.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::dataset::Table;
use crate::error::{Error, Result};
use crate::keys;
use crate::partition::Partition;
use crate::store::{Condition, Failure, Object, Store, StoreError};

/// Entries read at the same time.
const CONCURRENT_READS: usize = 64;

/// The account of one raw object's rows. `read` is always the sum of the four that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rows {
    /// Rows found in the object.
    pub read: u64,
    /// Rows written to the standard zone.
    pub clean: u64,
    /// Rows written to the rejection zone.
    pub rejected: u64,
    /// Rows whose key came again later in the same object.
    pub duplicate: u64,
    /// Values beyond the window that was asked for.
    pub outside: u64,
    /// Clean rows whose main value is missing (part of `clean`).
    #[serde(default)]
    pub missing: u64,
}

impl Rows {
    /// Whether no row is lost.
    pub fn balance(&self) -> bool {
        self.read == self.clean + self.rejected + self.duplicate + self.outside
    }

    /// Adds another account.
    pub fn add(&mut self, other: &Rows) {
        self.read += other.read;
        self.clean += other.clean;
        self.rejected += other.rejected;
        self.duplicate += other.duplicate;
        self.outside += other.outside;
        self.missing += other.missing;
    }
}

/// An object that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The key in its zone.
    pub key: String,
    /// The partition it belongs to.
    pub partition: Partition,
    /// Rows in it.
    pub rows: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// The store's ETag.
    pub etag: String,
    /// XXH3-128 of its bytes, whatever the store.
    pub hash: String,
    /// First and last local day of its rows, where the table has a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<(NaiveDate, NaiveDate)>,
}

/// The objects that a zone holds of one dataset.
#[derive(Debug)]
pub struct Objects(BTreeMap<String, String>);

impl Objects {
    /// Lists them.
    pub async fn list(store: &Store, dataset: &str) -> Result<Self> {
        let objects = store.list(&format!("{dataset}/")).await?;
        Ok(Self(objects.into_iter().map(|object| (object.key, object.etag)).collect()))
    }

    /// Whether an output is there as its entry says.
    pub fn have(&self, output: &Output) -> bool {
        self.0.get(&output.key) == Some(&output.etag)
    }
}

/// A raw object that outputs were made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Input {
    /// The key in its zone.
    pub key: String,
    /// Its ETag when it was read.
    pub etag: String,
}

/// What a source could not deliver, as its raw object says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// What is missing, in the source's words (series ids, for one).
    pub what: Vec<String>,
    /// Why.
    pub reason: String,
    /// Whether asking again can fill it.
    pub can_retry: bool,
}

/// Why a whole raw object was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeReject {
    /// A stable code.
    pub reason: String,
    /// The same for people.
    pub message: String,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The ledger entry of a raw object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawEntry {
    /// The object and the siblings that its outputs were made from; the object itself is the first.
    pub inputs: Vec<Input>,
    /// The object's version, where its store keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The object's size.
    pub bytes: u64,
    /// The dataset.
    pub dataset: String,
    /// The table that it feeds.
    pub table: String,
    /// The fingerprint of the rules it was cleaned by.
    pub rules: String,
    /// How the table's objects lay in the standard zone.
    #[serde(default)]
    pub layout: String,
    /// The account of its rows.
    pub rows: Rows,
    /// Why it was rejected as a whole, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<WholeReject>,
    /// What it says its source could not deliver.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// How many columns of the object nobody declared.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ignored_columns: u64,
    /// When the object arrived, where only the newest object counts (a snapshot).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived: Option<DateTime<Utc>>,
    /// Objects in the standard zone.
    pub outputs: Vec<Output>,
    /// Objects of an earlier cleaning that this one no longer makes: to be deleted, then forgotten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<String>,
    /// The object in the rejection zone, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<Output>,
}

impl RawEntry {
    /// The raw object's key.
    pub fn raw_key(&self) -> &str {
        self.inputs.first().map_or("", |input| input.key.as_str())
    }

    /// Whether its outputs lie where the table has them by now.
    pub fn fits(&self, table: &Table) -> bool {
        self.table == table.name && (self.layout == table.layout() || self.outputs.is_empty())
    }

    /// The newest day of its rows.
    pub fn newest_day(&self) -> Option<NaiveDate> {
        self.outputs.iter().filter_map(|output| output.days).map(|(_, last)| last).max()
    }
}

/// The ledger entry of a consumption partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumptionEntry {
    /// The dataset.
    pub dataset: String,
    /// The model.
    pub model: String,
    /// The fingerprint of everything the partition was made from.
    pub fingerprint: String,
    /// The standard zone objects it was made from: key and content hash.
    pub inputs: Vec<Input>,
    /// What was written; none if the query yields no row.
    pub outputs: Vec<Output>,
    /// The name of the CSV file, if this is not a partition but a file that was written from some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// The ledger zone.
#[derive(Debug, Clone)]
pub struct Ledger {
    store: Store,
}

impl Ledger {
    /// The ledger in a zone's store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Every raw object's entry, of one dataset or of all, by raw key.
    pub async fn raw_entries(&self, dataset: Option<&str>) -> Result<Vec<RawEntry>> {
        let prefix = dataset.map_or_else(|| "raw/".to_owned(), |dataset| format!("raw/{dataset}/"));
        let objects = self.store.list(&prefix).await?;
        let mut entries: Vec<RawEntry> = self.read_all(&objects).await?.into_iter().map(|(_, entry)| entry).collect();
        // The ledger's own keys end in `.json`, which sorts `a.csv` after `a.csv.gz`.
        entries.sort_by(|a, b| a.raw_key().cmp(b.raw_key()));
        Ok(entries)
    }

    /// Every consumption partition's entry with its key in the ledger, of one dataset or of all.
    pub async fn consumption_entries(&self, dataset: Option<&str>) -> Result<Vec<(String, ConsumptionEntry)>> {
        let prefix = dataset.map_or_else(|| "consumption/".to_owned(), |dataset| format!("consumption/{dataset}/"));
        let objects = self.store.list(&prefix).await?;
        self.read_all(&objects).await
    }

    /// Entries with their keys; one that vanishes meanwhile is left out.
    async fn read_all<T: DeserializeOwned>(&self, objects: &[Object]) -> Result<Vec<(String, T)>> {
        let read = |object: &Object| {
            let key = object.key.clone();
            async move { self.read::<T>(&key).await.map(|found| found.map(|(entry, _)| (key, entry))) }
        };
        let mut reads = futures::stream::iter(objects.iter().map(read)).buffered(CONCURRENT_READS);
        let mut entries = Vec::with_capacity(objects.len());
        while let Some(entry) = reads.next().await {
            entries.extend(entry?);
        }
        Ok(entries)
    }

    async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<(T, String)>> {
        let Some((object, bytes)) = self.store.get(key).await? else {
            return Ok(None);
        };
        let entry = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Ledger { key: key.to_owned(), why: error.to_string() })?;
        Ok(Some((entry, object.etag)))
    }

    /// A raw object's entry and the entry's own ETag.
    pub async fn raw_entry(&self, raw_key: &str) -> Result<Option<(RawEntry, String)>> {
        self.read(&keys::raw_ledger(raw_key)).await
    }

    /// Commits a raw object's entry in place of the one whose ETag is `previous`. Fails with
    /// [`crate::store::Failure::Condition`] if another writer was first.
    /// Tells the entry's own new ETag.
    pub async fn commit_raw(&self, entry: &RawEntry, previous: Option<&str>) -> Result<String> {
        self.commit(&keys::raw_ledger(entry.raw_key()), entry, previous).await
    }

    /// A consumption partition's entry and the entry's own ETag.
    pub async fn consumption_entry(
        &self,
        dataset: &str,
        model: &str,
        partition: &Partition,
    ) -> Result<Option<(ConsumptionEntry, String)>> {
        self.read(&keys::consumption_ledger(dataset, model, partition)).await
    }

    /// Commits a consumption partition's entry in place of the one whose ETag is `previous`.
    pub async fn commit_consumption(
        &self,
        partition: &Partition,
        entry: &ConsumptionEntry,
        previous: Option<&str>,
    ) -> Result<String> {
        self.commit(&keys::consumption_ledger(&entry.dataset, &entry.model, partition), entry, previous).await
    }

    async fn commit(&self, key: &str, entry: &impl Serialize, previous: Option<&str>) -> Result<String> {
        let condition = previous.map_or(Condition::Absent, |etag| Condition::Unchanged(etag.to_owned()));
        let mut text = serde_json::to_vec_pretty(entry)
            .map_err(|error| Error::Ledger { key: key.to_owned(), why: error.to_string() })?;
        text.push(b'\n');
        Ok(self.store.put(key, Bytes::from(text), condition).await?.etag)
    }

    /// Removes an entry by its key in the ledger.
    pub async fn remove(&self, key: &str) -> Result<()> {
        Ok(self.store.delete(key).await?)
    }
}

/// Writes an output unless the same bytes are there already, as `known` of an earlier entry and the store both say.
pub async fn put_output(
    store: &Store,
    key: String,
    mut file: File,
    partition: Partition,
    rows: u64,
    known: Option<&Output>,
) -> Result<Output> {
    let measure = move || {
        file.rewind()?;
        let (hash, bytes) = crate::hash::reader(&mut file)?;
        Ok((file, hash, bytes))
    };
    let measured = tokio::task::spawn_blocking(measure).await.map_err(io::Error::other).and_then(|result| result);
    let (file, hash, bytes) = measured.map_err(|error| StoreError {
        failure: Failure::Other,
        action: "write",
        url: store.url(&key),
        why: error.to_string(),
    })?;
    let etag = match known.filter(|known| known.hash == hash) {
        Some(known) if store.head(&key).await?.is_some_and(|there| there.etag == known.etag) => known.etag.clone(),
        _ => store.put_file(&key, file).await?.etag,
    };
    Ok(Output { key, partition, rows, bytes, etag, hash, days: None })
}

/// The partition that a consumption entry's ledger key names.
pub fn partition_of(ledger_key: &str) -> Option<Partition> {
    let (_, rest) = ledger_key.strip_prefix("consumption/")?.split_once('/')?;
    let (_, name) = rest.strip_suffix(".json")?.split_once('/')?;
    Some(if name == "whole" { Partition::whole() } else { Partition::from_path(name) })
}

/// When something was observed, in the one form that raw objects use: RFC 3339, UTC, whole seconds.
pub fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
