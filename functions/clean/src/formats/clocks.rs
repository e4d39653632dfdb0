//! Local times that come twice, where clocks are set back: which of two instants they are, by the order of the rows.
//!
//! Clocks run forwards. Within the rows of one series (the rows whose key is the same but for the time) the times of that
//! hour are the earlier ones until one comes that is not after the one before; from there on they are the later ones. In a
//! file that begins with the newest rows it is the other way round: rows of the hours about it show that, and no others.
//! Rows of a table without a key may be of any number of series: there, only a time before the last one is the later, and
//! only the row just before shows the direction.

use std::collections::HashMap;

use lake::dataset::{Ambiguous, Column, ColumnType, Table};
use lake::value::Twice;
use xxhash_rust::xxh3::xxh3_128;

/// Series that are remembered: beyond, each time is the earlier one.
const MAX_SERIES: usize = 1024 * 1024;
/// Two times further apart are of two changes of clocks.
const ONE_CHANGE: i64 = 6 * 3600 * 1_000_000;
/// Rows before that are looked at for the direction of a file: never all of them for each of many series.
const LOOK_BACK: usize = 64;

/// A row before, as far as it matters.
pub(super) struct Before {
    /// Whether it is of the same series.
    pub is_same: bool,
    /// Its instant.
    pub micros: Option<i64>,
}

/// A column whose local times that come twice are told apart by order.
pub(super) struct Clock {
    /// Its position.
    pub column: usize,
    /// The positions of the columns that make a series.
    pub series: Vec<usize>,
    has_key: bool,
    known: HashMap<u128, Hour>,
    /// Whether the row before had a time that comes twice.
    was_twice: bool,
    /// Whether times of the last hour that comes twice go backwards, by the rows of some series, and when that was.
    direction: Option<(i64, bool)>,
}

/// The hour that comes twice, in one series.
struct Hour {
    last: i64,
    /// Whether it is the second time.
    is_again: bool,
    is_backwards: bool,
}

impl Clock {
    /// The columns of a table that are told apart by order.
    pub(super) fn of_table(table: &Table) -> Vec<Self> {
        let is_ordered = |column: &Column| {
            column.kind == ColumnType::Timestamp && column.zone.is_some() && column.ambiguous() == Ambiguous::Order
        };
        let columns = table.columns.iter().enumerate().filter(|(_, column)| is_ordered(column));
        columns.map(|(at, column)| Self::new(table, at, column)).collect()
    }

    fn new(table: &Table, at: usize, column: &Column) -> Self {
        let is_of_it = |other: &Column| {
            let same_field =
                other.fields().eq(column.fields()) && other.joined == column.joined && other.path == column.path;
            other.name == column.name || same_field || other.day_of.as_ref() == Some(&column.name)
        };
        let series =
            table.columns.iter().enumerate().filter(|(_, other)| table.key.contains(&other.name) && !is_of_it(other));
        Self {
            column: at,
            series: series.map(|(at, _)| at).collect(),
            has_key: !table.key.is_empty(),
            known: HashMap::new(),
            was_twice: false,
            direction: None,
        }
    }

    /// Takes note of a row whose time comes once.
    pub(super) fn pass(&mut self) {
        self.was_twice = false;
    }

