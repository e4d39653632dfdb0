//! Formats of JSON: `json` (a document with a list of rows), `ndjson` (one row per line) and `responses` (a source's
//! answers, one per line, with rows in their bodies).

mod members;
#[cfg(test)]
mod oracle;
mod text;

use std::io::Read;

use chrono::DateTime;
use lake::dataset::Column;
use lake::ledger::Gap;
use serde::Deserialize;
use serde_json::value::RawValue;

use self::members::Members;
use self::text::JsonText;
use super::columns::{Columns, Field, Record};
use super::exact::{Json, Object};
use super::lines::{Lines, TextLine};
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
pub(super) fn document(object: &RawObject, mut reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let reader: &mut dyn Read = &mut reader;
    let mut rows = JsonRows::new(object);
    let answer = Answer { received_at: object.received_at.timestamp_micros(), ..Answer::default() };
    let mut scanner = Scanner::new(reader)?;
    find_rows(&mut scanner, &object.table.rows, |scanner| rows.list(scanner, "element", &answer, sink))?;
    if scanner.peek()?.is_some() {
        return Err(scanner.unexpected("end of the object"));
    }
    rows.columns.flush(sink)?;
    Ok(Notes { seen: rows.seen, ..Notes::default() })
}

/// Rejects the object for what the parser says, which quotes no value.
fn not_json(what: &str, error: &serde_json::Error) -> Stop {
    let (line, column) = (error.line(), error.column());
    Stop::reject("not_json", format!("{what} is not JSON at its line {line} column {column}"))
}

/// Format `ndjson`: a line that is no JSON object is rejected alone.
pub(super) fn lines(object: &RawObject, mut reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let reader: &mut dyn Read = &mut reader;
    let mut rows = JsonRows::new(object);
    let received_at = object.received_at.timestamp_micros();
    let mut lines = Lines::new(reader, MAX_ROW)?;
    while let Some(TextLine { number: row, text, is_text, is_too_long }) = lines.next_line()? {
        if is_too_long {
            rows.seen += 1;
            let message = format!("the line is longer than {MAX_ROW} bytes");
            sink.reject(&Reject { row, column: None, reason: "line_too_long", message, text })?;
            continue;
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        rows.seen += 1;
        let JsonRows { columns, members, .. } = &mut rows;
        let record = Record { row, text, received_at };
        let is_found = is_text
            && members
                .find(text)
                .and_then(|length| text.get(length..))
                .is_some_and(|rest| rest.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')));
        if is_found {
            columns.add(record, sink, |column| members.field(text, column))?;
            continue;
        }
        match Json::parse(text) {
            Ok(Json::Object(element)) => {
                columns.add_raw(record, sink, |_, column| field(column, &element, &Object::default()))?;
            }
            _ => {
                let message = "the line is not a JSON object".to_owned();
                sink.reject(&Reject { row, column: None, reason: "not_json", message, text })?;
            }
        }
    }
    rows.columns.flush(sink)?;
    Ok(Notes { seen: rows.seen, ..Notes::default() })
}

/// What the rows of one answer share.
#[derive(Default)]
struct Answer<'r> {
    received_at: i64,
    request: Object<'r>,
    /// The values of the columns that the request has, by the column's position.
    values: Vec<Option<Raw<'r>>>,
}

impl<'r> Answer<'r> {
    fn new(object: &RawObject, request: Object<'r>, received_at: i64) -> Self {
        let value = |column: &Column| Some(request.pointer(column.request.as_ref()?).into());
        let is_there = |column: &Column| column.path.is_none();
        let columns = object.table.columns.iter();
        let values = columns.map(|column| Some(column).filter(|column| is_there(column)).and_then(value)).collect();
        Self { received_at, request, values }
    }

    /// The value of a column that is not in the row.
    fn field(&self, column: usize) -> Option<Field<'_>> {
        self.values.get(column)?.as_ref().map(Field::from)
    }
}

/// The rows of an object.
struct JsonRows<'a> {
    columns: Columns<'a>,
    members: Members,
    seen: u64,
}

impl<'a> JsonRows<'a> {
    fn new(object: &RawObject<'a>) -> Self {
        Self { columns: Columns::new(object), members: Members::new(&object.table.columns), seen: 0 }
    }

    /// The elements of the list that comes next, or the one object.
    fn list<R: Read>(
        &mut self,
        scanner: &mut Scanner<R>,
        name: &str,
        answer: &Answer,
        sink: &mut dyn Sink,
    ) -> Result<(), Stop> {
        if !begin_list(scanner)? {
            return Ok(());
        }
        loop {
            self.one(scanner, name, answer, sink)?;
            if !scanner.either(b',', b']')? {
                return Ok(());
            }
        }
    }

