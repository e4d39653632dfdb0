//! Text that becomes part of a page. Whatever is not written by this crate goes through [`text`].

use std::fmt::Display;

/// A value as text of HTML or of an attribute in double quotes: never markup. Control characters that HTML does not allow
/// are left out.
pub(crate) fn text(value: impl Display) -> String {
    let value = value.to_string();
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            // Marks that turn the direction of text could make a value read as something else.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            character if character.is_control() => {}
            character => out.push(character),
        }
    }
    out
}

/// A coordinate or length in a drawing, with at most one decimal.
pub(crate) fn n(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // No "-0".
    let rounded = if rounded == 0.0 { 0.0 } else { rounded };
    format!("{rounded}")
}

/// An address, if it is one that a link may have.
pub(crate) fn link(url: &str) -> Option<String> {
    (url.starts_with("https://") || url.starts_with("http://")).then(|| text(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_text() {
        assert_eq!(text("<script>\"'&\u{0}\u{202e}x"), "&lt;script&gt;&quot;&#39;&amp;x");
    }

    #[test]
    fn only_web_addresses_are_links() {
        assert_eq!(link("javascript:alert(1)"), None);
        assert_eq!(link("https://x/?a=\"b\"").unwrap(), "https://x/?a=&quot;b&quot;");
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!((n(-0.01), n(1.25), n(100.0)), ("0".to_owned(), "1.3".to_owned(), "100".to_owned()));
    }
}
