use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::timespan::Timespan;
use super::*;

fn default_server() -> Irceline {
    Irceline::new(&Options::default())
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn asked(server: &Irceline, timespan: &str) -> serde_json::Value {
    let indexes: Vec<usize> = (0..server.world.series.len()).collect();
    let values = server.values(&indexes, &Timespan::parse(timespan).unwrap(), false);
    serde_json::to_value(values).unwrap()
}

/// All values of live concentrations on the 28 days before the simulated time.
fn four_weeks(server: &Irceline) -> Vec<(&Series, Moment, Value)> {
    let now = server.world.now_hour;
    let moments: Vec<Moment> = (now - 28 * 24..now).map(|hour| Moment::new(1, hour)).collect();
    let live = server.world.series.iter().filter(|series| series.fate == Fate::Live);
    let live = live.filter(|series| series.phenomenon.is_concentration());
    let pairs = live.flat_map(|series| moments.iter().map(move |moment| (series, *moment)));
    pairs.map(|(series, moment)| (series, moment, server.world.original(series, &moment))).collect()
}

#[test]
fn the_seed_decides_everything() {
    let span = "PT23H/2026-11-18TZ";
    assert_eq!(asked(&default_server(), span), asked(&default_server(), span));
    let other = Irceline::new(&Options { seed: 2, ..Options::default() });
    assert_ne!(asked(&default_server(), span), asked(&other, span));
}

#[test]
fn any_window_gives_the_same_values() {
    let server = default_server();
    let whole = asked(&server, "PT48H/2026-11-19TZ");
    let first = asked(&server, "PT23H/2026-11-17T23:00:00Z");
    let second = asked(&server, "2026-11-18TZ/2026-11-19TZ");
    for (id, series) in whole.as_object().unwrap() {
        let joined = [&first, &second].map(|part| part[id]["values"].as_array().unwrap().clone());
        assert_eq!(series["values"].as_array().unwrap(), &joined.concat(), "{id}");
        for entry in series["values"].as_array().unwrap() {
            let value = server.value(id, entry["timestamp"].as_i64().unwrap()).unwrap();
            match value {
                Value::Number(number) | Value::Sentinel(number) => {
                    assert_eq!(entry["value"].as_f64(), Some(number));
                }
                Value::Null => assert!(entry["value"].is_null()),
                Value::NanText => assert_eq!(entry["value"], "NaN"),
                Value::Absent => panic!("{entry} is listed"),
            }
        }
    }
}

#[test]
fn both_writers_give_the_same_text() {
    let server = Irceline::new(&Options { missing_rate: 0.5, ..Options::default() });
    let indexes: Vec<usize> = (0..660).collect();
    for expanded in [false, true] {
        let values = server.values(&indexes, &Timespan::parse("PT48H/2026-11-19TZ").unwrap(), expanded);
        assert_eq!(values.to_compact(), serde_json::to_string(&values).unwrap());
        assert_eq!(values.0[0].to_compact(), serde_json::to_string(&values.0[0]).unwrap());
    }
    let none = server.values(&[], &Timespan::parse("PT48H/2026-11-19TZ").unwrap(), false);
    assert_eq!(none.to_compact(), "{}");
}

#[test]
fn twenty_four_hours_hold_25_values() {
    let server = Irceline::new(&Options { missing_rate: 0.0, ..Options::default() });
    let counts = |server: &Irceline, span: &str| -> BTreeSet<usize> {
        let answer = asked(server, span);
        answer.as_object().unwrap().values().map(|it| it["values"].as_array().unwrap().len()).collect()
    };
    assert_eq!(counts(&server, "PT24H/2026-11-19TZ"), BTreeSet::from([0, 25]));
    let neighbours = Irceline::new(&Options { neighbours: true, missing_rate: 0.0, ..Options::default() });
    assert_eq!(counts(&neighbours, "PT24H/2026-11-19TZ"), BTreeSet::from([0, 27]));
}

#[test]
fn days_of_changed_clocks_have_25_and_23_hours() {
    for (text, expected) in [("2026-10-25", 25), ("2026-03-29", 23), ("2026-11-18", 24)] {
        let hours: Vec<i64> = hours_of_day(day(text)).unwrap().collect();
        assert_eq!(hours.len(), expected, "{text}");
        let days: BTreeSet<i64> = hours.iter().map(|hour| Moment::new(1, *hour).day).collect();
        assert_eq!(days.len(), 1, "{text}");
        assert_ne!(Moment::new(1, hours[0] - 1).day, Moment::new(1, hours[0]).day);
        assert_ne!(Moment::new(1, hours[expected - 1] + 1).day, Moment::new(1, hours[0]).day);
    }
}

#[test]
fn the_world_has_the_asked_size_and_mix() {
    for (stations, series) in [(120, 660), (3, 12), (500, 3000), (0, 10)] {
        let world = World::generate(&Options { stations, series, ..Options::default() });
        assert_eq!(world.stations.len(), stations);
        assert_eq!(world.series.len(), if stations == 0 { 0 } else { series });
        let ids: BTreeSet<&str> = world.series.iter().map(|series| series.id.as_str()).collect();
        assert_eq!(ids.len(), world.series.len());
    }
    let world = World::generate(&Options::default());
    let mut counts = BTreeMap::new();
    let mut pairs = HashMap::new();
    for series in &world.series {
        *counts.entry(series.phenomenon.id).or_insert(0) += 1;
        *pairs.entry((series.station, series.phenomenon.id)).or_insert(0) += 1;
    }
    for (id, count) in [("5", 145), ("6001", 135), ("8", 145), ("1", 95), ("71", 5), ("10", 27)] {
        assert_eq!(counts[id], count, "{id}");
    }
    assert!(pairs.values().any(|count| *count == 5), "a mast of five temperatures");
    assert!(pairs.iter().any(|((_, id), count)| *id == "5" && *count == 2));
    let units: BTreeSet<&str> = world.series.iter().filter(|it| it.phenomenon.id == "10").map(|it| it.uom).collect();
    assert_eq!(units, BTreeSet::from(["mg/m³", "µg/m³"]));
    let labels: BTreeSet<&str> = world.stations.iter().map(|it| it.label.as_str()).collect();
    assert_eq!(labels.len(), 120);
}

#[test]
fn dead_and_closed_series_are_as_many_as_asked() {
    let options = Options { dead: 7, empty_rate: 0.1, ..Options::default() };
    let world = World::generate(&options);
    let dead: Vec<&Series> = world.series.iter().filter(|it| it.fate == Fate::Dead).collect();
    assert_eq!(dead.len(), 7);
    assert!(dead.iter().all(|series| series.phenomenon.is_default()));
    let over = |series: &&Series| matches!(series.fate, Fate::Closed { .. } | Fate::Empty);
    assert_eq!(world.series.iter().filter(over).count(), 66);
}

#[test]
fn every_form_of_missing_value_occurs_at_the_asked_rate() {
    let server = default_server();
    let values = four_weeks(&server);
    let share = |wanted: fn(&Value) -> bool| {
        values.iter().filter(|(_, _, value)| wanted(value)).count() as f64 / values.len() as f64
    };
    for (name, expected, share) in [
        ("null", 0.006, share(|it| *it == Value::Null)),
        ("NaN", 0.004, share(|it| *it == Value::NanText)),
        ("hole", 0.005 + 0.002, share(|it| *it == Value::Absent)),
        ("-99.99", 0.003, share(|it| *it == Value::Sentinel(-99.99))),
        ("-999", 0.001, share(|it| *it == Value::Sentinel(-999.0))),
        ("-9999", 0.001, share(|it| *it == Value::Sentinel(-9999.0))),
        ("outlier", 1.0 / 3000.0, share(|it| matches!(it, Value::Number(low) if *low < -10.0))),
    ] {
        assert!((0.7..1.3).contains(&(share / expected)), "{name}: {share}");
    }
    let clean = Irceline::new(&Options { missing_rate: 0.0, ..Options::default() });
    assert!(four_weeks(&clean).iter().all(|(_, _, value)| matches!(value, Value::Number(_))));
}

#[test]
fn a_few_stations_exceed_the_daily_limit_on_a_few_days() {
    let server = default_server();
    let mut means: BTreeMap<i64, BTreeMap<usize, (f64, f64)>> = BTreeMap::new();
    for (series, moment, value) in four_weeks(&server) {
        if let (Value::Number(number), "5") = (value, series.phenomenon.id) {
            let mean = means.entry(moment.day).or_default().entry(series.station).or_default();
            *mean = (mean.0 + number, mean.1 + 1.0);
        }
    }
    let over =
        |stations: &BTreeMap<usize, (f64, f64)>| stations.values().filter(|(sum, count)| sum / count > 50.0).count();
    let counts: Vec<usize> = means.values().map(over).filter(|count| *count > 0).collect();
    assert!((4..=8).contains(&counts.len()), "{counts:?}");
    assert!(counts.iter().all(|count| (3..=6).contains(count)), "{counts:?}");
}

#[test]
fn hours_yet_to_come_are_absent_or_a_placeholder() {
    let server = default_server();
    let answer = asked(&server, "2026-11-20T05:00:00Z/2026-11-20T09:00:00Z");
    for series in server.world.series.iter().filter(|series| series.fate == Fate::Live) {
        let values = answer[&series.id]["values"].as_array().unwrap();
        let future: Vec<&serde_json::Value> = values
            .iter()
            .filter(|entry| entry["timestamp"].as_i64().unwrap() > server.now.timestamp_millis())
            .map(|entry| &entry["value"])
            .collect();
        assert_eq!(future, vec![&serde_json::json!(-99.99); if series.prefilled { 4 } else { 0 }]);
    }
    assert!(server.world.series.iter().any(|it| it.prefilled && it.phenomenon.is_default()));
}

#[test]
fn corrections_change_what_they_count_and_nothing_else() {
    let server = default_server();
    let before = asked(&server, "2026-10-24/2026-10-27");
    let changed = server.correct(day("2026-10-25"), 20);
    let after = asked(&server, "2026-10-24/2026-10-27");
    let range = hours_of_day(day("2026-10-25")).unwrap();
    let (mut differing, mut touched) = (0, BTreeSet::new());
    for (id, series) in before.as_object().unwrap() {
        let pairs = series["values"].as_array().unwrap().iter();
        for (old, new) in pairs.zip(after[id]["values"].as_array().unwrap()) {
            if old["value"].as_f64() != new["value"].as_f64() {
                assert!(range.contains(&(old["timestamp"].as_i64().unwrap() / HOUR_MS)));
                let rise = new["value"].as_f64().unwrap() - old["value"].as_f64().unwrap();
                assert!((rise - CORRECTION).abs() < 1e-9);
                differing += 1;
                touched.insert(id);
            }
        }
    }
    assert_eq!((differing, touched.len()), (changed, 20));
    assert!((450..=500).contains(&changed), "{changed}");
    assert_eq!(server.correct(day("2026-10-25"), 20), changed);
    assert_ne!(asked(&server, "2026-10-25/P1D"), after);
    assert_eq!(server.correct(day("2027-01-01"), 20), 0);
}

#[test]
fn coordinates_differ_between_endpoints_and_on_demand_between_calls() {
    let from = |options: Options| {
        let server = Irceline::new(&options);
        [Endpoint::Stations, Endpoint::Stations, Endpoint::Station]
            .map(|endpoint| server.coordinates(&server.world.stations[0], endpoint))
    };
    let [first, again, single] = from(Options::default());
    assert_eq!(first, again);
    assert_ne!(first, single);
    assert!((first.0 - single.0).abs() < 2e-11);
    let [first, again, _] = from(Options { jitter_calls: true, ..Options::default() });
    assert_ne!(first, again);
    let [first, _, single] = from(Options { jitter: false, ..Options::default() });
    assert_eq!(first, single);
}
