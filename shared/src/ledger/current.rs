//! What the ledger says of a dataset's raw objects now: one snapshot, and what has changed since it was made.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;

use chrono::{DateTime, Utc};
use futures::StreamExt;

use super::news::SLACK;
use super::snapshot::{Parquet, Reader, Writer};
use super::{CONCURRENT_READS, ConsumptionEntry, Entries, Entry, Ledger, RawEntry, Unreadable};
use crate::error::{Error, Result};
use crate::keys;
use crate::store::{Condition, Keys, Known, Seen, State, States, StoreError};

/// Changes that are read one by one rather than written to a new snapshot, whatever the number of entries.
pub(super) const FEW: usize = 16;
/// The share of entries that may have changed before a new snapshot is worth it: one of so many.
const SHARE: usize = 500;
/// Entries that are fetched before they are written to a new snapshot.
const CHUNK: usize = 1024;

/// Whether a run may leave a snapshot for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It may write to the ledger zone.
    Snapshot,
    /// It only reads.
    Nothing,
}

/// The entries of a dataset's raw objects.
#[derive(Debug, Default)]
pub struct Current {
    snapshot: Option<Parquet>,
    /// Keys in the ledger of what the snapshot has and is no longer so.
    outdated: BTreeSet<String>,
    /// What the snapshot does not have.
    changed: Vec<RawEntry>,
    /// Entries that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

impl Current {
    /// Of entries that were read already.
    pub fn of(entries: Vec<RawEntry>, unreadable: Vec<Unreadable>) -> Self {
        Self { changed: entries, unreadable, ..Self::default() }
    }

    /// Visits all entries that can be read, in no order.
    pub fn visit<E: From<Error>>(&self, mut visit: impl FnMut(&RawEntry) -> Result<(), E>) -> Result<(), E> {
        let failed = |error: io::Error| E::from(wrong(&error));
        if let Some(snapshot) = &self.snapshot {
            let mut reader = snapshot.entries().map_err(failed)?;
            let mut entry = RawEntry::default();
            while reader.read(&mut entry).map_err(failed)?.is_some() {
                let is_outdated =
                    !self.outdated.is_empty() && self.outdated.contains(&keys::raw_ledger(entry.raw_key()));
                if !is_outdated {
                    visit(&entry)?;
                }
            }
        }
        self.changed.iter().try_for_each(visit)
    }

    /// Visits the keys of all raw objects that entries are made from, each with whether the entry is its own.
    pub fn inputs(&self, mut visit: impl FnMut(&str, bool)) -> Result<()> {
        if let Some(snapshot) = &self.snapshot {
            let is_outdated =
                |raw_key: &str| !self.outdated.is_empty() && self.outdated.contains(&keys::raw_ledger(raw_key));
            snapshot.inputs(is_outdated, &mut visit).map_err(|error| wrong(&error))?;
        }
        for entry in &self.changed {
            entry.inputs.iter().for_each(|input| visit(&input.key, input.key == entry.raw_key()));
        }
        Ok(())
    }

    /// All entries that can be read, by raw key; in memory.
    pub fn entries(&self) -> Result<Vec<RawEntry>> {
        let mut entries = Vec::new();
        self.visit(|entry| {
            entries.push(entry.clone());
            Ok::<_, Error>(())
        })?;
        entries.sort_by(|a, b| a.raw_key().cmp(b.raw_key()));
        Ok(entries)
    }
}

fn wrong(error: &io::Error) -> Error {
    Error::Ledger { key: "the ledger's snapshot".to_owned(), why: error.to_string() }
}

/// An entry with its key and the state in which it was read.
pub type Fetched<T> = Result<(String, State, T), Unreadable>;

/// What is to be read beside a snapshot.
struct Changes {
    /// Keys that are to be fetched, in order, with the states that were listed.
    fetch: States,
    /// Keys of what the snapshot has and is no longer so.
    outdated: BTreeSet<String>,
    /// How many entries have changed, came or went.
    number: usize,
}

impl Changes {
    /// What differs between a snapshot, whose keys were known, and a list of all entries.
    fn listed(snapshot: Option<&Parquet>, seen: Seen) -> io::Result<Self> {
        let (mut outdated, mut changed) = (BTreeSet::new(), Vec::new());
        let mut vanished = 0;
        if let Some(snapshot) = snapshot {
            snapshot.keys(|key, state| {
                match seen.find(&key).map(|now| now.state) {
                    Some(now) if state.is_still(now) => return Ok(()),
                    Some(now) => changed.push((key.clone(), now)),
                    None => vanished += 1,
                }
                outdated.insert(key);
                Ok(())
            })?;
        }
        let mut fetch = seen.into_others();
        changed.iter().for_each(|(key, now)| fetch.push(key, *now));
        let number = fetch.len() + vanished;
        Ok(Self { fetch: fetch.sorted(), outdated, number })
    }

