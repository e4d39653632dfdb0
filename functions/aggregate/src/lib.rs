//! Brings the consumption zone up to date: SQL models over the standard zone, on Apache DataFusion.
//!
//! As `make` does, it compares what each partition was made from (the ledger says) with what is there now, and makes
//! again what differs: late data, re-runs and backfills need no parameters, and a second run does nothing.

mod apart;
mod backlog;
mod bounds;
pub mod cases;
mod cleaned;
mod columns;
mod commit;
mod engine;
mod error;
mod exact;
mod export;
mod files;
mod functions;
mod geojson;
pub mod handler;
mod inputs;
mod known;
mod lineage;
mod made;
mod make;
mod map;
mod memory;
mod numbered;
mod once;
mod origins;
pub mod pages;
mod personal;
mod placed;
mod plan;
mod planned;
mod preview;
mod query;
mod reach;
mod refused;
pub mod retest;
mod scan;
mod session;
mod shard;
mod sharded;
mod state;
mod statement;
mod sweep;
mod tested;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt;
use lake::Lake;
use lake::dataset::{Dataset, Model};
use lake::glue::Placed;
use lake::ledger::{ConsumptionEntry, Current, Keep};
use lake::partition::Partition;
use lake::progress::{Progress, Quiet};
use lake::store::Failure;
use lake::suggest::{did_you_mean, nearest};
use serde::Serialize;

pub use self::backlog::{Stale, backlog, hand_over};
pub use self::engine::Engine;
pub use self::error::{Error, Result};
pub use self::lineage::{origins, personal_columns, personal_of_model};
pub use self::map::{ColumnKind, PathColumn, TableColumns, map};
pub use self::placed::placed;
pub use self::planned::planned;
pub use self::preview::{Preview, Previews, Rows, preview};
pub use self::query::{Answer, query};
pub use self::sweep::forget;

use self::plan::{Plan, Planned};
use self::state::State;

/// How often a dataset is looked at again because other aggregations were at work.
const ROUNDS: u32 = 5;
/// The same for files and pages: each aggregation of a dataset writes all of them, so that races are lost more often.
const FILE_ROUNDS: u32 = 20;
/// The unit of waits between rounds: writers that ended each other's round must not meet again.
const PAUSE: Duration = Duration::from_millis(20);
/// The most objects that partitions are made from at the same time, but for those of a single one.
const MOST_OBJECTS: u64 = 100_000;

/// Waits before another round, a while longer each time, and each process for a time of its own.
async fn pause(round: u32) {
    let own = std::process::id() % 16 + 1;
    tokio::time::sleep(PAUSE.saturating_mul(round.min(10)).saturating_mul(own) / 4).await;
}

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
    /// The keys in the ledger of entries that have changed, where somebody told: then not all entries are listed.
    pub told: Option<BTreeSet<String>>,
}

impl Selection {
    /// The same of models that are named as `MODEL` or `DATASET.MODEL`, one selection for each dataset that is named.
    pub fn of_models(self, lake: &Lake, names: &[String]) -> Result<Vec<Self>> {
        let mut by_dataset: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
        for name in names {
            let (dataset, model) = match name.split_once('.') {
                Some((dataset, model)) => (Some(dataset.to_owned()), model),
                None => (self.dataset.clone(), name.as_str()),
            };
            if let (Some(named), Some(wanted)) = (&dataset, &self.dataset)
                && named != wanted
            {
                return Err(lake::Error::Usage(format!("{name} is not of the dataset {wanted}")).into());
            }
            by_dataset.entry(dataset).or_default().push(model.to_owned());
        }
        if by_dataset.is_empty() {
            return Ok(vec![self]);
        }
        let one = |(dataset, models)| Self { dataset, models, ..self.clone() };
        let selections: Vec<Self> = by_dataset.into_iter().map(one).collect();
        // Nothing is made if a name is wrong.
        for selection in &selections {
            selected(lake, selection)?;
        }
        Ok(selections)
    }

