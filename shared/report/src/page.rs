//! A page: headline, age of the data, key numbers, charts with their numbers and queries, how to read it, source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono_tz::Tz;

use crate::charts::{self, Job, MOST_MARKS, SERIES, bars, calendar, heatmap, legend, line, map, place, ranking, table};
use crate::csp;
use crate::declare::{As, Better, Chart, Headline, KeyNumber, Kind, Linked, Newest, Page, Scale, Section};
use crate::html::{link, text};
use crate::locale::Locale;
use crate::needs::no_column;
use crate::rows::{self, Rows};
use crate::template;

pub(crate) const STYLE: &str = include_str!("style.css");

/// A page that is larger does not fit into mails, and opens slowly on a phone.
pub const MOST_BYTES: usize = 3_000_000;

/// The rows of each query, by its text. A query that failed is not in it.
pub type Answers = BTreeMap<String, Rows>;

/// What a page needs to know about its dataset.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The dataset's time zone, in which instants are written.
    pub zone: Tz,
    /// The names of the dataset's personal columns: results that have one are not shown on a page without
    /// `personal = true`.
    pub personal: BTreeSet<String>,
    /// Where the page over all datasets is, as a link; none: the page has no such link.
    pub index: Option<String>,
    /// Why queries failed, by their text: for the problems, not for the page.
    pub failed: BTreeMap<String, String>,
}

impl Default for Setting {
    fn default() -> Self {
        Self { zone: Tz::UTC, personal: BTreeSet::new(), index: None, failed: BTreeMap::new() }
    }
}

/// A page that is ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The file.
    pub html: String,
    /// The sentence that it begins with.
    pub headline: String,
    /// The newest data, as people write it.
    pub newest: String,
    /// Parts that could not be made, and why, each in one line. The page says that they could not; without values. And
    /// that the page is too large, which is no part that it lacks.
    pub problems: Vec<String>,
}

/// The page of these answers.
pub fn render(page: &Page, answers: &Answers, setting: &Setting) -> Rendered {
    let locale = Locale::new(&page.language, &page.words, setting.zone);
    let mut maker = Maker { page, answers, setting, locale: &locale, problems: Vec::new(), told: BTreeSet::new() };
    let headline = maker.headline();
    let newest = maker.newest();
    let mut body = format!("<a class=\"skip\" href=\"#main\">{}</a>", text(locale.word("skip")));
    maker.head(&mut body, &headline, &newest);
    body.push_str("<main id=\"main\">");
    maker.numbers(&mut body);
    for (place, section) in page.sections.iter().enumerate() {
        maker.section(&mut body, place, section);
    }
    maker.foot(&mut body);
    body.push_str("</main>");
    let html = document(&locale, &page.title, &body);
    if html.len() > MOST_BYTES {
        maker.problems.push(too_large(html.len()));
    }
    Rendered { html, headline, newest, problems: maker.problems }
}

fn too_large(bytes: usize) -> String {
    let (tenths, most) = (bytes.div_ceil(100_000), MOST_BYTES / 1_000_000);
    let (whole, tenth) = (tenths / 10, tenths % 10);
    format!(
        "the page is written, but has {whole}.{tenth} MB, and mails and phones take {most} MB: return fewer rows or shorter \
         texts in its queries, or put some of its charts on a [[page]] of their own"
    )
}

/// The whole file around a body.
pub(crate) fn document(locale: &Locale, title: &str, body: &str) -> String {
    // Hatching for what is missing, used by all drawings.
    const HATCH: &str = "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs><pattern id=\"hatch\" width=\"5\" height=\"5\" \
                         patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M0 0V5\"/></pattern></defs></svg>";
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"robots\" content=\"noindex\">\n<title>{}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n{HATCH}\n{body}\n</body>\n</html>\n",
        text(locale.tag()),
        csp::policy(STYLE),
        text(title)
    )
}

struct Maker<'a> {
    page: &'a Page,
    answers: &'a Answers,
    setting: &'a Setting,
    locale: &'a Locale,
    problems: Vec<String>,
    /// Queries of which it is told why they failed.
    told: BTreeSet<String>,
}

impl<'a> Maker<'a> {
    fn word(&self, key: &str) -> String {
        text(self.locale.word(key))
    }

