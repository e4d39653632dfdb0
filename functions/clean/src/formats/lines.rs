//! Lines of text, with their numbers, in bounded memory.

use std::io::Read;

use memchr::memchr;

use super::window::ByteWindow;
use crate::error::Stop;

/// Reads line by line.
pub(super) struct Lines<R> {
    window: ByteWindow<R>,
    /// Bytes of the window that are behind us.
    at: usize,
    number: u64,
    longest: usize,
}

/// A line without its end.
pub(super) struct TextLine<'w> {
    /// From 1.
    pub number: u64,
    /// Its bytes.
    pub text: &'w [u8],
    /// Whether they are UTF-8.
    pub is_text: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R, longest: usize) -> Result<Self, Stop> {
        Ok(Self { window: ByteWindow::new(reader)?, at: 0, number: 0, longest })
    }

    /// The next line, without a byte order mark. A line that is too long rejects the object.
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
            let why = format!("line {} is longer than {} bytes", self.number, self.longest);
            return Err(Stop::reject("line_too_long", why));
        }
        let start = self.at;
        self.at += next;
        let text = self.window.bytes().get(start..start + length).unwrap_or_default();
        let is_text = self.window.is_text(start + length) || std::str::from_utf8(text).is_ok();
        Ok(Some(TextLine { number: self.number, text: text.strip_suffix(b"\r").unwrap_or(text), is_text }))
    }
}
