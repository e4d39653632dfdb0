//! One table's declaration: which raw objects feed it, how they are read, and its columns.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use chrono_tz::Tz;
use serde::Deserialize;

use super::column::{Column, ColumnType, Missing, one_or_many};
use super::globs::{ARCHIVE, COMPRESSIONS, Globs, with_lower_endings};
use super::mistake::Mistake;
use super::options::{Encoding, Format, Header, Quote, Sheet};
use crate::hash;
use crate::partition::PartitionBy;
use crate::suggest::did_you_mean;

/// The column that every table has: when the raw object (or the response in it) arrived.
pub const RECEIVED_AT: &str = "received_at";

/// The option that describes a table or a column.
const ABOUT: &str = "about";

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
    /// Formats of JSON: the pointers, one within the other, of lists in a row whose elements are the rows in its place.
    pub explode: Vec<String>,
    /// Format `csv`: what stands between two values.
    pub delimiter: u8,
    /// Formats `csv`, `tsv` and `xlsx`: whether there is a header.
    pub header: Header,
    /// The same: lines before anything else that are no rows.
    pub skip_lines: u64,
    /// Formats `csv` and `tsv`: what a line begins with that is no row.
    pub comment: Option<u8>,
    /// The same: what stands around values that have other characters in them, if anything does.
    pub quote: Option<u8>,
    /// The same: whether blanks around quotes are no part of a value.
    pub skips_blanks: bool,
    /// The same: what takes the meaning from the character behind it.
    pub escape: Option<u8>,
    /// Formats of text: how bytes are characters, if no byte order mark says it.
    pub encoding: Encoding,
    /// Names in a `.zip` that are read; `None`: all.
    entries: Option<Globs>,
    /// Format `xlsx`: the sheet; `None`: the only one with cells.
    pub sheet: Option<Sheet>,
    /// How the table is cut.
    pub partition: PartitionBy,
    /// Whether each raw object is the whole table: only the newest one's rows count.
    pub snapshot: bool,
    /// The columns that tell rows of a partition apart; the newest raw object wins.
    pub key: Vec<String>,
    /// Whether two rows with the same key always fall on the same day, so that raw objects of different days need not
    /// be compared.
    pub key_decides_day: bool,
    /// Whether a null is a value of a key like any other. Else a row without a value of its key is rejected: nothing tells
    /// it from others.
    pub key_may_be_null: bool,
    /// Raw objects in the same folder that are needed to clean this one.
    pub siblings: Vec<String>,
    /// The column whose missing values are counted, if one is the point of the table.
    pub measure: Option<String>,
    /// The columns as declared, without [`RECEIVED_AT`].
    pub columns: Vec<Column>,
    /// A fingerprint of the declaration: a raw object cleaned under another one was cleaned by other rules.
    pub fingerprint: String,
    from: Globs,
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
    #[serde(default, deserialize_with = "one_or_many")]
    entries: Vec<String>,
    #[serde(default)]
    skip_blanks: bool,
    #[serde(default)]
    rows: String,
    #[serde(default, deserialize_with = "one_or_many")]
    explode: Vec<String>,
    delimiter: Option<char>,
    #[serde(default)]
    header: Header,
    #[serde(default)]
    skip_lines: u64,
    comment: Option<char>,
    quote: Option<Quote>,
    escape: Option<char>,
    encoding: Option<Encoding>,
    sheet: Option<Sheet>,
    #[serde(default)]
    trim: bool,
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
    key_may_be_null: bool,
    #[serde(default)]
    column: toml::Table,
}

