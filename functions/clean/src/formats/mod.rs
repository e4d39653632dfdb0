//! Decoders: bytes to typed rows and rejects. Pure functions of the bytes and the declaration, without clock or
//! network; what they need from siblings is given to them.

mod answers;
mod archive;
mod cell;
mod clocks;
mod codetrack;
mod columnar;
mod columns;
mod csv;
pub mod draft;
mod encoding;
mod head;
mod headers;
pub mod irceline;
mod json;
mod kinds;
mod known;
mod layout;
mod lines;
#[cfg(test)]
mod packed_tests;
mod pages;
mod repeated;
#[cfg(test)]
mod rows;
mod series;
#[cfg(test)]
mod tests;
mod window;
mod xlsx;

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use chrono::{DateTime, Utc};
use lake::dataset::{ARCHIVE, COMPRESSIONS, Column, Dataset, Encoding, Format, Header, Table, ends_in};
use lake::ledger::{Gap, LeftOut};

use crate::error::Stop;
use crate::writer::Sink;

/// What a decoder is told about the raw object.
pub struct RawObject<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// The table that the object feeds.
    pub table: &'a Table,
    /// The object's key.
    pub key: &'a str,
    /// When it arrived, unless its lines say so themselves.
    pub received_at: DateTime<Utc>,
}

/// The siblings that a table declares: file name to the bytes, read once.
pub type Siblings<'a> = BTreeMap<String, Box<dyn Read + Send + 'a>>;

/// The beginning of an object as UTF-8, by the encoding that its table declares.
pub fn as_utf8(table: &Table, head: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(head.len());
    match encoding::to_utf8(table.encoding, head, head).read_to_end(&mut text) {
        Ok(_) => text,
        Err(_) => head.to_vec(),
    }
}

/// Whether a text is a value of a column.
pub fn fits(column: &Column, text: &str) -> bool {
    lake::value::check(column, lake::value::Raw::Text(text.into())).is_ok_and(|value| value != lake::value::Typed::Null)
}

/// What an object tells beside its rows.
#[derive(Debug, Default)]
pub struct Notes {
    /// What its source could not deliver.
    pub gaps: Vec<Gap>,
    /// How many of its columns nobody declared.
    pub ignored_columns: u64,
    /// How many of its lines are no rows by its table's declaration: before the header, or comments.
    pub preamble: u64,
    /// What an archive has that its table's `entries` leaves out.
    pub left_out: Option<LeftOut>,
    /// Whether a row of JSON lacked a member that a column is read from.
    pub lacks_members: bool,
    /// Rows that the decoder saw, counted where the bytes are: as many must arrive at the sink.
    pub seen: u64,
}

/// Reads the object's bytes into the sink by the table's format.
pub fn decode(
    object: &RawObject,
    siblings: Siblings<'_>,
    reader: impl Read,
    sink: &mut dyn Sink,
) -> Result<Notes, Stop> {
    if ends_in(object.key, ARCHIVE) {
        return archive::decode(object, reader, sink);
    }
    decode_as(object.table.format_of(object.key), object, siblings, reader, sink)
}

/// The first bytes of what is compressed by its name, if they are those of such an object. An empty one has none.
pub fn compressed_head(ending: &str, reader: &mut dyn Read) -> Result<Vec<u8>, Stop> {
    let mut head = Vec::with_capacity(kinds::LOOKED_AT);
    reader.take(kinds::LOOKED_AT as u64).read_to_end(&mut head)?;
    kinds::refuse_other_packing(&head, ending)?;
    Ok(head)
}

fn decode_as(
    format: Option<Format>,
    object: &RawObject,
    siblings: Siblings<'_>,
    reader: impl Read,
    sink: &mut dyn Sink,
) -> Result<Notes, Stop> {
    match format {
        Some(Format::Csv) => csv::decode(object, object.table.delimiter, table(object, reader)?, sink),
        Some(Format::Tsv) => csv::decode(object, b'\t', table(object, reader)?, sink),
        Some(Format::Json) => repeated::document(object, text(object, reader)?, sink),
        Some(Format::Ndjson) => json::lines(object, text(object, reader)?, sink),
        Some(Format::Responses) => json::responses(object, reader, sink),
        Some(Format::IrcelineValues) => irceline::decode(object, siblings, reader, sink),
        Some(Format::CodetrackWeeks) => codetrack::decode(object, siblings, reader, sink),
        Some(Format::Xlsx) => xlsx::decode(object, reader, sink),
        Some(Format::Parquet) => columnar::decode(object, reader, sink),
        None => {
            let mut head = Vec::with_capacity(kinds::LOOKED_AT);
            reader.take(kinds::LOOKED_AT as u64).read_to_end(&mut head)?;
            kinds::refuse_packed_tar(object.key, &head, is_unpacked(object))?;
            kinds::refuse_unread(&head, is_unpacked(object))?;
            let why = "the name does not end in .csv, .tsv, .json, .ndjson, .xlsx or .parquet (with .gz, .zst or .zip behind \
                       it, if packed), and its table declares no format";
            Err(Stop::reject("unknown_format", why))
        }
    }
}

/// The object's text as UTF-8. Refuses what is no text by its first bytes, and text of another encoding than declared.
fn text<'r>(object: &RawObject, reader: impl Read + 'r) -> Result<Box<dyn Read + 'r>, Stop> {
    begun_text(object, reader, |_| Ok(()))
}

/// The same for values between delimiters. Refuses markup as well, unless its first line is a row by declaration.
fn table<'r>(object: &RawObject, reader: impl Read + 'r) -> Result<Box<dyn Read + 'r>, Stop> {
    let may_be_row = object.table.header == Header::Never;
    begun_text(object, reader, |head| if may_be_row { Ok(()) } else { kinds::refuse_markup(head) })
}

/// Whether the bytes that a decoder reads are those of something packed, by its name.
fn is_unpacked(object: &RawObject) -> bool {
    COMPRESSIONS.iter().chain([&ARCHIVE]).any(|ending| ends_in(object.key, ending))
}

fn begun_text<'r>(
    object: &RawObject,
    mut reader: impl Read + 'r,
    refuse: impl FnOnce(&[u8]) -> Result<(), Stop>,
) -> Result<Box<dyn Read + 'r>, Stop> {
    let mut head = Vec::with_capacity(kinds::LOOKED_AT);
    reader.by_ref().take(kinds::LOOKED_AT as u64).read_to_end(&mut head)?;
    let encoding = object.table.encoding;
    kinds::refuse_packed_tar(object.key, &head, is_unpacked(object))?;
    kinds::refuse_other_kinds(&head, encoding != Encoding::Utf8, is_unpacked(object))?;
    refuse(&head)?;
    if matches!(encoding, Encoding::Windows1252 | Encoding::Latin1) {
        reader.by_ref().take(encoding::JUDGED as u64 - head.len() as u64).read_to_end(&mut head)?;
        encoding::refuse_utf8(encoding, &head)?;
    }
    let first = Vec::from(head.get(..4).unwrap_or(&head));
    Ok(encoding::to_utf8(encoding, &first, Cursor::new(head).chain(reader)))
}
