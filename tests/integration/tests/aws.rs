//! The lake on AWS: the functions' binaries, deployed by Terraform to an emulator, do by themselves what a local run
//! does.
//!
//! Needs Terraform, and takes the offline stand-in for its AWS provider (`tests/terraform`); where either cannot be had
//! the test is skipped.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::Utc;
use integration::emulator::{Answer, Emulator};
use integration::queue::Queue;
use integration::{Called, TestLake, skip, tributary};
use serde_json::{Value, json};
use simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};
use tempfile::TempDir;

/// The window of `events/ingest-window.json`.
const WINDOW: [&str; 2] = ["2026-11-18", "2026-11-20"];
/// Days that are uploaded, and one of them whose values are broken.
const UPLOADED: [&str; 2] = ["2026-11-10", "2026-11-14"];
const BROKEN: &str = "irceline/date=2026-11-12/values.ndjson";
/// An upload of a dataset that is declared later, in the lake itself.
const TRAM: &str = "trams/date=2026-11-19/one + two.json";
const TRAMS: &str = r#"
title = "Trams"
time_zone = "Europe/Brussels"
[table.position]
from = "date=*/*.json"
format = "json"
partition = "date"
key = ["tram"]
[table.position.column.tram]
type = "int64"
[table.position.column.speed]
type = "float64"
"#;
const FUNCTIONS: [&str; 3] = ["ingest", "clean", "aggregate"];
const QUEUES: [&str; 2] = ["clean", "aggregate"];
const DEAD: [&str; 3] = ["clean-dead", "aggregate-dead", "failed-runs"];
const MODELS: [&str; 2] = [
    "SELECT * FROM irceline.aggregate_station_by_day ORDER BY day, timeseries_id",
    "SELECT * FROM irceline.aggregate_city_by_hour ORDER BY timestamp, day, municipality, parameter, uom",
];
/// How long the functions may take to follow an upload, built without optimization, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(900);
/// Writes a package with the same bytes for the same binary.
const PACKAGE: &str = r#"
import sys, zipfile
bootstrap = zipfile.ZipInfo("bootstrap", (2020, 1, 1, 0, 0, 0))
bootstrap.external_attr = 0o100755 << 16
bootstrap.compress_type = zipfile.ZIP_DEFLATED
with zipfile.ZipFile(sys.argv[2], "w", compresslevel=1) as package, open(sys.argv[1], "rb") as binary:
    package.writestr(bootstrap, binary.read(), compresslevel=1)
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployed_lake_follows_its_raw_zone_by_itself_and_holds_what_a_local_one_holds() {
    let Some(standin) = standin() else { return };
    let Some(emulator) = Emulator::start_own() else { return };
    let options = Options::default();
    let now = Utc::now().max(options.now);
    let world = Options { stations: 12, series: 60, assessments: 6, students: 40, learners: 10, now, ..options };
    let simulator = Simulator::start(world).await.unwrap();
    let local = TestLake::new(&simulator.irceline_url());
    let deployed = Deployed::new(emulator, &standin, &simulator);

    what_ingest_fetches_becomes_models_that_equal_those_of_a_local_run(&deployed, &local);
    uploaded_files_and_a_source_with_a_secret_end_in_the_consumption_zone(&deployed, &simulator);
    a_broken_upload_is_rejected_and_its_neighbours_are_cleaned(&deployed, &local);
    what_fails_for_good_raises_an_alarm_and_comes_in_after_its_cause_is_mended(&deployed, &local);
    a_schedule_that_is_due_fetches_the_last_days_by_itself(&deployed);
    what_an_event_was_lost_for_is_found_by_a_sweep(&deployed);
    every_example_event_is_understood(&deployed);
    a_bad_message_of_a_batch_fails_alone(&deployed);
    a_window_that_is_too_long_becomes_a_job(&deployed);
    a_second_plan_is_empty_and_destroy_leaves_nothing(&deployed);
}

