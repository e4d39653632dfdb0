//! Sentences with values in them: `{days} days over the limit, {share:percent}`.
//!
//! `{column}` is the value as people write it; `{column:1}` has one decimal; `{column:words}` writes small counts as words;
//! `{column:Words}` does so at the beginning of a sentence; `{column:percent}`, `{column:long}` (a date with its full
//! names), `{column:week}` and `{column:month}` say what it is; `{column:day|days}` picks the first word if the value
//! is 1. `{{` is a brace.

use crate::declare::As;
use crate::locale::Locale;
use crate::rows::{self, Row};

/// What is wrong with a template, if anything is.
pub(crate) fn check(template: &str) -> Option<String> {
    pieces(template).into_iter().find_map(|piece| match piece {
        Piece::Bad(text) => Some(format!("`{text}` is not closed; write {{column}}, or {{{{ for a brace")),
        Piece::Value(name, how) => {
            let known = how.is_empty()
                || how.contains('|')
                || how.parse::<usize>().is_ok_and(|digits| digits <= 9)
                || ["words", "Words", "percent", "long", "week", "month"].contains(&how);
            if name.is_empty() {
                return Some("{} names no column".to_owned());
            }
            (!known).then(|| {
                format!(
                    "`{how}` is no way to write {{{name}}}: a number of decimals, words, Words, percent, long, week, month, \
                     or one|many"
                )
            })
        }
        Piece::Text(_) => None,
    })
}

/// The columns that a template names.
pub(crate) fn columns(template: &str) -> impl Iterator<Item = &str> {
    pieces(template).into_iter().filter_map(|piece| match piece {
        Piece::Value(name, _) => Some(name),
        Piece::Text(_) | Piece::Bad(_) => None,
    })
}

/// The template with a row's values.
pub(crate) fn fill(template: &str, row: Row<'_>, locale: &Locale) -> String {
    let mut out = String::new();
    for piece in pieces(template) {
        match piece {
            Piece::Text(text) | Piece::Bad(text) => out.push_str(text),
            Piece::Value(name, how) => out.push_str(&value(row, name, how, locale)),
        }
    }
    out
}

fn value(row: Row<'_>, name: &str, how: &str, locale: &Locale) -> String {
    let value = row.get(name);
    if let Some((one, many)) = how.split_once('|') {
        return if value.and_then(rows::number) == Some(1.0) { one } else { many }.to_owned();
    }
    let day = value.and_then(rows::day);
    match (how, day) {
        ("words" | "Words", _) => {
            let text = value.and_then(rows::number).map_or_else(|| locale.word("missing"), |n| locale.count(n));
            if how == "Words" { capital(&text) } else { text }
        }
        ("percent", _) => locale.value(value, As::Percent, None, ""),
        ("long", Some(day)) if value.and_then(|value| value.as_str()).is_some_and(|text| text.len() == 10) => {
            locale.long_day(day)
        }
        ("long", Some(_)) => value.and_then(rows::instant).map_or_else(String::new, |stamp| locale.time(stamp, true)),
        ("week", _) => locale.value(value, As::Week, None, ""),
        ("month", _) => locale.value(value, As::Month, None, ""),
        _ => locale.value(value, As::Auto, how.parse().ok(), ""),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

enum Piece<'a> {
    Text(&'a str),
    Value(&'a str, &'a str),
    Bad(&'a str),
}

fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        pieces.push(Piece::Text(before));
        if let Some(after) = after.strip_prefix('{') {
            pieces.push(Piece::Text("{"));
            rest = after;
            continue;
        }
        let Some((inside, after)) = after.split_once('}') else {
            pieces.push(Piece::Bad(after));
            return pieces;
        };
        let (name, how) = inside.split_once(':').unwrap_or((inside, ""));
        pieces.push(Piece::Value(name.trim(), how.trim()));
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::rows::Rows;

    #[test]
    fn values_are_written_as_the_template_says() {
        let rows = Rows::new(
            ["n", "share", "day", "none", "x"].map(str::to_owned).to_vec(),
            vec![vec![json!(3), json!(0.256), json!("2026-11-19"), json!(null), json!(12.345)]],
        );
        let locale = Locale::new("en", &BTreeMap::new(), chrono_tz::UTC);
        let told = |template| fill(template, rows.first().unwrap(), &locale);
        assert_eq!(told("{n:Words} {n:station|stations} on {day:long}"), "Three stations on Thursday 19 November 2026");
        assert_eq!(told("{share:percent}, {x:2}, {x}, {none}, {{x}"), "26%, 12.35, 12.3, no data, {x}");
    }

    #[test]
    fn mistakes_are_found() {
        assert!(check("{a:2} {b:one|two} {{").is_none());
        for (template, why) in [("{a", "not closed"), ("{}", "no column"), ("{a:bold}", "`bold`")] {
            assert!(check(template).unwrap().contains(why), "{template}");
        }
    }
}
