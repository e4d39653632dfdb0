//! The declared columns of a table while rows are added to them: the fast way from a record to Arrow.
//!
//! What a column's declaration means for a value is worked out once, when the columns are made. Each column then takes
//! the common shapes of its type straight from the bytes. Everything else (what is missing, refused, or written in another
//! way) goes through [`check`], which alone decides: the fast way accepts nothing that it would not, and refuses nothing.

mod cells;
mod column;
mod number;
mod shape;
mod stamp;
mod time;

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{Date32Type, SchemaRef};
use lake::dataset::{Column, Table};
use lake::time::DayFinder;

use self::column::TableColumn;
pub(super) use self::column::is_blank;
use self::stamp::Stamps;
use super::RawObject;
use super::clocks::Clock;
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;
use lake::value::{Raw, Refusal, Typed, require};
use lake::years;

/// Rows per batch, and the text that they may come from.
const BATCH_ROWS: usize = 8 * 1024;
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Rows per batch where times that come twice wait for rows behind them.
pub(super) const WAITING_ROWS: usize = 128 * 1024;

/// Where a row stands in the raw object, and its whole text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'r> {
    /// The line where it begins, or its running index; from 1.
    pub row: u64,
    /// The record as it was read.
    pub text: &'r [u8],
    /// When it arrived, in microseconds since 1970.
    pub received_at: i64,
}

/// A value as the raw object has it, not understood yet. Its bytes are UTF-8.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Field<'v> {
    /// There is none.
    Missing,
    /// Text.
    Text(&'v [u8]),
    /// A JSON number, as it stands.
    Number(&'v [u8]),
    /// JSON's true or false.
    Bool(bool),
    /// A JSON list or object.
    Nested,
}

impl<'v> From<&'v Raw<'_>> for Field<'v> {
    fn from(raw: &'v Raw<'_>) -> Self {
        match raw {
            Raw::Missing => Self::Missing,
            Raw::Text(text) => Self::Text(text.as_bytes()),
            Raw::Number(digits) => Self::Number(digits.as_bytes()),
            Raw::Bool(truth) => Self::Bool(*truth),
            Raw::Nested | Raw::HalfCharacter | Raw::Vague(_) | Raw::Stamp { .. } => Self::Nested,
        }
    }
}

/// The rows of the next batch.
pub(super) struct Columns<'a> {
    schema: SchemaRef,
    columns: Vec<TableColumn<'a>>,
    /// Columns that are the local day of another: which, and of which.
    days_of: Vec<(usize, usize)>,
    days: DayFinder,
    /// The days that have a partition, and the column that has them, where not all do.
    partition_days: Option<(usize, RangeInclusive<i64>)>,
    received: Vec<i64>,
    stamps: Stamps,
    bytes: usize,
    /// Columns with local times that are told apart by the rows about them.
    clocks: Vec<Clock>,
    /// Columns of the key that may be null by themselves.
    key: Vec<usize>,
}

impl<'a> Columns<'a> {
    /// No rows yet.
    pub(super) fn new(object: &RawObject<'a>) -> Self {
        let columns = &object.table.columns;
        let days_of = columns.iter().enumerate().filter_map(|(at, column)| {
            let of = column.day_of.as_ref()?;
            Some((at, columns.iter().position(|column| column.name == *of)?))
        });
        Self {
            schema: object.table.schema(),
            days_of: days_of.collect(),
            days: DayFinder::new(object.dataset.zone, object.dataset.stamp),
            partition_days: years::partition_days(object.table),
            columns: columns.iter().map(TableColumn::new).collect(),
            received: Vec::new(),
            stamps: Stamps::default(),
            bytes: 0,
            clocks: Clock::of_table(object.table),
            key: nullable_key(object.table),
        }
    }

