//! Reads a sample with its own draft.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use chrono::DateTime;
use lake::dataset::{Catalog, Folder, Format};
use xxhash_rust::xxh3::xxh3_64;

use super::unpacked;
use crate::decode::decompress;
use crate::error::Stop;
use crate::formats::{RawObject, Siblings, decode};
use crate::reject::Reject;
use crate::writer::Sink;

/// Rows that are read of a sample.
const MOST_ROWS: u64 = 100_000;
const ENOUGH: &str = "enough rows are read";

/// Rows of one reason that were rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// How many.
    pub rows: u64,
    /// The line or index of the first one.
    pub first: u64,
    /// The column that is wrong in it, if it is one.
    pub column: Option<String>,
    /// What is wrong with it, without its values.
    pub message: String,
}

/// What a draft makes of its sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tried {
    /// Rows that came through.
    pub clean: u64,
    /// Rows that did not.
    pub rejected: u64,
    /// The same by reason.
    pub reasons: BTreeMap<String, Rejected>,
    /// Lines that are no rows by declaration.
    pub preamble: u64,
    /// Whether the sample goes on behind what was read.
    pub is_beginning: bool,
}

impl Tried {
    fn add(&mut self, reason: &str, row: u64, column: Option<&str>, message: &str) {
        self.rejected += 1;
        let first = || Rejected { rows: 0, first: row, column: column.map(str::to_owned), message: message.to_owned() };
        self.reasons.entry(reason.to_owned()).or_insert_with(first).rows += 1;
    }

    fn stop_at(rows: u64) -> Result<(), Stop> {
        if rows >= MOST_ROWS { Err(Stop::Broken(ENOUGH.to_owned())) } else { Ok(()) }
    }
}

/// Values of some columns as they are stored, each as a hash.
#[derive(Debug, Default)]
pub(super) struct Stored {
    rows: usize,
    /// None once a value is missing, or of a type that is no part of a key.
    columns: BTreeMap<String, Option<Vec<u64>>>,
    /// Times among them, in microseconds since 1970.
    instants: BTreeMap<String, Vec<i64>>,
}

impl Stored {
    fn of(watched: &[String]) -> Self {
        let columns = watched.iter().map(|name| (name.clone(), Some(Vec::new()))).collect();
        Self { rows: 0, columns, instants: BTreeMap::new() }
    }

    fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows();
        for (name, kept) in &mut self.columns {
            let column = batch.column_by_name(name);
            if let Some(times) = column.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>()) {
                self.instants.entry(name.clone()).or_default().extend(times.values());
            }
            let hashes = batch.column_by_name(name).and_then(|column| hashes(column));
            *kept = kept.take().zip(hashes).map(|(mut kept, hashes)| {
                kept.extend(hashes);
                kept
            });
        }
    }

    /// How many rows were read.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The times of a column, in microseconds since 1970; none if one is missing.
    pub(super) fn instants(&self, name: &str) -> Option<&[i64]> {
        self.columns.get(name)?.as_ref()?;
        self.instants.get(name).map(Vec::as_slice)
    }

    /// Each row's values of columns as one hash; none if one of them cannot be part of a key.
    pub(super) fn combined(&self, names: &[&str]) -> Option<impl Iterator<Item = u64>> {
        const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
        let of = |name: &&str| self.columns.get(*name)?.as_ref();
        let columns: Vec<&Vec<u64>> = names.iter().map(of).collect::<Option<_>>()?;
        Some((0..self.rows).map(move |row| {
            let values = columns.iter().map(|column| column.get(row).copied().unwrap_or_default());
            values.fold(0, |hash: u64, value| (hash.rotate_left(29) ^ value).wrapping_mul(FACTOR))
        }))
    }

    /// How many different values rows have in columns; none if one of them cannot be part of a key.
    pub(super) fn different(&self, names: &[&str]) -> Option<usize> {
        self.combined(names).map(|rows| rows.collect::<HashSet<u64>>().len())
    }

    /// Whether no two rows have the same values in columns.
    pub(super) fn is_unique(&self, names: &[&str]) -> bool {
        let mut known = HashSet::new();
        self.combined(names).is_some_and(|mut rows| rows.all(|row| known.insert(row)))
    }
}

/// Hashes of a column's values; none if one is missing.
fn hashes(column: &dyn Array) -> Option<Vec<u64>> {
    if column.null_count() > 0 {
        return None;
    }
    let of_int = |value: i64| xxh3_64(&value.to_le_bytes());
    Some(match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().values().iter().map(|value| of_int(*value)).collect(),
        DataType::Date32 => {
            column.as_primitive::<Date32Type>().values().iter().map(|value| of_int(i64::from(*value))).collect()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            column.as_primitive::<TimestampMicrosecondType>().values().iter().map(|value| of_int(*value)).collect()
        }
        DataType::Utf8 => {
            column.as_string::<i32>().iter().map(|text| xxh3_64(text.unwrap_or_default().as_bytes())).collect()
        }
        _ => return None,
    })
}

/// What reads a sample.
struct Reading {
    tried: Tried,
    stored: Stored,
}

impl Sink for Reading {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.tried.clean += batch.num_rows() as u64;
        self.stored.add(batch);
        Tried::stop_at(self.tried.clean + self.tried.rejected)
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        self.tried.add(reject.reason, reject.row, reject.column, &reject.message);
        // Some of them may come when enough rows are read.
        Tried::stop_at(self.tried.rejected)
    }

    fn outside(&mut self, _: u64) {}
}

/// Reads a file as a raw object of the dataset that is declared, and keeps the values of the watched columns. A draft that
/// reads nothing is none.
pub(super) fn read(
    name: &str,
    file: &str,
    from: &Path,
    dataset_toml: &str,
    watched: &[String],
) -> Result<(Tried, Stored), String> {
    let folder = Folder::from([("dataset.toml".to_owned(), dataset_toml.to_owned())]);
    let catalog = Catalog::of_folders(BTreeMap::from([(name.to_owned(), folder)]));
    let dataset = catalog.dataset(name).map_err(|error| error.to_string())?;
    let table = dataset.tables.first().ok_or("the draft has no table")?;
    let key = format!("{name}/{}", unpacked(file));
    let object = RawObject { dataset, table, key: &key, received_at: DateTime::UNIX_EPOCH };
    let opened = File::open(from).map_err(|error| error.to_string())?;
    let reader = decompress(file, Box::new(opened)).map_err(super::why)?;
    let mut reading = Reading { tried: Tried::default(), stored: Stored::of(watched) };
    let read = decode(&object, Siblings::new(), reader, &mut reading);
    let Reading { mut tried, stored } = reading;
    match read {
        Ok(notes) => tried.preamble = notes.preamble,
        Err(Stop::Broken(why)) if why == ENOUGH => tried.is_beginning = true,
        Err(Stop::Broken(why)) => return Err(why),
        Err(Stop::Reject(reject)) => return Err(format!("{} ({})", reject.message, reject.reason)),
    }
    if tried.clean == 0
        && let Some((reason, rejected)) = tried.reasons.iter().max_by_key(|(_, rejected)| rejected.rows)
    {
        let Rejected { first, message, .. } = rejected;
        let place = match table.format_of(&key) {
            Some(Format::Json) => "element",
            Some(Format::Xlsx | Format::Parquet) => "row",
            _ => "line",
        };
        return Err(format!("no row of it could be read: {place} {first}: {message} ({reason})"));
    }
    Ok((tried, stored))
}
