//! Small lines beside words.

use crate::html::{n, text};
use crate::rows::Row;

const WIDTH: f64 = 132.0;
const HEIGHT: f64 = 34.0;

/// A small line of values: its last one is a dot, missing ones are gaps, and what lies from `from` to `to` (counted from
/// 0) is shaded. `told` is what a screen reader says in its place.
pub(crate) fn draw(values: &[Option<f64>], span: (f64, f64), marked: Option<(f64, f64)>, told: &str) -> String {
    let (low, high) = span;
    let high = if high > low { high } else { low + 1.0 };
    let step = (WIDTH - 8.0) / (values.len().saturating_sub(1)).max(1) as f64;
    let x = |place: usize| 4.0 + step * place as f64;
    // Quarters, as in `axis::share`.
    let y = |value: f64| {
        let [value, low, high] = [value, low, high].map(|number| number / 4.0);
        4.0 + (high - value) / (high - low).max(f64::MIN_POSITIVE) * (HEIGHT - 8.0)
    };
    let mut path = String::new();
    let mut joined = false;
    for (place, value) in values.iter().enumerate() {
        match value {
            Some(value) => {
                path.push_str(if joined { "L" } else { "M" });
                path.push_str(&format!("{} {}", n(x(place)), n(y(*value))));
                // A value between two gaps is a dot.
                let alone = !joined && !values.get(place + 1).is_some_and(Option::is_some);
                path.push_str(if alone { "h.1" } else { "" });
                joined = true;
            }
            None => joined = false,
        }
    }
    let shade = marked.map_or_else(String::new, |(from, to)| {
        let (from, to) = (4.0 + step * (from - 0.5), 4.0 + step * (to + 0.5));
        let (from, to) = (from.max(0.0), to.min(WIDTH));
        format!(
            "<rect class=\"marked\" x=\"{}\" y=\"0\" width=\"{}\" height=\"{}\"/>",
            n(from),
            n((to - from).max(2.0)),
            n(HEIGHT)
        )
    });
    let end = values.iter().enumerate().rev().find_map(|(place, value)| value.map(|value| (x(place), y(value))));
    let dot = end.map_or_else(String::new, |(x, y)| {
        format!("<circle class=\"m f1\" cx=\"{}\" cy=\"{}\" r=\"3.2\"/>", n(x), n(y))
    });
    let base = n(y(low.max(0.0)));
    let told = text(told);
    let (width, height) = (n(WIDTH), n(HEIGHT));
    format!(
        "<svg class=\"spark\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{told}\"><title>{told}</title>{shade}\
         <path class=\"grid\" d=\"M0 {base}H{width}\"/><path class=\"m l s1\" d=\"{path}\"/>{dot}</svg>"
    )
}

/// What a row's columns say is to be shaded.
pub(crate) fn marked(row: Row<'_>, from: Option<&str>, to: Option<&str>) -> Option<(f64, f64)> {
    let from = row.number(from?)?;
    Some((from, to.and_then(|to| row.number(to)).unwrap_or(from).max(from)))
}

/// Least and greatest value of all lines, so that they can be compared.
pub(crate) fn span(lines: &[Vec<Option<f64>>]) -> (f64, f64) {
    let all = || lines.iter().flatten().flatten().copied();
    (all().fold(0.0, f64::min), all().fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_stay_gaps() {
        let svg = draw(&[Some(1.0), None, Some(2.0), Some(3.0)], (0.0, 3.0), Some((2.0, 3.0)), "a \"b\"");
        assert_eq!(svg.matches('M').count(), 3, "two runs and the base line: {svg}");
        assert!(svg.contains("class=\"marked\"") && svg.contains("a &quot;b&quot;"));
        assert!(!draw(&[], (0.0, 0.0), None, "").contains("circle"));
    }
}
