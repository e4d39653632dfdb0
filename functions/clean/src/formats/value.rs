//! A JSON value into a typed column, by the column's declared rules.

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::Date32Type;
use chrono::{DateTime, NaiveDate};
use lake::dataset::{Column, ColumnType, TimeFormat};
use serde_json::Value;
use std::sync::Arc;

/// Why a value is not acceptable: a stable code and a message without the value.
pub type Refusal = (&'static str, String);

/// A typed value, checked.
#[derive(Debug, Clone, PartialEq)]
pub enum Typed {
    /// Missing.
    Null,
    /// Text.
    Text(String),
    /// A whole number: int64, days of a date, or microseconds of an instant.
    Int(i64),
    /// A double.
    Float(f64),
    /// True or false.
    Bool(bool),
}

/// Types and checks a value: missing values first, then the type, then the bounds.
pub fn check(column: &Column, value: Option<&Value>) -> Result<Typed, Refusal> {
    let typed = match value {
        None | Some(Value::Null) => Typed::Null,
        Some(Value::String(text)) if column.is_missing_text(text) => Typed::Null,
        Some(Value::Number(number)) if number.as_f64().is_some_and(|number| column.is_missing_number(number)) => {
            Typed::Null
        }
        Some(value) => convert(column, value)?,
    };
    if typed == Typed::Null && column.required {
        return Err(("missing_value", "a required value is missing".to_owned()));
    }
    let number = match typed {
        Typed::Float(number) => Some(number),
        // Bounds are small: the rounding of huge integers does not move them across.
        Typed::Int(number) if column.kind == ColumnType::Int64 => Some(number as f64),
        _ => None,
    };
    number.and_then(|number| column.refuse_number(number)).map_or(Ok(typed), Err)
}

fn convert(column: &Column, value: &Value) -> Result<Typed, Refusal> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return Err(("wrong_type", "a single value was expected, not a list or an object".to_owned())),
    };
    match column.kind {
        ColumnType::String => Ok(extract(column, text)),
        ColumnType::Int64 => text.parse().map(Typed::Int).map_err(|_| not_a("not_an_integer", "an integer")),
        ColumnType::Float64 => text.parse().map(Typed::Float).map_err(|_| not_a("not_a_number", "a number")),
        ColumnType::Bool => match text.as_str() {
            "true" | "t" => Ok(Typed::Bool(true)),
            "false" | "f" => Ok(Typed::Bool(false)),
            _ => Err(not_a("not_a_bool", "true or false")),
        },
        ColumnType::Date => {
            let date: NaiveDate = text.parse().map_err(|_| not_a("not_a_date", "a date YYYY-MM-DD"))?;
            Ok(Typed::Int(i64::from(Date32Type::from_naive_date(date))))
        }
        ColumnType::Timestamp => instant(column.format, &text),
    }
}

fn instant(format: TimeFormat, text: &str) -> Result<Typed, Refusal> {
    match format {
        TimeFormat::EpochMs => {
            let millis = text.parse::<i64>().ok().and_then(|millis| millis.checked_mul(1000));
            millis.map(Typed::Int).ok_or_else(|| not_a("not_a_timestamp", "milliseconds since 1970"))
        }
        TimeFormat::Rfc3339 => DateTime::parse_from_rfc3339(text)
            .map(|time| Typed::Int(time.timestamp_micros()))
            .map_err(|_| not_a("not_a_timestamp", "a time like 2026-11-18T23:00:00Z")),
    }
}

fn extract(column: &Column, text: String) -> Typed {
    let Some(pattern) = &column.extract else { return Typed::Text(text) };
    let found = pattern.captures(&text).and_then(|groups| groups.get(1));
    found.map_or(Typed::Null, |group| Typed::Text(group.as_str().to_owned()))
}

fn not_a(code: &'static str, wanted: &str) -> Refusal {
    (code, format!("the value is not {wanted}"))
}

/// A column that grows value by value.
pub enum ColumnBuilder {
    /// Text.
    Text(StringBuilder),
    /// Integers.
    Int(Int64Builder),
    /// Doubles.
    Float(Float64Builder),
    /// True or false.
    Bool(BooleanBuilder),
    /// Dates.
    Date(Date32Builder),
    /// Instants.
    Instant(TimestampMicrosecondBuilder),
}

impl ColumnBuilder {
    /// An empty column.
    pub fn new(kind: ColumnType) -> Self {
        match kind {
            ColumnType::String => Self::Text(StringBuilder::new()),
            ColumnType::Int64 => Self::Int(Int64Builder::new()),
            ColumnType::Float64 => Self::Float(Float64Builder::new()),
            ColumnType::Bool => Self::Bool(BooleanBuilder::new()),
            ColumnType::Date => Self::Date(Date32Builder::new()),
            ColumnType::Timestamp => Self::Instant(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        }
    }

    /// Adds a value that [`check`] made for a column of this type; one of another type becomes null.
    pub fn push(&mut self, value: &Typed) {
        match (self, value) {
            (Self::Text(column), Typed::Text(text)) => column.append_value(text),
            (Self::Text(column), _) => column.append_null(),
            (Self::Int(column), Typed::Int(number)) => column.append_value(*number),
            (Self::Int(column), _) => column.append_null(),
            (Self::Float(column), Typed::Float(number)) => column.append_value(*number),
            (Self::Float(column), _) => column.append_null(),
            (Self::Bool(column), Typed::Bool(truth)) => column.append_value(*truth),
            (Self::Bool(column), _) => column.append_null(),
            (Self::Date(column), Typed::Int(days)) => column.append_option(i32::try_from(*days).ok()),
            (Self::Date(column), _) => column.append_null(),
            (Self::Instant(column), Typed::Int(micros)) => column.append_value(*micros),
            (Self::Instant(column), _) => column.append_null(),
        }
    }

    /// The column so far; the builder is empty afterwards.
    pub fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(column) => Arc::new(column.finish()),
            Self::Int(column) => Arc::new(column.finish()),
            Self::Float(column) => Arc::new(column.finish()),
            Self::Bool(column) => Arc::new(column.finish()),
            Self::Date(column) => Arc::new(column.finish()),
            Self::Instant(column) => Arc::new(column.finish()),
        }
    }
}
