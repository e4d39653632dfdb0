//! Schedules of `ingest`: several runs of one window at the same time over stores with faults, then a quiet one; the
//! raw zone must equal that of one quiet run.
//!
//! The sources are simulated over HTTP on 127.0.0.1, so a seed decides the faults and whose turn it is, but not the
//! order in which answers come.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use ingest::Context;
use lake::Lake;
use lake::dataset::{Catalog, Folder};
use lake::keys;
use lake::progress::Quiet;
use lake::settings::Environment;
use lake::time::Window;
use simulator::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

use crate::check::Watch;
use crate::faulty::Script;
use crate::memory::Mutant;
use crate::random::Random;
use crate::schedule::Violation;
use crate::scheduler::Scheduler;
use crate::zones::Zones;

/// The sources and the windows that are asked for.
const SOURCES: [(&str, &str, &str); 3] = [
    ("irceline", "2026-11-17", "2026-11-19"),
    ("illuminate", "2026-11-18", "2026-11-19"),
    ("codetrack", "2026-11-09", "2026-11-20"),
];

const CODETRACK_ROSTER: &str = "codetrack/rosters/roster.json";

fn now() -> DateTime<Utc> {
    "2026-11-20T05:00:00Z".parse().unwrap()
}

fn options() -> Options {
    Options {
        stations: 3,
        series: 12,
        dead: 0,
        assessments: 4,
        students: 5,
        learners: 3,
        volatile_count: false,
        jitter: false,
        ..Options::default()
    }
}

/// Small requests and little patience, so that a run has many steps.
fn catalog() -> Catalog {
    let own = |text: &str| Folder::from([("dataset.toml".to_owned(), text.to_owned())]);
    Catalog::with_folders(BTreeMap::from([
        ("irceline".to_owned(), own("[source]\nparameters = [\"all\"]\nseries_per_request = 4\n")),
        ("illuminate".to_owned(), own("[source]\ncheckpoint_assessments = 1\nconcurrent_requests = 2\n")),
    ]))
}

/// Runs one schedule.
pub fn run(seed: u64) -> Result<(), Violation> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, schedule(seed))
}

async fn schedule(seed: u64) -> Result<(), Violation> {
    let mut random = Random::new(seed, 4);
    let simulator = Simulator::start(options()).await.unwrap();
    let (name, from, to) = *random.pick(&SOURCES);
    let window = Window::new(day(from), day(to)).unwrap();
    let catalog = catalog();
    let zones = self::zones(&simulator);
    let (scheduler, watch) = (Scheduler::new(seed), Watch::default());
    let share = *random.pick(&[0, 2, 8, 20]);
    let runs = 2 + random.below(2);
    scheduler.note(format!("{runs} runs of {name}; {share} % of calls fail"));
    let mut actors = Vec::new();
    for actor in 1..=runs {
        let script = Script::new(seed, actor, share);
        let lake = zones.seen_by(actor, script, Mutant::None, &scheduler, &watch, &catalog);
        let settings = settings(&simulator);
        let work = async move {
            let _ = fetch(&lake, &settings, name, window).await;
        };
        actors.push((actor, tokio::task::spawn_local(work)));
    }
    let mut problems = Vec::from_iter(scheduler.run(actors).await.err());
    let settings = settings(&simulator);
    problems.extend(fetch(&zones.quiet(&catalog), &settings, name, window).await);
    let reference = self::zones(&simulator);
    problems.extend(fetch(&reference.quiet(&catalog), &settings, name, window).await);
    problems.extend(differences(&visible(&zones), &visible(&reference)));
    simulator.stop().await;
    if problems.is_empty() { Ok(()) } else { Err(Violation { seed, problems, steps: scheduler.trace() }) }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A lake's zones with what `ingest` needs to be there.
fn zones(simulator: &Simulator) -> Zones {
    let zones = Zones::new(Mutant::None);
    zones.raw.lay(CODETRACK_ROSTER, Bytes::from(simulator.roster_json()));
    zones
}

fn settings(simulator: &Simulator) -> ingest::Settings {
    let environment = Environment::of(&[
        ("IRCELINE_URL", &simulator.irceline_url()),
        ("ILLUMINATE_URL", &simulator.illuminate_url()),
        ("ILLUMINATE_CLIENT_ID", CLIENT_ID),
        ("ILLUMINATE_CLIENT_SECRET", CLIENT_SECRET),
        ("CODETRACK_URL", &simulator.codetrack_url()),
    ]);
    ingest::Settings::from_environment(&environment).unwrap()
}

/// Fetches a window; what could not be had, in words.
async fn fetch(lake: &Lake, settings: &ingest::Settings, source: &str, window: Window) -> Vec<String> {
    let context = Context { lake, settings, clock: now, progress: &Quiet, time_limit: None, accept_loss: false };
    match ingest::ingest(&context, source, window).await {
        Ok(outcome) => outcome.incomplete.iter().map(|incomplete| format!("{incomplete:?}")).collect(),
        Err(error) => vec![error.to_string()],
    }
}

fn visible(zones: &Zones) -> BTreeMap<String, Bytes> {
    let objects = zones.raw.snapshot().into_iter().filter(|(key, _)| !keys::is_hidden(key));
    objects.map(|(key, state)| (key, state.bytes)).collect()
}

fn differences(is: &BTreeMap<String, Bytes>, should_be: &BTreeMap<String, Bytes>) -> Vec<String> {
    let mut found = Vec::new();
    for key in is.keys().filter(|key| !should_be.contains_key(*key)) {
        found.push(format!("raw/{key}: should not be there"));
    }
    for (key, bytes) in should_be {
        match is.get(key) {
            None => found.push(format!("raw/{key}: is missing")),
            Some(is) if is != bytes => {
                found.push(format!("raw/{key}: has other bytes ({} for {})", is.len(), bytes.len()));
            }
            Some(_) => {}
        }
    }
    found
}
