//! Where things lie: the keys that other engines and tests rely on.

use chrono::{DateTime, Utc};

use crate::hash;
use crate::partition::Partition;

/// The dataset of a raw key: its first segment.
pub fn dataset(raw_key: &str) -> &str {
    raw_key.split('/').next().unwrap_or_default()
}

/// What comes after the dataset in a raw key.
pub fn below_dataset(raw_key: &str) -> &str {
    raw_key.split_once('/').map_or("", |(_, rest)| rest)
}

/// Whether a raw key is hidden: a segment below the dataset begins with `_` or `.`, or with `~$` as what Excel keeps beside
/// an open workbook. Nobody cleans such objects; a source may keep the progress of a run there.
pub fn is_hidden(raw_key: &str) -> bool {
    below_dataset(raw_key).split('/').any(|segment| segment.starts_with(['_', '.']) || segment.starts_with("~$"))
}

/// Whether a key is a folder's own: consoles put an empty object there so that a folder shows.
pub fn is_folder(key: &str) -> bool {
    key.ends_with('/')
}

/// The folder part of a key, with its final slash.
pub fn folder(key: &str) -> &str {
    key.rfind('/').and_then(|end| key.get(..=end)).unwrap_or_default()
}

/// The value of a `NAME=value` segment of a raw key.
pub fn segment<'a>(raw_key: &'a str, name: &str) -> Option<&'a str> {
    raw_key.split('/').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

/// Digits of a hash that ends a name.
const HASH_DIGITS: usize = 32;
/// The longest raw key whose ledger key is that key: S3 takes 1,024 bytes.
const LONGEST_KEY: usize = 900;
/// The longest file name that an ending may still follow: file systems take 255 bytes.
const LONGEST_NAME: usize = 240;

/// Whether a name ends as those do that a hash was added to.
pub(crate) fn has_hash(name: &str) -> bool {
    let bytes = name.as_bytes();
    let hash = bytes.len().checked_sub(HASH_DIGITS + 1).and_then(|start| bytes.get(start..));
    hash.is_some_and(|hash| hash.starts_with(b"-") && hash.iter().skip(1).all(u8::is_ascii_hexdigit))
}

/// A raw key (below its dataset) as one file name: `/` becomes `__`. Two keys never become the same name: where a
/// name would be ambiguous, or has characters that are unsafe in file names or URLs, the key's hash follows, and a name
/// that ends like that by itself gets one, too.
pub fn flatten(raw_key: &str) -> String {
    let name = below_dataset(raw_key);
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '=');
    let flat = name.replace('/', "__");
    let ambiguous =
        name.contains("__") || name.contains("_/") || name.contains("/_") || name.len() > 160 || has_hash(name);
    // Each `/` becomes two characters, and an ending follows.
    if !ambiguous && flat.len() <= LONGEST_NAME && flat.chars().all(safe) {
        return flat;
    }
    let mut cleaned: String = flat.chars().take(120).map(|c| if safe(c) { c } else { '_' }).collect();
    // Readers of a folder skip files whose names begin so.
    if cleaned.starts_with('_') {
        cleaned.replace_range(..1, "x");
    }
    format!("{cleaned}-{}", hash::bytes(raw_key.as_bytes()))
}

