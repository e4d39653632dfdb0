//! Datasets that only the lake itself declares: drafted, checked, wrong, changed.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;
use std::process::Command;

use integration::{TestLake, tributary};
use serde_json::{Value, json};

fn lake() -> TestLake {
    TestLake::new("http://127.0.0.1:9/")
}

fn bring_up_to_date(lake: &TestLake) {
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    lake.call(&["verify"]).ok();
}

const USAGE: &str = "customer_id,usage_kwh,start_time\n123,2.5,2023-05-12T01:00:00-07:00\n";

fn upload_usage(lake: &TestLake) {
    lake.write("raw/energy_usage/readings.csv", USAGE);
}

/// Customers of the built-in dataset that was uploaded beside.
fn customers(lake: &TestLake) -> Vec<Value> {
    lake.query("SELECT customer_id FROM energy_usage.usage_by_customer_day")
}

/// `tributary` without a lake.
fn called(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(tributary()).env_clear().current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_drafted_dataset_is_used_beside_the_built_in_ones() {
    let lake = lake();
    let sample = "Tram;Seen at;Speed (km/h);Line\n7;2026-11-01 08:00:05;12.5;007\n8;2026-11-01 09:00:05;NA;012\n";
    lake.write("sample.csv", sample);
    let new = ["dataset", "new", "trams", "--from", "sample.csv", "--into", "config/datasets"];
    let (status, stdout, stderr) = called(lake.path(), &new);
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.contains("trams is sound") && stdout.contains("2 rows came through, 0 rejected"), "{stdout}");
    assert_eq!(called(lake.path(), &new).0, 2, "nothing is overwritten");

    lake.write("raw/trams/2026/november.csv", sample.replace("8;", "x;"));
    upload_usage(&lake);
    bring_up_to_date(&lake);
    let rows = lake.query("SELECT tram, seen_at, speed_km_h, line FROM trams.record");
    assert_eq!(rows, [json!({"tram": 7, "seen_at": "2026-11-01T08:00:05Z", "speed_km_h": 12.5, "line": "007"})]);
    assert_eq!(lake.query("SELECT records FROM trams.records_by_day"), [json!({"records": 1})]);
    assert_eq!(customers(&lake).len(), 1);
}

#[test]
fn mistakes_in_a_dataset_are_explained_with_file_line_and_hint() {
    let lake = lake();
    let declared =
        "title = \"T\"\ntime_zone = \"UTC\"\n\n[table.a]\nfrom = \"*.csv\"\n\n[table.a.column.n]\ntype = \"int64\"\n";
    let model = "-- [model]\n-- inputs = [\"a\"]\n\nSELECT m FROM a\n";
    for (file, text, expected) in [
        (
            "dataset.toml",
            declared.replace("int64", "integer"),
            "t/dataset.toml, line 8: table.a.column.n.type: unknown value",
        ),
        ("dataset.toml", format!("stamp = \"begin\"\n{declared}"), "line 1: stamp: unknown value `begin`"),
        ("dataset.toml", format!("{declared}min = 2\nmax = 1\n"), "line 9: table.a.column.n.min: min is 2"),
        ("dataset.toml", format!("{declared}path = \"/n\"\n").replace("from", "format = \"csv\"\nfrom"), "write field"),
        ("dataset.toml", declared.replace("*.csv", "t/*.csv"), "line 5: table.a.from: leave out t/"),
        (
            "dataset.toml",
            declared.replace(".n]", ".date]").replace("from", "partition = \"date\"\nfrom"),
            "both be named",
        ),
        ("dataset.toml", declared.replace("from", "form"), "t/dataset.toml, line 5: table.a.form"),
        ("dataset.toml", declared.replace("UTC", "Mars"), "line 2: time_zone: \"Mars\""),
        ("dataset.toml", declared.replace("\"T\"", "T"), "line 1"),
        ("dataset.toml", format!("{declared}[source]\nurl = 1\n"), "there is no source \"t\""),
        ("dataset.toml", declared.replace("form", "from"), "No field named m"),
        ("m.sql", model.replace("\"a\"", "\"b\""), "t/m.sql, line 2: inputs: \"b\" is no table, view or model"),
        ("m.sql", model.replace("SELECT m FROM", "SELECT n FORM"), "Line: 4"),
        (
            "m.sql",
            model.replace("-- inputs", "-- split = [\"k\"]\n-- inputs").replace("SELECT m", "SELECT n"),
            "m.sql: [model]: split: the result has no column \"k\"; it has n",
        ),
    ] {
        lake.write("t/dataset.toml", declared);
        lake.write("t/m.sql", model);
        lake.write(&format!("t/{file}"), &text);
        let (status, _, stderr) = called(lake.path(), &["dataset", "check", "t"]);
        assert_eq!(status, 2, "{stderr}");
        assert!(stderr.contains(expected), "{expected:?} is not in: {stderr}");
    }
    lake.write("irceline/dataset.toml", "[source]\nparameter = [\"pm10\"]\n");
    let (status, _, stderr) = called(lake.path(), &["dataset", "check", "irceline/dataset.toml"]);
    assert!(status == 2 && stderr.contains("parameter"), "{stderr}");
}

