//! One column: its declaration made ready, and its values so far.

use std::collections::HashSet;

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use arrow::error::ArrowError;
use lake::dataset::{Column, ColumnType, Decimal, Missing};

use super::Field;
use super::cells::Cells;
use super::number::{decimal, int};
use super::stamp::Stamps;
use super::time::Times;
use crate::formats::value::{Raw, Refusal, Typed, check};

/// A column of a table.
pub(super) struct TableColumn<'a> {
    declared: &'a Column,
    parser: Parser<'a>,
    missing_texts: Vec<&'a [u8]>,
    missing_numbers: Vec<f64>,
    cells: Cells,
}

/// What takes the common shapes of a column's type.
enum Parser<'a> {
    /// A text that is taken as it is, or one of these.
    Text(Option<HashSet<&'a [u8]>>),
    Int,
    Float {
        point: u8,
    },
    Bool,
    Date {
        times: Times,
        /// Earlier ones are not taken.
        first: i32,
    },
    Instant(Times),
    /// None: all values are checked one by one.
    General,
}

impl<'a> Parser<'a> {
    fn new(column: &'a Column) -> Self {
        match column.kind {
            ColumnType::String if column.extract.is_some() || column.pattern.is_some() => Self::General,
            ColumnType::String if column.one_of.is_empty() => Self::Text(None),
            ColumnType::String => Self::Text(Some(column.one_of.iter().map(String::as_bytes).collect())),
            ColumnType::Int64 => Self::Int,
            ColumnType::Float64 => Self::Float { point: if column.decimal == Decimal::Comma { b',' } else { b'.' } },
            ColumnType::Bool => Self::Bool,
            ColumnType::Date => {
                let first = column.null_before.map_or(i32::MIN, Date32Type::from_naive_date);
                Self::Date { times: Times::of(column), first }
            }
            ColumnType::Timestamp => Self::Instant(Times::of(column)),
        }
    }
}

impl<'a> TableColumn<'a> {
    /// A column without values.
    pub(super) fn new(declared: &'a Column) -> Self {
        let texts = declared.missing.iter().filter_map(|missing| match missing {
            Missing::Text(text) => Some(text.as_bytes()),
            Missing::Number(_) => None,
        });
        let numbers = declared.missing.iter().filter_map(|missing| match missing {
            Missing::Number(number) => Some(*number),
            Missing::Text(_) => None,
        });
        Self {
            declared,
            parser: Parser::new(declared),
            missing_texts: texts.collect(),
            missing_numbers: numbers.collect(),
            cells: Cells::new(declared.kind),
        }
    }

    pub(super) fn declared(&self) -> &'a Column {
        self.declared
    }

    /// Whether its values are made of those of another column.
    pub(super) fn is_day_of_another(&self) -> bool {
        self.declared.day_of.is_some()
    }

    /// Adds a value.
    #[inline]
    pub(super) fn push(&mut self, field: Field<'_>, stamps: &mut Stamps) -> Result<(), Refusal> {
        let is_taken = match field {
            Field::Missing if !self.declared.required => {
                self.cells.push_null();
                true
            }
            Field::Missing | Field::Nested => false,
            Field::Text(text) => {
                (self.missing_texts.is_empty() || !self.missing_texts.contains(&text)) && self.take(text, false, stamps)
            }
            Field::Number(digits) => self.take(digits, true, stamps),
            Field::Bool(truth) => self.take(if truth { b"true" } else { b"false" }, false, stamps),
        };
        if is_taken { Ok(()) } else { self.push_checked(raw(field)?) }
    }

    /// Adds a value by the rules in full.
    #[cold]
    pub(super) fn push_checked(&mut self, raw: Raw<'_>) -> Result<(), Refusal> {
        let typed = check(self.declared, raw)?;
        self.cells.push(typed);
        Ok(())
    }

    /// Adds a value that was checked.
    pub(super) fn push_typed(&mut self, typed: Typed<'_>) {
        self.cells.push(typed);
    }

    /// Adds a text or a JSON number, if it has a common shape and is acceptable.
    #[inline]
    fn take(&mut self, text: &[u8], is_number: bool, stamps: &mut Stamps) -> bool {
        let taken = match &mut self.parser {
            Parser::Int => int(unpadded(text))
                .filter(|number| self.accepts(*number as f64))
                .map(|number| self.cells.push_int(number)),
            Parser::Float { point } => {
                let point = if is_number { b'.' } else { *point };
                self.double(unpadded(text), point).map(|number| self.cells.push_float(number))
            }
            // A number may stand for "missing" in columns of other types as well.
            _ if is_number && !self.missing_numbers.is_empty() => None,
            Parser::Text(known) => trimmed(text)
                .filter(|text| known.as_ref().is_none_or(|known| known.contains(text)))
                .map(|text| self.cells.push_text(text)),
            Parser::Bool => self.truth(unpadded(text)).map(|truth| self.cells.push_bool(truth)),
            Parser::Date { times, first } => times
                .date(unpadded(text), stamps)
                .filter(|day| *day >= *first)
                .map(|day| self.cells.push_int(i64::from(day))),
            Parser::Instant(times) => times.instant(unpadded(text), stamps).map(|micros| self.cells.push_int(micros)),
            Parser::General => None,
        };
        taken.is_some()
    }

    /// The double of a text, if it is acceptable.
    #[inline]
    fn double(&self, text: &[u8], point: u8) -> Option<f64> {
        let parsed = || if point == b'.' { fast_float2::parse(text).ok() } else { None };
        let number = decimal(text, point).or_else(parsed).filter(|number| number.is_finite())?;
        if !self.declared.round {
            return self.accepts(number).then_some(number);
        }
        let rounded = number.round_ties_even();
        (self.accepts(rounded) && !self.missing_numbers.contains(&number)).then_some(rounded)
    }

    fn truth(&self, text: &[u8]) -> Option<bool> {
        let is_in = |known: &[String]| known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(text));
        if is_in(&self.declared.true_values) {
            return Some(true);
        }
        is_in(&self.declared.false_values).then_some(false)
    }

    /// Whether a number stands for itself, and is neither too small nor too great.
    #[inline]
    fn accepts(&self, number: f64) -> bool {
        let is_below = self.declared.min.is_some_and(|min| number < min);
        let is_above = self.declared.max.is_some_and(|max| number > max);
        !is_below && !is_above && !self.missing_numbers.contains(&number)
    }

    /// The integer, days or microseconds of a row; `None` for a null or another type.
    pub(super) fn int(&self, row: usize) -> Option<i64> {
        self.cells.int(row)
    }

    /// Takes back all but the first rows.
    pub(super) fn truncate(&mut self, rows: usize) {
        self.cells.truncate(rows);
    }

    /// The column so far; it is empty afterwards.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        self.cells.finish()
    }
}

