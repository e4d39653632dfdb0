//! Air quality, as a client sees it, and the faults all sources share.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::{Options, Paging, Simulator};
use tokio::net::TcpStream;

use crate::http::{Answer, call};

async fn get(simulator: &Simulator, path: &str) -> Answer {
    call(simulator, "GET", &format!("/sos/api/v1{path}"), "").await
}

async fn bulk(simulator: &Simulator, timespan: &str, ids: &[String]) -> Answer {
    let body = json!({ "timespan": timespan, "timeseries": ids }).to_string();
    call(simulator, "POST", "/sos/api/v1/timeseries/getData", &body).await
}

async fn default_simulator() -> Simulator {
    Simulator::start(Options::default()).await.unwrap()
}

fn ids(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|item| item["id"].to_string()).collect()
}

#[tokio::test]
async fn lists_have_the_shapes_of_the_real_server() {
    let simulator = default_simulator().await;
    let stations = get(&simulator, "/stations").await.json();
    assert_eq!(stations.as_array().unwrap().len(), 120);
    assert!(stations[0]["properties"]["id"].is_u64());
    assert_eq!(stations[0]["geometry"]["coordinates"][2], "NaN");
    assert!(stations[0]["properties"].get("timeseries").is_none());

    let expanded = get(&simulator, "/timeseries?expanded=true").await;
    assert!(!expanded.body.contains(&b'\n'));
    let expanded = expanded.json();
    let all = expanded.as_array().unwrap();
    assert_eq!(all.len(), 660);
    assert!(all[0]["id"].is_string() && all[0]["parameters"]["feature"]["id"].is_string());
    for field in ["lastValue", "statusIntervals"] {
        assert!(all.iter().any(|item| item.get(field).is_none()), "{field} is never missing");
        assert!(all.iter().any(|item| item[field].is_null()), "{field} is never null");
    }
    let short = get(&simulator, "/timeseries").await.json();
    assert_eq!(short[0].as_object().unwrap().len(), 4);

    let id = stations[0]["properties"]["id"].to_string();
    let series = get(&simulator, &format!("/stations/{id}")).await.json();
    let listed = get(&simulator, &format!("/timeseries?station={id}&phenomenon=5")).await.json();
    let first = listed[0]["id"].as_str().unwrap();
    assert_eq!(series["properties"]["timeseries"][first]["phenomenon"]["id"], "5");
    assert_eq!(get(&simulator, "/phenomena/5").await.json()["id"], "5");
    assert_eq!(get(&simulator, "/stations/none").await.status, 404);
}

#[tokio::test]
async fn near_is_a_box() {
    let simulator = default_simulator().await;
    let near = r#"{"center":{"type":"Point","coordinates":[4.40346,51.21989]},"radius":10}"#;
    let near: String = near.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let found = get(&simulator, &format!("/stations?near={near}")).await.json();
    let found = found.as_array().unwrap();
    let distance = |station: &Value| {
        let at = |axis: usize| station["geometry"]["coordinates"][axis].as_f64().unwrap();
        let (east, north) = ((at(0) - 4.40346) * 69.7, (at(1) - 51.21989) * 111.2);
        assert!(east.abs() < 10.1 && north.abs() < 10.1);
        east.hypot(north)
    };
    let distances: Vec<f64> = found.iter().map(distance).collect();
    assert!((5..40).contains(&distances.len()), "{distances:?}");
    assert!(distances.iter().any(|kilometres| *kilometres > 10.5), "{distances:?}");
    assert_eq!(get(&simulator, "/stations?near=here").await.status, 400);
}

#[tokio::test]
async fn pages_are_ignored_or_honoured() {
    let ignoring = default_simulator().await;
    let whole = get(&ignoring, "/timeseries?limit=500&offset=500").await.json();
    assert_eq!(whole.as_array().unwrap().len(), 660);
    let options = Options { paging: Paging::Honoured, ..Options::default() };
    let paging = Simulator::start(options).await.unwrap();
    let first = ids(&get(&paging, "/timeseries?limit=500&offset=0").await.json());
    let second = ids(&get(&paging, "/timeseries?limit=500&offset=500").await.json());
    assert_eq!((first.len(), second.len(), &first | &second), (500, 160, ids(&whole)));
}