fn what_ingest_fetches_becomes_models_that_equal_those_of_a_local_run(deployed: &Deployed, local: &TestLake) {
    let answer = deployed.invoke("ingest", &deployed.event("ingest-window.json"));
    let days = answer["ingested"].as_array().unwrap();
    assert_eq!((&answer["ok"], days.len()), (&json!(true), 2), "{answer}");
    assert!(days.iter().all(|day| day["objects"] == 3), "{answer}");
    deployed.settle();
    local.run(WINDOW[0], WINDOW[1]).ok();
    deployed.equals(local);
}

/// The credentials are in the emulator's Secrets Manager, and Terraform knows the secret's ARN alone.
fn uploaded_files_and_a_source_with_a_secret_end_in_the_consumption_zone(deployed: &Deployed, simulator: &Simulator) {
    let usage = "customer_id,usage_kwh,start_time\n7,2.5,2026-11-12T01:00:00+01:00\n7,-1,2026-11-12T02:00:00+01:00\n";
    deployed.put("raw", "energy_usage/usage of november+1.csv", usage.as_bytes());
    deployed.put("raw", "illuminate/rosters/Student_Rosters.txt", simulator.roster_tsv().as_bytes());
    deployed.put("raw", "codetrack/rosters/roster.json", simulator.roster_json().as_bytes());
    for event in [
        json!({"source": "illuminate", "from": "2024-09-01", "to": "2024-09-02"}),
        json!({"source": "codetrack", "from": "2026-10-05", "to": "2026-10-26"}),
    ] {
        let answer = deployed.invoke("ingest", &event);
        assert_eq!(answer["ok"], true, "{answer}");
    }
    deployed.settle();
    let rows = |table: &str| deployed.lake.query(&format!("SELECT count(*) AS rows FROM {table}"))[0]["rows"].clone();
    let days = deployed.lake.query("SELECT customer_id, daily_usage_kwh FROM energy_usage.usage_by_customer_day");
    assert_eq!(days, [json!({"customer_id": 7, "daily_usage_kwh": 2.5})]);
    assert!(rows("illuminate.illuminate_assessment_results").as_u64().unwrap() > 50);
    assert!(rows("codetrack.learners").as_u64().unwrap() >= 10);
    let csv = deployed.get("consumption", "illuminate/illuminate_assessment_results.csv");
    assert!(csv.starts_with("data_source,assessment_id,year,"), "{}", csv.lines().next().unwrap());
    let state = fs::read_to_string(deployed.folder.path().join("infra/terraform.tfstate")).unwrap();
    assert!(state.contains("ILLUMINATE_SECRET") && !state.contains(CLIENT_SECRET) && !state.contains(CLIENT_ID));
}

fn a_broken_upload_is_rejected_and_its_neighbours_are_cleaned(deployed: &Deployed, local: &TestLake) {
    local.call(&["ingest", "irceline", "--from", UPLOADED[0], "--to", UPLOADED[1]]).ok();
    local.write(&format!("raw/{BROKEN}"), "<html><body>Bad Gateway</body></html>");
    local.call(&["clean", "--max-rejected", "1"]).ok();
    local.call(&["aggregate"]).ok();

    let tree = local.tree();
    let is_uploaded = |name: &&str| {
        name.strip_prefix("raw/irceline/date=").is_some_and(|rest| (UPLOADED[0]..UPLOADED[1]).contains(&&rest[..10]))
    };
    let names: Vec<&str> = tree.names().into_iter().filter(is_uploaded).collect();
    assert_eq!(names.len(), 12, "{names:?}");
    for name in names {
        deployed.put("raw", name.strip_prefix("raw/").unwrap(), tree.bytes(name).unwrap());
    }
    let state = deployed.settle();
    assert_eq!((&state["objects"], &state["objects_rejected"]), (&json!(18), &json!(1)), "{state}");

    let entry: Value = serde_json::from_str(&deployed.get("ledger", &format!("raw/{BROKEN}.json"))).unwrap();
    assert_eq!(entry["rejected"]["reason"], "not_json", "{entry}");
    assert_eq!((&entry["rows"]["read"], &entry["rows"]["rejected"]), (&json!(1), &json!(1)), "{entry}");
    let reject = entry["rejects"]["key"].as_str().unwrap();
    let reject: Value = serde_json::from_str(deployed.get("rejection", reject).trim()).unwrap();
    assert_eq!(reject["reason"], "not_json", "{reject}");
    deployed.equals(local);
}

