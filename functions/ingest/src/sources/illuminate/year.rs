//! One school year: the list of assessments, and for each of them the three kinds of results.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use futures::StreamExt;
use lake::dataset::Dataset;
use lake::ledger::Gap;
use serde::{Deserialize, Serialize};
use url::Url;

use super::progress::{Progress, claim_key};
use super::rewrite::{Finished, Rewrite};
use super::{NAME, SchoolYear, Settings, method, paging, shapes};
use crate::claim::Claim;
use crate::error::Result;
use crate::http::{Answer, Http, shown};
use crate::login::Login;
use crate::raw::{self, Line};
use crate::replace::Terms;
use crate::report::{Failures, Part, some};
use crate::{Context, Incomplete};

/// How often a raw object is made again because another run has written it.
const REWRITE_TRIES: u32 = 20;
/// How often an answer that changes while it is read is read again, before it counts as a gap.
const READ_AGAIN: u32 = 2;

/// A kind of results: an endpoint and a raw object of its own.
#[derive(Debug, Clone, Copy)]
struct Kind {
    name: &'static str,
    file: &'static str,
    method: &'static str,
}

const KINDS: [Kind; 3] = [
    Kind { name: "group", file: "responses_group", method: "AssessmentAggregateStudentResponsesGroup" },
    Kind { name: "standard", file: "responses_standard", method: "AssessmentAggregateStudentResponsesStandard" },
    Kind { name: "overall", file: "responses_overall", method: "AssessmentAggregateStudentResponses" },
];

/// The raw object with the list of assessments.
const LIST_FILE: &str = "assessments.ndjson";

/// What a run works with.
pub(super) struct Fetch<'a> {
    pub context: &'a Context<'a>,
    pub dataset: &'a Dataset,
    pub settings: Settings,
    pub http: Http,
    pub login: Login,
    pub base: &'a Url,
}

/// A request for one page, as its line in the raw object has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Request {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    assessment_id: Option<String>,
    page: usize,
    limit: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date_taken_start: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date_taken_end: Option<NaiveDate>,
}

impl Request {
    fn url(&self, mut url: Url) -> Url {
        let mut query = url.query_pairs_mut();
        query.append_pair("page", &self.page.to_string()).append_pair("limit", &self.limit.to_string());
        for (name, value) in [
            ("assessment_id", self.assessment_id.clone()),
            ("date_taken_start", self.date_taken_start.map(|day| day.to_string())),
            ("date_taken_end", self.date_taken_end.map(|day| day.to_string())),
        ] {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        }
        drop(query);
        url
    }
}

/// All pages of one answer, as far as they could be had.
enum Pages {
    /// All of them.
    Complete(Vec<Line>),
    /// The first ones, and the gap as the last line.
    Broken(Vec<Line>),
    /// The run gave up before: nothing can be said of it.
    NotAsked,
}

