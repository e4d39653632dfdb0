//! Which of several lines of texts above the rows is their header. What is above it is about the table as a whole, such as
//! `Station;Brussels`, and what is below it are units.

use lake::value::UNITS;

use super::head::{HEADER_WITHIN, body_looks, is_like, is_names, text_at, width};
use super::looks::{Look, is_placeholder, look, shape};
use super::names::{is_time, is_usual};
use crate::formats::csv::SampleRecord;

/// Lines about a table that may have a value of its kind in each column, as rows have.
const MOST_LIKE_ROWS: usize = 3;
/// Rows that show which line of texts stands above them.
const FEW_ROWS: usize = 3;

/// Texts below names that say in what, or how, is measured; in small letters.
const MEASURES: [&str; 73] = [
    "-", "a", "ma", "v", "mv", "volt", "volts", "w", "kw", "mw", "wh", "kwh", "mwh", "va", "kva", "var", "kvar",
    "kvarh", "j", "mj", "gj", "hz", "khz", "c", "f", "k", "degc", "deg c", "deg", "degree", "degrees", "°", "m", "mm",
    "cm", "km", "m2", "m²", "m3", "m³", "l", "s", "sec", "ms", "min", "h", "pa", "hpa", "kpa", "bar", "mbar", "ppm",
    "ppb", "g", "kg", "t", "lux", "db", "dba", "rpm", "utc", "cet", "local", "ts", "rn", "avg", "smp", "max", "std",
    "tot", "n", "nm", "unit",
];
/// Types below names, in small letters, and those of them that columns are called by as well.
const TYPES: [&str; 33] = [
    "string",
    "str",
    "varchar",
    "nvarchar",
    "char",
    "character",
    "int",
    "integer",
    "int32",
    "int64",
    "long",
    "bigint",
    "smallint",
    "numeric",
    "decimal",
    "float",
    "float32",
    "float64",
    "double",
    "real",
    "datetime",
    "datetime64",
    "timestamptz",
    "boolean",
    "bool",
    "uuid",
    "enum",
    "object",
    "datetimeoffset",
    "datetime:rfc3339",
    "tinyint",
    "factor",
    "categorical",
];
const TYPES_AND_NAMES: [&str; 9] =
    ["text", "number", "date", "time", "timestamp", "category", "whole number", "percentage", "currency"];

/// A sample, and what its columns have.
struct Sample<'r> {
    records: &'r [&'r SampleRecord],
    columns: usize,
    looks: Vec<Option<Look>>,
}

impl<'r> Sample<'r> {
    fn is_typed(&self, column: usize) -> bool {
        matches!(self.looks.get(column), Some(Some(Look::Number | Look::Time)))
    }

