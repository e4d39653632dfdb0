//! The Lambda function: events in, cleaned objects and failures out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::Utc;
use lake::batch::HandedOver;
use lake::function::Deadline;
use lake::settings::Zone;
use lake::store::{Object, StoreUrl};
use lake::telemetry::Metrics;
use lake::{Lake, keys};
use serde::Serialize;
use serde_json::Value;

use crate::event::{Event, Message, Notice, understand};
use crate::{Cleaned, Result, clean_if_stale, large_and_stale};

/// What a call did; `batch_item_failures` is what SQS is to deliver again.
#[derive(Debug, Default, Serialize)]
pub struct Answer {
    /// Whether everything is done.
    pub ok: bool,
    /// How long the call took.
    pub elapsed_ms: u64,
    /// What was cleaned.
    pub cleaned: Vec<Cleaned>,
    /// How many objects needed nothing.
    pub up_to_date: u64,
    /// What was handed to AWS Batch.
    pub handed_over: Vec<HandedOver>,
    /// What could not be done.
    pub errors: Vec<String>,
    /// The messages that failed.
    #[serde(rename = "batchItemFailures")]
    pub batch_item_failures: Vec<ItemFailure>,
}

/// A message that failed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ItemFailure {
    /// Its id.
    #[serde(rename = "itemIdentifier")]
    pub item_identifier: String,
}

/// Handles one event. Messages of a batch fail one by one; any other event fails as a whole, with an error that Lambda
/// reports and tries again.
pub async fn handle(lake: &Lake, event: &Value, deadline: Deadline) -> Result<Answer, String> {
    let begun = Instant::now();
    let mut answer = Answer::default();
    let mut seen = BTreeMap::new();
    match understand(event) {
        Event::Batch(messages) => {
            for message in messages {
                let done = one_message(lake, &message, deadline, &mut answer, &mut seen).await;
                if let (false, Some(id)) = (done, message.id) {
                    answer.batch_item_failures.push(ItemFailure { item_identifier: id });
                }
            }
        }
        Event::Single(message) => {
            if !one_message(lake, &message, deadline, &mut answer, &mut seen).await {
                return Err(answer.errors.join("; "));
            }
        }
    }
    answer.ok = answer.errors.is_empty();
    answer.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    print_metrics(&answer, begun);
    Ok(answer)
}

/// Cleans what a message names; false if any of it failed. `seen` remembers what this call has done.
async fn one_message(
    lake: &Lake,
    message: &Message,
    deadline: Deadline,
    answer: &mut Answer,
    seen: &mut BTreeMap<String, bool>,
) -> bool {
    let notices = match &message.notices {
        Ok(notices) => notices,
        Err(why) => {
            answer.errors.push(why.clone());
            return false;
        }
    };
    let mut all_done = true;
    for notice in notices {
        match raw_keys(lake, notice).await {
            Err(why) => {
                answer.errors.push(why);
                all_done = false;
            }
            Ok(keys) => {
                for key in keys {
                    let done = match seen.get(&key) {
                        Some(done) => *done,
                        None => one_key(lake, &key, message.prune, deadline, answer).await,
                    };
                    seen.insert(key, done);
                    all_done &= done;
                }
            }
        }
    }
    all_done
}

/// Cleans one raw object; false if it failed or there is no time for it. What is not finished is not committed.
///
/// AWS Batch gets objects that are above its limit, and one that was cut off by the deadline, which the next call would
/// cut off as well. One that was not begun is reported as not done.
async fn one_key(lake: &Lake, key: &str, prune: bool, deadline: Deadline, answer: &mut Answer) -> bool {
    let late = || format!("{key}: there was no time left in this call");
    if deadline.left().is_zero() {
        answer.errors.push(late());
        return false;
    }
    match large_and_stale(lake, key).await {
        Ok(None) => {}
        Ok(Some(raw)) => return hand_over(lake, &raw, answer).await,
        Err(error) => {
            answer.errors.push(error.to_string());
            return false;
        }
    }
    let work = tokio::time::timeout_at(deadline.instant().into(), clean_if_stale(lake, key, prune));
    let failure = match work.await {
        Ok(Ok(Some(cleaned))) => {
            tracing::info!(key, dataset = cleaned.dataset, rows = cleaned.rows.read, "cleaned");
            answer.cleaned.push(cleaned);
            return true;
        }
        Ok(Ok(None)) => {
            answer.up_to_date += 1;
            return true;
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) if lake.batch.is_some() => match lake.raw.head(key).await {
            Ok(Some(raw)) => return hand_over(lake, &raw, answer).await,
            // Its deletion has a notice of its own.
            Ok(None) => return true,
            Err(error) => error.to_string(),
        },
        Err(_) => late(),
    };
    tracing::error!(key, error = failure, "failed to clean a raw object");
    answer.errors.push(failure);
    false
}

