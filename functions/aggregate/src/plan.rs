//! What is stale: which partitions there are by now, what each is made from, and what the ledger says it was made from.
//! Nothing is read here.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use chrono::{Days, NaiveDate, TimeDelta};
use lake::dataset::{Dataset, Inputs, Model, Relation};
use lake::ledger::{Output, Unreadable};
use lake::partition::{Partition, PartitionBy};
use lake::personal::PersonalKey;
use lake::{hash, keys};

use crate::Selection;
use crate::cleaned::{Cleaned, Group, Groups, Owned, ranked};
use crate::error::{Error, Result};
use crate::made::Made;
use crate::reach::{Span, Window, days_of, periods, reach};

/// Part of every fingerprint: raised when the same SQL over the same rows may give other bytes.
const ENGINE: &str = "10";

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
    /// In how many shards it is made.
    pub shards: u64,
    /// A partition that it reads and that is to be made before.
    pub awaits: Option<Awaited>,
    /// Whether it is stale whatever becomes of what it awaits.
    pub is_stale: bool,
}

/// A model's partition that is to be made before others that read it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Awaited {
    /// The model.
    pub model: String,
    /// Its partition.
    pub partition: Partition,
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
    /// The objects of each input, in the order of `inputs.relations`.
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

/// What there is to make partitions from, and what was made.
#[derive(Debug, Clone, Copy)]
pub struct There<'a> {
    /// What was made so far.
    pub made: &'a Made,
    /// What was made of raw objects.
    pub cleaned: &'a Cleaned,
    /// Partitions that are to be made before, and may change.
    pub awaited: &'a BTreeSet<Awaited>,
}

impl<'a> Plan<'a> {
    /// Compares what there is with what the ledger says of some models of the consumption zone: those of one level, none of
    /// which reads another. With the first level, models that are no longer declared are planned as well.
    pub fn new(dataset: &'a Dataset, models: &[&'a Model], terms: Terms<'_>, there: There<'_>) -> Self {
        let mut plan = Self::default();
        let (selection, made) = (terms.selection, there.made);
        let reads_models =
            |model: &&Model| dataset.inputs_of(model).is_ok_and(|inputs| inputs.models().next().is_some());
        let is_first = !models.iter().any(reads_models);
        let is_planned = |name: &str| match dataset.model(name) {
            Some(model) => models.iter().any(|planned| planned.name == name) && selection.wants_model(dataset, model),
            None => is_first && selection.names_model(name),
        };
        let mut left: BTreeSet<&str> = made
            .partitions()
            .filter(|(key, entry)| {
                let partition = lake::ledger::partition_of(key);
                is_planned(&entry.model) && partition.is_some_and(|it| selection.wants(&entry.model, &it))
            })
            .map(|(key, _)| key)
            .collect();
        let groups = if is_first { BTreeMap::new() } else { made.groups() };
        for model in models.iter().copied().filter(|model| selection.wants_model(dataset, model)) {
            plan.failed.extend(made.unreadable_of(&model.name).map(|entry| not_readable(dataset, model, entry)));
            // Checked when the dataset was read.
            let Ok(inputs) = dataset.inputs_of(model) else { continue };
            if let Some(entry) = unreadable_input(dataset, &inputs, there) {
                let (dataset, what) = (dataset.name.clone(), model.name.clone());
                plan.failed.push(Error::Unreadable { dataset, what, source: Box::new(entry.error()) });
                left.retain(|key| made.get(key).is_none_or(|entry| entry.model != model.name));
                continue;
            }
            plan.add_model(dataset, model, terms, &Grouped::new(inputs, there, &groups), made, &mut left);
        }
        plan.vanished = left.into_iter().map(str::to_owned).collect();
        plan
    }

    /// Adds what is stale of one model; the ledger keys of partitions that there are go from those that are `left`.
    fn add_model(
        &mut self,
        dataset: &'a Dataset,
        model: &'a Model,
        terms: Terms<'_>,
        inputs: &Grouped<'_, '_>,
        made: &Made,
        left: &mut BTreeSet<&str>,
    ) {
        self.failed.extend(no_period(dataset, model, inputs));
        let selection = terms.selection;
        let unreadable: BTreeSet<&str> = made.unreadable_of(&model.name).map(|entry| entry.key.as_str()).collect();
        let is_all = selection.all && selection.names_model(&model.name);
        let mut todo = Vec::new();
        for mut planned in partitions(dataset, model, inputs, terms.personal_key) {
            if !selection.wants(&model.name, &planned.partition) {
                continue;
            }
            let ledger_key = keys::consumption_ledger(&dataset.name, &model.name, &planned.partition);
            left.remove(ledger_key.as_str());
            if unreadable.contains(ledger_key.as_str()) {
                continue;
            }
            let entry = made.get(&ledger_key).filter(|entry| entry.file.is_none());
            planned.known = entry.map(|entry| entry.fingerprint.clone());
            let is_settled = entry.is_some_and(|entry| entry.is_settled()) && !made.is_damaged(&ledger_key);
            let is_same = is_settled && planned.known.as_ref() == Some(&planned.fingerprint) && !is_all;
            planned.is_stale = !is_same;
            if planned.is_stale || planned.awaits.is_some() {
                todo.push(planned);
            } else {
                self.up_to_date += 1;
            }
        }
        match too_many(&todo, inputs, terms.most_new) {
            Some(error) => self.failed.push(error),
            None => self.todo.append(&mut todo),
        }
    }
}

