//! A sample that is a zip archive: which of its files is looked at, and which others its draft would read.
//!
//! A draft is of one kind of rows. Files of other columns are no rows of it: where their names tell them apart, `entries` leaves them
//! out.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek};

use lake::names::compared;
use zip::ZipArchive;

use super::entries::{are_names, entries_of};
use super::grid::Grid;
use super::{ending, quoted, sample_of};
use crate::error::Stop;
use crate::formats::{archive, kinds};

/// Endings of files that have rows.
const ENDINGS: [&str; 9] = ["csv", "tsv", "tab", "json", "ndjson", "jsonl", "xlsx", "xlsm", "parquet"];
/// Bytes of other files that are looked at, and how many of them.
const OTHER_BYTES: u64 = 64 * 1024;
const MOST_OTHERS: usize = 50;
/// Files that are named.
const NAMED: usize = 5;

/// The file of an archive that is looked at.
pub(super) struct Packed {
    pub name: String,
    /// The files that end as it does, and are read with its draft.
    alike: Vec<String>,
    /// Those that end so, and have other columns.
    others: Vec<String>,
    /// What `entries` is declared, so that these are left out.
    entries: Option<String>,
    /// Columns that the file that is looked at has not, each with the first of the others that has it.
    more: Vec<(String, String)>,
}

impl Packed {
    /// What is said of the other files.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        [self.note(), self.note_names(), self.note_more()].into_iter().flatten()
    }

    /// Says what becomes of later archives where `entries` has names, as no pattern tells the kinds apart.
    fn note_names(&self) -> Option<String> {
        let entries = self.entries.as_ref().filter(|entries| are_names(entries))?;
        Some(format!(
            "entries = {entries} takes files of just such names, as no pattern tells them from the others: what is called otherwise in \
             a later archive is left out; write a pattern if you know how they will be called, such as \"NAME_2*.csv\""
        ))
    }

    /// Names the columns that only other files have.
    fn note_more(&self) -> Option<String> {
        let of = |(column, file): &(String, String)| format!("{column} (in {file})");
        let all: Vec<String> = self.more.iter().map(of).collect();
        (!all.is_empty()).then(|| {
            format!(
                "the draft is of the columns of {}, and leaves out those that only other files have: {}; declare those that you want, \
                 with optional = true",
                self.name,
                names(&all)
            )
        })
    }

    fn note(&self) -> Option<String> {
        let (name, others) = (&self.name, names(&self.others));
        if let Some(entries) = &self.entries {
            return Some(format!(
                "the archive has tables of several kinds: those like {name} are read, by entries = {entries}, and left out are files of \
                 other columns, {others}; a second dataset reads those of a kind, with entries of its own{}",
                self.entries_of_others().map(|entries| format!(", such as {entries}")).unwrap_or_default()
            ));
        }
        let members = self.alike.len() + self.others.len();
        (members > 1).then(|| {
            format!(
                "the archive has {members} files that end so: the first one is looked at, and all are read with its draft; leave those \
                 that are no rows of it out by entries = \"NAME*\""
            )
        })
    }

    /// The value of `entries` that takes the others, if one does, or the first of them.
    fn entries_of_others(&self) -> Option<String> {
        let all = entries_of(&self.others, &self.alike).filter(|entries| !entries.starts_with('['));
        all.or_else(|| {
            let (first, rest) = self.others.split_first()?;
            entries_of(std::slice::from_ref(first), &[&self.alike, rest].concat())
        })
    }

    /// Words on why a draft cannot be made, where others than the file that was looked at may be why.
    pub(super) fn explain(&self, why: &str) -> String {
        let all: Vec<String> = self.alike.iter().chain(&self.others).cloned().collect();
        if all.len() < 2 || self.entries.is_some() {
            return why.to_owned();
        }
        let others: Vec<String> = all.iter().filter(|name| **name != self.name).cloned().collect();
        format!(
            "{why}; the archive has {}, and all are read as {} is: where they are tables of several kinds, a dataset reads one, by \
             entries = {}, and a second dataset the others; pack the files of one kind by themselves, and draft it from these",
            names(&all),
            self.name,
            entries_of(std::slice::from_ref(&self.name), &others).unwrap_or_else(|| "\"NAME*\"".to_owned())
        )
    }
}

