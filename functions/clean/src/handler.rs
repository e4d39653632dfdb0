//! The Lambda function: events in, cleaned objects and failures out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use chrono::{DateTime, Utc};
use lake::batch::HandedOver;
use lake::dataset::Dataset;
use lake::function::Deadline;
use lake::ledger::Rows;
use lake::settings::Zone;
use lake::store::{Object, StoreUrl};
use lake::{Lake, keys, telemetry};
use serde::Serialize;
use serde_json::Value;

use crate::event::{Asks, Event, Message, Notice, understand};
use crate::{Cleaned, Result, clean_if_stale, large_and_stale, sweep};

/// How many reasons the error of a whole call quotes; the log has each.
const QUOTED: usize = 10;

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
/// reports and tries again. The reason of each failure is logged: SQS delivers a message again without one.
pub async fn handle(lake: &Lake, event: &Value, deadline: Deadline) -> Result<Answer, String> {
    let begun = Instant::now();
    let mut call = Call { lake, deadline, answer: Answer::default(), seen: BTreeMap::new(), message: None };
    let is_single = match understand(event) {
        Event::Batch(messages) => {
            for message in messages {
                call.message.clone_from(&message.id);
                if !call.one_message(message).await
                    && let Some(id) = call.message.take()
                {
                    call.answer.batch_item_failures.push(ItemFailure { item_identifier: id });
                }
            }
            false
        }
        Event::Single(message) => {
            call.one_message(message).await;
            true
        }
    };
    let mut answer = call.answer;
    answer.ok = answer.errors.is_empty();
    answer.elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    for line in metrics(&answer.cleaned, Utc::now()) {
        println!("{line}");
    }
    if is_single && !answer.ok { Err(summed_up(&answer.errors)) } else { Ok(answer) }
}

/// The first reasons, and how many there are more.
fn summed_up(errors: &[String]) -> String {
    let mut text = errors.iter().take(QUOTED).cloned().collect::<Vec<_>>().join("; ");
    if errors.len() > QUOTED {
        text.push_str(&format!("; and {} more, each in the log", errors.len() - QUOTED));
    }
    text
}

/// The account of the rows of each dataset, as lines of metrics.
pub fn metrics(cleaned: &[Cleaned], now: DateTime<Utc>) -> Vec<String> {
    let mut of_datasets: BTreeMap<&str, Rows> = BTreeMap::new();
    for cleaned in cleaned {
        of_datasets.entry(&cleaned.dataset).or_default().add(&cleaned.rows);
    }
    of_datasets.into_iter().map(|(dataset, rows)| telemetry::rows("clean", dataset, &rows, now)).collect()
}

/// One call of the function.
struct Call<'a> {
    lake: &'a Lake,
    deadline: Deadline,
    answer: Answer,
    /// Raw keys that this call has dealt with, and whether they are done.
    seen: BTreeMap<String, bool>,
    /// The message that is being worked on.
    message: Option<String>,
}

