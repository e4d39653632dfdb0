//! Uploads become messages of a queue, and the function `clean` does what they ask for: against MiniStack, or against the
//! emulator that `TRIBUTARY_TEST_ENDPOINT` or `AWS_ENDPOINT_URL` names, such as a LocalStack.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use integration::TestLake;
use integration::emulator::Emulator;
use integration::function::Function;
use integration::queue::Queue;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(900);
/// Names that one or the other encodes, and how a URL has them.
const NAMES: [(&str, &str); 9] = [
    ("plain.json", "plain.json"),
    ("two words.json", "two%20words.json"),
    ("a+b.json", "a%2Bb.json"),
    ("100%.json", "100%25.json"),
    ("a%20b.json", "a%2520b.json"),
    ("\u{e9}t\u{e9}.json", "%C3%A9t%C3%A9.json"),
    ("x=1&y=2.json", "x%3D1%26y%3D2.json"),
    ("(1).json", "%281%29.json"),
    ("deep/er.json", "deep/er.json"),
];
const TRAMS: &str = r#"
title = "Trams"
time_zone = "Europe/Brussels"
[table.position]
from = "**/*.json"
format = "json"
key = ["tram"]
[table.position.column.tram]
type = "int64"
"#;

/// A bucket whose news go to a queue, and a function that takes them.
struct Bed {
    emulator: Emulator,
    bucket: String,
    lake: TestLake,
    function: Function,
}

impl Bed {
    /// With a bucket of this name's own.
    fn new(name: &str) -> Option<Self> {
        let emulator = Emulator::start()?;
        let bucket = format!("tributary-{name}-{}", std::process::id());
        emulator.create_bucket(&bucket);
        let url = format!("s3://{bucket}/lake");
        let lake = emulator
            .environment()
            .iter()
            .fold(TestLake::new("http://127.0.0.1:1/").at(&url), |lake, (name, value)| lake.with(name, value));
        let mut environment: Vec<(String, String)> =
            emulator.environment().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        environment.push(("LAKE_URL".to_owned(), url));
        let function = Function::start("clean", &environment);
        Some(Self { emulator, bucket, lake, function })
    }

    fn put(&self, path: &str, body: &[u8]) {
        let answer = self.emulator.call("s3", "PUT", &format!("/{}/lake/{path}", self.bucket), body);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }

    fn delete(&self, path: &str) {
        let answer = self.emulator.call("s3", "DELETE", &format!("/{}/lake/{path}", self.bucket), b"");
        assert_eq!(answer.status, 204, "{path}: {answer:?}");
    }

    /// Tells the function of an upload, as S3 does. What it did: objects cleaned, and objects that needed nothing.
    fn tell_of(&self, path: &str, etag: &str, sequencer: &str) -> (usize, u64) {
        let object = json!({"key": format!("lake/{path}"), "eTag": etag, "sequencer": sequencer});
        let event = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": self.bucket}, "object": object}}]});
        let answer = self.function.call(event, LIMIT).unwrap();
        assert_eq!((&answer["ok"], &answer["errors"]), (&json!(true), &json!([])), "{answer}");
        (answer["cleaned"].as_array().unwrap().len(), answer["up_to_date"].as_u64().unwrap())
    }

    fn trams(&self) -> Vec<Value> {
        self.lake.query("SELECT tram FROM trams.position ORDER BY tram")
    }

