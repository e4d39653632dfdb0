//! Format `json`: one array of objects; each column says by a JSON pointer where its value is.

use std::io::Read;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use serde_json::Value;

use super::RawObject;
use super::value::{ColumnBuilder, Typed, check};
use crate::error::Stop;
use crate::reject::Reject;
use crate::scanner::Scanner;
use crate::writer::Sink;

/// The longest element that is accepted.
const MAX_ELEMENT: usize = 8 * 1024 * 1024;
/// Rows per batch, and the text that they may come from.
const BATCH_ROWS: usize = 8 * 1024;
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Reads the array element by element.
pub(super) fn decode(object: &RawObject, reader: impl Read, sink: &mut dyn Sink) -> Result<(), Stop> {
    let mut rows = Rows::new(object);
    each_element(reader, |index, text| rows.element(index, text, sink))?;
    rows.flush(sink)
}

/// Calls `visit` with the running index, from 1, and the bytes of each element of the array that the stream holds.
pub(super) fn each_element(
    reader: impl Read,
    mut visit: impl FnMut(u64, &[u8]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut scanner = Scanner::new(reader)?;
    match scanner.peek()? {
        Some(b'[') => scanner.consume(1),
        Some(b'{') => {
            let why = "a list was expected, but there is one object: an error message of the server?";
            return Err(Stop::reject("not_a_list", why));
        }
        _ => return Err(scanner.unexpected("a list")),
    }
    if scanner.peek()? == Some(b']') {
        scanner.consume(1);
    } else {
        for index in 1.. {
            let length = scanner.value_length(MAX_ELEMENT)?;
            visit(index, scanner.window().get(..length).unwrap_or_default())?;
            scanner.consume(length);
            if !scanner.either(b',', b']')? {
                break;
            }
        }
    }
    if scanner.peek()?.is_some() { Err(scanner.unexpected("end of the object")) } else { Ok(()) }
}

struct Rows<'a> {
    object: &'a RawObject<'a>,
    columns: Vec<ColumnBuilder>,
    rows: usize,
    bytes: usize,
}

impl<'a> Rows<'a> {
    fn new(object: &'a RawObject<'a>) -> Self {
        let columns = object.table.columns.iter().map(|column| ColumnBuilder::new(column.kind)).collect();
        Self { object, columns, rows: 0, bytes: 0 }
    }

    fn element(&mut self, index: u64, text: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
        let element: Value = serde_json::from_slice(text)
            .map_err(|error| Stop::reject("not_json", format!("element {index} is not JSON: {error}")))?;
        match self.typed(&element) {
            Ok(values) => {
                for (column, value) in self.columns.iter_mut().zip(&values) {
                    column.push(value);
                }
                self.rows += 1;
                self.bytes += text.len();
            }
            Err((column, (reason, message))) => {
                sink.reject(&Reject { row: index, column: Some(column), reason, message, text })?;
            }
        }
        if self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES { self.flush(sink) } else { Ok(()) }
    }

    fn typed(&self, element: &Value) -> Result<Vec<Typed>, (&'a str, super::value::Refusal)> {
        let columns = self.object.table.columns.iter();
        columns
            .map(|column| {
                let value = match &column.path {
                    Some(path) => element.pointer(path),
                    None => element.get(&column.name),
                };
                check(column, value).map_err(|refusal| (column.name.as_str(), refusal))
            })
            .collect()
    }

    fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.bytes = 0;
        let received = vec![self.object.received_at.timestamp_micros(); std::mem::take(&mut self.rows)];
        let mut columns: Vec<ArrayRef> = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        columns.push(Arc::new(TimestampMicrosecondArray::from(received).with_timezone("UTC")));
        sink.write(&RecordBatch::try_new(self.object.table.schema(), columns)?)
    }
}
