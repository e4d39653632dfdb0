//! Makes again what can be made from raw.
//!
//! Ledger entries that cannot be read are discarded; raw objects whose outputs are damaged are cleaned, and what is
//! stale is aggregated, by the same code as ever. Nothing is retracted: what was made of a raw object that is gone stays.
//! At the end objects that no entry names are removed, of known tables and models only, and only old ones: a writer
//! that runs beside this may be about to name a young one.

use std::collections::BTreeMap;

use chrono::Utc;
use lake::ledger::Unreadable;
use lake::settings::Zone;
use lake::{Lake, guard, keys};
use serde::Serialize;

use super::proof::{Findings, prove};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::counted;
use crate::reference;
use crate::summary::{Summary, line};

/// What a repair did.
#[derive(Debug, Default, Serialize)]
pub struct Repaired {
    /// Ledger entries that could not be read, by key.
    discarded: Vec<String>,
    /// Raw objects that were cleaned, by key.
    cleaned: Vec<String>,
    /// Partitions and files that were made.
    aggregated: u64,
    /// Partitions and files that were deleted, as nothing is left to make them from.
    deleted: u64,
    /// URLs of objects that no entry named.
    removed: Vec<String>,
}

impl Repaired {
    /// One line.
    pub fn text(&self) -> String {
        let entries = match self.discarded.len() {
            1 => "1 ledger entry".to_owned(),
            count => format!("{count} ledger entries"),
        };
        let cleaned = counted(self.cleaned.len() as u64, "raw object");
        let made = counted(self.aggregated, "partition");
        let removed = counted(self.removed.len() as u64, "stray file");
        let mut text = String::new();
        let deleted = match self.deleted {
            0 => String::new(),
            count => format!(", {} deleted that nothing is left of", counted(count, "partition")),
        };
        line(
            &mut text,
            format_args!("repair: {entries} discarded, {cleaned} cleaned, {made} made{deleted}, {removed} removed"),
        );
        text
    }
}

