//! Which SQL is accepted: one query that only reads what is registered, and for models gives the same rows each time.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use lake::suggest::did_you_mean;

use crate::error::{Error, Result};
use crate::functions::{letters_for_times, no_function, unrepeatable};
use crate::refused;
use crate::session::put_together;

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
    let mut statement = match state.sql_to_statement(sql, &dialect) {
        Ok(statement) => statement,
        Err(DataFusionError::NotImplemented(why)) if why.contains("single SQL statement") => {
            return Err(Error::Query("there are several statements, and one is taken at a time".to_owned()));
        }
        Err(error) if error.message().contains("No SQL statements") => {
            return Err(Error::Query("it is empty: write a query, such as SELECT 1".to_owned()));
        }
        Err(error) => return Err(described(sql, kind).unwrap_or_else(|| error.into())),
    };
    let query = match (&mut statement, kind) {
        (Statement::Explain(explain), Kind::Question) => explain.statement.as_mut(),
        (statement, _) => statement,
    };
    if let Statement::Statement(query) = &mut *query {
        put_together(query);
    }
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
        if let Statement::Statement(query) = query {
            refused::as_written(query)?;
            refused::as_expanded(query)?;
        }
        return Ok(statement);
    }
    if let Some(described) = described(sql, kind) {
        return Err(described);
    }
    let or_explain = if kind == Kind::Question { " (or the EXPLAIN of one)" } else { "" };
    Err(Error::Query(format!(
        "only one SELECT{or_explain} is accepted here: nothing but the models writes to the lake"
    )))
}

/// What to ask in place of statements that show columns in other engines.
fn described(sql: &str, kind: Kind) -> Option<Error> {
    let first = sql.split_whitespace().next().filter(|_| kind == Kind::Question)?;
    if first.eq_ignore_ascii_case("show") && sql.split_whitespace().nth(1)?.eq_ignore_ascii_case("tables") {
        return Some(Error::Query("SHOW TABLES takes no condition: write it alone".to_owned()));
    }
    let is_one = ["describe", "desc", "show"].iter().any(|word| first.eq_ignore_ascii_case(word));
    is_one.then(|| {
        Error::Query(
            "`tributary describe DATASET.NAME` shows the columns of a table or model, and the query SHOW TABLES lists them"
                .to_owned(),
        )
    })
}

/// Plans one query over what is registered by now.
pub async fn plan(context: &SessionContext, sql: &str, kind: Kind) -> Result<DataFrame> {
    let state = context.state();
    let statement = parse(&state, sql, kind)?;
    let planned = state.statement_to_plan(statement).await;
    let plan = planned.map_err(|error| explain(&state, context, sql, error))?;
    // The parser lets some statements hide in queries.
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false).verify_plan(&plan)?;
    if kind == Kind::Model
        && let Some(function) = unrepeatable(&plan)?
    {
        return Err(Error::Query(format!(
            "{function}() gives another value each time, so that the same input would give other bytes: take times from the data, or from the table period"
        )));
    }
    if let Some(pattern) = letters_for_times(&plan)? {
        return Err(Error::Query(format!(
            "to_char(): '{pattern}' has no %, and would be written as it stands: patterns are those of strftime, such as '%Y-%m-%d %H:%M:%S'"
        )));
    }
    refused::as_planned(&plan)?;
    Ok(DataFrame::new(state, plan))
}

/// What is to be said of a setting that is not declared, if a message of the planner is about one.
fn no_setting(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("No field named ")?;
    let (name, rest) = rest.split_at(rest.find([' ', '\n']).unwrap_or(rest.len()));
    let (name, fields) = (name.trim_end_matches('.'), rest.split_once("Valid fields are ")?.1.trim_end_matches('.'));
    let settings = fields.split(", ").filter_map(|field| field.strip_prefix("settings."));
    let is_alone = fields.split(", ").all(|field| field.starts_with("settings."));
    let setting = name.strip_prefix("settings.").or(Some(name).filter(|_| is_alone))?;
    // Without settings the table has a column of this name.
    let known: Vec<&str> = settings.filter(|name| *name != "none").collect();
    let known = if known.is_empty() { String::new() } else { format!("; there are {}", known.join(", ")) };
    Some(format!("there is no setting {setting}{known}: declare it in [settings] of dataset.toml"))
}

