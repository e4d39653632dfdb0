//! The Lambda function: `{}`, `{"dataset": NAME}` or `{"model": NAME}` in, what was made out.

use std::collections::BTreeSet;
use std::time::Instant;

use chrono::Utc;
use lake::Lake;
use lake::function::Deadline;
use lake::progress::Quiet;
use lake::telemetry::Metrics;
use serde::{Deserialize, Serialize};

use crate::{Aggregated, Selection, aggregate};

/// Partitions made at the same time.
const WORKERS: usize = 2;

/// What to bring up to date; everything by default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Only this dataset.
    pub dataset: Option<String>,
    /// Only this model.
    pub model: Option<String>,
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
}

/// Handles one event. A partition that fails makes the call fail, after all others were made; one that there was no
/// time for is stale for the next call.
pub async fn handle(lake: &Lake, request: Request, deadline: Deadline) -> Result<Answer, String> {
    let begun = Instant::now();
    let selection = Selection { dataset: request.dataset, model: request.model, all: false };
    let work = tokio::time::timeout(deadline.left(), aggregate(lake, &selection, WORKERS, &Quiet));
    let outcome = match work.await {
        Ok(outcome) => outcome.map_err(|error| error.to_string())?,
        Err(_) => {
            return Err("there was no time left in this call: what was made is committed, call it again".to_owned());
        }
    };
    let mut datasets = BTreeSet::new();
    for made in &outcome.aggregated {
        tracing::info!(dataset = made.dataset, model = made.model, partition = %made.partition, rows = made.rows, "made");
        datasets.insert(made.dataset.as_str());
    }
    for dataset in datasets {
        let metrics = Metrics { duration: begun.elapsed(), ..Metrics::default() };
        println!("{}", metrics.line("aggregate", dataset, Utc::now()));
    }
    if !outcome.failed.is_empty() {
        let failures: Vec<String> = outcome.failed.iter().map(ToString::to_string).collect();
        return Err(failures.join("; "));
    }
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Answer { ok: true, elapsed_ms, aggregated: outcome.aggregated, up_to_date: outcome.up_to_date })
}
