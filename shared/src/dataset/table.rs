//! One table's declaration: which raw objects feed it, how they are read, and its columns.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use chrono_tz::Tz;
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize;

use super::column::{Column, ColumnType, one_or_many};
use super::mistake::Mistake;
use crate::hash;
use crate::partition::PartitionBy;

/// The column that every table has: when the raw object (or the response in it) arrived.
pub const RECEIVED_AT: &str = "received_at";

/// What may follow a raw object's name, and stands for its compression.
pub const COMPRESSIONS: [&str; 2] = [".gz", ".zst"];

/// How raw bytes become rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Comma-separated values (RFC 4180), with or without a header.
    Csv,
    /// The same with tabs.
    Tsv,
    /// A JSON document with a list of objects, or one object.
    Json,
    /// One JSON object per line.
    Ndjson,
    /// A source's responses, one per line, with rows in their bodies.
    Responses,
    /// Hourly values of many series, as IRCELINE answers.
    IrcelineValues,
    /// Weeks of points and of commits, as Codetrack answers.
    CodetrackWeeks,
}

/// Whether a CSV file has a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Header {
    /// The first line is a header if it names columns, or if no value of it fits its column.
    #[default]
    Auto,
    /// The first line is a header.
    Always,
    /// There is none: columns come in the order of declaration.
    Never,
}

/// A table as declared in `dataset.toml`.
#[derive(Debug, Clone)]
pub struct Table {
    /// The table's name.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// The globs of raw objects that feed it, below the dataset's folder.
    pub files: Vec<String>,
    /// How raw bytes become rows; `None`: as the raw object's name ends.
    format: Option<Format>,
    /// Formats of JSON: the JSON pointer of the rows in the document or body.
    pub rows: String,
    /// Format `csv`: what stands between two values.
    pub delimiter: u8,
    /// Formats `csv` and `tsv`: whether there is a header.
    pub header: Header,
    /// How the table is cut.
    pub partition: PartitionBy,
    /// Whether each raw object is the whole table: only the newest one's rows count.
    pub snapshot: bool,
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

/// How far apart the days of two rows with the same key can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// They are the same, or the table is not cut by time.
    SameDay,
    /// At most [`Spread::NEAR`] days: the key has the instant of which the day is the local date.
    NearDays,
    /// Any number of days.
    AnyDay,
}

impl Spread {
    /// Local dates of one instant differ by at most this, from the greatest to the least offset.
    pub const NEAR: u64 = 2;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    #[serde(default)]
    about: String,
    #[serde(deserialize_with = "one_or_many")]
    from: Vec<String>,
    #[serde(default)]
    format: Option<Format>,
    #[serde(default)]
    rows: String,
    #[serde(default = "comma")]
    delimiter: char,
    #[serde(default)]
    header: Header,
    #[serde(default)]
    partition: PartitionBy,
    #[serde(default)]
    snapshot: bool,
    #[serde(default)]
    key: Vec<String>,
    #[serde(default)]
    siblings: Vec<String>,
    measure: Option<String>,
    #[serde(default)]
    key_decides_day: bool,
    #[serde(default)]
    column: toml::Table,
}

fn comma() -> char {
    ','
}

impl Table {
    /// `context` is what the dataset declares for all its tables: it is part of the fingerprint. `zone` is its time zone.
    pub(super) fn new(name: &str, declared: toml::Value, context: &str, zone: Tz) -> Result<Self, Mistake> {
        let fingerprint = hash::texts([context, &declared.to_string()]);
        let file: TableFile = declared.try_into().map_err(|error| Mistake::toml(&error))?;
        let mut columns = Vec::new();
        for (name, declared) in file.column {
            let mut column: Column =
                declared.try_into().map_err(|error| Mistake::toml(&error).within(&name).within("column"))?;
            column.settle(name, zone);
            if let Some((option, why)) = column.mistake() {
                return Err(Mistake::new(why).within(option).within(&column.name).within("column"));
            }
            columns.push(column);
        }
        let mut table = Self {
            name: name.to_owned(),
            about: file.about,
            format: file.format,
            rows: file.rows,
            delimiter: u8::try_from(file.delimiter)
                .map_err(|_| Mistake::new("a delimiter is one ASCII character").within("delimiter"))?,
            header: file.header,
            partition: file.partition,
            snapshot: file.snapshot,
            key: file.key,
            key_decides_day: file.key_decides_day,
            siblings: file.siblings,
            measure: file.measure,
            columns,
            fingerprint,
            from: globs(&file.from).map_err(|error| Mistake::new(error).within("from"))?,
            files: file.from,
        };
        table.check()?;
        Ok(table)
    }

