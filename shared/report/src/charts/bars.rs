//! Bars: upright over time, lying for names. Series are stacked. What is missing is hatched.

use crate::charts::axis::{self, Measure, Slots};
use crate::charts::line::{self, Frame};
use crate::charts::{Anchor, Canvas, Job, SERIES, in_order, width_of};
use crate::declare::As;
use crate::rows::Row;

/// More slots than this are no picture; guards against a date that is far away from all others.
const SLOTS: usize = 2_000;

/// Values of one bar, by series.
struct Bar {
    label: String,
    place: f64,
    parts: Vec<Option<f64>>,
}

impl Bar {
    fn total(&self) -> Option<f64> {
        let known: Vec<f64> = self.parts.iter().flatten().copied().collect();
        (!known.is_empty()).then(|| known.into_iter().fold(0.0, sum))
    }
}

impl Bar {
    /// Its parts with their places: those above zero stand on each other, those below hang from each other.
    fn stack(&self) -> Vec<(usize, f64, (f64, f64))> {
        let (mut up, mut down) = (0.0, 0.0);
        let known = self.parts.iter().enumerate().filter_map(|(part, value)| Some((part, (*value)?)));
        let place = |(part, value): (usize, f64)| {
            let end = if value < 0.0 { &mut down } else { &mut up };
            let from = *end;
            *end = sum(from, value);
            (part, value, (from, *end))
        };
        known.map(place).collect()
    }

    /// How far it reaches above zero, or below.
    fn ends(&self) -> impl Iterator<Item = f64> {
        self.stack().into_iter().map(|(_, _, (_, to))| to)
    }
}

/// A sum that stays a number.
fn sum(a: f64, b: f64) -> f64 {
    (a + b).clamp(f64::MIN, f64::MAX)
}

/// The drawing and its number of marks.
pub(crate) fn draw(job: &Job<'_>) -> (String, usize) {
    let first = job.rows.iter().find_map(|row| row.get(job.chart.column("x")));
    let measure = axis::measure(job.chart.x_as, first);
    let names = line::names(job);
    let bars = bars(job, measure, &names);
    if job.chart.horizontal && measure == Measure::Names {
        lying(job, &bars, &names)
    } else {
        upright(job, measure, bars, &names)
    }
}

fn bars(job: &Job<'_>, measure: Measure, names: &[String]) -> Vec<Bar> {
    let chart = job.chart;
    let labels = in_order(job.rows.iter().filter_map(|row| row.text(chart.column("x"))));
    let mut bars: Vec<Bar> = labels
        .iter()
        .enumerate()
        .map(|(place, label)| Bar { label: label.clone(), place: place as f64, parts: vec![None; names.len()] })
        .collect();
    let slot = |row: Row<'_>| {
        let label = row.text(chart.column("x"))?;
        labels.iter().position(|other| *other == label)
    };
    for row in job.rows.iter() {
        let Some(bar) = slot(row).and_then(|slot| bars.get_mut(slot)) else { continue };
        if let Some(value) = row.get(chart.column("x")) {
            bar.place = axis::place(measure, value).unwrap_or(bar.place);
            bar.label = job.locale.value(Some(value), chart.x_as, None, "");
        }
        let name = chart.role("series").and_then(|column| row.text(column)).unwrap_or_default();
        let part = names.iter().position(|other| *other == name).and_then(|place| bar.parts.get_mut(place));
        if let (Some(part), Some(value)) = (part, row.number(chart.column("y"))) {
            *part = Some(value);
        }
    }
    bars
}

fn over(job: &Job<'_>, value: f64) -> bool {
    job.chart.limits.first().is_some_and(|limit| value > limit.value)
}

/// The class of a part, marked where the bar is over the first limit.
fn paint(job: &Job<'_>, names: &[String], place: usize, total: f64) -> String {
    if names.len() <= 1 && over(job, total) { "over".to_owned() } else { format!("f{}", place % SERIES + 1) }
}

