//! The decoders of `clean`: raw bytes to rows.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::LazyLock;

use arrow::array::RecordBatch;
use chrono::DateTime;
use clean::Stop;
use clean::formats::{RawObject, Siblings, decode};
use clean::reject::Reject;
use clean::writer::{Sink, TableWriter};
use lake::dataset::{Catalog, Folder};

/// Where one sibling ends and the next begins in an input.
const SEPARATOR: &[u8] = b"\n----\n";

/// Tables of the declared formats with all column types and dialects.
const DECLARED: &str = r#"
title = "T"
time_zone = "Europe/Brussels"

[table.plain]
from = "plain.*"
key = ["a", "t"]
partition = "month(d)"
[table.plain.column]
a = { type = "int64", required = true }
t = { type = "timestamp" }
d = { type = "date", required = true }
f = { type = "float64", min = -5, max = 1e6, missing = ["NaN", -99.99] }
b = { type = "bool" }
s = { type = "string", one_of = ["x", "y", "été"] }

[table.wide]
from = "wide.*"
delimiter = ";"
[table.wide.column]
s = { type = "string", pattern = "^[a-z]+$" }
e = { type = "timestamp", format = "epoch_ms" }
t = { type = "timestamp", format = "%Y-%m-%d %H:%M:%S", zone = "Europe/Brussels" }
f = { type = "float64", missing = ["-"], decimal = "," }

[table.keyed]
from = "date=*/keyed.*"
partition = "date"
[table.keyed.column]
id = { type = "int64" }
"#;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let own = BTreeMap::from([("t".to_owned(), Folder::from([("dataset.toml".to_owned(), DECLARED.to_owned())]))]);
    let catalog = Catalog::with_folders(own);
    catalog.dataset("t").unwrap();
    catalog
});

/// Takes rows and keeps none of them.
#[derive(Default)]
struct Counted {
    rows: u64,
}

impl Sink for Counted {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn reject(&mut self, _: &Reject) -> Result<(), Stop> {
        self.rows += 1;
        Ok(())
    }

    fn outside(&mut self, count: u64) {
        self.rows += count;
    }
}

/// Cleans bytes as the raw object of this key. Some inputs, by their hash, also go through the writer to Parquet.
fn clean(raw_key: &str, siblings: &[(&str, &[u8])], bytes: &[u8]) {
    let dataset = CATALOG.dataset(lake::keys::dataset(raw_key)).unwrap();
    let table = dataset.table_of(raw_key).unwrap_or_else(|| panic!("no table takes {raw_key}"));
    let received_at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let object = RawObject { dataset, table, key: raw_key, received_at };
    let opened = || -> Siblings<'_> {
        let reader = |bytes: &[u8]| Box::new(Cursor::new(bytes.to_vec())) as Box<dyn Read + Send>;
        siblings.iter().map(|(name, bytes)| ((*name).to_owned(), reader(bytes))).collect()
    };
    let read = || clean::decompress(raw_key, Box::new(Cursor::new(bytes.to_vec())));
    if let Ok(reader) = read() {
        let _ = decode(&object, opened(), reader, &mut Counted::default());
    }
    if lake::hash::bytes(bytes).starts_with('0')
        && let (Ok(reader), Ok(mut writer)) = (read(), TableWriter::new(table, raw_key, None))
        && decode(&object, opened(), reader, &mut writer).is_ok()
        && let Ok(written) = writer.finish()
    {
        assert!(written.rows.balance(), "{:?}", written.rows);
    }
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) {
        parts.push(&rest[..at]);
        rest = &rest[at + SEPARATOR.len()..];
    }
    parts.push(rest);
    parts
}

const SERIES: &[u8] =
    br#"[{"id":"1","uom":"\u00b5g/m\u00b3","station":{"properties":{"id":1}}},{"id":"2"},{"id":"x"}]"#;
const STATIONS: &[u8] = br#"[{"properties":{"id":1,"label":"A"},"geometry":{"coordinates":[4.4,51.2]}}]"#;
const VALUES: &[u8] = br#"{"request":{"url":"u"},"received_at":"2026-11-19T05:00:00Z","status":200,"body":{"1":{"values":[{"timestamp":1794960000000,"value":1.5}]}}}"#;

pub fn irceline_values(bytes: &[u8]) {
    let siblings = [("timeseries.json", SERIES), ("stations.json", STATIONS)];
    clean("irceline/date=2026-11-18/values.ndjson", &siblings, bytes);
}

pub fn irceline_metadata(bytes: &[u8]) {
    let siblings = [("timeseries.json", bytes), ("stations.json", STATIONS)];
    clean("irceline/date=2026-11-18/values.ndjson", &siblings, VALUES);
    let siblings = [("timeseries.json", SERIES), ("stations.json", bytes)];
    clean("irceline/date=2026-11-18/values.ndjson", &siblings, VALUES);
    clean("irceline/date=2026-11-18/timeseries.json", &[], bytes);
    clean("irceline/date=2026-11-18/stations.json", &[], bytes);
}

pub fn illuminate(bytes: &[u8]) {
    for name in ["assessments", "responses_group", "responses_standard", "responses_overall"] {
        clean(&format!("illuminate/year=24-25/{name}.ndjson"), &[], bytes);
    }
    clean("illuminate/rosters/Student_Rosters.txt", &[], bytes);
}

pub fn codetrack(bytes: &[u8]) {
    let parts = split(bytes);
    let commits = parts.get(1).copied().unwrap_or_default();
    clean("codetrack/week=2026-11-16/weekly_scores.ndjson", &[("weekly_commits.ndjson", commits)], parts[0]);
    clean("codetrack/week=2026-11-16/users.ndjson", &[], bytes);
    clean("codetrack/rosters/roster.json", &[], bytes);
}

pub fn csv(bytes: &[u8]) {
    for name in ["t/plain.csv", "t/plain.tsv", "t/wide.csv", "t/date=2026-01-01/keyed.csv", "energy_usage/a.csv"] {
        clean(name, &[], bytes);
    }
    clean("meters/measurement/a.csv", &[], bytes);
}

pub fn json(bytes: &[u8]) {
    for name in ["t/plain.json", "t/wide.json", "t/date=2026-01-01/keyed.json"] {
        clean(name, &[], bytes);
    }
}

pub fn ndjson(bytes: &[u8]) {
    for name in ["t/plain.ndjson", "t/wide.ndjson", "t/date=2026-01-01/keyed.ndjson", "meters/device/a.ndjson"] {
        clean(name, &[], bytes);
    }
}

pub fn compressed(bytes: &[u8]) {
    for name in ["t/plain.csv.gz", "t/plain.csv.zst", "t/plain.ndjson.gz", "t/plain.json.zst"] {
        clean(name, &[], bytes);
    }
}
