//! Objects that entries count, and how they are written.

use std::fs::File;
use std::future::Future;
use std::io::{self, Seek};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::draft::{Content, Drafted};
use crate::error::Result;
use crate::partition::Partition;
use crate::store::{By, Condition, Failure, Fingerprints, Object, State, Store, StoreError};

/// An object that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The key in its zone.
    pub key: String,
    /// The partition it belongs to.
    pub partition: Partition,
    /// Rows in it.
    pub rows: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// The store's ETag.
    pub etag: String,
    /// XXH3-128 of its bytes, whatever the store.
    pub hash: String,
    /// First and last local day of its rows, where the table has a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// First and last time of its rows in the key's time column ([`crate::dataset::Table::key_time`]), in microseconds
    /// from 1970 UTC: objects whose times lie apart have no key in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<(i64, i64)>,
    /// Lists of columns by each of which its rows ascend, without nulls in any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Vec<String>>,
}

/// The objects that a zone holds of one dataset.
#[derive(Debug)]
pub struct Objects(Fingerprints);

impl Objects {
    /// Lists them.
    pub async fn list(store: &Store, dataset: &str) -> Result<Self> {
        // By what files of a folder are known again in a list is not in any entry.
        Ok(Self(store.fingerprints(&format!("{dataset}/"), By::Etag).await?))
    }

    /// Whether an output is there as its entry says.
    pub fn have(&self, output: &Output) -> bool {
        self.0.have(&output.key, State::of_etag(&output.etag))
    }
}

/// Writes an output unless the same bytes are there already, as `known` of an earlier entry and the store both say.
///
/// What is replaced is the state that `known` names, or none. Where the store has another one, `is_ours` decides whether
/// the entry is still the one that `known` is of: then that state is damaged, or a killed writer's, and is replaced.
/// Else another writer was first, which is [`Failure::Condition`].
pub async fn put_output(
    store: &Store,
    key: String,
    mut file: File,
    partition: Partition,
    rows: u64,
    known: Option<&Output>,
    is_ours: impl Future<Output = Result<bool>>,
) -> Result<Output> {
    let measure = move || {
        file.rewind()?;
        let (hash, bytes) = crate::hash::reader(&mut file)?;
        Ok((file, hash, bytes))
    };
    let measured = crate::work::run(measure).await.map_err(io::Error::other).and_then(|result| result);
    let (file, hash, bytes) = measured.map_err(|error| StoreError {
        failure: Failure::Other,
        action: "write",
        url: store.url(&key),
        why: error.to_string(),
    })?;
    let drafted = Drafted { hash, bytes, content: Content::File(file) };
    put_draft(store, key, drafted, partition, rows, known, is_ours).await
}

/// The same for an output that was hashed while it was made.
pub async fn put_draft(
    store: &Store,
    key: String,
    drafted: Drafted,
    partition: Partition,
    rows: u64,
    known: Option<&Output>,
    is_ours: impl Future<Output = Result<bool>>,
) -> Result<Output> {
    let Drafted { hash, bytes, content } = drafted;
    let etag = match known.filter(|known| known.hash == hash) {
        Some(known) if store.head(&key).await?.is_some_and(|there| there.etag == known.etag) => known.etag.clone(),
        _ => put_over(store, &key, content, known, is_ours).await?.etag,
    };
    Ok(Output { key, partition, rows, bytes, etag, hash, days: None, times: None, orders: Vec::new() })
}

async fn put_over(
    store: &Store,
    key: &str,
    content: Content,
    known: Option<&Output>,
    is_ours: impl Future<Output = Result<bool>>,
) -> Result<Object> {
    let condition = |etag: Option<String>| etag.map_or(Condition::Absent, Condition::Unchanged);
    let again = content.try_clone();
    let lost = match put(store, key, content, condition(known.map(|known| known.etag.clone()))).await {
        Err(error) if error.failure == Failure::Condition => error,
        written => return Ok(written?),
    };
    if !is_ours.await? {
        return Err(lost.into());
    }
    let there = store.head(key).await?.map(|there| there.etag);
    let again = again.map_err(|error| StoreError { failure: Failure::Other, why: error.to_string(), ..lost })?;
    Ok(put(store, key, again, condition(there)).await?)
}

async fn put(store: &Store, key: &str, content: Content, condition: Condition) -> Result<Object, StoreError> {
    match content {
        Content::Memory(bytes) => store.put(key, bytes, condition).await,
        Content::File(file) => store.put_file(key, file, condition).await,
    }
}
