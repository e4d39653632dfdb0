//! What goes wrong between a server and its clients, whatever the source: delays, errors, broken answers.

use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use tokio::sync::watch;

use crate::Options;
use crate::random::{Purpose, bits, unit};
use crate::script::Script;

/// Between the part of a body that arrives and the break, so that the part does arrive.
const BEFORE_THE_BREAK: Duration = Duration::from_millis(5);

/// A way to fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    /// 500 with the JSON of the application.
    Application,
    /// 502 with the HTML of a proxy.
    BadGateway,
    /// 503, half the time with a `Retry-After` of no seconds.
    Unavailable,
    /// 429 with a `Retry-After` of no seconds.
    TooManyRequests,
    /// 200, but with HTML.
    HtmlPage,
    /// 200, with JSON that ends early.
    Truncated,
    /// 200, with a connection that ends before the announced length.
    Cut,
}

const FAULTS: [Fault; 7] = [
    Fault::Application,
    Fault::BadGateway,
    Fault::Unavailable,
    Fault::TooManyRequests,
    Fault::HtmlPage,
    Fault::Truncated,
    Fault::Cut,
];

/// How often and in which ways requests fail. The draws depend on the seed and the number of the request.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    latency: RangeInclusive<u64>,
    /// The bits of a number from 0 to 1.
    fail_rate: AtomicU64,
    down: AtomicBool,
    requests: AtomicU64,
    /// The number of the first request that waits for this to change.
    held_from: watch::Sender<u64>,
    pub(crate) script: Script,
}

impl Faults {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            seed: options.seed,
            latency: options.latency_ms.clone(),
            fail_rate: AtomicU64::new(options.fail_rate.to_bits()),
            down: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            held_from: watch::Sender::new(u64::MAX),
            script: Script::default(),
        }
    }

    pub(crate) fn set_fail_rate(&self, rate: f64) {
        self.fail_rate.store(rate.to_bits(), Ordering::Relaxed);
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    pub(crate) fn hold_after(&self, more: u64) {
        self.held_from.send_replace(self.requests().saturating_add(more));
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    fn draw(&self, request: u64) -> Option<Fault> {
        let rate = f64::from_bits(self.fail_rate.load(Ordering::Relaxed));
        if unit(self.seed, Purpose::FaultDraw, &[request]) >= rate {
            return None;
        }
        let kind = bits(self.seed, Purpose::FaultKind, &[request]) as usize % FAULTS.len();
        FAULTS.get(kind).copied()
    }

    fn delay(&self, request: u64) -> Duration {
        let (low, high) = (*self.latency.start(), *self.latency.end());
        let choices = high.saturating_sub(low).saturating_add(1);
        Duration::from_millis(low + bits(self.seed, Purpose::Latency, &[request]) % choices)
    }
}

/// Lets a request through, or not.
pub(crate) async fn inject(State(faults): State<Arc<Faults>>, request: Request, next: Next) -> Response {
    let number = faults.requests.fetch_add(1, Ordering::Relaxed);
    // The sender lives as long as the faults do.
    let _ = faults.held_from.subscribe().wait_for(|first| number < *first).await;
    let delay = faults.delay(number);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if faults.down.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, html("503 Service Unavailable")).into_response();
    }
    let detail = bits(faults.seed, Purpose::FaultDetail, &[number]);
    match faults.draw(number) {
        None => faults.script.play(request, next).await,
        Some(Fault::Application) => (StatusCode::INTERNAL_SERVER_ERROR, application_error()).into_response(),
        Some(Fault::BadGateway) => (StatusCode::BAD_GATEWAY, html("502 Proxy Error")).into_response(),
        Some(Fault::Unavailable) if detail & 1 == 0 => {
            (StatusCode::SERVICE_UNAVAILABLE, html("503 Service Unavailable")).into_response()
        }
        Some(Fault::Unavailable) => retry_now(StatusCode::SERVICE_UNAVAILABLE),
        Some(Fault::TooManyRequests) => retry_now(StatusCode::TOO_MANY_REQUESTS),
        Some(Fault::HtmlPage) => html("Maintenance").into_response(),
        Some(Fault::Truncated) => broken(faults.script.play(request, next).await, false).await,
        Some(Fault::Cut) => broken(faults.script.play(request, next).await, true).await,
    }
}

fn html(title: &str) -> impl IntoResponse {
    let page = format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head><body></body></html>\n");
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page)
}

fn application_error() -> impl IntoResponse {
    let body = r#"{"statusCode":500,"reason":"Internal Server Error","userMessage":"Unexpected Exception occured.","hints":[]}"#;
    ([(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body)
}

fn retry_now(status: StatusCode) -> Response {
    (status, [(header::RETRY_AFTER, "0")], html("Try again")).into_response()
}

/// The first part of an answer, either as if it were the whole or with the length of the whole announced.
async fn broken(whole: Response, cut: bool) -> Response {
    let (mut parts, body) = whole.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut part = body.clone();
    part.truncate(body.len() * 3 / 5);
    parts.headers.remove(header::CONTENT_LENGTH);
    if !cut {
        return Response::from_parts(parts, Body::from(part));
    }
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let end = async {
        tokio::time::sleep(BEFORE_THE_BREAK).await;
        Err::<Bytes, io::Error>(io::ErrorKind::ConnectionReset.into())
    };
    let stream = stream::once(async { Ok(part) }).chain(stream::once(end));
    Response::from_parts(parts, Body::from_stream(stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rate: f64, seed: u64) -> Vec<Fault> {
        let options = Options { seed, fail_rate: rate, ..Options::default() };
        let faults = Faults::new(&options);
        (0..10_000).filter_map(|request| faults.draw(request)).collect()
    }

    #[test]
    fn the_rate_is_kept_and_every_kind_occurs() {
        let faults = drawn(0.3, 1);
        assert!((2_850..3_150).contains(&faults.len()), "{}", faults.len());
        for fault in FAULTS {
            let share = faults.iter().filter(|one| **one == fault).count();
            assert!((350..510).contains(&share), "{fault:?}: {share}");
        }
        assert_eq!(drawn(0.0, 1), []);
        assert_eq!(drawn(1.0, 1).len(), 10_000);
    }

    #[test]
    fn draws_depend_on_the_seed_only() {
        assert_eq!(drawn(0.3, 1), drawn(0.3, 1));
        assert_ne!(drawn(0.3, 1), drawn(0.3, 2));
    }

    #[test]
    fn delays_fill_the_range() {
        let faults = Faults::new(&Options { latency_ms: 3..=5, ..Options::default() });
        let delays: std::collections::BTreeSet<u128> =
            (0..100).map(|request| faults.delay(request).as_millis()).collect();
        assert_eq!(delays.into_iter().collect::<Vec<_>>(), [3, 4, 5]);
    }
}
