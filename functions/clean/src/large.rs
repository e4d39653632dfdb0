//! Raw objects that are too large for a call, and those that belong to a window.

use std::ops::Range;

use chrono::{Days, NaiveDate};
use lake::partition::Partition;
use lake::store::Object;
use lake::{Lake, keys};

use crate::{Result, is_current};

/// An object that is above the size from which AWS Batch cleans it.
pub async fn large(lake: &Lake, raw_key: &str) -> Result<Option<Object>> {
    let Some(limit) = lake.batch.as_ref().and_then(lake::batch::Batch::above_bytes) else { return Ok(None) };
    Ok(lake.raw.head(raw_key).await?.filter(|raw| raw.bytes > limit))
}

/// The same, if it is still to be cleaned.
pub async fn large_and_stale(lake: &Lake, raw_key: &str) -> Result<bool> {
    match large(lake, raw_key).await? {
        Some(raw) => Ok(!is_done(lake, &raw).await?),
        None => Ok(false),
    }
}

/// The raw keys of a dataset that name one of these days and that the ledger does not show as done.
pub async fn of_days(lake: &Lake, dataset: &str, days: &Range<NaiveDate>) -> Result<Vec<String>> {
    let spec = lake.catalog.dataset(dataset)?;
    let mut found = Vec::new();
    for raw in lake.raw.list(&format!("{dataset}/")).await? {
        let within = days_of(&raw.key).is_some_and(|own| own.start < days.end && days.start < own.end);
        if within && spec.table_of(&raw.key).is_some() && !is_done(lake, &raw).await? {
            found.push(raw.key);
        }
    }
    Ok(found)
}

async fn is_done(lake: &Lake, raw: &Object) -> Result<bool> {
    let entry = lake.ledger.raw_entry(&raw.key).await?;
    is_current(lake, &raw.key, raw, entry.as_ref().map(|(entry, _)| entry)).await
}

/// The days that a raw key names: `date=`, `month=`, `week=` (its Monday), `year=24-25`.
fn days_of(raw_key: &str) -> Option<Range<NaiveDate>> {
    if let Some(monday) = keys::segment(raw_key, "week") {
        let monday: NaiveDate = monday.parse().ok()?;
        return Some(monday..monday.checked_add_days(Days::new(7))?);
    }
    Partition::from_path(raw_key).days()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_their_days() {
        for (key, from, to) in [
            ("irceline/date=2026-11-18/values.ndjson", "2026-11-18", "2026-11-19"),
            ("codetrack/week=2026-11-16/users.ndjson", "2026-11-16", "2026-11-23"),
            ("illuminate/year=24-25/assessments.ndjson", "2024-07-01", "2025-07-01"),
        ] {
            assert_eq!(days_of(key), Some(from.parse().unwrap()..to.parse().unwrap()), "{key}");
        }
        assert_eq!(days_of("energy_usage/energy_usage.csv"), None);
    }
}
