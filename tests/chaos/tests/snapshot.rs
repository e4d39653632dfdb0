//! The ledger's snapshot: what is read by it is what the entries say, and only what has changed since is read.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs::File;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use bytes::Bytes;
use chaos::memory::{Clock, MemoryStore, Mutant};
use chaos::random::Random;
use lake::dataset::Catalog;
use lake::ledger::{Keep, Ledger, RawEntry, Rows};
use lake::store::{Backend, Condition, Object, Reading, Result, Store};

/// Counts the objects that are read whole, and lists of entries.
#[derive(Debug, Clone)]
struct Counting {
    store: MemoryStore,
    reads: Arc<AtomicUsize>,
    lists: Arc<AtomicUsize>,
}

#[async_trait]
impl Backend for Counting {
    fn url(&self, key: &str) -> String {
        self.store.url(key)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        if prefix.starts_with("raw/") {
            self.lists.fetch_add(1, Ordering::Relaxed);
        }
        self.store.list(prefix).await
    }

    async fn head(&self, key: &str) -> Result<Option<Object>> {
        self.store.head(key).await
    }

    async fn get(&self, key: &str) -> Result<Option<(Object, Bytes)>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.store.get(key).await
    }

    async fn get_range(&self, key: &str, etag: &str, range: Range<u64>) -> Result<Bytes> {
        self.store.get_range(key, etag, range).await
    }

    async fn read(&self, key: &str) -> Result<Option<Reading>> {
        self.store.read(key).await
    }

    async fn put(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<Object> {
        self.store.put(key, bytes, condition).await
    }

    async fn put_file(&self, key: &str, file: File, condition: Condition) -> Result<Object> {
        self.store.put_file(key, file, condition).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.store.delete(key, condition).await
    }

    async fn leftovers(&self, remove: bool) -> Result<Vec<String>> {
        self.store.leftovers(remove).await
    }
}

struct Bed {
    store: MemoryStore,
    reads: Arc<AtomicUsize>,
    lists: Arc<AtomicUsize>,
    ledger: Ledger,
}

impl Bed {
    fn new(few: usize) -> Self {
        let store = MemoryStore::new("ledger", &Clock::default(), Mutant::None);
        let (reads, lists) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counting = Counting { store: store.clone(), reads: Arc::clone(&reads), lists: Arc::clone(&lists) };
        Self { store, reads, lists, ledger: Ledger::new(Store::of(counting)).with_snapshot_after(few) }
    }

    async fn put(&self, number: u64, rows: u64) {
        let raw_key = format!("chaos/readings/{number:05}.csv");
        static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);
        let table = CATALOG.datasets().first().unwrap().tables.first().unwrap();
        let mut entry = RawEntry::uncommitted(&raw_key, table, "chaos");
        entry.rows = Rows { read: rows, clean: rows, ..Rows::default() };
        let previous = self.ledger.raw_entry(&raw_key).await.unwrap().map(|(_, object)| object.etag);
        self.ledger.commit_raw(&entry, previous.as_deref()).await.unwrap();
    }

    async fn remove(&self, number: u64) {
        let raw_key = format!("chaos/readings/{number:05}.csv");
        if let Some((_, object)) = self.ledger.raw_entry(&raw_key).await.unwrap() {
            self.ledger.remove(&object.key, &object.etag).await.unwrap();
        }
    }

    /// What is read now is what the entries say; returns how many entries were read for it.
    async fn check(&self, keep: Keep) -> usize {
        let should_be = self.ledger.raw_entries(Some("chaos")).await.unwrap();
        self.reads.store(0, Ordering::Relaxed);
        let current = self.ledger.current("chaos", keep).await.unwrap();
        let reads = self.reads.load(Ordering::Relaxed);
        assert_eq!(current.entries().unwrap(), should_be.readable);
        assert_eq!(current.unreadable, should_be.unreadable);
        reads
    }

    /// The same by notes, without a list; nothing where there is no snapshot to begin with.
    async fn check_lately(&self, keep: Keep) -> Option<usize> {
        let should_be = self.ledger.raw_entries(Some("chaos")).await.unwrap();
        self.reads.store(0, Ordering::Relaxed);
        self.lists.store(0, Ordering::Relaxed);
        let current = self.ledger.lately("chaos", &BTreeSet::new(), keep).await.unwrap()?;
        let reads = self.reads.load(Ordering::Relaxed);
        assert_eq!(self.lists.load(Ordering::Relaxed), 0, "entries were listed");
        assert_eq!(current.entries().unwrap(), should_be.readable);
        assert_eq!(current.unreadable, should_be.unreadable);
        Some(reads)
    }

    /// Another process, which remembers nothing.
    fn restarted(self, few: usize) -> Self {
        let counting =
            Counting { store: self.store.clone(), reads: Arc::clone(&self.reads), lists: Arc::clone(&self.lists) };
        Self { ledger: Ledger::new(Store::of(counting)).with_snapshot_after(few), ..self }
    }
}

