//! OAuth 2.0 client credentials (RFC 6749, section 4.4): one token for all requests of a run.
//!
//! Nothing here logs, and no error shows, a token, a client id or a client secret.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use lake::secret::Secret;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};

use crate::error::HttpFailure;
use crate::http::{Answer, Http, shown};

/// A token's life if the server does not tell it.
const USUAL_LIFE: Duration = Duration::from_secs(3600);
/// A token is renewed so long before its end, or after half of a short life.
const RESERVE: Duration = Duration::from_secs(300);

/// Who we are for an API, and which settings say so.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The client's id.
    pub client_id: Secret,
    /// The client's secret.
    pub client_secret: Secret,
    /// The settings to look at if the server does not accept them.
    pub settings: String,
}

/// Asks for tokens when they are needed. All requests of a run share it.
#[derive(Debug)]
pub struct Login {
    url: Url,
    credentials: Credentials,
    token: Mutex<Option<Token>>,
}

#[derive(Debug, Clone)]
struct Token {
    /// Marked as sensitive: it is never shown.
    header: HeaderValue,
    renew_at: Instant,
}

/// The answer to a login, as far as it matters.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: Value,
}

impl Login {
    /// A login at a token endpoint. Asks for nothing yet.
    pub fn new(url: Url, credentials: Credentials) -> Self {
        Self { url, credentials, token: Mutex::new(None) }
    }

    /// The value of `Authorization` for the next request. Whoever comes while a token is being asked for waits for it.
    // Boxed, because a request asks for a token, and asking for a token is a request.
    pub fn token<'a>(&'a self, http: &'a Http) -> BoxFuture<'a, Result<HeaderValue, HttpFailure>> {
        Box::pin(async move {
            let mut current = self.token.lock().await;
            if let Some(token) = current.as_ref().filter(|token| Instant::now() < token.renew_at) {
                return Ok(token.header.clone());
            }
            let token = self.ask(http).await?;
            Ok(current.insert(token).header.clone())
        })
    }

    /// Gives up a token that a server did not accept, unless there is a newer one already.
    pub async fn refuse(&self, token: &HeaderValue) {
        let mut current = self.token.lock().await;
        if current.as_ref().is_some_and(|current| current.header == *token) {
            *current = None;
        }
    }

    async fn ask(&self, http: &Http) -> Result<Token, HttpFailure> {
        let asked = Instant::now();
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", self.credentials.client_id.expose())
            .append_pair("client_secret", self.credentials.client_secret.expose())
            .finish();
        let Answer { status, body } = http.post_form(&self.url, form).await?;
        let failed = |why: String| HttpFailure {
            method: "POST",
            url: shown(&self.url),
            tries: 1,
            seconds: asked.elapsed().as_secs_f64(),
            why,
            status: Some(status),
            can_retry: false,
        };
        if status != 200 {
            let settings = &self.credentials.settings;
            return Err(failed(format!("the server does not accept the client ({status}): check {settings}")));
        }
        // What the parser says of an answer could show parts of it.
        let answer: Option<TokenAnswer> = serde_json::from_slice(&body).ok();
        let answer = answer.ok_or_else(|| failed("the answer has no access_token".to_owned()))?;
        let mut header = HeaderValue::try_from(format!("Bearer {}", answer.access_token))
            .map_err(|_| failed("the access_token has characters that no header can have".to_owned()))?;
        header.set_sensitive(true);
        let life = life(&answer.expires_in);
        tracing::debug!(life_seconds = life.as_secs(), "got a token");
        Ok(Token { header, renew_at: asked + life - RESERVE.min(life / 2) })
    }
}

/// `expires_in` in seconds, as a number or as text; anything else is not told.
fn life(expires_in: &Value) -> Duration {
    let seconds = match expires_in {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    };
    // More than a day is of no use to a run.
    seconds.map_or(USUAL_LIFE, |seconds| Duration::from_secs(seconds.min(86_400)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_life_may_be_told_in_several_ways() {
        for (told, seconds) in
            [(json!(60), 60), (json!("90"), 90), (json!(null), 3600), (json!("soon"), 3600), (json!(-5), 3600)]
        {
            assert_eq!(life(&told).as_secs(), seconds, "{told}");
        }
    }

    #[test]
    fn nothing_that_is_printed_for_debugging_shows_a_secret() {
        let credentials = Credentials {
            client_id: Secret::new("the-id"),
            client_secret: Secret::new("the-secret"),
            settings: "X_SECRET".to_owned(),
        };
        let login = Login::new("http://127.0.0.1:1/?token".parse().unwrap(), credentials);
        let mut header = HeaderValue::from_static("Bearer the-token");
        header.set_sensitive(true);
        *login.token.try_lock().unwrap() = Some(Token { header, renew_at: Instant::now() });
        let text = format!("{login:?}");
        assert!(text.contains("X_SECRET") && !text.contains("the-"), "{text}");
    }
}
