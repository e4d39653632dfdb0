//! School years from the simulated assessment API into the raw zone: tokens, pages, failures, progress.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;

use integration::emulator::Emulator;
use integration::fault::Seed;
use integration::{Called, TestLake, Tree};
use serde_json::{Value, json};
use simulator::{AuthFailure, CLIENT_ID, CLIENT_SECRET, Endpoint, Options, Simulator};

const NOBODY: &str = "http://127.0.0.1:1/";
const YEAR: [&str; 6] = ["ingest", "illuminate", "--from", "2025-02-03", "--to", "2025-02-04"];
const FOLDER: &str = "raw/illuminate/year=24-25";
const KINDS: [(&str, Endpoint); 3] = [
    ("responses_group", Endpoint::Group),
    ("responses_standard", Endpoint::Standard),
    ("responses_overall", Endpoint::NoStandard),
];
/// Failing requests are tried again without much waiting, and progress is kept often.
const IMPATIENT: &str = "[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 14\ncheckpoint_assessments = 4\n";

fn small() -> Options {
    Options { assessments: 18, students: 60, ..Options::default() }
}

fn lake(simulator: &Simulator, settings: &str) -> TestLake {
    let lake = TestLake::new(NOBODY)
        .with("ILLUMINATE_URL", &simulator.illuminate_url())
        .with("ILLUMINATE_CLIENT_ID", CLIENT_ID)
        .with("ILLUMINATE_CLIENT_SECRET", CLIENT_SECRET);
    lake.write("config/datasets/illuminate/dataset.toml", settings);
    lake
}

/// The lines of a raw object.
fn lines(lake: &TestLake, file: &str) -> Vec<Value> {
    let tree = lake.tree();
    let text = tree.bytes(&format!("{FOLDER}/{file}.ndjson")).unwrap_or_else(|| panic!("{file} is not there"));
    String::from_utf8_lossy(text).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A scalar as text, whatever form the answer gives it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text == "t" => "true".to_owned(),
        Value::String(text) if text == "f" => "false".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().unwrap().to_string(),
        other => other.to_string(),
    }
}

/// A row without what differs between answers.
fn row(value: &Value) -> BTreeMap<String, String> {
    let fields = value.as_object().unwrap().iter().filter(|(name, _)| *name != "__count");
    fields.map(|(name, value)| (name.clone(), plain(value))).collect()
}

/// The rows of each assessment as a raw object has them.
fn rows(lake: &TestLake, file: &str) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for line in lines(lake, file) {
        let id = line["request"]["assessment_id"].as_str().unwrap().to_owned();
        let results = line["body"]["results"].as_array().cloned().unwrap_or_default();
        found.entry(id).or_default().extend(results.iter().map(row));
    }
    found
}

/// What the API has of an assessment in the school year 24-25.
fn expected(simulator: &Simulator, id: &str, endpoint: Endpoint) -> Vec<BTreeMap<String, String>> {
    let (first, last) = ("2024-07-01".parse().ok(), "2025-06-30".parse().ok());
    simulator.assessment_rows(id, endpoint, first, last).iter().map(row).collect()
}

fn check_complete(simulator: &Simulator, lake: &TestLake, ids: &[String]) {
    for (file, endpoint) in KINDS {
        let mut found = rows(lake, file);
        assert_eq!(found.keys().collect::<BTreeSet<_>>(), ids.iter().collect::<BTreeSet<_>>(), "{file}");
        for id in ids {
            assert_eq!(found.remove(id).unwrap(), expected(simulator, id, endpoint), "{file} of {id}");
        }
    }
    assert!(!lake.tree().names().iter().any(|name| name.contains("_progress")), "{:?}", lake.tree().names());
}

fn listed(simulator: &Simulator) -> Vec<String> {
    simulator.assessments().into_iter().filter(|one| one.listed).map(|one| one.id).collect()
}

/// Requests for results so far.
fn asked(simulator: &Simulator) -> u64 {
    simulator.illuminate_requests().iter().filter(|(name, _)| name.starts_with("AssessmentAgg")).map(|(_, n)| n).sum()
}