/// `a.csv, b.csv and 3 more`
fn names(members: &[String]) -> String {
    let shown: Vec<&str> = members.iter().take(NAMED).map(String::as_str).collect();
    match members.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What columns of a sample are called.
fn columns_of(grid: &Grid) -> BTreeSet<String> {
    grid.fields.iter().map(|field| compared(&field.label)).filter(|name| !name.is_empty()).collect()
}

/// The beginning of the file that is looked at of an archive.
pub(super) fn sample(mut opened: File) -> Result<(Grid, Packed), Stop> {
    let broken =
        |error: zip::result::ZipError| Stop::reject("damaged", format!("the zip archive cannot be read: {error}"));
    let mut head = Vec::new();
    opened.by_ref().take(kinds::LOOKED_AT as u64).read_to_end(&mut head)?;
    kinds::require(&head, b"PK", "a zip archive")?;
    opened.rewind()?;
    let mut archive = ZipArchive::new(opened).map_err(broken)?;
    let mut members = Vec::new();
    for number in 0..archive.len() {
        let member = archive.by_index(number).map_err(broken)?;
        let name = member.name().map_err(broken)?.into_owned();
        if !member.is_dir() && !archive::is_by_the_way(&name) {
            members.push((number, name));
        }
    }
    // The first of those that have rows by their names: others are read-mes and the like.
    let rank = |name: &str| match ending(name).as_str() {
        "txt" => 1,
        other => 2 * u8::from(ENDINGS.contains(&other)),
    };
    let best = members.iter().max_by_key(|(number, name)| (rank(name), std::cmp::Reverse(*number)));
    let Some((number, name)) = best else {
        return Err(Stop::reject("no_rows", "the zip archive has no files"));
    };
    let member = archive.by_index(*number).map_err(broken)?;
    archive::refuse_other_methods(&member, name)?;
    let mut grid = sample_of(name, member, true).map_err(|stop| match stop {
        Stop::Reject(reject) => Stop::reject(&reject.reason, format!("{name} in the zip archive: {}", reject.message)),
        broken => broken,
    })?;
    let (name, number) = (name.clone(), *number);
    let of_kind: Vec<(usize, String)> =
        members.iter().filter(|(.., other)| ending(other) == ending(&name)).cloned().collect();
    let is_of_kind = of_kind.len() == members.len() || rank(&name) == 0;
    // A file of another table has few of the columns; one that lacks some of them is of this one.
    let own = columns_of(&grid);
    let (mut alike, mut others, mut more) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (other_number, other)) in of_kind.into_iter().enumerate() {
        let is_looked_at = other_number != number && at <= MOST_OTHERS && !own.is_empty();
        let found = if is_looked_at { other_sample(&mut archive, other_number, &other) } else { None };
        let has_others = found.as_ref().is_some_and(|found| {
            let found = columns_of(found);
            let all = own.union(&found).count();
            !own.is_subset(&found) && !found.is_empty() && own.intersection(&found).count() * 2 < all
        });
        if has_others {
            others.push(other);
            continue;
        }
        for field in found.into_iter().flat_map(|found| found.fields) {
            let label = compared(&field.label);
            let is_known = |(known, _): &(String, String)| compared(known) == label;
            if !label.is_empty() && !own.contains(&label) && !more.iter().any(is_known) {
                more.push((field.label, other.clone()));
            }
        }
        alike.push(other);
    }
    let entries = if others.is_empty() { None } else { entries_of(&alike, &others) };
    let packed = Packed { name: name.clone(), alike, others, entries: entries.clone(), more };
    if let Some(entries) = entries {
        grid.options.push(format!("entries = {entries}"));
    } else if !is_of_kind {
        grid.options.push(format!("entries = {}", quoted(&format!("**/*.{}", ending(&name)))));
        grid.note(format!("of {} files in the archive those that end in .{} are read", members.len(), ending(&name)));
    }
    Ok((grid, packed))
}

/// The beginning of another file of an archive; none if it cannot be read.
fn other_sample(archive: &mut ZipArchive<File>, number: usize, name: &str) -> Option<Grid> {
    let member = archive.by_index(number).ok()?;
    archive::refuse_other_methods(&member, name).ok()?;
    sample_of(name, member.take(OTHER_BYTES), true).ok()
}
