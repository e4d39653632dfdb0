//! `tributary status`: per dataset what there is, what is stale, and what is waiting.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use chrono::NaiveDate;
use lake::dataset::Dataset;
use lake::ledger::{Gap, LeftOut, RawEntry, Rows};
use lake::{Lake, keys};
use serde::Serialize;
use serde_json::json;

use crate::cli::Format;
use crate::failure::{self, Failure};
use crate::ignored::untaken_or_hidden;
use crate::output::{counted, grouped, print, print_result};
use crate::summary::{exit_status, line};

/// The state of one dataset.
#[derive(Debug, Serialize)]
pub struct State {
    /// Its name.
    pub dataset: String,
    /// One line for people.
    pub title: String,
    /// The newest local day that has rows.
    pub newest_day: Option<NaiveDate>,
    /// Raw objects that were cleaned.
    pub objects: usize,
    /// Of them, those rejected as a whole.
    pub objects_rejected: usize,
    /// Of them, those cleaned by rules that have changed since.
    pub objects_by_older_rules: usize,
    /// The account of all.
    pub rows: Rows,
    /// The account of each table.
    pub tables: BTreeMap<String, Rows>,
    /// Rejected rows by reason, as far as they were counted so.
    pub reasons: BTreeMap<String, u64>,
    /// Consumption partitions.
    pub partitions: usize,
    /// Files made of them: CSV, GeoJSON and report pages.
    pub files: usize,
    /// Consumption partitions to be made again.
    pub stale: Vec<String>,
    /// Why models are not made again, if they are to be and cannot be planned.
    pub not_planned: Vec<String>,
    /// Raw objects to be cleaned.
    pub waiting: Vec<String>,
    /// Raw objects that are gone, while what was made of them is still there.
    pub gone: Vec<String>,
    /// Of those, how many stay until `--prune` says that they are gone for good.
    pub kept: usize,
    /// Files of archives that `entries` leaves out.
    pub left_out: u64,
    /// One of them, with the archive's raw key.
    pub left_out_first: Option<(String, String)>,
    /// What lies in the raw zone and cannot be read: key, and why.
    pub odd: Vec<(String, String)>,
    /// Raw objects that no table takes, and hidden ones.
    pub ignored: clean::Ignored,
    /// Ledger entries that cannot be read.
    pub unreadable: Vec<String>,
    /// What sources could not deliver, by raw key.
    pub gaps: Vec<(String, Gap)>,
}

impl State {
    /// The newest day that has rows, in words.
    pub fn newest(&self) -> String {
        match self.newest_day {
            Some(day) => day.to_string(),
            // Of rows without a day.
            None if self.rows.clean > 0 => "not known".to_owned(),
            None => "none yet".to_owned(),
        }
    }

    /// Adds what the ledger says of a raw object.
    fn add(&mut self, dataset: &Dataset, entry: &RawEntry) {
        if !entry.is_committed() {
            return;
        }
        self.newest_day = self.newest_day.max(entry.newest_day(NaiveDate::MAX));
        self.objects += 1;
        self.objects_rejected += usize::from(entry.rejected.is_some());
        self.rows.add(&entry.rows);
        match self.tables.get_mut(&entry.table) {
            Some(rows) => rows.add(&entry.rows),
            None => drop(self.tables.insert(entry.table.clone(), entry.rows)),
        }
        for (reason, counted) in &entry.reasons {
            let known = self.reasons.entry(reason.clone()).or_default();
            *known = known.saturating_add(counted.rows);
        }
        if let Some(LeftOut { files, first }) = &entry.left_out {
            self.left_out = self.left_out.saturating_add(*files);
            self.left_out_first.get_or_insert_with(|| (first.clone(), entry.raw_key().to_owned()));
        }
        let rules = dataset.table(&entry.table).map(|table| &table.fingerprint);
        self.objects_by_older_rules += usize::from(rules != Some(&entry.rules));
        self.gaps.extend(entry.gaps.iter().map(|gap| (entry.raw_key().to_owned(), gap.clone())));
    }
}

