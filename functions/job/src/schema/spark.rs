//! Spark SQL: external tables over the files, a database per dataset.

use aggregate::ColumnKind;
use lake::store::StoreUrl;

use super::{Relation, RelationColumn, Words, comment, current, list, statement};

const WORDS: Words =
    Words { quoted, source: "replace(regexp_extract(_metadata.file_path, '([^/]*)[.]parquet$', 1), '__', '/')" };

/// The statements for these relations.
pub(super) fn ddl(relations: &[Relation]) -> String {
    let mut sql = String::new();
    comment(&mut sql, "The lake's tables and models in Spark (3.4 or later): tributary schema --dialect spark");
    comment(
        &mut sql,
        "ALTER TABLE ... RECOVER PARTITIONS finds partitions that came later; a table that exists is left as it is.",
    );
    sql.push('\n');
    let mut databases: Vec<&str> = relations.iter().map(|relation| relation.dataset.as_str()).collect();
    databases.dedup();
    for database in databases {
        statement(&mut sql, &format!("CREATE DATABASE IF NOT EXISTS {}", quoted(database)));
    }
    for relation in relations {
        let name = |name: &str| format!("{}.{}", quoted(&relation.dataset), quoted(name));
        let table = name(&relation.name);
        let all = relation.columns.iter().chain(&relation.partition);
        let columns = all.map(column).collect::<Vec<_>>().join(",\n  ");
        let partition = list(relation.partition.iter().map(|column| quoted(&column.name)));
        let partitioned = if partition.is_empty() { String::new() } else { format!("PARTITIONED BY ({partition})\n") };
        statement(
            &mut sql,
            &format!(
                "CREATE TABLE IF NOT EXISTS {table} (\n  {columns}\n)\nUSING PARQUET\n{partitioned}COMMENT {}\nLOCATION {}",
                literal(&relation.about),
                literal(&place(&relation.place)),
            ),
        );
        if !partition.is_empty() && relation.has_objects == Some(false) {
            comment(
                &mut sql,
                &format!("{}.{} has no rows yet: recover its partitions later.", relation.dataset, relation.name),
            );
        } else if !partition.is_empty() {
            statement(&mut sql, &format!("ALTER TABLE {table} RECOVER PARTITIONS"));
        }
        if relation.is_table() {
            let commented = |column: &RelationColumn| match column.about.as_str() {
                "" => quoted(&column.name),
                about => format!("{} COMMENT {}", quoted(&column.name), literal(about)),
            };
            let columns = relation.shown_columns().map(commented).collect::<Vec<_>>().join(",\n  ");
            let view = name(&format!("current_{}", relation.name));
            let about = literal(&relation.about_current());
            let query = current(relation, &table, &WORDS);
            statement(
                &mut sql,
                &format!("CREATE OR REPLACE VIEW {view} (\n  {columns}\n)\nCOMMENT {about}\nAS {query}"),
            );
        }
    }
    sql
}

fn column(column: &RelationColumn) -> String {
    let about = if column.about.is_empty() { String::new() } else { format!(" COMMENT {}", literal(&column.about)) };
    format!("{} {}{about}", quoted(&column.name), type_of(column.kind))
}

fn place(place: &StoreUrl) -> String {
    match place {
        StoreUrl::File(path) => format!("file:{}", path.display()),
        // EMR's own name; with Hadoop's connector it is another one, which core-site.xml may give the same meaning.
        s3 => s3.to_string(),
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn type_of(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::String => "STRING",
        ColumnKind::Int32 => "INT",
        ColumnKind::Int64 => "BIGINT",
        ColumnKind::Float64 => "DOUBLE",
        ColumnKind::Bool => "BOOLEAN",
        ColumnKind::Date => "DATE",
        ColumnKind::Timestamp => "TIMESTAMP",
        ColumnKind::LocalTime => "TIMESTAMP_NTZ",
    }
}
