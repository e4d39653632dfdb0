//! Athena: external tables in one Glue database, `DATASET_TABLE`, as `infra/` makes them, and views.
//!
//! Partitions are projected: Athena works their places out, without a crawler.

use aggregate::ColumnKind;
use lake::store::StoreUrl;

use super::{Relation, RelationColumn, Words, comment, current, double_quoted, list, statement};
use crate::commands::Result;
use crate::failure::Failure;

const WORDS: Words =
    Words { quoted: double_quoted, source: "replace(regexp_extract(\"$path\", '([^/]*)[.]parquet$', 1), '__', '/')" };
/// The longest comment that Glue takes, in characters.
const LONGEST_COMMENT: usize = 255;

/// The statements for these relations.
pub(super) fn ddl(relations: &[Relation], database: &str) -> Result<String> {
    let mut sql = String::new();
    comment(&mut sql, "The lake's tables and models in Athena: tributary schema --dialect athena");
    comment(&mut sql, "Athena takes one statement at a time. Tables that Terraform has made are left as they are.");
    sql.push('\n');
    statement(&mut sql, &format!("CREATE DATABASE IF NOT EXISTS {}", ticked(database)));
    for relation in relations {
        let StoreUrl::S3 { .. } = relation.place else {
            let why = "Athena reads S3 only: name the lake there by --location s3://BUCKET/PREFIX".to_owned();
            return Err(Failure::usage(why));
        };
        let name = format!("{}_{}", relation.dataset, relation.name);
        let columns = relation.columns.iter().map(|column| declared(column, type_of(column.kind)));
        let columns = columns.collect::<Vec<_>>().join(",\n  ");
        // Projection gives texts, as they stand in the path.
        let partition = relation.partition.iter().map(|column| declared(column, "string"));
        let partition = partition.collect::<Vec<_>>().join(", ");
        let partitioned = if partition.is_empty() { String::new() } else { format!("PARTITIONED BY ({partition})\n") };
        let properties = properties(relation).into_iter();
        let properties = list(properties.map(|(key, value)| format!("\n  '{key}' = '{value}'")));
        statement(
            &mut sql,
            &format!(
                "CREATE EXTERNAL TABLE IF NOT EXISTS {}.{} (\n  {columns}\n)\nCOMMENT {}\n{partitioned}STORED AS PARQUET\nLOCATION '{}/'\nTBLPROPERTIES ({properties}\n)",
                ticked(database),
                ticked(&name),
                literal(&relation.about),
                relation.place,
            ),
        );
        if relation.is_table() {
            let quoted = |name: &str| format!("{}.{}", double_quoted(database), double_quoted(name));
            let query = current(relation, &quoted(&name), &WORDS);
            let view = quoted(&format!("current_{name}"));
            statement(&mut sql, &format!("CREATE OR REPLACE VIEW {view} AS\n{query}"));
        }
    }
    Ok(sql)
}

fn declared(column: &RelationColumn, kind: &str) -> String {
    let about = if column.about.is_empty() { String::new() } else { format!(" COMMENT {}", literal(&column.about)) };
    format!("{} {kind}{about}", ticked(&column.name))
}

/// The properties of a table: how Athena finds the values of its partition columns, as `glue.tf` has it.
fn properties(relation: &Relation) -> Vec<(String, String)> {
    let mut properties = vec![("classification".to_owned(), "parquet".to_owned())];
    if relation.partition.is_empty() {
        return properties;
    }
    properties.push(("projection.enabled".to_owned(), "true".to_owned()));
    let mut path = String::new();
    for column in &relation.partition {
        let name = &column.name;
        path.push_str(&format!("{name}=${{{name}}}/"));
        for (option, value) in projection(name, relation.partition.len()) {
            properties.push((format!("projection.{name}.{option}"), value));
        }
    }
    properties.push(("storage.location.template".to_owned(), format!("{}/{path}", relation.place)));
    properties
}

/// The projection of a column by its name, among so many of its table.
pub(super) fn projection(column: &str, columns: usize) -> Vec<(&'static str, String)> {
    let options: &[(&str, &str)] = match (column, columns) {
        ("week", 1) => &[
            ("type", "date"),
            ("format", "yyyy-MM-dd"),
            ("range", "2000-01-03,NOW+7DAYS"),
            ("interval", "7"),
            ("interval.unit", "DAYS"),
        ],
        ("month", 1) => &[
            ("type", "date"),
            ("format", "yyyy-MM"),
            ("range", "1970-01,NOW+12MONTHS"),
            ("interval", "1"),
            ("interval.unit", "MONTHS"),
        ],
        ("year", 1) => {
            // Calendar years, and school years: which of them a column has, its name does not tell.
            let calendar = (1970..2100).map(|year| year.to_string());
            let school = (70..170).map(|year| format!("{:02}-{:02}", year % 100, (year + 1) % 100));
            let years = calendar.chain(school).collect::<Vec<_>>().join(",");
            return vec![("type", "enum".to_owned()), ("values", years)];
        }
        ("year", _) => &[("type", "integer"), ("range", "1970,2100")],
        ("month", _) => &[("type", "integer"), ("range", "1,12")],
        // A query must name the value: a day, for one, or what follows from no rule.
        _ => &[("type", "injected")],
    };
    options.iter().map(|(option, value)| (*option, (*value).to_owned())).collect()
}

fn ticked(name: &str) -> String {
    format!("`{}`", name.to_lowercase().replace('`', ""))
}

/// A text of Hive's DDL, as long as Glue takes it.
fn literal(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST_COMMENT).collect();
    format!("'{}'", cut.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn type_of(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::String => "string",
        ColumnKind::Int32 => "int",
        ColumnKind::Int64 => "bigint",
        ColumnKind::Float64 => "double",
        ColumnKind::Bool => "boolean",
        ColumnKind::Date => "date",
        ColumnKind::Timestamp | ColumnKind::LocalTime => "timestamp",
    }
}
