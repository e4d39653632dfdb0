//! Blanks around values: whether they are part of them, and what is said of those that are taken away.

use lake::dataset::ColumnType;

use super::column::{Habits, guess};
use super::grid::Grid;
use super::head::text_at;
use super::lines::usual_width;
use super::looks::{Look, look};
use super::naming::column_name;
use super::sampled::is_rule;
use crate::formats::csv::SampleRecord;

/// Whether texts of a column have blanks around them, as in tables for people. Those in quotes are part of a value, and so is
/// white space of other kinds.
pub(super) fn are_padded(records: &[&SampleRecord]) -> bool {
    let columns = usual_width(records);
    let rows: Vec<&SampleRecord> =
        records.iter().copied().filter(|record| record.values.len() == columns && !is_rule(record)).collect();
    let (rows, _) = rows.split_at_checked(1000).unwrap_or((&rows, &[]));
    columns > 1
        && (0..columns).any(|at| {
            let (mut all, mut padded, mut texts) = (0, 0, 0);
            for row in rows.iter().skip(1).filter(|row| !text_at(row, at).trim().is_empty()) {
                let value = text_at(row, at);
                all += 1;
                padded += usize::from(is_padded_at(row, at));
                texts += usize::from(look(value) == Look::Text);
            }
            texts * 2 > all && padded * 10 >= all * 9
        })
}

/// Whether a value without quotes has blanks around it.
pub(super) fn is_padded_at(record: &SampleRecord, at: usize) -> bool {
    let value = text_at(record, at);
    !record.is_in_quotes(at) && !record.is_of_sheet() && value.trim_matches([' ', '\t']).len() < value.len()
}

/// Trims where values that look like numbers stay text, such as those of more digits than a number has: as text they would keep
/// the blanks around them.
pub(super) fn trim_numbers(grid: &mut Grid, sound: &[&SampleRecord]) {
    if grid.options.iter().any(|option| option == "trim = true") {
        return;
    }
    let habits = Habits { is_european: grid.is_european, ..Habits::default() };
    let (mut most, mut notes) = (false, Vec::new());
    for (at, padded) in &grid.padded {
        let Some(field) = grid.fields.get(*at) else { continue };
        if guess(field, String::new(), habits).kind != ColumnType::String {
            continue;
        }
        most |= padded * 10 >= field.values.iter().flatten().count() * 9;
        notes.push(format!(
            "column {}: blanks stand around {padded} of its values, which are text and keep them: where they are no part of a \
             value, write trim = true",
            column_name(&field.label, *at)
        ));
    }
    if most {
        grid.options.push("trim = true".to_owned());
        note_trim(grid, sound);
    } else {
        grid.notes.extend(notes);
    }
}

/// Says what texts lose where blanks around them are taken away.
pub(super) fn note_trim(grid: &mut Grid, sound: &[&SampleRecord]) {
    let is_wide = |value: &str| value.trim().len() < value.len();
    let loses = |record: &&&SampleRecord| {
        let values = record.values.iter().enumerate();
        values.clone().any(|(at, value)| record.is_in_quotes(at) && is_wide(value) && look(value) == Look::Text)
    };
    let in_quotes = sound.iter().filter(loses).count();
    let also = match in_quotes {
        0 => String::new(),
        1 => ", those within quotes in 1 row as well".to_owned(),
        rows => format!(", those within quotes in {rows} rows as well"),
    };
    grid.note(format!(
        "most values of a column have blanks around them, and texts lose these by trim = true{also}: where they are part of a \
         value, leave it out"
    ));
}
