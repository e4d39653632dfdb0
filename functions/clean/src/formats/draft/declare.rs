//! The texts of a draft: `dataset.toml`, and a first model.

use std::fmt::{Arguments, Write};

use lake::dataset::ColumnType;

use super::column::Guess;
use super::grid::{Grid, Origin};
use super::{ending, names, quoted, unpacked};
use lake::dataset::{ARCHIVE, ends_in};

/// Rows from which on what is unique is declared as the key, not only offered.
const ENOUGH_ROWS: usize = 20;
/// Numbers that a first model sums up.
const MEASURES: usize = 3;
const MODEL: &str = "records_by_day.sql";

/// What a table is cut by.
struct Day<'g> {
    /// The column of the time or the date.
    of: &'g Guess,
    /// The name of the column that has the day.
    name: String,
}

/// The texts of a dataset drafted from a file of that name.
pub(super) fn texts(name: &str, file: &str, grid: &Grid, guesses: &[Guess]) -> (String, Option<(String, String)>) {
    let day = day_of(guesses);
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
    if let Some(Day { name, .. }) = &day {
        line(add, format_args!("partition = \"month({name})\""));
    }
    key(add, grid, guesses, day.as_ref());
    for guess in guesses {
        column(add, guess, &column_name(guess, day.as_ref()));
    }
    if let Some(Day { of, name }) = day.as_ref().filter(|day| day.of.kind == ColumnType::Timestamp) {
        line(
            add,
            format_args!(
                "\n[table.record.column.{name}]\nabout = \"The day of {of}, in the dataset's time zone\"\ntype = \"date\"\nday_of = \"{of}\"",
                of = of.name
            ),
        );
    }
    let model = day.as_ref().map(|day| (MODEL.to_owned(), model(guesses, day)));
    (text, model)
}

