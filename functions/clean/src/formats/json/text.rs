//! A JSON text, read byte by byte by the grammar of RFC 8259.
//!
//! It only goes on while everything is as it should be: `None` means that a parser must say what is there.

/// The deepest nesting that is followed.
const MAX_DEPTH: u32 = 64;

/// A position in a text.
#[derive(Clone, Copy)]
pub(super) struct JsonText<'t> {
    bytes: &'t [u8],
    pub at: usize,
}

/// A scalar or what begins a nested value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number,
    /// Without escapes.
    Plain,
    /// With escapes.
    Escaped,
    Object,
    List,
}

impl<'t> JsonText<'t> {
    pub(super) fn new(bytes: &'t [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[inline]
    fn rest(&self) -> &'t [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// A part of the text.
    pub(super) fn slice(&self, start: usize, end: usize) -> &'t [u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The next byte that is no white space.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at)? {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    /// Goes past a byte, which must come next but for white space.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Goes past one of two bytes: whether it was the first.
    #[inline]
    pub(super) fn either(&mut self, first: u8, second: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        (byte == first || byte == second).then_some(byte == first)
    }

    /// Goes past these bytes, if they come next.
    #[inline]
    pub(super) fn goes_past(&mut self, bytes: &[u8]) -> bool {
        let comes = self.rest().starts_with(bytes);
        self.at += if comes { bytes.len() } else { 0 };
        comes
    }

    /// Goes past a key that is exactly this, and its colon.
    #[inline]
    pub(super) fn key(&mut self, known: &[u8]) -> Option<()> {
        let rest = self.rest().strip_prefix(b"\"")?.strip_prefix(known)?;
        rest.strip_prefix(b"\"")?;
        let mut behind = Self { at: self.at + known.len() + 2, ..*self };
        behind.expect(b':')?;
        *self = behind;
        Some(())
    }

    /// Goes past the string behind a quote: where its text lies, and whether it has escapes.
    #[inline]
    pub(super) fn string(&mut self) -> Option<(usize, usize, bool)> {
        let start = self.at;
        let mut is_escaped = false;
        loop {
            self.at += plain_prefix(self.rest());
            match self.bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some((start, self.at - 1, is_escaped));
                }
                b'\\' => {
                    is_escaped = true;
                    match self.bytes.get(self.at + 1)? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
                        b'u' => {
                            let digits = self.bytes.get(self.at + 2..self.at + 6)?;
                            self.at += 6;
                            digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
                        }
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
    }

    /// Goes past a scalar, or to what begins a nested value: its kind, and where its text lies.
    #[inline]
    pub(super) fn scalar(&mut self) -> Option<(Kind, usize, usize)> {
        let start = match self.peek()? {
            b'"' => {
                self.at += 1;
                let (start, end, is_escaped) = self.string()?;
                return Some((if is_escaped { Kind::Escaped } else { Kind::Plain }, start, end));
            }
            b'{' => return Some((Kind::Object, self.at, self.at)),
            b'[' => return Some((Kind::List, self.at, self.at)),
            _ => self.at,
        };
        let kind = match self.bytes.get(start)? {
            b't' => self.literal(b"true", Kind::Bool(true))?,
            b'f' => self.literal(b"false", Kind::Bool(false))?,
            b'n' => self.literal(b"null", Kind::Null)?,
            _ => self.number()?,
        };
        Some((kind, start, self.at))
    }

    #[inline]
    fn literal(&mut self, text: &[u8], kind: Kind) -> Option<Kind> {
        self.rest().starts_with(text).then(|| self.at += text.len())?;
        Some(kind)
    }

    #[inline]
    fn number(&mut self) -> Option<Kind> {
        self.at += usize::from(self.bytes.get(self.at) == Some(&b'-'));
        match self.bytes.get(self.at)? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Some(Kind::Number)
    }

    /// Goes past one digit or more.
    #[inline]
    fn digits(&mut self) -> Option<()> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        (digits > 0).then_some(())
    }

    /// Goes past any value.
    pub(super) fn skip(&mut self) -> Option<()> {
        // One bit for each list (0) or object (1) that is open.
        let (mut open, mut depth): (u64, u32) = (0, 0);
        loop {
            let (kind, ..) = self.scalar()?;
            if let Kind::Object | Kind::List = kind {
                let is_object = kind == Kind::Object;
                self.at += 1;
                if self.peek()? != if is_object { b'}' } else { b']' } {
                    if depth == MAX_DEPTH {
                        return None;
                    }
                    (open, depth) = (open << 1 | u64::from(is_object), depth + 1);
                    if is_object {
                        self.any_key()?;
                    }
                    continue;
                }
                self.at += 1;
            }
            while depth > 0 {
                let is_object = open & 1 == 1;
                if self.either(b',', if is_object { b'}' } else { b']' })? {
                    if is_object {
                        self.any_key()?;
                    }
                    break;
                }
                (open, depth) = (open >> 1, depth - 1);
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Goes past a key and its colon.
    fn any_key(&mut self) -> Option<()> {
        self.expect(b'"')?;
        self.string()?;
        self.expect(b':')
    }
}

/// How many bytes at the beginning are neither quote, backslash nor control character.
#[inline]
fn plain_prefix(bytes: &[u8]) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    // A zero byte borrows: its highest bit is set afterwards, and was not before. Bytes behind it may show as well.
    let zeros = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let mut at = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let controls = word.wrapping_sub(LOW * 0x20) & !word & HIGH;
        let found = zeros(word ^ (LOW * u64::from(b'"'))) | zeros(word ^ (LOW * u64::from(b'\\'))) | controls;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}

/// Appends what a text with escapes stands for, as UTF-8; nothing is there if half of a surrogate pair is in it.
pub(super) fn unescape(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, escape) = rest.split_at_checked(at)?;
        out.extend_from_slice(before);
        let (letter, behind) = escape.get(1..)?.split_first()?;
        rest = behind;
        out.push(match letter {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, behind) = unicode(behind)?;
                rest = behind;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            other => *other,
        });
    }
    out.extend_from_slice(rest);
    Some(())
}

/// The character of the digits behind `\u`, and of the low half behind a high one.
fn unicode(text: &[u8]) -> Option<(char, &[u8])> {
    let (high, rest) = unit(text)?;
    if !(0xD800..0xDC00).contains(&high) {
        return Some((char::from_u32(high)?, rest));
    }
    let (low, rest) = unit(rest.strip_prefix(b"\\u")?)?;
    let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
    Some((char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + low)?, rest))
}

fn unit(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<4>()?;
    let value = |value: u32, digit: &u8| Some(value << 4 | char::from(*digit).to_digit(16)?);
    Some((digits.iter().try_fold(0, value)?, rest))
}
