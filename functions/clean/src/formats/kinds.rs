//! What an object is by its first bytes, where that is another thing than its name says.

use std::io::Read;

use lake::dataset::ends_in;

use crate::error::Stop;

/// Bytes that are looked at.
pub(super) const LOOKED_AT: usize = 512;

/// What a Parquet file begins with whose footer is encrypted.
const ENCRYPTED_PARQUET: &[u8] = b"PARE";
/// Why none is read.
pub(super) const IS_ENCRYPTED: &str = "the object is encrypted Parquet: write it without encryption";

/// What an object is that is no UTF-8 text, and what to do: to name it so, if that is enough for it to be read.
struct Kind {
    /// Where its mark stands.
    at: usize,
    magic: &'static [u8],
    name: &'static str,
    cure: &'static str,
}

/// Where the name of a zip's first entry begins. That of OpenDocument is `mimetype`, and its content follows as it is.
const FIRST_ENTRY: usize = 30;
/// What OpenDocument has there, with the kind of the document behind it.
const OPEN_DOCUMENT: &[u8] = b"mimetypeapplication/vnd.oasis.opendocument.";
/// What an archive of tar has behind its first entry's name and numbers.
const TAR: usize = 257;
const UNPACK: &str = "unpack it, and upload the files in it";
/// What to do with a picture, which may be of a table.
const WRITE_OUT: &str = "write what it shows as CSV";

const KINDS: [Kind; 26] = [
    Kind {
        at: FIRST_ENTRY,
        magic: b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
        name: "an OpenDocument spreadsheet",
        cure: "save it as .xlsx or CSV",
    },
    Kind {
        at: FIRST_ENTRY,
        magic: OPEN_DOCUMENT,
        name: "an OpenDocument file that is no spreadsheet",
        cure: "save its table as CSV",
    },
    Kind { at: TAR, magic: b"ustar\0", name: "a tar archive", cure: UNPACK },
    Kind { at: TAR, magic: b"ustar  \0", name: "a tar archive", cure: UNPACK },
    Kind { at: 0, magic: b"ORC", name: "ORC", cure: "convert it to Parquet" },
    Kind { at: 0, magic: b"\x1f\x8b", name: "gzip", cure: "name it .gz" },
    Kind { at: 0, magic: b"\x28\xb5\x2f\xfd", name: "Zstandard", cure: "name it .zst" },
    Kind {
        at: 0,
        magic: b"PK\x03\x04",
        name: "zip, or an Excel workbook",
        cure: "name it .zip, or .xlsx if it is a workbook, or unpack it",
    },
    Kind { at: 0, magic: b"PK\x05\x06", name: "an empty zip", cure: "upload the files themselves" },
    Kind { at: 0, magic: ENCRYPTED_PARQUET, name: "encrypted Parquet", cure: "write it without encryption" },
    Kind { at: 0, magic: b"PAR1", name: "Parquet", cure: "name it .parquet" },
    Kind { at: 0, magic: b"\xd0\xcf\x11\xe0", name: "an old Excel workbook (.xls)", cure: "save it as .xlsx or CSV" },
    Kind { at: 0, magic: b"BZh", name: "bzip2", cure: "unpack it, or pack it as .gz or .zst" },
    Kind { at: 0, magic: b"\xfd7zXZ\x00", name: "xz", cure: "unpack it, or pack it as .gz or .zst" },
    Kind { at: 0, magic: b"7z\xbc\xaf\x27\x1c", name: "7-Zip", cure: "unpack it, or pack it as .zip" },
    Kind { at: 0, magic: b"Rar!", name: "RAR", cure: "unpack it, or pack it as .zip" },
    Kind { at: 0, magic: b"%PDF-", name: "PDF", cure: "export the table as CSV" },
    Kind { at: 0, magic: b"SQLite format 3\0", name: "an SQLite database", cure: "export the table as CSV" },
    Kind { at: 0, magic: b"\xff\xd8\xff", name: "a JPEG image", cure: WRITE_OUT },
    Kind { at: 0, magic: b"\x89PNG\r\n\x1a\n", name: "a PNG image", cure: WRITE_OUT },
    Kind { at: 0, magic: b"GIF8", name: "a GIF image", cure: WRITE_OUT },
    Kind { at: 0, magic: b"II*\0", name: "a TIFF image", cure: WRITE_OUT },
    Kind { at: 0, magic: b"MM\0*", name: "a TIFF image", cure: WRITE_OUT },
    Kind { at: 8, magic: b"WEBPVP8", name: "a WebP image", cure: WRITE_OUT },
    Kind { at: 0, magic: b"Obj\x01", name: "Avro", cure: "convert it to Parquet or NDJSON" },
    Kind { at: 0, magic: b"ARROW1", name: "Arrow IPC", cure: "convert it to Parquet" },
];

