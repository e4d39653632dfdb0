//! Samples of workbooks and Parquet files as columns.

use super::grid::{Field, Grid, Kind, Origin, Value};
use super::head::HEADER_WITHIN;
use super::lines;
use crate::formats::cell::Cell;
use crate::formats::columnar;
use crate::formats::csv::SampleRecord;
use crate::formats::xlsx::Shown;

fn value(cell: &Cell) -> Option<Value> {
    let kind = match cell {
        _ if cell.is_blank() => return None,
        Cell::Text(_) | Cell::Empty | Cell::Clock { .. } => Kind::Text,
        Cell::Nested | Cell::Uncomputed | Cell::NoDate(_) => return None,
        Cell::Number(_) | Cell::Single { .. } => Kind::Number,
        Cell::Percent { .. } => Kind::Percent,
        // A double of which no whole number is known.
        Cell::Vague(number) => return Some(Value { text: format!("{number}.0"), kind: Kind::Vague }),
        Cell::Error(_) => Kind::Error,
        Cell::Bool(_) => Kind::Bool,
        Cell::Date(_) => Kind::Stamp { is_utc: false },
        Cell::Stamp { is_utc, .. } => Kind::Stamp { is_utc: *is_utc },
    };
    Some(Value { text: cell.text().trim().to_owned(), kind })
}

/// How many cells the longest row has that may be a header: a row of a sheet ends with its last cell that is not empty.
fn widest_names(rows: &[(u64, Vec<Cell>)]) -> usize {
    let is_name = |cell: &Cell| matches!(cell, Cell::Text(text) if !text.trim().is_empty());
    // The first columns of a sheet may be empty.
    let names = rows
        .iter()
        .take(HEADER_WITHIN)
        .filter(|(_, cells)| cells.iter().skip_while(|cell| cell.is_blank()).all(is_name));
    names.map(|(_, cells)| cells.len()).max().unwrap_or_default()
}

/// Rows of a sheet, each with its number. The header is found among them as in a text.
pub(super) fn of_sheet(rows: &[(u64, Vec<Cell>)], shown: &Shown, options: Vec<String>) -> Grid {
    let mut grid = of_width(rows, widest_names(rows), shown, options.clone());
    // Without a header, columns that few rows have a value in are columns as well.
    let widest = rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or_default();
    if grid.first.is_none() || widest <= grid.fields.len() {
        return grid;
    }
    let whole = of_width(rows, widest, shown, options);
    if whole.first.is_some() && whole.rows >= grid.rows {
        return whole;
    }
    grid.note(format!(
        "some rows have values behind the last column, column {}, which are not read: declare columns for them, or give the sheet a \
         header that names all",
        grid.fields.len()
    ));
    grid
}

/// Rows of a sheet of which those that end before a column have blanks up to it.
fn of_width(rows: &[(u64, Vec<Cell>)], widest: usize, shown: &Shown, options: Vec<String>) -> Grid {
    let record = |(number, cells): &(u64, Vec<Cell>)| {
        let mut values: Vec<String> = cells.iter().map(|cell| cell.text().into_owned()).collect();
        if values.len() > 1 && values.len() < widest {
            values.resize(widest, String::new());
        }
        SampleRecord {
            values,
            row: *number,
            lines: 1,
            is_sound: true,
            is_bad_quote: false,
            is_open: false,
            in_quotes: 0,
            first: 0,
            is_quoted: false,
        }
    };
    let records: Vec<SampleRecord> = rows.iter().map(record).collect();
    let mut grid = Grid { options, ..Grid::default() };
    let all: Vec<&SampleRecord> = records.iter().collect();
    // The values have the types of their cells.
    lines::fill(&mut grid, &all, |row, at| match rows.get(row)?.1.get(at)? {
        cell @ Cell::Number(_) if shown.padded.contains(&at) => {
            value(cell).map(|value| Value { kind: Kind::Padded, ..value })
        }
        // A midnight, as the cell shows.
        cell @ Cell::Date(_) if shown.timed.contains(&at) => {
            value(cell).map(|value| Value { text: format!("{}T00:00:00", value.text), ..value })
        }
        cell => value(cell),
    });
    grid
}

/// Values of a column that has one type: beside numbers, or where there are none, `NaN` and `inf` are doubles as well.
fn of_one_type(mut values: Vec<Option<Value>>) -> Vec<Option<Value>> {
    let is_beyond = |value: &Value| matches!(value.text.as_str(), "NaN" | "inf" | "-inf");
    let is_double = |value: &Value| matches!(value.kind, Kind::Number | Kind::Vague) || is_beyond(value);
    if values.iter().flatten().all(is_double) {
        values.iter_mut().flatten().for_each(|value| value.kind = Kind::Number);
    }
    values
}

