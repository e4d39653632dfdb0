//! IRCELINE: hourly air quality in Belgium, by the 52 North timeseries REST API.
//!
//! Facts this rests on (from the API's documentation, its server's source and recorded answers): both ends of a
//! timespan are inclusive; stamps are the ends of full hours; a timespan without zone is local time, so `Z` is always
//! sent; one unknown id fails a whole bulk request with 404; the `near` filter is a box; paging is honoured by some
//! deployments and ignored by others.

mod ask;
mod dead;
mod metadata;
mod values;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use chrono::{Days, NaiveDate, SecondsFormat, TimeDelta};
use lake::dataset::Dataset;
use lake::time::{Window, day_bounds};
use serde::Deserialize;
use url::Url;

use self::ask::Asking;
use self::dead::Dead;
use self::metadata::{Metadata, Near};
use self::values::Values;
use crate::elements::{Elements, Kept};
use crate::error::{Error, HttpFailure, Result};
use crate::http::{Http, Patience};
use crate::raw::{self, Line};
use crate::replace::{Shape, Terms};
use crate::report::{Failures, Part, some};
use crate::sources::{Source, cut, first_day, needs_nothing, of_setting};
use crate::{Context, Incomplete, Outcome};

const NAME: &str = "irceline";
/// Days of a long window that are fetched before they are cleaned.
const PIECE_DAYS: i64 = 7;
/// Days before a new one whose lists of metadata are looked for: what the last one says is known.
const KNOWN_DAYS: u64 = 7;

/// The API as the rest of the project knows it.
pub(crate) const SOURCE: Source = Source {
    name: NAME,
    default_url: Some("https://geo.irceline.be/sos/api/v1/"),
    has_login: false,
    nightly: |dataset, now| {
        let Settings { reread_days, .. } = settings(dataset)?;
        of_setting(NAME, "reread_days", Window::nightly(now, dataset.zone, reread_days))
    },
    bounds: |dataset, now| (first_day(), now.with_timezone(&dataset.zone).date_naive() + Days::new(1)),
    pieces: |window| cut(window, |day| (day - window.from()).num_days() % PIECE_DAYS == 0),
    check: needs_nothing,
    fetch: |context, dataset, access, window| Box::pin(fetch(context, dataset, &access.url, window)),
};

/// `[source]` of `irceline/dataset.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    parameters: Vec<String>,
    near: Option<Near>,
    /// Days before yesterday that a nightly run asks for again.
    reread_days: u32,
    /// Days for which a series that the API does not know is not asked for again.
    dead_days: u32,
    series_per_request: usize,
    concurrent_requests: usize,
    page_size: Option<usize>,
    http: Patience,
}

/// The settings, if they can be right.
fn settings(dataset: &Dataset) -> lake::Result<Settings> {
    let settings: Settings = dataset.source_settings()?;
    metadata::phenomena(&settings.parameters, &dataset.lookup("parameter"))
        .map_err(|why| dataset.wrong_source("parameters", &why))?;
    if let Some((key, why)) = settings.near.as_ref().and_then(Near::mistake) {
        return Err(dataset.wrong_source(&format!("near.{key}"), &why));
    }
    Ok(settings)
}

/// Fetches a window into the raw zone, day by day.
async fn fetch(context: &Context<'_>, dataset: &Dataset, base: &Url, window: Window) -> Result<Outcome> {
    let settings = settings(dataset)?;
    let room = context.settings.room(settings.concurrent_requests);
    let http = Http::new(settings.http.within(context.time_limit), room).map_err(failed)?;
    let metadata = metadata::fetch(&http, base, settings.page_size).await?;
    let names = dataset.lookup("parameter");
    let wanted = metadata.select(base, &settings.parameters, &names, settings.near.as_ref());
    let dead = Dead::read(&context.lake.raw, (context.clock)(), settings.dead_days).await?;
    let asking = Asking {
        http: &http,
        base,
        series_per_request: settings.series_per_request,
        at_once: settings.concurrent_requests,
        clock: context.clock,
        knows_nothing: AtomicBool::new(false),
    };
    let listed = metadata.listed();
    let nameless = metadata.nameless();
    if nameless > 0 {
        tracing::warn!(count = nameless, "the API lists stations or series with a blank id: they are not asked for");
    }
    let mut fetch = Fetch { context, dataset, metadata, listed, dead, asking, failures: Failures::default() };
    match wanted {
        Ok(wanted) => {
            tracing::debug!(series = wanted.len(), "series to fetch");
            fetch.days(window, &wanted, settings.series_per_request).await
        }
        Err(error) => fetch.nothing_wanted(window, error).await,
    }
}

