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

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use lake::dataset::Verdict;
use lake::ledger::timestamp;

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
        let mut keep = BTreeMap::new();
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
            true => Line { request: line.request.clone(), ..shape.cut(&line, &keep) },
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

/// What stays.
#[derive(Default)]
struct Plan {
    /// By the place of an earlier line.
    keep: BTreeMap<usize, BTreeMap<String, Keep>>,
    /// Subjects of which something stays.
    kept: BTreeSet<String>,
    /// Subjects whose new lines are left out.
    instead: BTreeSet<String>,
    /// By subject, the names of the new items that are left out.
    left_out: BTreeMap<String, BTreeSet<String>>,
    lost: BTreeMap<String, Vec<String>>,
}

impl Plan {
    fn keep_whole(&mut self, subject: &str, held: &[Holdings]) {
        for (line, _) in held.iter().enumerate().filter(|(_, holdings)| holdings.contains_key(subject)) {
            self.keep.entry(line).or_default().insert(subject.to_owned(), Keep::Whole);
        }
        self.kept.insert(subject.to_owned());
    }

    /// Compares an answer with the earlier one.
    fn compare(
        &mut self,
        subject: &str,
        earlier: &[Earlier<'_>],
        held: &[Holdings],
        standing: &Standing<'_>,
        shape: &dyn Shape,
        terms: &Terms<'_>,
    ) {
        let covered = |item: &Item| standing.answers.iter().any(|line| shape.covers(line, item));
        let mut by_name: BTreeMap<&str, Vec<Earlier<'_>>> = BTreeMap::new();
        let mut measured: Measures = 0;
        for one in earlier.iter().filter(|one| one.item.is_value()) {
            by_name.entry(&one.item.name).or_default().push(*one);
            if one.item.measures & !measured != 0 && covered(one.item) {
                measured |= one.item.measures;
            }
        }
        // The measures of which the answer has no value at all.
        let lacking = measured & !standing.measures;
        if lacking != 0 && !shape.is_keyed() && !terms.accept_loss {
            // Its rows would stand beside the earlier ones: they are the same ones without values.
            self.keep_whole(subject, held);
            self.instead.insert(subject.to_owned());
            let names = by_name.keys().map(|name| (*name).to_owned());
            self.lost.insert(subject.to_owned(), names.collect());
            return;
        }
        for (name, mut ones) in by_name {
            let there = standing.names.get(name).copied().unwrap_or_default();
            if shape.is_keyed() {
                ones.drain(..ones.len().saturating_sub(1));
            } else {
                // What has changed least is taken for what is still there.
                ones.sort_by_key(|one| standing.contents.contains_key(one.item.content.as_str()));
            }
            let is_poorer = |one: &Earlier<'_>| {
                let withdrawn = lacking | (shape.steady() & !there.measures);
                shape.is_keyed() && one.item.measures & withdrawn != 0
            };
            let needed = if ones.iter().any(is_poorer) { ones.len() } else { ones.len().saturating_sub(there.count) };
            for one in ones.into_iter().take(needed) {
                if covered(one.item) && !standing.gap {
                    if terms.accept_loss {
                        continue;
                    }
                    self.lost.entry(subject.to_owned()).or_default().push(name.to_owned());
                }
                let kept = self.keep.entry(one.line).or_default().entry(subject.to_owned());
                if let Keep::Items(places) = kept.or_insert_with(|| Keep::Items(BTreeSet::new())) {
                    places.insert(one.place);
                }
                self.kept.insert(subject.to_owned());
                if shape.leaves_out() && there.count > 0 {
                    self.left_out.entry(subject.to_owned()).or_default().insert(name.to_owned());
                }
            }
        }
        if shape.is_indivisible() && self.kept.contains(subject) {
            for keep in self.keep.values_mut().filter_map(|kept| kept.get_mut(subject)) {
                *keep = Keep::Whole;
            }
            self.instead.insert(subject.to_owned());
        }
    }

