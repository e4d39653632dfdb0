use std::io::Cursor;
use std::sync::LazyLock;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use lake::dataset::Catalog;
use lake::ledger::Rows as Account;
use lake::settings::LakeSettings;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::writer::TableWriter;

const KEY: &str = "weeks/week=2026-11-16/weekly_scores.ndjson";
const DATASET: &str = r#"
title = "Weeks"
time_zone = "UTC"

[table.weekly_score]
from = "week=*/weekly_scores.ndjson"
format = "codetrack-weeks"
siblings = ["weekly_commits.ndjson"]
partition = "month(date)"
key = ["id", "date"]

[table.weekly_score.column]
id = { type = "int64", required = true }
date = { type = "date", required = true }
points = { type = "int64", min = 0 }
commits = { type = "int64", min = 0 }
"#;

/// A null in a [`Row`]: no count is below 0.
const UNKNOWN: i64 = -1;

/// A row as (id, date, points, commits, hour of its time of arrival).
type Row = (i64, String, i64, i64, i64);

/// Keeps everything, and the account as the writer has it.
#[derive(Debug, Default)]
struct Kept {
    rows: Vec<Row>,
    rejects: Vec<(u64, String, String, String)>,
    outside: u64,
}

impl Sink for Kept {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let column = |name: &str| batch.column_by_name(name).unwrap();
        let int = |name: &str, row: usize| {
            let column = column(name).as_primitive::<Int64Type>();
            if column.is_null(row) { UNKNOWN } else { column.value(row) }
        };
        for row in 0..batch.num_rows() {
            let day = column("date").as_primitive::<Date32Type>().value_as_date(row).unwrap();
            let received = column(RECEIVED_AT).as_primitive::<TimestampMicrosecondType>().value(row);
            let hour = received / 3_600_000_000 % 24;
            self.rows.push((int("id", row), day.to_string(), int("points", row), int("commits", row), hour));
        }
        Ok(())
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        assert!(!reject.message.contains("ada@example.org"), "{}", reject.message);
        let column = reject.column.unwrap_or_default().to_owned();
        let text = String::from_utf8_lossy(reject.text).into_owned();
        self.rejects.push((reject.row, column, reject.reason.to_owned(), text));
        Ok(())
    }

    fn outside(&mut self, count: u64) {
        self.outside += count;
    }
}

/// The test's own dataset, read from a lake's configuration.
static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config/datasets/weeks");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("dataset.toml"), DATASET).unwrap();
    let settings = LakeSettings::at(format!("file:{}", folder.path().display()).parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(lake::Lake::open(settings)).unwrap().catalog
});

fn decoded(scores: &str, commits: &str, sink: &mut dyn Sink) -> Result<Vec<Gap>, Stop> {
    let dataset = CATALOG.dataset("weeks").unwrap();
    let table = dataset.table("weekly_score").unwrap();
    let object = RawObject { dataset, table, key: KEY, received_at: DateTime::UNIX_EPOCH };
    let sibling = Box::new(Cursor::new(commits.to_owned())) as Box<dyn Read + Send>;
    decode(&object, BTreeMap::from([(COMMITS.to_owned(), sibling)]), Cursor::new(scores.to_owned()), sink)
        .map(|notes| notes.gaps)
}

fn kept(scores: &str, commits: &str) -> Kept {
    let mut kept = Kept::default();
    decoded(scores, commits, &mut kept).unwrap();
    kept
}

/// The account of a raw object, by the writer that the lake uses.
fn account(scores: &str, commits: &str) -> Account {
    let table = CATALOG.dataset("weeks").unwrap().table("weekly_score").unwrap();
    let mut writer = TableWriter::new(table, KEY, None).unwrap();
    decoded(scores, commits, &mut writer).unwrap();
    writer.finish().unwrap().rows
}

