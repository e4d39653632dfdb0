//! Clean rows on their way to Parquet: one temporary file per partition, in bounded memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Seek;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::datatypes::{Date32Type, SchemaRef};
use arrow::row::{RowConverter, SortField};
use chrono::NaiveDate;
use lake::dataset::Table;
use lake::ledger::Rows;
use lake::partition::{Partition, PartitionBy};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use xxhash_rust::xxh3::xxh3_128;

use crate::duplicates::{Duplicates, RowSet};
use crate::error::Stop;
use crate::reject::{Reject, RejectWriter};
use crate::spill::{PartBytes, Spill, Spilled};

/// Bytes that all open partitions together may hold before the largest writes a row group early.
const OPEN_BYTES: usize = 64 * 1024 * 1024;
/// Column writers that may be open at once: each holds some 30 KiB however few its rows are. Rows of further partitions
/// wait in a file.
const OPEN_COLUMNS: usize = 4 * 1024;
/// Partitions that may be open at once: each has a file.
const OPEN_PARTS: usize = 128;
/// Rows per batch of a rewrite.
const BATCH_ROWS: usize = 8 * 1024;

/// A finished partition.
pub struct PartFile {
    /// Which partition.
    pub partition: Partition,
    /// The Parquet file's bytes.
    pub bytes: PartBytes,
    /// Its rows.
    pub rows: u64,
    /// First and last local day, where the table has a day.
    pub days: Option<(NaiveDate, NaiveDate)>,
}

/// Everything that one raw object was made into.
pub struct Written {
    /// The account.
    pub rows: Rows,
    /// One file per partition, by partition.
    pub parts: Vec<PartFile>,
    /// The rejected rows, if any.
    pub rejects: Option<File>,
}

/// Where decoded rows go.
pub trait Sink {
    /// Takes clean rows, in the order and with the columns of the table's schema.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop>;

    /// Takes one invalid row.
    fn reject(&mut self, reject: &Reject) -> Result<(), Stop>;

    /// Counts values beyond the window that was asked for.
    fn outside(&mut self, count: u64);
}

/// Takes the clean and the rejected rows of one raw object.
pub struct TableWriter<'a> {
    table: &'a Table,
    schema: SchemaRef,
    key_partition: Option<Partition>,
    day_column: Option<usize>,
    measure_column: Option<usize>,
    keys: Option<KeyHasher>,
    duplicates: Duplicates,
    parts: Vec<Part>,
    /// Rows of partitions that are not open.
    spill: Spill,
    by_partition: BTreeMap<Partition, usize>,
    rejects: RejectWriter,
    rows: Rows,
}

impl<'a> TableWriter<'a> {
    /// A writer for the rows that one raw object feeds into `table`.
    pub fn new(table: &'a Table, raw_key: &str, raw_version: Option<&str>) -> Result<Self, Stop> {
        let schema = table.schema();
        let index = |name: &str| schema.index_of(name).ok();
        let key_partition = match &table.partition {
            PartitionBy::Nothing => Some(Partition::whole()),
            PartitionBy::Time(..) => None,
            PartitionBy::Key(_) => {
                table.partition.of_key(raw_key).transpose().map_err(|why| Stop::reject("no_partition", why))?
            }
        };
        let day_column = match &table.partition {
            PartitionBy::Time(_, day) => index(day),
            _ => index("day"),
        };
        let key_columns: Vec<usize> = table.key.iter().filter_map(|name| index(name)).collect();
        Ok(Self {
            table,
            key_partition,
            day_column,
            measure_column: table.measure.as_deref().and_then(index),
            keys: if key_columns.is_empty() { None } else { Some(KeyHasher::new(&schema, key_columns)?) },
            schema,
            duplicates: Duplicates::default(),
            parts: Vec::new(),
            spill: Spill::default(),
            by_partition: BTreeMap::new(),
            rejects: RejectWriter::new(raw_key, raw_version),
            rows: Rows::default(),
        })
    }

