//! What is too large for a call is handed to AWS Batch, and what the jobs make is what a single run makes.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail as tests do"
)]

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use integration::batch::{Batch, Job, OF_BATCH, pairs};
use integration::emulator::Emulator;
use integration::function::Function;
use integration::gate::Gate;
use integration::{Called, TestLake, tributary};
use serde_json::{Value, json};
use simulator::{Options, Simulator};

const FROM: &str = "2026-10-20";
const TO: &str = "2026-11-05";
const ZONES: [&str; 3] = ["standard/", "rejection/", "consumption/"];
const QUEUE: &str = "tributary-job";
const LIMIT: Duration = Duration::from_secs(900);
/// A day's values and list of series are larger, its list of stations is not.
const ABOVE_BYTES: &str = "30000";

/// A lake on an emulator, with a queue.
struct Bed {
    emulator: Emulator,
    batch: Batch,
    bucket: String,
    lake: TestLake,
    simulator: Simulator,
}

impl Bed {
    async fn new(name: &str) -> Option<Self> {
        let emulator = Emulator::start_own()?;
        let batch = Batch::before(&emulator);
        emulator.create_bucket(name);
        let simulator = Simulator::start(Options { stations: 6, series: 60, ..Options::default() }).await.unwrap();
        let lake = TestLake::new(&simulator.irceline_url()).at(&format!("s3://{name}/lake"));
        let bed = Self { emulator, batch, bucket: name.to_owned(), lake, simulator };
        bed.register();
        let lake = bed.variables(&bed.lake_url(), true).into_iter();
        let fresh = TestLake::new(&bed.simulator.irceline_url()).at(&bed.lake_url());
        let lake = lake.fold(fresh, |lake, (name, value)| lake.with(&name, &value));
        Some(Self { lake, ..bed })
    }

    fn lake_url(&self) -> String {
        format!("s3://{}/lake", self.bucket)
    }

