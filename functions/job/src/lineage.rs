//! `tributary lineage`: what columns are computed from, and what is computed from them, by the plans of models.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Instant;

use aggregate::origins;
use lake::Lake;
use lake::dataset::{Dataset, RECEIVED_AT};
use lake::suggest::did_you_mean;
use serde::Serialize;
use serde_json::json;

use crate::cli::Format;
use crate::commands::Result;
use crate::failure::{self, Failure};
use crate::output::{print, print_result};
use crate::summary::{exit_status, line};

/// A column, and those on one side of it.
#[derive(Debug, Serialize)]
struct Node {
    /// `DATASET.NAME.COLUMN`.
    column: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    from: Vec<Node>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    to: Vec<Node>,
    /// Whether what lies behind it stands at an earlier node of the same column.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    again: bool,
}

/// Prints where a column's values, or those of all columns of a model or table, come from, and where they go.
pub async fn run(lake: &Lake, name: &str, format: Format) -> ExitCode {
    let begun = Instant::now();
    let mut failures = Vec::new();
    let columns = found(lake, name, &mut failures).await.unwrap_or_else(|failure| {
        failures.push(failure);
        Vec::new()
    });
    failure::print_all(&failures);
    match format {
        Format::Text => print(&text(&columns)),
        Format::Json | Format::Csv => {
            let (ok, elapsed_ms) = (failures.is_empty(), begun.elapsed().as_millis() as u64);
            let done = json!({"ok": ok, "elapsed_ms": elapsed_ms, "columns": columns, "errors": failures});
            print_result(format, &done);
        }
    }
    exit_status(&failures)
}

/// The columns that a name says. What is wrong with a model is told, and stops no other.
async fn found(lake: &Lake, name: &str, failures: &mut Vec<Failure>) -> Result<Vec<Node>> {
    let (dataset, relation, column) = resolve(lake, name)?;
    let edges = Edges::of(lake, dataset, failures).await;
    let columns = edges.columns_of(dataset, relation);
    if columns.is_empty() && !failures.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(wanted) = column {
        if columns.iter().any(|column| column == wanted) {
            return Ok(vec![edges.node(dataset, &format!("{relation}.{wanted}"))]);
        }
        let meant = did_you_mean(wanted, columns.iter().map(String::as_str));
        let known = columns.join(", ");
        let problem = format!("{}.{relation} has no column \"{wanted}\"; it has {known}{meant}", dataset.name);
        return Err(Failure::usage(problem));
    }
    Ok(columns.iter().map(|column| edges.node(dataset, &format!("{relation}.{column}"))).collect())
}

/// The dataset, the table, model or list, and the column that a name says. The name without its dataset's is enough where no
/// other dataset has one.
fn resolve<'l, 'n>(lake: &'l Lake, name: &'n str) -> Result<(&'l Dataset, &'n str, Option<&'n str>)> {
    let parts: Vec<&str> = name.split('.').collect();
    let has = |dataset: &&Dataset, name: &str| {
        dataset.names().contains(&name) || dataset.lists.iter().any(|list| list.name == name)
    };
    if let [relation, column @ ..] = parts.as_slice()
        && column.len() < 2
    {
        match having(lake, relation, has).as_slice() {
            [dataset] => return Ok((dataset, relation, column.first().copied())),
            [] => {}
            several => {
                let names = several.iter().map(|dataset| format!("{}.{name}", dataset.name)).collect::<Vec<_>>();
                return Err(Failure::usage(format!("there are several: write {}", names.join(" or "))));
            }
        }
    }
    let (dataset, relation, column) = match parts.as_slice() {
        [dataset, relation] => (*dataset, *relation, None),
        [dataset, relation, column] => (*dataset, *relation, Some(*column)),
        _ => {
            let problem = format!("there is no table or model \"{name}\": write DATASET.MODEL or DATASET.MODEL.COLUMN");
            return Err(Failure::usage(problem));
        }
    };
    let dataset = lake.catalog.dataset(dataset)?;
    if dataset.view(relation).is_some() {
        let problem = format!(
            "{}.{relation} is a view, which is a part of the models that read it: ask for one of them, or for a table",
            dataset.name
        );
        return Err(Failure::usage(problem));
    }
    if !has(&dataset, relation) {
        return Err(Failure::usage(dataset.unknown(relation)));
    }
    Ok((dataset, relation, column))
}

