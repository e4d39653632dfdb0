//! What can stop a fetch.

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a window was not fetched. A part that could not be had is no error: it is a gap, kept in the raw object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lake refused something.
    #[error(transparent)]
    Lake(#[from] lake::Error),
    /// The API did not give what everything else depends on.
    #[error("{source_name}: {failure}")]
    Api {
        /// The source.
        source_name: &'static str,
        /// The last of the tries.
        failure: HttpFailure,
    },
    /// The API answered something that makes no sense.
    #[error("{source_name}: the answer of {url} is not as documented: {why}")]
    Answer {
        /// The source.
        source_name: &'static str,
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// What is there is no work of a source.
    #[error(
        "{url} is not readable as answers of a source, so it is not replaced: move it away and run again, or run with \
         --accept-loss to replace it"
    )]
    Unreadable {
        /// The raw object.
        url: String,
    },
    /// Something must be in the lake first.
    #[error("{source_name}: {why}")]
    Needs {
        /// The source.
        source_name: &'static str,
        /// What must be where.
        why: String,
    },
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn can_retry(&self) -> bool {
        match self {
            Error::Lake(error) => error.can_retry(),
            Error::Api { failure, .. } => failure.can_retry,
            Error::Answer { .. } | Error::Needs { .. } | Error::Unreadable { .. } => false,
        }
    }
}

impl From<lake::store::StoreError> for Error {
    fn from(error: lake::store::StoreError) -> Self {
        Error::Lake(error.into())
    }
}

/// A request that failed after all tries.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{method} {url} failed after {tries} tries in {seconds:.1} s: {why}")]
pub struct HttpFailure {
    /// The method.
    pub method: &'static str,
    /// The URL.
    pub url: String,
    /// How often it was sent.
    pub tries: u32,
    /// How long that took.
    pub seconds: f64,
    /// What the last try met.
    pub why: String,
    /// The last try's status, if there was an answer.
    pub status: Option<u16>,
    /// Whether asking again later can help.
    pub can_retry: bool,
}
