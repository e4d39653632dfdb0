//! `tributary dataset check`: reads a dataset's folder as a lake would, and plans its queries.

use std::collections::BTreeMap;
use std::path::Path;

use aggregate::{TableColumns, planned};
use chrono::Utc;
use lake::Lake;
use lake::dataset::case;
use lake::dataset::{Catalog, Dataset, Folder, Format, REPORT_FILE, Table, is_read, misnamed};
use lake::partition::PartitionBy;
use lake::settings::LakeSettings;
use lake::suggest::did_you_mean;
use serde_json::json;

use super::Report;
use crate::failure::Failure;
use crate::output::counted;
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
    let strays = strays(folder)?;
    if !files.contains_key("dataset.toml") && Catalog::built_in().dataset(&name).is_err() {
        return Err(Failure::usage(no_declaration(folder)));
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
        let schema =
            planned(&lake, dataset, model).await.map_err(|error| Failure::in_model(dataset, &model.name, &error))?;
        let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        if let Some(name) = columns.iter().find(|name| !is_plain(name)) {
            let why = format!("no engine takes the column name {name} without quotes: name it, as in {name} AS value");
            return Err(Failure::usage(format!("dataset file {}/{}.sql: {why}", dataset.name, model.name)));
        }
        line(&mut text, format_args!("model {name}.{}: {}", model.name, columns.join(", ")));
        // No other engine sees a model that is there for others.
        if !model.intermediate
            && let Err(error) = TableColumns::of_model(&lake, dataset, model).await
        {
            line(&mut text, format_args!("  note: {error}"));
        }
        models.push(json!({"model": model.name, "columns": columns}));
    }
    check_cases(dataset)?;
    let problems = aggregate::pages::check(&lake, dataset).await?;
    if let Some(first) = problems.first() {
        let more = problems.len() - 1;
        let more = if more == 0 {
            String::new()
        } else {
            format!(" (and {} in that file)", counted(more as u64, "more mistake"))
        };
        return Err(Failure::usage(format!("dataset file {name}/{REPORT_FILE}: {first}{more}")));
    }
    for page in aggregate::pages::declared(dataset)? {
        line(&mut text, format_args!("page {name}/{}: {}", page.path(), page.title));
    }
    if let Some(stray) = strays.first() {
        return Err(Failure::usage(format!("{}: {stray}", folder.display())));
    }
    line(&mut text, format_args!("{}", next_step(folder, dataset)));
    Ok(Report { text, json: json!({"dataset": name, "tables": tables, "models": models}) })
}

/// Reads the unit tests beside the models, and looks whether each has a model, and its tables are read.
fn check_cases(dataset: &Dataset) -> Result<(), Failure> {
    for (name, text) in &dataset.cases {
        let wrong =
            |why: String| Failure::usage(format!("dataset file {}/{name}{}: {why}", dataset.name, case::ENDING));
        let known: Vec<&str> = dataset.models.iter().map(|model| model.name.as_str()).collect();
        let model = dataset.model(name).ok_or_else(|| {
            let meant = did_you_mean(name, known.iter().copied());
            wrong(format!("there is no model {name}.sql; there are {}{meant}", known.join(", ")))
        })?;
        let inputs = dataset.inputs_of(model).map_err(wrong)?;
        let read: Vec<&str> = inputs.relations.iter().map(|relation| relation.name()).collect();
        for case in case::cases(text).map_err(wrong)? {
            if let Some(unknown) = case.given.keys().find(|given| !read.contains(&given.as_str())) {
                let meant = did_you_mean(unknown, read.iter().copied());
                let read = read.join(", ");
                return Err(wrong(format!(
                    "[[test]] \"{}\".given.{unknown}: the model reads {read}, and no {unknown}{meant}",
                    case.name
                )));
            }
        }
    }
    Ok(())
}

/// Whether engines take a column's name as it is.
fn is_plain(name: &str) -> bool {
    let is_first = |letter: char| letter.is_alphabetic() || letter == '_';
    name.starts_with(is_first) && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// What to do in a folder without a declaration.
fn no_declaration(folder: &Path) -> String {
    let has_declaration = |folder: &Path| folder.join("dataset.toml").is_file();
    let folders = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut datasets: Vec<String> =
        folders.filter(|folder| has_declaration(folder)).map(|folder| folder.display().to_string()).collect();
    datasets.sort();
    let shown = folder.display();
    let stray = strays(folder).ok().and_then(|strays| strays.into_iter().next());
    let what = match (datasets.first(), stray) {
        (Some(first), _) => format!("name the folder of one dataset, such as {first}"),
        (None, Some(stray)) => stray,
        (None, None) => {
            "name the folder of one dataset, config/datasets/NAME of a lake; `tributary dataset new` drafts one from a file".to_owned()
        }
    };
    format!("{shown}: there is no dataset.toml; {what}")
}

/// Files whose names a lake does not know, but nearly: what is in them would have no effect.
fn strays(folder: &Path) -> Result<Vec<String>, Failure> {
    let wrong = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() {
            found.extend(misnamed(&name).map(|meant| format!("{name} has no effect: is it meant to be {meant}?")));
        }
    }
    found.sort();
    Ok(found)
}

/// What to do so that a lake uses the dataset, as far as the place of its folder tells.
fn next_step(folder: &Path, dataset: &Dataset) -> String {
    let name = &dataset.name;
    let whole = folder.canonicalize().unwrap_or_default();
    let Some(lake) =
        whole.parent().filter(|parent| parent.ends_with("config/datasets")).and_then(|it| it.ancestors().nth(2))
    else {
        let files = if dataset.has_source() { String::new() } else { format!(", and its files below raw/{name}/") };
        return format!("To use it, put the folder below config/datasets/ of a lake{files}.");
    };
    match (dataset.has_source(), lake.join("raw").join(name).is_dir()) {
        (true, _) => format!("It is in use: `tributary run {name}` fetches it."),
        (false, true) => {
            format!("It is in use: `tributary clean` and `tributary aggregate` take what is below raw/{name}/.")
        }
        (false, false) => format!("To use it, make the folder raw/{name}/ in the lake for its files."),
    }
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
        if is_read(&name) {
            let text = std::fs::read_to_string(&path);
            files.insert(name, text.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?);
        }
    }
    Ok(files)
}
