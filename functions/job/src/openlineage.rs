//! `tributary lineage --openlineage`: what the ledger and the plans of models say, as events of OpenLineage 2.0.2, one per
//! line. A job is the cleaning of a table or the making of a model; its event is of the newest commit. The names of
//! datasets are those of its naming rules: bucket and prefix, or host and folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, Utc};
use lake::dataset::{Dataset, Model, Relation};
use lake::settings::Zone;
use lake::store::StoreUrl;
use lake::{Lake, hash, keys};
use serde_json::{Map, Value, json};

use crate::commands::Result;
use crate::describe::{Described, DescribedColumn};
use crate::failure::{self, Failure};
use crate::lineage::Edges;
use crate::output::print;
use crate::summary::exit_status;

const PRODUCER: &str = concat!("urn:tributary:", env!("CARGO_PKG_VERSION"));
const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const FACETS: &str = "https://openlineage.io/spec/facets";

/// Prints the events of one dataset, or of all.
pub async fn run(lake: &Lake, name: Option<&str>) -> ExitCode {
    let mut failures: Vec<Failure> = match name {
        None => lake.catalog.broken().map(Failure::from).collect(),
        Some(_) => Vec::new(),
    };
    let datasets = match name {
        None => Ok(lake.catalog.datasets().iter().collect()),
        Some(name) => lake.catalog.dataset(name).map(|dataset| vec![dataset]),
    };
    let datasets: Vec<&Dataset> = datasets.unwrap_or_else(|error| {
        failures.push(Failure::usage(error.to_string()));
        Vec::new()
    });
    for dataset in datasets {
        match events(lake, dataset, &mut failures).await {
            Ok(events) => print(&events.iter().map(|event| format!("{event}\n")).collect::<String>()),
            Err(failure) => failures.push(failure),
        }
    }
    failure::print_all(&failures);
    exit_status(&failures)
}

/// What one job reads and writes.
struct Job<'a> {
    name: String,
    facets: Value,
    inputs: Vec<Value>,
    output: Value,
    /// The output's columns.
    columns: &'a [DescribedColumn],
    /// Which columns each of them is computed from.
    lineage: Map<String, Value>,
    about: &'a str,
}

async fn events(lake: &Lake, dataset: &Dataset, failures: &mut Vec<Failure>) -> Result<Vec<Value>> {
    let described = Described::new(lake, dataset, None, failures).await;
    let edges = Edges::of(lake, dataset, failures).await;
    let (cleaned, made) = (cleaned(lake, dataset).await?, made(lake, dataset).await?);
    let mut events = Vec::new();
    let mut add = |time: Option<&DateTime<Utc>>, job: Job<'_>| {
        // What nothing was made of yet has no run.
        if let Some(time) = time {
            events.extend(["START", "COMPLETE"].map(|kind| event(lake, kind, *time, &job)));
        }
    };
    for table in &described.tables {
        let job = Job {
            name: format!("{}.{}.clean", dataset.name, table.table),
            facets: json!({}),
            inputs: vec![place(lake, Zone::Raw, &dataset.name)],
            output: place(lake, Zone::Standard, &format!("{}/{}", dataset.name, table.table)),
            columns: &table.columns,
            lineage: Map::new(),
            about: &table.about,
        };
        add(cleaned.get(&table.table), job);
    }
    for (model, described) in dataset.models.iter().zip(&described.models) {
        let sql = facet("1-1-0/SQLJobFacet.json", json!({"query": model.sql, "dialect": "datafusion"}));
        let job = Job {
            name: format!("{}.{}.aggregate", dataset.name, model.name),
            facets: json!({"sql": sql}),
            inputs: inputs(lake, dataset, model),
            output: place(lake, Zone::Consumption, &format!("{}/{}", dataset.name, model.name)),
            columns: &described.columns,
            lineage: lineage(lake, dataset, model, &described.columns, &edges),
            about: &described.about,
        };
        add(made.get(&model.name), job);
    }
    Ok(events)
}

/// When the newest object of each table was committed.
async fn cleaned(lake: &Lake, dataset: &Dataset) -> Result<BTreeMap<String, DateTime<Utc>>> {
    let prefix = format!("raw/{}/", dataset.name);
    newest(lake, &prefix, |key| Some(dataset.table_of(&keys::raw_key_of(key)?)?.name.clone())).await
}

/// When the newest partition of each model was committed.
async fn made(lake: &Lake, dataset: &Dataset) -> Result<BTreeMap<String, DateTime<Utc>>> {
    let prefix = format!("consumption/{}/", dataset.name);
    newest(lake, &prefix, |key| Some(key.strip_prefix(&prefix)?.split(['/', '.']).next()?.to_owned())).await
}

