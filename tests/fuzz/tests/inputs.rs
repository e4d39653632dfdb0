//! Drives the targets: `INPUTS` (default 1000) mutated inputs each from `SEED` (default 1), of one `PARSER` or of all.
//!
//! An input that panics, takes more than half a minute or needs more memory than [`MEMORY`] is written to a file that
//! belongs into the target's corpus, where every test run tries it again.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use fuzz::mutate::Mutator;
use fuzz::{TARGETS, Target, corpus};

/// What the whole process may take, in kB.
const MEMORY: u64 = 256 * 1024;
/// Inputs between two looks at the memory.
const BATCH: u64 = 200;
/// After so many failures a target is left.
const ENOUGH: usize = 20;
/// No input takes as long.
const PATIENCE: Duration = Duration::from_secs(30);

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn say(text: &str) {
    // Not by a macro, whose output is captured.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Keeps an input that failed, and says where.
fn keep(target: &Target, input: &[u8], what: &str) -> String {
    let name = format!("{}-{}", target.name, lake::hash::bytes(input));
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, input).unwrap();
    format!("{}: {what}; the input is {}", target.name, path.display())
}

/// The most memory that the process had since the last call of [`forget_peak`], in kB; `None` where the system does not
/// say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// What runs now, since when; ends the process if it takes too long.
#[derive(Clone, Default)]
struct Watchdog(Arc<(Mutex<Watched>, Condvar)>);

#[derive(Default)]
struct Watched {
    running: Option<(Target, Vec<u8>, Instant)>,
    is_over: bool,
}

impl Watchdog {
    fn start(&self) -> std::thread::JoinHandle<()> {
        let shared = Arc::clone(&self.0);
        std::thread::spawn(move || {
            let mut watched = shared.0.lock().unwrap();
            while !watched.is_over {
                watched = shared.1.wait_timeout(watched, PATIENCE / 10).unwrap().0;
                if let Some((target, input, _)) =
                    watched.running.as_ref().filter(|(.., begun)| begun.elapsed() > PATIENCE)
                {
                    say(&keep(target, input, "it does not end"));
                    std::process::exit(1);
                }
            }
        })
    }

    fn watch(&self, target: &Target, input: &[u8]) {
        self.0.0.lock().unwrap().running = Some((*target, input.to_vec(), Instant::now()));
    }

    fn end(&self) {
        self.0.0.lock().unwrap().is_over = true;
        self.0.1.notify_all();
    }
}

/// Runs one input; what went wrong, if anything.
fn try_input(target: &Target, input: &[u8], watchdog: &Watchdog) -> Option<String> {
    watchdog.watch(target, input);
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).err().map(|_| keep(target, input, "it panics"))
}

/// Which inputs of a batch need too much memory.
fn too_much_memory(target: &Target, inputs: &[Vec<u8>], watchdog: &Watchdog) -> Vec<String> {
    if peak().is_none_or(|peak| peak <= MEMORY) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for input in inputs {
        forget_peak();
        try_input(target, input, watchdog);
        if let Some(peak) = peak().filter(|peak| *peak > MEMORY) {
            found.push(keep(target, input, &format!("it takes {} MB", peak / 1024)));
        }
    }
    if found.is_empty() {
        found.push(format!("{}: no single input of a batch takes too much memory, but all together do", target.name));
    }
    found
}

#[test]
fn no_input_panics_hangs_or_takes_all_memory() {
    let (inputs, seed, wanted) = (number("INPUTS", 1000), number("SEED", 1), std::env::var("PARSER").ok());
    let watchdog = Watchdog::default();
    let watching = watchdog.start();
    let mut failures = Vec::new();
    for target in TARGETS.iter().filter(|target| wanted.as_ref().is_none_or(|wanted| wanted == target.name)) {
        let begun = Instant::now();
        let corpus = corpus(target.name);
        let mut of_target: Vec<String> =
            corpus.iter().filter_map(|input| try_input(target, input, &watchdog)).collect();
        let mut highest = 0;
        for first in (0..inputs).step_by(BATCH as usize) {
            forget_peak();
            let batch: Vec<Vec<u8>> =
                (first..inputs.min(first + BATCH)).map(|at| Mutator::new(seed, at).input(&corpus)).collect();
            of_target.extend(batch.iter().filter_map(|input| try_input(target, input, &watchdog)));
            highest = highest.max(peak().unwrap_or_default());
            of_target.extend(too_much_memory(target, &batch, &watchdog));
            if of_target.len() > ENOUGH {
                break;
            }
        }
        of_target.sort();
        of_target.dedup();
        let (name, seconds) = (target.name, begun.elapsed().as_secs_f64());
        say(&format!("{name:18} {inputs} inputs, {} failed, {} MB, {seconds:.1} s", of_target.len(), highest / 1024));
        failures.extend(of_target);
    }
    watchdog.end();
    watching.join().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_same_seed_gives_the_same_inputs() {
    let corpus = corpus("csv");
    let inputs = |seed| (0..50).map(|at| Mutator::new(seed, at).input(&corpus)).collect::<Vec<_>>();
    assert_eq!(inputs(1), inputs(1));
    assert_ne!(inputs(1), inputs(2));
}
