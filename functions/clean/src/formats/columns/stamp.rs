//! Dates and times of fixed shapes, straight from their bytes. What is written otherwise is for a parser.

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// `2026-11-18T23:00:00.123456789+01:00`
const LONGEST: usize = 35;

/// The instant that a text says, and its date in its own offset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stamp {
    /// Microseconds since 1970 UTC.
    pub micros: i64,
    /// Days since 1970.
    pub day: i32,
}

/// Reads instants in RFC 3339. Several columns may read one field: the last one of the row is remembered.
#[derive(Default)]
pub(super) struct Stamps {
    /// Where in memory the text lies. Within one row no other text does.
    place: Option<(usize, usize)>,
    stamp: Option<Stamp>,
    /// The last date, and its number: neighbours often have the same.
    date: Option<([u8; 10], i32)>,
}

impl Stamps {
    /// The instant that `text` says, if it has the usual shape.
    #[inline]
    pub(super) fn read(&mut self, text: &[u8]) -> Option<Stamp> {
        let place = Some((text.as_ptr().addr(), text.len()));
        if self.place != place {
            (self.place, self.stamp) = (place, stamp(text, |date| self.day(date)));
        }
        self.stamp
    }

    fn day(&mut self, date: &[u8; 10]) -> Option<i32> {
        match self.date {
            Some((known, day)) if known == *date => Some(day),
            _ => {
                let day = date_of(date)?;
                self.date = Some((*date, day));
                Some(day)
            }
        }
    }

    /// Forgets the last row's text: another one lies there now.
    pub(super) fn forget(&mut self) {
        self.place = None;
    }
}

/// `2026-11-18T23:00:00Z`, with any offset and up to nine decimals.
#[inline]
fn stamp(text: &[u8], day: impl FnOnce(&[u8; 10]) -> Option<i32>) -> Option<Stamp> {
    let (local, offset) = local_and_rest(text, day)?;
    let seconds = match offset {
        b"Z" | b"z" => 0,
        [sign, h1, h2, b':', m1, m2] => seconds_ahead(*sign, [*h1, *h2], [*m1, *m2])?,
        _ => return None,
    };
    let micros = local.micros() - seconds * MICROS_PER_SECOND;
    (text.len() <= LONGEST).then_some(Stamp { micros, day: local.day })
}

/// `2026-11-18T23:00:00` or `2026-11-18 23:00:00`, with up to nine decimals: microseconds since 1970 there.
pub(super) fn local(text: &[u8]) -> Option<i64> {
    let (local, rest) = local_and_rest(text, date_of)?;
    (rest.is_empty() && matches!(text.get(10), Some(b'T' | b' '))).then_some(local.micros())
}

/// A date and a time of day.
pub(super) struct Local {
    /// Days since 1970.
    pub day: i32,
    /// Microseconds since midnight.
    pub time: i64,
}

impl Local {
    pub(super) fn micros(&self) -> i64 {
        i64::from(self.day) * MICROS_PER_DAY + self.time
    }
}

#[inline]
fn local_and_rest(text: &[u8], day: impl FnOnce(&[u8; 10]) -> Option<i32>) -> Option<(Local, &[u8])> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let (time, rest) = rest.split_first_chunk::<9>()?;
    let [b'T' | b't' | b' ', h1, h2, b':', m1, m2, b':', s1, s2] = time else { return None };
    let time = time_of_day(two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?)?;
    let day = day(date)?;
    let (micros, rest) = decimals(rest)?;
    Some((Local { day, time: time + micros }, rest))
}

/// The microseconds of a point and up to nine decimals that a text begins with, or of none; and what follows.
#[inline]
pub(super) fn decimals(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', decimals)) = text.split_first() else { return Some((0, text)) };
    let digits = decimals.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (decimals, rest) = decimals.split_at_checked(digits)?;
    if !(1..=9).contains(&digits) {
        return None;
    }
    let micros = (0..6).fold(0, |micros, at| micros * 10 + i64::from(decimals.get(at).map_or(0, |digit| digit - b'0')));
    Some((micros, rest))
}

/// How many seconds an offset such as `+01:00` is ahead of UTC.
#[inline]
pub(super) fn seconds_ahead(sign: u8, hours: [u8; 2], minutes: [u8; 2]) -> Option<i64> {
    let (hours, minutes) = (two(hours[0], hours[1])?, two(minutes[0], minutes[1])?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// The days since 1970 of `2026-11-18`.
pub(super) fn date(text: &[u8]) -> Option<i32> {
    date_of(text.try_into().ok()?)
}

#[inline]
fn date_of(text: &[u8; 10]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    day(four([*y1, *y2, *y3, *y4])?, two(*m1, *m2)?, two(*d1, *d2)?)
}

/// The days since 1970 of a date of the years 0001 to 9999 (Howard Hinnant's `days_from_civil`: years that begin in March
/// have the leap day at their end).
#[inline]
pub(super) fn day(year: u16, month: u8, day: u8) -> Option<i32> {
    let (year, month, day) = (i32::from(year), i32::from(month), i32::from(day));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > last {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468)
}

#[inline]
pub(super) fn time_of_day(hour: u8, minute: u8, second: u8) -> Option<i64> {
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    (hour < 24 && minute < 60 && second < 60).then_some(seconds * MICROS_PER_SECOND)
}

#[inline]
pub(super) fn two(first: u8, second: u8) -> Option<u8> {
    let (first, second) = (first.wrapping_sub(b'0'), second.wrapping_sub(b'0'));
    (first <= 9 && second <= 9).then_some(first.wrapping_mul(10).wrapping_add(second))
}

#[inline]
pub(super) fn four([a, b, c, d]: [u8; 4]) -> Option<u16> {
    Some(u16::from(two(a, b)?) * 100 + u16::from(two(c, d)?))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Date32Type;
    use chrono::{DateTime, NaiveDate, NaiveDateTime};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_day_of_the_calendar_has_its_number() {
        for year in 0..=9999_u16 {
            for month in 0..=13 {
                for dom in [0, 1, 28, 29, 30, 31, 32] {
                    let date = NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), u32::from(dom));
                    let wanted = date.filter(|_| year > 0).map(Date32Type::from_naive_date);
                    assert_eq!(day(year, month, dom), wanted, "{year}-{month}-{dom}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn instants_are_those_of_a_parser(
            date in "[0-9]{4}-[01][0-9]-[0-3][0-9]",
            time in "[Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,10})?",
            offset in "(Z|z|[-+][0-2][0-9]:[0-6][0-9])?",
        ) {
            let text = format!("{date}{time}{offset}");
            let mut stamps = Stamps::default();
            let _ = stamps.read(format!("{date}T00:00:00Z").as_bytes());
            stamps.forget();
            let parsed = DateTime::parse_from_rfc3339(&text);
            if let Some(stamp) = stamps.read(text.as_bytes()) {
                let parsed = parsed.unwrap();
                prop_assert_eq!(stamp.micros, parsed.timestamp_micros());
                prop_assert_eq!(stamp.day, Date32Type::from_naive_date(parsed.date_naive()));
            }
            if let Some(micros) = local(text.as_bytes()) {
                let parsed: NaiveDateTime = text.replace(' ', "T").parse().unwrap();
                prop_assert_eq!(micros, parsed.and_utc().timestamp_micros());
            }
        }
    }
}
