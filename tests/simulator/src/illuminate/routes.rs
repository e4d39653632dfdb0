//! The endpoints.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Form as UrlForm, Path, Query as UrlQuery, RawQuery, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::AuthFailure;
use crate::illuminate::Illuminate;
use crate::illuminate::json::{Fields, Form, Scalar, object};
use crate::illuminate::results::{Endpoint, Row, Window};
use crate::random::{Purpose, bits};

/// Where the API begins.
pub(crate) const BASE: &str = "/live";

/// The id with which tokens are given.
pub const CLIENT_ID: &str = "simulated-client";

/// The secret with which tokens are given. It protects nothing.
pub const CLIENT_SECRET: &str = "simulated-secret";

/// The most rows a page has.
const MAX_LIMIT: usize = 1000;

/// One in so many answers is text throughout.
const TEXT_SHARE: u64 = 2;

type Query = HashMap<String, String>;
type Server = State<Arc<Illuminate>>;

pub(crate) fn router(server: Arc<Illuminate>) -> Router {
    let at = |path: &str| format!("{BASE}/rest_server.php/Api/{path}");
    Router::new()
        .route(&at("Assessments/"), get(assessments))
        .route(&at("{results}/"), get(results))
        .route_layer(from_fn_with_state(Arc::clone(&server), authorise))
        .route(&format!("{BASE}/"), post(token))
        .with_state(server)
}

/// Why a request is refused. The real server's words are not known.
enum Problem {
    BadParameter(&'static str),
    NotFound,
    Internal,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::BadParameter(name) => (StatusCode::BAD_REQUEST, format!("parameter {name} is missing or invalid")),
            Self::NotFound => (StatusCode::NOT_FOUND, "no such method".to_owned()),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal error".to_owned()),
        };
        (status, Json(json!({ "error": message }))).into_response()
    }
}

#[derive(Deserialize)]
struct Credentials {
    client_id: String,
    client_secret: String,
    grant_type: String,
}

async fn token(State(server): Server, RawQuery(query): RawQuery, credentials: UrlForm<Credentials>) -> Response {
    if !query.unwrap_or_default().starts_with("OAuth2_AccessToken") {
        return Problem::NotFound.into_response();
    }
    server.counts.add("token");
    if credentials.client_id != CLIENT_ID || credentials.client_secret != CLIENT_SECRET {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    if credentials.grant_type != "client_credentials" {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "unsupported_grant_type"}))).into_response();
    }
    let mut answer = json!({"access_token": server.tokens.issue(), "token_type": "Bearer", "scope": null});
    if let (Some(seconds), Some(fields)) = (server.told_seconds, answer.as_object_mut()) {
        fields.insert("expires_in".to_owned(), seconds.into());
    }
    Json(answer).into_response()
}

/// Lets requests with a good token through; others get what the options say.
async fn authorise(State(server): Server, request: Request, next: Next) -> Response {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer "));
    if token.is_some_and(|token| server.tokens.is_good(token)) {
        return next.run(request).await;
    }
    server.counts.add("refused");
    match server.auth_failure {
        AuthFailure::Unauthorized => {
            (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_token"}))).into_response()
        }
        AuthFailure::Html => Html(
            "<!DOCTYPE html>\n<html><head><title>Illuminate Education - Login</title></head>\
             <body><form method=\"post\"><input name=\"username\"></form></body></html>\n",
        )
        .into_response(),
    }
}

async fn assessments(State(server): Server, UrlQuery(query): UrlQuery<Query>) -> Result<Response, Problem> {
    let call = server.counts.add("Assessments");
    let page = Page::read(&query)?;
    Ok(server.answer(server.metadata(), |one| server.metadata_row(one), &page, &Subject::of_list(call)))
}

async fn results(
    State(server): Server,
    Path(name): Path<String>,
    UrlQuery(query): UrlQuery<Query>,
) -> Result<Response, Problem> {
    let endpoint = Endpoint::find(&name).ok_or(Problem::NotFound)?;
    let call = server.counts.add(endpoint.path());
    let page = Page::read(&query)?;
    let window = Window { start: day(&query, "date_taken_start")?, end: day(&query, "date_taken_end")? };
    let id = query.get("assessment_id").ok_or(Problem::BadParameter("assessment_id"))?;
    if server.is_failing(id) {
        return Err(Problem::Internal);
    }
    let Some(assessment) = server.world.find(id) else {
        return Ok(server.answer(Vec::new(), |row: Row| row.fields(0), &page, &Subject::of_list(call)));
    };
    let rows = server.world.rows(assessment, endpoint, &window);
    let subject =
        Subject { key: [assessment.key, endpoint as u64 + 1], call, hides_num_pages: assessment.hides_num_pages() };
    Ok(server.answer(rows, |row| row.fields(server.world.seed), &page, &subject))
}

fn day(query: &Query, name: &'static str) -> Result<Option<NaiveDate>, Problem> {
    let text = query.get(name).filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(|_| Problem::BadParameter(name))).transpose()
}

