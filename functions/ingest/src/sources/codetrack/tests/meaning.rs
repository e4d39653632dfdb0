//! What `clean` makes of the lists that runs leave, beside what each of their answers says by itself.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use arrow::array::AsArray;
use arrow::datatypes::{Date32Type, Int64Type};
use arrow::record_batch::RecordBatch;
use clean::Stop;
use clean::formats::{RawObject, decode};
use clean::reject::Reject;
use clean::writer::Sink;
use proptest::prelude::*;

use chrono::DateTime;

use super::*;

const WEEKS: [&str; 5] = ["2026-10-19", "2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16"];
/// The commits of each week: nothing where they are unknown.
type Known = [Option<i64>; 5];

/// Commits by the day of their week.
#[derive(Default)]
struct Commits(BTreeMap<NaiveDate, Option<i64>>);

impl Sink for Commits {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let days = batch.column_by_name("date").unwrap().as_primitive::<Date32Type>();
        let commits = batch.column_by_name("commits").unwrap().as_primitive::<Int64Type>();
        for (row, count) in commits.iter().enumerate() {
            self.0.insert(days.value_as_date(row).unwrap(), count);
        }
        Ok(())
    }

    fn reject(&mut self, _: &Reject) -> Result<(), Stop> {
        Ok(())
    }

    fn outside(&mut self, _: u64) {}
}

/// What becomes of a line of commits beside those that are there, in weeks that have points; whether some are lost.
fn merged(new: &Line, there: &[Line]) -> (Vec<Line>, bool) {
    let scores = line(50, WEEKS[0], list(&WEEKS.map(|week| (week, 9))).to_owned());
    let asked = Request::of(new).unwrap();
    let merge = terms(Weeks { from: asked.from.unwrap(), to: date("2026-11-23") }, false);
    let own = Held {
        key: "own".to_owned(),
        lists: Both { commits: there.to_vec(), points: vec![scores.clone()] },
        ..Held::default()
    };
    let merged = merge.merge(Both { commits: new, points: &scores }, &own, &[]);
    (merged.lists.commits, merged.lost.commits)
}

fn line(limit: i64, from: &str, body: String) -> Line {
    let request = Request { learner: 43, limit: Some(limit), from: Some(date(from)), to: Some(date("2026-11-23")) };
    Line::answer(serde_json::to_string(&request).unwrap(), 200, &Bytes::from(body), DateTime::UNIX_EPOCH)
}

fn at(hour: usize, line: Line) -> Line {
    Line { received_at: format!("2026-11-20T{hour:02}:00:00Z"), ..line }
}

/// What `clean` makes of lines of commits, in weeks that have points.
fn known(lines: &[Line]) -> Known {
    let scores = line(50, WEEKS[0], list(&WEEKS.map(|week| (week, 9))).to_owned());
    let dataset = CATALOG.dataset(NAME).unwrap();
    let table = dataset.table("weekly_score").unwrap();
    let key = "codetrack/week=2026-11-16/weekly_scores.ndjson";
    let object = RawObject { dataset, table, key, received_at: Utc::now() };
    let commits: Box<dyn Read + Send> = Box::new(Cursor::new(raw::render(lines)));
    let siblings = BTreeMap::from([("weekly_commits.ndjson".to_owned(), commits)]);
    let mut commits = Commits::default();
    assert!(decode(&object, siblings, Cursor::new(raw::render(&[scores])), &mut commits).is_ok(), "{lines:?}");
    WEEKS.map(|week| commits.0[&date(week)])
}

fn entry() -> impl Strategy<Value = String> {
    let day = prop_oneof![
        20 => (0..WEEKS.len()).prop_map(|week| WEEKS[week]),
        4 => prop_oneof![Just("2026-10-12"), Just("2026-11-10"), Just("?")],
    ];
    let points = prop_oneof![6 => (1..9_i64).prop_map(|count| count.to_string()), 2 => Just("null".to_owned()), 1 => Just("true".to_owned())];
    (day, points).prop_map(|(day, points)| format!(r#"{{"date":"{day}","points":{points}}}"#))
}

/// An answer, with its limit if that cut it, or a gap. A list may be in any order.
fn run() -> impl Strategy<Value = Line> {
    let entries = proptest::collection::vec(entry(), 0..7);
    let answer = (entries, 0..3, 0..2, 0..WEEKS.len()).prop_map(|(mut entries, order, cut, from)| {
        if order > 0 {
            entries.sort();
        }
        if order > 1 {
            entries.reverse();
        }
        let limit = entries.len() as i64 + if cut == 0 { 0 } else { 3 };
        line(limit.max(1), WEEKS[from], format!("[{}]", entries.join(",")))
    });
    prop_oneof![8 => answer, 1 => Just(gap(43, WEEKS[0]))]
}

/// The counts of a list as it came, by the last one of each week.
fn counts(line: &Line) -> Known {
    let entries: Vec<serde_json::Value> =
        line.body.as_deref().map_or_else(Vec::new, |body| serde_json::from_str(body).unwrap());
    let of = |week: &str| {
        entries.iter().rev().filter(|entry| entry["date"] == week).find_map(|entry| entry["points"].as_i64())
    };
    WEEKS.map(|week| of(week).filter(|_| weeks::weeks_of(line).contains(&date(week))))
}

/// Whether a list has an entry that is of a week, or may be.
fn names(line: &Line, week: &str) -> bool {
    let body = line.body.as_deref().unwrap_or_default().replace("2026-11-10", "2026-11-09");
    body.contains(week) || body.contains('?')
}

proptest! {
    #[test]
    fn what_is_known_stays_and_nothing_else_is_known(runs in proptest::collection::vec(run(), 1..5)) {
        let mut there: Vec<Line> = Vec::new();
        let mut said: Vec<Known> = Vec::new();
        for (hour, run) in runs.into_iter().enumerate() {
            let counts = counts(&run);
            let run = at(hour, weeks::spoken_of(run));
            let before = known(&there);
            let alone = known(&merged(&run, &[]).0);
            said.push(alone);
            let joined = merged(&run, &there);
            let after = known(&joined.0);
            for (place, week) in WEEKS.iter().enumerate() {
                let what = format!("{week}: {before:?} and {alone:?} is {after:?}\n{there:#?}\n{run:#?}\n{:#?}", joined.0);
                let (before, alone, after) = (before[place], alone[place], after[place]);
                prop_assert!(counts[place].is_none() || alone == counts[place], "dropped {what}");
                prop_assert!(after.is_none() || said.iter().any(|said| said[place] == after), "made up {what}");
                // A list that names the week, or lacks others, leaves open what an earlier one lacked.
                let stays = before > Some(0) || before.is_some() && !names(&run, week) && !joined.1;
                prop_assert!(after.is_some() || !stays, "forgotten {what}");
                prop_assert!(alone.is_none_or(|count| count == 0 || after == alone), "not taken {what}");
            }
            there = joined.0;
        }
    }
}
