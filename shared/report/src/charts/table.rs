//! Tables with bars in their cells, and the table of numbers behind each chart.

use serde_json::Value;

use crate::charts::{Job, calendar, heatmap};
use crate::declare::{As, Chart, Kind, TableColumn};
use crate::html::{n, text};
use crate::rows;

/// More rows are not read by anybody, and make a page large.
const MOST_ROWS: usize = 1_000;

/// The table as HTML, and its number of marks.
pub(crate) fn draw(job: &Job<'_>) -> (String, usize) {
    let columns = &job.chart.columns;
    let shown = job.chart.top.unwrap_or(MOST_ROWS).min(MOST_ROWS);
    let heads: String = columns
        .iter()
        .map(|column| {
            let class = classes(align(job, column), &column.label);
            format!("<th scope=\"col\"{class}>{}", text(&column.label))
        })
        .collect();
    let greatest = |column: &TableColumn| {
        let least = column.limit.unwrap_or(0.0).max(whole(column));
        job.rows.iter().filter_map(|row| row.number(&column.name)).fold(least, f64::max).max(1e-9)
    };
    let greatest: Vec<f64> = columns.iter().map(greatest).collect();
    let mut body = String::new();
    for row in job.rows.iter().take(shown) {
        body.push_str("<tr>");
        for (place, column) in columns.iter().enumerate() {
            let value = row.get(&column.name);
            let words = job.locale.value(value, column.shown, column.digits, &column.unit);
            let told = text(&words);
            let class = if value.is_none() { "none" } else { align(job, column) };
            let class = classes(class, &words);
            let cell = match value.and_then(rows::number).filter(|_| column.bar) {
                Some(number) => {
                    let top = greatest.get(place).copied().unwrap_or(1.0);
                    format!("<span class=\"cell\">{}<span>{told}</span></span>", bar(number, top, column.limit))
                }
                None => told,
            };
            let tag = if place == 0 { "th scope=\"row\"" } else { "td" };
            body.push_str(&format!("<{tag}{class} data-label=\"{}\">{cell}", text(&column.label)));
        }
    }
    let more = more(job, shown);
    (
        format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table class=\"main\"><thead><tr>{heads}<tbody>{body}</table></div>{more}",
            text(&job.chart.title)
        ),
        job.rows.len().min(shown),
    )
}

/// What a whole bar stands for at least, so that bars of shares can be compared between columns.
fn whole(column: &TableColumn) -> f64 {
    match column.shown {
        As::Percent => 1.0,
        _ if column.unit.starts_with('%') => 100.0,
        _ => 0.0,
    }
}

fn bar(number: f64, top: f64, limit: Option<f64>) -> String {
    let width = (number / top * 96.0).clamp(0.0, 96.0);
    let class = if limit.is_some_and(|limit| number > limit) { "over" } else { "f1" };
    let line = limit.map_or_else(String::new, |limit| {
        format!("<path class=\"limit\" d=\"M{0} 0V14\"/>", n((limit / top * 96.0).min(96.0)))
    });
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 97 14\" aria-hidden=\"true\"><rect class=\"m {class}\" y=\"2\" width=\"{}\" height=\"10\"/>{line}</svg>",
        n(width.max(0.8))
    )
}

