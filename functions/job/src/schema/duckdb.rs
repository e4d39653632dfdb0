//! DuckDB: views over the files, in a local folder or on S3. A schema per dataset, so that a table has the name that
//! `tributary query` has for it.

use aggregate::ColumnKind;
use lake::store::StoreUrl;

use super::{Relation, Words, comment, current, double_quoted, list, literal, statement};

const WORDS: Words =
    Words { quoted: double_quoted, source: "replace(regexp_extract(filename, '([^/]*)[.]parquet$', 1), '__', '/')" };

/// The statements for these relations.
pub(super) fn ddl(relations: &[Relation]) -> String {
    let mut sql = String::new();
    comment(&mut sql, "The lake's tables and models in DuckDB (1.3 or later): tributary schema --dialect duckdb");
    comment(&mut sql, "Print it again after a change of columns, and when a table has its first rows.");
    if relations.iter().any(|relation| matches!(relation.place, StoreUrl::S3 { .. })) {
        comment(&mut sql, "Before: INSTALL httpfs; LOAD httpfs; CREATE SECRET (TYPE s3, PROVIDER credential_chain);");
    }
    sql.push('\n');
    let mut schemas: Vec<&str> = relations.iter().map(|relation| relation.dataset.as_str()).collect();
    schemas.dedup();
    for schema in schemas {
        statement(&mut sql, &format!("CREATE SCHEMA IF NOT EXISTS {}", double_quoted(schema)));
    }
    for relation in relations {
        let name = |name: &str| format!("{}.{}", double_quoted(&relation.dataset), double_quoted(name));
        let (table, view) = (name(&relation.name), name(&format!("current_{}", relation.name)));
        let columns = list(relation.shown.iter().map(|name| double_quoted(name)));
        let has_objects = relation.has_objects != Some(false);
        if has_objects {
            let files = files(relation);
            statement(&mut sql, &format!("CREATE OR REPLACE VIEW {table} AS\nSELECT {columns}\nFROM {files}"));
        } else {
            statement(&mut sql, &format!("CREATE OR REPLACE VIEW {table} AS\n{}", nothing(relation)));
        }
        comments(&mut sql, relation, &table, &relation.about);
        if relation.is_table() {
            // A view hides the name of the file, so that this one reads the files itself.
            let query = if has_objects { current(relation, &files(relation), &WORDS) } else { nothing(relation) };
            statement(&mut sql, &format!("CREATE OR REPLACE VIEW {view} AS\n{query}"));
            comments(&mut sql, relation, &view, &relation.about_current());
        }
    }
    sql
}

fn comments(sql: &mut String, relation: &Relation, view: &str, about: &str) {
    statement(sql, &format!("COMMENT ON VIEW {view} IS {}", literal(about)));
    for column in relation.shown_columns().filter(|column| !column.about.is_empty()) {
        let name = double_quoted(&column.name);
        statement(sql, &format!("COMMENT ON COLUMN {view}.{name} IS {}", literal(&column.about)));
    }
}

/// The files as a table. DuckDB decodes values of a path, and takes them for those of the file.
fn files(relation: &Relation) -> String {
    let place = match &relation.place {
        StoreUrl::File(path) => path.display().to_string(),
        s3 => s3.to_string(),
    };
    let glob = format!("{}{}/*.parquet", escaped(&place), "/*".repeat(relation.partition.len()));
    let types = relation
        .partition
        .iter()
        .map(|column| format!("{}: {}", literal(&column.name), type_of(column.kind)))
        .collect::<Vec<_>>()
        .join(", ");
    let hive = match types.as_str() {
        "" => "hive_partitioning = false".to_owned(),
        types => format!("hive_partitioning = true, hive_types = {{{types}}}"),
    };
    format!("read_parquet({}, {hive}, filename = true)", literal(&glob))
}

/// A path in which no character is a pattern's.
fn escaped(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for character in path.chars() {
        match character {
            '*' | '?' | '[' => escaped.extend(['[', character, ']']),
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// A table without rows: DuckDB refuses a pattern that matches no file.
fn nothing(relation: &Relation) -> String {
    let null = |column: &super::RelationColumn| {
        format!("CAST(NULL AS {}) AS {}", type_of(column.kind), double_quoted(&column.name))
    };
    format!("SELECT {}\nWHERE false", list(relation.shown_columns().map(null)))
}

fn type_of(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::String => "VARCHAR",
        ColumnKind::Int32 => "INTEGER",
        ColumnKind::Int64 => "BIGINT",
        ColumnKind::Float64 => "DOUBLE",
        ColumnKind::Bool => "BOOLEAN",
        ColumnKind::Date => "DATE",
        ColumnKind::Timestamp => "TIMESTAMP WITH TIME ZONE",
        ColumnKind::LocalTime => "TIMESTAMP",
    }
}
