//! Objects `.zip`: each file in them is a part of the object, with a header of its own, in the format of its own name or
//! that of the table.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use arrow::array::RecordBatch;
use lake::dataset::Format;
use lake::ledger::LeftOut;
use tempfile::SpooledTempFile;
use zip::read::{Config, ZipFile};
use zip::result::{ZipError, ZipResult};
use zip::unstable::read::ZipIterable;
use zip::{CompressionMethod, ZipArchive};

use super::{Notes, RawObject, Siblings, decode_as, kinds};
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;

/// The most files in an archive, and the most that they may become together.
const MAX_FILES: usize = 10_000;
const MAX_UNPACKED: u64 = 64 * 1024 * 1024 * 1024;
/// Bytes of an object that stay in memory. Both ends are needed: more waits in a temporary file.
const IN_MEMORY: usize = 1024 * 1024;

/// What stands between the segments of a name, as systems have it.
const SEPARATORS: [char; 2] = ['/', '\\'];
/// The length of what an archive ends with, but for its comment.
const END: i64 = 22;
/// Files that systems leave behind: what a name begins with, and what the file does.
const LEFTOVERS: [(&str, &[u8]); 3] = [
    // Attributes of a file of macOS, in the format AppleDouble.
    ("._", b"\x00\x05\x16\x07"),
    (".DS_Store", b"\x00\x00\x00\x01Bud1"),
    ("Thumbs.db", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"),
];

/// Reads the rows of all files. An entry is read, or has no rows for certain, or rejects the object.
pub(super) fn decode(object: &RawObject, reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let mut archive = open(kept(reader, b"PK", "a zip archive")?)?;
    if archive.len() > MAX_FILES {
        let why = format!("the zip archive has more than {MAX_FILES} files: upload them in several");
        return Err(Stop::reject("too_many_files", why));
    }
    let mut notes = Notes::default();
    let mut left = MAX_UNPACKED;
    let mut is_any = archive.is_empty();
    for number in 0..archive.len() {
        let file = archive.by_index(number).map_err(refused)?;
        let name = file.name().map_err(refused)?.into_owned();
        if !object.table.takes_entry(&name) {
            if !file.is_dir() && !is_by_the_way(&name) {
                notes.left_out.get_or_insert(LeftOut { files: 0, first: name }).files += 1;
            }
            continue;
        }
        is_any = true;
        let named = |stop| match stop {
            Stop::Reject(reject) => Stop::reject(&reject.reason, format!("{name}: {}", reject.message)),
            broken => broken,
        };
        let place = Place::of(&file, &name);
        refuse_other_methods(&file, &name)?;
        let mut unpacked = Unpacked { file, left: &mut left };
        let mut head = Vec::new();
        unpacked.by_ref().take(kinds::LOOKED_AT as u64).read_to_end(&mut head).map_err(|error| named(error.into()))?;
        if is_leftover(&name, &head) || head.is_empty() && place != Place::Part {
            continue;
        }
        if let Some(why) = place.refusal() {
            return Err(unclear(format!("{name} in the zip archive {why}")));
        }
        let is_workbook = name.to_ascii_lowercase().ends_with(".xlsx");
        if let Some(kind) = kinds::packing(&head).filter(|_| !is_workbook) {
            let why = format!(
                "{name} in the zip archive is {kind}, by its first bytes: put what is in it into one archive, packed once"
            );
            return Err(Stop::reject("wrong_kind", why));
        }
        let format = object.table.format_of(&name).or_else(|| object.table.format_of(object.key));
        let is_upload =
            |format: &Format| !matches!(format, Format::Responses | Format::IrcelineValues | Format::CodetrackWeeks);
        let Some(format) = format.filter(is_upload) else {
            kinds::refuse_unread(&head, true).map_err(named)?;
            let why = format!(
                "{name} in the zip archive is none of csv, tsv, json, ndjson, xlsx and parquet by its name: declare entries = \
                 \"**/*.csv\" or what the names of files with rows are"
            );
            return Err(Stop::reject("unknown_format", why));
        };
        let mut part = PartSink { sink, name: &name };
        let whole = Cursor::new(head).chain(unpacked);
        let done = decode_as(Some(format), object, Siblings::new(), whole, &mut part).map_err(named)?;
        notes.seen += done.seen;
        notes.preamble += done.preamble;
        notes.ignored_columns = notes.ignored_columns.max(done.ignored_columns);
    }
    if !is_any {
        return Err(unclear("no file in the zip archive has a name that entries takes: correct it".to_owned()));
    }
    Ok(notes)
}

/// Whether a file is no part of what was packed: folders of macOS, and hidden files.
pub(super) fn is_by_the_way(name: &str) -> bool {
    name.split(['/', '\\']).any(|segment| segment == "__MACOSX" || segment.starts_with('.') || segment == "Thumbs.db")
}

/// Refuses a file that is packed in a way that is not read. The library would only say so by its number.
pub(super) fn refuse_other_methods<R: Read>(file: &ZipFile<'_, R>, name: &str) -> Result<(), Stop> {
    if matches!(file.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        return Ok(());
    }
    Err(Stop::reject("damaged", format!("{name}: the zip archive cannot be read: {OTHER_METHOD}")))
}

/// What is said of it.
const OTHER_METHOD: &str = "it is packed by a method that is not read, such as Deflate64, bzip2 or LZMA: pack it again in the \
                            usual one, Deflate";

/// What an entry is by its name and its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Part,
    Folder,
    Link,
    /// A path that leads out of the archive, or that no file has.
    Outside,
    Hidden,
}

