//! A whole lake in a bucket behaves like one in a folder.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail as tests do"
)]

use integration::TestLake;
use integration::emulator::Emulator;
use serde_json::{Value, json};
use simulator::{Options, Simulator};

const FROM: &str = "2026-10-24";
const TO: &str = "2026-10-27";
const MODELS: [&str; 2] = [
    "SELECT * FROM irceline.aggregate_station_by_day ORDER BY day, timeseries_id",
    "SELECT * FROM irceline.aggregate_city_by_hour ORDER BY timestamp, day, municipality, parameter, uom",
];

async fn simulator() -> Simulator {
    Simulator::start(Options { stations: 12, series: 60, ..Options::default() }).await.unwrap()
}

fn lake_at(url: &str, simulator: &Simulator, emulator: &Emulator) -> TestLake {
    let lake = TestLake::new(&simulator.irceline_url()).at(url);
    emulator.environment().iter().fold(lake, |lake, (name, value)| lake.with(name, value))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lake_in_a_bucket_holds_what_one_in_a_folder_holds() {
    let Some(emulator) = Emulator::start() else {
        return;
    };
    let bucket = format!("tributary-lake-{}", std::process::id());
    emulator.create_bucket(&bucket);
    let simulator = simulator().await;
    let remote = lake_at(&format!("s3://{bucket}/some/prefix"), &simulator, &emulator);
    let local = TestLake::new(&simulator.irceline_url());

    let first = remote.run(FROM, TO).ok().json();
    assert_eq!(first["ok"], true);
    assert_eq!(first["ingested"].as_array().unwrap().len(), 3);
    assert_eq!(first["cleaned"].as_array().unwrap().len(), 9);
    // A partition of each of the four models, and a file of two.
    assert_eq!(first["aggregated"].as_array().unwrap().len(), 4 + 2);

    let second = remote.run(FROM, TO).ok().json();
    assert_eq!((&second["cleaned"], &second["aggregated"]), (&json!([]), &json!([])));
    let days = second["ingested"].as_array().unwrap();
    assert_eq!(days.len(), 3);
    assert!(days.iter().all(|day| day["objects"] == 0 && day["requests"].as_u64() > Some(0)), "{days:?}");

    let report = remote.call(&["verify"]).ok().json();
    assert_eq!(report["report"]["problems"], json!([]), "{report}");

    local.run(FROM, TO).ok();
    for sql in MODELS {
        let (from_bucket, from_folder): (Vec<Value>, Vec<Value>) = (remote.query(sql), local.query(sql));
        assert!(from_folder.len() > 100, "{} rows of {sql}", from_folder.len());
        assert_eq!(from_bucket.len(), from_folder.len(), "{sql}");
        for (row, expected) in from_bucket.iter().zip(&from_folder) {
            assert_eq!(row, expected, "{sql}");
        }
    }
    assert!(remote.tree().names().is_empty(), "a lake in a bucket writes no local file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_bucket_is_named() {
    let Some(emulator) = Emulator::start() else {
        return;
    };
    let simulator = simulator().await;
    let url = "s3://tributary-no-such-bucket/some/prefix";
    let lake = lake_at(url, &simulator, &emulator);
    for arguments in [&["run", "irceline", "--from", FROM, "--to", TO][..], &["verify"], &["status"]] {
        let called = lake.command(arguments).output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&called.stdout), String::from_utf8_lossy(&called.stderr));
        assert_eq!(called.status.code(), Some(1), "{arguments:?}: {stdout}{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(url), "{arguments:?}: {stderr}");
        assert!(stderr.contains("bucket does not exist"), "{arguments:?}: {stderr}");
    }
    let summary = lake.run(FROM, TO);
    assert_eq!(summary.status, 1);
    let summary = summary.json();
    assert_eq!(summary["ok"], false);
    let [error] = summary["errors"].as_array().unwrap().as_slice() else {
        panic!("not one error: {summary}");
    };
    assert!(error["message"].as_str().unwrap().contains(url), "{summary}");
    assert_eq!(error["can_retry"], false);
    assert_eq!(simulator.requests(), 0, "nothing is fetched that cannot be kept");
}
