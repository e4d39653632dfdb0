//! The commit protocol of a raw object's entry.
//!
//! Keys that are about to be written stand in the entry before the first byte is (`announce`), so that a killed writer
//! leaves nothing that no entry names. The commit itself is conditional on the entry that was read; what it no longer
//! names is retired: named until it is deleted, and deleted only while the entry is the one that retired it.

use std::collections::BTreeSet;

use lake::Lake;
use lake::guard::{self, Why};
use lake::ledger::RawEntry;
use lake::store::{Failure, Store};

use crate::error::{Error, Result};

/// A raw object's entry as it stands in the ledger; without an ETag it is not there yet.
pub struct Standing {
    /// The entry.
    pub entry: RawEntry,
    /// The entry's own ETag.
    pub etag: Option<String>,
}

/// Whether an error is that another writer was first.
pub fn is_race(error: &Error) -> bool {
    matches!(error, Error::Lake(lake::Error::Store(error)) if error.failure == Failure::Condition)
}

/// Names keys in the entry before anything is written to them. Writes only if the entry does not name them yet.
pub async fn announce(lake: &Lake, mut standing: Standing, keys: &[String]) -> Result<Standing> {
    let entry = &mut standing.entry;
    let made = entry.outputs.iter().chain(&entry.rejects).map(|output| &output.key);
    let known: BTreeSet<&String> = made.chain(&entry.pending).collect();
    let fresh: Vec<String> = keys.iter().filter(|key| !known.contains(key)).cloned().collect();
    if fresh.is_empty() {
        return Ok(standing);
    }
    // What is to be written is no longer to be deleted.
    entry.retired.retain(|key| !fresh.contains(key));
    entry.pending.extend(fresh);
    entry.pending.sort();
    standing.etag = Some(lake.ledger.commit_raw(entry, standing.etag.as_deref()).await?);
    Ok(standing)
}

/// Commits an entry in place of another, and deletes what only that one named. Returns the entry, or nothing if another
/// writer has meanwhile named what was deleted, so that the object must be made again.
pub async fn commit(lake: &Lake, mut entry: RawEntry, standing: Standing) -> Result<Option<RawEntry>> {
    let made: BTreeSet<&String> = entry.outputs.iter().chain(&entry.rejects).map(|output| &output.key).collect();
    let retired: BTreeSet<String> = standing.entry.names().filter(|key| !made.contains(key)).cloned().collect();
    entry.retired = retired.into_iter().collect();
    let etag = match standing.etag {
        Some(etag) if standing.entry == entry => etag,
        etag => lake.ledger.commit_raw(&entry, etag.as_deref()).await?,
    };
    Ok(finish_retirement(lake, &mut entry, &etag, Why::Retired).await?.then_some(entry))
}

/// Deletes what a committed entry retires, and commits that it is done, unless another writer has committed since: then
/// that is the other writer's to finish. False if the other writer has named what was deleted.
pub async fn finish_retirement(lake: &Lake, entry: &mut RawEntry, etag: &str, why: Why) -> Result<bool> {
    if entry.retired.is_empty() {
        return Ok(true);
    }
    let raw_key = entry.raw_key().to_owned();
    let mut deleted: Vec<String> = Vec::new();
    for key in &entry.retired {
        let is_ours = async {
            let current = lake.ledger.raw_entry(&raw_key).await?;
            Ok::<_, lake::Error>(current.is_some_and(|(_, current)| current == etag))
        };
        if !guard::delete(zone_of(lake, key), key, why, is_ours).await? {
            break;
        }
        deleted.push(key.clone());
    }
    if deleted.len() == entry.retired.len() {
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

fn zone_of<'a>(lake: &'a Lake, key: &str) -> &'a Store {
    if key.ends_with(".parquet") { &lake.standard } else { &lake.rejection }
}
