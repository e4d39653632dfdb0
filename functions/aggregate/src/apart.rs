//! Whether rows of different shards stay apart in a model's query: each shard is made from its own rows, so that whatever
//! would look at rows of two of them (a group, a window, a join) would return something else.
//!
//! The columns by which rows are apart are followed through the engine's optimized plan, from the inputs up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, JoinType};
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::logical_expr::{Aggregate, Distinct, Expr, ExprSchemable, Join, LogicalPlan, TableScan, Window};
use lake::Lake;
use lake::dataset::{Dataset, Model, Relation, View};

use crate::cases::columns_of;
use crate::columns::seen;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::planned::columns;
use crate::session;
use crate::statement::{Kind, plan};

/// Refuses a model whose shards are not what a whole partition is.
pub async fn check_shards(lake: &Lake, dataset: &Dataset, model: &Model) -> Result<()> {
    if model.shard.is_empty() {
        return Ok(());
    }
    let engine = Engine::new(lake, 1)?;
    let inputs = dataset.inputs_of(model).map_err(Error::Query)?;
    let wrong = |why: String| Error::Query(format!("[model]: shard: {why}, or leave out shard"));
    let mut kinds: BTreeMap<&String, (DataType, &str)> = BTreeMap::new();
    let mut cut = BTreeSet::new();
    for relation in inputs.relations {
        let columns = match relation {
            Relation::Table(table) => columns_of(table),
            Relation::Model(read) => {
                let written = columns(lake, dataset, read).await?;
                Arc::new(seen(read, &written))
            }
        };
        for name in &model.shard {
            let Ok(field) = columns.field_with_name(name) else { continue };
            let kind = field.data_type();
            // Doubles that are equal may have other bytes, as 0 and -0.
            if !(is_text(kind)
                || kind.is_integer()
                || matches!(kind, DataType::Date32 | DataType::Timestamp(..) | DataType::Boolean))
            {
                return Err(wrong(format!(
                    "\"{name}\" of {} has type {kind}: name a column of texts, whole numbers or dates",
                    relation.name()
                )));
            }
            let (known, other) = kinds.entry(name).or_insert_with(|| (kind.clone(), relation.name()));
            // Equal values of two types may be of different shards.
            if known != kind && !(is_text(known) && is_text(kind)) {
                return Err(wrong(format!(
                    "\"{name}\" has type {known} in {other}, and {kind} in {}: cast one of them",
                    relation.name()
                )));
            }
        }
        if model.shard.iter().all(|name| columns.field_with_name(name).is_ok()) {
            cut.insert(relation.name());
        }
        add(&engine, relation.name(), columns)?;
    }
    let day = chrono::NaiveDate::default();
    engine.add_declared(dataset, Some(day..day), Some(day..day))?;
    for view in inputs.views {
        // The file of a view that is materialized says nothing of where its columns come from.
        engine.add_view(&View { materialize: false, ..view.clone() }).await?;
    }
    let planned = plan(engine.context(), &model.sql, Kind::Model).await?.into_optimized_plan()?;
    let by = model.shard.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
    match (Reader { shard: &model.shard, cut }).plan(&planned) {
        Ok(Rows::Apart(_)) => Ok(()),
        Ok(Rows::Whole) => Err(wrong(format!("no row of the result is of an input that has {by}: use such an input"))),
        Err(DataFusionError::Plan(meeting)) => Err(wrong(format!("rows that differ in {by} {meeting}"))),
        Err(error) => Err(error.into()),
    }
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn add(engine: &Engine, name: &str, columns: SchemaRef) -> Result<()> {
    engine.context().register_batch(name, RecordBatch::new_empty(columns))?;
    Ok(())
}

/// Places of a result's columns that hold the same shard column, for each of these.
type Places = Vec<BTreeSet<usize>>;

/// The rows of a part of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rows {
    /// The same in each shard.
    Whole,
    /// Those of one shard.
    Apart(Places),
}

/// Reads a plan from its tables up. Where rows of different shards meet is an error.
struct Reader<'m> {
    shard: &'m [String],
    /// The inputs that have these columns. What else has them (a list, the calendar) is the same in each shard.
    cut: BTreeSet<&'m str>,
}

