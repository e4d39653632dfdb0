//! One value into a typed column, by the column's declared rules.

mod no_number;
mod no_time;

use std::borrow::Cow;
use std::fmt::Write as _;

use arrow::datatypes::Date32Type;
use chrono::format::{Item, Numeric, Parsed, StrftimeItems, parse_and_remainder};
use chrono::{
    DateTime, Days, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta,
    TimeZone,
};
use serde_json::value::RawValue;

use self::no_number::no_number;
pub use self::no_number::{MINUS, UNITS, is_grouped_by_two};
use self::no_time::no_time;
use crate::dataset::{Ambiguous, Column, ColumnType, Decimal, TimeFormat, has_time_of_day, parsed_date, parsed_time};
use crate::json::Json;
use crate::time::parse_day;
use crate::years;

/// Why a value is not acceptable: a stable code and a message without the value.
pub type Refusal = (&'static str, String);

/// The two instants of a local time, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Twice {
    /// Before clocks are set back.
    pub earlier: i64,
    /// After it.
    pub later: i64,
}

/// A value as the raw object has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw<'v> {
    /// There is none.
    Missing,
    /// Text.
    Text(Cow<'v, str>),
    /// A JSON number, as it stands.
    Number(&'v str),
    /// A whole number beyond 2^53 that the raw object has as a double: its neighbours are the same double.
    Vague(f64),
    /// JSON's true or false.
    Bool(bool),
    /// A JSON list or object.
    Nested,
    /// A JSON text with half of a surrogate pair, which stands for no character.
    HalfCharacter,
    /// A date and a time of day that the raw object has as such: an instant in UTC, or local.
    Stamp {
        /// The date and the time of day.
        time: NaiveDateTime,
        /// Whether they are in UTC.
        is_utc: bool,
    },
}

impl<'v> From<Option<&'v RawValue>> for Raw<'v> {
    fn from(value: Option<&'v RawValue>) -> Self {
        match value.map(Json::of) {
            None | Some(Ok(Json::Null)) => Self::Missing,
            Some(Ok(Json::Text(text))) => Self::Text(text),
            Some(Ok(Json::Number(number))) => Self::Number(number),
            Some(Ok(Json::Bool(truth))) => Self::Bool(truth),
            Some(Ok(Json::List(_) | Json::Object(_))) => Self::Nested,
            Some(Err(_)) if value.is_some_and(|value| value.get().trim_ascii_start().starts_with('"')) => {
                Self::HalfCharacter
            }
            Some(Err(_)) => Self::Nested,
        }
    }
}

/// The double of a JSON number: the nearest one to its digits, as of a CSV file's. `None` beyond the range of doubles.
fn double(digits: &str) -> Option<f64> {
    fast_float2::parse(digits.as_bytes()).ok().filter(|number: &f64| number.is_finite())
}

/// A typed value, checked.
#[derive(Debug, Clone, PartialEq)]
pub enum Typed<'v> {
    /// Missing.
    Null,
    /// Text.
    Text(Cow<'v, str>),
    /// A whole number: int64, days of a date, or microseconds of an instant.
    Int(i64),
    /// A double.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A local time that is two instants: which one depends on other rows.
    Twice(Twice),
}

/// Types and checks a value: missing values first, then the type, then the rules.
pub fn check<'v>(column: &Column, raw: Raw<'v>) -> Result<Typed<'v>, Refusal> {
    let typed = match raw {
        Raw::Missing => Typed::Null,
        Raw::Text(text) if column.is_missing_text(&text) => Typed::Null,
        // An empty text is a text, and nothing else.
        Raw::Text(text) if column.kind != ColumnType::String && text.trim().is_empty() => Typed::Null,
        Raw::Number(number) if is_missing_number(column, number) => Typed::Null,
        Raw::Vague(number) if column.is_missing_number(number) => Typed::Null,
        raw => convert(column, raw)?,
    };
    // A double is several integers beyond 2^53: these are compared as they are.
    let is_int = column.kind == ColumnType::Int64;
    let typed = match typed {
        Typed::Float(number) if column.is_missing_number(number) => Typed::Null,
        Typed::Int(number) if is_int && column.is_missing_int(number) => Typed::Null,
        typed => typed,
    };
    require(column, &typed)?;
    let refused = match typed {
        Typed::Float(number) => column.refuse_number(number),
        Typed::Int(number) if is_int => column.refuse_int(number),
        _ => None,
    };
    refused.map_or(Ok(typed), Err)
}

