//! Which value of a record belongs to which column.

use lake::dataset::{Column, ColumnType, Header};

use super::slicer::Sliced;
use crate::error::Stop;
use crate::formats::RawObject;
use crate::formats::columns::is_blank;
use crate::formats::value::{Raw, Typed, check};

/// Where the values of the declared columns are in each record of a file.
pub(super) struct Layout {
    /// For each declared column, the position in the record.
    positions: Vec<Option<usize>>,
    /// Values in a record.
    pub width: usize,
    /// Columns of the file that nobody declared.
    pub ignored: u64,
}

impl Layout {
    /// The layout by the first record, and whether that is a header.
    pub(super) fn find(object: &RawObject, first: &Sliced) -> Result<(Self, bool), Stop> {
        let columns = &object.table.columns;
        let names: Vec<String> = first.texts().map(|name| name.trim().to_lowercase()).collect();
        let has_field = |column: &&Column| column.day_of.is_none();
        let named = |column: &Column| {
            let of_field = |field: &str| names.iter().position(|name| *name == field.to_lowercase());
            column.fields().find_map(of_field)
        };
        let by_name: Vec<Option<usize>> =
            columns.iter().map(|column| if has_field(&column) { named(column) } else { None }).collect();
        let missing: Vec<&str> = columns
            .iter()
            .zip(&by_name)
            .filter(|(column, position)| has_field(column) && position.is_none())
            .filter_map(|(column, _)| column.fields().next())
            .collect();
        let any_named = object.table.header != Header::Never && by_name.iter().any(Option::is_some);
        if any_named && missing.is_empty() {
            let mut used: Vec<usize> = by_name.iter().flatten().copied().collect();
            used.sort_unstable();
            used.dedup();
            let ignored = (names.len() - used.len()) as u64;
            return Ok((Self { positions: by_name, width: names.len(), ignored }, true));
        }
        let (positions, count) = in_order(columns);
        if any_named || names.len() != count {
            let missing = missing.join(", ");
            let why = format!("the file has no column {missing}; it has {} columns, of {count} declared", names.len());
            return Err(Stop::reject("missing_column", why));
        }
        let layout = Self { positions, width: count, ignored: 0 };
        let is_header = match object.table.header {
            Header::Always => true,
            Header::Never => false,
            Header::Auto => !layout.looks_like_data(columns, first),
        };
        Ok((layout, is_header))
    }

    /// Whether any value fits a column that does not take every text: no header's name does.
    fn looks_like_data(&self, columns: &[Column], record: &Sliced) -> bool {
        columns.iter().enumerate().any(|(at, column)| {
            let text = self.text(record, at).and_then(|text| std::str::from_utf8(text).ok());
            let typed = column.kind != ColumnType::String && column.day_of.is_none();
            let fits = |text: &str| check(column, Raw::Text(text.into())).is_ok_and(|value| value != Typed::Null);
            typed && text.is_some_and(fits)
        })
    }

    /// The value of a column; none if it is blank.
    #[inline]
    pub(super) fn text<'s>(&self, record: &Sliced<'s>, column: usize) -> Option<&'s [u8]> {
        let position = self.positions.get(column).copied().flatten()?;
        record.value(position).filter(|text| !is_blank(text))
    }
}

/// Positions in the order of declaration; columns of the same field share one. Also returns how many there are.
fn in_order(columns: &[Column]) -> (Vec<Option<usize>>, usize) {
    let mut fields: Vec<&str> = Vec::new();
    let mut positions = Vec::new();
    for column in columns {
        if column.day_of.is_some() {
            positions.push(None);
            continue;
        }
        let known = fields.iter().position(|known| column.fields().any(|name| name == *known));
        positions.push(Some(known.unwrap_or(fields.len())));
        if known.is_none() {
            fields.extend(column.fields().next());
        }
    }
    (positions, fields.len())
}
