//! Files of models, for people and programs that want one file: `NAME.csv` has the newest partition,
//! `NAME_historical.csv` all earlier ones, and `NAME.geojson` the newest partition as points of a map.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use arrow::csv::{self, WriterBuilder};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::error::ArrowError;
use lake::dataset::{Csv, Dataset, GeoJson, Model};
use lake::ledger::{ConsumptionEntry, Input, Output};
use lake::partition::Partition;
use lake::store::Failure;
use lake::{Lake, hash, keys};

use crate::columns::quoted_names;
use crate::commit::{self, Made as MadeObject};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::geojson::{self, Points};
use crate::made::Made;
use crate::pages;
use crate::state::State;
use crate::{Aggregated, FILE_ROUNDS, Selection, pause};

/// Raised when the same rows may give other text.
const WRITER: &str = "1";

/// One file that a model asks for.
struct Wanted<'a> {
    dataset: &'a Dataset,
    model: &'a Model,
    format: Format<'a>,
    name: String,
    /// The partitions' objects, in order.
    outputs: Vec<&'a Output>,
}

/// How rows are written.
#[derive(Clone, Copy)]
enum Format<'a> {
    Csv(&'a Csv),
    GeoJson(&'a GeoJson),
}

/// Brings the files of a dataset's models up to date; returns those that were written or deleted.
pub async fn export(lake: &Lake, state: &mut State<'_>, selection: &Selection) -> Result<Vec<Aggregated>> {
    for round in 1..FILE_ROUNDS {
        match one_round(lake, state.dataset, &state.made, selection).await {
            // Another aggregation committed a file first: what there is by now may be older or newer than what it wrote.
            Err(Error::Lake(lake::Error::Store(error))) if error.failure == Failure::Condition => {}
            other => return other,
        }
        pause(round).await;
        state.made.refresh(lake).await?;
    }
    one_round(lake, state.dataset, &state.made, selection).await
}

async fn one_round(lake: &Lake, dataset: &Dataset, made: &Made, selection: &Selection) -> Result<Vec<Aggregated>> {
    let mut lines = Vec::new();
    let (mut files, mut kept) = (Vec::new(), BTreeSet::new());
    for model in dataset.models.iter().filter(|model| selection.wants_model(dataset, model)) {
        // Named by the plan: files that lack a partition would be shorter.
        if made.unreadable_of(&model.name).next().is_some() {
            let known = made.entries().filter(|(_, entry)| entry.model == model.name && entry.file.is_some());
            kept.extend(known.map(|(key, _)| key.to_owned()));
            continue;
        }
        for wanted in wanted(dataset, model, made) {
            let ledger_key = keys::consumption_ledger(&dataset.name, &model.name, &file_partition(&wanted.name));
            kept.insert(ledger_key.clone());
            files.push((ledger_key, wanted));
        }
    }
    // First those that go: a file may be another model's by now.
    let is_file = |entry: &ConsumptionEntry| entry.file.is_some() && entry.model != pages::MODEL;
    for (ledger_key, entry) in made.entries().filter(|(key, entry)| is_file(entry) && !kept.contains(*key)) {
        if !selection.names_model(&entry.model) || !commit::remove(lake, ledger_key, entry).await? {
            continue;
        }
        let name = entry.file.as_deref().unwrap_or_default();
        lines.push(line(dataset, &entry.model, name, 0, true, true));
    }
    for (ledger_key, wanted) in files {
        let known = made.get(&ledger_key);
        let is_current = known.is_some_and(|known| known.is_settled() && known.fingerprint == wanted.fingerprint());
        if !is_current || made.is_damaged(&ledger_key) || selection.all {
            lines.push(write(lake, &wanted, known).await?);
        } else if known.is_some_and(|known| !known.beside.is_empty()) {
            // What this run was overtaken with is named there.
            commit::settle(lake, &ledger_key).await?;
        }
    }
    Ok(lines)
}

pub fn line(dataset: &Dataset, model: &str, file: &str, rows: u64, changed: bool, deleted: bool) -> Aggregated {
    let partition = file_partition(file);
    Aggregated {
        dataset: dataset.name.clone(),
        model: model.to_owned(),
        partition,
        rows,
        changed,
        deleted,
        warnings: Vec::new(),
    }
}

/// The column of a partition that stands for a file.
pub const FILE: &str = "file";

/// How a file is named among partitions.
pub fn file_partition(name: &str) -> Partition {
    Partition::single(FILE, name)
}

/// The files of a model by what is committed of it.
fn wanted<'a>(dataset: &'a Dataset, model: &'a Model, made: &'a Made) -> Vec<Wanted<'a>> {
    if model.files().is_empty() {
        return Vec::new();
    }
    let mut partitions: Vec<(&str, &ConsumptionEntry)> =
        made.partitions().filter(|(_, entry)| entry.model == model.name && !entry.outputs.is_empty()).collect();
    partitions.sort_by_key(|(key, _)| {
        lake::ledger::partition_of(key).and_then(|partition| partition.days().map(|days| days.start))
    });
    let outputs = |partitions: &[(&str, &'a ConsumptionEntry)]| -> Vec<&'a Output> {
        partitions.iter().flat_map(|(_, entry)| &entry.outputs).collect()
    };
    let (earlier, newest) = partitions.split_at(partitions.len().saturating_sub(1));
    let (earlier, newest) = (outputs(earlier), outputs(newest));
    let mut files = Vec::new();
    if let Some(csv) = &model.csv {
        let [name, historical] = csv.files();
        files.push((Format::Csv(csv), name, newest.clone()));
        files.push((Format::Csv(csv), historical, earlier));
    }
    if let Some(geojson) = &model.geojson {
        files.push((Format::GeoJson(geojson), geojson.file(), newest));
    }
    let files = files.into_iter().filter(|(_, _, outputs)| !outputs.is_empty());
    files.map(|(format, name, outputs)| Wanted { dataset, model, format, name, outputs }).collect()
}

impl Wanted<'_> {
    fn fingerprint(&self) -> String {
        // All else that decides about a file stands in the model's text.
        let [yes, no] = match self.format {
            Format::Csv(csv) => csv.bool.each_ref().map(String::as_str),
            Format::GeoJson(_) => ["geojson", geojson::WRITER],
        };
        let fixed = [WRITER, &self.model.fingerprint, yes, no];
        let objects = self.outputs.iter().flat_map(|output| [output.key.as_str(), output.hash.as_str()]);
        hash::texts(fixed.into_iter().chain(objects))
    }
}

