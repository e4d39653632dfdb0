//! The roster: who there is to ask about.

use std::collections::BTreeSet;
use std::io::{self, Read};

use lake::store::Store;
use serde_json::Value;

use super::NAME;
use crate::error::{Error, Result};

const FOLDER: &str = "codetrack/rosters/";
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
        let bytes = match &newest {
            Some(object) => store.get(&object.key).await?.map(|(object, bytes)| (object.key, bytes)),
            None => None,
        };
        let Some((key, bytes)) = bytes else {
            let url = store.url(&format!("{FOLDER}roster.json"));
            return Err(needs(format!(
                "there is no roster of learners: upload it to {url}, as a JSON list of objects with id, email, name and \
                 cohort (.gz and .zst are taken as well)"
            )));
        };
        // What the parser says could show parts of the roster.
        let unusable = |why: &str| needs(format!("the roster {} {why}: upload it again", store.url(&key)));
        let text = decompress(&key, &bytes).map_err(|_| unusable("cannot be decompressed"))?;
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
        let entries: Vec<Value> = serde_json::from_slice(text).map_err(|_| unusable("is not a JSON list"))?;
        Ok(Self::of(&entries))
    }

    fn of(entries: &[Value]) -> Self {
        let mut ids = BTreeSet::new();
        let mut no_account = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let id = match entry.get("id") {
                Some(Value::String(text)) => text.trim().parse().ok(),
                other => other.and_then(Value::as_i64),
            };
            match id {
                Some(id @ 1..) => drop(ids.insert(id)),
                Some(id) => no_account.push(id.to_string()),
                None => no_account.push(format!("entry {}", index + 1)),
            }
        }
        Self { ids: ids.into_iter().collect(), no_account }
    }
}

fn decompress(key: &str, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if key.ends_with(".gz") {
        flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut text)?;
    } else if key.ends_with(".zst") {
        zstd::stream::read::Decoder::new(bytes)?.read_to_end(&mut text)?;
    } else {
        text = bytes.to_vec();
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_id_is_asked_about_once_and_those_without_account_are_named_by_id_or_place() {
        let entries =
            json!([{"id": 47}, {"id": "43"}, {"id": 0}, {"id": 47}, {"id": -1}, {"name": "Ada"}, {"id": 1.5}, 7]);
        let roster = Roster::of(entries.as_array().unwrap());
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
    }
}
