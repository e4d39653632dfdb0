#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]
//! What reading holds at most: a process of its own, whose memory nothing else adds to.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch};
use arrow::datatypes::Int32Type;
use chrono::DateTime;
use clean::Stop;
use clean::formats::{RawObject, Siblings, decode};
use clean::reject::Reject;
use clean::writer::Sink;
use lake::dataset::{Catalog, Folder};
use parquet::arrow::ArrowWriter;

const MIB: usize = 1024 * 1024;
const ROWS: usize = 1000;

/// The most that this process has held so far, in MiB; none where the system does not say.
fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<usize>().ok()? / 1024)
}

#[derive(Default)]
struct Counted {
    rows: usize,
    largest: usize,
}

impl Sink for Counted {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.rows += batch.num_rows();
        self.largest = self.largest.max(batch.num_rows());
        Ok(())
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        panic!("{}", reject.message)
    }

    fn outside(&mut self, _: u64) {}
}

#[test]
fn a_long_value_of_parquet_that_comes_again_is_held_once() {
    let text = "x".repeat(MIB);
    let names: DictionaryArray<Int32Type> = (0..ROWS).map(|_| text.as_str()).collect();
    let columns: [(&str, ArrayRef); 2] =
        [("id", Arc::new(Int64Array::from_iter_values(0..ROWS as i64))), ("name", Arc::new(names))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    drop(batch);
    let before = peak();

    let declared = "title = \"T\"\ntime_zone = \"UTC\"\n[table.t]\nfrom = \"*\"\ncolumn.id = { type = \"int64\" }\ncolumn.name = { type = \"string\" }\n";
    let folder = Folder::from([("dataset.toml".to_owned(), declared.to_owned())]);
    let catalog = Catalog::of_folders(BTreeMap::from([("d".to_owned(), folder)]));
    let dataset = catalog.dataset("d").unwrap();
    let table = dataset.table("t").unwrap();
    let object = RawObject { dataset, table, key: "d/x.parquet", received_at: DateTime::UNIX_EPOCH };
    let mut counted = Counted::default();
    decode(&object, Siblings::new(), file.as_slice(), &mut counted).unwrap();
    assert_eq!(counted.rows, ROWS);
    assert!(counted.largest < 100, "{} rows at a time", counted.largest);
    if let (Some(before), Some(after)) = (before, peak()) {
        // All values are a gigabyte.
        assert!(after < before.max(100) + 200, "{before} MiB before, {after} MiB at most");
    }
}
