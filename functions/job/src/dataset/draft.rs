//! `tributary dataset new`: drafts a dataset's folder from a sample file.

use std::fmt::{Arguments, Write};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use clean::formats::{Sample, sample};
use lake::dataset::{COMPRESSIONS, Catalog, Column, ColumnType};

use super::{Report, check};
use crate::failure::Failure;

/// How much of the file is looked at.
const SAMPLE_BYTES: u64 = 8 * 1024 * 1024;
/// Texts that often stand for a value that is not there.
const MISSING: [&str; 8] = ["NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "-"];
/// What a column may be, the narrowest first.
const CANDIDATES: [&str; 12] = [
    "type = \"int64\"",
    "type = \"float64\"",
    "type = \"float64\"\ndecimal = \",\"",
    "type = \"timestamp\"",
    "type = \"timestamp\"\nformat = [\"%Y-%m-%d %H:%M:%S%.f\", \"%Y-%m-%dT%H:%M:%S%.f\", \"%Y-%m-%d %H:%M\"]\nzone = \"UTC\"",
    "type = \"timestamp\"\nformat = [\"%d/%m/%Y %H:%M:%S\", \"%d/%m/%Y %H:%M\"]\nzone = \"UTC\"",
    "type = \"timestamp\"\nformat = [\"%d.%m.%Y %H:%M:%S\", \"%d.%m.%Y %H:%M\"]\nzone = \"UTC\"",
    "type = \"date\"",
    "type = \"date\"\nformat = \"%d/%m/%Y\"",
    "type = \"date\"\nformat = \"%m/%d/%Y\"",
    "type = \"date\"\nformat = \"%d.%m.%Y\"",
    "type = \"bool\"",
];

/// Drafts `INTO/NAME/` from a CSV file, and checks it.
pub(super) async fn draft(name: &str, from: &Path, into: Option<&Path>) -> Result<Report, Failure> {
    check::sound_name(name)?;
    if Catalog::built_in().dataset(name).is_ok() {
        let why = format!(
            "there is a built-in dataset {name}: to change single values of it, write only these into {name}/dataset.toml"
        );
        return Err(Failure::usage(why));
    }
    let into = into.unwrap_or(Path::new("."));
    check::local(into)?;
    let folder = into.join(name);
    if folder.exists() {
        return Err(Failure::usage(format!(
            "{} is there already: remove it, or choose another name",
            folder.display()
        )));
    }
    let seen = look_at(from)?;
    let columns = columns(&seen);
    let files =
        [("dataset.toml", dataset_toml(name, from, &seen, &columns)), ("records_by_day.sql", model_sql(&columns))];
    let wrong = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(&folder).map_err(wrong)?;
    for (file, text) in files {
        std::fs::write(folder.join(file), text).map_err(wrong)?;
    }
    let mut report = check::check(&folder).await?;
    let rows = seen.rows.len();
    let head = format!(
        "Drafted {} from {rows} rows of {}: read what it guesses, and change it.\n",
        folder.display(),
        from.display()
    );
    report.text.insert_str(0, &head);
    Ok(report)
}

/// The beginning of a file, by the delimiter that cuts it into the most columns.
fn look_at(from: &Path) -> Result<Sample, Failure> {
    let wrong = |why: String| Failure::usage(format!("{}: {why}", from.display()));
    let mut bytes = Vec::new();
    if [".json", ".ndjson", ".jsonl"].iter().any(|ending| extension(from).starts_with(ending)) {
        return Err(wrong("drafts are made from files with delimiters; declare a JSON table by hand".to_owned()));
    }
    let file = File::open(from).map_err(|error| wrong(error.to_string()))?;
    let file = clean::decompress(&from.to_string_lossy(), Box::new(file)).map_err(|error| wrong(error.to_string()))?;
    file.take(SAMPLE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() as u64 > SAMPLE_BYTES {
        // The last line may be cut in two.
        let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(bytes.len());
        bytes.truncate(end);
    }
    let cuts = [b',', b';', b'\t', b'|'].map(|delimiter| sample(bytes.as_slice(), delimiter));
    let best =
        cuts.into_iter().flatten().reduce(|best, cut| if cut.names.len() > best.names.len() { cut } else { best });
    best.filter(|seen| !seen.names.is_empty()).ok_or_else(|| wrong("there is no row in it".to_owned()))
}

/// What is guessed of a column.
struct Guess {
    name: String,
    field: String,
    declared: String,
    kind: ColumnType,
    required: bool,
    missing: Vec<&'static str>,
}

fn columns(seen: &Sample) -> Vec<Guess> {
    let mut guesses: Vec<Guess> = Vec::new();
    for (at, field) in seen.names.iter().enumerate() {
        let values: Vec<&str> = seen.rows.iter().filter_map(|row| row.get(at)).map(|value| value.trim()).collect();
        let missing: Vec<&'static str> = MISSING.into_iter().filter(|text| values.contains(text)).collect();
        let present: Vec<&str> =
            values.iter().copied().filter(|value| !value.is_empty() && !missing.contains(value)).collect();
        let fits = CANDIDATES.into_iter().find(|declared| !present.is_empty() && all_fit(declared, &present));
        let declared = fits.unwrap_or("type = \"string\"");
        let missing = if fits.is_some() { missing } else { Vec::new() };
        let mut name = column_name(field, at);
        while guesses.iter().any(|guess| guess.name == name) {
            name.push_str("_2");
        }
        guesses.push(Guess {
            name,
            field: field.clone(),
            kind: column(declared).map_or(ColumnType::String, |column| column.kind),
            declared: declared.to_owned(),
            required: !values.is_empty() && values.iter().all(|value| !value.is_empty()) && missing.is_empty(),
            missing,
        });
    }
    guesses
}

fn column(declared: &str) -> Option<Column> {
    Column::from_declaration(declared).ok()
}

fn all_fit(declared: &str, values: &[&str]) -> bool {
    let Some(column) = column(declared) else { return false };
    // `007` is a code, not a number.
    let is_code = |value: &str| value.len() > 1 && value.starts_with('0') && value.bytes().all(|b| b.is_ascii_digit());
    let has_codes =
        matches!(column.kind, ColumnType::Int64 | ColumnType::Float64) && values.iter().any(|value| is_code(value));
    !has_codes && values.iter().all(|value| clean::formats::fits(&column, value))
}

/// `Start Time (UTC)` becomes `start_time_utc`.
fn column_name(field: &str, at: usize) -> String {
    let lower = field.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let name = words.join("_");
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => name,
        _ => format!("column_{}", at + 1),
    }
}

/// The column that tells a row's day, if there is one: the first date or timestamp that is always there.
fn day_of(columns: &[Guess]) -> Option<&Guess> {
    let is_time = |guess: &&Guess| matches!(guess.kind, ColumnType::Date | ColumnType::Timestamp) && guess.required;
    columns.iter().find(is_time)
}

fn quoted(text: &str) -> String {
    // A JSON string is a TOML string.
    serde_json::Value::from(text).to_string()
}

fn dataset_toml(name: &str, from: &Path, seen: &Sample, columns: &[Guess]) -> String {
    let mut text = format!(
        "# Drafted from {}. Lines that begin with # explain or offer.\n",
        quoted(&from.file_name().unwrap_or_default().to_string_lossy())
    );
    line(&mut text, format_args!("title = {}", quoted(&name.replace('_', " "))));
    line(&mut text, format_args!("# In which a day is a day, such as Europe/Brussels\ntime_zone = \"UTC\"\n"));
    let record = format!("[table.record]\n# Files below raw/{name}/, plain or .gz or .zst");
    line(&mut text, format_args!("{record}\nfrom = \"**/*{}\"", extension(from)));
    match seen.delimiter {
        b'\t' => line(&mut text, format_args!("format = \"tsv\"")),
        b',' => line(&mut text, format_args!("format = \"csv\"")),
        other => line(&mut text, format_args!("format = \"csv\"\ndelimiter = \"{}\"", char::from(other))),
    }
    let day = day_of(columns);
    match day.map(|guess| (guess.kind, guess.name.as_str())) {
        Some((ColumnType::Date, column)) => line(&mut text, format_args!("partition = \"month({column})\"")),
        Some(_) => line(&mut text, format_args!("partition = \"month(day)\"")),
        None => {}
    }
    line(
        &mut text,
        format_args!(
            "# The columns that tell rows apart; where a key comes again, the newest file wins:\n# key = [\"...\"]"
        ),
    );
    for guess in columns {
        line(&mut text, format_args!("\n[table.record.column.{}]\n{}", guess.name, guess.declared));
        if guess.field != guess.name {
            line(&mut text, format_args!("field = {}", quoted(&guess.field)));
        }
        if guess.required {
            line(&mut text, format_args!("required = true"));
        }
        if !guess.missing.is_empty() {
            let texts: Vec<String> = guess.missing.iter().map(|text| quoted(text)).collect();
            line(&mut text, format_args!("missing = [{}]", texts.join(", ")));
        }
    }
    if let Some(guess) = day.filter(|guess| guess.kind == ColumnType::Timestamp) {
        line(&mut text, format_args!("\n[table.record.column.day]\ntype = \"date\"\nday_of = \"{}\"", guess.name));
    }
    text
}

/// Adds lines; writing to a string cannot fail.
fn line(text: &mut String, content: Arguments<'_>) {
    let _ = writeln!(text, "{content}");
}

/// The ending of a file's name, without that of its compression.
fn extension(from: &Path) -> String {
    let name = from.file_name().unwrap_or_default().to_string_lossy();
    let plain = COMPRESSIONS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    plain.rsplit_once('.').map_or_else(String::new, |(_, ending)| format!(".{ending}"))
}

fn model_sql(columns: &[Guess]) -> String {
    let (partition, day) = match day_of(columns) {
        Some(guess) if guess.kind == ColumnType::Date => {
            (format!("-- partition = \"month({})\"\n", guess.name), guess.name.clone())
        }
        Some(_) => ("-- partition = \"month(day)\"\n".to_owned(), "day".to_owned()),
        None => (String::new(), "date_trunc('day', received_at)".to_owned()),
    };
    // The result is cut by the column that its partition names.
    let name = if partition.is_empty() { "day" } else { day.as_str() };
    format!(
        "-- Records per day: an example of a model, to be changed.\n--\n-- [model]\n{partition}-- inputs = [\"record\"]\n\n\
         SELECT {day} AS {name}, count(*) AS records\nFROM record\nGROUP BY {day}\nORDER BY {name}\n"
    )
}
