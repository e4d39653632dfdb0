//! Which value of a record belongs to which column, and which line of a file is its header.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use lake::dataset::{Column, ColumnType, Header, Table};

use super::columns::is_blank;
use super::value::{Raw, Typed, check};
use crate::error::Stop;

/// Where the values of the declared columns are in each record of a file.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    /// For each declared column, the position in the record.
    positions: Vec<Option<usize>>,
    /// Columns whose value is joined of several, and where these are.
    joined: Vec<(usize, Vec<usize>)>,
    /// How many values a record has. Blank ones may follow.
    width: RangeInclusive<usize>,
    /// Columns of the file that nobody declared.
    pub ignored: u64,
}

/// What a line is to a table.
pub(super) enum Line {
    /// The header.
    Header(Layout),
    /// A row of a file without a header.
    Row(Layout),
    /// Something before the header.
    Preamble,
}

/// What the names of a line are to a table.
struct Named {
    layout: Layout,
    missing: Vec<String>,
    is_any: bool,
}

impl Layout {
    /// What the first line of a file is, or of what may be before its header. `is_named_later` looks whether a line behind
    /// it has all names.
    pub(super) fn find(
        table: &Table,
        header: Header,
        values: &[&str],
        is_named_later: impl FnOnce() -> Result<bool, Stop>,
    ) -> Result<Line, Stop> {
        let columns = &table.columns;
        let by_position = Self::in_order(columns);
        if header == Header::Never {
            return by_position.checked(values).map(Line::Row);
        }
        let named = Named::new(columns, values);
        if named.is_header() {
            named.refuse_duplicates(values)?;
            return Ok(Line::Header(named.layout));
        }
        if header == Header::Find || header == Header::Auto && is_named_later()? {
            return Ok(Line::Preamble);
        }
        let is_row = header == Header::Auto && !named.is_any;
        let has_types = columns.iter().any(|column| column.kind != ColumnType::String && column.day_of.is_none());
        if is_row && !has_types && by_position.takes(values) {
            let why = "none of the declared names is in line 1, and as all columns are strings it may be a row or a header: \
                       write header = \"never\" or header = \"always\" into dataset.toml";
            return Err(Stop::reject("unclear_header", why));
        }
        if is_row && by_position.looks_like_data(columns, values) {
            return by_position.checked(values).map(Line::Row);
        }
        Err(named.missing_column(values, &by_position))
    }

    /// Whether a line has all names that a file must have.
    pub(super) fn is_header(table: &Table, values: &[&str]) -> bool {
        Named::new(&table.columns, values).is_header()
    }

    /// Why a file has no rows of the table: no line is its header.
    pub(super) fn no_header(table: &Table) -> Stop {
        let named = Named::new(&table.columns, &[]);
        let why = format!("no line of the file has all of the names {}", named.missing.join(", "));
        Stop::reject("missing_column", why)
    }

    /// Values in the order of declaration; columns of the same field share one.
    pub(super) fn in_order(columns: &[Column]) -> Self {
        let mut fields: Vec<&str> = Vec::new();
        let (mut positions, mut joined) = (Vec::new(), Vec::new());
        let mut last_needed = 0;
        for (at, column) in columns.iter().enumerate() {
            if column.day_of.is_some() {
                positions.push(None);
                continue;
            }
            if !column.joined.is_empty() {
                let mut parts = Vec::with_capacity(column.joined.len());
                for name in &column.joined {
                    let known = fields.iter().position(|known| known == name);
                    parts.push(known.unwrap_or(fields.len()));
                    if known.is_none() {
                        fields.push(name);
                    }
                }
                joined.push((at, parts));
                positions.push(None);
            } else {
                let known = fields.iter().position(|known| column.fields().any(|name| name == *known));
                positions.push(Some(known.unwrap_or(fields.len())));
                if known.is_none() {
                    fields.extend(column.fields().next());
                }
            }
            if !column.optional {
                last_needed = fields.len();
            }
        }
        Self { positions, joined, width: last_needed..=fields.len(), ignored: 0 }
    }

    fn takes(&self, values: &[&str]) -> bool {
        self.has_width(values.len(), |at| values.get(at).is_none_or(|text| text.trim().is_empty()))
    }

    fn checked(self, values: &[&str]) -> Result<Self, Stop> {
        if self.takes(values) {
            return Ok(self);
        }
        let declared = self.width.end();
        let why = match delimiter_of(values) {
            Some(delimiter) => format!("the file has no header, and {}", of_delimiter(delimiter)),
            None => {
                let count = counted(values.len());
                format!("the file has no header, and its first line has {count}, of {declared} declared")
            }
        };
        Err(Stop::reject("missing_column", why))
    }

    /// Whether any value fits a column that does not take every text: no header's name does.
    fn looks_like_data(&self, columns: &[Column], values: &[&str]) -> bool {
        let value = |at: &usize| values.get(*at).copied().unwrap_or_default();
        columns.iter().enumerate().any(|(at, column)| {
            let joined = self.joined.iter().find(|(of, _)| *of == at);
            let text: Option<Cow<str>> = match joined {
                Some((_, parts)) => Some(parts.iter().map(value).collect::<Vec<_>>().join(" ").into()),
                None => self.positions.get(at).copied().flatten().map(|at| value(&at).into()),
            };
            let is_typed = column.kind != ColumnType::String && column.day_of.is_none();
            let fits = |text: Cow<str>| check(column, Raw::Text(text)).is_ok_and(|value| value != Typed::Null);
            is_typed && text.is_some_and(fits)
        })
    }

