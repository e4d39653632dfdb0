//! A coding course, as a client sees it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use simulator::{Options, Simulator, Week};

use crate::http::{Answer, call};

async fn get(simulator: &Simulator, path: &str) -> Answer {
    call(simulator, "GET", &format!("/codetrack{path}"), "").await
}

fn weeks(list: &Value) -> Vec<Week> {
    let week = |entry: &Value| Week {
        monday: entry["date"].as_str().unwrap()[..10].parse().unwrap(),
        points: entry["points"].as_i64().unwrap(),
    };
    list.as_array().unwrap().iter().map(week).collect()
}

#[tokio::test]
async fn lists_hold_what_the_accessors_tell_newest_first() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    assert_eq!(simulator.codetrack_url(), format!("http://{}/codetrack", simulator.address()));
    let (mut forms, mut latest) = (BTreeSet::new(), BTreeSet::new());
    for learner in simulator.learners() {
        let scores = get(&simulator, &format!("/weeklyScores/{}?limit=1000", learner.id)).await.json();
        let commits = get(&simulator, &format!("/weeklyCommits/{}", learner.id)).await.json();
        let (points, numbers) = (simulator.weekly_scores(learner.id), simulator.weekly_commits(learner.id));
        assert_eq!((weeks(&scores), weeks(&commits)), (points.clone(), numbers.clone()));
        forms.extend(scores.as_array().unwrap().iter().map(|entry| entry["date"].as_str().unwrap().len()));
        let two = get(&simulator, &format!("/weeklyScores/{}?limit=2", learner.id)).await.json();
        assert_eq!(weeks(&two), points[..points.len().min(2)]);
        let user = get(&simulator, &format!("/users/{}", learner.id)).await.json();
        let fields = ["free_code_camp_points", "honor", "leetcode_points"];
        let total: i64 = fields.iter().map(|field| user[field].as_i64().unwrap()).sum();
        assert_eq!(total, points.iter().map(|week| week.points).sum::<i64>());
        latest.insert(points.first().map(|week| week.monday).cmp(&numbers.first().map(|week| week.monday)));
    }
    assert_eq!((forms, latest.len()), (BTreeSet::from([10, 24]), 3));
    for (path, status) in [("/users/0", 404), ("/weeklyScores/-1", 404), ("/users/ada", 400)] {
        assert_eq!(get(&simulator, path).await.status, status, "{path}");
    }
    let counts = json!({"users": 42, "weeklyCommits": 40, "weeklyScores": 81});
    assert_eq!(call(&simulator, "GET", "/simulator/codetrack/requests", "").await.json(), counts);
    assert_eq!(simulator.codetrack_requests()["weeklyScores"], 81);
    let roster = call(&simulator, "GET", "/simulator/codetrack/roster", "").await;
    assert_eq!(roster.body, simulator.roster_json().into_bytes());
}

#[tokio::test]
async fn weeks_can_be_corrected_and_learners_fail() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let learner = &simulator.learners()[0];
    let path = format!("/weeklyScores/{}", learner.id);
    let before = weeks(&get(&simulator, &path).await.json());
    let correction = |date: String| json!({"date": date, "learner": learner.id, "points": 123}).to_string();
    let control = "/simulator/codetrack/corrections";
    let done = call(&simulator, "POST", control, &correction(before[3].monday.to_string())).await.json();
    assert_eq!(done, json!({"changed": true}));
    let none = call(&simulator, "POST", control, &correction("2026-11-10".to_owned())).await.json();
    assert_eq!(none, json!({"changed": false}));
    let mut expected = before;
    expected[3].points = 123;
    assert_eq!(weeks(&get(&simulator, &path).await.json()), expected);

    let body = json!({"learners": [learner.id]}).to_string();
    call(&simulator, "POST", "/simulator/codetrack/failing", &body).await;
    assert_eq!(get(&simulator, &path).await.status, 500);
    assert_eq!(get(&simulator, &format!("/users/{}", simulator.learners()[1].id)).await.status, 200);
    simulator.fail_learners(Vec::new());
    assert_eq!(get(&simulator, &path).await.status, 200);
}
