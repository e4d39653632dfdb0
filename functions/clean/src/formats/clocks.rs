//! Local times that come twice, where clocks are set back: which of two instants they are, by the rows of their series.
//!
//! A series is the rows whose key is the same but for the time; of a table without a key, the rows next to each other. Its
//! readings of that hour wait until all of them are known, or too many rows wait, and are then settled together:
//!
//! 1. Rows of the hours about it show whether times go forwards or backwards; else the readings do. Rows of other series
//!    show nothing.
//! 2. Where times begin again once, as clocks run, what is before that is the first pass, and what is behind it the second.
//! 3. Else each time that comes twice has both instants in that direction, however the rows are sorted. A time that comes
//!    once is the earlier one, unless times begin again in between: then it is of its pass.
//! 4. Of times that come more often, the readings alternate, unless times go back once: then they are of their pass.
//!
//! Readings that come by themselves, without a second pass, are the earlier ones.

use std::cmp::Ordering;
use std::collections::HashMap;

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;
use lake::dataset::{Ambiguous, Column, ColumnType, Table};
use lake::value::Twice;
use xxhash_rust::xxh3::xxh3_128;

/// Series that are remembered. Beyond, those that wait for nothing are forgotten.
const MAX_SERIES: usize = 1024 * 1024;
/// Readings that are remembered: beyond, the last two of each series.
const MAX_READINGS: usize = if cfg!(test) { 16 * 1024 } else { 1024 * 1024 };
/// Two times further apart are of two changes of clocks.
const ONE_CHANGE: i64 = 6 * 3600 * 1_000_000;
/// Hours that are known together to be near to a change of clocks, or not.
const BLOCK: i64 = 6 * 3600 * 1_000_000;
/// Blocks that are remembered: more than a year of them.
const BLOCKS: usize = 2048;

/// What tells the rows of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    /// Their key.
    Key,
    /// Nothing: rows next to each other are of one series.
    Rows,
    /// Nothing, and rows next to each other have the same time also where it comes once: they are of several series.
    Many,
}

/// A column whose local times that come twice are told apart by the rows about them.
pub(super) struct Clock {
    /// Its position.
    pub column: usize,
    /// The positions of the columns that make a series.
    pub series: Vec<usize>,
    zone: Tz,
    known: HashMap<u128, Series>,
    /// Series with readings that are not settled.
    waiting: Vec<u128>,
    /// How many of them wait for a row behind their readings.
    open: usize,
    /// Readings of all series.
    readings: usize,
    /// Without a key, whether the row before is near to a change of clocks.
    was_near: bool,
    rule: Rule,
    /// Instants of rows that are settled before the others.
    settled: Vec<(usize, i64)>,
    /// Blocks of instants, and whether clocks are set back near to them.
    blocks: Vec<(i64, bool)>,
}

/// What is known of a series about a change of clocks.
#[derive(Default)]
struct Series {
    /// The last time of the hours about it.
    near: Option<i64>,
    hour: Option<Box<Hour>>,
}

/// The hour that comes twice, in one series.
#[derive(Default)]
struct Hour {
    readings: Vec<Reading>,
    /// How many of the readings are settled.
    settled: usize,
    /// Steps between readings that are forgotten.
    forgotten: Steps,
    /// How many microseconds the later instant is behind the earlier one.
    gap: i64,
    /// Whether times go backwards by the row before the readings, and by the one behind them.
    before: Option<bool>,
    after: Option<bool>,
    /// Whether a row of another hour stands behind them.
    is_closed: bool,
}

#[derive(Clone, Copy)]
struct Reading {
    /// The earlier instant.
    time: i64,
    /// The row in the batch, while it waits.
    row: u32,
    /// Whether it is the later one.
    is_later: bool,
}

/// How times follow upon each other.
#[derive(Clone, Copy, Default)]
struct Steps {
    up: usize,
    down: usize,
    equal: usize,
}

impl Clock {
    /// The columns of a table that are told apart by the rows about them.
    pub(super) fn of_table(table: &Table) -> Vec<Self> {
        let of_column = |(at, column): (usize, &Column)| {
            let is_ordered = column.kind == ColumnType::Timestamp && column.ambiguous() == Ambiguous::Order;
            column.zone.filter(|_| is_ordered).map(|zone| Self::new(table, at, column, zone))
        };
        table.columns.iter().enumerate().filter_map(of_column).collect()
    }

