//! `tributary schema`: SQL by which other engines know the lake's tables and models, with a view `current_TABLE` of the
//! rows of each table that count.
//!
//! A table of the standard zone has a row per delivery. Which of them counts is declared
//! ([`lake::dataset::Table::compared_by`]), and the engine of this project and the views here follow the same rule: the
//! newest `received_at`, and of equal ones the greater raw key.

mod athena;
mod duckdb;
mod relation;
pub mod snowflake;
mod spark;
#[cfg(test)]
mod tests;

use std::fmt::Write;
use std::process::ExitCode;
use std::time::Instant;

use lake::Lake;
use lake::dataset::quoted as double_quoted;
use lake::store::StoreUrl;
use serde_json::json;

use crate::cli::{Dialect, Format, SchemaOptions};
use crate::commands::{Result, url_of};
use crate::failure::{self, Failure};
use crate::output::{print, print_result};
use crate::summary::exit_status;

pub use self::relation::{Counted, Relation, RelationColumn};

/// The relations that a command names, at their zones' own places.
pub async fn chosen(lake: &Lake, name: Option<&str>) -> Result<Vec<Relation>> {
    let mut left_out = Vec::new();
    let relations = relation::chosen(lake, name, None, &mut left_out).await?;
    left_out.into_iter().next().map_or(Ok(relations), Err)
}

/// Prints the statements.
pub async fn run(lake: &Lake, options: &SchemaOptions, format: Format) -> ExitCode {
    let begun = Instant::now();
    // What one model lacks is no reason to leave out the others.
    let mut failures = Vec::new();
    let text = match text(lake, options, &mut failures).await {
        Ok(text) => text,
        Err(failure) => {
            failures.push(failure);
            String::new()
        }
    };
    failure::print_all(&failures);
    match format {
        Format::Text | Format::Csv => print(&text),
        Format::Json => {
            let (ok, elapsed_ms) = (failures.is_empty(), begun.elapsed().as_millis() as u64);
            print_result(format, &json!({"ok": ok, "elapsed_ms": elapsed_ms, "sql": text, "errors": failures}));
        }
    }
    exit_status(&failures)
}

async fn text(lake: &Lake, options: &SchemaOptions, left_out: &mut Vec<Failure>) -> Result<String> {
    let location = options.location.as_deref().map(|text| url_of(text).parse::<StoreUrl>());
    let location = location.transpose().map_err(|why| Failure::usage(format!("--location: {why}")))?;
    let mut relations = relation::chosen(lake, options.name.as_deref(), location.as_ref(), left_out).await?;
    if matches!(options.dialect, Dialect::Duckdb | Dialect::Spark) {
        relation::look_up(lake, &mut relations).await?;
    }
    let sql = match options.dialect {
        Dialect::Athena => athena::ddl(&relations, &options.database)?,
        Dialect::Duckdb => duckdb::ddl(&relations),
        Dialect::Snowflake => snowflake::ddl(&relations, options.tables)?,
        Dialect::Spark => spark::ddl(&relations),
    };
    Ok(sql)
}

/// How a dialect writes what all have in common.
struct Words {
    /// A name as an identifier.
    quoted: fn(&str) -> String,
    /// The raw key of a row's object, of which the greater one counts. An object's name has it with `__` for `/`
    /// ([`lake::keys::flatten`]); one that ends in a hash sorts by what stands before it.
    source: &'static str,
}

/// The query of a `current_` view over `table`: the columns as `tributary query` shows them.
fn current(relation: &Relation, table: &str, words: &Words) -> String {
    let Words { quoted, source } = words;
    let columns = list(relation.shown.iter().map(|name| quoted(name)));
    let received_at = quoted(lake::dataset::RECEIVED_AT);
    match &relation.counted {
        Counted::All => format!("SELECT {columns}\nFROM {table}"),
        Counted::NewestObject => format!(
            "SELECT {columns}\nFROM {table}\nWHERE {source} = (\n    SELECT {source} AS source FROM {table} ORDER BY {received_at} DESC, {source} DESC LIMIT 1\n)"
        ),
        Counted::Newest(key) => {
            let key = list(key.iter().map(|name| quoted(name)));
            format!(
                "SELECT {columns}\nFROM (\n    SELECT {columns}, row_number() OVER (\n        PARTITION BY {key}\n        ORDER BY {received_at} DESC, {source} DESC\n    ) AS row_age\n    FROM {table}\n) AS ranked\nWHERE row_age = 1"
            )
        }
    }
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// Adds a statement.
fn statement(sql: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = write!(sql, "{text};\n\n");
}

/// Adds lines of comment.
fn comment(sql: &mut String, text: &str) {
    for line in text.lines() {
        let _ = writeln!(sql, "{}", format!("-- {line}").trim_end());
    }
}

/// A text as a literal of standard SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
