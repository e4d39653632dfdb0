//! Recorded answers of the real IRCELINE API (CC BY 4.0, IRCEL-CELINE) through clean and aggregate. They lie where
//! `IRCELINE_RECORDED` says; without it the test is skipped.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use integration::{TestLake, skip};
use serde_json::{Value, json};

/// 2023-11-22 00:00 in Brussels, and a day later, in milliseconds.
const START: i64 = 1_700_607_600_000;
const DAY: i64 = 86_400_000;

fn read(folder: &str, name: &str) -> (String, Value) {
    let text = std::fs::read_to_string(PathBuf::from(folder).join(name)).unwrap();
    let value = serde_json::from_str(&text).unwrap();
    (text, value)
}

#[test]
fn recorded_answers_give_the_daily_means_that_they_should() {
    let Ok(folder) = std::env::var("IRCELINE_RECORDED") else {
        return skip("recorded", "IRCELINE_RECORDED does not name the folder with answers of the real IRCELINE API");
    };
    let (stations, _) = read(&folder, "stations.json");
    let (_, station) = read(&folder, "station_1030.json");
    let (series, _) = read(&folder, "timeseries_11019.json");
    let (values, answer) = read(&folder, "timeseries_getdata.json");

    let lake = TestLake::new("http://127.0.0.1:1/");
    // The list of stations was recorded without its series: the one that has them goes into the same list.
    let with_series = format!("[{station},{}", stations.trim_start().trim_start_matches('['));
    for day in ["2023-11-22", "2023-11-23"] {
        let file = |name: &str| format!("raw/irceline/date={day}/{name}");
        lake.write(&file("stations.json"), &with_series);
        lake.write(&file("timeseries.json"), format!("[{series}]"));
        // As it was recorded, over many lines.
        let line = format!(r#"{{"request":{{}},"received_at":"2023-11-24T05:00:00Z","status":200,"body":{values}}}"#);
        lake.write(&file("values.ndjson"), line);
    }
    let summary = lake.call(&["clean"]).ok().json();
    lake.call(&["aggregate"]).ok();
    lake.call(&["verify"]).ok();

    let answered: usize =
        answer.as_object().unwrap().values().map(|series| series["values"].as_array().unwrap().len()).sum();
    for cleaned in summary["cleaned"].as_array().unwrap().iter().filter(|one| one["table"] == "measurement") {
        assert_eq!(cleaned["read"], json!(answered), "{cleaned}");
        // The first of its 25 values is that of 01:00 local time: one a day later lies outside.
        assert!(cleaned["outside"].as_u64().unwrap() > 0, "{cleaned}");
    }
    let rows = lake.query("SELECT timeseries_id, station_label, average, count FROM irceline.aggregate_station_by_day WHERE day = DATE '2023-11-22'");
    let found: BTreeMap<&str, &Value> = rows.iter().map(|row| (row["timeseries_id"].as_str().unwrap(), row)).collect();
    let known = station["properties"]["timeseries"].as_object().unwrap();
    let mut compared = 0;
    for (id, series) in answer.as_object().unwrap() {
        let in_day = series["values"].as_array().unwrap().iter().filter(|record| {
            let time = record["timestamp"].as_i64().unwrap();
            time > START && time <= START + DAY
        });
        let values: Vec<f64> = in_day.filter_map(|record| record["value"].as_f64()).collect();
        if !known.contains_key(id) && id != "11019" || values.is_empty() {
            continue;
        }
        let row = found.get(id.as_str()).unwrap_or_else(|| panic!("series {id} is lost"));
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!((row["average"].as_f64().unwrap() - mean).abs() < 1e-9, "{row} {mean}");
        assert_eq!(row["count"].as_u64(), Some(values.len() as u64));
        compared += 1;
    }
    assert!(compared > 0, "no recorded series was compared");
    let label =
        |id: &str| lake.query(&format!("SELECT municipality FROM irceline.station WHERE station_id = {id} LIMIT 1"));
    assert_eq!(label("1030")[0]["municipality"], "Linkeroever");
    assert_eq!(label("1720")[0]["municipality"], "Antwerpen");
}
