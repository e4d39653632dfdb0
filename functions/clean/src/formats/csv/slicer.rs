//! Cuts the bytes of a CSV file into records and their values.
//!
//! Most records have no quotes: such a one ends at the next line feed, and its values lie between the delimiters. They are
//! found eight bytes at a time, as values are short: a search for each of them would begin anew every few bytes. Only a
//! record with a quote, or with a carriage return that no line feed follows, is read with care, value by value.
//! Values are slices of the window; only one with doubled quotes or escapes is put together. Quotes are those of RFC 4180:
//! one that nothing closes, or that text follows, makes its line a bad record, and the next line is read as any. So does a
//! line that is too long; one whose quotes hold line breaks is that with all of its lines, as far as a quote's end is
//! looked for. Lines end in line feeds, with carriage returns before them or not; a carriage return that stands alone ends
//! one only in a file without line feeds, and is a character like others in all other files.

use std::io::Read;
use std::ops::Range;

use memchr::{memchr, memchr2, memchr3};

use crate::error::Stop;
use crate::formats::window::{BYTE_ORDER_MARK, ByteWindow};
use crate::reject::MAX_TEXT;

/// The quote of RFC 4180.
const QUOTE: u8 = b'"';
const END_OF_FILE: u8 = 0x1A;
/// How many records of the longest that is accepted a quote may hold before it counts as never closed: what is within is
/// no row, and must be in memory to be read again where nothing closes it.
const FAR: usize = 16;
/// How Excel says which delimiter a file has, on a line of its own before all others.
const SEPARATOR: &[u8] = b"sep=";

/// Whether what is left of a file is its end by the rules of DOS.
fn is_end(rest: &[u8]) -> bool {
    rest.iter().all(|byte| matches!(*byte, END_OF_FILE | b'\r' | b'\n'))
}

/// Whether bytes are UTF-8 without a NUL, which no text has.
fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok() && memchr(0, bytes).is_none()
}

/// The delimiter that a first line such as `sep=;` declares, in quotes or not.
fn separator(head: &[u8]) -> Option<u8> {
    let (head, is_quoted) = head.strip_prefix(&[QUOTE]).map_or((head, false), |head| (head, true));
    let declared = head.split_at_checked(SEPARATOR.len()).filter(|(name, _)| name.eq_ignore_ascii_case(SEPARATOR));
    let (delimiter, rest) = declared.and_then(|(_, rest)| rest.split_first())?;
    let rest = if is_quoted { rest.strip_prefix(&[QUOTE]) } else { Some(rest) };
    let is_all = matches!(rest, Some([b'\r' | b'\n', ..] | []));
    let is_taken = matches!(*delimiter, b'\r' | b'\n' | QUOTE) || delimiter.is_ascii_alphanumeric();
    (is_all && !is_taken && delimiter.is_ascii()).then_some(*delimiter)
}

/// Whether carriage returns alone end the lines of a file that begins with these bytes: it has some outside of quotes, and
/// no line feed there.
fn returns_end_lines(bytes: &[u8], dialect: &Dialect) -> bool {
    if memchr(b'\r', bytes).is_none() {
        return false;
    }
    let behind_comment = |at: usize| match (dialect.comment, bytes.get(at)) {
        (Some(comment), Some(first)) if comment == *first => {
            at + memchr2(b'\r', b'\n', bytes.get(at..).unwrap_or_default()).unwrap_or_default()
        }
        _ => at,
    };
    let quote = dialect.quote.unwrap_or(b'\r');
    let (mut at, mut is_found) = (behind_comment(0), false);
    while let Some(place) = memchr3(b'\r', b'\n', quote, bytes.get(at..).unwrap_or_default()).map(|found| at + found) {
        at = place + 1;
        let before = place.checked_sub(1).and_then(|before| bytes.get(before));
        match bytes.get(place) {
            _ if before.is_some() && before.copied() == dialect.escape => {}
            Some(b'\n') => return false,
            Some(b'\r') => {
                is_found = true;
                at = behind_comment(at);
            }
            _ => {
                let is_opening = before.is_none_or(|byte| *byte == dialect.delimiter || matches!(byte, b'\r' | b'\n'));
                if is_opening
                    && let Quoted::Value(value) = quoted(bytes, quote, at..bytes.len(), dialect, &mut Vec::new())
                {
                    at = value.next;
                }
            }
        }
    }
    is_found
}

/// The place behind the blanks at a place.
fn behind_blanks(window: &[u8], at: usize) -> usize {
    at + window.get(at..).unwrap_or_default().iter().take_while(|byte| **byte == b' ').count()
}

/// What stands behind the carriage returns at a place.
fn behind_returns(window: &[u8], at: usize) -> Option<u8> {
    window.get(at..)?.iter().copied().find(|byte| *byte != b'\r')
}

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

    fn ends_at_returns(&self) -> bool {
        self.ends_at_returns == Some(true)
    }

    /// Whether the byte at a place ends a line, as far as is known: behind carriage returns at the end of the window a line
    /// feed may follow.
    fn is_line_end(&self, window: &[u8], at: usize) -> bool {
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
    /// Whether a quote was opened in it.
    is_quoted: bool,
    values: Vec<Span>,
    /// Values that do not lie in the window as they are.
    joined: Vec<u8>,
    /// The beginning of a record that is too long for the window.
    long: Vec<u8>,
    number: u64,
    comments: u64,
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
        dialect.ends_at_returns = dialect.ends_at_returns.or_else(|| Some(returns_end_lines(known, &as_said)));
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
        (self.flaw, self.is_quoted) = (None, false);
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
            let value = match value {
                Quoted::Value(value) => value,
                Quoted::Open if !is_all => return Found::Part,
                Quoted::Open | Quoted::Bad => {
                    let end = plain_end(window, at, b'\n', &dialect);
                    if self.may_go_on(end) {
                        return Found::Part;
                    }
                    self.flaw = Some(Flaw::BadQuote);
                    self.values.clear();
                    break end;
                }
            };
            at = value.next;
            if self.may_go_on(at) {
                return Found::Part;
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

/// Cuts the record without quotes that begins at `at` into its values: where it ends. `None` if it must be read with care,
/// or does not end in the window.
#[inline]
fn plain_record(window: &[u8], at: usize, dialect: &Dialect, values: &mut Vec<Span>) -> Option<usize> {
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
struct Cut {
    span: Span,
    next: usize,
}

/// Where the value without quotes that begins at `at` ends.
fn plain_end(window: &[u8], mut at: usize, delimiter: u8, dialect: &Dialect) -> usize {
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
fn unquoted(window: &[u8], at: usize, dialect: &Dialect, joined: &mut Vec<u8>) -> Cut {
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
enum Quoted {
    Value(Cut),
    /// Nothing closes it.
    Open,
    /// Text follows what closes it.
    Bad,
}

/// The value whose opening quote is before the range, in which its end is looked for. A doubled quote is one.
fn quoted(window: &[u8], quote: u8, range: Range<usize>, dialect: &Dialect, joined: &mut Vec<u8>) -> Quoted {
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