    fn new(table: &Table, at: usize, column: &Column, zone: Tz) -> Self {
        let is_of_it = |other: &Column| {
            let same_field =
                other.fields().eq(column.fields()) && other.joined == column.joined && other.path == column.path;
            other.name == column.name || same_field || other.day_of.as_ref() == Some(&column.name)
        };
        let series =
            table.columns.iter().enumerate().filter(|(_, other)| table.key.contains(&other.name) && !is_of_it(other));
        Self::of(
            at,
            series.map(|(at, _)| at).collect(),
            zone,
            if table.key.is_empty() { Rule::Rows } else { Rule::Key },
        )
    }

    fn of(column: usize, series: Vec<usize>, zone: Tz, rule: Rule) -> Self {
        Self {
            column,
            series,
            zone,
            known: HashMap::new(),
            waiting: Vec::new(),
            open: 0,
            readings: 0,
            was_near: false,
            rule,
            settled: Vec::new(),
            blocks: Vec::new(),
        }
    }

    /// Takes note of an accepted row: its place in the batch, its instant if it has one, and both if it has two. `series`
    /// writes what names its series.
    #[inline]
    pub(super) fn note(
        &mut self,
        row: usize,
        micros: Option<i64>,
        twice: Option<Twice>,
        series: impl FnOnce(&mut Vec<u8>),
    ) {
        let is_near = twice.is_some() || micros.is_some_and(|micros| self.is_near(micros));
        if is_near {
            let mut name = Vec::new();
            series(&mut name);
            let name = xxh3_128(&name);
            match (twice, micros) {
                (Some(twice), _) => self.read(name, row, twice),
                (None, micros) => self.pass(name, micros.unwrap_or_default()),
            }
        } else if self.was_near && self.rule != Rule::Key {
            self.leave();
        }
        self.was_near = is_near;
    }

