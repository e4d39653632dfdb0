//! Sessions of the engine without those of its faults that give other rows than a query asks for. Each was found by queries made
//! at random (`tests/integration/tests/queries.rs`), and has a test that fails without what is done here.

mod conditions;
mod constants;
mod dependencies;
mod distinct_from;
mod filters;
mod single;

use std::sync::Arc;

use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::optimizer::{Optimizer, OptimizerRule};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::{SessionConfig, SessionContext};

use self::conditions::above_groups_of_nothing;
use self::constants::ForgetConstants;
use self::dependencies::{Planner, Relations};
use self::filters::where_names_differ;
use self::single::OneRowFirst;

pub use self::dependencies::read_by;
pub use self::distinct_from::put_together;

/// A session whose queries give what they ask for.
///
/// Its optimizer simplifies twice: a constant that stands before a column goes behind it only once casts of it are gone, and
/// until then `'x' = a AND a = 'x'` is taken for two conditions that no row meets.
///
/// What is planned and what is run need not agree on which columns may be NULL: of `a IS TRUE` they do not, and a query of its
/// groups would be an error.
pub fn session(mut config: SessionConfig, runtime: Arc<RuntimeEnv>) -> SessionContext {
    config.options_mut().execution.skip_physical_aggregate_schema_check = true;
    let again: Arc<dyn OptimizerRule + Send + Sync> = Arc::new(SimplifyExpressions::new());
    let mut rules: Vec<_> = Optimizer::new().rules.into_iter().map(above_groups_of_nothing).collect();
    let first = rules.iter().position(|rule| rule.name() == again.name());
    rules.insert(first.map_or(0, |first| first + 1), again);
    let mut physical_rules: Vec<_> = PhysicalOptimizer::new().rules.into_iter().map(where_names_differ).collect();
    physical_rules.insert(0, Arc::new(ForgetConstants));
    // The sides of joins are chosen by then.
    let chosen = physical_rules.iter().position(|rule| rule.name() == "join_selection");
    physical_rules.insert(chosen.map_or(1, |chosen| chosen + 1), Arc::new(OneRowFirst));
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_optimizer_rules(rules)
        .with_physical_optimizer_rules(physical_rules)
        .with_query_planner(Arc::new(Planner))
        .with_relation_planners(vec![Arc::new(Relations)])
        .build();
    SessionContext::new_with_state(state)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringViewArray};

    use super::*;

    #[tokio::test]
    async fn a_constant_may_stand_before_a_column_and_behind_it() {
        let texts = StringViewArray::from(vec!["x", "y", "x"]);
        let rows = RecordBatch::try_from_iter([("h", Arc::new(texts) as ArrayRef)]).unwrap();
        for condition in [
            "'x' = h AND h = 'x'",
            "h IN ('x') AND 'x' = h",
            "h BETWEEN 'x' AND 'x' AND 'x' = h",
            "NOT ('x' <> h) AND h = 'x'",
            "'w' < h AND h < 'y' AND 'x' = h",
        ] {
            let context = session(SessionConfig::new().with_target_partitions(1), Arc::default());
            context.register_batch("b", rows.clone()).unwrap();
            for sql in [
                format!("SELECT h FROM b WHERE {condition}"),
                format!("WITH c AS (SELECT * FROM b WHERE {condition}) SELECT h FROM c WHERE 'x' = h"),
                format!(
                    "SELECT b.h FROM b JOIN (SELECT DISTINCT h AS g FROM b) AS d ON b.h = d.g WHERE {condition} AND 'x' = g"
                ),
            ] {
                assert_eq!(context.sql(&sql).await.unwrap().count().await.unwrap(), 2, "{sql}");
            }
        }
    }

    #[tokio::test]
    async fn conditions_can_be_grouped() {
        let flags = BooleanArray::from(vec![Some(true), None, Some(false)]);
        let rows = RecordBatch::try_from_iter_with_nullable([("b", Arc::new(flags) as ArrayRef, true)]).unwrap();
        let context = session(SessionConfig::new().with_target_partitions(1), Arc::default());
        context.register_batch("a", rows).unwrap();
        for (condition, groups) in [("b IS TRUE", 2), ("b IS NOT FALSE", 2), ("b IS UNKNOWN", 2), ("NOT b", 3)] {
            let sql = format!("SELECT DISTINCT {condition} AS c FROM a");
            assert_eq!(context.sql(&sql).await.unwrap().count().await.unwrap(), groups, "{sql}");
            let sql = format!("SELECT c FROM (SELECT {condition} AS c, b FROM a) AS d GROUP BY c");
            assert_eq!(context.sql(&sql).await.unwrap().count().await.unwrap(), groups, "{sql}");
        }
    }
}
