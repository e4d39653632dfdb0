//! One partition of what a raw object becomes, while it is written.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, make_comparator};
use arrow::compute::{SortOptions, filter_record_batch};
use arrow::datatypes::{Date32Type, SchemaRef, TimestampMicrosecondType};
use lake::draft::{Content, Draft, Drafted};
use lake::parquet::{Cells, TableFile};
use lake::partition::Partition;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;

use crate::duplicates::RowSet;
use crate::error::Stop;
use crate::key::{KeyColumns, Proof};
use crate::run::Run;
use crate::spill::{Spill, Spilled};

/// Rows per batch of what is read back.
const BATCH_ROWS: usize = 8 * 1024;

/// Columns of a table that its parts count by.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// The local day.
    pub day: Option<usize>,
    /// The time in the key, where the table has one that objects are compared by.
    pub time: Option<usize>,
    /// The value that may be missing.
    pub measure: Option<usize>,
    /// The key.
    pub key: Vec<usize>,
}

impl Counted {
    /// The columns before the time that ends the key: rows that ascend by the key may ascend by these and the day as well.
    fn series(&self) -> Option<&[usize]> {
        let (last, series) = self.key.split_last()?;
        (self.time == Some(*last)).then_some(series)
    }
}

/// Where the rows of a part are.
pub enum RowsIn<F> {
    /// In a Parquet file of their own.
    Parquet(F),
    /// In the file that parts share, batch by batch.
    Spilled(Vec<Spilled>),
}

/// A partition.
pub struct Part<F> {
    /// Which.
    pub partition: Partition,
    /// Its rows.
    pub rows_in: RowsIn<F>,
    /// How many they are.
    pub rows: u64,
    /// How many of them have no measured value.
    pub missing: u64,
    /// First and last day.
    pub days: Option<(i32, i32)>,
    /// First and last time in the key.
    pub times: Option<(i64, i64)>,
    /// Whether a row is of an earlier day than one before it in its series, or that is not known.
    day_falls: bool,
    /// The day of the last row, and its series.
    last: Option<(i32, Vec<ArrayRef>)>,
    /// What is known of their keys.
    pub proof: Proof,
    /// Rows that were written before one with the same key came.
    pub superseded: RowSet,
}

/// A part that takes rows.
pub type OpenPart = Part<Box<TableFile<Draft>>>;
/// A part that has all its rows.
pub type ClosedPart = Part<Drafted>;

impl OpenPart {
    /// A part without rows, in a file of its own or not.
    pub fn new(partition: Partition, schema: &SchemaRef, is_open: bool) -> Result<Self, Stop> {
        let rows_in = if is_open {
            RowsIn::Parquet(Box::new(TableFile::new(schema, Draft::default())?))
        } else {
            RowsIn::Spilled(Vec::new())
        };
        Ok(Self {
            partition,
            rows_in,
            rows: 0,
            missing: 0,
            days: None,
            times: None,
            day_falls: false,
            last: None,
            proof: Proof::Empty,
            superseded: RowSet::default(),
        })
    }

    /// The file, if it is open.
    pub fn file(&mut self) -> Option<&mut TableFile<Draft>> {
        match &mut self.rows_in {
            RowsIn::Parquet(file) => Some(file),
            RowsIn::Spilled(_) => None,
        }
    }

    /// Adds rows.
    pub fn write(&mut self, batch: &RecordBatch, counted: &Counted, spill: &mut Spill) -> Result<(), Stop> {
        self.rows += batch.num_rows() as u64;
        if let Some(measure) = counted.measure {
            self.missing += batch.column(measure).null_count() as u64;
        }
        let days = counted.day.and_then(|day| batch.column(day).as_primitive_opt::<Date32Type>());
        for day in days.into_iter().flat_map(|days| [arrow::compute::min(days), arrow::compute::max(days)]).flatten() {
            self.has_day(day);
        }
        self.has_times(batch, counted);
        self.follow_days(batch, counted)?;
        match &mut self.rows_in {
            RowsIn::Parquet(file) => file.write(batch)?,
            RowsIn::Spilled(batches) => batches.push(spill.add(batch)?),
        }
        Ok(())
    }

    /// Adds a run of rows.
    pub fn write_run(
        &mut self,
        schema: &SchemaRef,
        run: &Run,
        counted: &Counted,
        spill: &mut Spill,
    ) -> Result<(), Stop> {
        self.rows += run.rows() as u64;
        self.missing += match counted.measure.and_then(|measure| run.cells.get(measure)) {
            Some(Cells::Doubles(_)) => run.missing,
            Some(Cells::Text(None) | Cells::Int(None)) => run.rows() as u64,
            _ => 0,
        };
        self.has_day(run.day);
        if counted.time.is_some() {
            self.has_times(&run.to_batch(schema)?, counted);
        }
        match &mut self.rows_in {
            RowsIn::Parquet(file) => file.write_run(run.rows(), run.cells)?,
            RowsIn::Spilled(batches) => batches.push(spill.add(&run.to_batch(schema)?)?),
        }
        Ok(())
    }

    /// Takes note that the last row's key comes again.
    pub fn supersede_last(&mut self) -> Result<(), Stop> {
        let last = u32::try_from(self.rows.saturating_sub(1));
        let too_many = |_| Stop::reject("too_many_rows", "a partition would get more than 4 billion rows");
        self.superseded.insert(last.map_err(too_many)?);
        Ok(())
    }