/// What the planner reports, in the names that the query can use.
fn explain(state: &SessionState, context: &SessionContext, sql: &str, error: DataFusionError) -> Error {
    let text = error.strip_backtrace();
    let quoted = |before: &str| Some(text.split_once(before)?.1.split_once('\'')?.0.to_owned());
    if let Some(function) = quoted("Invalid function '") {
        return Error::Query(no_function(state, &function));
    }
    if let Some(why) = no_setting(&text) {
        return Error::Query(why);
    }
    if let Some(table) = quoted("table '").filter(|_| text.contains("' not found")) {
        return Error::Query(no_table(context, &table));
    }
    let in_quotes =
        text.split_once("No field named \"").and_then(|(_, rest)| rest.split_once('"')).map(|(name, _)| name);
    match (Error::from(error), in_quotes) {
        (Error::Query(why), Some(name)) if sql.contains(&format!("\"{name}\"")) => Error::Query(format!(
            "{why} If it is a text and no column: texts stand between single quotes, as '{name}'."
        )),
        // The planner takes every list of columns for one.
        (Error::Query(why), _) => Error::Query(why.replace("While expanding wildcard, column", "Column")),
        (error, _) => error,
    }
}

/// What a model can name in place of a table that is not there.
fn no_table(context: &SessionContext, name: &str) -> String {
    let name = name.strip_prefix("datafusion.").unwrap_or(name);
    let name = name.strip_prefix("public.").unwrap_or(name);
    let schema = context.catalog("datafusion").and_then(|catalog| catalog.schema("public"));
    let mut known = schema.map(|schema| schema.table_names()).unwrap_or_default();
    // Those with a double line are files behind tables; settings without values are no table to read.
    known.retain(|known| !known.contains("__"));
    known.sort();
    let last = name.rsplit('.').next().unwrap_or(name);
    let meant = did_you_mean(last, known.iter().map(String::as_str));
    let known = known.join(", ");
    let other = if name.contains('.') { "; a model reads tables and models of its own dataset" } else { "" };
    format!("there is no table \"{name}\" here; the query can read {known}{meant}{other}")
}

/// A failure to read a text as another type, with the column that the query compares with that text.
pub fn name_column(plan: &LogicalPlan, error: Error) -> Error {
    match (&error, compared_with_text(plan)) {
        (Error::Query(why), Some((column, kind))) if why.starts_with("Cannot cast string") => {
            Error::Query(format!("\"{column}\" is {kind}, and the query compares it with a text that is none"))
        }
        _ => error,
    }
}

