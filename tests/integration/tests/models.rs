//! What analysts do with models: tests of their rows, unit tests, plans, differences, descriptions.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::process::Stdio;

use integration::TestLake;
use serde_json::{Value, json};

const DATASET: &str = "title = 'Trams'\ntime_zone = 'UTC'\n\
    [settings]\nleast = 1\n\
    [table.ride]\nabout = 'Rides as they were counted'\nfrom = '*.csv'\npartition = 'month(day)'\nkey = ['id']\nkey_decides_day = true\n\
    [table.ride.column]\n\
    id = { type = 'int64', required = true, about = 'Number of the ride' }\n\
    day = { type = 'date', required = true }\n\
    line = { type = 'string' }\n\
    driver = { type = 'string', personal = true }\n\
    people = { type = 'int64', min = 0 }\n";
const MODEL: &str =
    "-- People per day and line.\n--\n-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n";
const SQL: &str = "\nSELECT day, line, sum(people) AS people, count(*) AS rides, max(driver) AS driver FROM ride\n\
    CROSS JOIN settings WHERE people >= settings.least GROUP BY day, line ORDER BY day, line\n";
const RIDES: &str = "id,day,line,driver,people\n1,2026-10-01,7,Ada,5\n2,2026-10-01,7,Bob,6\n3,2026-10-02,8,Ada,1\n4,2026-11-01,7,Cid,2\n";

fn lake(tests: &str) -> TestLake {
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write("config/datasets/trams/dataset.toml", DATASET);
    declare(&lake, tests);
    lake.write("raw/trams/rides.csv", RIDES);
    lake.call(&["clean"]).ok();
    lake
}

fn declare(lake: &TestLake, tests: &str) {
    lake.write("config/datasets/trams/people.sql", format!("{MODEL}{tests}{SQL}"));
}

fn people(lake: &TestLake) -> Vec<Value> {
    lake.query("SELECT day, line, people FROM trams.people ORDER BY day, line")
}

#[test]
fn rows_that_pass_are_committed_and_rows_that_fail_are_not() {
    let passing = "-- [[test]]\n-- unique = [\"day\", \"line\"]\n-- not_null = [\"day\", \"people\"]\n\
        -- accepted = { line = [\"7\", \"8\"] }\n-- range = { people = [1, inf] }\n-- references = { line = \"ride.line\" }\n\
        -- [[test]]\n-- sql = \"SELECT * FROM people WHERE rides > people\"\n";
    let lake = lake(passing);
    lake.call(&["aggregate"]).ok();
    let before = people(&lake);
    assert_eq!(before.len(), 3);

    for (failing, says) in [
        ("unique = [\"line\"]", "the test unique: line with 1 row: (line = 7, rows = "),
        ("range = { people = [0, 5] }", "the test range: people from 0 to 5 with 1 row: (day = 2026-10-01, line = 7, "),
        ("accepted = { line = [\"8\"] }", "the test accepted: line in ('8') with 1 row: ("),
        (
            "name = \"few\"\n-- sql = \"SELECT line, rides FROM people WHERE rides > 1\"",
            "the test few with 1 row: (line = 7, ",
        ),
        (
            "references = { rides = \"ride.id\" }\n-- not_null = [\"driver\"]\n-- accepted = { driver = [\"Zoe\"] }",
            "driver = ***",
        ),
    ] {
        declare(&lake, &format!("-- [[test]]\n-- {failing}\n"));
        lake.write("raw/trams/more.csv", "id,day,line,driver,people\n9,2026-10-01,7,Eve,1\n10,2026-10-05,7,Eve,1\n");
        lake.call(&["clean"]).ok();
        let called = lake.call(&["aggregate"]);
        assert_eq!(called.status, 1, "{failing}");
        assert!(called.stderr.contains("partition month=2026-10, stays as it is"), "{}", called.stderr);
        assert!(called.stderr.contains(says), "{says:?} is not in: {}", called.stderr);
        for name in ["Ada", "Bob", "Cid", "Eve"] {
            assert!(!called.stderr.contains(name), "a personal value is shown: {}", called.stderr);
        }
        let october = |rows: &[Value]| rows.iter().filter(|row| row["day"].as_str().unwrap() < "2026-11").count();
        assert_eq!(october(&people(&lake)), october(&before), "the rows of before stay");
    }

    declare(&lake, "-- [[test]]\n-- range = { people = [0, 5] }\n-- severity = \"warn\"\n");
    let called = lake.call(&["aggregate"]).ok();
    let aggregated = called.json()["aggregated"].as_array().unwrap().clone();
    let warnings: Vec<&Value> = aggregated.iter().filter(|made| !made["warnings"].is_null()).collect();
    assert_eq!(warnings.len(), 1, "{aggregated:?}");
    assert!(warnings[0]["warnings"][0].as_str().unwrap().contains("range: people"), "{warnings:?}");
    assert_eq!(people(&lake).len(), 4);
    lake.call(&["verify"]).ok();
}

#[test]
fn tests_that_cannot_be_run_are_mistakes_of_the_dataset() {
    let lake = lake("");
    for (test, says) in [
        ("not_null = [\"nothing\"]", "the model has no column \"nothing\"; it has day, line"),
        ("sql = \"SELECT * FROM nowhere\"", "nowhere"),
        ("sql = \"DROP TABLE people\"", "only one SELECT"),
        ("references = { line = \"ride.lines\" }", "lines"),
        ("colour = 1", "colour"),
    ] {
        declare(&lake, &format!("-- [[test]]\n-- {test}\n"));
        let folder = lake.path().join("config/datasets/trams");
        let called = lake.call(&["dataset", "check", folder.to_str().unwrap()]);
        assert_eq!(called.status, 2, "{test}");
        assert!(called.stderr.contains(says), "{says:?} is not in: {}", called.stderr);
    }
}

const UNIT: &str = "[[test]]\nname = 'people are added up'\npartition = 'month=2026-10'\nsettings = { least = 2 }\n\
    [[test.given.ride]]\nid = 1\nday = 2026-10-03\nline = 'x'\npeople = 2\n\
    [[test.given.ride]]\nid = 2\nday = 2026-10-03\nline = 'x'\npeople = 3\n\
    [[test.given.ride]]\nid = 3\nday = 2026-10-03\nline = 'x'\npeople = 1\n\
    [[test.given.ride]]\nid = 4\nday = 2026-11-03\nline = 'x'\npeople = 9\n";

#[test]
fn unit_tests_compare_what_a_model_makes_of_given_rows() {
    let lake = lake("");
    let place = "config/datasets/trams/people.test.toml";
    lake.write(place, format!("{UNIT}[[test.expect]]\nday = 2026-10-03\nline = 'x'\npeople = 5\nrides = 2\n"));
    let called = lake.call(&["test"]).ok();
    let tests = &called.json()["tests"];
    let of_trams: Vec<&Value> = tests.as_array().unwrap().iter().filter(|test| test["dataset"] == "trams").collect();
    assert_eq!(of_trams, [&json!({"dataset": "trams", "model": "people", "name": "people are added up", "ok": true})]);

    lake.write(place, format!("{UNIT}[[test.expect]]\nday = 2026-10-03\npeople = 6\n"));
    let called = lake.call(&["test", "trams"]);
    assert_eq!(called.status, 1);
    let test = &called.json()["tests"][0];
    assert_eq!(test["missing"], json!(["day = 2026-10-03, people = 6"]));
    assert_eq!(test["unexpected"], json!(["day = 2026-10-03, people = 5"]));

    for (wrong, says) in [
        (UNIT.replace("id = 1", "idd = 1"), "given.ride: there is no column \"idd\""),
        (UNIT.replace("given.ride", "given.walk"), "does not read a table or model walk"),
        (UNIT.replace("least = 2", "most = 2"), "there is no setting \"most\""),
        (UNIT.replace("partition = 'month=2026-10'\n", ""), "say which partition is made"),
        (UNIT.replace("people = 3", "people = 'many'"), "people"),
    ] {
        lake.write(place, format!("{wrong}[[test.expect]]\nday = 2026-10-03\n"));
        let called = lake.call(&["test", "trams"]);
        let error = called.json()["tests"][0]["error"].as_str().unwrap_or_default().to_owned();
        assert!(called.status == 1 && error.contains(says), "{says:?} is not in: {error}");
    }
    lake.write(place, "[[test]]\nname = 1\n");
    let called = lake.call(&["test", "trams"]);
    assert!(called.status == 2 && called.stderr.contains("people.test.toml: line 2"), "{}", called.stderr);
}

