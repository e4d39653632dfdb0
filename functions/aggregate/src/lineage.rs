//! Which columns a model's columns are computed from, and which columns of a query's result derive from personal ones, by
//! the engine's plan.
//!
//! Personal columns are marked in the schemas of tables without rows, and the marks are followed through the plan. What is
//! only compared (filters, conditions, orders, groups that are not shown) does not count as shown, nor do numbers of rows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::TableReference;
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::DataFrame;
use lake::Lake;
use lake::dataset::{Dataset, Expectation, Model, Relation, View};
use lake::partition::Partition;
use lake::personal::PersonalKey;

use crate::cases::columns_of;
use crate::columns::{Columns, seen};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::known::Known;
use crate::origins::{Follow, MARK, Origins};
use crate::personal;
use crate::query::{add_datasets, datasets_in};
use crate::statement::{Kind, plan};

/// What queries over the whole lake show.
pub struct Lineage<'l> {
    lake: &'l Lake,
    engine: Engine,
    known: BTreeSet<String>,
    marks: Known<Arc<Marks>>,
}

impl<'l> Lineage<'l> {
    /// Of all tables and models of a lake.
    pub fn new(lake: &'l Lake) -> Result<Self> {
        let engine = Engine::new(lake, 1)?;
        add_datasets(lake, &engine)?;
        Ok(Self { lake, engine, known: BTreeSet::new(), marks: Known::default() })
    }

    /// The columns of a query's result that derive from personal ones.
    pub async fn personal_columns(&mut self, sql: &str) -> Result<Vec<String>> {
        let lake = self.lake;
        for (dataset, name) in datasets_in(lake, &self.engine, sql)? {
            let reference = format!("{}.{name}", dataset.name);
            if !self.known.contains(&reference) {
                self.add(dataset, &name, &reference).await?;
                self.known.insert(reference);
            }
        }
        let planned = plan(self.engine.context(), sql, Kind::Question).await?;
        let flags = personal_in(planned.logical_plan())?;
        let names = planned.schema().fields().iter().map(|field| field.name());
        Ok(names.zip(flags).filter(|(_, flag)| *flag).map(|(name, _)| name.clone()).collect())
    }

    async fn add(&self, dataset: &Dataset, name: &str, reference: &str) -> Result<()> {
        if let Some(table) = dataset.table(name) {
            let is_personal = |name: &str| table.column(name).is_some_and(|column| column.personal);
            return add(&self.engine, reference, &columns_of(table), is_personal);
        }
        // What is neither, the planner reports.
        let Some(model) = dataset.model(name) else { return Ok(()) };
        Marks::of_model(self.lake, dataset, model, &self.marks).await?.add_to(&self.engine, reference, model)
    }
}

/// The columns of a query's result that derive from personal ones.
pub async fn personal_columns(lake: &Lake, sql: &str) -> Result<Vec<String>> {
    Lineage::new(lake)?.personal_columns(sql).await
}

/// The columns of a model's result, and which of them derive from personal ones.
struct Marks {
    columns: Schema,
    flags: Vec<bool>,
}

impl Marks {
    fn of(planned: &DataFrame) -> Result<Self> {
        Ok(Self { columns: planned.schema().as_arrow().clone(), flags: personal_in(planned.logical_plan())? })
    }

    /// Plans a model over tables without rows.
    async fn of_model(lake: &Lake, dataset: &Dataset, model: &Model, known: &Known<Arc<Self>>) -> Result<Arc<Self>> {
        if let Some(marks) = known.get(dataset, model) {
            return Ok(marks);
        }
        let (_, planned) = planned(lake, dataset, model, known).await?;
        let marks = Arc::new(Self::of(&planned)?);
        known.put(dataset, model, Arc::clone(&marks));
        Ok(marks)
    }

    /// Registers the model without rows, with its personal columns.
    fn add_to(&self, engine: &Engine, reference: &str, model: &Model) -> Result<()> {
        let written = Columns::new(model, &Partition::whole(), &self.columns)?.schema;
        add(engine, reference, &seen(model, &written), |name| self.is_personal(name))
    }

    /// Whether a column of the result derives from personal ones.
    fn is_personal(&self, name: &str) -> bool {
        let mut fields = self.columns.fields().iter().zip(&self.flags);
        fields.any(|(field, flag)| *flag && field.name() == name)
    }

    /// The columns of the result that derive from personal ones.
    fn personal(&self) -> Vec<String> {
        let fields = self.columns.fields().iter().map(|field| field.name().clone());
        fields.filter(|name| self.is_personal(name)).collect()
    }
}

/// What a model's result shows, in a session over what it reads.
pub struct Shown {
    engine: Engine,
    marks: Marks,
}

impl Shown {
    /// Plans a model over tables without rows.
    pub async fn of_model(lake: &Lake, dataset: &Dataset, model: &Model) -> Result<Self> {
        let (engine, planned) = planned(lake, dataset, model, &Known::default()).await?;
        Ok(Self { engine, marks: Marks::of(&planned)? })
    }

