//! The ledger: what went in and what came out, one small JSON record per raw object and per consumption partition.
//!
//! A raw object's entry is written after all of its outputs, and conditionally: it is the commit. What is in a zone
//! but in no entry does not exist for readers, and `tributary verify` calls it an orphan.

mod beside;
mod current;
mod news;
mod output;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::dataset::Table;
use crate::error::{Error, Result};
use crate::keys;
use crate::partition::Partition;
use crate::store::{Condition, Object, Store};

pub use self::beside::{Beside, Others};
pub use self::current::{Chunks, Current, Fetched, Keep};
pub use self::output::{Objects, Output, put_draft, put_output};

/// Entries read at the same time.
const CONCURRENT_READS: usize = 64;
/// The format of the entries that this version writes. Version 0.1 wrote none: that is read as 0.
pub const FORMAT: u32 = 2;
/// The version of the decoders: one more for each change by which they read rows that they rejected before. Versions that had
/// none are read as 0. It is no part of [`FORMAT`], whose entries the software before it could not read.
pub const DECODERS: u32 = 1;
/// Begins the last line of an entry: the hash of all that stands before it, so that no damage goes unseen.
const CHECK: &str = ",\n  \"check\": \"";
/// Ends an entry.
const END: &str = "\"\n}\n";

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
        // An entry is read from storage: its numbers may be any.
        let parts = [self.clean, self.rejected, self.duplicate, self.outside];
        let sum = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(*part));
        sum == Some(self.read)
    }

    /// Adds another account.
    pub fn add(&mut self, other: &Rows) {
        self.read = self.read.saturating_add(other.read);
        self.clean = self.clean.saturating_add(other.clean);
        self.rejected = self.rejected.saturating_add(other.rejected);
        self.duplicate = self.duplicate.saturating_add(other.duplicate);
        self.outside = self.outside.saturating_add(other.outside);
        self.missing = self.missing.saturating_add(other.missing);
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

/// What is read of an entry first.
#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    format: u32,
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

/// Rows that were rejected for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// How many.
    pub rows: u64,
    /// The line or running index of the first one, from 1.
    pub first: u64,
    /// The column for which the first one was rejected, if it was for a single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

/// Rejected rows by their reason's stable code.
pub type Reasons = BTreeMap<String, Reason>;

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_none(version: &u32) -> bool {
    *version == 0
}

/// The ledger entry of a raw object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawEntry {
    /// The format of this record, [`FORMAT`].
    #[serde(default)]
    pub format: u32,
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
    /// Its rejected rows by reason. Versions before did not count them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: Reasons,
    /// The decoders that rejected rows of it, [`DECODERS`], if any did.
    #[serde(default, skip_serializing_if = "is_none")]
    pub rejected_by: u32,
    /// What it says its source could not deliver.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// How many columns of the object nobody declared.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ignored_columns: u64,
    /// How many lines of the object are no rows by its table's declaration: before the header, or comments.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub preamble: u64,
    /// What the object, an archive, has that its table's `entries` leaves out. Versions before did not count it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    /// When the object arrived, where only the newest object counts (a snapshot).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived: Option<DateTime<Utc>>,
    /// The object's time, where it is its rows' `received_at`: the same bytes that arrive again are newer rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<DateTime<Utc>>,
    /// Objects in the standard zone.
    pub outputs: Vec<Output>,
    /// The object in the rejection zone, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<Output>,
    /// What it names beside what counts, in the standard and rejection zones.
    #[serde(flatten)]
    pub beside: Beside,
}

/// Files of an archive that `entries` leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// How many they are.
    pub files: u64,
    /// The name of the first one.
    pub first: String,
}

