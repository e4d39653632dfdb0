//! A local folder as an object store.
//!
//! A write goes to a hidden file beside its destination and is renamed into place, so that a killed process leaves
//! at most a hidden file. The writer holds a lock on that file; a hidden file that nobody holds is a leftover. A store that
//! writes holds such a file at its root for as long as it lives: only where one of those is a leftover, some process was
//! killed, and the whole folder is worth a look for others.
//! Conditional writes are serialised by a lock on the destination's folder.

mod files;
mod hashes;
mod walk;

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;

use super::steps::{Step, done};
use super::{Backend, By, Condition, Failure, Listed, Object, Reading, Result, StoreError, Visit};
use crate::work;

use self::files::{
    HashedFile, Hashing, describe, is_absent, is_temporary, lock_folder, locked_temporary, modified, nanoseconds, open,
    take_abandoned,
};
use self::hashes::{Hashes, Wanted};
use self::walk::{Found, walk};

/// Files that are open at the same time, whatever the process may open.
static OPEN_FILES: Semaphore = Semaphore::const_new(12);

/// A zone in a local folder.
#[derive(Debug, Clone)]
pub struct LocalStore {
    root: PathBuf,
    /// Shared by all clones.
    hashes: Arc<Hashes>,
    /// Held at the root from the first write on, if it can be made; shared by all clones.
    alive: Arc<OnceLock<Option<NamedTempFile>>>,
}

impl LocalStore {
    pub(super) fn new(root: &Path, memory: Option<PathBuf>) -> Self {
        Self { root: root.to_owned(), hashes: Arc::new(Hashes::new(memory)), alive: Arc::default() }
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
        task: impl FnOnce(PathBuf) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let path = self.path(action, key)?;
        let url = self.url(key);
        // Never closed: a permit is the answer.
        let _permit = OPEN_FILES.acquire().await;
        match work::run(move || task(path)).await {
            Ok(result) => result.map_err(|error| failure(action, url, &error)),
            Err(stopped) => Err(StoreError { failure: Failure::Other, action, url, why: stopped.to_string() }),
        }
    }

    async fn whole_folder<T: Send + 'static>(
        &self,
        action: &'static str,
        task: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let url = self.root.display().to_string();
        match work::run(task).await {
            Ok(result) => result.map_err(|error| failure(action, url, &error)),
            Err(stopped) => Err(StoreError { failure: Failure::Other, action, url, why: stopped.to_string() }),
        }
    }

    /// What is gathered from all objects below a prefix in no order, with their hashes as `wanted` says.
    async fn gather<T: Default + Send + 'static>(
        &self,
        prefix: &str,
        wanted: Wanted,
        mut visit: impl FnMut(&mut T, Object) + Send + 'static,
    ) -> Result<T> {
        if leads_out(prefix) {
            return Ok(T::default());
        }
        let (root, hashes, prefix) = (self.root.clone(), Arc::clone(&self.hashes), prefix.to_owned());
        let work = move || {
            let mut visited = T::default();
            let mut memory = hashes.recall(&prefix);
            walk(&root, &prefix, &mut |place, found| {
                if place.is_hidden() {
                    return Ok(());
                }
                let object = match found {
                    Found::Odd(why) => Object::unreadable(place.key, why),
                    Found::File => match hashes.describe(&place, &mut memory, &wanted) {
                        Ok(Some(object)) => object,
                        Ok(None) => return Ok(()),
                        // The process is at its end, not the file.
                        Err(error) if is_shortage(&error) => return Err(error),
                        Err(error) => Object::unreadable(place.key, error),
                    },
                };
                visit(&mut visited, object);
                Ok(())
            })?;
            hashes.keep(memory, &prefix);
            Ok(visited)
        };
        self.whole_folder("list", work).await
    }

    /// Visits all objects below a prefix in no order, by what changes with a file: none is read.
    async fn visit_unread(&self, prefix: &str, mut visit: Visit) -> Result<()> {
        if leads_out(prefix) {
            return Ok(());
        }
        let (root, prefix) = (self.root.clone(), prefix.to_owned());
        let work = move || {
            let now = nanoseconds(SystemTime::now());
            walk(&root, &prefix, &mut |place, found| {
                if place.is_hidden() {
                    return Ok(());
                }
                let odd = match found {
                    Found::Odd(why) => why,
                    Found::File => match place.metadata().and_then(|found| found.map(seen).transpose()) {
                        Ok(None) => return Ok(()),
                        Ok(Some((state, last_modified))) => {
                            visit(Listed { key: &place.key, state: state.in_list(now), last_modified, problem: None });
                            return Ok(());
                        }
                        Err(error) => error.to_string(),
                    },
                };
                visit((&Object::unreadable(place.key, odd)).into());
                Ok(())
            })
        };
        self.whole_folder("list", work).await
    }

    async fn write(
        &self,
        key: &str,
        condition: Condition,
        fill: impl FnOnce(&mut Hashing<'_>) -> io::Result<()> + Send + 'static,
    ) -> Result<Object> {
        let name = key.to_owned();
        let (alive, root) = (Arc::clone(&self.alive), self.root.clone());
        let written = self
            .blocking("write", key, move |path| {
                alive.get_or_init(|| locked_temporary(&root).ok());
                let folder = path.parent().map(Path::to_owned).unwrap_or_default();
                let mut temporary = locked_temporary(&folder)?;
                done(Step::Opened, &path);
                let mut filled = Hashing::new(temporary.as_file_mut());
                fill(&mut filled)?;
                let (etag, bytes) = filled.finish();
                temporary.as_file().sync_data()?;
                done(Step::Filled, &path);

                // The temporary file keeps the folder there.
                let _guard = lock_folder(&folder)?;
                if !holds(&condition, &path)? {
                    if path.is_dir() {
                        return Err(io::Error::other("there is a folder in its place"));
                    }
                    return Ok(None);
                }
                let file = temporary.persist(&path).map_err(|error| error.error)?;
                done(Step::Renamed, &path);
                let last_modified = modified(&file.metadata()?)?;
                Ok(Some(Object { key: name, bytes, etag, last_modified, version: None }))
            })
            .await?;
        written.ok_or_else(|| self.is_another("write", key))
    }
}

