//! The weeks of a coding course from the simulated API to the models: every row against a computation of its own.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate};
use integration::rows::{Row, assert_alike, canonical, rows};
use integration::{Called, TestLake};
use serde_json::{Value, json};
use simulator::{LearnerInfo, Options, Profile, Simulator};

const ROSTER: &str = "raw/codetrack/rosters/roster.json";

/// Points and commits by week.
type Weeks = BTreeMap<NaiveDate, (i64, i64)>;

fn lake_of(simulator: &Simulator) -> TestLake {
    let lake = TestLake::new(&simulator.irceline_url()).with("CODETRACK_URL", &simulator.codetrack_url());
    lake.write("config/datasets/codetrack/dataset.toml", "[source]\nhttp.first_backoff_ms = 2\n");
    lake.write(ROSTER, simulator.roster_json());
    lake
}

/// All weeks there are.
fn run(lake: &TestLake) -> Called {
    lake.call(&["run", "codetrack", "--from", "2025-03-01", "--to", "2026-11-21"])
}

/// What both lists of the API have of a learner; what one of them lacks is 0.
fn weeks(simulator: &Simulator, id: i64) -> Weeks {
    let mut weeks = Weeks::new();
    for week in simulator.weekly_scores(id) {
        weeks.entry(week.monday).or_default().0 = week.points;
    }
    for week in simulator.weekly_commits(id) {
        weeks.entry(week.monday).or_default().1 = week.points;
    }
    weeks
}

/// The rows of `weekly_scores`, by file and as text.
fn expected_files(simulator: &Simulator, cohort: impl Fn(&LearnerInfo) -> Option<String>) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for learner in simulator.learners() {
        let of = cohort(&learner).unwrap_or_else(|| "unknown".to_owned());
        for date in weeks(simulator, learner.id).keys() {
            let (year, month) = (date.year(), date.month());
            files.insert(format!("codetrack/weekly_scores/year={year}/month={month}/cohort={of}/data.parquet"));
        }
    }
    files
}

fn files(lake: &TestLake) -> BTreeSet<String> {
    let tree = lake.tree().below(&["consumption/codetrack/weekly_scores/"]);
    tree.names().iter().map(|name| name.trim_start_matches("consumption/").to_owned()).collect()
}

fn check_weekly_scores(lake: &TestLake, simulator: &Simulator, cohort: impl Fn(&LearnerInfo) -> Option<String>) {
    let mut expected: Vec<Row> = Vec::new();
    for learner in simulator.learners() {
        let of = cohort(&learner);
        for (date, (points, commits)) in weeks(simulator, learner.id) {
            let row = json!({
                "id": learner.id, "email": of.as_ref().map(|_| &learner.email), "date": date.to_string(),
                "day": date.day(), "points": points, "commits": commits, "year": date.year().to_string(),
                "month": date.month().to_string(), "cohort": of.as_deref().unwrap_or("unknown"),
            });
            expected.push(row.as_object().unwrap().clone());
        }
    }
    assert!(expected.len() > 2000, "only {} weeks to compare", expected.len());
    let found = rows(lake.query("SELECT * FROM codetrack.weekly_scores"));
    assert_alike("weekly_scores", &canonical(&found, &[]), &canonical(&expected, &[]));
    assert_eq!(files(lake), expected_files(simulator, cohort));
}

fn of_roster(learner: &LearnerInfo) -> Option<String> {
    Some(learner.cohort.clone())
}

/// The mean of some weeks' values.
fn mean(values: impl Iterator<Item = i64>) -> Option<f64> {
    let values: Vec<i64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<i64>() as f64 / values.len() as f64)
}

/// The Mondays of a learner's two lists: points and commits.
fn lists(simulator: &Simulator, id: i64) -> [BTreeSet<NaiveDate>; 2] {
    [simulator.weekly_scores(id), simulator.weekly_commits(id)]
        .map(|list| list.iter().map(|week| week.monday).collect::<BTreeSet<_>>())
}

