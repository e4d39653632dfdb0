//! Dates and instants by a column's formats, for texts of the usual shapes.

use std::ops::Range;

use chrono::{DateTime, MappedLocalTime, Offset, TimeZone};
use chrono_tz::Tz;
use lake::dataset::{Column, ColumnType, TimeFormat};

use super::number::{decimal, int, scaled, whole};
use super::shape::{Literals, Shape};
use super::stamp::{self, Stamps};
use lake::value::excel_time;
use lake::years;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// How a column's dates or times are written.
pub(super) struct Times {
    formats: Vec<Format>,
    zone: Option<Zone>,
}

impl Times {
    /// By a column's declaration.
    pub(super) fn of(column: &Column) -> Self {
        let default = if column.kind == ColumnType::Date { Format::Date } else { Format::Rfc3339 };
        let declared = column.format.iter().map(Format::of);
        let formats: Vec<Format> = if column.format.is_empty() { vec![default] } else { declared.collect() };
        Self { formats, zone: column.zone.map(Zone::new) }
    }

    /// Days since 1970.
    #[inline]
    pub(super) fn date(&self, text: &[u8], stamps: &mut Stamps) -> Option<i32> {
        for format in &self.formats {
            match format.date(text, stamps) {
                None if format.rules_out(text) => {}
                day => return day,
            }
        }
        None
    }

    /// Microseconds since 1970 UTC.
    #[inline]
    pub(super) fn instant(&mut self, text: &[u8], stamps: &mut Stamps) -> Option<i64> {
        let Self { formats, zone } = self;
        for format in formats {
            match format.instant(text, zone, stamps) {
                None if format.rules_out(text) => {}
                micros => return micros,
            }
        }
        None
    }
}

/// One way to write a date or a time.
enum Format {
    Rfc3339,
    /// `2026-11-18`
    Date,
    /// Counted from 1970 in so many microseconds.
    Epoch(i64),
    /// The same in nanoseconds.
    EpochNs,
    /// Days as Excel counts them, in local time.
    Excel,
    /// A pattern: its shape if that is known, and what is in each text of it.
    Pattern(Option<Shape>, Literals),
}

impl Format {
    fn of(declared: &TimeFormat) -> Self {
        match declared {
            TimeFormat::Rfc3339 => Self::Rfc3339,
            TimeFormat::EpochMs => Self::Epoch(1_000),
            TimeFormat::EpochS => Self::Epoch(1_000_000),
            TimeFormat::EpochUs => Self::Epoch(1),
            TimeFormat::EpochNs => Self::EpochNs,
            TimeFormat::Excel => Self::Excel,
            TimeFormat::Pattern(pattern) => {
                let shape = Shape::of(pattern);
                let literals = Literals::of(pattern, shape.as_ref());
                Self::Pattern(shape, literals)
            }
        }
    }

    #[inline]
    fn date(&self, text: &[u8], stamps: &mut Stamps) -> Option<i32> {
        match self {
            Self::Rfc3339 => stamps.read(text).map(|stamp| stamp.day),
            Self::Date => stamp::date(text),
            Self::Pattern(shape, _) => shape.as_ref()?.read(text).map(|moment| moment.day),
            Self::Excel => {
                let is_day = |micros: &i64| years::INSTANTS.contains(micros) && micros.rem_euclid(MICROS_PER_DAY) == 0;
                let micros = excel(text).filter(is_day)?;
                i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok()
            }
            Self::Epoch(_) | Self::EpochNs => None,
        }
    }

    #[inline]
    fn instant(&self, text: &[u8], zone: &mut Option<Zone>, stamps: &mut Stamps) -> Option<i64> {
        let micros = match self {
            Self::Rfc3339 => match stamps.read(text) {
                Some(stamp) => stamp.micros,
                None => zone.as_mut()?.instant(stamp::local(text)?)?,
            },
            Self::Epoch(unit) => match int(text) {
                Some(count) => count.checked_mul(*unit)?,
                None => scaled(text, *unit)?,
            },
            Self::EpochNs => int(text).or_else(|| whole(text, b'.'))?.div_euclid(1_000),
            Self::Pattern(shape, _) => {
                let moment = shape.as_ref()?.read(text)?;
                match moment.ahead {
                    Some(seconds) => moment.local - seconds * 1_000_000,
                    None => zone.as_mut()?.instant(moment.local)?,
                }
            }
            Self::Excel => zone.as_mut()?.instant(excel(text)?)?,
            Self::Date => return None,
        };
        years::INSTANTS.contains(&micros).then_some(micros)
    }

