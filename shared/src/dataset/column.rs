//! One column's declaration: type, where its value comes from, and the rules a value must pass.

use std::borrow::Cow;
use std::fmt;

use arrow::datatypes::{DataType, TimeUnit};
use chrono::NaiveDate;
use chrono_tz::Tz;
use regex::Regex;
use serde::{Deserialize, Deserializer};

use super::number::Number;
use super::time_format::{Lettered, TimeFormat};

/// A column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// UTF-8 text.
    String,
    /// Signed 64-bit integer.
    Int64,
    /// Double precision.
    Float64,
    /// True or false.
    Bool,
    /// A calendar date.
    Date,
    /// An instant, UTC microseconds.
    Timestamp,
}

impl ColumnType {
    /// The Arrow type of the column in Parquet.
    pub fn arrow(self) -> DataType {
        match self {
            ColumnType::String => DataType::Utf8,
            ColumnType::Int64 => DataType::Int64,
            ColumnType::Float64 => DataType::Float64,
            ColumnType::Bool => DataType::Boolean,
            ColumnType::Date => DataType::Date32,
            ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}

/// What stands before the decimals of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Decimal {
    /// `1234.5`
    #[default]
    #[serde(rename = ".")]
    Point,
    /// `1234,5`
    #[serde(rename = ",")]
    Comma,
}

impl Decimal {
    /// The character itself.
    pub fn character(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }
}

/// What stands between groups of three digits: `.`, `,`, `'`, `_` or a blank. A blank is also one that does not break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Thousands(char);

impl TryFrom<String> for Thousands {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some('\u{a0}' | '\u{202f}' | '\u{2009}'), None) => Ok(Self(' ')),
            (Some('\u{2019}'), None) => Ok(Self('\'')),
            (Some(mark @ ('.' | ',' | '\'' | '_' | ' ')), None) => Ok(Self(mark)),
            _ => Err(format!("\"{text}\" does not stand between thousands: write \".\", \",\", \"'\", \"_\" or \" \"")),
        }
    }
}

impl Thousands {
    /// The mark, in its ASCII form.
    pub fn character(self) -> char {
        self.0
    }

    /// Whether a character is the mark.
    pub fn is(self, character: char) -> bool {
        match self.0 {
            ' ' => matches!(character, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}'),
            '\'' => matches!(character, '\'' | '\u{2019}'),
            mark => character == mark,
        }
    }

    /// The digits of a number without the marks between groups of three; `None` if one stands elsewhere. No zero stands
    /// before a mark's first group: `0.123` is written by another rule. What is behind `decimal` or begins an exponent is
    /// left as it is.
    pub fn without(self, text: &str, decimal: char) -> Option<String> {
        let ends_whole = |character: char| character == decimal || matches!(character, 'e' | 'E');
        let (whole, rest) = text.split_at_checked(text.find(ends_whole).unwrap_or(text.len()))?;
        let (sign, digits) = match whole.strip_prefix(['-', '+']) {
            Some(digits) => (whole.get(..1)?, digits),
            None => ("", whole),
        };
        let groups: Vec<&str> = digits.split(|character| self.is(character)).collect();
        if let [first, others @ ..] = groups.as_slice()
            && !others.is_empty()
            && (!(1..=3).contains(&first.len())
                || first.starts_with('0')
                || others.iter().any(|group| group.len() != 3))
        {
            return None;
        }
        Some(format!("{sign}{}{rest}", groups.concat()))
    }
}

/// Which of two instants a local time is that comes twice, where clocks are set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ambiguous {
    /// By the rows of the same key: as clocks run, or the first and the second of each time, in whatever order they are.
    #[default]
    Order,
    /// The earlier one.
    Earlier,
    /// The later one.
    Later,
    /// Neither: the row is rejected.
    Reject,
}

/// A value that stands for "missing".
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "toml::Value")]
pub enum Missing {
    /// A number, compared by value: `-99.99`.
    Number(f64),
    /// The same of a whole one: beyond 2^53 a double is several of them.
    Integer(i64),
    /// A text, compared as it is: `NaN`.
    Text(String),
}

