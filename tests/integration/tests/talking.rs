//! How the sources' servers are talked to: redirects, servers that are busy, pages without end, absurd windows, secrets.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use chrono::{Days, Utc};
use integration::{Called, TestLake};
use simulator::{CLIENT_ID, CLIENT_SECRET, Instead, Options, Paging, Simulator};

const NOBODY: &str = "http://127.0.0.1:1/";
const AIR: [&str; 6] = ["ingest", "irceline", "--from", "2026-11-18", "--to", "2026-11-19"];
const IMPATIENT: &str = "[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 3\n";

fn small() -> Options {
    Options { stations: 12, series: 60, assessments: 6, students: 20, ..Options::default() }
}

fn air(simulator: &Simulator, settings: &str) -> TestLake {
    let lake = TestLake::new(&simulator.irceline_url());
    lake.configure(&format!("{IMPATIENT}{settings}"));
    lake
}

fn refused(called: &Called, status: i32, parts: &[&str]) {
    assert_eq!(called.status, status, "{called:?}");
    for part in parts {
        assert!(called.stderr.contains(part), "\"{part}\" is not in: {}", called.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_not_followed() {
    let other = Simulator::start(small()).await.unwrap();
    let simulator = Simulator::start(small()).await.unwrap();
    let school = TestLake::new(NOBODY)
        .with("ILLUMINATE_URL", &simulator.illuminate_url())
        .with("ILLUMINATE_CLIENT_ID", CLIENT_ID)
        .with("ILLUMINATE_CLIENT_SECRET", CLIENT_SECRET);
    for status in [301, 307] {
        let to = format!("http://ada:sesame@{}", other.address());
        simulator.answer_instead(move |asked| Some(Instead::redirect(status, &format!("{to}{asked}"))));
        let address = format!("http://{}/", other.address());
        let code = status.to_string();
        for called in [
            air(&simulator, "").call(&AIR),
            school.call(&["ingest", "illuminate", "--from", "2025-02-03", "--to", "2025-02-04"]),
        ] {
            refused(&called, 1, &[code.as_str(), address.as_str(), "not followed"]);
            assert!(!called.stderr.contains("sesame") && !called.stdout.contains("sesame"), "{called:?}");
            assert!(!called.stderr.contains("can help"), "{}", called.stderr);
        }
    }
    assert_eq!(other.requests(), 0, "nothing was sent to the other server");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_is_not_asked_for_halves_and_reported_once() {
    let simulator = Simulator::start(small()).await.unwrap();
    for status in [429, 503] {
        let lake = air(&simulator, "series_per_request = 8\n");
        let answered = std::sync::atomic::AtomicU64::new(0);
        // The first chunk is answered, so that the others look as if one of their series were at fault.
        simulator.answer_instead(move |asked| {
            let is_first = || answered.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
            (asked.contains("getData") && !is_first()).then(|| Instead {
                headers: vec![("retry-after".to_owned(), "0".to_owned())],
                ..Instead::refusal(status)
            })
        });
        let before = simulator.requests();
        let called = lake.call(&AIR);
        refused(&called, 1, &[&status.to_string()]);
        let chunks = (simulator.series_ids().len() as u64).div_ceil(8);
        assert!(simulator.requests() - before <= 2 + 3 * chunks, "{}", simulator.requests() - before);
        assert_eq!(called.stderr.lines().filter(|line| line.starts_with("error:")).count(), 1, "{}", called.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_end_even_if_the_server_ignores_the_offset_and_coordinates_jitter() {
    let options = Options { paging: Paging::Honoured, jitter_calls: true, ..small() };
    let simulator = Simulator::start(options).await.unwrap();
    air(&simulator, "page_size = 7\n").call(&AIR).ok();
    simulator.alter_queries(|_, query| {
        query.split('&').filter(|part| !part.starts_with("offset=")).collect::<Vec<_>>().join("&")
    });
    let before = simulator.requests();
    let called = air(&simulator, "page_size = 7\n").call(&AIR);
    refused(&called, 1, &["page_size", "the pages before it did not have"]);
    assert_eq!(simulator.requests() - before, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_series_are_remembered_and_asked_for_again_after_some_days() {
    let simulator = Simulator::start(Options { dead: 3, ..small() }).await.unwrap();
    let lake = air(&simulator, "");
    let unknown = |called: Called| {
        let summary = called.ok().json();
        let unknown = summary["ingested"][0]["unknown"].as_array().unwrap().clone();
        let mut unknown: Vec<String> = unknown.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        unknown.sort();
        (unknown, summary["ingested"][0]["requests"].as_u64().unwrap())
    };
    let mut dead = simulator.dead_series();
    dead.sort();
    let (first, many) = unknown(lake.call(&AIR));
    let before = lake.tree();
    let (second, few) = unknown(lake.call(&AIR));
    assert_eq!((&first, &second), (&dead, &dead));
    assert!(many > 10 && few == 3, "{many} and {few} requests");
    assert_eq!(lake.tree().written_since(&before), Vec::<String>::new());
    let long_ago = dead.iter().map(|id| format!("\"{id}\":\"2026-01-01T00:00:00Z\"")).collect::<Vec<_>>().join(",");
    lake.write("raw/irceline/_dead.json", format!("{{{long_ago}}}"));
    assert_eq!(unknown(lake.call(&AIR)), (dead.clone(), many));
    assert_eq!(unknown(lake.call(&AIR)), (dead.clone(), 3));
    lake.configure(&format!("{IMPATIENT}dead_days = 0\n"));
    assert_eq!(unknown(lake.call(&AIR)), (dead, many));
    lake.call(&["run", "irceline", "--from", "2026-11-18", "--to", "2026-11-19"]).ok();
    lake.call(&["verify"]).ok();
}

#[test]
fn windows_that_make_no_sense_are_usage_errors() {
    let lake = TestLake::new(NOBODY).with("CODETRACK_URL", NOBODY).with("ILLUMINATE_URL", NOBODY);
    let lake = lake.with("ILLUMINATE_CLIENT_ID", CLIENT_ID).with("ILLUMINATE_CLIENT_SECRET", CLIENT_SECRET);
    let later = (Utc::now().date_naive() + Days::new(400)).to_string();
    for source in ["irceline", "illuminate", "codetrack"] {
        for (arguments, part) in [
            (vec!["--to=-262143-01-01"], "0001 to 9999"),
            (vec!["--from=-262143-01-01", "--to=2026-11-19"], "0001 to 9999"),
            (vec!["--from", "2026-11-18", "--to=+262142-12-31"], "0001 to 9999"),
            (vec!["--from", "2026-11-18", "--to", later.as_str()], "the future"),
            (vec!["--to", later.as_str()], "the future"),
        ] {
            for command in ["ingest", "run"] {
                refused(&lake.call(&[&[command, source][..], arguments.as_slice()].concat()), 2, &[part]);
            }
        }
        let backfill = ["backfill", source, "--from", "2026-11-18", "--to", later.as_str()];
        refused(&lake.call(&backfill), 2, &["the future"]);
    }
    refused(&lake.call(&["ingest", "illuminate", "--from", "1969-01-01", "--to", "1969-01-02"]), 2, &["1970-07-01"]);
    for (source, setting) in
        [("irceline", "reread_days"), ("illuminate", "reread_school_years"), ("codetrack", "reread_weeks")]
    {
        for many in ["4000", "4294967295"] {
            lake.write(&format!("config/datasets/{source}/dataset.toml"), format!("[source]\n{setting} = {many}\n"));
            refused(&lake.call(&["ingest", source]), 2, &[setting, many]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_of_addresses_are_never_shown() {
    let simulator = Simulator::start(small()).await.unwrap();
    simulator.set_down(true);
    let at = |url: &str| url.replace("http://", "http://ada:sesame@");
    for url in
        [at(&simulator.irceline_url()), "http://ada:sesame@127.0.0.1:1/".to_owned(), "ftp://ada:sesame@x/".to_owned()]
    {
        let lake = TestLake::new(&url);
        lake.configure(IMPATIENT);
        let mut command = lake.command(&["-vv", "--output", "json"]);
        let called: Called = command.args(AIR).output().unwrap().into();
        assert_ne!(called.status, 0);
        assert!(!called.stderr.contains("sesame") && !called.stdout.contains("sesame"), "{called:?}");
    }
    simulator.set_down(false);
    let lake = TestLake::new(&at(&simulator.irceline_url()));
    lake.call(&AIR).ok();
    // A value of an answer is not shown either.
    simulator.alter_answers(|_, _| serde_json::json!("sesame"));
    let called = TestLake::new(&simulator.irceline_url()).call(&AIR);
    refused(&called, 1, &["not as documented"]);
    assert!(!called.stderr.contains("sesame") && !called.stdout.contains("sesame"), "{called:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_no_longer_than_the_memory_allows() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = air(&simulator, "").with("MEMORY_BYTES", "3000000");
    lake.call(&AIR).ok();
    simulator.alter_answers(|asked, body| {
        if asked.contains("/stations") { serde_json::json!([{"id": 1, "x": "x".repeat(2_000_000)}]) } else { body }
    });
    refused(&lake.call(&AIR), 1, &["MEMORY_BYTES", "longer than"]);
}
