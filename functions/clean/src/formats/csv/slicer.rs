//! Cuts the bytes of a CSV file into records and their values.
//!
//! Most records have no quotes: such a one ends at the next line feed, and its values lie between the delimiters. They are
//! found eight bytes at a time, as values are short: a search for each of them would begin anew every few bytes. Only a
//! record with a quote, or with a carriage return that no line feed follows, is read with care, value by value.
//! Values are slices of the window; only one with doubled quotes or escapes is put together. Quotes are those of RFC 4180:
//! one that nothing closes, or that text follows, makes its line a bad record, and the next line is read as any. So does a
//! line that is too long; one whose quotes hold line breaks is that with all of its lines, as far as a quote's end is
//! looked for. Lines end in line feeds, with carriage returns before them or not; a carriage return that stands alone ends
//! one only in a file without line feeds but for one at its very end, and is a character like others in all other files.

use std::io::Read;

use memchr::{memchr, memchr2};

use super::beginning::{SEPARATOR, returns_end_lines, separator};
use super::cut::{Quoted, Span, behind_blanks, plain_end, plain_record, quoted, unquoted};
use super::dialect::{Dialect, END_OF_FILE, behind_returns};
use crate::error::Stop;
use crate::formats::window::{BYTE_ORDER_MARK, ByteWindow};
use crate::reject::MAX_TEXT;

/// How many records of the longest that is accepted a quote may hold before it counts as never closed: what is within is
/// no row, and must be in memory to be read again where nothing closes it.
const FAR: usize = 16;

/// Whether what is left of a file is its end by the rules of DOS.
fn is_end(rest: &[u8]) -> bool {
    rest.iter().all(|byte| matches!(*byte, END_OF_FILE | b'\r' | b'\n'))
}

/// Whether bytes are UTF-8 without a NUL, which no text has.
fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok() && memchr(0, bytes).is_none()
}

/// Why a record has no values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A quote in it is not closed, or text follows where it is, or blanks are before it. It ends with that quote's line.
    BadQuote,
    /// It is longer than what is accepted.
    TooLong,
    /// An escape stands for a NUL, which no text has.
    Nul,
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
    flaw: Option<Flaw>,
    /// Whether a quote was opened in it, and which of its first values stand in quotes, a bit for each.
    is_quoted: bool,
    in_quotes: u128,
    /// Whether nothing closes a quote in it.
    is_open: bool,
    values: Vec<Span>,
    /// Values that do not lie in the window as they are.
    joined: Vec<u8>,
    /// The beginning of a record that is too long for the window.
    long: Vec<u8>,
    number: u64,
    comments: u64,
}

/// What stands at our place in the window.
enum Found {
    Record,
    /// Something whose end is not in the window yet.
    Part,
    /// A line that is no record, at our place.
    Comment,
    End,
}

/// What ends a line at our place.
enum LineEnd {
    /// So many bytes; none at the end of the file.
    Length(usize),
    /// Something whose end is not in the window yet.
    Part,
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
    /// What is wrong with it, if it has no values.
    pub flaw: Option<Flaw>,
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

    /// All values.
    #[inline]
    pub(super) fn slices(&self) -> impl ExactSizeIterator<Item = &'s [u8]> {
        (0..self.len()).map(|position| self.value(position).unwrap_or_default())
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
    pub(super) fn over(window: ByteWindow<R>, mut dialect: Dialect, longest: usize) -> Self {
        let head = window.bytes();
        // A line feed may follow the last one.
        let known = if window.is_at_end() { head } else { head.strip_suffix(b"\r").unwrap_or(head) };
        let as_said = Dialect { delimiter: separator(known).unwrap_or(dialect.delimiter), ..dialect };
        let is_whole = window.is_at_end();
        dialect.ends_at_returns =
            dialect.ends_at_returns.or_else(|| Some(returns_end_lines(known, is_whole, &as_said)));
        Self {
            window,
            dialect,
            longest,
            at: 0,
            line: 1,
            start: 0,
            end: 0,
            row: 1,
            flaw: None,
            is_quoted: false,
            in_quotes: 0,
            is_open: false,
            values: Vec::new(),
            joined: Vec::new(),
            long: Vec::new(),
            number: 0,
            comments: 0,
        }
    }

    /// Goes past so many lines at the beginning; returns how many there were.
    pub(super) fn skip_lines(&mut self, count: u64) -> Result<u64, Stop> {
        let mut skipped = 0;
        while skipped < count && self.skip_line()? {
            skipped += 1;
        }
        Ok(skipped)
    }

    /// Goes past a line and its end; false at the end of the file.
    fn skip_line(&mut self) -> Result<bool, Stop> {
        let is_line = loop {
            let rest = self.window.bytes().get(self.at..).unwrap_or_default();
            if !rest.is_empty() {
                break true;
            }
            if self.window.is_at_end() {
                break false;
            }
            self.refill()?;
        };
        self.skip_to_line_end()?;
        loop {
            match self.line_end() {
                LineEnd::Length(length) => {
                    self.at += length;
                    self.line += u64::from(length > 0);
                    return Ok(is_line);
                }
                LineEnd::Part => self.refill()?,
            }
        }
    }

