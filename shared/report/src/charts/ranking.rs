//! Lists of people or things: a name, a figure, the reason in words, and a small line.

use crate::charts::{Job, in_order, label, spark};
use crate::declare::{As, Group};
use crate::html::text;
use crate::rows::Row;

/// The lists as HTML, and their number of marks.
pub(crate) fn draw(job: &Job<'_>) -> (String, usize) {
    let chart = job.chart;
    let Some(by) = chart.role("by") else { return lists(job, None) };
    let mut out = String::new();
    let mut marks = 0;
    let rows: Vec<Row<'_>> = job.rows.iter().collect();
    for value in values_of(&rows, by) {
        let (html, count) = lists(job, Some((by, value.as_deref())));
        let title = value.unwrap_or_else(|| job.locale.word("missing"));
        out.push_str(&format!("<section class=\"by\"><h4>{}</h4>{html}</section>", label(&title)));
        marks += count;
    }
    (out, marks)
}

/// What there is in a column, in the order of the rows; rows without a value are the last.
fn values_of(rows: &[Row<'_>], column: &str) -> Vec<Option<String>> {
    let mut values: Vec<Option<String>> =
        in_order(rows.iter().filter_map(|row| row.text(column))).into_iter().map(Some).collect();
    if rows.iter().any(|row| row.text(column).is_none()) {
        values.push(None);
    }
    values
}

/// The lists of all rows, or of those whose column has a value.
fn lists(job: &Job<'_>, of: Option<(&str, Option<&str>)>) -> (String, usize) {
    let chart = job.chart;
    let rows: Vec<Row<'_>> =
        job.rows.iter().filter(|row| of.is_none_or(|(column, value)| row.text(column).as_deref() == value)).collect();
    let Some(group) = chart.role("group") else { return list(job, &rows) };
    let mut groups: Vec<(Option<String>, Group)> =
        chart.groups.iter().map(|group| (Some(group.value.clone()), group.clone())).collect();
    for value in values_of(&rows, group) {
        if !groups.iter().any(|(known, _)| *known == value) {
            let title = value.clone().unwrap_or_else(|| job.locale.word("missing"));
            groups.push((value, Group { title, value: String::new(), text: String::new() }));
        }
    }
    let mut out = String::from("<div class=\"lists\">");
    let mut marks = 0;
    for (value, declared) in groups {
        let members: Vec<Row<'_>> =
            rows.iter().filter(|row| row.text(group).as_deref() == value.as_deref()).copied().collect();
        let (html, count) = if members.is_empty() {
            (format!("<p class=\"quiet\">{}</p>", text(job.locale.word("none"))), 0)
        } else {
            list(job, &members)
        };
        let about = if declared.text.is_empty() {
            String::new()
        } else {
            format!("<p class=\"quiet\">{}</p>", text(&declared.text))
        };
        out.push_str(&format!(
            "<section><h5>{} <span class=\"count\">{}</span></h5>{about}{html}</section>",
            label(&declared.title),
            members.len()
        ));
        marks += count;
    }
    out.push_str("</div>");
    (out, marks)
}

fn list(job: &Job<'_>, rows: &[Row<'_>]) -> (String, usize) {
    let chart = job.chart;
    let shown = chart.top.unwrap_or(usize::MAX);
    let lines: Vec<Vec<Option<f64>>> =
        chart.role("line").map_or_else(Vec::new, |line| job.rows.iter().map(|row| row.list(line)).collect());
    let span = spark::span(&lines);
    let mut marks = 0;
    let mut out = String::from("<ol class=\"ranking\">");
    for row in rows.iter().take(shown) {
        let name = row.text(chart.column("label")).unwrap_or_else(|| job.locale.word("missing"));
        let value = chart.role("value").and_then(|column| row.get(column));
        let value = value.map(|value| job.locale.value(Some(value), As::Auto, chart.digits, &chart.unit));
        let value = value.map_or_else(String::new, |value| format!("<span class=\"figure\">{}</span>", text(value)));
        let detail = chart.role("detail").and_then(|column| row.text(column));
        let detail = detail.map_or_else(String::new, |detail| format!("<p>{}</p>", text(detail)));
        let small = chart.role("line").map_or_else(String::new, |line| {
            let values = row.list(line);
            if values.iter().all(Option::is_none) {
                return "<span></span>".to_owned();
            }
            marks += values.iter().flatten().count();
            let marked = spark::marked(*row, chart.role("line_from"), chart.role("line_to"));
            // Lists of people share one scale; with `zero = false`, or where a part is shaded, each line has its own.
            let own = marked.is_some() || !chart.zero;
            let mut span = if own { spark::span(std::slice::from_ref(&values)) } else { span };
            if !chart.zero {
                span.0 = values.iter().flatten().copied().fold(f64::INFINITY, f64::min).min(span.1);
            }
            spark::draw(&values, span, marked, &told(job, line, &values))
        });
        out.push_str(&format!("<li><div class=\"who\"><b>{}</b>{value}</div>{small}{detail}</li>", label(&name)));
    }
    out.push_str("</ol>");
    if rows.len() > shown {
        let more = job.locale.word("more_rows").replace("{n}", &job.locale.number((rows.len() - shown) as f64, None));
        out.push_str(&format!("<p class=\"quiet\">{}</p>", text(more)));
    }
    (out, marks.max(rows.len().min(shown)))
}

fn told(job: &Job<'_>, column: &str, values: &[Option<f64>]) -> String {
    let one =
        |value: &Option<f64>| value.map_or_else(|| job.locale.word("missing"), |value| job.locale.number(value, None));
    // A year of days would be read out for minutes.
    let last: Vec<String> = values.iter().rev().take(12).rev().map(one).collect();
    format!("{}: {}", job.chart.label(column), last.join(", "))
}
