//! The commit of consumption partitions and files: nothing is written that no entry names, and nothing is deleted
//! before the entry that replaces it stands. What another writer had announced stays named until that writer is
//! known to have ended or the entry is an hour old, as in the other zones: it may still be about to write it.

use std::collections::BTreeSet;
use std::fs::File;

use lake::guard::{self, Why};
use lake::ledger::{Beside, ConsumptionEntry, FORMAT, Output, partition_of, put_output};
use lake::partition::Partition;
use lake::store::{Failure, Object};
use lake::{Lake, keys};

use crate::error::{Error, Result};

/// An entry with its own object.
pub type Known = (ConsumptionEntry, Object);

/// An object that was made and is not written yet.
pub struct Made {
    /// Its key.
    pub key: String,
    /// The partition.
    pub partition: Partition,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub file: File,
}

/// An entry of which nothing counts yet.
pub fn nothing(dataset: &str, model: &str, partition: &Partition) -> ConsumptionEntry {
    ConsumptionEntry {
        format: FORMAT,
        dataset: dataset.to_owned(),
        model: model.to_owned(),
        partition: partition.clone(),
        fingerprint: String::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        file: None,
        note: None,
        beside: Beside::default(),
    }
}

/// The entry that is to be replaced, with its own object: the one that is `known`, whatever its inputs. Fails with
/// [`Failure::Condition`] if there is another one by now: what is to be written was made from an older state.
pub async fn previous(lake: &Lake, ledger_key: &str, known: Option<&ConsumptionEntry>) -> Result<Option<Known>> {
    let previous = lake.ledger.consumption_entry_at(ledger_key).await?;
    let is_known = match (&previous, known) {
        (Some((entry, _)), Some(known)) => is_same(entry, known),
        (previous, known) => previous.is_none() && known.is_none(),
    };
    if is_known { Ok(previous) } else { Err(Error::Lake(overtaken(lake, ledger_key).into())) }
}

/// Whether two entries say the same, whatever their inputs.
fn is_same(entry: &ConsumptionEntry, other: &ConsumptionEntry) -> bool {
    *other == ConsumptionEntry { inputs: other.inputs.clone(), ..entry.clone() }
}

/// Writes objects and commits `entry` with them in place of `previous`; returns the outputs. Objects that `previous`
/// names and that were not made again are deleted. Fails with [`Failure::Condition`] if another writer is at work.
pub async fn commit(
    lake: &Lake,
    previous: Option<Known>,
    entry: ConsumptionEntry,
    made: Vec<Made>,
) -> Result<Vec<Output>> {
    let ledger_key = keys::consumption_ledger(&entry.dataset, &entry.model, &entry.partition);
    let others = previous.as_ref().map(|(known, object)| known.beside.others(object, &lake.writer)).unwrap_or_default();
    let (mut known, mut etag) = match previous {
        Some((known, object)) => (known, Some(object.etag)),
        None => (
            ConsumptionEntry { file: entry.file.clone(), ..nothing(&entry.dataset, &entry.model, &entry.partition) },
            None,
        ),
    };
    // A key that counts is replaced only in the state that the entry names; any other is announced.
    let fresh = made.iter().map(|made| &made.key).filter(|key| !counts(&known, key)).cloned().collect();
    let before = known.beside.clone();
    known.beside.announce(&fresh, &others, &lake.writer);
    if known.beside != before {
        known.format = FORMAT;
        known.partition = entry.partition.clone();
        etag = Some(lake.ledger.commit_consumption(&known, etag.as_deref()).await?);
    }
    let mut outputs = Vec::new();
    for Made { key, partition, rows, file } in made {
        let before = known.outputs.iter().find(|output| output.key == key);
        let is_ours = is_current(lake, &ledger_key, etag.as_deref());
        outputs.push(put_output(&lake.consumption, key, file, partition, rows, before, is_ours).await?);
    }
    let mut entry = ConsumptionEntry { outputs, ..entry };
    entry.beside = Beside::after(known.names(), &others, |key| counts(&entry, key));
    if known != entry {
        etag = Some(lake.ledger.commit_consumption(&entry, etag.as_deref()).await?);
    } else if !is_current(lake, &ledger_key, etag.as_deref()).await? {
        // Nothing is to be written, but another writer may have deleted what this one has just made.
        return Err(Error::Lake(overtaken(lake, &ledger_key).into()));
    }
    finish(lake, &entry, etag.as_deref().unwrap_or_default()).await?;
    Ok(entry.outputs)
}