async fn newest(
    lake: &Lake,
    prefix: &str,
    name: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, DateTime<Utc>>> {
    let entries = lake.store(Zone::Ledger).listing(prefix).await?;
    let mut newest: BTreeMap<String, DateTime<Utc>> = BTreeMap::new();
    for entry in entries.iter() {
        if let Some(name) = name(entry.key) {
            let time = newest.entry(name).or_insert(entry.last_modified);
            *time = (*time).max(entry.last_modified);
        }
    }
    Ok(newest)
}

fn absolute(folder: &Path) -> String {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).display().to_string()
}

/// Namespace and name of what lies below a prefix of a zone.
fn place(lake: &Lake, zone: Zone, below: &str) -> Value {
    match lake.place(zone) {
        StoreUrl::File(folder) => {
            json!({"namespace": "file", "name": absolute(&folder.join(below))})
        }
        StoreUrl::S3 { bucket, prefix } => {
            let name = if prefix.is_empty() { below.to_owned() } else { format!("{prefix}/{below}") };
            json!({"namespace": format!("s3://{bucket}"), "name": name})
        }
    }
}

fn relation(lake: &Lake, dataset: &Dataset, name: &str) -> Option<Value> {
    let zone = match (dataset.table(name), dataset.model(name)) {
        (Some(_), _) => Zone::Standard,
        (None, Some(_)) => Zone::Consumption,
        // A list stands in the declaration.
        (None, None) => return None,
    };
    Some(place(lake, zone, &format!("{}/{name}", dataset.name)))
}

fn inputs(lake: &Lake, dataset: &Dataset, model: &Model) -> Vec<Value> {
    let relations = dataset.inputs_of(model).map(|inputs| inputs.relations).unwrap_or_default();
    relations.iter().filter_map(|read: &Relation<'_>| relation(lake, dataset, read.name())).collect()
}

fn lineage(
    lake: &Lake,
    dataset: &Dataset,
    model: &Model,
    columns: &[DescribedColumn],
    edges: &Edges,
) -> Map<String, Value> {
    let mut lineage = Map::new();
    for column in columns {
        let [from, _] = edges.beside(&format!("{}.{}", model.name, column.column));
        let fields: BTreeSet<(&str, &str)> = from.iter().filter_map(|source| source.split_once('.')).collect();
        let field = |(name, column): (&str, &str)| Some(with(relation(lake, dataset, name)?, "field", json!(column)));
        let fields: Vec<Value> = fields.into_iter().filter_map(field).collect();
        if !fields.is_empty() {
            lineage.insert(column.column.clone(), json!({"inputFields": fields}));
        }
    }
    lineage
}

/// An object with one member more.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    object
}

fn facet(schema: &str, facet: Value) -> Value {
    let name = schema.split(['/', '.']).nth(1).unwrap_or_default();
    let facet = with(facet, "_producer", json!(PRODUCER));
    with(facet, "_schemaURL", json!(format!("{FACETS}/{schema}#/$defs/{name}")))
}

fn event(lake: &Lake, kind: &str, time: DateTime<Utc>, job: &Job<'_>) -> Value {
    let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
    // The same lake by whichever path, and another one for another folder.
    let namespace = match lake.root_place() {
        StoreUrl::File(folder) => format!("file:{}", absolute(folder)),
        StoreUrl::S3 { .. } => lake.root_url(),
    };
    let fields: Vec<Value> = job
        .columns
        .iter()
        .map(|column| json!({"name": column.column, "type": column.kind, "description": column.about}))
        .collect();
    let mut facets = json!({"schema": facet("1-2-0/SchemaDatasetFacet.json", json!({"fields": fields}))});
    if !job.about.is_empty() {
        let about = json!({"description": job.about});
        facets = with(facets, "documentation", facet("1-1-0/DocumentationDatasetFacet.json", about));
    }
    if !job.lineage.is_empty() {
        let lineage = json!({"fields": job.lineage});
        facets = with(facets, "columnLineage", facet("1-2-0/ColumnLineageDatasetFacet.json", lineage));
    }
    let output = with(job.output.clone(), "facets", facets);
    let run = hash::texts([namespace.as_str(), &job.name, &time]);
    json!({
        "eventType": kind,
        "eventTime": time,
        "run": {"runId": uuid(&run)},
        "job": {"namespace": namespace, "name": job.name, "facets": job.facets},
        "inputs": job.inputs,
        "outputs": [output],
        "producer": PRODUCER,
        "schemaURL": EVENT,
    })
}

/// A hash of 32 hexadecimal digits as a UUID of version 8 (RFC 9562): the same run has the same one.
fn uuid(hash: &str) -> String {
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_a_uuid() {
        assert_eq!(uuid("0123456789abcdef0123456789abcdef"), "01234567-89ab-8def-8123-456789abcdef");
    }

    #[test]
    fn a_facet_names_its_schema() {
        let facet = facet("1-1-0/SQLJobFacet.json", json!({}));
        assert_eq!(facet["_schemaURL"], json!(format!("{FACETS}/1-1-0/SQLJobFacet.json#/$defs/SQLJobFacet")));
    }
}
