//! Pages of one answer: how many there are, and whether they are all.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use lake::hash;
use lake::json::{Json, Object};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::raw::Line;

/// No answer has so many pages; without a bound, a server that ignores `page` would be asked for ever.
pub const MAX_PAGES: usize = 10_000;
/// What a row tells of the whole answer: another number in each.
pub const VOLATILE: &str = "__count";

/// The envelope of a page. Numbers may be text.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    num_pages: Value,
    #[serde(default)]
    num_results: Value,
    /// Null for a list without elements; an answer without the member is none.
    #[serde(borrow, deserialize_with = "Option::deserialize")]
    results: Option<Vec<&'a RawValue>>,
}

/// How far an answer has been read.
#[derive(Debug, Default)]
pub struct Reading {
    /// The assessment that was asked about; `None` for the list of all.
    about: Option<String>,
    /// The days on which results were taken that were asked for.
    taken: Option<Taken>,
    pages: usize,
    rows: usize,
    /// The rows with a day, and those of them whose day was not asked for.
    dated: usize,
    outside: usize,
    /// How many results there are, as the page before says.
    results: Option<usize>,
    /// The rows of each page, as a hash.
    seen: BTreeSet<String>,
    /// The rows of the page before, as hashes.
    last: Vec<String>,
}

/// The days on which results were taken that a request asks for.
#[derive(Debug, Clone)]
pub struct Taken {
    /// From the first to the last.
    pub days: RangeInclusive<NaiveDate>,
    /// Days before this one stand for an unknown one.
    pub null_before: Option<NaiveDate>,
}

impl Taken {
    /// Whether the row names a day, and it is another one than those asked for.
    fn is_outside(&self, row: &RawValue) -> Option<bool> {
        let day = day_taken(row).filter(|day| self.null_before.is_none_or(|first| *day >= first))?;
        Some(!self.days.contains(&day))
    }
}

/// What is wrong with a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// In words.
    pub why: String,
    /// Whether trying again can help.
    pub can_retry: bool,
    /// Whether the answer changed while it was read: rows may have moved from one page to another, so that all pages are to
    /// be read again.
    pub has_moved: bool,
}

impl Wrong {
    fn new(why: impl Into<String>, can_retry: bool) -> Self {
        Self { why: why.into(), can_retry, has_moved: false }
    }

    fn moved(why: String) -> Self {
        Self { why, can_retry: true, has_moved: true }
    }
}

impl Reading {
    /// The reading of an answer about one assessment, taken on these days, or of the list of all.
    pub fn of(about: Option<&str>, taken: Option<Taken>) -> Self {
        Self { about: about.map(str::to_owned), taken, ..Self::default() }
    }

    /// Takes a page; reports whether there is another one, or what is wrong with this one.
    ///
    /// The number of pages counts if the page has it. Otherwise that of the results does, and without either, a full page
    /// has another one behind it. At the end, there must be as many rows as the last page says there are results, and no
    /// more: rows that stand there twice would be missing in every sound answer after them.
    pub fn take(&mut self, body: &str, page_size: usize) -> Result<bool, Wrong> {
        let wrong = |why: &str| Wrong::new(format!("the answer is not as documented: {why}"), true);
        let envelope: Envelope = serde_json::from_str(body).map_err(|_| wrong("it has no list of results"))?;
        let (pages, results) = (number(&envelope.num_pages), number(&envelope.num_results));
        let rows = match (&envelope.results, results) {
            (Some(rows), _) => rows.as_slice(),
            (None, Some(0)) => &[],
            (None, _) => return Err(wrong("it has no list of results")),
        };
        self.check_rows(rows)?;
        if let (Some(before), Some(now)) = (self.results, results)
            && before != now
        {
            return Err(Wrong::moved(format!("there were {before} results, and then {now}, while they were read")));
        }
        self.results = results.or(self.results);
        self.pages += 1;
        self.rows += rows.len();
        if self.pages >= MAX_PAGES {
            return Err(wrong("it has no end"));
        }
        let has_more = match (pages, results) {
            (Some(pages), _) => self.pages < pages,
            (None, Some(results)) => self.rows < results,
            (None, None) => !rows.is_empty() && rows.len() >= page_size,
        };
        let (number, there) = (self.pages, self.rows);
        if has_more && rows.is_empty() {
            return Err(Wrong::new(format!("page {number} is empty, and is not the last one"), true));
        }
        // A few rows may have a day that was mistyped; where most have one that was not asked for, the server looked at
        // something else.
        if let Some(Taken { days, .. }) = self.taken.as_ref().filter(|_| !has_more && self.outside * 2 > self.dated) {
            let (outside, dated, first, last) = (self.outside, self.dated, days.start(), days.end());
            let why = format!("{outside} of the answer's {dated} days are not from {first} to {last}, as asked");
            return Err(Wrong::new(why, true));
        }
        match results {
            Some(results) if there > results || !has_more && there < results => {
                Err(Wrong::new(format!("the {number} pages have {there} rows, and should have {results}"), true))
            }
            _ => Ok(has_more),
        }
    }

