//! Other engines run what `tributary schema` prints, and their views show the rows that `tributary query` shows.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail as tests do"
)]

use std::path::Path;
use std::process::Command;

use integration::{TestLake, python, skip};
use serde_json::Value;

/// Tables with superseded rows of each kind, and models with values in their paths.
const TABLES: [&str; 6] =
    ["energy_usage.reading", "sites.person", "sites.visit", "sites.note", "sites.sample", "sites.never"];
const MODELS: [&str; 2] = ["energy_usage.usage_by_customer_day", "sites.visits"];
const SITES: &str = r#"
title = "Sites that are visited: \"it's\" a test"
time_zone = "Europe/Brussels"

[table.visit]
about = "A visit; it's here\n\nsecond paragraph"
from = "site=*/**/*.csv"
format = "csv"
partition = "site"
key = ["id"]
[table.visit.column.id]
type = "int64"
about = "The visitor's number"
[table.visit.column.kind]
type = "string"
[table.visit.column.seen_at]
type = "timestamp"
format = "rfc3339"

[table.note]
from = "notes/**/*.csv"
format = "csv"
key = ["id"]
[table.note.column.id]
type = "int64"
[table.note.column.text]
type = "string"

[table.sample]
from = "samples/*.csv"
format = "csv"
partition = "month(day)"
[table.sample.column.day]
type = "date"
format = "%Y-%m-%d"
[table.sample.column.value]
type = "float64"

[table.person]
from = "people/*.csv"
format = "csv"
header = "always"
snapshot = true
[table.person.column.name]
type = "string"
personal = true

[table.never]
from = "never/*.csv"
format = "csv"
partition = "month(day)"
key = ["day"]
[table.never.column.day]
type = "date"
format = "%Y-%m-%d"
"#;
const VISITS: &str = r#"-- Visits by kind
--
-- [model]
-- inputs = ["visit"]
-- split = ["kind"]

SELECT kind, count(*) AS visits, sum(id) / 7.0 AS share FROM visit GROUP BY kind ORDER BY kind
"#;

/// A lake in which rows are superseded by time, by the greater raw key, and by a newer snapshot.
fn lake() -> TestLake {
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write("config/datasets/sites/dataset.toml", SITES);
    lake.write("config/datasets/sites/visits.sql", VISITS);
    let at = |name: &str, text: &str, second: u64| {
        lake.write(&format!("raw/{name}"), text);
        let file = std::fs::File::options().write(true).open(lake.path().join("raw").join(name)).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_780_000_000 + second);
        file.set_modified(time).unwrap();
    };
    let usage = "customer_id,usage_kwh,start_time\n";
    at("energy_usage/b.csv", &format!("{usage}7,1.5,2026-10-31T23:30:00+00:00\n8,0.1,2026-11-02T01:00:00+01:00\n"), 0);
    // The same instant on another day, in another partition.
    at("energy_usage/a.csv", &format!("{usage}7,2.25,2026-11-01T00:30:00+01:00\n"), 10);
    at("sites/people/new.csv", "name\nAda\n", 10);
    at("sites/people/old.csv", "name\nAda\nBob\n", 0);
    let visit = "id,kind,seen_at\n";
    at(
        "sites/site=a b/one.csv",
        &format!("{visit}1,walk in,2026-11-01T10:00:00Z\n2,,2026-11-01T11:00:00.250001Z\n"),
        0,
    );
    at("sites/site=a b/two.csv", &format!("{visit}1,50% e,2026-11-02T10:00:00Z\n"), 10);
    // The same key at another site is another visit.
    at("sites/site=c/one.csv", &format!("{visit}1,walk in,2026-11-01T10:00:00Z\n"), 0);
    // At the same time the greater raw key counts: 0 is greater than /, and _ than both.
    at("sites/notes/a/one.csv", "id,text\n1,of a\n2,alone\n", 0);
    at("sites/notes/a0/one.csv", "id,text\n1,of a0\n", 0);
    at("sites/samples/one.csv", "day,value\n2026-10-31,1\n2026-11-01,2\n", 0);
    at("sites/samples/two.csv", "day,value\n2026-11-01,2\n", 0);
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    lake
}

