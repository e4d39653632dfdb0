//! Format `parquet`: files that others wrote. Columns are found by name, and their values pass through the rules of the
//! declared columns as those of any format do.

use std::io::{Read, Seek};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, NaiveTime};
use lake::dataset::Header;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::SpooledData;

use super::archive::kept;
use super::cell::{Cell, damaged, guarded, line, value};
use super::columns::{Columns, Record};
use super::layout::{Layout, Line};
use super::{Notes, RawObject};
use crate::error::Stop;
use crate::writer::Sink;

/// Rows that are decoded at a time.
const ROWS: usize = 1024;
const FORMAT: &str = "Parquet file";

/// Reads the rows.
pub(super) fn decode(object: &RawObject, reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let file = kept(reader, b"PAR1", "a Parquet file")?;
    guarded(FORMAT, || match file.into_inner() {
        SpooledData::InMemory(bytes) => {
            let bytes = bytes::Bytes::from(bytes.into_inner());
            read(object, ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(broken)?, sink)
        }
        SpooledData::OnDisk(mut file) => {
            file.rewind()?;
            read(object, ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken)?, sink)
        }
    })
}

/// The names and the first rows of a file. A whole number of a column of doubles ends in `.0`.
pub(super) fn sample(reader: impl Read, most: usize) -> Result<(Vec<String>, Vec<Vec<Cell>>), Stop> {
    let mut file = kept(reader, b"PAR1", "a Parquet file")?;
    guarded(FORMAT, || {
        let mut rows = Vec::new();
        // A file of its own: the library reads from any place of it.
        file.roll()?;
        let SpooledData::OnDisk(mut file) = file.into_inner() else {
            return Err(broken("it has no bytes"));
        };
        file.rewind()?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken)?;
        let names = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        let batches = builder.with_batch_size(ROWS).with_limit(most).build().map_err(broken)?;
        for batch in batches {
            let batch = batch.map_err(broken)?;
            let arrays = batch.columns().iter().map(plain).collect::<Result<Vec<_>, _>>()?;
            for row in 0..batch.num_rows() {
                let cell = |array: &ArrayRef| match (array.is_valid(row), array.data_type()) {
                    (false, _) => Cell::Empty,
                    (_, DataType::Float64) => match cell(array, row) {
                        Cell::Number(digits) if !digits.contains('.') => Cell::Number(format!("{digits}.0")),
                        cell => cell,
                    },
                    _ => cell(array, row),
                };
                rows.push(arrays.iter().map(cell).collect());
            }
        }
        Ok((names, rows))
    })
}

fn broken(error: impl std::fmt::Display) -> Stop {
    damaged(FORMAT, error)
}

fn read<R: parquet::file::reader::ChunkReader + 'static>(
    object: &RawObject,
    builder: ParquetRecordBatchReaderBuilder<R>,
    sink: &mut dyn Sink,
) -> Result<Notes, Stop> {
    let schema = std::sync::Arc::clone(builder.schema());
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let Line::Header(layout) = Layout::find(object.table, Header::Always, &names, || Ok(false))? else {
        return Err(Layout::no_header(object.table));
    };
    let of_joined = layout.joined().iter().flat_map(|(_, parts)| parts.iter().copied());
    let of_columns = (0..object.table.columns.len()).filter_map(|column| layout.position(column));
    let used: Vec<usize> = of_columns.chain(of_joined).collect();
    let expected = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
    let mask = ProjectionMask::roots(builder.parquet_schema(), used.iter().copied());
    let rows = builder.with_projection(mask).with_batch_size(ROWS).build().map_err(broken)?;
    let mut kept: Vec<usize> = used;
    kept.sort_unstable();
    kept.dedup();

    let mut columns = Columns::new(object);
    let mut notes = Notes { ignored_columns: layout.ignored, ..Notes::default() };
    let received_at = object.received_at.timestamp_micros();
    let mut cells = vec![Cell::Empty; names.len()];
    let mut text = String::new();
    for batch in rows {
        let batch = batch.map_err(broken)?;
        let arrays = batch.columns().iter().map(plain).collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            for (at, array) in kept.iter().zip(&arrays) {
                let cell = if array.is_valid(row) { cell(array, row) } else { Cell::Empty };
                cells.get_mut(*at).into_iter().for_each(|place| *place = cell.clone());
            }
            notes.seen += 1;
            line(&cells, &mut text);
            let record = Record { row: notes.seen, text: text.as_bytes(), received_at };
            columns.add_raw(record, sink, |at, column| value(&layout, at, column, &cells))?;
        }
    }
    if notes.seen != expected {
        return Err(broken(format_args!("it says {expected} rows, and has {}", notes.seen)));
    }
    columns.flush(sink)?;
    Ok(notes)
}

