//! What colours mean, as text beside samples of them.

use crate::charts::{SERIES, label};
use crate::declare::Scale;
use crate::html::text;
use crate::locale::Locale;

/// The classes of a scale, from its first one, with what they reach to; and how missing values look.
pub(crate) fn of_scale(scale: &Scale, declared: bool, unit: &str, missing: bool, locale: &Locale) -> String {
    let mut out = String::from("<ul class=\"legend\">");
    let mut below: Option<f64> = None;
    let whole = is_numbered(scale);
    for step in &scale.steps {
        if let Some(to) = step.to.filter(|_| whole) {
            let number = locale.number(to, Some(0));
            out.push_str(&item(&step.colour, &format!("<b>{}</b> {}", text(number), text(&step.label))));
            continue;
        }
        let range = match (step.to, below) {
            (Some(to), None) => format!("≤ {}", locale.number(to, None)),
            (Some(to), Some(below)) => format!("{}–{}", locale.number(below, None), locale.number(to, None)),
            (None, Some(below)) => format!("> {}", locale.number(below, None)),
            (None, None) => String::new(),
        };
        below = step.to;
        let label = if !declared || step.label.is_empty() {
            format!("<b>{}</b>", text(if declared { &range } else { &step.label }))
        } else {
            format!("<b>{}</b> {}", text(&step.label), text(range))
        };
        out.push_str(&item(&step.colour, &label));
    }
    if missing {
        out.push_str(&format!("<li>{}<span>{}</span></li>", sample("class=\"gap\""), text(locale.word("missing"))));
    }
    out.push_str("</ul>");
    if !unit.is_empty() {
        out = out.replacen(
            "<ul class=\"legend\">",
            &format!("<ul class=\"legend\"><li class=\"unit\">{}</li>", text(unit)),
            1,
        );
    }
    out
}

fn item(colour: &str, label: &str) -> String {
    format!("<li>{}<span>{label}</span></li>", sample(&format!("fill=\"{}\"", text(colour))))
}

/// Whether the classes are 1, 2, 3, ...: then each is one number, not what lies between two.
fn is_numbered(scale: &Scale) -> bool {
    scale.steps.iter().enumerate().all(|(place, step)| step.to == Some(place as f64 + 1.0))
}

/// The names of series.
pub(crate) fn of_series(names: &[String]) -> String {
    let items: String = names
        .iter()
        .enumerate()
        .map(|(place, name)| {
            format!("<li>{}<span>{}</span></li>", sample(&format!("class=\"f{}\"", place % SERIES + 1)), label(name))
        })
        .collect();
    format!("<ul class=\"legend\">{items}</ul>")
}

fn sample(paint: &str) -> String {
    format!(
        "<svg class=\"sample\" viewBox=\"0 0 14 14\" aria-hidden=\"true\"><rect {paint} width=\"14\" height=\"14\" rx=\"2\"/></svg>"
    )
}

/// Classes for values without a declared scale: five blues over round numbers.
pub(crate) fn automatic(values: impl Iterator<Item = f64> + Clone, locale: &Locale) -> Scale {
    const BLUES: [&str; 5] = ["#dbe9f6", "#a9cbe6", "#6aa5d3", "#2f75b0", "#0b3d75"];
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.clone().fold(f64::NEG_INFINITY, f64::max);
    // Few whole numbers are classes of their own, and what is always the same is one class.
    let is_few = high == low || high - low <= 4.0 && values.clone().all(|value| value.fract() == 0.0);
    if low.is_finite() && is_few {
        let count = (high - low) as usize;
        let steps = (0..=count).map(|place| {
            let to = low + place as f64;
            let shade = (place * 4).checked_div(count).unwrap_or(4);
            let colour = BLUES.get(shade).copied().unwrap_or("#0b3d75").to_owned();
            crate::declare::Step { to: Some(to), label: locale.number(to, None), colour }
        });
        return Scale { title: String::new(), source: crate::declare::Linked::default(), steps: steps.collect() };
    }
    // Without a value there is no class.
    let numbers = if low.is_finite() { super::axis::round_numbers(low, high.max(low + 1e-9), 4) } else { Vec::new() };
    let digits = super::axis::digits_of(&numbers);
    let mut tops: Vec<f64> = numbers.iter().skip(1).copied().collect();
    // The highest value is of the last class, also where no round number is above it.
    if let Some(top) = tops.last_mut() {
        *top = top.max(high);
    }
    let mut below = numbers.first().copied().unwrap_or_default();
    let count = tops.len();
    let steps = tops
        .into_iter()
        .enumerate()
        .map(|(place, to)| {
            // The darkest blue is the highest class, however many there are.
            let shade = if count <= 1 { 4 } else { place * 4 / (count - 1) };
            let label = format!("{}–{}", locale.number(below, Some(digits)), locale.number(to, Some(digits)));
            below = to;
            let colour = BLUES.get(shade).copied().unwrap_or("#0b3d75").to_owned();
            crate::declare::Step { to: Some(to), label, colour }
        })
        .collect();
    Scale { title: String::new(), source: crate::declare::Linked::default(), steps }
}

/// Black or white, whichever can be read on a colour.
pub(crate) fn ink_on(colour: &str) -> &'static str {
    let part = |at: usize| {
        let value = colour.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0);
        let share = f64::from(value) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
    if luminance > 0.179 { "#000000" } else { "#ffffff" }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn ink_can_be_read() {
        for (colour, ink) in
            [("#0000ff", "#ffffff"), ("#ffff00", "#000000"), ("#009900", "#000000"), ("#660000", "#ffffff")]
        {
            assert_eq!(ink_on(colour), ink, "{colour}");
        }
    }

    #[test]
    fn automatic_classes_cover_all_values() {
        let locale = Locale::new("en", &BTreeMap::new(), chrono_tz::UTC);
        for values in [vec![3.0], vec![0.0, 97.3], vec![-4.0, 0.0002], vec![1e300], vec![f64::MIN, f64::MAX], vec![]] {
            let scale = automatic(values.iter().copied(), &locale);
            assert!(values.iter().all(|value| scale.step(*value).is_some()), "{values:?} {scale:?}");
        }
        let labels = |values: &[f64]| -> Vec<String> {
            automatic(values.iter().copied(), &locale).steps.into_iter().map(|step| step.label).collect()
        };
        assert!(labels(&[]).is_empty(), "there is no class without a value");
        assert_eq!(labels(&[3.0, 3.0]), ["3"]);
        assert_eq!(labels(&[0.25]), ["0.25"]);
        assert_eq!(labels(&[5.0, 3.0]), ["3", "4", "5"]);
        assert_eq!(labels(&[0.0, 2.5]), ["0–1", "1–2", "2–3"]);
    }
}
