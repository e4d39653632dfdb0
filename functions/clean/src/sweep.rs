//! What events have missed: a sweep finds what the ledger does not show as done, without any message.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use lake::dataset::{Dataset, Table};
use lake::ledger::Keep;
use lake::store::{Listed, Object};
use lake::{Lake, telemetry};

use crate::survey::{Survey, Wanted, survey, tidy};
use crate::{Cleaned, Error, Outcome, Result, handler};

/// What a sweep of one dataset found.
#[derive(Debug)]
pub struct Found {
    /// The raw keys that are to be cleaned.
    pub todo: Vec<String>,
    /// How many objects need nothing.
    pub up_to_date: u64,
    /// What cannot be done.
    pub failed: Vec<Error>,
    newest: BTreeMap<String, Newest>,
}

/// The newest day of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    day: NaiveDate,
    /// A day of its rows; else it is the day on which a raw object arrived, and counts only where rows have none.
    is_of_rows: bool,
}

impl Newest {
    /// The newer one of both; days of rows go before those of arrival.
    fn or(self, other: Self) -> Self {
        let rank = |newest: &Self| (newest.is_of_rows, newest.day);
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// Compares a dataset's raw objects with the ledger. What was made of objects that are gone is removed at once, under the
/// guards of every removal.
pub async fn find(lake: &Lake, dataset: &Dataset, prune: bool) -> Result<Found> {
    let found = survey(lake, Some(&dataset.name), Wanted::Stale, Keep::Snapshot).await?;
    let mut outcome = Outcome::default();
    tidy(lake, &found, prune, &mut outcome).await;
    let Survey { todo, newest, ignored, .. } = found;
    if let Some(first) = ignored.keys.first() {
        tracing::warn!(count = ignored.count, first, "no table takes some raw objects; see `from` in dataset.toml");
    }
    let newest = newest.into_values().flatten().collect();
    Ok(Found { todo, up_to_date: outcome.up_to_date, failed: outcome.failed, newest })
}

impl Found {
    /// Metrics of the age of each table's newest data, after the cleaning of what was found.
    pub fn ages(&self, dataset: &Dataset, cleaned: &[Cleaned], now: DateTime<Utc>) -> Vec<String> {
        ages(dataset, self.newest.clone(), cleaned, now)
    }
}

/// Metrics of the age of each table's newest data: `newest` before a cleaning, and what was cleaned.
fn ages(
    dataset: &Dataset,
    mut newest: BTreeMap<String, Newest>,
    cleaned: &[Cleaned],
    now: DateTime<Utc>,
) -> Vec<String> {
    for cleaned in cleaned.iter().filter(|cleaned| cleaned.dataset == dataset.name) {
        if let Some(day) = cleaned.newest_day {
            note(&mut newest, &cleaned.table, Newest { day, is_of_rows: true });
        }
    }
    newest.iter().map(|(table, newest)| telemetry::newest_data_age(dataset, table, newest.day, now)).collect()
}

fn note(newest: &mut BTreeMap<String, Newest>, table: &str, day: Newest) {
    match newest.get_mut(table) {
        Some(known) => *known = known.or(day),
        None => drop(newest.insert(table.to_owned(), day)),
    }
}

/// What a job of AWS Batch reports of a cleaning, as the function does: the account of its rows and, where all of a dataset
/// was looked at, the age of its newest data. A cleaning of some objects says nothing of the newest data.
pub fn metrics(lake: &Lake, outcome: &Outcome, now: DateTime<Utc>) -> Vec<String> {
    let mut lines = handler::metrics(&outcome.cleaned, now);
    for dataset in lake.catalog.datasets() {
        let Some(newest) = outcome.newest.get(&dataset.name) else { continue };
        lines.extend(ages(dataset, newest.clone(), &outcome.cleaned, now));
    }
    lines
}

/// The states of some raw objects that are there, as a list has them: one request for a thousand.
pub async fn states(lake: &Lake, dataset: &Dataset, raw_keys: &[String]) -> Result<Vec<Object>> {
    let wanted: std::collections::BTreeSet<&String> = raw_keys.iter().collect();
    let mut objects = lake.raw.list(&format!("{}/", dataset.name)).await?;
    objects.retain(|object| wanted.contains(&object.key));
    Ok(objects)
}

/// Notes the newest day of a table's rows.
pub fn note_rows(table: &str, day: NaiveDate, newest: &mut BTreeMap<String, Newest>) {
    note(newest, table, Newest { day, is_of_rows: true });
}

/// Notes when a raw object of a table arrived: it counts where no rows have days.
pub fn note_arrival(dataset: &Dataset, table: &Table, raw: &Listed, newest: &mut BTreeMap<String, Newest>) {
    let day = raw.last_modified.with_timezone(&dataset.zone).date_naive();
    note(newest, &table.name, Newest { day, is_of_rows: false });
}
