//! Writes a raw object of any size anew, assessment by assessment, beside what an earlier run wrote: in the memory of a
//! few answers, with both objects in temporary files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use chrono::{DateTime, Utc};
use lake::hash;
use lake::store::{Failure, Object, Store, StoreError};

use super::shapes::Results;
use crate::error::{Error, Result};
use crate::raw::{self, Line};
use crate::replace::{Terms, replace};

/// A raw object on its way.
pub struct Rewrite {
    /// The earlier object, if there is one.
    there: Option<Object>,
    earlier: File,
    /// Where the earlier object's lines are, by assessment.
    places: BTreeMap<String, Vec<Place>>,
    output: File,
    url: String,
    shape: Results,
    accept_loss: bool,
    now: DateTime<Utc>,
    /// Assessments of which something stays that the API no longer has.
    lost: Vec<String>,
}

/// A line's place in a file.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    length: u64,
}

/// What became of the object.
#[derive(Debug, PartialEq, Eq)]
pub enum Finished {
    /// It was there already, the same.
    Same,
    /// It was written, with this size.
    Written(u64),
    /// Another run has written it in the meantime: this one must begin anew.
    Overtaken,
}

/// How a copy of the earlier object failed.
enum Copied {
    Done,
    Unreadable,
}

impl Rewrite {
    /// Takes a copy of what is there.
    pub async fn begin(
        store: &Store,
        key: &str,
        shape: Results,
        accept_loss: bool,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let reading = store.read(key).await?;
        let url = store.url(key);
        let at = url.clone();
        let begun = off_thread(url.clone(), move || {
            let (earlier, output) = (tempfile::tempfile()?, tempfile::tempfile()?);
            let (places, lost) = (BTreeMap::new(), Vec::new());
            let mut rewrite = Self { there: None, earlier, places, output, url, shape, accept_loss, now, lost };
            if let Some(mut reading) = reading {
                if matches!(rewrite.copy(&mut reading)?, Copied::Unreadable) {
                    return Ok(None);
                }
                rewrite.there = Some(reading.finish()?);
            }
            Ok(Some(rewrite))
        });
        begun.await?.ok_or(Error::Unreadable { url: at })
    }

    fn copy(&mut self, reader: impl Read) -> io::Result<Copied> {
        let mut reader = BufReader::new(reader);
        let mut text = Vec::new();
        let mut offset = 0;
        while reader.read_until(b'\n', &mut text)? > 0 {
            let length = text.len() as u64;
            let line = Line::read(&String::from_utf8_lossy(&text));
            match line.as_ref().and_then(self.shape.assessment) {
                Some(what) => self.places.entry(what).or_default().push(Place { offset, length }),
                None if text.trim_ascii().is_empty() || self.accept_loss => {}
                None => return Ok(Copied::Unreadable),
            }
            self.earlier.write_all(&text)?;
            offset += length;
            text.clear();
        }
        Ok(Copied::Done)
    }

    /// Adds answers, each with the assessment that it is about, by the rule of [`crate::replace`].
    pub async fn add(mut self, answers: Vec<(String, Vec<Line>)>) -> Result<Self> {
        off_thread(self.url.clone(), move || {
            for (what, new) in answers {
                let earlier = self.earlier_lines(&what)?;
                self.places.remove(&what);
                let terms = Terms { accept_loss: self.accept_loss, is_gone: &|_| false, now: self.now };
                let replaced = replace(new, earlier, &self.shape, &terms);
                self.lost.extend(replaced.lost.into_keys());
                self.output.write_all(&raw::render(&replaced.lines))?;
            }
            Ok(self)
        })
        .await
    }

    /// Adds what is there of the assessments that this run did not ask about, except for those that are gone, if the loss
    /// is accepted.
    pub async fn add_others(mut self, is_gone: impl Fn(&str) -> bool) -> Result<Self> {
        let others: Vec<String> =
            self.places.keys().filter(|what| !(self.accept_loss && is_gone(what))).cloned().collect();
        off_thread(self.url.clone(), move || {
            for what in others {
                for place in self.places.remove(&what).unwrap_or_default() {
                    let text = self.text(place)?;
                    self.output.write_all(text.as_bytes())?;
                    if !text.ends_with('\n') {
                        self.output.write_all(b"\n")?;
                    }
                }
            }
            Ok(self)
        })
        .await
    }

