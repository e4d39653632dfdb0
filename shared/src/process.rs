//! Processes as others know them: who works on an object, and whether it still can.

use std::fs;
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
        Some(Self { machine: machine()?, number, started: started(number)? })
    }

    /// Whether it has ended, as far as this machine can know.
    pub fn has_ended(&self) -> bool {
        machine().is_some_and(|machine| machine == self.machine)
            && started(self.number).is_none_or(|started| started != self.started)
    }
}

/// The machine since its start, and the space in which its processes are numbered.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let numbers = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), numbers.display()))
}

/// When a process was started, in ticks since the machine's start; `None` if there is no such process any more.
fn started(number: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name, in brackets, may have blanks. Behind it: the state, and as the twentieth field the start.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let is_alive = fields.first().is_some_and(|state| !matches!(*state, "Z" | "X"));
    fields.get(19).filter(|_| is_alive).map(|start| (*start).to_owned())
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
        assert!(!ended(Process { machine: "another".to_owned(), ..process }));
    }
}
