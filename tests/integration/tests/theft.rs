//! Theft detection: planted cases are found by their rule, honest meters by none.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::process::Stdio;

use integration::TestLake;
use integration::meters::{DAYS, Generator, Meters, Planted, START, day, text_of};
use lake::dataset::Catalog;

/// Nothing is fetched here.
const NOBODY: &str = "http://127.0.0.1:1/";
const FOUND: &str = "consumption/meters/theft_detection/";
const HOUR: i64 = 3_600;
const LIMIT_KIB: u64 = 1024 * 1024;

/// A lake with these meters' files.
fn lake_of(meters: &Meters) -> TestLake {
    let lake = TestLake::new(NOBODY);
    for (path, text) in &meters.files {
        lake.write(&format!("raw/meters/{path}"), text);
    }
    lake
}

/// A lake with one smart meter, installed all the time, and these values of full hours from `day(0)` on.
fn lake_with(hours: &[f64], events: &str) -> TestLake {
    let lake = TestLake::new(NOBODY);
    let write = |name: &str, text: &str| lake.write(&format!("raw/meters/{name}"), text);
    write("device/d.csv", "device_id,device_type,badge_number,serial_number,status,status_date\nD1,,,,ACTIVE,\n");
    write(
        "measuring_component/c.csv",
        "measuring_component_id,device_id,type,uom,interval_seconds,multiplier,direction,status\nC1,D1,,kWh,3600,,DEL,\n",
    );
    let header = "install_event_id,device_id,service_point_id,install_dttm,removal_dttm,status,status_dttm";
    write("install_event/e.csv", &format!("{header}\n{events}"));
    let mut text = String::new();
    for (hour, kwh) in (1..).zip(hours) {
        let time = text_of(START + hour * HOUR);
        text.push_str(&format!(
            "{{\"measuring_component_id\":\"C1\",\"measurement_dttm\":\"{time}\",\"measurement_value\":{kwh}}}\n"
        ));
    }
    write("measurement/m.ndjson", &text);
    lake
}

const INSTALLED: &str = "E1,D1,SP1,2025-01-01T00:00:00Z,,ON,\n";

/// Values that no rule takes offence at, but for those of the hours given.
fn hours(count: usize, change: impl Fn(usize) -> Option<f64>) -> Vec<f64> {
    (0..count).map(|hour| change(hour).unwrap_or(0.3 + ((hour * 7) % 24) as f64 / 20.0)).collect()
}

#[derive(Debug)]
struct Row {
    month: String,
    rule: String,
    severity: String,
    device: Option<String>,
    point: Option<String>,
    component: String,
    period: (i64, i64),
    score: f64,
    evidence: serde_json::Value,
}

/// Cleans and aggregates, and tells what was detected.
fn detect(lake: &TestLake) -> Vec<Row> {
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate", "--dataset", "meters"]).ok();
    // A model without rows has no objects to ask.
    if lake.tree().below(&[FOUND]).names().is_empty() {
        return Vec::new();
    }
    let rows = lake.query(
        "SELECT *, CAST(period_start AS BIGINT) / 1000000 AS first, CAST(period_end AS BIGINT) / 1000000 AS last \
         FROM meters.theft_detection ORDER BY month, measuring_component_id, rule, period_start",
    );
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let row = |row: serde_json::Value| Row {
        month: text(&row["month"]).unwrap(),
        rule: text(&row["rule"]).unwrap(),
        severity: text(&row["severity"]).unwrap(),
        device: text(&row["device_id"]),
        point: text(&row["service_point_id"]),
        component: text(&row["measuring_component_id"]).unwrap(),
        period: (row["first"].as_i64().unwrap(), row["last"].as_i64().unwrap()),
        score: row["score"].as_f64().unwrap(),
        evidence: serde_json::from_str(row["evidence"].as_str().unwrap()).unwrap(),
    };
    rows.into_iter().map(row).collect()
}

fn rules(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.rule.as_str()).collect()
}

fn finds(planted: &Planted, row: &Row) -> bool {
    planted.component == row.component
        && planted.device == row.device
        && planted.rule == row.rule
        && row.period.0 < planted.period.1
        && planted.period.0 < row.period.1
}

