//! What a table makes of a value: whether it is one, stands for a missing one, or rejects its row.
//!
//! `clean` decides that when it makes rows. A source must know it before: what will be rejected replaces no value that is
//! there. This is the same decision without the value; a test of `clean` holds the two together.

mod time;

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use super::column::{Column, ColumnType, Decimal};
use super::table::Table;
use crate::json::{self, Members};

/// What a table makes of a value, from the worst to the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Its row is rejected.
    Refused,
    /// There is none.
    Missing,
    /// It is a value.
    Value,
}

/// A single value of JSON.
enum Single<'v> {
    Missing,
    Text(Cow<'v, str>),
    Number(&'v str),
    Bool(bool),
    /// A list, an object, or what is no text.
    Nested,
}

impl<'v> Single<'v> {
    fn of(value: Option<&'v RawValue>) -> Self {
        let Some(value) = value else { return Self::Missing };
        let digits = value.get();
        match digits.bytes().next() {
            Some(b'n') => Self::Missing,
            Some(b't' | b'f') => Self::Bool(digits == "true"),
            Some(b'"') => json::text(value).map_or(Self::Nested, Self::Text),
            Some(b'[' | b'{') => Self::Nested,
            _ => Self::Number(digits),
        }
    }
}

impl Column {
    /// What formats of rows make of a value: numbers, dates and the like may be texts.
    pub fn judge(&self, value: Option<&RawValue>) -> Verdict {
        self.judge_single(Single::of(value))
    }

    fn judge_single(&self, single: Single<'_>) -> Verdict {
        let is_blank = |text: &str| self.kind != ColumnType::String && text.trim().is_empty();
        let verdict = match single {
            Single::Missing => Verdict::Missing,
            Single::Text(text) if self.is_missing_text(&text) || is_blank(&text) => Verdict::Missing,
            Single::Number(digits) if finite(digits).is_some_and(|number| self.is_missing_number(number)) => {
                Verdict::Missing
            }
            Single::Nested => Verdict::Refused,
            Single::Text(text) => self.typed(text.trim(), false),
            Single::Number(digits) => self.typed(digits, true),
            Single::Bool(truth) => self.typed(if truth { "true" } else { "false" }, false),
        };
        self.required_or(verdict)
    }

    /// What `codetrack-weeks` makes of a count: a whole number, or a text of one.
    pub fn judge_count(&self, value: Option<&RawValue>) -> Verdict {
        let parsed = value.map_or(Ok(Value::Null), |value| serde_json::from_str(value.get()));
        let count: Option<i64> = match parsed {
            Ok(Value::Null) => return Verdict::Missing,
            Ok(Value::String(text)) => text.trim().parse().ok(),
            Ok(Value::Number(number)) => number.as_i64().or_else(|| exact(number.as_f64()?)),
            _ => None,
        };
        let accepted = count.is_some_and(|count| self.refuse_number(count as f64).is_none());
        if accepted { Verdict::Value } else { Verdict::Refused }
    }

    /// What `irceline-values` makes of a value: a number, or a text that stands for a missing one.
    pub fn judge_number(&self, value: Option<&RawValue>) -> Verdict {
        let Some(value) = value else { return Verdict::Missing };
        match Single::of(Some(value)) {
            Single::Missing => Verdict::Missing,
            Single::Number(digits) => finite(digits).map_or(Verdict::Refused, |number| self.number(number)),
            Single::Text(text) if self.is_missing_text(&text) => Verdict::Missing,
            // What is no text is no value either.
            Single::Nested if value.get().starts_with('"') => Verdict::Missing,
            Single::Text(_) | Single::Bool(_) | Single::Nested => Verdict::Refused,
        }
    }

    fn required_or(&self, verdict: Verdict) -> Verdict {
        if verdict == Verdict::Missing && self.required { Verdict::Refused } else { verdict }
    }

    fn number(&self, number: f64) -> Verdict {
        match self.refuse_number(number) {
            _ if self.is_missing_number(number) => Verdict::Missing,
            Some(_) => Verdict::Refused,
            None => Verdict::Value,
        }
    }

    /// What a text, or a number's digits, are in the column's type.
    fn typed(&self, text: &str, is_number: bool) -> Verdict {
        let value_if = |is: bool| if is { Verdict::Value } else { Verdict::Refused };
        match self.kind {
            ColumnType::String => self.judge_string(text),
            ColumnType::Int64 => {
                let Some(text) = self.with_plain_marks(text, is_number) else { return Verdict::Refused };
                let count = text.parse().ok().or_else(|| whole(&text, self.round, is_number));
                // Bounds are small: the rounding of huge integers does not move them across.
                count.map_or(Verdict::Refused, |count: i64| self.number(count as f64))
            }
            ColumnType::Float64 => {
                let text = self.with_plain_marks(text, is_number);
                let number = text.and_then(|text| text.parse::<f64>().ok());
                let rounded = number.map(|number| if self.round { number.round_ties_even() } else { number });
                rounded.map_or(Verdict::Refused, |number| self.number(number))
            }
            ColumnType::Bool => {
                let mut known = self.true_values.iter().chain(&self.false_values);
                value_if(known.any(|known| known.eq_ignore_ascii_case(text)))
            }
            ColumnType::Date => self.judge_date(text),
            ColumnType::Timestamp => value_if(self.is_instant(text)),
        }
    }

    fn judge_string(&self, text: &str) -> Verdict {
        let text = match &self.extract {
            None => text,
            Some(pattern) => match pattern.captures(text).and_then(|groups| groups.get(1)) {
                Some(group) => group.as_str(),
                None => return Verdict::Missing,
            },
        };
        let is_listed = self.one_of.is_empty() || self.one_of.iter().any(|known| known == text);
        let matches = self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        if is_listed && matches { Verdict::Value } else { Verdict::Refused }
    }

    /// A number's text with a point before its decimals and nothing between thousands.
    fn with_plain_marks<'v>(&self, text: &'v str, is_number: bool) -> Option<Cow<'v, str>> {
        if is_number {
            return Some(text.into());
        }
        let text: Cow<'v, str> = match self.thousands {
            None => text.into(),
            Some(mark) => mark.without(text, self.decimal.character())?.into(),
        };
        Some(match self.decimal {
            Decimal::Point => text,
            Decimal::Comma => text.replace('.', " ").replace(',', ".").into(),
        })
    }
}

