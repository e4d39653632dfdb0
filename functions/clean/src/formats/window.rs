//! The bytes of an object that are at hand, refilled as they are used up.

use std::io::{self, ErrorKind, Read};

/// Bytes read at a time: what they become is still near to the processor when they are read a second time.
const CAPACITY: usize = 64 * 1024;
/// What a file may begin with, and means nothing.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A stretch of a stream. It grows only where what its user is in the middle of does not fit.
pub(super) struct ByteWindow<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    is_at_end: bool,
    /// Up to here the bytes at hand are known to be UTF-8 without a NUL: it is found out once for all of them.
    text_end: usize,
}

impl<R: Read> ByteWindow<R> {
    /// A window at the beginning of the stream, after a byte order mark if there is one.
    pub(super) fn new(reader: R) -> io::Result<Self> {
        Self::with_capacity(reader, CAPACITY)
    }

    /// The same with another size; small ones let tests hit every boundary.
    pub(super) fn with_capacity(reader: R, capacity: usize) -> io::Result<Self> {
        let mut window = Self::of(reader, capacity.max(BYTE_ORDER_MARK.len()))?;
        if window.bytes().starts_with(BYTE_ORDER_MARK) {
            window.consume(BYTE_ORDER_MARK.len());
        }
        Ok(window)
    }

    /// The same in the middle of a stream.
    pub(super) fn within(reader: R) -> io::Result<Self> {
        Self::of(reader, CAPACITY)
    }

    fn of(reader: R, capacity: usize) -> io::Result<Self> {
        let mut window = Self { reader, buffer: vec![0; capacity], start: 0, end: 0, is_at_end: false, text_end: 0 };
        window.more()?;
        Ok(window)
    }

    /// The bytes at hand.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether nothing follows the bytes at hand.
    pub(super) fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// Whether the first `count` bytes at hand are known to be UTF-8 without a NUL. If not, they may be all the same.
    pub(super) fn is_text(&self, count: usize) -> bool {
        self.start + count <= self.text_end
    }

    /// Lets go of the first `count` bytes at hand.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Reads more bytes behind those at hand, until the window is full; reads nothing at the end of the stream.
    pub(super) fn more(&mut self) -> io::Result<()> {
        if self.is_at_end {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        while let Some(free) = self.buffer.get_mut(self.end..).filter(|free| !free.is_empty()) {
            match self.reader.read(free) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(0) => {
                    self.is_at_end = true;
                    break;
                }
                Ok(count) => self.end += count,
            }
        }
        let text = match std::str::from_utf8(self.bytes()) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let nul = memchr::memchr(0, self.bytes().get(..text).unwrap_or_default());
        self.text_end = nul.unwrap_or(text);
        Ok(())
    }
}
