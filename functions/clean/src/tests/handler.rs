//! The function: what it sweeps, what it leaves alone, and what it logs.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lake::Stores;
use lake::function::Deadline;
use serde_json::{Value, json};
use tracing::subscriber::DefaultGuard;

use super::*;
use crate::handler::{Answer, handle};

const TRAM: &str = "tram,day\n1,2026-01-05\n";

async fn call(lake: &Lake, event: &Value) -> Result<Answer, String> {
    handle(lake, event, Deadline::after(Duration::from_secs(600))).await
}

/// The lake, as if its zones were in the bucket `b`.
fn in_bucket(lake: &Lake) -> Lake {
    let stores = Stores {
        raw: lake.raw.clone(),
        standard: lake.standard.clone(),
        rejection: lake.rejection.clone(),
        consumption: lake.consumption.clone(),
        ledger: lake.store(lake::settings::Zone::Ledger).clone(),
        manifests: lake.manifests.clone(),
    };
    Lake::over(stores, lake.catalog.clone(), "s3://b".parse().unwrap())
}

/// An event of S3 about an object, with the key as it stands in the event.
fn s3(bucket: &str, key: &str) -> Value {
    json!({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]})
}

fn queued(bodies: &[String]) -> Value {
    let record = |(number, body): (usize, &String)| json!({"eventSource": "aws:sqs", "messageId": format!("message-{number}"), "body": body});
    json!({"Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>()})
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// What this thread logs until the guard is dropped.
    fn begin() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone());
        (log, tracing::subscriber::set_default(subscriber.finish()))
    }

    fn errors(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["level"] == "ERROR").collect()
    }
}

#[tokio::test]
async fn a_sweep_cleans_what_no_event_came_for_and_removes_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    for event in [json!({"stale": true}), json!({"stale": true, "dataset": "trams"})] {
        upload(&lake, "trams/lost.csv", TRAM).await;
        upload(&lake, "trams/stays.csv", TRAM).await;
        call(&lake, &event).await.unwrap();
        assert_whole(&lake).await;
        assert_eq!(standard(&lake).await.len(), 2);
        lake.raw.delete("trams/lost.csv", Condition::Always).await.unwrap();
        let answer = call(&lake, &event).await.unwrap();
        assert_eq!((answer.cleaned.len(), answer.up_to_date), (0, 1), "{answer:?}");
        assert_eq!(standard(&lake).await.len(), 1);
        lake.raw.delete("trams/stays.csv", Condition::Always).await.unwrap();
        let refused = call(&lake, &event).await.unwrap_err();
        assert!(refused.contains("1 of 1") && refused.contains("prune"), "{refused}");
        let mut meant = event.clone();
        meant["prune"] = json!(true);
        call(&lake, &meant).await.unwrap();
        assert_eq!(standard(&lake).await.len(), 0);
    }
}

#[tokio::test]
async fn a_sweep_of_one_dataset_leaves_the_others_and_one_of_an_unknown_one_fails() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, "trams/a.csv", TRAM).await;
    let answer = call(&lake, &json!({"stale": true, "dataset": "energy_usage"})).await.unwrap();
    assert!(answer.cleaned.is_empty(), "{answer:?}");
    let error = call(&lake, &json!({"stale": true, "dataset": "buses"})).await.unwrap_err();
    assert!(error.contains("buses"), "{error}");
}

#[tokio::test]
async fn a_broken_declaration_fails_only_the_sweep_that_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("config/datasets/buses");
    std::fs::create_dir_all(&broken).unwrap();
    std::fs::write(broken.join("dataset.toml"), "title = ").unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, "trams/a.csv", TRAM).await;
    let (log, guard) = Log::begin();
    let answer = call(&lake, &json!({"stale": true})).await.unwrap();
    assert_eq!(answer.cleaned.len(), 1, "{answer:?}");
    let errors = log.errors();
    assert!(errors.len() == 1 && errors[0]["error"].as_str().unwrap().contains("buses/dataset.toml"), "{errors:?}");
    drop(guard);
    assert!(call(&lake, &json!({"stale": true, "dataset": "buses"})).await.unwrap_err().contains("dataset.toml"));
}

#[tokio::test]
async fn a_sweep_without_time_says_how_much_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, "trams/a.csv", TRAM).await;
    upload(&lake, "trams/b.csv", TRAM).await;
    let error = handle(&lake, &json!({"stale": true}), Deadline::after(Duration::ZERO)).await.unwrap_err();
    assert!(error.contains("2 objects of dataset trams"), "{error}");
}

