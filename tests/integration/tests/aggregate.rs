//! Models at their edges: inputs that are damaged or gone, ledger entries that cannot be read, rows beyond a
//! partition, and SQL that would do more than read.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use integration::{Called, TestLake};
use serde_json::{Value, json};

fn lake() -> TestLake {
    TestLake::new("http://127.0.0.1:9/")
}

const TRAMS: &str = "title = \"Trams\"\ntime_zone = \"UTC\"\n\n[table.ride]\nfrom = \"*.csv\"\npartition = \"month(day)\"\n\
    key = [\"ride\"]\nkey_decides_day = true\n\n[table.ride.column.ride]\ntype = \"int64\"\nrequired = true\n\n\
    [table.ride.column.day]\ntype = \"date\"\n\n[table.ride.column.line]\ntype = \"string\"\n";
const RIDES: &str = "ride,day,line\n1,2026-10-30,10.10\n2,2026-10-31,7\n3,2026-11-01,10.1\n";

/// A lake of trams with one model.
fn trams(model: &str) -> TestLake {
    let lake = lake();
    lake.write("config/datasets/trams/dataset.toml", TRAMS);
    lake.write("config/datasets/trams/rides.sql", model);
    lake.write("raw/trams/a.csv", RIDES);
    lake.call(&["clean"]).ok();
    lake
}

const BY_MONTH: &str =
    "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n\nSELECT ride, day, line FROM ride\n";

fn files(lake: &TestLake, zone: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&lake.path().join(zone), &mut found);
    found.retain(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'));
    found.sort();
    found
}

fn contents(lake: &TestLake, zone: &str) -> Vec<(PathBuf, Vec<u8>)> {
    files(lake, zone).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Exit status 1, without a panic (101), and with all of these words.
fn fails(called: &Called, words: &[&str]) {
    assert_eq!(called.status, 1, "{}", called.stderr);
    for word in words {
        assert!(called.stderr.contains(word), "{word:?} is not in: {}", called.stderr);
    }
}

#[test]
fn damaged_inputs_are_named_and_nothing_is_made_of_them() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 3] = [
        ("shorter", |bytes| bytes.truncate(bytes.len() / 2)),
        ("flipped", |bytes| bytes[20] ^= 1),
        ("longer", |bytes| bytes.push(0)),
    ];
    for (name, damage) in damages {
        let lake = trams(BY_MONTH);
        let october = files(&lake, "standard").into_iter().find(|path| path.to_string_lossy().contains("10")).unwrap();
        let mut bytes = fs::read(&october).unwrap();
        damage(&mut bytes);
        fs::write(&october, bytes).unwrap();
        let object = october.file_name().unwrap().to_str().unwrap();
        fails(
            &lake.call(&["aggregate"]),
            &["trams.rides, partition month=2026-10", object, "is not what the ledger says"],
        );
        fails(&lake.call(&["query", "SELECT sum(ride) FROM trams.ride"]), &[object, "is not what the ledger says"]);
        let made = files(&lake, "consumption");
        assert!(made.len() == 1 && made[0].to_string_lossy().contains("2026-11"), "{name}: {made:?}");
        lake.call(&["clean"]).ok();
        lake.call(&["aggregate"]).ok();
        assert_eq!(lake.query("SELECT sum(ride) AS n FROM trams.rides"), [json!({"n": 6})], "{name}");
    }
}

#[test]
fn a_missing_zone_empties_nothing() {
    let lake = trams(BY_MONTH);
    lake.write("raw/trams/b.csv", "ride,day,line\n9,2026-12-01,1\n");
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    let before = contents(&lake, "consumption");
    let december = files(&lake, "ledger").into_iter().find(|path| path.ends_with("raw/trams/b.csv.json")).unwrap();
    fs::remove_file(december).unwrap();
    fs::rename(lake.path().join("standard"), lake.path().join("elsewhere")).unwrap();
    fails(&lake.call(&["aggregate"]), &["the standard zone", "is not there", "Nothing was deleted"]);
    assert_eq!(contents(&lake, "consumption"), before);

    // The ledger of raw objects is gone, and the objects are not.
    fs::rename(lake.path().join("elsewhere"), lake.path().join("standard")).unwrap();
    fs::remove_dir_all(lake.path().join("ledger/raw")).unwrap();
    fails(&lake.call(&["aggregate"]), &["trams", "run `tributary clean` first"]);
    assert_eq!(contents(&lake, "consumption"), before);
}

