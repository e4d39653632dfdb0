//! Pages of one answer: how many there are, and what their rows are about.

use std::collections::{BTreeMap, BTreeSet};

use lake::dataset::{Table, Verdict};
use lake::hash;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::raw::Line;
use crate::replace::{Holdings, Item, Keep, Measures, Shape};

/// No answer has so many pages; without a bound, a server that ignores `page` would be asked for ever.
pub const MAX_PAGES: usize = 10_000;
/// What a row tells of the whole answer: another number in each.
const VOLATILE: &str = "__count";

/// The envelope of a page. Numbers may be text.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    num_pages: Value,
    #[serde(default)]
    num_results: Value,
    #[serde(borrow)]
    results: Option<Vec<&'a RawValue>>,
}

/// How far an answer has been read.
#[derive(Debug, Default)]
pub struct Reading {
    /// The assessment that was asked about; `None` for the list of all.
    about: Option<String>,
    pages: usize,
    rows: usize,
    /// How many results there are, as the page before says.
    results: Option<usize>,
    /// The rows of each page, as a hash.
    seen: BTreeSet<String>,
    /// The rows of the page before, as hashes.
    last: Vec<String>,
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
    /// The reading of an answer about one assessment, or of the list of all.
    pub fn of(about: Option<&str>) -> Self {
        Self { about: about.map(str::to_owned), ..Self::default() }
    }

    /// Takes a page; reports whether there is another one, or what is wrong with this one.
    ///
    /// The number of pages counts if the page has it. Otherwise that of the results does, and without either, a full page
    /// has another one behind it. At the end, there must be as many rows as the last page says there are results.
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
        match results {
            Some(results) if !has_more && there < results => {
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
        let Some(about) = &self.about else { return Ok(()) };
        let is_other = |row: &&&RawValue| {
            serde_json::from_str(row.get()).ok().and_then(|row| id_of(&row)).is_some_and(|id| id != *about)
        };
        match rows.iter().filter(is_other).count() {
            0 => Ok(()),
            count => Err(Wrong::new(format!("{count} rows of the answer are of another assessment"), true)),
        }
    }
}

/// A row without what differs between two answers.
fn stable(row: &str) -> String {
    if !row.contains(VOLATILE) {
        return row.to_owned();
    }
    match serde_json::from_str(row) {
        Ok(Value::Object(mut fields)) => {
            fields.shift_remove(VOLATILE);
            Value::Object(fields).to_string()
        }
        _ => row.to_owned(),
    }
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().and_then(|number| usize::try_from(number).ok()),
    }
}

/// The rows of a page; none if it is no page.
fn rows(line: &Line) -> Vec<&RawValue> {
    let envelope: Option<Envelope> = line.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
    envelope.and_then(|envelope| envelope.results).unwrap_or_default()
}

/// A page cut down to the rows at some places. What the page says about all pages stays.
fn cut_page(line: &Line, keep: &Keep) -> Line {
    let body = line.body.as_deref().unwrap_or_default();
    let mut fields: BTreeMap<&str, &RawValue> = serde_json::from_str(body).unwrap_or_default();
    fields.remove("results");
    let kept: Vec<&str> =
        rows(line).into_iter().enumerate().filter(|(place, _)| keep.has(*place)).map(|(_, row)| row.get()).collect();
    let mut text = String::from("{");
    for (name, value) in fields {
        text.push_str(&format!("{}:{},", serde_json::to_string(name).unwrap_or_default(), value.get()));
    }
    text.push_str(&format!("\"results\":[{}]}}", kept.join(",")));
    Line { body: Some(text), ..line.clone() }
}

/// The raw object with the list of assessments: one subject, an item per assessment. Its measures are the columns.
#[derive(Clone, Copy)]
pub struct List<'a> {
    /// The table of assessments.
    pub table: Option<&'a Table>,
}

/// What may become null in an assessment while it is edited; there are several grades, say. The other columns do not: one
/// that comes back without a value is lost.
const MAY_BE_CLEARED: [&str; 3] = ["local_assessment_id", "description", "grade_levels"];

/// The subject of the list.
const LIST: &str = "list";

impl List<'_> {
    /// The columns that are compared, with a bit each.
    fn columns(&self) -> impl Iterator<Item = (Measures, &str)> {
        let columns = self.table.iter().flat_map(|table| &table.columns).map(|column| column.name.as_str());
        columns.enumerate().filter(|(_, name)| *name != VOLATILE).map(|(place, name)| (bit(place), name))
    }
}

impl List<'_> {
    /// A page of another list, cut down to the assessments that some pages have as well.
    pub fn of_same(&self, page: &Line, pages: &[Line]) -> Line {
        let items = |page: &Line| self.holds(page).remove(LIST).unwrap_or_default();
        let names: BTreeSet<String> = pages.iter().flat_map(items).map(|item| item.name).collect();
        let there = items(page).into_iter().enumerate().filter(|(_, item)| names.contains(&item.name));
        self.cut(page, &BTreeMap::from([(LIST.to_owned(), Keep::Items(there.map(|(place, _)| place).collect()))]))
    }
}

