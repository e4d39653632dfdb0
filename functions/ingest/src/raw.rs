//! Raw NDJSON: one line per response, with the request that got it and the body as it was answered.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use lake::ledger::{Gap, timestamp};
use lake::store::{Condition, Store};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Result;

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
        let body = is_json.then(|| text.replace(['\n', '\r'], " "));
        Self { request, received_at: timestamp(now), status: Some(status), body, gap: None }
    }

    /// The line of something that could not be had.
    pub fn gap(request: String, status: Option<u16>, gap: Gap, now: DateTime<Utc>) -> Self {
        Self { request, received_at: timestamp(now), status, body: None, gap: Some(gap) }
    }

    fn same_answer(&self, other: &Line) -> bool {
        (self.status, &self.body, &self.gap) == (other.status, &other.body, &other.gap)
    }

    fn write(&self, text: &mut String) {
        let status = self.status.map_or("null".to_owned(), |status| status.to_string());
        let body = self.body.as_deref().unwrap_or("null").trim();
        let gap = self.gap.as_ref().and_then(|gap| serde_json::to_string(gap).ok());
        let gap = gap.map_or_else(String::new, |gap| format!(r#","gap":{gap}"#));
        let (request, received_at) = (&self.request, &self.received_at);
        text.push_str(&format!(
            r#"{{"request":{request},"received_at":"{received_at}","status":{status},"body":{body}{gap}}}"#
        ));
        text.push('\n');
    }

    /// Reads a line; nothing if nobody here wrote it.
    pub fn read(text: &str) -> Option<Self> {
        let line: Written = serde_json::from_str(text).ok()?;
        let body = line.body.map(|body| body.get().to_owned());
        Some(Self {
            request: line.request.get().to_owned(),
            received_at: line.received_at,
            status: line.status,
            body: body.filter(|body| body != "null"),
            gap: line.gap,
        })
    }
}

/// Joins the lines of this run with those of an earlier one:
///
/// * an answer that has not changed keeps the time at which it first came, so that nothing is written again;
/// * where this run has no answer and the earlier one had it, the earlier answer is kept.
///
/// `asks` tells what a line asked for, `answers` what of that it has.
pub fn merge(
    new: Vec<Line>,
    old: Vec<Line>,
    asks: impl Fn(&Line) -> Vec<String>,
    answers: impl Fn(&Line) -> Vec<String>,
) -> Vec<Line> {
    let answered: BTreeSet<String> = new.iter().flat_map(&answers).collect();
    let missing: BTreeSet<String> = new.iter().flat_map(&asks).filter(|what| !answered.contains(what)).collect();
    let mut merged: Vec<Line> = Vec::with_capacity(new.len());
    let mut matched = vec![false; old.len()];
    for mut line in new {
        let known = old.iter().position(|known| known.request == line.request);
        if let Some(at) = known
            && let Some(known) = old.get(at)
        {
            matched.iter_mut().skip(at).take(1).for_each(|matched| *matched = true);
            if line.same_answer(known) {
                line.received_at.clone_from(&known.received_at);
            } else if answers(&line).is_empty() && !answers(known).is_empty() {
                line = known.clone();
            }
        }
        merged.push(line);
    }
    // The earlier run may have asked in other pieces: what it has of them goes first, since the last line wins.
    let still_needed = |line: &Line| answers(line).iter().any(|what| missing.contains(what));
    let kept = old.into_iter().zip(matched).filter(|(line, matched)| !matched && still_needed(line));
    let mut lines: Vec<Line> = kept.map(|(line, _)| line).collect();
    lines.append(&mut merged);
    lines
}

/// Puts the lines of an earlier run in place of those of this run that got the same answer to the same request, by
/// `same`, which compares bodies that are not the same bytes: they keep the time at which they first came, and nothing is
/// written again.
pub fn keep_unchanged(new: &mut [Line], old: &[Line], same: impl Fn(&str, &str) -> bool) {
    let by_request: BTreeMap<&str, &Line> = old.iter().map(|line| (line.request.as_str(), line)).collect();
    for line in new {
        let Some(known) = by_request.get(line.request.as_str()) else { continue };
        let same_body = match (&line.body, &known.body) {
            (Some(new), Some(old)) => new == old || same(new, old),
            (new, old) => new == old,
        };
        if same_body && (line.status, &line.gap) == (known.status, &known.gap) {
            *line = (*known).clone();
        }
    }
}

/// Reads the lines of an earlier run; none if there is no such object. Lines that nobody here wrote are left out.
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

/// Writes an object unless it is there with the same bytes; tells whether it was written.
pub async fn write_if_changed(store: &Store, key: &str, bytes: Bytes) -> Result<bool> {
    if store.get(key).await?.is_some_and(|(_, there)| there == bytes) {
        return Ok(false);
    }
    store.put(key, bytes, Condition::Always).await?;
    Ok(true)
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

    fn asks(line: &Line) -> Vec<String> {
        vec![line.request.trim_matches('"').trim_start_matches("half of ").to_owned()]
    }

    fn answers(line: &Line) -> Vec<String> {
        if line.status == Some(200) { asks(line) } else { Vec::new() }
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
    fn unchanged_answers_keep_their_time_and_changed_ones_do_not() {
        let old = vec![line("a", "old", Some("1")), line("b", "old", Some("1"))];
        let new = vec![line("a", "new", Some("1")), line("b", "new", Some("2"))];
        let merged = merge(new, old, asks, answers);
        assert_eq!(merged, [line("a", "old", Some("1")), line("b", "new", Some("2"))]);
    }

    #[test]
    fn a_gap_never_replaces_an_answer() {
        let merged = merge(vec![line("a", "new", None)], vec![line("a", "old", Some("1"))], asks, answers);
        assert_eq!(merged, [line("a", "old", Some("1"))]);
    }

    #[test]
    fn an_answer_that_was_asked_in_other_pieces_is_kept_for_a_gap() {
        let mut gap = line("a", "new", None);
        gap.request = "\"half of a\"".to_owned();
        let old = line("a", "old", Some("1"));
        assert_eq!(merge(vec![gap.clone()], vec![old.clone(), line("z", "old", Some("1"))], asks, answers), [old, gap]);
    }

    #[test]
    fn a_refusal_never_replaces_an_answer() {
        let mut refused = line("a", "new", Some("{}"));
        refused.status = Some(404);
        let old = line("a", "old", Some("1"));
        assert_eq!(merge(vec![refused], vec![old.clone()], asks, answers), [old]);
    }

    #[test]
    fn a_gap_is_filled_by_an_answer() {
        let filled = line("a", "new", Some("1"));
        assert_eq!(merge(vec![filled.clone()], vec![line("a", "old", None)], asks, answers), [filled]);
    }
}