/// What could not be had, by kind of result and assessment: the lines that tell so.
type Gaps = BTreeMap<(&'static str, String), Vec<Line>>;

impl Fetch<'_> {
    /// Fetches a school year, unless another run is at it. Its raw objects are written when all of it was asked for; what
    /// came until then is kept as progress.
    pub async fn year(&self, year: &SchoolYear) -> Result<Part> {
        let mut done = Part::new(NAME, "school year", year.label.clone());
        let claim = Claim::take(&self.context.lake.raw, claim_key(year), self.context.clock).await?;
        let why = match claim {
            Some(claim) => match claim.hold(self.claimed(year)).await? {
                Some(done) => return Ok(done),
                None => "another run took it over, as if this one had ended; see what that run says, or run it again",
            },
            // The same event may come twice: the other run does all of this one's work, except for this.
            None if self.context.accept_loss => {
                "another run is fetching it, without this one's --accept-loss; run it again"
            }
            None => {
                tracing::warn!(year = year.label, "another run is fetching this school year: nothing is left to do");
                done.ingested.fetched_elsewhere = true;
                return Ok(done);
            }
        };
        done.incomplete.push(Incomplete { message: format!("{NAME} {}: {why}", year.label), can_retry: true });
        Ok(done)
    }

    async fn claimed(&self, year: &SchoolYear) -> Result<Part> {
        let mut done = Part::new(NAME, "school year", year.label.clone());
        let (first, last) = (year.first.to_string(), year.last.to_string());
        let (base, settings) = (shown(self.base), self.settings.of_progress());
        let good_for = [&base, &first, &last, &settings].map(String::as_str);
        let now = (self.context.clock)();
        let store = &self.context.lake.raw;
        let progress = Progress::open(store, year, &good_for, now, self.settings.resume_for()).await?;
        let list = match progress.list().await? {
            Some(list) => list,
            None => match self.list().await {
                Ok(list) => {
                    progress.begin(&list).await?;
                    list
                }
                Err((why, can_retry)) => {
                    let message = format!("{NAME} {}: failed to fetch the list of assessments: {why}", year.label);
                    done.ingested.failed += 1;
                    done.incomplete.push(Incomplete { message, can_retry });
                    return Ok(done);
                }
            },
        };

        let ids = self.ids(&list);
        let mut gaps = Gaps::new();
        if let Err((why, kept)) = self.all_parts(year, &progress, &ids, &mut gaps).await? {
            let (label, count) = (&year.label, ids.len());
            let message = format!(
                "{NAME} {label}: not finished, because {why}; {kept} of {count} assessments are kept, run it again for the rest"
            );
            done.incomplete.push(Incomplete { message, can_retry: true });
            return Ok(done);
        }
        self.write_list(year, &list, &mut done).await?;
        for kind in KINDS {
            self.write_kind(year, kind, &progress, &ids, &gaps, &mut done).await?;
        }
        if gaps.is_empty() {
            progress.remove().await?;
        }
        tell_gaps(year, &gaps, &mut done);
        Ok(done)
    }

    /// All pages of the list of assessments; a list with a gap is no list.
    async fn list(&self) -> Result<Vec<Line>, (String, bool)> {
        let request = Request {
            assessment_id: None,
            page: 1,
            limit: self.page_size(),
            date_taken_start: None,
            date_taken_end: None,
        };
        match self.pages(&method(self.base, "Assessments"), request, None).await {
            Pages::Complete(lines) => Ok(lines),
            Pages::Broken(lines) => {
                let gap = lines.into_iter().find_map(|line| line.gap);
                Err(gap.map_or_else(|| (String::new(), true), |gap| (gap.reason, gap.can_retry)))
            }
            Pages::NotAsked => Err((self.http.gives_up().unwrap_or("the run was stopped").to_owned(), true)),
        }
    }

    /// What is asked for: all that is listed and the extra ids, each once, without the excluded ones.
    fn ids(&self, list: &[Line]) -> Vec<String> {
        let Settings { extra_assessment_ids, excluded_assessment_ids, .. } = &self.settings;
        let listed = list.iter().flat_map(paging::listed_ids);
        let mut seen: BTreeSet<String> = excluded_assessment_ids.iter().cloned().collect();
        listed.chain(extra_assessment_ids.iter().cloned()).filter(|id| seen.insert(id.clone())).collect()
    }

    /// Brings all parts of the list into the progress; an error says why it stopped, and how many assessments there are.
    async fn all_parts(
        &self,
        year: &SchoolYear,
        progress: &Progress<'_>,
        ids: &[String],
        gaps: &mut Gaps,
    ) -> Result<Result<(), (&'static str, usize)>> {
        self.context.progress.begin(&format!("ingest {NAME} {}", year.label), (ids.len() * KINDS.len()) as u64);
        let mut stopped = Ok(());
        let mut kept = 0;
        for (number, part) in ids.chunks(self.part_size()).enumerate() {
            if !self.part(year, progress, number, part, gaps).await? {
                stopped = Err((self.http.gives_up().unwrap_or("the run was stopped"), kept));
                break;
            }
            kept += part.len();
        }
        self.context.progress.end();
        Ok(stopped)
    }

    /// Asks for what the progress lacks of one part of the list; false if the run gave up on the way. What came is kept
    /// either way.
    async fn part(
        &self,
        year: &SchoolYear,
        progress: &Progress<'_>,
        number: usize,
        ids: &[String],
        gaps: &mut Gaps,
    ) -> Result<bool> {
        let mut there = BTreeMap::new();
        for kind in KINDS {
            there.insert(kind.file, by_assessment(progress.part(number, kind.file).await?));
        }
        let mut wanted: Vec<(Kind, String)> = Vec::new();
        for id in ids {
            for kind in KINDS {
                if there.get(kind.file).is_some_and(|kept| kept.contains_key(id)) {
                    self.context.progress.advance(id);
                } else {
                    wanted.push((kind, id.clone()));
                }
            }
        }
        let answers = wanted.into_iter().map(|(kind, id)| async move {
            let pages = self.results(year, kind, &id).await;
            self.context.progress.advance(&id);
            (kind, id, pages)
        });
        let mut answers = futures::stream::iter(answers).buffer_unordered(self.settings.concurrent_requests.max(1));
        let mut all_asked = true;
        let mut fresh = BTreeSet::new();
        while let Some((kind, id, pages)) = answers.next().await {
            match pages {
                Pages::Complete(lines) => {
                    there.entry(kind.file).or_default().insert(id, lines);
                    fresh.insert(kind.file);
                }
                Pages::Broken(lines) => drop(gaps.insert((kind.name, id), lines)),
                Pages::NotAsked => all_asked = false,
            }
        }
        for kind in fresh {
            let mut kept = there.remove(kind).unwrap_or_default();
            let lines: Vec<Line> = ids.iter().filter_map(|id| kept.remove(id)).flatten().collect();
            progress.keep(number, kind, &lines).await?;
        }
        self.http.forget_answers();
        Ok(all_asked)
    }

    /// One kind of results of one assessment.
    async fn results(&self, year: &SchoolYear, kind: Kind, id: &str) -> Pages {
        let request = Request {
            assessment_id: Some(id.to_owned()),
            page: 1,
            limit: self.page_size(),
            date_taken_start: Some(year.first),
            date_taken_end: Some(year.last),
        };
        let table = self.dataset.table_of(&format!("{}{}.ndjson", year.folder(), kind.file));
        let null_before = table.and_then(|table| table.column("date_taken")).and_then(|column| column.null_before);
        let taken = paging::Taken { days: year.first..=year.last, null_before };
        self.pages(&method(self.base, kind.method), request, Some(taken)).await
    }

    /// All pages, from the first to the one that is the last by what they say.
    async fn pages(&self, url: &Url, mut request: Request, taken: Option<paging::Taken>) -> Pages {
        let first = request.page;
        let about = request.assessment_id.clone();
        let begin = || paging::Reading::of(about.as_deref(), taken.clone());
        let mut reading = begin();
        let mut lines: Vec<Line> = Vec::new();
        let mut again = READ_AGAIN;
        loop {
            if self.http.gives_up().is_some() {
                return Pages::NotAsked;
            }
            let text = serde_json::to_string(&request).unwrap_or_default();
            let now = || (self.context.clock)();
            let (status, reason, can_retry) =
                match self.http.get_with_login(&request.url(url.clone()), &self.login).await {
                    Ok(Answer { status: 200, body }) => {
                        let line = Line::answer(text.clone(), 200, &body, now());
                        match reading.take(line.body.as_deref().unwrap_or_default(), request.limit) {
                            Ok(has_more) => {
                                lines.push(line);
                                if !has_more {
                                    return Pages::Complete(lines);
                                }
                                request.page += 1;
                                continue;
                            }
                            Err(wrong) if wrong.has_moved && again > 0 => {
                                again -= 1;
                                (request.page, reading) = (first, begin());
                                lines.clear();
                                continue;
                            }
                            Err(wrong) => (Some(200), wrong.why, wrong.can_retry),
                        }
                    }
                    Ok(Answer { status, .. }) => (Some(status), format!("the server answered {status}"), false),
                    // Out of time, or one of many: what is missing then is not this assessment's fault.
                    Err(_) if self.http.gives_up().is_some() => return Pages::NotAsked,
                    Err(failure) => (failure.status, failure.why, failure.can_retry),
                };
            let what = request.assessment_id.iter().cloned().collect();
            lines.push(Line::gap(text, status, Gap { what, reason, can_retry }, now()));
            return Pages::Broken(lines);
        }
    }

    /// Writes one kind of results, in the order of the list; behind them what is there of other assessments.
    async fn write_kind(
        &self,
        year: &SchoolYear,
        kind: Kind,
        progress: &Progress<'_>,
        ids: &[String],
        gaps: &Gaps,
        done: &mut Part,
    ) -> Result<()> {
        let store = &self.context.lake.raw;
        let key = format!("{}{}.ndjson", year.folder(), kind.file);
        let asked: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        // An assessment that the settings exclude is not gone.
        let excluded = &self.settings.excluded_assessment_ids;
        let is_gone = |id: &str| !asked.contains(id) && !excluded.iter().any(|excluded| excluded == id);
        for _ in 0..REWRITE_TRIES {
            let shape = shapes::Results { assessment, table: self.dataset.table_of(&key).cloned() };
            let mut rewrite =
                Rewrite::begin(store, &key, shape, self.context.accept_loss, (self.context.clock)()).await?;
            let mut nothing = Vec::new();
            for (number, part) in ids.chunks(self.part_size()).enumerate() {
                let mut kept = by_assessment(progress.part(number, kind.file).await?);
                let mut answers = Vec::new();
                for id in part {
                    match kept.remove(id).or_else(|| gaps.get(&(kind.name, id.clone())).cloned()) {
                        Some(lines) => answers.push((id.clone(), lines)),
                        None => nothing.push(id.clone()),
                    }
                }
                rewrite = rewrite.add(answers).await?;
            }
            let (finished, lost) = rewrite.add_others(is_gone).await?.finish(store, &key).await?;
            match finished {
                Finished::Same => done.put(None),
                Finished::Written(size) => done.put(Some(usize::try_from(size).unwrap_or(usize::MAX))),
                Finished::Overtaken => continue,
            }
            done.lost(&key, "results of assessments", lost);
            if !nothing.is_empty() {
                let message = format!(
                    "{NAME} {}: there is neither an answer nor a gap of assessment {} ({}), because the progress was \
                     changed while it was read; run it again",
                    year.label,
                    some(&nothing),
                    kind.name
                );
                done.incomplete.push(Incomplete { message, can_retry: true });
            }
            return Ok(());
        }
        Err(raw::overtaken(store, &key))
    }

    /// Writes the list of assessments, with those that the API no longer lists.
    async fn write_list(&self, year: &SchoolYear, list: &[Line], done: &mut Part) -> Result<()> {
        let key = format!("{}{LIST_FILE}", year.folder());
        let terms = Terms { accept_loss: self.context.accept_loss, is_gone: &|_| false, now: (self.context.clock)() };
        let shape = shapes::List { table: self.dataset.table_of(&key) };
        let before = self.listed_before(&key, list, &shape).await?;
        let put = raw::replace_lines(&self.context.lake.raw, &key, list, &before, &shape, &terms).await?;
        done.put(put.bytes);
        done.lost(&key, "assessments", put.told.into_values().flatten().collect());
        Ok(())
    }

    /// What the newest list of another school year says of the assessments of a list that is the first of its school year:
    /// readers take the newest.
    async fn listed_before(&self, key: &str, list: &[Line], shape: &shapes::List<'_>) -> Result<Vec<Line>> {
        let store = &self.context.lake.raw;
        if store.head(key).await?.is_some() {
            return Ok(Vec::new());
        }
        let lists = store.list(&format!("{NAME}/year=")).await?.into_iter();
        let others = lists.filter(|object| object.key != key && is_list(&object.key));
        let Some(newest) = others.max_by(|a, b| (a.last_modified, &a.key).cmp(&(b.last_modified, &b.key))) else {
            return Ok(Vec::new());
        };
        let there = raw::read_lines(store, &newest.key).await?;
        Ok(there.iter().filter(|line| line.is_answer()).map(|line| shape.of_same(line, list)).collect())
    }

    fn page_size(&self) -> usize {
        self.settings.page_size.max(1)
    }

    fn part_size(&self) -> usize {
        self.settings.checkpoint_assessments.max(1)
    }
}