#[test]
fn planted_cases_are_found_and_honest_meters_are_not() {
    let mut generator = Generator::new(7);
    generator.clean(13, START, day(DAYS));
    generator.thefts();
    let meters = generator.finish();
    let lake = lake_of(&meters);
    // A table that counts, to see that joining adds and loses nothing.
    lake.write(
        "config/datasets/meters/joined.sql",
        "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"measurement\", \"component_day\"]\n\
         SELECT 'joined' AS name, sum(readings) AS number, max(day) AS day FROM component_day UNION ALL \
         SELECT 'measured' AS name, count(*) AS number, max(day) AS day FROM measurement ORDER BY name",
    );
    let rows = detect(&lake);
    for planted in &meters.planted {
        assert!(rows.iter().any(|row| finds(planted, row)), "not found: {planted:?}");
    }
    for row in &rows {
        let same = |planted: &&Planted| planted.component == row.component;
        let known = meters.planted.iter().filter(same);
        let expected = known.into_iter().any(|planted| planted.rule == row.rule || planted.also.contains(&&*row.rule));
        assert!(expected, "not planted: {row:?}");
        assert!(row.score > 0.0 && row.score < 1.0, "{row:?}");
        assert!(row.evidence["days"].as_i64().unwrap() >= 1, "{row:?}");
        assert!(row.evidence.as_object().unwrap().values().all(serde_json::Value::is_number), "{row:?}");
        // An end stamp: the period's last day is the day of the instant before.
        assert!(text_of(row.period.1 + HOUR - 1).starts_with(&row.month), "Brussels is an hour or two ahead: {row:?}");
    }
    let counted = lake.query("SELECT name, sum(number) AS number FROM meters.joined GROUP BY name ORDER BY name");
    assert_eq!(counted[0]["number"], meters.measurements as u64, "a measurement is joined once");
    assert_eq!(counted[1]["number"], meters.measurements as u64);

    let before = lake.tree();
    let again = lake.call(&["clean"]).ok();
    assert_eq!(again.json()["cleaned"].as_array().map_or(0, Vec::len), 0);
    lake.call(&["aggregate"]).ok();
    assert_eq!(lake.tree().written_since(&before), Vec::<String>::new());
    lake.call(&["verify"]).ok();
}

#[test]
fn what_comes_of_other_devices_makes_nothing_again() {
    let lake = lake_with(&hours(40 * 24, |_| None), INSTALLED);
    detect(&lake);
    let made = |lake: &TestLake| -> Vec<String> {
        lake.call(&["clean"]).ok();
        let called = lake.call(&["aggregate", "--dataset", "meters"]).ok();
        let lines = called.json()["aggregated"].as_array().cloned().unwrap_or_default();
        let mut models: Vec<String> = lines.iter().map(|line| line["model"].as_str().unwrap().to_owned()).collect();
        models.dedup();
        models
    };
    // Which components have values in a month is looked up, and comes out as it was.
    lake.write(
        "raw/meters/device/new.csv",
        "device_id,device_type,badge_number,serial_number,status,status_date\nD2,,,,,\n",
    );
    assert_eq!(made(&lake), ["metered"]);
    // A removal to come changes the span, but no day.
    let header = "install_event_id,device_id,service_point_id,install_dttm,removal_dttm,status,status_dttm";
    let removed = format!("{header}\nE1,D1,SP1,2025-01-01T00:00:00Z,{},ON,\n", text_of(day(50)));
    lake.write("raw/meters/install_event/e.csv", &removed);
    assert!(!made(&lake).contains(&"theft_detection".to_owned()));
    // One of before does.
    lake.write("raw/meters/install_event/e.csv", removed.replace(&text_of(day(50)), &text_of(day(35))));
    assert!(made(&lake).contains(&"theft_detection".to_owned()));
}

