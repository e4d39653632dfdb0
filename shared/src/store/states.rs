//! Lists of objects that hold a million of them in little memory.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

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
    pub fn place(&self, key: &str) -> Option<usize> {
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
        (0..self.len()).filter_map(|at| self.get(at))
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

impl Listing {
    /// Adds an object.
    pub fn push(&mut self, object: &Object) {
        self.push_parts(&object.key, &object.etag, object.last_modified);
    }

    /// Adds an object that has this key and ETag.
    pub fn push_parts(&mut self, key: &str, etag: &str, last_modified: DateTime<Utc>) {
        let problem = etag.strip_prefix(UNREADABLE);
        self.odd.extend(problem.map(|why| (key.to_owned(), why.to_owned())));
        self.states.push(key, if problem.is_some() { State::UNKNOWN } else { State::of_etag(etag) });
        self.modified.push(last_modified);
    }

    /// The same objects in the order of their keys.
    pub fn sorted(self) -> Self {
        match self.states.order() {
            Some(order) => self.at(&order),
            None => self,
        }
    }

    /// Those that `keep` is true for.
    pub fn retain(self, keep: impl Fn(&Listed) -> bool) -> Self {
        let is_kept = |at: &usize| self.get(*at).is_some_and(|listed| keep(&listed));
        let kept: Vec<usize> = (0..self.len()).filter(is_kept).collect();
        if kept.len() == self.len() { self } else { self.at(&kept) }
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

    /// The place of the object that has a key.
    pub fn place(&self, key: &str) -> Option<usize> {
        self.states.place(key)
    }

    /// The object at a place.
    pub fn get(&self, at: usize) -> Option<Listed<'_>> {
        let (key, state) = self.states.get(at)?;
        let problem = if state == State::UNKNOWN { self.odd.get(key).map(String::as_str) } else { None };
        Some(Listed { key, state, last_modified: *self.modified.get(at)?, problem })
    }

    /// The object that has a key.
    pub fn find(&self, key: &str) -> Option<Listed<'_>> {
        self.get(self.place(key)?)
    }

    /// All objects, by key.
    pub fn iter(&self) -> impl Iterator<Item = Listed<'_>> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Whether nothing can be said of `key`, because a folder above it cannot be read.
    pub fn hides(&self, key: &str) -> bool {
        self.odd.keys().any(|odd| odd.ends_with('/') && key.starts_with(odd.as_str()))
    }

    /// Their keys and states alone.
    pub fn into_states(self) -> States {
        self.states
    }
}

impl From<Vec<Object>> for Listing {
    fn from(objects: Vec<Object>) -> Self {
        let mut listing = Self::default();
        for object in &objects {
            listing.push(object);
        }
        listing.sorted()
    }
}

/// Keys whose ETags are compared. Now and then it has one more, for which nothing but time is lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared(HashSet<u64>);

impl Compared {
    /// Adds a key.
    pub fn add(&mut self, key: &str) {
        self.0.insert(xxh3_64(key.as_bytes()));
    }

    /// Whether it has a key.
    pub fn has(&self, key: &str) -> bool {
        self.0.contains(&xxh3_64(key.as_bytes()))
    }
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
    fn a_listing_is_in_order_with_what_belongs_to_each_object() {
        let time = |second| DateTime::from_timestamp(second, 5).unwrap();
        let object = |key: &str, second| Object {
            key: key.to_owned(),
            bytes: 1,
            etag: format!("of {key}"),
            last_modified: time(second),
            version: None,
        };
        let odd = [Object::unreadable("d/a".to_owned(), "it is odd"), Object::unreadable("d/x/".to_owned(), "closed")];
        let [odd, folder] = odd;
        let listing = Listing::from(vec![object("d/c", 3), folder, odd, object("d/b", 2)]);
        assert_eq!(listing.iter().map(|listed| listed.key).collect::<Vec<_>>(), ["d/a", "d/b", "d/c", "d/x/"]);
        let found = listing.find("d/b").unwrap();
        assert_eq!((found.state, found.last_modified), (State::of_etag("of d/b"), time(2)));
        assert_eq!(found.problem, None);
        assert_eq!(listing.find("d/a").unwrap().problem, Some("it is odd"));
        assert!(listing.hides("d/x/y.csv") && !listing.hides("d/ab"));
        let listing = listing.retain(|listed| listed.key != "d/b");
        assert_eq!((listing.len(), listing.find("d/b")), (3, None));
        assert_eq!(listing.find("d/c").unwrap().last_modified, time(3));
        assert_eq!(listing.into_states().find("d/c"), Some(State::of_etag("of d/c")));
    }
}
