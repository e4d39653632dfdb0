use bytes::Bytes;
use lake::dataset::Catalog;

use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn weeks(from: &str, to: &str) -> Weeks {
    Weeks::touched_by(Window::new(date(from), date(to)).unwrap())
}

fn request(learner: i64, from: &str) -> String {
    let request = Request { learner, limit: Some(5), from: Some(date(from)), to: Some(date("2026-11-23")) };
    serde_json::to_string(&request).unwrap()
}

fn answer(learner: i64, from: &str, body: &'static str) -> Line {
    let status = if body.starts_with('[') { 200 } else { 404 };
    Line::answer(request(learner, from), status, &Bytes::from_static(body.as_bytes()), Utc::now())
}

fn gap(learner: i64, from: &str) -> Line {
    let gap = Gap { what: vec![learner.to_string()], reason: "down".into(), can_retry: true };
    Line::gap(request(learner, from), Some(500), gap, Utc::now())
}

#[test]
fn a_window_touches_weeks_that_begin_on_mondays() {
    let mondays = |from, to| {
        let weeks = weeks(from, to);
        [weeks.from, weeks.to, weeks.newest()].map(|day| day.to_string())
    };
    assert_eq!(mondays("2026-11-16", "2026-11-23"), ["2026-11-16", "2026-11-23", "2026-11-16"]);
    assert_eq!(mondays("2026-11-15", "2026-11-17"), ["2026-11-09", "2026-11-23", "2026-11-16"]);
    assert_eq!(mondays("2026-11-22", "2026-11-23"), ["2026-11-16", "2026-11-23", "2026-11-16"]);
}

#[test]
fn the_limit_reaches_from_today_back_to_the_first_week() {
    let today = date("2026-11-20");
    assert_eq!(weeks("2026-10-26", "2026-11-23").limit(today), 5);
    assert_eq!(weeks("2026-11-16", "2026-11-17").limit(today), 2);
    assert_eq!(weeks("2025-03-03", "2025-03-10").limit(today), 91);
    assert_eq!(weeks("1990-01-01", "2026-11-23").limit(today), 1000);
    assert_eq!(weeks("2027-01-04", "2027-01-05").limit(today), 1, "nothing is there yet, but 0 is no limit");
}

#[test]
fn a_nightly_run_asks_for_the_current_week_and_those_before_it() {
    let catalog = Catalog::built_in();
    let dataset = catalog.dataset(NAME).unwrap();
    for (now, from, to) in [
        ("2026-11-20T05:00:00Z", "2026-10-26", "2026-11-23"),
        // Sunday evening in New York, then Monday.
        ("2026-11-23T04:59:00Z", "2026-10-26", "2026-11-23"),
        ("2026-11-23T05:00:00Z", "2026-11-02", "2026-11-30"),
    ] {
        let window = (SOURCE.nightly)(dataset, now.parse().unwrap()).unwrap();
        assert_eq!((window.from(), window.to()), (date(from), date(to)), "{now}");
    }
}

#[test]
fn a_request_is_written_as_the_decoder_reads_it() {
    assert_eq!(request(43, "2026-10-26"), r#"{"learner":43,"limit":5,"from":"2026-10-26","to":"2026-11-23"}"#);
    let user = Request { learner: 43, limit: None, from: None, to: None };
    assert_eq!(serde_json::to_string(&user).unwrap(), r#"{"learner":43}"#);
}

#[test]
fn weeks_that_were_not_asked_for_again_stay_before_the_new_ones() {
    let wide = answer(43, "2026-03-02", "[1]");
    let narrow = answer(43, "2026-11-02", "[2]");
    assert_eq!(join(vec![narrow.clone()], vec![wide.clone()]), [wide.clone(), narrow.clone()]);
    assert_eq!(join(vec![wide.clone()], vec![narrow.clone()]), vec![wide.clone()], "the wide one has all of it");
    let newer = answer(43, "2026-11-02", "[3]");
    assert_eq!(join(vec![newer.clone()], vec![wide.clone(), narrow]), [wide.clone(), newer]);
    let gone = answer(7, "2026-03-02", "[]");
    assert_eq!(join(vec![gap(43, "2026-11-02")], vec![gone.clone(), wide.clone()])[..2], [gone, wide]);
}

#[test]
fn neither_a_gap_nor_a_refusal_replaces_an_answer() {
    let had = answer(43, "2026-11-02", "[2]");
    for poor in [gap(43, "2026-11-02"), answer(43, "2026-11-02", "{}")] {
        assert_eq!(join(vec![poor.clone()], vec![had.clone()]), vec![had.clone()]);
        assert_eq!(join(vec![had.clone()], vec![poor.clone()]), vec![had.clone()]);
        let mut wider = poor.clone();
        wider.request = request(43, "2026-10-05");
        assert_eq!(join(vec![wider.clone()], vec![had.clone()]), [had.clone(), wider], "the older weeks are missing");
    }
}

#[test]
fn lines_stand_in_the_order_of_ids_whatever_the_roster_says() {
    let of = |learner| answer(learner, "2026-11-02", "[]");
    assert_eq!(join(vec![of(9), of(3)], vec![]), [of(3), of(9)]);
}
