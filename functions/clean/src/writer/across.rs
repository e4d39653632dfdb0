//! Rows of several parts that may have the same key.

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Date32Type, SchemaRef};
use lake::dataset::{Spread, Table};
use lake::partition::{PartitionBy, Period};

use super::to_date;
use crate::duplicates::{Duplicates, RowSet};
use crate::error::Stop;
use crate::key::KeyColumns;
use crate::part::ClosedPart;
use crate::spill::Spill;

/// The keys of these rows.
pub(super) struct Across {
    spread: Spread,
    /// The periods that parts are, where rows of several may have the same key.
    period: Option<Period>,
    keys: Duplicates,
    /// For each part, how many of its rows came before keys were looked at: those all have different keys.
    before: Vec<u64>,
}

/// Rows of an object that go to one part.
pub(super) struct Rows<'b> {
    /// The part's number, and its rows so far.
    pub part: usize,
    pub first: u64,
    /// The rows, and the column that has their day.
    pub batch: &'b RecordBatch,
    pub day: Option<usize>,
}

impl Across {
    pub(super) fn new(table: &Table) -> Self {
        let spread = table.spread();
        let period = match &table.partition {
            PartitionBy::Time(period, _) if !matches!(spread, Spread::SameDay) => Some(*period),
            _ => None,
        };
        Self { spread, period, keys: Duplicates::across(), before: Vec::new() }
    }

    /// Begins to look at keys, behind so many rows of each part.
    pub(super) fn begin(&mut self, before: Vec<u64>) {
        self.before = before;
    }

    /// Takes note of the keys of rows that may come again in another part. `order` has where a row stands among all of
    /// the object.
    pub(super) fn add(&mut self, keys: &KeyColumns, rows: &Rows, order: impl Fn(u32) -> u64) -> Result<(), Stop> {
        let Some(period) = self.period else { return Ok(()) };
        let days = rows.day.and_then(|day| rows.batch.column(day).as_primitive_opt::<Date32Type>());
        let days = days.ok_or_else(|| Stop::Broken("the partition's day is not a date".to_owned()))?;
        let mut known: Option<(i32, bool)> = None;
        let mut may_come_again = |day: i32| match (self.spread, known) {
            (Spread::SameDay, _) => false,
            (Spread::AnyDay, _) => true,
            (Spread::NearDays, Some((last, is_near))) if last == day => is_near,
            (Spread::NearDays, _) => known.insert((day, is_near_an_end(period, day))).1,
        };
        let places: Vec<u32> =
            days.values().iter().zip(0..).filter(|(day, _)| may_come_again(**day)).map(|(_, place)| place).collect();
        if places.is_empty() {
            return Ok(());
        }
        let too_many = || Stop::reject("too_many_rows", "a partition would get more than 4 billion rows");
        let part = u32::try_from(rows.part).map_err(|_| too_many())?;
        let hashes = keys.hashes(&take_record_batch(rows.batch, &UInt32Array::from(places.clone()))?)?;
        for (hash, place) in hashes.into_iter().zip(places) {
            let row = u32::try_from(rows.first + u64::from(place)).map_err(|_| too_many())?;
            self.keys.add_at(hash, order(place), part, row)?;
        }
        Ok(())
    }

    /// The rows of each part that are superseded by a row of any.
    pub(super) fn finish(
        mut self,
        keys: &KeyColumns,
        closed: &[ClosedPart],
        (schema, day, spill): (&SchemaRef, Option<usize>, &mut Spill),
    ) -> Result<Vec<RowSet>, Stop> {
        // With one part there is nothing across.
        if self.period.is_none() || closed.len() < 2 {
            return Ok(vec![RowSet::default(); closed.len()]);
        }
        for (number, before) in std::mem::take(&mut self.before).into_iter().enumerate() {
            let Some(part) = closed.get(number) else { continue };
            let mut first = 0;
            part.read(schema, spill, |batch, _| {
                let count = (before - first).min(batch.num_rows() as u64);
                let batch = &batch.slice(0, count as usize);
                // They come before all others, and their order among themselves does not matter.
                self.add(keys, &Rows { part: number, first, batch, day }, |_| 0)?;
                first += count;
                Ok(())
            })?;
        }
        Ok(self.keys.finish(closed.len())?)
    }
}

/// Whether the days around a day, as far as [`Spread::NEAR`], are of another period.
fn is_near_an_end(period: Period, day: i32) -> bool {
    let near = Spread::NEAR as i32;
    let of = |day: i32| to_date(day).and_then(|date| period.of(date));
    of(day.saturating_sub(near)) != of(day) || of(day.saturating_add(near)) != of(day)
}
