//! Where things lie: the keys that other engines and tests rely on.

use xxhash_rust::xxh3::xxh3_64;

use crate::partition::Partition;

/// The dataset of a raw key: its first segment.
pub fn dataset(raw_key: &str) -> &str {
    raw_key.split('/').next().unwrap_or_default()
}

/// What comes after the dataset in a raw key.
pub fn below_dataset(raw_key: &str) -> &str {
    raw_key.split_once('/').map_or("", |(_, rest)| rest)
}

/// The folder part of a key, with its final slash.
pub fn folder(key: &str) -> &str {
    key.rfind('/').and_then(|end| key.get(..=end)).unwrap_or_default()
}

/// The value of a `NAME=value` segment of a raw key.
pub fn segment<'a>(raw_key: &'a str, name: &str) -> Option<&'a str> {
    raw_key.split('/').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

/// A raw key (below its dataset) as one file name: `/` becomes `__`. Two keys never become the same name: where a
/// name would be ambiguous, or has characters that are unsafe in file names or URLs, a hash of the key follows.
pub fn flatten(raw_key: &str) -> String {
    let name = below_dataset(raw_key);
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '=');
    let ambiguous = name.contains("__") || name.contains("_/") || name.contains("/_") || name.len() > 160;
    let flat = name.replace('/', "__");
    if !ambiguous && flat.chars().all(safe) {
        return flat;
    }
    let cleaned: String = flat.chars().take(120).map(|c| if safe(c) { c } else { '_' }).collect();
    format!("{cleaned}-{:016x}", xxh3_64(raw_key.as_bytes()))
}

/// A standard zone object made from one raw object.
pub fn standard(dataset: &str, table: &str, partition: &Partition, raw_key: &str) -> String {
    partition.key(&format!("{dataset}/{table}"), &format!("{}.parquet", flatten(raw_key)))
}

/// The rejected rows of one raw object.
pub fn rejection(dataset: &str, table: &str, raw_key: &str) -> String {
    format!("{dataset}/{table}/{}.ndjson", flatten(raw_key))
}

/// One partition of a model.
pub fn consumption(dataset: &str, model: &str, partition: &Partition) -> String {
    partition.key(&format!("{dataset}/{model}"), "data.parquet")
}

/// A file that is written from a model's partitions.
pub fn consumption_file(dataset: &str, file: &str) -> String {
    format!("{dataset}/{file}")
}

/// The ledger entry of a raw object.
pub fn raw_ledger(raw_key: &str) -> String {
    format!("raw/{raw_key}.json")
}

/// The ledger entry of a consumption partition; a model without partitions has `whole.json`.
pub fn consumption_ledger(dataset: &str, model: &str, partition: &Partition) -> String {
    let name = if partition.as_str().is_empty() { "whole" } else { partition.as_str() };
    format!("consumption/{dataset}/{model}/{name}.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_names_stay_readable() {
        assert_eq!(flatten("irceline/date=2026-11-18/values.ndjson"), "date=2026-11-18__values.ndjson");
        assert_eq!(flatten("energy_usage/energy_usage.csv"), "energy_usage.csv");
        assert_eq!(segment("irceline/date=2026-11-18/values.ndjson", "date"), Some("2026-11-18"));
        assert_eq!(folder("a/b/c"), "a/b/");
    }

    proptest! {
        #[test]
        fn different_keys_have_different_names(a in "d/[a_/=. é]{1,8}", b in "d/[a_/=. é]{1,8}") {
            prop_assert_eq!(a == b, flatten(&a) == flatten(&b));
        }

        #[test]
        fn names_are_safe(key in "d/\\PC{1,300}") {
            let name = flatten(&key);
            prop_assert!(name.len() < 200);
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-=".contains(&b)), "{}", name);
        }
    }
}
