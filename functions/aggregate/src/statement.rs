//! Which SQL is accepted: one query that only reads what is registered, and for models gives the same rows each time.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{Error, Result};

/// Operators in one expression. Each may be a level of recursion, for which stacks ([`lake::stack`]) have room many times
/// over; the time that planning takes grows with the square of the chain.
const MAX_OPERATORS: usize = 1_000;

/// What a query may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One SELECT, or the EXPLAIN of one.
    Question,
    /// One SELECT.
    Model,
}

/// Parses one query.
pub fn parse(state: &SessionState, sql: &str, kind: Kind) -> Result<Statement> {
    check_depth(sql)?;
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect)?;
    let query = match (&statement, kind) {
        (Statement::Explain(explain), Kind::Question) => explain.statement.as_ref(),
        (statement, _) => statement,
    };
    let is_select = match query {
        Statement::Statement(query) => match query.as_ref() {
            ast::Statement::Query(_) => true,
            ast::Statement::Explain { statement, .. } if kind == Kind::Question => {
                matches!(statement.as_ref(), ast::Statement::Query(_))
            }
            _ => false,
        },
        _ => false,
    };
    if is_select {
        return Ok(statement);
    }
    let or_explain = if kind == Kind::Question { " (or the EXPLAIN of one)" } else { "" };
    Err(Error::Query(format!(
        "only one SELECT{or_explain} is accepted here: nothing but the models writes to the lake"
    )))
}

/// Plans one query over what is registered by now.
pub async fn plan(context: &SessionContext, sql: &str, kind: Kind) -> Result<DataFrame> {
    let state = context.state();
    let statement = parse(&state, sql, kind)?;
    let plan = state.statement_to_plan(statement).await?;
    // The parser lets some statements hide in queries.
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false).verify_plan(&plan)?;
    if kind == Kind::Model
        && let Some(function) = unrepeatable(&plan)?
    {
        return Err(Error::Query(format!(
            "{function}() gives another value each time, so that the same input would give other bytes: take times from the data, or from the table period"
        )));
    }
    Ok(DataFrame::new(state, plan))
}

/// A function whose value depends on when or how often it is called.
fn unrepeatable(plan: &LogicalPlan) -> Result<Option<String>, DataFusionError> {
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

/// Refuses what would nest too deeply. What the parser itself recurses into (parentheses) it limits by itself; chains of
/// operators, set operations and joins it does not.
fn check_depth(sql: &str) -> Result<()> {
    // What is no SQL at all the parser explains better.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else { return Ok(()) };
    let (mut levels, mut greatest, mut chained) = (vec![0_usize], 0, 0);
    for token in tokens {
        match token {
            Token::LParen | Token::LBracket => levels.push(0),
            Token::RParen | Token::RBracket => {
                levels.pop();
            }
            Token::Comma => {
                if let Some(level) = levels.last_mut() {
                    *level = 0;
                }
            }
            Token::Word(word) => match word.keyword {
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::JOIN => chained += 1,
                Keyword::AND | Keyword::OR | Keyword::NOT | Keyword::IS | Keyword::LIKE | Keyword::DIV => {
                    count(&mut levels, &mut greatest);
                }
                _ => {}
            },
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Whitespace(_)
            | Token::SemiColon
            | Token::Period => {}
            _ => count(&mut levels, &mut greatest),
        }
    }
    let depth = greatest.max(chained);
    if depth <= MAX_OPERATORS {
        return Ok(());
    }
    Err(Error::Query(format!(
        "the query has a chain of {depth} operators, and {MAX_OPERATORS} are the most: put the values into a list, as in x IN (1, 2, 3), or into a table"
    )))
}

fn count(levels: &mut [usize], greatest: &mut usize) {
    if let Some(level) = levels.last_mut() {
        *level += 1;
        *greatest = (*greatest).max(*level);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(sql: &str, kind: Kind) -> Result<Statement> {
        parse(&SessionContext::new().state(), sql, kind)
    }

    #[test]
    fn only_a_select_or_its_explanation_is_parsed() {
        for sql in ["SELECT 1", "WITH a AS (SELECT 1) SELECT * FROM a;", "VALUES (1)"] {
            assert!(parsed(sql, Kind::Model).is_ok() && parsed(sql, Kind::Question).is_ok(), "{sql}");
        }
        for sql in ["EXPLAIN SELECT 1", "EXPLAIN ANALYZE SELECT 1"] {
            assert!(parsed(sql, Kind::Question).is_ok() && parsed(sql, Kind::Model).is_err(), "{sql}");
        }
        for sql in [
            "COPY (SELECT 1) TO 'x.csv'",
            "EXPLAIN COPY (SELECT 1) TO 'x.csv'",
            "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc'",
            "CREATE TABLE t AS SELECT 1",
            "CREATE VIEW t AS SELECT 1",
            "INSERT INTO t VALUES (1)",
            "SET datafusion.execution.batch_size = 1",
            "DROP TABLE t",
            "SELECT 1; SELECT 2",
            "SHOW TABLES",
        ] {
            assert!(parsed(sql, Kind::Question).is_err() && parsed(sql, Kind::Model).is_err(), "{sql}");
        }
    }

    #[tokio::test]
    async fn what_hides_in_a_query_is_refused_when_it_is_planned() {
        let context = SessionContext::new();
        for sql in
            ["WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "SELECT 1 INTO t", "SELECT * FROM '/etc/passwd'"]
        {
            assert!(plan(&context, sql, Kind::Question).await.is_err(), "{sql}");
        }
    }

    #[tokio::test]
    async fn models_give_the_same_rows_each_time() {
        let context = SessionContext::new();
        for sql in [
            "SELECT now()",
            "SELECT 1 WHERE random() < 0.5",
            "SELECT x FROM (VALUES (1)) t(x) WHERE x IN (SELECT CAST(random() AS INT))",
            "SELECT current_date",
            "SELECT uuid() AS id",
            "SELECT sum(x) OVER (ORDER BY random()) FROM (VALUES (1)) t(x)",
        ] {
            let error = plan(&context, sql, Kind::Model).await.unwrap_err().to_string();
            assert!(error.contains("another value each time"), "{sql}: {error}");
            assert!(plan(&context, sql, Kind::Question).await.is_ok(), "{sql}");
        }
        assert!(plan(&context, "SELECT date_trunc('month', TIMESTAMP '2026-01-01')", Kind::Model).await.is_ok());
    }

    #[test]
    fn chains_are_bounded_and_lists_are_not() {
        let or = vec!["x = 1"; MAX_OPERATORS].join(" OR ");
        let error = check_depth(&format!("SELECT 1 WHERE {or}")).unwrap_err().to_string();
        assert!(error.contains("chain of"), "{error}");
        let unions = vec!["SELECT 1"; MAX_OPERATORS + 2].join(" UNION ALL ");
        assert!(check_depth(&unions).is_err());
        let list = vec!["-1"; 10 * MAX_OPERATORS].join(", ");
        assert!(check_depth(&format!("SELECT 1 WHERE x IN ({list})")).is_ok());
    }
}
