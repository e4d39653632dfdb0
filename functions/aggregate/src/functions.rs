//! What queries get wrong about functions, in words: names, what a function takes, and what it gives.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use lake::suggest::nearest;

/// Names that other engines have for functions.
const OTHER_NAMES: [(&str, &str); 6] = [
    ("average", "avg"),
    ("ifnull", "coalesce"),
    ("isnull", "coalesce"),
    ("len", "length"),
    ("std", "stddev"),
    ("ucase", "upper"),
];

pub fn no_function(state: &SessionState, name: &str) -> String {
    let known = state.scalar_functions().keys().chain(state.aggregate_functions().keys());
    let known: Vec<&str> = known.chain(state.window_functions().keys()).map(String::as_str).collect();
    let others = OTHER_NAMES.iter().map(|(other, _)| *other);
    let meant = nearest(name, known.into_iter().chain(others));
    let meant = meant.map(|meant| OTHER_NAMES.iter().find(|(other, _)| *other == meant).map_or(meant, |(_, own)| *own));
    let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}()?"));
    format!("there is no function {name}(){meant}")
}

/// The planner's message that a function does not take what it is given, with each of its reasons once.
pub fn unmatched(text: &str) -> String {
    let (before, reasons) = text.split_once("' failed to match any signature, errors: ").unwrap_or((text, ""));
    let function = before.rsplit_once("Function '").map_or(before, |(_, function)| function);
    let (mut taken, mut given, mut others): (Vec<&str>, Vec<&str>, Vec<&str>) = Default::default();
    for reason in reasons.split("Error during planning: ").map(|reason| reason.trim_end_matches([',', '.', ' '])) {
        let reason =
            reason.strip_prefix("Function '").and_then(|rest| Some(rest.split_once("' ")?.1)).unwrap_or(reason);
        let parts = reason
            .strip_prefix("requires ")
            .and_then(|rest| rest.split_once(", but received "))
            .map(|(takes, gets)| (takes, gets.split(" (DataType").next().unwrap_or(gets)));
        match parts {
            Some((takes, gets)) => {
                taken.extend(Some(takes).filter(|takes| !taken.contains(takes)));
                given.extend(Some(gets).filter(|gets| !given.contains(gets)));
            }
            None => others.extend(Some(reason).filter(|reason| !reason.is_empty() && !others.contains(reason))),
        }
    }
    if taken.is_empty() {
        return format!("{function}() does not take this: {}", others.join("; "));
    }
    let cast = if given.contains(&"String") && taken.contains(&"Float64") {
        "; CAST(x AS DOUBLE) makes a number of a text"
    } else {
        ""
    };
    format!("{function}() takes {} and not {}{cast}", taken.join(", "), given.join(", "))
}

/// A function whose value depends on when or how often it is called.
pub fn unrepeatable(plan: &LogicalPlan) -> Result<Option<String>, DataFusionError> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| match part {
                Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => {
                    found = Some(call.func.name().to_owned());
                    Ok(TreeNodeRecursion::Stop)
                }
                _ => Ok(TreeNodeRecursion::Continue),
            })
        })
    })?;
    Ok(found)
}

/// A pattern of `to_char` without a sign of strftime, such as PostgreSQL's `YYYY-MM`: each value would be that text.
pub fn letters_for_times(plan: &LogicalPlan) -> Result<Option<String>, DataFusionError> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                if let Expr::ScalarFunction(call) = part
                    && call.func.name() == "to_char"
                    && let Some(Expr::Literal(pattern, _)) = call.args.get(1)
                    && let Some(Some(pattern)) = pattern.try_as_str()
                    && !pattern.contains('%')
                {
                    found = Some(pattern.to_owned());
                    return Ok(TreeNodeRecursion::Stop);
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use crate::statement::{Kind, plan};

    #[tokio::test]
    async fn what_a_function_takes_is_said_once() {
        let context = SessionContext::new();
        for (sql, wanted) in [
            ("SELECT sum('a')", " and not String; CAST(x AS DOUBLE)"),
            ("SELECT date_trunc(DATE '2026-01-01', 'month')", "date_trunc() takes String and not Date"),
            ("SELECT to_char(DATE '2026-01-01', 'YYYY-MM')", "to_char(): 'YYYY-MM' has no %, and would be written as"),
            ("SELECT date_format(DATE '2026-01-01', 'yyyy')", "such as '%Y-%m-%d"),
        ] {
            let planned = plan(&context, sql, Kind::Question).await;
            let analysed = match planned {
                Ok(query) => query.into_optimized_plan().map(|_| ()).map_err(crate::error::Error::from),
                Err(error) => Err(error),
            };
            let why = analysed.unwrap_err().to_string();
            assert!(why.contains(wanted) && !why.contains("Internal"), "{sql}: {why}");
        }
        assert!(plan(&context, "SELECT to_char(DATE '2026-01-01', '%Y-%m')", Kind::Model).await.is_ok());
    }
}
