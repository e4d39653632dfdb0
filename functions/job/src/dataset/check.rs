//! `tributary dataset check`: reads a dataset's folder as a lake would, and plans its queries.

use std::collections::BTreeMap;
use std::path::Path;

use aggregate::planned;
use chrono::Utc;
use lake::Lake;
use lake::dataset::case;
use lake::dataset::{Catalog, Dataset, Folder, Format, REPORT_FILE, Table};
use lake::partition::PartitionBy;
use lake::settings::LakeSettings;
use serde_json::json;

use super::Report;
use crate::failure::Failure;
use crate::summary::line;

/// Checks a folder; the report says what a lake will make of it.
pub(super) async fn check(folder: &Path) -> Result<Report, Failure> {
    local(folder)?;
    let folder = match folder.parent() {
        Some(parent) if folder.ends_with("dataset.toml") => &Path::new(".").join(parent),
        _ => folder,
    };
    let name = name_of(folder)?;
    let files = read(folder)?;
    if !files.contains_key("dataset.toml") && Catalog::built_in().dataset(&name).is_err() {
        let folder = folder.display();
        let why = format!(
            "{folder}: there is no dataset.toml; name the folder of one dataset, such as {folder}/config/datasets/NAME of a lake; `tributary dataset new` drafts one from a file"
        );
        return Err(Failure::usage(why));
    }
    let catalog = Catalog::with_folders(BTreeMap::from([(name.clone(), files)]));
    let nowhere = LakeSettings::at("file:.".parse().map_err(Failure::usage)?);
    let mut lake = Lake::open(nowhere).await?;
    lake.catalog = catalog.clone();
    let dataset = catalog.dataset(&name)?;
    if dataset.has_source() {
        // Reads the source's settings.
        ingest::window(&lake, &name, None, None, Utc::now())?;
    }
    let mut text = format!("{name} is sound: {} (days in {})\n", dataset.title, dataset.zone);
    let mut tables = Vec::new();
    for table in &dataset.tables {
        let columns: Vec<String> = table.schema().fields().iter().map(|field| field.name().clone()).collect();
        line(&mut text, format_args!("table {name}.{}{}: {}", table.name, remarks(table), columns.join(", ")));
        tables.push(json!({"table": table.name, "columns": columns}));
    }
    let mut models = Vec::new();
    for model in &dataset.models {
        let schema = planned(&lake, dataset, model).await.map_err(|error| explain(dataset, &model.name, &error))?;
        let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        line(&mut text, format_args!("model {name}.{}: {}", model.name, columns.join(", ")));
        models.push(json!({"model": model.name, "columns": columns}));
    }
    let problems = aggregate::pages::check(&lake, dataset).await?;
    if let Some(first) = problems.first() {
        let more = problems.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
        return Err(Failure::usage(format!("dataset file {name}/{REPORT_FILE}: {first}{more}")));
    }
    for page in aggregate::pages::declared(dataset)? {
        line(&mut text, format_args!("page {name}/{}: {}", page.path(), page.title));
    }
    let whole = folder.canonicalize().unwrap_or_default();
    let is_in_lake = whole.parent().is_some_and(|parent| parent.ends_with("config/datasets"));
    let place = if is_in_lake { "" } else { "put the folder below config/datasets/ of a lake, and " };
    line(&mut text, format_args!("To use it, {place}make the folder raw/{name}/ in the lake for its files."));
    Ok(Report { text, json: json!({"dataset": name, "tables": tables, "models": models}) })
}

fn explain(dataset: &Dataset, model: &str, error: &aggregate::Error) -> Failure {
    let tables: Vec<&str> = dataset.tables.iter().map(|table| table.name.as_str()).collect();
    let hint = format!("hint: it sees the tables and views of its inputs, among {}", tables.join(", "));
    Failure::usage(format!("dataset file {}/{model}.sql: {error}\n{hint}", dataset.name))
}

/// What is worth a thought of a table that is sound.
fn remarks(table: &Table) -> String {
    let mut remarks = Vec::new();
    if table.key.is_empty() && !table.snapshot {
        remarks.push("no key: a row that comes in two files is there twice");
    }
    if matches!(table.partition, PartitionBy::Time(..)) && !table.key.is_empty() && !table.keeps_day() {
        remarks.push(
            "rows of one key are compared within two days: key_decides_day = true says that a key always has the same day",
        );
    }
    let is_text = matches!(table.format_of(""), Some(Format::Csv | Format::Tsv));
    if is_text && table.columns.iter().all(|column| !column.required) {
        remarks.push("no column is required");
    }
    if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join("; ")) }
}

/// The dataset's name: that of its folder.
pub(super) fn name_of(folder: &Path) -> Result<String, Failure> {
    let whole = folder.canonicalize().map_err(|error| Failure::usage(format!("{}: {error}", folder.display())))?;
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    sound_name(&name)?;
    Ok(name)
}

/// Refuses a URL: drafts are written, checked and changed in a folder of this machine.
pub(super) fn local(folder: &Path) -> Result<(), Failure> {
    let text = folder.to_string_lossy();
    match text.split_once(':') {
        Some((scheme, rest)) if rest.starts_with('/') && !folder.exists() => Err(Failure::usage(format!(
            "{text} is a {scheme}: URL, and a dataset is written in a local folder: upload its files to LAKE/config/datasets/ once it is sound"
        ))),
        _ => Ok(()),
    }
}

/// Refuses what is no name of a dataset: it is the first segment of keys, and a schema in SQL.
pub(super) fn sound_name(name: &str) -> Result<(), Failure> {
    let is_sound = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if is_sound {
        return Ok(());
    }
    let why = format!("\"{name}\" is no name of a dataset: use small letters, digits and _, and begin with a letter");
    Err(Failure::usage(why))
}

fn read(folder: &Path) -> Result<Folder, Failure> {
    let wrong = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut files = Folder::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name == "dataset.toml" || name.ends_with(".sql") || name.ends_with(case::ENDING) || name == REPORT_FILE {
            let text = std::fs::read_to_string(&path);
            files.insert(name, text.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?);
        }
    }
    Ok(files)
}
