//! `tributary verify`: proves for the whole lake that no row is lost.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::ExitCode;
use std::time::Instant;

use lake::Lake;
use lake::ledger::{Output, Rows};
use lake::settings::Zone;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cli::Format;
use crate::failure::Failure;
use crate::output::{counted, grouped, print};
use crate::summary::{exit_status, line};

/// What was looked at and what is wrong.
#[derive(Debug, Default, Serialize)]
struct Report {
    raw_objects: u64,
    rows: Rows,
    objects: u64,
    partitions: u64,
    leftovers: u64,
    waiting: Vec<String>,
    problems: Vec<String>,
}

/// Verifies and prints.
pub async fn run(lake: &Lake, format: Format) -> ExitCode {
    let begun = Instant::now();
    let (report, failures) = match verify(lake).await {
        Ok(report) => {
            let problems = report.problems.iter().map(|problem| Failure::lasting(problem.clone()));
            let failures = problems.chain(lake.catalog.broken().map(Failure::from)).collect();
            (report, failures)
        }
        Err(failure) => (Report::default(), vec![failure]),
    };
    for failure in &failures {
        eprintln!("error: {}", failure.message);
    }
    match format {
        Format::Text if failures.is_empty() => print(&text(&report)),
        Format::Text => {}
        Format::Json => {
            let elapsed_ms = begun.elapsed().as_millis() as u64;
            let ok = failures.is_empty();
            print(&format!("{}\n", json!({"ok": ok, "elapsed_ms": elapsed_ms, "report": report, "errors": failures})));
        }
    }
    exit_status(&failures)
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    let Rows { read, clean, rejected, duplicate, outside, .. } = report.rows;
    let objects = counted(report.raw_objects, "raw object");
    line(&mut text, format_args!("{objects}: every row is accounted for"));
    let [read, clean, rejected, duplicate, outside] = [read, clean, rejected, duplicate, outside].map(grouped);
    line(
        &mut text,
        format_args!("  {read} read = {clean} clean + {rejected} rejected + {duplicate} duplicate + {outside} outside"),
    );
    let partitions = counted(report.partitions, "consumption partition");
    line(
        &mut text,
        format_args!("{} and {partitions} are as the ledger says; none is orphaned", counted(report.objects, "object")),
    );
    if !report.waiting.is_empty() {
        let waiting = counted(report.waiting.len() as u64, "raw object");
        line(&mut text, format_args!("{waiting} not cleaned yet, so not accounted for: run `tributary clean`"));
    }
    text
}

async fn verify(lake: &Lake) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut named: BTreeSet<(&'static str, String)> = BTreeSet::new();
    for entry in lake.ledger.raw_entries(None).await?.readable {
        let key = entry.raw_key().to_owned();
        report.raw_objects += 1;
        report.rows.add(&entry.rows);
        let written: u64 = entry.outputs.iter().map(|output| output.rows).sum();
        let rejected = entry.rejects.as_ref().map_or(0, |rejects| rejects.rows);
        if !entry.rows.balance() || written != entry.rows.clean || rejected != entry.rows.rejected {
            report.problems.push(format!("{key}: the account of its rows does not balance: {:?}", entry.rows));
        }
        if lake.raw.head(&key).await?.is_none() {
            report
                .problems
                .push(format!("{key}: the raw object is gone: `tributary clean` removes what was made of it"));
        }
        for output in &entry.outputs {
            named.insert((Zone::Standard.name(), output.key.clone()));
            check_parquet(lake, Zone::Standard, output, &mut report, "tributary clean --all").await?;
        }
        if let Some(rejects) = &entry.rejects {
            named.insert((Zone::Rejection.name(), rejects.key.clone()));
            check_rejects(lake, rejects, &mut report).await?;
        }
    }
    for (_, entry) in lake.ledger.consumption_entries(None).await?.readable {
        report.partitions += 1;
        for output in &entry.outputs {
            named.insert((Zone::Consumption.name(), output.key.clone()));
            const MEND: &str = "tributary aggregate --all";
            match entry.file {
                Some(_) => drop(check(lake, Zone::Consumption, output, &mut report, MEND).await?),
                None => check_parquet(lake, Zone::Consumption, output, &mut report, MEND).await?,
            }
        }
    }
    for zone in [Zone::Standard, Zone::Rejection, Zone::Consumption] {
        for object in lake.store(zone).list("").await? {
            if !named.contains(&(zone.name(), object.key.clone())) {
                let url = lake.store(zone).url(&object.key);
                let step = if zone == Zone::Consumption { "aggregate" } else { "clean" };
                report
                    .problems
                    .push(format!("{url} is in no ledger entry: `tributary {step} --all` removes such objects"));
            }
        }
    }
    for zone in Zone::ALL {
        for key in lake.store(zone).leftovers().await? {
            report.leftovers += 1;
            let url = lake.store(zone).url(&key);
            report.problems.push(format!("{url} was left by a killed writer: the next run removes it"));
        }
    }
    report.waiting = clean::waiting(lake, None).await?;
    Ok(report)
}

