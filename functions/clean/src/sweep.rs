//! What events have missed: a sweep finds what the ledger does not show as done, without any message.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use lake::dataset::Dataset;
use lake::ledger::Keep;
use lake::store::Object;
use lake::{Lake, keys, telemetry};

use crate::{Cleaned, Error, Outcome, Result, Survey, Wanted, survey, tidy};

/// What a sweep of one dataset found.
#[derive(Debug)]
pub struct Found {
    /// The raw keys that are to be cleaned.
    pub todo: Vec<String>,
    /// How many objects need nothing.
    pub up_to_date: u64,
    /// What cannot be done.
    pub failed: Vec<Error>,
    newest: BTreeMap<String, NaiveDate>,
}

/// Compares a dataset's raw objects with the ledger. What was made of objects that are gone is removed at once, under the
/// guards of every removal.
pub async fn find(lake: &Lake, dataset: &Dataset, prune: bool) -> Result<Found> {
    let found = survey(lake, Some(&dataset.name), Wanted::Stale, Keep::Snapshot).await?;
    let mut outcome = Outcome::default();
    tidy(lake, &found, prune, &mut outcome).await;
    let Survey { todo, newest, .. } = found;
    let newest = newest.into_iter().map(|((_, table), day)| (table, day)).collect();
    Ok(Found { todo, up_to_date: outcome.up_to_date, failed: outcome.failed, newest })
}

impl Found {
    /// Metrics of the age of each table's newest data, after the cleaning of what was found.
    pub fn ages(mut self, dataset: &Dataset, cleaned: &[Cleaned], now: DateTime<Utc>) -> Vec<String> {
        for cleaned in cleaned.iter().filter(|cleaned| cleaned.dataset == dataset.name) {
            if let Some(day) = cleaned.newest_day {
                let newest = self.newest.entry(cleaned.table.clone()).or_insert(day);
                *newest = day.max(*newest);
            }
        }
        let line = |(table, newest): (String, NaiveDate)| telemetry::newest_data_age(dataset, &table, newest, now);
        self.newest.into_iter().map(line).collect()
    }
}

/// The states of some raw objects that are there, as a list has them: one request for a thousand.
pub async fn states(lake: &Lake, dataset: &Dataset, raw_keys: &[String]) -> Result<Vec<Object>> {
    let wanted: std::collections::BTreeSet<&String> = raw_keys.iter().collect();
    let mut objects = lake.raw.list(&format!("{}/", dataset.name)).await?;
    objects.retain(|object| wanted.contains(&object.key));
    Ok(objects)
}

/// The newest day of each table: by the days of its rows, and where it has none, by the arrival of its raw objects.
pub fn note_newest(
    dataset: &Dataset,
    days: impl Iterator<Item = (String, NaiveDate)>,
    objects: &[Object],
    newest: &mut BTreeMap<(String, String), NaiveDate>,
) {
    let mut note = |table: String, day: NaiveDate| {
        let known = newest.entry((dataset.name.clone(), table)).or_insert(day);
        *known = day.max(*known);
    };
    let mut with_days = std::collections::BTreeSet::new();
    for (table, day) in days {
        with_days.insert(table.clone());
        note(table, day);
    }
    for object in objects.iter().filter(|object| !keys::is_folder(&object.key)) {
        if let Some(table) = dataset.table_of(&object.key).filter(|table| !with_days.contains(&table.name)) {
            note(table.name.clone(), object.last_modified.with_timezone(&dataset.zone).date_naive());
        }
    }
}