/// The newest week that is over by what the lake has, and of which somebody has points and somebody commits.
fn newest_of_course(lake: &TestLake, simulator: &Simulator) -> NaiveDate {
    let received = lake.query("SELECT CAST(max(received_on) AS VARCHAR) AS day FROM codetrack.weekly_score");
    let received: NaiveDate = received[0]["day"].as_str().unwrap().parse().unwrap();
    let both = |one: &LearnerInfo| lists(simulator, one.id);
    let all = simulator.learners().iter().map(both).reduce(|[a, b], [c, d]| [&a | &c, &b | &d]).unwrap();
    let known_until = received.max(*all.iter().flatten().max().unwrap());
    *(&all[0] & &all[1]).iter().rfind(|monday| **monday + Days::new(7) <= known_until).unwrap()
}

/// What `learners` should say of someone with weeks: figures, status and trend.
fn figures(simulator: &Simulator, id: i64, newest_of_course: NaiveDate) -> Value {
    let weeks = weeks(simulator, id);
    let known: Vec<NaiveDate> = weeks.keys().copied().filter(|monday| *monday <= newest_of_course).collect();
    let (first, last) = (known[0], *known.last().unwrap());
    let has = lists(simulator, id).map(|list| {
        let until = list.iter().copied().rfind(|monday| *monday <= newest_of_course).unwrap_or(first - Days::new(7));
        let is_over = last - until >= chrono::TimeDelta::days(28);
        move |monday: &NaiveDate| list.contains(monday) || (is_over && *monday > until)
    });
    let complete: Vec<(i64, i64)> =
        known.iter().rev().filter(|monday| has.iter().all(|has| has(monday))).map(|monday| weeks[monday]).collect();
    let newest = known.iter().rfind(|monday| has.iter().all(|has| has(monday)));
    let (recent, earlier) = complete.split_at(complete.len().min(4));
    let earlier = &earlier[..earlier.len().min(8)];
    let points = |weeks: &[(i64, i64)]| mean(weeks.iter().map(|week| week.0));
    let commits = |weeks: &[(i64, i64)]| mean(weeks.iter().map(|week| week.1));
    let status = complete.first().map(|(points, commits)| match (points, commits) {
        _ if *points < 30 || *commits < 1 => "struggling",
        _ if *points >= 60 && *commits >= 3 => "high",
        _ => "on_track",
    });
    let is_silent = newest_of_course - last >= chrono::TimeDelta::days(28);
    let trend = match (points(recent), points(earlier)) {
        _ if is_silent => Some("inactive"),
        (Some(0.0), _) if recent.len() == 4 && commits(recent) == Some(0.0) => Some("inactive"),
        (Some(recent), Some(before)) if earlier.len() >= 4 => match recent / before {
            share if share < 0.75 => Some("falling"),
            share if share > 1.25 => Some("rising"),
            _ => Some("steady"),
        },
        _ => None,
    };
    json!({
        "newest_week": newest.map(NaiveDate::to_string), "points": complete.first().map(|week| week.0),
        "commits": complete.first().map(|week| week.1), "status": status, "trend": trend,
        "incomplete": newest != Some(&newest_of_course) && !is_silent,
        "average_points": points(recent), "average_commits": commits(recent),
        "earlier_average_points": points(earlier), "earlier_average_commits": commits(earlier), "weeks": weeks.len(),
        "total_points": weeks.values().map(|week| week.0).sum::<i64>(),
        "total_commits": weeks.values().map(|week| week.1).sum::<i64>(),
    })
}

