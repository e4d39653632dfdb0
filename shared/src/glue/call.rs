//! Calls of the Glue Data Catalog: JSON in, JSON out, signed. Its SDK would be by far the largest part of a function, for
//! four operations.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::ProvideCredentials;
use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use backon::{ExponentialBuilder, Retryable};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::aws::Aws;

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// How long one request may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// How often a request is tried again.
const MORE_TRIES: usize = 4;
/// What the service says where the same request may succeed later.
const PASSING: [&str; 5] = [
    "ThrottlingException",
    "InternalServiceException",
    "InternalFailure",
    "OperationTimeoutException",
    "ConcurrentModificationException",
];

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallError {
    /// The service's name for it; empty if the service did not answer.
    pub code: String,
    /// What it said, or what happened on the way.
    pub why: String,
    /// Whether the same call may succeed later.
    pub can_retry: bool,
}

impl CallError {
    fn on_the_way(why: impl std::fmt::Display) -> Self {
        Self { code: String::new(), why: why.to_string(), can_retry: true }
    }

    fn for_good(why: impl std::fmt::Display) -> Self {
        Self { can_retry: false, ..Self::on_the_way(why) }
    }
}

/// A client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client {
    aws: Aws,
    /// Where the service is, if not where AWS has it.
    endpoint: Option<String>,
    connector: Arc<OnceCell<Connector>>,
}

impl Client {
    /// Makes no request.
    pub fn new(aws: Aws, endpoint: Option<String>) -> Self {
        Self { aws, endpoint, connector: Arc::default() }
    }

    /// Calls an operation; tries again what may succeed later.
    pub(super) async fn call(&self, operation: &str, input: &Value) -> Result<Value, CallError> {
        let delays = ExponentialBuilder::default().with_min_delay(Duration::from_millis(200)).with_jitter();
        let once = || async {
            let limited = tokio::time::timeout(TIME_LIMIT, self.once(operation, input)).await;
            limited.unwrap_or_else(|_| Err(CallError::on_the_way("no answer within 30 seconds")))
        };
        once.retry(delays.with_max_times(MORE_TRIES)).when(|error: &CallError| error.can_retry).await
    }

    async fn once(&self, operation: &str, input: &Value) -> Result<Value, CallError> {
        let config = self.aws.config().await;
        let region = config.region().map(AsRef::as_ref);
        let region: &str = region.ok_or_else(|| CallError::for_good("no region is set: set AWS_REGION"))?;
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let endpoint = match self.endpoint.as_deref().or(config.endpoint_url()) {
            Some(endpoint) => format!("{}/", endpoint.trim_end_matches('/')),
            None => format!("https://glue.{region}.amazonaws.com{suffix}/"),
        };
        let provider = config.credentials_provider();
        let provider = provider.ok_or_else(|| CallError::for_good("there are no AWS credentials"))?;
        let credentials = provider.provide_credentials().await.map_err(CallError::on_the_way)?;
        let body = serde_json::to_vec(input).map_err(CallError::for_good)?;
        let target = format!("AWSGlue.{operation}");
        let headers = [("content-type", CONTENT_TYPE), ("x-amz-target", target.as_str())];
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("glue")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(CallError::for_good)?
            .into();
        let signable = SignableRequest::new("POST", &endpoint, headers.into_iter(), SignableBody::Bytes(&body))
            .map_err(CallError::for_good)?;
        let (signature, _) = sign(signable, &parameters).map_err(CallError::for_good)?.into_parts();
        let (signed, _) = signature.into_parts();

        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").map_err(CallError::for_good)?;
        request.set_uri(endpoint).map_err(CallError::for_good)?;
        for (name, value) in headers {
            request.headers_mut().insert(name, value.to_owned());
        }
        for header in signed {
            request.headers_mut().insert(header.name(), header.value().to_owned());
        }
        let answer = self.connector().await.call(request).await.map_err(CallError::on_the_way)?;
        let status = answer.status().as_u16();
        let bytes = ByteStream::new(answer.into_body()).collect().await.map_err(CallError::on_the_way)?;
        understood(status, &bytes.into_bytes())
    }

    async fn connector(&self) -> &Connector {
        self.connector
            .get_or_init(|| async {
                Connector::builder().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build()
            })
            .await
    }
}

/// What an answer says.
fn understood(status: u16, body: &[u8]) -> Result<Value, CallError> {
    let parsed = serde_json::from_slice::<Value>(body);
    if (200..300).contains(&status) {
        return if body.is_empty() { Ok(Value::Null) } else { parsed.map_err(CallError::on_the_way) };
    }
    let answer = parsed.unwrap_or_default();
    let text = |names: [&str; 2]| names.iter().find_map(|name| answer.get(*name)?.as_str());
    // `com.amazonaws.glue#EntityNotFoundException`, or without what stands before the last word.
    let code = text(["__type", "code"]).unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    let message = text(["message", "Message"]).unwrap_or("no message");
    let can_retry = status >= 500 || status == 429 || PASSING.contains(&code.as_str());
    Err(CallError { why: format!("{status} {code}: {message}"), code, can_retry })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_known_by_their_last_word_and_only_some_pass() {
        let error = |status, body: &str| understood(status, body.as_bytes()).unwrap_err();
        let missing = error(400, r#"{"__type": "com.amazonaws.glue#EntityNotFoundException", "Message": "no table"}"#);
        assert_eq!((missing.code.as_str(), missing.can_retry), ("EntityNotFoundException", false));
        assert!(missing.why.contains("no table"), "{}", missing.why);
        assert!(error(400, r#"{"__type": "ThrottlingException"}"#).can_retry);
        assert!(error(503, "<html>").can_retry && !error(403, "").can_retry);
        assert_eq!(understood(200, b""), Ok(Value::Null));
        assert!(understood(200, b"{\"a\"").unwrap_err().can_retry, "an answer that is cut off");
    }
}
