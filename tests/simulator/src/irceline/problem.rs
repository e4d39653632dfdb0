//! Error answers in the form of the real server, its spelling included.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum Problem {
    /// No such thing in a collection: its singular name and the id.
    NotFound(&'static str, String),
    UnreadableBody,
    TooLong,
    BadParameter(&'static str),
    BadTimespan(String),
    Internal,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    status_code: u16,
    reason: &'static str,
    user_message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    developer_message: Option<String>,
    hints: [&'static str; 0],
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        const UNEXPECTED: &str = "Unexpected Exception occured.";
        let (status, user_message, developer_message) = match self {
            Self::NotFound(kind, id) => {
                (StatusCode::NOT_FOUND, format!("The {kind} with id '{id}' was not found."), None)
            }
            Self::UnreadableBody => (StatusCode::BAD_REQUEST, "The request could not been read.".to_owned(), None),
            Self::TooLong => (
                StatusCode::BAD_REQUEST,
                "Requested timespan is to long, please use a period shorter than 'P367D'".to_owned(),
                None,
            ),
            Self::BadParameter(name) => {
                (StatusCode::BAD_REQUEST, format!("Could not read the parameter '{name}'."), None)
            }
            Self::BadTimespan(text) => {
                (StatusCode::INTERNAL_SERVER_ERROR, UNEXPECTED.to_owned(), Some(format!("Invalid format: \"{text}\"")))
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, UNEXPECTED.to_owned(), None),
        };
        let reason = status.canonical_reason().unwrap_or_default();
        let body = Body { status_code: status.as_u16(), reason, user_message, developer_message, hints: [] };
        (status, Json(body)).into_response()
    }
}
