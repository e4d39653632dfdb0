//! The steps by which this process changes local zones, for tests that end it at a counted one.
//!
//! Only code can set the observer, never the environment: the commands and functions that are deployed have none.

use std::path::Path;
use std::sync::OnceLock;

type Observer = Box<dyn Fn(Step, &Path) + Send + Sync>;

static OBSERVER: OnceLock<Observer> = OnceLock::new();

/// What has just been done to a file; the path is that of the object, or of the leftover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The object's hidden file was made, and is empty.
    Opened,
    /// The hidden file has all bytes, on the disk.
    Filled,
    /// The hidden file became the object.
    Renamed,
    /// An object is deleted next, if there is one.
    Doomed,
    /// The object was deleted; folders that are empty now are still there.
    Deleted,
    /// A leftover of a killed writer was removed.
    Swept,
}

/// Calls `observer` after each step, on the thread that takes it and before the next one. False if there is an observer
/// already, which stays.
pub fn observe(observer: impl Fn(Step, &Path) + Send + Sync + 'static) -> bool {
    OBSERVER.set(Box::new(observer)).is_ok()
}

pub(super) fn done(step: Step, path: &Path) {
    if let Some(observer) = OBSERVER.get() {
        observer(step, path);
    }
}
