//! How times and dates are written.

use std::fmt::Write as _;

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems, parse};
use chrono::{DateTime, NaiveDate};
use serde::Deserialize;

/// How a time or a date is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum TimeFormat {
    /// RFC 3339 text with an offset or `Z`. For a date: the date that such a text itself says, in its own offset.
    Rfc3339,
    /// Milliseconds since 1970 UTC.
    EpochMs,
    /// Seconds since 1970 UTC.
    EpochS,
    /// Microseconds since 1970 UTC.
    EpochUs,
    /// Nanoseconds since 1970 UTC.
    EpochNs,
    /// Days since 30 December 1899 as Excel counts them, in local time; the fraction is the time of day.
    Excel,
    /// As `strftime` writes it, such as `%d.%m.%Y %H:%M`.
    Pattern(String),
}

impl TryFrom<String> for TimeFormat {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "rfc3339" => Ok(Self::Rfc3339),
            "epoch_ms" => Ok(Self::EpochMs),
            "epoch_s" => Ok(Self::EpochS),
            "epoch_us" => Ok(Self::EpochUs),
            "epoch_ns" => Ok(Self::EpochNs),
            "excel" => Ok(Self::Excel),
            pattern if pattern.contains('%') && !StrftimeItems::new(pattern).any(|item| item == Item::Error) => {
                sound(pattern).map(Self::Pattern)
            }
            _ => Err(format!(
                "\"{text}\" is no format: write rfc3339, epoch_s, epoch_ms, epoch_us, epoch_ns, excel, or a pattern such as %Y-%m-%d %H:%M"
            )),
        }
    }
}

/// The pattern as it is read. Refuses what the parser takes and does not read.
fn sound(pattern: &str) -> Result<String, String> {
    // To others, the digits behind a point are a fraction; to the parser they are a count of nanoseconds.
    let text = fractions(pattern);
    for item in StrftimeItems::new(&text) {
        match item {
            Item::Fixed(Fixed::TimezoneName) => {
                return Err(format!(
                    "\"{pattern}\" has %Z, and names of time zones such as CET are not read: write %z for offsets such as \
                     +01:00, or a name that always stands there as it is, such as \" UTC\", and zone = \"UTC\""
                ));
            }
            Item::Numeric(Numeric::Nanosecond, _) => {
                return Err(format!(
                    "\"{pattern}\" has %f, a count of nanoseconds: write %.f for a point and decimals, or %3f, %6f or %9f for \
                     so many digits"
                ));
            }
            _ => {}
        }
    }
    Ok(text)
}

/// The pattern with `%.f` in place of `.%f`.
fn fractions(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(next) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("%%") {
            text.push_str("%%");
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix(".%f") {
            text.push_str("%.f");
            rest = behind;
        } else {
            text.push(next);
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
    }
    text
}

/// What the letters of a pattern say of the zone of its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lettered {
    /// They are of UTC.
    Utc,
    /// They are of another zone, or offset.
    Other,
}

/// Stands for the specifiers of a pattern.
const SPECIFIER: char = '\u{0}';
/// Names of UTC.
const UTC: [&str; 3] = ["Z", "UTC", "GMT"];
/// Names of other zones that are written beside times.
const ZONES: [&str; 24] = [
    "CET", "CEST", "MET", "MEST", "MEZ", "MESZ", "WET", "WEST", "EET", "EEST", "BST", "IST", "MSK", "EST", "EDT",
    "CST", "CDT", "MST", "MDT", "PST", "PDT", "JST", "AEST", "AEDT",
];

impl TimeFormat {
    /// Whether texts of this format say how far they are from UTC.
    pub fn has_offset(&self) -> bool {
        // Its item has no name of its own, nor have those of `%3f` and the like.
        let permissive = StrftimeItems::new("%#z").next();
        let says_offset = |item: Item| {
            let offset = |numeric: &Fixed| {
                matches!(
                    numeric,
                    Fixed::TimezoneOffset
                        | Fixed::TimezoneOffsetZ
                        | Fixed::TimezoneOffsetColon
                        | Fixed::TimezoneOffsetColonZ
                        | Fixed::TimezoneOffsetDoubleColon
                        | Fixed::TimezoneOffsetTripleColon
                        | Fixed::RFC2822
                        | Fixed::RFC3339
                )
            };
            matches!(&item, Item::Fixed(fixed) if offset(fixed))
                || Some(&item) == permissive.as_ref()
                || matches!(&item, Item::Numeric(Numeric::Timestamp, _))
        };
        match self {
            Self::Pattern(pattern) => StrftimeItems::new(pattern).any(says_offset),
            Self::Excel => false,
            _ => true,
        }
    }

