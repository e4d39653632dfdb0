//! The texts of a draft: `dataset.toml`, and a first model.

use std::fmt::{Arguments, Write};

use lake::dataset::ColumnType;

use super::column::Guess;
use super::grid::{Grid, Origin};
use super::{ending, names, naming, quoted, unpacked};
use lake::dataset::{ARCHIVE, ends_in};

/// Numbers that a first model sums up.
const MEASURES: usize = 3;
const MODEL: &str = "records_by_day.sql";

/// What a table is cut by.
pub(super) struct Day<'g> {
    /// The column of the time or the date.
    pub of: &'g Guess,
    /// The name of the column that has the day.
    name: String,
}

impl Day<'_> {
    /// A column's name; that of a date that cuts the table has neither digits nor anything else but letters.
    pub(super) fn column_name(guess: &Guess, day: Option<&Self>) -> String {
        match day {
            Some(day) if day.of.name == guess.name && guess.kind == ColumnType::Date => day.name.clone(),
            _ => guess.name.clone(),
        }
    }
}

/// The text of a dataset drafted from a file of that name. `key` has the lines on its key.
pub(super) fn dataset(
    name: &str,
    file: &str,
    grid: &Grid,
    guesses: &[Guess],
    day: Option<&Day>,
    key: &[String],
) -> String {
    let mut text = String::new();
    let add = &mut text;
    line(add, format_args!("# Drafted from {}. Lines that begin with # explain or offer.", quoted(file)));
    line(add, format_args!("title = {}", quoted(&name.replace('_', " "))));
    let zone = "# In which a day is a day, and local times are read, such as Europe/Brussels";
    line(add, format_args!("{zone}\ntime_zone = \"UTC\"\n"));
    line(add, format_args!("[table.record]"));
    let about = format!("Rows of files like {file}; drafted, say here what a row is");
    line(add, format_args!("about = {}\n# Files below raw/{name}/, plain or .gz, .zst or .zip", quoted(&about)));
    line(add, format_args!("from = {}", quoted(&glob(file))));
    grid.options.iter().for_each(|option| line(add, format_args!("{option}")));
    if let Some(Day { name, .. }) = day {
        line(add, format_args!("partition = \"month({name})\""));
    }
    key.iter().for_each(|key| line(add, format_args!("{key}")));
    for guess in guesses {
        column(add, guess, &Day::column_name(guess, day));
    }
    if let Some(Day { of, name }) = day.filter(|day| day.of.kind == ColumnType::Timestamp) {
        line(
            add,
            format_args!(
                "\n[table.record.column.{name}]\nabout = \"The day of {of}, in the dataset's time zone\"\ntype = \"date\"\nday_of = \"{of}\"",
                of = of.name
            ),
        );
    }
    text
}

fn column(add: &mut String, guess: &Guess, name: &str) {
    line(add, format_args!("\n[table.record.column.{name}]"));
    line(add, format_args!("{}", guess.declared));
    guess.remarks.iter().for_each(|remark| line(add, format_args!("{remark}")));
    match (&guess.joined, &guess.origin) {
        (Some((date, time)), _) => line(add, format_args!("fields = [{}, {}]", quoted(date), quoted(time))),
        (None, Origin::Named(field)) if field != name => line(add, format_args!("field = {}", quoted(field))),
        (None, Origin::Path(path)) => line(add, format_args!("path = {}", quoted(path))),
        // By it, other columns know the one that was renamed.
        (None, Origin::InOrder) if guess.name != name => line(add, format_args!("field = {}", quoted(&guess.name))),
        (None, _) => {}
    }
    if guess.required {
        line(add, format_args!("required = true"));
    }
    if !guess.missing.is_empty() {
        let texts: Vec<String> = guess.missing.iter().map(|text| quoted(text)).collect();
        line(add, format_args!("missing = [{}]", texts.join(", ")));
    }
    if guess.is_personal {
        line(add, format_args!("personal = true"));
    }
    // What a file calls it often says more, such as the unit.
    if let (None, Origin::Named(field)) = (&guess.joined, &guess.origin)
        && field.to_lowercase() != name
    {
        line(add, format_args!("about = {}", quoted(&field.split_whitespace().collect::<Vec<_>>().join(" "))));
    }
}

/// Files like the sample.
fn glob(file: &str) -> String {
    let plain = unpacked(file);
    let within = plain.get(..plain.len().saturating_sub(ARCHIVE.len())).filter(|_| ends_in(plain, ARCHIVE));
    let known = within.filter(|within| !ending(within).is_empty()).unwrap_or(plain);
    let ending = ending(known);
    let is_plain = !ending.is_empty() && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain { format!("**/*.{ending}") } else { "**/*".to_owned() }
}

/// The column that says a row's day, if there is one: a time or a date that is always there.
pub(super) fn day_of(guesses: &[Guess]) -> Option<Day<'_>> {
    // A date of birth is no day of a row.
    let is_time = |guess: &&Guess| {
        let is_time = matches!(guess.kind, ColumnType::Date | ColumnType::Timestamp);
        is_time && guess.required && !names::is_birth(&guess.name)
    };
    let is_joined = |guess: &&Guess| guess.joined.is_some();
    let mut times = guesses.iter().filter(is_time);
    let of = times
        .clone()
        .find(is_joined)
        // When a row was written or changed says less of it.
        .or_else(|| times.clone().find(|guess| !names::is_of_record(&guess.name)))
        .or_else(|| times.next())?;
    let is_known = |name: &str| guesses.iter().any(|guess| guess.name == name);
    let is_sound = of.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let name = if of.kind == ColumnType::Date && is_sound {
        of.name.clone()
    } else {
        ["day", "local_day", "day_of_record"].into_iter().find(|name| !is_known(name))?.to_owned()
    };
    Some(Day { of, name })
}

/// The name and the text of a first model.
pub(super) fn model(guesses: &[Guess], day: &Day) -> (String, String) {
    let is_measure = |guess: &&Guess| {
        let is_number = guess.kind == ColumnType::Float64
            // A whole number without a name of its own may be one that tells rows apart.
            || guess.kind == ColumnType::Int64 && !guess.is_id && !guess.name.starts_with("column_");
        is_number && !guess.is_personal && !names::is_counter(&guess.name)
    };
    let mut measures: Vec<&Guess> = guesses.iter().filter(is_measure).collect();
    measures.sort_by_key(|guess| guess.kind != ColumnType::Float64);
    let mut columns = String::new();
    for guess in measures.iter().take(MEASURES) {
        let (name, column) = (&guess.name, naming::in_sql(&guess.name));
        for (function, prefix) in [("avg", "average"), ("min", "minimum"), ("max", "maximum")] {
            columns.push_str(&format!(",\n       {function}({column}) AS {prefix}_{name}"));
        }
    }
    let what = if measures.is_empty() { "" } else { ", with the averages and extremes of their numbers" };
    let day = &day.name;
    let sql = naming::in_sql(day);
    let text = format!(
        "-- Records per day{what}: an example of a model, to be changed.\n--\n-- [model]\n-- partition = \"month({day})\"\n-- inputs = [\"record\"]\n\
         --\n-- [[test]]\n-- unique = [\"{day}\"]\n\n\
         SELECT {sql} AS {sql},\n       count(*) AS records{columns}\nFROM record\nGROUP BY {sql}\nORDER BY {sql}\n"
    );
    (MODEL.to_owned(), text)
}

/// Adds lines; writing to a string cannot fail.
fn line(text: &mut String, content: Arguments<'_>) {
    let _ = writeln!(text, "{content}");
}