impl RawEntry {
    /// The entry of a raw object that was never committed: it has no rows and no outputs, and is never current.
    pub fn uncommitted(raw_key: &str, table: &Table, dataset: &str) -> Self {
        Self {
            format: FORMAT,
            inputs: vec![Input { key: raw_key.to_owned(), etag: String::new() }],
            version: None,
            bytes: 0,
            dataset: dataset.to_owned(),
            table: table.name.clone(),
            rules: String::new(),
            layout: table.layout(),
            rows: Rows::default(),
            rejected: None,
            reasons: Reasons::new(),
            rejected_by: 0,
            gaps: Vec::new(),
            ignored_columns: 0,
            preamble: 0,
            left_out: None,
            arrived: None,
            received_at: None,
            outputs: Vec::new(),
            rejects: None,
            beside: Beside::default(),
        }
    }

    /// Whether a cleaning of the object was ever committed.
    pub fn is_committed(&self) -> bool {
        self.inputs.first().is_some_and(|input| !input.etag.is_empty())
    }

    /// The keys that it names in the standard and rejection zones, whatever their state.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let made = self.outputs.iter().chain(&self.rejects).map(|output| &output.key);
        made.chain(self.beside.keys())
    }

    /// The entry of the same object as if it had never been cleaned, with all that it names to be deleted; what others may
    /// still write stays named.
    #[must_use]
    pub fn withdrawn(&self, others: &Others) -> Self {
        Self {
            format: FORMAT,
            inputs: vec![Input { key: self.raw_key().to_owned(), etag: String::new() }],
            version: None,
            bytes: 0,
            rules: String::new(),
            rows: Rows::default(),
            rejected: None,
            reasons: Reasons::new(),
            rejected_by: 0,
            gaps: Vec::new(),
            ignored_columns: 0,
            preamble: 0,
            left_out: None,
            arrived: None,
            received_at: None,
            outputs: Vec::new(),
            rejects: None,
            beside: Beside::after(self.names(), others, |_| false),
            ..self.clone()
        }
    }

    /// The raw object's key.
    pub fn raw_key(&self) -> &str {
        self.inputs.first().map_or("", |input| input.key.as_str())
    }

    /// Whether its outputs lie where the table has them by now.
    pub fn fits(&self, table: &Table) -> bool {
        let is_there = |output: &Output| {
            output.key == keys::standard(&self.dataset, &table.name, &output.partition, self.raw_key())
        };
        self.table == table.name
            && (self.layout == table.layout() || self.outputs.is_empty())
            && self.outputs.iter().all(is_there)
    }

    /// Whether an older version of this software cleaned it, by other rules: its rows may lack what models now read.
    pub fn is_outdated(&self, table: &Table) -> bool {
        self.format < FORMAT && self.rules != table.fingerprint
    }

    /// Whether an older version of this software wrote it, in another format, or rejected rows of it that the decoders may
    /// read by now.
    pub fn is_older(&self) -> bool {
        self.format < FORMAT || self.rows.rejected > 0 && self.rejected_by < DECODERS
    }

    /// The newest day of its rows that is not after `last`. A row with a mistyped year is no news; of an object with days
    /// before and after it, `last` counts.
    pub fn newest_day(&self, last: NaiveDate) -> Option<NaiveDate> {
        let days = self.outputs.iter().filter_map(|output| output.days);
        days.filter(|(first, _)| *first <= last).map(|(_, newest)| newest.min(last)).max()
    }
}

/// The ledger entry of a consumption partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumptionEntry {
    /// The format of this record, [`FORMAT`].
    #[serde(default)]
    pub format: u32,
    /// The dataset.
    pub dataset: String,
    /// The model.
    pub model: String,
    /// The partition, or the file as one; version 0.1 wrote none.
    #[serde(default = "Partition::whole")]
    pub partition: Partition,
    /// The fingerprint of everything the partition was made from; empty if nothing was ever committed.
    pub fingerprint: String,
    /// The standard zone objects it was made from: key and content hash.
    pub inputs: Vec<Input>,
    /// What was written; none if the query yields no row.
    pub outputs: Vec<Output>,
    /// The name of the CSV file, if this is not a partition but a file that was written from some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What the page over all datasets says of a report page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// What it names beside what counts.
    #[serde(flatten)]
    pub beside: Beside,
}

