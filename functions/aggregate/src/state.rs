//! What there is of a dataset: what plans are made from, read once per run.

use lake::dataset::Dataset;
use lake::ledger::Keep;
use lake::settings::Zone;
use lake::{Lake, guard};

use crate::Selection;
use crate::cleaned::Cleaned;
use crate::error::Result;
use crate::made::Made;
use crate::plan::{Plan, Terms};

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
        // Consumption first: a partition made in between is then made again, and not taken for one without inputs.
        let made = Made::read(lake, dataset).await?;
        let cleaned = Cleaned::read(lake, dataset, keep).await?;
        if cleaned.is_empty() {
            guard::ensure_ledger(lake, dataset).await?;
        }
        // In a bucket, an object that is not there is an error of its own.
        if lake.standard.is_local() && cleaned.has_objects() {
            guard::ensure_root(&lake.standard, Zone::Standard).await?;
        }
        Ok(Self { dataset, made, cleaned })
    }

    /// What is to be done.
    pub fn plan(&self, lake: &Lake, selection: &Selection) -> Plan<'a> {
        let most_new = lake.limits().max_new_partitions;
        let terms = Terms { selection, most_new, personal_key: lake.personal_key.as_ref() };
        Plan::new(self.dataset, terms, &self.made, &self.cleaned)
    }
}