#[test]
fn an_entry_that_cannot_be_read_stops_its_own_models_or_partition() {
    let lake = trams(BY_MONTH);
    lake.write("raw/energy_usage/a.csv", "customer_id,usage_kwh,start_time\n1,2.5,2023-05-12T01:00:00-07:00\n");
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    let before = contents(&lake, "consumption");

    let raw = lake.path().join("ledger/raw/trams/a.csv.json");
    let entry = fs::read(&raw).unwrap();
    fs::write(&raw, "{").unwrap();
    lake.write("raw/energy_usage/b.csv", "customer_id,usage_kwh,start_time\n1,2.5,2023-05-12T02:00:00-07:00\n");
    let _ = lake.call(&["clean", "--dataset", "energy_usage"]);
    fails(&lake.call(&["aggregate"]), &["trams.rides stays as it is", "a.csv.json"]);
    fails(&lake.call(&["query", "SELECT * FROM trams.ride"]), &["a.csv.json"]);
    let rows = lake.query("SELECT readings FROM energy_usage.usage_by_customer_day");
    assert_eq!(rows, [json!({"readings": 2})], "another dataset goes on");
    let trams = |files: Vec<(PathBuf, Vec<u8>)>| -> Vec<_> {
        files.into_iter().filter(|(path, _)| path.to_string_lossy().contains("/trams/")).collect()
    };
    assert_eq!(trams(contents(&lake, "consumption")), trams(before));
    fs::write(&raw, entry).unwrap();

    lake.write("ledger/consumption/trams/rides/month=2026-10.json", "{");
    lake.write("raw/trams/b.csv", "ride,day,line\n9,2026-10-01,1\n10,2026-11-01,1\n");
    lake.call(&["clean"]).ok();
    let called = lake.call(&["aggregate"]);
    fails(&called, &["trams.rides, partition month=2026-10, stays as it is"]);
    let summary = called.json();
    let made: Vec<&Value> = summary["aggregated"].as_array().unwrap().iter().map(|made| &made["partition"]).collect();
    assert_eq!(made, [&json!("month=2026-11")]);
    fails(&lake.call(&["query", "SELECT * FROM trams.rides"]), &["month=2026-10.json"]);
    lake.call(&["aggregate", "--all"]).ok();
    assert_eq!(lake.query("SELECT count(*) AS n FROM trams.rides"), [json!({"n": 5})]);
}

#[test]
fn an_entry_of_another_partition_deletes_nothing() {
    let lake = trams(BY_MONTH);
    lake.call(&["aggregate"]).ok();
    let before = contents(&lake, "consumption");
    let ledger = lake.path().join("ledger/consumption/trams/rides");
    for copy in ["month=2026-10.json", "month=2027-05.json"] {
        fs::copy(ledger.join("month=2026-11.json"), ledger.join(copy)).unwrap();
        fails(&lake.call(&["aggregate"]), &[copy, "it is the entry of another object"]);
        assert_eq!(contents(&lake, "consumption"), before, "{copy}");
        lake.call(&["verify", "--repair"]);
        lake.call(&["verify"]).ok();
        assert_eq!(contents(&lake, "consumption"), before, "{copy}");
    }
}

#[test]
fn no_value_is_shown_by_a_regular_expression_that_does_not_compile() {
    let model = "-- Ada.\n--\n-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n\n\
                 SELECT day, ride, regexp_like('a', line) AS r FROM ride\n";
    let lake = trams(model);
    lake.write("raw/trams/a.csv", "ride,day,line\n1,2026-10-30,ada(SECRET@x.org\n");
    lake.call(&["clean"]).ok();
    let queries = ["regexp_like('a', line)", "regexp_replace('a', line, 'b')", "'a' ~ line", "'a' SIMILAR TO line"];
    let queries = queries.map(|call| format!("SELECT {call} FROM trams.ride"));
    let calls = queries.iter().map(|sql| vec!["query", sql]).chain([vec!["aggregate"]]);
    for call in calls {
        let called = lake.call(&call);
        fails(&called, &[]);
        assert!(!called.stderr.contains("SECRET") && !called.stdout.contains("SECRET"), "{call:?}: {called:?}");
    }
}

#[test]
fn a_column_that_becomes_personal_is_hashed_from_then_on() {
    let lake = trams(&BY_MONTH.replace("-- inputs", "-- hash_personal = true\n-- inputs")).with("PERSONAL_KEY", "k");
    lake.call(&["aggregate"]).ok();
    assert_eq!(lake.query("SELECT line FROM trams.rides WHERE ride = 2"), [json!({"line": "7"})]);
    lake.write("config/datasets/trams/dataset.toml", format!("{TRAMS}personal = true\n"));
    let _ = lake.call(&["clean"]);
    lake.call(&["aggregate"]).ok();
    let rows = lake.query("SELECT line FROM trams.rides WHERE ride = 2");
    assert_eq!(rows[0]["line"].as_str().unwrap().len(), 64, "{rows:?}");
}

