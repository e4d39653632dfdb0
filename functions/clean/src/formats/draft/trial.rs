//! Reads a sample with its own draft.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use chrono::DateTime;
use lake::dataset::{Catalog, Folder, Format};

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

impl Sink for Tried {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.clean += batch.num_rows() as u64;
        Self::stop_at(self.clean + self.rejected)
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        self.add(reject.reason, reject.row, reject.column, &reject.message);
        // Some of them may come when enough rows are read.
        Self::stop_at(self.rejected)
    }

    fn outside(&mut self, _: u64) {}
}

/// Reads a file as a raw object of the dataset that is declared. A draft that reads nothing is none.
pub(super) fn read(name: &str, file: &str, from: &Path, dataset_toml: &str) -> Result<Tried, String> {
    let folder = Folder::from([("dataset.toml".to_owned(), dataset_toml.to_owned())]);
    let catalog = Catalog::of_folders(BTreeMap::from([(name.to_owned(), folder)]));
    let dataset = catalog.dataset(name).map_err(|error| error.to_string())?;
    let table = dataset.tables.first().ok_or("the draft has no table")?;
    let key = format!("{name}/{}", unpacked(file));
    let object = RawObject { dataset, table, key: &key, received_at: DateTime::UNIX_EPOCH };
    let opened = File::open(from).map_err(|error| error.to_string())?;
    let reader = decompress(file, Box::new(opened)).map_err(super::why)?;
    let mut tried = Tried::default();
    match decode(&object, Siblings::new(), reader, &mut tried) {
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
    Ok(tried)
}
