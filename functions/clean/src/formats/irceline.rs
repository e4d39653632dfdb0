//! Format `irceline-values`: hourly values of many series, as the 52 North timeseries API answers a bulk request.
//!
//! The raw object has one line per response: `{"request": ..., "received_at": ..., "status": 200, "body": {ID:
//! {"values": [{"timestamp": MS, "value": V}, ...]}, ...}}`. A record in the shape that the server's JSON writer
//! produces is read in place (`record`); any other shape takes the slower way through a JSON parser and means the same.
//! What the values of a series and a day have in common is handed on once (`rows`).

use std::io::Read;
use std::ops::Range;

use chrono::NaiveDate;
use lake::dataset::{Column, Missing};
use lake::ledger::Gap;
use lake::time::day_bounds;

use self::record::{Reading, compact_record};
use self::rows::Rows;
pub use self::series::Series;
use self::series::{KnownSeries, known_series};
use super::answers::{Answer, MAX_TEXT};
use super::{Notes, RawObject, Siblings};
use crate::error::Stop;
use crate::reject::Reject;
use crate::scanner::Scanner;
use crate::writer::Sink;
use lake::json::Json;
use lake::years;

mod record;
mod rows;
mod series;
#[cfg(test)]
mod tests;

/// The longest series id: it is in the message of every reject.
const MAX_ID: usize = 256;
/// The most plain values that are looked at before a series.
const MAX_OTHERS: usize = 64;
/// The longest record `{"timestamp": ..., "value": ...}`.
const MAX_RECORD: usize = 64 * 1024;

/// Reads one raw object; returns how many values it has, and the gaps that it reports.
pub(super) fn decode(
    object: &RawObject,
    siblings: Siblings<'_>,
    reader: impl Read,
    sink: &mut dyn Sink,
) -> Result<Notes, Stop> {
    decode_by::<true>(object, siblings, reader, sink)
}

/// The same, with or without the quick way for compact records.
fn decode_by<const QUICK: bool>(
    object: &RawObject,
    siblings: Siblings<'_>,
    reader: impl Read,
    sink: &mut dyn Sink,
) -> Result<Notes, Stop> {
    let series = known_series(object, siblings)?;
    let column =
        object.table.column("value").ok_or_else(|| Stop::Broken("the table has no column value".to_owned()))?;
    let mut decoder = Decoder::<_, QUICK> {
        scanner: Scanner::new(reader)?,
        checks: Checks::new(column, window(object)),
        rows: Rows::new(object, &series)?,
        series: &series,
        object,
        index: 0,
        gaps: Vec::new(),
    };
    while decoder.scanner.peek()?.is_some() {
        decoder.line(sink)?;
    }
    decoder.rows.flush(sink)?;
    Ok(Notes { gaps: decoder.gaps, seen: decoder.index, ..Notes::default() })
}

/// The instants that belong to the raw object's day, `(start, end]` in microseconds; everything if its key has no
/// `date=YYYY-MM-DD`.
fn window(object: &RawObject) -> Range<i64> {
    let day: Option<NaiveDate> = lake::keys::segment(object.key, "date").and_then(|date| date.parse().ok());
    // One more at both ends: a half-open range of stamps that are ends.
    day.map_or(i64::MIN..i64::MAX, |day| {
        let bounds = day_bounds(object.dataset.zone, day);
        bounds.start.timestamp_micros() + 1..bounds.end.timestamp_micros() + 1
    })
}

/// The declared rules, ready for one comparison per value.
struct Checks<'a> {
    column: &'a Column,
    window: Range<i64>,
    /// Values from here on up to the other one break no rule and stand for themselves.
    from: f64,
    to: f64,
}

impl<'a> Checks<'a> {
    fn new(column: &'a Column, window: Range<i64>) -> Self {
        let sentinels = column.missing.iter().filter_map(|missing| match missing {
            Missing::Number(number) => Some(number.next_up()),
            Missing::Integer(number) => Some((*number as f64).next_up()),
            Missing::Text(_) => None,
        });
        let from = sentinels.fold(column.min.unwrap_or(f64::MIN), f64::max);
        Self { column, window, from, to: column.max.unwrap_or(f64::MAX) }
    }

    /// Whether a number is a value as it is; the others need a closer look.
    #[inline]
    fn is_plain(&self, number: f64) -> bool {
        self.from <= number && number <= self.to
    }
}

/// What is no series, or no list of values: its name, and its text.
type Other = (String, Vec<u8>);

