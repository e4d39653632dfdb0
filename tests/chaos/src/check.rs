//! What must hold: at every step of a schedule, and of the lake in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use lake::ledger::{ConsumptionEntry, Keep, Ledger, Output, RawEntry};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::memory::{MemoryStore, State};
use crate::zones::{DATASET, Zones};

/// What runs that do not list the ledger would not know.
pub async fn forgotten(ledger: &Ledger) -> Option<String> {
    let should_be = ledger.raw_entries(Some(DATASET)).await.ok()?;
    let known = ledger.lately(DATASET, &BTreeSet::new(), Keep::Nothing).await.ok()??;
    let entries = known.entries().ok()?;
    (entries != should_be.readable).then(|| "the ledger's notes do not tell of everything that has changed".to_owned())
}

/// Keys and hashes.
type Objects = Vec<(String, String)>;

/// Looks at each object that was written, and keeps what is wrong.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    problems: Arc<Mutex<Vec<String>>>,
    /// What each partition or file of the consumption zone was committed with, by its entry's key and fingerprint.
    made: Arc<Mutex<BTreeMap<[String; 2], Objects>>>,
    /// The lake, where all of it is to be looked at whenever an entry is committed.
    zones: Arc<OnceLock<Zones>>,
}

impl Watch {
    /// A watch over a whole lake.
    pub fn over(zones: &Zones) -> Self {
        let watch = Self::default();
        let _ = watch.zones.set(zones.clone());
        watch
    }

    /// Looks at an object after a call that may have changed it.
    pub fn look(&self, zone: &str, key: &str, store: &MemoryStore) {
        let wrong = store.state(key).and_then(|state| match zone {
            "consumption" => whole(key, &state.bytes).err(),
            "ledger" if key.starts_with("snapshot/") => None,
            "ledger" => balanced(key, &state.bytes).err().or_else(|| self.same(key, &state.bytes)),
            _ => None,
        });
        let mut problems = self.problems.lock().unwrap();
        problems.extend(wrong.map(|wrong| format!("{zone}/{key}: {wrong}")));
        if let (Some(zones), "ledger") = (self.zones.get(), zone) {
            let fresh = unnamed(zones).into_iter().filter(|found| !problems.contains(found)).collect::<Vec<_>>();
            problems.extend(fresh);
        }
    }

    /// The same inputs give the same bytes, whoever makes them and when.
    fn same(&self, key: &str, entry: &[u8]) -> Option<String> {
        let entry: ConsumptionEntry = serde_json::from_slice(entry).ok().filter(ConsumptionEntry::is_committed)?;
        let made: Objects = entry.outputs.into_iter().map(|output| (output.key, output.hash)).collect();
        let mut known = self.made.lock().unwrap();
        let before = known.entry([key.to_owned(), entry.fingerprint]).or_insert_with(|| made.clone());
        // What is announced beside it does not count.
        (*before != made).then(|| "other bytes were made of the same inputs".to_owned())
    }

    /// Looks at all entries of a lake.
    pub fn look_at_ledger(&self, ledger: &MemoryStore) {
        ledger.snapshot().into_keys().for_each(|key| self.look("ledger", &key, ledger));
    }

    /// What was wrong at any step.
    pub fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap().clone()
    }
}

/// Whether an object of the consumption zone is whole; returns the rows of a Parquet object.
fn whole(key: &str, bytes: &Bytes) -> Result<Option<u64>, String> {
    if !key.ends_with(".parquet") {
        let ends = bytes.is_empty() || bytes.ends_with(b"\n");
        return if ends { Ok(None) } else { Err("is half written: it does not end with a line".to_owned()) };
    }
    let wrong = |error: &dyn std::fmt::Display| format!("is half written: {error}");
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).map_err(|error| wrong(&error))?;
    let mut rows = 0;
    for batch in reader.build().map_err(|error| wrong(&error))? {
        rows += batch.map_err(|error| wrong(&error))?.num_rows() as u64;
    }
    Ok(Some(rows))
}

/// Whether an entry of the ledger can be read and its account balances.
fn balanced(key: &str, bytes: &[u8]) -> Result<(), String> {
    if key.starts_with("consumption/") {
        let read: Result<ConsumptionEntry, _> = serde_json::from_slice(bytes);
        return read.map(drop).map_err(|error| format!("cannot be read: {error}"));
    }
    let entry: RawEntry = serde_json::from_slice(bytes).map_err(|error| format!("cannot be read: {error}"))?;
    let written: u64 = entry.outputs.iter().map(|output| output.rows).sum();
    let rejected = entry.rejects.as_ref().map_or(0, |rejects| rejects.rows);
    if !entry.rows.balance() || written != entry.rows.clean || rejected != entry.rows.rejected {
        return Err(format!("its account does not balance: {:?}, {written} written, {rejected} rejected", entry.rows));
    }
    Ok(())
}

/// What differs between two lakes, over all zones but raw.
pub fn differences(is: &Zones, should_be: &Zones) -> Vec<String> {
    let mut found = Vec::new();
    for (is, should_be) in is.made().into_iter().zip(should_be.made()) {
        let (name, is, should_be) = (is.0, is.1.snapshot(), should_be.1.snapshot());
        let keys: BTreeSet<&String> = is.keys().chain(should_be.keys()).collect();
        for key in keys {
            match (is.get(key), should_be.get(key)) {
                (Some(_), None) => found.push(format!("{name}/{key}: should not be there")),
                (None, Some(_)) => found.push(format!("{name}/{key}: is missing")),
                (Some(is), Some(should)) if is.bytes != should.bytes => {
                    found.push(format!("{name}/{key}: has other bytes{}", in_words(name, is, should)));
                }
                _ => {}
            }
        }
    }
    found
}

