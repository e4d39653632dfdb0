//! `tributary dataset`: helps to write a dataset's folder.

mod check;
mod draft;
mod export;

use std::process::ExitCode;
use std::time::Instant;

use crate::cli::{DatasetCommand, Format};
use crate::failure::{self, Failure};
use crate::output::{print, print_result};
use crate::summary::exit_status;

pub use self::export::export;

/// What a command has to say: for people, and the same for programs.
struct Report {
    text: String,
    json: serde_json::Value,
}

/// Runs a command and prints what it says.
pub async fn run(command: &DatasetCommand, format: Format) -> ExitCode {
    let begun = Instant::now();
    let done = match command {
        DatasetCommand::Check { folder } => check::check(folder).await,
        DatasetCommand::New { name, from, into } => draft::draft(name, from, into.as_deref()).await,
        // Needs a lake, and is done where there is one.
        DatasetCommand::ExportTerraform => Ok(Report { text: String::new(), json: serde_json::json!({}) }),
    };
    let failures: Vec<Failure> = match &done {
        Ok(report) if format == Format::Text => {
            print(&report.text);
            Vec::new()
        }
        Ok(_) => Vec::new(),
        Err(failure) => vec![failure.clone()],
    };
    failure::print_all(&failures);
    if format != Format::Text {
        let mut line = done.map_or_else(|_| serde_json::json!({}), |report| report.json);
        if let Some(fields) = line.as_object_mut() {
            fields.insert("ok".to_owned(), failures.is_empty().into());
            fields.insert("elapsed_ms".to_owned(), (begun.elapsed().as_millis() as u64).into());
            fields.insert("errors".to_owned(), serde_json::json!(failures));
        }
        print_result(format, &line);
    }
    exit_status(&failures)
}
