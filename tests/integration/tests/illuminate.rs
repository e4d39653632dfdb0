//! School assessments from the simulated API to the models and their CSV: every row against a computation of its own.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use chrono::NaiveDate;
use integration::rows::{Row, assert_alike, canonical, csv, rows};
use integration::{Called, TestLake};
use serde_json::{Value, json};
use simulator::{CLIENT_ID, CLIENT_SECRET, Endpoint, Options, Simulator};

/// The school years there are results of, with their first and last days.
const YEARS: [(&str, &str, &str); 2] = [("23-24", "2023-07-01", "2024-06-30"), ("24-25", "2024-07-01", "2025-06-30")];

const METADATA: [&str; 15] = [
    "assessment_id",
    "local_assessment_id",
    "title",
    "description",
    "author_id",
    "district_author_id",
    "author_first",
    "author_last",
    "created_at",
    "updated_at",
    "scope_id",
    "scope",
    "subject_id",
    "subject",
    "grade_levels",
];
const GROUP: [&str; 18] = [
    "assessment_id",
    "title",
    "reporting_group_id",
    "reporting_group",
    "local_student_id",
    "first_name",
    "last_name",
    "middle_name",
    "date_taken",
    "points",
    "points_possible",
    "percent_correct",
    "performance_band_level",
    "performance_band_label",
    "mastered",
    "__count",
    "Standard_No_Standard",
    "year",
];
const COMBINED: [&str; 21] = [
    "assessment_id",
    "title",
    "academic_benchmark_guid",
    "standard_code",
    "standard_description",
    "version",
    "version_label",
    "local_student_id",
    "first_name",
    "last_name",
    "middle_name",
    "date_taken",
    "points",
    "points_possible",
    "percent_correct",
    "performance_band_level",
    "performance_band_label",
    "mastered",
    "__count",
    "Standard_No_Standard",
    "year",
];
const VIEW: [&str; 18] = [
    "data_source",
    "assessment_id",
    "year",
    "date_taken",
    "grade",
    "local_student_id",
    "test_type",
    "curriculum",
    "unit",
    "unit_labels",
    "title",
    "standard_code",
    "score",
    "performance_band_level",
    "performance_band_label",
    "proficiency",
    "mastered",
    "__count",
];

