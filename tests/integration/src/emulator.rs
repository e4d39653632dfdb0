//! An S3 emulator: [MiniStack](https://pypi.org/project/ministack/), a plain Python program, on a port of its own.
//!
//! With the variable `TRIBUTARY_TEST_ENDPOINT`, or else `AWS_ENDPOINT_URL`, the tests of storage, events and queues use
//! the emulator at that URL, such as a LocalStack on `http://127.0.0.1:4566`, and start none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::python;

const PACKAGE: &str = "ministack==1.5.33";
const REGION: &str = "eu-west-1";
/// It answers after half a second; a busy machine gets five minutes.
const PATIENCE: Duration = Duration::from_secs(300);
/// A call may run a function, built without optimization, on a busy machine.
const CALL_PATIENCE: Duration = Duration::from_secs(900);
/// Another process may take the free port first.
const TRIES: usize = 3;
/// In the emulator's own folder.
const LOG: &str = "emulator.log";

/// An emulator that answers. One that was started for the test ends with it.
pub struct Emulator {
    endpoint: String,
    #[expect(dead_code, reason = "held to be stopped with the emulator")]
    process: Option<Process>,
}

/// What a service answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    /// The body.
    pub body: String,
    /// The body's bytes.
    pub bytes: Vec<u8>,
}

struct Process {
    child: Child,
    folder: TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Emulator {
    /// Starts an emulator and waits until it answers S3 calls; `None` if there is no Python for it, which has then
    /// been said.
    pub fn start() -> Option<Self> {
        for name in ["TRIBUTARY_TEST_ENDPOINT", "AWS_ENDPOINT_URL"] {
            if let Ok(endpoint) = std::env::var(name) {
                let endpoint = endpoint.trim_end_matches('/').to_owned();
                assert!(answers(&endpoint), "{name}: nothing answers S3 calls at {endpoint}");
                return Some(Self { endpoint, process: None });
            }
        }
        Self::start_own()
    }

    /// Like [`Self::start`], but never one that somebody else runs: for tests that need its functions, or all of it.
    pub fn start_own() -> Option<Self> {
        let python = python::environment("the S3 emulator", &[PACKAGE])?;
        let program = python.with_file_name("ministack");
        let mut log = String::new();
        for _ in 0..TRIES {
            match launch(&program) {
                Ok((endpoint, process)) => return Some(Self { endpoint, process: Some(process) }),
                Err(said) => log = said,
            }
        }
        panic!("{PACKAGE} does not answer S3 calls; its log:\n{log}");
    }

    /// The emulator's URL, without a slash at its end.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What a program needs in its environment to use the emulator as S3.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
        ]
    }

    /// A call of a service (`s3`, `sqs`, `lambda`), which may take minutes.
    pub fn call(&self, service: &str, method: &str, path: &str, body: &[u8]) -> Answer {
        pass_on(&self.endpoint, service, method, path, body)
    }

    /// A call of a service that takes JSON, such as Glue; `target` names its operation, such as `AWSGlue.GetTables`.
    pub fn json(&self, service: &str, target: &str, body: &serde_json::Value) -> serde_json::Value {
        let headers = format!("X-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.1\r\n");
        let body = body.to_string();
        let answer = exchange(&self.endpoint, service, "POST", "/", &headers, body.as_bytes(), CALL_PATIENCE);
        let answer = answer.expect("the emulator answers");
        assert_eq!(answer.status, 200, "{target}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or_default()
    }

    /// Makes a secret and gives its ARN. A name should be the test run's own, as the emulator may be a user's.
    pub fn create_secret(&self, name: &str, text: &str) -> String {
        let headers = "X-Amz-Target: secretsmanager.CreateSecret\r\nContent-Type: application/x-amz-json-1.1\r\n";
        let body = serde_json::json!({"Name": name, "SecretString": text, "ClientRequestToken": "0".repeat(36)});
        let body = body.to_string();
        let answer = exchange(&self.endpoint, "secretsmanager", "POST", "/", headers, body.as_bytes(), CALL_PATIENCE);
        let answer = answer.expect("the emulator answers");
        let made: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        made.get("ARN")
            .and_then(|arn| arn.as_str())
            .unwrap_or_else(|| panic!("no secret {name}: {}", answer.body))
            .to_owned()
    }

    /// All objects of a bucket below a prefix, by the rest of their keys. For few and plain keys.
    pub fn objects(&self, bucket: &str, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        let listed = self.call("s3", "GET", &format!("/{bucket}?list-type=2&prefix={prefix}"), b"");
        assert!(listed.body.contains("<IsTruncated>false<"), "more than one page: {}", listed.head);
        let keys = listed.body.split("<Key>").skip(1).filter_map(|rest| rest.split('<').next());
        let get = |key: &str| {
            let answer = self.call("s3", "GET", &format!("/{bucket}/{key}"), b"");
            assert_eq!(answer.status, 200, "{key}: {}", answer.head);
            (key.strip_prefix(prefix).expect("a key below the prefix").to_owned(), answer.bytes)
        };
        keys.map(get).collect()
    }

    /// Makes a bucket. A name should be the test run's own, as the emulator may be a user's.
    pub fn create_bucket(&self, name: &str) {
        let constraint = format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
        );
        let (status, answer) =
            request(&self.endpoint, "PUT", &format!("/{name}"), &constraint).expect("the emulator answers");
        assert_eq!(status, 200, "no bucket {name}: {answer}");
    }
}

