//! A sample of JSON as columns: which list has the rows, and where in a row its values are.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::grid::{Field, Grid, Kind, Origin, Value};
use super::keyed::{keyed, refuse_lists, why};
use crate::error::Stop;
use crate::formats::json::{Refused, each_element, first_of_document, first_of_lines};
use crate::scanner::no_json;
use lake::json::{Json, Object};

/// Rows that are looked at.
const MOST_ROWS: usize = 20_000;
/// Columns of a table.
const MOST_COLUMNS: usize = 500;
/// How deep lists of rows are looked for.
const DEPTH: usize = 4;
/// Members around a list that say something of the answer, not of its rows.
const ENVELOPE: [&str; 26] = [
    "count",
    "total",
    "page",
    "pages",
    "per_page",
    "perpage",
    "page_size",
    "pagesize",
    "limit",
    "offset",
    "next",
    "previous",
    "prev",
    "status",
    "ok",
    "code",
    "message",
    "success",
    "error",
    "errors",
    "version",
    "results",
    "numresults",
    "totalcount",
    "total_count",
    "links",
];

/// Whether the text is JSON by its beginning, and if so whether each line is an object of its own.
pub(super) fn is_json(text: &[u8]) -> Option<bool> {
    let trimmed = text.trim_ascii_start();
    if !matches!(trimmed.first(), Some(b'{' | b'[')) {
        return None;
    }
    let mut lines = trimmed.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let is_object = |line: &[u8]| matches!(Json::parse(line), Ok(Json::Object(_)));
    let first = lines.next().unwrap_or_default();
    // One line alone is a document.
    Some(is_object(first) && lines.next().is_some_and(|second| second.first() == Some(&b'{')))
}

/// Reads a sample. `is_part` if there is more of it than `text`.
pub(super) fn grid(text: &[u8], is_part: bool, is_lines: bool) -> Result<Grid, Stop> {
    let closed = if is_part && !is_lines { closed(text).into() } else { Cow::Borrowed(text) };
    let elements = if is_lines { Vec::new() } else { of_damaged_list(&closed) };
    let documents = match is_lines {
        true => of_lines(&closed),
        false if elements.is_empty() => of_document(&closed),
        false => elements.iter().map(Vec::as_slice).collect(),
    };
    let documents: Vec<Object> = documents.into_iter().filter_map(object).collect();
    let mut grid = Grid::default();
    grid.options.push(format!("format = \"{}\"", if is_lines { "ndjson" } else { "json" }));
    let mut tables = Tables { levels: Vec::new(), rows: documents.into_iter().map(|row| vec![row]).collect() };
    let is_list = text.trim_ascii_start().first() == Some(&b'[');
    if let ([family], false) = (tables.rows.as_slice(), is_lines || is_list)
        && let Some(document) = family.last()
    {
        refuse_by_column(document)?;
        if let Some((pointer, by)) = keyed(std::slice::from_ref(document), true).into_iter().next() {
            return Err(Stop::reject("no_rows", why(&pointer, by)));
        }
    }
    if !is_lines {
        tables.find_rows(&mut grid, text);
    }
    for _ in 0..DEPTH {
        if !tables.explode(&mut grid) {
            break;
        }
    }
    if is_part && tables.rows.len() > 1 {
        // The last one may lack members.
        tables.rows.pop();
    }
    if tables.rows.is_empty() {
        return Err(why_no_row(text, is_part, is_lines));
    }
    if let ([row], false) = (tables.rows.as_slice(), is_lines) {
        note_rows(&mut grid, row);
    }
    let is_document = !is_lines && !is_list && !grid.options.iter().any(|option| option.starts_with("rows = "));
    if let ([family], true) = (tables.rows.as_slice(), is_document)
        && let [document] = family.as_slice()
    {
        refuse_lists(document)?;
    }
    tables.fill(&mut grid);
    Ok(grid)
}

