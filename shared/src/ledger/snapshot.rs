//! The file that holds all entries of a dataset's raw objects, so that a run reads one object and not a million. It is a
//! copy: entries are what they are, and a file that is missing, old or damaged only costs time.
//!
//! One row per output, in the order of the entries' keys: what is the same for a whole entry stands in its first row.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Date32Builder, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Int64Array,
    Int64Builder, RecordBatch, StringArray, StringBuilder, UInt64Array, UInt64Builder,
};
use arrow::datatypes::{DataType, Date32Type, Field, Int64Type, Schema, SchemaRef, UInt64Type};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde::{Deserialize, Serialize};

use super::{Beside, Gap, Input, LeftOut, Output, RawEntry, Reasons, Rows, WholeReject};
use crate::keys;
use crate::partition::Partition;
use crate::store::State;

/// Begins the file, before the hash of all that follows; raised when the columns change.
const MAGIC: &str = "tributary snapshot 2 ";
/// The first line: the magic, 32 digits and a line feed.
const HEAD: usize = MAGIC.len() + 33;
/// Rows that are encoded or decoded at once.
const BATCH: usize = 8 * 1024;
/// Rows of a row group: its columns are in memory until it is written.
const ROW_GROUP: usize = 16 * 1024;
/// In the file's own description: since when entries may have changed.
const SINCE: &str = "since";

/// What few entries have: as text.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Rest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    siblings: Vec<Input>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rejected: Option<WholeReject>,
    #[serde(default, skip_serializing_if = "Reasons::is_empty")]
    reasons: Reasons,
    #[serde(default, skip_serializing_if = "super::is_none")]
    rejected_by: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<Gap>,
    #[serde(default, skip_serializing_if = "super::is_zero")]
    ignored_columns: u64,
    #[serde(default, skip_serializing_if = "super::is_zero")]
    preamble: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arrived: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rejects: Option<Output>,
    #[serde(flatten)]
    beside: Beside,
}

/// The columns, in their order in the file.
fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let number = |name: &str| Field::new(name, DataType::UInt64, true);
    let time = |name: &str| Field::new(name, DataType::Int64, true);
    let day = |name: &str| Field::new(name, DataType::Date32, true);
    let hash = |name: &str| Field::new(name, DataType::FixedSizeBinary(16), true);
    Arc::new(Schema::new(vec![
        text("raw_key"),
        hash("state"),
        number("format"),
        text("etag"),
        number("bytes"),
        text("dataset"),
        text("table"),
        text("rules"),
        text("layout"),
        number("read"),
        number("clean"),
        number("rejected"),
        number("duplicate"),
        number("outside"),
        number("missing"),
        text("received_at"),
        text("rest"),
        text("output_key"),
        text("output_partition"),
        number("output_rows"),
        number("output_bytes"),
        text("output_etag"),
        text("output_hash"),
        day("first_day"),
        day("last_day"),
        time("first_time"),
        time("last_time"),
        text("orders"),
    ]))
}

/// Columns of the first row of each entry by which a list is compared.
const COMPARED: [usize; 2] = [0, 1];
/// Columns that name what an entry is made from.
const INPUTS: [usize; 2] = [0, 16];

/// Writes a snapshot.
pub struct Writer {
    file: File,
    parquet: ArrowWriter<File>,
    schema: SchemaRef,
    rows: usize,
    /// How many entries it has.
    pub entries: u64,
    texts: Vec<StringBuilder>,
    numbers: Vec<UInt64Builder>,
    times: Vec<Int64Builder>,
    days: Vec<Date32Builder>,
    states: FixedSizeBinaryBuilder,
}

