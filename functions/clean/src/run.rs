//! Rows that are alike, as decoders of series have them: most cells are the same in all of them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, SchemaRef};
use lake::parquet::Cells;

use crate::error::Stop;

/// Rows of one series and one local day, in the order of their stamps if the raw object has them so.
#[derive(Debug, Clone, Copy)]
pub struct Run<'r> {
    /// A cell or cells for each column of the table's schema.
    pub cells: &'r [Cells<'r>],
    /// Their day.
    pub day: i32,
    /// How many of them have no measured value.
    pub missing: u64,
    /// The series: another number stands for other values of [`Run::SERIES`].
    pub series: u32,
    /// The instants of [`Run::STAMP`], one for each row.
    pub stamps: &'r [i64],
}

impl Run<'_> {
    /// The column that names the series.
    pub const SERIES: &'static str = "timeseries_id";
    /// The column that tells apart the rows of a series.
    pub const STAMP: &'static str = "timestamp";

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.stamps.len()
    }

    /// The same rows one by one.
    pub fn to_batch(&self, schema: &SchemaRef) -> Result<RecordBatch, Stop> {
        let columns = schema.fields().iter().zip(self.cells);
        let columns = columns.map(|(field, cells)| self.array(field.data_type(), cells)).collect::<Result<_, _>>()?;
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }

    fn array(&self, kind: &DataType, cells: &Cells) -> Result<ArrayRef, Stop> {
        let rows = self.rows();
        let integers = |numbers: Vec<Option<i64>>| -> Option<ArrayRef> {
            Some(match kind {
                DataType::Int64 => Arc::new(Int64Array::from(numbers)),
                DataType::Timestamp(..) => Arc::new(TimestampMicrosecondArray::from(numbers).with_timezone("UTC")),
                // The number was a date's.
                DataType::Date32 => {
                    Arc::new(numbers.into_iter().map(|days| days.map(|days| days as i32)).collect::<Date32Array>())
                }
                _ => return None,
            })
        };
        let array: Option<ArrayRef> = match *cells {
            Cells::Text(text) => Some(Arc::new(StringArray::from_iter(std::iter::repeat_n(text, rows)))),
            Cells::TextOf { column, text } => match self.cells.get(column) {
                Some(Cells::Ints(numbers)) => Some(Arc::new(texts(numbers, text)?)),
                _ => None,
            },
            Cells::Int(number) => integers(vec![number; rows]),
            Cells::Ints(numbers) => integers(numbers.iter().copied().map(Some).collect()),
            Cells::Doubles(doubles) => {
                let known = doubles.iter().map(|double| (!double.is_nan()).then_some(*double));
                Some(Arc::new(known.collect::<Float64Array>()))
            }
        };
        array.ok_or_else(|| Stop::Broken(format!("a run has other cells than its table: {kind}")))
    }
}

fn texts(numbers: &[i64], text: fn(i64, &mut Vec<u8>)) -> Result<StringArray, Stop> {
    let mut texts = StringBuilder::new();
    let mut buffer = Vec::new();
    for number in numbers {
        buffer.clear();
        text(*number, &mut buffer);
        let text = std::str::from_utf8(&buffer).map_err(|error| Stop::Broken(error.to_string()))?;
        texts.append_value(text);
    }
    Ok(texts.finish())
}
