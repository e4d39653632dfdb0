//! Stations and series: what there is to ask for.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lake::suggest::did_you_mean;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::{NAME, failed};
use crate::error::{Error, Result};
use crate::http::{Http, shown};

const EARTH_RADIUS_KM: f64 = 6371.0;
/// Coordinates of two calls may differ by this much of their value, in the last digits of a double.
const JITTER: f64 = 1e-9;

/// A circle on the map.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Near {
    longitude: f64,
    latitude: f64,
    radius_km: f64,
}

impl Near {
    /// The member that is no place on the map, or no radius, and why.
    pub fn mistake(&self) -> Option<(&'static str, String)> {
        let beyond = |key, value: f64, most: f64| {
            let is_there = (-most..=most).contains(&value);
            (!is_there).then(|| (key, format!("{value} is no {key}: it is from -{most} to {most} degrees")))
        };
        beyond("longitude", self.longitude, 180.0).or_else(|| beyond("latitude", self.latitude, 90.0)).or_else(|| {
            let is_radius = self.radius_km.is_finite() && self.radius_km > 0.0;
            (!is_radius).then(|| ("radius_km", format!("{} is no radius: give kilometres above 0", self.radius_km)))
        })
    }

    /// Great-circle distance by the haversine formula.
    fn has(&self, longitude: f64, latitude: f64) -> bool {
        let (from, to) = (self.latitude.to_radians(), latitude.to_radians());
        let half = ((longitude - self.longitude).to_radians() / 2.0).sin().powi(2) * from.cos() * to.cos()
            + ((to - from) / 2.0).sin().powi(2);
        2.0 * EARTH_RADIUS_KM * half.sqrt().min(1.0).asin() <= self.radius_km
    }
}

/// The bodies as they were answered.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// `stations.json`
    pub stations: Bytes,
    /// `timeseries.json`
    pub timeseries: Bytes,
}

#[derive(Deserialize)]
struct Station {
    properties: StationProperties,
    geometry: Option<Geometry>,
}

#[derive(Deserialize)]
struct StationProperties {
    id: i64,
}

#[derive(Deserialize)]
struct Geometry {
    // Longitude, latitude, and the text "NaN".
    coordinates: Vec<Value>,
}

#[derive(Deserialize)]
struct Series {
    id: String,
    station: Option<Station>,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    phenomenon: Option<Phenomenon>,
}

#[derive(Deserialize)]
struct Phenomenon {
    id: String,
}

/// An endpoint below the API's base.
pub fn endpoint(base: &Url, path: &str) -> Url {
    base.join(path).unwrap_or_else(|_| base.clone())
}

/// Fetches both lists, each in one call unless a page size is set.
pub async fn fetch(http: &Http, base: &Url, page_size: Option<usize>) -> Result<Metadata> {
    let stations = list(http, base, "stations", page_size).await?;
    let timeseries = list(http, base, "timeseries", page_size).await?;
    Ok(Metadata { stations, timeseries })
}

/// A collection, expanded. With a page size, pages are asked for until one is not full, or longer than asked for (the
/// server ignores paging); they are joined into one list, each element once by its id: everything else about it may
/// differ between two answers. A full page without anything new is an error: whether there is more is not known.
async fn list(http: &Http, base: &Url, collection: &str, page_size: Option<usize>) -> Result<Bytes> {
    let mut url = endpoint(base, collection);
    url.query_pairs_mut().append_pair("expanded", "true");
    let Some(size) = page_size.filter(|size| *size > 0) else {
        let body = get(http, &url).await?;
        return parse::<Vec<&RawValue>>(&url, &body).map(|_| body.clone());
    };
    let mut elements: Vec<Box<RawValue>> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut offset = 0;
    loop {
        let mut page_url = url.clone();
        let (limit, from) = (size.to_string(), offset.to_string());
        page_url.query_pairs_mut().append_pair("limit", &limit).append_pair("offset", &from);
        let body = get(http, &page_url).await?;
        let page: Vec<Box<RawValue>> = parse(&page_url, &body)?;
        let count = page.len();
        if offset == 0 && count != size {
            return Ok(body);
        }
        offset += count;
        let before = elements.len();
        for element in page {
            let value: Value = serde_json::from_str(element.get()).unwrap_or_default();
            let id = raw_id(&value).ok_or_else(|| wrong(&page_url, "it lists something without an id".to_owned()))?;
            if seen.insert(id) {
                elements.push(element);
            }
        }
        if count != size {
            let joined = elements.iter().map(|element| element.get()).collect::<Vec<_>>().join(",");
            return Ok(Bytes::from(format!("[{joined}]")));
        }
        if elements.len() == before {
            let why =
                "it has nothing that the pages before it did not have: unset `page_size` of [source], or set another";
            return Err(wrong(&page_url, why.to_owned()));
        }
    }
}

