//! What a week's object gets of a learner: the run's answers, and what is known and they do not speak of.
//!
//! Both lists are decided together, as a row has both counts. Of each week that the run asks for,
//!
//! * a count that an answer has is taken;
//! * a count that is known, and that an answer lacks, stays and is *lost* there, until the loss is accepted: then it goes from
//!   all objects;
//! * what an answer does not speak of stays as it is known: a gap and a refusal speak of nothing, and a list that lacks a
//!   known count speaks of no week that it has no entry of.
//!
//! What is known is what all objects say, not what this run's own object has: that may be older. Other weeks of the own object
//! stay. The object is left as it is where the table then has what it should have. Another object whose row the table takes
//! all the same gets what it lacks.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::slice::from_ref;

use chrono::NaiveDate;
use lake::store::Store;

use super::both::{Both, Kind};
use super::known::{Count, Held, Known, List, Object, after, decisive, in_table, known, time};
use super::weeks::{WeekLists, weeks_of};
use super::{LISTS, Weeks, before, key};
use crate::error::Result;
use crate::raw::{self, Line};
use crate::replace::{Shape, without_hollow};
use crate::report::Part;

/// How a run joins answers with what is known.
#[derive(Clone, Copy)]
pub struct Merge<'a> {
    pub shape: Both<WeekLists<'a>>,
    /// The weeks that the run asks for.
    pub weeks: Weeks,
    /// Whether what the API no longer has may go.
    pub accept_loss: bool,
    /// What was received after this time was labelled by a clock that was wrong, and is no later answer.
    pub latest: i64,
}

/// What becomes of a learner's lists.
#[derive(Debug, Default, Clone)]
pub struct Merged {
    /// The lines of the run's own object.
    pub lists: Both<Vec<Line>>,
    /// Whether something stays that an answer should have and lacks.
    pub lost: Both<bool>,
    /// The weeks that are to go from other objects, which then say that there is nothing, or nothing at all.
    pub gone: Both<Gone>,
    /// What other objects lack whose rows the table takes.
    pub lacking: Both<Vec<Lacking>>,
}

/// What an object lacks of a week: the part of a list that says it.
#[derive(Debug, Clone)]
pub struct Lacking {
    object: String,
    week: NaiveDate,
    count: Count,
    part: Vec<Line>,
}

/// Where what is said of a week is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The run's answer.
    Answer,
    /// A line of an object.
    Known { object: usize, line: usize },
    /// Nothing is known.
    Nothing,
}

/// What is to be said of a week.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    count: Count,
    source: Source,
    is_lost: bool,
    is_accepted: bool,
    /// When it was received, if it is known from before.
    time: Option<i64>,
}

impl Wanted {
    fn known(known: Known) -> Self {
        let Known { said, object, .. } = known;
        let source = said.line.map_or(Source::Nothing, |line| Source::Known { object, line });
        Self { count: said.count, source, is_lost: false, is_accepted: false, time: said.line.and(said.time) }
    }

    fn answer(count: Count) -> Self {
        Self { count, source: Source::Answer, is_lost: false, is_accepted: false, time: None }
    }
}

type Plan = BTreeMap<NaiveDate, Wanted>;

/// Weeks of which the loss was accepted, and what is said of them since: that there is nothing, or nothing at all.
type Gone = BTreeMap<NaiveDate, Count>;

