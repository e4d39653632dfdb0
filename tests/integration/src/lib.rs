//! What the integration tests share: a lake in a temporary folder, the `tributary` binary, a Python environment and
//! an S3 emulator. Everything listens on 127.0.0.1 only, and is stopped by the test that started it.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

pub mod batch;
pub mod emulator;
pub mod fault;
pub mod faulty_s3;
pub mod function;
pub mod gate;
mod http;
pub mod meters;
pub mod python;
pub mod queue;
pub mod rows;
mod skip;
pub mod trams;
mod tree;

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub use self::skip::{say, skip};
pub use self::tree::{Tree, copy_with_times};

/// The `tributary` binary beside this test: `make test` builds it first.
pub fn tributary() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own path");
    let profile = test.ancestors().nth(2).expect("a test lies in target/PROFILE/deps");
    let binary = profile.join("tributary");
    assert!(binary.exists(), "{} is missing: run `cargo build --workspace` first", binary.display());
    binary
}

/// The most memory that the process ever had, in KiB, as the kernel tells while it runs.
pub fn peak_of(child: &mut Child) -> u64 {
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
        peak = peak.max(now);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    peak
}

/// A lake in a temporary folder, and how to call `tributary` on it.
pub struct TestLake {
    folder: TempDir,
    url: Option<String>,
    environment: Vec<(String, String)>,
}

/// What a call printed and how it ended.
#[derive(Debug)]
pub struct Called {
    /// The exit status, or the signal that ended the process, as a negative number.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Called {
    /// The last line of standard output, which is one JSON object.
    pub fn json(&self) -> Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("no JSON in the last line: {error}\n{self:?}"))
    }

    /// Fails the test unless the exit status is 0.
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

impl From<Output> for Called {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().or(output.status.signal().map(i32::wrapping_neg)).unwrap_or(i32::MIN),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl TestLake {
    /// An empty lake that fetches from the API at `irceline`. Report pages take longer than most tests: those that are
    /// about them say so.
    pub fn new(irceline: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let variables = [("IRCELINE_URL", irceline), ("REPORT_PAGES", "off")];
        let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { folder, url: None, environment }
    }

    /// The same lake under another URL, for S3.
    #[must_use]
    pub fn at(mut self, url: &str) -> Self {
        self.url = Some(url.to_owned());
        self
    }

    /// Adds an environment variable to every call.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The lake's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the lake.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// Settings of the IRCELINE source for this lake, as `dataset.toml` text.
    pub fn configure(&self, settings: &str) {
        self.write("config/datasets/irceline/dataset.toml", settings);
    }

    /// A call that is not started yet. The environment holds nothing but what the test says.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(&tributary(), arguments)
    }

    /// The same, of another binary than `tributary`.
    fn command_of(&self, binary: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary);
        let url = self.url.clone().unwrap_or_else(|| format!("file:{}", self.path().display()));
        command.env_clear().envs(self.environment.iter().cloned()).env("LAKE_URL", url);
        command.env("RUST_BACKTRACE", "1").args(arguments).stdin(Stdio::null());
        command
    }

    /// Calls `tributary` with `--output json`.
    pub fn call(&self, arguments: &[&str]) -> Called {
        let mut command = self.command(&["--output", "json"]);
        command.args(arguments).output().expect("tributary starts").into()
    }

    /// Runs the three steps over a window.
    pub fn run(&self, from: &str, to: &str) -> Called {
        self.call(&["run", "irceline", "--from", from, "--to", to])
    }

    /// A query's rows, without nulls: tests name what is there.
    pub fn query(&self, sql: &str) -> Vec<Value> {
        let called = self.call(&["query", "--json", sql]).ok();
        let rows = called.stdout.lines().count().saturating_sub(1);
        let row = |line| {
            let mut row: Value = serde_json::from_str(line).expect("a JSON row");
            row.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
            row
        };
        called.stdout.lines().take(rows).map(row).collect()
    }

    /// All files of the lake.
    pub fn tree(&self) -> Tree {
        Tree::of(self.path())
    }
}
