//! A lake on S3 whose requests fail again and again ends as one whose requests do not.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use integration::emulator::Emulator;
use integration::faulty_s3::FaultyS3;
use integration::{TestLake, say};
use serde_json::json;

const ZONES: [&str; 4] = ["standard/", "rejection/", "consumption/", "ledger/"];

fn lake_at(bucket: &str, name: &str, emulator: &Emulator, endpoint: &str) -> TestLake {
    let raw = format!("s3://{bucket}/both");
    let lake = TestLake::new("http://127.0.0.1:9/").at(&format!("s3://{bucket}/{name}")).with("RAW_URL", &raw);
    let environment = emulator.environment();
    let environment = environment.iter().filter(|(name, _)| *name != "AWS_ENDPOINT_URL");
    environment.fold(lake, |lake, (name, value)| lake.with(name, value)).with("AWS_ENDPOINT_URL", endpoint)
}

fn upload(emulator: &Emulator, bucket: &str, number: u32) {
    let mut text = "customer_id,usage_kwh,start_time\n".to_owned();
    for row in 0..20 {
        text += &format!("{number},{row}.5,2023-{:02}-12T{row:02}:00:00-07:00\n", 5 + row % 2);
    }
    text += "x,1,2023-05-12T01:00:00-07:00\n";
    let path = format!("/{bucket}/both/energy_usage/{number}.csv");
    assert_eq!(emulator.call("s3", "PUT", &path, text.as_bytes()).status, 200);
}

fn made(emulator: &Emulator, bucket: &str, lake: &str) -> BTreeMap<String, Vec<u8>> {
    let objects = |zone: &&str| {
        let objects = emulator.objects(bucket, &format!("{lake}/{zone}"));
        objects.into_iter().map(|(key, bytes)| (format!("{zone}{key}"), bytes)).collect::<Vec<_>>()
    };
    // Copies of entries and notes of what changes save requests, and say nothing of their own.
    ZONES.iter().flat_map(objects).filter(|(key, _)| !key.starts_with("ledger/snapshot/")).collect()
}

#[test]
fn the_final_state_is_that_of_a_quiet_run() {
    let Some(emulator) = Emulator::start() else { return };
    let bucket = format!("tributary-faults-{}", std::process::id());
    emulator.create_bucket(&bucket);
    let given = std::env::var("TRIBUTARY_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0)) | 1;
    say(&format!("seed: TRIBUTARY_SEED={seed}"));
    let proxy = FaultyS3::start(emulator.endpoint(), 30, seed);
    let quiet = lake_at(&bucket, "quiet", &emulator, emulator.endpoint());
    let noisy = lake_at(&bucket, "noisy", &emulator, proxy.endpoint());
    for round in 0..2 {
        for number in 0..6 {
            upload(&emulator, &bucket, number + 3 * round);
        }
        for step in ["clean", "aggregate", "verify"] {
            quiet.call(&[step]).ok();
            let called = noisy.call(&[step]);
            assert_eq!(called.status, 0, "{step} with seed {seed}: {called:?}");
        }
    }
    let (wanted, found) = (made(&emulator, &bucket, "quiet"), made(&emulator, &bucket, "noisy"));
    assert!(wanted.len() > 20, "{:?}", wanted.keys());
    let differ: Vec<&String> = wanted.keys().filter(|key| wanted.get(*key) != found.get(*key)).collect();
    let more: Vec<&String> = found.keys().filter(|key| !wanted.contains_key(*key)).collect();
    // The ledger of a lake says where its objects are by key only, so that it is the same in both.
    assert_eq!((differ, more), (vec![], vec![]), "seed {seed}");
    let again = noisy.call(&["clean"]).ok().json();
    assert_eq!(again["cleaned"], json!([]));
    let (requests, failed) = proxy.counts();
    say(&format!("{failed} of {requests} requests failed"));
    assert!(failed * 5 > requests, "{failed} of {requests} requests failed");
}
