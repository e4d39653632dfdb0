//! The nightly run against the simulated API: windows, corrections, failures, days of clock changes.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Brussels;
use integration::TestLake;
use serde_json::Value;
use simulator::{Options, Simulator, Value as Answered};

const PARAMETERS: [&str; 5] = ["1", "5", "8", "71", "6001"];
/// Failing requests are tried again without much waiting.
const IMPATIENT: &str = "[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 14\nseries_per_request = 10\n";

fn small() -> Options {
    Options { stations: 12, series: 60, ..Options::default() }
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The hours of a local day by their end stamps, in milliseconds.
fn hours(day: NaiveDate) -> Vec<i64> {
    let midnight = |day: NaiveDate| {
        let local = Brussels.from_local_datetime(&day.and_time(chrono::NaiveTime::MIN)).unwrap();
        local.with_timezone(&Utc)
    };
    let (start, end) = (midnight(day), midnight(day + Days::new(1)));
    (1..)
        .map(|hour| start + TimeDelta::hours(hour))
        .take_while(|time| *time <= end)
        .map(|t| t.timestamp_millis())
        .collect()
}

/// What the API has of a series and day, independently of the lake: values as they should come out of cleaning
/// (`None`: missing), without those that cleaning rejects.
fn expected(simulator: &Simulator, series: &str, day: NaiveDate) -> Vec<Option<f64>> {
    let value = |hour: i64| match simulator.value(series, hour)? {
        Answered::Number(value) if value < -10.0 => None,
        Answered::Number(value) => Some(Some(value)),
        Answered::Null | Answered::NanText | Answered::Sentinel(_) => Some(None),
        Answered::Absent => None,
    };
    hours(day).into_iter().filter_map(value).collect()
}

/// The gaps that `status` shows.
fn gaps(lake: &TestLake) -> Value {
    let status = lake.call(&["status"]).ok().json();
    let irceline = status["datasets"].as_array().unwrap().iter().find(|one| one["dataset"] == "irceline");
    irceline.unwrap()["gaps"].clone()
}

fn check_day(simulator: &Simulator, lake: &TestLake, day: &str, length: i64) {
    let sql = format!(
        "SELECT timeseries_id, average, minimum, maximum, count, expected, coverage, valid \
         FROM irceline.aggregate_station_by_day WHERE day = DATE '{day}'"
    );
    let rows: BTreeMap<String, Value> =
        lake.query(&sql).into_iter().map(|row| (row["timeseries_id"].as_str().unwrap().to_owned(), row)).collect();
    let mut compared = 0;
    for series in simulator.live_series() {
        if !PARAMETERS.contains(&series.phenomenon_id.as_str()) {
            assert!(!rows.contains_key(&series.id), "{} was not asked for", series.id);
            continue;
        }
        let all = expected(simulator, &series.id, date(day));
        let values: Vec<f64> = all.iter().flatten().copied().collect();
        let Some(row) = rows.get(&series.id) else {
            assert!(all.is_empty(), "series {} of {day} is lost", series.id);
            continue;
        };
        compared += 1;
        assert_eq!(row["count"].as_u64(), Some(values.len() as u64), "{row}");
        assert_eq!(row["expected"].as_i64(), Some(length), "{row}");
        let coverage = values.len() as f64 / length as f64;
        assert_eq!(row["valid"].as_bool(), Some(coverage >= 0.75), "{row}");
        if values.is_empty() {
            assert!(row.get("average").is_none_or(Value::is_null), "{row}");
            continue;
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        for (name, wanted) in [
            ("average", mean),
            ("minimum", values.iter().copied().fold(f64::INFINITY, f64::min)),
            ("maximum", values.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
            ("coverage", coverage),
        ] {
            let found = row[name].as_f64().unwrap();
            assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{name}: {found} is not {wanted}: {row}");
        }
    }
    assert!(compared > 20, "only {compared} series were compared");
}

#[tokio::test(flavor = "multi_thread")]
async fn daily_figures_are_right_on_days_of_23_24_and_25_hours_and_partial_days() {
    // Many values are missing, so that some days are not valid.
    let simulator = Simulator::start(Options { missing_rate: 0.2, ..small() }).await.unwrap();
    let lake = TestLake::new(&simulator.irceline_url());
    for (from, to) in [("2026-03-28", "2026-03-30"), ("2026-10-24", "2026-10-27")] {
        lake.run(from, to).ok();
    }
    for (day, length) in
        [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-24", 24), ("2026-10-25", 25), ("2026-10-26", 24)]
    {
        check_day(&simulator, &lake, day, length);
    }
    let invalid = lake.query("SELECT count(*) AS n FROM irceline.aggregate_station_by_day WHERE NOT valid");
    assert!(invalid[0]["n"].as_u64() > Some(0), "no day was partial: the test proves nothing about coverage");
    lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn city_means_are_over_the_values_of_the_hour() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = TestLake::new(&simulator.irceline_url());
    lake.run("2026-11-18", "2026-11-19").ok();
    let stations = lake.query("SELECT station_id, municipality FROM irceline.station");
    let municipality: BTreeMap<String, String> = stations
        .iter()
        .map(|row| (row["station_id"].to_string(), row["municipality"].as_str().unwrap().to_owned()))
        .collect();
    let mut sums: BTreeMap<(i64, String), (f64, u64, BTreeSet<String>)> = BTreeMap::new();
    for series in simulator.live_series().iter().filter(|series| series.phenomenon_id == "5") {
        for hour in hours(date("2026-11-18")) {
            if let Some(Answered::Number(value)) = simulator.value(&series.id, hour)
                && value >= -10.0
            {
                let sum = sums.entry((hour, municipality[&series.station_id].clone())).or_default();
                sum.0 += value;
                sum.1 += 1;
                sum.2.insert(series.station_id.clone());
            }
        }
    }
    let rows = lake.query("SELECT * FROM irceline.aggregate_city_by_hour WHERE parameter = 'pm10'");
    assert_eq!(rows.len(), sums.len());
    for row in rows {
        let time: DateTime<Utc> = row["timestamp"].as_str().unwrap().parse().unwrap();
        let (sum, count, stations) =
            &sums[&(time.timestamp_millis(), row["municipality"].as_str().unwrap().to_owned())];
        assert!((row["average"].as_f64().unwrap() - sum / *count as f64).abs() < 1e-9, "{row}");
        assert_eq!(row["stations"].as_u64(), Some(stations.len() as u64), "{row}");
        assert_eq!(row["day"].as_str(), Some("2026-11-18"), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_writes_nothing_even_when_coordinates_jitter() {
    let simulator = Simulator::start(Options { jitter_calls: true, ..small() }).await.unwrap();
    let lake = TestLake::new(&simulator.irceline_url());
    lake.run("2026-11-17", "2026-11-19").ok();
    let first = lake.tree();
    let second = lake.run("2026-11-17", "2026-11-19").ok().json();
    assert_eq!(lake.tree().written_since(&first), Vec::<String>::new());
    assert_eq!((&second["cleaned"], &second["aggregated"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    // Three raw objects a day, as ingest and as clean see them, and four models.
    assert_eq!(second["up_to_date"], 6 + 6 + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_picked_up_and_rewrites_its_partition_only() {
    let simulator = Simulator::start(small()).await.unwrap();
    let lake = TestLake::new(&simulator.irceline_url());
    let window = ("2026-10-30", "2026-11-03");
    lake.run(window.0, window.1).ok();
    let first = lake.tree();
    assert!(simulator.correct(date("2026-11-01"), 5) > 60);
    lake.run(window.0, window.1).ok();
    let mut written = lake.tree().written_since(&first);
    written.sort();
    assert_eq!(
        written,
        [
            "consumption/irceline/aggregate_city_by_hour/month=2026-11/data.parquet",
            "consumption/irceline/aggregate_station_by_day/month=2026-11/data.parquet",
            "consumption/irceline/belaqi_by_station_day/month=2026-11/data.parquet",
            "consumption/irceline/exceedance_by_station_year.csv",
            "consumption/irceline/exceedance_by_station_year/year=2026/data.parquet",
            "ledger/consumption/irceline/aggregate_city_by_hour/month=2026-11.json",
            "ledger/consumption/irceline/aggregate_station_by_day/month=2026-11.json",
            "ledger/consumption/irceline/belaqi_by_station_day/file=stations.geojson.json",
            "ledger/consumption/irceline/belaqi_by_station_day/month=2026-11.json",
            "ledger/consumption/irceline/exceedance_by_station_year/file=exceedance_by_station_year.csv.json",
            "ledger/consumption/irceline/exceedance_by_station_year/year=2026.json",
            "ledger/raw/irceline/date=2026-11-01/values.ndjson.json",
            "raw/irceline/date=2026-11-01/values.ndjson",
            "standard/irceline/measurement/month=2026-11/date=2026-11-01__values.ndjson.parquet",
        ]
    );
    check_day(&simulator, &lake, "2026-11-01", 24);
    lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_dates_yesterday_and_the_three_days_before_it_are_read_again() {
    let now = Utc::now();
    let simulator = Simulator::start(Options { now, ..small() }).await.unwrap();
    let lake = TestLake::new(&simulator.irceline_url());
    let days = |called: Value| -> Vec<NaiveDate> {
        called["ingested"].as_array().unwrap().iter().map(|day| date(day["day"].as_str().unwrap())).collect()
    };
    let yesterday = now.with_timezone(&Brussels).date_naive() - Days::new(1);
    let first = days(lake.call(&["run", "irceline"]).ok().json());
    assert_eq!(first, (0..4).rev().map(|ago| yesterday - Days::new(ago)).collect::<Vec<_>>());
    assert!(simulator.correct(yesterday - Days::new(3), 3) > 30);
    let second = lake.call(&["run"]).ok().json();
    assert_eq!(second["cleaned"].as_array().unwrap().len(), 1, "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_ids_lose_no_live_series() {
    let simulator = Simulator::start(Options { dead: 5, ..small() }).await.unwrap();
    let lake = TestLake::new(&simulator.irceline_url());
    let summary = lake.run("2026-11-18", "2026-11-19").ok().json();
    let mut unknown: Vec<&str> =
        summary["ingested"][0]["unknown"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    unknown.sort_unstable();
    let mut dead = simulator.dead_series();
    dead.sort_unstable();
    assert_eq!(unknown, dead);
    check_day(&simulator, &lake, "2026-11-18", 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_a_third_of_all_requests_still_gives_a_complete_lake() {
    let simulator = Simulator::start(small()).await.unwrap();
    let window = ("2026-11-16", "2026-11-19");
    let calm = TestLake::new(&simulator.irceline_url());
    calm.configure(IMPATIENT);
    calm.run(window.0, window.1).ok();
    simulator.set_fail_rate(0.3);
    let troubled = TestLake::new(&simulator.irceline_url());
    troubled.configure(IMPATIENT);
    let summary = troubled.run(window.0, window.1).ok().json();
    let retries: u64 = summary["ingested"].as_array().unwrap().iter().map(|day| day["retries"].as_u64().unwrap()).sum();
    assert!(retries > 5, "only {retries} retries: the server hardly failed");
    let zones = ["consumption", "rejection"];
    assert_eq!(calm.tree().below(&zones).differences(&troubled.tree().below(&zones)), Vec::<String>::new());
    troubled.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_a_gap_that_a_later_run_fills() {
    let simulator = Simulator::start(small()).await.unwrap();
    let window = ("2026-11-18", "2026-11-19");
    let calm = TestLake::new(&simulator.irceline_url());
    calm.run(window.0, window.1).ok();

    let poisoned = simulator.live_series().into_iter().find(|series| series.phenomenon_id == "5").unwrap().id;
    simulator.fail_series(vec![poisoned.clone()]);
    let lake = TestLake::new(&simulator.irceline_url());
    lake.configure("[source]\nhttp.first_backoff_ms = 2\nhttp.tries = 3\n");
    let called = lake.run(window.0, window.1);
    assert_eq!(called.status, 1);
    let summary = called.json();
    assert_eq!((&summary["ok"], &summary["ingested"][0]["failed"]), (&Value::Bool(false), &Value::from(1)));
    assert!(called.stderr.contains(&poisoned) && called.stderr.contains("can help"), "{}", called.stderr);
    let rows = |lake: &TestLake| lake.query("SELECT DISTINCT timeseries_id FROM irceline.measurement").len();
    assert_eq!(rows(&lake) + 1, rows(&calm), "everything but the failing series is there");
    assert_eq!(gaps(&lake)[0][1]["what"], Value::from(vec![poisoned.clone()]));
    let raw =
        String::from_utf8(lake.tree().bytes("raw/irceline/date=2026-11-18/values.ndjson").unwrap().to_vec()).unwrap();
    assert_eq!(raw.lines().filter(|line| line.contains("\"gap\"")).count(), 1);

    simulator.fail_series(Vec::new());
    lake.run(window.0, window.1).ok();
    assert_eq!(gaps(&lake), Value::Array(vec![]));
    assert_eq!(
        calm.tree().below(&["consumption"]).differences(&lake.tree().below(&["consumption"])),
        Vec::<String>::new()
    );

    // What was had once is not lost when it cannot be had again.
    let before = lake.tree();
    simulator.fail_series(vec![poisoned]);
    assert_eq!(lake.run(window.0, window.1).status, 1);
    let zones = ["standard", "consumption"];
    assert_eq!(lake.tree().below(&zones).written_since(&before.below(&zones)), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_is_accepted_whether_it_is_honoured_or_ignored() {
    let mut lakes = Vec::new();
    for (paging, settings) in [
        (simulator::Paging::Ignored, ""),
        (simulator::Paging::Ignored, "[source]\npage_size = 7\n"),
        (simulator::Paging::Honoured, "[source]\npage_size = 7\n"),
        (simulator::Paging::Honoured, "[source]\npage_size = 12\n"),
    ] {
        let simulator = Simulator::start(Options { paging, ..small() }).await.unwrap();
        let lake = TestLake::new(&simulator.irceline_url());
        lake.configure(settings);
        lake.run("2026-11-18", "2026-11-19").ok();
        lakes.push(lake.tree().below(&["consumption"]));
    }
    for other in &lakes[1..] {
        assert_eq!(lakes[0].differences(other), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_beyond_the_window_are_counted_and_not_kept() {
    let simulator = Simulator::start(Options { neighbours: true, ..small() }).await.unwrap();
    let lake = TestLake::new(&simulator.irceline_url());
    let summary = lake.run("2026-11-17", "2026-11-19").ok().json();
    let outside: u64 = summary["cleaned"].as_array().unwrap().iter().map(|one| one["outside"].as_u64().unwrap()).sum();
    assert!(outside > 60, "{outside}");
    check_day(&simulator, &lake, "2026-11-17", 24);
    check_day(&simulator, &lake, "2026-11-18", 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_parameters_and_a_circle_are_settings() {
    let simulator = Simulator::start(small()).await.unwrap();
    let stations = |settings: &str| {
        let lake = TestLake::new(&simulator.irceline_url());
        lake.configure(settings);
        lake.run("2026-11-18", "2026-11-19").ok();
        let rows = lake.query(
            "SELECT DISTINCT m.parameter, m.station_id, s.longitude, s.latitude \
             FROM irceline.measurement m JOIN irceline.station s ON s.station_id = m.station_id",
        );
        let parameters: BTreeSet<String> = rows.iter().map(|row| row["parameter"].to_string()).collect();
        (parameters.len(), rows)
    };
    let (five, everywhere) = stations("");
    let (all, _) = stations("[source]\nparameters = [\"all\"]\n");
    assert!(five <= 5 && all > 8, "{five} {all}");
    let centre = &everywhere[0];
    let (longitude, latitude) = (centre["longitude"].as_f64().unwrap(), centre["latitude"].as_f64().unwrap());
    let circle = format!("[source]\nnear = {{ longitude = {longitude}, latitude = {latitude}, radius_km = 5.0 }}\n");
    let (_, near) = stations(&circle);
    assert!(!near.is_empty() && near.len() < everywhere.len(), "{} of {}", near.len(), everywhere.len());
    for row in near {
        let north = (row["latitude"].as_f64().unwrap() - latitude) * 111.2;
        let east = (row["longitude"].as_f64().unwrap() - longitude) * 111.2 * latitude.to_radians().cos();
        assert!(north.hypot(east) < 5.05, "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_gives_the_same_tables_as_runs_of_its_days() {
    let simulator = Simulator::start(small()).await.unwrap();
    let window = ("2026-10-20", "2026-11-05");
    let (run, backfill) = (TestLake::new(&simulator.irceline_url()), TestLake::new(&simulator.irceline_url()));
    run.run(window.0, window.1).ok();
    let summary = backfill.call(&["backfill", "irceline", "--from", window.0, "--to", window.1]).ok().json();
    assert_eq!(summary["ingested"].as_array().unwrap().len(), 16);
    let zones = ["consumption", "rejection"];
    assert_eq!(run.tree().below(&zones).differences(&backfill.tree().below(&zones)), Vec::<String>::new());
    backfill.call(&["verify"]).ok();
}
