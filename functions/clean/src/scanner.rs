//! A JSON scanner over a stream, in bounded memory.
//!
//! It finds the structure that decoders ask for (the next key, the next whole value) and refills its window as it
//! goes, so that an object of any size passes through the same window. It is no validator: what it hands out is
//! parsed by its caller.

use std::cell::Cell;
use std::io::{self, Read};

use crate::error::Stop;

/// Bytes read at a time.
const WINDOW: usize = 256 * 1024;
/// The deepest nesting that is followed.
const MAX_DEPTH: usize = 64;

/// The most bytes of what is no JSON by which it is known.
const MAX_WORD: usize = 64;

thread_local! {
    /// The window of the thread's last scanner: a fresh one for each of many small objects would cost more than they do.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A position in a JSON stream.
pub struct Scanner<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    before: u64,
}

impl<R> Drop for Scanner<R> {
    fn drop(&mut self) {
        if self.buffer.len() == WINDOW {
            SPARE.set(std::mem::take(&mut self.buffer));
        }
    }
}

impl<R: Read> Scanner<R> {
    /// A scanner at the beginning of the stream, after a byte order mark if there is one.
    pub fn new(reader: R) -> io::Result<Self> {
        let mut buffer = SPARE.take();
        buffer.resize(WINDOW, 0);
        let mut scanner = Self { reader, buffer, start: 0, end: 0, ended: false, before: 0 };
        scanner.pass_mark()?;
        Ok(scanner)
    }

    /// Goes past a byte order mark, if one stands here: each file of those that were joined may have one.
    pub fn pass_mark(&mut self) -> io::Result<()> {
        while self.window().len() < 3 && self.more()? {}
        if self.window().starts_with(b"\xEF\xBB\xBF") {
            self.consume(3);
        }
        Ok(())
    }

    /// The bytes that are at hand.
    pub fn window(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Goes on by `count` bytes of the window.
    pub fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// The position in the stream, in bytes.
    pub fn offset(&self) -> u64 {
        self.before + self.start as u64
    }

    /// Reads more bytes into the window; false at the end of the stream.
    pub fn more(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.before += self.start as u64;
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        loop {
            let free = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(free) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(0) => {
                    self.ended = true;
                    return Ok(false);
                }
                Ok(count) => {
                    self.end += count;
                    return Ok(true);
                }
            }
        }
    }

