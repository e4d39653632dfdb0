//! Format `parquet`: files that others wrote. Columns are found by name, and their values pass through the rules of the
//! declared columns as those of any format do.

mod rejects;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;
use std::io::{Read, Seek};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, downcast_integer_array};
use arrow::compute::take;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Date64Type, FieldRef, Float16Type, Float32Type, Float64Type, Schema,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use chrono::DateTime;
use lake::dataset::Column;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;
use parquet::schema::types::Type as SchemaType;
use tempfile::SpooledData;

use self::rejects::Held;
use super::archive::kept;
use super::cell::{Cell, damaged, guarded, line, value};
use super::columns::{Columns, Record};
use super::layout::{Layout, Named};
use super::{Notes, RawObject, pages};
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;

/// Rows that are decoded at a time, and what their values may be together. A value that comes again is held once.
const ROWS: usize = 1024;
const BATCH_BYTES: u64 = 16 * 1024 * 1024;
/// The longest row that is accepted, and the most that one may be by what the file says of its rows.
const MAX_ROW: usize = 8 * 1024 * 1024;
const MAX_READ: u64 = 64 * 1024 * 1024;
/// The most that a page may become: it is held as a whole, whatever is read of it.
const MAX_PAGE: u64 = 256 * 1024 * 1024;
const FORMAT: &str = "Parquet file";

/// Reads the rows.
pub(super) fn decode(object: &RawObject, reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let file = kept(reader, b"PAR1", "a Parquet file")?;
    guarded(FORMAT, || match file.into_inner() {
        SpooledData::InMemory(bytes) => {
            let bytes = Bytes::from(bytes.into_inner());
            read(object, || Ok(bytes.clone()), sink)
        }
        SpooledData::OnDisk(mut file) => {
            file.rewind()?;
            read(object, || file.try_clone(), sink)
        }
    })
}

/// The beginning of a file.
pub(super) struct Sample {
    pub names: Vec<String>,
    /// What the schema says of each column: the declaration of its type; none of lists and records.
    pub declared: Vec<Option<&'static str>>,
    /// Whether the schema lets a column have whole numbers beyond those of int64.
    pub is_beyond: Vec<bool>,
    /// The first rows. A whole number of a column of doubles ends in `.0`.
    pub rows: Vec<Vec<Cell>>,
}

/// Reads the beginning of a file.
pub(super) fn sample(reader: impl Read, most: usize) -> Result<Sample, Stop> {
    let mut file = kept(reader, b"PAR1", "a Parquet file")?;
    guarded(FORMAT, || {
        let mut rows = Vec::new();
        // A file of its own: the library reads from any place of it.
        file.roll()?;
        let SpooledData::OnDisk(mut file) = file.into_inner() else {
            return Err(broken("it has no bytes"));
        };
        file.rewind()?;
        let metadata = metadata_of(&file)?;
        let names: Vec<String> = metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
        let declared = metadata.schema().fields().iter().enumerate().map(|(at, field)| match is_wide(&metadata, at) {
            true => None,
            false => declared(field.data_type()),
        });
        let declared = declared.collect();
        let is_beyond = metadata.schema().fields().iter().map(|field| is_unsigned(field.data_type())).collect();
        let all: Vec<usize> = (0..names.len()).collect();
        refuse_encrypted(&file, &metadata, &all)?;
        refuse_large_pages(&file, &metadata, &all, MAX_PAGE)?;
        for stretch in stretches(&metadata, &all)? {
            let left = most - rows.len();
            let batches = stretch.open(file.try_clone()?, &metadata, &all, left)?;
            for batch in batches {
                let batch = batch.map_err(broken)?;
                let columns = ColumnReader::of(&metadata, &all, &batch)?;
                for row in 0..batch.num_rows() {
                    let cell = |column: &ColumnReader| match (column.cell(row), column.array.data_type()) {
                        (Cell::Number(digits), DataType::Float64) if !digits.contains('.') => {
                            Cell::Number(format!("{digits}.0"))
                        }
                        (Cell::Single { double, .. }, _) if !double.contains('.') => {
                            Cell::Number(format!("{double}.0"))
                        }
                        (cell, _) => cell,
                    };
                    rows.push(columns.iter().map(cell).collect());
                }
            }
        }
        Ok(Sample { names, declared, is_beyond, rows })
    })
}

/// Whether whole numbers of a type may be beyond int64.
fn is_unsigned(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_unsigned(values),
        kind => *kind == DataType::UInt64,
    }
}