#[test]
fn a_broken_dataset_stops_no_other() {
    let lake = lake();
    upload_usage(&lake);
    lake.write("config/datasets/trams/dataset.toml", "title = \"Trams\"\ntime_zone = \"Mars\"\n");
    lake.write("raw/trams/one.csv", "tram\n1\n");
    for command in ["clean", "aggregate", "status", "verify", "run"] {
        let called = lake.call(&[command]);
        assert!(called.stderr.contains("trams/dataset.toml, line 2: time_zone"), "{command}: {}", called.stderr);
        assert_eq!((called.status, &called.json()["ok"]), (2, &json!(false)), "{command}");
    }
    assert_eq!(customers(&lake).len(), 1);
    for called in [lake.call(&["clean", "--dataset", "trams"]), lake.call(&["aggregate", "--dataset", "trams"])] {
        assert!(called.status == 2 && called.stderr.contains("Mars"), "{}", called.stderr);
    }
    assert!(lake.call(&["clean", "--dataset", "energy_usage"]).status == 0);
}

#[test]
fn a_draft_is_made_of_what_europeans_write_and_compress() {
    let lake = lake();
    let text = "\u{feff}teller;gezien;km\r\nA;25/11/2026 08:00:05;1,5\r\nB;25/11/2026 09:00:05;12,25\r\n";
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    lake.write("sample.csv.gz", packed.finish().unwrap());
    let new = ["dataset", "new", "tellers", "--from", "sample.csv.gz", "--into", "config/datasets"];
    let (status, stdout, stderr) = called(lake.path(), &new);
    assert!(status == 0 && stdout.contains("tellers is sound"), "{stderr}");
    std::fs::create_dir_all(lake.path().join("raw/tellers")).unwrap();
    std::fs::rename(lake.path().join("sample.csv.gz"), lake.path().join("raw/tellers/a.csv.gz")).unwrap();
    lake.write("raw/tellers/b.csv", "teller;gezien;km\nC;25/11/2026 10:00:05;1.234,5\nD;25/11/2026 11:00:05;20,5\n");
    bring_up_to_date(&lake);
    let rows = lake.query("SELECT teller, gezien, km FROM tellers.record ORDER BY km");
    let first = json!({"teller": "A", "gezien": "2026-11-25T08:00:05Z", "km": 1.5});
    assert_eq!((rows.len(), &rows[0], &rows[1]["km"]), (3, &first, &json!(12.25)));

    let (status, _, stderr) =
        called(lake.path(), &["dataset", "new", "b", "--from", "raw/tellers/b.csv", "--into", "s3://bucket/config"]);
    assert!(status == 2 && stderr.contains("local folder"), "{stderr}");
    lake.write("sample.ndjson", "[1]\n");
    lake.write("gzip.csv", b"\x1f\x8b\x08\0\0\0\0\0");
    lake.write("empty.csv", "\n");
    for (name, from, why) in [
        ("irceline", "raw/tellers/b.csv", "built-in"),
        ("a", "sample.ndjson", "not an object"),
        ("a", "gzip.csv", "name it .gz"),
        ("a", "empty.csv", "no row"),
        ("a", "raw", "is a folder"),
        ("a", "nowhere.csv", "nowhere.csv"),
    ] {
        let (status, _, stderr) =
            called(lake.path(), &["dataset", "new", name, "--from", from, "--into", "new/datasets"]);
        assert!(status == 2 && stderr.contains(why), "{from}: {stderr}");
        assert!(!lake.path().join("new").exists(), "{from}: a draft that cannot be made leaves nothing behind");
    }
}

