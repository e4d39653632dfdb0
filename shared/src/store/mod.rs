//! Object storage: one [`Store`] per zone, in an S3 bucket or in a local folder.
//!
//! Both kinds keep the same promises, and one test suite (`tests/integration/tests/store.rs`) holds them to it:
//!
//! * an object appears whole or not at all, whenever the writing process is killed;
//! * a write can be made conditional on the object being absent or unchanged;
//! * an ETag changes when, and only when, the bytes do (S3: as S3 makes it; local: XXH3-128 of the bytes).

mod local;
mod s3;
mod url;

use std::fs::File;
use std::io::Read;
use std::ops::Range;

use bytes::Bytes;
use chrono::{DateTime, Utc};

pub use self::s3::Client as S3Client;
pub use self::url::StoreUrl;

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The key within the store, `/`-separated, without the store's own prefix.
    pub key: String,
    /// Size in bytes.
    pub bytes: u64,
    /// The store's entity tag, without quotes.
    pub etag: String,
    /// When the object was last written.
    pub last_modified: DateTime<Utc>,
    /// The version, where the store keeps versions.
    pub version: Option<String>,
}

/// Under which condition a write may happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Whatever is there is replaced.
    Always,
    /// Nothing may be there.
    Absent,
    /// What is there must have this ETag.
    Unchanged(String),
}

/// What kind of failure a store reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// There is no such object (or bucket, or folder).
    NotFound,
    /// The write's [`Condition`] did not hold: an answer, not a fault.
    Condition,
    /// The store does not let us.
    Denied,
    /// The network or the service had a bad moment; a retry can help.
    Transient,
    /// Anything else; a retry will not help.
    Other,
}

/// A failed operation on one object.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} {url}: {why}")]
pub struct StoreError {
    /// The kind of failure.
    pub failure: Failure,
    /// The operation in words, as in "failed to {action}".
    pub action: &'static str,
    /// The object's URL.
    pub url: String,
    /// What the store said.
    pub why: String,
}

impl StoreError {
    /// Whether the same operation may succeed later.
    pub fn can_retry(&self) -> bool {
        self.failure == Failure::Transient
    }
}

type Result<T> = std::result::Result<T, StoreError>;

/// A zone's storage.
#[derive(Debug, Clone)]
pub enum Store {
    /// A bucket, or a prefix of one.
    S3(s3::S3Store),
    /// A folder.
    Local(local::LocalStore),
}

impl Store {
    /// The store at `url`. Opening makes no request; `client` is used by S3 stores only.
    pub fn open(url: &StoreUrl, client: &S3Client) -> Self {
        match url {
            StoreUrl::S3 { bucket, prefix } => Store::S3(s3::S3Store::new(client.clone(), bucket, prefix)),
            StoreUrl::File(path) => Store::Local(local::LocalStore::new(path)),
        }
    }

    /// The URL of an object, for people.
    pub fn url(&self, key: &str) -> String {
        match self {
            Store::S3(store) => store.url(key),
            Store::Local(store) => store.url(key),
        }
    }

    /// All objects whose key begins with `prefix`, sorted by key. Names that begin with a dot are not objects.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        match self {
            Store::S3(store) => store.list(prefix).await,
            Store::Local(store) => store.list(prefix).await,
        }
    }

    /// What is known of one object; `None` if there is none.
    pub async fn head(&self, key: &str) -> Result<Option<Object>> {
        match self {
            Store::S3(store) => store.head(key).await,
            Store::Local(store) => store.head(key).await,
        }
    }

    /// One object whole, in memory; `None` if there is none. For small objects: use [`Store::read`] for others.
    pub async fn get(&self, key: &str) -> Result<Option<(Object, Bytes)>> {
        match self {
            Store::S3(store) => store.get(key).await,
            Store::Local(store) => store.get(key).await,
        }
    }

    /// Some bytes of an object.
    pub async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        match self {
            Store::S3(store) => store.get_range(key, range).await,
            Store::Local(store) => store.get_range(key, range).await,
        }
    }

    /// A blocking reader over an object's bytes, in bounded memory; `None` if there is none.
    /// The reader must be used off the async threads (`spawn_blocking`).
    pub async fn read(&self, key: &str) -> Result<Option<(Object, Box<dyn Read + Send>)>> {
        match self {
            Store::S3(store) => store.read(key).await,
            Store::Local(store) => store.read(key).await,
        }
    }

    /// Writes an object from memory and tells what was written.
    pub async fn put(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<Object> {
        match self {
            Store::S3(store) => store.put(key, bytes, &condition).await,
            Store::Local(store) => store.put(key, bytes, condition).await,
        }
    }

    /// Writes an object from a file of any size (from its beginning), in bounded memory.
    pub async fn put_file(&self, key: &str, file: File) -> Result<Object> {
        match self {
            Store::S3(store) => store.put_file(key, file).await,
            Store::Local(store) => store.put_file(key, file).await,
        }
    }

    /// Deletes an object; deleting what is not there succeeds.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match self {
            Store::S3(store) => store.delete(key).await,
            Store::Local(store) => store.delete(key).await,
        }
    }

    /// What killed writers left behind in a local folder. S3 has none: a bucket's lifecycle rule ends aborted uploads.
    pub async fn leftovers(&self) -> Result<Vec<String>> {
        match self {
            Store::S3(_) => Ok(Vec::new()),
            Store::Local(store) => store.leftovers(false).await,
        }
    }

    /// Removes what killed writers left behind, never what a live one is writing; tells what was removed.
    pub async fn remove_leftovers(&self) -> Result<Vec<String>> {
        match self {
            Store::S3(_) => Ok(Vec::new()),
            Store::Local(store) => store.leftovers(true).await,
        }
    }
}
