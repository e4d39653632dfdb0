//! Uploaded CSV files: the dataset `energy_usage`.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::io::Write;
use std::time::{Duration, SystemTime};

use integration::TestLake;
use serde_json::{Value, json};

/// The sample of the pipeline that this dataset replaces: seven rows, three of them bad.
const SAMPLE: &str = "customer_id,usage_kwh,start_time
123,2.5,2023-05-12T01:00:00-07:00
123,,2023-05-12T02:00:00-07:00
123,4.8,2023-05-12T03:00:00-07:00
abc,1.0,2023-05-12T01:00:00-07:00
456,6.6,2023-05-12T01:00:00-07:00
456,NaN,2023-05-12T02:00:00-07:00
456,6.6,2023-05-12T03:00:00-07:00
";

fn lake() -> TestLake {
    TestLake::new("http://127.0.0.1:9/")
}

fn upload(lake: &TestLake, name: &str, text: impl AsRef<[u8]>) {
    lake.write(&format!("raw/energy_usage/{name}"), text);
}

/// Sets when a file arrived: seconds before now.
fn arrived(lake: &TestLake, name: &str, seconds_ago: u64) {
    let file = std::fs::File::options().write(true).open(lake.path().join("raw/energy_usage").join(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds_ago)).unwrap();
}

fn bring_up_to_date(lake: &TestLake) -> Value {
    let cleaned = lake.call(&["clean", "--max-rejected", "1"]).ok().json();
    lake.call(&["aggregate"]).ok();
    lake.call(&["verify"]).ok();
    cleaned
}

fn rejects(lake: &TestLake) -> Vec<Value> {
    let mut found = Vec::new();
    let folder = lake.path().join("rejection/energy_usage/reading");
    let Ok(files) = std::fs::read_dir(folder) else { return found };
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(path).unwrap();
        found.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
    }
    found
}

fn where_and_why(reject: &Value) -> (String, u64, String) {
    let text = |name: &str| reject[name].as_str().unwrap().to_owned();
    (text("raw_key"), reject["row"].as_u64().unwrap(), text("reason"))
}

fn totals(lake: &TestLake) -> Vec<Value> {
    let sql = "SELECT customer_id, CAST(day AS VARCHAR) AS day, round(daily_usage_kwh, 6) AS kwh, readings
               FROM energy_usage.usage_by_customer_day ORDER BY customer_id, day";
    lake.query(sql)
}

#[test]
fn the_sample_gives_the_known_totals_and_rejects_with_their_text() {
    let lake = lake();
    upload(&lake, "energy_usage.csv", SAMPLE);
    let cleaned = bring_up_to_date(&lake);
    assert_eq!(cleaned["cleaned"][0]["read"], 7);
    assert_eq!(cleaned["cleaned"][0]["rejected"], 3);
    assert_eq!(
        totals(&lake),
        [
            json!({"customer_id": 123, "day": "2023-05-12", "kwh": 7.3, "readings": 2}),
            json!({"customer_id": 456, "day": "2023-05-12", "kwh": 13.2, "readings": 2}),
        ]
    );
    let usage = lake.query("SELECT customer_id, daily_usage_kwh, start_time_utc FROM energy_usage.usage");
    assert_eq!(usage.len(), 4);
    assert_eq!(usage[0]["start_time_utc"], "2023-05-12T08:00:00Z");
    let key = "energy_usage/energy_usage.csv".to_owned();
    let rejects = rejects(&lake);
    assert_eq!(
        rejects.iter().map(where_and_why).collect::<Vec<_>>(),
        [
            (key.clone(), 3, "missing_value".to_owned()),
            (key.clone(), 5, "not_an_integer".to_owned()),
            (key, 7, "not_finite".to_owned()),
        ]
    );
    assert_eq!(rejects[1]["raw_text"], "abc,1.0,2023-05-12T01:00:00-07:00");

    let before = lake.tree();
    let again = bring_up_to_date(&lake);
    assert_eq!(again["up_to_date"], 1);
    assert_eq!(lake.tree(), before, "a second run writes nothing");
}

#[test]
fn bad_values_have_their_reasons() {
    let lake = lake();
    upload(
        &lake,
        "bad.csv",
        "Start_Time,CUSTOMER_ID,usage_kwh,meter
2023-05-12T01:00:00Z,1,-0.1,a
2023-05-12T01:00:00Z,1,inf,a
2023-05-12T01:00:00Z,1,1.5 kWh,a
2023-05-12T01:00:00,1,1.5,a
12/05/2023,1,1.5,a
,1,1.5,a
2023-05-12T01:00:00Z,1,1.5

2023-05-12T01:00:00Z,1,0,a
",
    );
    let cleaned = bring_up_to_date(&lake);
    assert_eq!(cleaned["cleaned"][0]["clean"], 1, "0 kWh is a reading");
    assert_eq!(cleaned["cleaned"][0]["ignored_columns"], 1);
    let reasons: Vec<_> = rejects(&lake).iter().map(where_and_why).map(|(_, row, reason)| (row, reason)).collect();
    let expected = [
        (2, "below_minimum"),
        (3, "not_finite"),
        (4, "not_a_number"),
        (5, "missing_offset"),
        (6, "not_a_timestamp"),
        (7, "missing_value"),
        (8, "wrong_column_count"),
    ];
    assert_eq!(reasons, expected.map(|(row, reason)| (row, reason.to_owned())));
}

