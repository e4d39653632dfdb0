//! A list of objects that holds a million of them in little memory.

use std::cmp::Ordering;

use xxhash_rust::xxh3::xxh3_128;

use super::Object;

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

/// Keys and states of objects, by key.
#[derive(Debug, Default)]
pub struct States {
    /// All keys, one behind the other.
    keys: String,
    /// Where each ends.
    ends: Vec<usize>,
    states: Vec<State>,
}

impl States {
    /// Of listed objects.
    pub fn of_objects(objects: &[Object]) -> Self {
        let mut states = Self::default();
        for object in objects {
            let state = if object.problem().is_some() { State::UNKNOWN } else { State::of_etag(&object.etag) };
            states.push(&object.key, state);
        }
        states
    }

    /// Of pairs in any order.
    pub fn of_pairs(mut pairs: Vec<(String, State)>) -> Self {
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut states = Self::default();
        for (key, state) in pairs {
            states.push(&key, state);
        }
        states
    }

    /// Adds an object whose key is greater than all others.
    pub fn push(&mut self, key: &str, state: State) {
        self.keys.push_str(key);
        self.ends.push(self.keys.len());
        self.states.push(state);
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

    /// The state of the object that has a key.
    pub fn find(&self, key: &str) -> Option<State> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from + (to - from) / 2;
            let (found, state) = self.get(middle)?;
            match found.cmp(key) {
                Ordering::Equal => return Some(state),
                Ordering::Less => from = middle + 1,
                Ordering::Greater => to = middle,
            }
        }
        None
    }

    /// The last key.
    pub fn last(&self) -> Option<&str> {
        self.get(self.len().checked_sub(1)?).map(|(key, _)| key)
    }

    /// All objects, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, State)> {
        (0..self.len()).filter_map(|at| self.get(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_by_their_place_in_order() {
        let [one, other] = [State::of_etag("1"), State::of_etag("2")];
        let states = States::of_pairs(vec![("d/b".to_owned(), other), ("d/a".to_owned(), one)]);
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
}
