//! One suite for both kinds of store: each case runs on a local folder and on S3, and then each kind has cases of its
//! own.
//!
//! An S3 store takes its settings from the environment of its process, so the test `s3` starts an emulator and then
//! this same program once more, with the emulator in its environment and itself as the only test. That process runs
//! all the cases and reports each.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail as tests do"
)]

use std::fs::{self, File};
use std::future::Future;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use integration::emulator::Emulator;
use integration::say;
use lake::store::{Condition, Failure, Object, S3Client, Store, StoreError, StoreUrl};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// Names the bucket, in the process that runs the cases on S3.
const INNER: &str = "TRIBUTARY_INNER";

macro_rules! suite {
    ($($case:ident)*) => {
        mod local {
            $(
                #[tokio::test]
                async fn $case() {
                    let (_folder, store) = super::local_store();
                    super::$case(store).await;
                }
            )*
        }

        async fn all_on_s3(bucket: &str) -> Vec<&'static str> {
            let mut failed = Vec::new();
            $(failed.extend(report(stringify!($case), $case(s3_store(&format!("s3://{bucket}/{}", stringify!($case))))).await);)*
            failed
        }
    };
}

suite! {
    what_is_written_is_read
    an_object_is_replaced
    deleting_what_is_not_there_succeeds
    lists_are_sorted_and_by_prefix
    lists_have_no_hidden_names
    lists_have_many_pages
    any_key_is_kept_as_it_is
    absent_holds_once
    unchanged_holds_until_a_change
    a_range_is_of_one_state
    a_reading_returns_the_etag_of_its_bytes
    deletions_have_conditions
    files_are_written_under_conditions
    one_of_many_creators_wins
    one_of_many_changers_wins
    etags_follow_the_bytes
    ranges_are_read
    large_objects_are_streamed
    large_files_are_written
}

#[test]
fn s3() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if let Ok(bucket) = std::env::var(INNER) {
        let failed = runtime.block_on(async {
            let mut failed = all_on_s3(&bucket).await;
            let store = s3_store(&format!("s3://{bucket}/only"));
            failed.extend(report("folder_markers_are_no_objects", folder_markers_are_no_objects(store)).await);
            failed.extend(report("prefixes_are_apart", prefixes_are_apart(bucket.clone())).await);
            let store = s3_store("s3://tributary-no-such-bucket/prefix");
            failed.extend(report("a_missing_bucket_is_an_error", a_missing_bucket_is_an_error(store)).await);
            failed
        });
        assert!(failed.is_empty(), "failed on S3: {failed:?}");
        return;
    }
    let Some(emulator) = Emulator::start() else {
        return;
    };
    let bucket = format!("tributary-store-{}", std::process::id());
    emulator.create_bucket(&bucket);
    // Nothing of the caller's own AWS settings reaches the other process.
    let inner = Command::new(std::env::current_exe().unwrap())
        .args(["s3", "--exact", "--nocapture", "--test-threads=1"])
        .env_clear()
        .env(INNER, bucket)
        .envs(emulator.environment())
        .output()
        .unwrap();
    say(String::from_utf8_lossy(&inner.stderr).trim_end());
    assert!(inner.status.success(), "{}", String::from_utf8_lossy(&inner.stdout));
    assert!(String::from_utf8_lossy(&inner.stdout).contains("1 passed"), "the other process ran nothing");
}

/// Runs a case and says how it went; gives its name if it failed.
async fn report(name: &'static str, case: impl Future<Output = ()> + Send + 'static) -> Option<&'static str> {
    let began = Instant::now();
    let failed = tokio::spawn(case).await.is_err();
    say(&format!("s3::{name} ... {} in {:.1} s", if failed { "FAILED" } else { "ok" }, began.elapsed().as_secs_f64()));
    failed.then_some(name)
}

fn local_store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreUrl::File(folder.path().to_owned()), &S3Client::default());
    (folder, store)
}

fn s3_store(url: &str) -> Store {
    Store::open(&url.parse().unwrap(), &S3Client::default())
}

async fn put(store: &Store, key: &str, bytes: impl Into<Bytes>) -> Object {
    store.put(key, bytes.into(), Condition::Always).await.unwrap()
}

async fn get(store: &Store, key: &str) -> Option<Bytes> {
    store.get(key).await.unwrap().map(|(_, bytes)| bytes)
}