#[test]
fn reasons_of_rejection_are_counted_and_shown_with_a_line() {
    let lake = lake();
    let declared = "title = \"T\"\ntime_zone = \"UTC\"\n[table.a]\nfrom = \"*.csv\"\n\
                    column.n = { type = \"int64\", required = true }\ncolumn.v = { type = \"float64\", min = 0 }\n\
                    column.d = { type = \"date\" }\n";
    lake.write("config/datasets/t/dataset.toml", declared);
    lake.write("raw/t/a.csv", "n,v,d\n1,1,\nx,1,\ny,1,\nz,1,\n2,-1,\n3,-1,\n,1,\n,1,\n4,1,hello\n5,1,\n");
    lake.write("raw/t/b.csv", "n,v\n1,1\n");
    let text = |arguments: &[&str]| String::from_utf8(lake.command(arguments).output().unwrap().stdout).unwrap();
    let cleaned = text(&["clean", "--max-rejected", "1"]);
    for line in [
        "rejected as not_an_integer: 3 rows, such as line 3 of t/a.csv",
        "rejected as below_minimum: 2 rows, such as line 6 of t/a.csv",
        "rejected as missing_value: 2 rows, such as line 8 of t/a.csv",
        "and 2 more reasons",
    ] {
        assert!(cleaned.contains(line), "{line} is not in:\n{cleaned}");
    }
    assert!(!cleaned.contains("hello"), "{cleaned}");
    let status = text(&["status", "t"]);
    for line in
        ["rejected      3 not_an_integer", "2 below_minimum", "1 not_a_date", "1 missing_column", "tributary explain"]
    {
        assert!(status.contains(line), "{line} is not in:\n{status}");
    }
    let reasons = &lake.call(&["status", "t"]).json()["datasets"][0]["reasons"];
    let expected =
        json!({"not_an_integer": 3, "below_minimum": 2, "missing_value": 2, "not_a_date": 1, "missing_column": 1});
    assert_eq!(reasons, &expected);
}

