//! Learners' data are personal: no function names anybody in its logs, metrics, answers or errors, however much it logs.
//! `illuminate.rs` and `codetrack.rs` hold the command line and the reasons of rejects to the same.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use integration::TestLake;
use integration::function::Function;
use serde_json::{Value, json};
use simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

/// Far more than any call here takes.
const LIMIT: Duration = Duration::from_secs(200);

/// Names, emails and numbers of all students and learners.
fn people(simulator: &Simulator) -> BTreeSet<String> {
    let tsv = simulator.roster_tsv();
    let header: Vec<&str> = tsv.lines().next().unwrap().split('\t').collect();
    let number = header.iter().position(|name| *name == "STUDENTS.Student_Number").unwrap();
    let mut people: BTreeSet<String> =
        tsv.lines().skip(1).map(|line| line.split('\t').nth(number).unwrap().to_owned()).collect();
    let learners: Vec<Value> = serde_json::from_str(&simulator.roster_json()).unwrap();
    people.extend(
        learners.iter().flat_map(|entry| ["name", "email"].map(|name| entry[name].as_str().unwrap().to_owned())),
    );
    people.extend(["Zebedee", "Quixworth", "zebedee@example.org", "731007731"].map(str::to_owned));
    people
}

#[tokio::test(flavor = "multi_thread")]
async fn no_function_names_anybody() {
    let simulator = Simulator::start(Options { assessments: 12, students: 60, fail_rate: 0.05, ..Options::default() })
        .await
        .unwrap();
    let lake = TestLake::new(&simulator.irceline_url());
    lake.write("raw/illuminate/rosters/Student_Rosters.txt", format!("{}731007731\tZebedee\n", simulator.roster_tsv()));
    let mut learners: Value = serde_json::from_str(&simulator.roster_json()).unwrap();
    learners
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "Zebedee Quixworth", "email": "zebedee@example.org", "id": "Zebedee"}));
    lake.write("raw/codetrack/rosters/roster.json", learners.to_string());
    lake.write("raw/illuminate/year=22-23/responses_group.ndjson", "Zebedee Quixworth 731007731\n");
    let environment: Vec<(String, String)> = [
        ("LAKE_URL", format!("file:{}", lake.path().display())),
        ("RUST_LOG", "trace".to_owned()),
        ("ILLUMINATE_URL", simulator.illuminate_url()),
        ("ILLUMINATE_CLIENT_ID", CLIENT_ID.to_owned()),
        ("ILLUMINATE_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ("CODETRACK_URL", simulator.codetrack_url()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let keys: Value = [
        "illuminate/rosters/Student_Rosters.txt",
        "illuminate/year=22-23/responses_group.ndjson",
        "illuminate/year=24-25/assessments.ndjson",
        "illuminate/year=24-25/responses_group.ndjson",
        "illuminate/year=24-25/responses_standard.ndjson",
        "illuminate/year=24-25/responses_overall.ndjson",
        "codetrack/rosters/roster.json",
        "codetrack/week=2026-11-16/weekly_scores.ndjson",
        "codetrack/week=2026-11-16/users.ndjson",
        "codetrack/nobody-takes-this.csv",
    ]
    .into();
    let calls = [
        ("ingest", json!({"source": "illuminate", "from": "2024-09-01", "to": "2024-09-02"})),
        ("ingest", json!({"source": "codetrack", "from": "2026-09-01", "to": "2026-11-20"})),
        ("clean", json!({"keys": keys})),
        ("aggregate", json!({})),
    ];
    let mut said = String::new();
    for (name, event) in calls {
        let mut function = Function::start(name, &environment);
        let (Ok(answer) | Err(answer)) = function.call(event, LIMIT);
        said.push_str(&format!("{answer}\n{}", function.said()));
    }
    let rows = |sql: &str| lake.query(sql)[0]["rows"].as_u64().unwrap();
    assert!(rows("SELECT count(*) AS rows FROM illuminate.illuminate_assessment_results") > 100, "{said}");
    assert!(rows("SELECT count(*) AS rows FROM codetrack.learners") > 10, "{said}");
    assert!(said.contains("\"Namespace\":\"Tributary\""), "there are metrics");
    assert!(said.contains("TRACE") || said.contains("DEBUG"), "there are details");

    let is_part = |character: char| character.is_alphanumeric() || "'@.".contains(character);
    let words: BTreeSet<&str> = said.split(|character| !is_part(character)).collect();
    let secrets = [CLIENT_SECRET.to_owned()];
    let people = people(&simulator);
    let named: Vec<&String> = people
        .iter()
        .chain(&secrets)
        .filter(|name| if name.contains(' ') { said.contains(name.as_str()) } else { words.contains(name.as_str()) })
        .collect();
    let around = |name: &str| said.find(name).map(|at| said[at.saturating_sub(300)..at + 50].to_owned());
    assert!(named.is_empty(), "{named:?}: {:?}", named.first().map(|name| around(name)));
}
