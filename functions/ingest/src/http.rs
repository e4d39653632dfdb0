//! HTTP with patience: retries with exponential backoff and jitter, `Retry-After`, a deadline for the whole run, and
//! bodies that are checked to be whole JSON before anybody keeps them.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Request, StatusCode};
use serde::de::IgnoredAny;
use url::Url;

use crate::error::HttpFailure;

const USER_AGENT: &str = concat!("tributary/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read, decompressed: it is held in memory.
const MAX_BODY: usize = 256 * 1024 * 1024;
/// Each pause is this much longer than the one before: ten tries from a quarter of a second take about half a minute.
const BACKOFF_FACTOR: f32 = 1.5;
const LONGEST_BACKOFF: Duration = Duration::from_secs(20);
/// A server that cannot be reached at all is given up earlier than one that answers badly.
const CONNECT_TRIES: u32 = 4;

/// How much patience a source asks for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How often a request is sent before it fails for good.
    pub tries: u32,
    /// The pause before the second try; it grows with each further one.
    pub first_backoff: Duration,
    /// How long one try may take.
    pub request_timeout: Duration,
    /// How long the whole run may take.
    pub deadline: Duration,
}

/// An answer that was read to its end: a success with a JSON body, or a refusal (4xx) as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, byte for byte.
    pub body: Bytes,
}

/// A client for one run.
#[derive(Debug)]
pub struct Http {
    client: reqwest::Client,
    patience: Patience,
    started: Instant,
    requests: AtomicU64,
    retries: AtomicU64,
}

/// One try that did not succeed.
#[derive(Debug)]
struct Miss {
    why: String,
    status: Option<u16>,
    can_retry: bool,
    is_connect: bool,
    retry_after: Option<Duration>,
}

impl Miss {
    fn new(why: impl Into<String>, status: Option<u16>) -> Self {
        Self { why: why.into(), status, can_retry: true, is_connect: false, retry_after: None }
    }
}

impl Http {
    /// A client whose run starts now. Errors if the system's TLS settings are unusable.
    pub fn new(patience: Patience) -> Result<Self, HttpFailure> {
        // One TLS provider for the process; it does not matter who installs it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(patience.request_timeout)
            .build()
            .map_err(|error| HttpFailure {
                method: "",
                url: String::new(),
                tries: 0,
                seconds: 0.0,
                why: format!("the HTTP client cannot start: {}", innermost(&error)),
                status: None,
                can_retry: false,
            })?;
        Ok(Self { client, patience, started: Instant::now(), requests: AtomicU64::new(0), retries: AtomicU64::new(0) })
    }

    /// Requests sent so far, retries included, and how many of them were retries.
    pub fn counts(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.retries.load(Ordering::Relaxed))
    }

    /// Whether the run's time is over.
    pub fn is_late(&self) -> bool {
        self.started.elapsed() >= self.patience.deadline
    }

    /// Asks for a JSON document.
    pub async fn get(&self, url: &Url) -> Result<Answer, HttpFailure> {
        self.send(Request::new(Method::GET, url.clone()), "GET", self.patience.tries).await
    }

    /// Posts a JSON text and asks for a JSON document, with at most `max_tries` tries.
    pub async fn post(&self, url: &Url, body: &str, max_tries: u32) -> Result<Answer, HttpFailure> {
        let mut request = Request::new(Method::POST, url.clone());
        request.headers_mut().insert(CONTENT_TYPE, reqwest::header::HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.to_owned().into());
        self.send(request, "POST", max_tries.min(self.patience.tries)).await
    }

    async fn send(&self, request: Request, method: &'static str, max_tries: u32) -> Result<Answer, HttpFailure> {
        let begun = Instant::now();
        let url = request.url().to_string();
        let tries = AtomicU32::new(0);
        let backoff = ExponentialBuilder::default()
            .with_min_delay(self.patience.first_backoff)
            .with_factor(BACKOFF_FACTOR)
            .with_max_delay(LONGEST_BACKOFF)
            .with_max_times(max_tries.saturating_sub(1) as usize)
            .with_jitter();
        let one_try = || {
            tries.fetch_add(1, Ordering::Relaxed);
            self.one_try(&request)
        };
        let adjust = |miss: &Miss, pause: Option<Duration>| {
            let pause = miss.retry_after.map_or(pause?, |asked| asked.max(Duration::from_millis(1)));
            let given_up = miss.is_connect && tries.load(Ordering::Relaxed) >= CONNECT_TRIES;
            let too_late = self.started.elapsed().saturating_add(pause) >= self.patience.deadline;
            (!given_up && !too_late).then_some(pause)
        };
        let done = one_try
            .retry(backoff)
            .when(|miss: &Miss| miss.can_retry)
            .adjust(adjust)
            .notify(|miss: &Miss, pause| {
                self.retries.fetch_add(1, Ordering::Relaxed);
                tracing::info!(method, url, why = miss.why, pause_ms = pause.as_millis() as u64, "trying again");
            })
            .await;
        done.map_err(|miss| HttpFailure {
            method,
            url,
            tries: tries.load(Ordering::Relaxed),
            seconds: begun.elapsed().as_secs_f64(),
            why: miss.why,
            status: miss.status,
            can_retry: miss.can_retry,
        })
    }

    async fn one_try(&self, request: &Request) -> Result<Answer, Miss> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let request = request.try_clone().ok_or_else(|| Miss::new("the request cannot be sent twice", None))?;
        let response = self.client.execute(request).await.map_err(|error| {
            let mut miss = Miss::new(explain(&error), None);
            miss.is_connect = error.is_connect();
            miss
        })?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let code = Some(status.as_u16());
        let body = read_body(response).await;
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT || status.is_server_error()
        {
            return Err(Miss { retry_after, ..Miss::new(format!("the server answered {status}"), code) });
        }
        let body = body.map_err(|why| Miss::new(why, code))?;
        if status.is_client_error() {
            return Ok(Answer { status: status.as_u16(), body });
        }
        if !status.is_success() {
            return Err(Miss { can_retry: false, ..Miss::new(format!("the server answered {status}"), code) });
        }
        let text = std::str::from_utf8(&body).map_err(|_| Miss::new("the answer is not UTF-8", code))?;
        if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
            let kind = if body.trim_ascii_start().starts_with(b"<") { "HTML" } else { "not whole JSON" };
            return Err(Miss::new(format!("the answer is {kind} ({error})"), code));
        }
        Ok(Answer { status: status.as_u16(), body })
    }
}

/// The whole body, up to [`MAX_BODY`].
async fn read_body(mut response: reqwest::Response) -> Result<Bytes, String> {
    let mut body = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| format!("the answer broke off: {}", explain(&error)))?
    {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY {
            return Err(format!("the answer is longer than {MAX_BODY} bytes"));
        }
    }
    Ok(Bytes::from(body))
}

/// `Retry-After` in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(SystemTime::now()).unwrap_or_default())
}

fn explain(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "cannot connect"
    } else {
        "the connection failed"
    };
    format!("{kind}: {}", innermost(error))
}

fn innermost(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    source.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let headers = |text: &str| HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        assert_eq!(retry_after(&headers("7")), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(&headers("Wed, 21 Oct 2015 07:28:00 GMT")), Some(Duration::ZERO));
        assert_eq!(retry_after(&headers("soon")), None);
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        assert!(retry_after(&headers(&later)).unwrap() > Duration::from_secs(90));
    }
}