#[test]
fn what_is_left_out_of_archives_is_told() {
    let lake = lake();
    let declared = "title = \"T\"\ntime_zone = \"UTC\"\n[table.a]\nfrom = \"*.zip\"\nentries = \"*.csv\"\n\
                    column.n = { type = \"int64\" }\n";
    lake.write("config/datasets/t/dataset.toml", declared);
    for name in ["a", "b"] {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (entry, text) in [("read.me", "no rows"), ("rows.csv", "n\n1\n2\n"), ("why.txt", "none")] {
            zip.start_file(entry, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        lake.write(&format!("raw/t/{name}.zip"), zip.finish().unwrap().into_inner());
    }
    let text = |arguments: &[&str]| String::from_utf8(lake.command(arguments).output().unwrap().stdout).unwrap();
    let cleaned = text(&["clean"]);
    let told = "4 files of archives left out by `entries` of t.a, such as read.me in t/a.zip";
    assert!(cleaned.contains(told), "{cleaned}");
    let status = text(&["status", "t"]);
    assert!(status.contains("left out      4 files of archives by `entries`, such as read.me in t/a.zip"), "{status}");
    assert_eq!(lake.call(&["status", "t"]).json()["datasets"][0]["left_out"], 4);
    assert_eq!(lake.query("SELECT count(*) AS rows FROM t.a"), [json!({"rows": 4})]);
}

#[test]
fn a_dataset_that_is_no_longer_declared_is_declared_again_to_be_removed() {
    let lake = lake();
    lake.write(
        "config/datasets/t/dataset.toml",
        "title = \"T\"\ntime_zone = \"UTC\"\n[table.a]\nfrom = \"*.csv\"\ncolumn.n = { type = \"int64\" }\n",
    );
    lake.write("raw/t/a.csv", "n\n1\n");
    bring_up_to_date(&lake);
    std::fs::remove_dir_all(lake.path().join("raw/t")).unwrap();
    let declared = lake.path().join("config/datasets/t");
    std::fs::rename(&declared, lake.path().join("aside")).unwrap();
    let verified = lake.call(&["verify"]);
    assert!(
        verified.status == 1 && verified.stderr.contains("no dataset t any more: declare it again"),
        "{verified:?}"
    );
    std::fs::rename(lake.path().join("aside"), &declared).unwrap();
    assert!(lake.call(&["verify"]).stderr.contains("clean --dataset t --prune"));
    lake.call(&["clean", "--dataset", "t", "--prune"]).ok();
    std::fs::remove_dir_all(&declared).unwrap();
    lake.call(&["verify"]).ok();
    assert_eq!(lake.tree().names(), Vec::<&str>::new());
}

#[test]
fn a_table_that_is_cut_otherwise_is_cleaned_again_and_loses_nothing() {
    let lake = lake();
    let declared = "title = \"T\"\ntime_zone = \"UTC\"\n[table.count]\nfrom = \"*.csv\"\npartition = \"month(dag)\"\n\
                    column.dag = { type = \"date\" }\ncolumn.n = { type = \"int64\" }\n";
    let model = "-- [model]\n-- partition = \"month(dag)\"\n-- inputs = [\"count\"]\n\nSELECT dag, n FROM count ORDER BY dag, n\n";
    lake.write("config/datasets/t/dataset.toml", declared);
    lake.write("config/datasets/t/rows.sql", model);
    lake.write("raw/t/a.csv", "dag,n\n2026-10-01,1\n2026-10-02,2\n");
    lake.write("raw/t/b.csv", "dag,n\n2026-10-03,3\n");
    bring_up_to_date(&lake);
    let all = [json!({"n": 1}), json!({"n": 2}), json!({"n": 3})];
    let rows = || [lake.query("SELECT n FROM t.count ORDER BY n"), lake.query("SELECT n FROM t.rows ORDER BY n")];
    assert_eq!(rows(), [all.to_vec(), all.to_vec()]);
    for changed in ["date(dag)", "month(dag)"] {
        lake.write("config/datasets/t/dataset.toml", declared.replacen("month(dag)", changed, 1));
        for refused in [lake.call(&["aggregate"]), lake.call(&["query", "SELECT * FROM t.count"])] {
            assert!(
                refused.status == 1 && refused.stderr.contains("tributary clean --dataset t"),
                "{}",
                refused.stderr
            );
        }
        bring_up_to_date(&lake);
        assert_eq!(rows(), [all.to_vec(), all.to_vec()]);
    }
}

#[test]
fn errors_of_queries_do_not_show_personal_values() {
    let lake = lake();
    lake.write(
        "config/datasets/t/dataset.toml",
        "title = \"T\"\ntime_zone = \"UTC\"\n[table.person]\nfrom = \"*.csv\"\n\
         column.name = { type = \"string\", personal = true }\n",
    );
    lake.write(
        "config/datasets/t/m.sql",
        "-- [model]\n-- inputs = [\"person\"]\n\nSELECT CAST(name AS INT) FROM person\n",
    );
    lake.write("raw/t/a.csv", "name\nEls O'Hara\n");
    lake.call(&["clean"]).ok();
    for failed in [
        lake.call(&["aggregate"]),
        lake.call(&["query", "SELECT CAST(name AS INT) FROM t.person"]),
        lake.call(&["query", "SELECT CAST(name AS TIMESTAMP) FROM t.person"]),
        lake.call(&["query", "SELECT CAST(name AS DATE) FROM t.person"]),
        lake.call(&["query", "SELECT map([name, name], [1, 2]) FROM t.person"]),
    ] {
        let said = format!("{}{}", failed.stdout, failed.stderr);
        assert!(failed.status == 1 && said.contains("***"), "{said}");
        assert!(!said.contains("Els") && !said.contains("Hara"), "{said}");
    }
}
