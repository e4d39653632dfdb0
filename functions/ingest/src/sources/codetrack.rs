//! Codetrack: points and commits per week of the learners of a coding course.
//!
//! Facts this rests on (from a client of others; the server is not public): lists are newest first, and `limit` cuts them;
//! a week is named by its Monday, with or without a time; an unknown learner gets 404; there is no login. Who is asked
//! about stands on the roster, which is uploaded: ids of 0 and below have no account.

mod roster;

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, Utc};
use futures::StreamExt;
use lake::dataset::Dataset;
use lake::ledger::Gap;
use lake::time::Window;
use serde::{Deserialize, Serialize};
use url::Url;

use self::roster::Roster;
use crate::error::{Error, Result};
use crate::http::{Answer, Http, Patience};
use crate::raw::{self, Line};
use crate::sources::Source;
use crate::{Context, Incomplete, Ingested, Outcome};

const NAME: &str = "codetrack";
/// The most entries that are asked for.
const MAX_LIMIT: i64 = 1000;

/// The API as the rest of the project knows it.
pub(crate) const SOURCE: Source = Source {
    name: NAME,
    default_url: None,
    has_login: false,
    nightly: |dataset, now| {
        let Settings { reread_weeks, .. } = dataset.source_settings()?;
        let this_week = monday(now.with_timezone(&dataset.zone).date_naive());
        Window::new(this_week - Days::new(7 * (u64::from(reread_weeks) + 1)), this_week + Days::new(7))
    },
    // One request per learner covers any window.
    pieces: |window| vec![window],
    fetch: |context, dataset, access, window| Box::pin(fetch(context, dataset, &access.url, window)),
};

/// `[source]` of `codetrack/dataset.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    reread_weeks: u32,
    concurrent_requests: usize,
    http: Patience,
}

/// A route, and the raw object of its answers.
#[derive(Debug, Clone, Copy)]
struct Route {
    path: &'static str,
    file: &'static str,
    /// Whether the answer is a list of weeks; else it is one object.
    has_weeks: bool,
}

/// The scores come last: they are cleaned together with the commits.
const ROUTES: [Route; 3] = [
    Route { path: "users", file: "users", has_weeks: false },
    Route { path: "weeklyCommits", file: "weekly_commits", has_weeks: true },
    Route { path: "weeklyScores", file: "weekly_scores", has_weeks: true },
];

/// A request as its line in the raw object has it: the weeks from the Monday `from` to the Monday `to`, excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Request {
    learner: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<NaiveDate>,
}

impl Request {
    fn of(line: &Line) -> Option<Self> {
        serde_json::from_str(&line.request).ok()
    }

    fn same_window(&self, other: &Request) -> bool {
        (self.from, self.to) == (other.from, other.to)
    }

    /// Whether the other request asks for all of this one's weeks.
    fn is_within(&self, other: &Request) -> bool {
        match (self.from.zip(self.to), other.from.zip(other.to)) {
            (Some((from, to)), Some((other_from, other_to))) => other_from <= from && to <= other_to,
            (mine, others) => mine == others,
        }
    }
}

/// The weeks that a run asks for, by Mondays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Weeks {
    from: NaiveDate,
    to: NaiveDate,
}

impl Weeks {
    /// The weeks that a window touches.
    fn touched_by(window: Window) -> Self {
        let last = window.to().pred_opt().unwrap_or(window.from());
        Self { from: monday(window.from()), to: monday(last) + Days::new(7) }
    }

    /// The Monday of the newest of them.
    fn newest(&self) -> NaiveDate {
        self.to - Days::new(7)
    }

    /// How many entries reach back to the first of them as seen from today, and one more.
    fn limit(&self, today: NaiveDate) -> i64 {
        let weeks = (monday(today) - self.from).num_days() / 7 + 1;
        (weeks + 1).clamp(1, MAX_LIMIT)
    }
}

/// The Monday of a day's week.
fn monday(day: NaiveDate) -> NaiveDate {
    day - Days::new(u64::from(day.weekday().num_days_from_monday()))
}

/// Fetches the weeks that a window touches.
async fn fetch(context: &Context<'_>, dataset: &Dataset, base: &Url, window: Window) -> Result<Outcome> {
    let settings: Settings = dataset.source_settings()?;
    let roster = Roster::read(&context.lake.raw).await?;
    let http = Http::new(settings.http.within(context.time_limit))
        .map_err(|failure| Error::Api { source_name: NAME, failure })?;
    let weeks = Weeks::touched_by(window);
    let limit = weeks.limit((context.clock)().with_timezone(&dataset.zone).date_naive());
    let fetch = Fetch { context, http, base, weeks, limit, at_once: settings.concurrent_requests.max(1) };

    let mut outcome = Outcome::default();
    let mut ingested = Ingested::new(NAME, "week", weeks.newest().to_string());
    ingested.no_account = roster.no_account;
    context.progress.begin("ingest codetrack", (roster.ids.len() * ROUTES.len()) as u64);
    for route in ROUTES {
        let lines = fetch.answers(route, &roster.ids).await;
        note(route, weeks, &lines, &mut ingested, &mut outcome.incomplete);
        let key = format!("{NAME}/week={}/{}.ndjson", weeks.newest(), route.file);
        let old = raw::read_lines(&context.lake.raw, &key).await?;
        let bytes = raw::render(&join(lines, old));
        let size = bytes.len();
        if raw::write_if_changed(&context.lake.raw, &key, bytes).await? {
            ingested.wrote(size);
        } else {
            outcome.up_to_date += 1;
        }
    }
    context.progress.end();
    (ingested.requests, ingested.retries) = fetch.http.counts();
    outcome.ingested.push(ingested);
    Ok(outcome)
}