fn learners(lake: &TestLake) -> BTreeMap<String, Value> {
    let rows = lake.query("SELECT * FROM codetrack.learners");
    let count = rows.len();
    let rows: BTreeMap<String, Value> =
        rows.into_iter().map(|row| (format!("{} {}", row["id"], row["email"]), row)).collect();
    assert_eq!(rows.len(), count, "someone is there twice");
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn every_week_of_every_learner_is_there_once() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let lake = lake_of(&simulator);
    run(&lake).ok();
    check_weekly_scores(&lake, &simulator, of_roster);
    lake.call(&["verify"]).ok();
    let before = lake.tree();
    run(&lake).ok();
    assert_eq!(lake.tree().written_since(&before), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn overlapping_windows_give_the_same_weeks_as_one() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let lake = lake_of(&simulator);
    for (from, to) in [("2025-03-01", "2026-11-09"), ("2026-10-28", "2026-11-21"), ("2026-06-01", "2026-08-20")] {
        lake.call(&["run", "codetrack", "--from", from, "--to", to]).ok();
    }
    check_weekly_scores(&lake, &simulator, of_roster);
    lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_who_excels_who_struggles_and_who_is_losing_interest() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let lake = lake_of(&simulator);
    run(&lake).ok();
    let newest_of_course = newest_of_course(&lake, &simulator);
    let mut rows = learners(&lake);
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    for learner in simulator.learners() {
        let row = rows.remove(&format!("{} \"{}\"", learner.id, learner.email)).unwrap();
        assert_eq!(row["cohort"], learner.cohort, "{row}");
        if learner.profile == Profile::Silent {
            assert_eq!((&row["standing"], &row["weeks"]), (&"no_weeks".into(), &0.into()), "{row}");
            assert!(row["status"].is_null() && row["trend"].is_null() && row["points"].is_null(), "{row}");
            continue;
        }
        assert_eq!(row["standing"], "active", "{row}");
        for (name, expected) in figures(&simulator, learner.id, newest_of_course).as_object().unwrap() {
            let same = match (row[name].as_f64(), expected.as_f64()) {
                (Some(one), Some(other)) => (one - other).abs() < 1e-9,
                _ => row[name] == *expected,
            };
            assert!(same, "{name} is not {expected}: {row}");
        }
        // The simulated accounts hold as many points as their weeks.
        let total: i64 = simulator.weekly_scores(learner.id).iter().map(|week| week.points).sum();
        assert_eq!(row["account_points"], total, "{row}");
        let [points, commits] = lists(&simulator, learner.id);
        if points.last() == commits.last() {
            assert!(row["incomplete"] == false || points.last() != Some(&newest_of_course), "{row}");
        }
        if row["incomplete"] == false {
            let shown = if row["trend"] == "inactive" { "inactive" } else { row["status"].as_str().unwrap() };
            *seen.entry((format!("{:?}", learner.profile), shown.to_owned())).or_default() += 1;
        }
    }
    let shown = |profile: &str| {
        let of_profile = seen.keys().filter(|(one, _)| one == profile);
        of_profile.map(|(_, shown)| shown.as_str()).collect::<BTreeSet<_>>()
    };
    assert!(shown("Excels").is_subset(&BTreeSet::from(["high", "on_track"])), "{seen:?}");
    assert!(shown("Excels").contains("high"), "{seen:?}");
    assert_eq!(shown("Struggles"), BTreeSet::from(["struggling"]), "{seen:?}");
    assert!(shown("Disengages").contains("inactive"), "{seen:?}");
    assert!(shown("Disengages").is_subset(&BTreeSet::from(["inactive", "struggling"])), "{seen:?}");

    // Those without an account are what is left.
    let rest: Vec<(i64, &str)> =
        rows.values().map(|row| (row["id"].as_i64().unwrap(), row["standing"].as_str().unwrap())).collect();
    assert_eq!(rest, [(-1, "no_account"), (0, "no_account")]);
    assert!(rows.values().all(|row| row["status"].is_null()));
}

/// A learner's weeks as the API has them: Monday, points, commits; a list lacks what is `None`.
type Told<'a> = (&'a str, Option<i64>, Option<i64>);

/// What `learners` says of a lake with the raw objects of one day, by id.
fn learners_told(received_at: &str, told: &[(i64, Vec<Told>)]) -> BTreeMap<i64, Value> {
    let rows = learners(&lake_told(received_at, told)).into_values();
    rows.map(|row| (row["id"].as_i64().unwrap(), row)).collect()
}

