//! Axes: where values stand, and which of them are named.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate};
use serde_json::Value;

use crate::declare::As;
use crate::locale::Locale;
use crate::rows;

/// Axes reach to this: their distances and round numbers are to be numbers.
const MOST: f64 = f64::MAX / 8.0;

/// What an axis along x measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Days since 1 January of the year 1.
    Days,
    /// Numbers: hours of the day, ids.
    Numbers,
    /// Names, in the order in which they come.
    Names,
}

/// The measure of a column: as declared, or by its first value.
pub(crate) fn measure(shown: As, first: Option<&Value>) -> Measure {
    match shown {
        As::Day | As::Week | As::Month | As::Time => Measure::Days,
        As::Number | As::Percent | As::Hour | As::Weekday => Measure::Numbers,
        As::Text => Measure::Names,
        As::Auto => match first {
            Some(Value::Number(_)) => Measure::Numbers,
            Some(value) if rows::day(value).is_some() => Measure::Days,
            _ => Measure::Names,
        },
    }
}

/// A value's place on the axis. `None` for what is not of the measure.
pub(crate) fn place(measure: Measure, value: &Value) -> Option<f64> {
    match measure {
        Measure::Numbers => rows::number(value),
        Measure::Names => None,
        Measure::Days => match rows::instant(value) {
            Some(stamp) => {
                let seconds = stamp.timestamp() as f64;
                Some(f64::from(DateTime::UNIX_EPOCH.num_days_from_ce()) + seconds / 86_400.0)
            }
            None => rows::day(value).map(of_day),
        },
    }
}

/// The place of a day.
pub(crate) fn of_day(day: NaiveDate) -> f64 {
    f64::from(day.num_days_from_ce())
}

/// The day at a place.
pub(crate) fn day_at(place: f64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(place.floor() as i32)
}

/// The places of an axis: every day, week, month or number between the first and the last one of the rows.
pub(crate) struct Slots {
    pub places: Vec<f64>,
    /// Whether the places are months.
    pub monthly: bool,
    /// How many there should be; where that is too many, `places` are those of the rows.
    pub wanted: usize,
}

/// The slots of ascending places, at most `most`. Their distance is what `shown` says (each day, each week), else the least
/// one of neighbours, or for whole numbers what divides all distances. Places that fit no distance stand for themselves.
pub(crate) fn slots(measure: Measure, shown: As, places: &[f64], most: usize) -> Slots {
    let own = |wanted| Slots { places: places.to_vec(), monthly: false, wanted };
    let (Some(first), Some(last)) = (places.first().copied(), places.last().copied()) else { return own(0) };
    let gaps = || places.iter().zip(places.iter().skip(1)).map(|(a, b)| b - a);
    let least = gaps().fold(f64::INFINITY, f64::min);
    if measure == Measure::Names || !least.is_finite() || least < 1e-6 {
        return own(places.len());
    }
    // Whole numbers above this are not exact.
    let whole = places.iter().all(|place| place.fract() == 0.0 && place.abs() < 9e15);
    let monthly = measure == Measure::Days && whole && (shown == As::Month || shown != As::Day && least >= 28.0);
    if let Some(months) = monthly.then(|| months(places, shown == As::Month)).flatten() {
        let wanted = months.len();
        return if wanted <= most { Slots { places: months, monthly, wanted } } else { own(wanted) };
    }
    let fits = |step: f64| {
        places.iter().all(|place| {
            let steps = (place - first) / step;
            (steps - steps.round()).abs() * step < 1e-6
        })
    };
    let step = match shown {
        As::Day if whole => 1.0,
        As::Week if whole => 7.0,
        _ if whole && !fits(least) => gaps().map(|gap| gap as u64).fold(0, divisor) as f64,
        _ => least,
    };
    let wanted = ((last - first) / step).round().min(u32::MAX.into()) as usize + 1;
    match (fits(step), wanted <= most) {
        (true, true) => {
            let places = (0..wanted).map(|slot| first + slot as f64 * step).collect();
            Slots { places, monthly: false, wanted }
        }
        (true, false) => own(wanted),
        _ => own(places.len()),
    }
}

