//! SQL over all tables and models of the lake, for people.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::MemorySchemaProvider;
use lake::dataset::Dataset;
use lake::ledger::{Entries, Output};
use lake::{Lake, guard};
use std::sync::Arc;
use std::time::Duration;

use crate::ROUNDS;
use crate::engine::{Cut, Engine, Ranked};
use crate::error::{Error, Result};
use crate::export::planned;
use crate::plan::{cleaned, model_of, not_moved, objects_of};
use crate::statement::{Kind, parse};

/// Where a query's result goes, batch by batch.
pub trait Answer {
    /// One batch of rows.
    fn batch(&mut self, batch: RecordBatch) -> Result<()>;
}

impl<F: FnMut(RecordBatch) -> Result<()>> Answer for F {
    fn batch(&mut self, batch: RecordBatch) -> Result<()> {
        self(batch)
    }
}

/// Answers a query over `dataset.table` and `dataset.model` names, within `time` if it is limited; returns the result's
/// schema. While no row was handed on, objects that change meanwhile only make it begin anew.
pub async fn query(
    lake: &Lake,
    sql: &str,
    workers: usize,
    time: Option<Duration>,
    answer: &mut dyn Answer,
) -> Result<SchemaRef> {
    let mut has_answered = false;
    for _ in 1..ROUNDS {
        let mut visit = |batch: RecordBatch| {
            has_answered = true;
            answer.batch(batch)
        };
        match ask(lake, sql, workers, time, &mut visit).await {
            Err(Error::Input { .. }) if !has_answered => {}
            answered => return answered,
        }
    }
    ask(lake, sql, workers, time, answer).await
}

async fn ask(
    lake: &Lake,
    sql: &str,
    workers: usize,
    time: Option<Duration>,
    answer: &mut dyn Answer,
) -> Result<SchemaRef> {
    let engine = Engine::new(lake, workers)?;
    let state = engine.context().state();
    let statement = parse(&state, sql, Kind::Question)?;
    for dataset in lake.catalog.datasets() {
        let catalog = engine.context().catalog("datafusion");
        if let Some(catalog) = catalog {
            catalog.register_schema(&dataset.name, Arc::new(MemorySchemaProvider::new()))?;
        }
    }
    for reference in state.resolve_table_references(&statement)? {
        // `information_schema`, and names that the query itself defines, are not ours.
        let Some(Ok(dataset)) = reference.schema().map(|name| lake.catalog.dataset(name)) else { continue };
        register(lake, &engine, dataset, reference.table()).await.map_err(|error| engine.explain(error))?;
    }
    engine.run(sql, time, |batch| answer.batch(batch)).await
}

async fn register(lake: &Lake, engine: &Engine, dataset: &Dataset, name: &str) -> Result<()> {
    let reference = format!("{}.{name}", dataset.name);
    if let Some(table) = dataset.table(name) {
        let Entries { readable: entries, unreadable } = cleaned(lake, dataset).await?;
        let of_table = |raw_key: String| dataset.table_of(&raw_key).is_none_or(|known| known.name == table.name);
        if let Some(entry) = unreadable.iter().find(|entry| entry.raw_key().is_none_or(of_table)) {
            return Err(entry.error().into());
        }
        if entries.is_empty() && unreadable.is_empty() {
            guard::ensure_ledger(lake, dataset).await?;
        }
        not_moved(dataset, table, &entries)?;
        let outputs = objects_of(table, &entries);
        return engine.add_table(lake, reference, dataset, table, &outputs, &Cut::default()).await;
    }
    let Some(model) = dataset.models.iter().find(|model| model.name == name) else {
        let tables = dataset.tables.iter().map(|table| table.name.as_str());
        let known: Vec<&str> = tables.chain(dataset.models.iter().map(|model| model.name.as_str())).collect();
        return Err(Error::Query(format!("{} has no \"{name}\"; it has {}", dataset.name, known.join(", "))));
    };
    let Entries { readable: entries, unreadable } = lake.ledger.consumption_entries(Some(&dataset.name)).await?;
    if let Some(entry) = unreadable.iter().find(|entry| model_of(&entry.key) == Some(name)) {
        return Err(entry.error().into());
    }
    let of_model = entries.iter().filter(|(_, entry)| entry.model == model.name && entry.file.is_none());
    let is_made = of_model.clone().any(|(_, entry)| entry.is_committed());
    let outputs: Vec<&Output> = of_model.flat_map(|(_, entry)| &entry.outputs).collect();
    if outputs.is_empty() && is_made {
        return engine.add_empty_model(reference.as_str(), model, &planned(lake, dataset, model).await?);
    }
    if outputs.is_empty() {
        return Err(Error::Query(format!("{reference} has no rows yet: run `tributary aggregate`")));
    }
    let ranked: Vec<Ranked> = outputs.into_iter().enumerate().collect();
    engine.add_model(lake, reference, model, &ranked).await
}
