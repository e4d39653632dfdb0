//! The commit protocol among writers that are killed, overtaken or late.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use lake::ledger::Ledger;
use lake::process::Writer;
use lake::settings::Zone;
use lake::store::{Condition, Reading};

use super::script::{At, killed, nth, scripted};
use super::*;
use crate::clean_if_stale;

const KEY: &str = "trams/a.csv";
const JANUARY: &str = "tram,day\n1,2026-01-05\n";
const FEBRUARY: &str = "tram,day\n1,2026-02-05\n";
const IN_JANUARY: &str = "trams/position/month=2026-01/a.csv.parquet";
const IN_FEBRUARY: &str = "trams/position/month=2026-02/a.csv.parquet";

/// The same lake, as another writer has opened it.
fn another(lake: &Lake) -> Lake {
    let mut another = lake.clone();
    another.writer = Writer::new(false);
    another
}

#[tokio::test]
async fn what_a_killed_writer_left_is_removed_by_the_next_ordinary_run() {
    // Puts of a first cleaning: the ledger's announcement, the output, the ledger's commit.
    for (zone, at, count) in [
        (Zone::Ledger, At::AfterPut, 1),
        (Zone::Standard, At::AfterPut, 1),
        (Zone::Ledger, At::BeforePut, 2),
        (Zone::Ledger, At::AfterPut, 2),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake_at(folder.path()).await;
        upload(&lake, KEY, JANUARY).await;
        let mut dying = another(&lake);
        let store = scripted(lake.store(zone), nth(at, count, killed));
        if zone == Zone::Ledger {
            dying.ledger = Ledger::new(store)
        } else {
            dying.standard = store
        }
        clean_if_stale(&dying, KEY, false).await.unwrap_err();

        upload(&lake, KEY, FEBRUARY).await;
        let outcome = clean(&lake).await;
        assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
        assert_eq!(standard(&lake).await, [IN_FEBRUARY], "{zone:?} {at:?} {count}");
        assert_whole(&lake).await;
    }
}

/// Another writer's whole work: the raw object is replaced and cleaned.
fn overtaking(
    lake: &Lake,
    text: &'static str,
) -> impl Fn() -> BoxFuture<'static, lake::store::Result<()>> + Send + Sync + 'static {
    let fast = another(lake);
    move || {
        let fast = fast.clone();
        async move {
            upload(&fast, KEY, text).await;
            clean_if_stale(&fast, KEY, false).await.unwrap();
            Ok(())
        }
        .boxed()
    }
}

/// A writer that is overtaken by a faster one just before it writes its output, and killed once it has written it.
async fn overtaken_and_killed(lake: &Lake) {
    let mut slow = another(lake);
    let standard = scripted(&lake.standard, nth(At::AfterPut, 1, killed));
    slow.standard = scripted(&standard, nth(At::BeforePut, 1, overtaking(lake, FEBRUARY)));
    // Without its death it would begin again and clean what is there now.
    let _ = clean_if_stale(&slow, KEY, false).await;
}

#[tokio::test]
async fn a_late_write_over_what_another_writer_has_deleted_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, KEY, JANUARY).await;
    clean(&lake).await;
    upload(&lake, KEY, "tram,day\n2,2026-01-05\n").await;
    overtaken_and_killed(&lake).await;
    assert_eq!(standard(&lake).await, [IN_FEBRUARY]);
    assert_whole(&lake).await;
}

#[tokio::test]
async fn what_was_announced_is_removed_though_it_is_written_after_it_was_overtaken() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, KEY, JANUARY).await;
    overtaken_and_killed(&lake).await;
    assert_eq!(standard(&lake).await.len(), 2, "the late output is there");
    let named = || async { lake.ledger.raw_entry(KEY).await.unwrap().unwrap().0.beside.late };
    assert_eq!(named().await, [IN_JANUARY]);
    clean(&lake).await;
    assert_eq!(standard(&lake).await, [IN_FEBRUARY]);
    assert_eq!(named().await, [IN_JANUARY], "its writer may not be dead");
    an_hour_later(folder.path());
    clean(&lake).await;
    assert_eq!(named().await, Vec::<String>::new());
    assert_whole(&lake).await;
}