    /// Goes on to the end of the line, in bounded memory.
    fn skip_to_line_end(&mut self) -> Result<(), Stop> {
        loop {
            let rest = self.window.bytes().get(self.at..).unwrap_or_default();
            let end = if self.dialect.ends_at_returns() { memchr2(b'\r', b'\n', rest) } else { memchr(b'\n', rest) };
            if let Some(end) = end {
                self.at += end;
                return Ok(());
            }
            self.at += rest.len();
            if self.window.is_at_end() {
                return Ok(());
            }
            self.refill()?;
        }
    }

    /// The line end that comes next, which is no longer than two bytes.
    fn line_end(&self) -> LineEnd {
        let rest = self.window.bytes().get(self.at..).unwrap_or_default();
        match rest {
            [b'\r', b'\n', ..] => LineEnd::Length(2),
            [b'\r'] | [] if !self.window.is_at_end() => LineEnd::Part,
            [b'\r' | b'\n', ..] => LineEnd::Length(1),
            _ => LineEnd::Length(0),
        }
    }

    fn refill(&mut self) -> Result<(), Stop> {
        self.window.consume(std::mem::take(&mut self.at));
        Ok(self.window.more()?)
    }

    /// The delimiter that a first line such as `sep=;` declares, in quotes or not. The line is passed.
    pub(super) fn obey_separator(&mut self) -> Result<bool, Stop> {
        while self.window.bytes().len() < SEPARATOR.len() + 5 && !self.window.is_at_end() {
            self.window.more()?;
        }
        let head = self.window.bytes().get(self.at..).unwrap_or_default();
        let Some(delimiter) = separator(head) else { return Ok(false) };
        self.dialect.delimiter = delimiter;
        self.skip_lines(1)?;
        Ok(true)
    }

    /// Which of the first values of the record that was found last stand in quotes, a bit for each.
    pub(super) fn in_quotes(&self) -> u128 {
        self.in_quotes
    }

    /// Whether nothing closes a quote in the record that was found last.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// The bytes at hand from the record that was found last, and how they are read.
    pub(super) fn look_ahead(&self) -> (&[u8], Dialect) {
        (self.window.bytes().get(self.start..).unwrap_or_default(), self.dialect)
    }

    /// Records so far that are not blank.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// How the file is written, as far as it says so itself.
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Lines that were passed so far.
    pub(super) fn lines(&self) -> u64 {
        self.line - 1
    }

    /// Reads on until so many bytes from our place are at hand, or all that there are.
    pub(super) fn fill(&mut self, bytes: usize) -> Result<(), Stop> {
        while !self.window.is_at_end() && self.window.bytes().len() < self.at.saturating_add(bytes) {
            self.window.more()?;
        }
        Ok(())
    }

    /// Lines so far that are comments.
    pub(super) fn comments(&self) -> u64 {
        self.comments
    }

