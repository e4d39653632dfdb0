//! What is stale: which partitions there are by now, what each is made from, and what the ledger says it was made from.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{Days, NaiveDate};
use lake::dataset::{Dataset, Inputs, Model, Table};
use lake::ledger::{ConsumptionEntry, Entries, Objects, Output, RawEntry, Unreadable};
use lake::partition::{Partition, PartitionBy, Period};
use lake::personal::PersonalKey;
use lake::{Lake, hash, keys};

use crate::Selection;
use crate::engine::Ranked;
use crate::error::{Error, Result};

/// Part of every fingerprint: raised when the same SQL over the same rows may give other bytes.
const ENGINE: &str = "4";
/// Days by which the dates of one instant can differ, as its texts have them: offsets go from -12 to +14 hours.
pub const SLACK: u64 = 2;

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
    /// Entries that cannot be read.
    unreadable: Vec<Unreadable>,
    /// Ledger keys of those whose objects are gone or are others: by a hand, or by a writer that came too late.
    damaged: BTreeSet<String>,
}

impl Made {
    /// Reads it, and compares the objects with what the ledger says of them.
    pub async fn read(lake: &Lake, dataset: &Dataset) -> Result<Self> {
        let Entries { readable: entries, unreadable } = lake.ledger.consumption_entries(Some(&dataset.name)).await?;
        let objects = Objects::list(&lake.consumption, &dataset.name).await?;
        let damaged = entries.iter().filter(|(_, entry)| !entry.outputs.iter().all(|output| objects.have(output)));
        let damaged = damaged.map(|(key, _)| key.clone()).collect();
        Ok(Self { entries, unreadable, damaged })
    }

    /// Those of a model whose entry cannot be read.
    pub fn unreadable_of(&self, model: &str) -> impl Iterator<Item = &Unreadable> {
        self.unreadable.iter().filter(move |entry| model_of(&entry.key) == Some(model))
    }

    /// Whether all entries can be read.
    pub fn is_whole(&self) -> bool {
        self.unreadable.is_empty()
    }

