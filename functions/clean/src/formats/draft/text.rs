//! What is said of columns that stay texts though their values look like numbers or times.

use std::collections::BTreeSet;

use lake::dataset::Column;
use lake::value::{MINUS, UNITS, is_grouped_by_two};

use super::looks::{Look, is_placeholder, look};
use super::times::{self, nearly_all};
use crate::formats::fits;

/// More different words among numbers stand for more than what is missing.
const MOST_WORDS: usize = 10;

/// What people should know of a column of texts.
pub(super) fn notes(texts: &[&str], are_times_of_day: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    if nearly_all(texts, is_part_of_year) {
        notes.push(
            "its values look like months, weeks, quarters or days of a year, which are no dates, and are text: where a date is \
             wanted, write the first day of each, or make it in a model"
                .to_owned(),
        );
    } else if !are_times_of_day && are_durations(texts) {
        notes.push(
            "its values are durations, of which some are longer than a day, no times of a day, and are text; a model may make \
             numbers of them"
                .to_owned(),
        );
    } else if !are_times_of_day && nearly_all(texts, |text| look(text) == Look::Time || is_long_date(text)) {
        notes.push(match unread_times(texts) {
            Some((count, declared)) => format!(
                "{count} of its {} values are no times as the others are, such as a day that no calendar has (30 February): they \
                 are text; to have rows with such rejected, declare {}",
                texts.len(),
                declared.replace('\n', " and ")
            ),
            None => "its values look like times, and no format that drafts know reads them (none reads names of months in other \
                     languages than English, or of zones): they are text; write them in digits, as 2026-11-19T10:00:00+01:00, or \
                     declare format as they are"
                .to_owned(),
        });
    }
    if !texts.is_empty() && nearly_all(texts, |text| text.starts_with("/Date(") && text.ends_with(")/")) {
        notes.push(
            "its values are times as JSON of .NET has them, /Date(milliseconds since 1970)/, and no format reads them: they are \
             text; write them as 2026-11-19T10:00:00Z, or make a time of them in a model: \
             to_timestamp_millis(CAST(substr(COLUMN, 7, 13) AS BIGINT))"
                .to_owned(),
        );
    }
    let is_number = |text: &str| look(text) == Look::Number;
    let plain = |text: &str| text.replace(MINUS, "-");
    if texts.iter().any(|text| text.starts_with(MINUS)) && nearly_all(texts, |text| is_number(&plain(text))) {
        notes.push(
            "the minus of its negative numbers is another character than -, such as U+2212, and no option reads that: they are \
             text; write - in the file"
                .to_owned(),
        );
    }
    if texts.iter().any(|text| is_grouped_by_two(text)) && nearly_all(texts, is_number) {
        notes.push(
            "its numbers have digits in groups of two and three, as in 1,00,000, and no option reads that: they are text; write \
             them without marks between digits"
                .to_owned(),
        );
    }
    let has_unit = |text: &str| UNITS.iter().any(|unit| text.starts_with(unit) || text.ends_with(unit));
    let with_unit = texts.iter().filter(|text| has_unit(text) && has_digit(text)).count();
    if with_unit == texts.len() {
        notes.push(
            "its numbers have units of several kinds beside them: they are text; of one kind, unit would take it away"
                .to_owned(),
        );
    } else if with_unit > 0 && texts.iter().all(|text| is_number(text) || has_unit(text) && has_digit(text)) {
        notes.push(
            "some of its numbers have a unit beside them, and others none: they are text; if all are of one unit, declare a \
             number and unit as it is"
                .to_owned(),
        );
    } else if has_one_word(texts) {
        notes.push(
            "the same word stands behind each of its numbers: they are text; if it is a unit, declare a number and unit as it is"
                .to_owned(),
        );
    }
    if notes.is_empty()
        && let Some((count, example)) = with_marks(texts)
    {
        notes.push(format!(
            "{count} of its {} values {} beside a mark, such as {example}, and no number is written so: it is text, which keeps all \
             values as they are; make numbers of them in a model, as in CAST(btrim(COLUMN, '<>≤≥=~≈*†‡ ') AS DOUBLE), or declare \
             type = \"float64\" and list them in missing, where they become null",
            texts.len(),
            if count == 1 { "is a number" } else { "are numbers" },
        ));
    }
    let numbers = texts.iter().filter(|text| is_number(text)).count();
    let words: BTreeSet<&str> = texts.iter().copied().filter(|text| !is_number(text)).collect();
    if numbers * 2 > texts.len()
        && notes.is_empty()
        && (1..=MOST_WORDS).contains(&words.len())
        && !words.iter().any(|word| has_digit(word))
    {
        let share = (100 * numbers / texts.len()).max(1);
        notes.push(format!(
            "{share} % of its values look like numbers, and the others are words: it is text; if the words stand for what is \
             missing, declare a number and list them in missing"
        ));
    }
    if !texts.is_empty() && nearly_all(texts, |text| text.len() > 2 && text.starts_with("=\"") && text.ends_with('"')) {
        notes.push(
            "its values are written as formulas of Excel, =\"...\", which keep the = and the quotes: they are text, and no option \
             takes these away; write plain values in the file, or write btrim(COLUMN, '=\"') in a model"
                .to_owned(),
        );
    }
    if texts.iter().all(|text| text.len() > 1 && text.starts_with('\'') && text.ends_with('\'')) {
        notes.push(
            "its values stand between apostrophes, which are read as part of them: if they are quotes, declare quote = \"'\""
                .to_owned(),
        );
    }
    notes
}

