//! How this project writes Parquet: the same rows give the same bytes, and every engine reads them without settings.

use std::fs::File;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{FooterTail, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;

use crate::ledger::Output;
use crate::store::Store;

mod chunk;
mod column;
mod hybrid;
mod join;
mod known;
mod table;
#[cfg(test)]
mod tests;
mod values;

pub use self::join::Joined;
pub use self::table::{Cells, TableFile};

/// The last bytes of a Parquet file: the footer's length and the magic.
const TAIL: u64 = 8;

/// Rows of a row group: what one open writer holds in memory.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// A file names no version of its writer and no Arrow schema, so that bytes depend on rows alone.
fn properties() -> Result<WriterProperties> {
    let properties = WriterProperties::builder()
        .set_created_by("tributary".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    Ok(properties.build())
}

/// A writer of columns of any type into a new temporary file.
pub fn writer(schema: &SchemaRef) -> Result<ArrowWriter<File>> {
    let options = ArrowWriterOptions::new().with_properties(properties()?).with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(tempfile::tempfile()?, Arc::clone(schema), options)
}

/// The count of rows that the footer of an output tells, which is Parquet.
pub async fn rows(store: &Store, output: &Output) -> Result<u64> {
    let wrong = |why: String| ParquetError::General(format!("{}: {why}", store.url(&output.key)));
    let range = |length: u64| output.bytes.saturating_sub(length)..output.bytes;
    let tail =
        store.get_range(&output.key, &output.etag, range(TAIL)).await.map_err(|error| wrong(error.to_string()))?;
    let tail: &[u8; TAIL as usize] = tail.as_ref().try_into().map_err(|_| wrong("it is no Parquet file".to_owned()))?;
    let length = FooterTail::try_new(tail)?.metadata_length() as u64;
    let footer = store
        .get_range(&output.key, &output.etag, range(TAIL + length))
        .await
        .map_err(|error| wrong(error.to_string()))?;
    let metadata = footer.get(..length as usize).ok_or_else(|| wrong("its footer is cut off".to_owned()))?;
    let rows = ParquetMetaDataReader::decode_metadata(metadata)?.file_metadata().num_rows();
    Ok(rows.unsigned_abs())
}
