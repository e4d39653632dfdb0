//! Each command, in terms of the three steps.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use chrono::{NaiveDate, Utc};
use clap::CommandFactory;
use lake::settings::{Environment, LakeSettings, Zone};
use lake::store::StoreUrl;
use lake::time::Window;
use lake::{Lake, keys, telemetry};

use crate::cli::{Arguments, Command, DatasetCommand, Format, WindowOptions};
use crate::failure::Failure;
use crate::ignored::untaken;
use crate::output::print;
use crate::progress::Steps;
use crate::summary::Summary;
use crate::{
    cases, catalog, dataset, describe, doctor, dry_run, explain, init, job, lineage, on_batch, openlineage, pages,
    query, schema, snowflake, status, verify,
};

/// A lake's place as a URL: what has no scheme is a folder.
pub fn url_of(place: &str) -> String {
    if place.contains(':') { place.to_owned() } else { format!("file:{place}") }
}

/// What a command that cannot go on says.
pub type Result<T> = std::result::Result<T, Failure>;

/// What all commands work with.
pub struct Session<'a> {
    /// The lake.
    pub lake: Lake,
    sources: ingest::Settings,
    /// Who hears of progress.
    pub steps: Steps,
    /// Things done at the same time.
    pub workers: usize,
    arguments: &'a Arguments,
}

