//! Whether a text is a date or a time by a column's declaration.

use std::ops::RangeInclusive;

use chrono::format::{Item, Numeric, Parsed, StrftimeItems, parse_and_remainder};
use chrono::{
    DateTime, Datelike, Days, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone,
};

use super::{Verdict, whole};
use crate::dataset::{Ambiguous, Column, TimeFormat};
use crate::partition::YEARS;
use crate::time::parse_day;

/// The instants of [`YEARS`] in UTC, in microseconds since 1970.
const INSTANTS: RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

impl Column {
    /// A date before `null_before` is missing, whatever its year.
    pub(super) fn judge_date(&self, text: &str) -> Verdict {
        match date(&self.format, text) {
            Some(date) if self.null_before.is_some_and(|first| date < first) => Verdict::Missing,
            Some(date) if YEARS.contains(&date.year()) => Verdict::Value,
            _ => Verdict::Refused,
        }
    }

    pub(super) fn is_instant(&self, text: &str) -> bool {
        let known = if self.format.is_empty() { &[TimeFormat::Rfc3339] } else { self.format.as_slice() };
        known.iter().find_map(|format| self.micros(format, text)).is_some_and(|micros| INSTANTS.contains(&micros))
    }

    /// Microseconds since 1970 of a text of one format.
    fn micros(&self, format: &TimeFormat, text: &str) -> Option<i64> {
        let local = match format {
            TimeFormat::EpochS | TimeFormat::EpochMs | TimeFormat::EpochUs | TimeFormat::EpochNs => {
                return epoch(format, text);
            }
            TimeFormat::Rfc3339 => match rfc3339(text) {
                Some(time) => return Some(time.timestamp_micros()),
                None => without_offset(text),
            },
            TimeFormat::Excel => excel(text),
            TimeFormat::Pattern(pattern) if !has_whole_year(text, pattern) => None,
            TimeFormat::Pattern(pattern) if format.has_offset() => {
                return with_offset(text, pattern).map(|time| time.timestamp_micros());
            }
            TimeFormat::Pattern(pattern) => {
                let midnight = || NaiveDate::parse_from_str(text, pattern).ok().map(|day| day.and_time(NaiveTime::MIN));
                local_of(text, pattern).or_else(midnight)
            }
        };
        match self.zone?.from_local_datetime(&local?) {
            MappedLocalTime::Single(time) => Some(time.timestamp_micros()),
            MappedLocalTime::Ambiguous(time, _) => {
                (self.ambiguous() != Ambiguous::Reject).then(|| time.timestamp_micros())
            }
            MappedLocalTime::None => None,
        }
    }
}

/// The date that a text says.
fn date(formats: &[TimeFormat], text: &str) -> Option<NaiveDate> {
    if formats.is_empty() {
        // The parser takes other numbers of digits for a year: more of them are at least a date.
        let beyond = |date: &NaiveDate| !YEARS.contains(&date.year());
        return parse_day(text).ok().or_else(|| text.parse().ok().filter(beyond));
    }
    formats.iter().find_map(|format| match format {
        TimeFormat::Rfc3339 => rfc3339(text).map(|time| time.date_naive()),
        TimeFormat::Pattern(pattern) if !has_whole_year(text, pattern) => None,
        TimeFormat::Pattern(pattern) => {
            let with_time = || local_of(text, pattern).map(|time| time.date());
            NaiveDate::parse_from_str(text, pattern).ok().or_else(with_time)
        }
        TimeFormat::Excel => excel(text).map(|time| time.date()),
        TimeFormat::EpochMs | TimeFormat::EpochS | TimeFormat::EpochUs | TimeFormat::EpochNs => None,
    })
}

/// Microseconds since 1970 of a count from there.
fn epoch(format: &TimeFormat, text: &str) -> Option<i64> {
    let count = text.parse::<i64>().ok().or_else(|| whole(text, false, false))?;
    match format {
        TimeFormat::EpochS => count.checked_mul(1_000_000),
        TimeFormat::EpochMs => count.checked_mul(1000),
        TimeFormat::EpochNs => Some(count.div_euclid(1000)),
        _ => Some(count),
    }
}

