use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::*;

fn server(options: Options) -> Illuminate {
    Illuminate::new(&options)
}

fn window(start: &str, end: &str) -> Window {
    Window { start: start.parse().ok(), end: end.parse().ok() }
}

fn everything(server: &Illuminate, endpoint: Endpoint) -> Vec<Value> {
    let all = server.assessments().into_iter();
    all.flat_map(|one| server.rows(&one.id, endpoint, &Window::default())).collect()
}

#[test]
fn the_seed_decides_everything_and_the_size_of_the_world_no_result() {
    let rows = |options: Options| everything(&server(options), Endpoint::Standard);
    assert_eq!(rows(Options::default()), rows(Options::default()));
    assert_ne!(rows(Options::default()), rows(Options { seed: 2, ..Options::default() }));
    let (large, small) = (server(Options::default()), server(Options { assessments: 3, ..Options::default() }));
    let unlisted = |server: &Illuminate| everything(server, Endpoint::Group).pop();
    assert!(unlisted(&large).is_some());
    assert_eq!(unlisted(&large), unlisted(&small));
    for one in small.assessments() {
        let [many, few] = [&large, &small].map(|it| it.rows(&one.id, Endpoint::Group, &Window::default()));
        assert_eq!(many, few);
    }
    let more = server(Options { assessments: 130, ..Options::default() });
    let ids: BTreeSet<String> = more.assessments().into_iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), 132);
}

#[test]
fn windows_of_days_share_out_the_rows() {
    let server = server(Options::default());
    let (mut both, mut turning) = (0, 0);
    for one in server.assessments() {
        let count = |window: &Window| server.rows(&one.id, Endpoint::NoStandard, window).len();
        let past = count(&window("2023-07-01", "2024-06-30"));
        let current = count(&window("2024-07-01", "2025-06-30"));
        assert_eq!(past + current, count(&Window::default()), "{}", one.id);
        both += usize::from(past > 0 && current > 0);
        let (june, july) = (window("2024-06-30", "2024-06-30"), window("2024-07-01", "2024-07-01"));
        turning += usize::from(count(&june) > 0 && count(&july) > 0);
    }
    assert!(both >= 8 && turning == 1, "{both}, {turning}");
}

#[test]
fn nothing_is_known_before_it_happens() {
    let now = "2024-01-15T12:00:00Z".parse().unwrap();
    let early = server(Options { now, ..Options::default() });
    let late = server(Options::default());
    assert!((5..30).contains(&early.assessments().len()));
    let end = window("", "2024-01-15");
    for one in late.assessments() {
        let known = early.rows(&one.id, Endpoint::NoStandard, &Window::default());
        assert_eq!(known, late.rows(&one.id, Endpoint::NoStandard, &end), "{}", one.id);
    }
}

#[test]
fn every_flaw_occurs_and_is_rare() {
    let server = server(Options::default());
    let rows = everything(&server, Endpoint::Standard);
    let share =
        |flawed: &dyn Fn(&Value) -> bool| rows.iter().filter(|row| flawed(row)).count() as f64 / rows.len() as f64;
    for (name, expected, share) in [
        ("percent", 0.024, share(&|row| row["percent_correct"].is_null())),
        ("possible", 0.004, share(&|row| row["points_possible"] == 0)),
        ("junk", 0.005, share(&|row| row["date_taken"] == "2000-01-01")),
        ("level", 0.054, share(&|row| row["performance_band_level"].is_null())),
        (
            "label only",
            0.01,
            share(&|row| row["performance_band_level"].is_null() && row["performance_band_label"].is_string()),
        ),
        (
            "level only",
            0.01,
            share(&|row| row["performance_band_label"].is_null() && row["performance_band_level"].is_string()),
        ),
    ] {
        assert!((0.6..1.5).contains(&(share / expected)), "{name}: {share}");
    }
    let distinct: BTreeSet<String> = rows.iter().map(Value::to_string).collect();
    let repeated = 1.0 - distinct.len() as f64 / rows.len() as f64;
    assert!((0.005..0.02).contains(&repeated), "{repeated}");
    let halves = rows.iter().filter(|row| row["percent_correct"].as_f64().is_some_and(|it| it.fract() == 0.5));
    assert!(halves.count() > 100, "percentages that round to even");
}

