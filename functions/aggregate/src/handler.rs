//! The Lambda function: `{}`, `{"dataset": NAME}` or `{"model": NAME}` in, what was made out. Messages of the queue that
//! tells of new ledger entries ask for the datasets of these entries: what is stale of them is in the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::Utc;
use lake::Lake;
use lake::batch::HandedOver;
use lake::function::Deadline;
use lake::glue::{Placed, Registered};
use lake::progress::Quiet;
use lake::settings::Zone;
use lake::store::StoreUrl;
use lake::telemetry;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Aggregated, Outcome, Selection, aggregate, backlog, hand_over};

/// Memory for each partition that is made at the same time as others, in MB: one takes [`crate::Engine`]'s limit, and
/// what is read and written.
const MEMORY_PER_WORKER: usize = 1024;

/// What to bring up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// What someone asked for; everything by default.
    Asked(Asked),
    /// What these objects of the ledger zone are part of: their keys, as S3 has them.
    Committed(Vec<String>),
}

/// What someone may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Only this dataset.
    dataset: Option<String>,
    /// Only this model.
    model: Option<String>,
}

impl Request {
    /// Understands an event. Errors say what the function takes.
    pub fn understand(event: Value) -> Result<Self, String> {
        if let Some(records) = event.get("Records").and_then(Value::as_array) {
            let messages: Vec<Option<Vec<String>>> = records.iter().map(keys_of).collect();
            // Of a message that says nothing of keys, everything may be meant.
            let keys: Option<Vec<Vec<String>>> = messages.into_iter().collect();
            return Ok(keys.map_or(Self::Asked(Asked::default()), |keys| Self::Committed(keys.concat())));
        }
        serde_json::from_value(event).map(Self::Asked).map_err(|error| {
            format!("the event is none that this function knows ({error}): it takes {{}}, {{\"dataset\": NAME}}, {{\"model\": NAME}} and messages of its queue")
        })
    }

    /// One selection per dataset, or one for everything.
    fn selections(self, lake: &Lake) -> Vec<Selection> {
        let keys = match self {
            Self::Asked(Asked { dataset, model }) => {
                return vec![Selection { dataset, models: model.into_iter().collect(), ..Selection::default() }];
            }
            Self::Committed(keys) => keys,
        };
        let StoreUrl::S3 { prefix, .. } = lake.place(Zone::Ledger) else { return vec![Selection::default()] };
        let prefix = if prefix.is_empty() { "raw/".to_owned() } else { format!("{prefix}/raw/") };
        let mut told: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for key in keys.iter().filter_map(|key| key.strip_prefix(&prefix)) {
            told.entry(lake::keys::dataset(key)).or_default().insert(format!("raw/{key}"));
        }
        // Entries of a dataset that is no longer declared are of no model.
        let known = lake.catalog.datasets().iter().filter_map(|dataset| {
            let told = told.remove(dataset.name.as_str())?;
            Some(Selection { dataset: Some(dataset.name.clone()), told: Some(told), ..Selection::default() })
        });
        known.collect()
    }
}

/// The keys that a message of the queue tells of; nothing if it is of another kind.
fn keys_of(message: &Value) -> Option<Vec<String>> {
    let body: Value = serde_json::from_str(message.get("body")?.as_str()?).ok()?;
    if body.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Some(Vec::new());
    }
    let key = |record: &Value| {
        let key = record.pointer("/s3/object/key")?.as_str()?.replace('+', " ");
        percent_decode_str(&key).decode_utf8().ok().map(|key| key.into_owned())
    };
    body.get("Records")?.as_array()?.iter().map(key).collect()
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
    let failed = |error: crate::Error| error.to_string();
    let workers = (memory / MEMORY_PER_WORKER).max(1);
    let mut outcome = Outcome::default();
    let mut handed_over = Vec::new();
    let selections = request.selections(lake);
    let is_all = selections.iter().any(|selection| selection.dataset.is_none());
    for selection in &selections {
        let left = match tokio::time::timeout(deadline.left(), aggregate(lake, selection, workers, &Quiet)).await {
            Ok(done) => {
                let Outcome { aggregated, failed, up_to_date, too_large, mut placed } = done.map_err(failed)?;
                outcome.placed.append(&mut placed);
                outcome.aggregated.extend(aggregated);
                outcome.failed.extend(failed);
                outcome.up_to_date += up_to_date;
                too_large
            }
            Err(_) if lake.batch.is_some() => backlog(lake, selection).await.map_err(failed)?,
            Err(_) => {
                return Err("there was no time left in this call: what was made is committed, call it again".to_owned());
            }
        };
        handed_over.extend(hand_over(lake, selection, &left).await.map_err(failed)?);
    }
    let registered = register(lake, &outcome.placed, deadline).await;
    for made in &outcome.aggregated {
        tracing::info!(dataset = made.dataset, model = made.model, partition = %made.partition, rows = made.rows, "made");
    }
    if is_all {
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
        let asked = |dataset: Option<&str>| Request::Asked(Asked { dataset: dataset.map(str::to_owned), model: None });
        assert_eq!(Request::understand(json!({"dataset": "irceline"})).unwrap(), asked(Some("irceline")));
        assert_eq!(Request::understand(json!({})).unwrap(), asked(None));
        assert!(Request::understand(json!({"datset": "irceline"})).unwrap_err().contains("datset"));
        let message = |body: &str| json!({"eventSource": "aws:sqs", "body": body});
        let of = |key: &str| message(&json!({"Records": [{"s3": {"object": {"key": key}}}]}).to_string());
        let batch = json!({"Records": [of("raw/a/b+c%C3%A9.csv.json"), of("raw/b/x.json"), message(r#"{"Event": "s3:TestEvent"}"#)]});
        let keys = ["raw/a/b cé.csv.json", "raw/b/x.json"].map(str::to_owned).to_vec();
        assert_eq!(Request::understand(batch).unwrap(), Request::Committed(keys));
        let strange = json!({"Records": [of("raw/a/b.json"), message("{}")]});
        assert_eq!(Request::understand(strange).unwrap(), asked(None), "whatever it means");
    }
}
