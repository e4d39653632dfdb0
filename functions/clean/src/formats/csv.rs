//! Formats `csv` and `tsv`: RFC 4180 with any line ends, a byte order mark, and line breaks inside quotes. A quote that
//! nothing closes, or that text follows, rejects its line alone. Other dialects are declared by the table.
//!
//! Columns are found by the names in the header, without regard to case and order; by position where no line looks like a
//! header. Blank lines are no rows.

#[cfg(test)]
mod dialects;
#[cfg(test)]
mod oracle;
mod slicer;
#[cfg(test)]
mod tests;

use std::io::Read;

use lake::dataset::{Encoding, Header, Quote};

pub(super) use self::slicer::Dialect;
use self::slicer::{Flaw, Sliced, Slicer};
use super::columns::{Columns, Record, is_blank};
use super::layout::{Layout, Line};
use super::window::ByteWindow;
use super::{Notes, RawObject};
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;

/// The longest record that is accepted, and how far a quote's end is looked for.
const MAX_RECORD: usize = 1024 * 1024;
/// How far a header is looked for that is not the first line, where nothing is declared.
const LOOK_AHEAD: usize = 64 * 1024;

/// Reads the rows; returns how many there were and how many columns of the file nobody declared.
pub(super) fn decode(
    object: &RawObject,
    delimiter: u8,
    mut reader: impl Read,
    sink: &mut dyn Sink,
) -> Result<Notes, Stop> {
    // One copy of what follows for all readers.
    let reader: &mut dyn Read = &mut reader;
    decode_records(object, Slicer::new(reader, dialect(object, delimiter), MAX_RECORD)?, sink)
}

fn dialect(object: &RawObject, delimiter: u8) -> Dialect {
    let table = object.table;
    let has_quotes = table.quote == Quote::Double;
    Dialect { delimiter, has_quotes, escape: table.escape, comment: table.comment }
}

fn decode_records<R: Read>(object: &RawObject, mut slicer: Slicer<R>, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let received_at = object.received_at.timestamp_micros();
    let mut columns = Columns::new(object);
    let Some(Begin { layout, is_row, lines, records }) = begin(object, &mut slicer)? else {
        columns.flush(sink)?;
        return Ok(Notes { preamble: object.table.skip_lines.min(slicer.lines()), ..Notes::default() });
    };
    let mut joined = Vec::new();
    let mut is_row = is_row || slicer.advance()?;
    while is_row {
        let sliced = slicer.record();
        let record = Record { row: sliced.row, text: sliced.text, received_at };
        match refusal(object, &sliced, &layout) {
            None if layout.joined().is_empty() => {
                columns.add_texts(record, sink, |column| value(&sliced, layout.position(column)?))?;
            }
            None => {
                layout.join(&mut joined, |at| sliced.value(at));
                let place = |column| layout.joined().iter().position(|(joined, _)| *joined == column);
                let text = |column| match place(column) {
                    Some(at) => joined.get(at).map(Vec::as_slice).filter(|text| !text.is_empty()),
                    None => value(&sliced, layout.position(column)?),
                };
                columns.add_texts(record, sink, text)?;
            }
            Some((reason, message)) => {
                let Record { row, text, .. } = record;
                sink.reject(&Reject { row, column: None, reason, message, text })?;
            }
        }
        is_row = slicer.advance()?;
    }
    columns.flush(sink)?;
    let (seen, preamble) = (slicer.number() - records, lines + slicer.comments());
    Ok(Notes { ignored_columns: layout.ignored, seen, preamble, ..Notes::default() })
}

/// The value at a position; none if it is blank.
#[inline]
fn value<'s>(record: &Sliced<'s>, position: usize) -> Option<&'s [u8]> {
    record.value(position).filter(|text| !is_blank(text))
}

/// How a file begins.
struct Begin {
    layout: Layout,
    /// Whether the record that was found last is a row: there is no header then.
    is_row: bool,
    /// Lines before the header that are no rows by declaration, but for comments.
    lines: u64,
    /// Records that are no rows: those, and the header.
    records: u64,
}