/// A lake with the raw objects of one day.
fn lake_told(received_at: &str, told: &[(i64, Vec<Told>)]) -> TestLake {
    let lake = TestLake::new("http://127.0.0.1:1/");
    let people: Vec<Value> = told
        .iter()
        .map(|(id, _)| json!({"name": "A", "email": format!("{id}@example.org"), "id": id, "cohort": "1.1"}))
        .collect();
    lake.write(ROSTER, Value::from(people).to_string());
    let list = |pick: fn(&Told) -> Option<i64>| -> String {
        let of = |weeks: &[Told<'_>]| -> String {
            let list = weeks.iter().filter_map(|week| Some(json!({"date": week.0, "points": pick(week)?})));
            Value::from(list.collect::<Vec<_>>()).to_string()
        };
        let line = |(id, weeks): &(i64, Vec<Told>)| {
            let request = json!({"learner": id});
            let body = of(weeks);
            format!("{{\"request\":{request},\"received_at\":\"{received_at}\",\"status\":200,\"body\":{body}}}\n")
        };
        told.iter().map(line).collect()
    };
    lake.write("raw/codetrack/week=2026-11-23/weekly_commits.ndjson", list(|week| week.2));
    lake.write("raw/codetrack/week=2026-11-23/weekly_scores.ndjson", list(|week| week.1));
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    lake
}

/// So many weeks up to the Monday 2026-11-16, with these points and commits.
fn weeks_up_to_last(points: &[i64], commits: i64) -> Vec<(String, Option<i64>, Option<i64>)> {
    let last: NaiveDate = "2026-11-16".parse().unwrap();
    let monday = |ago: usize| (last - Days::new(7 * ago as u64)).to_string();
    points.iter().rev().enumerate().map(|(ago, points)| (monday(ago), Some(*points), Some(commits))).collect()
}

fn borrowed(weeks: &[(String, Option<i64>, Option<i64>)]) -> Vec<Told<'_>> {
    weeks.iter().map(|(monday, points, commits)| (monday.as_str(), *points, *commits)).collect()
}

const SUNDAY: &str = "2026-11-22T12:00:00Z";
const MONDAY: &str = "2026-11-23T12:00:00Z";

#[test]
fn a_week_that_has_just_begun_makes_nobody_struggle() {
    let before = weeks_up_to_last(&[70, 70, 70, 70], 5);
    let quiet = [("2026-11-23", Some(0), Some(0))];
    let told = [(1, [&quiet[..], &borrowed(&before)].concat()), (2, [&quiet[..], &borrowed(&before)].concat())];
    for received_at in [MONDAY, "2026-11-23T01:00:00Z"] {
        for row in learners_told(received_at, &told).values() {
            assert_eq!((&row["status"], &row["newest_week"]), (&"high".into(), &"2026-11-16".into()), "{row}");
            assert_eq!((&row["incomplete"], &row["average_points"]), (&false.into(), &70.0.into()), "{row}");
            assert_eq!((&row["weeks"], &row["total_points"]), (&5.into(), &280.into()), "totals have all weeks: {row}");
        }
    }
}

#[test]
fn a_week_is_over_by_the_courses_days_and_not_by_todays_clock() {
    let weeks = weeks_up_to_last(&[70, 70, 70, 10], 5);
    // In New York it is still Sunday at 04:59 UTC.
    for (received_at, newest, status) in [
        (SUNDAY, "2026-11-09", "high"),
        ("2026-11-23T04:59:00Z", "2026-11-09", "high"),
        ("2026-11-23T05:00:00Z", "2026-11-16", "struggling"),
    ] {
        let rows = learners_told(received_at, &[(1, borrowed(&weeks))]);
        assert_eq!((&rows[&1]["newest_week"], &rows[&1]["status"]), (&newest.into(), &status.into()), "{received_at}");
    }
}

