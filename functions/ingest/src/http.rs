//! HTTP with patience: retries with exponential backoff and jitter, `Retry-After`, a deadline for the whole run, and
//! bodies that are checked to be whole JSON before they are kept, and are bounded by the memory that is there.
//!
//! Redirects are not followed: another host must not get the client's secret, and a POST must not become a GET.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use lake::secret::mask_url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, Request, StatusCode};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::error::HttpFailure;
use crate::login::Login;
use crate::room::Room;

const USER_AGENT: &str = concat!("tributary/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Each pause is this much longer than the one before: ten tries from a quarter of a second take about half a minute.
const BACKOFF_FACTOR: f32 = 1.5;
const LONGEST_BACKOFF: Duration = Duration::from_secs(20);
/// A server that cannot be reached at all is given up earlier than one that answers badly.
const CONNECT_TRIES: u32 = 4;
/// So many requests in a row that fail for good mean that the API is down, and not that some of its parts are.
const HOPELESS_FAILURES: u64 = 30;

/// How much patience a source asks for: `http` in the `[source]` of its `dataset.toml`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patience {
    /// How often a request is sent before it fails for good.
    pub tries: u32,
    /// The pause before the second try; it grows with each further one.
    #[serde(rename = "first_backoff_ms", deserialize_with = "milliseconds")]
    pub first_backoff: Duration,
    /// How long one try may take.
    #[serde(rename = "request_timeout_seconds", deserialize_with = "seconds")]
    pub request_timeout: Duration,
    /// How long the whole run may take.
    #[serde(rename = "deadline_seconds", deserialize_with = "seconds")]
    pub deadline: Duration,
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

impl Patience {
    /// No more time than a function has left.
    #[must_use]
    pub fn within(self, time_limit: Option<Duration>) -> Self {
        Self { deadline: time_limit.map_or(self.deadline, |limit| self.deadline.min(limit)), ..self }
    }
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
    room: Room,
    started: Instant,
    requests: AtomicU64,
    retries: AtomicU64,
    failures_in_a_row: AtomicU64,
}

/// One try that did not succeed.
#[derive(Debug)]
struct Miss {
    why: String,
    status: Option<u16>,
    can_retry: bool,
    is_connect: bool,
    is_html: bool,
    /// What the server asks for: it lengthens the pause, and never shortens it.
    retry_after: Option<Duration>,
    /// Trying again needs no pause.
    at_once: bool,
    /// There was no token for the request.
    login: Option<Box<HttpFailure>>,
}

impl Miss {
    fn new(why: impl Into<String>, status: Option<u16>) -> Self {
        let why = why.into();
        Self {
            why,
            status,
            can_retry: true,
            is_connect: false,
            is_html: false,
            retry_after: None,
            at_once: false,
            login: None,
        }
    }

    fn for_good(why: impl Into<String>, status: Option<u16>) -> Self {
        Self { can_retry: false, ..Self::new(why, status) }
    }

    fn of_login(failure: HttpFailure) -> Self {
        Self { login: Some(Box::new(failure)), ..Self::for_good("", None) }
    }
}

/// A request, and how it is to be sent.
struct Call<'a> {
    request: Request,
    method: &'static str,
    max_tries: u32,
    login: Option<&'a Login>,
    /// The token was refused once, and another one asked for.
    renewed: AtomicBool,
}

impl<'a> Call<'a> {
    fn new(request: Request, method: &'static str, max_tries: u32, login: Option<&'a Login>) -> Self {
        Self { request, method, max_tries, login, renewed: AtomicBool::new(false) }
    }
}

impl Http {
    /// A client whose run starts now. Errors if the system's TLS settings are unusable.
    pub fn new(patience: Patience, room: Room) -> Result<Self, HttpFailure> {
        // One TLS provider for the process; it does not matter who installs it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(patience.request_timeout)
            .redirect(Policy::none())
            .build()
            .map_err(|error| {
                unsent("", String::new(), format!("the HTTP client cannot start: {}", innermost(&error)))
            })?;
        Ok(Self {
            client,
            patience,
            room,
            started: Instant::now(),
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            failures_in_a_row: AtomicU64::new(0),
        })
    }