impl Writer {
    /// A writer into a temporary file.
    pub fn new() -> io::Result<Self> {
        let mut file = tempfile::tempfile()?;
        file.write_all(&[b' '; HEAD])?;
        let schema = schema();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).map_err(io::Error::other)?))
            .set_statistics_enabled(EnabledStatistics::None)
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let parquet = ArrowWriter::try_new_with_options(file.try_clone()?, Arc::clone(&schema), options)
            .map_err(io::Error::other)?;
        let count = |kind: &DataType| schema.fields().iter().filter(|field| field.data_type() == kind).count();
        Ok(Self {
            texts: (0..count(&DataType::Utf8)).map(|_| StringBuilder::new()).collect(),
            numbers: (0..count(&DataType::UInt64)).map(|_| UInt64Builder::new()).collect(),
            times: (0..count(&DataType::Int64)).map(|_| Int64Builder::new()).collect(),
            days: (0..count(&DataType::Date32)).map(|_| Date32Builder::new()).collect(),
            states: FixedSizeBinaryBuilder::new(16),
            rows: 0,
            entries: 0,
            file,
            parquet,
            schema,
        })
    }

    /// Adds an entry that had this state when it was read. Keys of entries ascend.
    pub fn push(&mut self, state: State, entry: &RawEntry) -> io::Result<()> {
        let rest = rest(entry)?;
        let first = entry.inputs.first();
        let received_at = entry.received_at.map(|time| time.to_rfc3339_opts(SecondsFormat::Nanos, true));
        let mut outputs = entry.outputs.iter();
        let mut output = outputs.next();
        let mut is_first = true;
        while is_first || output.is_some() {
            let head = is_first.then_some(entry);
            let orders = output.filter(|output| !output.orders.is_empty());
            let orders = orders.map(|output| serde_json::to_string(&output.orders)).transpose()?;
            let usual = |output: &&Output| {
                output.key != keys::standard(&entry.dataset, &entry.table, &output.partition, entry.raw_key())
            };
            let texts = [
                head.map(RawEntry::raw_key),
                first.filter(|_| is_first).map(|input| input.etag.as_str()),
                head.map(|entry| entry.dataset.as_str()),
                head.map(|entry| entry.table.as_str()),
                head.map(|entry| entry.rules.as_str()),
                head.map(|entry| entry.layout.as_str()),
                received_at.as_deref().filter(|_| is_first),
                rest.as_deref().filter(|_| is_first),
                output.filter(usual).map(|output| output.key.as_str()),
                output.map(|output| output.partition.as_str()),
                output.filter(|output| output.etag != output.hash).map(|output| output.etag.as_str()),
                output.map(|output| output.hash.as_str()),
                orders.as_deref(),
            ];
            for (builder, text) in self.texts.iter_mut().zip(texts) {
                builder.append_option(text);
            }
            let rows = |of: fn(&Rows) -> u64| head.map(|entry| of(&entry.rows));
            let numbers = [
                head.map(|entry| u64::from(entry.format)),
                head.map(|entry| entry.bytes),
                rows(|rows| rows.read),
                rows(|rows| rows.clean),
                rows(|rows| rows.rejected),
                rows(|rows| rows.duplicate),
                rows(|rows| rows.outside),
                rows(|rows| rows.missing),
                output.map(|output| output.rows),
                output.map(|output| output.bytes),
            ];
            for (builder, number) in self.numbers.iter_mut().zip(numbers) {
                builder.append_option(number);
            }
            let times = output.and_then(|output| output.times);
            for (builder, time) in self.times.iter_mut().zip([times.map(|times| times.0), times.map(|times| times.1)]) {
                builder.append_option(time);
            }
            let days = output.and_then(|output| output.days);
            for (builder, day) in self.days.iter_mut().zip([days.map(|days| days.0), days.map(|days| days.1)]) {
                builder.append_option(day.map(Date32Type::from_naive_date));
            }
            match head {
                Some(_) => self.states.append_value(state.to_bytes()).map_err(io::Error::other)?,
                None => self.states.append_null(),
            }
            self.rows += 1;
            is_first = false;
            output = outputs.next();
        }
        self.entries += 1;
        if self.rows >= BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let (mut texts, mut numbers) = (self.texts.iter_mut(), self.numbers.iter_mut());
        let (mut times, mut days) = (self.times.iter_mut(), self.days.iter_mut());
        let mut column = |kind: &DataType| -> Option<ArrayRef> {
            Some(match kind {
                DataType::Utf8 => Arc::new(texts.next()?.finish()),
                DataType::UInt64 => Arc::new(numbers.next()?.finish()),
                DataType::Int64 => Arc::new(times.next()?.finish()),
                DataType::Date32 => Arc::new(days.next()?.finish()),
                _ => Arc::new(self.states.finish()),
            })
        };
        let columns = self.schema.fields().iter().filter_map(|field| column(field.data_type())).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(io::Error::other)?;
        self.rows = 0;
        self.parquet.write(&batch).map_err(io::Error::other)
    }

    /// The file as it is stored, and the Parquet in it: all entries there are, of which others may have changed `since`.
    /// Where that cannot be said, it is none.
    pub fn finish(mut self, since: Option<DateTime<Utc>>) -> io::Result<(File, Parquet)> {
        self.flush()?;
        if let Some(since) = since {
            self.parquet.append_key_value_metadata(KeyValue::new(SINCE.to_owned(), since.to_rfc3339()));
        }
        self.parquet.close().map_err(io::Error::other)?;
        let mut file = self.file;
        file.seek(SeekFrom::Start(HEAD as u64))?;
        let (hash, _) = crate::hash::reader(&mut file)?;
        file.rewind()?;
        file.write_all(format!("{MAGIC}{hash}\n").as_bytes())?;
        let parquet = Parquet::open(&mut file.try_clone()?)?;
        Ok((file, parquet))
    }
}

