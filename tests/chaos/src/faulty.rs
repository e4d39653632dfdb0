//! A store as one actor sees it: calls wait for their turn, and fail as the actor's script says.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use lake::store::{Backend, Body, Condition, Failure, Object, Reading, Result, StoreError};

use crate::check::Watch;
use crate::memory::{MemoryStore, Mutant};
use crate::random::Random;
use crate::scheduler::Scheduler;

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails, and nothing was done: 503, 500, 409, a reset.
    Before,
    /// It was done, but the answer is lost.
    After,
    /// It was done, the answer was lost, and the client's own second try finds its condition broken by the first one:
    /// 412 of a conditional write that took place.
    AfterThenCondition,
    /// It waits until others had this many turns.
    Slow(u32),
    /// Fewer bytes come than were asked for.
    Truncated,
    /// The actor ends before the call has an effect.
    DeathBefore,
    /// The actor ends after the call had its effect.
    DeathAfter,
}

/// The faults of one actor, by the number of its call.
#[derive(Debug, Default)]
pub struct Script {
    faults: BTreeMap<u64, Fault>,
    calls: u64,
    /// The write that is the actor's last, and whether it takes effect.
    last_write: Option<(u64, bool)>,
    writes: u64,
}

/// How many calls a script covers.
const LONGEST: u64 = 400;

impl Script {
    /// The script of an actor: some faults in a row of calls, and an end in half of all scripts.
    pub fn new(seed: u64, actor: usize, share: usize) -> Self {
        let mut random = Random::new(seed, 1000 + actor as u64);
        let mut faults = BTreeMap::new();
        for call in 1..=LONGEST {
            if random.chance(share) {
                let slow = Fault::Slow(1 + random.below(40) as u32);
                let kinds = [
                    Fault::Before,
                    Fault::After,
                    Fault::AfterThenCondition,
                    Fault::Truncated,
                    slow,
                    slow,
                    Fault::After,
                ];
                faults.insert(call, *random.pick(&kinds));
            }
        }
        let mut last_write = None;
        if share > 0 && random.chance(60) {
            // Ends between the writes of one object are the interesting ones.
            if random.chance(60) {
                last_write = Some((1 + random.below(12) as u64, random.chance(70)));
            } else {
                let last = 1 + random.below(120) as u64;
                faults.insert(last, if random.chance(50) { Fault::DeathBefore } else { Fault::DeathAfter });
            }
        }
        Self { faults, calls: 0, last_write, writes: 0 }
    }

    fn next(&mut self, kind: Kind) -> Option<Fault> {
        self.calls += 1;
        self.writes += u64::from(kind != Kind::Read);
        match self.last_write {
            Some((last, true)) if kind != Kind::Read && last == self.writes => Some(Fault::DeathAfter),
            Some((last, false)) if kind != Kind::Read && last == self.writes => Some(Fault::DeathBefore),
            _ => self.faults.get(&self.calls).copied(),
        }
    }
}

/// A zone as one actor sees it.
#[derive(Debug, Clone)]
pub struct Faulty {
    /// The zone.
    pub store: MemoryStore,
    /// The zone's name.
    pub zone: &'static str,
    /// The actor.
    pub actor: usize,
    /// Shared by all zones of the actor.
    pub script: Arc<Mutex<Script>>,
    /// Shared by all actors.
    pub scheduler: Scheduler,
    /// Looks at what was written.
    pub watch: Watch,
    /// What is not kept.
    pub mutant: Mutant,
}

/// What a call does to the zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    ConditionalWrite,
}

impl Faulty {
    /// Waits for the call's turn and returns its fault. Never returns if the actor ends here.
    async fn begin(&self, kind: Kind, call: &str, key: &str) -> Option<Fault> {
        let fault = self.script.lock().unwrap().next(kind);
        let delay = if let Some(Fault::Slow(delay)) = fault { delay } else { 0 };
        let name = format!("{call} {}/{key}", self.zone);
        self.scheduler.permit(self.actor, name.clone(), delay).await;
        let said = fault.map_or_else(String::new, |fault| format!(" [{fault:?}]"));
        self.scheduler.note(format!("{}: {name}{said}", self.actor));
        if fault == Some(Fault::DeathBefore) {
            self.scheduler.kill(self.actor).await;
        }
        fault
    }

    fn fail(&self, failure: Failure, action: &'static str, key: &str, why: &str) -> StoreError {
        StoreError { failure, action, url: self.store.url(key), why: why.to_owned() }
    }

