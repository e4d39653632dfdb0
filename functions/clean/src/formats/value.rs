//! One value into a typed column, by the column's declared rules.

use std::borrow::Cow;

use arrow::datatypes::Date32Type;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeZone, Utc};
use lake::dataset::{Column, ColumnType, Decimal, TimeFormat};
use lake::time::parse_day;
use serde_json::value::RawValue;

use super::exact::Json;
use super::years;

/// Why a value is not acceptable: a stable code and a message without the value.
pub type Refusal = (&'static str, String);

/// A value as the raw object has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw<'v> {
    /// There is none.
    Missing,
    /// Text.
    Text(Cow<'v, str>),
    /// A JSON number, as it stands.
    Number(&'v str),
    /// JSON's true or false.
    Bool(bool),
    /// A JSON list or object.
    Nested,
}

impl<'v> From<Option<&'v RawValue>> for Raw<'v> {
    fn from(value: Option<&'v RawValue>) -> Self {
        match value.map(Json::of) {
            None | Some(Ok(Json::Null)) => Self::Missing,
            Some(Ok(Json::Text(text))) => Self::Text(text),
            Some(Ok(Json::Number(number))) => Self::Number(number),
            Some(Ok(Json::Bool(truth))) => Self::Bool(truth),
            // What is no text of ours (half of a surrogate pair) is no single value.
            Some(Ok(Json::List(_) | Json::Object(_)) | Err(_)) => Self::Nested,
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
}

/// Types and checks a value: missing values first, then the type, then the rules.
pub fn check<'v>(column: &Column, raw: Raw<'v>) -> Result<Typed<'v>, Refusal> {
    let typed = match raw {
        Raw::Missing => Typed::Null,
        Raw::Text(text) if column.is_missing_text(&text) => Typed::Null,
        // An empty text is a text, and nothing else.
        Raw::Text(text) if column.kind != ColumnType::String && text.trim().is_empty() => Typed::Null,
        Raw::Number(number) if double(number).is_some_and(|number| column.is_missing_number(number)) => Typed::Null,
        raw => convert(column, raw)?,
    };
    let number = match typed {
        Typed::Float(number) => Some(number),
        // Bounds are small: the rounding of huge integers does not move them across.
        Typed::Int(number) if column.kind == ColumnType::Int64 => Some(number as f64),
        _ => None,
    };
    let typed = if number.is_some_and(|number| column.is_missing_number(number)) { Typed::Null } else { typed };
    require(column, &typed)?;
    match number.filter(|_| typed != Typed::Null).and_then(|number| column.refuse_number(number)) {
        Some(refusal) => Err(refusal),
        None => Ok(typed),
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
    let text: Cow<'v, str> = match raw {
        Raw::Text(Cow::Borrowed(text)) => text.trim().into(),
        Raw::Text(Cow::Owned(text)) => text.trim().to_owned().into(),
        Raw::Number(number) => number.into(),
        Raw::Bool(truth) => if truth { "true" } else { "false" }.into(),
        Raw::Missing | Raw::Nested => {
            return Err(("wrong_type", "a single value was expected, not a list or an object".to_owned()));
        }
    };
    match column.kind {
        ColumnType::String => string(column, text),
        ColumnType::Int64 => {
            let from_float = column.round || is_number;
            let whole = text.parse().ok().or_else(|| if from_float { whole(&text, column.round) } else { None });
            whole.map(Typed::Int).ok_or_else(|| not_a("not_an_integer", "an integer"))
        }
        ColumnType::Float64 => {
            let text = if column.decimal == Decimal::Comma && !is_number { with_point(&text).into() } else { text };
            let number: f64 = fast_float2::parse(text.as_bytes()).map_err(|_| not_a("not_a_number", "a number"))?;
            if is_number && number.is_infinite() {
                return Err(("out_of_range", "the number is beyond the range of doubles".to_owned()));
            }
            Ok(Typed::Float(if column.round { number.round_ties_even() } else { number }))
        }
        ColumnType::Bool => {
            let is_in = |known: &[String]| known.iter().any(|known| known.eq_ignore_ascii_case(&text));
            match (is_in(&column.true_values), is_in(&column.false_values)) {
                (true, _) => Ok(Typed::Bool(true)),
                (_, true) => Ok(Typed::Bool(false)),
                _ => Err(not_a("not_a_bool", "true or false")),
            }
        }
        ColumnType::Date => {
            let date = date(&column.format, &text);
            let date = date.ok_or_else(|| not_a("not_a_date", &format!("a date like {}", example(&column.format))))?;
            let is_junk = column.null_before.is_some_and(|first| date < first);
            if !is_junk && !years::has(date) {
                return Err(years::out_of_range());
            }
            Ok(if is_junk { Typed::Null } else { Typed::Int(i64::from(Date32Type::from_naive_date(date))) })
        }
        ColumnType::Timestamp => {
            let micros = instant(column, &text)?;
            if years::INSTANTS.contains(&micros) { Ok(Typed::Int(micros)) } else { Err(years::out_of_range()) }
        }
    }
}

/// `1234,5` with a point. A point in it becomes what no number has: it may stand between thousands or for decimals.
fn with_point(text: &str) -> String {
    text.replace('.', " ").replace(',', ".")
}

/// A whole number that is written like `18.0`, or any number to be rounded.
fn whole(text: &str, round: bool) -> Option<i64> {
    if let Some(exact) = whole_decimal(text) {
        return Some(exact);
    }
    let number: f64 = fast_float2::parse(text.as_bytes()).ok().filter(|_| round)?;
    let rounded = number.round_ties_even();
    // Beyond 2^53 a double does not tell whole numbers apart.
    (rounded.abs() <= 9_007_199_254_740_992.0).then_some(rounded as i64)
}

/// The whole number that a decimal like `18.0` or `1.8e1` is, by its own digits.
fn whole_decimal(text: &str) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |digits| ("-", digits));
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    if before.is_empty() || !before.bytes().chain(after.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let all = format!("{before}{after}");
    let significant = all.trim_end_matches('0');
    if significant.trim_start_matches('0').is_empty() {
        return Some(0);
    }
    // How many digits stand before the point, once it is moved.
    let point = i64::try_from(before.len()).ok()? + i64::from(exponent);
    let zeros = usize::try_from(point).ok()?.checked_sub(significant.len())?;
    let significant = significant.trim_start_matches('0');
    // No i64 has more.
    if significant.len() + zeros > 19 {
        return None;
    }
    format!("{sign}{significant}{}", "0".repeat(zeros)).parse().ok()
}

