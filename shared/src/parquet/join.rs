//! Joins Parquet files by copying their row groups as they are.

use std::fs::File;
use std::io::Seek;
use std::sync::Arc;

use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::writer::SerializedFileWriter;

use super::properties;

/// A file to which row groups of others are added.
pub struct Joined {
    writer: SerializedFileWriter<File>,
    /// The count of the rows so far.
    pub rows: u64,
}

impl Joined {
    /// A new temporary file that begins with the row groups of `first`.
    pub fn new(first: &File) -> Result<Self> {
        let metadata = read(first)?;
        let schema = metadata.file_metadata().schema_descr().root_schema_ptr();
        let writer = SerializedFileWriter::new(tempfile::tempfile()?, schema, Arc::new(properties()?))?;
        let mut joined = Self { writer, rows: 0 };
        joined.append(first, &metadata)?;
        Ok(joined)
    }

    /// Adds the row groups of a file with the same columns, as [`super::writer`] writes them.
    pub fn add(&mut self, file: &File) -> Result<()> {
        self.append(file, &read(file)?)
    }

    /// Ends the file. Its bytes depend on those of the files that were added alone, and on their order.
    pub fn finish(self) -> Result<File> {
        let mut file = self.writer.into_inner()?;
        file.rewind()?;
        Ok(file)
    }

    fn append(&mut self, file: &File, metadata: &ParquetMetaData) -> Result<()> {
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let column_indexes = metadata.column_index().and_then(|indexes| indexes.get(number));
            let offset_indexes = metadata.offset_index().and_then(|indexes| indexes.get(number));
            let mut into = self.writer.next_row_group()?;
            for (at, column) in group.columns().iter().enumerate() {
                let closed = ColumnCloseResult {
                    bytes_written: column.compressed_size().unsigned_abs(),
                    rows_written: group.num_rows().unsigned_abs(),
                    metadata: column.clone(),
                    bloom_filter: None,
                    column_index: column_indexes.and_then(|indexes| indexes.get(at)).cloned(),
                    offset_index: offset_indexes.and_then(|indexes| indexes.get(at)).cloned(),
                };
                into.append_column(file, closed)?;
            }
            into.close()?;
            self.rows += group.num_rows().unsigned_abs();
        }
        Ok(())
    }
}

fn read(file: &File) -> Result<ParquetMetaData> {
    ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional).parse_and_finish(file)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch, StringArray};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::super::writer;
    use super::*;

    fn batch(numbers: std::ops::Range<i64>) -> RecordBatch {
        let texts: StringArray = numbers.clone().map(|number| Some(format!("t{}", number % 7))).collect();
        RecordBatch::try_from_iter([
            ("number", Arc::new(Int64Array::from_iter_values(numbers)) as arrow::array::ArrayRef),
            ("text", Arc::new(texts)),
        ])
        .unwrap()
    }

    fn file(batch: &RecordBatch) -> File {
        let mut writer = writer(&batch.schema()).unwrap();
        writer.write(batch).unwrap();
        writer.into_inner().unwrap()
    }

    #[test]
    fn joined_files_have_the_rows_of_all() {
        // More than one row group, one row, none.
        let batches = [batch(0..300_000), batch(5..6), batch(0..0), batch(7..40)];
        let mut joined = Joined::new(&file(&batches[0])).unwrap();
        batches.iter().skip(1).for_each(|batch| joined.add(&file(batch)).unwrap());
        assert_eq!(joined.rows, 300_034);
        let reader = ParquetRecordBatchReaderBuilder::try_new(joined.finish().unwrap()).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 300_034);
        let rows: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        let schema = batches[0].schema();
        let all = arrow::compute::concat_batches(&schema, &batches).unwrap();
        assert_eq!(arrow::compute::concat_batches(&schema, &rows).unwrap(), all);
    }

    #[test]
    fn a_file_joined_with_nothing_keeps_its_row_groups() {
        let alone = Joined::new(&file(&batch(0..200_000))).unwrap().finish().unwrap();
        assert_eq!(read(&alone).unwrap().num_row_groups(), 2);
    }
}
