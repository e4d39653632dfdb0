//! Deletions go through this module, which states their guards.
//!
//! * Only the state of an object that was looked at is deleted, and only if its ledger entry, read again after that
//!   look, still allows it.
//! * A raw object is gone only if its zone's root is there, a look finds no object, and so does a list: the answer to a
//!   look at an object of a missing bucket is the same as to one at a missing object.
//! * When many raw objects of a dataset are gone at once, that is more likely an unmounted disk or a mistyped URL than
//!   a wish: nothing is removed until the caller says that it is meant.
//! * A sweep leaves alone what is younger than an hour: a writer may not have named it yet.

use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::keys;
use crate::lake::Lake;
use crate::partition::Partition;
use crate::settings::Zone;
use crate::store::{Condition, Failure, Object, Store};

/// How old an object must be before a sweep removes it.
const SWEEP_AGE: TimeDelta = TimeDelta::hours(1);
/// Fewer raw objects than this may always be gone, unless they are all.
const FEW: u64 = 10;
/// One in so many may be gone.
const SHARE: u64 = 10;

/// Why an object is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its ledger entry says that it is replaced by others.
    Retired,
    /// The raw object that it was made of is gone.
    RawGone,
    /// No ledger entry names it.
    Orphan,
    /// It was a step on the way to a partition that is there by now, or to none.
    Used,
}

