//! Finds the header among the records of a sample, or that there is none.

use super::above::{is_row_before, likeliest, may_be_header};
use super::again::is_joined;
use super::blanks::{is_clock, is_date as is_plain_date};
use super::first_rows::{are_rows, first_row};
use super::looks::{Look, is_in_place_of_number, is_placeholder, is_total, look, shape};
use super::names::{describes, is_dimension, is_id, is_place, is_time, is_usual};
use super::quantities::is_quantity;
use super::titles::{names_values, titles};
use crate::formats::csv::SampleRecord;
use crate::formats::series::{Series, are_years, is_period, series};
use lake::names::compared;

/// Records among which a header is looked for; of a text, those that have a value in each column.
pub(super) const HEADER_WITHIN: usize = 100;

/// How the lines of a text are to be read.
#[derive(Debug, PartialEq)]
pub(super) enum Head {
    /// The header is that record; the names begin at the column of that place.
    Names { at: usize, shift: usize },
    /// There is none; rows begin with that record. It may be a header, though. If there is one, it would be the line of
    /// `names_at`.
    Nothing { from: usize, may_be_names: bool, names_at: usize },
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

/// Whether all values of a record may be names, and it has one for each column.
pub(super) fn is_names(records: &[&SampleRecord], at: usize, columns: usize) -> bool {
    let Some(record) = records.get(at).filter(|record| width(record) == columns) else { return false };
    let is_text = |at| look(text_at(record, at)) == Look::Text;
    (0..columns).all(is_text) || has_series(records, at, columns)
}

/// Whether a record has names of a series: years, dates, times of day or numbers in an order, as in `country,2019,2020`.
/// Beside them are texts, or a blank in the first place.
fn has_series(records: &[&SampleRecord], at: usize, columns: usize) -> bool {
    let Some(record) = records.get(at).filter(|record| width(record) == columns) else { return false };
    let cells = || (0..columns).map(|column| text_at(record, column).trim());
    let has_corner = cells().next().is_some_and(str::is_empty);
    let others: Vec<&str> = series_of(record, columns);
    let has_texts = cells().any(|text| look(text) == Look::Text);
    if cells().skip(1).any(str::is_empty) {
        return false;
    }
    if !has_corner && !has_texts {
        let are_numbers = || body_looks(records, at + 1, columns).iter().all(|look| *look == Some(Look::Number));
        return are_dates_above(&others, records.get(at + 1..).unwrap_or_default()) && are_numbers();
    }
    if names_in(record, &body_looks(records, at + 1, columns)) > 1 {
        return true;
    }
    if are_decimals_above(records, at, columns) {
        return true;
    }
    let is_quoted = || record.is_quoted && records.get(at + 1).is_some_and(|next| !next.is_quoted);
    let Some(found) = series(&others) else {
        return others.len() == 1 && (is_quoted() || is_alone_among_names(records, at, columns));
    };
    // A value that is called so, above others; or a text above numbers, in the first column.
    let looks = || body_looks(records, at + 1, columns);
    let is_name =
        |text: &str| is_usual(text) || is_time(text) || is_id(text) && !text.contains(|c: char| c.is_ascii_digit());
    let has_name = || {
        let first = cells().next().unwrap_or_default();
        let is_above_others =
            look(first) == Look::Text && matches!(looks().first(), Some(Some(Look::Number | Look::Time)));
        is_above_others || cells().any(|text| look(text) == Look::Text && is_name(text))
    };
    // Of two values, half of all rows ascend.
    let of = if others.len() == 2 { (3, 4) } else { (1, 3) };
    match found {
        Series::Years => is_rare(records, at, columns, (1, 2), |values| values.iter().all(|value| are_years(&[value]))),
        Series::Periods => true,
        // A date and a year beside it are in many rows.
        Series::Mixed => is_rare(records, at, columns, (1, 2), |values| values.iter().all(|value| are_years(&[value]))),
        Series::Even => {
            is_rare(records, at, columns, (1, 10), |values| series(values) == Some(Series::Even))
                && is_rare(records, at, columns, of, is_ordered)
        }
        Series::Ascending => (has_corner || is_quoted() || has_name()) && is_rare(records, at, columns, of, is_ordered),
    }
}

/// Whether the numbers of a record are decimals, each as much more than the one before, above whole numbers alone, and beside a text
/// that is written as none below it: `depth,0.5,1.0,1.5`.
fn are_decimals_above(records: &[&SampleRecord], at: usize, columns: usize) -> bool {
    const FEW: usize = 3;
    let Some(record) = records.get(at) else { return false };
    let below = || records.iter().skip(at + 1).take(1000).filter(|record| width(record) == columns);
    let (texts, others): (Vec<usize>, Vec<usize>) =
        (0..columns).partition(|column| look(text_at(record, *column)) == Look::Text);
    let decimals = others.iter().map(|column| text_at(record, *column).trim());
    let numbers: Option<Vec<f64>> =
        decimals.map(|text| text.parse().ok().filter(|_| text.contains('.') && !text.contains(['e', 'E']))).collect();
    let steps: Vec<f64> =
        numbers.iter().flat_map(|all| all.iter().zip(all.iter().skip(1))).map(|(a, b)| b - a).collect();
    let is_even = steps.windows(2).all(|pair| matches!(pair, [one, next] if (one - next).abs() < 1e-9 && *one > 0.0));
    let is_whole = |text: &str| text.is_empty() || text.bytes().all(|byte| byte.is_ascii_digit());
    let is_other = |column: &usize| {
        let own = shape(text_at(record, *column).trim());
        below().all(|row| shape(text_at(row, *column).trim()) != own)
    };
    numbers.is_some_and(|numbers| numbers.len() >= FEW)
        && is_even
        && below().count() >= FEW
        && below().all(|row| others.iter().all(|column| is_whole(text_at(row, *column).trim())))
        && texts.iter().any(is_other)
}

/// Whether values are dates alone, or dates and years, one after the other, above records in which none is one.
fn are_dates_above(values: &[&str], below: &[&SampleRecord]) -> bool {
    let mut others = below.iter().take(1000).flat_map(|row| row.values.iter());
    matches!(series(values), Some(Series::Periods | Series::Mixed))
        && !below.is_empty()
        && !others.any(|value| are_years(&[value.trim()]) || is_period(value.trim()))
}

/// Whether a record has a year, a date or a time among texts that are written as none is below them: `gemeente,2025` above
/// `Gent,12`.
fn is_alone_among_names(records: &[&SampleRecord], at: usize, columns: usize) -> bool {
    const FEW: usize = 3;
    let Some(record) = records.get(at) else { return false };
    let below = || records.iter().skip(at + 1).take(1000).filter(|record| width(record) == columns);
    let is_period_like = |text: &str| are_years(&[text]) || is_period(text);
    below().count() >= FEW
        && (0..columns).all(|column| {
            let text = text_at(record, column).trim();
            match look(text) {
                Look::Text => below().all(|row| shape(text_at(row, column).trim()) != shape(text)),
                Look::Blank => false,
                _ => is_period_like(text) && below().all(|row| !is_period_like(text_at(row, column).trim())),
            }
        })
}

/// How many values of a record are names for certain: letters above numbers or times, or what columns are called.
fn names_in(record: &SampleRecord, looks: &[Option<Look>]) -> usize {
    let is_name = |(at, column): &(usize, &Option<Look>)| {
        let text = text_at(record, *at).trim();
        let has_letter = text.chars().any(char::is_alphabetic) && !text.contains('@');
        let is_typed = matches!(column, Some(Look::Number | Look::Time));
        look(text) == Look::Text && has_letter && !is_placeholder(text) && (is_typed || is_usual(text))
    };
    looks.iter().enumerate().filter(is_name).count()
}

fn is_ordered(values: &[&str]) -> bool {
    series(values).is_some()
}

/// Whether at most such a part of the records below one are like it: names are in one line, values in many.
fn is_rare(
    records: &[&SampleRecord],
    at: usize,
    columns: usize,
    (most, of): (usize, usize),
    is_like: impl Fn(&[&str]) -> bool,
) -> bool {
    let Some(record) = records.get(at) else { return false };
    let places: Vec<usize> = (0..columns).filter(|column| look(text_at(record, *column)) == Look::Number).collect();
    let below = || records.iter().skip(at + 1).take(1000).filter(|record| width(record) == columns);
    let is_alike = |record: &&&SampleRecord| {
        let values = places.iter().map(|column| text_at(record, *column).trim()).filter(|text| !text.is_empty());
        is_like(&values.collect::<Vec<_>>())
    };
    below().filter(is_alike).count() * of <= below().count() * most
}

/// Whether the first record, which is taken for a row, may have the names of a series.
fn may_be_series(records: &[&SampleRecord], columns: usize) -> bool {
    let Some(first) = records.first().filter(|first| width(first) == columns) else { return false };
    let values = series_of(first, columns);
    match series(&values) {
        Some(Series::Years | Series::Even | Series::Ascending) if records.len() > 1 => {
            let of = match values.as_slice() {
                ["0", "1"] | ["1", "2"] => (3, 4),
                _ => (1, 3),
            };
            is_rare(records, 0, columns, of, is_ordered)
        }
        _ => false,
    }
}

/// The values of a record that are no texts.
fn series_of(record: &SampleRecord, columns: usize) -> Vec<&str> {
    let cells = (0..columns).map(|column| text_at(record, column).trim());
    cells.filter(|text| !text.is_empty() && look(text) != Look::Text).collect()
}

/// Whether dates or times among the values of a record are above others that are written alike: then it is a row.
fn is_row_of_dates(record: &SampleRecord, records: &[&SampleRecord], from: usize, columns: usize) -> bool {
    // What is said of numbers is not by how they are written.
    let is_dates = matches!(series(&series_of(record, columns)), Some(Series::Years | Series::Periods | Series::Mixed));
    is_dates
        && (0..columns).any(|column| {
            let text = text_at(record, column).trim();
            if look(text) == Look::Text || are_years(&[text]) {
                return false;
            }
            let below = || records.iter().skip(from).take(1000).map(|record| text_at(record, column).trim());
            let is_alike = |other: &&str| other.len() == text.len() && shape(other) == shape(text) || is_period(other);
            let alike = below().filter(is_alike).count();
            alike > 0 && alike * 2 >= below().count()
        })
}

/// Finds the header among records. Columns without any value have no name either.
pub(super) fn head(records: &[&SampleRecord], columns: usize) -> Head {
    const LOOKED_AT: usize = 2000;
    let looked_at = records.get(..LOOKED_AT).unwrap_or(records);
    let whole = || looked_at.iter().filter(|record| record.values.len() >= columns);
    let live: Vec<usize> =
        (0..columns).filter(|at| whole().any(|record| !text_at(record, *at).trim().is_empty())).collect();
    if live.len() == columns || live.is_empty() {
        return head_of(records, columns);
    }
    let without = |record: &&SampleRecord| SampleRecord {
        values: live.iter().map(|at| text_at(record, *at).to_owned()).collect(),
        ..**record
    };
    let records: Vec<SampleRecord> = looked_at.iter().map(without).collect();
    head_of(&records.iter().collect::<Vec<_>>(), live.len())
}

fn head_of(records: &[&SampleRecord], columns: usize) -> Head {
    let nothing = Head::Nothing { from: 0, may_be_names: false, names_at: 0 };
    let Some(first) = records.first().filter(|_| columns > 0) else { return nothing };
    if let Some(at) = titles(records, columns).and_then(|titles| titles.header) {
        return Head::Names { at, shift: 0 };
    }
    let whole = records.iter().enumerate().filter(|(_, record)| width(record) == columns).take(HEADER_WITHIN);
    let candidate = whole.map(|(at, _)| at).find(|at| is_names(records, *at, columns));
    let candidate = candidate.map(|first| (first, likeliest(records, first, columns)));
    if let Some((earliest, at)) = candidate {
        let looks = body_looks(records, at + 1, columns);
        let is_typed = looks.iter().any(|look| matches!(look, Some(Look::Number | Look::Time)));
        let is_row_before =
            is_row_before(records, (earliest, at), columns, &looks) || are_rows(records, at, columns, &looks);
        let has_dates = records.get(at).is_some_and(|record| is_row_of_dates(record, records, at + 1, columns));
        let is_found = !is_row_before && !has_dates && (is_typed || at > 0 && is_short_before(records, at, columns))
            || at == 0 && !is_typed && (!comes_again(records, columns) || is_joined(records, columns));
        if is_found {
            let is_again = || !is_typed && is_joined(records.get(at..).unwrap_or_default(), columns);
            let is_of_values = || at == 0 && !is_typed && names_values(first, columns);
            return match may_be_values(records, at, columns, &looks) && !is_again() && !is_of_values() {
                true => {
                    Head::Nothing { from: first_row(records, at, columns, &looks), may_be_names: true, names_at: at }
                }
                false => Head::Names { at, shift: 0 },
            };
        }
    }
    let looks = body_looks(records, 1, columns);
    let texts = (0..columns).filter(|at| look(text_at(first, *at)) == Look::Text).count();
    let blanks = (0..columns).filter(|at| look(text_at(first, *at)) == Look::Blank).count();
    // Names with some that are blank, or one less than there are values.
    if columns > 1 && !is_like(first, &looks) && texts + blanks == columns && texts > 0 && blanks * 2 <= columns {
        let is_shifted = texts > 1
            && blanks == 1
            && first.values.len() == columns - 1
            && records.len() > 1
            && !is_less_for_time(first, records);
        let is_typed = looks.iter().any(|look| matches!(look, Some(Look::Number | Look::Time)));
        let is_found = is_typed && first.values.len() >= columns || is_shifted;
        if is_found && !is_shifted && may_be_values(records, 0, columns, &looks) {
            return Head::Nothing { from: 0, may_be_names: true, names_at: 0 };
        }
        if is_found {
            return Head::Names { at: 0, shift: usize::from(is_shifted) };
        }
    }
    // Dates above all columns but the first one, which has texts.
    let dates: Vec<&str> = first.values.iter().map(|value| value.trim()).collect();
    let is_of_texts = looks.first() == Some(&Some(Look::Text));
    if is_of_texts && dates.len() + 1 == columns && are_dates_above(&dates, records.get(1..).unwrap_or_default()) {
        return Head::Names { at: 0, shift: 1 };
    }
    let whole = records.iter().position(|record| width(record) == columns).unwrap_or(0);
    let from = first_row(records, whole, columns, &body_looks(records, whole, columns));
    let names_at = candidate.map(|(_, at)| at).filter(|at| may_be_header(records, *at, columns));
    let may_be_names = from == 0 && may_be_series(records, columns);
    Head::Nothing { from, may_be_names, names_at: names_at.unwrap_or(from) }
}

/// Whether the first record has a name less than others have values as a time is two of them, a date and a time of day, and not
/// as rows have names: read so, the date would have the name of what stands before it.
pub(super) fn is_less_for_time(first: &SampleRecord, records: &[&SampleRecord]) -> bool {
    let rows = || records.iter().skip(1).take(1000).filter(|record| record.values.len() > first.values.len());
    let is_split = |at: usize| {
        rows().count() > 0
            && rows().all(|record| is_plain_date(text_at(record, at)) && is_clock(text_at(record, at + 1)))
            && !(is_time(text_at(first, at - 1)) && is_time(text_at(first, at)))
    };
    (1..first.values.len()).any(is_split)
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
    if cells().any(is_usual) {
        return false;
    }
    let below: Vec<&SampleRecord> = records.iter().skip(at + 1).take(1000).copied().collect();
    // Above numbers stands what is in place of one, or a word beside a value with digits that is written as those below are.
    let is_written_alike = |(column, cell): (usize, &str)| {
        let alike = || below.iter().filter(|row| shape(text_at(row, column).trim()) == shape(cell)).count();
        !is_typed(column)
            && cell.contains(|c: char| c.is_ascii_digit())
            && !below.is_empty()
            && alike() * 10 >= below.len() * 9
    };
    let is_value = |(column, cell): (usize, &str)| is_typed(column) && is_in_place_of_number(cell);
    // Or nothing, where a header names at least one column of such.
    let mut typed = cells().enumerate().filter(|(column, _)| is_typed(*column)).peekable();
    let has_no_number = typed.peek().is_some() && typed.all(|(_, cell)| cell.is_empty());
    if !has_series(records, at, columns)
        && !has_called(cells(), looks)
        && (has_no_number
            || cells().enumerate().any(is_value)
            || cells().enumerate().any(is_written_alike)
            || has_text_twice(record, looks))
    {
        return true;
    }
    if cells().enumerate().any(is_name) || has_series(records, at, columns) {
        return false;
    }
    if below.is_empty() {
        return cells().any(|cell| shape(cell).contains("Aa Aa"));
    }
    cells().enumerate().filter(|(column, cell)| !is_typed(*column) && !cell.is_empty()).all(|(column, cell)| {
        let shape_of_it = shape(cell);
        let same = below.iter().filter(|row| shape(text_at(row, column).trim()) == shape_of_it).count();
        same * 10 > below.len()
    })
}

/// Whether a text is what columns are called: by its words, or by how names are written.
fn is_called(text: &str) -> bool {
    let has_mark = text.contains('_') || text.ends_with([')', ']']);
    has_mark
        || [is_usual, is_time, is_id, is_place, is_dimension, describes, is_quantity].iter().any(|is_one| is_one(text))
}

/// Whether one of the texts of a record is what columns are called. What stands for a missing value is none, whatever words are in
/// it (`n.v.t.`, `#REF!`), nor is a total in place of a row's name.
fn has_called<'a>(mut cells: impl Iterator<Item = &'a str>, looks: &[Option<Look>]) -> bool {
    let is_of_row = |text: &str| looks.first() == Some(&Some(Look::Text)) && is_total(text);
    let first = cells.next().filter(|first| !is_of_row(first));
    first.into_iter().chain(cells).any(|text| !text.is_empty() && !is_in_place_of_number(text) && is_called(text))
}

/// Whether a record has the same text twice where others have texts, as rows do; names are different.
fn has_text_twice(record: &SampleRecord, looks: &[Option<Look>]) -> bool {
    let of_texts = looks.iter().enumerate().filter(|(_, look)| **look == Some(Look::Text));
    let mut texts: Vec<String> = of_texts.map(|(at, _)| compared(text_at(record, at))).collect();
    texts.retain(|text| !text.is_empty());
    texts.sort_unstable();
    texts.windows(2).any(|pair| matches!(pair, [one, next] if one == next))
}

/// Whether a header may be a row for all that its texts say: none is what columns are called. A first blank is that of names of
/// rows.
pub(super) fn may_be_row(header: &[String], looks: &[Option<Look>]) -> bool {
    let looks_of = || header.iter().take(looks.len()).map(|name| look(name));
    !has_called(header.iter().map(|name| name.trim()), looks)
        && looks_of().next() == Some(Look::Text)
        && looks_of().all(|look| matches!(look, Look::Text | Look::Blank))
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
