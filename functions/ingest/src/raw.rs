//! Raw NDJSON: one line per response, with the request that got it and the body as it was answered.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use lake::ledger::{Gap, timestamp};
use lake::store::{Condition, Failure, Object, Store, StoreError};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::replace::{Replaced, Shape, Terms, replace, without_hollow};

/// How often an object is made again because another run has written it.
const REWRITE_TRIES: u32 = 50;

/// One response, or a gap where there should be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The request as JSON text. Lines of two runs are the same response to the same question if it is the same.
    pub request: String,
    /// When the answer came.
    pub received_at: String,
    /// The answer's status, if there was one.
    pub status: Option<u16>,
    /// The answer's body: JSON text without line breaks.
    pub body: Option<String>,
    /// What could not be had, and why.
    pub gap: Option<Gap>,
}

/// A line as it is written, in the contract's order.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    request: &'a RawValue,
    received_at: String,
    status: Option<u16>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
    #[serde(default)]
    gap: Option<Gap>,
}

impl Line {
    /// The line of an answer. Line breaks can stand between a JSON text's tokens only; they become blanks, so that
    /// one response stays one line. Everything else is kept byte for byte. A refusal's body that is no JSON is left
    /// out.
    pub fn answer(request: String, status: u16, body: &Bytes, now: DateTime<Utc>) -> Self {
        let text = String::from_utf8_lossy(body);
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        let body = is_json.then(|| text.trim().replace(['\n', '\r'], " "));
        Self { request, received_at: timestamp(now), status: Some(status), body, gap: None }
    }

    /// The line of something that could not be had.
    pub fn gap(request: String, status: Option<u16>, gap: Gap, now: DateTime<Utc>) -> Self {
        Self { request, received_at: timestamp(now), status, body: None, gap: Some(gap) }
    }

    /// Whether it has a body to take rows from.
    pub fn is_answer(&self) -> bool {
        self.status == Some(200) && self.body.is_some() && self.gap.is_none()
    }

    /// Whether another line has the same answer, whenever it came.
    pub fn same_as(&self, other: &Line) -> bool {
        (self.status, &self.body, &self.gap) == (other.status, &other.body, &other.gap)
    }

    fn write(&self, text: &mut String) {
        let received_at = serde_json::to_string(&self.received_at).unwrap_or_default();
        let status = self.status.map_or("null".to_owned(), |status| status.to_string());
        let body = self.body.as_deref().unwrap_or("null").trim();
        let gap = self.gap.as_ref().and_then(|gap| serde_json::to_string(gap).ok());
        let gap = gap.map_or_else(String::new, |gap| format!(r#","gap":{gap}"#));
        let request = &self.request;
        text.push_str(&format!(
            r#"{{"request":{request},"received_at":{received_at},"status":{status},"body":{body}{gap}}}"#
        ));
        text.push('\n');
    }

    /// Reads a line; nothing if no source wrote it.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str::<Written>(text).ok().map(Self::from)
    }
}

impl From<Written<'_>> for Line {
    fn from(line: Written<'_>) -> Self {
        // A body that was read from several lines of text becomes one, as in `Line::answer`.
        let flat = |text: &RawValue| text.get().replace(['\n', '\r'], " ");
        Self {
            request: flat(line.request),
            received_at: line.received_at,
            status: line.status,
            body: line.body.map(flat).filter(|body| body != "null"),
            gap: line.gap,
        }
    }
}

/// Reads the lines of an object: one JSON text after another, each in one or several lines of text. `None` if it has
/// anything else, which no source wrote.
pub fn parse(bytes: &[u8]) -> Option<Vec<Line>> {
    let written = serde_json::Deserializer::from_slice(bytes).into_iter::<Written>();
    written.map(|line| line.ok().map(Line::from)).collect()
}

/// Reads the lines of an earlier run; none if there is no such object. Lines that are not readable are left out.
pub async fn read_lines(store: &Store, key: &str) -> Result<Vec<Line>> {
    let Some((_, bytes)) = store.get(key).await? else { return Ok(Vec::new()) };
    Ok(String::from_utf8_lossy(&bytes).lines().filter_map(Line::read).collect())
}

