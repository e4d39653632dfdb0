//! What can go wrong while models are made or queries answered.

use datafusion::error::DataFusionError;
use lake::partition::Partition;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a partition was not made or a query not answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lake refused something.
    #[error(transparent)]
    Lake(#[from] lake::Error),
    /// A partition could not be made.
    #[error("failed to make {dataset}.{model}, partition {partition}: {why}")]
    Model {
        /// The dataset.
        dataset: String,
        /// The model.
        model: String,
        /// The partition.
        partition: Partition,
        /// What the engine said.
        why: String,
    },
    /// Another aggregation committed the partition first, again and again.
    #[error("{dataset}.{model}, partition {partition}: other aggregations were always first")]
    Overtaken {
        /// The dataset.
        dataset: String,
        /// The model.
        model: String,
        /// The partition.
        partition: Partition,
    },
    /// A partition would lose most of its rows.
    #[error(
        "{dataset}.{model}, partition {partition}, has {had} rows and would have {rows}: it stays as it is. If that is right, run `tributary aggregate --model {model} --allow-shrink`"
    )]
    Shrunk {
        /// The dataset.
        dataset: String,
        /// The model.
        model: String,
        /// The partition.
        partition: Partition,
        /// Rows it has.
        had: u64,
        /// Rows it would have.
        rows: u64,
    },
    /// A query is wrong or could not be answered.
    #[error("{0}")]
    Query(String),
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn can_retry(&self) -> bool {
        match self {
            Error::Lake(error) => error.can_retry(),
            Error::Overtaken { .. } => true,
            Error::Model { .. } | Error::Shrunk { .. } | Error::Query(_) => false,
        }
    }
}

impl From<lake::store::StoreError> for Error {
    fn from(error: lake::store::StoreError) -> Self {
        Error::Lake(error.into())
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        Error::Query(error.strip_backtrace())
    }
}
