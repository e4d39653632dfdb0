//! Keeps filters from moving to other columns of the same name.
//!
//! In a plan that is run, two rules move filters towards files: those that a query has, and those that joins and limits find while
//! they run. Through a join whose sides were exchanged, or a projection behind one, they go by the names of columns, and after a
//! join two columns may have one name (DataFusion 55.2): rows were kept that a filter excludes, or left out that it keeps. Both
//! rules are therefore given only such parts of a plan in which all names differ.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::{PhysicalOptimizerContext, PhysicalOptimizerRule};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::union::{InterleaveExec, UnionExec};

/// The rules that move filters in the plan that is run.
const RULES: [&str; 2] = ["FilterPushdown", "FilterPushdown(Post)"];

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// The rule itself, or if it moves filters, as one for parts of a plan.
pub fn where_names_differ(rule: Rule) -> Rule {
    if RULES.contains(&rule.name()) { Arc::new(WhereNamesDiffer(rule)) } else { rule }
}

#[derive(Debug)]
struct WhereNamesDiffer(Rule);

impl PhysicalOptimizerRule for WhereNamesDiffer {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        self.parts(plan, &|part| self.0.optimize(part, config))
    }

    fn optimize_with_context(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: &dyn PhysicalOptimizerContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.parts(plan, &|part| self.0.optimize_with_context(part, context))
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

impl WhereNamesDiffer {
    /// Applies the rule to the largest parts in which names differ.
    fn parts(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        apply: &dyn Fn(Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if names_differ(plan.as_ref()) {
            return apply(plan);
        }
        let children = plan.children().into_iter().map(|child| self.parts(Arc::clone(child), apply));
        let children = children.collect::<Result<Vec<_>>>()?;
        replace_children_if_necessary(plan, children)
    }
}

/// Whether the columns of each node of a plan have names of their own, and those of all that a join reads as well.
fn names_differ(plan: &dyn ExecutionPlan) -> bool {
    // All parts of a union have the same columns.
    let is_union = plan.is::<UnionExec>() || plan.is::<InterleaveExec>();
    let of_inputs: Vec<_> = plan.children().iter().map(|child| child.schema()).collect();
    let mut names = HashSet::new();
    let inputs_differ = is_union
        || of_inputs.iter().flat_map(|schema| schema.fields()).all(|field| names.insert(field.name().as_str()));
    let mut names = HashSet::new();
    inputs_differ
        && plan.schema().fields().iter().all(|field| names.insert(field.name().as_str()))
        && plan.children().into_iter().all(|child| names_differ(child.as_ref()))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use datafusion::prelude::SessionConfig;

    use super::*;
    use crate::session::session;

    #[tokio::test]
    async fn a_filter_above_a_join_stays_on_its_side() {
        let numbers = |numbers: Vec<i64>| {
            RecordBatch::try_from_iter([("k", Arc::new(Int64Array::from(numbers)) as ArrayRef)]).unwrap()
        };
        for (many, few) in [((0..100).collect(), vec![3, 500]), (vec![3], (0..100).collect::<Vec<i64>>())] {
            let context = session(SessionConfig::new().with_target_partitions(2), Arc::default());
            context.register_batch("a", numbers(many)).unwrap();
            context.register_batch("b", numbers(few)).unwrap();
            for join in
                ["a RIGHT JOIN b ON a.k = b.k", "b LEFT JOIN a ON a.k = b.k", "a FULL JOIN b ON a.k = b.k AND b.k = 3"]
            {
                let count = async |condition: &str| {
                    let sql = format!("SELECT a.k, b.k FROM {join} WHERE {condition}");
                    context.sql(&sql).await.unwrap().count().await.unwrap()
                };
                let with_b = count("coalesce(a.k, 0) > 2 AND b.k IS NOT NULL").await;
                assert_eq!(with_b, 1, "{join}");
                assert_eq!(count("coalesce(b.k, 0) > 2 AND a.k IS NOT NULL").await, 1, "{join}");
                let matched = count("a.k = b.k").await;
                let of_b = count("coalesce(a.k, 0) > 2").await
                    - usize::from(join.contains("FULL")) * count("b.k IS NULL AND a.k > 2").await;
                assert_eq!((matched, of_b), (1, 1), "{join}");
            }
        }
    }

    #[tokio::test]
    async fn a_filter_of_a_running_join_is_of_its_own_columns() {
        let of = |columns: [(&str, Vec<i64>); 3]| {
            let columns = columns.map(|(name, numbers)| (name, Arc::new(Int64Array::from(numbers)) as ArrayRef));
            RecordBatch::try_from_iter(columns).unwrap()
        };
        let context = session(SessionConfig::new().with_target_partitions(1), Arc::default());
        let many = || (0..40).collect::<Vec<i64>>();
        context.register_batch("a", of([("id", many()), ("g", many()), ("h", many())])).unwrap();
        context.register_batch("b", of([("id", vec![7]), ("g", vec![7]), ("h", vec![7])])).unwrap();
        // Seven is none of the first three.
        let three = "(SELECT * FROM a ORDER BY id LIMIT 3) AS c";
        for condition in ["a.g IN (SELECT b.g FROM b WHERE b.h = a.h)", "EXISTS (SELECT 1 FROM b WHERE b.g = a.g)"] {
            let sql = format!(
                "SELECT a.id, c.id FROM a CROSS JOIN {three} WHERE {condition} \
                 QUALIFY row_number() OVER (PARTITION BY c.g ORDER BY a.id, c.id) = 1"
            );
            assert_eq!(context.sql(&sql).await.unwrap().count().await.unwrap(), 3, "{sql}");
        }
    }
}