/// The greatest number that divides both.
fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// Each month from the first to the last place, or each third or twelfth one if all places are such: a place of a row as it
/// is. `None`: two places are of one month; or, unless `any` days will do, they are neither the same day nor the last days
/// of their months.
fn months(places: &[f64], any: bool) -> Option<Vec<f64>> {
    let days: Vec<NaiveDate> = places.iter().map(|place| day_at(*place)).collect::<Option<_>>()?;
    let first = *days.first()?;
    let number = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
    let since = |day: NaiveDate| u32::try_from(number(day) - number(first)).ok();
    let counts: Vec<u32> = days.iter().map(|day| since(*day)).collect::<Option<_>>()?;
    let is_last = |day: NaiveDate| day.succ_opt().is_none_or(|next| next.day() == 1);
    let same =
        || days.iter().zip(&counts).all(|(day, count)| first.checked_add_months(Months::new(*count)) == Some(*day));
    let apart = counts.iter().zip(counts.iter().skip(1)).all(|(a, b)| a < b);
    if !apart || !(any || same() || days.iter().all(|day| is_last(*day))) {
        return None;
    }
    let step = counts.iter().fold(0, |step, count| divisor(step, u64::from(*count)));
    let mut known = counts.iter().zip(places).peekable();
    let slot = |count: u32| match known.next_if(|(of_row, _)| **of_row == count) {
        Some((_, place)) => Some(*place),
        None => first.checked_add_months(Months::new(count)).map(of_day),
    };
    (0..=*counts.last()?).step_by(usize::try_from(step).ok()?.max(1)).map(slot).collect()
}

/// Where a value lies within a range: 0 at its begin, 1 at its end.
pub(crate) fn share(value: f64, (low, high): (f64, f64)) -> f64 {
    // Quarters, for the distance of two doubles may be more than a double can hold; they are exact.
    let [value, low, high] = [value, low, high].map(|number| number / 4.0);
    (value - low) / (high - low).max(0.25e-9)
}

/// Round numbers from `low` to `high` or a bit beyond, about `count` of them.
pub(crate) fn round_numbers(low: f64, high: f64, count: usize) -> Vec<f64> {
    let (low, high) = (low.max(-MOST), high.min(MOST));
    // Numbers that a float cannot tell apart have the zero beside them.
    let size = low.abs().max(high.abs());
    let (low, high) = if high - low > size * 1e-13 { (low, high) } else { (low.min(0.0), high.max(0.0)) };
    let span = (high - low).max(f64::MIN_POSITIVE);
    let raw = span / count.max(1) as f64;
    let size = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * size).find(|step| *step >= raw * 0.999);
    let step = step.unwrap_or(size * 10.0);
    let first = (low / step).floor() as i64;
    let last = (high / step - 1e-9).ceil() as i64;
    if last - first > 100 {
        return vec![low, high];
    }
    (first..=last).map(|number| number as f64 * step).collect()
}

/// Decimals that round numbers with this distance need.
pub(crate) fn digits_of(numbers: &[f64]) -> usize {
    let needs = |digits: usize| {
        numbers.iter().all(|number| {
            let scaled = number * 10_f64.powi(digits as i32);
            (scaled - scaled.round()).abs() < 1e-6
        })
    };
    (0..6).find(|digits| needs(*digits)).unwrap_or(6)
}

/// Days that are named on an axis, at most `most`: each day, each Monday, each month's first day, ...
pub(crate) fn named_days(low: f64, high: f64, most: usize, locale: &Locale) -> Vec<(f64, String)> {
    let (Some(first), Some(last)) = (day_at(low), day_at(high)) else { return Vec::new() };
    let days = (last - first).num_days();
    for step in [1, 2, 7, 14] {
        if days / i64::from(step) < most as i64 {
            let mut day = first;
            if step >= 7 {
                day = first
                    .checked_add_days(Days::new(u64::from((7 - first.weekday().num_days_from_monday()) % 7)))
                    .unwrap_or(first);
            }
            let name = |day| if step < 7 { locale.short_day(day) } else { locale.date(day) };
            return walk(day, last, |day| day.checked_add_days(Days::new(u64::from(step as u32))), name);
        }
    }
    let months = i64::from((last.year() - first.year()) * 12) + i64::from(last.month()) - i64::from(first.month());
    let of_month = first.with_day(1).unwrap_or(first);
    for step in [1_u32, 2, 3, 6, 12, 24, 60, 120, 600, 1_200, 6_000, 24_000] {
        if months / i64::from(step) < most as i64 || step == 24_000 {
            let into = of_month.month0() % step.min(12);
            let mut start = of_month.checked_sub_months(Months::new(into)).unwrap_or(of_month);
            if start < first {
                start = start.checked_add_months(Months::new(step)).unwrap_or(start);
            }
            let name = |day: NaiveDate| {
                if step >= 12 {
                    day.year().to_string()
                } else {
                    locale.short_month(day, day.month() == 1 || day == start)
                }
            };
            return walk(start, last, |day| day.checked_add_months(Months::new(step)), name);
        }
    }
    Vec::new()
}