/// What a server answers, and some programs call a workbook, in place of a table. Compared without regard to case.
const MARKUP: [(&[u8], &str); 3] = [
    (b"<!doctype html", "an HTML page, which no format reads: look what the server answered, or save the table as CSV"),
    (b"<html", "an HTML page, which no format reads: look what the server answered, or save the table as CSV"),
    (
        b"<?xml",
        "an XML document, which no format reads: write its rows as CSV, or as JSON, one object per line; where a server answered \
         it, look whether it says what is wrong",
    ),
];

/// Whether the bytes are those of a UTF-16 text: by its byte order mark, or as every other byte of it is NUL.
pub(super) fn is_utf16(head: &[u8]) -> bool {
    head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || {
        let (pairs, _) = head.as_chunks::<2>();
        let high = pairs.iter().filter(|[first, second]| *first == 0 && *second != 0).count();
        let low = pairs.iter().filter(|[first, second]| *first != 0 && *second == 0).count();
        pairs.len() >= 4 && high.max(low) * 10 >= pairs.len() * 9
    }
}

/// Whether an object that begins with these bytes is of the kind. Those that are all letters may be a name in a header.
fn is_of(kind: &Kind, head: &[u8]) -> bool {
    let is_binary = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    let is_name = kind.magic.iter().all(u8::is_ascii_alphanumeric);
    let is_marked = head.get(kind.at..).is_some_and(|rest| rest.starts_with(kind.magic));
    is_marked && !(is_name && std::str::from_utf8(head).is_ok() && !head.iter().any(is_binary))
}

/// What bytes are packed by, if they are. A workbook is packed, too.
pub(super) fn packing(head: &[u8]) -> Option<&'static str> {
    const PACKED: [&str; 9] = [
        "gzip",
        "Zstandard",
        "zip, or an Excel workbook",
        "an empty zip",
        "bzip2",
        "xz",
        "7-Zip",
        "RAR",
        "a tar archive",
    ];
    KINDS.iter().find(|kind| is_of(kind, head)).map(|kind| kind.name).filter(|name| PACKED.contains(name))
}

/// How archives of tar are named that are packed, with what they are packed by.
const PACKED_TAR: [(&str, &[&str]); 4] = [
    ("gzip", &[".tgz", ".taz", ".tar.gz"]),
    ("Zstandard", &[".tzst", ".tar.zst"]),
    ("xz", &[".txz", ".tar.xz"]),
    ("bzip2", &[".tbz", ".tbz2", ".tar.bz2"]),
];

/// Refuses an archive of tar that is packed, by its name or by what is in it: another name would not do for it, nor would
/// another packing.
pub(super) fn refuse_packed_tar(name: &str, head: &[u8], is_unpacked: bool) -> Result<(), Stop> {
    let Some(packed) = packing(head) else { return Ok(()) };
    let is_named = |ending: &&str| ends_in(name, ending);
    let mut named = PACKED_TAR.iter().filter(|(by, _)| *by == packed);
    if !named.any(|(_, endings)| endings.iter().any(is_named)) && !has_tar(packed, head) {
        return Ok(());
    }
    let why = format!(
        "by its first bytes{} {} is a tar archive packed by {packed}, which no format reads",
        if has_tar(packed, head) { "" } else { " and its name" },
        object(is_unpacked)
    );
    Err(Stop::reject("wrong_kind", format!("{why}: {UNPACK}")))
}

