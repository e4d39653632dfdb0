//! Partitions: the units that are rewritten as a whole, named in Hive style (`month=2026-11`).

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

/// One partition by its path, such as `month=2026-11` or `year=2026/month=11/cohort=7.3`; empty for a table without
/// partitions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Partition(String);

impl Partition {
    /// The one partition of a table that has none.
    pub fn whole() -> Self {
        Self(String::new())
    }

    /// A partition with one value.
    pub fn single(name: &str, value: &str) -> Self {
        Self(format!("{name}={value}"))
    }

    /// The partition of a path such as `month=2026-11`.
    pub fn from_path(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// The partition within this one for a further value.
    #[must_use]
    pub fn within(&self, name: &str, value: &str) -> Self {
        let value = encoded(value);
        if self.0.is_empty() { Self::single(name, &value) } else { Self(format!("{}/{name}={value}", self.0)) }
    }

    /// The path of the partition.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of one of its columns.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.split('/').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    }

    /// The key of an object in this partition below `prefix`.
    pub fn key(&self, prefix: &str, name: &str) -> String {
        if self.0.is_empty() { format!("{prefix}/{name}") } else { format!("{prefix}/{}/{name}", self.0) }
    }

    /// The days that the partition covers, if its name tells: `date=2026-11-19`, `month=2026-11`, `year=2026/month=5`,
    /// `year=24-25` (a school year, 1 July to 30 June).
    pub fn days(&self) -> Option<Range<NaiveDate>> {
        if let Some(date) = self.value("date") {
            let day: NaiveDate = date.parse().ok()?;
            return Some(day..day.checked_add_days(Days::new(1))?);
        }
        if let Some(month) = self.value("month") {
            let first = match self.value("year") {
                Some(year) => NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?,
                None => format!("{month}-01").parse().ok()?,
            };
            return Some(first..first.checked_add_months(Months::new(1))?);
        }
        let (start, end) = self.value("year")?.split_once('-')?;
        let year: i32 = format!("20{start}").parse().ok()?;
        let consecutive = end.parse::<i32>().ok()? == (year + 1) % 100;
        let first = NaiveDate::from_ymd_opt(year, 7, 1)?;
        consecutive.then_some(first..first.checked_add_months(Months::new(12))?)
    }
}

/// A value in a path as Hive writes it: what is not a letter, a digit or one of `.-_` as `%XX`; no text at all under a
/// name of its own.
fn encoded(value: &str) -> String {
    if value.is_empty() {
        return "__HIVE_DEFAULT_PARTITION__".to_owned();
    }
    let mut path = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(whole)" } else { &self.0 })
    }
}

/// The length of time that one partition of a table or model covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// `date=YYYY-MM-DD`
    Date,
    /// `month=YYYY-MM`
    Month,
    /// `year=YYYY/month=M`, the month not padded
    YearMonth,
    /// `year=YY-YY`, a school year from 1 July to 30 June
    SchoolYear,
}

impl Period {
    /// The partition that a day belongs to.
    pub fn of(self, day: NaiveDate) -> Partition {
        match self {
            Period::Date => Partition(format!("date={day}")),
            Period::Month => Partition(format!("month={:04}-{:02}", day.year(), day.month())),
            Period::YearMonth => Partition(format!("year={}/month={}", day.year(), day.month())),
            Period::SchoolYear => {
                let start = if day.month() >= 7 { day.year() } else { day.year() - 1 };
                Partition(format!("year={:02}-{:02}", start.rem_euclid(100), (start + 1).rem_euclid(100)))
            }
        }
    }

    /// The names of the partition's columns.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Period::Date => &["date"],
            Period::Month => &["month"],
            Period::YearMonth => &["year", "month"],
            Period::SchoolYear => &["year"],
        }
    }
}

/// How a table or a model is cut into partitions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum PartitionBy {
    /// One partition for all.
    #[default]
    Nothing,
    /// By a value in the raw object's key: `date` takes `date=2026-11-19` from `irceline/date=2026-11-19/...`.
    Key(String),
    /// By the period in which a date column falls: `month(day)`.
    Time(Period, String),
}

impl PartitionBy {
    /// The names of the partition's columns.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            PartitionBy::Nothing => Vec::new(),
            PartitionBy::Key(name) => vec![name],
            PartitionBy::Time(period, _) => period.columns().to_vec(),
        }
    }
}

impl FromStr for PartitionBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if let Some((period, column)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            let period = match period {
                "date" => Period::Date,
                "month" => Period::Month,
                "year_month" => Period::YearMonth,
                "school_year" => Period::SchoolYear,
                _ => {
                    return Err(format!("\"{period}\" is no period: use date, month, year_month or school_year"));
                }
            };
            return Ok(PartitionBy::Time(period, column.to_owned()));
        }
        if name(text) {
            return Ok(PartitionBy::Key(text.to_owned()));
        }
        Err(format!(
            "\"{text}\" is no partition: write month(day), date(day), or the name of a NAME=value part of the raw key"
        ))
    }
}

impl TryFrom<String> for PartitionBy {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn declarations_are_read() {
        assert_eq!("month(day)".parse(), Ok(PartitionBy::Time(Period::Month, "day".into())));
        assert_eq!("date".parse(), Ok(PartitionBy::Key("date".into())));
        for wrong in ["week(day)", "", "Month day"] {
            assert!(wrong.parse::<PartitionBy>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_found_by_their_whole_name() {
        let partition = Partition("year=2024/month=5/cohort=11.3".into());
        assert_eq!(partition.value("cohort"), Some("11.3"));
        assert_eq!(partition.value("mont"), None);
    }

    proptest! {
        #[test]
        fn every_day_lies_in_its_partition(offset in 0_i64..36_000) {
            let day = NaiveDate::from_ymd_opt(2000, 7, 1).unwrap() + chrono::TimeDelta::days(offset);
            for period in [Period::Date, Period::Month, Period::YearMonth, Period::SchoolYear] {
                let days = period.of(day).days();
                prop_assert!(days.clone().is_some_and(|days| days.contains(&day)), "{day} {days:?}");
            }
        }
    }
}