#[test]
fn the_whole_is_the_sum_of_the_standards() {
    let server = server(Options::default());
    let one = &server.assessments()[1].id;
    let sum = |endpoint, field: &str| {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for row in server.rows(one, endpoint, &Window::default()) {
            let student = format!("{} {}", row["local_student_id"], row["date_taken"]);
            // A repeated row counts once.
            if seen.insert(row.to_string()) {
                *sums.entry(student).or_default() += row[field].as_u64().unwrap();
            }
        }
        sums
    };
    for field in ["points", "points_possible"] {
        let whole = sum(Endpoint::NoStandard, field);
        assert!(whole.len() > 15);
        assert_eq!(whole, sum(Endpoint::Standard, field), "{field}");
    }
}

#[test]
fn titles_and_columns_have_their_traps() {
    let server = server(Options::default());
    let all = server.assessments();
    assert_eq!(all.iter().filter(|one| !one.listed).count(), 2);
    assert_eq!(server.metadata_rows().len(), 41, "one is listed twice");
    let titles: Vec<&str> = all.iter().filter_map(|one| one.title.as_deref()).collect();
    assert!(titles.len() < all.len(), "a title is missing");
    for part in
        ["IM ", "Checkpoint", "Relations", "Mathematics", "Interim Assessment #1", " IA ", "Module ", "Algebra 11"]
    {
        assert!(titles.iter().any(|title| title.contains(part)), "{part}");
    }
    let grades: BTreeSet<Option<&str>> = all.iter().map(|one| one.grade_levels.as_deref()).collect();
    assert!(grades.contains(&None) && grades.contains(&Some("K")));
    let rows = everything(&server, Endpoint::Group);
    for column in ["reporting_group", "reporting_group_label", "label"] {
        let with = rows.iter().filter(|row| row.get(column).is_some()).count();
        assert!(with > 50 && with < rows.len(), "{column}: {with}");
    }
}

#[test]
fn the_roster_has_duplicates_and_gaps() {
    let server = server(Options::default());
    let text = server.roster();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert!(lines.iter().all(|line| line.len() == 9));
    assert_eq!((lines[0][4], lines[0][5]), ("STUDENTS.Student_Number", "STUDENTS.Grade_Level"));
    let mut grades: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for line in &lines[1..] {
        grades.entry(line[4]).or_default().push((line[5], line[6]));
    }
    let active = |grades: &Vec<(&str, &str)>| grades.iter().any(|(_, status)| *status == "0");
    assert!(grades.values().all(active));
    let twice = |alike: bool| grades.values().filter(move |it| it.len() == 2 && (it[0] == it[1]) == alike).count();
    assert!(twice(true) > 0 && twice(false) > 0);
    let seen: BTreeSet<&str> = grades.values().flatten().map(|(grade, _)| *grade).collect();
    assert!(["-2", "-1", "0", "12"].iter().all(|grade| seen.contains(grade)), "{seen:?}");
    let rows = everything(&server, Endpoint::NoStandard);
    let tested: BTreeSet<&str> = rows.iter().filter_map(|row| row["local_student_id"].as_str()).collect();
    let absent = tested.iter().filter(|id| !grades.contains_key(*id)).count();
    assert!((10..60).contains(&absent) && tested.len() > 250, "{absent} of {}", tested.len());
}

#[test]
fn dates_are_those_of_the_school_year() {
    let first: NaiveDate = "2023-08-15".parse().unwrap();
    let server = server(Options::default());
    let rows = everything(&server, Endpoint::NoStandard);
    let days = rows.iter().map(|row| row["date_taken"].as_str().unwrap().parse::<NaiveDate>().unwrap());
    let days: BTreeSet<NaiveDate> = days.filter(|day| *day > "2000-01-01".parse().unwrap()).collect();
    assert!(*days.first().unwrap() >= first && *days.last().unwrap() < "2025-06-30".parse().unwrap(), "{days:?}");
}