#[test]
fn a_day_is_the_one_that_the_text_says_and_months_are_cut_there() {
    let lake = lake();
    // 23:30 on 31 May at -07:00 is 1 June by UTC.
    upload(&lake, "a.csv", "1,1.0,2023-05-31T23:30:00-07:00\n1,2.0,2023-06-01T00:30:00-07:00\n");
    bring_up_to_date(&lake);
    let days: Vec<_> = totals(&lake).into_iter().map(|row| row["day"].clone()).collect();
    assert_eq!(days, ["2023-05-31", "2023-06-01"]);
    let months = lake.query("SELECT month, count(*) AS rows FROM energy_usage.usage GROUP BY month ORDER BY month");
    assert_eq!(months, [json!({"month": "2023-05", "rows": 1}), json!({"month": "2023-06", "rows": 1})]);
}

#[test]
fn the_newest_file_wins_and_rejects_of_all_files_stay() {
    let lake = lake();
    let row = |kwh: &str| {
        format!("customer_id,usage_kwh,start_time\n1,{kwh},2023-05-12T01:00:00Z\nx,1,2023-05-12T01:00:00Z\n")
    };
    upload(&lake, "b.csv", row("1.0"));
    arrived(&lake, "b.csv", 300);
    upload(&lake, "a.csv", row("2.0"));
    arrived(&lake, "a.csv", 200);
    bring_up_to_date(&lake);
    assert_eq!(totals(&lake)[0]["kwh"], 2.0);

    // The same instant in other words, and within one file the last row.
    upload(&lake, "c.csv", "1,3.0,2023-05-12T01:00:00Z\n1,4.0,2023-05-12T03:00:00+02:00\n");
    arrived(&lake, "c.csv", 100);
    let cleaned = bring_up_to_date(&lake);
    assert_eq!(cleaned["cleaned"][0]["duplicate"], 1);
    assert_eq!(totals(&lake)[0], json!({"customer_id": 1, "day": "2023-05-12", "kwh": 4.0, "readings": 1}));
    let keys: Vec<_> = rejects(&lake).iter().map(where_and_why).map(|(key, ..)| key).collect();
    assert_eq!(keys, ["energy_usage/a.csv", "energy_usage/b.csv"]);

    // A newer version of the oldest file wins over all, and its rejects replace its own alone.
    upload(&lake, "b.csv", row("9.0").replace('x', "y"));
    bring_up_to_date(&lake);
    assert_eq!(totals(&lake)[0]["kwh"], 9.0);
    assert_eq!(rejects(&lake)[1]["raw_text"], "y,1,2023-05-12T01:00:00Z");
    assert_eq!(rejects(&lake).len(), 2);
}

#[test]
fn compressed_files_give_the_same_rows() {
    let plain = lake();
    upload(&plain, "a.csv", SAMPLE);
    bring_up_to_date(&plain);
    let half = SAMPLE.len() / 2;
    let mut gzip = Vec::new();
    // A file of several members, as `cat a.gz b.gz` makes it.
    for part in [&SAMPLE[..half], &SAMPLE[half..]] {
        let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        member.write_all(part.as_bytes()).unwrap();
        gzip.extend(member.finish().unwrap());
    }
    let zstandard = zstd::encode_all(SAMPLE.as_bytes(), 1).unwrap();
    for (name, bytes) in [("a.csv.gz", gzip), ("a.csv.zst", zstandard)] {
        let lake = lake();
        upload(&lake, name, bytes);
        bring_up_to_date(&lake);
        assert_eq!(totals(&lake), totals(&plain), "{name}");
        assert_eq!(rejects(&lake).len(), 3, "{name}");
    }
    let lake = lake();
    upload(&lake, "broken.csv.gz", "no gzip at all");
    upload(&lake, "good.csv", SAMPLE);
    let cleaned = bring_up_to_date(&lake);
    assert_eq!(cleaned["cleaned"][0]["rejected_whole"]["reason"], "not_decompressible");
    assert_eq!(totals(&lake), totals(&plain), "its neighbour is clean");
}

#[test]
fn a_rule_is_overridden_by_the_lake_and_replayed() {
    let lake = lake();
    upload(&lake, "a.csv", "1,-1.0,2023-05-12T01:00:00Z\n1,2.0,2023-05-12T02:00:00Z\n");
    bring_up_to_date(&lake);
    assert_eq!(totals(&lake)[0]["kwh"], 2.0);
    lake.write("config/datasets/energy_usage/dataset.toml", "[table.reading.column.usage_kwh]\nmin = -1000\n");
    lake.call(&["replay"]).ok();
    lake.call(&["aggregate"]).ok();
    assert_eq!(totals(&lake)[0]["kwh"], 1.0);
    assert!(rejects(&lake).is_empty());
    lake.call(&["verify"]).ok();
}

#[test]
fn of_one_instant_with_two_offsets_the_last_row_of_a_file_counts_in_whatever_month() {
    let rows = ["1,1.0,2026-01-31T23:30:00Z\n", "1,2.0,2026-02-01T00:30:00+01:00\n"];
    for (order, wanted) in [([0, 1], 2.0), ([1, 0], 1.0)] {
        let lake = TestLake::new("http://127.0.0.1:9/");
        let [first, last] = order.map(|at| rows[at]);
        lake.write("raw/energy_usage/a.csv", format!("customer_id,usage_kwh,start_time\n{first}{last}"));
        let cleaned = lake.call(&["clean"]).ok().json();
        assert_eq!(cleaned["cleaned"][0]["duplicate"], 1);
        lake.call(&["aggregate"]).ok();
        for table in ["reading", "usage"] {
            let found = lake.query(&format!("SELECT usage_kwh FROM energy_usage.{table}"));
            assert_eq!(found, [serde_json::json!({"usage_kwh": wanted})], "{table}");
        }
        lake.call(&["verify"]).ok();
    }
}