/// What the rules make of each title: test type, curriculum, unit and its label; "-" is null.
const TITLES: [(&str, [&str; 4]); 40] = [
    ("Interim Assessment", ["assessment", "", "Interim 1", "4"]),
    ("Grade 4 Math Interim Assessment #1", ["assessment", "Math", "Interim 1", "4"]),
    ("IM Grade 3 Unit 1 Checkpoint", ["checkpoint", "Checkpoint", "Unit 1", "1"]),
    ("Grade 5 ELA Module 2 Assessment", ["assessment", "ELA", "Module 2", "2"]),
    ("Public Relations Unit 2 Quiz", ["unknown", "ELA", "Unit 2", "2"]),
    ("Grade 7 Mathematics Unit 3 Assessment", ["assessment", "Math", "Unit 3", "3"]),
    ("Biology Interim Assessment", ["assessment", "Biology", "Interim 1", "4"]),
    ("Diagnostic", ["unknown", "", "-", "-"]),
    ("Algebra II IA #2", ["unknown", "Algebra II", "Interim 1", "4"]),
    ("Algebra I Interim Assessment #2", ["assessment", "Algebra I", "Interim 2", "-"]),
    ("Kindergarten Math Module 1 Assessment", ["assessment", "Math", "Module 1", "1"]),
    ("Geometry Unit 1 Checkpoint #3", ["checkpoint", "Checkpoint", "Unit 1", "1"]),
    ("Algebra 11 Unit 2 Exam", ["unknown", "Algebra II", "Unit 2", "2"]),
    ("Algebra 1 Unit 2 Exam", ["unknown", "Algebra I", "Unit 2", "2"]),
    ("Pre Cal Interim #1", ["unknown", "Pre-Calculus", "Interim 1", "4"]),
    ("PreCalculus ia", ["unknown", "Pre-Calculus", "Interim 1", "4"]),
    ("AP Stats Module 1", ["unknown", "Statistics", "Module 1", "1"]),
    ("Statistics Unit 4 Checkpoint", ["checkpoint", "Checkpoint", "Unit 4", "-"]),
    ("Physics Checkpoint - Science", ["checkpoint", "Science", "-", "-"]),
    ("Government and Economics Interim 2", ["unknown", "Government", "Interim 2", "-"]),
    ("English 10 Interim Assessment #1", ["assessment", "English", "Interim 1", "4"]),
    ("Quantitative Reasoning Unit 1", ["unknown", "Math", "Unit 1", "1"]),
    ("Grade 6 Social Studies Unit 2 Assessment", ["assessment", "History", "Unit 2", "2"]),
    ("US History Interim Assessment #1", ["assessment", "History", "Interim 1", "4"]),
    ("World History Unit 3 Checkpoint", ["checkpoint", "History", "Unit 3", "3"]),
    ("Environmental Science Interim  Assessment #1", ["assessment", "Science", "Interim 1", "4"]),
    ("Simple Animals Unit 1", ["unknown", "", "Unit 1", "1"]),
    ("Checkpoints in Climate Module 3", ["checkpoint", "", "Module 3", "3"]),
    ("im grade 8 unit 1 assessment", ["assessment", "Math", "-", "-"]),
    ("GRADE 4 ELA INTERIM ASSESSMENT #1", ["assessment", "ELA", "-", "-"]),
    ("Into Reading Grade 2 Module 3", ["unknown", "ELA", "Module 3", "3"]),
    ("Grade 3 ELA \"Fables, Folktales\" Module 1 Assessment", ["assessment", "ELA", "Module 1", "1"]),
    ("Grade 2 Math Interim #2 Checkpoint", ["checkpoint", "Math", "Interim 2", "-"]),
    ("Grade 5 Science Module 3 Assessment", ["assessment", "Science", "Module 3", "3"]),
    ("Mid-Unit 1 Checkpoint Grade 6", ["checkpoint", "Checkpoint", "Unit 1", "1"]),
    ("Español: Unit 12 – Vocabulario", ["unknown", "", "Unit 12", "-"]),
    ("Math Lab Exit Ticket", ["unknown", "Math", "-", "-"]),
    ("Grade 3 Math  Unit 2 Assessment", ["assessment", "Math", "Unit 2", "2"]),
    ("Grade 3 Math Unit 1 Assessment", ["assessment", "Math", "Unit 1", "1"]),
    ("Grade 8 ELA Interim Assessment #2", ["assessment", "ELA", "Interim 2", "-"]),
];

/// Rows as text, without the volatile `__count`.
fn stable(rows: &[Row]) -> Vec<String> {
    canonical(rows, &["__count"])
}

fn day(text: &str) -> Option<NaiveDate> {
    text.parse().ok()
}

/// The rows of an answer as the table should have them: typed, with one name for the group, each once.
fn typed(simulator: &Simulator, endpoint: Endpoint, (year, first, last): (&str, &str, &str)) -> Vec<Row> {
    let kind = match endpoint {
        Endpoint::NoStandard => "No_Standard",
        Endpoint::Standard => "Standard",
        Endpoint::Group => "Group",
    };
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for assessment in simulator.assessments() {
        for row in simulator.assessment_rows(&assessment.id, endpoint, day(first), day(last)) {
            let mut row = row.as_object().unwrap().clone();
            for alias in ["reporting_group_label", "label"] {
                if let Some(name) = row.remove(alias) {
                    row.insert("reporting_group".to_owned(), name);
                }
            }
            // Values are trimmed.
            row["title"] = row["title"].as_str().map(str::trim).into();
            for name in ["points", "points_possible"] {
                row[name] = json!(row[name].as_f64().unwrap());
            }
            row["percent_correct"] =
                row["percent_correct"].as_f64().map_or(Value::Null, |percent| json!(percent.round_ties_even() as i64));
            if row["date_taken"].as_str().unwrap() < "2001" {
                row["date_taken"] = Value::Null;
            }
            row.insert("Standard_No_Standard".to_owned(), kind.into());
            row.insert("year".to_owned(), year.into());
            rows.insert(Value::from(row.clone()).to_string(), row);
        }
    }
    rows.into_values().collect()
}

