//! Misbehaviour that a test writes itself: other requests, other answers, or answers in place of the server's.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// An answer in place of the server's.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Instead {
    /// The status; 0 is 200.
    pub status: u16,
    /// Headers, by names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Instead {
    /// A refusal as the application writes it.
    pub fn refusal(status: u16) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json;charset=UTF-8".to_owned())];
        Self { status, headers, body: format!(r#"{{"statusCode":{status},"reason":"no"}}"#) }
    }

    /// A redirect.
    pub fn redirect(status: u16, to: &str) -> Self {
        Self { status, headers: vec![("location".to_owned(), to.to_owned())], body: String::new() }
    }
}

impl IntoResponse for Instead {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or_default();
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

type Alter<T> = Option<Arc<dyn Fn(&str, T) -> T + Send + Sync>>;
type Replace = Option<Arc<dyn Fn(&str) -> Option<Instead> + Send + Sync>>;

/// What the test has asked for. Functions get a request's path and query.
#[derive(Clone, Default)]
struct Acts {
    query: Alter<String>,
    answer: Alter<Value>,
    instead: Replace,
}

/// The script of a server.
#[derive(Default)]
pub(crate) struct Script(RwLock<Acts>);

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    fn change(&self, change: impl FnOnce(&mut Acts)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn clear(&self) {
        self.change(|acts| *acts = Acts::default());
    }

    pub(crate) fn alter_queries(&self, alter: impl Fn(&str, String) -> String + Send + Sync + 'static) {
        self.change(|acts| acts.query = Some(Arc::new(alter)));
    }

    pub(crate) fn alter_answers(&self, alter: impl Fn(&str, Value) -> Value + Send + Sync + 'static) {
        self.change(|acts| acts.answer = Some(Arc::new(alter)));
    }

    pub(crate) fn answer_instead(&self, instead: impl Fn(&str) -> Option<Instead> + Send + Sync + 'static) {
        self.change(|acts| acts.instead = Some(Arc::new(instead)));
    }

    /// Lets a request through as the script has it.
    pub(crate) async fn play(&self, mut request: Request, next: Next) -> Response {
        let acts = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let asked = request.uri().path_and_query().map(|asked| asked.as_str().to_owned()).unwrap_or_default();
        if let Some(instead) = acts.instead.and_then(|instead| instead(&asked)) {
            return instead.into_response();
        }
        if let Some(alter) = acts.query {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let altered = format!("{}?{}", request.uri().path(), alter(&asked, query));
            if let Ok(uri) = altered.parse() {
                *request.uri_mut() = uri;
            }
        }
        let response = next.run(request).await;
        match acts.answer {
            Some(alter) if response.status().is_success() => altered(response, &asked, &*alter).await,
            _ => response,
        }
    }
}

async fn altered(response: Response, asked: &str, alter: &(dyn Fn(&str, Value) -> Value + Send + Sync)) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Ok(value) = serde_json::from_slice(&body) else { return Response::from_parts(parts, Body::from(body)) };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(alter(asked, value).to_string()))
}
