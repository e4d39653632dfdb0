//! What a user gets wrong: one clear message, the contract's exit status, no partial files.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use integration::{Called, TestLake};
use simulator::{Options, Simulator};

/// Nothing listens there.
const NOBODY: &str = "http://127.0.0.1:1/";

fn check(called: &Called, status: i32, parts: &[&str]) {
    assert_eq!(called.status, status, "{called:?}");
    for part in parts {
        assert!(called.stderr.contains(part), "\"{part}\" is not in: {}", called.stderr);
    }
    let errors = called.stderr.lines().filter(|line| line.starts_with("error")).count();
    assert_eq!(errors, 1, "one message, not {errors}: {}", called.stderr);
}

#[test]
fn wrong_usage_and_settings_exit_with_2_and_write_nothing() {
    let lake = TestLake::new(NOBODY);
    for (arguments, parts) in [
        (vec!["run", "irceline", "--from", "2026-11-20", "--to", "2026-11-18"], vec!["2026-11-20", "later than"]),
        (vec!["run", "irceline", "--from", "2026-11-18", "--to", "2026-11-18"], vec!["no days"]),
        (vec!["run", "nonsense"], vec!["nonsense", "irceline"]),
        (vec!["ingest", "nonsense"], vec!["nonsense", "irceline"]),
        (vec!["run", "irceline", "--from", "yesterday"], vec!["yesterday", "--from"]),
        (vec!["ingest", "irceline", "--from", "26-11-18", "--to", "2026-11-20"], vec!["26-11-18", "YYYY-MM-DD"]),
        (vec!["backfill", "irceline", "--from", "+2026-11-18", "--to", "2026-11-20"], vec!["YYYY-MM-DD"]),
        (vec!["clean", "--dataset", "nonsense"], vec!["nonsense"]),
        (
            vec!["aggregate", "--model", "nonsense"],
            vec!["nonsense", "`tributary describe` lists those of each dataset"],
        ),
        (vec!["--lake", "ftp://x", "status"], vec!["--lake", "s3://BUCKET"]),
        (vec!["backfill", "irceline", "--from", "2026-11-20"], vec!["--to"]),
        (vec!["fly"], vec!["fly"]),
    ] {
        check(&lake.command(&arguments).output().unwrap().into(), 2, &parts);
    }
    assert_eq!(lake.tree().names(), Vec::<&str>::new());
}

#[test]
fn settings_are_named_when_they_are_wrong() {
    for (name, value, part) in
        [("IRCELINE_URL", "", "empty"), ("IRCELINE_URL", "geo.irceline.be", "not a URL"), ("RAW_URL", "x", "file:PATH")]
    {
        let lake = TestLake::new(NOBODY).with(name, value);
        check(&lake.command(&["status"]).output().unwrap().into(), 2, &[name, part]);
    }
    let lake = TestLake::new(NOBODY);
    lake.configure("[source]\ncolour = \"red\"\n");
    check(&lake.command(&["run", "irceline"]).output().unwrap().into(), 2, &["irceline/dataset.toml", "colour"]);
    lake.configure("[source]\nparameters = [\n");
    check(&lake.command(&["status"]).output().unwrap().into(), 2, &["irceline/dataset.toml", "line 2"]);
}

#[test]
fn an_api_that_is_down_is_one_message_and_no_file() {
    let lake = TestLake::new(NOBODY);
    let called = lake.run("2026-11-18", "2026-11-19");
    check(&called, 1, &["http://127.0.0.1:1/stations", "cannot connect", "trying again can help"]);
    let summary = called.json();
    assert_eq!((summary["ok"].as_bool(), summary["errors"][0]["can_retry"].as_bool()), (Some(false), Some(true)));
    assert_eq!(lake.tree().names(), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_elsewhere_is_told_by_its_setting() {
    let simulator = Simulator::start(Options { stations: 3, series: 12, ..Options::default() }).await.unwrap();
    let lake = TestLake::new(&format!("{}nowhere/", simulator.irceline_url()));
    check(&lake.run("2026-11-18", "2026-11-19"), 1, &["nowhere/stations", "IRCELINE_URL"]);
    assert_eq!(lake.tree().names(), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_cannot_be_written_is_named() {
    let simulator = Simulator::start(Options { stations: 3, series: 12, ..Options::default() }).await.unwrap();
    let lake = TestLake::new(&simulator.irceline_url());
    lake.write("file", "in the way");
    let behind_a_file = format!("file:{}/file/lake", lake.path().display());
    for (url, part) in [(behind_a_file.as_str(), "file/lake"), ("file:/proc/lake", "/proc/lake/raw")] {
        let called = lake.call(&["--lake", url, "run", "irceline", "--from", "2026-11-18", "--to", "2026-11-19"]);
        check(&called, 1, &[part, "failed to"]);
    }
    assert_eq!(lake.tree().names(), ["file"]);
}

#[test]
fn help_teaches() {
    let lake = TestLake::new(NOBODY);
    let help: Called = lake.command(&["--help"]).output().unwrap().into();
    for part in ["run", "backfill", "verify", "LAKE_URL", "Examples", "Exit status"] {
        assert!(help.stdout.contains(part), "{part} is not in: {}", help.stdout);
    }
    assert_eq!(help.status, 0);
}

#[test]
fn queries_explain_what_is_wrong_with_them() {
    let lake = TestLake::new(NOBODY);
    for (sql, parts) in [
        ("SELEC 1", vec!["SELEC"]),
        ("SELECT * FROM irceline.nothing", vec!["nothing", "measurement"]),
        ("SELECT * FROM irceline.aggregate_city_by_hour", vec!["tributary aggregate"]),
    ] {
        check(&lake.command(&["query", sql]).output().unwrap().into(), 1, &parts);
    }
    let empty = lake.query("SELECT count(*) AS n FROM irceline.measurement");
    assert_eq!(empty[0]["n"], 0, "a table without rows is empty, not unknown");
}
