//! Other engines read the lake's files without any setting, and see what `tributary query` sees.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail as tests do"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, Utc};
use integration::{TestLake, python};
use serde_json::{Value, json};
use simulator::{Options, Simulator};

const PACKAGES: [&str; 4] = ["duckdb==2.0.0", "pandas==3.1.1", "polars==2.1.0", "pyarrow==26.0.1"];

/// A table as the contract describes it.
struct Table {
    /// Its folder below the lake.
    folder: &'static str,
    /// The columns in the files: a name, and `:` with a type where the type changes.
    columns: &'static str,
    /// The column that only the folders' names hold.
    partition: &'static str,
    partitions: &'static [&'static str],
    /// The column to be added up per parameter.
    measure: Option<&'static str>,
}

const DAYS: &[&str] = &["2026-10-24", "2026-10-25", "2026-10-26"];
const MONTHS: &[&str] = &["2026-10"];
const TABLES: [Table; 5] = [
    Table {
        folder: "standard/irceline/station",
        columns: "station_id:int64 label:string code municipality longitude:float64 latitude received_at:instant",
        partition: "date",
        partitions: DAYS,
        measure: None,
    },
    Table {
        folder: "standard/irceline/timeseries",
        columns: "timeseries_id:string station_id:int64 phenomenon_id:string phenomenon uom \
                  first_timestamp:instant last_timestamp received_at",
        partition: "date",
        partitions: DAYS,
        measure: None,
    },
    Table {
        folder: "standard/irceline/measurement",
        columns: "timeseries_id:string station_id:int64 phenomenon_id:string parameter uom timestamp:instant \
                  datetime:string day:date value:float64 received_at:instant",
        partition: "month",
        partitions: MONTHS,
        measure: Some("value"),
    },
    Table {
        folder: "consumption/irceline/aggregate_station_by_day",
        columns: "day:date station_id:int64 station_label:string municipality longitude:float64 latitude \
                  timeseries_id:string phenomenon_id parameter uom average:float64 minimum maximum \
                  count:int64 expected coverage:float64 valid:bool",
        partition: "month",
        partitions: MONTHS,
        measure: Some("average"),
    },
    Table {
        folder: "consumption/irceline/aggregate_city_by_hour",
        columns: "timestamp:instant day:date municipality:string parameter uom average:float64 stations:int64",
        partition: "month",
        partitions: MONTHS,
        measure: Some("average"),
    },
];

