//! Objects `.zip`: each file in them is a part of the object, with a header of its own, in the format of its own name or
//! that of the table.

use std::io::{self, Read, Seek, Write};

use arrow::array::RecordBatch;
use lake::dataset::Format;
use tempfile::SpooledTempFile;
use zip::ZipArchive;
use zip::result::ZipError;

use super::{Notes, RawObject, Siblings, decode_as, kinds};
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;

/// The most files in an archive, and the most that they may become together.
const MAX_FILES: usize = 10_000;
const MAX_UNPACKED: u64 = 64 * 1024 * 1024 * 1024;
/// Bytes of an object that stay in memory. Both ends are needed: more waits in a temporary file.
const IN_MEMORY: usize = 1024 * 1024;

/// Reads the rows of all files.
pub(super) fn decode(object: &RawObject, reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let mut archive = ZipArchive::new(kept(reader, b"PK", "a zip archive")?).map_err(refused)?;
    if archive.len() > MAX_FILES {
        let why = format!("the zip archive has more than {MAX_FILES} files: upload them in several");
        return Err(Stop::reject("too_many_files", why));
    }
    let mut notes = Notes::default();
    let mut left = MAX_UNPACKED;
    for number in 0..archive.len() {
        let file = archive.by_index(number).map_err(refused)?;
        let name = file.name().map_err(refused)?.into_owned();
        if file.is_dir() || is_by_the_way(&name) {
            continue;
        }
        let format = object.table.format_of(&name).or_else(|| object.table.format_of(object.key));
        let is_upload =
            |format: &Format| !matches!(format, Format::Responses | Format::IrcelineValues | Format::CodetrackWeeks);
        let Some(format) = format.filter(is_upload) else {
            let why =
                format!("{name} in the zip archive is none of csv, tsv, json, ndjson, xlsx and parquet by its name");
            return Err(Stop::reject("unknown_format", why));
        };
        let mut part = PartSink { sink, name: &name };
        let unpacked = Unpacked { file, left: &mut left };
        let done =
            decode_as(Some(format), object, Siblings::new(), unpacked, &mut part).map_err(|stop| match stop {
                Stop::Reject(reject) => Stop::reject(&reject.reason, format!("{name}: {}", reject.message)),
                broken => broken,
            })?;
        notes.seen += done.seen;
        notes.preamble += done.preamble;
        notes.ignored_columns = notes.ignored_columns.max(done.ignored_columns);
    }
    Ok(notes)
}

/// Whether a file is no part of what was packed: folders of macOS, and hidden files.
pub(super) fn is_by_the_way(name: &str) -> bool {
    name.split(['/', '\\']).any(|segment| segment == "__MACOSX" || segment.starts_with('.') || segment == "Thumbs.db")
}

/// The object's bytes, to be read from any place. Refuses those that do not begin as they should.
pub(super) fn kept(mut reader: impl Read, magic: &[u8], format: &str) -> Result<SpooledTempFile, Stop> {
    let mut head = Vec::new();
    reader.by_ref().take(kinds::LOOKED_AT as u64).read_to_end(&mut head)?;
    kinds::require(&head, magic, format)?;
    let mut kept = SpooledTempFile::new(IN_MEMORY);
    kept.write_all(&head)?;
    io::copy(&mut reader, &mut kept)?;
    kept.rewind()?;
    Ok(kept)
}

/// Whether an error is of the temporary file, not of the bytes in it.
fn is_of_disk(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, Interrupted, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge | Interrupted)
}

/// Why an archive is not read.
fn refused(error: ZipError) -> Stop {
    match error {
        ZipError::Io(error) if is_of_disk(&error) => error.into(),
        error => {
            let why = format!("the zip archive cannot be read: {error}; pack it again, without a password");
            Stop::reject("damaged", why)
        }
    }
}

/// A file while it is unpacked: a small archive must not fill the disk.
struct Unpacked<'a, R> {
    file: R,
    left: &'a mut u64,
}

impl<R: Read> Read for Unpacked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        // What the library says of damage has several kinds, of which some would be tried again.
        let of_bytes = |error: io::Error| if is_of_disk(&error) { error } else { invalid(error.to_string()) };
        let read = self.file.read(buffer).map_err(of_bytes)?;
        let left = self.left.checked_sub(read as u64);
        *self.left =
            left.ok_or_else(|| invalid(format!("it unpacks to more than {MAX_UNPACKED} bytes: upload it in parts")))?;
        Ok(read)
    }
}

/// Names the file in what is said of its rows.
struct PartSink<'a> {
    sink: &'a mut dyn Sink,
    name: &'a str,
}

impl Sink for PartSink<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.sink.write(batch)
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        let message = format!("{} (in {})", reject.message, self.name);
        self.sink.reject(&Reject { message, ..reject.clone() })
    }

    fn outside(&mut self, count: u64) {
        self.sink.outside(count);
    }
}