#[test]
fn of_overlapping_install_events_the_latest_is_valid() {
    // Re-installed at SP2 on day 2 while SP1 was never closed; an event that ends before it begins; one to come. From
    // day 4 to 6 SP2's event is over, and SP1's is valid again.
    let event = |id: &str, point: &str, from: i64, until: &str, status: &str| {
        format!("{id},D1,{point},{},{until},{status},{}\n", text_of(day(from)), text_of(day(from)))
    };
    let events = [
        event("E1", "SP1", -10, &text_of(day(6)), "ON"),
        event("E2", "SP2", 2, &text_of(day(4)), "DISCONN-COMM"),
        event("E3", "SP3", 3, &text_of(day(1)), "ON"),
        event("E4", "SP4", 3, "", "PENDING"),
    ];
    let lake = lake_with(&hours(8 * 24, |_| None), &events.concat());
    lake.write(
        "config/datasets/meters/points.sql",
        "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"metered\", \"spanned_value\"]\n\
         SELECT install_event_id, count(*) AS number, max(spanned_value.day) AS day FROM metered \
         INNER JOIN spanned_value ON spanned_value.span = metered.span \
         GROUP BY install_event_id ORDER BY install_event_id",
    );
    let rows = detect(&lake);
    let points = lake.query("SELECT install_event_id AS id, number FROM meters.points ORDER BY id NULLS LAST");
    let points: Vec<_> = points.iter().map(|row| (row["id"].as_str(), row["number"].as_i64().unwrap())).collect();
    assert_eq!(points, [(Some("E1"), 4 * 24), (Some("E2"), 2 * 24), (None, 2 * 24)], "stamps are ends of intervals");
    assert_eq!(rules(&rows), ["consumption_after_disconnect", "no_active_install"]);
    // The grace of a day has gone by.
    assert_eq!((rows[0].point.as_deref(), rows[0].period), (Some("SP2"), (day(3), day(4))));
    assert_eq!((rows[1].point.as_deref(), rows[1].period), (Some("SP1"), (day(7), day(8))));
}

#[test]
fn thresholds_and_rules_are_settings() {
    let lake = lake_with(&hours(10 * 24, |hour| (48..78).contains(&hour).then_some(0.0)), INSTALLED);
    assert_eq!(rules(&detect(&lake)), Vec::<&str>::new(), "30 hours of nothing are not enough");
    lake.write("config/datasets/meters/dataset.toml", "[settings]\nzero_run_hours = 24\n");
    let rows = detect(&lake);
    assert_eq!(rules(&rows), ["zero_consumption"]);
    assert_eq!(rows[0].period, (day(2), day(3) + 6 * HOUR));
    assert_eq!(rows[0].evidence["zero_hours"], 30.0);

    // Thresholds need not be whole numbers; a rule may be weighed less, and be switched off.
    let rows = "rows = [[\"zero_consumption\", \"low\", 0.5]]";
    let settings = "[settings]\nzero_run_hours = 24.5\ngrace_hours = 0.5\n";
    lake.write("config/datasets/meters/dataset.toml", format!("{settings}[list.reported_rule]\n{rows}\n"));
    let softer = detect(&lake);
    assert_eq!(rules(&softer), ["zero_consumption"]);
    assert!(softer[0].score < 0.3, "{softer:?}");
    lake.write("config/datasets/meters/dataset.toml", format!("{settings}[list.reported_rule]\nrows = []\n"));
    assert_eq!(rules(&detect(&lake)), Vec::<&str>::new());
}

#[test]
fn condition_codes_decide_what_is_evidence() {
    let code = |hour: i64| if (49..=120).contains(&hour) { "102000" } else { "501000" };
    let values = hours(10 * 24, |hour| (48..120).contains(&hour).then_some(0.0));
    let lake = lake_with(&values, INSTALLED);
    let mut text =
        "measuring_component_id,measurement_dttm,measurement_value,condition_code,use_flag,created_dttm\n".to_owned();
    for (hour, kwh) in (1..).zip(&values) {
        // Without an offset, as the source has them: UTC.
        let time = text_of(START + hour * HOUR).replace('T', " ").replace('Z', "");
        text.push_str(&format!("C1,{time},{kwh},{},,\n", code(hour)));
    }
    lake.write("raw/meters/measurement/m.ndjson", "");
    lake.write("raw/meters/measurement/m.csv", &text);
    let list =
        "[list.condition_code]\nrows = [[\"501000\", \"501008\", \"regular\"], [\"102000\", \"102000\", CLASS]]\n";
    let with = |class: &str, days: i64| {
        let list = list.replace("CLASS", class);
        let settings = format!("{list}[settings]\nestimation_days = {days}\n");
        lake.write("config/datasets/meters/dataset.toml", settings);
        detect(&lake).into_iter().map(|row| row.rule).collect::<Vec<_>>()
    };
    assert_eq!(with("\"estimated\"", 5), ["prolonged_estimation"]);
    assert_eq!(with("\"outage\"", 5), Vec::<String>::new());
    assert_eq!(with("\"regular\"", 5), ["zero_consumption"]);
}