    fn has_day(&mut self, day: i32) {
        self.days = Some(self.days.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
    }

    fn has_times(&mut self, batch: &RecordBatch, counted: &Counted) {
        let times = counted.time.and_then(|time| batch.column(time).as_primitive_opt::<TimestampMicrosecondType>());
        let Some(times) = times else { return };
        if let (Some(first), Some(last)) = (arrow::compute::min(times), arrow::compute::max(times)) {
            self.times = Some(self.times.map_or((first, last), |(min, max)| (min.min(first), max.max(last))));
        }
    }

    /// Looks for a day that is earlier than the one of the row before it in its series.
    fn follow_days(&mut self, batch: &RecordBatch, counted: &Counted) -> Result<(), Stop> {
        let days = counted.day.and_then(|day| batch.column(day).as_primitive_opt::<Date32Type>());
        let (Some(series), Some(days), false) = (counted.series(), days, self.day_falls) else {
            self.day_falls = true;
            return Ok(());
        };
        let Some(last) = days.values().last() else { return Ok(()) };
        let of_series = || series.iter().map(|column| batch.column(*column));
        self.day_falls = days.null_count() > 0;
        let is_same = |one: &[ArrayRef], at: usize, next: usize| {
            let mut same = true;
            for (one, other) in one.iter().zip(of_series()) {
                same &= make_comparator(one, other, SortOptions::default())?(at, next).is_eq();
            }
            Ok::<_, Stop>(same)
        };
        if let Some((day, of)) = &self.last
            && days.values().first().is_some_and(|first| first < day)
        {
            self.day_falls |= is_same(of, 0, 0)?;
        }
        let falls = days.values().iter().zip(days.values().iter().skip(1)).enumerate();
        let falls: Vec<usize> = falls.filter(|(_, (day, next))| next < day).map(|(row, _)| row).collect();
        if !falls.is_empty() {
            let compare: Vec<_> = of_series()
                .map(|column| make_comparator(column, column, SortOptions::default()))
                .collect::<Result<_, _>>()?;
            self.day_falls |= falls.iter().any(|row| compare.iter().all(|compare| compare(*row, row + 1).is_eq()));
        }
        self.last = Some((*last, KeyColumns::last(of_series(), batch.num_rows())?));
        Ok(())
    }

    /// Ends it.
    pub fn close(self) -> Result<ClosedPart, Stop> {
        let Part { partition, rows_in, rows, missing, days, times, day_falls, last, proof, superseded } = self;
        let rows_in = match rows_in {
            RowsIn::Parquet(file) => RowsIn::Parquet(file.finish()?.finish()),
            RowsIn::Spilled(batches) => RowsIn::Spilled(batches),
        };
        Ok(Part { partition, rows_in, rows, missing, days, times, day_falls, last, proof, superseded })
    }
}

impl ClosedPart {
    /// Hands all rows to `visit`, in their order.
    pub fn read(
        &self,
        schema: &SchemaRef,
        spill: &mut Spill,
        mut visit: impl FnMut(&RecordBatch, &mut Spill) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        // What is read back has the file's names and types, but not the schema's own object.
        let mut visit = |batch: RecordBatch, spill: &mut Spill| {
            visit(&RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec())?, spill)
        };
        match &self.rows_in {
            RowsIn::Parquet(Drafted { content: Content::Memory(bytes), .. }) => {
                read_parquet(bytes.clone(), |batch| visit(batch, spill))
            }
            RowsIn::Parquet(Drafted { content: Content::File(file), .. }) => {
                read_parquet(file.try_clone()?, |batch| visit(batch, spill))
            }
            RowsIn::Spilled(batches) => {
                for batch in batches {
                    let batch = spill.read(batch)?;
                    visit(batch, spill)?;
                }
                Ok(())
            }
        }
    }

    /// The Parquet file, written again where rows are to be left out or are not in one yet.
    pub fn finish(
        self,
        schema: &SchemaRef,
        superseded: &RowSet,
        counted: &Counted,
        spill: &mut Spill,
    ) -> Result<Part<Drafted>, Stop> {
        if superseded.len() == 0 && matches!(self.rows_in, RowsIn::Parquet(_)) {
            return Ok(self);
        }
        let mut rewritten = OpenPart::new(self.partition.clone(), schema, true)?;
        // What is left of rows in order is in order.
        rewritten.proof = self.proof.clone();
        let mut row = 0_u32;
        self.read(schema, spill, |batch, spill| {
            let count = u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
            let rows = row..row.saturating_add(count);
            row = rows.end;
            if superseded.len() == 0 {
                return rewritten.write(batch, counted, spill);
            }
            let keep: BooleanArray = rows.map(|row| Some(!superseded.contains(row))).collect();
            rewritten.write(&filter_record_batch(batch, &keep)?, counted, spill)
        })?;
        rewritten.close()
    }

    /// By which columns its rows ascend.
    pub fn orders(&self, schema: &SchemaRef, counted: &Counted) -> Vec<Vec<String>> {
        let names = |columns: &[usize]| columns.iter().map(|column| schema.field(*column).name().clone()).collect();
        match &self.proof {
            Proof::Ascending(ascent) if ascent.is_by_key() => {}
            _ => return Vec::new(),
        }
        let by_day = counted.series().zip(counted.day).filter(|_| !self.day_falls);
        let by_day = by_day.map(|(series, day)| names(&[series, &[day]].concat()));
        [names(&counted.key)].into_iter().chain(by_day).collect()
    }

    /// The file of its rows.
    pub fn into_file(self) -> Result<Drafted, Stop> {
        match self.rows_in {
            RowsIn::Parquet(drafted) => Ok(drafted),
            RowsIn::Spilled(_) => Err(Stop::Broken("rows of a partition were not written".to_owned())),
        }
    }
}

fn read_parquet(
    file: impl ChunkReader + 'static,
    mut visit: impl FnMut(RecordBatch) -> Result<(), Stop>,
) -> Result<(), Stop> {
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(BATCH_ROWS).build()? {
        visit(batch?)?;
    }
    Ok(())
}