    /// Finds what does not fit together; makes the partition's day required.
    fn check(&mut self) -> Result<(), Mistake> {
        if self.columns.is_empty() {
            return Err(Mistake::new("the table has no columns: add [table.NAME.column.COLUMN] with a type"));
        }
        let known = |column: &String| self.columns.iter().any(|known| known.name == *column);
        for (option, column) in
            self.key.iter().map(|column| ("key", column)).chain(self.measure.iter().map(|column| ("measure", column)))
        {
            if !known(column) {
                return Err(Mistake::new(format!("there is no column \"{column}\"")).within(option));
            }
        }
        if known(&RECEIVED_AT.to_owned()) {
            let why = "every table has this column by itself: leave it out";
            return Err(Mistake::new(why).within(RECEIVED_AT).within("column"));
        }
        for column in &self.columns {
            let Some(of) = &column.day_of else { continue };
            if !self.column(of).is_some_and(|of| of.kind == ColumnType::Timestamp) {
                let why = format!("there is no timestamp column \"{of}\"");
                return Err(Mistake::new(why).within("day_of").within(&column.name).within("column"));
            }
        }
        if self.snapshot && self.partition != PartitionBy::Nothing {
            return Err(Mistake::new("a snapshot has no partitions").within("partition"));
        }
        if let Some(name) = self.partition.columns().into_iter().find(|name| known(&(*name).to_owned())) {
            let why = format!("a partition and a column cannot both be named \"{name}\": name the column otherwise");
            return Err(Mistake::new(why).within("partition"));
        }
        let text_only = matches!(self.format, Some(Format::Csv | Format::Tsv));
        if let Some(column) = self.columns.iter().find(|column| text_only && column.path.is_some()) {
            let why = "a path is for JSON: write field = \"name in the header\"";
            return Err(Mistake::new(why).within("path").within(&column.name).within("column"));
        }
        if let PartitionBy::Time(_, day) = &self.partition {
            let is_date = |column: &&mut Column| column.name == *day && column.kind == ColumnType::Date;
            let column = self.columns.iter_mut().find(is_date);
            let column =
                column.ok_or_else(|| Mistake::new(format!("there is no date column \"{day}\"")).within("partition"))?;
            // A row without a day belongs to no partition.
            column.required = true;
        }
        Ok(())
    }

    /// Whether a raw object feeds this table, by its key below the dataset.
    pub fn takes(&self, path: &str) -> bool {
        self.from.is_match(path)
    }

