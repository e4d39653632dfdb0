//! Keeps the engine from taking for unique what a join has made come again.
//!
//! The engine notes which columns determine others: after `GROUP BY a`, `a` determines all. A join keeps the note, as one that
//! may come several times, and a second `GROUP BY a, b` above the join takes it for one that comes once: `b` is then left out
//! of groups and orders, and a DISTINCT is left out as a whole (DataFusion 55.2, `aggregate_functional_dependencies`). What a
//! query reads by FROM or JOIN therefore passes through a node here that has no such notes, and of which nothing is left in the
//! plan that is run.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchemaRef, FunctionalDependencies};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use datafusion::sql::sqlparser::ast::TableFactor;

/// What is read through a node without notes, if a plan is one.
pub fn read_by(plan: &LogicalPlan) -> Option<&LogicalPlan> {
    let LogicalPlan::Extension(extension) = plan else { return None };
    extension.node.as_any().downcast_ref::<Forgetful>().map(|forgetful| &forgetful.input)
}

thread_local! {
    /// Whether the next relation is one that is planned by the engine itself, for [`Relations`].
    static IS_ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Plans what stands behind FROM and JOIN as the engine does, and forgets what determines what.
#[derive(Debug)]
pub struct Relations;

impl RelationPlanner for Relations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        if IS_ASKED.replace(false) {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        }
        IS_ASKED.set(true);
        let plan = context.plan(relation);
        IS_ASKED.set(false);
        let mut plan = plan?;
        // Of a DISTINCT the note is made later, when it has become groups.
        let has_distinct = plan.exists(|node| Ok(matches!(node, LogicalPlan::Distinct(_))))?;
        if has_distinct || !plan.schema().functional_dependencies().is_empty() {
            plan = LogicalPlan::Extension(Extension { node: Arc::new(Forgetful::new(plan)?) });
        }
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, None))))
    }
}

/// The rows of its input, of which no column is said to determine others.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Forgetful {
    input: LogicalPlan,
    schema: DFSchemaRef,
}

impl Forgetful {
    fn new(input: LogicalPlan) -> Result<Self> {
        let schema = input.schema().as_ref().clone().with_functional_dependencies(FunctionalDependencies::empty())?;
        Ok(Self { input, schema: Arc::new(schema) })
    }
}

impl PartialOrd for Forgetful {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.input.partial_cmp(&other.input)
    }
}

impl UserDefinedLogicalNodeCore for Forgetful {
    fn name(&self) -> &str {
        "Forgetful"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        HashSet::new()
    }

    fn fmt_for_explain(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("Forgetful")
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let missing = || DataFusionError::Internal("a node without its input".to_owned());
        Self::new(inputs.into_iter().next().ok_or_else(missing)?)
    }

    fn necessary_children_exprs(&self, columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![columns.to_vec()])
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }
}

/// Plans what is run as the engine does, and leaves the nodes out.
#[derive(Debug)]
pub struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, state: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(Self)]).create_physical_plan(plan, state).await
    }
}

#[async_trait]
impl ExtensionPlanner for Planner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        Ok(node.as_any().downcast_ref::<Forgetful>().and(inputs.first().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::util::pretty::pretty_format_batches;

    use std::sync::Arc;

    use datafusion::prelude::SessionConfig;

    use crate::session::session;

    /// A grouped subquery, a join that makes its rows come again, and groups of that.
    const WITH: &str = "WITH r AS (SELECT * FROM (VALUES ('a', 3), ('a', 1), ('b', 2)) AS r (c, low)), \
        g AS (SELECT c FROM (VALUES ('a'), ('b'), ('a')) AS x(c) GROUP BY c), \
        i AS (SELECT g.c, r.low, count(*) AS n FROM g JOIN r ON g.c = r.c GROUP BY g.c, r.low)";

    async fn rows(sql: &str) -> Vec<String> {
        let context = session(SessionConfig::new().with_target_partitions(1), Arc::default());
        let sql = match sql.strip_prefix("EXPLAIN ") {
            Some(sql) => format!("EXPLAIN {WITH} {sql}"),
            None => format!("{WITH} {sql}"),
        };
        let batches = context.sql(&sql).await.unwrap().collect().await.unwrap();
        let table = pretty_format_batches(&batches).unwrap().to_string();
        let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
        lines.map(|line| line.split_whitespace().filter(|part| *part != "|").collect::<Vec<_>>().join(" ")).collect()
    }

    #[tokio::test]
    async fn groups_orders_and_distinct_rows_are_whole_above_a_join() {
        for (sql, wanted) in [
            (
                "SELECT g.c, low FROM g JOIN r ON g.c = r.c GROUP BY g.c, low ORDER BY g.c, low",
                &["a 1", "a 3", "b 2"][..],
            ),
            ("SELECT c, count(*) AS m FROM i GROUP BY c, low ORDER BY c, m", &["a 1", "a 1", "b 1"]),
            ("SELECT c, count(*) AS m FROM i GROUP BY c ORDER BY c", &["a 2", "b 1"]),
            ("SELECT DISTINCT c FROM i ORDER BY c", &["a", "b"]),
            ("SELECT c, low FROM i ORDER BY c, low", &["a 1", "a 3", "b 2"]),
            ("SELECT c, low, n FROM (SELECT c, low, n FROM i) ORDER BY c, low DESC", &["a 3 1", "a 1 1", "b 2 1"]),
            ("SELECT count(*) FROM (SELECT g.c, r.low FROM g CROSS JOIN r GROUP BY g.c, r.low)", &["6"]),
            ("SELECT DISTINCT c FROM (SELECT c, max(low) AS l FROM r GROUP BY c) ORDER BY c", &["a", "b"]),
            ("SELECT g.c FROM g WHERE g.c IN (SELECT c FROM i WHERE low > 2)", &["a"]),
            (
                "SELECT r.c, low FROM r WHERE EXISTS (SELECT 1 FROM i WHERE i.c = r.c AND i.n > 0) ORDER BY low",
                &["a 1", "b 2", "a 3"],
            ),
            (
                "SELECT c, n FROM (SELECT g.c, count(*) AS n FROM g JOIN r ON g.c = r.c GROUP BY g.c, low) ORDER BY c, n LIMIT 2",
                &["a 1", "a 1"],
            ),
            (
                "SELECT r.c, count(*) AS n FROM (SELECT DISTINCT low > 2 FROM r) AS d CROSS JOIN r GROUP BY r.c ORDER BY r.c",
                &["a 4", "b 2"],
            ),
            (
                "SELECT c, low FROM (SELECT d.c, r.low FROM (SELECT DISTINCT c FROM r) AS d CROSS JOIN r GROUP BY d.c, r.low, r.c) \
                 ORDER BY c, low DESC",
                &["a 3", "a 2", "a 1", "b 3", "b 2", "b 1"],
            ),
            ("SELECT a.c, b.low FROM i AS a JOIN i AS b ON a.low = b.low ORDER BY a.c, b.low", &["a 1", "a 3", "b 2"]),
        ] {
            assert_eq!(rows(sql).await, wanted, "{sql}");
        }
    }

    #[tokio::test]
    async fn nothing_of_it_is_left_in_the_plan_that_is_run() {
        let plan = rows("EXPLAIN SELECT c, low FROM i WHERE low > 1").await.join("\n");
        let (logical, physical) = plan.split_once("physical_plan").unwrap();
        assert!(logical.contains("Forgetful") && !physical.contains("Forgetful"), "{plan}");
    }
}
