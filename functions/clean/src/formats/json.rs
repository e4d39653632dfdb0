//! Formats of JSON: `json` (documents with a list of rows or one row), `ndjson` (one row per line) and `responses` (a
//! source's answers, one per line, with rows in their bodies).

mod absent;
mod explode;
mod members;
#[cfg(test)]
mod oracle;
mod text;

use std::io::Read;

use lake::dataset::Column;
use serde_json::value::RawValue;

use self::absent::Absent;
use self::members::Members;
use self::text::JsonText;
use super::answers::{self, MAX_TEXT};
use super::columns::{Columns, Field, Record};
use super::lines::{Lines, TextLine};
use super::{Notes, RawObject};
use crate::error::Stop;
use crate::reject::Reject;
use crate::scanner::{Scanner, no_json};
use crate::writer::Sink;
use lake::json::{Json, Object, unescaped};
use lake::value::Raw;

/// The longest row that is accepted.
const MAX_ROW: usize = 8 * 1024 * 1024;
/// The same of one that holds a list of rows.
const MAX_PARENT: usize = 64 * 1024 * 1024;

/// Format `json`: reads the rows of each document element by element.
pub(super) fn document(object: &RawObject, mut reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let reader: &mut dyn Read = &mut reader;
    let mut rows = JsonRows::new(object);
    rows.needs_members = true;
    rows.absent.note_gaps();
    let answer = Answer { received_at: object.received_at.timestamp_micros(), ..Answer::default() };
    let mut scanner = Scanner::new(reader)?;
    let mut is_first = true;
    // Elsewhere, nothing would be found where the rows should be.
    if !matches!(scanner.peek()?, None | Some(b'{' | b'[')) && scanner.no_json()?.is_some() {
        return Err(scanner.unexpected("a list"));
    }
    loop {
        find_rows(&mut scanner, &object.table.rows, |scanner| match scanner.peek()? {
            Some(b'{') => {
                if is_first && rows.is_something_else(scanner)? {
                    return Err(one_object());
                }
                rows.one(scanner, "element", &answer, sink)
            }
            _ => rows.list(scanner, "element", &answer, sink),
        })?;
        is_first = false;
        scanner.peek()?;
        scanner.pass_mark()?;
        match scanner.peek()? {
            None => break,
            Some(b'{' | b'[') => {}
            Some(b',') => {
                let why = format!(
                    "a comma stands at byte {}, behind a value that is whole: leave commas between documents out, or write [ \
                     before the first row and ] behind the last",
                    scanner.offset()
                );
                return Err(Stop::reject("not_json", why));
            }
            Some(_) => return Err(scanner.left_over()),
        }
    }
    rows.finish(sink)
}

/// What a row of format `ndjson` is called.
const LINE: &str = "the line";

/// Whether the first element of a list is an object.
fn holds_objects(list: &RawValue) -> bool {
    list.get().trim_start_matches(|c: char| c == '[' || c.is_ascii_whitespace()).starts_with('{')
}

/// Why a text is no row, without quoting it.
fn refusal(what: &str, text: &[u8]) -> (&'static str, String) {
    if std::str::from_utf8(text).is_err() {
        let why = format!("{what} is not UTF-8 text: declare encoding = \"windows-1252\" or what else it is");
        return ("not_utf8", why);
    }
    if let Some(known) = no_json(text.trim_ascii_start()) {
        return ("not_json", format!("{what} begins {known}"));
    }
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>();
    let why = match values.next() {
        None => format!("{what} is empty: there is a comma too many"),
        Some(Err(error)) => {
            let hint = hint(text, &error);
            format!("{what} is not JSON at its line {} column {}{hint}", error.line(), error.column())
        }
        Some(Ok(value)) => {
            let end = values.byte_offset();
            let rest = text.get(end..).unwrap_or_default();
            let blanks = rest.len() - rest.trim_ascii_start().len();
            match Json::of(value) {
                _ if blanks < rest.len() => match rest.trim_ascii() {
                    [b','] => format!(
                        "{what} has a comma behind its value: leave commas between lines out, or write [ before the first row and \
                         ] behind the last, and declare format = \"json\""
                    ),
                    [b'/' | b'#', ..] => {
                        format!("{what} has a comment behind its value, and JSON has none: take it out")
                    }
                    _ => format!(
                        "{what} has something behind its first value, at byte {}: one row per line",
                        end + blanks + 1
                    ),
                },
                Err(_) => format!("{what} is JSON with a text that is none, such as half of a surrogate pair"),
                Ok(Json::Object(_)) => format!("{what} is a JSON object with a text that is none"),
                Ok(Json::List(_)) if what == LINE && holds_objects(value) => {
                    format!(
                        "{what} is JSON, but a list and not an object: declare format = \"json\" for a list of rows"
                    )
                }
                Ok(Json::List(_)) => format!(
                    "{what} is JSON, but a list and not an object: its values have no names, and no option reads such rows; write \
                     them as objects, such as {{\"id\": 1}}, or the table as CSV"
                ),
                Ok(_) => format!("{what} is JSON, but not an object"),
            }
        }
    };
    ("not_json", why)
}

