//! The APIs: one file each, and one line in [`ALL`]. Nothing else in the project knows them.

pub mod codetrack;
pub mod illuminate;
pub mod irceline;

use chrono::{DateTime, NaiveDate, Utc};
use futures::future::BoxFuture;
use lake::Lake;
use lake::dataset::Dataset;
use lake::time::Window;

use crate::error::Result;
use crate::settings::Access;
use crate::{Context, Outcome};

/// Every API that can be fetched from.
pub(crate) const ALL: &[&Source] = &[&codetrack::SOURCE, &illuminate::SOURCE, &irceline::SOURCE];

/// What the rest of the project needs to know of an API.
pub(crate) struct Source {
    /// Its name, which is also its dataset's.
    pub name: &'static str,
    /// Where it lies unless `NAME_URL` says otherwise.
    pub default_url: Option<&'static str>,
    /// Whether it needs a client's id and secret.
    pub has_login: bool,
    /// What is asked for without dates.
    pub nightly: fn(&Dataset, DateTime<Utc>) -> lake::Result<Window>,
    /// The first day that can be asked for, and the day after the last.
    pub bounds: fn(&Dataset, DateTime<Utc>) -> (NaiveDate, NaiveDate),
    /// A long window in pieces, each of which is fetched at once.
    pub pieces: fn(Window) -> Vec<Window>,
    /// Finds out whether the lake has what a fetch starts from, without a request.
    pub check: for<'a> fn(&'a Lake) -> BoxFuture<'a, Result<()>>,
    /// Fetches a window into the raw zone.
    pub fetch: for<'a> fn(&'a Context<'a>, &'a Dataset, &'a Access, Window) -> BoxFuture<'a, Result<Outcome>>,
}

/// Of a source that starts from nothing but its settings.
pub(crate) fn needs_nothing(_: &Lake) -> BoxFuture<'_, Result<()>> {
    Box::pin(std::future::ready(Ok(())))
}

/// The year 1, before which there are no dates.
pub(crate) fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or_default()
}

/// A source's nightly window, with errors that name the setting it is made from.
pub(crate) fn of_setting(name: &str, setting: &str, window: lake::Result<Window>) -> lake::Result<Window> {
    window.map_err(|error| lake::Error::Dataset {
        file: format!("{name}/dataset.toml"),
        why: format!("source.{setting}: {error}"),
    })
}

/// A window cut at the days that `is_first` holds for, which begin a new piece.
pub(crate) fn cut(window: Window, is_first: impl Fn(NaiveDate) -> bool) -> Vec<Window> {
    let mut firsts: Vec<NaiveDate> = window.days().filter(|day| *day == window.from() || is_first(*day)).collect();
    firsts.push(window.to());
    firsts.windows(2).filter_map(|ends| Window::new(*ends.first()?, *ends.last()?).ok()).collect()
}
