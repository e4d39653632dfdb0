//! Numbers that stay texts, as a number would lose what they are written with: zeros, signs, digits.

use std::collections::BTreeMap;

use lake::dataset::{Column, ColumnType};

use super::super::names;
use super::super::times::{self, nearly_all};
use super::{MOST_DIGITS, Typed, is_digits, is_grouped};

/// Digits that are a name, not a number: a number would lose what tells them apart.
pub(super) fn codes(texts: &[&str], are_numbers: bool) -> Option<Typed> {
    let unsigned = |text: &str| text.trim_start_matches(['-', '+']).to_owned();
    let has_point = texts.iter().any(|text| text.contains('.'));
    let is_zero_first = |text: &&str| {
        let digits = unsigned(text);
        digits.len() > 1
            && digits.starts_with('0')
            && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
            && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
    };
    let is_plus = |text: &&str| text.strip_prefix('+').is_some_and(is_digits);
    let is_long = |text: &&str| is_digits(&unsigned(text)) && unsigned(text).len() > MOST_DIGITS;
    // `1E5` may be the code of a room.
    let has_exponent =
        |text: &&str| text.split_once(['e', 'E']).is_some_and(|(before, after)| is_digits(before) && is_digits(after));
    let has_negative = texts.iter().any(|text| text.starts_with('-'));
    let why = if texts.iter().any(is_long) && !has_point {
        "more than 15 digits"
    } else if are_numbers {
        return None;
    } else if texts.iter().any(is_zero_first) {
        "zeros before other digits"
    } else if texts.iter().any(is_plus) && !has_point && !has_negative {
        "plus signs"
    } else if texts.iter().any(has_exponent) && !has_point {
        "an E between digits"
    } else {
        return None;
    };
    // A column of dates is none of codes, though one of its codes may be read as a date.
    let some = texts.get(..50).unwrap_or(texts);
    let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    if !nearly_all(some, has_digit) || times::find("", some, None).is_some() {
        return None;
    }
    let mut typed = Typed::of("type = \"string\"");
    if nearly_all(texts, |text| text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.,eE".contains(&byte))) {
        typed.remarks.push(format!("# Digits with {why}: a name, not a number."));
    }
    Some(typed)
}

/// The type, or text where it is a double and some of the numbers are not: their last digits would become others.
pub(super) fn kept(typed: Typed, texts: &[&str]) -> Typed {
    let Ok(column) = Column::from_declaration(&typed.declared) else { return typed };
    if column.kind != ColumnType::Float64 || !texts.iter().any(|text| is_changed(&column, text)) {
        return typed;
    }
    let mut text = Typed { habits: typed.habits, is_measured: true, ..Typed::of("type = \"string\"") };
    text.remarks.push("# Numbers of more than 15 digits: a float64 would have other last ones.".to_owned());
    text.notes.push(format!(
        "some of its numbers have more than {MOST_DIGITS} digits, and as float64 their last ones would become others: they are \
         text; if these do not matter, declare {}",
        typed.declared.replace('\n', " and ")
    ));
    text
}

/// Whether a number is another one as a double. One that a program wrote of a double has more than 15 digits as well, and is
/// the same: rounded to as many digits, the double is that number.
fn is_changed(column: &Column, text: &str) -> bool {
    /// More digits than any double has.
    const MOST: usize = 800;
    if text.len() <= MOST_DIGITS {
        return false;
    }
    let decimal = column.decimal.character();
    let bare = column.without_unit(text);
    let plain = match column.thousands {
        Some(mark) => mark.without(&bare, decimal).unwrap_or_default(),
        None => bare.into_owned(),
    };
    let plain = plain.replace(decimal, ".");
    let digits_of = |number: &str| {
        let before = number.split(['e', 'E']).next().unwrap_or_default();
        before.chars().filter(char::is_ascii_digit).collect::<String>()
    };
    let digits = digits_of(&plain);
    let digits = digits.trim_start_matches('0').trim_end_matches('0');
    if digits.len() <= MOST_DIGITS {
        return false;
    }
    let Ok(double) = plain.parse::<f64>() else { return false };
    digits.len() > MOST || digits_of(&format!("{double:.*e}", digits.len() - 1)) != digits
}

