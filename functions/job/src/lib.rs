//! The command line `tributary`, as a library: its binary and its tests run the same code.

mod cli;
mod commands;
mod dataset;
mod failure;
mod job;
mod output;
mod progress;
mod query;
mod status;
mod summary;
mod verify;

use std::process::ExitCode;

use clap::Parser;

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    progress::start_logging(&arguments);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(commands::run(&arguments)),
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