    /// What may differ.
    fn noted(keys: BTreeSet<String>) -> Self {
        let mut fetch = States::default();
        keys.iter().for_each(|key| fetch.push(key, State::UNKNOWN));
        Self { fetch, number: keys.len(), outdated: keys }
    }
}

/// Entries that are read some at a time, each as it is in the store, in the order of their keys.
#[derive(Debug)]
pub struct Chunks<'l> {
    ledger: &'l Ledger,
    listed: States,
    at: usize,
}

impl Chunks<'_> {
    /// The next entries with their keys; what vanishes meanwhile is left out. `None` behind the last.
    async fn next<T: Entry>(&mut self) -> Result<Option<Entries<(String, T)>>> {
        if self.at >= self.listed.len() {
            return Ok(None);
        }
        let from = self.at;
        self.at += CHUNK;
        let mut entries = Entries { readable: Vec::new(), unreadable: Vec::new() };
        for fetched in self.ledger.fetch(self.listed.at(from..from + CHUNK)).await? {
            match fetched {
                Ok((key, _, entry)) => entries.readable.push((key, entry)),
                Err(unreadable) => entries.unreadable.push(unreadable),
            }
        }
        Ok(Some(entries))
    }

    /// The next entries of raw objects.
    pub async fn next_raw(&mut self) -> Result<Option<Entries<(String, RawEntry)>>> {
        self.next().await
    }

    /// The next entries of consumption partitions and files.
    pub async fn next_consumption(&mut self) -> Result<Option<Entries<(String, ConsumptionEntry)>>> {
        self.next().await
    }
}