/// What is no row, and why.
pub(super) struct Refused {
    /// Where it is, if the message does not say it.
    pub place: String,
    pub reason: String,
    pub message: String,
}

/// The first of a text's lines that is no row of format `ndjson`.
pub(super) fn first_of_lines(text: &[u8]) -> Option<Refused> {
    let lines = text.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty());
    lines
        .filter(|(line, _)| !matches!(Json::parse(line), Ok(Json::Object(_))))
        .map(|(line, number)| {
            let (reason, message) = refusal(LINE, line);
            Refused { place: format!("line {number}: "), reason: reason.to_owned(), message }
        })
        .next()
}

/// The first value of a text that is no row of format `json`, or why the text cannot be read.
pub(super) fn first_of_document(text: &[u8]) -> Option<Refused> {
    let mut found = None;
    let mut visit = |index: u64, element: &[u8]| {
        if found.is_none() && !matches!(Json::parse(element), Ok(Json::Object(_))) {
            let (reason, message) = refusal(&format!("element {index}"), element);
            found = Some(Refused { place: String::new(), reason: reason.to_owned(), message });
        }
        Ok(())
    };
    let mut read = || {
        let mut scanner = Scanner::new(text)?;
        if scanner.peek()? == Some(b'[') {
            return elements(&mut scanner, &mut visit);
        }
        let length = scanner.value_length(MAX_PARENT)?;
        visit(1, scanner.window().get(..length).unwrap_or_default())
    };
    match (read(), found) {
        (_, Some(found)) => Some(found),
        (Err(Stop::Reject(reject)), None) => {
            Some(Refused { place: String::new(), reason: reject.reason, message: reject.message })
        }
        (_, None) => None,
    }
}

/// What stands where the parser stopped, if it is one of the usual slips.
fn hint(text: &[u8], error: &serde_json::Error) -> &'static str {
    let line = text.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let from = error.column().saturating_sub(2);
    let near = line.get(from..line.len().min(from + 10)).unwrap_or_default();
    let has = |word: &[u8]| near.windows(word.len()).any(|part| part == word);
    if error.is_eof() {
        ": it ends within a value; where values go over several lines, declare format = \"json\""
    } else if has(b"NaN") || has(b"Infinity") {
        ": NaN and Infinity are no JSON numbers; write null, or a string that the column declares as missing"
    } else if has(b"None") || has(b"True") || has(b"False") {
        ": it is Python's notation; write null, true, false"
    } else if has(b"//") || has(b"/*") || near.starts_with(b"#") {
        ": JSON has no comments; take them out"
    } else if has(b"'") {
        ": JSON has double quotes"
    } else {
        ""
    }
}

/// Refuses a row in which nothing is that a column is read from.
fn no_members(columns: &[Column]) -> (&'static str, String) {
    let names: Vec<&str> = columns.iter().flat_map(|column| column.fields().next()).take(8).collect();
    let why = format!(
        "the row has none of the declared members ({}): declare field = \"...\" or path = \"/...\"",
        names.join(", ")
    );
    ("no_members", why)
}

