//! Illuminate Education DnA: results of school assessments.
//!
//! Facts this rests on (from the provider's documentation and from clients of others): tokens by OAuth 2 client
//! credentials at `?OAuth2_AccessToken`; a token that is no good gets 401, or a login page with status 200; pages count
//! from 1 and hold at most 1,000 rows; `num_pages` may be 0, text, or not there; ids are numbers or text; `__count`, which
//! each row has, is another one in each answer; assessments that are not listed may answer all the same.
//!
//! A school year is asked for as a whole, always with the same requests. What has come is kept below `_progress/`, so that
//! a run that was ended in the middle goes on where it was: see [`progress`].

mod paging;
mod progress;
mod rewrite;
mod shapes;
mod year;

use chrono::{Datelike, Months, NaiveDate, TimeDelta};
use lake::dataset::Dataset;
use lake::partition::Period;
use lake::time::Window;
use serde::Deserialize;
use url::Url;

use self::year::Fetch;
use crate::error::{Error, Result};
use crate::http::{Http, Patience};
use crate::login::Login;
use crate::settings::Access;
use crate::sources::{Source, cut, needs_nothing, of_setting};
use crate::{Context, Outcome};

const NAME: &str = "illuminate";
/// The month in which school years begin.
const FIRST_MONTH: u32 = 7;

/// The API as the rest of the project knows it.
pub(crate) const SOURCE: Source = Source {
    name: NAME,
    default_url: None,
    has_login: true,
    nightly: |dataset, now| {
        let Settings { reread_school_years, .. } = dataset.source_settings()?;
        let yesterday = Window::nightly(now, dataset.zone, 0)?;
        let months = reread_school_years.checked_mul(12).map(Months::new);
        let from = months.and_then(|months| yesterday.from().checked_sub_months(months));
        let from = from.filter(|from| *from >= first_school_year());
        let too_many = || {
            let why = format!("{reread_school_years} school years are too many: the first one begins in 1970");
            lake::Error::Usage(why)
        };
        let window = from.ok_or_else(too_many).and_then(|from| Window::new(from, yesterday.to()));
        of_setting(NAME, "reread_school_years", window)
    },
    // A school year is asked for as a whole, and the current one may be named by its end.
    bounds: |dataset, now| {
        let current = SchoolYear::of(now.with_timezone(&dataset.zone).date_naive());
        (first_school_year(), current.last.succ_opt().unwrap_or(current.last))
    },
    pieces: |window| cut(window, |day| day == SchoolYear::of(day).first),
    check: needs_nothing,
    fetch: |context, dataset, access, window| Box::pin(fetch(context, dataset, access, window)),
};

/// `[source]` of `illuminate/dataset.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    extra_assessment_ids: Vec<String>,
    excluded_assessment_ids: Vec<String>,
    reread_school_years: u32,
    page_size: usize,
    concurrent_requests: usize,
    checkpoint_assessments: usize,
    resume_hours: u32,
    http: Patience,
}

impl Settings {
    fn resume_for(&self) -> TimeDelta {
        TimeDelta::hours(i64::from(self.resume_hours))
    }

    /// What the kept progress of a run depends on, beside the requests themselves.
    fn of_progress(&self) -> String {
        format!(
            "{:?} {:?} {} {}",
            self.extra_assessment_ids, self.excluded_assessment_ids, self.page_size, self.checkpoint_assessments
        )
    }
}

/// School years are named by two digits, which stand for 1970 to 2069.
fn first_school_year() -> NaiveDate {
    NaiveDate::from_ymd_opt(1970, FIRST_MONTH, 1).unwrap_or_default()
}

/// A school year, from 1 July to 30 June.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SchoolYear {
    /// `24-25`
    label: String,
    first: NaiveDate,
    last: NaiveDate,
}

impl SchoolYear {
    /// The school year of a day.
    fn of(day: NaiveDate) -> Self {
        let year = if day.month() >= FIRST_MONTH { day.year() } else { day.year() - 1 };
        let first = NaiveDate::from_ymd_opt(year, FIRST_MONTH, 1).unwrap_or(day);
        let last = first.checked_add_months(Months::new(12)).and_then(|next| next.pred_opt()).unwrap_or(day);
        let label =
            Period::SchoolYear.of(first).and_then(|year| year.value("year").map(str::to_owned)).unwrap_or_default();
        Self { label, first, last }
    }