/// The type of a column whose values are not known, by that of its schema: the one that loses nothing of them.
fn declared(kind: &DataType) -> Option<&'static str> {
    /// Digits that a double keeps.
    const KEPT: u8 = 15;
    let of_decimal = |digits: u8, decimals: i8| match decimals {
        _ if digits > KEPT => "type = \"string\"",
        ..=0 => "type = \"int64\"",
        _ => "type = \"float64\"",
    };
    Some(match kind {
        DataType::Dictionary(_, values) => return declared(values),
        DataType::Boolean => "type = \"bool\"",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "type = \"float64\"",
        DataType::Decimal32(digits, decimals)
        | DataType::Decimal64(digits, decimals)
        | DataType::Decimal128(digits, decimals)
        | DataType::Decimal256(digits, decimals) => of_decimal(*digits, *decimals),
        DataType::Date32 | DataType::Date64 => "type = \"date\"",
        DataType::Timestamp(_, Some(_)) => "type = \"timestamp\"",
        DataType::Timestamp(_, None) => "type = \"timestamp\"\nzone = \"dataset\"",
        kind if is_unsigned(kind) => "type = \"string\"",
        kind if kind.is_integer() => "type = \"int64\"",
        kind if kind.is_nested() => return None,
        _ => "type = \"string\"",
    })
}

/// Refuses a file of which a column that is read is encrypted.
fn refuse_encrypted<R: ChunkReader>(reader: &R, metadata: &ArrowReaderMetadata, columns: &[usize]) -> Result<(), Stop> {
    let encrypted = encrypted(reader, metadata);
    let fields = metadata.schema().fields();
    match columns.iter().find(|at| encrypted.contains(at)).and_then(|at| fields.get(*at)) {
        None => Ok(()),
        Some(field) => {
            let why = format!("column {} of the {FORMAT} is encrypted: write it without encryption", field.name());
            Err(Stop::reject("wrong_kind", why))
        }
    }
}

/// The columns that are encrypted, or have something within that is.
fn encrypted<R: ChunkReader>(reader: &R, metadata: &ArrowReaderMetadata) -> BTreeSet<usize> {
    let schema = metadata.parquet_schema();
    let leaves = pages::encrypted(reader).into_iter().filter(|leaf| *leaf < schema.num_columns());
    leaves.map(|leaf| schema.get_column_root_idx(leaf)).collect()
}

/// Refuses a file of which a column that is read has whole numbers of 16 bytes.
fn refuse_wide(metadata: &ArrowReaderMetadata, columns: &[usize]) -> Result<(), Stop> {
    let fields = metadata.schema().fields();
    match columns.iter().find(|at| is_wide(metadata, **at)).and_then(|at| fields.get(*at)) {
        None => Ok(()),
        Some(field) => {
            let why = format!(
                "column {} of the {FORMAT} has whole numbers of 16 bytes (Int128 or UInt128), which Parquet does not have: \
                 write it as Int64, or as a decimal",
                field.name()
            );
            Err(Stop::reject("unreadable_column", why))
        }
    }
}

/// Whether the column at a place has whole numbers of 16 bytes: Polars writes them as bytes, of which Parquet does not say
/// what they are, and has no other columns of the kind.
fn is_wide(metadata: &ArrowReaderMetadata, at: usize) -> bool {
    let is_of_polars = || {
        let written_by = metadata.metadata().file_metadata().created_by();
        written_by.is_some_and(|name| name.starts_with("Polars"))
    };
    metadata.parquet_schema().root_schema().get_fields().get(at).is_some_and(|field| {
        let info = field.get_basic_info();
        matches!(
            **field,
            SchemaType::PrimitiveType { physical_type: PhysicalType::FIXED_LEN_BYTE_ARRAY, type_length: 16, .. }
        ) && info.logical_type_ref().is_none()
            && info.converted_type() == ConvertedType::NONE
            && is_of_polars()
    })
}

