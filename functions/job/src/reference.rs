//! The page that describes a lake, `consumption/catalog.html`: what `describe`, `lineage` and `status` say, in one place.

use aggregate::pages::CATALOG_TITLE;
use arrow::datatypes::FieldRef;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, SecondsFormat, Utc};
use lake::Lake;
use lake::dataset::{Dataset, List, Model};
use lake::settings::Zone;
use lake::store::{By, Listed};
use report::{ColumnFacts, DatasetFacts, RelationFacts, RelationKind, render_reference};

use crate::commands::Result;
use crate::describe::{Described, DescribedColumn, sql_type};
use crate::failure::Failure;
use crate::lineage::Edges;
use crate::output::{counted, grouped};
use crate::status;

/// Rows of a list that are shown.
const LISTED: usize = 200;

/// The page; what is wrong with one dataset is told, and leaves out no other.
pub async fn page(lake: &Lake, failures: &mut Vec<Failure>) -> String {
    let mut datasets = Vec::new();
    for dataset in lake.catalog.datasets() {
        match facts(lake, dataset, failures).await {
            Ok(facts) => datasets.push(facts),
            Err(failure) => failures.push(failure),
        }
    }
    render_reference(CATALOG_TITLE, "en", &datasets)
}

async fn facts(lake: &Lake, dataset: &Dataset, failures: &mut Vec<Failure>) -> Result<DatasetFacts> {
    let described = Described::new(lake, dataset, None, failures).await;
    let edges = Edges::of(lake, dataset, failures).await;
    let columns = |relation: &str, columns: Vec<DescribedColumn>| -> Vec<ColumnFacts> {
        let column = |column: DescribedColumn| {
            let [from, to] = edges.beside(&format!("{relation}.{}", column.column));
            let personal = column.personal.then(|| "personal".to_owned());
            let rules = column.rules.into_iter().chain(personal).collect::<Vec<_>>().join("; ");
            ColumnFacts { name: column.column, kind: column.kind, about: column.about, rules, from, to }
        };
        columns.into_iter().map(column).collect()
    };
    let mut relations = Vec::new();
    for table in described.tables {
        relations.push(RelationFacts {
            about: table.about,
            facts: named([("files", table.files), ("cut by", table.partition), ("key", table.key)]),
            columns: columns(&table.table, table.columns),
            name: table.table,
            ..RelationFacts::default()
        });
    }
    for (model, described) in dataset.models.iter().zip(described.models) {
        let tests = described.tests.into_iter().chain(unit_tests(dataset, model)).collect();
        relations.push(RelationFacts {
            kind: RelationKind::Model,
            about: described.about,
            facts: named([("cut by", described.partition), ("reads", described.inputs), ("tests", tests)]),
            reads: reads(dataset, model),
            columns: columns(&model.name, described.columns),
            sql: Some(model.sql.clone()),
            name: described.model,
            rows: Vec::new(),
        });
    }
    relations.extend(dataset.views.iter().map(|view| RelationFacts {
        kind: RelationKind::View,
        name: view.name.clone(),
        about: view.about.clone(),
        facts: named([("reads", view.inputs.clone())]),
        sql: Some(view.sql.clone()),
        ..RelationFacts::default()
    }));
    for list in &dataset.lists {
        relations.push(of_list(list, &edges)?);
    }
    let facts = standing(lake, dataset).await?;
    Ok(DatasetFacts { name: dataset.name.clone(), title: dataset.title.clone(), facts, relations })
}

/// A declared list, with its rows.
fn of_list(list: &List, edges: &Edges) -> Result<RelationFacts> {
    let wrong = |error: ArrowError| Failure::lasting(format!("the list {} cannot be shown: {error}", list.name));
    let options = FormatOptions::default();
    let formatters = list.rows.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
    let formatters: Vec<ArrayFormatter<'_>> = formatters.collect::<std::result::Result<_, _>>().map_err(wrong)?;
    let row = |at: usize| formatters.iter().map(|column| column.value(at).to_string()).collect();
    let column = |field: &FieldRef| {
        let [from, to] = edges.beside(&format!("{}.{}", list.name, field.name()));
        let kind = sql_type(field.data_type());
        ColumnFacts { name: field.name().clone(), kind, from, to, ..ColumnFacts::default() }
    };
    Ok(RelationFacts {
        kind: RelationKind::List,
        name: list.name.clone(),
        columns: list.rows.schema().fields().iter().map(column).collect(),
        rows: (0..list.rows.num_rows().min(LISTED)).map(row).collect(),
        ..RelationFacts::default()
    })
}

/// The tables and models that a model reads, by itself or by views.
fn reads(dataset: &Dataset, model: &Model) -> Vec<String> {
    let inputs = dataset.inputs_of(model).map(|inputs| inputs.relations).unwrap_or_default();
    inputs.iter().map(|relation| relation.name().to_owned()).collect()
}

fn unit_tests(dataset: &Dataset, model: &Model) -> Vec<String> {
    let cases = dataset.cases.get(&model.name).and_then(|text| lake::dataset::case::cases(text).ok());
    cases.unwrap_or_default().into_iter().map(|case| case.name).collect()
}

fn named<const N: usize>(facts: [(&str, Vec<String>); N]) -> Vec<(String, String)> {
    let there = facts.into_iter().filter(|(_, is)| !is.is_empty());
    there.map(|(what, is)| (what.to_owned(), is.join(", "))).collect()
}

/// How fresh a dataset is, and what was rejected.
async fn standing(lake: &Lake, dataset: &Dataset) -> Result<Vec<(String, String)>> {
    let state = status::look(lake, dataset, &[]).await?;
    let mut facts = vec![("days in".to_owned(), dataset.zone.to_string())];
    let mut add = |what: &str, is: String| facts.push((what.to_owned(), is));
    add("newest data", state.newest());
    for (table, rows) in &state.tables {
        add(table, format!("{}, {} rejected", counted(rows.clean, "row"), grouped(rows.rejected)));
    }
    let mut reasons: Vec<(&String, &u64)> = state.reasons.iter().collect();
    reasons.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
    if !reasons.is_empty() {
        let text = |(reason, rows): &(&String, &u64)| format!("{} {reason}", grouped(**rows));
        add("rejected", reasons.iter().map(text).collect::<Vec<_>>().join(", "));
    }
    for (what, names) in [("to be cleaned", &state.waiting), ("to be aggregated", &state.stale)] {
        if !names.is_empty() {
            add(what, grouped(names.len() as u64));
        }
    }
    let prefixes = ["last cleaned", "last aggregated"].into_iter().zip(["raw", "consumption"]);
    for (what, part) in prefixes {
        if let Some(time) = newest(lake, &format!("{part}/{}/", dataset.name)).await? {
            add(what, time.to_rfc3339_opts(SecondsFormat::Secs, true));
        }
    }
    Ok(facts)
}

/// When the newest entry of a part of the ledger was written.
async fn newest(lake: &Lake, prefix: &str) -> Result<Option<DateTime<Utc>>> {
    let newer = |newest: &mut Option<DateTime<Utc>>, listed: Listed<'_>| {
        *newest = (*newest).max(Some(listed.last_modified));
    };
    Ok(lake.store(Zone::Ledger).gather(prefix, By::Change, None, newer).await?)
}
