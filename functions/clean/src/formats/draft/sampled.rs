//! What records of a sample have in common: how many values, and which of them are lines of marks.

use std::collections::BTreeMap;

use crate::formats::csv::SampleRecord;

/// Records by which dialects are compared.
pub(super) const COMPARED: usize = 1000;

/// How many values most records have; of several such widths, that of the last record: a preamble comes first.
pub(super) fn modal_width<'r>(records: impl Iterator<Item = &'r SampleRecord>) -> usize {
    let mut widths: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (at, record) in records.filter(|record| record.is_sound).enumerate() {
        let (count, last) = widths.entry(record.values.len()).or_default();
        (*count, *last) = (*count + 1, at);
    }
    widths.into_iter().max_by_key(|(_, found)| *found).map_or(0, |(width, _)| width)
}

/// Whether a record is a line of dashes and the like, between others.
pub(super) fn is_rule(record: &SampleRecord) -> bool {
    let is_mark = |character: char| "-=+_|: ".contains(character);
    let dashes = |value: &str| value.matches(['-', '=', '_']).count();
    record.values.iter().all(|value| value.chars().all(is_mark))
        && record.values.iter().map(|value| dashes(value)).sum::<usize>() >= 3
}

/// Whether a record is a line of marks that is no row wherever it stands: with three dashes, or the like, beside each other. A
/// row may have single ones, or two, for what is missing.
pub(super) fn is_ruled(record: &SampleRecord) -> bool {
    is_rule(record) && record.values.iter().any(|value| ["---", "===", "___"].iter().any(|run| value.contains(run)))
}

/// Whether a value begins with a quote, and one ends with it.
pub(super) fn opens_values(head: &[u8], delimiter: u8, quote: u8) -> bool {
    let is_edge = |byte: u8| byte == delimiter || matches!(byte, b'\r' | b'\n');
    let opens = |pair: &[u8]| matches!(pair, [before, after] if is_edge(*before) && *after == quote);
    let closes = |pair: &[u8]| matches!(pair, [before, after] if *before == quote && is_edge(*after));
    (head.first() == Some(&quote) || head.windows(2).any(opens))
        && (head.last() == Some(&quote) || head.windows(2).any(closes))
}
