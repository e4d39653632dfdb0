//! Formats `csv` and `tsv`: RFC 4180 with any line ends, a byte order mark, and line breaks inside quotes.
//!
//! Columns are found by the names in the header, without regard to case and order; by position where no name fits and
//! the count does. Blank lines are no rows.

use std::io::Read;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use lake::dataset::{Column, Header};

use super::lines::BYTE_ORDER_MARK;
use super::rows::{Record, Rows};
use super::value::{Raw, Typed, check};
use super::{Notes, RawObject, Sample};
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;

/// Bytes read at a time.
const WINDOW: usize = 256 * 1024;
/// The longest record that is accepted: what is longer has a quote that nobody closed.
const MAX_RECORD: usize = 1024 * 1024;

/// Reads the rows; returns how many there were and how many columns of the file nobody declared.
pub(super) fn decode(object: &RawObject, delimiter: u8, reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let mut records = Records::new(reader, delimiter);
    let mut rows = Rows::new(object);
    let received_at = object.received_at.timestamp_micros();
    let mut layout: Option<Layout> = None;
    let mut headers = 0;
    while records.advance()? {
        let (row, text) = (records.line, records.text());
        let known = match &layout {
            Some(known) => known,
            None => {
                let (found, is_header) = Layout::find(object, &records)?;
                let known = layout.insert(found);
                if is_header {
                    headers = 1;
                    continue;
                }
                known
            }
        };
        let refusal = if records.len() != known.width {
            let why = format!("the record has {} values, and the file has {} columns", records.len(), known.width);
            Some(("wrong_column_count", why))
        } else if std::str::from_utf8(records.bytes()).is_err() {
            Some(("not_utf8", "the record is not UTF-8 text: save the file as UTF-8".to_owned()))
        } else {
            None
        };
        if let Some((reason, message)) = refusal {
            sink.reject(&Reject { row, column: None, reason, message, text })?;
            continue;
        }
        rows.add(Record { row, text, received_at }, sink, |column, _| known.value(&records, column))?;
    }
    rows.flush(sink)?;
    let ignored_columns = layout.map_or(0, |layout| layout.ignored);
    Ok(Notes { ignored_columns, seen: records.number - headers, ..Notes::default() })
}

/// All records of a file, as text.
pub(super) fn sample(reader: impl Read, delimiter: u8) -> Result<Sample, Stop> {
    let mut records = Records::new(reader, delimiter);
    let mut rows = Vec::new();
    while records.advance()? {
        rows.push(records.values().map(|value| value.unwrap_or_default().to_owned()).collect::<Vec<_>>());
    }
    let names = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
    Ok(Sample { delimiter, names, rows })
}

/// Which value of a record belongs to which column.
struct Layout {
    /// For each declared column, the position in the record.
    positions: Vec<Option<usize>>,
    /// Values in a record.
    width: usize,
    /// Columns of the file that nobody declared.
    ignored: u64,
}

impl Layout {
    /// The layout by the first record, and whether that is a header.
    fn find<R>(object: &RawObject, first: &Records<R>) -> Result<(Self, bool), Stop> {
        let columns = &object.table.columns;
        let names: Vec<String> = first.values().map(|name| name.unwrap_or_default().trim().to_lowercase()).collect();
        let has_field = |column: &&Column| column.day_of.is_none();
        let named = |column: &Column| {
            let of_field = |field: &str| names.iter().position(|name| *name == field.to_lowercase());
            column.fields().find_map(of_field)
        };
        let by_name: Vec<Option<usize>> =
            columns.iter().map(|column| if has_field(&column) { named(column) } else { None }).collect();
        let missing: Vec<&str> = columns
            .iter()
            .zip(&by_name)
            .filter(|(column, position)| has_field(column) && position.is_none())
            .filter_map(|(column, _)| column.fields().next())
            .collect();
        let any_named = object.table.header != Header::Never && by_name.iter().any(Option::is_some);
        if any_named && missing.is_empty() {
            let mut used: Vec<usize> = by_name.iter().flatten().copied().collect();
            used.sort_unstable();
            used.dedup();
            let ignored = (names.len() - used.len()) as u64;
            return Ok((Self { positions: by_name, width: names.len(), ignored }, true));
        }
        let (positions, count) = in_order(columns);
        if any_named || names.len() != count {
            let missing = missing.join(", ");
            let why = format!("the file has no column {missing}; it has {} columns, of {count} declared", names.len());
            return Err(Stop::reject("missing_column", why));
        }
        let layout = Self { positions, width: count, ignored: 0 };
        let is_header = match object.table.header {
            Header::Always => true,
            Header::Never => false,
            Header::Auto => !layout.looks_like_data(columns, first),
        };
        Ok((layout, is_header))
    }

    /// Whether any value fits a column that does not take every text: no header's name does.
    fn looks_like_data<R>(&self, columns: &[Column], record: &Records<R>) -> bool {
        columns.iter().enumerate().any(|(at, column)| {
            let typed = column.kind != lake::dataset::ColumnType::String && column.day_of.is_none();
            typed && check(column, self.value(record, at)).is_ok_and(|value| value != Typed::Null)
        })
    }

