//! What a command did: collected step by step, printed once, as text or as one line of JSON.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;
use std::time::Instant;

use aggregate::{Aggregated, Preview, Previews};
use clean::Cleaned;
use ingest::{Ingested, Missing};
use lake::Lake;
use lake::batch::HandedOver;
use lake::dataset::ends_in;
use lake::ledger::{LeftOut, Reason, Rows};
use lake::settings::Zone;
use serde::Serialize;

use crate::cli::Format;
use crate::failure::{self, Failure};
use crate::ignored::untaken;
use crate::output::{bytes, counted, grouped, print, print_result, visible};

/// A source that was not fetched.
#[derive(Debug, Serialize)]
pub struct Skipped {
    /// The source.
    pub source: String,
    /// Which setting is missing.
    pub why: String,
}

/// What a command did.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Whether everything that was asked for is done.
    pub ok: bool,
    /// How long it took.
    pub elapsed_ms: u64,
    /// What was fetched, per source and day.
    pub ingested: Vec<Ingested>,
    /// What raw objects keep although the API no longer has it.
    pub missing: Vec<Missing>,
    /// What was cleaned, per raw object.
    pub cleaned: Vec<Cleaned>,
    /// What was aggregated, per model and partition.
    pub aggregated: Vec<Aggregated>,
    /// What would be aggregated, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<Vec<Preview>>,
    /// How many objects and partitions needed nothing.
    pub up_to_date: u64,
    /// Raw keys that are gone, with what was made of them.
    pub retracted: Vec<String>,
    /// Raw objects that no dataset or table takes.
    pub ignored: clean::Ignored,
    /// How many raw objects were cleaned by rules that have changed since.
    pub by_older_rules: u64,
    /// Sources that were not fetched because a setting is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// What AWS Batch does now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub handed_over: Vec<HandedOver>,
    /// How long each step took.
    pub steps_ms: BTreeMap<&'static str, u64>,
    /// What could not be done.
    pub errors: Vec<Failure>,
    #[serde(skip)]
    begun: Instant,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            ok: true,
            elapsed_ms: 0,
            ingested: Vec::new(),
            missing: Vec::new(),
            cleaned: Vec::new(),
            aggregated: Vec::new(),
            planned: None,
            up_to_date: 0,
            retracted: Vec::new(),
            ignored: clean::Ignored::default(),
            by_older_rules: 0,
            skipped: Vec::new(),
            handed_over: Vec::new(),
            steps_ms: BTreeMap::new(),
            errors: Vec::new(),
            begun: Instant::now(),
        }
    }
}

impl Summary {
    /// Adds the time since `begun` to a step.
    pub fn took(&mut self, step: &'static str, begun: Instant) {
        *self.steps_ms.entry(step).or_default() += millis(begun);
    }

    /// Adds a failure.
    pub fn fail(&mut self, failure: impl Into<Failure>) {
        self.errors.push(failure.into());
    }

    /// Notes a source that is not fetched.
    pub fn skip(&mut self, source: &str, why: &lake::Error) {
        self.skipped.push(Skipped { source: source.to_owned(), why: why.to_string() });
    }

    /// Adds what an ingestion did.
    pub fn ingest(&mut self, outcome: ingest::Outcome) {
        self.ingested.extend(outcome.ingested);
        self.missing.extend(outcome.missing);
        self.up_to_date += outcome.up_to_date;
        self.errors.extend(outcome.incomplete.into_iter().map(Failure::from));
    }

    /// Adds what a cleaning did.
    pub fn clean(&mut self, outcome: clean::Outcome) {
        self.cleaned.extend(outcome.cleaned);
        self.up_to_date += outcome.up_to_date;
        self.retracted.extend(outcome.retracted);
        self.ignored.join(outcome.ignored);
        self.by_older_rules += outcome.by_older_rules;
        self.errors.extend(outcome.failed.into_iter().map(Failure::from));
    }

    /// Adds what an aggregation did.
    pub fn aggregate(&mut self, outcome: aggregate::Outcome) {
        self.aggregated.extend(outcome.aggregated);
        self.up_to_date += outcome.up_to_date;
        self.errors.extend(outcome.failed.into_iter().map(Failure::from));
    }

    /// Adds what an aggregation would do.
    pub fn preview(&mut self, previews: Previews) {
        self.planned.get_or_insert_default().extend(previews.partitions);
        self.up_to_date += previews.up_to_date;
        self.errors.extend(previews.failed.into_iter().map(Failure::from));
    }

    /// Whether nothing was done, nothing needed nothing, and nothing failed.
    pub fn is_empty(&self) -> bool {
        self.ingested.is_empty()
            && self.cleaned.is_empty()
            && self.aggregated.is_empty()
            && self.retracted.is_empty()
            && self.handed_over.is_empty()
            && self.errors.is_empty()
            && self.up_to_date == 0
    }

