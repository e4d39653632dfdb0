//! One zone in memory: what a store promises, without a disk or a network.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::ops::Range;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use lake::store::{Backend, Body, Condition, Failure, Object, Reading, Result, StoreError};

/// What the store does not keep of its promises: each of these was a fault of some store or of the code over it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Every promise holds.
    None,
    /// Writes and deletions happen whatever their condition.
    NoConditions,
    /// Deletions happen whatever their condition.
    NoDeleteConditions,
    /// A reading yields bytes of the state before under the ETag of the newest one.
    MislabelledReadings,
    /// An object may be seen before its last byte is written.
    HalfWrites,
    /// Notes of what changes in the ledger are lost.
    LostNotes,
}

/// A clock that moves by one second with each write. It begins long after today, so that the age of an object is below
/// every limit.
#[derive(Debug, Clone)]
pub struct Clock(Arc<AtomicI64>);

/// 2100-01-01.
const BEGINNING: i64 = 4_102_444_800;

impl Default for Clock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(BEGINNING)))
    }
}

impl Clock {
    fn tick(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.fetch_add(1, Ordering::Relaxed), 0).unwrap_or_default()
    }
}

/// An object's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Its bytes.
    pub bytes: Bytes,
    /// When it was written.
    pub last_modified: DateTime<Utc>,
}

/// A zone in memory. Clones share the objects.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    name: &'static str,
    clock: Clock,
    mutant: Mutant,
    objects: Arc<Mutex<BTreeMap<String, State>>>,
    /// The state before the newest one.
    before: Arc<Mutex<BTreeMap<String, State>>>,
}

impl MemoryStore {
    /// An empty zone.
    pub fn new(name: &'static str, clock: &Clock, mutant: Mutant) -> Self {
        Self { name, clock: clock.clone(), mutant, objects: Arc::default(), before: Arc::default() }
    }

    /// Everything that is there, but copies of the ledger's entries: they save time, and say nothing of their own.
    pub fn snapshot(&self) -> BTreeMap<String, State> {
        let objects = self.lock();
        let counts = |(key, _): &(&String, &State)| !key.starts_with("snapshot/");
        objects.iter().filter(counts).map(|(key, state)| (key.clone(), state.clone())).collect()
    }

    /// Everything that is there.
    pub fn all(&self) -> BTreeMap<String, State> {
        self.lock().clone()
    }

    /// Takes an object away.
    pub fn remove(&self, key: &str) {
        self.lock().remove(key);
    }

    /// Lays an object down.
    pub fn lay(&self, key: &str, bytes: Bytes) {
        let state = State { bytes, last_modified: self.clock.tick() };
        self.lock().insert(key.to_owned(), state);
    }

    /// Makes all objects older than any limit.
    pub fn age(&self) {
        self.lock().values_mut().for_each(|state| state.last_modified = DateTime::UNIX_EPOCH);
    }

    /// One object's state.
    pub fn state(&self, key: &str) -> Option<State> {
        self.lock().get(key).cloned()
    }

    /// A zone with these objects.
    pub fn with(name: &'static str, objects: BTreeMap<String, State>) -> Self {
        let store = Self::new(name, &Clock::default(), Mutant::None);
        *store.lock() = objects;
        store
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.objects.lock().unwrap()
    }

    fn fail(&self, failure: Failure, action: &'static str, key: &str, why: &str) -> StoreError {
        StoreError { failure, action, url: self.url(key), why: why.to_owned() }
    }

    fn write(&self, key: &str, bytes: Bytes, condition: &Condition) -> Result<Object> {
        let mut objects = self.lock();
        let holds = match condition {
            Condition::Always => true,
            Condition::Absent => !objects.contains_key(key),
            Condition::Unchanged(etag) => objects.get(key).is_some_and(|state| etag_of(&state.bytes) == *etag),
        };
        if !holds && self.mutant != Mutant::NoConditions {
            return Err(self.fail(Failure::Condition, "write", key, "another writer was first"));
        }
        let state = State { bytes, last_modified: self.clock.tick() };
        let object = describe(key, &state);
        if let Some(before) = objects.insert(key.to_owned(), state) {
            self.before.lock().unwrap().insert(key.to_owned(), before);
        }
        Ok(object)
    }
}

