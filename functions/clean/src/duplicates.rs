//! Finds rows whose key comes again later in the same object, in bounded memory.
//!
//! Each row's key is hashed to 128 bits. Hashes that begin alike are kept together, so that equal ones are found bucket
//! by bucket, each sorted in a processor's cache. Beyond a limit the buckets move to a temporary file, piece by piece.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// Keys held in memory: 32 MiB.
const KEYS_IN_MEMORY: usize = 1024 * 1024;
/// Keys that need no buckets.
const FEW: usize = 4 * 1024;
/// Bits of the hash that name a bucket.
const BUCKET_BITS: u32 = 10;
/// Bytes of a key in the file.
const KEY_BYTES: usize = 32;

/// One row's key. Sorted, equal keys stand together in the order of their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    hash: (u64, u64),
    /// The row's place among all that are compared with it.
    order: u64,
    part: u32,
    row: u32,
}

impl Key {
    fn to_bytes(self) -> [[u8; 8]; 4] {
        let place = u64::from(self.part) << u32::BITS | u64::from(self.row);
        [self.hash.0, self.hash.1, self.order, place].map(u64::to_le_bytes)
    }

    fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        let mut next = || words.next().unwrap_or_default();
        let (hash, order, place) = ((next(), next()), next(), next());
        Self { hash, order, part: (place >> u32::BITS) as u32, row: place as u32 }
    }
}

/// Rows of one part that are superseded, as a bitmap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSet(Vec<u64>);

impl RowSet {
    /// Adds a row.
    pub fn insert(&mut self, row: u32) {
        let word = (row / 64) as usize;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (row % 64);
        }
    }

    /// Whether the row is in the set.
    pub fn contains(&self, row: u32) -> bool {
        self.0.get((row / 64) as usize).is_some_and(|bits| bits >> (row % 64) & 1 == 1)
    }

    /// Adds the rows of another set.
    pub fn extend(&mut self, other: &RowSet) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        self.0.iter_mut().zip(&other.0).for_each(|(words, more)| *words |= more);
    }

    /// How many rows are in the set.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|bits| u64::from(bits.count_ones())).sum()
    }
}

/// Keys that begin alike: those in memory, and where in the file the others are.
#[derive(Debug, Clone, Default)]
struct Bucket {
    keys: Vec<Key>,
    /// Where pieces begin, and how many keys they have.
    pieces: Vec<(u64, usize)>,
}

/// Collects keys and finds which rows are superseded.
pub struct Duplicates {
    /// Whether rows of different parts are compared as well.
    across: bool,
    /// The first keys, for as long as they are few.
    few: Vec<Key>,
    buckets: Vec<Bucket>,
    in_memory: usize,
    limit: usize,
    file: Option<File>,
    end: u64,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self::with_limit(KEYS_IN_MEMORY)
    }
}

impl Duplicates {
    fn with_limit(limit: usize) -> Self {
        Self { across: false, few: Vec::new(), buckets: Vec::new(), in_memory: 0, limit, file: None, end: 0 }
    }

    /// A collection that compares rows of all parts with each other.
    pub fn across() -> Self {
        Self { across: true, ..Self::default() }
    }

    /// Adds the key of a row: row `row` of part `part`.
    pub fn add(&mut self, hash: u128, part: u32, row: u32) -> io::Result<()> {
        // Within a part its rows are in order.
        self.add_at(hash, u64::from(part) << u32::BITS | u64::from(row), part, row)
    }

    /// The same of a row whose place among the rows of all parts is `order`.
    pub fn add_at(&mut self, hash: u128, order: u64, part: u32, row: u32) -> io::Result<()> {
        let key = Key { hash: ((hash >> u64::BITS) as u64, hash as u64), order, part, row };
        self.in_memory += 1;
        if self.buckets.is_empty() && self.few.len() < FEW {
            self.few.push(key);
        } else {
            self.begin_buckets();
            self.place(key);
        }
        if self.in_memory >= self.limit { self.spill() } else { Ok(()) }
    }

