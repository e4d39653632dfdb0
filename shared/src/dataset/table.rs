//! One table's declaration: which raw objects feed it, how they are read, and its columns.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;

use super::column::{Column, ColumnType};
use crate::hash;
use crate::partition::PartitionBy;

/// The column that every table has: when the raw object (or the response in it) arrived.
pub const RECEIVED_AT: &str = "received_at";

/// A table as declared in `dataset.toml`.
#[derive(Debug, Clone)]
pub struct Table {
    /// The table's name.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// How raw bytes become rows: the name of a decoder.
    pub format: String,
    /// How the table is cut.
    pub partition: PartitionBy,
    /// The columns that tell rows of a partition apart; the newest raw object wins.
    pub key: Vec<String>,
    /// Whether two rows with the same key always fall on the same day, so that raw objects of different days need not
    /// be compared.
    pub key_decides_day: bool,
    /// Raw objects in the same folder that are needed to clean this one.
    pub siblings: Vec<String>,
    /// The column whose missing values are counted, if one is the point of the table.
    pub measure: Option<String>,
    /// The columns as declared, without [`RECEIVED_AT`].
    pub columns: Vec<Column>,
    /// A fingerprint of the declaration: a raw object cleaned under another one was cleaned by other rules.
    pub fingerprint: String,
    from: GlobSet,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    #[serde(default)]
    about: String,
    from: OneOrMany,
    format: String,
    #[serde(default)]
    partition: PartitionBy,
    #[serde(default)]
    key: Vec<String>,
    #[serde(default)]
    siblings: Vec<String>,
    measure: Option<String>,
    #[serde(default)]
    key_decides_day: bool,
    column: toml::Table,
}

impl Table {
    /// `context` is what the dataset declares for all its tables: it is part of the fingerprint.
    pub(super) fn new(name: &str, declared: toml::Value, context: &str) -> Result<Self, String> {
        let fingerprint = hash::texts([context, &declared.to_string()]);
        let file: TableFile = declared.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
        let mut columns = Vec::new();
        for (name, declared) in file.column {
            let column: Result<Column, toml::de::Error> = declared.try_into();
            let mut column = column.map_err(|error| format!("column.{name}: {}", error.message()))?;
            column.name = name;
            columns.push(column);
        }
        let known = |column: &String| columns.iter().any(|known| known.name == *column);
        if let Some(column) = file.key.iter().chain(&file.measure).find(|column| !known(column)) {
            return Err(format!("key and measure: there is no column \"{column}\""));
        }
        if let PartitionBy::Time(_, day) = &file.partition {
            let is_date = |column: &&mut Column| column.name == *day && column.kind == ColumnType::Date;
            let column = columns.iter_mut().find(is_date);
            let column = column.ok_or_else(|| format!("partition: there is no date column \"{day}\""))?;
            // A row without a day belongs to no partition.
            column.required = true;
        }
        Ok(Self {
            name: name.to_owned(),
            about: file.about,
            format: file.format,
            partition: file.partition,
            key: file.key,
            key_decides_day: file.key_decides_day,
            siblings: file.siblings,
            measure: file.measure,
            columns,
            fingerprint,
            from: globs(file.from).map_err(|error| format!("from: {error}"))?,
        })
    }

    /// Whether a raw object feeds this table, by its key below the dataset.
    pub fn takes(&self, path: &str) -> bool {
        self.from.is_match(path)
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The schema of the table's Parquet files: the declared columns and [`RECEIVED_AT`].
    pub fn schema(&self) -> SchemaRef {
        let mut fields: Vec<Field> =
            self.columns.iter().map(|column| Field::new(&column.name, column.kind.arrow(), true)).collect();
        fields.push(Field::new(RECEIVED_AT, ColumnType::Timestamp.arrow(), true));
        Arc::new(Schema::new(fields))
    }
}

/// Globs in which `*` stays within one segment; `.gz` and `.zst` may follow each.
fn globs(from: OneOrMany) -> Result<GlobSet, globset::Error> {
    let patterns = match from {
        OneOrMany::One(pattern) => vec![pattern],
        OneOrMany::Many(patterns) => patterns,
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        for ending in ["", ".gz", ".zst"] {
            let glob: Glob = GlobBuilder::new(&format!("{pattern}{ending}")).literal_separator(true).build()?;
            set.add(glob);
        }
    }
    set.build()
}
