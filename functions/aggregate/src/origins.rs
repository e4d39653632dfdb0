//! Which columns of tables the columns of a plan's result derive from: whatever a column is renamed to or computed from, by
//! views, models, subqueries and the names of other tables.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::Field;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchemaRef, JoinType};
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, Join, LogicalPlan, Operator, RecursiveQuery, TableScan};

use crate::personal;
use crate::session;

/// The key of a field's metadata that marks it.
pub const MARK: &str = "mark";
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

/// The columns of tables that a column derives from.
pub type Origins = BTreeSet<Arc<str>>;

/// Of which columns of tables is said what derives from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Marked ones, as far as a result shows their values: what is only compared, counted or hashed does not show.
    Marked,
    /// All, whatever an expression makes of them. Which rows there are (filters, joins, groups) is no part of a value.
    All,
}

impl Follow {
    /// What each column of a plan's result derives from.
    pub fn through(self, plan: &LogicalPlan) -> EngineResult<Vec<Origins>> {
        Reader::new(self).plan(plan)
    }

    /// Whatever a plan reads.
    fn anywhere(self, plan: &LogicalPlan) -> EngineResult<Origins> {
        let mut found = Origins::new();
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                found.extend(all(&Reader::new(self).scan(scan)?));
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(found)
    }
}

/// What any of some columns derives from.
fn all(columns: &[Origins]) -> Origins {
    columns.iter().flatten().cloned().collect()
}

/// What the column at a place derives from; of one that is unknown, what any does.
fn at(columns: &[Origins], place: Option<usize>) -> Origins {
    place.and_then(|place| columns.get(place)).cloned().unwrap_or_else(|| all(columns))
}

/// Reads a plan from its tables up.
struct Reader {
    follow: Follow,
    /// What subqueries see of the queries that they stand in, the nearest last.
    outer: Vec<(DFSchemaRef, Vec<Origins>)>,
    /// What the rows that a query reads of itself derive from, by its name, the nearest last.
    recursive: Vec<(String, Vec<Origins>)>,
}

impl Reader {
    fn new(follow: Follow) -> Self {
        Self { follow, outer: Vec::new(), recursive: Vec::new() }
    }

