//! What a sample holds, column by column, whatever its format is.

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As text.
    Text,
    /// As a number of its own type.
    Number,
    /// As a number that is shown as a percentage.
    Percent,
    /// As a number that is shown with zeros before it.
    Padded,
    /// As a number beyond those that a double has exactly.
    Vague,
    /// As true or false.
    Bool,
    /// As an error of a workbook's formula.
    Error,
    /// As a date, or a date and a time of day, of its own type.
    Stamp { is_utc: bool },
}

/// A value that is there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub text: String,
    pub kind: Kind,
}

impl Value {
    /// A text without white space around it; none if it is blank.
    pub(super) fn text(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self { text: text.to_owned(), kind: Kind::Text })
    }
}

/// Where a column's values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the column of that name.
    Named(String),
    /// At the column's place among those declared.
    InOrder,
    /// Where a JSON pointer says.
    Path(String),
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// What the file calls it; blank if it has no name.
    pub label: String,
    pub origin: Origin,
    /// One per row.
    pub values: Vec<Option<Value>>,
    /// The declaration of its type, where the file has one even without values.
    pub declared: Option<&'static str>,
}

/// A sample.
#[derive(Debug, Default)]
pub(super) struct Grid {
    /// The lines of the table's declaration that say how it is read.
    pub options: Vec<String>,
    pub fields: Vec<Field>,
    pub rows: usize,
    /// Which fields have values that look like numbers, with blanks around them and without quotes, and how many such values:
    /// numbers lose the blanks, and what stays text keeps them.
    pub padded: Vec<(usize, usize)>,
    /// Lines beside them that look like no rows, and that no option leaves out: at the end, and below the header.
    pub footers: u64,
    pub below_header: u64,
    /// Whether those below the header say of which type columns are.
    pub are_types_below: bool,
    /// Lines of dashes and the like that are rejected.
    pub ruled: u64,
    /// The line or row that is the first one of a sample without a header.
    pub first: Option<u64>,
    /// Whether a comma is likelier than a point before decimals, by what stands between values.
    pub is_european: bool,
    /// What is worth knowing, for people. They have no values of the file.
    pub notes: Vec<String>,
}

impl Grid {
    /// Words on lines that look like no rows. Of a sample that is read, so many rows are rejected.
    pub(super) fn about_no_rows(&self, rejected: u64) -> Vec<String> {
        let mut notes = Vec::new();
        let mut left = rejected.saturating_sub(self.ruled);
        let below = if self.are_types_below { "types of columns" } else { "units or marks" };
        let kinds = [
            (self.footers, "the last", "", ["looks like no row", "look like no rows"], "totals or a footer"),
            (self.below_header, "the", " below the header", ["is no row", "are no rows"], below),
        ];
        for (count, before, behind, [one, several], what) in kinds.into_iter().filter(|(count, ..)| *count > 0) {
            let (lines, look) = if count == 1 { ("line".to_owned(), one) } else { (format!("{count} lines"), several) };
            let then = if left >= count {
                "rejected in each file, unless comment or skip_lines leave it out, and no harm to other rows"
            } else {
                "but fits the columns, so that it is a row of each file and counts: take it out of the files, or leave it out by a \
                 WHERE in models"
            };
            left = left.saturating_sub(count);
            notes.push(format!("{before} {lines}{behind} {look} ({what}): {then}"));
        }
        notes
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}