    /// Whether readings wait for a row that may follow.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.open > 0
    }

    /// Settles what waits, and returns the instants of its rows. `is_end`: no row follows.
    pub(super) fn settle(&mut self, is_end: bool) -> Vec<(usize, i64)> {
        for name in std::mem::take(&mut self.waiting) {
            if let Some(hour) = self.known.get_mut(&name).and_then(|series| series.hour.as_mut()) {
                hour.settle(is_end || hour.is_closed, self.rule, &mut self.settled);
            }
        }
        self.open = 0;
        if self.readings > MAX_READINGS {
            self.readings =
                self.known.values_mut().filter_map(|series| series.hour.as_mut()).map(|it| it.forget()).sum();
        }
        std::mem::take(&mut self.settled)
    }

    /// Whether clocks are set back in the hours about an instant.
    #[inline]
    fn is_near(&mut self, micros: i64) -> bool {
        let block = micros.div_euclid(BLOCK);
        let place = block.rem_euclid(BLOCKS as i64) as usize;
        match self.blocks.get(place) {
            Some((known, is_near)) if *known == block => *is_near,
            _ => self.find_near(block, place),
        }
    }

    #[cold]
    fn find_near(&mut self, block: i64, place: usize) -> bool {
        if self.blocks.is_empty() {
            self.blocks = vec![(i64::MIN, false); BLOCKS];
        }
        let ahead_at = |micros: i64| {
            let time = DateTime::from_timestamp_micros(micros)?.naive_utc();
            Some(self.zone.offset_from_utc_datetime(&time).fix().local_minus_utc())
        };
        let start = block.saturating_mul(BLOCK);
        let (before, behind) = (start.saturating_sub(ONE_CHANGE), start.saturating_add(BLOCK + ONE_CHANGE));
        let is_near = ahead_at(before).zip(ahead_at(behind)).is_some_and(|(before, behind)| before > behind);
        self.blocks.get_mut(place).into_iter().for_each(|known| *known = (block, is_near));
        is_near
    }

    /// What is known of a series, if it can be remembered.
    fn series(&mut self, name: u128) -> Option<&mut Series> {
        if self.known.len() >= MAX_SERIES && !self.known.contains_key(&name) {
            self.known.retain(|_, series| series.hour.as_ref().is_some_and(|hour| hour.settled < hour.readings.len()));
            self.readings =
                self.known.values().filter_map(|series| series.hour.as_ref()).map(|it| it.readings.len()).sum();
            if self.known.len() >= MAX_SERIES {
                return None;
            }
        }
        Some(self.known.entry(name).or_default())
    }

    /// A time that comes once, in the hours about a change of clocks.
    fn pass(&mut self, name: u128, micros: i64) {
        let Some(series) = self.series(name) else { return };
        let is_again = series.near.replace(micros) == Some(micros);
        let was_open = series.hour.as_mut().is_some_and(|hour| hour.close(Some(micros)));
        self.open = self.open.saturating_sub(usize::from(was_open));
        if is_again && self.rule == Rule::Rows {
            self.rule = Rule::Many;
        }
    }

    /// Without a key, a row of other hours stands behind the one before.
    fn leave(&mut self) {
        for series in self.known.values_mut() {
            series.near = None;
            let was_open = series.hour.as_mut().is_some_and(|hour| hour.close(None));
            self.open = self.open.saturating_sub(usize::from(was_open));
        }
    }

    /// A time that comes twice.
    fn read(&mut self, name: u128, row: usize, Twice { earlier, later }: Twice) {
        let (gap, rule) = (later - earlier, self.rule);
        let is_near = |time: i64| (time - earlier).abs() < ONE_CHANGE + gap;
        let Some(series) = self.series(name) else { return };
        // Without a key, what stands behind another row may be of another series.
        let done = series.hour.take_if(|hour| {
            hour.readings.last().is_some_and(|last| !is_near(last.time)) || rule != Rule::Key && hour.is_closed
        });
        let before = series.near.take().filter(|near| is_near(*near)).map(|near| near > earlier);
        let hour = series.hour.get_or_insert_with(|| Box::new(Hour { gap, before, ..Hour::default() }));
        let is_waiting = hour.settled < hour.readings.len();
        let is_opened = !is_waiting || hour.is_closed;
        hour.is_closed = false;
        hour.readings.push(Reading { time: earlier, row: u32::try_from(row).unwrap_or(u32::MAX), is_later: false });
        self.readings += 1;
        self.open += usize::from(is_opened);
        if !is_waiting {
            self.waiting.push(name);
        }
        if let Some(mut done) = done {
            self.readings = self.readings.saturating_sub(done.readings.len());
            self.open = self.open.saturating_sub(usize::from(done.close(None)));
            done.settle(true, rule, &mut self.settled);
        }
    }
}

impl Hour {
    /// Takes note of a row of another hour behind the readings; whether they waited for one.
    fn close(&mut self, micros: Option<i64>) -> bool {
        if let (None, Some(micros), Some(last)) = (self.after, micros, self.readings.last()) {
            let is_near = (micros - last.time).abs() < ONE_CHANGE + self.gap;
            self.after = is_near.then_some(micros < last.time);
        }
        !std::mem::replace(&mut self.is_closed, true) && self.settled < self.readings.len()
    }

    /// Settles the readings that are not yet. `is_final`: it is known what stands behind them.
    fn settle(&mut self, is_final: bool, rule: Rule, settled: &mut Vec<(usize, i64)>) {
        if self.settled == self.readings.len() {
            return;
        }
        let chosen = self.choose(is_final, rule);
        for (reading, is_later) in self.readings.iter_mut().zip(chosen).skip(self.settled) {
            reading.is_later = is_later;
            settled.push((reading.row as usize, reading.time + if is_later { self.gap } else { 0 }));
        }
        self.settled = self.readings.len();
    }

