//! One column of a row group as Parquet's pages.

use std::cell::RefCell;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::column::Column;
use super::hybrid::{Runs, width_of};
use super::values::Values;

/// Chunks of fewer bytes are not compressed: a frame costs more than it saves.
const MIN_COMPRESSED: usize = 256;
/// The fastest level: what repeats is in dictionaries and runs already.
const LEVEL: i32 = 1;
const RLE_LENGTH: usize = 4;

thread_local! {
    /// A context is several hundred KiB, and the next file's is as good.
    static ZSTANDARD: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses as every other call on any thread would.
fn compress(bytes: &[u8]) -> Result<Vec<u8>> {
    ZSTANDARD.with_borrow_mut(|known| {
        let compressor = match known {
            Some(compressor) => compressor,
            None => known.insert(zstd::bulk::Compressor::new(LEVEL)?),
        };
        Ok(compressor.compress(bytes)?)
    })
}

/// How values that are not in a dictionary are laid out.
pub enum Plain {
    /// As they are.
    Bytes,
    /// One bit each.
    Bits,
}

/// A column chunk: its bytes, and what the row group is to know of it.
#[derive(Clone)]
pub struct Chunk {
    /// Its pages.
    pub bytes: Bytes,
    /// Offsets are relative to them.
    pub close: ColumnCloseResult,
}

struct PageBytes {
    encoding: Encoding,
    values: usize,
    bytes: Vec<u8>,
}

/// Encodes a column.
pub fn encode<V: Values>(
    column: &Column<V>,
    descriptor: &ColumnDescPtr,
    plain: &Plain,
    statistics: Statistics,
) -> Result<Chunk> {
    let mut data = Vec::new();
    if descriptor.max_def_level() > 0 {
        data.resize(RLE_LENGTH, 0);
        column.levels.encode(1, &mut data);
        let length = (data.len() - RLE_LENGTH) as u32;
        data.splice(..RLE_LENGTH, length.to_le_bytes());
    }
    let dictionary = match (&column.indices, plain) {
        (Some(indices), Plain::Bytes) if column.values.len() > 0 => {
            encode_indices(indices, column.values.len(), &mut data);
            Some(PageBytes {
                encoding: Encoding::PLAIN,
                values: column.values.len(),
                bytes: column.values.plain().to_vec(),
            })
        }
        (Some(indices), Plain::Bits) => {
            let bit = |entry| column.values.plain().get(entry as usize).copied().unwrap_or_default();
            let bits: Vec<u8> =
                indices.iter().flat_map(|(entry, count)| std::iter::repeat_n(bit(entry), count as usize)).collect();
            data.extend(bits.chunks(8).map(|bits| bits.iter().rev().fold(0_u8, |byte, bit| byte << 1 | bit)));
            None
        }
        _ => {
            data.extend_from_slice(column.values.plain());
            None
        }
    };
    let encoding = if dictionary.is_some() { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN };
    let data = PageBytes { encoding, values: column.rows, bytes: data };
    write(column.rows, descriptor, dictionary, data, statistics)
}

fn encode_indices(indices: &Runs, entries: usize, out: &mut Vec<u8>) {
    let width = width_of(entries);
    out.push(width as u8);
    indices.encode(width, out);
}

fn write(
    rows: usize,
    descriptor: &ColumnDescPtr,
    dictionary: Option<PageBytes>,
    data: PageBytes,
    statistics: Statistics,
) -> Result<Chunk> {
    let raw = data.bytes.len() + dictionary.as_ref().map_or(0, |page| page.bytes.len());
    let compressed = if raw < MIN_COMPRESSED {
        None
    } else {
        let dictionary = dictionary.as_ref().map(|page| compress(&page.bytes)).transpose()?;
        let data = compress(&data.bytes)?;
        let all = data.len() + dictionary.as_ref().map_or(0, Vec::len);
        (all < raw).then_some((dictionary, data))
    };
    let compression =
        if compressed.is_some() { Compression::ZSTD(ZstdLevel::try_new(LEVEL)?) } else { Compression::UNCOMPRESSED };
    let (dictionary_bytes, data_bytes) = compressed.map_or((None, None), |(dictionary, data)| (dictionary, Some(data)));

    let mut sink = TrackedWrite::new(Vec::with_capacity(raw / 2 + 128));
    let mut pages = SerializedPageWriter::new(&mut sink);
    let (mut packed, mut unpacked, mut dictionary_offset) = (0, 0, None);
    let mut encodings = vec![data.encoding, Encoding::RLE];
    if let Some(page) = dictionary {
        let length = page.bytes.len();
        let buf = Bytes::from(dictionary_bytes.unwrap_or(page.bytes));
        let num_values = count(page.values)?;
        let page = Page::DictionaryPage { buf, num_values, encoding: page.encoding, is_sorted: false };
        let written = pages.write_page(CompressedPage::new(page, length))?;
        dictionary_offset = Some(written.offset as i64);
        packed += written.compressed_size;
        unpacked += written.uncompressed_size;
        encodings.push(Encoding::PLAIN);
    }
    let length = data.bytes.len();
    let page = Page::DataPage {
        buf: Bytes::from(data_bytes.unwrap_or(data.bytes)),
        num_values: count(data.values)?,
        encoding: data.encoding,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    };
    let written = pages.write_page(CompressedPage::new(page, length))?;
    let data_offset = written.offset as i64;
    packed += written.compressed_size;
    unpacked += written.uncompressed_size;

    let metadata = ColumnChunkMetaData::builder(descriptor.clone())
        .set_encodings(encodings)
        .set_num_values(data.values as i64)
        .set_compression(compression)
        .set_total_compressed_size(packed as i64)
        .set_total_uncompressed_size(unpacked as i64)
        .set_dictionary_page_offset(dictionary_offset)
        .set_data_page_offset(data_offset)
        .set_statistics(statistics)
        .build()?;
    let close = ColumnCloseResult {
        bytes_written: packed as u64,
        rows_written: rows as u64,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    Ok(Chunk { bytes: Bytes::from(sink.into_inner()?), close })
}

fn count(values: usize) -> Result<u32> {
    u32::try_from(values).map_err(|_| ParquetError::General("a page has too many values".to_owned()))
}
