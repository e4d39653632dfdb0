//! Finds rows whose key comes again later in the same object, in bounded memory.
//!
//! Each row's key is hashed to 128 bits. Hashes are kept in memory up to a limit, then sorted and spilled to temporary
//! files; at the end all runs are merged in order, so that equal keys meet.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

/// Keys held in memory: 32 MiB.
const KEYS_IN_MEMORY: usize = 1024 * 1024;

/// One row's key: sorted by hash and part, then in order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    hash: u128,
    part: u32,
    sequence: u64,
    row: u32,
}

/// Rows of one part that are superseded, as a bitmap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSet(Vec<u64>);

impl RowSet {
    fn insert(&mut self, row: u32) {
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

    /// How many rows are in the set.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|bits| u64::from(bits.count_ones())).sum()
    }
}

/// Collects keys and tells which rows are superseded.
pub struct Duplicates {
    keys: Vec<Key>,
    limit: usize,
    runs: Vec<File>,
    sequence: u64,
}

impl Default for Duplicates {
    fn default() -> Self {
        Self::with_limit(KEYS_IN_MEMORY)
    }
}

impl Duplicates {
    fn with_limit(limit: usize) -> Self {
        Self { keys: Vec::new(), limit, runs: Vec::new(), sequence: 0 }
    }

    /// Adds the key of a row: row `row` of part `part`.
    pub fn add(&mut self, hash: u128, part: u32, row: u32) -> io::Result<()> {
        self.keys.push(Key { hash, sequence: self.sequence, part, row });
        self.sequence += 1;
        if self.keys.len() >= self.limit {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.keys.sort_unstable();
        let mut run = BufWriter::new(tempfile::tempfile()?);
        for key in self.keys.drain(..) {
            run.write_all(&key.hash.to_le_bytes())?;
            run.write_all(&key.sequence.to_le_bytes())?;
            run.write_all(&key.part.to_le_bytes())?;
            run.write_all(&key.row.to_le_bytes())?;
        }
        self.runs.push(run.into_inner().map_err(io::IntoInnerError::into_error)?);
        Ok(())
    }

    /// The superseded rows of each part: of rows with the same key in one part all but the last.
    pub fn finish(mut self, parts: usize) -> io::Result<Vec<RowSet>> {
        let mut superseded = vec![RowSet::default(); parts];
        let mut previous: Option<Key> = None;
        let mut visit = |key: Key| {
            if let Some(earlier) = previous.replace(key)
                && (earlier.hash, earlier.part) == (key.hash, key.part)
                && let Some(rows) = superseded.get_mut(earlier.part as usize)
            {
                rows.insert(earlier.row);
            }
        };
        if self.runs.is_empty() {
            self.keys.sort_unstable();
            self.keys.into_iter().for_each(&mut visit);
            return Ok(superseded);
        }
        self.spill()?;
        let mut runs = self.runs.into_iter().map(open_run).collect::<io::Result<Vec<_>>>()?;
        let mut heads = BinaryHeap::new();
        for (at, run) in runs.iter_mut().enumerate() {
            heads.extend(next_key(run)?.map(|key| Reverse((key, at))));
        }
        while let Some(Reverse((key, at))) = heads.pop() {
            visit(key);
            if let Some(run) = runs.get_mut(at) {
                heads.extend(next_key(run)?.map(|key| Reverse((key, at))));
            }
        }
        Ok(superseded)
    }
}

fn open_run(mut file: File) -> io::Result<BufReader<File>> {
    file.rewind()?;
    Ok(BufReader::with_capacity(64 * 1024, file))
}

fn next_key(run: &mut impl Read) -> io::Result<Option<Key>> {
    let mut hash = [0; 16];
    match run.read_exact(&mut hash) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let (mut sequence, mut part, mut row) = ([0; 8], [0; 4], [0; 4]);
    run.read_exact(&mut sequence)?;
    run.read_exact(&mut part)?;
    run.read_exact(&mut row)?;
    Ok(Some(Key {
        hash: u128::from_le_bytes(hash),
        sequence: u64::from_le_bytes(sequence),
        part: u32::from_le_bytes(part),
        row: u32::from_le_bytes(row),
    }))
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
            limit in 1_usize..300,
        ) {
            let mut duplicates = Duplicates::with_limit(limit);
            for (row, (key, part)) in keys.iter().enumerate() {
                duplicates.add(*key, *part, row as u32).unwrap();
            }
            let superseded = duplicates.finish(2).unwrap();
            let last: HashMap<(u128, u32), usize> = keys.iter().enumerate().map(|(row, key)| (*key, row)).collect();
            for (row, key) in keys.iter().enumerate() {
                prop_assert_eq!(superseded[key.1 as usize].contains(row as u32), last[key] != row);
            }
            let all: u64 = superseded.iter().map(RowSet::len).sum();
            prop_assert_eq!(all, (keys.len() - last.len()) as u64);
        }
    }
}
