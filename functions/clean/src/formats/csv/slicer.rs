//! Cuts the bytes of a CSV file into records and their values.
//!
//! Most records have no quotes: such a one ends at the next line feed, and its values lie between the delimiters. They are
//! found eight bytes at a time, as values are short: a search for each of them would begin anew every few bytes. Only a
//! record with a quote, or with a carriage return that no line feed follows, is read with care, value by value.
//! Values are slices of the window; only one with doubled quotes, or with text behind its closing quote, is put together.

use std::io::Read;

use memchr::{memchr, memchr_iter, memchr3};

use crate::error::Stop;
use crate::formats::window::ByteWindow;

const QUOTE: u8 = b'"';

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// What stands between two values.
    pub delimiter: u8,
}

/// The records of a file, one at a time.
pub(super) struct Slicer<R> {
    window: ByteWindow<R>,
    dialect: Dialect,
    /// The longest record that is accepted.
    longest: usize,
    /// Where we are in the window, and the number of the line there.
    at: usize,
    line: u64,
    /// Where the record begins and ends in the window, the line where it begins, and its values.
    start: usize,
    end: usize,
    row: u64,
    values: Vec<Span>,
    /// Values that do not lie in the window as they are.
    joined: Vec<u8>,
    number: u64,
}

/// Where a value lies: in the window, or, counted on from its end, among those that were put together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

#[cfg(test)]
impl Span {
    pub(super) fn of(range: std::ops::Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }

    pub(super) fn range(&self) -> std::ops::Range<usize> {
        self.start..self.end
    }
}

/// What stands at our place in the window.
enum Found {
    Record,
    /// Something whose end is not in the window yet.
    Part,
    End,
}

/// A record.
#[derive(Clone, Copy)]
pub(super) struct Sliced<'s> {
    /// What the values lie in.
    pub window: &'s [u8],
    /// Values that were put together.
    pub joined: &'s [u8],
    /// Where each value lies.
    pub values: &'s [Span],
    /// The line where it begins, from 1.
    pub row: u64,
    /// The record as it was read, without line ends around it.
    pub text: &'s [u8],
    /// Whether it is UTF-8; if so, each of its values is.
    pub is_text: bool,
}

impl<'s> Sliced<'s> {
    /// How many values it has.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// A value, without the quotes around it; `None` if there are not so many.
    #[inline]
    pub(super) fn value(&self, position: usize) -> Option<&'s [u8]> {
        let Span { start, end } = *self.values.get(position)?;
        let length = self.window.len();
        if end <= length { self.window.get(start..end) } else { self.joined.get(start - length..end - length) }
    }

    /// All values as text; what is not UTF-8 is empty.
    pub(super) fn texts(self) -> impl Iterator<Item = &'s str> {
        let value = move |position| self.value(position).and_then(|value| std::str::from_utf8(value).ok());
        (0..self.len()).map(move |position| value(position).unwrap_or_default())
    }
}

impl<R: Read> Slicer<R> {
    /// Before the first record.
    pub(super) fn new(reader: R, dialect: Dialect, longest: usize) -> Result<Self, Stop> {
        Ok(Self::over(ByteWindow::new(reader)?, dialect, longest))
    }

    /// The same over a window of any size.
    pub(super) fn over(window: ByteWindow<R>, dialect: Dialect, longest: usize) -> Self {
        Self {
            window,
            dialect,
            longest,
            at: 0,
            line: 1,
            start: 0,
            end: 0,
            row: 1,
            values: Vec::new(),
            joined: Vec::new(),
            number: 0,
        }
    }

