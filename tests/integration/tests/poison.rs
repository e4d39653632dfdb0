//! Raw objects that are not what they should be: rejected with a reason, never in the way of their neighbours.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::io::Write;

use integration::TestLake;
use serde_json::Value;
use simulator::{Options, Simulator};

const DAY: &str = "2026-11-18";

async fn ingested() -> (Simulator, TestLake) {
    let simulator = Simulator::start(Options { stations: 3, series: 12, dead: 0, ..Options::default() }).await.unwrap();
    let lake = TestLake::new(&simulator.irceline_url());
    lake.call(&["ingest", "irceline", "--from", "2026-11-17", "--to", "2026-11-20"]).ok();
    (simulator, lake)
}

fn raw(name: &str) -> String {
    format!("raw/irceline/date={DAY}/{name}")
}

fn rejects(lake: &TestLake, table: &str, name: &str) -> Vec<Value> {
    let tree = lake.tree();
    let bytes = tree.bytes(&format!("rejection/irceline/{table}/date={DAY}__{name}.ndjson")).unwrap_or_default();
    String::from_utf8_lossy(bytes).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_objects_are_rejected_as_a_whole_and_their_neighbours_cleaned() {
    let (_simulator, lake) = ingested().await;
    let tree = lake.tree();
    let good = tree.bytes(&raw("values.ndjson")).unwrap().to_vec();
    let cut = &good[..good.len() * 2 / 3];
    let error_body = br#"{"request":{},"received_at":"2026-11-19T00:00:00Z","status":200,"body":{"statusCode":404,"reason":"Not Found"}}"#;
    for (bytes, reason) in [
        (&b"<html><body>Bad Gateway</body></html>"[..], "not_json"),
        (cut, "truncated"),
        (&b"hello"[..], "not_json"),
        (&error_body[..], "error_body"),
    ] {
        lake.write(&raw("values.ndjson"), bytes);
        let called = lake.call(&["clean"]);
        assert_eq!(called.status, 1, "all of an object rejected is no success");
        assert!(called.stderr.contains("values.ndjson were rejected"), "{}", called.stderr);
        let summary = called.json();
        let broken =
            summary["cleaned"].as_array().unwrap().iter().find(|one| !one["rejected_whole"].is_null()).unwrap();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
        let counted = (&broken["rejected_whole"]["reason"], &broken["rejected"]);
        assert_eq!(counted, (&reason.into(), &lines.into()), "{broken}");
        assert_eq!(broken["outputs"], Value::Array(vec![]));
        let reject = &rejects(&lake, "measurement", "values.ndjson")[0];
        assert_eq!(reject["reason"], reason);
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]).into_owned();
        assert_eq!(reject["raw_text"], head, "the beginning of the object is kept");
        let days = lake.query("SELECT DISTINCT day FROM irceline.measurement ORDER BY day");
        assert_eq!(days.len(), 2, "the neighbours are there, the broken day is not: {days:?}");
        lake.call(&["verify"]).ok();
    }
    lake.write(&raw("values.ndjson"), &good);
    lake.call(&["clean"]).ok();
    assert_eq!(lake.query("SELECT DISTINCT day FROM irceline.measurement").len(), 3, "mended, it is cleaned");
    lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_objects_are_read_and_broken_ones_rejected() {
    let (_simulator, lake) = ingested().await;
    let values = lake.tree().bytes(&raw("values.ndjson")).unwrap().to_vec();
    let plain = lake.path().join(raw("values.ndjson"));
    lake.call(&["clean"]).ok();
    let rows = lake.query("SELECT * FROM irceline.measurement ORDER BY timeseries_id, timestamp");
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zip.write_all(&values).unwrap();
    lake.write(&raw("values.ndjson.gz"), zip.finish().unwrap());
    std::fs::remove_file(&plain).unwrap();
    lake.call(&["clean"]).ok();
    assert_eq!(lake.query("SELECT * FROM irceline.measurement ORDER BY timeseries_id, timestamp"), rows);
    lake.call(&["verify"]).ok();

    let name = raw("values.ndjson.gz");
    let whole = lake.tree().bytes(&name).unwrap().to_vec();
    for broken in [&whole[..whole.len() / 2], &values[..]] {
        lake.write(&name, broken);
        let summary = lake.call(&["clean", "--max-rejected", "1"]).ok().json();
        let one = &summary["cleaned"][0];
        assert_eq!(one["rejected_whole"]["reason"], "not_decompressible", "{summary}");
    }
    lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn values_wait_for_their_siblings_and_follow_their_changes() {
    let (_simulator, lake) = ingested().await;
    let tree = lake.tree();
    std::fs::remove_file(lake.path().join(raw("timeseries.json"))).unwrap();
    let called = lake.call(&["clean"]);
    assert_eq!(called.status, 1);
    assert!(called.stderr.contains("timeseries.json") && called.stderr.contains("can help"), "{}", called.stderr);
    assert_eq!(lake.query("SELECT DISTINCT day FROM irceline.measurement").len(), 2);

    lake.write(&raw("timeseries.json"), tree.bytes(&raw("timeseries.json")).unwrap());
    lake.call(&["clean"]).ok();
    assert_eq!(lake.query("SELECT DISTINCT day FROM irceline.measurement").len(), 3);

    // A list that does not know one of the series any more: its values are rejected, the others stay.
    let mut list: Vec<Value> = serde_json::from_slice(tree.bytes(&raw("timeseries.json")).unwrap()).unwrap();
    let first =
        lake.query(&format!("SELECT min(timeseries_id) AS id FROM irceline.measurement WHERE day = DATE '{DAY}'"));
    let gone = first[0]["id"].clone();
    list.retain(|series| series["id"] != gone);
    let mut stations: Vec<Value> = serde_json::from_slice(tree.bytes(&raw("stations.json")).unwrap()).unwrap();
    for station in &mut stations {
        station["properties"].as_object_mut().unwrap().remove("timeseries");
    }
    lake.write(&raw("timeseries.json"), Value::from(list).to_string());
    lake.write(&raw("stations.json"), Value::from(stations).to_string());
    let summary = lake.call(&["clean"]).ok().json();
    assert_eq!(summary["cleaned"].as_array().unwrap().len(), 3, "the values are cleaned again with their siblings");
    let mut rejected = rejects(&lake, "measurement", "values.ndjson");
    rejected.retain(|reject| reject["column"] == "timeseries_id");
    assert!(rejected.len() >= 20, "{rejected:?}");
    for reject in &rejected {
        assert_eq!(reject["reason"], "unknown_timeseries");
        assert_eq!(reject["raw_key"], format!("irceline/date={DAY}/values.ndjson"));
        assert!(reject["row"].as_u64() > Some(0));
        assert!(reject["raw_text"].as_str().unwrap().starts_with("{\"timestamp\":"), "{reject}");
    }
    lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_of_a_deleted_raw_object_goes_with_it() {
    let (_simulator, lake) = ingested().await;
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    assert_eq!(lake.query("SELECT DISTINCT day FROM irceline.aggregate_station_by_day").len(), 3);
    std::fs::remove_dir_all(lake.path().join(format!("raw/irceline/date={DAY}"))).unwrap();
    let summary = lake.call(&["clean"]).ok().json();
    assert_eq!(summary["retracted"].as_array().unwrap().len(), 3, "{summary}");
    lake.call(&["aggregate"]).ok();
    assert_eq!(lake.query("SELECT DISTINCT day FROM irceline.aggregate_station_by_day").len(), 2);
    lake.call(&["verify"]).ok();

    std::fs::remove_dir_all(lake.path().join("raw/irceline")).unwrap();
    let refused = lake.call(&["clean"]);
    assert!(refused.status == 1 && refused.stderr.contains("--prune"), "{refused:?}");
    lake.call(&["clean", "--prune"]).ok();
    let summary = lake.call(&["aggregate"]).ok().json();
    assert!(summary["aggregated"].as_array().unwrap().iter().all(|made| made["deleted"] == true), "{summary}");
    assert_eq!(lake.tree().names(), Vec::<&str>::new(), "nothing is left, the ledger included");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_as_the_ledger_says_is_made_again() {
    let (_simulator, lake) = ingested().await;
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    let whole = lake.tree();
    for zone in ["standard/", "consumption/"] {
        std::fs::remove_file(lake.path().join(whole.below(&[zone]).names()[0])).unwrap();
    }
    for zone in ["standard/", "rejection/", "consumption/"] {
        lake.write(whole.below(&[zone]).names().last().unwrap(), "what an older writer left");
    }
    let summary = lake.call(&["clean"]).ok().json();
    let cleaned = summary["cleaned"].as_array().unwrap().len();
    assert!((2..=3).contains(&cleaned), "those that are damaged and no others: {summary}");
    lake.call(&["aggregate"]).ok();
    assert_eq!(lake.tree().differences(&whole), Vec::<String>::new());
    lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_sees_what_is_missing_changed_orphaned_or_left_over() {
    let (_simulator, lake) = ingested().await;
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    lake.call(&["verify"]).ok();
    let parquet = format!("standard/irceline/measurement/month=2026-11/date={DAY}__values.ndjson.parquet");
    let good = lake.tree().bytes(&parquet).unwrap().to_vec();
    let other = lake.tree().bytes(&parquet.replace(DAY, "2026-11-17")).unwrap().to_vec();
    let file = |name: &str| lake.path().join(name);
    let complains = |part: &str| {
        let called = lake.call(&["verify"]);
        assert_eq!(called.status, 1);
        assert!(called.stderr.contains(part), "{part} is not in {}", called.stderr);
    };

    std::fs::remove_file(file(&parquet)).unwrap();
    complains("missing");
    lake.write(&parquet, other);
    complains("ETag");
    lake.write(&parquet, good);
    lake.call(&["verify"]).ok();

    for orphan in [
        "standard/irceline/measurement/month=2026-11/x.parquet",
        "consumption/irceline/aggregate_city_by_hour/month=2026-01/data.parquet",
    ] {
        lake.write(orphan, "x");
        // A sweep leaves alone what is younger than an hour.
        let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 60 * 60);
        std::fs::File::options().write(true).open(file(orphan)).unwrap().set_modified(hours_ago).unwrap();
        complains("in no ledger entry");
    }
    lake.call(&["clean", "--all"]).ok();
    lake.call(&["aggregate", "--all"]).ok();
    lake.call(&["verify"]).ok();
    // What no table or model makes is somebody's: nothing sweeps it.
    let strange = "consumption/irceline/old/data.parquet";
    lake.write(strange, "x");
    std::fs::File::options().write(true).open(file(strange)).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    lake.call(&["aggregate", "--all"]).ok();
    complains("no table or model makes such an object");
    std::fs::remove_file(file(strange)).unwrap();
    // In a lake that was copied while one wrote, nothing shows that the writer died.
    lake.write("standard/irceline/.tributary-killed", "half");
    complains("killed writer");
    let repaired = lake.call(&["verify", "--repair"]).ok().json();
    assert_eq!(repaired["repaired"]["removed"].as_array().map(Vec::len), Some(1), "{repaired}");
    // What it was writing, and what it held.
    lake.write("standard/irceline/.tributary-killed", "half");
    lake.write("standard/.tributary-held", "");
    complains("killed writer");
    lake.call(&["clean"]).ok();
    lake.call(&["verify"]).ok();

    let entry = format!("ledger/raw/irceline/date={DAY}/values.ndjson.json");
    let text = String::from_utf8(lake.tree().bytes(&entry).unwrap().to_vec()).unwrap();
    let read: Value = serde_json::from_str(&text).unwrap();
    let count = read["rows"]["read"].to_string();
    lake.write(&entry, text.replacen(&format!("\"read\": {count}"), "\"read\": 1", 1));
    complains("its check does not fit");
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_cleans_again_after_a_rule_has_changed() {
    let (_simulator, lake) = ingested().await;
    let key = raw("values.ndjson");
    let text = String::from_utf8(lake.tree().bytes(&key).unwrap().to_vec()).unwrap();
    let at = text.find("\"value\":").unwrap() + "\"value\":".len();
    let end = at + text[at..].find('}').unwrap();
    lake.write(&key, format!("{}-12.5{}", &text[..at], &text[end..]));
    lake.call(&["clean"]).ok();
    let rejected = rejects(&lake, "measurement", "values.ndjson");
    assert_eq!((&rejected[0]["reason"], &rejected[0]["column"]), (&"below_minimum".into(), &"value".into()));
    assert!(rejected[0]["raw_text"].as_str().unwrap().contains("-12.5"));

    assert_eq!(lake.call(&["clean"]).ok().json()["cleaned"], Value::Array(vec![]));
    lake.configure("[table.measurement.column.value]\nmin = -20.0\n");
    let status = lake.call(&["status"]).ok().json();
    let irceline = status["datasets"].as_array().unwrap().iter().find(|one| one["dataset"] == "irceline").unwrap();
    assert_eq!(irceline["objects_by_older_rules"], 3);
    let replayed = lake.call(&["replay"]).ok().json();
    assert_eq!(replayed["cleaned"][0]["raw_key"], format!("irceline/date={DAY}/values.ndjson"), "{replayed}");
    assert!(rejects(&lake, "measurement", "values.ndjson").is_empty());
    assert_eq!(lake.query("SELECT value FROM irceline.measurement WHERE value < -10")[0]["value"], -12.5);
    lake.call(&["verify"]).ok();
}
