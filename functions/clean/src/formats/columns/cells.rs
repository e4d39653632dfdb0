//! The values of one column that grows, and shrinks by what is taken back.

use std::sync::Arc;

use arrow::array::builder::BooleanBufferBuilder;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Date32Type;
use arrow::error::ArrowError;
use lake::dataset::{Column, ColumnType};

use super::time::Times;
use lake::value::Typed;

/// Values of one type, with what is needed to read the common shapes of it. A null has a value as well, which means
/// nothing.
pub(super) enum Cells<'a> {
    Text {
        /// All texts one behind the other.
        bytes: Vec<u8>,
        /// Where each of them ends, after a 0.
        ends: Vec<i32>,
        /// The texts that are taken, in their order, if not all.
        known: Option<Vec<&'a [u8]>>,
    },
    Int(Vec<i64>),
    Float(Vec<f64>),
    Bool(BooleanBufferBuilder),
    Date {
        /// Days since 1970.
        values: Vec<i32>,
        times: Times,
        /// Earlier ones are not taken.
        first: i32,
    },
    Instant {
        /// Microseconds since 1970.
        values: Vec<i64>,
        times: Times,
    },
}

impl<'a> Cells<'a> {
    /// No values of a column.
    pub(super) fn new(column: &'a Column) -> Self {
        match column.kind {
            ColumnType::String => {
                let mut known: Vec<&[u8]> = column.one_of.iter().map(String::as_bytes).collect();
                known.sort_unstable();
                let known = if known.is_empty() { None } else { Some(known) };
                Self::Text { bytes: Vec::new(), ends: vec![0], known }
            }
            ColumnType::Int64 => Self::Int(Vec::new()),
            ColumnType::Float64 => Self::Float(Vec::new()),
            ColumnType::Bool => Self::Bool(BooleanBufferBuilder::new(0)),
            ColumnType::Date => {
                let first = column.null_before.map_or(i32::MIN, Date32Type::from_naive_date);
                Self::Date { values: Vec::new(), times: Times::of(column), first }
            }
            ColumnType::Timestamp => Self::Instant { values: Vec::new(), times: Times::of(column) },
        }
    }

    /// Adds the value of a null.
    #[inline]
    pub(super) fn push_null(&mut self) {
        match self {
            Self::Text { bytes, ends, .. } => ends.push(end_of(bytes)),
            Self::Int(values) | Self::Instant { values, .. } => values.push(0),
            Self::Float(values) => values.push(0.0),
            Self::Bool(values) => values.append(false),
            Self::Date { values, .. } => values.push(0),
        }
    }

    /// Adds a value that was checked for a column of this type; whether it is one.
    pub(super) fn push(&mut self, value: Typed) -> bool {
        match (&mut *self, value) {
            (Self::Text { bytes, ends, .. }, Typed::Text(text)) => {
                bytes.extend_from_slice(text.as_bytes());
                ends.push(end_of(bytes));
            }
            (Self::Int(values) | Self::Instant { values, .. }, Typed::Int(number)) => values.push(number),
            // Days of the years that are accepted are within an i32.
            (Self::Date { values, .. }, Typed::Int(number)) => values.push(number as i32),
            (Self::Float(values), Typed::Float(number)) => values.push(number),
            (Self::Bool(values), Typed::Bool(truth)) => values.append(truth),
            _ => {
                self.push_null();
                return false;
            }
        }
        true
    }

    /// The integer, days or microseconds of a row; `None` for another type.
    pub(super) fn int(&self, row: usize) -> Option<i64> {
        match self {
            Self::Int(values) | Self::Instant { values, .. } => values.get(row).copied(),
            Self::Date { values, .. } => values.get(row).map(|day| i64::from(*day)),
            Self::Text { .. } | Self::Float(_) | Self::Bool(_) => None,
        }
    }

    /// Puts another instant in place of a row's.
    pub(super) fn set_instant(&mut self, row: usize, micros: i64) {
        if let Self::Instant { values, .. } = self {
            values.get_mut(row).into_iter().for_each(|known| *known = micros);
        }
    }

    /// Puts another day in place of a row's, in days since 1970.
    pub(super) fn set_day(&mut self, row: usize, day: i32) {
        if let Self::Date { values, .. } = self {
            values.get_mut(row).into_iter().for_each(|known| *known = day);
        }
    }

    /// Appends bytes of a row's value, with their number where that may differ.
    pub(super) fn append_key(&self, row: usize, key: &mut Vec<u8>) {
        match self {
            Self::Text { bytes, ends, .. } => {
                let end = |at: usize| ends.get(at).map_or(0, |end| *end as usize);
                let text = bytes.get(end(row)..end(row + 1)).unwrap_or_default();
                key.extend_from_slice(&(text.len() as u64).to_le_bytes());
                key.extend_from_slice(text);
            }
            Self::Float(values) => {
                key.extend_from_slice(&values.get(row).copied().unwrap_or_default().to_bits().to_le_bytes());
            }
            Self::Bool(values) => key.push(u8::from(row < values.len() && values.get_bit(row))),
            Self::Int(_) | Self::Instant { .. } | Self::Date { .. } => {
                key.extend_from_slice(&self.int(row).unwrap_or_default().to_le_bytes());
            }
        }
    }

    /// Takes back all but the first rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        match self {
            Self::Text { bytes, ends, .. } => {
                ends.truncate(rows + 1);
                bytes.truncate(ends.last().map_or(0, |end| *end as usize));
            }
            Self::Int(values) | Self::Instant { values, .. } => values.truncate(rows),
            Self::Float(values) => values.truncate(rows),
            Self::Bool(values) => values.truncate(rows),
            Self::Date { values, .. } => values.truncate(rows),
        }
    }

    /// The column so far; it is empty afterwards.
    pub(super) fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Text { bytes, ends, .. } => {
                let done = OffsetBuffer::new(ScalarBuffer::from(taken(ends)));
                ends.push(0);
                Arc::new(StringArray::try_new(done, Buffer::from_vec(taken(bytes)), nulls)?)
            }
            Self::Int(values) => Arc::new(Int64Array::try_new(taken(values).into(), nulls)?),
            Self::Float(values) => Arc::new(Float64Array::try_new(taken(values).into(), nulls)?),
            Self::Bool(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Self::Date { values, .. } => Arc::new(Date32Array::try_new(taken(values).into(), nulls)?),
            Self::Instant { values, .. } => {
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
pub(super) fn end_of(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).unwrap_or(i32::MAX)
}
