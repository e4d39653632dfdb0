#![allow(dead_code)]
//! What tests of drafts share; each uses some of it.

use arrow::array::{ArrayRef, RecordBatch};
use clean::formats::draft::{Draft, draft};
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

pub fn tried(file: &str, bytes: impl AsRef<[u8]>) -> Result<Draft, String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(file);
    std::fs::write(&path, bytes).unwrap();
    draft("d", &path)
}

/// A draft that declares these lines, and reads so many rows.
pub fn drafted(file: &str, bytes: impl AsRef<[u8]>, clean: u64, rejected: u64, lines: &[&str]) -> Draft {
    let draft = tried(file, bytes).unwrap_or_else(|why| panic!("{file}: {why}"));
    for line in lines {
        assert!(draft.dataset_toml.contains(line), "{file}: {line} is not in\n{}", draft.dataset_toml);
    }
    let counts = (draft.tried.clean, draft.tried.rejected);
    assert_eq!(counts, (clean, rejected), "{file}: {:?}\n{}", draft.tried, draft.dataset_toml);
    draft
}

pub fn parquet_of<const N: usize>(columns: [(&str, ArrayRef); N]) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// The lines of a draft that declare or offer a key.
pub fn key(draft: &Draft) -> &str {
    draft.dataset_toml.lines().find(|line| line.trim_start_matches("# ").starts_with("key = ")).unwrap_or_default()
}

pub fn csv(head: &str, rows: u32, row: impl Fn(u32) -> String) -> String {
    head.to_owned() + &(0..rows).map(|at| row(at) + "\n").collect::<String>()
}

/// Whether a draft has such a note.
pub fn said(draft: &Draft, word: &str) -> bool {
    draft.notes.iter().any(|note| note.contains(word))
}
