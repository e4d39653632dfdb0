//! `infra/modules/lake/datasets.json`, from which Terraform makes schedules, rights and Glue tables, follows `shared/datasets`.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::path::Path;

use aggregate::planned;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use lake::Lake;
use lake::settings::LakeSettings;
use serde_json::{Map, Value, json};

fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Utf8 => "string",
        DataType::Int32 => "int32",
        DataType::Int64 => "int64",
        DataType::Float64 => "float64",
        DataType::Boolean => "bool",
        DataType::Date32 => "date",
        DataType::Timestamp(..) => "timestamp",
        other => panic!("{other} has no name in the contract"),
    }
}

fn described(partition: &[&str], schema: &Schema) -> Value {
    let in_path = |field: &&std::sync::Arc<Field>| !partition.contains(&field.name().as_str());
    let columns: Vec<Value> = schema
        .fields()
        .iter()
        .filter(in_path)
        .map(|field| json!([field.name(), type_name(field.data_type())]))
        .collect();
    json!({"partition": partition, "columns": columns})
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
            let schema = planned(&lake, dataset, model).await.unwrap();
            models.insert(model.name.clone(), described(&model.partition_columns(), &schema));
        }
        let tables: Map<String, Value> = dataset
            .tables
            .iter()
            .map(|table| (table.name.clone(), described(&table.partition.columns(), &table.schema())))
            .collect();
        let entry = json!({
            "time_zone": dataset.zone.name(),
            "source": dataset.has_source(),
            "tables": tables,
            "models": models,
        });
        wanted.insert(dataset.name.clone(), entry);
    }
    let map = std::fs::read_to_string(folder.join("../../infra/modules/lake/datasets.json")).unwrap();
    let map: Value = serde_json::from_str(&map).unwrap();
    let wanted = Value::Object(wanted);
    assert_eq!(
        map,
        wanted,
        "infra/modules/lake/datasets.json should be:\n{}",
        serde_json::to_string_pretty(&wanted).unwrap()
    );
}