#[test]
fn a_list_that_lags_is_incomplete_and_one_that_ended_is_not() {
    let full = weeks_up_to_last(&[70; 12], 5);
    let without_commits = |newest: usize| {
        let mut weeks = full.clone();
        weeks.iter_mut().take(newest).for_each(|week| week.2 = None);
        weeks
    };
    let mut hole = full.clone();
    hole[1].1 = None;
    let [one, three, four] = [1, 3, 4].map(without_commits);
    let (all, none) = (full.len(), without_commits(12));
    let new = without_commits(12)[..2].to_vec();
    let gone = full[5..].to_vec();
    let both = full[2..].to_vec();
    let running = vec![("2026-11-23".to_owned(), Some(0), None)];
    let cases = [
        (full, "2026-11-16", "high", false),
        (one, "2026-11-09", "high", true),
        (three, "2026-10-26", "high", true),
        // Four weeks without a commit are four weeks without a commit.
        (four, "2026-11-16", "struggling", false),
        (none, "2026-11-16", "struggling", false),
        // A hole is no lag.
        (hole, "2026-11-16", "high", false),
        (both, "2026-11-02", "high", true),
        (gone, "2026-10-12", "high", false),
        (new, "", "", true),
        (running, "", "", true),
    ];
    assert_eq!(all, 12);
    let told: Vec<(i64, Vec<Told>)> = (1..).zip(&cases).map(|(id, case)| (id, borrowed(&case.0))).collect();
    let rows = learners_told(MONDAY, &told);
    for (id, (_, newest, status, incomplete)) in (1..).zip(&cases) {
        let row = &rows[&id];
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        assert_eq!((text("newest_week"), text("status")), (*newest, *status), "case {id}: {row}");
        assert_eq!(row["incomplete"], *incomplete, "case {id}: {row}");
        assert_eq!(row["standing"], "active");
    }
}

/// A line of a raw object: an answer about the weeks before a Monday, or a gap where there is no list.
fn response(id: i64, to: &str, list: Option<Vec<Value>>) -> String {
    let request = json!({"learner": id, "from": "2026-08-31", "to": to});
    let gap = json!({"what": [id.to_string()], "reason": "the server answered 500", "can_retry": true});
    let line = match list {
        Some(list) => json!({"request": request, "received_at": MONDAY, "status": 200, "body": list}),
        None => json!({"request": request, "received_at": MONDAY, "status": 500, "body": null, "gap": gap}),
    };
    format!("{line}\n")
}