    fn text(&mut self, place: Place) -> io::Result<String> {
        self.earlier.seek(SeekFrom::Start(place.offset))?;
        let mut text = Vec::new();
        (&mut self.earlier).take(place.length).read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn earlier_lines(&mut self, what: &str) -> io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        for place in self.places.get(what).cloned().unwrap_or_default() {
            lines.extend(Line::read(&self.text(place)?));
        }
        Ok(lines)
    }

    /// Writes the object unless it is there with the same bytes; reports the assessments of which something stays that the
    /// API no longer has, too.
    pub async fn finish(mut self, store: &Store, key: &str) -> Result<(Finished, Vec<String>)> {
        let (there, lost) = (self.there.take(), std::mem::take(&mut self.lost));
        let (output, size, same) = off_thread(self.url.clone(), move || {
            self.earlier.rewind()?;
            self.output.rewind()?;
            let (earlier, _) = hash::reader(&mut self.earlier)?;
            let (hash, size) = hash::reader(&mut self.output)?;
            Ok((self.output, size, earlier == hash))
        })
        .await?;
        if there.is_some() && same {
            return Ok((Finished::Same, lost));
        }
        match store.put_file(key, output, raw::condition(there)).await {
            Ok(_) => Ok((Finished::Written(size), lost)),
            Err(error) if error.failure == Failure::Condition => Ok((Finished::Overtaken, lost)),
            Err(error) => Err(error.into()),
        }
    }
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
    use lake::dataset::Catalog;
    use lake::ledger::Gap;
    use lake::store::S3Client;

    use super::*;
    use crate::replace::{Item, Shape};

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

    fn results() -> Results {
        let catalog = Catalog::built_in();
        Results { assessment: group, table: catalog.dataset("illuminate").unwrap().table("result_overall").cloned() }
    }

    fn row(student: i64, points: i64, count: i64) -> String {
        format!(r#"{{"assessment_id":7,"local_student_id":{student},"points":{points},"__count":{count}}}"#)
    }

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file:{}", folder.path().display()).parse().unwrap();
        let store = Store::open(&url, &S3Client::default());
        (folder, store)
    }