impl TableFile {
    /// An option that is one ASCII character.
    fn character(option: &str, declared: Option<char>) -> Result<Option<u8>, Mistake> {
        let sound = |character: char| {
            u8::try_from(character)
                .ok()
                .filter(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'\r' | b'\n' | 0))
        };
        let why = || Mistake::new(format!("{option} is one ASCII character, no letter or digit")).within(option);
        declared.map(|character| sound(character).ok_or_else(why)).transpose()
    }

    /// Finds options of CSV and of other formats that contradict each other, or that the format has no use for.
    fn check_dialect(&self) -> Result<(), Mistake> {
        let has = |formats: &[Format]| self.format.is_none_or(|format| formats.contains(&format));
        let is_lines = has(&[Format::Csv, Format::Tsv]);
        let is_sheet = is_lines || has(&[Format::Xlsx]);
        let is_json = has(&[Format::Json, Format::Ndjson]);
        let only_for = [
            ("delimiter", self.delimiter.is_some(), has(&[Format::Csv]), "csv"),
            ("header", self.header != Header::Auto, is_sheet, "csv, tsv and xlsx"),
            ("skip_lines", self.skip_lines > 0, is_sheet, "csv, tsv and xlsx"),
            ("comment", self.comment.is_some(), is_lines, "csv and tsv"),
            ("quote", self.quote.is_some(), is_lines, "csv and tsv"),
            ("skip_blanks", self.skip_blanks, is_lines, "csv and tsv"),
            ("escape", self.escape.is_some(), is_lines, "csv and tsv"),
            ("encoding", self.encoding.is_some(), is_lines || is_json, "csv, tsv, json and ndjson"),
            ("sheet", self.sheet.is_some(), has(&[Format::Xlsx]), "xlsx"),
            ("explode", !self.explode.is_empty(), is_json, "json and ndjson"),
        ];
        if let Some((option, .., formats)) = only_for.into_iter().find(|(_, is_set, fits, _)| *is_set && !fits) {
            return Err(Mistake::new(format!("{option} is for the formats {formats}")).within(option));
        }
        let delimiter = self.delimiter.unwrap_or(if self.format == Some(Format::Tsv) { '\t' } else { ',' });
        let Quote(quote) = self.quote.unwrap_or_default();
        let characters =
            [("quote", quote), ("delimiter", Some(delimiter)), ("comment", self.comment), ("escape", self.escape)];
        for (at, (option, character)) in characters.iter().enumerate().skip(1) {
            let same = characters.iter().take(at).find(|(_, known)| character.is_some() && known == character);
            if let Some((other, _)) = same {
                return Err(Mistake::new(format!("{option} and {other} are the same character")).within(option));
            }
        }
        if let Some(pointer) = self.explode.iter().find(|pointer| !pointer.starts_with('/')) {
            let why = format!("\"{pointer}\" is no JSON pointer: write one like \"/readings\"");
            return Err(Mistake::new(why).within("explode"));
        }
        Ok(())
    }
}

/// What is to be said of a name that is none of the `known` columns.
fn no_column(kind: &str, name: &str, known: &[&str]) -> String {
    let meant = did_you_mean(name, known.iter().copied());
    match known {
        [] => format!("there is no {kind} \"{name}\", and no other {kind}"),
        [one] => format!("there is no {kind} \"{name}\"; the only one is {one}{meant}"),
        known => format!("there is no {kind} \"{name}\"; there are {}{meant}", known.join(", ")),
    }
}

/// A table's declaration but for what is said to people: other words are no other rules.
fn without_words(declared: &toml::Value) -> toml::Value {
    let mut rules = declared.clone();
    let Some(table) = rules.as_table_mut() else { return rules };
    table.remove(ABOUT);
    let columns = table.get_mut("column").and_then(toml::Value::as_table_mut);
    for column in columns.into_iter().flat_map(|columns| columns.iter_mut().map(|(_, column)| column)) {
        if let Some(column) = column.as_table_mut() {
            column.remove(ABOUT);
        }
    }
    rules
}

