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

/// Bytes that all open partitions together may hold before the largest writes a row group early.
const OPEN_BYTES: usize = 64 * 1024 * 1024;
/// Rows per batch of a rewrite.
const BATCH_ROWS: usize = 8 * 1024;

/// A finished partition.
pub struct PartFile {
    /// Which partition.
    pub partition: Partition,
    /// The Parquet file.
    pub file: File,
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
                self.parts.push(Part::new(partition.clone(), &self.schema)?);
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
        part.write(batch, self.day_column, self.measure_column)?;
        self.bound_memory()
    }

    /// With many partitions open, the largest give way before the whole grows too large.
    fn bound_memory(&mut self) -> Result<(), Stop> {
        let mut open: usize = self.parts.iter().map(|part| part.writer.memory_size()).sum();
        while open > OPEN_BYTES {
            let Some(largest) = self.parts.iter_mut().max_by_key(|part| part.writer.memory_size()) else {
                return Ok(());
            };
            let before = largest.writer.memory_size();
            largest.writer.flush()?;
            let freed = before.saturating_sub(largest.writer.memory_size());
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
        for (part, superseded) in self.parts.into_iter().zip(superseded) {
            let duplicate = superseded.len();
            let part = part.finish(&self.schema, &superseded, self.day_column, self.measure_column)?;
            self.rows.duplicate += duplicate;
            self.rows.clean += part.rows;
            self.rows.missing += part.missing;
            parts.push(PartFile { partition: part.partition, rows: part.rows, days: part.days, file: part.file });
        }
        parts.sort_by(|a, b| a.partition.cmp(&b.partition));
        Ok(Written { rows: self.rows, parts, rejects: self.rejects.finish()? })
    }
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

/// One partition while it is written.
struct Part {
    partition: Partition,
    writer: ArrowWriter<File>,
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
    fn new(partition: Partition, schema: &SchemaRef) -> Result<Self, Stop> {
        Ok(Self { partition, writer: lake::parquet::writer(schema)?, rows: 0, missing: 0, days: None })
    }

    fn write(&mut self, batch: &RecordBatch, day: Option<usize>, measure: Option<usize>) -> Result<(), Stop> {
        self.rows += batch.num_rows() as u64;
        if let Some(measure) = measure {
            self.missing += batch.column(measure).null_count() as u64;
        }
        let days = day.and_then(|day| batch.column(day).as_primitive_opt::<Date32Type>());
        for day in days.into_iter().flat_map(|days| [arrow::compute::min(days), arrow::compute::max(days)]).flatten() {
            self.days = Some(self.days.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
        }
        Ok(self.writer.write(batch)?)
    }

    fn finish(
        self,
        schema: &SchemaRef,
        superseded: &RowSet,
        day: Option<usize>,
        measure: Option<usize>,
    ) -> Result<FinishedPart, Stop> {
        if superseded.len() > 0 {
            return self.without(schema, superseded, day, measure)?.finish(schema, &RowSet::default(), day, measure);
        }
        let days = self.days.and_then(|(first, last)| Some((to_date(first)?, to_date(last)?)));
        let file = self.writer.into_inner()?;
        Ok(FinishedPart { partition: self.partition, file, rows: self.rows, missing: self.missing, days })
    }

    /// Writes the part again without its superseded rows.
    fn without(
        self,
        schema: &SchemaRef,
        superseded: &RowSet,
        day: Option<usize>,
        measure: Option<usize>,
    ) -> Result<Part, Stop> {
        let mut file = self.writer.into_inner()?;
        file.rewind()?;
        let mut rewritten = Part::new(self.partition, schema)?;
        let mut row = 0;
        for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(BATCH_ROWS).build()? {
            let batch = batch?;
            let keep: BooleanArray =
                (row..).take(batch.num_rows()).map(|row| Some(!superseded.contains(row))).collect();
            row += u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
            let kept = filter_record_batch(&batch, &keep)?;
            // What was read back has the file's names and types, but not the schema's own object.
            let kept = RecordBatch::try_new(Arc::clone(schema), kept.columns().to_vec())?;
            rewritten.write(&kept, day, measure)?;
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
