//! Codetrack: points and commits per week of the learners of a coding course.
//!
//! Facts this rests on (from a client of others; the server is not public): lists are newest first, and `limit` cuts them;
//! a week is named by its Monday, with or without a time; an unknown learner gets 404; there is no login. Who is asked
//! about stands on the roster, which is uploaded: ids of 0 and below have no account. An answer that says nothing of the
//! learner who was asked about, or names another one, is a gap: see [`Route::mistake`].
//!
//! Each week has raw objects of its own, and asks for some weeks before it once more: answers are joined with what all
//! objects know of them, see [`merge`] and [`known`].

mod before;
mod both;
mod known;
mod merge;
mod roster;
mod weeks;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{Datelike, Days, NaiveDate, Utc};
use futures::StreamExt;
use lake::dataset::Dataset;
use lake::ledger::Gap;
use lake::time::Window;
use serde::{Deserialize, Serialize};
use url::Url;

use self::both::{Both, Kind};
use self::merge::Merge;
use self::roster::Roster;
use self::weeks::{Users, WeekLists};
use crate::claim::SKEW;
use crate::error::{Error, Result};
use crate::http::{Answer, Http, Patience};
use crate::raw::{self, Line};
use crate::replace::{Shape, Terms};
use crate::report::{Failures, Incomplete, Part};
use crate::sources::{Source, first_day, of_setting};
use crate::{Context, Outcome};

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
        let from = this_week.checked_sub_days(Days::new(7 * (u64::from(reread_weeks) + 1)));
        let too_many = || lake::Error::Usage(format!("{reread_weeks} weeks are too many: {MAX_LIMIT} at most"));
        let from = from.filter(|_| i64::from(reread_weeks) < MAX_LIMIT).ok_or_else(too_many);
        of_setting(NAME, "reread_weeks", from.and_then(|from| Window::new(from, this_week + Days::new(7))))
    },
    bounds: |dataset, now| {
        let this_week = monday(now.with_timezone(&dataset.zone).date_naive());
        (first_day(), this_week + Days::new(7))
    },
    // One request per learner covers any window.
    pieces: |window| vec![window],
    check: |lake| Box::pin(async { Roster::read(&lake.raw).await.map(|_| ()) }),
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
    /// The table that it feeds, and the column of its counts.
    table: &'static str,
    column: Option<&'static str>,
    /// What is lost if the API no longer has it.
    lost: &'static str,
}

const USERS: Route = Route {
    path: "users",
    file: "users",
    has_weeks: false,
    table: "account",
    column: None,
    lost: "accounts of learners",
};

/// The lists of weeks.
const LISTS: Both<Route> = Both {
    commits: Route {
        path: "weeklyCommits",
        file: "weekly_commits",
        has_weeks: true,
        table: "weekly_score",
        column: Some("commits"),
        lost: "commits of learners",
    },
    points: Route {
        path: "weeklyScores",
        file: "weekly_scores",
        has_weeks: true,
        table: "weekly_score",
        column: Some("points"),
        lost: "points of learners",
    },
};

/// The raw object of a week's answers.
fn key(week: NaiveDate, route: Route) -> String {
    format!("{NAME}/week={week}/{}.ndjson", route.file)
}