async fn keys(store: &Store, prefix: &str) -> Vec<String> {
    store.list(prefix).await.unwrap().into_iter().map(|object| object.key).collect()
}

async fn read(store: &Store, key: &str) -> Option<(Object, Vec<u8>)> {
    let mut reading = store.read(key).await.unwrap()?;
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        reading.read_to_end(&mut bytes).unwrap();
        (reading.finish().unwrap(), bytes)
    });
    Some(read.await.unwrap())
}

fn is_unmet<T>(result: &Result<T, StoreError>) -> bool {
    result.as_ref().is_err_and(|error| error.failure == Failure::Condition && !error.can_retry())
}

/// Bytes that no compression, repetition or shift leaves alike.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

/// Compares without printing megabytes.
fn assert_same(actual: &[u8], expected: &[u8]) {
    assert_eq!(actual.len(), expected.len());
    let differs = actual.iter().zip(expected).position(|(a, b)| a != b);
    assert_eq!(differs, None, "the first byte that differs");
}

async fn what_is_written_is_read(store: Store) {
    for (key, bytes) in [("day=1/data", "some bytes"), ("empty", "")] {
        assert!(store.head(key).await.unwrap().is_none());
        assert!(store.get(key).await.unwrap().is_none());
        assert!(store.read(key).await.unwrap().is_none());
        assert_eq!(keys(&store, key).await, [""; 0]);

        let written = put(&store, key, bytes).await;
        assert_eq!((written.key.as_str(), written.bytes), (key, bytes.len() as u64));
        assert!(!written.etag.is_empty() && !written.etag.contains('"'));
        assert!((Utc::now() - written.last_modified).abs() < TimeDelta::minutes(1), "{written:?}");

        let (found, content) = store.get(key).await.unwrap().unwrap();
        assert_eq!(content, bytes);
        let (streamed, content) = read(&store, key).await.unwrap();
        assert_eq!(content, bytes.as_bytes());
        let looked_at = store.head(key).await.unwrap().unwrap();
        let [listed] = store.list(key).await.unwrap().try_into().unwrap();
        for object in [found, streamed, looked_at, listed] {
            assert_eq!((&object.key, object.bytes, &object.etag), (&written.key, written.bytes, &written.etag));
            assert!((object.last_modified - written.last_modified).abs() < TimeDelta::minutes(1), "{object:?}");
        }

        store.delete(key, Condition::Always).await.unwrap();
        assert!(store.head(key).await.unwrap().is_none());
        assert!(store.get(key).await.unwrap().is_none());
        assert_eq!(keys(&store, "").await, [""; 0]);
    }
}

async fn an_object_is_replaced(store: Store) {
    put(&store, "key", "a first and longer text").await;
    put(&store, "key", "a second").await;
    assert_eq!(get(&store, "key").await.unwrap(), "a second");
    assert_eq!(store.head("key").await.unwrap().unwrap().bytes, 8);
    assert_eq!(keys(&store, "").await, ["key"]);
}

async fn deleting_what_is_not_there_succeeds(store: Store) {
    store.delete("never", Condition::Always).await.unwrap();
    store.delete("never/a/folder", Condition::Always).await.unwrap();
    put(&store, "once/there", "x").await;
    store.delete("once/there/below", Condition::Always).await.unwrap();
    store.delete("once/there", Condition::Always).await.unwrap();
    store.delete("once/there", Condition::Always).await.unwrap();
}

async fn lists_are_sorted_and_by_prefix(store: Store) {
    // A slash sorts after a full stop and before letters, wherever folders are.
    let sorted = ["a-z", "a.z", "a/b", "a/bc", "a/bd/e/f", "a/c", "a/c.d", "aa", "b", "b.c/d"];
    for key in sorted.iter().rev() {
        put(&store, key, *key).await;
    }
    assert_eq!(keys(&store, "").await, sorted);
    assert_eq!(keys(&store, "a").await, sorted[..8]);
    assert_eq!(keys(&store, "a/").await, sorted[2..7]);
    assert_eq!(keys(&store, "a/b").await, ["a/b", "a/bc", "a/bd/e/f"]);
    assert_eq!(keys(&store, "a/bd/").await, ["a/bd/e/f"]);
    assert_eq!(keys(&store, "a/bd/e").await, ["a/bd/e/f"]);
    assert_eq!(keys(&store, "b.").await, ["b.c/d"]);
    for nothing in ["c", "a/b/", "a/bd/f", "z/y/x", "a/bd/e/f/g"] {
        assert_eq!(keys(&store, nothing).await, [""; 0], "{nothing}");
    }
}

