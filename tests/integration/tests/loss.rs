//! More is never replaced by less: answers that lack what the raw zone has, for every source.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::process::{Child, Stdio};

use integration::{Called, TestLake};
use serde_json::{Value, json};
use simulator::{CLIENT_ID, CLIENT_SECRET, Instead, Options, Simulator};

const NOBODY: &str = "http://127.0.0.1:1/";
const DAY: [&str; 4] = ["--from", "2026-11-18", "--to", "2026-11-19"];
const VALUES: &str = "raw/irceline/date=2026-11-18/values.ndjson";
/// Failing requests are tried again without much waiting.
const IMPATIENT: &str = "[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 3\nseries_per_request = 10\n";

fn small() -> Options {
    Options { stations: 12, series: 60, assessments: 12, students: 40, learners: 8, ..Options::default() }
}

fn air(simulator: &Simulator) -> TestLake {
    let lake = TestLake::new(&simulator.irceline_url());
    lake.configure(IMPATIENT);
    lake
}

fn run(lake: &TestLake, more: &[&str]) -> Called {
    lake.call(&[&["run", "irceline"][..], &DAY[..], more].concat())
}

/// Rows of clean values that are not missing.
fn rows(lake: &TestLake) -> u64 {
    lake.query("SELECT count(value) AS n FROM irceline.measurement")[0]["n"].as_u64().unwrap()
}

/// What the summary reports as missing, by raw key.
fn missing(called: &Called) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let summary = called.json();
    let missing = summary["missing"].as_array().unwrap_or_else(|| panic!("{summary}"));
    let entry = |one: &Value| (text(&one["raw_key"]), one["what"].as_array().unwrap().iter().map(text).collect());
    missing.iter().map(entry).collect()
}

/// What is done to an answer, given an id.
type Alteration = fn(&str, Value) -> Value;

fn is_values(asked: &str) -> bool {
    asked.contains("/timeseries/getData")
}

