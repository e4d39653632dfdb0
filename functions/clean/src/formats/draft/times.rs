//! How dates and times of a column are written.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use lake::dataset::Column;

use super::names;
use crate::formats::fits;
use lake::years;

/// Different values by which formats are found.
const DIFFERENT: usize = 300;
/// Formats of one column.
const MOST_FORMATS: usize = 3;

/// Which part of a date comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    Year,
    Day,
    Month,
}

const DATES: [(Order, &str); 36] = [
    (Order::Year, "%Y-%m-%d"),
    (Order::Year, "%Y/%m/%d"),
    (Order::Year, "%Y.%m.%d"),
    (Order::Year, "%Y %m %d"),
    (Order::Day, "%d/%m/%Y"),
    (Order::Day, "%d-%m-%Y"),
    (Order::Day, "%d.%m.%Y"),
    (Order::Month, "%m/%d/%Y"),
    (Order::Month, "%m-%d-%Y"),
    (Order::Month, "%m.%d.%Y"),
    (Order::Day, "%d/%m/%y"),
    (Order::Day, "%d-%m-%y"),
    (Order::Day, "%d.%m.%y"),
    (Order::Month, "%m/%d/%y"),
    (Order::Month, "%m-%d-%y"),
    (Order::Year, "%y-%m-%d"),
    (Order::Year, "%y/%m/%d"),
    (Order::Day, "%d %b %Y"),
    (Order::Day, "%d-%b-%Y"),
    (Order::Day, "%d-%b-%y"),
    (Order::Day, "%d/%b/%Y"),
    (Order::Day, "%d %b %y"),
    (Order::Month, "%b %d, %Y"),
    (Order::Month, "%b %d %Y"),
    (Order::Day, "%d %B %Y"),
    (Order::Month, "%B %d, %Y"),
    (Order::Day, "%a, %d %b %Y"),
    (Order::Year, "%Y-%b-%d"),
    (Order::Month, "%A, %B %d, %Y"),
    (Order::Month, "%a, %b %d, %Y"),
    (Order::Day, "%A, %d %B %Y"),
    (Order::Day, "%A %d %B %Y"),
    (Order::Day, "%a %d %b %Y"),
    (Order::Month, "%a %b %d %Y"),
    (Order::Year, "%Y:%m:%d"),
    (Order::Year, "%G-W%V-%u"),
];
const TIMES: [&str; 12] = [
    "%H:%M",
    "%H:%M:%S",
    "%H:%M:%S%.f",
    "%I:%M %p",
    "%I:%M:%S %p",
    "%I:%M:%S%.f %p",
    "%I:%M%p",
    "%I:%M:%S%p",
    "%Hh%M",
    "%H:%M:%S,%3f",
    "%H:%M:%S,%6f",
    "%H",
];
/// Between a date and a time of day. The log of a web server has a colon there.
const BETWEEN: [&str; 4] = [" ", "T", ", ", ":"];
/// Times whose year is behind the time of day.
const AROUND: [&str; 2] = ["%a %b %d %H:%M:%S %Y", "%b %d %H:%M:%S %Y"];
const OFFSETS: [&str; 5] = ["", "%#z", " %#z", "Z", " UTC"];
/// Dates and times without anything between their parts, and how many digits they have where they have nothing else.
const COMPACT: [(bool, &str, Option<usize>); 13] = [
    (false, "%Y%m%d", Some(8)),
    (true, "%Y%m%d%H", Some(10)),
    (true, "%y%m%d%H%M", Some(10)),
    (true, "%Y%m%d%H%M", Some(12)),
    (true, "%y%m%d%H%M%S", Some(12)),
    (true, "%Y%m%d%H%M%S", Some(14)),
    (true, "%Y%m%d%H%M%S%3f", Some(17)),
    (true, "%Y%m%d %H:%M", None),
    (true, "%Y%m%d %H:%M:%S", None),
    (true, "%Y%m%d %H%M", None),
    (true, "%Y%m%d %H%M%S", None),
    (true, "%Y%m%d%H%M%#z", None),
    (true, "%Y%m%d%H%M%S%#z", None),
];

/// A way to write a date or a time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written {
    pub order: Order,
    pub pattern: String,
    /// The part of it that is the date.
    date: &'static str,
    pub has_time: bool,
    pub has_offset: bool,
}

