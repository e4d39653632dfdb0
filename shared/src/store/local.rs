//! A local folder as an object store.
//!
//! A write goes to a hidden file beside its destination and is renamed into place, so that a killed process leaves
//! at most a hidden file. The writer holds a lock on that file; a hidden file that nobody holds is a leftover.
//! Conditional writes are serialised by a lock on the destination's folder.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use super::steps::{Step, done};
use super::{Backend, Body, Condition, Failure, Object, Reading, Result, StoreError};

const FOLDER_TRIES: u32 = 100;
const TEMPORARY_PREFIX: &str = ".tributary-";

/// A zone in a local folder.
#[derive(Debug, Clone)]
pub struct LocalStore {
    root: PathBuf,
    /// Shared by all clones.
    known: Arc<KnownHashes>,
}

impl LocalStore {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), known: Arc::default() }
    }

    fn is_another(&self, action: &'static str, key: &str) -> StoreError {
        let why = "another writer was first".to_owned();
        StoreError { failure: Failure::Condition, action, url: self.url(key), why }
    }

    fn path(&self, action: &'static str, key: &str) -> Result<PathBuf> {
        let inside = !key.is_empty() && key.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if inside {
            return Ok(self.root.join(key));
        }
        let why = "a key in a local lake may have no empty, `.` or `..` part".to_owned();
        Err(StoreError { failure: Failure::Other, action, url: self.url(key), why })
    }

    /// Runs file work off the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        action: &'static str,
        key: &str,
        work: impl FnOnce(PathBuf) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let path = self.path(action, key)?;
        let url = self.url(key);
        match tokio::task::spawn_blocking(move || work(path)).await {
            Ok(result) => result.map_err(|error| failure(action, url, &error)),
            Err(join) => Err(StoreError { failure: Failure::Other, action, url, why: join.to_string() }),
        }
    }

    async fn whole_folder<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let url = self.root.display().to_string();
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result.map_err(|error| failure(action, url, &error)),
            Err(join) => Err(StoreError { failure: Failure::Other, action, url, why: join.to_string() }),
        }
    }

    async fn write(
        &self,
        key: &str,
        condition: Condition,
        fill: impl FnOnce(&mut File) -> io::Result<u64> + Send + 'static,
    ) -> Result<Object> {
        let name = key.to_owned();
        let written = self
            .blocking("write", key, move |path| {
                let folder = path.parent().map(Path::to_owned).unwrap_or_default();
                let mut temporary = locked_temporary(&folder)?;
                done(Step::Opened, &path);
                fill(temporary.as_file_mut())?;
                temporary.as_file().sync_data()?;
                done(Step::Filled, &path);
                let mut object = describe_open(name, temporary.as_file_mut())?;

                // The temporary file keeps the folder there.
                let _guard = lock_folder(&folder)?;
                if !holds(&condition, &path)? {
                    return Ok(None);
                }
                set_readable(temporary.as_file())?;
                let file = temporary.persist(&path).map_err(|error| error.error)?;
                done(Step::Renamed, &path);
                object.last_modified = file.metadata()?.modified()?.into();
                Ok(Some(object))
            })
            .await?;
        written.ok_or_else(|| self.is_another("write", key))
    }
}

#[async_trait]
impl Backend for LocalStore {
    fn url(&self, key: &str) -> String {
        self.root.join(key).display().to_string()
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        // Such a prefix would lead out of the folder; no key has one.
        if prefix.split('/').rev().skip(1).any(|part| part.is_empty() || part == "." || part == "..") {
            return Ok(Vec::new());
        }
        let root = self.root.clone();
        let prefix_owned = prefix.to_owned();
        let work = move || {
            let mut objects = Vec::new();
            walk(&root, &prefix_owned, &mut |key, path| {
                if !is_hidden(path) {
                    objects.extend(describe(key, path)?);
                }
                Ok(())
            })?;
            objects.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(objects)
        };
        self.whole_folder("list", work).await
    }

    async fn head(&self, key: &str) -> Result<Option<Object>> {
        let name = key.to_owned();
        self.blocking("look at", key, move |path| describe(name, &path)).await
    }

    async fn get(&self, key: &str) -> Result<Option<(Object, Bytes)>> {
        let name = key.to_owned();
        self.blocking("read", key, move |path| {
            let Some(mut file) = open(&path)? else {
                return Ok(None);
            };
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let etag = crate::hash::bytes(&bytes);
            let object = Object {
                key: name,
                bytes: bytes.len() as u64,
                etag,
                last_modified: file.metadata()?.modified()?.into(),
                version: None,
            };
            Ok(Some((object, Bytes::from(bytes))))
        })
        .await
    }