fn told(job: &Job<'_>, bar: &Bar, name: &str, value: f64) -> String {
    let name = if name.is_empty() { String::new() } else { format!(", {name}") };
    format!("{}{name}: {}", bar.label, job.told(value))
}

fn lying(job: &Job<'_>, bars: &[Bar], names: &[String]) -> (String, usize) {
    let totals = || bars.iter().filter_map(Bar::total);
    let limits = || job.chart.limits.iter().map(|limit| limit.value);
    let ends = || bars.iter().flat_map(Bar::ends);
    let high = ends().chain(limits()).fold(0.0, f64::max).max(1e-9);
    let low = ends().fold(0.0, f64::min);
    let figures =
        totals().map(|total| width_of(&job.told(total))).fold(width_of(&job.locale.word("missing")), f64::max);
    let longest = bars.iter().map(|bar| width_of(&bar.label)).fold(0.0, f64::max);
    // On a phone the label stands above its bar.
    let (left, pitch, thick) = if job.wide { (longest.min(300.0) + 12.0, 32.0, 20.0) } else { (0.0, 46.0, 18.0) };
    // A long unit leaves room for the bars.
    let figures = figures.min((job.width() - left) * 0.6);
    let top = if job.chart.limits.is_empty() { 4.0 } else { 26.0 };
    let height = top + pitch * bars.len() as f64 + 2.0;
    let frame = Frame { left, right: job.width() - figures - 10.0, top, bottom: height, x: (low, high), y: (0.0, 1.0) };
    let mut canvas = Canvas::new();
    for (place, bar) in bars.iter().enumerate() {
        let y = top + pitch * place as f64;
        let mid = if job.wide { y + thick / 2.0 } else { y + 20.0 + thick / 2.0 };
        if job.wide {
            canvas.short_text(left - 10.0, mid + 5.0, Anchor::End, "ink", &bar.label, left - 12.0);
        } else {
            canvas.short_text(0.0, y + 14.0, Anchor::Start, "ink", &bar.label, job.width() - 4.0);
        }
        let Some(total) = bar.total() else {
            absent(&mut canvas, job, frame.x(0.0), mid, thick, &bar.label);
            continue;
        };
        for (part, value, (from, to)) in bar.stack() {
            let (a, b) = (frame.x(from), frame.x(to));
            let name = names.get(part).map_or("", String::as_str);
            canvas.block(
                a.min(b),
                mid - thick / 2.0,
                (a - b).abs().max(0.5),
                thick,
                &paint(job, names, part, total),
                &told(job, bar, name, value),
            );
            let figure = job.locale.number(value, job.chart.digits);
            if names.len() > 1 && (a - b).abs() > width_of(&figure) + 6.0 {
                canvas.text((a + b) / 2.0, mid + 5.0, Anchor::Middle, "on", &figure);
            }
        }
        let class = if over(job, total) { "ink bold" } else { "ink" };
        let x = frame.x(bar.ends().fold(0.0, f64::max)) + 8.0;
        canvas.short_text(x, mid + 5.0, Anchor::Start, class, &job.told(total), job.width() - x);
    }
    for limit in &job.chart.limits {
        let x = frame.x(limit.value);
        canvas.rule(x, top - 4.0, x, height - 6.0, "limit");
        let (anchor, room) = if x > job.width() / 2.0 { (Anchor::End, x) } else { (Anchor::Start, job.width() - x) };
        canvas.short_text(
            if anchor == Anchor::End { x + 4.0 } else { x - 4.0 },
            14.0,
            anchor,
            "halo",
            &limit.label,
            room,
        );
    }
    canvas.close(job, height)
}

