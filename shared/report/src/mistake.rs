//! A mistake in a declaration: the line, the key, and what to do.

use std::fmt::{self, Display};

use words::suggest::nearest;
use words::toml::plain;

/// What is wrong with a `report.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    line: Option<usize>,
    key: String,
    why: String,
}

impl Mistake {
    /// A mistake at a key; `at` is its place in bytes of the text.
    pub(crate) fn new(text: &str, at: Option<usize>, key: impl Display, why: impl Display) -> Self {
        let line = at.map(|at| text.get(..at).unwrap_or_default().matches('\n').count() + 1);
        Self { line, key: key.to_string(), why: why.to_string() }
    }

    /// What the TOML reader reports, with the known key that is nearest to an unknown one.
    pub(crate) fn toml(text: &str, error: &toml::de::Error) -> Self {
        let mut why = plain(error.message());
        let quoted: Vec<&str> = error.message().split('`').skip(1).step_by(2).collect();
        let mut key = String::new();
        if let Some((found, known)) = quoted.split_first()
            && error.message().starts_with("unknown")
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

#[cfg(test)]
mod tests {
    use crate::Report;

    #[test]
    fn messages_of_the_toml_reader_have_no_words_of_rust() {
        for (text, wanted) in [
            ("[[page]]\nname = 'a'\ntitle = 3\n", "line 3: a text in quotes is expected here, not 3"),
            ("page = 'a'\n", "line 1: a list in [ ] is expected here, not the text \"a\""),
            ("[[page]]\nnmae = 'a'\n", "line 2: nmae: unknown field `nmae`"),
        ] {
            let mistake = Report::parse(text).unwrap_err().to_string();
            assert!(mistake.starts_with(wanted), "{mistake}");
        }
    }
}
