//! Snowflake's SQL API: statements over HTTPS. All statements of a request are one session: a transaction that a failed
//! statement leaves open ends with it, and nothing of it is kept.

use std::time::Duration;

use chrono::Utc;
use lake::secret::{Secret, mask_url};
use lake::settings::Environment;
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

use super::token::Signer;
use crate::commands::Result;
use crate::failure::Failure;

/// How long Snowflake may work on a request, in seconds.
const STATEMENT_TIME: u64 = 3600;
/// How often a request is sent that nobody answered, or that a busy service refused.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Where statements go, and who sends them.
pub struct Api {
    client: reqwest::Client,
    url: String,
    signer: Signer,
    /// The database, role and warehouse of each request.
    session: Value,
    /// What statements say of the database to people.
    pub database: String,
    /// The account, for what is kept per account.
    pub account: String,
    first_pause: Duration,
}

impl Api {
    /// Reads the settings; makes no request to Snowflake.
    pub async fn from_environment(environment: &Environment) -> Result<Self> {
        let needed = |name: &str| match environment.text(name) {
            Ok(Some(text)) => Ok(text.to_owned()),
            Ok(None) => Err(Failure::usage(format!("setting {name}: is not set; docs/engines.md has all of them"))),
            Err(error) => Err(error.into()),
        };
        let (account, user) = (needed("SNOWFLAKE_ACCOUNT")?, needed("SNOWFLAKE_USER")?);
        let (database, warehouse) = (needed("SNOWFLAKE_DATABASE")?, needed("SNOWFLAKE_WAREHOUSE")?);
        let key = private_key(environment).await?;
        let wrong_key = |why| Failure::usage(format!("setting SNOWFLAKE_PRIVATE_KEY_FILE or ..._SECRET: {why}"));
        let signer = Signer::new(&account, &user, &key).map_err(wrong_key)?;
        let url = match environment.text("SNOWFLAKE_URL")? {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("https://{}.snowflakecomputing.com", account.to_lowercase().replace('_', "-")),
        };
        let is_local = url.starts_with("http://127.0.0.1:") || url.starts_with("http://localhost:");
        if !url.starts_with("https://") && !is_local {
            let why = format!("setting SNOWFLAKE_URL: \"{}\" does not begin with https://", mask_url(&url));
            return Err(Failure::usage(why));
        }
        let mut session = json!({"database": database, "warehouse": warehouse, "timeout": STATEMENT_TIME});
        if let (Some(role), Some(session)) = (environment.text("SNOWFLAKE_ROLE")?, session.as_object_mut()) {
            session.insert("role".to_owned(), role.into());
        }
        // One TLS provider for the process; it does not matter who installs it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .user_agent(concat!("tributary/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_secs(120))
            .redirect(Policy::none())
            .build()
            .map_err(|error| Failure::lasting(format!("the HTTP client cannot start: {error}")))?;
        Ok(Self { client, url, signer, session, database, account, first_pause: FIRST_PAUSE })
    }

    /// Does statements, one after the other, in one session.
    pub async fn run(&self, statements: &[String]) -> Result<()> {
        let mut body = self.session.clone();
        if let Some(body) = body.as_object_mut() {
            body.insert("statement".to_owned(), statements.join(";\n").into());
            let count = json!({"MULTI_STATEMENT_COUNT": statements.len().to_string()});
            body.insert("parameters".to_owned(), count);
        }
        // By its id, Snowflake does a request once, however often it is sent.
        let id = request_id()?;
        let path = format!("/api/v2/statements?requestId={id}&retry=true");
        let (mut status, mut answer) = self.ask(Method::POST, &path, Some(&body)).await?;
        let mut pause = self.first_pause;
        while status == StatusCode::ACCEPTED {
            let handle = answer.get("statementHandle").and_then(Value::as_str).unwrap_or_default();
            if handle.is_empty() || !handle.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                return Err(Failure::lasting("Snowflake's answer names no statement to wait for".to_owned()));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            let path = format!("/api/v2/statements/{handle}");
            (status, answer) = self.ask(Method::GET, &path, None).await?;
        }
        if status.is_success() {
            return Ok(());
        }
        Err(refused(status, &answer))
    }

