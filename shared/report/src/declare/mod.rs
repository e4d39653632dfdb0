//! The declaration: `report.toml` beside the models.
//!
//! ```toml
//! language = "en-BE"                  # words, dates and numbers; [words] replaces single words
//! source = "IRCEL-CELINE"
//!
//! [query]                             # queries that several parts share: query = "today" in place of sql = "..."
//! today = "SELECT ..."                # in others @today stands for it, as a subquery
//!
//! [scale.belaqi]                      # official colours, as a declared list
//! steps = [{ to = 5, label = "excellent", colour = "#0000ff" }, { label = "horrible", colour = "#660000" }]
//!
//! [[page]]
//! name = "report"                     # report.html; with personal = true below _personal/
//! title = "Air quality in Belgium"
//! newest = { sql = "SELECT max(day) FROM aggregate_station_by_day" }
//!
//! [page.headline]
//! query = "today"
//! text = "{over:Words} {over:station|stations} over the limit on {day:long}."
//!
//! [[page.section]]
//! title = "This year"
//!
//! [[page.section.chart]]
//! kind = "bars"
//! title = "Which stations have had too many days over the limit?"
//! sql = "SELECT station, days FROM ..."
//! x = "station"
//! y = "days"
//! limits = [{ value = 35, label = "35 days are allowed" }]
//! ```

mod file;
mod personal;
mod validate;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

pub use file::{As, Group, Kind, Limit, Step, TableColumn};

use crate::mistake::Mistake;

/// The pages of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The pages in their order; the first one is the dataset's own.
    pub pages: Vec<Page>,
}

/// One page: one HTML file.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The file's name without `.html`.
    pub name: String,
    /// What the page is called.
    pub title: String,
    /// For whom it is and what it answers, in a sentence.
    pub lead: String,
    /// Whether it shows personal values.
    pub personal: bool,
    pub(crate) language: String,
    pub(crate) words: BTreeMap<String, String>,
    pub(crate) source: Linked,
    pub(crate) licence: Linked,
    pub(crate) how: Vec<String>,
    pub(crate) newest: Option<Newest>,
    pub(crate) headline: Option<Headline>,
    pub(crate) numbers: Vec<KeyNumber>,
    pub(crate) sections: Vec<Section>,
}

/// A text that may be a link.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Linked {
    pub text: String,
    pub url: Option<String>,
}

/// The newest data: the first column of the first row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Newest {
    pub sql: String,
    pub shown: As,
}

/// The sentence that a page begins with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Headline {
    pub sql: String,
    pub cases: Vec<Case>,
}

/// A template, used where its column is true or not 0.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub when: Option<String>,
    pub text: String,
}

/// A figure at the head of a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyNumber {
    pub label: String,
    pub sql: String,
    pub value: String,
    pub before: Option<String>,
    pub since: String,
    pub unit: String,
    pub digits: Option<usize>,
    pub better: Better,
    pub note: String,
    pub shown: As,
}

/// Which direction of a change is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Better {
    More,
    Less,
    #[default]
    Neither,
}

/// Charts below a heading.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Section {
    pub title: String,
    pub text: String,
    pub charts: Vec<Chart>,
}

/// A chart whose keys fit its kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chart {
    pub kind: Kind,
    pub title: String,
    pub text: String,
    pub how: String,
    pub empty: Option<String>,
    pub sql: String,
    pub roles: BTreeMap<&'static str, String>,
    pub labels: BTreeMap<String, String>,
    pub unit: String,
    pub digits: Option<usize>,
    pub x_as: As,
    pub y_as: As,
    pub scale: Option<Scale>,
    pub limits: Vec<Limit>,
    pub columns: Vec<TableColumn>,
    pub groups: Vec<Group>,
    pub outline: Vec<Vec<[f64; 2]>>,
    pub half: bool,
    pub zero: bool,
    pub horizontal: bool,
    pub top: Option<usize>,
}

/// Classes of values with their colours.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    pub title: String,
    pub source: Linked,
    pub steps: Vec<Step>,
}

impl Scale {
    /// The class of a value: the first whose `to` is not below it.
    pub(crate) fn step(&self, value: f64) -> Option<(usize, &Step)> {
        self.steps.iter().enumerate().find(|(_, step)| step.to.is_none_or(|to| value <= to))
    }
}

impl Chart {
    /// The column that plays a role.
    pub(crate) fn role(&self, role: &str) -> Option<&str> {
        self.roles.get(role).map(String::as_str)
    }

    /// The column of a role that the kind requires.
    pub(crate) fn column(&self, role: &str) -> &str {
        self.role(role).unwrap_or_default()
    }

    /// What people call a column.
    pub(crate) fn label(&self, column: &str) -> String {
        self.labels.get(column).cloned().unwrap_or_else(|| {
            let words = column.replace('_', " ");
            let mut letters = words.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
    }
}

impl Report {
    /// Reads the text of a `report.toml`.
    ///
    /// # Errors
    /// The first mistake: its line and key, and what to do.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let file: file::ReportFile = toml::from_str(text).map_err(|error| Mistake::toml(text, &error))?;
        validate::report(text, file)
    }

    /// The page of that name.
    pub fn page(&self, name: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.name == name)
    }
}

impl Page {
    /// Where the page is written, below `consumption/<dataset>/`.
    pub fn path(&self) -> String {
        if self.personal { format!("_personal/{}.html", self.name) } else { format!("{}.html", self.name) }
    }

    /// The queries whose answers the page needs, each once.
    pub fn queries(&self) -> BTreeSet<&str> {
        let charts = self.sections.iter().flat_map(|section| &section.charts).map(|chart| &chart.sql);
        let numbers = self.numbers.iter().map(|number| &number.sql);
        let head =
            self.headline.iter().map(|headline| &headline.sql).chain(self.newest.iter().map(|newest| &newest.sql));
        head.chain(numbers).chain(charts).map(String::as_str).collect()
    }

    /// Refuses, where the dataset has personal columns, queries of a page without `personal = true` that name a personal column, or that take all columns.
    ///
    /// # Errors
    /// What to change.
    pub fn check_personal(&self, personal: &BTreeSet<String>) -> Result<(), Mistake> {
        if self.personal || personal.is_empty() {
            return Ok(());
        }
        self.queries().into_iter().try_for_each(|sql| personal::check(&self.name, sql, personal))
    }
}
