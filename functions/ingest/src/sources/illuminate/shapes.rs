//! What the lines of the raw objects have: assessments of the list, or results.

use std::collections::{BTreeMap, BTreeSet};

use lake::dataset::{Table, Verdict};
use lake::hash;
use lake::json::Object;
use serde_json::value::RawValue;

use super::paging::{VOLATILE, id_of, rows, stable};
use crate::raw::Line;
use crate::replace::{Holdings, Item, Keep, Measures, Shape};

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
    /// A page of another list, cut down to the assessments that some pages have as well.
    pub fn of_same(&self, page: &Line, pages: &[Line]) -> Line {
        let items = |page: &Line| self.holds(page).remove(LIST).unwrap_or_default();
        let names: BTreeSet<String> = pages.iter().flat_map(items).map(|item| item.name).collect();
        let there = items(page).into_iter().enumerate().filter(|(_, item)| names.contains(&item.name));
        self.cut(page, &BTreeMap::from([(LIST.to_owned(), Keep::Items(there.map(|(place, _)| place).collect()))]))
    }
}

/// The columns that are compared, the measures of an item, each with its bit. Those beyond the last bit share it.
fn columns(table: &Table) -> impl Iterator<Item = (Measures, &str)> {
    let bits = (0..table.columns.len()).map(|place| 1 << place.min(Measures::BITS as usize - 1));
    bits.zip(&table.columns).map(|(bit, column)| (bit, column.name.as_str())).filter(|(_, name)| *name != VOLATILE)
}

/// An item of what the table makes of a row.
fn item(name: String, content: String, table: Option<&Table>, row: &str, request: &str) -> Item {
    let Some(table) = table else { return Item::of_value(name, content, Verdict::Value) };
    let judged = table.judge(row, request);
    if !judged.is_taken() {
        return Item::of_value(name, content, Verdict::Refused);
    }
    let has = |name: &str| judged.of(table, name) == Some(Verdict::Value);
    let measures = columns(table).filter(|(_, name)| has(name)).fold(0, |bits, (bit, _)| bits | bit);
    Item { name, content, verdict: Verdict::Value, measures }
}

impl Shape for List<'_> {
    fn asks(&self, _line: &Line) -> Vec<String> {
        vec![LIST.to_owned()]
    }

    fn holds(&self, line: &Line) -> Holdings {
        let read = |row: &&RawValue| {
            let content = stable(row.get());
            let name = id_of(row.get()).unwrap_or_else(|| content.clone());
            item(name, content, self.table, row.get(), &line.request)
        };
        Holdings::from([(LIST.to_owned(), rows(line).iter().map(read).collect())])
    }

    fn cut(&self, line: &Line, keep: &BTreeMap<String, Keep>) -> Line {
        keep.get(LIST).map_or_else(|| line.clone(), |keep| cut_page(line, keep))
    }

    fn steady(&self) -> Measures {
        let steady = self.table.into_iter().flat_map(columns).filter(|(_, name)| !MAY_BE_CLEARED.contains(name));
        steady.fold(0, |bits, (bit, _)| bits | bit)
    }

    /// All columns are the key of the table: an assessment would stand there twice.
    fn leaves_out(&self) -> bool {
        true
    }
}

/// A raw object with results: a subject is an assessment, an item a row. Its measures are the columns: one that is null may
/// be a correction; one that is null in all rows of an assessment is lost.
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
        let name = about(row).unwrap_or_else(|| content.clone());
        item(name, content, self.table.as_ref(), row, request)
    }
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

/// What a row is about, as a hash; `None` if it names no student.
fn about(row: &str) -> Option<String> {
    let row = Object::of_text(row)?;
    let telling = |names: &&[&str]| {
        let value = names.iter().filter_map(|name| row.get(name)).find(|value| value.get() != "null")?;
        Some(lake::json::text(value).unwrap_or_else(|| value.get().into()))
    };
    let values: Vec<_> = TELLING.iter().map(telling).collect();
    values.first()?.as_ref()?;
    Some(hash::texts(values.iter().map(|value| value.as_deref().unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use lake::dataset::Catalog;
    use serde_json::{Value, json};

    use super::*;
    use crate::replace::{Terms, replace};

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
    fn a_row_that_turns_odd_is_the_same_row() {
        let catalog = Catalog::built_in();
        let dataset = catalog.dataset("illuminate").unwrap();
        let list = List { table: dataset.table("assessment") };
        let results = Results { assessment: |_| Some("7".to_owned()), table: None };
        let line = |row: &str| {
            Line::answer("{}".to_owned(), 200, &format!("{{\"results\":[{row}]}}").into(), chrono::Utc::now())
        };
        for odd in [r#""\ud800""#, "1e999"] {
            let row = |note: &str, count: i64| {
                line(&format!(r#"{{"assessment_id":"7","local_student_id":5,"note":{note},"__count":{count}}}"#))
            };
            let names = |shape: &dyn Shape, line: &Line| -> Vec<String> {
                shape.holds(line).into_values().flatten().map(|item| item.name).collect()
            };
            for shape in [&list as &dyn Shape, &results] {
                assert_eq!(names(shape, &row("1", 1)), names(shape, &row(odd, 2)), "{odd}");
            }
        }
    }
}
