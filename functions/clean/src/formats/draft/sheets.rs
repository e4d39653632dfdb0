//! What is said of the sheets of a workbook that are not read.

use super::SAMPLE_ROWS;
use super::key::and;
use crate::formats::xlsx::{SampleRow, Unread};

/// Sheets that are named; of more, how many there are is said.
const MOST_NAMED: usize = 8;

/// Says which sheets are not read, and how they may be. `chosen` is the one that is declared, of which these are the rows.
pub(super) fn note(chosen: Option<&str>, others: &[Unread], rows: &[SampleRow]) -> Option<String> {
    let first = others.iter().find(|sheet| sheet.is_like(rows)).or(others.first())?;
    let mut names: Vec<String> = others.iter().take(MOST_NAMED).map(|sheet| named(sheet, rows)).collect();
    let more = others.get(MOST_NAMED..).unwrap_or_default();
    if !more.is_empty() {
        let count = more.iter().filter_map(|sheet| sheet.rows).sum::<usize>();
        names.push(format!("{} more with {} together", more.len(), counted(count, false)));
    }
    let read = match chosen {
        Some(chosen) => {
            format!("the workbook has several sheets: the one with the most rows is \"{chosen}\", and it alone is read")
        }
        None if rows.is_empty() => "the workbook has rows in hidden sheets alone".to_owned(),
        None => "the workbook has one sheet with rows that is not hidden, and it alone is read".to_owned(),
    };
    let are_like = others.iter().any(|sheet| sheet.is_like(rows));
    let join = if are_like { ", and put rows of the same columns together in a model (UNION ALL)" } else { "" };
    Some(format!(
        "{read}; no row is read of {}: to read one of them in its place, declare sheet = {}; to read both, do so in a second \
         dataset, with a copy of the workbook{join}",
        and(&names),
        super::quoted(&first.name)
    ))
}

/// A sheet's name, and what is known of its rows.
fn named(sheet: &Unread, rows: &[SampleRow]) -> String {
    let is_like = sheet.is_like(rows);
    // The header is one of them.
    let below = sheet.rows.map(|count| counted(count.saturating_sub(usize::from(is_like)), count >= SAMPLE_ROWS));
    let known = below.unwrap_or_else(|| "which cannot be read".to_owned());
    let like = if is_like { " below the same header" } else { "" };
    let hidden = if sheet.is_hidden { ", hidden" } else { "" };
    format!("\"{}\" ({known}{like}{hidden})", sheet.name)
}

fn counted(count: usize, is_beginning: bool) -> String {
    match count {
        _ if is_beginning => format!("{count} rows or more"),
        1 => "1 row".to_owned(),
        count => format!("{count} rows"),
    }
}
