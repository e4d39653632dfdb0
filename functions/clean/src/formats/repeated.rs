//! Documents of format `json` that come again and again with a few other numbers in them, such as a day's metadata.
//!
//! What the last document of a table became is kept for the next one of this process. If that is the same list but for
//! some numbers, its rows are the same but for these; an element that is another in any other way is decoded as in any
//! document. That saves time and changes nothing: a list of which more is not the same is decoded as a whole, and is the
//! one that is kept then.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use lake::dataset::{Column, ColumnType};
use serde_json::value::RawValue;

use super::head::Head;
use super::json::{self, SomeRows, each_element};
use super::known::{Changed, Compared, Known, NULL, Source, compare};
use super::{Notes, RawObject};
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;
use lake::json::{Json, Object};
use lake::value::{Raw, Typed, check};

#[cfg(test)]
mod tests;

/// The longest document that is kept.
const MAX_KEPT: usize = 2 * 1024 * 1024;
/// Tables whose last document is kept.
const MAX_TABLES: usize = 4;

/// For each column that an element's number is in: the column and which number.
type Cells = Vec<(usize, usize)>;

/// A document of one table, and its rows: one for each element.
struct Last {
    rules: String,
    text: Box<[u8]>,
    rows: RecordBatch,
    /// Found when the next document comes, if one does; none if they are not the rows one by one.
    elements: OnceLock<Option<Vec<Known<Cells>>>>,
}

static LAST: Mutex<BTreeMap<(String, String), Arc<Last>>> = Mutex::new(BTreeMap::new());

/// Reads a document of any length.
pub(super) fn document(object: &RawObject, mut reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let table = object.table;
    let is_plain = |column: &Column| column.day_of.is_none() && column.joined.is_empty();
    let is_plain = table.rows.is_empty() && table.explode.is_empty() && table.columns.iter().all(is_plain);
    if !is_plain {
        return json::document(object, reader, sink);
    }
    let head = Head::read(&mut reader, MAX_KEPT)?;
    let head = head.bytes();
    if head.len() == MAX_KEPT {
        return json::document(object, head.chain(reader), sink);
    }
    let name = (object.dataset.name.clone(), table.name.clone());
    let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
    let last = last.filter(|last| last.rules == table.fingerprint);
    if let Some(rows) = last.and_then(|last| last.rows_of(object, head)) {
        let notes = Notes { seen: rows.num_rows() as u64, ..Notes::default() };
        return sink.write(&rows).map(|()| notes);
    }
    let mut recorder = Recorder { sink, rows: None, is_whole: true };
    let notes = json::document(object, head, &mut recorder)?;
    if let (Some(rows), true) = (recorder.rows, recorder.is_whole && !notes.lacks_members) {
        let last = Last { rules: table.fingerprint.clone(), text: head.into(), rows, elements: OnceLock::new() };
        let mut known = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_TABLES && !known.contains_key(&name) {
            known.clear();
        }
        known.insert(name, Arc::new(last));
    }
    Ok(notes)
}

/// Keeps the rows that pass, if they are of one batch and none is rejected.
struct Recorder<'s> {
    sink: &'s mut dyn Sink,
    rows: Option<RecordBatch>,
    is_whole: bool,
}

impl Sink for Recorder<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        if batch.num_rows() > 0 {
            self.is_whole &= self.rows.is_none();
            self.rows = Some(batch.clone());
        }
        self.sink.write(batch)
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        self.is_whole = false;
        self.sink.reject(reject)
    }

    fn outside(&mut self, count: u64) {
        self.is_whole = false;
        self.sink.outside(count);
    }
}

impl Last {
    /// The elements with the numbers that columns have from them.
    fn elements(&self, columns: &[Column]) -> Option<Vec<Known<Cells>>> {
        let mut elements = Vec::new();
        let visit = |_, text: &[u8]| {
            let Ok(Json::Object(element)) = Json::parse(text) else {
                return Err(Stop::Broken("an element is no object".to_owned()));
            };
            let mut known = Known::new(text, Vec::new(), Cells::new());
            for (at, column) in columns.iter().enumerate() {
                let start = value_of(column, &element).map(|value| offset(text, value));
                known.made.extend(start.and_then(|start| known.number_at(start)).map(|number| (at, number)));
            }
            elements.push(known);
            Ok(())
        };
        each_element(&*self.text, visit).ok()?;
        (elements.len() == self.rows.num_rows()).then_some(elements)
    }

