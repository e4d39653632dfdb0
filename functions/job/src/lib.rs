//! The command line `tributary`, as a library: its binary and its tests run the same code.

mod cases;
mod catalog;
mod cli;
mod commands;
mod dataset;
mod describe;
mod doctor;
mod dry_run;
mod explain;
mod failure;
mod ignored;
mod init;
mod job;
mod lineage;
mod on_batch;
mod openlineage;
mod output;
mod pages;
mod progress;
mod query;
mod reference;
mod schema;
mod snowflake;
mod status;
mod summary;
mod verify;

use std::panic::{self, AssertUnwindSafe};
use std::process::{self, ExitCode};

use clap::Parser;

/// What is said where a thread cannot be started.
const NO_THREAD: &str = "a thread cannot be started: there is too little memory, or a limit on it or on processes \
                         (ulimit -v, ulimit -u; each thread reserves 128 MiB of addresses, and uses what it needs): raise it";

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => on_batch::settle(arguments),
        Err(error) => return on_batch::refuse(&error),
    };
    progress::start_logging(&arguments);
    panic::set_hook(Box::new(|panic| {
        // Memory, or a limit of the shell's, and no bug. The runtime could wait for ever for the threads that it has; what is
        // half done is like what a killed process leaves.
        if panic.payload_as_str().is_some_and(|why| why.starts_with("OS can't spawn")) {
            report(NO_THREAD);
            process::exit(1);
        }
        // Without the message, which may quote a row.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        report(&format!("this is a bug in tributary, at {place}: please report it"));
    }));
    // A bug ends like any failure: 1, and not a status that no table has.
    let work = AssertUnwindSafe(|| {
        lake::stack::run(|| async {
            outlive_size_limits();
            commands::run(&arguments).await
        })
    });
    match panic::catch_unwind(work).unwrap_or(Ok(ExitCode::FAILURE)) {
        Ok(status) => output::status_of_output(status),
        Err(error) => {
            let is_limit = error.raw_os_error() == Some(libc::EAGAIN);
            report(&if is_limit { NO_THREAD.to_owned() } else { format!("cannot start: {error}") });
            ExitCode::FAILURE
        }
    }
}

/// A file that grows beyond what the shell allows (`ulimit -f`) is an error of that write, and ends nothing else.
fn outlive_size_limits() {
    use tokio::signal::unix::{SignalKind, signal};
    // Who listens once is no longer ended by the signal.
    if let Err(error) = signal(SignalKind::from_raw(libc::SIGXFSZ)) {
        tracing::debug!(%error, "not catching the signal of size limits");
    }
}

/// Reports what no command could say.
fn report(what: &str) {
    if on_batch::is_job() {
        tracing::error!(error = what, "failed");
    } else {
        eprintln!("error: {what}");
    }
}
