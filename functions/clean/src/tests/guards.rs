//! What is deleted, and what is not; what counts as done, and what as failed.

use std::time::{Duration, SystemTime};

use super::*;
use crate::{Error, clean_if_stale, waiting};

const JANUARY: &str = "tram,day\n1,2026-01-05\n";

async fn lake_with_objects(folder: &Path, count: usize) -> (Lake, Vec<String>) {
    let lake = lake_at(folder).await;
    let keys: Vec<String> = (0..count).map(|number| format!("trams/{number:03}.csv")).collect();
    for key in &keys {
        upload(&lake, key, JANUARY).await;
    }
    clean(&lake).await;
    (lake, keys)
}

async fn delete(lake: &Lake, keys: &[String]) {
    for key in keys {
        lake.raw.delete(key, Condition::Always).await.unwrap();
    }
}

#[tokio::test]
async fn many_objects_gone_at_once_are_removed_only_if_it_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, keys) = lake_with_objects(folder.path(), 20).await;
    delete(&lake, &keys[..10]).await;
    for selection in [Selection::Stale(None), Selection::All(None), Selection::Rejected(Some("trams".to_owned()))] {
        let outcome = clean_with(&lake, selection, Options { now: in_an_hour(), ..options() }).await;
        let [error] = outcome.failed.as_slice() else { panic!("{:?}", outcome.failed) };
        assert!(error.to_string().contains("10 of 20") && error.to_string().contains("--prune"), "{error}");
        assert!(outcome.retracted.is_empty());
        assert_eq!(standard(&lake).await.len(), 20);
    }
    assert!(clean_if_stale(&lake, &keys[0], false).await.unwrap_err().to_string().contains("--prune"));
    clean_if_stale(&lake, &keys[0], true).await.unwrap();
    assert_eq!(standard(&lake).await.len(), 19);
    let outcome = clean_with(&lake, Selection::Stale(None), Options { prune: true, ..options() }).await;
    assert_eq!((outcome.failed.len(), outcome.retracted.len()), (0, 9));
    assert_whole(&lake).await;
}

#[tokio::test]
async fn few_objects_gone_are_removed_and_all_of_them_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, keys) = lake_with_objects(folder.path(), 3).await;
    delete(&lake, &keys[..1]).await;
    assert_eq!(clean(&lake).await.retracted, keys[..1]);
    delete(&lake, &keys[1..2]).await;
    clean_if_stale(&lake, &keys[1], false).await.unwrap();
    assert_whole(&lake).await;
    let found = waiting(&lake, &Selection::Stale(None), false).await.unwrap();
    assert_eq!((found.up_to_date, found.gone.len(), found.failed.len()), (1, 0, 0));
    delete(&lake, &keys[2..]).await;
    let found = waiting(&lake, &Selection::Stale(None), false).await.unwrap();
    assert_eq!((&found.gone[..], &found.kept[..]), (&keys[2..], &keys[2..]));
    let [foreseen] = found.failed.as_slice() else { panic!("{:?}", found.failed) };
    let outcome = clean(&lake).await;
    let [error] = outcome.failed.as_slice() else { panic!("{:?}", outcome.failed) };
    assert_eq!(foreseen.to_string(), error.to_string());
    assert_eq!(standard(&lake).await.len(), 1);
}

#[tokio::test]
async fn a_raw_zone_that_is_not_there_is_an_error_and_no_empty_zone() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, keys) = lake_with_objects(folder.path(), 3).await;
    std::fs::rename(folder.path().join("raw"), folder.path().join("unmounted")).unwrap();
    let options = Options { prune: true, ..options() };
    let error = crate::clean(&lake, &Selection::Stale(None), options, &Quiet).await.unwrap_err();
    assert!(error.to_string().contains("raw zone") && error.to_string().contains("RAW_URL"), "{error}");
    assert!(clean_if_stale(&lake, &keys[0], true).await.is_err());
    assert_eq!(standard(&lake).await.len(), 3);
}

#[tokio::test]
async fn an_object_that_comes_back_while_it_is_removed_is_cleaned_again() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, keys) = lake_with_objects(folder.path(), 2).await;
    delete(&lake, &keys[..1]).await;
    // A process that was killed after it had marked the entry.
    let (entry, object) = lake.ledger.raw_entry(&keys[0]).await.unwrap().unwrap();
    lake.ledger.commit_raw(&entry.withdrawn(&lake::ledger::Others::default()), Some(&object.etag)).await.unwrap();
    upload(&lake, &keys[0], "tram,day\n1,2026-03-05\n").await;
    assert_eq!(clean(&lake).await.cleaned.len(), 1);
    assert_whole(&lake).await;
}

#[tokio::test]
async fn a_sweep_takes_old_orphans_of_known_tables_only() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, _) = lake_with_objects(folder.path(), 1).await;
    let orphan = "trams/position/month=2025-01/x.csv.parquet";
    let foreign = [
        "trams/position/notes.txt",
        "trams/position/no partition/x.parquet",
        "trams/unknown/month=2025-01/x.csv.parquet",
        "buses/position/month=2025-01/x.csv.parquet",
    ];
    for key in foreign.iter().chain([&orphan]) {
        lake.standard.put(key, "x".into(), Condition::Always).await.unwrap();
    }
    clean_with(&lake, Selection::All(None), options()).await;
    assert!(lake.standard.head(orphan).await.unwrap().is_some(), "it is young");
    clean_with(&lake, Selection::All(None), Options { now: in_an_hour(), ..options() }).await;
    assert!(lake.standard.head(orphan).await.unwrap().is_none());
    for key in foreign {
        assert!(lake.standard.head(key).await.unwrap().is_some(), "{key}");
    }
    assert_eq!(standard(&lake).await.len(), foreign.len() + 1);
}

