//! The bytes of one raw object into temporary files, off the async threads.

use std::io::{self, Cursor, Read};

use chrono::{DateTime, Utc};
use lake::dataset::{ARCHIVE, COMPRESSIONS, Catalog, Dataset, Format, Header, Table, ends_in};
use lake::ledger::{Rows, WholeReject};
use lake::store::{Object, Reading};
use lake::work::{self, Cancelled, Stopped};
use memchr::memchr_iter;

use crate::error::Stop;
use crate::formats::{self, Notes, RawObject, Siblings};
use crate::reject::{MAX_TEXT, Reject, RejectWriter};
use crate::writer::{TableWriter, Written};

/// The most that one compressed object may become.
const MAX_DECOMPRESSED: u64 = 64 * 1024 * 1024 * 1024;
/// The most that is read to count the lines of an object that is rejected as a whole.
const MAX_COUNTED: u64 = 1024 * 1024 * 1024;

/// What one reading of a raw object became.
pub struct Decoded {
    /// The object as it was read.
    pub raw: Object,
    /// Its siblings as they were read.
    pub siblings: Vec<Object>,
    /// The files.
    pub written: Written,
    /// Why it was rejected as a whole, if it was.
    pub rejected: Option<WholeReject>,
    /// What it says beside its rows.
    pub notes: Notes,
}

/// Decodes a raw object on a thread of its own. Where the caller stops waiting, as a time-out does, the thread stops at
/// the next bytes that it reads.
pub async fn decode(
    catalog: &Catalog,
    dataset: &Dataset,
    table: &Table,
    raw: Reading,
    siblings: Vec<(String, Reading)>,
) -> Result<Decoded, String> {
    let cancelled = Cancelled::here();
    let guard = cancelled.on_drop();
    let watched = |reading| Watched { reading, cancelled: cancelled.clone() };
    let raw = watched(raw);
    let siblings = siblings.into_iter().map(|(name, reading)| (name, watched(reading))).collect();
    // Clones of a catalog share its datasets, with the compiled patterns in them.
    let (catalog, dataset, table) = (catalog.clone(), dataset.name.clone(), table.name.clone());
    let all = move || {
        let dataset = catalog.dataset(&dataset).map_err(|error| error.to_string())?;
        let table = dataset.table(&table).ok_or_else(|| format!("there is no table \"{table}\" any more"))?;
        decode_all(dataset, table, raw, siblings)
    };
    let decoded = work::run(all).await.map_err(|stopped| match stopped {
        Stopped::Panicked => "the decoder stopped at a bug in tributary: please report it".to_owned(),
        Stopped::Cancelled => "it was cancelled".to_owned(),
    })?;
    drop(guard);
    decoded
}

/// A reading that ends with an error once it is cancelled.
struct Watched {
    reading: Reading,
    cancelled: Cancelled,
}

impl Watched {
    fn finish(mut self) -> Result<Object, String> {
        let key = self.reading.key().to_owned();
        let read = io::copy(&mut self, &mut io::sink());
        read.and_then(|_| self.reading.finish()).map_err(|error| format!("{key}: {error}"))
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancelled.get() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the call ended before the object was read"));
        }
        self.reading.read(buffer)
    }
}

/// What the bytes became: rows and rejects, or one reject for all of it.
struct Outcome {
    written: Written,
    rejected: Option<WholeReject>,
    notes: Notes,
}

/// Pure but for temporary files.
fn decode_all(
    dataset: &Dataset,
    table: &Table,
    mut raw: Watched,
    mut siblings: Vec<(String, Watched)>,
) -> Result<Decoded, String> {
    let opened = raw.reading.opened();
    let mut head = Vec::new();
    let mut lines = None;
    let outcome = open_all(&mut siblings).and_then(|siblings| {
        let reader = decompress(&opened.key, Box::new(&mut raw))?;
        let format = table.format_of(&opened.key).filter(|_| !ends_in(&opened.key, ARCHIVE));
        let mut reader = LineCounter::new(reader, format);
        reader.by_ref().take(MAX_TEXT as u64).read_to_end(&mut head)?;
        let outcome = decode_rows(dataset, table, &opened, siblings, Cursor::new(&head).chain(&mut reader));
        if let Err(Stop::Reject(_)) = &outcome {
            lines = reader.data_lines(table);
        }
        outcome
    });
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(Stop::Broken(why)) => return Err(why),
        Err(Stop::Reject(reject)) => reject_whole(&opened, reject, &formats::as_utf8(table, &head), lines.unwrap_or(1))
            .map_err(|error| error.to_string())?,
    };
    // The ETag is that of the very bytes that were decoded, all of them.
    let siblings = siblings.into_iter().map(|(_, reading)| reading.finish()).collect::<Result<Vec<_>, _>>()?;
    let Outcome { written, rejected, notes } = outcome;
    Ok(Decoded { raw: raw.finish()?, siblings, written, rejected, notes })
}

