//! Tests of whole cleanings, over stores in which other writers act at scripted moments.

mod guards;
mod handler;
mod layout;
mod older;
mod protocol;
mod script;
mod snapshots;

use std::path::Path;

use chrono::{DateTime, Utc};
use lake::Lake;
use lake::progress::Quiet;
use lake::settings::LakeSettings;
use lake::store::Condition;

use crate::{MAX_REJECTED, Options, Outcome, Selection};

/// A lake in a folder, whose dataset `trams` has a table of trams by month.
async fn lake_at(folder: &Path) -> Lake {
    let config = folder.join("config/datasets/trams");
    std::fs::create_dir_all(&config).unwrap();
    let declared = "title = \"T\"\ntime_zone = \"UTC\"\n[table.position]\nfrom = \"*\"\npartition = \"month(day)\"\n\
                    key = [\"tram\"]\n[table.position.column]\ntram = { type = \"int64\", required = true }\n\
                    day = { type = \"date\", required = true }\n";
    std::fs::write(config.join("dataset.toml"), declared).unwrap();
    std::fs::create_dir_all(folder.join("raw")).unwrap();
    Lake::open(LakeSettings::at(format!("file:{}", folder.display()).parse().unwrap())).await.unwrap()
}

async fn upload(lake: &Lake, key: &str, text: &str) {
    lake.raw.put(key, text.to_owned().into(), Condition::Always).await.unwrap();
}

fn options() -> Options {
    Options { workers: 1, prune: false, max_rejected: MAX_REJECTED, now: Utc::now() }
}

async fn clean_with(lake: &Lake, selection: Selection, options: Options) -> Outcome {
    crate::clean(lake, &selection, options, &Quiet).await.unwrap()
}

async fn clean(lake: &Lake) -> Outcome {
    clean_with(lake, Selection::Stale(None), options()).await
}

fn in_an_hour() -> DateTime<Utc> {
    Utc::now() + chrono::TimeDelta::minutes(61)
}

/// The keys in the standard zone.
async fn standard(lake: &Lake) -> Vec<String> {
    lake.standard.list("").await.unwrap().into_iter().map(|object| object.key).collect()
}

/// Panics unless every entry's outputs are there as it says, and nothing else is.
async fn assert_whole(lake: &Lake) {
    let entries = lake.ledger.raw_entries(None).await.unwrap();
    assert_eq!(entries.unreadable, []);
    let mut named = Vec::new();
    for entry in &entries.readable {
        assert!(
            entry.rows.balance() && entry.beside.pending.is_empty() && entry.beside.retired.is_empty(),
            "{entry:?}"
        );
        let raw = lake.raw.head(entry.raw_key()).await.unwrap().unwrap();
        assert_eq!(raw.etag, entry.inputs[0].etag, "{}", entry.raw_key());
        for output in &entry.outputs {
            let there = lake.standard.head(&output.key).await.unwrap();
            assert_eq!(there.map(|there| there.etag).as_ref(), Some(&output.etag), "{}", output.key);
            named.push(output.key.clone());
        }
    }
    named.sort();
    assert_eq!(standard(lake).await, named);
}