/// Whether a JSON number stands for "missing" in a column of any type.
fn is_missing_number(column: &Column, digits: &str) -> bool {
    match whole_decimal(digits).filter(|_| column.kind != ColumnType::Float64) {
        Some(number) => column.is_missing_int(number),
        None => double(digits).is_some_and(|number| column.is_missing_number(number)),
    }
}

/// Refuses a missing value where one is required.
pub fn require(column: &Column, typed: &Typed) -> Result<(), Refusal> {
    if *typed == Typed::Null && column.required {
        return Err(("missing_value", "a required value is missing".to_owned()));
    }
    Ok(())
}

fn convert<'v>(column: &Column, raw: Raw<'v>) -> Result<Typed<'v>, Refusal> {
    let is_number = matches!(raw, Raw::Number(_));
    let is_stamp = matches!(raw, Raw::Stamp { .. });
    let text: Cow<'v, str> = match raw {
        // Blanks around a text are part of it, and of no other value.
        Raw::Text(text) if column.kind == ColumnType::String => text,
        Raw::Text(text) => trimmed(text),
        Raw::Number(number) => number.into(),
        Raw::Vague(number) if column.kind == ColumnType::Float64 => return Ok(Typed::Float(number)),
        Raw::Vague(_) => {
            let why = "the number stands in the file as a double beyond 2^53, which has lost its last digits: write it there as \
                       a text or an integer, or declare float64";
            return Err(("not_exact", why.to_owned()));
        }
        Raw::Bool(truth) => if truth { "true" } else { "false" }.into(),
        Raw::Stamp { time, is_utc } => match stamp(column, time, is_utc) {
            Some(typed) => return typed,
            None => stamp_text(time, is_utc).into(),
        },
        Raw::HalfCharacter => {
            let why = "the text has half of a surrogate pair, such as \\ud83d without its other half, which stands for no \
                       character: mend what cut or wrote it, or leave it out";
            return Err(("half_character", why.to_owned()));
        }
        Raw::Missing | Raw::Nested => {
            let why = "a single value was expected, not a list, an object or bytes that are no text";
            return Err(("wrong_type", why.to_owned()));
        }
    };
    match column.kind {
        ColumnType::String => string(column, text),
        ColumnType::Int64 => {
            let plain = if is_number { text.clone() } else { with_plain_marks(column, &text)? };
            let whole = plain.parse().ok().or_else(|| whole(&plain, column.round));
            whole.map(Typed::Int).ok_or_else(|| no_number(column, "not_an_integer", "an integer", &text))
        }
        ColumnType::Float64 => {
            let plain = if is_number { text.clone() } else { with_plain_marks(column, &text)? };
            let number: f64 = fast_float2::parse(plain.as_bytes())
                .map_err(|_| no_number(column, "not_a_number", "a number", &text))?;
            // `inf` is a text as well.
            if number.is_infinite() && plain.contains(|character: char| character.is_ascii_digit()) {
                return Err(("out_of_range", "the number is beyond the range of doubles".to_owned()));
            }
            Ok(Typed::Float(if column.round { number.round_ties_even() } else { number }))
        }
        ColumnType::Bool => {
            let is_in = |known: &[String]| known.iter().any(|known| known.eq_ignore_ascii_case(&text));
            match (is_in(&column.true_values), is_in(&column.false_values)) {
                (true, _) => Ok(Typed::Bool(true)),
                (_, true) => Ok(Typed::Bool(false)),
                _ => Err(not_a(
                    "not_a_bool",
                    "true or false; if other words stand for them, declare true_values and false_values",
                )),
            }
        }
        ColumnType::Date => {
            let date = date(&column.format, &text);
            let date = date.ok_or_else(|| {
                let more = if is_stamp { HAS_TIME_OF_DAY.into() } else { cure(column, &text, is_number) };
                not_a("not_a_date", &format!("a date like {}{more}", example(&column.format)))
            })?;
            date_typed(column, date)
        }
        ColumnType::Timestamp => {
            let typed = instant(column, &text).map_err(|(code, why)| match code {
                "not_a_timestamp" => (code, format!("{why}{}", cure(column, &text, is_number))),
                _ => (code, why),
            })?;
            in_range(typed)
        }
    }
}