/// The rare parts of an entry as text, if it has any.
fn rest(entry: &RawEntry) -> io::Result<Option<String>> {
    // Whatever is added to an entry is to be kept, too.
    let RawEntry {
        format: _,
        inputs,
        version,
        bytes: _,
        dataset: _,
        table: _,
        rules: _,
        layout: _,
        rows: _,
        rejected,
        reasons,
        rejected_by,
        gaps,
        ignored_columns,
        preamble,
        left_out,
        arrived,
        received_at: _,
        outputs: _,
        rejects,
        beside,
    } = entry;
    let rest = Rest {
        version: version.clone(),
        siblings: inputs.iter().skip(1).cloned().collect(),
        rejected: rejected.clone(),
        reasons: reasons.clone(),
        rejected_by: *rejected_by,
        gaps: gaps.clone(),
        ignored_columns: *ignored_columns,
        preamble: *preamble,
        left_out: left_out.clone(),
        arrived: *arrived,
        rejects: rejects.clone(),
        beside: beside.clone(),
    };
    Ok(if rest == Rest::default() { None } else { Some(serde_json::to_string(&rest)?) })
}

/// The columns of a snapshot whose bytes are those that were written.
#[derive(Debug, Clone)]
pub struct Parquet(Arc<File>);

impl Parquet {
    /// Copies what is in a snapshot; an error if it is damaged, or of another version.
    pub fn copy(mut snapshot: impl Read) -> io::Result<Self> {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut snapshot, &mut file)?;
        Self::open(&mut file)
    }

    fn open(file: &mut File) -> io::Result<Self> {
        file.rewind()?;
        let mut head = [0; HEAD];
        file.read_exact(&mut head)?;
        let (hash, _) = crate::hash::reader(&mut *file)?;
        if head != format!("{MAGIC}{hash}\n").as_bytes() {
            return Err(io::Error::other("it is damaged, or of another version"));
        }
        Ok(Self(Arc::new(file.try_clone()?)))
    }

    fn builder(&self) -> io::Result<ParquetRecordBatchReaderBuilder<Shifted>> {
        let file = Shifted { file: Arc::clone(&self.0), length: self.0.metadata()?.len().saturating_sub(HEAD as u64) };
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(io::Error::other)
    }

    /// Since when entries may have changed, if it has all that there were, and how many rows there are.
    pub fn since(&self) -> io::Result<(Option<DateTime<Utc>>, usize)> {
        let builder = self.builder()?;
        let file = builder.metadata().file_metadata();
        let known = file.key_value_metadata().into_iter().flatten().find(|pair| pair.key == SINCE);
        let since = known.and_then(|pair| DateTime::parse_from_rfc3339(pair.value.as_ref()?).ok());
        Ok((since.map(|since| since.to_utc()), usize::try_from(file.num_rows()).unwrap_or_default()))
    }

    fn batches(&self, columns: Option<&[usize]>) -> io::Result<ParquetRecordBatchReader> {
        let builder = self.builder()?;
        let mask = match columns {
            Some(columns) => ProjectionMask::leaves(builder.parquet_schema(), columns.iter().copied()),
            None => ProjectionMask::all(),
        };
        builder.with_projection(mask).with_batch_size(BATCH).build().map_err(io::Error::other)
    }

    /// Visits the keys and states of all entries.
    pub fn keys(&self, mut visit: impl FnMut(String, State) -> io::Result<()>) -> io::Result<()> {
        for batch in self.batches(Some(&COMPARED))? {
            let batch = batch.map_err(io::Error::other)?;
            let (keys, states) = (batch.column(0).as_string::<i32>(), batch.column(1).as_fixed_size_binary());
            for row in (0..batch.num_rows()).filter(|row| keys.is_valid(*row)) {
                visit(keys::raw_ledger(keys.value(row)), state(states, row)?)?;
            }
        }
        Ok(())
    }

    /// Visits the keys of the raw objects that entries are made from, each with whether the entry is its own, but for those
    /// of raw keys that `is_left_out` names.
    pub fn inputs(&self, is_left_out: impl Fn(&str) -> bool, mut visit: impl FnMut(&str, bool)) -> io::Result<()> {
        for batch in self.batches(Some(&INPUTS))? {
            let batch = batch.map_err(io::Error::other)?;
            let (keys, rests) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
            let is_kept = |row: &usize| keys.is_valid(*row) && !is_left_out(keys.value(*row));
            for row in (0..batch.num_rows()).filter(is_kept) {
                visit(keys.value(row), true);
                if rests.is_valid(row) {
                    let rest: Rest = serde_json::from_str(rests.value(row))?;
                    rest.siblings.iter().for_each(|sibling| visit(&sibling.key, false));
                }
            }
        }
        Ok(())
    }

    /// All entries, by their keys in the ledger.
    pub fn entries(&self) -> io::Result<Reader> {
        Ok(Reader { batches: self.batches(None)?, columns: None, row: 0 })
    }
}

