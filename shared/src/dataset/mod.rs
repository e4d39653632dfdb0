//! Datasets: the declared tables and models, in one folder each.
//!
//! A folder `NAME/` holds `dataset.toml` (time zone, tables, columns, rules, the source's settings) and one SQL file
//! per model. The folders of `shared/datasets/` are built in. A folder of the same name below the lake's
//! `config/datasets/` overrides single values of a built-in one; a folder of a new name adds a dataset.

mod catalog;
mod column;
mod model;
mod table;

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use self::catalog::Catalog;
pub use self::column::{Column, ColumnType, TimeFormat};
pub use self::model::Model;
pub use self::table::{RECEIVED_AT, Table};

use crate::error::{Error, Result};
use crate::keys;
use crate::time::Stamp;

/// One dataset: a folder of declarations, read and checked.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The folder's name, also the first segment of its raw keys.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The zone in which a day is a day.
    pub zone: Tz,
    /// What a timestamp stands for.
    pub stamp: Stamp,
    /// The settings of the source that fetches this dataset; empty for uploads.
    source: toml::Table,
    /// Named translations, such as phenomenon id to parameter name.
    lookups: BTreeMap<String, BTreeMap<String, String>>,
    /// The tables in the order of declaration.
    pub tables: Vec<Table>,
    /// The models by name.
    pub models: Vec<Model>,
}

/// `dataset.toml` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DatasetFile {
    title: String,
    time_zone: String,
    #[serde(default)]
    stamp: Stamp,
    #[serde(default)]
    source: toml::Table,
    #[serde(default)]
    lookup: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    table: toml::Table,
}

impl Dataset {
    /// Reads a dataset from the parsed `dataset.toml` and its SQL files (file name and text).
    fn new(name: &str, declared: toml::Table, models: &BTreeMap<String, String>) -> Result<Self> {
        let file = format!("{name}/dataset.toml");
        let wrong = |why: String| Error::Dataset { file: file.clone(), why };
        let parsed: DatasetFile =
            declared.try_into().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
        let zone = parsed.time_zone.parse().map_err(|_| {
            wrong(format!(
                "time_zone \"{}\" is not in the time zone database: write one like Europe/Brussels",
                parsed.time_zone
            ))
        })?;
        let context = format!("{} {:?} {:?}", parsed.time_zone, parsed.stamp, parsed.lookup);
        let mut tables = Vec::new();
        for (table, declared) in parsed.table {
            tables.push(Table::new(&table, declared, &context).map_err(|why| wrong(format!("table.{table}: {why}")))?);
        }
        let models = models
            .iter()
            .map(|(file, text)| {
                Model::new(file, text).map_err(|why| Error::Dataset { file: format!("{name}/{file}"), why })
            })
            .collect::<Result<Vec<_>>>()?;
        let dataset = Self {
            name: name.to_owned(),
            title: parsed.title,
            zone,
            stamp: parsed.stamp,
            source: parsed.source,
            lookups: parsed.lookup,
            tables,
            models,
        };
        dataset.check_inputs()?;
        Ok(dataset)
    }

    fn check_inputs(&self) -> Result<()> {
        for model in &self.models {
            if let Some(input) = model.inputs.iter().find(|input| self.table(input).is_none()) {
                let why = format!("its input \"{input}\" is no table of this dataset");
                return Err(Error::Dataset { file: format!("{}/{}.sql", self.name, model.name), why });
            }
        }
        Ok(())
    }

    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The table that a raw object feeds, by the tables' `from` globs.
    pub fn table_of(&self, raw_key: &str) -> Option<&Table> {
        let path = keys::below_dataset(raw_key);
        self.tables.iter().find(|table| table.takes(path))
    }

    /// Whether an API fetches this dataset.
    pub fn has_source(&self) -> bool {
        !self.source.is_empty()
    }

    /// The source's settings in its own type.
    pub fn source_settings<T: DeserializeOwned>(&self) -> Result<T> {
        self.source.clone().try_into().map_err(|error: toml::de::Error| Error::Dataset {
            file: format!("{}/dataset.toml", self.name),
            why: format!("source: {}", error.message()),
        })
    }

    /// A named translation; empty if there is none of that name.
    pub fn lookup(&self, name: &str) -> BTreeMap<String, String> {
        self.lookups.get(name).cloned().unwrap_or_default()
    }
}
