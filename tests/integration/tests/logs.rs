//! What functions print, and jobs of AWS Batch like them, so that the same alarms and the same dashboard see both.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail as tests do"
)]

use std::process::Command;
use std::time::Duration;

use integration::batch::OF_BATCH;
use integration::function::Function;
use integration::{Called, TestLake, tributary};
use serde_json::{Value, json};

/// Seven rows, three of them bad.
const SAMPLE: &str = "customer_id,usage_kwh,start_time
123,2.5,2023-05-12T01:00:00-07:00
123,,2023-05-12T02:00:00-07:00
123,4.8,2023-05-12T03:00:00-07:00
abc,1.0,2023-05-12T01:00:00-07:00
456,6.6,2023-05-12T01:00:00-07:00
456,NaN,2023-05-12T02:00:00-07:00
456,6.6,2023-05-12T03:00:00-07:00
";
/// A column is missing: all of it is rejected.
const BROKEN: &str = "customer_id,start_time\n123,2023-05-12T01:00:00-07:00\n";
const KEYS: [&str; 2] = ["energy_usage/a.csv", "energy_usage/b.csv"];
const LIMIT: Duration = Duration::from_secs(300);

fn lake() -> TestLake {
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write("raw/energy_usage/a.csv", SAMPLE);
    lake.write("raw/energy_usage/b.csv", BROKEN);
    lake
}

/// Calls the function on a lake of the same files; returns what it printed.
fn function(name: &str, lake: &TestLake, event: Value) -> String {
    let url = format!("file:{}", lake.path().display());
    let mut function = Function::start(name, &[("LAKE_URL".to_owned(), url)]);
    let answer = function.call(event, LIMIT);
    let said = function.said();
    assert!(answer.is_ok(), "{answer:?}\n{said}");
    said
}

/// Runs the command of a job as AWS Batch would.
fn on_batch(lake: &TestLake, arguments: &[&str]) -> Called {
    Called::from(lake.command(arguments).envs(OF_BATCH).output().unwrap())
}

/// Runs a job of one share.
fn job(lake: &TestLake, share: &Value) -> Called {
    lake.write("batch/0f.json", json!({"title": "a test", "shares": [share]}).to_string());
    on_batch(lake, &["job", "0f"])
}

