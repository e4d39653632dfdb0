//! Charts as SVG, drawn twice: for a wide column and for a phone. Style sheets show one of them.
//!
//! Lengths are pixels of the column that a drawing is made for, so that texts keep their size.

pub(crate) mod axis;
pub(crate) mod bars;
pub(crate) mod calendar;
pub(crate) mod heatmap;
pub(crate) mod legend;
pub(crate) mod line;
pub(crate) mod map;
pub(crate) mod place;
pub(crate) mod ranking;
pub(crate) mod spark;
pub(crate) mod table;

use crate::declare::{As, Chart, Kind};
use crate::html::{n, text};
use crate::locale::Locale;
use crate::rows::{self, Rows};

/// More marks than this are no picture.
pub const MOST_MARKS: usize = 5_000;
/// The column that the wide drawing is made for.
pub(crate) const WIDE: f64 = 864.0;
/// A phone of 390 pixels, less the margins.
pub(crate) const NARROW: f64 = 358.0;
/// So many series have colours of their own.
pub(crate) const SERIES: usize = 5;

/// What is drawn, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub chart: &'a Chart,
    pub rows: &'a Rows,
    pub locale: &'a Locale,
    /// Whether for a wide column.
    pub wide: bool,
}

impl Job<'_> {
    pub(crate) fn width(&self) -> f64 {
        if self.wide { WIDE } else { NARROW }
    }

    /// A value of the chart with its unit.
    pub(crate) fn told(&self, value: f64) -> String {
        self.locale.with_unit(&self.locale.number(value, self.chart.digits), &self.chart.unit)
    }
}

/// About how many marks a drawing would have, without making any: cells without a value count as well.
pub(crate) fn size(job: &Job<'_>) -> usize {
    let chart = job.chart;
    let different = |role: &str| {
        let column = chart.role(role).unwrap_or_default();
        job.rows.iter().filter_map(|row| row.text(column)).collect::<std::collections::BTreeSet<_>>().len().max(1)
    };
    match chart.kind {
        Kind::Heatmap => {
            let of = |role, shown| heatmap::keys(job, chart.column(role), shown).1.max(1);
            of("x", chart.x_as).saturating_mul(of("y", chart.y_as))
        }
        Kind::Calendar => {
            let days = || job.rows.iter().filter_map(|row| row.day(chart.column("day")));
            let span = days().min().zip(days().max()).map_or(0, |(first, last)| (last - first).num_days() + 1);
            usize::try_from(span).unwrap_or(usize::MAX).saturating_mul(different("group"))
        }
        Kind::Bars => different("x") * different("series"),
        Kind::Table => 0,
        Kind::Line | Kind::Ranking | Kind::Map => job.rows.len(),
    }
}

/// Whether there is a mark to draw. Without one a line has no axis, and bars have none: its numbers would be made up. Cells
/// and points that have no value are hatched, and so are lying bars.
pub(crate) fn has_marks(job: &Job<'_>) -> bool {
    let chart = job.chart;
    let get = |row: rows::Row<'_>, role| row.get(chart.column(role)).is_some();
    let number = |row: rows::Row<'_>, role| row.number(chart.column(role)).is_some();
    let first = job.rows.iter().find_map(|row| row.get(chart.column("x")));
    let measure = axis::measure(chart.x_as, first);
    let mut rows = job.rows.iter();
    match chart.kind {
        Kind::Bars if chart.horizontal && measure == axis::Measure::Names => rows.any(|row| get(row, "x")),
        Kind::Line | Kind::Bars => rows.any(|row| get(row, "x") && number(row, "y")),
        Kind::Heatmap => {
            let mut both = [("x", chart.x_as), ("y", chart.y_as)].into_iter();
            both.all(|(role, shown)| {
                matches!(shown, As::Hour | As::Weekday) || job.rows.iter().any(|row| get(row, role))
            })
        }
        Kind::Calendar => rows.any(|row| row.day(chart.column("day")).is_some()),
        Kind::Map => rows.any(|row| number(row, "longitude") && number(row, "latitude")),
        Kind::Ranking | Kind::Table => true,
    }
}

/// A drawing being made.
pub(crate) struct Canvas {
    pub out: String,
    pub marks: usize,
}

