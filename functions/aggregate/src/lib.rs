//! Brings the consumption zone up to date: SQL models over the standard zone, on Apache DataFusion.
//!
//! As `make` does, it compares what each partition was made from (the ledger says) with what is there now, and makes
//! again what differs: late data, re-runs and backfills need no parameters, and a second run does nothing.

mod backlog;
mod bounds;
pub mod cases;
mod columns;
mod commit;
mod engine;
mod error;
mod export;
mod files;
pub mod handler;
mod make;
mod map;
mod numbered;
pub mod pages;
mod path;
mod personal;
mod placed;
mod plan;
mod preview;
mod query;
mod statement;
mod sweep;
mod tested;

use futures::StreamExt;
use lake::dataset::Dataset;
use lake::glue::Placed;
use lake::ledger::{ConsumptionEntry, Entries, RawEntry};
use lake::partition::Partition;
use lake::progress::Progress;
use lake::store::Failure;
use lake::{Lake, guard};
use serde::Serialize;

pub use self::backlog::{Stale, backlog, hand_over};
pub use self::engine::Engine;
pub use self::error::{Error, Result};
pub use self::export::planned;
pub use self::map::{ColumnKind, PathColumn, TableColumns, map};
pub use self::placed::placed;
pub use self::preview::{Preview, Previews, Rows, preview};
pub use self::query::{Answer, query};
pub use self::sweep::forget;

use self::plan::{Made, Plan, Vanished};

/// How often a dataset is looked at again because other aggregations were at work.
const ROUNDS: u32 = 5;

/// Which models to bring up to date.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Of one dataset only.
    pub dataset: Option<String>,
    /// These models only; empty: any.
    pub models: Vec<String>,
    /// These partitions only; empty: any.
    pub partitions: Vec<Partition>,
    /// All partitions, whether they are stale or not.
    pub all: bool,
    /// Also where a partition loses a larger share of its rows than its model allows.
    pub allow_shrink: bool,
}

impl Selection {
    fn wants_model(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|name| model == name)
    }

    fn wants(&self, partition: &Partition) -> bool {
        self.partitions.is_empty() || self.partitions.contains(partition)
    }
}

/// A partition that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aggregated {
    /// The dataset.
    pub dataset: String,
    /// The model.
    pub model: String,
    /// The partition.
    pub partition: Partition,
    /// Its rows.
    pub rows: u64,
    /// Whether its bytes differ from before.
    pub changed: bool,
    /// Whether it was deleted, because nothing is left to make it from.
    pub deleted: bool,
    /// Tests that it failed, but which only warn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What became of all.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Partitions made or deleted, by dataset, model and partition.
    pub aggregated: Vec<Aggregated>,
    /// Partitions that failed: the others are done nevertheless.
    pub failed: Vec<Error>,
    /// How many partitions needed nothing.
    pub up_to_date: u64,
    /// The partitions that there are by now, of each dataset whose ledger can be read as a whole.
    pub placed: Placed,
    /// Stale partitions that were left alone, because together they are for AWS Batch.
    pub too_large: Vec<Stale>,
}

/// How many partitions of each dataset are stale: `(dataset, model, partition)`.
pub async fn stale(lake: &Lake, dataset: Option<&str>) -> Result<Vec<(String, String, Partition)>> {
    let selection = Selection { dataset: dataset.map(str::to_owned), ..Selection::default() };
    let mut found = Vec::new();
    for dataset in selected(lake, &selection)? {
        let made = Made::read(lake, dataset).await?;
        let entries = plan::cleaned(lake, dataset).await?;
        let Plan { todo, vanished, .. } = Plan::new(lake, dataset, &selection, &made, &entries);
        found.extend(todo.into_iter().map(|task| (dataset.name.clone(), task.model.name.clone(), task.partition)));
        // Of the others nothing is left but the name of what a writer may still be about to write.
        let vanished = vanished.into_iter().filter(|(_, entry, _)| entry.is_committed());
        found.extend(vanished.map(|(_, entry, partition)| (dataset.name.clone(), entry.model, partition)));
    }
    Ok(found)
}