fn in_words(zone: &str, is: &State, should_be: &State) -> String {
    if zone != "ledger" {
        return String::new();
    }
    let text = |state: &State| String::from_utf8_lossy(&state.bytes).into_owned();
    let (is, should_be) = (text(is), text(should_be));
    let lines = |a: &str, b: &str, sign: &str| -> String {
        let others: BTreeSet<&str> = b.lines().collect();
        a.lines().filter(|line| !others.contains(line)).map(|line| format!("\n    {sign} {line}")).collect()
    };
    format!("{}{}", lines(&is, &should_be, "+"), lines(&should_be, &is, "-"))
}

/// Objects of the standard, rejection and consumption zones that no entry names: at no step there is one, as a writer's
/// first act is to announce what it will make.
fn unnamed(zones: &Zones) -> Vec<String> {
    let mut named: BTreeSet<(&str, String)> = BTreeSet::new();
    for (_, state) in zones.ledger.snapshot() {
        if let Ok(entry) = serde_json::from_slice::<RawEntry>(&state.bytes) {
            for key in entry.names() {
                let zone = if key.ends_with(".parquet") { "standard" } else { "rejection" };
                named.insert((zone, key.clone()));
            }
        } else if let Ok(entry) = serde_json::from_slice::<ConsumptionEntry>(&state.bytes) {
            named.extend(entry.names().map(|key| ("consumption", key.clone())));
        }
    }
    let mut found = Vec::new();
    for (zone, store) in zones.made().into_iter().filter(|(zone, _)| *zone != "ledger") {
        let unnamed = store.snapshot().into_keys().filter(|key| !named.contains(&(zone, key.clone())));
        found.extend(unnamed.map(|key| format!("{zone}/{key}: no entry names it at some step")));
    }
    found
}

/// What an entry counts on and is not there when all actors have ended. One that was killed between a deletion and its
/// second look may leave this for the next run, so that it shows a broken promise only by its absence in the same schedule.
pub fn missing(zones: &Zones) -> Vec<String> {
    let mut found = Vec::new();
    for (_, state) in zones.ledger.snapshot() {
        let mut look = |zone: &str, store: &MemoryStore, output: &Output| {
            if store.state(&output.key).is_none() {
                found.push(format!("{zone}/{}: is not there when all have ended", output.key));
            }
        };
        if let Ok(entry) = serde_json::from_slice::<RawEntry>(&state.bytes) {
            entry.outputs.iter().for_each(|output| look("standard", &zones.standard, output));
            entry.rejects.iter().for_each(|output| look("rejection", &zones.rejection, output));
        } else if let Ok(entry) = serde_json::from_slice::<ConsumptionEntry>(&state.bytes) {
            entry.outputs.iter().for_each(|output| look("consumption", &zones.consumption, output));
        }
    }
    found
}

/// What is wrong with a quiet lake: an object that no entry names, an entry whose object is not as it says, and an
/// account that does not balance.
pub fn verify(zones: &Zones) -> Vec<String> {
    let mut found = Vec::new();
    let mut named: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut check = |zone: &'static str, store: &MemoryStore, output: &Output| {
        named.entry(zone).or_default().insert(output.key.clone());
        let Some(state) = store.state(&output.key) else {
            found.push(format!("{zone}/{}: an entry names it, and it is not there", output.key));
            return;
        };
        if crate::memory::etag_of(&state.bytes) != output.etag {
            found.push(format!("{zone}/{}: its bytes are not those that the entry names", output.key));
        }
        match whole(&output.key, &state.bytes) {
            Ok(rows) if rows.is_some_and(|rows| rows != output.rows) => {
                found.push(format!("{zone}/{}: has other rows than its entry says", output.key));
            }
            Ok(_) => {}
            Err(why) => found.push(format!("{zone}/{}: {why}", output.key)),
        }
    };
    let mut unbalanced = Vec::new();
    for (key, state) in zones.ledger.snapshot() {
        if let Err(why) = balanced(&key, &state.bytes) {
            unbalanced.push(format!("ledger/{key}: {why}"));
        } else if let Ok(entry) = serde_json::from_slice::<RawEntry>(&state.bytes) {
            entry.outputs.iter().for_each(|output| check("standard", &zones.standard, output));
            entry.rejects.iter().for_each(|output| check("rejection", &zones.rejection, output));
        } else if let Ok(entry) = serde_json::from_slice::<ConsumptionEntry>(&state.bytes) {
            entry.outputs.iter().for_each(|output| check("consumption", &zones.consumption, output));
        }
    }
    found.extend(unbalanced);
    for (zone, store) in zones.made().into_iter().filter(|(zone, _)| *zone != "ledger") {
        let named = named.remove(zone).unwrap_or_default();
        let orphans = store.snapshot().into_keys().filter(|key| !named.contains(key));
        found.extend(orphans.map(|key| format!("{zone}/{key}: no entry names it")));
    }
    found
}
