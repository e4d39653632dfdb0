//! One column's declaration: type, where its value comes from, and the rules a value must pass.

use arrow::datatypes::{DataType, TimeUnit};
use regex::Regex;
use serde::{Deserialize, Deserializer};

/// A column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// UTF-8 text.
    String,
    /// Signed 64-bit integer.
    Int64,
    /// Double precision.
    Float64,
    /// True or false.
    Bool,
    /// A calendar date.
    Date,
    /// An instant, UTC microseconds.
    Timestamp,
}

impl ColumnType {
    /// The Arrow type of the column in Parquet.
    pub fn arrow(self) -> DataType {
        match self {
            ColumnType::String => DataType::Utf8,
            ColumnType::Int64 => DataType::Int64,
            ColumnType::Float64 => DataType::Float64,
            ColumnType::Bool => DataType::Boolean,
            ColumnType::Date => DataType::Date32,
            ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

/// How a timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormat {
    /// RFC 3339 text with an offset or `Z`.
    #[default]
    Rfc3339,
    /// Milliseconds since 1970 UTC.
    EpochMs,
}

/// A value that stands for "missing".
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "toml::Value")]
pub enum Missing {
    /// A number, compared by value: `-99.99`.
    Number(f64),
    /// A text, compared as it is: `NaN`.
    Text(String),
}

impl From<toml::Value> for Missing {
    fn from(value: toml::Value) -> Self {
        match value {
            toml::Value::Float(number) => Missing::Number(number),
            // No sentinel is beyond 2^53.
            toml::Value::Integer(number) => Missing::Number(number as f64),
            toml::Value::String(text) => Missing::Text(text),
            other => Missing::Text(other.to_string()),
        }
    }
}

/// A column as declared in `dataset.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The column's name in Parquet.
    #[serde(skip)]
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// For people: what the values are, in which unit, by which source.
    #[serde(default)]
    pub about: String,
    /// Format `json`: the JSON pointer of the value in its element.
    #[serde(default)]
    pub path: Option<String>,
    /// For timestamps: how they are written.
    #[serde(default)]
    pub format: TimeFormat,
    /// For strings: the first group of this pattern is the value; no match is a missing value.
    #[serde(default, deserialize_with = "pattern")]
    pub extract: Option<Regex>,
    /// Whether a missing value rejects the row.
    #[serde(default)]
    pub required: bool,
    /// Values that stand for "missing"; tested before anything else.
    #[serde(default)]
    pub missing: Vec<Missing>,
    /// The least value that is accepted.
    #[serde(default)]
    pub min: Option<f64>,
    /// The greatest value that is accepted.
    #[serde(default)]
    pub max: Option<f64>,
    /// Whether the column holds personal data, which never reaches logs, metrics or error texts.
    #[serde(default)]
    pub personal: bool,
}

impl Column {
    /// Whether a number stands for "missing".
    pub fn is_missing_number(&self, number: f64) -> bool {
        self.missing.iter().any(|missing| matches!(missing, Missing::Number(sentinel) if *sentinel == number))
    }

    /// Whether a text stands for "missing".
    pub fn is_missing_text(&self, text: &str) -> bool {
        self.missing.iter().any(|missing| matches!(missing, Missing::Text(sentinel) if sentinel == text))
    }

    /// Why a number is not acceptable, as a stable code and a message; `None` if it is.
    pub fn refuse_number(&self, number: f64) -> Option<(&'static str, String)> {
        if !number.is_finite() {
            return Some(("not_finite", "the value is not a finite number".to_owned()));
        }
        if let Some(min) = self.min.filter(|min| number < *min) {
            return Some(("below_minimum", format!("the value is below the least accepted, {min}")));
        }
        let max = self.max.filter(|max| number > *max)?;
        Some(("above_maximum", format!("the value is above the greatest accepted, {max}")))
    }
}

fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let regex = Regex::new(&text).map_err(serde::de::Error::custom)?;
    if regex.captures_len() != 2 {
        return Err(serde::de::Error::custom("a pattern needs exactly one group, the value"));
    }
    Ok(Some(regex))
}
