//! Formats `csv` and `tsv`: RFC 4180 with any line ends, a byte order mark, and line breaks inside quotes. A quote that
//! nothing closes, or that text follows, rejects its line alone.
//!
//! Columns are found by the names in the header, without regard to case and order; by position where no name fits and
//! the count does. Blank lines are no rows.

mod layout;
#[cfg(test)]
mod oracle;
mod slicer;
#[cfg(test)]
mod tests;

use std::io::Read;

use self::layout::Layout;
use self::slicer::{Dialect, Sliced, Slicer};
use super::columns::{Columns, Record};
use super::{Notes, RawObject, Sample};
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;

/// The longest record that is accepted, and how far a quote's end is looked for.
const MAX_RECORD: usize = 1024 * 1024;

/// Reads the rows; returns how many there were and how many columns of the file nobody declared.
pub(super) fn decode(
    object: &RawObject,
    delimiter: u8,
    mut reader: impl Read,
    sink: &mut dyn Sink,
) -> Result<Notes, Stop> {
    // One copy of what follows for all readers.
    let reader: &mut dyn Read = &mut reader;
    decode_records(object, Slicer::new(reader, Dialect { delimiter }, MAX_RECORD)?, sink)
}

fn decode_records<R: Read>(object: &RawObject, mut slicer: Slicer<R>, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let received_at = object.received_at.timestamp_micros();
    let mut columns = Columns::new(object);
    let Some((layout, is_header)) = first(object, &mut slicer)? else {
        columns.flush(sink)?;
        return Ok(Notes::default());
    };
    let mut is_row = !is_header;
    loop {
        if is_row {
            let sliced = slicer.record();
            let (row, text) = (sliced.row, sliced.text);
            match refusal(&sliced, &layout) {
                None => {
                    columns.add_texts(Record { row, text, received_at }, sink, |column| layout.text(&sliced, column))?
                }
                Some((reason, message)) => sink.reject(&Reject { row, column: None, reason, message, text })?,
            }
        }
        is_row = slicer.advance()?;
        if !is_row {
            break;
        }
    }
    columns.flush(sink)?;
    let seen = slicer.number() - u64::from(is_header);
    Ok(Notes { ignored_columns: layout.ignored, seen, ..Notes::default() })
}

/// The layout by the first record, and whether that is a header; nothing if there is no record.
fn first<R: Read>(object: &RawObject, slicer: &mut Slicer<R>) -> Result<Option<(Layout, bool)>, Stop> {
    if !slicer.advance()? {
        return Ok(None);
    }
    let record = slicer.record();
    if record.has_bad_quote {
        // Without its names, what follows could be read by position only.
        let why = format!("line {} may be the header, and {BAD_QUOTE}", record.row);
        return Err(Stop::reject("bad_quote", why));
    }
    Layout::find(object, &record).map(Some)
}

const BAD_QUOTE: &str = "a quote in it is not closed, or text follows where it is: double the quotes inside a value";

/// Why a record as a whole is not acceptable.
fn refusal(sliced: &Sliced, layout: &Layout) -> Option<(&'static str, String)> {
    if sliced.has_bad_quote {
        return Some(("bad_quote", BAD_QUOTE.to_owned()));
    }
    if sliced.len() != layout.width {
        let why = format!("the record has {} values, and the file has {} columns", sliced.len(), layout.width);
        return Some(("wrong_column_count", why));
    }
    let why = || ("not_utf8", "the record is not UTF-8 text: save the file as UTF-8".to_owned());
    (!sliced.is_text).then(why)
}

/// All records of a file, as text.
pub(super) fn sample(reader: impl Read, delimiter: u8) -> Result<Sample, Stop> {
    let mut slicer = Slicer::new(reader, Dialect { delimiter }, MAX_RECORD)?;
    let mut rows = Vec::new();
    while slicer.advance()? {
        let record = slicer.record();
        if !record.has_bad_quote {
            rows.push(record.texts().map(str::to_owned).collect::<Vec<_>>());
        }
    }
    let names = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
    Ok(Sample { delimiter, names, rows })
}