/// Whether what is packed so is an archive of tar, as far as its beginning shows it.
fn has_tar(packed: &str, head: &[u8]) -> bool {
    let mut unpacked = Vec::new();
    // The beginning of what is packed ends in its midst.
    let mut read = |from: &mut dyn Read| from.take(LOOKED_AT as u64).read_to_end(&mut unpacked).is_ok();
    let _ = match packed {
        "gzip" => read(&mut flate2::read::GzDecoder::new(head)),
        "Zstandard" => zstd::stream::read::Decoder::new(head).is_ok_and(|mut decoder| read(&mut decoder)),
        _ => false,
    };
    unpacked.get(TAR..).is_some_and(|rest| rest.starts_with(b"ustar"))
}

fn object(is_unpacked: bool) -> &'static str {
    if is_unpacked { "what is packed in the object" } else { "the object" }
}

/// Refuses what no format reads, whatever its name is, by the name of what it is.
pub(super) fn refuse_unread(head: &[u8], is_unpacked: bool) -> Result<(), Stop> {
    refuse_packed_tar("", head, is_unpacked)?;
    let is_unread = |kind: &&Kind| is_of(kind, head) && !kind.cure.starts_with("name it");
    let Some(Kind { name, cure, .. }) = KINDS.iter().find(is_unread) else { return Ok(()) };
    let object = object(is_unpacked);
    Err(Stop::reject("wrong_kind", format!("by its first bytes {object} is {name}, which no format reads: {cure}")))
}

/// Whether an object is OpenDocument, which begins as a zip and a workbook do.
pub(super) fn is_open_document(head: &[u8]) -> bool {
    head.get(FIRST_ENTRY..).is_some_and(|rest| rest.starts_with(OPEN_DOCUMENT))
}

/// Refuses an object that is no text, by the name of what it is. `may_be_utf16` where the encoding is declared;
/// `is_unpacked` where the bytes are those of something packed.
pub(super) fn refuse_other_kinds(head: &[u8], may_be_utf16: bool, is_unpacked: bool) -> Result<(), Stop> {
    refuse_unread(head, is_unpacked)?;
    let object = object(is_unpacked);
    if let Some(Kind { name, cure, .. }) = KINDS.iter().find(|kind| is_of(kind, head)) {
        let cure = match *name {
            "gzip" | "Zstandard" if is_unpacked => "pack it once",
            _ => cure,
        };
        return Err(Stop::reject(
            "wrong_kind",
            format!("by its first bytes {object} is {name}, not what its name says: {cure}"),
        ));
    }
    if head.starts_with(b"\xff\xfe\0\0") || head.starts_with(b"\0\0\xfe\xff") {
        return Err(Stop::reject("wrong_encoding", format!("{object} is UTF-32 text: save it as UTF-8")));
    }
    if is_utf16(head) && !may_be_utf16 {
        let why = format!("{object} is UTF-16 text, not UTF-8: declare encoding = \"utf-16\", or save it as UTF-8");
        return Err(Stop::reject("wrong_encoding", why));
    }
    Ok(())
}

/// Refuses an object that is not compressed as its name's ending says, by the name of what it is.
pub(super) fn refuse_other_packing(head: &[u8], ending: &str) -> Result<(), Stop> {
    let wanted = if ending == ".gz" { "gzip" } else { "Zstandard" };
    // Zstandard also has frames that a reader skips.
    let is_skipped = ending == ".zst" && matches!(head, [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..]);
    let is_wanted = |kind: &&Kind| kind.name == wanted && head.starts_with(kind.magic);
    let is_part = |kind: &&Kind| kind.name == wanted && kind.magic.starts_with(head);
    if is_skipped || KINDS.iter().any(|kind| is_wanted(&kind) || is_part(&kind)) {
        return Ok(());
    }
    let found = KINDS.iter().find(|kind| is_of(kind, head)).map(|kind| (kind.name, kind.cure));
    let is_text = std::str::from_utf8(head).is_ok_and(|text| !text.contains('\0'))
        || std::str::from_utf8(head).is_err_and(|error| error.error_len().is_none() && !head.contains(&0));
    let (reason, name, cure) =
        match found.or_else(|| is_utf16(head).then_some(("UTF-16 text", "and declare encoding = \"utf-16\""))) {
            Some((name, cure)) if cure.starts_with("name it") => ("wrong_kind", name, cure.to_owned()),
            Some((name, cure)) => ("wrong_kind", name, format!("name it without {ending}, {cure}")),
            None if is_text => ("not_decompressible", "plain text", format!("name it without {ending}")),
            None => ("not_decompressible", "something unknown", "upload it again, or name it as what it is".to_owned()),
        };
    let why = format!("by its first bytes the object is {name}, not {wanted}, as its name says: {cure}");
    Err(Stop::reject(reason, why))
}

