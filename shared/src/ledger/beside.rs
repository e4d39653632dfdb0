//! What an entry names beside what counts. An object is announced before it is written, and named until it is deleted:
//! at no moment is there one that no entry names.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::guard;
use crate::process::{Writer, unique_name};
use crate::store::Object;

/// Keys that an entry names and does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Beside {
    /// Objects of an earlier state that are no longer made: to be deleted, then forgotten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<String>,
    /// Objects that writers are about to make, or made before they were killed: recorded before the first byte is
    /// written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<String>,
    /// Objects that another writer may still be about to write, though a later commit may not count them: named until
    /// that writer is known to have ended or the entry is an hour old, and deleted where they do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<String>,
    /// Who may still be about to write what is pending or late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writers: Vec<Writer>,
    /// Which commit this is, where it names anything: the same keys that come again are another commit's.
    #[serde(default, skip_serializing_if = "Turn::is_none")]
    pub turn: Turn,
}

/// A commit's own name. Stores tell entries apart by their bytes: a writer that was overtaken would take one that says the
/// same as its own for its own, and forget what the other one still has to delete. What entries say is compared without it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Turn(String);

impl Turn {
    fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for Turn {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Turn {}

/// What others may still do by an entry, as one writer sees it.
#[derive(Debug, Clone, Default)]
pub struct Others {
    keys: BTreeSet<String>,
    writers: Vec<Writer>,
}

impl Others {
    /// Whether one of them may still be about to write an object.
    pub fn may_write(&self, key: &str) -> bool {
        self.keys.contains(key)
    }
}

impl Beside {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.retired.is_empty() && self.late.is_empty()
    }

    /// The same as it is committed: under a name of its own if it names anything.
    pub(super) fn committed(&self) -> Self {
        let turn = if self.is_empty() { Turn::default() } else { Turn(unique_name()) };
        Self { turn, ..self.clone() }
    }

    /// Whether a writer of it is seen at work.
    pub fn is_at_work(&self) -> bool {
        self.writers.iter().any(|writer| writer.is_seen() && !writer.has_ended())
    }

    /// All keys; one may come twice.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.retired.iter().chain(&self.pending).chain(&self.late)
    }

    /// What writers other than this one may still do, by the entry's own object. Nothing where none was recorded: by a
    /// version that did not.
    pub fn others(&self, entry: &Object, this: &Writer) -> Others {
        // Of a process that is not this machine's nothing is known but how long ago it committed.
        let is_at_work = |writer: &Writer| {
            if writer.is_seen() { !writer.has_ended() } else { !guard::is_abandoned(entry) }
        };
        let is_other = |writer: &&Writer| *writer != this && is_at_work(writer);
        let writers: Vec<Writer> = self.writers.iter().filter(is_other).cloned().collect();
        if writers.is_empty() {
            return Others::default();
        }
        Others { keys: self.pending.iter().chain(&self.late).cloned().collect(), writers }
    }

    /// Announces keys: nothing is written before. That a writer relies on what another one has announced makes the entry
    /// another one as well, so that no commit of the other's forgets the key.
    pub fn announce(&mut self, keys: &BTreeSet<String>, others: &Others, this: &Writer) {
        if keys.is_empty() {
            return;
        }
        // What is to be written is no longer to be deleted.
        self.retired.retain(|key| !keys.contains(key));
        self.late.retain(|key| others.may_write(key) || !keys.contains(key));
        let pending: BTreeSet<&String> = self.pending.iter().chain(keys).collect();
        self.pending = pending.into_iter().cloned().collect();
        self.writers = others.writers.iter().chain([this]).cloned().collect();
    }

    /// What a commit names beside what it counts, if all of `named` was named before.
    pub fn after<'a>(
        named: impl IntoIterator<Item = &'a String>,
        others: &Others,
        counts: impl Fn(&str) -> bool,
    ) -> Self {
        let is_done = |key: &&String| !counts(key) && !others.may_write(key);
        let retired: BTreeSet<&String> = named.into_iter().filter(is_done).collect();
        Self {
            retired: retired.into_iter().cloned().collect(),
            pending: Vec::new(),
            late: others.keys.iter().cloned().collect(),
            writers: others.writers.clone(),
            turn: Turn::default(),
        }
    }

    /// The keys to be deleted once a commit stands.
    pub fn deletable(&self, counts: impl Fn(&str) -> bool) -> impl Iterator<Item = &String> {
        self.retired.iter().chain(&self.late).filter(move |key| !counts(key))
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    fn keys(keys: &[&str]) -> BTreeSet<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    fn named(beside: &Beside) -> [Vec<&str>; 3] {
        [&beside.retired, &beside.pending, &beside.late].map(|list| list.iter().map(String::as_str).collect())
    }

    fn object(minutes: i64) -> Object {
        Object {
            key: String::new(),
            bytes: 0,
            etag: String::new(),
            last_modified: Utc::now() - chrono::TimeDelta::minutes(minutes),
            version: None,
        }
    }

    #[test]
    fn no_two_commits_that_name_something_are_alike() {
        let beside = Beside { retired: vec!["k".to_owned()], ..Beside::default() };
        let [one, other] =
            [beside.committed(), beside.committed()].map(|beside| serde_json::to_string(&beside).unwrap());
        assert_ne!(one, other);
        assert_eq!(beside.committed(), beside.committed(), "though they say the same");
        assert_eq!(serde_json::to_string(&Beside::default().committed()).unwrap(), "{}");
    }

    #[test]
    fn what_others_have_announced_stays_named_until_they_are_gone() {
        // Of another machine: only the hour tells.
        let [first, second] = [Writer::new(false), Writer::new(false)];
        let k = keys(&["k"]);
        let mut entry = Beside { retired: vec!["k".to_owned(), "old".to_owned()], ..Beside::default() };
        entry.announce(&k, &entry.others(&object(0), &first), &first);
        assert_eq!(named(&entry), [vec!["old"], vec!["k"], vec![]]);
        let announced = entry.clone();
        entry.announce(&k, &entry.others(&object(0), &first), &first);
        assert_eq!(entry, announced, "its own announcement stands");
        entry.announce(&k, &entry.others(&object(0), &second), &second);
        assert_ne!(entry, announced, "another one relies on it");

        let commit =
            |at: &Object, this: &Writer| Beside::after(entry.keys(), &entry.others(at, this), |key| key == "made");
        let after = commit(&object(0), &second);
        assert_eq!((named(&after), &after.writers), ([vec!["old"], vec![], vec!["k"]], &vec![first.clone()]));
        assert_eq!(after.deletable(|_| false).collect::<Vec<_>>(), ["old", "k"]);
        assert_eq!(after.deletable(|key| key == "k").collect::<Vec<_>>(), ["old"]);
        assert_eq!(named(&commit(&object(61), &second)), [vec!["k", "old"], vec![], vec![]], "an hour later");
        let mut here = Beside::default();
        here.announce(&k, &Others::default(), &Writer::new(true));
        assert!(here.others(&object(61), &second).may_write("k"), "a process that is seen at work may take its time");
        // Of the first one's own announcement nothing is left for others.
        let alone = Beside::after(announced.keys(), &announced.others(&object(0), &first), |key| key == "k");
        assert_eq!((named(&alone), alone.writers.len()), ([vec!["old"], vec![], vec![]], 0));
    }
}
