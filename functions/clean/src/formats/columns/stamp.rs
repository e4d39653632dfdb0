//! Dates and times of fixed shapes, straight from their bytes. What is written otherwise is for a parser.

use arrow::datatypes::Date32Type;
use chrono::NaiveDate;
use chrono::format::{Item, Numeric, StrftimeItems};

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

/// Reads instants in RFC 3339. Columns often read one field, and neighbours one instant: the last text is remembered.
#[derive(Default)]
pub(super) struct Stamps {
    text: Vec<u8>,
    stamp: Option<Stamp>,
}

impl Stamps {
    /// The instant that `text` says, if it has the usual shape.
    pub(super) fn read(&mut self, text: &[u8]) -> Option<Stamp> {
        if self.text != text {
            let stamp = stamp(text)?;
            self.text.clear();
            self.text.extend_from_slice(text);
            self.stamp = Some(stamp);
        }
        self.stamp
    }
}

/// `2026-11-18T23:00:00Z`, with any offset and up to nine decimals.
fn stamp(text: &[u8]) -> Option<Stamp> {
    let (local, offset) = local_and_rest(text)?;
    let seconds = match offset {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(*h1, *h2)?, two(*m1, *m2)?);
            let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
            if hours > 23 || minutes > 59 {
                return None;
            }
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    let micros = local.micros() - seconds * MICROS_PER_SECOND;
    (text.len() <= LONGEST).then_some(Stamp { micros, day: local.day })
}

/// `2026-11-18T23:00:00` or `2026-11-18 23:00:00`, with up to nine decimals: microseconds since 1970 there.
pub(super) fn local(text: &[u8]) -> Option<i64> {
    let (local, rest) = local_and_rest(text)?;
    (rest.is_empty() && matches!(text.get(10), Some(b'T' | b' '))).then_some(local.micros())
}

/// A date and a time of day.
struct Local {
    /// Days since 1970.
    day: i32,
    /// Microseconds since midnight.
    time: i64,
}

impl Local {
    fn micros(&self) -> i64 {
        i64::from(self.day) * MICROS_PER_DAY + self.time
    }
}

fn local_and_rest(text: &[u8]) -> Option<(Local, &[u8])> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let (time, rest) = rest.split_first_chunk::<9>()?;
    let [b'T' | b't' | b' ', h1, h2, b':', m1, m2, b':', s1, s2] = time else { return None };
    let time = time_of_day(two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?)?;
    let day = date_of(date)?;
    let Some((b'.', decimals)) = rest.split_first() else { return Some((Local { day, time }, rest)) };
    let digits = decimals.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (decimals, rest) = decimals.split_at_checked(digits)?;
    if !(1..=9).contains(&digits) {
        return None;
    }
    let micros = (0..6).fold(0, |micros, at| micros * 10 + i64::from(decimals.get(at).map_or(0, |digit| digit - b'0')));
    Some((Local { day, time: time + micros }, rest))
}

/// The days since 1970 of `2026-11-18`.
pub(super) fn date(text: &[u8]) -> Option<i32> {
    date_of(text.try_into().ok()?)
}

fn date_of(text: &[u8; 10]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    day(four([*y1, *y2, *y3, *y4])?, two(*m1, *m2)?, two(*d1, *d2)?)
}

/// The days since 1970 of a date of the years 0001 to 9999.
fn day(year: u16, month: u8, day: u8) -> Option<i32> {
    let date = NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), u32::from(day))?;
    (year > 0).then(|| Date32Type::from_naive_date(date))
}

fn time_of_day(hour: u8, minute: u8, second: u8) -> Option<i64> {
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    (hour < 24 && minute < 60 && second < 60).then_some(seconds * MICROS_PER_SECOND)
}

fn two(first: u8, second: u8) -> Option<u8> {
    let (first, second) = (first.wrapping_sub(b'0'), second.wrapping_sub(b'0'));
    (first <= 9 && second <= 9).then_some(first.wrapping_mul(10).wrapping_add(second))
}

fn four([a, b, c, d]: [u8; 4]) -> Option<u16> {
    Some(u16::from(two(a, b)?) * 100 + u16::from(two(c, d)?))
}

/// A pattern such as `%d.%m.%Y %H:%M` all of whose parts have a fixed width.
pub(super) struct Shape {
    parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Byte(u8),
}

impl Shape {
    /// The shape of a pattern; `None` if it has not exactly a date, or a date and a time.
    pub(super) fn of(pattern: &str) -> Option<Self> {
        let mut parts = Vec::new();
        for item in StrftimeItems::new(pattern) {
            match item {
                Item::Numeric(Numeric::Year, _) => parts.push(Part::Year),
                Item::Numeric(Numeric::Month, _) => parts.push(Part::Month),
                Item::Numeric(Numeric::Day, _) => parts.push(Part::Day),
                Item::Numeric(Numeric::Hour, _) => parts.push(Part::Hour),
                Item::Numeric(Numeric::Minute, _) => parts.push(Part::Minute),
                Item::Numeric(Numeric::Second, _) => parts.push(Part::Second),
                Item::Literal(text) | Item::Space(text) => parts.extend(text.bytes().map(Part::Byte)),
                _ => return None,
            }
        }
        let count = |wanted: Part| parts.iter().filter(|part| **part == wanted).count();
        let date = [Part::Year, Part::Month, Part::Day].map(count);
        let time = [Part::Hour, Part::Minute, Part::Second].map(count);
        (date == [1; 3] && matches!(time, [0, 0, 0] | [1, 1, 0 | 1])).then_some(Self { parts })
    }

    /// Days and microseconds since 1970 of a text that has every part in full width.
    pub(super) fn read(&self, text: &[u8]) -> Option<(i32, i64)> {
        let (mut year, mut month, mut dom, mut hour, mut minute, mut second) = (0, 0, 0, 0, 0, 0);
        let mut rest = text;
        for part in &self.parts {
            let into = match part {
                Part::Year => {
                    let (digits, behind) = rest.split_first_chunk::<4>()?;
                    (year, rest) = (four(*digits)?, behind);
                    continue;
                }
                Part::Byte(wanted) => {
                    let (byte, behind) = rest.split_first()?;
                    rest = behind;
                    if byte != wanted {
                        return None;
                    }
                    continue;
                }
                Part::Month => &mut month,
                Part::Day => &mut dom,
                Part::Hour => &mut hour,
                Part::Minute => &mut minute,
                Part::Second => &mut second,
            };
            let ([first, next], behind) = rest.split_first_chunk::<2>()?;
            (*into, rest) = (two(*first, *next)?, behind);
        }
        let local = Local { day: day(year, month, dom)?, time: time_of_day(hour, minute, second)? };
        rest.is_empty().then(|| (local.day, local.micros()))
    }
}
