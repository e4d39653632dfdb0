//! Partitions: the units that are rewritten as a whole, named in Hive style (`month=2026-11`).

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::keys;

/// The years that dates may have: what Parquet readers, SQL engines and the calendar agree on.
pub const YEARS: RangeInclusive<i32> = 1..=9999;
/// The years in which a school year may begin: `year=YY-YY` has two digits for each.
pub const SCHOOL_YEARS: RangeInclusive<i32> = 1970..=2069;

/// One partition by its path, such as `month=2026-11` or `year=2026/month=11/cohort=7.3`; empty for a table without
/// partitions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Partition {
    path: String,
    /// The first day and the day after the last.
    days: Option<(NaiveDate, NaiveDate)>,
}

impl Partition {
    /// The one partition of a table that has none.
    pub fn whole() -> Self {
        Self { path: String::new(), days: None }
    }

    /// A partition with one value.
    pub fn single(name: &str, value: &str) -> Self {
        Self::whole().within(name, value)
    }

    /// The partition within this one for a further value.
    #[must_use]
    pub fn within(&self, name: &str, value: &str) -> Self {
        let value = encoded(value);
        let path =
            if self.path.is_empty() { format!("{name}={value}") } else { format!("{}/{name}={value}", self.path) };
        Self { days: self.days.or_else(|| days_of_path(&path)), path }
    }

    /// The path of the partition.
    pub fn as_str(&self) -> &str {
        &self.path
    }

    /// The values of its columns, in order, as they were before they became part of a path.
    pub fn values(&self) -> impl Iterator<Item = (&str, String)> {
        self.path.split('/').filter_map(|part| part.split_once('=')).map(|(name, value)| (name, decoded(value)))
    }

    /// The value of one of its columns, as it stands in the path.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.path.split('/').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    }

    /// The key of an object in this partition below `prefix`.
    pub fn key(&self, prefix: &str, name: &str) -> String {
        if self.path.is_empty() { format!("{prefix}/{name}") } else { format!("{prefix}/{}/{name}", self.path) }
    }

    /// The days that the partition covers, if its path begins with a period: `date=2026-11-19`, `month=2026-11`,
    /// `year=2026/month=5`, `year=2026`, `year=24-25` (a school year, 1 July to 30 June).
    pub fn days(&self) -> Option<Range<NaiveDate>> {
        self.days.map(|(start, end)| start..end)
    }
}

impl FromStr for Partition {
    type Err = String;

    /// A path of `NAME=value` parts; no path at all is the whole.
    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let is_part = |part: &str| part.split_once('=').is_some_and(|(name, value)| is_name(name) && !value.is_empty());
        if !path.is_empty() && !path.split('/').all(is_part) {
            return Err(format!("\"{path}\" is not a partition's path of NAME=value parts"));
        }
        Ok(Self { days: days_of_path(path), path: path.to_owned() })
    }
}

impl TryFrom<String> for Partition {
    type Error = String;

    fn try_from(path: String) -> Result<Self, Self::Error> {
        path.parse()
    }
}