/// What the page over all datasets says of a report page. It has nothing of pages that show personal values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The page's place among those of its dataset.
    pub place: usize,
    /// What it is called.
    pub title: String,
    /// The sentence that it begins with.
    pub headline: String,
    /// Its newest data, as people write it.
    pub newest: String,
}

impl ConsumptionEntry {
    /// The keys that it names in the consumption zone, whatever their state.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.outputs.iter().map(|output| &output.key).chain(self.beside.keys())
    }

    /// Whether something was committed, and no writer has announced another state since.
    pub fn is_settled(&self) -> bool {
        self.is_committed() && self.beside.pending.is_empty()
    }

    /// Whether something was ever committed.
    pub fn is_committed(&self) -> bool {
        !self.fingerprint.is_empty()
    }
}

/// An entry that cannot be read: it stops its own object or partition, and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its key in the ledger zone.
    pub key: String,
    /// Its ETag.
    pub etag: String,
    /// The parser's message, without values.
    pub why: String,
}

impl Unreadable {
    /// The raw object whose entry this is, if it is one's.
    pub fn raw_key(&self) -> Option<String> {
        keys::raw_key_of(&self.key)
    }

    /// The same as an error that says what to do.
    pub fn error(&self) -> Error {
        Error::Ledger { key: self.key.clone(), why: self.why.clone() }
    }
}

/// The entries of a dataset or a lake.
#[derive(Debug, Clone, Default)]
pub struct Entries<T> {
    /// Those that can be read, by key.
    pub readable: Vec<T>,
    /// The others.
    pub unreadable: Vec<Unreadable>,
}

/// The ledger zone.
#[derive(Debug, Clone)]
pub struct Ledger {
    store: Store,
    /// How many entries may have changed before a snapshot is made anew.
    few: usize,
    noted: news::Noted,
}

impl Ledger {
    /// The ledger in a zone's store.
    pub fn new(store: Store) -> Self {
        Self { store, few: current::FEW, noted: news::Noted::default() }
    }

    /// The same with a snapshot after so many changes.
    #[must_use]
    pub fn with_snapshot_after(self, few: usize) -> Self {
        Self { few, ..self }
    }

    /// The same without snapshots, and without notes of what has changed since.
    #[must_use]
    pub fn without_snapshots(self) -> Self {
        self.with_snapshot_after(usize::MAX)
    }

    /// Every raw object's entry, of one dataset or of all, by raw key.
    pub async fn raw_entries(&self, dataset: Option<&str>) -> Result<Entries<RawEntry>> {
        let prefix = dataset.map_or_else(|| "raw/".to_owned(), |dataset| format!("raw/{dataset}/"));
        let Entries { readable, unreadable } = self.read_all::<RawEntry>(&prefix).await?;
        let mut readable: Vec<RawEntry> = readable.into_iter().map(|(_, entry)| entry).collect();
        // The ledger's own keys have an ending of their own, which sorts `a.csv` after `a.csv.gz`.
        readable.sort_by(|a, b| a.raw_key().cmp(b.raw_key()));
        Ok(Entries { readable, unreadable })
    }

    /// The ledger keys of a dataset's raw objects, without reading the entries.
    pub async fn raw_entry_keys(&self, dataset: &str) -> Result<BTreeSet<String>> {
        let listed = self.store.states(&format!("raw/{dataset}/")).await?;
        Ok(listed.iter().map(|(key, _)| key.to_owned()).collect())
    }

    /// Every consumption partition's entry with its key in the ledger, of one dataset or of all.
    pub async fn consumption_entries(&self, dataset: Option<&str>) -> Result<Entries<(String, ConsumptionEntry)>> {
        let prefix = dataset.map_or_else(|| "consumption/".to_owned(), |dataset| format!("consumption/{dataset}/"));
        self.read_all(&prefix).await
    }

