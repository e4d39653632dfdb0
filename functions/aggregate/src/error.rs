//! What can go wrong while models are made or queries answered.

use chrono::NaiveDate;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use lake::partition::Partition;
use lake::store::Failure;

use crate::functions::unmatched;

/// What is said of a NOT IN whose list depends on the row.
pub const NOT_IN_BY_ROW: &str = "NOT IN (SELECT ...) is not answered where the inner query names columns of the outer one: write NOT EXISTS (SELECT ... WHERE ... = ...)";

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a partition was not made or a query not answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lake refused something.
    #[error(transparent)]
    Lake(#[from] lake::Error),
    /// A query needs more memory than it may hold.
    #[error("{0}; it needs more than the memory that queries may hold: set MEMORY_BYTES")]
    Exhausted(String),
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
    /// An object is not there, or not in the state that the ledger says.
    #[error(
        "{url} is not what the ledger says ({why}): if another command is at work on it, run this again later, else `tributary verify --repair`"
    )]
    Input {
        /// The object.
        url: String,
        /// What the store said.
        why: String,
    },
    /// A partition could not be made, because an object that it is made from is not what the ledger says.
    #[error(
        "failed to make {dataset}.{model}, partition {partition}: {url} is not what the ledger says ({why}): if another command is at work on it, run this again later, else `tributary verify --repair`"
    )]
    Damaged {
        /// The dataset.
        dataset: String,
        /// The model.
        model: String,
        /// The partition.
        partition: Partition,
        /// The object.
        url: String,
        /// What the store said.
        why: String,
    },
    /// A model or partition stays as it is, because an entry of the ledger cannot be read.
    #[error("{dataset}.{what} stays as it is: {source}")]
    Unreadable {
        /// The dataset.
        dataset: String,
        /// The model, or model and partition.
        what: String,
        /// Which entry, and what to do.
        source: Box<lake::Error>,
    },
    /// Rows are of days that no partition of a model can have.
    #[error(
        "{dataset}.{model} leaves out rows of {object}, which has days from {first} to {last}: the names of school years tell only those from July 1969 to June 2069; correct the dates, or cut the model by year"
    )]
    NoPeriod {
        /// The dataset.
        dataset: String,
        /// The model.
        model: String,
        /// A standard zone object with such days.
        object: String,
        /// Its first day.
        first: NaiveDate,
        /// Its last day.
        last: NaiveDate,
    },
    /// One run would add too many partitions.
    #[error(
        "{dataset}.{model} would get {partitions} new partitions at once, and MAX_NEW_PARTITIONS allows {allowed}: nothing of it was made. Most come from {object}, whose rows are of {first} to {last}; if those days are right, set MAX_NEW_PARTITIONS"
    )]
    TooMany {
        /// The dataset.
        dataset: String,
        /// The model.
        model: String,
        /// How many there would be.
        partitions: usize,
        /// How many there may be.
        allowed: usize,
        /// The standard zone object with the widest span of days.
        object: String,
        /// Its first day.
        first: String,
        /// Its last day.
        last: String,
    },
    /// Partitions would be deleted because their inputs seem to be gone.
    #[error("{dataset}: {partitions} partitions would be deleted, but {why}: nothing was deleted")]
    Gone {
        /// The dataset.
        dataset: String,
        /// How many.
        partitions: usize,
        /// Why that is not believed, and what to do.
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
    /// A partition's new rows failed tests of their model.
    #[error("{dataset}.{model}, partition {partition}, stays as it is, because its new rows failed {failed}")]
    Tests {
        /// The dataset.
        dataset: String,
        /// The model.
        model: String,
        /// The partition.
        partition: Partition,
        /// Which tests, and rows that failed them.
        failed: String,
    },
    /// A report page was not made: one of its queries is right, but was not answered.
    #[error("the page {dataset}/{page} stays as it is: {why}")]
    Page {
        /// The dataset.
        dataset: String,
        /// Where the page goes, below the dataset.
        page: String,
        /// What the engine said.
        why: String,
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
            Error::Model { .. }
            | Error::Input { .. }
            | Error::Damaged { .. }
            | Error::Unreadable { .. }
            | Error::TooMany { .. }
            | Error::NoPeriod { .. }
            | Error::Gone { .. }
            | Error::Moved { .. }
            | Error::Shrunk { .. }
            | Error::Tests { .. }
            | Error::Page { .. }
            | Error::Exhausted(_)
            | Error::Query(_) => false,
        }
    }

    /// Whether it may be gone when the partition is planned again from the ledger as it is by then.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Error::Overtaken { .. } | Error::Damaged { .. })
    }

    /// A read that failed, in place of what the engine made of it.
    pub(crate) fn of_read(error: lake::store::StoreError) -> Self {
        match error.failure {
            Failure::Changed | Failure::NotFound => Error::Input { url: error.url, why: error.why },
            _ => Error::Lake(error.into()),
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
        // The outermost of several is the name of the optimizer's rule that met it.
        let text = match &error {
            DataFusionError::Context(..) => error.find_root().strip_backtrace(),
            error => error.strip_backtrace(),
        };
        // An advice of DataFusion's to report a bug follows some messages of wrong queries.
        let text = text.split("\nThis issue was likely caused by a bug").next().unwrap_or_default();
        if matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)) {
            return Error::Exhausted(text.to_owned());
        }
        Error::Query(match error.find_root() {
            DataFusionError::SQL(error, _) => format!("the query is not understood: {}", parsed(error)),
            _ if text.contains("logical expression InSubquery") => {
                "IN (SELECT ...) is answered only as a condition of WHERE, not as a value: join the other table, and see whether it has a row".to_owned()
            }
            _ if text.contains("null_aware anti join only supports") => {
                NOT_IN_BY_ROW.to_owned()
            }
            _ if text.contains("failed to match any signature") => unmatched(text),
            _ if text.contains("duplicate unqualified field name") || text.contains("require unique expression names") => {
                named_twice(text).unwrap_or_else(|| ONE_NAME.to_owned())
            }
            // These are names that its optimizer gives, which stand nowhere in the query.
            _ if ["__correlated_sq", "__always_true", "OuterReferenceColumn"].iter().any(|name| text.contains(name)) => {
                BY_ROW.to_owned()
            }
            _ if text.contains("logical expression Exists") => {
                "EXISTS (SELECT ...) is answered only as a condition of WHERE, not as a value: join the other table, and see whether it has a row".to_owned()
            }
            _ if text.contains("logical expression ScalarSubquery") => {
                "a subquery as a value may compare columns of the outer query by = alone: join the other table, and group".to_owned()
            }
            _ if text.contains("user-defined coercion failed") => not_one_type(text),
            _ if text.contains("Cannot access field") => FIELD_OF_COLUMN.to_owned(),
            _ if text.contains("which would be ambiguous") => two_meanings(text),
            // The plan follows, with what it is made of.
            _ if text.contains("does not satisfy order requirements") => NO_ORDER.to_owned(),
            DataFusionError::NotImplemented(why) => {
                // What follows is how the parser holds it.
                let why = if why.contains("Span(") { why.split(['{', '(']).next().unwrap_or_default() } else { why };
                format!("the query engine does not support this: {}", why.trim_end())
            }
            // These come with a value of a row.
            DataFusionError::ArrowError(..)
            | DataFusionError::Execution(_)
            | DataFusionError::External(_)
            | DataFusionError::Internal(_) => without_values(text),
            _ if text.contains("regex parse error") => without_values(text),
            _ => ["Error during planning: ", "Schema error: "]
                .iter()
                .find_map(|prefix| text.strip_prefix(prefix))
                .unwrap_or(text)
                .replace(" or disable the datafusion.sql_parser.enable_ident_normalization configuration", "")
                .split(": Invalid argument error")
                .next()
                .unwrap_or_default()
                .to_owned(),
        })
    }
}