#[test]
fn what_a_killed_writer_announced_is_deleted_by_the_next_run() {
    let lake = trams(&BY_MONTH.replace("-- inputs", "-- split = [\"line\"]\n-- inputs"));
    lake.call(&["aggregate"]).ok();
    let path = lake.path().join("ledger/consumption/trams/rides/month=2026-10.json");
    let settled: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let orphan = "trams/rides/month=2026-10/line=old/data.parquet";
    for field in ["pending", "retired"] {
        let mut entry = settled.clone();
        entry[field] = json!([orphan]);
        // Without a check of its bytes, as version 0.1 wrote entries.
        entry["format"] = json!(0);
        entry.as_object_mut().unwrap().remove("check");
        fs::write(&path, entry.to_string()).unwrap();
        lake.write(&format!("consumption/{orphan}"), "half");
        lake.call(&["aggregate"]).ok();
        assert!(!lake.path().join("consumption").join(orphan).exists(), "{field}");
        let read = || -> Value { serde_json::from_slice(&fs::read(&path).unwrap()).unwrap() };
        assert_eq!(read(), settled, "{field}");
    }
    // Parts that are no longer made go, too.
    lake.write("raw/trams/a.csv", RIDES.replace("10.10", "7"));
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    assert!(!lake.path().join("consumption/trams/rides/month=2026-10/line=10.10/data.parquet").exists());
    lake.call(&["verify"]).ok();
}

#[test]
fn what_has_vanished_goes_in_one_run_whatever_its_entry_names_beside() {
    let lake = trams(BY_MONTH);
    lake.call(&["aggregate"]).ok();
    let path = lake.path().join("ledger/consumption/trams/rides/month=2026-10.json");
    let mut entry: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    entry["retired"] = json!(["trams/rides/month=2026-10/old.parquet"]);
    // Without a check of its bytes, as version 0.1 wrote entries.
    entry["format"] = json!(0);
    entry.as_object_mut().unwrap().remove("check");
    fs::write(&path, entry.to_string()).unwrap();
    lake.write("raw/trams/a.csv", RIDES.replace("2026-10", "2026-11"));
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    assert!(!lake.path().join("consumption/trams/rides/month=2026-10/data.parquet").exists());
    assert!(!path.exists());
}

#[test]
fn columns_of_the_path_stand_in_the_files_as_text() {
    let lake = trams(&BY_MONTH.replace("-- inputs", "-- split = [\"line\"]\n-- inputs"));
    lake.call(&["aggregate"]).ok();
    for (path, bytes) in contents(&lake, "consumption") {
        let line = path.to_str().unwrap().split("line=").nth(1).unwrap().split('/').next().unwrap().to_owned();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("line") && text.contains(&line), "{path:?}");
    }
    let rows = lake.query("SELECT line, month FROM trams.rides ORDER BY ride");
    assert_eq!(rows[0], json!({"line": "10.10", "month": "2026-10"}));
    assert_eq!((&rows[2]["line"], rows.len()), (&json!("10.1"), 3));
}

#[test]
fn the_same_instant_counts_once_whatever_its_offset() {
    let lake = lake();
    lake.write("raw/energy_usage/a.csv", "customer_id,usage_kwh,start_time\n1,2.5,2023-05-31T23:30:00-07:00\n");
    lake.write("raw/energy_usage/b.csv", "customer_id,usage_kwh,start_time\n1,3.5,2023-06-01T06:30:00+00:00\n");
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    let sum =
        |table: &str| lake.query(&format!("SELECT count(*) AS rows, sum(usage_kwh) AS kwh FROM energy_usage.{table}"));
    for table in ["reading", "usage"] {
        assert_eq!(sum(table), [json!({"rows": 1, "kwh": 3.5})], "{table}");
    }
}

#[test]
fn rows_beyond_the_partition_are_not_written() {
    // The days before are in reach for the window, and not in the result.
    let lake = trams(
        "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n-- look_back_days = 7\n\n\
         SELECT ride, day, count(*) OVER (ORDER BY day, ride) AS so_far FROM ride\n",
    );
    lake.call(&["aggregate"]).ok();
    let rows = lake.query("SELECT ride, so_far FROM trams.rides ORDER BY ride");
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!(rows[2], json!({"ride": 3, "so_far": 3}));
}

