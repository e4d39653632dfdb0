//! Clean rows on their way to Parquet: one file per partition, in bounded memory.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{Array, AsArray, Date32Array, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Date32Type, SchemaRef};
use chrono::NaiveDate;
use lake::dataset::{Spread, Table};
use lake::draft::{Draft, Drafted};
use lake::ledger::Rows;
use lake::parquet::TableFile;
use lake::partition::{Partition, PartitionBy, Period};

use crate::duplicates::Duplicates;
use crate::error::Stop;
use crate::key::{KeyColumns, Proof};
use crate::part::{ClosedPart, Counted, OpenPart};
use crate::reject::{Reject, RejectWriter};
use crate::run::Run;
use crate::spill::{PartBytes, Spill};

/// Bytes that all open partitions together may hold before the largest writes a row group early.
const OPEN_BYTES: usize = 64 * 1024 * 1024;
/// Column writers that may be open at once. Rows of further partitions wait in a file.
const OPEN_COLUMNS: usize = 4 * 1024;
/// Partitions that may be open at once: each may have a file.
const OPEN_PARTS: usize = 128;
/// Rows in runs between two looks at the memory that they take.
const LOOK_ROWS: usize = 8 * 1024;

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
    /// First and last time in the key, in microseconds from 1970 UTC.
    pub times: Option<(i64, i64)>,
}

/// Everything that one raw object was made into.
pub struct Written {
    /// The account.
    pub rows: Rows,
    /// One file per partition, by partition.
    pub parts: Vec<PartFile>,
    /// The rejected rows, if any.
    pub rejects: Option<Drafted>,
}

/// Where decoded rows go.
pub trait Sink {
    /// Takes clean rows, in the order and with the columns of the table's schema.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop>;