/// Runs a command; tells the exit status.
pub async fn run(arguments: &Arguments) -> ExitCode {
    lake::scratch::sweep();
    match &arguments.command {
        Command::Dataset { command } if *command != DatasetCommand::ExportTerraform => {
            return dataset::run(command, arguments.output).await;
        }
        Command::Explain { reason } => return explain::run(reason.as_deref(), arguments.output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "tributary", &mut script);
            print(&String::from_utf8_lossy(&script));
            return ExitCode::SUCCESS;
        }
        Command::Man => {
            let mut page = Vec::new();
            // Writing to memory cannot fail.
            let _ = manual(&mut page);
            print(&String::from_utf8_lossy(&page));
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    match Session::open(arguments).await {
        Ok(session) => session.run(Summary::default()).await,
        Err(failure) => {
            let mut summary = Summary::default();
            summary.fail(failure);
            summary.finish(arguments.output, None)
        }
    }
}

impl<'a> Session<'a> {
    async fn open(arguments: &'a Arguments) -> Result<Self> {
        let environment = Environment::of_process();
        let folder = match &arguments.command {
            Command::Init { folder } => folder.as_ref(),
            _ => None,
        };
        let place = folder.or(arguments.lake.as_ref()).map(|place| url_of(place));
        let settings = LakeSettings::from_environment(&environment, place.as_deref())?;
        Ok(Self {
            lake: Lake::open(settings).await?,
            sources: ingest::Settings::from_environment(&environment)?,
            steps: Steps::new(arguments),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            arguments,
        })
    }

    async fn run(self, mut summary: Summary) -> ExitCode {
        if let Err(failure) = self.check().await {
            summary.fail(failure);
            return summary.finish(self.arguments.output, None);
        }
        if let Some(asked) = dry_run::asked(&self, &self.arguments.command) {
            return dry_run::run(&self, asked).await;
        }
        let done = match &self.arguments.command {
            Command::Ingest { source, window, accept_loss, .. } => {
                self.ingest(source, *window, *accept_loss, &mut summary).await
            }
            Command::Clean { keys, dataset, all, .. } => {
                self.clean_anything(&self.selection(keys, dataset.as_deref(), *all), &mut summary).await
            }
            Command::Aggregate { dataset, models, all, allow_shrink, plan, diff } => {
                let selection = aggregate::Selection {
                    dataset: dataset.clone(),
                    all: *all,
                    allow_shrink: *allow_shrink,
                    ..Default::default()
                };
                let preview = (*plan || *diff).then_some(*diff);
                self.aggregate_models(selection, models, preview, &mut summary).await
            }
            Command::Run { sources, window, accept_loss, .. } => {
                self.all_steps(sources, *window, *accept_loss, &mut summary).await
            }
            Command::Backfill { source, from, to, .. } => self.backfill(source, *from, *to, &mut summary).await,
            Command::Replay { dataset, .. } => {
                self.clean(&clean::Selection::Rejected(dataset.clone()), &mut summary).await
            }
            Command::Job { manifest } => job::run(&self, manifest, &mut summary).await,
            // Needs no lake, and was done before one was opened.
            Command::Completions { .. } | Command::Man | Command::Explain { .. } => Ok(()),
            Command::Dataset { .. } => match dataset::export(&self.lake).await {
                Ok(()) => return ExitCode::SUCCESS,
                Err(failure) => Err(failure),
            },
            Command::Status { dataset } => {
                return status::run(&self.lake, dataset.as_deref(), self.arguments.output).await;
            }
            Command::Init { .. } => match init::run(&self.lake, self.arguments.output) {
                Ok(()) => return ExitCode::SUCCESS,
                Err(failure) => Err(failure),
            },
            Command::Doctor => return doctor::run(&self.lake, &self.sources, self.arguments.output).await,
            Command::Verify { repair } => return verify::run(&self, *repair, self.arguments.output).await,
            Command::Report { dataset, into, watch } => {
                let format = self.arguments.output;
                if *watch && !matches!(self.lake.root_place(), StoreUrl::File(_)) {
                    summary.fail(Failure::usage("--watch looks at a local lake: leave it out".to_owned()));
                    return summary.finish(format, None);
                }
                return pages::run(self.lake, dataset.as_deref(), into.as_deref(), *watch, format).await;
            }
            Command::Describe { name } => {
                return describe::run(&self.lake, name.as_deref(), self.arguments.output).await;
            }
            Command::Lineage { name, openlineage: true } => return openlineage::run(&self.lake, name.as_deref()).await,
            Command::Lineage { name, .. } => {
                return lineage::run(&self.lake, name.as_deref().unwrap_or_default(), self.arguments.output).await;
            }
            Command::SnowflakeCopy(options) => {
                return snowflake::run(&self.lake, options, self.arguments.output).await;
            }
            Command::Catalog { dataset } => {
                return catalog::run(&self.lake, dataset.as_deref(), self.arguments.output).await;
            }
            Command::Schema(options) => return schema::run(&self.lake, options, self.arguments.output).await,
            Command::Test { draft: Some(model), .. } => match cases::draft(&self.lake, model).await {
                Ok(()) => return ExitCode::SUCCESS,
                Err(failure) => Err(failure),
            },
            Command::Test { dataset, draft: None } => {
                return cases::run(&self.lake, dataset.as_deref(), self.arguments.output, &self.steps).await;
            }
            Command::Query { sql, file, csv, json, time_limit } => {
                let format = query::Format::choose(*csv, *json, self.arguments.output);
                let time = Duration::from_secs(*time_limit);
                match query::text_of(sql.as_deref(), file.as_deref()) {
                    Ok(sql) => {
                        return query::run(&self.lake, &sql, format, self.workers, time, self.arguments.output).await;
                    }
                    Err(failure) => Err(failure),
                }
            }
        };
        if let Err(failure) = done {
            summary.fail(failure);
        }
        summary.finish(self.arguments.output, Some(&self.lake))
    }

    /// What a command needs before it begins: those that read need a lake, the others a folder for temporary files.
    async fn check(&self) -> Result<()> {
        let reads_only = match &self.arguments.command {
            Command::Status { .. } | Command::Query { .. } => true,
            Command::Verify { repair } => !repair,
            _ => false,
        };
        let temporary = std::env::temp_dir();
        if !reads_only && !temporary.is_dir() {
            let folder = temporary.display();
            return Err(Failure::usage(format!("setting TMPDIR: there is no folder {folder} for temporary files")));
        }
        let needs_lake = reads_only
            || matches!(
                self.arguments.command,
                Command::Verify { .. }
                    | Command::Aggregate { .. }
                    | Command::Replay { .. }
                    | Command::Report { .. }
                    | Command::Catalog { .. }
                    | Command::SnowflakeCopy(..)
                    | Command::Test { draft: Some(_), .. }
            );
        if needs_lake && !self.lake.exists().await? {
            return Err(Failure::lasting(format!(
                "there is no lake at {}: see --lake and LAKE_URL; `tributary init` makes an empty one, `tributary run` or a file in its raw zone fills one",
                self.lake.root_url()
            )));
        }
        // An empty folder is no healthy lake: mostly, another one was meant.
        let is_asked_for_health = match &self.arguments.command {
            Command::Status { .. } | Command::Verify { .. } => true,
            Command::Aggregate { dataset: None, models, .. } => models.is_empty(),
            _ => false,
        };
        if is_asked_for_health && !self.lake.has_zones().await? {
            return Err(Failure::lasting(format!(
                "{} is no lake: it has none of the folders raw, standard, rejection, consumption, ledger and config; see --lake and LAKE_URL, `tributary init` makes an empty one",
                self.lake.root_url()
            )));
        }
        Ok(())
    }

    /// The window of a source that is asked for, or the nightly one.
    fn window(&self, source: &str, window: WindowOptions) -> Result<Window> {
        Ok(ingest::window(&self.lake, source, window.from, window.to, Utc::now())?)
    }

    /// The same, of a source whose settings are there.
    pub fn window_to_fetch(&self, source: &str, window: WindowOptions) -> Result<Window> {
        let window = self.window(source, window)?;
        self.sources.missing(source).map_or(Ok(window), |missing| Err(missing.into()))
    }

    /// How results are printed.
    pub fn format(&self) -> Format {
        self.arguments.output
    }

    /// Fetches a window; with `accept_loss` what the API no longer has goes from the raw zone.
    pub async fn fetch(&self, source: &str, window: Window, accept_loss: bool) -> Result<ingest::Outcome> {
        let context = ingest::Context {
            lake: &self.lake,
            settings: &self.sources,
            clock: Utc::now,
            progress: &self.steps,
            time_limit: None,
            accept_loss,
        };
        Ok(ingest::ingest(&context, source, window).await?)
    }

    async fn ingest(
        &self,
        source: &str,
        window: WindowOptions,
        accept_loss: bool,
        summary: &mut Summary,
    ) -> Result<()> {
        let window = self.window(source, window)?;
        if let Some(job) = ingest::hand_over(&self.lake, source, window, accept_loss, false).await? {
            summary.handed_over.push(job);
            return Ok(());
        }
        self.lake.sweep().await?;
        let begun = Instant::now();
        summary.ingest(self.fetch(source, window, accept_loss).await?);
        summary.took("ingest", begun);
        Ok(())
    }

    /// A key of the raw zone, which may be given as a path that begins at the lake or at its raw zone.
    fn raw_key(&self, given: &str) -> String {
        let place = self.lake.url(Zone::Raw);
        let place = format!("{}/", place.trim_start_matches("file:").trim_end_matches('/'));
        let below = given.strip_prefix(&place).or_else(|| given.trim_start_matches("./").strip_prefix("raw/"));
        let is_dataset = |key: &str| self.lake.catalog.dataset(keys::dataset(key)).is_ok();
        match below {
            Some(below) if !is_dataset(given) => below.to_owned(),
            _ => given.to_owned(),
        }
    }

    fn clean_options(&self) -> clean::Options {
        let (prune, max_rejected) = match &self.arguments.command {
            Command::Clean { prune, limits, .. } => (*prune, limits.max_rejected),
            Command::Run { limits, .. } => (false, limits.max_rejected),
            // A repair makes again what there was, rejects included. A job counts rejects, and an alarm looks at their share, as
            // with the function: it has nothing to try again.
            Command::Verify { .. } | Command::Job { .. } => (false, 1.0),
            _ => (false, clean::MAX_REJECTED),
        };
        clean::Options { workers: self.workers, prune, max_rejected, now: Utc::now() }
    }

    /// The raw objects that `clean` is asked for.
    pub fn selection(&self, keys: &[String], dataset: Option<&str>, all: bool) -> clean::Selection {
        let dataset = dataset.map(str::to_owned);
        match (keys.is_empty(), all) {
            (false, _) => clean::Selection::Keys(keys.iter().map(|key| self.raw_key(key)).collect()),
            (true, true) => clean::Selection::All(dataset),
            (true, false) => clean::Selection::Stale(dataset),
        }
    }

    /// Cleans raw objects.
    async fn clean_anything(&self, selection: &clean::Selection, summary: &mut Summary) -> Result<()> {
        let dataset = match selection {
            clean::Selection::Stale(dataset) | clean::Selection::All(dataset) => dataset.as_deref(),
            _ => None,
        };
        self.ensure_anything(dataset).await?;
        self.clean(selection, summary).await?;
        let is_of_all = matches!(selection, clean::Selection::Stale(_) | clean::Selection::All(_));
        match self.nothing_else(&summary.ignored) {
            Some(failure) if is_of_all && summary.is_empty() => Err(failure),
            _ => Ok(()),
        }
    }

    /// Fails if a dataset is unknown, or there is nothing at all, neither raw objects nor entries: most likely a wrong URL.
    pub async fn ensure_anything(&self, dataset: Option<&str>) -> Result<()> {
        if let Some(dataset) = dataset {
            self.lake.catalog.dataset(dataset)?;
        }
        if !self.lake.raw.exists().await? && !self.lake.store(Zone::Ledger).exists().await? {
            let (raw, ledger) = (self.lake.url(Zone::Raw), self.lake.url(Zone::Ledger));
            return Err(Failure::lasting(format!(
                "there is nothing at {raw}, and no ledger at {ledger}: see --lake, LAKE_URL and RAW_URL"
            )));
        }
        Ok(())
    }

    /// What is wrong where there is nothing to clean: files that lie there were meant for something. Most likely, a folder's
    /// name is mistyped.
    pub fn nothing_else(&self, ignored: &clean::Ignored) -> Option<Failure> {
        untaken(ignored, Some(&self.lake)).map(|ignored| {
            let known = self.lake.catalog.datasets().iter().map(|dataset| dataset.name.as_str());
            Failure::lasting(format!(
                "nothing was cleaned: {ignored}; the first folder of a raw key is its dataset, one of {}, and files of other \
                 names than its `from` globs are left alone",
                known.collect::<Vec<_>>().join(", ")
            ))
        })
    }

    /// Cleans raw objects, those that are too large by AWS Batch.
    pub async fn clean(&self, selection: &clean::Selection, summary: &mut Summary) -> Result<()> {
        self.lake.sweep().await?;
        let begun = Instant::now();
        let outcome = clean::clean(&self.lake, selection, self.clean_options(), &self.steps).await?;
        if let (Some(batch), [_, ..]) = (&self.lake.batch, outcome.too_large.as_slice()) {
            summary.handed_over.push(batch.clean(&outcome.too_large).await?);
        }
        let is_of_all = matches!(
            selection,
            clean::Selection::Stale(None) | clean::Selection::All(None) | clean::Selection::Rejected(None)
        );
        self.note("clean", is_of_all, clean::sweep::metrics(&self.lake, &outcome, Utc::now()));
        summary.clean(outcome);
        summary.took("clean", begun);
        Ok(())
    }

    /// Makes stale partitions, or has AWS Batch make them.
    pub async fn aggregate(&self, selection: &aggregate::Selection, summary: &mut Summary) -> Result<()> {
        self.lake.sweep().await?;
        let begun = Instant::now();
        let outcome = aggregate::aggregate(&self.lake, selection, self.workers, &self.steps).await?;
        summary.handed_over.extend(aggregate::hand_over(&self.lake, selection, &outcome.too_large).await?);
        if let Some(glue) = &self.lake.glue
            && let Err(error) = glue.register(&outcome.placed).await
        {
            // Everything is committed: the next run, or `tributary catalog`, registers it.
            tracing::error!(%error, "failed to register partitions");
        }
        self.note("aggregate", selection.dataset.is_none(), Vec::new());
        summary.aggregate(outcome);
        summary.took("aggregate", begun);
        Ok(())
    }

    /// Brings models up to date that are named as MODEL or DATASET.MODEL, or shows what that would do.
    async fn aggregate_models(
        &self,
        selection: aggregate::Selection,
        models: &[String],
        preview: Option<bool>,
        summary: &mut Summary,
    ) -> Result<()> {
        for selection in selection.of_models(&self.lake, models)? {
            match preview {
                Some(diff) => self.preview(&selection, diff, summary).await?,
                None => self.aggregate(&selection, summary).await?,
            }
        }
        Ok(())
    }

    /// In a job of AWS Batch, prints the metrics that the function of this name does: `lines`, and of work for all datasets
    /// how many declarations are wrong. Not at the end of all: what is killed later has counted this.
    fn note(&self, function: &str, is_of_all: bool, mut lines: Vec<String>) {
        if is_of_all {
            lines.extend(telemetry::broken_datasets(function, self.lake.catalog.broken().count(), Utc::now()));
        }
        on_batch::print_metrics(&lines);
    }

    /// Shows what an aggregation would do.
    async fn preview(&self, selection: &aggregate::Selection, diff: bool, summary: &mut Summary) -> Result<()> {
        let begun = Instant::now();
        summary.preview(aggregate::preview(&self.lake, selection, diff, &self.steps).await?);
        summary.took("preview", begun);
        Ok(())
    }

    /// The three steps. A source that fails does not stop the others, nor what is already in the raw zone.
    async fn all_steps(
        &self,
        sources: &[String],
        window: WindowOptions,
        accept_loss: bool,
        summary: &mut Summary,
    ) -> Result<()> {
        let sources = if sources.is_empty() { self.configured(summary) } else { sources.to_vec() };
        let mut windows = Vec::new();
        for source in sources {
            windows.push((self.window_to_fetch(&source, window)?, source));
        }
        self.lake.sweep().await?;
        let begun = Instant::now();
        for (window, source) in &windows {
            if let Some(job) = ingest::hand_over(&self.lake, source, *window, accept_loss, false).await? {
                summary.handed_over.push(job);
                continue;
            }
            match self.fetch(source, *window, accept_loss).await {
                Ok(outcome) => summary.ingest(outcome),
                Err(failure) => summary.fail(failure),
            }
        }
        summary.took("ingest", begun);
        for (_, source) in windows {
            self.clean_and_aggregate(source, summary).await?;
        }
        Ok(())
    }

    /// The sources whose settings are there; the others are noted as skipped.
    pub fn configured(&self, summary: &mut Summary) -> Vec<String> {
        let mut configured = Vec::new();
        for broken in self.lake.catalog.broken() {
            summary.fail(Failure::from(broken));
        }
        for dataset in self.lake.catalog.datasets().iter().filter(|dataset| dataset.has_source()) {
            match self.sources.missing(&dataset.name) {
                None => configured.push(dataset.name.clone()),
                Some(missing) => summary.skip(&dataset.name, &missing),
            }
        }
        configured
    }

    /// Cleans what is waiting of a dataset, and brings its models up to date.
    pub async fn clean_and_aggregate(&self, dataset: String, summary: &mut Summary) -> Result<()> {
        self.clean(&clean::Selection::Stale(Some(dataset.clone())), summary).await?;
        let selection = aggregate::Selection { dataset: Some(dataset), ..aggregate::Selection::default() };
        self.aggregate(&selection, summary).await
    }

    /// By AWS Batch, if there is a queue; else piece by piece: while one is fetched, the one before is cleaned.
    async fn backfill(&self, source: &str, from: NaiveDate, to: NaiveDate, summary: &mut Summary) -> Result<()> {
        let window = self.window(source, WindowOptions { from: Some(from), to: Some(to) })?;
        if let Some(batch) = &self.lake.batch {
            summary.handed_over.extend(batch.backfill(source, &ingest::pieces(&self.lake, source, window)?).await?);
            return Ok(());
        }
        self.lake.sweep().await?;
        let begun = Instant::now();
        let stale = clean::Selection::Stale(Some(source.to_owned()));
        for piece in ingest::pieces(&self.lake, source, window)? {
            let (fetched, cleaned) = tokio::join!(
                self.fetch(source, piece, false),
                clean::clean(&self.lake, &stale, self.clean_options(), &lake::progress::Quiet)
            );
            // What failed or was up to date counts once, in the cleaning at the end; rejects are found once only.
            let mut cleaned = cleaned?;
            cleaned.failed.retain(|error| matches!(error, clean::Error::Rejected { .. }));
            // The newest data is known at the end.
            cleaned.newest.clear();
            self.note("clean", false, clean::sweep::metrics(&self.lake, &cleaned, Utc::now()));
            summary.clean(clean::Outcome { up_to_date: 0, ..cleaned });
            match fetched {
                Ok(outcome) => summary.ingest(outcome),
                Err(failure) => {
                    summary.fail(failure);
                    break;
                }
            }
        }
        summary.took("ingest", begun);
        self.clean_and_aggregate(source.to_owned(), summary).await
    }
}

/// The manual page: the whole, and then each command with its options.
fn manual(page: &mut Vec<u8>) -> std::io::Result<()> {
    let mut whole = Arguments::command();
    whole.build();
    clap_mangen::Man::new(whole.clone()).render(page)?;
    for command in whole.get_subcommands().filter(|command| command.get_name() != "help") {
        let name = format!("TRIBUTARY {}", command.get_name().to_uppercase());
        page.extend(format!(".SH \"{name}\"\n").into_bytes());
        let man = clap_mangen::Man::new(command.clone());
        man.render_synopsis_section(page)?;
        man.render_description_section(page)?;
        man.render_options_section(page)?;
    }
    Ok(())
}
