//! What commands say to those who mistyped something: names that are there, the file and the line that is wrong.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use integration::{TestLake, tributary};
use serde_json::{Value, json};

const DATASET: &str = "title = 'Trams'\ntime_zone = 'UTC'\n\
    [settings]\nleast = 1\n\
    [table.ride]\nabout = 'Rides as they were counted, each from its first stop to its last, whatever the line was, and with the driver'\n\
    from = '*.csv'\npartition = 'month(day)'\nkey = ['id']\nkey_decides_day = true\n\
    [table.ride.column]\n\
    id = { type = 'int64', required = true }\n\
    day = { type = 'date', required = true }\n\
    line = { type = 'int64' }\n\
    driver = { type = 'string', personal = true }\n";
const BY_DAY: &str = "-- Rides per day.\n--\n-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n\n\
    SELECT day, count(*) AS rides, max(upper(driver)) AS last_name, count(DISTINCT driver) AS drivers\n\
    FROM ride, settings WHERE line >= settings.least GROUP BY day ORDER BY day\n";
const RIDES: &str = "id,day,line,driver\n1,2026-10-01,7,Ada\n2,2026-10-02,7,Bob\n";

fn lake() -> TestLake {
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write("config/datasets/trams/dataset.toml", DATASET);
    lake.write("config/datasets/trams/by_day.sql", BY_DAY);
    lake.write("raw/trams/rides.csv", RIDES);
    lake
}

fn made() -> TestLake {
    let lake = lake();
    lake.call(&["clean"]).ok();
    lake.call(&["aggregate"]).ok();
    lake
}

/// `tributary` in a folder; the status, and what it prints.
fn called(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(tributary()).env_clear().current_dir(folder).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&text).into_owned())
}

fn checked(lake: &TestLake) -> (i32, String) {
    called(lake.path(), &["dataset", "check", "config/datasets/trams"])
}

#[test]
fn queries_are_answered_in_names_that_there_are() {
    let lake = made();
    for (sql, says) in [
        ("SELECT * FROM by_day", "there is no \"by_day\" without its dataset: write trams.by_day"),
        ("SELECT * FROM by_dy", "did you mean trams.by_day?"),
        ("SELECT * FROM tram.by_day", "there is no dataset \"tram\""),
        ("SELECT * FROM tram.by_day", "did you mean \"trams\"?"),
        ("SELECT * FROM trams.rides", "trams has no \"rides\"; it has ride, by_day; did you mean \"ride\"?"),
        ("SELECT averag(rides) FROM trams.by_day", "there is no function averag(); did you mean avg()?"),
        ("SELECT 1; SELECT 2", "one is taken at a time"),
        ("SELECT * FORM trams.ride", "the query is not understood: "),
        (
            "SELECT * FROM trams.ride WHERE line = 'x'",
            "\"line\" is a whole number, and the query compares it with a text",
        ),
        ("DESCRIBE trams.ride", "`tributary describe DATASET.NAME`"),
        ("SHOW COLUMNS FROM trams.ride", "`tributary describe DATASET.NAME`"),
    ] {
        let called = lake.call(&["query", sql]);
        assert!(called.status != 0 && called.stderr.contains(says), "{sql}: {}", called.stderr);
        for word in ["datafusion", "ParserError", "not implemented", "Error during"] {
            assert!(!called.stderr.contains(word), "{sql}: {}", called.stderr);
        }
    }
    assert_eq!(lake.query("SELECT value AS n FROM generate_series(1, 2)").len(), 2, "a function is no table");
    let width = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap();
    let shown = lake.command(&["query", "SHOW TABLES"]).output().unwrap().stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(width(&shown) <= 120 && shown.contains("trams.ride") && shown.contains('…'), "{shown}");
    let csv = String::from_utf8(lake.command(&["query", "--csv", "SHOW TABLES"]).output().unwrap().stdout).unwrap();
    assert!(csv.contains("whatever the line was, and with the driver"), "{csv}");
}