/// The bit of a measure; a table of more columns than bits has one for all that are left.
fn bit(place: usize) -> Measures {
    1 << place.min(Measures::BITS as usize - 1)
}

impl Shape for List<'_> {
    fn asks(&self, _line: &Line) -> Vec<String> {
        vec![LIST.to_owned()]
    }

    fn holds(&self, line: &Line) -> Holdings {
        let item = |row: &&RawValue| {
            let content = stable(row.get());
            let id = serde_json::from_str(row.get()).ok().and_then(|row| id_of(&row));
            let name = id.unwrap_or_else(|| content.clone());
            let Some(judged) = self.table.map(|table| table.judge(row.get(), &line.request)) else {
                return Item::of_value(name, content, Verdict::Value);
            };
            if !judged.is_taken() {
                return Item::of_value(name, content, Verdict::Refused);
            }
            let compared = self.columns().fold(0, |bits, (bit, _)| bits | bit);
            let filled = judged.verdicts().iter().enumerate().filter(|(_, verdict)| **verdict == Verdict::Value);
            let measures = compared & filled.fold(0, |bits, (place, _)| bits | bit(place));
            Item { name, content, verdict: Verdict::Value, measures }
        };
        Holdings::from([(LIST.to_owned(), rows(line).iter().map(item).collect())])
    }

    fn cut(&self, line: &Line, keep: &BTreeMap<String, Keep>) -> Line {
        keep.get(LIST).map_or_else(|| line.clone(), |keep| cut_page(line, keep))
    }

    fn steady(&self) -> Measures {
        let steady = self.columns().filter(|(_, name)| !MAY_BE_CLEARED.contains(name));
        steady.fold(0, |bits, (bit, _)| bits | bit)
    }

    /// All columns are the key of the table: an assessment would stand there twice.
    fn leaves_out(&self) -> bool {
        true
    }
}

/// A raw object with results: a subject is an assessment, an item a row.
#[derive(Clone)]
pub struct Results {
    /// The assessment that a line asked about.
    pub assessment: fn(&Line) -> Option<String>,
    /// The table that the rows are for.
    pub table: Option<Table>,
}

impl Results {
    fn item(&self, row: &str, request: &str) -> Item {
        let content = hash::bytes(stable(row).as_bytes());
        let read: Value = serde_json::from_str(row).unwrap_or_default();
        let name = about(&read).unwrap_or_else(|| content.clone());
        let place = |name: &str| MEASURES.iter().position(|measure| *measure == name);
        let filled: Vec<usize> = match &self.table {
            Some(table) => {
                let judged = table.judge(row, request);
                if !judged.is_taken() {
                    return Item { name, content, verdict: Verdict::Refused, measures: 0 };
                }
                let columns = table.columns.iter().zip(judged.verdicts());
                let filled = columns.filter(|(_, verdict)| **verdict == Verdict::Value);
                filled.filter_map(|(column, _)| place(&column.name)).collect()
            }
            None => {
                let members = read.as_object().into_iter().flatten();
                members.filter(|(_, value)| !is_blank(value)).filter_map(|(name, _)| place(name)).collect()
            }
        };
        let measures = filled.into_iter().fold(0, |found, place| found | bit(place));
        Item { name, content, verdict: Verdict::Value, measures }
    }
}

/// Whether nothing stands there.
fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// What tells the rows of an assessment apart, beside the student: of each group, the first that a row has. What a result
/// is may be corrected later, what it is about is not.
const TELLING: [&[&str]; 3] = [
    &["local_student_id", "student_id"],
    &["academic_benchmark_guid", "standard_code"],
    &["reporting_group_id", "reporting_group", "reporting_group_label", "label"],
];

impl Shape for Results {
    fn asks(&self, line: &Line) -> Vec<String> {
        (self.assessment)(line).into_iter().collect()
    }

    fn holds(&self, line: &Line) -> Holdings {
        let item = |row: &&RawValue| self.item(row.get(), &line.request);
        (self.assessment)(line).map(|id| (id, rows(line).iter().map(item).collect())).into_iter().collect()
    }

    fn cut(&self, line: &Line, keep: &BTreeMap<String, Keep>) -> Line {
        let keep = (self.assessment)(line).and_then(|id| keep.get(&id));
        keep.map_or_else(|| line.clone(), |keep| cut_page(line, keep))
    }

    fn is_keyed(&self) -> bool {
        false
    }
}

/// The measures of a result. One that is null may be a correction; one that is null in all rows of an assessment is lost.
const MEASURES: [&str; 5] = ["points", "points_possible", "percent_correct", "performance_band_level", "mastered"];