    fn tell(&self, queue: &Queue<'_>) {
        let xml = format!(
            "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><QueueConfiguration>\
             <Id>raw</Id><Queue>{}</Queue><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule>\
             <Name>prefix</Name><Value>lake/raw/</Value></FilterRule></S3Key></Filter></QueueConfiguration>\
             </NotificationConfiguration>",
            queue.arn()
        );
        let answer = self.emulator.call("s3", "PUT", &format!("/{}?notification", self.bucket), xml.as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Does what Lambda's event source mapping does, until the queue is empty.
    fn follow(&self, queue: &Queue<'_>) {
        let begun = Instant::now();
        while queue.messages() > 0 {
            assert!(begun.elapsed() < LIMIT, "{} messages are left", queue.messages());
            let messages = queue.receive();
            if messages.is_empty() {
                continue;
            }
            let records: Vec<Value> = messages.iter().map(integration::queue::Message::record).collect();
            let answer = self.function.call(json!({"Records": records}), LIMIT).unwrap();
            let failed = answer["batchItemFailures"].as_array().unwrap();
            for message in &messages {
                if !failed.contains(&json!({"itemIdentifier": message.id})) {
                    queue.delete(message);
                }
            }
        }
    }

    fn objects(&self) -> Value {
        let status = self.lake.call(&["status"]).ok().json();
        let datasets = status["datasets"].as_array().unwrap();
        datasets.iter().find(|state| state["dataset"] == "trams").unwrap()["objects"].clone()
    }
}

#[test]
fn uploads_are_cleaned_whatever_their_names_and_a_failed_one_comes_in_after_its_cause_is_mended() {
    let Some(bed) = Bed::new("uploads") else { return };
    bed.put("config/datasets/trams/dataset.toml", TRAMS.as_bytes());
    let name = |kind: &str| format!("tributary-{kind}-{}", std::process::id());
    let dead = Queue::create(&bed.emulator, &name("dead"), &[]);
    let redrive = json!({"deadLetterTargetArn": dead.arn(), "maxReceiveCount": 2}).to_string();
    let queue = Queue::create(&bed.emulator, &name("work"), &[("VisibilityTimeout", "1"), ("RedrivePolicy", &redrive)]);
    bed.tell(&queue);

    for (number, (_, path)) in NAMES.iter().enumerate() {
        bed.put(&format!("raw/trams/{path}"), format!("[{{\"tram\": {number}}}]").as_bytes());
    }
    bed.put("raw/trams/plain.json", b"[{\"tram\": 0}]"); // told twice
    bed.put("raw/buses/one.json", b"[{\"bus\": 1}]"); // nobody has declared buses
    bed.follow(&queue);
    assert_eq!(bed.objects(), NAMES.len());
    let rows = bed.lake.query("SELECT tram FROM trams.position ORDER BY tram");
    assert_eq!(rows.len(), NAMES.len(), "{rows:?}");
    assert_eq!(dead.messages(), 1, "the tenth failed for good");

    bed.put("config/datasets/buses/dataset.toml", TRAMS.replace("tram", "bus").as_bytes());
    dead.redrive(&queue);
    bed.follow(&queue);
    assert_eq!((dead.messages(), bed.lake.query("SELECT bus FROM buses.position")), (0, vec![json!({"bus": 1})]));
    bed.lake.call(&["verify"]).ok();
}

#[test]
fn events_that_come_twice_late_or_for_what_is_gone_end_with_what_is_there() {
    const KEY: &str = "raw/trams/a.json";
    let Some(mut bed) = Bed::new("order") else { return };
    bed.put("config/datasets/trams/dataset.toml", TRAMS.as_bytes());
    bed.put(KEY, b"[{\"tram\": 1}]");
    assert_eq!(bed.tell_of(KEY, "1", "0055AED6DCD90281E5"), (1, 0));
    bed.put(KEY, b"[{\"tram\": 2}]");
    assert_eq!(bed.tell_of(KEY, "2", "0055AED6DCD90281E6"), (1, 0));
    let of_the_first = bed.tell_of(KEY, "1", "0055AED6DCD90281E5");
    assert_eq!((of_the_first, bed.trams()), ((0, 1), vec![json!({"tram": 2})]), "an older event after a newer one");

    // What a slow writer left in the place of a newer one's output is put right when its own event comes again.
    let listed = bed.emulator.objects(&bed.bucket, "lake/standard/");
    let (name, good) = listed.first_key_value().unwrap();
    bed.put(&format!("standard/{name}"), b"older");
    assert_eq!(bed.tell_of(KEY, "1", "0055AED6DCD90281E5"), (1, 0));
    assert_eq!(bed.emulator.objects(&bed.bucket, "lake/standard/").get(name), Some(good));

    // One of two is gone; if all were, nothing would be removed without a word that it is meant.
    bed.put("raw/trams/b.json", b"[{\"tram\": 9}]");
    assert_eq!(bed.tell_of("raw/trams/b.json", "4", "0055AED6DCD90281E8"), (1, 0));
    bed.delete(KEY);
    assert_eq!(bed.tell_of(KEY, "2", "0055AED6DCD90281E6"), (0, 1), "deleted before it was read");
    assert_eq!(bed.tell_of("raw/trams/never.json", "3", "0055AED6DCD90281E7"), (0, 1));
    assert_eq!(bed.emulator.objects(&bed.bucket, "lake/standard/").len(), 1);
    assert_eq!(bed.trams(), vec![json!({"tram": 9})]);
    bed.lake.call(&["verify"]).ok();

    let said = bed.function.said();
    let lines: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let log = lines.iter().find(|line| line["message"] == "cleaned").unwrap();
    assert_eq!((&log["dataset"], &log["key"]), (&json!("trams"), &json!("trams/a.json")), "{log}");
    assert_eq!(log["span"]["requestId"], "00000000-0000-0000-0000-000000000001", "{log}");
    let metrics = lines.iter().find(|line| line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Tributary").unwrap();
    assert_eq!((&metrics["Dataset"], &metrics["RowsClean"]), (&json!("trams"), &json!(1.0)), "{metrics}");
}
