//! What becomes of a result's columns: which are written, which cut the rows to their partition, and which cut the
//! partition further.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, UInt32Array};
use datafusion::arrow::compute::{cast, filter_record_batch, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Date32Type, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use lake::dataset::{Model, quoted};
use lake::partition::{Partition, PartitionBy};

use crate::error::{Error, Result};

/// Which rows of a result are those of the partition.
#[derive(Debug)]
enum Cut {
    /// All of them.
    Nothing,
    /// Those whose date is one of these, in days since 1970.
    Days(usize, Range<i32>),
    /// Those with this text.
    Value(usize, String),
}

/// A column that is written.
#[derive(Debug)]
enum Written {
    /// One of the result's.
    Of(usize),
    /// The value that the partition has.
    Constant(String),
}

/// The columns that SQL sees of a model whose files have these: those of its path last, as text where no file has them.
pub fn seen(model: &Model, written: &Schema) -> Schema {
    let in_path = model.partition_columns();
    let mut fields: Vec<FieldRef> = written.fields().iter().map(Arc::clone).collect();
    fields.retain(|field| !in_path.contains(&field.name().as_str()));
    for column in in_path {
        let known = written.fields().iter().find(|field| field.name() == column).map(Arc::clone);
        fields.push(known.unwrap_or_else(|| Arc::new(Field::new(column, DataType::Utf8, true))));
    }
    Schema::new(fields)
}

/// Which columns of a result are written, and which cut it.
#[derive(Debug)]
pub struct Columns {
    /// The schema of the files.
    pub schema: SchemaRef,
    written: Vec<Written>,
    cut: Cut,
    split: Vec<(String, usize)>,
}

impl Columns {
    /// The columns of a model's result in one of its partitions. Errors name the column that is missing.
    pub fn new(model: &Model, partition: &Partition, result: &Schema) -> Result<Self> {
        let fields = result.fields();
        let find = |name: &str| fields.iter().position(|field| field.name() == name);
        if let Some(name) = model.hidden.iter().find(|name| find(name).is_none()) {
            return Err(Error::Query(format!(
                "[model]: hidden: the result has no column \"{name}\"; it has {}",
                names(result)
            )));
        }
        // Parts of a date that stand in the path are not written: the date is.
        let left_out: Vec<&str> = match &model.partition {
            PartitionBy::Time(period, _) => period.columns().to_vec(),
            PartitionBy::Key(_) | PartitionBy::Nothing => Vec::new(),
        };
        let is_written = |name: &str| !left_out.contains(&name) && !model.hidden.iter().any(|hidden| hidden == name);
        let (mut written, mut schema) = (Vec::new(), Vec::new());
        for (at, field) in fields.iter().enumerate().filter(|(_, field)| is_written(field.name())) {
            written.push(Written::Of(at));
            // All columns may be null: the file's schema depends on the query alone, not on what the planner can prove.
            schema.push(Field::new(field.name(), stored(field.data_type()), true));
        }
        if let PartitionBy::Key(name) = &model.partition
            && find(name).is_none()
        {
            let value = partition.values().find(|(known, _)| known == name).map(|(_, value)| value).unwrap_or_default();
            written.push(Written::Constant(value));
            schema.push(Field::new(name, DataType::Utf8, true));
        }
        let mut split = Vec::new();
        for name in &model.split {
            let missing = || {
                Error::Query(format!("[model]: split: the result has no column \"{name}\"; it has {}", names(result)))
            };
            split.push((name.clone(), find(name).ok_or_else(missing)?));
        }
        Ok(Self { schema: Arc::new(Schema::new(schema)), written, cut: Self::cut(model, partition, result)?, split })
    }

    fn cut(model: &Model, partition: &Partition, result: &Schema) -> Result<Cut> {
        let find = |name: &str| result.fields().iter().position(|field| field.name() == name);
        match &model.partition {
            PartitionBy::Nothing => Ok(Cut::Nothing),
            PartitionBy::Key(name) => {
                let value = partition.values().find(|(known, _)| known == name).map(|(_, value)| value);
                Ok(find(name).zip(value).map_or(Cut::Nothing, |(at, value)| Cut::Value(at, value)))
            }
            PartitionBy::Time(_, name) => {
                let is_date =
                    |at: &usize| result.fields().get(*at).is_some_and(|field| *field.data_type() == DataType::Date32);
                let at = find(name).filter(is_date).ok_or_else(|| {
                    Error::Query(format!(
                        "[model]: partition: the result has no date column \"{name}\", by which its rows are cut; it has {}. Select it, and write hidden = [\"{name}\"] if it is not to be written",
                        names(result)
                    ))
                })?;
                let day = Date32Type::from_naive_date;
                Ok(partition.days().map_or(Cut::Nothing, |days| Cut::Days(at, day(days.start)..day(days.end))))
            }
        }
    }

    /// The partition's rows of each part, in order.
    pub fn split(&self, partition: &Partition, batch: &RecordBatch) -> Result<Vec<(Partition, RecordBatch)>> {
        let batch = &self.within(batch)?;
        if self.split.is_empty() {
            return Ok(vec![(partition.clone(), self.bare(batch)?)]);
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
        let batch_of = |rows: Vec<u32>| self.bare(&take_record_batch(batch, &UInt32Array::from(rows)).map_err(failed)?);
        rows.into_iter().map(|(partition, rows)| Ok((partition, batch_of(rows)?))).collect()
    }

    /// The rows that are the partition's own.
    fn within(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let own: BooleanArray = match &self.cut {
            Cut::Nothing => return Ok(batch.clone()),
            Cut::Days(at, days) => {
                let dates = batch.column(*at).as_primitive_opt::<Date32Type>();
                let dates = dates.ok_or_else(|| failed("the column of the partition is no date"))?;
                dates.iter().map(|day| Some(day.is_some_and(|day| days.contains(&day)))).collect()
            }
            Cut::Value(at, value) => {
                let texts = cast(batch.column(*at), &DataType::Utf8).map_err(failed)?;
                texts.as_string::<i32>().iter().map(|text| Some(text == Some(value.as_str()))).collect()
            }
        };
        if own.true_count() == batch.num_rows() {
            return Ok(batch.clone());
        }
        filter_record_batch(batch, &own).map_err(failed)
    }

    /// The columns that are written.
    fn bare(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let column = |(written, field): (&Written, &FieldRef)| -> Result<ArrayRef> {
            match written {
                Written::Of(at) => cast(batch.column(*at), field.data_type()).map_err(failed),
                Written::Constant(value) => Ok(Arc::new(StringArray::from(vec![value.as_str(); batch.num_rows()]))),
            }
        };
        let columns = self.written.iter().zip(self.schema.fields()).map(column).collect::<Result<_>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(failed)
    }
}

/// The type of a column in a file: texts of a query are views, which are the engine's own; times of some functions are
/// nanoseconds, which other engines do not read, and no table has.
fn stored(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        kind => kind.clone(),
    }
}

/// Columns as SQL names them.
pub fn quoted_names(schema: &Schema) -> String {
    schema.fields().iter().map(|field| quoted(field.name())).collect::<Vec<_>>().join(", ")
}

/// Columns as people read them.
pub fn names(schema: &Schema) -> String {
    schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ")
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Query(format!("failed to write Parquet: {error}"))
}
