//! Which raw objects are to be cleaned.

use std::path::Path;

use lake::settings::LakeSettings;
use lake::store::Condition;

use super::super::{Selection, clean_if_stale, of_days, one, waiting};
use lake::Lake;

/// A lake in a folder, whose dataset `trams` has a table with these options.
async fn lake_with(folder: &Path, options: &str) -> Lake {
    let config = folder.join("config/datasets/trams");
    std::fs::create_dir_all(&config).unwrap();
    let declared = format!(
        "title = \"T\"\ntime_zone = \"UTC\"\n[table.position]\nfrom = \"*/*.json\"\nformat = \"json\"\n{options}\n\
         [table.position.column.tram]\ntype = \"int64\"\n"
    );
    std::fs::write(config.join("dataset.toml"), declared).unwrap();
    Lake::open(LakeSettings::at(format!("file:{}", folder.display()).parse().unwrap())).await.unwrap()
}

#[tokio::test]
async fn a_table_that_is_cut_otherwise_is_cleaned_again_whoever_asks() {
    const KEY: &str = "trams/date=2026-11-18/a.json";
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_with(folder.path(), "").await;
    lake.raw.put(KEY, "[{\"tram\": 1}]".into(), Condition::Always).await.unwrap();
    let days = "2026-11-18".parse().unwrap().."2026-11-19".parse().unwrap();
    assert!(clean_if_stale(&lake, KEY, false).await.unwrap().is_some());
    assert_eq!(of_days(&lake, "trams", &days).await.unwrap(), Vec::<String>::new());

    let lake = lake_with(folder.path(), "partition = \"date\"").await;
    assert_eq!(of_days(&lake, "trams", &days).await.unwrap(), [KEY]);
    assert_eq!(waiting(&lake, &Selection::Stale(Some("trams".to_owned())), false).await.unwrap().keys, [KEY]);
    assert!(clean_if_stale(&lake, KEY, false).await.unwrap().is_some());
    assert!(clean_if_stale(&lake, KEY, false).await.unwrap().is_none());
}

#[tokio::test]
async fn hidden_objects_and_mere_siblings_need_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_with(folder.path(), "siblings = [\"lines.txt\"]").await;
    for key in ["trams/_progress/a.json", "trams/1/_a.json", "trams/1/lines.txt", "trams/1/a.json"] {
        lake.raw.put(key, "[]".into(), Condition::Always).await.unwrap();
    }
    assert_eq!(
        waiting(&lake, &Selection::Stale(Some("trams".to_owned())), false).await.unwrap().keys,
        ["trams/1/a.json"]
    );
    for key in ["trams/_progress/a.json", "trams/1/_a.json", "trams/1/lines.txt"] {
        assert_eq!(clean_if_stale(&lake, key, false).await.unwrap(), None, "{key}");
    }
    assert!(one(&lake, "trams/_progress/a.json").await.unwrap_err().to_string().contains("is hidden"));
    assert_eq!(clean_if_stale(&lake, "trams/1/a.json", false).await.unwrap().unwrap().table, "position");
}
