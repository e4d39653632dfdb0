//! Lines over time or numbers. Where a value is missing the line ends, and the hole is hatched.

use crate::charts::axis::{self, Measure};
use crate::charts::{Anchor, Canvas, Job, SERIES, in_order, width_of};
use crate::html::{n, text};

/// More points have no titles of their own: the file would be mostly titles.
const TITLED: usize = 800;

struct Point {
    x: f64,
    y: Option<f64>,
    band: Option<(f64, f64)>,
    told: String,
}

/// The place of the plot within the drawing, and its scales.
pub(crate) struct Frame {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    pub x: (f64, f64),
    pub y: (f64, f64),
}

impl Frame {
    pub(crate) fn x(&self, value: f64) -> f64 {
        self.left + axis::share(value, self.x) * (self.right - self.left)
    }

    pub(crate) fn y(&self, value: f64) -> f64 {
        self.bottom - axis::share(value, self.y) * (self.bottom - self.top)
    }
}

/// The drawing and its number of marks.
pub(crate) fn draw(job: &Job<'_>) -> (String, usize) {
    let chart = job.chart;
    let first = job.rows.iter().find_map(|row| row.get(chart.column("x")));
    let measure = axis::measure(chart.x_as, first);
    let names = names(job);
    let series = points(job, measure, &names);
    let all = || series.iter().flatten();
    let height = if job.wide { 300.0 } else { 270.0 };
    let labelled = names.len() > 1 && names.len() <= SERIES;
    let longest = names.iter().map(|name| width_of(name)).fold(0.0, f64::max);
    let room = if labelled { (longest + 14.0).min(if job.wide { 190.0 } else { 96.0 }) } else { 10.0 };
    let values = all().flat_map(|point| point.y.into_iter().chain(point.band.into_iter().flat_map(|(a, b)| [a, b])));
    let (ticks, y) = y_axis(job, values);
    let digits = axis::digits_of(&ticks);
    let left = ticks.iter().map(|tick| width_of(&job.locale.number(*tick, Some(digits)))).fold(0.0, f64::max) + 8.0;
    let xs = || all().map(|point| point.x);
    let x = (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max));
    let frame = Frame { left, right: job.width() - room, top: 30.0, bottom: height - 28.0, x, y };
    let mut canvas = Canvas::new();
    grid(&mut canvas, job, &frame, &ticks);
    x_axis(&mut canvas, job, &frame, measure);
    let steps = steps(&series);
    if let ([points], [step]) = (series.as_slice(), steps.as_slice()) {
        holes(&mut canvas, job, &frame, points, *step);
    }
    let titled = job.wide && all().count() <= TITLED;
    for (place, (points, step)) in series.iter().zip(&steps).enumerate() {
        one(&mut canvas, &frame, points, place, *step, titled);
    }
    limits(&mut canvas, job, &frame);
    if labelled {
        ends(&mut canvas, &frame, &series, &names, room - 12.0);
    }
    canvas.close(job, height)
}

/// The series in the order in which they come.
pub(crate) fn names(job: &Job<'_>) -> Vec<String> {
    match job.chart.role("series") {
        Some(series) => in_order(job.rows.iter().map(|row| row.text(series).unwrap_or_default())),
        None => vec![String::new()],
    }
}

fn points(job: &Job<'_>, measure: Measure, names: &[String]) -> Vec<Vec<Point>> {
    let chart = job.chart;
    let mut series: Vec<Vec<Point>> = names.iter().map(|_| Vec::new()).collect();
    let categories = in_order(job.rows.iter().filter_map(|row| row.text(chart.column("x"))));
    for row in job.rows.iter() {
        let name = chart.role("series").and_then(|column| row.text(column)).unwrap_or_default();
        let Some(value) = row.get(chart.column("x")) else { continue };
        let of_name = || row.text(chart.column("x")).and_then(|x| categories.iter().position(|name| *name == x));
        let Some(x) = axis::place(measure, value).or_else(|| of_name().map(|place| place as f64)) else { continue };
        let y = row.number(chart.column("y"));
        let band =
            chart.role("low").and_then(|low| row.number(low)).zip(chart.role("high").and_then(|high| row.number(high)));
        let at = job.locale.value(Some(value), chart.x_as, None, "");
        let told = y.map_or_else(|| job.locale.word("missing"), |y| job.told(y));
        let told = if name.is_empty() { format!("{at}: {told}") } else { format!("{name}, {at}: {told}") };
        let place = names.iter().position(|other| *other == name);
        if let Some(points) = place.and_then(|place| series.get_mut(place)) {
            points.push(Point { x, y, band, told });
        }
    }
    for points in &mut series {
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
    }
    series
}

