//! The 52°North timeseries API of IRCELINE: Belgian air quality, measured every hour.
//!
//! * [`catalogue`]: fixed tables of phenomena and places
//! * [`model`]: stations and series, generated from the seed
//! * [`values`]: what they measured, as a function of the hour
//! * [`timespan`]: the intervals a client may ask for
//! * [`data`]: values on their way out, with corrections and neighbours
//! * [`metadata`], [`filter`] and [`routes`]: the API itself

mod catalogue;
mod data;
mod filter;
mod metadata;
mod model;
mod problem;
mod routes;
mod timespan;
mod values;

pub use self::values::Value;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, NaiveDate, Utc};

use self::model::{Fate, Series, World};
use self::timespan::HOUR_MS;
use self::values::{Moment, hours_of_day, round};
use crate::random::{Purpose, unit};
use crate::{Options, Paging};

pub(crate) use self::routes::{BASE, router};

/// By how much one correction raises a value.
const CORRECTION: f64 = 1.5;

/// A series, by the ids a client sees.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeriesInfo {
    /// Id of the series, the key of its values.
    pub id: String,
    /// Id of its station, an integer in the station's own JSON.
    pub station_id: String,
    /// Id of what it measures.
    pub phenomenon_id: String,
}

/// The endpoints a coordinate can come from. Its last digits differ between them.
#[derive(Clone, Copy, Debug)]
enum Endpoint {
    Stations = 1,
    Station,
    Timeseries,
}

/// The generated world, and what happened to it since.
#[derive(Debug)]
pub(crate) struct Irceline {
    world: World,
    now: DateTime<Utc>,
    paging: Paging,
    neighbours: bool,
    pretty: bool,
    jitter: bool,
    jitter_calls: bool,
    calls: AtomicU64,
    /// How often each series was corrected on each day.
    corrections: RwLock<HashMap<(usize, i64), u32>>,
    /// Series whose data cannot be had: requests for them fail.
    failing: RwLock<HashSet<String>>,
    /// Series that are listed still, and unknown to the data endpoints by now.
    forgotten: RwLock<HashSet<String>>,
}

impl Irceline {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            world: World::generate(options),
            now: options.now,
            paging: options.paging,
            neighbours: options.neighbours,
            pretty: options.pretty,
            jitter: options.jitter,
            jitter_calls: options.jitter_calls,
            calls: AtomicU64::new(0),
            corrections: RwLock::default(),
            failing: RwLock::default(),
            forgotten: RwLock::default(),
        }
    }

    /// Changes the values of the first `count` live series of a default parameter on a day in Brussels.
    pub(crate) fn correct(&self, day: NaiveDate, count: usize) -> usize {
        let Some(hours) = hours_of_day(day) else {
            return 0;
        };
        let moments: Vec<Moment> = hours.map(|hour| Moment::new(self.world.seed, hour)).collect();
        let Some(day) = moments.first().map(|moment| moment.day) else {
            return 0;
        };
        let mut corrections = self.corrections.write().unwrap_or_else(PoisonError::into_inner);
        let of_default = |series: &Series| series.fate == Fate::Live && series.phenomenon.is_default();
        let chosen = self.world.series.iter().enumerate().filter(|(_, series)| of_default(series));
        let mut changed = 0;
        for (index, series) in chosen.take(count) {
            *corrections.entry((index, day)).or_default() += 1;
            let number = |moment: &&Moment| matches!(self.world.original(series, moment), Value::Number(_));
            changed += moments.iter().filter(number).count();
        }
        changed
    }

    pub(crate) fn fail_series(&self, ids: Vec<String>) {
        *self.failing.write().unwrap_or_else(PoisonError::into_inner) = ids.into_iter().collect();
    }

    pub(crate) fn forget_series(&self, ids: Vec<String>) {
        *self.forgotten.write().unwrap_or_else(PoisonError::into_inner) = ids.into_iter().collect();
    }

    fn is_forgotten(&self, id: &str) -> bool {
        self.forgotten.read().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    fn is_failing(&self, ids: &[String]) -> bool {
        let failing = self.failing.read().unwrap_or_else(PoisonError::into_inner);
        !failing.is_empty() && ids.iter().any(|id| failing.contains(id))
    }

    pub(crate) fn series(&self, chosen: impl Fn(&SeriesState) -> bool) -> Vec<SeriesInfo> {
        let info = |series: &Series| SeriesInfo {
            id: series.id.clone(),
            station_id: self.world.station_of(series).map(|it| it.id_text.clone()).unwrap_or_default(),
            phenomenon_id: series.phenomenon.id.to_owned(),
        };
        let state = |series: &&Series| {
            chosen(&SeriesState { live: series.fate == Fate::Live, dead: series.fate == Fate::Dead })
        };
        self.world.series.iter().filter(state).map(info).collect()
    }

    /// What the server would answer now, or `None` if it does not know the series.
    pub(crate) fn value(&self, id: &str, timestamp_ms: i64) -> Option<Value> {
        let index = self.world.find_series(id)?;
        let series = self.world.series.get(index)?;
        if timestamp_ms.rem_euclid(HOUR_MS) != 0 {
            return Some(Value::Absent);
        }
        let moment = Moment::new(self.world.seed, timestamp_ms.div_euclid(HOUR_MS));
        let corrections = self.corrections.read().unwrap_or_else(PoisonError::into_inner);
        Some(self.corrected(&corrections, index, series, &moment))
    }

    fn corrected(
        &self,
        corrections: &HashMap<(usize, i64), u32>,
        index: usize,
        series: &Series,
        moment: &Moment,
    ) -> Value {
        let value = self.world.original(series, moment);
        let (Value::Number(number), false) = (value, corrections.is_empty()) else {
            return value;
        };
        match corrections.get(&(index, moment.day)) {
            Some(times) => Value::Number(round(number + CORRECTION * f64::from(*times), series.phenomenon.decimals)),
            None => value,
        }
    }

    /// Longitude and latitude of a station as one endpoint gives them.
    fn coordinates(&self, station: &model::Station, endpoint: Endpoint) -> (f64, f64) {
        if !self.jitter && !self.jitter_calls {
            return (station.longitude, station.latitude);
        }
        let call = if self.jitter_calls { self.calls.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let shift = |axis| {
            let subject = [station.id, endpoint as u64, call, axis];
            (unit(self.world.seed, Purpose::Coordinate, &subject) - 0.5) * 2e-11
        };
        (station.longitude + shift(0), station.latitude + shift(1))
    }
}

/// What a choice of series can look at.
pub(crate) struct SeriesState {
    pub(crate) live: bool,
    pub(crate) dead: bool,
}

#[cfg(test)]
mod tests;