/// What was found of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// The declaration of the column.
    pub declared: String,
    pub is_date: bool,
    /// The pattern of a date, for a column that is joined of it and a time of day.
    pub date_pattern: Option<String>,
    pub order: Option<Order>,
    /// Whether the day could be the month as well.
    pub is_ambiguous: bool,
    /// Whether the number that is read as the day could be the year, if not the month.
    pub may_be_year: bool,
    pub has_short_years: bool,
    /// Whether some of its dates can be read in one order alone, and as many in another one alone.
    pub is_contradictory: bool,
}

/// Finds how a column's texts are written as dates or times; none if they are not. `order` is that of other columns.
pub(super) fn find(label: &str, values: &[&str], order: Option<Order>) -> Option<Found> {
    let is_likely = |text: &str| (6..=40).contains(&text.len()) && text.bytes().filter(u8::is_ascii_digit).count() >= 3;
    if values.is_empty() || !nearly_all(values, is_likely) {
        return None;
    }
    plain(values).or_else(|| compact(label, values)).or_else(|| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        values.iter().for_each(|value| *counts.entry(value).or_default() += 1);
        written(values, &counts.into_iter().collect::<Vec<_>>(), order)
    })
}

/// Texts that need no format.
fn plain(values: &[&str]) -> Option<Found> {
    let found = |declared: &str, is_date| Found {
        declared: declared.to_owned(),
        is_date,
        date_pattern: is_date.then(|| "%Y-%m-%d".to_owned()),
        order: None,
        is_ambiguous: false,
        may_be_year: false,
        has_short_years: false,
        is_contradictory: false,
    };
    for (declared, is_date) in [
        ("type = \"date\"", true),
        ("type = \"timestamp\"", false),
        ("type = \"timestamp\"\nzone = \"dataset\"", false),
    ] {
        if all_fit(declared, values) {
            return Some(found(declared, is_date));
        }
    }
    None
}

/// How many of so many texts may be damaged: one in a hundred, or one of twenty and more.
fn tolerated(texts: usize) -> usize {
    (texts / 100).max(usize::from(texts >= 20))
}

/// Whether nearly all texts fit.
pub(super) fn all_fit(declared: &str, values: &[&str]) -> bool {
    let Ok(column) = Column::from_declaration(declared) else { return false };
    nearly_all(values, |value| fits(&column, value))
}

/// Whether a test holds of nearly all values.
pub(super) fn nearly_all(values: &[&str], test: impl Fn(&str) -> bool) -> bool {
    let mut tolerated = tolerated(values.len());
    values.iter().all(|value| {
        test(value) || {
            let is_tolerated = tolerated > 0;
            tolerated = tolerated.saturating_sub(1);
            is_tolerated
        }
    })
}

fn declare(is_date: bool, has_offset: bool, patterns: &[&str]) -> String {
    let texts: Vec<String> = patterns.iter().map(|pattern| format!("\"{pattern}\"")).collect();
    let format = if let [only] = texts.as_slice() { only.clone() } else { format!("[{}]", texts.join(", ")) };
    let kind = if is_date { "date" } else { "timestamp" };
    let zone = if is_date || has_offset { "" } else { "\nzone = \"dataset\"" };
    format!("type = \"{kind}\"\nformat = {format}{zone}")
}

/// Dates and times without anything between their parts. Years of two digits are taken for such in columns that are called a
/// time alone.
pub(super) fn compact(label: &str, values: &[&str]) -> Option<Found> {
    let is_time = names::is_time(label);
    if !is_time && values.len() < 10 {
        return None;
    }
    let year = |value: &str| value.get(..4).and_then(|year| year.parse::<u32>().ok());
    let is_recent = nearly_all(values, |value| year(value).is_some_and(|year| (1900..=2100).contains(&year)));
    COMPACT.into_iter().find_map(|(has_time, pattern, digits)| {
        let has_short_years = pattern.contains("%y");
        let is_likely = if has_short_years { is_time } else { is_recent };
        let is_long = |value: &str| digits.is_none_or(|digits| value.len() == digits);
        let declared = declare(!has_time, pattern.contains('z'), &[pattern]);
        (is_likely && nearly_all(values, is_long) && all_fit(&declared, values)).then(|| Found {
            declared,
            is_date: !has_time,
            date_pattern: (!has_time).then(|| pattern.to_owned()),
            order: None,
            is_ambiguous: false,
            may_be_year: false,
            has_short_years,
            is_contradictory: false,
        })
    })
}

