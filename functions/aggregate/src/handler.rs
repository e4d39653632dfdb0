//! The Lambda function: `{}`, `{"dataset": NAME}` or `{"model": NAME}` in, what was made out. Messages of the queue that
//! tells of new ledger entries ask for everything: what is stale is in the ledger, not in the message.

use std::time::Instant;

use chrono::Utc;
use lake::Lake;
use lake::batch::HandedOver;
use lake::function::Deadline;
use lake::glue::{Placed, Registered};
use lake::progress::Quiet;
use lake::telemetry;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Aggregated, Outcome, Selection, aggregate, backlog, hand_over};

/// Memory for each partition that is made at the same time as others, in MB: one takes [`crate::Engine`]'s limit, and
/// what is read and written.
const MEMORY_PER_WORKER: usize = 1024;

/// What to bring up to date; everything by default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Only this dataset.
    pub dataset: Option<String>,
    /// Only this model.
    pub model: Option<String>,
}

impl Request {
    /// Understands an event. Errors say what the function takes.
    pub fn understand(event: Value) -> Result<Self, String> {
        if event.get("Records").is_some() {
            return Ok(Self::default());
        }
        serde_json::from_value(event).map_err(|error| {
            format!("the event is none that this function knows ({error}): it takes {{}}, {{\"dataset\": NAME}}, {{\"model\": NAME}} and messages of its queue")
        })
    }
}

/// What a call did.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// Whether everything is done.
    pub ok: bool,
    /// How long the call took.
    pub elapsed_ms: u64,
    /// What was made.
    pub aggregated: Vec<Aggregated>,
    /// How many partitions needed nothing.
    pub up_to_date: u64,
    /// What was handed to AWS Batch.
    pub handed_over: Vec<HandedOver>,
    /// What was registered in the Glue Data Catalog, where there is a database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered: Option<Registered>,
}

/// Handles one event, with `memory` MB. What is too much goes to AWS Batch, if there is a queue, and so does what there
/// was no time for. A partition that fails makes the call fail, after all others were made. A dataset whose declaration is
/// wrong is logged and counted, and fails only a call that asks for it.
pub async fn handle(lake: &Lake, request: Request, memory: usize, deadline: Deadline) -> Result<Answer, String> {
    let begun = Instant::now();
    // A call that was ended early leaves its files to the next one.
    lake::scratch::sweep();
    let models = request.model.into_iter().collect();
    let selection = Selection { dataset: request.dataset, models, ..Selection::default() };
    let failed = |error: crate::Error| error.to_string();
    let workers = (memory / MEMORY_PER_WORKER).max(1);
    let mut outcome = Outcome::default();
    let left = match tokio::time::timeout(deadline.left(), aggregate(lake, &selection, workers, &Quiet)).await {
        Ok(done) => {
            outcome = done.map_err(failed)?;
            std::mem::take(&mut outcome.too_large)
        }
        Err(_) if lake.batch.is_some() => backlog(lake, &selection).await.map_err(failed)?,
        Err(_) => {
            return Err("there was no time left in this call: what was made is committed, call it again".to_owned());
        }
    };
    let registered = register(lake, &outcome.placed, deadline).await;
    let handed_over = Vec::from_iter(hand_over(lake, &selection, &left).await.map_err(failed)?);
    for made in &outcome.aggregated {
        tracing::info!(dataset = made.dataset, model = made.model, partition = %made.partition, rows = made.rows, "made");
    }
    if selection.dataset.is_none() {
        outcome.failed.retain(|error| !matches!(error, crate::Error::Lake(lake::Error::Dataset { .. })));
        telemetry::report_broken("aggregate", lake.catalog.broken(), Utc::now());
    }
    for error in &outcome.failed {
        tracing::error!(%error, "failed to bring a model up to date");
    }
    if !outcome.failed.is_empty() {
        let failures: Vec<String> = outcome.failed.iter().map(ToString::to_string).collect();
        return Err(failures.join("; "));
    }
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Answer {
        ok: true,
        elapsed_ms,
        aggregated: outcome.aggregated,
        up_to_date: outcome.up_to_date,
        handed_over,
        registered,
    })
}

/// Registers partitions for other engines. What fails there fails no call: everything is committed, and the next call
/// looks again.
async fn register(lake: &Lake, placed: &Placed, deadline: Deadline) -> Option<Registered> {
    let glue = lake.glue.as_ref()?;
    match tokio::time::timeout(deadline.left(), glue.register(placed)).await {
        Ok(Ok(registered)) => Some(registered),
        Ok(Err(error)) => {
            tracing::error!(%error, "failed to register partitions");
            None
        }
        Err(_) => {
            tracing::warn!("no time was left to register partitions: the next call does it");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_and_queue_messages_are_understood_and_nothing_else() {
        assert_eq!(Request::understand(json!({"dataset": "irceline"})).unwrap().dataset.as_deref(), Some("irceline"));
        assert!(Request::understand(json!({})).unwrap().model.is_none());
        let batch = json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]});
        assert!(Request::understand(batch).unwrap().dataset.is_none());
        assert!(Request::understand(json!({"datset": "irceline"})).unwrap_err().contains("datset"));
    }
}
