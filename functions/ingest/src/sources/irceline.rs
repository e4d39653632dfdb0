//! IRCELINE: hourly air quality in Belgium, by the 52 North timeseries REST API.
//!
//! Facts this rests on (from the API's documentation, its server's source and recorded answers): both ends of a
//! timespan are inclusive; stamps are the ends of full hours; a timespan without zone is local time, so `Z` is always
//! sent; one unknown id fails a whole bulk request with 404; the `near` filter is a box; paging is honoured by some
//! deployments and ignored by others.

mod metadata;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, SecondsFormat, TimeDelta};
use futures::StreamExt;
use futures::future::BoxFuture;
use lake::dataset::Dataset;
use lake::ledger::Gap;
use lake::time::{Window, day_bounds};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use url::Url;

use self::metadata::{Metadata, Near};
use crate::error::{Error, HttpFailure, Result};
use crate::http::{Answer, Http, Patience};
use crate::raw::{self, Line};
use crate::sources::{Source, cut};
use crate::{Context, Incomplete, Ingested, Outcome};

const NAME: &str = "irceline";
/// Days of a long window that are fetched before they are cleaned.
const PIECE_DAYS: i64 = 7;

/// The API as the rest of the project knows it.
pub(crate) const SOURCE: Source = Source {
    name: NAME,
    default_url: Some("https://geo.irceline.be/sos/api/v1/"),
    has_login: false,
    nightly: |dataset, now| {
        let Settings { reread_days, .. } = dataset.source_settings()?;
        Ok(Window::nightly(now, dataset.zone, reread_days))
    },
    pieces: |window| cut(window, |day| (day - window.from()).num_days() % PIECE_DAYS == 0),
    fetch: |context, dataset, access, window| Box::pin(fetch(context, dataset, &access.url, window)),
};

/// Tries of a request that is sent to find out which of its series fails.
const TRIES_TO_FIND_FAILING: u32 = 3;

/// `[source]` of `irceline/dataset.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    parameters: Vec<String>,
    near: Option<Near>,
    /// Days before yesterday that a nightly run asks for again.
    reread_days: u32,
    series_per_request: usize,
    concurrent_requests: usize,
    page_size: Option<usize>,
    http: Patience,
}

/// A bulk request: values of some series in a timespan.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Bulk {
    timespan: String,
    timeseries: Vec<String>,
}

/// Fetches a window into the raw zone, day by day.
async fn fetch(context: &Context<'_>, dataset: &Dataset, base: &Url, window: Window) -> Result<Outcome> {
    let settings: Settings = dataset.source_settings()?;
    let http = Http::new(settings.http.within(context.time_limit)).map_err(failed)?;
    let fetch = Fetch { context, dataset, settings, http, base };
    let metadata = metadata::fetch(&fetch.http, base, fetch.settings.page_size).await?;
    let Settings { parameters, near, .. } = &fetch.settings;
    let wanted = metadata.select(base, parameters, &dataset.lookup("parameter"), near.as_ref())?;
    tracing::debug!(series = wanted.len(), "series to fetch");

    let days = window.days().count();
    let chunks = wanted.len().div_ceil(fetch.settings.series_per_request.max(1));
    context.progress.begin("ingest irceline", (days * chunks) as u64);
    let mut outcome = Outcome::default();
    let mut counted = (0, 0);
    for day in window.days() {
        if fetch.http.is_late() {
            let why =
                format!("{NAME} {day}: not asked for, because the run took longer than its deadline; run it again");
            outcome.incomplete.push(Incomplete { message: why, can_retry: true });
            continue;
        }
        let mut done = fetch.day(day, &metadata, &wanted).await?;
        let (requests, retries) = fetch.http.counts();
        (done.ingested.requests, done.ingested.retries) = (requests - counted.0, retries - counted.1);
        counted = (requests, retries);
        outcome.up_to_date += done.up_to_date;
        outcome.incomplete.extend(done.incomplete);
        outcome.ingested.push(done.ingested);
    }
    context.progress.end();
    Ok(outcome)
}

fn failed(failure: HttpFailure) -> Error {
    Error::Api { source_name: NAME, failure }
}

