//! Clean values on their way into batches: what repeats per series is added a batch at a time.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Builder, Float64Builder, Int64Array, PrimitiveArray, RecordBatch, StringArray,
    TimestampMicrosecondBuilder, UInt32Builder,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::take;
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use chrono::{DateTime, Datelike};
use lake::dataset::RECEIVED_AT;
use lake::time::DayFinder;

use super::Series;
use crate::error::Stop;
use crate::formats::{RawObject, years};
use crate::writer::Sink;

/// Rows per batch.
const BATCH_ROWS: usize = 16 * 1024;
const DAY_SECONDS: i64 = 86_400;
/// `2026-11-18T23:00:00Z`
const DATETIME_LENGTH: usize = 20;

/// The rows of the next batch.
pub(super) struct Rows<'a> {
    object: &'a RawObject<'a>,
    by_series: Vec<(&'static str, ArrayRef)>,
    days: DayFinder,
    series: UInt32Builder,
    timestamps: TimestampMicrosecondBuilder,
    dates: Date32Builder,
    values: Float64Builder,
    received: TimestampMicrosecondBuilder,
}

impl<'a> Rows<'a> {
    pub(super) fn new(object: &'a RawObject<'a>, series: &BTreeMap<String, Series>) -> Self {
        let texts = |get: fn(&Series) -> Option<&String>| -> ArrayRef {
            Arc::new(series.values().map(get).collect::<StringArray>())
        };
        let by_series = vec![
            ("timeseries_id", Arc::new(series.keys().map(Some).collect::<StringArray>()) as ArrayRef),
            ("station_id", Arc::new(series.values().map(|series| series.station_id).collect::<Int64Array>())),
            ("phenomenon_id", texts(|series| series.phenomenon_id.as_ref())),
            ("parameter", texts(|series| series.parameter.as_ref())),
            ("uom", texts(|series| series.uom.as_ref())),
        ];
        let instants = || TimestampMicrosecondBuilder::with_capacity(BATCH_ROWS).with_timezone("UTC");
        Self {
            object,
            by_series,
            days: DayFinder::new(object.dataset.zone, object.dataset.stamp),
            series: UInt32Builder::with_capacity(BATCH_ROWS),
            timestamps: instants(),
            dates: Date32Builder::with_capacity(BATCH_ROWS),
            values: Float64Builder::with_capacity(BATCH_ROWS),
            received: instants(),
        }
    }

    /// Adds a row; false if no calendar holds its time.
    #[inline]
    pub(super) fn push(&mut self, series: u32, micros: i64, value: Option<f64>, received: i64) -> bool {
        if !years::INSTANTS.contains(&micros) {
            return false;
        }
        let Some(day) = self.days.day_of(micros).filter(|day| years::has(*day)) else { return false };
        self.series.append_value(series);
        self.timestamps.append_value(micros);
        self.dates.append_value(Date32Type::from_naive_date(day));
        self.values.append_option(value);
        self.received.append_value(received);
        true
    }

    pub(super) fn flush_if_full(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        if self.values.values_slice().len() >= BATCH_ROWS { self.flush(sink) } else { Ok(()) }
    }

    /// Hands the rows so far to the writer.
    pub(super) fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let series = self.series.finish();
        if series.is_empty() {
            return Ok(());
        }
        let timestamps = self.timestamps.finish();
        let datetimes = datetimes(&timestamps)?;
        let dates: ArrayRef = Arc::new(self.dates.finish());
        let values: ArrayRef = Arc::new(self.values.finish());
        let received: ArrayRef = Arc::new(self.received.finish());
        let timestamps: ArrayRef = Arc::new(timestamps);
        let schema = self.object.table.schema();
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            columns.push(match field.name().as_str() {
                "timestamp" => Arc::clone(&timestamps),
                "datetime" => Arc::clone(&datetimes),
                "day" => Arc::clone(&dates),
                "value" => Arc::clone(&values),
                RECEIVED_AT => Arc::clone(&received),
                name => match self.by_series.iter().find(|(known, _)| *known == name) {
                    Some((_, column)) => take(column, &series, None)?,
                    None => return Err(Stop::Broken(format!("format irceline-values has no column \"{name}\""))),
                },
            });
        }
        sink.write(&RecordBatch::try_new(schema, columns)?)
    }
}

/// Instants as `YYYY-MM-DDTHH:MM:SSZ`, all of the same length; the date is made once per run of the same UTC day.
fn datetimes(timestamps: &PrimitiveArray<TimestampMicrosecondType>) -> Result<ArrayRef, Stop> {
    let mut bytes: Vec<u8> = Vec::with_capacity(timestamps.len() * DATETIME_LENGTH);
    let mut known = None;
    let mut date = Vec::with_capacity(DATETIME_LENGTH);
    for micros in timestamps.values() {
        let seconds = micros.div_euclid(1_000_000);
        let (day, second) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
        if known != Some(day) {
            known = Some(day);
            date.clear();
            let time = DateTime::from_timestamp(day * DAY_SECONDS, 0);
            let day = time.ok_or_else(|| Stop::Broken("a day is out of range".to_owned()))?.date_naive();
            write!(date, "{:04}-{:02}-{:02}T", day.year(), day.month(), day.day())?;
        }
        bytes.extend_from_slice(&date);
        let [[h, hh], [m, mm], [s, ss]] = [second / 3600, second / 60 % 60, second % 60].map(two_digits);
        bytes.extend_from_slice(&[h, hh, b':', m, mm, b':', s, ss, b'Z']);
    }
    let offsets = OffsetBuffer::from_repeated_length(DATETIME_LENGTH, timestamps.len());
    Ok(Arc::new(StringArray::try_new(offsets, bytes.into(), None)?))
}

fn two_digits(number: i64) -> [u8; 2] {
    // Both are below ten for numbers below a hundred.
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}