/// A function whose values must be of one type, and are not.
fn not_one_type(text: &str) -> String {
    let call = text.rsplit_once("argument types '").and_then(|(_, rest)| rest.split_once('\''));
    let call = call.map_or("a function", |(call, _)| call);
    format!("the values of {call} have no type in common: CAST them to one")
}

/// The engine calls `CAST(x AS ...)` what it calls `x`.
const ONE_NAME: &str = "two values of the query have one name within the engine, which calls a CAST as what is cast, so that max(x) and max(CAST(x AS BIGINT)) are alike, whatever AS says: compute one of them in a subquery, such as FROM (SELECT *, CAST(x AS BIGINT) AS y FROM ...)";

/// A failure of the engine to plan what it has understood: a name that it does not find by then is one of its own.
pub fn of_engine(error: DataFusionError) -> DataFusionError {
    match error.find_root() {
        DataFusionError::SchemaError(..) => DataFusionError::Plan(BY_ROW.to_owned()),
        _ => error,
    }
}

const FIELD_OF_COLUMN: &str = "a name before a point is a column here, and no table: in a subquery, the name of an outer table that is also the name of one of its columns is read as that column; give the outer table another name";

const NO_ORDER: &str = "the query engine does not find an order in which this query can be answered: sort, or aggregate with ORDER BY, in a subquery of its own";

/// A name that may be a column's and that of a value: `qualified field name a.b and unqualified field name b which`.
fn two_meanings(text: &str) -> String {
    let name = |before: &str| Some(text.split_once(before)?.1.split(' ').next()?.to_owned());
    match name("unqualified field name ").zip(name("Schema contains qualified field name ")) {
        Some((name, column)) => {
            format!("{name} may be {column}, or what the query calls {name}: give one of them another name")
        }
        None => text.to_owned(),
    }
}

