//! Single files: opened, described, hashed while they are read, and made under a temporary name.

use std::fs::{self, DirEntry, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, Utc};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::super::steps::{Step, done};
use super::super::{Body, Object};
use super::hashes::Hashes;
use super::walk::kind;

const FOLDER_TRIES: u32 = 100;
/// A file that was written to this short a time before it was looked at can be written to again without a new time.
const SETTLED_NANOSECONDS: i128 = 2_000_000_000;
const TEMPORARY_PREFIX: &str = ".tributary-";

/// What shows that a file was written to: any write changes one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    pub bytes: u64,
    /// Nanoseconds since 1970.
    pub modified: i128,
    pub device: u64,
    pub inode: u64,
    /// When bytes or metadata were changed last, in nanoseconds since 1970.
    pub changed: i128,
}

impl State {
    /// The state of an open file.
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(Self::of_metadata(&file.metadata()?))
    }

    /// The state that a file's metadata tell.
    pub fn of_metadata(metadata: &Metadata) -> Self {
        let modified = metadata.modified().map_or(0, nanoseconds);
        let (device, inode, changed) = identity(metadata);
        Self { bytes: metadata.len(), modified, device, inode, changed }
    }

    /// By what the file is known again in a list of `now`. One that was written to just before can be written to again
    /// without a new time: of it, nothing is known yet.
    pub fn in_list(&self, now: i128) -> super::super::State {
        match self.is_settled(now) {
            true => super::super::State::of_bytes(&self.to_bytes()),
            false => super::super::State::UNKNOWN,
        }
    }

    /// The same in fewer bytes, beside a key: a file of which nothing is known yet has none.
    pub fn settled(&self, now: i128) -> Option<u64> {
        self.is_settled(now).then(|| xxh3_64(&self.to_bytes()))
    }

    fn is_settled(&self, now: i128) -> bool {
        now - self.modified.max(self.changed) >= SETTLED_NANOSECONDS
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend(self.bytes.to_le_bytes());
        bytes.extend(self.modified.to_le_bytes());
        bytes.extend(self.changed.to_le_bytes());
        bytes.extend(self.device.to_le_bytes());
        bytes.extend(self.inode.to_le_bytes());
        bytes
    }
}

/// Nanoseconds since 1970.
pub fn nanoseconds(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => i128::try_from(before.duration().as_nanos()).map_or(i128::MIN, |nanoseconds| -nanoseconds),
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64, i128) {
    use std::os::unix::fs::MetadataExt;
    let changed = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
    (metadata.dev(), metadata.ino(), changed)
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64, i128) {
    (0, 0, 0)
}

/// When a file was written last. A time that no calendar has is an error of this file.
pub fn modified(metadata: &Metadata) -> io::Result<DateTime<Utc>> {
    instant(nanoseconds(metadata.modified()?))
}

fn instant(nanoseconds: i128) -> io::Result<DateTime<Utc>> {
    let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).ok();
    let rest = u32::try_from(nanoseconds.rem_euclid(1_000_000_000)).ok();
    let time = seconds.zip(rest).and_then(|(seconds, rest)| DateTime::from_timestamp(seconds, rest));
    time.filter(|time| (1..=9999).contains(&time.year())).ok_or_else(|| {
        let why = "its time of change is not of the years 1 to 9999: set another one (touch)";
        io::Error::other(why)
    })
}

/// A file that is hashed while it is read.
pub struct HashedFile {
    key: String,
    path: PathBuf,
    file: File,
    /// When it was opened.
    state: State,
    hash: Box<Xxh3>,
    /// Where the hash is noted.
    hashes: Arc<Hashes>,
}

impl HashedFile {
    /// A reading from the beginning.
    pub fn new(key: String, path: PathBuf, file: File, hashes: Arc<Hashes>) -> io::Result<Self> {
        let state = State::of(&file)?;
        Ok(Self { key, path, file, state, hash: Box::new(Xxh3::new()), hashes })
    }
}

impl Read for HashedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

impl Body for HashedFile {
    fn etag(&mut self) -> io::Result<String> {
        let now = open(&self.path).ok().flatten().and_then(|file| State::of(&file).ok());
        if now != Some(self.state) {
            let why = "the file was written to while it was read";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, why));
        }
        let etag = format!("{:032x}", self.hash.digest128());
        self.hashes.read_whole(&self.key, self.state, &etag);
        Ok(etag)
    }
}

/// A file that is hashed while it is written.
pub struct Hashing<'f> {
    file: &'f mut File,
    hash: Box<Xxh3>,
    bytes: u64,
}

impl<'f> Hashing<'f> {
    /// A writer of an empty file.
    pub fn new(file: &'f mut File) -> Self {
        Self { file, hash: Box::new(Xxh3::new()), bytes: 0 }
    }

    /// The hash of all bytes, and how many they were.
    pub fn finish(self) -> (String, u64) {
        (format!("{:032x}", self.hash.digest128()), self.bytes)
    }
}

impl Write for Hashing<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.file.write(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Temporary files have the mode of any new file (0666 without the umask), as what they become.
#[cfg(unix)]
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(TEMPORARY_PREFIX).permissions(mode).tempfile_in(folder)
}

#[cfg(not(unix))]
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempfile_in(folder)
}

