//! One schedule: from a seed, some writers at once on one lake, with faults; then a quiet run, and the comparison with
//! a lake that never saw a fault.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use lake::Lake;
use lake::dataset::Catalog;
use lake::function::Deadline;
use lake::progress::Quiet;
use lake::store::{Backend, Condition};
use serde_json::{Value, json};

use crate::check::{self, Watch};
use crate::faulty::Script;
use crate::memory::Mutant;
use crate::random::Random;
use crate::scheduler::Scheduler;
use crate::zones::{DATASET, KEYS, Zones, content};

/// How often a queue delivers one event before it gives up.
const DELIVERIES: usize = 5;

/// What schedules are made of.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What the store does not keep of its promises.
    pub mutant: Mutant,
    /// Whether the same bytes may be uploaded again.
    pub same_again: bool,
    /// Whether to look before the last quiet run for what that mends, and to let all uploads replace one object, so that
    /// writers meet.
    pub strictly: bool,
    /// Whether some schedules aggregate: that takes most of the time.
    pub models: bool,
    /// Whether runs leave snapshots of the ledger: calls beside those that decide.
    pub snapshots: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { mutant: Mutant::None, same_again: true, strictly: false, models: true, snapshots: true }
    }
}

/// A schedule that did not end as it should.
#[derive(Debug)]
pub struct Violation {
    /// The schedule.
    pub seed: u64,
    /// What is wrong.
    pub problems: Vec<String>,
    /// What each actor was, and each step.
    pub steps: Vec<String>,
}

/// What a schedule that ended well did.
#[derive(Debug, Default, Clone, Copy)]
pub struct Done {
    /// Calls of stores.
    pub steps: u64,
}

/// Runs the schedule of one seed on one thread, with a stack as the functions have it: plans nest deeply.
pub fn run(seed: u64, catalog: &Catalog, options: Options) -> Result<Done, Violation> {
    let one = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, schedule(seed, catalog, options))
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(lake::stack::BYTES);
        let done = thread.spawn_scoped(scope, one).unwrap().join();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

async fn schedule(seed: u64, catalog: &Catalog, options: Options) -> Result<Done, Violation> {
    let mut random = Random::new(seed, 2);
    let zones = Zones { snapshots: options.snapshots, ..Zones::new(options.mutant) };
    let (scheduler, watch) = (Scheduler::new(seed), Watch::over(&zones));
    let share = *random.pick(&[0, 1, 3, 10, 25]);
    let events = Events::default();
    let mut actors = Vec::new();
    let uploads = uploads(seed, options);
    // Aggregation takes most of the time: some schedules are of `clean` alone.
    let with_models = random.chance(40) && options.models;
    scheduler.note(format!("0 uploads {} times; {share} % of calls fail", uploads.len()));
    // Some of the work is done before the first fault.
    let settled = random.below(uploads.len());
    let (early, late) = uploads.split_at(settled);
    for upload in early {
        upload.apply(&zones).await;
    }
    if random.chance(50) {
        let _ = sweep(&zones.quiet(catalog), with_models).await;
    }
    for upload in early {
        events.tell(upload, &mut random);
    }
    let upload = upload_all(late.to_vec(), zones.clone(), scheduler.clone(), events.clone(), random.clone());
    actors.push((0, tokio::task::spawn_local(upload)));
    for actor in 1..=2 + random.below(3) {
        let lake = zones.seen_by(actor, Script::new(seed, actor, share), options.mutant, &scheduler, &watch, catalog);
        let kinds =
            [Kind::Events, Kind::Events, Kind::Clean, Kind::CleanAll, Kind::Aggregate, Kind::Told, Kind::Everything];
        let kind = *random.pick(if with_models { &kinds } else { &kinds[..4] });
        scheduler.note(format!("{actor} is {kind:?}"));
        let (scheduler, events, random) = (scheduler.clone(), events.clone(), Random::new(seed, 50 + actor as u64));
        actors.push((actor, tokio::task::spawn_local(act(kind, actor, lake, scheduler, events, random))));
    }
    let violation = |problems, scheduler: &Scheduler| Violation { seed, problems, steps: scheduler.trace() };
    if let Err(why) = scheduler.run(actors).await {
        return Err(violation(vec![why], &scheduler));
    }
    let mut problems = if options.strictly { check::missing(&zones) } else { Vec::new() };
    // No writer of these is left.
    zones.ledger.age();
    if let Err(why) = sweep(&zones.quiet(catalog), with_models).await {
        problems.push(format!("the quiet run fails: {why}"));
    }
    let reference = Zones::of(zones.raw.snapshot());
    if let Err(why) = sweep(&reference.quiet(catalog), with_models).await {
        problems.push(format!("the lake without faults fails: {why}"));
    }
    problems.extend(check::forgotten(&zones.quiet(catalog).ledger).await);
    watch.look_at_ledger(&zones.ledger);
    watch.look_at_ledger(&reference.ledger);
    problems.extend(watch.problems());
    problems.extend(check::differences(&zones, &reference));
    problems.extend(check::verify(&zones));
    if problems.is_empty() { Ok(Done { steps: scheduler.steps() }) } else { Err(violation(problems, &scheduler)) }
}

