//! Joins all rows with one row, such as `CROSS JOIN settings`, batch by batch.
//!
//! A cross join of the engine holds its left side in memory and makes a batch for each of its rows (DataFusion 55.2,
//! `CrossJoinExec`). With a large left side and one row at the right that is all rows in memory, and as many batches as rows.
//! What has one row goes to the left.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::{CrossJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::statistics::StatisticsContext;
use datafusion::physical_plan::{ExecutionPlan, StatisticsArgs};

/// Swaps the sides of joins without keys of which only the right one has one row.
#[derive(Debug)]
pub struct OneRowFirst;

impl PhysicalOptimizerRule for OneRowFirst {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let is_swapped = |left, right| Ok::<_, DataFusionError>(has_one_row(right)? && !has_one_row(left)?);
            if let Some(join) = plan.downcast_ref::<CrossJoinExec>()
                && is_swapped(join.left(), join.right())?
            {
                return Ok(Transformed::yes(join.swap_inputs()?));
            }
            if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>()
                && join.join_type().supports_swap()
                && is_swapped(join.left(), join.right())?
            {
                return Ok(Transformed::yes(join.swap_inputs()?));
            }
            Ok(Transformed::no(plan))
        })
        .map(|done| done.data)
    }

    fn name(&self) -> &str {
        "OneRowFirst"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether a plan is known to have one row at most.
fn has_one_row(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new())?;
    Ok(matches!(statistics.num_rows, Precision::Exact(0 | 1)) || plan.fetch() == Some(1))
}

#[cfg(test)]
mod tests {
    use datafusion::common::tree_node::TreeNodeRecursion;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::SessionConfig;

    use super::*;
    use crate::session::session;

    /// How many joins without keys a plan has, each of which must hold one row.
    fn joins_that_hold_one(plan: &Arc<dyn ExecutionPlan>) -> usize {
        let mut joins = 0;
        plan.apply(|node| {
            let cross = node.downcast_ref::<CrossJoinExec>().map(CrossJoinExec::left);
            if let Some(held) =
                cross.or_else(|| node.downcast_ref::<NestedLoopJoinExec>().map(NestedLoopJoinExec::left))
            {
                let shown = displayable(plan.as_ref()).indent(false).to_string();
                assert!(has_one_row(held).unwrap(), "{shown}");
                joins += 1;
            }
            Ok(TreeNodeRecursion::Continue)
        })
        .unwrap();
        joins
    }

    #[tokio::test]
    async fn one_row_is_held_and_not_the_many() {
        let context = session(SessionConfig::new().with_target_partitions(1), Default::default());
        let many = "(SELECT value AS n, row_number() OVER (ORDER BY value) AS i FROM generate_series(1, 20000))";
        let one = "(SELECT 7 AS most)";
        let counted = "(SELECT count(*) AS most FROM generate_series(1, 7))";
        for sql in [
            format!("SELECT n, i, most FROM {many} AS m CROSS JOIN {one} AS s"),
            format!("SELECT most, n, i FROM {many} AS m CROSS JOIN {counted} AS s"),
            format!("SELECT n, i, most FROM {one} AS s CROSS JOIN {many} AS m"),
            format!("SELECT n, i, most FROM {many} AS m JOIN {counted} AS s ON m.n < s.most * 10000"),
            format!("SELECT n, i, most FROM {many} AS m LEFT JOIN {one} AS s ON m.n < 10"),
            format!("SELECT n, s.most FROM {many} AS m CROSS JOIN {counted} AS s CROSS JOIN {one} AS o"),
        ] {
            let query = context.sql(&sql).await.unwrap();
            let plan = query.clone().create_physical_plan().await.unwrap();
            let batches = query.collect().await.unwrap();
            assert!(joins_that_hold_one(&plan) > 0, "{sql}");
            assert!(batches.len() < 10, "{sql}: {} batches", batches.len());
            assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 20_000, "{sql}");
            for name in ["n", "most"] {
                let first = batches[0].column_by_name(name).unwrap().slice(0, 1);
                let text = format!("{first:?}");
                assert!(text.contains(if name == "n" { "\n  1,\n" } else { "\n  7,\n" }), "{sql}: {text}");
            }
        }
    }
}