/// The id of a station or a series; none if it is blank.
pub fn id_of(element: &Value) -> Option<String> {
    raw_id(element).filter(|id| !id.trim().is_empty())
}

fn raw_id(element: &Value) -> Option<String> {
    match element.get("id").or_else(|| element.pointer("/properties/id"))? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

async fn get(http: &Http, url: &Url) -> Result<Bytes> {
    let answer = http.get(url).await.map_err(failed)?;
    if answer.status == 200 {
        return Ok(answer.body);
    }
    Err(wrong(url, format!("the server answered {}; is IRCELINE_URL right?", answer.status)))
}

fn wrong(url: &Url, why: String) -> Error {
    Error::Answer { source_name: NAME, url: shown(url), why }
}

/// What the parser says of an answer could show parts of it: it is left out.
fn parse<'a, T: Deserialize<'a>>(url: &Url, body: &'a [u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        wrong(url, format!("it is not as it should be at line {}, column {}", error.line(), error.column()))
    })
}

impl Metadata {
    /// The ids of all series that are listed.
    pub fn listed(&self) -> BTreeSet<String> {
        let series: Vec<Value> = serde_json::from_slice(&self.timeseries).unwrap_or_default();
        series.iter().filter_map(id_of).collect()
    }

    /// What is listed with a blank id: nobody can ask for it, and the tables reject it.
    pub fn nameless(&self) -> usize {
        let elements = [&self.stations, &self.timeseries].map(|list| serde_json::from_slice(list).unwrap_or_default());
        let is_nameless = |element: &&Value| raw_id(element).is_some_and(|id| id.trim().is_empty());
        elements.iter().flat_map(|list: &Vec<Value>| list).filter(is_nameless).count()
    }

    /// The ids of the series that the settings want, in ascending order. `names` translates phenomenon ids.
    ///
    /// Errors if the settings are wrong, the lists are not as documented, or nothing is wanted: that would look like
    /// days without data.
    pub fn select(
        &self,
        base: &Url,
        parameters: &[String],
        names: &BTreeMap<String, String>,
        near: Option<&Near>,
    ) -> Result<Vec<String>> {
        let mistaken = |why| lake::Error::Dataset {
            file: format!("{NAME}/dataset.toml"),
            why: format!("source.parameters: {why}"),
        };
        let phenomena = phenomena(parameters, names).map_err(mistaken)?;
        let url = endpoint(base, "timeseries");
        let series: Vec<Series> = parse(&url, &self.timeseries)?;
        let listed = series.len();
        let stations = match near {
            Some(near) => Some(self.stations_near(base, near)?),
            None => None,
        };
        let wanted = |series: &Series| {
            let phenomenon = series.parameters.as_ref().and_then(|parameters| parameters.phenomenon.as_ref());
            let station = series.station.as_ref().map(|station| station.properties.id);
            !series.id.trim().is_empty()
                && phenomena
                    .as_ref()
                    .is_none_or(|ids| phenomenon.is_some_and(|phenomenon| ids.contains(&phenomenon.id)))
                && stations.as_ref().is_none_or(|ids| station.is_some_and(|station| ids.contains(&station)))
        };
        let mut ids: Vec<String> = series.into_iter().filter(wanted).map(|series| series.id).collect();
        ids.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        ids.dedup();
        if ids.is_empty() {
            let why =
                format!("of the {listed} series that it lists none is wanted by `parameters` and `near` of [source]");
            return Err(wrong(&url, why));
        }
        Ok(ids)
    }

    fn stations_near(&self, base: &Url, near: &Near) -> Result<BTreeSet<i64>> {
        let stations: Vec<Station> = parse(&endpoint(base, "stations"), &self.stations)?;
        let inside = |station: &Station| {
            let coordinates = station.geometry.as_ref().map(|geometry| geometry.coordinates.as_slice());
            let Some([longitude, latitude, ..]) = coordinates else { return false };
            matches!((longitude.as_f64(), latitude.as_f64()), (Some(longitude), Some(latitude)) if near.has(longitude, latitude))
        };
        Ok(stations.into_iter().filter(inside).map(|station| station.properties.id).collect())
    }
}

