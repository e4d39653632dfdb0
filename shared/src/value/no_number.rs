//! Why a text is no number: the option that would read it, or that none does.

use super::{Digits, Refusal};
use crate::dataset::Column;

/// Units that numbers often have beside them.
pub const UNITS: [&str; 21] = [
    "%", "€", "$", "£", "¥", "EUR", "USD", "GBP", "CHF", "kr", "kWh", "MWh", "Wh", "kW", "°C", "km", "kg", "m³", "m3",
    "hPa", "mm",
];

/// Why a text is no number, and which option may read it.
pub(super) fn no_number(column: &Column, code: &'static str, wanted: &str, text: &str) -> Refusal {
    let is_mark = |character: char| ",.'_\u{2019}".contains(character) || character.is_whitespace();
    let bare = column.without_unit(text);
    let (known, has_unit) = without_known_unit(&bare);
    let has_digits = text.contains(|character: char| character.is_ascii_digit());
    let is_written = known.chars().all(|c| c.is_ascii_digit() || is_mark(c) || matches!(c, '-' | '+')) && has_digits;
    let is_marked = |text: &str| text.starts_with('(') && text.ends_with(')') || text.ends_with('-');
    let is_accounting = !column.accounting && (is_marked(known) || is_marked(&bare));
    let is_broken = || fast_float2::parse::<f64, _>(text.as_bytes()).is_ok();
    let is_whole = || Digits::of(text).is_some_and(|digits| digits.is_whole());
    let cure = if code == "not_an_integer" && is_broken() && is_whole() {
        "it is beyond the range of int64: declare string if it is an identifier, else float64"
    } else if code == "not_an_integer" && is_broken() && column.round {
        "it is beyond 2^53, where a number with decimals is no longer exact: declare float64"
    } else if code == "not_an_integer" && is_broken() {
        "it has decimals: declare float64, or round = true"
    } else if has_digits && known.starts_with(MINUS) {
        "its minus is another character than -, such as U+2212, and no option reads that: write - in the file"
    } else if is_date(text) {
        "it is a date: declare date or timestamp; if it is a name in a header, declare header and its names"
    } else if has_digits && has_unit && !column.unit.is_empty() {
        "the unit beside it is not among those declared as unit: add it"
    } else if has_digits && has_unit && is_accounting {
        "it has a unit beside it, and is written as a negative number is in accounts: declare unit = \"%\", \"€\" or what it is, \
         and accounting = true"
    } else if has_digits && has_unit {
        "it has a unit beside it: declare unit = \"%\", \"€\" or what it is"
    } else if has_digits && is_accounting {
        "it is written as a negative number is in accounts: declare accounting = true"
    } else if is_grouped_by_two(known) {
        "its digits are in groups of two and three, as in 1,00,000, and no option reads that: write it without marks between \
         them"
    } else if is_written && column.thousands.is_some() {
        "the marks in it are not those declared as decimal and thousands"
    } else if is_written {
        "it has marks: declare decimal = \",\" or thousands, as they are"
    } else if has_word_behind(&bare) && column.unit.is_empty() {
        "if what stands behind it is a unit, declare unit as it is; if it stands for no value, list it under missing"
    } else if has_word_behind(&bare) {
        "if what stands behind it is a unit, add it to those declared as unit; if it stands for no value, list it under missing"
    } else {
        "if it stands for no value, list it under missing"
    };
    (code, format!("the value is not {wanted}; {cure}"))
}

/// Signs of negative numbers that are not the one of ASCII. No option reads them.
pub const MINUS: [char; 5] = ['\u{2212}', '\u{2013}', '\u{2012}', '\u{FE63}', '\u{FF0D}'];

/// A text without a unit that is known, and whether it had one. Signs and parentheses may stand outside of it.
fn without_known_unit(text: &str) -> (&str, bool) {
    let within =
        text.trim_matches(|character: char| matches!(character, '(' | ')' | '-' | '+') || character.is_whitespace());
    if !UNITS.iter().any(|unit| within.starts_with(unit) || within.ends_with(unit)) {
        return (text, false);
    }
    // With the marks of accounts that stand inside of the unit.
    let rest = |unit: &&str| text.strip_prefix(*unit).or_else(|| text.strip_suffix(*unit)).map(str::trim);
    (UNITS.iter().find_map(rest).unwrap_or(text), true)
}

/// Whether a text is digits in groups of two, and of three at the end: `1,00,000.5`. No option reads that.
pub fn is_grouped_by_two(text: &str) -> bool {
    let whole = text.trim_start_matches(['-', '+']);
    let mut groups: Vec<&str> = whole.split_once('.').map_or(whole, |(whole, _)| whole).split(',').collect();
    let last = groups.pop().unwrap_or_default();
    let is_digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let is_first = groups.first().is_some_and(|first| first.len() <= 2);
    let are_twos = groups.iter().skip(1).all(|group| group.len() == 2);
    groups.len() > 1
        && last.len() == 3
        && is_first
        && are_twos
        && is_digits(last)
        && groups.iter().all(|group| is_digits(group))
}

/// Whether a text is a date, alone or before a time of day: `2026-11-01`, `1/11/2026`, `01.11.26 10:00`.
fn is_date(text: &str) -> bool {
    let text = text.trim();
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    let is_behind = text.get(day.len()..).is_some_and(|rest| rest.is_empty() || rest.contains(':'));
    let is_of = |mark: char| {
        let parts: Vec<&str> = day.split(mark).collect();
        let number = |part: &str, most: u32| {
            part.len() <= 2
                && part.bytes().all(|byte| byte.is_ascii_digit())
                && part.parse().is_ok_and(|number| (1..=most).contains(&number))
        };
        let is_day =
            |one: &str, other: &str| number(one, 12) && number(other, 31) || number(one, 31) && number(other, 12);
        let is_year = |part: &str| matches!(part.len(), 2 | 4) && part.bytes().all(|byte| byte.is_ascii_digit());
        match parts.as_slice() {
            [year, month, day] if year.len() == 4 => is_year(year) && is_day(month, day),
            [one, other, year] => is_year(year) && is_day(one, other),
            _ => false,
        }
    };
    is_behind && ['-', '/', '.'].into_iter().any(is_of)
}

/// Whether a short word stands behind a number.
fn has_word_behind(text: &str) -> bool {
    let number = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    let word = text.get(number.len()..).unwrap_or_default().trim();
    let is_number = number.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || ",.'+-".contains(c));
    let is_word = word.chars().all(|c| c.is_alphabetic() || "/%°²³µ.".contains(c)) && word.chars().count() <= 8;
    !number.is_empty() && is_number && !word.is_empty() && is_word
}
