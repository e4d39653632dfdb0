//! Numbers of a declaration.

use std::cmp::Ordering;
use std::fmt;

use serde::Deserialize;

/// A number as it is declared: a whole one keeps all its digits.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

impl TryFrom<toml::Value> for Number {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::Integer(number) => Ok(Self::Int(number)),
            toml::Value::Float(number) if !number.is_nan() => Ok(Self::Float(number)),
            other => Err(format!("{other} is no number")),
        }
    }
}

impl Number {
    /// The double nearest to it.
    pub(super) fn double(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }

    /// How it compares with a whole number, exactly.
    pub(super) fn compare(self, other: i64) -> Ordering {
        match self {
            Self::Int(number) => number.cmp(&other),
            // Its whole part fits into an i128, or is beyond all that an i64 can be.
            Self::Float(number) => {
                let fraction = number.fract().partial_cmp(&0.0).unwrap_or(Ordering::Equal);
                (number.trunc() as i128).cmp(&i128::from(other)).then(fraction)
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
        }
    }
}
