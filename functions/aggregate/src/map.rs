//! What Terraform needs to know of a dataset: its tables and models with the columns of their Parquet files.

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use lake::Lake;
use lake::dataset::Dataset;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::export::planned;

/// A dataset as `infra/modules/lake/datasets.json` has it.
pub async fn map(lake: &Lake, dataset: &Dataset) -> Result<Value> {
    let mut models = Map::new();
    for model in &dataset.models {
        let of_model = |error: Error| Error::Query(format!("{}.{}: {error}", dataset.name, model.name));
        let schema = planned(lake, dataset, model).await.map_err(of_model)?;
        let described = described(&model.partition_columns(), &schema).map_err(of_model)?;
        models.insert(model.name.clone(), described);
    }
    let mut tables = Map::new();
    for table in &dataset.tables {
        tables.insert(table.name.clone(), described(&table.partition.columns(), &table.schema())?);
    }
    Ok(json!({
        "time_zone": dataset.zone.name(),
        "source": dataset.has_source(),
        "tables": tables,
        "models": models,
    }))
}

fn described(partition: &[&str], schema: &Schema) -> Result<Value> {
    let in_file = |field: &&std::sync::Arc<Field>| !partition.contains(&field.name().as_str());
    let column = |field: &std::sync::Arc<Field>| Ok(json!([field.name(), type_name(field)?]));
    let columns = schema.fields().iter().filter(in_file).map(column).collect::<Result<Vec<Value>>>()?;
    Ok(json!({"partition": partition, "columns": columns}))
}

fn type_name(field: &Field) -> Result<&'static str> {
    Ok(match field.data_type() {
        DataType::Utf8 => "string",
        DataType::Int32 => "int32",
        DataType::Int64 => "int64",
        DataType::Float64 => "float64",
        DataType::Boolean => "bool",
        DataType::Date32 => "date",
        DataType::Timestamp(..) => "timestamp",
        other => {
            let why = format!("column \"{}\" has type {other}: cast it to one that all engines read", field.name());
            return Err(Error::Query(why));
        }
    })
}
