//! `tributary dataset export-terraform`: what Terraform makes tables, alarms and rights of.

use lake::Lake;
use lake::dataset::Catalog;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::output::print;

/// Prints the datasets that the lake itself declares, and built-in ones whose columns it changes.
pub async fn export(lake: &Lake) -> Result<(), Failure> {
    if let Some(broken) = lake.catalog.broken().next() {
        return Err(broken.into());
    }
    let mut built_in = lake.clone();
    built_in.catalog = Catalog::built_in();
    let mut datasets = Map::new();
    for dataset in lake.catalog.datasets() {
        let map = aggregate::map(lake, dataset).await?;
        let known = match built_in.catalog.dataset(&dataset.name) {
            Ok(known) => Some(aggregate::map(&built_in, known).await?),
            Err(_) => None,
        };
        if known.as_ref() != Some(&map) {
            datasets.insert(dataset.name.clone(), map);
        }
    }
    let text =
        serde_json::to_string_pretty(&Value::Object(datasets)).map_err(|error| Failure::lasting(error.to_string()))?;
    print(&format!("{text}\n"));
    Ok(())
}