    /// The next byte that is no white space, without going past it; `None` at the end of the stream.
    pub fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let window = self.window();
            let found = window.iter().position(|byte| !byte.is_ascii_whitespace());
            let (skip, next) = (found.unwrap_or(window.len()), found.and_then(|at| window.get(at)).copied());
            self.consume(skip);
            if next.is_some() || !self.more()? {
                return Ok(next);
            }
        }
    }

    /// Goes past the next byte that is no white space, which must be `byte`.
    pub fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        if self.peek()? == Some(byte) {
            self.consume(1);
            return Ok(());
        }
        Err(self.unexpected(&format!("'{}'", char::from(byte))))
    }

    /// Goes past the next byte, one of two: whether it was the first (as in "another element" or "the end").
    pub fn either(&mut self, first: u8, second: u8) -> Result<bool, Stop> {
        match self.peek()? {
            Some(byte) if byte == first || byte == second => {
                self.consume(1);
                Ok(byte == first)
            }
            _ => Err(self.unexpected(&format!("'{}' or '{}'", char::from(first), char::from(second)))),
        }
    }

    /// Goes past an object's next key and its colon.
    pub fn key(&mut self, max_bytes: usize) -> Result<String, Stop> {
        if self.peek()? != Some(b'"') {
            return Err(self.unexpected("a key"));
        }
        let (key, length) = match plain_text(self.window()).filter(|key| key.len() < max_bytes) {
            Some(key) => (key.to_owned(), key.len() + 2),
            None => {
                let length = self.value_length(max_bytes)?;
                let text = self.window().get(..length).unwrap_or_default();
                (serde_json::from_slice(text).map_err(|error| self.not_parsed(&error))?, length)
            }
        };
        self.consume(length);
        self.expect(b':')?;
        Ok(key)
    }

    /// The length of the next whole value, all of which is in the window afterwards. The caller consumes it.
    pub fn value_length(&mut self, max_bytes: usize) -> Result<usize, Stop> {
        let mut extent = Extent::default();
        self.peek()?;
        if [&b"//"[..], b"/*", b"# "].iter().any(|comment| self.window().starts_with(comment)) {
            return Err(self.unexpected("a value"));
        }
        let mut seen = 0;
        loop {
            let fresh = self.window().get(seen..).unwrap_or_default();
            if let Some(length) = extent.end_in(fresh) {
                return Ok(seen + length);
            }
            seen += fresh.len();
            if extent.depth > MAX_DEPTH {
                return Err(Stop::reject(
                    "too_deep",
                    format!("a value at byte {} is nested too deeply", self.offset()),
                ));
            }
            if seen > max_bytes {
                let why = format!("a value at byte {} is longer than {max_bytes} bytes", self.offset());
                return Err(Stop::reject("too_long", why));
            }
            if !self.more()? {
                // A number may end with the stream; anything else is cut off.
                return if extent.is_scalar() && seen > 0 { Ok(seen) } else { Err(self.cut_off()) };
            }
        }
    }

    /// Goes past the next value, however long it is.
    pub fn skip_value(&mut self) -> Result<(), Stop> {
        let mut extent = Extent::default();
        self.peek()?;
        loop {
            let window = self.window();
            if let Some(length) = extent.end_in(window) {
                self.consume(length);
                return Ok(());
            }
            let whole = window.len();
            self.consume(whole);
            if extent.depth > MAX_DEPTH {
                return Err(Stop::reject(
                    "too_deep",
                    format!("a value at byte {} is nested too deeply", self.offset()),
                ));
            }
            if !self.more()? {
                return if extent.is_scalar() { Ok(()) } else { Err(self.cut_off()) };
            }
        }
    }

    fn cut_off(&self) -> Stop {
        let end = self.before + self.end as u64;
        Stop::reject("truncated", format!("the object ends at byte {end}, within a value"))
    }

    /// What the next bytes begin that others write before JSON or between values of it, if it is known.
    pub fn no_json(&mut self) -> io::Result<Option<&'static str>> {
        while self.window().len() < MAX_WORD && self.more()? {}
        Ok(no_json(self.window()))
    }

    /// Rejects the object: something follows where it should end.
    pub fn left_over(&mut self) -> Stop {
        let offset = self.offset();
        match self.window().first() {
            None | Some(b'/' | b'#' | b'<') => self.unexpected("the end of the object"),
            Some(_) => {
                let why = format!(
                    "something follows behind the JSON value that ends before byte {offset}, and is none: leave only the \
                     JSON, without brackets, semicolons or texts behind it"
                );
                Stop::reject("not_json", why)
            }
        }
    }

    /// Rejects the object: something else stands where `wanted` should.
    pub fn unexpected(&mut self, wanted: &str) -> Stop {
        let offset = self.offset();
        if let Ok(Some(known)) = self.no_json() {
            return Stop::reject("not_json", format!("byte {offset} begins {known}"));
        }
        match self.window().first() {
            None => Stop::reject("truncated", format!("the object ends at byte {offset} where {wanted} should follow")),
            Some(b'/' | b'#') => {
                let why =
                    format!("byte {offset} begins a comment where {wanted} should be, and JSON has none: take it out");
                Stop::reject("not_json", why)
            }
            Some(b'<') => Stop::reject("not_json", format!("byte {offset} is '<' instead of {wanted}: an HTML page?")),
            Some(_) if offset == 0 => {
                let why = format!(
                    "the object does not begin as JSON does: {wanted} should be there; if it is a table of \
                                   values between delimiters, name it .csv, or declare format = \"csv\""
                );
                Stop::reject("not_json", why)
            }
            Some(_) => {
                let why = format!("{wanted} was expected at byte {offset}, and something else is there");
                Stop::reject("not_json", why)
            }
        }
    }

    /// Rejects the object: the parser did not understand a value. Its own message may quote the value.
    pub fn not_parsed(&self, error: &serde_json::Error) -> Stop {
        self.not_json(&format!("{:?} error at its line {} column {}", error.classify(), error.line(), error.column()))
    }

    /// Rejects the object: the parser did not understand a value.
    pub fn not_json(&self, why: &str) -> Stop {
        Stop::reject("not_json", format!("the value at byte {} is not JSON: {why}", self.offset()))
    }
}

