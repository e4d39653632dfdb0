//! Folders for temporary files that have names: each process has its own ones, locked while it lives. What a killed
//! process left behind is removed by the next one.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

const PREFIX: &str = "tributary-";
const LOCK: &str = "lock";
/// A folder without a lock is about to get one, unless it is older.
const GRACE: Duration = Duration::from_secs(60 * 60);

/// A private folder (mode 0700), removed with this value.
#[derive(Debug)]
pub struct Scratch {
    // Dropped, and with it removed, before the lock is.
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes a folder below the system's folder for temporary files (`TMPDIR`). Errors name it.
    pub fn new() -> io::Result<Self> {
        Self::below(&std::env::temp_dir())
    }

    fn below(root: &Path) -> io::Result<Self> {
        let named = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("failed to make a temporary folder in {} (TMPDIR): {error}", root.display()),
            )
        };
        let mut builder = tempfile::Builder::new();
        let prefix = format!("{PREFIX}{}-", std::process::id());
        builder.prefix(&prefix);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let folder = builder.tempdir_in(root).map_err(named)?;
        // Locked before it has its name: a lock that can be had is that of a process that is gone.
        let early = folder.path().join("lock.new");
        let lock = File::create(&early).map_err(named)?;
        lock.lock().map_err(named)?;
        fs::rename(&early, folder.path().join(LOCK)).map_err(named)?;
        Ok(Self { folder, _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of processes that are gone; returns them. What cannot be looked at is another user's.
pub fn sweep() -> Vec<PathBuf> {
    sweep_below(&std::env::temp_dir())
}

fn sweep_below(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let ours = entries.flatten().filter(|entry| {
        entry.file_name().to_string_lossy().starts_with(PREFIX) && entry.file_type().is_ok_and(|kind| kind.is_dir())
    });
    ours.map(|entry| entry.path())
        .filter(|folder| is_left_behind(folder) && fs::remove_dir_all(folder).is_ok())
        .collect()
}

fn is_left_behind(folder: &Path) -> bool {
    match File::open(folder.join(LOCK)) {
        Ok(lock) => !matches!(lock.try_lock(), Err(TryLockError::WouldBlock | TryLockError::Error(_))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let modified = fs::metadata(folder).and_then(|metadata| metadata.modified());
            modified.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > GRACE))
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_living_stay_and_those_of_the_dead_go() {
        let root = tempfile::tempdir().unwrap();
        let living = Scratch::below(root.path()).unwrap();
        let dead = Scratch::below(root.path()).unwrap();
        fs::write(dead.path().join("view.parquet"), "x").unwrap();
        // A killed process: its lock is gone, its folder is not.
        let Scratch { folder, _lock } = dead;
        let left = folder.keep();
        drop(_lock);
        fs::create_dir(root.path().join("tributary-1-new")).unwrap();
        fs::create_dir(root.path().join("other")).unwrap();
        assert_eq!(sweep_below(root.path()), [left]);
        assert!(living.path().exists() && root.path().join("tributary-1-new").exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(living.path()).unwrap().permissions().mode() & 0o777, 0o700);
        }
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }

    #[test]
    fn a_missing_folder_for_temporary_files_is_named() {
        let error = Scratch::below(Path::new("/no/such/folder")).unwrap_err().to_string();
        assert!(error.contains("/no/such/folder") && error.contains("TMPDIR"), "{error}");
    }
}
