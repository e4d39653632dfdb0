//! Hashes of files that were read before, so that a large one is not read whole again and again.
//!
//! A hash is good for as long as size, times and inode are those of the file that was hashed. Within a process this
//! holds for the files that are read whole or in ranges; across runs, hashes of large files are kept in a hidden file of the
//! ledger zone, for lists only: what is read, compared before a write, or verified is always hashed.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::super::{Compared, Object};
use super::files::{SETTLED_NANOSECONDS, State, describe_open, locked_temporary, modified, nanoseconds, open};

/// Smaller files are hashed in no time.
const LARGE: u64 = 8 * 1024 * 1024;
/// Files that are remembered at most.
const MOST: usize = 20_000;

/// The hashes that a store knows.
#[derive(Debug)]
pub struct Hashes {
    /// By device and inode, for this process only.
    ranges: Mutex<HashMap<(u64, u64), (State, String)>>,
    /// Where hashes of large files are kept across runs.
    memory: Option<PathBuf>,
}

/// Which hashes a list is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All; those of large files may be remembered ones.
    Any,
    /// All, from the bytes as they are now.
    Proven,
    /// Those of these keys; the others stay empty.
    Of(Compared),
}

/// Hashes of large files by key, and whether they differ from those that are kept.
#[derive(Debug, Default)]
pub struct Memory {
    known: BTreeMap<String, Remembered>,
    seen: BTreeMap<String, Remembered>,
}

/// A hash and the state of the file that it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    bytes: u64,
    modified: String,
    changed: String,
    device: u64,
    inode: u64,
    etag: String,
}

impl Remembered {
    fn new(state: &State, etag: &str) -> Self {
        Self {
            bytes: state.bytes,
            modified: state.modified.to_string(),
            changed: state.changed.to_string(),
            device: state.device,
            inode: state.inode,
            etag: etag.to_owned(),
        }
    }
}

impl Hashes {
    /// Hashes that are kept in the file `memory`, if there is one.
    pub fn new(memory: Option<PathBuf>) -> Self {
        Self { ranges: Mutex::default(), memory }
    }

    /// The ETag of a file that is read in ranges: it is hashed once per process, not once per range.
    pub fn of_range(&self, file: &mut File) -> io::Result<String> {
        let state = State::of(file)?;
        if let Some(etag) = self.in_process(&state) {
            return Ok(etag);
        }
        file.rewind()?;
        let (etag, _) = crate::hash::reader(&mut *file)?;
        self.note(state, &etag);
        Ok(etag)
    }

    fn in_process(&self, state: &State) -> Option<String> {
        let ranges = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, etag) = ranges.get(&(state.device, state.inode))?;
        (known == state).then(|| etag.clone())
    }

    /// Remembers the hash of a file for this process.
    pub fn note(&self, state: State, etag: &str) {
        let mut ranges = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        if ranges.len() >= MOST {
            ranges.clear();
        }
        ranges.insert((state.device, state.inode), (state, etag.to_owned()));
    }

    /// A file as a listed object; `None` if it is gone.
    pub fn describe(&self, key: &str, path: &Path, memory: &mut Memory, wanted: &Wanted) -> io::Result<Option<Object>> {
        let proven = *wanted == Wanted::Proven;
        let Some(mut file) = open(path)? else { return Ok(None) };
        let state = State::of(&file)?;
        if matches!(wanted, Wanted::Of(keys) if !keys.has(key)) {
            // What is known of it is good for the next list.
            let known = memory.known.get(key).filter(|known| **known == Remembered::new(&state, &known.etag)).cloned();
            memory.seen.extend(known.map(|known| (key.to_owned(), known)));
            let (etag, last_modified) = (String::new(), modified(&file.metadata()?)?);
            return Ok(Some(Object { key: key.to_owned(), bytes: state.bytes, etag, last_modified, version: None }));
        }
        let is_kept = self.memory.is_some() && state.bytes >= LARGE;
        if is_kept
            && !proven
            && let Some(known) = memory.known.get(key)
            && *known == Remembered::new(&state, &known.etag)
        {
            let (etag, last_modified) = (known.etag.clone(), modified(&file.metadata()?)?);
            memory.seen.insert(key.to_owned(), known.clone());
            return Ok(Some(Object { key: key.to_owned(), bytes: state.bytes, etag, last_modified, version: None }));
        }
        let begun = nanoseconds(SystemTime::now());
        let object = describe_open(key.to_owned(), &mut file)?;
        if State::of(&file)? == state {
            if proven {
                self.note(state, &object.etag);
            }
            if is_kept && begun - state.modified.max(state.changed) >= SETTLED_NANOSECONDS {
                memory.seen.insert(key.to_owned(), Remembered::new(&state, &object.etag));
            }
        }
        Ok(Some(object))
    }

    /// What is kept; nothing if that is missing or damaged.
    pub fn recall(&self) -> Memory {
        let read = |path: &PathBuf| {
            let text = fs::read_to_string(path).ok()?;
            let (hash, known) = text.split_once('\n')?;
            (crate::hash::bytes(known.as_bytes()) == hash).then(|| serde_json::from_str(known).ok()).flatten()
        };
        let known = self.memory.as_ref().and_then(read).unwrap_or_default();
        Memory { known, seen: BTreeMap::new() }
    }

    /// Keeps what was seen below a prefix, if that is new. To fail here only costs time.
    pub fn keep(&self, memory: Memory, prefix: &str) {
        let Memory { known, mut seen } = memory;
        let Some(path) = &self.memory else { return };
        let others = known.iter().filter(|(key, _)| !key.starts_with(prefix));
        let room = MOST.saturating_sub(seen.len());
        seen.extend(others.take(room).map(|(key, remembered)| (key.clone(), remembered.clone())));
        while seen.len() > MOST {
            seen.pop_last();
        }
        if seen == known {
            return;
        }
        if let Err(error) = save(path, &seen) {
            tracing::debug!(path = %path.display(), %error, "failed to keep the hashes of large files");
        }
    }
}