impl Call<'_> {
    /// Takes note of a failure; false, as nothing is done.
    fn fail(&mut self, key: Option<&str>, why: String) -> bool {
        tracing::error!(message_id = self.message, key, error = why, "failed");
        self.answer.errors.push(why);
        false
    }

    /// Cleans what a message asks for; false if any of it failed.
    async fn one_message(&mut self, message: Message) -> bool {
        let notices = match message.asks {
            Ok(Asks::Objects(notices)) => notices,
            Ok(Asks::Stale(dataset)) => return self.sweep(dataset.as_deref(), message.prune).await,
            Err(why) => return self.fail(None, why),
        };
        let mut all_done = true;
        for notice in notices {
            match raw_keys(self.lake, &notice).await {
                Err(why) => all_done = self.fail(Some(&notice.key), why),
                Ok(keys) => {
                    for key in keys {
                        let done = match self.seen.get(&key) {
                            Some(done) => *done,
                            None => self.one_key(&key, message.prune).await,
                        };
                        self.seen.insert(key, done);
                        all_done &= done;
                    }
                }
            }
        }
        all_done
    }

    /// Cleans whatever the ledger does not show as done, of one dataset or of all; false if any of it failed. A dataset
    /// whose declaration is wrong is logged and counted, and fails the call only if it is the one that was asked for.
    async fn sweep(&mut self, dataset: Option<&str>, prune: bool) -> bool {
        let lake = self.lake;
        if let Some(name) = dataset {
            return match lake.catalog.dataset(name) {
                Ok(dataset) => self.sweep_dataset(dataset, prune).await,
                Err(error) => self.fail(None, error.to_string()),
            };
        }
        telemetry::report_broken("clean", lake.catalog.broken(), Utc::now());
        let mut all_done = true;
        for dataset in lake.catalog.datasets() {
            all_done &= self.sweep_dataset(dataset, prune).await;
        }
        all_done
    }

    async fn sweep_dataset(&mut self, dataset: &Dataset, prune: bool) -> bool {
        let mut found = match sweep::find(self.lake, dataset, prune).await {
            Ok(found) => found,
            Err(error) => return self.fail(None, format!("dataset {}: {error}", dataset.name)),
        };
        self.answer.up_to_date += found.up_to_date;
        let mut all_done = true;
        for error in found.failed.drain(..) {
            all_done = self.fail(None, error.to_string());
        }
        let todo = std::mem::take(&mut found.todo);
        for (number, key) in todo.iter().enumerate() {
            if self.deadline.left().is_zero() {
                all_done &= self.leave(dataset, todo.get(number..).unwrap_or_default()).await;
                break;
            }
            all_done &= self.one_key(key, prune).await;
        }
        for line in found.ages(dataset, &self.answer.cleaned, Utc::now()) {
            println!("{line}");
        }
        all_done
    }

    /// Leaves objects for which there is no time to AWS Batch; false if there is no queue.
    async fn leave(&mut self, dataset: &Dataset, raw_keys: &[String]) -> bool {
        let (name, count) = (&dataset.name, raw_keys.len());
        let Some(batch) = &self.lake.batch else {
            let why =
                format!("there was no time left in this call for {count} objects of dataset {name}: call it again");
            return self.fail(None, why);
        };
        let objects = match sweep::states(self.lake, dataset, raw_keys).await {
            Ok(objects) if objects.is_empty() => return true,
            Ok(objects) => objects,
            Err(error) => return self.fail(None, error.to_string()),
        };
        match batch.clean(&objects).await {
            Ok(job) => self.answer.handed_over.push(job),
            Err(error) => return self.fail(None, error.to_string()),
        }
        true
    }

    /// Cleans one raw object; false if it failed or there is no time for it. What is not finished is not committed.
    ///
    /// AWS Batch gets objects that are above its limit, and one that was cut off by the deadline, which the next call would
    /// cut off as well. One that was not begun is reported as not done.
    async fn one_key(&mut self, key: &str, prune: bool) -> bool {
        let late = || format!("{key}: there was no time left in this call");
        if self.deadline.left().is_zero() {
            return self.fail(Some(key), late());
        }
        match large_and_stale(self.lake, key).await {
            Ok(None) => {}
            Ok(Some(raw)) => return self.hand_over(&raw).await,
            Err(error) => return self.fail(Some(key), error.to_string()),
        }
        let work = clean_if_stale(self.lake, key, prune);
        let why = match tokio::time::timeout_at(self.deadline.instant().into(), work).await {
            Ok(Ok(Some(cleaned))) => {
                tracing::info!(key, dataset = cleaned.dataset, rows = cleaned.rows.read, "cleaned");
                self.answer.cleaned.push(cleaned);
                return true;
            }
            Ok(Ok(None)) => {
                self.answer.up_to_date += 1;
                return true;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) if self.lake.batch.is_some() => match self.lake.raw.head(key).await {
                Ok(Some(raw)) => return self.hand_over(&raw).await,
                // Its deletion has a notice of its own.
                Ok(None) => return true,
                Err(error) => error.to_string(),
            },
            Err(_) => late(),
        };
        self.fail(Some(key), why)
    }

    /// Hands one raw object to AWS Batch; false if that failed.
    async fn hand_over(&mut self, raw: &Object) -> bool {
        let Some(batch) = &self.lake.batch else { return false };
        match batch.clean(std::slice::from_ref(raw)).await {
            Ok(job) => self.answer.handed_over.push(job),
            Err(error) => return self.fail(Some(&raw.key), error.to_string()),
        }
        true
    }
}

/// The raw keys that a notice is about: the object, and objects that are cleaned with it.
async fn raw_keys(lake: &Lake, notice: &Notice) -> Result<BTreeSet<String>, String> {
    let mut keys = BTreeSet::new();
    if keys::is_folder(&notice.key) {
        return Ok(keys);
    }
    for key in named_keys(lake, notice).await? {
        keys.extend(dependents(lake, &key).await.map_err(|error| error.to_string())?);
        keys.insert(key);
    }
    Ok(keys)
}

/// The key in the raw zone, in both readings where an emulator may not have encoded it: `a+b` is the blank that S3 encodes,
/// or a plus. Whichever is there, or was cleaned and is gone, is looked at; AWS's own reading always is.
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
        let is_there = lake.raw.head(&literal).await.map_err(|error| error.to_string())?.is_some();
        if is_there || lake.ledger.raw_entry(&literal).await.map_err(|error| error.to_string())?.is_some() {
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