/// Every line that is printed is one JSON object.
fn lines(printed: &str) -> Vec<Value> {
    printed.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// The metrics among printed lines, without their time.
fn metrics(printed: &str) -> Vec<Value> {
    let mut found: Vec<Value> = lines(printed).into_iter().filter(|line| line.get("_aws").is_some()).collect();
    for line in &mut found {
        assert!(line["_aws"].as_object_mut().unwrap().remove("Timestamp").unwrap().is_u64());
    }
    found.sort_by_key(ToString::to_string);
    found
}

/// What the dashboard's list of errors shows: `filter level = 'ERROR'`.
fn errors(printed: &str) -> Vec<Value> {
    lines(printed).into_iter().filter(|line| line["level"] == "ERROR").collect()
}

#[test]
fn a_job_counts_rows_and_rejects_as_the_function_does() {
    let (of_function, of_job) = (lake(), lake());
    let said = metrics(&function("clean", &of_function, json!({"keys": KEYS})));
    let called = job(&of_job, &json!({"do": "clean", "keys": KEYS}));
    assert_eq!(metrics(&called.stdout), said, "{called:?}");
    assert_eq!(said.len(), 1, "one dataset");
    let directive = &said[0]["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(
        (&directive["Namespace"], &directive["Dimensions"]),
        (&json!("Tributary"), &json!([["Function", "Dataset"]]))
    );
    assert_eq!((&said[0]["Function"], &said[0]["Dataset"]), (&json!("clean"), &json!("energy_usage")));
    assert_eq!((&said[0]["RowsRead"], &said[0]["RowsRejected"]), (&json!(8.0), &json!(4.0)), "{said:?}");

    // Rejects are counted, and no failure: there is nothing that another try could mend.
    assert_eq!((called.status, called.stderr.as_str()), (0, ""), "{called:?}");
    assert_eq!(called.json()["cleaned"].as_array().unwrap().len(), 2, "the last line is the summary");
    assert_eq!(errors(&called.stdout), Vec::<Value>::new());
}

#[test]
fn the_end_of_a_backfill_reports_the_age_of_the_newest_data_as_a_sweep_does() {
    let (of_function, of_job) = (lake(), lake());
    let event = json!({"stale": true, "dataset": "energy_usage"});
    let said = metrics(&function("clean", &of_function, event.clone()));
    let called = job(&of_job, &json!({"do": "finish", "dataset": "energy_usage"})).ok();
    assert_eq!(metrics(&called.stdout), said, "{called:?}");
    let age = said.iter().find(|line| line["NewestDataAge"].is_number()).unwrap();
    assert_eq!(age["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["Dataset", "Table"]]));
    assert_eq!((&age["Dataset"], &age["Table"]), (&json!("energy_usage"), &json!("reading")));

    // Neither has anything to do now, and both still report the age. A few old objects say nothing of it.
    let said = metrics(&function("clean", &of_function, event));
    assert_eq!(said.as_slice(), std::slice::from_ref(age));
    let called = job(&of_job, &json!({"do": "finish", "dataset": "energy_usage"})).ok();
    assert_eq!(metrics(&called.stdout), said);
    let called = job(&of_job, &json!({"do": "clean", "keys": [KEYS[0]]})).ok();
    assert!(metrics(&called.stdout).iter().all(|line| line["NewestDataAge"].is_null()), "{called:?}");
}

#[test]
fn wrong_declarations_are_counted_as_by_the_functions() {
    let declare = |lake: &TestLake| lake.write("config/datasets/trams/dataset.toml", "[[table]]\nname = 1\n");
    for (name, command, event) in [("clean", "clean", json!({"stale": true})), ("aggregate", "aggregate", json!({}))] {
        let (of_function, of_job) = (lake(), lake());
        declare(&of_function);
        declare(&of_job);
        let broken = |printed: &str| {
            let all = metrics(printed).into_iter();
            all.filter(|line| line["BrokenDatasets"].is_number()).collect::<Vec<_>>()
        };
        let said = broken(&function(name, &of_function, event));
        assert_eq!(said.len(), 1, "{name}");
        let called = on_batch(&of_job, &[command]);
        assert_eq!(broken(&called.stdout), said, "{called:?}");
        assert!(errors(&called.stdout).iter().any(|line| line.to_string().contains("trams")), "{called:?}");
    }
}

#[test]
fn what_fails_in_a_job_is_an_error_in_its_log() {
    let lake = lake();
    let key = "trams/1.csv";
    lake.write("raw/trams/1.csv", "a\n1\n");
    lake.write("batch/0f.json", json!({"title": "a test", "shares": [{"do": "clean", "keys": [key]}]}).to_string());
    for (arguments, status, part) in [
        (vec!["job", "0f"], 2, "there is no dataset \"trams\""),
        (vec!["job", "1f"], 2, "there is no manifest"),
        (vec!["job", "0f", "--twice"], 2, "--twice"),
        (vec!["jib"], 2, "jib"),
        (vec!["--lake", "s3:/none", "status"], 2, "s3:/none"),
    ] {
        let called = on_batch(&lake, &arguments);
        assert_eq!((called.status, called.stderr.as_str()), (status, ""), "{arguments:?}: {called:?}");
        let errors = errors(&called.stdout);
        assert!(errors.iter().any(|line| line["error"].as_str().unwrap().contains(part)), "{arguments:?}: {called:?}");
    }
}

/// Queues and schedules look at no answer.
#[test]
fn what_a_call_fails_with_is_in_the_functions_log() {
    let lake = lake();
    let here = format!("file:{}", lake.path().display());
    for (name, url, event, part) in [
        ("ingest", here.as_str(), json!({"sauce": "irceline"}), "sauce"),
        ("ingest", &here, json!({"source": "trams"}), "trams"),
        ("aggregate", &here, json!({"datset": "irceline"}), "datset"),
        ("aggregate", &here, json!({"dataset": "trams"}), "trams"),
        ("clean", &here, json!({"stale": 1}), "\"stale\" must be true"),
        ("clean", "s3://bucket/lake", json!({"stale": true}), "bucket"),
    ] {
        let none = [("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("AWS_REGION", "eu-west-1"), ("AWS_MAX_ATTEMPTS", "1")];
        let secrets = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("LAKE_URL", url)];
        let environment = none.into_iter().chain(secrets).map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut function = Function::start(name, &environment.collect::<Vec<_>>());
        let error = function.call(event.clone(), LIMIT).unwrap_err();
        let said = function.said();
        let is_reason = |line: &Value| line["error"] == error["errorMessage"];
        assert!(errors(&said).iter().any(is_reason), "{name} {event}: {error}\n{said}");
        assert!(error["errorMessage"].as_str().unwrap().contains(part), "{error}");
    }
}

#[test]
fn a_function_that_cannot_start_says_so_in_its_log() {
    for name in ["ingest", "clean", "aggregate"] {
        let mut command = Command::new(tributary().with_file_name(name));
        let settings =
            [("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9"), ("AWS_LAMBDA_FUNCTION_NAME", name), ("LAKE_URL", "s4:no")];
        let called = Called::from(command.env_clear().envs(settings).output().unwrap());
        assert_eq!((called.status, called.stderr.as_str()), (2, ""), "{called:?}");
        assert!(errors(&called.stdout)[0]["error"].as_str().unwrap().contains("LAKE_URL"), "{called:?}");
    }
}

#[test]
fn anywhere_else_none_of_it_is_printed() {
    let lake = lake();
    let text = Called::from(lake.command(&["clean", "--max-rejected", "1"]).output().unwrap()).ok();
    let json = lake.call(&["clean", "--all", "--max-rejected", "1"]).ok();
    // AWS Batch gives a job an id, always.
    let no_id = Called::from(lake.command(&["aggregate"]).env("AWS_BATCH_JOB_ID", "").output().unwrap()).ok();
    for called in [&text, &json, &no_id] {
        let printed = format!("{}{}", called.stdout, called.stderr);
        assert!(!printed.contains("_aws") && !printed.contains("CloudWatchMetrics"), "{printed}");
    }
    assert!(text.stdout.contains("7 rows read") || text.stdout.contains("8 rows read"), "for people: {}", text.stdout);
    assert_eq!(json.stdout.lines().count(), 1, "one line of JSON: {}", json.stdout);
    let failed = Called::from(lake.command(&["job", "1f"]).output().unwrap());
    assert!(failed.stderr.starts_with("error: there is no manifest"), "{failed:?}");
}
