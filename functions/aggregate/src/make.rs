//! One partition of a model: query, Parquet, commit.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::panic::AssertUnwindSafe;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use futures::{FutureExt, StreamExt};
use lake::dataset::{Dataset, Model, Severity};
use lake::ledger::{ConsumptionEntry, Input, Output};
use lake::partition::Partition;
use lake::store::Failure;
use lake::{Lake, keys};

use crate::Aggregated;
use crate::apart::check_shards;
use crate::bounds;
use crate::columns::Columns;
use crate::commit::{self, Made};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::geojson;
use crate::inputs::{Purpose, add_inputs};
use crate::lineage;
use crate::plan::{Planned, Task};
use crate::planned;
use crate::shard::Shard;
use crate::sharded;
use crate::statement::{Kind, plan};
use crate::tested::{self, Failed};

/// Makes a partition and commits it. Returns its parts by columns of the result one by one.
pub async fn make(lake: &Lake, task: &Task<'_>, allow_shrink: bool, workers: usize) -> Result<Vec<Aggregated>> {
    let done = AssertUnwindSafe(try_make(lake, task, allow_shrink, workers)).catch_unwind().await;
    let broken_off =
        || Error::Query("the program broke off while it made this partition: see the message above".to_owned());
    done.unwrap_or_else(|_| Err(broken_off())).map_err(|error| of_task(task, error))
}

/// An error with the partition that it is of.
pub fn of_task(task: &Task<'_>, error: Error) -> Error {
    let Planned { dataset, model, partition, .. } = task.planned;
    let (dataset, model, partition) = (dataset.name.clone(), model.name.clone(), partition.clone());
    match error {
        Error::Query(why) => Error::Model { dataset, model, partition, why },
        error @ Error::Exhausted(_) => Error::Model { dataset, model, partition, why: error.to_string() },
        Error::Input { url, why } => Error::Damaged { dataset, model, partition, url, why },
        Error::Lake(lake::Error::Store(error)) if error.failure == Failure::Condition => {
            Error::Overtaken { dataset, model, partition }
        }
        other => other,
    }
}

async fn try_make(lake: &Lake, task: &Task<'_>, allow_shrink: bool, workers: usize) -> Result<Vec<Aggregated>> {
    let Planned { dataset, model, partition, fingerprint, known, .. } = task.planned;
    let previous = lake.ledger.consumption_entry(&dataset.name, &model.name, partition).await?;
    if previous.as_ref().map(|(entry, _)| &entry.fingerprint) != known.as_ref() {
        let (dataset, model) = (dataset.name.clone(), model.name.clone());
        return Err(Error::Overtaken { dataset, model, partition: partition.clone() });
    }
    let Computed { parts, failed, .. } = compute(lake, task, workers).await?;
    let texts = |severity| {
        failed.iter().filter(move |test| test.severity == severity).map(|test| test.text.clone()).collect::<Vec<_>>()
    };
    let errors = texts(Severity::Error);
    if !errors.is_empty() {
        let (dataset, model) = (dataset.name.clone(), model.name.clone());
        return Err(Error::Tests { dataset, model, partition: partition.clone(), failed: errors.join("; ") });
    }
    let before = previous.as_ref().map(|(entry, _)| entry.outputs.clone()).unwrap_or_default();
    if !allow_shrink {
        guard(dataset, model, partition, &before, parts.values().map(|part| part.rows).sum())?;
    }
    let mut files = Vec::new();
    for (partition, part) in parts.into_iter().filter(|(_, part)| part.rows > 0) {
        let key = keys::consumption(&dataset.name, &model.name, &partition);
        files.push(Made { key, partition, rows: part.rows, file: part.file });
    }
    let input = |output: &Output| Input { key: output.key.clone(), etag: output.hash.clone() };
    let entry = ConsumptionEntry {
        fingerprint: fingerprint.clone(),
        inputs: task.objects.iter().flatten().map(|(_, output)| input(output)).collect(),
        ..commit::nothing(&dataset.name, &model.name, partition)
    };
    let outputs = commit::commit(lake, previous, entry, files).await?;
    if task.planned.shards > 1 {
        sharded::forget(lake, task).await?;
    }
    let mut made = made(task.planned, &before, &outputs);
    if let Some(first) = made.first_mut() {
        first.warnings = texts(Severity::Warn);
    }
    Ok(made)
}

/// What was made, part by part; at least one line, for a partition without rows.
fn made(task: &Planned<'_>, before: &[Output], outputs: &[Output]) -> Vec<Aggregated> {
    let hash_before = |key: &str| before.iter().find(|old| old.key == key).map(|old| old.hash.as_str());
    let line = |partition: &Partition, rows, changed, deleted| Aggregated {
        dataset: task.dataset.name.clone(),
        model: task.model.name.clone(),
        partition: partition.clone(),
        rows,
        changed,
        deleted,
        warnings: Vec::new(),
    };
    let mut lines: Vec<Aggregated> = outputs
        .iter()
        .map(|output| line(&output.partition, output.rows, hash_before(&output.key) != Some(&output.hash), false))
        .collect();
    let gone = before.iter().filter(|old| !outputs.iter().any(|new| new.key == old.key));
    lines.extend(gone.map(|old| line(&old.partition, 0, true, true)));
    if lines.is_empty() {
        lines.push(line(&task.partition, 0, false, false));
    }
    lines
}