    async fn get_range(&self, key: &str, etag: &str, range: Range<u64>) -> Result<Bytes> {
        let (etag, known) = (etag.to_owned(), Arc::clone(&self.known));
        let read = self.blocking("read", key, move |path| {
            let mut file = File::open(path)?;
            if known.etag(&mut file)? != etag {
                return Ok(None);
            }
            file.seek(SeekFrom::Start(range.start))?;
            let mut bytes = Vec::new();
            file.take(range.end.saturating_sub(range.start)).read_to_end(&mut bytes)?;
            Ok(Some(Bytes::from(bytes)))
        });
        read.await?.ok_or_else(|| StoreError {
            failure: Failure::Changed,
            action: "read",
            url: self.url(key),
            why: "its bytes are not those that were written".to_owned(),
        })
    }

    async fn read(&self, key: &str) -> Result<Option<Reading>> {
        let name = key.to_owned();
        self.blocking("read", key, move |path| {
            let Some(file) = open(&path)? else {
                return Ok(None);
            };
            let state = State::of(&file)?;
            let last_modified = file.metadata()?.modified()?.into();
            let object = Object { key: name, bytes: state.bytes, etag: String::new(), last_modified, version: None };
            Ok(Some(Reading::new(object, HashedFile { path, file, state, hash: Box::new(Xxh3::new()) })))
        })
        .await
    }

    async fn put(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<Object> {
        self.write(key, condition, move |file| io::copy(&mut &*bytes, file)).await
    }

    async fn put_file(&self, key: &str, mut source: File, condition: Condition) -> Result<Object> {
        self.write(key, condition, move |file| {
            source.rewind()?;
            io::copy(&mut source, file)
        })
        .await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        let root = self.root.clone();
        let deleted = self.blocking("delete", key, move |path| {
            let folder = path.parent().map(Path::to_owned).unwrap_or_default();
            // Writers with a condition hold this lock while they look and rename.
            let _guard = match lock_folder(&folder) {
                Err(error) if is_absent(&error) => return Ok(true),
                guard => guard?,
            };
            if let Condition::Unchanged(etag) = &condition
                && describe(String::new(), &path)?.is_some_and(|there| there.etag != *etag)
            {
                return Ok(false);
            }
            done(Step::Doomed, &path);
            match fs::remove_file(&path) {
                Err(error) if is_absent(&error) => return Ok(true),
                other => other?,
            }
            done(Step::Deleted, &path);
            // Folders exist only for their objects; a folder that still has some refuses to go.
            let mut folder = path.parent();
            while let Some(parent) = folder.filter(|parent| parent.starts_with(&root) && *parent != root) {
                if fs::remove_dir(parent).is_err() {
                    break;
                }
                folder = parent.parent();
            }
            Ok(true)
        });
        if deleted.await? { Ok(()) } else { Err(self.is_another("delete", key)) }
    }

    async fn root_is_there(&self) -> Result<bool> {
        let root = self.root.clone();
        self.whole_folder("look at", move || Ok(root.is_dir())).await
    }

    async fn leftovers(&self, remove: bool) -> Result<Vec<String>> {
        let root = self.root.clone();
        let work = move || {
            let mut found = Vec::new();
            walk(&root, "", &mut |key, path| {
                let temporary =
                    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TEMPORARY_PREFIX));
                if temporary && take_abandoned(path, remove)? {
                    found.push(key);
                }
                Ok(())
            })?;
            found.sort();
            Ok(found)
        };
        self.whole_folder("sweep", work).await
    }
}

/// What shows that a file was written to: any write changes one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Device, inode, and the time of the last change of either bytes or metadata.
    identity: (u64, u64, i64, i64),
}

impl State {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { bytes: metadata.len(), modified: metadata.modified().ok(), identity: identity(&metadata) })
    }
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> (u64, u64, i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> (u64, u64, i64, i64) {
    (0, 0, 0, 0)
}

/// The hashes of files that were read in ranges: a file is hashed once, not once per range.
#[derive(Debug, Default)]
struct KnownHashes(Mutex<HashMap<(u64, u64), (State, String)>>);

impl KnownHashes {
    fn etag(&self, file: &mut File) -> io::Result<String> {
        let state = State::of(file)?;
        let file_id = (state.identity.0, state.identity.1);
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, etag)) = lock().get(&file_id)
            && *known == state
        {
            return Ok(etag.clone());
        }
        file.rewind()?;
        let (etag, _) = crate::hash::reader(&mut *file)?;
        lock().insert(file_id, (state, etag.clone()));
        Ok(etag)
    }
}

