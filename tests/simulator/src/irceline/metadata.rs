//! Stations, series and their parameters as JSON.

use serde::{Serialize, Serializer};

use crate::irceline::catalogue::{COLOURS, Phenomenon};
use crate::irceline::filter::Filter;
use crate::irceline::model::{Fate, Series, Station, World};
use crate::irceline::timespan::HOUR_MS;
use crate::irceline::values::{Moment, Value};
use crate::irceline::{Endpoint, Irceline};
use crate::random::{Purpose, unit};

pub(crate) const SERVICE: Reference<'static> = Reference { id: "1", label: "IRCEL - CELINE: timeseries-api (SOS 2.0)" };

/// Share of the series whose status intervals, first or last value are null; as many lack the field.
const INCOMPLETE: f64 = 0.03;

/// How far back the last value is looked for.
const LOOK_BACK: i64 = 48;

/// An item of a collection, as others refer to it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Reference<'a> {
    pub(crate) id: &'a str,
    pub(crate) label: &'a str,
}

/// A GeoJSON feature.
#[derive(Serialize)]
pub(crate) struct Feature<'a> {
    properties: Properties<'a>,
    geometry: Geometry,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Properties<'a> {
    id: u64,
    label: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeseries: Option<SeriesMap<'a>>,
}

#[derive(Serialize)]
struct Geometry {
    /// Longitude, latitude, and an elevation that is not known.
    coordinates: (f64, f64, &'static str),
    #[serde(rename = "type")]
    kind: &'static str,
}

/// Series of a station by id.
struct SeriesMap<'a>(Vec<(&'a str, Parameters<'a>)>);

impl Serialize for SeriesMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, parameters)| (id, parameters)))
    }
}

#[derive(Serialize)]
struct Parameters<'a> {
    service: Reference<'static>,
    offering: Reference<'a>,
    feature: Reference<'a>,
    procedure: Reference<'a>,
    phenomenon: Reference<'static>,
    category: Reference<'static>,
}

/// A series; what only the expanded form has is left out of the short one.
#[derive(Serialize)]
pub(crate) struct Timeseries<'a> {
    id: &'a str,
    label: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    extras: Option<[&'static str; 2]>,
    uom: &'static str,
    station: Feature<'a>,
    #[serde(flatten)]
    more: Option<More<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct More<'a> {
    reference_values: [u8; 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    first_value: Option<Option<Instant>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_value: Option<Option<Instant>>,
    parameters: Parameters<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_intervals: Option<Option<Vec<StatusInterval>>>,
}

/// A value with its timestamp.
#[derive(Serialize)]
struct Instant {
    timestamp: i64,
    value: f64,
}

#[derive(Serialize)]
struct StatusInterval {
    lower: String,
    upper: String,
    name: String,
    color: &'static str,
}

/// What is asked for apart from a series itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Extras {
    license: &'static str,
    status_intervals: Vec<StatusInterval>,
}

impl Irceline {
    /// A station in its own collection, with its series if `filter` says which.
    pub(crate) fn feature<'a>(&'a self, station: &'a Station, filter: Option<&Filter>, single: bool) -> Feature<'a> {
        let chosen = |filter: &Filter| {
            let series = station.series.iter().filter_map(|index| self.world.series.get(*index));
            let wanted = series.filter(|series| filter.has_series(&self.world, series));
            SeriesMap(wanted.map(|series| (series.id.as_str(), parameters(&self.world, series))).collect())
        };
        let endpoint = if single { Endpoint::Station } else { Endpoint::Stations };
        self.bare_feature(station, filter.map(chosen), endpoint)
    }