    /// Whether each of the readings is the later instant of its time; of those that are settled, as they are.
    fn choose(&self, is_final: bool, rule: Rule) -> Vec<bool> {
        let steps = self.readings.windows(2).fold(self.forgotten, Steps::and);
        let times = self.by_time();
        let is_each_twice = times.iter().all(|same| same.len() == 2);
        // Equal times may be of several series.
        let is_many = rule == Rule::Many || rule == Rule::Rows && !is_each_twice;
        let breaks = |back: usize, steps: Steps| back + if is_many { 0 } else { steps.equal };
        let (by_forwards, by_backwards) = (breaks(steps.down, steps), breaks(steps.up, steps));
        let shown = match (self.before, self.after) {
            (Some(before), Some(after)) if before != after => None,
            (before, after) => before.or(after),
        };
        let by_readings = || by_forwards > 1 && (by_backwards <= 1 || steps.up < steps.down);
        let is_backwards = shown.unwrap_or_else(by_readings);
        let (back, all) = if is_backwards { (steps.up, by_backwards) } else { (steps.down, by_forwards) };
        let most = times.iter().map(Vec::len).max().unwrap_or_default();

        let mut chosen: Vec<bool> = self.readings.iter().map(|reading| reading.is_later).collect();
        let is_settled = |at: usize| at < self.settled;
        let mut choose = |at: usize, is_later: bool| {
            chosen.get_mut(at).filter(|_| !is_settled(at)).into_iter().for_each(|chosen| *chosen = is_later);
            chosen.get(at).copied().unwrap_or_default()
        };
        // Where others follow, a time that comes twice before another one is rather the first of several than the end of a pass.
        let others = if is_backwards { steps.down } else { steps.up };
        let may_go_on = !is_final && !is_many && back == 0 && steps.equal > 0 && others > 0;
        // As clocks run: by what is before the time begins again, and behind that.
        let is_by_pass = is_many || all <= 1 && !may_go_on || most > 2 && back == 1;
        let is_strict = all > 1 || may_go_on;
        let before = if is_backwards { self.forgotten.up } else { self.forgotten.down };
        let mut is_second = before > 0 || !is_strict && !is_many && self.forgotten.equal > 0;
        let alone =
            if is_final { is_settled(0) && choose(self.settled.saturating_sub(1), false) } else { is_backwards };
        let mut last: Option<i64> = None;
        for (at, reading) in self.readings.iter().enumerate() {
            let step = last
                .replace(reading.time)
                .map(|last| if is_backwards { last.cmp(&reading.time) } else { reading.time.cmp(&last) });
            is_second |= step.is_some_and(|step| step.is_lt() || step.is_eq() && !is_strict && !is_many);
            let has_passes = if is_by_pass { all > 0 } else { back == 1 };
            choose(at, if has_passes { is_second != is_backwards } else { alone });
        }
        for same in &times {
            let is_pair = !is_by_pass && same.len() > 1;
            let is_half_settled = !is_many && same.len() == 2 && same.first().copied().is_some_and(is_settled);
            if is_pair || is_half_settled {
                let mut is_later = is_backwards;
                for at in same {
                    is_later = !choose(*at, is_later);
                }
            }
        }
        chosen
    }

    /// The places of the readings of each time, in their order.
    fn by_time(&self) -> Vec<Vec<usize>> {
        let mut places: Vec<usize> = (0..self.readings.len()).collect();
        let time = |at: &usize| self.readings.get(*at).map(|reading| reading.time);
        places.sort_by_key(time);
        places.chunk_by(|one, other| time(one) == time(other)).map(<[usize]>::to_vec).collect()
    }

    /// Forgets all but the last two readings, if they are settled; returns how many are left.
    fn forget(&mut self) -> usize {
        if self.settled == self.readings.len() && self.settled > 2 {
            let first = self.settled - 2;
            let gone = self.readings.get(..=first).unwrap_or_default();
            self.forgotten = gone.windows(2).fold(self.forgotten, Steps::and);
            self.readings.drain(..first);
            self.settled = 2;
        }
        self.readings.len()
    }
}

impl Steps {
    fn and(self, readings: &[Reading]) -> Self {
        let mut steps = self;
        if let [one, next] = readings {
            match next.time.cmp(&one.time) {
                Ordering::Less => steps.down += 1,
                Ordering::Equal => steps.equal += 1,
                Ordering::Greater => steps.up += 1,
            }
        }
        steps
    }
}

#[cfg(test)]
mod tests;