/// The phenomenon ids that are wanted; `None` for all.
pub fn phenomena(parameters: &[String], names: &BTreeMap<String, String>) -> Result<Option<BTreeSet<String>>, String> {
    let mut ids = BTreeSet::new();
    for wanted in parameters {
        if wanted == "all" {
            return Ok(None);
        }
        let by_name = names.iter().find(|(_, name)| *name == wanted).map(|(id, _)| id.clone());
        let is_id = !wanted.is_empty() && wanted.bytes().all(|byte| byte.is_ascii_digit());
        match by_name.or_else(|| is_id.then(|| wanted.clone())) {
            Some(id) => ids.insert(id),
            None => {
                let known = names.values().cloned().collect::<Vec<_>>().join(", ");
                let meant = did_you_mean(wanted, names.values().map(String::as_str));
                return Err(format!("\"{wanted}\" is unknown; use {known}, a phenomenon id, or all{meant}"));
            }
        };
    }
    Ok(Some(ids))
}

/// Whether two bodies say the same, taking doubles that differ in their last digits for equal: the server computes
/// coordinates anew for each call.
pub fn same_but_for_jitter(a: &[u8], b: &[u8]) -> bool {
    if a == b {
        return true;
    }
    match (serde_json::from_slice(a), serde_json::from_slice(b)) {
        (Ok(a), Ok(b)) => same(&a, &b),
        _ => false,
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) if x.is_f64() && y.is_f64() => {
            let (x, y) = (x.as_f64().unwrap_or(f64::NAN), y.as_f64().unwrap_or(f64::NAN));
            (x - y).abs() <= JITTER * x.abs().max(y.abs())
        }
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, x)| y.get(key).is_some_and(|y| same(x, y)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> BTreeMap<String, String> {
        BTreeMap::from([("5".to_owned(), "pm10".to_owned()), ("8".to_owned(), "no2".to_owned())])
    }

    fn base() -> Url {
        "http://127.0.0.1/".parse().unwrap()
    }

    fn metadata() -> Metadata {
        let stations = r#"[
            {"properties":{"id":1},"geometry":{"coordinates":[4.40,51.22,"NaN"]}},
            {"properties":{"id":2},"geometry":{"coordinates":[4.53,51.30,"NaN"]}},
            {"properties":{"id":3},"geometry":null}]"#;
        let timeseries = r#"[
            {"id":"100","station":{"properties":{"id":1}},"parameters":{"phenomenon":{"id":"5"}}},
            {"id":"20","station":{"properties":{"id":2}},"parameters":{"phenomenon":{"id":"8"}}},
            {"id":"3","station":null,"parameters":null}]"#;
        Metadata { stations: stations.into(), timeseries: timeseries.into() }
    }

    #[test]
    fn series_are_selected_by_parameter() {
        let select = |parameters: &[&str]| {
            let parameters: Vec<String> = parameters.iter().map(|name| (*name).to_owned()).collect();
            metadata().select(&base(), &parameters, &names(), None).map_err(|error| error.to_string())
        };
        assert_eq!(select(&["pm10"]).unwrap(), ["100"]);
        assert_eq!(select(&["8", "pm10"]).unwrap(), ["20", "100"]);
        assert_eq!(select(&["all"]).unwrap(), ["3", "20", "100"]);
        assert!(select(&["71"]).unwrap_err().contains("of the 3 series that it lists none is wanted"));
        assert!(select(&["ozone"]).unwrap_err().contains("no2, a phenomenon id, or all"));
    }

    #[test]
    fn a_series_with_a_blank_id_is_not_asked_for() {
        let timeseries = r#"[{"id":"","parameters":{"phenomenon":{"id":"5"}}},{"id":" "},{"id":"7"}]"#;
        let metadata = Metadata { stations: "[]".into(), timeseries: timeseries.into() };
        assert_eq!(metadata.select(&base(), &["all".to_owned()], &names(), None).unwrap(), ["7"]);
        assert_eq!((metadata.nameless(), metadata.listed().len()), (2, 1));
    }

    #[test]
    fn near_is_a_circle_and_not_a_box() {
        // Station 2 is 9.1 km east and 8.9 km north of the centre: inside the box, 12.7 km away.
        let near = |radius_km| Near { longitude: 4.40, latitude: 51.22, radius_km };
        let select = |radius| metadata().select(&base(), &["all".to_owned()], &names(), Some(&near(radius))).unwrap();
        assert_eq!(select(10.0), ["100"]);
        assert_eq!(select(13.0), ["20", "100"]);
    }

    #[test]
    fn jitter_is_no_change_but_a_move_is() {
        let body = |longitude: &str| format!(r#"[{{"c":[{longitude},51.2,"NaN"],"id":1}}]"#).into_bytes();
        assert!(same_but_for_jitter(&body("4.385223684454717"), &body("4.385223684454721")));
        assert!(!same_but_for_jitter(&body("4.3852"), &body("4.3853")));
        assert!(!same_but_for_jitter(&body("4.3852"), b"[]"));
    }
}
