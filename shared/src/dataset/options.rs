//! Options of a table: how the bytes of its raw objects are to be read.

use serde::Deserialize;

use crate::suggest::did_you_mean;

/// How raw bytes become rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Format {
    /// Comma-separated values (RFC 4180), with or without a header.
    Csv,
    /// The same with tabs.
    Tsv,
    /// A JSON document with a list of objects or one object, or several such documents one after another.
    Json,
    /// One JSON object per line.
    Ndjson,
    /// A sheet of an Excel workbook.
    Xlsx,
    /// A Parquet file.
    Parquet,
    /// A source's responses, one per line, with rows in their bodies.
    Responses,
    /// Hourly values of many series, as IRCELINE answers.
    IrcelineValues,
    /// Weeks of points and of commits, as Codetrack answers.
    CodetrackWeeks,
}

impl Format {
    const NAMES: [(&'static str, Format); 9] = [
        ("csv", Format::Csv),
        ("tsv", Format::Tsv),
        ("json", Format::Json),
        ("ndjson", Format::Ndjson),
        ("xlsx", Format::Xlsx),
        ("parquet", Format::Parquet),
        ("responses", Format::Responses),
        ("irceline-values", Format::IrcelineValues),
        ("codetrack-weeks", Format::CodetrackWeeks),
    ];
    /// Those that are for any dataset.
    const COMMON: usize = 7;
}

impl TryFrom<String> for Format {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if let Some((_, format)) = Self::NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(*format);
        }
        let known: Vec<&str> = Self::NAMES.iter().take(Self::COMMON).map(|(known, _)| *known).collect();
        let meant = did_you_mean(&name, known.iter().copied());
        Err(format!("unknown format \"{name}\"; there are {}{meant}", known.join(", ")))
    }
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
    /// The header is the first line that has all required names. What stands before it are no rows.
    Find,
}

/// How the bytes of a text are its characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Encoding {
    /// Unicode, one to four bytes per character.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// Western European, as Windows and Excel write it.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// Western European, each byte a character.
    #[serde(rename = "iso-8859-1")]
    Latin1,
    /// Unicode, two or four bytes per character; little-endian unless a byte order mark or the first character says
    /// otherwise.
    #[serde(rename = "utf-16")]
    Utf16,
}

/// What stands around values of a CSV file: one character, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Quote(pub Option<char>);

impl Default for Quote {
    fn default() -> Self {
        Self(Some('"'))
    }
}

impl TryFrom<String> for Quote {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            _ if text == "none" => Ok(Self(None)),
            (Some(quote), None) => Ok(Self(Some(quote))),
            _ => Err("a quote is one character, such as \"'\", or \"none\"".to_owned()),
        }
    }
}

/// Which sheet of a workbook has the rows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub enum Sheet {
    /// That of this name, without regard to case.
    Named(String),
    /// That at this place among the visible ones, from 1.
    Number(usize),
}

impl TryFrom<toml::Value> for Sheet {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(name) => Ok(Self::Named(name)),
            toml::Value::Integer(number) if number > 0 => {
                usize::try_from(number).map(Self::Number).map_err(|error| error.to_string())
            }
            _ => Err("a sheet is its name, or its number from 1".to_owned()),
        }
    }
}
