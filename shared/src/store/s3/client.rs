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
                if let Some(why) = endpoint.and_then(wrong_endpoint) {
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

/// What is wrong with the address of a service. Its text is not part of the message: it may have a password.
fn wrong_endpoint(text: &str) -> Option<&'static str> {
    match url::Url::parse(text) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Some("is not a URL: it begins with http:// or https://")
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("has a user name or password, which AWS does not take there: use AWS_ACCESS_KEY_ID and the like")
        }
        Ok(url) if url.has_host() => None,
        Ok(_) | Err(_) => Some("is not a URL: it begins with http:// or https://, and has a host"),
    }
}

#[cfg(test)]
mod tests {
    use super::wrong_endpoint;

    #[test]
    fn an_endpoint_is_a_url_without_credentials() {
        for text in ["http://127.0.0.1:4566", "https://s3.eu-west-1.amazonaws.com/"] {
            assert_eq!(wrong_endpoint(text), None, "{text}");
        }
        for text in ["", "127.0.0.1:4566", "ftp://x", "http://", "http://u:sesame@bad host", "http://u:sesame@host"] {
            assert!(wrong_endpoint(text).is_some_and(|why| !why.contains("sesame")), "{text}");
        }
    }
}