/// Prints the state of one dataset or of all.
pub async fn run(lake: &Lake, only: Option<&str>, format: Format) -> ExitCode {
    let begun = Instant::now();
    let mut states = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    let datasets: Vec<&Dataset> = match only.map(|name| lake.catalog.dataset(name)).transpose() {
        Ok(Some(dataset)) => vec![dataset],
        Ok(None) => {
            failures.extend(lake.catalog.broken().map(Failure::from));
            lake.catalog.datasets().iter().collect()
        }
        Err(error) => {
            failures.push(error.into());
            Vec::new()
        }
    };
    let ignored = clean::ignored(lake, only).await.unwrap_or_else(|error| {
        failures.push(error.into());
        Vec::new()
    });
    for dataset in datasets {
        match look(lake, dataset, &ignored).await {
            Ok(state) => states.push(state),
            Err(failure) => failures.push(failure),
        }
    }
    failure::print_all(&failures);
    let ignored: clean::Ignored = ignored.iter().collect();
    match format {
        Format::Text => {
            let mut all = states.iter().map(text).collect::<Vec<_>>().join("\n");
            if let Some(ignored) = untaken_or_hidden(&ignored, Some(lake)) {
                all.push('\n');
                line(&mut all, format_args!("ignored: {ignored}"));
            }
            print(&all);
        }
        Format::Json | Format::Csv => {
            let elapsed_ms = begun.elapsed().as_millis() as u64;
            let ok = failures.is_empty();
            print_result(
                format,
                &json!({"ok": ok, "elapsed_ms": elapsed_ms, "datasets": states, "ignored": ignored, "errors": failures}),
            );
        }
    }
    exit_status(&failures)
}

/// Looks at one dataset. `ignored` are raw keys that no table of any takes.
pub async fn look(lake: &Lake, dataset: &Dataset, ignored: &[String]) -> Result<State, Failure> {
    let aggregate::Standing { stale, not_planned, partitions, files, unreadable, raw } =
        aggregate::standing(lake, dataset).await?;
    let unreadable = raw.unreadable.iter().map(|entry| entry.key.clone()).chain(unreadable).collect();
    let waiting = clean::waiting_beside(lake, dataset, &raw).await?;
    let mut state = State {
        dataset: dataset.name.clone(),
        title: dataset.title.clone(),
        newest_day: None,
        objects: 0,
        objects_rejected: 0,
        objects_by_older_rules: 0,
        rows: Rows::default(),
        tables: BTreeMap::new(),
        reasons: BTreeMap::new(),
        partitions,
        files,
        stale: stale.into_iter().map(|(model, partition)| format!("{model} {partition}")).collect(),
        not_planned: not_planned.iter().map(ToString::to_string).collect(),
        waiting: waiting.keys,
        gone: waiting.gone,
        kept: waiting.kept.len(),
        left_out: 0,
        left_out_first: None,
        odd: waiting.odd,
        ignored: ignored.iter().filter(|key| keys::dataset(key) == dataset.name).collect(),
        unreadable,
        gaps: Vec::new(),
    };
    raw.visit(|entry| {
        state.add(dataset, entry);
        Ok::<_, lake::Error>(())
    })?;
    state.gaps.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(state)
}

/// Rejected rows by reason, the most frequent first.
fn reasons_text(text: &mut String, state: &State) {
    let mut reasons: Vec<(&str, u64)> = state.reasons.iter().map(|(reason, rows)| (reason.as_str(), *rows)).collect();
    reasons.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    for (at, (reason, rows)) in reasons.iter().enumerate() {
        let head = if at == 0 { "rejected" } else { "" };
        line(text, format_args!("  {head:<13} {} {reason}", grouped(*rows)));
    }
    let counted: u64 = state.reasons.values().fold(0, |sum, rows| sum.saturating_add(*rows));
    let older = state.rows.rejected.saturating_sub(counted);
    if older > 0 {
        let rows = grouped(older);
        line(text, format_args!("                {rows} by an older version, which did not count them by reason"));
    }
    if !reasons.is_empty() {
        line(text, format_args!("                `tributary explain REASON` says what to do"));
    }
}