/// Refuses an instant of a year that no calendar has.
fn in_range(typed: Typed<'static>) -> Result<Typed<'static>, Refusal> {
    match typed {
        Typed::Int(micros) if !years::INSTANTS.contains(&micros) => Err(years::out_of_range()),
        typed => Ok(typed),
    }
}

/// What is said of a time in a column of dates.
const HAS_TIME_OF_DAY: &str =
    ", but a time: declare type = \"timestamp\", and its day as a column of its own with day_of";

/// What is said of a number in such a column.
const IS_COUNT: &str = ", but a number: declare format = \"excel\" if it counts days as Excel does, \"epoch_s\" or \"epoch_ms\" if it counts from 1970";

/// The same of one with as many digits as a date has.
const IS_DIGITS: &str = ", but a number: declare format = \"%Y%m%d\" if its digits are a date's, \"epoch_s\" if it counts seconds from 1970";

/// What is said of one that is no day as Excel counts them, where that is declared.
const IS_NO_DAY: &str =
    "; Excel counts days from 1 on, and has a day 60 that was none: if 0 stands for no value, list it under missing";

/// What is said of how a text or number would be read where a date or a time should be.
fn cure(column: &Column, text: &str, is_number: bool) -> Cow<'static, str> {
    match of_count(column, text, is_number) {
        "" if !is_number => no_time(text, &column.format).unwrap_or_default().into(),
        said => said.into(),
    }
}

/// The same of what counts days or seconds.
fn of_count(column: &Column, text: &str, is_number: bool) -> &'static str {
    let has = |test: fn(&TimeFormat) -> bool| column.format.iter().any(test);
    let is_no_day = text.parse::<f64>().is_ok_and(|days| days < 1.0 || (60.0..61.0).contains(&days));
    if is_no_day && has(|format| *format == TimeFormat::Excel) {
        IS_NO_DAY
    } else if is_number && has(|format| !matches!(format, TimeFormat::Rfc3339 | TimeFormat::Pattern(_))) {
        ""
    } else if is_number && text.len() == 8 && text.starts_with(['1', '2']) {
        IS_DIGITS
    } else if is_number {
        IS_COUNT
    } else {
        ""
    }
}

/// A date and time of day into a date or an instant; `None` where their text decides. A date is one at midnight of no zone:
/// what has a time of day, or is an instant, is a date only by a format that says so.
fn stamp(column: &Column, time: NaiveDateTime, is_utc: bool) -> Option<Result<Typed<'static>, Refusal>> {
    match column.kind {
        ColumnType::Date if !is_utc && time.time() == NaiveTime::MIN => Some(date_typed(column, time.date())),
        ColumnType::Timestamp if is_utc => Some(in_range(Typed::Int(time.and_utc().timestamp_micros()))),
        ColumnType::Timestamp => Some(local(column, time).and_then(in_range)),
        _ => None,
    }
}

/// A date as the column takes it.
fn date_typed(column: &Column, date: NaiveDate) -> Result<Typed<'static>, Refusal> {
    let is_junk = column.null_before.is_some_and(|first| date < first);
    if !is_junk && !years::has(date) {
        return Err(years::out_of_range());
    }
    Ok(if is_junk { Typed::Null } else { Typed::Int(i64::from(Date32Type::from_naive_date(date))) })
}

/// A date and time of day as a text.
pub fn stamp_text(time: NaiveDateTime, is_utc: bool) -> String {
    format!("{}{}", time.format("%Y-%m-%dT%H:%M:%S%.f"), if is_utc { "Z" } else { "" })
}

