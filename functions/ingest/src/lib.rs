//! Fetches from REST APIs into the raw zone, byte for byte, and says what could not be had.

mod error;
pub mod handler;
pub mod http;
pub mod raw;
pub mod sources;

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use lake::Lake;
use lake::batch::HandedOver;
use lake::progress::Progress;
use lake::settings::Environment;
use lake::time::Window;
use serde::Serialize;
use url::Url;

pub use self::error::{Error, HttpFailure, Result};
use self::sources::irceline;

/// Where IRCELINE's API lies unless `IRCELINE_URL` says otherwise.
const IRCELINE_URL: &str = "https://geo.irceline.be/sos/api/v1/";

/// Days that one child of a job fetches.
const PART_DAYS: u64 = 7;

/// The sources' addresses, read from the environment once.
#[derive(Debug, Clone)]
pub struct Settings {
    irceline: Url,
}

impl Settings {
    /// Reads `IRCELINE_URL`.
    pub fn from_environment(environment: &Environment) -> lake::Result<Self> {
        let text = environment.text("IRCELINE_URL")?.unwrap_or(IRCELINE_URL);
        Ok(Self { irceline: base_url("IRCELINE_URL", text)? })
    }
}

/// A base to which paths can be joined: it ends in a slash.
fn base_url(name: &str, text: &str) -> lake::Result<Url> {
    let wrong = |why: String| lake::Error::Setting { name: name.to_owned(), why };
    let slash = if text.ends_with('/') { "" } else { "/" };
    let url: Url =
        format!("{text}{slash}").parse().map_err(|error| wrong(format!("\"{text}\" is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(format!("\"{text}\" must begin with https:// or http://")));
    }
    Ok(url)
}

/// What a fetch works with.
pub struct Context<'a> {
    /// The lake.
    pub lake: &'a Lake,
    /// The sources' addresses.
    pub settings: &'a Settings,
    /// Tells the time.
    pub clock: fn() -> DateTime<Utc>,
    /// Hears of progress.
    pub progress: &'a dyn Progress,
    /// How long the fetch may take, if that is less than what the source's settings allow.
    pub time_limit: Option<Duration>,
}

/// What was fetched for one day (or one other unit of a source).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ingested {
    /// The source.
    pub source: String,
    /// The local day.
    pub day: String,
    /// Raw objects written: those whose bodies changed.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Retries.
    pub retries: u64,
    /// Requests that failed for good: their part is missing.
    pub failed: u64,
    /// What the API lists but does not know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

impl Ingested {
    fn new(source: &str, day: String) -> Self {
        Self { source: source.to_owned(), day, ..Self::default() }
    }

    fn wrote(&mut self, bytes: usize) {
        self.objects += 1;
        self.bytes += bytes as u64;
    }
}

/// A part that could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// Which part, and why.
    pub message: String,
    /// Whether asking again can help.
    pub can_retry: bool,
}

/// What became of a window.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Per day, what was fetched.
    pub ingested: Vec<Ingested>,
    /// What could not be had; everything else is written.
    pub incomplete: Vec<Incomplete>,
    /// Raw objects that were there already, the same.
    pub up_to_date: u64,
}

/// The window that a source is asked for: from `from` to `to` (excluded). Without both: yesterday and the source's
/// re-read days before it. With one of them: one day at least, up to yesterday.
pub fn window(
    lake: &Lake,
    source: &str,
    from: Option<chrono::NaiveDate>,
    to: Option<chrono::NaiveDate>,
    now: DateTime<Utc>,
) -> Result<Window> {
    let dataset = lake.catalog.dataset(source)?;
    if !dataset.has_source() {
        let why =
            format!("\"{source}\" has no API to fetch from: upload files to raw/{source}/ and run `tributary clean`");
        return Err(lake::Error::Usage(why).into());
    }
    let settings: irceline::Settings = dataset.source_settings()?;
    let nightly = Window::nightly(now, dataset.zone, settings.reread_days);
    let from = from.unwrap_or_else(|| to.map_or(nightly.from(), |to| to - chrono::Days::new(1)));
    Ok(Window::new(from, to.unwrap_or(nightly.to()))?)
}

/// The parts of a window, `(from, to)` each, that the children of a job fetch: weeks of a source that is asked day by
/// day, the whole of one that is not.
pub fn parts(source: &str, window: Window) -> Vec<(NaiveDate, NaiveDate)> {
    if source != "irceline" {
        return vec![(window.from(), window.to())];
    }
    let end = |start: NaiveDate| (start + Days::new(PART_DAYS)).min(window.to());
    let starts = window.days().step_by(PART_DAYS as usize);
    starts.map(|start| (start, end(start))).collect()
}

/// Hands a window to AWS Batch if it is longer than the lake's limit, or if `anyway`; `None` if it is to be fetched
/// here.
pub async fn hand_over(lake: &Lake, source: &str, window: Window, anyway: bool) -> Result<Option<HandedOver>> {
    let Some(batch) = &lake.batch else { return Ok(None) };
    let days = window.days().count() as u64;
    if !anyway && batch.above_days().is_none_or(|limit| days <= limit) {
        return Ok(None);
    }
    Ok(Some(batch.ingest(source, &parts(source, window)).await?))
}

/// Fetches a window of a source into the raw zone.
pub async fn ingest(context: &Context<'_>, source: &str, window: Window) -> Result<Outcome> {
    let dataset = context.lake.catalog.dataset(source)?;
    match source {
        "irceline" => irceline::fetch(context, dataset, &context.settings.irceline, window).await,
        other => Err(lake::Error::Usage(format!("there is no source \"{other}\"; there is irceline")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_cut_into_weeks_that_cover_it() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let window = Window::new(day("2026-11-01"), day("2026-11-16")).unwrap();
        let weeks = [("2026-11-01", "2026-11-08"), ("2026-11-08", "2026-11-15"), ("2026-11-15", "2026-11-16")];
        assert_eq!(parts("irceline", window), weeks.map(|(from, to)| (day(from), day(to))));
        assert_eq!(parts("codetrack", window), [(day("2026-11-01"), day("2026-11-16"))]);
    }
}