    /// Whether a model is asked for by its name, or by none.
    fn names_model(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|name| model == name)
    }

    /// Whether a model is to be brought up to date: also those that the ones asked for read. Single partitions are made
    /// from what is there.
    fn wants_model(&self, dataset: &Dataset, model: &Model) -> bool {
        let is_read = |name: &String| {
            let named = dataset.model(name).filter(|_| self.partitions.is_empty());
            named.is_some_and(|named| dataset.upstream_of(named).iter().any(|read| read.name == model.name))
        };
        self.names_model(&model.name) || self.models.iter().any(is_read)
    }

    fn wants(&self, model: &str, partition: &Partition) -> bool {
        self.partitions.is_empty() || !self.names_model(model) || self.partitions.contains(partition)
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

impl Aggregated {
    /// Whether it is a file made of partitions, such as a page, and no partition itself.
    pub fn is_file(&self) -> bool {
        self.partition.values().any(|(name, _)| name == export::FILE)
    }
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

/// How a dataset's models stand.
#[derive(Debug, Default)]
pub struct Standing {
    /// Partitions that are to be made again: model and partition.
    pub stale: Vec<(String, Partition)>,
    /// What cannot be planned, and stays as it is.
    pub not_planned: Vec<Error>,
    /// How many partitions there are.
    pub partitions: usize,
    /// How many files are made of them: CSV, GeoJSON and report pages.
    pub files: usize,
    /// Ledger keys of those whose entry cannot be read.
    pub unreadable: Vec<String>,
    /// What the ledger says of the raw objects.
    pub raw: Current,
}

/// Looks how a dataset's models stand.
pub async fn standing(lake: &Lake, dataset: &Dataset) -> Result<Standing> {
    let state = State::read(lake, dataset, Keep::Nothing).await?;
    let Plan { todo, vanished, failed, .. } = state.plan(lake, &Selection::default(), &state.levels());
    let todo = todo.into_iter().map(|planned| (planned.model.name.clone(), planned.partition));
    // Of the others nothing is left but the name of what a writer may still be about to write.
    let vanished = vanished.iter().filter_map(|key| state.made.get(key)).filter(|entry| entry.is_committed());
    let vanished = vanished.map(|entry| (entry.model.clone(), entry.partition.clone()));
    let there = |is_file: bool| {
        let entries = state.made.entries();
        entries.filter(|(_, entry)| !entry.outputs.is_empty() && entry.file.is_some() == is_file).count()
    };
    Ok(Standing {
        stale: todo.chain(vanished).collect(),
        not_planned: failed,
        partitions: there(false),
        files: there(true),
        unreadable: state.made.unreadable().map(|entry| entry.key.clone()).collect(),
        raw: state.cleaned.into_current(),
    })
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
        let mut round = match one_dataset(lake, dataset, selection, workers, progress).await {
            Err(error @ (Error::Moved { .. } | Error::Gone { .. })) => {
                outcome.failed.push(error);
                continue;
            }
            round => round?,
        };
        has_new_pages |= round.aggregated.iter().any(|made| made.model == pages::MODEL);
        outcome.up_to_date += round.up_to_date;
        outcome.placed.append(&mut round.placed);
        outcome.aggregated.extend(round.aggregated);
        outcome.failed.extend(round.failed);
        outcome.too_large.extend(round.too_large);
    }
    if selection.dataset.is_none() && selection.models.is_empty() {
        outcome.failed.extend(sharded::sweep(lake).await.err());
    }
    // Nothing else would find that the page over all datasets is gone.
    let index = match has_new_pages {
        true => Ok(true),
        false if selection.dataset.is_none() && lake.limits().report_pages => pages::has_index(lake).await,
        false => Ok(false),
    };
    match index {
        Ok(true) => outcome.failed.extend(pages::index(lake).await.err()),
        index => outcome.failed.extend(index.err()),
    }
    let order = |made: &Aggregated| (made.dataset.clone(), made.model.clone(), made.partition.clone());
    outcome.aggregated.sort_by_key(order);
    Ok(outcome)
}

/// Brings one dataset up to date, and looks again until nothing is left to do: another aggregation may have found up to
/// date what this one replaced afterwards, from what it had read before.
async fn one_dataset(
    lake: &Lake,
    dataset: &Dataset,
    selection: &Selection,
    workers: usize,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let mut outcome = one_pass(lake, dataset, selection, workers, progress).await?;
    let again = Selection { all: false, ..selection.clone() };
    let mut has_written = !outcome.aggregated.is_empty();
    for _ in 1..ROUNDS {
        if !has_written || !outcome.failed.is_empty() || !outcome.too_large.is_empty() {
            break;
        }
        let next = one_pass(lake, dataset, &again, workers, &Quiet).await?;
        has_written = !next.aggregated.is_empty();
        let is_again = |made: &Aggregated| {
            next.aggregated.iter().any(|other| (&other.model, &other.partition) == (&made.model, &made.partition))
        };
        outcome.aggregated.retain(|made| !is_again(made));
        outcome.aggregated.extend(next.aggregated);
        outcome.failed = next.failed;
        outcome.too_large = next.too_large;
        outcome.placed = next.placed;
    }
    Ok(outcome)
}

/// What there is, what is stale, its partitions, then the files and pages made of them.
async fn one_pass(
    lake: &Lake,
    dataset: &Dataset,
    selection: &Selection,
    workers: usize,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let read = || State::read_for(lake, dataset, Keep::Snapshot, selection);
    let mut state = read().await?;
    let mut made = BTreeSet::new();
    let mut outcome = one_round(lake, &mut state, selection, &mut made, workers, progress).await?;
    // What another aggregation committed meanwhile may be older than what there is by now: look again.
    for _ in 1..ROUNDS {
        if !outcome.failed.iter().any(Error::is_passing) {
            break;
        }
        // What else failed is planned again as well, and fails again.
        state = read().await?;
        let before = outcome;
        outcome = one_round(lake, &mut state, selection, &mut made, workers, progress).await?;
        outcome.up_to_date = before.up_to_date;
        outcome.aggregated.extend(before.aggregated);
    }
    state.made.refresh(lake).await?;
    outcome.placed = placed::of(&state).unwrap_or_default();
    match export::export(lake, &mut state, selection).await {
        Ok(files) => outcome.aggregated.extend(files),
        Err(error) => outcome.failed.push(error),
    }
    if lake.limits().report_pages && outcome.too_large.is_empty() && selection.partitions.is_empty() {
        match pages::export(lake, &mut state, false).await {
            Ok(pages) => {
                outcome.aggregated.extend(pages.lines);
                outcome.failed.extend(pages.failed);
            }
            Err(error) => outcome.failed.push(error),
        }
    }
    Ok(outcome)
}

/// Brings one dataset's models up to date, level by level; of all partitions, those that were not `made` in an earlier
/// round.
async fn one_round(
    lake: &Lake,
    state: &mut State<'_>,
    selection: &Selection,
    made_before: &mut BTreeSet<(String, Partition)>,
    workers: usize,
    progress: &dyn Progress,
) -> Result<Outcome> {
    for table in &state.dataset.tables {
        state.cleaned.not_moved(state.dataset, table)?;
    }
    let mut outcome = Outcome::default();
    let levels = state.levels();
    for (number, models) in levels.iter().enumerate() {
        if number > 0 && !outcome.aggregated.is_empty() {
            state.made.refresh(lake).await?;
        }
        let Plan { mut todo, vanished, up_to_date, failed } = state.plan_level(lake, selection, models);
        outcome.up_to_date += up_to_date;
        outcome.failed.extend(failed);
        if selection.all {
            todo.retain(|planned| !made_before.contains(&(planned.model.name.clone(), planned.partition.clone())));
        }
        if number == 0 {
            settle(lake, state, &vanished, &mut outcome).await?;
        }
        // What a model before this one could not make is missing, and not gone.
        if number == 0 || outcome.failed.is_empty() {
            remove_vanished(lake, state, selection, &vanished, &mut outcome).await?;
        }
        if backlog::is_too_large(lake, &todo) {
            // What reads these goes with them.
            let rest = state.plan(lake, selection, levels.get(number..).unwrap_or_default());
            outcome.too_large = Stale::of(&rest.todo);
            return Ok(outcome);
        }
        if number == 0 || !todo.is_empty() {
            make_all(lake, state, selection, &todo, (workers, progress), made_before, &mut outcome).await?;
        }
    }
    Ok(outcome)
}

/// Makes shards of partitions that are stale, those that are share `number` of `of`: for the aggregation that joins them.
pub async fn make_shards(lake: &Lake, selection: &Selection, workers: usize, number: u64, of: u64) -> Result<()> {
    for dataset in selected(lake, selection)? {
        let state = State::read(lake, dataset, Keep::Nothing).await?;
        for models in state.levels() {
            let todo = state.plan_level(lake, selection, &models).todo;
            for task in plan::gather(&state.cleaned, &state.made, &todo)?.iter().filter(|task| task.planned.shards > 1)
            {
                let is_ours = |shard: u64| shard % of.max(1) == number;
                sharded::make(lake, task, workers, is_ours).await.map_err(|error| make::of_task(task, error))?;
            }
        }
    }
    Ok(())
}

/// Removes what killed writers left beside partitions that stay.
async fn settle(lake: &Lake, state: &State<'_>, vanished: &[String], outcome: &mut Outcome) -> Result<()> {
    // What has vanished is removed in the state that was planned.
    let is_unsettled = |(key, entry): &(&str, &ConsumptionEntry)| {
        entry.is_settled() && !entry.beside.is_empty() && !vanished.iter().any(|vanished| vanished == key)
    };
    for (ledger_key, _) in state.made.entries().filter(is_unsettled) {
        match commit::settle(lake, ledger_key).await {
            // Another aggregation is at work on it.
            Err(Error::Lake(lake::Error::Store(error))) if error.failure == Failure::Condition => {}
            // What cannot be removed of one partition stops no other.
            settled => outcome.failed.extend(settled.err()),
        }
    }
    Ok(())
}

/// Makes what is planned, some at a time.
async fn make_all(
    lake: &Lake,
    state: &State<'_>,
    selection: &Selection,
    todo: &[Planned<'_>],
    (workers, progress): (usize, &dyn Progress),
    made_before: &mut BTreeSet<(String, Partition)>,
    outcome: &mut Outcome,
) -> Result<()> {
    progress.begin(&format!("aggregate {}", state.dataset.name), todo.len() as u64);
    for planned in in_memory(todo) {
        let tasks = plan::gather(&state.cleaned, &state.made, planned)?;
        // Of a partition in shards, the shards are made beside each other.
        let (whole, sharded): (Vec<_>, Vec<_>) = tasks.iter().partition(|task| task.planned.shards == 1);
        let make = |task, workers| async move { (task, make::make(lake, task, selection.allow_shrink, workers).await) };
        let whole = futures::stream::iter(whole).map(|task| make(task, 1)).buffer_unordered(workers.max(1));
        let sharded = futures::stream::iter(sharded).then(|task| make(task, workers));
        let mut work = std::pin::pin!(whole.chain(sharded));
        while let Some((task, done)) = work.next().await {
            progress.advance(&format!("{} {}", task.planned.model.name, task.planned.partition));
            match done {
                Ok(made) => {
                    made_before.insert((task.planned.model.name.clone(), task.planned.partition.clone()));
                    outcome.aggregated.extend(made);
                }
                Err(error) => {
                    tracing::info!(%error, "failed to make a partition");
                    outcome.failed.push(error);
                }
            }
        }
    }
    progress.end();
    Ok(())
}

/// Cuts a plan into parts whose objects are held in memory at the same time.
fn in_memory<'p, 'a>(todo: &'p [Planned<'a>]) -> Vec<&'p [Planned<'a>]> {
    let (mut parts, mut begin, mut objects) = (Vec::new(), 0, 0_u64);
    for (at, planned) in todo.iter().enumerate() {
        if objects > 0 && objects.saturating_add(planned.objects) > MOST_OBJECTS {
            parts.extend(todo.get(begin..at));
            (begin, objects) = (at, 0);
        }
        objects = objects.saturating_add(planned.objects);
    }
    parts.extend(todo.get(begin..).filter(|rest| !rest.is_empty()));
    parts
}

