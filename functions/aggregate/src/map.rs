//! The columns of tables and models as their Parquet files hold them: what Terraform and DDL for other engines are made
//! from.

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use lake::Lake;
use lake::dataset::{Dataset, Model, Table};
use lake::partition::PartitionBy;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::lineage::personal_of_model;
use crate::planned::planned;

/// A type that all engines read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// UTF-8 text.
    String,
    /// A number of 32 bits.
    Int32,
    /// A number of 64 bits.
    Int64,
    /// A double.
    Float64,
    /// True or false.
    Bool,
    /// A day.
    Date,
    /// An instant, in microseconds from 1970 UTC.
    Timestamp,
    /// A time of day on a day, of no zone.
    LocalTime,
}

impl ColumnKind {
    /// The type's name in declarations.
    pub fn name(self) -> &'static str {
        match self {
            ColumnKind::String => "string",
            ColumnKind::Int32 => "int32",
            ColumnKind::Int64 => "int64",
            ColumnKind::Float64 => "float64",
            ColumnKind::Bool => "bool",
            ColumnKind::Date => "date",
            ColumnKind::Timestamp | ColumnKind::LocalTime => "timestamp",
        }
    }

    fn of(field: &Field) -> Result<Self> {
        Ok(match field.data_type() {
            DataType::Utf8 => ColumnKind::String,
            DataType::Int32 => ColumnKind::Int32,
            DataType::Int64 => ColumnKind::Int64,
            DataType::Float64 => ColumnKind::Float64,
            DataType::Boolean => ColumnKind::Bool,
            DataType::Date32 => ColumnKind::Date,
            DataType::Timestamp(_, None) => ColumnKind::LocalTime,
            DataType::Timestamp(_, Some(_)) => ColumnKind::Timestamp,
            other => {
                let name = field.name();
                let why = format!(
                    "column \"{name}\" has type {other}, which not all engines read: cast it in the SELECT, as in \
                     CAST({} AS {name}",
                    match other {
                        DataType::UInt64 | DataType::UInt32 | DataType::UInt16 | DataType::UInt8 => "... AS BIGINT)",
                        _ => "... AS VARCHAR)",
                    }
                );
                return Err(Error::Query(why));
            }
        })
    }
}

/// A column that stands in the path of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathColumn {
    /// Its name.
    pub name: String,
    /// Its type, as `tributary query` shows it.
    pub kind: ColumnKind,
    /// Whether it stands in the Parquet, too.
    pub in_file: bool,
}

/// The columns of a table or model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumns {
    /// Those in the path, in its order.
    pub partition: Vec<PathColumn>,
    /// Those of the Parquet that are not in the path.
    pub columns: Vec<(String, ColumnKind)>,
}

impl TableColumns {
    /// The columns of a table.
    pub fn of_table(table: &Table) -> Result<Self> {
        // As the engine shows it: `date=2026-11-19` of a raw key is a date.
        let kind = |name: &str| match (&table.partition, name) {
            (PartitionBy::Key(_), "date") => ColumnKind::Date,
            _ => ColumnKind::String,
        };
        let key_column = table.key_column();
        let in_file_too = key_column.as_ref().map(|field| field.name().as_str());
        Self::new(&table.partition.columns(), kind, in_file_too, &table.schema())
    }

    /// The columns of a model, as its query is planned.
    pub async fn of_model(lake: &Lake, dataset: &Dataset, model: &Model) -> Result<Self> {
        let of_model = |error: Error| Error::Query(format!("{}.{}: {error}", dataset.name, model.name));
        let schema = planned(lake, dataset, model).await.map_err(of_model)?;
        Self::new(&model.partition_columns(), |_| ColumnKind::String, None, &schema).map_err(of_model)
    }

    fn new(
        partition: &[&str],
        kind_in_path: impl Fn(&str) -> ColumnKind,
        in_file_too: Option<&str>,
        schema: &Schema,
    ) -> Result<Self> {
        let mut in_path = Vec::new();
        for name in partition {
            let field = schema.field_with_name(name).ok();
            let kind = field.map_or_else(|| Ok(kind_in_path(name)), ColumnKind::of)?;
            let in_file = field.is_some() || in_file_too == Some(*name);
            in_path.push(PathColumn { name: (*name).to_owned(), kind, in_file });
        }
        let mut columns = Vec::new();
        for field in schema.fields().iter().filter(|field| !partition.contains(&field.name().as_str())) {
            columns.push((field.name().clone(), ColumnKind::of(field)?));
        }
        Ok(Self { partition: in_path, columns })
    }

    fn json(&self) -> Value {
        let names: Vec<&str> = self.partition.iter().map(|column| column.name.as_str()).collect();
        let columns: Vec<Value> = self.columns.iter().map(|(name, kind)| json!([name, kind.name()])).collect();
        json!({"partition": names, "columns": columns})
    }
}

/// A dataset as `infra/modules/lake/datasets.json` has it.
pub async fn map(lake: &Lake, dataset: &Dataset) -> Result<Value> {
    let mut models = Map::new();
    for model in dataset.models.iter().filter(|model| !model.intermediate) {
        models.insert(model.name.clone(), TableColumns::of_model(lake, dataset, model).await?.json());
    }
    let mut tables = Map::new();
    for table in &dataset.tables {
        tables.insert(table.name.clone(), TableColumns::of_table(table)?.json());
    }
    Ok(json!({
        "time_zone": dataset.zone.name(),
        "source": dataset.has_source(),
        "personal": personal(lake, dataset).await?,
        "tables": tables,
        "models": models,
    }))
}

/// What has personal values, by zone: prefixes of keys below the dataset. Models that only others read are among them.
async fn personal(lake: &Lake, dataset: &Dataset) -> Result<Value> {
    let is_personal = |table: &&Table| table.columns.iter().any(|column| column.personal);
    let tables: Vec<String> =
        dataset.tables.iter().filter(is_personal).map(|table| format!("{}/", table.name)).collect();
    let mut models = Vec::new();
    for model in &dataset.models {
        let of_model = |error: Error| Error::Query(format!("{}.{}: {error}", dataset.name, model.name));
        if !personal_of_model(lake, dataset, model).await.map_err(of_model)?.is_empty() {
            models.push(format!("{}/", model.name));
            models.extend(model.files().into_iter().map(|(_, name)| name));
        }
    }
    Ok(json!({"standard": tables, "consumption": models}))
}
