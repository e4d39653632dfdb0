//! Raw objects that are never cleaned.

use std::collections::BTreeSet;

use lake::{Error, Lake, keys};
use serde::Serialize;

use crate::error::Result;
use crate::is_sibling;

/// Keys that are shown.
const SHOWN: usize = 10;

/// How many raw objects are never cleaned, and the first of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ignored {
    /// How many there are.
    pub count: u64,
    /// Up to ten of their keys, the first ones in their order.
    pub keys: BTreeSet<String>,
}

impl Ignored {
    /// Counts one more.
    pub fn add(&mut self, key: &str) {
        self.count += 1;
        self.show(key);
    }

    /// Counts those of another dataset, too.
    pub fn join(&mut self, other: Self) {
        self.count += other.count;
        other.keys.iter().for_each(|key| self.show(key));
    }

    fn show(&mut self, key: &str) {
        let is_shown = self.keys.len() < SHOWN || self.keys.last().is_some_and(|last| key < last.as_str());
        if is_shown {
            self.keys.insert(key.to_owned());
        }
        if self.keys.len() > SHOWN {
            self.keys.pop_last();
        }
    }
}

impl<K: AsRef<str>> FromIterator<K> for Ignored {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        let mut ignored = Self::default();
        keys.into_iter().for_each(|key| ignored.add(key.as_ref()));
        ignored
    }
}

/// The raw keys that no dataset or table takes, and the hidden ones, sorted. Those of a dataset whose declaration is
/// wrong are not among them: they wait for it. With a `dataset`, those of its folder alone.
pub async fn ignored(lake: &Lake, dataset: Option<&str>) -> Result<Vec<String>> {
    let folder = dataset.map_or_else(String::new, |name| format!("{name}/"));
    let mut keys = lake.raw.names(&folder).await?;
    // A folder that cannot be read is no object: it is named as such.
    keys.retain(|key| !key.ends_with('/') && is_ignored(lake, key));
    Ok(keys)
}

/// Counts what lies in folders that no dataset has, and in none, but for hidden objects.
pub async fn of_no_dataset(lake: &Lake, ignored: &mut Ignored) -> Result<()> {
    let add = |key: &str, ignored: &mut Ignored| {
        if !keys::is_hidden(key) && !keys::is_folder(key) {
            ignored.add(key);
        }
    };
    for name in lake.raw.top().await?.into_iter().filter(|name| !name.starts_with(['_', '.'])) {
        match (lake.catalog.dataset(keys::dataset(&name)), keys::is_folder(&name)) {
            (Ok(_) | Err(Error::Dataset { .. }), _) => {}
            (Err(_), true) => lake.raw.names(&name).await?.iter().for_each(|key| add(key, ignored)),
            (Err(_), false) => add(&name, ignored),
        }
    }
    Ok(())
}

fn is_ignored(lake: &Lake, raw_key: &str) -> bool {
    match lake.catalog.dataset(keys::dataset(raw_key)) {
        Ok(dataset) => keys::is_hidden(raw_key) || dataset.table_of(raw_key).is_none() && !is_sibling(dataset, raw_key),
        Err(Error::Dataset { .. }) => false,
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_named_and_all_are_counted() {
        let ignored: Ignored = (0..12).rev().map(|number| format!("d/{number:02}")).collect();
        assert_eq!((ignored.count, ignored.keys.len()), (12, SHOWN));
        assert_eq!(ignored.keys.iter().map(String::as_str).collect::<Vec<_>>()[..2], ["d/00", "d/01"]);
        assert_eq!(ignored.keys.last().map(String::as_str), Some("d/09"));
    }
}