/// What a row is about, as a hash; `None` if it names no student.
fn about(row: &Value) -> Option<String> {
    let telling = |names: &&[&str]| {
        let value = names.iter().filter_map(|name| row.get(name)).find(|value| !value.is_null());
        value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let values: Vec<Option<String>> = TELLING.iter().map(telling).collect();
    values.first()?.as_ref()?;
    Some(hash::texts(values.iter().map(|value| value.as_deref().unwrap_or_default())))
}

/// The ids of the assessments that a page of `Assessments/` lists. Rows without one are left out.
pub fn listed_ids(body: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Page {
        #[serde(default)]
        results: Option<Vec<Value>>,
    }
    let page: Option<Page> = serde_json::from_str(body).ok();
    page.and_then(|page| page.results).unwrap_or_default().iter().filter_map(id_of).collect()
}

fn id_of(row: &Value) -> Option<String> {
    match row.get("assessment_id")? {
        Value::String(id) => Some(id.trim().to_owned()).filter(|id| !id.is_empty()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lake::dataset::Catalog;
    use serde_json::json;

    use super::*;
    use crate::replace::{Terms, replace};

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
        for body in
            [r#"{"error":"Ada"}"#, "[]", r#""Ada""#, r#"{"num_results":1,"results":null}"#, r#"{"results":"Ada"}"#]
        {
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
        let Wrong { why, .. } = Reading::of(Some("7")).take(&body, 2).unwrap_err();
        assert!(why.contains("1 rows of the answer are of another assessment"), "{why}");
        assert_eq!(Reading::default().take(&body, 2), Ok(false));
    }

    fn listed(rows: &[Value]) -> Line {
        let body = json!({"results": rows}).to_string();
        Line::answer(r#"{"page":1}"#.to_owned(), 200, &body.into(), chrono::Utc::now())
    }

    #[test]
    fn what_was_known_of_an_assessment_stays_where_the_list_has_it_as_null() {
        let catalog = Catalog::built_in();
        let shape = List { table: catalog.dataset("illuminate").unwrap().table("assessment") };
        let row = |id: i64, title: Value, subject: Value, description: Value| {
            json!({"assessment_id": id, "title": title, "subject": subject, "description": description,
                   "created_at": "2024-08-20 09:12:33", "__count": id})
        };
        let terms =
            |accept_loss| Terms { accept_loss, is_gone: &|_| false, now: "9000-01-01T00:00:00Z".parse().unwrap() };
        let join = |new: &Line, old: &[Line]| {
            let replaced = replace(vec![new.clone()], old.to_vec(), &shape, &terms(false));
            let again = replace(vec![new.clone()], replaced.lines.clone(), &shape, &terms(false));
            assert_eq!(again, replaced, "a second run writes nothing, and reports the same");
            let rows: Vec<Value> = replaced.lines.iter().flat_map(rows).map(|row| read(row.get())).collect();
            (rows, replaced.lost.into_values().flatten().collect::<Vec<_>>())
        };
        fn read(text: &str) -> Value {
            serde_json::from_str(text).unwrap()
        }
        let had = [row(1, json!("A"), json!("Math"), json!("x")), row(2, json!("B"), json!("Art"), json!("y"))];
        let old = [listed(&had)];
        let lost = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        // Of all assessments, and of one of them; what stays stands once.
        let none = listed(&[1, 2].map(|id| row(id, Value::Null, Value::Null, json!("x"))));
        assert_eq!(join(&none, &old), (had.to_vec(), lost(&["1", "2"])));
        let corrected = row(2, json!("C"), json!("Art"), Value::Null);
        let one = listed(&[
            row(1, json!("A"), Value::Null, json!("x")),
            corrected.clone(),
            row(3, json!("D"), json!("x"), Value::Null),
        ]);
        let (found, named) = join(&one, &old);
        assert_eq!(named, lost(&["1"]));
        assert_eq!(found, [corrected, row(3, json!("D"), json!("x"), Value::Null), had[0].clone()]);
        // What the table rejects is no correction either; a description may be cleared, and not all of them.
        let mut broken = had.to_vec();
        broken[1]["created_at"] = json!("soon");
        assert_eq!(join(&listed(&broken), &old).1, lost(&["2"]));
        let cleared = |ids: &[usize]| {
            let mut rows = had.to_vec();
            ids.iter().for_each(|at| rows[*at]["description"] = Value::Null);
            join(&listed(&rows), &old).1
        };
        assert_eq!((cleared(&[0]), cleared(&[0, 1])), (lost(&[]), lost(&["1", "2"])));
        // Of another year's list only what is listed here as well is known.
        let page = shape.of_same(&old[0], &[listed(&[row(2, Value::Null, Value::Null, Value::Null)])]);
        assert_eq!(rows(&page).into_iter().map(|row| read(row.get())).collect::<Vec<_>>(), had[1..]);
        assert_eq!(replace(vec![none.clone()], old.to_vec(), &shape, &terms(true)).lines, [none]);
    }

    #[test]
    fn ids_are_text_or_numbers() {
        let body = json!({"results": [{"assessment_id": 1}, {"assessment_id": "5eed"}, {"assessment_id": null}, {}]});
        assert_eq!(listed_ids(&body.to_string()), ["1", "5eed"]);
    }
}
