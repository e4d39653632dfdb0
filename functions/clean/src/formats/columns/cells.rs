//! The values of one column that grows, and shrinks by what is taken back.

use std::sync::Arc;

use arrow::array::builder::{BooleanBufferBuilder, NullBufferBuilder};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;
use lake::dataset::ColumnType;

use crate::formats::value::Typed;

/// Values and which of them are null. A null has a value as well, which means nothing.
pub(super) struct Cells {
    values: Values,
    nulls: NullBufferBuilder,
}

enum Values {
    /// All texts one behind the other, and where each ends, after a 0.
    Text(Vec<u8>, Vec<i32>),
    Int(Vec<i64>),
    Float(Vec<f64>),
    Bool(BooleanBufferBuilder),
    Date(Vec<i32>),
    Instant(Vec<i64>),
}

impl Cells {
    /// An empty column of a type.
    pub(super) fn new(kind: ColumnType) -> Self {
        let values = match kind {
            ColumnType::String => Values::Text(Vec::new(), vec![0]),
            ColumnType::Int64 => Values::Int(Vec::new()),
            ColumnType::Float64 => Values::Float(Vec::new()),
            ColumnType::Bool => Values::Bool(BooleanBufferBuilder::new(0)),
            ColumnType::Date => Values::Date(Vec::new()),
            ColumnType::Timestamp => Values::Instant(Vec::new()),
        };
        Self { values, nulls: NullBufferBuilder::new(0) }
    }

    /// Adds a text, which is UTF-8.
    #[inline]
    pub(super) fn push_text(&mut self, text: &[u8]) {
        if let Values::Text(bytes, ends) = &mut self.values {
            bytes.extend_from_slice(text);
            ends.push(end_of(bytes));
            self.nulls.append_non_null();
        }
    }

    /// Adds an integer, the days of a date, or the microseconds of an instant.
    #[inline]
    pub(super) fn push_int(&mut self, number: i64) {
        match &mut self.values {
            Values::Int(values) | Values::Instant(values) => values.push(number),
            // Days of the years that are accepted are within an i32.
            Values::Date(values) => values.push(number as i32),
            Values::Text(..) | Values::Float(_) | Values::Bool(_) => return,
        }
        self.nulls.append_non_null();
    }

    /// Adds a double.
    #[inline]
    pub(super) fn push_float(&mut self, number: f64) {
        if let Values::Float(values) = &mut self.values {
            values.push(number);
            self.nulls.append_non_null();
        }
    }

    /// Adds a truth.
    pub(super) fn push_bool(&mut self, truth: bool) {
        if let Values::Bool(values) = &mut self.values {
            values.append(truth);
            self.nulls.append_non_null();
        }
    }

    /// Adds a null.
    #[inline]
    pub(super) fn push_null(&mut self) {
        match &mut self.values {
            Values::Text(bytes, ends) => ends.push(end_of(bytes)),
            Values::Int(values) | Values::Instant(values) => values.push(0),
            Values::Float(values) => values.push(0.0),
            Values::Bool(values) => values.append(false),
            Values::Date(values) => values.push(0),
        }
        self.nulls.append_null();
    }

    /// Adds a value that was checked for a column of this type; one of another type becomes null.
    pub(super) fn push(&mut self, value: Typed) {
        match (&self.values, value) {
            (Values::Text(..), Typed::Text(text)) => self.push_text(text.as_bytes()),
            (Values::Int(_) | Values::Instant(_) | Values::Date(_), Typed::Int(number)) => self.push_int(number),
            (Values::Float(_), Typed::Float(number)) => self.push_float(number),
            (Values::Bool(_), Typed::Bool(truth)) => self.push_bool(truth),
            _ => self.push_null(),
        }
    }

    /// The integer, days or microseconds of a row; `None` for a null or another type.
    pub(super) fn int(&self, row: usize) -> Option<i64> {
        let value = match &self.values {
            Values::Int(values) | Values::Instant(values) => *values.get(row)?,
            Values::Date(values) => i64::from(*values.get(row)?),
            Values::Text(..) | Values::Float(_) | Values::Bool(_) => return None,
        };
        self.nulls.is_valid(row).then_some(value)
    }

    /// Takes back all but the first rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        match &mut self.values {
            Values::Text(bytes, ends) => {
                ends.truncate(rows + 1);
                bytes.truncate(ends.last().map_or(0, |end| *end as usize));
            }
            Values::Int(values) | Values::Instant(values) => values.truncate(rows),
            Values::Float(values) => values.truncate(rows),
            Values::Bool(values) => values.truncate(rows),
            Values::Date(values) => values.truncate(rows),
        }
        self.nulls.truncate(rows);
    }

    /// The column so far; it is empty afterwards.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls.finish();
        Ok(match &mut self.values {
            Values::Text(bytes, ends) => {
                let done = OffsetBuffer::new(ScalarBuffer::from(taken(ends)));
                ends.push(0);
                Arc::new(StringArray::try_new(done, Buffer::from_vec(taken(bytes)), nulls)?)
            }
            Values::Int(values) => Arc::new(Int64Array::try_new(taken(values).into(), nulls)?),
            Values::Float(values) => Arc::new(Float64Array::try_new(taken(values).into(), nulls)?),
            Values::Bool(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Date(values) => Arc::new(Date32Array::try_new(taken(values).into(), nulls)?),
            Values::Instant(values) => {
                let instants = TimestampMicrosecondArray::try_new(taken(values).into(), nulls)?;
                Arc::new(instants.with_timezone("UTC"))
            }
        })
    }
}

/// What there is; room for as much is left.
fn taken<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(values.len());
    std::mem::replace(values, room)
}

/// Where the last of the texts ends. A batch's texts are some 30 MB at most: a longer end makes the array an error.
#[inline]
fn end_of(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).unwrap_or(i32::MAX)
}
