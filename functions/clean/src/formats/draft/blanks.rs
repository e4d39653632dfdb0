//! Tables and logs with single blanks between values, and quotes around those that have blanks within.

use super::looks::{Look, look};
use super::sampled::{COMPARED, modal_width, opens_values};
use crate::error::Stop;
use crate::formats::csv::{self, Dialect, SampleRecord};

/// The dialect of a text with single blanks between values, if it is one. `width_of_others` is how many values its lines have
/// by the likeliest other delimiter.
pub(super) fn find(head: &[u8], width_of_others: usize) -> Result<Option<Dialect>, Stop> {
    let plain = Dialect::plain(b' ');
    let escaped = Dialect { escape: Some(b'\\'), ..plain };
    // Servers write a quote within a text with a backslash before it.
    let ways = if head.windows(2).any(|pair| pair == b"\\\"") { vec![escaped, plain] } else { vec![plain] };
    for dialect in ways {
        let (_, records) = csv::sample(head, dialect, COMPARED)?;
        if are_of_server(&records) || width_of_others <= 1 && (are_named(&records) || begin_with_time(&records)) {
            return Ok(Some(dialect));
        }
    }
    let (_, records) = csv::sample(head, plain, COMPARED)?;
    let is_of_r = |first: &SampleRecord| first.is_sound && first.is_quoted && first.values.len() > 1;
    let may_be = width_of_others <= 1 || records.first().is_some_and(is_of_r);
    Ok((may_be && are_even(head, &records)).then_some(plain))
}

/// Whether lines have the same number of values, most of them numbers or times. Where names or texts stand in quotes, as R
/// writes them, the header may have less: one less for names of rows, and one for each time, which is a date and a time of day.
fn are_even(head: &[u8], records: &[SampleRecord]) -> bool {
    let width = records.last().map_or(0, |record| record.values.len());
    let Some((first, below)) = records.split_first().filter(|(_, below)| width > 1 && !below.is_empty()) else {
        return false;
    };
    let is_even = |record: &SampleRecord| {
        record.is_sound && record.values.len() == width && record.values.iter().all(|value| !value.is_empty())
    };
    let is_quoted = first.is_sound && first.first == b'"' && opens_values(head, b' ', b'"');
    let less = width.saturating_sub(first.values.len());
    let are_names = first.is_sound && first.values.iter().all(|name| look(name) == Look::Text);
    let is_less = are_names && (less == 1 || less > 1 && first.is_quoted && below.iter().any(has_date_and_clock));
    let (mut all, mut typed) = (0, 0);
    for value in below.iter().flat_map(|record| &record.values) {
        all += 1;
        typed += usize::from(matches!(look(value), Look::Number | Look::Time));
    }
    (is_even(first) || is_less)
        && below.iter().all(is_even)
        && (typed * 2 >= all || is_quoted)
        && !below.iter().all(is_one)
}

/// Whether a record is one value that has blanks within: a date and a time of day, or thousands.
fn is_one(record: &SampleRecord) -> bool {
    const PARTS: [&str; 17] = [
        "am", "pm", "a.m.", "p.m.", "utc", "gmt", "cet", "cest", "h", "mon", "tue", "wed", "thu", "fri", "sat", "sun",
        "z",
    ];
    let is_offset = |value: &str| value.starts_with(['+', '-']) && look(value) != Look::Text;
    let is_part = |value: &str| PARTS.contains(&value.to_lowercase().trim_end_matches(',')) || is_offset(value);
    let values = || record.values.iter().map(String::as_str);
    let is_whole = |value: &str| look(value) == Look::Time;
    // The name of a month among numbers.
    let is_month = |value: &str| !is_part(value) && value.chars().any(char::is_alphabetic);
    let has_month = values().any(|value| is_month(value) && look(&format!("19 {value} 2026")) == Look::Time);
    // Beside a whole date or a time of day, numbers and other words are values of their own.
    let is_time = look(&values().collect::<Vec<_>>().join(" ")) == Look::Time
        && values().all(|value| !value.contains(' '))
        && (has_month || !values().any(is_whole) || values().all(|value| is_whole(value) || is_part(value)));
    let is_group = |value: &String| {
        let (digits, rest) = value.split_at_checked(3).unwrap_or_default();
        digits.len() == 3
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !rest.starts_with(|next: char| next.is_ascii_digit() || next == '-')
    };
    is_time || record.values.iter().skip(1).all(is_group)
}

/// Whether a date stands before a time of day.
fn has_date_and_clock(record: &SampleRecord) -> bool {
    record.values.windows(2).any(|pair| matches!(pair, [date, clock] if is_date(date) && is_clock(clock)))
}

