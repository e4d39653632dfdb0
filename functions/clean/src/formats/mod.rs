//! Decoders: bytes to typed rows and rejects. Pure functions of the bytes and the declaration, without clock or
//! network; what they need from siblings is given to them.

mod codetrack;
pub mod irceline;
mod json;
mod value;

use std::collections::BTreeMap;
use std::io::Read;

use chrono::{DateTime, Utc};
use lake::dataset::{Dataset, Table};

use crate::error::Stop;
use crate::writer::Sink;

/// What a decoder is told about the raw object.
pub struct RawObject<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// The table that the object feeds.
    pub table: &'a Table,
    /// The object's key.
    pub key: &'a str,
    /// When it arrived, unless its lines say so themselves.
    pub received_at: DateTime<Utc>,
}

/// The siblings that a table declares: file name to the bytes, read once.
pub type Siblings = BTreeMap<String, Box<dyn Read + Send>>;

/// Reads the object's bytes into the sink by the table's format. Tells the gaps that the object itself reports.
pub fn decode(
    object: &RawObject,
    siblings: Siblings,
    reader: impl Read,
    sink: &mut dyn Sink,
) -> Result<Vec<lake::ledger::Gap>, Stop> {
    match object.table.format.as_str() {
        "json" => json::decode(object, reader, sink).map(|()| Vec::new()),
        "codetrack-weeks" => codetrack::decode(object, siblings, reader, sink),
        "irceline-values" => irceline::decode(object, siblings, reader, sink),
        other => Err(Stop::Broken(format!("there is no format \"{other}\"; see dataset.toml"))),
    }
}