/// A model's inputs with the groups of their objects.
struct Grouped<'a, 'g> {
    inputs: Inputs<'a>,
    /// In the order of the inputs.
    groups: Vec<&'g Groups>,
    awaited: &'g BTreeSet<Awaited>,
}

impl<'a, 'g> Grouped<'a, 'g> {
    fn new(inputs: Inputs<'a>, there: There<'g>, made: &'g BTreeMap<String, Groups>) -> Self {
        let of = |relation: &Relation<'_>| match relation {
            Relation::Table(table) => there.cleaned.tables.get(&table.name),
            Relation::Model(model) => made.get(&model.name),
        };
        let groups = inputs.relations.iter().map(|relation| of(relation).unwrap_or(&NOTHING)).collect();
        Self { inputs, groups, awaited: there.awaited }
    }

    fn first(&self) -> &'g Groups {
        self.groups.first().copied().unwrap_or(&NOTHING)
    }

    /// The partitions of an input that are to be made before.
    fn awaited(&self, relation: Relation<'_>) -> impl Iterator<Item = &'g Awaited> {
        let model = match relation {
            Relation::Table(_) => None,
            Relation::Model(model) => Some(model.name.clone()),
        };
        self.awaited.iter().filter(move |awaited| model.as_ref() == Some(&awaited.model))
    }
}

static NOTHING: Groups = Groups::new();

fn not_readable(dataset: &Dataset, model: &Model, entry: &Unreadable) -> Error {
    let what = match lake::ledger::partition_of(&entry.key) {
        Some(partition) => format!("{}, partition {partition},", model.name),
        None => model.name.clone(),
    };
    Error::Unreadable { dataset: dataset.name.clone(), what, source: Box::new(entry.error()) }
}

/// An entry that cannot be read of what a model is made from, as far as its key says.
fn unreadable_input<'a>(dataset: &Dataset, inputs: &Inputs<'_>, there: There<'a>) -> Option<&'a Unreadable> {
    let of_table = there.cleaned.unreadable().iter().find(|entry| {
        let table = entry.raw_key().and_then(|raw_key| dataset.table_of(&raw_key).map(|table| table.name.clone()));
        table.is_none_or(|name| inputs.tables().any(|table| table.name == name))
    });
    of_table.or_else(|| inputs.models().find_map(|read| there.made.unreadable_of(&read.name).next()))
}

