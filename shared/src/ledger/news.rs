//! What may have changed in the ledger lately: before the entry of a raw object is written or removed, its key is noted,
//! under the time. Who has a snapshot needs what was noted since it was made, and no list of a million entries.
//!
//! A note says that an entry may have changed, and nothing else: what it is now is in the entry. Notes are kept where lists
//! cost, in object storage, and not in a folder.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt};

use super::{CONCURRENT_READS, Ledger};
use crate::error::Result;
use crate::keys;
use crate::store::Condition;

/// How long before its commit a change may have been noted, whatever clocks say.
pub(super) const SLACK: TimeDelta = TimeDelta::minutes(30);
/// How much longer notes are kept: a run that has the snapshot before the last one may still read them.
const KEPT: TimeDelta = TimeDelta::days(1);
/// More entries are not fetched one by one, but one of so many that there are: a list costs as much.
const MOST: usize = 1_000;
const SHARE: usize = 100;
/// A process that has just noted a key does not note it again for each of the writes that follow. By the time of day: a
/// function stands still between its calls, and its other clocks may as well.
const FRESH: TimeDelta = TimeDelta::minutes(5);
/// How many keys a process remembers to have noted.
const REMEMBERED: usize = 256;

/// A key and when it was noted.
type Note = (String, DateTime<Utc>);

/// The keys that this process has noted lately. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted(Arc<Mutex<VecDeque<Note>>>);

impl Noted {
    fn has(&self, key: &str, now: DateTime<Utc>) -> bool {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.iter().any(|(known, at)| known == key && *at <= now && now - *at < FRESH)
    }

    fn add(&self, key: &str, now: DateTime<Utc>) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= REMEMBERED {
            noted.pop_front();
        }
        noted.push_back((key.to_owned(), now));
    }
}

impl Ledger {
    /// Notes that the entry of a raw object is about to be written or removed.
    pub(super) async fn note(&self, ledger_key: &str) -> Result<()> {
        let now = Utc::now();
        if self.store.is_local() || self.few == usize::MAX || self.noted.has(ledger_key, now) {
            return Ok(());
        }
        if let Some(note) = keys::note(ledger_key, now) {
            self.store.put(&note, Bytes::new(), Condition::Always).await?;
            self.noted.add(ledger_key, now);
        }
        Ok(())
    }

    /// The ledger keys of what may have changed in a dataset since its snapshot of so many rows was made. `None`: more than
    /// is worth fetching.
    pub(super) async fn noted_since(
        &self,
        dataset: &str,
        since: DateTime<Utc>,
        rows: usize,
    ) -> Result<Option<BTreeSet<String>>> {
        let after = keys::notes(dataset, Some(since - SLACK));
        let notes = self.store.names_after(&keys::notes(dataset, None), &after).await?;
        let noted: BTreeSet<String> = notes.iter().filter_map(|note| keys::noted(dataset, note)).collect();
        Ok(Some(noted).filter(|noted| noted.len() <= MOST + rows / SHARE))
    }

    /// Removes the notes that no snapshot needs which replaced one of this time.
    pub(super) async fn forget_notes(&self, dataset: &str, replaced: DateTime<Utc>) -> Result<()> {
        let kept = keys::notes(dataset, Some(replaced - SLACK - KEPT));
        let notes = self.store.names(&keys::notes(dataset, None)).await?;
        let old = notes.into_iter().filter(|note| *note < kept);
        let delete = |note: String| async move { self.store.delete(&note, Condition::Always).await };
        Ok(futures::stream::iter(old.map(delete)).buffer_unordered(CONCURRENT_READS).try_collect::<()>().await?)
    }
}
