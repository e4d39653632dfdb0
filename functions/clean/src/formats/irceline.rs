//! Format `irceline-values`: hourly values of many series, as the 52 North timeseries API answers a bulk request.
//!
//! The raw object has one line per response: `{"request": ..., "received_at": ..., "status": 200, "body": {ID:
//! {"values": [{"timestamp": MS, "value": V}, ...]}, ...}}`. Bytes go straight into Arrow builders: a record in the
//! shape that the server's JSON writer produces is read in place; any other shape takes the slower way through a
//! JSON parser and means the same.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;

use chrono::{DateTime, NaiveDate};
use lake::dataset::Column;
use lake::ledger::Gap;
use lake::time::day_bounds;
use serde::Deserialize;
use serde_json::Value;

use super::exact::Json;
use super::json::each_element;
use super::years;
use super::{Notes, RawObject, Siblings};
use crate::error::Stop;
use crate::formats::irceline::rows::Rows;
use crate::reject::Reject;
use crate::scanner::Scanner;
use crate::writer::Sink;

mod rows;
#[cfg(test)]
mod tests;

/// The longest key, time or request that is accepted.
const MAX_TEXT: usize = 4 * 1024 * 1024;
/// The longest series id: it is in the message of every reject.
const MAX_ID: usize = 256;
/// The longest record `{"timestamp": ..., "value": ...}`.
const MAX_RECORD: usize = 64 * 1024;

/// What the metadata say of one series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// The station it stands at.
    pub station_id: Option<i64>,
    /// What it measures, by the API's id.
    pub phenomenon_id: Option<String>,
    /// What it measures, by its short name.
    pub parameter: Option<String>,
    /// The unit.
    pub uom: Option<String>,
}

