//! The configuration of all AWS clients: region, credentials and endpoint as the AWS SDK defines them, one TLS stack,
//! time-outs and retries.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use tokio::sync::OnceCell;

/// Read when it is first needed: a purely local lake never does.
#[derive(Debug, Clone, Default)]
pub struct Aws(Arc<OnceCell<SdkConfig>>);

impl Aws {
    /// The configuration that all clients are made from.
    pub async fn config(&self) -> &SdkConfig {
        self.0
            .get_or_init(|| async {
                let http = aws_smithy_http_client::Builder::new()
                    .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
                    .build_https();
                let timeouts = TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(5))
                    .operation_attempt_timeout(Duration::from_secs(60))
                    .operation_timeout(Duration::from_secs(300))
                    .build();
                aws_config::defaults(BehaviorVersion::v2026_01_12())
                    .http_client(http)
                    .timeout_config(timeouts)
                    .retry_config(RetryConfig::standard().with_max_attempts(5))
                    .load()
                    .await
            })
            .await
    }
}

/// What a service said, or what went wrong on the way to it.
pub(crate) fn explain<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    if let (Some(code), message) = (error.code(), error.message()) {
        return format!("{code}: {}", message.unwrap_or("no message"));
    }
    // The outermost messages ("dispatch failure") say nothing: the innermost says what happened.
    let mut source: &dyn std::error::Error = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    source.to_string()
}
