//! Models that read models.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use integration::TestLake;
use integration::trams::{DATASET, MODEL, SQL, lake, made, people};
use serde_json::{Value, json};

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