/// Whether an object is there as the ledger says; `None` (and a problem) if not.
async fn check(
    lake: &Lake,
    zone: Zone,
    output: &Output,
    report: &mut Report,
    mend: &str,
) -> Result<Option<lake::store::Object>, Failure> {
    report.objects += 1;
    let url = lake.store(zone).url(&output.key);
    match lake.store(zone).head(&output.key).await? {
        None => report.problems.push(format!("{url} is missing: `{mend}` makes it again")),
        Some(there) if there.etag != output.etag => {
            report.problems.push(format!("{url} is not what was written: its ETag differs; `{mend}` makes it again"));
        }
        Some(there) => return Ok(Some(there)),
    }
    Ok(None)
}

async fn check_parquet(
    lake: &Lake,
    zone: Zone,
    output: &Output,
    report: &mut Report,
    mend: &str,
) -> Result<(), Failure> {
    let Some(there) = check(lake, zone, output, report, mend).await? else { return Ok(()) };
    match lake::parquet::rows(lake.store(zone), &there).await {
        Ok(rows) if rows == output.rows => {}
        Ok(rows) => {
            let url = lake.store(zone).url(&output.key);
            report.problems.push(format!("{url} has {rows} rows, the ledger says {}", output.rows));
        }
        Err(error) => report.problems.push(error.to_string()),
    }
    Ok(())
}

async fn check_rejects(lake: &Lake, output: &Output, report: &mut Report) -> Result<(), Failure> {
    let Some(there) = check(lake, Zone::Rejection, output, report, "tributary clean --all").await? else {
        return Ok(());
    };
    let Some(reader) = lake.rejection.read(&there.key).await? else { return Ok(()) };
    let count = move || rejected_rows(reader);
    let counted: std::io::Result<u64> =
        tokio::task::spawn_blocking(count).await.map_err(std::io::Error::other).and_then(|result| result);
    let url = lake.rejection.url(&there.key);
    match counted {
        Ok(rows) if rows == output.rows => {}
        Ok(rows) => report.problems.push(format!("{url} has {rows} rows, the ledger says {}", output.rows)),
        Err(error) => report.problems.push(format!("{url} cannot be read: {error}")),
    }
    Ok(())
}

/// The longest line of the rejection zone: 4 KiB of text, each byte escaped, and what stands beside it.
const LONGEST_LINE: u64 = 1024 * 1024;

/// A line of the rejection zone: how many rows it stands for, one if it does not say.
#[derive(Deserialize)]
struct RejectLine {
    rows: Option<u64>,
}

fn rejected_rows(reader: impl Read) -> std::io::Result<u64> {
    let mut reader = BufReader::with_capacity(256 * 1024, reader);
    let mut line = Vec::new();
    let mut rows = 0_u64;
    loop {
        line.clear();
        reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(rows);
        }
        let RejectLine { rows: some } = serde_json::from_slice(&line)?;
        rows = rows.saturating_add(some.unwrap_or(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_rejects_may_stand_for_many_rows() {
        let text = "{\"row\": 1}\n{\"row\": 2, \"rows\": 40, \"raw_text\": \"\"}\n";
        assert_eq!(rejected_rows(text.as_bytes()).unwrap(), 41);
        assert!(rejected_rows("{\"row\": 1}\n{".as_bytes()).is_err());
    }
}