    /// Records so far that are not blank.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The record that was found last.
    #[inline]
    pub(super) fn record(&self) -> Sliced<'_> {
        let window = self.window.bytes();
        let text = window.get(self.start..self.end).unwrap_or_default();
        let is_text = self.window.is_text(self.end) || std::str::from_utf8(text).is_ok();
        // What a quote that is not closed holds at the end of the file may end with line ends, too.
        let last = text.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
        let text = text.get(..last.map_or(0, |last| last + 1)).unwrap_or_default();
        Sliced { window, joined: &self.joined, values: &self.values, row: self.row, text, is_text }
    }

    /// Goes on to the next record that is not blank; false at the end.
    pub(super) fn advance(&mut self) -> Result<bool, Stop> {
        loop {
            match self.find() {
                Found::Record if self.end - self.start > self.longest => return Err(self.too_long()),
                Found::Record if self.is_blank() => {}
                Found::Record => {
                    self.number += 1;
                    return Ok(true);
                }
                Found::Part if self.window.bytes().len() - self.at > self.longest => return Err(self.too_long()),
                Found::Part => {
                    self.window.consume(std::mem::take(&mut self.at));
                    self.window.more()?;
                }
                Found::End => return Ok(false),
            }
        }
    }

    fn too_long(&self) -> Stop {
        let (line, longest) = (self.row, self.longest);
        let why = format!("the record at line {line} is longer than {longest} bytes: is a quote not closed?");
        Stop::reject("record_too_long", why)
    }

    fn is_blank(&self) -> bool {
        self.values.len() == 1 && self.record().value(0).is_some_and(|only| only.trim_ascii().is_empty())
    }

    /// Finds the record at our place, and goes behind it. Line ends before it are passed.
    fn find(&mut self) -> Found {
        let window = self.window.bytes();
        loop {
            match window.get(self.at) {
                Some(b'\n') => self.line += 1,
                Some(b'\r') => {}
                Some(_) => break,
                None if self.window.is_at_end() => return Found::End,
                None => return Found::Part,
            }
            self.at += 1;
        }
        (self.start, self.row) = (self.at, self.line);
        self.values.clear();
        match plain_record(window, self.at, self.dialect.delimiter, &mut self.values) {
            Some(end) => {
                (self.end, self.at) = (end, end);
                Found::Record
            }
            None => self.find_with_care(),
        }
    }

    /// The same, value by value.
    fn find_with_care(&mut self) -> Found {
        let (window, delimiter) = (self.window.bytes(), self.dialect.delimiter);
        self.values.clear();
        self.joined.clear();
        let mut at = self.at;
        loop {
            let value = if window.get(at) == Some(&QUOTE) {
                quoted(window, at + 1, delimiter, &mut self.joined)
            } else {
                let end = plain_end(window, at, delimiter);
                Cut { span: Span { start: at, end }, next: end }
            };
            at = value.next;
            if at >= window.len() && !self.window.is_at_end() {
                return Found::Part;
            }
            self.values.push(value.span);
            if window.get(at) != Some(&delimiter) {
                break;
            }
            at += 1;
        }
        self.end = at;
        self.at = at;
        self.line += memchr_iter(b'\n', window.get(self.start..at).unwrap_or_default()).count() as u64;
        Found::Record
    }
}

/// Cuts the record without quotes that begins at `at` into its values: where it ends. `None` if it must be read with care,
/// or does not end in the window.
fn plain_record(window: &[u8], at: usize, delimiter: u8, values: &mut Vec<Span>) -> Option<usize> {
    let (words, _) = window.get(at..)?.as_chunks::<8>();
    let (mut start, mut base) = (at, at);
    for word in words {
        let word = u64::from_le_bytes(*word);
        let mut found =
            bytes_of(word, delimiter) | bytes_of(word, b'\n') | bytes_of(word, b'\r') | bytes_of(word, QUOTE);
        while found != 0 {
            let end = base + found.trailing_zeros() as usize / 8;
            values.push(Span { start, end });
            match *window.get(end)? {
                byte if byte == delimiter => start = end + 1,
                b'\n' => return Some(end),
                b'\r' if window.get(end + 1) == Some(&b'\n') => return Some(end),
                _ => return None,
            }
            found &= found - 1;
        }
        base += 8;
    }
    None
}

/// The highest bit of each byte of a word that is `byte`.
#[inline]
fn bytes_of(word: u64, byte: u8) -> u64 {
    const LOW_BITS: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    let other = word ^ u64::from_le_bytes([byte; 8]);
    // The sum reaches the highest bit of a byte unless its other bits are all 0, and never that of the next one.
    !(((other & LOW_BITS) + LOW_BITS) | other | LOW_BITS)
}

/// A value, and where what ends it stands: a delimiter, a line end or nothing.
struct Cut {
    span: Span,
    next: usize,
}

/// Where the value without quotes that begins at `at` ends.
fn plain_end(window: &[u8], at: usize, delimiter: u8) -> usize {
    let rest = window.get(at..).unwrap_or_default();
    memchr3(delimiter, b'\r', b'\n', rest).map_or(window.len(), |end| at + end)
}

/// The value whose opening quote is before `at`. A doubled quote is one; text behind the closing quote belongs to the
/// value; a quote that nothing closes holds the rest.
fn quoted(window: &[u8], at: usize, delimiter: u8, joined: &mut Vec<u8>) -> Cut {
    let mut from = at;
    let start = window.len() + joined.len();
    loop {
        let rest = window.get(from..).unwrap_or_default();
        let (text, after) = match memchr(QUOTE, rest) {
            Some(quote) => (rest.get(..quote).unwrap_or_default(), from + quote + 1),
            None => (rest, window.len()),
        };
        let next = match window.get(after) {
            Some(&QUOTE) => {
                joined.extend_from_slice(text);
                joined.push(QUOTE);
                from = after + 1;
                continue;
            }
            Some(byte) if *byte != delimiter && !matches!(byte, b'\r' | b'\n') => plain_end(window, after, delimiter),
            _ if from == at => return Cut { span: Span { start: at, end: at + text.len() }, next: after },
            _ => after,
        };
        joined.extend_from_slice(text);
        joined.extend_from_slice(window.get(after..next).unwrap_or_default());
        return Cut { span: Span { start, end: window.len() + joined.len() }, next };
    }
}