    fn cells(&self, at: usize) -> impl Iterator<Item = (usize, &'r str)> + use<'r> {
        let record = self.records.get(at).copied();
        (0..self.columns).map(move |column| (column, record.map_or("", |record| text_at(record, column).trim())))
    }

    /// Whether a record has a value of its kind in each column that has such.
    fn is_row(&self, at: usize) -> bool {
        self.cells(at).all(|(column, cell)| !self.is_typed(column) || self.looks.get(column) == Some(&Some(look(cell))))
    }

    /// How many columns of times a record calls so.
    fn times_in(&self, at: usize) -> usize {
        let is_of_time = |column: usize| self.looks.get(column) == Some(&Some(Look::Time));
        self.cells(at).filter(|(column, cell)| is_of_time(*column) && is_time(cell)).count()
    }

    /// How much a record says of columns.
    fn says(&self, at: usize) -> usize {
        let is_of_column = |(_, cell): &(usize, &str)| is_usual(cell) || has_unit(cell);
        2 * self.times_in(at) + self.cells(at).filter(is_of_column).count()
    }

    /// Whether each column of numbers or times has a name in that record.
    fn are_named(&self, at: usize) -> bool {
        let is_name =
            |cell: &str| look(cell) == Look::Text && cell.chars().any(char::is_alphabetic) && !is_placeholder(cell);
        let mut typed = self.cells(at).filter(|(column, _)| self.is_typed(*column)).peekable();
        typed.peek().is_some() && typed.all(|(_, cell)| is_name(cell))
    }

    /// Whether a record has the texts of a row, beside words in place of its numbers.
    fn may_be_row(&self, at: usize) -> bool {
        let below = || self.records.iter().skip(at + 1).take(1000);
        let mut texts = self.cells(at).filter(|(column, cell)| !self.is_typed(*column) && !cell.is_empty()).peekable();
        texts.peek().is_some()
            && texts.all(|(column, cell)| {
                let shape_of_it = shape(cell);
                let same = below().filter(|row| shape(text_at(row, column).trim()) == shape_of_it).count();
                same * 10 > below().count()
            })
    }

    /// Whether a record is of units or types alone, which stand below names.
    fn is_of_units(&self, at: usize) -> bool {
        self.cells(at).all(|(_, cell)| is_unit(cell))
    }

    /// Whether all that a record has stands in brackets: units or types, whatever they are.
    fn is_in_brackets(&self, at: usize) -> bool {
        let is_within =
            |cell: &str| cell.starts_with('(') && cell.ends_with(')') || cell.starts_with('[') && cell.ends_with(']');
        let mut filled = self.cells(at).filter(|(_, cell)| !cell.is_empty()).peekable();
        filled.peek().is_some() && filled.all(|(_, cell)| is_within(cell))
    }

    /// Whether a record says of which type each column is, and has each type above values of it: some of them are types alone, or
    /// an earlier record says more of columns than that they have such.
    fn is_of_types(&self, at: usize, earlier: usize) -> bool {
        let fits = |(column, cell): (usize, &str)| {
            let found = self.looks.get(column).copied().flatten();
            is_type(cell) && found.is_none_or(|found| look_of_type(cell).is_none_or(|of| of == found))
        };
        let is_sure = |cell: &str| is_type(cell) && !TYPES_AND_NAMES.contains(&cell.to_lowercase().as_str());
        self.columns > 1
            && self.cells(at).all(fits)
            && !self.cells(earlier).all(|(_, cell)| is_type(cell))
            && (self.columns > 2 || self.says(earlier) > 0 || self.cells(at).any(|(_, cell)| is_sure(cell)))
    }

    /// Whether lines are left out between the records of two places, and the later one is the first below them.
    fn is_apart(&self, earlier: usize, at: usize) -> bool {
        let before = at.checked_sub(1).filter(|before| *before >= earlier).and_then(|before| self.records.get(before));
        let ends_at = before.map(|record| record.row + record.lines);
        self.records.get(at).zip(ends_at).is_some_and(|(record, end)| record.row > end)
    }

    /// Whether a line that has no names stands above a record: a date or a number beside a text, which is no row.
    fn has_other_above(&self, at: usize) -> bool {
        let is_other = |(at, record): (usize, &&SampleRecord)| {
            width(record) == self.columns
                && self.cells(at).any(|(_, cell)| matches!(look(cell), Look::Number | Look::Time))
                && !self.is_row(at)
        };
        self.records.iter().enumerate().take(at).any(is_other)
    }

    /// Whether a later record is the header rather than an earlier one.
    fn is_likelier(&self, at: usize, (earlier, lines): (usize, usize), rows: usize) -> bool {
        let (is_in_brackets, was_in_brackets) = (self.is_in_brackets(at), self.is_in_brackets(earlier));
        if is_in_brackets != was_in_brackets && rows == 0 {
            return was_in_brackets;
        }
        if self.is_of_types(at, earlier) && self.are_named(earlier) {
            return false;
        }
        let says_more = self.says(at) > self.says(earlier);
        if rows > 0 {
            return says_more && self.may_be_below_rows(at, earlier, rows);
        }
        if says_more || self.is_of_units(at) {
            return says_more;
        }
        let is_all_typed = self.columns > 1 && (0..self.columns).all(|column| self.is_typed(column));
        let is_above_rows = self.records.len() > at + FEW_ROWS;
        let is_last = || is_all_typed && is_above_rows && (lines > 1 || self.says(at) == self.says(earlier));
        self.times_in(at) >= self.times_in(earlier)
            && self.are_named(at)
            && !self.may_be_row(at)
            && (self.is_apart(earlier, at) || self.has_other_above(at) || is_last())
    }

    /// Whether a record is a header though some lines above it have what rows have: it calls a column of times so, or stands
    /// apart from them.
    fn may_be_below_rows(&self, at: usize, from: usize, rows: usize) -> bool {
        let below = self.records.len().saturating_sub(at + 1);
        rows <= MOST_LIKE_ROWS
            && rows < below
            && self.are_named(at)
            && (self.times_in(at) > 0 || self.is_apart(from, at) && self.says(at) > 0)
    }
}

/// Of records that may be names, above the first one with a value of its kind in each column: the first, or a later one that
/// says more, or that nothing but the rows follow.
pub(super) fn likeliest(records: &[&SampleRecord], first: usize, columns: usize) -> usize {
    // Below them are most rows of a sample.
    let below = first + (records.len() - first).div_ceil(2).min(HEADER_WITHIN);
    let sample = Sample { records, columns, looks: body_looks(records, below, columns) };
    let (mut best, mut lines, mut rows) = (first, 1, 0);
    for at in (first..records.len()).take(HEADER_WITHIN) {
        if sample.is_row(at) {
            rows += 1;
        } else if at > first && is_names(records, at, columns) {
            if sample.is_likelier(at, (best, lines), rows) {
                best = at;
            }
            lines += 1;
        }
        if rows > MOST_LIKE_ROWS {
            break;
        }
    }
    best
}

/// Whether a row is above the header, of which the first line that may be names is known too: then it is none.
pub(super) fn is_row_before(
    records: &[&SampleRecord],
    (first, at): (usize, usize),
    columns: usize,
    looks: &[Option<Look>],
) -> bool {
    let sample = Sample { records, columns, looks: looks.to_vec() };
    let like: Vec<usize> = (0..first)
        .filter(|at| records.get(*at).is_some_and(|record| width(record) == columns && is_like(record, looks)))
        .collect();
    let rows = like.iter().filter(|at| sample.is_row(**at)).count();
    if rows > 0 {
        return !sample.may_be_below_rows(at, 0, rows);
    }
    // A date beside a word where others have a number is no row, if the header has a name for each.
    !like.is_empty() && !may_be_header(records, at, columns)
}

/// Whether a record has a name above each column of numbers or times, and is no row with words in their place.
pub(super) fn may_be_header(records: &[&SampleRecord], at: usize, columns: usize) -> bool {
    let sample = Sample { records, columns, looks: body_looks(records, at + 1, columns) };
    sample.are_named(at) && !sample.may_be_row(at)
}

/// Whether a text is a unit, or a type, and no name; or blank.
pub(in crate::formats) fn is_unit(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let is_within = |open: char, close: char| lower.starts_with(open) && lower.ends_with(close);
    lower.is_empty()
        || MEASURES.contains(&lower.as_str())
        || is_type(&lower)
        || UNITS.iter().any(|unit| unit.to_lowercase() == lower)
        || is_within('[', ']')
        || is_within('(', ')')
        || lower.starts_with("deg")
        || lower.chars().any(|c| "°%/²³µ".contains(c)) && lower.chars().count() <= 8 && !lower.contains(' ')
}

/// Whether a text is a type, with its length or not, such as `varchar(20)`.
pub(super) fn is_type(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let is_length = |length: &str| length.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' '));
    let length = lower.strip_suffix(')').and_then(|rest| rest.split_once('(')).filter(|(_, length)| is_length(length));
    let bare = length.map_or(lower.as_str(), |(name, _)| name.trim());
    TYPES.contains(&bare) || TYPES_AND_NAMES.contains(&bare)
}

/// What values of a type look like, where it tells.
fn look_of_type(text: &str) -> Option<Look> {
    let lower = text.trim().to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["date", "time"]) {
        Some(Look::Time)
    } else if has(&["int", "num", "float", "double", "real", "decimal", "long", "percentage", "currency"]) {
        Some(Look::Number)
    } else {
        has(&["str", "char", "text", "category", "categorical"]).then_some(Look::Text)
    }
}

/// Whether a unit stands behind a name: `temp °C`, `load_kw`.
fn has_unit(text: &str) -> bool {
    let marks = |c: char| c.is_whitespace() || matches!(c, '_' | '(' | ')' | '[' | ']');
    let mut words = text.split(marks).filter(|word| !word.is_empty());
    let has_name = words.next().is_some_and(|name| name.chars().filter(|c| c.is_alphabetic()).count() > 1);
    let is_measure =
        |unit: &str| unit.chars().count() > 1 && UNITS.iter().any(|known| known.eq_ignore_ascii_case(unit));
    has_name && !is_unit(text) && words.next_back().is_some_and(is_measure)
}
