//! The endpoints.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query as UrlQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::codetrack::{Codetrack, Week};
use crate::random::{Purpose, bits};

/// Where the API begins.
pub(crate) const BASE: &str = "/codetrack";

type Query = HashMap<String, String>;
type Server = State<Arc<Codetrack>>;

pub(crate) fn router(server: Arc<Codetrack>) -> Router {
    let at = |path: &str| format!("{BASE}{path}");
    Router::new()
        .route(&at("/weeklyScores/{id}"), get(scores))
        .route(&at("/weeklyCommits/{id}"), get(commits))
        .route(&at("/users/{id}"), get(user))
        .with_state(server)
}

/// Why a request is refused. The real server's words are not known.
enum Problem {
    BadParameter(&'static str),
    UserNotFound,
    Internal,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::BadParameter(name) => (StatusCode::BAD_REQUEST, format!("{name} is not a number")),
            Self::UserNotFound => (StatusCode::NOT_FOUND, "user not found".to_owned()),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal error".to_owned()),
        };
        (status, Json(json!({ "message": message }))).into_response()
    }
}

/// The two lists. Dates of one week may be written in two ways.
#[derive(Clone, Copy)]
enum List {
    Scores = 1,
    Commits,
}

async fn scores(State(server): Server, Path(id): Path<String>, UrlQuery(query): UrlQuery<Query>) -> Response {
    server.counts.add("weeklyScores");
    server.list(List::Scores, &id, &query).into_response()
}

async fn commits(State(server): Server, Path(id): Path<String>, UrlQuery(query): UrlQuery<Query>) -> Response {
    server.counts.add("weeklyCommits");
    server.list(List::Commits, &id, &query).into_response()
}

async fn user(State(server): Server, Path(id): Path<String>) -> Response {
    server.counts.add("users");
    server.user(&id).into_response()
}

impl Codetrack {
    fn known(&self, id: &str) -> Result<i64, Problem> {
        let id: i64 = id.parse().map_err(|_| Problem::BadParameter("id"))?;
        if self.is_failing(id) {
            return Err(Problem::Internal);
        }
        self.world.find(id).map(|learner| learner.id).ok_or(Problem::UserNotFound)
    }

    fn list(&self, list: List, id: &str, query: &Query) -> Result<Json<Value>, Problem> {
        let id = self.known(id)?;
        let limit = query.get("limit").map_or(Ok(usize::MAX), |text| text.parse());
        let limit = limit.map_err(|_| Problem::BadParameter("limit"))?;
        let weeks = match list {
            List::Scores => self.scores(id),
            List::Commits => self.commits(id),
        };
        let weeks = weeks.ok_or(Problem::UserNotFound)?;
        let entries: Vec<Value> = weeks.iter().take(limit).map(|week| self.entry(list, id, week)).collect();
        Ok(Json(entries.into()))
    }

    /// A week with fields no client needs.
    fn entry(&self, list: List, id: i64, week: &Week) -> Value {
        let date = week.monday.to_string();
        let subject = [id as u64, list as u64, week.monday.to_epoch_days() as u64];
        let key = format!("{:016x}", bits(self.world.seed, Purpose::WeekId, &subject));
        let timed = bits(self.world.seed, Purpose::WeekForm, &subject) % 3 < 2;
        let date = if timed { format!("{date}T00:00:00.000Z") } else { date };
        match list {
            List::Scores => json!({"_id": key, "user_id": id, "date": date, "points": week.points,
                "details": {"streak": null, "tags": ["dsa"]}}),
            List::Commits => json!({"date": date, "points": week.points, "user_id": id.to_string(), "_id": key,
                "repositories": ["example/homework"], "score": 0}),
        }
    }

    /// The totals add up to the points of all weeks.
    fn user(&self, id: &str) -> Result<Json<Value>, Problem> {
        let id = self.known(id)?;
        let learner = self.world.find(id).ok_or(Problem::UserNotFound)?;
        let total: i64 = self.scores(id).unwrap_or_default().iter().map(|week| week.points).sum();
        let (camp, honor) = (total / 2, total / 3);
        Ok(Json(json!({"id": id, "username": format!("simulated-{id}"), "email": learner.email, "active": true,
            "free_code_camp_points": camp, "honor": honor, "leetcode_points": total - camp - honor,
            "badges": []})))
    }
}