/// A bar without a value: to the right of zero, or to its left where all the others are.
fn absent(canvas: &mut Canvas, job: &Job<'_>, zero: f64, mid: f64, thick: f64, label: &str) {
    const LENGTH: f64 = 34.0;
    let words = job.locale.word("missing");
    let is_right = zero + LENGTH + 8.0 + width_of(&words) <= job.width();
    let (from, x, anchor) = if is_right {
        (zero, zero + LENGTH + 8.0, Anchor::Start)
    } else {
        (zero - LENGTH, zero - LENGTH - 8.0, Anchor::End)
    };
    canvas.block(from, mid - thick / 2.0, LENGTH, thick, "gap", &format!("{label}: {words}"));
    canvas.text(x, mid + 5.0, anchor, "", &words);
}

fn upright(job: &Job<'_>, measure: Measure, mut bars: Vec<Bar>, names: &[String]) -> (String, usize) {
    bars.sort_by(|a, b| a.place.total_cmp(&b.place));
    let own: Vec<f64> = bars.iter().map(|bar| bar.place).collect();
    let Slots { places, monthly, .. } = axis::slots(measure, job.chart.x_as, &own, SLOTS);
    let height = if job.wide { 300.0 } else { 270.0 };
    let values = bars.iter().flat_map(Bar::ends).chain([0.0]);
    let (ticks, y) = line::y_axis(job, values);
    let digits = axis::digits_of(&ticks);
    let left = ticks.iter().map(|tick| width_of(&job.locale.number(*tick, Some(digits)))).fold(0.0, f64::max) + 8.0;
    let x = (places.first().copied().unwrap_or(0.0), places.last().copied().unwrap_or(1.0));
    let frame = Frame { left, right: job.width() - 4.0, top: 30.0, bottom: height - 28.0, x, y };
    let mut canvas = Canvas::new();
    line::grid(&mut canvas, job, &frame, &ticks);
    let pitch = (frame.right - frame.left) / places.len().max(1) as f64;
    let thick = if pitch > 5.0 { (pitch * 0.8).min(48.0) } else { pitch.max(0.8) };
    let at = |slot: usize| frame.left + pitch * (slot as f64 + 0.5);
    for (slot, place) in places.iter().enumerate() {
        let bar = bars.iter().find(|bar| (bar.place - place).abs() < 1e-6);
        let edge = at(slot) - thick / 2.0;
        let Some((bar, total)) = bar.and_then(|bar| Some((bar, bar.total()?))) else {
            let label = match (bar, axis::day_at(*place)) {
                (Some(bar), _) => bar.label.clone(),
                (None, Some(day)) if measure == Measure::Days && monthly => job.locale.month(day),
                (None, Some(day)) if measure == Measure::Days => job.locale.day(day),
                _ => job.locale.number(*place, None),
            };
            let title = format!("{label}: {}", job.locale.word("missing"));
            canvas.block(edge, frame.top, thick, frame.bottom - frame.top, "gap", &title);
            continue;
        };
        for (part, value, (from, to)) in bar.stack() {
            let (a, b) = (frame.y(from), frame.y(to));
            let name = names.get(part).map_or("", String::as_str);
            canvas.block(
                edge,
                a.min(b),
                thick,
                (a - b).abs(),
                &paint(job, names, part, total),
                &told(job, bar, name, value),
            );
        }
    }
    let most = if job.wide { 9 } else { 4 };
    let named = match measure {
        Measure::Days if monthly || job.chart.x_as == As::Month => axis::named_months(&places, most, job.locale),
        Measure::Days => axis::named_days(frame.x.0, frame.x.1, most, job.locale),
        Measure::Numbers => axis::named_numbers(frame.x.0, frame.x.1, most, job.chart.x_as, job.locale),
        Measure::Names => bars.iter().map(|bar| (bar.place, bar.label.clone())).collect(),
    };
    let span = (x.1 - x.0).max(1e-9);
    let middle = |frame: &Frame, place: f64| {
        let share = if places.len() > 1 { (place - frame.x.0) / span } else { 0.0 };
        frame.left + pitch / 2.0 + share * (frame.right - frame.left - pitch)
    };
    line::names_below(&mut canvas, &frame, named, middle);
    line::limits(&mut canvas, job, &frame);
    canvas.close(job, height)
}
