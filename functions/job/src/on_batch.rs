//! What a job of AWS Batch prints: logs as JSON lines and metrics on standard output, as the functions do, so that the alarms
//! and the dashboard see jobs as well. On a terminal, and anywhere else, none of it.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::LazyLock;

use serde_json::json;

use crate::cli::{Arguments, Format};
use crate::failure::Failure;
use crate::output::print;

/// AWS Batch sets it in every container.
const JOB_ID: &str = "AWS_BATCH_JOB_ID";

static IS_JOB: LazyLock<bool> = LazyLock::new(|| std::env::var_os(JOB_ID).is_some_and(|id| !id.is_empty()));

/// Whether this process is a job of AWS Batch.
pub fn is_job() -> bool {
    *IS_JOB
}

/// The arguments as they count: every line that a job prints is JSON.
pub fn settle(arguments: Arguments) -> Arguments {
    if is_job() { Arguments { output: Format::Json, ..arguments } } else { arguments }
}

/// Reports arguments that are wrong; the exit status is 2. What was only asked for, such as the version, is printed.
pub fn refuse(error: &clap::Error) -> ExitCode {
    if is_job() && error.use_stderr() {
        lake::telemetry::start_logs();
        tracing::error!(error = %error.render(), "failed");
    } else {
        // There is no other place to say that it cannot be printed.
        let _ = error.print();
        if error.use_stderr() && wants_json(std::env::args_os()) {
            let message = error.render().to_string().trim_start_matches("error: ").trim().to_owned();
            print(&format!("{}\n", json!({"ok": false, "elapsed_ms": 0, "errors": [Failure::usage(message)]})));
        }
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Whether arguments that are wrong ask for JSON.
fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let arguments: Vec<OsString> = arguments.collect();
    let follows = |pair: &[OsString]| matches!(pair, [option, value] if option == "--output" && value == "json");
    arguments.iter().any(|argument| argument == "--output=json") || arguments.windows(2).any(follows)
}

/// Prints lines of metrics.
pub fn print_metrics(lines: &[String]) {
    if !is_job() {
        return;
    }
    for line in lines {
        print(&format!("{line}\n"));
    }
}
