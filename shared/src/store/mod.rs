//! Object storage: one [`Store`] per zone, in an S3 bucket or in a local folder.
//!
//! Both kinds keep the same promises, and one test suite (`tests/integration/tests/store.rs`) holds them to it:
//!
//! * an object appears whole or not at all, whenever the writing process is killed;
//! * a write can be made conditional on the object being absent or unchanged;
//! * an ETag changes when, and only when, the bytes do (S3: as S3 makes it; local: XXH3-128 of the bytes);
//! * bytes are read of one state of an object: of the ETag that is asked for, or of the one that is returned.

mod local;
mod reading;
mod s3;
mod states;
pub mod steps;
mod url;

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

pub use self::reading::{Body, Reading};
pub use self::s3::Client as S3Client;
pub use self::states::{Fingerprints, Keys, Known, Listed, Listing, Seen, State, States};
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

/// Begins what stands in place of the ETag of an object that cannot be read.
const UNREADABLE: &str = "unreadable: ";

impl Object {
    /// An object that is listed but cannot be read, such as a named pipe in a local folder: the reason stands in place
    /// of its ETag, which therefore is no other object's. A folder that cannot be read has a key that ends in a slash.
    pub fn unreadable(key: String, why: impl std::fmt::Display) -> Self {
        let etag = format!("{UNREADABLE}{why}");
        Self { key, bytes: 0, etag, last_modified: DateTime::UNIX_EPOCH, version: None }
    }

    /// Why the object cannot be read, if it cannot.
    pub fn problem(&self) -> Option<&str> {
        self.etag.strip_prefix(UNREADABLE)
    }
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
    /// The write's or deletion's [`Condition`] did not hold: an answer, not a fault.
    Condition,
    /// The object is not in the state that was to be read: another writer replaced it, or it is damaged.
    Changed,
    /// The store does not let us.
    Denied,
    /// A setting is wrong or missing, such as the region or the credentials: the user's to mend.
    Setting,
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

/// The result type of all stores.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// By what the objects of a list are known again. Where a list has ETags, it is always these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// By their ETags: locally, files are read for it, but those that are as they were when they were read last.
    Etag,
    /// By their ETags: locally, every file is read for it, now.
    Proven,
    /// Those of these keys by their ETags; the others may have the state of nothing.
    EtagOf(Known),
    /// Locally, by what changes with a file: no file is read.
    Change,
}

