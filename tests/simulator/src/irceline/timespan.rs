//! The `timespan` parameter: an ISO 8601 interval as the Joda library of the real server reads it.
//!
//! `start/end`, `period/end` and `start/period` are accepted, a bare period is not. Text without a zone is
//! in the server's zone. Years, months, weeks and days of a period count in the server's calendar, whatever
//! the offset of the given instant, so that `P1D` is 23 or 25 hours around a change of the clocks; hours,
//! minutes and seconds are exact.

use std::ops::RangeInclusive;

use chrono::{DateTime, Days, FixedOffset, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Europe::Brussels;

/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;

/// The longest span a single series may be asked for.
const LIMIT: Period = Period { months: 0, days: 367, exact: TimeDelta::zero() };

/// Larger counts in a period are refused, so that no sum can overflow.
const LARGEST_COUNT: i64 = 1_000_000_000;

/// An interval that includes both its ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Timespan {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug)]
struct Period {
    months: u32,
    days: u64,
    exact: TimeDelta,
}

impl Timespan {
    /// Reads an interval, or gives `None` where the real server throws an exception.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (left, right) = text.split_once('/')?;
        let (start, end) = match (is_period(left), is_period(right)) {
            (true, true) => return None,
            (true, false) => {
                let end = parse_instant(right)?;
                (parse_period(left)?.before(end)?, end)
            }
            (false, true) => {
                let start = parse_instant(left)?;
                (start, parse_period(right)?.after(start)?)
            }
            (false, false) => (parse_instant(left)?, parse_instant(right)?),
        };
        (start <= end).then_some(Self { start, end })
    }

    /// What is meant when the parameter is missing: the seven days before `now`.
    pub(crate) fn last_week(now: DateTime<Utc>) -> Self {
        Self { start: now.checked_sub_days(Days::new(7)).unwrap_or(now), end: now }
    }

    /// Whether the span is over the limit for a single series.
    pub(crate) fn is_too_long(&self) -> bool {
        LIMIT.after(self.start).is_some_and(|latest| latest < self.end)
    }

    /// The full hours of the span, counted from 1970, both ends included.
    pub(crate) fn hours(&self) -> RangeInclusive<i64> {
        let first = (self.start.timestamp_millis() + HOUR_MS - 1).div_euclid(HOUR_MS);
        first..=self.end.timestamp_millis().div_euclid(HOUR_MS)
    }
}

impl Period {
    fn add_months(&mut self, count: i64) -> Option<()> {
        self.months = self.months.checked_add(u32::try_from(count).ok()?)?;
        Some(())
    }

    fn add_exact(&mut self, time: TimeDelta) -> Option<()> {
        self.exact = self.exact.checked_add(&time)?;
        Some(())
    }

    fn after(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let shift = |local: NaiveDateTime| {
            local.checked_add_months(Months::new(self.months))?.checked_add_days(Days::new(self.days))
        };
        self.in_calendar(instant, shift)?.checked_add_signed(self.exact)
    }

    fn before(&self, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let shift = |local: NaiveDateTime| {
            local.checked_sub_months(Months::new(self.months))?.checked_sub_days(Days::new(self.days))
        };
        self.in_calendar(instant, shift)?.checked_sub_signed(self.exact)
    }

    fn in_calendar(
        &self,
        instant: DateTime<Utc>,
        shift: impl Fn(NaiveDateTime) -> Option<NaiveDateTime>,
    ) -> Option<DateTime<Utc>> {
        if self.months == 0 && self.days == 0 {
            return Some(instant);
        }
        let local = shift(instant.with_timezone(&Brussels).naive_local())?;
        // A time that the clocks skip is moved on by the hour they skip.
        let existing = |local| Brussels.from_local_datetime(&local).earliest();
        let moved = existing(local).or_else(|| existing(local + TimeDelta::hours(1)))?;
        Some(moved.with_timezone(&Utc))
    }
}

fn is_period(text: &str) -> bool {
    text.starts_with(['P', 'p'])
}

