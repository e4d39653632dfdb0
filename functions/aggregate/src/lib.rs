//! Brings the consumption zone up to date: SQL models over the standard zone, on Apache DataFusion.
//!
//! As `make` does, it compares what each partition was made from (the ledger says) with what is there now, and makes
//! again what differs: late data, re-runs and backfills need no parameters, and a second run does nothing.

mod backlog;
mod engine;
mod error;
mod files;
pub mod handler;
mod query;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{Days, NaiveDate};
use datafusion::arrow::datatypes::{Field, Schema};
use futures::StreamExt;
use lake::dataset::{Dataset, Model};
use lake::ledger::{ConsumptionEntry, Input, Output, RawEntry, put_output};
use lake::partition::{Partition, PartitionBy};
use lake::progress::Progress;
use lake::store::Failure;
use lake::{Lake, hash, keys};
use serde::Serialize;
use std::sync::Arc;

pub use self::backlog::{Stale, backlog, hand_over};
pub use self::engine::Engine;
pub use self::error::{Error, Result};
pub use self::query::{Answer, query};

/// Part of every fingerprint: raised when the same SQL over the same rows may give other bytes.
const ENGINE: &str = "1";

/// How often a dataset is looked at again because other aggregations were at work.
const ROUNDS: u32 = 5;

/// Which models to bring up to date.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Of one dataset only.
    pub dataset: Option<String>,
    /// One model only.
    pub model: Option<String>,
    /// These partitions only; empty: any.
    pub partitions: Vec<Partition>,
    /// All partitions, whether they are stale or not.
    pub all: bool,
}

impl Selection {
    fn wants(&self, partition: &Partition) -> bool {
        self.partitions.is_empty() || self.partitions.contains(partition)
    }
}

/// A partition that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aggregated {
    /// The dataset.
    pub dataset: String,
    /// The model.
    pub model: String,
    /// The partition.
    pub partition: Partition,
    /// Its rows.
    pub rows: u64,
    /// Whether its bytes differ from before.
    pub changed: bool,
    /// Whether it was deleted, because nothing is left to make it from.
    pub deleted: bool,
}

/// What became of all.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Partitions made or deleted, by dataset, model and partition.
    pub aggregated: Vec<Aggregated>,
    /// Partitions that failed: the others are done nevertheless.
    pub failed: Vec<Error>,
    /// How many partitions needed nothing.
    pub up_to_date: u64,
    /// Stale partitions that were left alone, because together they are for AWS Batch.
    pub too_large: Vec<Stale>,
}

/// One partition that is to be made.
#[derive(Debug)]
struct Task<'a> {
    dataset: &'a Dataset,
    model: &'a Model,
    partition: Partition,
    days: Option<Range<NaiveDate>>,
    /// The objects of each input table, in the order of the model's inputs.
    inputs: Vec<Vec<(usize, &'a Output)>>,
    fingerprint: String,
    /// The fingerprint of what was there when the task was planned.
    known: Option<String>,
}

/// How many partitions of each dataset are stale: `(dataset, model, partition)`.
pub async fn stale(lake: &Lake, dataset: Option<&str>) -> Result<Vec<(String, String, Partition)>> {
    let selection = Selection { dataset: dataset.map(str::to_owned), ..Selection::default() };
    let mut found = Vec::new();
    for dataset in selected(lake, &selection)? {
        let known = lake.ledger.consumption_entries(Some(&dataset.name)).await?;
        let entries = lake.ledger.raw_entries(Some(&dataset.name)).await?;
        let (todo, vanished, _) = plan(dataset, &selection, &known, &entries);
        found.extend(todo.into_iter().map(|task| (dataset.name.clone(), task.model.name.clone(), task.partition)));
        found.extend(vanished.into_iter().map(|(_, entry, partition)| (dataset.name.clone(), entry.model, partition)));
    }
    Ok(found)
}