/// Is called for each object of a list.
pub type Visit = Box<dyn FnMut(Listed<'_>) + Send>;

/// What a kind of storage does; [`Store`] documents each operation.
#[async_trait]
pub trait Backend: std::fmt::Debug + Send + Sync {
    /// See [`Store::url`].
    fn url(&self, key: &str) -> String;
    /// See [`Store::list`].
    async fn list(&self, prefix: &str) -> Result<Vec<Object>>;
    /// See [`Store::head`].
    async fn head(&self, key: &str) -> Result<Option<Object>>;
    /// See [`Store::get`].
    async fn get(&self, key: &str) -> Result<Option<(Object, Bytes)>>;
    /// See [`Store::get_range`].
    async fn get_range(&self, key: &str, etag: &str, range: Range<u64>) -> Result<Bytes>;
    /// See [`Store::read`].
    async fn read(&self, key: &str) -> Result<Option<Reading>>;
    /// See [`Store::put`].
    async fn put(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<Object>;
    /// See [`Store::put_file`].
    async fn put_file(&self, key: &str, file: File, condition: Condition) -> Result<Object>;
    /// See [`Store::delete`].
    async fn delete(&self, key: &str, condition: Condition) -> Result<()>;
    /// See [`Store::root_is_there`].
    async fn root_is_there(&self) -> Result<bool> {
        Ok(true)
    }
    /// See [`Store::is_replaced`].
    async fn is_replaced(&self, key: &str, etag: &str) -> Result<bool> {
        Ok(self.head(key).await?.is_some_and(|now| now.etag != etag))
    }
    /// Visits what [`Store::list`] lists, in any order, with states by what `by` says.
    async fn visit(&self, prefix: &str, by: By, mut visit: Visit) -> Result<()> {
        let _ = by;
        self.list(prefix).await?.iter().for_each(|object| visit(object.into()));
        Ok(())
    }
    /// See [`Store::is_local`].
    fn is_local(&self) -> bool {
        false
    }
    /// See [`Store::names`].
    async fn names(&self, prefix: &str) -> Result<Vec<String>> {
        Ok(self.list(prefix).await?.into_iter().map(|object| object.key).collect())
    }
    /// See [`Store::names_after`].
    async fn names_after(&self, prefix: &str, after: &str) -> Result<Vec<String>> {
        Ok(self.names(prefix).await?.into_iter().filter(|name| name.as_str() > after).collect())
    }
    /// See [`Store::top`].
    async fn top(&self) -> Result<Vec<String>> {
        let first = |key: String| match key.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => key,
        };
        let mut names: Vec<String> = self.names("").await?.into_iter().map(first).collect();
        names.dedup();
        Ok(names)
    }
    /// See [`Store::exists`].
    async fn exists(&self) -> Result<bool> {
        Ok(true)
    }
    /// See [`Store::leftovers`].
    async fn leftovers(&self, remove: bool) -> Result<Vec<String>>;

    /// See [`Store::a_writer_died`].
    async fn a_writer_died(&self) -> Result<bool> {
        Ok(true)
    }
}

/// A zone's storage.
#[derive(Debug, Clone)]
pub struct Store(Arc<dyn Backend>);

impl Store {
    /// The store at `url`. Opening makes no request; `client` is used by S3 stores only.
    pub fn open(url: &StoreUrl, client: &S3Client) -> Self {
        Self::open_with_memory(url, client, None)
    }

    /// The same; a local store remembers the hashes of large files in the file `memory`.
    pub fn open_with_memory(url: &StoreUrl, client: &S3Client, memory: Option<PathBuf>) -> Self {
        match url {
            StoreUrl::S3 { bucket, prefix } => Self::of(s3::S3Store::new(client.clone(), bucket, prefix)),
            StoreUrl::File(path) => Self::of(local::LocalStore::new(path, memory)),
        }
    }

    /// A store of any kind.
    pub fn of(backend: impl Backend + 'static) -> Self {
        Self(Arc::new(backend))
    }

    /// The URL of an object, for people.
    pub fn url(&self, key: &str) -> String {
        self.0.url(key)
    }

    /// All objects whose key begins with `prefix`, sorted by key. Names that begin with a dot are not objects.
    ///
    /// What a local folder holds but cannot be read is listed as [`Object::unreadable`], so that it stops no other. The
    /// ETag of a large local file may be one that was remembered: see [`By`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        self.0.list(prefix).await
    }

    /// What is gathered from the same list, without holding it.
    pub async fn gather<T: Default + Send + 'static>(
        &self,
        prefix: &str,
        by: By,
        into: T,
        push: impl Fn(&mut T, Listed<'_>) + Send + 'static,
    ) -> Result<T> {
        let gathered = Arc::new(Mutex::new(into));
        let inner = Arc::clone(&gathered);
        let visit = move |listed: Listed<'_>| push(&mut inner.lock().unwrap_or_else(PoisonError::into_inner), listed);
        self.0.visit(prefix, by, Box::new(visit)).await?;
        Ok(std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The same list in little memory. By its state an object is known again; files of a local folder are not read.
    pub async fn listing(&self, prefix: &str) -> Result<Listing> {
        Ok(self.gather(prefix, By::Change, Listing::default(), Listing::push).await?.sorted())
    }

    /// The same as little more than keys.
    pub async fn states(&self, prefix: &str) -> Result<States> {
        let push = |states: &mut States, listed: Listed<'_>| states.push(listed.key, listed.state);
        Ok(self.gather(prefix, By::Change, States::default(), push).await?.sorted())
    }

    /// The same list beside keys that are known, by their states as [`Store::states`] has them.
    pub async fn seen(&self, prefix: &str, known: Known) -> Result<Seen> {
        Ok(self.gather(prefix, By::Change, Seen::of(known), Seen::push).await?.sorted())
    }

    /// The same of what `keep` is true for, with the ETags of keys that are `compared`: locally, only these are read for it.
    pub async fn compared(
        &self,
        prefix: &str,
        compared: Known,
        known: Known,
        keep: fn(&Listed<'_>) -> bool,
    ) -> Result<Seen> {
        let push = move |seen: &mut Seen, listed: Listed<'_>| {
            if keep(&listed) {
                seen.push(listed);
            }
        };
        Ok(self.gather(prefix, By::EtagOf(compared), Seen::of(known), push).await?.sorted())
    }

    /// The same list as hashes of keys and ETags, `by` which they are to be known.
    pub async fn fingerprints(&self, prefix: &str, by: By) -> Result<Fingerprints> {
        Ok(self.gather(prefix, by, Fingerprints::default(), Fingerprints::push).await?.sorted())
    }

    /// The state of an object that was read and was listed with `listed`: of what was read, not of what was listed.
    pub fn state_of(&self, read: &Object, listed: State) -> State {
        // A file's state is no other's, ever: if the file was another one when it was read, it is not found again.
        if self.is_local() { listed } else { State::of_etag(&read.etag) }
    }

    /// Whether it is a local folder: all that it does is work that blocks a thread.
    pub fn is_local(&self) -> bool {
        self.0.is_local()
    }

    /// The keys of everything whose key begins with `prefix`, names that begin with a dot included, sorted. Temporary
    /// files of writers are left out.
    pub async fn names(&self, prefix: &str) -> Result<Vec<String>> {
        self.0.names(prefix).await
    }

    /// The same of those that sort behind `after`, without a request for the others.
    pub async fn names_after(&self, prefix: &str, after: &str) -> Result<Vec<String>> {
        self.0.names_after(prefix, after).await
    }

    /// What lies at the top, sorted: folders with a slash at their end, whatever is in them, and single objects.
    pub async fn top(&self) -> Result<Vec<String>> {
        self.0.top().await
    }

    /// Whether there is anything at the store's place: a folder, or at least one object in a bucket.
    pub async fn exists(&self) -> Result<bool> {
        self.0.exists().await
    }

    /// What is known of one object; `None` if there is none.
    pub async fn head(&self, key: &str) -> Result<Option<Object>> {
        self.0.head(key).await
    }

    /// Whether there is an object that is another one than the one with this ETag, which was read before. Cheaper than
    /// [`Store::head`] where a file that nothing has written to since need not be read again.
    pub async fn is_replaced(&self, key: &str, etag: &str) -> Result<bool> {
        self.0.is_replaced(key, etag).await
    }

    /// One object whole, in memory; `None` if there is none. For small objects: use [`Store::read`] for others.
    pub async fn get(&self, key: &str) -> Result<Option<(Object, Bytes)>> {
        self.0.get(key).await
    }

    /// Some bytes of the state of an object that has this ETag. Fails with [`Failure::Changed`] if the object has
    /// another one by now, or fewer bytes than asked for.
    pub async fn get_range(&self, key: &str, etag: &str, range: Range<u64>) -> Result<Bytes> {
        let wanted = range.end.saturating_sub(range.start);
        let bytes = self.0.get_range(key, etag, range).await?;
        if bytes.len() as u64 == wanted {
            return Ok(bytes);
        }
        let why = format!("it has {} of {wanted} bytes asked for", bytes.len());
        Err(StoreError { failure: Failure::Changed, action: "read", url: self.url(key), why })
    }

    /// A blocking reader over one state of an object, in bounded memory; `None` if there is none.
    /// The reader must be used off the async threads (`spawn_blocking`).
    pub async fn read(&self, key: &str) -> Result<Option<Reading>> {
        self.0.read(key).await
    }

    /// Writes an object from memory and returns what was written.
    pub async fn put(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<Object> {
        self.0.put(key, bytes, condition).await
    }

    /// Writes an object from a file of any size (from its beginning), in bounded memory.
    pub async fn put_file(&self, key: &str, file: File, condition: Condition) -> Result<Object> {
        self.0.put_file(key, file, condition).await
    }

    /// Deletes an object; deleting what is not there succeeds. With [`Condition::Unchanged`], only the state that has
    /// this ETag: another one stays, and the deletion fails with [`Failure::Condition`].
    pub async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.0.delete(key, condition).await
    }

    /// Whether the store's folder or bucket is there; an empty one is.
    pub async fn root_is_there(&self) -> Result<bool> {
        self.0.root_is_there().await
    }

    /// What killed writers left behind in a local folder. S3 has none: a bucket's lifecycle rule ends aborted uploads.
    pub async fn leftovers(&self) -> Result<Vec<String>> {
        self.0.leftovers(false).await
    }

    /// Whether a writer may have been killed here since leftovers were last removed.
    pub async fn a_writer_died(&self) -> Result<bool> {
        self.0.a_writer_died().await
    }

    /// Removes what killed writers left behind, never what a live one is writing; returns what was removed.
    pub async fn remove_leftovers(&self) -> Result<Vec<String>> {
        self.0.leftovers(true).await
    }
}