/// Round values of the y axis, and the range that it shows.
pub(crate) fn y_axis(job: &Job<'_>, values: impl Iterator<Item = f64>) -> (Vec<f64>, (f64, f64)) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.chain(job.chart.limits.iter().map(|limit| limit.value)) {
        low = low.min(value);
        high = high.max(value);
    }
    if !low.is_finite() {
        (low, high) = (0.0, 1.0);
    }
    if job.chart.zero {
        low = low.min(0.0);
        high = high.max(0.0);
    }
    if high - low < 1e-9 {
        high = low + 1.0;
    }
    let ticks = axis::round_numbers(low, high, if job.wide { 5 } else { 4 });
    let (first, last) = (ticks.first().copied().unwrap_or(low), ticks.last().copied().unwrap_or(high));
    // Round numbers end before the greatest doubles, and a hair before a sum that is not exact.
    let beyond =
        |value: f64| axis::share(value, (first, last)) < -1e-6 || axis::share(value, (first, last)) > 1.0 + 1e-6;
    let range = (if beyond(low) { low } else { first }, if beyond(high) { high } else { last });
    (ticks, range)
}

/// Lines across at round values, their numbers and the unit.
pub(crate) fn grid(canvas: &mut Canvas, job: &Job<'_>, frame: &Frame, ticks: &[f64]) {
    let digits = axis::digits_of(ticks);
    for tick in ticks {
        let y = frame.y(*tick);
        canvas.rule(frame.left, y, frame.right, y, if *tick == 0.0 { "zero" } else { "grid" });
        canvas.text(frame.left - 8.0, y + 5.0, Anchor::End, "", &job.locale.number(*tick, Some(digits)));
    }
    canvas.short_text(0.0, 14.0, Anchor::Start, "", &job.chart.unit, job.width());
}

fn x_axis(canvas: &mut Canvas, job: &Job<'_>, frame: &Frame, measure: Measure) {
    let most = if job.wide { 9 } else { 4 };
    let named = match measure {
        Measure::Days => axis::named_days(frame.x.0, frame.x.1, most, job.locale),
        Measure::Numbers => axis::named_numbers(frame.x.0, frame.x.1, most, job.chart.x_as, job.locale),
        Measure::Names => {
            let names = in_order(job.rows.iter().filter_map(|row| row.text(job.chart.column("x"))));
            let every = names.len().div_ceil(most).max(1);
            names.into_iter().enumerate().step_by(every).map(|(place, name)| (place as f64, name)).collect()
        }
    };
    names_below(canvas, frame, named, |frame, place| frame.x(place));
}

/// Names below the plot that do not run into each other or out of the drawing.
pub(crate) fn names_below(
    canvas: &mut Canvas,
    frame: &Frame,
    named: Vec<(f64, String)>,
    at: impl Fn(&Frame, f64) -> f64,
) {
    let mut end = f64::NEG_INFINITY;
    // A long name leaves room for others.
    let most = (frame.right - frame.left) / (named.len() as f64).clamp(1.0, 3.0);
    for (place, name) in named {
        let half = width_of(&name).min(most) / 2.0;
        let x = at(frame, place).max(half).min(frame.right + 10.0 - half);
        if x - half < end + 8.0 {
            continue;
        }
        end = x + half;
        canvas.rule(at(frame, place), frame.bottom, at(frame, place), frame.bottom + 5.0, "grid");
        canvas.short_text(x, frame.bottom + 22.0, Anchor::Middle, "", &name, most);
    }
}

/// The usual distance of neighbours in each series: what is more than half as far again has a hole between. A series is
/// measured by its own rows; one with two rows, which have no usual distance, by those of all.
fn steps(series: &[Vec<Point>]) -> Vec<f64> {
    let gaps = |points: &[Point]| -> Vec<f64> {
        let gaps = points.iter().zip(points.iter().skip(1)).map(|(a, b)| b.x - a.x);
        gaps.filter(|gap| *gap > 1e-9).collect()
    };
    let of_all = usual(series.iter().flat_map(|points| gaps(points)).collect());
    let step = |points: &Vec<Point>| {
        let own = gaps(points);
        if own.len() > 1 { usual(own) } else { usual(own).min(of_all) }
    };
    series.iter().map(step).collect()
}

/// The middle one of distances, the lesser of two: a hole is no usual distance.
fn usual(mut gaps: Vec<f64>) -> f64 {
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len().saturating_sub(1) / 2).copied().unwrap_or(f64::INFINITY)
}

/// Runs of points that have values and no hole between.
fn runs(points: &[Point], step: f64) -> Vec<Vec<&Point>> {
    let mut runs: Vec<Vec<&Point>> = Vec::new();
    let mut last: Option<f64> = None;
    for point in points.iter().filter(|point| point.y.is_some()) {
        let follows = last.is_some_and(|last| {
            let between = |other: &&Point| other.y.is_none() && other.x > last && other.x < point.x;
            point.x - last <= step * 1.6 && !points.iter().any(|other| between(&other))
        });
        last = Some(point.x);
        match runs.last_mut().filter(|_| follows) {
            Some(run) => run.push(point),
            None => runs.push(vec![point]),
        }
    }
    runs
}