/// The first column that a query compares with a text that its type does not have, and the type.
fn compared_with_text(plan: &LogicalPlan) -> Option<(String, String)> {
    let mut found = None;
    let walked = plan.apply_with_subqueries(|node| {
        let inputs = node.inputs();
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                let pairs: Vec<(&Expr, &Expr)> = match part {
                    Expr::BinaryExpr(both) => vec![(&both.left, &both.right), (&both.right, &both.left)],
                    Expr::InList(list) => list.list.iter().map(|value| (list.expr.as_ref(), value)).collect(),
                    Expr::Between(between) => {
                        vec![(&between.expr, &between.low), (&between.expr, &between.high)]
                    }
                    _ => Vec::new(),
                };
                for pair in pairs {
                    let (Expr::Column(column), Expr::Literal(value, _)) = pair else { continue };
                    let field = inputs.iter().find_map(|input| input.schema().qualified_field_from_column(column).ok());
                    let Some(kind) = field.map(|(_, field)| field.data_type().clone()) else { continue };
                    let is_text =
                        matches!(value.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
                    if is_text && value.cast_to(&kind).is_err() {
                        found = Some((column.name.clone(), type_name(&kind)));
                        return Ok(TreeNodeRecursion::Stop);
                    }
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    walked.ok().and(found)
}

fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Timestamp(..) => "a timestamp".to_owned(),
        DataType::Date32 => "a date".to_owned(),
        DataType::Boolean => "true or false".to_owned(),
        kind if kind.is_integer() => "a whole number".to_owned(),
        kind if kind.is_numeric() => "a number".to_owned(),
        kind => kind.to_string(),
    }
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
    use datafusion::arrow::array::RecordBatch;

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

    #[test]
    fn what_is_empty_is_said_to_be() {
        for sql in ["", " ;", "-- nothing"] {
            let why = parse(&SessionContext::new().state(), sql, Kind::Question).unwrap_err().to_string();
            assert_eq!(why, "it is empty: write a query, such as SELECT 1", "{sql}");
        }
    }

    #[tokio::test]
    async fn settings_that_are_not_declared_are_named() {
        let context = SessionContext::new();
        context.sql("CREATE TABLE settings (most BIGINT)").await.unwrap();
        context.sql("CREATE TABLE ride (people BIGINT)").await.unwrap();
        let why = "there is no setting least; there are most: declare it in [settings] of dataset.toml";
        for sql in [
            "SELECT * FROM ride, settings WHERE people > settings.least",
            "SELECT * FROM ride WHERE people > (SELECT least FROM settings)",
        ] {
            assert_eq!(plan(&context, sql, Kind::Model).await.unwrap_err().to_string(), why, "{sql}");
        }
        context.sql("CREATE OR REPLACE TABLE settings (none BIGINT)").await.unwrap();
        let error = plan(&context, "SELECT settings.least FROM settings", Kind::Model).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no setting least: declare it in [settings] of dataset.toml");
        let error = plan(&context, "SELECT persons FROM ride", Kind::Model).await.unwrap_err();
        assert!(!error.to_string().contains("setting"), "{error}");
    }

    #[tokio::test]
    async fn nulls_do_not_hide_in_not_in() {
        let context = SessionContext::new();
        context.sql("CREATE TABLE a (x BIGINT, y BIGINT) AS VALUES (1, 1), (2, 20), (NULL, 3)").await.unwrap();
        context.sql("CREATE TABLE b (x BIGINT) AS VALUES (1), (NULL)").await.unwrap();
        let of = async |condition: &str| {
            let sql = format!("SELECT y FROM a WHERE {condition} ORDER BY y");
            let rows = plan(&context, &sql, Kind::Model).await?.collect().await?;
            Ok::<_, Error>(rows.iter().map(RecordBatch::num_rows).sum::<usize>())
        };
        for (condition, rows) in [
            ("x NOT IN (SELECT x FROM b)", 0),
            ("NOT x IN (SELECT x FROM b)", 0),
            ("x NOT IN (SELECT x FROM b WHERE x IS NOT NULL) AND y > 0", 1),
            ("x IN (SELECT x FROM b) OR y > 10", 2),
            ("NOT EXISTS (SELECT 1 FROM b WHERE b.x = a.x) OR y > 10", 2),
        ] {
            assert_eq!(of(condition).await.unwrap(), rows, "{condition}");
        }
        for condition in [
            "x NOT IN (SELECT x FROM b) OR y > 10",
            "NOT (x IN (SELECT x FROM b) AND y > 0)",
            "CASE WHEN x NOT IN (SELECT x FROM b) THEN true ELSE false END",
            "x NOT IN (SELECT x FROM b WHERE b.x = a.y)",
            "x NOT IN (SELECT x FROM b WHERE b.x = a.x)",
            "y > 0 AND NOT y IN (SELECT x FROM b WHERE a.y = b.x AND b.x > 0)",
        ] {
            let why = of(condition).await.unwrap_err().to_string();
            assert!(why.contains("NOT EXISTS"), "{condition}: {why}");
        }
        // What is looked for may be null though no column of it is.
        let counted = "(SELECT y, count(*) AS n FROM a GROUP BY y) AS counted";
        for sought in ["nullif(n, 1)", "CASE WHEN n <> 1 THEN n END"] {
            let asked = async |sql: &str| Ok::<_, Error>(plan(&context, sql, Kind::Model).await?.collect().await?);
            let why = asked(&format!("SELECT n FROM {counted} WHERE {sought} NOT IN (SELECT 7)"))
                .await
                .unwrap_err()
                .to_string();
            assert!(why.contains("may be NULL though nothing in it is"), "{sought}: {why}");
            let named = format!(
                "SELECT * FROM (SELECT *, {sought} AS sought FROM {counted}) AS named WHERE sought NOT IN (SELECT 7)"
            );
            let rows = asked(&named).await.unwrap();
            assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 0, "{named}");
            assert!(asked(&format!("SELECT n FROM {counted} WHERE n + 1 NOT IN (SELECT 7)")).await.is_ok());
        }
        let sql = "SELECT x IN (SELECT x FROM b) AS is_known FROM a";
        let rows = plan(&context, sql, Kind::Model).await.unwrap().collect().await;
        let why = Error::from(rows.unwrap_err()).to_string();
        assert!(why.contains("only as a condition of WHERE"), "{why}");
    }

    #[tokio::test]
    async fn keys_of_outer_joins_are_those_of_a_side_that_has_them() {
        let context = SessionContext::new();
        for table in ["a", "b"] {
            context.sql(&format!("CREATE TABLE {table} (k BIGINT, {table}_v BIGINT)")).await.unwrap();
        }
        for sql in [
            "SELECT k, a_v FROM a LEFT JOIN b USING (k)",
            "SELECT * FROM a JOIN b USING (k)",
            "SELECT * FROM a LEFT JOIN b ON a.k = b.k",
            "SELECT k FROM a WHERE k IN (SELECT k FROM b)",
        ] {
            plan(&context, sql, Kind::Question).await.unwrap();
        }
        for sql in [
            "SELECT * FROM a LEFT JOIN b USING (k)",
            "SELECT k FROM a RIGHT JOIN b USING (k)",
            "SELECT k FROM a FULL JOIN b USING (k)",
            "SELECT a_v FROM a NATURAL FULL JOIN b",
            "WITH c AS (SELECT k FROM a RIGHT JOIN b USING (k)) SELECT * FROM c",
            "SELECT k FROM a WHERE k IN (SELECT k FROM a RIGHT JOIN b USING (k))",
            "SELECT k FROM a UNION SELECT k FROM a RIGHT JOIN b USING (k)",
            "SELECT k FROM (a LEFT JOIN b USING (k)) JOIN b AS c USING (k)",
        ] {
            let why = plan(&context, sql, Kind::Question).await.unwrap_err().to_string();
            assert!(why.contains("ON a.key = b.key"), "{sql}: {why}");
        }
        // What is accepted has the key of the first table.
        let sql = "SELECT k FROM (VALUES (1)) AS z(k) LEFT JOIN (VALUES (2)) AS a(k) USING (k)";
        let rows = plan(&context, sql, Kind::Question).await.unwrap().collect().await.unwrap();
        assert_eq!(rows[0].column(0).as_ref(), &datafusion::arrow::array::Int64Array::from(vec![1]));
    }

    #[tokio::test]
    async fn mistakes_are_explained_in_names_that_a_query_can_use() {
        let context = SessionContext::new();
        context.sql("CREATE TABLE ride (lijn BIGINT, day DATE, name VARCHAR)").await.unwrap();
        context.sql("CREATE TABLE ride__files (x BIGINT)").await.unwrap();
        for (sql, wanted) in [
            ("SELECT * FROM record", "there is no table \"record\" here; the query can read ride"),
            (
                "SELECT * FROM trams.rides",
                "there is no table \"trams.rides\" here; the query can read ride; did you mean \"ride\"?",
            ),
            ("SELECT averag(lijn) FROM ride", "there is no function averag(); did you mean avg()?"),
            ("SELECT uper(name) FROM ride", "there is no function uper(); did you mean upper()?"),
            ("SELECT qqqq(name) FROM ride", "there is no function qqqq()"),
            ("SELECT 1; SELECT 2", "there are several statements, and one is taken at a time"),
            ("SHOW TABLES LIKE 'r%'", "SHOW TABLES takes no condition"),
            ("SELECT day, count(*) FROM ride GROUP BY name", "Column in SELECT must be in GROUP BY"),
            ("DESCRIBE ride", "tributary describe"),
            ("SHOW COLUMNS FROM ride", "tributary describe"),
            ("SELECT * FORM ride", "the query is not understood: "),
        ] {
            let error = plan(&context, sql, Kind::Question).await.unwrap_err().to_string();
            assert!(
                error.starts_with(wanted) || error.contains("describe") && error.contains(wanted),
                "{sql}: {error}"
            );
            assert!(!error.contains("__") && !error.contains("datafusion") && !error.contains("Error"), "{error}");
        }
    }

    #[tokio::test]
    async fn texts_in_the_quotes_of_names_are_explained() {
        let context = SessionContext::new();
        context.sql("CREATE TABLE ride (name VARCHAR)").await.unwrap();
        let why = plan(&context, "SELECT * FROM ride WHERE name = \"Gent\"", Kind::Question).await.unwrap_err();
        assert!(why.to_string().ends_with("single quotes, as 'Gent'."), "{why}");
        let why = plan(&context, "SELECT nam FROM ride", Kind::Question).await.unwrap_err();
        assert!(!why.to_string().contains("single quotes"), "{why}");
    }

    #[tokio::test]
    async fn a_column_that_is_compared_with_a_text_is_named() {
        let context = SessionContext::new();
        context.sql("CREATE TABLE ride (lijn BIGINT, day DATE, name VARCHAR)").await.unwrap();
        let cast = || Error::Query("Cannot cast string ***".to_owned());
        for (sql, wanted) in [
            ("SELECT * FROM ride WHERE lijn = 'x'", "\"lijn\" is a whole number, and"),
            ("SELECT * FROM ride WHERE name = 'a' AND 'x' < day", "\"day\" is a date, and"),
            ("SELECT * FROM ride WHERE lijn IN ('1', 'x')", "\"lijn\" is a whole number"),
            ("SELECT * FROM ride WHERE lijn = '1' AND name = 'x'", "Cannot cast string ***"),
        ] {
            let frame = plan(&context, sql, Kind::Question).await.unwrap();
            let error = name_column(frame.logical_plan(), cast()).to_string();
            assert!(error.starts_with(wanted), "{sql}: {error}");
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