    /// The entries of files of one kind, with their keys.
    pub async fn files(&self, dataset: &str, model: &str) -> Result<Vec<(String, ConsumptionEntry)>> {
        Ok(self.read_all(&format!("consumption/{dataset}/{model}/")).await?.readable)
    }

    /// Entries with their keys; one that vanishes meanwhile is left out.
    async fn read_all<T: Entry>(&self, prefix: &str) -> Result<Entries<(String, T)>> {
        let objects = self.store.list(prefix).await?;
        let read = |object: &Object| {
            let key = object.key.clone();
            async move { self.parse::<T>(&key).await }
        };
        let mut reads = futures::stream::iter(objects.iter().map(read)).buffered(CONCURRENT_READS);
        let mut entries = Entries { readable: Vec::with_capacity(objects.len()), unreadable: Vec::new() };
        while let Some(parsed) = reads.next().await {
            match parsed? {
                Some((key, _, Ok(entry))) => entries.readable.push((key, entry)),
                Some((key, Object { etag, .. }, Err(why))) => entries.unreadable.push(Unreadable { key, etag, why }),
                None => {}
            }
        }
        Ok(entries)
    }

    /// Key, the entry's own object, and the entry, or why it cannot be read.
    async fn parse<T: Entry>(&self, key: &str) -> Result<Option<(String, Object, Result<T, String>)>> {
        let Some((object, bytes)) = self.store.get(key).await? else { return Ok(None) };
        // A newer version may have recorded what this one would lose: nothing may go on from here.
        // A number that damage has raised is none.
        if let Ok(Format { format }) = serde_json::from_slice(&bytes)
            && format > FORMAT
            && std::str::from_utf8(&bytes).is_ok_and(|text| check(text) != Some(false))
        {
            return Err(Error::NewerFormat { key: key.to_owned(), format, known: FORMAT });
        }
        Ok(Some((key.to_owned(), object, decode(key, &bytes))))
    }

    async fn read<T: Entry>(&self, key: &str) -> Result<Option<(T, Object)>> {
        match self.parse(key).await? {
            None => Ok(None),
            Some((_, object, Ok(entry))) => Ok(Some((entry, object))),
            Some((key, Object { etag, .. }, Err(why))) => Err(Unreadable { key, etag, why }.error()),
        }
    }

    /// Removes an entry that cannot be read, unless it was replaced meanwhile: then it is made again from nothing.
    pub async fn discard(&self, unreadable: &Unreadable) -> Result<()> {
        self.note(&unreadable.key).await?;
        Ok(self.store.delete(&unreadable.key, Condition::Unchanged(unreadable.etag.clone())).await?)
    }

    /// A raw object's entry and the entry's own object.
    pub async fn raw_entry(&self, raw_key: &str) -> Result<Option<(RawEntry, Object)>> {
        self.read(&keys::raw_ledger(raw_key)).await
    }

    /// Commits a raw object's entry in place of the one whose ETag is `previous`. Fails with
    /// [`crate::store::Failure::Condition`] if another writer was first.
    /// Tells the entry's own new ETag.
    pub async fn commit_raw(&self, entry: &RawEntry, previous: Option<&str>) -> Result<String> {
        let entry = &RawEntry { beside: entry.beside.committed(), ..entry.clone() };
        let key = keys::raw_ledger(entry.raw_key());
        self.note(&key).await?;
        self.commit(&key, entry, previous).await
    }

    /// A consumption partition's entry and the entry's own object.
    pub async fn consumption_entry(
        &self,
        dataset: &str,
        model: &str,
        partition: &Partition,
    ) -> Result<Option<(ConsumptionEntry, Object)>> {
        self.read(&keys::consumption_ledger(dataset, model, partition)).await
    }

    /// The entry of a consumption partition by its key in the ledger, and the entry's own object.
    pub async fn consumption_entry_at(&self, ledger_key: &str) -> Result<Option<(ConsumptionEntry, Object)>> {
        self.read(ledger_key).await
    }