    /// Whether a record may have so many values. Those beyond the width must be blank.
    pub(super) fn has_width(&self, values: usize, is_blank: impl Fn(usize) -> bool) -> bool {
        let most = *self.width.end();
        self.width.contains(&values) || values > most && (most..values).all(is_blank)
    }

    /// How many columns the file has.
    pub(super) fn columns(&self) -> usize {
        *self.width.end()
    }

    /// Where the value of a column is, if it is in one place.
    #[inline]
    pub(super) fn position(&self, column: usize) -> Option<usize> {
        self.positions.get(column).copied().flatten()
    }

    /// Columns whose value is joined of several, and where these are.
    pub(super) fn joined(&self) -> &[(usize, Vec<usize>)] {
        &self.joined
    }

    /// Joins what is not blank of the values of each joined column, into a buffer for each.
    pub(super) fn join<'v>(&self, buffers: &mut Vec<Vec<u8>>, value: impl Fn(usize) -> Option<&'v [u8]>) {
        buffers.resize(self.joined.len(), Vec::new());
        for ((_, parts), buffer) in self.joined.iter().zip(buffers) {
            buffer.clear();
            for part in parts.iter().filter_map(|part| value(*part)).filter(|part| !is_blank(part)) {
                if !buffer.is_empty() {
                    buffer.push(b' ');
                }
                buffer.extend_from_slice(part.trim_ascii());
            }
        }
    }
}

/// What stands between the values of a line that was taken for a single one.
fn delimiter_of(values: &[&str]) -> Option<char> {
    let [line] = values else { return None };
    let often = |delimiter: &char| line.matches(*delimiter).count();
    [';', '\t', '|', ','].into_iter().filter(|delimiter| often(delimiter) > 0).max_by_key(often)
}

fn of_delimiter(delimiter: char) -> String {
    let shown = if delimiter == '\t' { "\\t".to_owned() } else { delimiter.to_string() };
    format!(
        "its first line has 1 value, and \"{shown}\" seems to stand between several: declare delimiter = \"{shown}\""
    )
}

fn counted(values: usize) -> String {
    if values == 1 { "1 value".to_owned() } else { format!("{values} values") }
}

/// A name as it is compared: in lower case, and without what is not seen around it. Within, all white space is one blank: a
/// header has line breaks and blanks that do not break.
pub(super) fn compared(name: &str) -> String {
    let is_unseen = |character: char| character.is_whitespace() || matches!(character, '\u{200b}' | '\u{feff}');
    let words = name.trim_matches(is_unseen).split_whitespace();
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

impl Named {
    fn new(columns: &[Column], values: &[&str]) -> Self {
        let names: Vec<String> = values.iter().map(|name| compared(name)).collect();
        let of_field = |field: &str| {
            let field = compared(field);
            names.iter().position(|name| *name == field)
        };
        let (mut missing, mut joined, mut used) = (Vec::new(), Vec::new(), Vec::new());
        let mut positions = Vec::with_capacity(columns.len());
        for (at, column) in columns.iter().enumerate() {
            let mut position = None;
            if !column.joined.is_empty() {
                let parts: Vec<Option<usize>> = column.joined.iter().map(|field| of_field(field)).collect();
                used.extend(parts.iter().flatten());
                match parts.iter().copied().collect::<Option<Vec<usize>>>() {
                    Some(parts) => joined.push((at, parts)),
                    None if column.optional => {}
                    None => {
                        let lacking = column.joined.iter().zip(&parts).filter(|(_, part)| part.is_none());
                        missing.extend(lacking.map(|(field, _)| field.clone()));
                    }
                }
            } else if column.day_of.is_none() {
                position = column.fields().find_map(of_field);
                used.extend(position);
                if position.is_none() && !column.optional {
                    missing.extend(column.fields().next().map(str::to_owned));
                }
            }
            positions.push(position);
        }
        // Several columns may read one field: it is missing once.
        let mut told = BTreeSet::new();
        missing.retain(|field| told.insert(field.to_lowercase()));
        let is_any = !used.is_empty();
        used.sort_unstable();
        used.dedup();
        let unused = names.iter().enumerate().filter(|(at, name)| !name.is_empty() && used.binary_search(at).is_err());
        let ignored = unused.count() as u64;
        // A delimiter at the end of the header makes no column.
        let named = names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        let layout = Layout { positions, joined, width: named..=names.len(), ignored };
        Self { layout, missing, is_any }
    }

    fn is_header(&self) -> bool {
        self.is_any && self.missing.is_empty()
    }

    /// Which of two columns of one name is meant cannot be known.
    fn refuse_duplicates(&self, values: &[&str]) -> Result<(), Stop> {
        let mut names: Vec<String> = values.iter().map(|name| compared(name)).collect();
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        match names.iter().zip(names.iter().skip(1)).find(|(name, next)| name == next) {
            None => Ok(()),
            Some((name, _)) => {
                let why = format!("two columns of the file are named \"{name}\": rename one of them");
                Err(Stop::reject("duplicate_column", why))
            }
        }
    }

    fn missing_column(&self, values: &[&str], by_position: &Layout) -> Stop {
        let missing = self.missing.join(", ");
        if let Some(delimiter) = delimiter_of(values).filter(|_| by_position.columns() > 1) {
            return Stop::reject(
                "missing_column",
                format!("the file has no column {missing}: {}", of_delimiter(delimiter)),
            );
        }
        let count = counted(values.len());
        let why = format!(
            "the file has no column {missing}; its first line has {count}, of {} declared: name them as field = [...], \
             or write header = \"find\" or skip_lines if the header stands further below, optional = true for a column that \
             a file may lack, header = \"never\" if there is no header",
            by_position.columns()
        );
        Stop::reject("missing_column", why)
    }
}
