//! One error type for the common crate: what went wrong, where, and what to do next.

use crate::store::{Failure, StoreError};

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong in the common crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is missing, empty, or not understood: the user's to mend, never worth a retry.
    #[error("setting {name}: {why}")]
    Setting {
        /// The environment variable or option.
        name: String,
        /// What is wrong with its value and what would be right.
        why: String,
    },
    /// A dataset's declaration (`dataset.toml` or a model) is wrong.
    #[error("dataset file {file}: {why}")]
    Dataset {
        /// The file, as a path below `datasets/`.
        file: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// The command asks for something that does not exist or makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A guard against deleting on a guess: the message says what was refused and what to do.
    #[error("{0}")]
    Guard(String),
    /// The object store did not do what was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A ledger entry cannot be read.
    #[error("ledger entry {key} is not readable: {why}; `tributary verify --repair` or `clean --all` makes it again")]
    Ledger {
        /// The key in the ledger zone.
        key: String,
        /// The parser's message.
        why: String,
    },
    /// A newer version of Tributary wrote a ledger entry.
    #[error(
        "ledger entry {key} has format {format}, and this version of Tributary knows formats up to {known}: use the version that wrote it, or a newer one"
    )]
    NewerFormat {
        /// The key in the ledger zone.
        key: String,
        /// Its format.
        format: u32,
        /// The newest format that this version knows.
        known: u32,
    },
    /// AWS Batch did not take a job.
    #[error(
        "failed to {action} job {job} in queue {queue} of AWS Batch: {why}; see BATCH_JOB_QUEUE, BATCH_JOB_DEFINITION and the right to batch:SubmitJob and batch:ListJobs"
    )]
    Batch {
        /// The operation in words.
        action: &'static str,
        /// The job's name.
        job: String,
        /// The queue.
        queue: String,
        /// What the service said.
        why: String,
        /// Whether the same call may succeed later.
        can_retry: bool,
    },
    /// The Glue Data Catalog did not do what it was asked.
    #[error(
        "the partitions of Glue database {database} could not be registered ({operation}: {why}); the data is there, and the next run or `tributary catalog` registers them; see GLUE_DATABASE and the rights to glue:GetTables, glue:GetPartitions, glue:BatchCreatePartition and glue:DeletePartition"
    )]
    Glue {
        /// The operation.
        operation: &'static str,
        /// The database.
        database: String,
        /// What the service said.
        why: String,
        /// Whether the same call may succeed later.
        can_retry: bool,
    },
}

impl Error {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn can_retry(&self) -> bool {
        match self {
            Error::Store(error) => error.can_retry(),
            Error::Batch { can_retry, .. } | Error::Glue { can_retry, .. } => *can_retry,
            _ => false,
        }
    }

    /// Whether the user must change the command, a setting or a declaration first (exit status 2).
    pub fn is_usage(&self) -> bool {
        match self {
            Error::Store(error) => error.failure == Failure::Setting,
            Error::Setting { .. } | Error::Dataset { .. } | Error::Usage(_) => true,
            _ => false,
        }
    }
}
