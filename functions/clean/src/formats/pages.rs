//! How large the pages of a Parquet file become: a reader must hold each as a whole, and the library does not say it
//! before it does. Sizes stand at the beginning of a page's header, in Thrift's compact protocol.

use std::collections::BTreeSet;

use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;

/// Bytes of a header that are looked at: statistics in it may have values of their own.
const LONGEST_HEADER: u64 = 64 * 1024;
/// Structures within each other.
const DEEPEST: usize = 8;

/// The bytes of the largest page of a column chunk, unpacked; none where that cannot be read.
pub(super) fn largest<R: ChunkReader>(reader: &R, chunk: &ColumnChunkMetaData) -> Option<u64> {
    let (start, length) = chunk.byte_range();
    let end = start.checked_add(length)?;
    let (mut at, mut largest) = (start, 0);
    while at < end {
        let count = usize::try_from((end - at).min(LONGEST_HEADER)).ok()?;
        let bytes = reader.get_bytes(at, count).ok()?;
        let mut header = Compact { bytes: &bytes };
        let PageSizes { unpacked, packed } = header.page_sizes()?;
        largest = largest.max(unpacked);
        let of_header = u64::try_from(bytes.len() - header.bytes.len()).ok()?;
        at = at.checked_add(of_header)?.checked_add(packed)?;
    }
    Some(largest)
}

/// The places of the columns that are encrypted, in a file whose footer is not; none where that cannot be read. The library
/// passes over what says so.
pub(super) fn encrypted<R: ChunkReader>(reader: &R) -> BTreeSet<usize> {
    let mut places = BTreeSet::new();
    let mut read = || {
        let end = reader.len().checked_sub(8)?;
        let tail = reader.get_bytes(end, 8).ok()?;
        let (length, _) = tail.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length);
        let footer = reader.get_bytes(end.checked_sub(u64::from(length))?, usize::try_from(length).ok()?).ok()?;
        Compact { bytes: &footer }.encrypted_columns(&mut places)
    };
    // What cannot be read is for the library to refuse.
    let _ = read();
    places
}

struct PageSizes {
    unpacked: u64,
    packed: u64,
}

/// What is left of a text in Thrift's compact protocol.
struct Compact<'b> {
    bytes: &'b [u8],
}

impl Compact<'_> {
    /// Goes past a page's header. Its fields 2 and 3 are the sizes of the page.
    fn page_sizes(&mut self) -> Option<PageSizes> {
        let (mut unpacked, mut packed) = (None, None);
        let mut field = 0_i64;
        while let Some(kind) = self.field(&mut field)? {
            match field {
                2 => unpacked = Some(self.number()?),
                3 => packed = Some(self.number()?),
                _ => self.skip(kind, 0)?,
            }
        }
        let size = |number: Option<i64>| u64::try_from(number?).ok();
        Some(PageSizes { unpacked: size(unpacked)?, packed: size(packed)? })
    }

    /// Goes through a footer. Its field 4 are the row groups, whose field 1 are the columns, whose field 8 says how one is
    /// encrypted.
    fn encrypted_columns(&mut self, places: &mut BTreeSet<usize>) -> Option<()> {
        let mut field = 0;
        while let Some(kind) = self.field(&mut field)? {
            match (field, kind) {
                (4, 9) => {
                    for _ in 0..self.list_of_structures()? {
                        self.encrypted_columns_of_group(places)?;
                    }
                }
                _ => self.skip(kind, 0)?,
            }
        }
        Some(())
    }

    fn encrypted_columns_of_group(&mut self, places: &mut BTreeSet<usize>) -> Option<()> {
        let mut field = 0;
        while let Some(kind) = self.field(&mut field)? {
            match (field, kind) {
                (1, 9) => {
                    for place in 0..self.list_of_structures()? {
                        let mut of_column = 0;
                        while let Some(kind) = self.field(&mut of_column)? {
                            if of_column == 8 {
                                places.insert(usize::try_from(place).ok()?);
                            }
                            self.skip(kind, 0)?;
                        }
                    }
                }
                _ => self.skip(kind, 0)?,
            }
        }
        Some(())
    }

    /// Goes into a list; how many structures it has.
    fn list_of_structures(&mut self) -> Option<u64> {
        let byte = self.byte()?;
        let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
        (byte & 0x0F == 12).then_some(count)
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*byte)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn number(&mut self) -> Option<i64> {
        let zigzag = self.varint()?;
        Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    /// The type of the next field, and its number; no type at the end of the structure.
    fn field(&mut self, number: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *number = match byte >> 4 {
            0 => self.number()?,
            step => number.checked_add(i64::from(step))?,
        };
        Some(Some(byte & 0x0F))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            // True and false are types of their own.
            1 | 2 => Some(()),
            3 => self.pass(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.pass(8),
            8 => {
                let length = self.varint()?;
                self.pass(length)
            }
            9 | 10 => {
                let byte = self.byte()?;
                let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
                // In a list, a truth has a byte.
                let of_list = if matches!(byte & 0x0F, 1 | 2) { 3 } else { byte & 0x0F };
                (0..count).try_for_each(|_| self.skip(of_list, depth + 1))
            }
            12 if depth < DEEPEST => {
                let mut field = 0;
                while let Some(kind) = self.field(&mut field)? {
                    self.skip(kind, depth + 1)?;
                }
                Some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
    use parquet::basic::{Compression, ZstdLevel};
    use parquet::file::properties::WriterProperties;
    use proptest::prelude::*;

    use super::*;

    fn file(values: usize, length: usize, has_dictionary: bool, page: usize) -> Bytes {
        let texts: Vec<String> = (0..values).map(|number| format!("{number:08}{}", "x".repeat(length - 8))).collect();
        let batch = RecordBatch::try_from_iter([("a", Arc::new(StringArray::from(texts)) as ArrayRef)]).unwrap();
        let mut bytes = Vec::new();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_dictionary_enabled(has_dictionary)
            .set_dictionary_page_size_limit(1 << 30)
            .set_data_page_size_limit(page)
            .set_write_batch_size(values.min(100));
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes.into()
    }

    fn largest_of(bytes: &Bytes) -> Option<u64> {
        let metadata = ArrowReaderMetadata::load(bytes, ArrowReaderOptions::default()).ok()?;
        largest(bytes, metadata.metadata().row_groups().first()?.columns().first()?)
    }

    #[test]
    fn the_largest_page_is_found_whatever_it_is() {
        // A dictionary, one page of values, and many.
        assert_eq!(largest_of(&file(500, 10_000, true, 1 << 30)), Some(500 * 10_004));
        let one = largest_of(&file(100, 10_000, false, 1 << 30)).unwrap();
        assert!((1_000_400..1_001_000).contains(&one), "{one}");
        let many = largest_of(&file(1000, 10_000, false, 50_000)).unwrap();
        assert!((50_000..60_100).contains(&many), "{many}");
    }

    proptest! {
        #[test]
        fn damage_is_no_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = file(10, 50, true, 100).to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = std::panic::catch_unwind(|| largest_of(&Bytes::from(bytes)));
        }

        #[test]
        fn any_bytes_are_a_header_or_none(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Compact { bytes: &bytes }.page_sizes();
        }
    }
}
