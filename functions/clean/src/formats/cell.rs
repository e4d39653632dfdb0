//! Values that a raw object has with a type of their own, as workbooks and Parquet do.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use lake::dataset::{Column, ColumnType};

use super::layout::Layout;
use crate::error::Stop;
use lake::value::{Raw, stamp_text};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Empty,
    Text(String),
    /// A number, in the shortest digits that are the same one.
    Number(String),
    /// A number of four bytes: as a double, and in the shortest digits that are the same one among numbers of four bytes.
    Single {
        double: String,
        shortest: String,
    },
    /// A whole number beyond 2^53 that is a double.
    Vague(f64),
    Bool(bool),
    /// A number that is shown as a percentage: the number, and a hundred times that.
    Percent {
        share: Box<Cell>,
        hundredths: Box<Cell>,
    },
    /// A duration or a time of day: as a number of days, and as hours, minutes and seconds.
    Clock {
        digits: String,
        clock: String,
    },
    Date(NaiveDate),
    Stamp {
        time: NaiveDateTime,
        is_utc: bool,
    },
    /// A number that is shown as a date or a time, and is none.
    NoDate(String),
    /// Something that is no single value.
    Nested,
    /// A formula whose result is not known.
    Uncomputed,
    /// A formula that failed, such as `#N/A`.
    Error(String),
}

impl Cell {
    /// The cell as a text, for headers and rejects.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Empty | Self::Uncomputed => "".into(),
            Self::Text(text) | Self::Number(text) | Self::Error(text) | Self::NoDate(text) => text.into(),
            Self::Single { shortest, .. } => shortest.into(),
            Self::Percent { share, .. } => share.text(),
            Self::Clock { clock, .. } => clock.into(),
            Self::Vague(number) => number.to_string().into(),
            Self::Bool(truth) => if *truth { "true" } else { "false" }.into(),
            Self::Date(date) => date.format("%Y-%m-%d").to_string().into(),
            Self::Stamp { time, is_utc } => stamp_text(*time, *is_utc).into(),
            Self::Nested => "...".into(),
        }
    }

    /// Whether there is nothing but white space in it.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }

    /// The double of a whole or broken number.
    pub(super) fn double(number: f64) -> Self {
        if number.fract() == 0.0 && number.abs() > 9_007_199_254_740_992.0 {
            Self::Vague(number)
        } else {
            Self::Number(number.to_string())
        }
    }

    /// A number that is shown as a percentage.
    pub(super) fn percent(share: f64) -> Self {
        // Its digits with their point two places on: a product would be rounded.
        let shortest = format!("{share:e}");
        let moved = shortest.split_once('e').and_then(|(digits, exponent)| {
            let exponent = exponent.parse::<i32>().ok()? + 2;
            format!("{digits}e{exponent}").parse::<f64>().ok()
        });
        match moved.filter(|hundredths| hundredths.is_finite()) {
            Some(hundredths) => {
                Self::Percent { share: Box::new(Self::double(share)), hundredths: Box::new(Self::double(hundredths)) }
            }
            None => Self::double(share),
        }
    }

    /// A duration or a time of day, to the millisecond.
    pub(super) fn clock(days: f64) -> Self {
        // What is beyond all numbers is the greatest of them.
        let millis = (days.abs() * 86_400_000.0).round() as u64;
        let (seconds, fraction) = (millis / 1000, millis % 1000);
        let sign = if days < 0.0 && millis > 0 { "-" } else { "" };
        let mut clock = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        if fraction > 0 {
            // Writing to a string cannot fail.
            let _ = write!(clock, ".{fraction:03}");
        }
        Self::Clock { digits: days.to_string(), clock }
    }

    /// The cell as a column takes it.
    fn raw(&self, column: &Column) -> Raw<'_> {
        match self {
            Self::Empty => Raw::Missing,
            // An empty text is one, where a format has nulls beside it.
            Self::Text(text) | Self::Error(text) => Raw::Text(text.into()),
            Self::Single { shortest, .. } if column.kind == ColumnType::String => Raw::Number(shortest),
            Self::Number(digits) | Self::Single { double: digits, .. } => Raw::Number(digits),
            Self::Vague(number) => Raw::Vague(*number),
            Self::Bool(truth) => Raw::Bool(*truth),
            Self::Percent { hundredths, .. } if column.unit.iter().any(|unit| unit == "%") => hundredths.raw(column),
            Self::Percent { share, .. } => share.raw(column),
            Self::Clock { digits, clock } => match column.kind {
                _ if column.is_missing_text(clock) => Raw::Missing,
                ColumnType::Int64 | ColumnType::Float64 => Raw::Number(digits),
                _ => Raw::Text(clock.into()),
            },
            Self::NoDate(digits) => Raw::Number(digits),
            Self::Date(date) if matches!(column.kind, ColumnType::Date | ColumnType::Timestamp) => {
                Raw::Stamp { time: date.and_time(NaiveTime::MIN), is_utc: false }
            }
            Self::Date(_) => Raw::Text(self.text()),
            Self::Stamp { time, is_utc } => Raw::Stamp { time: *time, is_utc: *is_utc },
            Self::Nested | Self::Uncomputed => Raw::Nested,
        }
    }
}

/// The value of a column in a row of cells.
pub(super) fn value<'c>(layout: &Layout, column: usize, declared: &Column, cells: &'c [Cell]) -> Raw<'c> {
    let cell = |at: usize| cells.get(at).unwrap_or(&Cell::Empty);
    if declared.joined.is_empty() {
        return layout.position(column).map_or(Raw::Missing, |at| cell(at).raw(declared));
    }
    let Some((_, parts)) = layout.joined().iter().find(|(joined, _)| *joined == column) else { return Raw::Missing };
    let parts: Vec<&Cell> = parts.iter().map(|at| cell(*at)).filter(|cell| !cell.is_blank()).collect();
    match parts.as_slice() {
        [] => Raw::Missing,
        // A date and a time of day that were typed as such.
        [Cell::Date(date), Cell::Text(of_day) | Cell::Clock { clock: of_day, .. }] => match of_day.parse::<NaiveTime>()
        {
            Ok(of_day) => Raw::Stamp { time: date.and_time(of_day), is_utc: false },
            Err(_) => Raw::Text(format!("{} {of_day}", date.format("%Y-%m-%d")).into()),
        },
        parts => Raw::Text(parts.iter().map(|part| part.text()).collect::<Vec<_>>().join(" ").into()),
    }
}

/// A row as a line of text.
pub(super) fn line(cells: &[Cell], text: &mut String) {
    text.clear();
    for (at, cell) in cells.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}{}", if at == 0 { "" } else { "\t" }, cell.text());
    }
}

/// Runs a library's decoder: one that panics at damaged bytes rejects the object.
pub(super) fn guarded<T>(format: &str, decode: impl FnOnce() -> Result<T, Stop>) -> Result<T, Stop> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| Err(damaged(format, "its parts do not fit together")))
}

/// Rejects an object that is not as its format should be.
pub(super) fn damaged(format: &str, why: impl std::fmt::Display) -> Stop {
    Stop::reject("damaged", format!("the {format} cannot be read: {why}; write or upload it again"))
}
