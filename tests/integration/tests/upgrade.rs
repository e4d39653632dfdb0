//! A lake that the released version 0.1 made (`fixtures/README.md`), brought up to date by this version.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use integration::{TestLake, copy_with_times};
use serde_json::{Value, json};

const ZONES: [&str; 3] = ["standard", "rejection", "consumption"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The lake as version 0.1 left it, without its sources.
fn released() -> TestLake {
    let lake = TestLake::new("http://127.0.0.1:1/");
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(fixture("lake-0.1.tar.gz")).arg("-C").arg(lake.path()).arg("--strip-components=1");
    assert!(tar.status().unwrap().success(), "{tar:?}");
    lake
}

fn bring_up_to_date(lake: &TestLake) {
    for command in ["status", "clean", "aggregate", "verify", "status"] {
        lake.call(&[command]).ok();
    }
    let report = lake.call(&["verify"]).ok().json();
    assert_eq!(report["report"]["problems"], json!([]), "{report}");
}

#[test]
fn a_lake_of_version_0_1_keeps_all_its_rows_and_takes_in_what_waits() {
    let lake = released();
    bring_up_to_date(&lake);
    let answers: Value = serde_json::from_slice(&std::fs::read(fixture("lake-0.1.json")).unwrap()).unwrap();
    for (table, before) in answers["tables"].as_object().unwrap() {
        let rows = lake.query(&format!("SELECT count(*) AS rows FROM {table}"))[0]["rows"].as_u64().unwrap();
        let expected = match table.as_str() {
            // An upload waits.
            "trams.position" => before.as_u64().unwrap() + 1,
            // One was replaced: what it said of a third customer is gone.
            "energy_usage.reading" => before.as_u64().unwrap() - 1,
            _ => before.as_u64().unwrap(),
        };
        assert_eq!(rows, expected, "{table}");
    }
    let days = lake.query("SELECT * FROM irceline.aggregate_station_by_day ORDER BY day, timeseries_id");
    assert_eq!(Value::Array(days), answers["days"]);
    let usage = "SELECT customer_id, daily_usage_kwh FROM energy_usage.usage_by_customer_day ORDER BY customer_id";
    let expected = [
        json!({"customer_id": 123, "daily_usage_kwh": 3.25 + 4.8}),
        json!({"customer_id": 456, "daily_usage_kwh": 6.6 + 6.6}),
    ];
    assert_eq!(lake.query(usage), expected);
    for model in ["illuminate.illuminate_assessment_results", "codetrack.learners", "meters.theft_detection"] {
        assert!(lake.query(&format!("SELECT count(*) AS rows FROM {model}"))[0]["rows"].as_u64() > Some(0), "{model}");
    }

    let settled = lake.tree();
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    assert_eq!(lake.tree().written_since(&settled), Vec::<String>::new(), "a second run has nothing to do");
}

#[test]
fn a_lake_of_version_0_1_ends_as_one_that_is_made_anew_of_the_same_raw_objects() {
    let (old, new) = (released(), TestLake::new("http://127.0.0.1:1/"));
    for folder in ["raw", "config"] {
        copy_with_times(&old.path().join(folder), &new.path().join(folder));
    }
    bring_up_to_date(&old);
    bring_up_to_date(&new);
    let zones = |lake: &TestLake| lake.tree().below(&ZONES);
    assert_eq!(zones(&new).differences(&zones(&old)), Vec::<String>::new());
}