fn line(learner: i64, hour: u32, from: &str, body: &Value) -> String {
    let request = json!({"learner": learner, "limit": 5, "from": from, "to": "2026-11-23"});
    json!({"request": request, "received_at": format!("2026-11-20T{hour:02}:00:00Z"), "status": 200, "body": body})
        .to_string()
        + "\n"
}

fn row(id: i64, date: &str, points: i64, commits: i64, hour: i64) -> Row {
    (id, date.to_owned(), points, commits, hour)
}

/// Keeps the columns that say what a week is made from: date, both flags, and the local day of arrival.
#[derive(Debug, Default)]
struct Made(Vec<(String, bool, bool, String)>);

impl Sink for Made {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let day = |name: &str, row: usize| {
            let days = batch.column_by_name(name).unwrap().as_primitive::<Date32Type>();
            days.value_as_date(row).unwrap().to_string()
        };
        let flag = |name: &str, row: usize| batch.column_by_name(name).unwrap().as_boolean().value(row);
        let made = |row| (day("date", row), flag("has_points", row), flag("has_commits", row), day("received_on", row));
        self.0.extend((0..batch.num_rows()).map(made));
        Ok(())
    }

    fn reject(&mut self, _: &Reject) -> Result<(), Stop> {
        Ok(())
    }

    fn outside(&mut self, _: u64) {}
}

#[test]
fn a_row_says_which_list_has_the_week_and_on_which_local_day_it_came() {
    let catalog = Catalog::built_in();
    let dataset = catalog.dataset("codetrack").unwrap();
    let table = dataset.table("weekly_score").unwrap();
    let object = RawObject { dataset, table, key: KEY, received_at: DateTime::UNIX_EPOCH };
    let week = |date: &str| json!({"date": date, "points": 0});
    let scores = line(43, 4, "2026-10-26", &json!([week("2026-11-16"), week("2026-11-09")]));
    let commits = line(43, 3, "2026-10-26", &json!([week("2026-11-16"), week("2026-11-02")]));
    let sibling = Box::new(Cursor::new(commits)) as Box<dyn Read + Send>;
    let mut made = Made::default();
    decode(&object, BTreeMap::from([(COMMITS.to_owned(), sibling)]), Cursor::new(scores), &mut made).unwrap();
    // 04:00 UTC is 23:00 of the day before in New York.
    let row = |date: &str, points, commits| (date.to_owned(), points, commits, "2026-11-19".to_owned());
    assert_eq!(made.0, [row("2026-11-16", true, true), row("2026-11-09", true, false), row("2026-11-02", false, true)]);
}

#[test]
fn points_and_commits_of_a_week_become_one_row_and_a_week_that_a_list_lacks_is_zero() {
    let scores = line(
        43,
        5,
        "2026-10-26",
        &json!([
            {"id": 9, "date": "2026-11-16T00:00:00.000Z", "points": 42, "level": "x"},
            {"date": "2026-11-09", "points": 30},
            {"date": "2026-11-02", "points": null},
        ]),
    );
    let commits = line(
        43,
        6,
        "2026-10-26",
        &json!([
            {"date": "2026-11-16", "points": 7},
            {"date": "2026-10-26T00:00:00Z", "points": 2.0},
        ]),
    );
    let found = kept(&scores, &commits);
    assert_eq!(
        found.rows,
        [
            row(43, "2026-11-16", 42, 7, 6),
            row(43, "2026-11-09", 30, 0, 5),
            row(43, "2026-11-02", UNKNOWN, 0, 5),
            row(43, "2026-10-26", 0, 2, 6),
        ]
    );
    assert_eq!((found.outside, found.rejects.len()), (0, 0));
    let account = account(&scores, &commits);
    assert_eq!((account.read, account.clean), (4, 4));
}

/// The line of a request that failed, about the weeks from 2 to 22 November.
fn gap(learner: i64, hour: u32) -> String {
    let request = json!({"learner": learner, "limit": 5, "from": "2026-11-02", "to": "2026-11-23"});
    let gap = json!({"what": [learner.to_string()], "reason": "down", "can_retry": true});
    let received_at = format!("2026-11-20T{hour:02}:00:00Z");
    json!({"request": request, "received_at": received_at, "status": 500, "body": null, "gap": gap}).to_string() + "\n"
}