impl Merge<'_> {
    /// Joins a run's lines about a learner, commits and points, with what its own object and others have.
    pub fn merge(&self, new: Both<&Line>, own: &Held, others: &[Held]) -> Merged {
        let new = Both::each(|list| self.without_hollow(new[list], list));
        let objects: Vec<Object<'_>> =
            std::iter::once(own).chain(others).map(|held| Object::of(held, self.shape)).collect();
        let known: BTreeMap<NaiveDate, Both<Known>> =
            self.weeks.mondays().map(|week| (week, known(&objects, week))).collect();
        let answers = Both::each(|list| List::of(from_ref(&new[list]), self.shape[list]));
        let plans = Both::each(|list| self.plan(&new[list], &answers[list], &known, list));

        let lost = Both::each(|list| plans[list].values().any(|wanted| wanted.is_lost));
        let mut merged = Merged { lost, ..Merged::default() };
        // Once one of the lists of a week is lost, its row may be gone, and an older one of another object be the newest.
        for week in self.weeks.mondays() {
            let of = |list: Kind| plans[list].get(&week);
            if Kind::BOTH.into_iter().filter_map(of).any(|wanted| wanted.is_accepted) {
                for list in
                    Kind::BOTH.into_iter().filter(|list| of(*list).is_some_and(|wanted| !wanted.count.is_value()))
                {
                    merged.gone[list].extend(of(list).map(|wanted| (week, wanted.count)));
                }
            }
        }
        let held: Vec<&Held> = std::iter::once(own).chain(others).collect();
        let made = Both::each(|list| self.lines(&new[list], &answers[list], &plans[list], (&held, &objects), list));
        let stays = Both::each(|list| self.may_stay(&new[list], &made[list], &own.lists[list], list));
        let left: Vec<Held> = others.iter().map(|other| self.without(other, &merged.gone)).collect();
        merged.lists = self.choose(made, stays, &plans, own, &left);
        merged.lacking = self.lacking(&own.key, &merged.lists, &plans, &left);
        merged
    }

    fn without_hollow(&self, line: &Line, list: Kind) -> Line {
        let lines = without_hollow(vec![line.clone()], &self.shape[list]);
        lines.into_iter().next().unwrap_or_else(|| line.clone())
    }

    /// What is to be said of each week.
    fn plan(&self, new: &Line, answer: &List, known: &BTreeMap<NaiveDate, Both<Known>>, list: Kind) -> Plan {
        let of = |week: &NaiveDate| known.get(week).map(|known| known[list]);
        let each = known.keys().filter_map(|week| Some((*week, of(week)?)));
        if new.gap.is_some() {
            return each.map(|(week, known)| (week, Wanted::known(known))).collect();
        }
        if !new.is_answer() {
            let refused = |(week, known): (NaiveDate, Known)| {
                let Known { said, .. } = known;
                let is_accepted = said.is_entry || said.count != Count::Unknown;
                let wanted = match self.accept_loss {
                    true => Wanted { source: Source::Nothing, is_accepted, ..Wanted::answer(Count::Unknown) },
                    false => Wanted { is_lost: said.count.is_value(), ..Wanted::known(known) },
                };
                (week, wanted)
            };
            return each.map(refused).collect();
        }
        let asked = time(new);
        let is_later = |known: &Known| known.time.is_some_and(|time| asked < time && time <= self.latest);
        let stays = |week: NaiveDate, known: &Known| {
            let is_spoken_of = answer.names(week) || answer.reaches(week);
            let is_missed = !(answer.of_week(week).count.is_value() || is_spoken_of && self.accept_loss);
            known.said.count.is_value() && (is_missed || is_later(known))
        };
        // One that lacks a known count says nothing of weeks of which it has no entry.
        let is_whole =
            !each.clone().any(|(week, known)| stays(week, &known) && answer.is_about(week) && !answer.names(week));
        let decide = |(week, known): (NaiveDate, Known)| {
            let said = answer.of_week(week).count;
            let is_spoken_of = answer.names(week) || answer.reaches(week);
            let wanted = if stays(week, &known) {
                Wanted { is_lost: !said.is_value() && is_spoken_of && !is_later(&known), ..Wanted::known(known) }
            } else if known.said.count.is_value() {
                Wanted { is_accepted: !said.is_value(), ..Wanted::answer(said) }
            } else if said.is_value() || answer.names(week) || is_whole && answer.is_about(week) {
                Wanted::answer(said)
            } else {
                Wanted::known(known)
            };
            (week, wanted)
        };
        let plan: Plan = each.clone().map(decide).collect();
        // One that lacks something and says nothing new is left out.
        let is_new = |(week, known): (NaiveDate, Known)| {
            let is_new = |wanted: &Wanted| wanted.count.is_value() || wanted.count != known.said.count;
            plan.get(&week).is_some_and(|wanted| wanted.source == Source::Answer && is_new(wanted))
        };
        if !plan.values().any(|wanted| wanted.is_lost) || each.clone().any(is_new) {
            return plan;
        }
        let stays = |(week, known)| {
            let is_lost = plan.get(&week).is_some_and(|wanted| wanted.is_lost);
            (week, Wanted { is_lost, ..Wanted::known(known) })
        };
        each.map(stays).collect()
    }

    /// The lines that say it.
    fn lines(
        &self,
        new: &Line,
        answer: &List,
        plan: &Plan,
        (held, objects): (&[&Held], &[Object<'_>]),
        list: Kind,
    ) -> Vec<Line> {
        let own = held.first().map(|own| own.lists[list].as_slice()).unwrap_or_default();
        let mut kept: BTreeMap<(usize, usize), Vec<Range<NaiveDate>>> = BTreeMap::new();
        let mut answered = Vec::new();
        for (week, wanted) in plan {
            match wanted.source {
                Source::Answer => answered.push(*week..after(*week)),
                Source::Known { object, line } => kept.entry((object, line)).or_default().push(*week..after(*week)),
                Source::Nothing => {}
            }
        }
        let is_kept = !kept.is_empty();
        let mut lines = Vec::new();
        for (place, line) in own.iter().enumerate().filter(|(_, line)| line.is_answer()) {
            let asked = weeks_of(line);
            if asked.end <= self.weeks.from || self.weeks.to <= asked.start {
                kept.remove(&(0, place));
                lines.push(line.clone());
                continue;
            }
            let mut weeks = kept.remove(&(0, place)).unwrap_or_default();
            weeks.extend([NaiveDate::MIN..self.weeks.from, self.weeks.to..NaiveDate::MAX]);
            lines.extend(objects.first().map(|own| own.lists[list].parts(place, line, weeks)).unwrap_or_default());
        }
        let mut copied: Vec<Line> = Vec::new();
        for ((object, place), weeks) in kept {
            let line = held.get(object).and_then(|held| held.lists[list].get(place));
            let parts = line.zip(objects.get(object)).map(|(line, of)| of.lists[list].parts(place, line, weeks));
            copied.extend(parts.unwrap_or_default());
        }
        copied.sort_by_key(|line| std::cmp::Reverse(weeks_of(line).start));
        lines.extend(copied);
        if new.is_answer() {
            let is_late = plan.values().any(|known| known.time.is_some_and(|known| known > time(new)));
            if is_late {
                lines.extend(answer.parts(0, new, answered));
            } else if !answered.is_empty() || answer.is_vague() || lines.is_empty() {
                lines.insert(0, new.clone());
            }
        } else if new.gap.is_none() {
            lines.extend((!is_kept).then(|| new.clone()));
        } else if own.iter().any(Line::is_answer) {
            lines.extend(own.iter().filter(|line| !line.is_answer()).cloned());
        } else {
            lines.push(new.clone());
        }
        lines
    }

    /// Whether the lines that are there could stay: they have this run's answer, and no refusal or gap beside those made.
    fn may_stay(&self, new: &Line, made: &[Line], own: &[Line], list: Kind) -> bool {
        let holds = |line: &Line| if line.is_answer() { self.shape[list].holds(line) } else { Default::default() };
        let is_there = |line: &Line| {
            let is_same = |known: &&Line| {
                known.same_as(line) || known.is_answer() && line.is_answer() && holds(known) == holds(line)
            };
            own.iter().filter(|known| known.request == line.request).any(|known| is_same(&known))
        };
        let open = |lines: &[Line]| lines.iter().filter(|line| !line.is_answer()).count();
        let is_new = |line: &&Line| line.request == new.request && line.same_as(new);
        open(made) == open(own) && made.iter().filter(is_new).all(is_there)
    }

    /// What the objects lack whose rows the table takes, although they are not the run's own. They are as new as that one, and
    /// have less: their other list is one of a run that was killed or is still at work, or one that lacks a week that has no
    /// other entry.
    fn lacking(&self, key: &str, own: &Both<Vec<Line>>, plans: &Both<Plan>, left: &[Held]) -> Both<Vec<Lacking>> {
        let mut objects = vec![Object::of_lists(key, Both::each(|list| own[list].as_slice()), self.shape)];
        objects.extend(left.iter().map(|held| Object::of(held, self.shape)));
        let mut lacking: Both<Vec<Lacking>> = Both::default();
        for week in self.weeks.mondays() {
            let others = decisive(&objects, week).into_iter().filter(|place| *place > 0);
            let others = others.filter_map(|place| Some((place, left.get(place - 1)?)));
            for ((row, held), list) in others.flat_map(|other| Kind::BOTH.map(|list| (other, list))) {
                let says = |object: usize| objects.get(object).map(|object| object.lists[list].of_week(week));
                let (Some(said), Some(other), Some(wanted)) = (says(0), says(row), plans[list].get(&week)) else {
                    continue;
                };
                if said.count != wanted.count || said.count == Count::Unknown || other.count == said.count {
                    continue;
                }
                let line = said.line.and_then(|place| Some((place, own[list].get(place)?)));
                let part = line
                    .zip(objects.first())
                    .map(|((place, line), object)| object.lists[list].parts(place, line, vec![week..after(week)]));
                let (object, part) = (held.key.clone(), part.unwrap_or_default());
                lacking[list].push(Lacking { object, week, count: said.count, part });
            }
        }
        lacking
    }

    /// A learner's lines of another object with what it lacks, unless it has something newer since.
    fn filled(&self, lines: Vec<Line>, lacking: &Lacking, list: Kind) -> Vec<Line> {
        let of_week = |lines: &[Line]| List::of(lines, self.shape[list]).of_week(lacking.week);
        let said = of_week(&lines);
        let since = lacking.part.iter().map(time).max();
        if said.count == lacking.count || said.count.is_value() && said.time > since && said.time <= Some(self.latest) {
            return lines;
        }
        let gone = Gone::from([(lacking.week, Count::Unknown)]);
        let filled = [without(&lines, &gone, self.shape[list]), lacking.part.clone()].concat();
        if of_week(&filled).count == lacking.count { filled } else { lines }
    }

    /// The lines that are there, where the table then has what it should have; else those that were made, of one list or of
    /// both: a row is as new as the newer one of its counts.
    fn choose(
        &self,
        made: Both<Vec<Line>>,
        stays: Both<bool>,
        plans: &Both<Plan>,
        own: &Held,
        left: &[Held],
    ) -> Both<Vec<Line>> {
        // Where an object has no row of a week, a gap may be one.
        let is_open = |own: &Object<'_>, week: NaiveDate| {
            let is_known = |plan: &Plan| plan.get(&week).is_some_and(|wanted| wanted.count.is_value());
            [&plans.commits, &plans.points].into_iter().any(is_known) && !own.has_row(week)
        };
        let faults = |lists: Both<&[Line]>| {
            let mut objects = vec![Object::of_lists(&own.key, lists, self.shape)];
            objects.extend(left.iter().map(|held| Object::of(held, self.shape)));
            let is_other = |week: NaiveDate| {
                let [table, known] = [in_table(&objects, week), known(&objects, week)];
                Kind::BOTH.into_iter().filter(move |list| {
                    let is_other = |known: &Both<Known>| {
                        plans[*list].get(&week).is_some_and(|wanted| wanted.count != known[*list].said.count)
                    };
                    is_other(&table) || is_other(&known)
                })
            };
            let open = self.weeks.mondays().filter(|week| objects.first().is_some_and(|own| is_open(own, *week)));
            open.count() + self.weeks.mondays().flat_map(is_other).count()
        };
        let mut best: Option<(usize, Both<bool>)> = None;
        for (commits, points) in [(true, true), (true, false), (false, true), (false, false)] {
            let kept = Both { commits, points };
            if Kind::BOTH.into_iter().any(|list| kept[list] && !stays[list]) {
                continue;
            }
            let lists = Both::each(|list| if kept[list] { own.lists[list].as_slice() } else { made[list].as_slice() });
            let faults = faults(lists);
            if best.is_none_or(|(fewest, _)| faults < fewest) {
                best = Some((faults, kept));
            }
            if faults == 0 {
                break;
            }
        }
        let kept = best.map(|(_, kept)| kept).unwrap_or_default();
        Both::each(|list| if kept[list] { own.lists[list].clone() } else { made[list].clone() })
    }

    fn without(&self, held: &Held, gone: &Both<Gone>) -> Held {
        let lists = Both::each(|list| without(&held.lists[list], &gone[list], self.shape[list]));
        Held { lists, ..held.clone() }
    }
}