/// Makes stale partitions, `workers` at a time. Those of a dataset that are for AWS Batch are only named.
pub async fn aggregate(lake: &Lake, selection: &Selection, workers: usize, progress: &dyn Progress) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for dataset in selected(lake, selection)? {
        if selection.all && selection.model.is_none() && selection.partitions.is_empty() {
            remove_orphans(lake, dataset).await?;
        }
        let mut round = one_round(lake, dataset, selection, workers, progress).await?;
        // What another aggregation committed meanwhile may be older than what there is by now: look again.
        for _ in 1..ROUNDS {
            if !round.failed.iter().any(|error| matches!(error, Error::Overtaken { .. })) {
                break;
            }
            round.failed.retain(|error| !matches!(error, Error::Overtaken { .. }));
            outcome.aggregated.append(&mut round.aggregated);
            outcome.failed.append(&mut round.failed);
            let stale_only = Selection { all: false, ..selection.clone() };
            round = one_round(lake, dataset, &stale_only, workers, progress).await?;
        }
        outcome.up_to_date += round.up_to_date;
        outcome.aggregated.extend(round.aggregated);
        outcome.failed.extend(round.failed);
        outcome.too_large.extend(round.too_large);
    }
    let order = |made: &Aggregated| (made.dataset.clone(), made.model.clone(), made.partition.clone());
    outcome.aggregated.sort_by_key(order);
    Ok(outcome)
}

/// Plans one dataset, and makes what is stale.
async fn one_round(
    lake: &Lake,
    dataset: &Dataset,
    selection: &Selection,
    workers: usize,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    // Consumption first: a partition made in between is then made again, and not taken for one without inputs.
    let known = lake.ledger.consumption_entries(Some(&dataset.name)).await?;
    let entries = lake.ledger.raw_entries(Some(&dataset.name)).await?;
    let (todo, vanished, up_to_date) = plan(dataset, selection, &known, &entries);
    outcome.up_to_date = up_to_date;
    for (ledger_key, entry, partition) in vanished {
        delete(lake, &ledger_key, &entry).await?;
        let (dataset, model) = (entry.dataset, entry.model);
        outcome.aggregated.push(Aggregated { dataset, model, partition, rows: 0, changed: true, deleted: true });
    }
    if let Some(backlog) = backlog::too_large(lake, &todo) {
        outcome.too_large = backlog;
        return Ok(outcome);
    }
    progress.begin(&format!("aggregate {}", dataset.name), todo.len() as u64);
    let mut work = futures::stream::iter(todo.iter().map(|task| async move { (task, make(lake, task).await) }))
        .buffer_unordered(workers.max(1));
    while let Some((task, done)) = work.next().await {
        progress.advance(&format!("{} {}", task.model.name, task.partition));
        match done {
            Ok(aggregated) => outcome.aggregated.push(aggregated),
            Err(error) => {
                tracing::info!(%error, "failed to make a partition");
                outcome.failed.push(error);
            }
        }
    }
    progress.end();
    Ok(outcome)
}

fn selected<'a>(lake: &'a Lake, selection: &Selection) -> Result<Vec<&'a Dataset>> {
    let datasets: Vec<&Dataset> = match &selection.dataset {
        Some(name) => vec![lake.catalog.dataset(name)?],
        None => lake.catalog.datasets().iter().collect(),
    };
    if let Some(wanted) = &selection.model {
        let known: Vec<&str> =
            datasets.iter().flat_map(|dataset| &dataset.models).map(|model| model.name.as_str()).collect();
        if !known.contains(&wanted.as_str()) {
            let why = format!("there is no model \"{wanted}\"; there are {}", known.join(", "));
            return Err(lake::Error::Usage(why).into());
        }
    }
    Ok(datasets)
}

type Vanished = (String, ConsumptionEntry, Partition);