impl From<Partition> for String {
    fn from(partition: Partition) -> Self {
        partition.path
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn days_of_path(path: &str) -> Option<(NaiveDate, NaiveDate)> {
    let mut parts = path.split('/').filter_map(|part| part.split_once('='));
    match (parts.next()?, parts.next()) {
        (("date", date), _) => day_after(parse_date(date)?),
        (("month", month), _) => month_from(parse_date(&format!("{month}-01"))?),
        (("year", year), Some(("month", month))) => {
            let unpadded = !month.starts_with('0');
            month_from(NaiveDate::from_ymd_opt(parse_year(year)?, month.parse().ok().filter(|_| unpadded)?, 1)?)
        }
        (("year", year), _) if year.contains('-') => school_year(year),
        (("year", year), _) => {
            let year = parse_year(year)?;
            Some((NaiveDate::from_ymd_opt(year, 1, 1)?, NaiveDate::from_ymd_opt(year + 1, 1, 1)?))
        }
        _ => None,
    }
}

/// The days that a raw key names: `date=2026-11-19`, `month=2026-11`, `week=2026-11-16` (its Monday), `year=24-25`.
pub fn days_of_key(raw_key: &str) -> Option<Range<NaiveDate>> {
    let (start, end) = raw_key.split('/').find_map(|part| match part.split_once('=')? {
        ("week", monday) => {
            let monday = parse_date(monday)?;
            Some((monday, monday.checked_add_days(Days::new(7))?))
        }
        ("date" | "month" | "year", _) => days_of_path(part),
        _ => None,
    })?;
    Some(start..end)
}

/// Ten characters, `YYYY-MM-DD`, of a day that exists.
fn parse_date(text: &str) -> Option<NaiveDate> {
    let date = crate::time::parse_day(text).ok()?;
    (YEARS.contains(&date.year()) && date.to_string() == text).then_some(date)
}

fn parse_year(text: &str) -> Option<i32> {
    let year: i32 = text.parse().ok().filter(|_| text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit()))?;
    YEARS.contains(&year).then_some(year)
}

fn day_after(day: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    Some((day, day.succ_opt()?))
}

fn month_from(first: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    Some((first, first.checked_add_months(Months::new(1))?))
}

/// `24-25`: two digits for the years of [`SCHOOL_YEARS`] in which it begins and ends.
fn school_year(text: &str) -> Option<(NaiveDate, NaiveDate)> {
    let (start, end) = text.split_once('-')?;
    let two_digits = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i32>().ok().filter(|_| digits)
    };
    let (start, end) = (two_digits(start)?, two_digits(end)?);
    let year = if start >= SCHOOL_YEARS.start() % 100 { 1900 + start } else { 2000 + start };
    let first = NaiveDate::from_ymd_opt(year, 7, 1)?;
    (end == (start + 1) % 100).then_some((first, first.checked_add_months(Months::new(12))?))
}

/// What Hive writes in a path for no value.
pub const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The longest value that stands in a path as it is: file systems take names of 255 bytes.
const LONGEST_VALUE: usize = 180;

/// A value in a path as Hive writes it: what is not a letter, a digit or one of `.-_` as `%XX`; no text at all under a
/// name of its own. One that is too long is cut, and its hash follows: the whole of it stands in the object.
fn encoded(value: &str) -> String {
    if value.is_empty() {
        return NULL.to_owned();
    }
    let path = percent_encoded(value);
    if path.len() <= LONGEST_VALUE && !keys::has_hash(&path) {
        return path;
    }
    let beginning: String = value.chars().take(40).collect();
    let mut beginning = percent_encoded(&beginning);
    // No half of a `%XX`.
    let end = (0..=140.min(beginning.len())).rev().find(|at| !beginning.get(..*at).is_none_or(ends_in_half));
    beginning.truncate(end.unwrap_or_default());
    format!("{beginning}-{}", crate::hash::bytes(value.as_bytes()))
}

fn ends_in_half(path: &str) -> bool {
    path.bytes().rev().take(2).any(|byte| byte == b'%')
}

fn percent_encoded(value: &str) -> String {
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

/// A value of a path as it was before; of one that was too long its beginning and a hash.
pub fn decoded(value: &str) -> String {
    if value == NULL {
        return String::new();
    }
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.path.is_empty() { "(whole)" } else { &self.path })
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
    /// `year=YYYY`
    Year,
    /// `year=YY-YY`, a school year from 1 July to 30 June
    SchoolYear,
}

