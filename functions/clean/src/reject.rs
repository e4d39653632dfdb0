//! Invalid rows on their way to the rejection zone, one JSON object per line.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use serde::Serialize;

/// The most of a record's text that is kept.
pub(crate) const MAX_TEXT: usize = 4 * 1024;

/// One invalid row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject<'a> {
    /// The line or running index of the row, from 1.
    pub row: u64,
    /// The column that is wrong; `None` if it is not about one column.
    pub column: Option<&'a str>,
    /// A stable code.
    pub reason: &'a str,
    /// The same for people, without any value of the row.
    pub message: String,
    /// The whole record as it was read.
    pub text: &'a [u8],
}

/// A line of the rejection zone, as the contract names its fields.
#[derive(Serialize)]
struct Line<'a> {
    raw_key: &'a str,
    raw_version: Option<&'a str>,
    row: u64,
    column: Option<&'a str>,
    reason: &'a str,
    message: &'a str,
    raw_text: &'a str,
}

/// Writes rejects to a temporary file, which is made when the first comes.
pub struct RejectWriter {
    raw_key: String,
    raw_version: Option<String>,
    file: Option<BufWriter<File>>,
    /// Rows written so far.
    pub rows: u64,
}

impl RejectWriter {
    /// A writer for the rows of one raw object.
    pub fn new(raw_key: &str, raw_version: Option<&str>) -> Self {
        Self { raw_key: raw_key.to_owned(), raw_version: raw_version.map(str::to_owned), file: None, rows: 0 }
    }

    /// Writes one row.
    pub fn write(&mut self, reject: &Reject) -> io::Result<()> {
        let text = reject.text.get(..MAX_TEXT).unwrap_or(reject.text);
        let line = Line {
            raw_key: &self.raw_key,
            raw_version: self.raw_version.as_deref(),
            row: reject.row,
            column: reject.column,
            reason: reject.reason,
            message: &reject.message,
            raw_text: &String::from_utf8_lossy(text),
        };
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(tempfile::tempfile()?)),
        };
        serde_json::to_writer(&mut *file, &line)?;
        file.write_all(b"\n")?;
        self.rows += 1;
        Ok(())
    }

    /// The file, if any row was written.
    pub fn finish(self) -> io::Result<Option<File>> {
        self.file.map(|file| file.into_inner().map_err(io::IntoInnerError::into_error)).transpose()
    }
}
