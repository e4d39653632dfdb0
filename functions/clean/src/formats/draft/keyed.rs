//! Objects of JSON that are no rows: those whose names are values, such as people or days, and those with a list per column.

use std::collections::{BTreeMap, BTreeSet};

use lake::json::{Json, Object};
use serde_json::value::RawValue;

use super::looks::{Look, look, shape};
use super::names::{is_time, is_usual};
use super::tree::{escaped, items};
use crate::error::Stop;

/// So many members of one shape are a list.
const MANY: usize = 20;
/// How deep objects are looked at.
const DEPTH: usize = 4;

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    /// An object with these names.
    Object(BTreeSet<String>),
    List,
    Number,
    Other,
}

fn shape_of(value: &RawValue) -> Shape {
    match Json::of(value) {
        Ok(Json::Object(object)) => Shape::Object(object.members().map(|(name, _)| name.to_owned()).collect()),
        Ok(Json::List(_)) => Shape::List,
        Ok(Json::Number(_)) => Shape::Number,
        _ => Shape::Other,
    }
}

/// What an object is keyed by, if its names are values; none if they are names.
fn keyed_by(object: &Object, is_row: bool) -> Option<&'static str> {
    let names: Vec<&str> = object.members().map(|(name, _)| name).collect();
    if names.iter().any(|name| is_address(name)) {
        return Some("addresses");
    }
    if names.iter().any(|name| is_uuid(name)) {
        return Some("ids");
    }
    let mut shapes = object.members().map(|(_, value)| shape_of(value));
    let first = shapes.next().filter(|_| names.len() > 1)?;
    if !shapes.all(|shape| shape == first) {
        return None;
    }
    let all = |test: &dyn Fn(&str) -> bool| names.iter().all(|name| test(name));
    let is_nested = matches!(&first, Shape::Object(members) if !members.is_empty()) || first == Shape::List;
    if !is_row && all(&|name| look(name) == Look::Time) {
        return Some("dates or times");
    }
    let has_digit = |name: &str| name.bytes().any(|byte| byte.is_ascii_digit());
    let is_object = matches!(&first, Shape::Object(members) if !members.is_empty());
    if is_object && all(&has_digit) {
        return Some("ids or numbers");
    }
    // Names of columns may be written so as well: `Start Date`.
    let is_person = |name: &str| {
        let words: Vec<&str> = name.split_whitespace().collect();
        let is_word = |word: &&str| shape(word) == "Aa" || word.chars().all(char::is_lowercase);
        words.len() > 1
            && words.iter().all(is_word)
            && shape(name).contains("Aa")
            && !words.iter().any(|word| is_usual(word) || is_time(word))
    };
    if !is_row && all(&is_person) {
        return Some("names");
    }
    let is_capital = |name: &str| shape(name) == "Aa" || is_person(name);
    if is_nested && names.len() > 2 && !is_row && all(&is_capital) {
        return Some("names");
    }
    (is_object && names.len() >= MANY).then_some("values")
}

fn is_address(name: &str) -> bool {
    name.split_once('@').is_some_and(|(before, after)| !before.is_empty() && after.contains('.'))
}

/// `123e4567-e89b-12d3-a456-426614174000`
fn is_uuid(name: &str) -> bool {
    let parts: Vec<usize> = name.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && name.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Where in rows objects are whose names are values, and what values; the pointer of a row itself is blank. `is_document` if
/// the one row is a whole document.
pub(super) fn keyed(rows: &[Object], is_document: bool) -> BTreeMap<String, &'static str> {
    let mut found = BTreeMap::new();
    let mut counts: BTreeMap<String, (usize, BTreeMap<String, usize>)> = BTreeMap::new();
    for row in rows.iter().take(1000) {
        within(row, String::new(), !is_document, &mut found, &mut counts);
    }
    for (pointer, (times, names)) in counts {
        let all: usize = names.values().sum();
        // Each row has others.
        if !pointer.is_empty() && names.len() >= MANY && all < times * names.len() / 2 {
            found.entry(pointer).or_insert("values");
        }
    }
    found
}

fn within(
    object: &Object,
    pointer: String,
    is_row: bool,
    found: &mut BTreeMap<String, &'static str>,
    counts: &mut BTreeMap<String, (usize, BTreeMap<String, usize>)>,
) {
    if found.contains_key(&pointer) {
        return;
    }
    if let Some(by) = keyed_by(object, is_row) {
        found.insert(pointer, by);
        return;
    }
    if pointer.matches('/').count() >= DEPTH {
        return;
    }
    let known = counts.entry(pointer.clone()).or_default();
    known.0 += 1;
    for (name, _) in object.members() {
        *known.1.entry(name.to_owned()).or_default() += 1;
    }
    for (name, value) in object.members() {
        if let Ok(Json::Object(inner)) = Json::of(value) {
            within(&inner, format!("{pointer}/{}", escaped(name)), false, found, counts);
        }
    }
}

/// What is said of an object that is keyed by values.
pub(super) fn why(pointer: &str, by: &str) -> String {
    let what = if pointer.is_empty() { "the object".to_owned() } else { format!("the object {pointer}") };
    format!(
        "{what} is keyed by {by}: its names are values, not names of columns; make a list of it, with an object per row that \
         has what is now a name as a value"
    )
}

/// Refuses a document that has a list for each column, as in `{"time": ["10:00", "11:00"], "value": [1, 2]}`, in itself or in
/// one of its members.
pub(super) fn refuse_lists(document: &Object) -> Result<(), Stop> {
    let inner = document.members().filter_map(|(name, value)| match Json::of(value) {
        Ok(Json::Object(object)) => Some((Some(name), object)),
        _ => None,
    });
    let mut all = vec![(None, document.clone())];
    all.extend(inner);
    for (name, object) in all {
        // What has other values beside its lists may be one row.
        let lengths: Option<Vec<usize>> = object.members().map(|(_, value)| length(value)).collect();
        let lengths = lengths.unwrap_or_default();
        let is_even = lengths.iter().all(|length| Some(length) == lengths.first());
        if lengths.len() < 2 || !is_even || lengths.first() == Some(&0) {
            continue;
        }
        let place = name.map(|name| format!("of /{} ", escaped(name))).unwrap_or_default();
        let why = format!(
            "the values {place}stand column by column, a list for each, and no option reads them as rows: write a list of \
             objects, one per row; in Python that is pandas.DataFrame({}).to_json(orient = \"records\")",
            name.map_or("document".to_owned(), |name| format!("document[{}]", super::quoted(name)))
        );
        return Err(Stop::reject("no_rows", why));
    }
    Ok(())
}

/// How many single values a list has; none if it is none of such.
fn length(value: &RawValue) -> Option<usize> {
    let Ok(Json::List(list)) = Json::of(value) else { return None };
    let items = items(list);
    items.iter().all(|item| !item.get().starts_with(['{', '['])).then_some(items.len())
}