/// A file that is hashed while it is read.
struct HashedFile {
    path: PathBuf,
    file: File,
    /// When it was opened.
    state: State,
    hash: Box<Xxh3>,
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
        let now = File::open(&self.path).and_then(|file| State::of(&file)).ok();
        if now != Some(self.state) {
            let why = "the file was written to while it was read";
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, why));
        }
        Ok(format!("{:032x}", self.hash.digest128()))
    }
}

/// A hidden file in `folder` that is locked for as long as it is open. A sweep may take it for a leftover and remove
/// it before the lock is ours; then there is another try.
fn locked_temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut tries = 0;
    let make = || {
        fs::create_dir_all(folder)?;
        tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempfile_in(folder)
    };
    loop {
        // Whoever deletes the folder's last object takes the folder away, perhaps in between.
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

/// Locks the folder that has this path, and not one that was removed while its lock was waited for.
fn lock_folder(folder: &Path) -> io::Result<File> {
    loop {
        let guard = File::open(folder)?;
        guard.lock()?;
        let ((device, inode, ..), (device_now, inode_now, ..)) =
            (identity(&guard.metadata()?), identity(&fs::metadata(folder)?));
        if (device, inode) == (device_now, inode_now) {
            return Ok(guard);
        }
    }
}

/// Whether a temporary file is one that no writer locks; removes it then if asked to, while the lock is ours. One that
/// vanishes meanwhile was renamed into place, or removed by somebody else.
fn take_abandoned(path: &Path, remove: bool) -> io::Result<bool> {
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

fn holds(condition: &Condition, path: &Path) -> io::Result<bool> {
    Ok(match condition {
        Condition::Always => true,
        Condition::Absent => !path.try_exists()?,
        Condition::Unchanged(etag) => describe(String::new(), path)?.is_some_and(|object| object.etag == *etag),
    })
}

/// Temporary files are private; objects are as readable as any new file (0644).
#[cfg(unix)]
fn set_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_readable(_: &File) -> io::Result<()> {
    Ok(())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// Visits every file whose key begins with `prefix`; a root that is not there has none.
fn walk(root: &Path, prefix: &str, visit: &mut dyn FnMut(String, &Path) -> io::Result<()>) -> io::Result<()> {
    let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut pending = vec![(root.join(folder), folder.to_owned())];
    while let Some((path, key)) = pending.pop() {
        let entries = match fs::read_dir(&path) {
            Err(error) if is_absent(&error) => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                tracing::warn!(path = %entry.path().display(), "left out a file whose name is not UTF-8");
                continue;
            };
            let child = if key.is_empty() { name } else { format!("{key}/{name}") };
            let kind = fs::metadata(entry.path());
            if kind.as_ref().is_ok_and(fs::Metadata::is_dir) {
                if child.starts_with(prefix) || prefix.starts_with(&child) {
                    pending.push((entry.path(), child));
                }
            } else if child.starts_with(prefix) {
                visit(child, &entry.path())?;
            }
        }
    }
    Ok(())
}

/// Nothing is there, or what should be a folder is an object.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if is_absent(&error) => Ok(None),
        Ok(file) if file.metadata()?.is_dir() => Ok(None),
        other => other.map(Some),
    }
}

fn describe(key: String, path: &Path) -> io::Result<Option<Object>> {
    open(path)?.map(|mut file| describe_open(key, &mut file)).transpose()
}

fn describe_open(key: String, file: &mut File) -> io::Result<Object> {
    file.rewind()?;
    let (etag, bytes) = crate::hash::reader(&mut *file)?;
    let last_modified = file.metadata()?.modified()?.into();
    Ok(Object { key, bytes, etag, last_modified, version: None })
}

fn failure(action: &'static str, url: String, error: &io::Error) -> StoreError {
    let failure = match error.kind() {
        io::ErrorKind::NotFound => Failure::NotFound,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Failure::Denied,
        io::ErrorKind::TimedOut | io::ErrorKind::ResourceBusy => Failure::Transient,
        _ => Failure::Other,
    };
    StoreError { failure, action, url, why: error.to_string() }
}