/// Repairs, and looks again. What fails on the way is added to `failures`.
pub async fn repair(
    session: &Session<'_>,
    findings: Findings,
    failures: &mut Vec<Failure>,
) -> Result<(Repaired, Findings), Failure> {
    let lake = &session.lake;
    let mut repaired = Repaired::default();
    // Also where no writer is known to have died, as in a lake that was copied while one wrote.
    for zone in Zone::ALL {
        let store = lake.store(zone);
        repaired.removed.extend(store.remove_leftovers().await?.iter().map(|key| store.url(key)));
    }
    let kept = kept(lake, &findings).await?;
    for (dataset, gone) in &kept {
        if let Err(lake::Error::Usage(_)) = lake.catalog.dataset(dataset) {
            let url = |key: &&str| lake.store(Zone::Ledger).url(key);
            let urls = gone.entries.iter().map(url);
            failures.extend(urls.map(|url| Failure::lasting(format!("{url} is of no dataset: move or delete it"))));
            continue;
        }
        let known = findings.entries.get(*dataset).copied().unwrap_or_default() + gone.all;
        failures.push(guard::refuse_gone(dataset, gone.entries.len() as u64, known).into());
    }
    let is_kept = |entry: &&Unreadable| !kept.values().any(|gone| gone.entries.contains(&entry.key.as_str()));
    for entry in findings.unreadable.iter().filter(is_kept) {
        let forgotten = match entry.raw_key() {
            Some(_) => clean::forget(lake, entry).await.map_err(Failure::from),
            None => aggregate::forget(lake, entry).await.map_err(Failure::from),
        };
        match forgotten {
            Ok(()) => repaired.discarded.push(entry.key.clone()),
            // Another writer has replaced it.
            Err(_) if is_replaced(lake, entry).await => {}
            Err(failure) => failures.push(failure),
        }
    }
    let mut todo = clean::waiting(lake, &clean::Selection::Stale(None), false).await?.keys;
    for key in &findings.damaged {
        if lake.raw.head(key).await?.is_some() {
            todo.push(key.clone());
        }
    }
    todo.sort();
    todo.dedup();
    let mut summary = Summary::default();
    if !todo.is_empty() {
        session.clean(&clean::Selection::Keys(todo), &mut summary).await?;
    }
    // Without its zone all is gone, which an aggregation takes for a mistake unless all is asked for.
    let all = !lake.consumption.root_is_there().await?;
    session.aggregate(&aggregate::Selection { all, ..aggregate::Selection::default() }, &mut summary).await?;
    // No aggregation makes it.
    if aggregate::pages::has_catalog(lake).await? {
        let html = reference::page(lake, failures).await;
        aggregate::pages::write_catalog(lake, &html).await?;
    }
    repaired.cleaned.extend(summary.cleaned.drain(..).map(|cleaned| cleaned.raw_key));
    repaired.deleted = summary.aggregated.iter().filter(|made| made.deleted).count() as u64;
    repaired.aggregated = summary.aggregated.len() as u64 - repaired.deleted;
    // Broken declarations are among the failures already.
    let is_new = |failure: &Failure| !failures.iter().any(|known| known.message == failure.message);
    let new: Vec<Failure> = summary.errors.drain(..).filter(is_new).collect();
    failures.extend(new);

    let findings = prove(lake).await?;
    let mut orphans: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (zone, object) in &findings.orphans {
        *orphans.entry((zone.name(), keys::dataset(&object.key))).or_default() += 1;
    }
    for (zone, object) in &findings.orphans {
        let Ok(dataset) = lake.catalog.dataset(keys::dataset(&object.key)) else { continue };
        let Some(count) = orphans.get(&(zone.name(), dataset.name.as_str())) else { continue };
        let known = lake.store(*zone).list(&format!("{}/", dataset.name)).await?.len() as u64;
        if let Err(refused) = guard::check_sweep(lake.store(*zone), &dataset.name, *count, known) {
            orphans.remove(&(zone.name(), dataset.name.as_str()));
            failures.push(refused.into());
            continue;
        }
        let is_named = async {
            let raw = lake.ledger.raw_entries(Some(&dataset.name)).await?;
            let made = lake.ledger.consumption_entries(Some(&dataset.name)).await?;
            let is_whole = raw.unreadable.is_empty() && made.unreadable.is_empty();
            let names = raw.readable.iter().flat_map(|entry| entry.names());
            let mut names = names.chain(made.readable.iter().flat_map(|(_, entry)| entry.names()));
            Ok(!is_whole || names.any(|name| *name == object.key))
        };
        match guard::sweep(lake.store(*zone), *zone, dataset, object, Utc::now(), is_named).await {
            Ok(true) => repaired.removed.push(lake.store(*zone).url(&object.key)),
            Ok(false) => {}
            Err(error) => failures.push(error.into()),
        }
    }
    let findings = if repaired.removed.is_empty() { findings } else { prove(lake).await? };
    Ok((repaired, findings))
}

/// Entries of a dataset that cannot be read: how many there are, and the keys of those whose raw objects are gone.
#[derive(Default)]
struct Gone<'f> {
    all: u64,
    entries: Vec<&'f str>,
}

/// By dataset, the entries that cannot be read and are kept: their raw objects are gone, too many at once. Without these entries
/// nothing would guard what was made of the objects.
async fn kept<'f>(lake: &Lake, findings: &'f Findings) -> Result<BTreeMap<&'f str, Gone<'f>>, Failure> {
    let mut kept: BTreeMap<&str, Gone<'_>> = BTreeMap::new();
    for entry in &findings.unreadable {
        let Some(raw_key) = entry.raw_key() else { continue };
        let dataset = entry.key.strip_prefix("raw/").map_or("", keys::dataset);
        let gone = kept.entry(dataset).or_default();
        gone.all += 1;
        if lake.raw.head(&raw_key).await?.is_none() {
            gone.entries.push(&entry.key);
        }
    }
    kept.retain(|dataset, gone| {
        let known = findings.entries.get(*dataset).copied().unwrap_or_default() + gone.all;
        guard::too_many_gone(gone.entries.len() as u64, known)
    });
    Ok(kept)
}

/// Whether another writer has put another entry in an unreadable one's place.
async fn is_replaced(lake: &Lake, unreadable: &Unreadable) -> bool {
    let there = lake.store(Zone::Ledger).head(&unreadable.key).await;
    there.is_ok_and(|there| there.is_none_or(|there| there.etag != unreadable.etag))
}
