//! What a cleaning would find, without cleaning anything.

use std::collections::BTreeSet;

use lake::Lake;
use lake::dataset::Dataset;
use lake::ledger::{Current, Keep};

use crate::error::{Error, Result};
use crate::ignored::{self, Ignored};
use crate::survey::{Survey, Wanted, survey, survey_dataset};
use crate::{Selection, place_of};

/// What a cleaning would find.
#[derive(Debug, Default)]
pub struct Waiting {
    /// The raw keys that it would clean.
    pub keys: Vec<String>,
    /// The raw keys whose object is gone, while what was made of it is still there.
    pub gone: Vec<String>,
    /// Those of them of which nothing is removed without `prune`.
    pub kept: Vec<String>,
    /// What lies in the raw zone and cannot be read: key, and why.
    pub odd: Vec<(String, String)>,
    /// How many objects need nothing.
    pub up_to_date: u64,
    /// What no dataset or table takes, but for hidden objects.
    pub ignored: Ignored,
    /// What it would fail with, whatever the objects hold that it would clean.
    pub failed: Vec<Error>,
}

/// Looks for it; `prune` as in [`crate::Options`].
pub async fn waiting(lake: &Lake, selection: &Selection, prune: bool) -> Result<Waiting> {
    let (wanted, dataset) = match selection {
        Selection::Stale(dataset) => (Wanted::Stale, dataset),
        Selection::All(dataset) => (Wanted::All, dataset),
        Selection::Rejected(dataset) => (Wanted::Rejected, dataset),
        Selection::Keys(keys) => return waiting_of_keys(lake, keys).await,
    };
    let mut waiting = waiting_of(survey(lake, dataset.as_deref(), wanted, Keep::Nothing).await?, prune);
    if dataset.is_none() {
        waiting.failed.extend(lake.catalog.broken().map(Error::Lake));
        ignored::of_no_dataset(lake, &mut waiting.ignored).await?;
    }
    Ok(waiting)
}

/// Looks for it in a dataset of which the ledger was read before.
pub async fn waiting_beside(lake: &Lake, dataset: &Dataset, ledger: &Current) -> Result<Waiting> {
    let mut found = Survey::default();
    survey_dataset(lake, dataset, Wanted::Stale, ledger, &mut found).await?;
    Ok(waiting_of(found, false))
}

/// Of keys that are named: each is cleaned, done or not.
async fn waiting_of_keys(lake: &Lake, keys: &[String]) -> Result<Waiting> {
    let mut waiting = Waiting::default();
    for key in keys.iter().collect::<BTreeSet<_>>() {
        let there = async {
            place_of(lake, key)?;
            lake.raw.head(key).await?.ok_or_else(|| Error::Gone { url: lake.raw.url(key) })
        };
        match there.await {
            Ok(_) => waiting.keys.push(key.clone()),
            Err(error) => waiting.failed.push(error),
        }
    }
    Ok(waiting)
}

fn waiting_of(found: Survey, prune: bool) -> Waiting {
    let mut waiting = Waiting::default();
    for gone in found.gone.iter().filter(|_| !prune) {
        if let Some(refused) = gone.refused() {
            waiting.failed.push(refused);
            waiting.kept.extend_from_slice(&gone.raw_keys);
        }
    }
    waiting.failed.extend(found.broken());
    let Survey { todo: keys, up_to_date, odd, gone, ignored, .. } = found;
    let gone = gone.into_iter().flat_map(|gone| gone.raw_keys).collect();
    Waiting { keys, gone, odd, up_to_date, ignored, ..waiting }
}