/// The column's name; that of a date that cuts the table has neither digits nor anything else but letters.
fn column_name(guess: &Guess, day: Option<&Day>) -> String {
    match day {
        Some(day) if day.of.name == guess.name && guess.kind == ColumnType::Date => day.name.clone(),
        _ => guess.name.clone(),
    }
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
fn day_of(guesses: &[Guess]) -> Option<Day<'_>> {
    let is_time = |guess: &&Guess| matches!(guess.kind, ColumnType::Date | ColumnType::Timestamp) && guess.required;
    // When a row was written or changed says less of it.
    let is_of_record =
        |guess: &&Guess| ["creat", "updat", "modif", "chang", "birth"].iter().any(|part| guess.name.contains(part));
    let is_joined = |guess: &&Guess| guess.joined.is_some();
    let mut times = guesses.iter().filter(is_time);
    let of = times
        .clone()
        .find(is_joined)
        .or_else(|| times.clone().find(|guess| !is_of_record(guess)))
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

/// The columns that tell rows apart, declared where enough rows say so, else offered.
fn key(add: &mut String, grid: &Grid, guesses: &[Guess], day: Option<&Day>) {
    let name = |guess: &Guess| column_name(guess, day);
    let time = day.map(|day| day.of);
    let alone: Vec<&Guess> = guesses
        .iter()
        .filter(|guess| guess.is_unique && !matches!(guess.kind, ColumnType::Float64 | ColumnType::Bool))
        .collect();
    let with_time = |time: &Guess| {
        let of_time = guesses.iter().position(|guess| guess.name == time.name)?;
        let of_others = guesses.iter().enumerate().filter(|(at, guess)| {
            let is_name = matches!(guess.kind, ColumnType::String | ColumnType::Int64) && guess.required;
            *at != of_time && is_name && are_unique(grid, &[*at, of_time])
        });
        let mut others: Vec<&Guess> = of_others.map(|(_, guess)| guess).collect();
        others.sort_by_key(|guess| !guess.is_id);
        others.first().copied()
    };
    let found: Option<(Vec<String>, bool)> = match time {
        // One file may have a single day: what is unique in it comes again in the next.
        Some(time) => match with_time(time) {
            Some(other) if other.is_id || !time.is_unique => Some((vec![name(other), name(time)], other.is_id)),
            // Which series a file has may be in its name alone: another file's rows would be lost.
            _ if time.is_unique => Some((vec![name(time)], false)),
            _ => None,
        },
        None => {
            let id = alone.iter().find(|guess| guess.is_id).or_else(|| alone.first());
            id.map(|guess| (vec![name(guess)], guess.is_id))
        }
    };
    line(add, format_args!("# The columns that tell rows apart; where a key comes again, the newest file wins:"));
    if !alone.is_empty() {
        let names: Vec<String> = alone.iter().map(|guess| name(guess)).collect();
        let again = if time.is_some() { "; on another day what is unique here may come again" } else { "" };
        line(add, format_args!("# (each by itself is unique in the sample: {}{again})", names.join(", ")));
    }
    match found {
        Some((columns, is_sure)) => {
            let quoted: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
            let doubt = match is_sure {
                true if grid.rows >= ENOUGH_ROWS => None,
                true if grid.rows == 1 => Some("1 row of a sample is too few to know".to_owned()),
                true => Some(format!("{} rows of a sample are too few to know", grid.rows)),
                false if time.is_some() && columns.len() == 1 => {
                    Some("another file may have rows of the same times".to_owned())
                }
                false => Some("no name says that it tells rows apart, as an id does".to_owned()),
            };
            let offered = if doubt.is_some() { "# " } else { "" };
            if let Some(doubt) = doubt {
                line(add, format_args!("# (unique in the sample, and only offered: {doubt})"));
            }
            line(add, format_args!("{offered}key = [{}]", quoted.join(", ")));
        }
        None => line(add, format_args!("# (nothing that looks like a key is unique in the sample)\n# key = [\"...\"]")),
    }
}

/// Whether no two rows have the same values in columns.
fn are_unique(grid: &Grid, columns: &[usize]) -> bool {
    let mut known = std::collections::HashSet::new();
    (0..grid.rows).all(|row| {
        let value = |at: &usize| {
            grid.fields.get(*at).and_then(|field| field.values.get(row)?.as_ref()).map(|value| &value.text)
        };
        known.insert(columns.iter().map(value).collect::<Vec<_>>())
    })
}

fn model(guesses: &[Guess], day: &Day) -> String {
    let is_measure = |guess: &&Guess| {
        let is_number = guess.kind == ColumnType::Float64
            // A whole number without a name of its own may be one that tells rows apart.
            || guess.kind == ColumnType::Int64 && !guess.is_id && !guess.name.starts_with("column_");
        is_number && !guess.is_personal
    };
    let mut measures: Vec<&Guess> = guesses.iter().filter(is_measure).collect();
    measures.sort_by_key(|guess| guess.kind != ColumnType::Float64);
    let mut columns = String::new();
    for guess in measures.iter().take(MEASURES) {
        let (name, column) = (&guess.name, names::in_sql(&guess.name));
        for (function, prefix) in [("avg", "average"), ("min", "minimum"), ("max", "maximum")] {
            columns.push_str(&format!(",\n       {function}({column}) AS {prefix}_{name}"));
        }
    }
    let what = if measures.is_empty() { "" } else { ", with the averages and extremes of their numbers" };
    let day = &day.name;
    let sql = names::in_sql(day);
    format!(
        "-- Records per day{what}: an example of a model, to be changed.\n--\n-- [model]\n-- partition = \"month({day})\"\n-- inputs = [\"record\"]\n\n\
         SELECT {sql} AS {sql},\n       count(*) AS records{columns}\nFROM record\nGROUP BY {sql}\nORDER BY {sql}\n"
    )
}

/// Adds lines; writing to a string cannot fail.
fn line(text: &mut String, content: Arguments<'_>) {
    let _ = writeln!(text, "{content}");
}
