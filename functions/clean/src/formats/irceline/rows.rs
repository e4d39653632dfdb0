//! Clean values on their way to the sink: those of a series and a local day make one run.

use std::ops::Range;

use arrow::datatypes::{Date32Type, SchemaRef};
use chrono::{DateTime, Datelike};
use lake::dataset::RECEIVED_AT;
use lake::parquet::Cells;
use lake::time::DayFinder;

use super::series::KnownSeries;
use crate::error::Stop;
use lake::years;

use crate::formats::RawObject;
use crate::run::Run;
use crate::writer::Sink;

/// The most rows of a run.
const MAX_ROWS: usize = 16 * 1024;
const DAY_SECONDS: i64 = 86_400;

/// What a column of the table shows.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Id,
    Station,
    Phenomenon,
    Parameter,
    Uom,
    Stamp,
    /// The stamp as text; where the stamp's column is.
    Datetime(usize),
    Day,
    Value,
    ReceivedAt,
}

/// The rows of the next run.
pub(super) struct Rows<'a> {
    schema: SchemaRef,
    shown: Vec<Shown>,
    series: &'a KnownSeries,
    days: DayFinder,
    /// The day of the run, and the instants that are of it.
    day: i32,
    within: Range<i64>,
    number: u32,
    received: i64,
    stamps: Vec<i64>,
    /// NaN is missing.
    values: Vec<f64>,
    missing: u64,
}

impl<'a> Rows<'a> {
    pub(super) fn new(object: &RawObject, series: &'a KnownSeries) -> Result<Self, Stop> {
        let schema = object.table.schema();
        Ok(Self {
            shown: schema.fields().iter().map(|field| shown(&schema, field.name())).collect::<Result<_, _>>()?,
            schema,
            series,
            days: DayFinder::new(object.dataset.zone, object.dataset.stamp),
            day: 0,
            within: 0..0,
            number: 0,
            received: 0,
            stamps: Vec::with_capacity(32),
            values: Vec::with_capacity(32),
            missing: 0,
        })
    }

    /// Begins the rows of a series.
    pub(super) fn begin(&mut self, number: u32, received: i64, sink: &mut dyn Sink) -> Result<(), Stop> {
        if (number, received) != (self.number, self.received) {
            self.flush(sink)?;
            (self.number, self.received) = (number, received);
        }
        Ok(())
    }

    /// Adds a row if it belongs to the same day as those before it; a value that is NaN is missing.
    #[inline]
    pub(super) fn push(&mut self, micros: i64, value: f64) -> bool {
        if !self.within.contains(&micros) || self.stamps.len() >= MAX_ROWS {
            return false;
        }
        self.stamps.push(micros);
        self.missing += u64::from(value.is_nan());
        self.values.push(value);
        true
    }

    /// Adds a row of any day; false if no calendar holds its time.
    pub(super) fn push_any(&mut self, micros: i64, value: f64, sink: &mut dyn Sink) -> Result<bool, Stop> {
        if self.push(micros, value) {
            return Ok(true);
        }
        if !years::INSTANTS.contains(&micros) {
            return Ok(false);
        }
        let Some((day, instants)) = self.days.bounds_of(micros).filter(|(day, _)| years::has(*day)) else {
            return Ok(false);
        };
        self.flush(sink)?;
        self.day = Date32Type::from_naive_date(day);
        self.within = instants.start.max(*years::INSTANTS.start())..instants.end.min(*years::INSTANTS.end() + 1);
        Ok(self.push(micros, value))
    }

    /// Hands the rows so far to the sink.
    pub(super) fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        if self.stamps.is_empty() {
            return Ok(());
        }
        let Some((id, series)) = self.series.get(self.number) else {
            return Err(Stop::Broken("a series has no number".to_owned()));
        };
        let cells = self.shown.iter().map(|shown| match *shown {
            Shown::Id => Cells::Text(Some(id)),
            Shown::Station => Cells::Int(series.station_id),
            Shown::Phenomenon => Cells::Text(series.phenomenon_id.as_deref()),
            Shown::Parameter => Cells::Text(series.parameter.as_deref()),
            Shown::Uom => Cells::Text(series.uom.as_deref()),
            Shown::Stamp => Cells::Ints(&self.stamps),
            Shown::Datetime(column) => Cells::TextOf { column, text: datetime },
            Shown::Day => Cells::Int(Some(i64::from(self.day))),
            Shown::Value => Cells::Doubles(&self.values),
            Shown::ReceivedAt => Cells::Int(Some(self.received)),
        });
        let cells: Vec<Cells> = cells.collect();
        let (day, missing, series, stamps) = (self.day, self.missing, self.number, self.stamps.as_slice());
        sink.write_run(&self.schema, &Run { cells: &cells, day, missing, series, stamps })?;
        self.stamps.clear();
        self.values.clear();
        self.missing = 0;
        Ok(())
    }
}

fn shown(schema: &SchemaRef, column: &str) -> Result<Shown, Stop> {
    Ok(match column {
        Run::SERIES => Shown::Id,
        "station_id" => Shown::Station,
        "phenomenon_id" => Shown::Phenomenon,
        "parameter" => Shown::Parameter,
        "uom" => Shown::Uom,
        Run::STAMP => Shown::Stamp,
        "datetime" => Shown::Datetime(schema.index_of(Run::STAMP)?),
        "day" => Shown::Day,
        "value" => Shown::Value,
        RECEIVED_AT => Shown::ReceivedAt,
        name => return Err(Stop::Broken(format!("format irceline-values has no column \"{name}\""))),
    })
}

/// Appends an instant as `YYYY-MM-DDTHH:MM:SSZ`. All instants of rows are of the years 1 to 9999.
fn datetime(micros: i64, text: &mut Vec<u8>) {
    let seconds = micros.div_euclid(1_000_000);
    let (day, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let date = DateTime::from_timestamp(day * DAY_SECONDS, 0).unwrap_or_default().date_naive();
    // Years of rows are positive and have four digits at most.
    let year = i64::from(date.year());
    let parts = [year / 100, year % 100, i64::from(date.month()), i64::from(date.day())];
    let [century, year, month, day] = parts.map(two_digits);
    let [hour, minute, second] = [second / 3600, second / 60 % 60, second % 60].map(two_digits);
    for part in [&century[..], &year, b"-", &month, b"-", &day, b"T", &hour, b":", &minute, b":", &second, b"Z"] {
        text.extend_from_slice(part);
    }
}

fn two_digits(number: i64) -> [u8; 2] {
    // Both are below ten for numbers below a hundred.
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}