/// The lines of a learner without the entries of some weeks.
fn without(lines: &[Line], gone: &Gone, shape: WeekLists<'_>) -> Vec<Line> {
    let list = List::of(lines, shape);
    let is_there = |(week, count): (&NaiveDate, &Count)| {
        let said = list.of_week(*week);
        said.is_entry || said.count == Count::Lacking && *count == Count::Unknown
    };
    if !gone.iter().any(is_there) {
        return lines.to_vec();
    }
    let unknown = || gone.iter().filter(|(_, count)| **count == Count::Unknown).map(|(week, _)| *week);
    let gone: BTreeSet<NaiveDate> = gone.keys().copied().collect();
    let mut left = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let asked = weeks_of(line);
        if !line.is_answer() || !gone.iter().any(|week| asked.contains(week)) {
            left.push(line.clone());
            continue;
        }
        let mut from = NaiveDate::MIN;
        let mut weeks = Vec::new();
        for week in unknown() {
            weeks.push(from..week);
            from = after(week);
        }
        weeks.push(from..NaiveDate::MAX);
        weeks.retain(|weeks| weeks.start < weeks.end);
        left.extend(list.parts_without(place, line, weeks, &gone));
    }
    left
}

/// The lines of each learner, of both lists.
type Lines = Both<BTreeMap<i64, Vec<Line>>>;

