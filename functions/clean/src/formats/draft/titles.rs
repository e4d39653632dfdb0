//! Lines with a number, a date or a time above a table of texts alone, such as `Year,2026`. Whether they are about the table, its
//! header or rows is told by the words that columns are called by, or by nobody.

use std::cmp::Reverse;

use super::grid::Grid;
use super::head::{text_at, width};
use super::looks::{Look, look, shape};
use super::names::is_usual;
use crate::formats::csv::SampleRecord;

/// Lines that may be about a table.
const MOST: usize = 5;
/// Lines of texts below them that may be the header.
const HEADER_WITHIN: usize = 3;
/// Rows that show that all columns are texts.
const FEW_ROWS: usize = 3;

/// What the last column of a table of names and values is called, in small letters.
const VALUES: [&str; 12] =
    ["value", "values", "val", "content", "setting", "waarde", "waarden", "wert", "werte", "valeur", "valor", "valore"];

/// Lines above a table of texts that have what none of its rows has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Titles {
    /// How many records there are down to the last one that has a number, a date or a time.
    pub records: usize,
    /// How many values of that kind the first one has.
    typed: usize,
    /// The record below them that is called as columns are, or is written as no row is.
    pub header: Option<usize>,
}

/// Finds such lines; none where the first one has texts alone, and may be the header, unless one is found below.
pub(super) fn titles(records: &[&SampleRecord], columns: usize) -> Option<Titles> {
    if records.first().is_some_and(|first| names_values(first, columns)) {
        return None;
    }
    let typed = |record: &SampleRecord| {
        let looks = record.values.iter().map(|value| look(value));
        looks.filter(|look| matches!(look, Look::Number | Look::Time)).count()
    };
    let above = records.get(..MOST).unwrap_or(records);
    let last = above.iter().rposition(|record| typed(record) > 0)?;
    let below = records.get(last + 1..).unwrap_or_default();
    let is_whole = |record: &&&SampleRecord| width(record) == columns;
    let is_of_texts = below.iter().take(1000).all(|record| typed(record) == 0);
    if columns < 2 || !is_of_texts || below.iter().filter(is_whole).count() < FEW_ROWS {
        return None;
    }
    let cells =
        |record: &SampleRecord| (0..columns).map(|at| text_at(record, at).trim().to_owned()).collect::<Vec<_>>();
    let usual =
        |at: usize| below.get(at).map_or(0, |record| cells(record).iter().filter(|cell| is_usual(cell)).count());
    // What comes again, or has a value as others below it, is a row.
    let is_other = |at: usize, is_alike: fn(&str, &str) -> bool| {
        let Some(record) = below.get(at).filter(|record| width(record) == columns) else { return false };
        cells(record).iter().enumerate().all(|(column, cell)| {
            let mut others = below.iter().skip(at + 1).take(1000).map(|other| text_at(other, column).trim());
            !cell.is_empty() && !cell.contains('@') && !others.any(|other| is_alike(other, cell))
        })
    };
    let called = (0..HEADER_WITHIN).filter(|at| usual(*at) > 0 && is_other(*at, |one, other| one == other));
    let called = called.max_by_key(|at| (usual(*at), Reverse(*at)));
    let header = called.or_else(|| is_other(0, |one, other| shape(one) == shape(other)).then_some(0));
    let first = above.first().map_or(0, |record| typed(record));
    let is_header = above.first().is_some_and(|record| width(record) == columns) && first == 0;
    let header = header.map(|at| last + 1 + at);
    (header.is_some() || !is_header).then_some(Titles { records: last + 1, typed: first, header })
}

/// Whether a record has the names of a table of names and values, such as `key,value`: a number or a date is a value of it.
pub(super) fn names_values(record: &SampleRecord, columns: usize) -> bool {
    let mut cells = (0..columns).map(|at| text_at(record, at).trim());
    let are_texts = width(record) == columns && cells.clone().all(|cell| look(cell) == Look::Text);
    let is_of_values = |cell: &str| VALUES.contains(&cell.to_lowercase().as_str());
    are_texts && (cells.clone().next_back().is_some_and(is_of_values) || cells.all(is_usual))
}

/// Says what such lines are taken for. `line` is that of a record, `header` the line that is taken for the header.
pub(super) fn note(grid: &mut Grid, titles: &Titles, line: impl Fn(usize) -> u64, header: Option<u64>) {
    let (first, last) = (line(0), line(titles.records - 1));
    let lines = |first: u64, last: u64| match first == last {
        true => format!("line {first}, which has"),
        false => format!("lines {first} to {last}, of which some have"),
    };
    match header {
        Some(header) if header > last => grid.note(format!(
            "above columns of texts there is {} a number, a date or a time: taken for what is about the table, down to line {}, and \
             line {header} for its header; if they are rows, write header = \"never\" in place of \"find\"",
            lines(first, last),
            header - 1
        )),
        // Of several dates or years it is said that they are names.
        Some(header) if header == first && titles.typed == 1 => grid.note(format!(
            "line {header} has a number, a date or a time, as no line below it has, and is taken for the header: if it is about \
             the table, and the header below it, write skip_lines = {header}, and the names of the header as field = \"...\""
        )),
        None => grid.note(format!(
            "above columns of texts there is {} a number, a date or a time: nothing tells whether that is about the table, and it \
             is taken for rows; if it is no row, write skip_lines = {last}, and where the header is below it, header = \"always\" in \
             place of \"never\" and its names as field = \"...\"",
            lines(first, last)
        )),
        Some(_) => {}
    }
}
