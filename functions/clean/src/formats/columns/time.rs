//! Dates and instants by a column's formats, for texts of the usual shapes.

use std::ops::Range;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, MappedLocalTime, Offset, TimeZone};
use chrono_tz::Tz;
use lake::dataset::{Column, ColumnType, TimeFormat};

use super::number::int;
use super::stamp::{self, Shape, Stamps};
use crate::formats::years;

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
    /// Counted in another way: left to a parser.
    Other,
    /// A pattern, its shape if that is fixed, and characters that are in each text of it.
    Pattern(Option<Shape>, Vec<u8>),
}

impl Format {
    fn of(declared: &TimeFormat) -> Self {
        match declared {
            TimeFormat::Rfc3339 => Self::Rfc3339,
            TimeFormat::EpochMs => Self::Epoch(1_000),
            TimeFormat::EpochS => Self::Epoch(1_000_000),
            TimeFormat::EpochUs => Self::Epoch(1),
            TimeFormat::EpochNs | TimeFormat::Excel => Self::Other,
            TimeFormat::Pattern(pattern) => {
                let literal = |item| if let Item::Literal(text) = item { Some(text.bytes()) } else { None };
                Self::Pattern(Shape::of(pattern), StrftimeItems::new(pattern).filter_map(literal).flatten().collect())
            }
        }
    }

    #[inline]
    fn date(&self, text: &[u8], stamps: &mut Stamps) -> Option<i32> {
        match self {
            Self::Rfc3339 => stamps.read(text).map(|stamp| stamp.day),
            Self::Date => stamp::date(text),
            Self::Pattern(shape, _) => shape.as_ref()?.read(text).map(|(day, _)| day),
            Self::Epoch(_) | Self::Other => None,
        }
    }

    #[inline]
    fn instant(&self, text: &[u8], zone: &mut Option<Zone>, stamps: &mut Stamps) -> Option<i64> {
        let micros = match self {
            Self::Rfc3339 => match stamps.read(text) {
                Some(stamp) => stamp.micros,
                None => zone.as_mut()?.instant(stamp::local(text)?)?,
            },
            Self::Epoch(unit) => int(text)?.checked_mul(*unit)?,
            Self::Pattern(shape, _) => zone.as_mut()?.instant(shape.as_ref()?.read(text)?.1)?,
            Self::Date | Self::Other => return None,
        };
        years::INSTANTS.contains(&micros).then_some(micros)
    }

    /// Whether no text like this can be of the format at all.
    fn rules_out(&self, text: &[u8]) -> bool {
        match self {
            Self::Rfc3339 => [b'-', b':'].iter().any(|needed| !text.contains(needed)),
            Self::Date => !text.contains(&b'-'),
            Self::Epoch(_) => text.iter().any(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.')),
            Self::Other => false,
            Self::Pattern(_, needed) => needed.iter().any(|needed| !text.contains(needed)),
        }
    }
}

/// A time zone that remembers how far it was from UTC in the last hour.
struct Zone {
    zone: Tz,
    /// Seconds since 1970 there, and how many they are ahead of UTC.
    known: Range<i64>,
    ahead: i64,
}

impl Zone {
    fn new(zone: Tz) -> Self {
        let known = if zone == Tz::UTC { i64::MIN..i64::MAX } else { 0..0 };
        Self { zone, known, ahead: 0 }
    }

    /// The instant of a local time, both in microseconds since 1970. `None` near changes of clocks.
    #[inline(never)]
    fn instant(&mut self, local: i64) -> Option<i64> {
        const HOUR: i64 = 3600;
        let seconds = local.div_euclid(1_000_000);
        if !self.known.contains(&seconds) {
            let start = seconds - seconds.rem_euclid(HOUR);
            let ahead = self.ahead_at(start)?;
            if self.ahead_at(start + HOUR - 1)? != ahead {
                return None;
            }
            (self.known, self.ahead) = (start..start + HOUR, ahead);
        }
        Some(local - self.ahead * 1_000_000)
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