/// Numbers with a mark that no number has, such as those below or above what can be measured, `<0.5`, or those that something is
/// said of below the table, `12*`: how many there are, and how one is written.
fn with_marks(texts: &[&str]) -> Option<(usize, String)> {
    let marks = |text: &str| {
        let before = text.find(|c: char| !"<>≤≥=~≈ ".contains(c)).unwrap_or_default();
        let (mark, rest) = text.split_at_checked(before)?;
        let number = rest.trim_end_matches(['*', '†', '‡', ' ']);
        let (mark, behind) = (mark.trim(), rest.get(number.len()..)?.trim());
        let is_marked = !mark.is_empty() && mark != "=" || !behind.is_empty();
        (is_marked && look(number) == Look::Number).then(|| format!("{mark}0.5{behind}"))
    };
    let is_number = |text: &str| look(text) == Look::Number;
    let first = texts.iter().find_map(|text| marks(text))?;
    let are_numbers = nearly_all(texts, |text| is_number(text) || marks(text).is_some());
    are_numbers.then(|| (texts.iter().filter(|text| marks(text).is_some()).count(), first))
}

/// What is said of such numbers in a column of numbers, which rejects them.
pub(super) fn note_rejected_marks(texts: &[&str]) -> Option<String> {
    let (count, example) = with_marks(texts)?;
    Some(format!(
        "{count} of its {} values {} beside a mark, such as {example}, and no number is written so: {}; to keep them, declare \
         type = \"string\", or list them in missing, where they become null",
        texts.len(),
        if count == 1 { "is a number" } else { "are numbers" },
        if count == 1 { "its row is rejected" } else { "their rows are rejected" },
    ))
}

/// Whether texts are hours, minutes and maybe seconds, and some have more hours than a day: `25:01:00`.
fn are_durations(texts: &[&str]) -> bool {
    let hours = |text: &str| {
        let text = text.strip_prefix('-').unwrap_or(text);
        let (hours, rest) = text.split_once(':')?;
        let mut parts = rest.split(':');
        let is_part = |part: &str| {
            let (digits, fraction) = part.split_once(['.', ',']).unwrap_or((part, ""));
            digits.len() == 2
                && digits.parse::<u32>().is_ok_and(|digits| digits < 60)
                && fraction.bytes().all(|byte| byte.is_ascii_digit())
        };
        let is_clock = (1..=2).contains(&parts.clone().count()) && parts.all(is_part);
        let is_number = !hours.is_empty() && hours.bytes().all(|byte| byte.is_ascii_digit());
        (is_clock && is_number).then(|| hours.parse::<u32>().ok()).flatten()
    };
    nearly_all(texts, |text| hours(text).is_some())
        && texts.iter().any(|text| hours(text).is_some_and(|hours| hours > 24))
}

/// How many texts are not read as the others are, which are times, and how these are declared.
fn unread_times(texts: &[&str]) -> Option<(usize, String)> {
    /// Texts by which that is found.
    const MOST: usize = 1000;
    let some = texts.get(..MOST).unwrap_or(texts);
    let read: Vec<&str> = some.iter().copied().filter(|text| times::find("", &[*text], None).is_some()).collect();
    let found = times::find("", &read, None).filter(|_| read.len() * 2 > some.len())?;
    let column = Column::from_declaration(&found.declared).ok()?;
    let unread = texts.iter().filter(|text| !fits(&column, text)).count();
    (unread > 0 && unread * 2 < texts.len()).then_some((unread, found.declared))
}

/// Whether the same word stands behind the numbers of all texts, and a blank between.
fn has_one_word(texts: &[&str]) -> bool {
    let word = |text: &&str| {
        let (number, word) = text.rsplit_once(' ')?;
        let is_word = word.chars().any(char::is_alphabetic) && !is_placeholder(word) && word.chars().count() <= 8;
        (look(number) == Look::Number && is_word).then(|| word.to_owned())
    };
    let first = texts.first().and_then(word);
    first.is_some() && texts.len() > 1 && texts.iter().all(|text| word(text) == first)
}

