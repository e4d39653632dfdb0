//! Hashes of files that were read before, so that they are not read whole again and again.
//!
//! A hash is good for as long as size, times and inode are those of the file that was hashed. Within a process this
//! holds for the files that are read whole or in ranges; across runs, hashes are kept in hidden files of the ledger zone, one
//! for each zone and dataset, for lists only: what is read, compared before a write, or verified is always hashed. Bytes that
//! were written through a mapping may leave size, times and inode as they were: once such a file is read whole, its hash is
//! remembered in place of the other one.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::super::{Known, Object};
use super::files::{State, describe_open, locked_temporary, modified, nanoseconds, open};
use super::walk::Place;

/// Of fewer files, smaller ones are hashed in no time.
const LARGE: u64 = 8 * 1024 * 1024;
/// So many files are few.
const FEW: usize = 1_000;
/// Files that are remembered at most of one dataset in one zone.
const MOST: usize = 4_000_000;
/// Files that are remembered at most within a process.
const MOST_IN_PROCESS: usize = 20_000;
/// Begins a file of hashes, before the hash of what follows.
const MAGIC: &[u8; 24] = b"tributary file hashes 1\n";

/// The hashes that a store knows.
#[derive(Debug)]
pub struct Hashes {
    /// By device and inode, for this process only.
    ranges: Mutex<HashMap<(u64, u64), (State, String)>>,
    /// What the files begin with in which hashes are kept across runs.
    memory: Option<PathBuf>,
    /// One at a time corrects what is kept.
    correcting: Mutex<()>,
}

/// Which hashes a list is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All; those of files that nothing was written to since may be remembered ones.
    Any,
    /// All, from the bytes as they are now.
    Proven,
    /// Those of these keys; the others may stay empty.
    Of(Known),
}

/// A file's hash, and the state that it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Remembered {
    /// The hash of its key.
    key: u64,
    /// Of the file's size, times and inode.
    state: u64,
    etag: u128,
}

impl Remembered {
    const BYTES: usize = 32;

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (numbers, etag) = bytes.split_at_mut(16);
        let (key, state) = numbers.split_at_mut(8);
        key.copy_from_slice(&self.key.to_le_bytes());
        state.copy_from_slice(&self.state.to_le_bytes());
        etag.copy_from_slice(&self.etag.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, etag) = bytes.split_at_checked(16)?;
        let (key, state) = numbers.split_at_checked(8)?;
        Some(Self {
            key: u64::from_le_bytes(key.try_into().ok()?),
            state: u64::from_le_bytes(state.try_into().ok()?),
            etag: u128::from_le_bytes(etag.try_into().ok()?),
        })
    }
}

/// What is remembered of the files below a prefix, and what a list finds of them.
#[derive(Debug, Default)]
pub struct Memory {
    /// Where it is kept.
    path: Option<PathBuf>,
    /// When the list began, in nanoseconds since 1970.
    now: i128,
    /// By key.
    known: Vec<Remembered>,
    /// Which of these are as they were.
    seen: Vec<bool>,
    /// What was hashed of large files, and of small ones.
    large: Vec<Remembered>,
    small: Vec<Remembered>,
    /// How many files there are.
    files: usize,
}

impl Memory {
    /// What is remembered of a file in this state.
    fn recall(&mut self, key: u64, state: u64) -> Option<u128> {
        let at = self.known.binary_search_by_key(&key, |known| known.key).ok()?;
        let known = self.known.get(at).filter(|known| known.state == state)?;
        *self.seen.get_mut(at)? = true;
        Some(known.etag)
    }
}

impl Hashes {
    /// Hashes that are kept in files whose names begin with `memory`, if there is one.
    pub fn new(memory: Option<PathBuf>) -> Self {
        Self { ranges: Mutex::default(), memory, correcting: Mutex::default() }
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
        if ranges.len() >= MOST_IN_PROCESS {
            ranges.clear();
        }
        ranges.insert((state.device, state.inode), (state, etag.to_owned()));
    }