    type Answers<'a> = Vec<(&'a str, Vec<Line>)>;

    async fn begin(store: &Store, answers: Answers<'_>, accept_loss: bool) -> Rewrite {
        let answers = answers.into_iter().map(|(what, lines)| (what.to_owned(), lines)).collect();
        let rewrite = Rewrite::begin(store, "k", results(), accept_loss, Utc::now()).await.unwrap();
        rewrite.add(answers).await.unwrap().add_others(|what| what == "gone").await.unwrap()
    }

    async fn write(store: &Store, answers: Answers<'_>, accept_loss: bool) -> (bool, Vec<Line>, Vec<String>) {
        let rewrite = begin(store, answers, accept_loss).await;
        let (finished, lost) = rewrite.finish(store, "k").await.unwrap();
        (finished != Finished::Same, raw::read_lines(store, "k").await.unwrap(), lost)
    }

    #[tokio::test]
    async fn gaps_replace_no_answer_that_has_more() {
        let lines = |pages: &[usize], has_gap: bool| -> Vec<Line> {
            let answers = pages.iter().map(|page| answer("a", *page, &row(*page as i64, 1, 1)));
            answers.chain(has_gap.then(|| gap("a", 9))).collect()
        };
        for (earlier, new, students, has_gap) in [
            (lines(&[1], false), lines(&[], true), 1, false),
            (lines(&[1], false), lines(&[1, 2], true), 1, false),
            (lines(&[1, 2], true), lines(&[1], true), 2, true),
            (lines(&[1], true), lines(&[1], true), 1, true),
            (lines(&[], true), lines(&[1], true), 1, true),
            (lines(&[1], true), lines(&[1, 2], false), 2, false),
        ] {
            let (_folder, store) = store().await;
            write(&store, vec![("a", earlier.clone())], false).await;
            let (_, there, lost) = write(&store, vec![("a", new.clone())], false).await;
            let rows: usize =
                there.iter().map(|line| line.body.as_deref().unwrap_or("").matches("points").count()).sum();
            assert_eq!((rows, there.iter().any(|line| line.gap.is_some())), (students, has_gap), "{earlier:?} {new:?}");
            assert!(lost.is_empty());
        }
    }

    #[tokio::test]
    async fn rows_are_corrected_and_none_is_lost() {
        let (_folder, store) = store().await;
        let both = format!("{},{}", row(1, 3, 2), row(2, 3, 2));
        write(
            &store,
            vec![("a", vec![answer("a", 1, &both)]), ("gone", vec![answer("gone", 1, &row(1, 1, 1))])],
            false,
        )
        .await;
        let new = vec![("a", vec![answer("a", 1, &row(1, 4, 1))])];
        let (written, lines, lost) = write(&store, new.clone(), false).await;
        assert!(written && lost == ["a"]);
        let bodies: Vec<&str> = lines.iter().filter_map(|line| line.body.as_deref()).collect();
        let kept = |row: &str| format!(r#"{{"results":[{row}]}}"#);
        assert_eq!(bodies, [kept(&row(1, 4, 1)), kept(&row(2, 3, 2)), kept(&row(1, 1, 1))]);
        let (written, _, lost) = write(&store, new.clone(), false).await;
        assert!(!written && lost == ["a"], "it is still missing");
        let (written, lines, lost) = write(&store, new, true).await;
        assert!(written && lines.len() == 1 && lost.is_empty(), "{lines:?}");
    }

    #[tokio::test]
    async fn a_measure_that_is_null_throughout_is_lost_and_a_single_null_is_a_correction() {
        let result = |student: i64, points: &str, mastered: &str| {
            format!(r#"{{"assessment_id":7,"local_student_id":{student},"points":{points},"mastered":{mastered}}}"#)
        };
        let page = |first: (&str, &str), second: (&str, &str)| {
            let rows = format!("{},{}", result(1, first.0, first.1), result(2, second.0, second.1));
            vec![("a", vec![answer("a", 1, &rows)])]
        };
        // The earlier answer is made first: what was received later counts as later.
        let had = page(("3", "true,\"title\":\"A\""), ("4", "null"));
        for (poor, is_lost) in [
            (page(("null", "null"), ("null", "null")), true),
            (page(("null", "true"), ("null", "true")), true),
            (page(("5", "\"\""), ("6", "null")), true),
            (page(("3", "true,\"title\":null"), ("4", "null")), true),
            (page(("null", "false"), ("4", "null,\"title\":\"A\"")), false),
            (page(("0", "false,\"title\":\"B\""), ("0", "null")), false),
        ] {
            let (_folder, store) = store().await;
            let (_, before, _) = write(&store, had.clone(), false).await;
            for _ in 0..2 {
                let (_, lines, lost) = write(&store, poor.clone(), false).await;
                assert_eq!((lines == before, lost.as_slice() == ["a"]), (is_lost, is_lost), "{poor:?}");
            }
            let (_, lines, lost) = write(&store, poor.clone(), true).await;
            assert_eq!((lines.len(), lines[0].body.as_deref(), lost.len()), (1, poor[0].1[0].body.as_deref(), 0));
        }
        // Results that have come without values until now may come so again.
        let (_folder, store) = store().await;
        let none = || page(("null", "null"), ("null", "null"));
        write(&store, none(), false).await;
        assert_eq!(write(&store, none(), false).await.2, [""; 0]);
        let later = page(("3", "true"), ("4", "null"));
        assert!(write(&store, later, false).await.0);
    }

    #[tokio::test]
    async fn rows_that_the_table_rejects_replace_none_that_it_takes() {
        let row = |student: i64, assessment: &str, points: &str, date: &str| {
            format!(
                r#"{{"assessment_id":{assessment},"local_student_id":{student},"points":{points},"date_taken":"{date}"}}"#
            )
        };
        let page = |rows: [String; 2]| vec![("a".to_owned(), vec![answer("a", 1, &rows.join(","))])];
        let good = |student| row(student, "7", "\"3\"", "2024-11-05");
        let had = page([good(1), good(2)]);
        for (poor, needed) in [
            ([1, 2].map(|student| row(student, "7", "\"abc\"", "2024-11-05")), 2),
            ([1, 2].map(|student| row(student, "7", "3", "2024-13-45")), 2),
            ([1, 2].map(|student| row(student, "null", "3", "2024-11-05")), 2),
            ([good(1), row(2, "7", "[3]", "2024-11-05")], 1),
            ([good(1), row(2, "7", "4", "1970-01-01")], 0),
        ] {
            let (_folder, store) = store().await;
            let write = async |answers: Vec<(String, Vec<Line>)>, accept_loss| {
                let rewrite = Rewrite::begin(&store, "k", results(), accept_loss, Utc::now()).await.unwrap();
                let rewrite = rewrite.add(answers).await.unwrap();
                let (finished, lost) = rewrite.finish(&store, "k").await.unwrap();
                let lines = raw::read_lines(&store, "k").await.unwrap();
                let taken = lines.iter().flat_map(|line| results().holds(line)).flat_map(|(_, items)| items);
                (finished != Finished::Same, taken.filter(Item::is_value).count(), lost.len())
            };
            write(had.clone(), false).await;
            let new = page(poor);
            // Where nothing of it is taken, all that was there stays as it is.
            assert_eq!(write(new.clone(), false).await, (needed < 2, 2, usize::from(needed > 0)), "{new:?}");
            assert_eq!(write(new.clone(), false).await, (false, 2, usize::from(needed > 0)), "again: {new:?}");
            assert_eq!(write(new.clone(), true).await, (needed > 0, 2 - needed, 0), "{new:?}");
        }
    }

    #[tokio::test]
    async fn another_run_that_was_first_is_not_overwritten() {
        let (folder, store) = store().await;
        let rewrite = begin(&store, vec![("a", vec![answer("a", 1, &row(1, 3, 1))])], false).await;
        write(&store, vec![("b", vec![answer("b", 1, &row(1, 3, 1))])], false).await;
        assert_eq!(rewrite.finish(&store, "k").await.unwrap().0, Finished::Overtaken);
        assert_eq!(raw::read_lines(&store, "k").await.unwrap().len(), 1);
        std::fs::write(folder.path().join("k"), "what no source wrote").unwrap();
        let begun = Rewrite::begin(&store, "k", results(), false, Utc::now()).await;
        assert!(begun.err().unwrap().to_string().contains("--accept-loss"));
        assert!(Rewrite::begin(&store, "k", results(), true, Utc::now()).await.is_ok());
    }

    #[tokio::test]
    async fn an_object_is_written_anew_and_only_where_it_changed() {
        let (_folder, store) = store().await;
        let write = async |answers: Answers<'_>| {
            let (written, lines, _) = write(&store, answers, false).await;
            (written, lines)
        };
        assert_eq!(write(vec![]).await, (true, vec![]), "an empty object is an object");
        assert!(!write(vec![]).await.0);
        let first = vec![
            ("a", vec![answer("a", 1, &row(1, 1, 1)), answer("a", 2, &row(2, 1, 1))]),
            ("b", vec![answer("b", 1, &row(1, 1, 1))]),
        ];
        let all: Vec<Line> = first.iter().flat_map(|(_, lines)| lines.clone()).collect();
        assert_eq!(write(first.clone()).await, (true, all.clone()));
        assert_eq!(write(first).await, (false, all.clone()));
        let mut later = answer("b", 1, &row(1, 1, 2));
        later.received_at = "later".to_owned();
        let poor = vec![("a", vec![answer("a", 1, &row(1, 9, 1)), gap("a", 2)]), ("b", vec![later])];
        assert_eq!(write(poor).await, (false, all), "the earlier answer is whole, and counts do not count");
    }
}
