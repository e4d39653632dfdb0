//! The control interface for scripts. It never fails, has no latency and is not counted.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::server::Sources;

#[derive(Deserialize)]
struct Corrections {
    day: NaiveDate,
    series: usize,
}

#[derive(Serialize)]
struct Corrected {
    changed: usize,
}

#[derive(Deserialize)]
struct Failing {
    series: Vec<String>,
}

#[derive(Deserialize)]
struct FailingAssessments {
    assessments: Vec<String>,
}

#[derive(Deserialize)]
struct CorrectedWeek {
    date: NaiveDate,
    learner: i64,
    points: i64,
}

#[derive(Serialize)]
struct WasChanged {
    changed: bool,
}

#[derive(Deserialize)]
struct FailingLearners {
    learners: Vec<i64>,
}

/// What is left out stays as it is.
#[derive(Deserialize)]
struct FaultSettings {
    fail_rate: Option<f64>,
    down: Option<bool>,
}

#[derive(Serialize)]
struct Requests {
    requests: u64,
}

pub(crate) fn router(sources: Arc<Sources>) -> Router {
    Router::new()
        .route("/simulator/irceline/corrections", post(correct))
        .route("/simulator/irceline/failing", post(fail))
        .route("/simulator/illuminate/failing", post(fail_assessments))
        .route("/simulator/illuminate/expire", post(expire_tokens))
        .route("/simulator/illuminate/roster", get(illuminate_roster))
        .route("/simulator/illuminate/requests", get(illuminate_requests))
        .route("/simulator/codetrack/corrections", post(correct_week))
        .route("/simulator/codetrack/failing", post(fail_learners))
        .route("/simulator/codetrack/roster", get(codetrack_roster))
        .route("/simulator/codetrack/requests", get(codetrack_requests))
        .route("/simulator/faults", post(set_faults))
        .route("/simulator/requests", get(requests))
        .with_state(sources)
}

async fn correct(State(sources): State<Arc<Sources>>, Json(asked): Json<Corrections>) -> Json<Corrected> {
    Json(Corrected { changed: sources.irceline.correct(asked.day, asked.series) })
}

async fn fail(State(sources): State<Arc<Sources>>, Json(asked): Json<Failing>) {
    sources.irceline.fail_series(asked.series);
}

async fn fail_assessments(State(sources): State<Arc<Sources>>, Json(asked): Json<FailingAssessments>) {
    sources.illuminate.fail_assessments(asked.assessments);
}

async fn expire_tokens(State(sources): State<Arc<Sources>>) {
    sources.illuminate.expire_tokens();
}

async fn illuminate_roster(State(sources): State<Arc<Sources>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/tab-separated-values; charset=utf-8")], sources.illuminate.roster())
}

async fn illuminate_requests(State(sources): State<Arc<Sources>>) -> impl IntoResponse {
    Json(sources.illuminate.counts().all())
}

async fn correct_week(State(sources): State<Arc<Sources>>, Json(asked): Json<CorrectedWeek>) -> Json<WasChanged> {
    Json(WasChanged { changed: sources.codetrack.correct(asked.date, asked.learner, asked.points) })
}

async fn fail_learners(State(sources): State<Arc<Sources>>, Json(asked): Json<FailingLearners>) {
    sources.codetrack.fail_learners(asked.learners);
}

async fn codetrack_roster(State(sources): State<Arc<Sources>>) -> impl IntoResponse {
    Json(sources.codetrack.roster())
}

async fn codetrack_requests(State(sources): State<Arc<Sources>>) -> impl IntoResponse {
    Json(sources.codetrack.counts().all())
}

async fn set_faults(State(sources): State<Arc<Sources>>, Json(asked): Json<FaultSettings>) {
    if let Some(rate) = asked.fail_rate {
        sources.faults.set_fail_rate(rate);
    }
    if let Some(down) = asked.down {
        sources.faults.set_down(down);
    }
}

async fn requests(State(sources): State<Arc<Sources>>) -> Json<Requests> {
    Json(Requests { requests: sources.faults.requests() })
}
