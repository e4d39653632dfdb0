//! A process killed at any moment and started again ends with the same bytes as one that was never killed.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use integration::{TestLake, Tree};
use simulator::{Options, Simulator};

const MOMENTS: usize = 30;
const RUN: [&str; 6] = ["run", "irceline", "--from", "2026-10-30", "--to", "2026-11-02"];

/// A moment between nothing and the whole, different in each run of the test.
fn random_part(whole: Duration) -> Duration {
    let random = RandomState::new().hash_one(0) as f64 / u64::MAX as f64;
    whole.mul_f64(random)
}

/// Starts `tributary`, kills it at a random moment; tells whether it was killed before its end.
fn kill_at_random(lake: &TestLake, arguments: &[&str], whole: Duration) -> (Duration, bool) {
    let mut child = lake.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let moment = random_part(whole);
    std::thread::sleep(moment);
    let killed = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    (moment, killed)
}

/// A tree whose bytes do not depend on when responses came.
fn timeless(tree: &Tree) -> Tree {
    tree.below(&["consumption", "rejection", "raw"]).map_bytes(|name, bytes| {
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
    let simulator = Simulator::start(Options { stations: 12, series: 60, ..Options::default() }).await.unwrap();
    let whole = TestLake::new(&simulator.irceline_url());
    let begun = Instant::now();
    whole.call(&RUN).ok();
    let duration = begun.elapsed();
    let wanted = timeless(&whole.tree());
    let mut killed_early = 0;
    for _ in 0..MOMENTS {
        let lake = TestLake::new(&simulator.irceline_url());
        let (moment, killed) = kill_at_random(&lake, &RUN, duration);
        killed_early += usize::from(killed);
        lake.call(&RUN).ok();
        assert_eq!(wanted.differences(&timeless(&lake.tree())), Vec::<String>::new(), "killed after {moment:?}");
        assert_eq!(whole.tree().names(), lake.tree().names(), "killed after {moment:?}");
        lake.call(&["verify"]).ok();
    }
    assert!(killed_early > MOMENTS / 2, "only {killed_early} runs were killed before their end");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_same_raw_objects_every_zone_ends_with_the_same_bytes() {
    let simulator = Simulator::start(Options { stations: 12, series: 60, ..Options::default() }).await.unwrap();
    let source = TestLake::new(&simulator.irceline_url());
    source.call(&["ingest", "irceline", "--from", "2026-10-30", "--to", "2026-11-02"]).ok();
    // An API that is not there: nothing but the raw objects is used.
    let copy = || {
        let lake = TestLake::new("http://127.0.0.1:1/");
        copy_with_times(&source.path().join("raw"), &lake.path().join("raw"));
        lake
    };
    let finish = |lake: &TestLake| {
        lake.call(&["clean"]).ok();
        lake.call(&["aggregate"]).ok();
    };
    let whole = copy();
    let begun = Instant::now();
    finish(&whole);
    let half = begun.elapsed() / 2;
    for round in 0..MOMENTS {
        let lake = copy();
        let (mut moment, _) = kill_at_random(&lake, &["clean"], half);
        if round % 2 == 1 {
            lake.call(&["clean"]).ok();
            moment = kill_at_random(&lake, &["aggregate"], half).0;
        }
        finish(&lake);
        assert_eq!(whole.tree().differences(&lake.tree()), Vec::<String>::new(), "killed after {moment:?}");
    }
}

/// Copies a folder; the time of an object is part of what is made of it.
fn copy_with_times(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy_with_times(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
            let modified = path.metadata().unwrap().modified().unwrap();
            std::fs::File::options().write(true).open(&target).unwrap().set_modified(modified).unwrap();
        }
    }
}
