//! What is stale: which partitions there are by now, what each is made from, and what the ledger says it was made from.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{Days, NaiveDate};
use lake::dataset::{Dataset, Inputs, Model, Table};
use lake::ledger::{ConsumptionEntry, Objects, Output, RawEntry};
use lake::partition::{Partition, PartitionBy};
use lake::personal::PersonalKey;
use lake::{Lake, hash, keys};

use crate::Selection;
use crate::engine::Ranked;
use crate::error::{Error, Result};

/// Part of every fingerprint: raised when the same SQL over the same rows may give other bytes.
const ENGINE: &str = "2";

/// One partition that is to be made.
#[derive(Debug)]
pub struct Task<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// The model.
    pub model: &'a Model,
    /// Everything the model reads.
    pub inputs: Inputs<'a>,
    /// The partition, before it is split by columns of the result.
    pub partition: Partition,
    /// The days of the partition and of the model's look-back before it.
    pub reach: Option<Range<NaiveDate>>,
    /// The objects of each input table, in the order of `inputs.tables`.
    pub objects: Vec<Vec<Ranked<'a>>>,
    /// What it is made from.
    pub fingerprint: String,
    /// The fingerprint of what was there when the task was planned.
    pub known: Option<String>,
}

/// What was made of a dataset so far: partitions and files.
#[derive(Debug)]
pub struct Made {
    /// Ledger keys and entries.
    pub entries: Vec<(String, ConsumptionEntry)>,
    /// Ledger keys of those whose objects are gone or are others: by a hand, or by a writer that came too late.
    damaged: BTreeSet<String>,
}

impl Made {
    /// Reads it, and compares the objects with what the ledger says of them.
    pub async fn read(lake: &Lake, dataset: &Dataset) -> Result<Self> {
        let entries = lake.ledger.consumption_entries(Some(&dataset.name)).await?.readable;
        let objects = Objects::list(&lake.consumption, &dataset.name).await?;
        let damaged = entries.iter().filter(|(_, entry)| !entry.outputs.iter().all(|output| objects.have(output)));
        let damaged = damaged.map(|(key, _)| key.clone()).collect();
        Ok(Self { entries, damaged })
    }

    /// Whether an entry's objects are not what it says.
    pub fn is_damaged(&self, ledger_key: &str) -> bool {
        self.damaged.contains(ledger_key)
    }
}

/// A partition that has nothing left to be made from: key in the ledger, entry, partition.
pub type Vanished = (String, ConsumptionEntry, Partition);

/// What is to be done for a dataset.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The stale partitions.
    pub todo: Vec<Task<'a>>,
    /// Those that have nothing left to be made from.
    pub vanished: Vec<Vanished>,
    /// The count of the others.
    pub up_to_date: u64,
}

impl<'a> Plan<'a> {
    /// Compares what there is with what the ledger says of the consumption zone.
    pub fn new(
        dataset: &'a Dataset,
        selection: &Selection,
        made: &Made,
        entries: &'a [RawEntry],
        personal_key: Option<&PersonalKey>,
    ) -> Self {
        let partitions = || made.entries.iter().filter(|(_, entry)| entry.file.is_none());
        let selected = |model: &str| selection.model.as_ref().is_none_or(|name| model == *name);
        let mut vanished: BTreeMap<&str, Vanished> = partitions()
            .filter(|(_, entry)| selected(&entry.model))
            .filter_map(|(key, entry)| {
                Some((key.as_str(), (key.clone(), entry.clone(), lake::ledger::partition_of(key)?)))
            })
            .filter(|(_, (_, _, partition))| selection.wants(partition))
            .collect();
        let known: BTreeMap<&str, &ConsumptionEntry> = partitions().map(|(key, entry)| (key.as_str(), entry)).collect();
        let (mut todo, mut up_to_date) = (Vec::new(), 0);
        for model in dataset.models.iter().filter(|model| selected(&model.name)) {
            let tasks = tasks(dataset, model, entries, personal_key).into_iter();
            for mut task in tasks.filter(|task| selection.wants(&task.partition)) {
                let ledger_key = keys::consumption_ledger(&dataset.name, &model.name, &task.partition);
                vanished.remove(ledger_key.as_str());
                task.known = known.get(ledger_key.as_str()).map(|entry| entry.fingerprint.clone());
                let is_current = task.known.as_ref() == Some(&task.fingerprint) && !made.is_damaged(&ledger_key);
                if is_current && !selection.all {
                    up_to_date += 1;
                } else {
                    todo.push(task);
                }
            }
        }
        Self { todo, vanished: vanished.into_values().collect(), up_to_date }
    }
}

