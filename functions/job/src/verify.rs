//! `tributary verify`: proves for the whole lake that no row is lost, and mends what raw can mend.

mod proof;
mod repair;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use lake::ledger::Rows;
use serde_json::json;

use self::proof::{Findings, Report, prove};
use self::repair::{Repaired, repair};
use crate::cli::Format;
use crate::commands::Session;
use crate::failure::{self, Failure};
use crate::output::{counted, grouped, print, print_result};
use crate::summary::{exit_status, line};

/// How long after something was found wrong it is looked at again.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// Verifies and prints. With `mend`, makes again what can be made from raw before it verifies once more.
pub async fn run(session: &Session<'_>, mend: bool, format: Format) -> ExitCode {
    let begun = Instant::now();
    let lake = &session.lake;
    let mut failures: Vec<Failure> = lake.catalog.broken().map(Failure::from).collect();
    let mut repaired = None;
    let report = match found(session, mend, &mut repaired, &mut failures).await {
        Ok(Findings { report, .. }) => {
            failures.extend(report.problems.iter().map(|problem| Failure::lasting(problem.clone())));
            report
        }
        Err(failure) => {
            failures.push(failure);
            Report::default()
        }
    };
    failure::print_all(&failures);
    match format {
        Format::Text => {
            let mut text = repaired.as_ref().map(Repaired::text).unwrap_or_default();
            if failures.is_empty() {
                text.push_str(&report_text(&report));
            }
            print(&text);
        }
        Format::Json | Format::Csv => {
            let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let ok = failures.is_empty();
            let mut answer = json!({"ok": ok, "elapsed_ms": elapsed_ms, "report": report, "errors": failures});
            if let (Some(answer), Some(repaired)) = (answer.as_object_mut(), &repaired) {
                answer.insert("repaired".to_owned(), json!(repaired));
            }
            print_result(format, &answer);
        }
    }
    exit_status(&failures)
}

/// What is wrong, after a repair if one is wanted.
async fn found(
    session: &Session<'_>,
    mend: bool,
    repaired: &mut Option<Repaired>,
    failures: &mut Vec<Failure>,
) -> Result<Findings, Failure> {
    let findings = prove(&session.lake).await?;
    if !mend && !findings.report.problems.is_empty() {
        // What a writer has changed while it was looked at is another thing by now, or none.
        tokio::time::sleep(SECOND_LOOK).await;
        let mut again = prove(&session.lake).await?;
        again.report.problems.retain(|problem| findings.report.problems.contains(problem));
        return Ok(again);
    }
    if !mend {
        return Ok(findings);
    }
    let (done, findings) = repair(session, findings, failures).await?;
    *repaired = Some(done);
    Ok(findings)
}

fn report_text(report: &Report) -> String {
    let mut text = String::new();
    let Rows { read, clean, rejected, duplicate, outside, .. } = report.rows;
    let objects = counted(report.raw_objects, "raw object");
    line(&mut text, format_args!("{objects}: every row is accounted for"));
    let [read, clean, rejected, duplicate, outside] = [read, clean, rejected, duplicate, outside].map(grouped);
    line(
        &mut text,
        format_args!("  {read} read = {clean} clean + {rejected} rejected + {duplicate} duplicate + {outside} outside"),
    );
    let objects = counted(report.objects, "object");
    let (partitions, files) = (counted(report.partitions, "consumption partition"), counted(report.files, "file"));
    line(
        &mut text,
        format_args!("{objects}, {partitions} and {files} made of them are as the ledger says; none is orphaned"),
    );
    if !report.waiting.is_empty() {
        let waiting = counted(report.waiting.len() as u64, "raw object");
        line(&mut text, format_args!("{waiting} not cleaned yet, so not accounted for: run `tributary clean`"));
    }
    if let Some(ignored) = crate::ignored::untaken_or_hidden(&report.ignored, None) {
        line(&mut text, format_args!("ignored: {ignored}"));
    }
    text
}
