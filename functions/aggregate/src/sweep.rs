//! `aggregate --all`: removes what no entry names, and entries that cannot be read.

use std::collections::BTreeSet;

use chrono::{Duration, Utc};
use lake::dataset::Dataset;
use lake::ledger::Entries;
use lake::partition::Partition;
use lake::store::{Condition, Failure};
use lake::{Lake, keys};

use crate::error::Result;

/// Objects that are younger are left alone, whatever the ledger says.
const AGE: Duration = Duration::hours(1);

/// Removes the entries of consumption partitions and files that cannot be read: they are made again.
pub async fn discard_unreadable(lake: &Lake, dataset: &Dataset) -> Result<()> {
    for unreadable in lake.ledger.consumption_entries(Some(&dataset.name)).await?.unreadable {
        tracing::info!(key = %unreadable.key, "discarding a ledger entry that is not readable");
        match lake.ledger.discard(&unreadable).await {
            // Another aggregation has made it again.
            Err(lake::Error::Store(error)) if error.failure == Failure::Condition => {}
            discarded => discarded?,
        }
    }
    Ok(())
}

/// Removes objects of the dataset's models that no ledger entry names: killed writers of version 0.1 made them, or their
/// entries were lost.
pub async fn remove_orphans(lake: &Lake, dataset: &Dataset) -> Result<()> {
    // Objects first: a writer names its objects in an entry before it writes them.
    let objects = lake.consumption.list(&format!("{}/", dataset.name)).await?;
    let Entries { readable, unreadable } = lake.ledger.consumption_entries(Some(&dataset.name)).await?;
    if !unreadable.is_empty() {
        return Ok(());
    }
    let named: BTreeSet<&str> = readable.iter().flat_map(|(_, entry)| entry.keys()).collect();
    let youngest = Utc::now() - AGE;
    for object in objects {
        let is_orphan = !named.contains(object.key.as_str()) && is_own(dataset, &object.key);
        if !is_orphan || object.last_modified > youngest {
            continue;
        }
        tracing::info!(key = %object.key, "removing an object that no ledger entry names");
        match lake.consumption.delete(&object.key, Condition::Unchanged(object.etag)).await {
            Err(error) if error.failure == Failure::Condition => {}
            deleted => deleted?,
        }
    }
    Ok(())
}

/// Whether a key is one of a model's partitions or files.
fn is_own(dataset: &Dataset, key: &str) -> bool {
    dataset.models.iter().any(|model| {
        let files =
            model.csv.iter().flat_map(|csv| [format!("{}.csv", csv.name), format!("{}_historical.csv", csv.name)]);
        let is_file = files.map(|file| keys::consumption_file(&dataset.name, &file)).any(|file| file == key);
        let path = key
            .strip_prefix(&format!("{}/{}/", dataset.name, model.name))
            .and_then(|path| path.strip_suffix("data.parquet").map(|path| path.strip_suffix('/').unwrap_or(path)));
        let partition = path.and_then(|path| path.parse::<Partition>().ok());
        is_file || partition.is_some_and(|partition| keys::consumption(&dataset.name, &model.name, &partition) == key)
    })
}