    /// Notes the hash of a file that was read whole, and corrects what is remembered of it.
    pub fn read_whole(&self, key: &str, state: State, etag: &str) {
        self.note(state, etag);
        if let (Some(settled), Ok(etag)) =
            (state.settled(nanoseconds(SystemTime::now())), u128::from_str_radix(etag, 16))
        {
            self.correct(Remembered { key: xxh3_64(key.as_bytes()), state: settled, etag }, key);
        }
    }

    /// Replaces the hash that is remembered of a file in the same state, if it is another one. To fail here only costs time.
    fn correct(&self, proven: Remembered, key: &str) {
        let Some(path) = self.path(key) else { return };
        let is_wrong = |known: &Remembered| known.state == proven.state && known.etag != proven.etag;
        if !find(&path, proven.key).is_some_and(|known| is_wrong(&known)) {
            return;
        }
        let _alone = self.correcting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut all) = load(&path) else { return };
        all.iter_mut().filter(|known| known.key == proven.key && is_wrong(known)).for_each(|known| *known = proven);
        if let Err(error) = save(&path, all) {
            tracing::debug!(path = %path.display(), %error, "failed to keep the hashes of files");
        }
    }

    /// Where the hashes of a dataset are kept, by a key or prefix in it. Of all datasets together nothing is kept.
    fn path(&self, key: &str) -> Option<PathBuf> {
        let (dataset, _) = key.split_once('/')?;
        let mut path = self.memory.clone()?.into_os_string();
        path.push(format!("-{dataset}"));
        Some(PathBuf::from(path))
    }

    /// A file as a listed object; `None` if it is gone.
    pub fn describe(&self, place: &Place, memory: &mut Memory, wanted: &Wanted) -> io::Result<Option<Object>> {
        let Some(metadata) = place.metadata()? else { return Ok(None) };
        let state = State::of_metadata(&metadata);
        memory.files += 1;
        let key = place.key.as_str();
        let name = xxh3_64(key.as_bytes());
        let settled = state.settled(memory.now);
        let listed = |etag: String, metadata: &Metadata| {
            let (key, last_modified) = (key.to_owned(), modified(metadata)?);
            Ok(Some(Object { key, bytes: metadata.len(), etag, last_modified, version: None }))
        };
        if *wanted != Wanted::Proven
            && let Some(settled) = settled
            && let Some(etag) = memory.recall(name, settled)
        {
            return listed(format!("{etag:032x}"), &metadata);
        }
        if matches!(wanted, Wanted::Of(keys) if !keys.has(key)) {
            return listed(String::new(), &metadata);
        }
        let Some(mut file) = open(&place.path())? else { return Ok(None) };
        let before = State::of(&file)?;
        let now = nanoseconds(SystemTime::now());
        let object = describe_open(key.to_owned(), &mut file)?;
        if State::of(&file)? == before {
            if *wanted == Wanted::Proven {
                self.note(before, &object.etag);
            }
            if let (Some(state), Ok(etag)) = (before.settled(now), u128::from_str_radix(&object.etag, 16)) {
                let new = if before.bytes >= LARGE { &mut memory.large } else { &mut memory.small };
                new.push(Remembered { key: name, state, etag });
            }
        }
        Ok(Some(object))
    }

    /// What is kept of the files below a prefix; nothing if that is missing or damaged.
    pub fn recall(&self, prefix: &str) -> Memory {
        let path = self.path(prefix);
        let known = path.as_deref().and_then(load).unwrap_or_default();
        let seen = vec![false; known.len()];
        Memory { path, now: nanoseconds(SystemTime::now()), known, seen, ..Memory::default() }
    }

    /// Keeps what was seen below a prefix, if that is new. To fail here only costs time.
    pub fn keep(&self, memory: Memory, prefix: &str) {
        let Memory { path: Some(path), known, seen, large: mut new, small, files, .. } = memory else { return };
        let is_whole = prefix.split_once('/').is_some_and(|(_, rest)| rest.is_empty());
        if files >= FEW {
            new.extend(small);
        }
        let is_kept = |at: usize| !is_whole || seen.get(at) == Some(&true);
        if new.is_empty() && (0..known.len()).all(is_kept) {
            return;
        }
        new.sort_by_key(|remembered| remembered.key);
        let known = known.into_iter().enumerate().filter(|(at, _)| is_kept(*at)).map(|(_, known)| known);
        if let Err(error) = save(&path, merged(new.into_iter(), known).take(MOST)) {
            tracing::debug!(path = %path.display(), %error, "failed to keep the hashes of files");
        }
    }
}

