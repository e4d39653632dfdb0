//! `tributary catalog`: registers the lake's partitions in the Glue Data Catalog. Aggregations do so as well; this is for
//! what they could not do, and for a catalog that was made later.

use std::process::ExitCode;
use std::time::Instant;

use lake::Lake;
use lake::glue::Registered;
use serde_json::json;

use crate::cli::Format;
use crate::commands::Result;
use crate::failure::{self, Failure};
use crate::output::{counted, print, print_result};
use crate::summary::exit_status;

/// Registers what is not registered, and says what was done.
pub async fn run(lake: &Lake, dataset: Option<&str>, format: Format) -> ExitCode {
    let begun = Instant::now();
    let (done, failures) = match register(lake, dataset).await {
        Ok(done) => (done, Vec::new()),
        Err(failure) => (Registered::default(), vec![failure]),
    };
    failure::print_all(&failures);
    match format {
        Format::Text if failures.is_empty() => {
            let (added, removed) = (counted(done.added, "partition"), counted(done.removed, "registration"));
            print(&format!("registered {added}, removed {removed}\n"));
            if done.unknown_tables > 0 {
                let tables = counted(done.unknown_tables, "table");
                print(&format!("{tables} of the lake are not in the database: Terraform makes them\n"));
            }
        }
        Format::Text => {}
        Format::Json | Format::Csv => {
            let (ok, elapsed_ms) = (failures.is_empty(), begun.elapsed().as_millis() as u64);
            print_result(format, &json!({"ok": ok, "elapsed_ms": elapsed_ms, "registered": done, "errors": failures}));
        }
    }
    exit_status(&failures)
}

async fn register(lake: &Lake, dataset: Option<&str>) -> Result<Registered> {
    let Some(glue) = &lake.glue else {
        let why =
            "setting GLUE_DATABASE: name the database of the Glue Data Catalog; standard and consumption must be on S3";
        return Err(Failure::usage(why.to_owned()));
    };
    Ok(glue.register(&aggregate::placed(lake, dataset).await?).await?)
}
