//! Unit tests of models: rows that are given in place of the lake's, and rows that a model is to make of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, new_null_array};
use datafusion::arrow::compute::kernels::cast::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use lake::Lake;
use lake::dataset::case::{Case, Row};
use lake::dataset::{Dataset, Model, Relation, SETTINGS, Table};
use lake::partition::{Partition, PartitionBy};
use lake::suggest::did_you_mean;

use crate::bounds;
use crate::columns::{Columns, seen};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::planned::columns;
use crate::reach::widened;
use crate::statement::{Kind, plan};

/// Rows of one side that the other one does not have, as `column = value, ...`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Those that are expected.
    pub missing: Vec<String>,
    /// Those that the model gives.
    pub unexpected: Vec<String>,
}

impl Difference {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty()
    }
}

/// Makes a model from the rows that are given, and compares what it gives with what is expected.
pub async fn run(lake: &Lake, dataset: &Dataset, model: &Model, case: &Case) -> Result<Difference> {
    let (schema, batches) = made(lake, dataset, model, case).await?;
    let named: Vec<&String> = case.expect.iter().flat_map(Row::keys).collect();
    if let Some(unknown) = named.iter().find(|name| schema.field_with_name(name).is_err()) {
        return Err(Error::Query(format!("expect: {}", no_column(unknown, &schema))));
    }
    let columns: Vec<usize> = schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| named.is_empty() || named.contains(&field.name()))
        .map(|(at, _)| at)
        .collect();
    let schema = Arc::new(schema.project(&columns).map_err(failed)?);
    let expected = of_rows(&case.expect, &schema).map_err(|why| Error::Query(format!("expect: {why}")))?;
    let mut unexpected = Vec::new();
    for batch in batches {
        unexpected.extend(texts(&batch.project(&columns).map_err(failed)?)?);
    }
    let mut missing = texts(&expected)?;
    missing.retain(|row| match unexpected.iter().position(|other| other == row) {
        Some(at) => {
            unexpected.swap_remove(at);
            false
        }
        None => true,
    });
    unexpected.sort();
    Ok(Difference { missing, unexpected })
}

/// What a model gives of the rows.
pub async fn made(lake: &Lake, dataset: &Dataset, model: &Model, case: &Case) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let engine = Engine::new(lake, 1)?;
    let partition = partition(model, case)?;
    let inputs = dataset.inputs_of(model).map_err(Error::Query)?;
    let known: Vec<&str> = inputs.relations.iter().map(|relation| relation.name()).collect();
    if let Some(unknown) = case.given.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Error::Query(format!(
            "given: {} does not read a table or model {unknown}, but {}",
            model.name,
            known.join(", ")
        )));
    }
    let none = Vec::new();
    for relation in &inputs.relations {
        let name = relation.name();
        let columns = match relation {
            Relation::Table(table) => columns_of(table),
            Relation::Model(read) => Arc::new(seen(read, columns(lake, dataset, read).await?.as_ref())),
        };
        let rows = of_rows(case.given.get(name).unwrap_or(&none), &columns);
        let rows = rows.map_err(|why| Error::Query(format!("given.{name}: {why}")))?;
        engine.context().register_batch(name, rows)?;
    }
    let days = partition.days();
    let reach = days.as_ref().map(|days| widened(days, u64::from(model.look_back_days), 0));
    engine.add_declared(&with_settings(dataset, &case.settings)?, days, reach)?;
    for view in &inputs.views {
        engine.add_view(view).await?;
    }
    let work = async {
        let query = plan(engine.context(), &model.sql, Kind::Model).await?;
        let columns = Columns::new(model, &partition, query.schema().as_arrow())?;
        let mut own = Vec::new();
        for batch in bounds::collect(query).await? {
            own.extend(columns.split(&partition, &batch)?.into_iter().map(|(_, batch)| batch));
        }
        Ok::<_, Error>((Arc::clone(&columns.schema), own))
    };
    engine.bounded(Some(lake.limits().model_time), work).await
}

fn partition(model: &Model, case: &Case) -> Result<Partition> {
    let example = match &model.partition {
        PartitionBy::Nothing => return Ok(Partition::whole()),
        PartitionBy::Time(..) => "partition = \"month=2026-10\"",
        PartitionBy::Key(_) => "partition = \"date=2026-10-01\"",
    };
    let missing = || {
        let by = model.partition.columns().join(", ");
        Error::Query(format!("{} is cut by {by}: say which partition is made, as in {example}", model.name))
    };
    let is_one = |partition: &Partition| model.cut_by().is_none() || partition.days().is_some();
    case.partition.clone().filter(is_one).ok_or_else(missing)
}

