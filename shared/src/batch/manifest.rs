//! What a job is to do: a list of shares, kept in the lake as `batch/<id>.json`.

use bytes::Bytes;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::hash;
use crate::partition::Partition;
use crate::store::{Condition, Failure, Store};

/// The most children that AWS Batch lets an array job have.
const MOST_CHILDREN: usize = 10_000;

/// What one child of a job does. Each can be done again, and beside the functions, at no harm: what was done is not
/// written a second time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Share {
    /// Fetches a window of a source.
    Ingest {
        /// The source.
        source: String,
        /// The first local day.
        from: NaiveDate,
        /// The local day after the last.
        to: NaiveDate,
        /// Whether what the API no longer has is given up in the raw zone too.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        accept_loss: bool,
    },
    /// Fetches a window of a source and cleans the raw objects of its days.
    Backfill {
        /// The source.
        source: String,
        /// The first local day.
        from: NaiveDate,
        /// The local day after the last.
        to: NaiveDate,
    },
    /// Cleans raw objects.
    Clean {
        /// Their keys.
        keys: Vec<String>,
    },
    /// Makes partitions of a model, those that are stale by then.
    Aggregate {
        /// The dataset.
        dataset: String,
        /// The model.
        model: String,
        /// The partitions.
        partitions: Vec<Partition>,
    },
    /// Makes one shard of a partition; what makes the partition joins them.
    Shard {
        /// The dataset.
        dataset: String,
        /// The model.
        model: String,
        /// The partition.
        partition: Partition,
        /// Which one.
        number: u64,
        /// Of how many.
        of: u64,
    },
    /// Cleans what is left of a dataset, and brings its models up to date: the end of a backfill.
    Finish {
        /// The dataset.
        dataset: String,
    },
}

/// The shares of one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What the job is for, for people.
    pub title: String,
    /// Its shares.
    pub shares: Vec<Share>,
}

impl Manifest {
    /// How many children the job has; one is no array.
    pub fn children(&self) -> usize {
        self.shares.len().min(MOST_CHILDREN)
    }

    /// What the child with this index does; beyond 10,000 shares it is every ten thousandth.
    pub fn shares_of(&self, index: usize) -> impl Iterator<Item = &Share> {
        self.shares.iter().skip(index).step_by(self.children().max(1))
    }

    /// Writes the manifest, and tells its id: the hash of its text, so that the same work has the same manifest, and
    /// one that a job may still read is never replaced by another.
    pub(super) async fn write(&self, store: &Store) -> Result<String> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| Error::Usage(error.to_string()))?;
        text.push(b'\n');
        let id = hash::bytes(&text);
        match store.put(&key(&id), Bytes::from(text), Condition::Absent).await {
            Err(error) if error.failure != Failure::Condition => Err(error.into()),
            _ => Ok(id),
        }
    }

    /// Reads the manifest with this id.
    pub async fn read(store: &Store, id: &str) -> Result<Self> {
        let key = key(id);
        let Some((_, text)) = store.get(&key).await? else {
            let url = store.url(&key);
            return Err(Error::Usage(format!(
                "there is no manifest {url}: is LAKE_URL that of the lake it was made for?"
            )));
        };
        serde_json::from_slice(&text).map_err(|error| {
            let url = store.url(&key);
            Error::Usage(format!(
                "manifest {url} is not readable ({error}): was it made by another version? Submit the work again"
            ))
        })
    }
}

fn key(id: &str) -> String {
    format!("{id}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(shares: usize) -> Manifest {
        let share = |number| Share::Clean { keys: vec![format!("d/{number}")] };
        Manifest { title: "clean".to_owned(), shares: (0..shares).map(share).collect() }
    }

    #[test]
    fn children_share_everything_and_nothing_twice() {
        for shares in [1, 2, 9_999, 10_000, 10_001, 25_000] {
            let manifest = manifest(shares);
            let children = manifest.children();
            assert!(children <= 10_000);
            let mut taken: Vec<&Share> = (0..children).flat_map(|index| manifest.shares_of(index)).collect();
            assert_eq!(taken.len(), shares);
            taken.sort_by_key(|share| format!("{share:?}"));
            taken.dedup();
            assert_eq!(taken.len(), shares);
            assert!((0..children).all(|index| manifest.shares_of(index).next().is_some()));
        }
    }

    #[test]
    fn shares_are_written_as_they_are_read() {
        let text = r#"{"title": "x", "shares": [{"do": "backfill", "source": "irceline", "from": "2026-11-01", "to": "2026-11-08"}]}"#;
        let manifest: Manifest = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&serde_json::to_string(&manifest).unwrap()).unwrap(), manifest);
        assert!(serde_json::from_str::<Manifest>(r#"{"title": "x", "shares": [{"do": "fly"}]}"#).is_err());
    }
}