/// A live series that is fetched.
fn live(simulator: &Simulator) -> String {
    simulator.live_series().into_iter().find(|series| series.phenomenon_id == "5").unwrap().id
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_an_answer_lacks_are_kept_until_the_loss_is_accepted() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = air(&simulator);
    run(&lake, &[]).ok();
    let (whole, victim) = (rows(&lake), live(&simulator));
    // No values; values that are all missing; each second hour is missing; the series is not in the answer; nothing is.
    let alterations: [(Alteration, bool); 5] = [
        (
            |id, mut body| {
                if let Some(series) = body.get_mut(id) {
                    series["values"] = json!([]);
                }
                body
            },
            true,
        ),
        (
            |id, mut body| {
                for record in body.get_mut(id).and_then(|series| series["values"].as_array_mut()).into_iter().flatten()
                {
                    record["value"] = json!("NaN");
                }
                body
            },
            true,
        ),
        (
            |id, mut body| {
                if let Some(values) = body.get_mut(id).and_then(|series| series["values"].as_array_mut()) {
                    *values = values.iter().step_by(2).cloned().collect();
                }
                body
            },
            true,
        ),
        (
            |id, mut body| {
                body.as_object_mut().unwrap().remove(id);
                body
            },
            false,
        ),
        (|_, _| json!({}), false),
    ];
    for (number, (alter, answered)) in alterations.into_iter().enumerate() {
        let before = lake.tree();
        let id = victim.clone();
        simulator.alter_answers(move |asked, body| if is_values(asked) { alter(&id, body) } else { body });
        let called = run(&lake, &[]);
        assert_eq!(called.status, 1, "{number}: {called:?}");
        assert!(called.stderr.contains(&victim) || number == 4, "{number}: {}", called.stderr);
        let named = missing(&called);
        if answered {
            assert_eq!(named, [(VALUES.strip_prefix("raw/").unwrap().to_owned(), vec![victim.clone()])], "{number}");
            assert!(called.stderr.contains("--accept-loss"), "{}", called.stderr);
        } else {
            assert_eq!((named, lake.tree().written_since(&before)), (vec![], vec![]), "{number}");
        }
        assert_eq!(rows(&lake), whole, "{number}");
        // The same again, and the API as it was.
        let kept = lake.tree();
        assert_eq!(run(&lake, &[]).status, 1);
        assert_eq!(lake.tree().written_since(&kept), Vec::<String>::new(), "{number}");
        simulator.behave();
        run(&lake, &[]).ok();
        assert_eq!(rows(&lake), whole, "{number}");
        lake.call(&["verify"]).ok();
    }
    let id = victim.clone();
    simulator.alter_answers(move |asked, body| if is_values(asked) { alterations[0].0(&id, body) } else { body });
    let accepted = run(&lake, &["--accept-loss"]).ok();
    assert!(missing(&accepted).is_empty() && rows(&lake) < whole);
    assert_eq!(lake.query(&format!("SELECT 1 FROM irceline.measurement WHERE timeseries_id = '{victim}'")).len(), 0);
    run(&lake, &[]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_knows_nothing_any_more_is_a_failure() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = air(&simulator);
    let all_unknown = |asked: &str| is_values(asked).then(|| Instead::refusal(404));
    simulator.answer_instead(all_unknown);
    let begun = simulator.requests();
    let first = run(&lake, &[]);
    assert_eq!(first.status, 1, "{first:?}");
    assert!(first.stderr.contains("404 for every series"), "{}", first.stderr);
    assert!(first.json()["ingested"][0].get("unknown").is_none());
    // Two lists, each chunk once, and halves of one chunk only.
    assert!(simulator.requests() - begun < 2 + 5 + 20, "{} requests", simulator.requests() - begun);
    simulator.behave();
    run(&lake, &[]).ok();
    let (whole, before) = (rows(&lake), lake.tree());
    simulator.answer_instead(all_unknown);
    assert_eq!(run(&lake, &[]).status, 1);
    assert_eq!((rows(&lake), lake.tree().written_since(&before)), (whole, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_that_the_api_forgets_is_reported_until_the_loss_is_accepted() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = air(&simulator);
    run(&lake, &[]).ok();
    let (whole, victim) = (rows(&lake), live(&simulator));
    simulator.forget_series(vec![victim.clone()]);
    for _ in 0..2 {
        let called = run(&lake, &[]);
        assert_eq!(called.status, 1, "{called:?}");
        assert_eq!(missing(&called)[0].1, std::slice::from_ref(&victim));
        assert_eq!(rows(&lake), whole);
    }
    run(&lake, &["--accept-loss"]).ok();
    assert!(rows(&lake) < whole);
    let summary = run(&lake, &[]).ok().json();
    assert!(summary["ingested"][0]["unknown"].as_array().unwrap().contains(&json!(victim)), "{summary}");
    lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_are_shorter_keep_what_they_had() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = air(&simulator);
    run(&lake, &[]).ok();
    let (whole, victim) = (rows(&lake), live(&simulator));
    let stations = lake.query("SELECT * FROM irceline.station").len();
    let lists: [(&str, Alteration); 3] = [
        ("/stations", |_, _| json!([])),
        ("/timeseries?", |_, _| json!([])),
        ("/timeseries?", |id, body| body.as_array().unwrap().iter().filter(|one| one["id"] != id).cloned().collect()),
    ];
    for (path, alter) in lists {
        let id = victim.clone();
        simulator.alter_answers(move |asked, body| if asked.contains(path) { alter(&id, body) } else { body });
        let called = run(&lake, &[]);
        assert_eq!(called.status, 1, "{called:?}");
        let named = missing(&called);
        assert_eq!(named.len(), 1, "{named:?}");
        assert!(path == "/stations" || named[0].1.contains(&victim), "{named:?}");
        assert_eq!((rows(&lake), lake.query("SELECT * FROM irceline.station").len()), (whole, stations));
        lake.call(&["verify"]).ok();
    }
    let accepted = run(&lake, &["--accept-loss"]).ok();
    assert!(missing(&accepted).is_empty() && rows(&lake) < whole);
    simulator.behave();
    run(&lake, &[]).ok();
    assert_eq!(rows(&lake), whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn series_that_are_not_asked_for_again_stay() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = air(&simulator);
    run(&lake, &[]).ok();
    let (whole, before) = (rows(&lake), lake.tree());
    lake.configure(&format!("{IMPATIENT}parameters = [\"pm10\"]\n"));
    for more in [&[][..], &["--accept-loss"]] {
        run(&lake, more).ok();
        assert_eq!((rows(&lake), lake.tree().below(&["raw"]).written_since(&before)), (whole, vec![]), "{more:?}");
    }
}

fn start(lake: &TestLake, arguments: &[&str]) -> Child {
    lake.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_lose_nothing_of_each_other() {
    let simulator = Simulator::start(Options { latency_ms: 5..=20, ..small() }).await.unwrap();
    let all = air(&simulator);
    all.configure(&format!("{IMPATIENT}parameters = [\"pm10\", \"no2\"]\n"));
    all.call(&[&["ingest", "irceline"][..], &DAY[..]].concat()).ok();
    let ids = |lake: &TestLake| -> BTreeSet<String> {
        let tree = lake.tree();
        let text = String::from_utf8(tree.bytes(VALUES).unwrap().to_vec()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let lines = lines.filter(|line| line["status"] == 200);
        lines.flat_map(|line| line["body"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()).collect()
    };
    for _ in 0..4 {
        // Settings are read at the start, so the two runs have different ones.
        let lake = air(&simulator);
        let arguments = [&["ingest", "irceline"][..], &DAY[..]].concat();
        lake.configure(&format!("{IMPATIENT}parameters = [\"pm10\"]\n"));
        let first = start(&lake, &arguments);
        let other =
            TestLake::new(&simulator.irceline_url()).with("RAW_URL", &format!("file:{}/raw", lake.path().display()));
        other.configure(&format!("{IMPATIENT}parameters = [\"no2\"]\n"));
        let second = start(&other, &arguments);
        for child in [first, second] {
            Called::from(child.wait_with_output().unwrap()).ok();
        }
        assert_eq!(ids(&lake), ids(&all));
    }
}

fn school(simulator: &Simulator) -> TestLake {
    let lake = TestLake::new(NOBODY)
        .with("ILLUMINATE_URL", &simulator.illuminate_url())
        .with("ILLUMINATE_CLIENT_ID", CLIENT_ID)
        .with("ILLUMINATE_CLIENT_SECRET", CLIENT_SECRET);
    lake.write(
        "config/datasets/illuminate/dataset.toml",
        "[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 3\ncheckpoint_assessments = 4\npage_size = 50\n",
    );
    lake
}

const YEAR: [&str; 6] = ["ingest", "illuminate", "--from", "2025-02-03", "--to", "2025-02-04"];
const FOLDER: &str = "raw/illuminate/year=24-25";

/// The ids that the lines of a raw object asked for or list.
fn assessments(lake: &TestLake, file: &str) -> BTreeSet<String> {
    let tree = lake.tree();
    let text = String::from_utf8(tree.bytes(&format!("{FOLDER}/{file}.ndjson")).unwrap().to_vec()).unwrap();
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut ids = BTreeSet::new();
    for line in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        match line["request"].get("assessment_id") {
            Some(id) => drop(ids.insert(plain(id))),
            None => {
                ids.extend(line["body"]["results"].as_array().unwrap().iter().map(|row| plain(&row["assessment_id"])))
            }
        }
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assessment_that_leaves_the_list_keeps_its_results() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = school(&simulator);
    lake.call(&YEAR).ok();
    let (whole, before) = (assessments(&lake, "assessments"), lake.tree());
    assert!(whole.len() >= 12);
    let victim = whole.first().unwrap().clone();
    let id = victim.clone();
    simulator.alter_answers(move |asked, mut body| {
        if asked.contains("/Api/Assessments/") {
            let rows = body["results"].as_array_mut().unwrap();
            let had = rows.len();
            rows.retain(|row| row["assessment_id"].to_string().trim_matches('"') != id);
            body["num_results"] = json!(rows.len().min(had));
        }
        body
    });
    let called = lake.call(&YEAR);
    assert_eq!(called.status, 1, "{called:?}");
    assert_eq!(missing(&called), [("illuminate/year=24-25/assessments.ndjson".to_owned(), vec![victim.clone()])]);
    for file in ["assessments", "responses_group", "responses_standard", "responses_overall"] {
        assert!(assessments(&lake, file).contains(&victim), "{file}");
    }
    lake.call(&[&YEAR[..], &["--accept-loss"]].concat()).ok();
    for file in ["assessments", "responses_group", "responses_standard", "responses_overall"] {
        assert!(!assessments(&lake, file).contains(&victim), "{file}");
    }
    simulator.behave();
    lake.call(&YEAR).ok();
    assert_eq!(lake.tree().below(&["raw"]).names(), before.below(&["raw"]).names());
    assert_eq!(assessments(&lake, "assessments"), whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_an_answer_lacks_are_kept_and_pages_that_repeat_are_a_gap() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = school(&simulator);
    lake.call(&YEAR).ok();
    let before = lake.tree();
    let count = |lake: &TestLake| {
        lake.call(&["clean", "--dataset", "illuminate"]).ok();
        lake.query("SELECT count(*) AS n FROM illuminate.result_standard")[0]["n"].as_u64().unwrap()
    };
    let whole = count(&lake);
    // Every answer is empty.
    simulator.alter_answers(|asked, mut body| {
        if asked.contains("AssessmentAggregate") {
            body = json!({"page": 1, "num_pages": 0, "num_results": 0, "results": []});
        }
        body
    });
    let called = lake.call(&YEAR);
    assert_eq!(called.status, 1, "{called:?}");
    assert!(missing(&called).iter().any(|(key, ids)| key.contains("responses_standard") && !ids.is_empty()));
    assert_eq!((count(&lake), lake.tree().below(&["raw"]).written_since(&before)), (whole, vec![]));

    // The server gives page 1 whatever page it is asked for.
    simulator.behave();
    simulator.alter_queries(|_, query| {
        query
            .split('&')
            .map(|part| if part.starts_with("page=") { "page=1" } else { part })
            .collect::<Vec<_>>()
            .join("&")
    });
    for lake in [&lake, &school(&simulator)] {
        let called = lake.call(&YEAR);
        assert_eq!(called.status, 1, "{called:?}");
        assert!(called.stderr.contains("ignores `page`"), "{}", called.stderr);
    }
    assert_eq!(count(&lake), whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ingests_of_one_school_year_at_once_lose_nothing() {
    let simulator = Simulator::start(Options { latency_ms: 5..=15, ..small() }).await.unwrap();
    let calm = school(&simulator);
    calm.call(&YEAR).ok();
    let files = ["assessments", "responses_group", "responses_standard", "responses_overall"];
    for _ in 0..3 {
        let lake = school(&simulator);
        let children = [start(&lake, &YEAR), start(&lake, &YEAR)];
        for child in children {
            Called::from(child.wait_with_output().unwrap()).ok();
        }
        for file in files {
            assert_eq!(assessments(&lake, file), assessments(&calm, file), "{file}");
        }
        assert!(!lake.tree().names().iter().any(|name| name.contains("_progress")), "{:?}", lake.tree().names());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn weeks_and_accounts_that_an_answer_lacks_are_kept() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = TestLake::new(NOBODY).with("CODETRACK_URL", &simulator.codetrack_url());
    lake.write("config/datasets/codetrack/dataset.toml", "[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 3\n");
    lake.write("raw/codetrack/rosters/roster.json", simulator.roster_json());
    let weeks = ["ingest", "codetrack", "--from", "2026-10-19", "--to", "2026-11-21"];
    lake.call(&weeks).ok();
    let before = lake.tree();
    let learner = simulator.learners().into_iter().find(|one| simulator.weekly_scores(one.id).len() > 4).unwrap().id;
    simulator.alter_answers(move |asked, body| {
        let is_theirs = asked.split(['/', '?']).any(|part| part == learner.to_string());
        match is_theirs {
            true if asked.contains("/users/") => json!({}),
            true => json!([]),
            false => body,
        }
    });
    let called = lake.call(&weeks);
    assert_eq!(called.status, 1, "{called:?}");
    let named = missing(&called);
    assert!(named.len() >= 2 && named.iter().all(|(_, ids)| *ids == [learner.to_string()]), "{named:?}");
    let text = |lake: &TestLake, file: &str| {
        let tree = lake.tree();
        String::from_utf8(tree.bytes(&format!("raw/codetrack/week=2026-11-16/{file}.ndjson")).unwrap().to_vec())
            .unwrap()
    };
    let old: Vec<Value> =
        String::from_utf8(before.bytes("raw/codetrack/week=2026-11-16/weekly_scores.ndjson").unwrap().to_vec())
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
    let had =
        old.iter().find(|line| line["request"]["learner"] == learner).unwrap()["body"].as_array().unwrap().clone();
    let scores = text(&lake, "weekly_scores");
    for week in had.iter().filter(|week| week["date"].as_str() >= Some("2026-10-19")) {
        assert!(scores.contains(&week.to_string()), "{week}");
    }
    // All learners are unknown.
    simulator.behave();
    lake.call(&weeks).ok();
    let before = lake.tree();
    simulator.answer_instead(|_| Some(Instead::refusal(404)));
    let called = lake.call(&weeks);
    assert_eq!(called.status, 1, "{called:?}");
    assert!(called.stderr.contains("404 for every learner"), "{}", called.stderr);
    assert_eq!(lake.tree().written_since(&before), Vec::<String>::new());
}

/// A lake with the learners of a simulator.
fn course(simulator: &Simulator) -> TestLake {
    let lake = TestLake::new(NOBODY).with("CODETRACK_URL", &simulator.codetrack_url());
    lake.write("config/datasets/codetrack/dataset.toml", "[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 3\n");
    lake.write("raw/codetrack/rosters/roster.json", simulator.roster_json());
    lake
}

/// What is known of the weeks up to the one of 9 November: how many have points, and commits, and their sums.
fn known_weeks(lake: &TestLake) -> Value {
    lake.call(&["clean", "--dataset", "codetrack"]).ok();
    lake.query(
        "SELECT count(points) AS points, count(commits) AS commits, sum(points) AS all_points, sum(commits) AS all_commits \
         FROM codetrack.weekly_score WHERE date <= DATE '2026-11-09'",
    )[0]
    .clone()
}

/// Weeks in which the count is null, or not there.
fn without_counts(mut body: Value, is_null: bool) -> Value {
    for week in body.as_array_mut().into_iter().flatten() {
        match week.as_object_mut() {
            Some(week) if is_null => drop(week.insert("points".to_owned(), Value::Null)),
            Some(week) => drop(week.shift_remove("points")),
            None => {}
        }
    }
    body
}

const FOUR_WEEKS: [&str; 6] = ["ingest", "codetrack", "--from", "2026-10-19", "--to", "2026-11-14"];
const A_WEEK_LATER: [&str; 6] = ["ingest", "codetrack", "--from", "2026-10-26", "--to", "2026-11-21"];

#[tokio::test(flavor = "multi_thread")]
async fn weeks_whose_points_come_back_null_are_kept_until_the_loss_is_accepted() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = course(&simulator);
    lake.call(&FOUR_WEEKS).ok();
    let whole = known_weeks(&lake);
    for (path, is_null) in [("/weeklyScores/", true), ("/weeklyScores/", false), ("/weeklyCommits/", true)] {
        simulator
            .alter_answers(move |asked, body| if asked.contains(path) { without_counts(body, is_null) } else { body });
        let called = lake.call(&FOUR_WEEKS);
        assert_eq!(called.status, 1, "{called:?}");
        assert!(called.stderr.contains("--accept-loss"), "{}", called.stderr);
        let named = missing(&called);
        assert!(named.len() == 1 && named[0].1.len() > 3, "{named:?}");
        assert_eq!(known_weeks(&lake), whole);
    }
    // The next week asks for three of them once more, in an object of its own.
    assert_eq!(lake.call(&A_WEEK_LATER).status, 1);
    assert_eq!(known_weeks(&lake), whole);
    let kept = lake.tree();
    assert_eq!(lake.call(&A_WEEK_LATER).status, 1);
    assert_eq!(lake.tree().below(&["raw"]).written_since(&kept), Vec::<String>::new());
    lake.call(&[&A_WEEK_LATER[..], &["--accept-loss"]].concat()).ok();
    let accepted = known_weeks(&lake);
    assert!(accepted["commits"].as_u64() < whole["commits"].as_u64(), "{accepted}");
    assert_eq!(accepted["all_points"], whole["all_points"]);
    // What was accepted is not asked back in the week after.
    lake.call(&["ingest", "codetrack", "--from", "2026-11-02", "--to", "2026-11-28"]).ok();
    simulator.behave();
    lake.call(&A_WEEK_LATER).ok();
    lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_answer_without_points_is_unknown_and_not_zero() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = course(&simulator);
    simulator
        .alter_answers(|asked, body| if asked.contains("/weeklyScores/") { without_counts(body, true) } else { body });
    lake.call(&FOUR_WEEKS).ok();
    let known = known_weeks(&lake);
    assert!(known["commits"].as_u64() > Some(0), "{known}");
    let zeros = "SELECT count(*) AS n FROM codetrack.weekly_score WHERE has_points OR points = 0 AND has_commits";
    assert_eq!(lake.query(zeros)[0]["n"], 0);
    lake.call(&["aggregate"]).ok();
    let shown = "SELECT count(*) AS n, count(status) AS status, sum(total_points) AS points, \
                 count(*) FILTER (WHERE NOT incomplete) AS complete FROM codetrack.learners";
    let shown = &lake.query(shown)[0];
    assert_eq!((&shown["status"], &shown["points"], &shown["complete"]), (&json!(0), &json!(0), &json!(0)), "{shown}");
    simulator.behave();
    lake.call(&FOUR_WEEKS).ok();
    assert!(known_weeks(&lake)["points"].as_u64() > Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_a_new_week_hides_nothing_that_an_earlier_week_knows() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = course(&simulator);
    lake.call(&FOUR_WEEKS).ok();
    let whole = known_weeks(&lake);
    simulator.answer_instead(|asked| asked.contains("/weeklyCommits/").then(|| Instead::refusal(500)));
    assert_eq!(lake.call(&A_WEEK_LATER).status, 1);
    assert_eq!(known_weeks(&lake), whole);
    let newest =
        "SELECT count(*) AS n, count(commits) AS commits FROM codetrack.weekly_score WHERE date = DATE '2026-11-16'";
    let newest = &lake.query(newest)[0];
    assert!(newest["n"].as_u64() > Some(0) && newest["commits"] == 0, "{newest}");
    let status = lake.call(&["status"]).ok().json();
    assert!(status.to_string().contains("the server answered 500") || status.to_string().contains("gap"), "{status}");
    let kept = lake.tree();
    assert_eq!(lake.call(&A_WEEK_LATER).status, 1);
    assert_eq!(lake.tree().below(&["raw"]).written_since(&kept), Vec::<String>::new());
    simulator.behave();
    lake.call(&A_WEEK_LATER).ok();
    let calm = course(&simulator);
    calm.call(&A_WEEK_LATER).ok();
    let text = |lake: &TestLake| {
        let tree = lake.tree();
        let text = tree.bytes("raw/codetrack/week=2026-11-16/weekly_commits.ndjson").unwrap().to_vec();
        let lines = String::from_utf8(text).unwrap();
        let body = |line: &str| serde_json::from_str::<Value>(line).unwrap()["body"].clone();
        lines.lines().map(body).collect::<Vec<_>>()
    };
    assert_eq!(text(&lake), text(&calm), "nothing of it is left once the answers are there");
    lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_come_back_without_values_are_kept_until_the_loss_is_accepted() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = school(&simulator);
    lake.call(&YEAR).ok();
    let known = |lake: &TestLake| {
        lake.call(&["clean", "--dataset", "illuminate"]).ok();
        let values = "SELECT count(*) AS n, count(points) AS points, count(percent_correct) AS percent, \
                      count(mastered) AS mastered, sum(points) AS sum FROM illuminate.result_standard";
        lake.query(values)[0].clone()
    };
    let (whole, before) = (known(&lake), lake.tree());
    let measures: [&[&str]; 2] = [&["points", "percent_correct", "mastered"], &["points"]];
    for measures in measures {
        simulator.alter_answers(move |asked, mut body| {
            for row in
                body["results"].as_array_mut().into_iter().flatten().filter(|_| asked.contains("ResponsesStandard/"))
            {
                measures.iter().for_each(|name| row[*name] = Value::Null);
            }
            body
        });
        let called = lake.call(&YEAR);
        assert_eq!(called.status, 1, "{called:?}");
        let named = missing(&called);
        assert!(named.len() == 1 && named[0].0.ends_with("responses_standard.ndjson"), "{named:?}");
        assert_eq!((known(&lake), lake.tree().below(&["raw"]).written_since(&before)), (whole.clone(), vec![]));
    }
    lake.call(&[&YEAR[..], &["--accept-loss"]].concat()).ok();
    let accepted = known(&lake);
    assert_eq!((&accepted["points"], &accepted["percent"]), (&json!(0), &whole["percent"]));
    // A single result may become null.
    simulator.behave();
    lake.call(&YEAR).ok();
    simulator.alter_answers(|asked, mut body| {
        if asked.contains("ResponsesStandard/")
            && let Some(row) = body["results"].as_array_mut().and_then(|rows| rows.first_mut())
        {
            row["points"] = Value::Null;
        }
        body
    });
    lake.call(&YEAR).ok();
    let corrected = known(&lake);
    assert!(corrected["points"].as_u64() < whole["points"].as_u64() && corrected["points"].as_u64() > Some(0));
}

/// The same in three sources: an answer with status 200 that is none is a gap, and costs no other answer its rows.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_used_costs_no_other_its_rows() {
    let simulator = Simulator::start(small()).await.unwrap();
    let count = |lake: &TestLake, table: &str| {
        lake.query(&format!("SELECT count(*) AS n FROM {table}"))[0]["n"].as_u64().unwrap()
    };
    let clean = |lake: &TestLake, dataset: &str| drop(lake.call(&["clean", "--dataset", dataset]).ok());
    let calm = course(&simulator);
    calm.call(&FOUR_WEEKS).ok();
    clean(&calm, "codetrack");
    let accounts = count(&calm, "codetrack.account");
    let learner = simulator.learners().into_iter().find(|one| simulator.weekly_scores(one.id).len() > 4).unwrap().id;
    for body in [json!(null), json!({}), json!({"error": "not found"}), json!({"id": 999_999, "honor": 1})] {
        let lake = course(&simulator);
        simulator.alter_answers(move |asked, sound| {
            let is_theirs =
                asked.contains("/users/") && asked.split(['/', '?']).any(|part| part == learner.to_string());
            if is_theirs { body.clone() } else { sound }
        });
        // In a lake that has the account it stays.
        for (lake, wanted) in [(&lake, accounts - 1), (&calm, accounts)] {
            let called = lake.call(&FOUR_WEEKS);
            assert_eq!((called.status, missing(&called)), (1, vec![]), "{called:?}");
            clean(lake, "codetrack");
            assert_eq!(count(lake, "codetrack.account"), wanted);
        }
        simulator.behave();
        lake.call(&FOUR_WEEKS).ok();
        clean(&lake, "codetrack");
        assert_eq!(count(&lake, "codetrack.account"), accounts);
    }

    let victim = live(&simulator);
    let lake = air(&simulator);
    let id = victim.clone();
    simulator.alter_answers(move |asked, mut body| {
        if let Some(series) = body.get_mut(&id).filter(|_| is_values(asked)) {
            *series = Value::Null;
        }
        body
    });
    assert_eq!(run(&lake, &[]).status, 1);
    clean(&lake, "irceline");
    assert!(rows(&lake) > 0, "the other series have their values");
    simulator.behave();
    run(&lake, &[]).ok();

    let lake = school(&simulator);
    lake.call(&YEAR).ok();
    let id = assessments(&lake, "responses_group").into_iter().next().unwrap();
    let lake = school(&simulator);
    simulator.alter_answers(move |asked, body| {
        let is_theirs = asked.contains("ResponsesGroup/") && asked.contains(&format!("assessment_id={id}&"));
        if is_theirs { json!([]) } else { body }
    });
    assert_eq!(lake.call(&YEAR).status, 1);
    clean(&lake, "illuminate");
    assert!(count(&lake, "illuminate.result_group") > 0, "the other assessments have their results");
}
