//! More is never replaced by less: the one rule by which a run's answers replace those that are in the raw zone.
//!
//! An answer is about *subjects* (a series, an assessment, a learner) and has *items* of each (an hour's value, a row, a
//! week). A [`Shape`] reads them out of the lines of one kind of raw object. Of each subject:
//!
//! * what this run did not ask for stays as it is;
//! * a gap replaces nothing; a refusal (404) replaces no values;
//! * an answer replaces the earlier one, except for the items with a value that it should have and lacks. What is a value,
//!   what is missing and what will be rejected is decided by the dataset's declaration ([`lake::dataset::Verdict`]). A value
//!   that comes back as missing (null, a sentinel) is a correction by the source, unless all values of the subject do: then
//!   the answer has no values, and the earlier ones stay. The same goes for each measure of items that have several. What
//!   will be rejected is no value and no correction;
//! * of an item that one answer has several times the last one with a value counts: those behind it without one are left
//!   out of what is written.
//!
//! What stays although the API was asked and no longer has it is *lost* there: it is named, and goes when the caller
//! accepts the loss. An answer that stays in part is cut down to its items that stay, each byte for byte as it came.

mod plan;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use lake::dataset::Verdict;
use lake::ledger::timestamp;

use self::plan::Plan;
use crate::claim::SKEW;
use crate::raw::Line;

/// One item of a subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// What is the same in an earlier and a later answer.
    pub name: String,
    /// What makes it another one.
    pub content: String,
    /// What its table makes of it. A value is missed where it is gone.
    pub verdict: Verdict,
    /// The measures of which it has a value, a bit each.
    pub measures: Measures,
}

/// A set of measures.
pub type Measures = u32;

impl Item {
    /// An item of a kind that has one measure; without a value of it, it is not missed.
    pub fn of_value(name: String, content: String, verdict: Verdict) -> Self {
        Self { name, content, verdict, measures: Measures::from(verdict == Verdict::Value) }
    }

    /// Whether it is missed where it is gone.
    pub fn is_value(&self) -> bool {
        self.verdict == Verdict::Value
    }
}

/// What an answer has of each subject, in its order.
pub type Holdings = BTreeMap<String, Vec<Item>>;

/// What stays of a subject in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// All of it.
    Whole,
    /// The items at these places.
    Items(BTreeSet<usize>),
}

impl Keep {
    /// Whether the item at a place stays.
    pub fn has(&self, place: usize) -> bool {
        match self {
            Keep::Whole => true,
            Keep::Items(places) => places.contains(&place),
        }
    }
}

/// How the lines of one kind of raw object are read.
pub trait Shape: Sync {
    /// The subjects that a line asked about.
    fn asks(&self, line: &Line) -> Vec<String>;

    /// What an answer (status 200) has.
    fn holds(&self, line: &Line) -> Holdings;

    /// An answer cut down to what stays of it.
    fn cut(&self, line: &Line, keep: &BTreeMap<String, Keep>) -> Line;

    /// Whether an answer to a line's request should have an item, if it exists.
    fn covers(&self, _line: &Line, _item: &Item) -> bool {
        true
    }

    /// Whether a subject's items have names of their own: the last one of a name that has a value counts. Else each of them
    /// counts.
    fn is_keyed(&self) -> bool {
        true
    }

    /// The measures that their source never withdraws: an item that comes back without a value of one is lost like one that
    /// does not come back.
    fn steady(&self) -> Measures {
        0
    }

    /// Whether an item of an answer is left out if the earlier one stays in its place: else the later one is read in place
    /// of it.
    fn leaves_out(&self) -> bool {
        false
    }

    /// Puts the lines of an object in order.
    fn sort(&self, _lines: &mut [Line]) {}

    /// Whether a subject's answer cannot be cut: then all of it stays in place of the new one.
    fn is_indivisible(&self) -> bool {
        false
    }
}

/// What the caller allows.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// Whether what the API no longer has may go.
    pub accept_loss: bool,
    /// Whether the API no longer lists a subject that was not asked about: it goes if the loss is accepted.
    pub is_gone: &'a (dyn Fn(&str) -> bool + Sync),
    /// The time: an answer that was received well after it was labelled by a clock that was wrong, and is not a later one.
    pub now: DateTime<Utc>,
}

/// What becomes of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// Its lines.
    pub lines: Vec<Line>,
    /// By subject, the names of the items that stay although the API no longer has them.
    pub lost: BTreeMap<String, Vec<String>>,
}