/// Removes partitions that nothing is left of, unless the places of their inputs are missing, or their model says that it
/// does not lose so much at once.
async fn remove_vanished(
    lake: &Lake,
    state: &State<'_>,
    selection: &Selection,
    vanished: &[String],
    outcome: &mut Outcome,
) -> Result<()> {
    are_gone(lake, state, vanished.len()).await?;
    for ledger_key in vanished {
        let Some(entry) = state.made.get(ledger_key) else { continue };
        let model = state.dataset.model(&entry.model).filter(|_| !selection.allow_shrink);
        if let Some(Err(shrunk)) =
            model.map(|model| make::guard(state.dataset, model, &entry.partition, &entry.outputs, 0))
        {
            outcome.failed.push(shrunk);
            continue;
        }
        let (dataset, model, partition) = (entry.dataset.clone(), entry.model.clone(), entry.partition.clone());
        match commit::remove(lake, ledger_key, entry).await {
            Ok(true) => outcome.aggregated.push(Aggregated {
                dataset,
                model,
                partition,
                rows: 0,
                changed: true,
                deleted: true,
                warnings: Vec::new(),
            }),
            Ok(false) => {}
            Err(Error::Lake(lake::Error::Store(error))) if error.failure == Failure::Condition => {
                outcome.failed.push(Error::Overtaken { dataset, model, partition });
            }
            Err(error) => outcome.failed.push(error),
        }
    }
    Ok(())
}

