//! Lines of text, with their numbers, in bounded memory.

use std::io::Read;

use memchr::memchr;

use super::window::{BYTE_ORDER_MARK, ByteWindow};
use crate::error::Stop;
use crate::reject::MAX_TEXT;

/// Reads line by line.
pub(super) struct Lines<R> {
    window: ByteWindow<R>,
    /// Bytes of the window that are behind us.
    at: usize,
    number: u64,
    longest: usize,
    /// The beginning of a line that is too long.
    long: Vec<u8>,
}

/// A line without its end.
pub(super) struct TextLine<'w> {
    /// From 1.
    pub number: u64,
    /// Its bytes.
    pub text: &'w [u8],
    /// Whether they are UTF-8.
    pub is_text: bool,
    /// Whether the line is too long: its bytes are only the beginning.
    pub is_too_long: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R, longest: usize) -> Result<Self, Stop> {
        Ok(Self { window: ByteWindow::new(reader)?, at: 0, number: 0, longest, long: Vec::new() })
    }

    /// The next line, without a byte order mark. One that is too long is passed in bounded memory.
    pub(super) fn next_line(&mut self) -> Result<Option<TextLine<'_>>, Stop> {
        let mut seen = 0;
        let (length, next) = loop {
            let rest = self.window.bytes().get(self.at..).unwrap_or_default();
            if let Some(found) = memchr(b'\n', rest.get(seen..).unwrap_or_default()) {
                break (seen + found, seen + found + 1);
            }
            seen = rest.len();
            if self.window.is_at_end() || seen > self.longest {
                break (seen, seen);
            }
            self.window.consume(self.at);
            self.at = 0;
            self.window.more()?;
        };
        if next == 0 {
            return Ok(None);
        }
        self.number += 1;
        if next > self.longest {
            return self.pass_too_long().map(Some);
        }
        let start = self.at;
        self.at += next;
        let text = self.window.bytes().get(start..start + length).unwrap_or_default();
        let is_text = self.window.is_text(start + length) || std::str::from_utf8(text).is_ok();
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        // One may stand before any line of files that were joined.
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        Ok(Some(TextLine { number: self.number, text, is_text, is_too_long: false }))
    }

    fn pass_too_long(&mut self) -> Result<TextLine<'_>, Stop> {
        let rest = self.window.bytes().get(self.at..).unwrap_or_default();
        self.long = rest.iter().take(MAX_TEXT).copied().collect();
        loop {
            let rest = self.window.bytes().get(self.at..).unwrap_or_default();
            if let Some(end) = memchr(b'\n', rest) {
                self.at += end + 1;
                break;
            }
            if self.window.is_at_end() {
                self.at += rest.len();
                break;
            }
            self.window.consume(self.at + rest.len());
            self.at = 0;
            self.window.more()?;
        }
        Ok(TextLine { number: self.number, text: &self.long, is_text: true, is_too_long: true })
    }
}