fn string<'v>(column: &Column, text: Cow<'v, str>) -> Result<Typed<'v>, Refusal> {
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
        TimeFormat::Rfc3339 => DateTime::parse_from_rfc3339(text).ok().map(|time| time.date_naive()),
        TimeFormat::Pattern(pattern) if !years::has_whole_year(text, pattern) => None,
        TimeFormat::Pattern(pattern) => {
            let with_time = || NaiveDateTime::parse_from_str(text, pattern).ok().map(|time| time.date());
            NaiveDate::parse_from_str(text, pattern).ok().or_else(with_time)
        }
        TimeFormat::EpochMs | TimeFormat::EpochS => None,
    })
}

/// The microseconds since 1970 of the instant that a text says.
fn instant(column: &Column, text: &str) -> Result<i64, Refusal> {
    let known = if column.format.is_empty() { &[TimeFormat::Rfc3339] } else { column.format.as_slice() };
    let mut refusal = None;
    for format in known {
        let found = match format {
            TimeFormat::EpochMs => text.parse::<i64>().ok().and_then(|millis| millis.checked_mul(1000)),
            TimeFormat::EpochS => text.parse::<i64>().ok().and_then(|seconds| seconds.checked_mul(1_000_000)),
            TimeFormat::Rfc3339 => match DateTime::parse_from_rfc3339(text) {
                Ok(time) => Some(time.timestamp_micros()),
                Err(_) => match (without_offset(text), column.zone) {
                    (Some(local), Some(_)) => to_utc(column, local),
                    (Some(_), None) => {
                        refusal = Some(("missing_offset", "the time does not say how far it is from UTC".to_owned()));
                        None
                    }
                    (None, _) => None,
                },
            },
            TimeFormat::Pattern(pattern) if !years::has_whole_year(text, pattern) => None,
            TimeFormat::Pattern(pattern) if format.has_offset() => {
                DateTime::parse_from_str(text, pattern).ok().map(|time| time.timestamp_micros())
            }
            TimeFormat::Pattern(pattern) => {
                let midnight = || NaiveDate::parse_from_str(text, pattern).ok().map(|day| day.and_time(NaiveTime::MIN));
                let local = NaiveDateTime::parse_from_str(text, pattern).ok().or_else(midnight);
                local.and_then(|local| to_utc(column, local))
            }
        };
        if let Some(micros) = found {
            return Ok(micros);
        }
    }
    Err(refusal.unwrap_or_else(|| not_a("not_a_timestamp", &format!("a time like {}", example(known)))))
}

/// A time or a date as it is declared, for messages.
fn example(formats: &[TimeFormat]) -> String {
    let time = DateTime::from_timestamp(1_795_042_800, 0).unwrap_or_default();
    match formats.first() {
        None => time.format("%Y-%m-%d").to_string(),
        Some(TimeFormat::Rfc3339) => time.to_rfc3339_opts(SecondsFormat::Secs, true),
        Some(TimeFormat::EpochMs) => time.timestamp_millis().to_string(),
        Some(TimeFormat::EpochS) => time.timestamp().to_string(),
        Some(TimeFormat::Pattern(pattern)) => time.format(pattern).to_string(),
    }
}

/// A time like RFC 3339, but for the offset.
fn without_offset(text: &str) -> Option<NaiveDateTime> {
    let pattern = "%Y-%m-%d %H:%M:%S%.f";
    let with_blank = || NaiveDateTime::parse_from_str(text, pattern).ok();
    if years::has_whole_year(text, pattern) { text.parse().ok().or_else(with_blank) } else { None }
}

/// A local time of the column's zone; the earlier of two where clocks are set back, none where they skip it.
fn to_utc(column: &Column, local: NaiveDateTime) -> Option<i64> {
    let time = column.zone?.from_local_datetime(&local).earliest()?;
    Some(time.with_timezone(&Utc).timestamp_micros())
}

fn not_a(code: &'static str, wanted: &str) -> Refusal {
    (code, format!("the value is not {wanted}"))
}