    /// Whether no text like this can be of the format at all.
    fn rules_out(&self, text: &[u8]) -> bool {
        match self {
            Self::Rfc3339 => [b'-', b':'].iter().any(|needed| !text.contains(needed)),
            Self::Date => !text.contains(&b'-'),
            Self::Epoch(_) | Self::EpochNs => {
                text.iter().any(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            }
            Self::Excel => false,
            Self::Pattern(_, literals) => !literals.are_in(text),
        }
    }
}

/// Microseconds since 1970, in local time, of a number of Excel's.
fn excel(text: &[u8]) -> Option<i64> {
    Some(excel_time(decimal(text, b'.')?)?.and_utc().timestamp_micros())
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A time zone that remembers how far it was from UTC in hours before.
struct Zone {
    zone: Tz,
    /// Seconds since 1970 there, and how many they are ahead of UTC.
    known: Range<i64>,
    ahead: i64,
    /// Days, each at the place that its number has among so many.
    days: Vec<KnownDay>,
}

/// Days that a time zone remembers: more than a year of them.
const KNOWN_DAYS: usize = 512;

/// Hours of one day that are equally far ahead of UTC.
#[derive(Clone, Copy)]
struct KnownDay {
    /// Seconds since 1970 there at its midnight.
    midnight: i64,
    ahead: i32,
    /// A bit for each hour.
    hours: u32,
}

impl Zone {
    fn new(zone: Tz) -> Self {
        let known = if zone == Tz::UTC { i64::MIN..i64::MAX } else { 0..0 };
        Self { zone, known, ahead: 0, days: Vec::new() }
    }

    /// The instant of a local time, both in microseconds since 1970. `None` near changes of clocks.
    #[inline]
    fn instant(&mut self, local: i64) -> Option<i64> {
        let seconds = local.div_euclid(1_000_000);
        if !self.known.contains(&seconds) {
            let start = seconds - seconds.rem_euclid(HOUR);
            self.ahead = self.ahead_in(start)?;
            self.known = start..start + HOUR;
        }
        Some(local - self.ahead * 1_000_000)
    }

    /// How far the hour that begins at `start` is ahead of UTC.
    fn ahead_in(&mut self, start: i64) -> Option<i64> {
        let (midnight, hour) = (start - start.rem_euclid(DAY), start.rem_euclid(DAY) / HOUR);
        if self.days.is_empty() {
            self.days = vec![KnownDay { midnight: 0, ahead: 0, hours: 0 }; KNOWN_DAYS];
        }
        let place = midnight.div_euclid(DAY).rem_euclid(KNOWN_DAYS as i64) as usize;
        let known = self.days.get(place).filter(|day| day.midnight == midnight && day.hours >> hour & 1 == 1);
        if let Some(day) = known {
            return Some(i64::from(day.ahead));
        }
        let ahead = self.ahead_at(start)?;
        if self.ahead_at(start + HOUR - 1)? != ahead {
            return None;
        }
        let (day, ahead_of_day) = (self.days.get_mut(place)?, i32::try_from(ahead).ok()?);
        if day.midnight != midnight || day.ahead != ahead_of_day {
            *day = KnownDay { midnight, ahead: ahead_of_day, hours: 0 };
        }
        day.hours |= 1 << hour;
        Some(ahead)
    }

    /// How far a local time is ahead of UTC, if that is the one instant that it can be.
    fn ahead_at(&self, local: i64) -> Option<i64> {
        let local = DateTime::from_timestamp(local, 0)?.naive_utc();
        match self.zone.from_local_datetime(&local) {
            MappedLocalTime::Single(time) => Some(i64::from(time.offset().fix().local_minus_utc())),
            MappedLocalTime::Ambiguous(..) | MappedLocalTime::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use lake::value::{Raw, Typed, check};

    const FORMATS: [&str; 23] = [
        "'%Y-%m-%dT%H:%M%#z'",
        "'%d/%m/%Y %H:%M'",
        "'%d.%m.%y %H:%M:%S'",
        "'%-d/%-m/%Y %-H:%M'",
        "'%m/%d/%Y %I:%M:%S %p'",
        "'%-m/%-d/%Y %-I:%M %P'",
        "'%d-%b-%Y %H:%M'",
        "'%b %e, %Y %l:%M%p'",
        "'%Y%m%d%H%M'",
        "'%Y-%m-%d %H:%M:%S%.f'",
        "'%Y-%m-%dT%H:%M:%S%.3f%:z'",
        "'%d/%m/%Y %H:%M %z'",
        "'%d/%m/%Y'",
        "'%Y-%m-%d %H'",
        "'%d/%m/%Y %I %p'",
        "'%Y-%m-%dT%H%z'",
        "'%Y-%m-%d %H:%M:%S.%f'",
        "['%d/%m/%Y %H:%M', '%m/%d/%Y %I:%M %p', '%d.%m.%Y %H:%M']",
        "['%Y-%m-%d %H:%M', '%Y-%m-%d %H:%M:%S', 'rfc3339', '%Y-%m-%d']",
        "['epoch_s', '%Y%m%d%H%M%S']",
        "['epoch_ns', 'epoch_us', 'rfc3339']",
        "'excel'",
        "'rfc3339'",
    ];

    /// A text as a format writes it, with a change or two.
    fn texts() -> impl Strategy<Value = (usize, String)> {
        let change = (any::<prop::sample::Index>(), "[0-9 :./+AaPpZz-]{0,2}", 0_usize..3);
        // Years, and the hours about two changes of clocks.
        let second =
            prop_oneof![0_i64..4_102_444_800, 1_774_742_400_i64..1_774_756_800, 1_792_886_400_i64..1_792_900_800];
        let changes = prop::collection::vec(change, 0..3);
        (0..FORMATS.len(), any::<prop::sample::Index>(), second, 0_u32..1_000_000_000, changes).prop_map(
            |(format, pattern, second, nanos, changes)| {
                let names: Vec<&str> = FORMATS[format].trim_matches(['[', ']']).split("', '").collect();
                let time = DateTime::from_timestamp(second, nanos).unwrap();
                let mut text = match names[pattern.index(names.len())].trim_matches('\'') {
                    "epoch_s" if nanos % 2 == 0 => second.to_string(),
                    "epoch_s" => format!("{second}.{nanos:09}"),
                    "epoch_us" => time.timestamp_micros().to_string(),
                    "epoch_ns" => format!("{second}{nanos:09}"),
                    "excel" => format!("{:.6}", second as f64 / 86_400.0 + 25_569.0),
                    "rfc3339" => time.to_rfc3339(),
                    pattern => time.format(&pattern.replace("%#z", "%z").replace(".%f", "%.f")).to_string(),
                };
                for (place, with, length) in changes {
                    let at = place.index(text.len() + 1);
                    text.replace_range(at..text.len().min(at + length), &with);
                }
                (format, text)
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn times_are_those_of_a_parser((format, text) in texts()) {
            let zone = "zone = 'Europe/Brussels'\nambiguous = 'reject'";
            let instants = Column::from_declaration(&format!("type = 'timestamp'\nformat = {}\n{zone}", FORMATS[format]));
            let instants = instants.unwrap();
            let mut times = Times::of(&instants);
            // The second time, hours are known.
            for _ in 0..2 {
                if let Some(micros) = times.instant(text.as_bytes(), &mut Stamps::default()) {
                    prop_assert_eq!(check(&instants, Raw::Text((&text).into())), Ok(Typed::Int(micros)), "{}", &text);
                }
            }
            let days = Column::from_declaration(&format!("type = 'date'\nformat = {}", FORMATS[format]));
            if let Some((days, day)) = days.ok().and_then(|days| {
                let day = Times::of(&days).date(text.as_bytes(), &mut Stamps::default())?;
                Some((days, day))
            }) {
                prop_assert_eq!(check(&days, Raw::Text((&text).into())), Ok(Typed::Int(day.into())), "{}", &text);
            }
        }

        #[test]
        fn a_zone_that_remembers_hours_knows_the_same_instants(
            locals in prop::collection::vec((0_i64..40_000, 0_i64..4), 1..200),
            zone in prop::sample::select(vec!["Europe/Brussels", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut"]),
        ) {
            let column = Column::from_declaration(&format!("type = 'timestamp'\nzone = '{zone}'\nambiguous = 'reject'")).unwrap();
            let mut zone = Zone::new(column.zone.unwrap());
            // The same hours of several years, so that days share their place among those that are known.
            for (hour, year) in locals {
                let seconds = 1_700_000_000 + hour / 8 * HOUR + year * KNOWN_DAYS as i64 * DAY + hour % 8 * 450;
                let text = DateTime::from_timestamp(seconds, 0).unwrap().format("%Y-%m-%dT%H:%M:%S").to_string();
                if let Some(micros) = zone.instant(seconds * 1_000_000) {
                    prop_assert_eq!(check(&column, Raw::Text(text.into())), Ok(Typed::Int(micros)));
                }
            }
        }
    }
}
