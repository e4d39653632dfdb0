//! A mistake in a declaration: where it is, as a path of keys, and what is wrong.

use std::collections::VecDeque;
use std::fmt::{self, Display};

use toml::de::{DeTable, DeValue};

/// What is wrong with a declaration, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    path: VecDeque<String>,
    why: String,
}

/// From here on a name is taken for a slip of the pen: 1 is the same, 0 has nothing in common.
const LIKELY: f64 = 0.8;

fn likeness(found: &str, known: &str) -> f64 {
    strsim::jaro_winkler(found, known)
}

impl Mistake {
    /// A mistake at this place.
    pub fn new(why: impl Display) -> Self {
        Self { path: VecDeque::new(), why: why.to_string() }
    }

    /// What the TOML reader says. A key that it names is the place.
    pub fn toml(error: &toml::de::Error) -> Self {
        let mut mistake = Self::new(error.message());
        let told = error.to_string();
        let place = told.rsplit_once("\nin `").and_then(|(_, rest)| rest.split('`').next()).unwrap_or_default();
        mistake.path = place.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect();
        let quoted: Vec<&str> = error.message().split('`').skip(1).step_by(2).collect();
        let Some((found, known)) = quoted.split_first() else { return mistake };
        if error.message().starts_with("unknown") {
            let nearest = known.iter().max_by(|a, b| likeness(found, a).total_cmp(&likeness(found, b)));
            if let Some(nearest) = nearest.filter(|name| likeness(found, name) > LIKELY) {
                mistake.why.push_str(&format!("; did you mean `{nearest}`?"));
            }
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

impl Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.why);
        }
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        write!(f, "{}: {}", path.join("."), self.why)
    }
}