impl Reader<'_> {
    fn plan(&self, plan: &LogicalPlan) -> EngineResult<Rows> {
        self.subqueries(plan)?;
        match plan {
            LogicalPlan::TableScan(scan) => self.scan(scan),
            LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => Ok(Rows::Whole),
            LogicalPlan::Projection(projection) => {
                Ok(shown(self.plan(&projection.input)?, &projection.expr, projection.input.schema()))
            }
            LogicalPlan::Filter(filter) => self.plan(&filter.input),
            LogicalPlan::SubqueryAlias(alias) => self.plan(&alias.input),
            LogicalPlan::Subquery(subquery) => self.plan(&subquery.subquery),
            LogicalPlan::Repartition(repartition) => self.plan(&repartition.input),
            LogicalPlan::Sort(sort) => match (self.plan(&sort.input)?, sort.fetch) {
                (Rows::Apart(_), Some(_)) => meet("are counted by LIMIT: leave that out"),
                (rows, _) => Ok(rows),
            },
            LogicalPlan::Limit(limit) => match self.plan(&limit.input)? {
                Rows::Apart(_) => meet("are counted by LIMIT: leave that out"),
                Rows::Whole => Ok(Rows::Whole),
            },
            LogicalPlan::Distinct(Distinct::All(input)) => match self.plan(input)? {
                Rows::Apart(places) if places.iter().any(BTreeSet::is_empty) => meet(GROUPED),
                rows => Ok(rows),
            },
            LogicalPlan::Distinct(Distinct::On(on)) => {
                let rows = self.plan(&on.input)?;
                if let Rows::Apart(places) = &rows
                    && !has_all(places, &on.on_expr, on.input.schema())
                {
                    return meet(GROUPED);
                }
                Ok(shown(rows, &on.select_expr, on.input.schema()))
            }
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Window(window) => self.window(window),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Union(union) => {
                let inputs = union.inputs.iter().map(|input| self.plan(input)).collect::<EngineResult<Vec<_>>>()?;
                union_of(inputs)
            }
            LogicalPlan::Unnest(unnest) => Ok(match self.plan(&unnest.input)? {
                Rows::Whole => Rows::Whole,
                Rows::Apart(places) => {
                    let of = |known: BTreeSet<usize>| {
                        let columns = unnest.dependency_indices.iter().enumerate();
                        let kept = |at: usize| !unnest.list_type_columns.iter().any(|(column, _)| *column == at);
                        columns.filter(|(_, at)| known.contains(at) && kept(**at)).map(|(place, _)| place).collect()
                    };
                    Rows::Apart(places.into_iter().map(of).collect())
                }
            }),
            other => {
                if let Some(input) = session::read_by(other) {
                    return self.plan(input);
                }
                for input in other.inputs() {
                    if self.plan(input)? != Rows::Whole {
                        return meet("may meet in a part of the query that cannot be followed");
                    }
                }
                Ok(Rows::Whole)
            }
        }
    }

    /// A value that is the same in all rows may not come from rows of one shard.
    fn subqueries(&self, plan: &LogicalPlan) -> EngineResult<()> {
        plan.apply_expressions(|expression| {
            expression.apply(|part| {
                let query = match part {
                    Expr::ScalarSubquery(query) => Some(query),
                    Expr::Exists(exists) => Some(&exists.subquery),
                    Expr::InSubquery(within) => Some(&within.subquery),
                    Expr::SetComparison(comparison) => Some(&comparison.subquery),
                    _ => None,
                };
                match query.map(|query| self.plan(&query.subquery)).transpose()? {
                    Some(Rows::Apart(_)) => meet("meet in a subquery: join it by these columns"),
                    _ => Ok(TreeNodeRecursion::Continue),
                }
            })
        })?;
        Ok(())
    }

    fn scan(&self, scan: &TableScan) -> EngineResult<Rows> {
        let of_view = scan.source.get_logical_plan().map(|view| self.plan(&view)).transpose()?;
        let schema = scan.source.schema();
        let rows = match of_view {
            Some(rows) => rows,
            None if !self.cut.contains(scan.table_name.table()) => Rows::Whole,
            None => {
                let place = |column: &String| Some(BTreeSet::from([schema.index_of(column).ok()?]));
                self.shard.iter().map(place).collect::<Option<Places>>().map_or(Rows::Whole, Rows::Apart)
            }
        };
        let Rows::Apart(places) = rows else { return Ok(Rows::Whole) };
        if scan.fetch.is_some() {
            return meet("are counted by LIMIT: leave that out");
        }
        let Some(columns) = &scan.projection else { return Ok(Rows::Apart(places)) };
        let of = |known: BTreeSet<usize>| {
            columns.iter().enumerate().filter(|(_, at)| known.contains(at)).map(|(place, _)| place).collect()
        };
        Ok(Rows::Apart(places.into_iter().map(of).collect()))
    }

    fn aggregate(&self, aggregate: &Aggregate) -> EngineResult<Rows> {
        let rows = self.plan(&aggregate.input)?;
        let Rows::Apart(places) = &rows else { return Ok(Rows::Whole) };
        let has_sets = aggregate.group_expr.iter().any(|group| matches!(group, Expr::GroupingSet(_)));
        if has_sets || !has_all(places, &aggregate.group_expr, aggregate.input.schema()) {
            return meet(GROUPED);
        }
        Ok(shown(rows, &aggregate.group_expr, aggregate.input.schema()))
    }

    fn window(&self, window: &Window) -> EngineResult<Rows> {
        let rows = self.plan(&window.input)?;
        let Rows::Apart(places) = &rows else { return Ok(Rows::Whole) };
        for expression in &window.window_expr {
            let Expr::WindowFunction(call) = plain(expression) else {
                return meet("may meet in a part of the query that cannot be followed");
            };
            if !has_all(places, &call.params.partition_by, window.input.schema()) {
                return meet("are seen by one window: write these columns into PARTITION BY, too");
            }
        }
        // What windows return comes behind the input's columns.
        Ok(rows)
    }

    fn join(&self, join: &Join) -> EngineResult<Rows> {
        let (left, right) = (self.plan(&join.left)?, self.plan(&join.right)?);
        let width = join.left.schema().fields().len();
        let shifted = |places: Places| -> Places {
            places.into_iter().map(|known| known.into_iter().map(|at| at + width).collect()).collect()
        };
        let one_sided = "are joined to rows that are the same in each shard, which come once for each that lacks a partner: join from the other side";
        use JoinType::{Full, Inner, Left, LeftAnti, LeftMark, LeftSemi, Right, RightAnti, RightMark, RightSemi};
        match (left, right) {
            (Rows::Whole, Rows::Whole) => Ok(Rows::Whole),
            (Rows::Apart(left), Rows::Whole) => match join.join_type {
                Inner | Left | LeftSemi | LeftAnti | LeftMark => Ok(Rows::Apart(left)),
                Right | Full | RightSemi | RightAnti | RightMark => meet(one_sided),
            },
            (Rows::Whole, Rows::Apart(right)) => match join.join_type {
                Inner | Right => Ok(Rows::Apart(shifted(right))),
                RightSemi | RightAnti | RightMark => Ok(Rows::Apart(right)),
                Left | Full | LeftSemi | LeftAnti | LeftMark => meet(one_sided),
            },
            (Rows::Apart(_), Rows::Apart(_)) if join.null_aware => {
                meet("are looked for by NOT IN, to which a null in one shard is an answer for all: write NOT EXISTS")
            }
            (Rows::Apart(left), Rows::Apart(right)) => {
                let is_joined = left.iter().zip(&right).all(|(left, right)| {
                    join.on.iter().any(|(one, other)| {
                        place(one, join.left.schema()).is_some_and(|at| left.contains(&at))
                            && place(other, join.right.schema()).is_some_and(|at| right.contains(&at))
                    })
                });
                if !is_joined {
                    return meet("are joined: join by these columns, too");
                }
                Ok(Rows::Apart(match join.join_type {
                    Inner => left.into_iter().zip(shifted(right)).map(|(left, right)| &left | &right).collect(),
                    Left | LeftSemi | LeftAnti | LeftMark => left,
                    Right => shifted(right),
                    RightSemi | RightAnti | RightMark => right,
                    Full => vec![BTreeSet::new(); self.shard.len()],
                }))
            }
        }
    }
}