/// Deletes the state of an object that is there now if `may_go` is true, which is asked after that state was looked at.
/// Returns whether the object is gone; another writer's state stays.
pub async fn delete(store: &Store, key: &str, why: Why, may_go: impl Future<Output = Result<bool>>) -> Result<bool> {
    let Some(there) = store.head(key).await? else { return Ok(true) };
    if !may_go.await? {
        return Ok(false);
    }
    tracing::info!(url = %store.url(key), ?why, "deleting an object");
    match store.delete(key, Condition::Unchanged(there.etag)).await {
        Ok(()) => Ok(true),
        Err(error) if error.failure == Failure::Condition => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether an object is gone for certain. An error if its zone's root is not there.
pub async fn is_gone(store: &Store, zone: Zone, key: &str) -> Result<bool> {
    if store.head(key).await?.is_some() {
        return Ok(false);
    }
    ensure_root(store, zone).await?;
    Ok(store.list(key).await?.iter().all(|object| object.key != key))
}

/// Fails if a zone's folder or bucket is not there. A zone that the ledger has entries of is not empty.
pub async fn ensure_root(store: &Store, zone: Zone) -> Result<()> {
    if store.root_is_there().await? {
        return Ok(());
    }
    Err(Error::Guard(format!(
        "the {} zone {} is not there, but the ledger has entries of its objects: is a disk not mounted, or {} mistyped? \
         Nothing was deleted. What is made of raw objects, `tributary clean --all` and `tributary aggregate --all` make again",
        zone.name(),
        store.url(""),
        zone.variable()
    )))
}

/// Whether so many of a dataset's known raw objects are gone at once that nothing is removed on a guess.
pub fn too_many_gone(gone: u64, known: u64) -> bool {
    gone > 0 && (gone >= known || gone >= FEW && gone.saturating_mul(SHARE) > known)
}

/// Refuses to remove what was made of raw objects that are gone.
pub fn refuse_gone(dataset: &str, gone: u64, known: u64) -> Error {
    Error::Guard(format!(
        "{gone} of {known} raw objects of dataset {dataset} are gone at once: nothing of it is removed; if they were \
         deleted on purpose, run `tributary clean --dataset {dataset} --prune` (in an event: \"prune\": true)"
    ))
}

/// Refuses to sweep away so many objects of one zone that a lost ledger is more likely than so many leftovers. `known`
/// counts the orphans as well.
pub fn check_sweep(store: &Store, dataset: &str, orphans: u64, known: u64) -> Result<()> {
    if !too_many_gone(orphans, known) {
        return Ok(());
    }
    Err(Error::Guard(format!(
        "{orphans} of {known} objects below {} are in no ledger entry: none of them is removed; is LEDGER_URL right, and \
         are all raw objects there? `tributary clean --all --dataset {dataset}` makes lost entries again, and with --prune \
         removes what is left",
        store.url(&format!("{dataset}/"))
    )))
}

/// Fails if a dataset's tables have objects, and the ledger has no entry of the dataset: then its URL is more likely
/// mistyped than the lake empty. To be asked where no entry was found.
pub async fn ensure_ledger(lake: &Lake, dataset: &Dataset) -> Result<()> {
    let objects = lake.standard.list(&format!("{}/", dataset.name)).await?;
    let made = objects.iter().filter(|object| is_made(dataset, Zone::Standard, &object.key)).count();
    if made == 0 {
        return Ok(());
    }
    Err(Error::Guard(format!(
        "the ledger {} has no entry of dataset {}, but {made} objects of its tables are in {}: is LEDGER_URL right? If so, \
         run `tributary clean` first: it makes lost entries again",
        lake.store(Zone::Ledger).url(""),
        dataset.name,
        lake.standard.url("")
    )))
}

/// Whether an object is old enough for a sweep.
pub fn may_sweep(object: &Object, now: DateTime<Utc>) -> bool {
    now.signed_duration_since(object.last_modified) > SWEEP_AGE
}

/// Whether the writers that announced what an entry names are gone for certain, by the age of the entry's own object: no
/// function runs that long, and a longer job would have committed since.
pub fn is_abandoned(entry: &Object) -> bool {
    may_sweep(entry, Utc::now())
}

/// Whether a table or a model of a dataset makes objects of this kind at this place in a zone: other engines read them
/// with its own. A sweep touches no others.
pub fn is_made(dataset: &Dataset, zone: Zone, key: &str) -> bool {
    let of = |name: &str| key.strip_prefix(&format!("{}/{name}/", dataset.name)).map(str::to_owned);
    let is_partition = |folder: &str| folder.parse::<Partition>().is_ok();
    match zone {
        Zone::Standard => dataset.tables.iter().filter_map(|table| of(&table.name)).any(|rest| {
            let (folder, file) = rest.rsplit_once('/').unwrap_or(("", &rest));
            is_partition(folder) && file.ends_with(".parquet")
        }),
        Zone::Rejection => dataset
            .tables
            .iter()
            .filter_map(|table| of(&table.name))
            .any(|rest| !rest.contains('/') && rest.ends_with(".ndjson")),
        Zone::Consumption => dataset.models.iter().any(|model| {
            let is_file = || model.files().iter().any(|(_, name)| keys::consumption_file(&dataset.name, name) == key);
            let is_data = of(&model.name).is_some_and(|rest| {
                let (folder, file) = rest.rsplit_once('/').unwrap_or(("", &rest));
                is_partition(folder) && file.ends_with(".parquet")
            });
            is_data || is_file()
        }),
        Zone::Raw | Zone::Ledger => false,
    }
}

/// Deletes an object that no ledger entry names, if it is old enough and one that the dataset makes. `is_named` looks into
/// the ledger once more, after the object's state was looked at. Returns whether it was deleted.
pub async fn sweep(
    store: &Store,
    zone: Zone,
    dataset: &Dataset,
    object: &Object,
    now: DateTime<Utc>,
    is_named: impl Future<Output = Result<bool>>,
) -> Result<bool> {
    if !is_made(dataset, zone, &object.key) || !may_sweep(object, now) {
        return Ok(false);
    }
    let may_go = async {
        let is_old = store.head(&object.key).await?.is_some_and(|there| may_sweep(&there, now));
        Ok(is_old && !is_named.await?)
    };
    delete(store, &object.key, Why::Orphan, may_go).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{S3Client, StoreUrl};

    #[test]
    fn a_tenth_and_at_least_ten_or_all() {
        for (gone, known, many) in [
            (0, 0, false),
            (1, 1, true),
            (1, 2, false),
            (9, 10, false),
            (10, 100, false),
            (10, 99, true),
            (11, 100, true),
        ] {
            assert_eq!(too_many_gone(gone, known), many, "{gone} of {known}");
        }
    }

    #[test]
    fn only_keys_that_tables_and_models_make_are_swept() {
        let catalog = crate::dataset::Catalog::built_in();
        let dataset = catalog.dataset("illuminate").unwrap();
        for (zone, key, made) in [
            (Zone::Standard, "illuminate/roster/x.parquet", true),
            (Zone::Standard, "illuminate/result_group/year=24-25/x.parquet", true),
            (Zone::Standard, "illuminate/result_group/mine/x.parquet", false),
            (Zone::Standard, "illuminate/other/x.parquet", false),
            (Zone::Rejection, "illuminate/roster/x.ndjson", true),
            (Zone::Rejection, "illuminate/roster/a/x.ndjson", false),
            (Zone::Consumption, "illuminate/assessment_results_group/year=24-25/data.parquet", true),
            (Zone::Consumption, "illuminate/assessment_results_group/year=24-25/old.parquet", true),
            (Zone::Consumption, "illuminate/assessment_results_group/year=24-25/mine.csv", false),
            (Zone::Consumption, "illuminate/assessment_results_group_historical.csv", true),
            (Zone::Consumption, "illuminate/mine.csv", false),
            (Zone::Raw, "illuminate/roster/x.parquet", false),
        ] {
            assert_eq!(is_made(dataset, zone, key), made, "{key}");
        }
    }

    fn local(path: &std::path::Path) -> Store {
        Store::open(&StoreUrl::File(path.to_owned()), &S3Client::default())
    }

    #[tokio::test]
    async fn only_the_state_that_was_looked_at_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let store = local(folder.path());
        store.put("a", "1".into(), Condition::Always).await.unwrap();
        let replaced = async {
            store.put("a", "2".into(), Condition::Always).await?;
            Ok(true)
        };
        assert!(!delete(&store, "a", Why::Retired, replaced).await.unwrap());
        assert!(store.head("a").await.unwrap().is_some());
        assert!(!delete(&store, "a", Why::Retired, async { Ok(false) }).await.unwrap());
        assert!(delete(&store, "a", Why::Retired, async { Ok(true) }).await.unwrap());
        assert!(store.head("a").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn nothing_is_gone_from_a_root_that_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let there = local(folder.path());
        assert!(is_gone(&there, Zone::Raw, "a/b").await.unwrap());
        let missing = local(&folder.path().join("unmounted"));
        let error = is_gone(&missing, Zone::Raw, "a/b").await.unwrap_err();
        assert!(error.to_string().contains("unmounted") && error.to_string().contains("RAW_URL"), "{error}");
    }
}
