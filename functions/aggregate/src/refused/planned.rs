//! What is refused by its plan: subqueries that depend on the row, and what [`spans`] has.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result as EngineResult, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Distinct, Expr, ExprSchemable, LogicalPlan, SkipType, Subquery,
    expr::{Exists, InSubquery, Sort},
};

use crate::error::{Error, NOT_IN_BY_ROW, Result};
use crate::refused::spans;

const OF_ROW: &str = "a subquery that names columns of the outer query is not answered where it has window functions, groups of all rows (count(*) without GROUP BY), LIMIT or OFFSET, behind EXISTS, IN or LATERAL: join a query with GROUP BY, or number the rows with row_number() and join those";

/// Refuses a query by its plan, as it is before it is optimized.
pub fn as_planned(plan: &LogicalPlan) -> Result<()> {
    if has_nulls_by_row(plan)? {
        return Err(Error::Query(NOT_IN_BY_ROW.to_owned()));
    }
    if has_hidden_nulls(plan)? {
        return Err(Error::Query(
            "NOT IN (SELECT ...) is answered only as a condition of its own, joined to others by AND, since nulls in the list would count as values: write NOT EXISTS (SELECT ... WHERE ... = ...)"
                .to_owned(),
        ));
    }
    if let Some(sought) = sought_may_be_null(plan)? {
        return Err(Error::Query(format!(
            "{sought} may be NULL though nothing in it is, and NOT IN (SELECT ...) would take that for a value: give it a name, as in SELECT * FROM (SELECT *, {sought} AS sought FROM ...) AS named WHERE sought NOT IN (SELECT ...)"
        )));
    }
    if asks_all_rows_by_row(plan)? {
        return Err(Error::Query(OF_ROW.to_owned()));
    }
    if has_opposite_orders(plan)? {
        return Err(Error::Query(
            "an aggregate of DISTINCT values with ORDER BY is not answered beside one of the opposite order, as one order would be taken for both: compute them in subqueries of their own"
                .to_owned(),
        ));
    }
    if has_many_digits(plan)? {
        return Err(Error::Query(
            "round() and trunc() take from -300 to 300 digits: with more of them the value would be no number"
                .to_owned(),
        ));
    }
    spans::check(plan)
}