struct Fetch<'a> {
    context: &'a Context<'a>,
    dataset: &'a Dataset,
    settings: Settings,
    http: Http,
    base: &'a Url,
}

struct Day {
    ingested: Ingested,
    up_to_date: u64,
    incomplete: Vec<Incomplete>,
}

impl Fetch<'_> {
    /// One local day: metadata first, since values are cleaned with them.
    async fn day(&self, day: NaiveDate, metadata: &Metadata, wanted: &[String]) -> Result<Day> {
        let folder = format!("{NAME}/date={day}");
        let mut done =
            Day { ingested: Ingested::new(NAME, "day", day.to_string()), up_to_date: 0, incomplete: Vec::new() };
        for (file, body) in [("stations.json", &metadata.stations), ("timeseries.json", &metadata.timeseries)] {
            let key = format!("{folder}/{file}");
            let there = self.context.lake.raw.get(&key).await?;
            if there.is_some_and(|(_, there)| metadata::same_but_for_jitter(&there, body)) {
                done.up_to_date += 1;
            } else {
                self.context.lake.raw.put(&key, body.clone(), lake::store::Condition::Always).await?;
                done.ingested.wrote(body.len());
            }
        }

        let key = format!("{folder}/values.ndjson");
        let lines = self.values(&timespan(self.dataset, day), wanted).await;
        for line in &lines {
            match (&line.gap, line.status) {
                (Some(gap), _) => {
                    done.ingested.failed += 1;
                    let (count, reason) = (gap.what.len(), &gap.reason);
                    let series = some(&gap.what);
                    let message = format!("{NAME} {day}: no answer for {count} series ({series}): {reason}");
                    done.incomplete.push(Incomplete { message, can_retry: gap.can_retry });
                }
                (None, Some(404)) => done.ingested.unknown.extend(asks(line)),
                _ => {}
            }
        }
        let old = raw::read_lines(&self.context.lake.raw, &key).await?;
        let bytes = raw::render(&raw::merge(lines, old, asks, answers));
        let size = bytes.len();
        if raw::write_if_changed(&self.context.lake.raw, &key, bytes).await? {
            done.ingested.wrote(size);
        } else {
            done.up_to_date += 1;
        }
        if !done.ingested.unknown.is_empty() {
            tracing::info!(%day, series = some(&done.ingested.unknown), "the API lists these series but does not know them");
        }
        Ok(done)
    }

    /// The answers for all series, in the order of the series.
    async fn values(&self, timespan: &str, wanted: &[String]) -> Vec<Line> {
        let chunks: Vec<Vec<String>> =
            wanted.chunks(self.settings.series_per_request.max(1)).map(<[String]>::to_vec).collect();
        let fetched: Vec<Vec<Line>> = futures::stream::iter(chunks.into_iter().map(|series| async move {
            let lines = self.chunk(timespan, series, false).await;
            self.context.progress.advance(timespan);
            lines
        }))
        .buffered(self.settings.concurrent_requests.max(1))
        .collect()
        .await;

        // A chunk may have failed because of one of its series: worth finding out if the server answers others, or if
        // the only chunk was at least answered.
        let some_answered = fetched.iter().flatten().any(|line| line.gap.is_none());
        let only_one = fetched.len() == 1;
        let mut lines = Vec::new();
        for line in fetched.into_iter().flatten() {
            let is_worth_it = (some_answered || only_one && line.status.is_some()) && !self.http.is_late();
            match line.gap.as_ref().filter(|gap| is_worth_it && gap.what.len() > 1) {
                Some(gap) => lines.extend(self.halves(timespan, gap.what.clone(), true).await),
                None => lines.push(line),
            }
        }
        lines
    }

    /// One bulk request. An unknown id fails all of it: halves are asked until the unknown ones stand alone. With
    /// `find_failing`, the same is done for a request that fails in other ways.
    fn chunk(&self, timespan: &str, series: Vec<String>, find_failing: bool) -> BoxFuture<'_, Vec<Line>> {
        let timespan = timespan.to_owned();
        Box::pin(async move {
            let bulk = Bulk { timespan: timespan.clone(), timeseries: series };
            let request = serde_json::to_string(&bulk).unwrap_or_default();
            let now = || (self.context.clock)();
            let max_tries = if find_failing { TRIES_TO_FIND_FAILING } else { u32::MAX };
            let url = metadata::endpoint(self.base, "timeseries/getData");
            let (status, reason, can_retry) = match self.http.post(&url, &request, max_tries).await {
                Ok(Answer { status: 200, body }) if is_answer(&body, &bulk.timeseries) => {
                    return vec![Line::answer(request, 200, &body, now())];
                }
                Ok(Answer { status: 200, .. }) => (Some(200), "the answer has none of the series".to_owned(), true),
                Ok(Answer { status: 404, .. }) if bulk.timeseries.len() > 1 => {
                    return self.halves(&timespan, bulk.timeseries, find_failing).await;
                }
                Ok(Answer { status: 404, body }) => return vec![Line::answer(request, 404, &body, now())],
                Ok(Answer { status, .. }) => (Some(status), format!("the server refused with {status}"), false),
                Err(failure) => (failure.status, failure.why, failure.can_retry),
            };
            if find_failing && bulk.timeseries.len() > 1 && !self.http.is_late() {
                return self.halves(&timespan, bulk.timeseries, true).await;
            }
            let gap = Gap { what: bulk.timeseries, reason, can_retry };
            vec![Line::gap(request, status, gap, now())]
        })
    }

    async fn halves(&self, timespan: &str, series: Vec<String>, find_failing: bool) -> Vec<Line> {
        let (left, right) = series.split_at(series.len() / 2);
        let mut lines = self.chunk(timespan, left.to_vec(), find_failing).await;
        lines.extend(self.chunk(timespan, right.to_vec(), find_failing).await);
        lines
    }
}

