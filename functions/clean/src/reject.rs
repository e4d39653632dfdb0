//! Invalid rows on their way to the rejection zone, one JSON object per line.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use lake::draft::{Draft, Drafted};
use lake::ledger::{Reason, Reasons};
use serde::Serialize;

/// The most of a record's text that is kept.
pub(crate) const MAX_TEXT: usize = 4 * 1024;

/// Rows that are written in full, and their bytes: what comes beyond is counted by column and reason. A small compressed
/// object must not become a large one of rejects.
pub(crate) const MAX_LINES: u64 = 100_000;
const MAX_BYTES: usize = 64 * 1024 * 1024;

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
    /// How many rows the line stands for.
    #[serde(skip_serializing_if = "is_one")]
    rows: u64,
}

fn is_one(number: &u64) -> bool {
    *number == 1
}

/// Rows beyond the limits.
struct Counted {
    first: u64,
    rows: u64,
}

/// Writes rejects to a draft, which is made when the first comes.
pub struct RejectWriter {
    raw_key: String,
    raw_version: Option<String>,
    file: Option<BufWriter<Draft>>,
    lines: u64,
    bytes: usize,
    line: Vec<u8>,
    /// By column and reason.
    beyond: BTreeMap<(Option<String>, String), Counted>,
    reasons: Reasons,
    /// Rows written so far.
    pub rows: u64,
}

impl RejectWriter {
    /// A writer for the rows of one raw object.
    pub fn new(raw_key: &str, raw_version: Option<&str>) -> Self {
        Self {
            raw_key: raw_key.to_owned(),
            raw_version: raw_version.map(str::to_owned),
            file: None,
            lines: 0,
            bytes: 0,
            line: Vec::new(),
            beyond: BTreeMap::new(),
            reasons: Reasons::new(),
            rows: 0,
        }
    }

    /// Writes one row, or counts it where enough are written.
    pub fn write(&mut self, reject: &Reject) -> io::Result<()> {
        if self.lines < MAX_LINES && self.bytes < MAX_BYTES {
            return self.write_many(reject, 1);
        }
        self.count(reject, 1);
        let kind = (reject.column.map(str::to_owned), reject.reason.to_owned());
        self.beyond.entry(kind).or_insert(Counted { first: reject.row, rows: 0 }).rows += 1;
        Ok(())
    }

    /// Writes one line that stands for `rows` rows.
    pub fn write_many(&mut self, reject: &Reject, rows: u64) -> io::Result<()> {
        self.count(reject, rows);
        self.write_line(reject, rows)
    }

    fn count(&mut self, reject: &Reject, rows: u64) {
        self.rows += rows;
        match self.reasons.get_mut(reject.reason) {
            Some(known) => known.rows += rows,
            None => {
                let reason = Reason { rows, first: reject.row, column: reject.column.map(str::to_owned) };
                self.reasons.insert(reject.reason.to_owned(), reason);
            }
        }
    }

    /// The rows so far by reason.
    pub fn take_reasons(&mut self) -> Reasons {
        std::mem::take(&mut self.reasons)
    }

    fn write_line(&mut self, reject: &Reject, rows: u64) -> io::Result<()> {
        let text = reject.text.get(..MAX_TEXT).unwrap_or(reject.text);
        let line = Line {
            raw_key: &self.raw_key,
            raw_version: self.raw_version.as_deref(),
            row: reject.row,
            column: reject.column,
            reason: reject.reason,
            message: &reject.message,
            raw_text: &String::from_utf8_lossy(text),
            rows,
        };
        self.line.clear();
        serde_json::to_writer(&mut self.line, &line)?;
        self.line.push(b'\n');
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(BufWriter::new(Draft::default())),
        };
        file.write_all(&self.line)?;
        self.lines += 1;
        self.bytes += self.line.len();
        Ok(())
    }

    /// The draft, if any row was written. Rows beyond the limits have one line for each column and reason at its end.
    pub fn finish(mut self) -> io::Result<Option<Drafted>> {
        let listed = self.lines;
        for ((column, reason), Counted { first, rows }) in std::mem::take(&mut self.beyond) {
            let message = format!("{rows} more rows from row {first} on, after the first {listed} that are listed");
            let counted = Reject { row: first, column: column.as_deref(), reason: &reason, message, text: b"" };
            self.write_line(&counted, rows)?;
        }
        let draft = |file: BufWriter<Draft>| file.into_inner().map_err(io::IntoInnerError::into_error);
        self.file.map(|file| draft(file).map(Draft::finish)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn lines(mut drafted: Drafted) -> Vec<serde_json::Value> {
        let mut text = String::new();
        drafted.content.reader().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((drafted.hash, drafted.bytes), (lake::hash::bytes(text.as_bytes()), text.len() as u64));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn endless_rejects_are_counted_and_none_is_lost() {
        let mut writer = RejectWriter::new("a/b.csv", None);
        let text = vec![b'x'; MAX_TEXT];
        for row in 1..=200_000 {
            let column = if row % 2 == 0 { Some("a") } else { None };
            writer.write(&Reject { row, column, reason: "bad", message: "it is bad".to_owned(), text: &text }).unwrap();
        }
        assert_eq!(writer.rows, 200_000);
        assert_eq!(
            writer.take_reasons(),
            Reasons::from([("bad".to_owned(), Reason { rows: 200_000, first: 1, column: None })])
        );
        let drafted = writer.finish().unwrap().unwrap();
        assert!(drafted.bytes < 2 * MAX_BYTES as u64);
        let lines = lines(drafted);
        let rows: u64 = lines.iter().map(|line| line["rows"].as_u64().unwrap_or(1)).sum();
        assert_eq!(rows, 200_000);
        let [.., without, with] = lines.as_slice() else { panic!("closing lines") };
        assert_eq!((without["column"].as_str(), with["column"].as_str()), (None, Some("a")));
        assert!(with["message"].as_str().unwrap().contains("more rows"));
    }

    #[test]
    fn few_rejects_are_listed_as_they_are() {
        let mut writer = RejectWriter::new("a/b.csv", None);
        let reject = |row| Reject { row, column: None, reason: "bad", message: String::new(), text: b"t" };
        writer.write(&reject(1)).unwrap();
        writer.write(&reject(2)).unwrap();
        let lines = lines(writer.finish().unwrap().unwrap());
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.get("rows").is_none()));
    }
}