fn failed(failure: HttpFailure) -> Error {
    Error::Api { source_name: NAME, failure }
}

struct Fetch<'a> {
    context: &'a Context<'a>,
    dataset: &'a Dataset,
    metadata: Metadata,
    /// Ids of all series that the API lists.
    listed: BTreeSet<String>,
    dead: Dead,
    asking: Asking<'a>,
    failures: Failures,
}

impl Fetch<'_> {
    async fn days(&mut self, window: Window, wanted: &[String], series_per_request: usize) -> Result<Outcome> {
        let remembered: Vec<String> = wanted.iter().filter(|id| self.dead.has(id)).cloned().collect();
        let chunks = wanted.len().div_ceil(series_per_request.max(1));
        self.context.progress.begin("ingest irceline", (window.days().count() * chunks) as u64);
        let mut outcome = Outcome::default();
        let mut counted = (0, 0);
        let (mut unknown, mut alive, mut lost) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut late = Failures::default();
        for day in window.days() {
            if self.asking.http.is_late() {
                late.note(&day.to_string(), [], "the run took longer than its deadline", true);
                continue;
            }
            let (mut done, lines) = self.day(day, wanted).await?;
            for line in &lines {
                if line.is_answer() { &mut alive } else { &mut unknown }.extend(values_of(self.dataset).asks(line));
            }
            done.ingested.unknown.extend(remembered.iter().cloned());
            lost.extend(done.missing.iter().flat_map(|missing| missing.what.iter().cloned()));
            let (requests, retries) = self.asking.http.counts();
            (done.ingested.requests, done.ingested.retries) = (requests - counted.0, retries - counted.1);
            counted = (requests, retries);
            outcome.add(done);
            self.asking.http.forget_answers();
        }
        self.context.progress.end();
        // A series whose values are kept is asked for again, and reported, until the loss is accepted.
        unknown.retain(|id| !alive.contains(id) && !lost.contains(id));
        self.dead.note(&self.context.lake.raw, &unknown, &alive).await?;
        if !unknown.is_empty() || !remembered.is_empty() {
            let names: Vec<String> = unknown.into_iter().chain(remembered).collect();
            tracing::info!(series = some(&names), "the API lists these series but does not know them");
        }
        let failures = std::mem::take(&mut self.failures);
        outcome.incomplete.extend(failures.messages(|days, count, series, why| {
            format!("{NAME} {days}: no answer for {count} series ({series}): {why}")
        }));
        outcome.incomplete.extend(
            late.messages(|days, _, _, why| format!("{NAME} {days}: not asked for, because {why}; run it again")),
        );
        Ok(outcome)
    }

    /// One local day: metadata first, since values are cleaned with them. Reports the lines of answers and of unknown
    /// series, too.
    async fn day(&mut self, day: NaiveDate, wanted: &[String]) -> Result<(Part, Vec<Line>)> {
        let mut done = Part::new(NAME, "day", day.to_string());
        for list in LISTS {
            let key = key(day, list.file);
            let before = self.day_before(list, day).await?;
            let make = |there: Option<&Bytes>| {
                let kept = self.list(list, &key, there, before.as_ref())?;
                Ok((kept.list.clone(), kept))
            };
            let put = raw::rewrite(&self.context.lake.raw, &key, make).await?;
            done.put(put.bytes);
            list.lost(&key, put.told, &mut done);
        }

        let key = key(day, "values.ndjson");
        let timespan = timespan(self.dataset, day);
        let is_dead = |id: &str| self.dead.has(id);
        let advance = || self.context.progress.advance(&timespan);
        let mut lines = self.asking.values(&timespan, wanted, is_dead, advance).await;
        let shape = values_of(self.dataset);
        let is_gone = |id: &str| !self.listed.contains(id);
        let terms = Terms { accept_loss: self.context.accept_loss, is_gone: &is_gone, now: (self.context.clock)() };
        let put = raw::replace_lines(&self.context.lake.raw, &key, &lines, &[], &shape, &terms).await?;
        done.put(put.bytes);
        done.lost(&key, "values of series", put.told.into_keys().collect());
        for line in &lines {
            match &line.gap {
                Some(gap) => {
                    done.ingested.failed += 1;
                    self.failures.note(&day.to_string(), gap.what.iter().cloned(), &gap.reason, gap.can_retry);
                }
                None if !line.is_answer() => done.ingested.unknown.extend(shape.asks(line)),
                None => {}
            }
        }
        lines.retain(|line| line.gap.is_none());
        Ok((done, lines))
    }

    /// The last list before a day that has none yet: readers take the newest day's, so that what it lacks would be hidden.
    async fn day_before(&self, list: List, day: NaiveDate) -> Result<Option<Bytes>> {
        let store = &self.context.lake.raw;
        if self.context.accept_loss || store.head(&key(day, list.file)).await?.is_some() {
            return Ok(None);
        }
        for days in 1..=KNOWN_DAYS {
            let Some(before) = day.checked_sub_days(Days::new(days)) else { break };
            if let Some((_, there)) = store.get(&key(before, list.file)).await? {
                return Ok(Some(there));
            }
        }
        Ok(None)
    }

    /// What becomes of a list that may be there, and what it keeps although the API no longer has it. `before` is the list of
    /// an earlier day: what cannot be read of it is not missed.
    fn list(&self, list: List, key: &str, there: Option<&Bytes>, before: Option<&Bytes>) -> Result<Kept> {
        let body = (list.body)(&self.metadata);
        let elements = Elements { id: metadata::id_of, table: self.dataset.table_of(key), fleeting: &FLEETING };
        let nothing = &b"[]"[..];
        let kept = match (there.filter(|_| !self.context.accept_loss), before) {
            (Some(there), _) => elements.keep(body, there),
            (None, Some(before)) => elements.fill(body, before).or_else(|| elements.fill(body, nothing)),
            (None, None) => elements.fill(body, nothing),
        };
        let mut kept = kept.ok_or_else(|| Error::Unreadable { url: self.context.lake.raw.url(key) })?;
        if let Some(there) = there.filter(|there| metadata::same_but_for_jitter(there, &kept.list)) {
            kept.list = there.clone();
        }
        Ok(kept)
    }

    /// Of the series that the API lists none is wanted. Nothing is written; what is there of lists that are shorter now is
    /// reported.
    async fn nothing_wanted(&self, window: Window, error: Error) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        for day in window.days() {
            let mut done = Part::new(NAME, "day", day.to_string());
            for list in LISTS {
                let key = key(day, list.file);
                if let Some((_, there)) = self.context.lake.raw.get(&key).await? {
                    list.lost(&key, self.list(list, &key, Some(&there), None)?, &mut done);
                }
            }
            outcome.incomplete.extend(done.incomplete);
            outcome.missing.extend(done.missing);
        }
        if outcome.missing.is_empty() {
            return Err(error);
        }
        outcome.incomplete.push(Incomplete { message: error.to_string(), can_retry: error.can_retry() });
        Ok(outcome)
    }
}