#[test]
fn models_are_named_with_their_dataset_or_without() {
    let lake = lake();
    lake.write("config/datasets/buses/dataset.toml", DATASET.replace("Trams", "Buses"));
    lake.write("config/datasets/buses/by_day.sql", BY_DAY);
    lake.write("raw/buses/rides.csv", RIDES);
    lake.call(&["clean"]).ok();
    let models = |arguments: &[&str]| {
        let called = lake.call(&[&["aggregate"], arguments].concat()).ok().json();
        let made = called["aggregated"].as_array().unwrap().clone();
        made.iter().map(|made| format!("{}.{}", made["dataset"], made["model"])).collect::<Vec<_>>()
    };
    let planned = lake.call(&["aggregate", "--plan", "--model", "buses.by_day"]).ok().json();
    assert_eq!(planned["planned"].as_array().map(Vec::len), Some(1), "{planned}");
    assert_eq!(models(&["--model", "trams.by_day"]), ["\"trams\".\"by_day\""]);
    assert_eq!(models(&["--model", "by_day"]), ["\"buses\".\"by_day\""], "both are meant");
    assert_eq!(
        models(&["--all", "--model", "trams.by_day", "--model", "buses.by_day"]),
        ["\"buses\".\"by_day\"", "\"trams\".\"by_day\""]
    );
    for (arguments, says) in [
        (["aggregate", "--model", "by_dya"], "did you mean buses.by_day?"),
        (["aggregate", "--model", "trams.day"], "trams has no model \"day\"; it has by_day"),
        (["aggregate", "--model", "nothing_like_it"], "`tributary describe` lists those of each dataset"),
        (["test", "--draft", "trams.foo"], "trams has no model \"foo\"; it has by_day"),
        (["test", "--draft", "by_day"], "write buses.by_day or trams.by_day"),
    ] {
        let called = lake.call(&arguments);
        assert!(called.status == 2 && called.stderr.contains(says), "{arguments:?}: {}", called.stderr);
    }
    let called = lake.call(&["aggregate", "--dataset", "trams", "--model", "buses.by_day"]);
    assert!(called.status == 2 && called.stderr.contains("is not of the dataset trams"), "{}", called.stderr);
}

#[test]
fn what_derives_from_personal_columns_is_described_as_such() {
    let lake = made();
    let described = lake.call(&["describe", "trams.by_day"]).ok().json();
    let columns = described["datasets"][0]["models"][0]["columns"].as_array().unwrap().clone();
    let personal: Vec<&Value> =
        columns.iter().filter(|column| column["personal"] == true).map(|column| &column["column"]).collect();
    assert_eq!(personal, ["last_name"], "by whatever name; numbers of people name none");
    let schema = lake.command(&["schema", "--dialect", "spark", "trams.by_day"]).output().unwrap().stdout;
    let schema = String::from_utf8(schema).unwrap();
    let line = |name: &str| schema.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
    assert!(line("last_name").contains("(personal)") && !line("drivers").contains("(personal)"), "{schema}");
    let map = lake.call(&["dataset", "export-terraform"]).ok();
    let map: Value = serde_json::from_str(&map.stdout).unwrap();
    assert_eq!(map["trams"]["personal"], json!({"standard": ["ride/"], "consumption": ["by_day/"]}));
}

