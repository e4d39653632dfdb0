//! Lists of objects that hold a million of them in little memory.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::{Object, UNREADABLE};

/// By what an object is known again: the fingerprint of its ETag, or of a file's size, times and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State(u128);

impl State {
    /// Of an object of which nothing can be said yet: never known again.
    pub const UNKNOWN: Self = Self(0);

    /// By the store's entity tag.
    pub fn of_etag(etag: &str) -> Self {
        Self::of_bytes(etag.as_bytes())
    }

    /// By whatever changes with the object.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(xxh3_128(bytes).max(1))
    }

    /// As it is kept in a file.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// As it was kept in a file.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }

    /// Whether an object that had this state and now has the other one is the same.
    pub fn is_still(self, now: Self) -> bool {
        self != Self::UNKNOWN && self == now
    }
}

/// Keys and states of objects; by key, unless they were only just pushed.
#[derive(Debug, Default)]
pub struct States {
    /// All keys, one behind the other.
    keys: String,
    /// Where each ends.
    ends: Vec<usize>,
    states: Vec<State>,
}

impl States {
    /// Adds an object.
    pub fn push(&mut self, key: &str, state: State) {
        self.keys.push_str(key);
        self.ends.push(self.keys.len());
        self.states.push(state);
    }

    /// The same objects in the order of their keys.
    pub fn sorted(self) -> Self {
        match self.order() {
            Some(order) => self.in_order(&order),
            None => self,
        }
    }

    /// The places of the objects in the order of their keys, unless they are in order.
    fn order(&self) -> Option<Vec<usize>> {
        let key = |at: &usize| self.get(*at).map(|(key, _)| key);
        let mut order: Vec<usize> = (0..self.len()).collect();
        if order.is_sorted_by_key(key) {
            return None;
        }
        order.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        Some(order)
    }

    /// The objects at these places.
    fn in_order(&self, order: &[usize]) -> Self {
        let mut sorted = Self {
            keys: String::with_capacity(self.keys.len()),
            ends: Vec::with_capacity(self.len()),
            states: Vec::with_capacity(self.len()),
        };
        for (key, state) in order.iter().filter_map(|at| self.get(*at)) {
            sorted.push(key, state);
        }
        sorted
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The object at a place.
    pub fn get(&self, at: usize) -> Option<(&str, State)> {
        let start = match at.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        Some((self.keys.get(start..*self.ends.get(at)?)?, *self.states.get(at)?))
    }

    /// The state of the object that has a key, if they are in order.
    pub fn find(&self, key: &str) -> Option<State> {
        self.states.get(self.place(key)?).copied()
    }

    /// The place of the object that has a key, if they are in order.
    fn place(&self, key: &str) -> Option<usize> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from + (to - from) / 2;
            match self.get(middle)?.0.cmp(key) {
                Ordering::Equal => return Some(middle),
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
            }
        }
        None
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = (&str, State)> {
        self.at(0..self.len())
    }

    /// The objects at these places.
    pub fn at(&self, places: impl IntoIterator<Item = usize>) -> impl Iterator<Item = (&str, State)> {
        places.into_iter().filter_map(|at| self.get(at))
    }
}

/// Listed objects, by key, with what a comparison with the ledger needs.
#[derive(Debug, Default)]
pub struct Listing {
    states: States,
    modified: Vec<DateTime<Utc>>,
    /// Why some of them cannot be read, by key.
    odd: BTreeMap<String, String>,
}

/// An object in a [`Listing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed<'l> {
    /// See [`Object::key`].
    pub key: &'l str,
    /// The state by its ETag.
    pub state: State,
    /// See [`Object::last_modified`].
    pub last_modified: DateTime<Utc>,
    /// See [`Object::problem`].
    pub problem: Option<&'l str>,
}

impl<'l> Listed<'l> {
    /// An object with this key and ETag.
    pub fn new(key: &'l str, etag: &'l str, last_modified: DateTime<Utc>) -> Self {
        let problem = etag.strip_prefix(UNREADABLE);
        let state = if problem.is_some() { State::UNKNOWN } else { State::of_etag(etag) };
        Self { key, state, last_modified, problem }
    }
}

impl<'l> From<&'l Object> for Listed<'l> {
    fn from(object: &'l Object) -> Self {
        Self::new(&object.key, &object.etag, object.last_modified)
    }
}

impl Listing {
    /// Adds an object.
    pub fn push(&mut self, listed: Listed<'_>) {
        self.odd.extend(listed.problem.map(|why| (listed.key.to_owned(), why.to_owned())));
        self.states.push(listed.key, listed.state);
        self.modified.push(listed.last_modified);
    }

    /// The same objects in the order of their keys.
    pub fn sorted(self) -> Self {
        match self.states.order() {
            Some(order) => self.at(&order),
            None => self,
        }
    }