fn combined(simulator: &Simulator, year: (&str, &str, &str)) -> Vec<Row> {
    let mut rows = typed(simulator, Endpoint::Standard, year);
    for mut row in typed(simulator, Endpoint::NoStandard, year) {
        row.insert("standard_code".to_owned(), "percent".into());
        rows.push(row);
    }
    rows
}

/// Grades by student: of the active enrolment.
fn grades(simulator: &Simulator) -> BTreeMap<String, i64> {
    let roster = simulator.roster_tsv();
    let mut grades = BTreeMap::new();
    for line in roster.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        if cells[6] == "0" {
            grades.insert(cells[4].to_owned(), cells[5].parse().unwrap());
        }
    }
    grades
}

fn view(simulator: &Simulator, year: (&str, &str, &str)) -> Vec<Row> {
    let grades = grades(simulator);
    let titles = BTreeMap::from(TITLES);
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for row in combined(simulator, year) {
        let found = row["title"].as_str().filter(|title| !title.is_empty());
        let told = found.map_or(["unknown", "", "-", "-"], |title| titles[title]);
        let told = told.map(|text| if text == "-" { Value::Null } else { text.into() });
        let (level, label) = (&row["performance_band_level"], &row["performance_band_label"]);
        let proficiency = level.as_str().zip(label.as_str()).map(|(level, label)| format!("{level} {label}"));
        let row = json!({
            "data_source": "illuminate", "assessment_id": row["assessment_id"], "year": row["year"],
            "date_taken": row["date_taken"], "grade": grades.get(row["local_student_id"].as_str().unwrap()),
            "local_student_id": row["local_student_id"], "test_type": told[0], "curriculum": told[1],
            "unit": told[2], "unit_labels": told[3], "title": row["title"], "standard_code": row["standard_code"],
            "score": row["percent_correct"], "performance_band_level": level, "performance_band_label": label,
            "proficiency": proficiency, "mastered": row["mastered"],
        });
        rows.insert(row.to_string(), row.as_object().unwrap().clone());
    }
    rows.into_values().collect()
}

/// The listed assessments, each once.
fn metadata(simulator: &Simulator) -> Vec<Row> {
    let mut rows = simulator.metadata_rows();
    for row in &mut rows {
        row["title"] = row["title"].as_str().map(str::trim).into();
    }
    let rows = rows.into_iter();
    let rows: BTreeMap<String, Row> = rows.map(|row| (row.to_string(), row.as_object().unwrap().clone())).collect();
    rows.into_values().collect()
}

fn query(lake: &TestLake, sql: &str) -> Vec<Row> {
    rows(lake.query(sql))
}

/// Compares a CSV file with rows, but for the volatile `__count`.
fn check_csv(lake: &TestLake, name: &str, header: &[&str], expected: &[Row]) {
    let records = csv(lake.tree().bytes(&format!("consumption/illuminate/{name}.csv")).unwrap());
    assert_eq!(records[0], header, "{name}");
    let volatile = header.iter().position(|column| *column == "__count");
    let mut found: Vec<Vec<String>> = records[1..].to_vec();
    for record in &mut found {
        let count = volatile.map(|at| std::mem::take(&mut record[at]));
        assert!(count.is_none_or(|count| count.parse::<u64>().is_ok()), "{name}: {record:?}");
    }
    let cell = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Bool(flag)) => if *flag { "t" } else { "f" }.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let record = |row: &Row| header.iter().map(|column| cell(row.get(*column))).collect();
    let mut expected: Vec<Vec<String>> = expected.iter().map(record).collect();
    found.sort();
    expected.sort();
    assert_alike(name, &found, &expected);
}