impl Period {
    /// The partition that a day belongs to; `None` for one outside of [`YEARS`] or [`SCHOOL_YEARS`].
    pub fn of(self, day: NaiveDate) -> Option<Partition> {
        let (year, month) = (day.year(), day.month());
        let path = match self {
            Period::Date => format!("date={day}"),
            Period::Month => format!("month={year:04}-{month:02}"),
            Period::YearMonth => format!("year={year:04}/month={month}"),
            Period::Year => format!("year={year:04}"),
            Period::SchoolYear => {
                let start = if month >= 7 { year } else { year - 1 };
                let within = SCHOOL_YEARS.contains(&start);
                return within.then(|| format!("year={:02}-{:02}", start % 100, (start + 1) % 100).parse().ok())?;
            }
        };
        path.parse().ok().filter(|_| YEARS.contains(&year))
    }

    /// The names of the partition's columns.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Period::Date => &["date"],
            Period::Month => &["month"],
            Period::YearMonth => &["year", "month"],
            Period::Year | Period::SchoolYear => &["year"],
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
    /// The partition that a raw key names by its `NAME=value` part: `Err` says why it is none. A part named `date`,
    /// `month`, `week` or `year` must have the value of one.
    pub fn of_key(&self, raw_key: &str) -> Option<Result<Partition, String>> {
        let PartitionBy::Key(name) = self else { return None };
        let Some(value) = keys::segment(raw_key, name) else {
            return Some(Err(format!("its key has no part \"{name}=...\", by which the table is partitioned")));
        };
        let wanted = match name.as_str() {
            "date" => "a date such as 2026-11-19",
            "month" => "a month such as 2026-11",
            "week" => "the date of a Monday",
            "year" => "a year such as 2026, or a school year such as 26-27",
            _ => "a value",
        };
        let partition = Partition::single(name, value);
        if partition.value(name).is_none_or(|path| decoded(path) != value) {
            let why = format!(
                "the value of its part \"{name}=...\" is too long for a partition, or not to be told from a hash"
            );
            return Some(Err(why));
        }
        let is_one = match name.as_str() {
            "date" | "month" | "year" => partition.days().is_some(),
            "week" => parse_date(value).is_some_and(|day| day.weekday() == Weekday::Mon),
            _ => !value.is_empty(),
        };
        Some(if is_one { Ok(partition) } else { Err(format!("its key has \"{name}={value}\", which is not {wanted}")) })
    }

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
                "year" => Period::Year,
                "school_year" => Period::SchoolYear,
                _ => {
                    return Err(format!("\"{period}\" is no period: use date, month, year_month, year or school_year"));
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
    fn values_that_are_too_long_for_a_name_are_cut_and_stay_apart() {
        let long = |end: &str| format!("{}{end}", "é".repeat(300));
        for value in [long("a"), "x".repeat(300), "%".repeat(61), format!("a-{}", "0".repeat(32))] {
            let partition = Partition::single("cohort", &value);
            assert!(partition.as_str().len() <= 200 && partition.as_str().parse::<Partition>().is_ok(), "{partition}");
            let again = Partition::single("cohort", partition.value("cohort").unwrap());
            assert_ne!(again, partition, "a value that looks like it is another one");
        }
        assert_ne!(Partition::single("cohort", &long("a")), Partition::single("cohort", &long("b")));
        let by = PartitionBy::Key("site".to_owned());
        for value in [long(""), NULL.to_owned(), format!("a-{}", "0".repeat(32))] {
            let why = by.of_key(&format!("d/site={value}/a.csv")).unwrap().unwrap_err();
            assert!(why.contains("too long"), "{why}");
        }
    }

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
        let partition: Partition = "year=2024/month=5/cohort=11.3".parse().unwrap();
        assert_eq!(partition.value("cohort"), Some("11.3"));
        assert_eq!(partition.value("mont"), None);
    }