/// Rows of a file that has a schema.
pub(super) fn of_schema(sample: &columnar::Sample, options: Vec<String>) -> Grid {
    let columnar::Sample { names, declared, is_beyond, rows } = sample;
    let mut grid = Grid { options, rows: rows.len(), ..Grid::default() };
    let mut nested = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let declared = declared.get(at).copied().flatten();
        let cells = rows.iter().map(|row| row.get(at).unwrap_or(&Cell::Empty));
        if declared.is_none() || cells.clone().any(|cell| *cell == Cell::Nested) {
            nested.push(name.as_str());
            continue;
        }
        let values = of_one_type(cells.map(value).collect());
        if values.iter().all(Option::is_none) && is_beyond.get(at) == Some(&true) {
            grid.note(format!(
                "column {name}: by its schema its whole numbers may have more than 15 digits, and be beyond int64 (UInt64): it is \
                 text; if they are not, declare int64"
            ));
        }
        let origin = Origin::Named(name.clone());
        grid.fields.push(Field { label: name.clone(), origin, values, declared });
    }
    if !nested.is_empty() {
        grid.note(format!(
            "columns of lists, of records or of bytes that are no text are left out: {}",
            nested.join(", ")
        ));
    }
    grid
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn dates_may_be_names() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let day = |day| Cell::Date(chrono::NaiveDate::from_ymd_opt(2026, 11, day).unwrap());
        let row = |number: u64| (number, vec![text("A"), Cell::Number("1.5".to_owned()), Cell::Number("2".to_owned())]);
        let head = [(1, vec![text("Site"), day(1), day(2)])];
        let rows: Vec<_> = head.into_iter().chain((2..30).map(row)).collect();
        let grid = of_sheet(&rows, &Shown::default(), Vec::new());
        let labels: Vec<&str> = grid.fields.iter().map(|field| field.label.as_str()).collect();
        assert_eq!(labels, ["Site", "2026-11-01", "2026-11-02"]);
        assert!(grid.notes.iter().any(|note| note.contains("by years, dates")), "{:?}", grid.notes);
        // And a year beside them.
        let row = |number: u64| (number, vec![text("A"), Cell::Number("0".to_owned()), Cell::Number("0".to_owned())]);
        let head = [(1, vec![text("Site"), day(1), Cell::Number("2026".to_owned())])];
        let rows: Vec<_> = head.into_iter().chain((2..30).map(row)).collect();
        let grid = of_sheet(&rows, &Shown::default(), Vec::new());
        let labels: Vec<&str> = grid.fields.iter().map(|field| field.label.as_str()).collect();
        assert_eq!(labels, ["Site", "2026-11-01", "2026"]);
    }

    #[test]
    fn midnights_that_are_shown_as_such_are_times() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let day = |day| Cell::Date(chrono::NaiveDate::from_ymd_opt(2026, 11, day).unwrap());
        let head = [(1, vec![text("Site"), text("At")])];
        let rows: Vec<_> =
            head.into_iter().chain((2..30).map(|at| (at, vec![text("A"), day(at as u32 - 1)]))).collect();
        for (timed, wanted) in [(BTreeSet::new(), "2026-11-01"), (BTreeSet::from([1]), "2026-11-01T00:00:00")] {
            let grid = of_sheet(&rows, &Shown { timed, ..Shown::default() }, Vec::new());
            let value = grid.fields[1].values[0].as_ref().unwrap();
            assert_eq!((value.text.as_str(), value.kind), (wanted, Kind::Stamp { is_utc: false }));
        }
    }

    #[test]
    fn times_of_day_may_be_names() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let row = |number: u64| (number, vec![text("A"), Cell::Number("1.5".to_owned()), Cell::Number("2".to_owned())]);
        let head = [(1, vec![text("Site"), text("00:00:00"), text("00:30:00")])];
        let rows: Vec<_> = head.into_iter().chain((2..30).map(row)).collect();
        let grid = of_sheet(&rows, &Shown::default(), Vec::new());
        let labels: Vec<&str> = grid.fields.iter().map(|field| field.label.as_str()).collect();
        assert_eq!(labels, ["Site", "00:00:00", "00:30:00"]);
    }

    #[test]
    fn a_last_column_that_is_mostly_empty_is_one() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let row = |day: u64| {
            let mut cells = vec![text("00001"), Cell::Number("2.5".to_owned())];
            cells.extend(day.is_multiple_of(3).then(|| text("late")));
            (day, cells)
        };
        let head = [(1, vec![text("Hours")]), (3, vec![text("Employee No"), text("Hours"), text("Remarks")])];
        let rows: Vec<_> = head.into_iter().chain((4..40).map(row)).collect();
        let grid = of_sheet(&rows, &Shown::default(), Vec::new());
        let labels: Vec<&str> = grid.fields.iter().map(|field| field.label.as_str()).collect();
        assert_eq!(labels, ["Employee No", "Hours", "Remarks"]);
        assert!(grid.options.contains(&"header = \"find\"".to_owned()), "{:?}", grid.options);
        assert_eq!(grid.rows, 36);
    }

    #[test]
    fn a_last_row_that_ends_with_its_name_is_a_row() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let number = |number: u64| Cell::Number(number.to_string());
        for (last, footers) in [("n40", 0), ("Source: n7", 1), ("Total", 1)] {
            let head = [(1, vec![text("Name"), text("V"), text("W")])];
            let rows = (2..40).map(|at| (at, vec![text(&format!("n{at}")), number(at), number(at)]));
            let rows: Vec<_> = head.into_iter().chain(rows).chain([(40, vec![text(last)])]).collect();
            let grid = of_sheet(&rows, &Shown::default(), Vec::new());
            assert_eq!((grid.footers, grid.rows as u64), (footers, 39 - footers), "{last}");
        }
    }

    #[test]
    fn first_rows_that_end_before_the_last_column_are_rows() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let row = |at: u64, blanks: bool| {
            let mut cells = vec![text(&format!("S{}", at % 3)), Cell::Number(format!("{at}.5"))];
            cells.extend((!blanks).then(|| text("late")));
            (at, cells)
        };
        // Most rows have a remark, or few.
        for blanks in [1, 17, 50] {
            let rows: Vec<_> = (1..=60).map(|at| row(at, at <= blanks)).collect();
            let grid = of_sheet(&rows, &Shown::default(), Vec::new());
            assert_eq!((grid.rows, grid.fields.len()), (60, 3), "{blanks}: {:?}", grid.options);
            assert!(!grid.options.iter().any(|option| option.contains("skip_lines")), "{:?}", grid.options);
        }
    }
}