fn open_all(siblings: &mut [(String, Watched)]) -> Result<Siblings<'_>, Stop> {
    let mut opened = Siblings::new();
    for (name, watched) in siblings {
        let key = watched.reading.key().to_owned();
        opened.insert(name.clone(), decompress(&key, Box::new(watched))?);
    }
    Ok(opened)
}

fn decode_rows(
    dataset: &Dataset,
    table: &Table,
    raw: &Object,
    siblings: Siblings<'_>,
    reader: impl Read,
) -> Result<Outcome, Stop> {
    let object = RawObject { dataset, table, key: &raw.key, received_at: whole_seconds(raw.last_modified) };
    let mut writer = TableWriter::new(table, &raw.key, raw.version.as_deref())?;
    let notes = formats::decode(&object, siblings, reader, &mut writer)?;
    let written = writer.finish()?;
    let rejected = if table.snapshot && written.rows.clean == 0 { Some(empty_snapshot(&written)) } else { None };
    match rejected {
        // One line in the rejection zone says so. Rows that were rejected have their own.
        Some(reject) if written.rejects.is_none() => Err(Stop::Reject(reject)),
        rejected => Ok(Outcome { written, rejected, notes }),
    }
}

/// Why a snapshot without a valid row is no snapshot: as the newest object it would empty the table.
fn empty_snapshot(written: &Written) -> WholeReject {
    let found = match written.rows.read {
        0 => "the file has no row".to_owned(),
        read => format!("none of the {read} rows of the file is valid"),
    };
    let message = format!(
        "{found}, and a table with `snapshot = true` is its newest file: the newest file of another name \
         is the table now, if there is one; upload the whole list again, or delete the table's raw objects if it is to be empty"
    );
    WholeReject { reason: "empty_snapshot".to_owned(), message }
}

/// S3 tells the time of an object in whole seconds; so do we everywhere.
pub fn whole_seconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

/// Reads what a `.gz` or `.zst` at the end of a name says; anything else as it is. Refuses what is not compressed so by the
/// name of what it is.
pub fn decompress<'a>(key: &str, mut reader: Box<dyn Read + Send + 'a>) -> Result<Box<dyn Read + Send + 'a>, Stop> {
    let Some(ending) = COMPRESSIONS.into_iter().find(|ending| ends_in(key, ending)) else { return Ok(reader) };
    let head = formats::compressed_head(ending, &mut reader)?;
    let reader = Cursor::new(head).chain(reader);
    Ok(if ending == ".gz" {
        Box::new(Capped::new(flate2::read::MultiGzDecoder::new(reader)))
    } else {
        Box::new(Capped::new(Zstandard(zstd::stream::read::Decoder::new(reader)?)))
    })
}

/// Ends what decompresses to more than anybody uploads: a small object must not fill the disk.
struct Capped<R> {
    reader: R,
    left: u64,
}

impl<R> Capped<R> {
    fn new(reader: R) -> Self {
        Self { reader, left: MAX_DECOMPRESSED }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let is_begun = self.left < MAX_DECOMPRESSED;
        let read = self.reader.read(buffer).map_err(|error| match error.kind() {
            // What would be the next member has no header.
            io::ErrorKind::InvalidInput if is_begun => {
                let why =
                    "something that is not compressed stands behind the compressed bytes, such as zeros: cut it off";
                io::Error::new(io::ErrorKind::InvalidData, why)
            }
            _ => error,
        })?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            let why = format!("it decompresses to more than {MAX_DECOMPRESSED} bytes: upload it in parts");
            io::Error::new(io::ErrorKind::InvalidData, why)
        })?;
        Ok(read)
    }
}

/// Tells bytes that are no Zstandard as gzip does: the library calls them just another error.
struct Zstandard<R>(R);

impl<R: Read> Read for Zstandard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Other => io::Error::new(io::ErrorKind::InvalidData, error),
            _ => error,
        })
    }
}

/// Counts the lines that pass, for an object that turns out to be rejected as a whole. Only of formats of lines: a row per
/// line, or an answer, which has any number of rows and counts as one.
struct LineCounter<R> {
    reader: R,
    format: Option<Format>,
    bytes: u64,
    lines: u64,
    /// The last two bytes.
    tail: [u8; 2],
    /// Whether characters have two bytes, by the first ones.
    is_wide: Option<bool>,
}

impl<R: Read> LineCounter<R> {
    fn new(reader: R, format: Option<Format>) -> Self {
        let counted = |format: &Format| !matches!(format, Format::Json | Format::Xlsx | Format::Parquet);
        Self { reader, format: format.filter(counted), bytes: 0, lines: 0, tail: *b"\n\n", is_wide: None }
    }