    fn bare_feature<'a>(
        &self,
        station: &'a Station,
        timeseries: Option<SeriesMap<'a>>,
        endpoint: Endpoint,
    ) -> Feature<'a> {
        let (longitude, latitude) = self.coordinates(station, endpoint);
        Feature {
            properties: Properties { id: station.id, label: &station.label, timeseries },
            geometry: Geometry { coordinates: (longitude, latitude, "NaN"), kind: "Point" },
            kind: "Feature",
        }
    }

    pub(crate) fn timeseries<'a>(&'a self, series: &'a Series, expanded: bool) -> Option<Timeseries<'a>> {
        let station = self.world.station_of(series)?;
        Some(Timeseries {
            id: &series.id,
            label: &series.label,
            extras: expanded.then_some(["license", "statusIntervals"]),
            uom: series.uom,
            station: self.bare_feature(station, None, Endpoint::Timeseries),
            more: expanded.then(|| self.more(series)),
        })
    }

    fn more<'a>(&'a self, series: &'a Series) -> More<'a> {
        let seed = self.world.seed;
        let form = |purpose, field| unit(seed, purpose, &[series.key, field]);
        let intervals = || Some(status_intervals(series.phenomenon)).filter(|all| !all.is_empty());
        More {
            reference_values: [],
            first_value: incomplete(form(Purpose::LastValueForm, 1), || self.first_value(series)),
            last_value: incomplete(form(Purpose::LastValueForm, 2), || self.last_value(series)),
            parameters: parameters(&self.world, series),
            status_intervals: incomplete(form(Purpose::StatusIntervals, 0), intervals),
        }
    }

    fn first_value(&self, series: &Series) -> Option<Instant> {
        let moment = Moment::new(self.world.seed, series.first_hour);
        let value = self.world.measured(series, &moment);
        let timestamp = series.first_hour * HOUR_MS;
        (series.fate != Fate::Empty).then_some(Instant { timestamp, value })
    }

    fn last_value(&self, series: &Series) -> Option<Instant> {
        let now = self.world.now_hour;
        let value = |hour: i64, value| Instant { timestamp: hour * HOUR_MS, value };
        let measured = |hour| value(hour, self.world.measured(series, &Moment::new(self.world.seed, hour)));
        match series.fate {
            Fate::Empty => None,
            Fate::Dead => Some(measured(now)),
            Fate::Closed { last_hour } => Some(measured(last_hour)),
            Fate::Live => {
                (0..LOOK_BACK).map(|back| now - back).find_map(|hour| match self.value(&series.id, hour * HOUR_MS) {
                    Some(Value::Number(number)) => Some(value(hour, number)),
                    _ => None,
                })
            }
        }
    }
}

pub(crate) fn extras(series: &Series) -> Extras {
    Extras { license: "Creative Commons Attribution 4.0", status_intervals: status_intervals(series.phenomenon) }
}

/// Rarely null, as rarely not there at all, else what is known.
fn incomplete<T>(form: f64, known: impl FnOnce() -> Option<T>) -> Option<Option<T>> {
    if form < INCOMPLETE {
        None
    } else if form < 2.0 * INCOMPLETE {
        Some(None)
    } else {
        Some(known())
    }
}

fn parameters<'a>(world: &'a World, series: &'a Series) -> Parameters<'a> {
    let procedure = Reference { id: &series.id, label: &series.procedure_label };
    let (id, label) =
        world.station_of(series).map_or(("", ""), |station| (station.id_text.as_str(), station.label.as_str()));
    let phenomenon = Reference { id: series.phenomenon.id, label: series.phenomenon.label };
    Parameters {
        service: SERVICE,
        offering: procedure,
        feature: Reference { id, label },
        procedure,
        phenomenon,
        category: phenomenon,
    }
}

/// From the highest band to the lowest, which begins at -10.
fn status_intervals(phenomenon: &Phenomenon) -> Vec<StatusInterval> {
    let (name, bounds) = phenomenon.bands;
    let lowers = std::iter::once(&-10.0).chain(bounds);
    let bands = lowers.zip(bounds).zip(COLOURS).map(|((lower, upper), color)| StatusInterval {
        lower: format!("{lower:?}"),
        upper: format!("{upper:?}"),
        name: format!("{} - {upper} {name}", lower.max(0.0)),
        color,
    });
    let mut bands: Vec<StatusInterval> = bands.collect();
    bands.reverse();
    bands
}