/// Whether two texts with a point are one number, by zeros behind: 1.1 and 1.10.
pub(super) fn has_twins(texts: &[&str]) -> bool {
    let mut written: BTreeMap<&str, &str> = BTreeMap::new();
    texts.iter().filter(|text| text.contains('.')).any(|text| {
        let number = text.trim_end_matches('0').trim_end_matches('.');
        *written.entry(number).or_insert(text) != *text
    })
}

/// The digits of a number with decimals, before the mark and behind it.
fn decimals(text: &str) -> Option<(&str, &str)> {
    text.split_once(['.', ',']).filter(|(before, after)| is_digits(before) && is_digits(after))
}

/// Whether decimals end in zeros, which a number would lose.
pub(super) fn lose_zeros(texts: &[&str]) -> bool {
    texts.iter().filter_map(|text| decimals(text)).any(|(_, after)| after.ends_with('0') && after.len() > 1)
}

/// Whether all decimals are below one, as shares are, and hardly any ids.
pub(super) fn are_shares(texts: &[&str]) -> bool {
    texts.iter().filter_map(|text| decimals(text)).all(|(before, _)| before == "0")
}

/// Numbers with a point that are parts of a name, such as those of versions or sections: 1.10 is another one than 1.1. So are
/// those of ids whose decimals end in zeros.
pub(super) fn parts(label: &str, texts: &[&str], are_numbers: bool) -> Option<Typed> {
    let is_part = |text: &str| is_digits(text) || decimals(text).is_some();
    let has_decimals = texts.iter().any(|text| decimals(text).is_some_and(|(_, after)| after.contains(|c| c != '0')));
    // Thousands are no parts.
    let has_comma = |text: &&&str| text.contains(',');
    let are_groups =
        texts.iter().any(|text| text.contains(',')) && texts.iter().filter(has_comma).all(|text| is_grouped(text, ','));
    // A double has no zeros behind; a number of JSON has.
    if !has_decimals || are_groups || !nearly_all(texts, is_part) || are_numbers && !has_twins(texts) {
        return None;
    }
    let is_named = names::has_parts(label)
        || names::may_have_parts(label) && has_twins(texts)
        || names::ends_in_id(label) && lose_zeros(texts) && !are_shares(texts);
    if !is_named {
        return None;
    }
    let mut typed = Typed::of("type = \"string\"");
    typed.notes.push(
        "by its name its values are no measured numbers, but names such as 1.10, which as a number would be 1.1: they are \
         text; if they are measured, declare type = \"float64\""
            .to_owned(),
    );
    Some(typed)
}

/// Says how many times have parts of a microsecond, which a timestamp has not: more than six decimals of a second.
pub(in super::super) fn note_finer(declared: &str, texts: &[&str]) -> Option<String> {
    // Of the decimals of an epoch, so many are of whole microseconds.
    let epochs = [("epoch_s", 6), ("epoch_ms", 3), ("epoch_us", 0)];
    let kept = epochs.iter().find(|(epoch, _)| declared.contains(&format!("\"{epoch}\""))).map_or(6, |(_, kept)| *kept);
    let is_finer = |text: &&&str| {
        if declared.contains("\"epoch_ns\"") && is_digits(text) {
            return !text.ends_with("000");
        }
        text.split(['.', ',']).skip(1).any(|behind| {
            let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
            behind.get(kept..end).is_some_and(|rest| rest.bytes().any(|byte| byte != b'0'))
        })
    };
    let finer = texts.iter().filter(is_finer).count();
    (declared.starts_with("type = \"timestamp\"") && finer > 0).then(|| {
        format!(
            "{finer} of its {} times have parts of a microsecond, as those in nanoseconds have, and these are cut off: where they \
             count, or tell rows apart, declare a second column of the same field with type = \"string\", which keeps them",
            texts.len()
        )
    })
}