/// What a table makes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged(Vec<Verdict>);

impl Judged {
    /// Whether the row is taken.
    pub fn is_taken(&self) -> bool {
        !self.0.contains(&Verdict::Refused)
    }

    /// What a column of the table makes of it.
    pub fn of(&self, table: &Table, column: &str) -> Option<Verdict> {
        let place = table.columns.iter().position(|known| known.name == column)?;
        self.0.get(place).copied()
    }

    /// What each column makes of it, in their order.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.0
    }
}

impl Table {
    /// What the formats `json` and `responses` make of a row; `request` is what got it. What is no object has no members.
    pub fn judge(&self, row: &str, request: &str) -> Judged {
        let (row, request) = (Members::of(row).unwrap_or_default(), Members::of(request).unwrap_or_default());
        let own = |column: &Column| -> Verdict {
            let value = match (&column.path, &column.request) {
                (Some(path), _) => row.pointer(path),
                (_, Some(path)) => request.pointer(path),
                _ if !column.joined.is_empty() => return column.judge_single(joined(column, &row)),
                _ => column.fields().find_map(|name| row.get(name)),
            };
            column.judge(value)
        };
        let verdict = |column: &Column| -> Verdict {
            let of = column.day_of.as_ref().and_then(|of| self.column(of));
            let verdict = of.map_or_else(|| own(column), |of| column.required_or(own(of)));
            let is_key = !self.key_may_be_null && self.key.contains(&column.name);
            if verdict == Verdict::Missing && is_key { Verdict::Refused } else { verdict }
        };
        Judged(self.columns.iter().map(verdict).collect())
    }
}

/// The values of several members, joined by a blank; those that are missing or blank are left out.
fn joined<'v>(column: &Column, row: &Members<'v>) -> Single<'v> {
    let mut text = String::new();
    for name in &column.joined {
        let value = Single::of(row.get(name));
        let part = match &value {
            Single::Text(part) => part.trim(),
            Single::Number(digits) => digits,
            Single::Missing => "",
            Single::Bool(_) | Single::Nested => return Single::Nested,
        };
        if !text.is_empty() && !part.is_empty() {
            text.push(' ');
        }
        text.push_str(part);
    }
    if text.is_empty() { Single::Missing } else { Single::Text(text.into()) }
}

/// A number of JSON within the range of doubles.
fn finite(digits: &str) -> Option<f64> {
    digits.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A double that is an integer, such as 42.0.
fn exact(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// Beyond 2^53 a double does not tell whole numbers apart.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number that is written like `18.0`, or any number to be rounded. Texts have no exponents: `1E5` may be a code.
fn whole(text: &str, round: bool, is_number: bool) -> Option<i64> {
    let is_plain = is_number || !text.contains(['e', 'E']);
    if is_plain && let Some(exact) = whole_decimal(text.strip_prefix('+').unwrap_or(text)) {
        return Some(exact);
    }
    let number: f64 = text.parse().ok().filter(|_| round)?;
    exact(number.round_ties_even())
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

#[cfg(test)]
mod tests;
