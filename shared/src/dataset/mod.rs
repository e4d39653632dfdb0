//! Datasets: the declared tables and models, in one folder each.
//!
//! A folder `NAME/` holds `dataset.toml` (time zone, tables, columns, rules, the source's settings) and one SQL file
//! per model. The folders of `shared/datasets/` are built in. A folder of the same name below the lake's
//! `config/datasets/` overrides single values of a built-in one; a folder of a new name adds a dataset.

pub mod case;
mod catalog;
mod column;
mod expect;
mod globs;
mod inputs;
mod judge;
mod list;
mod mistake;
mod model;
mod number;
mod options;
mod table;
mod time_format;

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::Tz;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use self::catalog::{Catalog, Folder, is_read, misnamed};
pub use self::column::{Ambiguous, Column, ColumnType, Decimal, Missing, Thousands};
pub use self::expect::{Check, Expectation, Of, Severity, quoted};
pub use self::globs::{ARCHIVE, COMPRESSIONS, ends_in, takes_any};
pub use self::inputs::{Inputs, Relation};
pub use self::judge::{Judged, Verdict};
pub use self::list::{List, SETTINGS};
pub use self::model::{Csv, GeoJson, Model, View};
pub use self::options::{Encoding, Format, Header, Sheet};
pub use self::table::{RECEIVED_AT, Spread, Table};
pub use self::time_format::{TimeFormat, has_time_of_day, parsed_date, parsed_time};

use self::catalog::place;
use self::list::{Bound, check_bounds};
use self::mistake::Mistake;
use self::model::SqlFile;
use crate::error::{Error, Result};
use crate::keys;
use crate::suggest::did_you_mean;
use crate::time::Stamp;

/// The most letters of a name: what all catalogs take.
const LONGEST_NAME: usize = 100;

/// Names that SQL sees beside a dataset's own tables.
const RESERVED: [&str; 3] = ["calendar", "period", SETTINGS];

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
    /// The texts of its `dataset.toml`, the built-in one first: where mistakes are looked for.
    texts: Vec<String>,
    /// Named translations, such as phenomenon id to parameter name.
    lookups: BTreeMap<String, BTreeMap<String, String>>,
    /// The tables in the order of declaration.
    pub tables: Vec<Table>,
    /// Declared rows that SQL reads: `settings` and the lists.
    pub lists: Vec<List>,
    /// The views by name.
    pub views: Vec<View>,
    /// The models by name.
    pub models: Vec<Model>,
    /// The text of `report.toml`, if there is one: which pages there are.
    pub report: Option<String>,
    /// The texts of unit tests, by model: [`case::cases`] reads them.
    pub cases: BTreeMap<String, String>,
    /// A fingerprint of the declared rows: models depend on them.
    pub lists_fingerprint: String,
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
    settings: toml::Table,
    #[serde(default)]
    bounds: BTreeMap<String, Bound>,
    #[serde(default)]
    list: toml::Table,
    #[serde(default)]
    table: toml::Table,
}

/// A mistake and the file of the dataset that has it.
type MistakeIn = (String, Mistake);

const DATASET_FILE: &str = "dataset.toml";
/// The file that declares a dataset's report pages.
pub const REPORT_FILE: &str = "report.toml";

impl Dataset {
    /// Reads a dataset from the parsed `dataset.toml` and its SQL files (file name and text).
    fn new(name: &str, declared: toml::Table, queries: &BTreeMap<String, String>) -> Result<Self, MistakeIn> {
        let mut dataset = Self::declared(name, declared).map_err(|mistake| (DATASET_FILE.to_owned(), mistake))?;
        for (file, text) in queries {
            match SqlFile::new(file, text).map_err(|mistake| (file.clone(), mistake))? {
                SqlFile::Model(model) => dataset.models.push(*model),
                SqlFile::View(view) => dataset.views.push(view),
            }
        }
        dataset.check_names()?;
        dataset.check_inputs()?;
        dataset.check_settings(queries)?;
        Ok(dataset)
    }

    fn declared(name: &str, declared: toml::Table) -> Result<Self, Mistake> {
        let parsed: DatasetFile = declared.try_into().map_err(|error| Mistake::toml(&error))?;
        let zone: Tz = parsed.time_zone.parse().map_err(|_| {
            let why =
                format!("\"{}\" is not in the time zone database: write one like Europe/Brussels", parsed.time_zone);
            Mistake::new(why).within("time_zone")
        })?;
        let context = format!("{} {:?} {:?}", parsed.time_zone, parsed.stamp, parsed.lookup);
        let lists_fingerprint =
            crate::hash::texts([parsed.settings.to_string(), parsed.list.to_string()].iter().map(String::as_str));
        let mut tables = Vec::new();
        for (table, declared) in parsed.table {
            for outside in ["raw/".to_owned(), format!("{name}/")] {
                if declared.get("from").is_some_and(|from| from.to_string().contains(&format!("\"{outside}"))) {
                    let why = format!("leave out {outside}: names of files are seen from raw/{name}/");
                    return Err(Mistake::new(why).within("from").within(&table).within("table"));
                }
            }
            let made = Table::new(&table, declared, &context, zone);
            let made = made.and_then(|made| made.beside(&tables).map(|()| made));
            tables.push(made.map_err(|mistake| mistake.within(&table).within("table"))?);
        }
        let settings = List::settings(&parsed.settings).map_err(|mistake| mistake.within(SETTINGS))?;
        check_bounds(&parsed.settings, &parsed.bounds)?;
        let mut lists = vec![settings];
        for (list, declared) in parsed.list {
            let made = List::new(&list, declared);
            lists.push(made.map_err(|mistake| mistake.within(&list).within("list"))?);
        }
        Ok(Self {
            name: name.to_owned(),
            title: parsed.title,
            zone,
            stamp: parsed.stamp,
            source: parsed.source,
            texts: Vec::new(),
            lookups: parsed.lookup,
            tables,
            lists,
            views: Vec::new(),
            models: Vec::new(),
            report: None,
            cases: BTreeMap::new(),
            lists_fingerprint,
        })
    }