/// How to clean: whatever share of an object is rejected.
fn cleaning() -> clean::Options {
    clean::Options { workers: 1, prune: false, max_rejected: 1.0, now: chrono::Utc::now() }
}

/// Brings a lake up to date as `tributary run` does.
async fn sweep(lake: &Lake, with_models: bool) -> Result<(), String> {
    let all = clean::Selection::Stale(Some(DATASET.to_owned()));
    let cleaned = clean::clean(lake, &all, cleaning(), &Quiet).await.map_err(|error| error.to_string())?;
    let mut failed: Vec<String> = cleaned.failed.iter().map(ToString::to_string).collect();
    if with_models {
        let models = aggregate::Selection { dataset: Some(DATASET.to_owned()), ..Default::default() };
        let made = aggregate::aggregate(lake, &models, 1, &Quiet).await.map_err(|error| error.to_string())?;
        failed.extend(made.failed.iter().map(ToString::to_string));
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

/// What one actor does until its end.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// The function that cleans what events name.
    Events,
    /// `tributary clean`.
    Clean,
    /// `tributary aggregate`.
    Aggregate,
    /// The function that aggregates what was told to have changed: here nothing, so that all that it knows is noted.
    Told,
    /// `tributary clean --all`.
    CleanAll,
    /// `tributary clean --all`, then `tributary aggregate --all`.
    Everything,
}

async fn act(kind: Kind, actor: usize, lake: Lake, scheduler: Scheduler, events: Events, mut random: Random) {
    let dataset = Some(DATASET.to_owned());
    match kind {
        Kind::Events => loop {
            scheduler.permit(actor, "look for an event".to_owned(), 0).await;
            let Some((event, tries)) = events.take(&mut random) else {
                if events.is_over() {
                    return;
                }
                continue;
            };
            let deadline = Deadline::at(SystemTime::now() + Duration::from_secs(3600));
            if clean::handler::handle(&lake, &event, deadline).await.is_err() && tries < DELIVERIES {
                events.put_back(event, tries + 1);
            }
        },
        Kind::Clean => {
            for _ in 0..1 + random.below(3) {
                let _ = clean::clean(&lake, &clean::Selection::Stale(dataset.clone()), cleaning(), &Quiet).await;
            }
        }
        Kind::Aggregate | Kind::Told => {
            for _ in 0..1 + random.below(3) {
                let told = matches!(kind, Kind::Told).then(BTreeSet::new);
                let models = aggregate::Selection { dataset: dataset.clone(), told, ..Default::default() };
                let _ = aggregate::aggregate(&lake, &models, 1, &Quiet).await;
            }
        }
        Kind::CleanAll => {
            let _ = clean::clean(&lake, &clean::Selection::All(dataset), cleaning(), &Quiet).await;
        }
        Kind::Everything => {
            let _ = clean::clean(&lake, &clean::Selection::All(dataset.clone()), cleaning(), &Quiet).await;
            let models = aggregate::Selection { dataset, all: true, ..Default::default() };
            let _ = aggregate::aggregate(&lake, &models, 1, &Quiet).await;
        }
    }
}

/// A raw object that comes, changes or goes.
#[derive(Debug, Clone)]
struct Upload {
    key: &'static str,
    /// `None`: it is deleted.
    bytes: Option<Vec<u8>>,
}

impl Upload {
    async fn apply(&self, zones: &Zones) {
        match &self.bytes {
            Some(bytes) => drop(zones.raw.put(self.key, bytes.clone().into(), Condition::Always).await),
            None => drop(zones.raw.delete(self.key, Condition::Always).await),
        }
    }
}

/// All uploads of a schedule, in order.
fn uploads(seed: u64, options: Options) -> Vec<Upload> {
    let mut random = Random::new(seed, 3);
    let first = KEYS[0];
    let mut uploads = vec![Upload { key: first, bytes: Some(content(first, &mut random)) }];
    let mut last: BTreeMap<&str, Option<Vec<u8>>> = BTreeMap::new();
    let keys = 2 + random.below(KEYS.len() - 1);
    let keys = if options.strictly { &KEYS[1..2] } else { &KEYS[..keys] };
    for _ in 0..3 + random.below(10) {
        let key = *random.pick(keys);
        let mut bytes = if key != first && random.chance(20) { None } else { Some(content(key, &mut random)) };
        if options.same_again && random.chance(10) {
            bytes = last.get(key).cloned().flatten().or(bytes);
        } else if !options.same_again && bytes.is_some() {
            // The same bytes again would be another state only by its time.
            while last.get(key) == Some(&bytes) {
                bytes = Some(content(key, &mut random));
            }
        }
        last.insert(key, bytes.clone());
        uploads.push(Upload { key, bytes });
    }
    uploads
}

async fn upload_all(uploads: Vec<Upload>, zones: Zones, scheduler: Scheduler, events: Events, mut random: Random) {
    for upload in &uploads {
        scheduler.permit(0, "upload".to_owned(), random.below(60) as u32).await;
        let what = upload.bytes.as_ref().map_or_else(|| "delete".to_owned(), |bytes| format!("{} bytes", bytes.len()));
        scheduler.note(format!("0: upload {}: {what}", upload.key));
        upload.apply(&zones).await;
        events.tell(upload, &mut random);
    }
    events.end();
}

/// The queue of events.
#[derive(Debug, Clone, Default)]
struct Events(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<(Value, usize)>,
    is_over: bool,
}

impl Events {
    /// An upload's event: mostly once, sometimes up to ten times, sometimes never.
    fn tell(&self, upload: &Upload, random: &mut Random) {
        let times = match random.below(10) {
            0 | 1 => 0,
            2 => 2 + random.below(9),
            _ => 1,
        };
        let event = json!({"keys": [upload.key]});
        self.0.lock().unwrap().events.extend((0..times).map(|_| (event.clone(), 1)));
    }

    /// Any event: they come in any order, and late.
    fn take(&self, random: &mut Random) -> Option<(Value, usize)> {
        let events = &mut self.0.lock().unwrap().events;
        if events.is_empty() { None } else { events.remove(random.below(events.len())) }
    }

    fn put_back(&self, event: Value, tries: usize) {
        self.0.lock().unwrap().events.push_back((event, tries));
    }

    fn end(&self) {
        self.0.lock().unwrap().is_over = true;
    }

    fn is_over(&self) -> bool {
        self.0.lock().unwrap().is_over
    }
}
