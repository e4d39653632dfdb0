//! Writes a raw object of any size anew, assessment by assessment, beside what an earlier run wrote: in the memory of a
//! few answers, with both objects in temporary files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use lake::hash;
use lake::store::{Failure, Store, StoreError};

use super::paging;
use crate::error::Result;
use crate::raw::{self, Line};

/// A raw object on its way.
pub struct Rewrite {
    earlier: File,
    /// Where the earlier object's lines are, by what [`Rewrite::begin`] groups them by.
    places: BTreeMap<String, Vec<Place>>,
    output: File,
    url: String,
}

/// A line's place in a file.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    length: u64,
}

impl Rewrite {
    /// Takes a copy of what is there.
    pub async fn begin(store: &Store, key: &str, group: fn(&Line) -> Option<String>) -> Result<Self> {
        let found = store.read(key).await?;
        let url = store.url(key);
        off_thread(url.clone(), move || {
            let mut rewrite =
                Self { earlier: tempfile::tempfile()?, places: BTreeMap::new(), output: tempfile::tempfile()?, url };
            if let Some(reader) = found {
                rewrite.copy(reader, group)?;
            }
            Ok(rewrite)
        })
        .await
    }

    fn copy(&mut self, reader: impl Read, group: fn(&Line) -> Option<String>) -> io::Result<()> {
        let mut reader = BufReader::new(reader);
        let mut text = Vec::new();
        let mut offset = 0;
        while reader.read_until(b'\n', &mut text)? > 0 {
            let length = text.len() as u64;
            let line = Line::read(&String::from_utf8_lossy(&text));
            if let Some(what) = line.as_ref().and_then(group) {
                self.places.entry(what).or_default().push(Place { offset, length });
            }
            self.earlier.write_all(&text)?;
            offset += length;
            text.clear();
        }
        Ok(())
    }

    /// Adds answers, each with what its lines are grouped by. What has not changed stays as it was; a gap replaces no
    /// earlier answer that has more.
    pub async fn add(mut self, answers: Vec<(String, Vec<Line>)>) -> Result<Self> {
        off_thread(self.url.clone(), move || {
            for (what, new) in answers {
                let earlier = self.earlier_lines(&what)?;
                let mut lines = if better(&earlier, &new) { earlier.clone() } else { new };
                raw::keep_unchanged(&mut lines, &earlier, paging::same_but_for_counts);
                self.output.write_all(&raw::render(&lines))?;
            }
            Ok(self)
        })
        .await
    }

    fn earlier_lines(&mut self, what: &str) -> io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        for place in self.places.get(what).into_iter().flatten() {
            self.earlier.seek(SeekFrom::Start(place.offset))?;
            let mut text = String::new();
            (&mut self.earlier).take(place.length).read_to_string(&mut text)?;
            lines.extend(Line::read(&text));
        }
        Ok(lines)
    }

    /// Writes the object unless it is there with the same bytes; tells its size if it was written.
    pub async fn finish(mut self, store: &Store, key: &str) -> Result<Option<u64>> {
        let is_there = store.head(key).await?.is_some();
        let (output, size, same) = off_thread(self.url.clone(), move || {
            self.earlier.rewind()?;
            self.output.rewind()?;
            let (earlier, _) = hash::reader(&mut self.earlier)?;
            let (hash, size) = hash::reader(&mut self.output)?;
            Ok((self.output, size, earlier == hash))
        })
        .await?;
        if is_there && same {
            return Ok(None);
        }
        store.put_file(key, output, lake::store::Condition::Always).await?;
        Ok(Some(size))
    }
}

/// Whether an earlier answer goes before a new one: the new one has a gap, and the earlier one is whole or has more pages.
fn better(earlier: &[Line], new: &[Line]) -> bool {
    let pages = |lines: &[Line]| lines.iter().filter(|line| line.gap.is_none()).count();
    let is_whole = |lines: &[Line]| !lines.is_empty() && pages(lines) == lines.len();
    !is_whole(new) && (is_whole(earlier) || pages(earlier) > pages(new))
}

/// Does file work off the async threads.
async fn off_thread<T: Send + 'static>(
    url: String,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other).and_then(|result| result);
    let failed =
        |error: io::Error| StoreError { failure: Failure::Other, action: "rewrite", url, why: error.to_string() };
    Ok(done.map_err(failed)?)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono::Utc;
    use lake::ledger::Gap;
    use lake::store::S3Client;

    use super::*;

    fn answer(what: &str, page: usize, body: &str) -> Line {
        let body = Bytes::from(format!(r#"{{"results":[{body}]}}"#));
        Line::answer(format!(r#"["{what}",{page}]"#), 200, &body, Utc::now())
    }

    fn gap(what: &str, page: usize) -> Line {
        let gap = Gap { what: vec![what.into()], reason: "down".into(), can_retry: true };
        Line::gap(format!(r#"["{what}",{page}]"#), Some(500), gap, Utc::now())
    }

    fn group(line: &Line) -> Option<String> {
        line.request.split('"').nth(1).map(str::to_owned)
    }

    #[test]
    fn a_gap_replaces_no_answer_that_has_more() {
        let lines = |pages: usize, has_gap: bool| -> Vec<Line> {
            (0..pages).map(|page| answer("a", page, "")).chain(has_gap.then(|| gap("a", pages))).collect()
        };
        for (earlier, new, keeps_earlier) in [
            (lines(1, false), lines(0, true), true),
            (lines(1, false), lines(2, true), true),
            (lines(2, true), lines(1, true), true),
            (lines(1, true), lines(1, true), false),
            (lines(0, true), lines(1, true), false),
            (lines(3, false), lines(1, false), false),
            (Vec::new(), lines(0, true), false),
        ] {
            assert_eq!(better(&earlier, &new), keeps_earlier, "{earlier:?} {new:?}");
        }
    }

    #[tokio::test]
    async fn an_object_is_written_anew_and_only_where_it_changed() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file:{}", folder.path().display()).parse().unwrap();
        let store = Store::open(&url, &S3Client::default());
        let write = async |answers: Vec<(&str, Vec<Line>)>| {
            let answers = answers.into_iter().map(|(what, lines)| (what.to_owned(), lines)).collect();
            let rewrite = Rewrite::begin(&store, "k", group).await.unwrap();
            let size = rewrite.add(answers).await.unwrap().finish(&store, "k").await.unwrap();
            (size.is_some(), raw::read_lines(&store, "k").await.unwrap())
        };
        assert_eq!(write(vec![]).await, (true, vec![]), "an empty object is an object");
        assert!(!write(vec![]).await.0);
        let first = vec![
            ("a", vec![answer("a", 1, "1"), answer("a", 2, "2")]),
            ("b", vec![answer("b", 1, r#"{"__count":1}"#)]),
        ];
        let all: Vec<Line> = first.iter().flat_map(|(_, lines)| lines.clone()).collect();
        assert_eq!(write(first.clone()).await, (true, all.clone()));
        assert_eq!(write(first).await, (false, all.clone()));
        let mut later = answer("b", 1, r#"{"__count":2}"#);
        later.received_at = "later".to_owned();
        let poor = vec![("a", vec![answer("a", 1, "9"), gap("a", 2)]), ("b", vec![later])];
        assert_eq!(write(poor).await, (false, all), "the earlier answer is whole, and counts do not count");
        let (written, lines) = write(vec![("a", vec![answer("a", 1, "9")])]).await;
        assert!(written && lines.len() == 1 && lines[0].body.as_deref() == Some(r#"{"results":[9]}"#));
    }
}