    /// Requests sent so far, retries included, and how many of them were retries.
    pub fn counts(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.retries.load(Ordering::Relaxed))
    }

    /// Whether the run's time is over.
    pub fn is_late(&self) -> bool {
        self.started.elapsed() >= self.patience.deadline
    }

    /// Whether to ask no more: the time is over, or nothing has been answered for long.
    pub fn gives_up(&self) -> Option<&'static str> {
        if self.is_late() {
            return Some("the run took longer than its deadline");
        }
        let hopeless = self.failures_in_a_row.load(Ordering::Relaxed) >= HOPELESS_FAILURES;
        hopeless.then_some("the API answers nothing any more")
    }

    /// The answers so far are written, and hold no memory any more.
    pub fn forget_answers(&self) {
        self.room.clear();
    }

    /// Asks for a JSON document.
    pub async fn get(&self, url: &Url) -> Result<Answer, HttpFailure> {
        self.send(self.request("GET", url)?, "GET", self.patience.tries, None).await
    }

    /// Asks for a JSON document with an access token. Where the server does not accept it (401, or a login page with
    /// status 200), there is one try more with a new one.
    pub async fn get_with_login(&self, url: &Url, login: &Login) -> Result<Answer, HttpFailure> {
        self.send(self.request("GET", url)?, "GET", self.patience.tries, Some(login)).await
    }

    /// Posts a JSON text and asks for a JSON document, with at most `max_tries` tries.
    pub async fn post(&self, url: &Url, body: &str, max_tries: u32) -> Result<Answer, HttpFailure> {
        let request = self.post_request(url, "application/json", body.to_owned())?;
        self.send(request, "POST", max_tries.min(self.patience.tries), None).await
    }

    /// Posts a form and asks for a JSON document. It is no request for data: its success does not mean that those are
    /// answered.
    pub async fn post_form(&self, url: &Url, form: String) -> Result<Answer, HttpFailure> {
        let request = self.post_request(url, "application/x-www-form-urlencoded", form)?;
        self.send_patiently(&Call::new(request, "POST", self.patience.tries, None)).await
    }

    /// A request whose URL has no credentials: `user:password@` becomes a header.
    fn request(&self, method: &'static str, url: &Url) -> Result<Request, HttpFailure> {
        let verb = if method == "POST" { Method::POST } else { Method::GET };
        let request = self.client.request(verb, url.clone()).build();
        let mut request = request.map_err(|error| unsent(method, shown(url), innermost(&error.without_url())))?;
        if let Some(credentials) = request.headers_mut().get_mut(AUTHORIZATION) {
            credentials.set_sensitive(true);
        }
        Ok(request)
    }

    fn post_request(&self, url: &Url, content_type: &'static str, body: String) -> Result<Request, HttpFailure> {
        let mut request = self.request("POST", url)?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        *request.body_mut() = Some(body.into());
        Ok(request)
    }

    async fn send(
        &self,
        request: Request,
        method: &'static str,
        max_tries: u32,
        login: Option<&Login>,
    ) -> Result<Answer, HttpFailure> {
        let answer = self.send_patiently(&Call::new(request, method, max_tries, login)).await;
        match &answer {
            Ok(_) => self.failures_in_a_row.store(0, Ordering::Relaxed),
            Err(_) => drop(self.failures_in_a_row.fetch_add(1, Ordering::Relaxed)),
        }
        answer
    }

    async fn send_patiently(&self, call: &Call<'_>) -> Result<Answer, HttpFailure> {
        let begun = Instant::now();
        let (method, url) = (call.method, shown(call.request.url()));
        let tries = AtomicU32::new(0);
        let backoff = ExponentialBuilder::default()
            .with_min_delay(self.patience.first_backoff)
            .with_factor(BACKOFF_FACTOR)
            .with_max_delay(LONGEST_BACKOFF)
            .with_max_times(call.max_tries.saturating_sub(1) as usize)
            .with_jitter();
        let one_try = || {
            tries.fetch_add(1, Ordering::Relaxed);
            self.one_try(call)
        };
        let adjust = |miss: &Miss, pause: Option<Duration>| {
            let pause = pause_before_retry(miss, pause?);
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
        done.map_err(|miss| match miss.login {
            Some(failure) => *failure,
            None => HttpFailure {
                method,
                url,
                tries: tries.load(Ordering::Relaxed),
                seconds: begun.elapsed().as_secs_f64(),
                why: miss.why,
                status: miss.status,
                can_retry: miss.can_retry,
            },
        })
    }

    /// Sends a request once, with a token if it needs one.
    async fn one_try(&self, call: &Call<'_>) -> Result<Answer, Miss> {
        let unclonable = || Miss::new("the request cannot be sent twice", None);
        let mut request = call.request.try_clone().ok_or_else(unclonable)?;
        let Some(login) = call.login else { return self.exchange(request).await };
        let token = login.token(self).await.map_err(Miss::of_login)?;
        request.headers_mut().insert(AUTHORIZATION, token.clone());
        let answer = self.exchange(request).await;
        let refusal = match &answer {
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED.as_u16() => "the server does not accept the token",
            Err(miss) if miss.is_html => "the server answered with an HTML page, as it does without a good token",
            _ => return answer,
        };
        let status = answer.as_ref().map_or_else(|miss| miss.status, |answer| Some(answer.status));
        if !call.renewed.swap(true, Ordering::Relaxed) {
            login.refuse(&token).await;
            return Err(Miss { at_once: true, ..Miss::new(refusal, status) });
        }
        // An HTML page may be an overloaded proxy's as well, which is worth the other tries; 401 has one meaning.
        let why = format!("{refusal}, and a new one did not help");
        Err(Miss { can_retry: answer.is_err(), ..Miss::new(why, status) })
    }

    /// Sends a request and reads the answer.
    async fn exchange(&self, mut request: Request) -> Result<Answer, Miss> {
        let left = self.patience.deadline.saturating_sub(self.started.elapsed());
        if left.is_zero() {
            return Err(Miss::new("the run's time is over", None));
        }
        *request.timeout_mut() = Some(self.patience.request_timeout.min(left));
        self.requests.fetch_add(1, Ordering::Relaxed);
        let asked = request.url().clone();
        let response = self.client.execute(request).await.map_err(|error| {
            let is_connect = error.is_connect();
            Miss { is_connect, ..Miss::new(explain(error), None) }
        })?;
        let status = response.status();
        let code = Some(status.as_u16());
        if status.is_redirection() {
            return Err(Miss::for_good(explain_redirect(status, &asked, response.headers()), code));
        }
        let retry_after = retry_after(response.headers());
        let says_json = is_json(response.headers());
        let body = self.read_body(response).await;
        let length = body.as_ref().map_or(0, |body| body.len() as u64);
        let judged = judge(status, body, says_json);
        if judged.is_err() {
            self.room.give_back(length);
        }
        judged.map_err(|miss| Miss { retry_after, ..miss })
    }

    /// The whole body, decompressed; an error says whether trying again can help.
    async fn read_body(&self, mut response: reqwest::Response) -> Result<Bytes, (String, bool)> {
        let mut body = Vec::new();
        let failed = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    body.extend_from_slice(&chunk);
                    if let Err(why) = self.room.take(chunk.len() as u64, body.len() as u64) {
                        break (why, false);
                    }
                }
                Ok(None) => return Ok(Bytes::from(body)),
                Err(error) => break (format!("the answer broke off: {}", explain(error)), true),
            }
        };
        self.room.give_back(body.len() as u64);
        Err(failed)
    }
}

