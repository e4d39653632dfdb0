//! What no raw object stands for any more: removed with every guard of `lake::guard`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use lake::dataset::Dataset;
use lake::guard::{self, Why};
use lake::ledger::{Entries, RawEntry, Unreadable};
use lake::settings::Zone;
use lake::{Lake, keys};

use crate::commit::{finish_retirement, is_race};
use crate::error::{Error, Result};

/// Removes everything that was made of a raw object, if it is gone. Returns whether something was removed: not if the
/// object is there again, or another writer is at work on it.
///
/// The entry is first marked: from then on nothing counts, and a killed process starts again here. It goes last, once no
/// writer can be left that may still write what it had announced.
pub async fn retract(lake: &Lake, raw_key: &str) -> Result<bool> {
    match try_retract(lake, raw_key).await {
        Err(error) if is_race(&error) => Ok(false),
        other => other,
    }
}

async fn try_retract(lake: &Lake, raw_key: &str) -> Result<bool> {
    let Some((entry, object)) = lake.ledger.raw_entry(raw_key).await? else { return Ok(false) };
    if !guard::is_gone(&lake.raw, Zone::Raw, raw_key).await? {
        return Ok(false);
    }
    tracing::info!(key = raw_key, "the raw object is gone: removing what was made of it");
    let mut marked = entry.withdrawn(&entry.beside.others(&object, &lake.writer));
    let etag = if marked == entry { object.etag } else { lake.ledger.commit_raw(&marked, Some(&object.etag)).await? };
    finish_retirement(lake, &mut marked, &etag, Why::RawGone).await?;
    let Some((current, object)) = lake.ledger.raw_entry(raw_key).await? else { return Ok(true) };
    if current != marked || !guard::is_gone(&lake.raw, Zone::Raw, raw_key).await? {
        return Ok(false);
    }
    if marked.beside.is_empty() {
        lake.ledger.remove(&keys::raw_ledger(raw_key), &object.etag).await?;
        return Ok(true);
    }
    Ok(entry.is_committed() && marked.beside.retired.is_empty())
}

/// Puts an entry that says nothing in place of one that cannot be read. It names what was made of its raw object, as keys
/// tell: the next cleaning makes that again, and removes the rest.
pub async fn forget(lake: &Lake, unreadable: &Unreadable) -> Result<()> {
    let raw_key = unreadable.raw_key();
    let dataset = raw_key.as_deref().and_then(|raw_key| lake.catalog.dataset(keys::dataset(raw_key)).ok());
    let table = dataset.zip(raw_key.as_deref()).and_then(|(dataset, raw_key)| dataset.table_of(raw_key));
    let (Some(raw_key), Some(dataset), Some(table)) = (raw_key.as_deref(), dataset, table) else {
        return Ok(lake.ledger.discard(unreadable).await?);
    };
    let mut entry = RawEntry::uncommitted(raw_key, table, &dataset.name);
    let name = keys::flatten(raw_key);
    for zone in [Zone::Standard, Zone::Rejection] {
        for object in lake.store(zone).list(&format!("{}/", dataset.name)).await? {
            if name_of(&object.key) == name && guard::is_made(dataset, zone, &object.key) {
                entry.beside.retired.push(object.key);
            }
        }
    }
    if entry.beside.is_empty() {
        return Ok(lake.ledger.discard(unreadable).await?);
    }
    lake.ledger.commit_raw(&entry, Some(&unreadable.etag)).await?;
    Ok(())
}

/// Fails if so much of a dataset is gone that one more object is not removed on a notice of its own.
pub async fn check_share(lake: &Lake, dataset: &str) -> Result<()> {
    let mut entries = lake.ledger.raw_entry_keys(dataset).await?;
    let known = entries.len() as u64;
    let mut others = 0;
    for raw in lake.raw.list(&format!("{dataset}/")).await? {
        if !entries.remove(&keys::raw_ledger(&raw.key)) && !keys::is_hidden(&raw.key) {
            others += 1;
        }
    }
    let gone = entries.len() as u64;
    if guard::too_many_gone(gone, known + others) {
        return Err(Error::Lake(guard::refuse_gone(dataset, gone, known + others)));
    }
    Ok(())
}

/// Removes objects of a dataset's tables in the standard and rejection zones that no ledger entry names and that are
/// older than an hour. Without all entries nothing is removed: one that cannot be read may name them. Of many orphans none
/// is removed either, unless `prune` says that it is meant.
pub async fn remove_orphans(lake: &Lake, dataset: &Dataset, now: DateTime<Utc>, prune: bool) -> Result<()> {
    let Entries { readable, unreadable } = lake.ledger.raw_entries(Some(&dataset.name)).await?;
    if !unreadable.is_empty() {
        tracing::warn!(dataset = dataset.name, "there are ledger entries that cannot be read: no orphans are removed");
        return Ok(());
    }
    let named: BTreeSet<&String> = readable.iter().flat_map(|entry| entry.names()).collect();
    let mut raw_keys: BTreeMap<String, String> = BTreeMap::new();
    let raw = lake.raw.list(&format!("{}/", dataset.name)).await?;
    let known = readable.iter().map(|entry| entry.raw_key()).chain(raw.iter().map(|raw| raw.key.as_str()));
    raw_keys.extend(known.map(|key| (keys::flatten(key), key.to_owned())));
    for zone in [Zone::Standard, Zone::Rejection] {
        let store = lake.store(zone);
        let mut objects = store.list(&format!("{}/", dataset.name)).await?;
        objects.retain(|object| guard::is_made(dataset, zone, &object.key));
        let known = objects.len() as u64;
        objects.retain(|object| !named.contains(&object.key) && guard::may_sweep(object, now));
        if !prune {
            guard::check_sweep(store, &dataset.name, objects.len() as u64, known)?;
        }
        for object in objects {
            let may_go = async {
                // A writer that has named it meanwhile, or written it again.
                let name = name_of(&object.key);
                let raw_key = raw_keys.get(name).cloned().or_else(|| keys::unflatten(&dataset.name, name));
                if let Some(raw_key) = raw_key
                    && let Some((entry, _)) = lake.ledger.raw_entry(&raw_key).await?
                    && entry.names().any(|named| *named == object.key)
                {
                    return Ok(false);
                }
                let there = store.head(&object.key).await?;
                Ok::<_, lake::Error>(there.is_some_and(|there| guard::may_sweep(&there, now)))
            };
            guard::delete(store, &object.key, Why::Orphan, may_go).await?;
        }
    }
    Ok(())
}

/// The flattened raw key in the key of an object that a cleaning made.
fn name_of(key: &str) -> &str {
    let file = key.rsplit('/').next().unwrap_or(key);
    file.rsplit_once('.').map_or(file, |(name, _)| name)
}