/// Rows that become one: the engine plans both alike.
const GROUPED: &str = "are put together by GROUP BY or DISTINCT: name these columns there, too";

/// The error of rows that meet: what becomes of them, and what to do.
fn meet<T>(why: &str) -> EngineResult<T> {
    Err(DataFusionError::Plan(why.to_owned()))
}

/// Places that are the same in all inputs.
fn union_of(inputs: Vec<Rows>) -> EngineResult<Rows> {
    let mut inputs = inputs.into_iter();
    let Some(mut all) = inputs.next() else { return Ok(Rows::Whole) };
    for input in inputs {
        all = match (all, input) {
            (Rows::Whole, Rows::Whole) => Rows::Whole,
            (Rows::Apart(known), Rows::Apart(other)) => {
                Rows::Apart(known.iter().zip(&other).map(|(known, other)| known & other).collect())
            }
            _ => {
                return meet(
                    "are put beside rows by UNION that are the same in each shard, and would come once for each",
                );
            }
        };
    }
    Ok(all)
}

/// An expression without its name.
fn plain(expression: &Expr) -> &Expr {
    match expression {
        Expr::Alias(alias) => plain(&alias.expr),
        other => other,
    }
}

/// The place of the column that an expression is. In another type of text it is the same; other types may not tell apart
/// what the column does.
fn place(expression: &Expr, schema: &DFSchema) -> Option<usize> {
    let is_text = |expression: &Expr| expression.get_type(schema).is_ok_and(|kind| is_text(&kind));
    match plain(expression) {
        Expr::Column(column) => schema.maybe_index_of_column(column),
        cast @ Expr::Cast(of) if is_text(cast) && is_text(&of.expr) => place(&of.expr, schema),
        _ => None,
    }
}

/// Whether each shard column is among some expressions.
fn has_all(places: &Places, expressions: &[Expr], schema: &DFSchema) -> bool {
    let named: BTreeSet<usize> = expressions.iter().filter_map(|expression| place(expression, schema)).collect();
    places.iter().all(|known| !known.is_disjoint(&named))
}

/// Rows with these columns of them.
fn shown(rows: Rows, expressions: &[Expr], schema: &DFSchema) -> Rows {
    let Rows::Apart(places) = rows else { return Rows::Whole };
    let of = |known: BTreeSet<usize>| {
        let columns = expressions.iter().enumerate();
        columns
            .filter(|(_, shown)| place(shown, schema).is_some_and(|at| known.contains(&at)))
            .map(|(place, _)| place)
            .collect()
    };
    Rows::Apart(places.into_iter().map(of).collect())
}
