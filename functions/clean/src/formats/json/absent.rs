//! Declared members that no row of an object has, while rows have others of the same letters: they were renamed, and nulls
//! in their place would hide that. A member that is only left out, as many programs do with nulls, is none of these.

use std::collections::BTreeSet;

use lake::dataset::Column;
use lake::json::Object;
use lake::names::is_same;

use crate::error::Stop;

/// The most names that are remembered.
const MAX_NAMES: usize = 128;

/// What no row had so far.
pub(super) struct Absent<'a> {
    columns: &'a [Column],
    /// The places of columns that rows have members of, and of those that no row had so far.
    all: Vec<usize>,
    unseen: Vec<usize>,
    /// Whether a row lacked one, where that is asked for.
    has_gaps: bool,
    notes_gaps: bool,
    /// Names of members that rows have beside.
    others: BTreeSet<String>,
}

impl<'a> Absent<'a> {
    /// Before the first row. An `optional` column may be absent, and so may values that are not members of the row.
    pub(super) fn new(columns: &'a [Column]) -> Self {
        let is_member = |column: &Column| {
            !column.optional
                && column.path.is_none()
                && column.request.is_none()
                && column.day_of.is_none()
                && column.joined.is_empty()
        };
        let all: Vec<usize> = (0..columns.len()).filter(|at| columns.get(*at).is_some_and(is_member)).collect();
        Self { columns, unseen: all.clone(), all, has_gaps: false, notes_gaps: false, others: BTreeSet::new() }
    }

    /// From now on takes note of rows that lack a member.
    pub(super) fn note_gaps(&mut self) {
        self.notes_gaps = true;
    }

    /// Whether a row lacked a member that it may be asked for.
    pub(super) fn has_gaps(&self) -> bool {
        self.has_gaps
    }

    /// Whether a row has all members.
    pub(super) fn has_all(&self, has: impl Fn(usize) -> bool) -> bool {
        self.all.iter().all(|column| has(*column))
    }

    /// Takes note of a row by what it has members of. Once each was in a row, nothing is looked for but what a row lacks,
    /// where somebody asks for that.
    #[inline]
    pub(super) fn pass(&mut self, has: impl Fn(usize) -> bool) {
        if self.notes_gaps && !self.has_gaps {
            self.has_gaps = !self.has_all(&has);
        }
        if !self.unseen.is_empty() {
            self.unseen.retain(|column| !has(*column));
        }
    }

    /// The same of a row that a parser read.
    pub(super) fn pass_row(&mut self, row: &Object) {
        let columns = self.columns;
        let has =
            |at: usize| columns.get(at).is_none_or(|column| column.fields().any(|name| row.member(name).is_some()));
        self.pass(has);
        let Self { unseen, others, .. } = self;
        if unseen.is_empty() {
            return;
        }
        let names = row.members().map(|(name, _)| name.to_owned());
        others.extend(names.take(MAX_NAMES.saturating_sub(others.len())));
    }

    /// Refuses an object in which a member was renamed. `others` are further names of members that rows have.
    pub(super) fn refuse<'n>(&'n self, others: impl Iterator<Item = &'n str>) -> Result<(), Stop> {
        let known: Vec<&str> =
            self.columns.iter().flat_map(|c| c.fields().chain(c.joined.iter().map(String::as_str))).collect();
        let others: Vec<&str> = self.others.iter().map(String::as_str).chain(others).collect();
        let others: Vec<&str> =
            others.into_iter().filter(|name| !known.iter().any(|known| is_same(known, name))).collect();
        let columns = self.unseen.iter().filter_map(|at| self.columns.get(*at));
        let renamed = columns.flat_map(Column::fields).find_map(|name| Some((name, like(name, &others)?)));
        let Some((name, other)) = renamed else { return Ok(()) };
        let why = format!(
            "no row has the declared member \"{name}\", and rows have \"{other}\", which is not declared: declare field = \
             [\"{name}\", \"{other}\"] if it was renamed, optional = true if rows may lack it"
        );
        Err(Stop::reject("missing_column", why))
    }
}

/// The one of other names that a name may have become: one of the same letters.
fn like<'n>(name: &str, others: &[&'n str]) -> Option<&'n str> {
    let letters = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let wanted = letters(name);
    others.iter().find(|other| !wanted.is_empty() && letters(other) == wanted).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alike_that_may_be_one_renamed() {
        for (name, other, wanted) in [
            ("start_time", "startTime", true),
            ("trip-id", "TripID", true),
            // What is left out where it is null may be beside another that begins alike.
            ("comment", "comment_count", false),
            ("error", "errors", false),
            ("speed", "tram", false),
        ] {
            assert_eq!(like(name, &["x", other]).is_some(), wanted, "{name} {other}");
        }
    }
}