    /// How a raw object becomes rows: as declared, or as its name ends. `None` if neither tells.
    pub fn format_of(&self, raw_key: &str) -> Option<Format> {
        if self.format.is_some() {
            return self.format;
        }
        let name = COMPRESSIONS.iter().find_map(|ending| raw_key.strip_suffix(ending)).unwrap_or(raw_key);
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" => Some(Format::Csv),
            "tsv" | "tab" => Some(Format::Tsv),
            "json" => Some(Format::Json),
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            _ => None,
        }
    }

    /// How the table's objects lie in the standard zone. Those of another layout cannot be read together with them.
    pub fn layout(&self) -> String {
        let snapshot = if self.snapshot { " snapshot" } else { "" };
        let of = match &self.partition {
            PartitionBy::Time(_, day) => format!(" of {day}"),
            // Version 0.1 wrote the value into the path alone.
            PartitionBy::Key(_) if self.key_column().is_some() => " of key".to_owned(),
            PartitionBy::Key(_) | PartitionBy::Nothing => String::new(),
        };
        format!("{}{of}{snapshot}", self.partition.columns().join("/"))
    }

    /// Whether two rows with the same key always fall on the same day: declared, or the day is part of the key.
    pub fn keeps_day(&self) -> bool {
        self.key_decides_day || matches!(&self.partition, PartitionBy::Time(_, day) if self.key.contains(day))
    }

    /// The time in the key of a table in which one key may be on several days: rows of the same key have the same time.
    pub fn key_time(&self) -> Option<&str> {
        let is_time = |name: &&String| {
            self.column(name).is_some_and(|column| column.kind == ColumnType::Timestamp && column.required)
        };
        let is_needed = matches!(self.partition, PartitionBy::Time(..)) && !self.keeps_day();
        self.key.iter().find(is_time).filter(|_| is_needed).map(String::as_str)
    }

    /// How far apart the days of two rows with the same key can be.
    pub fn spread(&self) -> Spread {
        let PartitionBy::Time(_, day) = &self.partition else { return Spread::SameDay };
        if self.keeps_day() || self.key.is_empty() {
            return Spread::SameDay;
        }
        let fields = |column: &Column| column.fields().map(str::to_owned).collect::<Vec<_>>();
        let of_day = self.column(day).map(fields);
        // The same instant, in whatever offset.
        let is_instant = |name: &String| {
            let instant = self.column(name).filter(|column| column.kind == ColumnType::Timestamp);
            instant.is_some_and(|column| Some(fields(column)) == of_day)
        };
        if self.key.iter().any(is_instant) { Spread::NearDays } else { Spread::AnyDay }
    }

    /// Checks that a model can be cut by time along a date column of this table, so that each row falls into one
    /// partition. Errors say what would be right.
    pub fn days_by(&self, column: &str) -> Result<(), String> {
        match &self.partition {
            PartitionBy::Time(_, day) if day == column => return Ok(()),
            PartitionBy::Time(_, day) => {
                return Err(format!(
                    "the first input, {}, is cut by \"{day}\": name that column in place of \"{column}\"",
                    self.name
                ));
            }
            // The path's own date: rows have it by the name of the key's part.
            PartitionBy::Key(name) if name == "date" && column == "date" => return Ok(()),
            PartitionBy::Key(_) | PartitionBy::Nothing => {}
        }
        let declared = self.column(column).filter(|declared| declared.kind == ColumnType::Date && column == "day");
        match declared {
            Some(declared) if declared.required => Ok(()),
            Some(_) => Err(format!(
                "the first input, {}, may have rows without a \"day\", which would be in no partition: write required = true for that column",
                self.name
            )),
            None => Err(format!(
                "nothing says the days of the first input, {}: cut it by time along \"{column}\", or give it a date column \"day\" and partition by that",
                self.name
            )),
        }
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The schema of the table's Parquet files: the declared columns and [`RECEIVED_AT`].
    ///
    /// Of a table that is cut by a part of its raw keys, objects have one column more: [`Table::key_column`].
    pub fn schema(&self) -> SchemaRef {
        let mut fields: Vec<Field> =
            self.columns.iter().map(|column| Field::new(&column.name, column.kind.arrow(), true)).collect();
        fields.push(Field::new(RECEIVED_AT, ColumnType::Timestamp.arrow(), true));
        Arc::new(Schema::new(fields))
    }
}

impl Table {
    /// The column that objects have behind those of [`Table::schema`]: the part of the raw key by which the table is cut,
    /// as text. In the path alone it would be a number to some engines, and `10.1` and `10.10` the same. Dates and other
    /// periods are what they are in a path as well.
    pub fn key_column(&self) -> Option<Field> {
        let PartitionBy::Key(name) = &self.partition else { return None };
        let is_period = matches!(name.as_str(), "date" | "month" | "week" | "year");
        (!is_period && self.column(name).is_none()).then(|| Field::new(name, ColumnType::String.arrow(), true))
    }

    /// The columns of the table's objects.
    pub fn object_schema(&self) -> SchemaRef {
        let schema = self.schema();
        match self.key_column() {
            None => schema,
            Some(field) => {
                let fields = schema.fields().iter().cloned().chain([Arc::new(field)]);
                Arc::new(Schema::new(fields.collect::<Vec<_>>()))
            }
        }
    }
}

/// Globs in which `*` stays within one segment; `.gz` and `.zst` may follow each.
fn globs(patterns: &[String]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        for ending in ["", ".gz", ".zst"] {
            let glob: Glob = GlobBuilder::new(&format!("{pattern}{ending}")).literal_separator(true).build()?;
            set.add(glob);
        }
    }
    set.build()
}
