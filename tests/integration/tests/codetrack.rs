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

/// What `learners` should say of someone with weeks: figures, status and trend.
fn figures(weeks: &Weeks) -> Value {
    let (&newest, &(points, commits)) = weeks.last_key_value().unwrap();
    let (recent, before) = (newest - Days::new(28), newest - Days::new(56));
    let part =
        |after: NaiveDate, until: NaiveDate| weeks.iter().filter(move |(date, _)| **date > after && **date <= until);
    let average = mean(part(recent, newest).map(|(_, week)| week.0)).unwrap();
    let commit_average = mean(part(recent, newest).map(|(_, week)| week.1)).unwrap();
    let earlier = mean(part(before, recent).map(|(_, week)| week.0));
    let status = if points < 30 || commits < 1 {
        "struggling"
    } else if points >= 60 && commits >= 3 {
        "high"
    } else {
        "on_track"
    };
    let trend = match earlier {
        _ if average == 0.0 && commit_average == 0.0 => Some("inactive"),
        None => None,
        Some(earlier) if average < 0.5 * earlier => Some("falling"),
        Some(earlier) if average > 1.5 * earlier => Some("rising"),
        Some(_) => Some("steady"),
    };
    json!({
        "newest_week": newest.to_string(), "points": points, "commits": commits, "status": status, "trend": trend,
        "average_points": average, "average_commits": commit_average, "earlier_average_points": earlier,
        "earlier_average_commits": mean(part(before, recent).map(|(_, week)| week.1)), "weeks": weeks.len(),
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
    let mut rows = learners(&lake);
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    for learner in simulator.learners() {
        let row = rows.remove(&format!("{} \"{}\"", learner.id, learner.email)).unwrap();
        assert_eq!(row["cohort"], learner.cohort, "{row}");
        let weeks = weeks(&simulator, learner.id);
        if learner.profile == Profile::Silent {
            assert_eq!((&row["standing"], &row["weeks"]), (&"no_weeks".into(), &0.into()), "{row}");
            assert!(row["status"].is_null() && row["trend"].is_null() && row["points"].is_null(), "{row}");
            continue;
        }
        assert_eq!(row["standing"], "active", "{row}");
        for (name, expected) in figures(&weeks).as_object().unwrap() {
            let same = match (row[name].as_f64(), expected.as_f64()) {
                (Some(one), Some(other)) => (one - other).abs() < 1e-9,
                _ => row[name] == *expected,
            };
            assert!(same, "{name} is not {expected}: {row}");
        }
        // The simulated accounts hold as many points as their weeks.
        let total: i64 = simulator.weekly_scores(learner.id).iter().map(|week| week.points).sum();
        assert_eq!(row["account_points"], total, "{row}");
        let both = [simulator.weekly_scores(learner.id), simulator.weekly_commits(learner.id)];
        let newest = both.map(|list| list.first().map(|week| week.monday));
        if newest[0] == newest[1] || learner.profile == Profile::Disengages {
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