    /// Commits a consumption partition's entry in place of the one whose ETag is `previous`.
    pub async fn commit_consumption(&self, entry: &ConsumptionEntry, previous: Option<&str>) -> Result<String> {
        let key = keys::consumption_ledger(&entry.dataset, &entry.model, &entry.partition);
        let entry = &ConsumptionEntry { beside: entry.beside.committed(), ..entry.clone() };
        self.commit(&key, entry, previous).await
    }

    async fn commit(&self, key: &str, entry: &impl Serialize, previous: Option<&str>) -> Result<String> {
        let condition = previous.map_or(Condition::Absent, |etag| Condition::Unchanged(etag.to_owned()));
        let text = encode(entry).map_err(|error| Error::Ledger { key: key.to_owned(), why: error.to_string() })?;
        Ok(self.store.put(key, Bytes::from(text), condition).await?.etag)
    }

    /// Removes the entry that has this ETag, by its key in the ledger. Fails with
    /// [`crate::store::Failure::Condition`] if another writer has committed since.
    pub async fn remove(&self, key: &str, etag: &str) -> Result<()> {
        self.note(key).await?;
        Ok(self.store.delete(key, Condition::Unchanged(etag.to_owned())).await?)
    }
}

/// What the ledger holds.
trait Entry: DeserializeOwned {
    fn format(&self) -> u32;
    /// Whether the entry of this key is this one. A copy of it elsewhere would count its rows twice.
    fn belongs(&self, ledger_key: &str) -> bool;
}

impl Entry for RawEntry {
    fn format(&self) -> u32 {
        self.format
    }

    fn belongs(&self, ledger_key: &str) -> bool {
        keys::raw_ledger(self.raw_key()) == ledger_key
    }
}

impl Entry for ConsumptionEntry {
    fn format(&self) -> u32 {
        self.format
    }

    fn belongs(&self, ledger_key: &str) -> bool {
        if self.format == 0 {
            return ledger_key.starts_with(&format!("consumption/{}/{}/", self.dataset, self.model));
        }
        keys::consumption_ledger(&self.dataset, &self.model, &self.partition) == ledger_key
    }
}

/// An entry as it is written: JSON whose last line has the hash of all before it.
/// An entry as it is stored.
pub fn encode(entry: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(entry)?;
    let body = text.strip_suffix("\n}").unwrap_or(&text);
    Ok(format!("{body}{CHECK}{}{END}", crate::hash::bytes(body.as_bytes())))
}

/// Whether the check of an entry fits; `None` if it has none.
fn check(text: &str) -> Option<bool> {
    let (body, check) = text.rsplit_once(CHECK)?;
    Some(check.strip_suffix(END) == Some(&crate::hash::bytes(body.as_bytes())))
}

/// An entry as it was written, or why it is not one.
fn decode<T: Entry>(key: &str, bytes: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let check = check(text);
    if check == Some(false) {
        return Err("its bytes are not those that were written: its check does not fit".to_owned());
    }
    // A parser's whole message may quote the entry, and keys of raw objects may be personal.
    let wrong = |error: serde_json::Error| {
        format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column())
    };
    let entry: T = serde_json::from_str(text).map_err(wrong)?;
    // Version 0.1 wrote no check.
    if check.is_none() && entry.format() > 0 {
        return Err("its bytes are not those that were written: it has no check".to_owned());
    }
    if !entry.belongs(key) {
        return Err("it is the entry of another object".to_owned());
    }
    Ok(entry)
}

/// The partition that a consumption entry's ledger key names.
pub fn partition_of(ledger_key: &str) -> Option<Partition> {
    let (_, rest) = ledger_key.strip_prefix("consumption/")?.split_once('/')?;
    let (_, name) = rest.strip_suffix(".json")?.split_once('/')?;
    if name == "whole" { Some(Partition::whole()) } else { name.parse().ok() }
}