    /// Whether the rows of a page are new, and about what was asked.
    fn check_rows(&mut self, rows: &[&RawValue]) -> Result<(), Wrong> {
        let hashes: Vec<String> = rows.iter().map(|row| hash::bytes(stable(row.get()).as_bytes())).collect();
        if !rows.is_empty() && !self.seen.insert(hash::texts(hashes.iter().map(String::as_str))) {
            return Err(Wrong::new("a page has the rows of an earlier one: the server ignores `page`", false));
        }
        // One row may well stand there twice; several that end a page and begin the next one have moved.
        let most = hashes.len().min(self.last.len());
        let begins_as_last_ends = |count: &usize| {
            let ending = self.last.len().checked_sub(*count).and_then(|from| self.last.get(from..));
            ending.is_some() && ending == hashes.get(..*count)
        };
        if let Some(count) = (2..=most).rev().find(begins_as_last_ends) {
            return Err(Wrong::moved(format!("a page begins with the {count} rows with which the one before ends")));
        }
        self.last = hashes;
        if let Some(taken) = &self.taken {
            let outside: Vec<bool> = rows.iter().filter_map(|row| taken.is_outside(row)).collect();
            self.dated += outside.len();
            self.outside += outside.into_iter().filter(|is_outside| *is_outside).count();
        }
        let Some(about) = &self.about else { return Ok(()) };
        let is_other = |row: &&&RawValue| id_of(row.get()).is_some_and(|id| id != *about);
        match rows.iter().filter(is_other).count() {
            0 => Ok(()),
            count => Err(Wrong::new(format!("{count} rows of the answer are of another assessment"), true)),
        }
    }
}

/// The day on which a row's result was taken, if it is written as one.
fn day_taken(row: &RawValue) -> Option<NaiveDate> {
    lake::json::text(Object::of_text(row.get())?.member("date_taken")?)?.get(..10)?.parse().ok()
}

/// A row without what differs between two answers.
pub fn stable(row: &str) -> String {
    if !row.contains(VOLATILE) {
        return row.to_owned();
    }
    match serde_json::from_str(row) {
        Ok(Value::Object(mut fields)) => {
            fields.shift_remove(VOLATILE);
            Value::Object(fields).to_string()
        }
        _ => Object::of_text(row).map_or_else(|| row.to_owned(), |row| without_volatile(&row)),
    }
}

/// The same of a row with something that only a reader of all its members minds: half of a surrogate pair, or a number beyond
/// all doubles.
fn without_volatile(row: &Object<'_>) -> String {
    let members = row.members().filter(|(name, _)| *name != VOLATILE);
    let members: Vec<String> = members.map(|(name, value)| format!("{name:?}:{}", value.get())).collect();
    format!("{{{}}}", members.join(","))
}

