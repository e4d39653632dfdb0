//! The generated world: stations and series, the same for the same options.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use crate::Options;
use crate::irceline::catalogue::{
    CARBON_MONOXIDE, CORNERS, HEIGHTS, PHENOMENA, PLACES, PROCEDURES, Phenomenon, TEMPERATURE, TOTAL_SHARE, WIND_SPEED,
};
use crate::irceline::timespan::HOUR_MS;
use crate::random::{Purpose, bits, pick, unit};

/// 1 January 2008 and 1 January 2014 as hours since 1970: between them the series begin.
const BEGINNINGS: RangeInclusive<i64> = 333_096..=385_704;

/// 1 January 2022 as hours since 1970: closed series end before it.
const LAST_CLOSURE: i64 = 455_832;

/// Share of the series that hold a placeholder for hours yet to come, beside those of the wind speed.
const PREFILLED_SHARE: f64 = 0.01;

#[derive(Debug)]
pub(crate) struct Station {
    pub(crate) id: u64,
    pub(crate) id_text: String,
    pub(crate) label: String,
    pub(crate) longitude: f64,
    pub(crate) latitude: f64,
    /// Positions in [`World::series`], in rising order.
    pub(crate) series: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) id: String,
    /// The id as a number, for draws.
    pub(crate) key: u64,
    /// Position in [`World::stations`].
    pub(crate) station: usize,
    pub(crate) phenomenon: &'static Phenomenon,
    pub(crate) uom: &'static str,
    pub(crate) label: String,
    pub(crate) procedure_label: String,
    pub(crate) height: u32,
    /// How much dirtier the air at the station is than elsewhere, about 0.75 to 1.35.
    pub(crate) place: f64,
    /// How much more the instrument shows than another beside it.
    pub(crate) instrument: f64,
    pub(crate) first_hour: i64,
    pub(crate) fate: Fate,
    /// Hours yet to come hold a placeholder instead of nothing.
    pub(crate) prefilled: bool,
}

/// What became of a series.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    Live,
    /// Listed, but unknown to the data endpoint.
    Dead,
    Closed {
        last_hour: i64,
    },
    /// Listed, but never held a value.
    Empty,
}

/// Everything the server knows that does not change while it runs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) now_hour: i64,
    pub(crate) missing_rate: f64,
    pub(crate) stations: Vec<Station>,
    pub(crate) series: Vec<Series>,
    /// Positions of the stations with a live PM10 series, which may see an episode.
    pub(crate) dusty_stations: Vec<usize>,
    series_by_id: HashMap<String, usize>,
    stations_by_id: HashMap<String, usize>,
}

impl World {
    pub(crate) fn generate(options: &Options) -> Self {
        let seed = options.seed;
        let mut stations: Vec<Station> = Vec::with_capacity(options.stations);
        for index in 0..options.stations {
            let previous = stations.last().map_or(990, |station| station.id);
            stations.push(station(seed, index, previous));
        }
        let mut series = all_series(seed, options.series, &stations);
        decide_fates(options, &mut series);
        for (index, one) in series.iter().enumerate() {
            if let Some(station) = stations.get_mut(one.station) {
                station.series.push(index);
            }
        }
        let mut dusty_stations: Vec<usize> = series
            .iter()
            .filter(|one| one.phenomenon.id == "5" && one.fate == Fate::Live)
            .map(|one| one.station)
            .collect();
        dusty_stations.sort_unstable();
        dusty_stations.dedup();
        Self {
            seed,
            now_hour: options.now.timestamp_millis().div_euclid(HOUR_MS),
            missing_rate: options.missing_rate,
            series_by_id: positions(series.iter().map(|one| &one.id)),
            stations_by_id: positions(stations.iter().map(|station| &station.id_text)),
            stations,
            series,
            dusty_stations,
        }
    }

    pub(crate) fn find_series(&self, id: &str) -> Option<usize> {
        self.series_by_id.get(id).copied()
    }

    pub(crate) fn find_station(&self, id: &str) -> Option<&Station> {
        self.stations.get(*self.stations_by_id.get(id)?)
    }

    pub(crate) fn station_of(&self, series: &Series) -> Option<&Station> {
        self.stations.get(series.station)
    }
}

fn positions<'a>(ids: impl Iterator<Item = &'a String>) -> HashMap<String, usize> {
    ids.enumerate().map(|(index, id)| (id.clone(), index)).collect()
}

fn station(seed: u64, index: usize, previous_id: u64) -> Station {
    let subject = [index as u64];
    let id = previous_id + 1 + bits(seed, Purpose::StationId, &subject) % 5;
    let (place, longitude, latitude) = PLACES.get(index % PLACES.len()).copied().unwrap_or(("Gent", 3.73, 51.05));
    let round = index / PLACES.len();
    // Codes of invented letters, so that no reader takes them for real stations.
    let code = match bits(seed, Purpose::StationPlace, &[index as u64, 2]) % 4 {
        0 => format!("40ZS{:02}", index + 1),
        1 => format!("41X{:03}", index + 1),
        2 => format!("44Q{:03}", index + 1),
        _ => format!("T2Z{:03}", index + 1),
    };
    let spread = if round == 0 { 0.002 } else { 0.08 };
    let shift = |axis| (unit(seed, Purpose::StationPlace, &[index as u64, axis]) - 0.5) * spread;
    Station {
        id,
        id_text: id.to_string(),
        label: format!("{code} - {}", place_name(place, index)),
        longitude: longitude + shift(0),
        latitude: latitude + shift(1),
        series: Vec::new(),
    }
}