/// Hands one raw object to AWS Batch; false if that failed.
async fn hand_over(lake: &Lake, raw: &Object, answer: &mut Answer) -> bool {
    let Some(batch) = &lake.batch else { return false };
    match batch.clean(std::slice::from_ref(raw)).await {
        Ok(job) => answer.handed_over.push(job),
        Err(error) => {
            tracing::error!(key = raw.key, %error, "failed to hand over a raw object");
            answer.errors.push(error.to_string());
            return false;
        }
    }
    true
}

/// The raw keys that a notice is about: the object, and objects that are cleaned with it.
async fn raw_keys(lake: &Lake, notice: &Notice) -> Result<BTreeSet<String>, String> {
    let mut keys = BTreeSet::new();
    for key in named_keys(lake, notice).await? {
        keys.extend(dependents(lake, &key).await.map_err(|error| error.to_string())?);
        keys.insert(key);
    }
    Ok(keys)
}

/// The key in the raw zone. An emulator's key that was decoded although it was not encoded is found as it stands, beside
/// the decoded one, which may be that of an object that is gone.
async fn named_keys(lake: &Lake, notice: &Notice) -> Result<Vec<String>, String> {
    let within = |key: &str| -> Result<String, String> {
        let Some(bucket) = &notice.bucket else { return Ok(key.to_owned()) };
        match lake.place(Zone::Raw) {
            StoreUrl::S3 { bucket: ours, prefix } if ours == *bucket => {
                let inside = if prefix.is_empty() { Some(key) } else { key.strip_prefix(&format!("{prefix}/")) };
                inside.map(str::to_owned).ok_or_else(|| format!("{key} is outside of the raw zone's prefix {prefix}"))
            }
            place => Err(format!("the event is about bucket {bucket}, but the raw zone is {place}: is RAW_URL right?")),
        }
    };
    let mut keys = vec![within(&notice.key)?];
    if let Some(literal) = &notice.literal {
        let literal = within(literal)?;
        if lake.raw.head(&literal).await.map_err(|error| error.to_string())?.is_some() {
            keys.push(literal);
        }
    }
    Ok(keys)
}

/// Objects in the same folder that are cleaned together with this one.
async fn dependents(lake: &Lake, key: &str) -> Result<BTreeSet<String>> {
    let dataset = lake.catalog.dataset(keys::dataset(key))?;
    let (folder, name) = (keys::folder(key), key.rsplit('/').next().unwrap_or(key));
    let needs_it = |table: &&lake::dataset::Table| table.siblings.iter().any(|sibling| sibling == name);
    if !dataset.tables.iter().any(|table| needs_it(&table)) {
        return Ok(BTreeSet::new());
    }
    let others = lake.raw.list(folder).await?;
    let depends = |key: &String| dataset.table_of(key).as_ref().is_some_and(needs_it);
    Ok(others.into_iter().map(|object| object.key).filter(depends).collect())
}

/// Metrics per dataset, on standard output.
fn print_metrics(answer: &Answer, begun: Instant) {
    let mut metrics: BTreeMap<&str, Metrics> = BTreeMap::new();
    for cleaned in &answer.cleaned {
        let of_dataset = metrics.entry(&cleaned.dataset).or_default();
        of_dataset.rows.get_or_insert_default().add(&cleaned.rows);
        *of_dataset.bytes.get_or_insert_default() += cleaned.bytes;
        of_dataset.newest_day = of_dataset.newest_day.max(cleaned.newest_day);
    }
    for (dataset, metrics) in metrics {
        let metrics = Metrics { duration: begun.elapsed(), ..metrics };
        println!("{}", metrics.line("clean", dataset, Utc::now()));
    }
}