fn selected<'a>(lake: &'a Lake, selection: &Selection) -> Result<Vec<&'a Dataset>> {
    let datasets: Vec<&Dataset> = match &selection.dataset {
        Some(name) => vec![lake.catalog.dataset(name)?],
        None => lake.catalog.datasets().iter().collect(),
    };
    let known: Vec<(&Dataset, &str)> = datasets
        .iter()
        .flat_map(|dataset| dataset.models.iter().map(|model| (*dataset, model.name.as_str())))
        .collect();
    if let Some(unknown) = selection.models.iter().find(|wanted| !known.iter().any(|(_, name)| name == wanted)) {
        return Err(lake::Error::Usage(no_model(unknown, &known, selection.dataset.as_deref())).into());
    }
    Ok(datasets)
}

/// What is to be said of a name that is no model of a dataset, or of all datasets.
fn no_model(name: &str, known: &[(&Dataset, &str)], dataset: Option<&str>) -> String {
    if let Some(dataset) = dataset {
        let known: Vec<&str> = known.iter().map(|(_, name)| *name).collect();
        let meant = did_you_mean(name, known.iter().copied());
        return format!("{dataset} has no model \"{name}\"; it has {}{meant}", known.join(", "));
    }
    let meant = nearest(name, known.iter().map(|(_, name)| *name));
    match meant.and_then(|meant| known.iter().find(|(_, name)| *name == meant)) {
        Some((dataset, meant)) => format!("there is no model \"{name}\"; did you mean {}.{meant}?", dataset.name),
        None => format!("there is no model \"{name}\": `tributary describe` lists those of each dataset"),
    }
}

/// Refuses to delete partitions because the places of their inputs are missing: that is no deletion of data.
async fn are_gone(lake: &Lake, state: &State<'_>, partitions: usize) -> Result<()> {
    if partitions == 0 {
        return Ok(());
    }
    let State { dataset, cleaned, .. } = state;
    let gone = |why: String| Error::Gone { dataset: dataset.name.clone(), partitions, why };
    let prefix = format!("{}/", dataset.name);
    if cleaned.has_objects() && lake.standard.list(&prefix).await?.is_empty() {
        return Err(gone(format!(
            "none of the objects in the ledger is there, in {}: check its URL, or run `tributary clean --all`",
            lake.standard.url(&prefix)
        )));
    }
    if cleaned.is_empty() {
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
