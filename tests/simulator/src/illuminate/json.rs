//! Rows as JSON, whose scalars are text in some answers and numbers in others.

use serde_json::{Map, Value};

/// How scalars are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// Everything is text, `mastered` is `t` or `f`.
    Text,
    /// Everything that looks like a number is one, ids included; `mastered` is true or false.
    Numbers,
    /// Ids are text, amounts are numbers: what a test compares with.
    Typed,
}

/// A field's value before it is written.
#[derive(Clone, Debug)]
pub(crate) enum Scalar {
    Null,
    /// Never written as a number.
    Text(String),
    /// An id or a code, which may be written as a number if it consists of digits.
    Id(String),
    Integer(u64),
    Decimal(f64),
    Flag(bool),
}

impl Scalar {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn id(id: impl ToString) -> Self {
        Self::Id(id.to_string())
    }

    pub(crate) fn optional<T>(value: Option<T>, scalar: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, scalar)
    }

    fn write(self, form: Form) -> Value {
        match (self, form) {
            (Self::Null, _) => Value::Null,
            (Self::Text(text), _) | (Self::Id(text), Form::Text | Form::Typed) => text.into(),
            (Self::Id(text), Form::Numbers) => text.parse::<u64>().map_or_else(|_| text.into(), Value::from),
            (Self::Integer(number), Form::Text) => number.to_string().into(),
            (Self::Integer(number), _) => number.into(),
            (Self::Decimal(number), Form::Text) => number.to_string().into(),
            (Self::Decimal(number), Form::Numbers) if number.fract() == 0.0 => Value::from(number as i64),
            (Self::Decimal(number), _) => number.into(),
            (Self::Flag(flag), Form::Text) => if flag { "t" } else { "f" }.into(),
            (Self::Flag(flag), _) => flag.into(),
        }
    }
}

/// A row's fields in their order.
pub(crate) type Fields = Vec<(&'static str, Scalar)>;

pub(crate) fn object(fields: Fields, form: Form) -> Value {
    let written = fields.into_iter().map(|(name, scalar)| (name.to_owned(), scalar.write(form)));
    Value::Object(Map::from_iter(written))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_differ_in_what_is_text() {
        let fields = || {
            vec![
                ("id", Scalar::id(900_001)),
                ("hex", Scalar::id("5eed1")),
                ("points", Scalar::Integer(3)),
                ("whole", Scalar::Decimal(75.0)),
                ("percent", Scalar::Decimal(62.5)),
                ("mastered", Scalar::Flag(true)),
                ("none", Scalar::Null),
            ]
        };
        let text = json!({"id": "900001", "hex": "5eed1", "points": "3", "whole": "75", "percent": "62.5",
            "mastered": "t", "none": null});
        let numbers = json!({"id": 900001, "hex": "5eed1", "points": 3, "whole": 75, "percent": 62.5,
            "mastered": true, "none": null});
        let typed = json!({"id": "900001", "hex": "5eed1", "points": 3, "whole": 75.0, "percent": 62.5,
            "mastered": true, "none": null});
        assert_eq!(object(fields(), Form::Text), text);
        assert_eq!(object(fields(), Form::Numbers), numbers);
        assert_eq!(object(fields(), Form::Typed), typed);
    }
}