#[test]
fn a_gap_is_neither_silence_nor_an_end() {
    let full = weeks_up_to_last(&[70; 12], 5);
    type Pick = fn(&(String, Option<i64>, Option<i64>)) -> Option<i64>;
    let list = |count: Option<usize>, pick: Pick| -> Vec<Value> {
        let weeks = full.iter().skip(count.unwrap_or_default());
        weeks.map(|week| json!({"date": week.0, "points": pick(week)})).collect()
    };
    // How many weeks each list has not been answered about: all, some, or none. Then what is shown.
    type Missing = Option<usize>;
    let cases: [(Missing, Missing, &str, &str, bool); 9] = [
        (Some(0), Some(0), "2026-11-16", "high", false),
        (Some(0), None, "", "", true),
        (None, Some(0), "", "", true),
        (None, None, "", "", true),
        (Some(0), Some(2), "2026-11-02", "high", true),
        (Some(0), Some(6), "2026-10-05", "", true),
        (Some(6), Some(6), "2026-10-05", "", true),
        (Some(3), Some(6), "2026-10-05", "", true),
        (Some(6), Some(0), "2026-10-05", "", true),
    ];
    let lines = |id: i64, missing: Missing, pick| match missing {
        Some(0) => response(id, "2026-11-30", Some(list(missing, pick))),
        None => response(id, "2026-11-30", None),
        // What an earlier run has got, and what this one has not.
        Some(weeks) => response(id, &full[weeks - 1].0, Some(list(missing, pick))) + &response(id, "2026-11-30", None),
    };
    let lake = TestLake::new("http://127.0.0.1:1/");
    let person = |id: i64| json!({"name": "A", "email": format!("{id}@example.org"), "id": id, "cohort": "1.1"});
    lake.write(ROSTER, Value::from((1..10).map(person).collect::<Vec<_>>()).to_string());
    let object = |pick: fn(&_) -> Option<i64>,
                  missing: fn(&(Missing, Missing, &str, &str, bool)) -> Missing|
     -> String { (1..).zip(&cases).map(|(id, case)| lines(id, missing(case), pick)).collect() };
    lake.write("raw/codetrack/week=2026-11-23/weekly_commits.ndjson", object(|week| week.2, |case| case.1));
    lake.write("raw/codetrack/week=2026-11-23/weekly_scores.ndjson", object(|week| week.1, |case| case.0));
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    lake.call(&["verify"]).ok();
    let rows: BTreeMap<i64, Value> =
        learners(&lake).into_values().map(|row| (row["id"].as_i64().unwrap(), row)).collect();
    for (id, (points, commits, newest, status, incomplete)) in (1..).zip(&cases) {
        let row = &rows[&id];
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        assert_eq!((text("newest_week"), text("status")), (*newest, *status), "case {id}: {row}");
        assert_eq!(row["incomplete"], *incomplete, "case {id}: {row}");
        let total = |missing: &Missing, each: u64| missing.map(|weeks| (12 - weeks as u64) * each);
        assert_eq!(row["total_points"].as_u64(), total(points, 70), "case {id}: {row}");
        assert_eq!(row["total_commits"].as_u64(), total(commits, 5), "case {id}: {row}");
        let is_known = points.is_some() || commits.is_some();
        assert_eq!(row["standing"], if is_known { "active" } else { "no_weeks" }, "case {id}: {row}");
        assert_eq!(row["trend"].is_null(), status.is_empty(), "case {id}: {row}");
    }
    let overview =
        lake.query("SELECT id, list, reason FROM codetrack.learners_overview WHERE status IS NULL ORDER BY id");
    assert_eq!(overview.len(), 7);
    assert!(overview.iter().all(|row| row["list"] == "check_data"), "{overview:?}");
    let said = |id: i64| overview.iter().find(|row| row["id"] == id).unwrap()["reason"].as_str().unwrap().to_owned();
    assert!(said(4).contains("failed to come") && said(6).contains("failed to come since the week of 5 October 2026"));
    let weeks = lake.query("SELECT count(*) AS n, count(commits) AS commits FROM codetrack.weekly_scores WHERE id = 2");
    assert_eq!((&weeks[0]["n"], &weeks[0]["commits"]), (&12.into(), &0.into()));
    assert!(lake.query("SELECT 1 FROM codetrack.weekly_scores WHERE id = 4").is_empty());
}

#[test]
fn a_list_that_lags_for_everybody_holds_the_course_back() {
    let mut weeks = weeks_up_to_last(&[70, 70, 70, 70, 20], 5);
    weeks[0].2 = None;
    let rows = learners_told(MONDAY, &[(1, borrowed(&weeks)), (2, borrowed(&weeks))]);
    for row in rows.values() {
        assert_eq!((&row["newest_week"], &row["status"]), (&"2026-11-09".into(), &"high".into()), "{row}");
        assert_eq!(row["incomplete"], false, "no list is behind another learner's: {row}");
    }
}