    #[test]
    fn only_periods_that_exist_have_days() {
        let days = |path: &str| path.parse::<Partition>().unwrap().days().map(|days| days.start.to_string());
        for (path, first) in [
            ("date=2026-11-19", "2026-11-19"),
            ("month=2026-11", "2026-11-01"),
            ("year=2026/month=5/cohort=x", "2026-05-01"),
            ("year=2026", "2026-01-01"),
            ("year=24-25", "2024-07-01"),
            ("year=99-00", "1999-07-01"),
            ("year=70-71", "1970-07-01"),
            ("year=69-70", "2069-07-01"),
        ] {
            assert_eq!(days(path).as_deref(), Some(first), "{path}");
        }
        for path in [
            "date=2026-02-30",
            "date=2026-2-3",
            "date=+2026-02-03",
            "month=57971-02",
            "month=0000-01",
            "month=2026-13",
            "year=24-26",
            "year=2026/month=05",
            "year=2026/month=13",
            "cohort=7",
            "",
        ] {
            assert_eq!(days(path), None, "{path}");
        }
        for path in ["month", "=x", "month=", "a=1//b=2", "../x=1"] {
            assert!(path.parse::<Partition>().is_err(), "{path}");
        }
    }

    #[test]
    fn raw_keys_name_a_partition_or_say_why_not() {
        let of = |name: &str, key: &str| PartitionBy::Key(name.to_owned()).of_key(key).unwrap();
        assert_eq!(of("date", "d/date=2026-11-19/x").unwrap().as_str(), "date=2026-11-19");
        assert_eq!(of("cohort", "d/cohort=a b/x").unwrap().as_str(), "cohort=a%20b");
        for (name, key, why) in [
            ("date", "d/date=2026-02-30/x", "2026-02-30"),
            ("date", "d/x", "date="),
            ("week", "d/week=2026-11-17/x", "Monday"),
            ("year", "d/year=24-26/x", "school year"),
            ("cohort", "d/cohort=/x", "a value"),
        ] {
            let error = of(name, key).unwrap_err();
            assert!(error.contains(why), "{key}: {error}");
        }
    }

    #[test]
    fn raw_keys_name_their_days() {
        for (key, from, to) in [
            ("irceline/date=2026-11-18/values.ndjson", "2026-11-18", "2026-11-19"),
            ("codetrack/week=2026-11-16/users.ndjson", "2026-11-16", "2026-11-23"),
            ("illuminate/year=24-25/assessments.ndjson", "2024-07-01", "2025-07-01"),
        ] {
            assert_eq!(days_of_key(key), Some(from.parse().unwrap()..to.parse().unwrap()), "{key}");
        }
        assert_eq!(days_of_key("energy_usage/energy_usage.csv"), None);
    }

    #[test]
    fn days_out_of_range_have_no_partition() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(Period::Month.of(day("+57971-02-01")), None);
        assert_eq!(Period::Date.of(day("0000-12-31")), None);
        assert_eq!(Period::SchoolYear.of(day("1970-06-30")), None);
        assert_eq!(Period::SchoolYear.of(day("2070-07-01")), None);
        assert_eq!(Period::YearMonth.of(day("0001-01-01")).unwrap().as_str(), "year=0001/month=1");
    }

    proptest! {
        #[test]
        fn every_day_lies_in_its_partition(offset in 0_i64..36_000) {
            let day = NaiveDate::from_ymd_opt(1970, 7, 1).unwrap() + chrono::TimeDelta::days(offset);
            for period in [Period::Date, Period::Month, Period::YearMonth, Period::Year, Period::SchoolYear] {
                let partition = period.of(day).unwrap();
                prop_assert!(partition.days().is_some_and(|days| days.contains(&day)), "{day} {partition}");
                prop_assert_eq!(partition.as_str().parse::<Partition>().unwrap(), partition);
            }
        }

        #[test]
        fn values_survive_their_way_through_a_path(value in "\\PC{0,12}") {
            let partition = Partition::single("cohort", &value);
            prop_assert_eq!(partition.values().next(), Some(("cohort", value)));
        }

        #[test]
        fn no_path_panics(path in "\\PC{0,40}", key in "[a-z]{1,5}=[0-9+/=-]{0,20}") {
            let _ = path.parse::<Partition>();
            let _ = days_of_key(&path);
            let _ = key.parse::<Partition>();
            let _ = days_of_key(&key);
        }
    }
}
