//! Which rows a partition is made from: those of its days, of the look-back before them, and of days so near that they may
//! hold another row of the same key.

use std::ops::Range;

use chrono::{Days, NaiveDate};
use lake::dataset::{Model, Relation};
use lake::partition::{Partition, PartitionBy, Period};

/// Days by which the dates of one instant can differ, as its texts have them: offsets go from -12 to +14 hours.
pub const SLACK: u64 = 2;

/// First and last day of an object's rows, as the ledger has them.
pub type Span = Option<(NaiveDate, NaiveDate)>;

/// The days of an object's rows, `[from, to)`, as the ledger or its partition says.
pub fn days_of(partition: &Partition, span: Span) -> Option<Range<NaiveDate>> {
    match span {
        Some((first, last)) => Some(first..last.checked_add_days(Days::new(1))?),
        None => partition.days(),
    }
}

/// The days of a model's partition and of its look-back before them.
pub fn reach(model: &Model, partition: &Partition) -> Option<Range<NaiveDate>> {
    partition.days().map(|days| widened(&days, u64::from(model.look_back_days), 0))
}

/// More days before and after, as far as dates go.
pub fn widened(days: &Range<NaiveDate>, before: u64, after: u64) -> Range<NaiveDate> {
    let (first, end) = (NaiveDate::from_ymd_opt(1, 1, 1), NaiveDate::from_ymd_opt(10_000, 1, 1));
    let start = days.start.checked_sub_days(Days::new(before)).max(first).unwrap_or(days.start);
    start..days.end.checked_add_days(Days::new(after)).min(end).unwrap_or(days.end)
}

/// The periods that days fall into. Skips to each period's end: a wild date may be thousands of years away.
pub fn periods(period: Period, days: Range<NaiveDate>) -> impl Iterator<Item = Partition> {
    let mut next = days.start;
    std::iter::from_fn(move || {
        while next < days.end {
            let partition = period.of(next);
            next =
                partition.as_ref().and_then(Partition::days).map_or_else(|| next.succ_opt(), |days| Some(days.end))?;
            if partition.is_some() {
                return partition;
            }
        }
        None
    })
}

/// Which objects of one input table a partition is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// All of them.
    All,
    /// Those of a partition of the same name.
    Named(Partition),
    /// Those that have rows of these days, or may have.
    Days(Range<NaiveDate>),
}

impl Window {
    /// Of a model's input at a place among its inputs.
    pub fn of(model: &Model, input: Relation<'_>, at: usize, partition: &Partition) -> Self {
        let is_by_time = matches!(input.partition(), PartitionBy::Time(..));
        match (&model.partition, reach(model, partition)) {
            (PartitionBy::Key(_), _) if *input.partition() == model.partition => Self::Named(partition.clone()),
            (PartitionBy::Time(..), Some(reach)) => match input {
                Relation::Table(table) => {
                    // Rows of one key may be of days beside each other: they are compared, then cut.
                    let is_cut = is_by_time || (at == 0 && table.partition == PartitionBy::Nothing);
                    let near = if is_cut && !table.keeps_day() { SLACK } else { 0 };
                    Self::Days(widened(&reach, near, near))
                }
                Relation::Model(_) if is_by_time => Self::Days(reach),
                Relation::Model(_) => Self::All,
            },
            _ => Self::All,
        }
    }

    /// Whether an object of a partition and of these days is among them.
    pub fn has(&self, partition: &Partition, span: Span) -> bool {
        match self {
            Self::All => true,
            Self::Named(wanted) => partition == wanted,
            Self::Days(reach) => {
                days_of(partition, span).is_none_or(|days| days.start < reach.end && reach.start < days.end)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_fall_into_each_period_once() {
        let of = |from: &str, to: &str| -> Vec<String> {
            periods(Period::Month, day(from)..day(to)).map(|partition| partition.as_str().to_owned()).collect()
        };
        assert_eq!(of("2026-10-30", "2026-12-01"), ["month=2026-10", "month=2026-11"]);
        assert_eq!(of("2026-10-30", "2026-12-02").len(), 3);
        assert_eq!(of("2026-10-30", "2026-10-30").len(), 0);
        assert_eq!(periods(Period::SchoolYear, day("1960-01-01")..day("1971-01-01")).count(), 1, "1970 has the first");
        assert_eq!(of("9999-12-01", "+10000-01-01"), ["month=9999-12"]);
    }

    #[test]
    fn reach_ends_where_dates_do() {
        let days = widened(&(day("2026-11-01")..day("2026-12-01")), 2, 1);
        assert_eq!(days, day("2026-10-30")..day("2026-12-02"));
        let all = widened(&(day("0001-01-02")..day("+10000-01-01")), u64::MAX, u64::MAX);
        assert_eq!(all, day("0001-01-01")..day("+10000-01-01"));
    }
}
