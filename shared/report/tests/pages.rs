//! Whole pages: what they show, that values stay text, and that the same answers give the same bytes.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;
use report::{Answers, MOST_MARKS, Page, Rendered, Report, Rows, Setting, render};
use serde_json::{Map, Value, json};

fn kinds() -> (Report, Answers) {
    let report = Report::parse(include_str!("kinds/report.toml")).unwrap();
    let answers: BTreeMap<String, Vec<Map<String, Value>>> =
        serde_json::from_str(include_str!("kinds/answers.json")).unwrap();
    (report, answers.into_iter().map(|(sql, rows)| (sql, Rows::from_objects(rows))).collect())
}

fn page(report: &Report) -> &Page {
    report.pages.first().unwrap()
}

fn rendered(answers: &Answers) -> Rendered {
    render(page(&kinds().0), answers, &Setting { zone: chrono_tz::Europe::Brussels, ..Setting::default() })
}

/// The part of a page that belongs to one chart.
fn figure<'a>(html: &'a str, title: &str) -> &'a str {
    let start = html.find(&format!("<h3>{title}</h3>")).unwrap_or_else(|| panic!("no chart \"{title}\""));
    html[start..].split("</figure>").next().unwrap()
}

fn drawing<'a>(figure: &'a str, class: &str) -> &'a str {
    let start = figure.find(&format!("<svg class=\"{class}\"")).unwrap_or_else(|| panic!("no {class} drawing"));
    figure[start..].split("</svg>").next().unwrap()
}

/// A page of one chart.
fn one_chart(chart: &str, rows: Vec<Value>) -> Rendered {
    let text = format!(
        "[[page]]\nname = \"r\"\ntitle = \"T\"\n[[page.section]]\n[[page.section.chart]]\ntitle = \"C\"\nsql = \"q\"\n{chart}"
    );
    let report = Report::parse(&text).unwrap();
    let rows = rows.into_iter().map(|row| row.as_object().unwrap().clone()).collect();
    render(page(&report), &Answers::from([("q".to_owned(), Rows::from_objects(rows))]), &Setting::default())
}

const LINE: &str = "kind = \"line\"\nx = \"x\"\ny = \"v\"\n";
const BARS: &str = "kind = \"bars\"\nx = \"x\"\ny = \"v\"\n";
const HEATMAP: &str = "kind = \"heatmap\"\nx = \"x\"\ny = \"s\"\nvalue = \"v\"\n";
const CALENDAR: &str = "kind = \"calendar\"\nday = \"x\"\nvalue = \"v\"\n";

#[test]
fn two_rows_for_one_place_are_a_problem_of_the_page() {
    let map = "kind = \"map\"\nlongitude = \"lon\"\nlatitude = \"lat\"\nvalue = \"v\"\nlabel = \"s\"\n";
    let charts = [
        (LINE.to_owned(), "Thu 1 Oct 2026 (x)"),
        (format!("{LINE}series = \"s\"\n"), "Thu 1 Oct 2026, a (x, s)"),
        (BARS.to_owned(), "Thu 1 Oct 2026 (x)"),
        (format!("{BARS}series = \"s\"\nx_as = \"text\"\n"), "2026-10-01, a (x, s)"),
        (HEATMAP.to_owned(), "Thu 1 Oct 2026, a (x, s)"),
        (CALENDAR.to_owned(), "Thu 1 Oct 2026 (x)"),
        (format!("{CALENDAR}group = \"s\"\n"), "Thu 1 Oct 2026, a (x, s)"),
        (map.to_owned(), "4.3, 51, a (lon, lat, s)"),
    ];
    let row = |x: &str, s: &str, v: Option<f64>| json!({"x": x, "s": s, "v": v, "lon": 4.3, "lat": 51});
    for (chart, place) in charts {
        // A null is a row as well: neither the value nor the null would be what the query says.
        for second in [Some(2.0), None] {
            let rows = vec![row("2026-10-01", "a", Some(1.0)), row("2026-10-01", "a", second)];
            let page = one_chart(&chart, rows);
            let problem = format!("chart \"C\": two rows for {place}: aggregate in its query");
            assert_eq!(page.problems, [problem], "{chart}");
            let figure = figure(&page.html, "C");
            assert!(figure.contains("could not be made") && !figure.contains("<svg class=\"wide\""), "{chart}");
            assert_eq!(figure.matches("<tr>").count(), 3, "its numbers are all there: {chart}");
        }
    }
}

#[test]
fn rows_that_differ_in_one_column_of_their_place_have_places_of_their_own() {
    let row = |x: &str, s: &str| json!({"x": x, "s": s, "v": 1});
    let rows = || vec![row("2026-10-01", "a"), row("2026-10-01", "b"), row("2026-10-02", "a")];
    for chart in [
        format!("{LINE}series = \"s\"\n"),
        format!("{BARS}series = \"s\"\n"),
        HEATMAP.to_owned(),
        format!("{CALENDAR}group = \"s\"\n"),
    ] {
        assert_eq!(one_chart(&chart, rows()).problems, Vec::<String>::new(), "{chart}");
    }
    let instants = || vec![row("2026-10-01T05:00:00Z", "a"), row("2026-10-01T06:00:00Z", "a")];
    assert_eq!(one_chart(LINE, instants()).problems, Vec::<String>::new());
    let of_days = one_chart(&format!("{HEATMAP}x_as = \"day\"\n"), instants()).problems;
    assert_eq!(of_days, ["chart \"C\": two rows for Thu 1 Oct 2026, a (x, s): aggregate in its query"]);
}