impl Ledger {
    /// The entries of all raw objects.
    pub async fn all_raw(&self) -> Result<Chunks<'_>> {
        Ok(Chunks { ledger: self, listed: self.store.states("raw/").await?, at: 0 })
    }

    /// The entries of all consumption partitions and files.
    pub async fn all_consumption(&self) -> Result<Chunks<'_>> {
        Ok(Chunks { ledger: self, listed: self.store.states("consumption/").await?, at: 0 })
    }

    /// What the ledger says of a dataset's raw objects now. Only what has changed since the snapshot was made is fetched;
    /// if that was much, there is a new snapshot afterwards.
    pub async fn current(&self, dataset: &str, keep: Keep) -> Result<Current> {
        let begun = Utc::now();
        let (etag, snapshot) = self.stored(&keys::snapshot(dataset)).await?;
        let mut old = Old { dataset, etag, snapshot };
        let known = old.known();
        let seen = self.store.seen(&format!("raw/{dataset}/"), known).await?;
        let number = seen.len();
        let changes = Changes::listed(old.snapshot.as_ref(), seen).map_err(|error| wrong(&error))?;
        if changes.number > self.few.saturating_add(number / SHARE) {
            return self.written_anew(old, begun, &changes, keep).await;
        }
        let current = self.beside(&old, &changes).await?;
        let lacks_some = old.snapshot.is_some() && old.since().is_none();
        if lacks_some && current.unreadable.is_empty() && !self.store.is_local() && keep == Keep::Snapshot {
            return self.written_anew(old, begun, &changes, keep).await;
        }
        Ok(current)
    }

    /// The same without a list of all entries: by what was noted since the snapshot was made, and by `told` keys of entries.
    /// `None` if there is no snapshot to begin with.
    pub async fn lately(&self, dataset: &str, told: &BTreeSet<String>, keep: Keep) -> Result<Option<Current>> {
        if self.store.is_local() {
            return Ok(None);
        }
        let begun = Utc::now();
        let (etag, snapshot) = self.stored(&keys::snapshot(dataset)).await?;
        let old = Old { dataset, etag, snapshot };
        let Some((since, rows)) = old.since() else { return Ok(None) };
        let Some(mut keys) = self.noted_since(dataset, since, rows).await? else { return Ok(None) };
        for key in told {
            // Whoever changed it took no note: runs after this one are to know of it, too.
            if keys.insert(key.clone()) {
                self.note(key).await?;
            }
        }
        let changes = Changes::noted(keys);
        // What was noted shortly before a snapshot is noted for the next one as well.
        if changes.number > self.few.saturating_add(rows / SHARE) && begun - since > SLACK {
            return self.written_anew(old, begun, &changes, keep).await.map(Some);
        }
        self.beside(&old, &changes).await.map(Some)
    }

    /// A snapshot, and what has changed since.
    async fn beside(&self, old: &Old<'_>, changes: &Changes) -> Result<Current> {
        let (snapshot, outdated) = (old.snapshot.clone(), changes.outdated.clone());
        let mut current = Current { snapshot, outdated, ..Current::default() };
        for fetched in self.fetch(changes.fetch.iter()).await? {
            match fetched {
                Ok((.., entry)) => current.changed.push(entry),
                Err(unreadable) => current.unreadable.push(unreadable),
            }
        }
        Ok(current)
    }

    /// The snapshot that is there, with its ETag: none if it cannot be used.
    async fn stored(&self, key: &str) -> Result<(Option<String>, Option<Parquet>)> {
        // Who may not read it can do without.
        let Ok(Some(mut reading)) = self.store.read(key).await else { return Ok((None, None)) };
        let copied = crate::work::run(move || {
            let parquet = Parquet::copy(&mut reading);
            (parquet, reading.finish())
        })
        .await;
        let (parquet, object) = copied.map_err(|error| wrong(&io::Error::other(error)))?;
        if let Err(error) = &parquet {
            tracing::debug!(key, %error, "not reading a snapshot");
        }
        Ok((object.ok().map(|object| object.etag), parquet.ok()))
    }

    /// Entries with their keys and states, in the order of `keys`; what vanishes meanwhile is left out.
    async fn fetch<'l, T: Entry>(&self, keys: impl Iterator<Item = (&'l str, State)>) -> Result<Vec<Fetched<T>>> {
        let read =
            |(key, listed): (&'l str, State)| async move { Ok::<_, Error>((listed, self.parse::<T>(key).await?)) };
        let mut reads = futures::stream::iter(keys.map(read)).buffered(CONCURRENT_READS);
        let mut fetched = Vec::new();
        while let Some(done) = reads.next().await {
            fetched.push(match done? {
                (listed, Some((key, object, Ok(entry)))) => Ok((key, self.store.state_of(&object, listed), entry)),
                (_, Some((key, object, Err(why)))) => Err(Unreadable { key, etag: object.etag, why }),
                (_, None) => continue,
            });
        }
        Ok(fetched)
    }

    /// The keys and states of the entries of a dataset's consumption partitions and files.
    pub async fn consumption_states(&self, dataset: &str) -> Result<States> {
        Ok(self.store.states(&format!("consumption/{dataset}/")).await?)
    }

    /// Those that were listed, with what was read of each.
    pub async fn fetch_consumption(&self, listed: &[(&str, State)]) -> Result<Vec<Fetched<ConsumptionEntry>>> {
        self.fetch(listed.iter().copied()).await
    }

    /// A new snapshot, of the old one and what has changed.
    async fn written_anew(&self, old: Old<'_>, begun: DateTime<Utc>, changes: &Changes, keep: Keep) -> Result<Current> {
        let failed = |error: io::Error| wrong(&error);
        let mut writer = Writer::new().map_err(failed)?;
        let mut unreadable = Vec::new();
        let mut kept = old.snapshot.as_ref().map(Parquet::entries).transpose().map_err(failed)?;
        let mut next = next_kept(&mut kept, &changes.outdated).map_err(failed)?;
        for from in (0..changes.fetch.len()).step_by(CHUNK) {
            for fetched in self.fetch(changes.fetch.at(from..from + CHUNK)).await? {
                let (own, state, entry) = match fetched {
                    Ok(readable) => readable,
                    Err(one) => {
                        unreadable.push(one);
                        continue;
                    }
                };
                while let Some((_, state, entry)) = next.take_if(|(before, ..)| *before < own) {
                    writer.push(state, &entry).map_err(failed)?;
                    next = next_kept(&mut kept, &changes.outdated).map_err(failed)?;
                }
                writer.push(state, &entry).map_err(failed)?;
            }
        }
        while let Some((_, state, entry)) = next.take() {
            writer.push(state, &entry).map_err(failed)?;
            next = next_kept(&mut kept, &changes.outdated).map_err(failed)?;
        }
        // What is left out could not be told by what is noted later.
        let since = Some(begun).filter(|_| unreadable.is_empty());
        let (file, snapshot) = writer.finish(since).map_err(failed)?;
        if keep == Keep::Snapshot {
            self.keep(old, file).await;
        }
        Ok(Current { snapshot: Some(snapshot), unreadable, ..Current::default() })
    }

    /// Leaves a snapshot for the next run, and no notes that it does without. What fails only costs the next run time.
    async fn keep(&self, old: Old<'_>, file: File) {
        let since = old.since();
        let Old { dataset, etag, .. } = old;
        let condition = etag.map_or(Condition::Absent, Condition::Unchanged);
        // Another run may have been first, or the role may only read.
        if let Err(StoreError { failure, why, .. }) =
            self.store.put_file(&keys::snapshot(dataset), file, condition).await
        {
            tracing::debug!(dataset, ?failure, why, "not keeping a snapshot");
            return;
        }
        tracing::debug!(dataset, "kept a snapshot");
        if let Some((since, _)) = since.filter(|_| !self.store.is_local())
            && let Err(error) = self.forget_notes(dataset, since).await
        {
            tracing::debug!(dataset, %error, "notes that no snapshot needs stay");
        }
    }
}

