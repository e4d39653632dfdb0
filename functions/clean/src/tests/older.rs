//! What older versions rejected, and how much of it a run cleans again.

use lake::ledger::DECODERS;

use super::*;
use crate::OLDER_PER_RUN;

const SOUND: &str = "tram,day\n1,2026-01-05\n";
const HALF: &str = "tram,day\n1,2026-01-05\nx,2026-01-05\n";
const BROKEN: &str = "tram,other\n1,2026-01-05\n";

/// Writes an entry again as a version with older decoders would have it.
async fn age(lake: &Lake, raw_key: &str) {
    let (entry, object) = lake.ledger.raw_entry(raw_key).await.unwrap().unwrap();
    assert_eq!(entry.rejected_by, DECODERS, "{raw_key}");
    let older = lake::ledger::RawEntry { rejected_by: DECODERS - 1, ..entry };
    lake.ledger.commit_raw(&older, Some(&object.etag)).await.unwrap();
}

fn keys(outcome: &Outcome) -> Vec<&str> {
    outcome.cleaned.iter().map(|cleaned| cleaned.raw_key.as_str()).collect()
}

#[tokio::test]
async fn what_older_decoders_rejected_is_cleaned_again_once() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    for number in 0..20 {
        upload(&lake, &format!("trams/{number:02}.csv"), SOUND).await;
    }
    let rejected = ["trams/broken.csv", "trams/half.csv"];
    upload(&lake, rejected[0], BROKEN).await;
    upload(&lake, rejected[1], HALF).await;
    let outcome = clean(&lake).await;
    assert_eq!((outcome.cleaned.len(), outcome.failed.len()), (22, 1));
    let text = |key: &str| std::fs::read_to_string(folder.path().join(format!("ledger/raw/{key}.json"))).unwrap();
    assert!(!text("trams/00.csv").contains("rejected_by"));
    assert!(rejected.iter().all(|key| text(key).contains("rejected_by")));
    // By the entries, then by the snapshot of them, which the run before has left.
    for _ in 0..2 {
        assert_eq!(clean(&lake).await.up_to_date, 22);
    }

    let before = rejected.map(text);
    for key in rejected {
        age(&lake, key).await;
    }
    assert_eq!(crate::waiting(&lake, &Selection::Stale(None), false).await.unwrap().keys, rejected);
    let outcome = clean(&lake).await;
    assert_eq!((keys(&outcome), outcome.up_to_date), (rejected.to_vec(), 20));
    assert_eq!(outcome.failed.len(), 0, "what was rejected before is no news: {:?}", outcome.failed);
    assert_eq!(rejected.map(text), before);
    assert_whole(&lake).await;
    assert_eq!(clean(&lake).await.up_to_date, 22);
}

#[tokio::test]
async fn more_rejects_than_an_older_version_had_are_news() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, "trams/broken.csv", BROKEN).await;
    clean(&lake).await;
    let (entry, object) = lake.ledger.raw_entry("trams/broken.csv").await.unwrap().unwrap();
    let rows = lake::ledger::Rows { read: 2, clean: 2, ..lake::ledger::Rows::default() };
    let older = lake::ledger::RawEntry { format: 0, rows, rejected_by: 0, ..entry };
    lake.ledger.commit_raw(&older, Some(&object.etag)).await.unwrap();
    let outcome = clean(&lake).await;
    assert_eq!((outcome.cleaned.len(), outcome.failed.len()), (1, 1));
}

#[tokio::test]
async fn a_run_cleans_so_many_again_and_the_next_one_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    let raw_keys: Vec<String> = (0..OLDER_PER_RUN + 7).map(|number| format!("trams/{number:04}.csv")).collect();
    for key in &raw_keys {
        upload(&lake, key, HALF).await;
    }
    clean(&lake).await;
    for key in &raw_keys {
        age(&lake, key).await;
    }
    for (again, done) in [(OLDER_PER_RUN, 7), (7, OLDER_PER_RUN), (0, raw_keys.len())] {
        let outcome = clean(&lake).await;
        assert_eq!((outcome.cleaned.len(), outcome.up_to_date, outcome.failed.len()), (again, done as u64, 0));
    }
}
