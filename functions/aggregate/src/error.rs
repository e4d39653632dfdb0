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
    /// A table's partitions were declared otherwise.
    #[error(
        "{dataset}.{table} is cut otherwise since {objects} of its raw objects were cleaned: run `tributary clean --dataset {dataset}` first"
    )]
    Moved {
        /// The dataset.
        dataset: String,
        /// The table.
        table: String,
        /// How many raw objects are to be cleaned again.
        objects: usize,
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
            Error::Model { .. } | Error::Moved { .. } | Error::Shrunk { .. } | Error::Query(_) => false,
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
        let text = error.strip_backtrace();
        // An advice of DataFusion's to report a bug follows some messages of wrong queries.
        let text = text.split("\nThis issue was likely caused by a bug").next().unwrap_or_default();
        Error::Query(match error.find_root() {
            // These come with a value of a row.
            DataFusionError::ArrowError(..) | DataFusionError::Execution(_) | DataFusionError::External(_) => {
                without_values(text)
            }
            _ => text.to_owned(),
        })
    }
}

/// A message without the values in it, which may be personal: `***` for what is in quotes, and for numbers.
fn without_values(text: &str) -> String {
    let is_quote = |c: char| "'\"`".contains(c);
    let quoted = text.find(is_quote).zip(text.rfind(is_quote)).filter(|(first, last)| first < last);
    let (before, after) = quoted.map_or((text, ""), |(first, last)| {
        (text.get(..first).unwrap_or_default(), text.get(last + 1..).unwrap_or_default())
    });
    let words = |text: &str| {
        let is_number = |word: &str| word.trim_start_matches(['-', '+', '(']).starts_with(|c: char| c.is_ascii_digit());
        let words: Vec<&str> = text.split(' ').map(|word| if is_number(word) { "***" } else { word }).collect();
        words.join(" ")
    };
    let hidden = if quoted.is_some() { "***" } else { "" };
    format!("{}{hidden}{}", words(before), words(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out_of_messages() {
        for (text, wanted) in [
            ("Cannot cast string 'el's@x.be' to value of Int32 type", "Cannot cast string *** to value of Int32 type"),
            ("Can't cast value -12 to type Int8", "Can't cast value *** to type Int8"),
            ("Divide by zero error", "Divide by zero error"),
        ] {
            assert_eq!(without_values(text), wanted);
        }
    }
}