/// Whether a key is that of a school year's list, and not of the progress of one.
fn is_list(key: &str) -> bool {
    let path = key.strip_prefix(NAME).and_then(|path| path.strip_prefix("/year="));
    path.and_then(|path| path.split_once('/')).is_some_and(|(_, file)| file == LIST_FILE)
}

/// The assessment that a line asked for.
fn assessment(line: &Line) -> Option<String> {
    let request: Request = serde_json::from_str(&line.request).ok()?;
    request.assessment_id
}

/// Lines by the assessment that they asked for.
fn by_assessment(lines: Vec<Line>) -> BTreeMap<String, Vec<Line>> {
    let mut found: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for line in lines {
        if let Some(id) = assessment(&line) {
            found.entry(id).or_default().push(line);
        }
    }
    found
}

/// One message per reason for which assessments could not be fetched.
fn tell_gaps(year: &SchoolYear, gaps: &Gaps, done: &mut Part) {
    done.ingested.failed += gaps.len() as u64;
    let mut by_id: BTreeMap<&str, Vec<(&str, &Gap)>> = BTreeMap::new();
    for ((kind, id), lines) in gaps {
        if let Some(gap) = lines.iter().find_map(|line| line.gap.as_ref()) {
            by_id.entry(id).or_default().push((*kind, gap));
        }
    }
    let mut failures = Failures::default();
    for (id, gaps) in by_id {
        let kinds: Vec<&str> = gaps.iter().map(|(kind, _)| *kind).collect();
        let reason = gaps.first().map_or("", |(_, gap)| gap.reason.as_str());
        let reason = format!("({}): {reason}", kinds.join(", "));
        failures.note(&year.label, [id.to_owned()], &reason, gaps.iter().any(|(_, gap)| gap.can_retry));
    }
    done.incomplete.extend(failures.messages(|year, count, ids, why| {
        let assessments = if count == 1 { "assessment".to_owned() } else { format!("{count} assessments:") };
        format!("{NAME} {year}: no answer for {assessments} {ids} {why}")
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_a_school_year_is_not_that_of_its_progress() {
        assert!(is_list("illuminate/year=24-25/assessments.ndjson"));
        for other in ["illuminate/year=24-25/_progress/ab/assessments.ndjson", "illuminate/year=24-25/responses.ndjson"]
        {
            assert!(!is_list(other), "{other}");
        }
    }

    #[test]
    fn a_request_becomes_a_url_and_a_line() {
        let request = Request {
            assessment_id: Some("5eed&1".into()),
            page: 2,
            limit: 1000,
            date_taken_start: "2024-07-01".parse().ok(),
            date_taken_end: "2025-06-30".parse().ok(),
        };
        let base: Url = "http://127.0.0.1:1/live/".parse().unwrap();
        assert_eq!(
            request.url(method(&base, "X")).as_str(),
            "http://127.0.0.1:1/live/rest_server.php/Api/X/?page=2&limit=1000&assessment_id=5eed%261\
             &date_taken_start=2024-07-01&date_taken_end=2025-06-30"
        );
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"assessment_id":"5eed&1","page":2,"limit":1000,"date_taken_start":"2024-07-01","date_taken_end":"2025-06-30"}"#
        );
    }
}
