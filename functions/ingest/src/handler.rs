//! The Lambda function: `{"source": NAME, "from": DATE, "to": DATE}` in, what was fetched out.

use std::time::Instant;

use chrono::{NaiveDate, Utc};
use lake::Lake;
use lake::function::Deadline;
use lake::progress::Quiet;
use lake::telemetry::Metrics;
use serde::{Deserialize, Serialize};

use crate::{Context, Ingested, Settings, ingest, window};

/// What to fetch; without dates what a nightly run fetches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The source.
    pub source: String,
    /// The first local day.
    pub from: Option<NaiveDate>,
    /// The local day after the last.
    pub to: Option<NaiveDate>,
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
    /// Raw objects that were there already, the same.
    pub up_to_date: u64,
}

/// Handles one event. What could not be had makes the call fail, after everything else was written: Lambda tries
/// again, and that fills the gap.
pub async fn handle(lake: &Lake, settings: &Settings, request: Request, deadline: Deadline) -> Result<Answer, String> {
    let begun = Instant::now();
    let days =
        window(lake, &request.source, request.from, request.to, Utc::now()).map_err(|error| error.to_string())?;
    let context = Context { lake, settings, clock: Utc::now, progress: &Quiet, time_limit: Some(deadline.left()) };
    let outcome = ingest(&context, &request.source, days).await.map_err(|error| error.to_string())?;
    let bytes = outcome.ingested.iter().map(|day| day.bytes).sum();
    tracing::info!(source = request.source, window = %days, bytes, "fetched");
    let metrics = Metrics { bytes: Some(bytes), duration: begun.elapsed(), ..Metrics::default() };
    println!("{}", metrics.line("ingest", &request.source, Utc::now()));
    if !outcome.incomplete.is_empty() {
        let messages: Vec<String> = outcome.incomplete.into_iter().map(|part| part.message).collect();
        return Err(messages.join("; "));
    }
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Answer { ok: true, elapsed_ms, ingested: outcome.ingested, up_to_date: outcome.up_to_date })
}