/// A whole number, or a text that is one; with or without a fraction of 0.
fn number(value: &Value) -> Option<usize> {
    let text = match value {
        Value::String(text) => Cow::from(text.trim()),
        Value::Number(number) => Cow::from(number.to_string()),
        _ => return None,
    };
    text.split_once('.')
        .filter(|(_, fraction)| !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0'))
        .map_or(&*text, |(whole, _)| whole)
        .parse()
        .ok()
}

/// The rows of a page; none if it is no page.
pub fn rows(line: &Line) -> Vec<&RawValue> {
    let envelope: Option<Envelope> = line.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
    envelope.and_then(|envelope| envelope.results).unwrap_or_default()
}

/// The ids of the assessments that a page of `Assessments/` lists. Rows without one are left out.
pub fn listed_ids(line: &Line) -> Vec<String> {
    rows(line).into_iter().filter_map(|row| id_of(row.get())).collect()
}

/// The assessment that a row is about. What else is in the row does not matter.
pub fn id_of(row: &str) -> Option<String> {
    match Json::of(Object::of_text(row)?.get("assessment_id")?).ok()? {
        Json::Text(id) => Some(id.trim().to_owned()).filter(|id| !id.is_empty()),
        Json::Number(digits) => Some(digits.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Whether there is more after each of the pages, of at most two rows.
    fn more(pages: &[Value]) -> Vec<bool> {
        let mut reading = Reading::default();
        pages.iter().map(|page| reading.take(&page.to_string(), 2).unwrap()).collect()
    }

    #[test]
    fn the_number_of_pages_may_be_a_number_text_zero_or_missing() {
        let rows = json!([{}, {}]);
        assert_eq!(
            more(&[json!({"num_pages": 2, "results": rows}), json!({"num_pages": 2, "results": [{}]})]),
            [true, false]
        );
        assert_eq!(
            more(&[json!({"num_pages": "2", "results": rows}), json!({"num_pages": "2", "results": []})]),
            [true, false]
        );
        assert_eq!(more(&[json!({"num_pages": 0, "num_results": 0, "results": []})]), [false]);
        assert_eq!(more(&[json!({"num_pages": null, "num_results": 0, "results": null})]), [false]);
        let shorter_than_asked = [1, 2, 3].map(|id| json!({"num_results": "3", "results": [{"id": id}]}));
        assert_eq!(more(&shorter_than_asked), [true, true, false]);
        assert_eq!(more(&[json!({"results": rows}), json!({"results": [{}]})]), [true, false]);
        assert_eq!(more(&[json!({"results": rows}), json!({"results": []})]), [true, false]);
    }

    #[test]
    fn what_is_no_page_is_refused_without_showing_it() {
        for body in [
            r#"{"error":"Ada"}"#,
            "[]",
            r#""Ada""#,
            r#"{"num_results":1,"results":null}"#,
            r#"{"results":"Ada"}"#,
            r#"{"num_pages":0,"num_results":0}"#,
        ] {
            let Wrong { why, .. } = Reading::default().take(body, 2).unwrap_err();
            assert!(why.contains("results") && !why.contains("Ada"), "{why}");
        }
    }

    #[test]
    fn pages_have_the_rows_that_they_say() {
        let page = |number: i64, rows: &[i64], results: i64, pages: Option<i64>| {
            // Another count in each answer, as the server has it.
            let rows: Vec<Value> = rows.iter().map(|id| json!({"id": id, "__count": number * 100})).collect();
            json!({"page": number, "num_pages": pages, "num_results": results, "results": rows}).to_string()
        };
        let read = |pages: &[String]| {
            let mut reading = Reading::default();
            pages.iter().map(|page| reading.take(page, 2)).collect::<Vec<_>>().pop().unwrap()
        };
        for pages in [Some(2), None] {
            assert_eq!(read(&[page(1, &[1, 2], 3, pages), page(2, &[3], 3, pages)]), Ok(false));
            let Wrong { why, can_retry, .. } =
                read(&[page(1, &[1, 2], 3, pages), page(2, &[1, 2], 3, pages)]).unwrap_err();
            assert!(why.contains("ignores `page`") && !can_retry, "{why}");
            let Wrong { why, can_retry, .. } = read(&[page(1, &[], 3, pages)]).unwrap_err();
            assert!(why.contains("page 1 is empty") && can_retry, "{why}");
        }
        let Wrong { why, can_retry, .. } =
            read(&[page(1, &[1, 2], 5, Some(2)), page(2, &[3], 5, Some(2))]).unwrap_err();
        assert!(why.contains("have 3 rows, and should have 5") && can_retry, "{why}");
        assert!(read(&[page(1, &[], 4, Some(0))]).is_err());
        let Wrong { why, .. } = read(&[page(1, &[1, 2, 1, 2], 2, Some(1))]).unwrap_err();
        assert!(why.contains("have 4 rows, and should have 2"), "{why}");
    }

    #[test]
    fn rows_that_move_between_pages_are_noticed() {
        let page = |ids: &[i64], results: usize| {
            let rows: Vec<Value> = ids.iter().map(|id| json!({"student": id})).collect();
            json!({"num_pages": 2, "num_results": results, "results": rows}).to_string()
        };
        let second = |first: (&[i64], usize), second: (&[i64], usize)| {
            let mut reading = Reading::default();
            assert_eq!(reading.take(&page(first.0, first.1), 4), Ok(true));
            reading.take(&page(second.0, second.1), 4)
        };
        assert_eq!(second((&[1, 2, 3, 4], 7), (&[5, 6, 7], 7)), Ok(false));
        assert_eq!(second((&[1, 2, 3, 3], 7), (&[3, 6, 7], 7)), Ok(false), "one row stands there three times");
        for moved in [second((&[1, 2, 3, 4], 8), (&[3, 4, 5, 6], 8)), second((&[1, 2, 3, 4], 7), (&[4, 5, 6, 7], 8))] {
            assert!(moved.as_ref().is_err_and(|wrong| wrong.has_moved && wrong.can_retry), "{moved:?}");
        }
    }

    #[test]
    fn rows_of_another_assessment_are_no_answer() {
        let body = json!({"num_results": 2, "results": [{"assessment_id": 7}, {"assessment_id": "8"}]}).to_string();
        let Wrong { why, .. } = Reading::of(Some("7"), None).take(&body, 2).unwrap_err();
        assert!(why.contains("1 rows of the answer are of another assessment"), "{why}");
        assert_eq!(Reading::default().take(&body, 2), Ok(false));
    }

    #[test]
    fn rows_of_other_years_are_no_answer() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let take = |days: &[&str]| {
            let rows: Vec<Value> = days.iter().map(|day| json!({"assessment_id": 7, "date_taken": day})).collect();
            let taken = Taken { days: day("2024-07-01")..=day("2025-06-30"), null_before: Some(day("2001-01-01")) };
            Reading::of(Some("7"), Some(taken)).take(&json!({"results": rows}).to_string(), 1_000)
        };
        assert_eq!(take(&["2024-07-01", "2025-06-30T08:00:00"]), Ok(false));
        assert_eq!(take(&["2024-11-05", "2204-11-05", "2025-07-01", "2025-01-01"]), Ok(false), "some may be mistyped");
        assert_eq!(take(&["11/05/2024"]), Ok(false));
        // A day that stands for an unknown one is none that was not asked for, not even where no row has another one.
        assert_eq!(take(&["2000-01-01"]), Ok(false));
        assert_eq!(take(&["2000-01-01", "2000-01-01", "2024-11-05"]), Ok(false));
        for days in [&["2019-10-10", "2019-10-11"][..], &["2024-11-05", "2019-10-10", "2019-10-11", "2000-01-01"]] {
            let Wrong { why, can_retry, .. } = take(days).unwrap_err();
            assert!(why.starts_with("2 of") && why.contains("from 2024-07-01 to 2025-06-30") && can_retry, "{why}");
        }
    }

    #[test]
    fn days_are_judged_when_all_pages_are_there() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let read = |pages: [&[&str]; 2]| {
            let taken = Taken { days: day("2024-07-01")..=day("2025-06-30"), null_before: None };
            let mut reading = Reading::of(None, Some(taken));
            let read = pages.map(|days| {
                let rows: Vec<Value> =
                    days.iter().zip(0..).map(|(day, id)| json!({"id": id, "date_taken": day})).collect();
                reading.take(&json!({"num_pages": 2, "results": rows}).to_string(), 4)
            });
            read.into_iter().map(|taken| taken.is_ok()).collect::<Vec<_>>()
        };
        let (sound, other) = ("2024-11-05", "2019-10-10");
        assert_eq!(read([&[sound, sound, sound], &[other]]), [true, true], "one mistyped on the last page");
        assert_eq!(read([&[other, other], &[sound, sound, sound]]), [true, true], "they come by day");
        assert_eq!(read([&[sound, sound], &[other, other, other]]), [true, false]);
    }

    #[test]
    fn ids_are_text_or_numbers() {
        let ids = |rows: &str| listed_ids(&page_of(rows));
        assert_eq!(ids(r#"{"assessment_id":1},{"assessment_id":"5eed"},{"assessment_id":null},{},7"#), ["1", "5eed"]);
    }

    fn page_of(rows: &str) -> Line {
        Line::answer("{}".to_owned(), 200, &format!("{{\"results\":[{rows}]}}").into(), chrono::Utc::now())
    }

    /// Values that a JSON document may have, and that no parser of all of it takes.
    fn odd() -> [String; 3] {
        [r#""\ud800""#.to_owned(), "1e999".to_owned(), "[".repeat(300) + &"]".repeat(300)]
    }

    #[test]
    fn an_odd_row_hides_neither_its_own_id_nor_others() {
        for odd in odd() {
            let page = page_of(&format!(r#"{{"assessment_id":"1","note":{odd}}},{{"assessment_id":"2"}}"#));
            assert_eq!(listed_ids(&page), ["1", "2"], "{odd}");
        }
    }

    #[test]
    fn an_odd_row_is_the_same_whatever_it_counts() {
        for odd in odd() {
            let row = |count: i64| format!(r#"{{"a":{odd},"__count":{count},"b\"c":1}}"#);
            assert_eq!(stable(&row(1)), stable(&row(2)), "{odd}");
            assert_ne!(stable(&row(1)), stable(&row(1).replace(":1}", ":2}")), "{odd}");
        }
    }

    #[test]
    fn the_number_of_results_may_have_a_fraction_of_zero() {
        for results in [json!(2.0), json!("2.00"), json!("2")] {
            let body = json!({"num_pages": 1, "num_results": results, "results": [{}]}).to_string();
            assert!(
                Reading::default().take(&body, 2).is_err_and(|wrong| wrong.why.contains("should have 2")),
                "{body}"
            );
        }
        for results in [json!(2.5), json!("2."), json!("many"), json!(-2), json!([2])] {
            let body = json!({"num_pages": 1, "num_results": results, "results": [{}]}).to_string();
            assert_eq!(Reading::default().take(&body, 2), Ok(false), "{body}");
        }
    }
}
