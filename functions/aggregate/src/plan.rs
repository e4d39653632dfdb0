//! What is stale: which partitions there are by now, what each is made from, and what the ledger says it was made from.
//! Nothing is read here.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use lake::dataset::{Dataset, Inputs, Model};
use lake::ledger::{Output, Unreadable};
use lake::partition::{Partition, PartitionBy};
use lake::personal::PersonalKey;
use lake::{hash, keys};

use crate::Selection;
use crate::cleaned::{Cleaned, Group, Groups, Owned, ranked};
use crate::error::{Error, Result};
use crate::made::Made;
use crate::reach::{Window, days_of, periods, reach};

/// Part of every fingerprint: raised when the same SQL over the same rows may give other bytes.
const ENGINE: &str = "5";

/// A partition that is to be made.
#[derive(Debug)]
pub struct Planned<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// The model.
    pub model: &'a Model,
    /// The partition, before it is split by columns of the result.
    pub partition: Partition,
    /// What it is made from.
    pub fingerprint: String,
    /// The fingerprint of what was there when this was planned.
    pub known: Option<String>,
    /// How many objects it is made from.
    pub objects: u64,
    /// Their size.
    pub bytes: u64,
}

/// The same with the objects that it is made from.
#[derive(Debug)]
pub struct Task<'a> {
    /// What is to be made.
    pub planned: &'a Planned<'a>,
    /// Everything the model reads.
    pub inputs: Inputs<'a>,
    /// The days of the partition and of the model's look-back before it.
    pub reach: Option<Range<NaiveDate>>,
    /// The objects of each input table, in the order of `inputs.tables`.
    pub objects: Vec<Vec<Owned>>,
}

/// What is to be done for a dataset.
#[derive(Debug, Default)]
pub struct Plan<'a> {
    /// The stale partitions.
    pub todo: Vec<Planned<'a>>,
    /// Those that have nothing left to be made from: their keys in the ledger.
    pub vanished: Vec<String>,
    /// The count of the others.
    pub up_to_date: u64,
    /// What cannot be planned, and stays as it is.
    pub failed: Vec<Error>,
}

/// What a plan is made by, beside what there is.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// What was asked for.
    pub selection: &'a Selection,
    /// How many partitions one run may add to a model.
    pub most_new: usize,
    /// The key of hashes in place of personal values.
    pub personal_key: Option<&'a PersonalKey>,
}

impl<'a> Plan<'a> {
    /// Compares what there is with what the ledger says of the consumption zone.
    pub fn new(dataset: &'a Dataset, terms: Terms<'_>, made: &Made, cleaned: &Cleaned) -> Self {
        let mut plan = Self::default();
        let selection = terms.selection;
        let is_wanted =
            |key: &str| lake::ledger::partition_of(key).is_some_and(|partition| selection.wants(&partition));
        let mut left: BTreeSet<&str> = made
            .partitions()
            .filter(|(key, entry)| selection.wants_model(&entry.model) && is_wanted(key))
            .map(|(key, _)| key)
            .collect();
        for model in dataset.models.iter().filter(|model| selection.wants_model(&model.name)) {
            let unreadable: BTreeSet<&str> = made.unreadable_of(&model.name).map(|entry| entry.key.as_str()).collect();
            plan.failed.extend(made.unreadable_of(&model.name).map(|entry| not_readable(dataset, model, entry)));
            if let Some(entry) = unreadable_input(dataset, model, cleaned.unreadable()) {
                let (dataset, what) = (dataset.name.clone(), model.name.clone());
                plan.failed.push(Error::Unreadable { dataset, what, source: Box::new(entry.error()) });
                left.retain(|key| made.get(key).is_none_or(|entry| entry.model != model.name));
                continue;
            }
            let mut todo = Vec::new();
            for mut planned in partitions(dataset, model, cleaned, terms.personal_key) {
                if !selection.wants(&planned.partition) {
                    continue;
                }
                let ledger_key = keys::consumption_ledger(&dataset.name, &model.name, &planned.partition);
                left.remove(ledger_key.as_str());
                let entry = made.get(&ledger_key).filter(|entry| entry.file.is_none());
                planned.known = entry.map(|entry| entry.fingerprint.clone());
                let is_settled = entry.is_some_and(|entry| entry.is_settled()) && !made.is_damaged(&ledger_key);
                if unreadable.contains(ledger_key.as_str()) {
                    continue;
                }
                if is_settled && planned.known.as_ref() == Some(&planned.fingerprint) && !selection.all {
                    plan.up_to_date += 1;
                } else {
                    todo.push(planned);
                }
            }
            match too_many(&todo, cleaned, terms.most_new) {
                Some(error) => plan.failed.push(error),
                None => plan.todo.append(&mut todo),
            }
        }
        plan.vanished = left.into_iter().map(str::to_owned).collect();
        plan
    }
}