    /// The answer to a query, unless there is none or it has what this page may not show.
    fn rows(&mut self, part: &str, sql: &str) -> Option<&'a Rows> {
        let Some(rows) = self.answers.get(sql) else {
            let why = self.setting.failed.get(sql).map(|why| one_line(why));
            self.problems.push(match why {
                Some(why) if self.told.insert(sql.to_owned()) => format!("{part}: its query failed: {why}"),
                Some(_) => format!("{part}: its query failed, as above"),
                None => format!("{part}: its query failed"),
            });
            return None;
        };
        let personal = rows.columns().iter().find(|name| self.setting.personal.contains(&name.to_lowercase()));
        if let Some(name) = personal.filter(|_| !self.page.personal) {
            self.problems.push(format!(
                "{part}: its query returns the personal column \"{name}\": leave it out, or put `personal = true` on the page"
            ));
            return None;
        }
        Some(rows)
    }

    /// Reports a column that a query does not return.
    fn has(&mut self, part: &str, rows: &Rows, column: &str) -> bool {
        let has = rows.has(column) || rows.is_empty();
        if !has {
            self.problems.push(no_column(part, column, rows.columns()));
        }
        has
    }

    fn headline(&mut self) -> String {
        let Some(Headline { sql, cases }) = &self.page.headline else { return self.page.title.clone() };
        let Some(rows) = self.rows("headline", sql) else { return self.locale.word("failed") };
        for case in cases {
            let named: Vec<&str> = case.when.as_deref().into_iter().chain(template::columns(&case.text)).collect();
            named.into_iter().for_each(|column| _ = self.has("headline", rows, column));
        }
        let Some(row) = rows.first() else { return self.locale.word("no_data") };
        let holds =
            |when: &Option<String>| when.as_ref().is_none_or(|column| row.number(column).is_some_and(|n| n != 0.0));
        match cases.iter().find(|case| holds(&case.when)) {
            Some(case) => template::fill(&case.text, row, self.locale),
            None => row.head().map_or_else(|| self.locale.word("no_data"), rows::plain),
        }
    }

    fn newest(&mut self) -> String {
        let Some(Newest { sql, shown }) = &self.page.newest else { return String::new() };
        let Some(value) = self.rows("newest", sql).and_then(Rows::first).and_then(|row| row.head()) else {
            // That there is nothing yet the headline says.
            return String::new();
        };
        match (value.as_str().filter(|text| text.len() > 10).and_then(|_| rows::instant(value)), rows::day(value)) {
            (Some(stamp), _) => self.locale.time(stamp, true),
            (None, Some(day)) if *shown == As::Week => {
                format!("{} {}", self.locale.word("week_of"), self.locale.long_day(day))
            }
            (None, Some(day)) if *shown == As::Month => self.locale.month(day),
            (None, Some(day)) => self.locale.long_day(day),
            (None, None) => rows::plain(value),
        }
    }

    fn head(&self, out: &mut String, headline: &str, newest: &str) {
        let page = self.page;
        out.push_str("<header>");
        let index = self
            .setting
            .index
            .as_ref()
            .map(|href| format!("<a class=\"up\" href=\"{}\" aria-label=\"index\">↑</a> ", text(href)));
        let _ = write!(out, "<p class=\"title\">{}{}</p>", index.unwrap_or_default(), text(&page.title));
        let _ = write!(out, "<h1>{}</h1>", text(headline));
        if !newest.is_empty() {
            let _ = write!(out, "<p class=\"age\">{} <b>{}</b></p>", self.word("newest"), text(newest));
        }
        if page.personal {
            let _ = write!(out, "<p class=\"warning\">{}</p>", self.word("personal"));
        }
        if !page.lead.is_empty() {
            let _ = write!(out, "<p class=\"lead\">{}</p>", text(&page.lead));
        }
        let titled: Vec<(usize, &Section)> =
            page.sections.iter().enumerate().filter(|(_, section)| !section.title.is_empty()).collect();
        if titled.len() > 2 {
            let _ = write!(out, "<nav aria-label=\"{}\"><ul>", self.word("contents"));
            for (place, section) in titled {
                let _ = write!(out, "<li><a href=\"#s{place}\">{}</a></li>", text(&section.title));
            }
            out.push_str("</ul></nav>");
        }
        out.push_str("</header>");
    }

    fn numbers(&mut self, out: &mut String) {
        if self.page.numbers.is_empty() {
            return;
        }
        out.push_str("<dl class=\"numbers\">");
        for number in &self.page.numbers {
            self.number(out, number);
        }
        out.push_str("</dl>");
    }

    fn number(&mut self, out: &mut String, number: &KeyNumber) {
        let part = format!("number \"{}\"", number.label);
        let named = template::columns(&number.note).chain(template::columns(&number.since));
        let named: Vec<&str> = named.chain(number.before.as_deref()).collect();
        let rows = self.rows(&part, &number.sql).filter(|rows| self.has(&part, rows, &number.value));
        if let Some(rows) = rows {
            named.into_iter().for_each(|column| _ = self.has(&part, rows, column));
        }
        let row = rows.and_then(Rows::first);
        let value = row.and_then(|row| row.get(&number.value));
        let told = self.locale.value(value, number.shown, number.digits, "");
        let unit = if number.unit.is_empty() || value.is_none() {
            String::new()
        } else {
            format!(" <small>{}</small>", text(&number.unit))
        };
        let _ = write!(out, "<div><dt>{}</dt><dd><b>{}</b>{unit}</dd>", text(&number.label), text(told));
        let before = row.zip(number.before.as_ref()).and_then(|(row, before)| row.number(before));
        if let (Some(now), Some(before), Some(row)) = (value.and_then(rows::number), before, row) {
            let since = template::fill(&number.since, row, self.locale);
            let _ = write!(out, "<dd class=\"change\">{} {}</dd>", self.change(number, now, before), text(since));
        }
        let is_known = |row: &rows::Row<'_>| template::columns(&number.note).all(|name| row.get(name).is_some());
        if let Some(row) = row.filter(|row| !number.note.is_empty() && is_known(row)) {
            let _ = write!(out, "<dd class=\"note\">{}</dd>", text(template::fill(&number.note, row, self.locale)));
        }
        out.push_str("</div>");
    }

    fn change(&self, number: &KeyNumber, now: f64, before: f64) -> String {
        let share = number.shown == As::Percent;
        let change = if share { (now - before) * 100.0 } else { now - before };
        let size = self.locale.number(change.abs(), number.digits.or(share.then_some(0)));
        let size = if share { self.locale.with_unit(&size, "%") } else { size };
        // What rounds to nothing is no change.
        if !size.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
            return format!("<span>{}</span>", self.word("same"));
        }
        let (arrow, sign) = if change > 0.0 { ("▲", "+") } else { ("▼", "\u{2212}") };
        let (class, word) = match (number.better, change > 0.0) {
            (Better::Neither, _) => ("", String::new()),
            (Better::More, true) | (Better::Less, false) => (" class=\"good\"", format!(" ({})", self.word("better"))),
            _ => (" class=\"bad\"", format!(" ({})", self.word("worse"))),
        };
        format!("<span{class}>{arrow} {sign}{}{word}</span>", text(size))
    }

    fn section(&mut self, out: &mut String, place: usize, section: &Section) {
        let _ = write!(out, "<section class=\"part\" id=\"s{place}\">");
        if !section.title.is_empty() {
            let _ = write!(out, "<h2>{}</h2>", text(&section.title));
        }
        if !section.text.is_empty() {
            let _ = write!(out, "<p>{}</p>", text(&section.text));
        }
        out.push_str("<div class=\"charts\">");
        for chart in &section.charts {
            self.chart(out, chart);
        }
        out.push_str("</div></section>");
    }

    fn chart(&mut self, out: &mut String, chart: &Chart) {
        let half = if chart.half { " class=\"half\"" } else { "" };
        let _ = write!(out, "<figure{half}><figcaption><h3>{}</h3>", text(&chart.title));
        if !chart.text.is_empty() {
            let _ = write!(out, "<p>{}</p>", text(&chart.text));
        }
        out.push_str("</figcaption>");
        let part = format!("chart \"{}\"", chart.title);
        let needed: Vec<&str> =
            chart.roles.values().map(String::as_str).chain(chart.columns.iter().map(|c| c.name.as_str())).collect();
        let rows =
            self.rows(&part, &chart.sql).filter(|rows| needed.iter().all(|column| self.has(&part, rows, column)));
        match rows {
            None => {
                let _ = write!(out, "<p class=\"failed\">{}</p>", self.word("failed"));
            }
            Some(rows) if rows.is_empty() => {
                let empty = chart.empty.clone().unwrap_or_else(|| self.locale.word("no_data"));
                let _ = write!(out, "<p class=\"quiet\">{}</p>", text(empty));
            }
            Some(rows) => self.drawn(out, chart, rows),
        }
        if !chart.how.is_empty() {
            let _ = write!(out, "<p class=\"how\">{}</p>", text(&chart.how));
        }
        let _ = write!(
            out,
            "<details><summary>{}</summary><pre><code>{}</code></pre></details></figure>",
            self.word("query"),
            text(chart.sql.trim())
        );
    }

    fn drawn(&mut self, out: &mut String, chart: &Chart, rows: &Rows) {
        let job = Job { chart, rows, locale: self.locale, wide: false };
        let wide = Job { wide: true, ..job };
        let scale = scale(&job);
        let draw = |job: &Job<'_>| match chart.kind {
            Kind::Line => line::draw(job),
            Kind::Bars => bars::draw(job),
            Kind::Heatmap => heatmap::draw(job, &scale),
            Kind::Calendar => calendar::draw(job, &scale),
            Kind::Map => map::draw(job, &scale),
            Kind::Ranking => ranking::draw(job),
            Kind::Table => table::draw(job),
        };
        let is_text = matches!(chart.kind, Kind::Ranking | Kind::Table);
        // What would be far too much is not drawn at all.
        let size = charts::size(&job);
        // On a page with names the report command names none.
        let shared = if size > MOST_MARKS { None } else { place::shared(&job, !self.page.personal) };
        let (drawing, marks) = if size > MOST_MARKS || shared.is_some() { (String::new(), size) } else { draw(&job) };
        let is_drawn = marks <= MOST_MARKS && shared.is_none();
        if let Some(why) = shared {
            self.problems.push(format!("chart \"{}\": {why}: aggregate in its query", chart.title));
            let _ = write!(out, "<p class=\"failed\">{}</p>", self.word("failed"));
        } else if !is_drawn {
            let title = &chart.title;
            self.problems.push(format!(
                "chart \"{title}\": it has {marks} marks, at most {MOST_MARKS} can be seen: aggregate in its query"
            ));
            let _ = write!(out, "<p class=\"failed\">{}</p>", self.word("too_many"));
        } else if !charts::has_marks(&job) {
            let _ = write!(out, "<p class=\"quiet\">{}</p>", self.word("no_data"));
        } else {
            out.push_str(&self.legend(&job, &scale));
            if !is_text && !chart.half {
                out.push_str(&draw(&wide).0);
            }
            out.push_str(&drawing);
        }
        if chart.kind != Kind::Table {
            let _ = write!(
                out,
                "<details><summary>{}</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">{}</div></details>",
                self.word("numbers"),
                text(&chart.title),
                if is_drawn { table::behind(&job) } else { table::of_rows(&job) }
            );
        }
    }

    fn legend(&self, job: &Job<'_>, scale: &Scale) -> String {
        let chart = job.chart;
        match chart.kind {
            Kind::Heatmap | Kind::Calendar | Kind::Map => {
                let missing = match chart.kind {
                    Kind::Map => job.rows.iter().any(|row| row.number(chart.column("value")).is_none()),
                    _ => true,
                };
                legend::of_scale(scale, chart.scale.is_some(), &chart.unit, missing, self.locale)
                    + &linked(&scale.source, "")
            }
            Kind::Line | Kind::Bars => {
                let names = line::names(job);
                // A few lines have their names at their ends.
                if names.len() > if chart.kind == Kind::Line { SERIES } else { 1 } {
                    legend::of_series(&names)
                } else {
                    String::new()
                }
            }
            Kind::Ranking | Kind::Table => String::new(),
        }
    }

    fn foot(&self, out: &mut String) {
        let page = self.page;
        out.push_str("<footer>");
        if !page.how.is_empty() {
            let _ = write!(out, "<h2>{}</h2><ul>", self.word("how"));
            for line in &page.how {
                let _ = write!(out, "<li>{}</li>", text(line));
            }
            out.push_str("</ul>");
        }
        out.push_str(&linked(&page.source, &self.word("source")));
        out.push_str(&linked(&page.licence, &self.word("licence")));
        out.push_str("</footer>");
    }
}

/// Classes of values: the declared ones, or even ones.
fn scale(job: &Job<'_>) -> Scale {
    let column = job.chart.role("value").unwrap_or_default();
    let values: Vec<f64> = match (&job.chart.scale, job.chart.kind) {
        (None, Kind::Heatmap | Kind::Calendar | Kind::Map) => {
            job.rows.iter().filter_map(|row| row.number(column)).collect()
        }
        _ => Vec::new(),
    };
    job.chart.scale.clone().unwrap_or_else(|| legend::automatic(values.iter().copied(), job.locale))
}

/// A message of several lines as one: problems stand in lists.
fn one_line(message: &str) -> String {
    message.split(['\n', '\r', '\t']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn linked(linked: &Linked, label: &str) -> String {
    if linked.text.is_empty() {
        return String::new();
    }
    let words = match linked.url.as_deref().and_then(link) {
        Some(url) => format!("<a href=\"{url}\" rel=\"noreferrer\">{}</a>", text(&linked.text)),
        None => text(&linked.text),
    };
    let label = if label.is_empty() { String::new() } else { format!("{label}: ") };
    format!("<p class=\"source\">{label}{words}</p>")
}