/// Where a text stands at its point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Canvas {
    pub(crate) fn new() -> Self {
        Self { out: String::new(), marks: 0 }
    }

    /// The drawing as an element: `class` is when it is shown.
    pub(crate) fn close(self, job: &Job<'_>, height: f64) -> (String, usize) {
        let class = match (job.wide, job.chart.half) {
            (true, _) => "wide",
            (false, true) => "only",
            (false, false) => "narrow",
        };
        let svg = format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}</svg>",
            n(job.width()),
            n(height),
            text(&job.chart.title),
            self.out
        );
        (svg, self.marks)
    }

    pub(crate) fn text(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, words: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        self.out.push_str(&format!("<text x=\"{}\" y=\"{}\"{anchor}{class}>{}</text>", n(x), n(y), text(words)));
    }

    /// A text that is shortened to a width; all of it is its title.
    pub(crate) fn short_text(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, words: &str, width: f64) {
        let short = shorten(words, width);
        if short == words {
            return self.text(x, y, anchor, class, words);
        }
        self.out.push_str(&format!("<g><title>{}</title>", text(words)));
        self.text(x, y, anchor, class, &short);
        self.out.push_str("</g>");
    }

    pub(crate) fn rule(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, class: &str) {
        let at = [x1, y1, x2, y2].map(n);
        let [x1, y1, x2, y2] = &at;
        self.out.push_str(&format!("<path class=\"{class}\" d=\"M{x1} {y1}L{x2} {y2}\"/>"));
    }

    /// A mark: a rectangle with a title. `paint` is its class, or its colour if it begins with #.
    pub(crate) fn block(&mut self, x: f64, y: f64, width: f64, height: f64, paint: &str, title: &str) {
        self.marks += 1;
        let at = [x, y, width.max(0.0), height.max(0.0)].map(n);
        let [x, y, width, height] = &at;
        self.out.push_str(&format!(
            "<rect class=\"m{}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{}><title>{}</title></rect>",
            if paint.starts_with('#') { String::new() } else { format!(" {paint}") },
            if paint.starts_with('#') { format!(" fill=\"{paint}\"") } else { String::new() },
            text(title)
        ));
    }
}

/// About how wide a text is, at 14 pixels.
pub(crate) fn width_of(words: &str) -> f64 {
    words
        .chars()
        .map(|c| {
            if "ilj.,:;|'! ()ftrI".contains(c) {
                4.9
            } else if c >= '\u{1f000}' {
                // Pictures, and rare ideographs.
                18.0
            } else if c >= '\u{2e80}' {
                14.2
            } else if "mMW%@".contains(c) {
                13.4
            } else if c.is_uppercase() || c == 'w' {
                10.4
            } else {
                8.4
            }
        })
        .sum()
}

/// A sum of widths and margins, less the margins, may be a little less than the widths.
fn fits(words: &str, width: f64) -> bool {
    width_of(words) <= width + 0.01
}

/// A text that is at most about so wide.
pub(crate) fn shorten(words: &str, width: f64) -> String {
    if fits(words, width) {
        return words.to_owned();
    }
    let mut short = String::new();
    let mut room = width - width_of("…");
    for letter in words.chars() {
        room -= width_of(letter.encode_utf8(&mut [0; 4]));
        if room < 0.0 {
            break;
        }
        short.push(letter);
    }
    format!("{}…", short.trim_end())
}

/// Labels in lists are cut behind so many letters: all of it stands in the table behind the chart.
const LETTERS: usize = 120;

/// A label as HTML: all of a long one is its title.
pub(crate) fn label(words: &str) -> String {
    if words.chars().count() <= LETTERS {
        return text(words);
    }
    let short: String = words.chars().take(LETTERS - 1).collect();
    format!("<span title=\"{}\">{}…</span>", text(words), text(short.trim_end()))
}

/// A text that is at most about so wide, without its middle: what codes differ by stands at their ends.
pub(crate) fn shorten_middle(words: &str, width: f64) -> String {
    if fits(words, width) {
        return words.to_owned();
    }
    let letters: Vec<char> = words.chars().collect();
    // No letter is narrower than this: of a text of a million, few are tried.
    let mut kept = letters.len().min((width.max(0.0) / 4.9) as usize + 1);
    loop {
        kept = kept.saturating_sub(1);
        let head = kept / 2;
        let tail: String = letters.iter().skip(letters.len() - (kept - head)).collect();
        let short: String = letters.iter().take(head).collect::<String>() + "…" + &tail;
        if kept == 0 || width_of(&short) <= width {
            return short;
        }
    }
}

/// The different texts of a column in the order in which they come.
pub(crate) fn in_order(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    values.filter(|value| seen.insert(value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shortened_to_what_fits() {
        assert_eq!(shorten("Antwerpen", 200.0), "Antwerpen");
        for name in ["A", "w", "iA", "Eve"] {
            let room = width_of(name) + 12.0 - 12.0;
            assert_eq!((shorten(name, room), shorten_middle(name, room)), (name.to_owned(), name.to_owned()));
        }
        let short = shorten("Saint-Nicolas (quai des Vennes)", 100.0);
        assert!(short.ends_with('…') && width_of(&short) <= 101.0, "{short}");
    }

    #[test]
    fn long_texts_are_shortened_at_once() {
        let code = format!("Deurne{}, 41X074", "界".repeat(1_000_000));
        let short = shorten_middle(&code, 132.0);
        assert!(short.starts_with("Deur") && short.ends_with(" 41X074") && width_of(&short) <= 132.0, "{short}");
        assert_eq!(shorten_middle("Deurne", 0.0), "…");
        assert_eq!(shorten_middle("Deurne, 41X074", 200.0), "Deurne, 41X074");
    }

    #[test]
    fn a_mark_holds_its_title_as_text() {
        let mut canvas = Canvas::new();
        canvas.block(0.0, 1.0, 2.04, -1.0, "#ff0000", "<b>");
        assert_eq!(
            canvas.out,
            "<rect class=\"m\" x=\"0\" y=\"1\" width=\"2\" height=\"0\" fill=\"#ff0000\"><title>&lt;b&gt;</title></rect>"
        );
    }
}
