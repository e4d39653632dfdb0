//! Rows of a Parquet file as JSON objects: all that they have, exactly, for the rejection zone. Bytes that are no text are
//! hexadecimal, and maps are lists of pairs.

use std::fmt::Write as _;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;

use super::{is_uuid, uuid};
use crate::reject::MAX_TEXT;

/// Stands for a value that nothing can write.
const UNKNOWN: &str = "...";

/// A column of a batch, with its name.
pub(super) struct TextColumn<'b> {
    name: &'b str,
    array: ArrayRef,
    is_uuid: bool,
}

impl<'b> TextColumn<'b> {
    /// The columns at these places of the file, which are those of the batch.
    pub(super) fn of(metadata: &'b ArrowReaderMetadata, places: &[usize], batch: &RecordBatch) -> Vec<Self> {
        let column = |(at, array): (&usize, &ArrayRef)| {
            let field = metadata.schema().fields().get(*at);
            let name = field.map_or("", |field| field.name().as_str());
            Self { name, array: ArrayRef::clone(array), is_uuid: is_uuid(metadata, *at) }
        };
        places.iter().zip(batch.columns()).map(column).collect()
    }
}

/// A row as JSON, up to where nothing more of it is kept. Columns that were not read are named.
pub(super) fn row(columns: &[TextColumn], left_out: &[&str], row: usize, text: &mut String) {
    text.clear();
    text.push('{');
    for (at, TextColumn { name, array, is_uuid }) in columns.iter().enumerate() {
        if text.len() > MAX_TEXT {
            return;
        }
        comma(text, at);
        string(text, name);
        text.push(':');
        let bytes = array.as_fixed_size_binary_opt().filter(|array| *is_uuid && array.is_valid(row));
        match bytes.and_then(|array| <[u8; 16]>::try_from(array.value(row)).ok()) {
            Some(bytes) => string(text, &uuid(u128::from_be_bytes(bytes))),
            None => value(text, array, row),
        }
    }
    for (at, name) in left_out.iter().enumerate() {
        comma(text, columns.len() + at);
        string(text, name);
        text.push_str(":\"... (not read)\"");
    }
    text.push('}');
}

fn comma(text: &mut String, at: usize) {
    if at > 0 {
        text.push(',');
    }
}

/// Adds a string, of which no more is kept than of the text.
fn string(text: &mut String, value: &str) {
    let mut end = value.len().min(MAX_TEXT);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    let value = value.get(..end).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = write!(text, "{}", serde_json::Value::from(value));
}

fn bytes(text: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(value) => string(text, value),
        Err(_) => {
            text.push_str("\"0x");
            for byte in bytes.iter().take(MAX_TEXT) {
                let _ = write!(text, "{byte:02x}");
            }
            text.push('"');
        }
    }
}

/// A value: numbers by their own digits, bytes that are no text as hex, times with all their decimals.
fn value(text: &mut String, array: &ArrayRef, row: usize) {
    if text.len() > MAX_TEXT {
        return;
    }
    if array.is_null(row) {
        text.push_str("null");
        return;
    }
    match array.data_type() {
        DataType::Null => text.push_str("null"),
        DataType::Boolean => text.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Utf8 => string(text, array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => string(text, array.as_string::<i64>().value(row)),
        DataType::Utf8View => string(text, array.as_string_view().value(row)),
        DataType::Binary => bytes(text, array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => bytes(text, array.as_binary::<i64>().value(row)),
        DataType::BinaryView => bytes(text, array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => bytes(text, array.as_fixed_size_binary().value(row)),
        DataType::Float32 => number(text, array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => number(text, array.as_primitive::<Float64Type>().value(row)),
        DataType::Float16 => number(text, array.as_primitive::<Float16Type>().value(row).to_f32()),
        DataType::Dictionary(..) => match super::plain(&array.slice(row, 1)) {
            Ok(array) => value(text, &array, 0),
            Err(_) => string(text, UNKNOWN),
        },
        // Of any zone, and of any year.
        DataType::Timestamp(..) | DataType::Date32 => string(text, &super::cell(array, row).text()),
        DataType::List(_) => list(text, &array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(text, &array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(text, &array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            text.push('{');
            for (at, (field, array)) in fields.iter().zip(array.as_struct().columns()).enumerate() {
                comma(text, at);
                string(text, field.name());
                text.push(':');
                value(text, array, row);
            }
            text.push('}');
        }
        // A key may be of any type: pairs say what they are.
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            text.push('[');
            for at in 0..entries.len() {
                comma(text, at);
                text.push('[');
                for (place, column) in entries.columns().iter().enumerate() {
                    comma(text, place);
                    value(text, column, at);
                }
                text.push(']');
            }
            text.push(']');
        }
        kind if kind.is_numeric() => shown(text, array, row, |text, digits| text.push_str(digits)),
        _ => shown(text, array, row, string),
    }
}

fn list(text: &mut String, items: &ArrayRef) {
    text.push('[');
    for at in 0..items.len() {
        if text.len() > MAX_TEXT {
            return;
        }
        comma(text, at);
        value(text, items, at);
    }
    text.push(']');
}

/// A number in the shortest digits that are the same one among those of its size. What is none has its name.
fn number<N: Into<f64> + Copy + std::fmt::Display + std::fmt::Debug>(text: &mut String, number: N) {
    if number.into().is_finite() {
        // Debug writes an exponent in place of many zeros.
        let _ = write!(text, "{number:?}");
    } else {
        string(text, &number.to_string());
    }
}

/// Whole numbers, decimals, dates, times and the like as they are written.
fn shown(text: &mut String, array: &ArrayRef, row: usize, add: impl Fn(&mut String, &str)) {
    let options = FormatOptions::default();
    let shown = ArrayFormatter::try_new(array.as_ref(), &options).and_then(|shown| shown.value(row).try_to_string());
    match shown {
        Ok(shown) => add(text, &shown),
        Err(_) => string(text, UNKNOWN),
    }
}