impl From<toml::Value> for Missing {
    fn from(value: toml::Value) -> Self {
        match value {
            toml::Value::Float(number) => Missing::Number(number),
            toml::Value::Integer(number) => Missing::Integer(number),
            toml::Value::String(text) => Missing::Text(text),
            other => Missing::Text(other.to_string()),
        }
    }
}

/// A column as declared in `dataset.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The column's name in Parquet.
    #[serde(skip)]
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// For people: what the values are, in which unit, by which source.
    #[serde(default)]
    pub about: String,
    /// The field that holds the value, by one of these names: a CSV column (without regard to case), or a member of a
    /// JSON object. Default: the column's own name. Several columns may read one field.
    #[serde(default, deserialize_with = "one_or_many")]
    pub field: Vec<String>,
    /// The fields whose texts, joined by a blank, are the value: a date and a time of day, for one. In place of `field`.
    #[serde(default, rename = "fields", deserialize_with = "at_least_two")]
    pub joined: Vec<String>,
    /// Whether a CSV file or another table with a header may lack the field: its values are missing then.
    #[serde(default)]
    pub optional: bool,
    /// Formats of JSON: the JSON pointer of the value in its row, in place of `field`.
    #[serde(default)]
    pub path: Option<String>,
    /// Format `responses`: the JSON pointer of the value in the request that got the row.
    #[serde(default)]
    pub request: Option<String>,
    /// For dates: the local day, in the dataset's time zone, of this timestamp column.
    #[serde(default)]
    pub day_of: Option<String>,
    /// For timestamps and dates: how they are written; the first that fits.
    #[serde(default, deserialize_with = "one_or_many")]
    pub format: Vec<TimeFormat>,
    /// For timestamps: the time zone of texts without an offset, as declared.
    #[serde(default, rename = "zone")]
    declared_zone: Option<DeclaredZone>,
    /// The same once the dataset is known.
    #[serde(skip)]
    pub zone: Option<Tz>,
    /// For strings: the first group of this pattern is the value; no match is a missing value.
    #[serde(default, deserialize_with = "extract_pattern")]
    pub extract: Option<Regex>,
    /// For strings: what a value must match.
    #[serde(default, deserialize_with = "pattern")]
    pub pattern: Option<Regex>,
    /// For strings: the values there are.
    #[serde(default)]
    pub one_of: Vec<String>,
    /// Whether a missing value rejects the row.
    #[serde(default)]
    pub required: bool,
    /// Values that stand for "missing"; tested before anything else.
    #[serde(default)]
    pub missing: Vec<Missing>,
    /// The least value that is accepted, as declared.
    #[serde(default, rename = "min")]
    declared_min: Option<Number>,
    /// The same as the double nearest to it.
    #[serde(skip)]
    pub min: Option<f64>,
    /// The greatest value that is accepted, as declared.
    #[serde(default, rename = "max")]
    declared_max: Option<Number>,
    /// The same as the double nearest to it.
    #[serde(skip)]
    pub max: Option<f64>,
    /// For numbers: whether they are rounded to whole ones, half to even.
    #[serde(default)]
    pub round: bool,
    /// For numbers: what stands before the decimals in texts.
    #[serde(default)]
    pub decimal: Decimal,
    /// For numbers: what may stand between thousands in texts. Default: nothing.
    #[serde(default)]
    pub thousands: Option<Thousands>,
    /// For numbers: what may stand before or behind one in texts, such as `€` or `%`, and is no part of it.
    #[serde(default, deserialize_with = "one_or_many")]
    pub unit: Vec<String>,
    /// For numbers: whether texts such as `(1.50)` and `1.50-` are negative ones.
    #[serde(default)]
    pub accounting: bool,
    /// For timestamps with a time zone: what a local time is that comes twice.
    #[serde(default, rename = "ambiguous")]
    declared_ambiguous: Option<Ambiguous>,
    /// For strings: whether white space around them is no part of them. Declared for a whole table, as `trim`.
    #[serde(skip)]
    pub is_trimmed: bool,
    /// For dates: those before this one are junk, and missing.
    #[serde(default)]
    pub null_before: Option<NaiveDate>,
    /// For bools: texts that mean true.
    #[serde(default = "true_values")]
    pub true_values: Vec<String>,
    /// For bools: texts that mean false.
    #[serde(default = "false_values")]
    pub false_values: Vec<String>,
    /// Whether the column holds personal data, which never reaches logs, metrics or error texts.
    #[serde(default)]
    pub personal: bool,
}

