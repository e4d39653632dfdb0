//! Rows of declared columns: checked value by value, kept in builders, handed on in batches.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Array, Float64Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use arrow::datatypes::Date32Type;
use lake::dataset::{Column, ColumnType};
use lake::time::DayFinder;

use super::RawObject;
use super::clocks::Clock;
use super::columns::{WAITING_ROWS, missing_key, nullable_key};
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;
use lake::value::{Raw, Refusal, Typed, check, require};
use lake::years;

/// Rows per batch, and the text that they may come from.
const BATCH_ROWS: usize = 8 * 1024;
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Where a row stands in the raw object, and its whole text.
#[derive(Debug, Clone, Copy)]
pub struct Record<'r> {
    /// The line where it begins, or its running index; from 1.
    pub row: u64,
    /// The record as it was read.
    pub text: &'r [u8],
    /// When it arrived, in microseconds since 1970.
    pub received_at: i64,
}

/// The rows of the next batch.
pub struct Rows<'a> {
    object: &'a RawObject<'a>,
    builders: Vec<Builder>,
    /// For each column that is the day of another: which one.
    days_of: Vec<Option<usize>>,
    days: DayFinder,
    /// The days that have a partition, and the column that has them, where not all do.
    partition_days: Option<(usize, RangeInclusive<i64>)>,
    received: TimestampMicrosecondBuilder,
    rows: usize,
    bytes: usize,
    clocks: Vec<Clock>,
}

impl<'a> Rows<'a> {
    /// No rows yet.
    pub fn new(object: &'a RawObject<'a>) -> Self {
        let columns = &object.table.columns;
        let position = |name: &String| columns.iter().position(|column| column.name == *name);
        Self {
            object,
            builders: columns.iter().map(|column| Builder::new(column.kind)).collect(),
            days_of: columns.iter().map(|column| column.day_of.as_ref().and_then(position)).collect(),
            days: DayFinder::new(object.dataset.zone, object.dataset.stamp),
            partition_days: years::partition_days(object.table),
            received: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            rows: 0,
            bytes: 0,
            clocks: Clock::of_table(object.table),
        }
    }

    /// Adds a row, or rejects it. `value` finds the value of a column, which it is given with its position.
    pub fn add<'v>(
        &mut self,
        record: Record,
        sink: &mut dyn Sink,
        value: impl Fn(usize, &'a Column) -> Raw<'v>,
    ) -> Result<(), Stop> {
        match self.typed(value) {
            Ok(values) => {
                for (builder, value) in self.builders.iter_mut().zip(values) {
                    builder.push(value);
                }
                self.received.append_value(record.received_at);
                self.rows += 1;
                self.bytes += record.text.len();
            }
            Err((column, (reason, message))) => {
                let Record { row, text, .. } = record;
                sink.reject(&Reject { row, column: Some(column), reason, message, text })?;
            }
        }
        let most = if self.clocks.iter().any(Clock::is_open) { WAITING_ROWS } else { BATCH_ROWS };
        if self.rows >= most || self.bytes >= BATCH_BYTES { self.hand_on(false, sink) } else { Ok(()) }
    }

