//! What can stop the cleaning of one raw object.

use std::io;

use lake::ledger::WholeReject;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why one raw object was not cleaned. Invalid rows are no errors: they go to the rejection zone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lake refused something.
    #[error(transparent)]
    Lake(#[from] lake::Error),
    /// No table takes the object.
    #[error("{key}: no table of dataset {dataset} takes it; see the `from` globs in its dataset.toml{}", if key == dataset { format!(" (all of a dataset: --dataset {dataset})") } else { String::new() })]
    NoTable {
        /// The raw key.
        key: String,
        /// The dataset that the key names.
        dataset: String,
    },
    /// The object's name says that it is not to be cleaned.
    #[error("{key} is hidden, as a part of its name begins with \"_\" or \".\": it is never cleaned; rename it")]
    Hidden {
        /// The raw key.
        key: String,
    },
    /// The object is not there.
    #[error("{url} is not there")]
    Gone {
        /// The raw object's URL.
        url: String,
    },
    /// What has the object's key cannot be read, such as a named pipe.
    #[error("{key} cannot be read: {why}")]
    Unreadable {
        /// The raw key; that of a folder ends in a slash.
        key: String,
        /// Why.
        why: String,
    },
    /// A sibling that the object is cleaned with is not there yet, or is broken.
    #[error("{key} is cleaned together with {sibling}, which {why}; ingest that day again")]
    Sibling {
        /// The raw key.
        key: String,
        /// The sibling's raw key.
        sibling: String,
        /// What is wrong with it.
        why: String,
    },
    /// More of an object's rows were rejected than the caller accepts; the object is done nevertheless.
    #[error(
        "{rejected} of {read} rows of {key} were rejected{why}; reasons are in the rejection zone, and --max-rejected \
         (now {max_rejected}) accepts a larger share"
    )]
    Rejected {
        /// The raw key.
        key: String,
        /// Rows that were rejected.
        rejected: u64,
        /// Rows that were read.
        read: u64,
        /// Why the object was rejected as a whole, if it was.
        why: String,
        /// The share that is accepted.
        max_rejected: f64,
    },
    /// Reading or writing bytes failed on the way.
    #[error("failed to clean {key}: {why}")]
    Broken {
        /// The raw key.
        key: String,
        /// What happened.
        why: String,
    },
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn can_retry(&self) -> bool {
        match self {
            Error::Lake(error) => error.can_retry(),
            Error::NoTable { .. }
            | Error::Hidden { .. }
            | Error::Gone { .. }
            | Error::Rejected { .. }
            | Error::Unreadable { .. } => false,
            Error::Sibling { .. } | Error::Broken { .. } => true,
        }
    }
}

impl From<lake::store::StoreError> for Error {
    fn from(error: lake::store::StoreError) -> Self {
        Error::Lake(error.into())
    }
}

/// Why decoding stopped before the object's end.
#[derive(Debug)]
pub enum Stop {
    /// The object is not what it should be: it is rejected as a whole.
    Reject(WholeReject),
    /// The bytes could not be read, or the rows not be written.
    Broken(String),
}

impl Stop {
    /// Rejects the object as a whole.
    pub fn reject(reason: &str, message: impl Into<String>) -> Self {
        Stop::Reject(WholeReject { reason: reason.to_owned(), message: message.into() })
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // What a decompressor says of bytes that are not what they should be. Stores fail in other ways.
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                Stop::reject("not_decompressible", format!("the compressed object is broken: {error}"))
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Stop::Broken(format!("{error} in the temporary folder {}", std::env::temp_dir().display()))
            }
            _ => Stop::Broken(error.to_string()),
        }
    }
}

impl From<arrow::error::ArrowError> for Stop {
    fn from(error: arrow::error::ArrowError) -> Self {
        Stop::Broken(error.to_string())
    }
}

impl From<parquet::errors::ParquetError> for Stop {
    fn from(error: parquet::errors::ParquetError) -> Self {
        match error {
            // Of the temporary file: as it is, without the library's word for it.
            parquet::errors::ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(error) => Stop::from(*error),
                Err(inner) => Stop::Broken(inner.to_string()),
            },
            error => Stop::Broken(error.to_string()),
        }
    }
}
