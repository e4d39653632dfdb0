//! Lines around the rows of a table that are no rows: totals and footers below them, units and marks above.

use super::above::is_unit;
use super::head::{body_looks, is_like, text_at, width};
use super::looks::{
    Look, is_in_place_of_number, is_marked_footer, is_placeholder, is_total, look, reads_like_footer, shape,
};
use super::sampled::is_rule;
use crate::formats::csv::SampleRecord;

/// Lines just below a header that may be no rows.
pub(super) const MOST_BELOW: usize = 2;
/// Lines at the end that may be no rows.
const FOOTER_WITHIN: usize = 20;
/// Rows above a line from which on its numbers are their sums by more than accident.
const SUMMED_ROWS: usize = 3;

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
    let is_marked = |row: &&&SampleRecord| (filled(row) == 1 || is_sentence(row)) && is_marked_alone(row, rows);
    let is_footer = |row: &&&SampleRecord| {
        let is_one = is_typed && filled(row) == 1 && !is_named_alike(row, rows, &looks);
        let is_short = columns > 2 && (has_less(row) || is_one) && !is_like(row, &looks);
        let first = row.values.iter().find(|value| !value.trim().is_empty()).map(String::as_str).unwrap_or_default();
        let is_empty = columns > 1 && filled(row) == 0;
        is_total(first) || is_empty || is_short || is_single(row) || is_marked(row) || is_sum(row, rows, columns)
    };
    let last = || rows.iter().rev().take(FOOTER_WITHIN);
    let count = last().take_while(is_footer).count();
    // Lines of one value, or that say what they are, are none of a table of several columns, however few rows it has.
    let is_sure = |row: &&&SampleRecord| is_single(row) || columns > 1 && is_marked(row);
    if count * 2 > rows.len() { last().take_while(is_sure).count().min(rows.len().saturating_sub(1)) } else { count }
}

/// Whether a record is a sentence whose commas have blanks behind them.
fn is_sentence(row: &SampleRecord) -> bool {
    row.values.len() > 1 && row.values.iter().skip(1).all(|value| value.starts_with(' '))
}

/// Whether a record has no name, as no other one has, and each number in it is the sum of the others of its column.
fn is_sum(row: &SampleRecord, rows: &[&SampleRecord], columns: usize) -> bool {
    let others = || rows.iter().filter(|other| !std::ptr::eq(**other, row));
    let has_name = |row: &SampleRecord| !text_at(row, 0).trim().is_empty();
    if rows.len() <= SUMMED_ROWS || has_name(row) || !others().all(|other| has_name(other)) {
        return false;
    }
    let number = |text: &str| text.trim().replace(',', ".").parse::<f64>().ok();
    let mut numbers =
        (1..columns).map(|column| (column, text_at(row, column))).filter(|(_, text)| !text.trim().is_empty());
    let is_sum_of = |(column, text): (usize, &str)| {
        let sum: f64 = others().filter_map(|other| number(text_at(other, column))).sum();
        number(text).is_some_and(|own| own != 0.0 && (own - sum).abs() <= 0.005_f64.max(own.abs() * 1e-9))
    };
    let first = numbers.next().is_some_and(is_sum_of);
    first && numbers.all(is_sum_of)
}

/// Whether the first value of a record is marked as a footer is, `Source: X`, `© X` or `40 rows`, as that of no whole row is.
fn is_marked_alone(row: &SampleRecord, rows: &[&SampleRecord]) -> bool {
    let is_whole = |other: &&&SampleRecord| width(other) > 1 && !is_sentence(other);
    let mut others = rows.iter().filter(is_whole).map(|other| text_at(other, 0));
    is_marked_footer(text_at(row, 0)) && !others.any(is_marked_footer)
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
/// numbers or times, or units alone.
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
            && !is_row_of_marks(row, rows, &looks)
    };
    let is_below =
        |row: &&&SampleRecord| is_none(row) || columns > 1 && is_rule(row) || is_of_units(row, rows, columns);
    rows.iter().take(MOST_BELOW).take_while(is_below).count()
}

/// Whether a record with texts where others have numbers begins as these do, and what it has is in place of numbers, `S99,<0.5`; or
/// are words and no units, beside a first value with digits, `S99,offline`.
fn is_row_of_marks(row: &SampleRecord, rows: &[&SampleRecord], looks: &[Option<Look>]) -> bool {
    let first = text_at(row, 0).trim();
    let others = || rows.iter().filter(|other| !std::ptr::eq(**other, row)).take(1000);
    let alike = others().filter(|other| shape(text_at(other, 0).trim()) == shape(first)).count();
    if looks.first() != Some(&Some(Look::Text))
        || first.is_empty()
        || is_placeholder(first)
        || alike * 2 <= others().count()
    {
        return false;
    }
    let is_typed = |at: &usize| matches!(looks.get(*at), Some(Some(Look::Number | Look::Time)));
    let texts = || (0..looks.len()).filter(is_typed).map(|at| text_at(row, at).trim()).filter(|text| !text.is_empty());
    texts().any(is_in_place_of_number)
        || first.contains(|c: char| c.is_ascii_digit()) && !texts().any(|text| is_unit(text) || text.starts_with("--"))
}

/// Whether a record has units alone, or blanks and dashes beside them, and no record below it has the same ones in their columns:
/// texts of rows come again, such as `m` for a sex.
fn is_of_units(row: &SampleRecord, rows: &[&SampleRecord], columns: usize) -> bool {
    const FEW: usize = 2;
    let cells = || (0..columns).map(|at| (at, text_at(row, at).trim()));
    let below = || rows.iter().filter(|other| !std::ptr::eq(**other, row)).take(1000);
    let is_own = |(at, unit): (usize, &str)| {
        let is_same = |other: &&SampleRecord| text_at(other, at).trim().eq_ignore_ascii_case(unit);
        is_placeholder(unit) || unit.is_empty() || !below().any(is_same)
    };
    let says = |text: &str| text.chars().any(|c| c.is_alphabetic() || "°%²³µ€$£".contains(c)) && !is_placeholder(text);
    columns > 1
        && below().count() >= FEW
        && cells().all(|(_, text)| is_unit(text))
        && cells().any(|(_, text)| says(text))
        && cells().all(is_own)
        && !below().any(|other| (0..columns).all(|at| is_unit(text_at(other, at))))
}
