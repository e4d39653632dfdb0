//! Headers that come again below rows, as in files that were joined: from there on columns are where the new one says.

use std::collections::BTreeSet;

use lake::dataset::{Header, Table};

use super::columns::is_blank;
use super::layout::{Layout, Named, compared};

/// Knows the lines that may be headers by their names.
pub(super) struct Headers<'t> {
    table: &'t Table,
    /// The names that are declared, and those of the file's first header, as they are compared.
    names: BTreeSet<Vec<u8>>,
    /// The bytes that names begin with, in both cases.
    first_bytes: [bool; 256],
}

/// What a line with known names is.
pub(super) enum Turn {
    /// A header with all names that a file must have.
    Header(Layout),
    /// A header without some of them: nobody knows where the columns of the rows below it are. Says why.
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
        for name in &names {
            for first in name.first().into_iter().flat_map(|first| [*first, first.to_ascii_uppercase()]) {
                first_bytes.iter_mut().skip(usize::from(first)).take(1).for_each(|known| *known = true);
            }
        }
        Some(Self { table, names, first_bytes })
    }

    /// Whether at least half of the values that are there are known names. Each record is asked: mostly its first values
    /// decide.
    #[inline]
    pub(super) fn may_be<'v>(&self, values: impl ExactSizeIterator<Item = &'v [u8]>) -> bool {
        let mut left = values.len();
        let (mut known, mut others) = (0, 0);
        for value in values {
            left -= 1;
            if self.is_name(value) {
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
        // White space, quotes and letters beyond ASCII may be before or within a name.
        let is_plain = first.is_ascii_graphic();
        (is_likely || !is_plain) && self.is_known(value)
    }

    #[inline(never)]
    fn is_known(&self, value: &[u8]) -> bool {
        std::str::from_utf8(value).is_ok_and(|value| self.names.contains(compared(value).as_bytes()))
    }

    /// What a line is that may be a header, where columns are as `layout` says so far; none if it is a row.
    pub(super) fn turn(&self, layout: &Layout, line: u64, values: &[&str]) -> Option<Turn> {
        let columns = &self.table.columns;
        let named = Named::new(columns, values);
        if named.is_header() && named.used > 1 && named.refuse_duplicates(values).is_ok() {
            return Some(Turn::Header(named.layout));
        }
        let filled: Vec<&str> = values.iter().copied().filter(|value| !value.trim().is_empty()).collect();
        let all_known = filled.iter().all(|value| self.is_known(value.as_bytes()));
        let is_header = filled.len() > 1
            && !named.missing.is_empty()
            && (all_known || layout.has_types(columns, values))
            && !layout.looks_like_data(columns, values);
        is_header.then(|| {
            let missing = named.missing.join(", ");
            Turn::Other(format!(
                "line {line} is a header that has no column {missing}, so that the rows below it cannot be read: upload them as \
                 a file of their own, or declare the other names as field = [...]"
            ))
        })
    }
}
