//! Headers that come again below rows, as in files that were joined: from there on columns are where the new one says.

use std::collections::BTreeSet;

use lake::dataset::{Column, Header, Table};

use super::columns::is_blank;
use super::draft::is_unit;
use super::layout::{Layout, Named, may_be_series};
use lake::names::compared;

/// Knows the lines that may be headers by their names.
pub(super) struct Headers<'t> {
    table: &'t Table,
    /// The names that are declared, and those of the file's first header, as they are compared.
    names: BTreeSet<Vec<u8>>,
    /// The bytes that names begin with, in both cases and with what is not seen before them.
    first_bytes: [bool; 256],
    /// More bytes than the longest name has, with a few around it that are not seen.
    longest: usize,
    /// Whether names are declared that may be of a series, such as 1990: other ones of it look like values.
    has_series: bool,
}

/// What a line with known names is.
pub(super) enum Turn {
    /// A header with all names that a file must have.
    Header(Layout),
    /// A header without some of them: where the columns of the rows below it are is not known. Says why.
    Other(String),
}

impl<'t> Headers<'t> {
    /// For a table and the first header of a file, if it has one; none if there are no headers by declaration.
    pub(super) fn new(table: &'t Table, first: &[&str]) -> Option<Self> {
        if table.header == Header::Never {
            return None;
        }
        let declared = table.columns.iter().flat_map(|column| {
            let is_own = column.day_of.is_none();
            let joined = column.joined.iter().map(String::as_str);
            column.fields().chain(joined).filter(move |_| is_own)
        });
        let names = declared.chain(first.iter().copied()).map(compared).filter(|name| !name.is_empty());
        let names: BTreeSet<Vec<u8>> = names.map(String::into_bytes).collect();
        let mut first_bytes = [false; 256];
        // White space of any kind, and a byte order mark.
        let mut firsts: BTreeSet<u8> = BTreeSet::from([b' ', b'\t', b'\n', b'\r', 0xC2, 0xE1, 0xE2, 0xE3, 0xEF]);
        for name in names.iter().filter_map(|name| std::str::from_utf8(name).ok()) {
            let upper = name.chars().next().into_iter().flat_map(char::to_uppercase).collect::<String>();
            firsts.extend(name.bytes().take(1).chain(upper.bytes().take(1)));
        }
        for (byte, known) in (0..=u8::MAX).zip(&mut first_bytes) {
            *known = firsts.contains(&byte);
        }
        let longest = names.iter().map(Vec::len).max().unwrap_or_default() * 2 + 16;
        let has_series = may_be_series(&table.columns);
        Some(Self { table, names, first_bytes, longest, has_series })
    }

    /// Whether at least half of the values that are there are known names, or the first one is beside names of a series. Each
    /// record is asked: mostly its first values decide.
    #[inline]
    pub(super) fn may_be<'v>(&self, values: impl ExactSizeIterator<Item = &'v [u8]>) -> bool {
        let mut left = values.len();
        let (mut known, mut others) = (0, 0);
        for value in values {
            left -= 1;
            if self.is_name(value) {
                if self.has_series && others == 0 {
                    return true;
                }
                known += 1;
            } else if !is_blank(value) {
                others += 1;
                if others > known + left {
                    return false;
                }
            }
        }
        known > 0 && known >= others
    }

    #[inline]
    fn is_name(&self, value: &[u8]) -> bool {
        let Some(first) = value.first() else { return false };
        let is_likely = self.first_bytes.get(usize::from(*first)).copied().unwrap_or_default();
        is_likely && value.len() <= self.longest && self.is_known(value)
    }

    #[inline(never)]
    fn is_known(&self, value: &[u8]) -> bool {
        std::str::from_utf8(value).is_ok_and(|value| self.names.contains(compared(value).as_bytes()))
    }

    /// Whether a line is one of units, of which some are what their columns are called, as `,UTC,kWh` below `meter_id,at,kwh`: it
    /// says nothing of where columns are.
    fn is_of_units(&self, layout: &Layout, values: &[&str]) -> bool {
        let is_in_place = |column: &Column, text: &str| column.fields().any(|name| compared(name) == compared(text));
        values.iter().all(|value| is_unit(value))
            && layout
                .texts(&self.table.columns, values)
                .all(|(column, text)| !self.is_known(text.as_bytes()) || is_in_place(column, &text))
    }

    /// What a line is that may be a header, where columns are as `layout` says so far; none if it is a row.
    pub(super) fn turn(&self, layout: &Layout, line: u64, values: &[&str]) -> Option<Turn> {
        let columns = &self.table.columns;
        let filled = values.iter().filter(|value| !value.trim().is_empty());
        let count = filled.clone().count();
        let known = filled.filter(|value| self.is_known(value.as_bytes())).count();
        let has_names = || layout.has_types(columns, values) && !layout.looks_like_data(columns, values);
        // Other years than those of the first header look like values.
        let begins = || values.first().is_some_and(|first| self.is_known(first.as_bytes()));
        let is_header = known == count
            || known * 2 >= count && has_names()
            || self.has_series && begins() && layout.has_other_names(columns, values);
        if count < 2 || !is_header {
            return None;
        }
        let named = Named::new(columns, values);
        if named.is_header() && named.used > 1 && named.refuse_duplicates(values).is_ok() {
            return Some(Turn::Header(named.layout));
        }
        (!named.missing.is_empty() && !self.is_of_units(layout, values)).then(|| {
            let missing = named.missing.join(", ");
            Turn::Other(format!(
                "line {line} is a header that has no column {missing}, so that the rows below it cannot be read: upload them as \
                 a file of their own, or declare the other names as field = [...]"
            ))
        })
    }
}