fn lake_of(simulator: &Simulator) -> TestLake {
    let lake = TestLake::new(&simulator.irceline_url())
        .with("ILLUMINATE_URL", &simulator.illuminate_url())
        .with("ILLUMINATE_CLIENT_ID", CLIENT_ID)
        .with("ILLUMINATE_CLIENT_SECRET", CLIENT_SECRET);
    lake.write("raw/illuminate/rosters/Student_Rosters.txt", simulator.roster_tsv());
    lake
}

fn configure(lake: &TestLake, name: &str, text: &str) {
    lake.write(&format!("config/datasets/illuminate/{name}"), text);
}

/// Settings of a lake that asks for the assessments the metadata lack.
fn source(simulator: &Simulator) -> String {
    format!("[source]\nhttp.first_backoff_ms = 2\nextra_assessment_ids = {}\n", json!(simulator.extra_assessments()))
}

fn run(lake: &TestLake) -> Called {
    lake.call(&["run", "illuminate", "--from", YEARS[0].1, "--to", "2025-07-01"])
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_every_model_is_what_the_api_answered() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let lake = lake_of(&simulator);
    configure(&lake, "dataset.toml", &source(&simulator));
    run(&lake).ok();
    for year in YEARS {
        let of_year =
            |model: &str| query(&lake, &format!("SELECT * FROM illuminate.{model} WHERE year = '{}'", year.0));
        let suffix = if year.0 == "24-25" { "" } else { "_historical" };
        for (model, header, expected) in [
            ("assessment_results_group", &GROUP[..], typed(&simulator, Endpoint::Group, year)),
            ("assessment_results_combined", &COMBINED[..], combined(&simulator, year)),
            ("illuminate_assessment_results", &VIEW[..], view(&simulator, year)),
        ] {
            assert!(expected.len() > 1000, "{model}: only {} rows to compare", expected.len());
            assert_alike(model, &stable(&of_year(model)), &stable(&expected));
            check_csv(&lake, &format!("{model}{suffix}"), header, &expected);
        }
    }
    let columns = METADATA[..8].iter().chain(&METADATA[10..]).copied().collect::<Vec<_>>().join(", ");
    let found = query(&lake, &format!("SELECT {columns} FROM illuminate.assessments_metadata"));
    let mut expected = metadata(&simulator);
    for row in &mut expected {
        row.retain(|name, _| !matches!(name.as_str(), "created_at" | "updated_at"));
    }
    assert_alike("assessments_metadata", &stable(&found), &stable(&expected));
    let records = csv(lake.tree().bytes("consumption/illuminate/assessments_metadata.csv").unwrap());
    assert_eq!((records[0][..15].to_vec(), records.len()), (METADATA.map(str::to_owned).to_vec(), expected.len() + 1));

    lake.call(&["verify"]).ok();
    let before = lake.tree();
    run(&lake).ok();
    assert_eq!(lake.tree().written_since(&before), Vec::<String>::new());
}

#[test]
fn times_without_offset_are_of_the_datasets_zone() {
    let lake = TestLake::new("http://127.0.0.1:1/");
    let row = json!({"assessment_id": "1", "created_at": "2024-08-20 09:12:33", "updated_at": "2024-12-03 14:01:10"});
    let body = json!({"page": 1, "num_pages": 1, "num_results": 1, "results": [row]});
    let line = json!({"request": {"page": 1}, "received_at": "2024-12-04T00:00:00Z", "status": 200, "body": body});
    lake.write("raw/illuminate/year=24-25/assessments.ndjson", format!("{line}\n"));
    for (zone, created, updated) in [
        (None, "2024-08-20T16:12:33Z", "2024-12-03T22:01:10Z"),
        (Some("America/New_York"), "2024-08-20T13:12:33Z", "2024-12-03T19:01:10Z"),
    ] {
        if let Some(zone) = zone {
            configure(&lake, "dataset.toml", &format!("time_zone = \"{zone}\"\n"));
        }
        lake.call(&["clean", "--all"]).ok();
        let rows = lake.query("SELECT created_at, updated_at FROM illuminate.assessment");
        assert_eq!((&rows[0]["created_at"], &rows[0]["updated_at"]), (&created.into(), &updated.into()), "{zone:?}");
    }
}