    /// Does one call with its fault.
    async fn call<T: Send>(
        &self,
        kind: Kind,
        action: &'static str,
        key: &str,
        effect: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let fault = self.begin(kind, action, key).await;
        if fault == Some(Fault::Before) || (kind == Kind::Read && fault == Some(Fault::Truncated)) {
            return Err(self.fail(Failure::Transient, action, key, "a fault before the effect"));
        }
        let done = effect.await;
        if let Err(error) = &done {
            self.scheduler.note(format!("{}: ... {:?}: {}", self.actor, error.failure, error.why));
        }
        if kind != Kind::Read && done.is_ok() {
            self.watch.look(self.zone, key, &self.store);
        }
        let lost = || self.fail(Failure::Transient, action, key, "the answer was lost");
        match fault {
            Some(Fault::DeathAfter) => {
                self.scheduler.kill(self.actor).await;
                Err(lost())
            }
            Some(Fault::After) => done.and_then(|_| Err(lost())),
            Some(Fault::AfterThenCondition) if kind == Kind::ConditionalWrite => {
                done.and_then(|_| Err(self.fail(Failure::Condition, action, key, "another writer was first")))
            }
            _ => done,
        }
    }
}

fn kind(condition: &Condition) -> Kind {
    if *condition == Condition::Always { Kind::Write } else { Kind::ConditionalWrite }
}

/// A body that ends early.
struct Short<R> {
    body: R,
}

impl<R: Read> Read for Short<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.body.read(buffer)? {
            0 if !buffer.is_empty() => Err(io::Error::new(io::ErrorKind::ConnectionReset, "the connection was reset")),
            count => Ok(count),
        }
    }
}

impl<R: Read + Send> Body for Short<R> {
    fn etag(&mut self) -> io::Result<String> {
        Err(io::Error::new(io::ErrorKind::ConnectionReset, "the connection was reset"))
    }
}

#[async_trait]
impl Backend for Faulty {
    fn url(&self, key: &str) -> String {
        self.store.url(key)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        self.call(Kind::Read, "list", prefix, self.store.list(prefix)).await
    }

    async fn head(&self, key: &str) -> Result<Option<Object>> {
        self.call(Kind::Read, "look at", key, self.store.head(key)).await
    }

    async fn get(&self, key: &str) -> Result<Option<(Object, Bytes)>> {
        self.call(Kind::Read, "get", key, self.store.get(key)).await
    }

    async fn get_range(&self, key: &str, etag: &str, range: Range<u64>) -> Result<Bytes> {
        match self.begin(Kind::Read, "read a range of", key).await {
            Some(Fault::Before | Fault::After) => Err(self.fail(Failure::Transient, "read", key, "a reset")),
            Some(Fault::Truncated) => {
                let bytes = self.store.get_range(key, etag, range).await?;
                Ok(bytes.slice(..bytes.len() / 2))
            }
            Some(Fault::DeathAfter) => {
                self.scheduler.kill(self.actor).await;
                Err(self.fail(Failure::Transient, "read", key, "death"))
            }
            _ => self.store.get_range(key, etag, range).await,
        }
    }

    async fn read(&self, key: &str) -> Result<Option<Reading>> {
        match self.begin(Kind::Read, "open", key).await {
            Some(Fault::Before | Fault::After) => Err(self.fail(Failure::Transient, "read", key, "a reset")),
            Some(Fault::Truncated) => {
                let Some((object, bytes)) = self.store.get(key).await? else { return Ok(None) };
                let half = bytes.slice(..bytes.len() / 2);
                Ok(Some(Reading::new(object, Short { body: Cursor::new(half) })))
            }
            Some(Fault::DeathAfter) => {
                self.scheduler.kill(self.actor).await;
                Ok(None)
            }
            _ => self.store.read(key).await,
        }
    }

    async fn put(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<Object> {
        let kind = kind(&condition);
        if self.mutant == Mutant::HalfWrites {
            // The first half stands there for one turn.
            let half = bytes.slice(..bytes.len() / 2);
            self.call(kind, "begin to write", key, self.store.put(key, half, condition)).await?;
            return self.call(Kind::Write, "write", key, self.store.put(key, bytes, Condition::Always)).await;
        }
        self.call(kind, "write", key, self.store.put(key, bytes, condition)).await
    }

    async fn put_file(&self, key: &str, mut file: File, condition: Condition) -> Result<Object> {
        let mut bytes = Vec::new();
        let read = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
        read.map_err(|error| self.fail(Failure::Other, "write", key, &error.to_string()))?;
        self.put(key, Bytes::from(bytes), condition).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        let kind = kind(&condition);
        self.call(kind, "delete", key, self.store.delete(key, condition)).await
    }

    async fn leftovers(&self, remove: bool) -> Result<Vec<String>> {
        self.store.leftovers(remove).await
    }
}
