#![allow(missing_docs)]
//! Cleans one local file, to see where time goes: `clean_file decode|write FILE KEY [DATASET_TOML]`.
//!
//! `decode` counts the rows and throws them away; `write` makes the Parquet and rejection files of them, in temporary
//! files. The key picks the table: of the built-in datasets, or of a dataset `d` that the last argument declares.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;

use arrow::array::RecordBatch;
use chrono::DateTime;
use clean::Stop;
use clean::formats::{RawObject, Siblings, decode};
use clean::reject::Reject;
use clean::writer::{Sink, TableWriter};
use lake::dataset::{Catalog, Folder};

#[derive(Default)]
struct Counter {
    clean: u64,
    rejected: u64,
}

impl Sink for Counter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.clean += batch.num_rows() as u64;
        Ok(())
    }

    fn reject(&mut self, _: &Reject) -> Result<(), Stop> {
        self.rejected += 1;
        Ok(())
    }

    fn outside(&mut self, _: u64) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, path, key, declared @ ..] = arguments.as_slice() else {
        return Err("usage: clean_file decode|write FILE KEY [DATASET_TOML]".into());
    };
    let mut folders = BTreeMap::new();
    for path in declared {
        let text = std::fs::read_to_string(path)?;
        folders.insert("d".to_owned(), Folder::from([("dataset.toml".to_owned(), text)]));
    }
    let catalog = Catalog::with_folders(folders);
    let dataset = catalog.dataset(lake::keys::dataset(key))?;
    let table = dataset.table_of(key).ok_or("no table takes the key")?;
    let object = RawObject { dataset, table, key, received_at: DateTime::UNIX_EPOCH };
    let file = File::open(path)?;
    let broken = |stop: Stop| format!("{stop:?}");
    if mode == "write" {
        let mut writer = TableWriter::new(table, key, None).map_err(broken)?;
        decode(&object, Siblings::new(), file, &mut writer).map_err(broken)?;
        println!("{:?}", writer.finish().map_err(broken)?.rows);
    } else {
        let mut counter = Counter::default();
        let notes = decode(&object, Siblings::new(), file, &mut counter).map_err(broken)?;
        println!("{} clean, {} rejected, {} seen", counter.clean, counter.rejected, notes.seen);
    }
    Ok(())
}