/// Nine good uploads, and one of a dataset that nobody has declared yet.
fn what_fails_for_good_raises_an_alarm_and_comes_in_after_its_cause_is_mended(deployed: &Deployed, local: &TestLake) {
    local.call(&["ingest", "irceline", "--from", UPLOADED[1], "--to", "2026-11-17"]).ok();
    local.call(&["clean", "--max-rejected", "1"]).ok();
    local.call(&["aggregate"]).ok();
    deployed.put("raw", TRAM, b"[{\"tram\": 1, \"speed\": 21.5}, {\"tram\": 2, \"speed\": \"fast\"}]");
    let tree = local.tree();
    let is_good = |name: &&str| ["14", "15", "16"].iter().any(|day| name.contains(&format!("date=2026-11-{day}/")));
    let good: Vec<&str> =
        tree.names().into_iter().filter_map(|name| name.strip_prefix("raw/")).filter(is_good).collect();
    assert_eq!(good.len(), 9, "{good:?}");
    for name in good {
        deployed.put("raw", name, tree.bytes(&format!("raw/{name}")).unwrap());
    }
    deployed.wait("five tries", || deployed.messages("clean-dead") == 1 && deployed.messages("clean") == 0);
    let state = deployed.wait_for_lake();
    assert_eq!(state["objects"], 27, "the nine good ones are clean: {state}");
    deployed.equals(local);

    let alarm = deployed.resource("module.lake.aws_cloudwatch_metric_alarm.dead_letters[\"clean-dead\"]");
    let metric = ["namespace", "metric_name", "comparison_operator"].map(|name| alarm[name].as_str().unwrap());
    assert_eq!(metric, ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "GreaterThanThreshold"]);
    let queue = alarm["dimensions"]["QueueName"].as_str().unwrap();
    assert!(deployed.outputs["queue_urls"]["value"]["clean-dead"].as_str().unwrap().ends_with(&format!("/{queue}")));
    assert!(deployed.messages("clean-dead") as f64 > alarm["threshold"].as_f64().unwrap(), "the alarm rings: {alarm}");

    deployed.put("ledger", "config/datasets/trams/dataset.toml", TRAMS.as_bytes());
    deployed.queue("clean-dead").redrive(&deployed.queue("clean"));
    deployed.settle();
    let entry: Value = serde_json::from_str(&deployed.get("ledger", &format!("raw/{TRAM}.json"))).unwrap();
    assert_eq!((&entry["rows"]["clean"], &entry["rows"]["rejected"]), (&json!(1), &json!(1)), "{entry}");
}