/// Whether an answer can be kept.
fn judge(status: StatusCode, body: Result<Bytes, (String, bool)>, says_json: bool) -> Result<Answer, Miss> {
    let code = Some(status.as_u16());
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) || status.is_server_error() {
        return Err(Miss::new(format!("the server answered {status}"), code));
    }
    let body = body.map_err(|(why, can_retry)| Miss { can_retry, ..Miss::new(why, code) })?;
    let answer = |body| Ok(Answer { status: status.as_u16(), body });
    if status.is_client_error() {
        // A refusal that broke off may be about something else than it seems.
        let is_text = !says_json && !body.trim_ascii_start().starts_with(b"{");
        if is_text || serde_json::from_slice::<IgnoredAny>(&body).is_ok() {
            return answer(body);
        }
        return Err(Miss::new(format!("the server answered {status}, and the answer is not whole JSON"), code));
    }
    if !status.is_success() {
        return Err(Miss::for_good(format!("the server answered {status}"), code));
    }
    let text = std::str::from_utf8(&body).map_err(|_| Miss::new("the answer is not UTF-8", code))?;
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let is_html = body.trim_ascii_start().starts_with(b"<");
        let kind = if is_html { "HTML" } else { "not whole JSON" };
        return Err(Miss { is_html, ..Miss::new(format!("the answer is {kind} ({error})"), code) });
    }
    answer(body)
}

