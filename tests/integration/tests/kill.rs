//! A process killed at any step of its work and started again ends with the same bytes as one that was never killed.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeMap;

use integration::fault::Seed;
use integration::{TestLake, Tree, copy_with_times};
use simulator::{Options, Simulator};

const RUN: [&str; 6] = ["run", "irceline", "--from", "2026-10-30", "--to", "2026-11-02"];
const INGEST: [&str; 6] = ["ingest", "irceline", "--from", "2026-10-30", "--to", "2026-11-02"];
/// An API that is not there: nothing but the raw objects is used.
const NOWHERE: &str = "http://127.0.0.1:1/";

async fn simulator() -> Simulator {
    Simulator::start(Options { stations: 12, series: 60, ..Options::default() }).await.unwrap()
}

/// A tree whose bytes do not depend on when responses came.
fn timeless(tree: &Tree) -> Tree {
    tree.below(&["consumption", "rejection", "raw"]).map_bytes(|name, bytes| {
        // The ids that the API does not know, and when it was asked.
        if name.ends_with("_dead.json") {
            let dead: BTreeMap<String, String> = serde_json::from_slice(bytes).unwrap();
            return dead.into_keys().collect::<Vec<_>>().join(",").into_bytes();
        }
        if !name.ends_with("values.ndjson") {
            return bytes.to_vec();
        }
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let lines = text.lines().map(|line| {
            let (before, rest) = line.split_once(r#","received_at":""#).unwrap();
            format!("{before}{}\n", rest.split_once('"').unwrap().1)
        });
        lines.collect::<String>().into_bytes()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_killed_while_they_fetch_clean_or_aggregate_end_like_one_that_was_not() {
    let simulator = simulator().await;
    let whole = TestLake::new(&simulator.irceline_url());
    let steps = whole.call_counted(&RUN);
    assert!(steps.count("Renamed") > 20, "{steps:?}");
    let wanted = timeless(&whole.tree());
    for step in steps.some_of_each(10, &mut Seed::of("runs")) {
        let lake = TestLake::new(&simulator.irceline_url());
        lake.call_until(&RUN, &step);
        lake.call(&RUN).ok();
        assert_eq!(wanted.differences(&timeless(&lake.tree())), Vec::<String>::new(), "killed after {step}");
        assert_eq!(whole.tree().names(), lake.tree().names(), "killed after {step}");
        lake.call(&["verify"]).ok();
    }
}

/// Kills `clean`, and then `aggregate`, at some of their steps on a lake like `start`; afterwards every zone is as if
/// neither had been.
fn check_killed_steps(name: &str, count: usize, start: impl Fn() -> TestLake) {
    let mut seed = Seed::of(name);
    let whole = start();
    let cleaning = whole.call_counted(&["clean"]);
    let aggregation = whole.call_counted(&["aggregate"]);
    assert!(cleaning.count("Renamed") > 0 && aggregation.count("Renamed") > 0, "{cleaning:?} {aggregation:?}");
    let wanted = whole.tree();
    let compare = |lake: &TestLake, step: &str| {
        assert_eq!(wanted.differences(&lake.tree()), Vec::<String>::new(), "killed after {step}");
        lake.call(&["verify"]).ok();
    };
    for step in cleaning.some_of_each(count, &mut seed) {
        let lake = start();
        lake.call_until(&["clean"], &step);
        lake.call(&["clean"]).ok();
        lake.call(&["aggregate"]).ok();
        compare(&lake, &format!("{step} of clean"));
    }
    for step in aggregation.some_of_each(count, &mut seed) {
        let lake = start();
        lake.call(&["clean"]).ok();
        lake.call_until(&["aggregate"], &step);
        lake.call(&["aggregate"]).ok();
        compare(&lake, &format!("{step} of aggregate"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_same_raw_objects_every_zone_ends_with_the_same_bytes() {
    let simulator = simulator().await;
    let source = TestLake::new(&simulator.irceline_url());
    source.call(&INGEST).ok();
    check_killed_steps("new objects", 5, || {
        let lake = TestLake::new(NOWHERE);
        copy_with_times(source.path(), lake.path());
        lake
    });
}

/// A day is corrected, and another one is taken out of the raw zone: outputs are replaced and deleted.
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_raw_objects_are_followed_as_if_no_process_had_been_killed() {
    let simulator = simulator().await;
    let source = TestLake::new(&simulator.irceline_url());
    source.call(&RUN).ok();
    let (corrected, gone) = ("raw/irceline/date=2026-10-31", "raw/irceline/date=2026-10-30");
    assert!(simulator.correct("2026-10-31".parse().unwrap(), 5) > 0);
    let later = TestLake::new(&simulator.irceline_url());
    later.call(&INGEST).ok();
    check_killed_steps("changed objects", 5, || {
        let lake = TestLake::new(NOWHERE);
        copy_with_times(source.path(), lake.path());
        copy_with_times(&later.path().join(corrected), &lake.path().join(corrected));
        std::fs::remove_dir_all(lake.path().join(gone)).unwrap();
        lake
    });
}