struct Decoder<'a, R, const QUICK: bool> {
    scanner: Scanner<R>,
    checks: Checks<'a>,
    rows: Rows<'a>,
    series: &'a KnownSeries,
    object: &'a RawObject<'a>,
    index: u64,
    gaps: Vec<Gap>,
}

impl<R: Read, const QUICK: bool> Decoder<'_, R, QUICK> {
    /// One response.
    fn line(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        let mut line = Answer::begin(&mut self.scanner, self.object)?;
        while line.goes_to_body(&mut self.scanner)? {
            self.body(line.received_at, sink)?;
        }
        self.gaps.extend(line.gap);
        Ok(())
    }

    /// The map of series. What is none beside series is rejected by itself; without any series, the body is an error.
    fn body(&mut self, received_at: i64, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.scanner.expect(b'{')?;
        if self.scanner.peek()? == Some(b'}') {
            return self.scanner.expect(b'}');
        }
        let (mut others, mut has_series) = (Vec::new(), false);
        loop {
            let id = self.scanner.key(MAX_ID)?;
            if self.scanner.peek()? == Some(b'{') {
                has_series = true;
                self.series(&id, received_at, sink)?;
            } else {
                others.push(self.other(id)?);
            }
            let has_more = self.scanner.either(b',', b'}')?;
            // Which of both they are is known at the first series, or at the end.
            if has_series || !has_more || others.len() >= MAX_OTHERS {
                self.refuse_others(std::mem::take(&mut others), has_series, sink)?;
            }
            if !has_more {
                return Ok(());
            }
        }
    }

    /// What stands in place of a series or of its values, with its name.
    fn other(&mut self, name: String) -> Result<Other, Stop> {
        let length = self.scanner.value_length(MAX_TEXT)?;
        let text = self.scanner.window().get(..length).unwrap_or_default().to_vec();
        self.scanner.consume(length);
        Ok((name, text))
    }

    /// Rejects what stands beside series, or a body that has none as a whole.
    fn refuse_others(&mut self, others: Vec<Other>, has_series: bool, sink: &mut dyn Sink) -> Result<(), Stop> {
        for (name, text) in others {
            let why = format!("the body's \"{name}\" is no series but a plain value: an error message of the server?");
            if !has_series {
                return Err(Stop::reject("error_body", why));
            }
            self.refuse_other("error_body", why, &text, sink)?;
        }
        Ok(())
    }

    fn refuse_other(&mut self, reason: &str, message: String, text: &[u8], sink: &mut dyn Sink) -> Result<(), Stop> {
        self.index += 1;
        sink.reject(&Reject { row: self.index, column: None, reason, message, text })
    }

    /// `{"values": [...], "extra": ...}`
    fn series(&mut self, id: &str, received_at: i64, sink: &mut dyn Sink) -> Result<(), Stop> {
        let number = self.series.number(id);
        self.scanner.expect(b'{')?;
        if self.scanner.peek()? == Some(b'}') {
            return self.scanner.expect(b'}');
        }
        loop {
            if self.scanner.key(MAX_TEXT)? != "values" {
                self.scanner.skip_value()?;
            } else if self.scanner.peek()? == Some(b'[') {
                self.values(id, number, received_at, sink)?;
            } else if self.scanner.peek()? == Some(b'n') {
                // No list at all is how some servers write one without elements.
                self.scanner.skip_value()?;
            } else {
                let (id, text) = self.other(id.to_owned())?;
                self.refuse_other("not_a_list", format!("series {id}: its values are no list"), &text, sink)?;
            }
            if !self.scanner.either(b',', b'}')? {
                return Ok(());
            }
        }
    }

    fn values(&mut self, id: &str, number: Option<u32>, received: i64, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.scanner.expect(b'[')?;
        if self.scanner.peek()? == Some(b']') {
            return self.scanner.expect(b']');
        }
        if let Some(number) = number {
            self.rows.begin(number, received, sink)?;
        }
        loop {
            let (used, done) = if QUICK { self.compact_records(id, number, sink)? } else { (0, false) };
            self.scanner.consume(used);
            if done {
                return Ok(());
            }
            self.any_record(id, number, sink)?;
            if !self.scanner.either(b',', b']')? {
                return Ok(());
            }
        }
    }

    /// Reads records of the compact shape from the window for as long as there are; returns how many bytes that were,
    /// and whether the array's end was reached. Most values pass here.
    fn compact_records(&mut self, id: &str, number: Option<u32>, sink: &mut dyn Sink) -> Result<(usize, bool), Stop> {
        let Self { scanner, checks, rows, index, .. } = self;
        let whole = scanner.window();
        let mut rest = whole;
        while let Some((millis, value, length)) = compact_record(rest) {
            // Anything but a comma or the end right behind is no compact list.
            let Some(next @ (b',' | b']')) = rest.get(length) else { break };
            *index += 1;
            // 13 digits are far from the end of 64 bits.
            let micros = millis * 1000;
            let is_done = number.is_some()
                && match value {
                    Reading::Number(value) => {
                        checks.is_plain(value) && checks.window.contains(&micros) && rows.push(micros, value)
                    }
                    Reading::Missing => checks.window.contains(&micros) && rows.push(micros, f64::NAN),
                    Reading::Wrong => false,
                };
            if !is_done {
                let text = rest.get(..length).unwrap_or_default();
                let row = Record { id, number, index: *index, micros: Some(micros), text };
                accept(checks, rows, sink, row, value)?;
            }
            rest = rest.get(length + 1..).unwrap_or_default();
            if *next == b']' {
                return Ok((whole.len() - rest.len(), true));
            }
        }
        Ok((whole.len() - rest.len(), false))
    }

    /// A record of any JSON shape.
    fn any_record(&mut self, id: &str, number: Option<u32>, sink: &mut dyn Sink) -> Result<(), Stop> {
        let length = self.scanner.value_length(MAX_RECORD)?;
        let text = self.scanner.window().get(..length).unwrap_or_default();
        let record = Json::parse(text).map_err(|error| self.scanner.not_parsed(&error))?;
        let field = |name| match &record {
            Json::Object(record) => record.get(name).and_then(|value| Json::of(value).ok()),
            _ => None,
        };
        let millis = match field("timestamp") {
            Some(Json::Number(digits)) => digits.parse::<i64>().ok(),
            _ => None,
        };
        let value = match field("value") {
            None | Some(Json::Null) => Reading::Missing,
            Some(Json::Number(digits)) => match fast_float2::parse::<f64, _>(digits) {
                Ok(number) if number.is_finite() => Reading::Number(number),
                _ => Reading::Wrong,
            },
            Some(Json::Text(text)) if self.checks.column.is_missing_text(&text) => Reading::Missing,
            Some(_) => Reading::Wrong,
        };
        self.index += 1;
        let micros = millis.and_then(|millis| millis.checked_mul(1000));
        let row = Record { id, number, index: self.index, micros, text };
        accept(&self.checks, &mut self.rows, sink, row, value)?;
        self.scanner.consume(length);
        Ok(())
    }
}