fn them(count: usize) -> &'static str {
    if count == 1 { "it" } else { "them" }
}

/// What removes what was made of raw objects that are gone.
fn gone_text(state: &State) -> String {
    let them = them(state.gone.len());
    if state.kept == 0 {
        return format!("`tributary clean` removes what was made of {them}");
    }
    let dataset = &state.dataset;
    let (many, they) = match (state.gone.len(), state.objects) {
        (1, 1) => ("the only one", "it is"),
        (gone, objects) if gone == objects => ("all that there were", "they are"),
        _ => ("many at once", "they are"),
    };
    format!(
        "{many}, so that nothing is removed; if {they} gone for good, `tributary clean --dataset {dataset} --prune` removes what was made of {them}"
    )
}

fn text(state: &State) -> String {
    let mut text = String::new();
    let add = &mut text;
    line(add, format_args!("{}: {}", state.dataset, state.title));
    line(add, format_args!("  newest data   {}", state.newest()));
    let objects = counted(state.objects as u64, "raw object");
    line(add, format_args!("  cleaned       {objects}, {} rejected as a whole", state.objects_rejected));
    for (table, rows) in &state.tables {
        let (clean, rejected) = (counted(rows.clean, "row"), grouped(rows.rejected));
        // Only the column that is declared as the measure is counted.
        let missing = if rows.missing == 0 { String::new() } else { format!(", {} missing", grouped(rows.missing)) };
        let replaced =
            if rows.duplicate == 0 { String::new() } else { format!(", {} duplicates", grouped(rows.duplicate)) };
        line(add, format_args!("                {table}: {clean}, {rejected} rejected{replaced}{missing}"));
    }
    reasons_text(add, state);
    if let Some((first, key)) = &state.left_out_first {
        let files = counted(state.left_out, "file");
        line(add, format_args!("  left out      {files} of archives by `entries`, such as {first} in {key}"));
    }
    let files = if state.files == 0 { String::new() } else { format!(", and {}", counted(state.files as u64, "file")) };
    line(add, format_args!("  partitions    {} in consumption{files}", grouped(state.partitions as u64)));
    if state.objects_by_older_rules > 0 {
        let objects = counted(state.objects_by_older_rules as u64, "raw object");
        let them = them(state.objects_by_older_rules);
        line(
            add,
            format_args!(
                "  older rules   {objects}: `tributary clean --all --dataset {}` cleans {them} by today's",
                state.dataset
            ),
        );
    }
    for (what, names, command) in [("waiting", &state.waiting, "clean"), ("stale", &state.stale, "aggregate")] {
        match names.first() {
            None => line(add, format_args!("  {what:<13} nothing")),
            Some(first) => {
                let count = grouped(names.len() as u64);
                line(add, format_args!("  {what:<13} {count}, the first {first}: run `tributary {command}`"));
            }
        }
    }
    for why in &state.not_planned {
        line(add, format_args!("  not planned   {why}"));
    }
    if let Some(first) = state.gone.first() {
        let count = counted(state.gone.len() as u64, "raw object");
        line(add, format_args!("  gone          {count}, the first {first}: {}", gone_text(state)));
    }
    if let Some(ignored) = untaken_or_hidden(&state.ignored, None) {
        line(add, format_args!("  ignored       {ignored}"));
    }
    for (key, why) in &state.odd {
        line(add, format_args!("  not readable  {key}: {why}"));
    }
    for key in &state.unreadable {
        line(add, format_args!("  unreadable    ledger entry {key}: `tributary verify --repair` makes it again"));
    }
    for (key, gap) in &state.gaps {
        let how = if gap.can_retry { "ingest that day again to fill it" } else { "asking again will not help" };
        line(add, format_args!("  gap           {key}: {} ({}); {how}", gap.what.join(", "), gap.reason));
    }
    text
}