#[tokio::test]
async fn one_dead_series_fails_the_whole_request() {
    let simulator = default_simulator().await;
    let dead = simulator.dead_series();
    assert_eq!(dead.len(), 2);
    let mut asked: Vec<String> = simulator.live_series().into_iter().take(50).map(|series| series.id).collect();
    let answer = bulk(&simulator, "PT24H/2026-11-19TZ", &asked).await;
    assert_eq!((answer.status, answer.json().as_object().unwrap().len()), (200, 50));
    asked.push(dead[0].clone());
    let refused = bulk(&simulator, "PT24H/2026-11-19TZ", &asked).await;
    let expected = json!({
        "statusCode": 404,
        "reason": "Not Found",
        "userMessage": format!("The timeseries with id '{}' was not found.", dead[0]),
        "hints": [],
    });
    assert_eq!((refused.status, refused.json()), (404, expected));
    assert_eq!(get(&simulator, &format!("/timeseries/{}/getData", dead[0])).await.status, 404);
    assert_eq!(get(&simulator, &format!("/timeseries/{}", dead[0])).await.status, 200);
    assert_eq!(bulk(&simulator, "PT24H/2026-11-19TZ", &["x".to_owned()]).await.status, 404);
}

#[tokio::test]
async fn bad_requests_get_the_statuses_of_the_real_server() {
    let simulator = default_simulator().await;
    let id = simulator.live_series()[0].id.clone();
    let single = async |query: &str| get(&simulator, &format!("/timeseries/{id}/getData{query}")).await;
    assert_eq!(single("").await.status, 200);
    let bad = single("?timespan=PT24H").await;
    assert_eq!((bad.status, bad.json()["userMessage"].as_str()), (500, Some("Unexpected Exception occured.")));
    assert_eq!(single("?timespan=2026-11-18T00:00:00+01:00/PT1H").await.status, 500);
    assert_eq!(single("?timespan=2026-11-18T00:00:00%2B01:00/PT1H").await.status, 200);
    assert_eq!(single("?timespan=P368D/2026-11-18TZ").await.status, 400);
    assert_eq!(bulk(&simulator, "P368D/2026-11-18TZ", std::slice::from_ref(&id)).await.status, 200);
    let unread = call(&simulator, "POST", "/sos/api/v1/timeseries/getData", "{").await;
    assert_eq!(unread.json()["userMessage"], "The request could not been read.");
    let expanded = single("?timespan=PT2H/2026-11-18TZ&expanded=true").await.json();
    assert!(expanded[&id]["values"].is_array() && expanded[&id]["extra"].is_object());
}

#[tokio::test]
async fn faults_are_of_every_kind_and_end_when_told() {
    let options = Options { fail_rate: 1.0, ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..100 {
        let answer = get(&simulator, "/phenomena").await;
        let json = serde_json::from_slice::<Value>(&answer.body).is_ok();
        assert!(answer.status != 200 || !json, "an intact answer");
        let html = answer.head.contains("text/html");
        seen.insert((answer.status, answer.head.contains("retry-after: 0"), html, answer.cut));
    }
    let expected = [
        (200, false, false, false),
        (200, false, false, true),
        (200, false, true, false),
        (429, true, true, false),
        (500, false, false, false),
        (502, false, true, false),
        (503, false, true, false),
        (503, true, true, false),
    ];
    assert_eq!(seen, BTreeSet::from(expected));
    let set = call(&simulator, "POST", "/simulator/faults", r#"{"fail_rate":0}"#).await;
    assert_eq!(set.status, 200);
    assert_eq!(get(&simulator, "/phenomena").await.status, 200);
    assert_eq!(call(&simulator, "GET", "/simulator/requests", "").await.json(), json!({"requests": 101}));
    simulator.set_down(true);
    assert_eq!(get(&simulator, "/phenomena").await.status, 503);
    assert_eq!(simulator.requests(), 102);
}

#[tokio::test]
async fn a_failing_series_fails_its_bulk_until_healed() {
    let simulator = default_simulator().await;
    let two: Vec<String> = simulator.live_series().into_iter().take(2).map(|it| it.id).collect();
    simulator.fail_series(vec![two[1].clone()]);
    assert_eq!(bulk(&simulator, "PT1H/2026-11-18TZ", &two).await.status, 500);
    assert_eq!(bulk(&simulator, "PT1H/2026-11-18TZ", &two[..1]).await.status, 200);
    simulator.fail_series(Vec::new());
    assert_eq!(bulk(&simulator, "PT1H/2026-11-18TZ", &two).await.status, 200);
}

#[tokio::test]
async fn corrections_can_be_asked_for_over_http() {
    let simulator = default_simulator().await;
    let body = r#"{"day":"2026-11-18","series":20}"#;
    let answer = call(&simulator, "POST", "/simulator/irceline/corrections", body).await.json();
    let changed = answer["changed"].as_u64().unwrap();
    assert_eq!(changed as usize, simulator.correct("2026-11-18".parse().unwrap(), 20));
    assert!((440..=480).contains(&changed), "{changed}");
}

#[tokio::test]
async fn latency_is_waited_for_and_a_stopped_server_is_gone() {
    let options = Options { latency_ms: 60..=80, stations: 3, series: 12, ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    let start = Instant::now();
    assert_eq!(get(&simulator, "/").await.status, 200);
    assert!(start.elapsed() >= Duration::from_millis(60));
    let address = simulator.address();
    simulator.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}