    /// Which instant a time is, in a series that these bytes name. `before` are the rows before, the last one first.
    pub(super) fn choose(&mut self, series: &[u8], time: Twice, before: impl Iterator<Item = Before>) -> i64 {
        let Twice { earlier, later } = time;
        let series = xxh3_128(series);
        let is_known = self.known.get(&series).is_some_and(|hour| (earlier - hour.last).abs() < ONE_CHANGE);
        if !is_known || !self.has_key && !self.was_twice {
            if self.known.len() >= MAX_SERIES {
                return earlier;
            }
            // Where a whole batch is of that hour, what the first series showed stands for the others.
            let known = self.direction.filter(|(at, _)| (earlier - at).abs() < ONE_CHANGE).map(|(_, known)| known);
            let found = is_backwards(time, before.take(if self.has_key { LOOK_BACK } else { 1 }));
            if let Some(found) = found {
                self.direction = Some((earlier, found));
            }
            let is_backwards = found.or(known).unwrap_or_default();
            self.known.insert(series, Hour { last: earlier, is_again: false, is_backwards });
        } else if let Some(hour) = self.known.get_mut(&series) {
            let step = if hour.is_backwards { hour.last.cmp(&earlier) } else { earlier.cmp(&hour.last) };
            hour.is_again |= step.is_lt() || self.has_key && step.is_eq();
            hour.last = earlier;
        }
        self.was_twice = true;
        match self.known.get(&series) {
            Some(hour) if hour.is_again != hour.is_backwards => later,
            _ => earlier,
        }
    }
}

/// Whether the rows before come after a time: those of its series, or else others. None if no row of the hours about it
/// shows it.
fn is_backwards(Twice { earlier, later }: Twice, before: impl Iterator<Item = Before>) -> Option<bool> {
    let mut of_others = None;
    for Before { is_same, micros } in before {
        let is_near = |micros: &i64| {
            (earlier - ONE_CHANGE..earlier).contains(micros) || (later + 1..later + ONE_CHANGE).contains(micros)
        };
        let Some(micros) = micros.filter(is_near) else { continue };
        if is_same {
            return Some(micros > later);
        }
        of_others = of_others.or(Some(micros > later));
    }
    of_others
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn clock() -> Clock {
        Clock { column: 0, series: Vec::new(), has_key: true, known: HashMap::new(), was_twice: false, direction: None }
    }

    #[test]
    fn a_file_of_that_hour_alone_looks_back_a_few_rows_for_each_series() {
        let (mut clock, looked_at) = (clock(), Cell::new(0));
        let time = Twice { earlier: 0, later: HOUR };
        for series in 0..20_000_u64 {
            let before = (0..series).map(|_| {
                looked_at.set(looked_at.get() + 1);
                Before { is_same: false, micros: Some(0) }
            });
            assert_eq!(clock.choose(&series.to_le_bytes(), time, before), 0);
        }
        assert!(looked_at.get() <= 20_000 * LOOK_BACK, "{} rows are looked at", looked_at.get());
    }

    #[test]
    fn rows_of_other_days_do_not_decide() {
        let time = Twice { earlier: 0, later: HOUR };
        for has_key in [true, false] {
            for micros in [-40 * HOUR, 40 * HOUR] {
                let mut clock = Clock { has_key, ..clock() };
                let before = [Before { is_same: true, micros: Some(micros) }];
                assert_eq!(clock.choose(b"", time, before.into_iter()), time.earlier, "{has_key} {micros}");
            }
        }
        // Without a key, rows before the last one may be of another series.
        let rows = || [40 * HOUR, 2 * HOUR].map(|micros| Before { is_same: true, micros: Some(micros) }).into_iter();
        let mut without_key = Clock { has_key: false, ..clock() };
        assert_eq!(without_key.choose(b"", time, rows()), time.earlier);
        assert_eq!(clock().choose(b"", time, rows()), time.later);
    }

    #[test]
    fn the_direction_that_one_series_shows_is_that_of_others_far_behind() {
        let mut clock = clock();
        // Backwards: the last row of all series is of the hour after, and then each has the later of two times first.
        let time = Twice { earlier: HOUR / 2, later: HOUR / 2 + HOUR };
        for series in 0..300_u64 {
            let of_hour = (0..series).map(|_| Before { is_same: false, micros: Some(time.later) });
            let before = of_hour.chain([Before { is_same: false, micros: Some(2 * HOUR) }]);
            assert_eq!(clock.choose(&series.to_le_bytes(), time, before), time.later, "series {series}");
        }
        // A year later nothing of it counts.
        let next = Twice { earlier: 8760 * HOUR, later: 8761 * HOUR };
        assert_eq!(clock.choose(b"x", next, std::iter::empty()), next.earlier);
    }
}
