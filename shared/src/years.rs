//! The years that dates and times may have.

use std::ops::RangeInclusive;

use arrow::datatypes::Date32Type;
use chrono::format::{Item, Numeric, Parsed, StrftimeItems, parse_and_remainder};
use chrono::{Datelike, NaiveDate};

use crate::dataset::Table;
use crate::partition::{PartitionBy, Period, SCHOOL_YEARS, YEARS};
use crate::value::Refusal;

/// The instants of [`YEARS`] in UTC, in microseconds since 1970.
pub const INSTANTS: RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// Refuses a date or time of another year.
pub fn out_of_range() -> Refusal {
    ("out_of_range", format!("the year is not one from {:04} to {}", YEARS.start(), YEARS.end()))
}

/// Whether a date is of [`YEARS`].
pub fn has(date: NaiveDate) -> bool {
    YEARS.contains(&date.year())
}

/// The days that have a partition, and the column that has them, where there are fewer than of [`YEARS`].
pub fn partition_days(table: &Table) -> Option<(usize, RangeInclusive<i64>)> {
    let PartitionBy::Time(Period::SchoolYear, name) = &table.partition else { return None };
    let column = table.columns.iter().position(|column| column.name == *name)?;
    let july = |year| NaiveDate::from_ymd_opt(year, 7, 1).map(|day| i64::from(Date32Type::from_naive_date(day)));
    Some((column, july(*SCHOOL_YEARS.start())?..=july(SCHOOL_YEARS.end() + 1)? - 1))
}

/// Refuses a day without a partition.
pub fn no_school_year() -> Refusal {
    let why = format!("the day is of no school year from {} to {}", SCHOOL_YEARS.start(), SCHOOL_YEARS.end());
    ("out_of_range", why)
}

/// Whether a text has four digits where a pattern has `%Y`: the parser takes fewer as well.
pub fn has_whole_year(text: &str, pattern: &str) -> bool {
    let items: Vec<Item> = StrftimeItems::new(pattern).collect();
    let is_year = |item: &Item| matches!(item, Item::Numeric(Numeric::Year, _));
    let Some(at) = items.iter().position(is_year) else { return true };
    let before = items.iter().take(at);
    match parse_and_remainder(&mut Parsed::new(), text, before) {
        Ok(rest) => rest.trim_start().bytes().take_while(u8::is_ascii_digit).take(4).count() == 4,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_has_four_digits_wherever_it_stands() {
        for (text, pattern, whole) in [
            ("2026-11-19", "%Y-%m-%d", true),
            ("26-11-19", "%Y-%m-%d", false),
            ("+12026-11-19", "%Y-%m-%d", false),
            ("19.11.2026 10:00", "%d.%m.%Y %H:%M", true),
            ("19.11.26 10:00", "%d.%m.%Y %H:%M", false),
            ("20261119", "%Y%m%d", true),
            ("19/11/26", "%d/%m/%y", true),
        ] {
            assert_eq!(has_whole_year(text, pattern), whole, "{text} by {pattern}");
        }
    }

    #[test]
    fn instants_are_those_of_the_years() {
        let micros = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_micros();
        assert_eq!(INSTANTS, micros("0001-01-01T00:00:00Z")..=micros("9999-12-31T23:59:59.999999Z"));
    }
}
