//! Rows that share a place of a chart: a sum, or the last of them, would show what no row says.

use std::collections::BTreeMap;

use crate::charts::axis::{self, Measure};
use crate::charts::{Job, heatmap};
use crate::declare::{As, Kind};
use crate::rows::{self, Row};

/// Names in messages are cut behind so many letters.
const LETTERS: usize = 60;

/// Says which place of the chart has several rows: the first such place, and how many others there are. `None` where
/// each row has a place of its own, and for lists, which show every row. `with_values` is whether values may be named.
pub(crate) fn shared(job: &Job<'_>, with_values: bool) -> Option<String> {
    let roles: &[&str] = match job.chart.kind {
        Kind::Line | Kind::Bars => &["x", "series"],
        Kind::Heatmap => &["x", "y"],
        Kind::Calendar => &["day", "group"],
        // Two stations in one street are two points, and both have their line in the table.
        Kind::Map => &["longitude", "latitude", "label"],
        Kind::Ranking | Kind::Table => return None,
    };
    let first = job.chart.role("x").and_then(|x| job.rows.iter().find_map(|row| row.get(x)));
    let measure = axis::measure(job.chart.x_as, first);
    let mut places: BTreeMap<Vec<String>, (usize, usize)> = BTreeMap::new();
    for (number, row) in job.rows.iter().enumerate() {
        if let Some(place) = place(job, row, measure) {
            places.entry(place).or_insert((number, 0)).1 += 1;
        }
    }
    let several = || places.values().filter(|(_, count)| *count > 1);
    let (first, count) = several().min_by_key(|(first, _)| *first)?;
    let columns: Vec<&str> = roles.iter().filter_map(|role| job.chart.role(role)).collect();
    let count = if *count == 2 { "two".to_owned() } else { count.to_string() };
    let mut why = match job.rows.iter().nth(*first).filter(|_| with_values) {
        Some(row) => format!("{count} rows for {} ({})", told(job, row, roles), columns.join(", ")),
        None => format!("{count} rows for the same {}", columns.join(" and ")),
    };
    match several().count() - 1 {
        0 => {}
        1 => why.push_str(", and several for 1 other place"),
        others => why.push_str(&format!(", and several for {others} other places")),
    }
    Some(why)
}

/// Where a row is drawn. `None`: nowhere.
fn place(job: &Job<'_>, row: Row<'_>, measure: Measure) -> Option<Vec<String>> {
    let chart = job.chart;
    let text = |role| chart.role(role).and_then(|column| row.text(column)).unwrap_or_default();
    let number = |role| row.number(chart.column(role)).map(exact);
    Some(match chart.kind {
        Kind::Line | Kind::Bars => {
            let value = row.get(chart.column("x"))?;
            let x = axis::place(measure, value).map_or_else(|| rows::plain(value), exact);
            vec![x, text("series")]
        }
        Kind::Heatmap => {
            let key = |role, shown| row.get(chart.column(role)).map(|value| heatmap::key(value, shown));
            let part = |key: serde_json::Value| match rows::number(&key).filter(|_| !key.is_string()) {
                Some(number) => exact(number),
                None => key.to_string(),
            };
            vec![part(key("x", chart.x_as)?), part(key("y", chart.y_as)?)]
        }
        Kind::Calendar => vec![row.day(chart.column("day"))?.to_string(), text("group")],
        Kind::Map => vec![number("longitude")?, number("latitude")?, text("label")],
        Kind::Ranking | Kind::Table => return None,
    })
}

/// A number as a key: 0 and -0 are the same place.
fn exact(number: f64) -> String {
    format!("{}", number + 0.0)
}

fn told(job: &Job<'_>, row: Row<'_>, roles: &[&str]) -> String {
    let one = |role: &&str| {
        let column = job.chart.role(role)?;
        let shown = match *role {
            "x" => job.chart.x_as,
            "y" => job.chart.y_as,
            "day" => As::Day,
            "longitude" | "latitude" => As::Text,
            _ => As::Auto,
        };
        let words = job.locale.value(row.get(column), shown, None, "");
        // Nor what turns the direction of the text behind it.
        let is_sign =
            |letter: &char| letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let mut short: String = words.chars().filter(|letter| !is_sign(letter)).take(LETTERS).collect();
        if words.chars().count() > LETTERS {
            short.push('…');
        }
        Some(short)
    };
    roles.iter().filter_map(one).collect::<Vec<_>>().join(", ")
}
