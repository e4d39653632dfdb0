//! Days as cells: week by week in a wide column, month by month on a phone. Days without a value are hatched.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};

use crate::charts::{Anchor, Canvas, Job, in_order, width_of};
use crate::declare::Scale;

/// One calendar: what it is of, and the value of each of its days.
pub(crate) struct Calendar {
    pub title: String,
    pub days: BTreeMap<NaiveDate, Option<f64>>,
}

/// More weeks than this do not stand beside each other: then each year is a calendar.
const WEEKS: i64 = 55;
/// A date that is far away from all others would make millions of hatched days.
const YEARS: i32 = 30;

/// The calendars of a chart's rows, with every day from the first to the last of all of them.
pub(crate) fn calendars(job: &Job<'_>) -> Vec<Calendar> {
    let chart = job.chart;
    let name = |row: crate::rows::Row<'_>| chart.role("group").and_then(|group| row.text(group)).unwrap_or_default();
    let mut of_group: BTreeMap<String, BTreeMap<NaiveDate, Option<f64>>> = BTreeMap::new();
    for row in job.rows.iter() {
        if let Some(day) = row.day(chart.column("day")) {
            of_group.entry(name(row)).or_default().insert(day, row.number(chart.column("value")));
        }
    }
    let all = || of_group.values().flat_map(BTreeMap::keys).copied();
    let (Some(first), Some(last)) = (all().min(), all().max()) else { return Vec::new() };
    let first = first.max(last.with_year(last.year() - YEARS).unwrap_or(first));
    let by_year = (last - first).num_days() / 7 > WEEKS;
    let mut calendars = Vec::new();
    for group in in_order(job.rows.iter().map(name)) {
        let known = of_group.get(&group).cloned().unwrap_or_default();
        let days =
            first.iter_days().take_while(|day| *day <= last).map(|day| (day, known.get(&day).copied().flatten()));
        if !by_year {
            calendars.push(Calendar { title: group, days: days.collect() });
            continue;
        }
        let mut years: BTreeMap<i32, BTreeMap<NaiveDate, Option<f64>>> = BTreeMap::new();
        for (day, value) in days {
            years.entry(day.year()).or_default().insert(day, value);
        }
        let title = |year| if group.is_empty() { format!("{year}") } else { format!("{group}, {year}") };
        calendars.extend(years.into_iter().rev().map(|(year, days)| Calendar { title: title(year), days }));
    }
    calendars
}

/// The drawing and its number of marks.
pub(crate) fn draw(job: &Job<'_>, scale: &Scale) -> (String, usize) {
    let mut canvas = Canvas::new();
    let mut y = 0.0;
    for calendar in calendars(job) {
        if !calendar.title.is_empty() {
            // Bold letters are wider.
            canvas.short_text(0.0, y + 16.0, Anchor::Start, "ink bold", &calendar.title, job.width() * 0.88);
            y += 24.0;
        }
        y = if job.wide {
            weeks(&mut canvas, job, scale, &calendar, y)
        } else {
            months(&mut canvas, job, scale, &calendar, y)
        };
        y += 18.0;
    }
    canvas.close(job, (y - 14.0).max(1.0))
}

fn cell(canvas: &mut Canvas, job: &Job<'_>, scale: &Scale, at: [f64; 4], day: NaiveDate, value: Option<f64>) {
    let [x, y, width, height] = at;
    let step = value.and_then(|value| scale.step(value)).map(|(_, step)| step);
    let told = value.map_or_else(|| job.locale.word("missing"), |value| job.told(value));
    let title = match step.filter(|step| job.chart.scale.is_some() && !step.label.is_empty()) {
        Some(step) => format!("{}: {told} ({})", job.locale.day(day), step.label),
        None => format!("{}: {told}", job.locale.day(day)),
    };
    let paint = step.map_or("gap", |step| step.colour.as_str());
    // A finger shows no titles: on a phone a cell is only its colour.
    if job.wide {
        canvas.block(x, y, width, height, paint, &title);
        return;
    }
    canvas.marks += 1;
    let at = [x, y, width, height].map(crate::html::n);
    let [x, y, width, height] = &at;
    let paint = if step.is_some() { format!("class=\"m\" fill=\"{paint}\"") } else { "class=\"m gap\"".to_owned() };
    canvas.out.push_str(&format!("<path {paint} d=\"M{x} {y}h{width}v{height}h-{width}z\"/>"));
}

fn weeks(canvas: &mut Canvas, job: &Job<'_>, scale: &Scale, calendar: &Calendar, top: f64) -> f64 {
    let (Some(first), Some(last)) = (calendar.days.keys().next(), calendar.days.keys().next_back()) else { return top };
    let row = |day: NaiveDate| {
        let from_monday = day.weekday().num_days_from_monday();
        if job.locale.sunday_first() { (from_monday + 1) % 7 } else { from_monday }
    };
    let start = first.checked_sub_days(Days::new(u64::from(row(*first)))).unwrap_or(*first);
    let columns = ((*last - start).num_days() / 7 + 1).max(1) as f64;
    let left = 38.0;
    let pitch = ((job.width() - left) / columns).min(17.0);
    let body = top + 20.0;
    let mut named = f64::NEG_INFINITY;
    for (day, value) in &calendar.days {
        let x = left + pitch * ((*day - start).num_days() / 7) as f64;
        let y = body + pitch * f64::from(row(*day));
        cell(canvas, job, scale, [x + 0.8, y + 0.8, pitch - 1.6, pitch - 1.6], *day, *value);
        let name = job.locale.short_month(*day, day == first || day.month() == 1);
        if (day.day() == 1 || day == first) && x > named && x + width_of(&name) < job.width() + 8.0 {
            canvas.text(x, top + 13.0, Anchor::Start, "", &name);
            named = x + width_of(&name) + 6.0;
        }
    }
    for place in [0, 3, 6] {
        let from_monday = if job.locale.sunday_first() { (place + 6) % 7 } else { place };
        let y = body + pitch * (place as f64 + 0.5) + 5.0;
        canvas.text(left - 6.0, y, Anchor::End, "", job.locale.short_weekday(from_monday));
    }
    body + 7.0 * pitch
}

fn months(canvas: &mut Canvas, job: &Job<'_>, scale: &Scale, calendar: &Calendar, top: f64) -> f64 {
    let Some(first) = calendar.days.keys().next() else { return top };
    let left = 66.0;
    let (pitch, tall) = ((job.width() - left) / 31.0, 19.0);
    let body = top + 20.0;
    for date in [1, 10, 20, 31] {
        canvas.text(
            left + pitch * (f64::from(date) - 0.5),
            top + 13.0,
            if date == 31 { Anchor::End } else { Anchor::Middle },
            "",
            &date.to_string(),
        );
    }
    let mut lines = 0.0;
    for (day, value) in &calendar.days {
        let line = f64::from((day.year() - first.year()) * 12) + f64::from(day.month()) - f64::from(first.month());
        let y = body + tall * line;
        if day == first || day.day() == 1 {
            let name = job.locale.short_month(*day, day == first || day.month() == 1);
            canvas.text(0.0, y + 14.0, Anchor::Start, "", &name);
        }
        let x = left + pitch * f64::from(day.day0());
        cell(canvas, job, scale, [x + 0.6, y + 1.0, pitch - 1.2, tall - 2.0], *day, *value);
        lines = line + 1.0;
    }
    body + tall * lines
}