/// An object with days that no partition can have: their rows would be nowhere.
fn no_period(dataset: &Dataset, model: &Model, inputs: &Grouped<'_, '_>) -> Option<Error> {
    let PartitionBy::Time(period, _) = &model.partition else { return None };
    let has_none = |day: &NaiveDate| period.of(*day).is_none();
    inputs.first().iter().find_map(|((_, span), group)| {
        let (first, last) = (*span)?;
        [first, last].iter().any(has_none).then(|| Error::NoPeriod {
            dataset: dataset.name.clone(),
            model: model.name.clone(),
            object: group.sample.clone(),
            first,
            last,
        })
    })
}

/// Refuses to add more partitions than one run may: mostly, one wild date spans them.
fn too_many(todo: &[Planned<'_>], inputs: &Grouped<'_, '_>, allowed: usize) -> Option<Error> {
    let new: Vec<&Planned> = todo.iter().filter(|planned| planned.known.is_none()).collect();
    let planned = new.first().filter(|_| new.len() > allowed)?;
    let spans =
        inputs.first().iter().filter_map(|((partition, span), group)| Some((group, days_of(partition, *span)?)));
    // A raw object has one of the same name in each partition that it has rows of.
    let mut by_name: BTreeMap<&str, (TimeDelta, &str, Range<NaiveDate>)> = BTreeMap::new();
    for (group, days) in spans {
        let name = group.sample.rsplit('/').next().unwrap_or(&group.sample);
        let (sum, _, all) = by_name.entry(name).or_insert_with(|| (TimeDelta::zero(), &group.sample, days.clone()));
        *sum += days.end.signed_duration_since(days.start);
        *all = all.start.min(days.start)..all.end.max(days.end);
    }
    let (_, object, days) = by_name.into_values().max_by_key(|(sum, ..)| *sum)?;
    Some(Error::TooMany {
        dataset: planned.dataset.name.clone(),
        model: planned.model.name.clone(),
        partitions: new.len(),
        allowed,
        object: object.to_owned(),
        first: days.start.to_string(),
        last: days.end.pred_opt().unwrap_or(days.end).to_string(),
    })
}

/// All partitions that a model has by now: where its first input has rows.
fn partitions<'a>(
    dataset: &'a Dataset,
    model: &'a Model,
    grouped: &Grouped<'_, '_>,
    personal_key: Option<&PersonalKey>,
) -> Vec<Planned<'a>> {
    let Grouped { inputs, groups, .. } = grouped;
    let awaited = inputs.relations.first().into_iter().flat_map(|first| grouped.awaited(*first));
    let places = grouped.first().keys().map(|(partition, span)| (partition, *span));
    let places = places.chain(awaited.map(|awaited| (&awaited.partition, None)));
    let partitions: BTreeSet<Partition> = match &model.partition {
        PartitionBy::Time(period, _) => places
            .filter_map(|(partition, span)| days_of(partition, span))
            .flat_map(|days| periods(*period, days))
            .collect(),
        PartitionBy::Key(_) => places.map(|(partition, _)| partition.clone()).collect(),
        PartitionBy::Nothing => places.take(1).map(|_| Partition::whole()).collect(),
    };
    let finders: Vec<Finder> = groups.iter().copied().map(Finder::new).collect();
    let rules = rules(dataset, model, inputs, personal_key);
    let planned = |partition: Partition| {
        let (mut objects, mut bytes, mut awaits) = (0, 0_u64, None);
        let mut sums = Vec::with_capacity(finders.len());
        for (at, (relation, finder)) in inputs.relations.iter().zip(&finders).enumerate() {
            let mut sum = 0_u128;
            let window = Window::of(model, *relation, at, &partition);
            finder.find(&window, |group| {
                objects += group.objects;
                bytes = bytes.saturating_add(group.bytes);
                sum = sum.wrapping_add(group.sum);
            });
            sums.push(format!("{sum:032x}"));
            let before = || grouped.awaited(*relation).find(|awaited| window.has(&awaited.partition, None));
            awaits = awaits.or_else(before);
        }
        let shards = model.shards(bytes);
        if shards > 1 {
            sums.push(format!("{shards} shards"));
        }
        let fingerprint = hash::texts([rules.as_str()].into_iter().chain(sums.iter().map(String::as_str)));
        let awaits = awaits.cloned();
        Planned { dataset, model, partition, fingerprint, known: None, objects, bytes, shards, awaits, is_stale: true }
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
    others: Vec<(&'g (Partition, Span), &'g Group)>,
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
        // What is personal in a model is so by its SQL, and that of those which it reads.
        let reads_models = inputs.models().next().is_some();
        let tables =
            dataset.tables.iter().filter(|table| reads_models || inputs.tables().any(|read| read.name == table.name));
        let columns = tables.flat_map(|table| table.columns.iter().map(move |column| (table, column)));
        let personal = columns.filter(|(_, column)| column.personal);
        parts.extend(personal.flat_map(|(table, column)| [table.name.as_str(), column.name.as_str()]));
        if reads_models {
            parts.extend(dataset.upstream_of(model).into_iter().map(|read| read.fingerprint.as_str()));
            parts.extend(dataset.views.iter().map(|view| view.fingerprint.as_str()));
        }
    }
    parts.extend(inputs.views.iter().map(|view| view.fingerprint.as_str()));
    parts.extend(inputs.tables().flat_map(|table| table.key.iter().map(String::as_str)));
    parts.extend(inputs.tables().map(|table| if table.keeps_day() { "keeps day" } else { "" }));
    let types = types(model, inputs);
    parts.extend(types.iter().map(String::as_str));
    hash::texts(parts)
}

