//! What an aggregation would do, and why: nothing of it is committed.

use std::collections::BTreeMap;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use lake::dataset::{Check, Severity, quoted};
use lake::ledger::{ConsumptionEntry, Keep, Output};
use lake::partition::Partition;
use lake::progress::Progress;
use lake::{Lake, keys};
use serde::Serialize;

use crate::bounds;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::make::{Computed, compute};
use crate::plan::{Awaited, Plan, Planned, Task, gather};
use crate::state::State;
use crate::statement::{Kind, plan as planned};
use crate::{Selection, in_memory, selected};

/// A partition that an aggregation would make or delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// The dataset.
    pub dataset: String,
    /// The model.
    pub model: String,
    /// The partition.
    pub partition: Partition,
    /// What has changed since it was made.
    pub why: String,
    /// Its rows now.
    pub rows_before: u64,
    /// What its rows would become, if it was asked for.
    #[serde(flatten)]
    pub rows: Option<Rows>,
    /// Why that is not known, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_compared: Option<String>,
}

/// How a partition's new rows differ from those it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// How many there would be.
    pub rows_after: u64,
    /// Rows that are new.
    pub added: u64,
    /// Rows that would go.
    pub removed: u64,
    /// Rows that would have other values under the same key, where a test of the model declares one as unique.
    pub changed: u64,
    /// Tests that the new rows fail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
    /// Tests that the new rows fail and that only warn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What would be done.
#[derive(Debug, Default)]
pub struct Previews {
    /// Partition by partition.
    pub partitions: Vec<Preview>,
    /// What cannot be planned or made.
    pub failed: Vec<Error>,
    /// How many partitions need nothing.
    pub up_to_date: u64,
}

/// Plans an aggregation. With `diff` stale partitions are made as well, and compared with what is there.
pub async fn preview(lake: &Lake, selection: &Selection, diff: bool, progress: &dyn Progress) -> Result<Previews> {
    let mut previews = Previews::default();
    if selection.dataset.is_none() {
        previews.failed.extend(lake.catalog.broken().map(Error::Lake));
    }
    for dataset in selected(lake, selection)? {
        let state = State::read_for(lake, dataset, Keep::Nothing, selection).await?;
        let Plan { todo, vanished, up_to_date, failed } = state.plan(lake, selection, &state.levels());
        previews.failed.extend(failed);
        previews.up_to_date += up_to_date;
        let steps = if diff { todo.len() as u64 } else { 0 };
        progress.begin(&format!("preview {}", dataset.name), steps);
        for part in in_memory(&todo) {
            for task in gather(&state.cleaned, &state.made, part)? {
                let Planned { model, partition, .. } = task.planned;
                let ledger_key = keys::consumption_ledger(&dataset.name, &model.name, partition);
                let entry = lake.ledger.consumption_entry_at(&ledger_key).await?.map(|(entry, _)| entry);
                let before = entry.as_ref().map(|entry| entry.outputs.as_slice()).unwrap_or_default();
                let mut preview = Preview {
                    dataset: dataset.name.clone(),
                    model: model.name.clone(),
                    partition: partition.clone(),
                    why: why(&task, entry.as_ref(), state.made.is_damaged(&ledger_key)),
                    rows_before: before.iter().map(|output| output.rows).sum(),
                    rows: None,
                    not_compared: None,
                };
                if diff && let Some(Awaited { model, partition }) = task.planned.awaits.as_ref() {
                    let read = format!("{model} {partition}");
                    preview.not_compared = Some(format!("{} would be made before", read.trim_end()));
                } else if diff {
                    progress.advance(&format!("{} {}", model.name, partition));
                    match compare(lake, &task, before).await {
                        Ok(rows) => preview.rows = Some(rows),
                        Err(error) => previews.failed.push(error),
                    }
                }
                previews.partitions.push(preview);
            }
        }
        progress.end();
        let vanished = vanished.iter().filter_map(|key| state.made.get(key));
        for entry in vanished.filter(|entry| entry.is_committed()) {
            let rows_before = entry.outputs.iter().map(|output| output.rows).sum();
            previews.partitions.push(Preview {
                dataset: dataset.name.clone(),
                model: entry.model.clone(),
                partition: entry.partition.clone(),
                why: "nothing is left to make it from: it would be deleted".to_owned(),
                rows_before,
                rows: None,
                not_compared: None,
            });
        }
    }
    Ok(previews)
}

