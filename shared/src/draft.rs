//! An output while it is made: hashed as its bytes come, in memory for as long as they are few.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use bytes::Bytes;
use tempfile::{SpooledData, SpooledTempFile};
use xxhash_rust::xxh3::Xxh3;

/// Bytes that are held in memory. A night's outputs stay below; many that are open at once fit.
const IN_MEMORY: usize = 256 * 1024;

/// An output that grows at its end.
pub struct Draft {
    place: SpooledTempFile,
    hash: Box<Xxh3>,
    bytes: u64,
}

/// A finished output.
#[derive(Debug)]
pub struct Drafted {
    /// XXH3-128 of its bytes.
    pub hash: String,
    /// How many they are.
    pub bytes: u64,
    /// Where they are.
    pub content: Content,
}

/// Where an output's bytes are.
#[derive(Debug)]
pub enum Content {
    /// In memory.
    Memory(Bytes),
    /// In a temporary file, from its beginning.
    File(File),
}

impl Default for Draft {
    fn default() -> Self {
        Self { place: SpooledTempFile::new(IN_MEMORY), hash: Box::new(Xxh3::new()), bytes: 0 }
    }
}

impl Write for Draft {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.place.write(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.place.flush()
    }
}

impl Draft {
    /// Ends it.
    pub fn finish(self) -> Drafted {
        let content = match self.place.into_inner() {
            SpooledData::InMemory(bytes) => Content::Memory(Bytes::from(bytes.into_inner())),
            SpooledData::OnDisk(file) => Content::File(file),
        };
        Drafted { hash: format!("{:032x}", self.hash.digest128()), bytes: self.bytes, content }
    }
}

impl Content {
    /// The same bytes once more.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Content::Memory(bytes) => Content::Memory(bytes.clone()),
            Content::File(file) => Content::File(file.try_clone()?),
        })
    }

    /// A reader of all bytes.
    pub fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Content::Memory(bytes) => Box::new(Cursor::new(bytes)),
            Content::File(file) => {
                file.seek(SeekFrom::Start(0))?;
                Box::new(file)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_bytes_stay_in_memory_and_all_are_hashed() {
        for length in [0, 1, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let mut draft = Draft::default();
            bytes.chunks(1000).for_each(|chunk| draft.write_all(chunk).unwrap());
            let mut drafted = draft.finish();
            assert_eq!((drafted.hash, drafted.bytes), (crate::hash::bytes(&bytes), length as u64));
            assert_eq!(matches!(drafted.content, Content::Memory(_)), length <= IN_MEMORY);
            let mut read = Vec::new();
            drafted.content.reader().unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(read, bytes);
        }
    }
}