#[test]
fn what_did_not_come_is_unknown_and_not_zero() {
    let entries =
        json!([{"date": "2026-11-16", "points": 7}, {"date": "2026-11-09", "points": null}, {"date": "2026-11-02"}]);
    let list = |learner| line(learner, 5, "2026-11-02", &entries);
    let refusal = json!({"request": {"learner": 3}, "received_at": "2026-11-20T05:00:00Z", "status": 404, "body": {}});
    // The other list has a gap, knows no such learner, is not there, or has an entry that is rejected.
    let bad = line(5, 5, "2026-11-02", &json!([{"date": "2026-11-16", "points": "many"}]));
    // Or one that may be of any week, or it is no list.
    let wild = line(6, 5, "2026-11-02", &json!([{"date": "abc", "points": 10}, null]));
    let no_list = line(7, 5, "2026-11-02", &json!({"message": "?"}));
    let others = [(1, gap(1, 4)), (3, format!("{refusal}\n")), (4, String::new()), (5, bad), (6, wild), (7, no_list)];
    for (learner, other) in others {
        // A list that was answered lacks the weeks that it has no entry of.
        let others = if learner == 5 { [UNKNOWN, 0, 0] } else { [UNKNOWN; 3] };
        let expected = |is_points: bool| -> Vec<Row> {
            let weeks = [("2026-11-16", 7), ("2026-11-09", UNKNOWN), ("2026-11-02", UNKNOWN)].into_iter().zip(others);
            let row = |((day, count), other)| match is_points {
                true => row(learner, day, count, other, 5),
                false => row(learner, day, other, count, 5),
            };
            weeks.map(row).collect()
        };
        let sorted = |mut rows: Vec<Row>| {
            rows.sort_by(|one, other| other.1.cmp(&one.1));
            rows
        };
        assert_eq!(sorted(kept(&list(learner), &other).rows), expected(true), "learner {learner}");
        assert_eq!(sorted(kept(&other, &list(learner)).rows), expected(false), "learner {learner}");
    }
}

/// The commits of learner 1 in the weeks from 26 October to 16 November, newest first, with points in each of them.
fn commits_of(commits: &str) -> Vec<i64> {
    let weeks = ["2026-11-16", "2026-11-09", "2026-11-02", "2026-10-26"].map(|date| json!({"date": date, "points": 9}));
    let found = kept(&line(1, 9, "2026-10-26", &json!(weeks)), commits);
    found.rows.iter().map(|row| row.3).collect()
}

/// Entries of weeks, with a commit each.
fn of_weeks(dates: &[&str]) -> Value {
    dates.iter().map(|date| json!({"date": date, "points": 1})).collect()
}

#[test]
fn a_list_that_the_limit_cut_says_nothing_of_the_weeks_beyond_it() {
    let cases: [(&[&str], [i64; 4]); 8] = [
        // Each week twice: five entries are no more than three weeks.
        (&["2026-11-16", "2026-11-16", "2026-11-09", "2026-11-09", "2026-11-02"], [1, 1, 1, UNKNOWN]),
        // Oldest first.
        (&["2025-01-06", "2025-01-13", "2025-01-20", "2025-01-27", "2025-02-03"], [UNKNOWN; 4]),
        (&["2026-10-19", "2026-10-26", "2026-11-02", "2026-11-09", "2026-11-09"], [UNKNOWN, 1, 1, 1]),
        // In no order: anything may be beyond.
        (&["2026-10-12", "2026-11-16", "2026-10-05", "2026-11-09", "2026-11-02"], [1, 1, 1, UNKNOWN]),
        (&["2026-11-16", "2026-10-12", "2026-11-09", "2026-10-05", "2026-09-28"], [1, 1, UNKNOWN, UNKNOWN]),
        // It reaches back to the first week asked for: the others have nothing.
        (&["2026-11-09", "2026-10-19", "2026-10-12", "2026-10-05", "2026-09-28"], [0, 1, 0, 0]),
        // Not cut: there are no more, or the server knows no limit.
        (&["2026-11-16", "2026-11-16", "2026-11-09", "2026-11-02"], [1, 1, 1, 0]),
        (&["2026-11-16", "2026-11-16", "2026-11-09", "2026-11-09", "2026-11-02", "2026-11-02"], [1, 1, 1, 0]),
    ];
    for (dates, expected) in cases {
        assert_eq!(commits_of(&line(1, 5, "2026-10-26", &of_weeks(dates))), expected, "{dates:?}");
    }
}

