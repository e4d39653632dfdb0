//! The events that ask for cleaning, in all the shapes in which AWS delivers them.

use percent_encoding::percent_decode_str;
use serde_json::Value;

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

/// What one message or event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The SQS message, if it came by a queue.
    pub id: Option<String>,
    /// The objects that it names, or why it makes no sense.
    pub notices: Result<Vec<Notice>, String>,
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

/// Understands an event: a batch of SQS messages, an S3 event, an EventBridge event, `s3:TestEvent`, or
/// `{"keys": [...]}`.
pub fn understand(event: &Value) -> Event {
    let records = event.get("Records").and_then(Value::as_array);
    let is_queue = |record: &Value| text(record, "/eventSource") == Some("aws:sqs");
    match records {
        Some(records) if records.iter().any(is_queue) => Event::Batch(records.iter().map(message).collect()),
        _ => Event::Single(Message { id: None, notices: notices(event), prune: prune(event) }),
    }
}

fn message(record: &Value) -> Message {
    let body = text(record, "/body").unwrap_or_default();
    let (notices, prune) = match serde_json::from_str(body) {
        Ok(event) => (notices(&event), prune(&event)),
        Err(error) => (Err(format!("the message's body is not JSON: {error}")), false),
    };
    Message { id: text(record, "/messageId").map(str::to_owned), notices, prune }
}

fn prune(event: &Value) -> bool {
    event.get("prune").and_then(Value::as_bool) == Some(true)
}

fn notices(event: &Value) -> Result<Vec<Notice>, String> {
    if text(event, "/Event") == Some("s3:TestEvent") {
        // S3 sends it when a notification is set up: nothing to do.
        return Ok(Vec::new());
    }
    if let Some(keys) = event.get("keys").and_then(Value::as_array) {
        let named = |key: &Value| key.as_str().map(|key| Notice { bucket: None, key: key.to_owned(), literal: None });
        return keys.iter().map(|key| named(key).ok_or_else(|| "keys must be texts".to_owned())).collect();
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
    let records = event.get("Records").and_then(Value::as_array).ok_or(
        "the event is none that this function knows: it takes SQS batches of S3 events, S3 events, EventBridge \
         `Object Created` events, and {\"keys\": [\"raw key\", ...]}",
    )?;
    records.iter().map(s3_record).collect()
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
        match understand(event) {
            Event::Single(message) => message.notices.unwrap().into_iter().map(|notice| notice.key).collect(),
            Event::Batch(messages) => {
                messages.into_iter().flat_map(|message| message.notices.unwrap()).map(|notice| notice.key).collect()
            }
        }
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
        let good: Vec<_> = messages.iter().map(|message| message.notices.is_ok()).collect();
        assert_eq!(good, [true, false, true, false]);
        assert_eq!(messages[1].id.as_deref(), Some("2"));
        assert_eq!(messages[2].notices, Ok(vec![]));
    }

    #[test]
    fn an_unknown_event_is_explained() {
        let Event::Single(message) = understand(&json!({"hello": 1})) else { panic!("one event") };
        assert!(message.notices.unwrap_err().contains("EventBridge"));
    }
}
