//! `infra/modules/lake/datasets.json`, from which Terraform makes schedules, rights and Glue tables, follows `shared/datasets`.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::path::Path;

use lake::Lake;
use lake::settings::LakeSettings;
use serde_json::{Map, Value};

#[tokio::test]
async fn the_map_of_the_infrastructure_is_that_of_the_datasets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let nowhere = folder.join("no-such-lake").display().to_string();
    let lake = Lake::open(LakeSettings::at(format!("file:{nowhere}").parse().unwrap())).await.unwrap();
    let mut wanted = Map::new();
    for dataset in lake.catalog.datasets() {
        wanted.insert(dataset.name.clone(), aggregate::map(&lake, dataset).await.unwrap());
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