#[test]
fn mistakes_of_a_dataset_are_found_in_their_own_file() {
    let lake = lake();
    let change = "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"by_day\"]\n\nSELECT day, rides FROM by_day ORDER BY day\n";
    let case = "[[test]]\nname = 'n'\npartition = 'month=2026-10'\n\
        [[test.given.ride]]\nid = 1\nday = 2026-10-01\nline = 7\n[[test.expect]]\nday = 2026-10-01\nrides = 1\n";
    let page = "[[page]]\nname = 'report'\ntitle = 'T'\n\
        [page.headline]\nsql = 'SELECT count(*) AS late FROM trams.by_day'\ntext = '{late:Words} days'\n\
        [[page.section]]\n[[page.section.chart]]\nkind = 'bars'\ntitle = 'C'\n\
        sql = 'SELECT day, rides FROM trams.by_day'\nx = 'day'\ny = 'rides'\n";
    let files = [
        ("dataset.toml", DATASET),
        ("by_day.sql", BY_DAY),
        ("another.sql", change),
        ("by_day.test.toml", case),
        ("report.toml", page),
    ];
    let write = |name: &str, text: &str| lake.write(&format!("config/datasets/trams/{name}"), text);
    let restore = || files.into_iter().for_each(|(name, text)| write(name, text));
    restore();
    let (status, text) = checked(&lake);
    assert!(
        status == 0 && text.contains("`tributary clean` and `tributary aggregate` take what is below raw/trams/"),
        "{text}"
    );

    for (name, text, says) in [
        (
            "by_day.sql",
            BY_DAY.replace("FROM ride,", "FROM record,"),
            "trams/by_day.sql: there is no table \"record\" here; the query can read calendar, period, ride, settings",
        ),
        ("by_day.sql", BY_DAY.replace("SELECT day, ", "SELECT "), "trams/by_day.sql: [model]: partition"),
        (
            "by_day.sql",
            BY_DAY.replace("count(DISTINCT driver) AS drivers", "count(DISTINCT driver)"),
            "without quotes: name it, as in count(DISTINCT ride.driver) AS value",
        ),
        ("by_day.sql", BY_DAY.replace("SELECT day", "SELECT now(), day"), "gives another value each time"),
        ("by_day.sql", BY_DAY.replace("inputs", "input"), "trams/by_day.sql, line 5: [model]: unknown field `input`"),
        (
            "by_day.sql",
            BY_DAY.replace("\n\nSELECT", "\n-- [[test]]\n-- uniqe = [\"day\"]\n\nSELECT"),
            "trams/by_day.sql, line 7: [[test]] 1: unknown field `uniqe`",
        ),
        (
            "by_day.sql",
            BY_DAY.replace("\"ride\"", "\"rid\""),
            "trams/by_day.sql, line 5: inputs: \"rid\" is no table, view or model",
        ),
        ("by_day.test.toml", case.replace("given", "givne"), "unknown field `givne`"),
        (
            "by_day.test.toml",
            case.replace("given.ride", "given.rides"),
            "the model reads ride, and no rides; did you mean \"ride\"?",
        ),
        (
            "by_dy.test.toml",
            case.to_owned(),
            "there is no model by_dy.sql; there are another, by_day; did you mean \"by_day\"?",
        ),
        (
            "report.toml",
            page.replace("x = 'day'", "x = 'line'"),
            "chart \"C\": its query returns no column \"line\"; it returns day, rides",
        ),
        (
            "report.toml",
            page.replace("{late:Words}", "{lat:Words}"),
            "headline: its query returns no column \"lat\"; it returns late",
        ),
        ("delay.SQL", change.to_owned(), "delay.SQL has no effect: is it meant to be delay.sql?"),
        ("dataset.tml", DATASET.to_owned(), "dataset.tml has no effect: is it meant to be dataset.toml?"),
        (
            "dataset.toml",
            DATASET.replace("type = 'date'", "type = 'date', format = '%d/%q/%Y'"),
            "%d/%q/%Y\" is no whole date",
        ),
    ] {
        write(name, &text);
        let (status, shown) = checked(&lake);
        assert!(status == 2 && shown.contains(says), "{name}: {says:?} is not in: {shown}");
        assert!(!shown.contains("hint: it sees"), "{shown}");
        std::fs::remove_file(lake.path().join("config/datasets/trams").join(name)).unwrap();
        restore();
    }

    // What one model has wrong is no fault of the models that read it.
    write("by_day.sql", &BY_DAY.replace("count(*) AS rides", "count(nothing) AS rides"));
    let (_, text) = checked(&lake);
    assert!(text.contains("trams/by_day.sql: ") && !text.contains("another.sql"), "{text}");
    restore();

    for (changed, says) in [
        (
            case.replace("rides = 1", "ridse = 1"),
            "expect: there is no column \"ridse\"; there are day, rides, last_name, drivers; did you mean \"rides\"?",
        ),
        (
            case.replacen("day = 2026-10-01", "day = '2026-10-1'", 1),
            "given.ride: day: \"2026-10-1\" is no date: write one like 2026-11-01",
        ),
    ] {
        write("by_day.test.toml", &changed);
        let called = lake.call(&["test", "trams"]);
        assert!(
            called.status == 1 && called.json()["tests"][0]["error"].as_str().unwrap().contains(says),
            "{}",
            called.stdout
        );
    }
}