/// A hidden file in `folder` that is locked for as long as it is open. A sweep may take it for a leftover and remove
/// it before the lock is ours; then there is another try.
pub fn locked_temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut tries = 0;
    // Most folders are there.
    let make = || match temporary_in(folder) {
        Err(error) if is_absent(&error) => {
            fs::create_dir_all(folder)?;
            temporary_in(folder)
        }
        made => made,
    };
    loop {
        // A writer that deletes the folder's last object also removes the folder, perhaps in between.
        let temporary = match make() {
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists)
                    && tries < FOLDER_TRIES =>
            {
                tries += 1;
                continue;
            }
            temporary => temporary?,
        };
        temporary.as_file().lock()?;
        if temporary.path().try_exists()? {
            return Ok(temporary);
        }
    }
}

/// How long a folder's lock is waited for. It is held while one file is hashed at most.
const LOCK_WAIT: Duration = Duration::from_secs(120);
/// How often it is tried.
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// Waits for a lock, but not for ever: a process that was stopped may hold it.
fn wait_for_lock(path: &Path, mut try_lock: impl FnMut() -> Result<(), TryLockError>) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_WAIT => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {
                let why = format!(
                    "another process has held {} for {} seconds: is one stopped?",
                    path.display(),
                    LOCK_WAIT.as_secs()
                );
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
        }
    }
}

/// Reads the entries of a folder while nothing is renamed into it: some file systems leave out an entry that is replaced
/// meanwhile.
pub fn entries_of(folder: &Path) -> io::Result<Vec<DirEntry>> {
    let guard = File::open(folder)?;
    // A file system without locks has no writers that wait for each other either.
    let locked = wait_for_lock(folder, || guard.try_lock_shared());
    if let Err(error) = locked
        && error.kind() == io::ErrorKind::TimedOut
    {
        return Err(error);
    }
    fs::read_dir(folder)?.collect()
}

/// Locks the folder that has this path, and not one that was removed while its lock was waited for.
pub fn lock_folder(folder: &Path) -> io::Result<File> {
    loop {
        let guard = File::open(folder)?;
        wait_for_lock(folder, || guard.try_lock())?;
        let ((device, inode, ..), (device_now, inode_now, ..)) =
            (identity(&guard.metadata()?), identity(&fs::metadata(folder)?));
        if (device, inode) == (device_now, inode_now) {
            return Ok(guard);
        }
    }
}

/// Whether a temporary file is one that no writer locks; removes it then if asked to, while the lock is ours. One that
/// vanishes meanwhile was renamed into place, or removed by another sweep.
pub fn take_abandoned(path: &Path, remove: bool) -> io::Result<bool> {
    let Some(file) = open(path)? else { return Ok(false) };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    if !remove {
        return path.try_exists();
    }
    match fs::remove_file(path) {
        Err(error) if is_absent(&error) => Ok(false),
        removed => {
            removed?;
            done(Step::Swept, path);
            Ok(true)
        }
    }
}

/// Whether a name is that of a file that is being written.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY_PREFIX)
}

/// Nothing is there, or what should be a folder is an object, or no file can have such a name.
pub fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename)
}

/// Opens a file for reading; `None` if there is none. What is no file (a named pipe, a device) is an error, and never
/// waited for.
pub fn open(path: &Path) -> io::Result<Option<File>> {
    // Opening some devices has effects: looked at first.
    let is_file = |metadata: &Metadata| match kind(metadata) {
        _ if metadata.is_dir() => Ok(false),
        None => Ok(true),
        Some(kind) => Err(io::Error::other(format!("it is {kind}, not a file"))),
    };
    let looked_at = match fs::metadata(path) {
        Err(error) if is_absent(&error) => return Ok(None),
        metadata => metadata?,
    };
    if !is_file(&looked_at)? {
        return Ok(None);
    }
    match read_only().open(path) {
        Err(error) if is_absent(&error) => Ok(None),
        Ok(file) if !is_file(&file.metadata()?)? => Ok(None),
        other => other.map(Some),
    }
}

/// Does not wait for a writer, should the file have become a named pipe.
#[cfg(unix)]
fn read_only() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    options
}

#[cfg(not(unix))]
fn read_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

/// A file as an object, read whole; `None` if there is none.
pub fn describe(key: String, path: &Path) -> io::Result<Option<Object>> {
    open(path)?.map(|mut file| describe_open(key, &mut file)).transpose()
}

/// An open file as an object, read whole.
pub fn describe_open(key: String, file: &mut File) -> io::Result<Object> {
    file.rewind()?;
    let (etag, bytes) = crate::hash::reader(&mut *file)?;
    let last_modified = modified(&file.metadata()?)?;
    Ok(Object { key, bytes, etag, last_modified, version: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_no_calendar_has_are_errors() {
        const YEAR: i128 = 31_556_952 * 1_000_000_000;
        for years in [-1968, 0, 56, 8028] {
            assert!(instant(years * YEAR).is_ok(), "{years} years after 1970");
        }
        for nanoseconds in [-1972 * YEAR, 8031 * YEAR, 298_000 * YEAR, i128::MIN, i128::MAX] {
            assert!(instant(nanoseconds).is_err(), "{nanoseconds}");
        }
        let before = UNIX_EPOCH - std::time::Duration::from_nanos(1);
        assert_eq!(instant(nanoseconds(before)).unwrap().timestamp_subsec_nanos(), 999_999_999);
    }
}