/// `2026-11-01`, without a time of day.
pub(super) fn is_date(text: &str) -> bool {
    look(text) == Look::Time && !text.contains(':')
}

/// `10:00`, `10:00:00.5`, without a date.
pub(super) fn is_clock(text: &str) -> bool {
    look(text) == Look::Time && has_clock(text.as_bytes()) && !text.contains(['-', '/'])
}

/// Whether there is a colon with two digits on each side.
pub(super) fn has_clock(text: &[u8]) -> bool {
    text.windows(5).any(is_clock_at)
}

fn is_clock_at(five: &[u8]) -> bool {
    matches!(five, [a, b, b':', c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()))
}

/// How many colons of a line stand for themselves: in no text between quotes, and in no time of day.
pub(super) fn colons(line: &[u8]) -> usize {
    let mut is_within = false;
    let mut count = 0;
    for (at, byte) in line.iter().enumerate() {
        match byte {
            b'"' => is_within = !is_within,
            b':' if !is_within => {
                let around = at.checked_sub(2).and_then(|from| line.get(from..at + 3));
                // `T` stands before a time of day; other letters make a name of it.
                let before = at.checked_sub(3).and_then(|from| line.get(from));
                let is_name = before.is_some_and(|byte| byte.is_ascii_alphabetic() && *byte != b'T');
                count += usize::from(is_name || !around.is_some_and(is_clock_at));
            }
            _ => {}
        }
    }
    count
}

/// The number of values that records have, at least so many, and those that have it, at least such a part of all.
fn even(records: &[SampleRecord], least: usize, (part, of): (usize, usize)) -> Option<(usize, Vec<&SampleRecord>)> {
    let width = modal_width(records.iter());
    let rows: Vec<&SampleRecord> =
        records.iter().filter(|record| record.is_sound && record.values.len() == width).collect();
    (width >= least && rows.len() > 1 && rows.len() * of >= records.len() * part).then_some((width, rows))
}

fn nearly_all(rows: &[&SampleRecord], test: impl Fn(&SampleRecord) -> bool) -> bool {
    rows.iter().filter(|row| test(row)).count() * 20 >= rows.len() * 19
}

/// Whether lines are those of a server's log, with a time in brackets, as Apache and nginx write them:
/// `192.0.2.1 - - [01/Nov/2026:00:00:00 +0100] "GET / HTTP/1.1" 200 7`.
fn are_of_server(records: &[SampleRecord]) -> bool {
    let Some((width, rows)) = even(records, 4, (19, 20)) else { return false };
    let is_opened = |value: &str| {
        value.strip_prefix('[').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
            && has_clock(value.as_bytes())
            && !value.contains(']')
    };
    let is_time = |row: &SampleRecord, at: usize| {
        let (begin, end) = (row.values.get(at), row.values.get(at + 1));
        begin.is_some_and(|value| is_opened(value)) && end.is_some_and(|value| value.ends_with(']'))
    };
    (0..width).any(|at| nearly_all(&rows, |row| is_time(row, at)))
}

/// Whether each value is written with its name: `ts=2026-11-01T00:00:00Z level=info n=0`.
fn are_named(records: &[SampleRecord]) -> bool {
    even(records, 2, (1, 1))
        .is_some_and(|(_, rows)| nearly_all(&rows, |row| row.values.iter().all(|value| is_named(value))))
}

/// `name=value`
pub(super) fn is_named(text: &str) -> bool {
    let is_mark = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    let is_name = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_mark);
    text.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// Whether each line begins with a whole time, and other values follow, of the same number in all: where
/// one has another, there are sentences.
fn begin_with_time(records: &[SampleRecord]) -> bool {
    let Some((_, rows)) = even(records, 3, (1, 1)) else { return false };
    let begins = |row: &SampleRecord| {
        let mut values = row.values.iter();
        let (first, second) = (values.next(), values.next());
        let is_whole =
            first.is_some_and(|first| look(first) == Look::Time && has_clock(first.as_bytes()) && first.contains('-'));
        is_whole || first.is_some_and(|date| is_date(date)) && second.is_some_and(|clock| is_clock(clock))
    };
    nearly_all(&rows, begins)
        && nearly_all(&rows, |row| !is_one(row) && row.values.iter().all(|value| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_of_times_and_within_quotes_are_none() {
        for (line, wanted) in [
            ("a:b:c", 2),
            ("10:20:30", 0),
            ("10:n10:20", 2),
            ("[01/Nov/2026:00:00:00 +0100] \"http://x\" a:1", 1),
            ("ts=2026-11-01T00:00:00Z n=0", 0),
            (":", 1),
        ] {
            assert_eq!(colons(line.as_bytes()), wanted, "{line}");
        }
    }
}
