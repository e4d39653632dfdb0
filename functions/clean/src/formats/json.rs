//! Formats of JSON: `json` (a document with a list of rows), `ndjson` (one row per line) and `responses` (a source's
//! answers, one per line, with rows in their bodies).

use std::io::Read;

use chrono::DateTime;
use lake::dataset::Column;
use lake::ledger::Gap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::exact::{Json, Object};
use super::lines::Lines;
use super::rows::{Record, Rows};
use super::value::Raw;
use super::{Notes, RawObject};
use crate::error::Stop;
use crate::reject::Reject;
use crate::scanner::Scanner;
use crate::writer::Sink;

/// The longest row that is accepted.
const MAX_ROW: usize = 8 * 1024 * 1024;
/// The longest key, time or request that is accepted.
const MAX_TEXT: usize = 4 * 1024 * 1024;

/// Format `json`: reads the list of rows element by element.
pub(super) fn document(object: &RawObject, reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let mut rows = Rows::new(object);
    let received_at = object.received_at.timestamp_micros();
    let mut seen = 0;
    let mut scanner = Scanner::new(reader)?;
    find_rows(&mut scanner, &object.table.rows, |scanner| {
        seen = elements(scanner, |row, text| {
            let element = row_of(text).map_err(|error| not_json(&format!("element {row}"), &error))?;
            rows.add(Record { row, text, received_at }, sink, |_, column| field(column, &element, &Object::default()))
        })?;
        Ok(())
    })?;
    if scanner.peek()?.is_some() {
        return Err(scanner.unexpected("end of the object"));
    }
    rows.flush(sink)?;
    Ok(Notes { seen, ..Notes::default() })
}

/// A row's members; none if it is no object.
fn row_of(text: &[u8]) -> Result<Object<'_>, serde_json::Error> {
    Ok(match Json::parse(text)? {
        Json::Object(object) => object,
        _ => Object::default(),
    })
}

/// Rejects the object for what the parser says, which quotes no value.
fn not_json(what: &str, error: &serde_json::Error) -> Stop {
    let (line, column) = (error.line(), error.column());
    Stop::reject("not_json", format!("{what} is not JSON at its line {line} column {column}"))
}

/// Format `ndjson`: a line that is no JSON object is rejected alone.
pub(super) fn lines(object: &RawObject, reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let mut seen = 0;
    let mut rows = Rows::new(object);
    let received_at = object.received_at.timestamp_micros();
    let mut lines = Lines::new(reader, MAX_ROW);
    while let Some((row, text)) = lines.next_line()? {
        if text.trim_ascii().is_empty() {
            continue;
        }
        seen += 1;
        match Json::parse(text) {
            Ok(Json::Object(element)) => {
                let none = Object::default();
                rows.add(Record { row, text, received_at }, sink, |_, column| field(column, &element, &none))?;
            }
            _ => {
                let message = "the line is not a JSON object".to_owned();
                sink.reject(&Reject { row, column: None, reason: "not_json", message, text })?;
            }
        }
    }
    rows.flush(sink)?;
    Ok(Notes { seen, ..Notes::default() })
}

/// Format `responses`: returns the gaps that the object itself reports, too.
pub(super) fn responses(object: &RawObject, reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let mut scanner = Scanner::new(reader)?;
    let mut responses = Responses { object, rows: Rows::new(object), row: 0, gaps: Vec::new() };
    while scanner.peek()?.is_some() {
        responses.line(&mut scanner, sink)?;
    }
    responses.rows.flush(sink)?;
    Ok(Notes { gaps: responses.gaps, seen: responses.row, ..Notes::default() })
}

struct Responses<'a> {
    object: &'a RawObject<'a>,
    rows: Rows<'a>,
    row: u64,
    gaps: Vec<Gap>,
}

