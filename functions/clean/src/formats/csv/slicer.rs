//! Cuts the bytes of a CSV file into records and their values.
//!
//! Most records have no quotes: such a one ends at the next line feed, and its values lie between the delimiters. They are
//! found eight bytes at a time, as values are short: a search for each of them would begin anew every few bytes. Only a
//! record with a quote, or with a carriage return that no line feed follows, is read with care, value by value.
//! Values are slices of the window; only one with doubled quotes is put together. Quotes are those of RFC 4180: one that
//! nothing closes, or that text follows, makes its line a bad record, and the next line is read as any.

use std::io::Read;
use std::ops::Range;

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
    has_bad_quote: bool,
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
    pub(super) fn of(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }

    pub(super) fn range(&self) -> Range<usize> {
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
    /// Whether a quote in it is not closed as it should be. It has no values then, and ends with that quote's line.
    pub has_bad_quote: bool,
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
            has_bad_quote: false,
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
        let Self { joined, values, has_bad_quote, row, .. } = self;
        Sliced { window, joined, values, has_bad_quote: *has_bad_quote, row: *row, text, is_text }
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
        let why = format!("the record at line {line} is longer than {longest} bytes");
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
        self.has_bad_quote = false;
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
        // What a quote holds is not looked for any further: a record is no longer than this.
        let limit = window.len().min(self.start.saturating_add(self.longest));
        let is_all = self.window.is_at_end() || limit < window.len();
        self.values.clear();
        self.joined.clear();
        let mut at = self.at;
        self.end = loop {
            let value = if window.get(at) == Some(&QUOTE) {
                quoted(window, at + 1..limit, delimiter, &mut self.joined)
            } else {
                let end = plain_end(window, at, delimiter);
                Quoted::Value(Cut { span: Span { start: at, end }, next: end })
            };
            let value = match value {
                Quoted::Value(value) => value,
                Quoted::Open if !is_all => return Found::Part,
                Quoted::Open | Quoted::Bad => {
                    let end = plain_end(window, at, b'\n');
                    if end >= window.len() && !self.window.is_at_end() {
                        return Found::Part;
                    }
                    self.has_bad_quote = true;
                    self.values.clear();
                    break end;
                }
            };
            at = value.next;
            if at >= window.len() && !self.window.is_at_end() {
                return Found::Part;
            }
            self.values.push(value.span);
            if window.get(at) != Some(&delimiter) {
                break at;
            }
            at += 1;
        };
        self.at = self.end;
        self.line += memchr_iter(b'\n', window.get(self.start..self.end).unwrap_or_default()).count() as u64;
        Found::Record
    }
}

/// Cuts the record without quotes that begins at `at` into its values: where it ends. `None` if it must be read with care,
/// or does not end in the window.
#[inline]
fn plain_record(window: &[u8], at: usize, delimiter: u8, values: &mut Vec<Span>) -> Option<usize> {
    // Digits, letters and points are greater than the usual delimiters: one comparison finds all that ends a value, and some
    // bytes that do not.
    match delimiter {
        ..=b',' => plain_record_by(window, at, delimiter, values, bytes_below::<{ b',' + 1 }>),
        _ => plain_record_by(window, at, delimiter, values, |word| {
            bytes_of(word, delimiter) | bytes_of(word, b'\n') | bytes_of(word, b'\r') | bytes_of(word, QUOTE)
        }),
    }
}

#[inline]
fn plain_record_by(
    window: &[u8],
    at: usize,
    delimiter: u8,
    values: &mut Vec<Span>,
    ends: impl Fn(u64) -> u64,
) -> Option<usize> {
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
                b'\r' if window.get(end + 1) != Some(&b'\n') => return None,
                b'\n' | b'\r' => {
                    values.push(Span { start, end });
                    return Some(end);
                }
                QUOTE => return None,
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
struct Cut {
    span: Span,
    next: usize,
}

/// Where the value without quotes that begins at `at` ends.
fn plain_end(window: &[u8], at: usize, delimiter: u8) -> usize {
    let rest = window.get(at..).unwrap_or_default();
    memchr3(delimiter, b'\r', b'\n', rest).map_or(window.len(), |end| at + end)
}

/// What an opening quote begins.
enum Quoted {
    Value(Cut),
    /// Nothing closes it.
    Open,
    /// Text follows what closes it.
    Bad,
}

/// The value whose opening quote is before the range, in which its end is looked for. A doubled quote is one.
fn quoted(window: &[u8], range: Range<usize>, delimiter: u8, joined: &mut Vec<u8>) -> Quoted {
    let mut from = range.start;
    let start = window.len() + joined.len();
    loop {
        let rest = window.get(from..range.end).unwrap_or_default();
        let Some(quote) = memchr(QUOTE, rest) else { return Quoted::Open };
        let (text, after) = (rest.get(..quote).unwrap_or_default(), from + quote + 1);
        let span = match window.get(after) {
            Some(&QUOTE) => {
                joined.extend_from_slice(text);
                joined.push(QUOTE);
                from = after + 1;
                continue;
            }
            Some(byte) if *byte != delimiter && !matches!(byte, b'\r' | b'\n') => return Quoted::Bad,
            _ if from == range.start => Span { start: from, end: from + text.len() },
            _ => {
                joined.extend_from_slice(text);
                Span { start, end: window.len() + joined.len() }
            }
        };
        return Quoted::Value(Cut { span, next: after });
    }
}