/// The raw key that [`flatten`] makes this name of; `None` if the name has a hash in place of a part.
pub fn unflatten(dataset: &str, name: &str) -> Option<String> {
    let raw_key = format!("{dataset}/{}", name.replace("__", "/"));
    (flatten(&raw_key) == name).then_some(raw_key)
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

/// The ledger entry of a raw object: `raw/RAW KEY.json`.
///
/// Where that cannot be, it is another key, and never another object's: a folder whose name ends like an entry gets a
/// `%`, so that it can stand beside the entry, and of a key that is too long a hash is taken.
pub fn raw_ledger(raw_key: &str) -> String {
    // `/a` is in a folder without a name, and `a` in none.
    let (folders, name) = match raw_key.rsplit_once('/') {
        None => (String::new(), raw_key),
        Some((folders, name)) => {
            (folders.split('/').map(|folder| format!("{}/", beside_entries(folder))).collect(), name)
        }
    };
    let key = format!("{folders}{name}");
    if key.len() > LONGEST_KEY || name.len() > LONGEST_NAME || has_hash(name) {
        let start = name.char_indices().map(|(at, _)| at).take_while(|at| *at <= 120).last().unwrap_or_default();
        let start = name.get(..start).unwrap_or_default();
        let folders = if key.len() > LONGEST_KEY { format!("{}/", dataset(raw_key)) } else { folders };
        return format!("raw/{folders}{start}-{}.json", hash::bytes(raw_key.as_bytes()));
    }
    format!("raw/{key}.json")
}

/// A folder's name that cannot be taken for an entry's.
fn beside_entries(folder: &str) -> String {
    let ends_like_one = folder.trim_end_matches('%').ends_with(".json");
    if ends_like_one { format!("{folder}%") } else { folder.to_owned() }
}

/// The raw key whose entry has this key in the ledger; `None` if it is no raw object's, or of a key that was too long.
pub fn raw_key_of(ledger_key: &str) -> Option<String> {
    let key = ledger_key.strip_prefix("raw/")?.strip_suffix(".json")?;
    let (folders, name) = key.rsplit_once('/').map_or((None, key), |(folders, name)| (Some(folders), name));
    let plain = |folder: &str| beside_entries(folder.strip_suffix('%').unwrap_or(folder)) == *folder;
    let folder = |folder: &str| {
        let shortened = folder.strip_suffix('%').filter(|_| plain(folder));
        format!("{}/", shortened.unwrap_or(folder))
    };
    let folders: String = folders.into_iter().flat_map(|folders| folders.split('/').map(folder)).collect();
    let raw_key = format!("{folders}{name}");
    (raw_ledger(&raw_key) == ledger_key).then_some(raw_key)
}

/// The copy of all ledger entries of a dataset's raw objects, in the ledger zone.
pub fn snapshot(dataset: &str) -> String {
    format!("snapshot/{dataset}.entries")
}

/// Where notes of a dataset's changes begin in the ledger zone, of all times or from one on. Their order is that of time.
pub fn notes(dataset: &str, from: Option<DateTime<Utc>>) -> String {
    let stamp = from.map(|from| from.format("%Y%m%dT%H%M%S%.6fZ").to_string()).unwrap_or_default();
    format!("snapshot/{dataset}.news/{stamp}")
}

/// The note that the entry of a raw object may change at a time, by the entry's key in the ledger.
pub fn note(ledger_key: &str, at: DateTime<Utc>) -> Option<String> {
    let (dataset, rest) = ledger_key.strip_prefix("raw/")?.split_once('/')?;
    Some(format!("{}/{rest}", notes(dataset, Some(at))))
}

/// The entry of which a note tells.
pub fn noted(dataset: &str, note: &str) -> Option<String> {
    let (_, rest) = note.strip_prefix(&notes(dataset, None))?.split_once('/')?;
    Some(format!("raw/{dataset}/{rest}"))
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

    #[test]
    fn no_name_begins_as_those_that_readers_skip() {
        for key in ["d/é.csv", "d/ a.csv", "d/(1).csv", "d/%20.csv", "d/+/a.csv", "d/~a.csv"] {
            assert!(flatten(key).starts_with('x'), "{key}: {}", flatten(key));
        }
    }

    #[test]
    fn hidden_keys_have_a_segment_that_says_so_below_the_dataset() {
        for (key, hidden) in [
            ("illuminate/year=24-25/_progress/1/0001.responses_group.ndjson", true),
            ("illuminate/_SUCCESS", true),
            ("illuminate/.DS_Store", true),
            ("hours/2026/~$november.xlsx", true),
            ("hours/2026/~november.xlsx", false),
            ("illuminate/year=24-25/responses_group.ndjson", false),
            ("_own/a_b/c.json", false),
        ] {
            assert_eq!(is_hidden(key), hidden, "{key}");
        }
    }

    #[test]
    fn ledger_keys_are_those_of_the_contract() {
        for (raw, entry) in [
            ("d/a.csv", "raw/d/a.csv.json"),
            ("d/x/a.json", "raw/d/x/a.json.json"),
            ("d/a.csv.json/b.csv", "raw/d/a.csv.json%/b.csv.json"),
            ("d/a.json%/b", "raw/d/a.json%%/b.json"),
        ] {
            assert_eq!(raw_ledger(raw), entry);
            assert_eq!(raw_key_of(entry).as_deref(), Some(raw));
        }
    }

    proptest! {
        #[test]
        fn different_keys_have_different_names(a in "d/[a_/=. é]{1,8}", b in "d/[a_/=. é]{1,8}") {
            prop_assert_eq!(a == b, flatten(&a) == flatten(&b));
        }

        #[test]
        fn a_hashed_name_is_no_other_keys(key in "d/[a_/ é]{1,8}") {
            let name = flatten(&key);
            prop_assume!(name != below_dataset(&key));
            prop_assert_ne!(flatten(&format!("d/{name}")), name);
        }

        #[test]
        fn ledger_keys_are_no_other_objects_and_no_folder_of_another(
            a in "d/((a|b.json|%|/){1,5}|[a-z]{230,260}|[a-c/]{880,920})",
            b in "d/((a|b.json|%|/){1,5}|[a-z]{230,260}|[a-c/]{880,920})",
        ) {
            let (entry, other) = (raw_ledger(&a), raw_ledger(&b));
            prop_assert_eq!(a == b, entry == other);
            prop_assert!(!other.starts_with(&format!("{entry}/")), "{} is a folder of {}", entry, other);
            prop_assert!(entry.len() <= 1024 && entry.split('/').all(|part| part.len() <= 255 || a.len() > LONGEST_KEY));
            if let Some(raw_key) = raw_key_of(&entry) {
                prop_assert_eq!(raw_key, a);
            }
        }

        #[test]
        fn names_are_safe(key in "d/\\PC{1,300}") {
            let name = flatten(&key);
            prop_assert!(name.len() < 200);
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-=".contains(&b)), "{}", name);
        }
    }
}
