//! Lines around the rows of a table that are no rows: totals and footers below them, units and marks above.

use super::head::{body_looks, is_like, text_at, width};
use super::looks::{Look, is_placeholder, is_total, look, reads_like_footer};
use super::sampled::is_rule;
use crate::formats::csv::SampleRecord;

/// Lines just below a header that may be no rows.
pub(super) const MOST_BELOW: usize = 2;
/// Lines at the end that may be no rows.
const FOOTER_WITHIN: usize = 20;

/// How many records at the end are no rows: of another width, or sums.
pub(super) fn footers(rows: &[&SampleRecord], columns: usize) -> usize {
    let looks = body_looks(rows, 0, columns);
    let has_less = |row: &SampleRecord| row.values.len() < columns && !row.is_of_sheet();
    let is_single = |row: &&&SampleRecord| {
        let is_one = columns > 1 && width(row) <= 1 && row.values.len() == 1;
        is_one && (!row.is_of_sheet() || !is_named_alike(row, rows, &looks))
    };
    let is_typed = looks.iter().any(|look| matches!(look, Some(Look::Number | Look::Time)));
    let filled = |row: &SampleRecord| row.values.iter().filter(|value| !value.trim().is_empty()).count();
    let is_footer = |row: &&&SampleRecord| {
        let is_one = is_typed && filled(row) == 1 && !is_named_alike(row, rows, &looks);
        let is_short = columns > 2 && (has_less(row) || is_one) && !is_like(row, &looks);
        let first = row.values.iter().find(|value| !value.trim().is_empty()).map(String::as_str).unwrap_or_default();
        is_total(first) || is_short || is_single(row)
    };
    let last = || rows.iter().rev().take(FOOTER_WITHIN);
    let count = last().take_while(is_footer).count();
    // Lines of one value are none of a table of several columns, however few rows it has.
    if count * 2 > rows.len() { last().take_while(is_single).count().min(rows.len().saturating_sub(1)) } else { count }
}

/// Whether the first value of a record is a name like those of others, and nothing of a total or a footer: what is blank beside
/// it is missing.
fn is_named_alike(row: &SampleRecord, rows: &[&SampleRecord], looks: &[Option<Look>]) -> bool {
    let first = text_at(row, 0).trim();
    if first.is_empty() || reads_like_footer(first) || looks.first() != Some(&Some(look(first))) {
        return false;
    }
    let words = |text: &str| text.split_whitespace().count();
    let is_mark = |character: char| ":;()*©=".contains(character);
    // Of a whole row, so that footers are not compared with each other.
    let is_whole = |other: &&&SampleRecord| width(other) > 1;
    let others = || rows.iter().rev().filter(is_whole).take(1000).map(|other| text_at(other, 0).trim());
    others().any(|other| words(other) >= words(first) && other.chars().count() * 2 >= first.chars().count())
        && (!first.contains(is_mark) || others().any(|other| other.contains(is_mark)))
}

/// How many records just below the header are no rows, such as units or dashes: they have texts alone where most others have
/// numbers or times.
pub(super) fn lines_below_header(rows: &[&SampleRecord], columns: usize) -> usize {
    let from = MOST_BELOW.min(rows.len());
    let looks = body_looks(rows, from, columns);
    let is_typed = |at: usize| matches!(looks.get(at), Some(Some(Look::Number | Look::Time)));
    let is_none = |row: &&&SampleRecord| {
        let mut typed = (0..columns).filter(|at| is_typed(*at)).map(|at| text_at(row, at).trim()).peekable();
        let is_unit =
            |text: &str| look(text) == Look::Text && !is_placeholder(text) || text.starts_with("--") || text.is_empty();
        typed.peek().is_some()
            && typed.clone().any(|text| !text.is_empty())
            && typed.all(is_unit)
            && !is_like(row, &looks)
    };
    rows.iter().take(MOST_BELOW).take_while(|row| is_none(row) || columns > 1 && is_rule(row)).count()
}