#[tokio::test]
async fn an_unreadable_entry_stops_its_own_object_only() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, keys) = lake_with_objects(folder.path(), 3).await;
    let path = folder.path().join(format!("ledger/raw/{}.json", keys[0]));
    std::fs::write(&path, "{").unwrap();
    upload(&lake, &keys[1], "tram,day\n2,2026-01-05\n").await;
    let outcome = clean(&lake).await;
    let [error] = outcome.failed.as_slice() else { panic!("{:?}", outcome.failed) };
    assert!(error.to_string().contains(&keys[0]), "{error}");
    assert_eq!((outcome.cleaned.len(), outcome.up_to_date), (1, 1));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{");
    let found = waiting(&lake, &Selection::Stale(None), false).await.unwrap();
    assert_eq!(found.keys, Vec::<String>::new());
    assert_eq!(found.failed.iter().map(ToString::to_string).collect::<Vec<_>>(), [error.to_string()]);

    let outcome = clean_with(&lake, Selection::All(None), Options { now: in_an_hour(), ..options() }).await;
    assert_eq!((outcome.failed.len(), outcome.cleaned.len()), (0, 3));
    assert_whole(&lake).await;
}

#[tokio::test]
async fn an_entry_of_a_newer_format_stops_everything() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, keys) = lake_with_objects(folder.path(), 2).await;
    std::fs::write(folder.path().join(format!("ledger/raw/{}.json", keys[0])), "{\"format\": 99}").unwrap();
    let error = crate::clean(&lake, &Selection::All(None), options(), &Quiet).await.unwrap_err();
    assert!(error.to_string().contains("format 99"), "{error}");
}

#[tokio::test]
async fn the_same_bytes_that_arrive_again_are_newer_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, keys) = lake_with_objects(folder.path(), 2).await;
    let path = folder.path().join("raw").join(&keys[0]);
    let later = SystemTime::now() + Duration::from_secs(100);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    assert_eq!(waiting(&lake, &Selection::Stale(None), false).await.unwrap().keys, keys[..1]);
    assert!(clean_if_stale(&lake, &keys[0], false).await.unwrap().is_some());
    assert!(clean_if_stale(&lake, &keys[0], false).await.unwrap().is_none());

    // A fresh lake of the same raw objects has the same bytes.
    let incremental = lake.standard.list("").await.unwrap();
    std::fs::remove_dir_all(folder.path().join("ledger")).unwrap();
    std::fs::remove_dir_all(folder.path().join("standard")).unwrap();
    clean(&lake).await;
    let fresh = lake.standard.list("").await.unwrap();
    let etags = |list: Vec<lake::store::Object>| list.into_iter().map(|o| (o.key, o.etag)).collect::<Vec<_>>();
    assert_eq!(etags(incremental), etags(fresh));
}

#[tokio::test]
async fn an_object_of_which_too_much_is_rejected_is_done_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, "trams/half.csv", "tram,day\n1,2026-01-05\nx,2026-01-05\n").await;
    upload(&lake, "trams/most.csv", "tram,day\n1,2026-01-05\nx,2026-01-05\ny,2026-01-05\n").await;
    upload(&lake, "trams/whole.csv", "number,date,x\n\n1,2026-01-05,x\r\n\r\n2,2026-01-05,x\n3,2026-01-05,x").await;
    upload(&lake, "trams/whole.json", "<html>\n</html>\n").await;
    let outcome = clean(&lake).await;
    let rows: Vec<_> = outcome.cleaned.iter().map(|cleaned| (cleaned.rows.read, cleaned.rows.rejected)).collect();
    assert_eq!(rows, [(2, 1), (3, 2), (3, 3), (1, 1)]);
    let failed: Vec<String> = outcome.failed.iter().map(Error::to_string).collect();
    assert_eq!(failed.len(), 3, "{failed:?}");
    assert!(failed[0].contains("2 of 3 rows of trams/most.csv") && failed[1].contains("no column"), "{failed:?}");
    assert_whole(&lake).await;
    let rejects = lake.rejection.get("trams/position/whole.csv.ndjson").await.unwrap().unwrap().1;
    let line: serde_json::Value = serde_json::from_slice(&rejects).unwrap();
    assert_eq!(line["rows"], 3);

    let again = clean_with(&lake, Selection::All(None), Options { max_rejected: 1.0, ..options() }).await;
    assert!(again.failed.is_empty());
}

#[tokio::test]
async fn a_gap_of_any_status_costs_no_answer_its_rows_and_answers_that_are_rejected_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    let at = "\"received_at\":\"2026-11-20T05:00:00Z\",\"status\":200";
    let account = |learner: i64| format!("{{\"request\":{{\"learner\":{learner}}},{at},\"body\":{{\"honor\":1}}}}\n");
    let gap = "\"gap\":{\"what\":[\"45\"],\"reason\":\"no\",\"can_retry\":true}";
    let gap = format!("{{\"request\":{{\"learner\":45}},{at},\"body\":null,{gap}}}\n");
    for (week, text) in [
        ("2026-11-09", format!("{}{gap}{}", account(43), account(44))),
        ("2026-11-16", format!("{}{gap}{}<html>", account(43), account(44))),
    ] {
        upload(&lake, &format!("codetrack/week={week}/users.ndjson"), &text).await;
    }
    let outcome = clean(&lake).await;
    let rows: Vec<_> = outcome.cleaned.iter().map(|cleaned| (cleaned.rows.read, cleaned.rows.rejected)).collect();
    assert_eq!(rows, [(2, 0), (4, 4)]);
    let entries = lake.ledger.raw_entries(Some("codetrack")).await.unwrap().readable;
    assert_eq!(entries[0].gaps.len(), 1, "{entries:?}");
    assert_whole(&lake).await;
}
