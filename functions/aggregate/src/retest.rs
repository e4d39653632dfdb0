//! The declared tests of models over what is there: committed partitions as they are, and stale ones as they would be made.

use std::collections::BTreeSet;

use lake::dataset::{Dataset, Severity};
use lake::ledger::Keep;
use lake::partition::Partition;
use lake::progress::Progress;
use lake::{Lake, keys};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::inputs::{Purpose, add_inputs};
use crate::make::compute;
use crate::plan::{Plan, Planned, Task, gather};
use crate::planned::columns;
use crate::state::State;
use crate::tested::{self, Failed};
use crate::{Selection, in_memory};

/// What became of a model's tests.
#[derive(Debug, Default)]
pub struct Retested {
    /// The model.
    pub model: String,
    /// How many of its partitions were looked at.
    pub partitions: u64,
    /// Partitions that were never made, and wait for those of another model.
    pub waiting: u64,
    /// What failed: the name of the test, its severity, and where and with which rows.
    pub failed: Vec<(String, Severity, String)>,
    /// Partitions whose tests cannot be run.
    pub errors: Vec<Error>,
}

/// Runs the tests of all models of a dataset that declare some.
pub async fn run(lake: &Lake, dataset: &Dataset, progress: &dyn Progress) -> Result<Vec<Retested>> {
    let state = State::read(lake, dataset, Keep::Nothing).await?;
    let levels = state.levels();
    let (all, stale) = (Selection { all: true, ..Selection::default() }, Selection::default());
    let Plan { todo: stale, .. } = state.plan(lake, &stale, &levels);
    let of = |planned: &Planned<'_>| (planned.model.name.clone(), planned.partition.clone());
    let waiting: BTreeSet<(String, Partition)> =
        stale.iter().filter(|planned| planned.awaits.is_some()).map(of).collect();
    let stale: BTreeSet<(String, Partition)> = stale.iter().map(of).collect();
    let Plan { mut todo, failed, .. } = state.plan(lake, &all, &levels);
    if let Some(error) = failed.into_iter().next() {
        return Err(error);
    }
    todo.retain(|planned| !planned.model.tests.is_empty());
    let with_tests = dataset.models.iter().filter(|model| !model.tests.is_empty());
    let mut done: Vec<Retested> =
        with_tests.map(|model| Retested { model: model.name.clone(), ..Retested::default() }).collect();
    progress.begin(&format!("test {}", dataset.name), todo.len() as u64);
    for part in in_memory(&todo) {
        for task in gather(&state.cleaned, &state.made, part)? {
            let Planned { model, partition, .. } = task.planned;
            progress.advance(&format!("{} {partition}", model.name));
            let Some(of_model) = done.iter_mut().find(|retested| retested.model == model.name) else { continue };
            let name = of(task.planned);
            let found = match stale.contains(&name) && !waiting.contains(&name) {
                true => compute(lake, &task, 1).await.map(|computed| Some(computed.failed)),
                false => committed(lake, &task).await,
            };
            // Nothing is made of partitions that are up to date and have no rows; were all made again, they could have some.
            if matches!(found, Ok(None)) && !waiting.contains(&name) {
                continue;
            }
            let (looked_at, not_made) = if matches!(found, Ok(None)) { (0, 1) } else { (1, 0) };
            of_model.partitions += looked_at;
            of_model.waiting += not_made;
            match found {
                Ok(failed) => {
                    of_model.failed.extend(failed.into_iter().flatten().map(|Failed { name, severity, text }| {
                        let place =
                            if partition.values().next().is_none() { String::new() } else { format!("{partition}: ") };
                        (name, severity, format!("{place}{text}"))
                    }))
                }
                Err(Error::Query(why) | Error::Exhausted(why)) => of_model.errors.push(Error::Model {
                    dataset: dataset.name.clone(),
                    model: model.name.clone(),
                    partition: partition.clone(),
                    why,
                }),
                Err(error) => of_model.errors.push(error),
            }
        }
    }
    progress.end();
    Ok(done)
}

/// Runs the tests over the rows that are committed, beside what they were made from; none if there is nothing committed.
async fn committed(lake: &Lake, task: &Task<'_>) -> Result<Option<Vec<Failed>>> {
    let Planned { dataset, model, partition, .. } = task.planned;
    let ledger_key = keys::consumption_ledger(&dataset.name, &model.name, partition);
    let entry = lake.ledger.consumption_entry_at(&ledger_key).await?.map(|(entry, _)| entry);
    let Some(entry) = entry.filter(|entry| entry.is_committed()) else { return Ok(None) };
    if entry.outputs.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let columns = columns(lake, dataset, model).await?;
    let engine = Engine::new(lake, 1)?;
    let work = async {
        add_inputs(&engine, lake, task, Purpose::Tests).await?;
        let outputs: Vec<_> = entry.outputs.iter().enumerate().collect();
        engine.add_committed(lake, model, &columns, &outputs).await?;
        tested::run(lake, &engine, dataset, model).await.map(Some)
    };
    engine.bounded(Some(lake.limits().model_time), work).await
}