    /// Prints the summary and the errors; tells the exit status.
    pub fn finish(mut self, format: Format, lake: Option<&Lake>) -> ExitCode {
        self.ok = self.errors.is_empty();
        self.elapsed_ms = millis(self.begun);
        failure::print_all(&self.errors);
        match format {
            Format::Json => print(&format!("{}\n", serde_json::to_string(&self).unwrap_or_default())),
            Format::Csv => print_result(format, &serde_json::to_value(&self).unwrap_or_default()),
            Format::Text => print(&self.text(lake)),
        }
        exit_status(&self.errors)
    }

    fn text(&self, lake: Option<&Lake>) -> String {
        let mut text = String::new();
        self.ingest_text(&mut text);
        self.clean_text(&mut text);
        self.aggregate_text(&mut text);
        for job in &self.handed_over {
            let state = if job.already_active { "is active already" } else { "is submitted" };
            let shares = counted(job.shares as u64, "share");
            line(&mut text, format_args!("AWS Batch  job {} {state}: {shares}, id {}", job.job_name, job.job_id));
        }
        if let Some(planned) = &self.planned {
            preview_text(planned, &mut text);
            let done = counted(self.up_to_date, "partition");
            line(&mut text, format_args!("{done} up to date; nothing was changed."));
            return text;
        }
        let nothing_done = self.aggregated.is_empty()
            && self.cleaned.is_empty()
            && self.retracted.is_empty()
            && self.handed_over.is_empty()
            && self.ingested.iter().all(|day| day.objects == 0);
        if nothing_done && !self.errors.is_empty() {
            // The errors say it all.
            return text;
        }
        if let Some(ignored) = untaken(&self.ignored, lake) {
            line(&mut text, format_args!("ignored    {ignored}"));
        }
        if self.by_older_rules > 0 {
            let objects = counted(self.by_older_rules, "raw object");
            let command = "`tributary clean --all` cleans by those of today";
            line(&mut text, format_args!("older      {objects} cleaned by rules that have changed since: {command}"));
        }
        if nothing_done {
            let what = if self.up_to_date == 0 { "There was nothing to do" } else { "Everything is up to date" };
            line(&mut text, format_args!("{what} ({}).", counted(self.up_to_date, "object")));
        } else if let Some(lake) = lake {
            let places = [Zone::Standard, Zone::Consumption].map(|zone| lake.url(zone));
            line(&mut text, format_args!("Files: {}", places.join(", ")));
            if self.cleaned.iter().any(|cleaned| cleaned.rows.rejected > 0) {
                line(&mut text, format_args!("Rejected rows, with reasons: {}", lake.url(Zone::Rejection)));
            }
        }
        line(&mut text, format_args!("Elapsed: {:.2} s", self.elapsed_ms as f64 / 1000.0));
        text
    }

    /// Says which sources were not fetched.
    pub fn skipped_text(&self, text: &mut String) {
        for Skipped { source, why } in &self.skipped {
            line(text, format_args!("skipped    {source}: {why}"));
        }
    }