#[test]
fn a_table_that_is_not_cut_by_time_is_cut_for_the_model() {
    let lake = lake();
    let declared = TRAMS
        .replace("partition = \"month(day)\"\n", "")
        .replace("type = \"date\"\n", "type = \"date\"\nrequired = true\n");
    lake.write("config/datasets/trams/dataset.toml", &declared);
    lake.write(
        "config/datasets/trams/rides.sql",
        BY_MONTH.replace("ride, day, line", "day, count(*) AS rides") + "GROUP BY day\n",
    );
    lake.write("raw/trams/a.csv", RIDES);
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    assert_eq!(lake.query("SELECT sum(rides) AS n FROM trams.rides"), [json!({"n": 3})]);

    lake.write("raw/trams/b.csv", "ride,day,line\n8,2026-11-02,1\n9,9999-12-31,1\n");
    lake.call(&["clean"]).ok();
    fails(&lake.call(&["aggregate"]), &["MAX_NEW_PARTITIONS", "b.csv", "9999-12-31"]);
    assert_eq!(lake.query("SELECT sum(rides) AS n FROM trams.rides"), [json!({"n": 3})], "nothing was added");
}

#[test]
fn the_object_with_wild_days_is_named_also_where_each_month_is_a_file() {
    let lake = lake();
    lake.write("config/datasets/trams/dataset.toml", TRAMS);
    lake.write("config/datasets/trams/rides.sql", BY_MONTH);
    lake.write("raw/trams/a.csv", RIDES);
    let wild = (0..1200).map(|at| format!("{at},{}-{:02}-01,1\n", 1000 + at / 12, at % 12 + 1)).collect::<String>();
    lake.write("raw/trams/wild.csv", format!("ride,day,line\n{wild}"));
    lake.call(&["clean"]).ok();
    fails(&lake.call(&["aggregate"]), &["MAX_NEW_PARTITIONS", "wild.csv", "of 1000-01-01 to 1099-12-"]);
    let status = lake.call(&["status", "trams"]).ok().json();
    let why = status["datasets"][0]["not_planned"][0].as_str().unwrap();
    assert!(why.contains("MAX_NEW_PARTITIONS") && why.contains("wild.csv"), "{status}");
}

#[test]
fn models_that_cannot_be_cut_or_repeated_are_mistakes() {
    let lake = lake();
    for (model, why) in [
        (BY_MONTH.replace("ride, day, line", "ride"), "no date column \"day\""),
        (BY_MONTH.replace("line FROM", "line, now() AS at FROM"), "now() gives another value"),
        (BY_MONTH.replace("FROM ride", "FROM ride WHERE random() < 0.5"), "random() gives another value"),
        (BY_MONTH.replace("month(day)", "month(seen)"), "cut by \"day\""),
        ("-- [model]\n-- inputs = [\"ride\"]\n\nCOPY (SELECT 1) TO 'x.csv'\n".to_owned(), "only one SELECT"),
    ] {
        lake.write("trams/dataset.toml", TRAMS);
        lake.write("trams/rides.sql", &model);
        let folder = lake.path().join("trams");
        let called = lake.call(&["dataset", "check", folder.to_str().unwrap()]);
        assert!(called.status == 2 && called.stderr.contains(why), "{why}: {}", called.stderr);
    }
}

#[test]
fn statements_that_write_or_read_files_are_refused() {
    let lake = trams(BY_MONTH);
    lake.write(
        "config/datasets/trams/copied.sql",
        "-- [model]\n-- inputs = [\"ride\"]\n\nCOPY (SELECT 1) TO 'copied.csv'\n",
    );
    fails(&lake.call(&["aggregate"]), &["trams.copied", "only one SELECT"]);
    assert_eq!(lake.query("SELECT count(*) AS n FROM trams.rides"), [json!({"n": 3})], "other models are made");
    let secret = lake.path().join("raw/trams/a.csv");
    let secret = secret.to_str().unwrap();
    for sql in [
        format!("COPY (SELECT 1) TO '{}/out.csv'", lake.path().display()),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{secret}'"),
        format!("SELECT * FROM '{secret}'"),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        "CREATE TABLE t AS SELECT 1".to_owned(),
    ] {
        let called = lake.call(&["query", &sql]);
        assert!(called.status == 1 && !called.stdout.contains("10.10"), "{sql}: {}", called.stdout);
    }
    assert!(!lake.path().join("out.csv").exists());
    lake.call(&["query", "EXPLAIN SELECT count(*) FROM trams.ride"]).ok();
}