/// Why nothing in a text is a row, in the words of a cleaning. `is_part` if there is more of the text.
fn why_no_row(text: &[u8], is_part: bool, is_lines: bool) -> Stop {
    let found = if is_lines { first_of_lines(text) } else { first_of_document(text) };
    match found {
        Some(Refused { reason, .. }) if is_part && reason == "truncated" => Stop::reject(
            "too_long",
            "its first value is longer than what is looked at: draft from a file with less in it, of the same form",
        ),
        Some(Refused { place, reason, message }) => {
            // A draft is made of one file: its name decides.
            let again = if is_lines && message.contains("declare format = \"json\"") {
                "; to draft it, name it .json"
            } else {
                ""
            };
            Stop::reject(&reason, format!("no row of it could be read: {place}{message}{again} ({reason})"))
        }
        None => Stop::reject("no_rows", "there is no JSON object in it, whose members would be the values of a row"),
    }
}

/// Refuses what others write before JSON, by what it is.
pub(super) fn refuse_known(text: &[u8]) -> Result<(), Stop> {
    match no_json(text.trim_ascii_start()) {
        Some(known) => Err(Stop::reject("not_json", format!("it begins {known}"))),
        None => Ok(()),
    }
}

/// The names that all members of a document have, if each of them is an object.
fn common_names(document: &Object) -> Option<BTreeSet<String>> {
    let names = |value: &RawValue| match Json::of(value) {
        Ok(Json::Object(object)) => Some(object.members().map(|(name, _)| name.to_owned()).collect::<BTreeSet<_>>()),
        _ => None,
    };
    let mut members = document.members().map(|(_, value)| names(value));
    let first = members.next()??;
    let are_alike = document.members().count() > 1 && members.all(|names| names.as_ref() == Some(&first));
    (!first.is_empty() && are_alike).then_some(first)
}

/// Refuses a document that has its values column by column: `{"id": {"0": 1, "1": 2}, "v": {"0": 1.5, "1": 2.5}}`.
fn refuse_by_column(document: &Object) -> Result<(), Stop> {
    let is_number = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    if common_names(document).is_some_and(|names| names.iter().all(is_number)) {
        let why = "its values stand column by column, as pandas writes them by default: write rows, by \
                   to_json(orient = \"records\")";
        return Err(Stop::reject("no_rows", why));
    }
    Ok(())
}

/// Notes a document whose members may be rows.
fn note_rows(grid: &mut Grid, row: &[Object]) {
    if row.last().is_some_and(|document| common_names(document).is_some()) {
        grid.note(
            "the document is one object, and all of its members have the same names: if each is a row, write them as a list",
        );
    }
}

/// Names the lists of objects beside the one whose elements are rows.
fn note_others<'l>(grid: &mut Grid, pointer: &str, lists: impl Iterator<Item = &'l str>) {
    let others: Vec<&str> = lists.filter(|other| *other != pointer).collect();
    if !others.is_empty() {
        grid.note(format!(
            "lists of objects beside {pointer} are left out: {}; a file feeds one table, so to have them as well, upload it once \
             more under another name, for a table with a from of its own and rows or explode of that list",
            others.join(", ")
        ));
    }
}

fn object(text: &[u8]) -> Option<Object<'_>> {
    match Json::parse(text) {
        Ok(Json::Object(object)) => Some(object),
        _ => None,
    }
}

/// The lines of a text.
fn of_lines(text: &[u8]) -> Vec<&[u8]> {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    lines.take(MOST_ROWS).collect()
}

/// The documents of a text, or the elements where it is a list.
fn of_document(text: &[u8]) -> Vec<&[u8]> {
    let mut found: Vec<&[u8]> = Vec::new();
    let documents = serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>();
    for document in documents.map_while(Result::ok) {
        match Json::of(document) {
            Ok(Json::List(list)) => found.extend(items(list).iter().take(MOST_ROWS).map(|item| item.get().as_bytes())),
            _ => found.push(document.get().as_bytes()),
        }
        if found.len() >= MOST_ROWS {
            break;
        }
    }
    found
}

/// The elements of a list in which some are no JSON, as they are read one by one.
fn of_damaged_list(text: &[u8]) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    if text.trim_ascii_start().first() == Some(&b'[') && serde_json::from_slice::<&RawValue>(text).is_err() {
        // What comes behind damage that nothing can be read beyond is no part of a sample.
        let _ = each_element(text, |_, element| {
            if elements.len() < MOST_ROWS {
                elements.push(element.to_vec());
            }
            Ok(())
        });
    }
    elements
}