    fn plan(&mut self, plan: &LogicalPlan) -> EngineResult<Vec<Origins>> {
        let width = plan.schema().fields().len();
        let mut columns = match plan {
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
                let mut columns = self.plan(&window.input)?;
                columns.extend(self.expressions(&window.window_expr, window.input.schema(), &columns)?);
                columns
            }
            // What a plan reports of itself may be bounds of columns that it only orders by.
            LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => vec![self.follow.anywhere(plan)?; width],
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate, width)?,
            LogicalPlan::Join(join) => self.join(join)?,
            LogicalPlan::Union(union) => {
                let mut columns = vec![Origins::new(); width];
                for input in &union.inputs {
                    let of_input = self.plan(input)?;
                    columns.iter_mut().zip(of_input).for_each(|(column, other)| column.extend(other));
                }
                columns
            }
            LogicalPlan::RecursiveQuery(query) => self.recursive(query)?,
            LogicalPlan::Unnest(unnest) => {
                let input = self.plan(&unnest.input)?;
                unnest.dependency_indices.iter().map(|place| at(&input, Some(*place))).collect()
            }
            LogicalPlan::Values(values) => {
                let mut columns = vec![Origins::new(); width];
                for row in &values.values {
                    for (column, value) in columns.iter_mut().zip(row) {
                        column.extend(self.expression(value, &values.schema, &[])?);
                    }
                }
                columns
            }
            LogicalPlan::Filter(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Repartition(_)
            | LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Subquery(_)
            | LogicalPlan::Distinct(Distinct::All(_)) => self.inputs(plan)?,
            _ if session::read_by(plan).is_some() => self.inputs(plan)?,
            _ => {
                let any = all(&self.inputs(plan)?);
                vec![any; width]
            }
        };
        if columns.len() != width {
            columns = vec![all(&columns); width];
        }
        Ok(columns)
    }

    /// What the first rows derive from, and what any further ones that are made of them.
    fn recursive(&mut self, query: &RecursiveQuery) -> EngineResult<Vec<Origins>> {
        let mut columns = self.plan(&query.static_term)?;
        loop {
            self.recursive.push((query.name.clone(), columns.clone()));
            let further = self.plan(&query.recursive_term);
            self.recursive.pop();
            let before = columns.clone();
            columns.iter_mut().zip(further?).for_each(|(column, other)| column.extend(other));
            // Columns only gain: this ends.
            if columns == before {
                return Ok(columns);
            }
        }
    }

    /// Those of all inputs, one after the other.
    fn inputs(&mut self, plan: &LogicalPlan) -> EngineResult<Vec<Origins>> {
        let mut columns = Vec::new();
        for input in plan.inputs() {
            columns.extend(self.plan(input)?);
        }
        Ok(columns)
    }

    fn scan(&mut self, scan: &TableScan) -> EngineResult<Vec<Origins>> {
        let of_field = |field: &Arc<Field>| match self.follow {
            Follow::Marked => field.metadata().get(MARK).map(|mark| Arc::from(mark.as_str())),
            Follow::All => Some(format!("{}.{}", scan.table_name.table(), field.name()).into()),
        };
        let of_itself = || self.recursive.iter().rev().find(|(name, _)| scan.table_name.table() == name);
        let columns: Vec<Origins> = match scan.source.get_logical_plan() {
            Some(view) => self.plan(&view)?,
            None if let Some((_, columns)) = of_itself() => columns.clone(),
            None => scan.source.schema().fields().iter().map(|field| of_field(field).into_iter().collect()).collect(),
        };
        Ok(match &scan.projection {
            Some(places) => places.iter().map(|place| at(&columns, Some(*place))).collect(),
            None => columns,
        })
    }

    fn aggregate(&mut self, aggregate: &Aggregate, width: usize) -> EngineResult<Vec<Origins>> {
        let groups: Vec<Expr> = grouping_set_to_exprlist(&aggregate.group_expr)?.into_iter().cloned().collect();
        let input = self.plan(&aggregate.input)?;
        let mut columns = self.expressions(&groups, aggregate.input.schema(), &input)?;
        // The number of a grouping set stands between.
        columns.resize(width.saturating_sub(aggregate.aggr_expr.len()), Origins::new());
        columns.extend(self.expressions(&aggregate.aggr_expr, aggregate.input.schema(), &input)?);
        Ok(columns)
    }

    fn join(&mut self, join: &Join) -> EngineResult<Vec<Origins>> {
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
                left.push(Origins::new());
                left
            }
            JoinType::RightMark => {
                right.push(Origins::new());
                right
            }
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                left.extend(right);
                left
            }
        })
    }

    fn expressions(
        &mut self,
        expressions: &[Expr],
        schema: &DFSchemaRef,
        columns: &[Origins],
    ) -> EngineResult<Vec<Origins>> {
        expressions.iter().map(|expression| self.expression(expression, schema, columns)).collect()
    }

    /// What an expression's value derives from, by the columns of its input.
    fn expression(&mut self, expression: &Expr, schema: &DFSchemaRef, columns: &[Origins]) -> EngineResult<Origins> {
        let shown = match expression {
            Expr::Column(column) => return Ok(at(columns, schema.maybe_index_of_column(column))),
            Expr::OuterReferenceColumn(_, column) => {
                let known = self.outer.iter().rev().find_map(|(schema, columns)| {
                    schema.maybe_index_of_column(column).map(|place| at(columns, Some(place)))
                });
                return Ok(known.unwrap_or_else(|| self.outer.iter().flat_map(|(_, columns)| all(columns)).collect()));
            }
            Expr::ScalarSubquery(query) => {
                self.outer.push((Arc::clone(schema), columns.to_vec()));
                let shown = self.plan(&query.subquery);
                self.outer.pop();
                return Ok(all(&shown?));
            }
            expression if self.follow == Follow::Marked => shown_parts(expression),
            _ => None,
        };
        let mut found = Origins::new();
        match shown {
            Some(parts) => {
                for part in parts {
                    found.extend(self.expression(part, schema, columns)?);
                }
            }
            None => {
                expression.apply_children(|part| {
                    found.extend(self.expression(part, schema, columns)?);
                    Ok(TreeNodeRecursion::Continue)
                })?;
            }
        }
        Ok(found)
    }
}

/// The parts of an expression whose values its own shows; `None` if all of them do.
fn shown_parts(expression: &Expr) -> Option<Vec<&Expr>> {
    Some(match expression {
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
        _ => return None,
    })
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
