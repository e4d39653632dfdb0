//! Failures as the user sees them: one message each, whether a retry can help, and the exit status.

use std::collections::BTreeMap;

use lake::dataset::Dataset;
use serde::Serialize;

use crate::on_batch;
use crate::output::visible;

/// Something that could not be done.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// What went wrong, where, and what to do.
    pub message: String,
    /// Whether the same command can succeed later.
    pub can_retry: bool,
    /// Whether the command or a setting is wrong (exit status 2).
    #[serde(skip)]
    pub is_usage: bool,
}

/// Prints failures, equal ones once with their number. Keys come from outside: control characters in them are escaped. A job
/// of AWS Batch logs them.
pub fn print_all(failures: &[Failure]) {
    let mut times: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for failure in failures {
        *times.entry(fault(&failure.message)).or_default() += 1;
    }
    for failure in failures {
        let Some(times) = times.remove(&fault(&failure.message)) else { continue };
        if on_batch::is_job() {
            tracing::error!(error = %visible(&failure.message), times, can_retry = failure.can_retry, "failed");
            continue;
        }
        let hint = if failure.can_retry { " (trying again can help)" } else { "" };
        let times = match times {
            1 => String::new(),
            times if fault(&failure.message).1.is_empty() => format!(" ({times} times)"),
            times => format!(" (the same of {times} partitions)"),
        };
        eprintln!("error: {}{times}{hint}", visible(&failure.message));
    }
}

/// What went wrong, whichever partition it was: what precedes the partition's name, and what follows it.
fn fault(message: &str) -> (&str, &str) {
    let parts = message.split_once(", partition ").and_then(|(before, rest)| Some((before, rest.split_once(": ")?.1)));
    parts.unwrap_or((message, ""))
}

impl Failure {
    /// Something that a later run meets again.
    pub fn lasting(message: String) -> Self {
        Self { message, can_retry: false, is_usage: false }
    }

    /// A mistake in a model, in the file that has it: what the model reads may be what is wrong.
    pub fn in_model(dataset: &Dataset, model: &str, error: &aggregate::Error) -> Self {
        let text = error.to_string();
        let is_file = |name: &str| dataset.model(name).is_some() || dataset.view(name).is_some();
        let other = text.split_once(".sql: ").filter(|(name, _)| is_file(name));
        let (model, why) = other.unwrap_or((model, text.as_str()));
        Self::usage(format!("dataset file {}/{model}.sql: {why}", dataset.name))
    }

    /// Adds it to others, if it is not among them.
    pub fn note(self, failures: &mut Vec<Self>) {
        if !failures.iter().any(|known| known.message == self.message) {
            failures.push(self);
        }
    }

    /// Something that the user must change first.
    pub fn usage(message: String) -> Self {
        Self { message, can_retry: false, is_usage: true }
    }
}

impl From<ingest::Incomplete> for Failure {
    fn from(part: ingest::Incomplete) -> Self {
        Self { message: part.message, can_retry: part.can_retry, is_usage: false }
    }
}

impl From<lake::Error> for Failure {
    fn from(error: lake::Error) -> Self {
        Self { message: error.to_string(), can_retry: error.can_retry(), is_usage: error.is_usage() }
    }
}

impl From<ingest::Error> for Failure {
    fn from(error: ingest::Error) -> Self {
        match error {
            ingest::Error::Lake(error) => error.into(),
            error => Self { message: error.to_string(), can_retry: error.can_retry(), is_usage: false },
        }
    }
}

impl From<clean::Error> for Failure {
    fn from(error: clean::Error) -> Self {
        match error {
            clean::Error::Lake(error) => error.into(),
            error => Self { message: error.to_string(), can_retry: error.can_retry(), is_usage: false },
        }
    }
}

impl From<aggregate::Error> for Failure {
    fn from(error: aggregate::Error) -> Self {
        match error {
            aggregate::Error::Lake(error) => error.into(),
            error => Self { message: error.to_string(), can_retry: error.can_retry(), is_usage: false },
        }
    }
}

impl From<lake::store::StoreError> for Failure {
    fn from(error: lake::store::StoreError) -> Self {
        lake::Error::from(error).into()
    }
}
