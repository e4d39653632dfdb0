//! What of an earlier object stays, subject by subject.

use std::collections::{BTreeMap, BTreeSet};

use lake::dataset::Verdict;

use super::{Earlier, Holdings, Item, Keep, Measures, Shape, Standing, Terms, unanswered};
use crate::raw::Line;

/// What stays, and what goes.
#[derive(Default)]
pub(super) struct Plan {
    /// By the place of an earlier line.
    keep: BTreeMap<usize, BTreeMap<String, Keep>>,
    /// Subjects of which something stays.
    kept: BTreeSet<String>,
    /// Subjects whose new lines are left out.
    pub instead: BTreeSet<String>,
    /// By subject, the names of the new items that are left out.
    left_out: BTreeMap<String, BTreeSet<String>>,
    pub lost: BTreeMap<String, Vec<String>>,
}

impl Plan {
    pub fn keep_whole(&mut self, subject: &str, held: &[Holdings]) {
        for (line, _) in held.iter().enumerate().filter(|(_, holdings)| holdings.contains_key(subject)) {
            self.keep.entry(line).or_default().insert(subject.to_owned(), Keep::Whole);
        }
        self.kept.insert(subject.to_owned());
    }

    /// Compares an answer with the earlier one.
    pub fn compare(
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
                // A row that an answer has twice is one row.
                let mut contents = BTreeSet::new();
                ones.retain(|one| contents.insert(one.item.content.as_str()));
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
    pub fn new_lines(
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
    pub fn old_lines(
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