/// Months that are named on an axis of some, at most `most`; the year stands at the first one and at each January.
pub(crate) fn named_months(places: &[f64], most: usize, locale: &Locale) -> Vec<(f64, String)> {
    let step = places.len().div_ceil(most.max(1)).max(1);
    let mut named: Vec<(f64, String)> = Vec::new();
    let mut year = None;
    for place in places.iter().step_by(step) {
        if let Some(day) = day_at(*place) {
            named.push((*place, locale.short_month(day, year != Some(day.year()))));
            year = Some(day.year());
        }
    }
    named
}

fn walk(
    mut day: NaiveDate,
    last: NaiveDate,
    next: impl Fn(NaiveDate) -> Option<NaiveDate>,
    name: impl Fn(NaiveDate) -> String,
) -> Vec<(f64, String)> {
    let mut named = Vec::new();
    while day <= last {
        named.push((of_day(day), name(day)));
        match next(day) {
            Some(after) => day = after,
            None => break,
        }
    }
    named
}

/// Names of places on an axis of numbers.
pub(crate) fn named_numbers(low: f64, high: f64, most: usize, shown: As, locale: &Locale) -> Vec<(f64, String)> {
    let numbers = match shown {
        As::Hour => {
            let step = if most >= 9 { 3 } else { 6 };
            (0..24).step_by(step).map(f64::from).filter(|hour| *hour >= low && *hour <= high).collect()
        }
        As::Weekday => (1..=7).map(f64::from).filter(|day| *day >= low && *day <= high).collect(),
        _ => round_numbers(low, high, most)
            .into_iter()
            .filter(|number| *number >= low && *number <= high)
            .collect::<Vec<_>>(),
    };
    let digits = digits_of(&numbers);
    let name = |number: f64| match shown {
        As::Hour => locale.hour(number as u32),
        As::Weekday => locale.short_weekday((number as usize).saturating_sub(1)).to_owned(),
        As::Percent => locale.percent(number * 100.0, Some(digits.saturating_sub(2))),
        _ => locale.number(number, Some(digits)),
    };
    numbers.into_iter().map(|number| (number, name(number))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn numbers_are_round() {
        assert_eq!(round_numbers(0.0, 78.5, 5), [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert_eq!(round_numbers(0.0, 0.3, 3), [0.0, 0.1, 0.2, 0.30000000000000004]);
        assert_eq!(digits_of(&round_numbers(0.0, 0.3, 3)), 1);
        assert!(round_numbers(5.0, 5.0, 5).len() < 102);
    }

    #[test]
    fn days_are_named_by_how_many_there_are() {
        let locale = Locale::new("en", &BTreeMap::new(), chrono_tz::UTC);
        let named = |from: &str, to: &str| -> Vec<String> {
            let [from, to] = [from, to].map(|day| of_day(day.parse().unwrap()));
            named_days(from, to, 8, &locale).into_iter().map(|(_, name)| name).collect()
        };
        assert_eq!(named("2026-11-17", "2026-11-19"), ["Tue 17 Nov", "Wed 18 Nov", "Thu 19 Nov"]);
        assert_eq!(named("2026-11-01", "2026-11-25"), ["2 Nov", "9 Nov", "16 Nov", "23 Nov"]);
        assert_eq!(named("2025-11-20", "2026-11-19"), ["Jan 2026", "Mar", "May", "Jul", "Sep", "Nov"]);
        assert_eq!(named("2020-03-01", "2026-11-19").first().unwrap(), "2021");
        assert!(named("0001-01-01", "9999-12-31").len() <= 9);
    }

    #[test]
    fn months_are_named_by_how_many_there_are() {
        let locale = Locale::new("en", &BTreeMap::new(), chrono_tz::UTC);
        let named = |days: &[&str], most: usize| -> Vec<String> {
            let places: Vec<f64> = days.iter().map(|day| of_day(day.parse().unwrap())).collect();
            named_months(&places, most, &locale).into_iter().map(|(_, name)| name).collect()
        };
        assert_eq!(named(&["2026-10-01"], 8), ["Oct 2026"]);
        assert_eq!(named(&["2026-11-30", "2026-12-31", "2027-01-31"], 8), ["Nov 2026", "Dec", "Jan 2027"]);
        assert_eq!(named(&["2026-11-01", "2026-12-01", "2027-01-01"], 2), ["Nov 2026", "Jan 2027"]);
    }

    #[test]
    fn instants_lie_within_their_day() {
        let noon = place(Measure::Days, &Value::from("2026-11-19T12:00:00Z")).unwrap();
        assert_eq!(noon, place(Measure::Days, &Value::from("2026-11-19")).unwrap() + 0.5);
        assert_eq!(day_at(noon).unwrap().to_string(), "2026-11-19");
    }
}