/// Dates such as `05012026`, the day or the month first, in a column that is called a date.
pub(super) fn compact_days(label: &str, values: &[&str], wanted: Option<Order>) -> Option<Found> {
    let year = |value: &str| value.get(4..).and_then(|year| year.parse::<u32>().ok());
    let is_likely = |value: &str| value.len() == 8 && year(value).is_some_and(|year| (1900..=2100).contains(&year));
    if !names::is_date(label) || !nearly_all(values, is_likely) {
        return None;
    }
    let declared = |pattern: &&(Order, &str)| all_fit(&declare(true, false, &[pattern.1]), values);
    let known: Vec<(Order, &str)> =
        [(Order::Day, "%d%m%Y"), (Order::Month, "%m%d%Y")].iter().filter(declared).copied().collect();
    let is_wanted = |(order, _): &&(Order, &str)| Some(*order) == wanted;
    let (order, pattern) = *known.iter().find(is_wanted).or_else(|| known.first())?;
    Some(Found {
        declared: declare(true, false, &[pattern]),
        is_date: true,
        date_pattern: Some(pattern.to_owned()),
        order: Some(order),
        is_ambiguous: known.len() > 1 && wanted.is_none(),
        may_be_year: false,
        has_short_years: false,
        is_contradictory: false,
    })
}

/// How a time of day is written that has nothing between its parts, if all texts are one: `0930`.
pub(super) fn digits_of_day(values: &[&str]) -> Option<&'static str> {
    let is_of = |pattern: &str, length: usize| {
        let is_read = |value: &&str| value.len() == length && chrono::NaiveTime::parse_from_str(value, pattern).is_ok();
        !values.is_empty() && values.iter().all(is_read)
    };
    [("%H%M", 4), ("%H%M%S", 6)]
        .into_iter()
        .find(|(pattern, length)| is_of(pattern, *length))
        .map(|(pattern, _)| pattern)
}

/// All ways that read a text.
fn ways(text: &str) -> Vec<Written> {
    // 24:00 is midnight of the next day.
    let text = text.replace(" 24:", " 00:").replace("T24:", "T00:");
    let mut ways = Vec::new();
    for (order, date) in DATES {
        if date.contains("%Y") && !years::has_whole_year(&text, date) {
            continue;
        }
        if NaiveDate::parse_from_str(&text, date).is_ok() {
            ways.push(Written { order, pattern: date.to_owned(), date, has_time: false, has_offset: false });
        }
        let Ok((_, rest)) = NaiveDate::parse_and_remainder(&text, date) else { continue };
        for between in BETWEEN.into_iter().filter(|between| rest.starts_with(between)) {
            for time in TIMES {
                for offset in OFFSETS {
                    let pattern = format!("{date}{between}{time}{offset}");
                    let has_offset = offset.contains('z');
                    let is_read = if time == "%H" {
                        let is_hour = rest.bytes().filter(u8::is_ascii_digit).count() <= 2;
                        is_hour && offset.is_empty() && all_fit(&declare(false, false, &[&pattern]), &[&text])
                    } else if has_offset {
                        DateTime::parse_from_str(&text, &pattern).is_ok()
                    } else {
                        NaiveDateTime::parse_from_str(&text, &pattern).is_ok()
                    };
                    if is_read {
                        ways.push(Written { order, pattern, date, has_time: true, has_offset });
                    }
                }
            }
        }
    }
    let around = AROUND.into_iter().filter(|pattern| years::has_whole_year(&text, pattern));
    for date in around.filter(|pattern| NaiveDateTime::parse_from_str(&text, pattern).is_ok()) {
        let pattern = date.to_owned();
        ways.push(Written { order: Order::Month, pattern, date, has_time: true, has_offset: false });
    }
    ways
}