impl Place {
    fn of<R: Read>(file: &ZipFile<'_, R>, name: &str) -> Self {
        let is_hidden = |part: &str| {
            part == "__MACOSX" || part == "Thumbs.db" || part.starts_with('.') && part != "." && part != ".."
        };
        if file.enclosed_name().is_none() {
            Self::Outside
        } else if file.is_dir() {
            Self::Folder
        } else if file.is_symlink() {
            Self::Link
        } else if name.split(SEPARATORS).any(is_hidden) {
            Self::Hidden
        } else {
            Self::Part
        }
    }

    /// Why an entry with bytes in it is no part of the object, and what to do.
    fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Part => None,
            Self::Folder => Some("is a folder by its name, but has content: pack it again as a file"),
            Self::Link => Some("is a link: pack the file that it leads to in its place"),
            Self::Outside => {
                Some("has a path that leads out of the archive: pack it again under a name without \"..\"")
            }
            Self::Hidden => {
                Some("is a hidden file: give it another name if its rows are wanted, or pack the others without it")
            }
        }
    }
}

/// Whether a file is one that macOS or Windows made beside those that were packed.
fn is_leftover(name: &str, head: &[u8]) -> bool {
    let name = name.rsplit(SEPARATORS).next().unwrap_or(name);
    LEFTOVERS.iter().any(|(beginning, magic)| name.starts_with(beginning) && head.starts_with(magic))
}

/// Opens an archive. Refuses one that has more in it than its directory shows by distinct names.
pub(super) fn open<R: Read + Seek>(file: R) -> Result<ZipArchive<R>, Stop> {
    let archive = ZipArchive::new(file).map_err(refused)?;
    let (offset, comment, is_repeated) = (archive.offset(), archive.comment().len(), archive.has_duplicate_names());
    let mut file = archive.into_inner();
    if is_repeated {
        let name = repeated_name(&mut file).map_err(refused)?;
        return Err(unclear(format!(
            "the zip archive has two entries of the name {name}: pack it again with one of each"
        )));
    }
    let mut end = [0; 4];
    file.seek(SeekFrom::End(-END - comment as i64))?;
    file.read_exact(&mut end)?;
    if offset > 0 || end != *b"PK\x05\x06" {
        let place = if offset > 0 { "before" } else { "behind" };
        let why = format!("something stands {place} the zip archive, such as another one: upload each by itself");
        return Err(unclear(why));
    }
    ZipArchive::new(file).map_err(refused)
}

/// The first name that two entries have: of these the library shows only one.
fn repeated_name(file: impl Read + Seek) -> ZipResult<String> {
    let mut known = BTreeSet::new();
    for entry in ZipIterable::try_new(file, Config::default())?.files()? {
        let entry = entry?;
        if !known.insert(entry.name_raw().to_vec()) {
            return Ok(entry.name()?.into_owned());
        }
    }
    Ok(String::new())
}

fn unclear(why: String) -> Stop {
    Stop::reject("unclear_archive", why)
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
        ZipError::CompressionMethodNotSupported(_) => {
            Stop::reject("damaged", format!("the zip archive cannot be read: {OTHER_METHOD}"))
        }
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            Stop::reject("damaged", "the zip archive has a password: pack it again without one")
        }
        error => {
            let why = format!("the zip archive cannot be read: {error}; it is damaged or incomplete: upload it again");
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