async fn lists_have_no_hidden_names(store: Store) {
    for key in [".hidden", "a/.hidden", "a/seen.txt", "seen"] {
        put(&store, key, "x").await;
    }
    assert_eq!(keys(&store, "").await, ["a/seen.txt", "seen"]);
    assert_eq!(keys(&store, "a/.").await, [""; 0]);
}

/// S3 gives at most 1,000 names at once.
async fn lists_have_many_pages(store: Store) {
    let expected: Vec<String> = (0..1_100).map(|number| format!("many/{number:04}")).collect();
    let mut writers = JoinSet::new();
    for chunk in expected.chunks(138) {
        let (store, chunk) = (store.clone(), chunk.to_vec());
        writers.spawn(async move {
            for key in chunk {
                put(&store, &key, key.clone()).await;
            }
        });
    }
    writers.join_all().await;
    put(&store, "other", "x").await;
    assert!(keys(&store, "many/").await == expected, "a name is missing, twice there, or at the wrong place");
    assert_eq!(keys(&store, "many/109").await.len(), 10);
}

async fn any_key_is_kept_as_it_is(store: Store) {
    let odd = [
        "a b.csv",
        "a+b.csv",
        "a%20b.csv",
        "a%2Bb.csv",
        "100%",
        "year=24-25/k=v/x",
        "Liège/日本 🌧.txt",
        "Lie\u{300}ge/x",
        "q?a=b&c#d",
        "it's \"quoted\" (1),;:@$!*~",
        "a<b>&amp;",
        "back\\slash",
        " space at both ends ",
        "...",
        "a/...b",
        "_",
    ];
    for key in odd {
        put(&store, key, key).await;
    }
    for key in odd {
        assert_eq!(get(&store, key).await.unwrap(), key, "{key}");
        assert_eq!(store.head(key).await.unwrap().unwrap().key, key);
        assert_eq!(read(&store, key).await.unwrap().1, key.as_bytes());
        let etag = store.head(key).await.unwrap().unwrap().etag;
        assert_eq!(store.get_range(key, &etag, 0..1).await.unwrap(), &key.as_bytes()[..1]);
        let listed = keys(&store, key).await;
        let hidden = key.starts_with('.');
        assert_eq!(listed, if hidden || key.contains("/.") { vec![] } else { vec![key] });
    }
    for (index, key) in odd.iter().enumerate() {
        store.delete(key, Condition::Always).await.unwrap();
        for (later, other) in odd.iter().enumerate() {
            assert_eq!(store.head(other).await.unwrap().is_some(), later > index, "{other} without {key}");
        }
    }
}

async fn absent_holds_once(store: Store) {
    let first = store.put("key", "first".into(), Condition::Absent).await.unwrap();
    let second = store.put("key", "second".into(), Condition::Absent).await;
    assert!(is_unmet(&second), "{second:?}");
    let same = store.put("key", "first".into(), Condition::Absent).await;
    assert!(is_unmet(&same), "{same:?}");
    assert_eq!(store.head("key").await.unwrap().unwrap().etag, first.etag);
    assert_eq!(get(&store, "key").await.unwrap(), "first");

    store.delete("key", Condition::Always).await.unwrap();
    store.put("key", "third".into(), Condition::Absent).await.unwrap();
    assert_eq!(get(&store, "key").await.unwrap(), "third");
}

async fn unchanged_holds_until_a_change(store: Store) {
    let first = put(&store, "key", "first").await;
    let second = store.put("key", "second".into(), Condition::Unchanged(first.etag.clone())).await.unwrap();
    let late = store.put("key", "late".into(), Condition::Unchanged(first.etag)).await;
    assert!(is_unmet(&late), "{late:?}");
    assert_eq!(get(&store, "key").await.unwrap(), "second");
    let etag = store.list("key").await.unwrap()[0].etag.clone();
    store.put("key", "third".into(), Condition::Unchanged(etag)).await.unwrap();

    store.delete("key", Condition::Always).await.unwrap();
    let gone = store.put("key", "gone".into(), Condition::Unchanged(second.etag)).await;
    assert!(is_unmet(&gone), "{gone:?}");
    assert!(store.head("key").await.unwrap().is_none());
}

