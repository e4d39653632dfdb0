//! The roster: who there is to ask about.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Read};

use lake::store::Store;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::NAME;
use crate::error::{Error, Result};

const FOLDER: &str = "codetrack/rosters/";
/// The longest roster that is read, decompressed, in bytes: it is held in memory.
const LONGEST: u64 = 32 * 1024 * 1024;
const MOST_ENTRIES: usize = 100_000;
const FILES: [&str; 3] = ["roster.json", "roster.json.gz", "roster.json.zst"];

/// The learners of the newest roster.
#[derive(Debug, PartialEq, Eq)]
pub struct Roster {
    /// Ids above 0, each once, ascending.
    pub ids: Vec<i64>,
    /// Entries without an account: their ids (0 and below), or their places if they have none.
    pub no_account: Vec<String>,
}

impl Roster {
    /// Reads `codetrack/rosters/roster.json`, which may be compressed; if there are several, the newest.
    pub async fn read(store: &Store) -> Result<Self> {
        let is_roster = |key: &str| key.strip_prefix(FOLDER).is_some_and(|name| FILES.contains(&name));
        let found = store.list(FOLDER).await?.into_iter().filter(|object| is_roster(&object.key));
        let newest = found.max_by(|a, b| (a.last_modified, &a.key).cmp(&(b.last_modified, &b.key)));
        let needs = |why: String| Error::Needs { source_name: NAME, why };
        let Some(object) = newest else {
            let url = store.url(&format!("{FOLDER}roster.json"));
            return Err(needs(format!(
                "there is no roster of learners: upload it to {url}, as a JSON list of objects with id, email, name and \
                 cohort (.gz and .zst are taken as well)"
            )));
        };
        let key = object.key;
        let unusable = |why: &str| needs(format!("the roster {} {why}: upload it again", store.url(&key)));
        let too_long = || unusable(&format!("is longer than {LONGEST} bytes"));
        if object.bytes > LONGEST {
            return Err(too_long());
        }
        let Some((_, bytes)) = store.get(&key).await? else { return Err(unusable("was removed meanwhile")) };
        // What the parser says could show parts of the roster.
        let text = decompress(&key, &bytes).map_err(|_| unusable("cannot be decompressed"))?.ok_or_else(too_long)?;
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
        let not_a_list = format!("is not a JSON list of at most {MOST_ENTRIES} entries");
        serde_json::from_slice(text).map_err(|_| unusable(&not_a_list))
    }
}

/// Reads entry by entry: of each, the id is kept and nothing else.
impl<'de> Deserialize<'de> for Roster {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Roster;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Roster, A::Error> {
                let (mut ids, mut no_account) = (BTreeSet::new(), Vec::new());
                let mut place = 0;
                while let Some(entry) = entries.next_element::<&RawValue>()? {
                    place += 1;
                    if place > MOST_ENTRIES {
                        return Err(serde::de::Error::custom("too many entries"));
                    }
                    match id_of(entry.get()) {
                        Some(id @ 1..) => drop(ids.insert(id)),
                        Some(id) => no_account.push(id.to_string()),
                        None => no_account.push(format!("entry {place}")),
                    }
                }
                Ok(Roster { ids: ids.into_iter().collect(), no_account })
            }
        }
        deserializer.deserialize_seq(Entries)
    }
}

/// The id of an entry.
fn id_of(entry: &str) -> Option<i64> {
    #[derive(Deserialize)]
    struct Entry<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
    }
    // An entry that is a list would be taken for an object with its fields in order.
    let entry: Entry =
        Some(entry).filter(|text| text.starts_with('{')).and_then(|text| serde_json::from_str(text).ok())?;
    let id = entry.id?.get();
    match serde_json::from_str::<String>(id) {
        Ok(text) => text.trim().parse().ok(),
        Err(_) => id.parse().ok(),
    }
}

/// The text; `None` if it is longer than [`LONGEST`].
fn decompress(key: &str, bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    let mut read = |reader: &mut dyn Read| reader.take(LONGEST + 1).read_to_end(&mut text);
    if key.ends_with(".gz") {
        read(&mut flate2::read::MultiGzDecoder::new(bytes))?;
    } else if key.ends_with(".zst") {
        read(&mut zstd::stream::read::Decoder::new(bytes)?)?;
    } else {
        read(&mut { bytes })?;
    }
    Ok(Some(text).filter(|text| text.len() as u64 <= LONGEST))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_id_is_asked_about_once_and_those_without_account_are_named_by_id_or_place() {
        let entries =
            json!([{"id": 47}, {"id": "43"}, {"id": 0}, {"id": 47}, {"id": -1}, {"name": "Ada"}, {"id": 1.5}, 7]);
        let roster: Roster = serde_json::from_str(&entries.to_string()).unwrap();
        assert_eq!(roster.ids, [43, 47]);
        assert_eq!(roster.no_account, ["0", "-1", "entry 6", "entry 7", "entry 8"]);
    }

    #[tokio::test]
    async fn the_newest_roster_counts_compressed_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file:{}", folder.path().display()).parse().unwrap();
        let store = Store::open(&url, &lake::store::S3Client::default());
        let absent = Roster::read(&store).await.unwrap_err().to_string();
        assert!(absent.contains("codetrack/rosters/roster.json") && absent.contains("upload"), "{absent}");

        let put = async |name: &str, bytes: Vec<u8>| {
            let key = format!("{FOLDER}{name}");
            store.put(&key, bytes.into(), lake::store::Condition::Always).await.unwrap();
            Roster::read(&store).await
        };
        assert_eq!(put("roster.json", b"\xEF\xBB\xBF[{\"id\": 1}]".to_vec()).await.unwrap().ids, [1]);
        let zst = zstd::encode_all(&b"[{\"id\": 2}]"[..], 0).unwrap();
        assert_eq!(put("roster.json.zst", zst).await.unwrap().ids, [2]);
        assert_eq!(put("other.json", b"[{\"id\": 3}]".to_vec()).await.unwrap().ids, [2]);
        for (name, bytes) in
            [("roster.json", &b"{\"email\": \"ada@example.org\"}"[..]), ("roster.json.gz", b"ada@example.org")]
        {
            let error = put(name, bytes.to_vec()).await.unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains("ada"), "{error}");
        }
        let bomb = |bytes: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            io::Write::write_all(&mut encoder, bytes).unwrap();
            encoder.finish().unwrap()
        };
        let error = put("roster.json.gz", bomb(&vec![b' '; LONGEST as usize + 1])).await.unwrap_err().to_string();
        assert!(error.contains("is longer than 33554432 bytes"), "{error}");
        let many = format!("[{}0]", "0,".repeat(MOST_ENTRIES));
        let error = put("roster.json.gz", bomb(many.as_bytes())).await.unwrap_err().to_string();
        assert!(error.contains("at most 100000 entries"), "{error}");
    }
}
