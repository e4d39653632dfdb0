//! Snowflake: a schema per dataset, names in capitals, so that queries need no quotes.
//!
//! - External tables are generally available, and read the files where they are.
//! - Read-only Iceberg tables over the same files (Parquet Direct) are a preview.
//! - Native tables of models take what `tributary snowflake-copy` copies.

use std::fmt::Write;

use aggregate::ColumnKind;
use lake::settings::Zone;
use lake::store::StoreUrl;

use super::{Relation, RelationColumn, Words, comment, current, double_quoted, list, statement};
use crate::cli::SnowflakeTables;
use crate::commands::Result;
use crate::failure::Failure;

const WORDS: Words = Words {
    quoted: capitals,
    source: "REPLACE(REGEXP_SUBSTR(METADATA$FILENAME, '([^/]*)[.]parquet$', 1, 1, 'e', 1), '__', '/')",
};
/// The schema of what belongs to no dataset: the stages.
pub const LAKE_SCHEMA: &str = "TRIBUTARY";
/// The name of the storage integration, external volume and catalog integration.
const INTEGRATION: &str = "TRIBUTARY";
const ROLE_HINT: &str = "the ARN of a role that may read the buckets";

/// The statements for these relations.
pub(super) fn ddl(relations: &[Relation], tables: SnowflakeTables) -> Result<String> {
    if tables == SnowflakeTables::Native
        && let [first, ..] = relations
        && relations.iter().all(Relation::is_table)
    {
        let name = format!("{}.{}", first.dataset, first.name);
        return Err(Failure::usage(format!(
            "{name} is a table, and native tables are of models: leave out --tables native"
        )));
    }
    let mut sql = String::new();
    comment(&mut sql, "The lake's tables and models in Snowflake: tributary schema --dialect snowflake");
    comment(&mut sql, "Replace 'ROLE_ARN'; docs/engines.md has the order of steps.");
    sql.push('\n');
    if tables != SnowflakeTables::Native {
        access(&mut sql, relations, tables)?;
    }
    let mut schemas: Vec<&str> = relations.iter().map(|relation| relation.dataset.as_str()).collect();
    schemas.dedup();
    for schema in schemas {
        statement(&mut sql, &format!("CREATE SCHEMA IF NOT EXISTS {}", capitals(schema)));
    }
    for relation in relations {
        match tables {
            SnowflakeTables::External => external(&mut sql, relation),
            SnowflakeTables::Iceberg => iceberg(&mut sql, relation),
            SnowflakeTables::Native if relation.is_table() => {}
            SnowflakeTables::Native => {
                statement(&mut sql, &native(relation));
            }
        }
    }
    Ok(sql)
}

/// What gives Snowflake access to the files, once per lake.
fn access(sql: &mut String, relations: &[Relation], tables: SnowflakeTables) -> Result<()> {
    let mut roots: Vec<(&str, String)> = Vec::new();
    for relation in relations {
        let root = root(relation)?;
        if !roots.iter().any(|(zone, _)| *zone == relation.zone.name()) {
            roots.push((relation.zone.name(), root));
        }
    }
    comment(
        sql,
        &format!("Once, as ACCOUNTADMIN. 'ROLE_ARN' is {ROLE_HINT}; DESC INTEGRATION shows whom it must trust."),
    );
    if tables == SnowflakeTables::Iceberg {
        comment(sql, "Parquet Direct is a preview: see Snowflake's documentation for what it includes.");
        let places = roots.iter().map(|(zone, root)| {
            format!(
                "\n    (NAME = {} STORAGE_PROVIDER = 'S3' STORAGE_BASE_URL = {} STORAGE_AWS_ROLE_ARN = 'ROLE_ARN')",
                literal(zone),
                literal(root)
            )
        });
        // A volume has one active place: each zone is one.
        for ((zone, _), place) in roots.iter().zip(places) {
            let volume = capitals(&format!("{INTEGRATION}_{zone}"));
            statement(
                sql,
                &format!(
                    "CREATE EXTERNAL VOLUME IF NOT EXISTS {volume}\n  STORAGE_LOCATIONS = ({place}\n  )\n  ALLOW_WRITES = FALSE"
                ),
            );
        }
        statement(
            sql,
            &format!(
                "CREATE CATALOG INTEGRATION IF NOT EXISTS {}\n  CATALOG_SOURCE = OBJECT_STORE\n  TABLE_FORMAT = HIVE\n  ENABLED = TRUE",
                capitals(INTEGRATION)
            ),
        );
        return Ok(());
    }
    let places = list(roots.iter().map(|(_, root)| literal(root)));
    statement(
        sql,
        &format!(
            "CREATE STORAGE INTEGRATION IF NOT EXISTS {}\n  TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE\n  STORAGE_AWS_ROLE_ARN = 'ROLE_ARN'\n  STORAGE_ALLOWED_LOCATIONS = ({places})",
            capitals(INTEGRATION)
        ),
    );
    statement(sql, &format!("CREATE SCHEMA IF NOT EXISTS {}", capitals(LAKE_SCHEMA)));
    for (zone, root) in roots {
        statement(
            sql,
            &format!(
                "CREATE STAGE IF NOT EXISTS {}.{}\n  URL = {} STORAGE_INTEGRATION = {}",
                capitals(LAKE_SCHEMA),
                capitals(zone),
                literal(&root),
                capitals(INTEGRATION)
            ),
        );
    }
    Ok(())
}

/// The root of a relation's zone.
fn root(relation: &Relation) -> Result<String> {
    let below = format!("{}/{}", relation.dataset, relation.name);
    let StoreUrl::S3 { .. } = relation.place else {
        let why = "Snowflake reads S3 here: name the lake there by --location s3://BUCKET/PREFIX".to_owned();
        return Err(Failure::usage(why));
    };
    Ok(relation.place.to_string().strip_suffix(&below).unwrap_or_default().to_owned())
}

