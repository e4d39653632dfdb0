//! AWS Batch as the emulator has it, with a front that keeps what the emulator throws away.
//!
//! MiniStack 1.5.33 keeps a job's name, queue and definition, but not its command, environment and array size, and calls
//! every job done at once. The front passes each call on, keeps the requests, and shows jobs as running until the test
//! has run them.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::emulator::Emulator;
use crate::http::{Request, Response, serve};

/// What AWS Batch sets in the container of every job.
pub const OF_BATCH: [(&str, &str); 4] = [
    ("AWS_BATCH_JOB_ID", "4de2a7a3-6ff1-4b16-9e44-1a3c7f3a0c5b"),
    ("AWS_BATCH_JOB_ATTEMPT", "1"),
    ("AWS_BATCH_JQ_NAME", "tributary-job"),
    ("AWS_BATCH_CE_NAME", "tributary-job"),
];

/// The front of an emulator's Batch.
pub struct Batch {
    address: String,
    submitted: Arc<Mutex<Vec<Job>>>,
}

/// A job as it was submitted.
#[derive(Debug, Clone)]
pub struct Job {
    /// The id that the emulator gave it.
    pub id: String,
    /// The whole request.
    pub request: Value,
    /// Whether it still runs.
    pub active: bool,
}

impl Job {
    /// Its command.
    pub fn command(&self) -> Vec<String> {
        let command = self.request["containerOverrides"]["command"].as_array().expect("a command");
        command.iter().map(|word| word.as_str().expect("a text").to_owned()).collect()
    }

    /// Its environment, without that of the job definition.
    pub fn environment(&self) -> Vec<(String, String)> {
        pairs(&self.request["containerOverrides"]["environment"])
    }

    /// The indices of its children; a single job has none.
    pub fn indices(&self) -> Vec<Option<u64>> {
        match self.request["arrayProperties"]["size"].as_u64() {
            Some(size) => (0..size).map(Some).collect(),
            None => vec![None],
        }
    }
}

/// `[{"name": ..., "value": ...}]`
pub fn pairs(list: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    list.as_array().expect("a list").iter().map(|pair| (text(&pair["name"]), text(&pair["value"]))).collect()
}

impl Batch {
    /// Stands before an emulator.
    pub fn before(emulator: &Emulator) -> Self {
        let submitted: Arc<Mutex<Vec<Job>>> = Arc::default();
        let (kept, behind) = (Arc::clone(&submitted), emulator.endpoint().to_owned());
        let address = serve(move |request| pass_on(&behind, &kept, request));
        Self { address, submitted }
    }

    /// What the AWS SDK needs to call Batch here, and all else at the emulator.
    pub fn environment(&self) -> (&'static str, String) {
        ("AWS_ENDPOINT_URL_BATCH", format!("http://{}", self.address))
    }

    /// All jobs so far.
    pub fn jobs(&self) -> Vec<Job> {
        self.submitted.lock().expect("the jobs").clone()
    }

    /// Shows a job as done from now on.
    pub fn done(&self, id: &str) {
        let mut jobs = self.submitted.lock().expect("the jobs");
        jobs.iter_mut().find(|job| job.id == id).expect("a known job").active = false;
    }
}

fn pass_on(emulator: &str, jobs: &Mutex<Vec<Job>>, request: Request) -> Response {
    let answer = crate::emulator::pass_on(emulator, "batch", &request.method, &request.path, &request.body);
    let mut body: Value = serde_json::from_slice(&answer.bytes).expect("JSON");
    let mut jobs = jobs.lock().expect("the jobs");
    if request.path.ends_with("/submitjob") && answer.status == 200 {
        let id = body["jobId"].as_str().expect("an id").to_owned();
        let request = serde_json::from_slice(&request.body).expect("JSON");
        jobs.push(Job { id, request, active: true });
    }
    for shown in body["jobSummaryList"].as_array_mut().into_iter().flatten() {
        if jobs.iter().any(|job| shown["jobId"] == job.id.as_str() && job.active) {
            shown["status"] = json!("RUNNING");
        }
    }
    (answer.status, vec![("Content-Type", "application/json".to_owned())], body.to_string().into_bytes())
}
