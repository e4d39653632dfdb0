//! Reads `a IS DISTINCT FROM b AND c` as PostgreSQL does.
//!
//! The parser takes all that follows, `b AND c`, for the other side (sqlparser 0.62), which is another condition, and no mistake
//! where `b` is true or false. What the parser has made of a query is therefore put together again where that has happened.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Statement, UnaryOperator, Value, VisitMut, VisitorMut};

/// Puts conditions together as they are written.
pub fn put_together(statement: &mut Statement) {
    let _ = statement.visit(&mut Conditions);
}

struct Conditions;

impl VisitorMut for Conditions {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if takes_too_much(expr) {
            let mut words = Vec::new();
            take_apart(std::mem::replace(expr, nothing()), &mut words);
            *expr = any_of(&mut words.into_iter().peekable());
        }
        ControlFlow::Continue(())
    }
}

fn nothing() -> Expr {
    Expr::Value(Value::Null.into())
}

/// Whether a condition, as far as it stands in no parentheses, has an IS \[NOT\] DISTINCT FROM with more than its other side.
fn takes_too_much(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } => {
            takes_too_much(left) || takes_too_much(right)
        }
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => takes_too_much(expr),
        Expr::IsDistinctFrom(_, side) | Expr::IsNotDistinctFrom(_, side) => {
            matches!(
                side.as_ref(),
                Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. }
                    | Expr::IsDistinctFrom(..)
                    | Expr::IsNotDistinctFrom(..)
            )
        }
        _ => false,
    }
}

/// A condition's words, in the order in which they are written.
enum Word {
    Value(Box<Expr>),
    Not,
    IsDistinctFrom,
    IsNotDistinctFrom,
    And,
    Or,
}

type Words = std::iter::Peekable<std::vec::IntoIter<Word>>;

fn take_apart(expr: Expr, words: &mut Vec<Word>) {
    let (left, word, right) = match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => (left, Word::And, right),
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => (left, Word::Or, right),
        Expr::IsDistinctFrom(left, right) => (left, Word::IsDistinctFrom, right),
        Expr::IsNotDistinctFrom(left, right) => (left, Word::IsNotDistinctFrom, right),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
            words.push(Word::Not);
            return take_apart(*expr, words);
        }
        value => return words.push(Word::Value(Box::new(value))),
    };
    take_apart(*left, words);
    words.push(word);
    take_apart(*right, words);
}

fn any_of(words: &mut Words) -> Expr {
    joined(words, all_of, |word| matches!(word, Word::Or), BinaryOperator::Or)
}

fn all_of(words: &mut Words) -> Expr {
    joined(words, compared, |word| matches!(word, Word::And), BinaryOperator::And)
}

fn joined(words: &mut Words, part: fn(&mut Words) -> Expr, is_op: fn(&Word) -> bool, op: BinaryOperator) -> Expr {
    let mut whole = part(words);
    while words.next_if(is_op).is_some() {
        whole = Expr::BinaryOp { left: Box::new(whole), op: op.clone(), right: Box::new(part(words)) };
    }
    whole
}

fn compared(words: &mut Words) -> Expr {
    let mut whole = value(words);
    loop {
        let is_distinct = match words.peek() {
            Some(Word::IsDistinctFrom) => Expr::IsDistinctFrom,
            Some(Word::IsNotDistinctFrom) => Expr::IsNotDistinctFrom,
            _ => return whole,
        };
        words.next();
        whole = is_distinct(Box::new(whole), Box::new(value(words)));
    }
}

/// The words were taken from a condition, in which there is a value wherever one is asked for.
fn value(words: &mut Words) -> Expr {
    match words.next() {
        Some(Word::Value(value)) => *value,
        Some(Word::Not) => Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(compared(words)) },
        _ => nothing(),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::ast::visit_expressions;
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    /// A condition with parentheses around all that belongs together.
    fn read(sql: &str) -> String {
        let mut statement = Parser::parse_sql(&GenericDialect {}, &format!("SELECT {sql}")).unwrap().remove(0);
        put_together(&mut statement);
        let first = visit_expressions(&statement, |expr| ControlFlow::Break(shape(expr)));
        first.break_value().unwrap()
    }

    fn shape(expr: &Expr) -> String {
        match expr {
            Expr::Nested(inner) => shape(inner),
            Expr::BinaryOp { left, op, right } => format!("({} {op} {})", shape(left), shape(right)),
            Expr::UnaryOp { op, expr } => format!("({op} {})", shape(expr)),
            Expr::IsDistinctFrom(left, right) => format!("({} <> {})", shape(left), shape(right)),
            Expr::IsNotDistinctFrom(left, right) => format!("({} == {})", shape(left), shape(right)),
            other => other.to_string(),
        }
    }

    #[test]
    fn what_follows_the_other_side_is_a_condition_of_its_own() {
        for (sql, wanted) in [
            ("a IS DISTINCT FROM b AND c", "((a <> b) AND c)"),
            ("a IS NOT DISTINCT FROM b OR c", "((a == b) OR c)"),
            ("p AND a IS DISTINCT FROM b + 1 OR q", "((p AND (a <> (b + 1))) OR q)"),
            ("NOT a IS DISTINCT FROM b = c AND d", "((NOT (a <> (b = c))) AND d)"),
            ("a IS DISTINCT FROM (b IS NOT DISTINCT FROM c AND d) AND e", "((a <> ((b == c) AND d)) AND e)"),
            ("a IS DISTINCT FROM b AND c IS DISTINCT FROM d OR e", "(((a <> b) AND (c <> d)) OR e)"),
            ("a IS DISTINCT FROM b AND NOT c OR d AND e", "(((a <> b) AND (NOT c)) OR (d AND e))"),
            ("a = b IS DISTINCT FROM c AND d", "(((a = b) <> c) AND d)"),
            ("a IS DISTINCT FROM NOT b AND c", "((a <> (NOT b)) AND c)"),
            ("NOT a IS DISTINCT FROM NOT b OR c", "((NOT (a <> (NOT b))) OR c)"),
            ("a IS DISTINCT FROM b", "(a <> b)"),
            ("a OR b AND c", "(a OR (b AND c))"),
        ] {
            assert_eq!(read(sql), wanted, "{sql}");
        }
    }
}