    /// Adds a row, or rejects it. `field` finds the value of a column by its position.
    pub(super) fn add<'v>(
        &mut self,
        record: Record,
        sink: &mut dyn Sink,
        field: impl Fn(usize) -> Field<'v>,
    ) -> Result<(), Stop> {
        let Self { columns, stamps, .. } = self;
        stamps.forget();
        let refused = push_each(columns, |at, column| column.push(field(at), stamps));
        self.end_row(refused, record, sink)
    }

    /// The same where all values are texts.
    pub(super) fn add_texts<'v>(
        &mut self,
        record: Record,
        sink: &mut dyn Sink,
        text: impl Fn(usize) -> Option<&'v [u8]>,
    ) -> Result<(), Stop> {
        let Self { columns, stamps, .. } = self;
        stamps.forget();
        let refused = push_each(columns, |at, column| column.push_text(text(at), stamps));
        self.end_row(refused, record, sink)
    }

    /// The same with values that were understood by a parser: by [`check`] alone.
    pub(super) fn add_raw<'v>(
        &mut self,
        record: Record,
        sink: &mut dyn Sink,
        value: impl Fn(usize, &'a Column) -> Raw<'v>,
    ) -> Result<(), Stop> {
        let refused = push_each(&mut self.columns, |at, column| column.push_checked(value(at, column.declared())));
        self.end_row(refused, record, sink)
    }

    /// Completes the row, or takes back what was added of it.
    fn end_row(
        &mut self,
        refused: Result<(), (&'a str, Refusal)>,
        record: Record,
        sink: &mut dyn Sink,
    ) -> Result<(), Stop> {
        match refused.and_then(|()| self.push_days()) {
            Ok(()) => {
                if !self.clocks.is_empty() {
                    self.note_times();
                }
                self.received.push(record.received_at);
                self.bytes += record.text.len();
            }
            Err((column, (reason, message))) => {
                let rows = self.received.len();
                self.columns.iter_mut().for_each(|column| column.truncate(rows));
                let Record { row, text, .. } = record;
                sink.reject(&Reject { row, column: Some(column), reason, message, text })?;
            }
        }
        let most = if self.clocks.iter().any(Clock::is_open) { WAITING_ROWS } else { BATCH_ROWS };
        let is_full = self.received.len() >= most || self.bytes >= BATCH_BYTES;
        if is_full { self.hand_on(false, sink) } else { Ok(()) }
    }

    /// Takes note of the row's times that may come twice, or may tell which of two instants others are.
    fn note_times(&mut self) {
        let row = self.received.len();
        let Self { clocks, columns, .. } = self;
        for clock in clocks {
            let Some(column) = columns.get_mut(clock.column) else { continue };
            let twice = column.take_twice();
            let micros = column.int(row);
            let series = std::mem::take(&mut clock.series);
            clock.note(row, micros, twice, |key| {
                series.iter().filter_map(|at| columns.get(*at)).for_each(|column| column.append_key(row, key));
            });
            clock.series = series;
        }
    }

    /// Puts the instants in place of which rows about them were needed, and their days.
    fn settle_times(&mut self, is_end: bool) {
        let Self { clocks, columns, days_of, days, .. } = self;
        for clock in clocks {
            for (row, micros) in clock.settle(is_end) {
                columns.get_mut(clock.column).into_iter().for_each(|column| column.set_instant(row, micros));
                for (at, _) in days_of.iter().filter(|(_, of)| *of == clock.column) {
                    let day = days.day_of(micros).map(Date32Type::from_naive_date);
                    columns.get_mut(*at).zip(day).into_iter().for_each(|(column, day)| column.set_day(row, day));
                }
            }
        }
    }

    /// Fills in the days of instants, and refuses one without a partition.
    fn push_days(&mut self) -> Result<(), (&'a str, Refusal)> {
        let row = self.received.len();
        for (at, of) in &self.days_of {
            let micros = self.columns.get(*of).and_then(|column| column.int(row));
            // The local day of an instant at the edge of the years may be beyond it.
            let day = micros.map(|micros| self.days.day_of(micros).filter(|day| years::has(*day)));
            let Some(column) = self.columns.get_mut(*at) else { continue };
            let name = column.declared().name.as_str();
            match day {
                None => {
                    require(column.declared(), &Typed::Null).map_err(|refusal| (name, refusal))?;
                    column.push_typed(Typed::Null);
                }
                Some(None) => return Err((name, years::out_of_range())),
                Some(Some(day)) => column.push_typed(Typed::Int(i64::from(Date32Type::from_naive_date(day)))),
            }
        }
        if let Some((at, days)) = &self.partition_days
            && let Some(column) = self.columns.get(*at)
            && column.int(row).is_some_and(|day| !days.contains(&day))
        {
            return Err((column.declared().name.as_str(), years::no_school_year()));
        }
        let is_null = |at: &&usize| self.columns.get(**at).is_some_and(|column| column.is_null(row));
        match self.key.iter().find(is_null).and_then(|at| self.columns.get(*at)) {
            Some(column) => Err((column.declared().name.as_str(), missing_key())),
            None => Ok(()),
        }
    }

    /// Hands on what there is: no row follows.
    pub(super) fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.hand_on(true, sink)
    }

    fn hand_on(&mut self, is_end: bool, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.settle_times(is_end);
        self.bytes = 0;
        let mut columns = Vec::with_capacity(self.columns.len() + 1);
        for column in &mut self.columns {
            columns.push(column.finish()?);
        }
        let received = TimestampMicrosecondArray::from(std::mem::take(&mut self.received)).with_timezone("UTC");
        columns.push(Arc::new(received) as ArrayRef);
        sink.write(&RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// The columns of a table's key that may be null by their own declaration, though not in a key.
pub(super) fn nullable_key(table: &Table) -> Vec<usize> {
    if table.key_may_be_null {
        return Vec::new();
    }
    let columns = table.columns.iter().enumerate();
    columns.filter(|(_, column)| table.key.contains(&column.name) && !column.required).map(|(at, _)| at).collect()
}

/// Refuses a row that no key tells from others.
pub(super) fn missing_key() -> Refusal {
    ("missing_key", "a value is missing that is part of the row's key".to_owned())
}

/// Pushes a value into each column that has one of its own; stops at the first that is refused.
#[inline]
fn push_each<'a>(
    columns: &mut [TableColumn<'a>],
    mut push: impl FnMut(usize, &mut TableColumn<'a>) -> Result<(), Refusal>,
) -> Result<(), (&'a str, Refusal)> {
    for (at, column) in columns.iter_mut().enumerate() {
        if !column.is_day_of_another {
            push(at, column).map_err(|refusal| (column.declared().name.as_str(), refusal))?;
        }
    }
    Ok(())
}