    /// The objects at these places.
    fn at(self, places: &[usize]) -> Self {
        let modified = places.iter().filter_map(|at| self.modified.get(*at).copied()).collect();
        Self { states: self.states.in_order(places), modified, odd: self.odd }
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// The object at a place.
    fn get(&self, at: usize) -> Option<Listed<'_>> {
        let (key, state) = self.states.get(at)?;
        let problem = if state == State::UNKNOWN { self.odd.get(key).map(String::as_str) } else { None };
        Some(Listed { key, state, last_modified: *self.modified.get(at)?, problem })
    }

    /// The object that has a key.
    fn find(&self, key: &str) -> Option<Listed<'_>> {
        self.get(self.states.place(key)?)
    }

    /// All objects, by key.
    pub fn iter(&self) -> impl Iterator<Item = Listed<'_>> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Their keys and states alone.
    pub fn into_states(self) -> States {
        self.states
    }
}

/// The hash by which a key is known: no two keys have the same.
fn hash(key: &str) -> u128 {
    xxh3_128(key.as_bytes())
}

/// Gathers keys for a [`Known`].
#[derive(Debug, Default)]
pub struct Keys(Vec<u128>);

impl Keys {
    /// Adds a key, which may be there already.
    pub fn add(&mut self, key: &str) {
        self.0.push(hash(key));
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, to be looked up.
    pub fn known(mut self) -> Known {
        self.0.sort_unstable();
        self.0.dedup();
        self.0.shrink_to_fit();
        Known(Arc::new(self.0))
    }
}

/// Keys that somebody knows, as hashes of 16 bytes. Clones share them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known(Arc<Vec<u128>>);

impl Known {
    /// Whether it has a key.
    pub fn has(&self, key: &str) -> bool {
        self.place(key).is_some()
    }

    /// The same keys and some more.
    pub fn with(&self, more: Keys) -> Self {
        if more.is_empty() { self.clone() } else { Keys([self.0.as_slice(), &more.0].concat()).known() }
    }

    fn place(&self, key: &str) -> Option<usize> {
        self.0.binary_search(&hash(key)).ok()
    }
}

/// What a list has of keys that were known before, and all of it that was not: so that a million objects beside a ledger
/// that knows them take some 45 bytes each.
#[derive(Debug, Default)]
pub struct Seen {
    known: Known,
    states: Vec<State>,
    /// When those that are there were last written.
    modified: Vec<Option<DateTime<Utc>>>,
    /// How many of them are there.
    found: usize,
    others: Listing,
    /// Why some of those that are known cannot be read, by key.
    odd: BTreeMap<String, String>,
}

impl Seen {
    /// Of which nothing was listed yet.
    pub(super) fn of(known: Known) -> Self {
        let count = known.0.len();
        Self { known, states: vec![State::UNKNOWN; count], modified: vec![None; count], ..Self::default() }
    }

    /// Takes what was listed.
    pub(super) fn push(&mut self, listed: Listed<'_>) {
        let place = self.known.place(listed.key);
        let Some((place, modified)) = place.and_then(|place| Some((place, self.modified.get_mut(place)?))) else {
            self.others.push(listed);
            return;
        };
        self.found += usize::from(modified.is_none());
        *modified = Some(listed.last_modified);
        if let Some(state) = self.states.get_mut(place) {
            *state = listed.state;
        }
        self.odd.extend(listed.problem.map(|why| (listed.key.to_owned(), why.to_owned())));
    }

    /// Those that were not known in the order of their keys.
    pub(super) fn sorted(self) -> Self {
        Self { others: self.others.sorted(), ..self }
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.found + self.others.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was listed of a key.
    pub fn find<'s>(&'s self, key: &'s str) -> Option<Listed<'s>> {
        let Some(place) = self.known.place(key) else { return self.others.find(key) };
        let (state, last_modified) = (*self.states.get(place)?, (*self.modified.get(place)?)?);
        let problem = if state == State::UNKNOWN { self.odd.get(key).map(String::as_str) } else { None };
        Some(Listed { key, state, last_modified, problem })
    }

    /// What was not known before.
    pub fn others(&self) -> &Listing {
        &self.others
    }

    /// The keys and states of what was not known before, alone.
    pub fn into_others(self) -> States {
        self.others.into_states()
    }

    /// Whether nothing can be said of `key`, because a folder above it cannot be read.
    pub fn hides(&self, key: &str) -> bool {
        let mut odd = self.odd.keys().chain(self.others.odd.keys());
        odd.any(|odd| odd.ends_with('/') && key.starts_with(odd.as_str()))
    }
}

/// Keys and states of objects as one hash of each, for one who knows what to ask for.
#[derive(Debug, Default)]
pub struct Fingerprints(Vec<u128>);

impl Fingerprints {
    /// Takes what was listed; what cannot be read has no state that anybody could ask for.
    pub(super) fn push(&mut self, listed: Listed<'_>) {
        if listed.state != State::UNKNOWN {
            self.0.push(fingerprint(listed.key, listed.state));
        }
    }