#[test]
fn shared_places_are_counted_and_on_a_page_with_names_not_named() {
    let rows = [("Ada", 1), ("Ada", 2), ("Ada", 3), ("Bob", 4), ("Bob", 5), ("Cy", 6)];
    let rows = rows.map(|(x, v)| json!({"x": x, "v": v}).as_object().unwrap().clone()).to_vec();
    let problems = |personal: bool| {
        let text = format!(
            "[[page]]\nname = \"r\"\ntitle = \"T\"\npersonal = {personal}\n[[page.section]]\n[[page.section.chart]]\ntitle = \"C\"\nsql = \"q\"\n{BARS}"
        );
        let answers = Answers::from([("q".to_owned(), Rows::from_objects(rows.clone()))]);
        render(page(&Report::parse(&text).unwrap()), &answers, &Setting::default()).problems
    };
    let odd = one_chart(BARS, [1, 2].map(|v| json!({"x": "\u{1b}[2JA\u{202e}\n", "v": v})).to_vec()).problems;
    assert_eq!(odd, ["chart \"C\": two rows for [2JA (x): aggregate in its query"], "nothing for a terminal to obey");
    let rest = ", and several for 1 other place: aggregate in its query";
    assert_eq!(problems(false), [format!("chart \"C\": 3 rows for Ada (x){rest}")]);
    assert_eq!(problems(true), [format!("chart \"C\": 3 rows for the same x{rest}")]);
}

/// How many cells or bars are hatched in the wide drawing of a page's chart, and how many are not.
fn hatched(page: &Rendered) -> (usize, usize) {
    assert_eq!(page.problems, Vec::<String>::new());
    let drawing = drawing(figure(&page.html, "C"), "wide");
    let hatched = drawing.matches("class=\"m gap\"").count();
    (hatched, drawing.matches("class=\"m").count() - hatched)
}

#[test]
fn a_day_without_a_row_is_hatched_in_heat_maps_as_in_bars() {
    let rows = |days: &[&str]| days.iter().map(|day| json!({"x": day, "s": "a", "v": 1})).collect::<Vec<_>>();
    let days = ["2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06"];
    let weeks = ["2026-10-05", "2026-10-12", "2026-11-02"];
    let months = ["2026-01-01", "2026-02-01", "2026-05-01"];
    let ends = ["2026-02-28", "2026-03-31", "2026-05-31"];
    let quarters = ["2026-01-01", "2026-04-01", "2026-10-01"];
    let uneven = ["2026-10-01", "2026-10-03", "2026-10-06"];
    let thirties = ["2026-01-01", "2026-01-30"];
    for (shown, given, wanted) in [
        ("day", &days[..], (2, 4)),
        ("auto", &days, (2, 4)),
        ("auto", &weeks, (2, 3)),
        ("week", &weeks, (2, 3)),
        ("auto", &months, (2, 3)),
        ("month", &months, (2, 3)),
        ("auto", &ends, (1, 3)),
        ("auto", &quarters, (1, 3)),
        ("auto", &uneven, (3, 3)),
        ("day", &["2026-10-01", "2026-10-03", "2026-10-05"], (2, 3)),
        // A bar is no longer left out where neighbours are about a month apart.
        ("auto", &thirties, (0, 2)),
    ] {
        for chart in [HEATMAP, BARS] {
            let shown = if shown == "auto" { String::new() } else { format!("x_as = \"{shown}\"\n") };
            assert_eq!(hatched(&one_chart(&format!("{chart}{shown}"), rows(given))), wanted, "{chart}{shown}{given:?}");
        }
    }
}

#[test]
fn a_heat_map_of_a_year_has_cells_and_names_apart() {
    let rows = ["2025-01-01", "2025-12-31"].map(|day| json!({"x": day, "s": "a", "v": 1})).to_vec();
    let page = one_chart(&format!("{HEATMAP}x_as = \"day\"\n"), rows);
    for class in ["wide", "narrow"] {
        let drawing = drawing(figure(&page.html, "C"), class);
        assert_eq!(drawing.matches("class=\"m").count(), 365);
        assert!(!drawing.contains("width=\"0\""), "{class}: each cell can be seen");
        let named: Vec<f64> =
            drawing.split("translate(").skip(1).map(|rest| rest.split(' ').next().unwrap().parse().unwrap()).collect();
        assert!(named.len() > 9 && named.windows(2).all(|pair| pair[1] - pair[0] > 17.0), "{class}: {named:?}");
    }
}

/// The lines and dots of a series in the wide drawing of a page's chart.
fn runs(page: &Rendered, series: usize) -> (usize, usize) {
    let drawing = drawing(figure(&page.html, "C"), "wide");
    let line = format!("<path class=\"m l s{series}\"");
    (drawing.matches(&line).count(), drawing.matches(&format!("<circle class=\"m f{series}\"")).count())
}

