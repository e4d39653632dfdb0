//! Local days and windows of them.
//!
//! An instant belongs to the local day of the dataset's time zone. With hour-*end* stamps the day is half-open on the
//! left, `(D 00:00, D+1 00:00]`: the value stamped midnight is the last of the day before.

use std::fmt;
use std::ops::Range;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What a timestamp stands for: the start or the end of the interval that its value covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stamp {
    /// The stamp is the interval's start: midnight is the first instant of its day.
    #[default]
    Start,
    /// The stamp is the interval's end: midnight is the last instant of the day before.
    End,
}

/// The most days before yesterday that a nightly run may ask for again: what is longer is a backfill.
const MOST_REREAD_DAYS: u32 = 3660;

/// A half-open range of local days, `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    from: NaiveDate,
    to: NaiveDate,
}

impl Window {
    /// The days from `from` to the day before `to`. Errors if there are none, or if they are not of the years 0001 to
    /// 9999.
    pub fn new(from: NaiveDate, to: NaiveDate) -> Result<Self> {
        for day in [from, to] {
            check_year(day)?;
        }
        if from < to {
            return Ok(Self { from, to });
        }
        Err(Error::Usage(format!(
            "the window from {from} to {to} has no days: `to` is excluded and must be later than `from`"
        )))
    }

    /// Yesterday and the `reread` days before it, as seen from `now` in `zone`: what a nightly run asks for.
    pub fn nightly(now: DateTime<Utc>, zone: Tz, reread: u32) -> Result<Self> {
        let today = now.with_timezone(&zone).date_naive();
        let from = today.checked_sub_days(Days::new(u64::from(reread) + 1)).filter(|_| reread <= MOST_REREAD_DAYS);
        let too_many = || {
            Error::Usage(format!(
                "{reread} days are too many to be read again each time: at most {MOST_REREAD_DAYS}; \
                 use `tributary backfill` for longer windows"
            ))
        };
        Self::new(from.ok_or_else(too_many)?, today)
    }

    /// The days, earliest first.
    pub fn days(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let to = self.to;
        self.from.iter_days().take_while(move |day| *day < to)
    }

    /// The first day.
    pub fn from(&self) -> NaiveDate {
        self.from
    }

    /// The day after the last.
    pub fn to(&self) -> NaiveDate {
        self.to
    }
}

/// A day as people write it in commands, events and keys: `YYYY-MM-DD`, with four digits of the year.
pub fn parse_day(text: &str) -> Result<NaiveDate, String> {
    let is_year = |year: &str| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    let day = text.split_once('-').filter(|(year, _)| is_year(year)).and_then(|_| text.parse().ok());
    day.ok_or_else(|| {
        format!("\"{text}\" is not a date of the years 0001 to 9999: write it as YYYY-MM-DD, such as 2026-11-18")
    })
}

/// Errors unless a day is of the years 0001 to 9999.
pub fn check_year(day: NaiveDate) -> Result<()> {
    if (1..=9999).contains(&day.year()) {
        return Ok(());
    }
    Err(Error::Usage(format!("the date {day} is not of the years 0001 to 9999")))
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to.pred_opt() {
            Some(last) if last != self.from => write!(f, "{} to {last}", self.from),
            _ => write!(f, "{}", self.from),
        }
    }
}

/// The instant at which a local day begins. Where a change of clocks skips midnight, the first instant after the gap.
pub fn day_start(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    for quarter in 0..96 {
        let candidate = midnight + chrono::TimeDelta::minutes(15 * quarter);
        if let Some(local) = zone.from_local_datetime(&candidate).earliest() {
            return local.to_utc();
        }
    }
    midnight.and_utc()
}

/// A local day as instants: from its start to the start of the next. 23, 24 or 25 hours.
pub fn day_bounds(zone: Tz, day: NaiveDate) -> Range<DateTime<Utc>> {
    day_start(zone, day)..day_start(zone, day + Days::new(1))
}

/// Tells the local day of instants, fast where neighbours fall on the same day.
#[derive(Debug, Clone)]
pub struct DayFinder {
    zone: Tz,
    shift: i64,
    known: Range<i64>,
    day: NaiveDate,
}

impl DayFinder {
    /// Days of `zone` for stamps of the given kind.
    pub fn new(zone: Tz, stamp: Stamp) -> Self {
        // An end stamp belongs to the day of the instant just before it.
        let shift = if stamp == Stamp::End { 1 } else { 0 };
        Self { zone, shift, known: 0..0, day: NaiveDate::MIN }
    }

