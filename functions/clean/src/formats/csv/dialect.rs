//! How a CSV file is written.

use memchr::{memchr, memchr2};

/// The quote of RFC 4180.
pub(super) const QUOTE: u8 = b'"';
/// What programs of DOS write behind a file.
pub(super) const END_OF_FILE: u8 = 0x1A;

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub(in crate::formats) struct Dialect {
    /// What stands between two values.
    pub delimiter: u8,
    /// What stands around values that have other characters in them, if anything does.
    pub quote: Option<u8>,
    /// Whether blanks around quotes are no part of a value. If not, a quote behind blanks is a bad one.
    pub skips_blanks: bool,
    /// What takes the meaning from the character behind it.
    pub escape: Option<u8>,
    /// What a line begins with that is no record.
    pub comment: Option<u8>,
    /// Whether a carriage return alone ends a line. Where it is not known, the beginning of the file decides.
    pub ends_at_returns: Option<bool>,
}

impl Dialect {
    /// RFC 4180 with any delimiter.
    pub(in crate::formats) fn plain(delimiter: u8) -> Self {
        Self { delimiter, quote: Some(QUOTE), skips_blanks: false, escape: None, comment: None, ends_at_returns: None }
    }

    pub(super) fn ends_at_returns(&self) -> bool {
        self.ends_at_returns == Some(true)
    }

    /// Whether the byte at a place ends a line, as far as is known: behind carriage returns at the end of the window a line
    /// feed may follow.
    pub(super) fn is_line_end(&self, window: &[u8], at: usize) -> bool {
        match window.get(at) {
            Some(b'\n') => true,
            Some(b'\r') => self.ends_at_returns() || behind_returns(window, at).is_none_or(|byte| byte == b'\n'),
            _ => false,
        }
    }

    /// How many lines end in the bytes.
    pub(super) fn line_ends(&self, bytes: &[u8]) -> u64 {
        let mut rest = bytes;
        let mut count = 0;
        let next = |rest: &[u8]| if self.ends_at_returns() { memchr2(b'\r', b'\n', rest) } else { memchr(b'\n', rest) };
        while let Some(at) = next(rest) {
            let length = if rest.get(at..at + 2) == Some(b"\r\n") { 2 } else { 1 };
            rest = rest.get(at + length..).unwrap_or_default();
            count += 1;
        }
        count
    }
}

/// What stands behind the carriage returns at a place.
pub(super) fn behind_returns(window: &[u8], at: usize) -> Option<u8> {
    window.get(at..)?.iter().copied().find(|byte| *byte != b'\r')
}
