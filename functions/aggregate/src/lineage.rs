//! Which columns of a query's result derive from personal columns, by the engine's plan: whatever a column is renamed to
//! or computed from, by views, models, subqueries and the names of other tables.
//!
//! Personal columns are marked in the schemas of tables without rows, and the marks are followed through the plan. What is
//! only compared (filters, conditions, orders, groups that are not shown) does not count as shown, nor do numbers of rows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchemaRef, JoinType, TableReference};
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, Join, LogicalPlan, Operator, TableScan};
use lake::Lake;
use lake::dataset::{Dataset, Expectation, Model, Relation, View};
use lake::partition::Partition;
use lake::personal::PersonalKey;

use crate::cases::columns_of;
use crate::columns::{Columns, seen};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::personal;
use crate::query::{add_datasets, datasets_in};
use crate::statement::{Kind, plan};

/// Marks a field of a table without rows as personal.
const MARK: &str = "personal";
/// Functions that return numbers of rows, whatever their arguments are.
const COUNTS: [&str; 10] = [
    "approx_distinct",
    "count",
    "cume_dist",
    "dense_rank",
    "grouping",
    "ntile",
    "percent_rank",
    "rank",
    "regr_count",
    "row_number",
];

/// What queries over the whole lake show.
pub struct Lineage<'l> {
    lake: &'l Lake,
    engine: Engine,
    known: BTreeSet<String>,
}

impl<'l> Lineage<'l> {
    /// Of all tables and models of a lake.
    pub fn new(lake: &'l Lake) -> Result<Self> {
        let engine = Engine::new(lake, 1)?;
        add_datasets(lake, &engine)?;
        Ok(Self { lake, engine, known: BTreeSet::new() })
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
        Shown::of_model(self.lake, dataset, model).await?.add_to(&self.engine, reference, model)
    }
}

/// The columns of a query's result that derive from personal ones.
pub async fn personal_columns(lake: &Lake, sql: &str) -> Result<Vec<String>> {
    Lineage::new(lake)?.personal_columns(sql).await
}

/// What a model's result shows.
pub struct Shown {
    engine: Engine,
    columns: Schema,
    flags: Vec<bool>,
}