/// The schedule that Terraform made, due each minute instead of each night, until it has fired.
fn a_schedule_that_is_due_fetches_the_last_days_by_itself(deployed: &Deployed) {
    let made = deployed.resource("module.lake.aws_scheduler_schedule.lake[\"ingest-irceline\"]");
    let path = format!("/schedules/{}", made["name"].as_str().unwrap());
    let shown = format!("{path}?groupName={}", made["group_name"].as_str().unwrap());
    let schedule = deployed.emulator.call("scheduler", "GET", &shown, b"");
    let nightly: Value = serde_json::from_str(&schedule.body).unwrap();
    assert_eq!(nightly["ScheduleExpressionTimezone"], "Europe/Brussels", "{nightly}");
    let mut due = nightly.clone();
    due["ScheduleExpression"] = json!("rate(1 minute)");
    let update = |schedule: &Value| {
        let answer = deployed.emulator.call("scheduler", "PUT", &path, schedule.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    let fetched = || deployed.emulator.objects(deployed.bucket("raw"), "irceline/").len();
    let before = fetched();
    update(&due);
    deployed.wait("the schedule", || fetched() > before);
    update(&nightly);
    deployed.settle();
}

/// An upload that the ledger does not know, as if its message had been lost.
fn what_an_event_was_lost_for_is_found_by_a_sweep(deployed: &Deployed) {
    let key = "energy_usage/lost.csv";
    deployed.put("raw", key, b"customer_id,usage_kwh,start_time\n8,1.5,2026-11-13T01:00:00+01:00\n");
    let entry = format!("/{}/raw/{key}.json", deployed.bucket("ledger"));
    deployed.settle();
    deployed.emulator.call("s3", "DELETE", &entry, b"");
    let answer = deployed.invoke("clean", &json!({"stale": true}));
    assert_eq!((&answer["ok"], &answer["cleaned"][0]["raw_key"]), (&json!(true), &json!(key)), "{answer}");
    deployed.settle();
}

fn every_example_event_is_understood(deployed: &Deployed) {
    let expected = [
        // Two of energy_usage, four of irceline and codetrack each, six of illuminate.
        ("aggregate-all.json", json!({"ok": true, "aggregated": [], "up_to_date": 17})),
        ("aggregate-dataset.json", json!({"ok": true, "aggregated": [], "up_to_date": 4})),
        ("aggregate-model.json", json!({"ok": true, "aggregated": [], "up_to_date": 1})),
        ("clean-eventbridge.json", nothing_to_clean(2)),
        ("clean-keys.json", nothing_to_clean(2)),
        ("clean-s3-test.json", nothing_to_clean(0)),
        ("clean-s3.json", nothing_to_clean(2)),
        ("clean-sns.json", nothing_to_clean(1)),
        ("clean-sqs.json", nothing_to_clean(3)),
        ("clean-stale.json", json!({"ok": true, "cleaned": [], "errors": []})),
        ("ingest-nightly.json", json!({"ok": true})),
        ("ingest-window.json", json!({"ok": true, "up_to_date": 6})),
    ];
    let names = fs::read_dir(project("events")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = names.filter(|name| name.ends_with(".json")).collect();
    assert_eq!(files, expected.iter().map(|(name, _)| (*name).to_owned()).collect(), "the files of events/");
    for (name, expected) in expected {
        let answer = deployed.invoke(name.split('-').next().unwrap(), &deployed.event(name));
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&answer[field], value, "{field} of {name}: {answer}");
        }
        if name == "ingest-nightly.json" {
            assert_eq!(answer["ingested"].as_array().unwrap().len(), 4, "yesterday and three days before it: {answer}");
            deployed.settle();
        }
    }
    deployed.lake.call(&["verify"]).ok();
}

fn a_bad_message_of_a_batch_fails_alone(deployed: &Deployed) {
    let mut batch = deployed.event("clean-sqs.json");
    let message = batch["Records"][0].clone();
    let messages = (0..10).map(|number| {
        let mut message = message.clone();
        message["messageId"] = json!(format!("message-{number}"));
        if number == 6 {
            message["body"] = json!("no JSON");
        }
        message
    });
    batch["Records"] = messages.collect();
    let answer = deployed.invoke("clean", &batch);
    assert_eq!(answer["batchItemFailures"], json!([{"itemIdentifier": "message-6"}]), "{answer}");
    assert_eq!((&answer["ok"], &answer["up_to_date"]), (&json!(false), &json!(2)), "{answer}");
}

/// The window is submitted with the queue and the definition that Terraform made, and jobs hand nothing over.
fn a_window_that_is_too_long_becomes_a_job(deployed: &Deployed) {
    let window = json!({"source": "irceline", "from": "2026-01-01", "to": "2026-03-01"});
    let answer = deployed.invoke("ingest", &window);
    assert_eq!((&answer["ok"], &answer["ingested"]), (&json!(true), &json!([])), "{answer}");
    let job = &answer["handed_over"][0];
    assert_eq!(job["shares"], 9, "{answer}");
    let call = |path: &str, body: Value| -> Value {
        let answer = deployed.emulator.call("batch", "POST", path, body.to_string().as_bytes());
        serde_json::from_str(&answer.body).unwrap()
    };
    let shown = call("/v1/describejobs", json!({"jobs": [job["job_id"]]}))["jobs"][0].clone();
    let batch = &deployed.outputs["batch"]["value"];
    assert_eq!((&shown["jobQueue"], &shown["jobDefinition"]), (&batch["queue"], &batch["definition"]), "{shown}");

    let definitions = call("/v1/describejobdefinitions", json!({"jobDefinitionName": batch["definition"]}));
    let properties = &definitions["jobDefinitions"][0]["containerProperties"];
    let names: Vec<&str> =
        properties["environment"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"LAKE_URL") && !names.iter().any(|name| name.starts_with("BATCH_")), "{properties}");
    assert_eq!((&properties["user"], &properties["readonlyRootFilesystem"]), (&json!("65532:65532"), &json!(true)));
    let manifests = deployed.emulator.objects(deployed.bucket("ledger"), "batch/");
    assert_eq!(manifests.len(), 1, "{:?}", manifests.keys());
}