fn not_readable(dataset: &Dataset, model: &Model, entry: &Unreadable) -> Error {
    let what = match lake::ledger::partition_of(&entry.key) {
        Some(partition) => format!("{}, partition {partition},", model.name),
        None => model.name.clone(),
    };
    Error::Unreadable { dataset: dataset.name.clone(), what, source: Box::new(entry.error()) }
}

/// An entry that cannot be read of a raw object that a model is made from, as far as its key says.
fn unreadable_input<'a>(dataset: &Dataset, model: &Model, unreadable: &'a [Unreadable]) -> Option<&'a Unreadable> {
    let inputs = dataset.inputs_of(model).ok()?;
    unreadable.iter().find(|entry| {
        let table = entry.raw_key().and_then(|raw_key| dataset.table_of(&raw_key).map(|table| table.name.clone()));
        table.is_none_or(|name| inputs.tables.iter().any(|table| table.name == name))
    })
}

/// Refuses to add more partitions than one run may: mostly, one wild date spans them.
fn too_many(todo: &[Planned<'_>], cleaned: &Cleaned, allowed: usize) -> Option<Error> {
    let new: Vec<&Planned> = todo.iter().filter(|planned| planned.known.is_none()).collect();
    let planned = new.first().filter(|_| new.len() > allowed)?;
    let inputs = planned.dataset.inputs_of(planned.model).ok()?;
    let groups = cleaned.tables.get(&inputs.tables.first()?.name)?;
    let spans = groups.iter().filter_map(|((partition, span), group)| Some((group, days_of(partition, *span)?)));
    let (group, days) = spans.max_by_key(|(_, days)| days.end.signed_duration_since(days.start))?;
    Some(Error::TooMany {
        dataset: planned.dataset.name.clone(),
        model: planned.model.name.clone(),
        partitions: new.len(),
        allowed,
        object: group.sample.clone(),
        first: days.start.to_string(),
        last: days.end.pred_opt().unwrap_or(days.end).to_string(),
    })
}

/// All partitions that a model has by now: where its first input has rows.
fn partitions<'a>(
    dataset: &'a Dataset,
    model: &'a Model,
    cleaned: &Cleaned,
    personal_key: Option<&PersonalKey>,
) -> Vec<Planned<'a>> {
    // Checked when the dataset was read.
    let Ok(inputs) = dataset.inputs_of(model) else { return Vec::new() };
    let nothing = Groups::new();
    let groups: Vec<&Groups> =
        inputs.tables.iter().map(|table| cleaned.tables.get(&table.name).unwrap_or(&nothing)).collect();
    let first = groups.first().copied().unwrap_or(&nothing);
    let partitions: BTreeSet<Partition> = match &model.partition {
        PartitionBy::Time(period, _) => first
            .keys()
            .filter_map(|(partition, span)| days_of(partition, *span))
            .flat_map(|days| periods(*period, days))
            .collect(),
        PartitionBy::Key(_) => first.keys().map(|(partition, _)| partition.clone()).collect(),
        PartitionBy::Nothing if first.is_empty() => BTreeSet::new(),
        PartitionBy::Nothing => BTreeSet::from([Partition::whole()]),
    };
    let finders: Vec<Finder> = groups.into_iter().map(Finder::new).collect();
    let rules = rules(dataset, model, &inputs, personal_key);
    let planned = |partition: Partition| {
        let (mut objects, mut bytes) = (0, 0_u64);
        let mut sums = Vec::with_capacity(finders.len());
        for (at, (table, finder)) in inputs.tables.iter().zip(&finders).enumerate() {
            let mut sum = 0_u128;
            finder.find(&Window::of(model, table, at, &partition), |group| {
                objects += group.objects;
                bytes = bytes.saturating_add(group.bytes);
                sum = sum.wrapping_add(group.sum);
            });
            sums.push(format!("{sum:032x}"));
        }
        let fingerprint = hash::texts([rules.as_str()].into_iter().chain(sums.iter().map(String::as_str)));
        Planned { dataset, model, partition, fingerprint, known: None, objects, bytes }
    };
    partitions.into_iter().map(planned).collect()
}

/// Spans longer than this are looked at for every window.
const LONG: Days = Days::new(800);