const BY_ROW: &str = "the query engine does not answer a subquery that names columns of the outer query where this one stands: join the other table, and group";

/// A value that SELECT names twice: `expression "a" at position 0 and "a" at position 1`.
fn named_twice(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("expression \"")?;
    let (first, rest) = rest.split_once("\" at position ")?;
    let (_, rest) = rest.split_once("and \"")?;
    let (second, _) = rest.split_once("\" at position ")?;
    (first == second)
        .then(|| format!("SELECT has {first} twice: give one of them another name, as in {first} AS other"))
}

fn parsed(error: &ParserError) -> &str {
    match error {
        ParserError::TokenizerError(why) | ParserError::ParserError(why) => why,
        ParserError::RecursionLimitExceeded => "it has too many levels of parentheses",
    }
}

/// What the engine puts before its messages.
const PREFIXES: [&str; 9] = [
    "Arithmetic overflow: ",
    "Arrow error: ",
    "Cast error: ",
    "Compute error: ",
    "Execution error: ",
    "External error: ",
    "Internal error: ",
    "Invalid argument error: ",
    "Parser error: ",
];
/// Words of the engine's messages that a value follows, quoted or not.
const BEFORE_VALUES: [&str; 9] =
    ["character", "convert", "field", "found", "got", "parse", "string", "timezone", "value"];

/// The constant words with which a message begins: what follows may be a value of a row, which may be personal, and
/// becomes `***`. Of a regular expression nothing is shown: its parser quotes it in its own way.
fn without_values(text: &str) -> String {
    if ["regex", "regular expression"].iter().any(|word| text.to_lowercase().contains(word)) {
        return "a regular expression is not valid; it is not shown, because it may be a value of a row".to_owned();
    }
    let mut text = text;
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    let (first, has_more) = text.split_once('\n').map_or((text, false), |(first, _)| (first, true));
    let mut shown: Vec<&str> = Vec::new();
    let mut words = first.split(' ').peekable();
    while let Some(word) = words.next() {
        match constant(word) {
            Some(part) if part.len() == word.len() => shown.push(word),
            part => {
                shown.extend(part.filter(|part| !part.is_empty()));
                shown.push("***");
                break;
            }
        }
        if BEFORE_VALUES.contains(&word) && (words.peek().is_some() || has_more) {
            shown.push("***");
            break;
        }
    }
    match shown.as_slice() {
        ["***"] | ["Column", "***"] => "a value cannot be computed: it is beyond its type, or a part of the query has no rows; it is not shown, because it may be of a row".to_owned(),
        shown => shown.join(" "),
    }
}

/// The part of a word before signs that values come with; nothing of a word with digits.
fn constant(word: &str) -> Option<&str> {
    let mut before = None;
    for (at, c) in word.char_indices() {
        let next = word.get(at + c.len_utf8()..).and_then(|rest| rest.chars().next());
        // As in "Can't".
        let is_apostrophe =
            c == '\'' && before.is_some_and(char::is_alphabetic) && next.is_some_and(char::is_alphabetic);
        if !is_apostrophe && "'\"`:([{<=@".contains(c) {
            return word.get(..at);
        }
        if c.is_ascii_digit() {
            return None;
        }
        before = Some(c);
    }
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out_of_messages() {
        for (text, wanted) in [
            (
                "Arrow error: Cast error: Cannot cast string 'el's@x.be' to value of Int32 type",
                "Cannot cast string ***",
            ),
            ("Can't cast value -12 to type Int8", "Can't cast value ***"),
            ("Execution error: map duplicate key found: learner43@example.org", "map duplicate key found ***"),
            (
                "Arrow error: Compute error: Overflow happened on FACTORIAL(100006)",
                "Overflow happened on FACTORIAL ***",
            ),
            ("Execution error: Signed integer overflow on LCM(100006, 3)", "Signed integer overflow on LCM ***"),
            ("Arrow error: Arithmetic overflow: Overflow happened on: 9 * 4", "Overflow happened on ***"),
            ("Parser error: Failed to parse ada as interval amount", "Failed to parse ***"),
            ("Unsupported data type Utf8(\"ada\") for function digest", "Unsupported data type ***"),
            ("Divide by zero error", "Divide by zero error"),
            ("Error while: one\nada lovelace", "Error while ***"),
            ("Invalid digit\nada lovelace", "Invalid digit"),
            (
                "Regular expression did not compile: Syntax(\nregex parse error:\n    ada(\n       ^\nerror: unclosed group",
                "a regular expression is not valid; it is not shown, because it may be a value of a row",
            ),
        ] {
            assert_eq!(without_values(text), wanted);
        }
    }
}