    fn split_by_day(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let PartitionBy::Time(period, _) = &self.table.partition else { return Ok(()) };
        let period = *period;
        let days = self.day_column.and_then(|column| batch.column(column).as_primitive_opt::<Date32Type>());
        let Some(days) = days else { return Err(Stop::Broken("the partition's day is not a date".to_owned())) };
        // Rows of one day come together: the period is looked up once per run of equal days.
        let mut rows: BTreeMap<Partition, Vec<u32>> = BTreeMap::new();
        let mut run: Option<(i32, &mut Vec<u32>)> = None;
        for (row, day) in days.iter().enumerate() {
            let day = day.ok_or_else(|| Stop::Broken("a clean row has no day".to_owned()))?;
            let row = u32::try_from(row).map_err(|_| Stop::Broken("a batch is too long".to_owned()))?;
            match &mut run {
                Some((known, rows)) if *known == day => rows.push(row),
                _ => {
                    let partition = to_date(day).and_then(|date| period.of(date));
                    let partition =
                        partition.ok_or_else(|| Stop::Broken("the day of a clean row is out of range".to_owned()))?;
                    let rows = rows.entry(partition).or_default();
                    rows.push(row);
                    run = Some((day, rows));
                }
            }
        }
        let only_one = rows.len() == 1;
        for (partition, rows) in rows {
            if only_one {
                self.write_part(&partition, batch)?;
            } else {
                self.write_part(&partition, &take_record_batch(batch, &UInt32Array::from(rows))?)?;
            }
        }
        Ok(())
    }

    fn write_part(&mut self, partition: &Partition, batch: &RecordBatch) -> Result<(), Stop> {
        let number = match self.by_partition.get(partition) {
            Some(number) => *number,
            None => {
                let is_open = self.parts.len() < open_parts(&self.schema);
                self.parts.push(Part::new(partition.clone(), &self.schema, is_open)?);
                self.by_partition.insert(partition.clone(), self.parts.len() - 1);
                self.parts.len() - 1
            }
        };
        let too_many = || Stop::reject("too_many_rows", "a partition would get more than 4 billion rows");
        let Some(part) = self.parts.get_mut(number) else { return Ok(()) };
        if let Some(keys) = &self.keys {
            let (number, mut row) = (u32::try_from(number).map_err(|_| too_many())?, part.rows);
            for hash in keys.hash(batch)? {
                self.duplicates.add(hash, number, u32::try_from(row).map_err(|_| too_many())?)?;
                row += 1;
            }
        }
        part.write(batch, self.day_column, self.measure_column, &mut self.spill)?;
        self.bound_memory()
    }

    /// With many partitions open, the largest give way before the whole grows too large.
    fn bound_memory(&mut self) -> Result<(), Stop> {
        let mut writers: Vec<&mut ArrowWriter<File>> =
            self.parts.iter_mut().filter_map(|part| part.rows_in.writer()).collect();
        let mut open: usize = writers.iter().map(|writer| writer.memory_size()).sum();
        while open > OPEN_BYTES {
            let Some(largest) = writers.iter_mut().max_by_key(|writer| writer.memory_size()) else {
                return Ok(());
            };
            let before = largest.memory_size();
            largest.flush()?;
            let freed = before.saturating_sub(largest.memory_size());
            if freed == 0 {
                return Ok(());
            }
            open -= freed;
        }
        Ok(())
    }

    /// Closes all files, leaving out rows that are superseded.
    pub fn finish(mut self) -> Result<Written, Stop> {
        let superseded = self.duplicates.finish(self.parts.len())?;
        let mut parts = Vec::new();
        // Files of many partitions cannot all stay open: their bytes wait in one.
        let keep_open = self.parts.len() <= OPEN_PARTS;
        let mut finished = Spill::default();
        for (part, superseded) in self.parts.into_iter().zip(superseded) {
            let duplicate = superseded.len();
            let part = part.finish(&self.schema, &superseded, self.day_column, self.measure_column, &mut self.spill)?;
            self.rows.duplicate += duplicate;
            self.rows.clean += part.rows;
            self.rows.missing += part.missing;
            let bytes = if keep_open { PartBytes::File(part.file) } else { finished.take_file(part.file)? };
            parts.push(PartFile { partition: part.partition, rows: part.rows, days: part.days, bytes });
        }
        parts.sort_by(|a, b| a.partition.cmp(&b.partition));
        Ok(Written { rows: self.rows, parts, rejects: self.rejects.finish()? })
    }
}

/// How many partitions of a table may be open at once.
fn open_parts(schema: &SchemaRef) -> usize {
    (OPEN_COLUMNS / schema.fields().len().max(1)).clamp(1, OPEN_PARTS)
}

impl Sink for TableWriter<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.rows.read += batch.num_rows() as u64;
        match self.key_partition.clone() {
            Some(partition) => self.write_part(&partition, batch),
            None => self.split_by_day(batch),
        }
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        self.rows.read += 1;
        self.rows.rejected += 1;
        Ok(self.rejects.write(reject)?)
    }

    fn outside(&mut self, count: u64) {
        self.rows.read += count;
        self.rows.outside += count;
    }
}