/// Finds the groups of a window without looking at all of them.
struct Finder<'g> {
    groups: &'g Groups,
    /// Groups with days, by the first of them.
    short: Vec<(Range<NaiveDate>, &'g Group)>,
    /// Those of many days, or of any.
    others: Vec<(&'g (Partition, crate::reach::Span), &'g Group)>,
}

impl<'g> Finder<'g> {
    fn new(groups: &'g Groups) -> Self {
        let (mut short, mut others) = (Vec::new(), Vec::new());
        for (key, group) in groups {
            match days_of(&key.0, key.1) {
                Some(days) if days.start.checked_add_days(LONG).is_some_and(|long| days.end <= long) => {
                    short.push((days, group));
                }
                _ => others.push((key, group)),
            }
        }
        short.sort_by_key(|(days, _)| days.start);
        Self { groups, short, others }
    }

    fn find(&self, window: &Window, mut found: impl FnMut(&'g Group)) {
        let Window::Days(reach) = window else {
            let within = self.groups.iter().filter(|((partition, span), _)| window.has(partition, *span));
            return within.for_each(|(_, group)| found(group));
        };
        let from = reach.start.checked_sub_days(LONG).unwrap_or(NaiveDate::MIN);
        let begin = self.short.partition_point(|(days, _)| days.start < from);
        let near = self.short.iter().skip(begin).take_while(|(days, _)| days.start < reach.end);
        near.filter(|(days, _)| reach.start < days.end).for_each(|(_, group)| found(group));
        let others = self.others.iter().filter(|((partition, span), _)| window.has(partition, *span));
        others.for_each(|(_, group)| found(group));
    }
}

/// The fingerprint of everything that a model's partitions are made by, beside the objects.
fn rules(dataset: &Dataset, model: &Model, inputs: &Inputs<'_>, personal_key: Option<&PersonalKey>) -> String {
    let personal = personal_key.filter(|_| model.hash_personal).map(PersonalKey::fingerprint).unwrap_or_default();
    let mut parts =
        vec![ENGINE, &model.fingerprint, dataset.zone.name(), dataset.lists_fingerprint.as_str(), personal.as_str()];
    if model.hash_personal {
        let columns = inputs.tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
        let personal = columns.filter(|(_, column)| column.personal);
        parts.extend(personal.flat_map(|(table, column)| [table.name.as_str(), column.name.as_str()]));
    }
    parts.extend(inputs.views.iter().map(|view| view.fingerprint.as_str()));
    parts.extend(inputs.tables.iter().flat_map(|table| table.key.iter().map(String::as_str)));
    parts.extend(inputs.tables.iter().map(|table| if table.keeps_day() { "keeps day" } else { "" }));
    hash::texts(parts)
}

/// Finds the objects that partitions are made from.
pub fn gather<'a>(cleaned: &Cleaned, planned: &'a [Planned<'a>]) -> Result<Vec<Task<'a>>> {
    let Some(Planned { dataset, .. }) = planned.first() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for one in planned {
        let inputs = dataset.inputs_of(one.model).map_err(Error::Query)?;
        let windows = inputs.tables.iter().enumerate();
        let windows: Vec<Window> =
            windows.map(|(at, table)| Window::of(one.model, table, at, &one.partition)).collect();
        let objects: Vec<Vec<(String, Arc<Output>)>> = windows.iter().map(|_| Vec::new()).collect();
        found.push((one, inputs, windows, objects));
    }
    let mut readers: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for (number, (_, inputs, ..)) in found.iter().enumerate() {
        for (at, table) in inputs.tables.iter().enumerate() {
            readers.entry(table.name.as_str()).or_default().push((number, at));
        }
    }
    cleaned.visit(dataset, |table, raw_key, object| {
        let mut shared: Option<Arc<Output>> = None;
        for (number, at) in readers.get(table.name.as_str()).into_iter().flatten() {
            let Some((_, _, windows, objects)) = found.get_mut(*number) else { continue };
            let (Some(window), Some(objects)) = (windows.get(*at), objects.get_mut(*at)) else { continue };
            if window.has(&object.output.partition, object.output.days) {
                let output = shared.get_or_insert_with(|| Arc::new(object.to_owned()));
                objects.push((raw_key.to_owned(), Arc::clone(output)));
            }
        }
    })?;
    let task = |(planned, inputs, _, objects): (&'a Planned<'a>, Inputs<'a>, _, Vec<_>)| Task {
        planned,
        inputs,
        reach: reach(planned.model, &planned.partition),
        objects: objects.into_iter().map(ranked).collect(),
    };
    Ok(found.into_iter().map(task).collect())
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