#[test]
fn a_unit_test_is_drafted_from_the_lake_and_passes() {
    let lake = lake("");
    assert_eq!(lake.call(&["test", "--draft", "trams.people"]).status, 1, "there are no rows yet");
    lake.call(&["aggregate"]).ok();
    let draft = lake.command(&["test", "--draft", "trams.people"]).output().unwrap();
    let draft = String::from_utf8(draft.stdout).unwrap();
    assert!(draft.contains("partition = \"month=2026-11\"") && draft.contains("driver = \"driver 1\""), "{draft}");
    assert!(!draft.contains("Cid"), "a personal value is shown: {draft}");
    lake.write("config/datasets/trams/people.test.toml", &draft);
    let called = lake.call(&["test", "trams"]).ok();
    assert_eq!(called.json()["tests"][0]["ok"], true, "{}", called.stdout);
}

#[test]
fn a_plan_says_why_and_a_difference_what_and_neither_changes_anything() {
    let lake = lake("-- [[test]]\n-- unique = [\"day\", \"line\"]\n");
    let whys = |called: &integration::Called| -> Vec<(String, String)> {
        let planned = called.json()["planned"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        planned.iter().map(|planned| (text(&planned["partition"]), text(&planned["why"]))).collect()
    };
    let new = |month: &str| (format!("month={month}"), "it is new".to_owned());
    assert_eq!(whys(&lake.call(&["aggregate", "--plan"]).ok()), [new("2026-10"), new("2026-11")]);
    lake.call(&["aggregate"]).ok();
    assert_eq!(whys(&lake.call(&["aggregate", "--plan"]).ok()), []);

    // One row of October changes, one is new, one goes. Of files of the same second the greater name wins.
    lake.write(
        "raw/trams/zz.csv",
        "id,day,line,driver,people\n1,2026-10-01,7,Ada,50\n8,2026-10-09,7,Ada,1\n3,2026-10-02,8,Ada,0\n",
    );
    lake.call(&["clean"]).ok();
    let before = lake.tree();
    let planned = whys(&lake.call(&["aggregate", "--plan"]).ok());
    assert_eq!(planned.len(), 1);
    assert!(planned[0].1.starts_with("new: trams/ride/month=2026-10/"), "{planned:?}");
    let called = lake.call(&["aggregate", "--diff"]).ok();
    let preview = called.json()["planned"][0].clone();
    let figures =
        ["rows_before", "rows_after", "added", "removed", "changed"].map(|name| preview[name].as_u64().unwrap());
    assert_eq!(figures, [2, 2, 1, 1, 1], "{preview}");
    assert_eq!(lake.tree().differences(&before), Vec::<String>::new());

    lake.call(&["aggregate"]).ok();
    declare(&lake, "-- [[test]]\n-- unique = [\"line\"]\n");
    let called = lake.call(&["aggregate", "--diff"]).ok();
    let preview = &called.json()["planned"][0];
    assert!(preview["why"].as_str().unwrap().contains("its SQL, tests"), "{preview}");
    assert!(preview["failed"][0].as_str().unwrap().contains("unique: line"), "{preview}");
}

#[test]
fn what_there_is_can_be_described_listed_and_asked_in_files() {
    let lake = lake("-- [[test]]\n-- not_null = [\"day\"]\n");
    let described = lake.call(&["describe", "trams"]).ok().json();
    let table = &described["datasets"][0]["tables"][0];
    assert_eq!((&table["about"], &table["files"]), (&json!("Rides as they were counted"), &json!(["*.csv"])));
    let id = json!({"column": "id", "type": "int64", "about": "Number of the ride", "rules": ["required"], "personal": false});
    assert!(table["columns"].as_array().unwrap().contains(&id), "{table}");
    let model = &described["datasets"][0]["models"][0];
    assert_eq!((&model["about"], &model["tests"]), (&json!("People per day and line."), &json!(["not_null: day"])));
    let driver = model["columns"].as_array().unwrap().iter().find(|column| column["column"] == "driver").unwrap();
    assert_eq!(driver["personal"], true);
    let text = String::from_utf8(lake.command(&["describe", "trams.ride"]).output().unwrap().stdout).unwrap();
    assert!(text.contains("table trams.ride") && text.contains("personal") && !text.contains("model"), "{text}");
    let called = lake.call(&["describe", "trams.rides"]);
    assert!(called.status == 2 && called.stderr.contains("it has ride, people"), "{}", called.stderr);

    let names = lake.query("SHOW TABLES;");
    assert!(names.iter().any(|row| row["name"] == "trams.people" && row["kind"] == "model"), "{names:?}");
    lake.write("count.sql", "SELECT count(*) AS rides\nFROM trams.ride\n");
    let file = lake.path().join("count.sql");
    for arguments in [["query", "--csv", "-f", file.to_str().unwrap()], ["query", "--csv", "-q", "-"]] {
        let mut command = lake.command(&arguments);
        command.stdin(Stdio::from(std::fs::File::open(&file).unwrap()));
        assert_eq!(command.output().unwrap().stdout, b"rides\n4\n", "{arguments:?}");
    }
    let nulls = lake.command(&["query", "--json", "SELECT NULL AS nothing"]).output().unwrap().stdout;
    assert_eq!(nulls, b"{\"nothing\":null}\n");
}

#[test]
fn a_lake_is_begun_and_looked_after() {
    let lake = TestLake::new("http://127.0.0.1:9/");
    let place = lake.path().join("new lake");
    let place = place.to_str().unwrap();
    let doctor =
        |arguments: &[&str]| lake.command(&[&["--lake", place, "--output", "json"], arguments].concat()).output();
    assert_eq!(doctor(&["doctor"]).unwrap().status.code(), Some(1), "there is no lake yet");
    let shown = doctor(&["clean", "--dry-run"]).unwrap();
    assert_eq!(shown.status.code(), Some(1), "nothing can be waiting where there is no lake");
    for state in ["There is a new lake", "There was a lake already"] {
        let made = lake.command(&["init", place]).output().unwrap();
        assert!(made.status.success());
        assert!(String::from_utf8(made.stdout).unwrap().contains(state), "{state}");
    }
    for name in ["README.md", ".gitignore", "raw/energy_usage", "config/datasets"] {
        assert!(lake.path().join("new lake").join(name).exists(), "{name}");
    }
    let looked = doctor(&["doctor"]).unwrap();
    assert!(looked.status.success(), "{}", String::from_utf8_lossy(&looked.stderr));
    let last: Value = serde_json::from_slice(&looked.stdout).unwrap();
    assert!(last["findings"].as_array().unwrap().iter().all(|finding| finding["ok"] == true), "{last}");

    std::fs::write(lake.path().join("new lake/raw/energy_usage/a.csv"), "customer_id,usage_kwh,start_time\n").unwrap();
    let shown = doctor(&["clean", "--dry-run"]).unwrap();
    let last: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(last["waiting"], json!(["energy_usage/a.csv"]));
    assert!(!lake.path().join("new lake/ledger/raw").exists(), "nothing is cleaned");
    assert_eq!((shown.status.code(), &last["errors"]), (Some(0), &json!([])));
    assert!(doctor(&["clean"]).unwrap().status.success());
    std::fs::rename(lake.path().join("new lake/raw/energy_usage/a.csv"), lake.path().join("a.csv")).unwrap();
    for arguments in [&["clean", "--dry-run"][..], &["clean"]] {
        let done = doctor(arguments).unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{arguments:?}: all raw objects are gone: {stderr}");
        assert!(stderr.contains("--prune"), "{arguments:?}: {stderr}");
    }
    std::fs::rename(lake.path().join("a.csv"), lake.path().join("new lake/raw/energy_usage/a.csv")).unwrap();
    let entry = lake.path().join("new lake/ledger/raw/energy_usage/a.csv.json");
    let sound = std::fs::read(&entry).unwrap();
    std::fs::write(&entry, "{").unwrap();
    for arguments in [&["clean", "--dry-run"][..], &["clean"]] {
        let done = doctor(arguments).unwrap();
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{arguments:?}: an entry cannot be read: {stderr}");
        assert!(stderr.contains("energy_usage/a.csv.json"), "{arguments:?}: {stderr}");
    }
    std::fs::write(&entry, sound).unwrap();
    let status = doctor(&["status", "energy_usage"]).unwrap();
    let last: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(last["datasets"].as_array().unwrap().len(), 1);
    let script = lake.command(&["completions", "bash"]).output().unwrap().stdout;
    assert!(String::from_utf8(script).unwrap().contains("backfill"));
    let page = lake.command(&["man"]).output().unwrap().stdout;
    assert!(String::from_utf8(page).unwrap().contains(".TH"));
}

const REPORT: &str = "[[page]]\nname = \"report\"\ntitle = \"Trams\"\n[page.headline]\n\
    sql = \"SELECT sum(people) AS people FROM trams.people\"\ntext = \"{people} people rode.\"\n\
    [[page.section]]\ntitle = \"Lines\"\n[[page.section.chart]]\nkind = \"bars\"\ntitle = \"Who rode which line?\"\n\
    sql = \"SELECT line, sum(people) AS people FROM trams.people GROUP BY line ORDER BY line\"\nx = \"line\"\ny = \"people\"\n\
    [[page]]\nname = \"drivers\"\ntitle = \"Drivers\"\npersonal = true\n[page.headline]\n\
    sql = \"SELECT max(driver) AS driver FROM trams.ride\"\ntext = \"{driver} drove.\"\n";

#[test]
fn pages_are_made_when_what_they_show_has_changed() {
    let lake = lake("").with("REPORT_PAGES", "on");
    lake.write("config/datasets/trams/report.toml", REPORT);
    let folder = lake.path().join("config/datasets/trams");
    let checked = lake.call(&["dataset", "check", folder.to_str().unwrap()]);
    assert_eq!(checked.status, 0, "{}", checked.stderr);
    lake.call(&["aggregate"]).ok();
    let read = |name: &str| std::fs::read_to_string(lake.path().join("consumption").join(name)).unwrap_or_default();
    let page = read("trams/report.html");
    assert!(page.contains("14 people rode.") && page.contains("Who rode which line?"), "{page}");
    assert!(!["Ada", "Bob", "Cid"].iter().any(|name| page.contains(name)), "{page}");
    assert!(read("trams/_personal/drivers.html").contains("Cid drove."));
    let index = read("index.html");
    assert!(index.contains("14 people rode.") && index.contains("trams/report.html"), "{index}");
    assert!(!index.contains("Cid"), "{index}");
    let ledger = lake.tree().below(&["ledger/"]);
    for name in ledger.names() {
        let text = String::from_utf8_lossy(ledger.bytes(name).unwrap()).into_owned();
        assert!(!text.contains("Cid"), "{name} has a personal value");
    }
    lake.call(&["verify"]).ok();

    let before = lake.tree();
    lake.call(&["aggregate"]).ok();
    assert_eq!(lake.tree().differences(&before), Vec::<String>::new(), "a second run does nothing");
    for page in ["index.html", "trams/report.html"] {
        lake.write(&format!("consumption/{page}"), "damaged");
        lake.call(&["aggregate"]).ok();
        std::fs::remove_file(lake.path().join("consumption").join(page)).unwrap();
        lake.call(&["aggregate"]).ok();
        assert_eq!(lake.tree().differences(&before), Vec::<String>::new(), "{page} is mended");
    }
    lake.write("raw/trams/more.csv", "id,day,line,driver,people\n9,2026-10-01,7,Eve,6\n");
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    assert!(read("trams/report.html").contains("20 people rode.") && read("index.html").contains("20 people rode."));

    let into = lake.path().join("preview");
    lake.call(&["report", "trams", "--into", into.to_str().unwrap()]).ok();
    assert_eq!(std::fs::read_to_string(into.join("trams/report.html")).unwrap(), read("trams/report.html"));
    lake.write("config/datasets/trams/report.toml", "");
    lake.call(&["aggregate"]).ok();
    assert_eq!((read("trams/report.html"), read("trams/_personal/drivers.html")), (String::new(), String::new()));
    assert!(!read("index.html").contains("trams/report.html"));
    lake.call(&["verify"]).ok();
}

#[test]
fn a_page_that_could_not_be_answered_stays_and_is_made_by_the_next_run() {
    let lake = lake("").with("REPORT_PAGES", "on");
    lake.write("config/datasets/trams/report.toml", REPORT);
    lake.call(&["aggregate"]).ok();
    let read = || std::fs::read_to_string(lake.path().join("consumption/trams/report.html")).unwrap();
    let before = read();
    lake.write("config/datasets/trams/report.toml", REPORT.replace("people rode.", "people went by tram."));
    let late = TestLake::new("http://127.0.0.1:9/").at(&format!("file:{}", lake.path().display()));
    let late = late.with("REPORT_PAGES", "on").with("MEMORY_BYTES", "1");
    let called = late.call(&["aggregate"]);
    assert_eq!(called.status, 1, "{}", called.stdout);
    assert!(called.stderr.contains("the page trams/report.html stays as it is"), "{}", called.stderr);
    assert_eq!(read(), before);
    lake.call(&["aggregate"]).ok();
    assert!(read().contains("14 people went by tram."));
}

#[test]
fn the_ledger_entry_of_the_index_is_mended() {
    let lake = lake("").with("REPORT_PAGES", "on");
    lake.write("config/datasets/trams/report.toml", REPORT);
    lake.call(&["aggregate"]).ok();
    let before = lake.tree();
    for _ in 0..2 {
        lake.write("ledger/consumption/_index/_report/file=index.html.json", "{");
        assert_eq!(lake.call(&["verify"]).status, 1);
        lake.call(&["verify", "--repair"]).ok();
        lake.call(&["verify"]).ok();
    }
    assert_eq!(
        lake.tree().below(&["consumption/"]).differences(&before.below(&["consumption/"])),
        Vec::<String>::new()
    );
    // An unreadable one is a failure of its own, and of nothing else.
    lake.write("ledger/consumption/_index/_report/file=index.html.json", "{");
    lake.write("raw/trams/more.csv", "id,day,line,driver,people\n9,2026-10-01,7,Eve,6\n");
    lake.call(&["clean"]).ok();
    let called = lake.call(&["aggregate"]);
    assert!(called.status == 1 && called.stderr.contains("index.html"), "{}", called.stderr);
    assert!(made(&called).contains(&"people month=2026-10".to_owned()), "{}", called.stdout);
}

#[test]
fn personal_values_are_not_shown_under_other_names() {
    let lake = lake("").with("REPORT_PAGES", "on");
    let folder = lake.path().join("config/datasets/trams");
    let declare = |declared: &str, sql: &str| {
        let text = format!("-- [model]\n-- inputs = [\"ride\"]\n{declared}\n{sql}\n");
        lake.write("config/datasets/trams/renamed.sql", text);
    };
    let has_name = |text: &str| ["Ada", "Bob", "Cid"].iter().any(|name| text.contains(name));
    let renamed = "SELECT day, people, driver AS line FROM ride ORDER BY id";
    for (declared, sql, says) in [
        ("-- [[test]]\n-- accepted = { line = [\"7\"] }", renamed, "people = 5, line = ***"),
        ("-- [[test]]\n-- sql = \"SELECT driver AS line FROM ride\"", "SELECT line FROM ride", "(line = ***)"),
        ("-- split = [\"line\"]", renamed, "derives from personal columns"),
    ] {
        declare(declared, sql);
        let called = lake.call(&["aggregate", "--model", "renamed"]);
        let said = format!("{}{}", called.stdout, called.stderr);
        assert!(called.status == 1 && said.contains(says) && !has_name(&said), "{declared}: {said}");
        assert!(!lake.tree().names().into_iter().any(has_name), "{declared}");
        let ledger = lake.tree().below(&["ledger/consumption/"]);
        let texts =
            ledger.names().into_iter().map(|name| String::from_utf8_lossy(ledger.bytes(name).unwrap()).into_owned());
        assert!(!texts.into_iter().any(|text| has_name(&text)), "{declared}");
    }
    let checked = lake.call(&["dataset", "check", folder.to_str().unwrap()]);
    assert!(checked.status == 2 && checked.stderr.contains("split: \"line\" derives"), "{}", checked.stderr);

    declare("", renamed);
    let page = REPORT.split("[[page]]\nname = \"drivers\"").next().unwrap();
    let from_model =
        page.replace("SELECT sum(people) AS people FROM trams.people", "SELECT max(line) AS people FROM trams.renamed");
    lake.write("config/datasets/trams/report.toml", from_model);
    let checked = lake.call(&["dataset", "check", folder.to_str().unwrap()]);
    assert!(checked.status == 2 && checked.stderr.contains("derives from personal columns"), "{}", checked.stderr);
    let called = lake.call(&["aggregate"]);
    assert!(called.status == 2 && called.stderr.contains("derives from personal columns"), "{}", called.stderr);
    let pages = lake.tree().below(&["consumption/"]);
    assert!(!pages.names().into_iter().any(|name| name.ends_with(".html")));
}

#[test]
fn mistakes_in_pages_are_explained() {
    let lake = lake("");
    for (wrong, says) in [
        (REPORT.replace("kind = \"bars\"", "kind = \"pie\""), "report.toml"),
        (REPORT.replace("FROM trams.people GROUP", "FROM trams.nothing GROUP"), "has no \"nothing\""),
        (REPORT.replace("personal = true\n", ""), "driver"),
        (REPORT.replace("SELECT line,", "SELECT lines,"), "lines"),
    ] {
        lake.write("config/datasets/trams/report.toml", wrong);
        let folder = lake.path().join("config/datasets/trams");
        let called = lake.call(&["dataset", "check", folder.to_str().unwrap()]);
        assert!(called.status == 2 && called.stderr.contains(says), "{says}: {} {}", called.status, called.stderr);
    }
}

#[test]
fn datasets_of_the_lake_are_exported_and_reasons_explained() {
    let lake = lake("");
    let exported = lake.command(&["dataset", "export-terraform"]).output().unwrap().stdout;
    let exported: Value = serde_json::from_slice(&exported).unwrap();
    assert_eq!(exported.as_object().unwrap().keys().collect::<Vec<_>>(), ["trams"]);
    assert_eq!(exported["trams"]["models"]["people"]["partition"], json!(["month"]));
    assert_eq!(exported["trams"]["tables"]["ride"]["columns"][0], json!(["id", "int64"]));
    let explained = lake.call(&["explain", "missing_column"]).ok().json();
    assert_eq!(explained["reasons"][0]["reason"], "missing_column");
    assert!(lake.call(&["explain"]).ok().json()["reasons"].as_array().unwrap().len() > 40);
    assert_eq!(lake.call(&["explain", "missing_colum"]).status, 2);
}

#[test]
fn a_csv_file_moves_from_one_model_to_another_in_one_run() {
    let lake = lake("");
    let other = |csv: &str| {
        let model = MODEL.replace("-- inputs", &format!("{csv}-- inputs"));
        lake.write("config/datasets/trams/zones.sql", format!("{model}{SQL}"));
    };
    let csv = "-- csv = { name = \"rides\" }\n";
    declare(&lake, csv);
    other("");
    lake.call(&["aggregate"]).ok();
    let file = lake.path().join("consumption/trams/rides.csv");
    assert!(file.exists());
    declare(&lake, "");
    other(csv);
    lake.call(&["aggregate"]).ok();
    assert!(file.exists(), "the model that has it now has written it");
    lake.call(&["verify"]).ok();
    declare(&lake, "-- csv = { name = \"rides_historical\" }\n");
    let called = lake.call(&["aggregate"]);
    assert!(
        called.status == 2 && called.stderr.contains("rides_historical.csv is a file of the model"),
        "{}",
        called.stderr
    );
}

#[test]
fn an_entry_that_cannot_be_read_leaves_no_orphan_of_what_it_named() {
    let lake = lake("");
    lake.call(&["aggregate"]).ok();
    let entry = "ledger/raw/trams/rides.csv.json";
    let broken = std::fs::read_to_string(lake.path().join(entry)).unwrap().replace("\"rows\"", "\"rowz\"");
    lake.write(entry, broken);
    // November is gone by now.
    lake.write("raw/trams/rides.csv", RIDES.replace("4,2026-11-01,7,Cid,2\n", ""));
    lake.call(&["verify", "--repair"]).ok();
    assert_eq!(lake.tree().below(&["standard/trams/ride/month=2026-11/"]).names(), Vec::<&str>::new());
    lake.call(&["verify"]).ok();
}

#[test]
fn hidden_files_alone_are_no_mistake_and_files_of_no_table_are() {
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write("raw/energy_usage/_notes.txt", "x");
    lake.call(&["clean"]).ok();
    lake.write("raw/enegry_usage/a.csv", "x");
    let called = lake.call(&["clean"]);
    assert!(called.status == 1 && called.stderr.contains("enegry_usage/a.csv"), "{}", called.stderr);
    lake.write("raw/energy_usage/a.csv", "cust,usage\n1,2\n");
    let called = lake.call(&["clean"]);
    assert!(called.stderr.contains("no column customer_id, usage_kwh, start_time;"), "{}", called.stderr);
}

#[test]
fn a_summary_names_files_that_nothing_takes_and_objects_of_older_rules() {
    let lake = lake("");
    lake.write("raw/tram/november.csv", RIDES);
    lake.write("raw/trams/rides.xyz", "x");
    lake.write("raw/.hidden", "x");
    let ignored = "3 raw objects that no table takes: loose.csv and 2 more";
    lake.write("raw/loose.csv", RIDES);
    let text = |arguments: &[&str]| {
        let called = lake.command(arguments).output().unwrap();
        assert!(called.status.success(), "{called:?}");
        String::from_utf8(called.stdout).unwrap()
    };
    let all = text(&["clean"]);
    assert!(all.contains(ignored) && all.contains("up to date"), "{all}");
    let one = text(&["clean", "--dataset", "trams"]);
    assert!(one.contains("1 raw object that no table takes: trams/rides.xyz") && !one.contains("older"), "{one}");

    lake.write(
        "config/datasets/trams/dataset.toml",
        DATASET.replace("time_zone = 'UTC'", "time_zone = 'Europe/Brussels'"),
    );
    let called = lake.call(&["clean"]).ok().json();
    assert_eq!((&called["by_older_rules"], &called["ignored"]["count"]), (&json!(1), &json!(3)), "{called}");
    lake.call(&["clean", "--all"]).ok();
    assert_eq!(lake.call(&["clean"]).ok().json()["by_older_rules"], 0);
    lake.write("config/datasets/trams/dataset.toml", DATASET.replace("'*.csv'", "'*.cvs'"));
    let called = lake.call(&["clean", "--dataset", "trams", "--prune"]);
    assert!(called.stdout.contains("rides.csv"), "{}", called.stdout);
    let called = lake.call(&["clean", "--dataset", "trams"]);
    assert!(called.status == 1 && called.stderr.contains("trams/rides.csv"), "{}", called.stderr);
}

/// People per day from another model, with the day before.
const CHANGE: &str = "-- People per day, and how many more than the day before.\n--\n-- [model]\n-- partition = \"month(day)\"\n\
    -- inputs = [\"daily\"]\n-- look_back_days = 1\n\n\
    SELECT day, people, people - lag(people) OVER (ORDER BY day) AS more FROM daily ORDER BY day\n";
const DAILY: &str = "-- [model]\n-- partition = \"month(day)\"\n-- intermediate = true\n-- inputs = [\"ride\"]\n\n\
    SELECT day, sum(people) AS people FROM ride GROUP BY day ORDER BY day\n";

fn chained() -> TestLake {
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write("config/datasets/trams/dataset.toml", DATASET.replace("[settings]\nleast = 1\n", ""));
    lake.write("config/datasets/trams/change.sql", CHANGE);
    lake.write("config/datasets/trams/daily.sql", DAILY);
    lake.write(
        "raw/trams/rides.csv",
        "id,day,line,driver,people\n1,2026-10-30,7,Ada,5\n2,2026-10-31,7,Bob,6\n3,2026-11-01,8,Ada,1\n4,2026-12-01,7,Cid,2\n",
    );
    lake.call(&["clean"]).ok();
    lake
}

fn made(called: &integration::Called) -> Vec<String> {
    let lines = called.json()["aggregated"].as_array().cloned().unwrap_or_default();
    let text = |line: &Value| format!("{} {}", line["model"].as_str().unwrap(), line["partition"].as_str().unwrap());
    lines.iter().map(text).filter(|line| !line.starts_with("report")).collect()
}

#[test]
fn models_read_models_and_are_made_after_them() {
    let lake = chained();
    let first = lake.call(&["aggregate"]).ok();
    assert_eq!(
        made(&first),
        ["change", "daily"].map(|model| [10, 11, 12].map(|month| format!("{model} month=2026-{month}"))).concat()
    );
    let change = || lake.query("SELECT day, people, more FROM trams.change ORDER BY day");
    assert_eq!(
        change(),
        [
            json!({"day": "2026-10-30", "people": 5}),
            json!({"day": "2026-10-31", "people": 6, "more": 1}),
            json!({"day": "2026-11-01", "people": 1, "more": -5}),
            json!({"day": "2026-12-01", "people": 2}),
        ],
        "the look-back reaches into the month before, and no farther"
    );
    assert_eq!(made(&lake.call(&["aggregate"]).ok()), Vec::<String>::new());

    // Another order of the same people: what is made of it is the same, and nothing that reads it is made again.
    lake.write("raw/trams/more.csv", "id,day,line,driver,people\n9,2026-10-31,7,Eve,0\n");
    lake.call(&["clean"]).ok();
    let plan = lake.call(&["aggregate", "--plan"]).ok().json();
    let planned: Vec<String> = plan["planned"].as_array().unwrap().iter().map(Value::to_string).collect();
    let awaits = "it reads daily month=2026-10, which would be made before: it is made if that changes";
    assert!(planned.len() == 3 && planned[0].contains("new: trams/ride"), "{planned:?}");
    assert!(planned[1].contains("month=2026-10") && planned[1].contains(awaits), "{planned:?}");
    assert!(planned[2].contains("change") && planned[2].contains("month=2026-11"), "{planned:?}");
    assert_eq!(made(&lake.call(&["aggregate"]).ok()), ["daily month=2026-10"]);

    // One person more on the last day of October: November looks back to it.
    lake.write("raw/trams/more.csv", "id,day,line,driver,people\n9,2026-10-31,7,Eve,1\n");
    lake.call(&["clean"]).ok();
    assert_eq!(
        made(&lake.call(&["aggregate", "--model", "change"]).ok()),
        ["change month=2026-10", "change month=2026-11", "daily month=2026-10"],
        "what a model reads is brought up to date with it"
    );
    assert_eq!(change()[2], json!({"day": "2026-11-01", "people": 1, "more": -6}));

    // What is gone of the one is gone of the other.
    lake.write("raw/trams/rides.csv", "id,day,line,driver,people\n1,2026-10-30,7,Ada,5\n3,2026-11-01,8,Ada,1\n");
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    assert_eq!(change().len(), 3);
    lake.call(&["verify"]).ok();
    assert_eq!(made(&lake.call(&["aggregate", "--all", "--model", "change"]).ok()).len(), 2, "daily is not asked for");
}

#[test]
fn other_engines_do_not_see_models_that_are_there_for_models() {
    let lake = chained();
    lake.call(&["aggregate"]).ok();
    let schema = lake.call(&["schema", "trams", "--dialect", "duckdb"]).ok();
    assert!(schema.stdout.contains("change") && !schema.stdout.contains("daily"), "{}", schema.stdout);
    let tables = lake.call(&["query", "SHOW TABLES"]).ok();
    assert!(tables.stdout.contains("trams.change") && !tables.stdout.contains("trams.daily"), "{}", tables.stdout);
    assert_eq!(lake.query("SELECT count(*) AS days FROM trams.daily"), [json!({"days": 4})], "but may be asked");
    let described = lake.call(&["describe", "trams.daily"]).ok();
    assert!(described.stdout.contains("\"intermediate\":true"), "{}", described.stdout);
}

#[test]
fn what_is_damaged_or_unreadable_of_a_model_stops_what_reads_it() {
    let lake = chained();
    lake.call(&["aggregate"]).ok();
    let entry = "ledger/consumption/trams/daily/month=2026-10.json";
    let before = std::fs::read(lake.path().join(entry)).unwrap();
    lake.write(entry, "{");
    lake.write("raw/trams/more.csv", "id,day,line,driver,people\n9,2026-11-01,7,Eve,4\n");
    lake.call(&["clean"]).ok();
    let called = lake.call(&["aggregate"]);
    assert_eq!(called.status, 1);
    assert!(
        called.stderr.contains("change stays as it is") && called.stderr.contains("daily/month=2026-10"),
        "{}",
        called.stderr
    );
    std::fs::write(lake.path().join(entry), before).unwrap();
    lake.call(&["aggregate"]).ok();
    let people = lake.query("SELECT people FROM trams.change WHERE day = DATE '2026-11-01'");
    assert_eq!(people, [json!({"people": 5})]);

    // An object that is not what its entry says is made again, then read.
    let object = "consumption/trams/daily/month=2026-10/data.parquet";
    lake.write(object, "nothing");
    assert_eq!(made(&lake.call(&["aggregate"]).ok()), ["daily month=2026-10"]);
}

#[test]
fn what_a_model_could_not_make_is_missing_and_not_gone() {
    let lake = chained();
    lake.call(&["aggregate"]).ok();
    let change = || lake.query("SELECT day, people FROM trams.change ORDER BY day");
    let before = change();
    // A model that is new, and fails: nothing of what reads it is known to be gone.
    let failing = DAILY.replace("\n\nSELECT", "\n-- [[test]]\n-- range = { people = [0, 0] }\n\nSELECT");
    lake.write("config/datasets/trams/by_day.sql", failing);
    lake.write("config/datasets/trams/change.sql", CHANGE.replace("daily", "by_day"));
    for _ in 0..2 {
        let called = lake.call(&["aggregate"]);
        assert!(called.status == 1 && called.stderr.contains("by_day"), "{}", called.stderr);
        assert_eq!(change(), before);
    }
    lake.write("config/datasets/trams/by_day.sql", DAILY);
    lake.call(&["aggregate"]).ok();
    assert_eq!(change(), before);
    lake.call(&["verify"]).ok();
}

#[test]
fn inputs_that_are_models_are_checked() {
    let lake = chained();
    let check = |file: &str, text: &str, says: &str| {
        lake.write(&format!("config/datasets/trams/{file}"), text);
        let called = lake.call(&["dataset", "check", lake.path().join("config/datasets/trams").to_str().unwrap()]);
        assert!(called.stderr.contains(says), "{says:?} is not in: {}", called.stderr);
    };
    let daily = |inputs: &str| DAILY.replace("[\"ride\"]", inputs);
    check("daily.sql", &daily("[\"ride\", \"change\"]"), "change, daily read each other in a circle");
    check("daily.sql", &daily("[\"ride\", \"daily\"]"), "circle");
    check(
        "daily.sql",
        &DAILY.replace("-- partition = \"month(day)\"\n", ""),
        "the first input, daily, is not cut by time",
    );
    check("daily.sql", &DAILY.replace("-- inputs", "-- hidden = [\"day\"]\n-- inputs"), "daily hides the column");
    check("daily.sql", DAILY, "");
    check(
        "change.sql",
        &CHANGE
            .replace("month(day)", "month(due)")
            .replace("SELECT day,", "SELECT day + INTERVAL '40' DAY AS due, day,"),
        "the first input, daily, is cut by \"day\": name that column in place of \"due\"",
    );
    check("change.sql", CHANGE, "");
    check("daily.sql", DAILY, "");
    check("change.sql", &CHANGE.replace("people - lag", "persons - lag"), "persons");
}

#[test]
fn personal_values_stay_personal_through_models() {
    let lake = chained();
    lake.write(
        "config/datasets/trams/daily.sql",
        "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n\nSELECT day, sum(people) AS people, max(driver) AS who FROM ride GROUP BY day\n",
    );
    lake.write(
        "config/datasets/trams/change.sql",
        "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"daily\"]\n-- [[test]]\n-- accepted = { name = [\"Zoe\"] }\n\nSELECT day, who AS name FROM daily\n",
    );
    let called = lake.call(&["aggregate"]);
    assert_eq!(called.status, 1);
    assert!(called.stderr.contains("name = ***"), "{}", called.stderr);
    for name in ["Ada", "Bob", "Cid"] {
        assert!(!called.stderr.contains(name), "a personal value is shown: {}", called.stderr);
    }
}

#[test]
fn personal_values_are_hashed_in_what_is_read_of_models() {
    let lake = chained().with("PERSONAL_KEY", "k");
    let daily = |shown: &str| {
        let model = "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n\n";
        let sql = format!("{model}SELECT day, id, {shown} FROM ride\n");
        lake.write("config/datasets/trams/daily.sql", sql);
    };
    daily("driver, upper(driver) AS who, id * length(driver) AS number, CAST(length(driver) AS DOUBLE) AS long");
    lake.write(
        "config/datasets/trams/change.sql",
        "-- [model]\n-- partition = \"month(day)\"\n-- split = [\"name\"]\n-- hash_personal = true\n-- inputs = [\"daily\"]\n\n\
         SELECT day, id, who AS name, driver, number, long FROM daily\n",
    );
    lake.call(&["dataset", "check", lake.path().join("config/datasets/trams").to_str().unwrap()]).ok();
    lake.call(&["aggregate"]).ok();
    let rows = lake.query("SELECT name, driver, number, long FROM trams.change WHERE id = 1");
    for (column, is_hash) in [("name", true), ("driver", true), ("long", true), ("number", false)] {
        let value = &rows[0][column];
        assert_eq!(value.as_str().is_some_and(|text| text.len() == 64), is_hash, "{column}: {rows:?}");
    }
    assert_ne!(rows[0]["number"], 3, "a number is another number");

    // A column becomes personal that the model's own bytes do not show as such.
    daily("line AS driver, line AS who, people AS number, people AS long");
    lake.call(&["aggregate"]).ok();
    assert_eq!(lake.query("SELECT driver FROM trams.change WHERE id = 1"), [json!({"driver": "7"})]);
    let personal = DATASET.replace("[settings]\nleast = 1\n", "");
    let personal = personal.replace("line = { type = 'string' }", "line = { type = 'string', personal = true }");
    lake.write("config/datasets/trams/dataset.toml", personal);
    lake.call(&["aggregate"]).ok();
    let rows = lake.query("SELECT driver FROM trams.change WHERE id = 1");
    assert_eq!(rows[0]["driver"].as_str().unwrap().len(), 64, "{rows:?}");
}

#[test]
fn a_difference_is_not_told_of_what_reads_what_would_change() {
    let lake = chained();
    let diff = |lake: &TestLake| {
        let lines = lake.call(&["aggregate", "--diff"]).ok().json()["planned"].as_array().cloned().unwrap();
        lines.into_iter().filter(|line| line["model"] != "report").collect::<Vec<_>>()
    };
    for line in diff(&lake) {
        let is_compared = line["model"] == "daily";
        assert_eq!(
            (line["rows_after"].is_u64(), line["not_compared"].is_string()),
            (is_compared, !is_compared),
            "{line}"
        );
    }
    lake.call(&["aggregate"]).ok();
    lake.write("raw/trams/more.csv", "id,day,line,driver,people\n9,2026-10-31,7,Eve,1\n");
    lake.call(&["clean"]).ok();
    lake.write("config/datasets/trams/change.sql", CHANGE.replace("people - lag", "1 + people - lag"));
    let lines = diff(&lake);
    let october = lines.iter().find(|line| line["model"] == "change" && line["partition"] == "month=2026-10").unwrap();
    assert_eq!(october["not_compared"], "daily month=2026-10 would be made before");
    let december = lines.iter().find(|line| line["model"] == "change" && line["partition"] == "month=2026-12").unwrap();
    assert!(december["not_compared"].is_null() && december["rows_after"] == 1, "{lines:?}");
}

#[test]
fn rows_of_days_that_no_partition_can_have_are_named() {
    let lake = lake("");
    lake.write("config/datasets/trams/people.sql", format!("{}{SQL}", MODEL.replace("month(day)", "school_year(day)")));
    lake.write("raw/trams/more.csv", "id,day,line,driver,people\n9,1950-10-01,7,Eve,1\n10,2025-10-05,7,Eve,1\n");
    lake.call(&["clean"]).ok();
    let called = lake.call(&["aggregate"]);
    let says =
        "trams.people leaves out rows of trams/ride/month=1950-10/more.csv.parquet, which has days from 1950-10-01";
    assert!(called.status == 1 && called.stderr.contains(says), "{}", called.stderr);
    assert_eq!(people(&lake).len(), 4, "the others are made");
    lake.write("raw/trams/more.csv", "id,day,line,driver,people\n10,2025-10-05,7,Eve,1\n");
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
}

#[test]
fn names_are_such_as_sql_folders_and_catalogs_take() {
    for (file, says) in [
        ("a b.sql", "\"a b\" is no name"),
        ("report.html.sql", "\"report.html\" is no name"),
        ("2x.sql", "\"2x\" is no name"),
        ("été.sql", "is no name"),
        ("People.sql", "there is already something named"),
        ("ride.sql", "there is already something named \"ride\""),
    ] {
        let lake = TestLake::new("http://127.0.0.1:9/");
        lake.write("config/datasets/trams/dataset.toml", DATASET);
        for file in ["people.sql", file] {
            lake.write(&format!("config/datasets/trams/{file}"), format!("{MODEL}{SQL}"));
        }
        let called = lake.call(&["dataset", "check", lake.path().join("config/datasets/trams").to_str().unwrap()]);
        assert!(called.status == 2 && called.stderr.contains(says), "{file}: {}", called.stderr);
    }
}

#[test]
fn a_csv_file_has_no_name_of_a_partition() {
    let lake = TestLake::new("http://127.0.0.1:9/");
    let dataset = DATASET.replace("'month(day)'", "'file'").replace("[settings]\nleast = 1\n", "");
    lake.write("config/datasets/trams/dataset.toml", dataset.replace("key_decides_day = true\n", ""));
    let model = "-- [model]\n-- partition = \"file\"\n-- inputs = [\"ride\"]\n-- csv = { name = \"c\" }\n\nSELECT file, id FROM ride\n";
    lake.write("config/datasets/trams/rides.sql", model);
    let called = lake.call(&["dataset", "check", lake.path().join("config/datasets/trams").to_str().unwrap()]);
    assert!(called.status == 2 && called.stderr.contains("file=NAME"), "{}", called.stderr);
}

#[test]
fn unit_tests_give_rows_of_models() {
    let lake = chained();
    lake.call(&["aggregate"]).ok();
    let drafted = lake.call(&["test", "--draft", "trams.change"]).ok();
    assert!(drafted.stdout.contains("[[test.given.daily]]"), "{}", drafted.stdout);
    lake.write("config/datasets/trams/change.test.toml", &drafted.stdout);
    lake.call(&["test", "trams"]).ok();
    lake.write("config/datasets/trams/change.test.toml", drafted.stdout.replace("given.daily", "given.ride"));
    let called = lake.call(&["test", "trams"]);
    assert!(called.status == 1 && format!("{}{}", called.stdout, called.stderr).contains("daily"), "{}", called.stdout);
}

/// A lake with a model that is made in several shards, or in one.
fn in_shards(declared: &str) -> TestLake {
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write("config/datasets/trams/dataset.toml", DATASET);
    let model = "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n-- look_back_days = 3\n";
    let sql = "\nSELECT id, day, line, people, sum(people) OVER (PARTITION BY line ORDER BY day, id) AS so_far FROM ride \
        CROSS JOIN settings WHERE people >= settings.least ORDER BY line, day, id\n";
    lake.write("config/datasets/trams/so_far.sql", format!("{model}{declared}{sql}"));
    let ride = |number: u32| format!("{number},2026-10-{:02},{},Ada,{}\n", 1 + number % 31, number % 13, number % 5);
    let rides: String = (0..2_000).map(ride).collect();
    lake.write("raw/trams/rides.csv", format!("id,day,line,driver,people\n{rides}"));
    lake.call(&["clean"]).ok();
    lake
}

const SO_FAR: &str = "consumption/trams/so_far/month=2026-10/data.parquet";

fn kept(lake: &TestLake) -> Vec<std::path::PathBuf> {
    let mut folders = vec![lake.path().join("batch/shards")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

#[test]
fn a_partition_in_shards_has_the_rows_of_one_that_is_made_as_a_whole() {
    let rows = |lake: &TestLake| lake.query("SELECT * FROM trams.so_far ORDER BY id");
    let whole = in_shards("");
    whole.call(&["aggregate"]).ok();
    let sharded = in_shards(
        "-- shard = [\"line\"]\n-- shard_bytes = 2000\n-- [[test]]\n-- unique = [\"id\"]\n-- not_null = [\"so_far\"]\n",
    );
    let planned = sharded.call(&["aggregate", "--plan"]).ok();
    assert!(planned.stdout.contains("so_far"), "{}", planned.stdout);
    sharded.call(&["aggregate"]).ok();
    assert_eq!(rows(&sharded), rows(&whole));
    assert_eq!(rows(&sharded).len(), 1_600);
    assert_eq!(kept(&sharded), Vec::<std::path::PathBuf>::new(), "what is committed needs no shards");
    sharded.call(&["verify"]).ok();
    assert_eq!(made(&sharded.call(&["aggregate"]).ok()), Vec::<String>::new());
    assert_eq!(sharded.call(&["aggregate", "--all"]).ok().json()["aggregated"][0]["changed"], false);
    let diff = sharded.call(&["aggregate", "--all", "--diff"]).ok().json();
    assert_eq!((&diff["planned"][0]["added"], &diff["planned"][0]["removed"]), (&json!(0), &json!(0)), "{diff}");
}

#[test]
fn shards_that_are_finished_are_not_made_again_and_damaged_ones_are() {
    let declared = "-- shard = [\"line\"]\n-- shard_bytes = 2000\n";
    let quiet = in_shards(declared);
    quiet.call(&["aggregate"]).ok();
    let lake = in_shards(declared);
    let shard = |number: u64| json!({"do": "shard", "dataset": "trams", "model": "so_far", "partition": "month=2026-10", "number": number, "of": 3});
    let job = |id: &str, shares: &[Value]| {
        lake.write(&format!("batch/{id}.json"), json!({"title": id, "shares": shares}).to_string());
        lake.call(&["job", id]).ok();
    };
    // One child of three, as if the others had been killed.
    job("one", &[shard(1)]);
    let first = kept(&lake);
    assert!(!first.is_empty() && kept(&quiet).is_empty());
    let time = |path: &std::path::PathBuf| std::fs::metadata(path).unwrap().modified().unwrap();
    let times: Vec<_> = first.iter().map(time).collect();
    job("more", &[shard(0), shard(1)]);
    let more = kept(&lake);
    assert!(more.len() > first.len() && first.iter().all(|path| more.contains(path)), "{more:?}");
    assert_eq!(first.iter().map(time).collect::<Vec<_>>(), times, "a finished shard is not written again");

    let damaged = &first[0];
    let mut bytes = std::fs::read(damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(damaged, bytes).unwrap();
    lake.call(&["aggregate"]).ok();
    let bytes = |lake: &TestLake| std::fs::read(lake.path().join(SO_FAR)).unwrap();
    assert!(bytes(&lake) == bytes(&quiet), "the same bytes, whoever made the shards and in which order");
    assert_eq!(kept(&lake), Vec::<std::path::PathBuf>::new());

    // What a run that will never be finished has left is not mistaken for anything.
    lake.write("raw/trams/more.csv", "id,day,line,driver,people\n9000,2026-10-31,7,Eve,4\n");
    lake.call(&["clean"]).ok();
    job("late", &[shard(0)]);
    lake.write("raw/trams/more.csv", "id,day,line,driver,people\n9000,2026-10-31,7,Eve,3\n");
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    let people = lake.query("SELECT people FROM trams.so_far WHERE id = 9000");
    assert_eq!((people, kept(&lake).len()), (vec![json!({"people": 3})], 0));

    // What killed runs have left of what is committed, or of a model that is gone, is swept; what may still be asked for stays.
    let entry = std::fs::read(lake.path().join("ledger/consumption/trams/so_far/month=2026-10.json")).unwrap();
    let entry: Value = serde_json::from_slice(&entry).unwrap();
    let committed = format!("so_far/month=2026-10/{}/0-x", entry["fingerprint"].as_str().unwrap());
    for name in [committed.as_str(), "before/month=2026-10/abc/0-x", "so_far/month=2026-11/abc/1-x"] {
        lake.write(&format!("batch/shards/trams/{name}"), "left");
    }
    lake.call(&["aggregate"]).ok();
    assert_eq!(kept(&lake), [lake.path().join("batch/shards/trams/so_far/month=2026-11/abc/1-x")]);
}

#[test]
fn shards_are_declared_by_columns_that_there_are() {
    for (declared, says) in [
        ("-- shard = [\"stop\"]\n", "the first input, ride, has no column \"stop\""),
        ("-- shard_bytes = 5\n", "say by which columns"),
        ("-- shard = [\"line\"]\n-- shard_bytes = 0\n", "a byte at least"),
        ("-- shard = [\"line\"]\n-- split = [\"line\"]\n", "what is split is not made in shards"),
    ] {
        let lake = TestLake::new("http://127.0.0.1:9/");
        lake.write("config/datasets/trams/dataset.toml", DATASET);
        lake.write("config/datasets/trams/people.sql", format!("{MODEL}{declared}{SQL}"));
        let called = lake.call(&["dataset", "check", lake.path().join("config/datasets/trams").to_str().unwrap()]);
        assert!(called.status == 2 && called.stderr.contains(says), "{says:?} is not in: {}", called.stderr);
    }
}

#[test]
fn rows_of_different_shards_do_not_meet() {
    let lake = TestLake::new("http://127.0.0.1:9/");
    let more = "[table.stop]\nfrom = 'stops/*.csv'\npartition = 'month(day)'\n[table.stop.column]\n\
        line = { type = 'string' }\nday = { type = 'date', required = true }\nname = { type = 'string' }\n\
        [table.kind]\nfrom = 'kinds/*.csv'\n[table.kind.column]\nday = { type = 'date', required = true }\nkind = { type = 'string' }\n";
    let dataset = DATASET.replace("[settings]\nleast = 1\n", "");
    lake.write("config/datasets/trams/dataset.toml", format!("{dataset}{more}"));
    let folder = lake.path().join("config/datasets/trams");
    let check = |sql: &str| {
        let model = "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\", \"stop\", \"kind\"]\n-- shard = [\"line\"]\n\n";
        lake.write("config/datasets/trams/people.sql", format!("{model}{sql}\n"));
        lake.call(&["dataset", "check", folder.to_str().unwrap()])
    };
    for sql in [
        "SELECT day, line, people FROM ride WHERE people > 1 ORDER BY day",
        "SELECT day, line, sum(people) AS people FROM ride GROUP BY day, line",
        "SELECT day, line AS l, count(DISTINCT driver) AS drivers FROM (SELECT * FROM ride) GROUP BY 1, 2",
        "SELECT DISTINCT line, day FROM ride",
        "SELECT day, row_number() OVER (PARTITION BY line, day ORDER BY id) AS number FROM ride",
        "SELECT r.day, s.name FROM ride r JOIN stop s ON r.line = s.line AND r.day = s.day",
        "SELECT r.day, s.name FROM ride r LEFT JOIN stop s USING (line)",
        "SELECT r.day, k.kind FROM ride r LEFT JOIN kind k ON k.day = r.day",
        "SELECT r.day, k.kind FROM kind k JOIN ride r ON k.day = r.day",
        "SELECT r.day FROM ride r WHERE EXISTS (SELECT 1 FROM stop s WHERE s.line = r.line)",
        "SELECT r.day FROM ride r WHERE r.day IN (SELECT day FROM kind)",
        "SELECT day, line FROM ride UNION ALL SELECT day, line FROM stop",
        "SELECT day, line FROM ride UNION SELECT day, line FROM stop",
        "SELECT day, line FROM ride EXCEPT SELECT day, line FROM stop",
        "WITH total AS (SELECT line, sum(people) AS all FROM ride GROUP BY line) SELECT r.day, r.people, t.all FROM ride r JOIN total t ON t.line = r.line",
        "SELECT r.day, (SELECT max(kind) FROM kind) AS kind FROM ride r",
        "SELECT r.day, (SELECT max(name) FROM stop s WHERE s.line = r.line) AS name FROM ride r",
    ] {
        let called = check(sql);
        assert_eq!(called.status, 0, "{sql}: {}", called.stderr);
    }
    for (sql, says) in [
        ("SELECT day, sum(people) AS people FROM ride GROUP BY day", "GROUP BY"),
        ("SELECT day, upper(line) AS line, sum(people) AS people FROM ride GROUP BY day, upper(line)", "GROUP BY"),
        ("SELECT min(day) AS day, count(*) AS rows FROM ride", "GROUP BY"),
        ("SELECT day, line, sum(people) AS people FROM ride GROUP BY GROUPING SETS ((day), (day, line))", "GROUP BY"),
        ("SELECT DISTINCT day FROM ride", "DISTINCT"),
        ("SELECT day FROM ride UNION SELECT day FROM stop", "DISTINCT"),
        ("SELECT day, row_number() OVER (PARTITION BY day ORDER BY id) AS number FROM ride", "PARTITION BY"),
        ("SELECT day, lag(people) OVER (ORDER BY id) AS before FROM ride", "PARTITION BY"),
        ("SELECT r.day, s.name FROM ride r JOIN stop s ON r.day = s.day", "are joined"),
        ("SELECT r.day, s.name FROM ride r CROSS JOIN stop s", "are joined"),
        ("SELECT k.day, r.people FROM kind k LEFT JOIN ride r ON k.day = r.day", "from the other side"),
        ("SELECT k.day FROM kind k WHERE k.day NOT IN (SELECT day FROM ride)", "from the other side"),
        ("SELECT day, line FROM ride ORDER BY people LIMIT 3", "LIMIT"),
        ("SELECT day, line FROM ride UNION ALL SELECT day, kind FROM kind", "UNION"),
        ("SELECT day, kind FROM kind", "no row of the result"),
        ("SELECT r.day FROM ride r WHERE r.people = (SELECT max(people) FROM ride)", "GROUP BY"),
        ("SELECT r.day FROM ride r WHERE EXISTS (SELECT 1 FROM stop s WHERE s.day = r.day)", "are joined"),
    ] {
        let called = check(sql);
        assert!(called.status == 2 && called.stderr.contains(says), "{sql}: {says:?} is not in: {}", called.stderr);
    }

    for (kind, says) in [
        ("'int64'", "\"line\" has type Utf8 in ride, and Int64 in stop"),
        ("'float64'", "\"line\" of stop has type Float64"),
    ] {
        let other = more.replace("line = { type = 'string' }", &format!("line = {{ type = {kind} }}"));
        lake.write("config/datasets/trams/dataset.toml", format!("{dataset}{other}"));
        let called = check("SELECT day, line FROM ride");
        assert!(called.status == 2 && called.stderr.contains(says), "{says:?} is not in: {}", called.stderr);
    }
    lake.write("config/datasets/trams/dataset.toml", format!("{dataset}{more}"));

    // What would be wrong in two shards is not made in two.
    lake.write("raw/trams/rides.csv", RIDES);
    lake.call(&["clean"]).ok();
    check("SELECT day, sum(people) AS people FROM ride GROUP BY day");
    let sql = std::fs::read_to_string(folder.join("people.sql")).unwrap();
    let sql = sql.replace("-- shard = ", "-- shard_bytes = 1\n-- shard = ").replace(", \"stop\", \"kind\"", "");
    std::fs::write(folder.join("people.sql"), sql).unwrap();
    let called = lake.call(&["aggregate"]);
    assert!(called.status == 1 && called.stderr.contains("GROUP BY"), "{}", called.stderr);
}
