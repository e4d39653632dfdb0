//! The S3 client, made when it is first needed.

use std::sync::Arc;

use aws_sdk_s3::config::ProvideCredentials;
use aws_sdk_s3::config::retry::RetryConfig;
use tokio::sync::OnceCell;

use crate::aws::Aws;

/// A lazily made S3 client, shared by all zones: a purely local lake never makes one.
#[derive(Debug, Clone, Default)]
pub struct Client {
    aws: Aws,
    client: Arc<OnceCell<aws_sdk_s3::Client>>,
}

impl Client {
    /// A client of the given configuration.
    pub fn new(aws: Aws) -> Self {
        Self { aws, client: Arc::default() }
    }

    /// The configuration, for clients of other services.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// The client, or which setting is missing or wrong.
    pub(super) async fn get(&self) -> Result<&aws_sdk_s3::Client, String> {
        self.client
            .get_or_try_init(|| async {
                let shared = self.aws.config().await;
                if shared.region().is_none() {
                    return Err("there is no AWS region: set AWS_REGION".to_owned());
                }
                let endpoint = shared.endpoint_url();
                if let Some(why) = endpoint.and_then(crate::settings::wrong_endpoint) {
                    return Err(format!("AWS_ENDPOINT_URL {why}"));
                }
                if let Some(provider) = shared.credentials_provider()
                    && let Err(error) = provider.provide_credentials().await
                {
                    return Err(format!(
                        "there are no AWS credentials ({error}): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
                         AWS_PROFILE, or give this machine a role"
                    ));
                }
                // Emulators serve buckets by path, not by host name.
                let config = aws_sdk_s3::config::Builder::from(shared)
                    .force_path_style(endpoint.is_some())
                    .retry_config(RetryConfig::disabled())
                    .build();
                Ok(aws_sdk_s3::Client::from_conf(config))
            })
            .await
    }
}