/// The ETag of bytes: what the local store makes of them.
pub fn etag_of(bytes: &[u8]) -> String {
    lake::hash::bytes(bytes)
}

fn describe(key: &str, state: &State) -> Object {
    Object {
        key: key.to_owned(),
        bytes: state.bytes.len() as u64,
        etag: etag_of(&state.bytes),
        last_modified: state.last_modified,
        version: None,
    }
}

/// The bytes of one state, with the ETag that the store says they have.
struct Pinned {
    bytes: Cursor<Bytes>,
    etag: String,
}

impl Read for Pinned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer)
    }
}

impl Body for Pinned {
    fn etag(&mut self) -> io::Result<String> {
        Ok(self.etag.clone())
    }
}

#[async_trait]
impl Backend for MemoryStore {
    fn url(&self, key: &str) -> String {
        format!("memory:{}/{key}", self.name)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let objects = self.lock();
        let visible = |key: &str| !key.split('/').any(|part| part.starts_with('.'));
        let found = objects.iter().filter(|(key, _)| key.starts_with(prefix) && visible(key));
        Ok(found.map(|(key, state)| describe(key, state)).collect())
    }

    async fn head(&self, key: &str) -> Result<Option<Object>> {
        Ok(self.lock().get(key).map(|state| describe(key, state)))
    }

    async fn get(&self, key: &str) -> Result<Option<(Object, Bytes)>> {
        Ok(self.lock().get(key).map(|state| (describe(key, state), state.bytes.clone())))
    }

    async fn get_range(&self, key: &str, etag: &str, range: Range<u64>) -> Result<Bytes> {
        let objects = self.lock();
        let state = objects.get(key).ok_or_else(|| self.fail(Failure::NotFound, "read", key, "there is none"))?;
        if etag_of(&state.bytes) != etag {
            return Err(self.fail(Failure::Changed, "read", key, "it has another ETag by now"));
        }
        let end = (range.end as usize).min(state.bytes.len());
        Ok(state.bytes.slice((range.start as usize).min(end)..end))
    }

    async fn read(&self, key: &str) -> Result<Option<Reading>> {
        let objects = self.lock();
        let Some(state) = objects.get(key) else { return Ok(None) };
        let object = describe(key, state);
        let etag = object.etag.clone();
        let before = self.before.lock().unwrap().get(key).cloned();
        let bytes = match before {
            Some(before) if self.mutant == Mutant::MislabelledReadings => before.bytes,
            _ => state.bytes.clone(),
        };
        Ok(Some(Reading::new(object, Pinned { bytes: Cursor::new(bytes), etag })))
    }

    async fn put(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<Object> {
        let object = self.write(key, bytes, &condition)?;
        if self.mutant == Mutant::LostNotes && key.contains(".news/") {
            self.lock().remove(key);
        }
        Ok(object)
    }

    async fn put_file(&self, key: &str, mut file: File, condition: Condition) -> Result<Object> {
        let mut bytes = Vec::new();
        let read = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
        read.map_err(|error| self.fail(Failure::Other, "write", key, &error.to_string()))?;
        self.write(key, Bytes::from(bytes), &condition)
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        let mut objects = self.lock();
        let Some(state) = objects.get(key) else { return Ok(()) };
        let ignored = matches!(self.mutant, Mutant::NoConditions | Mutant::NoDeleteConditions);
        if let Condition::Unchanged(etag) = condition
            && etag_of(&state.bytes) != etag
            && !ignored
        {
            return Err(self.fail(Failure::Condition, "delete", key, "another writer was first"));
        }
        objects.remove(key);
        Ok(())
    }

    async fn leftovers(&self, _: bool) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}