/// As children of a job do that share a dataset: the CSV files are every one's.
#[tokio::test(flavor = "multi_thread")]
async fn aggregations_at_the_same_time_end_as_one_does() {
    let options = Options { assessments: 6, students: 40, ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    let lake = lake_of(&simulator);
    run(&lake).ok();
    let whole = lake.tree();
    std::fs::remove_dir_all(lake.path().join("consumption")).unwrap();
    std::fs::remove_dir_all(lake.path().join("ledger/consumption")).unwrap();
    let start = |_| lake.command(&["-q", "aggregate"]).stdout(Stdio::null()).spawn().unwrap();
    for mut aggregation in (0..6).map(start).collect::<Vec<_>>() {
        assert!(aggregation.wait().unwrap().success());
    }
    assert_eq!(lake.tree().differences(&whole), Vec::<String>::new());
    lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn later_rules_overrides_and_corrections_are_declared() {
    let simulator = Simulator::start(Options { students: 120, ..Options::default() }).await.unwrap();
    let lake = lake_of(&simulator);
    let with = |declared: &str| format!("{}{declared}", source(&simulator));
    configure(&lake, "dataset.toml", &with(""));
    run(&lake).ok();
    let sql = "SELECT DISTINCT title, test_type, curriculum, unit, unit_labels \
               FROM illuminate.illuminate_assessment_results WHERE assessment_id = ";
    let told = |id: &str| {
        let mut found: Vec<[String; 5]> = query(&lake, &format!("{sql}'{id}'"))
            .iter()
            .map(|row| {
                ["title", "test_type", "curriculum", "unit", "unit_labels"]
                    .map(|name| row.get(name).and_then(Value::as_str).unwrap_or("-").to_owned())
            })
            .collect();
        found.sort();
        found
    };
    let id = |title: &str| {
        let found = simulator.assessments().into_iter().find(|one| one.title.as_deref().map(str::trim) == Some(title));
        found.unwrap().id
    };

    configure(&lake, "dataset.toml", &with("[settings]\ntitle_rules = \"later\"\n"));
    lake.call(&["aggregate"]).ok();
    for (title, expected) in [
        ("Mid-Unit 1 Checkpoint Grade 6", ["checkpoint", "Math", "Mid-Unit 1", "1"]),
        ("Government and Economics Interim 2", ["unknown", "Government", "Interim 2", "5"]),
        ("US History Interim Assessment #1", ["assessment", "US History", "Interim 1", "4"]),
        ("Math Lab Exit Ticket", ["exit ticket", "Math Lab", "-", "-"]),
        ("Algebra II IA #2", ["assessment", "Algebra II", "Interim 1", "4"]),
    ] {
        // Without any of those words, what is not said to be something else is an assessment.
        let expected = expected.map(|text| if text == "unknown" { "assessment" } else { text });
        let [test_type, curriculum, unit, label] = expected;
        assert_eq!(told(&id(title)), [[title, test_type, curriculum, unit, label]], "{title}");
    }

    let (everybody, interim) = (id("Interim Assessment"), id("Biology Interim Assessment"));
    configure(
        &lake,
        "dataset.toml",
        &with(&format!(
            "[list.curriculum_override]\nrows = [{{ assessment_id = \"{everybody}\", curriculum = \"Anatomy\" }}, \
             {{ assessment_id = \"{everybody}\", grade = 9, curriculum = \"Biology\" }}]\n\
             [list.correction]\nrows = [{{ assessment_id = \"{interim}\", title = \"Cells\", unit = \"Unit 2\", \
             grade = 9, test_type = \"quiz\" }}]\n"
        )),
    );
    lake.call(&["aggregate"]).ok();
    assert_eq!(told(&interim), [["Cells", "quiz", "Biology", "Unit 2", "2"]]);
    let curricula = query(
        &lake,
        &format!(
            "SELECT DISTINCT curriculum, coalesce(grade = 9, false) AS ninth \
             FROM illuminate.illuminate_assessment_results WHERE assessment_id = '{everybody}' ORDER BY curriculum"
        ),
    );
    let curricula: Vec<String> =
        curricula.iter().map(|row| format!("{} {}", row["curriculum"].as_str().unwrap(), row["ninth"])).collect();
    assert_eq!(curricula, ["Anatomy false", "Biology true"]);
    let grades = query(
        &lake,
        &format!(
            "SELECT DISTINCT grade FROM illuminate.illuminate_assessment_results WHERE assessment_id = '{interim}'"
        ),
    );
    assert_eq!(grades.iter().map(|row| row["grade"].clone()).collect::<Vec<_>>(), [json!(9)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_does_not_shrink_unless_that_is_wanted() {
    let simulator = Simulator::start(Options { students: 120, ..Options::default() }).await.unwrap();
    let fewer = Simulator::start(Options { students: 60, ..Options::default() }).await.unwrap();
    let lake = lake_of(&simulator);
    configure(&lake, "dataset.toml", &source(&simulator));
    run(&lake).ok();
    let zone = ["consumption/illuminate/"];
    let before = lake.tree();
    let lake = lake.with("ILLUMINATE_URL", &fewer.illuminate_url());
    let called = lake.call(&["run", "illuminate", "--from", YEARS[0].1, "--to", "2025-07-01", "--accept-loss"]);
    assert_eq!(called.status, 1);
    assert!(called.stderr.contains("allow-shrink"), "{}", called.stderr);
    let results = |name: &&String| name.contains("results");
    let written = lake.tree().below(&zone).written_since(&before.below(&zone));
    assert_eq!(written.iter().filter(results).collect::<Vec<_>>(), Vec::<&String>::new());
    lake.call(&["aggregate", "--allow-shrink"]).ok();
    for year in YEARS {
        let found =
            query(&lake, &format!("SELECT * FROM illuminate.assessment_results_group WHERE year = '{}'", year.0));
        assert_alike("group", &stable(&found), &stable(&typed(&fewer, Endpoint::Group, year)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_values_can_be_hashed_and_still_join() {
    let simulator = Simulator::start(Options { students: 120, ..Options::default() }).await.unwrap();
    let lake = lake_of(&simulator).with("PERSONAL_KEY", "of this test");
    configure(&lake, "dataset.toml", &source(&simulator));
    let built_in = include_str!("../../../shared/datasets/illuminate/illuminate_assessment_results.sql");
    let hashed = built_in.replacen("-- [model]\n", "-- [model]\n-- hash_personal = true\n", 1);
    assert_ne!(hashed, built_in);
    configure(&lake, "illuminate_assessment_results.sql", &hashed);
    run(&lake).ok();
    let mut people: BTreeMap<String, String> = BTreeMap::new();
    for year in YEARS {
        let found =
            query(&lake, &format!("SELECT * FROM illuminate.illuminate_assessment_results WHERE year = '{}'", year.0));
        let mut nameless = found.clone();
        for row in &mut nameless {
            let hash = row.remove("local_student_id").unwrap();
            let hash = hash.as_str().unwrap();
            assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
            // A student has the same hash, and the same grade, in all results.
            let grade = row.get("grade").map_or("-".to_owned(), Value::to_string);
            assert_eq!(people.entry(hash.to_owned()).or_insert(grade.clone()), &grade);
        }
        let mut expected = view(&simulator, year);
        for row in &mut expected {
            row.remove("local_student_id");
        }
        assert_alike("hashed", &stable(&nameless), &stable(&expected));
    }
    let tested: BTreeSet<String> = YEARS
        .iter()
        .flat_map(|year| view(&simulator, *year))
        .map(|row| row["local_student_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(people.len(), tested.len());
}

/// A response as the source writes it, with these rows.
fn response(rows: &Value) -> String {
    let body = json!({"page": 1, "num_pages": 1, "num_results": 1, "results": rows});
    let line = json!({"request": {}, "received_at": "2026-11-20T05:00:00Z", "status": 200, "body": body});
    format!("{line}\n")
}

/// A row for each way in which a result can be refused, about one student.
fn refused() -> Value {
    let good = json!({
        "assessment_id": "900001", "title": "Interim Assessment", "local_student_id": "731007731", "first_name": "Zebedee",
        "last_name": "Quixworth", "middle_name": null, "date_taken": "2022-11-05", "points": "3",
        "points_possible": "4", "percent_correct": "75", "performance_band_level": "3",
        "performance_band_label": "Meets Expectations", "mastered": "t", "__count": "212",
    });
    let with = |name: &str, value: Value| {
        let mut row = good.clone();
        row[name] = value;
        row
    };
    let words = json!("Zebedee Quixworth 731007731");
    let mut rows: Vec<Value> =
        ["date_taken", "points", "percent_correct", "mastered", "__count"].map(|name| with(name, words.clone())).into();
    rows.push(with("local_student_id", json!(["731007731"])));
    rows.push(with("first_name", json!({"Zebedee": "Quixworth"})));
    rows.push(with("assessment_id", Value::Null));
    rows.push(json!("Zebedee Quixworth"));
    rows.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_named_in_logs_or_reasons() {
    let simulator = Simulator::start(Options { students: 120, fail_rate: 0.05, ..Options::default() }).await.unwrap();
    let lake = lake_of(&simulator);
    configure(&lake, "dataset.toml", &source(&simulator));
    let rows = refused();
    lake.write("raw/illuminate/year=22-23/responses_overall.ndjson", response(&rows));
    // Not a line of JSON.
    lake.write("raw/illuminate/year=22-23/responses_group.ndjson", "Zebedee Quixworth 731007731\n");
    lake.write("raw/illuminate/year=22-23/responses_standard.ndjson", response(&json!({"Zebedee": 731_007_731})));
    let roster = format!(
        "{}1\t2\t3\t4\t731007731\tZebedee\t0\t\t\n1\t2\t3\t4\t731007731\t9\tQuixworth\t\t\n731007731\tZebedee\n",
        simulator.roster_tsv()
    );
    lake.write("raw/illuminate/rosters/Student_Rosters.txt", roster);

    let mut said = String::new();
    let mut command = lake.command(&["-vv", "run", "illuminate", "--from", YEARS[0].1, "--to", "2025-07-01"]);
    for command in [&mut command, &mut lake.command(&["-vv", "status"]), &mut lake.command(&["-vv", "verify"])] {
        let called = Called::from(command.output().unwrap());
        said.push_str(&called.stdout);
        said.push_str(&called.stderr);
    }
    assert!(said.lines().count() > 20, "there is too little to look at: {said}");
    let tree = lake.tree();
    let mut reasons = 0;
    for name in tree.below(&["rejection/illuminate/"]).names() {
        for line in std::str::from_utf8(tree.bytes(name).unwrap()).unwrap().lines() {
            let reject: Value = serde_json::from_str(line).unwrap();
            said.push_str(reject["message"].as_str().unwrap());
            said.push('\n');
            reasons += 1;
        }
    }
    assert!(reasons >= rows.as_array().unwrap().len() + 3, "{reasons} rejects:\n{said}");

    let mut people: BTreeSet<String> = ["Zebedee", "Quixworth", "731007731"].map(str::to_owned).into();
    for year in YEARS {
        for row in typed(&simulator, Endpoint::NoStandard, year) {
            people.extend(
                ["local_student_id", "first_name", "last_name"].map(|name| row[name].as_str().unwrap().to_owned()),
            );
        }
    }
    people.extend(grades(&simulator).into_keys());
    assert!(people.len() > 100);
    let is_part = |character: char| character.is_alphanumeric() || character == '\'';
    let words: BTreeSet<&str> = said.split(|character| !is_part(character)).collect();
    let named: Vec<&String> = people.iter().filter(|name| words.contains(name.as_str())).collect();
    assert!(named.is_empty(), "{named:?} in\n{said}");
}