/// A number's text with a point before its decimals and nothing between thousands. A point that is neither becomes what no
/// number has.
fn with_plain_marks<'t>(column: &Column, text: &'t str) -> Result<Cow<'t, str>, Refusal> {
    let bare = column.without_unit(text);
    let plain: Cow<'t, str> = match column.thousands {
        None => bare,
        Some(mark) => {
            let why = || no_number(column, "not_a_number", "a number", text);
            mark.without(&bare, column.decimal.character()).ok_or_else(why)?.into()
        }
    };
    Ok(match column.decimal {
        Decimal::Point => plain,
        Decimal::Comma => plain.replace('.', " ").replace(',', ".").into(),
    })
}

/// A whole number that is written like `18.0` or `1.8e1`, or any number to be rounded.
fn whole(text: &str, round: bool) -> Option<i64> {
    if let Some(exact) = whole_decimal(text) {
        return Some(exact);
    }
    let number: f64 = fast_float2::parse(text.as_bytes()).ok().filter(|_| round)?;
    let rounded = number.round_ties_even();
    // Beyond 2^53 a double does not tell whole numbers apart.
    (rounded.abs() <= 9_007_199_254_740_992.0).then_some(rounded as i64)
}

/// The digits of a decimal.
struct Digits {
    sign: &'static str,
    all: String,
    /// How many of them stand before the point, once it is where the exponent moves it.
    point: i64,
}

impl Digits {
    /// Of a decimal like `18.0` or `1.8e1`; `None` of anything else.
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (sign, digits) = match mantissa.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
        if before.is_empty() || !before.bytes().chain(after.bytes()).all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let point = i64::try_from(before.len()).ok()? + i64::from(exponent);
        Some(Self { sign, all: format!("{before}{after}"), point })
    }

    /// Whether nothing but zeros stands behind the point.
    fn is_whole(&self) -> bool {
        let significant = self.all.trim_end_matches('0').len();
        significant == 0 || i64::try_from(significant).is_ok_and(|significant| significant <= self.point)
    }
}

/// The whole number that a decimal like `18.0` or `1.8e1` is, by its own digits: a double may round what is none to one.
pub fn whole_decimal(text: &str) -> Option<i64> {
    let Digits { sign, all, point } = Digits::of(text)?;
    let significant = all.trim_end_matches('0');
    if significant.trim_start_matches('0').is_empty() {
        return Some(0);
    }
    let zeros = usize::try_from(point).ok()?.checked_sub(significant.len())?;
    let significant = significant.trim_start_matches('0');
    // No i64 has more.
    if significant.len() + zeros > 19 {
        return None;
    }
    format!("{sign}{significant}{}", "0".repeat(zeros)).parse().ok()
}

/// A text without white space around it.
fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => text.trim().into(),
        Cow::Owned(text) if text.trim().len() == text.len() => text.into(),
        Cow::Owned(text) => text.trim().to_owned().into(),
    }
}

fn string<'v>(column: &Column, text: Cow<'v, str>) -> Result<Typed<'v>, Refusal> {
    if text.contains('\0') {
        return Err(("nul_byte", "the value has a NUL byte, which no text has".to_owned()));
    }
    let text = if column.trims() { trimmed(text) } else { text };
    let text = match &column.extract {
        None => text,
        Some(pattern) => match pattern.captures(&text).and_then(|groups| groups.get(1)) {
            Some(group) => Cow::Owned(group.as_str().to_owned()),
            None => return Ok(Typed::Null),
        },
    };
    if !column.one_of.is_empty() && !column.one_of.iter().any(|known| *known == text) {
        return Err(not_a("not_in_list", "one of those declared"));
    }
    if column.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(&text)) {
        return Err(("wrong_pattern", "the value does not match the declared pattern".to_owned()));
    }
    Ok(Typed::Text(text))
}

