//! `tributary describe`: what datasets, tables, models and columns are, from their declarations.

use std::process::ExitCode;
use std::time::Instant;

use aggregate::{personal_of_model, planned};
use arrow::datatypes::Schema;
use lake::Lake;
use lake::dataset::{Column, ColumnType, Dataset, Decimal, Model, RECEIVED_AT, Table};
use serde::Serialize;
use serde_json::json;

use crate::cli::Format;
use crate::commands::Result;
use crate::failure::{self, Failure};
use crate::lineage::having;
use crate::output::{print, print_result};
use crate::summary::{exit_status, line};

/// A dataset.
#[derive(Debug, Serialize)]
pub struct Described {
    pub dataset: String,
    pub title: String,
    pub time_zone: String,
    pub tables: Vec<DescribedTable>,
    pub models: Vec<DescribedModel>,
}

/// A table.
#[derive(Debug, Serialize)]
pub struct DescribedTable {
    pub table: String,
    pub about: String,
    pub files: Vec<String>,
    pub partition: Vec<String>,
    pub key: Vec<String>,
    pub columns: Vec<DescribedColumn>,
}

/// A model.
#[derive(Debug, Serialize)]
pub struct DescribedModel {
    pub model: String,
    pub about: String,
    pub partition: Vec<String>,
    /// Whether it is there for other models only.
    pub intermediate: bool,
    pub inputs: Vec<String>,
    pub tests: Vec<String>,
    pub columns: Vec<DescribedColumn>,
}

/// A column of either.
#[derive(Debug, Serialize)]
pub struct DescribedColumn {
    pub column: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub about: String,
    /// What a value must be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    pub personal: bool,
}

/// Prints what `DATASET`, `DATASET.TABLE` or `DATASET.MODEL` is; all datasets without a name.
pub async fn run(lake: &Lake, name: Option<&str>, format: Format) -> ExitCode {
    let begun = Instant::now();
    let mut failures: Vec<Failure> = match name {
        None => lake.catalog.broken().map(Failure::from).collect(),
        Some(_) => Vec::new(),
    };
    let described = match described(lake, name, &mut failures).await {
        Ok(described) => described,
        Err(failure) => {
            failures.push(failure);
            Vec::new()
        }
    };
    failure::print_all(&failures);
    match format {
        Format::Text => {
            let is_dataset = |name: &str| lake.catalog.datasets().iter().any(|dataset| dataset.name == name);
            let is_one = name.is_some_and(|name| !is_dataset(name));
            print(&described.iter().map(|dataset| text(dataset, is_one)).collect::<Vec<_>>().join("\n"));
        }
        Format::Json | Format::Csv => {
            let (ok, elapsed_ms) = (failures.is_empty(), begun.elapsed().as_millis() as u64);
            print_result(
                format,
                &json!({"ok": ok, "elapsed_ms": elapsed_ms, "datasets": described, "errors": failures}),
            );
        }
    }
    exit_status(&failures)
}

async fn described(lake: &Lake, name: Option<&str>, failures: &mut Vec<Failure>) -> Result<Vec<Described>> {
    let Some(name) = name else {
        let mut all = Vec::new();
        for dataset in lake.catalog.datasets() {
            all.push(Described::new(lake, dataset, None, failures).await);
        }
        return Ok(all);
    };
    let (dataset, part) = name.split_once('.').map_or((name, None), |(dataset, part)| (dataset, Some(part)));
    // The name of a table or model is enough where one dataset has it.
    let having = having(lake, name, |dataset, name| dataset.names().contains(&name));
    let (dataset, part) = match having.as_slice() {
        [one] => (*one, Some(name)),
        _ => (lake.catalog.dataset(dataset)?, part),
    };
    if let Some(part) = part
        && !dataset.names().contains(&part)
    {
        return Err(Failure::usage(dataset.unknown(part)));
    }
    Ok(vec![Described::new(lake, dataset, part, failures).await])
}

impl Described {
    /// A dataset, or one of its tables or models. What is wrong with a model is told, and leaves out its columns.
    pub async fn new(lake: &Lake, dataset: &Dataset, part: Option<&str>, failures: &mut Vec<Failure>) -> Self {
        let is_wanted = |name: &str| part.is_none_or(|part| part == name);
        let tables = dataset.tables.iter().filter(|table| is_wanted(&table.name)).map(DescribedTable::new).collect();
        let mut models = Vec::new();
        for model in dataset.models.iter().filter(|model| is_wanted(&model.name)) {
            models.push(DescribedModel::new(lake, dataset, model, failures).await);
        }
        Self {
            dataset: dataset.name.clone(),
            title: dataset.title.clone(),
            time_zone: dataset.zone.to_string(),
            tables,
            models,
        }
    }
}

impl DescribedTable {
    fn new(table: &Table) -> Self {
        let mut columns: Vec<DescribedColumn> = table.columns.iter().map(DescribedColumn::of).collect();
        columns.push(DescribedColumn {
            column: RECEIVED_AT.to_owned(),
            kind: name_of(ColumnType::Timestamp).to_owned(),
            about: "When the row's raw bytes were received".to_owned(),
            rules: Vec::new(),
            personal: false,
        });
        Self {
            table: table.name.clone(),
            about: table.about.clone(),
            files: table.files.clone(),
            partition: table.partition.columns().into_iter().map(str::to_owned).collect(),
            key: table.key.clone(),
            columns,
        }
    }
}

