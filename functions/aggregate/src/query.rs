//! SQL over all tables and models of the lake, for people.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::MemorySchemaProvider;
use lake::dataset::{Dataset, Model};
use lake::ledger::{Keep, Output};
use lake::suggest::nearest;
use lake::{Lake, guard};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::cleaned::Cleaned;
use crate::engine::{Cut, Engine, Ranked};
use crate::error::{Error, Result};
use crate::made::Made;
use crate::planned::columns;
use crate::state::State;
use crate::statement::{Kind, parse, plan};
use crate::{ROUNDS, Selection};

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
/// schema. While no row was handed on, objects that change meanwhile only make it begin anew, and a join that memory does
/// not hold is done again over sorted rows.
pub async fn query(
    lake: &Lake,
    sql: &str,
    workers: usize,
    time: Option<Duration>,
    answer: &mut dyn Answer,
) -> Result<SchemaRef> {
    let (mut has_answered, mut is_frugal) = (false, false);
    for _ in 1..ROUNDS {
        let mut visit = |batch: RecordBatch| {
            has_answered = true;
            answer.batch(batch)
        };
        match ask(lake, sql, engine(lake, workers, is_frugal)?, time, &mut visit).await {
            Err(Error::Input { .. }) if !has_answered => {}
            Err(Error::Exhausted(_)) if !has_answered && !is_frugal => is_frugal = true,
            answered => return answered,
        }
    }
    ask(lake, sql, engine(lake, workers, is_frugal)?, time, answer).await
}

fn engine(lake: &Lake, workers: usize, is_frugal: bool) -> Result<Engine> {
    if is_frugal { Engine::frugal(lake, workers) } else { Engine::new(lake, workers) }
}

async fn ask(
    lake: &Lake,
    sql: &str,
    engine: Engine,
    time: Option<Duration>,
    answer: &mut dyn Answer,
) -> Result<SchemaRef> {
    Asking::new(lake, engine, Missing::IsAnError)?.ask(sql, time, answer).await
}

/// What is to become of a model that was never made, and of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// A query of it fails.
    IsAnError,
    /// It has no rows.
    IsEmpty,
    /// Nothing has rows.
    All,
}

/// Makes the datasets' names known to a session, as schemas.
pub fn add_datasets(lake: &Lake, engine: &Engine) -> Result<()> {
    let Some(catalog) = engine.context().catalog("datafusion") else { return Ok(()) };
    for dataset in lake.catalog.datasets() {
        catalog.register_schema(&dataset.name, Arc::new(MemorySchemaProvider::new()))?;
    }
    Ok(())
}

/// The tables and models that a query names, with their datasets.
pub fn datasets_in<'l>(lake: &'l Lake, engine: &Engine, sql: &str) -> Result<Vec<(&'l Dataset, String)>> {
    let state = engine.context().state();
    let statement = parse(&state, sql, Kind::Question)?;
    let references = state.resolve_table_references(&statement)?;
    let mut named = Vec::new();
    for reference in references {
        let table = reference.table().to_owned();
        match reference.schema() {
            Some("information_schema") => {}
            Some(dataset) => named.push((lake.catalog.dataset(dataset)?, table)),
            // Not a name that the query itself defines: those are no references.
            None if state.table_functions().contains_key(&table) => {}
            None => return Err(Error::Query(without_dataset(lake, &table))),
        }
    }
    Ok(named)
}

/// What is to be said of a table that is named without its dataset.
fn without_dataset(lake: &Lake, table: &str) -> String {
    let names = |dataset: &Dataset| {
        dataset
            .names()
            .into_iter()
            .map(|name| (name.to_owned(), format!("{}.{name}", dataset.name)))
            .collect::<Vec<_>>()
    };
    let known: Vec<(String, String)> = lake.catalog.datasets().iter().flat_map(names).collect();
    let same: Vec<&str> = known.iter().filter(|(name, _)| name == table).map(|(_, whole)| whole.as_str()).collect();
    let rule = format!("there is no \"{table}\" without its dataset: write ");
    if !same.is_empty() {
        return format!("{rule}{}", same.join(" or "));
    }
    let meant = nearest(table, known.iter().map(|(name, _)| name.as_str()));
    let meant = meant.and_then(|meant| known.iter().find(|(name, _)| name == meant));
    match meant {
        Some((_, meant)) => format!("{rule}DATASET.NAME (SHOW TABLES lists them); did you mean {meant}?"),
        None => {
            let datasets: Vec<&str> = lake.catalog.datasets().iter().map(|dataset| dataset.name.as_str()).collect();
            format!("{rule}DATASET.NAME (SHOW TABLES lists them); there are the datasets {}", datasets.join(", "))
        }
    }
}

/// Queries over one lake, one after the other: what they read of the ledger is read once.
pub struct Asking<'l> {
    lake: &'l Lake,
    engine: Engine,
    missing: Missing,
    registered: BTreeSet<String>,
    cleaned: BTreeMap<String, Cleaned>,
    made: BTreeMap<String, Made>,
}