/// What a text begins with that some servers and programs write before JSON or between values of it, and what to do.
pub fn no_json(text: &[u8]) -> Option<&'static str> {
    /// What begins a text sequence.
    const SEPARATOR: u8 = 0x1E;
    let is_call = || {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.');
        let name = text.iter().take_while(|byte| is_name(byte)).count();
        let within = text.get(name..).and_then(|rest| rest.strip_prefix(b"(")).unwrap_or_default();
        (1..MAX_WORD).contains(&name) && matches!(within.trim_ascii_start(), [b'{' | b'[', ..])
    };
    let is_script =
        || [&b"var "[..], b"let ", b"const ", b"window.", b"export "].iter().any(|word| text.starts_with(word));
    match text {
        [SEPARATOR, ..] => Some(
            "a text sequence (RFC 7464), with the byte 1E before each value: take these bytes out, and write one value per \
             line as NDJSON",
        ),
        [b')', b']', b'}', ..] => Some("with )]}', a guard against scripts: remove it"),
        [b'w', b'h', b'i', b'l', b'e', b'(', ..] | [b'f', b'o', b'r', b'(', b';', ..] => {
            Some("with a loop, a guard against scripts: remove it")
        }
        _ if is_script() => {
            Some("as JavaScript does: leave only the JSON, without the name before it and what stands behind it")
        }
        _ if is_call() => Some(
            "with a call of JavaScript (JSONP): leave only the JSON between the parentheses, or ask the server for JSON",
        ),
        _ => None,
    }
}

/// The text of a short JSON string at the beginning that stands for itself, as nearly all keys do.
fn plain_text(bytes: &[u8]) -> Option<&str> {
    let rest = bytes.strip_prefix(b"\"")?;
    let end = rest.iter().take(64).position(|byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\'))?;
    let (text, rest) = rest.split_at_checked(end)?;
    if rest.first() == Some(&b'"') { std::str::from_utf8(text).ok() } else { None }
}

/// Finds the end of one JSON value, chunk by chunk.
#[derive(Default)]
struct Extent {
    depth: usize,
    in_string: bool,
    escaped: bool,
    scalar: bool,
}

impl Extent {
    fn is_scalar(&self) -> bool {
        self.scalar
    }

    /// The count of bytes up to the value's end, if it ends in this chunk.
    fn end_in(&mut self, chunk: &[u8]) -> Option<usize> {
        for (at, byte) in chunk.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.in_string = false;
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b',' | b'}' | b']' if self.depth == 0 => return Some(at),
                byte if self.depth == 0 && self.scalar && byte.is_ascii_whitespace() => return Some(at),
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                byte if self.depth == 0 && !byte.is_ascii_whitespace() => self.scalar = true,
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A reader that gives one byte at a time: every boundary is hit.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn value(text: &str) -> Result<String, Stop> {
        let mut scanner = Scanner::new(Trickle(text.as_bytes()))?;
        let length = scanner.value_length(1000)?;
        Ok(String::from_utf8(scanner.window()[..length].to_vec()).unwrap())
    }

    #[test]
    fn values_are_cut_out_whole() {
        for (text, wanted) in [
            (r#" {"a":"}\"]"} ,"#, r#"{"a":"}\"]"}"#),
            ("[1,[2]]x", "[1,[2]]"),
            ("12.5e3,", "12.5e3"),
            ("12", "12"),
            (r#""a\\" "#, r#""a\\""#),
            ("null]", "null"),
        ] {
            assert_eq!(value(text).unwrap(), wanted);
        }
    }

    #[test]
    fn what_is_cut_off_or_too_much_is_rejected() {
        for (text, code) in [
            (r#"{"a":1"#.to_owned(), "truncated"),
            ("\"abc".to_owned(), "truncated"),
            (String::new(), "truncated"),
            ("[".repeat(100), "too_deep"),
            (format!("\"{}\"", "x".repeat(2000)), "too_long"),
        ] {
            match value(&text) {
                Err(Stop::Reject(reject)) => assert_eq!(reject.reason, code, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            "\\PC{0,8}".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::btree_map("[a-z\"\\\\]{0,4}", inner, 0..4)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_found_whole_in_a_list(values in prop::collection::vec(json(), 1..5)) {
            let text = serde_json::Value::from(values.clone()).to_string();
            let mut scanner = Scanner::new(Trickle(text.as_bytes())).unwrap();
            scanner.expect(b'[').unwrap();
            let mut found = Vec::new();
            loop {
                let length = scanner.value_length(10_000).unwrap();
                found.push(serde_json::from_slice::<serde_json::Value>(&scanner.window()[..length]).unwrap());
                scanner.consume(length);
                if !scanner.either(b',', b']').unwrap() { break }
            }
            prop_assert_eq!(found, values);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut scanner = Scanner::new(Trickle(&bytes)).unwrap();
            while scanner.key(50).is_ok() || scanner.skip_value().is_ok() {
                if scanner.peek().unwrap().is_none() { break }
                scanner.consume(1);
            }
        }
    }
}