    /// Sends a request; again where nothing answers, or the service is busy.
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Value)> {
        let mut pause = self.first_pause;
        let mut tried = 0;
        loop {
            tried += 1;
            let passing = match self.once(&method, path, body).await? {
                Ok((status, answer)) if !is_busy(status) => return Ok((status, answer)),
                Ok((status, answer)) => refused(status, &answer),
                Err(why) => Failure { can_retry: true, ..Failure::lasting(format!("{}: {why}", mask_url(&self.url))) },
            };
            if tried == TRIES {
                return Err(passing);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Sends a request once; the inner error is one of the way.
    async fn once(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<std::result::Result<(StatusCode, Value), String>> {
        let token = self.signer.token(Utc::now().timestamp()).map_err(Failure::lasting)?;
        let mut request = self
            .client
            .request(method.clone(), format!("{}{path}", self.url))
            .bearer_auth(token.expose())
            .header("X-Snowflake-Authorization-Token-Type", "KEYPAIR_JWT")
            .header("Accept", "application/json");
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let answered = async {
            let answer = request.send().await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        };
        // Without the URL, which says nothing that the caller does not.
        let answered = answered.await.map_err(|error| innermost(&error.without_url()));
        Ok(answered.map(|(status, bytes)| (status, serde_json::from_slice(&bytes).unwrap_or_default())))
    }
}

fn is_busy(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// What Snowflake said, as a failure.
fn refused(status: StatusCode, answer: &Value) -> Failure {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let said = format!("Snowflake answered {}: {} {}", status.as_u16(), text("code"), text("message"));
    let hint = match status {
        StatusCode::UNAUTHORIZED => {
            "; see SNOWFLAKE_ACCOUNT and SNOWFLAKE_USER, and whether the user has the key's public part (RSA_PUBLIC_KEY)"
        }
        _ => "",
    };
    let can_retry = is_busy(status) || status == StatusCode::REQUEST_TIMEOUT;
    Failure { can_retry, ..Failure::lasting(format!("{}{hint}", said.trim_end())) }
}

fn innermost(error: &reqwest::Error) -> String {
    let mut source: &dyn std::error::Error = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    source.to_string()
}

async fn private_key(environment: &Environment) -> Result<Secret> {
    let (file, secret) = ("SNOWFLAKE_PRIVATE_KEY_FILE", "SNOWFLAKE_PRIVATE_KEY_SECRET");
    match (environment.text(file)?, environment.text(secret)?) {
        (Some(_), Some(_)) => Err(Failure::usage(format!("settings {file} and {secret}: give one of them"))),
        (Some(path), None) => {
            let text = std::fs::read_to_string(path);
            text.map(Secret::new).map_err(|error| Failure::usage(format!("setting {file}: {path}: {error}")))
        }
        (None, Some(name)) => Ok(lake::secret::read(&lake::aws::Aws::default(), secret, name).await?),
        (None, None) => {
            Err(Failure::usage(format!("setting {file}: is not set, nor {secret}; docs/engines.md has all")))
        }
    }
}

/// A random UUID.
fn request_id() -> Result<String> {
    let mut bytes = [0_u8; 16];
    let failed = |_| Failure::lasting("the system gives no random numbers".to_owned());
    SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    let number = u128::from_be_bytes(bytes);
    // Version 4, variant 1.
    let number = (number & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    Ok([part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_uuids_and_different() {
        let (one, other) = (request_id().unwrap(), request_id().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(one.as_bytes()[14] == b'4' && b"89ab".contains(&one.as_bytes()[19]), "{one}");
    }
}
