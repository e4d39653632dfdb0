//! Numbers that are another in each row, or nearly so. They may be ids of what rows are of, which a key has to have, or counted or
//! measured, of which a correction would be another row: no name tells one from the other.

use super::grid::Grid;
use super::key::{Found, Part, Role, and, pairs_of, threes_of};
use super::names;
use super::trial::Stored;

/// Whether so many different values are others in nearly each row.
pub(super) fn is_nearly(different: usize, rows: usize) -> bool {
    rows > 0 && different * 10 >= rows * 9
}

/// Whether a column of such values may as well be counted or measured: it is a number by its values, and by its name.
fn may_be_measured(grid: &Grid, part: &Part) -> bool {
    let texts = || grid.fields.get(part.at).into_iter().flat_map(|field| field.values.iter().flatten());
    let has_letter = |text: &str| text.chars().any(char::is_alphabetic);
    !names::is_sure_id(part.name) && !texts().all(|value| has_letter(&value.text))
}

/// The key with a time without numbers that others tell rows apart without, where each of them has a row at nearly each time. Where
/// it only may be so, the key has them, and is only offered. What holds such a number for want of others has all ids of few values
/// as well: a larger key may double rows, and loses none.
pub(super) fn settled(mut found: Found, grid: &Grid, stored: &Stored, parts: &[Part], time: &str) -> Found {
    let rows = stored.rows();
    let part = |name: &String| parts.iter().find(|part| part.name == name);
    let is_id = |part: &Part| part.role != Role::Name && !names::is_kind(part.name);
    let is_one_of_many = |part: &Part| is_id(part) && part.role != Role::Counter && is_nearly(part.different, rows);
    let (numbers, others): (Vec<String>, Vec<String>) = found
        .columns
        .iter()
        .cloned()
        .partition(|name| part(name).is_some_and(|part| is_one_of_many(part) && may_be_measured(grid, part)));
    let of_others: Vec<&Part> = others.iter().filter_map(part).collect();
    let names: Vec<&str> = others.iter().map(String::as_str).collect();
    if !numbers.is_empty() && !of_others.is_empty() && stored.is_unique(&names) {
        let (is, it) = if numbers.len() == 1 { ("is", "it") } else { ("are", "them") };
        let (numbers_of, others_of) = (and(&numbers), and(&others));
        // Of one thing any times are such, and of names nothing says that they tell things apart.
        let times = stored.different(&[time]).unwrap_or_default();
        let things = of_others.iter().map(|part| part.different as f64).product::<f64>();
        let is_grid = rows > times && rows as f64 * 2.0 >= things * times as f64;
        if found.doubt.is_none() && is_grid && of_others.iter().any(|part| is_id(part)) {
            found.notes.push(format!(
                "{numbers_of} {is} not in the key: {others_of} tell rows apart without {it}, and of what is counted or measured a \
                 correction would be another row; if there may be several at a time, each with its number, add {it} to key"
            ));
            found.columns = others;
            return found;
        }
        let doubt = format!(
            "{numbers_of} {is} another in each row, and in the sample {others_of} tell rows apart without {it}: leave out what is \
             counted or measured, of which a correction would be another row"
        );
        found.doubt = found.doubt.or(Some(doubt));
    }
    if found.columns.iter().filter_map(part).any(is_one_of_many) {
        let is_new = |part: &&Part| {
            is_id(part)
                && !part.describes
                && !part.is_personal
                && part.different * 2 <= rows
                && found.columns.iter().all(|name| name != part.name)
        };
        let more: Vec<String> = parts.iter().filter(is_new).map(|part| part.name.to_owned()).collect();
        found.columns.extend(more);
    }
    found
}

/// A key that is only offered: in place of a number that may be counted, an id or the name of a place that stands before it, and is
/// as unique. `alone` are the columns that are so, in the order of the table.
pub(super) fn offered(mut found: Found, alone: &[&str]) -> Found {
    let [number] = found.columns.as_mut_slice() else { return found };
    let ends = ["no", "nr", "num", "number"].contains(&number.rsplit('_').next().unwrap_or_default());
    if found.doubt.is_some() && ends && !names::is_sure_id(number) {
        let is_sure = |name: &&&str| names::is_kind(name) || names::is_place(name) || names::is_sure_id(name);
        let mut before = alone.iter().take_while(|name| **name != number.as_str());
        if let Some(sure) = before.find(is_sure) {
            (*sure).clone_into(number);
        }
    }
    found
}

/// Says which columns are in no key though they are the same in all rows: they are said of rows.
pub(super) fn note_left_out(columns: &[String]) -> Option<String> {
    let (is, it_is, it) = if columns.len() == 1 { ("is", "it is", "it") } else { ("are", "they are", "them") };
    let of = and(columns);
    (!columns.is_empty()).then(|| {
        format!(
            "{of} {is} the same in all rows of the sample, and not in the key: by the name, or behind what is measured, {it_is} said of \
             a row, and a correction would be another row; if there may be several rows of one key, each with another, add {it} to key"
        )
    })
}

/// The fewest things, such as a line and its stops, of which there is a row of each combination at nearly each time: these tell rows
/// apart, whatever number beside them may do so in the sample as well. What counts within another id begins again, and is no such
/// thing by itself.
pub(super) fn grid<'g>(parts: Vec<Part<'g>>, stored: &Stored, time: Option<(&str, usize)>) -> Option<Vec<Part<'g>>> {
    let (time, _) = time?;
    let (rows, times) = (stored.rows(), stored.different(&[time])?);
    let tells = |part: &Part| part.different > 1 && !part.describes && !part.is_personal && !names::is_kind(part.name);
    let parts: Vec<Part> = parts.into_iter().filter(tells).collect();
    let size = |set: &[Part]| set.iter().map(|part| part.different as f64).product::<f64>();
    let mut sets = [pairs_of(&parts), threes_of(&parts)].concat();
    sets.sort_by(|one, other| size(one).total_cmp(&size(other)));
    sets.into_iter().find(|set| {
        let names: Vec<&str> = set.iter().map(|part| part.name).chain([time]).collect();
        let is_grid = rows > times && times > 1 && rows as f64 * 2.0 >= size(set) * times as f64;
        is_grid && stored.is_unique(&names)
    })
}