/// Refuses to replace a partition by one that has lost too large a share of its rows.
pub fn guard(dataset: &Dataset, model: &Model, partition: &Partition, before: &[Output], rows: u64) -> Result<()> {
    let Some(share) = model.max_shrink else { return Ok(()) };
    let had: u64 = before.iter().map(|output| output.rows).sum();
    if rows as f64 >= had as f64 * (1.0 - share) {
        return Ok(());
    }
    let (dataset, model) = (dataset.name.clone(), model.name.clone());
    Err(Error::Shrunk { dataset, model, partition: partition.clone(), had, rows })
}

/// A partition's new rows, part by part, and the tests that they failed.
pub struct Computed {
    pub parts: BTreeMap<Partition, Part<File>>,
    /// The columns of each.
    pub columns: SchemaRef,
    pub failed: Vec<Failed>,
}

/// Rows in a Parquet file, or on their way to one.
pub struct Part<F> {
    pub file: F,
    pub rows: u64,
}

impl Part<ArrowWriter<File>> {
    fn new(schema: &SchemaRef) -> Result<Self> {
        Ok(Self { file: lake::parquet::writer(schema).map_err(failed)?, rows: 0 })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.file.write(batch).map_err(failed)
    }

    fn finish(self) -> Result<Part<File>> {
        Ok(Part { file: self.file.into_inner().map_err(failed)?, rows: self.rows })
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Query(format!("failed to write Parquet: {error}"))
}

/// Runs the model's query over its inputs into temporary Parquet files, one per part of the partition, and its tests over
/// these.
pub async fn compute(lake: &Lake, task: &Task<'_>, workers: usize) -> Result<Computed> {
    if task.planned.shards > 1 {
        check_shards(lake, task.planned.dataset, task.planned.model).await?;
        let part = sharded::joined(lake, task, workers).await?;
        let parts = BTreeMap::from([(task.planned.partition.clone(), part)]);
        let columns = planned::columns(lake, task.planned.dataset, task.planned.model).await?;
        let mut failed = Vec::new();
        if !task.planned.model.tests.is_empty() {
            let engine = Engine::new(lake, 1)?;
            let work = async {
                add_inputs(&engine, lake, task, Purpose::Tests).await?;
                test(lake, &engine, task, &parts, &columns).await
            };
            failed = engine.bounded(Some(lake.limits().model_time), work).await?;
        }
        return Ok(Computed { parts, columns, failed });
    }
    let compute = async |engine: Engine| {
        let work = async {
            let (parts, columns) = rows(lake, &engine, task, Purpose::Whole).await?;
            let failed = test(lake, &engine, task, &parts, &columns).await?;
            Ok::<_, Error>(Computed { parts, columns, failed })
        };
        engine.bounded(Some(lake.limits().model_time), work).await
    };
    match compute(Engine::new(lake, 1)?).await {
        Err(Error::Exhausted(why)) => compute(frugal(lake, task, &why)?).await,
        done => done,
    }
}

/// Makes one shard of a partition, as one file.
pub async fn write(lake: &Lake, task: &Task<'_>, shard: Shard) -> Result<File> {
    let compute = async |engine: Engine| {
        let work = rows(lake, &engine, task, Purpose::Shard(shard));
        engine.bounded(Some(lake.limits().model_time), work).await
    };
    let (mut parts, columns) = match compute(Engine::new(lake, 1)?).await {
        Err(Error::Exhausted(why)) => compute(frugal(lake, task, &why)?).await?,
        done => done?,
    };
    match parts.remove(&task.planned.partition) {
        Some(part) => Ok(part.file),
        None => Ok(Part::new(&columns)?.finish()?.file),
    }
}

/// A join that memory does not hold is done again over sorted rows.
fn frugal(lake: &Lake, task: &Task<'_>, why: &str) -> Result<Engine> {
    tracing::info!(model = task.planned.model.name, why, "joining sorted rows");
    Engine::frugal(lake, 1)
}

/// The rows of a partition, or of one of its shards, part by part, and their columns.
async fn rows(
    lake: &Lake,
    engine: &Engine,
    task: &Task<'_>,
    purpose: Purpose,
) -> Result<(BTreeMap<Partition, Part<File>>, SchemaRef)> {
    let Planned { dataset, model, partition, .. } = task.planned;
    lineage::check_split(lake, dataset, model).await?;
    add_inputs(engine, lake, task, purpose).await?;
    let query = plan(engine.context(), &model.sql, Kind::Model).await?;
    let columns = Columns::new(model, partition, query.schema().as_arrow())?;
    geojson::check(model, &columns.schema)?;
    let mut parts = BTreeMap::new();
    let (_, mut batches) = bounds::stream(query).await?;
    while let Some(batch) = batches.next().await {
        for (partition, batch) in columns.split(partition, &batch?)? {
            let part = match parts.entry(partition) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => free.insert(Part::new(&columns.schema)?),
            };
            part.write(&batch)?;
        }
    }
    let parts: BTreeMap<Partition, Part<File>> = parts
        .into_iter()
        .map(|(partition, part): (_, Part<_>)| Ok((partition, part.finish()?)))
        .collect::<Result<_>>()?;
    Ok((parts, columns.schema))
}

/// Runs a model's tests over new rows, beside its inputs.
async fn test(
    lake: &Lake,
    engine: &Engine,
    task: &Task<'_>,
    parts: &BTreeMap<Partition, Part<File>>,
    columns: &SchemaRef,
) -> Result<Vec<Failed>> {
    let Planned { dataset, model, .. } = task.planned;
    if model.tests.is_empty() {
        return Ok(Vec::new());
    }
    let files = parts.values().filter(|part| part.rows > 0).map(|part| part.file.try_clone());
    let files = files.collect::<std::io::Result<_>>().map_err(failed)?;
    engine.add_made(&model.name, columns, files).await?;
    tested::run(lake, engine, dataset, model).await
}
