//! Names of a series: years, dates, months, times of day or numbers that stand in a header, as in `country,2019,2020`. They
//! look like values of a row.

use chrono::{Datelike, NaiveDate, NaiveTime};

/// How dates and months are written as names, and what makes a date of them.
const PERIODS: [(&str, &str); 10] = [
    ("%Y-%m-%d", ""),
    ("%d/%m/%Y", ""),
    ("%m/%d/%Y", ""),
    ("%d.%m.%Y", ""),
    ("%d-%m-%Y", ""),
    ("%Y%m%d", ""),
    ("%Y-%m-%d", "-01"),
    ("%m/%Y/%d", "/01"),
    ("%b %Y %d", " 01"),
    ("%Y-%m-%dT%H:%M:%S", ""),
];
/// How times of day are.
const CLOCKS: [&str; 3] = ["%H:%M", "%H:%M:%S", "%Hh%M"];

/// What texts have in common that may be names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Series {
    /// Years one after the other.
    Years,
    /// Dates, months or times of day that ascend.
    Periods,
    /// Dates or months that ascend, and years beside them, as of sums.
    Mixed,
    /// At least three whole numbers, each as much more than the one before: 0, 1, 2 or 15, 30, 45.
    Even,
    /// Whole numbers that ascend: a row may well have such.
    Ascending,
}

/// What texts are, without blanks around them; none if they are no names of a series.
pub(super) fn series(texts: &[&str]) -> Option<Series> {
    if texts.len() < 2 {
        return None;
    }
    if are_years(texts) {
        return Some(Series::Years);
    }
    if are_periods(texts) || are_clocks(texts) {
        return Some(Series::Periods);
    }
    let (years, others): (Vec<&str>, Vec<&str>) = texts.iter().partition(|text| are_years(&[text]));
    if !years.is_empty() && are_years(&years) && !others.is_empty() && are_periods(&others) {
        return Some(Series::Mixed);
    }
    let whole = |text: &&str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let numbers = texts.iter().map(whole).collect::<Option<Vec<u32>>>()?;
    let steps: Vec<u32> = pairs(&numbers).map(|(one, next)| next.checked_sub(*one)).collect::<Option<_>>()?;
    let is_multiple = numbers.iter().zip(&steps).all(|(number, step)| *number <= 1 || number.is_multiple_of(*step));
    let is_even = steps.len() > 1 && pairs(&steps).all(|(step, next)| step == next) && is_multiple;
    match steps.iter().all(|step| *step > 0) {
        true if is_even => Some(Series::Even),
        true => Some(Series::Ascending),
        false => None,
    }
}

/// Each element with the next one.
fn pairs<T>(all: &[T]) -> impl Iterator<Item = (&T, &T)> {
    all.iter().zip(all.iter().skip(1))
}

/// Whether elements ascend, or all descend.
fn is_ordered<T: Ord>(all: &[T]) -> bool {
    pairs(all).all(|(one, next)| one < next) || pairs(all).all(|(one, next)| one > next)
}

/// Whether texts are years one after the other, in either direction.
pub(super) fn are_years(texts: &[&str]) -> bool {
    let year = |text: &&str| text.parse::<u32>().ok().filter(|year| (1900..=2100).contains(year));
    let Some(years) = texts.iter().map(year).collect::<Option<Vec<u32>>>() else { return false };
    is_ordered(&years) && pairs(&years).all(|(one, next)| one.abs_diff(*next) == 1)
}

fn are_periods(texts: &[&str]) -> bool {
    PERIODS.into_iter().any(|(pattern, rest)| {
        let is_likely = |day: &NaiveDate| (1800..2200).contains(&day.year());
        let day = |text: &&str| NaiveDate::parse_from_str(&format!("{text}{rest}"), pattern).ok().filter(is_likely);
        texts.iter().map(day).collect::<Option<Vec<NaiveDate>>>().is_some_and(|days| is_ordered(&days))
    })
}

/// Whether texts are times of day that ascend. Midnight may end the day.
fn are_clocks(texts: &[&str]) -> bool {
    let all = match texts {
        [all @ .., last] if last.starts_with("24") || last.starts_with("00") || last.starts_with("0:") => all,
        all => all,
    };
    !all.is_empty()
        && CLOCKS.into_iter().any(|pattern| {
            let time = |text: &&str| NaiveTime::parse_from_str(text, pattern).ok();
            let times = all.iter().map(time).collect::<Option<Vec<NaiveTime>>>();
            times.is_some_and(|times| pairs(&times).all(|(one, next)| one < next))
                && texts.iter().all(|text| text.contains([':', 'h']))
        })
}

/// Whether a text by itself is a date, a month or a time of day.
pub(super) fn is_period(text: &str) -> bool {
    are_periods(&[text]) || are_clocks(&[text])
}

/// Whether two texts are written alike: as long, with digits at the same places.
pub(super) fn are_alike(text: &str, other: &str) -> bool {
    let kind = |byte: u8| if byte.is_ascii_digit() { b'9' } else { byte };
    text.len() == other.len() && text.bytes().map(kind).eq(other.bytes().map(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_series_are_found() {
        for (texts, wanted) in [
            (&["1990", "1991"][..], Some(Series::Years)),
            (&["2024", "2023", "2022"], Some(Series::Years)),
            (&["2026-11-01", "2026-11-03"], Some(Series::Periods)),
            (&["2026-11-01T00:00:00", "2026-11-02T00:00:00"], Some(Series::Periods)),
            (&["01/2026", "02/2026"], Some(Series::Periods)),
            (&["00:15", "00:30", "24:00"], Some(Series::Periods)),
            (&["23:30:00", "23:45:00", "00:00:00"], Some(Series::Periods)),
            (&["2026-11-01", "2026-11-02", "2026"], Some(Series::Mixed)),
            (&["2025", "01/2026", "02/2026"], Some(Series::Mixed)),
            (&["2026-11-02", "2026-11-01", "2026", "2028"], None),
            (&["0", "1", "2"], Some(Series::Even)),
            (&["00", "01", "02"], Some(Series::Even)),
            (&["10", "20", "30"], Some(Series::Even)),
            (&["10", "20", "50"], Some(Series::Ascending)),
            (&["5", "9", "13"], Some(Series::Ascending)),
            (&["5", "6"], Some(Series::Ascending)),
            (&["2", "1", "3"], None),
            (&["1", "1", "1"], None),
            (&["1.5", "2.5", "3.5"], None),
            (&["-1", "0", "1"], None),
            (&["10:00", "09:00"], None),
            (&["2024"], None),
            (&[], None),
        ] {
            assert_eq!(series(texts), wanted, "{texts:?}");
        }
        assert!(are_alike("2026-11", "1999-01") && !are_alike("5", "1990") && !are_alike("1.50", "1990"));
    }
}