    /// The pattern and the zone or offset that its letters name in place of a specifier: what it reads would be local times.
    pub(super) fn zone_by_letters(&self) -> Option<(&str, Lettered)> {
        let Self::Pattern(pattern) = self else { return None };
        if self.has_offset() || !has_time_of_day(pattern) {
            return None;
        }
        let letters: String = StrftimeItems::new(pattern)
            .map(|item| match item {
                Item::Literal(text) => text.to_owned(),
                Item::Space(_) => " ".to_owned(),
                _ => SPECIFIER.to_string(),
            })
            .collect();
        let mut words = letters.split(|letter: char| !letter.is_ascii_alphabetic());
        let zone = words.find_map(|word| match word {
            word if UTC.iter().any(|name| word.eq_ignore_ascii_case(name)) => Some(Lettered::Utc),
            word if ZONES.contains(&word) => Some(Lettered::Other),
            _ => None,
        });
        let behind = letters.rsplit(SPECIFIER).next().unwrap_or_default();
        let lettered = zone.or_else(|| {
            let digits: String = behind.split_once(['+', '-'])?.1.chars().filter(char::is_ascii_digit).collect();
            match digits.bytes().all(|digit| digit == b'0') {
                _ if digits.is_empty() => None,
                true => Some(Lettered::Utc),
                false => Some(Lettered::Other),
            }
        })?;
        Some((pattern, lettered))
    }

    /// The pattern and what it lacks, if no text of it can be a time: the year, or whether it is before noon. `is_date` if
    /// the date alone is needed. What it is not is found by writing a time with it and reading that.
    pub(super) fn lacks(&self, is_date: bool) -> Option<(&str, &'static str)> {
        let Self::Pattern(pattern) = self else { return None };
        let written = sample(pattern);
        let read = written.as_deref().and_then(|text| parsed_time(text, pattern));
        let has_time = has_time_of_day(pattern);
        let why = match read {
            None => "pattern that can be read: what it writes is not what it reads",
            Some(read) if read.to_naive_date().is_err() && read.to_datetime().is_err() => {
                "whole date: a year, a month and a day are needed, such as %Y-%m-%d; a date and a time in two fields are read \
                 with fields = [...]"
            }
            Some(_) if is_date || !has_time => return None,
            Some(read) if self.has_offset() && read.to_datetime().is_ok() => return None,
            Some(read) if !self.has_offset() && read.to_naive_time().is_ok() => return None,
            Some(_) => {
                "whole time of day: %H is an hour of 24; %I is one of 12 and needs %p; %M needs an hour, and %S minutes"
            }
        };
        Some((pattern, why))
    }
}

/// What a text says by a pattern. An hour alone is a full one, and `%z` takes `Z` as well.
pub fn parsed_time(text: &str, pattern: &str) -> Option<Parsed> {
    let read = |pattern: &str| {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, StrftimeItems::new(pattern)).ok()?;
        Some(parsed)
    };
    let mut parsed = read(pattern).or_else(|| {
        let is_utc = text.ends_with(['Z', 'z']);
        read(&with_any_offset(pattern)?).filter(|_| is_utc)
    })?;
    if !are_whole(text, pattern) {
        return None;
    }
    let is_hour = parsed.hour_div_12().is_some() && parsed.hour_mod_12().is_some();
    if is_hour && parsed.minute().is_none() && parsed.second().is_none() && parsed.nanosecond().is_none() {
        parsed.set_minute(0).ok()?;
    }
    Some(parsed)
}

/// The date that a text says by a pattern of a date alone.
pub fn parsed_date(text: &str, pattern: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, pattern).ok().filter(|_| are_whole(text, pattern))
}

