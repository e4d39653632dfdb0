use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Weekday};

use super::*;

fn server(options: Options) -> Codetrack {
    Codetrack::new(&options)
}

/// The mean points of a profile over all of its weeks.
fn mean(server: &Codetrack, profile: Profile, weeks: impl Fn(&LearnerInfo) -> Vec<Week>) -> f64 {
    let of_profile = server.learners().into_iter().filter(|one| one.profile == profile);
    let points: Vec<f64> = of_profile.flat_map(|one| weeks(&one)).map(|week| week.points as f64).collect();
    points.iter().sum::<f64>() / points.len() as f64
}

#[test]
fn profiles_can_be_told_apart() {
    let server = server(Options::default());
    let scores = |one: &LearnerInfo| server.scores(one.id).unwrap();
    let recent = |one: &LearnerInfo| scores(one).into_iter().take(4).collect();
    let commits = |one: &LearnerInfo| server.commits(one.id).unwrap();
    assert!(mean(&server, Profile::Excels, scores) > 60.0);
    assert!((35.0..55.0).contains(&mean(&server, Profile::Steady, scores)));
    assert!(mean(&server, Profile::Struggles, scores) < 25.0 && mean(&server, Profile::Struggles, commits) < 2.0);
    let (before, after) = (mean(&server, Profile::Disengages, scores), mean(&server, Profile::Disengages, recent));
    assert!(before > 5.0 && after == 0.0, "{before}, {after}");
    let silent = server.learners().into_iter().filter(|one| one.profile == Profile::Silent);
    let silent: Vec<usize> = silent.map(|one| scores(&one).len() + commits(&one).len()).collect();
    assert_eq!(silent, [0, 0]);
}

#[test]
fn weeks_are_mondays_and_a_later_time_adds_to_them() {
    let (now, later) = ("2026-11-15T23:59:59Z".parse().unwrap(), "2026-11-16T00:00:00Z".parse().unwrap());
    let [before, after] = [now, later].map(|now| server(Options { now, ..Options::default() }));
    let mut differ = BTreeMap::new();
    for learner in before.learners() {
        for (old, new) in [
            (before.scores(learner.id).unwrap(), after.scores(learner.id).unwrap()),
            (before.commits(learner.id).unwrap(), after.commits(learner.id).unwrap()),
        ] {
            assert!(new.iter().all(|week| week.monday.weekday() == Weekday::Mon));
            assert!(new.is_sorted_by(|one, next| one.monday > next.monday));
            assert!(new.ends_with(&old), "{}", learner.id);
            *differ.entry(new.len() - old.len()).or_insert(0) += 1;
        }
    }
    assert!(differ[&1] > 50 && differ[&0] > 4, "{differ:?}");
}

#[test]
fn only_known_weeks_are_corrected() {
    let server = server(Options::default());
    let id = server.learners()[1].id;
    let before = server.scores(id).unwrap();
    let monday = before[5].monday;
    assert!(server.correct(monday, id, 7) && server.correct(monday, id, 9));
    let tuesday = monday.succ_opt().unwrap();
    assert!(!server.correct(tuesday, id, 7) && !server.correct(monday, 1_000_000, 7));
    let mut expected = before;
    expected[5].points = 9;
    assert_eq!(server.scores(id).unwrap(), expected);
}

#[test]
fn the_roster_has_what_lists_kept_by_hand_have() {
    let server = server(Options::default());
    let roster = server.roster();
    let entries = roster.as_array().unwrap();
    assert_eq!(entries.len(), 43);
    let ids: Vec<i64> = entries.iter().map(|entry| entry["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 42);
    assert!(ids.contains(&0) && ids.contains(&-1));
    let cohorts: BTreeSet<&str> = entries.iter().map(|entry| entry["cohort"].as_str().unwrap()).collect();
    assert_eq!(cohorts, BTreeSet::from(["7.3", "10.1", "10.10"]));
    let without = entries.iter().filter(|entry| entry["leetcode_id"].is_null()).count();
    assert_eq!(without, 12);
    assert!(entries.iter().all(|entry| entry["email"].as_str().unwrap().ends_with("@example.org")));
}
