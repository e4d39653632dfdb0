//! The query parameters that narrow down a collection.

use std::collections::HashMap;

use crate::Paging;
use crate::irceline::model::{Series, Station, World};
use crate::irceline::problem::Problem;

/// Mean radius of the earth in kilometres.
const EARTH_RADIUS: f64 = 6371.0;

/// Query parameters by name; of a repeated one, the last counts.
pub(crate) type Query = HashMap<String, String>;

/// Longitudes and latitudes between which stations are asked for.
#[derive(Clone, Copy, Debug)]
struct Extent {
    west: f64,
    south: f64,
    east: f64,
    north: f64,
}

/// Which stations and series are asked for, and which page of them.
#[derive(Debug)]
pub(crate) struct Filter {
    services: Option<Vec<String>>,
    phenomena: Option<Vec<String>>,
    stations: Option<Vec<String>>,
    series: Option<Vec<String>>,
    extent: Option<Extent>,
    offset: usize,
    limit: usize,
}

impl Filter {
    pub(crate) fn read(query: &Query, paging: Paging) -> Result<Self, Problem> {
        let near = query.get("near").map(|text| near(text).ok_or(Problem::BadParameter("near")));
        let bbox = query.get("bbox").map(|text| bbox(text).ok_or(Problem::BadParameter("bbox")));
        let extent = match (near.transpose()?, bbox.transpose()?) {
            (Some(near), Some(bbox)) => Some(near.merged(&bbox)),
            (near, bbox) => near.or(bbox),
        };
        let page = |name| match query.get(name).filter(|_| paging == Paging::Honoured) {
            Some(text) => text.parse::<i64>().map_err(|_| Problem::BadParameter(name)),
            None => Ok(-1),
        };
        Ok(Self {
            services: ids(query, &["service", "services"]),
            phenomena: ids(query, &["phenomenon", "phenomena", "category", "categories"]),
            stations: ids(query, &["station", "stations", "feature", "features"]),
            series: ids(query, &["offering", "offerings", "procedure", "procedures", "timeseries"]),
            extent,
            offset: usize::try_from(page("offset")?).unwrap_or(0),
            limit: usize::try_from(page("limit")?).unwrap_or(usize::MAX),
        })
    }

    /// The asked page of a collection.
    pub(crate) fn page<T>(&self, all: impl Iterator<Item = T>) -> Vec<T> {
        all.skip(self.offset).take(self.limit).collect()
    }

    pub(crate) fn has_series(&self, world: &World, series: &Series) -> bool {
        world.station_of(series).is_some_and(|station| {
            self.has_place(station)
                && contains(&self.services, "1")
                && contains(&self.phenomena, series.phenomenon.id)
                && contains(&self.series, &series.id)
        })
    }

    /// A station is there for any of its series; without a filter on series it needs none.
    pub(crate) fn has_station(&self, world: &World, station: &Station) -> bool {
        if self.phenomena.is_none() && self.series.is_none() {
            return self.has_place(station) && contains(&self.services, "1");
        }
        let mut series = station.series.iter().filter_map(|index| world.series.get(*index));
        series.any(|series| self.has_series(world, series))
    }

    fn has_place(&self, station: &Station) -> bool {
        contains(&self.stations, &station.id_text)
            && self.extent.is_none_or(|extent| extent.contains(station.longitude, station.latitude))
    }
}

impl Extent {
    fn contains(&self, longitude: f64, latitude: f64) -> bool {
        (self.west..=self.east).contains(&longitude) && (self.south..=self.north).contains(&latitude)
    }

    fn merged(&self, other: &Self) -> Self {
        Self {
            west: self.west.min(other.west),
            south: self.south.min(other.south),
            east: self.east.max(other.east),
            north: self.north.max(other.north),
        }
    }
}

fn ids(query: &Query, names: &[&str]) -> Option<Vec<String>> {
    let text = names.iter().find_map(|name| query.get(*name))?;
    Some(text.split(',').map(|id| id.trim().to_owned()).collect())
}

fn contains(ids: &Option<Vec<String>>, id: &str) -> bool {
    ids.as_ref().is_none_or(|ids| ids.iter().any(|one| one == id))
}

/// The box around a circle: what the real server makes of a centre and a radius in kilometres.
fn near(text: &str) -> Option<Extent> {
    let near: serde_json::Value = serde_json::from_str(text).ok()?;
    let (longitude, latitude) = point(near.get("center")?)?;
    let angle = number(near.get("radius")?)? / EARTH_RADIUS;
    let height = angle.to_degrees();
    let width = (angle.sin() / latitude.to_radians().cos()).asin().to_degrees();
    Some(Extent {
        west: longitude - width,
        south: latitude - height,
        east: longitude + width,
        north: latitude + height,
    })
}

fn bbox(text: &str) -> Option<Extent> {
    let corners: serde_json::Value = serde_json::from_str(text).ok()?;
    let (west, south) = point(corners.get("ll")?)?;
    let (east, north) = point(corners.get("ur")?)?;
    Some(Extent { west, south, east, north })
}

fn point(json: &serde_json::Value) -> Option<(f64, f64)> {
    let coordinates = json.get("coordinates")?;
    Some((number(coordinates.get(0)?)?, number(coordinates.get(1)?)?))
}

/// A number, or text that holds one.
fn number(json: &serde_json::Value) -> Option<f64> {
    json.as_f64().or_else(|| json.as_str()?.parse().ok())
}
