//! Tests of models: what must hold of a partition's rows before they replace those of before.
//!
//! ```sql
//! -- [model]
//! -- inputs = ["reading"]
//! -- [[test]]
//! -- unique = ["customer_id", "day"]
//! -- not_null = ["daily_usage_kwh"]
//! -- accepted = { status = ["open", "closed"] }
//! -- range = { share = [0, 1] }
//! -- references = { station_id = "station.station_id" }
//! -- [[test]]
//! -- name = "no day has more hours than it has"
//! -- sql = "SELECT * FROM usage WHERE hours > 25"
//! -- severity = "warn"
//! ```
//!
//! Each finds the rows that fail it. Nulls are accepted by all but `not_null`: keys with a null in them are not compared,
//! as SQL's own UNIQUE does.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

use super::mistake::Mistake;

/// What follows from a failed test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The partition stays as it was.
    #[default]
    Error,
    /// The partition is replaced, and the failure reported.
    Warn,
}

/// What a range is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Numbers.
    Numbers,
    /// Dates and times.
    Times,
}

/// What one test asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// No two rows have the same values in these columns.
    Unique(Vec<String>),
    /// Each row passes a condition over columns: the first is the one that is tested, the text is SQL.
    Rows {
        /// The column.
        column: String,
        /// True of rows that fail.
        fails: String,
        /// What the column must be for that: numbers, days, or anything.
        of: Option<Of>,
    },
    /// Each value is there in a column of a table or view that the model reads, or of a list.
    References {
        /// The column.
        column: String,
        /// Where its values come from.
        table: String,
        /// The column there.
        key: String,
    },
    /// A query of one's own, which returns rows that fail.
    Sql(String),
}

/// A test of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// What it asks, in words.
    pub name: String,
    /// What follows if it fails.
    pub severity: Severity,
    /// How rows that fail are found.
    pub check: Check,
}

/// `[[test]]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestFile {
    name: Option<String>,
    #[serde(default)]
    unique: Vec<String>,
    #[serde(default)]
    not_null: Vec<String>,
    #[serde(default)]
    accepted: BTreeMap<String, Vec<Value>>,
    #[serde(default)]
    range: BTreeMap<String, Vec<Value>>,
    #[serde(default)]
    references: BTreeMap<String, String>,
    sql: Option<String>,
    #[serde(default)]
    severity: Severity,
}

impl TestFile {
    /// The tests that one `[[test]]` declares.
    pub(super) fn read(self) -> Result<Vec<Expectation>, Mistake> {
        let mut checks = Vec::new();
        if !self.unique.is_empty() {
            checks.push((format!("unique: {}", self.unique.join(", ")), Check::Unique(self.unique)));
        }
        for column in self.not_null {
            let fails = format!("{} IS NULL", quoted(&column));
            checks.push((format!("not_null: {column}"), Check::Rows { column, fails, of: None }));
        }
        for (column, values) in self.accepted {
            let wrong = |why: &str| Mistake::new(why).within(&column).within("accepted");
            if values.is_empty() {
                return Err(wrong("it names no value"));
            }
            let literals = values.iter().map(literal).collect::<Option<Vec<_>>>();
            let literals = literals.ok_or_else(|| wrong("values are texts, numbers, dates, true or false"))?.join(", ");
            let fails = format!("{} NOT IN ({literals})", quoted(&column));
            checks.push((format!("accepted: {column} in ({literals})"), Check::Rows { column, fails, of: None }));
        }
        for (column, ends) in self.range {
            let wrong = || {
                let why = "a range is [least, greatest], two numbers or dates; inf and -inf leave an end open";
                Mistake::new(why).within(&column).within("range")
            };
            let [least, greatest] = ends.as_slice() else { return Err(wrong()) };
            let name = quoted(&column);
            let mut within = Vec::new();
            for (end, compared, open) in [(least, ">=", f64::NEG_INFINITY), (greatest, "<=", f64::INFINITY)] {
                match end {
                    Value::Float(end) if *end == open => {}
                    Value::Integer(_) | Value::Float(_) | Value::Datetime(_) => {
                        within.push(format!("{name} {compared} {}", literal(end).ok_or_else(wrong)?));
                    }
                    _ => return Err(wrong()),
                }
            }
            if within.is_empty() {
                return Err(wrong());
            }
            let is_time = |end: &Value| matches!(end, Value::Datetime(_));
            let is_empty = match (number(least), number(greatest)) {
                (Some(least), Some(greatest)) => least > greatest,
                _ => is_time(least) && is_time(greatest) && least.to_string() > greatest.to_string(),
            };
            if is_empty {
                let why = format!("nothing is from {least} to {greatest}: the least comes first");
                return Err(Mistake::new(why).within(&column).within("range"));
            }
            let of = Some(if is_time(least) || is_time(greatest) { Of::Times } else { Of::Numbers });
            let fails = format!("NOT ({})", within.join(" AND "));
            checks.push((format!("range: {column} from {least} to {greatest}"), Check::Rows { column, fails, of }));
        }
        for (column, place) in self.references {
            let (table, key) = place.split_once('.').ok_or_else(|| {
                Mistake::new(format!("\"{place}\" is not table.column")).within(&column).within("references")
            })?;
            let (table, key) = (table.to_owned(), key.to_owned());
            checks.push((format!("references: {column} in {place}"), Check::References { column, table, key }));
        }
        if let Some(sql) = self.sql {
            let name = self.name.clone().unwrap_or_else(|| "sql".to_owned());
            checks.push((name, Check::Sql(sql)));
        }
        if checks.is_empty() {
            return Err(Mistake::new("it asks nothing: write unique, not_null, accepted, range, references or sql"));
        }
        let severity = self.severity;
        Ok(checks
            .into_iter()
            .map(|(asked, check)| {
                let name = match &self.name {
                    Some(name) if *name != asked => format!("{name} ({asked})"),
                    _ => asked,
                };
                Expectation { name, severity, check }
            })
            .collect())
    }
}