/// Texts of declared formats: the fewest that read them all, found in some of them, one as far from the next as the other.
fn written(values: &[&str], counts: &[(&str, usize)], wanted: Option<Order>) -> Option<Found> {
    let different: Vec<&str> = counts.iter().map(|(text, _)| *text).collect();
    let some: Vec<(&str, usize)> = counts.iter().copied().step_by(counts.len().div_ceil(DIFFERENT).max(1)).collect();
    let mut of_orders = Vec::new();
    for order in [Order::Year, Order::Day, Order::Month] {
        of_orders.extend(cover(&some, order).map(|ways| (order, ways)));
    }
    let least = if of_orders.len() > 1 { by_unread(counts, &mut of_orders) } else { 0 };
    if of_orders.len() > 1 {
        by_spread(&different, &mut of_orders);
    }
    let orders: Vec<Order> = of_orders.iter().map(|(order, _)| *order).collect();
    let order = choose(values, &orders, wanted, &of_orders)?;
    let (_, ways) = of_orders.into_iter().find(|(known, _)| *known == order)?;
    let is_date = ways.iter().all(|way| !way.has_time);
    // A text that says UTC is one, whatever the dataset's zone is.
    let is_utc = ways.iter().any(|way| way.pattern.ends_with(['Z', 'C']));
    let has_offset = ways.iter().all(|way| way.has_offset);
    let patterns: Vec<&str> = ways.iter().map(|way| way.pattern.as_str()).collect();
    let declared = declare(is_date, has_offset, &patterns);
    Some(Found {
        declared: if is_utc { declared.replace("zone = \"dataset\"", "zone = \"UTC\"") } else { declared },
        is_date,
        date_pattern: patterns.first().filter(|_| is_date).map(|pattern| (*pattern).to_owned()),
        order: Some(order),
        is_ambiguous: orders.len() > 1 && wanted.is_none(),
        may_be_year: orders.contains(&Order::Year) && orders.len() == 2,
        has_short_years: patterns.iter().any(|pattern| pattern.contains("%y")),
        is_contradictory: orders.len() > 1 && least > 0,
    })
}

/// One text that an order does not read speaks against it: those stay that leave the fewest. Returns how many these are.
fn by_unread(counts: &[(&str, usize)], of_orders: &mut Vec<(Order, Vec<Written>)>) -> usize {
    let unread = |ways: &[Written]| -> usize {
        let declared = ways.iter().map(|way| declare(!way.has_time, way.has_offset, &[&way.pattern]));
        let columns: Vec<Column> = declared.filter_map(|declared| Column::from_declaration(&declared).ok()).collect();
        let is_unread = |text: &str| !columns.iter().any(|column| fits(column, text));
        counts.iter().filter(|(text, _)| is_unread(text)).map(|(_, count)| count).sum()
    };
    let unread: Vec<usize> = of_orders.iter().map(|(_, ways)| unread(ways)).collect();
    let least = unread.iter().min().copied().unwrap_or_default();
    let mut unread = unread.into_iter();
    of_orders.retain(|_| unread.next() == Some(least));
    least
}

/// Of years with two digits, the number with fewer different values is the year: one of a file has days of a few years.
fn by_spread(different: &[&str], of_orders: &mut Vec<(Order, Vec<Written>)>) {
    let number = |text: &str, at: usize| {
        let mut numbers = text.split(|character: char| !character.is_ascii_digit());
        numbers.nth(at).map(str::to_owned)
    };
    let spread = |at: usize| different.iter().filter_map(|text| number(text, at)).collect::<BTreeSet<_>>().len();
    let has_short = |ways: &[Written]| ways.iter().all(|way| way.date.contains("%y"));
    if !of_orders.iter().all(|(_, ways)| has_short(ways)) {
        return;
    }
    match spread(0).cmp(&spread(2)) {
        std::cmp::Ordering::Greater => of_orders.retain(|(order, _)| *order != Order::Year),
        std::cmp::Ordering::Less if of_orders.iter().any(|(order, _)| *order == Order::Year) => {
            of_orders.retain(|(order, _)| *order == Order::Year);
        }
        _ => {}
    }
}

/// The fewest ways of an order that read nearly all texts, of which each comes so many times. Beside days or months that come
/// first, some may begin with a year of four digits, which is no other part.
fn cover(counts: &[(&str, usize)], order: Order) -> Option<Vec<Written>> {
    let is_of = |way: &Written| way.order == order || way.order == Order::Year && way.date.starts_with("%Y");
    let times = |texts: &[(&str, usize)]| texts.iter().map(|(_, count)| count).sum::<usize>();
    let tolerated = tolerated(times(counts));
    let mut chosen: Vec<Written> = Vec::new();
    let mut left = counts.to_vec();
    let mut damaged = 0;
    while chosen.len() < MOST_FORMATS {
        let (first, count) = *left.first()?;
        if damaged + count <= tolerated && !ways(first).iter().any(is_of) {
            damaged += count;
            left.remove(0);
            continue;
        }
        let best = ways(first).into_iter().filter(is_of).filter_map(|way| {
            let column = Column::from_declaration(&declare(!way.has_time, way.has_offset, &[&way.pattern])).ok()?;
            let unread: Vec<(&str, usize)> = left.iter().copied().filter(|(value, _)| !fits(&column, value)).collect();
            Some((way, unread))
        });
        let (way, unread) = best.reduce(|best, next| if next.1.len() < best.1.len() { next } else { best })?;
        chosen.push(way);
        left = unread;
        if times(&left) + damaged <= tolerated {
            return chosen.iter().any(|way| way.order == order).then_some(chosen);
        }
    }
    None
}

