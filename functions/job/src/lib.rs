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
    match lake::stack::run(|| commands::run(&arguments)) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
