#![allow(clippy::expect_used, missing_docs)]
//! How fast IRCELINE's values are decoded, in bytes of raw JSON per second and core: `cargo bench -p clean`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{Cursor, Read};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::DateTime;
use clean::Stop;
use clean::formats::{self, RawObject};
use clean::reject::Reject;
use clean::run::Run;
use clean::writer::{Sink, TableWriter};
use divan::Bencher;
use divan::counter::BytesCount;
use lake::dataset::Catalog;

const KEY: &str = "irceline/date=2026-11-18/values.ndjson";
/// The end of the first hour of that day in Brussels, in milliseconds.
const FIRST: i64 = 1_794_960_000_000;

fn main() {
    divan::main();
}

/// Throws rows away.
struct Counter(u64);

impl Sink for Counter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.0 += batch.num_rows() as u64;
        Ok(())
    }

    fn write_run(&mut self, _: &SchemaRef, run: &Run) -> Result<(), Stop> {
        self.0 += run.rows() as u64;
        Ok(())
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        Err(Stop::reject(reject.reason, reject.message.clone()))
    }

    fn outside(&mut self, _: u64) {}
}

/// One day of some series as the API answers it, in lines of 50 series.
fn values(series: usize) -> String {
    let mut text = String::new();
    for chunk in (0..series).collect::<Vec<_>>().chunks(50) {
        text.push_str(r#"{"request":{},"received_at":"2026-11-19T05:00:00Z","status":200,"body":{"#);
        for (at, id) in chunk.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(text, r#"{comma}"{id}":{{"values":["#);
            for hour in 0..24 {
                let comma = if hour == 0 { "" } else { "," };
                let (time, value) = (FIRST + hour * 3_600_000, (id * 7 + hour as usize * 13) % 900);
                let _ = write!(text, r#"{comma}{{"timestamp":{time},"value":{}.{}}}"#, value / 10, value % 10);
            }
            text.push_str("]}");
        }
        text.push_str("}}\n");
    }
    text
}

fn timeseries(series: usize) -> String {
    let items: Vec<String> = (0..series)
        .map(|id| {
            format!(
                r#"{{"id":"{id}","uom":"µg/m³","station":{{"properties":{{"id":{}}}}},"parameters":{{"phenomenon":{{"id":"5","label":"PM10"}}}}}}"#,
                id / 5
            )
        })
        .collect();
    format!("[{}]", items.join(","))
}

fn decode(bencher: Bencher, series: usize, finish: bool) {
    let catalog = Catalog::built_in();
    let dataset = catalog.dataset("irceline").expect("irceline is built in");
    let table = dataset.table_of(KEY).expect("a table takes the key");
    let text = values(series);
    let object = RawObject { dataset, table, key: KEY, received_at: DateTime::UNIX_EPOCH };
    let list = timeseries(series);
    let sibling = |text: &str| Box::new(Cursor::new(text.to_owned())) as Box<dyn Read + Send>;
    let siblings = || {
        BTreeMap::from([("timeseries.json".to_owned(), sibling(&list)), ("stations.json".to_owned(), sibling("[]"))])
    };
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
        let mut writer = TableWriter::new(table, KEY, None).expect("a writer");
        if finish {
            formats::decode(&object, siblings(), text.as_bytes(), &mut writer).expect("sound values");
            assert_eq!(writer.finish().expect("a file").rows.clean, series as u64 * 24);
        } else {
            let mut counter = Counter(0);
            formats::decode(&object, siblings(), text.as_bytes(), &mut counter).expect("sound values");
            assert_eq!(counter.0, series as u64 * 24);
        }
    });
}

/// Bytes to runs of values, which are thrown away: the decoder alone.
#[divan::bench(args = [660, 20_000])]
fn into_runs(bencher: Bencher, series: usize) {
    decode(bencher, series, false);
}

/// Bytes to a finished Parquet file, keys checked for duplicates.
#[divan::bench(args = [660, 20_000])]
fn into_parquet(bencher: Bencher, series: usize) {
    decode(bencher, series, true);
}
