//! A mistake in a declaration: where it is, as a path of keys, and what is wrong.

use std::collections::VecDeque;
use std::fmt::{self, Display};

use toml::de::{DeTable, DeValue};
use words::suggest::nearest;
use words::toml::plain;

/// What is wrong with a declaration, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    path: VecDeque<String>,
    why: String,
    /// The line of its file, from 1, where it is known already.
    at: Option<usize>,
}

impl Mistake {
    /// A mistake at this place.
    pub fn new(why: impl Display) -> Self {
        Self { path: VecDeque::new(), why: why.to_string(), at: None }
    }

    /// What the TOML reader says. A key that it names is the place.
    pub fn toml(error: &toml::de::Error) -> Self {
        let mut mistake = Self::new(plain(error.message()));
        let told = error.to_string();
        let place = told.rsplit_once("\nin `").and_then(|(_, rest)| rest.split('`').next()).unwrap_or_default();
        mistake.path = place.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect();
        let quoted: Vec<&str> = error.message().split('`').skip(1).step_by(2).collect();
        let Some((found, known)) = quoted.split_first() else { return mistake };
        if error.message().starts_with("unknown")
            && let Some(nearest) = nearest(found, known.iter().copied())
        {
            mistake.why.push_str(&format!("; did you mean `{nearest}`?"));
        }
        if error.message().starts_with("unknown field") {
            mistake.path.push_back((*found).to_owned());
        }
        mistake
    }

    /// The same mistake as seen from one level further out.
    #[must_use]
    pub fn within(mut self, key: &str) -> Self {
        self.path.push_front(key.to_owned());
        self
    }

    /// The same mistake at a line of its file.
    #[must_use]
    pub fn at(mut self, line: usize) -> Self {
        self.at.get_or_insert(line);
        self
    }

    /// What is wrong, without the place.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// The line of its file, from 1, where it is known without the text.
    pub fn known_line(&self) -> Option<usize> {
        self.at
    }

    /// The line, from 1, of the mistake's place in a TOML text, or of the nearest place around it that is there. `None`
    /// if the text has nothing of it.
    pub fn line(&self, text: &str) -> Option<usize> {
        let document = DeTable::parse(text).ok()?;
        let mut table = document.get_ref();
        let mut found = None;
        for key in &self.path {
            let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref() == key) else { break };
            found = Some(name.span().start);
            let DeValue::Table(inner) = value.get_ref() else { break };
            table = inner;
        }
        found.map(|start| text.get(..start).unwrap_or_default().matches('\n').count() + 1)
    }
}

/// The line, from 1, at which the TOML reader met a mistake in a text.
pub fn line_in(text: &str, error: &toml::de::Error) -> usize {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    before.matches('\n').count() + 1
}

impl Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.why);
        }
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        write!(f, "{}: {}", path.join("."), self.why)
    }
}
