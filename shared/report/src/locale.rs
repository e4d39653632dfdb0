//! How people of a country write dates and numbers, and the fixed words of a page.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use crate::declare::As;
use crate::rows;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    English,
    American,
    Dutch,
    French,
    German,
}

/// The fixed words: key and the word in English, Dutch, French and German. A `[words]` table of `report.toml` replaces
/// single ones, by which a page can be in any language.
const WORDS: &[(&str, [&str; 4])] = &[
    ("newest", ["Data up to", "Gegevens tot en met", "Données jusqu’au", "Daten bis"]),
    ("no_data", ["There is no data yet.", "Er zijn nog geen gegevens.", "Pas encore de données.", "Noch keine Daten."]),
    ("numbers", ["Numbers", "Cijfers", "Chiffres", "Zahlen"]),
    ("query", ["Query (SQL)", "Query (SQL)", "Requête (SQL)", "Abfrage (SQL)"]),
    ("how", ["How to read this", "Hoe lees je dit", "Comment lire cette page", "So liest man das"]),
    ("source", ["Source", "Bron", "Source", "Quelle"]),
    ("licence", ["Licence", "Licentie", "Licence", "Lizenz"]),
    ("missing", ["no data", "geen gegevens", "pas de données", "keine Daten"]),
    ("better", ["better", "beter", "mieux", "besser"]),
    ("worse", ["worse", "slechter", "moins bien", "schlechter"]),
    ("same", ["unchanged", "ongewijzigd", "inchangé", "unverändert"]),
    ("none", ["None.", "Geen.", "Aucun.", "Keine."]),
    ("yes", ["yes", "ja", "oui", "ja"]),
    ("no", ["no", "nee", "non", "nein"]),
    ("more_rows", ["and {n} more", "en nog {n}", "et {n} de plus", "und {n} weitere"]),
    (
        "failed",
        [
            "This could not be made. The report command says why.",
            "Dit kon niet worden gemaakt. Het rapportcommando zegt waarom.",
            "Ceci n’a pas pu être produit. La commande de rapport dit pourquoi.",
            "Das konnte nicht erstellt werden. Der Berichtsbefehl nennt den Grund.",
        ],
    ),
    (
        "too_many",
        [
            "Too many values to draw; the numbers are below.",
            "Te veel waarden om te tekenen; de cijfers staan hieronder.",
            "Trop de valeurs à dessiner ; les chiffres sont ci-dessous.",
            "Zu viele Werte zum Zeichnen; die Zahlen stehen unten.",
        ],
    ),
    (
        "personal",
        [
            "This page has names in it. Do not pass it on.",
            "Deze pagina bevat namen. Geef ze niet door.",
            "Cette page contient des noms. Ne la diffusez pas.",
            "Diese Seite enthält Namen. Bitte nicht weitergeben.",
        ],
    ),
    ("contents", ["On this page", "Op deze pagina", "Sur cette page", "Auf dieser Seite"]),
    ("week_of", ["week of", "week van", "semaine du", "Woche ab"]),
    ("skip", ["Skip to the content", "Naar de inhoud", "Aller au contenu", "Zum Inhalt"]),
];

/// Numbers from this on are written by their power of ten.
const LARGE: f64 = 1e15;
/// From here on downwards as well, where nobody says how many decimals there are.
const TINY: f64 = 1e-6;

const DAYS: [[&str; 7]; 4] = [
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    ["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"],
    ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
];
const SHORT_DAYS: [[&str; 7]; 4] = [
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    ["ma", "di", "wo", "do", "vr", "za", "zo"],
    ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."],
    ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"],
];
const MONTHS: [[&str; 12]; 4] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
    [
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
    ],
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
];
const SHORT_MONTHS: [[&str; 12]; 4] = [
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"],
    ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
    ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."],
];
const COUNTS: [&str; 13] =
    ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

/// Language, country and time zone of a page.
#[derive(Debug, Clone)]
pub(crate) struct Locale {
    tag: String,
    language: Language,
    words: BTreeMap<String, String>,
    zone: Tz,
}

