//! Weeks from the simulated coding course into the raw zone: the roster, windows, corrections, failures.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use integration::{Called, TestLake};
use serde_json::{Value, json};
use simulator::{Options, Simulator, Week};

const NOBODY: &str = "http://127.0.0.1:1/";
const ROSTER: &str = "raw/codetrack/rosters/roster.json";
/// Five weeks up to the one of the simulator's today.
const WEEKS: [&str; 6] = ["ingest", "codetrack", "--from", "2026-10-19", "--to", "2026-11-21"];
const FILES: [&str; 3] = ["weekly_scores", "weekly_commits", "users"];

fn small() -> Options {
    Options { learners: 12, ..Options::default() }
}

fn lake(simulator: &Simulator) -> TestLake {
    let lake = TestLake::new(NOBODY).with("CODETRACK_URL", &simulator.codetrack_url());
    lake.write("config/datasets/codetrack/dataset.toml", "[source]\nhttp.first_backoff_ms = 2\n");
    lake.write(ROSTER, simulator.roster_json());
    lake
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn lines(lake: &TestLake, week: &str, file: &str) -> Vec<Value> {
    let tree = lake.tree();
    let key = format!("raw/codetrack/week={week}/{file}.ndjson");
    let text = tree.bytes(&key).unwrap_or_else(|| panic!("{key} is not in {:?}", tree.names()));
    String::from_utf8_lossy(text).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Weeks by learner and Monday as a raw object has them: of each, the last line counts.
fn weeks(lake: &TestLake, week: &str, file: &str) -> BTreeMap<(i64, NaiveDate), i64> {
    let mut found = BTreeMap::new();
    for line in lines(lake, week, file).iter().filter(|line| line["status"] == 200) {
        let request = &line["request"];
        let within = date(request["from"].as_str().unwrap())..date(request["to"].as_str().unwrap());
        for entry in line["body"].as_array().unwrap() {
            let monday = date(entry["date"].as_str().unwrap().split('T').next().unwrap());
            if within.contains(&monday) {
                found.insert((request["learner"].as_i64().unwrap(), monday), entry["points"].as_i64().unwrap());
            }
        }
    }
    found
}

/// What the API has of all learners from a Monday on.
fn expected(
    simulator: &Simulator,
    from: &str,
    list: fn(&Simulator, i64) -> Vec<Week>,
) -> BTreeMap<(i64, NaiveDate), i64> {
    let of = |id: i64| list(simulator, id).into_iter().map(move |week| ((id, week.monday), week.points));
    simulator
        .learners()
        .into_iter()
        .flat_map(|one| of(one.id))
        .filter(|((_, monday), _)| *monday >= date(from))
        .collect()
}

fn check(simulator: &Simulator, lake: &TestLake, from: &str) {
    assert_eq!(weeks(lake, "2026-11-16", "weekly_scores"), expected(simulator, from, Simulator::weekly_scores));
    assert_eq!(weeks(lake, "2026-11-16", "weekly_commits"), expected(simulator, from, Simulator::weekly_commits));
}

fn error(called: &Called, status: i32, parts: &[&str]) {
    assert_eq!(called.status, status, "{called:?}");
    for part in parts {
        assert!(called.stderr.contains(part), "\"{part}\" is not in: {}", called.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_weeks_of_all_learners_are_fetched_and_a_second_run_writes_nothing() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = lake(&simulator);
    let summary = lake.call(&WEEKS).ok().json();
    let week = &summary["ingested"][0];
    assert_eq!(
        (&week["day"], &week["objects"], &week["no_account"]),
        (&json!("2026-11-16"), &json!(3), &json!(["0", "-1"]))
    );
    check(&simulator, &lake, "2026-10-19");
    let learners: BTreeSet<i64> = simulator.learners().into_iter().map(|one| one.id).collect();
    for file in FILES {
        let asked: Vec<i64> =
            lines(&lake, "2026-11-16", file).iter().map(|line| line["request"]["learner"].as_i64().unwrap()).collect();
        assert_eq!(asked, learners.iter().copied().collect::<Vec<_>>(), "{file}: each once, in order");
    }
    let first = &lines(&lake, "2026-11-16", "weekly_scores")[0]["request"];
    assert_eq!((&first["from"], &first["to"]), (&json!("2026-10-19"), &json!("2026-11-23")));
    let user = &lines(&lake, "2026-11-16", "users")[0];
    assert_eq!(user["request"], json!({"learner": learners.first().unwrap()}));
    assert!(user["body"]["honor"].is_i64(), "{user}");
    assert_eq!(simulator.codetrack_requests()["users"], 12);

    let before = lake.tree();
    let second = lake.call(&WEEKS).ok().json();
    assert_eq!(lake.tree().written_since(&before), Vec::<String>::new());
    assert_eq!((&second["up_to_date"], &second["ingested"][0]["objects"]), (&json!(3), &json!(0)));
    let text: Called = lake.command(&WEEKS).output().unwrap().into();
    assert!(text.ok().stdout.contains("2 entries of the roster without account: 0, -1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_past_week_is_read_again() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = lake(&simulator);
    lake.call(&WEEKS).ok();
    let learner = simulator.learners().into_iter().find(|one| !simulator.weekly_scores(one.id).is_empty()).unwrap().id;
    let monday = simulator.weekly_scores(learner)[2].monday;
    assert!(monday >= date("2026-10-19") && simulator.correct_week(monday, learner, 987));
    let before = lake.tree();
    lake.call(&WEEKS).ok();
    // The learner's total is another one as well.
    let written = ["users", "weekly_scores"].map(|file| format!("raw/codetrack/week=2026-11-16/{file}.ndjson"));
    assert_eq!(lake.tree().written_since(&before), written);
    assert_eq!(weeks(&lake, "2026-11-16", "weekly_scores")[&(learner, monday)], 987);
    check(&simulator, &lake, "2026-10-19");
}

#[tokio::test(flavor = "multi_thread")]
async fn weeks_of_a_wider_window_are_not_lost_by_a_narrower_one() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = lake(&simulator);
    // Everything there is, then the latest two weeks.
    lake.call(&["ingest", "codetrack", "--from", "2025-03-01", "--to", "2026-11-21"]).ok();
    check(&simulator, &lake, "2025-02-24");
    let wide = lake.tree();
    lake.call(&["ingest", "codetrack", "--from", "2026-11-09", "--to", "2026-11-21"]).ok();
    check(&simulator, &lake, "2025-02-24");
    let learner = simulator.learners()[0].id;
    assert!(simulator.correct_week(simulator.weekly_scores(learner)[1].monday, learner, 654));
    lake.call(&["ingest", "codetrack", "--from", "2026-11-09", "--to", "2026-11-21"]).ok();
    check(&simulator, &lake, "2025-02-24");
    assert_eq!(lines(&lake, "2026-11-16", "weekly_scores").len(), 24, "one old and one new line of each learner");
    // The wide one again has all of it, in one line each.
    lake.call(&["ingest", "codetrack", "--from", "2025-03-01", "--to", "2026-11-21"]).ok();
    check(&simulator, &lake, "2025-02-24");
    let name = "raw/codetrack/week=2026-11-16/weekly_commits.ndjson";
    let times = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().count();
    assert_eq!(times(lake.tree().bytes(name).unwrap()), times(wide.bytes(name).unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_dates_the_current_week_and_three_before_it_are_asked_for() {
    let now: DateTime<Utc> = Utc::now();
    let simulator = Simulator::start(Options { now, ..small() }).await.unwrap();
    let lake = lake(&simulator);
    let summary = lake.call(&["ingest", "codetrack"]).ok().json();
    let today = now.with_timezone(&chrono_tz::America::New_York).date_naive();
    let monday = today - Days::new(u64::from(today.weekday().num_days_from_monday()));
    assert_eq!(summary["ingested"][0]["day"], monday.to_string());
    let request = &lines(&lake, &monday.to_string(), "weekly_scores")[0]["request"];
    assert_eq!((&request["from"], &request["limit"]), (&json!((monday - Days::new(21)).to_string()), &json!(5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_learners_are_named_and_no_failure() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = lake(&simulator);
    let mut roster: Value = serde_json::from_str(&simulator.roster_json()).unwrap();
    let ghost = json!({"name": "Grace Ghost", "email": "gg@example.org", "id": 99_999, "cohort": "7.3"});
    roster.as_array_mut().unwrap().push(ghost);
    roster.as_array_mut().unwrap().push(json!({"name": "Nobody", "email": "nn@example.org"}));
    lake.write(ROSTER, roster.to_string());
    let summary = lake.call(&WEEKS).ok().json();
    assert_eq!(summary["ingested"][0]["unknown"], json!(["99999"]));
    assert_eq!(summary["ingested"][0]["no_account"], json!(["0", "-1", "entry 17"]));
    check(&simulator, &lake, "2026-10-19");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_learner_that_fails_is_a_gap_by_id_that_a_later_run_fills() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = lake(&simulator);
    lake.write("config/datasets/codetrack/dataset.toml", "[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 3\n");
    let failing = &simulator.learners()[3];
    simulator.fail_learners(vec![failing.id]);
    let mut command = lake.command(&["-vv", "--output", "json"]);
    let called: Called = command.args(WEEKS).output().unwrap().into();
    error(&called, 1, &[&format!("learner {}", failing.id), "weekly_scores", "users", "500", "can help"]);
    for one in simulator.learners() {
        assert!(!called.stderr.contains(&one.email), "{}", called.stderr);
    }
    assert!(!called.stderr.contains("example.org") && !called.stderr.contains("Example"), "{}", called.stderr);
    let scores = weeks(&lake, "2026-11-16", "weekly_scores");
    let others: BTreeMap<_, _> = expected(&simulator, "2026-10-19", Simulator::weekly_scores)
        .into_iter()
        .filter(|((id, _), _)| *id != failing.id)
        .collect();
    assert_eq!(scores, others);

    simulator.fail_learners(Vec::new());
    lake.call(&WEEKS).ok();
    check(&simulator, &lake, "2026-10-19");
    // What was had once is not lost when it cannot be had again.
    let whole = lake.tree();
    simulator.fail_learners(vec![failing.id]);
    assert_eq!(lake.call(&WEEKS).status, 1);
    assert_eq!(lake.tree().written_since(&whole), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_a_third_of_all_requests_still_gives_all_weeks() {
    let simulator = Simulator::start(Options { fail_rate: 0.3, ..small() }).await.unwrap();
    let lake = lake(&simulator);
    lake.write("config/datasets/codetrack/dataset.toml", "[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 16\n");
    let summary = lake.call(&WEEKS).ok().json();
    assert!(summary["ingested"][0]["retries"].as_u64().unwrap() > 3, "{summary}");
    check(&simulator, &lake, "2026-10-19");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roster_that_is_absent_or_broken_says_what_to_upload_where() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = TestLake::new(NOBODY).with("CODETRACK_URL", &simulator.codetrack_url());
    let called = lake.call(&WEEKS);
    error(&called, 1, &["raw/codetrack/rosters/roster.json", "upload", "cohort"]);
    lake.write(ROSTER, "{\"email\": \"ae@example.org\"");
    let called = lake.call(&WEEKS);
    error(&called, 1, &["roster.json", "not a JSON list"]);
    assert!(!called.stderr.contains("ae@"), "{called:?}");
    assert_eq!(simulator.codetrack_requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_without_settings_are_skipped_by_a_run_of_all_and_refused_by_name() {
    let simulator = Simulator::start(Options { stations: 3, series: 12, ..small() }).await.unwrap();
    let lake = TestLake::new(&simulator.irceline_url());
    let summary = lake.call(&["run", "--from", "2026-11-18", "--to", "2026-11-19"]).ok().json();
    let skipped: Vec<&str> =
        summary["skipped"].as_array().unwrap().iter().map(|one| one["why"].as_str().unwrap()).collect();
    assert_eq!(skipped.len(), 2, "{summary}");
    assert!(skipped[0].contains("CODETRACK_URL") && skipped[1].contains("ILLUMINATE_URL"), "{summary}");
    let text: Called = lake.command(&["run", "--from", "2026-11-18", "--to", "2026-11-19"]).output().unwrap().into();
    assert!(text.ok().stdout.contains("skipped    codetrack: setting CODETRACK_URL"));
    error(&lake.call(&["run", "codetrack"]), 2, &["CODETRACK_URL", "is not set"]);
    error(&lake.call(&["ingest", "codetrack"]), 2, &["CODETRACK_URL", "is not set"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn clean_rows_are_those_of_the_api() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = lake(&simulator);
    lake.write(
        "config/datasets/codetrack/dataset.toml",
        "[table.weekly_score]\nfrom = \"week=*/weekly_scores.ndjson\"\nformat = \"codetrack-weeks\"\n\
         siblings = [\"weekly_commits.ndjson\"]\npartition = \"month(date)\"\nkey = [\"id\", \"date\"]\n\
         [table.weekly_score.column]\nid = { type = \"int64\", required = true }\n\
         date = { type = \"date\", required = true }\npoints = { type = \"int64\" }\ncommits = { type = \"int64\" }\n",
    );
    lake.call(&["ingest", "codetrack", "--from", "2025-03-01", "--to", "2026-11-21"]).ok();
    lake.call(&["ingest", "codetrack", "--from", "2026-11-02", "--to", "2026-11-21"]).ok();
    lake.call(&["clean", "--dataset", "codetrack"]).ok();
    let rows = lake.query("SELECT id, date, points, commits FROM codetrack.weekly_score ORDER BY id, date");
    let (points, commits) = (
        expected(&simulator, "2025-02-24", Simulator::weekly_scores),
        expected(&simulator, "2025-02-24", Simulator::weekly_commits),
    );
    let keys: BTreeSet<(i64, NaiveDate)> = points.keys().chain(commits.keys()).copied().collect();
    assert_eq!(rows.len(), keys.len());
    for row in rows {
        let key = (row["id"].as_i64().unwrap(), date(row["date"].as_str().unwrap()));
        let wanted = [&points, &commits].map(|list| list.get(&key).copied().unwrap_or_default());
        assert_eq!([&row["points"], &row["commits"]].map(|value| value.as_i64().unwrap()), wanted, "{key:?}");
    }
    lake.call(&["verify"]).ok();
}
