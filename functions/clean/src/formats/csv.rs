//! Formats `csv` and `tsv`: RFC 4180 with line ends of any system, a byte order mark, and line breaks inside quotes. A quote that
//! nothing closes, or that text follows, rejects its line alone. Other dialects are declared by the table.
//!
//! Columns are found by the names in the header, without regard to case and order; by position where no line looks like a
//! header. Where a header comes again below rows, they are where that one says from there on. Blank lines are no rows.

mod beginning;
mod cut;
mod dialect;
#[cfg(test)]
mod dialects;
#[cfg(test)]
mod oracle;
mod slicer;
#[cfg(test)]
mod tests;

use std::io::Read;

use lake::dataset::{Encoding, Header};
use memchr::memmem;

pub(super) use self::dialect::Dialect;
use self::slicer::{Flaw, Sliced, Slicer};
use super::columns::{Columns, Record, is_blank};
use super::headers::{Headers, Turn};
use super::layout::{Ahead, Layout, Line, Nearest};
use super::window::{BYTE_ORDER_MARK, ByteWindow};
use super::{Notes, RawObject};
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;

/// The longest record that is accepted.
const MAX_RECORD: usize = 1024 * 1024;
/// How far a header is looked for that is not the first line, where nothing is declared.
const LOOK_AHEAD: usize = 64 * 1024;
/// What mostly stands between values, and how it is declared.
const DELIMITERS: [(u8, &str); 4] = [(b',', ","), (b';', ";"), (b'\t', "\\t"), (b'|', "|")];

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
    let (skips_blanks, escape, comment) = (table.skips_blanks, table.escape, table.comment);
    Dialect { delimiter, quote: table.quote, skips_blanks, escape, comment, ends_at_returns: None }
}