#[test]
fn pages_that_lack_a_part_are_no_success() {
    let lake = made();
    let page = "[[page]]\nname = 'report'\ntitle = 'T'\n[[page.section]]\n[[page.section.chart]]\nkind = 'bars'\n\
        title = 'C'\nsql = 'SELECT day, rides FROM trams.by_day'\nx = 'day'\ny = 'rids'\n";
    lake.write("config/datasets/trams/report.toml", page);
    let called = lake.call(&["report", "trams"]);
    assert_eq!((called.status, called.json()["ok"].clone()), (1, json!(false)), "{}", called.stdout);
    lake.write("config/datasets/trams/report.toml", page.replace("rids", "rides"));
    assert_eq!(lake.call(&["report", "trams"]).ok().json()["problems"], json!([]));
}

#[test]
fn a_declaration_that_is_not_there_is_named() {
    let lake = lake();
    let folder = lake.path().join("config/datasets/trams");
    let (status, text) = called(lake.path(), &["dataset", "check", "config/datasets"]);
    assert!(status == 2 && text.contains("such as config/datasets/trams"), "{text}");
    assert!(!text.contains("config/datasets/config"), "{text}");
    std::fs::rename(folder.join("dataset.toml"), folder.join("datasets.toml")).unwrap();
    let (status, text) = checked(&lake);
    assert!(status == 2 && text.contains("there is no dataset.toml; datasets.toml has no effect"), "{text}");
    let called = lake.call(&["status", "trams"]);
    assert!(called.stderr.contains("there is no such file; is datasets.toml meant to be it?"), "{}", called.stderr);
    let nowhere = TestLake::new("http://127.0.0.1:9/").at("file:/nowhere/at/all");
    let called = nowhere.call(&["status"]);
    assert!(called.status == 1 && called.stderr.contains("`tributary init`"), "{}", called.stderr);
}

#[test]
fn settings_of_a_source_that_cannot_be_right_are_found() {
    let lake = TestLake::new("http://127.0.0.1:9/");
    for (settings, says) in [
        ("parameters = [\"pm11\"]", "irceline/dataset.toml, line 2: source.parameters: \"pm11\" is unknown"),
        ("parametres = [\"pm10\"]", "irceline/dataset.toml, line 2: source.parametres: unknown field"),
        ("parametres = [\"pm10\"]", "did you mean `parameters`?"),
        (
            "near = { longitude = 400, latitude = 51.2, radius_km = 10 }",
            "line 2: source.near.longitude: 400 is no longitude",
        ),
        ("near = { longitude = 4.4, latitude = 51.2, radius_km = 0 }", "source.near.radius_km: 0 is no radius"),
    ] {
        lake.configure(&format!("[source]\n{settings}\n"));
        let (status, text) = called(lake.path(), &["dataset", "check", "config/datasets/irceline"]);
        assert!(status == 2 && text.contains(says), "{settings}: {text}");
        assert!(lake.run("2026-10-01", "2026-10-02").stderr.contains(says), "nothing is fetched by them either");
    }
    lake.configure(
        "[source]\nparameters = [\"pm10\", \"8\"]\nnear = { longitude = 4.4, latitude = 51.2, radius_km = 10 }\n",
    );
    let (status, text) = called(lake.path(), &["dataset", "check", "config/datasets/irceline"]);
    assert!(status == 0 && text.contains("It is in use: `tributary run irceline` fetches it."), "{text}");
}

#[test]
fn files_that_cannot_be_read_say_which_option_is_missing() {
    let lake = lake();
    lake.write("raw/trams/other.csv", RIDES.replace(',', ";"));
    let text = lake.command(&["clean"]).output().unwrap();
    let text = String::from_utf8([text.stdout, text.stderr].concat()).unwrap();
    assert!(text.contains("declare format = \"csv\" and delimiter = \";\""), "{text}");
    assert!(!text.contains("1 values"), "{text}");

    lake.write("raw/trams/wrong.csv", "id,day,line,driver\n3,2026-10-99,7,Ada\n4,2026-10-03,7,Ada\n");
    let text = lake.command(&["clean"]).output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("rejected as not_a_date: 1 row, such as line 2 of trams/wrong.csv (column day)"), "{text}");
}