pub(super) fn items(list: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(list.get()).unwrap_or_default()
}

/// A text that is cut anywhere, up to the end of its last list or object, with all that is open closed.
fn closed(text: &[u8]) -> Vec<u8> {
    let (mut open, mut is_text, mut is_escaped) = (Vec::new(), false, false);
    let mut last: (usize, Vec<u8>) = (0, Vec::new());
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b'{' => open.push(b'}'),
            b'[' => open.push(b']'),
            b'}' | b']' => {
                open.pop();
                last = (at + 1, open.clone());
            }
            _ => {}
        }
    }
    let (end, open) = last;
    let mut closed = text.get(..end).unwrap_or_default().to_vec();
    closed.extend(open.iter().rev());
    closed
}

/// A list in a row whose elements are rows.
struct Level {
    pointer: String,
}

/// Rows, each with those around it, the innermost last.
struct Tables<'t> {
    levels: Vec<Level>,
    rows: Vec<Vec<Object<'t>>>,
}

impl<'t> Tables<'t> {
    /// Where one document is an object with a list of rows, and nothing around it that is worth a column: declares the
    /// pointer of that list, which is read without holding the document.
    fn find_rows(&mut self, grid: &mut Grid, text: &[u8]) {
        let is_list = text.trim_ascii_start().first() == Some(&b'[');
        let [family] = self.rows.as_slice() else { return };
        let Some(document) = family.first().filter(|_| !is_list) else { return };
        let lists = lists(document);
        let Some((pointer, _)) = lists.iter().max_by_key(|(_, count)| *count).cloned() else { return };
        let is_worth = |(name, value): (&str, &RawValue)| {
            !ENVELOPE.contains(&name.to_lowercase().as_str())
                && matches!(Json::of(value), Ok(Json::Text(_) | Json::Number(_)))
        };
        let around: Vec<&str> = document.members().filter(|member| is_worth(*member)).map(|(name, _)| name).collect();
        // Values around the list belong to its rows: the list is exploded.
        if !around.is_empty() && text.len() < 1024 * 1024 {
            return;
        }
        if !around.is_empty() {
            grid.note(format!("values beside the list {pointer} are left out: {}", around.join(", ")));
        }
        note_others(grid, &pointer, lists.iter().map(|(other, _)| other.as_str()));
        let rows = document.pointer(&pointer).map(items).unwrap_or_default();
        grid.options.push(format!("rows = {}", quoted(&pointer)));
        self.rows = rows
            .into_iter()
            .take(MOST_ROWS)
            .filter_map(|row| object(row.get().as_bytes()))
            .map(|row| vec![row])
            .collect();
    }

    /// Goes into the list that has the most rows, if rows have one. Returns whether they have.
    fn explode(&mut self, grid: &mut Grid) -> bool {
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for family in self.rows.iter().take(1000) {
            for (pointer, count) in family.last().map(lists).unwrap_or_default() {
                let known = counts.entry(pointer).or_default();
                *known = (known.0 + 1, known.1 + count);
            }
        }
        let Some((pointer, (in_rows, _))) = counts.iter().max_by_key(|(_, (_, count))| *count) else { return false };
        let looked_at = self.rows.len().min(1000);
        if in_rows * 2 < looked_at {
            let some = counts.keys().cloned().collect::<Vec<_>>().join(", ");
            grid.note(format!(
                "some rows have lists of objects ({some}): left out; explode = \"/...\" makes them rows"
            ));
            return false;
        }
        note_others(grid, pointer, counts.keys().map(String::as_str));
        if *in_rows < looked_at {
            grid.note(format!(
                "some rows have no list {pointer}, or an empty one: they are rejected (no_rows); to have their other values, \
                 upload the file once more under another name, for a table without explode"
            ));
        }
        let mut exploded = Vec::new();
        for family in &self.rows {
            let list = family.last().and_then(|row| row.pointer(pointer));
            for item in list.map(items).unwrap_or_default() {
                let Some(row) = object(item.get().as_bytes()) else { continue };
                exploded.push(family.iter().cloned().chain([row]).collect());
                if exploded.len() >= MOST_ROWS {
                    break;
                }
            }
        }
        self.levels.push(Level { pointer: pointer.clone() });
        self.rows = exploded;
        true
    }