fn error(called: &Called, status: i32, parts: &[&str]) {
    assert_eq!(called.status, status, "{called:?}");
    for part in parts {
        assert!(called.stderr.contains(part), "\"{part}\" is not in: {}", called.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_year_is_fetched_whole_and_a_second_run_writes_nothing() {
    let simulator = Simulator::start(Options { assessments: 40, ..Options::default() }).await.unwrap();
    let lake = lake(&simulator, "");
    let summary = lake.call(&YEAR).ok().json();
    let year = &summary["ingested"][0];
    assert_eq!((&year["day"], &year["objects"], &year["failed"]), (&json!("24-25"), &json!(4), &json!(0)));
    check_complete(&simulator, &lake, &listed(&simulator));

    // In the order of the list, page by page, each page a line; the first assessment has several.
    let ids: Vec<String> = listed(&simulator);
    let standards = lines(&lake, "responses_standard");
    let asked: Vec<(usize, u64)> = standards
        .iter()
        .map(|line| {
            let id = line["request"]["assessment_id"].as_str().unwrap();
            (ids.iter().position(|known| known == id).unwrap(), line["request"]["page"].as_u64().unwrap())
        })
        .collect();
    assert!(asked.is_sorted() && asked.contains(&(0, 2)), "{asked:?}");
    let request = &standards[0]["request"];
    assert_eq!(request["date_taken_start"], "2024-07-01");
    assert_eq!(request["date_taken_end"], "2025-06-30");
    assert_eq!(lines(&lake, "assessments")[0]["request"], json!({"page": 1, "limit": 1000}));

    let first = lake.tree();
    let second = lake.call(&YEAR).ok().json();
    assert_eq!(lake.tree().written_since(&first), Vec::<String>::new());
    assert_eq!((&second["up_to_date"], &second["ingested"][0]["objects"]), (&json!(4), &json!(0)));
    // The progress that a run keeps is nothing to be cleaned, and said to be ignored.
    lake.write("raw/illuminate/year=24-25/_progress/x/0000.responses_group.ndjson", "{}");
    let progress = json!({"count": 1, "keys": ["illuminate/year=24-25/_progress/x/0000.responses_group.ndjson"]});
    assert_eq!(lake.call(&["status"]).ok().json()["ignored"], progress);
    let verified = lake.call(&["verify"]).ok().json();
    assert_eq!(verified["report"]["ignored"], progress);
    let waiting = verified["report"]["waiting"].as_array().unwrap();
    assert!(!waiting.iter().any(|key| key.as_str().unwrap().contains("_progress")), "{waiting:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn extra_ids_are_asked_for_after_the_listed_ones_and_excluded_ones_never() {
    let simulator = Simulator::start(small()).await.unwrap();
    let (extra, excluded) = (simulator.extra_assessments(), listed(&simulator)[1].clone());
    let settings = format!(
        "[source]\nextra_assessment_ids = {}\nexcluded_assessment_ids = [{excluded:?}]\n",
        json!([extra[0], extra[1], listed(&simulator)[0], "77"])
    );
    let lake = lake(&simulator, &settings);
    lake.call(&YEAR).ok();
    let mut ids: Vec<String> = listed(&simulator).into_iter().filter(|id| *id != excluded).collect();
    ids.extend(extra);
    // An id that nobody knows is answered with nothing.
    ids.push("77".to_owned());
    check_complete(&simulator, &lake, &ids);
    let overall = lines(&lake, "responses_overall");
    assert_eq!(overall.last().unwrap()["request"]["assessment_id"], "77");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_year_without_results_is_written_and_no_error() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = lake(&simulator, "");
    // The school year of the simulator's today, which nobody has taken an assessment in.
    lake.call(&["ingest", "illuminate", "--from", "2026-11-19", "--to", "2026-11-20"]).ok();
    let tree = lake.tree();
    for (file, _) in KINDS {
        let text = tree.bytes(&format!("raw/illuminate/year=26-27/{file}.ndjson")).unwrap();
        let text = String::from_utf8_lossy(text);
        assert!(text.lines().count() == 18 && text.contains("\"num_pages\":0"), "{file}: {text}");
    }
    // Two school years in one window.
    let summary = lake.call(&["ingest", "illuminate", "--from", "2024-06-30", "--to", "2024-07-02"]).ok().json();
    let years: Vec<&Value> = summary["ingested"].as_array().unwrap().iter().map(|year| &year["day"]).collect();
    assert_eq!(years, ["23-24", "24-25"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_renewed_before_they_expire_and_when_they_are_refused() {
    // One whose end is told is not shown once that is over; of the other one is told by being refused.
    let told = Options { token_told_seconds: Some(1), ..small() };
    let untold = Options { token_seconds: 1, token_expires_in: false, ..small() };
    for (options, is_refused) in [(told, false), (untold, true)] {
        // Two at once, each after 60 ms at least: that takes longer than a second.
        let simulator = Simulator::start(Options { latency_ms: 60..=80, ..options }).await.unwrap();
        let lake = lake(&simulator, "[source]\nconcurrent_requests = 2\n");
        lake.call(&YEAR).ok();
        check_complete(&simulator, &lake, &listed(&simulator));
        let requests = simulator.illuminate_requests();
        assert!(requests["token"] >= 2, "{requests:?}");
        assert_eq!(requests.get("refused").is_some_and(|refused| *refused > 0), is_refused, "{requests:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_all_become_useless_in_the_middle_are_replaced() {
    for auth_failure in [AuthFailure::Unauthorized, AuthFailure::Html] {
        let simulator = Simulator::start(Options { auth_failure, ..small() }).await.unwrap();
        simulator.expire_tokens_at(&[5, 25]);
        let lake = lake(&simulator, "[source]\nconcurrent_requests = 4\n");
        lake.call(&YEAR).ok();
        check_complete(&simulator, &lake, &listed(&simulator));
        let requests = simulator.illuminate_requests();
        assert!(requests["refused"] >= 2 && (3..=6).contains(&requests["token"]), "{requests:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_fails_is_told_without_the_secret() {
    let simulator = Simulator::start(small()).await.unwrap();
    let wrong = lake(&simulator, "").with("ILLUMINATE_CLIENT_SECRET", "not-the-secret");
    let called = wrong.call(&YEAR);
    error(
        &called,
        1,
        &["24-25", "does not accept the client (401)", "ILLUMINATE_CLIENT_ID and ILLUMINATE_CLIENT_SECRET"],
    );
    assert!(!called.stderr.contains("not-the-secret") && !called.stderr.contains(CLIENT_ID), "{called:?}");
    assert!(!wrong.tree().names().iter().any(|name| name.starts_with("raw")), "{:?}", wrong.tree().names());

    for (auth_failure, part) in
        [(AuthFailure::Unauthorized, "does not accept the token"), (AuthFailure::Html, "HTML page")]
    {
        // Tokens that are never any good.
        let simulator = Simulator::start(Options { token_seconds: 0, auth_failure, ..small() }).await.unwrap();
        let lake = lake(&simulator, "[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 4\n");
        error(&lake.call(&YEAR), 1, &[part, "a new one did not help"]);
        assert!(simulator.illuminate_requests()["token"] <= 4, "{:?}", simulator.illuminate_requests());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_a_third_of_all_requests_still_gives_a_complete_year() {
    let simulator = Simulator::start(Options { fail_rate: 0.3, ..small() }).await.unwrap();
    let lake = lake(&simulator, IMPATIENT);
    let summary = lake.call(&YEAR).ok().json();
    assert!(summary["ingested"][0]["retries"].as_u64().unwrap() > 10, "{summary}");
    check_complete(&simulator, &lake, &listed(&simulator));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assessment_that_fails_is_named_and_had_later_without_asking_for_the_others() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = lake(&simulator, "[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 3\ncheckpoint_assessments = 5\n");
    let ids = listed(&simulator);
    let failing = ids[3].clone();
    simulator.fail_assessments(vec![failing.clone()]);
    let called = lake.call(&YEAR);
    error(&called, 1, &[&failing, "(group, overall, standard)", "500", "can help"]);
    let summary = called.json();
    assert_eq!((&summary["ingested"][0]["failed"], &summary["ingested"][0]["objects"]), (&json!(3), &json!(4)));
    for (file, endpoint) in KINDS {
        let gaps: Vec<Value> = lines(&lake, file).into_iter().filter(|line| !line["gap"].is_null()).collect();
        assert_eq!((gaps.len(), &gaps[0]["gap"]["what"]), (1, &json!([failing])), "{file}");
        let found = rows(&lake, file);
        for id in ids.iter().filter(|id| **id != failing) {
            assert_eq!(found[id], expected(&simulator, id, endpoint), "{file} of {id}");
        }
    }

    // Healed, it is all that is asked for.
    simulator.fail_assessments(Vec::new());
    let (before, listings) = (asked(&simulator), simulator.illuminate_requests()["Assessments"]);
    lake.call(&YEAR).ok();
    assert_eq!(asked(&simulator) - before, 3);
    assert_eq!(simulator.illuminate_requests()["Assessments"], listings);
    check_complete(&simulator, &lake, &ids);

    // What was had once is not lost when it cannot be had again.
    let whole = lake.tree();
    simulator.fail_assessments(vec![failing.clone()]);
    error(&lake.call(&YEAR), 1, &[&failing]);
    let written: Vec<String> =
        lake.tree().written_since(&whole).into_iter().filter(|name| !name.contains("_progress")).collect();
    assert_eq!(written, Vec::<String>::new());
    // Other settings: the progress is of no use. What the raw zone has of an assessment that is not asked for stays.
    let before = asked(&simulator);
    lake.write(
        "config/datasets/illuminate/dataset.toml",
        format!("[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 3\nexcluded_assessment_ids = [{failing:?}]\n"),
    );
    lake.call(&YEAR).ok();
    assert!(asked(&simulator) - before >= 3 * 17);
    check_complete(&simulator, &lake, &ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_had_whole_writes_nothing() {
    let simulator = Simulator::start(small()).await.unwrap();
    simulator.set_down(true);
    let lake = lake(&simulator, "[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 3\n");
    error(&lake.call(&YEAR), 1, &["24-25", "503"]);
    assert_eq!(lake.tree().below(&["raw"]).names(), Vec::<&str>::new());
}

/// A tree whose bytes do not depend on when, and in which of several calls, responses came.
fn timeless(tree: &Tree) -> Tree {
    tree.below(&["raw"]).map_bytes(|_, bytes| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let lines = text.lines().map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            line["received_at"] = Value::Null;
            for row in line["body"]["results"].as_array_mut().into_iter().flatten() {
                row["__count"] = Value::Null;
            }
            format!("{line}\n")
        });
        lines.collect::<String>().into_bytes()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_goes_on_where_it_was() {
    let simulator = Simulator::start(small()).await.unwrap();
    let settings = "[source]\ncheckpoint_assessments = 3\nconcurrent_requests = 3\n";
    let whole = lake(&simulator, settings);
    let steps = whole.call_counted(&YEAR);
    let needed = asked(&simulator);
    for step in steps.some_of_each(6, &mut Seed::of("a killed year")) {
        let lake = lake(&simulator, settings);
        let begun = asked(&simulator);
        lake.call_until(&YEAR, &step);
        lake.call(&YEAR).ok();
        let twice = asked(&simulator) - begun - needed;
        // Progress is deleted when the year is complete, and then all of it may be asked for again.
        let is_complete = step.starts_with("Doomed") || step.starts_with("Deleted");
        assert!(is_complete || twice <= 3 * 3 + 3, "{twice} answers were asked for twice, killed after {step}");
        assert_eq!(timeless(&whole.tree()).differences(&timeless(&lake.tree())), Vec::<String>::new(), "{step}");
        assert_eq!(whole.tree().below(&["raw"]).names(), lake.tree().below(&["raw"]).names(), "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_out_of_time_ends_by_itself_and_the_next_one_goes_on() {
    let simulator = Simulator::start(small()).await.unwrap();
    // Long enough for a few requests on a busy machine; what is asked for after them is never answered.
    let settings = "[source]\ncheckpoint_assessments = 2\nconcurrent_requests = 2\nhttp.deadline_seconds = 10\n";
    let lake = lake(&simulator, settings);
    simulator.hold_after(20);
    let called = lake.call(&YEAR);
    error(&called, 1, &["not finished", "deadline", "of 18 assessments are kept", "can help"]);
    assert!(!called.stderr.contains(" 0 of 18"), "{}", called.stderr);
    assert!(lake.tree().names().iter().any(|name| name.contains("_progress")));
    simulator.hold_after(u64::MAX);
    lake.write("config/datasets/illuminate/dataset.toml", "[source]\nconcurrent_requests = 2\n");
    lake.call(&YEAR).ok();
    check_complete(&simulator, &lake, &listed(&simulator));
    assert!(asked(&simulator) < 18 * 3 * 2, "{}", asked(&simulator));
}

/// The first token that a simulator with these options gives.
fn first_token(simulator: &Simulator) -> String {
    let form = format!("grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}");
    let mut stream = TcpStream::connect(simulator.address()).unwrap();
    write!(
        stream,
        "POST /live/?OAuth2_AccessToken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_or_personal_is_said_even_with_all_details() {
    let options = Options { fail_rate: 0.2, failing_assessments: vec!["900004".to_owned()], ..small() };
    // A twin that is not out of order gives the same tokens.
    let twin = Simulator::start(Options { fail_rate: 0.0, ..options.clone() }).await.unwrap();
    let tokens: Vec<String> = (0..4).map(|_| first_token(&twin)).collect();
    let simulator = Simulator::start(options).await.unwrap();
    let lake = lake(&simulator, "[source]\nhttp.first_backoff_ms = 1\nhttp.tries = 6\n");
    let mut command = lake.command(&["-vv", "--output", "json"]);
    let called: Called = command.args(YEAR).output().unwrap().into();
    assert!(called.status == 1 && called.stderr.contains("trying again"), "{called:?}");
    let said = called.stderr;
    let students = rows(&lake, "responses_overall").into_values().flatten();
    let personal: BTreeSet<String> =
        students.flat_map(|row| [row["local_student_id"].clone(), row["first_name"].clone()]).collect();
    assert!(personal.len() > 50);
    let secrets = [CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned(), "Bearer".to_owned()];
    for text in secrets.iter().chain(&tokens).chain(&personal) {
        assert!(!said.contains(text.as_str()), "\"{text}\" is said: {said}");
    }
}

#[test]
fn settings_that_are_missing_are_named() {
    let lake = TestLake::new(NOBODY);
    for (with, part) in [
        (vec![], "ILLUMINATE_URL"),
        (vec![("ILLUMINATE_URL", NOBODY)], "ILLUMINATE_SECRET"),
        (vec![("ILLUMINATE_URL", NOBODY), ("ILLUMINATE_CLIENT_ID", "x")], "ILLUMINATE_CLIENT_SECRET"),
    ] {
        let called: Called = lake.command(&["run", "illuminate"]).envs(with).output().unwrap().into();
        error(&called, 2, &[part, "is not set"]);
    }
    assert_eq!(lake.tree().names(), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_may_be_a_secret_of_secrets_manager() {
    let Some(emulator) = Emulator::start() else { return };
    let simulator = Simulator::start(small()).await.unwrap();
    let name = format!("school/illuminate-{}", std::process::id());
    let client = json!({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}).to_string();
    let arn = emulator.create_secret(&name, &client);
    let broken = format!("{name}-broken");
    emulator.create_secret(&broken, "client_id=the-broken-secret");
    let with = |secret: &str| {
        let mut lake =
            TestLake::new(NOBODY).with("ILLUMINATE_URL", &simulator.illuminate_url()).with("ILLUMINATE_SECRET", secret);
        for (name, value) in emulator.environment() {
            lake = lake.with(name, &value);
        }
        lake
    };
    for secret in [&name, &arn] {
        let lake = with(secret);
        lake.call(&YEAR).ok();
        check_complete(&simulator, &lake, &listed(&simulator));
    }
    let absent = format!("{name}-absent");
    for (secret, part) in [(&absent, "there is no secret"), (&broken, "client_secret")] {
        let called = with(secret).call(&YEAR);
        error(&called, 2, &["ILLUMINATE_SECRET", part, secret]);
        assert!(!called.stderr.contains("the-broken-secret"), "{called:?}");
    }
}
