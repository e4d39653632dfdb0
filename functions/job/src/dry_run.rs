//! `--dry-run`: what a command would do by what is there now, with nothing fetched and nothing changed.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;

use aggregate::{Preview, Selection};
use chrono::NaiveDate;
use serde::Serialize;

use crate::cli::{Command, Format, WindowOptions};
use crate::commands::{Result, Session};
use crate::failure::{self, Failure};
use crate::output::{counted, print, print_result};
use crate::summary::{Summary, exit_status, line, preview_text};

/// What is asked for.
#[derive(Debug)]
pub enum Asked {
    /// What would be fetched of a source.
    Ingest(String, WindowOptions),
    /// Which raw objects would be cleaned, and whether it is meant that many are gone.
    Clean(clean::Selection, bool),
    /// All three steps, of these sources or of all that have their settings.
    Steps(Vec<String>, WindowOptions),
}

/// What a command asks for with `--dry-run`; `None` without it.
pub fn asked(session: &Session<'_>, command: &Command) -> Option<Asked> {
    Some(match command {
        Command::Ingest { dry_run: true, source, window, .. } => Asked::Ingest(source.clone(), *window),
        Command::Clean { dry_run: true, keys, dataset, all, prune, .. } => {
            Asked::Clean(session.selection(keys, dataset.as_deref(), *all), *prune)
        }
        Command::Replay { dry_run: true, dataset } => Asked::Clean(clean::Selection::Rejected(dataset.clone()), false),
        Command::Run { dry_run: true, sources, window, .. } => Asked::Steps(sources.clone(), *window),
        Command::Backfill { dry_run: true, source, from, to } => {
            Asked::Steps(vec![source.clone()], WindowOptions { from: Some(*from), to: Some(*to) })
        }
        _ => return None,
    })
}

/// A window of local days that would be fetched.
#[derive(Debug, Serialize)]
struct Fetch {
    source: String,
    /// The first day.
    from: NaiveDate,
    /// The day after the last.
    to: NaiveDate,
}

/// What would be done.
#[derive(Debug, Default, Serialize)]
struct DryRun {
    /// What would be fetched.
    windows: Vec<Fetch>,
    /// The raw keys that would be cleaned.
    waiting: Vec<String>,
    /// The raw keys whose object is gone.
    gone: Vec<String>,
    /// Those of them of which nothing would be removed.
    kept: Vec<String>,
    /// What lies in the raw zone and cannot be read: key, and why.
    odd: Vec<(String, String)>,
    /// What no table takes.
    ignored: clean::Ignored,
    /// The partitions that are stale; what is cleaned first may make others so. `None` where no models would be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    planned: Option<Vec<Preview>>,
    /// Whether raw objects were looked for.
    #[serde(skip)]
    is_cleaning: bool,
    /// How many objects need nothing.
    #[serde(skip)]
    up_to_date: u64,
}

/// Shows what would be done, and what would stop it; tells the exit status that it would have by that.
pub async fn run(session: &Session<'_>, asked: Asked) -> ExitCode {
    let begun = Instant::now();
    let (mut shown, mut failures) = (DryRun::default(), Vec::new());
    // Notes sources without their settings, as for a run.
    let mut skipped = Summary::default();
    if let Err(failure) = shown.look(session, asked, &mut skipped, &mut failures).await {
        failures.push(failure);
    }
    failures.extend(std::mem::take(&mut skipped.errors));
    failure::print_all(&failures);
    let format = session.format();
    if format == Format::Text {
        print(&shown.text(&skipped));
    } else {
        let (ok, elapsed_ms) = (failures.is_empty(), begun.elapsed().as_millis() as u64);
        let mut document = serde_json::to_value(&shown).unwrap_or_default();
        if let Some(members) = document.as_object_mut() {
            members.insert("ok".to_owned(), ok.into());
            members.insert("elapsed_ms".to_owned(), elapsed_ms.into());
            members.insert("skipped".to_owned(), serde_json::to_value(&skipped.skipped).unwrap_or_default());
            members.insert("errors".to_owned(), serde_json::to_value(&failures).unwrap_or_default());
        }
        print_result(format, &document);
    }
    exit_status(&failures)
}