    /// This run's lines, without those in whose place earlier ones stay. One that says the same as an earlier one is that
    /// earlier one, with the time at which it first came.
    fn new_lines(
        &self,
        new: &[Line],
        fresh: &[Holdings],
        old: &[Line],
        held: &[Holdings],
        shape: &dyn Shape,
    ) -> Vec<Line> {
        let known: BTreeMap<&str, (&Line, &Holdings)> =
            old.iter().zip(held).map(|(line, holdings)| (line.request.as_str(), (line, holdings))).collect();
        let mut lines = Vec::new();
        for (line, holdings) in new.iter().zip(fresh) {
            let asks = shape.asks(line);
            let Some((mut line, holdings)) = self.without_left_out(line, holdings, shape) else { continue };
            let is_moot = if let Some(gap) = &mut line.gap {
                let was_named = !gap.what.is_empty();
                gap.what.retain(|what| !self.instead.contains(what));
                (was_named && gap.what.is_empty()) || all_in(&asks, &self.instead)
            } else if line.is_answer() {
                all_in(&asks, &self.instead)
            } else {
                all_in(&asks, &self.kept)
            };
            if is_moot {
                continue;
            }
            match known.get(line.request.as_str()) {
                Some((known, before)) if line.same_as(known) => lines.push((*known).clone()),
                Some((known, before)) if line.is_answer() && known.is_answer() && **before == holdings => {
                    lines.push((*known).clone());
                }
                _ => lines.push(line),
            }
        }
        lines
    }

    /// A new line without the items in whose place earlier ones stay, and what it has then; `None` if that is nothing more.
    fn without_left_out(&self, line: &Line, holdings: &Holdings, shape: &dyn Shape) -> Option<(Line, Holdings)> {
        let is_out = |subject: &str, item: &Item| {
            item.verdict != Verdict::Refused
                && self.left_out.get(subject).is_some_and(|names| names.contains(&item.name))
        };
        if !holdings.iter().any(|(subject, items)| items.iter().any(|item| is_out(subject, item))) {
            return Some((line.clone(), holdings.clone()));
        }
        let stays = |(subject, items): (&String, &Vec<Item>)| {
            let places = items.iter().enumerate().filter(|(_, item)| !is_out(subject, item)).map(|(place, _)| place);
            (subject.clone(), Keep::Items(places.collect()))
        };
        let line = shape.cut(line, &holdings.iter().map(stays).collect());
        let holdings = shape.holds(&line);
        holdings.values().any(|items| !items.is_empty()).then_some((line, holdings))
    }

    /// What stays of the earlier lines.
    fn old_lines(
        &self,
        old: &[Line],
        held: &[Holdings],
        standings: &BTreeMap<String, Standing<'_>>,
        shape: &dyn Shape,
        terms: &Terms<'_>,
    ) -> Vec<Line> {
        let is_open = |what: &String| !(standings.contains_key(what) || terms.accept_loss && (terms.is_gone)(what));
        let mut lines = Vec::new();
        for (place, (line, holdings)) in old.iter().zip(held).enumerate() {
            if line.is_answer() {
                let Some(keep) = self.keep.get(&place) else { continue };
                let is_whole = holdings.keys().all(|subject| keep.get(subject) == Some(&Keep::Whole));
                lines.push(if is_whole { line.clone() } else { shape.cut(line, keep) });
                continue;
            }
            let mut open = unanswered(line, shape);
            let all = open.len();
            open.retain(|what| is_open(what) || self.instead.contains(what) && line.gap.is_some());
            match &line.gap {
                _ if open.is_empty() => {}
                Some(gap) if open.len() < all => {
                    let gap = lake::ledger::Gap { what: open, ..gap.clone() };
                    lines.push(Line { gap: Some(gap), ..line.clone() });
                }
                Some(_) => lines.push(line.clone()),
                None if open.len() == all => lines.push(line.clone()),
                None => {}
            }
        }
        lines
    }
}

fn all_in(asks: &[String], set: &BTreeSet<String>) -> bool {
    !asks.is_empty() && asks.iter().all(|what| set.contains(what))
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
        if shape.is_keyed() {
            let last: BTreeMap<String, Item> = items.drain(..).map(|item| (item.name.clone(), item)).collect();
            items.extend(last.into_values());
        } else {
            items.sort();
        }
    }
    said
}