#[test]
fn a_limit_of_another_kind_is_none() {
    let list = line(1, 5, "2026-10-26", &of_weeks(&["2026-11-16"]));
    for limit in ["\"5\"", "-1", "1.5", "null", "[]"] {
        let list = list.replace("\"limit\":5", &format!("\"limit\":{limit}"));
        assert_eq!(commits_of(&list), [1, 0, 0, 0], "{limit}");
    }
    assert_eq!(commits_of(&list.replace("\"limit\":5", "\"limit\":1")), [1, UNKNOWN, UNKNOWN, UNKNOWN]);
}

#[test]
fn a_list_that_lacks_what_one_before_it_has_says_nothing_of_other_weeks() {
    let of = |hour, from, dates: &[&str]| line(1, hour, from, &of_weeks(dates));
    // It was asked before the last week began.
    let before = of(1, "2026-10-26", &["2026-11-09", "2026-11-02"]).replace("2026-11-23", "2026-11-16");
    // Nothing, or nothing of one of the two weeks, came of them in an object that keeps both.
    for (hour, dates) in [(5, &[][..]), (5, &["2026-11-09"]), (1, &[])] {
        assert_eq!(commits_of(&(of(hour, "2026-10-26", dates) + &before)), [UNKNOWN, 1, 1, 0], "{dates:?}");
    }
    // What has all of them, or was not asked about them, is whole; and so is what came before.
    for (list, first) in [
        (of(5, "2026-10-26", &["2026-11-09", "2026-11-02"]), 0),
        (line(1, 5, "2026-10-26", &json!([{"date": "2026-11-09", "points": null}, {"date": "2026-11-02"}])), 0),
        (of(5, "2026-11-16", &[]), 0),
        (of(0, "2026-10-26", &[]), 0),
    ] {
        assert_eq!(commits_of(&(list + &before))[0], first);
    }
    // A wider one of which the rest is kept lacks nothing: what a narrower one has of it, in the same second or later, was
    // taken out.
    for hour in [1, 5] {
        let narrow = of(hour, "2026-11-09", &["2026-11-16", "2026-11-09"]);
        let rest = of(1, "2026-10-26", &["2026-11-02"]);
        assert_eq!(commits_of(&(narrow + &rest)), [1, 1, 1, 0], "{hour}");
    }
    // Once the loss is accepted, the one before is gone.
    assert_eq!(commits_of(&of(5, "2026-10-26", &[])), [0; 4]);
    // Of another learner nothing follows.
    let other = line(2, 1, "2026-10-26", &of_weeks(&["2026-11-09"]));
    assert_eq!(commits_of(&(of(5, "2026-10-26", &[]) + &other))[0], 0);
}