    /// The row's values in the order of the columns, or the first refusal.
    fn typed<'v>(
        &mut self,
        value: impl Fn(usize, &'a Column) -> Raw<'v>,
    ) -> Result<Vec<Typed<'v>>, (&'a str, Refusal)> {
        let columns = &self.object.table.columns;
        let mut values: Vec<Typed> = Vec::with_capacity(columns.len());
        for (at, column) in columns.iter().enumerate() {
            let refused = |refusal| (column.name.as_str(), refusal);
            let typed = if column.day_of.is_some() {
                Typed::Null
            } else {
                check(column, value(at, column)).map_err(refused)?
            };
            values.push(typed);
        }
        let typed = values.clone();
        for clock in &self.clocks {
            if let Some(value) = values.get_mut(clock.column)
                && let Typed::Twice(twice) = value
            {
                *value = Typed::Int(twice.earlier);
            }
        }
        for ((at, column), of) in columns.iter().enumerate().zip(&self.days_of) {
            let Some(of) = of else { continue };
            let Some(Typed::Int(micros)) = values.get(*of) else {
                require(column, &Typed::Null).map_err(|refusal| (column.name.as_str(), refusal))?;
                continue;
            };
            // The local day of an instant at the edge of the years may be beyond it.
            let day = self.days.day_of(*micros).filter(|day| years::has(*day));
            let day = day.ok_or_else(|| (column.name.as_str(), years::out_of_range()))?;
            if let Some(value) = values.get_mut(at) {
                *value = Typed::Int(i64::from(Date32Type::from_naive_date(day)));
            }
        }
        if let Some((at, days)) = &self.partition_days
            && let (Some(Typed::Int(day)), Some(column)) = (values.get(*at), columns.get(*at))
            && !days.contains(day)
        {
            return Err((column.name.as_str(), years::no_school_year()));
        }
        for at in nullable_key(self.object.table) {
            if let (Some(Typed::Null), Some(column)) = (values.get(at), columns.get(at)) {
                return Err((column.name.as_str(), missing_key()));
            }
        }
        for clock in &mut self.clocks {
            let series = format!("{:?}", clock.series.iter().map(|at| typed.get(*at)).collect::<Vec<_>>());
            let (micros, twice) = match typed.get(clock.column) {
                Some(Typed::Int(micros)) => (Some(*micros), None),
                Some(Typed::Twice(twice)) => (Some(twice.earlier), Some(*twice)),
                _ => (None, None),
            };
            clock.note(self.rows, micros, twice, |key| key.extend_from_slice(series.as_bytes()));
        }
        Ok(values)
    }

    /// Hands on what there is: no row follows.
    pub fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.hand_on(true, sink)
    }

    fn hand_on(&mut self, is_end: bool, sink: &mut dyn Sink) -> Result<(), Stop> {
        for clock in &mut self.clocks {
            for (row, micros) in clock.settle(is_end) {
                self.builders[clock.column].set(row, micros);
                for (at, _) in self.days_of.iter().enumerate().filter(|(_, of)| **of == Some(clock.column)) {
                    let day = Date32Type::from_naive_date(self.days.day_of(micros).unwrap());
                    self.builders[at].set(row, i64::from(day));
                }
            }
        }
        (self.rows, self.bytes) = (0, 0);
        let mut columns: Vec<ArrayRef> = self.builders.iter_mut().map(Builder::finish).collect();
        columns.push(Arc::new(self.received.finish()));
        sink.write(&RecordBatch::try_new(self.object.table.schema(), columns)?)
    }
}

/// A column that grows value by value.
enum Builder {
    Text(StringBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Date(Vec<Option<i32>>),
    Instant(Vec<Option<i64>>),
}

impl Builder {
    fn new(kind: ColumnType) -> Self {
        match kind {
            ColumnType::String => Self::Text(StringBuilder::new()),
            ColumnType::Int64 => Self::Int(Int64Builder::new()),
            ColumnType::Float64 => Self::Float(Float64Builder::new()),
            ColumnType::Bool => Self::Bool(BooleanBuilder::new()),
            ColumnType::Date => Self::Date(Vec::new()),
            ColumnType::Timestamp => Self::Instant(Vec::new()),
        }
    }

    /// Adds a value that was checked for a column of this type; one of another type becomes null.
    fn push(&mut self, value: Typed) {
        match (self, value) {
            (Self::Text(column), Typed::Text(text)) => column.append_value(text),
            (Self::Text(column), _) => column.append_null(),
            (Self::Int(column), Typed::Int(number)) => column.append_value(number),
            (Self::Int(column), _) => column.append_null(),
            (Self::Float(column), Typed::Float(number)) => column.append_value(number),
            (Self::Float(column), _) => column.append_null(),
            (Self::Bool(column), Typed::Bool(truth)) => column.append_value(truth),
            (Self::Bool(column), _) => column.append_null(),
            (Self::Date(column), Typed::Int(days)) => column.push(i32::try_from(days).ok()),
            (Self::Date(column), _) => column.push(None),
            (Self::Instant(column), Typed::Int(micros)) => column.push(Some(micros)),
            (Self::Instant(column), _) => column.push(None),
        }
    }

    /// Puts another instant or day in place of a row's.
    fn set(&mut self, row: usize, value: i64) {
        match self {
            Self::Date(column) => column[row] = i32::try_from(value).ok(),
            Self::Instant(column) => column[row] = Some(value),
            _ => {}
        }
    }

    /// The column so far; the builder is empty afterwards.
    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(column) => Arc::new(column.finish()),
            Self::Int(column) => Arc::new(column.finish()),
            Self::Float(column) => Arc::new(column.finish()),
            Self::Bool(column) => Arc::new(column.finish()),
            Self::Date(column) => Arc::new(Date32Array::from(std::mem::take(column))),
            Self::Instant(column) => {
                Arc::new(TimestampMicrosecondArray::from(std::mem::take(column)).with_timezone("UTC"))
            }
        }
    }
}
