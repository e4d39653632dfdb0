//! `infra/datasets.json`, from which Terraform makes schedules, rights and Glue tables, follows `shared/datasets`.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::path::Path;

use aggregate::Engine;
use datafusion::arrow::datatypes::{DataType, Schema};
use lake::Lake;
use lake::dataset::{Dataset, Model};
use lake::partition::PartitionBy;
use lake::settings::LakeSettings;
use serde_json::{Map, Value, json};

fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Utf8 => "string",
        DataType::Int64 => "int64",
        DataType::Float64 => "float64",
        DataType::Boolean => "bool",
        DataType::Date32 => "date",
        DataType::Timestamp(..) => "timestamp",
        other => panic!("{other} has no name in the contract"),
    }
}

fn described(partition: &PartitionBy, schema: &Schema) -> Value {
    let columns: Vec<Value> =
        schema.fields().iter().map(|field| json!([field.name(), type_name(field.data_type())])).collect();
    json!({"partition": partition.column(), "columns": columns})
}

/// The columns of a model, as the engine plans them over empty tables.
async fn planned(lake: &Lake, dataset: &Dataset, model: &Model) -> Value {
    let engine = Engine::new(1).unwrap();
    for input in &model.inputs {
        engine.add_table(lake, input.as_str(), dataset, dataset.table(input).unwrap(), &[]).await.unwrap();
    }
    let day = "2026-11-18".parse().unwrap();
    engine.add_calendar(dataset, day, day).unwrap();
    let plan = engine.context().sql(&model.sql).await.unwrap();
    described(&model.partition, plan.schema().as_arrow())
}

#[tokio::test]
async fn the_map_of_the_infrastructure_is_that_of_the_datasets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let nowhere = folder.join("no-such-lake").display().to_string();
    let lake = Lake::open(LakeSettings::at(format!("file:{nowhere}").parse().unwrap())).await.unwrap();
    let mut wanted = Map::new();
    for dataset in lake.catalog.datasets() {
        let mut models = Map::new();
        for model in &dataset.models {
            models.insert(model.name.clone(), planned(&lake, dataset, model).await);
        }
        let tables: Map<String, Value> = dataset
            .tables
            .iter()
            .map(|table| (table.name.clone(), described(&table.partition, &table.schema())))
            .collect();
        let entry = json!({
            "time_zone": dataset.zone.name(),
            "source": dataset.has_source(),
            "tables": tables,
            "models": models,
        });
        wanted.insert(dataset.name.clone(), entry);
    }
    let map = std::fs::read_to_string(folder.join("../../infra/datasets.json")).unwrap();
    let map: Value = serde_json::from_str(&map).unwrap();
    let wanted = Value::Object(wanted);
    assert_eq!(map, wanted, "infra/datasets.json should be:\n{}", serde_json::to_string_pretty(&wanted).unwrap());
}