/// What stands before the records: what begins the file, and their hash.
const HEAD: u64 = MAGIC.len() as u64 + 16;

/// A file of hashes behind its first words, and how many records it has by its size. Anything else of that name (a named
/// pipe, or a file that is longer than any that was written) is none, and is not read.
fn open_records(path: &Path) -> Option<(File, u64)> {
    let mut file = open(path).ok()??;
    let bytes = file.metadata().ok()?.len().checked_sub(HEAD)?;
    let count = bytes / Remembered::BYTES as u64;
    let mut magic = [0; MAGIC.len()];
    let is_whole = bytes % Remembered::BYTES as u64 == 0 && count <= MOST as u64;
    (is_whole && file.read_exact(&mut magic).is_ok() && magic == *MAGIC).then_some((file, count))
}

fn load(path: &Path) -> Option<Vec<Remembered>> {
    let (file, count) = open_records(path)?;
    let mut file = BufReader::new(file);
    let mut expected = [0; 16];
    file.read_exact(&mut expected).ok()?;
    let mut all = Vec::with_capacity(usize::try_from(count).ok()?);
    let (mut hash, mut bytes) = (Xxh3::new(), [0; Remembered::BYTES]);
    for _ in 0..count {
        file.read_exact(&mut bytes).ok()?;
        hash.update(&bytes);
        all.push(Remembered::from_bytes(&bytes)?);
    }
    (expected == hash.digest128().to_le_bytes()).then_some(all)
}

