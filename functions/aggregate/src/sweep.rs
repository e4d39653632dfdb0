//! `aggregate --all`: removes what no entry names, and entries that cannot be read.

use std::collections::BTreeSet;

use chrono::Utc;
use lake::dataset::Dataset;
use lake::ledger::{Entries, Unreadable, partition_of};
use lake::settings::Zone;
use lake::store::{Failure, Object};
use lake::{Lake, guard};

use crate::commit;
use crate::error::{Error, Result};
use crate::made::model_of;

/// Removes the entries of consumption partitions and files that cannot be read: they are made again.
pub async fn discard_unreadable(lake: &Lake, dataset: &Dataset) -> Result<()> {
    for unreadable in lake.ledger.consumption_entries(Some(&dataset.name)).await?.unreadable {
        tracing::info!(key = %unreadable.key, "discarding a ledger entry that is not readable");
        match forget(lake, &unreadable).await {
            // Another aggregation has made it again.
            Err(Error::Lake(lake::Error::Store(error))) if error.failure == Failure::Condition => {}
            forgotten => forgotten?,
        }
    }
    Ok(())
}

/// Puts an entry that says nothing in place of one that cannot be read. It names what was made of the partition, as keys
/// tell: the next aggregation makes that again, and removes the rest.
pub async fn forget(lake: &Lake, unreadable: &Unreadable) -> Result<()> {
    let dataset = unreadable.key.split('/').nth(1).unwrap_or_default();
    let (Some(model), Some(partition)) = (model_of(&unreadable.key), partition_of(&unreadable.key)) else {
        return Ok(lake.ledger.discard(unreadable).await?);
    };
    let mut entry = commit::nothing(dataset, model, &partition);
    let folder = match partition.as_str() {
        "" => format!("{dataset}/{model}/"),
        partition => format!("{dataset}/{model}/{partition}/"),
    };
    let objects = lake.consumption.list(&folder).await?;
    entry.beside.retired.extend(objects.into_iter().map(|object| object.key).filter(|key| key.ends_with(".parquet")));
    if entry.beside.is_empty() {
        return Ok(lake.ledger.discard(unreadable).await?);
    }
    lake.ledger.commit_consumption(&entry, Some(&unreadable.etag)).await?;
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
    let named: BTreeSet<&String> = readable.iter().flat_map(|(_, entry)| entry.names()).collect();
    let made: Vec<&Object> =
        objects.iter().filter(|object| guard::is_made(dataset, Zone::Consumption, &object.key)).collect();
    let now = Utc::now();
    let is_orphan = |object: &&&Object| !named.contains(&object.key) && guard::may_sweep(object, now);
    let orphans: Vec<&Object> = made.iter().filter(is_orphan).copied().collect();
    guard::check_sweep(&lake.consumption, &dataset.name, orphans.len() as u64, made.len() as u64)?;
    for object in orphans {
        let is_named = async {
            let Entries { readable, unreadable } = lake.ledger.consumption_entries(Some(&dataset.name)).await?;
            Ok(!unreadable.is_empty() || readable.iter().any(|(_, entry)| entry.names().any(|key| *key == object.key)))
        };
        guard::sweep(&lake.consumption, Zone::Consumption, dataset, object, now, is_named).await?;
    }
    Ok(())
}