async fn a_range_is_of_one_state(store: Store) {
    let first = put(&store, "key", "first state").await;
    assert_eq!(store.get_range("key", &first.etag, 0..5).await.unwrap(), "first");
    let other = put(&store, "key", "other state").await;
    let error = store.get_range("key", &first.etag, 0..5).await.unwrap_err();
    assert_eq!(error.failure, Failure::Changed, "{error}");
    assert_eq!(store.get_range("key", &other.etag, 0..5).await.unwrap(), "other");
}

async fn a_reading_returns_the_etag_of_its_bytes(store: Store) {
    let first = put(&store, "key", "first state").await;
    // A reader that stops early has read all of the object by the time it is asked.
    let mut reading = store.read("key").await.unwrap().unwrap();
    let finished = tokio::task::spawn_blocking(move || {
        let mut beginning = [0; 5];
        reader_exact(&mut reading, &mut beginning);
        assert_eq!(&beginning, b"first");
        reading.finish().unwrap()
    });
    let finished = finished.await.unwrap();
    assert_eq!((finished.etag, finished.bytes), (first.etag, first.bytes));
}

fn reader_exact(reader: &mut impl Read, bytes: &mut [u8]) {
    reader.read_exact(bytes).unwrap();
}

async fn deletions_have_conditions(store: Store) {
    let first = put(&store, "a/key", "first").await;
    let second = put(&store, "a/key", "second").await;
    let late = store.delete("a/key", Condition::Unchanged(first.etag)).await;
    assert!(is_unmet(&late), "{late:?}");
    assert_eq!(get(&store, "a/key").await.unwrap(), "second");
    store.delete("a/key", Condition::Unchanged(second.etag.clone())).await.unwrap();
    assert!(store.head("a/key").await.unwrap().is_none());
    store.delete("a/key", Condition::Unchanged(second.etag)).await.unwrap();
}

async fn files_are_written_under_conditions(store: Store) {
    let file = |text: &str| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    };
    let first = store.put_file("key", file("first"), Condition::Absent).await.unwrap();
    let again = store.put_file("key", file("again"), Condition::Absent).await;
    assert!(is_unmet(&again), "{again:?}");
    store.put_file("key", file("second"), Condition::Unchanged(first.etag.clone())).await.unwrap();
    let late = store.put_file("key", file("late"), Condition::Unchanged(first.etag)).await;
    assert!(is_unmet(&late), "{late:?}");
    assert_eq!(get(&store, "key").await.unwrap(), "second");
}

async fn one_of_many_creators_wins(store: Store) {
    for round in 0..10 {
        one_of_eight_wins(&store, &format!("created/{round}"), &Condition::Absent).await;
    }
}

async fn one_of_many_changers_wins(store: Store) {
    for round in 0..10 {
        let key = format!("changed/{round}");
        let before = put(&store, &key, "before").await;
        one_of_eight_wins(&store, &key, &Condition::Unchanged(before.etag)).await;
    }
}

async fn one_of_eight_wins(store: &Store, key: &str, condition: &Condition) {
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let (store, key, condition) = (store.clone(), key.to_owned(), condition.clone());
        let text = format!("by writer {writer}");
        writers.spawn(async move { (text.clone(), store.put(&key, text.into(), condition).await) });
    }
    let (winners, others): (Vec<_>, Vec<_>) = writers.join_all().await.into_iter().partition(|(_, end)| end.is_ok());
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert!(others.iter().all(|(_, end)| is_unmet(end)), "{others:?}");
    assert_eq!(get(store, key).await.unwrap(), winners[0].0);
}

async fn etags_follow_the_bytes(store: Store) {
    let first = put(&store, "key", "bytes").await;
    assert_eq!(put(&store, "key", "bytes").await.etag, first.etag);
    assert_eq!(put(&store, "other", "bytes").await.etag, first.etag);
    let changed = put(&store, "key", "bytEs").await;
    assert_ne!(changed.etag, first.etag);
    assert_eq!(store.head("key").await.unwrap().unwrap().etag, changed.etag);
    assert_ne!(put(&store, "key", "").await.etag, changed.etag);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"bytes").unwrap();
    assert_eq!(store.put_file("key", file, Condition::Always).await.unwrap().etag, first.etag);
}