/// Whether an aggregate of distinct values in an order stands beside one of the opposite order: the engine turns one of them
/// round, and forgets it of distinct values.
fn has_opposite_orders(plan: &LogicalPlan) -> EngineResult<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Aggregate(groups) = node {
            let ordered = groups.aggr_expr.iter().filter_map(|expression| match expression.clone().unalias() {
                Expr::AggregateFunction(call) if !call.params.order_by.is_empty() => Some(call.params),
                _ => None,
            });
            let ordered: Vec<_> = ordered.collect();
            let is_opposite = |a: &Sort, b: &Sort| a.expr == b.expr && a.asc != b.asc;
            found |= ordered.iter().filter(|call| call.distinct).any(|distinct| {
                let mut others = ordered.iter().flat_map(|call| &call.order_by);
                others.any(|other| distinct.order_by.iter().any(|own| is_opposite(own, other)))
            });
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Whether more digits are asked for than doubles have, so that the engine would multiply by infinity.
fn has_many_digits(plan: &LogicalPlan) -> EngineResult<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            found |= expression.exists(|part| {
                let Expr::ScalarFunction(call) = part else { return Ok(false) };
                let [_, digits] = call.args.as_slice() else { return Ok(false) };
                let is_one = ["round", "trunc"].contains(&call.func.name());
                Ok(is_one && whole_number(digits).is_some_and(|digits| digits.unsigned_abs() > 300))
            })?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// The number that a literal is, with or without a sign.
fn whole_number(expression: &Expr) -> Option<i64> {
    match expression {
        Expr::Negative(inner) => whole_number(inner)?.checked_neg(),
        Expr::Literal(ScalarValue::Int64(number), _) => *number,
        _ => None,
    }
}

/// Whether a NOT IN of a subquery stands where the engine takes an unknown answer (there are nulls on either side) for true:
/// everywhere but as one of the conditions that all must hold.
fn has_hidden_nulls(plan: &LogicalPlan) -> Result<bool, DataFusionError> {
    let is_within = |expression: &Expr| expression.exists(|part| Ok(matches!(part, Expr::InSubquery(_))));
    let is_hidden = |expression: &Expr| {
        expression.exists(|part| match part {
            Expr::InSubquery(within) => Ok(within.negated),
            Expr::Not(inner) => is_within(inner),
            _ => Ok(false),
        })
    };
    let is_condition = |expression: &Expr| match expression {
        Expr::InSubquery(_) => true,
        Expr::Not(inner) => matches!(inner.as_ref(), Expr::InSubquery(_)),
        _ => false,
    };
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        match node {
            LogicalPlan::Filter(filter) => {
                for condition in split_conjunction(&filter.predicate).into_iter().filter(|part| !is_condition(part)) {
                    found |= is_hidden(condition)?;
                }
            }
            node => {
                node.apply_expressions(|expression| {
                    found |= is_hidden(expression)?;
                    Ok(TreeNodeRecursion::Continue)
                })?;
            }
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Whether a NOT IN (SELECT ...) names columns of the outer query, and its list may have nulls, or what is looked for may be
/// null. Where the condition on the outer column says the same as the NOT IN, the engine counts nulls of all rows.
fn has_nulls_by_row(plan: &LogicalPlan) -> Result<bool, DataFusionError> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        let LogicalPlan::Filter(filter) = node else { return Ok(TreeNodeRecursion::Continue) };
        filter.predicate.apply(|part| {
            let (within, is_negated) = match part {
                Expr::InSubquery(within) => (within, within.negated),
                Expr::Not(inner) => match inner.as_ref() {
                    Expr::InSubquery(within) => (within, true),
                    _ => return Ok(TreeNodeRecursion::Continue),
                },
                _ => return Ok(TreeNodeRecursion::Continue),
            };
            if is_negated && !within.subquery.outer_ref_columns.is_empty() {
                let list = within.subquery.subquery.schema();
                found |= list.fields().iter().any(|field| field.is_nullable())
                    || within.expr.nullable(filter.input.schema().as_ref())?;
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// What a NOT IN (SELECT ...) looks for, if it may be null though no column in it is (`nullif(n, 3)`): the engine asks the
/// columns alone whether it has to mind nulls.
fn sought_may_be_null(plan: &LogicalPlan) -> Result<Option<String>, DataFusionError> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        let LogicalPlan::Filter(filter) = node else { return Ok(TreeNodeRecursion::Continue) };
        let schema = filter.input.schema().as_ref();
        for condition in split_conjunction(&filter.predicate) {
            let (within, is_negated) = match condition {
                Expr::InSubquery(within) => (within, within.negated),
                Expr::Not(inner) => match inner.as_ref() {
                    Expr::InSubquery(within) => (within, true),
                    _ => continue,
                },
                _ => continue,
            };
            let has_null = |column: &&Column| Expr::Column((*column).clone()).nullable(schema).unwrap_or(true);
            let columns = within.expr.column_refs();
            if is_negated && within.expr.nullable(schema)? && !columns.iter().any(has_null) {
                found = Some(within.expr.human_display().to_string());
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// Whether a subquery that depends on the row asks for what the engine would take of all rows: it moves the condition that names
/// the outer column above groups, windows and limits.
fn asks_all_rows_by_row(plan: &LogicalPlan) -> EngineResult<bool> {
    let mut found = false;
    plan.apply(|node| {
        if let LogicalPlan::Subquery(lateral) = node {
            found |= is_of_all_rows(lateral, true)?;
        }
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                found |= match part {
                    Expr::Exists(Exists { subquery, .. }) => {
                        is_of_all_rows(subquery, false)? || asks_all_rows_by_row(&subquery.subquery)?
                    }
                    Expr::InSubquery(InSubquery { subquery, .. }) => {
                        is_of_all_rows(subquery, true)? || asks_all_rows_by_row(&subquery.subquery)?
                    }
                    Expr::ScalarSubquery(subquery) => asks_all_rows_by_row(&subquery.subquery)?,
                    _ => false,
                };
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Whether something of a subquery stands above the condition that names an outer column, and may not. Of EXISTS a LIMIT changes
/// nothing, unless rows are skipped.
fn is_of_all_rows(subquery: &Subquery, limits_count: bool) -> EngineResult<bool> {
    if subquery.outer_ref_columns.is_empty() {
        return Ok(false);
    }
    let mut found = false;
    subquery.subquery.apply(|node| {
        let is_one = match node {
            LogicalPlan::Window(_) => true,
            LogicalPlan::Aggregate(groups) => {
                groups.group_expr.is_empty() || groups.group_expr.iter().any(|key| matches!(key, Expr::GroupingSet(_)))
            }
            LogicalPlan::Limit(limit) => limits_count || !matches!(limit.get_skip_type()?, SkipType::Literal(0)),
            LogicalPlan::Distinct(Distinct::On(_)) => limits_count,
            _ => false,
        };
        if is_one {
            for input in node.inputs() {
                found |= names_outer_columns(input)?;
            }
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn names_outer_columns(plan: &LogicalPlan) -> EngineResult<bool> {
    let mut found = false;
    plan.apply(|node| {
        node.apply_expressions(|expression| {
            found |= expression.exists(|part| Ok(matches!(part, Expr::OuterReferenceColumn(..))))?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}
