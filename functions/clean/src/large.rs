//! Raw objects that are too large for a call, and those that belong to a window.

use std::ops::Range;

use chrono::NaiveDate;
use lake::Lake;
use lake::partition::days_of_key;
use lake::store::Object;

use crate::{Result, is_current};

/// An object that is above the size from which AWS Batch cleans it.
pub async fn large(lake: &Lake, raw_key: &str) -> Result<Option<Object>> {
    let Some(limit) = lake.batch.as_ref().and_then(lake::batch::Batch::above_bytes) else { return Ok(None) };
    Ok(lake.raw.head(raw_key).await?.filter(|raw| raw.bytes > limit))
}

/// The same, if it is still to be cleaned.
pub async fn large_and_stale(lake: &Lake, raw_key: &str) -> Result<Option<Object>> {
    match large(lake, raw_key).await? {
        Some(raw) if !is_done(lake, &raw).await? => Ok(Some(raw)),
        _ => Ok(None),
    }
}

/// The raw keys of a dataset that name one of these days and that the ledger does not show as done.
pub async fn of_days(lake: &Lake, dataset: &str, days: &Range<NaiveDate>) -> Result<Vec<String>> {
    let spec = lake.catalog.dataset(dataset)?;
    let mut found = Vec::new();
    for raw in lake.raw.list(&format!("{dataset}/")).await? {
        let within = days_of_key(&raw.key).is_some_and(|own| own.start < days.end && days.start < own.end);
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