/// Reads one raw object; returns how many values it has, and the gaps that it reports.
pub(super) fn decode(
    object: &RawObject,
    siblings: Siblings<'_>,
    reader: impl Read,
    sink: &mut dyn Sink,
) -> Result<Notes, Stop> {
    let series = known_series(object, siblings)?;
    let column =
        object.table.column("value").ok_or_else(|| Stop::Broken("the table has no column value".to_owned()))?;
    let mut decoder = Decoder {
        scanner: Scanner::new(reader)?,
        checks: Checks::new(column, window(object)),
        rows: Rows::new(object, &series),
        numbers: series.keys().zip(0..).map(|(id, number)| (id.as_str(), number)).collect(),
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

/// The series that the siblings know: `timeseries.json` first, then the references in an expanded `stations.json`.
fn known_series(object: &RawObject, mut siblings: Siblings<'_>) -> Result<BTreeMap<String, Series>, Stop> {
    let names = object.dataset.lookup("parameter");
    let mut known = BTreeMap::new();
    for (file, read) in [
        ("stations.json", station_references as fn(&Value) -> Vec<(String, Found)>),
        ("timeseries.json", |item| series_item(item).into_iter().collect()),
    ] {
        let Some(reader) = siblings.remove(file) else {
            return Err(Stop::Broken(format!("dataset.toml does not declare the sibling {file}")));
        };
        let visit = |_, text: &[u8]| {
            let item = serde_json::from_slice(text).map_err(|error| Stop::Broken(format!("{file}: {error}")))?;
            for (id, found) in read(&item) {
                let parameter = found.parameter(&names);
                let Found { station_id, phenomenon_id, uom, .. } = found;
                known.insert(id, Series { station_id, phenomenon_id, parameter, uom });
            }
            Ok(())
        };
        each_element(reader, visit).map_err(|stop| match stop {
            Stop::Reject(reject) => Stop::Broken(format!("the sibling {file} is not usable: {}", reject.message)),
            broken => broken,
        })?;
    }
    Ok(known)
}

struct Found {
    station_id: Option<i64>,
    phenomenon_id: Option<String>,
    phenomenon: Option<String>,
    uom: Option<String>,
}

impl Found {
    fn parameter(&self, names: &BTreeMap<String, String>) -> Option<String> {
        let by_id = self.phenomenon_id.as_ref().and_then(|id| names.get(id)).cloned();
        by_id.or_else(|| self.phenomenon.as_deref().map(snake_case))
    }
}

fn series_item(item: &Value) -> Option<(String, Found)> {
    let found = Found {
        station_id: item.pointer("/station/properties/id").and_then(Value::as_i64),
        phenomenon_id: text(item.pointer("/parameters/phenomenon/id")),
        phenomenon: text(item.pointer("/parameters/phenomenon/label")),
        uom: text(item.get("uom")),
    };
    Some((text(item.get("id"))?, found))
}

fn station_references(item: &Value) -> Vec<(String, Found)> {
    let station_id = item.pointer("/properties/id").and_then(Value::as_i64);
    let references = item.pointer("/properties/timeseries").and_then(Value::as_object);
    let series = references.into_iter().flatten().map(|(id, reference)| {
        let found = Found {
            station_id,
            phenomenon_id: text(reference.pointer("/phenomenon/id")),
            phenomenon: text(reference.pointer("/phenomenon/label")),
            uom: None,
        };
        (id.clone(), found)
    });
    series.collect()
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `Atmospheric  Pressure` becomes `atmospheric_pressure`.
fn snake_case(label: &str) -> String {
    let lower = label.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

/// The declared rules, ready for one comparison per value.
struct Checks<'a> {
    column: &'a Column,
    window: Range<i64>,
}

impl<'a> Checks<'a> {
    fn new(column: &'a Column, window: Range<i64>) -> Self {
        Self { column, window }
    }
}

/// What one record says its value is.
enum Reading {
    Number(f64),
    Missing,
    Wrong,
}

struct Decoder<'a, R> {
    scanner: Scanner<R>,
    checks: Checks<'a>,
    rows: Rows<'a>,
    numbers: BTreeMap<&'a str, u32>,
    object: &'a RawObject<'a>,
    index: u64,
    gaps: Vec<Gap>,
}

impl<R: Read> Decoder<'_, R> {
    /// One response. `status` and `received_at` come before the body, as the contract has them.
    fn line(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.scanner.expect(b'{')?;
        let mut received_at = self.object.received_at.timestamp_micros();
        let mut status = Some(200);
        loop {
            match self.scanner.key(MAX_TEXT)?.as_str() {
                "received_at" => {
                    let text: String = self.parsed()?;
                    let time = DateTime::parse_from_rfc3339(&text);
                    received_at = time.map_err(|error| self.scanner.not_json(&error.to_string()))?.timestamp_micros();
                }
                "status" => status = self.parsed()?,
                "gap" => {
                    let gap = self.parsed()?;
                    self.gaps.push(gap);
                }
                "body" if status == Some(200) => self.body(received_at, sink)?,
                _ => self.scanner.skip_value()?,
            }
            if !self.scanner.either(b',', b'}')? {
                return Ok(());
            }
        }
    }

    fn parsed<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T, Stop> {
        let length = self.scanner.value_length(MAX_TEXT)?;
        let text = self.scanner.window().get(..length).unwrap_or_default();
        let value = serde_json::from_slice(text).map_err(|error| self.scanner.not_parsed(&error))?;
        self.scanner.consume(length);
        Ok(value)
    }

    /// The map of series.
    fn body(&mut self, received_at: i64, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.scanner.expect(b'{')?;
        if self.scanner.peek()? == Some(b'}') {
            return self.scanner.expect(b'}');
        }
        loop {
            let id = self.scanner.key(MAX_ID)?;
            if self.scanner.peek()? != Some(b'{') {
                let why =
                    format!("the body's \"{id}\" is no series but a plain value: an error message of the server?");
                return Err(Stop::reject("error_body", why));
            }
            self.series(&id, received_at, sink)?;
            if !self.scanner.either(b',', b'}')? {
                return Ok(());
            }
        }
    }

    /// `{"values": [...], "extra": ...}`
    fn series(&mut self, id: &str, received_at: i64, sink: &mut dyn Sink) -> Result<(), Stop> {
        let number = self.numbers.get(id).copied();
        self.scanner.expect(b'{')?;
        if self.scanner.peek()? == Some(b'}') {
            return self.scanner.expect(b'}');
        }
        loop {
            if self.scanner.key(MAX_TEXT)? == "values" {
                self.values(id, number, received_at, sink)?;
            } else {
                self.scanner.skip_value()?;
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
        loop {
            self.rows.flush_if_full(sink)?;
            let (used, done) = self.compact_records(id, number, received, sink)?;
            self.scanner.consume(used);
            if done {
                return Ok(());
            }
            self.any_record(id, number, received, sink)?;
            if !self.scanner.either(b',', b']')? {
                return Ok(());
            }
        }
    }

    /// Reads records of the compact shape from the window for as long as there are; tells how many bytes that were,
    /// and whether the array's end was reached. Most values pass here.
    fn compact_records(
        &mut self,
        id: &str,
        number: Option<u32>,
        received: i64,
        sink: &mut dyn Sink,
    ) -> Result<(usize, bool), Stop> {
        let Self { scanner, checks, rows, index, .. } = self;
        let whole = scanner.window();
        let mut rest = whole;
        while let Some((millis, value, length)) = compact_record(rest) {
            // Anything but a comma or the end right behind is no compact list.
            let (Some(text), Some(next @ (b',' | b']'))) = (rest.get(..length), rest.get(length)) else { break };
            *index += 1;
            let row = Record { id, number, received, index: *index, micros: millis.checked_mul(1000), text };
            accept(checks, rows, sink, row, value)?;
            rest = rest.get(length + 1..).unwrap_or_default();
            if *next == b']' {
                return Ok((whole.len() - rest.len(), true));
            }
        }
        Ok((whole.len() - rest.len(), false))
    }

    /// A record of any JSON shape.
    fn any_record(&mut self, id: &str, number: Option<u32>, received: i64, sink: &mut dyn Sink) -> Result<(), Stop> {
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
        let row = Record { id, number, received, index: self.index, micros, text };
        accept(&self.checks, &mut self.rows, sink, row, value)?;
        self.scanner.consume(length);
        Ok(())
    }
}

/// One record on its way through the rules.
struct Record<'r> {
    id: &'r str,
    number: Option<u32>,
    received: i64,
    index: u64,
    micros: Option<i64>,
    text: &'r [u8],
}

#[inline]
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
    let Some(number) = record.number else {
        let why = "neither timeseries.json nor stations.json of that day knows the series";
        return refuse(sink, &record, "timeseries_id", "unknown_timeseries", why);
    };
    let value = match value {
        Reading::Missing => None,
        Reading::Number(value) if checks.column.is_missing_number(value) => None,
        Reading::Number(value) => match checks.column.refuse_number(value) {
            None => Some(value),
            Some((reason, why)) => return refuse(sink, &record, "value", reason, &why),
        },
        Reading::Wrong => return refuse(sink, &record, "value", "not_a_number", "the value is not a number"),
    };
    if !rows.push(number, micros, value, record.received) {
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

/// A record exactly as the server's JSON writer makes it, and its length: `{"timestamp":1700701200000,"value":17.9}`.
#[inline]
fn compact_record(bytes: &[u8]) -> Option<(i64, Reading, usize)> {
    let rest = bytes.strip_prefix(b"{\"timestamp\":")?;
    let (millis, rest) = millis(rest)?;
    let rest = rest.strip_prefix(b",\"value\":")?;
    let (value, rest) = match rest.first()? {
        b'0'..=b'9' | b'-' => {
            let (value, length) = fast_float2::parse_partial::<f64, _>(rest).ok()?;
            let digits = rest.get(..length)?;
            // Stricter than the float parser, which also takes "1." and "-inf".
            if !digits.last()?.is_ascii_digit() || !digits.iter().any(u8::is_ascii_digit) {
                return None;
            }
            (Reading::Number(value), rest.get(length..)?)
        }
        b'n' => (Reading::Missing, rest.strip_prefix(b"null")?),
        _ => return None,
    };
    let rest = rest.strip_prefix(b"}")?;
    Some((millis, value, bytes.len() - rest.len()))
}

/// A whole number of 13 digits, as milliseconds are from 2001 to 2286.
#[inline]
fn millis(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (digits, rest) = bytes.split_first_chunk::<13>()?;
    if rest.first()?.is_ascii_digit() {
        return None;
    }
    let mut number = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    Some((number, rest))
}