    fn ingest_text(&self, text: &mut String) {
        self.skipped_text(text);
        if self.ingested.is_empty() {
            return;
        }
        let total = |count: fn(&Ingested) -> u64| self.ingested.iter().map(count).sum::<u64>();
        let objects = counted(total(|day| day.objects), "object");
        let size = bytes(total(|day| day.bytes));
        let requests = counted(total(|day| day.requests), "request");
        let retries = match total(|day| day.retries) {
            0 => String::new(),
            1 => " (1 retry)".to_owned(),
            retries => format!(" ({} retries)", grouped(retries)),
        };
        let mut units: BTreeMap<&str, u64> = BTreeMap::new();
        for part in &self.ingested {
            *units.entry(part.unit).or_default() += part.units;
        }
        let days = units.into_iter().map(|(unit, count)| counted(count, unit)).collect::<Vec<_>>().join(", ");
        let parts = format_args!("{days}: {objects} written, {size}, {requests}{retries}").to_string();
        self.step(text, "ingest", &parts);
        let mut unknown: Vec<&str> = self.ingested.iter().flat_map(|day| &day.unknown).map(String::as_str).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            line(text, format_args!("           listed, but unknown to the API: {}", unknown.join(", ")));
        }
        for part in self.ingested.iter().filter(|part| part.fetched_elsewhere) {
            let (source, unit, day) = (&part.source, part.unit, &part.day);
            line(text, format_args!("           {source}: {unit} {day} is left to another run, which is fetching it"));
        }
        for Missing { raw_key, what, .. } in &self.missing {
            let kept = counted(what.len() as u64, "part");
            line(text, format_args!("           {raw_key} keeps {kept} that the API no longer has"));
        }
        let no_account: Vec<&str> = self.ingested.iter().flat_map(|day| &day.no_account).map(String::as_str).collect();
        if !no_account.is_empty() {
            let entries = match no_account.len() {
                1 => "1 entry".to_owned(),
                count => format!("{count} entries"),
            };
            line(text, format_args!("           {entries} of the roster without account: {}", no_account.join(", ")));
        }
    }

    fn clean_text(&self, text: &mut String) {
        for key in &self.retracted {
            line(text, format_args!("retracted  {key} is gone, and what was made of it"));
        }
        if self.cleaned.is_empty() {
            return;
        }
        let mut rows = Rows::default();
        let mut by_table: BTreeMap<String, (Rows, u64)> = BTreeMap::new();
        for cleaned in &self.cleaned {
            rows.add(&cleaned.rows);
            let of_table = by_table.entry(format!("{}.{}", cleaned.dataset, cleaned.table)).or_default();
            of_table.0.add(&cleaned.rows);
            of_table.1 += cleaned.preamble;
        }
        let objects = counted(self.cleaned.len() as u64, "object");
        self.step(text, "clean", &format!("{objects}, {}", account(&rows)));
        for (table, (rows, preamble)) in by_table {
            let beside = match preamble {
                0 => String::new(),
                lines => format!(
                    "; {} beside them: before a header, a header that comes again, or comments",
                    counted(lines, "line")
                ),
            };
            line(text, format_args!("           {table}: {}{beside}", account(&rows)));
        }
        for cleaned in &self.cleaned {
            if let Some(reject) = &cleaned.rejected_whole {
                let key = &cleaned.raw_key;
                line(
                    text,
                    format_args!("           {key} is rejected as a whole: {} ({})", reject.message, reject.reason),
                );
            }
        }
        let mut left_out: BTreeMap<(&str, &str), (u64, &str, &str)> = BTreeMap::new();
        for cleaned in &self.cleaned {
            let Some(LeftOut { files, first }) = &cleaned.left_out else { continue };
            let of_table = left_out.entry((&cleaned.dataset, &cleaned.table)).or_insert((0, first, &cleaned.raw_key));
            of_table.0 += files;
        }
        for ((dataset, table), (files, first, raw_key)) in left_out {
            let files = counted(files, "file");
            line(
                text,
                format_args!(
                    "           {files} of archives left out by `entries` of {dataset}.{table}, such as {first} in {raw_key}"
                ),
            );
        }
        // One of each table: the others are alike.
        let mut doubtful: BTreeMap<(&str, &str), &Cleaned> = BTreeMap::new();
        for cleaned in self.cleaned.iter().filter(|cleaned| has_doubtful_key(&cleaned.rows)) {
            doubtful.entry((&cleaned.dataset, &cleaned.table)).or_insert(cleaned);
        }
        for cleaned in doubtful.into_values() {
            let Cleaned { raw_key, dataset, table, rows, .. } = cleaned;
            let (duplicates, read) = (grouped(rows.duplicate), grouped(rows.read));
            line(
                text,
                format_args!(
                    "           {duplicates} of {read} rows of {raw_key} are replaced by others of the same key: do the columns of `key` tell all rows of {dataset}.{table} apart?"
                ),
            );
        }
        reasons_text(&self.cleaned, text);
    }

    fn aggregate_text(&self, text: &mut String) {
        if self.aggregated.is_empty() {
            return;
        }
        // Rows of a file are those of partitions.
        let rows: u64 = self.aggregated.iter().filter(|made| !made.is_file()).map(|made| made.rows).sum();
        let is_page = |made: &&Aggregated| made.model == aggregate::pages::MODEL;
        let pages = self.aggregated.iter().filter(is_page).count();
        let files = self.aggregated.iter().filter(|made| made.is_file() && !is_page(made)).count();
        let partitions = self.aggregated.len() - pages - files;
        let parts = [(partitions, "partition"), (files, "file"), (pages, "page")].into_iter();
        let mut parts: Vec<String> =
            parts.filter(|(count, _)| *count > 0).map(|(count, noun)| counted(count as u64, noun)).collect();
        if partitions > 0 {
            parts.insert(1, counted(rows, "row"));
        }
        self.step(text, "aggregate", &parts.join(", "));
        for made in &self.aggregated {
            let state = match (made.deleted, made.changed) {
                (true, _) => "deleted: its model is gone, or what it was made from".to_owned(),
                (_, true) => counted(made.rows, "row"),
                // Nothing is written where there are no rows: the first time as ever after.
                (_, false) if made.rows == 0 => "no rows".to_owned(),
                (_, false) => format!("{}, as before", counted(made.rows, "row")),
            };
            let is_page = made.model == aggregate::pages::MODEL;
            if is_page {
                let page: String = made.partition.values().map(|(_, page)| page).collect();
                let state = if made.deleted { "deleted" } else { "made" };
                line(text, format_args!("           {}/{page}: {state}", made.dataset));
            } else {
                line(text, format_args!("           {}.{} {}: {state}", made.dataset, made.model, made.partition));
            }
            for warning in &made.warnings {
                let what = if is_page { "" } else { "its rows failed " };
                line(text, format_args!("             warning: {what}{warning}"));
            }
        }
    }

    fn step(&self, text: &mut String, step: &'static str, what: &str) {
        let seconds = self.steps_ms.get(step).copied().unwrap_or_default() as f64 / 1000.0;
        line(text, format_args!("{step:<10} {what}; {seconds:.2} s"));
    }
}