fn true_values() -> Vec<String> {
    ["true", "t", "yes", "1"].map(str::to_owned).to_vec()
}

fn false_values() -> Vec<String> {
    ["false", "f", "no", "0"].map(str::to_owned).to_vec()
}

impl Column {
    /// Whether a number stands for "missing".
    pub fn is_missing_number(&self, number: f64) -> bool {
        self.missing.iter().any(|missing| match missing {
            Missing::Number(sentinel) => *sentinel == number,
            Missing::Integer(sentinel) => *sentinel as f64 == number,
            Missing::Text(_) => false,
        })
    }

    /// The same for a whole number, exactly.
    pub fn is_missing_int(&self, number: i64) -> bool {
        self.missing.iter().any(|missing| match missing {
            Missing::Number(sentinel) => Number::Float(*sentinel).compare(number).is_eq(),
            Missing::Integer(sentinel) => *sentinel == number,
            Missing::Text(_) => false,
        })
    }

    /// Whether a text stands for "missing"; white space around it does not count.
    pub fn is_missing_text(&self, text: &str) -> bool {
        let text = text.trim();
        self.missing.iter().any(|missing| matches!(missing, Missing::Text(sentinel) if sentinel.trim() == text))
    }

    /// A number's text as it is without its unit, and with a minus before it if it is negative in any way.
    pub fn without_unit<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.unit.is_empty() && !self.accounting {
            return text.into();
        }
        let (mut sign, mut has_unit, mut rest) = ("", false, text.trim());
        // The sign may stand before the unit or behind it.
        for _ in 0..2 {
            if sign.is_empty() {
                let within = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
                let negative = within.or_else(|| rest.strip_suffix('-')).filter(|_| self.accounting);
                let before = || rest.split_at_checked(1).filter(|(sign, _)| matches!(*sign, "-" | "+"));
                if let Some((found, behind)) = negative.map(|rest| ("-", rest)).or_else(before) {
                    (sign, rest) = (found, behind.trim());
                }
            }
            let bare = |unit: &String| {
                // `m3` before a number is not told from its digits.
                let may_begin = !unit.ends_with(|last: char| last.is_ascii_digit());
                rest.strip_suffix(unit.as_str()).or_else(|| rest.strip_prefix(unit.as_str()).filter(|_| may_begin))
            };
            if let Some(bare) = self.unit.iter().find_map(bare).filter(|_| !has_unit) {
                (has_unit, rest) = (true, bare.trim());
            }
        }
        if sign.is_empty() { rest.into() } else { format!("{sign}{rest}").into() }
    }

    /// Whether white space around a string is no part of it: of those of a declared form it never is.
    pub fn trims(&self) -> bool {
        let has_form = self.extract.is_some() || self.pattern.is_some() || !self.one_of.is_empty();
        self.is_trimmed || has_form
    }

    /// What a local time is that comes twice.
    pub fn ambiguous(&self) -> Ambiguous {
        self.declared_ambiguous.unwrap_or_default()
    }

    /// Why a number is not acceptable, as a stable code and a message; `None` if it is.
    pub fn refuse_number(&self, number: f64) -> Option<(&'static str, String)> {
        if !number.is_finite() {
            return Some(("not_finite", "the value is not a finite number".to_owned()));
        }
        if let Some(min) = self.min.filter(|min| number < *min) {
            return Some(("below_minimum", format!("the value is below the least accepted, {min}")));
        }
        let max = self.max.filter(|max| number > *max)?;
        Some(("above_maximum", format!("the value is above the greatest accepted, {max}")))
    }

    /// The same for a whole number, exactly.
    pub fn refuse_int(&self, number: i64) -> Option<(&'static str, String)> {
        if let Some(min) = self.declared_min.filter(|min| min.compare(number).is_gt()) {
            return Some(("below_minimum", format!("the value is below the least accepted, {min}")));
        }
        let max = self.declared_max.filter(|max| max.compare(number).is_lt())?;
        Some(("above_maximum", format!("the value is above the greatest accepted, {max}")))
    }
}

/// A column's time zone: one of its own, or that of its dataset, which a lake may override in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
enum DeclaredZone {
    Dataset,
    Own(Tz),
}