#[tokio::test]
async fn the_age_of_the_newest_data_is_by_table_whether_there_is_news_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, "trams/a.csv", "tram,day\n1,2026-01-05\n2,2026-01-07\n").await;
    let dataset = lake.catalog.dataset("trams").unwrap();
    let now = "2026-01-10T07:00:00Z".parse().unwrap();
    let ages = async |cleaned: &[crate::Cleaned]| {
        let lines = crate::sweep::find(&lake, dataset, false).await.unwrap().ages(dataset, cleaned, now);
        let line = |line: &String| serde_json::from_str::<Value>(line).unwrap();
        lines.iter().map(line).map(|line| (line["Table"].clone(), line["NewestDataAge"].clone())).collect::<Vec<_>>()
    };
    // What this sweep cleans is the first of its table: the days of its rows count, not that it arrived just now.
    let found = crate::sweep::find(&lake, dataset, false).await.unwrap();
    let cleaned = call(&lake, &json!({"stale": true})).await.unwrap().cleaned;
    let first = found.ages(dataset, &cleaned, now).concat();
    assert_eq!(serde_json::from_str::<Value>(&first).unwrap()["NewestDataAge"], json!(3.0), "{first}");
    assert_eq!(ages(&[]).await, [(json!("position"), json!(3.0))]);
    let mut newer = cleaned[0].clone();
    newer.newest_day = "2026-01-09".parse().ok();
    assert_eq!(ages(&[newer]).await, [(json!("position"), json!(1.0))]);
}

/// On AWS a blank of a key is a plus in the event, and a plus is `%2B`. Emulators leave both as they are.
#[tokio::test]
async fn a_deletion_is_followed_in_either_reading_of_its_key() {
    for (gone, stays, event) in [
        ("trams/a b.csv", "trams/a+b.csv", "trams/a+b.csv"),
        ("trams/a+b.csv", "trams/a b.csv", "trams/a%2Bb.csv"),
        ("trams/a+b.csv", "trams/a b.csv", "trams/a+b.csv"),
        ("trams/a b.csv", "trams/a+b.csv", "trams/a b.csv"),
        ("trams/a%20b.csv", "trams/a b.csv", "trams/a%20b.csv"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake_at(folder.path()).await;
        upload(&lake, gone, TRAM).await;
        upload(&lake, stays, TRAM).await;
        clean(&lake).await;
        lake.raw.delete(gone, Condition::Always).await.unwrap();
        call(&in_bucket(&lake), &s3("b", &format!("raw/{event}"))).await.unwrap();
        assert_whole(&lake).await;
        assert!(lake.ledger.raw_entry(stays).await.unwrap().is_some(), "{gone} as {event}");
    }
}

#[tokio::test]
async fn the_marker_of_a_folder_is_neither_data_nor_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let lake = in_bucket(&lake_at(folder.path()).await);
    for key in ["", "trams/", "trams/2026/", "new+folder/", "uploads/"] {
        let bodies = [s3("b", &format!("raw/{key}")).to_string()];
        let answer = call(&lake, &queued(&bodies)).await.unwrap();
        assert!(answer.ok && answer.cleaned.is_empty(), "{key}: {answer:?}");
    }
    let answer = call(&lake, &json!({"keys": ["trams/2026/", "uploads/"]})).await.unwrap();
    assert!(answer.ok && answer.cleaned.is_empty(), "{answer:?}");
}

#[tokio::test]
async fn each_item_that_fails_is_logged_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let lake = in_bucket(&lake_at(folder.path()).await);
    upload(&lake, "trams/good.csv", TRAM).await;
    let bodies = [
        "no JSON".to_owned(),
        s3("elsewhere", "raw/trams/a.csv").to_string(),
        s3("b", "raw/buses/a.csv").to_string(),
        json!({"Type": "SubscriptionConfirmation", "TopicArn": "arn", "Message": "x"}).to_string(),
        s3("b", "raw/trams/good.csv").to_string(),
    ];
    let (log, _guard) = Log::begin();
    let answer = call(&lake, &queued(&bodies)).await.unwrap();
    let failed: Vec<&str> = answer.batch_item_failures.iter().map(|failed| failed.item_identifier.as_str()).collect();
    assert_eq!(failed, ["message-0", "message-1", "message-2", "message-3"]);
    assert_eq!(answer.cleaned.len(), 1);
    let errors = log.errors();
    let reasons = ["not JSON", "bucket elsewhere", "buses", "confirm the subscription"];
    assert_eq!(errors.len(), reasons.len(), "{errors:?}");
    for ((line, message), reason) in errors.iter().zip(failed).zip(reasons) {
        assert_eq!(line["message_id"], message, "{line}");
        assert!(line["error"].as_str().unwrap().contains(reason), "{line}");
    }
}

#[tokio::test]
async fn a_call_that_fails_as_a_whole_quotes_the_first_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    let keys: Vec<String> = (0..30).map(|number| format!("buses/{number}.csv")).collect();
    let (log, _guard) = Log::begin();
    let error = call(&lake, &json!({"keys": keys})).await.unwrap_err();
    assert!(error.contains("and 20 more"), "{error}");
    assert_eq!(log.errors().len(), 30);
}
