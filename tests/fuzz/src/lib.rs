//! Every parser of bytes from outside, as plain functions of bytes, and what makes inputs for them.
//!
//! A target must return, whatever the bytes: no panic, no endless loop, memory below a bound. `tests/inputs.rs` drives
//! them on stable Rust with mutations of the files in `corpus/`; another fuzzer can call the same functions.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod decoders;
pub mod mutate;
mod texts;

use std::path::{Path, PathBuf};

/// A parser under test.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is also that of its folder in `corpus/`.
    pub name: &'static str,
    /// Runs it once.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 14] = [
    Target { name: "irceline_values", run: decoders::irceline_values },
    Target { name: "irceline_metadata", run: decoders::irceline_metadata },
    Target { name: "illuminate", run: decoders::illuminate },
    Target { name: "codetrack", run: decoders::codetrack },
    Target { name: "csv", run: decoders::csv },
    Target { name: "json", run: decoders::json },
    Target { name: "ndjson", run: decoders::ndjson },
    Target { name: "compressed", run: decoders::compressed },
    Target { name: "events", run: texts::events },
    Target { name: "raw_lines", run: texts::raw_lines },
    Target { name: "keys", run: texts::keys },
    Target { name: "partitions", run: texts::partitions },
    Target { name: "datasets", run: texts::datasets },
    Target { name: "ledger", run: texts::ledger },
];

/// The folder of a target's corpus: small valid inputs, and every input that failed once.
pub fn corpus_folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// A target's corpus, by file name.
pub fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = corpus_folder(target);
    let listed = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}
