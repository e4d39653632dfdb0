//! The memory that answers may hold, decompressed: counted while they are read.

use std::sync::atomic::{AtomicU64, Ordering};

/// The longest answer that is read, decompressed, however much memory there is.
const MOST_PER_ANSWER: u64 = 256 * 1024 * 1024;
/// However little memory there is, an answer of this length is read.
const LEAST_PER_ANSWER: u64 = 1024 * 1024;
/// The share of the memory that answers may hold: they are copied once when they are written.
const SHARE_OF_MEMORY: u64 = 3;

/// How much memory answers may hold, decompressed.
#[derive(Debug)]
pub struct Room {
    all: u64,
    each: u64,
    held: AtomicU64,
}

impl Room {
    /// The room for answers to so many requests at once, in a process that may use so much memory.
    pub fn new(memory: u64, at_once: usize) -> Self {
        let all = memory / SHARE_OF_MEMORY;
        let each = all / u64::try_from(at_once.max(1)).unwrap_or(u64::MAX);
        let each = each.clamp(LEAST_PER_ANSWER, MOST_PER_ANSWER);
        Self { all: all.max(each), each, held: AtomicU64::new(0) }
    }

    /// Takes room for more bytes of an answer that has `length` with them.
    pub fn take(&self, more: u64, length: u64) -> Result<(), String> {
        let held = self.held.fetch_add(more, Ordering::Relaxed) + more;
        if length > self.each {
            return Err(format!(
                "the answer is longer than {} bytes, which the memory allows for one of the requests sent at once; give \
                 more memory (MEMORY_BYTES), or lower concurrent_requests",
                self.each
            ));
        }
        if held > self.all {
            return Err(format!(
                "the answers together are longer than {} bytes, which the memory allows; give more memory (MEMORY_BYTES), \
                 or fetch less at a time",
                self.all
            ));
        }
        Ok(())
    }

    /// Forgets all answers so far.
    pub fn clear(&self) {
        self.held.store(0, Ordering::Relaxed);
    }

    /// Gives back room for bytes that are not kept.
    pub fn give_back(&self, bytes: u64) {
        // What was forgotten in the meantime is not given back twice.
        let _ = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(held.saturating_sub(bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_share_the_memory_that_there_is() {
        let mib = 1024 * 1024;
        let room = Room::new(192 * mib, 8);
        assert_eq!((room.all, room.each), (64 * mib, 8 * mib));
        assert!(room.take(8 * mib, 8 * mib).is_ok());
        let why = room.take(mib, 9 * mib).unwrap_err();
        assert!(why.contains("MEMORY_BYTES") && why.contains("8388608"), "{why}");
        room.give_back(9 * mib);
        for _ in 0..8 {
            room.take(8 * mib, 8 * mib).unwrap();
        }
        assert!(room.take(1, 1).unwrap_err().contains("together"));
        assert_eq!(Room::new(1000, 8).each, LEAST_PER_ANSWER);
        assert_eq!(Room::new(u64::MAX, 1).each, MOST_PER_ANSWER);
    }
}
