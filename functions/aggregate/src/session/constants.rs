//! Keeps the engine from taking for constant what an outer join, or a ROLLUP, fills with NULLs.
//!
//! In a plan that is run, a column is known to be constant where a filter or a literal says so. An outer join keeps the note for
//! columns of the side whose rows may be missing, although those rows have NULL there: an order by such a column is then left
//! out, and groups of it are closed too early (DataFusion 55.2, `EquivalenceGroup::join`). Groups of several sets of columns
//! (ROLLUP, CUBE, GROUPING SETS) keep it for columns that a set leaves out. What such a node reads therefore passes through a
//! node that tells its order only.

use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, Statistics};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::{CardinalityEffect, replace_children_if_necessary};
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::{
    ChildStats, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, StatisticsArgs,
};

/// Puts a node below each node that fills columns with NULLs. It goes first: other rules trust what is known of columns.
#[derive(Debug)]
pub struct ForgetConstants;

impl PhysicalOptimizerRule for ForgetConstants {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            let Some(fills) = fills(plan.as_ref()) else { return Ok(Transformed::no(plan)) };
            let sides = plan.children().into_iter().zip(fills);
            let sides: Vec<Arc<dyn ExecutionPlan>> = sides
                .map(|(side, is_filled)| match *is_filled && !side.equivalence_properties().eq_group().is_empty() {
                    true => Arc::new(Inconstant::new(Arc::clone(side))),
                    false => Arc::clone(side),
                })
                .collect();
            Ok(Transformed::yes(replace_children_if_necessary(plan, sides)?))
        })
        .map(|done| done.data)
    }

    fn name(&self) -> &str {
        "ForgetConstants"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Which of its inputs a node fills with NULLs, if it fills any.
fn fills(plan: &dyn ExecutionPlan) -> Option<&'static [bool]> {
    if let Some(groups) = plan.downcast_ref::<AggregateExec>() {
        return (!groups.group_expr().is_single()).then_some(&[true]);
    }
    let join_type = if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        *join.join_type()
    } else if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        *join.join_type()
    } else {
        plan.downcast_ref::<SortMergeJoinExec>()?.join_type()
    };
    match join_type {
        JoinType::Left => Some(&[false, true]),
        JoinType::Right => Some(&[true, false]),
        JoinType::Full => Some(&[true, true]),
        _ => None,
    }
}

/// The rows of its input, of which no column is said to be constant, or equal to another one.
#[derive(Debug)]
struct Inconstant {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl Inconstant {
    fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        let orders = input.equivalence_properties().oeq_class().iter().cloned();
        let known = EquivalenceProperties::new_with_orderings(input.schema(), orders);
        let properties = Arc::new(PlanProperties::clone(input.properties()).with_eq_properties(known));
        Self { input, properties }
    }
}

impl DisplayAs for Inconstant {
    fn fmt_as(&self, _: DisplayFormatType, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("Inconstant")
    }
}

impl ExecutionPlan for Inconstant {
    fn name(&self) -> &str {
        "Inconstant"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    /// It does; but a sort that is put below it would be left out where its column is constant there.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let missing = || DataFusionError::Internal("a node without its input".to_owned());
        Ok(Arc::new(Self::new(children.into_iter().next().ok_or_else(missing)?)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], _: &StatisticsArgs) -> Result<Arc<Statistics>> {
        let unknown = || Arc::new(Statistics::new_unknown(&self.schema()));
        Ok(inputs.first().map_or_else(unknown, Arc::clone))
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::prelude::SessionConfig;

    /// The rows of a query, each with blanks between its values; NULL is nothing.
    async fn rows(sql: &str) -> Vec<String> {
        let config = SessionConfig::new().with_target_partitions(1);
        let context = crate::session::session(config, std::sync::Arc::default());
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        let table = pretty_format_batches(&batches).unwrap().to_string();
        let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
        lines.map(|line| line.split(['|', ' ']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")).collect()
    }

    #[tokio::test]
    async fn rows_that_a_join_fills_with_nulls_are_sorted_and_grouped() {
        let all = "(VALUES (1), (2), (3), (4)) AS a (k)";
        let some = "(SELECT k, 'yes' AS found FROM (VALUES (2), (4)) AS b (k)) AS b";
        let filtered = "(SELECT k, h FROM (VALUES (2, 'x'), (3, 'y'), (4, 'x')) AS c (k, h) WHERE h = 'x') AS b";
        for (sql, wanted) in [
            (
                format!("SELECT a.k, found FROM {all} LEFT JOIN {some} ON a.k = b.k ORDER BY found NULLS LAST, a.k"),
                &["2 yes", "4 yes", "1", "3"][..],
            ),
            (
                format!("SELECT a.k, h FROM {filtered} RIGHT JOIN {all} ON a.k = b.k ORDER BY h NULLS FIRST, a.k DESC"),
                &["3", "1", "4 x", "2 x"],
            ),
            (
                format!("SELECT a.k, h FROM {all} FULL JOIN {filtered} ON a.k = b.k AND a.k > 2 ORDER BY h, a.k, b.k"),
                &["4 x", "x", "1", "2", "3"],
            ),
            (
                format!(
                    "SELECT found, count(*) AS n FROM {all} LEFT JOIN {some} ON a.k = b.k GROUP BY found ORDER BY found"
                ),
                &["yes 2", "2"],
            ),
            (
                format!(
                    "SELECT a.k, row_number() OVER (ORDER BY found NULLS FIRST, a.k) AS n \
                     FROM {all} LEFT JOIN {some} ON a.k < b.k AND b.k = 2 ORDER BY a.k"
                ),
                &["1 4", "2 1", "3 2", "4 3"],
            ),
            (
                format!("SELECT h, count(*) AS n FROM {filtered} GROUP BY ROLLUP (h) ORDER BY h DESC NULLS LAST"),
                &["x 2", "2"],
            ),
            (
                format!("SELECT h, k FROM {filtered} WHERE k = 4 GROUP BY CUBE (h, k) ORDER BY h NULLS FIRST, k DESC"),
                &["", "4", "x", "x 4"],
            ),
            (
                format!("SELECT k, string_agg(h, '+' ORDER BY h) AS s FROM {filtered} GROUP BY ROLLUP (k) ORDER BY k"),
                &["2 x", "4 x", "x+x"],
            ),
            (
                format!(
                    "SELECT k, string_agg(h, '+' ORDER BY h, k) AS s FROM {filtered} GROUP BY GROUPING SETS ((k), ()) ORDER BY k"
                ),
                &["2 x", "4 x", "x+x"],
            ),
        ] {
            assert_eq!(rows(&sql).await, wanted, "{sql}");
        }
    }
}