/// Makes stale partitions, `workers` at a time. Those of a dataset that are for AWS Batch are only named.
pub async fn aggregate(lake: &Lake, selection: &Selection, workers: usize, progress: &dyn Progress) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut has_new_pages = false;
    if selection.dataset.is_none() {
        outcome.failed.extend(lake.catalog.broken().map(Error::Lake));
    }
    for dataset in selected(lake, selection)? {
        if selection.all && selection.models.is_empty() && selection.partitions.is_empty() {
            sweep::discard_unreadable(lake, dataset).await?;
            if let Err(refused) = sweep::remove_orphans(lake, dataset).await {
                outcome.failed.push(refused);
            }
        }
        let mut round = match one_round(lake, dataset, selection, workers, progress).await {
            Err(error @ (Error::Moved { .. } | Error::Gone { .. })) => {
                outcome.failed.push(error);
                continue;
            }
            round => round?,
        };
        // What another aggregation committed meanwhile may be older than what there is by now: look again.
        for _ in 1..ROUNDS {
            if !round.failed.iter().any(Error::is_passing) {
                break;
            }
            // What else failed is planned again as well, and fails again.
            outcome.aggregated.append(&mut round.aggregated);
            let stale_only = Selection { all: false, ..selection.clone() };
            round = one_round(lake, dataset, &stale_only, workers, progress).await?;
        }
        match export::export(lake, dataset, selection).await {
            Ok(files) => round.aggregated.extend(files),
            Err(error) => round.failed.push(error),
        }
        if lake.limits().report_pages && round.too_large.is_empty() && selection.partitions.is_empty() {
            match pages::bring_up_to_date(lake, dataset, false).await {
                Ok(pages) => {
                    has_new_pages |= !pages.is_empty();
                    round.aggregated.extend(pages);
                }
                Err(error) => round.failed.push(error),
            }
        }
        outcome.up_to_date += round.up_to_date;
        outcome.placed.append(&mut round.placed);
        outcome.aggregated.extend(round.aggregated);
        outcome.failed.extend(round.failed);
        outcome.too_large.extend(round.too_large);
    }
    if has_new_pages {
        outcome.failed.extend(pages::index(lake).await.err());
    }
    let order = |made: &Aggregated| (made.dataset.clone(), made.model.clone(), made.partition.clone());
    outcome.aggregated.sort_by_key(order);
    Ok(outcome)
}