/// One record on its way through the rules.
struct Record<'r> {
    id: &'r str,
    number: Option<u32>,
    index: u64,
    micros: Option<i64>,
    text: &'r [u8],
}

/// Takes a record through all rules, one by one.
fn accept(checks: &Checks, rows: &mut Rows, sink: &mut dyn Sink, record: Record, value: Reading) -> Result<(), Stop> {
    let Some(micros) = record.micros else {
        return refuse(
            sink,
            &record,
            "timestamp",
            "not_a_timestamp",
            "the timestamp is not in milliseconds since 1970",
        );
    };
    if !checks.window.contains(&micros) {
        sink.outside(1);
        return Ok(());
    }
    if record.number.is_none() {
        let why = "neither timeseries.json nor stations.json of that day knows the series";
        return refuse(sink, &record, "timeseries_id", "unknown_timeseries", why);
    }
    let value = match value {
        Reading::Missing => f64::NAN,
        Reading::Number(value) if checks.column.is_missing_number(value) => f64::NAN,
        Reading::Number(value) => match checks.column.refuse_number(value) {
            None => value,
            Some((reason, why)) => return refuse(sink, &record, "value", reason, &why),
        },
        Reading::Wrong => return refuse(sink, &record, "value", "not_a_number", "the value is not a number"),
    };
    if !rows.push_any(micros, value, sink)? {
        let (reason, why) = years::out_of_range();
        return refuse(sink, &record, "timestamp", reason, &why);
    }
    Ok(())
}

#[cold]
fn refuse(sink: &mut dyn Sink, record: &Record, column: &str, reason: &str, why: &str) -> Result<(), Stop> {
    let message = format!("series {}: {why}", record.id);
    sink.reject(&Reject { row: record.index, column: Some(column), reason, message, text: record.text })
}
