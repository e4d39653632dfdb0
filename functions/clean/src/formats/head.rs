//! The beginning of a stream, in a buffer that the next stream of the thread uses again: a fresh one for each of many
//! documents would cost more than to read them.

use std::cell::Cell;
use std::io::{self, Read};

/// Bytes of a buffer at first.
const FIRST: usize = 64 * 1024;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The first bytes of a stream.
pub(super) struct Head {
    buffer: Vec<u8>,
    length: usize,
}

impl Head {
    /// Reads up to `most` bytes.
    pub(super) fn read(mut reader: impl Read, most: usize) -> io::Result<Self> {
        let mut head = Self { buffer: SPARE.take(), length: 0 };
        loop {
            if head.length == head.buffer.len().min(most) {
                if head.length == most {
                    return Ok(head);
                }
                let length = (head.buffer.len() * 2).max(FIRST).min(most);
                head.buffer.resize(length, 0);
            }
            let end = head.buffer.len().min(most);
            match reader.read(head.buffer.get_mut(head.length..end).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(0) => return Ok(head),
                Ok(count) => head.length += count,
            }
        }
    }

    /// What was read.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }
}

impl Drop for Head {
    fn drop(&mut self) {
        SPARE.set(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_is_used_again_shows_nothing_of_the_stream_before() {
        for (length, most) in [(300_000, 1_000_000), (10, 1_000_000), (70_000, 70_000), (70_000, 69_999), (0, 5)] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let head = Head::read(bytes.as_slice(), most).unwrap();
            assert_eq!(head.bytes(), &bytes[..length.min(most)]);
        }
    }
}
