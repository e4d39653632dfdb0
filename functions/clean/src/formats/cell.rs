//! Values that a raw object has with a type of their own, as workbooks and Parquet do.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{NaiveDateTime, NaiveTime};
use lake::dataset::Column;

use super::layout::Layout;
use crate::error::Stop;
use lake::value::Raw;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Empty,
    Text(String),
    /// A number, in the shortest digits that are the same one.
    Number(String),
    Bool(bool),
    Stamp {
        time: NaiveDateTime,
        is_utc: bool,
    },
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
            Self::Text(text) | Self::Number(text) | Self::Error(text) => text.into(),
            Self::Bool(truth) => if *truth { "true" } else { "false" }.into(),
            Self::Stamp { time, is_utc } => {
                let offset = if *is_utc { "Z" } else { "" };
                format!("{}{offset}", time.format("%Y-%m-%dT%H:%M:%S%.f")).into()
            }
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

    fn raw(&self) -> Raw<'_> {
        match self {
            Self::Empty => Raw::Missing,
            // An empty text is one, where a format has nulls beside it.
            Self::Text(text) | Self::Error(text) => Raw::Text(text.into()),
            Self::Number(digits) => Raw::Number(digits),
            Self::Bool(truth) => Raw::Bool(*truth),
            Self::Stamp { time, is_utc } => Raw::Stamp { time: *time, is_utc: *is_utc },
            Self::Nested | Self::Uncomputed => Raw::Nested,
        }
    }
}

/// The value of a column in a row of cells.
pub(super) fn value<'c>(layout: &Layout, column: usize, declared: &Column, cells: &'c [Cell]) -> Raw<'c> {
    let cell = |at: usize| cells.get(at).unwrap_or(&Cell::Empty);
    if declared.joined.is_empty() {
        return layout.position(column).map_or(Raw::Missing, |at| cell(at).raw());
    }
    let Some((_, parts)) = layout.joined().iter().find(|(joined, _)| *joined == column) else { return Raw::Missing };
    let parts: Vec<&Cell> = parts.iter().map(|at| cell(*at)).filter(|cell| !cell.is_blank()).collect();
    match parts.as_slice() {
        [] => Raw::Missing,
        // A date and a time of day that were typed as such.
        [Cell::Stamp { time, is_utc }, Cell::Text(of_day)] if time.time() == NaiveTime::MIN => {
            match of_day.parse::<NaiveTime>() {
                Ok(of_day) => Raw::Stamp { time: time.date().and_time(of_day), is_utc: *is_utc },
                Err(_) => Raw::Text(format!("{} {of_day}", time.format("%Y-%m-%d")).into()),
            }
        }
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