/// How many reasons of rejection a summary shows.
const REASONS_SHOWN: usize = 3;

/// Whether so many rows of one object have the key of others that the key is more likely wrong.
fn has_doubtful_key(rows: &Rows) -> bool {
    rows.duplicate >= 10 && rows.duplicate > rows.read / 10
}

/// The most frequent reasons of rejection, each with the place of a row. What the row has is not shown.
fn reasons_text(cleaned: &[Cleaned], text: &mut String) {
    let mut reasons: BTreeMap<&str, (u64, &str, &Reason)> = BTreeMap::new();
    for cleaned in cleaned {
        for (reason, found) in &cleaned.reasons {
            let (rows, ..) = reasons.entry(reason).or_insert((0, &cleaned.raw_key, found));
            *rows = rows.saturating_add(found.rows);
        }
    }
    let all = reasons.len();
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, (rows, ..))| std::cmp::Reverse(*rows));
    for (reason, (rows, key, found)) in reasons.iter().take(REASONS_SHOWN) {
        let column = found.column.as_ref().map(|column| format!(" (column {column})")).unwrap_or_default();
        let (rows, row) = (counted(*rows, "row"), found.first);
        let is = |ending| ends_in(key, ending);
        let place = match (is(".json"), is(".xlsx") || is(".parquet")) {
            (true, _) => "element",
            (_, true) => "row",
            _ => "line",
        };
        line(text, format_args!("           rejected as {reason}: {rows}, such as {place} {row} of {key}{column}"));
    }
    if all > REASONS_SHOWN {
        let more = all - REASONS_SHOWN;
        let reasons = if more == 1 { "reason" } else { "reasons" };
        line(text, format_args!("           and {more} more {reasons}"));
    }
}

/// What would be made, line by line.
/// Says which partitions are stale, and why, and how their rows would differ.
pub fn preview_text(planned: &[Preview], text: &mut String) {
    for Preview { dataset, model, partition, why, rows_before, rows, not_compared } in planned {
        // What was never made has no rows.
        let before = if *rows_before == 0 { String::new() } else { format!("{}; ", counted(*rows_before, "row")) };
        line(text, format_args!("stale      {dataset}.{model} {partition}: {before}{why}"));
        if let Some(why) = not_compared {
            line(text, format_args!("             not compared: {why}"));
        }
        let Some(rows) = rows else { continue };
        let after = counted(rows.rows_after, "row");
        let [added, removed, changed] = [rows.added, rows.removed, rows.changed].map(grouped);
        line(text, format_args!("             {after} after: {added} added, {removed} removed, {changed} changed"));
        for failed in &rows.failed {
            line(text, format_args!("             its rows would fail {failed}"));
        }
        for warning in &rows.warnings {
            line(text, format_args!("             a warning: its rows would fail {warning}"));
        }
    }
}

fn account(rows: &Rows) -> String {
    let Rows { read, clean, rejected, duplicate, outside, missing } = *rows;
    let missing = if missing == 0 { String::new() } else { format!(" ({} missing)", grouped(missing)) };
    format!(
        "{} read = {} clean{missing} + {} rejected + {} duplicate + {} outside",
        counted(read, "row"),
        grouped(clean),
        grouped(rejected),
        grouped(duplicate),
        grouped(outside)
    )
}

/// Adds a line; writing to a string cannot fail. A line end within it is part of a key, and escaped.
pub fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    let content = content.to_string().replace('\n', "\\n");
    let _ = writeln!(text, "{}", visible(&content));
}

/// 2 if the command or a setting is wrong, 1 if something could not be done, else 0.
pub fn exit_status(failures: &[Failure]) -> ExitCode {
    match failures {
        [] => ExitCode::SUCCESS,
        failures if failures.iter().any(|failure| failure.is_usage) => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}

fn millis(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