/// Without a row, the week would be taken for one in which nothing was done.
#[test]
fn a_list_that_says_nothing_of_the_newest_week_leaves_it_open() {
    let others = line(7, 4, "2026-11-02", &of_weeks(&["2026-11-16"]));
    let of_learner = |lists: String| -> Vec<Row> {
        kept(&(others.clone() + &lists), "").rows.into_iter().filter(|row| row.0 == 1).collect()
    };
    let open = [row(1, "2026-11-16", UNKNOWN, UNKNOWN, 5)];
    let before = line(1, 4, "2026-11-02", &of_weeks(&["2026-11-02"])).replace("2026-11-23", "2026-11-16");
    for list in [
        line(1, 5, "2026-11-02", &json!("down")),
        line(1, 5, "2026-11-02", &json!([{"date": "abc"}])),
        // Oldest first, and cut.
        line(1, 5, "2026-11-02", &of_weeks(&["2026-10-05", "2026-10-12", "2026-10-12", "2026-10-19", "2026-10-26"])),
        line(1, 5, "2026-11-02", &json!([{"date": "2026-11-16", "points": "many"}])),
    ] {
        assert_eq!(of_learner(list.clone()), open, "{list}");
        let asked_before = list.replace("2026-11-23", "2026-11-16");
        assert_eq!(of_learner(asked_before).iter().filter(|row| row.1 == "2026-11-16").count(), 0, "{list}");
    }
    let lossy = line(1, 5, "2026-11-02", &json!([])) + &before;
    assert_eq!(of_learner(lossy), [row(1, "2026-11-02", 1, UNKNOWN, 4), open[0].clone()]);
    // One that lacks it has nothing of it; one before the other may say so.
    let empty = line(1, 4, "2026-11-02", &json!([]));
    assert_eq!(of_learner(empty.clone()), []);
    assert_eq!(of_learner(empty + &line(1, 5, "2026-11-02", &json!([{"date": "abc"}]))), []);
}