/// Finds the header, or that there is none; nothing if there is no record.
fn begin<R: Read>(object: &RawObject, slicer: &mut Slicer<R>) -> Result<Option<Begin>, Stop> {
    let table = object.table;
    let mut lines = u64::from(slicer.obey_separator()?);
    lines += slicer.skip_lines(table.skip_lines.saturating_sub(lines))?;
    let (mut header, mut records) = (table.header, 0);
    if header == Header::Auto {
        slicer.fill(2 * LOOK_AHEAD)?;
    }
    while slicer.advance()? {
        let record = slicer.record();
        let is_named_later = || {
            let (bytes, dialect) = slicer.look_ahead();
            is_named_later(object, bytes.get(..LOOK_AHEAD).unwrap_or(bytes), dialect)
        };
        let line = match record.flaw {
            None => Layout::find(table, header, &record.texts().collect::<Vec<_>>(), is_named_later)?,
            Some(_) if header == Header::Never => Line::Row(Layout::in_order(&table.columns)),
            Some(_) if header == Header::Find => Line::Preamble,
            Some(_) if header == Header::Auto && is_named_later()? => Line::Preamble,
            // Without its names, what follows could be read by position only.
            Some(flaw) => {
                let (reason, why) = explain(flaw);
                return Err(Stop::reject(reason, format!("line {} may be the header: {why}", record.row)));
            }
        };
        let (layout, is_row) = match line {
            Line::Header(layout) => (layout, false),
            Line::Row(layout) => (layout, true),
            Line::Preamble => {
                (header, records) = (Header::Find, records + 1);
                continue;
            }
        };
        return Ok(Some(Begin { layout, is_row, lines: lines + records, records: records + u64::from(!is_row) }));
    }
    if records > 0 { Err(Layout::no_header(table)) } else { Ok(None) }
}

/// Whether any record in these bytes has all names that a file must have.
fn is_named_later(object: &RawObject, bytes: &[u8], dialect: Dialect) -> Result<bool, Stop> {
    // What is at hand is no beginning of a file: a byte order mark in it is none.
    let window = ByteWindow::within(bytes)?;
    let mut slicer = Slicer::over(window, dialect, MAX_RECORD);
    while slicer.advance()? {
        let record = slicer.record();
        if record.flaw.is_none() && Layout::is_header(object.table, &record.texts().collect::<Vec<_>>()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is wrong with a record that has no values, and what to do.
fn explain(flaw: Flaw) -> (&'static str, String) {
    match flaw {
        Flaw::BadQuote => (
            "bad_quote",
            "a quote in it is not closed, or text follows where it is: double the quotes inside a value, or declare escape = \
             \"\\\\\", or quote = \"none\" if quotes are characters like others"
                .to_owned(),
        ),
        Flaw::TooLong => ("record_too_long", format!("the record is longer than {MAX_RECORD} bytes")),
    }
}

/// Why a record as a whole is not acceptable.
fn refusal(object: &RawObject, sliced: &Sliced, layout: &Layout) -> Option<(&'static str, String)> {
    if let Some(flaw) = sliced.flaw {
        return Some(explain(flaw));
    }
    // What is no text may have lost delimiters as well.
    if !sliced.is_text {
        return Some(no_text(object, sliced.text));
    }
    if !layout.has_width(sliced.len(), |at| sliced.value(at).is_none_or(is_blank)) {
        let why = format!("the record has {} values, and the file has {} columns", sliced.len(), layout.columns());
        return Some(("wrong_column_count", why));
    }
    None
}

/// Why bytes are no text of the table.
fn no_text(object: &RawObject, text: &[u8]) -> (&'static str, String) {
    if std::str::from_utf8(text).is_ok() && text.contains(&0) {
        return (
            "nul_byte",
            "the record has a NUL byte, which no text has: the file is damaged, or is no text".to_owned(),
        );
    }
    let why = match object.table.encoding {
        Encoding::Utf8 => {
            "the record is not UTF-8 text: declare encoding = \"windows-1252\" or what else it is, or save the file as UTF-8"
        }
        Encoding::Windows1252 | Encoding::Latin1 | Encoding::Utf16 => {
            "the record has bytes that are no characters in the declared encoding"
        }
    };
    ("not_utf8", why.to_owned())
}

/// A record of a sample.
#[derive(Debug)]
pub(super) struct SampleRecord {
    /// Its values; none if its quotes are not as they should be.
    pub values: Vec<String>,
    /// The line where it begins, from 1, and how many it has.
    pub row: u64,
    pub lines: u64,
    /// Whether it has values, and all of them are text.
    pub is_sound: bool,
    /// What it begins with.
    pub first: u8,
}

/// The records of the beginning of a file, up to so many, and its dialect: a line `sep=;` decides.
pub(super) fn sample(bytes: &[u8], dialect: Dialect, most: usize) -> Result<(Dialect, Vec<SampleRecord>), Stop> {
    let mut slicer = Slicer::new(bytes, dialect, MAX_RECORD)?;
    slicer.obey_separator()?;
    let mut records = Vec::new();
    while records.len() < most && slicer.advance()? {
        let record = slicer.record();
        records.push(SampleRecord {
            values: record.texts().map(str::to_owned).collect(),
            row: record.row,
            lines: slicer::line_ends(record.text) + 1,
            is_sound: record.flaw.is_none() && record.is_text,
            first: record.text.first().copied().unwrap_or_default(),
        });
    }
    Ok((slicer.dialect(), records))
}