    /// Takes clean rows that are alike. A sink that has no better way takes them one by one.
    fn write_run(&mut self, schema: &SchemaRef, run: &Run) -> Result<(), Stop> {
        self.write(&run.to_batch(schema)?)
    }

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
    counted: Counted,
    keys: Option<KeyColumns>,
    duplicates: Duplicates,
    /// Keys of rows that may come again in another part.
    across: Duplicates,
    spread: Spread,
    parts: Vec<OpenPart>,
    /// Rows of partitions that are not open.
    spill: Spill,
    by_partition: BTreeMap<Partition, usize>,
    /// The day of the last run, and the number of its part.
    last_run: Option<(i32, usize)>,
    /// Rows in runs since memory was looked at.
    unseen: usize,
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
        let day = match &table.partition {
            PartitionBy::Time(_, day) => index(day),
            _ => index("day"),
        };
        Ok(Self {
            table,
            key_partition,
            counted: Counted {
                day,
                time: table.key_time().and_then(index),
                measure: table.measure.as_deref().and_then(index),
            },
            keys: KeyColumns::new(&schema, &table.key)?,
            schema,
            duplicates: Duplicates::default(),
            across: Duplicates::across(),
            spread: table.spread(),
            parts: Vec::new(),
            spill: Spill::default(),
            by_partition: BTreeMap::new(),
            last_run: None,
            unseen: 0,
            rejects: RejectWriter::new(raw_key, raw_version),
            rows: Rows::default(),
        })
    }

    fn split_by_day(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let days = self.counted.day.and_then(|column| batch.column(column).as_primitive_opt::<Date32Type>());
        let Some(days) = days else { return Err(Stop::Broken("the partition's day is not a date".to_owned())) };
        // Where the rows stand among all of the object.
        let order = self.rows.read - batch.num_rows() as u64;
        if days.null_count() > 0 {
            return Err(Stop::Broken("a clean row has no day".to_owned()));
        }
        // Rows of one day come together, and those of one partition: both are looked up once per run.
        let mut runs: Vec<(usize, Range<u32>)> = Vec::new();
        let mut end = 0;
        for same in days.values().chunk_by(|day, next| day == next) {
            let Some(day) = same.first() else { continue };
            let number = self.part_of_day(*day)?;
            let start = end;
            end += u32::try_from(same.len()).map_err(|_| Stop::Broken("a batch is too long".to_owned()))?;
            match runs.last_mut() {
                Some((last, rows)) if *last == number => rows.end = end,
                _ => runs.push((number, start..end)),
            }
        }
        if let [(number, rows)] = runs.as_slice() {
            self.add_across(*number, batch, days, (order, rows.clone()))?;
            return self.write_part(*number, batch);
        }
        let mut by_part: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (number, rows) in runs {
            by_part.entry(number).or_default().extend(rows);
        }
        for (number, rows) in by_part {
            self.add_across(number, batch, days, (order, rows.iter().copied()))?;
            self.write_part(number, &take_record_batch(batch, &UInt32Array::from(rows))?)?;
        }
        Ok(())
    }

    /// Takes note of the keys of rows that go to part `number` and that may come again in another one.
    fn add_across(
        &mut self,
        number: usize,
        batch: &RecordBatch,
        days: &Date32Array,
        (order, rows): (u64, impl Iterator<Item = u32>),
    ) -> Result<(), Stop> {
        let (Some(keys), Some(part)) = (&self.keys, self.parts.get(number)) else { return Ok(()) };
        let (first, PartitionBy::Time(period, _)) = (part.rows, &self.table.partition) else { return Ok(()) };
        let mut known: Option<(i32, bool)> = None;
        let mut may_come_again = |row: &u32| match self.spread {
            Spread::SameDay => false,
            Spread::AnyDay => true,
            Spread::NearDays => {
                let day = days.values().get(*row as usize).copied().unwrap_or_default();
                match known {
                    Some((last, is_near)) if last == day => is_near,
                    _ => known.insert((day, is_near_an_end(*period, day))).1,
                }
            }
        };
        let rows = rows.zip(first..).filter(|(row, _)| may_come_again(row));
        let (places, in_part): (Vec<u32>, Vec<u64>) = rows.unzip();
        if places.is_empty() {
            return Ok(());
        }
        let too_many = || Stop::reject("too_many_rows", "a partition would get more than 4 billion rows");
        let number = u32::try_from(number).map_err(|_| too_many())?;
        let hashes = keys.hashes(&take_record_batch(batch, &UInt32Array::from(places.clone()))?)?;
        for ((hash, place), row) in hashes.into_iter().zip(places).zip(in_part) {
            let row = u32::try_from(row).map_err(|_| too_many())?;
            self.across.add_at(hash, order + u64::from(place), number, row)?;
        }
        Ok(())
    }

    /// The number of the part that rows of a day belong to.
    fn part_of_day(&mut self, day: i32) -> Result<usize, Stop> {
        let PartitionBy::Time(period, _) = &self.table.partition else {
            return Err(Stop::Broken("the table is not partitioned by time".to_owned()));
        };
        let partition = to_date(day).and_then(|date| period.of(date));
        let partition = partition.ok_or_else(|| Stop::Broken("the day of a clean row is out of range".to_owned()))?;
        self.part(&partition)
    }

    /// The number of a partition's part, which is made if there is none yet.
    fn part(&mut self, partition: &Partition) -> Result<usize, Stop> {
        if let Some(number) = self.by_partition.get(partition) {
            return Ok(*number);
        }
        let is_open = self.parts.len() < open_parts(&self.schema);
        self.parts.push(OpenPart::new(partition.clone(), &self.schema, is_open)?);
        self.by_partition.insert(partition.clone(), self.parts.len() - 1);
        Ok(self.parts.len() - 1)
    }

    fn write_part(&mut self, number: usize, batch: &RecordBatch) -> Result<(), Stop> {
        let Some(part) = self.parts.get_mut(number) else { return Ok(()) };
        if let Some(keys) = &self.keys {
            keys.add(&mut part.proof, batch, (number, part.rows), &mut self.duplicates)?;
        }
        part.write(batch, self.counted, &mut self.spill)?;
        self.bound_memory()
    }

    /// With many partitions open, the largest give way before the whole grows too large.
    fn bound_memory(&mut self) -> Result<(), Stop> {
        self.unseen = 0;
        let mut files: Vec<&mut TableFile<Draft>> = self.parts.iter_mut().filter_map(OpenPart::file).collect();
        let mut open: usize = files.iter().map(|file| file.memory_size()).sum();
        while open > OPEN_BYTES {
            let Some(largest) = files.iter_mut().max_by_key(|file| file.memory_size()) else {
                return Ok(());
            };
            open -= largest.memory_size();
            largest.flush()?;
        }
        Ok(())
    }

    /// Closes all files, leaving out rows that are superseded.
    pub fn finish(mut self) -> Result<Written, Stop> {
        let mut closed = self.parts.into_iter().map(OpenPart::close).collect::<Result<Vec<ClosedPart>, _>>()?;
        if let Some(keys) = &self.keys {
            let unproved = closed.iter_mut().enumerate().filter(|(_, part)| matches!(part.proof, Proof::Open));
            for (number, part) in unproved {
                let (mut proof, mut row) = (Proof::Hashed, 0);
                part.read(&self.schema, &mut self.spill, |batch, _| {
                    keys.add(&mut proof, batch, (number, row), &mut self.duplicates)?;
                    row += batch.num_rows() as u64;
                    Ok(())
                })?;
            }
        }
        let mut superseded = self.duplicates.finish(closed.len())?;
        for (rows, more) in superseded.iter_mut().zip(self.across.finish(closed.len())?) {
            rows.extend(&more);
        }
        let mut parts = Vec::new();
        // Files of many partitions cannot all stay open: their bytes wait in one.
        let keep_open = closed.len() <= OPEN_PARTS;
        let mut finished = Spill::default();
        for (part, superseded) in closed.into_iter().zip(superseded) {
            let part = part.finish(&self.schema, &superseded, self.counted, &mut self.spill)?;
            self.rows.duplicate += superseded.len();
            self.rows.clean += part.rows;
            self.rows.missing += part.missing;
            let (partition, rows, times) = (part.partition.clone(), part.rows, part.times);
            let days = part.days.and_then(|(first, last)| Some((to_date(first)?, to_date(last)?)));
            let file = part.into_file()?;
            let bytes = if keep_open { PartBytes::Own(file) } else { finished.take(file)? };
            parts.push(PartFile { partition, rows, days, times, bytes });
        }
        parts.sort_by(|a, b| a.partition.cmp(&b.partition));
        Ok(Written { rows: self.rows, parts, rejects: self.rejects.finish()? })
    }
}