/// The stale partitions, those that have nothing left to be made from, and the count of the others.
fn plan<'a>(
    dataset: &'a Dataset,
    selection: &Selection,
    known: &[(String, ConsumptionEntry)],
    entries: &'a [RawEntry],
) -> (Vec<Task<'a>>, Vec<Vanished>, u64) {
    let mut vanished: BTreeMap<String, Vanished> = known
        .iter()
        .filter_map(|(key, entry)| Some((key.clone(), (key.clone(), entry.clone(), lake::ledger::partition_of(key)?))))
        .collect();
    let known: BTreeMap<&str, &ConsumptionEntry> = known.iter().map(|(key, entry)| (key.as_str(), entry)).collect();
    if let Some(wanted) = &selection.model {
        vanished.retain(|_, (_, entry, _)| entry.model == *wanted);
    }
    vanished.retain(|_, (_, _, partition)| selection.wants(partition));
    let (mut todo, mut up_to_date) = (Vec::new(), 0);
    let wanted = |model: &&Model| selection.model.as_ref().is_none_or(|name| model.name == *name);
    for model in dataset.models.iter().filter(wanted) {
        for mut task in tasks(dataset, model, entries).into_iter().filter(|task| selection.wants(&task.partition)) {
            let ledger_key = keys::consumption_ledger(&dataset.name, &model.name, &task.partition);
            vanished.remove(&ledger_key);
            task.known = known.get(ledger_key.as_str()).map(|entry| entry.fingerprint.clone());
            if task.known.as_ref() == Some(&task.fingerprint) && !selection.all {
                up_to_date += 1;
            } else {
                todo.push(task);
            }
        }
    }
    (todo, vanished.into_values().collect(), up_to_date)
}