/// A request as its line in the raw object has it: the weeks from the Monday `from` to the Monday `to`, excluded. The API knows
/// only the limit: a list that it has cut, or that is a copy, has no more weeks there than it speaks of.
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

    /// The weeks that it asks for.
    fn weeks(&self) -> Range<NaiveDate> {
        self.from.unwrap_or(NaiveDate::MIN)..self.to.unwrap_or(NaiveDate::MAX)
    }

    /// Whether a day is among the weeks that it asks for.
    fn covers(&self, day: NaiveDate) -> bool {
        self.weeks().contains(&day)
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

    /// Their Mondays.
    fn mondays(&self) -> impl Iterator<Item = NaiveDate> {
        let to = self.to;
        std::iter::successors(Some(self.from), |day| day.checked_add_days(Days::new(7)))
            .take_while(move |day| *day < to)
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
    let room = context.settings.room(settings.concurrent_requests);
    let http = Http::new(settings.http.within(context.time_limit), room)
        .map_err(|failure| Error::Api { source_name: NAME, failure })?;
    let weeks = Weeks::touched_by(window);
    let limit = weeks.limit((context.clock)().with_timezone(&dataset.zone).date_naive());
    let fetch = Fetch { context, dataset, http, base, weeks, limit, at_once: settings.concurrent_requests.max(1) };

    let mut done = Part::new(NAME, "week", weeks.newest().to_string());
    done.ingested.units = weeks.mondays().count() as u64;
    done.ingested.no_account = roster.no_account;
    context.progress.begin("ingest codetrack", (roster.ids.len() * (1 + Kind::BOTH.len())) as u64);
    let mut heard = Heard::default();
    fetch.accounts(&roster.ids, &mut heard, &mut done).await?;
    fetch.lists(&roster.ids, &mut heard, &mut done).await?;
    heard.note(&mut done);
    context.progress.end();
    (done.ingested.requests, done.ingested.retries) = fetch.http.counts();
    let mut outcome = Outcome::default();
    outcome.add(done);
    Ok(outcome)
}

/// Whom the API knows, and of whom it says by a route that it does not.
#[derive(Default)]
struct Heard {
    known: BTreeSet<String>,
    unknown: Vec<(String, &'static str)>,
}

impl Heard {
    /// Who is known by no route is unknown; what a route lacks of one who is known is missing.
    fn note(self, done: &mut Part) {
        let mut failures: BTreeMap<&str, Failures> = BTreeMap::new();
        for (id, file) in self.unknown {
            if self.known.contains(&id) {
                done.ingested.failed += 1;
                let why = "the server answered 404, and knows them otherwise";
                failures.entry(file).or_default().note(&done.ingested.day, [id], why, true);
            } else if !done.ingested.unknown.contains(&id) {
                done.ingested.unknown.push(id);
            }
        }
        for (file, failures) in failures {
            done.incomplete.extend(messages(file, failures));
        }
    }
}

fn messages(file: &str, failures: Failures) -> Vec<Incomplete> {
    failures.messages(|week, count, ids, why| {
        let learners = if count == 1 { "learner".to_owned() } else { format!("{count} learners:") };
        format!("{NAME} week {week}: no {file} of {learners} {ids}: {why}")
    })
}

/// Notes what a route's lines do not answer. Learners are named by their ids alone.
fn note(route: Route, shape: &dyn Shape, lines: &[Line], heard: &mut Heard, done: &mut Part) {
    let mut failures = Failures::default();
    for line in lines {
        if let Some(gap) = &line.gap {
            done.ingested.failed += 1;
            failures.note(&done.ingested.day, gap.what.iter().cloned(), &gap.reason, gap.can_retry);
        } else if line.is_answer() {
            heard.known.extend(shape.asks(line));
        } else {
            heard.unknown.extend(shape.asks(line).into_iter().map(|id| (id, route.file)));
        }
    }
    done.incomplete.extend(messages(route.file, failures));
}

struct Fetch<'a> {
    context: &'a Context<'a>,
    dataset: &'a Dataset,
    http: Http,
    base: &'a Url,
    weeks: Weeks,
    limit: i64,
    at_once: usize,
}

impl Fetch<'_> {
    /// Fetches the accounts.
    async fn accounts(&self, learners: &[i64], heard: &mut Heard, done: &mut Part) -> Result<()> {
        let raw = &self.context.lake.raw;
        let lines = self.answers(USERS, learners).await;
        let shape = Users { table: self.dataset.table(USERS.table) };
        note(USERS, &shape, &lines, heard, done);
        let (week, now) = (self.weeks.newest(), (self.context.clock)());
        let key = key(week, USERS);
        // The roster is not the API's: who is not on it any more is not asked about, and no loss.
        let terms = Terms { accept_loss: self.context.accept_loss, is_gone: &|_| false, now };
        let before = before::accounts(raw, &key, week, &lines).await?;
        let put = raw::replace_lines(raw, &key, &lines, &before, &shape, &terms).await?;
        done.put(put.bytes);
        done.lost(&key, USERS.lost, put.told.into_keys().collect());
        self.http.forget_answers();
        Ok(())
    }

    /// Fetches the lists of weeks. Both are joined with what is known before one of them is written.
    async fn lists(&self, learners: &[i64], heard: &mut Heard, done: &mut Part) -> Result<()> {
        let mut new = Both::default();
        for list in Kind::BOTH {
            let route = LISTS[list];
            let lines = self.answers(route, learners).await;
            note(route, &route.counts(self.dataset), &lines, heard, done);
            new[list] = before::by_learner(lines);
        }
        let raw = &self.context.lake.raw;
        let merge = Merge {
            shape: Both::each(|list| LISTS[list].counts(self.dataset)),
            weeks: self.weeks,
            accept_loss: self.context.accept_loss,
            latest: ((self.context.clock)() + SKEW).timestamp_micros(),
        };
        merge::join(raw, merge, learners, &new, done).await?;
        self.http.forget_answers();
        Ok(())
    }

    /// A route's answers for all learners, in their order.
    async fn answers(&self, route: Route, learners: &[i64]) -> Vec<Line> {
        let asked = learners.iter().copied().map(|learner| async move {
            let line = self.answer(route, learner).await;
            self.context.progress.advance(&learner.to_string());
            line
        });
        let lines: Vec<Line> = futures::stream::iter(asked).buffered(self.at_once).collect().await;
        if lines.iter().any(|line| line.status != Some(404)) {
            return lines;
        }
        // Where no learner at all is known, it is not the learners that are wrong.
        let failed = |line: Line| {
            let what = Request::of(&line).map(|request| request.learner.to_string()).into_iter().collect();
            let reason = "the server answered 404 for every learner: is CODETRACK_URL right?".to_owned();
            Line::gap(line.request, Some(404), Gap { what, reason, can_retry: true }, (self.context.clock)())
        };
        lines.into_iter().map(failed).collect()
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
                Ok(Answer { status: 200, body }) => {
                    let line = Line::answer(text.clone(), 200, &body, now());
                    match route.mistake(self.dataset, &line) {
                        None if route.has_weeks => return weeks::spoken_of(line),
                        None => return line,
                        Some(why) => (Some(200), why.to_owned(), true),
                    }
                }
                Ok(Answer { status: 404, body }) => return Line::answer(text, 404, &body, now()),
                Ok(Answer { status, .. }) => (Some(status), format!("the server answered {status}"), false),
                Err(failure) => (failure.status, failure.why, failure.can_retry),
            },
        };
        let gap = Gap { what: vec![learner.to_string()], reason, can_retry };
        Line::gap(text, status, gap, now())
    }
}

impl Route {
    /// How its raw object is read, if it has weeks.
    fn counts<'d>(&self, dataset: &'d Dataset) -> WeekLists<'d> {
        WeekLists { column: dataset.table(self.table).and_then(|table| table.column(self.column?)) }
    }

    /// Why a line with status 200 is no answer about the learner that it asked about.
    fn mistake(&self, dataset: &Dataset, line: &Line) -> Option<&'static str> {
        let body = line.body.as_deref().unwrap_or_default();
        if !body.starts_with(if self.has_weeks { '[' } else { '{' }) {
            return Some("the answer is not as documented");
        }
        if weeks::names_another(line) {
            return Some("the answer is about another learner");
        }
        if self.has_weeks && weeks::names_no_week(line) {
            return Some("the list names no week");
        }
        let account = Users { table: dataset.table(self.table) };
        (!self.has_weeks && account.is_empty(line)).then_some("the answer has none of the account's totals")
    }
}

#[cfg(test)]
mod tests;