fn a_second_plan_is_empty_and_destroy_leaves_nothing(deployed: &Deployed) {
    deployed.terraform(&["plan", "-detailed-exitcode"]).ok();
    deployed.terraform(&["destroy", "-auto-approve"]).ok();
    assert_eq!(deployed.terraform(&["state", "list"]).ok().stdout, "");
    let buckets = deployed.emulator.call("s3", "GET", "/", b"").body;
    assert!(!buckets.contains("<Bucket>"), "{buckets}");
}

fn nothing_to_clean(up_to_date: u64) -> Value {
    json!({"ok": true, "cleaned": [], "up_to_date": up_to_date, "errors": [], "batchItemFailures": []})
}

/// What Terraform made on the emulator.
struct Deployed {
    emulator: Emulator,
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
    outputs: Value,
    lake: TestLake,
}

impl Deployed {
    fn new(emulator: Emulator, standin: &Path, simulator: &Simulator) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let credentials = json!({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}).to_string();
        let secret = emulator.create_secret("tributary/illuminate", &credentials);
        package_functions(folder.path());
        copy_stack(folder.path());
        let variables = [
            ("AWS_DEFAULT_REGION", "eu-west-1".to_owned()),
            ("TF_CLI_CONFIG_FILE", standin.join("terraformrc").display().to_string()),
            ("TF_IN_AUTOMATION", "1".to_owned()),
            ("TF_INPUT", "0".to_owned()),
            ("TF_VAR_architecture", if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }.to_owned()),
            ("TF_VAR_packages_dir", folder.path().display().to_string()),
            ("TF_VAR_irceline_url", simulator.irceline_url()),
            ("TF_VAR_illuminate_url", simulator.illuminate_url()),
            ("TF_VAR_illuminate_secret", secret),
            ("TF_VAR_codetrack_url", simulator.codetrack_url()),
            ("TF_VAR_aggregate_delay_seconds", "1".to_owned()),
            // Longer than a run takes, as what is hidden no longer is delivered twice.
            ("TF_VAR_retry_after_seconds", "10".to_owned()),
            ("TF_VAR_emulator", "true".to_owned()),
            ("TF_VAR_force_destroy", "true".to_owned()),
        ];
        let environment = emulator.environment().into_iter().chain(variables).collect();
        let lake = TestLake::new(&simulator.irceline_url());
        let mut deployed = Self { emulator, folder, environment, outputs: Value::Null, lake };
        deployed.terraform(&["init"]).ok();
        deployed.terraform(&["apply", "-auto-approve"]).ok();
        deployed.outputs = serde_json::from_str(&deployed.terraform(&["output", "-json"]).ok().stdout).unwrap();
        deployed.lake = deployed.lake_from_here(&simulator.irceline_url());
        deployed
    }

    /// The lake for `tributary` on this machine, by the settings that Terraform prints.
    fn lake_from_here(&self, irceline: &str) -> TestLake {
        let settings = self.outputs["lake_settings"]["value"].as_object().unwrap();
        let root = settings["LAKE_URL"].as_str().unwrap();
        let environment = self.emulator.environment().into_iter();
        let lake =
            environment.fold(TestLake::new(irceline).at(root), |lake, (name, value)| lake.with(name, value.as_str()));
        settings.iter().fold(lake, |lake, (name, value)| lake.with(name, value.as_str().unwrap()))
    }

    fn terraform(&self, arguments: &[&str]) -> Called {
        let mut command = Command::new("terraform");
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (*name, value)));
        for name in ["PATH", "HOME", "TMPDIR"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        let (first, others) = arguments.split_first().unwrap();
        let colour: &[&str] = if matches!(*first, "state" | "output") { &[] } else { &["-no-color"] };
        command.arg(first).args(colour).args(others).current_dir(self.folder.path().join("infra"));
        command.stdin(Stdio::null()).output().unwrap().into()
    }

    /// A resource as Terraform knows it.
    fn resource(&self, address: &str) -> Value {
        let state: Value = serde_json::from_str(&self.terraform(&["show", "-json"]).ok().stdout).unwrap();
        let resources = state["values"]["root_module"]["child_modules"][0]["resources"].as_array().unwrap();
        resources.iter().find(|resource| resource["address"] == address).unwrap()["values"].clone()
    }

    fn bucket(&self, zone: &str) -> &str {
        self.outputs["buckets"]["value"][zone].as_str().unwrap()
    }

    /// A file of `events/`, about the buckets that were deployed.
    fn event(&self, name: &str) -> Value {
        let text = fs::read_to_string(project("events").join(name)).unwrap();
        serde_json::from_str(&text.replace("tributary-raw", self.bucket("raw"))).unwrap()
    }

    /// What a function answers, which must not be an error.
    fn invoke(&self, function: &str, event: &Value) -> Value {
        let name = self.outputs["functions"]["value"][function].as_str().unwrap();
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let answer = self.emulator.call("lambda", "POST", &path, event.to_string().as_bytes());
        let failed = answer.head.to_ascii_lowercase().contains("x-amz-function-error");
        assert!(answer.status == 200 && !failed, "{function} of {event}: {answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    }

    fn object(&self, method: &str, zone: &str, key: &str, body: &[u8]) -> Answer {
        let path = format!("/{}/{key}", self.bucket(zone)).replace(' ', "%20").replace('+', "%2B");
        let answer = self.emulator.call("s3", method, &path, body);
        assert_eq!(answer.status, 200, "{method} {key} in {zone}: {answer:?}");
        answer
    }

    fn put(&self, zone: &str, key: &str, body: &[u8]) {
        self.object("PUT", zone, key, body);
    }

    fn get(&self, zone: &str, key: &str) -> String {
        self.object("GET", zone, key, b"").body
    }

    /// Messages of a queue, those that are being worked on included.
    fn messages(&self, queue: &str) -> u64 {
        self.queue(queue).messages()
    }

    fn queue(&self, name: &str) -> Queue<'_> {
        Queue::at(&self.emulator, self.outputs["queue_urls"]["value"][name].as_str().unwrap())
    }

    /// Waits until something is so.
    fn wait(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            let queued = QUEUES.iter().chain(&DEAD).map(|queue| (queue, self.messages(queue))).collect::<Vec<_>>();
            assert!(begun.elapsed() < PATIENCE, "waited for {what}; messages: {queued:?}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Waits until the functions have followed what is in the raw zone and no message has failed for good; the lake's
    /// state.
    fn settle(&self) -> Value {
        let state = self.wait_for_lake();
        assert_eq!(DEAD.map(|queue| self.messages(queue)), [0, 0, 0], "messages of {DEAD:?}");
        state
    }

    /// Waits until the functions have followed what is in the raw zone; the lake's state.
    fn wait_for_lake(&self) -> Value {
        let begun = Instant::now();
        loop {
            // Messages last: whoever made the last partition may still be at work on what follows it.
            let states = self.lake.call(&["status"]).ok().json()["datasets"].clone();
            let states = states.as_array().unwrap();
            let queued = QUEUES.map(|queue| self.messages(queue));
            let is_settled = |state: &Value| state["waiting"] == json!([]) && state["stale"] == json!([]);
            if queued == [0, 0] && states.iter().all(is_settled) {
                return states.iter().find(|state| state["dataset"] == "irceline").unwrap().clone();
            }
            assert!(begun.elapsed() < PATIENCE, "messages of {QUEUES:?}: {queued:?}, state: {states:?}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Compares both models with those of another lake, row for row.
    fn equals(&self, local: &TestLake) {
        for sql in MODELS {
            let (here, there): (Vec<Value>, Vec<Value>) = (local.query(sql), self.lake.query(sql));
            assert!(here.len() > 50, "{} rows of {sql}", here.len());
            assert_eq!(there.len(), here.len(), "{sql}");
            for (row, expected) in there.iter().zip(&here) {
                assert_eq!(row, expected, "{sql}");
            }
        }
        let report = self.lake.call(&["verify"]).ok().json();
        assert_eq!(report["report"]["problems"], json!([]), "{report}");
    }
}

/// A folder of this project.
fn project(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)
}

/// The stand-in, prepared where `infra/check.sh` has it; `None` where it cannot be had, which has then been noted.
fn standin() -> Option<PathBuf> {
    if Command::new("terraform").arg("version").output().is_err() {
        skip("aws", "the lake on AWS needs terraform (1.11 or later)");
        return None;
    }
    let folder = tributary().parent().and_then(Path::parent).unwrap().join("infrastructure/standin");
    fs::create_dir_all(&folder).unwrap();
    let setup = Command::new("bash").arg(project("tests/terraform/setup.sh")).arg(&folder).output();
    match setup.map(Called::from) {
        Ok(called) if called.status == 0 => Some(folder),
        failed => {
            skip(
                "aws",
                &format!("the stand-in for Terraform's AWS provider needs python3 with venv, and PyPI: {failed:?}"),
            );
            None
        }
    }
}

/// The functions' packages, of the binaries beside this test.
fn package_functions(folder: &Path) {
    for name in FUNCTIONS {
        let (binary, small) = (tributary().with_file_name(name), folder.join(name));
        assert!(binary.exists(), "{} is missing: run `cargo build --workspace` first", binary.display());
        // Debug information is most of the binary; without the tool it goes along.
        let stripped = Command::new("strip").arg("-o").args([&small, &binary]).status();
        let chosen = if stripped.is_ok_and(|status| status.success()) { &small } else { &binary };
        let package = folder.join(name).with_extension("zip");
        let called: Called =
            Command::new("python3").args(["-c", PACKAGE]).arg(chosen).arg(&package).output().unwrap().into();
        called.ok();
    }
}

/// A copy of `infra/` without state or lock file, with its state in a file beside it.
fn copy_stack(folder: &Path) {
    copy_folder(&project("infra"), &folder.join("infra"));
    fs::write(folder.join("infra/backend_override.tf"), "terraform {\n  backend \"local\" {}\n}\n").unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            // Tests of the folder's own, and what Terraform has downloaded.
            if name != "tests" && !name.starts_with('.') {
                copy_folder(&path, &to.join(name));
            }
        } else if (name.ends_with(".tf") && !name.ends_with("_override.tf")) || name == "datasets.json" {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}