/// Whether an entry counts an object.
fn counts(entry: &ConsumptionEntry, key: &str) -> bool {
    entry.outputs.iter().any(|output| output.key == key)
}

/// Whether an entry is still the one that has this ETag.
async fn is_current(lake: &Lake, ledger_key: &str, etag: Option<&str>) -> lake::Result<bool> {
    let current = lake.ledger.consumption_entry_at(ledger_key).await?;
    Ok(current.as_ref().map(|(_, object)| object.etag.as_str()) == etag)
}

/// Deletes what a committed entry names beside what counts.
pub async fn settle(lake: &Lake, ledger_key: &str) -> Result<()> {
    let Some((entry, object)) = lake.ledger.consumption_entry_at(ledger_key).await? else { return Ok(()) };
    let Some(partition) = partition_of(ledger_key).filter(|_| entry.is_settled()) else { return Ok(()) };
    let beside = Beside::after(entry.names(), &entry.beside.others(&object, &lake.writer), |key| counts(&entry, key));
    let settled = ConsumptionEntry { format: FORMAT, partition, beside, ..entry.clone() };
    let etag = replace(lake, &entry, &settled, object.etag).await?;
    finish(lake, &settled, &etag).await
}

/// Commits an entry in place of another, if it is another one; returns its ETag.
async fn replace(lake: &Lake, entry: &ConsumptionEntry, by: &ConsumptionEntry, etag: String) -> Result<String> {
    if by == entry {
        return Ok(etag);
    }
    Ok(lake.ledger.commit_consumption(by, Some(&etag)).await?)
}

/// Deletes what a committed entry names beside what counts, then forgets what it retires.
async fn finish(lake: &Lake, entry: &ConsumptionEntry, etag: &str) -> Result<()> {
    if entry.beside.is_empty() {
        return Ok(());
    }
    let ledger_key = keys::consumption_ledger(&entry.dataset, &entry.model, &entry.partition);
    let left = delete_beside(lake, &ledger_key, entry, etag).await?;
    let mut settled = entry.clone();
    settled.beside.retired.retain(|key| left.contains(key));
    replace(lake, entry, &settled, etag.to_owned()).await?;
    Ok(())
}

/// Deletes the objects that an entry names and does not count, while it is the one that stands. Returns those that are
/// still there.
async fn delete_beside(
    lake: &Lake,
    ledger_key: &str,
    entry: &ConsumptionEntry,
    etag: &str,
) -> Result<BTreeSet<String>> {
    let mut left = BTreeSet::new();
    for key in entry.beside.deletable(|key| counts(entry, key)) {
        let mut overtaken_by = None;
        let is_ours = async {
            let is_ours = is_current(lake, ledger_key, Some(etag)).await?;
            overtaken_by = (!is_ours).then(|| overtaken(lake, ledger_key));
            Ok(is_ours)
        };
        let is_deleted = guard::delete(&lake.consumption, key, Why::Retired, is_ours).await?;
        if let Some(error) = overtaken_by {
            return Err(Error::Lake(error.into()));
        }
        if !is_deleted {
            left.insert(key.clone());
        }
    }
    Ok(left)
}

fn overtaken(lake: &Lake, ledger_key: &str) -> lake::store::StoreError {
    lake::store::StoreError {
        failure: Failure::Condition,
        action: "commit",
        url: lake.store(lake::settings::Zone::Ledger).url(ledger_key),
        why: "another writer was first".to_owned(),
    }
}

/// Removes a partition or file that has nothing left to be made from: its objects, then its entry, once no writer can be
/// left that may write one of them. Returns whether something was removed: not if another aggregation has committed
/// since: `entry` is what was there, whatever its inputs. Fails with [`Failure::Condition`] if another one commits meanwhile.
pub async fn remove(lake: &Lake, ledger_key: &str, entry: &ConsumptionEntry) -> Result<bool> {
    let Some((current, object)) = lake.ledger.consumption_entry_at(ledger_key).await? else { return Ok(false) };
    let Some(partition) = partition_of(ledger_key).filter(|_| is_same(&current, entry)) else {
        return Ok(false);
    };
    let beside = Beside::after(current.names(), &current.beside.others(&object, &lake.writer), |_| false);
    let file = entry.file.clone();
    let last = ConsumptionEntry { beside, file, ..nothing(&entry.dataset, &entry.model, &partition) };
    let etag = replace(lake, &current, &last, object.etag).await?;
    let left = delete_beside(lake, ledger_key, &last, &etag).await?;
    if left.is_empty() && last.beside.late.is_empty() {
        lake.ledger.remove(ledger_key, &etag).await?;
    }
    Ok(entry.is_committed())
}
