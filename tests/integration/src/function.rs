//! A Lambda function's real binary, called as Lambda calls it: by the runtime API.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::http::{Request, Response, serve};
use crate::tributary;

/// A running function, stopped at the end of the test.
pub struct Function {
    process: Child,
    events: Sender<(Value, Duration)>,
    answers: Receiver<Result<Value, Value>>,
    output: File,
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to save.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Function {
    /// Starts the function `name` with nothing but this environment.
    pub fn start(name: &str, environment: &[(String, String)]) -> Self {
        let (events, next) = channel::<(Value, Duration)>();
        let (answered, answers) = channel();
        let next = Mutex::new(next);
        let address = serve(move |request| converse(&request, &next, &answered));
        let binary = tributary().with_file_name(name);
        assert!(binary.exists(), "{} is missing: run `cargo build --workspace` first", binary.display());
        let output = tempfile::tempfile().expect("a temporary file");
        let process = Command::new(binary)
            .env_clear()
            .envs(environment.iter().cloned())
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "group")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("the file twice"))
            .stderr(output.try_clone().expect("the file twice"))
            .spawn()
            .expect("the function starts");
        Self { process, events, answers, output }
    }

    /// Everything that it has printed so far: logs, metrics, errors.
    pub fn said(&mut self) -> String {
        let mut said = Vec::new();
        self.output.rewind().expect("the file's beginning");
        self.output.read_to_end(&mut said).expect("the file's text");
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Calls it with an event and a time limit; `Err` is the error that Lambda would report.
    pub fn call(&self, event: Value, limit: Duration) -> Result<Value, Value> {
        self.events.send((event, limit)).expect("the function waits");
        self.answers.recv_timeout(Duration::from_secs(900)).expect("an answer in time")
    }
}

fn converse(
    request: &Request,
    next: &Mutex<Receiver<(Value, Duration)>>,
    answered: &Sender<Result<Value, Value>>,
) -> Response {
    if request.method == "GET" {
        let Ok((event, limit)) = next.lock().expect("the events").recv() else { return (500, Vec::new(), Vec::new()) };
        let deadline = (SystemTime::now() + limit).duration_since(UNIX_EPOCH).expect("after 1970");
        let headers = vec![
            ("Lambda-Runtime-Aws-Request-Id", "00000000-0000-0000-0000-000000000001".to_owned()),
            ("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string()),
            ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:000000000000:function:f".to_owned()),
        ];
        return (200, headers, event.to_string().into_bytes());
    }
    let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    // The test may be over.
    let _ = answered.send(if request.path.ends_with("/error") { Err(body) } else { Ok(body) });
    (202, Vec::new(), b"{}".to_vec())
}
