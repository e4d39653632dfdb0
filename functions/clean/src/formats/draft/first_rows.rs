//! Rows above the first one that has a value in each column: the last column may be of remarks, which first rows have none of.

use super::above::may_be_header;
use super::grid::Grid;
use super::head::{HEADER_WITHIN, is_like, text_at, width};
use super::looks::{Look, is_in_place_of_number, look, shape};
use super::names::is_usual;
use crate::formats::csv::SampleRecord;

/// Lines about a table that may be like rows with blanks.
const MOST_ABOVE: usize = 5;
/// Records that one is compared with.
const COMPARED: usize = 1000;

/// How a record is a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    /// By its texts: rows below have each of them as well, or it is an id as theirs are.
    Sure,
    /// By the kinds of its values alone.
    Likely,
}

/// How a record is a row of a table, blanks or not: it has as many fields as rows, and what it has is of the kinds of its columns.
/// Where that is texts alone, these are written as those below.
fn row(record: &SampleRecord, below: &[&SampleRecord], columns: usize, looks: &[Option<Look>]) -> Option<Row> {
    if record.values.len() < columns && !record.is_of_sheet() || width(record) > columns {
        return None;
    }
    let cells: Vec<(usize, &str, Option<Look>)> = (0..columns)
        .map(|at| (at, text_at(record, at).trim(), looks.get(at).copied().flatten()))
        .filter(|(_, cell, _)| !cell.is_empty())
        .collect();
    let fits = |cell: &str, column: Option<Look>| match column {
        Some(Look::Number | Look::Time) => column == Some(look(cell)) || is_in_place_of_number(cell),
        _ => true,
    };
    if cells.is_empty() || !cells.iter().all(|(_, cell, column)| fits(cell, *column)) {
        return None;
    }
    let others = |at: usize| below.iter().take(COMPARED).map(move |row| text_at(row, at).trim());
    let alike = |at: usize, cell: &str| others(at).filter(|other| shape(other) == shape(cell)).count();
    let count = below.len().min(COMPARED);
    let is_own = |at: usize, cell: &str| {
        let is_id = || cell.contains(|c: char| c.is_ascii_digit()) && alike(at, cell) * 2 > count;
        others(at).any(|other| other == cell) || is_id()
    };
    let mut texts = cells.iter().filter(|(.., column)| *column == Some(Look::Text)).peekable();
    if texts.peek().is_some() && texts.all(|(at, cell, _)| is_own(*at, cell)) {
        return Some(Row::Sure);
    }
    let is_written_alike = || cells.iter().all(|(at, cell, _)| alike(*at, cell) * 10 > count);
    (is_like(record, looks) || is_written_alike()).then_some(Row::Likely)
}

/// The first row among the records before one that is a row with a value in each column; that one if none is.
pub(super) fn first_row(records: &[&SampleRecord], whole: usize, columns: usize, looks: &[Option<Look>]) -> usize {
    let below = records.get(whole..).unwrap_or_default();
    let mut before = records.iter().take(whole);
    before.position(|record| row(record, below, columns, looks).is_some()).unwrap_or(whole)
}

/// Whether rows stand above a line of texts that has a value in each column: then it is one of them, and no header. Lines about a
/// table have kinds of its columns as well (`Limit;12.5;`), but are few, and not all of their texts are in rows.
pub(super) fn are_rows(records: &[&SampleRecord], at: usize, columns: usize, looks: &[Option<Look>]) -> bool {
    let is_called = |record: &&SampleRecord| (0..columns).any(|at| is_usual(text_at(record, at)));
    if records.get(at).is_none_or(is_called) {
        return false;
    }
    let below = records.get(at + 1..).unwrap_or_default();
    let rows = || records.iter().take(at.min(HEADER_WITHIN)).filter_map(|record| row(record, below, columns, looks));
    rows().any(|row| row == Row::Sure) || rows().nth(MOST_ABOVE).is_some() && !may_be_header(records, at, columns)
}

/// Says which lines above the first row are left out though they may be rows. `first` is the place of the first row.
pub(super) fn note_left_out(
    grid: &mut Grid,
    records: &[&SampleRecord],
    first: usize,
    columns: usize,
    looks: &[Option<Look>],
) {
    let filled = |record: &SampleRecord| record.values.iter().filter(|value| !value.trim().is_empty()).count();
    // A title has several words.
    let is_name = |record: &SampleRecord| {
        let text = record.values.iter().map(|value| value.trim()).find(|value| !value.is_empty());
        record.values.len() >= columns && text.is_some_and(|text| !text.contains(char::is_whitespace))
    };
    let may_be =
        |record: &&&SampleRecord| columns > 1 && (filled(record) > 1 || is_like(record, looks) || is_name(record));
    let lines: Vec<u64> = records.iter().take(first).filter(may_be).map(|record| record.row).collect();
    let [line, ..] = lines.as_slice() else { return };
    let option = skip_to(*line);
    grid.note(match lines.as_slice() {
        [_, .., last] => format!(
            "of the lines above the first row, {} from line {line} to line {last} may be rows, and skip_lines leaves them out, \
             as they are not written as rows are: if they are rows, {option}",
            lines.len()
        ),
        _ => format!(
            "line {line} may be a row, and skip_lines leaves it out, as it is not written as rows are: if it is a row, {option}"
        ),
    });
}

/// How rows begin with a line.
pub(super) fn skip_to(line: u64) -> String {
    if line > 1 { format!("write skip_lines = {}", line - 1) } else { "leave skip_lines out".to_owned() }
}

/// Says which first rows may be titles: they have texts, and blanks where others have numbers or times.
pub(super) fn note_titles(
    grid: &mut Grid,
    records: &[&SampleRecord],
    first: usize,
    columns: usize,
    looks: &[Option<Look>],
) {
    let is_typed = looks.iter().any(|look| matches!(look, Some(Look::Number | Look::Time)));
    let is_of_texts = |record: &&&SampleRecord| is_typed && width(record) < columns && !is_like(record, looks);
    if let Some(last) = records.iter().skip(first).take_while(is_of_texts).last() {
        grid.note(format!(
            "the first row has texts alone, and blanks where others have numbers or times: it is read as a row with missing values; \
             if it is about the table, write skip_lines = {}",
            last.row + last.lines - 1
        ));
    }
}