    /// The record that was found last.
    #[inline]
    pub(super) fn record(&self) -> Sliced<'_> {
        let window = self.window.bytes();
        let Self { joined, values, flaw, row, long, .. } = self;
        if *flaw == Some(Flaw::TooLong) {
            return Sliced { window, joined, values, flaw: *flaw, row: *row, text: long, is_text: true };
        }
        let text = window.get(self.start..self.end).unwrap_or_default();
        let is_text = self.window.is_text(self.end) || is_text(text);
        Sliced { window, joined, values, flaw: *flaw, row: *row, text, is_text }
    }

    /// Goes on to the next record that is not blank; false at the end.
    pub(super) fn advance(&mut self) -> Result<bool, Stop> {
        loop {
            match self.find() {
                Found::Record if self.end - self.start > self.longest => {
                    let text = self.window.bytes().get(self.start..self.end);
                    self.long = text.unwrap_or_default().iter().take(MAX_TEXT).copied().collect();
                    return Ok(self.is_too_long());
                }
                Found::Record if self.is_blank() => {}
                Found::Record => {
                    self.number += 1;
                    return Ok(true);
                }
                Found::Part if self.window.bytes().len() - self.at > self.longest_part() => {
                    return self.pass_too_long();
                }
                Found::Part => self.refill()?,
                Found::Comment => {
                    self.comments += 1;
                    self.skip_to_line_end()?;
                }
                Found::End => return Ok(false),
            }
        }
    }

    /// How much of a record is looked at before it is too long for certain.
    fn longest_part(&self) -> usize {
        if self.is_quoted { self.farthest() } else { self.longest }
    }

    /// How far a quote's end is looked for.
    fn farthest(&self) -> usize {
        self.longest.saturating_mul(FAR)
    }

    /// Goes past a record that does not end in a window of the longest that is accepted: it ends with its line.
    fn pass_too_long(&mut self) -> Result<bool, Stop> {
        let rest = self.window.bytes().get(self.start..).unwrap_or_default();
        self.long = rest.iter().take(MAX_TEXT).copied().collect();
        self.line += self.dialect.line_ends(rest);
        self.at = self.window.bytes().len();
        self.skip_to_line_end()?;
        self.start = self.at;
        self.end = self.at;
        Ok(self.is_too_long())
    }

    fn is_too_long(&mut self) -> bool {
        self.flaw = Some(Flaw::TooLong);
        self.values.clear();
        self.number += 1;
        true
    }

    /// Whether the record is a blank line. Quotes around nothing are a value: the only one of its row may be missing.
    fn is_blank(&self) -> bool {
        self.values.len() == 1 && self.flaw.is_none() && self.record().text.trim_ascii().is_empty()
    }

    /// Finds the record at our place, and goes behind it. Line ends before it are passed.
    fn find(&mut self) -> Found {
        let window = self.window.bytes();
        loop {
            match window.get(self.at) {
                Some(b'\n') => self.line += 1,
                Some(b'\r') if !self.dialect.ends_at_returns() => match behind_returns(window, self.at) {
                    Some(b'\n') => {}
                    Some(_) => break,
                    None if !self.window.is_at_end() => return Found::Part,
                    None => {}
                },
                Some(b'\r') => match window.get(self.at + 1) {
                    Some(b'\n') => {}
                    None if !self.window.is_at_end() => return Found::Part,
                    _ => self.line += 1,
                },
                // With it the files of DOS end.
                Some(&END_OF_FILE) if is_end(window.get(self.at..).unwrap_or_default()) => {
                    if !self.window.is_at_end() {
                        return Found::Part;
                    }
                }
                // Of the next one of files that were joined.
                Some(0xEF) => match window.get(self.at..self.at + BYTE_ORDER_MARK.len()) {
                    Some(BYTE_ORDER_MARK) => {
                        self.at += BYTE_ORDER_MARK.len();
                        continue;
                    }
                    None if !self.window.is_at_end() => return Found::Part,
                    _ => break,
                },
                Some(_) => break,
                None if self.window.is_at_end() => return Found::End,
                None => return Found::Part,
            }
            self.at += 1;
        }
        (self.start, self.row) = (self.at, self.line);
        self.values.clear();
        (self.flaw, self.is_quoted, self.in_quotes, self.is_open) = (None, false, 0, false);
        if self.dialect.comment.is_some() && self.dialect.comment == window.get(self.at).copied() {
            return Found::Comment;
        }
        match plain_record(window, self.at, &self.dialect, &mut self.values) {
            Some(end) => {
                (self.end, self.at) = (end, end);
                Found::Record
            }
            None => self.find_with_care(),
        }
    }

    /// The same, value by value.
    fn find_with_care(&mut self) -> Found {
        let (window, dialect) = (self.window.bytes(), self.dialect);
        let limit = window.len().min(self.start.saturating_add(self.farthest()));
        let is_all = self.window.is_at_end() || limit < window.len();
        self.values.clear();
        self.joined.clear();
        let mut at = self.at;
        self.end = loop {
            let opening = behind_blanks(window, at);
            let opened = dialect.quote.filter(|quote| window.get(opening) == Some(quote));
            self.is_quoted |= opened.is_some();
            let value = match opened {
                Some(_) if opening > at && !dialect.skips_blanks => Quoted::Bad,
                Some(quote) => quoted(window, quote, opening + 1..limit, &dialect, &mut self.joined),
                None => Quoted::Value(unquoted(window, at, &dialect, &mut self.joined)),
            };
            let is_open = matches!(value, Quoted::Open);
            let value = match value {
                Quoted::Value(value) => value,
                Quoted::Open if !is_all => return Found::Part,
                Quoted::Open | Quoted::Bad => {
                    let end = plain_end(window, at, b'\n', &dialect);
                    if self.may_go_on(end) {
                        return Found::Part;
                    }
                    self.flaw = Some(Flaw::BadQuote);
                    self.is_open = is_open;
                    self.values.clear();
                    break end;
                }
            };
            at = value.next;
            if self.may_go_on(at) {
                return Found::Part;
            }
            if opened.is_some() {
                self.in_quotes |= 1_u128.checked_shl(self.values.len() as u32).unwrap_or_default();
            }
            self.values.push(value.span);
            if window.get(at) != Some(&dialect.delimiter) {
                break at;
            }
            at += 1;
        };
        if self.flaw.is_none() && dialect.escape.is_some() && memchr(0, &self.joined).is_some() {
            self.flaw = Some(Flaw::Nul);
            self.values.clear();
        }
        self.at = self.end;
        self.line += dialect.line_ends(window.get(self.start..self.end).unwrap_or_default());
        Found::Record
    }

    /// Whether what is at hand ends before it is known what stands at a place.
    fn may_go_on(&self, at: usize) -> bool {
        let window = self.window.bytes();
        let is_cut = at >= window.len()
            || !self.dialect.ends_at_returns()
                && window.get(at) == Some(&b'\r')
                && behind_returns(window, at).is_none();
        is_cut && !self.window.is_at_end()
    }
}