/// Whether the days around a day, as far as [`Spread::NEAR`], are of another period.
fn is_near_an_end(period: Period, day: i32) -> bool {
    let near = Spread::NEAR as i32;
    let of = |day: i32| to_date(day).and_then(|date| period.of(date));
    of(day.saturating_sub(near)) != of(day) || of(day.saturating_add(near)) != of(day)
}

/// How many partitions of a table may be open at once.
fn open_parts(schema: &SchemaRef) -> usize {
    (OPEN_COLUMNS / schema.fields().len().max(1)).clamp(1, OPEN_PARTS)
}

impl Sink for TableWriter<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.rows.read += batch.num_rows() as u64;
        match self.key_partition.clone() {
            Some(partition) => {
                let number = self.part(&partition)?;
                self.write_part(number, batch)
            }
            None => self.split_by_day(batch),
        }
    }

    fn write_run(&mut self, schema: &SchemaRef, run: &Run) -> Result<(), Stop> {
        let number = match (&self.key_partition, self.last_run) {
            (_, Some((day, number))) if day == run.day => number,
            (Some(partition), _) => self.part(&partition.clone())?,
            (None, _) => self.part_of_day(run.day)?,
        };
        self.last_run = Some((run.day, number));
        let Some(part) = self.parts.get_mut(number) else { return Ok(()) };
        if let Some(keys) = &mut self.keys {
            keys.add_run(&mut part.proof, run);
        }
        self.rows.read += run.rows() as u64;
        part.write_run(schema, run, self.counted, &mut self.spill)?;
        self.unseen += run.rows();
        if self.unseen < LOOK_ROWS { Ok(()) } else { self.bound_memory() }
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

fn to_date(days: i32) -> Option<NaiveDate> {
    Date32Type::to_naive_date_opt(days)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Int64Array, TimestampMicrosecondArray};
    use bytes::Bytes;
    use lake::dataset::{Catalog, Folder};

    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use proptest::prelude::*;

    use super::*;
    use crate::formats::{self, RawObject, Siblings};

    fn catalog(partition: &str) -> Catalog {
        catalog_with_key(partition, "[\"a\"]")
    }

    fn catalog_with_key(partition: &str, key: &str) -> Catalog {
        let text = format!(
            "title = \"T\"\ntime_zone = \"UTC\"\n[table.t]\nfrom = \"*\"\n{partition}\nkey = {key}\n\
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
        let mut bytes = Vec::new();
        part.bytes.into_drafted().unwrap().content.reader().unwrap().read_to_end(&mut bytes).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap().build().unwrap();
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

    fn batch(schema: &SchemaRef, rows: &[(i64, i32)]) -> RecordBatch {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Date32Array>()),
            Arc::new(TimestampMicrosecondArray::from(vec![0; rows.len()]).with_timezone("UTC")),
        ];
        RecordBatch::try_new(Arc::clone(schema), columns).unwrap()
    }

    proptest! {
        /// Whether keys are proved different by their order, hashed at once or hashed late is not to be seen.
        #[test]
        fn of_rows_with_the_same_key_the_last_counts(
            mut rows in prop::collection::vec((0_i64..60, 0_i32..3), 1..80),
            sorted in 0_usize..80,
            by_day in any::<bool>(),
            cuts in prop::collection::vec(1_usize..30, 80),
            key in prop_oneof![Just("[\"a\"]"), Just("[\"a\", \"day\"]")],
        ) {
            let sorted = sorted.min(rows.len());
            if by_day { rows[..sorted].sort_by_key(|row| (row.1, row.0)) } else { rows[..sorted].sort() }
            let catalog = catalog_with_key("", key);
            let table = catalog.dataset("d").unwrap().table("t").unwrap();
            let mut writer = TableWriter::new(table, "d/a.csv", None).unwrap();
            let mut rest = rows.as_slice();
            for cut in cuts {
                let (some, others) = rest.split_at(cut.min(rest.len()));
                writer.write(&batch(&table.schema(), some)).unwrap();
                rest = others;
            }
            let written = writer.finish().unwrap();
            let key_of = |row: &(i64, i32)| (row.0, if key.contains("day") { row.1 } else { 0 });
            let is_last = |at: usize| !rows[at + 1..].iter().any(|later| key_of(later) == key_of(&rows[at]));
            let wanted: Vec<(i64, i32)> = (0..rows.len()).filter(|at| is_last(*at)).map(|at| rows[at]).collect();
            prop_assert_eq!(written.rows.duplicate, (rows.len() - wanted.len()) as u64);
            prop_assert!(written.rows.balance());
            prop_assert_eq!(written.parts.into_iter().flat_map(super::tests::rows).collect::<Vec<_>>(), wanted);
        }
    }

    fn last_of_each(text: &str, partition: &str, key: &str) -> (Vec<(i64, i32)>, u64) {
        let written = write(&catalog_with_key(partition, key), text);
        assert!(written.rows.balance());
        let mut found: Vec<(i64, i32)> = written.parts.into_iter().flat_map(rows).collect();
        found.sort_unstable();
        (found, written.rows.duplicate)
    }

    #[test]
    fn of_a_key_whose_rows_are_in_several_partitions_the_last_row_of_the_object_counts() {
        let day = |text: &str| Date32Type::from_naive_date(text.parse().unwrap());
        let text = "a,day\n1,2026-01-31\n2,2026-02-01\n1,2026-05-01\n2,2026-01-01\n1,2026-02-02\n1,2026-02-02\n";
        let wanted = vec![(1, day("2026-02-02")), (2, day("2026-01-01"))];
        assert_eq!(last_of_each(text, "partition = \"month(day)\"", "[\"a\"]"), (wanted, 4));
        // Keys that have their day are compared within it.
        assert_eq!(last_of_each(text, "partition = \"month(day)\"", "[\"a\", \"day\"]").1, 1);
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
            let mut drafted = part.bytes.into_drafted().unwrap();
            let hash = lake::hash::reader(drafted.content.reader().unwrap()).unwrap();
            assert_eq!(hash, (drafted.hash, drafted.bytes));
            hash
        };
        assert_eq!(bytes(&format!("a,day\n{alone}")), bytes(&format!("a,day\n{before}{alone}")));
    }
}