/// Which of several orders it is.
fn choose(values: &[&str], orders: &[Order], wanted: Option<Order>, ways: &[(Order, Vec<Written>)]) -> Option<Order> {
    if let [only] = orders {
        return Some(*only);
    }
    if let Some(wanted) = wanted.filter(|wanted| orders.contains(wanted)) {
        return Some(wanted);
    }
    let of = |order: Order| ways.iter().find(|(known, _)| *known == order).map(|(_, ways)| ways);
    // Clocks of twelve hours are mostly where the month comes first.
    let is_twelve = |order: Order| of(order).is_some_and(|ways| ways.iter().any(|way| way.pattern.contains("%p")));
    let ascending: Vec<Order> =
        orders.iter().copied().filter(|order| of(*order).is_some_and(|ways| ascends(values, ways))).collect();
    if let [only] = ascending.as_slice() {
        return Some(*only);
    }
    let first = if is_twelve(Order::Month) { Order::Month } else { Order::Day };
    orders.iter().copied().find(|order| *order == first).or_else(|| orders.first().copied())
}

/// Whether rows are in the order of their dates, read in these ways, without gaps of months.
fn ascends(values: &[&str], ways: &[Written]) -> bool {
    let day = |text: &&str| {
        let read = |way: &Written| NaiveDate::parse_and_remainder(text, way.date).ok().map(|(day, _)| day);
        ways.iter().find_map(read)
    };
    let days: Vec<NaiveDate> = values.iter().take(1000).filter_map(day).collect();
    let step = |(before, after): (&NaiveDate, &NaiveDate)| (*after - *before).num_days();
    let steps: Vec<i64> = days.iter().zip(days.iter().skip(1)).map(step).filter(|step| *step != 0).collect();
    !steps.is_empty()
        && (steps.iter().all(|step| (0..15).contains(step)) || steps.iter().all(|step| (-14..=0).contains(step)))
}

/// How a time of day is written, if all texts are one.
pub(super) fn time_of_day(values: &[&str]) -> Option<&'static str> {
    let is_likely = |value: &&str| {
        value.len() <= 21 && value.contains([':', 'h']) && value.starts_with(|c: char| c.is_ascii_digit())
    };
    if values.is_empty() || !values.iter().all(is_likely) {
        return None;
    }
    let reads = |pattern: &str| {
        nearly_all(values, |value| {
            let value = value.replacen("24:00", "00:00", 1);
            chrono::NaiveTime::parse_from_str(&value, pattern).is_ok()
        })
    };
    TIMES.into_iter().find(|pattern| reads(pattern))
}