impl Table {
    /// Names and types, in order.
    fn columns(&self) -> Vec<(&'static str, &'static str)> {
        let mut kind = "";
        let typed = |word: &'static str| {
            let (name, new) = word.split_once(':').unwrap_or((word, kind));
            kind = new;
            (name, if new == "instant" { "timestamp(us, UTC)" } else { new })
        };
        self.columns.split_whitespace().map(typed).collect()
    }

    /// The name in SQL.
    fn name(&self) -> String {
        format!("irceline.{}", self.folder.rsplit('/').next().unwrap())
    }

    /// What `tributary query` says: rows, and per parameter the number of values and their sum.
    fn asked(&self, lake: &TestLake) -> (Value, Value) {
        let rows = lake.query(&format!("SELECT count(*) AS rows FROM {}", self.name()));
        let Some(measure) = self.measure else {
            return (rows[0]["rows"].clone(), Value::Null);
        };
        let sums = lake.query(&format!(
            "SELECT parameter, count({measure}) AS count, sum({measure}) AS total FROM {} GROUP BY parameter",
            self.name()
        ));
        let sums: BTreeMap<&str, Value> =
            sums.iter().map(|row| (row["parameter"].as_str().unwrap(), json!([row["count"], row["total"]]))).collect();
        (rows[0]["rows"].clone(), json!(sums))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_engines_read_the_lake_as_it_is() {
    let Some(python) = python::environment("reading a lake with other engines", &PACKAGES) else {
        return;
    };
    let options = Options { stations: 12, series: 60, ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    let lake = TestLake::new(&simulator.irceline_url());
    // The clocks go back on the second day.
    lake.run("2026-10-24", "2026-10-27").ok();

    let seen = read(&python, lake.path());
    for table in &TABLES {
        let (rows, sums) = table.asked(&lake);
        assert!(rows.as_u64() > Some(0), "{} is empty", table.folder);
        for engine in ["duckdb", "pandas", "polars"] {
            let place = format!("{engine}: {}", table.folder);
            let saw = &seen[engine][table.folder];
            check_columns(table, &saw["columns"], &place);
            assert_eq!(saw["partitions"], json!(table.partitions), "{place}");
            assert_eq!(saw["rows"], rows, "{place}");
            check_spans(table, &saw["spans"], &lake, &place);
            check_sums(&saw["sums"], &sums, &place);
        }
    }
}

/// What the script prints, far from UTC and from Brussels.
fn read(python: &Path, lake: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("readers.py");
    let arguments =
        TABLES.map(|table| format!("{}:{}:{}", table.folder, table.partition, table.measure.unwrap_or_default()));
    let output =
        Command::new(python).arg(script).arg(lake).args(arguments).env("TZ", "America/New_York").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The contract's columns in order, and then the partition, whose type each engine guesses.
fn check_columns(table: &Table, saw: &Value, place: &str) {
    let mut saw: Vec<(&str, &str)> = saw.as_array().unwrap().iter().map(pair).collect();
    let (last, guessed) = saw.pop().unwrap();
    assert_eq!(saw, table.columns(), "{place}");
    assert_eq!(last, table.partition, "{place}");
    // A month is no number and no date; a date may be one.
    assert!(matches!((last, guessed), (_, "string" | "str") | ("date", "date")), "{place}: {last} is {guessed}");
}

fn pair(value: &Value) -> (&str, &str) {
    (value[0].as_str().unwrap(), value[1].as_str().unwrap())
}

/// Instants are aware of their time zone, and the right ones.
fn check_spans(table: &Table, saw: &Value, lake: &TestLake, place: &str) {
    for (name, kind) in table.columns() {
        if kind != "timestamp(us, UTC)" {
            continue;
        }
        let sql = format!("SELECT min({name}) AS first, max({name}) AS last FROM {}", table.name());
        let asked = lake.query(&sql).remove(0);
        let instants = [instant(&asked["first"]), instant(&asked["last"])];
        assert_eq!([instant(&saw[name][0]), instant(&saw[name][1])], instants, "{place}: {name}");
        assert!(saw[name][0].as_str().unwrap().ends_with("+00:00"), "{place}: {saw}");
        if name == "timestamp" {
            // A stamp is its hour's end: three days of Brussels, 73 hours.
            assert_eq!(instants, [&json!("2026-10-23T23:00:00Z"), &json!("2026-10-26T23:00:00Z")].map(instant));
        }
    }
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

/// The same parameters and counts, and sums but for the order of adding.
fn check_sums(saw: &Value, asked: &Value, place: &str) {
    let (Some(saw), Some(asked)) = (saw.as_object(), asked.as_object()) else {
        assert_eq!(saw, asked, "{place}");
        return;
    };
    assert!(asked.len() > 3, "{place}: {asked:?}");
    assert_eq!(saw.keys().collect::<BTreeSet<_>>(), asked.keys().collect::<BTreeSet<_>>(), "{place}");
    for (parameter, expected) in asked {
        let found = &saw[parameter];
        assert_eq!(found[0], expected[0], "{place}: values of {parameter}");
        let (sum, expected) = (found[1].as_f64().unwrap(), expected[1].as_f64().unwrap());
        assert!((sum - expected).abs() <= 1e-9 * expected.abs(), "{place}: {parameter}: {sum}, not {expected}");
    }
}
