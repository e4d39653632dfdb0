//! The events that ask for cleaning, in all the shapes in which AWS delivers them.

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// How often an event may lie in another one: S3 to SNS, to SQS, to the function, and one to spare.
const DEEPEST: usize = 3;
const KNOWN: &str = "it takes SQS batches of S3 events, S3 events, either of them through SNS, EventBridge `Object Created` \
                     events, {\"keys\": [\"raw key\", ...]} and {\"stale\": true}, with \"dataset\": NAME for one dataset";

/// One raw object that an event names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The bucket; `None` where a person named a key of the raw zone.
    pub bucket: Option<String>,
    /// The key as S3 knows it.
    pub key: String,
    /// The key as it stands in the event, where that differs: some emulators do not encode keys.
    pub literal: Option<String>,
}

/// What is to be cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// These objects.
    Objects(Vec<Notice>),
    /// Whatever the ledger does not show as done, of one dataset or of all.
    Stale(Option<String>),
}

/// What one message or event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The SQS message, if it came by a queue.
    pub id: Option<String>,
    /// What it asks for, or why it makes no sense.
    pub asks: Result<Asks, String>,
    /// Whether it says that it is meant where many raw objects are gone.
    pub prune: bool,
}

/// An event as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A batch of messages of a queue: each succeeds or fails by itself.
    Batch(Vec<Message>),
    /// Anything else: it succeeds or fails as a whole.
    Single(Message),
}

/// Understands an event: a batch of SQS messages, an S3 event, one of them through SNS, an EventBridge event,
/// `s3:TestEvent`, `{"keys": [...]}`, or `{"stale": true}`.
pub fn understand(event: &Value) -> Event {
    let records = event.get("Records").and_then(Value::as_array);
    let is_queue = |record: &Value| text(record, "/eventSource") == Some("aws:sqs");
    match records {
        Some(records) if records.iter().any(is_queue) => Event::Batch(records.iter().map(message).collect()),
        _ => Event::Single(Message { id: None, asks: asks(event, 0), prune: prune(event) }),
    }
}

fn message(record: &Value) -> Message {
    let body = text(record, "/body").unwrap_or_default();
    let (asks, prune) = match serde_json::from_str(body) {
        Ok(event) => (asks(&event, 0), prune(&event)),
        Err(error) => (Err(format!("the message's body is not JSON: {error}")), false),
    };
    Message { id: text(record, "/messageId").map(str::to_owned), asks, prune }
}

fn prune(event: &Value) -> bool {
    event.get("prune").and_then(Value::as_bool) == Some(true)
}

fn asks(event: &Value, depth: usize) -> Result<Asks, String> {
    if let Some(wanted) = event.get("stale") {
        return stale(event, wanted).map(Asks::Stale);
    }
    notices(event, depth).map(Asks::Objects)
}

/// The dataset that `{"stale": true}` is about.
fn stale(event: &Value, wanted: &Value) -> Result<Option<String>, String> {
    if wanted != &Value::Bool(true) {
        return Err("\"stale\" must be true".to_owned());
    }
    let mut names = event.as_object().into_iter().flat_map(serde_json::Map::keys);
    if let Some(unknown) = names.find(|name| !matches!(name.as_str(), "stale" | "dataset" | "prune")) {
        return Err(format!("beside \"stale\" there may be \"dataset\" and \"prune\", not \"{unknown}\""));
    }
    match event.get("dataset") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(name.clone())),
        Some(_) => Err("\"dataset\" must be a text".to_owned()),
    }
}

fn notices(event: &Value, depth: usize) -> Result<Vec<Notice>, String> {
    if text(event, "/Event") == Some("s3:TestEvent") {
        // S3 sends it when a notification is set up: nothing to do.
        return Ok(Vec::new());
    }
    if let Some(keys) = event.get("keys").and_then(Value::as_array) {
        let named = |key: &Value| key.as_str().map(|key| Notice { bucket: None, key: key.to_owned(), literal: None });
        return keys.iter().map(|key| named(key).ok_or_else(|| "keys must be texts".to_owned())).collect();
    }
    if let Some(kind) = text(event, "/Type").filter(|_| event.get("TopicArn").is_some()) {
        return notification(event, kind, depth);
    }
    if let Some(detail) = event.get("detail") {
        // EventBridge tells keys as they are.
        let (bucket, key) = (text(detail, "/bucket/name"), text(detail, "/object/key"));
        let notice = |(bucket, key): (&str, &str)| Notice {
            bucket: Some(bucket.to_owned()),
            key: key.to_owned(),
            literal: None,
        };
        return bucket.zip(key).map(|found| vec![notice(found)]).ok_or_else(|| "the event names no object".to_owned());
    }
    let records = event.get("Records").and_then(Value::as_array);
    let records = records.ok_or_else(|| format!("the event is none that this function knows: {KNOWN}"))?;
    let mut found = Vec::new();
    for record in records {
        match record.get("Sns") {
            Some(sns) => found.extend(notification(sns, text(sns, "/Type").unwrap_or("Notification"), depth)?),
            None => found.push(s3_record(record)?),
        }
    }
    Ok(found)
}

/// What SNS delivers: the event is a text in it.
fn notification(sns: &Value, kind: &str, depth: usize) -> Result<Vec<Notice>, String> {
    if kind != "Notification" {
        return Err(format!("SNS sent a {kind}, not an event: confirm the subscription in the topic's account"));
    }
    if depth >= DEEPEST {
        return Err("the event lies in too many notifications of SNS".to_owned());
    }
    let message = text(sns, "/Message").ok_or_else(|| "the notification of SNS has no message".to_owned())?;
    let event: Value = serde_json::from_str(message)
        .map_err(|error| format!("the message in the notification of SNS is not JSON: {error}"))?;
    notices(&event, depth + 1)
}