impl<'l> Asking<'l> {
    fn new(lake: &'l Lake, engine: Engine, missing: Missing) -> Result<Self> {
        add_datasets(lake, &engine)?;
        let (registered, cleaned, made) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { lake, engine, missing, registered, cleaned, made })
    }

    /// For pages: the same rows give the same answer, and a model that was never made has none.
    pub fn of_pages(lake: &'l Lake) -> Result<Self> {
        Self::new(lake, Engine::new(lake, 1)?, Missing::IsEmpty)
    }

    /// Over tables and models without rows: finds queries that are wrong.
    pub fn of_nothing(lake: &'l Lake) -> Result<Self> {
        Self::new(lake, Engine::new(lake, 1)?, Missing::All)
    }

    /// Finds whether a query is wrong, whatever rows there are.
    pub async fn check(&mut self, sql: &str) -> Result<()> {
        self.register_all(sql).await?;
        plan(self.engine.context(), sql, Kind::Question).await?;
        Ok(())
    }

    /// Answers one query; returns the result's schema.
    pub async fn ask(&mut self, sql: &str, time: Option<Duration>, answer: &mut dyn Answer) -> Result<SchemaRef> {
        self.register_all(sql).await?;
        self.engine.run(sql, time, |batch| answer.batch(batch)).await
    }

    async fn register_all(&mut self, sql: &str) -> Result<()> {
        for (dataset, table) in datasets_in(self.lake, &self.engine, sql)? {
            let name = format!("{}.{table}", dataset.name);
            if !self.registered.contains(&name) {
                let done = self.register(dataset, &table).await;
                done.map_err(|error| self.engine.explain(error))?;
                self.registered.insert(name);
            }
        }
        Ok(())
    }

    /// What was made of a dataset's raw objects.
    async fn cleaned(&mut self, dataset: &Dataset) -> Result<&Cleaned> {
        let cleaned = match self.cleaned.remove(&dataset.name) {
            Some(known) => known,
            None => Cleaned::read(self.lake, dataset, Keep::Nothing, None).await?,
        };
        Ok(self.cleaned.entry(dataset.name.clone()).or_insert(cleaned))
    }

    /// What was made of its models.
    async fn made(&mut self, dataset: &Dataset) -> Result<&Made> {
        let made = match self.made.remove(&dataset.name) {
            Some(known) => known,
            None => Made::of_ledger(self.lake, dataset).await?,
        };
        Ok(self.made.entry(dataset.name.clone()).or_insert(made))
    }

    async fn register(&mut self, dataset: &Dataset, name: &str) -> Result<()> {
        let (lake, missing) = (self.lake, self.missing);
        let reference = format!("{}.{name}", dataset.name);
        if let Some(table) = dataset.table(name) {
            if missing == Missing::All {
                return self.engine.add_table(lake, reference, dataset, table, &[], &Cut::default()).await;
            }
            let cleaned = self.cleaned(dataset).await?;
            let of_table = |raw_key: String| dataset.table_of(&raw_key).is_none_or(|known| known.name == table.name);
            if let Some(entry) = cleaned.unreadable().iter().find(|entry| entry.raw_key().is_none_or(of_table)) {
                return Err(entry.error().into());
            }
            if cleaned.is_empty() {
                guard::ensure_ledger(lake, dataset).await?;
            }
            cleaned.not_moved(dataset, table)?;
            let outputs = cleaned.objects(dataset, table)?;
            let outputs: Vec<Ranked> = outputs.iter().map(|(rank, output)| (*rank, output.as_ref())).collect();
            return self.engine.add_table(lake, reference, dataset, table, &outputs, &Cut::default()).await;
        }
        let Some(model) = dataset.model(name) else {
            return Err(Error::Query(dataset.unknown(name)));
        };
        let (mut outputs, mut is_made) = (Vec::new(), missing == Missing::All);
        if missing != Missing::All {
            let made = self.made(dataset).await?;
            if let Some(entry) = made.unreadable_of(name).next() {
                return Err(entry.error().into());
            }
            let of_model = made.partitions().filter(|(_, entry)| entry.model == model.name);
            is_made = of_model.clone().any(|(_, entry)| entry.is_committed());
            outputs = of_model.flat_map(|(_, entry)| entry.outputs.clone()).collect::<Vec<Output>>();
        }
        let is_empty = outputs.is_empty();
        if is_empty && (is_made || missing == Missing::IsEmpty || has_nothing_to_make(lake, dataset, model).await?) {
            let columns = columns(lake, dataset, model).await?;
            return self.engine.add_empty_model(reference.as_str(), model, &columns);
        }
        if outputs.is_empty() {
            let why = match self.cleaned(dataset).await?.has_objects() {
                true => "run `tributary aggregate`",
                false => {
                    "nor has what it is made from: see `tributary status`; `tributary clean` and `tributary aggregate` make them"
                }
            };
            return Err(Error::Query(format!("{reference} has no rows yet: {why}")));
        }
        let ranked: Vec<Ranked> = outputs.iter().enumerate().collect();
        self.engine.add_model(lake, reference, model, &ranked, None).await?;
        Ok(())
    }
}

/// Whether a model without partitions has none because nothing is there of which one could be made.
async fn has_nothing_to_make(lake: &Lake, dataset: &Dataset, model: &Model) -> Result<bool> {
    let state = State::read(lake, dataset, Keep::Nothing).await?;
    let planned = state.plan(lake, &Selection::default(), &state.levels()).todo;
    Ok(state.cleaned.has_objects() && !planned.iter().any(|planned| planned.model.name == model.name))
}