#[test]
fn duckdb_and_spark_see_the_rows_that_count() {
    let lake = lake();
    let engines = [("duckdb", vec!["duckdb==2.0.1"]), ("spark", vec!["pyspark==4.3.0"])];
    for (engine, packages) in engines {
        if engine == "spark" && Command::new("java").arg("-version").output().is_err() {
            skip("spark", "reading a lake with Spark needs Java");
            continue;
        }
        let Some(python) = python::environment(&format!("reading a lake with {engine}"), &packages) else { continue };
        let sql = lake.call(&["schema", "--dialect", engine]).ok().json()["sql"].as_str().unwrap().to_owned();
        let views = TABLES.map(|table| table.replace('.', ".current_"));
        let names: Vec<&str> = views.iter().map(String::as_str).chain(MODELS).chain(TABLES).collect();
        let seen = ask(&python, engine, &lake, &sql, &names);
        let rows = |name: &str| sorted(seen[name].as_array().unwrap().clone());
        for (table, view) in TABLES.iter().zip(&views) {
            assert_eq!(rows(view), sorted(lake.query(&format!("SELECT * FROM {table}"))), "{engine}: {table}");
        }
        for model in MODELS {
            let asked = sorted(lake.query(&format!("SELECT * FROM {model}")));
            assert!(!asked.is_empty() && rows(model) == asked, "{engine}: {model}: {:?}, not {asked:?}", rows(model));
        }
        // What the views are for: of each kind of table the files have more rows.
        let counts = ["energy_usage.reading", "sites.person", "sites.visit", "sites.note"]
            .map(|table| (rows(table).len(), rows(&table.replace('.', ".current_")).len()));
        assert_eq!(counts, [(3, 2), (3, 1), (4, 3), (3, 2)], "{engine}");
        assert_eq!(rows("sites.current_sample").len(), 3, "{engine}: without a key each row counts");
    }
}

/// What an engine sees, far from UTC.
fn ask(python: &Path, engine: &str, lake: &TestLake, sql: &str, names: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("engines.py");
    let file = lake.path().join("schema.sql");
    std::fs::write(&file, sql).unwrap();
    let asked = Command::new(python)
        .arg(script)
        .arg(engine)
        .arg(&file)
        .args(names)
        .env("TZ", "America/New_York")
        .env("SPARK_LOCAL_IP", "127.0.0.1")
        .env_remove("PYSPARK_PYTHON")
        .output()
        .unwrap();
    assert!(asked.status.success(), "{engine}: {}\n{sql}", String::from_utf8_lossy(&asked.stderr));
    let last = String::from_utf8_lossy(&asked.stdout).lines().last().unwrap_or_default().to_owned();
    serde_json::from_str(&last).unwrap()
}

fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(ToString::to_string);
    rows
}

#[test]
fn a_name_that_is_not_there_and_a_local_lake_for_athena_are_usage_errors() {
    let lake = TestLake::new("http://127.0.0.1:9/");
    let call = |arguments: &[&str]| lake.call(&[&["schema", "--dialect"], arguments].concat());
    for (arguments, why) in [
        (["duckdb", "irceline.nothing"].as_slice(), "it has station"),
        (&["duckdb", "nothing"], "nothing"),
        (&["athena"], "--location"),
        (&["snowflake"], "--location"),
        (&["athena", "--location", "ftp://x"], "--location"),
    ] {
        let called = call(arguments);
        assert!(called.status == 2 && called.stderr.contains(why), "{arguments:?}: {}", called.stderr);
    }
    let one = call(&["athena", "irceline.station", "--location", "s3://b/p", "--database", "our_lake"]).ok();
    let sql = one.json()["sql"].as_str().unwrap().to_owned();
    assert!(sql.contains("`our_lake`.`irceline_station`") && !sql.contains("timeseries`"), "{sql}");
    assert!(sql.contains("'storage.location.template' = 's3://b/p/standard/irceline/station/date=${date}/'"), "{sql}");
}
