//! What a table makes of a value: whether it is one, stands for a missing one, or rejects its row.
//!
//! `clean` decides that when it makes rows. A source must know it before: what will be rejected replaces no value that is
//! there. Values of rows are typed by the one function for both ([`check`]); what two formats and rows do beside it stands
//! here again without the value, and a test of `clean` holds the two together.

use serde_json::value::RawValue;

use super::column::Column;
use super::table::Table;
use crate::json::{Json, Object};
use crate::value::{Raw, Refusal, Typed, check, whole_decimal};

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

impl From<Result<Typed<'_>, Refusal>> for Verdict {
    fn from(checked: Result<Typed<'_>, Refusal>) -> Self {
        match checked {
            Err(_) => Self::Refused,
            Ok(Typed::Null) => Self::Missing,
            Ok(_) => Self::Value,
        }
    }
}

impl Column {
    /// What formats of rows make of a value: numbers, dates and the like may be texts.
    pub fn judge(&self, value: Option<&RawValue>) -> Verdict {
        check(self, Raw::from(value)).into()
    }

    /// What `codetrack-weeks` makes of a count: a whole number, or a text of one.
    pub fn judge_count(&self, value: Option<&RawValue>) -> Verdict {
        let count: Option<i64> = match value.map(Json::of) {
            None | Some(Ok(Json::Null)) => return Verdict::Missing,
            Some(Ok(Json::Text(text))) => text.trim().parse().ok(),
            Some(Ok(Json::Number(digits))) => digits.parse().ok().or_else(|| whole_decimal(digits)),
            _ => None,
        };
        let accepted = count.is_some_and(|count| self.refuse_number(count as f64).is_none());
        if accepted { Verdict::Value } else { Verdict::Refused }
    }

    /// What `irceline-values` makes of a value: a number, or a text that stands for a missing one.
    pub fn judge_number(&self, value: Option<&RawValue>) -> Verdict {
        match value.map(Json::of) {
            // What is no text is no value either.
            None | Some(Ok(Json::Null) | Err(_)) => Verdict::Missing,
            Some(Ok(Json::Text(text))) if self.is_missing_text(&text) => Verdict::Missing,
            Some(Ok(Json::Number(digits))) => {
                let number = digits.parse().ok().filter(|number: &f64| number.is_finite());
                number.map_or(Verdict::Refused, |number| match self.refuse_number(number) {
                    _ if self.is_missing_number(number) => Verdict::Missing,
                    Some(_) => Verdict::Refused,
                    None => Verdict::Value,
                })
            }
            Some(Ok(Json::Text(_) | Json::Bool(_) | Json::List(_) | Json::Object(_))) => Verdict::Refused,
        }
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
    /// What the formats `json` and `responses` make of a row; `request` is what got it. What is no object has no members. An
    /// empty or blank text is a value to its table; for what is known it is none.
    pub fn judge(&self, row: &str, request: &str) -> Judged {
        let (row, request) = (Object::of_text(row).unwrap_or_default(), Object::of_text(request).unwrap_or_default());
        let typed = |column: &Column| -> (Verdict, bool) {
            let raw = match (&column.path, &column.request) {
                (Some(path), _) => row.pointer(path).into(),
                (_, Some(path)) => request.pointer(path).into(),
                _ if !column.joined.is_empty() => joined(column, &row),
                _ => column.fields().find_map(|name| row.member(name)).into(),
            };
            let checked = check(column, raw);
            let is_blank = matches!(&checked, Ok(Typed::Text(text)) if text.trim().is_empty());
            (checked.into(), is_blank)
        };
        let own = |column: &Column| typed(column).0;
        let verdict = |column: &Column| -> Verdict {
            let verdict = match column.day_of.as_ref().and_then(|of| self.column(of)) {
                Some(of) if own(of) == Verdict::Missing && column.required => Verdict::Refused,
                Some(of) => own(of),
                None => match typed(column) {
                    (_, true) => return Verdict::Missing,
                    (verdict, false) => verdict,
                },
            };
            let is_key = !self.key_may_be_null && self.key.contains(&column.name);
            if verdict == Verdict::Missing && is_key { Verdict::Refused } else { verdict }
        };
        Judged(self.columns.iter().map(verdict).collect())
    }
}

/// The values of several members, joined by a blank; those that are missing or blank are left out.
fn joined<'v>(column: &Column, row: &Object<'v>) -> Raw<'v> {
    let mut text = String::new();
    for name in &column.joined {
        let value = Raw::from(row.member(name));
        let part = match &value {
            Raw::Text(part) => part.trim(),
            Raw::Number(digits) => digits,
            Raw::Missing => "",
            Raw::HalfCharacter => return Raw::HalfCharacter,
            Raw::Vague(_) | Raw::Bool(_) | Raw::Nested | Raw::Stamp { .. } => return Raw::Nested,
        };
        if !text.is_empty() && !part.is_empty() {
            text.push(' ');
        }
        text.push_str(part);
    }
    if text.is_empty() { Raw::Missing } else { Raw::Text(text.into()) }
}

#[cfg(test)]
mod tests;