/// What a file says of itself, to be read so that a text or bytes that come again are held once: in a column of views. Times
/// of twelve bytes are instants, as Spark and Impala write them.
fn metadata_of<R: ChunkReader>(reader: &R) -> Result<ArrowReaderMetadata, Stop> {
    // What Arrow adds says nothing that is needed here, and the library panics at what it does not know in it.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = ArrowReaderMetadata::load(reader, options).map_err(broken)?;
    let roots = metadata.parquet_schema().root_schema().get_fields().iter();
    let mut has_instants = false;
    let fields = metadata.schema().fields().iter().zip(roots).map(|(field, root)| {
        if !root.is_primitive() || root.get_physical_type() != PhysicalType::INT96 {
            return viewed(field);
        }
        has_instants = true;
        // Nanoseconds would reach from 1677 to 2262 only.
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Arc::new(field.as_ref().clone().with_data_type(instant))
    });
    let fields: Vec<_> = fields.collect();
    let schema = Schema::new_with_metadata(fields, metadata.schema().metadata().clone());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    let with_views = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options);
    match with_views {
        Err(_) if !has_instants => Ok(metadata),
        read => read.map_err(broken),
    }
}

fn viewed(field: &FieldRef) -> FieldRef {
    let kind = match field.data_type() {
        DataType::Dictionary(_, values) => values,
        kind => kind,
    };
    let view = match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::BinaryView,
        _ => return Arc::clone(field),
    };
    Arc::new(field.as_ref().clone().with_data_type(view))
}

/// Row groups next to each other of which equally many rows are read at a time.
struct Stretch {
    groups: Vec<usize>,
    rows: usize,
}

impl Stretch {
    fn open<R: ChunkReader + 'static>(
        self,
        reader: R,
        metadata: &ArrowReaderMetadata,
        columns: &[usize],
        most: usize,
    ) -> Result<ParquetRecordBatchReader, Stop> {
        let mask = ProjectionMask::roots(metadata.parquet_schema(), columns.iter().copied());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(reader, metadata.clone());
        let builder = builder.with_projection(mask).with_row_groups(self.groups).with_batch_size(self.rows);
        builder.with_limit(most).build().map_err(broken)
    }
}

/// Refuses a file with a page of more than `most` bytes in the columns that are read.
fn refuse_large_pages<R: ChunkReader>(
    reader: &R,
    metadata: &ArrowReaderMetadata,
    columns: &[usize],
    most: u64,
) -> Result<(), Stop> {
    let mask = ProjectionMask::roots(metadata.parquet_schema(), columns.iter().copied());
    for group in metadata.metadata().row_groups() {
        let is_read = |(leaf, chunk): &(usize, &ColumnChunkMetaData)| {
            // No page is more than all of them.
            mask.leaf_included(*leaf) && u64::try_from(chunk.uncompressed_size()).is_ok_and(|all| all > most)
        };
        for (_, chunk) in group.columns().iter().enumerate().filter(is_read) {
            let bytes = pages::largest(reader, chunk).unwrap_or_default();
            if bytes > most {
                let why = format!(
                    "a page of column {} of the {FORMAT} has {bytes} bytes, and is held in memory as a whole: write it with \
                     smaller pages or row groups, or leave the column out",
                    chunk.column_path()
                );
                return Err(Stop::reject("too_large", why));
            }
        }
    }
    Ok(())
}

/// All row groups. Refuses a file of which not even one row may be held, by what it says.
fn stretches(metadata: &ArrowReaderMetadata, columns: &[usize]) -> Result<Vec<Stretch>, Stop> {
    let schema = metadata.parquet_schema();
    let mask = ProjectionMask::roots(schema, columns.iter().copied());
    let mut stretches: Vec<Stretch> = Vec::new();
    for (number, group) in metadata.metadata().row_groups().iter().enumerate() {
        let read = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
        let bytes: u64 = read.filter_map(|(_, chunk)| u64::try_from(chunk.uncompressed_size()).ok()).sum();
        let of_row = bytes / u64::try_from(group.num_rows()).unwrap_or_default().max(1);
        if of_row > MAX_READ {
            let why = format!(
                "a row of row group {number} of the {FORMAT} has about {of_row} bytes, and a row may have {MAX_ROW}: leave \
                 out the column with long values, or split them"
            );
            return Err(Stop::reject("record_too_long", why));
        }
        let rows = usize::try_from(BATCH_BYTES / of_row.max(1)).unwrap_or(ROWS).clamp(1, ROWS);
        match stretches.last_mut().filter(|stretch| stretch.rows == rows) {
            Some(stretch) => stretch.groups.push(number),
            None => stretches.push(Stretch { groups: vec![number], rows }),
        }
    }
    Ok(stretches)
}

/// Whether a name such as `place.city` is of a value in a record.
fn is_in_record(name: &str, schema: &Schema) -> bool {
    let record = name.split_once('.').map(|(record, _)| record);
    let is_record = |field: &FieldRef| field.data_type().is_nested() && Some(field.name().as_str()) == record;
    schema.fields().iter().any(is_record)
}