    /// Tables, views, models and lists share one space of names.
    fn check_names(&self) -> Result<(), MistakeIn> {
        let tables = self.tables.iter().map(|table| (table.name.as_str(), DATASET_FILE.to_owned()));
        let lists = self.lists.iter().map(|list| (list.name.as_str(), DATASET_FILE.to_owned())).skip(1);
        let queries =
            self.views.iter().map(|view| view.name.as_str()).chain(self.models.iter().map(|model| model.name.as_str()));
        let queries = queries.map(|name| (name, format!("{name}.sql")));
        let mut known: BTreeSet<String> = RESERVED.iter().map(|name| (*name).to_owned()).collect();
        for (name, file) in tables.chain(lists).chain(queries) {
            // A name of SQL, of a folder, and of a table in a catalog, where letters are small.
            let letters = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_';
            let is_name = name.bytes().all(letters) && name.starts_with(|first: char| !first.is_ascii_digit());
            if !is_name || name.len() > LONGEST_NAME {
                let why = format!(
                    "\"{name}\" is no name: use up to {LONGEST_NAME} letters from a to z, digits and _, and begin with a letter"
                );
                return Err((file, Mistake::new(why)));
            }
            if !known.insert(name.to_ascii_lowercase()) {
                return Err((file, Mistake::new(format!("there is already something named \"{name}\""))));
            }
        }
        let mut files: BTreeMap<String, &str> = BTreeMap::new();
        for model in &self.models {
            for (option, name) in model.files() {
                if let Some(other) = files.insert(name.clone(), &model.name) {
                    let why = format!("{option}: {name} is a file of the model {other} as well");
                    return Err((format!("{}.sql", model.name), Mistake::new(why).within("[model]")));
                }
            }
        }
        Ok(())
    }

    /// Settings are there for SQL: one that no SQL names is most likely another one's name, mistyped.
    fn check_settings(&self, queries: &BTreeMap<String, String>) -> Result<(), MistakeIn> {
        let all = [format!("{SETTINGS}.*"), format!("* FROM {SETTINGS}")];
        if queries.values().any(|sql| all.iter().any(|all| sql.contains(all))) {
            return Ok(());
        }
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let names = |sql: &str, name: &str| {
            sql.match_indices(name).any(|(at, _)| {
                let (before, after) =
                    (sql.get(..at).unwrap_or_default(), sql.get(at + name.len()..).unwrap_or_default());
                !before.ends_with(is_word) && !after.starts_with(is_word)
            })
        };
        let is_read = |name: &str| queries.values().any(|sql| names(sql, name));
        let settings = self.lists.iter().filter(|list| list.name == SETTINGS);
        let fields = settings.flat_map(|list| list.rows.schema_ref().fields());
        // Without settings there is a column all the same, of no type.
        let known: Vec<&str> =
            fields.filter(|field| !field.data_type().is_null()).map(|field| field.name().as_str()).collect();
        let Some(unknown) = known.iter().find(|name| !is_read(name)) else { return Ok(()) };
        let read: Vec<&str> = known.iter().copied().filter(|name| is_read(name)).collect();
        let why = match read.as_slice() {
            [] => "no SQL of this dataset reads it".to_owned(),
            read => format!("no SQL of this dataset reads it; there are {}", read.join(", ")),
        };
        Err((DATASET_FILE.to_owned(), Mistake::new(why).within(unknown).within(SETTINGS)))
    }

    /// The table of that name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The view of that name.
    pub fn view(&self, name: &str) -> Option<&View> {
        self.views.iter().find(|view| view.name == name)
    }

    /// The model of that name.
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
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
        self.source.clone().try_into().map_err(|error: toml::de::Error| {
            let mistake = Mistake::toml(&error).within("source");
            self.wrong(&mistake)
        })
    }

    /// What is wrong with a value of `[source]` that its type does not show.
    pub fn wrong_source(&self, key: &str, why: &str) -> Error {
        let keys = key.rsplit('.');
        self.wrong(&keys.fold(Mistake::new(why), |mistake, key| mistake.within(key)).within("source"))
    }

    fn wrong(&self, mistake: &Mistake) -> Error {
        let line = self.texts.iter().rev().find_map(|text| mistake.line(text));
        Error::Dataset { file: place(&format!("{}/{DATASET_FILE}", self.name), line), why: mistake.to_string() }
    }

    /// The names of its tables and models.
    pub fn names(&self) -> Vec<&str> {
        let tables = self.tables.iter().map(|table| table.name.as_str());
        tables.chain(self.models.iter().map(|model| model.name.as_str())).collect()
    }

    /// What is to be said of a name that is none of them.
    pub fn unknown(&self, name: &str) -> String {
        let known = self.names();
        let meant = did_you_mean(name, known.iter().copied());
        format!("{} has no \"{name}\"; it has {}{meant}", self.name, known.join(", "))
    }

    /// A named translation; empty if there is none of that name.
    pub fn lookup(&self, name: &str) -> BTreeMap<String, String> {
        self.lookups.get(name).cloned().unwrap_or_default()
    }
}
