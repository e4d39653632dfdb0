//! The Lambda function: `{"source": NAME, "from": DATE, "to": DATE}` in, what was fetched out.

use std::time::Instant;

use chrono::{NaiveDate, Utc};
use lake::Lake;
use lake::batch::HandedOver;
use lake::function::Deadline;
use lake::progress::Quiet;
use lake::telemetry::Metrics;
use lake::time::{Window, parse_day};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

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
    let begun = Instant::now();
    let (source, accept_loss) = (request.source.as_str(), request.accept_loss);
    let time_limit = Some(deadline.left());
    let context = Context { lake, settings, clock: Utc::now, progress: &Quiet, time_limit, accept_loss };
    let outcome = ingest(&context, source, days).await.map_err(|error| error.to_string())?;
    let bytes = outcome.ingested.iter().map(|day| day.bytes).sum();
    tracing::info!(source, window = %days, bytes, "fetched");
    let metrics = Metrics { bytes: Some(bytes), duration: begun.elapsed(), ..Metrics::default() };
    println!("{}", metrics.line("ingest", source, Utc::now()));
    Ok(outcome)
}