#[test]
fn keys_are_taken_as_paths_of_files_too() {
    let lake = lake();
    let cleaned = |key: &str| lake.call(&["clean", key]).ok().json()["cleaned"][0]["raw_key"].clone();
    assert_eq!(cleaned("raw/trams/rides.csv"), "trams/rides.csv");
    let whole = lake.path().join("raw/trams/rides.csv");
    lake.write("raw/trams/rides.csv", format!("{RIDES}3,2026-10-03,7,Ada\n"));
    assert_eq!(cleaned(whole.to_str().unwrap()), "trams/rides.csv");
    let called = lake.command(&["clean", "tram/rides.csv"]).output().unwrap();
    let text = String::from_utf8(called.stderr).unwrap();
    assert!(text.matches("there is no dataset \"tram\"").count() == 1, "it is said once: {text}");

    let waiting = lake.call(&["clean", "--dry-run"]).ok().json();
    assert_eq!(waiting["waiting"], json!([]));
    let all = lake.call(&["clean", "--all", "--dry-run"]).ok().json();
    assert_eq!(all["waiting"], json!(["trams/rides.csv"]));
}

#[test]
fn dry_runs_say_what_would_be_done_and_change_nothing() {
    let lake = lake();
    lake.write("raw/trams/more.csv", "id,day,line,driver\n3,2026-10-99,7,Ada\n4,2026-10-03,7,Ada\n");
    lake.call(&["clean"]).ok();
    lake.write("raw/trams/third.csv", "id,day,line,driver\n5,2026-10-04,7,Ada\n");
    lake.write("raw/irceline/date=2026-10-03/values.ndjson", "");
    let before = lake.tree();
    let shown = |arguments: &[&str]| {
        let text = lake.command(arguments).output().unwrap();
        assert_eq!(text.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&text.stderr));
        assert_eq!(lake.tree(), before, "{arguments:?}");
        (lake.call(arguments).ok().json(), String::from_utf8(text.stdout).unwrap())
    };
    // The API would not answer: nothing is fetched.
    let days = ["--from", "2026-10-01", "--to", "2026-10-08"];
    let window = json!([{"source": "irceline", "from": "2026-10-01", "to": "2026-10-08"}]);
    let (fetched, text) = shown(&[&["ingest", "irceline", "--dry-run"], &days[..]].concat());
    assert_eq!(fetched["windows"], window);
    assert!(text.ends_with("1 window to fetch; nothing was changed.\n"), "{text}");
    for arguments in [&["run", "irceline", "--dry-run"][..], &["backfill", "irceline", "--dry-run"]] {
        let (run, text) = shown(&[arguments, &days].concat());
        assert_eq!((&run["windows"], &run["planned"]), (&window, &json!([])), "{arguments:?}");
        assert_eq!(run["waiting"], json!(["irceline/date=2026-10-03/values.ndjson"]), "{arguments:?}");
        assert!(text.contains("1 window to fetch, 1 object to clean, 0 partitions to make, before anything"), "{text}");
    }
    let (run, text) = shown(&["run", "--dry-run"]);
    assert_eq!(run["windows"][0]["source"], "irceline");
    assert_eq!(run["skipped"].as_array().unwrap().len(), 2);
    assert!(text.contains("skipped    codetrack: "), "{text}");

    let (replayed, text) = shown(&["replay", "--dataset", "trams", "--dry-run"]);
    assert_eq!(replayed["waiting"], json!(["trams/more.csv", "trams/third.csv"]));
    assert!(text.contains("would clean trams/more.csv\n"), "{text}");
    let (made, text) = shown(&["aggregate", "--dataset", "trams", "--dry-run"]);
    assert_eq!(made["planned"][0]["model"], "by_day", "{made}");
    assert!(text.contains("nothing was changed"), "{text}");

    let wrong = lake.command(&["run", "codetrack", "--dry-run"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2), "its settings are missing");

    // What a fetch starts from is looked for, and the other sources are shown.
    let lake = lake.with("CODETRACK_URL", "http://127.0.0.1:9/");
    for arguments in [&["run", "--dry-run"][..], &["ingest", "codetrack", "--dry-run"]] {
        let run = lake.call(arguments);
        let (status, run) = (run.status, run.json());
        assert_eq!(status, 1, "{arguments:?}: {run}");
        assert!(run["errors"][0]["message"].as_str().unwrap().contains("there is no roster of learners"), "{run}");
        assert_eq!(run["windows"].as_array().unwrap().len(), usize::from(arguments[0] == "run"), "{run}");
    }
}