async fn ranges_are_read(store: Store) {
    let etag = put(&store, "key", "0123456789").await.etag;
    for (range, expected) in
        [(3..6, "345"), (0..10, "0123456789"), (0..1, "0"), (9..10, "9"), (4..4, ""), (0..0, ""), (10..10, "")]
    {
        assert_eq!(store.get_range("key", &etag, range.clone()).await.unwrap(), expected, "{range:?}");
    }
    // An object is never shorter than its ledger entry says, unless it is another one.
    for range in [8..100, 10..11, 50..60] {
        let error = store.get_range("key", &etag, range.clone()).await.unwrap_err();
        assert_eq!(error.failure, Failure::Changed, "{range:?}: {error}");
    }
    let error = store.get_range("no/such", &etag, 0..5).await.unwrap_err();
    assert_eq!(error.failure, Failure::NotFound);
    assert!(error.to_string().contains("no/such"), "{error}");
}

async fn large_objects_are_streamed(store: Store) {
    let bytes = Bytes::from(noise(20_000_000));
    let etag = put(&store, "large", bytes.clone()).await.etag;
    let (object, content) = read(&store, "large").await.unwrap();
    assert_eq!(object.bytes, 20_000_000);
    assert_same(&content, &bytes);
    assert_same(
        &store.get_range("large", &etag, 12_345_678..15_000_000).await.unwrap(),
        &bytes[12_345_678..15_000_000],
    );

    // A reader may stop before the end, and read in steps of any size.
    let mut reader = store.read("large").await.unwrap().unwrap();
    let beginning = tokio::task::spawn_blocking(move || {
        let mut beginning = vec![0; 100_003];
        for step in beginning.chunks_mut(7_919) {
            reader.read_exact(step).unwrap();
        }
        beginning
    });
    assert_same(&beginning.await.unwrap(), &bytes[..100_003]);
}

/// S3 takes parts of 16 MiB: one, exactly two, and some with a rest.
async fn large_files_are_written(store: Store) {
    const MIB: usize = 1024 * 1024;
    for size in [16 * MIB, 32 * MIB, 40_000_000] {
        let bytes = noise(size);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        // From its beginning, wherever its writer left it.
        file.seek(SeekFrom::Start(5)).unwrap();
        let written = store.put_file("file", file, Condition::Always).await.unwrap();
        assert_eq!((written.key.as_str(), written.bytes), ("file", size as u64));
        let (object, content) = read(&store, "file").await.unwrap();
        assert_eq!((object.bytes, object.etag), (size as u64, written.etag));
        assert_same(&content, &bytes);
    }
    let written = store.put_file("file", tempfile::tempfile().unwrap(), Condition::Always).await.unwrap();
    assert_eq!(written.bytes, 0);
    assert_eq!(get(&store, "file").await.unwrap(), "");
}

/// Consoles make objects of no bytes to show a folder.
async fn folder_markers_are_no_objects(store: Store) {
    put(&store, "folder/", "").await;
    put(&store, "folder/object", "x").await;
    assert_eq!(keys(&store, "").await, ["folder/object"]);
}

/// A store sees nothing of a neighbour whose prefix begins like its own, and its keys are without the prefix.
async fn prefixes_are_apart(bucket: String) {
    let open = |prefix: &str| s3_store(&format!("s3://{bucket}/{prefix}"));
    let (one, other) = (open("apart"), open("apart2"));
    put(&one, "key", "one").await;
    put(&other, "key", "other").await;
    assert_eq!(keys(&one, "").await, ["key"]);
    assert_eq!(get(&one, "key").await.unwrap(), "one");
    assert_eq!(keys(&open(""), "apart").await, ["apart/key", "apart2/key"]);
    assert_eq!(one.url("key"), format!("s3://{bucket}/apart/key"));
}

async fn a_missing_bucket_is_an_error(store: Store) {
    let errors = [
        store.get("key").await.unwrap_err(),
        store.head("key").await.unwrap_err(),
        store.read("key").await.map(drop).unwrap_err(),
        store.get_range("key", "x", 0..1).await.unwrap_err(),
        store.list("key").await.unwrap_err(),
        store.put("key", "x".into(), Condition::Always).await.unwrap_err(),
        store.put("key", "x".into(), Condition::Absent).await.unwrap_err(),
        store.put_file("key", tempfile::tempfile().unwrap(), Condition::Always).await.unwrap_err(),
        store.delete("key", Condition::Always).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.failure, Failure::NotFound, "{error}");
        let text = error.to_string();
        assert!(text.contains("s3://tributary-no-such-bucket/prefix/key") && text.contains("NoSuchBucket"), "{text}");
    }
}