fn state(states: &FixedSizeBinaryArray, row: usize) -> io::Result<State> {
    let bytes: [u8; 16] = states.value(row).try_into().map_err(io::Error::other)?;
    Ok(State::from_bytes(bytes))
}

/// A file without its first line.
struct Shifted {
    file: Arc<File>,
    length: u64,
}

impl parquet::file::reader::Length for Shifted {
    fn len(&self) -> u64 {
        self.length
    }
}

impl parquet::file::reader::ChunkReader for Shifted {
    type T = <File as parquet::file::reader::ChunkReader>::T;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        self.file.get_read(start + HEAD as u64)
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<bytes::Bytes> {
        self.file.get_bytes(start + HEAD as u64, length)
    }
}

/// Reads entries one by one.
pub struct Reader {
    batches: ParquetRecordBatchReader,
    columns: Option<Columns>,
    row: usize,
}

/// The columns of a batch, by their kinds, each in the order of the schema.
struct Columns {
    rows: usize,
    texts: Vec<StringArray>,
    numbers: Vec<UInt64Array>,
    times: Vec<Int64Array>,
    days: Vec<Date32Array>,
    states: FixedSizeBinaryArray,
}

impl Columns {
    fn new(batch: &RecordBatch) -> io::Result<Self> {
        let of = |kind: DataType| batch.columns().iter().filter(move |column| *column.data_type() == kind);
        let states = of(DataType::FixedSizeBinary(16)).next().ok_or_else(|| io::Error::other("it has no states"))?;
        Ok(Self {
            rows: batch.num_rows(),
            texts: of(DataType::Utf8).map(|column| column.as_string::<i32>().clone()).collect(),
            numbers: of(DataType::UInt64).map(|column| column.as_primitive::<UInt64Type>().clone()).collect(),
            times: of(DataType::Int64).map(|column| column.as_primitive::<Int64Type>().clone()).collect(),
            days: of(DataType::Date32).map(|column| column.as_primitive::<Date32Type>().clone()).collect(),
            states: states.as_fixed_size_binary().clone(),
        })
    }