#[test]
fn a_gap_of_a_series_is_one_whatever_rows_others_have() {
    let row = |day: u32, s: &str, v: Option<u32>| json!({"x": format!("2026-10-{day:02}"), "s": s, "v": v});
    let chart = format!("{LINE}series = \"s\"\n");
    let a = || [1, 2, 6, 7].map(|day| row(day, "a", Some(day)));
    for null in [1, 2] {
        let rows = a().into_iter().chain([row(null, "b", None), row(7, "b", Some(1))]).collect();
        assert_eq!(runs(&one_chart(&chart, rows), 1), (2, 0), "a null of b on {null}");
    }
    // By itself, and where there are two distances only, one of which is the hole.
    assert_eq!(runs(&one_chart(&chart, a().to_vec()), 1), (2, 0));
    assert_eq!(runs(&one_chart(LINE, [1, 2, 6].map(|day| row(day, "a", Some(1))).to_vec()), 1), (1, 1));
    // A series with rows by the week is a line beside one with rows by the day; one with two days far apart is none.
    let daily = |more: &[u32]| {
        let rows = (1..=22).map(|day| row(day, "a", Some(1)));
        rows.chain(more.iter().map(|day| row(*day, "b", Some(2)))).collect::<Vec<_>>()
    };
    assert_eq!(runs(&one_chart(&chart, daily(&[1, 8, 15, 22])), 2), (1, 0));
    assert_eq!(runs(&one_chart(&chart, daily(&[1, 22])), 2), (0, 2));
}

#[test]
fn without_a_value_a_chart_says_so_and_makes_no_axis_up() {
    let row = |x: Value, v: Value| json!({"x": x, "s": "a", "v": v, "lon": null, "lat": 51});
    let day = || json!("2026-10-01");
    let map = "kind = \"map\"\nlongitude = \"lon\"\nlatitude = \"lat\"\nvalue = \"v\"\nlabel = \"s\"\n";
    for (chart, x, v) in [
        (LINE, day(), json!(null)),
        (LINE, day(), json!("NaN")),
        (LINE, json!(null), json!(1)),
        (BARS, day(), json!(null)),
        (BARS, json!(null), json!(1)),
        (HEATMAP, json!(null), json!(1)),
        (CALENDAR, json!(null), json!(1)),
        (map, day(), json!(1)),
    ] {
        let page = one_chart(chart, vec![row(x, v)]);
        assert_eq!(page.problems, Vec::<String>::new());
        let figure = figure(&page.html, "C");
        assert!(figure.contains("There is no data yet.") && !figure.contains("<svg"), "{chart}: {figure}");
        assert!(figure.contains("<summary>Numbers"), "{chart}");
    }
    // What has a place is hatched there, and has no classes.
    let text = format!("{BARS}x_as = \"text\"\n");
    for chart in [text.as_str(), HEATMAP, CALENDAR] {
        let page = one_chart(chart, vec![row(day(), json!(null))]);
        assert_eq!(hatched(&page), (1, 0), "{chart}");
        assert!(!figure(&page.html, "C").contains("fill=\"#"), "{chart}");
    }
}