fn parse_period(text: &str) -> Option<Period> {
    let mut period = Period { months: 0, days: 0, exact: TimeDelta::zero() };
    let mut rest = text.get(1..)?;
    let (mut in_time, mut parts) = (false, 0);
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix(['T', 't']).filter(|_| !in_time) {
            (in_time, rest) = (true, time);
            continue;
        }
        let (number, after) = rest.split_at_checked(rest.find(|c: char| c.is_ascii_alphabetic())?)?;
        let unit = after.chars().next()?.to_ascii_uppercase();
        let (count, milliseconds) = parse_count(number)?;
        if milliseconds != 0 && unit != 'S' {
            return None;
        }
        match (in_time, unit) {
            (false, 'Y') => period.add_months(count.checked_mul(12)?)?,
            (false, 'M') => period.add_months(count)?,
            (false, 'W') => period.days += u64::try_from(count).ok()? * 7,
            (false, 'D') => period.days += u64::try_from(count).ok()?,
            (true, 'H') => period.add_exact(TimeDelta::hours(count))?,
            (true, 'M') => period.add_exact(TimeDelta::minutes(count))?,
            (true, 'S') => period.add_exact(TimeDelta::milliseconds(count * 1000 + milliseconds))?,
            _ => return None,
        }
        parts += 1;
        rest = after.get(1..)?;
    }
    (parts > 0).then_some(period)
}

/// A whole number and the milliseconds of its fraction.
fn parse_count(text: &str) -> Option<(i64, i64)> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let count = parse_digits(whole, 1, 10)?;
    (count <= LARGEST_COUNT).then_some((count, parse_fraction(fraction)?))
}

fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    let Some((date, rest)) = text.split_once(['T', 't']) else {
        return in_zone(parse_date(text)?.and_hms_opt(0, 0, 0)?, None);
    };
    let (time, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => rest.split_at_checked(at)?,
        None => (rest, ""),
    };
    in_zone(parse_time(parse_date(date)?, time)?, parse_offset(offset)?)
}

fn in_zone(local: NaiveDateTime, offset: Option<FixedOffset>) -> Option<DateTime<Utc>> {
    match offset {
        Some(offset) => Some(offset.from_local_datetime(&local).earliest()?.with_timezone(&Utc)),
        None => Some(Brussels.from_local_datetime(&local).earliest()?.with_timezone(&Utc)),
    }
}

/// `2026`, `2026-11` or `2026-11-20`.
fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = parse_digits(parts.next()?, 4, 4)?;
    let month = parts.next().map_or(Some(1), |part| parse_digits(part, 1, 2))?;
    let day = parts.next().map_or(Some(1), |part| parse_digits(part, 1, 2))?;
    let date = NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32)?;
    parts.next().is_none().then_some(date)
}

/// Nothing at all, `10`, `10:30`, `10:30:15` or `10:30:15.250`.
fn parse_time(date: NaiveDate, text: &str) -> Option<NaiveDateTime> {
    if text.is_empty() {
        return date.and_hms_opt(0, 0, 0);
    }
    let mut parts = text.split(':');
    let hour = parse_digits(parts.next()?, 1, 2)?;
    let minute = parts.next().map_or(Some(0), |part| parse_digits(part, 1, 2))?;
    let seconds = parts.next().unwrap_or("0");
    let (second, fraction) = seconds.split_once(['.', ',']).unwrap_or((seconds, ""));
    let (second, milliseconds) = (parse_digits(second, 1, 2)?, parse_fraction(fraction)?);
    let time = date.and_hms_milli_opt(hour as u32, minute as u32, second as u32, milliseconds as u32)?;
    parts.next().is_none().then_some(time)
}