    /// Those that are partitions, by their keys in the ledger.
    pub fn partitions(&self) -> impl Iterator<Item = (&str, &ConsumptionEntry)> {
        self.entries.iter().filter(|(_, entry)| entry.file.is_none()).map(|(key, entry)| (key.as_str(), entry))
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

/// A partition that has nothing left to be made from: key in the ledger, entry, partition.
pub type Vanished = (String, ConsumptionEntry, Partition);

/// What is to be done for a dataset.
#[derive(Debug, Default)]
pub struct Plan<'a> {
    /// The stale partitions.
    pub todo: Vec<Task<'a>>,
    /// Those that have nothing left to be made from.
    pub vanished: Vec<Vanished>,
    /// The count of the others.
    pub up_to_date: u64,
    /// What cannot be planned, and stays as it is.
    pub failed: Vec<Error>,
}

impl<'a> Plan<'a> {
    /// Compares what there is with what the ledger says of the consumption zone.
    pub fn new(
        lake: &Lake,
        dataset: &'a Dataset,
        selection: &Selection,
        made: &Made,
        entries: &'a Entries<RawEntry>,
    ) -> Self {
        let mut plan = Self::default();
        let known: BTreeMap<&str, &ConsumptionEntry> = made.partitions().collect();
        let mut left: BTreeMap<&str, Vanished> = made
            .partitions()
            .filter(|(_, entry)| selection.wants_model(&entry.model))
            .filter_map(|(key, entry)| Some((key, (key.to_owned(), entry.clone(), lake::ledger::partition_of(key)?))))
            .filter(|(_, (_, _, partition))| selection.wants(partition))
            .collect();
        for model in dataset.models.iter().filter(|model| selection.wants_model(&model.name)) {
            let unreadable: BTreeSet<&str> = made.unreadable_of(&model.name).map(|entry| entry.key.as_str()).collect();
            plan.failed.extend(made.unreadable_of(&model.name).map(|entry| Error::Unreadable {
                dataset: dataset.name.clone(),
                what:
                    lake::ledger::partition_of(&entry.key).map_or_else(
                        || model.name.clone(),
                        |partition| format!("{}, partition {partition},", model.name),
                    ),
                source: Box::new(entry.error()),
            }));
            if let Some(entry) = unreadable_input(dataset, model, &entries.unreadable) {
                let (dataset, what) = (dataset.name.clone(), model.name.clone());
                plan.failed.push(Error::Unreadable { dataset, what, source: Box::new(entry.error()) });
                left.retain(|_, (_, entry, _)| entry.model != model.name);
                continue;
            }
            let tasks = tasks(dataset, model, &entries.readable, lake.personal_key.as_ref()).into_iter();
            let mut todo = Vec::new();
            for mut task in tasks.filter(|task| selection.wants(&task.partition)) {
                let ledger_key = keys::consumption_ledger(&dataset.name, &model.name, &task.partition);
                left.remove(ledger_key.as_str());
                let entry = known.get(ledger_key.as_str());
                task.known = entry.map(|entry| entry.fingerprint.clone());
                let is_settled = entry.is_some_and(|entry| entry.is_settled()) && !made.is_damaged(&ledger_key);
                if unreadable.contains(ledger_key.as_str()) {
                    continue;
                }
                if is_settled && task.known.as_ref() == Some(&task.fingerprint) && !selection.all {
                    plan.up_to_date += 1;
                } else {
                    todo.push(task);
                }
            }
            match too_many(&todo, lake.limits().max_new_partitions) {
                Some(error) => plan.failed.push(error),
                None => plan.todo.append(&mut todo),
            }
        }
        plan.vanished = left.into_values().collect();
        plan
    }
}

/// What was made of a dataset's raw objects. Times and orders that were found by other rules may not be those of the
/// columns as they are declared now: they are left out.
pub async fn cleaned(lake: &Lake, dataset: &Dataset) -> Result<Entries<RawEntry>> {
    let mut entries = lake.ledger.raw_entries(Some(&dataset.name)).await?;
    for entry in &mut entries.readable {
        if dataset.table(&entry.table).is_none_or(|table| table.fingerprint != entry.rules) {
            for output in &mut entry.outputs {
                (output.times, output.orders) = (None, Vec::new());
            }
        }
    }
    Ok(entries)
}

/// An entry that cannot be read of a raw object that a model is made from, as far as its key says.
fn unreadable_input<'a>(dataset: &Dataset, model: &Model, unreadable: &'a [Unreadable]) -> Option<&'a Unreadable> {
    let inputs = dataset.inputs_of(model).ok()?;
    unreadable.iter().find(|entry| {
        let table = entry.raw_key().and_then(|raw_key| dataset.table_of(&raw_key).map(|table| table.name.clone()));
        table.is_none_or(|name| inputs.tables.iter().any(|table| table.name == name))
    })
}