impl DescribedModel {
    async fn new(lake: &Lake, dataset: &Dataset, model: &Model, failures: &mut Vec<Failure>) -> Self {
        let known = async {
            let columns = planned(lake, dataset, model).await?;
            Ok::<_, aggregate::Error>((columns, personal_of_model(lake, dataset, model).await?))
        };
        let (columns, personal) = known.await.unwrap_or_else(|error| {
            Failure::in_model(dataset, &model.name, &error).note(failures);
            (Schema::empty(), Default::default())
        });
        let column = |field: &arrow::datatypes::FieldRef| {
            let name = field.name();
            DescribedColumn {
                column: name.clone(),
                kind: sql_type(field.data_type()),
                about: dataset.about_column(model, name),
                rules: Vec::new(),
                personal: personal.contains(name),
            }
        };
        // What names no column is about the whole.
        let mut about = model.about().to_owned();
        for (name, text) in model.columns().iter().filter(|(name, _)| columns.field_with_name(name).is_err()) {
            about.push_str(&format!("\n{name}: {text}"));
        }
        let about = about.trim().to_owned();
        Self {
            model: model.name.clone(),
            about,
            partition: model.partition_columns().into_iter().map(str::to_owned).collect(),
            intermediate: model.intermediate,
            inputs: model.inputs.clone(),
            tests: model.tests.iter().map(|test| test.name.clone()).collect(),
            columns: columns.fields().iter().map(column).collect(),
        }
    }
}

impl DescribedColumn {
    fn of(column: &Column) -> Self {
        let mut rules = Vec::new();
        if column.required {
            rules.push("required".to_owned());
        }
        let number = |what: &str, number: Option<f64>| number.map(|number| format!("{what} {number}"));
        rules.extend(number("at least", column.min));
        rules.extend(number("at most", column.max));
        if !column.one_of.is_empty() {
            rules.push(format!("one of {}", column.one_of.join(", ")));
        }
        rules.extend(column.pattern.as_ref().map(|pattern| format!("matches {pattern}")));
        if column.decimal == Decimal::Comma {
            rules.push("decimals behind a comma".to_owned());
        }
        if !column.unit.is_empty() {
            rules.push(format!("{} may stand beside it", column.unit.join(" or ")));
        }
        if column.accounting {
            rules.push("(1.50) and 1.50- are negative".to_owned());
        }
        rules.extend(column.null_before.map(|day| format!("missing before {day}")));
        Self {
            column: column.name.clone(),
            kind: name_of(column.kind).to_owned(),
            about: column.about.clone(),
            rules,
            personal: column.personal,
        }
    }
}

fn name_of(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::String => "string",
        ColumnType::Int64 => "int64",
        ColumnType::Float64 => "float64",
        ColumnType::Bool => "bool",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "timestamp",
    }
}

/// A type of a result by the names that declarations use.
pub fn sql_type(kind: &arrow::datatypes::DataType) -> String {
    let known = [
        ColumnType::String,
        ColumnType::Int64,
        ColumnType::Float64,
        ColumnType::Bool,
        ColumnType::Date,
        ColumnType::Timestamp,
    ];
    known
        .into_iter()
        .find(|known| known.arrow() == *kind)
        .map_or_else(|| kind.to_string().to_lowercase(), |known| name_of(known).to_owned())
}

fn text(described: &Described, is_one: bool) -> String {
    let mut text = String::new();
    let add = &mut text;
    if !is_one {
        line(add, format_args!("{}: {} (days in {})", described.dataset, described.title, described.time_zone));
    }
    for table in &described.tables {
        head(add, "table", &format!("{}.{}", described.dataset, table.table), &table.about);
        line(add, format_args!("  files      {}", table.files.join(", ")));
        list(add, "cut by", &table.partition);
        list(add, "key", &table.key);
        columns(add, &table.columns);
    }
    for model in &described.models {
        head(add, "model", &format!("{}.{}", described.dataset, model.model), &model.about);
        if model.intermediate {
            line(add, format_args!("  shown      to no other engine: it is there for other models"));
        }
        list(add, "reads", &model.inputs);
        list(add, "cut by", &model.partition);
        for test in &model.tests {
            line(add, format_args!("  test       {test}"));
        }
        columns(add, &model.columns);
    }
    text
}

fn head(text: &mut String, kind: &str, name: &str, about: &str) {
    line(text, format_args!(""));
    line(text, format_args!("{kind} {name}"));
    for about in about.lines() {
        line(text, format_args!("  {about}"));
    }
}

fn list(text: &mut String, what: &str, names: &[String]) {
    if !names.is_empty() {
        line(text, format_args!("  {what:<10} {}", names.join(", ")));
    }
}

fn columns(text: &mut String, columns: &[DescribedColumn]) {
    let width = columns.iter().map(|column| column.column.chars().count()).max().unwrap_or_default();
    for column in columns {
        let personal = if column.personal { Some("personal".to_owned()) } else { None };
        let rules: Vec<String> = column.rules.iter().cloned().chain(personal).collect();
        let rules = if rules.is_empty() { String::new() } else { format!("({})", rules.join("; ")) };
        let words = [column.about.as_str(), rules.as_str()].into_iter().filter(|words| !words.is_empty());
        let words = words.collect::<Vec<_>>().join(" ");
        let shown = format!("  {:<width$}  {:<9}  {words}", column.column, column.kind);
        line(text, format_args!("{}", shown.trim_end()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_marks_of_accounts_are_shown() {
        let declared = "type = \"float64\"\nunit = [\"€\", \"EUR\"]\naccounting = true\ndecimal = \",\"";
        let described = DescribedColumn::of(&Column::from_declaration(declared).unwrap());
        assert_eq!(
            described.rules,
            ["decimals behind a comma", "€ or EUR may stand beside it", "(1.50) and 1.50- are negative"]
        );
        let plain = DescribedColumn::of(&Column::from_declaration("type = \"float64\"").unwrap());
        assert!(plain.rules.is_empty(), "{:?}", plain.rules);
    }
}
