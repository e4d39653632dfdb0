//! `tributary doctor`: whether everything is there that the commands need.

use std::process::ExitCode;
use std::time::Instant;

use bytes::Bytes;
use chrono::Utc;
use lake::Lake;
use lake::settings::Zone;
use lake::store::{Condition, Store, StoreUrl};
use serde::Serialize;
use serde_json::json;

use crate::cli::Format;
use crate::failure::{self, Failure};
use crate::output::{bytes, print, print_result};
use crate::summary::{exit_status, line};

/// A clock that differs by more from the store's is worth a word: S3 refuses requests from 15 minutes on.
const MOST_SKEW_SECONDS: i64 = 60;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    ok: bool,
    says: String,
}

impl Finding {
    fn new(what: impl Into<String>, said: Result<String, String>) -> Self {
        let ok = said.is_ok();
        Self { what: what.into(), ok, says: said.unwrap_or_else(|why| why) }
    }
}

/// Looks at version, settings, datasets, rights in each zone, time, and room for temporary files.
pub async fn run(lake: &Lake, sources: &ingest::Settings, format: Format) -> ExitCode {
    let begun = Instant::now();
    let mut findings = vec![Finding::new("version", Ok(env!("CARGO_PKG_VERSION").to_owned()))];
    let there = match lake.exists().await {
        Ok(true) => Ok(lake.root_url()),
        Ok(false) => Err(format!("there is none at {} yet: `tributary init` makes one", lake.root_url())),
        Err(error) => Err(error.to_string()),
    };
    let is_there = there.is_ok();
    findings.push(Finding::new("lake", there));
    findings.push(Finding::new(
        "memory",
        Ok(format!("{} for queries and writers (MEMORY_BYTES)", bytes(lake.limits().memory_bytes))),
    ));
    findings.push(Finding::new("temporary files", temporary()));
    findings.extend(lake.catalog.broken().map(|error| Finding::new("dataset", Err(error.to_string()))));
    for dataset in lake.catalog.datasets() {
        let name = &dataset.name;
        let says = match sources.missing(name) {
            _ if !dataset.has_source() => Ok(format!("{name}: files are uploaded to {}", lake.raw.url(name))),
            Some(missing) => Ok(format!("{name}: not fetched: {missing}")),
            // Reads the source's settings.
            None => match ingest::window(lake, name, None, None, Utc::now()) {
                Ok(_) => Ok(format!("{name}: can be fetched")),
                Err(error) => Err(error.to_string()),
            },
        };
        findings.push(Finding::new("dataset", says));
        let hashes = dataset.models.iter().find(|model| model.hash_personal);
        if let Some(model) = hashes.filter(|_| lake.personal_key.is_none()) {
            let why = "hashes personal values, and has no key for them: set PERSONAL_KEY or PERSONAL_KEY_SECRET";
            findings.push(Finding::new("model", Err(format!("{name}.{} {why}", model.name))));
        }
    }
    if let StoreUrl::File(folder) = lake.place(Zone::Ledger)
        && let Some(kind) = lake::process::network_of(&folder)
    {
        let folder = folder.display();
        findings.push(Finding::new(
            "ledger",
            Err(format!(
                "{folder} is on a network's file system ({kind}), where writers of several machines do not see each other's locks: write from one machine only, or use a lake on S3"
            )),
        ));
    }
    if is_there {
        for zone in Zone::ALL {
            findings.push(Finding::new(format!("zone {}", zone.name()), rights(lake, zone).await));
        }
    }
    let failures: Vec<Failure> = findings
        .iter()
        .filter(|finding| !finding.ok)
        .map(|finding| Failure::lasting(format!("{}: {}", finding.what, finding.says)))
        .collect();
    failure::print_all(&failures);
    match format {
        Format::Text => {
            let mut text = String::new();
            for Finding { what, says, .. } in findings.iter().filter(|finding| finding.ok) {
                line(&mut text, format_args!("ok  {what:<16} {says}"));
            }
            print(&text);
        }
        Format::Json | Format::Csv => {
            let (ok, elapsed_ms) = (failures.is_empty(), begun.elapsed().as_millis() as u64);
            print_result(
                format,
                &json!({"ok": ok, "elapsed_ms": elapsed_ms, "findings": findings, "errors": failures}),
            );
        }
    }
    exit_status(&failures)
}

fn temporary() -> Result<String, String> {
    let folder = std::env::temp_dir();
    match tempfile::tempfile() {
        Ok(_) => Ok(folder.display().to_string()),
        Err(error) => Err(format!("{}: {error}; see TMPDIR", folder.display())),
    }
}

/// Writes, reads and deletes a hidden object of a zone.
async fn rights(lake: &Lake, zone: Zone) -> Result<String, String> {
    let store = lake.store(zone);
    let key = format!("_doctor/{}", lake::process::unique_name());
    let done = try_rights(store, &key).await;
    let skew = done.map_err(|error| format!("{}: {error}", lake.url(zone)))?;
    if skew.abs() > MOST_SKEW_SECONDS {
        return Err(format!(
            "{}: its clock is {skew} seconds ahead of this machine's: set the time right",
            lake.url(zone)
        ));
    }
    Ok(format!("{}: can be listed, read and written", lake.url(zone)))
}

async fn try_rights(store: &Store, key: &str) -> lake::Result<i64> {
    store.list("_doctor/").await?;
    let begun = Utc::now();
    let written = store.put(key, Bytes::from_static(b"{}"), Condition::Absent).await?;
    let read = store.get(key).await;
    store.delete(key, Condition::Unchanged(written.etag)).await?;
    let skew = read?.map(|(object, _)| object.last_modified.signed_duration_since(begun).num_seconds());
    Ok(skew.unwrap_or_default())
}