/// What has changed since a partition was made.
fn why(task: &Task<'_>, entry: Option<&ConsumptionEntry>, is_damaged: bool) -> String {
    let Some(entry) = entry.filter(|entry| entry.is_committed()) else { return "it is new".to_owned() };
    if is_damaged {
        return "its objects are not what the ledger says".to_owned();
    }
    if !entry.is_settled() {
        return "a writer of it was interrupted".to_owned();
    }
    if let Some(Awaited { model, partition }) = task.planned.awaits.as_ref().filter(|_| !task.planned.is_stale) {
        let read = format!("{model} {partition}");
        return format!("it reads {}, which would be made before: it is made if that changes", read.trim_end());
    }
    if entry.fingerprint == task.planned.fingerprint {
        return "all partitions were asked for".to_owned();
    }
    let before: BTreeMap<&str, &str> =
        entry.inputs.iter().map(|input| (input.key.as_str(), input.etag.as_str())).collect();
    let now: BTreeMap<&str, &str> =
        task.objects.iter().flatten().map(|(_, output)| (output.key.as_str(), output.hash.as_str())).collect();
    let added = now.keys().filter(|key| !before.contains_key(*key));
    let changed = now.iter().filter(|(key, hash)| before.get(*key).is_some_and(|known| known != *hash));
    let removed = before.keys().filter(|key| !now.contains_key(*key));
    let sets: [(&str, Vec<&str>); 3] = [
        ("new", added.copied().collect()),
        ("changed", changed.map(|(key, _)| *key).collect()),
        ("gone", removed.copied().collect()),
    ];
    let texts: Vec<String> = sets
        .iter()
        .filter_map(|(what, keys)| {
            let (first, more) = (keys.first()?, keys.len() - 1);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            Some(format!("{what}: {first}{more}"))
        })
        .collect();
    if texts.is_empty() {
        return "its SQL, tests, settings or lists have changed, or the engine".to_owned();
    }
    texts.join("; ")
}

/// Makes a partition, and compares its rows with those that are there.
async fn compare(lake: &Lake, task: &Task<'_>, before: &[Output]) -> Result<Rows> {
    let of_model = |error: Error| match error {
        Error::Query(why) | Error::Exhausted(why) => Error::Model {
            dataset: task.planned.dataset.name.clone(),
            model: task.planned.model.name.clone(),
            partition: task.planned.partition.clone(),
            why,
        },
        error => error,
    };
    let Computed { parts, columns, failed } = compute(lake, task, 1).await.map_err(of_model)?;
    let rows_after = parts.values().map(|part| part.rows).sum();
    let (errors, warnings): (Vec<_>, Vec<_>) = failed.into_iter().partition(|test| test.severity == Severity::Error);
    let [failed, warnings] = [errors, warnings].map(|tests| tests.into_iter().map(|test| test.text).collect());
    if before.is_empty() {
        return Ok(Rows { rows_after, added: rows_after, removed: 0, changed: 0, failed, warnings });
    }
    let engine = Engine::new(lake, 1)?;
    let files = parts.into_values().filter(|part| part.rows > 0).map(|part| part.file).collect();
    engine.add_made("after", &columns, files).await?;
    let outputs: Vec<_> = before.iter().enumerate().collect();
    engine
        .add_model(lake, "before", task.planned.model, &outputs, None)
        .await
        .map_err(|error| engine.explain(error))?;
    let known = engine.context().table("before").await?;
    let is_there = |name: &str| known.schema().fields().iter().any(|field| field.name() == name);
    let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    if let Some(new) = names.iter().find(|name| !is_there(name)) {
        let why = format!("rows cannot be compared: those that are there have no column \"{new}\"");
        return Err(of_model(Error::Query(why)));
    }
    let all = list(&names);
    // Equal rows are numbered, so that the second one of them is a row of its own.
    let numbered =
        |of: &str| format!("SELECT {all}, row_number() OVER (PARTITION BY {all}) AS \"nth of equal rows\" FROM {of}");
    let more =
        |one: &str, other: &str| format!("(SELECT {all} FROM ({} EXCEPT {}) AS more)", numbered(one), numbered(other));
    let (new, old) = (more("after", "before"), more("before", "after"));
    let (added, removed) =
        (count(&engine, &format!("{new} AS x")).await?, count(&engine, &format!("{old} AS x")).await?);
    let unique = task.planned.model.tests.iter().find_map(|test| match &test.check {
        Check::Unique(columns) => Some(columns.iter().map(String::as_str).collect::<Vec<_>>()),
        Check::Rows { .. } | Check::References { .. } | Check::Sql(_) => None,
    });
    let changed = match unique.filter(|_| added > 0 && removed > 0) {
        Some(key) => {
            let key = list(&key);
            let both = format!("(SELECT {key} FROM {new} AS x INTERSECT SELECT {key} FROM {old} AS y) AS z");
            count(&engine, &both).await?
        }
        None => 0,
    };
    let (added, removed) = (added - changed.min(added), removed - changed.min(removed));
    Ok(Rows { rows_after, added, removed, changed, failed, warnings })
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

async fn count(engine: &Engine, from: &str) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM {from}");
    let batches = bounds::collect(planned(engine.context(), &sql, Kind::Model).await?).await?;
    let count = batches.first().and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>()?.iter().next()?);
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}
