//! `report.toml` as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{Better, Case};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportFile {
    pub language: Option<Spanned<String>>,
    pub source: Option<String>,
    pub source_url: Option<String>,
    pub licence: Option<String>,
    pub licence_url: Option<String>,
    #[serde(default)]
    pub words: BTreeMap<Spanned<String>, String>,
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    #[serde(default)]
    pub scale: BTreeMap<String, Spanned<ScaleFile>>,
    #[serde(default)]
    pub outline: BTreeMap<String, Vec<Vec<[f64; 2]>>>,
    #[serde(default)]
    pub page: Vec<PageFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScaleFile {
    pub title: Option<String>,
    pub source: Option<String>,
    pub source_url: Option<String>,
    pub steps: Vec<Step>,
}

/// A class of values.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The greatest value of the class; none: there is no greater class.
    pub to: Option<f64>,
    /// What people call it.
    pub label: String,
    /// `#rrggbb`.
    pub colour: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageFile {
    pub name: Spanned<String>,
    pub title: String,
    #[serde(default)]
    pub lead: String,
    #[serde(default)]
    pub personal: bool,
    pub language: Option<Spanned<String>>,
    pub source: Option<String>,
    pub source_url: Option<String>,
    pub licence: Option<String>,
    pub licence_url: Option<String>,
    #[serde(default)]
    pub how: Vec<String>,
    pub newest: Option<Spanned<AskFile>>,
    pub headline: Option<Spanned<HeadlineFile>>,
    #[serde(default)]
    pub number: Vec<Spanned<NumberFile>>,
    #[serde(default)]
    pub section: Vec<SectionFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskFile {
    pub sql: Option<String>,
    pub query: Option<String>,
    #[serde(default, rename = "as")]
    pub shown: As,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadlineFile {
    pub sql: Option<String>,
    pub query: Option<String>,
    pub text: Option<String>,
    #[serde(default)]
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NumberFile {
    pub label: String,
    pub sql: Option<String>,
    pub query: Option<String>,
    pub value: String,
    pub before: Option<String>,
    #[serde(default)]
    pub since: String,
    #[serde(default)]
    pub unit: String,
    pub digits: Option<usize>,
    #[serde(default)]
    pub better: Better,
    #[serde(default)]
    pub note: String,
    #[serde(default, rename = "as")]
    pub shown: As,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SectionFile {
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub chart: Vec<ChartFile>,
}

/// What a chart looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Lines over time or numbers, with a band where there is one.
    Line,
    /// Bars, stacked where there are series.
    Bars,
    /// A matrix of coloured cells.
    Heatmap,
    /// Days as cells, week by week.
    Calendar,
    /// A list with reasons and small lines.
    Ranking,
    /// A table with bars in its cells.
    Table,
    /// Points on an outline.
    Map,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum As {
    /// By what it is.
    #[default]
    Auto,
    /// A number.
    Number,
    /// A share, 0.25 is 25 %.
    Percent,
    /// Text as it is.
    Text,
    /// A date.
    Day,
    /// A week by its first day.
    Week,
    /// A month by its first day.
    Month,
    /// An instant in the dataset's time zone.
    Time,
    /// An hour of the day, 0 to 23.
    Hour,
    /// A weekday, 1 is Monday.
    Weekday,
}

/// A line that values are compared with.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Where it is.
    pub value: f64,
    /// What stands at it.
    pub label: String,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableColumn {
    /// The column of the query.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// The unit, behind each value.
    #[serde(default)]
    pub unit: String,
    /// Decimals.
    pub digits: Option<usize>,
    /// Whether a bar stands beside the value.
    #[serde(default)]
    pub bar: bool,
    /// From which value on the bar is marked as over a limit.
    pub limit: Option<f64>,
    /// How it is written.
    #[serde(default, rename = "as")]
    pub shown: As,
}

/// One of the lists of a ranking.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The value of the group's column.
    pub value: String,
    /// What the list is called.
    pub title: String,
    /// What to do with it.
    #[serde(default)]
    pub text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChartFile {
    pub kind: Spanned<String>,
    pub title: String,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub how: String,
    pub empty: Option<String>,
    pub sql: Option<String>,
    pub query: Option<String>,
    pub x: Option<String>,
    pub y: Option<String>,
    pub series: Option<String>,
    pub low: Option<String>,
    pub high: Option<String>,
    pub value: Option<String>,
    pub day: Option<String>,
    pub group: Option<String>,
    pub by: Option<String>,
    pub label: Option<String>,
    pub detail: Option<String>,
    pub longitude: Option<String>,
    pub latitude: Option<String>,
    pub line: Option<String>,
    pub line_from: Option<String>,
    pub line_to: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub unit: String,
    pub digits: Option<usize>,
    pub x_as: Option<As>,
    pub y_as: Option<As>,
    pub scale: Option<String>,
    #[serde(default)]
    pub limits: Vec<Limit>,
    #[serde(default)]
    pub columns: Vec<TableColumn>,
    #[serde(default)]
    pub groups: Vec<Group>,
    pub outline: Option<String>,
    #[serde(default)]
    pub half: bool,
    pub zero: Option<bool>,
    pub horizontal: Option<bool>,
    pub top: Option<usize>,
}