#[test]
fn a_period_belongs_to_the_month_of_its_last_local_day() {
    // Summer time: 30 September ends at 22:00 UTC. Two runs, one that ends just then and one that ends an hour later.
    let (end, hour) = (15 * 24 + 22, HOUR);
    for (last, months) in [(end, vec!["2025-09"]), (end + 1, vec!["2025-09", "2025-10"])] {
        let zero = |hour: usize| (hour >= end - 60 && hour < last).then_some(0.0);
        let lake = lake_with(&hours(20 * 24, zero), INSTALLED);
        let rows = detect(&lake);
        assert_eq!(rows.iter().map(|row| row.month.as_str()).collect::<Vec<_>>(), months, "{rows:?}");
        let newest = rows.last().unwrap();
        assert_eq!(newest.period, (START + (end as i64 - 60) * hour, START + last as i64 * hour));
    }
}

/// A lake with one register: kWh, read at these days after the first.
fn lake_with_register(readings: &[(i64, f64)], events: &str) -> TestLake {
    let lake = lake_with(&[], events);
    let header = "measuring_component_id,device_id,type,uom,interval_seconds,multiplier,direction,status";
    lake.write("raw/meters/measuring_component/c.csv", format!("{header}\nC1,D1,E-KWH-SCALAR,kWh,,,DEL,\n"));
    let line = |(days, reading): &(i64, f64)| {
        let time = text_of(day(*days));
        format!(
            "{{\"measuring_component_id\":\"C1\",\"measurement_dttm\":\"{time}\",\"measurement_value\":{reading}}}\n"
        )
    };
    lake.write("raw/meters/measurement/m.ndjson", readings.iter().map(line).collect::<String>());
    lake
}

#[test]
fn what_was_never_delivered_is_no_evidence() {
    let values = hours(10 * 24, |hour| (48..120).contains(&hour).then_some(0.0));
    for missing in [["install_event/e.csv"].as_slice(), &["install_event/e.csv", "device/d.csv"]] {
        let lake = lake_with(&values, "");
        for file in missing {
            std::fs::remove_file(lake.path().join("raw/meters").join(file)).unwrap();
        }
        assert_eq!(rules(&detect(&lake)), ["zero_consumption"], "without {missing:?}");
    }
    // Events there are, and none is of this device.
    let lake = lake_with(&hours(10 * 24, |_| None), "E1,D2,SP1,2025-01-01T00:00:00Z,,ON,\n");
    assert_eq!(rules(&detect(&lake)), ["no_active_install"]);
}

#[test]
fn a_register_that_rolls_over_does_not_run_backwards() {
    let off = format!("E1,D1,SP1,{},,OFF,{}\n", text_of(day(-90)), text_of(day(-60)));
    let with = |readings: &[f64], settings: &str| {
        let readings: Vec<(i64, f64)> = (1..).zip(readings.iter().copied()).collect();
        let lake = lake_with_register(&readings, &off);
        lake.write("config/datasets/meters/dataset.toml", settings);
        let kwh = |row: Row| (row.rule, row.evidence["kwh"].as_f64().unwrap());
        detect(&lake).into_iter().map(kwh).collect::<Vec<_>>()
    };
    let found = |rule: &str, kwh: f64| (rule.to_owned(), kwh);
    let counted = "consumption_after_disconnect";
    assert_eq!(with(&[99_980.0, 99_990.0, 5.0], ""), [found(counted, 25.0)]);
    // Backwards, near the end of five digits and far from it.
    let backwards = |kwh: f64| [found("negative_consumption", kwh)];
    assert_eq!(with(&[99_990.0, 99_900.0], ""), backwards(-90.0));
    assert_eq!(with(&[52_000.0, 51_000.0], ""), backwards(-1_000.0));
    assert_eq!(with(&[9.8, 0.3], ""), backwards(-9.5));
    // Seven hundred of a thousand: only if the size is declared.
    assert_eq!(with(&[700.0, 10.0], ""), backwards(-690.0));
    let declared = "[list.register_size]\nrows = [[\"E-KWH-*\", 1000.0]]\n";
    assert_eq!(with(&[700.0, 10.0], declared), [found(counted, 310.0)]);
    assert_eq!(with(&[700.0, 300.0], declared), backwards(-400.0));
}

