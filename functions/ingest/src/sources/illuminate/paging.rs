//! Pages of one answer: how many there are, and whether two are the same.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

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
    pages: usize,
    rows: usize,
}

impl Reading {
    /// Takes a page; tells whether there is another one, or what is wrong with this one.
    ///
    /// The number of pages counts if it is told. Otherwise that of the results does, and if that is not told either,
    /// a full page has another one behind it.
    pub fn take(&mut self, body: &str, page_size: usize) -> Result<bool, String> {
        let wrong = |why: &str| format!("the answer is not as documented: {why}");
        let envelope: Envelope = serde_json::from_str(body).map_err(|_| wrong("it has no list of results"))?;
        let (pages, results) = (number(&envelope.num_pages), number(&envelope.num_results));
        let rows = match (&envelope.results, results) {
            (Some(rows), _) => rows.len(),
            (None, Some(0)) => 0,
            (None, _) => return Err(wrong("it has no list of results")),
        };
        self.pages += 1;
        self.rows += rows;
        if self.pages >= MAX_PAGES {
            return Err(wrong("it has no end"));
        }
        Ok(match (pages, results) {
            (Some(pages), _) => self.pages < pages,
            (None, Some(results)) => rows > 0 && self.rows < results,
            (None, None) => rows > 0 && rows >= page_size,
        })
    }
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().and_then(|number| usize::try_from(number).ok()),
    }
}

/// Whether two bodies differ in their volatile counts at most.
pub fn same_but_for_counts(a: &str, b: &str) -> bool {
    let stable = |text: &str| -> Option<Value> {
        let mut body: Value = serde_json::from_str(text).ok()?;
        for row in body.get_mut("results")?.as_array_mut()? {
            if let Some(row) = row.as_object_mut() {
                row.shift_remove(VOLATILE);
            }
        }
        Some(body)
    };
    stable(a).is_some_and(|a| Some(a) == stable(b))
}

/// The ids of the assessments that a page of `Assessments/` lists. Rows without one are left out.
pub fn listed_ids(body: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Page {
        #[serde(default)]
        results: Option<Vec<Value>>,
    }
    let page: Option<Page> = serde_json::from_str(body).ok();
    let rows = page.and_then(|page| page.results).unwrap_or_default();
    let id = |row: &Value| match row.get("assessment_id")? {
        Value::String(id) => Some(id.trim().to_owned()).filter(|id| !id.is_empty()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    };
    rows.iter().filter_map(id).collect()
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
        let shorter_than_asked = json!({"num_results": "3", "results": [{}]});
        assert_eq!(
            more(&[shorter_than_asked.clone(), shorter_than_asked.clone(), shorter_than_asked]),
            [true, true, false]
        );
        assert_eq!(more(&[json!({"results": rows}), json!({"results": [{}]})]), [true, false]);
        assert_eq!(more(&[json!({"results": rows}), json!({"results": []})]), [true, false]);
    }

    #[test]
    fn what_is_no_page_is_refused_without_showing_it() {
        for body in
            [r#"{"error":"Ada"}"#, "[]", r#""Ada""#, r#"{"num_results":1,"results":null}"#, r#"{"results":"Ada"}"#]
        {
            let why = Reading::default().take(body, 2).unwrap_err();
            assert!(why.contains("results") && !why.contains("Ada"), "{why}");
        }
    }

    #[test]
    fn counts_make_no_difference_and_anything_else_does() {
        let page = |points: i64, count: Value| {
            json!({"num_pages": 1, "results": [{"points": points, "__count": count}]}).to_string()
        };
        assert!(same_but_for_counts(&page(3, json!(7)), &page(3, json!("8"))));
        assert!(!same_but_for_counts(&page(3, json!(7)), &page(4, json!(7))));
        assert!(!same_but_for_counts("{}", "{}"), "bodies without results are compared as they are");
    }

    #[test]
    fn ids_are_text_or_numbers() {
        let body = json!({"results": [{"assessment_id": 1}, {"assessment_id": "5eed"}, {"assessment_id": null}, {}]});
        assert_eq!(listed_ids(&body.to_string()), ["1", "5eed"]);
    }
}
