//! What S3's answers mean.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::DateTime as SmithyTime;
use chrono::{DateTime, Utc};

use super::super::{Failure, Object};

/// An object as a GET answers it.
pub fn describe(key: &str, output: &GetObjectOutput) -> Object {
    Object {
        key: key.to_owned(),
        bytes: output.content_length().unwrap_or(0).unsigned_abs(),
        etag: unquote(output.e_tag()),
        last_modified: time(output.last_modified()),
        version: output.version_id().map(str::to_owned),
    }
}

/// An ETag without quotes.
pub fn unquote(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

/// A key of a list, which is encoded as forms are.
pub fn decoded(key: &str) -> String {
    percent_encoding::percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// A time of the SDK.
pub fn time(time: Option<&SmithyTime>) -> DateTime<Utc> {
    time.and_then(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos())).unwrap_or_default()
}

/// The HTTP status of a raw response.
pub trait Status {
    fn status(&self) -> u16;
    fn header(&self, name: &str) -> Option<&str>;
}

impl Status for aws_sdk_s3::config::http::HttpResponse {
    fn status(&self) -> u16 {
        self.status().as_u16()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)
    }
}

/// S3 answers a conditional write with 412 when the condition fails (an answer) and 409 on a race (try again), and 301
/// where the bucket is in another region.
pub fn classify<E, R>(error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata,
    R: Status,
{
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => Failure::Transient,
        // A slow connection; S3 answers it with 400.
        SdkError::ServiceError(_) if error.code() == Some("RequestTimeout") => Failure::Transient,
        SdkError::ServiceError(service) => match service.raw().status() {
            301 => Failure::Setting,
            404 => Failure::NotFound,
            412 => Failure::Condition,
            401 | 403 => Failure::Denied,
            408 | 409 | 429 | 500..=599 => Failure::Transient,
            _ => Failure::Other,
        },
        _ => Failure::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_lists_are_decoded() {
        for (encoded, key) in [("a+b%2Bc%20d", "a b+c d"), ("d/%1B%E2%82%AC", "d/\u{1b}€"), ("plain/key", "plain/key")]
        {
            assert_eq!(decoded(encoded), key);
        }
    }
}
