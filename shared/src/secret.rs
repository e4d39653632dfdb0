//! Secrets: texts that no log, error or debug output shows, and AWS Secrets Manager, where they are kept.

use std::fmt;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};

use crate::aws::Aws;
use crate::error::{Error, Result};
use crate::store::{Failure, StoreError};

/// A text that nobody is to see.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text to itself.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A URL as it may be shown: `user:password@` becomes `***@`. Text that is no URL is masked as well.
pub fn mask_url(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    match rest.rsplit_once('@') {
        Some((_, rest)) => format!("{scheme}***@{rest}"),
        None => text.to_owned(),
    }
}

/// Reads a secret by its name or ARN, which `setting` has as its value.
pub async fn read(aws: &Aws, setting: &str, name: &str) -> Result<Secret> {
    let client = Client::new(aws.config().await);
    let wrong = |why: String| Error::Setting { name: setting.to_owned(), why };
    match client.get_secret_value().secret_id(name).send().await {
        Ok(answer) => answer.secret_string.map(Secret).ok_or_else(|| {
            wrong(format!(
                "the secret \"{name}\" is binary; put the JSON text there (`put-secret-value --secret-string`)"
            ))
        }),
        Err(error) => Err(match error.code() {
            Some("ResourceNotFoundException") => wrong(format!(
                "there is no secret \"{name}\" in this account and region; create it, or name the one that there is"
            )),
            Some("AccessDeniedException") => wrong(format!(
                "reading the secret \"{name}\" is not allowed; grant secretsmanager:GetSecretValue on it, and \
                 kms:Decrypt if it has a key of its own"
            )),
            Some("InvalidRequestException" | "InvalidParameterException" | "ValidationException") => wrong(format!(
                "Secrets Manager does not take \"{name}\": {}",
                error.message().unwrap_or("no reason given")
            )),
            code => unavailable(name, code, &error),
        }),
    }
}

/// The service did not answer, or not in a way that says what is wrong with the setting.
fn unavailable<E, R>(name: &str, code: Option<&str>, error: &SdkError<E, R>) -> Error
where
    E: std::error::Error + 'static,
    R: fmt::Debug,
{
    let denied =
        matches!(code, Some("UnrecognizedClientException" | "InvalidSignatureException" | "ExpiredTokenException"));
    let failure = match error {
        SdkError::ServiceError(_) if denied => Failure::Denied,
        SdkError::ConstructionFailure(_) => Failure::Other,
        _ => Failure::Transient,
    };
    let mut why = code.map(str::to_owned).unwrap_or_else(|| error.to_string());
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        why = format!("{why}: {inner}");
        source = inner.source();
    }
    Error::Store(StoreError { failure, action: "read the secret", url: name.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing_of_itself() {
        let secret = Secret::new("sesame");
        assert_eq!(
            (format!("{secret}"), format!("{secret:?}"), secret.expose()),
            ("***".into(), "***".into(), "sesame")
        );
    }

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (text, shown) in [
            ("https://ada:sesame@example.org/live/", "https://***@example.org/live/"),
            ("ftp://ada:s@same@example.org", "ftp://***@example.org"),
            ("ada:sesame@example.org", "***@example.org"),
            ("https://example.org/live/", "https://example.org/live/"),
        ] {
            assert_eq!(mask_url(text), shown);
        }
    }
}
