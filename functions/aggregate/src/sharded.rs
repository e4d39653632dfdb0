//! A large partition is made shard by shard: each in bounded memory, some at a time, here or by the children of a job. What
//! is finished is kept beside the manifests of jobs until the partition is committed, so that nobody makes it twice; then the
//! row groups of all shards are put one after the other into the partition's one object.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Seek;

use chrono::{TimeDelta, Utc};
use futures::StreamExt;
use lake::dataset::{Dataset, Model};
use lake::guard::{self, Why};
use lake::parquet::Joined;
use lake::partition::Partition;
use lake::store::{Condition, Object};
use lake::{Lake, hash};

use crate::error::{Error, Result};
use crate::make::{Part, write};
use crate::plan::Task;
use crate::shard::Shard;

/// How long shards are kept of which nobody can tell whether a run still asks for them.
const KEPT: TimeDelta = TimeDelta::days(1);

/// Makes those shards of a partition that are not there yet, `workers` at a time, of all or of those that are `wanted`.
pub async fn make(lake: &Lake, task: &Task<'_>, workers: usize, wanted: impl Fn(u64) -> bool) -> Result<()> {
    let of = task.planned.shards;
    let kept = kept(lake, task).await?;
    let missing = (0..of).filter(|number| wanted(*number) && !kept.contains_key(number));
    let mut work = futures::stream::iter(missing.map(|number| one(lake, task, Shard { number, of })))
        .buffer_unordered(workers.max(1));
    while let Some(done) = work.next().await {
        done?;
    }
    Ok(())
}

async fn one(lake: &Lake, task: &Task<'_>, shard: Shard) -> Result<()> {
    let mut file = write(lake, task, shard).await?;
    file.rewind().map_err(failed)?;
    let text = hash::reader(&mut file).map_err(failed)?.0;
    file.rewind().map_err(failed)?;
    // Whoever makes it makes the same.
    lake.manifests.put_file(&format!("{}{}-{text}", place(task), shard.number), file, Condition::Always).await?;
    Ok(())
}

/// Makes what is missing, and joins all shards.
pub async fn joined(lake: &Lake, task: &Task<'_>, workers: usize) -> Result<Part<File>> {
    make(lake, task, workers, |_| true).await?;
    let mut kept = kept(lake, task).await?;
    let mut joined: Option<Joined> = None;
    for number in 0..task.planned.shards {
        let file = match read(lake, kept.get(&number)).await? {
            Some(file) => file,
            None => {
                one(lake, task, Shard { number, of: task.planned.shards }).await?;
                kept = self::kept(lake, task).await?;
                let file = read(lake, kept.get(&number)).await?;
                file.ok_or_else(|| failed(format!("shard {number} does not stay as it was written")))?
            }
        };
        match &mut joined {
            None => joined = Some(Joined::new(&file).map_err(failed)?),
            Some(joined) => joined.add(&file).map_err(failed)?,
        }
    }
    let joined = joined.ok_or_else(|| failed("there is no shard"))?;
    Ok(Part { rows: joined.rows, file: joined.finish().map_err(failed)? })
}

/// A kept shard's file; nothing if it is gone, or was damaged: then it is removed.
async fn read(lake: &Lake, kept: Option<&(Object, String)>) -> Result<Option<File>> {
    let Some((object, expected)) = kept else { return Ok(None) };
    let store = &lake.manifests;
    let Some(mut reading) = store.read(&object.key).await? else { return Ok(None) };
    let copy = move || -> std::io::Result<(File, String)> {
        let mut file = tempfile::tempfile()?;
        std::io::copy(&mut reading, &mut file)?;
        file.rewind()?;
        let (hash, _) = hash::reader(&mut file)?;
        file.rewind()?;
        Ok((file, hash))
    };
    match tokio::task::spawn_blocking(copy).await.map_err(failed)? {
        Ok((file, hash)) if hash == *expected => Ok(Some(file)),
        _ => {
            guard::delete(store, &object.key, Why::Used, async { Ok(true) }).await?;
            Ok(None)
        }
    }
}

