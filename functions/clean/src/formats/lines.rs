//! Lines of text, with their numbers, in bounded memory.

use std::io::{BufRead, BufReader, Read};

use crate::error::Stop;

/// What a file may begin with, and means nothing.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads line by line.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    number: u64,
    longest: usize,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R, longest: usize) -> Self {
        Self { reader: BufReader::with_capacity(256 * 1024, reader), line: Vec::new(), number: 0, longest }
    }

    /// The next line and its number, from 1, without its end and without a byte order mark. A line that is too long
    /// rejects the object.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, &[u8])>, Stop> {
        self.line.clear();
        let limit = self.longest as u64 + 1;
        self.reader.by_ref().take(limit).read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if self.line.len() > self.longest {
            let why = format!("line {} is longer than {} bytes", self.number, self.longest);
            return Err(Stop::reject("line_too_long", why));
        }
        let mut line = self.line.as_slice();
        if self.number == 1 {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        line = line.strip_suffix(b"\n").unwrap_or(line);
        Ok(Some((self.number, line.strip_suffix(b"\r").unwrap_or(line))))
    }
}
