//! Queries made at random give the rows that DuckDB gives. `QUERIES` and `SEED` set how many, and which.

#![allow(clippy::panic, clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::fmt::Write;
use std::process::Command;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use integration::{TestLake, python};
use lake::Lake;
use lake::settings::LakeSettings;
use serde_json::Value;

/// How many are asked if `QUERIES` does not say.
const USUAL: u64 = 300;
const SEED: u64 = 1;
/// A query of a few rows takes some milliseconds.
const LONGEST: Duration = Duration::from_secs(60);

const TABLES: [&str; 3] = ["one", "two", "three"];
const COLUMNS: &str = "id = { type = 'int64', required = true }\nk = { type = 'int64' }\nh = { type = 'string' }\n\
    g = { type = 'string' }\nd = { type = 'date', required = true }\nx = { type = 'float64' }\nb = { type = 'bool' }\n";

/// What is said of queries that are not answered.
const NOT_DONE: [&str; 4] = [
    "NOT IN (SELECT ...) is",
    // Faults of the engine that give no rows.
    "Conflicting ordering requirements in aggregate functions",
    "does not satisfy order requirements",
    "two values of the query have one name within the engine",
];

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// The rows of a batch as `queries.py` writes them.
fn texts(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("NULL");
    let columns: Vec<Box<dyn Fn(usize) -> String>> = batch
        .columns()
        .iter()
        .map(|column| -> Box<dyn Fn(usize) -> String> {
            if *column.data_type() == DataType::Float64 {
                let numbers = column.as_primitive::<Float64Type>();
                return Box::new(|row| match numbers.is_null(row) {
                    true => "NULL".to_owned(),
                    false => format!("{:.6}", numbers.value(row)).replace("-0.000000", "0.000000"),
                });
            }
            let formatter = ArrayFormatter::try_new(column.as_ref(), &options).unwrap();
            Box::new(move |row| formatter.value(row).to_string())
        })
        .collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|column| column(row)).collect()).collect()
}

async fn answer(lake: &Lake, sql: &str, workers: usize) -> Result<Vec<Vec<String>>, aggregate::Error> {
    let mut rows = Vec::new();
    let mut keep = |batch: RecordBatch| {
        rows.extend(texts(&batch));
        Ok(())
    };
    aggregate::query(lake, sql, workers, Some(LONGEST), &mut keep).await?;
    Ok(rows)
}

/// A lake of which `three` is a model over a table, and the others are tables.
fn made() -> TestLake {
    let lake = TestLake::new("http://127.0.0.1:9/");
    let mut dataset = String::from("title = 'Random rows'\ntime_zone = 'UTC'\n");
    for table in TABLES {
        write!(
            dataset,
            "[table.{table}]\nfrom = '{table}.csv'\npartition = 'month(d)'\nkey = ['id']\nkey_decides_day = true\n\
             [table.{table}.column]\n{COLUMNS}"
        )
        .unwrap();
    }
    lake.write("config/datasets/random/dataset.toml", dataset);
    for table in TABLES {
        let model = format!(
            "-- The rows of a table, sorted.\n--\n-- [model]\n-- partition = \"month(d)\"\n-- inputs = [\"{table}\"]\n\
             SELECT id, k, h, g, d, x, b FROM {table} ORDER BY h, id\n"
        );
        lake.write(&format!("config/datasets/random/sorted_{table}.sql"), model);
    }
    lake
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_made_at_random_give_what_duckdb_gives() {
    let Some(python) = python::environment("comparing queries", &["duckdb==2.0.0"]) else { return };
    let (count, seed) = (number("QUERIES", USUAL), number("SEED", SEED));
    let test = made();
    std::fs::create_dir_all(test.path().join("raw/random")).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/queries.py");
    let output = Command::new(python)
        .arg(script)
        .arg(test.path().join("raw/random"))
        .args([seed.to_string(), count.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let queries = String::from_utf8(output.stdout).unwrap();
    test.call(&["clean"]).ok();
    test.call(&["aggregate"]).ok();

    let url = format!("file:{}", test.path().display());
    let lake = Lake::open(LakeSettings::at(url.parse().unwrap())).await.unwrap();
    let (mut failures, mut not_done, mut asked) = (Vec::new(), 0, 0);
    for line in queries.lines() {
        let query: Value = serde_json::from_str(line).unwrap();
        let sql = query["sql"].as_str().unwrap();
        let mut wanted: Vec<Vec<String>> = serde_json::from_value(query["rows"].clone()).unwrap();
        let is_ordered = query["is_ordered"] == true;
        if !is_ordered {
            wanted.sort();
        }
        // Of tables, and of models, whose rows are sorted, by one worker and by two.
        for (prefix, workers) in [("random.", 1), ("random.sorted_", 2)] {
            asked += 1;
            let sql = TABLES.iter().fold(sql.to_owned(), |sql, table| {
                sql.replace(&format!(" {table} AS "), &format!(" {prefix}{table} AS "))
            });
            match answer(&lake, &sql, workers).await {
                Err(error) if NOT_DONE.iter().any(|text| error.to_string().contains(text)) => not_done += 1,
                Err(error) => failures.push(format!("{sql}\n  {error}")),
                Ok(mut rows) => {
                    if !is_ordered {
                        rows.sort();
                    }
                    if rows != wanted {
                        failures.push(format!("{sql}\n  gives  {rows:?}\n  not    {wanted:?}"));
                    }
                }
            }
        }
    }
    println!("SEED={seed}: {asked} answers, {} wrong, {not_done} not given", failures.len());
    assert!(failures.is_empty(), "{} of {asked} answers are wrong:\n{}", failures.len(), failures.join("\n"));
    assert!(not_done * 20 < asked, "{not_done} of {asked} queries are not answered");
}