/// When something was observed, in the one form that raw objects use: RFC 3339, UTC, whole seconds.
pub fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> RawEntry {
        let input = |key: &str| Input { key: key.to_owned(), etag: "e".to_owned() };
        RawEntry {
            format: FORMAT,
            inputs: vec![input("d/a.csv")],
            version: None,
            bytes: 3,
            dataset: "d".to_owned(),
            table: "t".to_owned(),
            rules: "r".to_owned(),
            layout: String::new(),
            rows: Rows { read: 1, clean: 1, ..Rows::default() },
            rejected: None,
            reasons: Reasons::new(),
            rejected_by: 0,
            gaps: Vec::new(),
            ignored_columns: 0,
            preamble: 0,
            left_out: None,
            arrived: None,
            received_at: None,
            outputs: Vec::new(),
            rejects: None,
            beside: Beside::default(),
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let text = encode(&entry()).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        assert_eq!(decode::<RawEntry>("raw/d/a.csv.json", text.as_bytes()), Ok(entry()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let text = encode(&entry()).unwrap().into_bytes();
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut flipped = text.clone();
                flipped[at] ^= 1 << bit;
                assert!(decode::<RawEntry>("raw/d/a.csv.json", &flipped).is_err(), "bit {bit} of byte {at}");
            }
            assert!(decode::<RawEntry>("raw/d/a.csv.json", &text[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_day_in_the_future_is_not_the_newest() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let output = |first: &str, last: &str| Output {
            key: String::new(),
            partition: Partition::whole(),
            rows: 1,
            bytes: 1,
            etag: String::new(),
            hash: String::new(),
            days: Some((day(first), day(last))),
            times: None,
            orders: Vec::new(),
        };
        let outputs = vec![output("2026-01-01", "2026-01-20"), output("2027-10-01", "2027-10-01")];
        let entry = RawEntry { outputs, ..entry() };
        for (last, newest) in [
            ("2026-02-01", Some("2026-01-20")),
            ("2026-01-10", Some("2026-01-10")),
            ("2028-01-01", Some("2027-10-01")),
            ("2025-01-01", None),
        ] {
            assert_eq!(entry.newest_day(day(last)), newest.map(day), "{last}");
        }
    }

    #[test]
    fn an_entry_of_version_0_1_has_no_check_and_is_read() {
        let mut old = serde_json::to_value(RawEntry { format: 0, ..entry() }).unwrap();
        old.as_object_mut().unwrap().remove("format");
        let text = old.to_string();
        assert_eq!(decode::<RawEntry>("raw/d/a.csv.json", text.as_bytes()).map(|entry| entry.format), Ok(0));
    }

    /// Entries of before had no version of the decoders.
    #[test]
    fn rejects_of_older_decoders_make_an_entry_older_and_nothing_else_does() {
        let rows = Rows { read: 2, clean: 1, rejected: 1, ..Rows::default() };
        let entries = [
            (entry(), false),
            (RawEntry { format: 0, ..entry() }, true),
            (RawEntry { rows, ..entry() }, true),
            (RawEntry { rows, rejected_by: DECODERS, ..entry() }, false),
            (RawEntry { rows, format: 1, rejected_by: DECODERS, ..entry() }, true),
        ];
        for (entry, is_older) in entries {
            let text = encode(&entry).unwrap();
            assert_eq!(text.contains("rejected_by"), entry.rejected_by > 0);
            let read: RawEntry = decode("raw/d/a.csv.json", text.as_bytes()).unwrap();
            assert_eq!((read.is_older(), read), (is_older, entry));
        }
    }

    #[test]
    fn a_copy_under_another_key_is_no_entry() {
        let text = encode(&entry()).unwrap();
        let why = decode::<RawEntry>("raw/d/b.csv.json", text.as_bytes()).unwrap_err();
        assert!(why.contains("another object"), "{why}");
    }
}