/// How often a run looks again because another one has written.
const LOOKS: u32 = 50;

/// Joins a run's answers with what is there, and looks again until there is nothing to be written.
///
/// What is known is read from all weeks' objects, and a condition protects only the one that is written. So another run may have
/// written since this one has read. Of two runs the one that writes last sees in its last look all that both have written.
pub async fn join(store: &Store, merge: Merge<'_>, learners: &[i64], new: &Lines, done: &mut Part) -> Result<()> {
    let mut written = Written::default();
    for _ in 0..LOOKS {
        written.has_changed = false;
        Run::read(store, merge, learners, new).await?.write(&mut written).await?;
        if !written.has_changed {
            written.tell(&merge, done);
            return Ok(());
        }
    }
    Err(raw::overtaken(store, &key(merge.weeks.newest(), LISTS.points)))
}

/// What a run has written, and what it tells.
#[derive(Default)]
struct Written {
    /// The sizes of objects, by key: of those that it wrote.
    sizes: BTreeMap<String, Option<usize>>,
    /// The learners of whom something stays that the API no longer has.
    lost: Both<Vec<String>>,
    /// Whether its last look was followed by a write.
    has_changed: bool,
}

impl Written {
    fn note(&mut self, key: String, bytes: Option<usize>) {
        self.has_changed |= bytes.is_some();
        let size = self.sizes.entry(key).or_default();
        *size = bytes.or(*size);
    }