/// The lines as one object.
pub fn render(lines: &[Line]) -> Bytes {
    let mut text =
        String::with_capacity(lines.iter().map(|line| line.body.as_deref().map_or(0, str::len) + 1024).sum());
    for line in lines {
        line.write(&mut text);
    }
    Bytes::from(text)
}

/// What became of an object.
#[derive(Debug)]
pub struct Put<T> {
    /// Its size, if it was written; `None` if it was there already, the same.
    pub bytes: Option<usize>,
    /// What was made beside its bytes.
    pub told: T,
}

/// Writes what `make` makes of the bytes that are there, unless it is the same. If another run writes the object in the
/// meantime, it is made again of what that run wrote, so that neither loses what the other has added.
pub async fn rewrite<T>(
    store: &Store,
    key: &str,
    mut make: impl FnMut(Option<&Bytes>) -> Result<(Bytes, T)>,
) -> Result<Put<T>> {
    let mut tries = 0;
    loop {
        let there = store.get(key).await?;
        let (bytes, told) = make(there.as_ref().map(|(_, bytes)| bytes))?;
        if there.as_ref().is_some_and(|(_, there)| *there == bytes) {
            return Ok(Put { bytes: None, told });
        }
        let size = bytes.len();
        match store.put(key, bytes, condition(there.map(|(object, _)| object))).await {
            Ok(_) => return Ok(Put { bytes: Some(size), told }),
            Err(error) if error.failure == Failure::Condition => {
                tries += 1;
                if tries >= REWRITE_TRIES {
                    return Err(overtaken(store, key));
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes the lines of a run by the rule of [`crate::replace`]; reports what was lost, by subject. `before` is what other
/// objects have of the same: it counts as the earlier answer about subjects of which this object has none.
pub async fn replace_lines(
    store: &Store,
    key: &str,
    new: &[Line],
    before: &[Line],
    shape: &dyn Shape,
    terms: &Terms<'_>,
) -> Result<Put<BTreeMap<String, Vec<String>>>> {
    let make = |old: &[Line]| {
        let replaced = replace_beside(new, old, before, shape, terms);
        (replaced.lines, replaced.lost)
    };
    rewrite_lines(store, key, shape, terms.accept_loss, make).await
}

/// Writes the lines that `make` makes of those that are there. An object with lines that no source wrote is not replaced,
/// unless the loss is accepted.
pub async fn rewrite_lines<T>(
    store: &Store,
    key: &str,
    shape: &dyn Shape,
    accept_loss: bool,
    mut make: impl FnMut(&[Line]) -> (Vec<Line>, T),
) -> Result<Put<T>> {
    rewrite(store, key, |there: Option<&Bytes>| {
        let Some(there) = there else {
            let (lines, told) = make(&[]);
            return Ok((render(&lines), told));
        };
        let old = match parse(there) {
            Some(old) if accept_loss || old.iter().all(|line| !shape.asks(line).is_empty()) => old,
            None if accept_loss => Vec::new(),
            _ => return Err(Error::Unreadable { url: store.url(key) }),
        };
        let (lines, told) = make(&old);
        // An object without lines may have bytes that are not readable.
        let is_same = lines == old && (there.is_empty() || !old.is_empty());
        Ok((if is_same { there.clone() } else { render(&lines) }, told))
    })
    .await
}

/// As [`replace`], with what other objects have, of the subjects of which something would be lost without it: an answer that
/// lacks nothing is no copy of another object's. A gap stays beside that: it is about weeks or days of this object.
fn replace_beside(new: &[Line], old: &[Line], before: &[Line], shape: &dyn Shape, terms: &Terms<'_>) -> Replaced {
    let subjects = |lines: &[Line], of: fn(&Line) -> bool| -> BTreeSet<String> {
        lines.iter().filter(|line| of(line)).flat_map(|line| shape.asks(line)).collect()
    };
    let (answered, gaps) = (subjects(old, Line::is_answer), subjects(new, |line| line.gap.is_some()));
    let asks_any = |line: &Line, of: &BTreeSet<String>| shape.asks(line).iter().any(|subject| of.contains(subject));
    let before = before.iter().filter(|line| !asks_any(line, &answered)).cloned();
    let (beside, mut earlier): (Vec<Line>, Vec<Line>) = before.partition(|line| asks_any(line, &gaps));
    if !earlier.is_empty() {
        let lost = replace(new.to_vec(), [old, &earlier].concat(), shape, terms).lost.into_keys().collect();
        earlier.retain(|line| asks_any(line, &lost));
    }
    if old.is_empty() && earlier.is_empty() && beside.is_empty() {
        return Replaced { lines: without_hollow(new.to_vec(), shape), lost: BTreeMap::new() };
    }
    let mut replaced = replace(new.to_vec(), [old, &earlier].concat(), shape, terms);
    if !beside.is_empty() {
        replaced.lines.extend(beside);
        shape.sort(&mut replaced.lines);
    }
    replaced
}

/// That an object is as it was read.
pub fn condition(there: Option<Object>) -> Condition {
    there.map_or(Condition::Absent, |object| Condition::Unchanged(object.etag))
}

/// The error of an object that other runs keep writing.
pub fn overtaken(store: &Store, key: &str) -> Error {
    let why = "other runs wrote it each time before this one did".to_owned();
    StoreError { failure: Failure::Transient, action: "write", url: store.url(key), why }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(request: &str, received_at: &str, body: Option<&str>) -> Line {
        let gap = Gap { what: vec![request.to_owned()], reason: "down".to_owned(), can_retry: true };
        Line {
            request: format!("{request:?}"),
            received_at: received_at.to_owned(),
            status: body.map(|_| 200),
            body: body.map(str::to_owned),
            gap: if body.is_none() { Some(gap) } else { None },
        }
    }

    #[test]
    fn lines_come_back_as_they_were_written() {
        let lines = vec![line("a", "2026-11-18T00:00:00Z", Some(r#"{"x": 1.50}"#)), line("b", "t", None)];
        let text = String::from_utf8(render(&lines).to_vec()).unwrap();
        assert_eq!(text.lines().filter_map(Line::read).collect::<Vec<_>>(), lines);
        let first = r#"{"request":"a","received_at":"2026-11-18T00:00:00Z","status":200,"body":{"x": 1.50}}"#;
        assert_eq!(text.lines().next(), Some(first));
    }

    #[test]
    fn line_breaks_in_a_body_become_blanks_and_nothing_else_changes() {
        let body = Bytes::from_static(b"{\n \"a\":\r\n 1.0}");
        assert_eq!(Line::answer("1".into(), 200, &body, Utc::now()).body.unwrap(), "{  \"a\":   1.0}");
    }

    #[test]
    fn an_object_is_read_whole_or_not_at_all() {
        let text = "{\"request\":1,\"received_at\":\"t\",\"status\":200,\n \"body\":{\n}}\n\n{\"request\":2,\"received_at\":\"t\"}";
        let lines = parse(text.as_bytes()).unwrap();
        assert_eq!(lines.iter().map(|line| line.request.as_str()).collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(parse(b"").unwrap(), []);
        for foreign in ["[1]", "{\"request\":1}", &format!("{text}\nx"), &format!("{text}{{")] {
            assert_eq!(parse(foreign.as_bytes()), None, "{foreign}");
        }
    }

    #[tokio::test]
    async fn two_writers_lose_nothing_of_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(
            &format!("file:{}", folder.path().display()).parse().unwrap(),
            &lake::store::S3Client::default(),
        );
        let write = async |mine: &'static str, meanwhile: &[&str]| {
            let mut meanwhile = meanwhile.iter();
            let mut made = 0;
            let put = rewrite(&store, "k", |there| {
                made += 1;
                let there = there.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
                if let Some(other) = meanwhile.next() {
                    std::fs::write(folder.path().join("k"), format!("{there}{other}")).unwrap();
                }
                let mine = if there.contains(mine) { "" } else { mine };
                Ok((Bytes::from(format!("{there}{mine}")), ()))
            });
            let bytes = put.await.unwrap().bytes;
            (bytes, made)
        };
        assert_eq!(write("a", &[]).await, (Some(1), 1));
        assert_eq!(write("a", &[]).await, (None, 1));
        assert_eq!(write("b", &["x", "y"]).await, (Some(4), 3));
        assert_eq!(std::fs::read_to_string(folder.path().join("k")).unwrap(), "axyb");
    }
}