/// The value as [`check`] takes it.
fn raw(field: Field<'_>) -> Result<Raw<'_>, Refusal> {
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| ("not_utf8", "the value is not UTF-8 text".to_owned()));
    Ok(match field {
        Field::Missing => Raw::Missing,
        Field::Text(bytes) => Raw::Text(text(bytes)?.into()),
        Field::Number(bytes) => Raw::Number(text(bytes)?),
        Field::Bool(truth) => Raw::Bool(truth),
        Field::Nested => Raw::Nested,
    })
}

/// A text without ASCII's white space around it.
#[inline]
fn unpadded(text: &[u8]) -> &[u8] {
    if is_inked(text.first()) && is_inked(text.last()) { text } else { text.trim_ascii() }
}

/// A text without white space around it. Only at ASCII's other characters there is certainly none.
#[inline]
pub(super) fn trimmed(text: &[u8]) -> Option<&[u8]> {
    if is_inked(text.first()) && is_inked(text.last()) {
        return Some(text);
    }
    std::str::from_utf8(text).ok().map(|text| text.trim().as_bytes())
}

/// Whether the bytes are white space, or nothing.
#[inline]
pub(in crate::formats) fn is_blank(text: &[u8]) -> bool {
    !is_inked(text.first()) && trimmed(text).is_some_and(<[u8]>::is_empty)
}

#[inline]
fn is_inked(byte: Option<&u8>) -> bool {
    byte.is_some_and(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_shapes_are_taken_straight_from_the_bytes() {
        for (options, texts) in [
            ("type = 'int64'\nmin = 0", &["0", " 42", "123456789012345678"][..]),
            ("type = 'float64'\nmissing = [-1]", &["1.5", "-0", "12345678901234567890.5", "1e-7"]),
            ("type = 'float64'\ndecimal = ','", &["1,5", "3"]),
            ("type = 'bool'", &["t", "FALSE"]),
            ("type = 'string'", &["", "x", " é\u{a0}"]),
            ("type = 'string'\none_of = ['a', 'é']", &["a ", "é"]),
            ("type = 'date'", &["2026-02-28"]),
            ("type = 'date'\nformat = ['%d/%m/%Y', '%d.%m.%Y', 'rfc3339']", &["28/02/2026", "28.02.2026"]),
            ("type = 'timestamp'", &["2026-02-28T01:02:03Z", "2026-02-28 01:02:03.123456789-07:00"]),
            ("type = 'timestamp'\nzone = 'Europe/Brussels'", &["2026-02-28T01:02:03.5"]),
            (
                "type = 'timestamp'\nformat = ['epoch_s', '%Y%m%d %H:%M']\nzone = 'Europe/Brussels'",
                &["-1795042800", "20260228 23:59"],
            ),
        ] {
            let declared = Column::from_declaration(options).unwrap();
            let mut column = TableColumn::new(&declared);
            for text in texts {
                assert!(column.take(text.as_bytes(), false, &mut Stamps::default()), "{options}: {text}");
            }
        }
    }

    #[test]
    fn what_is_refused_or_missing_is_not_taken() {
        for (options, texts) in [
            ("type = 'int64'\nmin = 0\nmax = 9\nmissing = [5]", &["-1", "10", "5", "", "x", "1.0"][..]),
            ("type = 'float64'\nmin = 0\nmissing = [0.5]", &["-0.1", "0.5", "nan", "inf", "1,5", "1e999"]),
            ("type = 'bool'", &["", "ja"]),
            ("type = 'string'\none_of = ['a']", &["b", ""]),
            ("type = 'string'\npattern = 'a'", &["a"]),
            ("type = 'date'\nnull_before = '2001-01-01'", &["2000-12-31", "2026-02-29", "0000-01-01"]),
            ("type = 'timestamp'", &["2026-02-28T01:02:03", "2026-02-28T24:00:00Z", "2026-02-28T01:02:03+24:00"]),
            // The hours around a change of clocks.
            ("type = 'timestamp'\nzone = 'Europe/Brussels'", &["2026-03-29T02:30:00", "2026-10-25T02:30:00"]),
        ] {
            let declared = Column::from_declaration(options).unwrap();
            let mut column = TableColumn::new(&declared);
            for text in texts {
                assert!(!column.take(text.as_bytes(), false, &mut Stamps::default()), "{options}: {text}");
            }
        }
    }
}
