//! Which partitions there are, for catalogs of other engines.

use lake::Lake;
use lake::dataset::Dataset;
use lake::glue::{Place, Placed};
use lake::ledger::Keep;
use lake::settings::Zone;

use crate::error::Result;
use crate::state::State;

/// The partitions of a lake, or of one of its datasets, as the ledger has them.
pub async fn placed(lake: &Lake, dataset: Option<&str>) -> Result<Placed> {
    let datasets: Vec<&Dataset> = match dataset {
        Some(name) => vec![lake.catalog.dataset(name)?],
        None => lake.catalog.datasets().iter().collect(),
    };
    let mut placed = Placed::new();
    for dataset in datasets {
        let state = State::read(lake, dataset, Keep::Nothing).await?;
        placed.extend(of(&state).unwrap_or_default());
    }
    Ok(placed)
}

/// The partitions of a dataset; `None` where an entry cannot be read, or a table lies as it was declared before: what is
/// not seen would seem to be gone.
pub fn of(state: &State<'_>) -> Option<Placed> {
    let State { dataset, made, cleaned } = state;
    if !cleaned.unreadable().is_empty() || !cleaned.moved.is_empty() || made.unreadable().next().is_some() {
        return None;
    }
    let mut placed = Placed::new();
    for table in dataset.tables.iter().filter(|table| !table.partition.columns().is_empty()) {
        let groups = cleaned.tables.get(&table.name).into_iter().flatten();
        let partitions = groups.map(|((partition, _), _)| partition.clone());
        placed.insert(Place::new(Zone::Standard, &dataset.name, &table.name), partitions.collect());
    }
    for model in dataset.models.iter().filter(|model| !model.intermediate && !model.partition_columns().is_empty()) {
        let of_model = made.partitions().filter(|(_, entry)| entry.model == model.name);
        let partitions = of_model.flat_map(|(_, entry)| &entry.outputs).map(|output| output.partition.clone());
        placed.insert(Place::new(Zone::Consumption, &dataset.name, &model.name), partitions.collect());
    }
    Some(placed)
}