/// Makes the object's entry older than an hour.
fn an_hour_later(lake: &std::path::Path) {
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3660);
    let entry = lake.join("ledger/raw/trams/a.csv.json");
    std::fs::File::options().append(true).open(entry).unwrap().set_modified(long_ago).unwrap();
}

/// Fails if there is an object that the entry does not name, by whomever it was announced.
async fn assert_named(lake: &Lake) {
    let (entry, _) = lake.ledger.raw_entry(KEY).await.unwrap().unwrap();
    let named: Vec<&String> = entry.names().collect();
    for object in standard(lake).await {
        assert!(named.contains(&&object), "{object} is not in {entry:?}");
    }
}

#[tokio::test]
async fn what_a_dead_writer_had_announced_stays_named_as_long_as_others_may_rely_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, KEY, JANUARY).await;
    let mut dying = another(&lake);
    // Behind the note that the entry may change.
    dying.ledger = Ledger::new(scripted(lake.store(Zone::Ledger), nth(At::AfterPut, 2, killed)));
    clean_if_stale(&dying, KEY, false).await.unwrap_err();
    an_hour_later(folder.path());
    // The next one finds January announced, and announces nothing.
    overtaken_and_killed(&lake).await;
    assert_eq!(standard(&lake).await, [IN_JANUARY, IN_FEBRUARY]);
    assert_named(&lake).await;
}

#[tokio::test]
async fn what_a_writer_had_announced_itself_stays_named_as_long_as_others_may_rely_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, KEY, JANUARY).await;
    let [about_to_write, overtaken] = std::array::from_fn(|_| Arc::new(tokio::sync::Notify::new()));
    let mut slow = another(&lake);
    let waiting = (Arc::clone(&about_to_write), Arc::clone(&overtaken));
    let wait = move || {
        let (about_to_write, overtaken) = waiting.clone();
        async move {
            about_to_write.notify_one();
            overtaken.notified().await;
            Ok(())
        }
        .boxed()
    };
    let standard_of_slow = scripted(&lake.standard, nth(At::AfterPut, 1, killed));
    slow.standard = scripted(&standard_of_slow, nth(At::BeforePut, 1, wait));
    // The first writer has announced January when the slow one comes by, and then finds February.
    let mut first = another(&lake);
    let (raw, others) = (lake.clone(), slow);
    let come_by = move || {
        let (raw, slow, about_to_write) = (raw.clone(), others.clone(), Arc::clone(&about_to_write));
        async move {
            tokio::spawn(async move { clean_if_stale(&slow, KEY, false).await.map(drop) });
            about_to_write.notified().await;
            upload(&raw, KEY, FEBRUARY).await;
            Ok(())
        }
        .boxed()
    };
    first.ledger = Ledger::new(scripted(lake.store(Zone::Ledger), nth(At::AfterPut, 1, come_by)));
    clean_if_stale(&first, KEY, false).await.unwrap();
    assert_eq!(standard(&lake).await, [IN_FEBRUARY]);
    overtaken.notify_one();
    while standard(&lake).await.len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_named(&lake).await;
}

#[tokio::test]
async fn what_an_overtaken_try_has_written_is_removed_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, KEY, JANUARY).await;
    let mut slow = another(&lake);
    // The raw object is replaced, cleaned, and all of it forgotten, once the slow writer has written January's output.
    slow.standard = scripted(&lake.standard, nth(At::AfterPut, 1, overtaking(&lake, FEBRUARY)));
    clean_if_stale(&slow, KEY, false).await.unwrap();
    assert_eq!(standard(&lake).await, [IN_FEBRUARY]);
    assert_whole(&lake).await;
}

