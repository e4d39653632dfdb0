//! Everything that a partition is made from, as tables of a session.

use lake::Lake;
use lake::dataset::{Relation, View};

use crate::engine::{Cut, Engine, Ranked};
use crate::error::{Error, Result};
use crate::lineage::hide_model;
use crate::personal;
use crate::plan::{Planned, Task};
use crate::planned::columns;
use crate::shard::Shard;

/// What inputs are read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To make the whole partition, and to test it.
    Whole,
    /// To make one shard: of each input only its rows.
    Shard(Shard),
    /// To test what was made in shards: no view is computed, since tests name few of them.
    Tests,
}

/// Registers everything that a model reads.
pub async fn add_inputs(engine: &Engine, lake: &Lake, task: &Task<'_>, purpose: Purpose) -> Result<()> {
    let Planned { dataset, model, partition, .. } = task.planned;
    let personal_key = match (model.hash_personal, &lake.personal_key) {
        (false, _) => None,
        (true, Some(key)) => Some(key),
        (true, None) => {
            let why = "the model asks for hashes in place of personal values, and there is no key for them: set PERSONAL_KEY or PERSONAL_KEY_SECRET";
            return Err(Error::Query(why.to_owned()));
        }
    };
    for (at, (relation, objects)) in task.inputs.relations.iter().zip(&task.objects).enumerate() {
        let objects: Vec<Ranked> = objects.iter().map(|(rank, output)| (*rank, output.as_ref())).collect();
        match relation {
            Relation::Table(table) => {
                let by = model.cut_by().filter(|_| at == 0);
                let cut = Cut { days: task.reach.clone(), by, personal_key };
                engine.add_table(lake, table.name.as_str(), dataset, table, &objects, &cut).await?;
            }
            Relation::Model(read) => {
                if objects.is_empty() {
                    let columns = columns(lake, dataset, read).await?;
                    engine.add_empty_model(read.name.as_str(), read, &columns)?;
                } else {
                    engine.add_model(lake, read.name.as_str(), read, &objects, task.reach.as_ref()).await?;
                }
                if let Some(key) = personal_key {
                    personal::register(engine.context(), key);
                    hide_model(engine, lake, dataset, read).await?;
                }
            }
        }
    }
    if let Purpose::Shard(shard) = purpose {
        for relation in &task.inputs.relations {
            shard.cut(engine.context(), relation.name(), &model.shard).await?;
        }
    }
    engine.add_declared(dataset, partition.days(), task.reach.clone())?;
    for view in &task.inputs.views {
        match purpose {
            Purpose::Tests => engine.add_view(&View { materialize: false, ..(*view).clone() }).await?,
            Purpose::Whole | Purpose::Shard(_) => engine.add_view(view).await?,
        }
    }
    Ok(())
}