/// What a file's metadata tell of it.
fn seen(metadata: fs::Metadata) -> io::Result<(files::State, DateTime<Utc>)> {
    Ok((files::State::of_metadata(&metadata), modified(&metadata)?))
}

#[async_trait]
impl Backend for LocalStore {
    fn url(&self, key: &str) -> String {
        self.root.join(key).display().to_string()
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let mut objects = self.gather(prefix, Wanted::Any, Vec::push).await?;
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(objects)
    }

    async fn visit(&self, prefix: &str, by: By, mut visit: Visit) -> Result<()> {
        let wanted = match by {
            By::Etag => Wanted::Any,
            By::Proven => Wanted::Proven,
            By::EtagOf(known) => Wanted::Of(known),
            By::Change => return self.visit_unread(prefix, visit).await,
        };
        self.gather(prefix, wanted, move |(), object| visit((&object).into())).await
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn names(&self, prefix: &str) -> Result<Vec<String>> {
        if leads_out(prefix) {
            return Ok(Vec::new());
        }
        let (root, prefix) = (self.root.clone(), prefix.to_owned());
        let work = move || {
            let mut names = Vec::new();
            walk(&root, &prefix, &mut |place, _| {
                if !is_temporary(place.name()) {
                    names.push(place.key);
                }
                Ok(())
            })?;
            names.sort();
            Ok(names)
        };
        self.whole_folder("list", work).await
    }

    async fn top(&self) -> Result<Vec<String>> {
        let root = self.root.clone();
        self.whole_folder("list", move || {
            let mut names = Vec::new();
            let entries = match files::entries_of(&root) {
                Err(error) if is_absent(&error) => Vec::new(),
                entries => entries?,
            };
            for entry in entries {
                let name = entry.file_name().to_string_lossy().into_owned();
                if is_temporary(&name) {
                    continue;
                }
                let is_folder = fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir());
                names.push(if is_folder { format!("{name}/") } else { name });
            }
            names.sort();
            Ok(names)
        })
        .await
    }

    async fn exists(&self) -> Result<bool> {
        let root = self.root.clone();
        self.whole_folder("look at", move || match root.metadata() {
            Ok(found) => Ok(found.is_dir()),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
            Err(error) => Err(error),
        })
        .await
    }

    async fn head(&self, key: &str) -> Result<Option<Object>> {
        let name = key.to_owned();
        self.blocking("look at", key, move |path| describe(name, &path)).await
    }

