//! Fetches from REST APIs into the raw zone, byte for byte, and says what could not be had.

pub mod claim;
mod elements;
mod error;
pub mod handler;
pub mod http;
pub mod login;
pub mod raw;
pub mod replace;
mod report;
mod room;
mod settings;
mod sources;

use std::time::Duration;

use chrono::{DateTime, Utc};
use lake::Lake;
use lake::batch::HandedOver;
use lake::dataset::Dataset;
use lake::progress::Progress;
use lake::time::Window;

pub use self::error::{Error, HttpFailure, Result};
pub use self::report::{Incomplete, Ingested, Missing, Outcome};
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
    /// Whether what the API no longer has may go from the raw zone.
    pub accept_loss: bool,
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
    for day in from.into_iter().chain(to) {
        lake::time::check_year(day)?;
    }
    let nightly = (source.nightly)(dataset, now)?;
    let from = from.or_else(|| to?.pred_opt()).unwrap_or(nightly.from());
    let window = Window::new(from, to.unwrap_or(nightly.to()))?;
    let (earliest, latest) = (source.bounds)(dataset, now);
    if window.to() > latest {
        let why = format!(
            "the window {} to {} reaches into the future, of which {} has nothing: `to` is {latest} at most",
            window.from(),
            window.to(),
            source.name
        );
        return Err(lake::Error::Usage(why).into());
    }
    if window.from() < earliest {
        let why = format!("the window begins on {}: `from` is {earliest} at least for {}", window.from(), source.name);
        return Err(lake::Error::Usage(why).into());
    }
    Ok(window)
}

/// A long window in pieces that are fetched one by one: weeks, or what a source asks for at once.
pub fn pieces(lake: &Lake, source: &str, window: Window) -> Result<Vec<Window>> {
    let (source, _) = find(lake, source)?;
    Ok((source.pieces)(window))
}

/// Hands a window to AWS Batch if it is longer than the lake's limit, or if `anyway`; `None` if it is to be fetched
/// here.
pub async fn hand_over(
    lake: &Lake,
    source: &str,
    window: Window,
    accept_loss: bool,
    anyway: bool,
) -> Result<Option<HandedOver>> {
    let Some(batch) = &lake.batch else { return Ok(None) };
    let days = window.days().count() as u64;
    if !anyway && batch.above_days().is_none_or(|limit| days <= limit) {
        return Ok(None);
    }
    Ok(Some(batch.ingest(source, &pieces(lake, source, window)?, accept_loss).await?))
}

/// Finds out whether the lake has what a fetch starts from, such as Codetrack's roster. Nothing is asked of the API.
pub async fn check(lake: &Lake, source: &str) -> Result<()> {
    (find(lake, source)?.0.check)(lake).await
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
