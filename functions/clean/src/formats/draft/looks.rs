//! What a text looks like, at a glance: whether a line may be a header, and where values end.

use super::text::is_of_calendar;

/// Texts that often stand for a value that is not there.
pub(super) const MISSING: [&str; 71] = [
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "NULL",
    "Null",
    "null",
    "None",
    "none",
    "NaN",
    "nan",
    "-",
    "--",
    "?",
    "#REF!",
    "#VALUE!",
    "#DIV/0!",
    "#NAME?",
    "#NULL!",
    "#NUM!",
    "\\N",
    "0000-00-00",
    "0000-00-00 00:00:00",
    // In Dutch, German, French and Spanish.
    "n.v.t.",
    "N.v.t.",
    "nvt",
    "NVT",
    "n.b.",
    "N.B.",
    "onbekend",
    "Onbekend",
    "niet beschikbaar",
    "k.A.",
    "k. A.",
    "k.a.",
    "keine Angabe",
    "unbekannt",
    "Unbekannt",
    "#NV",
    "#N/V",
    "s.o.",
    "S.O.",
    "n.d.",
    "N.D.",
    "n/d",
    "N/D",
    "ND",
    "n.c.",
    "NC",
    "inconnu",
    "Inconnu",
    "non disponible",
    "sin dato",
    "Sin dato",
    "sin datos",
    "s/d",
    "S/D",
    "desconocido",
    "#N/B",
    "#N/D",
    "#WAARDE!",
    "#DEEL/0!",
    "#VERW!",
    "#WERT!",
    "#BEZUG!",
    "#VALEUR!",
    "unknown",
    "Unknown",
    "missing",
    "n.a.",
    "N.A.",
];

/// What a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Blank,
    Number,
    Time,
    Text,
}

/// What a text looks like.
pub(super) fn look(text: &str) -> Look {
    let text = text.trim();
    if text.is_empty() {
        return Look::Blank;
    }
    if is_number(text) {
        return Look::Number;
    }
    if is_time(text) { Look::Time } else { Look::Text }
}

/// Whether a text is written as accounts write negative numbers: `(1.50)`, `1.50-`.
pub(super) fn is_accounting(text: &str) -> bool {
    let is_marked = text.ends_with('-') || text.contains('(') && text.contains(')');
    is_marked && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Digits, with marks, a sign, or a unit such as `%`.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let is_part = |character: char| {
        character.is_ascii_digit() || ".,'+-eE%€$£¥ _\u{a0}\u{202f}\u{2009}\u{2019}".contains(character)
    };
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    // More dashes than a number has are a date's; a blank between long groups is one between a date and a time.
    let dashes = text.bytes().filter(|byte| *byte == b'-').count();
    // `15+` is a range without an end.
    let is_open = text.ends_with('+');
    digits > 0 && text.chars().all(is_part) && dashes < 2 && !is_open && !is_dotted_date(text) && !is_range(text)
}

/// `10-20`, and not `2026-11`.
fn is_range(text: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_month = |from: &str, to: &str| from.len() == 4 && to.len() == 2;
    text.split_once('-').is_some_and(|(from, to)| {
        let (from, to) = (from.trim(), to.trim());
        is_digits(from) && is_digits(to) && !is_month(from, to)
    })
}

/// `19.11.2026`
fn is_dotted_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let is_digits = parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    is_digits && matches!(lengths.as_slice(), [1..=2, 1..=2, 2 | 4] | [4, 1..=2, 1..=2])
}

/// Short names of months.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Digits in at least three groups, or a time of day, with few letters between them.
fn is_time(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let marks = text.bytes().filter(|byte| matches!(byte, b'-' | b'/' | b':' | b'.')).count();
    let letters = text.chars().filter(|character| character.is_alphabetic()).count();
    let starts = text.starts_with(|first: char| first.is_ascii_digit());
    let has_month = || MONTHS.iter().any(|month| text.to_lowercase().contains(month));
    is_compact_time(text)
        || text.len() <= 48
            && match letters {
                0..=3 => starts && (digits >= 4 && marks >= 2 || digits >= 3 && text.contains(':')),
                4..=12 => digits >= 3 && has_month(),
                _ => false,
            }
        || text.len() <= 48 && digits >= 3 && letters == 3 && (has_month() || has_other_month(text))
}

