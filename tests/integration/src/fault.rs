//! Runs of `tributary` that are killed at a counted step of their work, and which steps to choose.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use crate::{TestLake, say, tributary};

/// The kinds of steps: [`lake::store::steps::Step`].
pub const KINDS: [&str; 6] = ["Opened", "Filled", "Renamed", "Doomed", "Deleted", "Swept"];

/// What a run did until its end, early or not.
#[derive(Debug)]
pub struct Ended {
    /// The steps that it took, in their order: `Renamed PATH`.
    pub steps: Vec<String>,
    /// Whether it was killed.
    pub killed: bool,
}

impl Ended {
    /// How many steps of a kind it took.
    pub fn count(&self, kind: &str) -> usize {
        self.steps.iter().filter(|step| step.split(' ').next() == Some(kind)).count()
    }

    /// At most so many steps of each kind, spread over the whole run, as [`TestLake::call_until`] takes them. The variable
    /// `KILLS` sets another number.
    pub fn some_of_each(&self, count: usize, seed: &mut Seed) -> Vec<String> {
        let given = std::env::var("KILLS").ok().map(|text| text.parse().expect("KILLS is a whole number"));
        let count = given.unwrap_or(count);
        let of_kind = |kind: &&str| {
            seed.steps(count, self.count(kind)).into_iter().map(|step| format!("{kind} {step}")).collect()
        };
        KINDS.iter().flat_map::<Vec<String>, _>(of_kind).collect()
    }
}

impl TestLake {
    /// Calls `tributary` and lets it come to its end.
    pub fn call_counted(&self, arguments: &[&str]) -> Ended {
        let ended = self.call_faulty(arguments, "");
        assert!(!ended.killed, "{arguments:?} was killed by something else");
        ended
    }

    /// Calls `tributary`, and kills it after a step of a kind, like `Renamed 3`, counted from 1.
    pub fn call_until(&self, arguments: &[&str], last: &str) {
        let ended = self.call_faulty(arguments, last);
        assert!(ended.killed, "{arguments:?} ends before {last}: {:?}", ended.steps);
        let kind = last.split(' ').next().unwrap_or_default();
        assert_eq!(format!("{kind} {}", ended.count(kind)), last, "{:?}", ended.steps);
    }

    /// Starts `tributary`, to be killed after a step if it comes to it; an empty text lets it live.
    pub fn start_until(&self, arguments: &[&str], last: &str) -> Child {
        let mut command = self.command_of(&faulty(), arguments);
        command.env("FAULT_LOG", "/dev/null").env("FAULT_STEP", last);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("tributary-faulty starts")
    }

    fn call_faulty(&self, arguments: &[&str], last: &str) -> Ended {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = folder.path().join("steps");
        let mut command = self.command_of(&faulty(), arguments);
        command.env("FAULT_LOG", &log).env("FAULT_STEP", last);
        let output = command.stdout(Stdio::null()).output().expect("tributary-faulty starts");
        let killed = output.status.code().is_none();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(killed || output.status.success(), "{arguments:?} fails before {last}: {errors}");
        let text = std::fs::read_to_string(log).expect("the steps");
        Ended { steps: text.lines().map(str::to_owned).collect(), killed }
    }
}

/// `tributary` with a fault: `cargo test` builds it, but not for a single test.
fn faulty() -> PathBuf {
    let binary = tributary().with_file_name("examples").join("tributary-faulty");
    assert!(binary.exists(), "{} is missing: run `cargo build -p integration --examples` first", binary.display());
    binary
}

/// Numbers that a seed gives: the one of the variable `SEED`, or a new one, which is printed.
pub struct Seed(u64);

impl Seed {
    /// The seed of this run of the test called `name`.
    pub fn of(name: &str) -> Self {
        let given = std::env::var("SEED").ok().map(|text| text.parse().expect("SEED is a whole number"));
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0) >> 32);
        say(&format!("{name}: SEED={seed}"));
        Self(seed)
    }

    /// A number below `end` (SplitMix64).
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        usize::try_from(bits % end as u64).expect("below a usize")
    }

    /// So many numbers of 1 to `all`, one of each part of the way; all of them if there are no more.
    pub fn steps(&mut self, count: usize, all: usize) -> Vec<usize> {
        if all <= count {
            return (1..=all).collect();
        }
        let bound = |part: usize| part * all / count;
        (0..count).map(|part| 1 + bound(part) + self.below(bound(part + 1) - bound(part))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_spread_over_the_whole_way_and_follow_from_the_seed() {
        assert_eq!(Seed(7).steps(5, 3), [1, 2, 3]);
        let steps = Seed(7).steps(10, 95);
        assert_eq!(steps, Seed(7).steps(10, 95));
        assert_ne!(steps, Seed(8).steps(10, 95));
        for (part, step) in steps.into_iter().enumerate() {
            assert!((part * 95 / 10 + 1..=(part + 1) * 95 / 10).contains(&step), "{part} {step}");
        }
    }
}