/// An emulator on a free port, or the log of one that does not answer.
fn launch(program: &Path) -> Result<(String, Process), String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = File::create(folder.path().join(LOG)).expect("a log file");
    let port = free_port();
    let endpoint = format!("http://{}:{port}", Ipv4Addr::LOCALHOST);
    let child = Command::new(program)
        .env("BIND_HOST", Ipv4Addr::LOCALHOST.to_string())
        .env("GATEWAY_PORT", port.to_string())
        .env("MINISTACK_REGION", REGION)
        .env("TMPDIR", folder.path())
        // For the functions that it runs.
        .env("AWS_ENDPOINT_URL", &endpoint)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log file twice"))
        .stderr(log)
        .spawn()
        .expect("the emulator starts");
    let mut process = Process { child, folder };
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        // Looked at first: another program may answer on the port after this one has ended.
        if process.child.try_wait().expect("the emulator's state").is_some() {
            break;
        }
        if answers(&endpoint) {
            return Ok((endpoint, process));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(fs::read_to_string(process.folder.path().join(LOG)).unwrap_or_default())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("the port's number").port()
}

/// Whether buckets are listed. That a port is open, or that a health check passes, does not yet mean it.
fn answers(endpoint: &str) -> bool {
    matches!(request(endpoint, "GET", "/", ""), Ok((200, body)) if body.contains("ListAllMyBucketsResult"))
}

/// An S3 request that is answered at once.
fn request(endpoint: &str, method: &str, path: &str, body: &str) -> io::Result<(u16, String)> {
    let answer = exchange(endpoint, "s3", method, path, "", body.as_bytes(), PATIENCE)?;
    Ok((answer.status, answer.body))
}

/// Passes a call on to the emulator at `endpoint`.
pub(crate) fn pass_on(endpoint: &str, service: &str, method: &str, path: &str, body: &[u8]) -> Answer {
    exchange(endpoint, service, method, path, "", body, CALL_PATIENCE).expect("the emulator answers")
}

/// A request with a signature that no emulator checks; they read from it which service is meant. `headers` are further
/// ones, each with its line's end.
fn exchange(
    endpoint: &str,
    service: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
    patience: Duration,
) -> io::Result<Answer> {
    let host = endpoint.strip_prefix("http://").expect("the emulator's URL begins with http://");
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(patience))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\
         Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, \
         SignedHeaders=host, Signature=0\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let bytes = answer.split_off(end + 4);
    let head = String::from_utf8_lossy(&answer).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Answer { status, head, body: String::from_utf8_lossy(&bytes).into_owned(), bytes })
}
