//! One partition of a model: query, Parquet, commit.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::sync::Arc;

use datafusion::arrow::array::{Array, RecordBatch, StringArray, UInt32Array};
use datafusion::arrow::compute::{cast, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::dataframe::DataFrame;
use datafusion::parquet::arrow::ArrowWriter;
use futures::StreamExt;
use lake::ledger::{ConsumptionEntry, FORMAT, Input, Output, put_output};
use lake::partition::Partition;
use lake::store::{Condition, Failure};
use lake::{Lake, keys};

use crate::Aggregated;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::Task;

/// Makes a partition and commits it. Its parts by columns of the result are told one by one.
pub async fn make(lake: &Lake, task: &Task<'_>, allow_shrink: bool) -> Result<Vec<Aggregated>> {
    let (dataset, model, partition) = (task.dataset.name.clone(), task.model.name.clone(), task.partition.clone());
    match try_make(lake, task, allow_shrink).await {
        Err(Error::Query(why)) => Err(Error::Model { dataset, model, partition, why }),
        Err(Error::Lake(lake::Error::Store(error))) if error.failure == Failure::Condition => {
            Err(Error::Overtaken { dataset, model, partition })
        }
        other => other,
    }
}

async fn try_make(lake: &Lake, task: &Task<'_>, allow_shrink: bool) -> Result<Vec<Aggregated>> {
    let Task { dataset, model, partition, .. } = task;
    let previous = lake.ledger.consumption_entry(&dataset.name, &model.name, partition).await?;
    if previous.as_ref().map(|(entry, _)| &entry.fingerprint) != task.known.as_ref() {
        let (dataset, model) = (dataset.name.clone(), model.name.clone());
        return Err(Error::Overtaken { dataset, model, partition: partition.clone() });
    }
    let parts = compute(lake, task).await?;
    let (old, etag) = previous.unzip();
    let before: &[Output] = old.as_ref().map(|entry| entry.outputs.as_slice()).unwrap_or_default();
    if !allow_shrink {
        guard(task, before, parts.values().map(|part| part.rows).sum())?;
    }
    let mut outputs = Vec::new();
    for (partition, part) in parts.into_iter().filter(|(_, part)| part.rows > 0) {
        let key = keys::consumption(&dataset.name, &model.name, &partition);
        let known = before.iter().find(|output| output.key == key);
        let (rows, file) = (part.rows, part.writer.into_inner().map_err(failed)?);
        outputs.push(put_output(&lake.consumption, key, file, partition, rows, known).await?);
    }
    for gone in before.iter().filter(|old| !outputs.iter().any(|new| new.key == old.key)) {
        lake.consumption.delete(&gone.key, Condition::Always).await?;
    }
    let input = |output: &Output| Input { key: output.key.clone(), etag: output.hash.clone() };
    let entry = ConsumptionEntry {
        format: FORMAT,
        dataset: dataset.name.clone(),
        model: model.name.clone(),
        fingerprint: task.fingerprint.clone(),
        inputs: task.objects.iter().flatten().map(|(_, output)| input(output)).collect(),
        outputs,
        file: None,
        pending: Vec::new(),
    };
    if old.as_ref() != Some(&entry) {
        lake.ledger.commit_consumption(partition, &entry, etag.as_deref()).await?;
    }
    Ok(made(task, before, &entry.outputs))
}

/// What was made, part by part; at least one line, for a partition without rows.
fn made(task: &Task<'_>, before: &[Output], outputs: &[Output]) -> Vec<Aggregated> {
    let hash_before = |key: &str| before.iter().find(|old| old.key == key).map(|old| old.hash.as_str());
    let line = |partition: &Partition, rows, changed, deleted| Aggregated {
        dataset: task.dataset.name.clone(),
        model: task.model.name.clone(),
        partition: partition.clone(),
        rows,
        changed,
        deleted,
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
fn guard(task: &Task<'_>, before: &[Output], rows: u64) -> Result<()> {
    let Some(share) = task.model.max_shrink else { return Ok(()) };
    let had: u64 = before.iter().map(|output| output.rows).sum();
    if rows as f64 >= had as f64 * (1.0 - share) {
        return Ok(());
    }
    let (dataset, model) = (task.dataset.name.clone(), task.model.name.clone());
    Err(Error::Shrunk { dataset, model, partition: task.partition.clone(), had, rows })
}

/// A partition's rows on their way to Parquet.
struct Part {
    writer: ArrowWriter<File>,
    rows: u64,
}

impl Part {
    fn new(schema: &SchemaRef) -> Result<Self> {
        Ok(Self { writer: lake::parquet::writer(schema).map_err(failed)?, rows: 0 })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Query(format!("failed to write Parquet: {error}"))
}

/// Runs the model's query over its inputs into temporary Parquet files, one per part of the partition.
async fn compute(lake: &Lake, task: &Task<'_>) -> Result<BTreeMap<Partition, Part>> {
    let engine = Engine::new(1)?;
    engine.add_inputs(lake, task).await?;
    let query = engine.context().sql(&task.model.sql).await?;
    let columns = Columns::new(task, &query)?;
    let mut parts = BTreeMap::new();
    let mut batches = query.execute_stream().await?;
    while let Some(batch) = batches.next().await {
        for (partition, batch) in columns.split(&task.partition, &batch?)? {
            let part: &mut Part = match parts.entry(partition) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => free.insert(Part::new(&columns.schema)?),
            };
            part.write(&batch)?;
        }
    }
    Ok(parts)
}

/// Which columns of a result are written, and which cut it.
struct Columns {
    schema: SchemaRef,
    written: Vec<usize>,
    split: Vec<(String, usize)>,
}

impl Columns {
    fn new(task: &Task<'_>, query: &DataFrame) -> Result<Self> {
        let fields = query.schema().fields();
        let in_path = task.model.partition_columns();
        let written: Vec<usize> = (0..fields.len())
            .filter(|at| fields.get(*at).is_some_and(|field| !in_path.contains(&field.name().as_str())))
            .collect();
        // All columns may be null: the file's schema depends on the query alone, not on what the planner can prove.
        let nullable =
            |at: &usize| fields.get(*at).map(|field| Field::new(field.name(), field.data_type().clone(), true));
        let schema = Arc::new(Schema::new(written.iter().filter_map(nullable).collect::<Vec<_>>()));
        let mut split = Vec::new();
        for name in &task.model.split {
            let at = fields.iter().position(|field| field.name() == name);
            let at = at.ok_or_else(|| Error::Query(format!("split: the result has no column \"{name}\"")))?;
            split.push((name.clone(), at));
        }
        Ok(Self { schema, written, split })
    }

    /// The rows of each part, in order, without the columns that stand in its path.
    fn split(&self, partition: &Partition, batch: &RecordBatch) -> Result<Vec<(Partition, RecordBatch)>> {
        let bare = |batch: &RecordBatch| {
            let columns = self.written.iter().map(|at| Arc::clone(batch.column(*at))).collect();
            RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(failed)
        };
        if self.split.is_empty() {
            return Ok(vec![(partition.clone(), bare(batch)?)]);
        }
        let mut texts = Vec::new();
        for (name, at) in &self.split {
            texts.push((name, cast(batch.column(*at), &DataType::Utf8).map_err(failed)?));
        }
        let mut rows: BTreeMap<Partition, Vec<u32>> = BTreeMap::new();
        for row in 0..batch.num_rows() {
            let within = texts.iter().fold(partition.clone(), |partition, (name, texts)| {
                let value = texts.as_any().downcast_ref::<StringArray>().filter(|texts| texts.is_valid(row));
                partition.within(name, value.map_or("", |texts| texts.value(row)))
            });
            rows.entry(within).or_default().push(u32::try_from(row).unwrap_or(u32::MAX));
        }
        let batch_of = |rows: Vec<u32>| bare(&take_record_batch(batch, &UInt32Array::from(rows)).map_err(failed)?);
        rows.into_iter().map(|(partition, rows)| Ok((partition, batch_of(rows)?))).collect()
    }
}