/// Refuses to add more partitions than one run may: mostly, one wild date spans them.
fn too_many(todo: &[Task<'_>], allowed: usize) -> Option<Error> {
    let new: Vec<&Task> = todo.iter().filter(|task| task.known.is_none()).collect();
    let task = new.first().filter(|_| new.len() > allowed)?;
    let first = new.iter().flat_map(|task| task.objects.first()).flatten();
    let spans = first.filter_map(|(_, output)| Some((output, days_of(output)?)));
    let (output, days) = spans.max_by_key(|(_, days)| days.end.signed_duration_since(days.start))?;
    Some(Error::TooMany {
        dataset: task.dataset.name.clone(),
        model: task.model.name.clone(),
        partitions: new.len(),
        allowed,
        object: output.key.clone(),
        first: days.start.to_string(),
        last: days.end.pred_opt().unwrap_or(days.end).to_string(),
    })
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
        PartitionBy::Time(period, _) => {
            first.iter().filter_map(|(_, output)| days_of(output)).flat_map(|days| periods(*period, days)).collect()
        }
        PartitionBy::Key(_) => first.iter().map(|(_, output)| output.partition.clone()).collect(),
        PartitionBy::Nothing if first.is_empty() => BTreeSet::new(),
        PartitionBy::Nothing => BTreeSet::from([Partition::whole()]),
    };
    let task = |partition: Partition| {
        let reach = partition.days().map(|days| widened(&days, u64::from(model.look_back_days), 0));
        let objects: Vec<Vec<Ranked>> = inputs
            .tables
            .iter()
            .zip(&objects)
            .enumerate()
            .map(|(at, (table, objects))| {
                // Rows of one key may be of days beside each other: they are compared, then cut.
                let is_cut = matches!(table.partition, PartitionBy::Time(..))
                    || (at == 0 && table.partition == PartitionBy::Nothing);
                let near = if is_cut && !table.keeps_day() { SLACK } else { 0 };
                let reach = reach.as_ref().map(|reach| widened(reach, near, near));
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
pub fn days_of(output: &Output) -> Option<Range<NaiveDate>> {
    match output.days {
        Some((first, last)) => Some(first..last.checked_add_days(Days::new(1))?),
        None => output.partition.days(),
    }
}

/// The periods that days fall into. Skips to each period's end: a wild date may be thousands of years away.
fn periods(period: Period, days: Range<NaiveDate>) -> impl Iterator<Item = Partition> {
    let mut next = days.start;
    std::iter::from_fn(move || {
        while next < days.end {
            let partition = period.of(next);
            next =
                partition.as_ref().and_then(Partition::days).map_or_else(|| next.succ_opt(), |days| Some(days.end))?;
            if partition.is_some() {
                return partition;
            }
        }
        None
    })
}

/// More days before and after, as far as dates go.
pub fn widened(days: &Range<NaiveDate>, before: u64, after: u64) -> Range<NaiveDate> {
    let (first, end) = (NaiveDate::from_ymd_opt(1, 1, 1), NaiveDate::from_ymd_opt(10_000, 1, 1));
    let start = days.start.checked_sub_days(Days::new(before)).max(first).unwrap_or(days.start);
    start..days.end.checked_add_days(Days::new(after)).min(end).unwrap_or(days.end)
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
    if model.hash_personal {
        let columns = inputs.tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
        let personal = columns.filter(|(_, column)| column.personal);
        parts.extend(personal.flat_map(|(table, column)| [table.name.as_str(), column.name.as_str()]));
    }
    parts.extend(inputs.views.iter().map(|view| view.fingerprint.as_str()));
    parts.extend(inputs.tables.iter().flat_map(|table| table.key.iter().map(String::as_str)));
    parts.extend(inputs.tables.iter().map(|table| if table.keeps_day() { "keeps day" } else { "" }));
    parts.extend(objects.iter().flatten().flat_map(|(_, output)| [output.key.as_str(), output.hash.as_str()]));
    hash::texts(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_fall_into_each_period_once() {
        let of = |from: &str, to: &str| -> Vec<String> {
            periods(Period::Month, day(from)..day(to)).map(|partition| partition.as_str().to_owned()).collect()
        };
        assert_eq!(of("2026-10-30", "2026-12-01"), ["month=2026-10", "month=2026-11"]);
        assert_eq!(of("2026-10-30", "2026-12-02").len(), 3);
        assert_eq!(of("2026-10-30", "2026-10-30").len(), 0);
        assert_eq!(periods(Period::SchoolYear, day("1960-01-01")..day("1971-01-01")).count(), 1, "1970 has the first");
        assert_eq!(of("9999-12-01", "+10000-01-01"), ["month=9999-12"]);
    }

    #[test]
    fn reach_ends_where_dates_do() {
        let days = widened(&(day("2026-11-01")..day("2026-12-01")), 2, 1);
        assert_eq!(days, day("2026-10-30")..day("2026-12-02"));
        let all = widened(&(day("0001-01-02")..day("+10000-01-01")), u64::MAX, u64::MAX);
        assert_eq!(all, day("0001-01-01")..day("+10000-01-01"));
    }
}