/// The date that a text says.
fn date(formats: &[TimeFormat], text: &str) -> Option<NaiveDate> {
    if formats.is_empty() {
        // The parser takes other numbers of digits for a year: more of them are at least a date.
        return parse_day(text).ok().or_else(|| text.parse().ok().filter(|date| !years::has(*date)));
    }
    formats.iter().find_map(|format| match format {
        TimeFormat::Rfc3339 => rfc3339(text).map(|time| time.date_naive()),
        TimeFormat::Pattern(pattern) if !years::has_whole_year(text, pattern) => None,
        TimeFormat::Pattern(pattern) => {
            let with_time = || local_of(text, pattern).map(|time| time.date());
            parsed_date(text, pattern).or_else(with_time)
        }
        TimeFormat::Excel => excel(text).filter(|time| time.time() == NaiveTime::MIN).map(|time| time.date()),
        TimeFormat::EpochMs | TimeFormat::EpochS | TimeFormat::EpochUs | TimeFormat::EpochNs => None,
    })
}

/// The instant that a text says, in microseconds since 1970, or two of them.
fn instant(column: &Column, text: &str) -> Result<Typed<'static>, Refusal> {
    let known = if column.format.is_empty() { &[TimeFormat::Rfc3339] } else { column.format.as_slice() };
    let mut refusal = None;
    for format in known {
        let local_time = match format {
            TimeFormat::EpochS | TimeFormat::EpochMs | TimeFormat::EpochUs | TimeFormat::EpochNs => {
                match epoch(format, text) {
                    Some(Some(micros)) if years::INSTANTS.contains(&micros) => return Ok(Typed::Int(micros)),
                    Some(_) => refusal = Some(years::out_of_range()),
                    None => {}
                }
                continue;
            }
            TimeFormat::Rfc3339 => match rfc3339(text) {
                Some(time) => return Ok(Typed::Int(time.timestamp_micros())),
                None => without_offset(text),
            },
            TimeFormat::Excel => excel(text),
            TimeFormat::Pattern(pattern) if !years::has_whole_year(text, pattern) => None,
            TimeFormat::Pattern(pattern) if format.has_offset() => match with_offset(text, pattern) {
                Some(time) => return Ok(Typed::Int(time.timestamp_micros())),
                None => None,
            },
            TimeFormat::Pattern(pattern) if has_time_of_day(pattern) => local_of(text, pattern),
            TimeFormat::Pattern(pattern) => parsed_date(text, pattern).map(|day| day.and_time(NaiveTime::MIN)),
        };
        match local_time.map(|time| local(column, time)) {
            Some(Ok(typed)) => return Ok(typed),
            Some(Err(why)) => refusal = Some(why),
            None => {}
        }
    }
    Err(refusal.unwrap_or_else(|| not_a("not_a_timestamp", &format!("a time like {}", example(known)))))
}

/// Microseconds since 1970 of a count from there such as `1762000000.5` or `1.762e9`: `None` if it is no count, and none
/// within if no 64 bits hold it. What is less than a microsecond is cut off, as it is of a time with more digits.
fn epoch(format: &TimeFormat, text: &str) -> Option<Option<i64>> {
    let places = match format {
        TimeFormat::EpochS => 6,
        TimeFormat::EpochMs => 3,
        TimeFormat::EpochNs => -3,
        _ => 0,
    };
    let Digits { sign, all, point } = Digits::of(text)?;
    let is_zero = all.bytes().all(|digit| digit == b'0');
    let leading = all.len() - all.trim_start_matches('0').len();
    let whole = point.checked_add(places)?;
    // No i64 has more digits.
    if !is_zero && whole.checked_sub(i64::try_from(leading).ok()?)? > 19 {
        return Some(None);
    }
    let whole = usize::try_from(whole).unwrap_or_default();
    let (kept, cut) = all.split_at_checked(whole).unwrap_or((&all, ""));
    let zeros = if is_zero { 0 } else { whole - kept.len() };
    let is_cut = cut.bytes().any(|digit| digit != b'0');
    let count: i128 = format!("0{kept}{}", "0".repeat(zeros)).parse().ok()?;
    // Before 1970, what is cut off makes a time earlier.
    Some(i64::try_from(if sign.is_empty() { count } else { -count - i128::from(is_cut) }).ok())
}