fn holes(canvas: &mut Canvas, job: &Job<'_>, frame: &Frame, points: &[Point], step: f64) {
    let runs = runs(points, step);
    let mut edges: Vec<(f64, f64)> = runs
        .iter()
        .zip(runs.iter().skip(1))
        .filter_map(|(before, after)| Some((before.last()?.x, after.first()?.x)))
        .collect();
    // Missing values at the ends have no neighbour beyond them.
    let (first, last) = (runs.first().and_then(|run| run.first()), runs.last().and_then(|run| run.last()));
    if let (Some(first), Some(last)) = (first, last) {
        edges.extend(
            [(frame.x.0, first.x), (last.x, frame.x.1)].into_iter().filter(|(from, to)| to - from > step * 0.5),
        );
    }
    for (from, to) in edges {
        let (left, right) = (frame.x(from) + 1.0, frame.x(to) - 1.0);
        let at = [left, frame.top, (right - left).max(2.0), frame.bottom - frame.top].map(n);
        let [x, y, width, height] = &at;
        canvas.out.push_str(&format!(
            "<rect class=\"gap\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"><title>{}</title></rect>",
            text(job.locale.word("missing"))
        ));
        let words = job.locale.word("missing");
        if right - left > width_of(&words) + 8.0 {
            canvas.text((left + right) / 2.0, (frame.top + frame.bottom) / 2.0, Anchor::Middle, "halo", &words);
        }
    }
}

fn one(canvas: &mut Canvas, frame: &Frame, points: &[Point], place: usize, step: f64, titled: bool) {
    let class = place % SERIES + 1;
    for run in runs(points, step) {
        let edge = |pick: fn(&(f64, f64)) -> f64| -> Vec<(f64, f64)> {
            run.iter().filter_map(|point| point.band.map(|band| (frame.x(point.x), frame.y(pick(&band))))).collect()
        };
        let (low, mut high) = (edge(|band| band.0), edge(|band| band.1));
        if low.len() > 1 {
            high.reverse();
            let path = path(low.into_iter().chain(high));
            canvas.out.push_str(&format!("<path class=\"m band f{class}\" d=\"{path}Z\"/>"));
        }
        let line: Vec<(f64, f64)> = run.iter().filter_map(|p| p.y.map(|y| (frame.x(p.x), frame.y(y)))).collect();
        canvas.marks += line.len();
        if let [(x, y)] = line.as_slice() {
            canvas.out.push_str(&format!("<circle class=\"m f{class}\" cx=\"{}\" cy=\"{}\" r=\"3\"/>", n(*x), n(*y)));
        } else {
            canvas.out.push_str(&format!("<path class=\"m l s{class}\" d=\"{}\"/>", path(line.into_iter())));
        }
        for point in run.iter().filter(|_| titled) {
            let Some(y) = point.y else { continue };
            canvas.out.push_str(&format!(
                "<circle class=\"hit\" cx=\"{}\" cy=\"{}\" r=\"7\"><title>{}</title></circle>",
                n(frame.x(point.x)),
                n(frame.y(y)),
                text(&point.told)
            ));
        }
    }
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut out = String::new();
    for (place, (x, y)) in points.enumerate() {
        out.push(if place == 0 { 'M' } else { 'L' });
        out.push_str(&format!("{} {}", n(x), n(y)));
    }
    out
}

/// Limits across, each with its label above it.
pub(crate) fn limits(canvas: &mut Canvas, job: &Job<'_>, frame: &Frame) {
    for limit in &job.chart.limits {
        let y = frame.y(limit.value);
        canvas.rule(frame.left, y, frame.right, y, "limit");
        canvas.short_text(
            frame.left + 6.0,
            y - 6.0,
            Anchor::Start,
            "halo",
            &limit.label,
            frame.right - frame.left - 10.0,
        );
    }
}

/// The name of each series at its end, moved apart where they would overlap.
fn ends(canvas: &mut Canvas, frame: &Frame, series: &[Vec<Point>], names: &[String], room: f64) {
    let mut ends: Vec<(f64, usize)> = series
        .iter()
        .enumerate()
        .filter_map(|(place, points)| Some((frame.y(points.iter().rev().find_map(|point| point.y)?), place)))
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut above = f64::NEG_INFINITY;
    for (y, _) in &mut ends {
        *y = y.max(above + 17.0);
        above = *y;
    }
    // What was pushed out below comes back up.
    let over = (above - frame.bottom).max(0.0);
    for (y, place) in ends {
        let name = names.get(place).map_or("", String::as_str);
        let class = format!("halo t{}", place % SERIES + 1);
        canvas.short_text(frame.right + 8.0, y - over + 5.0, Anchor::Start, &class, name, room);
    }
}