#[test]
fn what_works_is_what_is_said_of_objects_that_are_gone() {
    let lake = made();
    for number in 0..11 {
        lake.write(&format!("raw/trams/{number}.csv"), format!("id,day,line,driver\n{number}9,2026-10-05,7,Ada\n"));
    }
    lake.call(&["clean"]).ok();
    let status = || String::from_utf8(lake.command(&["status", "trams"]).output().unwrap().stdout).unwrap();
    std::fs::remove_file(lake.path().join("raw/trams/0.csv")).unwrap();
    assert!(status().contains("0.csv: `tributary clean` removes what was made of it"), "{}", status());
    for number in 1..11 {
        std::fs::remove_file(lake.path().join(format!("raw/trams/{number}.csv"))).unwrap();
    }
    assert!(
        status().contains("`tributary clean --dataset trams --prune` removes what was made of them"),
        "{}",
        status()
    );
    lake.call(&["clean", "--dataset", "trams", "--prune"]).ok();
    assert!(!status().contains("gone"), "{}", status());
}

#[test]
fn summaries_count_partitions_files_and_pages_apart() {
    let lake = lake().with("REPORT_PAGES", "on");
    lake.write(
        "config/datasets/trams/by_day.sql",
        BY_DAY.replace("-- inputs", "-- csv = { name = \"days\" }\n-- inputs"),
    );
    let nothing = "-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n\nSELECT day FROM ride WHERE line < 0 ORDER BY day\n";
    lake.write("config/datasets/trams/nothing.sql", nothing);
    let page = "[[page]]\nname = 'report'\ntitle = 'T'\n[page.headline]\nsql = 'SELECT count(*) AS n FROM trams.by_day'\ntext = '{n} days'\n";
    lake.write("config/datasets/trams/report.toml", page);
    lake.call(&["clean"]).ok();
    let text = |arguments: &[&str]| String::from_utf8(lake.command(arguments).output().unwrap().stdout).unwrap();
    let plan = text(&["aggregate", "--plan"]);
    assert!(plan.contains("trams.by_day month=2026-10: it is new") && !plan.contains("0 rows"), "{plan}");
    let made = text(&["aggregate"]);
    assert!(made.contains("aggregate  2 partitions, 2 rows, 1 file, 1 page; "), "{made}");
    assert!(made.contains("trams.nothing month=2026-10: no rows") && !made.contains("as before"), "{made}");
    lake.write("config/datasets/trams/report.toml", page.replace("'T'", "'U'"));
    let made = text(&["aggregate"]);
    assert!(made.contains("aggregate  1 page; "), "{made}");
    let status = text(&["status", "trams"]);
    assert!(status.contains("partitions    1 in consumption, and 2 files"), "{status}");
    // The partition without rows is one as well, and the page over all datasets is a file.
    let proven = text(&["verify"]);
    assert!(proven.contains("2 consumption partitions and 3 files made of them are as the ledger says"), "{proven}");
}

#[test]
fn rows_without_a_day_are_data_all_the_same() {
    let lake = lake();
    let stops = "title = 'Stops'\ntime_zone = 'UTC'\n[table.stop]\nfrom = '*.csv'\ncolumn.id = { type = 'int64' }\n";
    lake.write("config/datasets/stops/dataset.toml", stops);
    lake.write("raw/stops/a.csv", "id\n1\n");
    let status = || String::from_utf8(lake.command(&["status", "stops"]).output().unwrap().stdout).unwrap();
    assert!(status().contains("newest data   none yet"), "{}", status());
    lake.call(&["clean"]).ok();
    assert!(status().contains("newest data   not known"), "{}", status());
}

#[test]
fn what_is_wrong_with_all_partitions_is_said_once() {
    let lake = lake();
    lake.write("config/datasets/trams/by_day.sql", BY_DAY.replace("-- inputs", "-- hash_personal = true\n-- inputs"));
    lake.write("raw/trams/more.csv", "id,day,line,driver\n8,2026-11-01,7,Ada\n9,2026-12-01,7,Ada\n");
    lake.call(&["clean"]).ok();
    let called = lake.call(&["aggregate"]);
    let said = called.stderr.lines().filter(|line| line.contains("set PERSONAL_KEY or")).collect::<Vec<_>>();
    assert!(called.status == 1 && said.len() == 1, "{}", called.stderr);
    assert!(said[0].ends_with("(the same of 3 partitions)"), "{}", called.stderr);
    assert_eq!(called.json()["errors"].as_array().map(Vec::len), Some(3), "programs hear of each");
}