    /// Fills in the columns.
    fn fill(self, grid: &mut Grid) {
        if !self.levels.is_empty() {
            let pointers: Vec<String> = self.levels.iter().map(|level| quoted(&level.pointer)).collect();
            let list =
                if let [only] = pointers.as_slice() { only.clone() } else { format!("[{}]", pointers.join(", ")) };
            grid.options.push("# The elements of this list are the rows; ^ is the row around it.".to_owned());
            grid.options.push(format!("explode = {list}"));
        }
        grid.rows = self.rows.len();
        let depth = self.levels.len();
        let mut left_out: Vec<String> = Vec::new();
        let mut by_values: BTreeMap<String, &'static str> = BTreeMap::new();
        // The innermost row's own values come last: those around say what it belongs to.
        for level in 0..=depth {
            let carets = "^".repeat(depth - level);
            let mut places: Vec<(String, String)> = Vec::new();
            let rows: Vec<Object> = self.rows.iter().take(1000).filter_map(|row| row.get(level).cloned()).collect();
            let keyed = keyed(&rows, false);
            for family in self.rows.iter().take(5000) {
                let Some(row) = family.get(level) else { continue };
                let skipped = self.levels.get(level).map(|level| level.pointer.as_str());
                if !keyed.contains_key("") {
                    collect(
                        row,
                        "",
                        "",
                        &|pointer| skipped == Some(pointer) || keyed.contains_key(pointer),
                        &mut places,
                        &mut left_out,
                    );
                }
            }
            by_values.extend(keyed.into_iter().map(|(pointer, by)| (format!("{carets}{pointer}"), by)));
            for (pointer, label) in places {
                let values =
                    self.rows.iter().map(|family| family.get(level).and_then(|row| value(row.pointer(&pointer)?)));
                let values: Vec<Option<Value>> = values.collect();
                let plain = pointer.get(1..).filter(|name| !name.contains(['/', '~']) && carets.is_empty());
                let origin = match plain {
                    Some(name) => Origin::Named(name.to_owned()),
                    None => Origin::Path(format!("{carets}{pointer}")),
                };
                if grid.fields.len() < MOST_COLUMNS {
                    grid.fields.push(Field { label, origin, values, declared: None });
                }
            }
        }
        for (pointer, by) in by_values {
            grid.note(format!("{}; left out", why(&pointer, by)));
        }
        left_out.sort();
        left_out.dedup();
        if !left_out.is_empty() {
            grid.note(format!("lists are no single values, and left out: {}", left_out.join(", ")));
        }
    }
}