/// Refuses a table with objects that lie as it was declared before: half of it would be missing.
pub fn not_moved(dataset: &Dataset, table: &Table, entries: &[RawEntry]) -> Result<()> {
    let objects = entries.iter().filter(|entry| entry.table == table.name && !entry.fits(table)).count();
    if objects == 0 {
        return Ok(());
    }
    Err(Error::Moved { dataset: dataset.name.clone(), table: table.name.clone(), objects })
}

/// The committed objects of a table. Of a snapshot only those of the newest raw object that could be read at all.
pub fn objects_of<'a>(table: &Table, entries: &'a [RawEntry]) -> Vec<Ranked<'a>> {
    let of_table = entries.iter().enumerate().filter(|(_, entry)| entry.table == table.name);
    let objects = |(rank, entry): (usize, &'a RawEntry)| entry.outputs.iter().map(move |output| (rank, output));
    if !table.snapshot {
        return of_table.flat_map(objects).collect();
    }
    let readable = of_table.filter(|(_, entry)| entry.rejected.is_none());
    let newest = readable.max_by_key(|(_, entry)| (entry.arrived, entry.raw_key()));
    newest.into_iter().flat_map(objects).collect()
}

/// All partitions that a model has by now: where its first input has rows.
fn tasks<'a>(
    dataset: &'a Dataset,
    model: &'a Model,
    entries: &'a [RawEntry],
    personal_key: Option<&PersonalKey>,
) -> Vec<Task<'a>> {
    // Checked when the dataset was read.
    let Ok(inputs) = dataset.inputs_of(model) else { return Vec::new() };
    let objects: Vec<Vec<Ranked>> = inputs.tables.iter().map(|table| objects_of(table, entries)).collect();
    let first = objects.first().map(Vec::as_slice).unwrap_or_default();
    let partitions: BTreeSet<Partition> = match &model.partition {
        PartitionBy::Time(period, _) => first
            .iter()
            .filter_map(|(_, output)| days_of(output))
            .flat_map(|days| days.start.iter_days().take_while(move |day| *day < days.end))
            .filter_map(|day| period.of(day))
            .collect(),
        PartitionBy::Key(_) => first.iter().map(|(_, output)| output.partition.clone()).collect(),
        PartitionBy::Nothing if first.is_empty() => BTreeSet::new(),
        PartitionBy::Nothing => BTreeSet::from([Partition::whole()]),
    };
    let task = |partition: Partition| {
        let look_back = Days::new(u64::from(model.look_back_days));
        let reach = partition.days().map(|days| days.start - look_back..days.end);
        let objects: Vec<Vec<Ranked>> = inputs
            .tables
            .iter()
            .zip(&objects)
            .map(|(table, objects)| {
                let within = |output: &Output| match (&model.partition, &reach) {
                    (PartitionBy::Key(_), _) if table.partition == model.partition => output.partition == partition,
                    (PartitionBy::Time(..), Some(reach)) => {
                        days_of(output).is_none_or(|days| days.start < reach.end && reach.start < days.end)
                    }
                    _ => true,
                };
                objects.iter().filter(|(_, output)| within(output)).copied().collect()
            })
            .collect();
        let inputs = Inputs { tables: inputs.tables.clone(), views: inputs.views.clone() };
        let fingerprint = fingerprint(dataset, model, &inputs, &objects, personal_key);
        Task { dataset, model, inputs, partition, reach, objects, fingerprint, known: None }
    };
    partitions.into_iter().map(task).collect()
}

/// The days of an object's rows, `[from, to)`, as the ledger or its partition says.
fn days_of(output: &Output) -> Option<Range<NaiveDate>> {
    match output.days {
        Some((first, last)) => Some(first..last.checked_add_days(Days::new(1))?),
        None => output.partition.days(),
    }
}

fn fingerprint(
    dataset: &Dataset,
    model: &Model,
    inputs: &Inputs<'_>,
    objects: &[Vec<Ranked<'_>>],
    personal_key: Option<&PersonalKey>,
) -> String {
    let personal = personal_key.filter(|_| model.hash_personal).map(PersonalKey::fingerprint).unwrap_or_default();
    let mut parts =
        vec![ENGINE, &model.fingerprint, dataset.zone.name(), dataset.lists_fingerprint.as_str(), personal.as_str()];
    parts.extend(inputs.views.iter().map(|view| view.fingerprint.as_str()));
    parts.extend(inputs.tables.iter().flat_map(|table| table.key.iter().map(String::as_str)));
    parts.extend(objects.iter().flatten().flat_map(|(_, output)| [output.key.as_str(), output.hash.as_str()]));
    hash::texts(parts)
}
