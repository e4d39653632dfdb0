//! What is refused of spans of time (INTERVAL, and differences of times): the engine would answer with another time or number.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result as EngineResult, ScalarValue};
use datafusion::logical_expr::{
    Between, BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator,
    expr::{InList, ScalarFunction},
};

use crate::error::{Error, Result};

const COMPARED: &str = "spans of days and months cannot be compared, as they have no fixed length: write hours, such as INTERVAL '24 hours', or compare times, such as b > a + INTERVAL '1 day'";
const HOURS_OF_DAY: &str = "a date with hours, minutes or seconds added to it would stay a date, without them: write CAST(day AS TIMESTAMP) + INTERVAL '12 hours'";
const PARTS: &str = "hours, minutes and seconds of the difference of two times would be all of its hours, minutes or seconds: divide date_part('epoch', b - a), its seconds, or write extract(hour FROM b) for the hour of a time";

const NANOSECONDS_OF_DAY: i64 = 86_400_000_000_000;

/// Refuses what a plan, as it is before it is optimized, has of them.
pub fn check(plan: &LogicalPlan) -> Result<()> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        let mut schema = DFSchema::empty();
        node.inputs().iter().for_each(|input| schema.merge(input.schema()));
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                found = found.or(refused(part, &schema)?);
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    found.map_or(Ok(()), |why: &str| Err(Error::Query(why.to_owned())))
}

fn refused(part: &Expr, schema: &DFSchema) -> EngineResult<Option<&'static str>> {
    let is_compared = match part {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(*op) => are_spans(schema, &[left, right]),
        Expr::Between(Between { expr, low, high, .. }) => {
            are_spans(schema, &[expr, low]) || are_spans(schema, &[expr, high])
        }
        Expr::InList(InList { expr, list, .. }) => list.iter().any(|value| are_spans(schema, &[expr, value])),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Plus | Operator::Minus, right }) => {
            let adds = |day: &Expr, span: &Expr| -> EngineResult<bool> {
                Ok(is_day(schema, day) && is_span(schema, span) && has_hours(span)?)
            };
            let loses_hours = adds(left, right)? || adds(right, left)?;
            return Ok(loses_hours.then_some(HOURS_OF_DAY));
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "date_part" => {
            return Ok(asks_for_totals(schema, args).then_some(PARTS));
        }
        _ => false,
    };
    Ok(is_compared.then_some(COMPARED))
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

fn is_span(schema: &DFSchema, side: &Expr) -> bool {
    matches!(side.get_type(schema), Ok(DataType::Interval(_)))
}

fn is_day(schema: &DFSchema, side: &Expr) -> bool {
    matches!(side.get_type(schema), Ok(DataType::Date32 | DataType::Date64))
}

/// Whether one of two compared values is a span that may have days or months: all but literals of hours, minutes and seconds,
/// and differences of times, which those are compared with.
fn are_spans(schema: &DFSchema, sides: &[&Expr]) -> bool {
    let literal = |side: &&Expr| match side {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(span)), _) => Some(span.months == 0 && span.days == 0),
        _ => None,
    };
    let is_exact = sides.iter().any(|side| literal(side) == Some(true));
    let is_one = sides.iter().any(|side| is_span(schema, side));
    is_one && (!is_exact || sides.iter().any(|side| literal(side) == Some(false)))
}

/// Whether one of a span's literals has something else than whole days.
fn has_hours(span: &Expr) -> EngineResult<bool> {
    span.exists(|part| {
        Ok(match part {
            Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(span)), _) => {
                span.nanoseconds % NANOSECONDS_OF_DAY != 0
            }
            Expr::Literal(ScalarValue::IntervalDayTime(Some(span)), _) => {
                i64::from(span.milliseconds) % (NANOSECONDS_OF_DAY / 1_000_000) != 0
            }
            _ => false,
        })
    })
}

/// Whether a part is asked of the difference of two times that is a count of all of them: days are, and seconds (`epoch`).
fn asks_for_totals(schema: &DFSchema, arguments: &[Expr]) -> bool {
    let [part, span] = arguments else { return false };
    let is_difference = matches!(span.get_type(schema), Ok(DataType::Duration(_)));
    let is_total = matches!(part, Expr::Literal(ScalarValue::Utf8(Some(part)) | ScalarValue::Utf8View(Some(part)), _)
        if ["epoch", "day", "days"].contains(&part.to_lowercase().as_str()));
    is_difference && !is_total
}