/// The date and time of day of a number of Excel's.
fn excel(text: &str) -> Option<NaiveDateTime> {
    excel_time(fast_float2::parse(text.as_bytes()).ok()?)
}

/// The date and time of day that so many of Excel's days are, to the millisecond. Excel has a 29 February 1900, which was
/// none, and ends with the year 9999: what is beyond is a time of the year 10000.
pub fn excel_time(days: f64) -> Option<NaiveDateTime> {
    const MILLIS: f64 = 86_400_000.0;
    const END: f64 = 2_958_466.0;
    if !(1.0..f64::INFINITY).contains(&days) || (60.0..61.0).contains(&days) {
        return None;
    }
    let days = days.min(END);
    let first = NaiveDate::from_ymd_opt(1899, 12, if days < 60.0 { 31 } else { 30 })?;
    // At most 2^48: a double has them all.
    let millis = (days * MILLIS).round() as i64;
    first.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::try_milliseconds(millis)?)
}

/// A time or a date as it is declared, for messages.
fn example(formats: &[TimeFormat]) -> String {
    let time = DateTime::from_timestamp(1_795_042_800, 0).unwrap_or_default();
    match formats.first() {
        None => time.format("%Y-%m-%d").to_string(),
        Some(TimeFormat::Rfc3339) => time.to_rfc3339_opts(SecondsFormat::Secs, true),
        Some(TimeFormat::EpochMs) => time.timestamp_millis().to_string(),
        Some(TimeFormat::EpochS) => time.timestamp().to_string(),
        Some(TimeFormat::EpochUs) => time.timestamp_micros().to_string(),
        Some(TimeFormat::EpochNs) => format!("{}000", time.timestamp_micros()),
        Some(TimeFormat::Excel) => "46344.958333".to_owned(),
        Some(TimeFormat::Pattern(pattern)) => {
            let mut text = String::new();
            // Some ways to write a time are only read.
            match write!(text, "{}", time.format(&pattern.replace("%#z", "%z"))) {
                Ok(()) => text,
                Err(_) => pattern.clone(),
            }
        }
    }
}

/// Other ways of ISO 8601 to write an instant than that of RFC 3339: without seconds, or without marks.
const ISO_INSTANTS: [&str; 4] =
    ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z", "%Y%m%dT%H%M%S%.f%#z", "%Y%m%dT%H%M%#z"];
/// The same without an offset. Seconds are looked for first.
const ISO_LOCAL: [&str; 3] = ["%Y-%m-%dT%H:%M", "%Y%m%dT%H%M%S%.f", "%Y%m%dT%H%M"];

/// A time of RFC 3339, or one that ISO 8601 writes otherwise. `24:00` is midnight of the next day.
fn rfc3339(text: &str) -> Option<DateTime<FixedOffset>> {
    let parsed = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    let midnight = || {
        let time = parsed(&with_midnight(text, 11)?)?;
        (time.time() == NaiveTime::MIN).then(|| time.checked_add_days(Days::new(1)))?
    };
    parsed(text).or_else(midnight).or_else(|| {
        let is_instant = ends_in_offset(text);
        // PostgreSQL and others write a blank in place of the T.
        let parts = text.split_at_checked(10).filter(|_| is_instant);
        let with_t = parts.and_then(|(date, time)| {
            Some(format!("{date}T{}", time.strip_prefix(' ').filter(|time| !time.starts_with(' '))?))
        });
        let text = with_t.as_deref().unwrap_or(text);
        iso(text, &ISO_INSTANTS).filter(|_| is_instant).find_map(|pattern| with_offset(text, pattern))
    })
}

/// A time like RFC 3339 or ISO 8601, but for the offset.
fn without_offset(text: &str) -> Option<NaiveDateTime> {
    let pattern = "%Y-%m-%d %H:%M:%S%.f";
    let with_blank = |text: &str| NaiveDateTime::parse_from_str(text, pattern).ok();
    let parsed = |text: &str| text.parse().ok().or_else(|| with_blank(text));
    let usual = || parsed(text).or_else(|| next_day(parsed(&with_midnight(text, 11)?)?));
    let usual = if years::has_whole_year(text, pattern) { usual() } else { None };
    usual.or_else(|| iso(text, &ISO_LOCAL).find_map(|pattern| local_of(text, pattern)))
}