#[test]
fn the_trend_compares_four_weeks_with_the_eight_before() {
    let cases: [(&[i64], Option<&str>); 9] = [
        (&[80, 80, 80, 80, 80, 80, 80, 80, 59, 59, 59, 59], Some("falling")),
        (&[80, 80, 80, 80, 80, 80, 80, 80, 60, 60, 60, 60], Some("steady")),
        (&[80, 80, 80, 80, 80, 80, 80, 80, 100, 100, 100, 100], Some("steady")),
        (&[80, 80, 80, 80, 80, 80, 80, 80, 101, 101, 101, 101], Some("rising")),
        // What came before the eight weeks does not count.
        (&[900, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80], Some("steady")),
        (&[80, 80, 80, 80, 40, 40, 40, 40], Some("falling")),
        (&[80, 80, 80, 40, 40, 40, 40], None),
        (&[80, 80, 80, 80, 80, 80, 80, 80, 0, 0, 0, 0], Some("falling")),
        (&[50], None),
    ];
    let weeks: Vec<_> = cases.iter().map(|(points, _)| weeks_up_to_last(points, 5)).collect();
    let told: Vec<(i64, Vec<Told>)> = (1..).zip(&weeks).map(|(id, weeks)| (id, borrowed(weeks))).collect();
    let rows = learners_told(MONDAY, &told);
    for (id, (points, trend)) in (1..).zip(&cases) {
        assert_eq!(rows[&id]["trend"].as_str(), *trend, "{points:?}: {}", rows[&id]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thresholds_are_settings() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let lake = lake_of(&simulator);
    lake.write(
        "config/datasets/codetrack/dataset.toml",
        "[settings]\nstruggling_below_points = 0\nstruggling_below_commits = 0\nhigh_from_points = 1000000\n",
    );
    run(&lake).ok();
    let statuses: BTreeSet<String> = learners(&lake).values().map(|row| row["status"].to_string()).collect();
    assert_eq!(statuses, BTreeSet::from(["\"on_track\"".to_owned(), "null".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_past_week_is_corrected() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let lake = lake_of(&simulator);
    run(&lake).ok();
    let before = lake.tree();
    let learner = &simulator.learners()[1];
    let monday = simulator.weekly_scores(learner.id)[9].monday;
    assert!(simulator.correct_week(monday, learner.id, 1234));
    run(&lake).ok();
    check_weekly_scores(&lake, &simulator, of_roster);
    let parquet = |name: &&String| name.starts_with("consumption/codetrack/weekly_scores/");
    let written: Vec<String> = lake.tree().written_since(&before).into_iter().filter(|name| parquet(&name)).collect();
    let (year, month) = (monday.year(), monday.month());
    let rewritten = format!("consumption/codetrack/weekly_scores/year={year}/month={month}/");
    assert!(!written.is_empty() && written.iter().all(|name| name.starts_with(&rewritten)), "{written:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn weeks_stand_under_the_cohort_of_the_current_roster_and_nobody_is_lost() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let lake = lake_of(&simulator);
    run(&lake).ok();

    // One changes to another cohort, one leaves the list; two more come without account.
    let (moved, gone) = (simulator.learners()[1].id, simulator.learners()[4].id);
    let mut roster: Value = serde_json::from_str(&simulator.roster_json()).unwrap();
    let entries = roster.as_array_mut().unwrap();
    entries.retain(|entry| entry["id"] != gone);
    for entry in entries.iter_mut().filter(|entry| entry["id"] == moved) {
        entry["cohort"] = "11.3".into();
    }
    for name in ["second", "third"] {
        entries.push(json!({"name": name, "email": format!("{name}@example.org"), "id": 0, "cohort": "11.3"}));
    }
    lake.write(ROSTER, roster.to_string());
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();

    let cohort = |learner: &LearnerInfo| match learner.id {
        id if id == moved => Some("11.3".to_owned()),
        id if id == gone => None,
        _ => of_roster(learner),
    };
    check_weekly_scores(&lake, &simulator, cohort);
    let rows = learners(&lake);
    let standing =
        |id: i64| rows.values().filter(|row| row["id"] == id).map(|row| row["standing"].clone()).collect::<Vec<_>>();
    assert_eq!((standing(gone), standing(moved)), (vec!["left".into()], vec!["active".into()]));
    assert_eq!(standing(0), vec![Value::from("no_account"); 3]);
    lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_named_in_logs_or_reasons() {
    let simulator = Simulator::start(Options { fail_rate: 0.05, ..Options::default() }).await.unwrap();
    let lake = lake_of(&simulator);
    let mut roster: Value = serde_json::from_str(&simulator.roster_json()).unwrap();
    let good = json!({"name": "Zebedee Quixworth", "email": "zebedee@example.org", "id": 7, "cohort": "7.3"});
    let mut refused = Vec::new();
    for name in ["name", "email", "id", "cohort", "leetcode_id"] {
        let mut entry = good.clone();
        entry[name] = json!({"Zebedee": "Quixworth"});
        refused.push(entry);
    }
    refused
        .push(json!({"name": "Zebedee Quixworth", "email": "zebedee@example.org", "id": "Zebedee", "cohort": "7.3"}));
    refused.push(json!({"name": "Zebedee Quixworth", "email": "zebedee@example.org", "id": 7}));
    refused.push(json!("zebedee@example.org"));
    let count = refused.len();
    roster.as_array_mut().unwrap().extend(refused);
    lake.write(ROSTER, roster.to_string());

    let mut said = String::new();
    let mut command = lake.command(&["-vv", "run", "codetrack", "--from", "2025-03-01", "--to", "2026-11-21"]);
    for command in [&mut command, &mut lake.command(&["-vv", "status"]), &mut lake.command(&["-vv", "verify"])] {
        let called = Called::from(command.output().unwrap());
        said.push_str(&called.stdout);
        said.push_str(&called.stderr);
    }
    assert!(said.lines().count() > 10, "there is too little to look at: {said}");
    let tree = lake.tree();
    let rejects = tree.below(&["rejection/codetrack/learner/"]);
    let mut reasons = 0;
    for name in rejects.names() {
        for line in std::str::from_utf8(rejects.bytes(name).unwrap()).unwrap().lines() {
            let reject: Value = serde_json::from_str(line).unwrap();
            said.push_str(reject["message"].as_str().unwrap());
            said.push('\n');
            reasons += 1;
        }
    }
    assert_eq!(reasons, count, "{said}");
    let mut people = vec!["Zebedee".to_owned(), "Quixworth".to_owned(), "example.org".to_owned()];
    let known: Vec<Value> = serde_json::from_str(&simulator.roster_json()).unwrap();
    people
        .extend(known.iter().flat_map(|entry| ["name", "email"].map(|name| entry[name].as_str().unwrap().to_owned())));
    people.extend(known.iter().filter_map(|entry| entry["leetcode_id"].as_str()).map(str::to_owned));
    let named: Vec<&String> = people.iter().filter(|name| said.contains(name.as_str())).collect();
    assert!(named.is_empty(), "{named:?} in\n{said}");
}

/// The texts of the table behind a chart of a page, row by row.
fn table_behind(page: &str, title: &str) -> Vec<String> {
    let (_, chart) = page.split_once(title).unwrap();
    let (_, table) = chart.split_once("<table").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    let texts = |row: &str| {
        let parts = row.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text.trim());
        parts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    };
    table.split("<tr").skip(1).map(|row| texts(&format!("<tr{row}"))).collect()
}

#[test]
fn the_page_without_names_tells_of_no_one_or_two() {
    // One learner never commits, and two have few points.
    let told = |points: &[i64]| {
        let weeks: Vec<_> = (1..)
            .zip(points)
            .map(|(id, points)| (id, weeks_up_to_last(&[70, 70, 70, *points], i64::from(id != 1) * 5)))
            .collect();
        let told: Vec<(i64, Vec<Told>)> = weeks.iter().map(|(id, weeks)| (*id, borrowed(weeks))).collect();
        let lake = lake_told(MONDAY, &told);
        lake.call(&["report"]).ok();
        std::fs::read_to_string(lake.path().join("consumption/codetrack/report.html")).unwrap()
    };
    let nothing = "In no week are there commits of twenty learners";
    assert!(told(&[35; 20]).contains(nothing), "one of twenty does not commit");
    let page = told(&[5, 5, 35, 35, 35, 50, 50, 50, 50, 70, 70]);
    assert!(page.contains(nothing), "eleven are few");
    // The mean of few, and all ranges but those of one or two, would tell of these.
    assert!(page.contains("nowhere one or two of them in a range"));
    let row_of = |points: &[i64]| {
        let spread = table_behind(&told(points), "How are the points spread?");
        spread.into_iter().find(|row| row.starts_with("1.1")).unwrap()
    };
    let whole = row_of(&[5, 5, 5, 35, 35, 35, 35, 70, 70, 70]);
    assert_eq!(whole.split_whitespace().skip(1).collect::<Vec<_>>(), ["3", "0", "4", "0", "3"]);
    // Of two learners alone nothing else could be hidden, so the next smallest range is not told either.
    let many = row_of(&[vec![5; 2], vec![35; 30], vec![50; 20]].concat());
    assert!(many.contains("30") && !many.contains("20"), "{many}");
}