/// `20260105T010203Z`, `202601050102Z`
fn is_compact_time(text: &str) -> bool {
    let bare = text.strip_suffix('Z').unwrap_or(text);
    let (digits, is_apart) = match bare.split_once('T') {
        Some((date, time)) if date.len() == 8 => (format!("{date}{time}"), true),
        _ => (bare.to_owned(), bare.len() < text.len()),
    };
    let is_recent = digits.get(..4).is_some_and(|year| ("1900".."2101").contains(&year));
    is_apart && matches!(digits.len(), 12 | 14) && is_recent && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the letters of a text are a month's in another language than English.
fn has_other_month(text: &str) -> bool {
    const MONTHS: [&str; 16] = [
        "mei", "mrt", "maa", "okt", "mai", "avr", "fév", "aoû", "déc", "dez", "ene", "abr", "ago", "dic", "mär", "maj",
    ];
    let letters: String = text.chars().filter(|character| character.is_alphabetic()).collect();
    MONTHS.contains(&letters.to_lowercase().as_str())
}

/// Whether a word in small letters is the name of a month, short or not, or of a day.
pub(super) fn is_month(word: &str) -> bool {
    MONTHS.contains(&word) || word == "sept" || has_other_month(word) || is_of_calendar(word)
}

/// What a text is made of: `Thomas Vermeulen` is `Aa Aa`, `thomas@ex.be` is `a@a.a`, `10-B` is `9-A`.
pub(super) fn shape(text: &str) -> String {
    let mut shape = String::new();
    for character in text.chars() {
        let kind = match character {
            _ if character.is_uppercase() => 'A',
            _ if character.is_alphabetic() => 'a',
            _ if character.is_numeric() => '9',
            _ if character.is_whitespace() => ' ',
            other => other,
        };
        if !shape.ends_with(kind) {
            shape.push(kind);
        }
    }
    shape
}

/// Whether a text stands for a value that is not there, or not known.
pub(super) fn is_placeholder(text: &str) -> bool {
    let words = ["unknown", "missing", "onbekend", "inconnu", "unbekannt", "nil", "tbd", "empty", "leeg", "x"];
    MISSING.contains(&text) || words.contains(&text.to_lowercase().as_str())
}

/// Whether a text stands in place of a number as no name of a column does: for a value that is missing, or for one beyond what can
/// be measured, `<0.5`. Columns are called `x`.
pub(super) fn is_in_place_of_number(text: &str) -> bool {
    let bare = text.trim().trim_start_matches(['<', '>', '≤', '≥', '~', '=']).trim_end_matches(['*', '+']).trim();
    let is_marked = bare.len() < text.trim().len() && look(bare) == Look::Number;
    is_marked || is_placeholder(text.trim()) && !text.trim().eq_ignore_ascii_case("x")
}

/// Whether a line's first value says that it adds up the others.
pub(super) fn is_total(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let words = [
        "total",
        "totals",
        "sum",
        "totaal",
        "summe",
        "gesamt",
        "somme",
        "totale",
        "grand total",
        "grand totals",
        "average",
        "end",
    ];
    words.iter().any(|word| lower.trim_end_matches(':') == *word)
}

/// Whether a text is marked as what stands below a table: by a colon behind its first word, `Source: X`, by a sign, as a count of
/// rows or pages or the end of a report, or by a date. Without such a mark the word may as well begin a name.
pub(super) fn is_marked_footer(text: &str) -> bool {
    let text = text.trim();
    let word = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let is_marked = text.get(word.len()..).is_some_and(|rest| rest.trim_start().starts_with(':'));
    let is_sign = text.starts_with(['©', '*', '†']) || text.to_lowercase().starts_with("(c) ");
    is_marked && reads_like_footer(word) || is_sign || is_count_or_end(text) || is_dated(text)
}

/// Whether a text says when something was done with the file: a date behind a colon, or behind words of a footer. `Downloaded:
/// 2026-03-05`, `Generated on 2026-03-05`.
fn is_dated(text: &str) -> bool {
    const MOST_WORDS: usize = 3;
    let starts = text.match_indices(' ').map(|(at, _)| text.split_at(at)).take(MOST_WORDS);
    let date = starts.into_iter().find(|(_, rest)| look(rest) == Look::Time);
    date.is_some_and(|(before, _)| before.ends_with(':') || reads_like_footer(before))
}

/// Whether a text is `40 rows`, `Page 1 of 2` or `End of report`, in some languages.
fn is_count_or_end(text: &str) -> bool {
    const COUNTED: [&str; 16] = [
        "rows",
        "row",
        "records",
        "record",
        "lines",
        "entries",
        "results",
        "items",
        "rijen",
        "regels",
        "zeilen",
        "lignes",
        "filas",
        "rader",
        "righe",
        "resultaten",
    ];
    const PAGES: [&str; 5] = ["page", "pagina", "seite", "página", "blad"];
    const BETWEEN: [&str; 6] = ["of", "van", "von", "de", "sur", "di"];
    const ENDED: [&str; 14] = [
        "report", "file", "data", "list", "table", "document", "export", "rapport", "bestand", "lijst", "tabel",
        "bericht", "datei", "fichier",
    ];
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    match words.as_slice() {
        [count, rows] | [count, rows, "exported" | "returned" | "selected" | "affected" | "found" | "total"] => {
            is_number(count) && COUNTED.contains(rows)
                || PAGES.contains(count) && is_number(rows)
                || matches!(*count, "end" | "einde" | "ende" | "fin") && ENDED.contains(rows)
        }
        [page, first, last] if PAGES.contains(page) => is_number(first) && is_number(last),
        [page, first, of, last] if PAGES.contains(page) => is_number(first) && BETWEEN.contains(of) && is_number(last),
        ["end" | "einde" | "ende" | "fin", between @ .., what] => between.len() <= 2 && ENDED.contains(what),
        _ => false,
    }
}

/// Whether a text begins as what stands below a table does: a total, or words about the file.
pub(super) fn reads_like_footer(text: &str) -> bool {
    const WORDS: [&str; 44] = [
        "subtotal",
        "grand",
        "algemeen",
        "average",
        "mean",
        "gemiddelde",
        "mittelwert",
        "moyenne",
        "source",
        "sources",
        "bron",
        "quelle",
        "fuente",
        "note",
        "notes",
        "nota",
        "opmerking",
        "hinweis",
        "generated",
        "exported",
        "export",
        "printed",
        "copyright",
        "report",
        "page",
        "rows",
        "records",
        "gesamtsumme",
        "end",
        "einde",
        "bronnen",
        "quellen",
        "fuentes",
        "fonte",
        "fonti",
        "kilde",
        "notitie",
        "remarque",
        "anmerkung",
        "disclaimer",
        "legend",
        "legende",
        "légende",
        "leyenda",
    ];
    let lower = text.trim().to_lowercase();
    let first = lower.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    is_total(text) || is_total(first) || WORDS.contains(&first) || lower.ends_with(':') || lower.starts_with(['©', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_times_and_texts_look_different() {
        for text in
            ["1", "-1.5", "1.234,5", "12 %", "1e-7", "007", "+32475", "1'234", "(1,234.50)", "£5", "2026-11", "5-"]
        {
            assert_eq!(look(text), Look::Number, "{text}");
        }
        for text in ["2026-11-19", "19/11/26", "10:00", "19.11.2026", "1:05 PM", "19 Nov 2026", "2026-11-19T10:00:00Z"]
        {
            assert_eq!(look(text), Look::Time, "{text}");
        }
        for text in ["id", "v", "PM10", "Consumption (kWh)", "A12", "north", "e", "10-20", "2019-2020", "<10", "15+"] {
            assert_eq!(look(text), Look::Text, "{text}");
        }
        assert_eq!(look("  "), Look::Blank);
    }
}
