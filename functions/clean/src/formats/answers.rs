//! Lines of answers, as sources write them: a JSON object for each response, `{"request": ..., "received_at": ..., "status":
//! 200, "body": ...}`, with a `gap` where something could not be fetched.
//!
//! Which of them have rows is decided here: those with status 200 and a body. One without a body (null), of another status or
//! with a gap has none; sources write no body beside a gap.

use std::io::Read;

use chrono::DateTime;
use lake::ledger::Gap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::RawObject;
use crate::error::Stop;
use crate::scanner::Scanner;

/// The longest key, time or request that is accepted.
pub(super) const MAX_TEXT: usize = 4 * 1024 * 1024;

/// A line that is being read. `request`, `received_at` and `status` come before the body, as ingestion writes them.
pub(super) struct Answer {
    /// What was asked.
    pub request: Option<Box<RawValue>>,
    /// When it arrived, in microseconds since 1970.
    pub received_at: i64,
    status: Option<u16>,
    /// What could not be fetched.
    pub gap: Option<Gap>,
    /// Whether a member was read.
    is_begun: bool,
}

impl Answer {
    /// The line that comes next.
    pub(super) fn begin<R: Read>(scanner: &mut Scanner<R>, object: &RawObject) -> Result<Self, Stop> {
        scanner.expect(b'{')?;
        let received_at = object.received_at.timestamp_micros();
        Ok(Self { request: None, received_at, status: Some(200), gap: None, is_begun: false })
    }

    /// Goes on to a body with rows, which the caller reads; false at the end of the line.
    pub(super) fn goes_to_body<R: Read>(&mut self, scanner: &mut Scanner<R>) -> Result<bool, Stop> {
        while !self.is_begun || scanner.either(b',', b'}')? {
            self.is_begun = true;
            match scanner.key(MAX_TEXT)?.as_str() {
                "request" => self.request = Some(parsed(scanner)?),
                "received_at" => {
                    let text: String = parsed(scanner)?;
                    let time = DateTime::parse_from_rfc3339(&text);
                    self.received_at = time.map_err(|error| scanner.not_json(&error.to_string()))?.timestamp_micros();
                }
                "status" => self.status = parsed(scanner)?,
                "gap" => self.gap = parsed(scanner)?,
                "body" if self.is_answer() => match scanner.peek()? {
                    Some(b'n') => parsed::<R, ()>(scanner)?,
                    _ => return Ok(true),
                },
                _ => scanner.skip_value()?,
            }
        }
        Ok(false)
    }

    fn is_answer(&self) -> bool {
        self.status == Some(200) && self.gap.is_none()
    }
}

pub(super) fn parsed<R: Read, T: for<'de> Deserialize<'de>>(scanner: &mut Scanner<R>) -> Result<T, Stop> {
    let length = scanner.value_length(MAX_TEXT)?;
    let text = scanner.window().get(..length).unwrap_or_default();
    let value = serde_json::from_slice(text).map_err(|error| scanner.not_parsed(&error))?;
    scanner.consume(length);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use lake::dataset::Catalog;

    use super::*;

    fn bodies(text: &str) -> Result<(Vec<String>, usize), Stop> {
        let catalog = Catalog::built_in();
        let dataset = catalog.dataset("codetrack").unwrap();
        let (key, table) = ("codetrack/week=2026-11-16/users.ndjson", dataset.table("account").unwrap());
        let object = RawObject { dataset, table, key, received_at: DateTime::UNIX_EPOCH };
        let mut scanner = Scanner::new(text.as_bytes())?;
        let (mut bodies, mut gaps) = (Vec::new(), 0);
        while scanner.peek()?.is_some() {
            let mut line = Answer::begin(&mut scanner, &object)?;
            while line.goes_to_body(&mut scanner)? {
                let length = scanner.value_length(MAX_TEXT)?;
                bodies.push(String::from_utf8_lossy(scanner.window().get(..length).unwrap()).into_owned());
                scanner.consume(length);
            }
            gaps += usize::from(line.gap.is_some());
        }
        Ok((bodies, gaps))
    }

    #[test]
    fn rows_come_from_answers_that_have_a_body_and_no_gap() {
        let gap = r#"{"what":["45"],"reason":"no","can_retry":true}"#;
        for (line, wanted) in [
            (r#"{"request":{},"received_at":"2026-01-01T00:00:00Z","status":200,"body":{"a":1}}"#.to_owned(), (1, 0)),
            (format!(r#"{{"request":{{}},"status":200,"body":null,"gap":{gap}}}"#), (0, 1)),
            (format!(r#"{{"request":{{}},"status":200,"gap":{gap},"body":[1]}}"#), (0, 1)),
            (format!(r#"{{"request":{{}},"status":null,"body":null,"gap":{gap}}}"#), (0, 1)),
            (r#"{"request":{},"status":200,"body":null}"#.to_owned(), (0, 0)),
            (r#"{"request":{},"status":404,"body":{"a":1}}"#.to_owned(), (0, 0)),
            (r#"{"request":{},"status":200,"body":{"a":1},"gap":null}"#.to_owned(), (1, 0)),
        ] {
            let (bodies, gaps) = bodies(&format!("{line}\n{{\"body\":[2]}}\n")).unwrap();
            assert_eq!((bodies.len() - 1, gaps), wanted, "{line}");
        }
        for broken in ["{}", "{\"status\":200", "{\"body\":nothing}"] {
            assert!(bodies(broken).is_err(), "{broken}");
        }
    }
}
