//! Why a text is no date or time: the format that would read it.

use chrono::NaiveDateTime;

use crate::dataset::{TimeFormat, parsed_date};

/// What to declare for a text that is written as dates and times commonly are, in figures: its format, or both where day and
/// month may be either. Nothing of one that is no day of the calendar, or of a format that is declared.
pub(super) fn no_time(text: &str, declared: &[TimeFormat]) -> Option<String> {
    let (date, time) = match text.find([' ', 'T']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let time = time_pattern(time)?;
    let is_read = |pattern: &str| match time {
        "" => parsed_date(text, pattern).is_some(),
        _ => NaiveDateTime::parse_from_str(text, pattern).is_ok(),
    };
    let is_declared = |pattern: &str| {
        declared.iter().any(|format| matches!(format, TimeFormat::Pattern(declared) if declared == pattern))
    };
    let patterns = date_patterns(date)?.into_iter().map(|date| format!("{date}{time}"));
    let patterns: Vec<String> = patterns.filter(|pattern| is_read(pattern) && !is_declared(pattern)).collect();
    let list = if declared.is_empty() { "" } else { " beside what is declared, in a list" };
    match patterns.as_slice() {
        [one] => Some(format!("; declare format = \"{one}\"{list}")),
        [one, other] => Some(format!("; declare format = \"{one}\" or \"{other}\", as it is meant{list}")),
        _ => None,
    }
}

/// The patterns that read three numbers with the same mark between them.
fn date_patterns(date: &str) -> Option<Vec<String>> {
    let mark = date.chars().find(|character| !character.is_ascii_digit())?;
    let parts: Vec<&str> = date.split(mark).collect();
    let is_figures = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(mark, '-' | '/' | '.') || !parts.iter().all(is_figures) {
        return None;
    }
    let orders: &[[&str; 3]] = match *parts.iter().map(|part| part.len()).collect::<Vec<_>>().as_slice() {
        [4, 1 | 2, 1 | 2] => &[["%Y", "%m", "%d"]],
        [1 | 2, 1 | 2, 4] => &[["%d", "%m", "%Y"], ["%m", "%d", "%Y"]],
        [1 | 2, 1 | 2, 2] => &[["%d", "%m", "%y"], ["%m", "%d", "%y"]],
        _ => return None,
    };
    Some(orders.iter().map(|order| order.join(&mark.to_string())).collect())
}

/// The pattern of a time of day with what parts it from the date; an empty one of none.
fn time_pattern(time: &str) -> Option<&'static str> {
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    Some(match shape.replace("99", "9").as_str() {
        "" => "",
        " 9:9" => " %H:%M",
        " 9:9:9" => " %H:%M:%S",
        " 9:9 AM" | " 9:9 PM" => " %I:%M %p",
        " 9:9:9 AM" | " 9:9:9 PM" => " %I:%M:%S %p",
        "T9:9:9" => "T%H:%M:%S",
        "T9:9" => "T%H:%M",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_named_that_reads_the_text() {
        for (text, expected) in [
            ("2026-01-05 10:00", Some("; declare format = \"%Y-%m-%d %H:%M\"")),
            ("2026/1/5", Some("; declare format = \"%Y/%m/%d\"")),
            ("31/12/2026 23:59:01", Some("; declare format = \"%d/%m/%Y %H:%M:%S\"")),
            ("12/31/2026 1:05 PM", Some("; declare format = \"%m/%d/%Y %I:%M %p\"")),
            ("01.02.2026", Some("; declare format = \"%d.%m.%Y\" or \"%m.%d.%Y\", as it is meant")),
            ("31.12.26T10:00", Some("; declare format = \"%d.%m.%yT%H:%M\"")),
            ("2026-02-30 10:00", None),
            ("2026-01-05 25:00", None),
            ("2026-01-05 at noon", None),
            ("n/a", None),
            ("-", None),
            ("", None),
            ("1-2", None),
            ("éé", None),
        ] {
            assert_eq!(no_time(text, &[]).as_deref(), expected, "{text}");
        }
        let declared = [TimeFormat::Pattern("%d/%m/%Y".to_owned())];
        assert_eq!(
            no_time("2026-01-05", &declared).as_deref(),
            Some("; declare format = \"%Y-%m-%d\" beside what is declared, in a list")
        );
        assert_eq!(no_time("31/12/2026", &declared), None);
    }
}