#[test]
fn of_a_retired_device_without_date_only_what_comes_after_is_found() {
    let values = hours(30 * 24, |_| None);
    // When the file arrived that says so: before the values, among them, after them; and a removal goes before that.
    for (arrived, removed, first) in
        [(-40, None, Some(0)), (10, None, Some(12)), (60, None, None), (60, Some(20), Some(22))]
    {
        let until = removed.map(|removed| text_of(day(removed))).unwrap_or_default();
        let lake = lake_with(&values, &format!("E1,D1,SP1,{},{until},ON,\n", text_of(day(-90))));
        let name = "raw/meters/device/d.csv";
        lake.write(name, "device_id,device_type,badge_number,serial_number,status,status_date\nD1,,,,RETIRED,\n");
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(day(arrived)).unwrap());
        let file = std::fs::File::options().write(true).open(lake.path().join(name)).unwrap();
        file.set_modified(time).unwrap();
        let rows = detect(&lake);
        let inactive: Vec<&Row> = rows.iter().filter(|row| row.rule == "inactive_device").collect();
        let begins = inactive.iter().map(|row| row.period.0).min();
        // Local days begin at 22:00 UTC in summer.
        assert_eq!(begins, first.map(|first| if first == 0 { START } else { day(first) - 2 * HOUR }), "{rows:?}");
        for row in inactive {
            assert_eq!((row.severity.as_str(), &row.evidence["status_date_unknown"]), ("medium", &1.into()), "{row:?}");
        }
    }
}