/// What stands in a snapshot's place.
struct Old<'d> {
    dataset: &'d str,
    /// The ETag of what is there, even if it cannot be used.
    etag: Option<String>,
    snapshot: Option<Parquet>,
}

impl Old<'_> {
    /// The keys of its entries. One that cannot be read is none.
    fn known(&mut self) -> Known {
        let mut keys = Keys::default();
        let visited = self.snapshot.as_ref().map(|snapshot| {
            snapshot.keys(|key, _| {
                keys.add(&key);
                Ok(())
            })
        });
        if let Some(Err(error)) = visited {
            tracing::debug!(dataset = self.dataset, %error, "not reading a snapshot");
            self.snapshot = None;
            return Known::default();
        }
        keys.known()
    }

    /// Since when entries may have changed, where that is known, and how many rows there are.
    fn since(&self) -> Option<(DateTime<Utc>, usize)> {
        let (since, rows) = self.snapshot.as_ref()?.since().ok()?;
        Some((since?, rows))
    }
}

/// The next entry of an old snapshot that is still so, with its key.
fn next_kept(kept: &mut Option<Reader>, outdated: &BTreeSet<String>) -> io::Result<Option<(String, State, RawEntry)>> {
    let Some(kept) = kept else { return Ok(None) };
    while let Some((state, entry)) = kept.next()? {
        let key = keys::raw_ledger(entry.raw_key());
        if !outdated.contains(&key) {
            return Ok(Some((key, state, entry)));
        }
    }
    Ok(None)
}