    /// Goes on with buckets: there are too many keys for one list.
    fn begin_buckets(&mut self) {
        if self.buckets.is_empty() {
            self.buckets.resize(1 << BUCKET_BITS, Bucket::default());
            std::mem::take(&mut self.few).into_iter().for_each(|key| self.place(key));
        }
    }

    fn place(&mut self, key: Key) {
        if let Some(bucket) = self.buckets.get_mut((key.hash.0 >> (u64::BITS - BUCKET_BITS)) as usize) {
            bucket.keys.push(key);
        }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.begin_buckets();
        let file = match self.file.take() {
            Some(file) => file,
            None => tempfile::tempfile()?,
        };
        let mut writer = BufWriter::new(file);
        for bucket in self.buckets.iter_mut().filter(|bucket| !bucket.keys.is_empty()) {
            bucket.pieces.push((self.end, bucket.keys.len()));
            self.end += (bucket.keys.len() * KEY_BYTES) as u64;
            for key in bucket.keys.drain(..) {
                key.to_bytes().iter().try_for_each(|word| writer.write_all(word))?;
            }
        }
        self.file = Some(writer.into_inner().map_err(io::IntoInnerError::into_error)?);
        self.in_memory = 0;
        Ok(())
    }

    /// The superseded rows of each part: of rows with the same key, in one part or across all, all but the last.
    pub fn finish(mut self, parts: usize) -> io::Result<Vec<RowSet>> {
        let mut superseded = vec![RowSet::default(); parts];
        let few = Bucket { keys: std::mem::take(&mut self.few), pieces: Vec::new() };
        for mut bucket in std::mem::take(&mut self.buckets).into_iter().chain([few]) {
            if let Some(file) = &mut self.file {
                read_pieces(file, &mut bucket)?;
            }
            bucket.keys.sort_unstable();
            for (earlier, later) in bucket.keys.iter().zip(bucket.keys.iter().skip(1)) {
                if earlier.hash == later.hash
                    && (self.across || earlier.part == later.part)
                    && let Some(rows) = superseded.get_mut(earlier.part as usize)
                {
                    rows.insert(earlier.row);
                }
            }
        }
        Ok(superseded)
    }
}

/// Brings the keys of a bucket back into memory.
fn read_pieces(file: &mut File, bucket: &mut Bucket) -> io::Result<()> {
    let mut bytes = Vec::new();
    for (start, keys) in &bucket.pieces {
        bytes.resize(keys * KEY_BYTES, 0);
        file.seek(SeekFrom::Start(*start))?;
        file.read_exact(&mut bytes)?;
        bucket.keys.extend(bytes.as_chunks::<KEY_BYTES>().0.iter().map(Key::from_bytes));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn all_but_the_last_of_a_key_are_superseded(
            keys in prop::collection::vec((0_u128..20, 0_u32..2), 0..200),
            spread in any::<bool>(),
            across in any::<bool>(),
            limit in 1_usize..300,
        ) {
            let mut duplicates = Duplicates { across, ..Duplicates::with_limit(limit) };
            for (row, (key, part)) in keys.iter().enumerate() {
                // In one bucket, or in several.
                let hash = if spread { *key << 121 | *key } else { *key };
                if across {
                    duplicates.add_at(hash, row as u64, *part, row as u32).unwrap();
                } else {
                    duplicates.add(hash, *part, row as u32).unwrap();
                }
            }
            let superseded = duplicates.finish(2).unwrap();
            let same = |key: &(u128, u32)| (key.0, if across { 0 } else { key.1 });
            let last: HashMap<(u128, u32), usize> = keys.iter().enumerate().map(|(row, key)| (same(key), row)).collect();
            for (row, key) in keys.iter().enumerate() {
                prop_assert_eq!(superseded[key.1 as usize].contains(row as u32), last[&same(key)] != row);
            }
            let all: u64 = superseded.iter().map(RowSet::len).sum();
            prop_assert_eq!(all, (keys.len() - last.len()) as u64);
        }
    }
}
