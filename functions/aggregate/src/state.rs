//! What there is of a dataset: what plans are made from, read once per run.

use std::collections::BTreeSet;

use lake::dataset::{Dataset, Model};
use lake::ledger::Keep;
use lake::settings::Zone;
use lake::{Lake, guard};

use crate::Selection;
use crate::cleaned::Cleaned;
use crate::error::Result;
use crate::made::Made;
use crate::plan::{Awaited, Plan, Terms, There};

/// What there is of a dataset.
#[derive(Debug)]
pub struct State<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// What was made of it so far.
    pub made: Made,
    /// What was made of its raw objects.
    pub cleaned: Cleaned,
}

impl<'a> State<'a> {
    /// Reads it.
    pub async fn read(lake: &Lake, dataset: &'a Dataset, keep: Keep) -> Result<Self> {
        Self::read_for(lake, dataset, keep, &Selection::default()).await
    }

    /// Reads it for what is to be made, by what was told to have changed if anything was.
    pub async fn read_for(lake: &Lake, dataset: &'a Dataset, keep: Keep, selection: &Selection) -> Result<Self> {
        // Consumption first: a partition made in between is then made again, and not taken for one without inputs.
        let made = Made::read(lake, dataset).await?;
        let cleaned = Cleaned::read(lake, dataset, keep, selection.told.as_ref()).await?;
        if cleaned.is_empty() {
            guard::ensure_ledger(lake, dataset).await?;
        }
        // In a bucket, an object that is not there is an error of its own.
        if lake.standard.is_local() && cleaned.has_objects() {
            guard::ensure_root(&lake.standard, Zone::Standard).await?;
        }
        if lake.consumption.is_local() && made.lacks_objects() && !selection.all {
            guard::ensure_root(&lake.consumption, Zone::Consumption).await?;
        }
        Ok(Self { dataset, made, cleaned })
    }

    /// The models by levels, each after those that it reads. There is one at least: of no model, there may be partitions.
    pub fn levels(&self) -> Vec<Vec<&'a Model>> {
        let levels = self.dataset.levels();
        if levels.is_empty() { vec![Vec::new()] } else { levels }
    }

    /// What is to be done for models of one level, after those that they read.
    pub fn plan_level(&self, lake: &Lake, selection: &Selection, models: &[&'a Model]) -> Plan<'a> {
        self.plan_after(lake, selection, models, &BTreeSet::new())
    }

    /// What is to be done for `levels`, as far as it can be told before: what reads a partition that is to be made awaits
    /// that.
    pub fn plan(&self, lake: &Lake, selection: &Selection, levels: &[Vec<&'a Model>]) -> Plan<'a> {
        let (mut whole, mut awaited) = (Plan::default(), BTreeSet::new());
        for models in levels {
            let plan = self.plan_after(lake, selection, models, &awaited);
            let todo = plan.todo.iter().map(|planned| (&planned.model.name, &planned.partition));
            let vanished = plan.vanished.iter().filter_map(|key| self.made.get(key));
            let changes = todo.chain(vanished.map(|entry| (&entry.model, &entry.partition)));
            awaited.extend(
                changes.map(|(model, partition)| Awaited { model: model.clone(), partition: partition.clone() }),
            );
            whole.todo.extend(plan.todo);
            whole.vanished.extend(plan.vanished);
            whole.failed.extend(plan.failed);
            whole.up_to_date += plan.up_to_date;
        }
        whole
    }

    fn plan_after(
        &self,
        lake: &Lake,
        selection: &Selection,
        models: &[&'a Model],
        awaited: &BTreeSet<Awaited>,
    ) -> Plan<'a> {
        let most_new = lake.limits().max_new_partitions;
        let terms = Terms { selection, most_new, personal_key: lake.personal_key.as_ref() };
        let there = There { made: &self.made, cleaned: &self.cleaned, awaited };
        Plan::new(self.dataset, models, terms, there)
    }
}
