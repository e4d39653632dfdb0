//! The Lambda function: `{"source": NAME, "from": DATE, "to": DATE}` in, what was fetched out.

use std::time::Instant;

use chrono::{NaiveDate, Utc};
use lake::Lake;
use lake::batch::HandedOver;
use lake::function::Deadline;
use lake::progress::Quiet;
use lake::time::{Window, parse_day};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{Context, Ingested, Missing, Outcome, Settings, hand_over, ingest, window};

/// What to fetch; without dates what a nightly run fetches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The source.
    pub source: String,
    /// The first local day.
    #[serde(default, deserialize_with = "day")]
    pub from: Option<NaiveDate>,
    /// The local day after the last.
    #[serde(default, deserialize_with = "day")]
    pub to: Option<NaiveDate>,
    /// Whether what the API no longer has may go from the raw zone: `--accept-loss` of the command line.
    #[serde(default)]
    pub accept_loss: bool,
}

impl Request {
    /// Understands an event. Errors say what the function takes.
    pub fn understand(event: Value) -> Result<Self, String> {
        const KNOWN: &str = "it takes {\"source\": NAME}, with \"from\" and \"to\" (dates like \"2026-11-18\") for a window \
                             of its own, and \"accept_loss\": true";
        if !event.is_object() {
            return Err(format!("the event is no JSON object: {KNOWN}"));
        }
        if event.get("Records").is_some() || event.get("detail").is_some() {
            return Err(format!(
                "the event is one of S3, a queue or EventBridge, which the function clean takes: {KNOWN}"
            ));
        }
        serde_json::from_value(event).map_err(|error| format!("the event is not understood ({error}): {KNOWN}"))
    }
}

/// A date as the command line takes it.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    text.map(|text| parse_day(&text).map_err(D::Error::custom)).transpose()
}

/// What a call did.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// Whether everything is done.
    pub ok: bool,
    /// How long the call took.
    pub elapsed_ms: u64,
    /// What was fetched, per day.
    pub ingested: Vec<Ingested>,
    /// What was kept although the API no longer has it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// Raw objects that were there already, the same.
    pub up_to_date: u64,
    /// What was handed to AWS Batch.
    pub handed_over: Vec<HandedOver>,
}

/// Handles one event. A window that is too long, or for which there was no time, goes to AWS Batch, if there is a queue:
/// what is there by then is not written again. What could not be had makes the call fail, after everything else was written: Lambda tries
/// again, and that fills the gap.
pub async fn handle(lake: &Lake, settings: &Settings, request: Request, deadline: Deadline) -> Result<Answer, String> {
    let begun = Instant::now();
    let days =
        window(lake, &request.source, request.from, request.to, Utc::now()).map_err(|error| error.to_string())?;
    let hand_over = async |anyway| {
        hand_over(lake, &request.source, days, request.accept_loss, anyway).await.map_err(|error| error.to_string())
    };
    let mut handed_over = Vec::from_iter(hand_over(false).await?);
    let mut outcome = Outcome::default();
    if handed_over.is_empty() {
        let fetched = fetch(lake, settings, &request, days, deadline).await;
        let is_whole = fetched.as_ref().is_ok_and(|outcome| outcome.incomplete.is_empty());
        if !is_whole && deadline.left().is_zero() {
            // Not the API, but the time is why parts are missing.
            handed_over.extend(hand_over(true).await?);
        }
        outcome = if handed_over.is_empty() { fetched? } else { fetched.unwrap_or_default() };
    }
    if !handed_over.is_empty() {
        outcome.incomplete.clear();
    }
    if !outcome.incomplete.is_empty() {
        let messages: Vec<String> = outcome.incomplete.into_iter().map(|part| part.message).collect();
        return Err(messages.join("; "));
    }
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let Outcome { ingested, missing, up_to_date, .. } = outcome;
    Ok(Answer { ok: true, elapsed_ms, ingested, missing, up_to_date, handed_over })
}

async fn fetch(
    lake: &Lake,
    settings: &Settings,
    request: &Request,
    days: Window,
    deadline: Deadline,
) -> Result<Outcome, String> {
    let (source, accept_loss) = (request.source.as_str(), request.accept_loss);
    let time_limit = Some(deadline.left());
    let context = Context { lake, settings, clock: Utc::now, progress: &Quiet, time_limit, accept_loss };
    let outcome = ingest(&context, source, days).await.map_err(|error| error.to_string())?;
    let bytes: u64 = outcome.ingested.iter().map(|day| day.bytes).sum();
    tracing::info!(source, window = %days, bytes, "fetched");
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_are_understood_and_everything_else_is_explained() {
        let request = Request::understand(json!({"source": "irceline", "from": "2026-11-18"})).unwrap();
        assert_eq!((request.source.as_str(), request.to, request.accept_loss), ("irceline", None, false));
        assert_eq!(request.from, "2026-11-18".parse().ok());
        for (event, part) in [
            (json!({}), "source"),
            (json!({"source": "irceline", "form": "2026-11-18"}), "form"),
            (json!({"source": "irceline", "from": "yesterday"}), "yesterday"),
            (json!({"source": 1}), "invalid type"),
            (json!("irceline"), "no JSON object"),
            (json!({"Records": [{"eventSource": "aws:s3"}]}), "clean"),
            (json!({"detail-type": "Scheduled Event", "detail": {}}), "EventBridge"),
        ] {
            let error = Request::understand(event).unwrap_err();
            assert!(error.contains(part) && error.contains("{\"source\": NAME}"), "{error}");
        }
    }
}