    fn text(&self, column: usize, row: usize) -> Option<&str> {
        self.texts.get(column).filter(|texts| texts.is_valid(row)).map(|texts| texts.value(row))
    }

    fn copy(&self, column: usize, row: usize, to: &mut String) {
        to.clear();
        to.push_str(self.text(column, row).unwrap_or_default());
    }

    fn number(&self, column: usize, row: usize) -> u64 {
        self.numbers.get(column).filter(|numbers| numbers.is_valid(row)).map_or(0, |numbers| numbers.value(row))
    }

    fn time(&self, column: usize, row: usize) -> Option<i64> {
        self.times.get(column).filter(|times| times.is_valid(row)).map(|times| times.value(row))
    }

    fn day(&self, column: usize, row: usize) -> Option<NaiveDate> {
        let days = self.days.get(column).filter(|days| days.is_valid(row))?;
        Date32Type::to_naive_date_opt(days.value(row))
    }

    /// Reads what a whole entry has in its first row into `entry`, whose texts are used again; its state. Another row has
    /// none.
    fn entry(&self, row: usize, entry: &mut RawEntry) -> io::Result<Option<State>> {
        let Some(raw_key) = self.text(0, row) else { return Ok(None) };
        let rest: Rest = self.text(7, row).map(serde_json::from_str).transpose()?.unwrap_or_default();
        entry.inputs.truncate(1);
        match entry.inputs.first_mut() {
            Some(first) => {
                first.key.clear();
                first.key.push_str(raw_key);
                self.copy(1, row, &mut first.etag);
            }
            None => {
                let etag = self.text(1, row).unwrap_or_default().to_owned();
                entry.inputs.push(Input { key: raw_key.to_owned(), etag });
            }
        }
        entry.inputs.extend(rest.siblings);
        let received_at = self.text(6, row).map(DateTime::parse_from_rfc3339).transpose().map_err(io::Error::other)?;
        entry.format = u32::try_from(self.number(0, row)).map_err(io::Error::other)?;
        entry.version = rest.version;
        entry.bytes = self.number(1, row);
        let texts = [(2, &mut entry.dataset), (3, &mut entry.table), (4, &mut entry.rules), (5, &mut entry.layout)];
        for (column, text) in texts {
            self.copy(column, row, text);
        }
        entry.rows = Rows {
            read: self.number(2, row),
            clean: self.number(3, row),
            rejected: self.number(4, row),
            duplicate: self.number(5, row),
            outside: self.number(6, row),
            missing: self.number(7, row),
        };
        entry.rejected = rest.rejected;
        entry.reasons = rest.reasons;
        entry.rejected_by = rest.rejected_by;
        entry.gaps = rest.gaps;
        entry.ignored_columns = rest.ignored_columns;
        entry.preamble = rest.preamble;
        entry.left_out = rest.left_out;
        entry.arrived = rest.arrived;
        entry.received_at = received_at.map(|time| time.to_utc());
        entry.rejects = rest.rejects;
        entry.beside = rest.beside;
        Ok(Some(state(&self.states, row)?))
    }