#[test]
fn a_register_that_is_read_once_a_year_is_judged_by_the_day() {
    let off = |days: i64| format!("E1,D1,SP1,{},,OFF,{}\n", text_of(day(-300)), text_of(day(days)));
    let found = |readings: &[(i64, f64)], events: &str| -> Vec<(String, String, serde_json::Value)> {
        let rows = detect(&lake_with_register(readings, events)).into_iter();
        rows.map(|row| (row.rule, row.severity, row.evidence)).collect()
    };
    let year = |kwh: f64| [(0, 500.0), (365, 500.0 + kwh)];
    let rows = found(&year(1_825.0), &off(-30));
    let [(rule, severity, evidence)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((rule.as_str(), severity.as_str()), ("consumption_after_disconnect", "high"));
    assert_eq!((&evidence["kwh_in_a_day"], &evidence["kwh"]), (&5.0.into(), &1825.0.into()));
    // Creep of a year is not that of a day.
    assert!(found(&year(7.0), &off(-30)).is_empty());
    // Off for most of the year: its share of the counting is in doubt. Off for some of it: nothing.
    let rows = found(&year(1_825.0), &off(72));
    let [(rule, severity, evidence)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((rule.as_str(), severity.as_str()), ("consumption_after_disconnect", "medium"));
    assert_eq!((&evidence["spread_evenly"], &evidence["kwh"]), (&1.into(), &1460.0.into()));
    assert!(found(&year(1_825.0), &off(300)).is_empty());

    let rows = found(&year(0.5), INSTALLED);
    let [(rule, severity, evidence)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((rule.as_str(), severity.as_str()), ("zero_consumption", "medium"));
    assert_eq!((&evidence["use_before_unknown"], &evidence["days"]), (&1.into(), &365.into()));
    // With a reading before, the use before is known.
    let half_years = |before: f64| [(0, 500.0), (180, 500.0 + before), (360, 500.2 + before)];
    let rows = found(&half_years(900.0), INSTALLED);
    let [(rule, severity, _)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((rule.as_str(), severity.as_str()), ("zero_consumption", "high"));
    assert!(found(&half_years(9.0), INSTALLED).is_empty(), "it never was used much");
    assert!(found(&year(3_000.0), INSTALLED).is_empty());
}

#[test]
fn rows_of_lists_count_once_and_types_may_have_stars() {
    let values = hours(10 * 24, |hour| (48..120).contains(&hour).then_some(0.0).or((hour == 200).then_some(-2.0)));
    let lake = lake_with(&values, INSTALLED);
    let header = "measuring_component_id,device_id,type,uom,interval_seconds,multiplier,direction,status";
    lake.write("raw/meters/measuring_component/c.csv", format!("{header}\nC1,D1,E-KWH-60-DEL,kwh,3600,,DEL,\n"));
    let with = |settings: &str| {
        lake.write("config/datasets/meters/dataset.toml", settings);
        detect(&lake).into_iter().map(|row| (row.rule, row.evidence["kwh"].as_f64().unwrap())).collect::<Vec<_>>()
    };
    let found = [("negative_consumption".to_owned(), -2.0), ("zero_consumption".to_owned(), 0.0)];
    assert_eq!(with(""), found);
    let twice = "rows = [[\"KWH\", 1.0], [\"kWh\", 1.0], [\"KWH\", 1]]";
    assert_eq!(with(&format!("[list.energy_unit]\n{twice}\n")), found);
    let rules = "rows = [[\"negative_consumption\", \"high\", 0.8], [\"negative_consumption\", \"high\", 0.8]]";
    assert_eq!(with(&format!("[list.reported_rule]\n{rules}\n")), found[..1]);
    for (kind, is_excluded) in [
        ("E-KWH-60-*", true),
        ("e-kwh-60-del", true),
        ("*-60-*", true),
        ("E-KWH-60", false),
        ("E_KWH%", false),
        ("E.KWH*", false),
    ] {
        let found = with(&format!("[list.excluded_component_type]\nrows = [[\"{kind}\"], [\"E-KWH-60-*X\"]]\n"));
        assert_eq!(found.is_empty(), is_excluded, "{kind}: {found:?}");
    }
    let differ = "[list.energy_unit]\nrows = [[\"KWH\", 1.0], [\"kwh\", 2.0]]\n";
    lake.write("config/datasets/meters/dataset.toml", differ);
    let called = lake.call(&["aggregate", "--dataset", "meters"]);
    assert_ne!(called.status, 0);
    assert!(called.stderr.contains("list.energy_unit") && called.stderr.contains("row 2"), "{}", called.stderr);
}

#[test]
fn a_window_beyond_the_look_back_is_refused() {
    let model = Catalog::built_in().dataset("meters").unwrap().model("theft_detection").unwrap().clone();
    let lake = lake_with(&hours(24, |_| None), INSTALLED);
    // A week is for periods that begin before the month.
    let most = i64::from(model.look_back_days) - 7;
    for (setting, greatest) in
        [("spike_days", most), ("baseline_days", most), ("low_days", most / 2), ("zero_run_hours", most * 24)]
    {
        let set = |value: i64| {
            lake.write("config/datasets/meters/dataset.toml", format!("[settings]\n{setting} = {value}\n"));
            lake.call(&["aggregate", "--dataset", "meters"])
        };
        set(greatest).ok();
        let called = set(greatest + 1);
        assert_ne!(called.status, 0, "{setting}");
        let look_back = format!("{} looks back {} days", model.name, model.look_back_days);
        for part in ["settings", setting, &look_back, "line 2"] {
            assert!(called.stderr.contains(part), "{part} is missing in {}", called.stderr);
        }
    }
}

#[test]
fn memory_is_bounded() {
    let mut generator = Generator::new(11);
    generator.clean(600, day(166), day(197));
    let meters = generator.finish();
    let lake = lake_of(&meters);
    lake.call(&["clean"]).ok();
    let mut child = lake.command(&["aggregate"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let peak = integration::peak_of(&mut child);
    assert!(child.wait().unwrap().success());
    assert!(peak > 0 && peak < LIMIT_KIB, "{peak} KiB for {} measurements", meters.measurements);
}