/// The record of a key, found in the file: they stand in the order of keys.
fn find(path: &Path, key: u64) -> Option<Remembered> {
    let (mut file, count) = open_records(path)?;
    let (mut from, mut to) = (0, count);
    while from < to {
        let middle = from + (to - from) / 2;
        let mut bytes = [0; Remembered::BYTES];
        file.seek(SeekFrom::Start(HEAD + middle * Remembered::BYTES as u64)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        let record = Remembered::from_bytes(&bytes)?;
        match record.key.cmp(&key) {
            Ordering::Less => from = middle + 1,
            Ordering::Greater => to = middle,
            Ordering::Equal => return Some(record),
        }
    }
    None
}

/// Both in the order of keys, as each of them is. Of one key, the first of `new` stays.
fn merged(
    new: impl Iterator<Item = Remembered>,
    known: impl Iterator<Item = Remembered>,
) -> impl Iterator<Item = Remembered> {
    let (mut new, mut known) = (new.peekable(), known.peekable());
    let mut last = None;
    std::iter::from_fn(move || {
        loop {
            let is_known = |known: &Remembered| new.peek().is_none_or(|new| known.key < new.key);
            let next = known.next_if(is_known).or_else(|| new.next())?;
            if last.replace(next.key) != Some(next.key) {
                return Some(next);
            }
        }
    })
}

/// Writes beside the destination and renames, as objects are written. Makes no folder of its own.
fn save(path: &Path, all: impl IntoIterator<Item = Remembered>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| folder.is_dir()).ok_or(io::ErrorKind::NotFound)?;
    let mut all = all.into_iter().peekable();
    if all.peek().is_none() {
        return fs::remove_file(path);
    }
    let mut temporary = locked_temporary(folder)?;
    let mut file = BufWriter::new(temporary.as_file_mut());
    file.write_all(MAGIC)?;
    file.write_all(&[0; 16])?;
    let mut hash = Xxh3::new();
    for remembered in all {
        let bytes = remembered.to_bytes();
        hash.update(&bytes);
        file.write_all(&bytes)?;
    }
    file.seek(SeekFrom::Start(MAGIC.len() as u64))?;
    file.write_all(&hash.digest128().to_le_bytes())?;
    file.flush()?;
    drop(file);
    temporary.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::Keys;
    use super::*;

    const KEY: &str = "d/large.bin";

    /// A folder with a large file that was written long ago, and one beside it where hashes are kept.
    struct Lake {
        root: tempfile::TempDir,
        kept: tempfile::TempDir,
    }

    impl Lake {
        fn new() -> Self {
            let lake = Self { root: tempfile::tempdir().unwrap(), kept: tempfile::tempdir().unwrap() };
            fs::create_dir(lake.root.path().join("d")).unwrap();
            fs::write(lake.path(), vec![7; usize::try_from(LARGE).unwrap()]).unwrap();
            lake
        }

        fn path(&self) -> PathBuf {
            self.root.path().join(KEY)
        }

        fn hashes(&self) -> Hashes {
            Hashes::new(Some(self.kept.path().join(".hashes")))
        }

        fn memory(&self) -> PathBuf {
            self.kept.path().join(".hashes-d")
        }

        /// As if the file had been settled when the list began.
        fn recall(&self) -> Memory {
            let mut memory = self.hashes().recall("d/");
            memory.now += 3_600_000_000_000;
            memory
        }

        fn state(&self) -> u64 {
            State::of(&File::open(self.path()).unwrap()).unwrap().settled(self.recall().now).unwrap()
        }

        fn remember(&self, key: &str, state: u64, etag: u128) {
            save(&self.memory(), [Remembered { key: xxh3_64(key.as_bytes()), state, etag }]).unwrap();
        }

        fn listed(&self, memory: &mut Memory, wanted: &Wanted) -> Object {
            let path = self.path();
            self.hashes().describe(&Place::at(KEY, &path), memory, wanted).unwrap().unwrap()
        }
    }

    fn hash_of(number: u128) -> String {
        format!("{number:032x}")
    }

    #[test]
    fn a_list_that_needs_no_hash_forgets_none() {
        let lake = Lake::new();
        for (state, is_kept) in [(lake.state(), true), (1, false)] {
            lake.remember(KEY, state, 5);
            let mut memory = lake.recall();
            lake.listed(&mut memory, &Wanted::Of(Known::default()));
            assert_eq!(memory.seen, [is_kept]);
            lake.hashes().keep(memory, "d/");
            assert_eq!(lake.recall().known.len(), usize::from(is_kept));
        }
    }

    #[test]
    fn what_is_not_compared_is_not_read() {
        let lake = Lake::new();
        let list = |key: &str| {
            let mut compared = Keys::default();
            compared.add(key);
            lake.listed(&mut lake.recall(), &Wanted::Of(compared.known()))
        };
        let other = list("d/b.csv");
        assert_eq!((other.bytes, other.etag), (LARGE, String::new()));
        assert_eq!(list(KEY).etag.len(), 32);
    }

    #[test]
    fn what_is_kept_is_in_order_and_once_as_it_was_hashed_last() {
        let all = |keys: &[u64], etag| keys.iter().map(move |key| Remembered { key: *key, state: 0, etag }).collect();
        let (new, known): (Vec<_>, Vec<_>) = (all(&[2, 4, 4, 9], 2), all(&[1, 2, 3, 9, 11], 1));
        let merged: Vec<_> = merged(new.into_iter(), known.into_iter()).map(|one| (one.key, one.etag)).collect();
        assert_eq!(merged, [(1, 1), (2, 2), (3, 1), (4, 2), (9, 2), (11, 1)]);
    }

    #[test]
    fn what_was_written_to_just_now_is_not_remembered() {
        let lake = Lake::new();
        let mut memory = lake.hashes().recall("d/");
        lake.listed(&mut memory, &Wanted::Any);
        assert_eq!((memory.large, memory.small), (vec![], vec![]));
    }

    #[test]
    fn a_remembered_hash_is_for_one_state_and_never_for_a_proof() {
        let lake = Lake::new();
        lake.remember(KEY, lake.state(), 5);
        let etag = |wanted: Wanted| {
            let mut memory = lake.recall();
            assert_eq!(memory.known.len(), 1);
            lake.listed(&mut memory, &wanted).etag
        };
        assert_eq!(etag(Wanted::Any), hash_of(5));
        assert_ne!(etag(Wanted::Proven), hash_of(5));
        lake.remember(KEY, lake.state() + 1, 5);
        assert_ne!(etag(Wanted::Any), hash_of(5));
        lake.remember(KEY, lake.state(), 5);
        let touched = SystemTime::now() - Duration::from_secs(60);
        File::options().write(true).open(lake.path()).unwrap().set_modified(touched).unwrap();
        assert_ne!(etag(Wanted::Any), hash_of(5));
    }

    #[test]
    fn hashes_are_kept_until_a_file_is_gone_or_another() {
        let lake = Lake::new();
        let keep = |prefix: &str, files: usize, new: &[(u64, u128, bool)]| {
            let mut memory = lake.recall();
            memory.files = files;
            for (key, etag, is_large) in new {
                let new = if *is_large { &mut memory.large } else { &mut memory.small };
                new.push(Remembered { key: *key, state: 1, etag: *etag });
            }
            lake.hashes().keep(memory, prefix);
            lake.recall().known.iter().map(|known| (known.key, known.etag)).collect::<Vec<_>>()
        };
        assert_eq!(keep("d/", FEW - 1, &[(1, 1, false), (2, 2, true)]), [(2, 2)], "of few files the large ones");
        assert_eq!(keep("d/part/", FEW - 1, &[(1, 1, false)]), [(2, 2)]);
        assert_eq!(keep("d/part/", FEW, &[(1, 1, false), (2, 3, true)]), [(1, 1), (2, 3)], "the newer one");
        assert_eq!(keep("d/", FEW, &[(3, 3, false)]), [(3, 3)], "what was not seen is gone");
        assert_eq!(keep("d/", FEW, &[]), []);
        assert!(!lake.memory().exists());
        lake.hashes().keep(lake.hashes().recall(""), "");
    }

    #[test]
    fn a_file_that_was_read_whole_corrects_what_is_remembered_of_it() {
        let lake = Lake::new();
        let others = (0..100_u64).map(|number| Remembered { key: number << 57, state: number, etag: 1 });
        let own = |etag| Remembered { key: xxh3_64(KEY.as_bytes()), state: lake.state(), etag };
        let remembered = |etag| {
            let mut all: Vec<Remembered> = others.clone().chain([own(etag)]).collect();
            all.sort_by_key(|known| known.key);
            all
        };
        save(&lake.memory(), remembered(5)).unwrap();
        let proven = Remembered { etag: 6, ..own(5) };
        lake.hashes().correct(Remembered { state: 1, ..proven }, KEY);
        assert_eq!(lake.recall().known, remembered(5), "it is of another state");
        lake.hashes().correct(proven, KEY);
        assert_eq!(lake.recall().known, remembered(6));
        assert_eq!(lake.listed(&mut lake.recall(), &Wanted::Any).etag, hash_of(6));
        lake.hashes().correct(Remembered { key: 77, ..proven }, KEY);
        assert_eq!(lake.recall().known, remembered(6));
        for known in remembered(6) {
            assert_eq!(find(&lake.memory(), known.key), Some(known));
        }
        fs::remove_file(lake.memory()).unwrap();
        lake.hashes().correct(proven, KEY);
        assert!(!lake.memory().exists());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_of_hashes_is_not_read_and_gives_way() {
        let lake = Lake::new();
        let known = Remembered { key: 1, state: 1, etag: 1 };
        let is_passed_over = || {
            assert_eq!((lake.recall().known, find(&lake.memory(), 1)), (vec![], None));
            save(&lake.memory(), [known]).unwrap();
            assert_eq!((lake.recall().known, find(&lake.memory(), 1)), (vec![known], Some(known)));
        };
        assert!(std::process::Command::new("mkfifo").arg(lake.memory()).status().unwrap().success());
        is_passed_over();
        // Longer than any, without a byte on the disk behind those that begin such a file.
        let file = File::options().write(true).open(lake.memory()).unwrap();
        file.set_len(HEAD + 32 * (MOST as u64 + 1)).unwrap();
        assert!(open_records(&lake.memory()).is_none());
        is_passed_over();
    }

    #[test]
    fn damaged_memory_is_none() {
        let lake = Lake::new();
        lake.remember(KEY, 1, 1);
        let bytes = fs::read(lake.memory()).unwrap();
        assert_eq!(lake.recall().known.len(), 1);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            fs::write(lake.memory(), flipped).unwrap();
            assert_eq!(lake.recall().known.len(), 0, "byte {at}");
        }
        fs::write(lake.memory(), &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(lake.recall().known.len(), 0);
    }
}