/// The lists of objects in an object, not within other lists, each with how many elements it has.
fn lists(object: &Object) -> Vec<(String, usize)> {
    fn within(value: &RawValue, pointer: String, depth: usize, found: &mut Vec<(String, usize)>) {
        match Json::of(value) {
            Ok(Json::List(list)) => {
                let items = items(list);
                let is_object = |item: &&RawValue| item.get().starts_with('{');
                if !items.is_empty() && items.iter().all(is_object) {
                    found.push((pointer, items.len()));
                }
            }
            Ok(Json::Object(object)) if depth > 0 => {
                for (name, value) in object.members() {
                    within(value, format!("{pointer}/{}", escaped(name)), depth - 1, found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (name, value) in object.members() {
        within(value, format!("/{}", escaped(name)), DEPTH, &mut found);
    }
    found
}

pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The pointers of a row's single values, with what they are called. Not those of what is skipped: the list that is exploded,
/// and objects whose names are values.
fn collect(
    row: &Object,
    pointer: &str,
    label: &str,
    is_skipped: &dyn Fn(&str) -> bool,
    places: &mut Vec<(String, String)>,
    left_out: &mut Vec<String>,
) {
    for (name, value) in row.members() {
        let pointer = format!("{pointer}/{}", escaped(name));
        let label = if label.is_empty() { name.to_owned() } else { format!("{label} {name}") };
        match Json::of(value) {
            _ if is_skipped(&pointer) => {}
            Ok(Json::Object(object)) => collect(&object, &pointer, &label, is_skipped, places, left_out),
            Ok(Json::List(_)) => left_out.push(pointer),
            _ if places.iter().any(|(known, _)| *known == pointer) => {}
            _ => places.push((pointer, label)),
        }
    }
}

fn value(raw: &RawValue) -> Option<Value> {
    let (text, kind) = match Json::of(raw).ok()? {
        Json::Text(text) => return Value::text(&text),
        Json::Number(digits) => (digits.to_owned(), Kind::Number),
        Json::Bool(truth) => (truth.to_string(), Kind::Bool),
        Json::Null | Json::List(_) | Json::Object(_) => return None,
    };
    Some(Value { text, kind })
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(grid: &Grid) -> Vec<String> {
        let origin = |field: &Field| match &field.origin {
            Origin::Named(name) => name.clone(),
            Origin::Path(path) => path.clone(),
            Origin::InOrder => "?".to_owned(),
        };
        grid.fields.iter().map(origin).collect()
    }

    #[test]
    fn rows_of_documents_are_found() {
        for (text, options, columns, rows) in [
            ("[{\"a\":1,\"b\":{\"c\":2}},{\"a\":3}]", &[][..], &["a", "/b/c"][..], 2),
            ("{\"count\":2,\"data\":{\"items\":[{\"a\":1},{\"a\":2}]}}", &["rows = \"/data/items\""], &["a"], 2),
            ("{\"a\":[{\"a\":1}],\"b\":[{\"b\":1},{\"b\":2}]}", &["rows = \"/b\""], &["b"], 2),
            ("{\"id\":7,\"values\":[{\"a\":1},{\"a\":2}]}", &["explode = \"/values\""], &["^/id", "a"], 2),
            ("[{\"id\":7,\"x\":[1],\"values\":[{\"a\":1},{\"a\":2}]}]", &["explode = \"/values\""], &["^/id", "a"], 2),
            ("{\"a\":1}\n{\"a\":2}{\"a\":3}", &[], &["a"], 3),
            ("{\"a/b\":1}", &[], &["/a~1b"], 1),
        ] {
            let grid = grid(text.as_bytes(), false, false).unwrap();
            let declared: Vec<&String> = grid.options.iter().skip(1).filter(|line| !line.starts_with('#')).collect();
            assert_eq!(declared, options, "{text}");
            assert_eq!(
                (origins(&grid), grid.rows),
                (columns.iter().map(|c| (*c).to_owned()).collect(), rows),
                "{text}"
            );
        }
        assert!(grid(b"[1, 2]", false, false).is_err());
        let lines = grid(b"{\"a\":1}\nx\n{\"b\":2}\n", false, true).unwrap();
        assert_eq!((origins(&lines), lines.rows), (vec!["a".to_owned(), "b".to_owned()], 2));
    }

    #[test]
    fn a_document_that_is_cut_anywhere_has_the_rows_before_the_cut() {
        let text = "{\"data\":[{\"a\":1,\"b\":[1,2],\"c\":\"}]\\\"\"},{\"a\":2,\"b\":[],\"c\":\"x\"},{\"a\":3,\"b\":[],\"c\":\"y\"}]}";
        for end in 40..text.len() {
            let cut = closed(&text.as_bytes()[..end]);
            assert!(
                serde_json::from_slice::<serde_json::Value>(&cut).is_ok(),
                "{end}: {}",
                String::from_utf8_lossy(&cut)
            );
        }
        let cut = grid(&text.as_bytes()[..text.len() - 4], true, false).unwrap();
        assert_eq!((origins(&cut), cut.rows), (vec!["a".to_owned(), "c".to_owned()], 2));
    }

    #[test]
    fn lines_and_documents_are_told_apart() {
        assert_eq!(is_json(b"{\"a\":1}\n{\"a\":2}\n"), Some(true));
        assert_eq!(is_json(b"{\"a\":1}\n"), Some(false));
        assert_eq!(is_json(b"[\n{\"a\":1},\n{\"a\":2}]"), Some(false));
        assert_eq!(is_json(b"{\n\"a\":1}"), Some(false));
        assert_eq!(is_json(b"a,b\n"), None);
    }
}
