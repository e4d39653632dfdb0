//! Keeps a condition that asks nothing of a row above the group that it stands above.
//!
//! The optimizer moves a condition below groups if its columns are keys of them, and one without columns always. The group of
//! all rows is there even of none: of `SELECT count(*) ... HAVING 1 = (SELECT ...)`, of `WHERE c = 6` where `c` is a constant
//! beside a count, and of a LEFT JOIN of a count ON a condition that is never met, the rows were left out and their count, 0,
//! was kept (DataFusion 55.2, `push_down_filter`).

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Aggregate, Expr, GroupingSet, LogicalPlan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

/// The rule without what it does wrong; others as they are.
pub fn above_groups_of_nothing(rule: Arc<dyn OptimizerRule + Send + Sync>) -> Arc<dyn OptimizerRule + Send + Sync> {
    if rule.name() == "push_down_filter" { Arc::new(AboveGroupsOfNothing(rule)) } else { rule }
}

#[derive(Debug)]
struct AboveGroupsOfNothing(Arc<dyn OptimizerRule + Send + Sync>);

impl OptimizerRule for AboveGroupsOfNothing {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if would_leave_out_rows_only(&plan) { Ok(Transformed::no(plan)) } else { self.0.rewrite(plan, config) }
    }
}

/// Whether a condition without columns stands above a group that there is of no rows, too. Of a group of all rows no other
/// condition would be moved; with keys, the others stay where they are as well.
fn would_leave_out_rows_only(plan: &LogicalPlan) -> bool {
    let (mut below, mut asks_nothing_of_a_row) = (plan, false);
    while let LogicalPlan::Filter(filter) = below {
        let conditions = split_conjunction(&filter.predicate);
        asks_nothing_of_a_row |= conditions.into_iter().any(|condition| condition.column_refs().is_empty());
        below = &filter.input;
    }
    asks_nothing_of_a_row && matches!(below, LogicalPlan::Aggregate(groups) if is_there_of_nothing(groups))
}

/// Whether one of the groups is of all rows.
fn is_there_of_nothing(groups: &Aggregate) -> bool {
    groups.group_expr.iter().all(|keys| match keys {
        Expr::GroupingSet(GroupingSet::Rollup(_) | GroupingSet::Cube(_)) => true,
        Expr::GroupingSet(GroupingSet::GroupingSets(sets)) => sets.iter().any(Vec::is_empty),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use datafusion::prelude::SessionConfig;

    use super::*;
    use crate::session::session;

    #[tokio::test]
    async fn what_asks_nothing_of_a_row_leaves_out_groups_and_not_their_rows() {
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
            ("SELECT * FROM (SELECT 5 AS c, count(*) AS n FROM a) WHERE c = 6", 0),
            ("SELECT * FROM (SELECT * FROM (SELECT 5 AS c, count(*) AS n FROM a) WHERE n > 0) WHERE c = 6", 0),
            ("SELECT * FROM (SELECT 5 AS c, count(*) AS n FROM a) WHERE c = 5", 1),
            ("SELECT * FROM (SELECT CAST(NULL AS BIGINT) AS c, count(*) AS n FROM a) WHERE c = 6", 0),
            ("SELECT * FROM (SELECT 5 AS c, k, count(*) AS n FROM a GROUP BY ROLLUP (k)) WHERE c = 6", 0),
            ("SELECT * FROM (SELECT 5 AS c, k, count(*) AS n FROM a GROUP BY CUBE (k)) WHERE c = 6 AND k = 1", 0),
            ("SELECT * FROM (SELECT 5 AS c, k, count(*) AS n FROM a GROUP BY GROUPING SETS ((k), ())) WHERE c = 6", 0),
            ("SELECT * FROM (SELECT 5 AS c, k, count(*) AS n FROM a GROUP BY k) WHERE c = 6", 0),
            ("SELECT k FROM a WHERE k IN (SELECT c FROM (SELECT 1 AS c, count(*) AS n FROM b) WHERE c = 2)", 0),
            ("SELECT a.k FROM a LEFT JOIN (SELECT count(*) AS n FROM b) AS d ON false WHERE n IS NULL", 3),
            ("SELECT a.k FROM a LEFT JOIN (SELECT 5 AS c, count(*) AS n FROM b) AS d ON c = 6 WHERE n IS NULL", 3),
            ("SELECT a.k FROM a LEFT JOIN (SELECT count(*) AS n FROM b) AS d ON 1 = (SELECT 2) WHERE n IS NULL", 3),
            ("SELECT a.k FROM (SELECT count(*) AS n FROM b) AS d RIGHT JOIN a ON false WHERE n IS NULL", 3),
            ("SELECT k FROM a WHERE EXISTS (SELECT count(*) FROM b HAVING 1 = (SELECT count(*) FROM b))", 0),
        ] {
            assert_eq!(context.sql(sql).await.unwrap().count().await.unwrap(), rows, "{sql}");
        }
    }
}