/// The place itself in the first round; later the municipality with another detail in brackets.
fn place_name(place: &str, index: usize) -> String {
    let Some(further) = (index / PLACES.len()).checked_sub(1) else {
        return place.to_owned();
    };
    let municipality = place.split(" (").next().unwrap_or(place);
    let corner = CORNERS.get((index + further) % CORNERS.len()).copied().unwrap_or_default();
    match further / CORNERS.len() {
        0 => format!("{municipality} ({corner})"),
        number => format!("{municipality} ({corner} {})", number + 1),
    }
}

/// Series in rising order of their ids, which mixes phenomena and stations.
fn all_series(seed: u64, count: usize, stations: &[Station]) -> Vec<Series> {
    if stations.is_empty() {
        return Vec::new();
    }
    let mut planned: Vec<(&'static Phenomenon, usize, usize)> = Vec::with_capacity(count);
    for (phenomenon, amount) in shares(count) {
        let subject = [phenomenon.id.parse().unwrap_or_default()];
        let offset = bits(seed, Purpose::SeriesStation, &subject) as usize % stations.len();
        for ordinal in 0..amount {
            // Sensors at all heights of a mast stand at one station.
            let step = if phenomenon.id == TEMPERATURE { ordinal / HEIGHTS.len() } else { ordinal };
            planned.push((phenomenon, (offset + step) % stations.len(), ordinal));
        }
    }
    let mut keyed: Vec<_> = planned.into_iter().enumerate().collect();
    keyed.sort_by_key(|(index, _)| bits(seed, Purpose::SeriesOrder, &[*index as u64]));
    // Around here the ids get a digit more: sorting them as text is not sorting them as numbers.
    let mut key = 99_200;
    let mut series = Vec::with_capacity(keyed.len());
    for (_, (phenomenon, station, ordinal)) in keyed {
        key += 1 + bits(seed, Purpose::SeriesId, &[key]) % 4;
        let label = stations.get(station).map(|station| station.label.as_str()).unwrap_or_default();
        series.push(one_series(seed, key, (phenomenon, station, ordinal), label));
    }
    series
}

fn one_series(
    seed: u64,
    key: u64,
    (phenomenon, station, ordinal): (&'static Phenomenon, usize, usize),
    station_label: &str,
) -> Series {
    let id = key.to_string();
    let device = bits(seed, Purpose::Procedure, &[key]) as usize % PROCEDURES.len();
    let device = PROCEDURES.get(device).copied().unwrap_or_default();
    let height = match phenomenon.id {
        TEMPERATURE => HEIGHTS.get(ordinal % HEIGHTS.len()).copied().unwrap_or_default(),
        _ => 0,
    };
    let procedure_label = match height {
        0 => format!("{id} - {device} - procedure"),
        metres => format!("{id} - {metres} m - procedure"),
    };
    let in_milligrams = phenomenon.id == CARBON_MONOXIDE && unit(seed, Purpose::CarbonMonoxideUnit, &[key]) < 0.4;
    let range = (BEGINNINGS.end() - BEGINNINGS.start()) as u64;
    Series {
        label: format!("{} {procedure_label}, {station_label}", phenomenon.label),
        id,
        key,
        station,
        phenomenon,
        uom: if in_milligrams { "mg/m³" } else { phenomenon.uom },
        procedure_label,
        height,
        place: 0.75 + 0.6 * unit(seed, Purpose::StationLevel, &[station as u64]),
        instrument: 0.98 + 0.04 * unit(seed, Purpose::SeriesLevel, &[key]),
        first_hour: BEGINNINGS.start() + (bits(seed, Purpose::FirstHour, &[key]) % range) as i64,
        fate: Fate::Live,
        prefilled: phenomenon.id == WIND_SPEED,
    }
}

/// Shares out `count` series, so that the rounded parts add up.
fn shares(count: usize) -> Vec<(&'static Phenomenon, usize)> {
    let mut shared = Vec::with_capacity(PHENOMENA.len());
    let (mut parts, mut given) = (0, 0);
    for phenomenon in &PHENOMENA {
        parts += phenomenon.share;
        let due = (count * parts + TOTAL_SHARE / 2) / TOTAL_SHARE;
        shared.push((phenomenon, due - given));
        given = due;
    }
    shared
}

fn decide_fates(options: &Options, series: &mut [Series]) {
    let seed = options.seed;
    let of_default = series.iter().enumerate().filter(|(_, one)| one.phenomenon.is_default());
    let dead = pick(seed, Purpose::Dead, of_default.map(|(index, _)| index), options.dead);
    for index in dead {
        if let Some(one) = series.get_mut(index) {
            one.fate = Fate::Dead;
        }
    }
    let (closed, total) = ((series.len() as f64 * options.empty_rate).round() as usize, series.len());
    for (order, index) in pick(seed, Purpose::Closed, live(series), closed.min(total)).into_iter().enumerate() {
        if let Some(one) = series.get_mut(index) {
            let range = (LAST_CLOSURE - BEGINNINGS.end()) as u64;
            let after = (bits(seed, Purpose::LastHour, &[one.key]) % range) as i64;
            let last_hour = BEGINNINGS.end() + after;
            one.fate = if order % 3 == 2 { Fate::Empty } else { Fate::Closed { last_hour } };
        }
    }
    let prefilled = (series.len() as f64 * PREFILLED_SHARE).round().max(1.0) as usize;
    for index in pick(seed, Purpose::Prefilled, live(series), prefilled) {
        if let Some(one) = series.get_mut(index) {
            one.prefilled = true;
        }
    }
}

fn live(series: &[Series]) -> Vec<usize> {
    let live = series.iter().enumerate().filter(|(_, one)| one.fate == Fate::Live);
    live.map(|(index, _)| index).collect()
}