/// Refuses a page or document where a table of values should be.
pub(super) fn refuse_markup(head: &[u8]) -> Result<(), Stop> {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let begins = |magic: &[u8]| text.get(..magic.len()).is_some_and(|start| start.eq_ignore_ascii_case(magic));
    match MARKUP.iter().find(|(magic, _)| begins(magic)) {
        None => Ok(()),
        Some((_, name)) => Err(Stop::reject("wrong_kind", format!("by its first bytes the object is {name}"))),
    }
}

/// Refuses an object that does not begin as its format does.
pub(super) fn require(head: &[u8], magic: &[u8], format: &str) -> Result<(), Stop> {
    if head.starts_with(magic) && !is_open_document(head) {
        return Ok(());
    }
    if head.is_empty() {
        let why = format!("the object is empty, and not {format}, as its name or its table says: upload it again");
        return Err(Stop::reject("wrong_kind", why));
    }
    if magic == b"PAR1" && head.starts_with(ENCRYPTED_PARQUET) {
        return Err(Stop::reject("wrong_kind", IS_ENCRYPTED));
    }
    refuse_other_kinds(head, false, false)?;
    Err(Stop::reject("wrong_kind", format!("the object is not {format}, as its name or its table says")))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn refused(head: &[u8]) -> String {
        match refuse_other_kinds(head, false, false).and_then(|()| refuse_markup(head)) {
            Err(Stop::Reject(reject)) => format!("{}: {}", reject.reason, reject.message),
            Err(Stop::Broken(why)) => why,
            Ok(()) => String::new(),
        }
    }

    #[test]
    fn what_no_format_reads_is_named_and_cured() {
        let mut tar = vec![0; LOOKED_AT];
        tar.splice(TAR..TAR + 6, *b"ustar\0");
        let gzip = |bytes: &[u8]| {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packed.write_all(bytes).unwrap();
            packed.finish().unwrap()
        };
        for (head, wanted) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF\0"[..], "a JPEG image, which no format reads"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
            (b"GIF89a\x01\0\x01\0", "a GIF image"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "a WebP image"),
            (b"GIF89a,b\n1,2\n", ""),
            (b"<?xml version=\"1.0\"?><rows/>", "an XML document, which no format reads: write its rows"),
            (b"<!DOCTYPE html><html>", "an HTML page, which no format reads: look what the server answered"),
            (&gzip(&tar), "a tar archive packed by gzip, which no format reads: unpack it"),
            (
                &zstd::encode_all(tar.as_slice(), 3).unwrap(),
                "a tar archive packed by Zstandard, which no format reads: unpack",
            ),
            (&gzip(b"a,b\n1,2\n"), "gzip, not what its name says: name it .gz"),
        ] {
            let why = refused(head);
            assert!(why.contains(wanted) && why.is_empty() == wanted.is_empty(), "{wanted}: {why}");
            assert!(why.is_empty() || why.starts_with("wrong_kind"), "{why}");
        }
    }

    #[test]
    fn packed_tar_is_known_by_its_name_where_it_cannot_be_looked_into() {
        for (name, head, by) in [
            ("a.txz", &b"\xfd7zXZ\x00\0"[..], "xz"),
            ("a.tar.xz", b"\xfd7zXZ\x00\0", "xz"),
            ("A.TZST", b"\x28\xb5\x2f\xfd\0", "Zstandard"),
            ("a.tbz2", b"BZh91AY\x01", "bzip2"),
            ("a.tgz", b"\x1f\x8b\x08\0", "gzip"),
            ("a.csv.xz", b"\xfd7zXZ\x00\0", ""),
            ("a.tzst", b"a,b\n", ""),
        ] {
            let why = match refuse_packed_tar(name, head, false) {
                Err(Stop::Reject(reject)) => reject.message,
                _ => String::new(),
            };
            let wanted =
                format!("and its name the object is a tar archive packed by {by}, which no format reads: unpack it");
            assert!(why.contains(&wanted) || by.is_empty() && why.is_empty(), "{name}: {why}");
        }
    }
}