/// The types of the columns that a model's SQL names: in all partitions its result has the same. What it reads by a `*` is
/// not among them, or each new column would have all partitions made again.
fn types(model: &Model, inputs: &Inputs<'_>) -> Vec<String> {
    let is_named = |name: &str| model.sql.contains(name) || inputs.views.iter().any(|view| view.sql.contains(name));
    let mut types = Vec::new();
    for table in inputs.tables() {
        let columns = table.columns.iter().filter(|column| is_named(&column.name));
        types.extend(columns.map(|column| format!("{}.{}: {}", table.name, column.name, column.kind.arrow())));
    }
    types
}

/// Finds the objects that partitions are made from.
pub fn gather<'a>(cleaned: &Cleaned, made: &Made, planned: &'a [Planned<'a>]) -> Result<Vec<Task<'a>>> {
    let Some(Planned { dataset, .. }) = planned.first() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for one in planned {
        let inputs = dataset.inputs_of(one.model).map_err(Error::Query)?;
        let windows = inputs.relations.iter().enumerate();
        let windows: Vec<Window> =
            windows.map(|(at, relation)| Window::of(one.model, *relation, at, &one.partition)).collect();
        let objects: Vec<Vec<(String, Arc<Output>)>> = windows.iter().map(|_| Vec::new()).collect();
        found.push((one, inputs, windows, objects));
    }
    let mut readers: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for (number, (_, inputs, ..)) in found.iter().enumerate() {
        for (at, relation) in inputs.relations.iter().enumerate() {
            readers.entry(relation.name()).or_default().push((number, at));
        }
    }
    let mut offer = |name: &str, source: &str, place: (&Partition, Span), output: &dyn Fn() -> Output| {
        let mut shared: Option<Arc<Output>> = None;
        for (number, at) in readers.get(name).into_iter().flatten() {
            let Some((_, _, windows, objects)) = found.get_mut(*number) else { continue };
            let (Some(window), Some(objects)) = (windows.get(*at), objects.get_mut(*at)) else { continue };
            if window.has(place.0, place.1) {
                let output = shared.get_or_insert_with(|| Arc::new(output()));
                objects.push((source.to_owned(), Arc::clone(output)));
            }
        }
    };
    cleaned.visit(dataset, |table, raw_key, object| {
        let place = (&object.output.partition, object.output.days);
        offer(&table.name, raw_key, place, &|| object.to_owned());
    })?;
    for (key, entry) in made.partitions() {
        for output in &entry.outputs {
            offer(&entry.model, key, (&entry.partition, None), &|| output.clone());
        }
    }
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