    /// Reads the output that a row has into the place `number` of an entry; whether it has one.
    fn output(&self, entry: &mut RawEntry, number: usize, row: usize) -> io::Result<bool> {
        let Some(partition) = self.text(9, row) else { return Ok(false) };
        if entry.outputs.len() <= number {
            entry.outputs.push(Output {
                key: String::new(),
                partition: Partition::whole(),
                rows: 0,
                bytes: 0,
                etag: String::new(),
                hash: String::new(),
                days: None,
                times: None,
                orders: Vec::new(),
            });
        }
        let RawEntry { inputs, outputs, dataset, table, .. } = entry;
        let (Some(output), Some(input)) = (outputs.get_mut(number), inputs.first()) else { return Ok(false) };
        if output.partition.as_str() != partition {
            output.partition = partition.parse().map_err(io::Error::other)?;
        }
        match self.text(8, row) {
            Some(_) => self.copy(8, row, &mut output.key),
            None => output.key = keys::standard(dataset, table, &output.partition, &input.key),
        }
        self.copy(11, row, &mut output.hash);
        self.copy(if self.text(10, row).is_some() { 10 } else { 11 }, row, &mut output.etag);
        output.rows = self.number(8, row);
        output.bytes = self.number(9, row);
        output.days = self.day(0, row).zip(self.day(1, row));
        output.times = self.time(0, row).zip(self.time(1, row));
        output.orders = self.text(12, row).map(serde_json::from_str).transpose()?.unwrap_or_default();
        Ok(true)
    }
}

impl Reader {
    /// Makes a row ready to be read; whether there is one.
    fn advance(&mut self) -> io::Result<bool> {
        while self.columns.as_ref().is_none_or(|columns| self.row >= columns.rows) {
            let Some(batch) = self.batches.next() else { return Ok(false) };
            self.columns = Some(Columns::new(&batch.map_err(io::Error::other)?)?);
            self.row = 0;
        }
        Ok(true)
    }

    /// The next entry and its state.
    pub fn next(&mut self) -> io::Result<Option<(State, RawEntry)>> {
        let mut entry = RawEntry::default();
        Ok(self.read(&mut entry)?.map(|state| (state, entry)))
    }

