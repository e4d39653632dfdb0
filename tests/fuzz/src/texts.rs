//! What is small and read whole: events, keys, partitions, declarations, entries of the ledger.

use std::collections::BTreeMap;

use clean::event::{Asks, Event, understand};
use lake::dataset::{Catalog, Folder};
use lake::keys;
use lake::ledger::{ConsumptionEntry, RawEntry, Rows, partition_of};
use lake::partition::{Partition, PartitionBy, days_of_key};

/// Where one file of a dataset ends and the next begins in an input.
const SEPARATOR: &str = "\n----\n";

pub fn events(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    let messages = match understand(&event) {
        Event::Batch(messages) => messages,
        Event::Single(message) => vec![message],
    };
    for asks in messages.into_iter().filter_map(|message| message.asks.ok()) {
        let Asks::Objects(notices) = asks else { continue };
        for notice in notices {
            keys::raw_ledger(&notice.key);
        }
    }
}

/// The lines that ingest wrote: what an API answered stands in them.
pub fn raw_lines(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.lines().filter_map(ingest::raw::Line::read).collect();
    let rendered = ingest::raw::render(&lines);
    let again = String::from_utf8_lossy(&rendered);
    let read_again = again.lines().filter_map(ingest::raw::Line::read).count();
    assert_eq!(read_again, lines.len(), "what was written is read again");
}

pub fn keys(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (first, second) = text.split_once('\n').unwrap_or((&text, ""));
    for key in [first, second] {
        let entry = keys::raw_ledger(key);
        if let Some(found) = keys::raw_key_of(&entry) {
            assert_eq!(found, key, "an entry names its own raw object");
        }
        let _ = (keys::raw_key_of(key), keys::is_hidden(key), keys::segment(key, "date"), partition_of(key));
        let flat = keys::flatten(key);
        assert!(!flat.contains('/') && flat.len() <= 240, "{flat:?}");
    }
    if first != second {
        assert_ne!(keys::raw_ledger(first), keys::raw_ledger(second), "two objects have two entries");
        if keys::dataset(first) == keys::dataset(second) && keys::below_dataset(first) != keys::below_dataset(second) {
            assert_ne!(keys::flatten(first), keys::flatten(second), "two objects have two outputs");
        }
    }
}

pub fn partitions(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(partition) = text.parse::<Partition>() {
        assert_eq!(partition.as_str().parse::<Partition>(), Ok(partition.clone()), "what is written is read again");
        let _ = (partition.days(), partition.values().count(), partition.key("d/m", "x"));
    }
    let _ = days_of_key(&text);
    let (by, key) = text.split_once('\n').unwrap_or((&text, ""));
    if let Ok(by) = by.parse::<PartitionBy>() {
        let _ = (by.of_key(key), by.columns());
    }
    for by in ["date", "week", "year"] {
        let by: PartitionBy = by.parse().unwrap();
        let _ = by.of_key(&text);
    }
}

/// `dataset.toml`, then SQL files.
pub fn datasets(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let files = text.split(SEPARATOR).enumerate().map(|(at, text)| match at {
        0 => ("dataset.toml".to_owned(), text.to_owned()),
        at => (format!("model_{at}.sql"), text.to_owned()),
    });
    let catalog = Catalog::of_folders(BTreeMap::from([("d".to_owned(), Folder::from_iter(files))]));
    for error in catalog.broken() {
        assert!(!error.to_string().is_empty());
    }
    for dataset in catalog.datasets() {
        let _ = dataset.table_of("d/date=2026-01-01/a.csv");
        for table in &dataset.tables {
            let _ = (table.schema(), table.layout());
        }
        for model in &dataset.models {
            let _ = (dataset.inputs_of(model).is_ok(), model.partition_columns());
        }
    }
}

pub fn ledger(bytes: &[u8]) {
    let mut total = Rows::default();
    if let Ok(entry) = serde_json::from_slice::<RawEntry>(bytes) {
        let _ = (entry.rows.balance(), entry.is_committed(), entry.newest_day(chrono::NaiveDate::MAX), entry.raw_key());
        total.add(&entry.rows);
        total.add(&entry.rows);
        assert!(entry.outputs.iter().all(|output| output.partition.days().is_none_or(|days| days.start < days.end)));
        let again = serde_json::to_vec(&entry).unwrap();
        assert_eq!(serde_json::from_slice::<RawEntry>(&again).unwrap(), entry);
    }
    if let Ok(entry) = serde_json::from_slice::<ConsumptionEntry>(bytes) {
        let again = serde_json::to_vec(&entry).unwrap();
        assert_eq!(serde_json::from_slice::<ConsumptionEntry>(&again).unwrap(), entry);
    }
}