    /// Adds the row at the beginning of a text, if it is one that is found and read at once; returns its length.
    fn usual(&mut self, row: u64, text: &[u8], received_at: i64, sink: &mut dyn Sink) -> Result<Option<usize>, Stop> {
        let Self { columns, members, .. } = self;
        let found = members.find(text).filter(|length| *length <= MAX_ROW).and_then(|length| text.get(..length));
        let Some(text) = found.filter(|text| std::str::from_utf8(text).is_ok()) else { return Ok(None) };
        columns.add(Record { row, text, received_at }, sink, |column| members.field(text, column))?;
        Ok(Some(text.len()))
    }

    /// The row that comes next. One that is in the window as a whole is found and read at once.
    fn one<R: Read>(
        &mut self,
        scanner: &mut Scanner<R>,
        name: &str,
        answer: &Answer,
        sink: &mut dyn Sink,
    ) -> Result<(), Stop> {
        self.seen += 1;
        let (row, received_at) = (self.seen, answer.received_at);
        let Self { columns, members, .. } = self;
        scanner.peek()?;
        if let Some(length) = members.find(scanner.window()).filter(|length| *length <= MAX_ROW) {
            let text = scanner.window().get(..length).unwrap_or_default();
            if std::str::from_utf8(text).is_ok() {
                let field = |column| answer.field(column).unwrap_or_else(|| members.field(text, column));
                columns.add(Record { row, text, received_at }, sink, field)?;
                scanner.consume(length);
                return Ok(());
            }
        }
        let length = scanner.value_length(MAX_ROW)?;
        let text = scanner.window().get(..length).unwrap_or_default();
        let element = row_of(text).map_err(|error| not_json(&format!("{name} {row}"), &error))?;
        let record = Record { row, text, received_at };
        columns.add_raw(record, sink, |_, column| field(column, &element, &answer.request))?;
        scanner.consume(length);
        Ok(())
    }
}

/// Single rows of a document of which the others are known.
pub(super) struct SomeRows<'a> {
    rows: JsonRows<'a>,
    received_at: i64,
}

impl<'a> SomeRows<'a> {
    pub(super) fn new(object: &RawObject<'a>) -> Self {
        Self { rows: JsonRows::new(object), received_at: object.received_at.timestamp_micros() }
    }

    /// Adds the row at the beginning of a text, and returns its length; `None` if a parser must say what is there.
    pub(super) fn add(&mut self, row: u64, text: &[u8], sink: &mut dyn Sink) -> Result<Option<usize>, Stop> {
        self.rows.usual(row, text, self.received_at, sink)
    }

    /// Hands on what there is.
    pub(super) fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), Stop> {
        self.rows.columns.flush(sink)
    }
}

/// The length of the JSON value at the beginning of a text, if it is one for certain.
pub(super) fn value_length(text: &[u8]) -> Option<usize> {
    let mut json = JsonText::new(text);
    json.skip()?;
    Some(json.at)
}

/// A row's members; none if it is no object.
fn row_of(text: &[u8]) -> Result<Object<'_>, serde_json::Error> {
    Ok(match Json::parse(text)? {
        Json::Object(object) => object,
        _ => Object::default(),
    })
}

/// Format `responses`: returns the gaps that the object itself reports, too.
pub(super) fn responses(object: &RawObject, mut reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let reader: &mut dyn Read = &mut reader;
    let mut scanner = Scanner::new(reader)?;
    let mut responses = Responses { object, rows: JsonRows::new(object), gaps: Vec::new() };
    while scanner.peek()?.is_some() {
        responses.line(&mut scanner, sink)?;
    }
    let Responses { mut rows, gaps, .. } = responses;
    rows.columns.flush(sink)?;
    Ok(Notes { gaps, seen: rows.seen, ..Notes::default() })
}

struct Responses<'a> {
    object: &'a RawObject<'a>,
    rows: JsonRows<'a>,
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
        let Self { object, rows, .. } = self;
        let request = match request.map(Json::of) {
            Some(Ok(Json::Object(request))) => request,
            _ => Object::default(),
        };
        let answer = Answer::new(object, request, received_at);
        find_rows(scanner, &object.table.rows, |scanner| match scanner.peek()? {
            Some(b'{') => rows.one(scanner, "row", &answer, sink),
            _ => rows.list(scanner, "row", &answer, sink),
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

/// The elements of the array that comes next.
fn elements<R: Read>(
    scanner: &mut Scanner<R>,
    mut visit: impl FnMut(u64, &[u8]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if !begin_list(scanner)? {
        return Ok(());
    }
    let mut index = 0;
    loop {
        index += 1;
        let length = scanner.value_length(MAX_ROW)?;
        visit(index, scanner.window().get(..length).unwrap_or_default())?;
        scanner.consume(length);
        if !scanner.either(b',', b']')? {
            return Ok(());
        }
    }
}

/// Goes into the list that comes next; whether it has elements.
fn begin_list<R: Read>(scanner: &mut Scanner<R>) -> Result<bool, Stop> {
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
        return Ok(false);
    }
    Ok(true)
}
