//! A mistake in a declaration: the line, the key, and what to do.

use std::fmt::{self, Display};

/// What is wrong with a `report.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    line: Option<usize>,
    key: String,
    why: String,
}

/// From here on an unknown key is taken for a known one with a slip of the pen.
const LIKELY: f64 = 0.8;

impl Mistake {
    /// A mistake at a key; `at` is its place in bytes of the text.
    pub(crate) fn new(text: &str, at: Option<usize>, key: impl Display, why: impl Display) -> Self {
        let line = at.map(|at| text.get(..at).unwrap_or_default().matches('\n').count() + 1);
        Self { line, key: key.to_string(), why: why.to_string() }
    }

    /// What the TOML reader reports, with the known key that is nearest to an unknown one.
    pub(crate) fn toml(text: &str, error: &toml::de::Error) -> Self {
        let mut why = error.message().to_owned();
        let quoted: Vec<&str> = error.message().split('`').skip(1).step_by(2).collect();
        let mut key = String::new();
        if let Some((found, known)) = quoted.split_first()
            && why.starts_with("unknown")
        {
            key = (*found).to_owned();
            if let Some(nearest) = nearest(found, known.iter().copied()) {
                why.push_str(&format!("; did you mean `{nearest}`?"));
            }
        }
        Self::new(text, error.span().map(|span| span.start), key, why)
    }

    /// The line of the text, from 1.
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

/// The known name that a mistyped one most likely is.
pub(crate) fn nearest<'a>(found: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &str| strsim::jaro_winkler(found, name);
    known.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|name| likeness(name) > LIKELY)
}

impl Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.why)
    }
}

impl std::error::Error for Mistake {}
