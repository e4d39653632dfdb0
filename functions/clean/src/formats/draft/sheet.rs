//! Samples of workbooks and Parquet files as columns.

use super::grid::{Field, Grid, Kind, Origin, Value};
use super::lines;
use crate::formats::cell::Cell;
use crate::formats::csv::SampleRecord;

fn value(cell: &Cell) -> Option<Value> {
    let kind = match cell {
        _ if cell.is_blank() => return None,
        Cell::Text(_) | Cell::Empty => Kind::Text,
        Cell::Nested | Cell::Uncomputed => return None,
        Cell::Number(_) => Kind::Number,
        Cell::Error(_) => Kind::Error,
        Cell::Bool(_) => Kind::Bool,
        Cell::Stamp { is_utc, .. } => Kind::Stamp { is_utc: *is_utc },
    };
    Some(Value { text: cell.text().trim().to_owned(), kind })
}

/// Rows of a sheet, each with its number. The header is found among them as in a text.
pub(super) fn of_sheet(rows: &[(u64, Vec<Cell>)], options: Vec<String>) -> Grid {
    let records: Vec<SampleRecord> = rows
        .iter()
        .map(|(number, cells)| SampleRecord {
            values: cells.iter().map(|cell| cell.text().into_owned()).collect(),
            row: *number,
            lines: 1,
            is_sound: true,
            first: 0,
        })
        .collect();
    let mut grid = Grid { options, ..Grid::default() };
    let all: Vec<&SampleRecord> = records.iter().collect();
    // The values have the types of their cells.
    lines::fill(&mut grid, &all, |row, at| rows.get(row)?.1.get(at).and_then(value));
    grid
}

/// Rows of a file that has a schema.
pub(super) fn of_schema(names: &[String], rows: &[Vec<Cell>], options: Vec<String>) -> Grid {
    let mut grid = Grid { options, rows: rows.len(), ..Grid::default() };
    let mut nested = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let cells = rows.iter().map(|row| row.get(at).unwrap_or(&Cell::Empty));
        if cells.clone().any(|cell| *cell == Cell::Nested) {
            nested.push(name.as_str());
            continue;
        }
        let values = cells.map(value).collect();
        grid.fields.push(Field { label: name.clone(), origin: Origin::Named(name.clone()), values });
    }
    if !nested.is_empty() {
        grid.note(format!(
            "columns of lists, of records or of bytes that are no text are left out: {}",
            nested.join(", ")
        ));
    }
    grid
}
