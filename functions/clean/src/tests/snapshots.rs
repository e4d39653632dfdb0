//! Tables whose newest object is all of them.

use super::*;

async fn lake_of_members(folder: &Path) -> Lake {
    let config = folder.join("config/datasets/club");
    std::fs::create_dir_all(&config).unwrap();
    let declared = "title = \"T\"\ntime_zone = \"UTC\"\n[table.member]\nfrom = \"*\"\nsnapshot = true\n\
                    [table.member.column]\nid = { type = \"int64\", required = true }\n";
    std::fs::write(config.join("dataset.toml"), declared).unwrap();
    std::fs::create_dir_all(folder.join("raw")).unwrap();
    Lake::open(LakeSettings::at(format!("file:{}", folder.display()).parse().unwrap())).await.unwrap()
}

#[tokio::test]
async fn an_object_without_a_valid_row_empties_no_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_of_members(folder.path()).await;
    upload(&lake, "club/a.csv", "id\n1\n2\n").await;
    let files = [
        ("empty.csv", ""),
        ("blank.csv", "\n\n"),
        ("header.csv", "id\n"),
        ("list.json", "[]"),
        ("bad.csv", "id\nx\ny\n"),
    ];
    for (name, text) in files {
        upload(&lake, &format!("club/{name}"), text).await;
    }
    let outcome = clean(&lake).await;
    assert_eq!(outcome.cleaned.len(), 1 + files.len());
    for (name, _) in files {
        let (entry, _) = lake.ledger.raw_entry(&format!("club/{name}")).await.unwrap().unwrap();
        let whole = entry.rejected.clone().unwrap_or_else(|| panic!("{name}: {entry:?}"));
        assert_eq!((whole.reason.as_str(), entry.outputs.len()), ("empty_snapshot", 0), "{name}");
        assert!(whole.message.contains("upload the whole list again"), "{name}: {}", whole.message);
        let rejects = entry.rejects.unwrap_or_else(|| panic!("{name}"));
        let key = folder.path().join("rejection").join(rejects.key);
        let lines = std::fs::read_to_string(key).unwrap();
        // Rows that are rejected by themselves keep their reasons.
        let (count, reason) = if name == "bad.csv" { (2, "not_an_integer") } else { (1, "empty_snapshot") };
        assert_eq!(lines.lines().count(), count, "{name}: {lines}");
        assert!(lines.lines().all(|line| line.contains(reason)), "{name}: {lines}");
        assert_eq!((entry.rows.read, entry.rows.rejected), (count as u64, count as u64), "{name}");
    }
    assert_whole(&lake).await;
    assert_eq!(clean(&lake).await.up_to_date, 1 + files.len() as u64, "it is handled");
}

#[tokio::test]
async fn a_table_of_deliveries_takes_an_object_without_rows() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake_at(folder.path()).await;
    upload(&lake, "trams/a.csv", "tram,day\n").await;
    let outcome = clean(&lake).await;
    assert!(outcome.failed.is_empty() && outcome.cleaned.iter().all(|cleaned| cleaned.rejected_whole.is_none()));
}
