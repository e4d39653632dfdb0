//! Keeps a condition that asks nothing of a row above the groups that it stands above.
//!
//! The optimizer moves a condition below groups if its columns are keys of them, and one without columns always: of `SELECT
//! count(*) ... HAVING 1 = (SELECT ...)` the rows were left out and their count, 0, was kept (DataFusion 55.2,
//! `push_down_filter`). Such a condition becomes EXISTS of a row that meets it, which is planned as a join.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, Spans};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{EmptyRelation, Expr, Filter, LogicalPlan, Subquery, expr::Exists};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// Goes before the rules that plan subqueries.
#[derive(Debug)]
pub struct AskOnce;

impl OptimizerRule for AskOnce {
    fn name(&self) -> &str {
        "AskOnce"
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        None
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        plan.transform_down_with_subqueries(|plan| {
            let LogicalPlan::Filter(Filter { predicate, input, .. }) = &plan else { return Ok(Transformed::no(plan)) };
            let conditions = split_conjunction_owned(predicate.clone());
            if matches!(input.as_ref(), LogicalPlan::EmptyRelation(_)) || !conditions.iter().any(asks_nothing_of_a_row)
            {
                return Ok(Transformed::no(plan));
            }
            let conditions = conditions.into_iter().map(|condition| match asks_nothing_of_a_row(&condition) {
                true => exists(condition),
                false => Ok(condition),
            });
            let conditions = conjunction(conditions.collect::<Result<Vec<_>>>()?);
            let Some(predicate) = conditions else { return Ok(Transformed::no(plan)) };
            Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, Arc::clone(input))?)))
        })
    }
}

/// Whether a condition is of queries of their own alone.
fn asks_nothing_of_a_row(condition: &Expr) -> bool {
    let (mut has_query, mut is_alone) = (false, true);
    let walked = condition.apply(|part| {
        match part {
            Expr::ScalarSubquery(query) => {
                has_query = true;
                is_alone &= query.outer_ref_columns.is_empty();
            }
            Expr::Column(_) | Expr::OuterReferenceColumn(..) | Expr::InSubquery(_) | Expr::Exists(_) => {
                is_alone = false
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.is_ok() && has_query && is_alone
}

fn exists(condition: Expr) -> Result<Expr> {
    let one_row = EmptyRelation { produce_one_row: true, schema: Arc::new(DFSchema::empty()) };
    let filter = Filter::try_new(condition, Arc::new(LogicalPlan::EmptyRelation(one_row)))?;
    let subquery = Arc::new(LogicalPlan::Filter(filter));
    let subquery = Subquery { subquery, outer_ref_columns: Vec::new(), spans: Spans::new() };
    Ok(Expr::Exists(Exists { subquery, negated: false }))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use datafusion::prelude::SessionConfig;

    use super::*;
    use crate::session::session;

    #[tokio::test]
    async fn what_is_asked_once_leaves_out_groups_and_not_their_rows() {
        let numbers = |count: i64| {
            let numbers = Int64Array::from((0..count).collect::<Vec<i64>>());
            RecordBatch::try_from_iter([("k", Arc::new(numbers) as ArrayRef)]).unwrap()
        };
        let context = session(SessionConfig::new().with_target_partitions(1), Arc::default());
        context.register_batch("a", numbers(3)).unwrap();
        context.register_batch("b", numbers(2)).unwrap();
        for (sql, rows) in [
            ("SELECT * FROM (SELECT count(*) AS n FROM a) WHERE 1 = (SELECT count(*) FROM b)", 0),
            ("SELECT * FROM (SELECT count(*) AS n FROM a) WHERE 2 = (SELECT count(*) FROM b) AND n = 3", 1),
            ("SELECT count(*) AS n FROM a HAVING (SELECT max(k) FROM b) > 5", 0),
            ("SELECT count(*) AS n FROM a HAVING (SELECT max(k) FROM b WHERE k > 9) > 5", 0),
            ("SELECT k, count(*) AS n FROM a GROUP BY ROLLUP (k) HAVING 1 = (SELECT count(*) FROM b)", 0),
            ("SELECT k, count(*) AS n FROM a GROUP BY ROLLUP (k) HAVING 2 = (SELECT count(*) FROM b)", 4),
            ("SELECT k FROM a WHERE 2 = (SELECT count(*) FROM b) AND k = (SELECT max(k) FROM b)", 1),
            ("SELECT k FROM a WHERE (SELECT count(*) FROM b) = (SELECT count(*) FROM a) OR k > 1", 1),
            ("SELECT k FROM a WHERE EXISTS (SELECT count(*) FROM b HAVING 1 = (SELECT count(*) FROM b))", 0),
        ] {
            assert_eq!(context.sql(sql).await.unwrap().count().await.unwrap(), rows, "{sql}");
        }
    }
}
