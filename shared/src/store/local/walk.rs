//! Finds the files of a folder, whatever else is in it.

use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::files::{entries_of, is_absent};

/// Folders deeper than this are not looked into; keys have 1,024 bytes.
const DEEPEST: usize = 512;

/// What is at a path.
pub enum Found {
    /// A file.
    File,
    /// Something that cannot be an object, and why.
    Odd(String),
}

/// A folder and those above it.
struct Folder {
    path: PathBuf,
    key: String,
    depth: usize,
    id: Option<(u64, u64)>,
    above: Option<Rc<Folder>>,
}

impl Folder {
    fn is_within(&self, id: (u64, u64)) -> bool {
        let mut folder = Some(self);
        while let Some(this) = folder {
            if this.id == Some(id) {
                return true;
            }
            folder = this.above.as_deref();
        }
        false
    }
}

/// Where something lies.
pub struct Place<'p> {
    /// Its key; that of a folder ends in a slash.
    pub key: String,
    at: At<'p>,
}

enum At<'p> {
    Path(&'p Path),
    /// A plain file: its metadata are looked up in its folder, with no way through those above.
    Plain(&'p DirEntry),
}

impl Place<'_> {
    /// The last part of the key.
    pub fn name(&self) -> &str {
        self.key.trim_end_matches('/').rsplit('/').next().unwrap_or(&self.key)
    }

    /// Whether its name begins with a dot.
    pub fn is_hidden(&self) -> bool {
        self.name().starts_with('.')
    }

    /// Its path.
    pub fn path(&self) -> PathBuf {
        match self.at {
            At::Path(path) => path.to_owned(),
            At::Plain(entry) => entry.path(),
        }
    }

    /// What the file system says of it; `None` if it is gone.
    pub fn metadata(&self) -> io::Result<Option<Metadata>> {
        let found = match self.at {
            At::Path(path) => fs::metadata(path),
            At::Plain(entry) => entry.metadata(),
        };
        match found {
            Err(error) if is_absent(&error) => Ok(None),
            found => found.map(Some),
        }
    }
}

#[cfg(test)]
impl<'p> Place<'p> {
    pub fn at(key: &str, path: &'p Path) -> Self {
        Self { key: key.to_owned(), at: At::Path(path) }
    }
}

/// Visits everything whose key begins with `prefix`, but folders; a root that is not there has nothing. A folder that
/// cannot be read is visited as something odd, with a slash at the end of its key: it stops no other. The files of one
/// folder come in the order of their names.
pub fn walk(root: &Path, prefix: &str, visit: &mut dyn FnMut(Place<'_>, Found) -> io::Result<()>) -> io::Result<()> {
    let mut pending = vec![begin(root, prefix.rsplit_once('/').map_or("", |(folder, _)| folder))];
    while let Some(folder) = pending.pop() {
        let listed = entries_of(&folder.path);
        let entries = match listed {
            Err(error) if is_absent(&error) => continue,
            // Nothing can be said of any object.
            Err(error) if folder.key.is_empty() || super::is_shortage(&error) => return Err(error),
            Err(error) => {
                let why = format!("the folder cannot be read: {error}");
                visit(Place { key: format!("{}/", folder.key), at: At::Path(&folder.path) }, Found::Odd(why))?;
                continue;
            }
            Ok(mut entries) => {
                entries.sort_by_cached_key(DirEntry::file_name);
                entries
            }
        };
        for entry in entries {
            let name = entry.file_name();
            let text = name.to_string_lossy();
            let child = if folder.key.is_empty() { text.to_string() } else { format!("{}/{text}", folder.key) };
            let is_wanted = child.starts_with(prefix);
            if !is_wanted && !prefix.starts_with(&child) {
                continue;
            }
            // Plain files are told from others by the folder alone: a lake has a million of them.
            if name.to_str().is_some() && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                if is_wanted {
                    visit(Place { key: child, at: At::Plain(&entry) }, Found::File)?;
                }
                continue;
            }
            let path = entry.path();
            let odd = match fs::metadata(&path) {
                _ if name.to_str().is_none() => Some("its name is not UTF-8".to_owned()),
                Ok(metadata) if metadata.is_dir() => match below(&folder, &path, &child, &metadata) {
                    Ok(below) => {
                        pending.push(Rc::new(below));
                        continue;
                    }
                    Err(why) => {
                        visit(Place { key: format!("{child}/"), at: At::Path(&path) }, Found::Odd(why))?;
                        continue;
                    }
                },
                Ok(metadata) => kind(&metadata).map(|kind| format!("it is {kind}, not a file")),
                // Removed meanwhile, unless it is a link.
                Err(error) if is_absent(&error) && fs::symlink_metadata(&path).is_err() => continue,
                Err(error) if is_absent(&error) => Some("it is a link to nothing".to_owned()),
                Err(error) => Some(error.to_string()),
            };
            if is_wanted {
                visit(Place { key: child, at: At::Path(&path) }, odd.map_or(Found::File, Found::Odd))?;
            }
        }
    }
    Ok(())
}

/// The folder that has this key, with those above it up to the root: a link may lead back to any of them.
fn begin(root: &Path, key: &str) -> Rc<Folder> {
    let id = |path: &Path| fs::metadata(path).ok().as_ref().and_then(identity);
    let mut folder = Folder { path: root.to_owned(), key: String::new(), depth: 0, id: id(root), above: None };
    for part in key.split('/').filter(|part| !part.is_empty()) {
        let path = folder.path.join(part);
        let key = if folder.key.is_empty() { part.to_owned() } else { format!("{}/{part}", folder.key) };
        let (id, depth) = (id(&path), folder.depth + 1);
        folder = Folder { path, key, depth, id, above: Some(Rc::new(folder)) };
    }
    Rc::new(folder)
}

/// A folder in a folder, unless it is one of those above.
fn below(folder: &Rc<Folder>, path: &Path, key: &str, metadata: &Metadata) -> Result<Folder, String> {
    let id = identity(metadata);
    if id.is_some_and(|id| folder.is_within(id)) {
        return Err("it is a link to a folder above it".to_owned());
    }
    if folder.depth >= DEEPEST {
        return Err("it is too deep".to_owned());
    }
    let (path, key, depth) = (path.to_owned(), key.to_owned(), folder.depth + 1);
    Ok(Folder { path, key, depth, id, above: Some(Rc::clone(folder)) })
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// What something is that is no file.
#[cfg(unix)]
pub fn kind(metadata: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    match kind {
        _ if kind.is_file() => None,
        _ if kind.is_fifo() => Some("a named pipe"),
        _ if kind.is_socket() => Some("a socket"),
        _ if kind.is_block_device() || kind.is_char_device() => Some("a device"),
        _ => Some("something else"),
    }
}

#[cfg(not(unix))]
pub fn kind(metadata: &Metadata) -> Option<&'static str> {
    (!metadata.is_file()).then_some("something else")
}