#[tokio::test]
async fn a_raw_object_that_is_replaced_before_the_commit_is_cleaned_again() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, KEY, JANUARY).await;
    let mut slow = another(&lake);
    let raw = lake.raw.clone();
    let replace = move || {
        let raw = raw.clone();
        async move { raw.put(KEY, FEBRUARY.into(), Condition::Always).await.map(drop) }.boxed()
    };
    slow.standard = scripted(&lake.standard, nth(At::AfterPut, 1, replace));
    let cleaned = clean_if_stale(&slow, KEY, false).await.unwrap().unwrap();
    assert_eq!(cleaned.outputs, [IN_FEBRUARY]);
    assert_whole(&lake).await;
}

#[tokio::test]
async fn a_late_deletion_takes_nothing_from_a_writer_that_was_faster() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, KEY, JANUARY).await;
    clean(&lake).await;
    upload(&lake, KEY, FEBRUARY).await;
    let mut slow = another(&lake);
    // While the slow writer is about to delete January's output, January comes again and is cleaned.
    slow.standard = scripted(&lake.standard, nth(At::BeforeDelete, 1, overtaking(&lake, JANUARY)));
    clean_if_stale(&slow, KEY, false).await.unwrap();
    assert_eq!(standard(&lake).await, [IN_JANUARY]);
    assert_whole(&lake).await;
}

#[tokio::test]
async fn a_file_that_is_copied_over_itself_while_it_is_read_is_never_committed() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    let row = |row: u64| format!("{row},2026-01-05\n");
    let whole: String = std::iter::once("tram,day\n".to_owned()).chain((0..50_000).map(row)).collect();
    upload(&lake, KEY, &whole).await;
    let mut reading = lake.clone();
    let path = folder.path().join("raw").join(KEY);
    let half = whole.get(..whole.len() / 2).unwrap().to_owned();
    let overwrite = move || {
        std::fs::write(&path, &half).unwrap();
        async { Ok(()) }.boxed()
    };
    reading.raw = scripted(&lake.raw, nth(At::AfterRead, 1, overwrite));
    let error = clean_if_stale(&reading, KEY, false).await.unwrap_err();
    assert!(error.can_retry() && error.to_string().contains("written to while it was read"), "{error}");
    assert_eq!(standard(&lake).await, Vec::<String>::new());
    upload(&lake, KEY, &whole).await;
    assert_eq!(clean(&lake).await.cleaned[0].rows.clean, 50_000);
    assert_whole(&lake).await;
}

/// A body without end that reports its first read and its drop.
struct Endless(std::sync::mpsc::Sender<&'static str>, bool);

impl std::io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if !std::mem::replace(&mut self.1, true) {
            self.0.send("read").unwrap();
        }
        let line = b"1,2026-01-05\n";
        let count = line.len().min(buffer.len());
        buffer[..count].copy_from_slice(&line[..count]);
        Ok(count)
    }
}

impl lake::store::Body for Endless {
    fn etag(&mut self) -> std::io::Result<String> {
        Ok(String::new())
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decoding_stops_when_the_call_that_waits_for_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, KEY, JANUARY).await;
    let object = lake.raw.head(KEY).await.unwrap().unwrap();
    let catalog = lake.catalog.clone();
    let (sender, receiver) = std::sync::mpsc::channel();
    let reading = Reading::new(object, Endless(sender, false));
    let call = tokio::spawn(async move {
        let dataset = catalog.dataset("trams").unwrap();
        crate::decode::decode(&catalog, dataset, dataset.table("position").unwrap(), reading, Vec::new())
            .await
            .map(drop)
    });
    let waiting = tokio::task::spawn_blocking(move || {
        assert_eq!(receiver.recv(), Ok("read"));
        call.abort();
        // Comes at once, or never.
        receiver.recv_timeout(std::time::Duration::from_secs(60))
    });
    assert_eq!(waiting.await.unwrap(), Ok("dropped"));
}