    /// Ends of lines that are not blank. A source writes no blank ones between its answers.
    fn count(&mut self, chunk: &[u8]) {
        if !self.has_rows() {
            self.lines += memchr_iter(b'\n', chunk).count() as u64;
            return self.pass(chunk);
        }
        // Without branches, for many bytes at a time.
        let is_end = |before: u8, last: u8, byte: u8| {
            let feed = (byte == b'\n') & (last != b'\n') & !((last == b'\r') & (before == b'\n'));
            // A carriage return alone ends a line as well, and is known by the byte behind it.
            let alone = (last == b'\r') & (byte != b'\n') & (before != b'\n') & (before != b'\r');
            u8::from(feed | alone)
        };
        let [mut before, mut last] = self.tail;
        for byte in chunk.iter().take(2) {
            self.lines += u64::from(is_end(before, last, *byte));
            (before, last) = (last, *byte);
        }
        // Every byte of an upload passes here. A block's sum is within a byte.
        const BLOCK: usize = 128;
        let (second, third) = (chunk.get(1..).unwrap_or_default(), chunk.get(2..).unwrap_or_default());
        for ((first, second), third) in chunk.chunks(BLOCK).zip(second.chunks(BLOCK)).zip(third.chunks(BLOCK)) {
            let all = first.iter().zip(second).zip(third);
            let ends: u8 = all.map(|((before, last), byte)| is_end(*before, *last, *byte)).sum();
            self.lines += u64::from(ends);
        }
        self.pass(chunk);
    }

    fn pass(&mut self, chunk: &[u8]) {
        self.tail = match (chunk, self.tail) {
            ([.., before, last], _) => [*before, *last],
            ([last], [_, before]) => [before, *last],
            ([], tail) => tail,
        };
        self.bytes += chunk.len() as u64;
    }

    /// Whether a line is a row; else it is an answer.
    fn has_rows(&self) -> bool {
        matches!(self.format, Some(Format::Csv | Format::Tsv | Format::Ndjson))
    }

    /// Reads the rest and returns the count of lines that are no header; `None` if they cannot be counted.
    fn data_lines(mut self, table: &Table) -> Option<u64> {
        let format = self.format?;
        let left = MAX_COUNTED.saturating_sub(self.bytes);
        let rest = io::copy(&mut self.by_ref().take(left), &mut io::sink()).ok()?;
        if rest == left {
            return None;
        }
        let lines = self.lines + u64::from(!self.tail.ends_with(b"\n"));
        let may_have_header = matches!(format, Format::Csv | Format::Tsv);
        let headers = u64::from(may_have_header && table.header != Header::Never);
        Some(lines.saturating_sub(headers + table.skip_lines).max(1))
    }
}

impl<R: Read> Read for LineCounter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        if self.format.is_some() {
            let chunk = buffer.get(..read).unwrap_or_default();
            let is_wide = matches!(chunk, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, _, ..] | [_, 0, ..]);
            if *self.is_wide.get_or_insert(is_wide) {
                // Of UTF-16 only the bytes that are there in ASCII as well.
                let narrow: Vec<u8> = chunk.iter().copied().filter(|byte| *byte != 0).collect();
                self.count(&narrow);
            } else {
                self.count(chunk);
            }
        }
        Ok(read)
    }
}

/// The object as one line of the rejection zone that stands for all of its rows, with the beginning of its text.
fn reject_whole(raw: &Object, reject: WholeReject, head: &[u8], rows: u64) -> io::Result<Outcome> {
    let mut rejects = RejectWriter::new(&raw.key, raw.version.as_deref());
    let all = Reject { row: 1, column: None, reason: &reject.reason, message: reject.message.clone(), text: head };
    rejects.write_many(&all, rows)?;
    let account = Rows { read: rows, rejected: rows, ..Rows::default() };
    let reasons = rejects.take_reasons();
    let written = Written { rows: account, parts: Vec::new(), rejects: rejects.finish()?, reasons };
    Ok(Outcome { written, rejected: Some(reject), notes: Notes { seen: rows, ..Notes::default() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_utf_16_are_counted_as_those_of_utf_8() {
        let text = "[table.t]\nfrom = \"*\"\nformat = \"csv\"\ncolumn.id = { type = \"int64\" }\n";
        let folder = lake::dataset::Folder::from([(
            "dataset.toml".to_owned(),
            format!("title = \"T\"\ntime_zone = \"UTC\"\n{text}"),
        )]);
        let catalog = Catalog::of_folders(std::collections::BTreeMap::from([("d".to_owned(), folder)]));
        let table = catalog.dataset("d").unwrap().table("t").unwrap();
        let count = |bytes: &[u8]| {
            let mut counter = LineCounter::new(bytes, Some(Format::Csv));
            io::copy(&mut counter.by_ref().take(7), &mut io::sink()).unwrap();
            counter.data_lines(table)
        };
        for (text, rows) in [("id\n1\n", 1), ("id\n1", 1), ("id\r\n1\r\n2\r\n", 2), ("id\n\n1\n", 1), ("id\r1\r2", 2)] {
            assert_eq!(count(text.as_bytes()), Some(rows), "{text:?}");
            for mark in ["", "\u{feff}"] {
                let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
                let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
                let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
                assert_eq!((count(&little), count(&big)), (Some(rows), Some(rows)), "{text:?} {mark:?}");
            }
        }
    }
}
