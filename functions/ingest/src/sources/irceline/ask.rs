//! Asks for the values of many series: in bulk, and in halves where one series fails the request of many.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::future::BoxFuture;
use lake::ledger::Gap;
use serde::de::IgnoredAny;
use url::Url;

use super::metadata;
use super::values::{Bulk, Values, answered, names, only};
use crate::http::{Answer, Http};
use crate::raw::Line;
use crate::replace::Shape;

/// Tries of a request that is sent to find out which of its series fails.
const TRIES_TO_FIND_FAILING: u32 = 3;
/// Statuses of a server that has no time: it says nothing about the series that were asked for.
const BUSY: [u16; 3] = [408, 429, 503];
const KNOWS_NOTHING: &str = "the server answered 404 for every series: is IRCELINE_URL right?";

/// Asks one server.
pub struct Asking<'a> {
    pub http: &'a Http,
    pub base: &'a Url,
    pub series_per_request: usize,
    pub at_once: usize,
    pub clock: fn() -> DateTime<Utc>,
    /// All series of a day were unknown: it is the API that fails.
    pub knows_nothing: AtomicBool,
}

/// What became of one request.
enum Reply {
    /// Answers and gaps.
    Lines(Vec<Line>),
    /// One of the series, or each, is unknown: the series, and the line of the refusal.
    NotFound(Vec<String>, Line),
}