/// Where the rows of a partition are.
enum RowsIn {
    /// In an open Parquet file.
    Parquet(Box<ArrowWriter<File>>),
    /// In the file that partitions share, batch by batch.
    Spilled(Vec<Spilled>),
}

impl RowsIn {
    fn writer(&mut self) -> Option<&mut ArrowWriter<File>> {
        match self {
            RowsIn::Parquet(writer) => Some(writer),
            RowsIn::Spilled(_) => None,
        }
    }
}

/// One partition while it is written.
struct Part {
    partition: Partition,
    rows_in: RowsIn,
    rows: u64,
    missing: u64,
    days: Option<(i32, i32)>,
}

struct FinishedPart {
    partition: Partition,
    file: File,
    rows: u64,
    missing: u64,
    days: Option<(NaiveDate, NaiveDate)>,
}

impl Part {
    fn new(partition: Partition, schema: &SchemaRef, is_open: bool) -> Result<Self, Stop> {
        let rows_in = if is_open {
            RowsIn::Parquet(Box::new(lake::parquet::writer(schema)?))
        } else {
            RowsIn::Spilled(Vec::new())
        };
        Ok(Self { partition, rows_in, rows: 0, missing: 0, days: None })
    }

    fn write(
        &mut self,
        batch: &RecordBatch,
        day: Option<usize>,
        measure: Option<usize>,
        spill: &mut Spill,
    ) -> Result<(), Stop> {
        self.rows += batch.num_rows() as u64;
        if let Some(measure) = measure {
            self.missing += batch.column(measure).null_count() as u64;
        }
        let days = day.and_then(|day| batch.column(day).as_primitive_opt::<Date32Type>());
        for day in days.into_iter().flat_map(|days| [arrow::compute::min(days), arrow::compute::max(days)]).flatten() {
            self.days = Some(self.days.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
        }
        match &mut self.rows_in {
            RowsIn::Parquet(writer) => writer.write(batch)?,
            RowsIn::Spilled(batches) => batches.push(spill.add(batch)?),
        }
        Ok(())
    }

    fn finish(
        self,
        schema: &SchemaRef,
        superseded: &RowSet,
        day: Option<usize>,
        measure: Option<usize>,
        spill: &mut Spill,
    ) -> Result<FinishedPart, Stop> {
        let part = if superseded.len() > 0 || matches!(self.rows_in, RowsIn::Spilled(_)) {
            self.without(schema, superseded, day, measure, spill)?
        } else {
            self
        };
        let days = part.days.and_then(|(first, last)| Some((to_date(first)?, to_date(last)?)));
        let RowsIn::Parquet(writer) = part.rows_in else {
            return Err(Stop::Broken("rows of a partition were not written".to_owned()));
        };
        let file = writer.into_inner()?;
        Ok(FinishedPart { partition: part.partition, file, rows: part.rows, missing: part.missing, days })
    }

    /// Writes the part again, into a Parquet file, without its superseded rows.
    fn without(
        self,
        schema: &SchemaRef,
        superseded: &RowSet,
        day: Option<usize>,
        measure: Option<usize>,
        spill: &mut Spill,
    ) -> Result<Part, Stop> {
        let mut rewritten = Part::new(self.partition, schema, true)?;
        let mut row = 0_u32;
        let mut keep_rows = |batch: &RecordBatch, spill: &mut Spill| -> Result<(), Stop> {
            let count = u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
            let rows = row..row.saturating_add(count);
            row = rows.end;
            let kept = if superseded.len() == 0 {
                batch.clone()
            } else {
                let keep: BooleanArray = rows.map(|row| Some(!superseded.contains(row))).collect();
                filter_record_batch(batch, &keep)?
            };
            // What was read back has the file's names and types, but not the schema's own object.
            let kept = RecordBatch::try_new(Arc::clone(schema), kept.columns().to_vec())?;
            rewritten.write(&kept, day, measure, spill)
        };
        match self.rows_in {
            RowsIn::Parquet(writer) => {
                let mut file = writer.into_inner()?;
                file.rewind()?;
                for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(BATCH_ROWS).build()? {
                    keep_rows(&batch?, spill)?;
                }
            }
            RowsIn::Spilled(batches) => {
                for batch in &batches {
                    let batch = spill.read(batch)?;
                    keep_rows(&batch, spill)?;
                }
            }
        }
        Ok(rewritten)
    }
}

fn to_date(days: i32) -> Option<NaiveDate> {
    Date32Type::to_naive_date_opt(days)
}

/// Hashes the key columns of rows.
struct KeyHasher {
    converter: RowConverter,
    columns: Vec<usize>,
}

impl KeyHasher {
    fn new(schema: &SchemaRef, columns: Vec<usize>) -> Result<Self, Stop> {
        let fields = columns.iter().map(|column| SortField::new(schema.field(*column).data_type().clone())).collect();
        Ok(Self { converter: RowConverter::new(fields)?, columns })
    }

