//! The control interface for scripts. It never fails, has no latency and is not counted.

use std::sync::Arc;

use axum::extract::State;
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
