//! What an entry names beside what counts. An object is announced before it is written, and named until it is deleted:
//! at no moment is there one that no entry names.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::guard;
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
    /// Objects that another writer than the last one may still be about to write, though a later commit may not count
    /// them: named until the entry is an hour old, and deleted where they do not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<String>,
}

impl Beside {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.retired.is_empty() && self.late.is_empty()
    }

    /// All keys; one may come twice.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.retired.iter().chain(&self.pending).chain(&self.late)
    }

    /// The keys that writers may still be about to write, by the entry's own object: none if they are gone for certain.
    pub fn expected(&self, entry: &Object) -> BTreeSet<String> {
        let is_abandoned = guard::is_abandoned(entry);
        self.pending.iter().chain(&self.late).filter(|_| !is_abandoned).cloned().collect()
    }

    /// Announces keys. What another writer has announced is announced a second time: the entry becomes another one, so
    /// that no commit of that writer's forgets the key. `expected` are the keys that others may write.
    pub fn announce(&mut self, keys: &BTreeSet<String>, expected: &BTreeSet<String>) {
        // Of an entry whose writers are gone, one that has been announced twice starts anew: that changes it as well.
        let twice: BTreeSet<&String> = self.pending.iter().filter(|key| self.late.contains(key)).collect();
        let is_again = |key: &&String| expected.contains(*key) || self.pending.contains(key) && !twice.contains(key);
        let again: BTreeSet<&String> = keys.iter().filter(is_again).collect();
        let late: BTreeSet<&String> =
            self.late.iter().filter(|key| expected.contains(*key) || !keys.contains(*key)).chain(again).collect();
        let late = late.into_iter().cloned().collect();
        // What is to be written is no longer to be deleted.
        self.retired.retain(|key| !keys.contains(key));
        let pending: BTreeSet<&String> = self.pending.iter().chain(keys).collect();
        self.pending = pending.into_iter().cloned().collect();
        self.late = late;
    }

    /// What a commit names beside what it counts, if all of `named` was named before and others may still write what is
    /// `expected`.
    pub fn after<'a>(
        named: impl IntoIterator<Item = &'a String>,
        expected: &BTreeSet<String>,
        counts: impl Fn(&str) -> bool,
    ) -> Self {
        let retired: BTreeSet<&String> =
            named.into_iter().filter(|key| !counts(key) && !expected.contains(*key)).collect();
        Self {
            retired: retired.into_iter().cloned().collect(),
            pending: Vec::new(),
            late: expected.iter().cloned().collect(),
        }
    }

    /// The keys to be deleted once a commit stands.
    pub fn deletable(&self, counts: impl Fn(&str) -> bool) -> impl Iterator<Item = &String> {
        self.retired.iter().chain(&self.late).filter(move |key| !counts(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> BTreeSet<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    fn beside(retired: &[&str], pending: &[&str], late: &[&str]) -> Beside {
        let [retired, pending, late] = [retired, pending, late].map(|list| keys(list).into_iter().collect());
        Beside { retired, pending, late }
    }

    /// Each announcement of a key that another writer relies on makes the entry another one, so that the other's commit
    /// fails; one more does not, as all commits keep the key by then.
    #[test]
    fn a_key_that_is_announced_again_changes_the_entry() {
        let k = keys(&["k"]);
        for (is, expected, becomes) in [
            (beside(&[], &[], &[]), &[][..], beside(&[], &["k"], &[])),
            (beside(&["k"], &[], &[]), &[], beside(&[], &["k"], &[])),
            (beside(&[], &["k"], &[]), &["k"], beside(&[], &["k"], &["k"])),
            (beside(&[], &["k", "m"], &[]), &["k", "m"], beside(&[], &["k", "m"], &["k"])),
            (beside(&[], &[], &["k"]), &["k"], beside(&[], &["k"], &["k"])),
            (beside(&[], &["k"], &["k"]), &["k"], beside(&[], &["k"], &["k"])),
            // Of an entry that is more than an hour old.
            (beside(&[], &["k"], &[]), &[], beside(&[], &["k"], &["k"])),
            (beside(&[], &["k"], &["k"]), &[], beside(&[], &["k"], &[])),
            (beside(&[], &[], &["k", "m"]), &[], beside(&[], &["k"], &["m"])),
        ] {
            let mut announced = is.clone();
            announced.announce(&k, &keys(expected));
            assert_eq!(announced, becomes, "{is:?} {expected:?}");
        }
    }

    #[test]
    fn a_commit_keeps_what_others_may_write_and_deletes_it_only_where_it_does_not_count() {
        let named = keys(&["old", "made", "rival", "both"]);
        let counts = |key: &str| matches!(key, "made" | "both");
        let after = Beside::after(&named, &keys(&["rival", "both"]), counts);
        assert_eq!(after, beside(&["old"], &[], &["both", "rival"]));
        assert_eq!(after.deletable(counts).collect::<Vec<_>>(), ["old", "rival"]);
    }
}