/// The datasets that have something of a name, where no dataset is called so.
pub fn having<'l>(lake: &'l Lake, name: &str, has: impl Fn(&&Dataset, &str) -> bool) -> Vec<&'l Dataset> {
    let datasets = lake.catalog.datasets();
    if datasets.iter().any(|dataset| dataset.name == name) {
        return Vec::new();
    }
    datasets.iter().filter(|dataset| has(dataset, name)).collect()
}

/// Which columns of a dataset are computed from which others, each `NAME.COLUMN`.
#[derive(Default)]
pub struct Edges {
    from: BTreeMap<String, BTreeSet<String>>,
    to: BTreeMap<String, BTreeSet<String>>,
    /// The columns of each model and list, in their order.
    columns: BTreeMap<String, Vec<String>>,
}

impl Edges {
    /// Those of all models; what is wrong with one is told, and stops no other.
    pub async fn of(lake: &Lake, dataset: &Dataset, failures: &mut Vec<Failure>) -> Self {
        let mut edges = Self::default();
        for model in &dataset.models {
            let found = origins(lake, dataset, model).await.unwrap_or_else(|error| {
                Failure::in_model(dataset, &model.name, &error).note(failures);
                Vec::new()
            });
            for (column, mut sources) in found {
                // Of a function that makes rows there is nothing to follow.
                sources.retain(|source| !source.to_string().contains("()."));
                let made = format!("{}.{column}", model.name);
                for source in &sources {
                    edges.to.entry(source.to_string()).or_default().insert(made.clone());
                }
                edges.from.insert(made, sources.iter().map(ToString::to_string).collect());
                edges.columns.entry(model.name.clone()).or_default().push(column);
            }
        }
        for list in &dataset.lists {
            let names = list.rows.schema().fields().iter().map(|field| field.name().clone()).collect();
            edges.columns.insert(list.name.clone(), names);
        }
        edges
    }

    /// The columns that one is computed from, and those that are computed from it.
    pub fn beside(&self, column: &str) -> [Vec<String>; 2] {
        [&self.from, &self.to].map(|edges| edges.get(column).into_iter().flatten().cloned().collect())
    }

    fn columns_of(&self, dataset: &Dataset, relation: &str) -> Vec<String> {
        let of_other = || self.columns.get(relation).cloned().unwrap_or_default();
        dataset.table(relation).map_or_else(of_other, |table| {
            let declared = table.columns.iter().map(|column| column.name.clone());
            declared.chain([RECEIVED_AT.to_owned()]).collect()
        })
    }

    fn node(&self, dataset: &Dataset, column: &str) -> Node {
        let (to, again) = (Vec::new(), false);
        let make = |column, from, again| Node { column, from, to: Vec::new(), again };
        let from = side(&self.from, dataset, column, &make, &mut BTreeSet::new());
        let mut node = Node { column: format!("{}.{column}", dataset.name), from, to, again };
        let make = |column, to, again| Node { column, from: Vec::new(), to, again };
        node.to = side(&self.to, dataset, column, &make, &mut BTreeSet::new());
        node
    }
}

/// All that lies on one side of a column, each way once. Models read no model that reads them.
fn side<'e>(
    edges: &'e BTreeMap<String, BTreeSet<String>>,
    dataset: &Dataset,
    column: &str,
    make: &dyn Fn(String, Vec<Node>, bool) -> Node,
    seen: &mut BTreeSet<&'e str>,
) -> Vec<Node> {
    let node = |next: &'e String| {
        let again = !seen.insert(next) && edges.contains_key(next);
        let behind = if again { Vec::new() } else { side(edges, dataset, next, make, seen) };
        make(format!("{}.{next}", dataset.name), behind, again)
    };
    edges.get(column).into_iter().flatten().map(node).collect()
}

fn text(columns: &[Node]) -> String {
    let mut text = String::new();
    for node in columns {
        line(&mut text, format_args!("{}", node.column));
        branch(&mut text, "from", &node.from, |node| &node.from, 1);
        branch(&mut text, "to", &node.to, |node| &node.to, 1);
    }
    text
}

fn branch(text: &mut String, word: &str, nodes: &[Node], next: fn(&Node) -> &[Node], depth: usize) {
    for node in nodes {
        let again = if node.again { ", as above" } else { "" };
        line(text, format_args!("{:indent$}{word:<4} {}{again}", "", node.column, indent = 2 * depth));
        branch(text, word, next(node), next, depth + 1);
    }
}
