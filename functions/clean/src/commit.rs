//! The commit protocol of a raw object's entry.
//!
//! Keys that are about to be written stand in the entry before the first byte is (`announce`), so that a killed writer
//! leaves nothing that no entry names. The commit itself is conditional on the entry that was read; what it no longer
//! names is retired: named until it is deleted, and deleted only while the entry is the one that retired it.
//!
//! A key that another writer had announced stays named, whether it counts or not, until that writer is known to have
//! ended or the entry is an hour old: it may still be about to write it, and be killed before it learns that it was
//! overtaken.

use std::collections::BTreeSet;

use lake::Lake;
use lake::dataset::{Dataset, Table};
use lake::guard::{self, Why};
use lake::ledger::{Beside, Others, RawEntry};
use lake::store::{Failure, Store, StoreError};

use crate::error::{Error, Result};

/// A raw object's entry as it stands in the ledger; without an ETag it is not there yet.
pub struct Standing {
    /// The entry.
    pub entry: RawEntry,
    /// The entry's own ETag.
    pub etag: Option<String>,
    /// What other writers may still do.
    others: Others,
}

impl Standing {
    /// Reads it.
    pub async fn read(lake: &Lake, dataset: &Dataset, table: &Table, raw_key: &str) -> Result<Self> {
        Ok(match lake.ledger.raw_entry(raw_key).await? {
            Some((entry, object)) => {
                let others = entry.beside.others(&object, &lake.writer);
                Self { entry, etag: Some(object.etag), others }
            }
            None => {
                let entry = RawEntry::uncommitted(raw_key, table, &dataset.name);
                Self { entry, etag: None, others: Others::default() }
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

/// Names keys in the entry before anything is written to them, unless they count already: then only the state that the
/// entry names is replaced.
pub async fn announce(lake: &Lake, mut standing: Standing, keys: &BTreeSet<String>) -> Result<Standing> {
    let fresh = keys.iter().filter(|key| !counts(&standing.entry, key)).cloned().collect();
    let before = standing.entry.beside.clone();
    standing.entry.beside.announce(&fresh, &standing.others, &lake.writer);
    if standing.entry.beside != before {
        standing.etag = Some(lake.ledger.commit_raw(&standing.entry, standing.etag.as_deref()).await?);
    }
    Ok(standing)
}

/// Whether an entry counts an object.
fn counts(entry: &RawEntry, key: &str) -> bool {
    entry.outputs.iter().chain(&entry.rejects).any(|output| output.key == key)
}

/// Commits an entry in place of another, and deletes what only that one named. Returns the entry, or nothing if another
/// writer has meanwhile named what was deleted, so that the object must be made again.
pub async fn commit(lake: &Lake, mut entry: RawEntry, standing: Standing) -> Result<Option<RawEntry>> {
    entry.beside = Beside::after(standing.entry.names(), &standing.others, |key| counts(&entry, key));
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
    let deletable: Vec<String> = entry.beside.deletable(|key| counts(entry, key)).cloned().collect();
    let raw_key = entry.raw_key().to_owned();
    let mut deleted = BTreeSet::new();
    for key in &deletable {
        let is_ours = async {
            let current = lake.ledger.raw_entry(&raw_key).await?;
            Ok::<_, lake::Error>(current.is_some_and(|(_, current)| current.etag == etag))
        };
        if !guard::delete(zone_of(lake, key), key, why, is_ours).await? {
            break;
        }
        deleted.insert(key);
    }
    let is_done = deleted.len() == deletable.len();
    if is_done && entry.beside.retired.is_empty() {
        return Ok(true);
    }
    if is_done {
        let mut done = entry.clone();
        done.beside.retired.clear();
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
        made.chain(&current.beside.pending).any(|key| deleted.contains(key))
    });
    Ok(!names_deleted)
}

/// Deletes what an entry names beside what counts. A writer that is still at work on it begins again.
pub async fn settle(lake: &Lake, raw_key: &str) -> Result<()> {
    let Some((entry, object)) = lake.ledger.raw_entry(raw_key).await? else { return Ok(()) };
    let beside = Beside::after(entry.names(), &entry.beside.others(&object, &lake.writer), |key| counts(&entry, key));
    let mut settled = RawEntry { beside, ..entry.clone() };
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
