//! What a query returned: named columns and rows of JSON values.
//!
//! Dates are texts `2026-11-19`, instants are RFC 3339 texts, lists are arrays; that is how `tributary query --json`
//! writes them.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

/// The answer to one query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Columns by name, and rows with one value per column. A row that is too short lacks its last values.
    pub fn new(columns: Vec<String>, rows: Vec<Vec<Value>>) -> Self {
        Self { columns, rows }
    }

    /// Rows from one JSON object per line, as `tributary query --json` prints them. A member that an object lacks is
    /// null.
    ///
    /// # Errors
    /// A line that is not a JSON object.
    pub fn from_json_lines(text: &str) -> Result<Self, serde_json::Error> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        Ok(Self::from_objects(lines.map(serde_json::from_str).collect::<Result<_, _>>()?))
    }

    /// Rows from JSON objects. A member that an object lacks is null.
    pub fn from_objects(objects: Vec<serde_json::Map<String, Value>>) -> Self {
        let mut columns: Vec<String> = Vec::new();
        for name in objects.iter().flat_map(|object| object.keys()) {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        let row = |mut object: serde_json::Map<String, Value>| {
            columns.iter().map(|name| object.remove(name).unwrap_or_default()).collect()
        };
        let rows = objects.into_iter().map(row).collect();
        Self { columns, rows }
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row { columns: &self.columns, values })
    }

    pub(crate) fn first(&self) -> Option<Row<'_>> {
        self.iter().next()
    }

    pub(crate) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|name| name == column)
    }
}

/// One row.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    columns: &'a [String],
    values: &'a [Value],
}

impl<'a> Row<'a> {
    pub(crate) fn get(&self, column: &str) -> Option<&'a Value> {
        let place = self.columns.iter().position(|name| name == column)?;
        self.values.get(place).filter(|value| !value.is_null())
    }

    /// A finite number; a bool is 0 or 1.
    pub(crate) fn number(&self, column: &str) -> Option<f64> {
        number(self.get(column)?)
    }

    pub(crate) fn text(&self, column: &str) -> Option<String> {
        Some(plain(self.get(column)?))
    }

    pub(crate) fn day(&self, column: &str) -> Option<NaiveDate> {
        day(self.get(column)?)
    }

    /// The first column's value.
    pub(crate) fn head(&self) -> Option<&'a Value> {
        self.values.first().filter(|value| !value.is_null())
    }

    /// A list of numbers, null where one is missing.
    pub(crate) fn list(&self, column: &str) -> Vec<Option<f64>> {
        match self.get(column) {
            Some(Value::Array(items)) => items.iter().map(number).collect(),
            _ => Vec::new(),
        }
    }
}

pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64().filter(|number| number.is_finite()),
        Value::Bool(is) => Some(f64::from(u8::from(*is))),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// The date of a value that is a date or an instant.
pub(crate) fn day(value: &Value) -> Option<NaiveDate> {
    let text = value.as_str()?;
    text.get(..10)?.parse().ok()
}

pub(crate) fn instant(value: &Value) -> Option<DateTime<Utc>> {
    let text = value.as_str()?;
    let stamp = DateTime::parse_from_rfc3339(text).map(|stamp| stamp.to_utc());
    stamp.ok().or_else(|| DateTime::parse_from_rfc3339(&format!("{text}Z")).map(|stamp| stamp.to_utc()).ok())
}

/// A value as text, numbers by their own digits.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_lines_become_columns_and_nulls() {
        let rows = Rows::from_json_lines("{\"a\":1}\n\n{\"b\":[1,null],\"a\":\"x\"}\n").unwrap();
        assert_eq!(rows.columns(), ["a", "b"]);
        let mut each = rows.iter();
        assert_eq!(each.next().unwrap().get("b"), None);
        assert_eq!(each.next().unwrap().list("b"), [Some(1.0), None]);
        assert!(Rows::from_json_lines("[1]").is_err());
    }

    #[test]
    fn texts_are_read_as_what_they_are() {
        let value = Value::from("2026-11-19T23:00:00Z");
        assert_eq!(instant(&value).unwrap().to_rfc3339(), "2026-11-19T23:00:00+00:00");
        assert_eq!(day(&value).unwrap().to_string(), "2026-11-19");
        assert_eq!(day(&Value::from("x")), None);
        assert_eq!(number(&Value::from(f64::NAN)), None);
    }
}