fn decode_records<R: Read>(object: &RawObject, mut slicer: Slicer<R>, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let received_at = object.received_at.timestamp_micros();
    let mut columns = Columns::new(object);
    let Some(Begin { layout, is_row, lines, records, names }) = begin(object, &mut slicer)? else {
        columns.flush(sink)?;
        return Ok(Notes { preamble: object.table.skip_lines.min(slicer.lines()), ..Notes::default() });
    };
    let headers = Headers::new(object.table, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut part = Part { layout, unreadable: None, headers: 0, ignored: 0 };
    let mut joined = Vec::new();
    let mut is_row = is_row || slicer.advance()?;
    while is_row {
        let sliced = slicer.record();
        if headers.as_ref().is_some_and(|headers| part.begins(headers, &sliced)) {
            is_row = slicer.advance()?;
            continue;
        }
        let Part { layout, unreadable, .. } = &part;
        let record = Record { row: sliced.row, text: sliced.text, received_at };
        match refusal(object, &sliced, layout, unreadable.as_deref()) {
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
    let (seen, preamble) = (slicer.number() - records - part.headers, lines + slicer.comments() + part.headers);
    Ok(Notes { ignored_columns: part.ignored.max(part.layout.ignored), seen, preamble, ..Notes::default() })
}

/// The rows below a header, or from the beginning on.
struct Part {
    layout: Layout,
    /// Why its rows cannot be read, if their header lacks names.
    unreadable: Option<String>,
    /// Headers so far that came below rows.
    headers: u64,
    /// The most columns of a part that nobody declared.
    ignored: u64,
}

impl Part {
    /// Whether a record is the header of the next part, and no row. One that lacks names is rejected with its rows.
    #[inline]
    fn begins(&mut self, headers: &Headers, sliced: &Sliced) -> bool {
        sliced.flaw.is_none() && headers.may_be(sliced.slices()) && sliced.is_text && self.turn(headers, sliced)
    }

    #[cold]
    fn turn(&mut self, headers: &Headers, sliced: &Sliced) -> bool {
        match headers.turn(&self.layout, sliced.row, &sliced.texts().collect::<Vec<_>>()) {
            None => false,
            Some(Turn::Other(why)) => {
                self.unreadable = Some(why);
                false
            }
            Some(Turn::Header(layout)) => {
                self.ignored = self.ignored.max(self.layout.ignored);
                (self.layout, self.unreadable) = (layout, None);
                self.headers += 1;
                true
            }
        }
    }
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
    /// The header's names.
    names: Vec<String>,
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
    let (mut hint, mut nearest) = (None, Nearest::default());
    while slicer.advance()? {
        let record = slicer.record();
        let ahead = || {
            let (bytes, dialect) = slicer.look_ahead();
            ahead(object, bytes.get(..LOOK_AHEAD).unwrap_or(bytes), dialect, record.row)
        };
        let texts: Vec<&str> = record.texts().collect();
        let may_be_json = records == 0 && matches!(header, Header::Auto | Header::Always);
        if may_be_json && begins_as_json(record.text) && !Layout::is_header(table, &texts) {
            let why = "the object begins as JSON does: name it .json, or .ndjson if each line is a row, or declare its format";
            return Err(Stop::reject("wrong_kind", why));
        }
        if hint.is_none() && record.flaw.is_none() {
            hint = other_way(object, &record, slicer.dialect(), header != Header::Find);
        }
        let line = match record.flaw {
            None => match Layout::find(table, header, &texts, ahead) {
                Ok(Line::Header(_)) if !record.is_text => return Err(no_header(&record, no_text(object, record.text))),
                Err(stop) => return Err(hinted(stop, hint)),
                Ok(line) => line,
            },
            Some(_) if header == Header::Never => Line::Row(Layout::in_order(&table.columns)),
            Some(_) if header == Header::Find => Line::Preamble,
            Some(_) if header == Header::Auto && ahead()?.is_preamble() => Line::Preamble,
            // Without its names, what follows could be read by position only.
            Some(flaw) => return Err(no_header(&record, explain(flaw))),
        };
        let (layout, is_row) = match line {
            Line::Header(layout) => (layout, false),
            Line::Row(layout) => (layout, true),
            Line::Preamble => {
                nearest.add(table, record.row, &texts);
                (header, records) = (Header::Find, records + 1);
                continue;
            }
        };
        let names = if is_row { Vec::new() } else { texts.into_iter().map(str::to_owned).collect() };
        let (lines, records) = (lines + records, records + u64::from(!is_row));
        return Ok(Some(Begin { layout, is_row, lines, records, names }));
    }
    if records > 0 { Err(hinted(Layout::no_header(table, &nearest), hint)) } else { Ok(None) }
}

fn begins_as_json(text: &[u8]) -> bool {
    [&b"{\""[..], b"[{"].iter().any(|json| text.starts_with(json)) || matches!(text, b"[" | b"{")
}

/// Refuses the object by what is wrong with a record that may be its header.
fn no_header(record: &Sliced, (reason, why): (&'static str, String)) -> Stop {
    Stop::reject(reason, format!("line {} may be the header: {why}", record.row))
}

/// What the records in these bytes are, of which the first is on that line.
fn ahead(object: &RawObject, bytes: &[u8], dialect: Dialect, line: u64) -> Result<Ahead, Stop> {
    // What is at hand is no beginning of a file.
    let window = ByteWindow::within(bytes)?;
    let mut slicer = Slicer::over(window, dialect, MAX_RECORD);
    let mut ahead = Ahead::default();
    while slicer.advance()? {
        let record = slicer.record();
        let values: Vec<&str> = record.texts().collect();
        if record.flaw.is_none() && !ahead.add(object.table, line + record.row - 1, &values) {
            break;
        }
    }
    Ok(ahead)
}

/// The way in which a record would be a header or a row of the table, where it is neither as it is read: in another
/// encoding, or with another delimiter. `may_be_row` if as many values as there are columns are enough.
fn other_way(object: &RawObject, record: &Sliced, dialect: Dialect, may_be_row: bool) -> Option<Stop> {
    if !record.is_text {
        return Some(no_header(record, no_text(object, record.text)));
    }
    // The usual mistake: one delimiter is declared, or none, and the file has another one.
    let others = DELIMITERS.iter().filter(|(delimiter, _)| *delimiter != dialect.delimiter);
    others.filter_map(|(delimiter, written)| {
        let other = Dialect { delimiter: *delimiter, ..dialect };
        let mut slicer = Slicer::new(record.text, other, MAX_RECORD).ok()?;
        slicer.advance().ok().filter(|is_record| *is_record)?;
        let sliced = slicer.record();
        let texts: Vec<&str> = sliced.texts().collect();
        let is_header = Layout::is_header(object.table, &texts);
        let is_known = is_header || may_be_row && Layout::fits_in_order(object.table, &texts);
        if texts.len() <= record.len() || !is_known {
            return None;
        }
        let count = texts.len();
        let what = if is_header { "all of the declared names".to_owned() } else { format!("{count} values") };
        let why = format!(
            "line {} has {} by the delimiter of its table, and {what} with another one: declare format = \"csv\" and \
             delimiter = \"{written}\"",
            record.row,
            if record.len() == 1 { "1 value".to_owned() } else { format!("{} values", record.len()) },
        );
        Some((is_header, Stop::reject("missing_column", why)))
    })
    .max_by_key(|(is_header, _)| *is_header)
    .map(|(_, stop)| stop)
}

/// Another reason in place of one that names are missing, where there is one.
fn hinted(stop: Stop, hint: Option<Stop>) -> Stop {
    match (&stop, hint) {
        (Stop::Reject(reject), Some(hint)) if reject.reason == "missing_column" => hint,
        _ => stop,
    }
}

/// What is wrong with a record that has no values, and what to do.
fn explain(flaw: Flaw) -> (&'static str, String) {
    match flaw {
        Flaw::BadQuote => (
            "bad_quote",
            "a quote in it is not closed, or text follows where it is, or blanks stand before it: double the quotes inside a \
             value, or declare escape = \"\\\\\", skip_blanks = true for blanks around quotes, or quote = \"none\" if quotes \
             are characters like others"
                .to_owned(),
        ),
        Flaw::Nul => ("nul_byte", "a value has \\0, which stands for a NUL byte, and no text has one".to_owned()),
        Flaw::TooLong => (
            "record_too_long",
            format!(
                "the record is longer than {MAX_RECORD} bytes: a quote or a line end is lost, or quotes are characters like \
                 others (quote = \"none\")"
            ),
        ),
    }
}

/// Why a record as a whole is not acceptable.
fn refusal(
    object: &RawObject,
    sliced: &Sliced,
    layout: &Layout,
    unreadable: Option<&str>,
) -> Option<(&'static str, String)> {
    if let Some(why) = unreadable {
        return Some(("missing_column", why.to_owned()));
    }
    if let Some(flaw) = sliced.flaw {
        return Some(explain(flaw));
    }
    // What is no text may have lost delimiters as well.
    if !sliced.is_text {
        return Some(no_text(object, sliced.text));
    }
    if !layout.has_width(sliced.len(), |at| sliced.value(at).is_none_or(is_blank)) {
        let why = format!(
            "the record has {} values, and the file has {} columns: quote values that have the delimiter in them, or declare \
             delimiter, quote or escape as they are{}{}",
            sliced.len(),
            layout.columns(),
            lone_return(sliced.text),
            if has_mark(sliced.text) { JOINED } else { "" }
        );
        return Some(("wrong_column_count", why));
    }
    // In a file of one column, two lines in one have as many values as any.
    if layout.columns() == 1 && has_mark(sliced.text) {
        return Some(("wrong_column_count", format!("the record is two lines{JOINED}")));
    }
    None
}

/// Words on a byte order mark within a record.
const JOINED: &str = "; a byte order mark stands in it: files were joined without a line end between them, so add one, or \
                      upload each file";

fn has_mark(text: &[u8]) -> bool {
    memmem::find(text, BYTE_ORDER_MARK).is_some()
}

/// Words on carriage returns within a record that stand alone.
fn lone_return(text: &[u8]) -> &'static str {
    let is_lone = |pair: &[u8]| matches!(pair, [b'\r', next] if *next != b'\n');
    if text.windows(2).any(is_lone) {
        "; a carriage return in it ends no line, as lines of this file end in line feeds"
    } else {
        ""
    }
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
    /// Whether a quote in it is a bad one.
    pub is_bad_quote: bool,
    /// Whether nothing closes it.
    pub is_open: bool,
    /// Which of its first values stand in quotes, a bit for each.
    pub in_quotes: u128,
    /// What it begins with; 0 for a row of a sheet.
    pub first: u8,
    /// Whether all of its values stand in quotes.
    pub is_quoted: bool,
}

impl SampleRecord {
    /// Whether it is a row of a sheet, which ends with its last cell that is not empty: that it has less values than others
    /// says nothing.
    pub(super) fn is_of_sheet(&self) -> bool {
        self.first == 0
    }

    /// Whether the value at a place stands in quotes.
    pub(super) fn is_in_quotes(&self, at: usize) -> bool {
        u32::try_from(at).is_ok_and(|at| self.in_quotes.checked_shr(at).unwrap_or_default() & 1 == 1)
    }
}

/// Whether so many values stand in quotes, each of them.
fn is_quoted(text: &[u8], dialect: Dialect, values: usize) -> bool {
    let Some(quote) = dialect.quote else { return false };
    let is_between = |three: &&[u8]| **three == [quote, dialect.delimiter, quote];
    text.len() > 1
        && text.first() == Some(&quote)
        && text.last() == Some(&quote)
        && text.windows(3).filter(is_between).count() + 1 == values
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
            lines: slicer.dialect().line_ends(record.text) + 1,
            is_sound: record.flaw.is_none() && record.is_text,
            is_bad_quote: matches!(record.flaw, Some(Flaw::BadQuote)),
            is_open: slicer.is_open(),
            in_quotes: slicer.in_quotes(),
            first: record.text.first().copied().unwrap_or_default(),
            is_quoted: is_quoted(record.text, slicer.dialect(), record.len()),
        });
    }
    Ok((slicer.dialect(), records))
}
