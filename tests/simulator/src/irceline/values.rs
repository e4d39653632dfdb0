//! What is measured: each value is a function of the seed, the series and the hour, and of nothing else.
//!
//! A timestamp is the end of the hour that was averaged, so the value stamped midnight belongs to the day
//! before. Days and hours of the day are those of Brussels.

use std::f64::consts::TAU;
use std::ops::RangeInclusive;

use chrono::{NaiveDate, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Europe::Brussels;

use crate::irceline::catalogue::{Course, MAY_BE_NEGATIVE};
use crate::irceline::model::{Fate, Series, World};
use crate::irceline::timespan::HOUR_MS;
use crate::random::{Purpose, bits, unit};

/// What stands in for values of hours yet to come.
const PLACEHOLDER: f64 = -99.99;

/// One in so many values is far below zero.
const OUTLIER_RATE: f64 = 1.0 / 3000.0;

/// Share of the values near zero that are slightly negative, of phenomena that are measured that way.
const NEGATIVE_RATE: f64 = 0.01;

/// The stations whose dust is over the daily limit on a day of an episode, as one of so many.
const EPISODE_STATIONS: usize = 25;

/// What the server holds for a series at a timestamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A measured number.
    Number(f64),
    /// JSON `null`.
    Null,
    /// The JSON string `"NaN"`.
    NanText,
    /// A number that stands for a missing value: -99.99, -999 or -9999.
    Sentinel(f64),
    /// The timestamp is not listed.
    Absent,
}

/// An hour, with all that is the same for every series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Hours since 1970 at its end.
    pub(crate) hour: i64,
    /// The day in Brussels, counted from 1970.
    pub(crate) day: i64,
    /// From -1 to 1, highest at 8 and 20 o'clock.
    rush: f64,
    /// From -1 to 1, highest at 15 o'clock.
    warmth: f64,
    /// From -1 to 1, highest in the middle of January.
    winter: f64,
    /// Multiplies concentrations, about 0.6 to 1.4.
    weather: f64,
    episode: bool,
}

impl Moment {
    pub(crate) fn new(seed: u64, hour: i64) -> Self {
        let inside = hour * (HOUR_MS / 1000) - 1;
        let local = inside + offset_seconds(inside);
        let day = local.div_euclid(86_400);
        let hour_of_day = (local.rem_euclid(86_400) / 3600 + 1) as f64;
        let drawn = |day: i64| unit(seed, Purpose::Weather, &[day as u64]);
        Self {
            hour,
            day,
            rush: (TAU * (hour_of_day - 8.0) / 12.0).cos(),
            warmth: (TAU * (hour_of_day - 15.0) / 24.0).cos(),
            winter: (TAU * (day as f64 - 15.0) / 365.25).cos(),
            weather: 0.6 + 0.8 * (drawn(day - 1) + 2.0 * drawn(day)) / 3.0,
            episode: is_episode(seed, day),
        }
    }
}

/// Each week has one day of an episode, and every other week two.
fn is_episode(seed: u64, day: i64) -> bool {
    let week = bits(seed, Purpose::Episode, &[day.div_euclid(7) as u64]);
    let weekday = day.rem_euclid(7) as u64;
    weekday == week % 7 || (week & (1 << 40) != 0 && weekday == (week >> 8) % 7)
}

fn offset_seconds(utc_seconds: i64) -> i64 {
    let utc = chrono::DateTime::from_timestamp(utc_seconds, 0).unwrap_or_default();
    i64::from(Brussels.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc())
}

/// The hours that belong to a day in Brussels: those that end after its midnight, up to the next one.
pub(crate) fn hours_of_day(day: NaiveDate) -> Option<RangeInclusive<i64>> {
    let midnight = |day: NaiveDate| {
        let local = Brussels.from_local_datetime(&NaiveDateTime::from(day)).earliest()?;
        Some(local.with_timezone(&Utc).timestamp_millis().div_euclid(HOUR_MS))
    };
    Some(midnight(day)? + 1..=midnight(day.succ_opt()?)?)
}

impl World {
    /// The value before any correction.
    pub(crate) fn original(&self, series: &Series, moment: &Moment) -> Value {
        let hour = moment.hour;
        let ended = match series.fate {
            Fate::Live => false,
            Fate::Closed { last_hour } => hour > last_hour,
            Fate::Dead | Fate::Empty => true,
        };
        if ended || hour < series.first_hour {
            return Value::Absent;
        }
        if hour > self.now_hour {
            return if series.prefilled { Value::Sentinel(PLACEHOLDER) } else { Value::Absent };
        }
        self.missing(series, moment).unwrap_or_else(|| Value::Number(self.measured(series, moment)))
    }