/// The column in one of few types, with the same values.
fn plain(array: &ArrayRef) -> Result<ArrayRef, Stop> {
    let wanted = match array.data_type() {
        DataType::Dictionary(_, values) => {
            let array = cast(array, values).map_err(broken)?;
            return plain(&array);
        }
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Int8 | DataType::Int16 | DataType::Int32 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::UInt64,
        DataType::Float16 | DataType::Float32 => DataType::Float64,
        DataType::Date64 => DataType::Date32,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        _ => return Ok(std::sync::Arc::clone(array)),
    };
    cast(array, &wanted).map_err(broken)
}

/// A value that is there.
fn cell(array: &ArrayRef, row: usize) -> Cell {
    match array.data_type() {
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Int64 => Cell::Number(array.as_primitive::<Int64Type>().value(row).to_string()),
        DataType::UInt64 => Cell::Number(array.as_primitive::<UInt64Type>().value(row).to_string()),
        DataType::Float64 => {
            let number = array.as_primitive::<Float64Type>().value(row);
            if number.is_finite() { Cell::Number(number.to_string()) } else { Cell::Text(number.to_string()) }
        }
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            shown(array, row).map_or(Cell::Nested, Cell::Number)
        }
        DataType::Binary => match std::str::from_utf8(array.as_binary::<i32>().value(row)) {
            Ok(text) => Cell::Text(text.to_owned()),
            Err(_) => Cell::Nested,
        },
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            let time = Date32Type::to_naive_date_opt(days).map(|date| date.and_time(NaiveTime::MIN));
            time.map_or_else(|| Cell::Text(days.to_string()), |time| Cell::Stamp { time, is_utc: false })
        }
        DataType::Timestamp(unit, zone) => instant(array, row, *unit, zone.is_some()),
        DataType::Time32(_) | DataType::Time64(_) => shown(array, row).map_or(Cell::Nested, Cell::Text),
        _ => Cell::Nested,
    }
}

fn shown(array: &ArrayRef, row: usize) -> Option<String> {
    let formatter = ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default()).ok()?;
    formatter.value(row).try_to_string().ok()
}

fn instant(array: &ArrayRef, row: usize, unit: TimeUnit, is_utc: bool) -> Cell {
    fn of<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef, row: usize) -> i64 {
        array.as_primitive::<T>().value(row)
    }
    let (count, time) = match unit {
        TimeUnit::Second => {
            let count = of::<TimestampSecondType>(array, row);
            (count, DateTime::from_timestamp(count, 0))
        }
        TimeUnit::Millisecond => {
            let count = of::<TimestampMillisecondType>(array, row);
            (count, DateTime::from_timestamp_millis(count))
        }
        TimeUnit::Microsecond => {
            let count = of::<TimestampMicrosecondType>(array, row);
            (count, DateTime::from_timestamp_micros(count))
        }
        TimeUnit::Nanosecond => {
            let count = of::<TimestampNanosecondType>(array, row);
            (count, Some(DateTime::from_timestamp_nanos(count)))
        }
    };
    match time {
        Some(time) => Cell::Stamp { time: time.naive_utc(), is_utc },
        None => Cell::Text(count.to_string()),
    }
}