    fn hash(&self, batch: &RecordBatch) -> Result<Vec<u128>, Stop> {
        let columns: Vec<ArrayRef> = self.columns.iter().map(|column| Arc::clone(batch.column(*column))).collect();
        let rows = self.converter.convert_columns(&columns)?;
        Ok(rows.iter().map(|row| xxh3_128(row.as_ref())).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lake::dataset::{Catalog, Folder};

    use super::*;
    use crate::formats::{self, RawObject, Siblings};

    fn catalog(partition: &str) -> Catalog {
        let text = format!(
            "title = \"T\"\ntime_zone = \"UTC\"\n[table.t]\nfrom = \"*\"\n{partition}\nkey = [\"a\"]\n\
             [table.t.column]\na = {{ type = \"int64\" }}\nday = {{ type = \"date\" }}\n"
        );
        let folder = Folder::from([("dataset.toml".to_owned(), text)]);
        Catalog::with_folders(BTreeMap::from([("d".to_owned(), folder)]))
    }

    fn write(catalog: &Catalog, text: &str) -> Written {
        let dataset = catalog.dataset("d").unwrap();
        let table = dataset.table("t").unwrap();
        let received_at = chrono::DateTime::from_timestamp(0, 0).unwrap();
        let object = RawObject { dataset, table, key: "d/a.csv", received_at };
        let mut writer = TableWriter::new(table, "d/a.csv", None).unwrap();
        let notes = formats::decode(&object, Siblings::new(), text.as_bytes(), &mut writer).unwrap();
        let written = writer.finish().unwrap();
        assert_eq!(notes.seen, written.rows.read);
        written
    }

    fn rows(part: PartFile) -> Vec<(i64, i32)> {
        let mut file = part.bytes.into_file().unwrap();
        file.rewind().unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let mut found = Vec::new();
        for batch in reader {
            let batch = batch.unwrap();
            let numbers = batch.column(0).as_primitive::<arrow::datatypes::Int64Type>();
            let days = batch.column(1).as_primitive::<Date32Type>();
            found.extend(numbers.values().iter().copied().zip(days.values().iter().copied()));
        }
        assert_eq!(found.len() as u64, part.rows);
        found
    }

    #[test]
    fn any_number_of_partitions_is_written_with_few_open_files() {
        let day = |number: u64| NaiveDate::from_ymd_opt(2020, 1, 1).unwrap() + chrono::Days::new(number);
        let mut text = "a,day\n".to_owned();
        // Each key twice in its day: the first is superseded.
        for number in (0..1_000).flat_map(|number| [number, number]).chain(1_000..1_500) {
            text.push_str(&format!("{number},{}\n", day(number)));
        }
        let catalog = catalog("partition = \"date(day)\"");
        let written = write(&catalog, &text);
        assert_eq!((written.rows.read, written.rows.clean, written.rows.duplicate), (2_500, 1_500, 1_000));
        assert!(written.parts.iter().all(|part| matches!(part.bytes, PartBytes::Shared { .. })));
        assert_eq!(written.parts.len(), 1_500);
        for (part, number) in written.parts.into_iter().zip(0..) {
            assert_eq!(part.partition.as_str(), format!("date={}", day(number)));
            assert_eq!(part.days, Some((day(number), day(number))));
            assert_eq!(rows(part), [(number as i64, Date32Type::from_naive_date(day(number)))]);
        }
    }

    #[test]
    fn a_partition_has_the_same_bytes_whether_it_was_open_or_waited_in_a_file() {
        let catalog = catalog("partition = \"month(day)\"");
        let alone: String = (1..=3000).map(|row| format!("{row},2026-11-{:02}\n", row % 30 + 1)).collect();
        let before: String = (0..200).map(|row| format!("{row},{:04}-01-01\n", 1800 + row)).collect();
        let bytes = |text: &str| {
            let written = write(&catalog, text);
            let part = written.parts.into_iter().find(|part| part.partition.as_str() == "month=2026-11").unwrap();
            lake::hash::reader(&mut {
                let mut file = part.bytes.into_file().unwrap();
                file.rewind().unwrap();
                file
            })
            .unwrap()
        };
        assert_eq!(bytes(&format!("a,day\n{alone}")), bytes(&format!("a,day\n{before}{alone}")));
    }
}