/// Whether numbers that stand next to each other have all of their digits. The parser takes `105` for 10:05 by `%H%M`, and
/// `2026111` for 1 November by `%Y%m%d`.
fn are_whole(text: &str, pattern: &str) -> bool {
    let mut rest = text;
    let mut items = StrftimeItems::new(pattern).peekable();
    let digits = |rest: &str| rest.bytes().take_while(u8::is_ascii_digit).count();
    while let Some(item) = items.next() {
        let skipped = match item {
            Item::Numeric(ref part, _) => {
                let (mut width, mut parts) = (width(part), 1);
                while let Some(Item::Numeric(next, _)) = items.peek() {
                    (width, parts) = (width.zip(self::width(next)).map(|(width, next)| width + next), parts + 1);
                    items.next();
                }
                rest = rest.trim_start();
                let found = digits(rest);
                // Digits of a fraction may follow, which have no separator either.
                let is_last = !matches!(items.peek(), Some(Item::Fixed(_)));
                if parts > 1 && width.is_some_and(|width| if is_last { found != width } else { found < width }) {
                    return false;
                }
                found.max(usize::from(rest.starts_with(['+', '-'])))
            }
            Item::Literal(text) => text.len(),
            Item::Space(_) => rest.len() - rest.trim_start().len(),
            // A name, or what only the parser knows the end of.
            Item::Fixed(_) => match rest.bytes().take_while(u8::is_ascii_alphabetic).count() {
                0 => return true,
                letters => letters,
            },
            _ => return true,
        };
        rest = rest.get(skipped..).unwrap_or_default();
    }
    true
}

/// How many digits a number has that stands next to others.
fn width(part: &Numeric) -> Option<usize> {
    match part {
        Numeric::Year | Numeric::IsoYear => Some(4),
        Numeric::Ordinal => Some(3),
        Numeric::YearMod100
        | Numeric::IsoYearMod100
        | Numeric::Month
        | Numeric::Day
        | Numeric::Hour
        | Numeric::Hour12
        | Numeric::Minute
        | Numeric::Second
        | Numeric::WeekFromSun
        | Numeric::WeekFromMon
        | Numeric::IsoWeek => Some(2),
        _ => None,
    }
}

/// A pattern that ends in `%z` or `%:z`, with `%#z` in place of it, which takes `Z` as well.
fn with_any_offset(pattern: &str) -> Option<String> {
    let before = pattern.strip_suffix("%:z").or_else(|| pattern.strip_suffix("%z"))?;
    // `%%z` is a percent sign and a letter.
    let is_escaped = before.bytes().rev().take_while(|byte| *byte == b'%').count() % 2 == 1;
    (!is_escaped).then(|| format!("{before}%#z"))
}

/// Whether a pattern has any part of a time of day.
pub fn has_time_of_day(pattern: &str) -> bool {
    StrftimeItems::new(pattern).any(|item| match item {
        Item::Numeric(part, _) => matches!(
            part,
            Numeric::Hour
                | Numeric::Hour12
                | Numeric::Minute
                | Numeric::Second
                | Numeric::Nanosecond
                | Numeric::Timestamp
        ),
        Item::Fixed(part) => !matches!(
            part,
            Fixed::ShortMonthName | Fixed::LongMonthName | Fixed::ShortWeekdayName | Fixed::LongWeekdayName
        ),
        _ => false,
    })
}

