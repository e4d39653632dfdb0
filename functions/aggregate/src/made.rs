//! What was made of a dataset so far: partitions, files and pages.

use std::collections::{BTreeMap, BTreeSet};

use lake::Lake;
use lake::dataset::Dataset;
use lake::ledger::{ConsumptionEntry, Objects, Unreadable};
use lake::store::State;

use crate::cleaned::Groups;
use crate::error::Result;

/// What was made of a dataset so far.
#[derive(Debug, Default)]
pub struct Made {
    dataset: String,
    /// By their keys in the ledger.
    entries: BTreeMap<String, Entry>,
    /// Entries that cannot be read.
    unreadable: Vec<Unreadable>,
    /// Ledger keys of those whose objects are gone or are others: by a hand, or by a writer that came too late.
    damaged: BTreeSet<String>,
}

/// A ledger entry without its inputs, which are as many as there are raw objects.
#[derive(Debug)]
struct Entry {
    state: State,
    entry: ConsumptionEntry,
}

impl Made {
    /// Of entries that were read already, none of them damaged.
    #[cfg(test)]
    pub fn of(dataset: &str, entries: Vec<ConsumptionEntry>) -> Self {
        let key =
            |entry: &ConsumptionEntry| lake::keys::consumption_ledger(&entry.dataset, &entry.model, &entry.partition);
        let entries = entries.into_iter().map(|entry| (key(&entry), Entry { state: State::UNKNOWN, entry }));
        Self { dataset: dataset.to_owned(), entries: entries.collect(), ..Self::default() }
    }

    /// Reads what the ledger says.
    pub async fn of_ledger(lake: &Lake, dataset: &Dataset) -> Result<Self> {
        let mut made = Self { dataset: dataset.name.clone(), ..Self::default() };
        made.refresh(lake).await?;
        Ok(made)
    }

    /// Reads it, and compares the objects with what the ledger says of them.
    pub async fn read(lake: &Lake, dataset: &Dataset) -> Result<Self> {
        let mut made = Self::of_ledger(lake, dataset).await?;
        let objects = Objects::list(&lake.consumption, &dataset.name).await?;
        let damaged = made.entries().filter(|(_, entry)| !entry.outputs.iter().all(|output| objects.have(output)));
        made.damaged = damaged.map(|(key, _)| key.to_owned()).collect();
        Ok(made)
    }

    /// Reads again what has changed in the ledger since.
    pub async fn refresh(&mut self, lake: &Lake) -> Result<()> {
        let listed = lake.ledger.consumption_states(&self.dataset).await?;
        let mut known = std::mem::take(&mut self.entries);
        let mut fetch: Vec<(&str, State)> = Vec::new();
        let mut before: BTreeMap<String, ConsumptionEntry> = BTreeMap::new();
        for (key, state) in listed.iter() {
            match known.remove(key) {
                Some(entry) if entry.state.is_still(state) => drop(self.entries.insert(key.to_owned(), entry)),
                Some(entry) => {
                    fetch.push((key, state));
                    before.insert(key.to_owned(), entry.entry);
                }
                None => fetch.push((key, state)),
            }
        }
        self.unreadable.clear();
        for fetched in lake.ledger.fetch_consumption(&fetch).await? {
            match fetched {
                Ok((key, state, mut entry)) => {
                    entry.inputs = Vec::new();
                    // Objects that were written since are those that the ledger names.
                    if before.get(&key).is_none_or(|before| *before != entry) {
                        self.damaged.remove(&key);
                    }
                    self.entries.insert(key, Entry { state, entry });
                }
                Err(unreadable) => self.unreadable.push(unreadable),
            }
        }
        Ok(())
    }

    /// All ledger keys and entries; their inputs are left out.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &ConsumptionEntry)> + Clone {
        self.entries.iter().map(|(key, entry)| (key.as_str(), &entry.entry))
    }

    /// One of them.
    pub fn get(&self, ledger_key: &str) -> Option<&ConsumptionEntry> {
        self.entries.get(ledger_key).map(|entry| &entry.entry)
    }

    /// Those that are partitions, by their keys in the ledger.
    pub fn partitions(&self) -> impl Iterator<Item = (&str, &ConsumptionEntry)> + Clone {
        self.entries().filter(|(_, entry)| entry.file.is_none())
    }

    /// What was made of each model, as the groups that plans of other models need. Days are those of the partitions.
    pub fn groups(&self) -> BTreeMap<String, Groups> {
        let mut groups: BTreeMap<String, Groups> = BTreeMap::new();
        for (_, entry) in self.partitions() {
            for output in &entry.outputs {
                let of_model = groups.entry(entry.model.clone()).or_default();
                of_model.entry((entry.partition.clone(), None)).or_default().add(output);
            }
        }
        groups
    }

    /// Entries that cannot be read.
    pub fn unreadable(&self) -> impl Iterator<Item = &Unreadable> {
        self.unreadable.iter()
    }

    /// Those of a model whose entry cannot be read.
    pub fn unreadable_of(&self, model: &str) -> impl Iterator<Item = &Unreadable> {
        self.unreadable.iter().filter(move |entry| model_of(&entry.key) == Some(model))
    }

    /// Whether any entry's objects are not what it says.
    pub fn lacks_objects(&self) -> bool {
        !self.damaged.is_empty()
    }

    /// Whether an entry's objects are not what it says.
    pub fn is_damaged(&self, ledger_key: &str) -> bool {
        self.damaged.contains(ledger_key)
    }
}

/// The model that a consumption entry's ledger key names.
pub fn model_of(ledger_key: &str) -> Option<&str> {
    ledger_key.split('/').nth(2)
}