fn broken(error: impl std::fmt::Display) -> Stop {
    damaged(FORMAT, error)
}

fn read<R: ChunkReader + 'static>(
    object: &RawObject,
    reader: impl Fn() -> std::io::Result<R>,
    sink: &mut dyn Sink,
) -> Result<Notes, Stop> {
    let metadata = metadata_of(&reader()?)?;
    let names: Vec<&str> = metadata.schema().fields().iter().map(|field| field.name().as_str()).collect();
    let named = Named::new(&object.table.columns, &names);
    if !named.is_header() {
        let why = match named.missing.as_slice() {
            [] => "none of the declared columns".to_owned(),
            missing => format!("no column {}", missing.join(", ")),
        };
        let is_within = |column: &Column| {
            let is_missing = column.fields().any(|field| named.missing.iter().any(|missing| missing == field));
            let is_record = |field| is_in_record(field, metadata.schema());
            is_missing && (column.path.is_some() || column.fields().any(is_record))
        };
        let cure = if object.table.columns.iter().any(is_within) {
            "values within records of a Parquet file are not read, neither by path nor by names with points: write them as \
             columns of their own"
        } else {
            "name it as field = [...], or declare optional = true if files may lack it"
        };
        let why = format!("the {FORMAT} has {why}: {cure}");
        return Err(Stop::reject("missing_column", why));
    }
    named.refuse_duplicates(&names)?;
    let layout = named.layout;
    let of_joined = layout.joined().iter().flat_map(|(_, parts)| parts.iter().copied());
    let of_columns = (0..object.table.columns.len()).filter_map(|column| layout.position(column));
    let mut used: Vec<usize> = of_columns.chain(of_joined).collect();
    used.sort_unstable();
    used.dedup();
    let expected = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or_default();

    refuse_encrypted(&reader()?, &metadata, &used)?;
    refuse_wide(&metadata, &used)?;
    refuse_large_pages(&reader()?, &metadata, &used, MAX_PAGE)?;
    let mut held = Held::new(sink);
    let seen = rows(object, &reader, &metadata, &layout, &used, &mut held);
    // A sink that has enough rows still gets to know of those that were rejected among them.
    let is_damaged = matches!(seen, Err(Stop::Reject(_)));
    let handed_on = if is_damaged { Ok(()) } else { held.hand_on(&reader, &metadata, &used) };
    let seen = seen?;
    handed_on?;
    if seen != expected {
        return Err(broken(format_args!("it says {expected} rows, and has {seen}")));
    }
    Ok(Notes { ignored_columns: layout.ignored, seen, ..Notes::default() })
}

/// Reads all rows; returns how many there are.
fn rows<R: ChunkReader + 'static>(
    object: &RawObject,
    reader: &impl Fn() -> std::io::Result<R>,
    metadata: &ArrowReaderMetadata,
    layout: &Layout,
    used: &[usize],
    held: &mut Held,
) -> Result<u64, Stop> {
    let mut columns = Columns::new(object);
    let received_at = object.received_at.timestamp_micros();
    let mut cells = vec![Cell::Empty; metadata.schema().fields().len()];
    let (mut seen, mut text) = (0, String::new());
    for stretch in stretches(metadata, used)? {
        for batch in stretch.open(reader()?, metadata, used, usize::MAX)? {
            let batch = batch.map_err(broken)?;
            let arrays = ColumnReader::of(metadata, used, &batch)?;
            for row in 0..batch.num_rows() {
                for (at, array) in used.iter().zip(&arrays) {
                    cells.get_mut(*at).into_iter().for_each(|place| *place = array.cell(row));
                }
                seen += 1;
                line(&cells, &mut text);
                let record = Record { row: seen, text: text.as_bytes(), received_at };
                if text.len() <= MAX_ROW {
                    columns.add_raw(record, held, |at, column| value(layout, at, column, &cells))?;
                    continue;
                }
                let Record { row, text, .. } = record;
                let message = format!("the row is longer than {MAX_ROW} bytes");
                held.reject(&Reject { row, column: None, reason: "record_too_long", message, text })?;
            }
            if held.is_full() {
                held.hand_on(reader, metadata, used)?;
            }
        }
    }
    columns.flush(held)?;
    Ok(seen)
}

/// A column of a batch.
struct ColumnReader {
    array: ArrayRef,
    /// Whether its values are UUIDs, 16 bytes each.
    is_uuid: bool,
    /// Whether they are numbers of as many bytes, which are no values of ours.
    is_wide: bool,
}