/// Writes beside the destination and renames, as objects are written. Makes no folder of its own.
fn save(path: &Path, seen: &BTreeMap<String, Remembered>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| folder.is_dir()).ok_or(io::ErrorKind::NotFound)?;
    let known = serde_json::to_string(seen)?;
    let mut temporary = locked_temporary(folder)?;
    write!(temporary, "{}\n{known}", crate::hash::bytes(known.as_bytes()))?;
    temporary.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A large file whose times are long past, and hashes that are kept beside it.
    fn large(folder: &Path) -> (PathBuf, Hashes) {
        let path = folder.join("large.bin");
        fs::write(&path, vec![7; usize::try_from(LARGE).unwrap()]).unwrap();
        (path, Hashes::new(Some(folder.join(".hashes"))))
    }

    fn settled(path: &Path) -> State {
        let state = State::of(&File::open(path).unwrap()).unwrap();
        State { modified: state.modified - 2 * SETTLED_NANOSECONDS, ..state }
    }

    #[test]
    fn a_list_that_needs_no_hash_forgets_none() {
        let folder = tempfile::tempdir().unwrap();
        let (path, hashes) = large(folder.path());
        let known = Remembered::new(&State::of(&File::open(&path).unwrap()).unwrap(), "known");
        for (known, kept) in [(known.clone(), true), (Remembered { bytes: 1, ..known }, false)] {
            let known = BTreeMap::from([("large.bin".to_owned(), known)]);
            let mut memory = Memory { known, seen: BTreeMap::new() };
            hashes.describe("large.bin", &path, &mut memory, &Wanted::Of(Compared::default())).unwrap().unwrap();
            assert_eq!(memory.seen.contains_key("large.bin"), kept);
        }
    }

    #[test]
    fn what_is_not_compared_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(&path, "a").unwrap();
        let listed = |keys: &[&str]| {
            let mut compared = Compared::default();
            keys.iter().for_each(|key| compared.add(key));
            let wanted = Wanted::Of(compared);
            let object = Hashes::new(None).describe("a.csv", &path, &mut Memory::default(), &wanted);
            object.unwrap().map(|object| (object.bytes, object.etag))
        };
        assert_eq!(listed(&["b.csv"]), Some((1, String::new())));
        assert_eq!(listed(&["a.csv"]), Some((1, crate::hash::bytes(b"a"))));
    }

    #[test]
    fn what_was_written_to_just_now_is_not_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let (path, hashes) = large(folder.path());
        let mut memory = hashes.recall();
        hashes.describe("large.bin", &path, &mut memory, &Wanted::Any).unwrap().unwrap();
        assert!(memory.seen.is_empty());
    }

    #[test]
    fn a_remembered_hash_is_for_one_state_and_never_for_a_proof() {
        let folder = tempfile::tempdir().unwrap();
        let (path, hashes) = large(folder.path());
        let state = State::of(&File::open(&path).unwrap()).unwrap();
        let known = BTreeMap::from([("large.bin".to_owned(), Remembered::new(&state, "remembered"))]);
        save(hashes.memory.as_ref().unwrap(), &known).unwrap();
        let etag = |proven| {
            let mut memory = hashes.recall();
            assert_eq!(memory.known.len(), 1);
            let wanted = if proven { Wanted::Proven } else { Wanted::Any };
            hashes.describe("large.bin", &path, &mut memory, &wanted).unwrap().unwrap().etag
        };
        assert_eq!(etag(false), "remembered");
        assert_ne!(etag(true), "remembered");

        let other = Remembered::new(&settled(&path), "remembered");
        save(hashes.memory.as_ref().unwrap(), &BTreeMap::from([("large.bin".to_owned(), other)])).unwrap();
        assert_ne!(etag(false), "remembered");
        let touched = SystemTime::now() + Duration::from_secs(60);
        File::options().write(true).open(&path).unwrap().set_modified(touched).unwrap();
        save(hashes.memory.as_ref().unwrap(), &known).unwrap();
        assert_ne!(etag(false), "remembered");
    }

    #[test]
    fn damaged_memory_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (path, hashes) = large(folder.path());
        let state = State::of(&File::open(&path).unwrap()).unwrap();
        let memory = hashes.memory.as_ref().unwrap();
        save(memory, &BTreeMap::from([("k".to_owned(), Remembered::new(&state, "e"))])).unwrap();
        assert_eq!(hashes.recall().known.len(), 1);
        let mut bytes = fs::read(memory).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(memory, bytes).unwrap();
        assert_eq!(hashes.recall().known.len(), 0);
    }

    #[test]
    fn what_is_gone_below_the_prefix_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let (path, hashes) = large(folder.path());
        let state = State::of(&File::open(&path).unwrap()).unwrap();
        let entry = |key: &str| (key.to_owned(), Remembered::new(&state, "e"));
        save(hashes.memory.as_ref().unwrap(), &BTreeMap::from([entry("a/x"), entry("b/x")])).unwrap();
        hashes.keep(hashes.recall(), "a/");
        assert_eq!(hashes.recall().known.into_keys().collect::<Vec<_>>(), ["b/x"]);
    }
}