    fn tell(self, merge: &Merge<'_>, done: &mut Part) {
        for bytes in self.sizes.into_values() {
            done.put(bytes);
        }
        let Both { commits, points } = self.lost;
        for (list, lost) in [(Kind::Commits, commits), (Kind::Points, points)] {
            done.lost(&key(merge.weeks.newest(), LISTS[list]), LISTS[list].lost, lost);
        }
    }
}

/// A run's answers, and what is there.
struct Run<'a> {
    store: &'a Store,
    merge: Merge<'a>,
    new: &'a Lines,
    own: Both<BTreeMap<i64, Vec<Line>>>,
    others: BTreeMap<i64, Vec<Held>>,
}

/// What one list's object tells of a run.
#[derive(Debug, Default)]
struct Told {
    /// The learners of whom something stays that the API no longer has.
    lost: Vec<String>,
    /// By learner, the weeks that are to go from other objects, and when this was said.
    gone: BTreeMap<i64, (Gone, i64)>,
    /// By learner, what other objects lack.
    lacking: BTreeMap<i64, Vec<Lacking>>,
}

impl<'a> Run<'a> {
    /// Reads what is there.
    async fn read(store: &'a Store, merge: Merge<'a>, learners: &[i64], new: &'a Lines) -> Result<Self> {
        let week = merge.weeks.newest();
        let mut own = Both::default();
        for list in Kind::BOTH {
            own[list] = before::by_learner(raw::read_lines(store, &key(week, LISTS[list])).await?);
        }
        let others = before::held(store, week, merge.weeks, learners).await?;
        Ok(Self { store, merge, new, own, others })
    }

    /// The lines of the run's own object of a list, made of those that are there. Learners that were not asked about stay.
    fn lines(&self, list: Kind, there: &[Line]) -> (Vec<Line>, Told) {
        let mut there = before::by_learner(there.to_vec());
        let mut told = Told::default();
        for (learner, new) in self.answered() {
            let mut lists = Both::each(|list| self.own[list].get(&learner).cloned().unwrap_or_default());
            lists[list] = there.remove(&learner).unwrap_or_default();
            let own = Held { key: self.merge.weeks.newest().to_string(), lists, ..Held::default() };
            let others = self.others.get(&learner).map(Vec::as_slice).unwrap_or_default();
            let mut merged = self.merge.merge(new, &own, others);
            told.lost.extend(merged.lost[list].then(|| learner.to_string()));
            let gone = std::mem::take(&mut merged.gone[list]);
            if !gone.is_empty() {
                told.gone.insert(learner, (gone, time(new[list])));
            }
            let lacking = std::mem::take(&mut merged.lacking[list]);
            if !lacking.is_empty() {
                told.lacking.insert(learner, lacking);
            }
            there.insert(learner, std::mem::take(&mut merged.lists[list]));
        }
        (there.into_values().flatten().collect(), told)
    }

