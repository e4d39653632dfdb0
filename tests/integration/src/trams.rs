//! A dataset of trams, with rides as its table, for tests of what analysts do.

use serde_json::Value;

use crate::{Called, TestLake};

/// The declaration: a table with a personal column, and a setting.
pub const DATASET: &str = "title = 'Trams'\ntime_zone = 'UTC'\n\
    [settings]\nleast = 1\n\
    [table.ride]\nabout = 'Rides as they were counted'\nfrom = '*.csv'\npartition = 'month(day)'\nkey = ['id']\nkey_decides_day = true\n\
    [table.ride.column]\n\
    id = { type = 'int64', required = true, about = 'Number of the ride' }\n\
    day = { type = 'date', required = true }\n\
    line = { type = 'string' }\n\
    driver = { type = 'string', personal = true }\n\
    people = { type = 'int64', min = 0 }\n";
/// What a model of people per day and line declares.
pub const MODEL: &str =
    "-- People per day and line.\n--\n-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"ride\"]\n";
/// Its query.
pub const SQL: &str = "\nSELECT day, line, sum(people) AS people, count(*) AS rides, max(driver) AS driver FROM ride\n\
    CROSS JOIN settings WHERE people >= settings.least GROUP BY day, line ORDER BY day, line\n";
/// Four rides of two months.
pub const RIDES: &str = "id,day,line,driver,people\n1,2026-10-01,7,Ada,5\n2,2026-10-01,7,Bob,6\n3,2026-10-02,8,Ada,1\n4,2026-11-01,7,Cid,2\n";

/// A lake with the rides, and a model that declares `tests`.
pub fn lake(tests: &str) -> TestLake {
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write("config/datasets/trams/dataset.toml", DATASET);
    declare(&lake, tests);
    lake.write("raw/trams/rides.csv", RIDES);
    lake.call(&["clean"]).ok();
    lake
}

/// Declares the model with other `tests`.
pub fn declare(lake: &TestLake, tests: &str) {
    lake.write("config/datasets/trams/people.sql", format!("{MODEL}{tests}{SQL}"));
}

/// The rows of the model.
pub fn people(lake: &TestLake) -> Vec<Value> {
    lake.query("SELECT day, line, people FROM trams.people ORDER BY day, line")
}

/// The partitions that a call made, without report pages.
pub fn made(called: &Called) -> Vec<String> {
    let lines = called.json()["aggregated"].as_array().cloned().unwrap_or_default();
    let text = |line: &Value| format!("{} {}", line["model"].as_str().unwrap(), line["partition"].as_str().unwrap());
    lines.iter().map(text).filter(|line| !line.starts_with("report")).collect()
}
