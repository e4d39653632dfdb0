//! A mistake in a declaration: where it is, as a path of keys, and what is wrong.

use std::collections::VecDeque;
use std::fmt::{self, Display};

use toml::de::{DeTable, DeValue};

use crate::suggest::nearest;

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

/// What the TOML reader reports, without the names that types have in Rust.
pub fn plain(message: &str) -> String {
    if message.starts_with("invalid basic string") {
        return "a text in \"quotes\" is not closed on its line, or has a \\ that is not written \\\\".to_owned();
    }
    if message.starts_with("invalid literal string") {
        return "a text in 'quotes' is not closed on its line".to_owned();
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        return match rest.split_once(", expected ") {
            Some((found, known)) => {
                let known = known.trim_start_matches("one of ");
                format!("unknown value {found}, expected {known}")
            }
            None => format!("unknown value {rest}"),
        };
    }
    if let Some((found, wanted)) =
        message.strip_prefix("invalid length ").and_then(|rest| rest.split_once(", expected "))
    {
        return match wanted.strip_prefix("an array of length ") {
            Some(wanted) => format!("{wanted} values are expected here, not {found}"),
            None => format!("{wanted} is expected here, and there are {found} values"),
        };
    }
    let typed = ["invalid type: ", "invalid value: "].iter().find_map(|prefix| message.strip_prefix(prefix));
    match typed.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, wanted)) => format!("{} is expected here, not {}", wanted_type(wanted), found_value(found)),
        None => message.to_owned(),
    }
}

fn wanted_type(name: &str) -> &str {
    match name {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" | "str" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list in [ ]",
        "a map" => "a table",
        "a character" => "a single character in quotes",
        name if name.starts_with("struct ") => "a table",
        name => name,
    }
}

fn found_value(found: &str) -> String {
    for (name, shown) in [
        ("string ", "the text "),
        ("integer ", ""),
        ("floating point ", ""),
        ("boolean ", ""),
        ("character ", "the text "),
    ] {
        if let Some(value) = found.strip_prefix(name) {
            return format!("{shown}{}", value.trim_matches('`'));
        }
    }
    match found {
        "sequence" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        found => found.to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_no_words_of_rust() {
        for (message, wanted) in [
            (
                "invalid type: string \"30\", expected u32",
                "a whole number from 0 on is expected here, not the text \"30\"",
            ),
            ("invalid value: integer `-1`, expected u64", "a whole number from 0 on is expected here, not -1"),
            (
                "invalid type: string \"x, expected y\", expected f64",
                "a number is expected here, not the text \"x, expected y\"",
            ),
            ("invalid type: string \"a\", expected a sequence", "a list in [ ] is expected here, not the text \"a\""),
            ("invalid type: map, expected a boolean", "true or false is expected here, not a table"),
            ("invalid type: sequence, expected struct Csv", "a table is expected here, not a list"),
            ("invalid length 3, expected an array of length 2", "2 values are expected here, not 3"),
            ("unknown variant `a`, expected one of `b`, `c`", "unknown value `a`, expected `b`, `c`"),
            ("unknown variant `a`, expected `b` or `c`", "unknown value `a`, expected `b` or `c`"),
            ("duplicate key", "duplicate key"),
        ] {
            assert_eq!(plain(message), wanted);
        }
        assert!(plain("invalid basic string, expected `\"`").contains("not closed"));
    }
}