    /// The local day of an instant in microseconds since 1970 UTC; `None` beyond the years that a date can hold.
    pub fn day_of(&mut self, micros: i64) -> Option<NaiveDate> {
        self.bounds_of(micros).map(|(day, _)| day)
    }

    /// The same, with all instants that belong to that day.
    pub fn bounds_of(&mut self, micros: i64) -> Option<(NaiveDate, Range<i64>)> {
        let instant = micros.checked_sub(self.shift)?;
        if !self.known.contains(&instant) {
            let day = DateTime::from_timestamp_micros(instant)?.with_timezone(&self.zone).date_naive();
            let bounds = day_bounds(self.zone, day);
            self.known = bounds.start.timestamp_micros()..bounds.end.timestamp_micros();
            self.day = day;
        }
        Some((self.day, self.known.start + self.shift..self.known.end + self.shift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::Brussels;
    use proptest::prelude::*;

    #[test]
    fn a_day_has_four_digits_of_the_year() {
        assert_eq!(parse_day("2026-11-18"), Ok(date("2026-11-18")));
        assert_eq!(parse_day("0001-01-01"), Ok(date("0001-01-01")));
        for text in ["26-11-18", "+2026-11-18", "-2026-11-18", "02026-11-18", "2026-13-01", "2026-11", "", "18.11.2026"]
        {
            assert!(parse_day(text).unwrap_err().contains("YYYY-MM-DD"), "{text}");
        }
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn micros(text: &str) -> i64 {
        text.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
    }

    #[test]
    fn days_of_clock_changes_have_23_and_25_hours() {
        for (day, hours) in [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)] {
            let bounds = day_bounds(Brussels, date(day));
            assert_eq!((bounds.end - bounds.start).num_hours(), hours, "{day}");
        }
    }

    #[test]
    fn a_day_whose_midnight_is_skipped_starts_after_the_gap() {
        // Beirut goes from 23:59:59 on 28 March 2026 to 01:00 on the 29th.
        let start = day_start(chrono_tz::Asia::Beirut, date("2026-03-29"));
        assert_eq!(start.to_rfc3339(), "2026-03-28T22:00:00+00:00");
    }

    #[test]
    fn midnight_belongs_to_the_day_before_when_stamps_are_ends() {
        let midnight = micros("2026-11-18T23:00:00Z");
        assert_eq!(DayFinder::new(Brussels, Stamp::End).day_of(midnight), Some(date("2026-11-18")));
        assert_eq!(DayFinder::new(Brussels, Stamp::Start).day_of(midnight), Some(date("2026-11-19")));
    }

    #[test]
    fn the_nightly_window_ends_yesterday_by_local_time() {
        let now = "2026-11-19T23:30:00Z".parse().unwrap();
        let window = Window::nightly(now, Brussels, 3).unwrap();
        assert_eq!((window.from(), window.to()), (date("2026-11-16"), date("2026-11-20")));
        assert_eq!(window.days().count(), 4);
    }

    #[test]
    fn reversed_windows_are_refused() {
        assert!(Window::new(date("2026-11-19"), date("2026-11-19")).unwrap_err().is_usage());
    }

    #[test]
    fn absurd_dates_and_rereads_are_refused() {
        for (from, to) in [
            (NaiveDate::MIN, date("2026-11-19")),
            (date("2026-11-19"), NaiveDate::MAX),
            (date("0000-12-31"), date("0001-01-02")),
            (date("9999-12-31"), date("+10000-01-01")),
        ] {
            let error = Window::new(from, to).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("0001 to 9999"), "{error}");
        }
        assert!(Window::new(date("0001-01-01"), date("9999-12-31")).is_ok());
        for reread in [MOST_REREAD_DAYS + 1, u32::MAX] {
            let error = Window::nightly("2026-11-19T23:30:00Z".parse().unwrap(), Brussels, reread).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("backfill"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn every_end_stamp_lies_in_its_day(seconds in 0_i64..4_000_000_000) {
            let mut finder = DayFinder::new(Brussels, Stamp::End);
            let day = finder.day_of(seconds * 1_000_000).unwrap();
            let bounds = day_bounds(Brussels, day);
            prop_assert!(bounds.start.timestamp() < seconds && seconds <= bounds.end.timestamp());
        }
    }
}
