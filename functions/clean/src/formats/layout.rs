//! Which value of a record belongs to which column, and which line of a file is its header.

mod series_names;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use lake::dataset::{Column, ColumnType, Header, Table};

pub(super) use self::series_names::may_be_series;
use super::columns::is_blank;
use crate::error::Stop;
use lake::names::compared;
use lake::value::{Raw, Typed, check};

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
pub(super) struct Named {
    /// Where the columns are by these names.
    pub layout: Layout,
    /// Names that a file must have and the line has not.
    pub missing: Vec<String>,
    /// How many different places have a declared name.
    pub used: usize,
}

/// The line before a header that is not found that has most of the declared names, if any has one.
#[derive(Default)]
pub(super) struct Nearest {
    line: u64,
    used: usize,
    values: Vec<String>,
}

impl Nearest {
    /// Takes note of a line that is no header.
    pub(super) fn add(&mut self, table: &Table, line: u64, values: &[&str]) {
        let used = Named::new(&table.columns, values).used;
        if used > self.used {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            *self = Self { line, used, values };
        }
    }
}

impl Layout {
    /// What the first line of a file is, or of what may be before its header. `ahead` looks at that line and those behind
    /// it.
    pub(super) fn find(
        table: &Table,
        header: Header,
        values: &[&str],
        ahead: impl FnOnce() -> Result<Ahead, Stop>,
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
        let ahead = if header == Header::Auto { ahead()? } else { Ahead::default() };
        // Rows are no preamble: only lines before the first of them may be passed.
        if header == Header::Find || ahead.is_preamble() {
            return Ok(Line::Preamble);
        }
        let has_types = columns.iter().any(is_typed);
        if ahead.has_header && !has_types {
            let why = "a later line has all of the declared names, and as all columns are strings the lines before it may be \
                       rows or not: write header = \"find\" into dataset.toml if they are none, header = \"never\" if all \
                       lines are rows";
            return Err(Stop::reject("unclear_header", why));
        }
        let is_row = header == Header::Auto && named.used == 0;
        if is_row && !has_types && by_position.takes(values) {
            let why = "none of the declared names is in line 1, and as all columns are strings it may be a row or a header: \
                       write header = \"never\" or header = \"always\" into dataset.toml";
            return Err(Stop::reject("unclear_header", why));
        }
        if is_row && by_position.takes(values) && by_position.may_be_series(columns, values, &ahead.below) {
            let why = "none of the declared names is in the first line, and the numbers or dates in it may be names, as those of \
                       a series are (years, days, hours): write header = \"never\" into dataset.toml if it is a row; if it is a \
                       header, declare its names as field = [...]";
            return Err(Stop::reject("unclear_header", why));
        }
        if is_row && ahead.other_names.is_none() && by_position.looks_like_data(columns, values) {
            return by_position.checked(values).map(Line::Row);
        }
        Err(named.missing_column(columns, values, &by_position, ahead.other_names))
    }

    /// Whether columns in the order of declaration would have these values.
    pub(super) fn fits_in_order(table: &Table, values: &[&str]) -> bool {
        Self::in_order(&table.columns).takes(values)
    }

    /// Whether a line has all names that a file must have.
    pub(super) fn is_header(table: &Table, values: &[&str]) -> bool {
        Named::new(&table.columns, values).is_header()
    }

    /// Why a file has no rows of the table: no line is its header. `nearest` has most of the names.
    pub(super) fn no_header(table: &Table, nearest: &Nearest) -> Stop {
        let columns = &table.columns;
        let named = Named::new(columns, &[]);
        let wanted = match named.missing.as_slice() {
            [] => format!("any of the names {}", some_fields(columns)),
            missing => format!("all of the names {}", missing.join(", ")),
        };
        let texts: Vec<&str> = nearest.values.iter().map(String::as_str).collect();
        // A line such as `customer,Jan Peeters` above the header may be one of a form.
        let is_personal = columns.iter().any(|column| column.personal);
        let is_near = nearest.used > 0 && (!is_personal || nearest.used * 2 > Self::in_order(columns).columns());
        let unread = if is_near { others(columns, &texts) } else { Vec::new() };
        let missing = Named::new(columns, &texts).missing;
        let why = if let (Some(first), false) = (missing.first(), unread.is_empty()) {
            format!(
                "no line of the file has {wanted}; line {} has no {}, and nothing reads its {}: rename it in the file, or declare \
                 both names, as field = [\"{first}\", ...]; write optional = true if files may lack it",
                nearest.line,
                missing.join(", "),
                unread.join(", ")
            )
        } else {
            format!(
                "no line of the file has {wanted}: declare the names that its header has as field = [...], optional = true for a \
                 column that a file may lack, or header = \"never\" if the file has no header"
            )
        };
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
        let (count, declared) = (values.len(), self.width.end());
        let why = format!(
            "the file has no header, and its first line has {}, of {declared} declared: declare delimiter if another \
             character stands between values of a CSV file",
            counted(count)
        );
        Err(Stop::reject("missing_column", why))
    }

