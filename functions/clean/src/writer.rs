//! Clean rows on their way to Parquet: one file per partition, in bounded memory.

mod across;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Date32Type, SchemaRef};
use chrono::NaiveDate;
use lake::dataset::Table;
use lake::draft::{Draft, Drafted};
use lake::ledger::{Reasons, Rows};
use lake::parquet::{Cells, TableFile};
use lake::partition::{Partition, PartitionBy};

use self::across::Across;
use crate::duplicates::Duplicates;
use crate::error::Stop;
use crate::key::{Ascent, KeyColumns, Proof};
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
    /// By which columns its rows ascend.
    pub orders: Vec<Vec<String>>,
}

/// Everything that one raw object was made into.
pub struct Written {
    /// The account.
    pub rows: Rows,
    /// One file per partition, by partition.
    pub parts: Vec<PartFile>,
    /// The rejected rows, if any.
    pub rejects: Option<Drafted>,
    /// The same by reason.
    pub reasons: Reasons,
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

/// The order of the keys of all rows of an object.
enum Order {
    /// None is less than the one before. The last rows wait here until it is known whether the key of the last comes again.
    Ascending(Option<(Ascent, RecordBatch)>),
    /// Any: each part is looked at by itself.
    Any,
}

/// Takes the clean and the rejected rows of one raw object.
pub struct TableWriter<'a> {
    table: &'a Table,
    schema: SchemaRef,
    key_partition: Option<Partition>,
    /// What each row has of its raw key.
    key_value: Option<String>,
    counted: Counted,
    keys: Option<KeyColumns>,
    duplicates: Duplicates,
    /// Keys of rows that may come again in another part.
    across: Across,
    order: Order,
    /// Rows of the object before those that were written last.
    before: u64,
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
        let schema = table.object_schema();
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
        let key_value = table.key_column().zip(key_partition.as_ref()).and_then(|(field, partition)| {
            partition.values().find(|(name, _)| name == field.name()).map(|(_, value)| value)
        });
        Ok(Self {
            table,
            key_partition,
            key_value,
            counted: Counted {
                day,
                time: table.key_time().and_then(index),
                measure: table.measure.as_deref().and_then(index),
                key: table.key.iter().filter_map(|name| index(name)).collect(),
            },
            keys: KeyColumns::new(&schema, &table.key)?,
            schema,
            duplicates: Duplicates::default(),
            across: Across::new(table),
            order: Order::Ascending(None),
            before: 0,
            parts: Vec::new(),
            spill: Spill::default(),
            by_partition: BTreeMap::new(),
            last_run: None,
            unseen: 0,
            rejects: RejectWriter::new(raw_key, raw_version),
            rows: Rows::default(),
        })
    }

    /// Adds rows to their parts. `ascent` is the proof that keys ascend among all rows of the object, if they do.
    fn route(&mut self, batch: &RecordBatch, ascent: Option<&Ascent>) -> Result<(), Stop> {
        match self.key_partition.clone() {
            Some(partition) => {
                let number = self.part(&partition)?;
                self.write_part(number, batch, ascent, |place| place)
            }
            None => self.split_by_day(batch, ascent),
        }
    }

    /// Goes on without an order of all rows.
    fn end_order(&mut self) -> Result<(), Stop> {
        if let Order::Ascending(Some((ascent, waiting))) = std::mem::replace(&mut self.order, Order::Any) {
            self.route(&waiting, Some(&ascent))?;
            self.across.begin(self.parts.iter().map(|part| part.rows).collect());
        }
        Ok(())
    }

    fn split_by_day(&mut self, batch: &RecordBatch, ascent: Option<&Ascent>) -> Result<(), Stop> {
        let days = self.counted.day.and_then(|column| batch.column(column).as_primitive_opt::<Date32Type>());
        let Some(days) = days else { return Err(Stop::Broken("the partition's day is not a date".to_owned())) };
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
        if let [(number, _)] = runs.as_slice() {
            return self.write_part(*number, batch, ascent, |place| place);
        }
        let mut by_part: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (number, rows) in runs {
            by_part.entry(number).or_default().extend(rows);
        }
        for (number, rows) in by_part {
            let of_part = take_record_batch(batch, &UInt32Array::from(rows.clone()))?;
            self.write_part(number, &of_part, ascent, |place| rows.get(place as usize).copied().unwrap_or(u32::MAX))?;
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

    /// Adds rows to a part. `place` finds where a row of them stands among those that were written last.
    fn write_part(
        &mut self,
        number: usize,
        batch: &RecordBatch,
        ascent: Option<&Ascent>,
        place: impl Fn(u32) -> u32,
    ) -> Result<(), Stop> {
        let Some(part) = self.parts.get_mut(number) else { return Ok(()) };
        match (&self.keys, ascent) {
            (None, _) => part.write(batch, &self.counted, &mut self.spill)?,
            (Some(keys), Some(ascent)) => {
                keys.follow(&mut part.proof, ascent, batch)?;
                part.write(batch, &self.counted, &mut self.spill)?;
            }
            (Some(keys), None) => {
                let repeated = keys.add(&mut part.proof, batch, (number, part.rows), &mut self.duplicates)?;
                if repeated.before {
                    part.supersede_last()?;
                }
                self.rows.duplicate += repeated.rows.len() as u64;
                let (before, left) = (self.before, repeated.left(batch.num_rows()));
                let batch = &repeated.without(batch)?;
                let rows = across::Rows { part: number, first: part.rows, batch, day: self.counted.day };
                let at = |row: u32| left.get(row as usize).copied().unwrap_or(u32::MAX);
                self.across.add(keys, &rows, |row| before + u64::from(place(at(row))))?;
                part.write(batch, &self.counted, &mut self.spill)?;
            }
        }
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
        if let Order::Ascending(Some((ascent, waiting))) = std::mem::replace(&mut self.order, Order::Any) {
            self.route(&waiting, Some(&ascent))?;
        }
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
        if let Some(keys) = &self.keys {
            let rest = (&self.schema, self.counted.day, &mut self.spill);
            for (rows, more) in superseded.iter_mut().zip(self.across.finish(keys, &closed, rest)?) {
                rows.extend(&more);
            }
        }
        for (rows, part) in superseded.iter_mut().zip(&closed) {
            rows.extend(&part.superseded);
        }
        let mut parts = Vec::new();
        // Files of many partitions cannot all stay open: their bytes wait in one.
        let keep_open = closed.len() <= OPEN_PARTS;
        let mut finished = Spill::default();
        for (part, superseded) in closed.into_iter().zip(superseded) {
            let part = part.finish(&self.schema, &superseded, &self.counted, &mut self.spill)?;
            self.rows.duplicate += superseded.len();
            self.rows.clean += part.rows;
            self.rows.missing += part.missing;
            let (partition, rows, times) = (part.partition.clone(), part.rows, part.times);
            let orders = part.orders(&self.schema, &self.counted);
            let days = part.days.and_then(|(first, last)| Some((to_date(first)?, to_date(last)?)));
            let file = part.into_file()?;
            let bytes = if keep_open { PartBytes::Own(file) } else { finished.take(file)? };
            parts.push(PartFile { partition, rows, days, times, orders, bytes });
        }
        parts.sort_by(|a, b| a.partition.cmp(&b.partition));
        let reasons = self.rejects.take_reasons();
        Ok(Written { rows: self.rows, parts, rejects: self.rejects.finish()?, reasons })
    }
}

/// How many partitions of a table may be open at once.
fn open_parts(schema: &SchemaRef) -> usize {
    (OPEN_COLUMNS / schema.fields().len().max(1)).clamp(1, OPEN_PARTS)
}

impl Sink for TableWriter<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let whole;
        let batch = match &self.key_value {
            None => batch,
            Some(value) => {
                let values: ArrayRef = Arc::new(StringArray::from(vec![value.as_str(); batch.num_rows()]));
                let columns = batch.columns().iter().cloned().chain([values]);
                whole = RecordBatch::try_new(Arc::clone(&self.schema), columns.collect())?;
                &whole
            }
        };
        self.before = self.rows.read;
        self.rows.read += batch.num_rows() as u64;
        let (Some(keys), Order::Ascending(waiting)) = (&self.keys, &mut self.order) else {
            return self.route(batch, None);
        };
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let Some((next, repeated)) = keys.ascend(waiting.as_ref().map(|(ascent, _)| ascent), batch)? else {
            self.end_order()?;
            return self.route(batch, None);
        };
        let waiting = waiting.replace((next, repeated.without(batch)?));
        self.rows.duplicate += repeated.rows.len() as u64 + u64::from(repeated.before);
        match waiting {
            None => Ok(()),
            Some((ascent, rows)) => {
                let count = rows.num_rows() - usize::from(repeated.before);
                self.route(&rows.slice(0, count), Some(&ascent))
            }
        }
    }

    fn write_run(&mut self, schema: &SchemaRef, run: &Run) -> Result<(), Stop> {
        self.end_order()?;
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
        match &self.key_value {
            None => part.write_run(schema, run, &self.counted, &mut self.spill)?,
            Some(value) => {
                let cells: Vec<Cells<'_>> = run.cells.iter().copied().chain([Cells::Text(Some(value))]).collect();
                part.write_run(&self.schema, &Run { cells: &cells, ..*run }, &self.counted, &mut self.spill)?;
            }
        }
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