    async fn is_replaced(&self, key: &str, etag: &str) -> Result<bool> {
        let (etag, hashes) = (etag.to_owned(), Arc::clone(&self.hashes));
        let work = move |path: PathBuf| {
            let Some(mut file) = open(&path)? else { return Ok(false) };
            Ok(hashes.of_range(&mut file)? != etag)
        };
        self.blocking("look at", key, work).await
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
                last_modified: modified(&file.metadata()?)?,
                version: None,
            };
            Ok(Some((object, Bytes::from(bytes))))
        })
        .await
    }

    async fn get_range(&self, key: &str, etag: &str, range: Range<u64>) -> Result<Bytes> {
        let (etag, hashes) = (etag.to_owned(), Arc::clone(&self.hashes));
        let read = self.blocking("read", key, move |path| {
            let mut file = open(&path)?.ok_or(io::ErrorKind::NotFound)?;
            if hashes.of_range(&mut file)? != etag {
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
        let (name, hashes) = (key.to_owned(), Arc::clone(&self.hashes));
        self.blocking("read", key, move |path| {
            let Some(file) = open(&path)? else {
                return Ok(None);
            };
            let metadata = file.metadata()?;
            let last_modified = modified(&metadata)?;
            let file = HashedFile::new(name.clone(), path, file, hashes)?;
            let object = Object { key: name, bytes: metadata.len(), etag: String::new(), last_modified, version: None };
            Ok(Some(Reading::new(object, file)))
        })
        .await
    }

    async fn put(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<Object> {
        self.write(key, condition, move |file| file.write_all(&bytes)).await
    }

    async fn put_file(&self, key: &str, mut source: File, condition: Condition) -> Result<Object> {
        self.write(key, condition, move |file| {
            source.rewind()?;
            io::copy(&mut BufReader::with_capacity(64 * 1024, source), file).map(drop)
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
            // What cannot be looked at is no reason to stop: a live writer may own it.
            let take = |path: &Path| take_abandoned(path, remove).unwrap_or(false);
            // Those at the root go last: a sweep that is killed itself is made again.
            let mut at_root = Vec::new();
            walk(&root, "", &mut |place, kind| {
                if !matches!(kind, Found::File) || !is_temporary(place.name()) {
                    return Ok(());
                }
                if !place.key.contains('/') {
                    at_root.push((place.path(), place.key));
                } else if take(&place.path()) {
                    found.push(place.key);
                }
                Ok(())
            })?;
            found.extend(at_root.into_iter().filter(|(path, _)| take(path)).map(|(_, key)| key));
            found.sort();
            Ok(found)
        };
        self.whole_folder("sweep", work).await
    }

    async fn a_writer_died(&self) -> Result<bool> {
        let root = self.root.clone();
        let work = move || {
            let entries = match files::entries_of(&root) {
                Err(error) if is_absent(&error) => return Ok(false),
                entries => entries?,
            };
            let is_left = |entry: &fs::DirEntry| {
                is_temporary(&entry.file_name().to_string_lossy())
                    && take_abandoned(&entry.path(), false).unwrap_or(true)
            };
            Ok(entries.iter().any(is_left))
        };
        self.whole_folder("look at", work).await
    }
}

fn holds(condition: &Condition, path: &Path) -> io::Result<bool> {
    Ok(match condition {
        Condition::Always => true,
        Condition::Absent => !path.try_exists()?,
        Condition::Unchanged(etag) => describe(String::new(), path)?.is_some_and(|object| object.etag == *etag),
    })
}

/// Whether a prefix leads out of the folder; no key has such a one.
fn leads_out(prefix: &str) -> bool {
    prefix.split('/').rev().skip(1).any(|part| part.is_empty() || part == "." || part == "..")
}

/// Whether the process or the machine has run out of something, so that any file would have failed.
fn is_shortage(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM))
}

fn failure(action: &'static str, url: String, error: &io::Error) -> StoreError {
    let failure = match error.kind() {
        io::ErrorKind::NotFound => Failure::NotFound,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Failure::Denied,
        io::ErrorKind::TimedOut | io::ErrorKind::ResourceBusy => Failure::Transient,
        _ => Failure::Other,
    };
    let hint = match error.raw_os_error() {
        Some(libc::EMFILE) => "; raise the limit of open files (ulimit -n)",
        Some(libc::ENOSPC | libc::EDQUOT | libc::EFBIG) => "; make room, then run the same command again",
        _ => "",
    };
    StoreError { failure, action, url, why: format!("{error}{hint}") }
}