impl DryRun {
    async fn look(
        &mut self,
        session: &Session<'_>,
        asked: Asked,
        skipped: &mut Summary,
        failures: &mut Vec<Failure>,
    ) -> Result<()> {
        match asked {
            Asked::Ingest(source, window) => {
                self.fetch(session, &source, window, failures).await?;
            }
            Asked::Clean(selection, prune) => {
                let dataset = match &selection {
                    clean::Selection::Stale(dataset)
                    | clean::Selection::All(dataset)
                    | clean::Selection::Rejected(dataset) => dataset.clone(),
                    clean::Selection::Keys(_) => None,
                };
                session.ensure_anything(dataset.as_deref()).await?;
                self.clean(session, &selection, prune, failures).await?;
                let is_empty = self.waiting.is_empty() && self.gone.is_empty() && self.up_to_date == 0;
                if is_empty && failures.is_empty() {
                    failures.extend(session.nothing_else(&self.ignored));
                }
            }
            Asked::Steps(sources, window) => {
                let sources = if sources.is_empty() { session.configured(skipped) } else { sources };
                for source in &sources {
                    self.fetch(session, source, window, failures).await?;
                }
                for source in sources {
                    self.clean(session, &clean::Selection::Stale(Some(source.clone())), false, failures).await?;
                    self.aggregate(session, source, failures).await?;
                }
            }
        }
        Ok(())
    }

    async fn fetch(
        &mut self,
        session: &Session<'_>,
        source: &str,
        window: WindowOptions,
        failures: &mut Vec<Failure>,
    ) -> Result<()> {
        let window = session.window_to_fetch(source, window)?;
        match ingest::check(&session.lake, source).await {
            Ok(()) => self.windows.push(Fetch { source: source.to_owned(), from: window.from(), to: window.to() }),
            Err(error) => failures.push(error.into()),
        }
        Ok(())
    }

    async fn clean(
        &mut self,
        session: &Session<'_>,
        selection: &clean::Selection,
        prune: bool,
        failures: &mut Vec<Failure>,
    ) -> Result<()> {
        let found = clean::waiting(&session.lake, selection, prune).await?;
        let clean::Waiting { keys, gone, kept, odd, up_to_date, ignored, failed } = found;
        self.is_cleaning = true;
        self.waiting.extend(keys);
        self.gone.extend(gone);
        self.kept.extend(kept);
        self.odd.extend(odd);
        self.up_to_date += up_to_date;
        self.ignored.join(ignored);
        failures.extend(failed.into_iter().map(Failure::from));
        Ok(())
    }

    async fn aggregate(&mut self, session: &Session<'_>, dataset: String, failures: &mut Vec<Failure>) -> Result<()> {
        let selection = Selection { dataset: Some(dataset), ..Selection::default() };
        let previews = aggregate::preview(&session.lake, &selection, false, &session.steps).await?;
        self.planned.get_or_insert_default().extend(previews.partitions);
        failures.extend(previews.failed.into_iter().map(Failure::from));
        Ok(())
    }

    fn text(&self, skipped: &Summary) -> String {
        let mut text = String::new();
        skipped.skipped_text(&mut text);
        for Fetch { source, from, to } in &self.windows {
            line(&mut text, format_args!("would fetch {source} from {from} to {to}, the last day excluded"));
        }
        for key in &self.waiting {
            line(&mut text, format_args!("would clean {key}"));
        }
        let kept: BTreeSet<&String> = self.kept.iter().collect();
        for key in &self.gone {
            let what = if kept.contains(key) { "gone, but nothing would be removed of" } else { "would retract" };
            line(&mut text, format_args!("{what} {key}"));
        }
        preview_text(self.planned.as_deref().unwrap_or_default(), &mut text);
        let mut found = Vec::new();
        if !self.windows.is_empty() {
            found.push(format!("{} to fetch", counted(self.windows.len() as u64, "window")));
        }
        if self.is_cleaning {
            found.push(format!("{} to clean", counted(self.waiting.len() as u64, "object")));
        }
        if let Some(planned) = &self.planned {
            found.push(format!("{} to make", counted(planned.len() as u64, "partition")));
        }
        let before = if self.planned.is_some() && !self.windows.is_empty() {
            ", before anything is fetched; what is fetched and cleaned makes more of them stale"
        } else if self.planned.is_some() && !self.waiting.is_empty() {
            ", before anything is cleaned; what is cleaned makes more of them stale"
        } else {
            ""
        };
        if !found.is_empty() {
            line(&mut text, format_args!("{}{before}; nothing was changed.", found.join(", ")));
        }
        text
    }
}