/// Format `ndjson`: a line that is no JSON object is rejected alone.
pub(super) fn lines(object: &RawObject, mut reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let reader: &mut dyn Read = &mut reader;
    let mut rows = JsonRows::new(object);
    let received_at = object.received_at.timestamp_micros();
    let longest = rows.longest();
    let mut lines = Lines::new(reader, longest)?;
    while let Some(TextLine { number: row, text, is_text, is_too_long }) = lines.next_line()? {
        if is_too_long {
            rows.seen += 1;
            let message = format!("the line is longer than {longest} bytes");
            sink.reject(&Reject { row, column: None, reason: "line_too_long", message, text })?;
            continue;
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        let record = Record { row, text, received_at };
        if rows.is_exploded() {
            match Json::parse(text) {
                Ok(Json::Object(element)) => rows.explode(element, record, sink)?,
                _ => rows.reject(record, refusal(LINE, text), sink)?,
            }
            continue;
        }
        rows.seen += 1;
        let JsonRows { columns, members, absent, .. } = &mut rows;
        let is_found = is_text
            && members
                .find(text)
                .and_then(|length| text.get(length..))
                .is_some_and(|rest| rest.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')))
            && members.has_any();
        if is_found {
            absent.pass(|column| members.has(column));
            columns.add(record, sink, |column| members.field(text, column))?;
            continue;
        }
        let (reason, message) = match Json::parse(text) {
            Ok(Json::Object(element)) if has_any(&object.table.columns, &element) => {
                absent.pass_row(&element);
                columns.add_raw(record, sink, |_, column| field(column, &element, &Object::default()))?;
                continue;
            }
            Ok(Json::Object(_)) => no_members(&object.table.columns),
            _ => refusal(LINE, text),
        };
        sink.reject(&Reject { row, column: None, reason, message, text })?;
    }
    rows.finish(sink)
}

/// Whether a row has a member that a column is read from.
fn has_any(columns: &[Column], row: &Object) -> bool {
    let has = |column: &Column| match &column.path {
        Some(path) => row.pointer(path).is_some(),
        None => column.fields().chain(column.joined.iter().map(String::as_str)).any(|name| row.member(name).is_some()),
    };
    let mut own = columns.iter().filter(|column| is_own(column)).peekable();
    own.peek().is_none() || own.any(has)
}

/// Whether a column is read from a member of the row itself.
fn is_own(column: &Column) -> bool {
    let is_parents = column.path.as_ref().is_some_and(|path| path.starts_with('^'));
    column.request.is_none() && column.day_of.is_none() && !is_parents
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
    declared: &'a [Column],
    /// The lists whose elements are the rows.
    exploded: &'a [String],
    /// Members that no row had so far.
    absent: Absent<'a>,
    /// Whether a row must have a member that a column is read from.
    needs_members: bool,
    seen: u64,
}

impl<'a> JsonRows<'a> {
    fn new(object: &RawObject<'a>) -> Self {
        let declared = object.table.columns.as_slice();
        Self {
            columns: Columns::new(object),
            members: Members::new(declared),
            declared,
            absent: Absent::new(declared),
            exploded: &object.table.explode,
            needs_members: false,
            seen: 0,
        }
    }

    /// The longest text of a row, or of one that holds a list of them.
    fn longest(&self) -> usize {
        if self.is_exploded() { MAX_PARENT } else { MAX_ROW }
    }

    fn is_exploded(&self) -> bool {
        !self.exploded.is_empty()
    }

    /// Hands on what there is, unless a member was renamed.
    fn finish(mut self, sink: &mut dyn Sink) -> Result<Notes, Stop> {
        self.absent.refuse(self.members.others())?;
        self.columns.flush(sink)?;
        Ok(Notes { seen: self.seen, lacks_members: self.absent.has_gaps(), ..Notes::default() })
    }

    /// Rejects a row as a whole.
    fn reject(&mut self, record: Record, refusal: (&'static str, String), sink: &mut dyn Sink) -> Result<(), Stop> {
        self.seen += 1;
        let (Record { row, text, .. }, (reason, message)) = (record, refusal);
        sink.reject(&Reject { row, column: None, reason, message, text })
    }

    /// Whether the object that comes next has nothing that a column is read from.
    fn is_something_else<R: Read>(&self, scanner: &mut Scanner<R>) -> Result<bool, Stop> {
        let length = scanner.value_length(self.longest())?;
        let text = scanner.window().get(..length).unwrap_or_default();
        let Ok(Json::Object(object)) = Json::parse(text) else { return Ok(false) };
        Ok(match self.exploded.first() {
            Some(pointer) => object.pointer(pointer).is_none(),
            None => !has_any(self.declared, &object),
        })
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
        let Self { columns, members, absent, .. } = self;
        let found = members.find(text).filter(|length| *length <= MAX_ROW).and_then(|length| text.get(..length));
        // Whether a member is in no row, single rows do not show.
        let is_whole = |members: &Members| members.has_any() && absent.has_all(|column| members.has(column));
        let is_row = |text: &&[u8]| std::str::from_utf8(text).is_ok() && is_whole(members);
        let Some(text) = found.filter(is_row) else { return Ok(None) };
        absent.pass(|column| members.has(column));
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
        let received_at = answer.received_at;
        scanner.peek()?;
        if self.is_exploded() {
            let length = scanner.value_length(self.longest())?;
            let text = scanner.window().get(..length).unwrap_or_default();
            let record = Record { row: self.seen + 1, text, received_at };
            match Json::parse(text) {
                Ok(Json::Object(element)) => self.explode(element, Record { row: 0, ..record }, sink)?,
                _ => self.reject(record, refusal(&format!("{name} {}", record.row), text), sink)?,
            }
            scanner.consume(length);
            return Ok(());
        }
        self.seen += 1;
        let row = self.seen;
        let Self { columns, members, absent, .. } = self;
        if let Some(length) = members.find(scanner.window()).filter(|length| *length <= MAX_ROW) {
            let text = scanner.window().get(..length).unwrap_or_default();
            if std::str::from_utf8(text).is_ok() && (!self.needs_members || members.has_any()) {
                absent.pass(|column| members.has(column));
                let field = |column| answer.field(column).unwrap_or_else(|| members.field(text, column));
                columns.add(Record { row, text, received_at }, sink, field)?;
                scanner.consume(length);
                return Ok(());
            }
        }
        let length = scanner.value_length(MAX_ROW)?;
        let text = scanner.window().get(..length).unwrap_or_default();
        match row_of(text, self.declared, self.needs_members, &format!("{name} {row}")) {
            Ok(element) => {
                absent.pass_row(&element);
                let record = Record { row, text, received_at };
                columns.add_raw(record, sink, |_, column| field(column, &element, &answer.request))?;
            }
            Err((reason, message)) => sink.reject(&Reject { row, column: None, reason, message, text })?,
        }
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

/// A row's members, or why it is none. What a source answers may be no object: it has no members then.
fn row_of<'t>(
    text: &'t [u8],
    columns: &[Column],
    needs_members: bool,
    what: &str,
) -> Result<Object<'t>, (&'static str, String)> {
    match Json::parse(text) {
        Ok(Json::Object(object)) if !needs_members || has_any(columns, &object) => Ok(object),
        Ok(Json::Object(_)) => Err(no_members(columns)),
        Ok(_) if !needs_members => Ok(Object::default()),
        _ => Err(refusal(what, text)),
    }
}

/// Format `responses`: returns the gaps that the object itself reports, too.
pub(super) fn responses(object: &RawObject, mut reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let reader: &mut dyn Read = &mut reader;
    let mut scanner = Scanner::new(reader)?;
    let (mut rows, mut gaps) = (JsonRows::new(object), Vec::new());
    while scanner.peek()?.is_some() {
        let mut line = answers::Answer::begin(&mut scanner, object)?;
        while line.goes_to_body(&mut scanner)? {
            let request = match line.request.as_deref().map(Json::of) {
                Some(Ok(Json::Object(request))) => request,
                _ => Object::default(),
            };
            let answer = Answer::new(object, request, line.received_at);
            let mut wrong = None;
            let is_found = seek_rows(&mut scanner, &object.table.rows, |scanner| match scanner.peek()? {
                Some(b'{') => rows.one(scanner, "row", &answer, sink),
                Some(b'[') => rows.list(scanner, "row", &answer, sink),
                other => {
                    scanner.skip_value()?;
                    // No list at all is how some servers write one without elements.
                    wrong = (other != Some(b'n')).then_some("not_a_list");
                    Ok(())
                }
            })?;
            if !is_found {
                wrong = Some("no_rows");
            }
            if let Some(reason) = wrong {
                rows.seen += 1;
                let text = line.request.as_deref().map_or("{}", RawValue::get);
                let message = without_rows(reason, &object.table.rows);
                sink.reject(&Reject { row: rows.seen, column: None, reason, message, text: text.as_bytes() })?;
            }
        }
        gaps.extend(line.gap);
    }
    rows.columns.flush(sink)?;
    Ok(Notes { gaps, seen: rows.seen, ..Notes::default() })
}

/// Why the rows of an answer cannot be read.
fn without_rows(reason: &str, pointer: &str) -> String {
    let why = match reason {
        "no_rows" => "there is nothing where the rows should be",
        _ => "what should be the list of rows is none",
    };
    let place = if pointer.is_empty() { String::new() } else { format!(" ({pointer})") };
    format!("{why}{place} in the answer to this request: an error message of the server?")
}

/// Where a column's value is in a row, or in the request that got it.
fn field<'v>(column: &Column, row: &Object<'v>, request: &Object<'v>) -> Raw<'v> {
    let value = match (&column.path, &column.request) {
        (Some(path), _) => row.pointer(path),
        (_, Some(path)) => request.pointer(path),
        _ if !column.joined.is_empty() => return joined(column, row),
        _ => column.fields().find_map(|name| row.member(name)),
    };
    value.into()
}

/// The values of several members, joined by a blank; those that are missing or blank are left out.
fn joined<'v>(column: &Column, row: &Object<'v>) -> Raw<'v> {
    let mut text = String::new();
    for name in &column.joined {
        let value: Raw = row.member(name).into();
        let part = match &value {
            Raw::Text(part) => part.trim(),
            Raw::Number(digits) => digits,
            Raw::Missing => "",
            Raw::HalfCharacter => return Raw::HalfCharacter,
            Raw::Vague(_) | Raw::Bool(_) | Raw::Nested | Raw::Stamp { .. } => return Raw::Nested,
        };
        if !text.is_empty() && !part.is_empty() {
            text.push(' ');
        }
        text.push_str(part);
    }
    if text.is_empty() { Raw::Missing } else { Raw::Text(text.into()) }
}

/// Calls `visit` at the value that `pointer` names, and skips everything else. Without such a value, or where a member on
/// the way is there twice, the object is rejected.
fn find_rows<R: Read>(
    scanner: &mut Scanner<R>,
    pointer: &str,
    visit: impl FnOnce(&mut Scanner<R>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if seek_rows(scanner, pointer, visit)? {
        return Ok(());
    }
    Err(Stop::reject("no_rows", format!("there is no \"{pointer}\" where the rows should be")))
}

/// The same; false without such a value.
fn seek_rows<R: Read>(
    scanner: &mut Scanner<R>,
    pointer: &str,
    visit: impl FnOnce(&mut Scanner<R>) -> Result<(), Stop>,
) -> Result<bool, Stop> {
    let Some((name, rest)) = pointer.strip_prefix('/').map(|path| path.split_once('/').unwrap_or((path, ""))) else {
        visit(scanner)?;
        return Ok(true);
    };
    let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
    let name = unescaped(name);
    if scanner.peek()? != Some(b'{') {
        scanner.skip_value()?;
        return Ok(false);
    }
    let (mut visit, mut is_found) = (Some(visit), false);
    scanner.expect(b'{')?;
    if scanner.peek()? == Some(b'}') {
        scanner.expect(b'}')?;
        return Ok(false);
    }
    loop {
        let is_this = scanner.key(MAX_TEXT)? == name;
        match visit.take_if(|_| is_this) {
            Some(visit) => is_found = seek_rows_boxed(scanner, &rest, Box::new(visit))?,
            None if is_this => {
                let (reason, why) = repeated(&name, "document");
                return Err(Stop::reject(reason, why));
            }
            None => scanner.skip_value()?,
        }
        if !scanner.either(b',', b'}')? {
            return Ok(is_found);
        }
    }
}

type Visit<'v, R> = Box<dyn FnOnce(&mut Scanner<R>) -> Result<(), Stop> + 'v>;

/// The same, for a pointer of any length.
fn seek_rows_boxed<R: Read>(scanner: &mut Scanner<R>, pointer: &str, visit: Visit<'_, R>) -> Result<bool, Stop> {
    seek_rows(scanner, pointer, visit)
}

/// Calls `visit` with the running index, from 1, and the bytes of each element of the array that the stream holds.
pub(super) fn each_element(reader: impl Read, visit: impl FnMut(u64, &[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
    let mut scanner = Scanner::new(reader)?;
    elements(&mut scanner, visit)?;
    if scanner.peek()?.is_some() { Err(scanner.left_over()) } else { Ok(()) }
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

/// Refuses what has a member twice that rows are within: which of them counts cannot be known.
fn repeated(name: &str, what: &str) -> (&'static str, String) {
    let why =
        format!("the {what} has two members \"{name}\", and the rows are within: write one of them, with all rows");
    ("duplicate_member", why)
}

/// Rejects a document that is an object where a list of rows should be.
fn one_object() -> Stop {
    let why = "a list was expected, but there is one object without the declared members: an error message of the server? If \
               its rows are further within, declare rows = \"/pointer\"";
    Stop::reject("not_a_list", why)
}

/// Goes into the list that comes next; whether it has elements.
fn begin_list<R: Read>(scanner: &mut Scanner<R>) -> Result<bool, Stop> {
    match scanner.peek()? {
        Some(b'[') => scanner.consume(1),
        Some(b'{') => return Err(one_object()),
        _ => return Err(scanner.unexpected("a list")),
    }
    if scanner.peek()? == Some(b']') {
        scanner.consume(1);
        return Ok(false);
    }
    Ok(true)
}