    /// The same, to be looked up.
    pub(super) fn sorted(mut self) -> Self {
        self.0.sort_unstable();
        self.0.shrink_to_fit();
        self
    }

    /// Whether there is an object of this key in this state.
    pub fn have(&self, key: &str, state: State) -> bool {
        self.0.binary_search(&fingerprint(key, state)).is_ok()
    }
}

fn fingerprint(key: &str, state: State) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(&state.to_bytes());
    hash.update(key.as_bytes());
    hash.digest128()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_by_their_place_in_order() {
        let [one, other] = [State::of_etag("1"), State::of_etag("2")];
        let mut states = States::default();
        states.push("d/b", other);
        states.push("d/a", one);
        let states = states.sorted();
        assert_eq!(states.iter().collect::<Vec<_>>(), [("d/a", one), ("d/b", other)]);
        assert_eq!((states.find("d/a"), states.find("d/b")), (Some(one), Some(other)));
        assert_eq!(["", "d", "d/aa", "e"].map(|key| states.find(key)), [None; 4]);
        assert_eq!((states.get(1), states.get(2)), (Some(("d/b", other)), None));
    }

    #[test]
    fn what_is_not_known_is_never_known_again() {
        let state = State::of_etag("1");
        assert!(state.is_still(State::from_bytes(state.to_bytes())));
        assert!(!state.is_still(State::of_etag("2")));
        assert!(!State::UNKNOWN.is_still(State::UNKNOWN));
    }

    #[test]
    fn a_list_beside_keys_that_are_known_has_what_belongs_to_each_object() {
        let time = |second| DateTime::from_timestamp(second, 5).unwrap();
        let object = |key: &str, second| Object {
            key: key.to_owned(),
            bytes: 1,
            etag: format!("of {key}"),
            last_modified: time(second),
            version: None,
        };
        let [odd, folder] =
            [Object::unreadable("d/a".to_owned(), "it is odd"), Object::unreadable("d/x/".to_owned(), "closed")];
        let objects = [object("d/c", 3), folder, odd, object("d/b", 2), object("d/d", 4)];
        let seen = |known: &[&str]| {
            let mut keys = Keys::default();
            known.iter().for_each(|key| keys.add(key));
            let mut seen = Seen::of(keys.known());
            objects.iter().for_each(|object| seen.push(object.into()));
            seen.sorted()
        };
        let keys = |seen: &Seen| seen.others().iter().map(|listed| listed.key.to_owned()).collect::<Vec<_>>();
        let none = seen(&[]);
        assert_eq!(keys(&none), ["d/a", "d/b", "d/c", "d/d", "d/x/"]);
        assert_eq!((none.len(), none.find("d/b").unwrap().last_modified), (5, time(2)));
        assert!(none.hides("d/x/y.csv") && !none.hides("d/ab"));
        let some = seen(&["d/d", "d/b", "d/b", "d/a", "d/e"]);
        assert_eq!(keys(&some), ["d/c", "d/x/"]);
        assert_eq!(some.len(), 5);
        let found = some.find("d/b").unwrap();
        assert_eq!((found.state, found.last_modified), (State::of_etag("of d/b"), time(2)));
        assert_eq!(found.problem, None);
        assert_eq!(some.find("d/a").unwrap().problem, Some("it is odd"));
        assert_eq!(some.find("d/c").unwrap().last_modified, time(3));
        assert_eq!(["d/e", "d/f"].map(|key| some.find(key)), [None; 2]);
        assert!(some.hides("d/x/y.csv") && !some.hides("d/ab"));
        assert_eq!(some.into_others().find("d/c"), Some(State::of_etag("of d/c")));
    }

    #[test]
    fn fingerprints_have_what_was_listed_and_nothing_else() {
        let mut there = Fingerprints::default();
        let objects = [("d/b", "2"), ("d/a", "1"), ("d/c", "unreadable: it is odd")];
        objects.iter().for_each(|(key, etag)| there.push(Listed::new(key, etag, DateTime::UNIX_EPOCH)));
        let there = there.sorted();
        let have = |key, etag| there.have(key, State::of_etag(etag));
        assert!(have("d/a", "1") && have("d/b", "2"));
        assert!(!have("d/a", "2") && !have("d/aa", "1") && !have("d/c", "unreadable: it is odd"));
        assert!(!there.have("d/c", State::UNKNOWN));
    }
}