/// Plans one dataset, and makes what is stale.
async fn one_round(
    lake: &Lake,
    dataset: &Dataset,
    selection: &Selection,
    workers: usize,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    // Consumption first: a partition made in between is then made again, and not taken for one without inputs.
    let made = Made::read(lake, dataset).await?;
    let entries = plan::cleaned(lake, dataset).await?;
    if entries.readable.is_empty() && entries.unreadable.is_empty() {
        guard::ensure_ledger(lake, dataset).await?;
    }
    for table in &dataset.tables {
        plan::not_moved(dataset, table, &entries.readable)?;
    }
    let placed = placed::of(dataset, &made, &entries);
    let Plan { todo, vanished, up_to_date, failed } = Plan::new(lake, dataset, selection, &made, &entries);
    outcome.up_to_date = up_to_date;
    outcome.failed = failed;
    // What has vanished is removed below, in the state that was planned.
    let is_unsettled = |(key, entry): &&(String, ConsumptionEntry)| {
        entry.is_settled() && !entry.beside.is_empty() && !vanished.iter().any(|(vanished, ..)| vanished == key)
    };
    for (ledger_key, _) in made.entries.iter().filter(is_unsettled) {
        match commit::settle(lake, ledger_key).await {
            // Another aggregation is at work on it.
            Err(Error::Lake(lake::Error::Store(error))) if error.failure == Failure::Condition => {}
            // What cannot be removed of one partition stops no other.
            settled => outcome.failed.extend(settled.err()),
        }
    }
    are_gone(lake, dataset, &entries, &vanished).await?;
    for (ledger_key, entry, partition) in vanished {
        let (dataset, model) = (entry.dataset.clone(), entry.model.clone());
        match commit::remove(lake, &ledger_key, &entry).await {
            Ok(true) => {
                outcome.aggregated.push(Aggregated {
                    dataset,
                    model,
                    partition,
                    rows: 0,
                    changed: true,
                    deleted: true,
                    warnings: Vec::new(),
                });
            }
            Ok(false) => {}
            Err(Error::Lake(lake::Error::Store(error))) if error.failure == Failure::Condition => {
                outcome.failed.push(Error::Overtaken { dataset, model, partition });
            }
            Err(error) => outcome.failed.push(error),
        }
    }
    if let Some(backlog) = backlog::too_large(lake, &todo) {
        outcome.too_large = backlog;
        return Ok(outcome);
    }
    progress.begin(&format!("aggregate {}", dataset.name), todo.len() as u64);
    let mut work = futures::stream::iter(
        todo.iter().map(|task| async move { (task, make::make(lake, task, selection.allow_shrink).await) }),
    )
    .buffer_unordered(workers.max(1));
    while let Some((task, done)) = work.next().await {
        progress.advance(&format!("{} {}", task.model.name, task.partition));
        match done {
            Ok(made) => outcome.aggregated.extend(made),
            Err(error) => {
                tracing::info!(%error, "failed to make a partition");
                outcome.failed.push(error);
            }
        }
    }
    progress.end();
    outcome.placed = placed.map(|placed| placed::after(placed, &outcome.aggregated)).unwrap_or_default();
    Ok(outcome)
}

fn selected<'a>(lake: &'a Lake, selection: &Selection) -> Result<Vec<&'a Dataset>> {
    let datasets: Vec<&Dataset> = match &selection.dataset {
        Some(name) => vec![lake.catalog.dataset(name)?],
        None => lake.catalog.datasets().iter().collect(),
    };
    let known: Vec<&str> =
        datasets.iter().flat_map(|dataset| &dataset.models).map(|model| model.name.as_str()).collect();
    if let Some(unknown) = selection.models.iter().find(|wanted| !known.contains(&wanted.as_str())) {
        let why = format!("there is no model \"{unknown}\"; there are {}", known.join(", "));
        return Err(lake::Error::Usage(why).into());
    }
    Ok(datasets)
}

/// Refuses to delete partitions because the places of their inputs are missing: that is no deletion of data.
async fn are_gone(lake: &Lake, dataset: &Dataset, entries: &Entries<RawEntry>, vanished: &[Vanished]) -> Result<()> {
    if vanished.is_empty() {
        return Ok(());
    }
    let gone = |why: String| Error::Gone { dataset: dataset.name.clone(), partitions: vanished.len(), why };
    let prefix = format!("{}/", dataset.name);
    let has_outputs = entries.readable.iter().any(|entry| !entry.outputs.is_empty());
    if has_outputs && lake.standard.list(&prefix).await?.is_empty() {
        return Err(gone(format!(
            "none of the objects in the ledger is there, in {}: check its URL, or run `tributary clean --all`",
            lake.standard.url(&prefix)
        )));
    }
    if entries.readable.is_empty() && entries.unreadable.is_empty() {
        let raw = match lake.raw.list(&prefix).await {
            // The function has no right to the raw zone: cleaning has looked at it.
            Err(error) if error.failure == Failure::Denied => return Ok(()),
            raw => raw?,
        };
        let waiting = raw.iter().filter(|object| dataset.table_of(&object.key).is_some()).count();
        if waiting > 0 {
            return Err(gone(format!(
                "the ledger has no entry of the {waiting} objects in {}: run `tributary clean` first",
                lake.raw.url(&prefix)
            )));
        }
    }
    Ok(())
}
