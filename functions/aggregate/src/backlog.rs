//! How much there is to make, and as which shares of a job.

use std::collections::BTreeSet;

use lake::Lake;
use lake::batch::{HandedOver, Share};
use lake::ledger::Keep;
use lake::partition::Partition;

use crate::plan::Planned;
use crate::state::State;
use crate::{Result, Selection, selected};

/// A stale partition, and how much it is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The dataset.
    pub dataset: String,
    /// The model.
    pub model: String,
    /// The partition.
    pub partition: Partition,
    /// How many levels of models are before this one: those are to be made first.
    pub level: usize,
    /// In how many shards it is made.
    pub shards: u64,
    /// Bytes of the objects it is made from, as the ledger says.
    pub bytes: u64,
}

impl Stale {
    /// What is planned, level by level.
    pub(crate) fn of(planned: &[Planned<'_>]) -> Vec<Self> {
        let Some(first) = planned.first() else { return Vec::new() };
        let levels = first.dataset.levels();
        let level = |name: &str| levels.iter().position(|models| models.iter().any(|model| model.name == name));
        let stale = |planned: &Planned<'_>| Self {
            dataset: planned.dataset.name.clone(),
            model: planned.model.name.clone(),
            partition: planned.partition.clone(),
            level: level(&planned.model.name).unwrap_or_default(),
            shards: planned.shards,
            bytes: planned.bytes,
        };
        planned.iter().map(stale).collect()
    }
}

/// The stale partitions that have something to be made from, by dataset and model.
pub async fn backlog(lake: &Lake, selection: &Selection) -> Result<Vec<Stale>> {
    let mut found = Vec::new();
    for dataset in selected(lake, selection)? {
        let state = State::read(lake, dataset, Keep::Nothing).await?;
        found.extend(Stale::of(&state.plan(lake, selection, &state.levels()).todo));
    }
    Ok(found)
}

/// Whether partitions are above the size from which AWS Batch makes them.
pub(crate) fn is_too_large(lake: &Lake, planned: &[Planned<'_>]) -> bool {
    let limit = lake.batch.as_ref().and_then(|batch| batch.above_bytes());
    let total = planned.iter().map(|planned| planned.bytes).fold(0, u64::saturating_add);
    limit.is_some_and(|limit| total > limit)
}

/// One share for each shard of a partition that is made in shards.
fn in_shards(stale: &Stale) -> impl Iterator<Item = Share> {
    let Stale { dataset, model, partition, shards, .. } = stale.clone();
    let share = move |number| Share::Shard {
        dataset: dataset.clone(),
        model: model.clone(),
        partition: partition.clone(),
        number,
        of: shards,
    };
    (0..shards).filter(move |_| shards > 1).map(share)
}

/// Cuts a backlog into shares of about `bytes` each, of one model each.
fn shares(backlog: &[Stale], bytes: u64) -> Vec<Share> {
    let mut shares = Vec::new();
    for of_model in backlog.chunk_by(|a, b| (&a.dataset, &a.model) == (&b.dataset, &b.model)) {
        let (mut partitions, mut sum) = (Vec::new(), 0_u64);
        for (at, stale) in of_model.iter().enumerate() {
            partitions.push(stale.partition.clone());
            sum = sum.saturating_add(stale.bytes);
            if sum >= bytes || at + 1 == of_model.len() {
                let (dataset, model) = (stale.dataset.clone(), stale.model.clone());
                shares.push(Share::Aggregate { dataset, model, partitions: std::mem::take(&mut partitions) });
                sum = 0;
            }
        }
    }
    shares
}

/// Hands a backlog to AWS Batch, as one job for each level of models, which waits for the one before; none if there is no
/// queue, or nothing to hand over.
pub async fn hand_over(lake: &Lake, selection: &Selection, backlog: &[Stale]) -> Result<Vec<HandedOver>> {
    let Some(batch) = lake.batch.as_ref().filter(|_| !backlog.is_empty()) else { return Ok(Vec::new()) };
    let subject: Vec<&str> = selection.dataset.iter().chain(&selection.models).map(String::as_str).collect();
    let subject = if subject.is_empty() { "all".to_owned() } else { subject.join("-") };
    let levels: BTreeSet<usize> = backlog.iter().map(|stale| stale.level).collect();
    let bytes = batch.above_bytes().unwrap_or(u64::MAX);
    let mut jobs = Vec::new();
    for level in levels {
        let of_level: Vec<Stale> = backlog.iter().filter(|stale| stale.level == level).cloned().collect();
        // What is made in shards is joined after them.
        jobs.extend(
            Some(of_level.iter().flat_map(in_shards).collect()).filter(|shards: &Vec<Share>| !shards.is_empty()),
        );
        jobs.push(shares(&of_level, bytes));
    }
    Ok(batch.aggregate(&subject, jobs).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_one_model_and_about_the_size_that_one_call_may_have() {
        let stale = |model: &str, month: u32, bytes| Stale {
            dataset: "d".to_owned(),
            model: model.to_owned(),
            level: 0,
            shards: 1,
            partition: Partition::single("month", &format!("2026-{month:02}")),
            bytes,
        };
        let backlog = [stale("a", 1, 4), stale("a", 2, 4), stale("a", 3, 40), stale("a", 4, 1), stale("b", 1, 1)];
        let counts: Vec<(String, usize)> = shares(&backlog, 8)
            .into_iter()
            .map(|share| match share {
                Share::Aggregate { model, partitions, .. } => (model, partitions.len()),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [("a", 2), ("a", 1), ("a", 1), ("b", 1)].map(|(model, count)| (model.to_owned(), count));
        assert_eq!(counts, expected);
        assert!(shares(&[], 8).is_empty());
    }
}
