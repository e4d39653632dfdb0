//! The page over all datasets.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::html::text;
use crate::locale::Locale;
use crate::page::document;

/// One dataset in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The dataset's title.
    pub title: String,
    /// The sentence that its page begins with.
    pub headline: String,
    /// Its newest data, as its page writes it.
    pub newest: String,
    /// Titles and addresses of its pages, seen from the index, such as `irceline/report.html`. Pages below `_personal/` are
    /// for those who may read that folder.
    pub pages: Vec<(String, String)>,
}

/// `consumption/index.html`: what each dataset says, with links to its pages.
pub fn render_index(title: &str, language: &str, entries: &[Entry]) -> String {
    let locale = Locale::new(language, &BTreeMap::new(), chrono_tz::UTC);
    let mut body = format!(
        "<header><p class=\"title\"></p><h1>{}</h1></header><main id=\"main\"><div class=\"charts\">",
        text(title)
    );
    if entries.is_empty() {
        let _ = write!(body, "<p class=\"quiet\">{}</p>", text(locale.word("no_data")));
    }
    for entry in entries {
        let first = entry.pages.first().map(|(_, href)| text(href)).unwrap_or_default();
        let _ = write!(
            body,
            "<article><h2><a href=\"{first}\">{}</a></h2><p>{}</p>",
            text(&entry.title),
            text(&entry.headline)
        );
        if !entry.newest.is_empty() {
            let _ = write!(body, "<p class=\"quiet\">{} {}</p>", text(locale.word("newest")), text(&entry.newest));
        }
        if entry.pages.len() > 1 {
            body.push_str("<ul>");
            for (title, href) in &entry.pages {
                let lock = if href.contains("/_personal/") { "🔒 " } else { "" };
                let _ = write!(body, "<li>{lock}<a href=\"{}\">{}</a></li>", text(href), text(title));
            }
            body.push_str("</ul>");
        }
        body.push_str("</article>");
    }
    body.push_str("</div></main>");
    document(&locale, title, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_links_to_all_pages_as_text() {
        let entry = Entry {
            title: "Air <b>".to_owned(),
            headline: "Fine & dry".to_owned(),
            newest: "Thursday".to_owned(),
            pages: vec![
                ("A".to_owned(), "a/report.html".to_owned()),
                ("N".to_owned(), "a/_personal/n.html".to_owned()),
            ],
        };
        let html = render_index("Lake", "en", &[entry]);
        assert!(html.contains("Air &lt;b&gt;") && html.contains("Fine &amp; dry"));
        assert!(html.contains("href=\"a/report.html\"") && html.contains("🔒 <a href=\"a/_personal/n.html\""));
        assert!(render_index("Lake", "nl", &[]).contains("Er zijn nog geen gegevens."));
    }
}