impl Table {
    /// `context` is what the dataset declares for all its tables: it is part of the fingerprint. `zone` is its time zone.
    pub(super) fn new(name: &str, declared: toml::Value, context: &str, zone: Tz) -> Result<Self, Mistake> {
        let fingerprint = hash::texts([context, &without_words(&declared).to_string()]);
        let file: TableFile = declared.try_into().map_err(|error| Mistake::toml(&error))?;
        file.check_dialect()?;
        let mut columns = Vec::new();
        for (name, declared) in file.column {
            let mut column: Column =
                declared.try_into().map_err(|error| Mistake::toml(&error).within(&name).within("column"))?;
            column.settle(name, zone);
            column.is_trimmed = file.trim;
            if let Some((option, why)) = column.mistake() {
                return Err(Mistake::new(why).within(option).within(&column.name).within("column"));
            }
            // In such a dump `\N` is NULL by itself; a text that is the same stands there as `\\N`.
            if file.escape == Some('\\') {
                column.missing.retain(|missing| !matches!(missing, Missing::Text(text) if text == "\\N"));
            }
            columns.push(column);
        }
        let mut table = Self {
            name: name.to_owned(),
            about: file.about,
            format: file.format,
            rows: file.rows,
            explode: file.explode,
            delimiter: TableFile::character("delimiter", file.delimiter)?.unwrap_or(b','),
            header: file.header,
            skip_lines: file.skip_lines,
            comment: TableFile::character("comment", file.comment)?,
            quote: TableFile::character("quote", file.quote.unwrap_or_default().0)?,
            skips_blanks: file.skip_blanks,
            escape: TableFile::character("escape", file.escape)?,
            encoding: file.encoding.unwrap_or_default(),
            entries: match file.entries.as_slice() {
                [] => None,
                entries => Some(Globs::new(entries).map_err(|error| Mistake::new(error).within("entries"))?),
            },
            sheet: file.sheet,
            partition: file.partition,
            snapshot: file.snapshot,
            key: file.key,
            key_decides_day: file.key_decides_day,
            key_may_be_null: file.key_may_be_null,
            siblings: file.siblings,
            measure: file.measure,
            columns,
            fingerprint,
            from: Globs::new(&file.from).map_err(|error| Mistake::new(error).within("from"))?,
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
                let known: Vec<&str> = self.columns.iter().map(|known| known.name.as_str()).collect();
                return Err(Mistake::new(no_column("column", column, &known)).within(option));
            }
        }
        if known(&RECEIVED_AT.to_owned()) {
            let why = "every table has this column by itself: leave it out";
            return Err(Mistake::new(why).within(RECEIVED_AT).within("column"));
        }
        for column in &self.columns {
            let Some(of) = &column.day_of else { continue };
            if !self.column(of).is_some_and(|of| of.kind == ColumnType::Timestamp) {
                let why = no_column("timestamp column", of, &self.names_of(ColumnType::Timestamp));
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
        self.check_parents()?;
        let is_flat = |name: &String| {
            matches!(self.format_of(name), Some(Format::Csv | Format::Tsv | Format::Xlsx | Format::Parquet))
        };
        let all_flat = !self.files.is_empty() && self.files.iter().all(is_flat);
        if let Some(column) = self.columns.iter().find(|column| all_flat && column.path.is_some()) {
            let why = "a path is for JSON: write field = \"name in the header\"";
            return Err(Mistake::new(why).within("path").within(&column.name).within("column"));
        }
        if let PartitionBy::Time(_, day) = &self.partition {
            let unknown = no_column("date column", day, &self.names_of(ColumnType::Date));
            let is_date = |column: &&mut Column| column.name == *day && column.kind == ColumnType::Date;
            let column = self.columns.iter_mut().find(is_date);
            let column = column.ok_or_else(|| Mistake::new(unknown).within("partition"))?;
            // A row without a day belongs to no partition.
            column.required = true;
        }
        Ok(())
    }

    fn names_of(&self, kind: ColumnType) -> Vec<&str> {
        self.columns.iter().filter(|column| column.kind == kind).map(|column| column.name.as_str()).collect()
    }

    /// A path such as `^/id` begins in the row that was exploded: there must be one.
    fn check_parents(&self) -> Result<(), Mistake> {
        let levels =
            |column: &Column| column.path.as_ref().map_or(0, |path| path.bytes().take_while(|b| *b == b'^').count());
        let beyond = self.columns.iter().find(|column| levels(column) > self.explode.len());
        let Some(column) = beyond else { return Ok(()) };
        let why = format!(
            "each ^ is the row around an exploded list, and there are {} of them: add explode = \"/pointer/to/the/list\"",
            self.explode.len()
        );
        Err(Mistake::new(why).within("path").within(&column.name).within("column"))
    }

    /// Refuses a table for which those before it leave nothing: the first table that takes an object gets it.
    pub(super) fn beside(&self, before: &[Self]) -> Result<(), Mistake> {
        let takes =
            |table: &&Self, pattern: &String| table.files.iter().any(|known| known == pattern || known == "**/*");
        let first = |pattern: &String| before.iter().find(|table| takes(table, pattern));
        let Some(other) = self.files.first().and_then(first) else { return Ok(()) };
        if !self.files.iter().all(|pattern| first(pattern).is_some()) {
            return Ok(());
        }
        let why = format!(
            "table {} comes first and takes all of these: an object feeds the first table whose from takes it, so give each \
             table names of its own",
            other.name
        );
        Err(Mistake::new(why).within("from"))
    }

    /// Whether a raw object feeds this table, by its key below the dataset. Endings count without regard to case.
    pub fn takes(&self, path: &str) -> bool {
        self.from.takes(path)
    }

    /// Whether a file in a `.zip` is one that is read, by its name there.
    pub fn takes_entry(&self, name: &str) -> bool {
        self.entries.as_ref().is_none_or(|entries| entries.takes(name))
    }

    /// How a raw object becomes rows: as declared, or as its name ends. `None` if neither tells.
    pub fn format_of(&self, raw_key: &str) -> Option<Format> {
        if self.format.is_some() {
            return self.format;
        }
        let raw_key = with_lower_endings(raw_key);
        let plain = COMPRESSIONS.iter().find_map(|ending| raw_key.strip_suffix(ending)).unwrap_or(&raw_key);
        let name = plain.strip_suffix(ARCHIVE).unwrap_or(plain);
        match name.rsplit_once('.')?.1 {
            "csv" => Some(Format::Csv),
            "tsv" | "tab" => Some(Format::Tsv),
            "json" => Some(Format::Json),
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "xlsx" | "xlsm" => Some(Format::Xlsx),
            "parquet" => Some(Format::Parquet),
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

    /// The columns by which rows are compared to find the newest: the key, and within the part of the raw key by which the
    /// table is cut. None where each row counts.
    pub fn compared_by(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = self.key.iter().map(String::as_str).collect();
        if let (PartitionBy::Key(name), false) = (&self.partition, columns.is_empty()) {
            columns.push(name);
        }
        columns
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
        let joined = |column: &Column| column.joined.join("\n");
        let fields = |column: &Column| (column.fields().map(str::to_owned).collect::<Vec<_>>(), joined(column));
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
                "nothing says the days of the first input, {}: cut it by time along \"{column}\", or give it a date column \"day\" and partition by that, or leave out the model's partition",
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

#[cfg(test)]
mod tests;
