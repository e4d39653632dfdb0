//! Whether a line whose values fit may be a header: years, dates or numbers are values, and names of a series.

use std::borrow::Cow;

use lake::dataset::Column;

use super::{Layout, is_typed};
use crate::formats::series::{Series, are_alike, are_years, is_period, series};
use lake::value::{Raw, Typed, check};

/// The names of a column's field that begin with a digit.
fn numbers_of(column: &Column) -> impl Iterator<Item = &str> {
    column.fields().map(str::trim).filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
}

/// Whether columns that do not take every text have names that may be values of such: those of a series.
pub(in crate::formats) fn may_be_series(columns: &[Column]) -> bool {
    columns.iter().any(|column| is_typed(column) && numbers_of(column).next().is_some())
}

impl Layout {
    /// The columns that do not take every text and whose values in a line fit, with these.
    fn fitting<'v>(&self, columns: &'v [Column], values: &[&'v str]) -> Vec<(&'v Column, Cow<'v, str>)> {
        let fits = |text: &str, column| check(column, Raw::Text(text.into())).is_ok_and(|value| value != Typed::Null);
        self.texts(columns, values).filter(|(column, text)| is_typed(column) && fits(text, column)).collect()
    }

    /// Whether what fits of a line are other names of a series of which names are declared, such as 1993 and 1994 where 1990
    /// and 1991 are: written as these are, and in an order.
    pub(in crate::formats) fn has_other_names(&self, columns: &[Column], values: &[&str]) -> bool {
        let fitting = self.fitting(columns, values);
        let is_named =
            |(column, text): &(&Column, Cow<str>)| numbers_of(column).any(|name| are_alike(name.trim(), text.trim()));
        let texts: Vec<&str> = fitting.iter().map(|(_, text)| text.trim()).collect();
        let is_ordered = texts.len() == 1 || series(&texts).is_some();
        is_ordered && fitting.iter().all(is_named) && !self.has_gap(columns, values)
    }

    /// Whether a column that does not take every text is blank. A name is not, but in the first place.
    fn has_gap(&self, columns: &[Column], values: &[&str]) -> bool {
        let is_first = |column: &Column| {
            let first = self.positions.iter().position(|position| *position == Some(0));
            first.and_then(|at| columns.get(at)).is_some_and(|first| first.name == column.name)
        };
        let is_gap =
            |(column, text): (&Column, Cow<str>)| is_typed(column) && text.trim().is_empty() && !is_first(column);
        self.texts(columns, values).any(is_gap)
    }

    /// Whether the first line of a file may be the names of a series, though its values fit. `below` are the lines below it.
    pub(super) fn may_be_series(&self, columns: &[Column], values: &[&str], below: &[Vec<String>]) -> bool {
        if self.has_other_names(columns, values) {
            return true;
        }
        let fitting = self.fitting(columns, values);
        let texts: Vec<&str> = fitting.iter().map(|(_, text)| text.trim()).collect();
        let Some(found) = series(&texts).filter(|_| !self.has_gap(columns, values)) else { return false };
        // Rows are alike.
        let is_row = |values: &&Vec<String>| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let others = self.fitting(columns, &values);
            let others: Vec<&str> = others.iter().map(|(_, text)| text.trim()).collect();
            match found {
                Series::Years => others.iter().all(|text| are_years(&[text])),
                Series::Periods => others.iter().any(|text| is_period(text)),
                Series::Mixed => others.iter().any(|text| is_period(text) || are_years(&[text])),
                Series::Even | Series::Ascending => series(&others).is_some(),
            }
        };
        let rows = below.iter().filter(|values| values.iter().any(|value| !value.trim().is_empty()));
        let (count, alike) = (rows.clone().count(), rows.clone().filter(is_row).count());
        let is_blank = |values: &[String]| values.first().is_none_or(|text| text.trim().is_empty());
        let has_corner = || {
            values.first().is_some_and(|text| text.trim().is_empty()) && !rows.clone().any(|values| is_blank(values))
        };
        // A name above numbers.
        let has_name = || {
            let fits = |column: &Column| fitting.iter().any(|(known, _)| known.name == column.name);
            self.texts(columns, values)
                .any(|(column, text)| is_typed(column) && !fits(column) && text.chars().any(char::is_alphabetic))
                && rows.clone().all(|values| {
                    let values: Vec<&str> = values.iter().map(String::as_str).collect();
                    self.fitting(columns, &values).len() > fitting.len()
                })
        };
        let is_likely = match found {
            Series::Years | Series::Periods | Series::Mixed => true,
            Series::Even => has_corner() || has_name(),
            Series::Ascending => false,
        };
        count > 0 && alike * 10 <= count && is_likely
    }
}
