//! Fetches from REST APIs into the raw zone, byte for byte, and says what could not be had.

mod error;
pub mod handler;
pub mod http;
pub mod login;
pub mod raw;
mod settings;
mod sources;

use std::time::Duration;

use chrono::{DateTime, Utc};
use lake::Lake;
use lake::batch::HandedOver;
use lake::dataset::Dataset;
use lake::progress::Progress;
use lake::time::Window;
use serde::Serialize;

pub use self::error::{Error, HttpFailure, Result};
pub use self::settings::Settings;
use self::sources::Source;

/// What a fetch works with.
pub struct Context<'a> {
    /// The lake.
    pub lake: &'a Lake,
    /// The sources' settings.
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
    /// The local day, the school year (`24-25`) or the week (its Monday).
    pub day: String,
    /// What `day` is, for people.
    #[serde(skip)]
    pub unit: &'static str,
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
    /// Who is on the roster without an account, by id or by the place on it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_account: Vec<String>,
}

impl Ingested {
    fn new(source: &str, unit: &'static str, day: String) -> Self {
        Self { source: source.to_owned(), unit, day, ..Self::default() }
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

/// The window that a source is asked for: from `from` to `to` (excluded). Without both: what a nightly run asks for,
/// such as yesterday and the source's re-read days before it. With one of them: one day at least, up to that window's
/// end.
pub fn window(
    lake: &Lake,
    source: &str,
    from: Option<chrono::NaiveDate>,
    to: Option<chrono::NaiveDate>,
    now: DateTime<Utc>,
) -> Result<Window> {
    let (source, dataset) = find(lake, source)?;
    let nightly = (source.nightly)(dataset, now)?;
    let from = from.unwrap_or_else(|| to.map_or(nightly.from(), |to| to - chrono::Days::new(1)));
    Ok(Window::new(from, to.unwrap_or(nightly.to()))?)
}

/// A long window in pieces that are fetched one by one: weeks, or what a source asks for at once.
pub fn pieces(lake: &Lake, source: &str, window: Window) -> Result<Vec<Window>> {
    let (source, _) = find(lake, source)?;
    Ok((source.pieces)(window))
}

/// Hands a window to AWS Batch if it is longer than the lake's limit, or if `anyway`; `None` if it is to be fetched
/// here.
pub async fn hand_over(lake: &Lake, source: &str, window: Window, anyway: bool) -> Result<Option<HandedOver>> {
    let Some(batch) = &lake.batch else { return Ok(None) };
    let days = window.days().count() as u64;
    if !anyway && batch.above_days().is_none_or(|limit| days <= limit) {
        return Ok(None);
    }
    Ok(Some(batch.ingest(source, &pieces(lake, source, window)?).await?))
}

/// Fetches a window of a source into the raw zone.
pub async fn ingest(context: &Context<'_>, source: &str, window: Window) -> Result<Outcome> {
    let (source, dataset) = find(context.lake, source)?;
    let access = context.settings.access(source.name)?;
    (source.fetch)(context, dataset, access, window).await
}

fn find<'a>(lake: &'a Lake, name: &str) -> Result<(&'static Source, &'a Dataset)> {
    let dataset = lake.catalog.dataset(name)?;
    if !dataset.has_source() {
        let why = format!("\"{name}\" has no API to fetch from: upload files to raw/{name}/ and run `tributary clean`");
        return Err(lake::Error::Usage(why).into());
    }
    let source = sources::ALL.iter().find(|source| source.name == name);
    Ok((source.ok_or_else(|| settings::unknown(name))?, dataset))
}