impl Responses<'_> {
    /// One response. `request`, `received_at` and `status` come before the body, as ingestion writes them.
    fn line<R: Read>(&mut self, scanner: &mut Scanner<R>, sink: &mut dyn Sink) -> Result<(), Stop> {
        scanner.expect(b'{')?;
        let mut request: Option<Box<RawValue>> = None;
        let mut received_at = self.object.received_at.timestamp_micros();
        let mut status: Option<u16> = Some(200);
        loop {
            match scanner.key(MAX_TEXT)?.as_str() {
                "request" => request = Some(parsed(scanner)?),
                "received_at" => {
                    let text: String = parsed(scanner)?;
                    let time = DateTime::parse_from_rfc3339(&text);
                    received_at = time.map_err(|error| scanner.not_json(&error.to_string()))?.timestamp_micros();
                }
                "status" => status = parsed(scanner)?,
                "gap" => self.gaps.push(parsed(scanner)?),
                "body" if status == Some(200) => self.body(scanner, request.as_deref(), received_at, sink)?,
                _ => scanner.skip_value()?,
            }
            if !scanner.either(b',', b'}')? {
                return Ok(());
            }
        }
    }

    fn body<R: Read>(
        &mut self,
        scanner: &mut Scanner<R>,
        request: Option<&RawValue>,
        received_at: i64,
        sink: &mut dyn Sink,
    ) -> Result<(), Stop> {
        let Self { object, rows, row, .. } = self;
        let request = match request.map(Json::of) {
            Some(Ok(Json::Object(request))) => request,
            _ => Object::default(),
        };
        let mut add = |_: u64, text: &[u8]| {
            *row += 1;
            let element = row_of(text).map_err(|error| not_json(&format!("row {row}"), &error))?;
            rows.add(Record { row: *row, text, received_at }, sink, |_, column| field(column, &element, &request))
        };
        find_rows(scanner, &object.table.rows, |scanner| {
            if scanner.peek()? == Some(b'{') {
                let length = scanner.value_length(MAX_ROW)?;
                add(1, scanner.window().get(..length).unwrap_or_default())?;
                scanner.consume(length);
                return Ok(());
            }
            elements(scanner, &mut add).map(drop)
        })
    }
}

fn parsed<R: Read, T: for<'de> Deserialize<'de>>(scanner: &mut Scanner<R>) -> Result<T, Stop> {
    let length = scanner.value_length(MAX_TEXT)?;
    let text = scanner.window().get(..length).unwrap_or_default();
    let value = serde_json::from_slice(text).map_err(|error| scanner.not_parsed(&error))?;
    scanner.consume(length);
    Ok(value)
}

/// Where a column's value is in a row, or in the request that got it.
fn field<'v>(column: &Column, row: &Object<'v>, request: &Object<'v>) -> Raw<'v> {
    let value = match (&column.path, &column.request) {
        (Some(path), _) => row.pointer(path),
        (_, Some(path)) => request.pointer(path),
        _ => column.fields().find_map(|name| row.get(name)),
    };
    value.into()
}

/// Calls `visit` at the value that `pointer` names, and skips everything else. Without such a value, the object is
/// rejected.
fn find_rows<R: Read>(
    scanner: &mut Scanner<R>,
    pointer: &str,
    visit: impl FnOnce(&mut Scanner<R>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let Some((name, rest)) = pointer.strip_prefix('/').map(|path| path.split_once('/').unwrap_or((path, ""))) else {
        return visit(scanner);
    };
    let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
    let mut visit = Some(visit);
    scanner.expect(b'{')?;
    if scanner.peek()? == Some(b'}') {
        scanner.expect(b'}')?;
    } else {
        loop {
            let found = scanner.key(MAX_TEXT)? == name;
            match visit.take_if(|_| found) {
                Some(visit) => find_rows_boxed(scanner, &rest, Box::new(visit))?,
                None => scanner.skip_value()?,
            }
            if !scanner.either(b',', b'}')? {
                break;
            }
        }
    }
    match visit {
        None => Ok(()),
        Some(_) => Err(Stop::reject("no_rows", format!("there is no \"{name}\" where the rows should be"))),
    }
}

type Visit<'v, R> = Box<dyn FnOnce(&mut Scanner<R>) -> Result<(), Stop> + 'v>;

/// The same, for a pointer of any length.
fn find_rows_boxed<R: Read>(scanner: &mut Scanner<R>, pointer: &str, visit: Visit<'_, R>) -> Result<(), Stop> {
    find_rows(scanner, pointer, visit)
}

/// Calls `visit` with the running index, from 1, and the bytes of each element of the array that the stream holds.
pub(super) fn each_element(reader: impl Read, visit: impl FnMut(u64, &[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
    let mut scanner = Scanner::new(reader)?;
    elements(&mut scanner, visit)?;
    if scanner.peek()?.is_some() { Err(scanner.unexpected("end of the object")) } else { Ok(()) }
}

/// The elements of the array that comes next; returns how many there were.
fn elements<R: Read>(
    scanner: &mut Scanner<R>,
    mut visit: impl FnMut(u64, &[u8]) -> Result<(), Stop>,
) -> Result<u64, Stop> {
    match scanner.peek()? {
        Some(b'[') => scanner.consume(1),
        Some(b'{') => {
            let why = "a list was expected, but there is one object: an error message of the server?";
            return Err(Stop::reject("not_a_list", why));
        }
        _ => return Err(scanner.unexpected("a list")),
    }
    if scanner.peek()? == Some(b']') {
        scanner.consume(1);
        return Ok(0);
    }
    let mut index = 0;
    loop {
        index += 1;
        let length = scanner.value_length(MAX_ROW)?;
        visit(index, scanner.window().get(..length).unwrap_or_default())?;
        scanner.consume(length);
        if !scanner.either(b',', b']')? {
            return Ok(index);
        }
    }
}