fn external(sql: &mut String, relation: &Relation) {
    let name = name(relation, &relation.name);
    let mut columns = String::new();
    let all: Vec<&RelationColumn> = relation.columns.iter().chain(&relation.partition).collect();
    for (at, column) in all.iter().enumerate() {
        let expression = if column.in_file { of_file(column, "VALUE") } else { of_path(column) };
        let end = if at + 1 == all.len() { "" } else { "," };
        let about = if column.about.is_empty() { String::new() } else { format!(" -- {}", column.about) };
        let kind = type_of(column.kind);
        // Writing to a string cannot fail.
        let _ = writeln!(columns, "  {} {kind} AS ({expression}){end}{about}", capitals(&column.name));
    }
    // What stands in the file is right whatever its path is encoded to; it is then no column to leave out files by.
    let of_path = relation.partition.iter().filter(|column| !column.in_file);
    let partition = list(of_path.map(|column| capitals(&column.name)));
    let partition = if partition.is_empty() { String::new() } else { format!("PARTITION BY ({partition})\n") };
    let stage = format!("@{}.{}", capitals(LAKE_SCHEMA), capitals(relation.zone.name()));
    statement(
        sql,
        &format!(
            "CREATE OR REPLACE EXTERNAL TABLE {name} (\n{columns})\n{partition}LOCATION = {stage}/{}/{}/\nPATTERN = '.*[.]parquet'\nFILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)\nAUTO_REFRESH = FALSE\nCOMMENT = {}",
            relation.dataset,
            relation.name,
            literal(&relation.about)
        ),
    );
    view(sql, relation, &name, &WORDS);
}

fn iceberg(sql: &mut String, relation: &Relation) {
    let name = name(relation, &relation.name);
    statement(
        sql,
        &format!(
            "CREATE ICEBERG TABLE IF NOT EXISTS {name}\n  EXTERNAL_VOLUME = '{}_{}'\n  CATALOG = '{INTEGRATION}'\n  BASE_LOCATION = '{}/{}/'\n  COMMENT = {}",
            INTEGRATION,
            relation.zone.name().to_uppercase(),
            relation.dataset,
            relation.name,
            literal(&relation.about)
        ),
    );
    // The names of inferred columns are those of the files. Such a table does not show the name of a row's file: of rows
    // with the same key and time any may count.
    let words = Words { quoted: double_quoted, source: "\"received_at\"" };
    view(sql, relation, &name, &words);
}

/// A native table of a model, which `tributary snowflake-copy` fills.
pub fn native(relation: &Relation) -> String {
    let column = |column: &RelationColumn| {
        let about =
            if column.about.is_empty() { String::new() } else { format!(" COMMENT {}", literal(&column.about)) };
        format!("{} {}{about}", capitals(&column.name), type_of(column.kind))
    };
    let columns = relation.columns.iter().chain(&relation.partition).map(column).collect::<Vec<_>>().join(",\n  ");
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n  {columns},\n  {} VARCHAR COMMENT 'The partition of the lake'\n)\nCOMMENT = {}",
        name(relation, &relation.name),
        capitals(PARTITION),
        literal(&relation.about)
    )
}

/// The column of native tables by which a partition is replaced.
pub const PARTITION: &str = "lake_partition";

/// A relation's name, or another one beside it.
pub fn name(relation: &Relation, name: &str) -> String {
    format!("{}.{}", capitals(&relation.dataset), capitals(name))
}

fn view(sql: &mut String, relation: &Relation, table: &str, words: &Words) {
    if relation.zone != Zone::Standard {
        return;
    }
    let commented = |column: &RelationColumn| match column.about.as_str() {
        "" => capitals(&column.name),
        about => format!("{} COMMENT {}", capitals(&column.name), literal(about)),
    };
    let columns = relation.shown_columns().map(commented).collect::<Vec<_>>().join(",\n  ");
    let view = name(relation, &format!("current_{}", relation.name));
    let about = literal(&relation.about_current());
    let query = current(relation, table, words);
    statement(sql, &format!("CREATE OR REPLACE VIEW {view} (\n  {columns}\n)\nCOMMENT = {about}\nAS {query}"));
}

/// A column's value in a row of a file.
pub fn of_file(column: &RelationColumn, row: &str) -> String {
    format!("{row}:{}::{}", double_quoted(&column.name), type_of(column.kind))
}

/// A column's value in the path.
fn of_path(column: &RelationColumn) -> String {
    let text = format!("SPLIT_PART(SPLIT_PART(METADATA$FILENAME, '/{}=', 2), '/', 1)", column.name);
    let text = format!("NULLIF({text}, '{}')", lake::partition::NULL);
    match column.kind {
        ColumnKind::String => text,
        kind => format!("{text}::{}", type_of(kind)),
    }
}

/// A text as a literal, in which Snowflake takes a backslash for an escape.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A name in capitals and quotes, which is the same as without quotes.
pub fn capitals(name: &str) -> String {
    double_quoted(&name.to_uppercase())
}

/// A type in Snowflake.
pub fn type_of(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::String => "VARCHAR",
        ColumnKind::Int32 => "NUMBER(10, 0)",
        ColumnKind::Int64 => "NUMBER(19, 0)",
        ColumnKind::Float64 => "FLOAT",
        ColumnKind::Bool => "BOOLEAN",
        ColumnKind::Date => "DATE",
        ColumnKind::Timestamp => "TIMESTAMP_LTZ(6)",
        ColumnKind::LocalTime => "TIMESTAMP_NTZ(6)",
    }
}