/// The shards that are there, by number, with their hashes.
async fn kept(lake: &Lake, task: &Task<'_>) -> Result<BTreeMap<u64, (Object, String)>> {
    let place = place(task);
    let objects = lake.manifests.list(&place).await?;
    let of_name = |object: Object| {
        let (number, hash) = object.key.strip_prefix(&place)?.split_once('-')?;
        Some((number.parse().ok()?, (object.clone(), hash.to_owned())))
    };
    Ok(objects.into_iter().filter_map(of_name).collect())
}

/// Removes what was kept of a partition that is committed.
pub async fn forget(lake: &Lake, task: &Task<'_>) -> Result<()> {
    for object in lake.manifests.list(&folder(task)).await? {
        guard::delete(&lake.manifests, &object.key, Why::Used, async { Ok(true) }).await?;
    }
    Ok(())
}

/// Removes what killed runs have left in the whole lake: of models that are not made in shards, of partitions that are
/// committed as they are, and what nobody has asked for since long.
pub async fn sweep(lake: &Lake) -> Result<()> {
    let old = Utc::now() - KEPT;
    let mut committed: BTreeMap<String, Option<String>> = BTreeMap::new();
    for object in lake.manifests.list(SHARDS).await? {
        let is_useless = object.last_modified < old
            || match Kept::of(lake, &object.key) {
                Some(kept) if kept.model.shard.is_empty() => true,
                Some(kept) => {
                    let name = format!("{}/{}/{}", kept.dataset.name, kept.model.name, kept.partition);
                    let known = match committed.get(&name) {
                        Some(known) => known.clone(),
                        None => {
                            let (dataset, model) = (&kept.dataset.name, &kept.model.name);
                            let entry = lake.ledger.consumption_entry(dataset, model, &kept.partition).await;
                            // What cannot be read is made again, perhaps of these.
                            entry.ok().flatten().map(|(entry, _)| entry.fingerprint)
                        }
                    };
                    committed.insert(name, known.clone());
                    known.as_deref() == Some(kept.fingerprint)
                }
                // Its dataset may be one that cannot be read now; a model that is gone never asks again.
                None => Kept::is_gone(lake, &object.key),
            };
        if is_useless {
            guard::delete(&lake.manifests, &object.key, Why::Used, async { Ok(true) }).await?;
        }
    }
    Ok(())
}

/// Below this the shards of all partitions are kept.
const SHARDS: &str = "shards/";

/// What a shard is of, by its key.
struct Kept<'l> {
    dataset: &'l Dataset,
    model: &'l Model,
    partition: Partition,
    fingerprint: &'l str,
}

impl<'l> Kept<'l> {
    fn of(lake: &'l Lake, key: &'l str) -> Option<Self> {
        let (dataset, rest) = key.strip_prefix(SHARDS)?.split_once('/')?;
        let (model, rest) = rest.split_once('/')?;
        let mut parts = rest.rsplitn(3, '/');
        let (_, fingerprint, partition) = (parts.next()?, parts.next()?, parts.next()?);
        let partition = if partition == WHOLE { "" } else { partition };
        let dataset = lake.catalog.dataset(dataset).ok()?;
        Some(Self { dataset, model: dataset.model(model)?, partition: partition.parse().ok()?, fingerprint })
    }

    /// Whether it is of a model that a dataset does not have any more.
    fn is_gone(lake: &Lake, key: &str) -> bool {
        let mut parts = key.strip_prefix(SHARDS).unwrap_or_default().split('/');
        let (Some(dataset), Some(model)) = (parts.next(), parts.next()) else { return false };
        lake.catalog.dataset(dataset).is_ok_and(|dataset| dataset.model(model).is_none())
    }
}

/// Stands for the partition of a model that has no others.
const WHOLE: &str = "whole";

/// Where the shards of a partition are kept.
fn folder(task: &Task<'_>) -> String {
    let planned = task.planned;
    let partition = if planned.partition.as_str().is_empty() { WHOLE } else { planned.partition.as_str() };
    format!("{SHARDS}{}/{}/{partition}/", planned.dataset.name, planned.model.name)
}

/// Where those are that are made from what there is now.
fn place(task: &Task<'_>) -> String {
    format!("{}{}/", folder(task), task.planned.fingerprint)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Query(format!("failed to put shards together: {error}"))
}