/// Writes a file and commits it.
async fn write(lake: &Lake, wanted: &Wanted<'_>, known: Option<&ConsumptionEntry>) -> Result<Aggregated> {
    let Wanted { dataset, model, name, .. } = wanted;
    let partition = file_partition(name);
    let (file, rows) = render(lake, wanted).await?;
    let before = known.and_then(|known| known.outputs.first());
    let key = keys::consumption_file(&dataset.name, name);
    let input = |output: &&Output| Input { key: output.key.clone(), etag: output.hash.clone() };
    let entry = ConsumptionEntry {
        fingerprint: wanted.fingerprint(),
        inputs: wanted.outputs.iter().map(input).collect(),
        file: Some(name.clone()),
        ..commit::nothing(&dataset.name, &model.name, &partition)
    };
    let ledger_key = keys::consumption_ledger(&dataset.name, &model.name, &partition);
    let previous = commit::previous(lake, &ledger_key, known).await?;
    let made = MadeObject { key, partition: partition.clone(), rows, file };
    let outputs = commit::commit(lake, previous, entry, vec![made]).await?;
    let changed = before.map(|before| &before.hash) != outputs.first().map(|output| &output.hash);
    Ok(line(dataset, &model.name, name, rows, changed, false))
}

/// The file's text and its rows: the columns of the newest partition, which has them in the order of the model's query.
async fn render(lake: &Lake, wanted: &Wanted<'_>) -> Result<(File, u64)> {
    let Wanted { model, .. } = wanted;
    let table = format!("{}__part", model.name);
    let read = async |output: &Output| {
        let engine = Engine::new(lake, 1)?;
        let columns = engine.add_model(lake, table.as_str(), model, &[(0, output)], None).await;
        let columns = columns.map_err(|error| engine.explain(error))?;
        Ok::<_, Error>((engine, columns))
    };
    let failed = |error: &dyn std::fmt::Display| Error::Query(format!("failed to write {}: {error}", wanted.name));
    let file = tempfile::tempfile().map_err(|error| failed(&error))?;
    let mut writer = Writer::new(wanted.format, BufWriter::new(file)).map_err(|error| failed(&error))?;
    let mut rows = 0;
    if let Some((newest, earlier)) = wanted.outputs.split_last() {
        let (engine_of_newest, columns) = read(newest).await?;
        geojson::check(model, &columns).map_err(|error| Error::Query(format!("{}.sql: {error}", model.name)))?;
        let sql = match wanted.format {
            Format::Csv(_) => format!("SELECT {} FROM \"{table}\"", quoted_names(&columns)),
            Format::GeoJson(geojson) => geojson::rows(geojson, model, &columns, &table),
        };
        let mut add = |batch: RecordBatch| {
            rows += batch.num_rows() as u64;
            writer.write(&batch).map_err(|error| failed(&error))
        };
        for output in earlier {
            read(output).await?.0.run(&sql, None, &mut add).await?;
        }
        engine_of_newest.run(&sql, None, &mut add).await?;
    }
    let file = writer.finish().and_then(|file| file.into_inner().map_err(|error| error.into_error().into()));
    Ok((file.map_err(|error| failed(&error))?, rows))
}

/// Writes rows as a format has them.
enum Writer<'a> {
    Csv(&'a Csv, Box<csv::Writer<BufWriter<File>>>),
    GeoJson(Points<'a, BufWriter<File>>),
}

impl<'a> Writer<'a> {
    fn new(format: Format<'a>, file: BufWriter<File>) -> Result<Self, ArrowError> {
        Ok(match format {
            Format::Csv(csv) => {
                let writer = WriterBuilder::new().with_timestamp_tz_format("%Y-%m-%dT%H:%M:%S%.fZ".to_owned());
                Self::Csv(csv, Box::new(writer.build(file)))
            }
            Format::GeoJson(geojson) => Self::GeoJson(Points::new(geojson, file)?),
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        match self {
            Self::Csv(csv, writer) => writer.write(&with_texts_for_bools(batch, &csv.bool)?),
            Self::GeoJson(points) => points.write(batch),
        }
    }

    fn finish(self) -> Result<BufWriter<File>, ArrowError> {
        match self {
            Self::Csv(_, writer) => Ok(writer.into_inner()),
            Self::GeoJson(points) => points.finish(),
        }
    }
}

fn with_texts_for_bools(batch: &RecordBatch, [yes, no]: &[String; 2]) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        match column.as_boolean_opt() {
            Some(truths) => {
                let texts = truths.iter().map(|truth| Some(if truth? { yes.as_str() } else { no.as_str() }));
                fields.push(Field::new(field.name(), DataType::Utf8, true));
                columns.push(Arc::new(texts.collect::<StringArray>()));
            }
            None => {
                fields.push(Field::new(field.name(), column.data_type().clone(), true));
                columns.push(Arc::clone(column));
            }
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
