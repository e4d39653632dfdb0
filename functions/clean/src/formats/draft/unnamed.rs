//! Columns that the header has no name for, and that are left out.

use super::head::text_at;
use super::lines::columns_text;
use crate::formats::csv::SampleRecord;

/// Columns that are named by their places.
const MOST: usize = 10;

/// Says which columns are left out for want of a name, and how those are read that have values. `last` is the last line of the
/// header.
pub(super) fn note(names: &[String], rows: &[&SampleRecord], columns: usize, last: u64) -> Option<String> {
    let is_blank = |at: &usize| names.get(*at).is_none_or(|name| name.trim().is_empty());
    let unnamed: Vec<usize> = (0..columns).filter(is_blank).collect();
    if unnamed.is_empty() {
        return None;
    }
    let has_values = |at: &usize| rows.iter().any(|row| !text_at(row, *at).trim().is_empty());
    let (filled, empty): (Vec<usize>, Vec<usize>) = unnamed.iter().partition(|at| has_values(at));
    let mut note = format!("the header has no name for {}: left out", columns_text(unnamed.len()));
    if !empty.is_empty() {
        note.push_str(&format!("; without a value: {}", places(&empty)));
    }
    if let Some(first) = filled.first() {
        note.push_str(&format!(
            "; with values: {}; to read such, give it a name in the files, or write header = \"never\" and skip_lines = {last}, and \
             each column in its place, such as [table.record.column.column_{}]",
            places(&filled),
            first + 1
        ));
    }
    Some(note)
}

/// `columns 2 and 5`
fn places(columns: &[usize]) -> String {
    let numbers: Vec<String> = columns.iter().take(MOST).map(|at| (at + 1).to_string()).collect();
    let more = columns.len().saturating_sub(MOST);
    match (numbers.as_slice(), more) {
        ([only], _) => format!("column {only}"),
        ([others @ .., last], 0) => format!("columns {} and {last}", others.join(", ")),
        (some, more) => format!("columns {} and {more} more", some.join(", ")),
    }
}