/// The date and time of day of a number of Excel's, to the millisecond. Excel has a 29 February 1900, which was none.
fn excel(text: &str) -> Option<NaiveDateTime> {
    const MILLIS: f64 = 86_400_000.0;
    let days: f64 = text.parse().ok()?;
    if !(1.0..2_958_466.0).contains(&days) || (60.0..61.0).contains(&days) {
        return None;
    }
    let first = NaiveDate::from_ymd_opt(1899, 12, if days < 60.0 { 31 } else { 30 })?;
    // At most 2^48: a double has them all.
    let millis = (days * MILLIS).round() as i64;
    first.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::try_milliseconds(millis)?)
}

/// A time of RFC 3339. `24:00` is midnight of the next day.
fn rfc3339(text: &str) -> Option<DateTime<FixedOffset>> {
    let parsed = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    parsed(text).or_else(|| day_after(parsed(&with_midnight(text, 11)?)?))
}

/// A time like RFC 3339, but for the offset.
fn without_offset(text: &str) -> Option<NaiveDateTime> {
    let pattern = "%Y-%m-%d %H:%M:%S%.f";
    let with_blank = |text: &str| NaiveDateTime::parse_from_str(text, pattern).ok();
    let parsed = |text: &str| text.parse().ok().or_else(|| with_blank(text));
    if !has_whole_year(text, pattern) {
        return None;
    }
    parsed(text).or_else(|| next_day(parsed(&with_midnight(text, 11)?)?))
}

/// The date and time of day that a text says.
fn local_of(text: &str, pattern: &str) -> Option<NaiveDateTime> {
    let parsed = |text: &str| NaiveDateTime::parse_from_str(text, pattern).ok();
    parsed(text).or_else(|| next_day(parsed(&with_midnight(text, hour_in(text, pattern)?)?)?))
}

/// The same of a text that says how far it is from UTC.
fn with_offset(text: &str, pattern: &str) -> Option<DateTime<FixedOffset>> {
    let parsed = |text: &str| DateTime::parse_from_str(text, pattern).ok();
    parsed(text).or_else(|| day_after(parsed(&with_midnight(text, hour_in(text, pattern)?)?)?))
}

fn day_after(midnight: DateTime<FixedOffset>) -> Option<DateTime<FixedOffset>> {
    (midnight.time() == NaiveTime::MIN).then(|| midnight.checked_add_days(Days::new(1)))?
}

fn next_day(midnight: NaiveDateTime) -> Option<NaiveDateTime> {
    (midnight.time() == NaiveTime::MIN).then(|| midnight.checked_add_days(Days::new(1)))?
}

/// The text with `00` in place of a `24` that begins at `at`.
fn with_midnight(text: &str, at: usize) -> Option<String> {
    let (before, rest) = text.split_at_checked(at)?;
    Some(format!("{before}00{}", rest.strip_prefix("24")?))
}

/// Where in a text the hour of 24 stands.
fn hour_in(text: &str, pattern: &str) -> Option<usize> {
    let items: Vec<Item> = StrftimeItems::new(pattern).collect();
    let at = items.iter().position(|item| matches!(item, Item::Numeric(Numeric::Hour, _)))?;
    let rest = parse_and_remainder(&mut Parsed::new(), text, items.iter().take(at)).ok()?;
    Some(text.len() - rest.trim_start().len())
}

/// Whether a text has four digits where a pattern has `%Y`: the parser takes fewer as well.
fn has_whole_year(text: &str, pattern: &str) -> bool {
    let items: Vec<Item> = StrftimeItems::new(pattern).collect();
    let is_year = |item: &Item| matches!(item, Item::Numeric(Numeric::Year, _));
    let Some(at) = items.iter().position(is_year) else { return true };
    match parse_and_remainder(&mut Parsed::new(), text, items.iter().take(at)) {
        Ok(rest) => rest.trim_start().bytes().take_while(u8::is_ascii_digit).take(4).count() == 4,
        Err(_) => false,
    }
}
