//! `aggregate --all`: removes what no entry names, and entries that cannot be read.

use std::collections::BTreeSet;

use chrono::Utc;
use lake::dataset::Dataset;
use lake::ledger::Entries;
use lake::settings::Zone;
use lake::store::{Failure, Object};
use lake::{Lake, guard};

use crate::error::Result;

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
    let named: BTreeSet<&String> = readable.iter().flat_map(|(_, entry)| entry.names()).collect();
    let made: Vec<&Object> =
        objects.iter().filter(|object| guard::is_made(dataset, Zone::Consumption, &object.key)).collect();
    let now = Utc::now();
    let is_orphan = |object: &&&Object| !named.contains(&object.key) && guard::may_sweep(object, now);
    let orphans: Vec<&Object> = made.iter().filter(is_orphan).copied().collect();
    guard::check_sweep(&lake.consumption, &dataset.name, orphans.len() as u64, made.len() as u64)?;
    for object in orphans {
        guard::sweep(&lake.consumption, Zone::Consumption, dataset, object, now).await?;
    }
    Ok(())
}