    /// What a program needs to work on a lake here; with a queue or without.
    fn variables(&self, lake: &str, with_queue: bool) -> Vec<(String, String)> {
        let mut variables = self.emulator.environment();
        variables.push(self.batch.environment());
        variables.push(("LAKE_URL", lake.to_owned()));
        variables.push(("IRCELINE_URL", self.simulator.irceline_url()));
        // As other lakes of tests are.
        variables.push(("REPORT_PAGES", "off".to_owned()));
        if with_queue {
            variables.extend(
                [
                    ("BATCH_JOB_QUEUE", QUEUE),
                    ("BATCH_JOB_DEFINITION", QUEUE),
                    ("BATCH_ABOVE_BYTES", ABOVE_BYTES),
                    ("BATCH_ABOVE_DAYS", "7"),
                ]
                .map(|(name, value)| (name, value.to_owned())),
            );
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Queue and job definition, as Terraform makes them: the definition has no `BATCH_` setting.
    fn register(&self) {
        let source = json!({"name": "IRCELINE_URL", "value": self.simulator.irceline_url()});
        for (path, body) in [
            ("createcomputeenvironment", json!({"computeEnvironmentName": QUEUE, "type": "MANAGED"})),
            ("createjobqueue", json!({"jobQueueName": QUEUE, "priority": 1, "computeEnvironmentOrder": []})),
            (
                "registerjobdefinition",
                json!({"jobDefinitionName": QUEUE, "type": "container", "containerProperties": {"environment": [source]}}),
            ),
        ] {
            let answer = self.emulator.call("batch", "POST", &format!("/v1/{path}"), body.to_string().as_bytes());
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
        }
    }

    /// Runs a job as AWS would: the command and environment as submitted, with those of the definition, for each child.
    fn run(&self, job: &Job) -> Vec<Called> {
        let asked = json!({"jobDefinitions": [job.request["jobDefinition"]]}).to_string();
        let definition = self.emulator.call("batch", "POST", "/v1/describejobdefinitions", asked.as_bytes());
        let definition: Value = serde_json::from_str(&definition.body).unwrap();
        let environment = pairs(&definition["jobDefinitions"][0]["containerProperties"]["environment"]);
        let run = |index: Option<u64>| {
            let mut command = Command::new(tributary());
            command.env_clear().envs(self.emulator.environment()).env("REPORT_PAGES", "off").stdin(Stdio::null());
            command.envs(environment.iter().cloned()).envs(job.environment());
            command.envs(OF_BATCH).envs(index.map(|index| ("AWS_BATCH_JOB_ARRAY_INDEX", index.to_string())));
            Called::from(command.args(job.command()).output().unwrap()).ok()
        };
        let called = job.indices().into_iter().map(run).collect();
        self.batch.done(&job.id);
        called
    }

    /// What there is in the zones that are made of the raw zone.
    fn zones(&self, lake: &str) -> BTreeMap<String, Vec<u8>> {
        let of_zone = |zone: &&str| {
            let objects = self.emulator.objects(&self.bucket, &format!("{lake}/{zone}"));
            objects.into_iter().map(|(key, bytes)| (format!("{zone}{key}"), bytes)).collect::<Vec<_>>()
        };
        ZONES.iter().flat_map(of_zone).collect()
    }

    /// Cleans and aggregates the same raw objects in one run, without a queue, and compares all that comes of it.
    fn equals_a_single_run(&self, commands: &[&[&str]]) {
        let url = format!("s3://{}/single", self.bucket);
        let variables = self.variables(&url, false).into_iter();
        let single = variables.fold(TestLake::new("").at(&url), |lake, (name, value)| lake.with(&name, &value));
        let single = single.with("RAW_URL", &format!("{}/raw", self.lake_url()));
        for command in commands {
            single.call(command).ok();
        }
        let (jobs, single) = (self.zones("lake"), self.zones("single"));
        assert_eq!(jobs.keys().collect::<Vec<_>>(), single.keys().collect::<Vec<_>>());
        for (key, bytes) in &jobs {
            assert!(bytes == &single[key], "{key} differs");
        }
        for zone in ZONES.iter().filter(|zone| **zone != "rejection/") {
            let all_there = jobs.keys().any(|key| key.starts_with(zone)) || commands.len() == 1;
            assert!(all_there, "nothing in {zone}: {:?}", jobs.keys());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_is_an_array_job_and_makes_what_a_single_run_makes() {
    let Some(bed) = Bed::new("tributary-backfill").await else { return };
    let backfill = ["backfill", "irceline", "--from", FROM, "--to", TO];
    let summary = bed.lake.call(&backfill).ok().json();
    assert_eq!((&summary["ok"], &summary["ingested"]), (&json!(true), &json!([])), "{summary}");
    let handed_over = &summary["handed_over"];
    assert_eq!((&handed_over[0]["shares"], &handed_over[1]["shares"]), (&json!(3), &json!(1)), "{summary}");
    assert_eq!(bed.simulator.requests(), 0, "nothing is fetched here");

    // While they are active, the same work is not submitted again; other work is.
    let again = bed.lake.call(&backfill).ok().json();
    assert_eq!(again["handed_over"][0]["job_id"], handed_over[0]["job_id"]);
    assert_eq!(again["handed_over"][1]["job_id"], handed_over[1]["job_id"]);
    assert!(again["handed_over"].as_array().unwrap().iter().all(|job| job["already_active"] == true), "{again}");
    let jobs = bed.batch.jobs();
    let [parts, finish] = jobs.as_slice() else { panic!("{jobs:?}") };

    assert_eq!(parts.request["jobName"], handed_over[0]["job_name"]);
    assert_eq!(parts.indices(), [Some(0), Some(1), Some(2)]);
    assert_eq!(finish.indices(), [None], "one share is no array");
    assert_eq!(finish.request["dependsOn"], json!([{"jobId": parts.id}]));
    assert!(parts.environment().iter().all(|(name, _)| !name.starts_with("BATCH_")), "{parts:?}");
    let shown =
        bed.emulator.call("batch", "POST", "/v1/describejobs", json!({"jobs": [parts.id]}).to_string().as_bytes());
    let shown: Value = serde_json::from_str(&shown.body).unwrap();
    for field in ["jobName", "jobQueue", "jobDefinition"] {
        assert_eq!(shown["jobs"][0][field], parts.request[field], "{field} as the emulator has it");
    }

    for called in bed.run(parts) {
        let share = called.json();
        assert_eq!(share["aggregated"], json!([]), "{share}");
        assert_eq!(share["cleaned"].as_array().unwrap().len(), 3 * share["ingested"].as_array().unwrap().len());
    }
    bed.run(finish);
    bed.equals_a_single_run(&[&["clean"], &["aggregate"]]);
    bed.lake.call(&["verify"]).ok();

    // After it is done the same work is a new job, which finds everything done.
    let later = bed.lake.call(&backfill).ok().json();
    assert_eq!(later["handed_over"][0]["job_name"], handed_over[0]["job_name"]);
    assert_eq!(later["handed_over"][0]["already_active"], false);
    let before = bed.zones("lake");
    for called in bed.run(&bed.batch.jobs()[2]) {
        assert_eq!(called.json()["cleaned"], json!([]));
    }
    assert_eq!(bed.zones("lake"), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_objects_long_windows_and_large_aggregations_are_handed_over_by_command_line_and_functions() {
    let Some(bed) = Bed::new("tributary-large").await else { return };
    let variables = bed.variables(&bed.lake_url(), true);
    let [ingest, clean, aggregate] = ["ingest", "clean", "aggregate"].map(|name| Function::start(name, &variables));

    // A long window, by the function and then by the command line: one job.
    let event = json!({"source": "irceline", "from": FROM, "to": "2026-10-30"});
    let answer = ingest.call(event, LIMIT).unwrap();
    assert_eq!((&answer["ok"], &answer["ingested"]), (&json!(true), &json!([])), "{answer}");
    let window = ["ingest", "irceline", "--from", FROM, "--to", "2026-10-30"];
    let summary = bed.lake.call(&window).ok().json();
    assert_eq!(summary["handed_over"][0]["job_id"], answer["handed_over"][0]["job_id"], "{summary} {answer}");
    assert_eq!(bed.batch.jobs().len(), 1);
    bed.run(&bed.batch.jobs()[0]);

    // A large object by the function; small ones are cleaned there and then.
    let key = |name: &str| format!("irceline/date=2026-10-21/{name}");
    let keys = json!({"keys": [key("stations.json"), key("values.ndjson")]});
    let answer = clean.call(keys.clone(), LIMIT).unwrap();
    assert_eq!(answer["cleaned"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!((&answer["ok"], answer["handed_over"].as_array().unwrap().len()), (&json!(true), 1), "{answer}");
    let again = clean.call(keys.clone(), LIMIT).unwrap();
    assert_eq!(again["handed_over"][0]["job_id"], answer["handed_over"][0]["job_id"], "{again}");
    let jobs = bed.batch.jobs();
    assert_eq!((jobs.len(), jobs[1].indices()), (2, vec![None]), "one share is a single job");
    bed.run(&jobs[1]);
    let done = clean.call(keys, LIMIT).unwrap();
    assert_eq!((&done["up_to_date"], &done["handed_over"]), (&json!(2), &json!([])), "{done}");

    // All the others by the command line.
    let summary = bed.lake.call(&["clean"]).ok().json();
    assert_eq!((&summary["ok"], &summary["handed_over"][0]["shares"]), (&json!(true), &json!(19)), "{summary}");
    bed.run(&bed.batch.jobs()[2]);
    assert_eq!(bed.lake.call(&["clean"]).ok().json()["handed_over"], Value::Null);

    // An aggregation by the function and the command line: one job.
    let answer = aggregate.call(json!({}), LIMIT).unwrap();
    assert_eq!((&answer["ok"], &answer["aggregated"]), (&json!(true), &json!([])), "{answer}");
    let summary = bed.lake.call(&["aggregate"]).ok().json();
    assert_eq!(summary["handed_over"][0]["job_id"], answer["handed_over"][0]["job_id"], "{summary} {answer}");
    bed.run(&bed.batch.jobs()[3]);
    let answer = aggregate.call(json!({}), LIMIT).unwrap();
    assert_eq!((&answer["up_to_date"], &answer["handed_over"]), (&json!(4), &json!([])), "{answer}");
    bed.equals_a_single_run(&[&["clean"], &["aggregate"]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_that_read_models_are_made_by_jobs_that_wait_for_each_other() {
    let Some(bed) = Bed::new("tributary-levels").await else { return };
    let value = |day: u32, hour: u32| {
        let time = format!("2026-{:02}-{day:02}T{hour:02}:30:00Z", 1 + day % 3);
        format!("{{\"measuring_component_id\":\"C1\",\"measurement_dttm\":\"{time}\",\"measurement_value\":1.5}}\n")
    };
    let text: String = (1..=28).flat_map(|day| (0..24).map(move |hour| value(day, hour))).collect();
    let key = format!("/{}/lake/raw/meters/measurement/m.ndjson", bed.bucket);
    let answer = bed.emulator.call("s3", "PUT", &key, text.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    let lake = |with_queue| {
        let variables = bed.variables(&bed.lake_url(), with_queue).into_iter();
        variables.fold(TestLake::new("").at(&bed.lake_url()), |lake, (name, value)| lake.with(&name, &value))
    };
    lake(false).call(&["clean"]).ok();
    let small = lake(true).with("BATCH_ABOVE_BYTES", "1");
    let summary = small.call(&["aggregate", "--dataset", "meters"]).ok().json();
    let jobs = bed.batch.jobs();
    let [metered, daily, found, periods, ranked] = jobs.as_slice() else { panic!("{jobs:?}") };
    assert_eq!(summary["handed_over"].as_array().unwrap().len(), 5, "{summary}");
    assert_eq!(daily.request["dependsOn"], json!([{"jobId": metered.id}]));
    assert_eq!(found.request["dependsOn"], json!([{"jobId": daily.id}]));
    assert_eq!(periods.request["dependsOn"], json!([{"jobId": found.id}]));
    assert_eq!(ranked.request["dependsOn"], json!([{"jobId": periods.id}]));
    let again = small.call(&["aggregate", "--dataset", "meters"]).ok().json();
    assert!(again["handed_over"].as_array().unwrap().iter().all(|job| job["already_active"] == true), "{again}");
    for job in &jobs {
        bed.run(job);
    }
    let summary = small.call(&["aggregate", "--dataset", "meters"]).ok().json();
    assert_eq!((&summary["up_to_date"], &summary["aggregated"]), (&json!(18), &json!([])), "{summary}");
    bed.equals_a_single_run(&[&["clean"], &["aggregate"]]);

    // A large partition in shards: one child for each, then the partition.
    let put = |key: &str, text: &str| {
        let answer = bed.emulator.call("s3", "PUT", &format!("/{}/lake/{key}", bed.bucket), text.as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    put(
        "config/datasets/trams/dataset.toml",
        "title = 'Trams'\ntime_zone = 'UTC'\n[table.ride]\nfrom = '*.csv'\n[table.ride.column]\nline = { type = 'int64', required = true }\n",
    );
    let model = "-- [model]\n-- inputs = [\"ride\"]\n-- shard = [\"line\"]\n-- shard_bytes = 500\n\nSELECT line, count(*) AS rides FROM ride GROUP BY line ORDER BY line\n";
    put("config/datasets/trams/rides.sql", model);
    put("raw/trams/a.csv", &(0..500).map(|ride| format!("{}\n", ride * ride)).fold("line\n".to_owned(), |a, b| a + &b));
    lake(false).call(&["clean", "--dataset", "trams"]).ok();
    small.call(&["aggregate", "--dataset", "trams"]).ok();
    let jobs = bed.batch.jobs();
    let [.., shards, whole] = jobs.as_slice() else { panic!("{jobs:?}") };
    assert!(shards.indices().len() > 1 && whole.indices() == [None], "{jobs:?}");
    assert_eq!(whole.request["dependsOn"], json!([{"jobId": shards.id}]));
    bed.run(shards);
    assert_eq!(bed.emulator.objects(&bed.bucket, "lake/batch/shards/").len(), shards.indices().len());
    bed.run(whole);
    assert_eq!(bed.emulator.objects(&bed.bucket, "lake/batch/shards/").len(), 0);
    assert_eq!(small.query("SELECT sum(rides) AS rides FROM trams.rides"), [json!({"rides": 500})]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_there_is_no_time_for_is_handed_over_or_reported_and_never_half_done() {
    let Some(bed) = Bed::new("tributary-late").await else { return };
    let mut variables = bed.variables(&bed.lake_url(), true);
    for (name, value) in [("BATCH_ABOVE_BYTES", "1000000000"), ("BATCH_ABOVE_DAYS", "1000")] {
        variables.push((name.to_owned(), value.to_owned()));
    }
    let gate = Gate::before(bed.emulator.endpoint());
    variables.push(("AWS_ENDPOINT_URL_S3".to_owned(), gate.url()));
    let [ingest, clean, aggregate] = ["ingest", "clean", "aggregate"].map(|name| Function::start(name, &variables));
    let at_once = Duration::ZERO;

    let event = json!({"source": "irceline", "from": FROM, "to": "2026-10-22"});
    let answer = ingest.call(event.clone(), at_once).unwrap();
    assert_eq!((&answer["ok"], &answer["handed_over"][0]["shares"]), (&json!(true), &json!(1)), "{answer}");
    bed.run(&bed.batch.jobs()[0]);
    assert_eq!(ingest.call(event, LIMIT).unwrap()["up_to_date"], 6, "the job has fetched all");

    // Not begun: reported, and delivered again by the queue. Cut off: the next call would be cut off as well.
    let key = "irceline/date=2026-10-20/values.ndjson";
    let event = json!({"keys": [key]});
    let late = clean.call(event.clone(), at_once).unwrap_err();
    assert!(late["errorMessage"].as_str().unwrap().contains("no time left"), "{late}");
    gate.hold("2026-10-20/values.ndjson");
    let answer = clean.call(event.clone(), Duration::from_secs(20)).unwrap();
    gate.open();
    assert_eq!((&answer["cleaned"], &answer["handed_over"][0]["shares"]), (&json!([]), &json!(1)), "{answer}");
    assert_eq!(bed.zones("lake").len(), 0, "nothing is half done");
    bed.run(&bed.batch.jobs()[1]);
    assert_eq!(clean.call(event, LIMIT).unwrap()["up_to_date"], 1, "the job has cleaned it");

    let answer = aggregate.call(json!({}), at_once).unwrap();
    assert_eq!((&answer["aggregated"], &answer["handed_over"][0]["shares"]), (&json!([]), &json!(4)), "{answer}");
    bed.run(&bed.batch.jobs()[2]);
    assert_eq!(aggregate.call(json!({}), LIMIT).unwrap()["up_to_date"], 4, "the job has made all");
    bed.lake.call(&["clean"]).ok();
    bed.lake.call(&["aggregate"]).ok();
    bed.lake.call(&["verify"]).ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_handed_over_says_what_to_do() {
    let Some(bed) = Bed::new("tributary-refused").await else { return };
    let window = ["backfill", "irceline", "--from", FROM, "--to", TO];
    let unreachable = ("AWS_ENDPOINT_URL_BATCH", "http://127.0.0.1:1");
    for (name, value, status, parts) in [
        ("BATCH_JOB_DEFINITION", "", 2, vec!["BATCH_JOB_DEFINITION", "is set but empty"]),
        ("BATCH_ABOVE_DAYS", "a week", 2, vec!["BATCH_ABOVE_DAYS", "not a whole number"]),
        (unreachable.0, unreachable.1, 1, vec!["AWS Batch", "see BATCH_JOB_QUEUE", "trying again can help"]),
    ] {
        let url = bed.lake_url();
        let variables = bed.variables(&url, true).into_iter();
        let lake = variables.fold(TestLake::new("").at(&url), |lake, (name, value)| lake.with(&name, &value));
        let called = lake.with(name, value).call(&window);
        assert_eq!(called.status, status, "{called:?}");
        for part in parts {
            assert!(called.stderr.contains(part), "\"{part}\" is not in: {}", called.stderr);
        }
    }
    assert!(bed.batch.jobs().is_empty());
    let missing = bed.lake.call(&["job", "0123"]);
    assert!(missing.status == 2 && missing.stderr.contains("batch/0123.json"), "{missing:?}");
}
