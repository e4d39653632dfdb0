//! Processes as others know them: who works on an object, and whether it still can.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::Utc;
use serde::{Deserialize, Serialize};

use crate::hash;

/// A process as one machine knows it, since it was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The machine since its start.
    pub machine: String,
    /// The process's number.
    pub number: u32,
    /// When it was started.
    pub started: String,
}

impl Process {
    /// This process, where the system names it.
    pub fn this() -> Option<Self> {
        let number = std::process::id();
        let State::Alive(started) = state(number) else { return None };
        Some(Self { machine: machine()?, number, started })
    }

    /// Whether this machine knows about it: whether it is one of its own, since its start.
    pub fn is_seen(&self) -> bool {
        machine().is_some_and(|machine| machine == self.machine) && !matches!(state(self.number), State::Unknown)
    }

    /// Whether it has ended, as far as this machine can know.
    pub fn has_ended(&self) -> bool {
        let is_gone = || match state(self.number) {
            State::Alive(started) => started != self.started,
            State::Gone => true,
            State::Unknown => false,
        };
        machine().is_some_and(|machine| machine == self.machine) && is_gone()
    }
}

/// The machine since its start, and the space in which its processes are numbered.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let numbers = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), numbers.display()))
}

/// What is known of a process's number.
enum State {
    /// A process has it, which was started at so many ticks since the machine's start.
    Alive(String),
    /// None has it.
    Gone,
    /// Others may be hidden from this user.
    Unknown,
}

fn state(number: u32) -> State {
    match fs::read_to_string(format!("/proc/{number}/stat")) {
        Ok(text) => state_of(&text).unwrap_or(State::Unknown),
        // Who sees the first process, which is another user's, sees all.
        Err(error) if error.kind() == ErrorKind::NotFound && fs::read("/proc/1/stat").is_ok() => State::Gone,
        Err(_) => State::Unknown,
    }
}

/// What a process's `stat` says; `None` if it is none.
fn state_of(text: &str) -> Option<State> {
    // The name, in brackets, may have blanks. Behind it: the state, as the eighteenth field the number of threads, and as
    // the twentieth the start.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let (state, threads, started) = (fields.first()?, fields.get(17)?, fields.get(19)?);
    // Of a process whose first thread has ended others may go on.
    let has_ended = matches!(*state, "X") || *state == "Z" && matches!(*threads, "0" | "1");
    Some(if has_ended { State::Gone } else { State::Alive((*started).to_owned()) })
}

/// The kind of a network's file system on which a folder lies: locks there are mostly this machine's alone, so that
/// writers of two machines would not see each other. `None` elsewhere, and where the system does not say.
pub fn network_of(folder: &Path) -> Option<String> {
    let folder = folder.ancestors().find_map(|folder| folder.canonicalize().ok())?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    // Fields: number, parent, device, root, place, options, ... `-`, kind, source, options.
    let mounts = mounts.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let place = before.split(' ').nth(4)?.replace("\\040", " ");
        Some((place, after.split(' ').next()?.to_owned()))
    });
    let of_folder = mounts.filter(|(place, _)| folder.starts_with(place));
    let (_, kind) = of_folder.max_by_key(|(place, _)| place.len())?;
    let is_network =
        ["nfs", "cifs", "smb", "9p", "fuse", "ceph", "glusterfs", "lustre"].iter().any(|known| kind.starts_with(known));
    is_network.then_some(kind)
}

/// A name that nothing else has, on any machine.
pub fn unique_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let process = Process::this().map(|process| format!("{process:?}")).unwrap_or_default();
    let now = Utc::now().timestamp_nanos_opt().unwrap_or_default();
    // Where an address lies differs from process to process.
    let place = std::ptr::from_ref(&COUNT).addr();
    hash::texts([process.as_str(), &format!("{} {now} {count} {place}", std::process::id())])
}

/// One that writes to a lake: its tries at one object come one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    name: String,
    /// Where all writers are on one machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    process: Option<Process>,
}

impl Writer {
    /// A writer of this process. `is_local` says that all writers of the lake are on this machine: machines that were
    /// copied take each other for one.
    pub fn new(is_local: bool) -> Self {
        Self { name: unique_name(), process: Process::this().filter(|_| is_local) }
    }

    /// Whether it has ended for certain.
    pub fn has_ended(&self) -> bool {
        self.process.as_ref().is_some_and(Process::has_ended)
    }

    /// Whether this machine knows if it has ended.
    pub fn is_seen(&self) -> bool {
        self.process.as_ref().is_some_and(Process::is_seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_has_ended_when_its_process_has() {
        let this = Writer::new(true);
        assert!(!this.has_ended() && !Writer::new(false).has_ended());
        assert_ne!(Writer::new(true), this);
        let ended = |process: Process| Writer { process: Some(process), ..this.clone() }.has_ended();
        let process = this.process.clone().unwrap();
        assert!(ended(Process { started: "1".to_owned(), ..process.clone() }));
        assert!(!ended(Process { machine: "another".to_owned(), ..process.clone() }));
        assert!(this.is_seen() && !Writer::new(false).is_seen());
        let elsewhere = Process { machine: "another".to_owned(), ..process };
        assert!(!Writer { process: Some(elsewhere), ..this }.is_seen());
    }

    #[test]
    fn a_process_whose_first_thread_has_ended_goes_on() {
        let stat = |state: &str, threads: u32| {
            format!("7 (a ) b) {state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 {threads} 0 4711 0\n")
        };
        for (state, threads, is_alive) in
            [("S", 3, true), ("Z", 2, true), ("Z", 1, false), ("Z", 0, false), ("X", 1, false)]
        {
            let known = state_of(&stat(state, threads)).unwrap();
            assert_eq!(matches!(&known, State::Alive(started) if started == "4711"), is_alive, "{state} {threads}");
            assert_eq!(matches!(known, State::Gone), !is_alive);
        }
        assert!(state_of("nonsense").is_none());
    }
}
