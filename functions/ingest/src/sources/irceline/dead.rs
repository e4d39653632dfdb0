//! Series that the API lists but does not know: remembered for some days, so that they are not searched for each night.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use lake::ledger::timestamp;
use lake::store::Store;

use super::NAME;
use crate::error::Result;
use crate::raw;

/// A hidden raw object: no table looks at it.
const FILE: &str = "_dead.json";

/// The series that were unknown when they were last asked for, and when that was.
pub struct Dead {
    found: BTreeMap<String, String>,
    now: DateTime<Utc>,
    remember_for: TimeDelta,
}

impl Dead {
    /// Reads what earlier runs found. An object that is not readable costs a search only.
    pub async fn read(store: &Store, now: DateTime<Utc>, days: u32) -> Result<Self> {
        let there = store.get(&key()).await?;
        let found = there.map(|(_, bytes)| parse(&bytes)).unwrap_or_default();
        Ok(Self { found, now, remember_for: TimeDelta::days(i64::from(days)) })
    }

    /// Whether a series need not be asked for.
    pub fn has(&self, id: &str) -> bool {
        let found = self.found.get(id).and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        found.is_some_and(|found| (TimeDelta::zero()..self.remember_for).contains(&(self.now - found.to_utc())))
    }

    /// Notes which series were unknown, and which of those of earlier runs were answered.
    pub async fn note(&self, store: &Store, unknown: &BTreeSet<String>, alive: &BTreeSet<String>) -> Result<()> {
        let unknown: BTreeSet<&String> = unknown.iter().filter(|_| !self.remember_for.is_zero()).collect();
        if unknown.is_empty() && !alive.iter().any(|id| self.found.contains_key(id)) {
            return Ok(());
        }
        raw::rewrite(store, &key(), |there| {
            let mut found = there.map(|bytes| parse(bytes)).unwrap_or_default();
            found.retain(|id, _| !alive.contains(id));
            found.extend(unknown.iter().map(|id| ((*id).clone(), timestamp(self.now))));
            Ok((Bytes::from(serde_json::to_vec(&found).unwrap_or_default()), ()))
        })
        .await?;
        Ok(())
    }
}

fn key() -> String {
    format!("{NAME}/{FILE}")
}

fn parse(bytes: &[u8]) -> BTreeMap<String, String> {
    serde_json::from_slice(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use lake::store::S3Client;

    use super::*;

    #[tokio::test]
    async fn dead_series_are_remembered_for_some_days() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("file:{}", folder.path().display()).parse().unwrap(), &S3Client::default());
        let set = |ids: &[&str]| -> BTreeSet<String> { ids.iter().map(|id| (*id).to_owned()).collect() };
        let at = async |time: &str| Dead::read(&store, time.parse().unwrap(), 7).await.unwrap();
        let dead = at("2026-11-18T05:00:00Z").await;
        dead.note(&store, &set(&[]), &set(&["1"])).await.unwrap();
        assert!(store.head(&key()).await.unwrap().is_none(), "nothing is dead");
        dead.note(&store, &set(&["1", "2"]), &set(&["3"])).await.unwrap();
        assert!(lake::keys::is_hidden(&key()));
        let dead = at("2026-11-25T04:59:00Z").await;
        assert!(dead.has("1") && dead.has("2") && !dead.has("3"));
        let dead = at("2026-11-25T05:00:00Z").await;
        assert!(!dead.has("1") && !dead.has("2"), "asked for again");
        dead.note(&store, &set(&["1"]), &set(&["2"])).await.unwrap();
        let dead = at("2026-11-26T05:00:00Z").await;
        assert!(dead.has("1") && !dead.has("2"));
        let never = Dead::read(&store, "2026-11-26T05:00:00Z".parse().unwrap(), 0).await.unwrap();
        assert!(!never.has("1"));
    }
}