    /// Whether any value fits a column that does not take every text: no header's name does.
    pub(super) fn looks_like_data(&self, columns: &[Column], values: &[&str]) -> bool {
        let fits = |text: Cow<str>, column| check(column, Raw::Text(text)).is_ok_and(|value| value != Typed::Null);
        self.texts(columns, values).any(|(column, text)| is_typed(column) && fits(text, column))
    }

    /// Whether a line has a value in the place of a column that does not take every text.
    pub(super) fn has_types(&self, columns: &[Column], values: &[&str]) -> bool {
        self.texts(columns, values).any(|(column, text)| is_typed(column) && !text.trim().is_empty())
    }

    /// Whether a line is a row in which nothing is to be refused. Blanks alone are none.
    fn is_sound(&self, columns: &[Column], values: &[&str]) -> bool {
        let has_types = columns.iter().any(is_typed);
        let mut is_any = false;
        let all_fit = self.texts(columns, values).all(|(column, text)| {
            let raw = if text.trim().is_empty() { Raw::Missing } else { Raw::Text(text) };
            let typed = check(column, raw);
            is_any |= (is_typed(column) || !has_types) && typed.as_ref().is_ok_and(|typed| *typed != Typed::Null);
            typed.is_ok()
        });
        all_fit && is_any && self.takes(values)
    }

    /// Whether each value of a line may be a name, and no other one is there: none is missing or comes twice, and none fits
    /// its column, where one does not take every text.
    fn looks_like_names(&self, columns: &[Column], values: &[&str]) -> bool {
        let values = values.get(..self.columns()).unwrap_or(values);
        let mut names: Vec<String> = values.iter().map(|value| compared(value)).collect();
        let is_name = |name: &String| name.chars().any(char::is_alphabetic) && !MISSING.contains(&name.as_str());
        let all_names = values.len() == self.columns() && names.iter().all(is_name);
        names.sort_unstable();
        names.dedup();
        all_names
            && names.len() == values.len()
            && columns.iter().any(is_typed)
            && !self.texts(columns, values).any(|(column, text)| is_typed(column) && column.is_missing_text(&text))
            && !self.looks_like_data(columns, values)
    }

    /// Whether such a line has a declared name in each place of a column that does not take every text, with something
    /// around it: a unit, for one. Below rows, others are rows with bad values.
    fn looks_like_similar_names(&self, columns: &[Column], values: &[&str]) -> bool {
        let fields: Vec<String> = columns.iter().flat_map(Column::fields).map(compared).collect();
        let is_similar = |text: Cow<str>| {
            let name = compared(&text);
            fields.iter().any(|field| field.len() >= 3 && name.contains(field.as_str()))
        };
        let mut typed = self.texts(columns, values).filter(|(column, _)| is_typed(column)).peekable();
        typed.peek().is_some() && typed.all(|(_, text)| is_similar(text)) && self.looks_like_names(columns, values)
    }

