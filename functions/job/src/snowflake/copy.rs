//! Which partitions of a model have changed since they were copied, and the transaction that copies one.

use std::collections::BTreeMap;

use lake::Lake;
use lake::hash;
use lake::ledger::{ConsumptionEntry, Entries, Output};
use lake::partition::Partition;
use lake::settings::Zone;

use crate::commands::Result;
use crate::failure::Failure;
use crate::schema::snowflake::{LAKE_SCHEMA, PARTITION, capitals, literal, name, of_file, type_of};
use crate::schema::{Relation, RelationColumn};

/// What was copied before, and what is to be done about it.
pub struct Kept<'a> {
    /// Partitions and the hashes of what they held.
    pub copied: &'a BTreeMap<String, String>,
    /// Whether all are copied again.
    pub all: bool,
    /// Whether that all are gone is meant.
    pub prune: bool,
}

/// A partition that is to be copied, or deleted.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// Its path; empty for a model that is not cut.
    pub partition: String,
    /// The hash of what it holds; `None`: it is gone.
    pub hash: Option<String>,
    /// The statements of its transaction.
    pub statements: Vec<String>,
}

/// What has changed by the ledger, and how many partitions have not.
pub async fn plan(lake: &Lake, relation: &Relation, kept: &Kept<'_>) -> Result<(Vec<Change>, u64)> {
    let Entries { readable, unreadable } = lake.ledger.consumption_entries(Some(&relation.dataset)).await?;
    let of_model = format!("consumption/{}/{}/", relation.dataset, relation.name);
    let whole = format!("consumption/{}/{}.json", relation.dataset, relation.name);
    if let Some(entry) = unreadable.iter().find(|entry| entry.key.starts_with(&of_model) || entry.key == whole) {
        // What it names would seem to be gone.
        return Err(entry.error().into());
    }
    let mut there: BTreeMap<String, (String, Vec<Output>)> = BTreeMap::new();
    for (key, entry) in readable.into_iter().filter(|(_, entry)| is_of(entry, relation)) {
        let Some(partition) = lake::ledger::partition_of(&key) else { continue };
        there.insert(partition.as_str().to_owned(), (hash_of(&entry), entry.outputs));
    }
    let changes = changes(relation, kept, &there)?;
    let copied = changes.iter().filter(|change| change.hash.is_some()).count();
    Ok((changes, there.len().saturating_sub(copied) as u64))
}

/// Whether an entry is a partition of a model that counts.
fn is_of(entry: &ConsumptionEntry, relation: &Relation) -> bool {
    entry.model == relation.name && entry.file.is_none() && entry.is_settled() && !entry.outputs.is_empty()
}

fn hash_of(entry: &ConsumptionEntry) -> String {
    hash::texts(entry.outputs.iter().flat_map(|output| [output.key.as_str(), output.hash.as_str()]))
}

fn changes(
    relation: &Relation,
    kept: &Kept<'_>,
    there: &BTreeMap<String, (String, Vec<Output>)>,
) -> Result<Vec<Change>> {
    if there.is_empty() && !kept.copied.is_empty() && !kept.prune {
        return Err(Failure::lasting(format!(
            "{}.{}: all {} partitions that were copied are gone from the lake, and nothing is deleted in Snowflake: check \
             the lake's URL; --prune says that it is meant",
            relation.dataset,
            relation.name,
            kept.copied.len()
        )));
    }
    let gone = kept.copied.keys().filter(|partition| !there.contains_key(*partition));
    let gone = gone.map(|partition| Change {
        partition: partition.clone(),
        hash: None,
        statements: transaction(relation, partition, &[]),
    });
    let is_new = |(partition, (hash, _)): &(&String, &(String, Vec<Output>))| {
        kept.all || kept.copied.get(*partition) != Some(hash)
    };
    let new = there.iter().filter(is_new).map(|(partition, (hash, outputs))| Change {
        partition: partition.clone(),
        hash: Some(hash.clone()),
        statements: transaction(relation, partition, outputs),
    });
    Ok(gone.chain(new).collect())
}

/// The statements that replace a partition: all of them or none.
fn transaction(relation: &Relation, partition: &str, outputs: &[Output]) -> Vec<String> {
    let table = name(relation, &relation.name);
    let delete = format!("DELETE FROM {table} WHERE {} = {}", capitals(PARTITION), literal(partition));
    let copies = outputs.iter().map(|output| copy(relation, &table, partition, output));
    ["BEGIN".to_owned(), delete].into_iter().chain(copies).chain(["COMMIT".to_owned()]).collect()
}

/// The copy of one object. It is loaded whatever Snowflake remembers of its name: its rows were deleted just before.
fn copy(relation: &Relation, table: &str, partition: &str, output: &Output) -> String {
    let columns: Vec<&RelationColumn> = relation.columns.iter().chain(&relation.partition).collect();
    let value = |column: &&RelationColumn| match column.in_file {
        true => of_file(column, "$1"),
        false => of_path(column, &output.partition),
    };
    let names = columns.iter().map(|column| capitals(&column.name)).chain([capitals(PARTITION)]);
    let values = columns.iter().map(value).chain([literal(partition)]);
    let folder = format!("{}/{}/", relation.dataset, relation.name);
    let file = output.key.strip_prefix(&folder).unwrap_or(&output.key);
    format!(
        "COPY INTO {table} ({})\nFROM (SELECT {} FROM @{LAKE_SCHEMA}.{}/{folder})\nFILES = ({})\n\
         FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)\nON_ERROR = ABORT_STATEMENT\nFORCE = TRUE",
        names.collect::<Vec<_>>().join(", "),
        values.collect::<Vec<_>>().join(", "),
        Zone::Consumption.name().to_uppercase(),
        literal(file),
    )
}

/// A column's value of an object's path.
fn of_path(column: &RelationColumn, partition: &Partition) -> String {
    let value = partition.values().find(|(name, _)| *name == column.name).map(|(_, value)| value);
    match value.filter(|value| !value.is_empty()) {
        Some(value) => format!("{}::{}", literal(&value), type_of(column.kind)),
        None => format!("NULL::{}", type_of(column.kind)),
    }
}