#[tokio::test]
async fn a_folder_in_an_objects_place_is_no_other_writer() {
    let (_folder, store) = local_store();
    put(&store, "a/b/key", "x").await;
    for condition in [Condition::Absent, Condition::Always] {
        let put = store.put("a/b", "y".into(), condition).await;
        assert!(put.is_err() && !is_unmet(&put), "{put:?}");
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_empty() {
    let (folder, _) = local_store();
    let path = folder.path().join("not/there");
    let store = Store::open(&StoreUrl::File(path.clone()), &S3Client::default());
    assert_eq!(keys(&store, "").await, [""; 0]);
    assert!(store.get("key").await.unwrap().is_none());
    assert_eq!(store.leftovers().await.unwrap(), [""; 0]);
    assert!(!path.exists(), "reading makes no folder");
    put(&store, "a/key", "x").await;
    assert_eq!(keys(&store, "").await, ["a/key"]);
}

#[tokio::test]
async fn leftovers_of_killed_writers_are_found() {
    let (folder, store) = local_store();
    put(&store, "a/b/object", "x").await;
    let abandoned = folder.path().join("a/b/.tributary-x");
    let held = folder.path().join("a/.tributary-held");
    let foreign = folder.path().join("a/.gitignore");
    for path in [&abandoned, &held, &foreign] {
        fs::write(path, "half a row").unwrap();
    }
    let writer = File::open(&held).unwrap();
    writer.lock().unwrap();

    assert_eq!(keys(&store, "").await, ["a/b/object"]);
    assert_eq!(store.leftovers().await.unwrap(), ["a/b/.tributary-x"]);
    assert!(abandoned.exists(), "looking removes nothing");
    assert_eq!(store.remove_leftovers().await.unwrap(), ["a/b/.tributary-x"]);
    assert!(!abandoned.exists() && held.exists() && foreign.exists());
    assert_eq!(store.leftovers().await.unwrap(), [""; 0]);

    drop(writer);
    assert_eq!(store.remove_leftovers().await.unwrap(), ["a/.tributary-held"]);
    assert_eq!(keys(&store, "").await, ["a/b/object"]);
}

#[tokio::test]
async fn a_killed_writer_is_known_by_what_it_held() {
    let (folder, store) = local_store();
    let at_root =
        || fs::read_dir(folder.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file()).count();
    put(&store, "a/object", "x").await;
    put(&store.clone(), "a/object", "y").await;
    let other = Store::open(&StoreUrl::File(folder.path().to_owned()), &S3Client::default());
    assert_eq!(at_root(), 1, "one file for all writes of a process");
    assert!(!other.a_writer_died().await.unwrap(), "it lives");
    assert_eq!(other.leftovers().await.unwrap(), [""; 0]);
    drop(store);
    assert_eq!(at_root(), 0, "who ends by itself leaves nothing");
    // What a killed process leaves.
    for path in [".tributary-1", "a/.tributary-2"] {
        fs::write(folder.path().join(path), "").unwrap();
    }
    assert!(other.a_writer_died().await.unwrap());
    assert_eq!(other.remove_leftovers().await.unwrap(), [".tributary-1", "a/.tributary-2"]);
    assert!(!other.a_writer_died().await.unwrap());
    assert_eq!(keys(&other, "").await, ["a/object"]);
}

/// A file that is copied over itself while it is read: its bytes are of no one state.
#[tokio::test]
async fn a_file_that_is_written_to_while_it_is_read_has_no_etag() {
    let (folder, store) = local_store();
    let path = folder.path().join("key");
    put(&store, "key", noise(600_000)).await;
    for change in ["in place", "replaced", "removed"] {
        let mut reading = store.read("key").await.unwrap().unwrap();
        let path = path.clone();
        let finished = tokio::task::spawn_blocking(move || {
            let mut beginning = vec![0; 300_000];
            reading.read_exact(&mut beginning).unwrap();
            match change {
                "in place" => fs::write(&path, noise(500_000)).unwrap(),
                "replaced" => {
                    fs::write(path.with_extension("new"), noise(600_000)).unwrap();
                    fs::rename(path.with_extension("new"), &path).unwrap();
                }
                _ => fs::remove_file(&path).unwrap(),
            }
            reading.finish()
        });
        let error = finished.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy, "{change}: {error}");
    }
}

/// An ETag is checked with each range that is read, also after a change that a hash remembered from before misses.
#[tokio::test]
async fn a_damaged_file_is_not_read() {
    let (folder, store) = local_store();
    let etag = put(&store, "key", "0123456789").await.etag;
    assert_eq!(store.get_range("key", &etag, 0..3).await.unwrap(), "012");
    fs::write(folder.path().join("key"), "0123456788").unwrap();
    let error = store.get_range("key", &etag, 0..3).await.unwrap_err();
    assert_eq!(error.failure, Failure::Changed, "{error}");
}

#[tokio::test]
async fn a_write_leaves_the_object_alone() {
    let (folder, store) = local_store();
    put(&store, "a/object", "x").await;
    let lost = store.put("a/object", "y".into(), Condition::Absent).await;
    assert!(is_unmet(&lost), "{lost:?}");
    assert_eq!(names(&folder.path().join("a")), ["object"], "a temporary file is still there");
}

#[cfg(unix)]
#[tokio::test]
async fn objects_are_readable_for_all() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, store) = local_store();
    put(&store, "object", "x").await;
    assert_eq!(folder.path().join("object").metadata().unwrap().permissions().mode() & 0o777, 0o644);
}