    /// The text of each column that has one of its own, joined if it is in several places.
    pub(super) fn texts<'v>(
        &self,
        columns: &'v [Column],
        values: &[&'v str],
    ) -> impl Iterator<Item = (&'v Column, Cow<'v, str>)> {
        let value = |at: &usize| values.get(*at).copied().unwrap_or_default();
        columns.iter().enumerate().filter_map(move |(at, column)| {
            let joined = self.joined.iter().find(|(of, _)| *of == at);
            let text: Cow<str> = match joined {
                Some((_, parts)) => {
                    let parts = parts.iter().map(value).map(str::trim).filter(|part| !part.is_empty());
                    parts.collect::<Vec<_>>().join(" ").into()
                }
                None => value(self.positions.get(at)?.as_ref()?).into(),
            };
            Some((column, text))
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

/// Whether a column does not take every text.
fn is_typed(column: &Column) -> bool {
    column.kind != ColumnType::String && column.day_of.is_none()
}

/// The first names that are declared.
fn some_fields(columns: &[Column]) -> String {
    columns.iter().flat_map(Column::fields).take(8).collect::<Vec<_>>().join(", ")
}

fn counted(values: usize) -> String {
    if values == 1 { "1 value".to_owned() } else { format!("{values} values") }
}

/// Texts that stand for no value, as they are compared. They are no names.
const MISSING: [&str; 9] = ["na", "n/a", "nan", "null", "none", "missing", "unknown", "inf", "error"];

/// What the lines at the beginning of a file are, from the first on and up to one that has all names.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Whether there is such a line.
    has_header: bool,
    /// Whether a line before it is a row, by the order of declaration.
    has_row: bool,
    /// The line before it that looks like a header of other names.
    other_names: Option<u64>,
    /// The values of some of the lines behind the first one.
    below: Vec<Vec<String>>,
    /// How many lines were looked at.
    lines: usize,
}

/// Lines that are compared with the first one.
const COMPARED: usize = 100;

impl Ahead {
    /// Whether the first line is before the header.
    pub(super) fn is_preamble(&self) -> bool {
        self.has_header && !self.has_row
    }

    /// Looks at the next line, whose number this is. False if what is behind does not matter.
    pub(super) fn add(&mut self, table: &Table, line: u64, values: &[&str]) -> bool {
        let columns = &table.columns;
        if Layout::is_header(table, values) {
            self.has_header = true;
            return false;
        }
        if (1..=COMPARED).contains(&self.lines) {
            self.below.push(values.iter().map(|value| (*value).to_owned()).collect());
        }
        self.lines += 1;
        let by_position = Layout::in_order(columns);
        if !self.has_row && by_position.is_sound(columns, values) {
            self.has_row = true;
        } else if self.other_names.is_none() {
            let is_header = match self.has_row {
                false => by_position.looks_like_names(columns, values),
                true => by_position.looks_like_similar_names(columns, values),
            };
            self.other_names = is_header.then_some(line);
        }
        true
    }
}

impl Named {
    pub(super) fn new(columns: &[Column], values: &[&str]) -> Self {
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
        used.sort_unstable();
        used.dedup();
        let found = used.len();
        let unused = names.iter().enumerate().filter(|(at, name)| !name.is_empty() && used.binary_search(at).is_err());
        let ignored = unused.count() as u64;
        // A delimiter at the end of the header makes no column.
        let named = names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        let layout = Layout { positions, joined, width: named..=names.len(), ignored };
        Self { layout, missing, used: found }
    }

    /// Whether it has all names that a file must have.
    pub(super) fn is_header(&self) -> bool {
        self.used > 0 && self.missing.is_empty()
    }

    /// Which of two columns of one name is meant cannot be known.
    pub(super) fn refuse_duplicates(&self, values: &[&str]) -> Result<(), Stop> {
        let mut names: Vec<String> = values.iter().map(|name| compared(name)).collect();
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        match names.iter().zip(names.iter().skip(1)).find(|(name, next)| name == next) {
            None => Ok(()),
            Some((name, _)) => {
                let name =
                    if is_like_name(name) { format!("are named \"{name}\"") } else { "have the same name".to_owned() };
                let why = format!("two columns of the file {name}: rename one of them");
                Err(Stop::reject("duplicate_column", why))
            }
        }
    }

    fn missing_column(
        self,
        columns: &[Column],
        values: &[&str],
        by_position: &Layout,
        other_names: Option<u64>,
    ) -> Stop {
        let missing = match self.missing.as_slice() {
            [] => format!("none of the columns {}", some_fields(columns)),
            missing => format!("no column {}", missing.join(", ")),
        };
        // A line that has most of the names is the header: what else stands in it are names, and no values.
        if self.used * 2 > by_position.columns() {
            let first = self.missing.first().map(String::as_str).unwrap_or_default();
            let why = match others(columns, values).as_slice() {
                [] => format!("the file has {missing}: write optional = true into dataset.toml if files may lack it"),
                names => format!(
                    "the file has {missing}, and nothing reads its {}: rename it in the file, or declare both names, as \
                     field = [\"{first}\", ...]; write optional = true if files may lack it",
                    names.join(", ")
                ),
            };
            return Stop::reject("missing_column", why);
        }
        let other = match other_names.filter(|line| *line > 1) {
            Some(line) => format!(", and line {line} looks like a header of other names"),
            None => String::new(),
        };
        let why = format!(
            "the file has {missing}; its first line has {}, of {} declared{other}: name them as field = [...], or \
             write delimiter if another character stands between values of a CSV file, header = \"find\" or skip_lines if the header \
             stands further below, optional = true for a column that a file may lack, header = \"never\" if there is no \
             header",
            counted(values.len()),
            by_position.columns()
        );
        Stop::reject("missing_column", why)
    }
}

/// Names of a header that no column reads, and where they stand; the first five. Where the table has personal columns, what
/// may be a value is not shown: the line may be a row.
fn others(columns: &[Column], values: &[&str]) -> Vec<String> {
    let is_read = |name: &str| {
        let name = compared(name);
        let mut fields =
            columns.iter().flat_map(|column| column.fields().chain(column.joined.iter().map(String::as_str)));
        name.is_empty() || fields.any(|field| compared(field) == name)
    };
    let is_personal = columns.iter().any(|column| column.personal);
    let unread = values.iter().enumerate().filter(|(_, name)| !is_read(name)).take(5);
    unread
        .map(|(at, name)| match name.trim() {
            name if !is_personal || is_like_name(name) => format!("\"{name}\" (column {})", at + 1),
            _ => format!("column {}", at + 1),
        })
        .collect()
}

/// Whether a text is as names of columns mostly are: no address, number or date, and no sentence.
fn is_like_name(text: &str) -> bool {
    let is_of_name = |c: char| c.is_alphanumeric() || " _-./()[]%#°".contains(c);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let first = text.chars().next();
    first.is_some_and(|first| first.is_alphabetic() || "_#%".contains(first))
        && text.chars().all(is_of_name)
        && digits <= 4
        && text.chars().count() <= 40
}
