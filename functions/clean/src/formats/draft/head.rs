//! Finds the header among the records of a sample, or that there is none.

use chrono::NaiveDate;

use super::looks::{Look, is_placeholder, look, shape};
use super::names::{is_time, is_usual};
use crate::formats::csv::SampleRecord;

/// How dates and months are written as names, and what makes a date of them.
const PERIODS: [(&str, &str); 9] = [
    ("%Y-%m-%d", ""),
    ("%d/%m/%Y", ""),
    ("%m/%d/%Y", ""),
    ("%d.%m.%Y", ""),
    ("%d-%m-%Y", ""),
    ("%Y%m%d", ""),
    ("%Y-%m-%d", "-01"),
    ("%m/%Y/%d", "/01"),
    ("%b %Y %d", " 01"),
];

pub(super) const HEADER_WITHIN: usize = 100;

/// How the lines of a text are to be read.
#[derive(Debug, PartialEq)]
pub(super) enum Head {
    /// The header is that record; the names begin at the column of that place.
    Names { at: usize, shift: usize },
    /// There is none; rows begin with that record. It may be a header, though.
    Nothing { from: usize, may_be_names: bool },
}

/// How many values a record has before blank ones at its end.
pub(super) fn width(record: &SampleRecord) -> usize {
    record.values.iter().rposition(|value| !value.trim().is_empty()).map_or(0, |last| last + 1)
}

pub(super) fn text_at(record: &SampleRecord, at: usize) -> &str {
    record.values.get(at).map(String::as_str).unwrap_or_default()
}

/// What most values of each column look like, from a record on; none where there is no value.
pub(super) fn body_looks(records: &[&SampleRecord], from: usize, columns: usize) -> Vec<Option<Look>> {
    let of_column = |at: usize| {
        let mut counts = [(Look::Number, 0), (Look::Time, 0), (Look::Text, 0)];
        for record in records.iter().skip(from).take(1000).filter(|record| width(record) <= columns) {
            let found = look(text_at(record, at));
            counts.iter_mut().filter(|(look, _)| *look == found).for_each(|(_, count)| *count += 1);
        }
        let all: usize = counts.iter().map(|(_, count)| count).sum();
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.filter(|(_, count)| *count * 10 >= all * 7 && all > 0)
            .map(|(look, _)| look)
            .or((all > 0).then_some(Look::Text))
    };
    (0..columns).map(of_column).collect()
}

/// Whether a record has a value of the kind that its column has, where that is no text: it is a row.
pub(super) fn is_like(record: &SampleRecord, looks: &[Option<Look>]) -> bool {
    looks.iter().enumerate().any(|(at, column)| {
        let is_typed = matches!(column, Some(Look::Number | Look::Time));
        is_typed && *column == Some(look(text_at(record, at)))
    })
}

/// Whether all of a record's values may be names, and it has one for each column.
fn is_names(record: &SampleRecord, columns: usize) -> bool {
    let of_text = |at| look(text_at(record, at)) == Look::Text;
    width(record) == columns && (0..columns).all(of_text) || has_years(record, columns)
}

/// Whether names are years one after the other, or dates or months that ascend, as in `country,2019,2020`.
fn has_years(record: &SampleRecord, columns: usize) -> bool {
    let others: Vec<&str> =
        (0..columns).map(|at| text_at(record, at).trim()).filter(|text| look(text) != Look::Text).collect();
    others.len() >= 2 && width(record) == columns && (are_years(&others) || are_periods(&others))
}

fn are_years(texts: &[&str]) -> bool {
    let year = |text: &&str| text.parse::<u32>().ok().filter(|year| (1900..=2100).contains(year));
    let Some(years) = texts.iter().map(year).collect::<Option<Vec<u32>>>() else { return false };
    years.iter().zip(years.iter().skip(1)).all(|(year, next)| year + 1 == *next)
}

fn are_periods(texts: &[&str]) -> bool {
    PERIODS.into_iter().any(|(pattern, rest)| {
        let day = |text: &&str| NaiveDate::parse_from_str(&format!("{text}{rest}"), pattern).ok();
        let days = texts.iter().map(day).collect::<Option<Vec<NaiveDate>>>();
        days.is_some_and(|days| days.iter().zip(days.iter().skip(1)).all(|(day, next)| day < next))
    })
}

/// Whether dates among the values of a record are above others that are written alike: then it is a row.
fn is_row_of_dates(record: &SampleRecord, records: &[&SampleRecord], from: usize, columns: usize) -> bool {
    (0..columns).any(|column| {
        let text = text_at(record, column).trim();
        if look(text) == Look::Text || are_years(&[text]) {
            return false;
        }
        let below = || records.iter().skip(from).take(1000).map(|record| text_at(record, column).trim());
        let alike = below().filter(|other| other.len() == text.len() && shape(other) == shape(text)).count();
        alike > 0 && alike * 2 >= below().count()
    })
}