#[tokio::test]
async fn only_what_has_changed_is_read() {
    let bed = Bed::new(5);
    for number in 0..100 {
        bed.put(number, number).await;
    }
    assert_eq!(bed.check(Keep::Nothing).await, 100);
    assert_eq!(bed.check(Keep::Snapshot).await, 100, "nothing was kept");
    assert_eq!(bed.check(Keep::Nothing).await, 0);
    bed.put(7, 1_000).await;
    bed.remove(50).await;
    bed.put(100, 1).await;
    bed.store.lay("raw/chaos/readings/00009.csv.json", Bytes::from_static(b"no entry"));
    assert_eq!(bed.check(Keep::Snapshot).await, 3, "the changed, the new and the unreadable one");
    for number in 0..6 {
        bed.put(number, 9).await;
    }
    assert_eq!(bed.check(Keep::Snapshot).await, 9, "so many that the snapshot is made anew");
    assert_eq!(bed.check(Keep::Snapshot).await, 1, "the unreadable one");
}

#[tokio::test]
async fn a_snapshot_that_is_damaged_or_gone_only_costs_time() {
    let bed = Bed::new(5);
    for number in 0..50 {
        bed.put(number, number).await;
    }
    bed.check(Keep::Snapshot).await;
    let kept = bed.store.state("snapshot/chaos.entries").unwrap().bytes;
    for at in (0..kept.len()).step_by(97) {
        let mut damaged = kept.to_vec();
        damaged[at] ^= 4;
        bed.store.lay("snapshot/chaos.entries", Bytes::from(damaged));
        assert_eq!(bed.check(Keep::Nothing).await, 50, "byte {at}");
    }
    assert_eq!(bed.check(Keep::Snapshot).await, 50);
    assert_eq!(bed.check(Keep::Nothing).await, 0, "a new one took its place");
    bed.store.lay("snapshot/chaos.entries", Bytes::new());
    assert_eq!(bed.check(Keep::Snapshot).await, 50);
}

#[tokio::test]
async fn any_history_reads_as_its_entries_do() {
    for seed in 0..40 {
        let mut random = Random::new(seed, 0);
        let mut bed = Bed::new(random.below(8));
        for _ in 0..random.below(60) {
            let number = random.below(30) as u64;
            match random.below(9) {
                0 => bed.remove(number).await,
                1 => drop(bed.check(Keep::Nothing).await),
                2 => drop(bed.check(Keep::Snapshot).await),
                3 => drop(bed.check_lately(Keep::Nothing).await),
                4 => drop(bed.check_lately(Keep::Snapshot).await),
                5 => bed = bed.restarted(random.below(8)),
                _ => bed.put(number, random.below(5) as u64).await,
            }
        }
        bed.check(Keep::Snapshot).await;
        bed.check_lately(Keep::Nothing).await;
    }
}

#[tokio::test]
async fn what_has_changed_is_known_by_notes() {
    let bed = Bed::new(5);
    assert_eq!(bed.check_lately(Keep::Nothing).await, None, "there is no snapshot");
    for number in 0..100 {
        bed.put(number, number).await;
    }
    bed.store.lay("snapshot/chaos.news/20200101T000000.000000Z/readings/old.csv.json", Bytes::new());
    bed.check(Keep::Snapshot).await;
    assert_eq!(
        bed.check_lately(Keep::Nothing).await,
        Some(100),
        "what was noted just before may have been written after"
    );
    let notes = |bed: &Bed| bed.store.all().keys().filter(|key| key.contains(".news/")).count();
    assert_eq!(notes(&bed), 101);
    bed.put(7, 1_000).await;
    bed.remove(50).await;
    assert_eq!(notes(&bed), 101, "this process has noted them already");
    for number in 0..20 {
        bed.put(number, 1_001).await;
    }
    bed.check(Keep::Snapshot).await;
    assert_eq!(notes(&bed), 100, "the old one is needed by none");
    bed.check_lately(Keep::Nothing).await.unwrap();
    for number in 100..1_200 {
        bed.put(number, number).await;
    }
    assert_eq!(bed.check_lately(Keep::Nothing).await, None, "a list costs less");
    // An entry that somebody removed by hand is told of once, and known from then on.
    let key = "raw/chaos/readings/00009.csv.json";
    bed.store.remove(key);
    // Of all that, only what comes now is lately.
    let noted: Vec<String> = bed.store.all().into_keys().filter(|key| key.contains(".news/")).collect();
    noted.iter().for_each(|note| bed.store.remove(note));
    bed.check(Keep::Snapshot).await;
    let bed = bed.restarted(5);
    let told = BTreeSet::from([key.to_owned()]);
    drop(bed.ledger.lately("chaos", &told, Keep::Nothing).await.unwrap().unwrap());
    bed.check_lately(Keep::Nothing).await.unwrap();
    // A snapshot that lacks an entry which cannot be read does not speak of everything.
    bed.store.lay("raw/chaos/readings/00010.csv.json", Bytes::from_static(b"no entry"));
    bed.store.lay("snapshot/chaos.entries", Bytes::new());
    bed.check(Keep::Snapshot).await;
    assert_eq!(bed.check_lately(Keep::Nothing).await, None);
    bed.store.remove("raw/chaos/readings/00010.csv.json");
    bed.check(Keep::Snapshot).await;
    assert!(bed.check_lately(Keep::Nothing).await.is_some());
}