impl TryFrom<String> for DeclaredZone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "dataset" {
            return Ok(Self::Dataset);
        }
        let why =
            |_| format!("\"{text}\" is not in the time zone database, and not \"dataset\", the dataset's own zone");
        text.parse().map(Self::Own).map_err(why)
    }
}

impl Column {
    /// Names the column and decides its time zone.
    pub(super) fn settle(&mut self, name: String, dataset_zone: Tz) {
        self.name = name;
        (self.min, self.max) = (self.declared_min.map(Number::double), self.declared_max.map(Number::double));
        self.zone = self.declared_zone.map(|zone| match zone {
            DeclaredZone::Dataset => dataset_zone,
            DeclaredZone::Own(zone) => zone,
        });
    }

    /// The first option that makes no sense for the column, and why; `None` if all do.
    pub(super) fn mistake(&self) -> Option<(&'static str, String)> {
        let is_time = matches!(self.kind, ColumnType::Timestamp | ColumnType::Date);
        let is_number = matches!(self.kind, ColumnType::Int64 | ColumnType::Float64);
        let is_text = self.kind == ColumnType::String;
        let only_for = [
            ("format", !self.format.is_empty(), is_time, "timestamps and dates"),
            ("zone", self.zone.is_some(), self.kind == ColumnType::Timestamp, "timestamps"),
            ("day_of", self.day_of.is_some(), self.kind == ColumnType::Date, "dates"),
            ("null_before", self.null_before.is_some(), self.kind == ColumnType::Date, "dates"),
            ("min", self.min.is_some(), is_number, "numbers"),
            ("max", self.max.is_some(), is_number, "numbers"),
            ("round", self.round, is_number, "numbers"),
            ("decimal", self.decimal == Decimal::Comma, is_number, "numbers"),
            ("thousands", self.thousands.is_some(), is_number, "numbers"),
            ("unit", !self.unit.is_empty(), is_number, "numbers"),
            ("accounting", self.accounting, is_number, "numbers"),
            ("ambiguous", self.declared_ambiguous.is_some(), self.kind == ColumnType::Timestamp, "timestamps"),
            ("extract", self.extract.is_some(), is_text, "strings"),
            ("pattern", self.pattern.is_some(), is_text, "strings"),
            ("one_of", !self.one_of.is_empty(), is_text, "strings"),
            ("personal", self.personal, is_text || self.kind == ColumnType::Int64, "strings and int64"),
        ];
        if let Some((option, .., kinds)) = only_for.into_iter().find(|(_, is_set, fits, _)| *is_set && !fits) {
            return Some((option, format!("{option} is for {kinds}")));
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Some(("min", format!("min is {min} and max is {max}: no value can be both")));
        }
        if self.thousands.is_some_and(|mark| mark.is(self.decimal.character())) {
            let why = format!(
                "\"{}\" stands before the decimals: declare another one for decimal or thousands",
                self.decimal.character()
            );
            return Some(("thousands", why));
        }
        let is_of_number = |first: char| first.is_ascii_digit() || " +-.,'_()".contains(first);
        if let Some(unit) = self.unit.iter().find(|unit| unit.chars().next().is_none_or(is_of_number)) {
            return Some(("unit", format!("\"{unit}\" begins as a number may: write a unit such as \"€\" or \"%\"")));
        }
        if self.declared_ambiguous.is_some() && self.zone.is_none() {
            return Some(("ambiguous", "only local times come twice: add zone = \"dataset\" or a zone".to_owned()));
        }
        let sources = [
            self.path.is_some(),
            self.request.is_some(),
            self.day_of.is_some(),
            !self.joined.is_empty(),
            // A renamed column may have been a path before.
            !self.field.is_empty() && (!self.joined.is_empty() || self.day_of.is_some()),
        ];
        if sources.into_iter().filter(|is_set| *is_set).count() > 1 {
            let option = if self.joined.is_empty() { "path" } else { "fields" };
            return Some((option, "a value comes from one place: field, fields, path, request or day_of".to_owned()));
        }
        if self.optional && (self.required || self.day_of.is_some() || self.request.is_some()) {
            let why =
                "a file may lack the field of an optional column: it is neither required nor made of anything else";
            return Some(("optional", why.to_owned()));
        }
        if self.kind == ColumnType::Timestamp
            && let Some(why) = self.format.iter().find_map(|format| self.passed_over(format))
        {
            return Some(("format", why));
        }
        let local = self.format.iter().find(|format| !format.has_offset());
        if let (ColumnType::Timestamp, None, Some(format)) = (self.kind, self.zone, local) {
            let pattern = if let TimeFormat::Pattern(pattern) = format { pattern } else { "those of Excel" };
            let why = format!(
                "times like {pattern} do not say how far they are from UTC: add zone = \"Europe/Brussels\" or the like, or zone = \"dataset\""
            );
            return Some(("format", why));
        }
        if let Some((pattern, why)) = self.format.iter().find_map(|format| format.lacks(self.kind == ColumnType::Date))
        {
            return Some(("format", format!("\"{pattern}\" is no {why}")));
        }
        let epoch = self.format.iter().any(|format| {
            matches!(format, TimeFormat::EpochMs | TimeFormat::EpochS | TimeFormat::EpochUs | TimeFormat::EpochNs)
        });
        if self.kind == ColumnType::Date && epoch {
            return Some((
                "format",
                "a date is not counted from 1970: read a timestamp, and take day_of it".to_owned(),
            ));
        }
        None
    }

