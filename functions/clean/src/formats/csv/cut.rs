//! Cuts a record into its values.

use std::ops::Range;

use memchr::{memchr, memchr2, memchr3};

use super::dialect::{Dialect, QUOTE};

/// Where a value lies: in the window, or, counted on from its end, among those that were put together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub start: usize,
    pub end: usize,
}

#[cfg(test)]
impl Span {
    pub(super) fn of(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// The place behind the blanks at a place.
pub(super) fn behind_blanks(window: &[u8], at: usize) -> usize {
    at + window.get(at..).unwrap_or_default().iter().take_while(|byte| **byte == b' ').count()
}

/// Cuts the record without quotes that begins at `at` into its values: where it ends. `None` if it must be read with care,
/// or does not end in the window.
#[inline]
pub(super) fn plain_record(window: &[u8], at: usize, dialect: &Dialect, values: &mut Vec<Span>) -> Option<usize> {
    // Digits, letters and points are greater than the usual delimiters: one comparison finds all that ends a value, and some
    // bytes that do not.
    let delimiter = dialect.delimiter;
    match (delimiter, dialect.quote, dialect.escape) {
        (..=b',', Some(QUOTE), None) => {
            plain_record_by(window, at, dialect, values, bytes_below::<{ b',' + 1 }>, |byte| byte == QUOTE)
        }
        (_, Some(quote), None) => {
            let ends = |word| {
                bytes_of(word, delimiter) | bytes_of(word, b'\n') | bytes_of(word, b'\r') | bytes_of(word, quote)
            };
            plain_record_by(window, at, dialect, values, ends, |byte| byte == quote)
        }
        (_, None, None) => {
            let ends = |word| bytes_of(word, delimiter) | bytes_of(word, b'\n') | bytes_of(word, b'\r');
            plain_record_by(window, at, dialect, values, ends, |_| false)
        }
        (_, quote, Some(escape)) => {
            let quote = quote.unwrap_or(escape);
            let ends = |word| {
                bytes_of(word, delimiter)
                    | bytes_of(word, b'\n')
                    | bytes_of(word, b'\r')
                    | bytes_of(word, quote)
                    | bytes_of(word, escape)
            };
            plain_record_by(window, at, dialect, values, ends, |byte| byte == quote || byte == escape)
        }
    }
}

#[inline]
fn plain_record_by(
    window: &[u8],
    at: usize,
    dialect: &Dialect,
    values: &mut Vec<Span>,
    ends: impl Fn(u64) -> u64,
    needs_care: impl Fn(u8) -> bool,
) -> Option<usize> {
    let (delimiter, ends_at_returns) = (dialect.delimiter, dialect.ends_at_returns());
    let (words, _) = window.get(at..)?.as_chunks::<8>();
    let (mut start, mut base) = (at, at);
    for word in words {
        let word = u64::from_le_bytes(*word);
        let mut found = ends(word);
        while found != 0 {
            let end = base + found.trailing_zeros() as usize / 8;
            match *window.get(end)? {
                byte if byte == delimiter => {
                    values.push(Span { start, end });
                    start = end + 1;
                }
                // One that is no part of a line's end is rare.
                b'\r' if !ends_at_returns && window.get(end + 1) != Some(&b'\n') => return None,
                b'\n' | b'\r' => {
                    values.push(Span { start, end });
                    return Some(end);
                }
                byte if needs_care(byte) => return None,
                _ => {}
            }
            found &= found - 1;
        }
        base += 8;
    }
    None
}

const LOW_BITS: u64 = 0x7F7F_7F7F_7F7F_7F7F;

/// The highest bit of each byte of a word that is less than `BYTE`, which is ASCII.
#[inline]
fn bytes_below<const BYTE: u8>(word: u64) -> u64 {
    // The sum reaches the highest bit of a byte if its other bits are not less.
    !(((word & LOW_BITS) + u64::from_le_bytes([0x80 - BYTE; 8])) | word | LOW_BITS)
}

/// The highest bit of each byte of a word that is `byte`.
#[inline]
fn bytes_of(word: u64, byte: u8) -> u64 {
    let other = word ^ u64::from_le_bytes([byte; 8]);
    // The sum reaches the highest bit of a byte unless its other bits are all 0, and never that of the next one.
    !(((other & LOW_BITS) + LOW_BITS) | other | LOW_BITS)
}

/// A value, and where what ends it stands: a delimiter, a line end or nothing.
pub(super) struct Cut {
    pub span: Span,
    pub next: usize,
}

/// Where the value without quotes that begins at `at` ends.
pub(super) fn plain_end(window: &[u8], mut at: usize, delimiter: u8, dialect: &Dialect) -> usize {
    while let Some(found) = memchr3(delimiter, b'\r', b'\n', window.get(at..).unwrap_or_default()) {
        at += found;
        if window.get(at) == Some(&delimiter) || dialect.is_line_end(window, at) {
            return at;
        }
        // Carriage returns within the line.
        at += window.get(at..).and_then(|rest| rest.iter().position(|byte| *byte != b'\r')).unwrap_or(1);
    }
    window.len()
}

/// What an escape and a byte stand for: behind a backslash some letters are control characters, as PostgreSQL and MySQL
/// write them. Everything else stands for itself.
fn escaped(escape: u8, byte: u8) -> u8 {
    match (escape, byte) {
        (b'\\', b'n') => b'\n',
        (b'\\', b't') => b'\t',
        (b'\\', b'r') => b'\r',
        (b'\\', b'b') => 0x08,
        (b'\\', b'f') => 0x0C,
        (b'\\', b'v') => 0x0B,
        (b'\\', b'0') => 0,
        (_, byte) => byte,
    }
}

/// The value that begins at `at` without a quote. One that is only `\N` is what dumps of databases have for NULL: it is
/// empty.
pub(super) fn unquoted(window: &[u8], at: usize, dialect: &Dialect, joined: &mut Vec<u8>) -> Cut {
    let end = plain_end(window, at, dialect.delimiter, dialect);
    let is_in = |escape: &u8| memchr(*escape, window.get(at..end).unwrap_or_default()).is_some();
    let Some(escape) = dialect.escape.filter(is_in) else {
        return Cut { span: Span { start: at, end }, next: end };
    };
    if window.get(at..end) == Some(b"\\N") && escape == b'\\' {
        return Cut { span: Span { start: at, end: at }, next: end };
    }
    let start = window.len() + joined.len();
    // Up to here carriage returns are known to be within the line.
    let (mut next, mut known) = (at, at);
    while let Some(byte) = window.get(next) {
        match *byte {
            // A line break is one, however many bytes it has.
            byte if byte == escape && window.get(next + 1..next + 3) == Some(b"\r\n") => {
                joined.extend_from_slice(b"\r\n");
                next += 3;
                continue;
            }
            byte if byte == escape => {
                joined.extend(window.get(next + 1).map(|byte| escaped(escape, *byte)));
                next += 2;
                continue;
            }
            b'\r' if next < known => joined.push(b'\r'),
            b'\r' | b'\n' if dialect.is_line_end(window, next) => break,
            b'\r' => {
                let rest = window.get(next..).unwrap_or_default();
                known = next + rest.iter().take_while(|byte| **byte == b'\r').count();
                joined.push(b'\r');
            }
            byte if byte == dialect.delimiter => break,
            byte => joined.push(byte),
        }
        next += 1;
    }
    Cut { span: Span { start, end: window.len() + joined.len() }, next: next.min(window.len()) }
}

/// What an opening quote begins.
pub(super) enum Quoted {
    Value(Cut),
    /// Nothing closes it.
    Open,
    /// Text follows what closes it.
    Bad,
}

/// The value whose opening quote is before the range, in which its end is looked for. A doubled quote is one.
pub(super) fn quoted(window: &[u8], quote: u8, range: Range<usize>, dialect: &Dialect, joined: &mut Vec<u8>) -> Quoted {
    let mut from = range.start;
    let start = window.len() + joined.len();
    let escape = dialect.escape.unwrap_or(quote);
    let mut is_whole = true;
    loop {
        let rest = window.get(from..range.end).unwrap_or_default();
        let Some(end) = memchr2(quote, escape, rest) else { return Quoted::Open };
        let (text, mut after) = (rest.get(..end).unwrap_or_default(), from + end + 1);
        if rest.get(end) != Some(&quote) {
            let Some(byte) = window.get(after).filter(|_| after < range.end) else { return Quoted::Open };
            joined.extend_from_slice(text);
            joined.push(escaped(escape, *byte));
            (from, is_whole) = (after + 1, false);
            continue;
        }
        if dialect.skips_blanks && window.get(after) != Some(&quote) {
            after = behind_blanks(window, after);
        }
        let span = match window.get(after) {
            Some(byte) if *byte == quote && after == from + end + 1 => {
                joined.extend_from_slice(text);
                joined.push(quote);
                (from, is_whole) = (after + 1, false);
                continue;
            }
            Some(byte) if *byte != dialect.delimiter && !dialect.is_line_end(window, after) => return Quoted::Bad,
            _ if is_whole => Span { start: from, end: from + text.len() },
            _ => {
                joined.extend_from_slice(text);
                Span { start, end: window.len() + joined.len() }
            }
        };
        return Quoted::Value(Cut { span, next: after });
    }
}