/// A record of an S3 event: its key is form-encoded.
fn s3_record(record: &Value) -> Result<Notice, String> {
    let (bucket, encoded) = (text(record, "/s3/bucket/name"), text(record, "/s3/object/key"));
    let (Some(bucket), Some(encoded)) = (bucket, encoded) else { return Err("a record names no object".to_owned()) };
    let blanks = encoded.replace('+', " ");
    let key = percent_decode_str(&blanks).decode_utf8().map_err(|_| "a key is not UTF-8".to_owned())?.into_owned();
    let literal = (key != encoded).then(|| encoded.to_owned());
    Ok(Notice { bucket: Some(bucket.to_owned()), key, literal })
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn s3(key: &str) -> Value {
        json!({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "raw"}, "object": {"key": key}}}]})
    }

    fn keys(event: &Value) -> Vec<String> {
        let messages = match understand(event) {
            Event::Single(message) => vec![message],
            Event::Batch(messages) => messages,
        };
        let named = |message: Message| match message.asks {
            Ok(Asks::Objects(notices)) => notices,
            other => panic!("{other:?}"),
        };
        messages.into_iter().flat_map(named).map(|notice| notice.key).collect()
    }

    fn why_not(event: &Value) -> String {
        let Event::Single(message) = understand(event) else { panic!("one event") };
        message.asks.unwrap_err()
    }

    #[test]
    fn keys_of_s3_events_are_form_encoded_and_those_of_eventbridge_are_not() {
        assert_eq!(keys(&s3("energy_usage/a+b%2Bc%25%C3%A9.csv")), ["energy_usage/a b+c%é.csv"]);
        let bridge = json!({"detail-type": "Object Created", "detail": {"bucket": {"name": "raw"}, "object": {"key": "a+b%20c"}}});
        assert_eq!(keys(&bridge), ["a+b%20c"]);
        assert_eq!(keys(&json!({"keys": ["a+b", "c"]})), ["a+b", "c"]);
    }

    #[test]
    fn messages_of_a_batch_stand_alone() {
        let record = |id: &str, body: String| json!({"eventSource": "aws:sqs", "messageId": id, "body": body});
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "raw"});
        let batch = json!({"Records": [
            record("1", s3("a").to_string()),
            record("2", "{".to_owned()),
            record("3", test.to_string()),
            record("4", "{}".to_owned()),
        ]});
        let Event::Batch(messages) = understand(&batch) else { panic!("a batch") };
        let good: Vec<_> = messages.iter().map(|message| message.asks.is_ok()).collect();
        assert_eq!(good, [true, false, true, false]);
        assert_eq!(messages[1].id.as_deref(), Some("2"));
        assert_eq!(messages[2].asks, Ok(Asks::Objects(vec![])));
    }

    /// The shapes that AWS documents: what SNS sends to a queue, and what it calls a function with.
    #[test]
    fn events_of_s3_are_understood_through_sns() {
        let topic = "arn:aws:sns:eu-west-1:123456789012:uploads";
        let to_queue = json!({"Type": "Notification", "MessageId": "22b80b92", "TopicArn": topic,
            "Subject": "Amazon S3 Notification", "Message": s3("a/b+c.csv").to_string(), "SignatureVersion": "1"});
        assert_eq!(keys(&to_queue), ["a/b c.csv"], "without a queue between");
        let queued = json!({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": to_queue.to_string()}]});
        assert!(matches!(understand(&queued), Event::Batch(_)));
        assert_eq!(keys(&queued), ["a/b c.csv"]);
        let to_function = json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": topic,
            "Sns": {"Type": "Notification", "TopicArn": topic, "Message": s3("a/b+c.csv").to_string()}}]});
        assert_eq!(keys(&to_function), ["a/b c.csv"]);
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent"}).to_string();
        assert!(keys(&json!({"Type": "Notification", "TopicArn": topic, "Message": test})).is_empty());

        let confirm = json!({"Type": "SubscriptionConfirmation", "TopicArn": topic, "Message": "You have chosen"});
        assert!(why_not(&confirm).contains("confirm the subscription"));
        assert!(why_not(&json!({"Type": "Notification", "TopicArn": topic, "Message": "hello"})).contains("not JSON"));
        assert!(why_not(&json!({"Type": "Notification", "TopicArn": topic})).contains("no message"));
        let deep = (0..9).fold(
            s3("a/b.csv"),
            |event, _| json!({"Type": "Notification", "TopicArn": topic, "Message": event.to_string()}),
        );
        assert!(why_not(&deep).contains("too many"));
    }

    #[test]
    fn what_is_stale_is_asked_for_by_dataset_or_in_all() {
        let asks = |event: Value| match understand(&event) {
            Event::Single(message) => (message.asks, message.prune),
            Event::Batch(_) => panic!("one event"),
        };
        assert_eq!(asks(json!({"stale": true})), (Ok(Asks::Stale(None)), false));
        let one = json!({"stale": true, "dataset": "trams", "prune": true});
        assert_eq!(asks(one), (Ok(Asks::Stale(Some("trams".to_owned()))), true));
        assert!(why_not(&json!({"stale": false})).contains("must be true"));
        assert!(why_not(&json!({"stale": true, "datset": "trams"})).contains("datset"));
        assert!(why_not(&json!({"stale": true, "dataset": 1})).contains("must be a text"));
    }

    #[test]
    fn an_unknown_event_is_explained() {
        let why = why_not(&json!({"hello": 1}));
        assert!(why.contains("EventBridge") && why.contains("stale"), "{why}");
    }
}