/// Finds the header among records.
pub(super) fn head(records: &[&SampleRecord], columns: usize) -> Head {
    let from_first_whole = || {
        let whole = records.iter().take(HEADER_WITHIN).position(|record| width(record) == columns);
        Head::Nothing { from: whole.unwrap_or(0), may_be_names: false }
    };
    let nothing = Head::Nothing { from: 0, may_be_names: false };
    let Some(first) = records.first().filter(|_| columns > 0) else { return nothing };
    let candidate = records.iter().take(HEADER_WITHIN).position(|record| is_names(record, columns));
    if let Some(first) = candidate {
        let at = likeliest(records, first, columns);
        let looks = body_looks(records, at + 1, columns);
        let is_typed = looks.iter().any(|look| matches!(look, Some(Look::Number | Look::Time)));
        let is_row_before =
            records.iter().take(first).any(|record| width(record) == columns && is_like(record, &looks));
        let has_dates = records.get(at).is_some_and(|record| is_row_of_dates(record, records, at + 1, columns));
        let is_found = !is_row_before && !has_dates && (is_typed || at > 0 && is_short_before(records, at, columns))
            || at == 0 && !is_typed && !comes_again(records, columns);
        if is_found {
            return match may_be_values(records, at, columns, &looks) {
                true => Head::Nothing { from: at, may_be_names: true },
                false => Head::Names { at, shift: 0 },
            };
        }
    }
    let looks = body_looks(records, 1, columns);
    let texts = (0..columns).filter(|at| look(text_at(first, *at)) == Look::Text).count();
    let blanks = (0..columns).filter(|at| look(text_at(first, *at)) == Look::Blank).count();
    // Names with some that are blank, or one less than there are values.
    if columns > 1 && !is_like(first, &looks) && texts + blanks == columns && texts > 0 && blanks * 2 <= columns {
        let is_shifted = texts > 1 && blanks == 1 && first.values.len() == columns - 1 && records.len() > 1;
        let is_typed = looks.iter().any(|look| matches!(look, Some(Look::Number | Look::Time)));
        let is_found = is_typed && first.values.len() >= columns || is_shifted;
        if is_found && !is_shifted && may_be_values(records, 0, columns, &looks) {
            return Head::Nothing { from: 0, may_be_names: true };
        }
        if is_found {
            return Head::Names { at: 0, shift: usize::from(is_shifted) };
        }
    }
    from_first_whole()
}

/// Of records that may be names, above the first one with a value of its kind in each column: the first, or a later one whose
/// names say more. Those before it are about the table as a whole, such as `Station;Brussels`.
fn likeliest(records: &[&SampleRecord], first: usize, columns: usize) -> usize {
    // Below them are most rows of a sample.
    let below = first + (records.len() - first).div_ceil(2).min(HEADER_WITHIN);
    let looks = body_looks(records, below, columns);
    let is_row = |record: &&&SampleRecord| {
        let mut typed = looks.iter().enumerate().filter(|(_, look)| matches!(look, Some(Look::Number | Look::Time)));
        typed.all(|(at, column)| *column == Some(look(text_at(record, at))))
    };
    let says = |record: &SampleRecord| {
        let of_time =
            (0..columns).filter(|at| looks.get(*at) == Some(&Some(Look::Time)) && is_time(text_at(record, *at)));
        2 * of_time.count() + (0..columns).filter(|at| is_usual(text_at(record, *at).trim())).count()
    };
    let above = records.iter().enumerate().take(HEADER_WITHIN).skip(first).take_while(|(_, record)| !is_row(record));
    let names = above.filter(|(_, record)| is_names(record, columns));
    let best = names.max_by_key(|(at, record)| (says(record), std::cmp::Reverse(*at)));
    best.map_or(first, |(at, _)| at)
}

/// Whether the record that looks like a header may be a row: what it has are values then, and not to be shown as names. It
/// is a header for certain where it has a usual name, a name above numbers or times, or texts of another kind than below.
fn may_be_values(records: &[&SampleRecord], at: usize, columns: usize, looks: &[Option<Look>]) -> bool {
    let Some(record) = records.get(at) else { return false };
    let cells = || (0..columns).map(|column| text_at(record, column).trim());
    if cells().any(|cell| cell.contains('@')) {
        return true;
    }
    let is_typed = |column: usize| matches!(looks.get(column), Some(Some(Look::Number | Look::Time)));
    let is_name = |(column, cell): (usize, &str)| {
        is_typed(column) && !cell.is_empty() && !is_placeholder(cell) && look(cell) == Look::Text
    };
    if cells().any(is_usual) || cells().enumerate().any(is_name) || has_years(record, columns) {
        return false;
    }
    let below: Vec<&SampleRecord> = records.iter().skip(at + 1).take(1000).copied().collect();
    if below.is_empty() {
        return cells().any(|cell| shape(cell).contains("Aa Aa"));
    }
    cells().enumerate().filter(|(column, cell)| !is_typed(*column) && !cell.is_empty()).all(|(column, cell)| {
        let shape_of_it = shape(cell);
        let same = below.iter().filter(|row| shape(text_at(row, column).trim()) == shape_of_it).count();
        same * 10 > below.len()
    })
}

/// Whether all records before one are shorter or longer than rows are.
fn is_short_before(records: &[&SampleRecord], at: usize, columns: usize) -> bool {
    records.iter().take(at).all(|record| width(record) != columns)
}

/// Whether the values of the first record come again below, as those of a row do.
fn comes_again(records: &[&SampleRecord], columns: usize) -> bool {
    let Some(first) = records.first() else { return false };
    let again = (0..columns).filter(|at| {
        let name = text_at(first, *at).trim();
        records.iter().skip(1).take(1000).any(|record| text_at(record, *at).trim() == name)
    });
    again.count() * 2 >= columns
}
