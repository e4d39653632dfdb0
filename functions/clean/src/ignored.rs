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

/// The raw keys of folders that no dataset has, and of objects in none, sorted, but for hidden ones.
pub async fn of_no_dataset(lake: &Lake) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    for name in lake.raw.top().await?.into_iter().filter(|name| !name.starts_with(['_', '.'])) {
        match (lake.catalog.dataset(keys::dataset(&name)), name.ends_with('/')) {
            (Ok(_) | Err(Error::Dataset { .. }), _) => {}
            (Err(_), true) => keys.extend(lake.raw.names(&name).await?),
            (Err(_), false) => keys.push(name),
        }
    }
    keys.retain(|key| !keys::is_hidden(key) && !keys::is_folder(key));
    Ok(keys)
}

fn is_ignored(lake: &Lake, raw_key: &str) -> bool {
    match lake.catalog.dataset(keys::dataset(raw_key)) {
        Ok(dataset) => keys::is_hidden(raw_key) || dataset.table_of(raw_key).is_none() && !is_sibling(dataset, raw_key),
        Err(Error::Dataset { .. }) => false,
        Err(_) => true,
    }
}