impl Shown {
    /// Plans a model over tables without rows.
    pub async fn of_model(lake: &Lake, dataset: &Dataset, model: &Model) -> Result<Self> {
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
                    let shown = Box::pin(Self::of_model(lake, dataset, read)).await?;
                    shown.add_to(&engine, &read.name, read)?;
                    if model.hash_personal {
                        personal::hide(engine.context(), &read.name, &shown.personal()).await?;
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
        let (columns, flags) = (planned.schema().as_arrow().clone(), personal_in(planned.logical_plan())?);
        Ok(Self { engine, columns, flags })
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
    pub fn personal(&self) -> Vec<String> {
        let fields = self.columns.fields().iter().map(|field| field.name().clone());
        fields.filter(|name| self.is_personal(name)).collect()
    }

    /// Which columns derive from personal ones of the rows that a test returns.
    pub async fn by_test(&self, model: &Model, test: &Expectation) -> Result<Vec<bool>> {
        let written = Columns::new(model, &Partition::whole(), &self.columns)?.schema;
        if !self.engine.context().table_exist(model.name.as_str())? {
            add(&self.engine, model.name.as_str(), &written, |name| self.is_personal(name))?;
        }
        let planned = plan(self.engine.context(), &test.failing(&model.name), Kind::Model).await?;
        Ok(personal_in(planned.logical_plan())?)
    }
}

/// Hides what a session shows of personal values in a model, as one sees it that has `hash_personal`.
pub async fn hide_model(engine: &Engine, lake: &Lake, dataset: &Dataset, read: &Model) -> Result<()> {
    if !has_personal(dataset) {
        return Ok(());
    }
    let shown = Shown::of_model(lake, dataset, read).await?;
    Ok(personal::hide(engine.context(), &read.name, &shown.personal()).await?)
}

/// The columns that a model writes whose values derive from personal ones.
pub async fn personal_of_model(lake: &Lake, dataset: &Dataset, model: &Model) -> Result<BTreeSet<String>> {
    if !has_personal(dataset) {
        return Ok(BTreeSet::new());
    }
    let shown = Shown::of_model(lake, dataset, model).await?;
    let written = Columns::new(model, &Partition::whole(), &shown.columns)?.schema;
    let names = written.fields().iter().map(|field| field.name());
    Ok(names.filter(|name| shown.is_personal(name)).cloned().collect())
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
    let shown = Shown::of_model(lake, dataset, model).await?;
    match model.split.iter().find(|name| shown.is_personal(name)) {
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
        let metadata = is_marked.then(|| (MARK.to_owned(), String::new()));
        field.as_ref().clone().with_metadata(HashMap::from_iter(metadata))
    };
    let fields: Vec<Field> = columns.fields().iter().map(marked).collect();
    engine.context().register_batch(name, RecordBatch::new_empty(Arc::new(Schema::new(fields))))?;
    Ok(())
}

/// Which columns of a plan's result derive from marked ones.
fn personal_in(plan: &LogicalPlan) -> EngineResult<Vec<bool>> {
    Reader { outer: Vec::new() }.plan(plan)
}

/// Whether a plan reads a table with marked columns.
fn reads_marked(plan: &LogicalPlan) -> EngineResult<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            found |= Reader { outer: Vec::new() }.scan(scan)?.contains(&true);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// Reads a plan from its tables up.
struct Reader {
    /// What subqueries see of the queries that they stand in, the nearest last.
    outer: Vec<(DFSchemaRef, Vec<bool>)>,
}

impl Reader {
    fn plan(&mut self, plan: &LogicalPlan) -> EngineResult<Vec<bool>> {
        let width = plan.schema().fields().len();
        let mut flags = match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan)?,
            LogicalPlan::Projection(projection) => {
                let input = self.plan(&projection.input)?;
                self.expressions(&projection.expr, projection.input.schema(), &input)?
            }
            LogicalPlan::Distinct(Distinct::On(on)) => {
                let input = self.plan(&on.input)?;
                self.expressions(&on.select_expr, on.input.schema(), &input)?
            }
            LogicalPlan::Window(window) => {
                let mut flags = self.plan(&window.input)?;
                flags.extend(self.expressions(&window.window_expr, window.input.schema(), &flags)?);
                flags
            }
            // What a plan reports of itself may be bounds of columns that it only orders by.
            LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => vec![reads_marked(plan)?; width],
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate, width)?,
            LogicalPlan::Join(join) => self.join(join)?,
            LogicalPlan::Union(union) => {
                let mut flags = vec![false; width];
                for input in &union.inputs {
                    let of_input = self.plan(input)?;
                    flags.iter_mut().zip(of_input).for_each(|(flag, other)| *flag |= other);
                }
                flags
            }
            LogicalPlan::Unnest(unnest) => {
                let input = self.plan(&unnest.input)?;
                unnest.dependency_indices.iter().map(|at| input.get(*at).copied().unwrap_or(true)).collect()
            }
            LogicalPlan::Values(values) => {
                let mut flags = vec![false; width];
                for row in &values.values {
                    for (flag, value) in flags.iter_mut().zip(row) {
                        *flag |= self.shows(value, &values.schema, &[])?;
                    }
                }
                flags
            }
            LogicalPlan::Filter(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Repartition(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Subquery(_)
            | LogicalPlan::Distinct(Distinct::All(_)) => self.inputs(plan)?,
            _ => {
                let any = self.inputs(plan)?.contains(&true);
                vec![any; width]
            }
        };
        if flags.len() != width {
            let any = flags.contains(&true);
            flags = vec![any; width];
        }
        Ok(flags)
    }

    /// Those of all inputs, one after the other.
    fn inputs(&mut self, plan: &LogicalPlan) -> EngineResult<Vec<bool>> {
        let mut flags = Vec::new();
        for input in plan.inputs() {
            flags.extend(self.plan(input)?);
        }
        Ok(flags)
    }

    fn scan(&mut self, scan: &TableScan) -> EngineResult<Vec<bool>> {
        let flags: Vec<bool> = match scan.source.get_logical_plan() {
            Some(view) => self.plan(&view)?,
            None => scan.source.schema().fields().iter().map(|field| field.metadata().contains_key(MARK)).collect(),
        };
        Ok(match &scan.projection {
            Some(columns) => columns.iter().map(|at| flags.get(*at).copied().unwrap_or(true)).collect(),
            None => flags,
        })
    }

    fn aggregate(&mut self, aggregate: &Aggregate, width: usize) -> EngineResult<Vec<bool>> {
        let groups: Vec<Expr> = grouping_set_to_exprlist(&aggregate.group_expr)?.into_iter().cloned().collect();
        let input = self.plan(&aggregate.input)?;
        let mut flags = self.expressions(&groups, aggregate.input.schema(), &input)?;
        // The number of a grouping set stands between.
        flags.resize(width.saturating_sub(aggregate.aggr_expr.len()), false);
        flags.extend(self.expressions(&aggregate.aggr_expr, aggregate.input.schema(), &input)?);
        Ok(flags)
    }

    fn join(&mut self, join: &Join) -> EngineResult<Vec<bool>> {
        let mut left = self.plan(&join.left)?;
        // A lateral subquery sees the left side.
        self.outer.push((Arc::clone(join.left.schema()), left.clone()));
        let right = self.plan(&join.right);
        self.outer.pop();
        let mut right = right?;
        Ok(match join.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => left,
            JoinType::RightSemi | JoinType::RightAnti => right,
            JoinType::LeftMark => {
                left.push(false);
                left
            }
            JoinType::RightMark => {
                right.push(false);
                right
            }
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                left.extend(right);
                left
            }
        })
    }

    fn expressions(&mut self, expressions: &[Expr], schema: &DFSchemaRef, flags: &[bool]) -> EngineResult<Vec<bool>> {
        expressions.iter().map(|expression| self.shows(expression, schema, flags)).collect()
    }

    /// Whether an expression's value derives from marked columns of its input.
    fn shows(&mut self, expression: &Expr, schema: &DFSchemaRef, flags: &[bool]) -> EngineResult<bool> {
        let parts: Vec<&Expr> = match expression {
            Expr::Column(column) => {
                return Ok(match schema.maybe_index_of_column(column) {
                    Some(at) => flags.get(at).copied().unwrap_or(true),
                    None => flags.contains(&true),
                });
            }
            Expr::OuterReferenceColumn(_, column) => {
                let known = self.outer.iter().rev().find_map(|(schema, flags)| {
                    schema.maybe_index_of_column(column).map(|at| flags.get(at).copied().unwrap_or(true))
                });
                return Ok(known.unwrap_or_else(|| self.outer.iter().any(|(_, flags)| flags.contains(&true))));
            }
            Expr::ScalarSubquery(query) => {
                self.outer.push((Arc::clone(schema), flags.to_vec()));
                let shown = self.plan(&query.subquery);
                self.outer.pop();
                return Ok(shown?.contains(&true));
            }
            // Whether something holds is no value.
            Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::IsNotUnknown(_)
            | Expr::Like(_)
            | Expr::SimilarTo(_)
            | Expr::Between(_)
            | Expr::InList(_)
            | Expr::Exists(_)
            | Expr::InSubquery(_)
            | Expr::SetComparison(_) => Vec::new(),
            Expr::BinaryExpr(both) if compares(both.op) => Vec::new(),
            Expr::Case(case) => {
                let results = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
                results.chain(case.else_expr.as_deref()).collect()
            }
            Expr::AggregateFunction(call) if COUNTS.contains(&call.func.name()) => Vec::new(),
            Expr::AggregateFunction(call) => call.params.args.iter().collect(),
            Expr::WindowFunction(call) if COUNTS.contains(&call.fun.name()) => Vec::new(),
            Expr::WindowFunction(call) => call.params.args.iter().collect(),
            Expr::ScalarFunction(call) if personal::is_hash(call.func.name()) => Vec::new(),
            other => {
                let mut found = false;
                other.apply_children(|part| {
                    found = found || self.shows(part, schema, flags)?;
                    Ok(TreeNodeRecursion::Continue)
                })?;
                return Ok(found);
            }
        };
        for part in parts {
            if self.shows(part, schema, flags)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether an operator says if something holds.
fn compares(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::And
            | Operator::Or
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
            | Operator::RegexMatch
            | Operator::RegexIMatch
            | Operator::RegexNotMatch
            | Operator::RegexNotIMatch
            | Operator::LikeMatch
            | Operator::ILikeMatch
            | Operator::NotLikeMatch
            | Operator::NotILikeMatch
    )
}

#[cfg(test)]
#[path = "lineage_tests.rs"]
mod tests;
