//! Raw objects that are never cleaned.

use lake::{Error, Lake, keys};

use crate::error::Result;
use crate::is_sibling;

/// The raw keys that no dataset or table takes, and the hidden ones, sorted. Those of a dataset whose declaration is
/// wrong are not among them: they wait for it.
pub async fn ignored(lake: &Lake) -> Result<Vec<String>> {
    let mut keys = lake.raw.names("").await?;
    // A folder that cannot be read is no object: it is named as such.
    keys.retain(|key| !key.ends_with('/') && is_ignored(lake, key));
    Ok(keys)
}

fn is_ignored(lake: &Lake, raw_key: &str) -> bool {
    match lake.catalog.dataset(keys::dataset(raw_key)) {
        Ok(dataset) => keys::is_hidden(raw_key) || dataset.table_of(raw_key).is_none() && !is_sibling(dataset, raw_key),
        Err(Error::Dataset { .. }) => false,
        Err(_) => true,
    }
}