/// The columns that SQL sees of a table.
pub(crate) fn columns_of(table: &Table) -> SchemaRef {
    let declared = table.schema();
    let mut fields: Vec<Field> = declared.fields().iter().map(|field| field.as_ref().clone()).collect();
    for name in table.partition.columns() {
        if declared.field_with_name(name).is_err() {
            let is_date = matches!(table.partition, PartitionBy::Key(_)) && name == "date";
            fields.push(Field::new(name, if is_date { DataType::Date32 } else { DataType::Utf8 }, true));
        }
    }
    Arc::new(Schema::new(fields))
}

fn with_settings(dataset: &Dataset, settings: &Row) -> Result<Dataset> {
    let mut dataset = dataset.clone();
    if let Some(list) = dataset.lists.iter_mut().find(|list| list.name == SETTINGS) {
        let known = list.rows.schema();
        if let Some(unknown) = settings.keys().find(|name| known.field_with_name(name).is_err()) {
            let names: Vec<&str> = known.fields().iter().map(|field| field.name().as_str()).collect();
            let meant = did_you_mean(unknown, names.iter().copied());
            let names = names.join(", ");
            return Err(Error::Query(format!("settings: there is no setting \"{unknown}\"; there are {names}{meant}")));
        }
        let mut columns = Vec::new();
        for (field, column) in known.fields().iter().zip(list.rows.columns()) {
            columns.push(match settings.get(field.name()) {
                Some(text) => of_texts(vec![Some(text.as_str())], field).map_err(Error::Query)?,
                None => Arc::clone(column),
            });
        }
        list.rows = RecordBatch::try_new(known, columns).map_err(failed)?;
    }
    Ok(dataset)
}

/// Rows by their columns; errors name the column.
fn of_rows(rows: &[Row], schema: &SchemaRef) -> Result<RecordBatch, String> {
    if let Some(unknown) = rows.iter().flat_map(Row::keys).find(|name| schema.field_with_name(name).is_err()) {
        return Err(no_column(unknown, schema));
    }
    let column = |field: &Arc<Field>| {
        of_texts(rows.iter().map(|row| row.get(field.name()).map(String::as_str)).collect(), field)
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| error.to_string())
}

fn no_column(unknown: &str, schema: &Schema) -> String {
    let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let meant = did_you_mean(unknown, known.iter().copied());
    format!("there is no column \"{unknown}\"; there are {}{meant}", known.join(", "))
}

fn of_texts(texts: Vec<Option<&str>>, field: &Field) -> Result<ArrayRef, String> {
    // The engine would also read other ways to write one.
    let is_date = |text: &&str| text.parse::<NaiveDate>().is_ok_and(|day| day.to_string() == **text);
    if *field.data_type() == DataType::Date32
        && let Some(wrong) = texts.iter().flatten().find(|text| !is_date(text))
    {
        return Err(format!("{}: \"{wrong}\" is no date: write one like 2026-11-01", field.name()));
    }
    if texts.iter().all(Option::is_none) {
        return Ok(new_null_array(field.data_type(), texts.len()));
    }
    let texts = StringArray::from(texts);
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&texts, field.data_type(), &options).map_err(|error| format!("{}: {error}", field.name()))
}

/// Each row as `column = value, ...`. Doubles are compared by twelve digits: the order in which they are added up counts
/// in the last ones.
fn texts(batch: &RecordBatch) -> Result<Vec<String>> {
    let options = FormatOptions::default().with_null("null");
    let mut rows = vec![BTreeMap::new(); batch.num_rows()];
    let schema = batch.schema();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let doubles = column.as_primitive_opt::<Float64Type>();
        let formatter = ArrayFormatter::try_new(column, &options).map_err(failed)?;
        for (at, row) in rows.iter_mut().enumerate() {
            let value = match doubles.filter(|doubles| doubles.is_valid(at)) {
                Some(doubles) => rounded(doubles.value(at)),
                None => formatter.value(at).to_string(),
            };
            row.insert(field.name().clone(), value);
        }
    }
    let row = |row: BTreeMap<String, String>| {
        row.into_iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
    };
    Ok(rows.into_iter().map(row).collect())
}

fn rounded(double: f64) -> String {
    let rounded: f64 = format!("{double:.11e}").parse().unwrap_or(double);
    format!("{rounded:?}")
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Query(error.to_string())
}