fn pick<const N: usize>(table: &[[&'static str; N]; 4], language: usize, place: usize) -> &'static str {
    table.get(language).and_then(|names| names.get(place)).copied().unwrap_or_default()
}

fn language(tag: &str) -> Option<Language> {
    let mut parts = tag.split('-');
    match (parts.next()?, parts.next()) {
        ("en", Some("US")) => Some(Language::American),
        ("en", _) => Some(Language::English),
        ("nl", _) => Some(Language::Dutch),
        ("fr", _) => Some(Language::French),
        ("de", _) => Some(Language::German),
        _ => None,
    }
}

/// Whether dates and numbers can be written in this language.
pub(crate) fn is_known(tag: &str) -> bool {
    language(tag).is_some()
}

/// The keys that `[words]` may have.
pub(crate) fn word_keys() -> impl Iterator<Item = &'static str> + Clone {
    WORDS.iter().map(|(key, _)| *key)
}

impl Locale {
    pub(crate) fn new(tag: &str, words: &BTreeMap<String, String>, zone: Tz) -> Self {
        let language = language(tag).unwrap_or(Language::English);
        Self { tag: tag.to_owned(), language, words: words.clone(), zone }
    }

    /// The language tag, for the page's `lang`.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    fn place(&self) -> usize {
        match self.language {
            Language::English | Language::American => 0,
            Language::Dutch => 1,
            Language::French => 2,
            Language::German => 3,
        }
    }

    /// One of the fixed words.
    pub(crate) fn word(&self, key: &str) -> String {
        let built_in = || {
            let found = WORDS.iter().find(|(name, _)| *name == key);
            found.and_then(|(_, words)| words.get(self.place())).map_or_else(String::new, |word| (*word).to_owned())
        };
        self.words.get(key).cloned().unwrap_or_else(built_in)
    }

    /// Whether weeks begin on Sundays.
    pub(crate) fn sunday_first(&self) -> bool {
        self.language == Language::American
    }

    /// `Thursday 19 November 2026`.
    pub(crate) fn long_day(&self, day: NaiveDate) -> String {
        let weekday = self.weekday(day.weekday().num_days_from_monday() as usize);
        let (date, month, year) = (day.day(), pick(&MONTHS, self.place(), day.month0() as usize), day.year());
        match self.language {
            Language::American => format!("{weekday}, {month} {date}, {year}"),
            Language::German => format!("{weekday}, {date}. {month} {year}"),
            Language::French if date == 1 => format!("{weekday} 1er {month} {year}"),
            _ => format!("{weekday} {date} {month} {year}"),
        }
    }

    /// `Thu 19 Nov 2026`.
    pub(crate) fn day(&self, day: NaiveDate) -> String {
        match self.language {
            Language::American => format!("{}, {}", self.short_day(day), day.year()),
            _ => format!("{} {}", self.short_day(day), day.year()),
        }
    }

    /// `Thu 19 Nov`.
    pub(crate) fn short_day(&self, day: NaiveDate) -> String {
        format!("{} {}", self.short_weekday(day.weekday().num_days_from_monday() as usize), self.date(day))
    }

    /// `19 Nov`.
    pub(crate) fn date(&self, day: NaiveDate) -> String {
        let month = pick(&SHORT_MONTHS, self.place(), day.month0() as usize);
        match self.language {
            Language::American => format!("{month} {}", day.day()),
            Language::German => format!("{}. {month}", day.day()),
            _ => format!("{} {month}", day.day()),
        }
    }

    /// `November 2026`.
    pub(crate) fn month(&self, day: NaiveDate) -> String {
        format!("{} {}", pick(&MONTHS, self.place(), day.month0() as usize), day.year())
    }

    /// `Nov`, with the year in January and where `with_year` says so.
    pub(crate) fn short_month(&self, day: NaiveDate, with_year: bool) -> String {
        let month = pick(&SHORT_MONTHS, self.place(), day.month0() as usize);
        if with_year { format!("{month} {}", day.year()) } else { month.to_owned() }
    }

    /// The weekday's name, 0 is Monday.
    pub(crate) fn weekday(&self, from_monday: usize) -> &'static str {
        pick(&DAYS, self.place(), from_monday)
    }

    /// The weekday's short name, 0 is Monday.
    pub(crate) fn short_weekday(&self, from_monday: usize) -> &'static str {
        pick(&SHORT_DAYS, self.place(), from_monday)
    }

    /// `Thursday 19 November 2026, 14:00`, in the page's time zone.
    pub(crate) fn time(&self, stamp: DateTime<Utc>, long: bool) -> String {
        let local = stamp.with_timezone(&self.zone);
        let day = if long { self.long_day(local.date_naive()) } else { self.day(local.date_naive()) };
        format!("{day}, {}", self.clock(local.hour(), local.minute()))
    }

    /// A full hour.
    pub(crate) fn hour(&self, hour: u32) -> String {
        if self.language == Language::American {
            let half = if hour % 24 < 12 { "AM" } else { "PM" };
            return format!("{} {half}", (hour + 11) % 12 + 1);
        }
        format!("{hour:02}:00")
    }

    /// A time of day.
    pub(crate) fn clock(&self, hour: u32, minute: u32) -> String {
        if self.language == Language::American {
            let half = if hour % 24 < 12 { "AM" } else { "PM" };
            return format!("{}:{minute:02} {half}", (hour + 11) % 12 + 1);
        }
        format!("{hour:02}:{minute:02}")
    }

    /// A number with so many decimals, or as many as matter; a large one by its power of ten.
    pub(crate) fn number(&self, value: f64, digits: Option<usize>) -> String {
        let value = value.clamp(f64::MIN, f64::MAX);
        let is_tiny = digits.is_none() && value != 0.0 && value.abs() < TINY;
        if value.abs() >= LARGE || is_tiny {
            return self.by_power(value);
        }
        let digits = digits.unwrap_or_else(|| match value.abs() {
            // Two that say something: it is not zero.
            size if size > 0.0 && size < 0.01 => (1.0 - size.log10().floor()) as usize,
            size if size.fract() == 0.0 || size >= 100.0 => 0,
            size if size < 1.0 => 2,
            _ => 1,
        });
        let text = format!("{:.digits$}", value.abs());
        // What rounds to 0 has no sign.
        let minus = value < 0.0 && text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
        self.digits(minus, &text)
    }

    /// `1.25×10¹⁸`: all its digits would be wider than a drawing, and most of them made up.
    fn by_power(&self, value: f64) -> String {
        let text = format!("{:.4e}", value.abs());
        let (size, power) = text.split_once('e').unwrap_or((&text, "0"));
        let size = self.digits(value < 0.0, size.trim_end_matches('0').trim_end_matches('.'));
        const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
        let raised = power.chars().filter_map(|digit| match digit {
            '-' => Some(&'⁻'),
            digit => RAISED.get(digit.to_digit(10)? as usize),
        });
        format!("{size}×10{}", raised.collect::<String>())
    }

    /// Groups the digits of a number without a sign, which may have a point.
    fn digits(&self, minus: bool, text: &str) -> String {
        let (whole, part) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
        let (group, point) = match self.language {
            Language::English | Language::American => (',', '.'),
            Language::Dutch | Language::German => ('.', ','),
            Language::French => ('\u{202f}', ','),
        };
        let mut out = String::new();
        if minus {
            out.push('\u{2212}');
        }
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place) % 3 == 0 {
                out.push(group);
            }
            out.push(digit);
        }
        if let Some(part) = part {
            out.push(point);
            out.push_str(part);
        }
        out
    }

    /// A number's text with its unit.
    pub(crate) fn with_unit(&self, number: &str, unit: &str) -> String {
        let blank = unit == "%" && !matches!(self.language, Language::French | Language::German);
        match unit {
            "" => number.to_owned(),
            unit if blank => format!("{number}{unit}"),
            unit => format!("{number}\u{a0}{unit}"),
        }
    }

    /// A number of hundredths with its sign: `29%`, `29 %` where the language has a blank there.
    pub(crate) fn percent(&self, hundredths: f64, digits: Option<usize>) -> String {
        self.with_unit(&self.number(hundredths, digits.or(Some(0))), "%")
    }

    /// A small count as a word, where the language has a list of them.
    pub(crate) fn count(&self, value: f64) -> String {
        let english = matches!(self.language, Language::English | Language::American);
        let word = (english && value.fract() == 0.0 && value >= 0.0).then(|| COUNTS.get(value as usize)).flatten();
        word.map_or_else(|| self.number(value, None), |word| (*word).to_owned())
    }

    /// A value as people read it; a missing one is what the language calls that.
    pub(crate) fn value(&self, value: Option<&Value>, shown: As, digits: Option<usize>, unit: &str) -> String {
        let Some(value) = value else { return self.word("missing") };
        let with_unit = |text: String| self.with_unit(&text, unit);
        let number = rows::number(value).filter(|_| !value.is_string() || shown == As::Number);
        // Whole numbers have all their digits: they may be ids.
        if matches!(shown, As::Auto | As::Number)
            && digits.unwrap_or(0) == 0
            && let Value::Number(whole) = value
            && !whole.is_f64()
            && number.is_some_and(|number| number.abs() >= LARGE)
        {
            let text = whole.to_string();
            return with_unit(self.digits(text.starts_with('-'), text.trim_start_matches('-')));
        }
        match shown {
            As::Auto => match (value, rows::day(value), number) {
                (Value::Bool(is), ..) => self.word(if *is { "yes" } else { "no" }),
                (Value::String(text), Some(day), _) if text.len() == 10 => self.day(day),
                (Value::String(_), Some(_), _) => {
                    rows::instant(value).map_or_else(|| rows::plain(value), |stamp| self.time(stamp, false))
                }
                (.., Some(number)) => with_unit(self.number(number, digits)),
                _ => rows::plain(value),
            },
            As::Number => number.map_or_else(|| rows::plain(value), |number| with_unit(self.number(number, digits))),
            As::Percent => number.map_or_else(|| rows::plain(value), |share| self.percent(share * 100.0, digits)),
            As::Text => rows::plain(value),
            As::Day => rows::day(value).map_or_else(|| rows::plain(value), |day| self.day(day)),
            As::Week => {
                let week = |day| format!("{} {}", self.word("week_of"), self.day(day));
                rows::day(value).map_or_else(|| rows::plain(value), week)
            }
            As::Month => rows::day(value).map_or_else(|| rows::plain(value), |day| self.month(day)),
            As::Time => rows::instant(value).map_or_else(|| rows::plain(value), |stamp| self.time(stamp, false)),
            As::Hour => number.map_or_else(|| rows::plain(value), |hour| self.hour(hour as u32)),
            As::Weekday => number.map_or_else(
                || rows::plain(value),
                |weekday| self.weekday((weekday as usize).saturating_sub(1)).to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(tag: &str) -> Locale {
        Locale::new(tag, &BTreeMap::new(), chrono_tz::Europe::Brussels)
    }

    #[test]
    fn dates_are_written_as_in_the_country() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        for (tag, long, short) in [
            ("en-BE", "Sunday 1 November 2026", "Sun 1 Nov"),
            ("en-US", "Sunday, November 1, 2026", "Sun Nov 1"),
            ("nl-BE", "zondag 1 november 2026", "zo 1 nov"),
            ("fr-BE", "dimanche 1er novembre 2026", "dim. 1 nov."),
            ("de", "Sonntag, 1. November 2026", "So 1. Nov."),
        ] {
            assert_eq!((locale(tag).long_day(day).as_str(), locale(tag).short_day(day).as_str()), (long, short));
        }
    }

    #[test]
    fn numbers_are_written_as_in_the_country() {
        for (tag, value, digits, text) in [
            ("en", 1_234_567.0, None, "1,234,567"),
            ("en", -0.04, Some(1), "0.0"),
            ("en", -12.34, None, "\u{2212}12.3"),
            ("en", 0.126, None, "0.13"),
            ("en", 0.000_012_34, None, "0.000012"),
            ("en", -0.01, None, "\u{2212}0.01"),
            ("nl", 0.001, None, "0,0010"),
            ("en", 1.5e-9, None, "1.5×10⁻⁹"),
            ("en", 1.5e-9, Some(2), "0.00"),
            ("en", 0.0, None, "0"),
            ("nl", 1234.5, Some(1), "1.234,5"),
            ("fr", 1234.0, None, "1\u{202f}234"),
        ] {
            assert_eq!(locale(tag).number(value, digits), text);
        }
    }

    #[test]
    fn instants_are_in_the_datasets_time_zone() {
        let value = Value::from("2026-11-19T23:00:00Z");
        assert_eq!(locale("en").value(Some(&value), As::Auto, None, ""), "Fri 20 Nov 2026, 00:00");
        assert_eq!(locale("en-US").value(Some(&value), As::Auto, None, ""), "Fri Nov 20, 2026, 12:00 AM");
        assert_eq!(locale("en").value(None, As::Auto, None, ""), "no data");
    }
}
