//! What analysts do with models: tests of their rows, unit tests, plans, differences, descriptions.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::process::Stdio;

use integration::TestLake;
use integration::trams::{DATASET, MODEL, RIDES, SQL, declare, lake, made, people};
use serde_json::{Value, json};

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
        let tested = lake.call(&["test", "trams"]);
        assert!(tested.status == 1 && tested.stdout.contains(&says[..10]), "{failing}: {tested:?}");
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
    let tested = lake.call(&["test", "trams"]).ok().json();
    let test = &tested["tests"][0];
    assert_eq!((&test["name"], &test["partitions"]), (&json!("range: people from 0 to 5"), &json!(2)), "{tested}");
    assert!(test["warnings"][0].as_str().unwrap().starts_with("month=2026-1"), "{tested}");
    let output = lake.command(&["test", "trams"]).output().unwrap().stdout;
    let text = String::from_utf8(output).unwrap();
    assert!(text.starts_with("warning trams.people: range: people from 0 to 5, over 2 partitions\n"), "{text}");
}

#[test]
fn committed_rows_are_tested_as_aggregate_tests_them() {
    let lake = lake("");
    let declare = |severity: &str| {
        let cut = format!(
            "-- [model]\n-- partition = \"month(day)\"\n-- split = [\"line\"]\n-- inputs = [\"ride\"]\n-- [[test]]\n\
             -- range = {{ rides = [5, inf] }}\n-- severity = \"{severity}\"\n\
             SELECT day, line, count(*) AS rides FROM ride GROUP BY day, line ORDER BY day, line\n"
        );
        lake.write("config/datasets/trams/cut.sql", cut);
    };
    declare("warn");
    let after =
        "-- [model]\n-- inputs = [\"cut\"]\n-- [[test]]\n-- not_null = [\"n\"]\nSELECT count(*) AS n FROM cut\n";
    lake.write("config/datasets/trams/after.sql", after);
    let aggregated = lake.call(&["aggregate"]).ok().json()["aggregated"].as_array().unwrap().clone();
    let warned: Vec<String> =
        aggregated.iter().filter_map(|made| Some(made["warnings"][0].as_str()?.to_owned())).collect();
    assert!(!warned.is_empty() && warned.iter().all(|warning| warning.contains("line = ")), "{aggregated:?}");
    let test = |name: &str| {
        let called = lake.call(&["test", "trams"]);
        let tests = called.json()["tests"].as_array().unwrap().clone();
        (tests.into_iter().find(|test| test["model"] == name).unwrap(), called.stderr)
    };
    let (cut, _) = test("cut");
    let again: Vec<&str> = cut["warnings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(again.len(), warned.len());
    assert!(again.iter().zip(&warned).all(|(again, warned)| again.ends_with(warned.as_str())), "{again:?} {warned:?}");

    // What reads a model whose rows fail is tested as it is.
    declare("error");
    assert_eq!(lake.call(&["aggregate"]).status, 1);
    let ((cut, told), (after, _)) = (test("cut"), test("after"));
    assert_eq!((&cut["ok"], &after["ok"], &after["partitions"]), (&json!(false), &json!(true), &json!(1)));
    assert!(!told.contains("wait for"), "{told}");
}

#[test]
fn a_model_without_rows_keeps_no_test_waiting() {
    let lake = lake("");
    let none = "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n\
        SELECT day, line FROM ride WHERE people > 1000\n";
    lake.write("config/datasets/trams/none.sql", none);
    let after = "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"none\"]\n-- [[test]]\n\
        -- unique = [\"day\", \"line\"]\nSELECT day, line FROM none\n";
    lake.write("config/datasets/trams/after.sql", after);
    lake.call(&["aggregate"]).ok();
    let tested = lake.call(&["test", "trams"]).ok().json();
    assert_eq!((&tested["ok"], &tested["errors"]), (&json!(true), &json!([])), "{tested}");
}

#[test]
fn every_column_that_is_built_in_is_described() {
    let lake = TestLake::new("http://127.0.0.1:9/");
    let described = lake.call(&["describe"]).ok().json();
    let mut columns = 0;
    for dataset in described["datasets"].as_array().unwrap() {
        for relation in ["tables", "models"].iter().flat_map(|kind| dataset[*kind].as_array().unwrap()) {
            for column in relation["columns"].as_array().unwrap() {
                columns += 1;
                assert!(!column["about"].as_str().unwrap().is_empty(), "{}: {relation}: {column}", dataset["dataset"]);
            }
        }
    }
    assert!(columns > 400, "{columns}");
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
fn a_unit_test_is_drafted_where_folders_cut_the_table_and_months_the_model() {
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write(
        "config/datasets/buses/dataset.toml",
        "title = 'Buses'\ntime_zone = 'UTC'\n[table.ride]\nfrom = ['date=*/rides.csv']\npartition = 'date'\nkey = ['id']\n\
         [table.ride.column]\nid = { type = 'int64', required = true }\n",
    );
    let model = "-- [model]\n-- partition = \"month(date)\"\n-- inputs = [\"ride\"]\n\nSELECT date, count(*) AS rides FROM ride GROUP BY date\n";
    lake.write("config/datasets/buses/by_day.sql", model);
    for (day, rows) in [("2026-10-31", "id\n1\n"), ("2026-11-01", "id\n2\n3\n")] {
        lake.write(&format!("raw/buses/date={day}/rides.csv"), rows);
    }
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    let draft = lake.call(&["test", "--draft", "buses.by_day"]).ok().stdout;
    assert!(draft.contains("2026-11-01") && !draft.contains("2026-10-31"), "{draft}");
    lake.write("config/datasets/buses/by_day.test.toml", draft);
    lake.call(&["test", "buses"]).ok();
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
    let warning = "-- [[test]]\n-- range = { people = [1000, inf] }\n-- severity = \"warn\"\n";
    declare(&lake, &format!("-- [[test]]\n-- unique = [\"line\"]\n{warning}"));
    let called = lake.call(&["aggregate", "--diff"]).ok();
    let preview = &called.json()["planned"][0];
    assert!(preview["why"].as_str().unwrap().contains("its SQL, tests"), "{preview}");
    assert!(preview["failed"][0].as_str().unwrap().contains("unique: line"), "{preview}");
    assert_eq!(preview["failed"].as_array().unwrap().len(), 1, "{preview}");
    assert!(preview["warnings"][0].as_str().unwrap().contains("people"), "{preview}");
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

    let described = lake.call(&["describe", "ride"]).ok().json();
    assert_eq!(described["datasets"][0]["tables"][0]["table"], "ride", "one dataset alone has it: {described}");

    let lineage = lake.call(&["lineage", "codetrack.settings"]).ok().json();
    let settings = lineage["columns"].as_array().unwrap();
    assert!(settings.iter().any(|setting| setting["to"][0]["column"].is_string()), "{lineage}");
    let lineage = lake.call(&["lineage", "people.people"]).ok().json();
    let column = &lineage["columns"][0];
    assert_eq!(column["column"], "trams.people.people", "{lineage}");
    assert_eq!(column["from"][0]["column"], "trams.ride.people", "{lineage}");
    let text = String::from_utf8(lake.command(&["lineage", "trams.ride.people"]).output().unwrap().stdout).unwrap();
    assert!(text.starts_with("trams.ride.people\n  to   trams.people.people\n"), "{text}");
    for (name, why) in [
        ("trams.people.peopl", "did you mean \"people\""),
        ("trams.rides", "it has ride"),
        ("nothing", "DATASET.MODEL"),
    ] {
        let called = lake.call(&["lineage", name]);
        assert!(called.status == 2 && called.stderr.contains(why), "{name}: {}", called.stderr);
    }

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
    let pruned = doctor(&["clean", "--prune", "--dry-run"]).unwrap();
    let last: Value = serde_json::from_slice(&pruned.stdout).unwrap();
    assert_eq!(
        (pruned.status.code(), &last["gone"], &last["kept"]),
        (Some(0), &json!(["energy_usage/a.csv"]), &json!([]))
    );
    std::fs::rename(lake.path().join("a.csv"), lake.path().join("new lake/raw/energy_usage/a.csv")).unwrap();
    for (key, status, waiting) in [
        ("energy_usage/a.csv", 0, json!(["energy_usage/a.csv"])),
        ("energy_usage/b.csv", 1, json!([])),
        ("trams/a.csv", 2, json!([])),
    ] {
        let named = doctor(&["clean", key, "--dry-run"]).unwrap();
        let last: Value = serde_json::from_slice(&named.stdout).unwrap();
        assert_eq!((named.status.code(), &last["waiting"]), (Some(status), &waiting), "{key}: {last}");
        assert_eq!(last["errors"].as_array().unwrap().len(), usize::from(status > 0), "{key}: {last}");
    }
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
fn a_page_describes_the_lake() {
    let lake = lake("").with("REPORT_PAGES", "on");
    lake.write("config/datasets/trams/report.toml", REPORT);
    lake.call(&["aggregate"]).ok();
    let page = || std::fs::read_to_string(lake.path().join("consumption/catalog.html")).unwrap_or_default();
    assert_eq!(page(), "", "it is made when it is asked for");
    lake.call(&["report"]).ok();
    for part in [
        "id=\"trams.people\"",
        "Number of the ride; required",
        "<a href=\"#trams.ride\">ride.people</a>",
        "FROM ride",
        "2026-11",
        "last aggregated",
    ] {
        assert!(page().contains(part), "{part} is not in {}", page());
    }
    assert!(!["Ada", "Bob", "Cid"].iter().any(|name| page().contains(name)), "{}", page());
    let index = std::fs::read_to_string(lake.path().join("consumption/index.html")).unwrap();
    assert!(index.contains("href=\"catalog.html\""), "{index}");
    lake.call(&["verify"]).ok();
    std::fs::remove_file(lake.path().join("consumption/catalog.html")).unwrap();
    assert_eq!(lake.call(&["verify"]).status, 1);
    lake.call(&["verify", "--repair"]).ok();
    assert!(page().contains("id=\"trams.people\""));
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
fn a_map_has_each_place_with_its_newest_day() {
    let lake = lake("");
    let model =
        "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n-- geojson = { name = \"lines\"OPTIONS }\n";
    let sql = "SELECT day, line, count(*) AS rides, 4.4 AS longitude, CASE WHEN line < '7' THEN 51 END AS latitude, 1 AS \"odd \"\"name\"\"\"\n\
        FROM ride\nGROUP BY day, line\n";
    let declare = |options: &str| {
        lake.write("config/datasets/trams/lines.sql", format!("{}\n{sql}", model.replace("OPTIONS", options)));
    };
    let points = || -> Vec<Value> {
        let text = std::fs::read_to_string(lake.path().join("consumption/trams/lines.geojson")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["features"].as_array().unwrap().clone()
    };
    let rides = "id,day,line,driver,people\n1,2026-11-01,7,Ann,3\n2,2026-11-01,4,Ann,3\n3,2026-11-02,4,Bob,5\n";
    lake.write("raw/trams/rides.csv", rides);
    declare("");
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    assert_eq!(points().len(), 3);
    declare(", id = \"line\"");
    lake.call(&["aggregate"]).ok();
    let [four, seven] = <[Value; 2]>::try_from(points()).unwrap();
    assert_eq!((&four["id"], &four["properties"]["day"]), (&json!("4"), &json!("2026-11-02")));
    assert_eq!(four["geometry"]["coordinates"], json!([4.4, 51]));
    assert_eq!((&seven["id"], &seven["geometry"]), (&json!("7"), &Value::Null));
    lake.call(&["verify"]).ok();
    assert_eq!(lake.call(&["aggregate"]).ok().json()["aggregated"], json!([]), "nothing is to be done again");
    for (options, why) in [
        (", longitude = \"lon\"", "no column \"lon\"; it has"),
        (", longitude = \"day\"", "the column \"day\" is Date32, which is no type of degrees"),
        (", id = \"day\"", "which is no type of an id"),
    ] {
        declare(options);
        let called = lake.call(&["dataset", "check", lake.path().join("config/datasets/trams").to_str().unwrap()]);
        assert!(called.status == 2 && called.stderr.contains(why), "{} {}", called.stdout, called.stderr);
    }
    std::fs::remove_file(lake.path().join("config/datasets/trams/lines.sql")).unwrap();
    lake.call(&["aggregate"]).ok();
    assert!(!lake.path().join("consumption/trams/lines.geojson").exists());
    lake.call(&["verify"]).ok();
}

#[test]
fn results_are_there_for_spreadsheets() {
    let lake = lake("");
    let csv = |arguments: &[&str]| {
        let output = lake.command(&[&["--output", "csv"], arguments].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(csv(&["query", "SELECT id, line FROM trams.ride WHERE id = 4"]), "id,line\n4,7\n");
    let described = csv(&["describe", "trams.ride"]);
    let mut lines = described.lines();
    assert!(lines.next().unwrap().contains("datasets.tables.columns.column,datasets.tables.columns.type"));
    assert!(lines.any(|line| line.contains(",driver,string,")), "{described}");
    assert!(csv(&["aggregate"]).contains("trams,people,month=2026-10,"));
    assert_eq!(csv(&["verify"]).lines().count(), 2, "a header, and one report");
    assert!(csv(&["schema", "trams", "--dialect", "duckdb"]).contains("CREATE "), "SQL is no list");
}

#[test]
fn a_key_that_replaces_much_of_a_file_is_doubted() {
    let lake = lake("");
    let summary = |same: u32| {
        let row = |n: u32| format!("{},2026-10-01,7,Ada,{n}\n", if n < same { 1000 } else { n });
        let rows: String = (0..100).map(row).collect();
        lake.write("raw/trams/rides.csv", format!("id,day,line,driver,people\n{rows}"));
        let output = lake.command(&["clean"]).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let doubt = "of 100 rows of trams/rides.csv are replaced by others of the same key";
    assert!(summary(40).contains(&format!("39 {doubt}")), "{}", summary(40));
    assert!(!summary(9).contains(doubt), "a few are corrections");
}

#[test]
fn lineage_is_there_for_other_catalogs() {
    let lake = lake("");
    let events = |arguments: &[&str]| -> Vec<Value> {
        let called = lake.call(&[&["lineage", "--openlineage"], arguments].concat()).ok();
        called.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let names = |events: &[Value]| -> Vec<String> {
        let name = |event: &Value| {
            format!("{} {}", event["eventType"].as_str().unwrap(), event["job"]["name"].as_str().unwrap())
        };
        events.iter().map(name).collect()
    };
    assert_eq!(
        names(&events(&["trams"])),
        ["START trams.ride.clean", "COMPLETE trams.ride.clean"],
        "no partition is made yet"
    );
    lake.call(&["aggregate"]).ok();
    let made = events(&["trams"]);
    assert_eq!(names(&made)[2..], ["START trams.people.aggregate", "COMPLETE trams.people.aggregate"]);
    assert_eq!(events(&[]).len(), made.len(), "of other datasets there is nothing yet");
    let [read, written] = [&made[3]["inputs"][0], &made[3]["outputs"][0]];
    let below = |zone: &str| lake.path().join(zone).display().to_string();
    assert_eq!(*read, json!({"namespace": "file", "name": below("standard/trams/ride")}));
    assert_eq!(written["name"], json!(below("consumption/trams/people")));
    assert_eq!(
        written["facets"]["columnLineage"]["fields"]["people"]["inputFields"],
        json!([{"namespace": "file", "name": below("standard/trams/ride"), "field": "people"}])
    );
    assert_eq!(made[3]["run"], made[2]["run"]);
    assert_eq!(events(&["trams"]), made, "the same runs are the same events");
    assert_eq!(lake.call(&["lineage", "--openlineage", "tram"]).status, 2);
    // One that is broken stops no other, and is named.
    lake.write("config/datasets/club/dataset.toml", "title = 1\n");
    for command in [&["lineage", "--openlineage"][..], &["describe"]] {
        let called = lake.call(command);
        assert!(called.status == 2 && called.stderr.contains("club"), "{}", called.stderr);
        assert!(called.stdout.contains("people"), "{}", called.stdout);
    }
}

#[test]
fn doctor_misses_the_key_of_hashes() {
    let lake = lake("-- hash_personal = true\n");
    let called = lake.call(&["doctor"]);
    let why = "model: trams.people hashes personal values, and has no key for them: set PERSONAL_KEY";
    assert!(called.status == 1 && called.stderr.contains(why), "{}", called.stderr);
}

#[test]
fn values_are_not_cut_to_a_type_that_was_declared_later() {
    let lake = lake("");
    let decimals = DATASET.replace("people = { type = 'int64'", "people = { type = 'float64'");
    lake.write("config/datasets/trams/dataset.toml", &decimals);
    let rides = RIDES.replace("Ada,5\n", "Ada,6.5\n");
    lake.write("raw/trams/rides.csv", &rides);
    let december = "id,day,line,driver,people\n9,2026-12-02,7,Cid,2\n";
    lake.write("raw/trams/december.csv", december);
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    // What one file has is whole numbers by now; the other one is as it was.
    lake.write("config/datasets/trams/dataset.toml", DATASET);
    lake.write("raw/trams/december.csv", december.replace("Cid,2", "Cid,3"));
    lake.call(&["clean"]).ok();
    let called = lake.call(&["aggregate"]);
    assert_eq!(called.status, 1, "{}", called.stdout);
    let why = "column \"people\" of trams.ride is int64 and was float64 when some of its files were written: run `tributary clean --all --dataset trams`, then `tributary aggregate`";
    assert!(called.stderr.contains(why), "{}", called.stderr);
    let asked = lake.call(&["query", "SELECT people FROM trams.ride"]);
    assert!(asked.status == 1 && asked.stderr.contains(why), "{}", asked.stderr);
    lake.call(&["query", "SELECT id, line FROM trams.ride"]).ok();
    // December is whole numbers, and the months before it are as they were.
    let of_model = lake.call(&["query", "SELECT people FROM trams.people"]);
    let why = why.replace("trams.ride", "trams.people");
    assert!(of_model.status == 1 && of_model.stderr.contains(&why), "{}", of_model.stderr);
    assert_eq!(lake.query("SELECT count(*) AS n, max(line) AS line FROM trams.people"), [json!({"n": 4, "line": "8"})]);
    lake.call(&["clean", "--all", "--dataset", "trams"]).ok();
    lake.call(&["aggregate"]).ok();
    assert_eq!(people(&lake)[0]["people"], json!(6));
    lake.call(&["verify"]).ok();
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
fn a_model_that_is_wrong_leaves_what_is_said_of_others() {
    let lake = lake("");
    let wrong = "-- [model]\n-- inputs = [\"ride\"]\nSELECT nothing FROM ride\n";
    lake.write("config/datasets/trams/wrong.sql", wrong);
    let ranked = "-- [model]\n-- inputs = [\"ride\"]\nSELECT id, row_number() OVER (ORDER BY id) AS place FROM ride\n";
    lake.write("config/datasets/trams/ranked.sql", ranked);
    let called = lake.call(&["lineage", "people.people"]);
    assert!(called.status == 2 && called.stderr.contains("trams/wrong.sql"), "{}", called.stderr);
    assert_eq!(called.json()["columns"][0]["from"][0]["column"], "trams.ride.people");
    let listed = "-- Rides.\n--\n-- id     of the ride\n-- speed  is not known\n--\n-- [model]\n-- inputs = [\"ride\"]\nSELECT id FROM ride\n";
    lake.write("config/datasets/trams/listed.sql", listed);
    let described = lake.call(&["describe", "trams.listed"]).ok().json();
    let model = &described["datasets"][0]["models"][0];
    assert_eq!(
        (&model["about"], &model["columns"][0]["about"]),
        (&json!("Rides.\nspeed: is not known"), &json!("of the ride"))
    );
    std::fs::remove_file(lake.path().join("config/datasets/trams/listed.sql")).unwrap();
    let called = lake.call(&["describe", "trams"]);
    let told = called.stderr.contains("trams/wrong.sql: ") && called.status == 2;
    let models = called.json()["datasets"][0]["models"].clone();
    assert!(told && models[0]["columns"].as_array().unwrap().len() > 2, "{models} {}", called.stderr);
    let schema = lake.command(&["schema", "--dialect", "duckdb", "trams"]).output().unwrap();
    let (sql, why) = (String::from_utf8_lossy(&schema.stdout), String::from_utf8_lossy(&schema.stderr));
    assert!(!schema.status.success() && sql.contains("ride") && sql.contains("people"), "{sql}");
    assert!(why.contains("trams.ranked: column \"place\"") && why.contains("AS BIGINT) AS place"), "{why}");
    std::fs::remove_file(lake.path().join("config/datasets/trams/wrong.sql")).unwrap();
    let checked = lake.command(&["dataset", "check", lake.path().join("config/datasets/trams").to_str().unwrap()]);
    let said = String::from_utf8({ checked }.output().unwrap().stdout).unwrap();
    assert!(said.contains("is sound") && said.contains("note: trams.ranked: column \"place\""), "{said}");
}

#[test]
fn wrong_arguments_are_json_where_that_is_asked_for() {
    let lake = lake("");
    for arguments in [&["--output", "json", "nope"][..], &["--output=json", "run", "--from", "2026-13-01"]] {
        let called = lake.command(arguments).output().unwrap();
        let line: serde_json::Value = serde_json::from_slice(&called.stdout).unwrap();
        assert!(called.status.code() == Some(2) && line["ok"] == false, "{line}");
        assert!(line["errors"][0]["message"].as_str().is_some_and(|why| !why.is_empty()), "{line}");
    }
    let page = lake.command(&["man"]).output().unwrap().stdout;
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("TRIBUTARY SCHEMA") && page.contains("dialect"), "each command has its options");
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
    let ignored = "3 raw objects that no table takes: loose.csv, tram/november.csv, trams/rides.xyz";
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

#[test]
fn a_partition_of_which_nothing_would_be_left_stays_unless_that_is_wanted() {
    let lake = lake("");
    lake.write("config/datasets/trams/people.sql", format!("{MODEL}-- max_shrink = 0.5\n{SQL}"));
    lake.call(&["aggregate"]).ok();
    let rows = people(&lake);
    // A file whose rows are all gone by mistake.
    lake.write("raw/trams/rides.csv", "id,day,line,driver,people\n");
    lake.call(&["clean"]).ok();
    let called = lake.call(&["aggregate"]);
    assert!(called.status == 1 && called.stderr.contains("--allow-shrink"), "{}", called.stderr);
    assert_eq!(people(&lake), rows);
    lake.call(&["aggregate", "--allow-shrink"]).ok();
    let called = lake.call(&["query", "SELECT * FROM trams.people"]);
    assert!(called.status == 1 && called.stderr.contains("no rows yet"), "of rides there is none: {}", called.stderr);
}

#[test]
fn a_model_that_its_query_leaves_empty_is_one_without_rows() {
    let lake = lake("");
    lake.call(&["aggregate"]).ok();
    lake.write("config/datasets/trams/dataset.toml", DATASET.replace("least = 1", "least = 100"));
    lake.call(&["aggregate"]).ok();
    assert_eq!(people(&lake), Vec::<Value>::new());
}