impl ColumnReader {
    /// The columns at these places of the file, which are those of the batch.
    fn of(metadata: &ArrowReaderMetadata, places: &[usize], batch: &RecordBatch) -> Result<Vec<Self>, Stop> {
        let column = |(at, array): (&usize, &ArrayRef)| {
            Ok(Self { array: plain(array)?, is_uuid: is_uuid(metadata, *at), is_wide: is_wide(metadata, *at) })
        };
        places.iter().zip(batch.columns()).map(column).collect()
    }

    fn cell(&self, row: usize) -> Cell {
        let bytes = self.array.as_fixed_size_binary_opt().filter(|array| self.is_uuid && array.is_valid(row));
        if let Some(bytes) = bytes.and_then(|array| <[u8; 16]>::try_from(array.value(row)).ok()) {
            return Cell::Text(uuid(u128::from_be_bytes(bytes)));
        }
        match self.array.is_valid(row) {
            true if self.is_wide => Cell::Nested,
            true => cell(&self.array, row),
            false => Cell::Empty,
        }
    }
}

/// Whether the values of the column at a place are UUIDs.
fn is_uuid(metadata: &ArrowReaderMetadata, at: usize) -> bool {
    let field = metadata.parquet_schema().root_schema().get_fields().get(at);
    let logical = field.and_then(|field| field.get_basic_info().logical_type_ref());
    matches!(logical, Some(LogicalType::Uuid))
}

/// A UUID as it is written: `f81d4fae-7dec-11d0-a765-00a0c91e6bf6`.
fn uuid(number: u128) -> String {
    let digits = format!("{number:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits.get(part).unwrap_or_default());
    parts.join("-")
}

/// The values of a dictionary in place of their numbers. Nothing is cast: casts between all types are a tenth of the program.
fn plain(array: &ArrayRef) -> Result<ArrayRef, Stop> {
    match array.as_any_dictionary_opt() {
        Some(dictionary) => plain(&take(dictionary.values(), dictionary.keys(), None).map_err(broken)?),
        None => Ok(Arc::clone(array)),
    }
}

/// A value that is there.
fn cell(array: &ArrayRef, row: usize) -> Cell {
    let of_bytes = |bytes: &[u8]| std::str::from_utf8(bytes).map_or(Cell::Nested, |text| Cell::Text(text.to_owned()));
    match array.data_type() {
        // A column without any value, as some programs write it.
        DataType::Null => Cell::Empty,
        DataType::Utf8View => Cell::Text(array.as_string_view().value(row).to_owned()),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Cell::Text(array.as_string::<i64>().value(row).to_owned()),
        DataType::Float16 => single(array.as_primitive::<Float16Type>().value(row).to_f32()),
        DataType::Float32 => single(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => double(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            shown(array, row).map_or(Cell::Nested, Cell::Number)
        }
        DataType::Binary => of_bytes(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => of_bytes(array.as_binary::<i64>().value(row)),
        DataType::FixedSizeBinary(_) => of_bytes(array.as_fixed_size_binary().value(row)),
        DataType::BinaryView => of_bytes(array.as_binary_view().value(row)),
        DataType::Date32 => day(i64::from(array.as_primitive::<Date32Type>().value(row))),
        DataType::Date64 => day(array.as_primitive::<Date64Type>().value(row).div_euclid(86_400_000)),
        DataType::Timestamp(unit, zone) => instant(array, row, *unit, zone.is_some()),
        DataType::Time32(_) | DataType::Time64(_) => shown(array, row).map_or(Cell::Nested, Cell::Text),
        _ => downcast_integer_array!(
            array => Cell::Number(array.value(row).to_string()),
            _ => Cell::Nested,
        ),
    }
}

/// A day by its number since 1970.
fn day(number: i64) -> Cell {
    let day = i32::try_from(number).ok().and_then(Date32Type::to_naive_date_opt);
    day.map_or_else(|| Cell::Text(number.to_string()), Cell::Date)
}

fn double(number: f64) -> Cell {
    if number.is_finite() { Cell::double(number) } else { Cell::Text(number.to_string()) }
}

fn single(number: f32) -> Cell {
    match double(f64::from(number)) {
        // The shortest digits of a whole number may end in zeros that it has not.
        Cell::Number(double) if number.fract() != 0.0 => Cell::Single { double, shortest: number.to_string() },
        cell => cell,
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