/// What this run knows of a subject.
#[derive(Default)]
struct Standing<'a> {
    answers: Vec<&'a Line>,
    names: BTreeMap<&'a str, There>,
    contents: BTreeMap<&'a str, usize>,
    measures: Measures,
    refused: bool,
    gap: bool,
}

/// The items of a name that are there.
#[derive(Default, Clone, Copy)]
struct There {
    count: usize,
    measures: Measures,
}

/// An item of an earlier line.
#[derive(Clone, Copy)]
struct Earlier<'a> {
    line: usize,
    place: usize,
    item: &'a Item,
}

/// Joins the lines of this run with those that are there; see the rule above. If the result says the same as the lines
/// that are there, it is these, so that nothing is written again.
///
/// Another run may have asked later, and written first: then its answers are the later ones, and this run's the earlier.
pub fn replace(new: Vec<Line>, old: Vec<Line>, shape: &dyn Shape, terms: &Terms<'_>) -> Replaced {
    let new = without_hollow(new, shape);
    let mut answered: BTreeMap<String, &str> = BTreeMap::new();
    let latest = timestamp(terms.now + SKEW);
    for line in old.iter().filter(|line| line.gap.is_none() && line.received_at <= latest) {
        for subject in shape.asks(line) {
            let time = answered.entry(subject).or_default();
            *time = (*time).max(&line.received_at);
        }
    }
    let is_late = |line: &Line| {
        let asks = shape.asks(line);
        let later = |subject: &String| answered.get(subject).is_some_and(|time| **time > *line.received_at);
        !asks.is_empty() && asks.iter().all(later)
    };
    let (late, mut new): (Vec<Line>, Vec<Line>) = new.into_iter().partition(is_late);
    if late.is_empty() {
        return join(new, old, shape, terms);
    }
    let subjects: BTreeSet<String> = late.iter().flat_map(|line| shape.asks(line)).collect();
    let asks_of_them = |line: &&Line| shape.asks(line).iter().any(|subject| subjects.contains(subject));
    let later: Vec<Line> = old.iter().filter(asks_of_them).cloned().collect();
    new.extend(join(later, late, shape, terms).lines);
    join(new, old, shape, terms)
}

/// The lines of a run without items that have no value where one of the same name before them has: a reader takes the last.
pub fn without_hollow(new: Vec<Line>, shape: &dyn Shape) -> Vec<Line> {
    if !shape.is_keyed() || shape.is_indivisible() {
        return new;
    }
    let mut filled: BTreeSet<(String, String)> = BTreeSet::new();
    let mut whole = |line: Line| {
        let mut keep: BTreeMap<String, Keep> =
            shape.asks(&line).into_iter().map(|subject| (subject, Keep::Whole)).collect();
        let mut is_hollow = false;
        for (subject, items) in holdings(&line, shape) {
            let mut places = BTreeSet::new();
            for (place, Item { name, verdict, .. }) in items.iter().enumerate() {
                let key = (subject.clone(), name.clone());
                if *verdict != Verdict::Missing || !filled.contains(&key) {
                    places.insert(place);
                }
                if *verdict == Verdict::Value {
                    filled.insert(key);
                }
            }
            let is_whole = places.len() == items.len();
            is_hollow |= !is_whole;
            keep.insert(subject, if is_whole { Keep::Whole } else { Keep::Items(places) });
        }
        match is_hollow {
            true => shape.cut(&line, &keep),
            false => line,
        }
    };
    new.into_iter().map(&mut whole).collect()
}