impl Endpoint {
    /// The last part of its URL, without the slash.
    pub fn path(self) -> &'static str {
        match self {
            Self::NoStandard => "AssessmentAggregateStudentResponses",
            Self::Standard => "AssessmentAggregateStudentResponsesStandard",
            Self::Group => "AssessmentAggregateStudentResponsesGroup",
        }
    }

    fn find(path: &str) -> Option<Self> {
        [Self::NoStandard, Self::Standard, Self::Group].into_iter().find(|endpoint| endpoint.path() == path)
    }
}

/// Which rows of an answer: pages count from 1.
struct Page {
    number: usize,
    limit: usize,
}

impl Page {
    fn read(query: &Query) -> Result<Self, Problem> {
        let number = |name: &'static str, default| match query.get(name).map(|text| text.parse::<usize>()) {
            None => Ok(default),
            Some(Ok(number @ 1..)) => Ok(number),
            Some(_) => Err(Problem::BadParameter(name)),
        };
        Ok(Self { number: number("page", 1)?, limit: number("limit", MAX_LIMIT)?.min(MAX_LIMIT) })
    }
}

/// What an answer is about, as far as its form depends on it.
struct Subject {
    /// For draws: the assessment and the endpoint.
    key: [u64; 2],
    /// How many times the endpoint was called before.
    call: u64,
    /// If one page holds all rows, their number is all that is told.
    hides_num_pages: bool,
}

impl Subject {
    fn of_list(call: u64) -> Self {
        Self { key: [0, 0], call, hides_num_pages: false }
    }
}

impl Illuminate {
    /// The page with its envelope. Pages of one answer may differ in the form of their scalars.
    fn answer<T>(&self, rows: Vec<T>, fields: impl Fn(T) -> Fields, page: &Page, subject: &Subject) -> Response {
        let total = rows.len();
        let drawn = bits(self.world.seed, Purpose::AnswerForm, &[subject.key[0], subject.key[1], page.number as u64]);
        let form = if drawn.is_multiple_of(TEXT_SHARE) { Form::Text } else { Form::Numbers };
        // As if rows came and went meanwhile: calls that follow each other differ.
        let count = total as u64 + if self.volatile_count { subject.call % 5 } else { 0 };
        let row = |row: T| {
            let mut fields = fields(row);
            fields.push(("__count", Scalar::Integer(count)));
            object(fields, form)
        };
        let skipped = (page.number - 1).saturating_mul(page.limit);
        let results: Vec<Value> = rows.into_iter().skip(skipped).take(page.limit).map(row).collect();
        let mut envelope = vec![("page", Scalar::Integer(page.number as u64))];
        if !subject.hides_num_pages || total > page.limit {
            envelope.push(("num_pages", Scalar::Integer(total.div_ceil(page.limit) as u64)));
        }
        envelope.push(("num_results", Scalar::Integer(total as u64)));
        // Some of the answers in text have text in the envelope, too.
        let form = if drawn & 0x300 == 0 { form } else { Form::Numbers };
        let mut answer = object(envelope, form);
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("results".to_owned(), results.into());
        }
        ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
    }
}