/// A list of metadata.
#[derive(Clone, Copy)]
struct List {
    file: &'static str,
    body: fn(&Metadata) -> &Bytes,
    /// What is lost if the API no longer lists it, or says less of it.
    lost: [&'static str; 2],
}

/// Stations come first: values are cleaned with both.
const LISTS: [List; 2] = [
    List { file: "stations.json", body: |metadata| &metadata.stations, lost: ["stations", "metadata of stations"] },
    List { file: "timeseries.json", body: |metadata| &metadata.timeseries, lost: ["series", "metadata of series"] },
];
/// Members of a series that may be null: a series without values has none.
const FLEETING: [&str; 2] = ["firstValue", "lastValue"];

impl List {
    fn lost(&self, key: &str, kept: Kept, done: &mut Part) {
        let [gone, poorer] = self.lost;
        done.lost(key, gone, kept.gone);
        done.lost(key, poorer, kept.poorer);
    }
}

fn values_of(dataset: &Dataset) -> Values<'_> {
    let table = dataset.tables.iter().find(|table| table.name == "measurement");
    Values { column: table.and_then(|table| table.column("value")) }
}

fn key(day: NaiveDate, file: &str) -> String {
    format!("{NAME}/date={day}/{file}")
}

/// A local day `(D 00:00, D+1 00:00]` as a timespan: from its first hour's end to its last's, both inclusive.
fn timespan(dataset: &Dataset, day: NaiveDate) -> String {
    let bounds = day_bounds(dataset.zone, day);
    let text = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("{}/{}", text(bounds.start + TimeDelta::hours(1)), text(bounds.end))
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
        assert_eq!((settings.reread_days, settings.dead_days, settings.parameters.len()), (3, 7, 5));
    }
}