    /// Reads the next entry into `entry`, whose texts are used again; its state.
    pub fn read(&mut self, entry: &mut RawEntry) -> io::Result<Option<State>> {
        let mut found: Option<State> = None;
        let mut outputs = 0;
        while self.advance()? {
            let Some(columns) = &self.columns else { break };
            if columns.text(0, self.row).is_some() && found.is_some() {
                break;
            }
            if found.is_none() {
                found = columns.entry(self.row, entry)?;
                if found.is_none() {
                    return Err(io::Error::other("a row is of no entry"));
                }
            }
            outputs += usize::from(columns.output(entry, outputs, self.row)?);
            self.row += 1;
        }
        entry.outputs.truncate(outputs);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn output(raw_key: &str, number: u64) -> Output {
        let partition = Partition::single("month", &format!("2026-{:02}", number % 12 + 1));
        let usual = !number.is_multiple_of(3);
        Output {
            key: if usual { keys::standard("d", "t", &partition, raw_key) } else { "d/t/elsewhere.parquet".to_owned() },
            partition,
            rows: number,
            bytes: number * 7,
            etag: if usual { format!("{number:032x}") } else { "an-etag".to_owned() },
            hash: format!("{number:032x}"),
            days: number.is_multiple_of(2).then_some((NaiveDate::MIN, NaiveDate::MAX)),
            times: number.is_multiple_of(5).then_some((i64::MIN, i64::MAX)),
            orders: if usual { Vec::new() } else { vec![vec!["a".to_owned(), "b".to_owned()]] },
        }
    }

    /// Entries of all kinds, with `outputs` objects.
    fn entry(number: u64, outputs: u64) -> RawEntry {
        let raw_key = format!("d/{number:06}.csv");
        let is = |of: u64| number.is_multiple_of(of);
        let time = DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap();
        RawEntry {
            format: 2,
            inputs: (0..1 + number % 2)
                .map(|at| Input { key: format!("{raw_key}{}", "x".repeat(at as usize)), etag: format!("e{at}") })
                .collect(),
            version: is(7).then(|| "v".to_owned()),
            bytes: number,
            dataset: "d".to_owned(),
            table: "t".to_owned(),
            rules: "r".to_owned(),
            layout: "l".to_owned(),
            rows: Rows { read: 1, clean: 2, rejected: 3, duplicate: 4, outside: 5, missing: number },
            rejected: is(11).then(|| WholeReject { reason: "no".to_owned(), message: "\"quoted\"".to_owned() }),
            reasons: if is(19) {
                Reasons::from([(
                    "r".to_owned(),
                    crate::ledger::Reason { rows: number, first: 7, column: Some("c".to_owned()) },
                )])
            } else {
                Reasons::new()
            },
            rejected_by: u32::from(is(11) || is(19)),
            gaps: if is(13) {
                vec![Gap { what: vec!["w".to_owned()], reason: "r".to_owned(), can_retry: true }]
            } else {
                Vec::new()
            },
            ignored_columns: number % 3,
            preamble: number % 4,
            left_out: is(4).then(|| LeftOut { files: number, first: "b.csv".to_owned() }),
            arrived: is(5).then_some(time),
            received_at: is(2).then_some(time),
            outputs: (0..outputs).map(|at| output(&raw_key, number + at)).collect(),
            rejects: is(17).then(|| output(&raw_key, number)),
            beside: if is(3) {
                Beside { retired: vec!["k".to_owned()], ..Beside::default() }
            } else {
                Beside::default()
            },
        }
    }

    fn read(parquet: &Parquet) -> Vec<(State, RawEntry)> {
        let mut reader = parquet.entries().unwrap();
        std::iter::from_fn(|| reader.next().unwrap()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn entries_are_read_as_they_were_written(counts in proptest::collection::vec(0_u64..5, 0..200), long in 0_u64..20_000) {
            let mut entries: Vec<(State, RawEntry)> = counts
                .iter()
                .enumerate()
                .map(|(at, outputs)| (State::of_etag(&at.to_string()), entry(at as u64, *outputs)))
                .collect();
            // One that spans batches.
            entries.push((State::UNKNOWN, entry(999_999, long)));
            let mut writer = Writer::new().unwrap();
            for (state, entry) in &entries {
                writer.push(*state, entry).unwrap();
            }
            let (mut file, parquet) = writer.finish(Some(DateTime::UNIX_EPOCH)).unwrap();
            prop_assert_eq!(&read(&parquet), &entries);
            file.rewind().unwrap();
            let copy = Parquet::copy(file).unwrap();
            prop_assert_eq!(copy.since().unwrap().0, Some(DateTime::UNIX_EPOCH));
            let mut keys = Vec::new();
            copy.keys(|key, state| {
                keys.push((key, state));
                Ok(())
            })
            .unwrap();
            let expected: Vec<_> = entries.iter().map(|(state, entry)| (keys::raw_ledger(entry.raw_key()), *state)).collect();
            prop_assert_eq!(keys, expected);
            let left_out = entry(0, 0).raw_key().to_owned();
            let mut inputs = Vec::new();
            copy.inputs(|raw_key| raw_key == left_out, |key, is_own| inputs.push((key.to_owned(), is_own))).unwrap();
            let kept = entries.iter().filter(|(_, entry)| entry.raw_key() != left_out);
            let expected: Vec<(String, bool)> = kept
                .flat_map(|(_, entry)| entry.inputs.iter().enumerate().map(|(at, input)| (input.key.clone(), at == 0)))
                .collect();
            prop_assert_eq!(inputs, expected);
        }
    }

    #[test]
    fn damage_and_other_versions_are_found() {
        let mut writer = Writer::new().unwrap();
        writer.push(State::UNKNOWN, &entry(1, 2)).unwrap();
        let (mut file, _) = writer.finish(Some(DateTime::UNIX_EPOCH)).unwrap();
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        assert!(Parquet::copy(bytes.as_slice()).is_ok());
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(Parquet::copy(flipped.as_slice()).is_err(), "byte {at}");
        }
        assert!(Parquet::copy(&bytes[..bytes.len() - 1]).is_err());
        assert!(Parquet::copy(&b""[..]).is_err());
    }
}