/// Numbers stand to the right.
fn align(job: &Job<'_>, column: &TableColumn) -> &'static str {
    let number = match column.shown {
        As::Number | As::Percent => true,
        As::Auto => job.rows.iter().find_map(|row| row.get(&column.name)).is_some_and(Value::is_number),
        _ => false,
    };
    if number && !column.bar { "n" } else { "" }
}

/// The classes of a cell. One with a word that is longer than columns are wide breaks it; others break between words alone.
fn classes(class: &str, told: &str) -> String {
    const LETTERS: usize = 24;
    let long = told.split_whitespace().any(|word| word.chars().count() > LETTERS);
    let all: Vec<&str> = [class, if long { "long" } else { "" }].into_iter().filter(|name| !name.is_empty()).collect();
    if all.is_empty() { String::new() } else { format!(" class=\"{}\"", all.join(" ")) }
}

fn more(job: &Job<'_>, shown: usize) -> String {
    let left = job.rows.len().saturating_sub(shown);
    if left == 0 {
        return String::new();
    }
    let words = job.locale.word("more_rows").replace("{n}", &job.locale.number(left as f64, None));
    format!("<p class=\"quiet\">{}</p>", text(words))
}

/// The numbers behind a chart, as a table: a matrix where the chart is one, else a row for each mark.
pub(crate) fn behind(job: &Job<'_>) -> String {
    match job.chart.kind {
        Kind::Heatmap => of_matrix(job),
        Kind::Calendar => of_calendar(job),
        _ => of_rows(job),
    }
}

fn of_matrix(job: &Job<'_>) -> String {
    let matrix = heatmap::matrix(job);
    let heads: String =
        matrix.columns.iter().map(|name| format!("<th scope=\"col\"{}>{}", classes("", name), text(name))).collect();
    let mut body = String::new();
    for (line, name) in matrix.rows.iter().enumerate() {
        body.push_str(&format!("<tr><th scope=\"row\"{}>{}", classes("", name), text(name)));
        for place in 0..matrix.columns.len() {
            body.push_str(&cell(job, matrix.values.get(&(line, place)).copied()));
        }
    }
    format!("<table><thead><tr><td>{heads}<tbody>{body}</table>")
}

fn of_calendar(job: &Job<'_>) -> String {
    use chrono::Datelike;
    let mut out = String::new();
    for calendar in calendar::calendars(job) {
        let heads: String = (1..=31).map(|date| format!("<th scope=\"col\">{date}")).collect();
        let caption = if calendar.title.is_empty() {
            String::new()
        } else {
            format!("<caption>{}</caption>", text(&calendar.title))
        };
        let mut body = String::new();
        let mut next = 0;
        for (day, value) in &calendar.days {
            if body.is_empty() || day.day() == 1 {
                body.push_str(&format!("<tr><th scope=\"row\">{}", text(job.locale.short_month(*day, true))));
                next = 1;
            }
            // A month that begins late has empty cells before.
            while next < day.day() {
                body.push_str("<td>");
                next += 1;
            }
            body.push_str(&cell(job, *value));
            next += 1;
        }
        out.push_str(&format!("<table>{caption}<thead><tr><td>{heads}<tbody>{body}</table>"));
    }
    out
}

fn cell(job: &Job<'_>, value: Option<f64>) -> String {
    match value {
        Some(value) => format!("<td class=\"n\">{}", text(job.locale.number(value, job.chart.digits))),
        None => "<td class=\"none\">–".to_owned(),
    }
}

/// A row for each row of the query, up to as many as are read.
pub(crate) fn of_rows(job: &Job<'_>) -> String {
    let columns = columns(job.chart);
    let head = |column: &str| {
        let label = job.chart.label(column);
        format!("<th scope=\"col\"{}>{}", classes("", &label), text(label))
    };
    let heads: String = columns.iter().map(|(column, _)| head(column)).collect();
    let mut body = String::new();
    for row in job.rows.iter().take(MOST_ROWS) {
        body.push_str("<tr>");
        for (place, (column, shown)) in columns.iter().enumerate() {
            let value = row.get(column);
            let tag = if place == 0 { "th scope=\"row\"" } else { "td" };
            let told = match value {
                Some(Value::Array(_)) => {
                    let one = |value: Option<f64>| {
                        value.map_or_else(|| "–".to_owned(), |value| job.locale.number(value, None))
                    };
                    row.list(column).into_iter().map(one).collect::<Vec<_>>().join(" ")
                }
                value => job.locale.value(value, *shown, job.chart.digits, ""),
            };
            let class = if value.is_none() {
                "none"
            } else if value.is_some_and(Value::is_number) {
                "n"
            } else {
                ""
            };
            let class = classes(class, &told);
            body.push_str(&format!("<{tag}{class}>{}", text(told)));
        }
    }
    format!("<table><thead><tr>{heads}<tbody>{body}</table>{}", more(job, MOST_ROWS))
}

/// The columns of a chart that play a role, and how they are written.
fn columns(chart: &Chart) -> Vec<(&str, As)> {
    const ORDER: [&str; 16] = [
        "by",
        "group",
        "label",
        "series",
        "x",
        "day",
        "longitude",
        "latitude",
        "y",
        "low",
        "high",
        "value",
        "line",
        "line_from",
        "line_to",
        "detail",
    ];
    let shown = |role: &str| match role {
        "x" => chart.x_as,
        "y" if chart.kind == Kind::Heatmap => chart.y_as,
        "day" => As::Day,
        _ => As::Auto,
    };
    let hidden = |role: &&str| !matches!(*role, "line_from" | "line_to" | "longitude" | "latitude");
    ORDER.into_iter().filter(hidden).filter_map(|role| Some((chart.role(role)?, shown(role)))).collect()
}