#[test]
fn a_generated_condition_of_5000_terms_is_no_danger_to_others() {
    let terms = |count: u32| (0..count).map(|n| format!("ride = {n}")).collect::<Vec<_>>().join(" OR ");
    let lake = trams(&(BY_MONTH.to_owned() + &format!("WHERE {}\n", terms(200))));
    lake.write("config/datasets/trams/deep.sql", BY_MONTH.to_owned() + &format!("WHERE {}\n", terms(5000)));
    lake.write("config/datasets/trams/zz.sql", BY_MONTH);
    fails(&lake.call(&["aggregate"]), &["trams.deep", "chain of"]);
    for model in ["rides", "zz"] {
        let rows = lake.query(&format!("SELECT count(*) AS n FROM trams.{model}"));
        assert_eq!(rows, [json!({"n": 3})], "{model}");
    }
}

#[test]
fn queries_without_an_end_are_ended_with_a_message() {
    let lake = lake().with("MEMORY_BYTES", "400000000");
    std::fs::create_dir_all(lake.path().join("raw")).unwrap();
    let numbers = "SELECT * FROM generate_series(1, 1000000)";
    for (sql, why) in [
        ("SELECT length(repeat('x', 2000000000))".to_owned(), "are the most"),
        (format!("SELECT count(*) FROM ({numbers}) a CROSS JOIN ({numbers}) b"), "the time that it may take"),
        ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r".to_owned(), "ended"),
    ] {
        fails(&lake.call(&["query", "--time-limit", "2", &sql]), &[why]);
    }
}

#[test]
fn values_of_a_path_are_what_they_were() {
    let lake = lake();
    let declared = TRAMS.replace("partition = \"month(day)\"", "partition = \"site\"").replace("*.csv", "**/*.csv");
    lake.write("config/datasets/trams/dataset.toml", declared.replace("key_decides_day = true\n", ""));
    let model = "-- [model]\n-- partition = \"site\"\n-- inputs = [\"ride\"]\n\nSELECT ride, site FROM ride\n";
    lake.write("config/datasets/trams/rides.sql", model);
    let sites = ["Liège", "Sint Niklaas", "a+b", "50%", "x=y", "plain"];
    for (number, site) in sites.iter().enumerate() {
        lake.write(&format!("raw/trams/site={site}/a.csv"), format!("ride,day,line\n{number},2026-10-30,7\n"));
    }
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    for (path, bytes) in contents(&lake, "standard") {
        assert!(String::from_utf8_lossy(&bytes).contains("site"), "{path:?} has it as a column");
    }
    for table in ["ride", "rides"] {
        for (number, site) in sites.iter().enumerate() {
            let rows = lake.query(&format!("SELECT ride FROM trams.{table} WHERE site = '{site}'"));
            assert_eq!(rows, [json!({"ride": number})], "{table} of {site}");
        }
    }
    lake.call(&["verify"]).ok();
    lake.write("raw/trams/site=__HIVE_DEFAULT_PARTITION__/a.csv", RIDES);
    let called = lake.call(&["clean"]);
    assert!(called.status == 1 && called.stderr.contains("site="), "{}", called.stderr);
}

#[test]
fn a_value_that_is_too_long_for_a_path_is_a_partition_as_any_other() {
    let lake = trams(&BY_MONTH.replace("-- inputs", "-- split = [\"line\"]\n-- inputs"));
    let (long, longer) = ("é".repeat(300), format!("{}x", "é".repeat(300)));
    lake.write("raw/trams/b.csv", format!("ride,day,line\n8,2026-10-30,{long}\n9,2026-10-30,{longer}\n"));
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    let rows = lake.query("SELECT ride, length(line) AS length FROM trams.rides WHERE ride > 7 ORDER BY ride");
    assert_eq!(rows, [json!({"ride": 8, "length": 300}), json!({"ride": 9, "length": 301})]);
    lake.call(&["verify"]).ok();
}

#[test]
fn a_model_without_rows_answers_with_none() {
    let lake = trams(&BY_MONTH.replace("FROM ride", "FROM ride WHERE ride > 99"));
    fails(&lake.call(&["query", "SELECT * FROM trams.rides"]), &["tributary aggregate"]);
    lake.call(&["aggregate"]).ok();
    assert_eq!(lake.query("SELECT count(*) AS n, max(month) AS month FROM trams.rides"), [json!({"n": 0})]);
}

#[test]
fn a_time_beyond_the_calendar_is_an_error_in_every_format() {
    let lake = trams(BY_MONTH);
    let sql = "SELECT arrow_cast(9223372036854775807, 'Timestamp(Microsecond, Some(\"UTC\"))') AS late";
    for format in [&[][..], &["--csv"], &["--json"]] {
        fails(&lake.call(&[&["query", sql], format].concat()), &["\"late\"", "calendar"]);
    }
}
