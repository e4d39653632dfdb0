//! Whether a header comes again below, as in files that were joined: in a table of texts that tells it from rows.

use std::collections::BTreeMap;

use super::head::text_at;
use super::looks::shape;
use super::names::is_usual;
use crate::formats::csv::SampleRecord;

/// Whether the first record comes again below word for word, and its values are in their columns in no other record: those of
/// a row are in others as well. Where that is true of other records that come again, it has to be called as columns are, or to
/// be written as no value below it is.
pub(super) fn is_joined(records: &[&SampleRecord], columns: usize) -> bool {
    let Some((first, below)) = records.split_first().filter(|_| columns > 1) else { return false };
    let names: Vec<&str> = cells(first, columns);
    if names.iter().any(|name| name.contains('@')) {
        return false;
    }
    let mut others: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    let mut again = 0;
    for record in below {
        let values = cells(record, columns);
        if values == names {
            again += 1;
            continue;
        }
        if values.iter().zip(&names).any(|(value, name)| value == name && !name.is_empty()) {
            return false;
        }
        *others.entry(values).or_default() += 1;
    }
    let rows: usize = others.values().sum();
    again > 0
        && (again < others.len() || again * 2 < rows)
        && (!have_own_values(&others, columns) || is_called_so(&names, &others))
}

fn cells(record: &SampleRecord, columns: usize) -> Vec<&str> {
    (0..columns).map(|at| text_at(record, at).trim()).collect()
}

/// Whether one of these records, each with how often it comes, comes again with values that are in no other one.
fn have_own_values(records: &BTreeMap<Vec<&str>, usize>, columns: usize) -> bool {
    let mut counts: Vec<BTreeMap<&str, usize>> = (0..columns).map(|_| BTreeMap::new()).collect();
    for (values, count) in records {
        for (value, of_column) in values.iter().zip(&mut counts) {
            *of_column.entry(value).or_default() += count;
        }
    }
    let is_own = |values: &[&str], count: usize| {
        count > 1 && values.iter().zip(&counts).all(|(value, of_column)| of_column.get(value) == Some(&count))
    };
    records.iter().any(|(values, count)| is_own(values, *count))
}

/// Whether a text is what columns are called, or is written as none below it in its column.
fn is_called_so(names: &[&str], below: &BTreeMap<Vec<&str>, usize>) -> bool {
    let is_other = |(at, name): (usize, &&str)| {
        let shape_of_it = shape(name);
        !name.is_empty() && below.keys().all(|values| values.get(at).is_none_or(|value| shape(value) != shape_of_it))
    };
    names.iter().any(|name| is_usual(name)) || names.iter().enumerate().any(is_other)
}