/// All partitions that a model has by now: where its first input has rows.
fn tasks<'a>(dataset: &'a Dataset, model: &'a Model, entries: &'a [RawEntry]) -> Vec<Task<'a>> {
    let of_table = |name: &str| -> Vec<(usize, &'a Output)> {
        let ranked = entries.iter().enumerate().filter(|(_, entry)| entry.table == *name);
        ranked.flat_map(|(rank, entry)| entry.outputs.iter().map(move |output| (rank, output))).collect()
    };
    let inputs: Vec<Vec<(usize, &Output)>> = model.inputs.iter().map(|name| of_table(name)).collect();
    let first = inputs.first().map(Vec::as_slice).unwrap_or_default();
    let partitions: BTreeSet<Partition> = match &model.partition {
        PartitionBy::Time(period, _) => first
            .iter()
            .filter_map(|(_, output)| days_of(output))
            .flat_map(|days| days.start.iter_days().take_while(move |day| *day < days.end))
            .map(|day| period.of(day))
            .collect(),
        _ if first.is_empty() => BTreeSet::new(),
        _ => BTreeSet::from([Partition::whole()]),
    };
    let task = |partition: Partition| {
        let days = partition.days();
        let reach = days.clone().map(|days| days.start - Days::new(u64::from(model.look_back_days))..days.end);
        let within = |output: &Output| match (&reach, days_of(output)) {
            (Some(reach), Some(days)) => days.start < reach.end && reach.start < days.end,
            _ => true,
        };
        let inputs: Vec<Vec<(usize, &Output)>> = inputs
            .iter()
            .map(|outputs| outputs.iter().filter(|(_, output)| within(output)).copied().collect())
            .collect();
        let fingerprint = fingerprint(dataset, model, &inputs);
        Task { dataset, model, partition, days: reach, inputs, fingerprint, known: None }
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

fn fingerprint(dataset: &Dataset, model: &Model, inputs: &[Vec<(usize, &Output)>]) -> String {
    let fixed = [ENGINE, &model.fingerprint, dataset.zone.name()];
    let keys = model.inputs.iter().filter_map(|input| dataset.table(input)).flat_map(|table| table.key.iter());
    let fixed = fixed.into_iter().chain(keys.map(String::as_str));
    let objects = inputs.iter().flatten().flat_map(|(_, output)| [output.key.as_str(), output.hash.as_str()]);
    hash::texts(fixed.chain(objects))
}

async fn make(lake: &Lake, task: &Task<'_>) -> Result<Aggregated> {
    let (dataset, model, partition) = (task.dataset.name.clone(), task.model.name.clone(), task.partition.clone());
    match try_make(lake, task).await {
        Err(Error::Query(why)) => Err(Error::Model { dataset, model, partition, why }),
        Err(Error::Lake(lake::Error::Store(error))) if error.failure == Failure::Condition => {
            Err(Error::Overtaken { dataset, model, partition })
        }
        other => other,
    }
}

async fn try_make(lake: &Lake, task: &Task<'_>) -> Result<Aggregated> {
    let Task { dataset, model, partition, .. } = task;
    let previous = lake.ledger.consumption_entry(&dataset.name, &model.name, partition).await?;
    if previous.as_ref().map(|(entry, _)| &entry.fingerprint) != task.known.as_ref() {
        let (dataset, model) = (dataset.name.clone(), model.name.clone());
        return Err(Error::Overtaken { dataset, model, partition: partition.clone() });
    }
    let (file, rows) = compute(lake, task).await?;
    let (old, etag) = previous.unzip();
    let known = old.as_ref().and_then(|entry| entry.outputs.first());
    let key = keys::consumption(&dataset.name, &model.name, partition);
    let mut outputs = Vec::new();
    if rows > 0 {
        outputs.push(put_output(&lake.consumption, key, file, partition.clone(), rows, known).await?);
    } else if known.is_some() {
        lake.consumption.delete(&key).await?;
    }
    let input = |output: &Output| Input { key: output.key.clone(), etag: output.hash.clone() };
    let entry = ConsumptionEntry {
        dataset: dataset.name.clone(),
        model: model.name.clone(),
        fingerprint: task.fingerprint.clone(),
        inputs: task.inputs.iter().flatten().map(|(_, output)| input(output)).collect(),
        outputs,
    };
    let changed = entry.outputs.first().map(|output| &output.hash) != known.map(|output| &output.hash);
    if old.as_ref() != Some(&entry) {
        lake.ledger.commit_consumption(partition, &entry, etag.as_deref()).await?;
    }
    let (dataset, model) = (entry.dataset, entry.model);
    Ok(Aggregated { dataset, model, partition: partition.clone(), rows, changed, deleted: false })
}

/// Runs the model's query over its inputs into a temporary Parquet file; tells the rows.
async fn compute(lake: &Lake, task: &Task<'_>) -> Result<(std::fs::File, u64)> {
    let engine = Engine::new(1)?;
    for (name, outputs) in task.model.inputs.iter().zip(&task.inputs) {
        let table = task.dataset.table(name).ok_or_else(|| Error::Query(format!("there is no table {name}")))?;
        engine.add_table(lake, name.as_str(), task.dataset, table, outputs).await?;
    }
    if let Some(days) = &task.days {
        engine.add_calendar(task.dataset, days.start, days.end)?;
    }
    let plan = engine.context().sql(&task.model.sql).await?;
    // All columns may be null: the file's schema depends on the query alone, not on what the planner can prove.
    let fields: Vec<Field> =
        plan.schema().fields().iter().map(|field| Field::new(field.name(), field.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let failed = |error: &dyn std::fmt::Display| Error::Query(format!("failed to write Parquet: {error}"));
    let mut writer = lake::parquet::writer(&schema).map_err(|error| failed(&error))?;
    let mut batches = plan.execute_stream().await?;
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        let batch = batch.with_schema(Arc::clone(&schema)).map_err(|error| failed(&error))?;
        writer.write(&batch).map_err(|error| failed(&error))?;
    }
    Ok((writer.into_inner().map_err(|error| failed(&error))?, rows))
}

/// Deletes a partition that has nothing left to be made from; its entry goes last.
async fn delete(lake: &Lake, ledger_key: &str, entry: &ConsumptionEntry) -> Result<()> {
    for output in &entry.outputs {
        lake.consumption.delete(&output.key).await?;
    }
    Ok(lake.ledger.remove(ledger_key).await?)
}

/// Removes objects of the consumption zone that no ledger entry names: killed writers or former models made them.
async fn remove_orphans(lake: &Lake, dataset: &Dataset) -> Result<()> {
    let entries = lake.ledger.consumption_entries(Some(&dataset.name)).await?;
    let named: BTreeSet<&str> =
        entries.iter().flat_map(|(_, entry)| &entry.outputs).map(|output| output.key.as_str()).collect();
    for object in lake.consumption.list(&format!("{}/", dataset.name)).await? {
        if !named.contains(object.key.as_str()) {
            tracing::info!(key = %object.key, "removing an object that no ledger entry names");
            lake.consumption.delete(&object.key).await?;
        }
    }
    Ok(())
}