/// Notes what a route's lines do not answer. Learners are named by their ids alone.
fn note(route: Route, weeks: Weeks, lines: &[Line], ingested: &mut Ingested, incomplete: &mut Vec<Incomplete>) {
    for line in lines {
        if let Some(gap) = &line.gap {
            ingested.failed += 1;
            let (week, file, learner) = (weeks.newest(), route.file, gap.what.join(", "));
            let message = format!("{NAME} week {week}: no {file} of learner {learner}: {}", gap.reason);
            incomplete.push(Incomplete { message, can_retry: gap.can_retry });
        } else if line.status == Some(404)
            && let Some(request) = Request::of(line)
        {
            let id = request.learner.to_string();
            if !ingested.unknown.contains(&id) {
                ingested.unknown.push(id);
            }
        }
    }
}

struct Fetch<'a> {
    context: &'a Context<'a>,
    http: Http,
    base: &'a Url,
    weeks: Weeks,
    limit: i64,
    at_once: usize,
}

impl Fetch<'_> {
    /// A route's answers for all learners, in their order.
    async fn answers(&self, route: Route, learners: &[i64]) -> Vec<Line> {
        let asked = learners.iter().copied().map(|learner| async move {
            let line = self.answer(route, learner).await;
            self.context.progress.advance(&learner.to_string());
            line
        });
        futures::stream::iter(asked).buffered(self.at_once).collect().await
    }

    async fn answer(&self, route: Route, learner: i64) -> Line {
        let mut request = Request { learner, limit: None, from: None, to: None };
        let mut url = self.base.join(&format!("{}/{learner}", route.path)).unwrap_or_else(|_| self.base.clone());
        if route.has_weeks {
            let (limit, Weeks { from, to }) = (self.limit, self.weeks);
            request = Request { limit: Some(limit), from: Some(from), to: Some(to), ..request };
            url.query_pairs_mut().append_pair("limit", &limit.to_string());
        }
        let text = serde_json::to_string(&request).unwrap_or_default();
        let now: fn() -> chrono::DateTime<Utc> = self.context.clock;
        let (status, reason, can_retry) = match self.http.gives_up() {
            Some(why) => (None, format!("not asked for, because {why}; run it again"), true),
            None => match self.http.get(&url).await {
                Ok(Answer { status: 200, body }) if route.fits(&body) => return Line::answer(text, 200, &body, now()),
                Ok(Answer { status: 200, .. }) => (Some(200), "the answer is not as documented".to_owned(), true),
                Ok(Answer { status: 404, body }) => return Line::answer(text, 404, &body, now()),
                Ok(Answer { status, .. }) => (Some(status), format!("the server refused with {status}"), false),
                Err(failure) => (failure.status, failure.why, failure.can_retry),
            },
        };
        let gap = Gap { what: vec![learner.to_string()], reason, can_retry };
        Line::gap(text, status, gap, now())
    }
}

impl Route {
    /// Whether an answer is of the documented kind.
    fn fits(&self, body: &[u8]) -> bool {
        let begin = if self.has_weeks { b'[' } else { b'{' };
        body.trim_ascii_start().first() == Some(&begin)
    }
}

fn is_answer(line: &Line) -> bool {
    line.status == Some(200) && line.body.is_some()
}

/// Joins the lines of this run with those of an earlier one into the same object, learner by learner:
///
/// * an earlier line of weeks that this run did not ask for stays, before the new one: of one week the last line counts;
/// * a gap or a refusal never replaces an answer;
/// * an answer that has not changed keeps the time at which it first came.
fn join(mut new: Vec<Line>, old: Vec<Line>) -> Vec<Line> {
    raw::keep_unchanged(&mut new, &old, |_, _| false);
    let mut earlier: BTreeMap<i64, Vec<(Request, Line)>> = BTreeMap::new();
    for line in old {
        if let Some(request) = Request::of(&line) {
            earlier.entry(request.learner).or_default().push((request, line));
        }
    }
    let asked: Option<Request> = new.first().and_then(Request::of);
    let mut joined: BTreeMap<i64, Vec<Line>> = BTreeMap::new();
    for line in new {
        let Some(request) = Request::of(&line) else { continue };
        let (within, mut kept): (Vec<_>, Vec<_>) = earlier
            .remove(&request.learner)
            .unwrap_or_default()
            .into_iter()
            .partition(|(earlier, _)| earlier.is_within(&request));
        let answered: Vec<(Request, Line)> =
            within.into_iter().filter(|(_, earlier)| !is_answer(&line) && is_answer(earlier)).collect();
        let has_all = answered.iter().any(|(earlier, _)| earlier.same_window(&request));
        kept.extend(answered);
        let lines = joined.entry(request.learner).or_default();
        lines.extend(kept.into_iter().map(|(_, line)| line));
        if !has_all {
            lines.push(line);
        }
    }
    // Of learners who are not on the roster any more, weeks that this run would not have asked for stay.
    for (learner, lines) in earlier {
        let beyond = lines.into_iter().filter(|(earlier, _)| asked.is_some_and(|asked| !earlier.is_within(&asked)));
        joined.entry(learner).or_default().extend(beyond.map(|(_, line)| line));
    }
    joined.into_values().flatten().collect()
}

#[cfg(test)]
mod tests;