    /// The rows of a document that is the same but for some numbers, or for few elements.
    fn rows_of(&self, object: &RawObject, text: &[u8]) -> Option<RecordBatch> {
        let columns = &object.table.columns;
        let elements = self.elements.get_or_init(|| self.elements(columns)).as_deref()?;
        let mut others = Recorder { sink: &mut Nowhere, rows: None, is_whole: true };
        let mut rows = None;
        let add = |at: usize, text: &[u8]| {
            let rows = rows.get_or_insert_with(|| SomeRows::new(object));
            let length = rows.add(at as u64 + 1, text, &mut others).ok()??;
            others.is_whole.then_some(length)
        };
        let compared = compare(elements, text, add)?;
        if let Some(mut rows) = rows {
            rows.flush(&mut others).ok().filter(|()| others.is_whole)?;
        }
        let Compared { sources, changed } = &compared;
        let known = match others.rows {
            None if compared.is_same(elements.len()) => self.rows.clone(),
            others => {
                let others = others.unwrap_or_else(|| self.rows.slice(0, 0));
                let place = |source: &Source| match *source {
                    Source::Known(row) => row as u64,
                    Source::Other(row) => (self.rows.num_rows() + row) as u64,
                };
                let places = UInt64Array::from_iter_values(sources.iter().map(place));
                let both = concat_batches(&self.rows.schema(), [&self.rows, &others]).ok()?;
                let rows = take_record_batch(&both, &places).ok()?;
                // A column with the same values is the same array: what is made of it is known.
                let same = |(new, old): (&ArrayRef, &ArrayRef)| Arc::clone(if new == old { old } else { new });
                let columns = rows.columns().iter().zip(self.rows.columns()).map(same).collect();
                RecordBatch::try_new(rows.schema(), columns).ok()?
            }
        };
        let mut cells: Vec<Vec<(usize, Typed)>> = columns.iter().map(|_| Vec::new()).collect();
        for Changed { at: row, number, digits } in changed {
            let Source::Known(element) = sources.get(*row)? else { continue };
            let of_number = elements.get(*element)?.made.iter().filter(|(_, known)| known == number);
            for (at, _) in of_number {
                let raw = match *digits {
                    NULL => Raw::Missing,
                    digits => Raw::Number(std::str::from_utf8(digits).ok()?),
                };
                cells.get_mut(*at)?.push((*row, check(columns.get(*at)?, raw).ok()?));
            }
        }
        let mut arrays = Vec::with_capacity(known.num_columns());
        for ((column, cells), array) in columns.iter().zip(&cells).zip(known.columns()) {
            arrays.push(if cells.is_empty() { Arc::clone(array) } else { with_cells(column.kind, array, cells)? });
        }
        let received = vec![object.received_at.timestamp_micros(); known.num_rows()];
        arrays.push(Arc::new(TimestampMicrosecondArray::from(received).with_timezone("UTC")));
        RecordBatch::try_new(object.table.schema(), arrays).ok()
    }
}

/// Where rows go that are recorded only.
struct Nowhere;

impl Sink for Nowhere {
    fn write(&mut self, _: &RecordBatch) -> Result<(), Stop> {
        Ok(())
    }

    fn reject(&mut self, _: &Reject) -> Result<(), Stop> {
        Ok(())
    }

    fn outside(&mut self, _: u64) {}
}

/// The member that a column is read from.
fn value_of<'v>(column: &Column, element: &Object<'v>) -> Option<&'v RawValue> {
    match (&column.path, &column.request) {
        (Some(path), _) => element.pointer(path),
        (_, Some(_)) => None,
        _ => column.fields().find_map(|name| element.member(name)),
    }
}

/// Where in a text a part of it begins.
fn offset(whole: &[u8], part: &RawValue) -> usize {
    (part.get().as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

/// A column with other values in some rows, which come in order.
fn with_cells(kind: ColumnType, array: &ArrayRef, cells: &[(usize, Typed)]) -> Option<ArrayRef> {
    let mut cells = cells.iter().peekable();
    let mut other = |row: usize| cells.next_if(|(at, _)| *at == row).map(|(_, typed)| typed);
    let rows = 0..array.len();
    Some(match kind {
        ColumnType::String => {
            let known = array.as_string_opt::<i32>()?;
            let values = rows.map(|row| match other(row) {
                Some(Typed::Text(text)) => Some(text.as_ref()),
                Some(_) => None,
                None => known.is_valid(row).then(|| known.value(row)),
            });
            Arc::new(values.collect::<StringArray>())
        }
        ColumnType::Bool => {
            let known = array.as_boolean_opt()?;
            let values = rows.map(|row| match other(row) {
                Some(Typed::Bool(truth)) => Some(*truth),
                Some(_) => None,
                None => known.is_valid(row).then(|| known.value(row)),
            });
            Arc::new(values.collect::<BooleanArray>())
        }
        ColumnType::Float64 => {
            let known = array.as_primitive_opt::<Float64Type>()?;
            let values = rows.map(|row| match other(row) {
                Some(Typed::Float(number)) => Some(*number),
                Some(_) => None,
                None => known.is_valid(row).then(|| known.value(row)),
            });
            Arc::new(values.collect::<Float64Array>())
        }
        ColumnType::Int64 | ColumnType::Timestamp => {
            let ints = array.as_primitive_opt::<Int64Type>().map(|known| known.values());
            let known =
                ints.or_else(|| array.as_primitive_opt::<TimestampMicrosecondType>().map(|known| known.values()))?;
            let values = rows.map(|row| match other(row) {
                Some(Typed::Int(number)) => Some(*number),
                Some(_) => None,
                None => known.get(row).copied().filter(|_| array.is_valid(row)),
            });
            if kind == ColumnType::Int64 {
                Arc::new(values.collect::<Int64Array>())
            } else {
                Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
        }
        ColumnType::Date => {
            let known = array.as_primitive_opt::<Date32Type>()?;
            let values = rows.map(|row| match other(row) {
                Some(Typed::Int(days)) => i32::try_from(*days).ok(),
                Some(_) => None,
                None => known.is_valid(row).then(|| known.value(row)),
            });
            Arc::new(values.collect::<Date32Array>())
        }
    })
}
