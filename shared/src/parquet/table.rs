//! A Parquet file of flat columns, written faster than by `ArrowWriter`: what repeats is found while it is taken in, and
//! a run of rows is added as one.

use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float64Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use parquet::arrow::ArrowSchemaConverter;
use parquet::errors::{ParquetError, Result};
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Chunk, Plain, encode};
use super::column::Column;
use super::known;
use super::values::{Number, Numbers, Texts, Values};
use super::{ROW_GROUP_ROWS, properties};

/// The cells of one column in a run of rows.
#[derive(Debug, Clone, Copy)]
pub enum Cells<'c> {
    /// The same text in every row, or null.
    Text(Option<&'c str>),
    /// What `text` makes of each number of an integer column, which comes before this one.
    TextOf {
        /// The position of the integer column.
        column: usize,
        /// Appends the text of a number.
        text: fn(i64, &mut Vec<u8>),
    },
    /// The same number in every row (of a 64-bit integer, an instant or a date), or null.
    Int(Option<i64>),
    /// A number for each row.
    Ints(&'c [i64]),
    /// A double for each row; NaN is null.
    Doubles(&'c [f64]),
}

/// Bytes of a row group's columns from which on it ends early.
const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;
/// Rows in runs between two looks at them.
const LOOK_ROWS: usize = 4 * 1024;

/// The most bytes of a batch that waits for the end of its row group, to be encoded as it is.
const WAITING_BYTES: usize = 1024 * 1024;

/// A Parquet file while it is written.
pub struct TableFile<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<AnyColumn>,
    /// The first rows of the row group, while they are all of it: their columns may be known.
    waiting: Option<RecordBatch>,
    rows: usize,
    /// The count of rows at which their bytes are looked at.
    next_look: usize,
}

impl<W: Write + Send> TableFile<W> {
    /// A file of rows of this schema. Fails if a column is of a type that no table has.
    pub fn new(schema: &SchemaRef, sink: W) -> Result<Self> {
        let converted = ArrowSchemaConverter::new().convert(schema)?;
        let file = SerializedFileWriter::new(sink, converted.root_schema_ptr(), properties()?.into())?;
        let columns = schema.fields().iter().map(|field| AnyColumn::new(field.data_type())).collect::<Result<_>>()?;
        Ok(Self { file, columns, waiting: None, rows: 0, next_look: LOOK_ROWS })
    }

    /// Adds rows, in the order of the schema's columns.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let is_small = batch.num_rows() <= LOOK_ROWS && batch.get_array_memory_size() <= WAITING_BYTES;
        if self.rows == 0 && self.waiting.is_none() && batch.num_rows() > 0 && is_small {
            self.waiting = Some(batch.clone());
            return Ok(());
        }
        self.take_in()?;
        self.add(batch)
    }

    /// Takes in the rows that wait, as others come behind them.
    fn take_in(&mut self) -> Result<()> {
        match self.waiting.take() {
            Some(batch) => self.add(&batch),
            None => Ok(()),
        }
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut start = 0;
        while start < batch.num_rows() {
            let count = self.room().min(batch.num_rows() - start);
            for (column, array) in self.columns.iter_mut().zip(batch.columns()) {
                column.extend(&array.slice(start, count))?;
            }
            start += count;
            // Rows of a batch may be of any length.
            self.next_look = 0;
            self.added(count)?;
        }
        Ok(())
    }

    /// Adds a run of rows, in the order of the schema's columns.
    pub fn write_run(&mut self, rows: usize, cells: &[Cells]) -> Result<()> {
        self.take_in()?;
        let mut start = 0;
        while start < rows {
            let count = self.room().min(rows - start);
            for (column, cells) in self.columns.iter_mut().zip(cells) {
                column.push_cells(cells, start, count)?;
            }
            start += count;
            self.added(count)?;
        }
        Ok(())
    }

    /// Rows that the row group still takes.
    fn room(&self) -> usize {
        ROW_GROUP_ROWS - self.rows
    }

    fn added(&mut self, rows: usize) -> Result<()> {
        self.rows += rows;
        let is_full = self.rows >= ROW_GROUP_ROWS;
        if !is_full && self.rows < self.next_look {
            return Ok(());
        }
        self.next_look = self.rows + LOOK_ROWS;
        if is_full || self.memory_size() > ROW_GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    /// Bytes of the row group so far.
    pub fn memory_size(&self) -> usize {
        let waiting = self.waiting.as_ref().map_or(0, RecordBatch::get_array_memory_size);
        if self.rows == 0 { waiting } else { self.columns.iter().map(AnyColumn::memory).sum() }
    }

    /// Ends the row group.
    pub fn flush(&mut self) -> Result<()> {
        let waiting = self.waiting.take();
        if self.rows == 0 && waiting.is_none() {
            return Ok(());
        }
        let descriptors = self.file.schema_descr().columns().to_vec();
        if let Some(batch) = waiting {
            let mut group = self.file.next_row_group()?;
            for ((column, descriptor), array) in self.columns.iter_mut().zip(&descriptors).zip(batch.columns()) {
                let chunk = known::pages(array, descriptor, || column.encode_all(array, descriptor))?;
                group.append_column(&chunk.bytes, chunk.close)?;
            }
            group.close()?;
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for (column, descriptor) in self.columns.iter().zip(&descriptors) {
            let chunk = match column {
                AnyColumn::TextOf { column, text } => texts_of(self.columns.get(*column), *text, descriptor)?,
                column => column.encode(descriptor)?,
            };
            group.append_column(&chunk.bytes, chunk.close)?;
        }
        group.close()?;
        self.columns.iter_mut().for_each(AnyColumn::clear);
        (self.rows, self.next_look) = (0, LOOK_ROWS);
        Ok(())
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<W> {
        self.flush()?;
        self.file.into_inner()
    }
}

/// A column of any type that tables have.
enum AnyColumn {
    Text(Column<Texts>),
    /// Texts that are made of another column's numbers at the end.
    TextOf {
        column: usize,
        text: fn(i64, &mut Vec<u8>),
    },
    Bool(Column<Numbers<1>>),
    Narrow(Column<Numbers<4>>),
    Wide(Number, Column<Numbers<8>>),
}

fn wrong(what: &str) -> ParquetError {
    ParquetError::General(format!("a column of a table is not of its type: {what}"))
}

impl AnyColumn {
    fn new(kind: &DataType) -> Result<Self> {
        Ok(match kind {
            DataType::Utf8 => Self::Text(Column::default()),
            DataType::Boolean => Self::Bool(Column::default()),
            DataType::Date32 => Self::Narrow(Column::default()),
            DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Self::Wide(Number::Int64, Column::default())
            }
            DataType::Float64 => Self::Wide(Number::Double, Column::default()),
            other => return Err(wrong(&other.to_string())),
        })
    }

    fn extend(&mut self, array: &ArrayRef) -> Result<()> {
        let kind = array.data_type();
        match self {
            Self::Text(column) => {
                let texts = array.as_string_opt::<i32>().ok_or_else(|| wrong(&kind.to_string()))?;
                if texts.null_count() == 0 {
                    column.extend(texts.iter().flatten().map(str::as_bytes));
                } else {
                    texts.iter().for_each(|text| push_option(column, text.map(str::as_bytes)));
                }
            }
            Self::TextOf { .. } => return Err(wrong("rows after runs of rows")),
            Self::Bool(column) => {
                let truths = array.as_boolean_opt().ok_or_else(|| wrong(&kind.to_string()))?;
                truths.iter().for_each(|truth| push_option(column, truth.map(u64::from)));
            }
            Self::Narrow(column) => extend::<Date32Type, 4>(column, array, |days| u64::from(days as u32))?,
            Self::Wide(Number::Double, column) => extend::<Float64Type, 8>(column, array, f64::to_bits)?,
            Self::Wide(_, column) if *kind == DataType::Int64 => {
                extend::<Int64Type, 8>(column, array, |number| number as u64)?
            }
            Self::Wide(_, column) => extend::<TimestampMicrosecondType, 8>(column, array, |micros| micros as u64)?,
        }
        Ok(())
    }

    fn push_cells(&mut self, cells: &Cells, start: usize, count: usize) -> Result<()> {
        let end = start + count;
        let short = || wrong("a run has too few cells");
        // A row group has far less than 4 billion rows.
        let rows = count as u32;
        match (self, cells) {
            (Self::Text(column), Cells::Text(Some(text))) => column.push(text.as_bytes(), rows),
            (Self::Text(column), Cells::Text(None)) => column.push_nulls(rows),
            (this @ (Self::Text(_) | Self::TextOf { .. }), Cells::TextOf { column, text }) => {
                *this = Self::TextOf { column: *column, text: *text };
            }
            (Self::Narrow(column), Cells::Int(Some(number))) => column.push(u64::from(*number as u32), rows),
            (Self::Narrow(column), Cells::Int(None)) => column.push_nulls(rows),
            (Self::Wide(Number::Int64, column), Cells::Int(Some(number))) => column.push(*number as u64, rows),
            (Self::Wide(Number::Int64, column), Cells::Int(None)) => column.push_nulls(rows),
            (Self::Wide(Number::Int64, column), Cells::Ints(numbers)) => {
                numbers.get(start..end).ok_or_else(short)?.iter().for_each(|number| column.push(*number as u64, 1));
            }
            (Self::Wide(Number::Double, column), Cells::Doubles(doubles)) => {
                for double in doubles.get(start..end).ok_or_else(short)? {
                    push_option(column, (!double.is_nan()).then_some(double.to_bits()));
                }
            }
            (_, cells) => return Err(wrong(&format!("{cells:?}"))),
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        match self {
            Self::Text(column) => column.memory(),
            Self::TextOf { .. } => 0,
            Self::Bool(column) => column.memory(),
            Self::Narrow(column) => column.memory(),
            Self::Wide(_, column) => column.memory(),
        }
    }

    /// The pages of an array, by a column that has nothing else.
    fn encode_all(&mut self, array: &ArrayRef, descriptor: &ColumnDescPtr) -> Result<Chunk> {
        self.extend(array)?;
        let chunk = self.encode(descriptor);
        self.clear();
        chunk
    }

    /// The pages so far.
    fn encode(&self, descriptor: &ColumnDescPtr) -> Result<Chunk> {
        match self {
            Self::Text(column) => encode_texts(column, descriptor),
            Self::TextOf { .. } => Err(wrong("texts of no column")),
            Self::Bool(column) => {
                let bits = column.values.plain().iter();
                let [min, max] = [bits.clone().min(), bits.max()].map(|bit| bit.map(|bit| *bit == 1));
                let statistics = Statistics::boolean(min, max, None, Some(column.nulls as u64), false);
                encode(column, descriptor, &Plain::Bits, statistics)
            }
            Self::Narrow(column) => {
                let statistics = column.values.statistics(Number::Int32, column.nulls as u64);
                encode(column, descriptor, &Plain::Bytes, statistics)
            }
            Self::Wide(number, column) => {
                let statistics = column.values.statistics(*number, column.nulls as u64);
                encode(column, descriptor, &Plain::Bytes, statistics)
            }
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Text(column) => column.clear(),
            Self::TextOf { .. } => {}
            Self::Bool(column) => column.clear(),
            Self::Narrow(column) => column.clear(),
            Self::Wide(_, column) => column.clear(),
        }
    }
}

fn encode_texts(column: &Column<Texts>, descriptor: &ColumnDescPtr) -> Result<Chunk> {
    encode(column, descriptor, &Plain::Bytes, column.values.statistics(column.nulls as u64))
}

/// The pages of texts that are made of an integer column: that one's indices count for them, too.
fn texts_of(column: Option<&AnyColumn>, text: fn(i64, &mut Vec<u8>), descriptor: &ColumnDescPtr) -> Result<Chunk> {
    let Some(AnyColumn::Wide(Number::Int64, numbers)) = column else {
        return Err(wrong("texts of a column that has no integers"));
    };
    let mut buffer = Vec::new();
    let texts = numbers.map(|number, texts: &mut Texts| {
        buffer.clear();
        text(number as i64, &mut buffer);
        texts.push(&buffer);
    });
    encode_texts(&texts, descriptor)
}

#[inline]
fn push_option<V: Values>(column: &mut Column<V>, value: Option<V::Value<'_>>) {
    match value {
        Some(value) => column.push(value, 1),
        None => column.push_nulls(1),
    }
}

fn extend<T: ArrowPrimitiveType, const WIDTH: usize>(
    column: &mut Column<Numbers<WIDTH>>,
    array: &ArrayRef,
    bits: impl Fn(T::Native) -> u64,
) -> Result<()> {
    let array = array.as_primitive_opt::<T>().ok_or_else(|| wrong(&array.data_type().to_string()))?;
    if array.null_count() == 0 {
        column.extend(array.values().iter().map(|value| bits(*value)));
    } else {
        array.iter().for_each(|value| push_option(column, value.map(&bits)));
    }
    Ok(())
}