/// The declaration of a time that is joined of a date and a time of day.
pub(super) fn joined(date: &str, time: &str) -> String {
    declare(false, false, &[&format!("{date} {time}")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(label: &str, values: &[&str]) -> String {
        find(label, values, None).map(|found| found.declared.replace('\n', "; ")).unwrap_or_default()
    }

    #[test]
    fn dates_and_times_are_found_as_they_are_written() {
        let local = |pattern: &str| format!("type = \"timestamp\"; format = \"{pattern}\"; zone = \"dataset\"");
        for (values, wanted) in [
            (&["2026-11-19", "2026-11-20"][..], "type = \"date\"".to_owned()),
            (&["2026-11-19T10:00:00Z"], "type = \"timestamp\"".to_owned()),
            (
                &["2026-11-19T10:00:00+01:00", "2026-11-19 11:00:00"],
                "type = \"timestamp\"; zone = \"dataset\"".to_owned(),
            ),
            (&["2026-11-19 10:00", "2026-11-19 24:00"], local("%Y-%m-%d %H:%M")),
            (&["04/07/20", "25/07/20"], "type = \"date\"; format = \"%d/%m/%y\"".to_owned()),
            (&["25/07/2020"], "type = \"date\"; format = \"%d/%m/%Y\"".to_owned()),
            (&["07/25/2020"], "type = \"date\"; format = \"%m/%d/%Y\"".to_owned()),
            (&["19.11.2026"], "type = \"date\"; format = \"%d.%m.%Y\"".to_owned()),
            (&["11/19/2026 1:05:00 PM"], local("%m/%d/%Y %I:%M:%S %p")),
            (&["11/19/2026 1:05 AM"], local("%m/%d/%Y %I:%M %p")),
            (&["19 Nov 2026"], "type = \"date\"; format = \"%d %b %Y\"".to_owned()),
            (&["November 19, 2026"], "type = \"date\"; format = \"%B %d, %Y\"".to_owned()),
            (&["2026-11-19 10:00:00+01"], "type = \"timestamp\"".to_owned()),
            (
                &["25/11/2026 08:00:05", "25/11/2026 08:00"],
                "type = \"timestamp\"; format = [\"%d/%m/%Y %H:%M\", \"%d/%m/%Y %H:%M:%S\"]; zone = \"dataset\""
                    .to_owned(),
            ),
            (&["Monday, January 01, 2024"], "type = \"date\"; format = \"%A, %B %d, %Y\"".to_owned()),
            (&["2026-11-19 10:00:00,123"], local("%Y-%m-%d %H:%M:%S,%3f")),
            (&["2026-11-19 10"], local("%Y-%m-%d %H")),
            (&["Thu Nov 19 10:00:00 2026"], local("%a %b %d %H:%M:%S %Y")),
            (&["2026:11:19 10:00:00"], local("%Y:%m:%d %H:%M:%S")),
            (&["19/Nov/2026:10:00:00 +0100"], "type = \"timestamp\"; format = \"%d/%b/%Y:%H:%M:%S%#z\"".to_owned()),
            (&["2026-11-19", "25/11/2026"], "type = \"date\"; format = [\"%Y-%m-%d\", \"%d/%m/%Y\"]".to_owned()),
            (&["2026-W47-4"], "type = \"date\"; format = \"%G-W%V-%u\"".to_owned()),
            (&["2026-11"], String::new()),
            (&["hello"], String::new()),
            (&["10:00"], String::new()),
            (&["12345678"], String::new()),
        ] {
            assert_eq!(declared("x", values), wanted, "{values:?}");
        }
        assert_eq!(declared("date", &["20261119"]), "type = \"date\"; format = \"%Y%m%d\"");
        assert_eq!(time_of_day(&["10:00", "24:00"]), Some("%H:%M"));
        assert_eq!(time_of_day(&["12:00:00 AM"]), Some("%I:%M:%S %p"));
    }

    #[test]
    fn days_that_could_be_months_are_said_to_be() {
        let found = |values: &[&str], order| {
            let found = find("x", values, order).unwrap();
            (found.order, found.is_ambiguous)
        };
        assert_eq!(found(&["01/02/2026"], None), (Some(Order::Day), true));
        assert_eq!(found(&["01/02/2026"], Some(Order::Month)), (Some(Order::Month), false));
        assert_eq!(found(&["01/02/2026", "13/02/2026"], None), (Some(Order::Day), false));
        let days: Vec<String> = (13..28).map(|day| format!("{day}/{:02}/26", day % 9 + 1)).collect();
        let days: Vec<&str> = days.iter().map(String::as_str).collect();
        assert_eq!(found(&days, None), (Some(Order::Day), false));
        assert_eq!(found(&["26-01-13", "26-02-14", "26-03-14"], None), (Some(Order::Year), false));
        let one = find("x", &["13/01/26"], None).unwrap();
        assert_eq!((one.order, one.is_ambiguous, one.may_be_year), (Some(Order::Day), true, true));
        assert_eq!(found(&["01/02/2026 1:00 PM"], None), (Some(Order::Month), true));
        // One that decides is enough, wherever it stands among so many.
        let both = |at: usize| format!("{:02}/{:02}/{}", at % 12 + 1, at / 12 % 12 + 1, 1900 + at / 144);
        let mut many: Vec<String> = (0..3000).map(both).collect();
        for (decides, wanted) in [("08/13/2026", Order::Month), ("31/08/2026", Order::Day)] {
            many.push(decides.to_owned());
            let texts: Vec<&str> = many.iter().map(String::as_str).collect();
            assert_eq!(found(&texts, None), (Some(wanted), false), "{decides}");
            many.pop();
        }
        assert_eq!(found(&["01/02/2026", "01/03/2026", "01/04/2026"], None), (Some(Order::Month), true));
        assert_eq!(found(&["01/02/2026", "02/02/2026", "03/02/2026"], None), (Some(Order::Day), true));
    }
}
