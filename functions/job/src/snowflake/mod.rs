//! `tributary snowflake-copy`: copies partitions of models that have changed into tables of Snowflake's own, each in one
//! transaction. What was copied is kept in the ledger's zone, so that a second copy does nothing.

mod api;
mod copy;
mod token;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use bytes::Bytes;
use lake::Lake;
use lake::settings::{Environment, Zone};
use lake::store::Condition;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cli::{CopyOptions, Format};
use crate::commands::Result;
use crate::failure::{self, Failure};
use crate::output::{counted, print, print_result};
use crate::schema::{Relation, snowflake};
use crate::summary::{exit_status, line};

use self::api::Api;
use self::copy::{Change, Kept};

/// What was copied of a model: partitions, and the hash of what they held.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Copied {
    format: u32,
    partitions: BTreeMap<String, String>,
}

/// The format of [`Copied`].
const FORMAT: u32 = 1;

/// What became of a model.
#[derive(Debug, Serialize)]
struct Done {
    dataset: String,
    model: String,
    copied: Vec<String>,
    deleted: Vec<String>,
    up_to_date: u64,
}

/// Copies what has changed, and says what that was.
pub async fn run(lake: &Lake, options: &CopyOptions, format: Format) -> ExitCode {
    let begun = Instant::now();
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    if let Err(failure) = copy_all(lake, options, &mut done, &mut failures).await {
        failures.push(failure);
    }
    failure::print_all(&failures);
    match format {
        Format::Text => print(&text(&done, options.plan)),
        Format::Json | Format::Csv => {
            let (ok, elapsed_ms) = (failures.is_empty(), begun.elapsed().as_millis() as u64);
            print_result(format, &json!({"ok": ok, "elapsed_ms": elapsed_ms, "copied": done, "errors": failures}));
        }
    }
    exit_status(&failures)
}

fn text(done: &[Done], plan: bool) -> String {
    let mut text = String::new();
    let would = if plan { "would be " } else { "" };
    for Done { dataset, model, copied, deleted, up_to_date } in done {
        for (what, partitions) in [("copied", copied), ("deleted", deleted)] {
            for partition in partitions {
                line(&mut text, format_args!("{dataset}.{model} {partition}: {would}{what}"));
            }
        }
        if copied.is_empty() && deleted.is_empty() {
            let partitions = counted(*up_to_date, "partition");
            line(&mut text, format_args!("{dataset}.{model}: up to date, {partitions}"));
        }
    }
    text
}

async fn copy_all(lake: &Lake, options: &CopyOptions, done: &mut Vec<Done>, failures: &mut Vec<Failure>) -> Result<()> {
    let api = Api::from_environment(&Environment::of_process()).await?;
    let relations = crate::schema::chosen(lake, options.name.as_deref()).await?;
    let models: Vec<&Relation> = relations.iter().filter(|relation| !relation.is_table()).collect();
    if models.is_empty() {
        return Err(Failure::usage("only models are copied: name a dataset, or DATASET.MODEL".to_owned()));
    }
    for relation in models {
        // A model that fails stops no other.
        match copy_one(lake, &api, relation, options).await {
            Ok((one, failure)) => {
                done.push(one);
                failures.extend(failure);
            }
            Err(failure) => failures.push(failure),
        }
    }
    Ok(())
}

/// Copies a model. What was copied before a failure is kept.
async fn copy_one(
    lake: &Lake,
    api: &Api,
    relation: &Relation,
    options: &CopyOptions,
) -> Result<(Done, Option<Failure>)> {
    let store = lake.store(Zone::Ledger);
    let place = format!("{}.{}", api.account, api.database).to_lowercase().replace('/', "_");
    let key = format!("copied/snowflake/{place}/{}/{}.json", relation.dataset, relation.name);
    let (mut copied, mut condition) = match store.get(&key).await? {
        None => (Copied { format: FORMAT, ..Copied::default() }, Condition::Absent),
        Some((object, bytes)) => {
            let known = serde_json::from_slice::<Copied>(&bytes).ok().filter(|known| known.format == FORMAT);
            // Without it, all is copied again, which only takes time.
            (known.unwrap_or(Copied { format: FORMAT, ..Copied::default() }), Condition::Unchanged(object.etag))
        }
    };
    let kept = Kept { copied: &copied.partitions, all: options.all, prune: options.prune };
    let (changes, up_to_date) = copy::plan(lake, relation, &kept).await?;
    let (dataset, model) = (relation.dataset.clone(), relation.name.clone());
    let mut done = Done { dataset, model, copied: Vec::new(), deleted: Vec::new(), up_to_date };
    if !changes.is_empty() && !options.plan {
        api.run(&[format!("CREATE SCHEMA IF NOT EXISTS {}", snowflake::capitals(&relation.dataset))]).await?;
        api.run(&[snowflake::native(relation)]).await?;
    }
    for Change { partition, hash, statements } in changes {
        if !options.plan {
            if let Err(failure) = api.run(&statements).await {
                let message = format!("{}.{} {partition}: {}", relation.dataset, relation.name, failure.message);
                return Ok((done, Some(Failure { message, ..failure })));
            }
            // A copy that is killed before this does the same once more: it replaces what it finds.
            match &hash {
                Some(hash) => copied.partitions.insert(partition.clone(), hash.clone()),
                None => copied.partitions.remove(&partition),
            };
            let bytes = serde_json::to_vec_pretty(&copied).map_err(|error| Failure::lasting(error.to_string()))?;
            condition = Condition::Unchanged(store.put(&key, Bytes::from(bytes), condition).await?.etag);
        }
        if hash.is_some() { &mut done.copied } else { &mut done.deleted }.push(partition);
    }
    Ok((done, None))
}