/// The numbers in the attributes of a drawing that are places or lengths, by attribute.
fn lengths<'a>(drawing: &'a str, attribute: &str) -> Vec<f64> {
    let parts = drawing.split(attribute).skip(1).map(|rest: &'a str| rest.split('"').next().unwrap());
    parts.map(|number| number.parse().unwrap_or_else(|_| panic!("{number}"))).collect()
}

#[test]
fn large_numbers_stay_within_the_drawing() {
    let all_equal = || [1e300, 1e300, 1e300].to_vec();
    let apart = || [f64::MIN, 5.0, f64::MAX].to_vec();
    let one_large = || [1e300, 5.0, -1e300].to_vec();
    for values in [all_equal(), apart(), one_large()] {
        let rows = || {
            let row = |(place, v): (usize, &f64)| json!({"x": format!("2026-10-0{}", place + 1), "s": "a", "v": v, "l": [1, 1e300, v], "lon": 4, "lat": 50 + place});
            values.iter().enumerate().map(row).collect::<Vec<_>>()
        };
        let text = format!("{BARS}x_as = \"text\"\nlimits = [{{ value = 1, label = \"One\" }}]\n");
        let stacked = format!("{text}series = \"x\"\n").replace("x = \"x\"\n", "x = \"s\"\n");
        let no_zero = format!("{LINE}zero = false\n");
        let map = "kind = \"map\"\nlongitude = \"lon\"\nlatitude = \"lat\"\nvalue = \"v\"\nlabel = \"s\"\n";
        for chart in [LINE, &no_zero, BARS, &text, &stacked, HEATMAP, CALENDAR, map] {
            let page = one_chart(chart, rows());
            assert_eq!(page.problems, Vec::<String>::new());
            let figure = figure(&page.html, "C");
            assert!(!figure.contains("NaN") && !figure.contains("inf") && !figure.contains("000,000"), "{chart}");
            for (class, width) in [("wide", 864.0), ("narrow", 358.0)] {
                let drawing = drawing(figure, class);
                let viewed = drawing.split("viewBox=\"0 0 ").nth(1).unwrap().split('"').next().unwrap();
                let height: f64 = viewed.split(' ').nth(1).unwrap().parse().unwrap();
                let within = |attribute: &str, most: f64| {
                    let all = lengths(drawing, attribute);
                    // The label of a limit begins a bit before it.
                    assert!(all.iter().all(|at| (-4.0..=most + 4.0).contains(at)), "{chart}{class}{attribute} {all:?}");
                };
                within(" x=\"", width);
                within(" width=\"", width);
                within(" cx=\"", width);
                within(" y=\"", height);
                within(" cy=\"", height);
                within(" height=\"", height);
            }
            // A cell with a value has a class.
            assert!(
                [LINE, BARS, &no_zero, &text, &stacked].contains(&chart) || !figure.contains("class=\"m gap"),
                "{chart}"
            );
        }
        let lists = "kind = \"ranking\"\nlabel = \"x\"\nvalue = \"v\"\nline = \"l\"\nzero = false\n";
        let table = "kind = \"table\"\ncolumns = [{ name = \"v\", label = \"V\", bar = true }]\n";
        for chart in [lists, table] {
            let html = one_chart(chart, rows()).html;
            let figure = figure(&html, "C");
            assert!(!figure.contains("NaN") && !figure.contains("inf") && !figure.contains("000,000"), "{chart}");
        }
    }
}

#[test]
fn parts_below_zero_hang_below_those_above() {
    let rows = || [("a", -5), ("b", 10), ("c", 5)].map(|(s, v)| json!({"x": "X", "s": s, "v": v})).to_vec();
    let bars = |more: &str| {
        let page = one_chart(&format!("{BARS}series = \"s\"\nx_as = \"text\"\n{more}"), rows());
        drawing(figure(&page.html, "C"), "wide").to_owned()
    };
    let parts = |drawing: &str, begin: &str, size: &str| -> Vec<(f64, f64)> {
        let part = |rest: &str| {
            let (begin, size) = (lengths(rest, begin)[0], lengths(rest, size)[0]);
            (begin, begin + size)
        };
        drawing.split("<rect").skip(1).map(part).collect()
    };
    let lying = parts(&bars("horizontal = true"), " x=\"", " width=\"");
    let near = |a: f64, b: f64| (a - b).abs() < 0.3;
    assert!(near(lying[0].1, lying[1].0) && near(lying[1].1, lying[2].0), "beside each other: {lying:?}");
    let upright = parts(&bars("horizontal = false"), " y=\"", " height=\"");
    assert!(near(upright[0].0, upright[1].1) && near(upright[1].0, upright[2].1), "{upright:?}");
    assert!(upright.iter().all(|(top, bottom)| *top >= 30.0 && *bottom <= 272.1), "within the plot: {upright:?}");
}

#[test]
fn whole_numbers_of_tables_have_all_their_digits() {
    let table = "kind = \"table\"\ncolumns = [{ name = \"v\", label = \"V\" }]\n";
    let html = one_chart(table, vec![json!({"v": 541_448_820_070_414_309_i64}), json!({"v": -1.5e18})]).html;
    assert!(html.contains(">541,448,820,070,414,309") && html.contains(">−1.5×10¹⁸"));
}

#[test]
fn more_decimals_than_a_number_has_are_a_mistake() {
    let page = "[[page]]\nname = \"r\"\ntitle = \"T\"\n";
    let chart = "[[page.section]]\n[[page.section.chart]]\ntitle = \"C\"\nsql = \"q\"\n";
    let table = "kind = \"table\"\ncolumns = [{ name = \"v\", label = \"V\", digits = 70000 }]\n";
    for part in [
        "[[page.number]]\nlabel = \"N\"\nsql = \"q\"\nvalue = \"v\"\ndigits = 70000\n".to_owned(),
        format!("{chart}{LINE}digits = 70000\n"),
        format!("{chart}{table}"),
    ] {
        let mistake = Report::parse(&format!("{page}{part}")).unwrap_err().to_string();
        assert!(mistake.contains("digits = 70000: at most 9 decimals"), "{mistake}");
    }
}

#[test]
fn limits_are_numbers() {
    for limit in ["inf", "-inf", "nan"] {
        let chart = format!("kind = \"bars\"\nx = \"x\"\ny = \"v\"\nlimits = [{{ value = {limit}, label = \"L\" }}]\n");
        let text = format!(
            "[[page]]\nname = \"r\"\ntitle = \"T\"\n[[page.section]]\n[[page.section.chart]]\ntitle = \"C\"\nsql = \"q\"\n{chart}"
        );
        assert!(Report::parse(&text).unwrap_err().to_string().contains("a limit is a number"), "{limit}");
    }
}

#[test]
fn days_of_a_heat_map_stand_in_their_order_or_the_other_way_round() {
    let heads = |days: [&str; 3]| {
        let rows = days.iter().map(|day| json!({"x": day, "s": "a", "v": 1})).collect();
        let page = one_chart(HEATMAP, rows);
        let table = page.html.split("<thead>").nth(1).unwrap().split("<tbody>").next().unwrap().to_owned();
        table.split("<th scope=\"col\">").skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let names = ["Thu 1 Oct", "Fri 2 Oct", "Sat 3 Oct", "Sun 4 Oct"];
    assert_eq!(heads(["2026-10-01", "2026-10-04", "2026-10-02"]), names);
    let back: Vec<&str> = names.into_iter().rev().collect();
    assert_eq!(heads(["2026-10-04", "2026-10-02", "2026-10-01"]), back);
}

#[test]
fn a_heat_map_with_a_day_far_away_is_too_many_marks() {
    let rows = ["0001-01-01", "9999-12-31"].map(|day| json!({"x": day, "s": "a", "v": 1})).to_vec();
    let page = one_chart(&format!("{HEATMAP}x_as = \"day\"\n"), rows);
    assert!(page.problems[0].contains("it has 3652059 marks"), "{:?}", page.problems);
    let rows = || ["0001-01-01", "0001-02-01", "9999-12-01"].map(|day| json!({"x": day, "s": "a", "v": 1})).to_vec();
    assert!(one_chart(HEATMAP, rows()).problems[0].contains("it has 119988 marks"));
    assert_eq!(hatched(&one_chart(BARS, rows())), (0, 3), "bars of days so far apart stand beside each other");
}

#[test]
fn a_page_begins_with_a_sentence_and_the_age_of_its_data() {
    let Rendered { html, headline, newest, problems } = rendered(&kinds().1);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(headline, "Three of 62 stations were over the limit on Thursday 19 November 2026.");
    assert_eq!(newest, "Thursday 19 November 2026");
    let order = [
        headline.as_str(),
        "Data up to",
        "class=\"numbers\"",
        "One line with a hole",
        "How to read this",
        "Source: Made up",
        "Licence: CC0",
    ];
    let places: Vec<usize> = order.iter().map(|part| html.find(part).unwrap_or_else(|| panic!("no {part}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn key_numbers_say_how_they_changed() {
    let html = rendered(&kinds().1).html;
    assert!(html.contains("<dt>Over</dt><dd><b>3</b></dd><dd class=\"change\"><span class=\"good\">▼ −2 (better)</span> since the day before</dd>"));
    assert!(
        html.contains("<b>98%</b>") && html.contains("▼ −1% (worse)") || html.contains("unchanged"),
        "97.5 against 98"
    );
}

#[test]
fn the_same_answers_give_the_same_bytes() {
    assert_eq!(rendered(&kinds().1), rendered(&kinds().1));
}

#[test]
fn a_page_stands_alone() {
    let html = rendered(&kinds().1).html;
    assert!(html.contains("default-src 'none'; style-src 'sha256-"));
    for never in ["<script", "src=", "@import", "url(http", "<link", " style=", " on", "javascript:"] {
        let found = html
            .split("</style>")
            .flat_map(|part| part.split("<style>"))
            .any(|part| tags(part).any(|tag| tag.contains(never)));
        assert!(!found, "{never}");
    }
    let links = html.matches("href=\"https://example.org/levels\"").count();
    assert_eq!((html.matches("https://").count(), links), (2, 2), "the links to the source of a scale");
}

fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).filter_map(|rest| rest.split('>').next())
}

#[test]
fn values_are_text_wherever_they_stand() {
    let html = rendered(&kinds().1).html;
    assert!(
        html.contains("Ada &lt;script&gt;")
            && html.contains("&lt;script&gt;alert(1)&lt;/script&gt;")
            && html.contains("&lt;b&gt;7.3")
    );
    assert!(!html.contains("<b>7.3"));
}

#[test]
fn each_chart_is_drawn_for_a_column_and_for_a_phone_and_has_its_numbers() {
    let html = rendered(&kinds().1).html;
    let drawn = [
        "One line with a hole",
        "Three lines",
        "By day, with a day missing",
        "By name, with a limit",
        "Stacked",
        "Hour by weekday",
        "Two calendars",
        "Where?",
    ];
    for title in drawn {
        let figure = figure(&html, title);
        for class in ["wide", "narrow"] {
            assert!(drawing(figure, class).contains("class=\"m"), "{title}, {class}");
        }
        assert!(
            figure.contains("<summary>Numbers</summary>") && figure.contains("<summary>Query (SQL)</summary>"),
            "{title}"
        );
    }
    for title in ["A band", "Instants"] {
        assert!(drawing(figure(&html, title), "only").contains("class=\"m l s1\""), "{title}");
    }
    assert!(figure(&html, "Nothing").contains("Nothing to show."));
}

#[test]
fn nothing_leaves_a_drawing_on_a_phone() {
    let html = rendered(&kinds().1).html;
    for part in html.split("<svg class=\"narrow\"").skip(1) {
        let svg = part.split("</svg>").next().unwrap();
        for x in svg.split(" x=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap()) {
            assert!((0.0..=358.0).contains(&x), "{x} in {}", &svg[..80]);
        }
    }
}

/// From where to where the texts of a drawing reach, by what their letters need at least.
fn reaches(svg: &str) -> Vec<(f64, f64, String)> {
    let texts = svg.split("<text x=\"").skip(1);
    let reach = |text: &str| {
        let (x, rest) = text.split_once('"').unwrap();
        let (tag, rest) = rest.split_once('>').unwrap();
        let words = rest.split('<').next().unwrap().replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let width: f64 = words
            .chars()
            .map(|letter| match letter {
                'M' => 11.6,
                '界' => 14.0,
                'i' | 'l' | 't' | '/' | '.' | ':' | ' ' | '…' => 3.0,
                _ => 6.0,
            })
            .sum();
        let x: f64 = x.parse().unwrap();
        let from = match tag {
            tag if tag.contains("\"end\"") => x - width,
            tag if tag.contains("\"middle\"") => x - width / 2.0,
            _ => x,
        };
        (from, from + width, words)
    };
    texts.map(reach).collect()
}

#[test]
fn no_label_leaves_a_drawing_or_a_list() {
    let (report, answers) = kinds();
    let text: BTreeMap<String, Vec<Map<String, Value>>> =
        serde_json::from_str(include_str!("kinds/answers.json")).unwrap();
    let is_date = |text: &str| text.get(..4).is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()));
    for more in ["/https://example.org/a?b=c".repeat(3), "M".repeat(3_000), "界".repeat(3_000)] {
        let longer = |value: Value| match value {
            Value::String(text) if !is_date(&text) => Value::from(format!("{text}{more}")),
            value => value,
        };
        let row = |row: Map<String, Value>| row.into_iter().map(|(name, value)| (name, longer(value))).collect();
        let longer = |(sql, rows): (String, Vec<Map<String, Value>>)| {
            (sql, Rows::from_objects(rows.into_iter().map(row).collect()))
        };
        let long: Answers = text.clone().into_iter().map(longer).collect();
        assert_eq!(long.len(), answers.len());
        let html = render(page(&report), &long, &Setting::default()).html;
        for (class, width) in [("wide", 864.0), ("narrow", 358.0), ("only", 358.0)] {
            for part in html.split(&format!("<svg class=\"{class}\"")).skip(1) {
                for (from, to, words) in reaches(part.split("</svg>").next().unwrap()) {
                    assert!(from >= -1.0 && to <= width + 11.0, "{class}: {words} reaches from {from} to {to}");
                }
            }
        }
        let list = figure(&html, "Who?");
        let (shown, behind) = list.split_once("<summary>Numbers").unwrap();
        let whole = format!("Bruno &amp; Co{more}");
        let label = shown.split("<b>").find(|part| part.contains("Bruno")).unwrap().split("</b>").next().unwrap();
        let seen = label.split('>').find(|part| part.starts_with("Bruno")).unwrap();
        assert!(seen.chars().count() < 140 && label.contains(&whole), "{label}");
        assert!(behind.contains(&format!("class=\"long\">{whole}")), "the whole text is in the table");
    }
}

#[test]
fn missing_bars_below_zero_stay_within_the_drawing() {
    let html = rendered(&kinds().1).html;
    let below = figure(&html, "Below zero, with a gap");
    for (class, width) in [("wide", 864.0), ("narrow", 358.0)] {
        let svg = drawing(below, class);
        let (from, to, _) = reaches(svg).into_iter().find(|(.., words)| words == "no data").unwrap();
        assert!(from >= 0.0 && to <= width, "{class}: from {from} to {to}");
        let gap = svg.split("<rect class=\"m gap\"").nth(1).unwrap();
        let of = |name: &str| gap.split(&format!(" {name}=\"")).nth(1).unwrap().split('"').next().unwrap();
        let (x, long): (f64, f64) = (of("x").parse().unwrap(), of("width").parse().unwrap());
        assert!(x >= 0.0 && x + long <= width && (to <= x || from >= x + long), "{class}: {x} and {from} to {to}");
    }
}

#[test]
fn missing_is_shown_as_missing() {
    let html = rendered(&kinds().1).html;
    let line = drawing(figure(&html, "One line with a hole"), "wide");
    assert_eq!(line.matches("class=\"m l s1\"").count(), 3, "two holes make three runs");
    assert_eq!(line.matches("class=\"gap\"").count(), 2);
    let bars = drawing(figure(&html, "By day, with a day missing"), "wide");
    assert_eq!(bars.matches("class=\"m gap\"").count(), 4, "three days without a row and one without a value");
    assert!(bars.contains("Thu 29 Oct 2026: no data"));
    assert!(drawing(figure(&html, "By name, with a limit"), "wide").contains("Silent station: no data"));
    assert_eq!(drawing(figure(&html, "Hour by weekday"), "wide").matches("class=\"m gap\"").count(), 2);
    assert!(drawing(figure(&html, "Where?"), "wide").contains("Dark: no data"));
    assert!(figure(&html, "A table").contains("<td class=\"none\" data-label=\"Share\">no data"));
    let days = drawing(figure(&html, "Two calendars"), "wide");
    assert_eq!(days.matches("<rect").count(), 2 * 364, "each day from the first to the last");
}

#[test]
fn limits_are_labelled_and_what_is_over_is_marked() {
    let html = rendered(&kinds().1).html;
    assert!(drawing(figure(&html, "One line with a hole"), "narrow").contains("Limit 50"));
    let bars = drawing(figure(&html, "By name, with a limit"), "wide");
    assert!(bars.contains("35 are allowed") && bars.matches("class=\"m over\"").count() == 1);
    assert!(figure(&html, "A table").contains("class=\"m over\""));
}

#[test]
fn few_lines_have_their_names_at_their_ends() {
    let html = rendered(&kinds().1).html;
    let figure = figure(&html, "Three lines");
    assert!(!figure.contains("class=\"legend\"") && drawing(figure, "wide").contains("class=\"halo t2\">10.10<"));
}

#[test]
fn numbers_in_tables_are_those_of_the_rows() {
    let (_, answers) = kinds();
    let html = rendered(&answers).html;
    let behind = figure(&html, "By name, with a limit").split("<table>").nth(1).unwrap();
    assert!(
        behind.contains("<td class=\"n\">41")
            && behind.contains("<td class=\"n\">12")
            && behind.contains("<td class=\"none\">no data")
    );
    let matrix = figure(&html, "Hour by weekday").split("<table>").nth(1).unwrap();
    assert_eq!(matrix.matches("<td class=\"n\">").count(), 7 * 24 - 2);
    assert_eq!(matrix.matches("<td class=\"none\">").count(), 2);
    let calendar = figure(&html, "Two calendars").split("<table>").nth(1).unwrap();
    assert_eq!(calendar.matches("<tr>").count(), 13 + 1, "thirteen months have a day of it");
}

#[test]
fn lists_have_reasons_lines_and_groups_without_anybody() {
    let html = rendered(&kinds().1).html;
    let figure = figure(&html, "Who?");
    assert!(figure.contains("No commits for three weeks; points fell from 71 to 38."));
    assert_eq!(figure.matches("class=\"spark\"").count(), 2, "who has no values has no line");
    assert_eq!(figure.matches("None.").count(), 2);
    assert!(self::figure(&html, "Evidence").contains("class=\"marked\""));
}

#[test]
fn too_many_marks_are_a_table_and_a_problem() {
    let rows = (0..=MOST_MARKS).map(|n| json!({"x": n, "y": n})).collect();
    let page = one_chart("kind = \"line\"\nx = \"x\"\ny = \"y\"\n", rows);
    assert!(page.problems[0].contains("aggregate in its query"), "{:?}", page.problems);
    assert!(page.html.contains("Too many values to draw") && !page.html.contains("class=\"m l"));
    assert!(page.html.len() < 300_000);
}

#[test]
fn what_would_be_far_too_much_is_never_made() {
    let days = ["0001-01-01", "9999-12-31"].map(|day| json!({"day": day, "value": 1})).to_vec();
    let matrix =
        (0..3_000).map(|n| json!({"x": format!("x{n}"), "y": format!("y{n}"), "value": n})).collect::<Vec<_>>();
    let stacks = matrix.clone();
    for (chart, rows) in [
        ("kind = \"calendar\"\nday = \"day\"\nvalue = \"value\"\n", days),
        ("kind = \"heatmap\"\nx = \"x\"\ny = \"y\"\nvalue = \"value\"\n", matrix),
        ("kind = \"bars\"\nx = \"x\"\ny = \"value\"\nseries = \"y\"\n", stacks),
    ] {
        let page = one_chart(chart, rows);
        assert!(page.problems.iter().any(|problem| problem.contains("aggregate in its query")), "{chart}");
        assert!(page.html.len() < 300_000, "{chart}: {}", page.html.len());
    }
}

#[test]
fn a_sentence_with_a_column_that_is_not_there_is_a_problem() {
    let text = include_str!("kinds/report.toml").replace("{stations} stations", "{statoins} stations");
    let (_, answers) = kinds();
    let report = Report::parse(&text).unwrap();
    let rendered = render(page(&report), &answers, &Setting::default());
    assert!(
        rendered.problems.iter().any(|problem| problem.contains("no column \"statoins\"")),
        "{:?}",
        rendered.problems
    );
}

#[test]
fn what_failed_or_lacks_a_column_is_said_without_values() {
    let (report, mut answers) = kinds();
    answers.remove("names");
    answers.insert(
        "lines".to_owned(),
        Rows::new(vec!["week".to_owned(), "secret".to_owned()], vec![vec![json!("2026-11-16"), json!("Ada")]]),
    );
    let page = render(page(&report), &answers, &Setting::default());
    assert!(figure(&page.html, "By name, with a limit").contains("could not be made"));
    assert!(
        page.problems.iter().any(|problem| problem.contains("returns no column \"name\"; it returns week, secret")),
        "{:?}",
        page.problems
    );
    assert!(!page.html.contains("Ada<"));
}

#[test]
fn why_a_query_failed_is_told_once_and_in_one_line() {
    let (report, mut answers) = kinds();
    let all = render(page(&report), &answers, &Setting::default()).problems;
    assert_eq!(all, Vec::<String>::new());
    answers.remove("line");
    let why = "No field named r.\nValid fields are r.a,\r\n\tr.b.".to_owned();
    let setting = Setting { failed: BTreeMap::from([("line".to_owned(), why)]), ..Setting::default() };
    let rendered = render(page(&report), &answers, &setting);
    assert_eq!(
        rendered.problems,
        [
            "chart \"One line with a hole\": its query failed: No field named r. Valid fields are r.a, r.b.",
            "chart \"By day, with a day missing\": its query failed, as above",
        ]
    );
    assert!(!rendered.html.contains("Valid fields"), "the page itself does not say it");
}

#[test]
fn of_a_page_that_is_too_large_it_is_said_that_it_is_written() {
    let rows = (0..900).map(|n| json!({"x": format!("{n}{}", "a".repeat(3_800))})).collect();
    let page = one_chart("kind = \"table\"\ncolumns = [{ name = \"x\", label = \"X\" }]\n", rows);
    let [problem] = page.problems.as_slice() else { panic!("{:?}", page.problems) };
    assert!(problem.starts_with("the page is written, but has 3.5 MB, and mails and phones take 3 MB: "), "{problem}");
    assert!(problem.contains("fewer rows") && page.html.ends_with("</html>\n"));
}

#[test]
fn personal_columns_never_appear_on_other_pages() {
    let (report, answers) = kinds();
    let personal = BTreeSet::from(["who".to_owned()]);
    let setting = Setting { personal: personal.clone(), ..Setting::default() };
    let rendered = render(page(&report), &answers, &setting);
    assert!(!rendered.html.contains("Ada"));
    assert!(rendered.problems.iter().any(|problem| problem.contains("\"who\"")));
    let mut own = page(&report).clone();
    own.personal = true;
    let rendered = render(&own, &answers, &setting);
    assert!(rendered.html.contains("Ada") && rendered.html.contains("This page has names in it"));
}

#[test]
fn a_page_is_in_its_own_language() {
    let (_, answers) = kinds();
    let text = include_str!("kinds/report.toml")
        .replace("language = \"en-GB\"", "language = \"nl-BE\"\n[words]\nhow = \"Leeswijzer\"");
    let text = text.replacen("source = \"Made up\"\nlicence = \"CC0\"\n", "", 1);
    let report = Report::parse(&text).unwrap();
    let html = render(page(&report), &answers, &Setting::default()).html;
    for part in [
        "lang=\"nl-BE\"",
        "Gegevens tot en met",
        "donderdag 19 november 2026",
        "geen gegevens",
        "Leeswijzer",
        "−2 (beter)",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn no_rows_are_no_data_and_no_error() {
    let (report, answers) = kinds();
    let empty = answers.into_keys().map(|sql| (sql, Rows::default())).collect();
    let rendered = render(page(&report), &empty, &Setting::default());
    assert_eq!(rendered.problems, Vec::<String>::new());
    assert_eq!(rendered.headline, "There is no data yet.");
}

#[test]
fn the_example_of_the_readme_is_sound() {
    let readme = include_str!("../README.md");
    let example = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let report = Report::parse(example).unwrap_or_else(|mistake| panic!("{mistake}"));
    let rows = |text: &str| Rows::from_json_lines(text).unwrap();
    let answer = |sql: &str| match sql {
        sql if sql.contains("AS trams") => rows("{\"trams\":1,\"day\":\"2026-11-19\"}"),
        sql if sql.contains("GROUP BY tram") => rows("{\"tram\":7,\"times\":12}"),
        _ => rows("{\"max\":\"2026-11-19T08:00:00Z\"}"),
    };
    let answers = page(&report).queries().into_iter().map(|sql| (sql.to_owned(), answer(sql))).collect();
    let rendered = render(page(&report), &answers, &Setting::default());
    assert_eq!(rendered.headline, "One tram was faster than 70 km/h, last on Thursday 19 November 2026.");
    assert_eq!(rendered.problems, Vec::<String>::new());
}

/// The built-in pages: they are read, and those without names take no personal column.
#[test]
fn built_in_pages_are_sound() {
    let datasets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets");
    let mut seen = 0;
    for folder in std::fs::read_dir(datasets).unwrap() {
        let folder = folder.unwrap().path();
        let text = std::fs::read_to_string(folder.join("report.toml")).unwrap();
        let report = Report::parse(&text).unwrap_or_else(|mistake| panic!("{}: {mistake}", folder.display()));
        let declared: toml::Table = std::fs::read_to_string(folder.join("dataset.toml")).unwrap().parse().unwrap();
        let tables = declared["table"].as_table().unwrap().values();
        let columns = tables.filter_map(|table| table.get("column")?.as_table()).flatten();
        let personal = |column: &toml::Value| column.get("personal").and_then(toml::Value::as_bool) == Some(true);
        let personal: BTreeSet<String> =
            columns.filter(|(_, column)| personal(column)).map(|(name, _)| name.clone()).collect();
        for page in &report.pages {
            page.check_personal(&personal).unwrap_or_else(|mistake| panic!("{}: {mistake}", folder.display()));
            assert!(page.personal || page.name == "report", "{}", page.name);
        }
        let has_names = report.pages.iter().filter(|page| page.personal);
        assert!(personal.is_empty() || has_names.count() == 1, "{}", folder.display());
        seen += 1;
    }
    assert_eq!(seen, 5);
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<f64>().prop_map(Value::from),
        (-50_i64..50).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}".prop_map(Value::from),
        "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9])".prop_map(Value::from),
        "20[0-9]{2}-0[1-9]-0[1-9]T0[0-9]:00:00Z".prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::from("</svg><img src=x onerror=alert(1)>")),
        prop::collection::vec(prop_oneof![Just(Value::Null), any::<f64>().prop_map(Value::from)], 0..9)
            .prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever stands in a declaration: a report or a mistake.
    #[test]
    fn any_declaration_is_read_or_refused(line in 0_usize..200, text in "[ -~]{0,30}") {
        let mut lines: Vec<&str> = include_str!("kinds/report.toml").lines().collect();
        let place = line % lines.len();
        lines[place] = &text;
        if let Err(mistake) = Report::parse(&lines.join("\n")) {
            prop_assert!(!mistake.to_string().is_empty());
        }
    }

    /// Whatever queries return: no panic, no markup, nothing without end.
    #[test]
    fn any_rows_make_a_page(rows in prop::collection::vec(prop::collection::vec(value(), 24), 0..12)) {
        let (report, answers) = kinds();
        let columns = ["day", "value", "name", "week", "hour", "low", "middle", "high", "at", "share", "cohort", "learners",
            "list", "weekday", "station", "longitude", "latitude", "who", "points", "why", "weeks", "days", "first", "over"];
        let rows = Rows::new(columns.map(str::to_owned).to_vec(), rows);
        let answers: Answers = answers.into_keys().map(|sql| (sql, rows.clone())).collect();
        let rendered = render(page(&report), &answers, &Setting::default());
        prop_assert!(!rendered.html.contains("<img") && !rendered.html.contains("NaN") && !rendered.html.contains("inf\""));
        prop_assert!(rendered.html.len() < 6_000_000, "{}", rendered.html.len());
    }
}