    /// A column of the options that `dataset.toml` would have.
    pub fn from_declaration(text: &str) -> Result<Self, String> {
        let mut column: Self = toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())?;
        column.settle(String::new(), Tz::UTC);
        match column.mistake() {
            Some((_, why)) => Err(why),
            None => Ok(column),
        }
    }

    /// What is wrong with a format whose letters name a zone that is not the column's.
    fn passed_over(&self, format: &TimeFormat) -> Option<String> {
        let (pattern, lettered) = format.zone_by_letters()?;
        // Those have the same offset all year.
        let is_fixed = |zone: Tz| zone.name().starts_with("Etc/") || ["EST", "MST", "HST"].contains(&zone.name());
        match (lettered, self.zone) {
            (Lettered::Utc, zone) if zone != Some(Tz::UTC) => Some(format!(
                "\"{pattern}\" says UTC, and as letters that would be passed over and the time read as local: write %z in \
                 place of a Z or an offset, which reads both, or zone = \"UTC\""
            )),
            (Lettered::Other, Some(zone)) if !is_fixed(zone) => Some(format!(
                "\"{pattern}\" names a time zone or an offset, and as letters that would be passed over and the time read as \
                 one of {zone}: write %z in place of an offset; for a zone that is the same all year, such as CET that is always \
                 +01:00, declare zone = \"Etc/GMT-1\""
            )),
            _ => None,
        }
    }

    /// The names of the field that the value comes from: those declared, or the column's own. None if it is joined of
    /// several, see [`Column::joined`].
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let has_own = self.field.is_empty() && self.joined.is_empty();
        let own = if has_own { Some(self.name.as_str()) } else { None };
        self.field.iter().map(String::as_str).chain(own)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

pub(super) fn one_or_many<'de, D: Deserializer<'de>, T: TryFrom<String, Error: fmt::Display>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let texts = match OneOrMany::<String>::deserialize(deserializer)? {
        OneOrMany::Many(texts) => texts,
        OneOrMany::One(text) => vec![text],
    };
    texts.into_iter().map(|text| T::try_from(text).map_err(serde::de::Error::custom)).collect()
}

fn at_least_two<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    if names.len() < 2 {
        return Err(serde::de::Error::custom("fields names two fields or more, to be joined; one is a field"));
    }
    Ok(names)
}

fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    Regex::new(&String::deserialize(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}

fn extract_pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Regex>, D::Error> {
    let regex = pattern(deserializer)?;
    if regex.as_ref().is_some_and(|regex| regex.captures_len() != 2) {
        return Err(serde::de::Error::custom("a pattern needs exactly one group, the value"));
    }
    Ok(regex)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(declared: &str) -> Result<Column, toml::de::Error> {
        let mut column: Column = toml::from_str(declared)?;
        column.settle("at".to_owned(), Tz::Europe__Brussels);
        Ok(column)
    }

    #[test]
    fn a_zone_is_the_columns_own_or_the_datasets() {
        let zone = |declared: &str| settled(declared).unwrap().zone;
        assert_eq!(zone("type = \"timestamp\""), None);
        assert_eq!(zone("type = \"timestamp\"\nzone = \"dataset\""), Some(Tz::Europe__Brussels));
        assert_eq!(zone("type = \"timestamp\"\nzone = \"UTC\""), Some(Tz::UTC));
        let error = settled("type = \"timestamp\"\nzone = \"Mars\"").unwrap_err().to_string();
        assert!(error.contains("Mars") && error.contains("dataset"), "{error}");
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        for (declared, option, why) in [
            ("type = \"float64\"\nthousands = \".\"", "thousands", "before the decimals"),
            ("type = \"string\"\nthousands = \",\"", "thousands", "for numbers"),
            ("type = \"timestamp\"\nambiguous = \"later\"", "ambiguous", "come twice"),
            ("type = \"date\"\nambiguous = \"later\"", "ambiguous", "for timestamps"),
            ("type = \"timestamp\"\nformat = \"excel\"", "format", "Excel"),
            ("type = \"timestamp\"\nzone = \"dataset\"\nformat = \"%Y-%m-%dT%H:%M:%SZ\"", "format", "write %z "),
            ("type = \"timestamp\"\nzone = \"dataset\"\nformat = \"%Y-%m-%dT%H:%M:%S%.fZ\"", "format", "write %z"),
            ("type = \"timestamp\"\nformat = \"%Y-%m-%dT%H:%M:%SZ\"", "format", "zone = \"UTC\""),
            ("type = \"timestamp\"\nzone = \"dataset\"\nformat = \"%Y-%m-%d %H:%M UTC\"", "format", "zone = \"UTC\""),
            ("type = \"date\"\nformat = \"epoch_us\"", "format", "day_of"),
            ("type = \"string\"\nunit = \"%\"", "unit", "for numbers"),
            ("type = \"float64\"\nunit = [\"%\", \"\"]", "unit", "begins as a number"),
            ("type = \"float64\"\nunit = \"1\"", "unit", "begins as a number"),
            ("type = \"date\"\naccounting = true", "accounting", "for numbers"),
            ("type = \"string\"\nfield = \"a\"\nfields = [\"a\", \"b\"]", "fields", "one place"),
            ("type = \"string\"\npath = \"/a\"\nfields = [\"a\", \"b\"]", "fields", "one place"),
            ("type = \"string\"\nrequired = true\noptional = true", "optional", "required"),
        ] {
            let (found, message) = settled(declared).unwrap().mistake().unwrap();
            assert_eq!(found, option, "{declared}");
            assert!(message.contains(why), "{declared}: {message}");
        }
        let in_utc = "type = \"timestamp\"\nzone = \"UTC\"\nformat = \"%Y-%m-%dT%H:%M:%SZ\"";
        assert_eq!(settled(in_utc).unwrap().mistake(), None);
        for (declared, why) in [
            ("type = \"string\"\nfields = [\"a\"]", "two fields"),
            ("type = \"float64\"\nthousands = \"1\"", "between thousands"),
            ("type = \"float64\"\nthousands = \"..\"", "between thousands"),
            ("type = \"timestamp\"\nambiguous = \"both\"", "unknown variant"),
        ] {
            let error = settled(declared).unwrap_err().to_string();
            assert!(error.contains(why), "{declared}: {error}");
        }
    }

    #[test]
    fn letters_of_a_format_do_not_pass_over_a_zone() {
        let wrong = |format: &str, zone: &str| {
            let column = settled(&format!("type = \"timestamp\"\nformat = \"{format}\"\nzone = \"{zone}\"")).unwrap();
            column.mistake().map(|(_, why)| why)
        };
        for format in [
            "%Y-%m-%dT%H:%M:%SZ",
            "%Y-%m-%dT%H:%M:%S.000Z",
            "%Y-%m-%dT%H:%M:%S+00:00",
            "%Y-%m-%dT%H:%M:%S+0000",
            "%Y-%m-%dT%H:%M:%S-00",
            "%Y-%m-%d %H:%M:%S.0000000 +00:00",
            "%Y-%m-%d %H:%M:%S (UTC)",
            "%Y-%m-%d %H:%M:%S 'Z'",
            "UTC %Y-%m-%d %H:%M:%S",
            "%a %b %d %H:%M:%S UTC %Y",
            "%H:%M:%SZ %d/%m/%Y",
        ] {
            assert!(wrong(format, "Europe/Brussels").is_some_and(|why| why.contains("says UTC")), "{format}");
            assert_eq!(wrong(format, "UTC"), None, "{format}");
        }
        for format in ["%Y-%m-%d %H:%M EST", "%Y-%m-%d %H:%M CET", "%Y-%m-%d %H:%M+01:00", "%Y-%m-%dT%H:%M-0500"] {
            let says =
                |zone: &str| wrong(format, zone).is_some_and(|why| why.contains("names a time zone or an offset"));
            assert!(says("Europe/Brussels") && says("UTC") && !says("Etc/GMT-1"), "{format}");
        }
        for format in ["%Y-%m-%dT%H:%M:%S.000", "%d.%m.%Y um %H:%M Uhr", "%d-%m-%Y %Hh%M"] {
            assert_eq!(wrong(format, "Europe/Brussels"), None, "{format}");
        }
    }

    #[test]
    fn a_unit_and_what_accounts_write_are_no_part_of_a_number() {
        let column = settled("type = \"float64\"\nunit = [\"€\", \"%\", \"m3\"]\naccounting = true").unwrap();
        for (text, wanted) in [
            ("12,5 %", "12,5"),
            ("€ 1.234,50", "1.234,50"),
            ("-€5", "-5"),
            ("€ -5", "-5"),
            ("+5\u{a0}€", "+5"),
            ("(€ 5)", "-5"),
            ("€ (5)", "-5"),
            ("(5 %)", "-5"),
            ("5-", "-5"),
            ("5 € -", "-5"),
            ("7 m3", "7"),
            ("7", "7"),
            // Of these no number is made.
            ("m35", "m35"),
            ("5 % %", "5 %"),
            ("(-5)", "--5"),
            ("--5", "--5"),
            ("()", "-"),
            ("€", ""),
            ("(5", "(5"),
        ] {
            assert_eq!(column.without_unit(text), wanted, "{text}");
        }
        let plain = settled("type = \"float64\"").unwrap();
        assert_eq!(plain.without_unit("- 5"), "- 5");
    }

    #[test]
    fn whole_numbers_are_compared_exactly() {
        let column =
            settled("type = \"int64\"\nmissing = [9007199254740993, -9.0]\nmin = -5\nmax = 9223372036854775806")
                .unwrap();
        assert!(column.is_missing_int(9_007_199_254_740_993) && column.is_missing_int(-9));
        assert!(!column.is_missing_int(9_007_199_254_740_992));
        let refused = |number| column.refuse_int(number).map(|(code, _)| code);
        assert_eq!(refused(i64::MAX), Some("above_maximum"));
        assert_eq!((refused(i64::MAX - 1), refused(-5), refused(-6)), (None, None, Some("below_minimum")));
        let halves = settled("type = \"int64\"\nmin = 0.5\nmax = 1e300").unwrap();
        assert_eq!(
            (halves.refuse_int(0).is_some(), halves.refuse_int(1), halves.refuse_int(i64::MAX)),
            (true, None, None)
        );
    }

    #[test]
    fn marks_between_thousands_stand_between_groups_of_three() {
        let without = |mark: &str, text: &str| Thousands::try_from(mark.to_owned()).unwrap().without(text, ',');
        for (text, wanted) in [
            ("1.234.567,8", Some("1234567,8")),
            ("-12.345", Some("-12345")),
            ("1234,5", Some("1234,5")),
            ("1.23", None),
            ("1234.567", None),
            (".123", None),
            ("1..234", None),
            ("1.234.", None),
            ("0,123.456", Some("0,123.456")),
            ("0.123", None),
            ("-0.500", None),
            ("00.001", None),
            ("01.234", None),
            ("0123", Some("0123")),
            ("100.000", Some("100000")),
        ] {
            assert_eq!(without(".", text).as_deref(), wanted, "{text}");
        }
        assert_eq!(without(" ", "1\u{202f}234\u{a0}567").as_deref(), Some("1234567"));
        assert_eq!(without("'", "1\u{2019}234").as_deref(), Some("1234"));
    }
}