/// Nothing (the inner `None`), `Z`, `+02:00`, `+0200` or `+02`.
fn parse_offset(text: &str) -> Option<Option<FixedOffset>> {
    let sign = match text {
        "" => return Some(None),
        "Z" | "z" => return Some(FixedOffset::east_opt(0)),
        _ if text.starts_with('+') => 1,
        _ if text.starts_with('-') => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let minutes = if minutes.is_empty() { 0 } else { parse_digits(minutes, 2, 2)? };
    let seconds = parse_digits(hours, 2, 2)? * 3600 + minutes * 60;
    FixedOffset::east_opt(sign * i32::try_from(seconds).ok()?).map(Some)
}

fn parse_digits(text: &str, fewest: usize, most: usize) -> Option<i64> {
    let right_length = (fewest..=most).contains(&text.len());
    let only_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if right_length && only_digits { text.parse().ok() } else { None }
}

/// The first three digits of a fraction, as milliseconds.
fn parse_fraction(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    parse_digits(text, 1, 9)?;
    let digits: String = text.chars().chain("000".chars()).take(3).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(text: &str) -> (String, String) {
        let span = Timespan::parse(text).unwrap_or_else(|| panic!("{text} was refused"));
        let show = |instant: DateTime<Utc>| instant.format("%FT%H:%M:%S%.f").to_string();
        (show(span.start), show(span.end))
    }

    fn assert_bounds(text: &str, start: &str, end: &str) {
        assert_eq!(bounds(text), (start.to_owned(), end.to_owned()), "{text}");
    }

    #[test]
    fn every_accepted_form_gives_its_bounds() {
        for (text, start, end) in [
            ("2026-01-01T00:00:00Z/2026-01-02T00:00:00Z", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
            ("PT24H/2023-11-23T00:00:00Z", "2023-11-22T00:00:00", "2023-11-23T00:00:00"),
            ("PT24h/2023-11-23TZ", "2023-11-22T00:00:00", "2023-11-23T00:00:00"),
            ("2023-11-23T00:00:00+02:00/PT24h", "2023-11-22T22:00:00", "2023-11-23T22:00:00"),
            ("2023-11-23T00:00:00-0130/pt1h30m", "2023-11-23T01:30:00", "2023-11-23T03:00:00"),
            ("PT0h/2026-06-01T10:30:15.25Z", "2026-06-01T10:30:15.250", "2026-06-01T10:30:15.250"),
            ("PT0.5S/2026-06-01T10:00Z", "2026-06-01T09:59:59.500", "2026-06-01T10:00:00"),
            ("P1D/2026-06-02", "2026-05-31T22:00:00", "2026-06-01T22:00:00"),
            ("P31DT24H/2023-08-01", "2023-06-29T22:00:00", "2023-07-31T22:00:00"),
            ("P1M/2026-03-31TZ", "2026-02-28T01:00:00", "2026-03-31T00:00:00"),
            ("2026-02/P1Y2W", "2026-01-31T23:00:00", "2027-02-14T23:00:00"),
        ] {
            assert_bounds(text, start, end);
        }
    }

    #[test]
    fn a_time_without_a_zone_is_in_brussels() {
        assert_bounds("2026-01-10T12:00/2026-07-10T12:00", "2026-01-10T11:00:00", "2026-07-10T10:00:00");
    }

    #[test]
    fn what_the_real_server_refuses_is_refused() {
        for text in [
            "",
            "PT24H",
            "PT24H/PT1H",
            "PT24H/now",
            "P/2026-01-01",
            "PT/2026-01-01",
            "PT1D/2026-01-01",
            "P1.5D/2026-01-01",
            "PT99999999999H/2026-01-01",
            "2026-13-01/P1D",
            "2026-01-02/2026-01-01",
            "2026-01-01T24:00Z/PT1H",
            "2023-11-23T00:00:00 02:00/PT24h",
            "2023-11-23Z/PT24h",
            "2026-03-29T02:30/PT1H",
            "2026-01-01TZ/2026-01-02TZ/2026-01-03TZ",
        ] {
            assert_eq!(Timespan::parse(text), None, "{text}");
        }
    }

    #[test]
    fn both_ends_count() {
        let hours = |text| Timespan::parse(text).unwrap().hours().count();
        assert_eq!(hours("PT24H/2026-11-20TZ"), 25);
        assert_eq!(hours("PT23H/2026-11-20TZ"), 24);
        assert_eq!(hours("P31DT24H/2023-08-01"), 769);
        assert_eq!(hours("2026-11-20T00:00:01Z/2026-11-20T01:59:59Z"), 1);
        assert_eq!(hours("2026-11-20T00:10Z/2026-11-20T00:50Z"), 0);
    }

    #[test]
    fn a_brussels_day_has_23_or_25_hours_when_the_clocks_change() {
        let hours = |text| Timespan::parse(text).unwrap().hours().count() - 1;
        assert_eq!(hours("2026-10-25/P1D"), 25);
        assert_eq!(hours("2026-03-29/2026-03-30"), 23);
        assert_eq!(hours("2026-10-25/PT24H"), 24);
    }

    #[test]
    fn the_limit_is_367_days() {
        let too_long = |text| Timespan::parse(text).unwrap().is_too_long();
        assert!(!too_long("P367D/2026-11-20TZ"));
        assert!(too_long("P367DT1H/2026-11-20TZ"));
    }
}