#[tokio::test]
async fn keys_do_not_lead_out_of_the_folder() {
    let (folder, _) = local_store();
    fs::write(folder.path().join("secret"), "secret").unwrap();
    let store = Store::open(&StoreUrl::File(folder.path().join("zone")), &S3Client::default());
    put(&store, "a/object", "x").await;
    for key in ["../secret", "a/../../secret", "a/./object", "a//object", "/secret", "a/", "", "..", "."] {
        let errors = [
            store.put(key, "x".into(), Condition::Always).await.unwrap_err(),
            store.put_file(key, tempfile::tempfile().unwrap(), Condition::Always).await.unwrap_err(),
            store.get(key).await.map(drop).unwrap_err(),
            store.read(key).await.map(drop).unwrap_err(),
            store.get_range(key, "x", 0..1).await.map(drop).unwrap_err(),
            store.head(key).await.map(drop).unwrap_err(),
            store.delete(key, Condition::Always).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.failure, Failure::Other, "{error}");
        }
    }
    assert_eq!(keys(&store, "../").await, [""; 0], "a prefix does not lead out either");
    assert_eq!(fs::read(folder.path().join("secret")).unwrap(), b"secret");
    assert_eq!(keys(&store, "").await, ["a/object"]);
}

#[tokio::test]
async fn emptied_folders_go() {
    let (folder, store) = local_store();
    put(&store, "a/b/c/object", "x").await;
    put(&store, "a/other", "x").await;
    store.delete("a/b/c/object", Condition::Always).await.unwrap();
    assert_eq!(names(&folder.path().join("a")), ["other"]);
    store.delete("a/other", Condition::Always).await.unwrap();
    assert!(!folder.path().join("a").exists());
    drop(store);
    assert_eq!(names(folder.path()), [""; 0]);
    assert!(folder.path().exists(), "the zone's own folder stays");
}

/// The last object's folder goes with it, which must not fail whoever is about to write there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_filled_while_it_is_emptied() {
    let (_folder, store) = local_store();
    for round in 0..1_000 {
        put(&store, "a/folder/old", "x").await;
        let (emptier, filler) = (store.clone(), store.clone());
        let emptied = tokio::spawn(async move { emptier.delete("a/folder/old", Condition::Always).await });
        let filled = tokio::spawn(async move { filler.put("a/folder/new", "y".into(), Condition::Absent).await });
        emptied.await.unwrap().unwrap();
        let filled = filled.await.unwrap();
        assert!(filled.is_ok(), "in round {round}: {filled:?}");
        store.delete("a/folder/new", Condition::Always).await.unwrap();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries: io::Result<Vec<_>> = fs::read_dir(folder).unwrap().collect();
    let mut names: Vec<String> =
        entries.unwrap().iter().map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
