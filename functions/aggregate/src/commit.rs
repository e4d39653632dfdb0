//! The commit of consumption partitions and files: nothing is written that no entry names, and nothing is deleted
//! before the entry that replaces it stands.

use std::fs::File;

use lake::ledger::{ConsumptionEntry, FORMAT, Output, put_output};
use lake::partition::Partition;
use lake::store::{Condition, Failure};
use lake::{Lake, keys};

use crate::error::{Error, Result};

/// An entry with its ETag.
pub type Known = (ConsumptionEntry, String);

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
pub fn nothing(dataset: &str, model: &str) -> ConsumptionEntry {
    ConsumptionEntry {
        format: FORMAT,
        dataset: dataset.to_owned(),
        model: model.to_owned(),
        fingerprint: String::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        file: None,
        pending: Vec::new(),
        retired: Vec::new(),
    }
}

/// Writes objects and commits `entry` with them in place of `previous`; returns the outputs. Objects that `previous`
/// names and that were not made again are deleted. Fails with [`Failure::Condition`] if another writer is at work.
pub async fn commit(
    lake: &Lake,
    partition: &Partition,
    previous: Option<Known>,
    entry: ConsumptionEntry,
    made: Vec<Made>,
) -> Result<Vec<Output>> {
    let (mut known, mut etag) = match previous {
        Some((known, etag)) => (known, Some(etag)),
        None => (ConsumptionEntry { file: entry.file.clone(), ..nothing(&entry.dataset, &entry.model) }, None),
    };
    // A retired key may be deleted at any time, so that it is announced again as well.
    let new = |key: &&str| {
        !known.pending.iter().any(|pending| pending == key) && !known.outputs.iter().any(|output| output.key == *key)
    };
    let new: Vec<String> = made.iter().map(|made| made.key.as_str()).filter(new).map(str::to_owned).collect();
    if !new.is_empty() {
        known.retired.retain(|key| !new.contains(key));
        known.pending.extend(new);
        known.format = FORMAT;
        etag = Some(lake.ledger.commit_consumption(partition, &known, etag.as_deref()).await?);
    }
    let mut outputs = Vec::new();
    for Made { key, partition, rows, file } in made {
        let before = known.outputs.iter().find(|output| output.key == key);
        outputs.push(put_output(&lake.consumption, key, file, partition, rows, before).await?);
    }
    let mut retired: Vec<String> = known.keys().map(str::to_owned).collect();
    retired.retain(|key| !outputs.iter().any(|output| output.key == *key));
    retired.sort();
    retired.dedup();
    let entry = ConsumptionEntry { outputs, retired, pending: Vec::new(), ..entry };
    if known != entry {
        etag = Some(lake.ledger.commit_consumption(partition, &entry, etag.as_deref()).await?);
    }
    finish(lake, partition, &entry, etag.as_deref().unwrap_or_default()).await?;
    Ok(entry.outputs)
}

/// Deletes what a committed entry retires, then forgets it.
async fn finish(lake: &Lake, partition: &Partition, entry: &ConsumptionEntry, etag: &str) -> Result<()> {
    if entry.retired.is_empty() {
        return Ok(());
    }
    let ledger_key = keys::consumption_ledger(&entry.dataset, &entry.model, partition);
    delete_retired(lake, &ledger_key, entry, etag).await?;
    let settled = ConsumptionEntry { retired: Vec::new(), ..entry.clone() };
    lake.ledger.commit_consumption(partition, &settled, Some(etag)).await?;
    Ok(())
}

/// Deletes the objects that an entry retires, while it is the one that counts.
async fn delete_retired(lake: &Lake, ledger_key: &str, entry: &ConsumptionEntry, etag: &str) -> Result<()> {
    for key in &entry.retired {
        let Some(there) = lake.consumption.head(key).await? else { continue };
        let current = lake.ledger.consumption_entry_at(ledger_key).await?;
        if current.is_none_or(|(_, current)| current != etag) {
            return Err(Error::Lake(overtaken(lake, ledger_key).into()));
        }
        match lake.consumption.delete(key, Condition::Unchanged(there.etag)).await {
            // Another writer has written it since: its entry says what becomes of it.
            Err(error) if error.failure == Failure::Condition => {}
            deleted => deleted?,
        }
    }
    Ok(())
}

fn overtaken(lake: &Lake, ledger_key: &str) -> lake::store::StoreError {
    lake::store::StoreError {
        failure: Failure::Condition,
        action: "commit",
        url: lake.store(lake::settings::Zone::Ledger).url(ledger_key),
        why: "another writer was first".to_owned(),
    }
}

/// Removes a partition or file that has nothing left to be made from: its objects, then its entry. One that another
/// aggregation has committed since is left alone, and returns false. Fails with [`Failure::Condition`] if another one
/// commits meanwhile.
pub async fn remove(lake: &Lake, ledger_key: &str, entry: &ConsumptionEntry) -> Result<bool> {
    let Some((current, etag)) = lake.ledger.consumption_entry_at(ledger_key).await? else { return Ok(false) };
    let Some(partition) = lake::ledger::partition_of(ledger_key).filter(|_| current == *entry) else {
        return Ok(false);
    };
    let retired = entry.keys().map(str::to_owned).collect();
    let last = ConsumptionEntry { retired, file: entry.file.clone(), ..nothing(&entry.dataset, &entry.model) };
    let etag = lake.ledger.commit_consumption(&partition, &last, Some(&etag)).await?;
    delete_retired(lake, ledger_key, &last, &etag).await?;
    lake.ledger.remove(ledger_key, &etag).await?;
    Ok(true)
}
