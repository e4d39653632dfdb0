//! What the container of AWS Batch does: its share of a manifest.

use lake::batch::{Manifest, Share};
use lake::settings::Environment;
use lake::time::Window;

use crate::commands::{Result, Session};
use crate::summary::Summary;

/// Set by AWS Batch for the children of array jobs.
const INDEX: &str = "AWS_BATCH_JOB_ARRAY_INDEX";

/// Does the shares of this child, all of them if this is none. One that fails does not stop the others.
pub async fn run(session: &Session<'_>, manifest: &str, summary: &mut Summary) -> Result<()> {
    let manifest = Manifest::read(&session.lake.manifests, manifest).await?;
    let shares: Vec<&Share> = match index(&Environment::of_process(), manifest.children())? {
        Some(index) => manifest.shares_of(index).collect(),
        None => manifest.shares.iter().collect(),
    };
    for share in shares {
        if let Err(failure) = one(session, share, summary).await {
            summary.fail(failure);
        }
    }
    Ok(())
}

async fn one(session: &Session<'_>, share: &Share, summary: &mut Summary) -> Result<()> {
    match share {
        Share::Ingest { source, from, to, accept_loss } => {
            summary.ingest(session.fetch(source, Window::new(*from, *to)?, *accept_loss).await?);
            Ok(())
        }
        Share::Backfill { source, from, to } => {
            summary.ingest(session.fetch(source, Window::new(*from, *to)?, false).await?);
            let keys = clean::of_days(&session.lake, source, &(*from..*to)).await?;
            session.clean(&clean::Selection::Keys(keys), summary).await
        }
        Share::Clean { keys } => {
            // An object that was deleted since the job was submitted is no failure: the next run retracts it.
            let mut there = Vec::with_capacity(keys.len());
            for key in keys {
                if session.lake.raw.head(key).await?.is_some() {
                    there.push(key.clone());
                }
            }
            session.clean(&clean::Selection::Keys(there), summary).await
        }
        Share::Aggregate { dataset, model, partitions } => {
            let selection = aggregate::Selection {
                dataset: Some(dataset.clone()),
                models: vec![model.clone()],
                partitions: partitions.clone(),
                ..Default::default()
            };
            session.aggregate(&selection, summary).await
        }
        Share::Shard { dataset, model, partition, number, of } => {
            let selection = aggregate::Selection {
                dataset: Some(dataset.clone()),
                models: vec![model.clone()],
                partitions: vec![partition.clone()],
                ..Default::default()
            };
            Ok(aggregate::make_shards(&session.lake, &selection, session.workers, *number, *of).await?)
        }
        Share::Finish { dataset } => session.clean_and_aggregate(dataset.clone(), summary).await,
    }
}

/// Which child this is; `None` if it is none.
fn index(environment: &Environment, children: usize) -> lake::Result<Option<usize>> {
    let Some(text) = environment.text(INDEX)? else { return Ok(None) };
    match text.parse() {
        Ok(index) if index < children => Ok(Some(index)),
        _ => Err(lake::Error::Setting {
            name: INDEX.to_owned(),
            why: format!("\"{text}\" is no child of this job: they are 0 to {}", children.saturating_sub(1)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_known_by_its_index() {
        assert_eq!(index(&Environment::default(), 3).unwrap(), None);
        assert_eq!(index(&Environment::of(&[(INDEX, "2")]), 3).unwrap(), Some(2));
        for wrong in ["3", "-1", "two", ""] {
            let error = index(&Environment::of(&[(INDEX, wrong)]), 3).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains(INDEX), "{error}");
        }
    }
}