/// Those of the patterns that a text may be written by: its `T` stands behind a date with or without marks.
fn iso<'p>(text: &str, patterns: &'p [&'p str]) -> impl Iterator<Item = &'p str> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is_marked = bytes.get(10) == Some(&b'T') && bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    let is_plain = bytes.get(8) == Some(&b'T') && (0..8).all(is_digit);
    patterns.iter().copied().filter(move |pattern| if pattern.contains('-') { is_marked } else { is_plain })
}

/// Whether something like `Z` or `+0100` stands behind the time of day.
fn ends_in_offset(text: &str) -> bool {
    text.ends_with(['Z', 'z']) || text.get(9..).is_some_and(|time| time.contains(['+', '-']))
}

/// The date and time of day that a text says. `24:00` is midnight of the next day.
fn local_of(text: &str, pattern: &str) -> Option<NaiveDateTime> {
    let parsed = |text: &str| parsed_time(text, pattern)?.to_naive_datetime_with_offset(0).ok();
    parsed(text).or_else(|| next_day(parsed(&with_midnight(text, hour_in(text, pattern)?)?)?))
}

/// The same of a text that says how far it is from UTC.
fn with_offset(text: &str, pattern: &str) -> Option<DateTime<FixedOffset>> {
    let parsed = |text: &str| parsed_time(text, pattern)?.to_datetime().ok();
    parsed(text).or_else(|| {
        let time = parsed(&with_midnight(text, hour_in(text, pattern)?)?)?;
        (time.time() == NaiveTime::MIN).then(|| time.checked_add_days(Days::new(1)))?
    })
}

fn next_day(midnight: NaiveDateTime) -> Option<NaiveDateTime> {
    (midnight.time() == NaiveTime::MIN).then(|| midnight.checked_add_days(Days::new(1)))?
}

/// The text with `00` in place of a `24` that begins at `at`.
fn with_midnight(text: &str, at: usize) -> Option<String> {
    let (before, rest) = text.split_at_checked(at)?;
    Some(format!("{before}00{}", rest.strip_prefix("24")?))
}

/// Where in a text the hour of 24 stands.
fn hour_in(text: &str, pattern: &str) -> Option<usize> {
    let items: Vec<Item> = StrftimeItems::new(pattern).collect();
    let at = items.iter().position(|item| matches!(item, Item::Numeric(Numeric::Hour, _)))?;
    let rest = parse_and_remainder(&mut Parsed::new(), text, items.iter().take(at)).ok()?;
    Some(text.len() - rest.trim_start().len())
}

/// The instant of a local time of the column's zone, or two where clocks are set back, by the column's rule for them.
fn local(column: &Column, local: NaiveDateTime) -> Result<Typed<'static>, Refusal> {
    let Some(zone) = column.zone else {
        return Err(("missing_offset", "the time does not say how far it is from UTC".to_owned()));
    };
    let micros = |time: DateTime<chrono_tz::Tz>| time.timestamp_micros();
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(time) => Ok(Typed::Int(micros(time))),
        MappedLocalTime::Ambiguous(one, other) => {
            let (earlier, later) = (micros(one).min(micros(other)), micros(one).max(micros(other)));
            match column.ambiguous() {
                Ambiguous::Order => Ok(Typed::Twice(Twice { earlier, later })),
                Ambiguous::Earlier => Ok(Typed::Int(earlier)),
                Ambiguous::Later => Ok(Typed::Int(later)),
                Ambiguous::Reject => {
                    Err(("ambiguous_time", format!("the time comes twice in {zone}, where clocks are set back")))
                }
            }
        }
        MappedLocalTime::None => {
            let why = format!("there is no such time in {zone}: clocks skip it, where they are set forward");
            Err(("not_a_timestamp", why))
        }
    }
}

fn not_a(code: &'static str, wanted: &str) -> Refusal {
    (code, format!("the value is not {wanted}"))
}