    /// Which columns derive from personal ones of the rows that a test returns.
    pub async fn by_test(&self, model: &Model, test: &Expectation) -> Result<Vec<bool>> {
        let written = Columns::new(model, &Partition::whole(), &self.marks.columns)?.schema;
        if !self.engine.context().table_exist(model.name.as_str())? {
            add(&self.engine, model.name.as_str(), &written, |name| self.marks.is_personal(name))?;
        }
        let planned = plan(self.engine.context(), &test.failing(&model.name), Kind::Model).await?;
        Ok(personal_in(planned.logical_plan())?)
    }
}

/// A session over what a model reads, without rows, and the model's plan in it.
async fn planned(
    lake: &Lake,
    dataset: &Dataset,
    model: &Model,
    known: &Known<Arc<Marks>>,
) -> Result<(Engine, DataFrame)> {
    let engine = Engine::new(lake, 1)?;
    personal::register(engine.context(), &PersonalKey::new(""));
    let inputs = dataset.inputs_of(model).map_err(Error::Query)?;
    for relation in inputs.relations {
        match relation {
            Relation::Table(table) => {
                let is_personal =
                    |name: &str| !model.hash_personal && table.column(name).is_some_and(|column| column.personal);
                add(&engine, table.name.as_str(), &columns_of(table), is_personal)?;
            }
            Relation::Model(read) => {
                let marks = Box::pin(Marks::of_model(lake, dataset, read, known)).await?;
                marks.add_to(&engine, &read.name, read)?;
                if model.hash_personal {
                    personal::hide(engine.context(), &read.name, &marks.personal()).await?;
                }
            }
        }
    }
    let day = chrono::NaiveDate::default();
    engine.add_declared(dataset, Some(day..day), Some(day..day))?;
    for view in inputs.views {
        // The file of a view that is materialized says nothing of where its columns come from.
        engine.add_view(&View { materialize: false, ..view.clone() }).await?;
    }
    let planned = plan(engine.context(), &model.sql, Kind::Model).await?;
    Ok((engine, planned))
}

/// The columns of a model's result, and those that each is computed from: `NAME.COLUMN` of tables, models and lists that
/// the model reads by itself or by views.
pub async fn origins(lake: &Lake, dataset: &Dataset, model: &Model) -> Result<Vec<(String, Origins)>> {
    let (_, planned) = planned(lake, dataset, model, &Known::default()).await?;
    let names = planned.schema().fields().iter().map(|field| field.name().clone());
    Ok(names.zip(Follow::All.through(planned.logical_plan())?).collect())
}

/// Hides what a session shows of personal values in a model, as one sees it that has `hash_personal`.
pub async fn hide_model(engine: &Engine, lake: &Lake, dataset: &Dataset, read: &Model) -> Result<()> {
    if !has_personal(dataset) {
        return Ok(());
    }
    let marks = Marks::of_model(lake, dataset, read, &Known::default()).await?;
    Ok(personal::hide(engine.context(), &read.name, &marks.personal()).await?)
}

/// The columns that a model writes whose values derive from personal ones.
pub async fn personal_of_model(lake: &Lake, dataset: &Dataset, model: &Model) -> Result<BTreeSet<String>> {
    if !has_personal(dataset) {
        return Ok(BTreeSet::new());
    }
    let marks = Marks::of_model(lake, dataset, model, &Known::default()).await?;
    let written = Columns::new(model, &Partition::whole(), &marks.columns)?.schema;
    let names = written.fields().iter().map(|field| field.name());
    Ok(names.filter(|name| marks.is_personal(name)).cloned().collect())
}

/// Whether a dataset has personal columns.
pub fn has_personal(dataset: &Dataset) -> bool {
    dataset.tables.iter().flat_map(|table| &table.columns).any(|column| column.personal)
}

/// Refuses a model that would put personal values into paths.
pub async fn check_split(lake: &Lake, dataset: &Dataset, model: &Model) -> Result<()> {
    if model.split.is_empty() || !has_personal(dataset) {
        return Ok(());
    }
    let marks = Marks::of_model(lake, dataset, model, &Known::default()).await?;
    match model.split.iter().find(|name| marks.is_personal(name)) {
        Some(name) => Err(Error::Query(format!(
            "[model]: split: \"{name}\" derives from personal columns, and its values would stand in paths: split by another column, or write hash_personal = true"
        ))),
        None => Ok(()),
    }
}

fn add(
    engine: &Engine,
    name: impl Into<TableReference>,
    columns: &Schema,
    is_personal: impl Fn(&str) -> bool,
) -> Result<()> {
    let marked = |field: &Arc<Field>| {
        let is_marked = is_personal(field.name());
        let metadata = is_marked.then(|| (MARK.to_owned(), "personal".to_owned()));
        field.as_ref().clone().with_metadata(HashMap::from_iter(metadata))
    };
    let fields: Vec<Field> = columns.fields().iter().map(marked).collect();
    engine.context().register_batch(name, RecordBatch::new_empty(Arc::new(Schema::new(fields))))?;
    Ok(())
}

/// Which columns of a plan's result derive from marked ones.
fn personal_in(plan: &LogicalPlan) -> EngineResult<Vec<bool>> {
    Ok(Follow::Marked.through(plan)?.iter().map(|origins| !origins.is_empty()).collect())
}

#[cfg(test)]
#[path = "lineage_tests.rs"]
mod tests;