impl Expectation {
    /// The query that returns the rows of `model` that fail.
    pub fn failing(&self, model: &str) -> String {
        let model = quoted(model);
        match &self.check {
            Check::Unique(columns) => {
                let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
                let known: Vec<String> = columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
                let (columns, known) = (columns.join(", "), known.join(" AND "));
                format!(
                    "SELECT {columns}, count(*) AS \"rows\" FROM {model} WHERE {known} GROUP BY {columns} HAVING count(*) > 1"
                )
            }
            Check::Rows { fails, .. } => format!("SELECT * FROM {model} WHERE {fails}"),
            Check::References { column, table, key } => {
                let (column, table, key) = (quoted(column), quoted(table), quoted(key));
                format!(
                    "SELECT {model}.* FROM {model} LEFT JOIN (SELECT DISTINCT {key} AS known FROM {table}) AS referenced ON referenced.known = {model}.{column} WHERE {model}.{column} IS NOT NULL AND referenced.known IS NULL"
                )
            }
            Check::Sql(sql) => sql.clone(),
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|number| number as f64))
}

/// A name as SQL has it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A value as SQL has it.
fn literal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(format!("'{}'", text.replace('\'', "''"))),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) if number.is_finite() => Some(format!("{number:?}")),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Datetime(time) if time.time.is_none() => Some(format!("DATE '{time}'")),
        Value::Datetime(time) => Some(format!("TIMESTAMP '{time}'")),
        Value::Float(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Expectation>, String> {
        let file: TestFile = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        file.read().map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn tests_become_queries_for_rows_that_fail() {
        for (text, sql) in [
            (
                "unique = ['a', 'b']",
                "SELECT \"a\", \"b\", count(*) AS \"rows\" FROM \"m\" WHERE \"a\" IS NOT NULL AND \"b\" IS NOT NULL GROUP BY \"a\", \"b\" HAVING count(*) > 1",
            ),
            ("not_null = ['a']", "SELECT * FROM \"m\" WHERE \"a\" IS NULL"),
            ("accepted = { a = [\"it's\", 2] }", "SELECT * FROM \"m\" WHERE \"a\" NOT IN ('it''s', 2)"),
            ("range = { a = [0, 1.5] }", "SELECT * FROM \"m\" WHERE NOT (\"a\" >= 0 AND \"a\" <= 1.5)"),
            (
                "range = { a = [2026-01-01, 2026-12-31] }",
                "SELECT * FROM \"m\" WHERE NOT (\"a\" >= DATE '2026-01-01' AND \"a\" <= DATE '2026-12-31')",
            ),
            (
                "references = { a = 't.k' }",
                "SELECT \"m\".* FROM \"m\" LEFT JOIN (SELECT DISTINCT \"k\" AS known FROM \"t\") AS referenced ON referenced.known = \"m\".\"a\" WHERE \"m\".\"a\" IS NOT NULL AND referenced.known IS NULL",
            ),
            ("range = { a = [0, inf] }", "SELECT * FROM \"m\" WHERE NOT (\"a\" >= 0)"),
            ("sql = 'SELECT 1'", "SELECT 1"),
        ] {
            let tests = read(text).unwrap();
            assert_eq!(tests.iter().map(|test| test.failing("m")).collect::<Vec<_>>(), [sql]);
            assert_eq!(tests.first().unwrap().severity, Severity::Error);
        }
        let named = read("name = 'whole'\nnot_null = ['a', 'b']\nseverity = 'warn'").unwrap();
        let names: Vec<_> = named.iter().map(|test| (test.name.as_str(), test.severity)).collect();
        assert_eq!(names, [("whole (not_null: a)", Severity::Warn), ("whole (not_null: b)", Severity::Warn)]);
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, why) in [
            ("", "asks nothing"),
            ("color = 1", "color"),
            ("severity = 'loud'", "loud"),
            ("range = { a = [1] }", "range.a: a range is"),
            ("range = { a = ['x', 'y'] }", "range.a: a range is"),
            ("range = { a = [-inf, inf] }", "range.a: a range is"),
            ("range = { a = [0, nan] }", "range.a: a range is"),
            ("accepted = { a = [] }", "accepted.a: it names no value"),
            ("references = { a = 'station' }", "references.a: \"station\" is not table.column"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
