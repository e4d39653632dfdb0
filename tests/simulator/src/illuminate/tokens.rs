//! Access tokens: who got one may ask for data until it expires.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::random::{Purpose, bits};

/// The tokens given out, and until when each is good.
#[derive(Debug)]
pub(crate) struct Tokens {
    seed: u64,
    life: Duration,
    given: Mutex<Given>,
}

#[derive(Debug, Default)]
struct Given {
    count: u64,
    ends: HashMap<String, Instant>,
    /// How often a token was shown, and the times at which all given out before are over.
    shown: u64,
    over_at: BTreeSet<u64>,
}

impl Tokens {
    pub(crate) fn new(seed: u64, seconds: u64) -> Self {
        Self { seed, life: Duration::from_secs(seconds), given: Mutex::default() }
    }

    pub(crate) fn issue(&self) -> String {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.count += 1;
        let half = |half| bits(self.seed, Purpose::Token, &[given.count, half]);
        let token = format!("{:016x}{:016x}", half(0), half(1));
        // A life beyond what the clock can tell is as good as one that is over.
        let now = Instant::now();
        given.ends.insert(token.clone(), now.checked_add(self.life).unwrap_or(now));
        token
    }

    pub(crate) fn is_good(&self, token: &str) -> bool {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.shown += 1;
        let shown = given.shown;
        if given.over_at.remove(&shown) {
            given.ends.clear();
        }
        given.ends.get(token).is_some_and(|end| Instant::now() < *end)
    }

    pub(crate) fn expire_at(&self, times: &[u64]) {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).over_at = times.iter().copied().collect();
    }

    pub(crate) fn expire_all(&self) {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_until_its_end() {
        let tokens = Tokens::new(1, 60);
        let (first, second) = (tokens.issue(), tokens.issue());
        assert_ne!(first, second);
        assert!(tokens.is_good(&first) && tokens.is_good(&second) && !tokens.is_good("another"));
        tokens.expire_all();
        assert!(!tokens.is_good(&first));
        assert!(tokens.is_good(&tokens.issue()));
        let counted = Tokens::new(1, 60);
        counted.expire_at(&[2]);
        let token = counted.issue();
        assert!(counted.is_good(&token) && !counted.is_good(&token) && counted.is_good(&counted.issue()));
        let short = Tokens::new(1, 0);
        assert!(!short.is_good(&short.issue()));
    }
}