    fn value<'r, R>(&self, record: &'r Records<R>, column: usize) -> Raw<'r> {
        let position = self.positions.get(column).copied().flatten();
        match position.and_then(|position| record.value(position)) {
            Some(text) if !text.trim().is_empty() => Raw::Text(text.into()),
            _ => Raw::Missing,
        }
    }
}

/// Positions in the order of declaration; columns of the same field share one. Tells how many there are.
fn in_order(columns: &[Column]) -> (Vec<Option<usize>>, usize) {
    let mut fields: Vec<&str> = Vec::new();
    let mut positions = Vec::new();
    for column in columns {
        if column.day_of.is_some() {
            positions.push(None);
            continue;
        }
        let known = fields.iter().position(|known| column.fields().any(|name| name == *known));
        positions.push(Some(known.unwrap_or(fields.len())));
        if known.is_none() {
            fields.extend(column.fields().next());
        }
    }
    (positions, fields.len())
}

/// The records of a file, one at a time.
struct Records<R> {
    reader: R,
    core: Reader,
    window: Vec<u8>,
    start: usize,
    end: usize,
    is_at_end: bool,
    /// The values of the record, one behind the other, and where each ends.
    values: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
    length: usize,
    /// The record as it was read, with the line ends before and behind it.
    raw: Vec<u8>,
    /// The line where the record begins, and the one where it ends.
    line: u64,
    last_line: u64,
    /// Records so far that are not blank.
    number: u64,
}

impl<R> Records<R> {
    fn new(reader: R, delimiter: u8) -> Self {
        Self {
            reader,
            core: ReaderBuilder::new().delimiter(delimiter).build(),
            window: vec![0; WINDOW],
            start: 0,
            end: 0,
            is_at_end: false,
            values: vec![0; 4096],
            ends: vec![0; 64],
            count: 0,
            length: 0,
            raw: Vec::new(),
            line: 1,
            last_line: 1,
            number: 0,
        }
    }

    fn len(&self) -> usize {
        self.count
    }

    fn bytes(&self) -> &[u8] {
        self.values.get(..self.length).unwrap_or_default()
    }

    /// A value; `None` if there is none or it is not UTF-8.
    fn value(&self, position: usize) -> Option<&str> {
        let end = *self.ends.get(..self.count)?.get(position)?;
        let start = position.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        std::str::from_utf8(self.values.get(start..end)?).ok()
    }

    fn values(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.count).map(|position| self.value(position))
    }

    /// The record as it was read, without line ends around it.
    fn text(&self) -> &[u8] {
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let start = self.raw.iter().position(|byte| !is_end(byte)).unwrap_or(self.raw.len());
        let end = self.raw.iter().rposition(|byte| !is_end(byte)).map_or(start, |last| last + 1);
        self.raw.get(start..end).unwrap_or_default()
    }
}

impl<R: Read> Records<R> {
    /// Goes on to the next record that is not blank; false at the end.
    fn advance(&mut self) -> Result<bool, Stop> {
        while self.read_record()? {
            let is_blank = self.count <= 1 && self.bytes().trim_ascii().is_empty();
            if !is_blank {
                self.number += 1;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Lets go of blank lines before a record: any number of them is no long record.
    fn pass_blank_lines(&mut self) {
        let blank = self.raw.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.raw);
        if self.length == 0 && self.count == 0 && blank.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            self.last_line += blank.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.raw.clear();
        }
    }

    fn read_record(&mut self) -> Result<bool, Stop> {
        (self.count, self.length) = (0, 0);
        self.raw.clear();
        loop {
            if self.start == self.end && !self.is_at_end {
                (self.start, self.end) = (0, self.reader.read(&mut self.window)?);
                self.is_at_end = self.end == 0;
            }
            let input = self.window.get(self.start..self.end).unwrap_or_default();
            let output = self.values.get_mut(self.length..).unwrap_or_default();
            let ends = self.ends.get_mut(self.count..).unwrap_or_default();
            let (result, read, written, ended) = self.core.read_record(input, output, ends);
            self.raw.extend_from_slice(input.get(..read).unwrap_or_default());
            self.start += read;
            self.length += written;
            self.count += ended;
            self.pass_blank_lines();
            if self.raw.len() > MAX_RECORD {
                let why = format!(
                    "the record at line {} is longer than {MAX_RECORD} bytes: is a quote not closed?",
                    self.last_line
                );
                return Err(Stop::reject("record_too_long", why));
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.values.resize(self.values.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(false),
            }
        }
        if let Some(rest) = self.raw.strip_prefix(BYTE_ORDER_MARK) {
            self.raw = rest.to_vec();
        }
        let breaks = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let before = self.raw.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(self.raw.len());
        self.line = self.last_line + breaks(self.raw.get(..before).unwrap_or_default());
        self.last_line = self.line + breaks(self.raw.get(before..).unwrap_or_default());
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