    /// The learners that were asked about, with the lines of both lists.
    fn answered(&self) -> impl Iterator<Item = (i64, Both<&Line>)> {
        self.new.commits.iter().filter_map(|(learner, commits)| {
            let points = self.new.points.get(learner)?.first()?;
            Some((*learner, Both { commits: commits.first()?, points }))
        })
    }

    /// Writes the run's own objects, and removes from the others what was accepted as lost. Once nothing of this is left to
    /// be done, others get what they lack.
    async fn write(&self, put: &mut Written) -> Result<()> {
        let (mut gone, mut lacking) = (Both::default(), Both::default());
        for list in Kind::BOTH {
            let key = key(self.merge.weeks.newest(), LISTS[list]);
            let (shape, accept_loss) = (self.merge.shape[list], self.merge.accept_loss);
            let make = |there: &[Line]| self.lines(list, there);
            let made = raw::rewrite_lines(self.store, &key, &shape, accept_loss, make).await?;
            put.note(key, made.bytes);
            put.lost[list] = made.told.lost;
            (gone[list], lacking[list]) = (made.told.gone, made.told.lacking);
        }
        for list in Kind::BOTH {
            self.forget(list, &gone[list], put).await?;
        }
        if !put.has_changed {
            for list in Kind::BOTH {
                self.fill(list, &lacking[list], put).await?;
            }
        }
        Ok(())
    }

    /// Removes from the other objects of a list what was accepted as lost, unless it came since.
    async fn forget(&self, list: Kind, gone: &BTreeMap<i64, (Gone, i64)>, put: &mut Written) -> Result<()> {
        let shape = self.merge.shape[list];
        let has_some = |(learner, (weeks, _)): (&i64, &(Gone, i64))| {
            let others = self.others.get(learner).into_iter().flatten();
            let had = others.filter(|held| without(&held.lists[list], weeks, shape) != held.lists[list]);
            had.map(|held| held.key.clone()).collect::<Vec<_>>()
        };
        let folders: BTreeSet<String> = gone.iter().flat_map(has_some).collect();
        for folder in folders {
            let make = |learners: &mut BTreeMap<i64, Vec<Line>>| {
                for (learner, (weeks, said)) in gone {
                    if let Some(lines) = learners.get_mut(learner)
                        && lines.iter().all(|line| time(line) <= *said)
                    {
                        *lines = without(lines, weeks, shape);
                    }
                }
            };
            self.rewrite(list, &folder, make, put).await?;
        }
        Ok(())
    }

    /// Adds to other objects of a list what they lack.
    async fn fill(&self, list: Kind, lacking: &BTreeMap<i64, Vec<Lacking>>, put: &mut Written) -> Result<()> {
        let folders: BTreeSet<&String> = lacking.values().flatten().map(|lacking| &lacking.object).collect();
        for folder in folders {
            let make = |learners: &mut BTreeMap<i64, Vec<Line>>| {
                for (learner, lacking) in lacking {
                    let lines = learners.entry(*learner).or_default();
                    for lacking in lacking.iter().filter(|lacking| lacking.object == *folder) {
                        *lines = self.merge.filled(std::mem::take(lines), lacking, list);
                    }
                }
            };
            self.rewrite(list, folder, make, put).await?;
        }
        Ok(())
    }

    /// Writes what `make` makes of the learners' lines in another object.
    async fn rewrite(
        &self,
        list: Kind,
        folder: &str,
        make: impl Fn(&mut BTreeMap<i64, Vec<Line>>),
        put: &mut Written,
    ) -> Result<()> {
        let Ok(week) = folder.parse() else { return Ok(()) };
        let key = key(week, LISTS[list]);
        let make = |there: &[Line]| {
            let mut learners = before::by_learner(there.to_vec());
            make(&mut learners);
            (learners.into_values().flatten().collect(), ())
        };
        let made = raw::rewrite_lines(self.store, &key, &self.merge.shape[list], false, make).await?;
        if made.bytes.is_some() {
            put.note(key, made.bytes);
        }
        Ok(())
    }
}