/// The pause before the next try: what the server asks for, if that is longer than the own pause.
fn pause_before_retry(miss: &Miss, own: Duration) -> Duration {
    if miss.at_once { Duration::ZERO } else { miss.retry_after.map_or(own, |asked| asked.max(own)) }
}

/// A request that was never sent.
fn unsent(method: &'static str, url: String, why: String) -> HttpFailure {
    HttpFailure { method, url, tries: 0, seconds: 0.0, why, status: None, can_retry: false }
}

/// A URL as it may be shown.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return mask_url(url.as_str());
    }
    url.to_string()
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Where a redirect leads, without the credentials and the query that the address may have.
fn explain_redirect(status: StatusCode, asked: &Url, headers: &HeaderMap) -> String {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let Some(mut to) = location.and_then(|location| asked.join(location).ok()) else {
        return format!("the server answered {status}");
    };
    to.set_query(None);
    to.set_fragment(None);
    format!(
        "the server answered {status} and names the address {}: redirects are not followed; if the API has moved, set the \
         source's URL to its new address",
        shown(&to)
    )
}

/// `Retry-After` in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than a number holds are a very long time.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(SystemTime::now()).unwrap_or_default())
}

fn explain(error: reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "cannot connect"
    } else {
        "the connection failed"
    };
    format!("{kind}: {}", innermost(&error.without_url()))
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
    fn a_refusal_that_broke_off_is_asked_for_again() {
        let judged = |status: u16, body: &'static str, says_json| {
            let judged =
                judge(StatusCode::from_u16(status).unwrap(), Ok(Bytes::from_static(body.as_bytes())), says_json);
            judged.map(|answer| answer.status).map_err(|miss| miss.can_retry)
        };
        assert_eq!(judged(404, r#"{"statusCode":404}"#, true), Ok(404));
        assert_eq!(judged(404, r#"{"statusCode":4"#, true), Err(true));
        assert_eq!(judged(404, r#"{"statusCode":4"#, false), Err(true));
        assert_eq!(judged(404, "", true), Err(true));
        assert_eq!(judged(404, "Not Found", false), Ok(404));
        assert_eq!(judged(200, r#"{"values":["#, true), Err(true));
        assert_eq!(judged(304, "", false), Err(false));
    }

    #[test]
    fn what_the_server_asks_for_never_shortens_a_pause() {
        let own = Duration::from_secs(3);
        let pause = |retry_after, at_once| {
            pause_before_retry(&Miss { retry_after, at_once, ..Miss::new("", Some(429)) }, own).as_secs()
        };
        assert_eq!(pause(None, false), 3);
        assert_eq!(pause(Some(Duration::ZERO), false), 3);
        assert_eq!(pause(Some(Duration::from_secs(2)), false), 3);
        assert_eq!(pause(Some(Duration::from_secs(9)), false), 9);
        assert_eq!(pause(None, true), 0);
    }

    #[test]
    fn a_redirect_is_shown_without_credentials_and_query() {
        let asked: Url = "https://api.example.org/live/x?page=1".parse().unwrap();
        for (location, part) in [
            ("https://ada:sesame@new.example.org/y?token=sesame#sesame", "https://new.example.org/y:"),
            ("/z?token=sesame", "https://api.example.org/z:"),
        ] {
            let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
            let text = explain_redirect(StatusCode::TEMPORARY_REDIRECT, &asked, &headers);
            assert!(text.contains(part) && text.contains("307") && !text.contains("sesame"), "{text}");
        }
        let text = explain_redirect(StatusCode::FOUND, &asked, &HeaderMap::new());
        assert_eq!(text, "the server answered 302 Found");
    }

    #[test]
    fn a_url_is_shown_without_its_password() {
        assert_eq!(shown(&"https://ada:sesame@example.org/a?b=c".parse().unwrap()), "https://example.org/a?b=c");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let headers = |text: &str| HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        assert_eq!(retry_after(&headers("7")), Some(Duration::from_secs(7)));
        assert!(retry_after(&headers("99999999999999999999")) > Some(Duration::from_secs(86_400)));
        assert_eq!(retry_after(&headers("Wed, 21 Oct 2015 07:28:00 GMT")), Some(Duration::ZERO));
        assert_eq!(retry_after(&headers("soon")), None);
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        assert!(retry_after(&headers(&later)).unwrap() > Duration::from_secs(90));
    }
}