/// Whether a body is a map of series: one with none of those asked for is something else, such as an error message.
fn is_answer(body: &[u8], asked: &[String]) -> bool {
    let series: Result<BTreeMap<String, IgnoredAny>, _> = serde_json::from_slice(body);
    series.is_ok_and(|series| series.is_empty() || asked.iter().any(|id| series.contains_key(id)))
}

/// The series that a line has an answer for.
fn answers(line: &Line) -> Vec<String> {
    let body = line.body.as_deref().filter(|_| line.status == Some(200)).unwrap_or("{}");
    let series: Result<BTreeMap<String, IgnoredAny>, _> = serde_json::from_str(body);
    series.map(|series| series.into_keys().collect()).unwrap_or_default()
}

/// What a line asked for.
fn asks(line: &Line) -> Vec<String> {
    serde_json::from_str::<Bulk>(&line.request).map(|bulk| bulk.timeseries).unwrap_or_default()
}

/// A local day `(D 00:00, D+1 00:00]` as a timespan: from its first hour's end to its last's, both inclusive.
fn timespan(dataset: &Dataset, day: NaiveDate) -> String {
    let bounds = day_bounds(dataset.zone, day);
    let text = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("{}/{}", text(bounds.start + TimeDelta::hours(1)), text(bounds.end))
}

/// The first few of many names.
fn some(names: &[String]) -> String {
    let distinct: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let first: Vec<&str> = distinct.iter().take(5).copied().collect();
    let more = distinct.len().saturating_sub(first.len());
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake::dataset::Catalog;

    #[test]
    fn a_day_is_asked_for_in_utc_with_its_true_length() {
        let catalog = Catalog::built_in();
        let irceline = catalog.dataset(NAME).unwrap();
        for (day, wanted) in [
            ("2026-11-18", "2026-11-18T00:00:00Z/2026-11-18T23:00:00Z"),
            ("2026-07-01", "2026-06-30T23:00:00Z/2026-07-01T22:00:00Z"),
            ("2026-03-29", "2026-03-29T00:00:00Z/2026-03-29T22:00:00Z"),
            ("2026-10-25", "2026-10-24T23:00:00Z/2026-10-25T23:00:00Z"),
        ] {
            assert_eq!(timespan(irceline, day.parse().unwrap()), wanted, "{day}");
        }
    }

    #[test]
    fn the_built_in_settings_are_understood() {
        let catalog = Catalog::built_in();
        let settings: Settings = catalog.dataset(NAME).unwrap().source_settings().unwrap();
        assert_eq!((settings.reread_days, settings.parameters.len()), (3, 5));
    }
}
