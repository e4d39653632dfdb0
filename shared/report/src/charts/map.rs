//! Points on an outline. The higher the class, the larger the point; the highest ones have their names beside them.

use crate::charts::{Anchor, Canvas, Job, width_of};
use crate::declare::Scale;
use crate::html::{n, text};

/// So many points are named unless `top` says otherwise.
const NAMED: usize = 5;

struct Place {
    x: f64,
    y: f64,
    label: String,
    value: Option<f64>,
}

/// The drawing and its number of marks.
pub(crate) fn draw(job: &Job<'_>, scale: &Scale) -> (String, usize) {
    let chart = job.chart;
    let spots: Vec<([f64; 2], String, Option<f64>)> = job
        .rows
        .iter()
        .filter_map(|row| {
            let at = [row.number(chart.column("longitude"))?, row.number(chart.column("latitude"))?];
            Some((at, row.text(chart.column("label")).unwrap_or_default(), row.number(chart.column("value"))))
        })
        .collect();
    let corners = || chart.outline.iter().flatten().copied();
    let all = || corners().chain(spots.iter().map(|(at, ..)| *at));
    let fold = |pick: fn([f64; 2]) -> f64, join: fn(f64, f64) -> f64, start| all().map(pick).fold(start, join);
    let (west, east) = (fold(|at| at[0], f64::min, 180.0), fold(|at| at[0], f64::max, -180.0));
    let (south, north) = (fold(|at| at[1], f64::min, 90.0), fold(|at| at[1], f64::max, -90.0));
    // Degrees of longitude are shorter the farther from the equator.
    let shrink = ((south + north) / 2.0).to_radians().cos().max(0.1);
    let (width, margin) = (job.width().min(680.0), 12.0);
    let scale_by = ((width - 2.0 * margin) / ((east - west).max(0.01) * shrink)).min(520.0 / (north - south).max(0.01));
    let height = (north - south).max(0.01) * scale_by + 2.0 * margin;
    let project = |at: [f64; 2]| [margin + (at[0] - west) * shrink * scale_by, margin + (north - at[1]) * scale_by];
    let mut canvas = Canvas::new();
    for ring in &chart.outline {
        let path: Vec<String> = ring.iter().map(|at| project(*at).map(n).join(" ")).collect();
        canvas.out.push_str(&format!("<path class=\"land\" d=\"M{}Z\"/>", path.join("L")));
    }
    let mut places: Vec<Place> = spots
        .into_iter()
        .map(|(at, label, value)| {
            let [x, y] = project(at);
            Place { x, y, label, value }
        })
        .collect();
    // The highest are drawn last, above the others.
    places.sort_by(|a, b| a.value.unwrap_or(f64::MIN).total_cmp(&b.value.unwrap_or(f64::MIN)));
    for place in &places {
        point(&mut canvas, job, scale, place);
    }
    names(&mut canvas, job, &places);
    canvas.close(job, height)
}

fn point(canvas: &mut Canvas, job: &Job<'_>, scale: &Scale, place: &Place) {
    canvas.marks += 1;
    let step = place.value.and_then(|value| scale.step(value));
    let told = place.value.map_or_else(|| job.locale.word("missing"), |value| job.told(value));
    let (paint, size, class) = match step {
        Some((rank, step)) => {
            let size = 4.5 + 4.0 * rank as f64 / scale.steps.len().max(1) as f64;
            (format!("fill=\"{}\"", text(&step.colour)), size, format!(" ({})", step.label))
        }
        None => (String::new(), 4.5, String::new()),
    };
    let class_name = if step.is_some() { "m point" } else { "m point gap" };
    let class = if job.chart.scale.is_some() { class } else { String::new() };
    canvas.out.push_str(&format!(
        "<circle class=\"{class_name}\" cx=\"{}\" cy=\"{}\" r=\"{}\" {paint}><title>{}: {}{}</title></circle>",
        n(place.x),
        n(place.y),
        n(size),
        text(&place.label),
        text(told),
        text(class)
    ));
}

/// Names of the highest points, as far as they do not cover each other. The next ones below take the place of a few of them,
/// not more: a name stands out.
fn names(canvas: &mut Canvas, job: &Job<'_>, places: &[Place]) {
    let mut taken: Vec<[f64; 4]> = Vec::new();
    let mut left = job.chart.top.unwrap_or(NAMED);
    let candidates = places.iter().rev().filter(|place| place.value.is_some()).take(2 * left);
    for place in candidates {
        if left == 0 {
            break;
        }
        // Stations of one town differ by what stands behind it.
        let label = crate::charts::shorten_middle(&place.label, 215.0);
        let width = width_of(&label);
        let (x, anchor) = if place.x + 12.0 + width < job.width() {
            (place.x + 11.0, Anchor::Start)
        } else {
            (place.x - 11.0 - width, Anchor::Start)
        };
        let area = [x, place.y - 9.0, x + width, place.y + 9.0];
        let free = taken
            .iter()
            .all(|other| area[2] < other[0] || area[0] > other[2] || area[3] < other[1] || area[1] > other[3]);
        if free && x > 0.0 {
            canvas.text(x, place.y + 5.0, anchor, "halo ink", &label);
            taken.push(area);
            left -= 1;
        }
    }
}