impl Asking<'_> {
    /// The answers for all series but those that are known to be dead, in the order of the series. Dead ones are left out of
    /// the chunk that they belong to, so that the requests are the same whenever that is found out.
    pub async fn values(
        &self,
        timespan: &str,
        wanted: &[String],
        is_dead: impl Fn(&str) -> bool,
        done: impl Fn(),
    ) -> Vec<Line> {
        let alive = |chunk: &[String]| chunk.iter().filter(|id| !is_dead(id)).cloned().collect();
        let chunks =
            wanted.chunks(self.series_per_request.max(1)).map(alive).filter(|chunk: &Vec<_>| !chunk.is_empty());
        let chunks: Vec<Vec<String>> = chunks.collect();
        let replies: Vec<Reply> = futures::stream::iter(chunks.into_iter().map(|series| async {
            let reply = self.once(timespan, series, u32::MAX).await;
            done();
            reply
        }))
        .buffered(self.at_once.max(1))
        .collect()
        .await;

        let only_one = replies.len() == 1;
        let mut some_answered = replies.iter().any(|reply| match reply {
            Reply::Lines(lines) => lines.iter().any(Line::is_answer),
            Reply::NotFound(..) => false,
        });
        let mut lines: Vec<Line> = Vec::new();
        for reply in replies {
            match reply {
                Reply::Lines(fetched) => {
                    // A chunk may have failed because of one of its series: worth finding out if the server answers
                    // others, or if the only chunk was at least answered.
                    for line in fetched {
                        let worth_it = some_answered || only_one && line.status.is_some();
                        match divisible(&line).filter(|_| worth_it && self.http.gives_up().is_none()) {
                            Some(series) => lines.extend(self.halves(timespan, series, true).await),
                            None => lines.push(line),
                        }
                    }
                }
                // The first of them is searched whatever happens; the others only if any series is known at all.
                Reply::NotFound(series, line) if series.len() > 1 => {
                    if some_answered || !self.knows_nothing.swap(true, Ordering::Relaxed) {
                        let found = self.halves(timespan, series.clone(), false).await;
                        some_answered |= found.iter().any(Line::is_answer);
                        lines.extend(self.without_unknown(timespan, &series, found).await);
                    } else {
                        lines.push(self.gap(line.request, Some(404), series, KNOWS_NOTHING.to_owned(), true));
                    }
                }
                Reply::NotFound(_, line) => lines.push(line),
            }
        }
        some_answered |= lines.iter().any(Line::is_answer);
        self.knows_nothing.store(!some_answered, Ordering::Relaxed);
        if some_answered { lines } else { lines.into_iter().map(|line| self.nothing_known(line)).collect() }
    }

    /// Asks for the known ones of some series in one request, as later runs do, in place of what was found in pieces.
    async fn without_unknown(&self, timespan: &str, series: &[String], found: Vec<Line>) -> Vec<Line> {
        let (mut pieces, unknown): (Vec<Line>, Vec<Line>) =
            found.into_iter().partition(|line| line.is_answer() || line.gap.is_some());
        let not_known: Vec<String> = unknown.iter().flat_map(|line| Values { column: None }.asks(line)).collect();
        if pieces.len() > 1 && pieces.iter().all(Line::is_answer) {
            let known = series.iter().filter(|id| !not_known.contains(id)).cloned().collect();
            if let Reply::Lines(whole) = self.once(timespan, known, u32::MAX).await
                && whole.iter().all(Line::is_answer)
            {
                pieces = whole;
            }
        }
        pieces.extend(unknown);
        pieces
    }

    /// Where no series at all is known, it is not the series that are wrong.
    fn nothing_known(&self, line: Line) -> Line {
        if line.status != Some(404) {
            return line;
        }
        let bulk: Option<Bulk> = serde_json::from_str(&line.request).ok();
        let series = bulk.map(|bulk| bulk.timeseries).unwrap_or_default();
        self.gap(line.request, line.status, series, KNOWS_NOTHING.to_owned(), true)
    }

    /// Asks once, and again for series that the answer lacks.
    fn once<'b>(&'b self, timespan: &'b str, series: Vec<String>, max_tries: u32) -> BoxFuture<'b, Reply> {
        Box::pin(async move {
            let bulk = Bulk { timespan: timespan.to_owned(), timeseries: series };
            let request = bulk.text();
            let series = bulk.timeseries;
            let failed = |status, reason: &str, can_retry| {
                Reply::Lines(vec![self.gap(request.clone(), status, series.clone(), reason.to_owned(), can_retry)])
            };
            if let Some(why) = self.http.gives_up() {
                return failed(None, &format!("not asked for, because {why}"), true);
            }
            let url = metadata::endpoint(self.base, "timeseries/getData");
            match self.http.post(&url, &request, max_tries).await {
                Ok(Answer { status: 200, body }) => self.answered(timespan, request, series, &body, max_tries).await,
                Ok(Answer { status: 404, body }) if serde_json::from_slice::<IgnoredAny>(&body).is_ok() => {
                    let line = Line::answer(request, 404, &body, (self.clock)());
                    Reply::NotFound(series, line)
                }
                Ok(Answer { status: 404, .. }) => {
                    failed(Some(404), "the server answered 404, and not as the API does: is IRCELINE_URL right?", true)
                }
                Ok(Answer { status, .. }) => failed(Some(status), &format!("the server answered {status}"), false),
                Err(failure) => failed(failure.status, &failure.why, failure.can_retry),
            }
        })
    }

    async fn answered(
        &self,
        timespan: &str,
        request: String,
        series: Vec<String>,
        body: &Bytes,
        max_tries: u32,
    ) -> Reply {
        let mut line = Line::answer(request, 200, body, (self.clock)());
        let there = answered(line.body.as_deref().unwrap_or_default(), &series);
        if there.is_empty() && !series.is_empty() {
            let reason = "the answer has none of the series".to_owned();
            return Reply::Lines(vec![self.gap(line.request, Some(200), series, reason, true)]);
        }
        if there.len() == series.len() {
            return Reply::Lines(vec![line]);
        }
        let lacking: Vec<String> = series.iter().filter(|id| !there.contains(id)).cloned().collect();
        if lacking.iter().any(|id| names(line.body.as_deref().unwrap_or_default(), id)) {
            // A body that has something else in place of a series would be rejected whole.
            line = only(&line, &there);
        }
        let mut lines = vec![line];
        match self.once(timespan, lacking, max_tries).await {
            Reply::Lines(more) => lines.extend(more),
            Reply::NotFound(series, line) if series.len() > 1 => {
                let reason = "the answer lacks the series".to_owned();
                lines.push(self.gap(line.request, Some(200), series, reason, true));
            }
            Reply::NotFound(_, line) => lines.push(line),
        }
        Reply::Lines(lines)
    }

    /// Asks for halves until the series that are unknown, or with `find_failing` those that fail, stand alone.
    fn halves<'b>(&'b self, timespan: &'b str, series: Vec<String>, find_failing: bool) -> BoxFuture<'b, Vec<Line>> {
        Box::pin(async move {
            let max_tries = if find_failing { TRIES_TO_FIND_FAILING } else { u32::MAX };
            let (left, right) = series.split_at(series.len() / 2);
            let mut lines = Vec::new();
            for half in [left, right] {
                match self.once(timespan, half.to_vec(), max_tries).await {
                    Reply::NotFound(series, _) if series.len() > 1 => {
                        lines.extend(self.halves(timespan, series, find_failing).await);
                    }
                    Reply::NotFound(_, line) => lines.push(line),
                    Reply::Lines(fetched) => {
                        for line in fetched {
                            match divisible(&line).filter(|_| find_failing && self.http.gives_up().is_none()) {
                                Some(series) => lines.extend(self.halves(timespan, series, true).await),
                                None => lines.push(line),
                            }
                        }
                    }
                }
            }
            lines
        })
    }

    fn gap(&self, request: String, status: Option<u16>, what: Vec<String>, reason: String, can_retry: bool) -> Line {
        Line::gap(request, status, Gap { what, reason, can_retry }, (self.clock)())
    }
}

/// The series of a gap that may be the fault of one of them.
fn divisible(line: &Line) -> Option<Vec<String>> {
    let gap = line.gap.as_ref().filter(|gap| gap.what.len() > 1)?;
    let may_be = line.status.is_none_or(|status| status >= 400 && status != 404 && !BUSY.contains(&status));
    may_be.then(|| gap.what.clone())
}