    /// The school years that a window touches, earliest first.
    fn touched_by(window: Window) -> Vec<Self> {
        let mut years: Vec<Self> = window.days().map(Self::of).collect();
        years.dedup();
        years
    }

    /// The folder of its raw objects.
    fn folder(&self) -> String {
        format!("{NAME}/year={}/", self.label)
    }
}

/// Fetches the school years that a window touches, one by one.
async fn fetch(context: &Context<'_>, dataset: &Dataset, access: &Access, window: Window) -> Result<Outcome> {
    let settings: Settings = dataset.source_settings()?;
    let credentials = context.settings.credentials(NAME).await?;
    let room = context.settings.room(settings.concurrent_requests);
    let http = Http::new(settings.http.within(context.time_limit), room)
        .map_err(|failure| Error::Api { source_name: NAME, failure })?;
    let mut token_url = access.url.clone();
    token_url.set_query(Some("OAuth2_AccessToken"));
    let login = Login::new(token_url, credentials);
    let fetch = Fetch { context, dataset, settings, http, login, base: &access.url };
    let mut outcome = Outcome::default();
    let mut counted = (0, 0);
    for year in SchoolYear::touched_by(window) {
        let mut done = fetch.year(&year).await?;
        let (requests, retries) = fetch.http.counts();
        (done.ingested.requests, done.ingested.retries) = (requests - counted.0, retries - counted.1);
        counted = (requests, retries);
        outcome.add(done);
    }
    Ok(outcome)
}

/// A method of the API. Its URL ends in a slash.
fn method(base: &Url, name: &str) -> Url {
    base.join(&format!("rest_server.php/Api/{name}/")).unwrap_or_else(|_| base.clone())
}

#[cfg(test)]
mod tests {
    use lake::dataset::Catalog;

    use super::*;

    fn window(from: &str, to: &str) -> Window {
        Window::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
    }

    fn labels(from: &str, to: &str) -> Vec<String> {
        SchoolYear::touched_by(window(from, to)).into_iter().map(|year| year.label).collect()
    }

    #[test]
    fn a_window_touches_school_years_from_july_to_june() {
        assert_eq!(labels("2025-06-30", "2025-07-01"), ["24-25"]);
        assert_eq!(labels("2025-06-30", "2025-07-02"), ["24-25", "25-26"]);
        assert_eq!(labels("2023-07-01", "2025-07-01"), ["23-24", "24-25"]);
        assert_eq!(labels("1999-07-01", "1999-07-02"), ["99-00"]);
        let year = SchoolYear::of("2024-02-29".parse().unwrap());
        assert_eq!((year.first.to_string(), year.last.to_string()), ("2023-07-01".into(), "2024-06-30".into()));
        assert_eq!(year.folder(), "illuminate/year=23-24/");
    }

    #[test]
    fn a_nightly_run_asks_for_the_school_year_of_yesterday() {
        let catalog = Catalog::built_in();
        let dataset = catalog.dataset(NAME).unwrap();
        // Midnight of 1 July in Los Angeles is 07:00 UTC: until then yesterday is the 29th or 30th of June.
        for (now, wanted) in
            [("2026-07-01T06:59:00Z", "25-26"), ("2026-07-01T08:00:00Z", "25-26"), ("2026-07-02T08:00:00Z", "26-27")]
        {
            let window = (SOURCE.nightly)(dataset, now.parse().unwrap()).unwrap();
            let years = SchoolYear::touched_by(window);
            assert_eq!(years.iter().map(|year| year.label.as_str()).collect::<Vec<_>>(), [wanted], "{now}");
        }
    }

    #[test]
    fn a_long_window_is_cut_where_school_years_begin() {
        let pieces = (SOURCE.pieces)(window("2023-09-01", "2025-07-02"));
        let text: Vec<String> = pieces.iter().map(|piece| format!("{}/{}", piece.from(), piece.to())).collect();
        assert_eq!(text, ["2023-09-01/2024-07-01", "2024-07-01/2025-07-01", "2025-07-01/2025-07-02"]);
    }
}
