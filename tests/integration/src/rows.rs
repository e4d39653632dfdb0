//! Rows to be compared in any order, and CSV as others read it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A row, by column.
pub type Row = Map<String, Value>;

/// Rows as sorted text. Nulls and the columns left out are not in it.
pub fn canonical(rows: &[Row], left_out: &[&str]) -> Vec<String> {
    let text = |row: &Row| {
        let kept = row.iter().filter(|(name, value)| !left_out.contains(&name.as_str()) && !value.is_null());
        format!("{:?}", kept.collect::<BTreeMap<_, _>>())
    };
    let mut lines: Vec<String> = rows.iter().map(text).collect();
    lines.sort();
    lines
}

/// A query's rows as they are.
pub fn rows(values: Vec<Value>) -> Vec<Row> {
    values.into_iter().map(|value| value.as_object().cloned().expect("a row")).collect()
}

/// Fails the test, with the first difference, unless both are the same.
pub fn assert_alike<T: PartialEq + std::fmt::Debug>(what: &str, found: &[T], expected: &[T]) {
    let first = found.iter().zip(expected).find(|(one, other)| one != other);
    assert!(
        found == expected,
        "{what}: {} rows, expected {}; first difference {first:#?}",
        found.len(),
        expected.len()
    );
}

/// A CSV file's records, the header first, by the rules of RFC 4180.
pub fn csv(bytes: &[u8]) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = std::str::from_utf8(bytes).expect("UTF-8").chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            _ => cell.push(character),
        }
    }
    assert!(cell.is_empty() && record.is_empty() && !quoted, "the last record is not complete");
    records
}
