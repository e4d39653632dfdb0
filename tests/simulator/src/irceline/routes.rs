//! The endpoints.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query as UrlQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;

use crate::irceline::Irceline;
use crate::irceline::catalogue::PHENOMENA;
use crate::irceline::filter::{Filter, Query};
use crate::irceline::metadata::{Reference, SERVICE, extras};
use crate::irceline::model::{Fate, Series};
use crate::irceline::problem::Problem;
use crate::irceline::timespan::Timespan;

/// Where the API begins.
pub(crate) const BASE: &str = "/sos/api/v1";

/// How long answers may be kept: metadata for a day, lists of series for two minutes, data not at all.
const DAY: &str = "max-age=86400";
const MINUTES: &str = "max-age=120";
const NEVER: &str = "no-store";

type Answer = Result<Response, Problem>;
type Server = State<Arc<Irceline>>;

pub(crate) fn router(server: Arc<Irceline>) -> Router {
    let at = |path: &str| format!("{BASE}{path}");
    Router::new()
        .route(BASE, get(root))
        .route(&at("/"), get(root))
        .route(&at("/stations"), get(stations))
        .route(&at("/stations/{id}"), get(station))
        .route(&at("/timeseries"), get(timeseries))
        .route(&at("/timeseries/getData"), post(bulk_data))
        .route(&at("/timeseries/{id}"), get(one_timeseries))
        .route(&at("/timeseries/{id}/extras"), get(one_extras))
        .route(&at("/timeseries/{id}/getData"), get(data))
        .route(&at("/{collection}"), get(collection))
        .route(&at("/{collection}/{id}"), get(item))
        .with_state(server)
}

impl Irceline {
    fn answer(&self, keep: &'static str, content: &impl Serialize) -> Answer {
        let body = if self.pretty { serde_json::to_vec_pretty(content) } else { serde_json::to_vec(content) };
        Ok(json(keep, body.map_err(|_| Problem::Internal)?))
    }

    /// As [`Self::answer`]; `compact` gives the same without indentation.
    fn answer_data(&self, content: &impl Serialize, compact: impl FnOnce() -> String) -> Answer {
        if self.pretty { self.answer(NEVER, content) } else { Ok(json(NEVER, compact())) }
    }

    fn filter(&self, query: &Query) -> Result<Filter, Problem> {
        Filter::read(query, self.paging)
    }

    /// A series that can be asked for its data.
    fn series_with_data(&self, id: &str) -> Result<usize, Problem> {
        let known = self
            .world
            .find_series(id)
            .filter(|index| self.world.series.get(*index).is_some_and(|series| series.fate != Fate::Dead))
            .filter(|_| !self.is_forgotten(id));
        known.ok_or_else(|| Problem::NotFound("timeseries", id.to_owned()))
    }

    fn listed_series(&self, id: &str) -> Result<&Series, Problem> {
        let index = self.world.find_series(id);
        index
            .and_then(|index| self.world.series.get(index))
            .ok_or_else(|| Problem::NotFound("timeseries", id.to_owned()))
    }

    fn timespan(&self, text: Option<&str>) -> Result<Timespan, Problem> {
        match text {
            None => Ok(Timespan::last_week(self.now)),
            Some(text) => Timespan::parse(text).ok_or_else(|| Problem::BadTimespan(text.to_owned())),
        }
    }

    /// The items of a collection that only has ids and labels.
    fn references(&self, collection: &str, filter: &Filter) -> Option<Vec<Reference<'_>>> {
        let chosen = || self.world.series.iter().filter(|one| filter.has_series(&self.world, one));
        Some(match collection {
            "services" => filter.page(std::iter::once(SERVICE)),
            "phenomena" | "categories" => {
                let present: BTreeSet<&str> = chosen().map(|series| series.phenomenon.id).collect();
                let listed = PHENOMENA.iter().filter(|one| one.share == 0 || present.contains(one.id));
                filter.page(listed.map(|one| Reference { id: one.id, label: one.label }))
            }
            "features" => {
                let stations = self.world.stations.iter();
                let listed = stations.filter(|station| filter.has_station(&self.world, station));
                filter.page(listed.map(|one| Reference { id: &one.id_text, label: &one.label }))
            }
            "offerings" | "procedures" => {
                filter.page(chosen().map(|one| Reference { id: &one.id, label: &one.procedure_label }))
            }
            _ => return None,
        })
    }
}

fn json(keep: &'static str, body: impl IntoResponse) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json;charset=UTF-8"), (header::CACHE_CONTROL, keep)];
    (headers, body).into_response()
}

