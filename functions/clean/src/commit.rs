//! The commit protocol of a raw object's entry.
//!
//! Keys that are about to be written stand in the entry before the first byte is (`announce`), so that a killed writer
//! leaves nothing that no entry names. The commit itself is conditional on the entry that was read; what it no longer
//! names is retired: named until it is deleted, and deleted only while the entry is the one that retired it.
//!
//! A key that another writer had announced is deleted, but stays named until the entry is an hour old: that writer may
//! still be about to write it, and be killed before it learns that it was overtaken.

use std::collections::BTreeSet;

use lake::Lake;
use lake::dataset::{Dataset, Table};
use lake::guard::{self, Why};
use lake::ledger::RawEntry;
use lake::store::{Failure, Store, StoreError};

use crate::error::{Error, Result};

/// A raw object's entry as it stands in the ledger; without an ETag it is not there yet.
pub struct Standing {
    /// The entry.
    pub entry: RawEntry,
    /// The entry's own ETag.
    pub etag: Option<String>,
    /// What other writers may still be about to write.
    others: BTreeSet<String>,
}

impl Standing {
    /// Reads it.
    pub async fn read(lake: &Lake, dataset: &Dataset, table: &Table, raw_key: &str) -> Result<Self> {
        Ok(match lake.ledger.raw_entry(raw_key).await? {
            Some((entry, object)) => {
                let others = entry.expected(&object);
                Self { entry, etag: Some(object.etag), others }
            }
            None => {
                let entry = RawEntry::uncommitted(raw_key, table, &dataset.name);
                Self { entry, etag: None, others: BTreeSet::new() }
            }
        })
    }

    /// Whether it is still what stands in the ledger.
    pub async fn is_current(&self, lake: &Lake) -> lake::Result<bool> {
        let current = lake.ledger.raw_entry(self.entry.raw_key()).await?;
        Ok(current.map(|(_, object)| object.etag) == self.etag)
    }
}

/// Whether an error is that another writer was first.
pub fn is_race(error: &Error) -> bool {
    matches!(error, Error::Lake(lake::Error::Store(error)) if error.failure == Failure::Condition)
}

/// Names keys in the entry before anything is written to them. Writes only if the entry does not name them yet.
pub async fn announce(lake: &Lake, mut standing: Standing, keys: &BTreeSet<String>) -> Result<Standing> {
    let entry = &mut standing.entry;
    let made = entry.outputs.iter().chain(&entry.rejects).map(|output| &output.key);
    let known: BTreeSet<&String> = made.chain(&entry.pending).collect();
    let fresh: Vec<String> = keys.iter().filter(|key| !known.contains(key)).cloned().collect();
    if fresh.is_empty() {
        return Ok(standing);
    }
    // What is to be written is no longer to be deleted.
    entry.retired.retain(|key| !fresh.contains(key));
    entry.late.retain(|key| !fresh.contains(key));
    entry.pending.extend(fresh);
    entry.pending.sort();
    standing.etag = Some(lake.ledger.commit_raw(entry, standing.etag.as_deref()).await?);
    Ok(standing)
}

/// Commits an entry in place of another, and deletes what only that one named. Returns the entry, or nothing if another
/// writer has meanwhile named what was deleted, so that the object must be made again.
pub async fn commit(lake: &Lake, mut entry: RawEntry, standing: Standing) -> Result<Option<RawEntry>> {
    let made: BTreeSet<&String> = entry.outputs.iter().chain(&entry.rejects).map(|output| &output.key).collect();
    let (late, retired): (BTreeSet<&String>, BTreeSet<&String>) =
        standing.entry.names().filter(|key| !made.contains(key)).partition(|key| standing.others.contains(*key));
    let owned = |keys: BTreeSet<&String>| keys.into_iter().cloned().collect();
    (entry.late, entry.retired) = (owned(late), owned(retired));
    let etag = match &standing.etag {
        Some(etag) if standing.entry == entry => {
            // Nothing is to be written, but another writer may have deleted what this one has just made.
            if !standing.is_current(lake).await? {
                return Err(overtaken(lake, &entry).into());
            }
            etag.clone()
        }
        etag => lake.ledger.commit_raw(&entry, etag.as_deref()).await?,
    };
    let done = finish_retirement(lake, &mut entry, &etag, Why::Retired).await?;
    Ok(done.then_some(entry))
}

fn overtaken(lake: &Lake, entry: &RawEntry) -> lake::Error {
    let url = lake.store(lake::settings::Zone::Ledger).url(&lake::keys::raw_ledger(entry.raw_key()));
    let why = "another writer was first".to_owned();
    lake::Error::Store(StoreError { failure: Failure::Condition, action: "commit", url, why })
}

/// Deletes what a committed entry names and does not count, and forgets what it retires, unless another writer has
/// committed since: then that is the other writer's to finish. False if another writer has named what was deleted.
pub async fn finish_retirement(lake: &Lake, entry: &mut RawEntry, etag: &str, why: Why) -> Result<bool> {
    if entry.retired.is_empty() && entry.late.is_empty() {
        return Ok(true);
    }
    let raw_key = entry.raw_key().to_owned();
    let mut deleted: Vec<String> = Vec::new();
    for key in entry.retired.iter().chain(&entry.late) {
        let is_ours = async {
            let current = lake.ledger.raw_entry(&raw_key).await?;
            Ok::<_, lake::Error>(current.is_some_and(|(_, current)| current.etag == etag))
        };
        if !guard::delete(zone_of(lake, key), key, why, is_ours).await? {
            break;
        }
        deleted.push(key.clone());
    }
    if deleted.len() == entry.retired.len() + entry.late.len() && !entry.retired.is_empty() {
        let done = RawEntry { retired: Vec::new(), ..entry.clone() };
        match lake.ledger.commit_raw(&done, Some(etag)).await {
            Ok(_) => {
                *entry = done;
                return Ok(true);
            }
            Err(lake::Error::Store(error)) if error.failure == Failure::Condition => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Another writer has committed: it may have written between a look and a deletion.
    let current = lake.ledger.raw_entry(&raw_key).await?;
    let names_deleted = current.is_some_and(|(current, _)| {
        let made = current.outputs.iter().chain(&current.rejects).map(|output| &output.key);
        made.chain(&current.pending).any(|key| deleted.contains(key))
    });
    Ok(!names_deleted)
}

/// Deletes what an entry names beside what counts. A writer that is still at work on it begins again.
pub async fn settle(lake: &Lake, raw_key: &str) -> Result<()> {
    let Some((entry, object)) = lake.ledger.raw_entry(raw_key).await? else { return Ok(()) };
    let expected = entry.expected(&object);
    let late = entry.pending.iter().chain(&entry.late);
    let retired: BTreeSet<&String> = entry.retired.iter().chain(late.filter(|key| !expected.contains(*key))).collect();
    let mut settled = RawEntry {
        retired: retired.into_iter().cloned().collect(),
        late: expected.into_iter().collect(),
        pending: Vec::new(),
        ..entry.clone()
    };
    let mut etag = object.etag;
    if settled != entry {
        etag = match lake.ledger.commit_raw(&settled, Some(&etag)).await {
            Err(lake::Error::Store(error)) if error.failure == Failure::Condition => return Ok(()),
            committed => committed?,
        };
    }
    finish_retirement(lake, &mut settled, &etag, Why::Retired).await?;
    Ok(())
}

fn zone_of<'a>(lake: &'a Lake, key: &str) -> &'a Store {
    if key.ends_with(".parquet") { &lake.standard } else { &lake.rejection }
}
