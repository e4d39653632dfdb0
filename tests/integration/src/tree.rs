//! A folder's files, to be compared with another's.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

/// Relative path to bytes and time of the last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, (Vec<u8>, SystemTime)>);

impl Tree {
    /// All files below a folder, hidden ones included, but snapshots of the ledger: these are known again by the times and
    /// inodes of a lake's own files.
    pub fn of(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.expect("a folder's entry").path();
                if path.ends_with("ledger/snapshot") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(root).expect("a file below the root").display().to_string();
                    let changed = path.metadata().and_then(|meta| meta.modified()).expect("a file's time");
                    files.insert(name, (std::fs::read(&path).expect("a file"), changed));
                }
            }
        }
        Self(files)
    }

    /// The files whose path begins with one of the prefixes.
    #[must_use]
    pub fn below(&self, prefixes: &[&str]) -> Self {
        let within = |name: &String| prefixes.iter().any(|prefix| name.starts_with(prefix));
        Self(self.0.iter().filter(|(name, _)| within(name)).map(|(name, file)| (name.clone(), file.clone())).collect())
    }

    /// The files' paths.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// A file's bytes.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(|(bytes, _)| bytes.as_slice())
    }

    /// The same files with other bytes.
    #[must_use]
    pub fn map_bytes(&self, change: impl Fn(&str, &[u8]) -> Vec<u8>) -> Self {
        let changed =
            |(name, (bytes, time)): (&String, &(Vec<u8>, SystemTime))| (name.clone(), (change(name, bytes), *time));
        Self(self.0.iter().map(changed).collect())
    }

    /// The paths whose bytes differ, or that are on one side only.
    pub fn differences(&self, other: &Tree) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let differs = |name: &&&String| self.bytes(name) != other.bytes(name);
        names.iter().filter(differs).map(|name| (**name).clone()).collect()
    }

    /// The paths that were written since, whether their bytes differ or not.
    pub fn written_since(&self, earlier: &Tree) -> Vec<String> {
        self.0.iter().filter(|(name, file)| earlier.0.get(*name) != Some(file)).map(|(name, _)| name.clone()).collect()
    }
}

/// Copies a folder with the times of its files: the time of an object is part of what is made of it.
pub fn copy_with_times(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a copy");
    for entry in std::fs::read_dir(from).expect("a copy") {
        let (path, target) = (entry.as_ref().expect("a copy").path(), to.join(entry.expect("a copy").file_name()));
        if path.is_dir() {
            copy_with_times(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a copy");
            let modified = path.metadata().expect("a copy").modified().expect("a copy");
            std::fs::File::options().write(true).open(&target).expect("a copy").set_modified(modified).expect("a copy");
        }
    }
}