/// A time as a pattern writes it; none if it cannot.
fn sample(pattern: &str) -> Option<String> {
    let time = DateTime::from_timestamp(1_795_095_956, 789_000_000)?.fixed_offset();
    let mut text = String::new();
    // Some ways to write an offset are only read.
    write!(text, "{}", time.format(&pattern.replace("%#z", "%z"))).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(pattern: &str) -> Result<TimeFormat, String> {
        TimeFormat::try_from(pattern.to_owned())
    }

    #[test]
    fn numbers_without_separators_have_all_of_their_digits() {
        for (text, pattern, is_read) in [
            ("20260105 0115", "%Y%m%d %H%M", true),
            ("20260105 115", "%Y%m%d %H%M", false),
            ("20260105 005", "%Y%m%d %H%M", false),
            ("20260105115", "%Y%m%d%H%M", false),
            ("202601050115", "%Y%m%d%H%M", true),
            ("2026111", "%Y%m%d", false),
            ("26111", "%y%m%d", false),
            ("260111", "%y%m%d", true),
            ("2026005", "%Y%j", true),
            ("20265", "%Y%j", false),
            ("1.2.2026 115", "%d.%m.%Y %H%M", false),
            ("1.2.2026 0115", "%d.%m.%Y %H%M", true),
            ("1.2.2026 1:15", "%d.%m.%Y %H:%M", true),
            ("1-Feb-2026 115", "%d-%b-%Y %H%M", false),
            ("1-Feb-2026 0115", "%d-%b-%Y %H%M", true),
            ("20260105011503250", "%Y%m%d%H%M%S%3f", true),
            ("20260105T0115Z", "%Y%m%dT%H%M%#z", true),
            ("20260105T115Z", "%Y%m%dT%H%M%#z", false),
            ("202601050115+0100", "%Y%m%d%H%M%z", true),
        ] {
            assert_eq!(parsed_time(text, pattern).is_some(), is_read, "{text} by {pattern}");
            if !has_time_of_day(pattern) {
                assert_eq!(parsed_date(text, pattern).is_some(), is_read, "{text} by {pattern}");
            }
        }
    }

    #[test]
    fn a_pattern_is_a_whole_time_or_refused() {
        let dates = [
            "%Y-%m-%d",
            "%d.%m.%y",
            "%e %b %Y",
            "%G-W%V-%u",
            "%Y%j",
            "%D",
            "%F",
            "%Y-%W-%a",
            "%A %d %B %Y",
            "%s",
            "%+",
        ];
        let no_dates = ["%m-%d", "%Y-%m", "%H:%M", "%d %B", "%Y", "%y-%m", "%a %H"];
        let times = [
            "%H",
            "%H:%M",
            "%H:%M:%S",
            "%H:%M:%S%.f",
            "%H:%M:%S%.3f",
            "%T",
            "%R",
            "%I %p",
            "%I%P",
            "%I:%M %p",
            "%l:%M:%S %p",
            "%r",
            "%k:%M",
            "%H%M%S%3f",
            "%Hh%M",
            "%H:%M%z",
            "%H %:z",
            "%X",
            "%H:%M:%S%#z",
            "%p %H",
        ];
        let no_times = [
            "%I", "%I:%M", "%l:%M:%S", "%M", "%S", "%M:%S", "%p", "%H %S", "%I:%S %p", "%M %p", "%H%.f", "%.f",
            "%H:%M%.f", "%S%.f", "%I%z",
        ];
        for date in dates {
            assert_eq!(format(date).unwrap().lacks(true), None, "{date}");
            assert_eq!(format(date).unwrap().lacks(false), None, "{date}");
        }
        for date in no_dates {
            assert!(format(date).unwrap().lacks(true).is_some(), "{date}");
            for time in times {
                assert!(format(&format!("{date} {time}")).unwrap().lacks(false).is_some(), "{date} {time}");
            }
        }
        for date in ["%Y-%m-%d", "%d/%m/%y", "%j %Y"] {
            for time in times {
                assert_eq!(format(&format!("{date} {time}")).unwrap().lacks(false), None, "{time}");
                assert_eq!(format(&format!("{time} {date}")).unwrap().lacks(false), None, "{time}");
            }
            for time in no_times {
                let format = format(&format!("{date} {time}")).unwrap();
                assert!(format.lacks(false).is_some_and(|(_, why)| why.contains("%p")), "{time}");
                assert_eq!(format.lacks(true), None, "{time}: the date is there");
            }
        }
    }

    #[test]
    fn what_is_taken_and_not_read_is_refused_with_what_to_write() {
        for pattern in ["%Y-%m-%d %H:%M %Z", "%Z"] {
            assert!(format(pattern).unwrap_err().contains("write %z"), "{pattern}");
        }
        for pattern in ["%H:%M:%S,%f", "%S%f", "%f", "%%.%%f %f"] {
            assert!(format(pattern).unwrap_err().contains("write %.f"), "{pattern}");
        }
        for (pattern, read) in [("%S.%f", "%S%.f"), (".%f%%.%f", "%.f%%%.f"), ("%S%%.f é", "%S%%.f é"), ("%6f", "%6f")]
        {
            assert_eq!(format(pattern), Ok(TimeFormat::Pattern(read.to_owned())), "{pattern}");
        }
    }
}
