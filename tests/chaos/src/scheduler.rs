//! Who goes next: all actors run on one thread, and each call of a store waits for a permit.
//!
//! A permit is given when every live actor waits for one. What runs beside the thread (decoding, hashing) is pure and
//! belongs to an actor that does not wait meanwhile, so the order in which it ends decides nothing, and a seed gives
//! the same interleaving each time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::random::Random;

/// Turns of the event loop after which everything that could go on has done so.
const SETTLE: usize = 16;
/// No schedule takes as many steps: more are a loop without an end.
const MOST_STEPS: u64 = 200_000;

/// One that waits for a permit.
#[derive(Debug)]
struct Waiting {
    actor: usize,
    call: String,
    number: u64,
    /// Permits of others that it lets pass.
    delay: u32,
    go: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Inner {
    waiting: Vec<Waiting>,
    killed: BTreeSet<usize>,
    calls: BTreeMap<usize, u64>,
    random: Random,
    /// How many of 100 permits go to the actor that had the last one, if it waits.
    stickiness: usize,
    last: usize,
    steps: u64,
    trace: Vec<String>,
}

/// Gives permits one by one.
#[derive(Debug, Clone)]
pub struct Scheduler(Arc<Mutex<Inner>>);

impl Scheduler {
    /// The scheduler of a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 1);
        let stickiness = *random.pick(&[0, 30, 70, 90, 97]);
        Self(Arc::new(Mutex::new(Inner {
            waiting: Vec::new(),
            killed: BTreeSet::new(),
            calls: BTreeMap::new(),
            random,
            stickiness,
            last: 0,
            steps: 0,
            trace: Vec::new(),
        })))
    }

    /// Waits for the permit of one call, and lets `delay` permits of others pass before.
    pub async fn permit(&self, actor: usize, call: String, delay: u32) {
        let (go, gone) = oneshot::channel();
        {
            let mut inner = self.0.lock().unwrap();
            let number = inner.calls.entry(actor).or_default();
            *number += 1;
            let number = *number;
            inner.waiting.push(Waiting { actor, call, number, delay, go });
        }
        // The sender is dropped with the scheduler only: then the schedule is over.
        let _ = gone.await;
    }

    /// Ends an actor: it makes no further step.
    pub async fn kill(&self, actor: usize) {
        self.0.lock().unwrap().killed.insert(actor);
        std::future::pending::<()>().await;
    }

    /// Records what happened.
    pub fn note(&self, text: String) {
        self.0.lock().unwrap().trace.push(text);
    }

    /// What happened so far, step by step.
    pub fn trace(&self) -> Vec<String> {
        self.0.lock().unwrap().trace.clone()
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.0.lock().unwrap().steps
    }

    /// Runs actors until all are done or killed. Fails if one panics, or if they never end.
    pub async fn run(&self, actors: Vec<(usize, JoinHandle<()>)>) -> Result<(), String> {
        let mut live: BTreeMap<usize, JoinHandle<()>> = actors.into_iter().collect();
        while !live.is_empty() {
            for _ in 0..SETTLE {
                tokio::task::yield_now().await;
            }
            let killed = std::mem::take(&mut self.0.lock().unwrap().killed);
            for actor in killed {
                if let Some(handle) = live.remove(&actor) {
                    handle.abort();
                    let _ = handle.await;
                }
                self.0.lock().unwrap().waiting.retain(|waiting| waiting.actor != actor);
            }
            let done: Vec<usize> =
                live.iter().filter(|(_, handle)| handle.is_finished()).map(|(actor, _)| *actor).collect();
            for actor in done {
                if let Some(handle) = live.remove(&actor) {
                    handle.await.map_err(|error| format!("actor {actor} panicked: {error}"))?;
                }
            }
            if !self.step(&live)? {
                std::thread::yield_now();
            }
        }
        Ok(())
    }

    /// Gives a permit if every live actor waits for one.
    fn step(&self, live: &BTreeMap<usize, JoinHandle<()>>) -> Result<bool, String> {
        let mut inner = self.0.lock().unwrap();
        inner.waiting.retain(|waiting| !waiting.go.is_closed());
        let all_wait = live.keys().all(|actor| inner.waiting.iter().any(|waiting| waiting.actor == *actor));
        if !all_wait || inner.waiting.is_empty() {
            return Ok(false);
        }
        inner.steps += 1;
        if inner.steps > MOST_STEPS {
            return Err(format!("no end after {MOST_STEPS} steps"));
        }
        inner.waiting.sort_by(|a, b| (a.actor, a.number, &a.call).cmp(&(b.actor, b.number, &b.call)));
        let mut ready: Vec<usize> = (0..inner.waiting.len()).filter(|at| inner.waiting[*at].delay == 0).collect();
        if ready.is_empty() {
            ready = (0..inner.waiting.len()).collect();
        }
        let (stickiness, last) = (inner.stickiness, inner.last);
        let same: Vec<usize> = ready.iter().copied().filter(|at| inner.waiting[*at].actor == last).collect();
        let at = if !same.is_empty() && inner.random.chance(stickiness) {
            *inner.random.pick(&same)
        } else {
            *inner.random.pick(&ready)
        };
        let chosen = inner.waiting.remove(at);
        for waiting in &mut inner.waiting {
            waiting.delay = waiting.delay.saturating_sub(1);
        }
        inner.last = chosen.actor;
        let _ = chosen.go.send(());
        Ok(true)
    }
}