/// Whether a text is a part of a year that is no day, or the number of a day in it: `2026-11`, `11/2026`, `2026-W47`,
/// `2026-Q4`, `2026-323`.
fn is_part_of_year(text: &str) -> bool {
    let year = |text: &str| text.len() == 4 && text.parse::<u32>().is_ok_and(|year| (1900..=2100).contains(&year));
    let number = |text: &str, most: u32| text.parse::<u32>().is_ok_and(|number| (1..=most).contains(&number));
    let is_part = |part: &str| match part.split_at_checked(1) {
        Some(("W" | "w", week)) => number(week, 53),
        Some(("Q" | "q" | "T" | "K", quarter)) => number(quarter, 4),
        _ => part.len() == 2 && number(part, 12) || part.len() == 3 && number(part, 366),
    };
    let halves = text.split_once(['-', '/', ' ', '.']);
    halves.is_some_and(|(one, other)| year(one) && is_part(other) || year(other) && is_part(one))
}

/// Names of months and days in some languages.
const NAMES: [&str; 100] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "januari",
    "februari",
    "maart",
    "mei",
    "juni",
    "juli",
    "augustus",
    "oktober",
    "maandag",
    "dinsdag",
    "woensdag",
    "donderdag",
    "vrijdag",
    "zaterdag",
    "zondag",
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "januar",
    "februar",
    "märz",
    "dezember",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
    "lunes",
    "martes",
    "miércoles",
    "jueves",
    "viernes",
    "sábado",
    "domingo",
    "gennaio",
    "febbraio",
    "aprile",
    "maggio",
    "giugno",
    "luglio",
    "settembre",
    "ottobre",
    "dicembre",
    "lunedì",
    "martedì",
    "mercoledì",
    "giovedì",
    "venerdì",
    "sabato",
    "domenica",
    "jänner",
];

/// Whether a word is such a name.
pub(super) fn is_of_calendar(word: &str) -> bool {
    NAMES.contains(&word)
}

/// Whether a text is a date in words, with names of months or days in one of some languages: `lundi 1 janvier 2024`.
fn is_long_date(text: &str) -> bool {
    const BETWEEN: [&str; 20] = [
        "of", "the", "at", "de", "del", "le", "den", "der", "om", "uur", "à", "um", "uhr", "am", "pm", "st", "nd",
        "rd", "th", "h",
    ];
    let lower = text.to_lowercase();
    let mut words = lower.split(|character: char| !character.is_alphabetic()).filter(|word| !word.is_empty());
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_known = |word: &str| NAMES.contains(&word) || BETWEEN.contains(&word);
    (3..=14).contains(&digits) && words.clone().any(|word| NAMES.contains(&word)) && words.all(is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_values_from_being_numbers_or_times_is_said() {
        for (texts, wanted) in [
            (&["lundi 1 janvier 2024", "mardi 2 janvier 2024"][..], "look like times"),
            (&["Montag, 1. Februar 2024"], "look like times"),
            (&["maandag 1 februari 2024 om 10:00 uur"], "look like times"),
            (&["2024-01-01 10:00:00 CET"], "look like times"),
            (&["2026-02-27", "2026-02-28", "2026-02-30"], "1 of its 3 values are no times as the others are"),
            (&["27/02/2026", "28/02/2026", "30/02/2026"], "declare type = \"date\" and format = \"%d/%m/%Y\""),
            (&["2026-02-28 10:00", "2026-02-29 10:00", "2026-02-27 10:00"], "30 February"),
            (&["25:01:00", "3:30:00", "-126:15:00"], "are durations"),
            (&["25:01", "03:30"], "are durations"),
            (&["2026-11", "2026-12"], "months, weeks"),
            (&["11/2026"], "months, weeks"),
            (&["2026-Q4", "2026-Q1"], "months, weeks"),
            (&["2026-W47"], "months, weeks"),
            (&["2026-323"], "months, weeks"),
            (&["\u{2212}5,5", "5,5"], "U+2212"),
            (&["1,10,100.50", "1,234.50"], "groups of two and three"),
            (&["5 %", "5"], "others none"),
            (&["5 %", "5 €"], "several kinds"),
            (&["5 km/h", "6 km/h"], "if it is a unit"),
            (&["'a'", "'b'"], "quote = \"'\""),
            (&["=\"0123\"", "=\"0124\""], "btrim"),
            (&["Report of January 2024"], ""),
            (&["Rue de mai 1945"], ""),
            (&["5", "6", "tbd"], "66 % of its values look like numbers"),
            (&["0.5", "<0.5", "12"], "1 of its 3 values is a number beside a mark, such as <0.5,"),
            (&["< 0,5", "12,5", "> 200", "<0,5"], "3 of its 4 values are numbers beside a mark, such as <0.5,"),
            (&["≥100", "12"], "such as ≥0.5,"),
            (&["12*", "7", "8"], "such as 0.5*,"),
            (&["<0.5", "<a", "12"], ""),
            (&["5", "tbd", "none"], ""),
            (&["5", "6", "6a"], ""),
            (&["5 km/h", "6 m/s"], ""),
            (&["1945-46"], ""),
            (&["a", "b"], ""),
        ] {
            let notes = notes(texts, false);
            assert_eq!(notes.len(), usize::from(!wanted.is_empty()), "{texts:?}: {notes:?}");
            assert!(notes.iter().all(|note| note.contains(wanted)), "{texts:?}: {notes:?}");
        }
    }
}