#[test]
fn what_is_odd_in_a_member_that_nobody_reads_does_not_matter() {
    for odd in [r#""\ud800""#.to_owned(), "1e999".to_owned(), "[".repeat(300) + &"]".repeat(300)] {
        let entry = |points: &str| format!(r#"[{{"date":"2026-11-16","points":{points},"note":{odd}}}]"#);
        let list = |points: &str| line(1, 5, "2026-11-16", &json!("@")).replace(r#""@""#, &entry(points));
        let found = kept(&list("3"), &list("4.0"));
        assert_eq!((found.rows, found.rejects), (vec![row(1, "2026-11-16", 3, 4, 5)], vec![]), "{odd}");
        let found = kept(&list(&odd), "");
        assert_eq!(found.rejects[0].2, "not_an_integer", "{odd}");
    }
}

#[test]
fn a_gap_leaves_the_newest_week_open_that_anybody_has() {
    let scores =
        line(1, 5, "2026-11-02", &json!([{"date": "2026-11-09", "points": 7}, {"date": "2026-11-16", "points": null}]));
    let commits = line(1, 5, "2026-11-02", &json!([{"date": "2026-11-02", "points": 1}])) + &gap(2, 9);
    let found = kept(&(scores.clone() + &gap(2, 6)), &commits);
    let open = row(2, "2026-11-09", UNKNOWN, UNKNOWN, 9);
    assert_eq!(found.rows.last(), Some(&open));
    assert_eq!(found.rows.iter().filter(|row| row.0 == 2).count(), 1);
    let balance = account(&(scores.clone() + &gap(2, 6)), &commits);
    assert!(balance.balance() && balance.clean == 4, "{balance:?}");
    // Of a learner of whom it is known, the gap opens nothing; and none does where nobody has anything.
    let known = line(2, 5, "2026-11-02", &json!([{"date": "2026-11-09", "points": 3}]));
    assert_eq!(kept(&(scores + &known), &commits).rows.iter().filter(|row| row.0 == 2).count(), 1);
    assert_eq!(kept(&gap(2, 6), &gap(2, 9)).rows, []);
}

#[test]
fn the_last_line_of_a_week_counts_in_either_object() {
    let scores =
        line(43, 1, "2026-03-02", &json!([{"date": "2026-11-16", "points": 1}, {"date": "2026-03-02", "points": 5}]))
            + &line(43, 8, "2026-11-02", &json!([{"date": "2026-11-16", "points": 2}]));
    let commits = line(43, 1, "2026-03-02", &json!([{"date": "2026-11-16", "points": 3}]))
        + &line(43, 9, "2026-11-02", &json!([{"date": "2026-11-16", "points": 4}]));
    let found = kept(&scores, &commits);
    assert_eq!(found.rows.last(), Some(&row(43, "2026-11-16", 2, 4, 9)));
    let account = account(&scores, &commits);
    assert_eq!((account.read, account.clean, account.duplicate), (3, 2, 1));
    assert!(account.balance());
}

#[test]
fn what_lies_outside_of_the_weeks_that_were_asked_for_is_counted() {
    let body = json!([{"date": "2026-11-23", "points": 1}, {"date": "2026-11-16", "points": 1},
        {"date": "2026-11-02", "points": 1}, {"date": "2026-11-01", "points": "not looked at"}]);
    let found = kept(&line(43, 5, "2026-11-02", &body), &line(43, 5, "2026-11-02", &body));
    assert_eq!((found.rows.len(), found.outside, found.rejects.len()), (2, 4, 0));
}

#[test]
fn bad_entries_are_rejected_one_by_one() {
    let ada = "ada@example.org";
    let scores = line(
        43,
        5,
        "2026-10-26",
        &json!([
            {"date": "2026-11-16", "points": "12"},
            {"date": "2026-11-09", "points": ada},
            {"date": ada, "points": 1},
            {"points": 1},
            {"date": "2026-11-02", "points": -1},
            {"date": "2026-11-02", "points": 1.5},
            {"date": 20261102, "points": [1]},
            {"date": "2026-11-02", "points": [1]},
            7,
        ]),
    );
    let commits = line(43, 5, "2026-10-26", &json!([{"date": "2026-11-16", "points": true}]));
    let found = kept(&scores, &commits);
    assert_eq!(found.rows, [row(43, "2026-11-16", 12, UNKNOWN, 5)]);
    let rejects: Vec<(u64, &str, &str)> =
        found.rejects.iter().map(|(row, column, reason, _)| (*row, column.as_str(), reason.as_str())).collect();
    assert_eq!(
        rejects,
        [
            (1, "commits", "not_an_integer"),
            (2, "points", "not_an_integer"),
            (3, "date", "not_a_date"),
            (4, "date", "missing_value"),
            (5, "points", "below_minimum"),
            (6, "points", "not_an_integer"),
            (7, "date", "not_a_date"),
            (8, "points", "not_an_integer"),
            (9, "date", "missing_value"),
        ]
    );
    assert_eq!(found.rejects[4].3, r#"{"date":"2026-11-02","points":-1}"#, "the whole entry as it was");
    let account = account(&scores, &commits);
    assert_eq!((account.read, account.clean, account.rejected), (10, 1, 9));
}

#[test]
fn a_week_of_another_day_than_a_monday_is_rejected_and_its_week_is_unknown() {
    let scores = line(43, 5, "2026-11-02", &json!([{"date": "2026-11-10", "points": 3}]));
    let commits = [("2026-11-09", 2), ("2026-11-02", 1)].map(|(date, points)| json!({"date": date, "points": points}));
    let found = kept(&scores, &line(43, 5, "2026-11-02", &json!(commits)));
    assert_eq!(found.rows, [row(43, "2026-11-02", 0, 1, 5), row(43, "2026-11-09", UNKNOWN, 2, 5)]);
    assert_eq!(found.rejects.iter().map(|reject| reject.2.as_str()).collect::<Vec<_>>(), ["not_a_monday"]);
}

#[test]
fn unknown_learners_and_gaps_have_no_rows_and_gaps_are_told() {
    let unknown =
        r#"{"request":{"learner":9},"received_at":"2026-11-20T05:00:00Z","status":404,"body":{"message":"?"}}"#;
    let gap = r#"{"request":{"learner":8},"received_at":"2026-11-20T05:00:00Z","status":500,"body":null,"gap":{"what":["8"],"reason":"down","can_retry":true}}"#;
    let mut kept = Kept::default();
    let gaps = decoded(&format!("{unknown}\n{gap}\n"), &format!("{gap}\n"), &mut kept).unwrap();
    assert_eq!((gaps.len(), kept.rows.len(), kept.rejects.len()), (2, 0, 0));
    assert!(decoded("", "", &mut Kept::default()).unwrap().is_empty());
}

#[test]
fn an_answer_that_is_no_list_rejects_no_other() {
    let message = line(2, 5, "2026-11-02", &json!({"message": "ada@example.org"}));
    let scores = line(1, 5, "2026-11-02", &json!([{"date": "2026-11-16", "points": 7}]));
    let found = kept(&(message + &scores), "");
    assert_eq!(found.rows, [row(1, "2026-11-16", 7, UNKNOWN, 5), row(2, "2026-11-16", UNKNOWN, UNKNOWN, 5)]);
    assert_eq!(found.rejects.iter().map(|reject| reject.2.as_str()).collect::<Vec<_>>(), ["not_a_list"]);
}

#[test]
fn what_is_no_response_rejects_the_object_without_showing_it() {
    let ok = line(1, 5, "2026-11-02", &json!([]));
    for (text, reason) in [
        ("{\"request\":".to_owned(), "truncated"),
        ("ada@example.org".to_owned(), "not_json"),
        (r#"{"request":{"learner":"ada@example.org"},"status":200,"body":[]}"#.to_owned(), "not_an_integer"),
        (r#"{"status":200,"body":[]}"#.to_owned(), "not_json"),
    ] {
        match decoded(&format!("{ok}{text}"), "", &mut Kept::default()) {
            Err(Stop::Reject(reject)) => {
                assert_eq!(reject.reason, reason, "{text}");
                assert!(!reject.message.contains("ada"), "{}", reject.message);
            }
            other => panic!("{text}: {other:?}"),
        }
        assert!(matches!(decoded("", &text, &mut Kept::default()), Err(Stop::Broken(_))), "{text}");
    }
}

fn entry() -> impl Strategy<Value = Value> {
    let date = prop_oneof![
        3 => (0_u32..4).prop_map(|week| json!(format!("2026-11-{:02}", 2 + 7 * week))),
        1 => (1_u32..30).prop_map(|day| json!(format!("2026-11-{day:02}"))),
        1 => Just(json!("2026-11-09T00:00:00.000Z")),
        1 => Just(json!(null)),
        1 => "\\PC{0,6}".prop_map(Value::from),
    ];
    let points = prop_oneof![3 => (-2_i64..9).prop_map(Value::from), 1 => Just(json!("x")), 1 => Just(json!(null))];
    (date, points).prop_map(|(date, points)| json!({"date": date, "points": points}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_account_balances(
        scores in prop::collection::vec((1_i64..4, prop::collection::vec(entry(), 0..6)), 0..4),
        commits in prop::collection::vec((1_i64..4, prop::collection::vec(entry(), 0..6)), 0..4),
    ) {
        let text = |lists: &[(i64, Vec<Value>)]| -> String {
            lists.iter().map(|(learner, list)| line(*learner, 5, "2026-11-02", &json!(list))).collect()
        };
        let (scores_text, commits_text) = (text(&scores), text(&commits));
        let account = account(&scores_text, &commits_text);
        prop_assert!(account.balance(), "{account:?}");
        // Every entry of the scores is a row, and no more than every entry of the commits is one, and a week of each list that
        // says nothing of it.
        let count = |lists: &[(i64, Vec<Value>)]| lists.iter().map(|(_, list)| list.len() as u64).sum::<u64>();
        let lists = (scores.len() + commits.len()) as u64;
        prop_assert!(account.read >= count(&scores) && account.read <= count(&scores) + count(&commits) + lists);
    }
}