fn is_expanded(query: &Query) -> bool {
    query.get("expanded").is_some_and(|text| text == "true")
}

async fn root(State(server): Server) -> Answer {
    let names =
        ["services", "stations", "timeseries", "categories", "offerings", "features", "procedures", "phenomena"];
    server.answer(DAY, &names.map(|name| Reference { id: name, label: name }))
}

async fn stations(State(server): Server, UrlQuery(query): UrlQuery<Query>) -> Answer {
    let filter = server.filter(&query)?;
    let series = Some(&filter).filter(|_| is_expanded(&query));
    let chosen = server.world.stations.iter().filter(|one| filter.has_station(&server.world, one));
    let page = filter.page(chosen.map(|station| server.feature(station, series, false)));
    server.answer(DAY, &page)
}

async fn station(State(server): Server, Path(id): Path<String>, UrlQuery(query): UrlQuery<Query>) -> Answer {
    let station = server.world.find_station(&id).ok_or(Problem::NotFound("station", id))?;
    let filter = server.filter(&query)?;
    server.answer(DAY, &server.feature(station, Some(&filter), true))
}

async fn timeseries(State(server): Server, UrlQuery(query): UrlQuery<Query>) -> Answer {
    let (filter, expanded) = (server.filter(&query)?, is_expanded(&query));
    let chosen = server.world.series.iter().filter(|one| filter.has_series(&server.world, one));
    let page = filter.page(chosen.filter_map(|series| server.timeseries(series, expanded)));
    server.answer(MINUTES, &page)
}

async fn one_timeseries(State(server): Server, Path(id): Path<String>) -> Answer {
    server.answer(MINUTES, &server.timeseries(server.listed_series(&id)?, true))
}

async fn one_extras(State(server): Server, Path(id): Path<String>) -> Answer {
    server.answer(DAY, &extras(server.listed_series(&id)?))
}

async fn data(State(server): Server, Path(id): Path<String>, UrlQuery(query): UrlQuery<Query>) -> Answer {
    let span = server.timespan(query.get("timespan").map(String::as_str))?;
    if span.is_too_long() {
        return Err(Problem::TooLong);
    }
    if server.is_failing(std::slice::from_ref(&id)) {
        return Err(Problem::Internal);
    }
    let index = server.series_with_data(&id)?;
    let values = server.values(&[index], &span, is_expanded(&query));
    match values.0.first() {
        Some(only) if !is_expanded(&query) => server.answer_data(only, || only.to_compact()),
        _ => server.answer_data(&values, || values.to_compact()),
    }
}

async fn bulk_data(State(server): Server, UrlQuery(query): UrlQuery<Query>, body: Bytes) -> Answer {
    let (timespan, ids) = read_body(&body).ok_or(Problem::UnreadableBody)?;
    let span = server.timespan(timespan.as_deref())?;
    if server.is_failing(&ids) {
        return Err(Problem::Internal);
    }
    let mut indexes = ids.iter().map(|id| server.series_with_data(id)).collect::<Result<Vec<usize>, Problem>>()?;
    indexes.sort_unstable();
    indexes.dedup();
    let values = server.values(&indexes, &span, is_expanded(&query));
    server.answer_data(&values, || values.to_compact())
}

/// The timespan, if there is one, and the ids, which may be written as numbers.
fn read_body(body: &[u8]) -> Option<(Option<String>, Vec<String>)> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let timespan = match body.as_object()?.get("timespan") {
        None | Some(serde_json::Value::Null) => None,
        Some(text) => Some(text.as_str()?.to_owned()),
    };
    let id = |json: &serde_json::Value| match json {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let ids = match body.get("timeseries") {
        None => Vec::new(),
        Some(list) => list.as_array()?.iter().map(id).collect::<Option<Vec<String>>>()?,
    };
    Some((timespan, ids))
}

async fn collection(State(server): Server, Path(collection): Path<String>, UrlQuery(query): UrlQuery<Query>) -> Answer {
    let filter = server.filter(&query)?;
    let items = server.references(&collection, &filter);
    server.answer(DAY, &items.ok_or(Problem::NotFound("resource", collection))?)
}

async fn item(State(server): Server, Path((collection, id)): Path<(String, String)>) -> Answer {
    let everything = server.filter(&Query::new())?;
    let items = server.references(&collection, &everything).unwrap_or_default();
    let item = items.into_iter().find(|item| item.id == id);
    server.answer(DAY, &item.ok_or(Problem::NotFound("resource", id))?)
}