    fn missing(&self, series: &Series, moment: &Moment) -> Option<Value> {
        let subject = [series.key, moment.hour as u64];
        let whole_day = [series.key, moment.day as u64];
        if unit(self.seed, Purpose::DayHole, &whole_day) < self.missing_rate / 10.0 {
            return Some(Value::Absent);
        }
        if unit(self.seed, Purpose::Missing, &subject) >= self.missing_rate {
            return None;
        }
        Some(match bits(self.seed, Purpose::MissingForm, &subject) % 20 {
            0..6 => Value::Null,
            6..10 => Value::NanText,
            10..15 => Value::Absent,
            15..18 => Value::Sentinel(-99.99),
            18 => Value::Sentinel(-999.0),
            _ => Value::Sentinel(-9999.0),
        })
    }

    /// What the instrument gave, where it gave something.
    pub(crate) fn measured(&self, series: &Series, moment: &Moment) -> f64 {
        let subject = [series.key, moment.hour as u64];
        let phenomenon = series.phenomenon;
        if phenomenon.is_concentration() {
            if unit(self.seed, Purpose::Outlier, &subject) < OUTLIER_RATE {
                let depth = bits(self.seed, Purpose::Outlier, &[series.key, moment.hour as u64, 1]) % 100;
                return round(-12.5 - depth as f64 / 10.0, 1);
            }
            if MAY_BE_NEGATIVE.contains(&phenomenon.id) {
                let drawn = unit(self.seed, Purpose::Negative, &subject);
                if drawn < NEGATIVE_RATE {
                    return round(-0.1 - 1.4 * drawn / NEGATIVE_RATE, phenomenon.decimals);
                }
            }
        }
        let noise = unit(self.seed, Purpose::Noise, &subject) * 2.0 - 1.0;
        let level = self.level(series, moment, noise);
        match series.uom {
            "mg/m³" => round(level / 1000.0, 2),
            _ => round(level, phenomenon.decimals),
        }
    }

    fn level(&self, series: &Series, moment: &Moment, noise: f64) -> f64 {
        let air = series.place * series.instrument * moment.weather;
        match series.phenomenon.course {
            Course::Particles { of_pm10 } => {
                let daily = (1.0 + 0.2 * moment.rush) * (1.0 + 0.12 * noise);
                self.dust(series, moment) * series.instrument * of_pm10 * daily
            }
            Course::Traffic { mean } => mean * air * (1.0 + 0.35 * moment.rush) * (1.0 + 0.25 * noise),
            Course::Solar { mean } => mean * air * (1.0 + 0.5 * moment.warmth) * (1.0 + 0.1 * noise),
            Course::Steady { mean, swing } => {
                let calm = 1.0 + swing * (air - 1.0) * 2.0;
                mean * calm.max(0.1) * (1.0 + swing * noise)
            }
            Course::Temperature => {
                let daily = 3.0 * moment.warmth + 8.0 * (moment.weather - 1.0);
                10.5 - 7.5 * moment.winter + daily - 0.0065 * f64::from(series.height) + 0.4 * noise
            }
            Course::Direction => (450.0 * (moment.weather - 0.6) + 25.0 * noise).rem_euclid(360.0),
            Course::Pressure => 1013.0 + 40.0 * (1.0 - moment.weather) + 0.3 * noise,
        }
    }

    /// PM10 of a station without its daily course. On a day of an episode, a few stations are over 50 µg/m³.
    fn dust(&self, series: &Series, moment: &Moment) -> f64 {
        if !moment.episode {
            return 16.0 * series.place * moment.weather;
        }
        if self.is_over_limit(series.station, moment.day) {
            let subject = [series.station as u64, moment.day as u64];
            return 58.0 + 18.0 * unit(self.seed, Purpose::EpisodeLevel, &subject);
        }
        26.0 * series.place
    }

    fn is_over_limit(&self, station: usize, day: i64) -> bool {
        let count = self.dusty_stations.len();
        let Ok(position) = self.dusty_stations.binary_search(&station) else {
            return false;
        };
        let first = bits(self.seed, Purpose::EpisodeStation, &[day as u64]) as usize % count;
        (position + count - first) % count < count.div_ceil(EPISODE_STATIONS)
    }
}

/// Rounds, and never gives a negative zero.
pub(crate) fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale + 0.0
}
