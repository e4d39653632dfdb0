//! A matrix of cells, coloured by class. Cells without a value are hatched.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde_json::Value;

use crate::charts::axis::{self, Measure, Slots};
use crate::charts::legend::ink_on;
use crate::charts::{Anchor, Canvas, Job, MOST_MARKS, in_order, width_of};
use crate::declare::{As, Scale};
use crate::rows;

/// Columns and rows of the matrix by name, and its values by their places.
pub(crate) struct Matrix {
    pub columns: Vec<String>,
    pub rows: Vec<String>,
    pub values: BTreeMap<(usize, usize), f64>,
}

/// What a value is on its axis: an instant is its day, and a day its month, where days or months are shown.
pub(crate) fn key(value: &Value, shown: As) -> Value {
    match (shown, rows::day(value)) {
        (As::Day | As::Week, Some(day)) => Value::from(day.to_string()),
        (As::Month, Some(day)) => Value::from(day.with_day(1).unwrap_or(day).to_string()),
        _ => value.clone(),
    }
}

/// The keys of an axis, and how many there should be. Hours and weekdays are all there, and each day between the first and
/// the last one; numbers ascend; names stay in their order.
pub(crate) fn keys(job: &Job<'_>, column: &str, shown: As) -> (Vec<Value>, usize) {
    let mut values: Vec<Value> = match shown {
        As::Hour => (0..24).map(Value::from).collect(),
        As::Weekday => (1..=7).map(Value::from).collect(),
        _ => {
            let values = job.rows.iter().filter_map(|row| row.get(column));
            let named = in_order(values.map(|value| key(value, shown).to_string()));
            named.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
        }
    };
    if values.iter().all(Value::is_number) {
        let number = |value: &Value| rows::number(value).unwrap_or_default();
        values.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    let count = values.len();
    let date = |value: &Value| rows::day(value).filter(|_| value.as_str().is_some_and(|text| text.len() == 10));
    match values.iter().map(date).collect::<Option<Vec<NaiveDate>>>() {
        Some(days) if matches!(shown, As::Auto | As::Day | As::Week | As::Month) => of_days(days, shown),
        _ => (values, count),
    }
}

/// Every day, week or month from the first to the last one; from the last to the first where the rows are so.
fn of_days(days: Vec<NaiveDate>, shown: As) -> (Vec<Value>, usize) {
    let from_last = days.len() > 1 && days.is_sorted_by(|a, b| a > b);
    let mut places: Vec<f64> = days.into_iter().map(axis::of_day).collect();
    places.sort_by(f64::total_cmp);
    let Slots { mut places, wanted, .. } = axis::slots(Measure::Days, shown, &places, MOST_MARKS);
    if from_last {
        places.reverse();
    }
    let text = |day: NaiveDate| Value::from(day.to_string());
    (places.into_iter().filter_map(axis::day_at).map(text).collect(), wanted)
}

/// The matrix of a chart's rows.
pub(crate) fn matrix(job: &Job<'_>) -> Matrix {
    let chart = job.chart;
    let (xs, ys) = (keys(job, chart.column("x"), chart.x_as).0, keys(job, chart.column("y"), chart.y_as).0);
    let same = |a: &Value, b: &Value| {
        a == b || (!a.is_string() && rows::number(a).is_some() && rows::number(a) == rows::number(b))
    };
    let mut values = BTreeMap::new();
    for row in job.rows.iter() {
        let place = |keys: &[Value], column, shown| {
            let value = key(row.get(column)?, shown);
            keys.iter().position(|key| same(key, &value))
        };
        let at = place(&ys, chart.column("y"), chart.y_as).zip(place(&xs, chart.column("x"), chart.x_as));
        if let (Some(at), Some(value)) = (at, row.number(chart.column("value"))) {
            values.insert(at, value);
        }
    }
    let name = |keys: Vec<Value>, shown: As| keys.iter().map(|key| short(job, key, shown)).collect();
    Matrix { columns: name(xs, chart.x_as), rows: name(ys, chart.y_as), values }
}

fn short(job: &Job<'_>, key: &Value, shown: As) -> String {
    match (shown, rows::number(key)) {
        (As::Weekday, Some(day)) => job.locale.short_weekday((day as usize).saturating_sub(1)).to_owned(),
        (As::Hour, Some(hour)) => job.locale.hour(hour as u32),
        (As::Auto, _) if rows::day(key).is_some() => {
            rows::day(key).map(|day| job.locale.short_day(day)).unwrap_or_default()
        }
        _ => job.locale.value(Some(key), shown, None, ""),
    }
}

/// The drawing and its number of marks.
pub(crate) fn draw(job: &Job<'_>, scale: &Scale) -> (String, usize) {
    let Matrix { columns, rows: lines, values } = matrix(job);
    let longest = lines.iter().map(|name| width_of(name)).fold(0.0, f64::max);
    let left = longest.min(if job.wide { 260.0 } else { 132.0 }) + 10.0;
    let room = job.width() - left;
    let cell = (room / columns.len().max(1) as f64).min(72.0);
    let tall = if job.wide { 30.0 } else { 26.0 };
    let widest = columns.iter().map(|name| width_of(name)).fold(0.0, f64::max);
    let first = job.rows.iter().find_map(|row| row.get(job.chart.column("x")));
    let of_dates = first.is_some_and(|value| rows::day(value).is_some());
    // Short names that are too wide for their cells are left out here and there, long ones are slanted.
    let every = match job.chart.x_as {
        As::Hour => {
            if cell > 20.0 {
                3
            } else {
                6
            }
        }
        _ if widest < 32.0 => ((widest + 6.0) / cell).ceil().max(1.0) as usize,
        // Days follow from their neighbours.
        As::Auto | As::Day | As::Week | As::Month if of_dates => (18.0 / cell).ceil().max(1.0) as usize,
        _ => 1,
    };
    let slanted = widest > cell * every as f64 - 4.0 && (every == 1 || of_dates);
    // Narrow cells stand closer to each other, or nothing would be left of them.
    let gap = if cell < 6.0 { cell * 0.15 } else { 1.0 };
    let top = if slanted { widest.min(110.0) * 0.7 + 14.0 } else { 22.0 };
    let height = top + tall * lines.len() as f64 + 2.0;
    let mut canvas = Canvas::new();
    for (place, name) in columns.iter().enumerate().step_by(every) {
        let x = left + cell * (place as f64 + 0.5);
        if slanted {
            let words = crate::charts::shorten(name, 110.0);
            let title =
                if words == *name { String::new() } else { format!("<title>{}</title>", crate::html::text(name)) };
            let (x, y) = (crate::html::n(x + 3.0), crate::html::n(top - 8.0));
            let words = crate::html::text(words);
            canvas.out.push_str(&format!("<text transform=\"translate({x} {y}) rotate(-42)\">{title}{words}</text>"));
        } else {
            let of_hours = job.chart.x_as == As::Hour;
            let anchor = if of_hours { Anchor::Start } else { Anchor::Middle };
            canvas.text(if of_hours { x - cell / 2.0 } else { x }, top - 8.0, anchor, "", name);
        }
    }
    for (line, name) in lines.iter().enumerate() {
        let y = top + tall * line as f64;
        let short = crate::charts::shorten_middle(name, left - 8.0);
        canvas.text(left - 8.0, y + tall / 2.0 + 5.0, Anchor::End, "ink", &short);
        for (place, column) in columns.iter().enumerate() {
            let x = left + cell * place as f64;
            let value = values.get(&(line, place)).copied();
            let told = value.map_or_else(|| job.locale.word("missing"), |value| job.told(value));
            let step = value.and_then(|value| scale.step(value)).map(|(_, step)| step);
            let title = match step.filter(|step| job.chart.scale.is_some() && !step.label.is_empty()) {
                Some(step) => format!("{name}, {column}: {told} ({})", step.label),
                None => format!("{name}, {column}: {told}"),
            };
            let colour = step.map_or("gap", |step| step.colour.as_str());
            canvas.block(x + gap, y + 1.0, cell - 2.0 * gap, tall - 2.0, colour, &title);
            let figure = value.map(|value| job.locale.number(value, job.chart.digits));
            if let Some(figure) = figure.filter(|figure| width_of(figure) < cell - 4.0) {
                let ink = if ink_on(colour) == "#000000" { "dark" } else { "light" };
                canvas.text(x + cell / 2.0, y + tall / 2.0 + 5.0, Anchor::Middle, ink, &figure);
            }
        }
    }
    canvas.close(job, height)
}
