//! Which partitions there are, for catalogs of other engines.

use std::collections::BTreeSet;

use lake::Lake;
use lake::dataset::Dataset;
use lake::glue::{Place, Placed};
use lake::ledger::{Entries, RawEntry};
use lake::settings::Zone;

use crate::Aggregated;
use crate::error::Result;
use crate::plan::{Made, cleaned};

/// The partitions of a lake, or of one of its datasets, as the ledger has them.
pub async fn placed(lake: &Lake, dataset: Option<&str>) -> Result<Placed> {
    let datasets: Vec<&Dataset> = match dataset {
        Some(name) => vec![lake.catalog.dataset(name)?],
        None => lake.catalog.datasets().iter().collect(),
    };
    let mut placed = Placed::new();
    for dataset in datasets {
        let made = Made::read(lake, dataset).await?;
        placed.extend(of(dataset, &made, &cleaned(lake, dataset).await?).unwrap_or_default());
    }
    Ok(placed)
}

/// The partitions of a dataset; `None` where an entry cannot be read: what it names would seem to be gone.
pub fn of(dataset: &Dataset, made: &Made, entries: &Entries<RawEntry>) -> Option<Placed> {
    if !entries.unreadable.is_empty() || !made.is_whole() {
        return None;
    }
    let mut placed = Placed::new();
    for table in dataset.tables.iter().filter(|table| !table.partition.columns().is_empty()) {
        let of_table = entries.readable.iter().filter(|entry| entry.table == table.name && entry.fits(table));
        let partitions = of_table.flat_map(|entry| &entry.outputs).map(|output| output.partition.clone());
        placed.insert(Place::new(Zone::Standard, &dataset.name, &table.name), partitions.collect());
    }
    for model in dataset.models.iter().filter(|model| !model.partition_columns().is_empty()) {
        let of_model = made.partitions().filter(|(_, entry)| entry.model == model.name);
        let partitions = of_model.flat_map(|(_, entry)| &entry.outputs).map(|output| output.partition.clone());
        placed.insert(Place::new(Zone::Consumption, &dataset.name, &model.name), partitions.collect());
    }
    Some(placed)
}

/// The same after a run made and deleted partitions.
pub fn after(mut placed: Placed, aggregated: &[Aggregated]) -> Placed {
    for made in aggregated {
        let place = Place::new(Zone::Consumption, &made.dataset, &made.model);
        let Some(partitions): Option<&mut BTreeSet<_>> = placed.get_mut(&place) else { continue };
        if made.rows == 0 {
            partitions.remove(&made.partition);
        } else {
            partitions.insert(made.partition.clone());
        }
    }
    placed
}
