//! Partitions that are made in shards.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use integration::TestLake;
use integration::trams::{DATASET, MODEL, RIDES, SQL, made};
use serde_json::{Value, json};

/// A lake with a model that is made in several shards, or in one.
fn in_shards(declared: &str) -> TestLake {
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write("config/datasets/trams/dataset.toml", DATASET);
    let model = "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n-- look_back_days = 3\n";
    let sql = "\nSELECT id, day, line, people, sum(people) OVER (PARTITION BY line ORDER BY day, id) AS so_far FROM ride \
        CROSS JOIN settings WHERE people >= settings.least ORDER BY line, day, id\n";
    lake.write("config/datasets/trams/so_far.sql", format!("{model}{declared}{sql}"));
    let ride = |number: u32| format!("{number},2026-10-{:02},{},Ada,{}\n", 1 + number % 31, number % 13, number % 5);
    let rides: String = (0..2_000).map(ride).collect();
    lake.write("raw/trams/rides.csv", format!("id,day,line,driver,people\n{rides}"));
    lake.call(&["clean"]).ok();
    lake
}

const SO_FAR: &str = "consumption/trams/so_far/month=2026-10/data.parquet";

fn kept(lake: &TestLake) -> Vec<std::path::PathBuf> {
    let mut folders = vec![lake.path().join("batch/shards")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

#[test]
fn a_partition_in_shards_has_the_rows_of_one_that_is_made_as_a_whole() {
    let rows = |lake: &TestLake| lake.query("SELECT * FROM trams.so_far ORDER BY id");
    let whole = in_shards("");
    whole.call(&["aggregate"]).ok();
    let sharded = in_shards(
        "-- shard = [\"line\"]\n-- shard_bytes = 2000\n-- [[test]]\n-- unique = [\"id\"]\n-- not_null = [\"so_far\"]\n",
    );
    let planned = sharded.call(&["aggregate", "--plan"]).ok();
    assert!(planned.stdout.contains("so_far"), "{}", planned.stdout);
    sharded.call(&["aggregate"]).ok();
    assert_eq!(rows(&sharded), rows(&whole));
    assert_eq!(rows(&sharded).len(), 1_600);
    assert_eq!(kept(&sharded), Vec::<std::path::PathBuf>::new(), "what is committed needs no shards");
    sharded.call(&["verify"]).ok();
    assert_eq!(made(&sharded.call(&["aggregate"]).ok()), Vec::<String>::new());
    assert_eq!(sharded.call(&["aggregate", "--all"]).ok().json()["aggregated"][0]["changed"], false);
    let diff = sharded.call(&["aggregate", "--all", "--diff"]).ok().json();
    assert_eq!((&diff["planned"][0]["added"], &diff["planned"][0]["removed"]), (&json!(0), &json!(0)), "{diff}");
}

#[test]
fn shards_that_are_finished_are_not_made_again_and_damaged_ones_are() {
    let declared = "-- shard = [\"line\"]\n-- shard_bytes = 2000\n";
    let quiet = in_shards(declared);
    quiet.call(&["aggregate"]).ok();
    let lake = in_shards(declared);
    let shard = |number: u64| json!({"do": "shard", "dataset": "trams", "model": "so_far", "partition": "month=2026-10", "number": number, "of": 3});
    let job = |id: &str, shares: &[Value]| {
        lake.write(&format!("batch/{id}.json"), json!({"title": id, "shares": shares}).to_string());
        lake.call(&["job", id]).ok();
    };
    // One child of three, as if the others had been killed.
    job("one", &[shard(1)]);
    let first = kept(&lake);
    assert!(!first.is_empty() && kept(&quiet).is_empty());
    let time = |path: &std::path::PathBuf| std::fs::metadata(path).unwrap().modified().unwrap();
    let times: Vec<_> = first.iter().map(time).collect();
    job("more", &[shard(0), shard(1)]);
    let more = kept(&lake);
    assert!(more.len() > first.len() && first.iter().all(|path| more.contains(path)), "{more:?}");
    assert_eq!(first.iter().map(time).collect::<Vec<_>>(), times, "a finished shard is not written again");

    let damaged = &first[0];
    let mut bytes = std::fs::read(damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(damaged, bytes).unwrap();
    lake.call(&["aggregate"]).ok();
    let bytes = |lake: &TestLake| std::fs::read(lake.path().join(SO_FAR)).unwrap();
    assert!(bytes(&lake) == bytes(&quiet), "the same bytes, whoever made the shards and in which order");
    assert_eq!(kept(&lake), Vec::<std::path::PathBuf>::new());

    // What a run that will never be finished has left is not mistaken for anything.
    lake.write("raw/trams/more.csv", "id,day,line,driver,people\n9000,2026-10-31,7,Eve,4\n");
    lake.call(&["clean"]).ok();
    job("late", &[shard(0)]);
    lake.write("raw/trams/more.csv", "id,day,line,driver,people\n9000,2026-10-31,7,Eve,3\n");
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    let people = lake.query("SELECT people FROM trams.so_far WHERE id = 9000");
    assert_eq!((people, kept(&lake).len()), (vec![json!({"people": 3})], 0));

    // What killed runs have left of what is committed, or of a model that is gone, is swept; what may still be asked for stays.
    let entry = std::fs::read(lake.path().join("ledger/consumption/trams/so_far/month=2026-10.json")).unwrap();
    let entry: Value = serde_json::from_slice(&entry).unwrap();
    let committed = format!("so_far/month=2026-10/{}/0-x", entry["fingerprint"].as_str().unwrap());
    for name in [committed.as_str(), "before/month=2026-10/abc/0-x", "so_far/month=2026-11/abc/1-x"] {
        lake.write(&format!("batch/shards/trams/{name}"), "left");
    }
    lake.call(&["aggregate"]).ok();
    assert_eq!(kept(&lake), [lake.path().join("batch/shards/trams/so_far/month=2026-11/abc/1-x")]);
}

#[test]
fn shards_are_declared_by_columns_that_there_are() {
    for (declared, says) in [
        ("-- shard = [\"stop\"]\n", "the first input, ride, has no column \"stop\""),
        ("-- shard_bytes = 5\n", "say by which columns"),
        ("-- shard = [\"line\"]\n-- shard_bytes = 0\n", "a byte at least"),
        ("-- shard = [\"line\"]\n-- split = [\"line\"]\n", "what is split is not made in shards"),
    ] {
        let lake = TestLake::new("http://127.0.0.1:9/");
        lake.write("config/datasets/trams/dataset.toml", DATASET);
        lake.write("config/datasets/trams/people.sql", format!("{MODEL}{declared}{SQL}"));
        let called = lake.call(&["dataset", "check", lake.path().join("config/datasets/trams").to_str().unwrap()]);
        assert!(called.status == 2 && called.stderr.contains(says), "{says:?} is not in: {}", called.stderr);
    }
}

#[test]
fn rows_of_different_shards_do_not_meet() {
    let lake = TestLake::new("http://127.0.0.1:9/");
    let more = "[table.stop]\nfrom = 'stops/*.csv'\npartition = 'month(day)'\n[table.stop.column]\n\
        line = { type = 'string' }\nday = { type = 'date', required = true }\nname = { type = 'string' }\n\
        [table.kind]\nfrom = 'kinds/*.csv'\n[table.kind.column]\nday = { type = 'date', required = true }\nkind = { type = 'string' }\n\
        [list.known]\ncolumns = { line = 'string', name = 'string' }\nrows = [['7', 'Seven'], ['9', 'Nine']]\n";
    let dataset = DATASET.replace("[settings]\nleast = 1\n", "");
    lake.write("config/datasets/trams/dataset.toml", format!("{dataset}{more}"));
    let folder = lake.path().join("config/datasets/trams");
    let check = |sql: &str| {
        let model = "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\", \"stop\", \"kind\"]\n-- shard = [\"line\"]\n\n";
        lake.write("config/datasets/trams/people.sql", format!("{model}{sql}\n"));
        lake.call(&["dataset", "check", folder.to_str().unwrap()])
    };
    for sql in [
        "SELECT day, line, people FROM ride WHERE people > 1 ORDER BY day",
        "SELECT day, line, sum(people) AS people FROM ride GROUP BY day, line",
        "SELECT day, line AS l, count(DISTINCT driver) AS drivers FROM (SELECT * FROM ride) GROUP BY 1, 2",
        "SELECT DISTINCT line, day FROM ride",
        "SELECT day, row_number() OVER (PARTITION BY line, day ORDER BY id) AS number FROM ride",
        "SELECT r.day, s.name FROM ride r JOIN stop s ON r.line = s.line AND r.day = s.day",
        "SELECT r.day, s.name FROM ride r LEFT JOIN stop s USING (line)",
        "SELECT r.day, k.kind FROM ride r LEFT JOIN kind k ON k.day = r.day",
        "SELECT r.day, k.kind FROM kind k JOIN ride r ON k.day = r.day",
        "SELECT r.day FROM ride r WHERE EXISTS (SELECT 1 FROM stop s WHERE s.line = r.line)",
        "SELECT r.day FROM ride r WHERE r.day IN (SELECT day FROM kind)",
        "SELECT day, line FROM ride UNION ALL SELECT day, line FROM stop",
        "SELECT day, line FROM ride UNION SELECT day, line FROM stop",
        "SELECT day, line FROM ride EXCEPT SELECT day, line FROM stop",
        "WITH total AS (SELECT line, sum(people) AS all FROM ride GROUP BY line) SELECT r.day, r.people, t.all FROM ride r JOIN total t ON t.line = r.line",
        "SELECT r.day, k.name FROM ride r LEFT JOIN known k ON k.line = r.line",
        "SELECT r.day, (SELECT max(kind) FROM kind) AS kind FROM ride r",
        "SELECT r.day, (SELECT max(name) FROM stop s WHERE s.line = r.line) AS name FROM ride r",
    ] {
        let called = check(sql);
        assert_eq!(called.status, 0, "{sql}: {}", called.stderr);
    }
    for (sql, says) in [
        ("SELECT day, sum(people) AS people FROM ride GROUP BY day", "GROUP BY"),
        ("SELECT day, upper(line) AS line, sum(people) AS people FROM ride GROUP BY day, upper(line)", "GROUP BY"),
        ("SELECT min(day) AS day, count(*) AS rows FROM ride", "GROUP BY"),
        ("SELECT day, line, sum(people) AS people FROM ride GROUP BY GROUPING SETS ((day), (day, line))", "GROUP BY"),
        ("SELECT DISTINCT day FROM ride", "DISTINCT"),
        ("SELECT day FROM ride UNION SELECT day FROM stop", "DISTINCT"),
        ("SELECT day, row_number() OVER (PARTITION BY day ORDER BY id) AS number FROM ride", "PARTITION BY"),
        ("SELECT day, lag(people) OVER (ORDER BY id) AS before FROM ride", "PARTITION BY"),
        ("SELECT r.day, s.name FROM ride r JOIN stop s ON r.day = s.day", "are joined"),
        ("SELECT r.day, s.name FROM ride r CROSS JOIN stop s", "are joined"),
        ("SELECT k.day, r.people FROM kind k LEFT JOIN ride r ON k.day = r.day", "from the other side"),
        ("SELECT k.day FROM kind k WHERE k.day NOT IN (SELECT day FROM ride)", "from the other side"),
        ("SELECT day FROM ride WHERE line NOT IN (SELECT line FROM stop)", "NOT EXISTS"),
        ("SELECT day, line FROM ride ORDER BY people LIMIT 3", "LIMIT"),
        ("SELECT day, line FROM ride UNION ALL SELECT day, kind FROM kind", "UNION"),
        // A list with such a column is the same in each shard.
        ("SELECT r.day, k.name FROM known k LEFT JOIN ride r ON k.line = r.line", "from the other side"),
        ("SELECT day, line FROM ride UNION ALL SELECT DATE '2026-10-01' AS day, line FROM known", "UNION"),
        ("SELECT day, kind FROM kind", "no row of the result"),
        ("SELECT r.day FROM ride r WHERE r.people = (SELECT max(people) FROM ride)", "GROUP BY"),
        ("SELECT r.day FROM ride r WHERE EXISTS (SELECT 1 FROM stop s WHERE s.day = r.day)", "are joined"),
    ] {
        let called = check(sql);
        assert!(called.status == 2 && called.stderr.contains(says), "{sql}: {says:?} is not in: {}", called.stderr);
    }

    for (kind, says) in [
        ("'int64'", "\"line\" has type Utf8 in ride, and Int64 in stop"),
        ("'float64'", "\"line\" of stop has type Float64"),
    ] {
        let other = more.replace("line = { type = 'string' }", &format!("line = {{ type = {kind} }}"));
        lake.write("config/datasets/trams/dataset.toml", format!("{dataset}{other}"));
        let called = check("SELECT day, line FROM ride");
        assert!(called.status == 2 && called.stderr.contains(says), "{says:?} is not in: {}", called.stderr);
    }
    lake.write("config/datasets/trams/dataset.toml", format!("{dataset}{more}"));

    // So is the calendar, where rows are apart by day.
    check("SELECT c.day, r.people FROM calendar c LEFT JOIN ride r ON r.day = c.day");
    let sql = std::fs::read_to_string(folder.join("people.sql")).unwrap();
    std::fs::write(folder.join("people.sql"), sql.replace("shard = [\"line\"]", "shard = [\"day\"]")).unwrap();
    let called = lake.call(&["dataset", "check", folder.to_str().unwrap()]);
    assert!(called.status == 2 && called.stderr.contains("from the other side"), "{}", called.stderr);

    // What would be wrong in two shards is not made in two.
    lake.write("raw/trams/rides.csv", RIDES);
    lake.call(&["clean"]).ok();
    check("SELECT day, sum(people) AS people FROM ride GROUP BY day");
    let sql = std::fs::read_to_string(folder.join("people.sql")).unwrap();
    let sql = sql.replace("-- shard = ", "-- shard_bytes = 1\n-- shard = ").replace(", \"stop\", \"kind\"", "");
    std::fs::write(folder.join("people.sql"), sql).unwrap();
    let called = lake.call(&["aggregate"]);
    assert!(called.status == 1 && called.stderr.contains("GROUP BY"), "{}", called.stderr);
}