fn join(new: Vec<Line>, old: Vec<Line>, shape: &dyn Shape, terms: &Terms<'_>) -> Replaced {
    if new.len() == old.len() && new.iter().zip(&old).all(|(new, old)| new.request == old.request && new.same_as(old)) {
        return Replaced { lines: old, lost: BTreeMap::new() };
    }
    let held: Vec<Holdings> = old.iter().map(|line| holdings(line, shape)).collect();
    let fresh: Vec<Holdings> = new.iter().map(|line| holdings(line, shape)).collect();
    let mut plan = Plan::default();
    let standings = standings(&new, &fresh, shape);
    let gaps_before: BTreeSet<String> =
        old.iter().filter(|line| line.gap.is_some()).flat_map(|line| unanswered(line, shape)).collect();
    for (subject, earlier) in by_subject(&held) {
        let Some(standing) = standings.get(subject) else {
            if !(terms.accept_loss && (terms.is_gone)(subject)) {
                plan.keep_whole(subject, &held);
            }
            continue;
        };
        let values = || earlier.iter().filter(|earlier| earlier.item.is_value());
        match standing {
            // Pages without their end: the earlier ones are better if they are whole.
            Standing { answers, gap: true, .. } if answers.is_empty() || !gaps_before.contains(subject) => {
                plan.keep_whole(subject, &held);
                plan.instead.insert(subject.to_owned());
            }
            Standing { answers, .. } if answers.is_empty() => {
                if values().count() > 0 && !terms.accept_loss {
                    plan.keep_whole(subject, &held);
                    let names = values().map(|earlier| earlier.item.name.clone()).collect();
                    plan.lost.insert(subject.to_owned(), names);
                }
            }
            _ => plan.compare(subject, &earlier, &held, standing, shape, terms),
        }
    }
    let mut lines = plan.new_lines(&new, &fresh, &old, &held, shape);
    lines.extend(plan.old_lines(&old, &held, &standings, shape, terms));
    shape.sort(&mut lines);
    let lines = if says(&lines, shape) == says(&old, shape) { old } else { lines };
    Replaced { lines, lost: plan.lost }
}

fn holdings(line: &Line, shape: &dyn Shape) -> Holdings {
    if line.is_answer() { shape.holds(line) } else { Holdings::new() }
}

/// The subjects that a gap or a refusal leaves open.
fn unanswered(line: &Line, shape: &dyn Shape) -> Vec<String> {
    match &line.gap {
        Some(gap) if !gap.what.is_empty() => gap.what.clone(),
        _ => shape.asks(line),
    }
}

fn standings<'a>(new: &'a [Line], fresh: &'a [Holdings], shape: &dyn Shape) -> BTreeMap<String, Standing<'a>> {
    let mut standings: BTreeMap<String, Standing<'a>> = BTreeMap::new();
    for (line, holdings) in new.iter().zip(fresh) {
        for (subject, items) in holdings {
            let standing = standings.entry(subject.clone()).or_default();
            standing.answers.push(line);
            // What an answer has beyond what was asked for is not taken from it.
            let counts = |item: &&Item| item.verdict != Verdict::Refused && shape.covers(line, item);
            for item in items.iter().filter(counts) {
                let there = standing.names.entry(&item.name).or_default();
                there.count += 1;
                there.measures |= item.measures;
                *standing.contents.entry(&item.content).or_default() += 1;
                standing.measures |= item.measures;
            }
        }
        if !line.is_answer() {
            for subject in unanswered(line, shape) {
                let standing = standings.entry(subject).or_default();
                if line.gap.is_some() { standing.gap = true } else { standing.refused = true }
            }
        }
    }
    standings
}

/// The items of all lines by subject. A subject may be there without any.
fn by_subject(held: &[Holdings]) -> BTreeMap<&str, Vec<Earlier<'_>>> {
    let mut found: BTreeMap<&str, Vec<Earlier<'_>>> = BTreeMap::new();
    for (line, holdings) in held.iter().enumerate() {
        for (subject, items) in holdings {
            let earlier = items.iter().enumerate().map(|(place, item)| Earlier { line, place, item });
            found.entry(subject).or_default().extend(earlier);
        }
    }
    found
}

/// What some lines say, whatever the requests that got it.
#[derive(PartialEq, Eq)]
struct Said {
    items: BTreeMap<String, Vec<Item>>,
    refused: BTreeSet<String>,
    gaps: BTreeSet<String>,
}

fn says(lines: &[Line], shape: &dyn Shape) -> Said {
    let mut said = Said { items: BTreeMap::new(), refused: BTreeSet::new(), gaps: BTreeSet::new() };
    for line in lines {
        for (subject, items) in holdings(line, shape) {
            said.items.entry(subject).or_default().extend(items);
        }
        if line.gap.is_some() {
            said.gaps.extend(unanswered(line, shape));
        } else if !line.is_answer() {
            said.refused.extend(unanswered(line, shape));
        }
    }
    for items in said.items.values_mut() {
        if shape.is_keyed() && !shape.leaves_out() {
            // The last of a name is read, but not one that is rejected.
            let mut read: BTreeMap<String, Item> = BTreeMap::new();
            for item in items.drain(..) {
                let is_read = |known: &Item| known.verdict != Verdict::Refused;
                if item.verdict != Verdict::Refused || !read.get(&item.name).is_some_and(is_read) {
                    read.insert(item.name.clone(), item);
                }
            }
            items.extend(read.into_values());
        } else {
            items.sort();
        }
    }
    said
}
