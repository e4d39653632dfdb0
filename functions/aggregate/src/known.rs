//! What was found of models on the way to another one: a model that several others read is planned once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use lake::dataset::{Dataset, Model};

/// What is known of models, by dataset and name.
pub struct Known<T>(Mutex<BTreeMap<(String, String), T>>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Known<T> {
    /// What is known of a model.
    pub fn get(&self, dataset: &Dataset, model: &Model) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(dataset.name.clone(), model.name.clone())).cloned()
    }

    /// Notes it.
    pub fn put(&self, dataset: &Dataset, model: &Model, found: T) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert((dataset.name.clone(), model.name.clone()), found);
    }
}
