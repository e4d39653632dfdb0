//! What a run reports: what it fetched, what could not be fetched, and what stays that an API no longer has.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// Names that a message has; the others are counted.
const NAMES: usize = 5;

/// What was fetched for one day (or one other unit of a source).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ingested {
    /// The source.
    pub source: String,
    /// The local day, the school year (`24-25`) or the week (its Monday).
    pub day: String,
    /// What `day` is, for people.
    #[serde(skip)]
    pub unit: &'static str,
    /// How many of them were asked for, where `day` names the newest.
    #[serde(skip)]
    pub units: u64,
    /// Raw objects written: those whose bodies changed.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Retries.
    pub retries: u64,
    /// Requests that failed for good: their part is missing.
    pub failed: u64,
    /// What the API lists but does not know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// Who is on the roster without an account, by id or by the place on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_account: Vec<String>,
    /// Whether another run was fetching it, so that this one left it alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fetched_elsewhere: bool,
}

/// A part that could not be fetched, or that an API no longer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// Which part, and why.
    pub message: String,
    /// Whether asking again can help.
    pub can_retry: bool,
}

/// What a raw object keeps although the API, when asked, no longer has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The source.
    pub source: String,
    /// The raw object.
    pub raw_key: String,
    /// What stays: ids of stations, series, assessments or learners.
    pub what: Vec<String>,
}

/// What became of a window.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Per day, what was fetched.
    pub ingested: Vec<Ingested>,
    /// What could not be fetched; everything else is written.
    pub incomplete: Vec<Incomplete>,
    /// What was kept although the API no longer has it; each is in `incomplete` as well.
    pub missing: Vec<Missing>,
    /// Raw objects that were there already, the same.
    pub up_to_date: u64,
}

/// What became of one day (or one other unit of a source).
#[derive(Debug)]
pub(crate) struct Part {
    pub ingested: Ingested,
    pub incomplete: Vec<Incomplete>,
    pub missing: Vec<Missing>,
    pub up_to_date: u64,
}

impl Part {
    pub fn new(source: &str, unit: &'static str, day: String) -> Self {
        let ingested = Ingested { source: source.to_owned(), unit, units: 1, day, ..Ingested::default() };
        Self { ingested, incomplete: Vec::new(), missing: Vec::new(), up_to_date: 0 }
    }

    /// Counts a raw object: its bytes if it was written.
    pub fn put(&mut self, written: Option<usize>) {
        match written {
            Some(bytes) => {
                self.ingested.objects += 1;
                self.ingested.bytes += bytes as u64;
            }
            None => self.up_to_date += 1,
        }
    }

    /// Notes what an object keeps although the API no longer has it; `kind` is what is lost, in the plural.
    pub fn lost(&mut self, raw_key: &str, kind: &str, what: Vec<String>) {
        if what.is_empty() {
            return;
        }
        let (source, names) = (&self.ingested.source, some(&what));
        let message = format!(
            "{source}: the API no longer has {kind} ({names}) that raw/{raw_key} has: they are kept; if they are gone for \
             good, run again with --accept-loss"
        );
        self.incomplete.push(Incomplete { message, can_retry: true });
        self.missing.push(Missing { source: source.clone(), raw_key: raw_key.to_owned(), what });
    }
}

impl Outcome {
    /// Adds a part.
    pub(crate) fn add(&mut self, part: Part) {
        self.ingested.push(part.ingested);
        self.incomplete.extend(part.incomplete);
        self.missing.extend(part.missing);
        self.up_to_date += part.up_to_date;
    }
}

/// Failures of many parts for few reasons: each reason is reported once.
#[derive(Debug, Default)]
pub(crate) struct Failures(BTreeMap<(String, bool), (BTreeSet<String>, BTreeSet<String>)>);

impl Failures {
    /// Notes that a part of a unit (a day, a school year) failed for a reason.
    pub fn note(&mut self, unit: &str, parts: impl IntoIterator<Item = String>, reason: &str, can_retry: bool) {
        let (units, names) = self.0.entry((reason.to_owned(), can_retry)).or_default();
        units.insert(unit.to_owned());
        names.extend(parts);
    }

    /// The messages: `say` gets the units, how many parts failed, their names, and why.
    pub fn messages(self, say: impl Fn(&str, usize, &str, &str) -> String) -> Vec<Incomplete> {
        let message =
            |((reason, can_retry), (units, names)): ((String, bool), (BTreeSet<String>, BTreeSet<String>))| {
                let units = match (units.first(), units.last()) {
                    (Some(first), Some(last)) if units.len() > 1 => format!("{first} to {last} ({})", units.len()),
                    (Some(only), _) => only.clone(),
                    _ => String::new(),
                };
                let names: Vec<String> = names.into_iter().collect();
                Incomplete { message: say(&units, names.len(), &some(&names), &reason), can_retry }
            };
        self.0.into_iter().map(message).collect()
    }
}

/// The first few of many names.
pub(crate) fn some(names: &[String]) -> String {
    let distinct: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let first: Vec<&str> = distinct.iter().take(NAMES).copied().collect();
    let more = distinct.len().saturating_sub(first.len());
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_reasons_are_reported_once_with_their_number() {
        let mut failures = Failures::default();
        for day in ["2026-11-17", "2026-11-16"] {
            for series in 1..=7 {
                failures.note(day, [series.to_string()], "the server answered 503", true);
            }
        }
        failures.note("2026-11-17", ["9".to_owned()], "no JSON", false);
        let messages = failures.messages(|units, count, names, why| format!("{units}: {count} ({names}): {why}"));
        let text: Vec<&str> = messages.iter().map(|one| one.message.as_str()).collect();
        let all = "2026-11-16 to 2026-11-17 (2): 7 (1, 2, 3, 4, 5 and 2 more): the server answered 503";
        assert_eq!(text, ["2026-11-17: 1 (9): no JSON", all]);
    }
}
