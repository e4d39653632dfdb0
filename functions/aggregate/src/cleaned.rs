//! What was made of a dataset's raw objects, as far as plans need it: not a million objects, but how many there are of the
//! same table, partition and days, and one sum that changes with any of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use lake::Lake;
use lake::dataset::{Dataset, Table};
use lake::ledger::{Current, Keep, Output, RawEntry, Unreadable};
use lake::partition::Partition;

use crate::error::{Error, Result};
use crate::reach::Span;

/// A committed object and the rank of the raw key that it was made from: of two rows with the same key and time, the
/// one of the higher rank wins.
pub type Owned = (usize, Arc<Output>);

/// Objects of the same table, partition and days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// How many there are.
    pub objects: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// The sum of the fingerprints of keys and contents: it does not depend on the objects' order.
    pub sum: u128,
    /// The key of one of them.
    pub sample: String,
}

impl Group {
    /// Counts one more object.
    pub fn add(&mut self, output: &Output) {
        if self.objects == 0 {
            self.sample.clone_from(&output.key);
        }
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(output.bytes);
        self.sum = self.sum.wrapping_add(lake::hash::number([output.key.as_str(), output.hash.as_str()]));
    }
}

/// The groups of a table.
pub type Groups = BTreeMap<(Partition, Span), Group>;

/// What was made of a dataset's raw objects.
#[derive(Debug, Default)]
pub struct Cleaned {
    current: Current,
    /// How many raw objects the ledger has an entry of that can be read.
    entries: u64,
    /// The committed objects of each table.
    pub tables: BTreeMap<String, Groups>,
    /// How many raw objects of a table lie as it was declared before, by table.
    pub moved: BTreeMap<String, usize>,
}

impl Cleaned {
    /// Reads what the ledger says of a dataset. Where keys of entries are `told`, others that have changed are known by
    /// the ledger's notes, without a list of all.
    pub async fn read(lake: &Lake, dataset: &Dataset, keep: Keep, told: Option<&BTreeSet<String>>) -> Result<Self> {
        let lately = match told {
            Some(told) => lake.ledger.lately(&dataset.name, told, keep).await?,
            None => None,
        };
        let current = match lately {
            Some(current) => current,
            None => lake.ledger.current(&dataset.name, keep).await?,
        };
        Self::new(dataset, current)
    }

    /// Of what the ledger says.
    pub fn new(dataset: &Dataset, current: Current) -> Result<Self> {
        let mut cleaned = Self::default();
        let mut newest: BTreeMap<&str, Newest> = BTreeMap::new();
        current.visit(|entry| {
            cleaned.entries += 1;
            let Some(table) = dataset.table(&entry.table) else { return Ok::<_, Error>(()) };
            if !entry.fits(table) {
                *cleaned.moved.entry(table.name.clone()).or_default() += 1;
            }
            if table.snapshot {
                newest.entry(&table.name).or_default().offer(entry);
                return Ok(());
            }
            let groups = cleaned.tables.entry(table.name.clone()).or_default();
            add(groups, &entry.outputs);
            Ok(())
        })?;
        for (table, newest) in newest {
            add(cleaned.tables.entry(table.to_owned()).or_default(), &newest.outputs);
        }
        cleaned.current = current;
        Ok(cleaned)
    }

    /// What the ledger says.
    pub fn into_current(self) -> Current {
        self.current
    }

    /// Entries that cannot be read.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.current.unreadable
    }

    /// Whether the ledger has nothing of the dataset.
    pub fn is_empty(&self) -> bool {
        self.entries == 0 && self.current.unreadable.is_empty()
    }

    /// Whether there is any committed object.
    pub fn has_objects(&self) -> bool {
        self.tables.values().flatten().any(|(_, group)| group.objects > 0)
    }

    /// Refuses a table with objects that lie as it was declared before: half of it would be missing.
    pub fn not_moved(&self, dataset: &Dataset, table: &Table) -> Result<()> {
        match self.moved.get(&table.name) {
            None => Ok(()),
            Some(objects) => {
                Err(Error::Moved { dataset: dataset.name.clone(), table: table.name.clone(), objects: *objects })
            }
        }
    }

    /// Visits the committed objects of a dataset's tables with their raw keys: of a snapshot only those of the newest raw
    /// object that could be read at all.
    pub fn visit(&self, dataset: &Dataset, mut visit: impl FnMut(&Table, &str, Found<'_>)) -> Result<()> {
        let mut newest: BTreeMap<&str, Newest> = BTreeMap::new();
        self.current.visit(|entry| {
            let Some(table) = dataset.table(&entry.table) else { return Ok::<_, Error>(()) };
            if table.snapshot {
                newest.entry(&table.name).or_default().offer(entry);
                return Ok(());
            }
            for output in &entry.outputs {
                visit(table, entry.raw_key(), Found { output, is_of_rules: table.fingerprint == entry.rules });
            }
            Ok(())
        })?;
        for (name, Newest { of, rules, outputs }) in newest {
            let (Some(table), Some((_, raw_key))) = (dataset.table(name), of) else { continue };
            for output in &outputs {
                visit(table, &raw_key, Found { output, is_of_rules: table.fingerprint == rules });
            }
        }
        Ok(())
    }

    /// The committed objects of one table.
    pub fn objects(&self, dataset: &Dataset, table: &Table) -> Result<Vec<Owned>> {
        let mut found = Vec::new();
        self.visit(dataset, |of, raw_key, object| {
            if of.name == table.name {
                found.push((raw_key.to_owned(), Arc::new(object.to_owned())));
            }
        })?;
        Ok(ranked(found))
    }
}

fn add(groups: &mut Groups, outputs: &[Output]) {
    for output in outputs {
        groups.entry((output.partition.clone(), output.days)).or_default().add(output);
    }
}

/// A committed object among many, of which few are wanted.
pub struct Found<'a> {
    /// What the ledger says of it.
    pub output: &'a Output,
    /// Whether it was made by the rules of today.
    is_of_rules: bool,
}

impl Found<'_> {
    /// The object as plans may rely on it. Times and orders that were found by other rules may not be those of the columns
    /// as they are declared now: they are left out.
    pub fn to_owned(&self) -> Output {
        let mut output = self.output.clone();
        if !self.is_of_rules {
            (output.times, output.orders) = (None, Vec::new());
        }
        output
    }
}

/// Objects by raw key, with its rank.
pub fn ranked(mut objects: Vec<(String, Arc<Output>)>) -> Vec<Owned> {
    objects.sort_by(|(a, one), (b, other)| (a, &one.key).cmp(&(b, &other.key)));
    let mut rank = 0;
    let mut before: Option<String> = None;
    let ranked = objects.into_iter().map(|(raw_key, output)| {
        if before.as_ref().is_some_and(|before| *before != raw_key) {
            rank += 1;
        }
        before = Some(raw_key);
        (rank, output)
    });
    ranked.collect()
}

/// Of a snapshot, the newest raw object that could be read at all.
#[derive(Debug, Default)]
struct Newest {
    of: Option<(Option<DateTime<Utc>>, String)>,
    rules: String,
    outputs: Vec<Output>,
}

impl Newest {
    fn offer(&mut self, entry: &RawEntry) {
        if entry.rejected.is_some() {
            return;
        }
        let of = Some((entry.arrived, entry.raw_key().to_owned()));
        if self.of < of {
            *self = Self { of, rules: entry.rules.clone(), outputs: entry.outputs.clone() };
        }
    }
}
