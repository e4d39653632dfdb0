//! How often each endpoint was asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Requests by endpoint. Those that a fault kept from the API are not among them.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<BTreeMap<&'static str, u64>>);

impl Counts {
    /// Counts a request and gives how many the endpoint had before.
    pub(crate) fn add(&self, endpoint: &'static str) -> u64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(endpoint).or_default();
        *count += 1;
        *count - 1
    }

    pub(crate) fn all(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
