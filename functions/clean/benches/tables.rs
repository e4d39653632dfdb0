#![allow(clippy::expect_used, missing_docs)]
//! How fast declared tables are decoded, in bytes of the raw object per second and core: `cargo bench -p clean --bench
//! tables`.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::DateTime;
use clean::formats::{self, RawObject, Siblings};
use clean::writer::TableWriter;
use divan::Bencher;
use divan::counter::BytesCount;
use lake::dataset::{Catalog, Folder};

use common::Counter;

const ROWS: usize = 200_000;
const DECLARED: &str = r#"
title = "T"
time_zone = "Europe/Brussels"
[table.t]
from = "*"
key = ["id", "time"]
[table.t.column]
id = { type = "int64", required = true }
value = { type = "float64", required = true, min = 0 }
time = { type = "timestamp", required = true }
day = { type = "date", field = "time", format = "rfc3339" }
note = { type = "string" }
"#;

fn main() {
    divan::main();
}

/// Rows of meters by the hour; one of a hundred is bad.
fn rows() -> impl Iterator<Item = [String; 4]> {
    (0..ROWS).map(|row| {
        let (meter, hour) = (row / 720, row % 720);
        let value = if row % 100 == 99 { "abc".to_owned() } else { format!("{}.{:03}", row * 7 % 5, row * 13 % 1000) };
        let time = format!("2026-11-{:02}T{:02}:00:00+01:00", hour / 24 + 1, hour % 24);
        [format!("{}", 100_000 + meter), value, time, "read".to_owned()]
    })
}

fn csv(quote: &str) -> String {
    let mut text = "id,value,time,note\n".to_owned();
    for [id, value, time, note] in rows() {
        let _ = writeln!(text, "{id},{value},{quote}{time}{quote},{quote}{note}{quote}");
    }
    text
}

fn json(between: &str) -> String {
    let row = |[id, value, time, note]: [String; 4]| {
        let value = if value == "abc" { "\"abc\"".to_owned() } else { value };
        format!(r#"{{"id":{id},"value":{value},"time":"{time}","note":"{note}","more":{{"quality":[1,2]}}}}"#)
    };
    rows().map(row).collect::<Vec<_>>().join(between)
}

fn file(name: &str) -> String {
    match name {
        "x.csv" => csv(""),
        "quoted.csv" => csv("\""),
        "x.ndjson" => json("\n"),
        _ => format!("[{}]", json(",")),
    }
}

fn decode(bencher: Bencher, name: &str, finish: bool) {
    let folder = Folder::from([("dataset.toml".to_owned(), DECLARED.to_owned())]);
    let catalog = Catalog::with_folders(BTreeMap::from([("d".to_owned(), folder)]));
    let dataset = catalog.dataset("d").expect("it is declared");
    let key = format!("d/{name}");
    let table = dataset.table_of(&key).expect("a table takes the key");
    let object = RawObject { dataset, table, key: &key, received_at: DateTime::UNIX_EPOCH };
    let text = file(name);
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
        let mut counter = Counter::default();
        let rows = if finish {
            let mut writer = TableWriter::new(table, &key, None).expect("a writer");
            formats::decode(&object, Siblings::new(), text.as_bytes(), &mut writer).expect("sound rows");
            writer.finish().expect("a file").rows.read
        } else {
            formats::decode(&object, Siblings::new(), text.as_bytes(), &mut counter).expect("sound rows");
            counter.0
        };
        assert_eq!(rows, ROWS as u64);
    });
}

/// Bytes to Arrow columns, batches thrown away: the decoder alone.
#[divan::bench(args = ["x.csv", "quoted.csv", "x.ndjson", "x.json"])]
fn into_columns(bencher: Bencher, name: &str) {
    decode(bencher, name, false);
}

/// Bytes to a finished Parquet file, keys checked for duplicates.
#[divan::bench(args = ["x.csv", "quoted.csv", "x.ndjson", "x.json"])]
fn into_parquet(bencher: Bencher, name: &str) {
    decode(bencher, name, true);
}
