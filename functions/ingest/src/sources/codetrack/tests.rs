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

fn join(new: Vec<Line>, old: Vec<Line>) -> (Vec<Line>, Vec<String>) {
    let terms = Terms { accept_loss: false, is_gone: &|_| false, now: "9000-01-01T00:00:00Z".parse().unwrap() };
    let joined = crate::replace::replace(new.clone(), old, &WeekLists, &terms);
    let again = crate::replace::replace(new, joined.lines.clone(), &WeekLists, &terms);
    assert_eq!(again, joined, "a second run writes nothing, and reports the same");
    (joined.lines, joined.lost.into_keys().collect())
}

/// Weeks by their Mondays, with points.
fn list(weeks: &[(&str, i64)]) -> &'static str {
    let entry = |(date, points): &(&str, i64)| format!(r#"{{"date":"{date}T00:00:00.000Z","points":{points}}}"#);
    format!("[{}]", weeks.iter().map(entry).collect::<Vec<_>>().join(",")).leak()
}

#[test]
fn weeks_that_were_not_asked_for_again_stay() {
    let early = ("2026-03-02", 1);
    let wide = answer(43, "2026-03-02", list(&[("2026-11-02", 2), early]));
    // The limit lets one more week in, which is not among those asked for.
    let narrow = answer(43, "2026-11-02", list(&[("2026-11-02", 3), early]));
    let (lines, lost) = join(vec![narrow.clone()], vec![wide.clone()]);
    assert!(lost.is_empty());
    assert_eq!(lines[0], narrow);
    assert_eq!((&lines[1].request, lines[1].body.as_deref()), (&wide.request, Some(list(&[early]))));
    assert_eq!(join(vec![wide.clone()], lines), (vec![wide.clone()], vec![]), "the wide one has all of it");
    let gone = answer(7, "2026-03-02", "[]");
    assert_eq!(join(vec![gap(43, "2026-11-02")], vec![gone.clone(), wide.clone()]).0, [gone, wide]);
}

#[test]
fn weeks_that_a_list_lacks_are_lost_and_kept() {
    let had = answer(43, "2026-11-02", list(&[("2026-11-09", 2), ("2026-11-02", 1)]));
    let (lines, lost) = join(vec![answer(43, "2026-11-02", list(&[("2026-11-09", 5)]))], vec![had.clone()]);
    assert_eq!(lost, ["43"]);
    assert_eq!(
        lines.iter().map(|line| line.body.as_deref().unwrap()).collect::<Vec<_>>(),
        [list(&[("2026-11-09", 5)]), list(&[("2026-11-02", 1)])]
    );
    let (lines, lost) = join(vec![answer(43, "2026-11-02", "[]")], vec![had.clone()]);
    assert_eq!((lines, lost.len()), (vec![had.clone()], 1));
    let accepted = Terms { accept_loss: true, is_gone: &|_| false, now: "9000-01-01T00:00:00Z".parse().unwrap() };
    let empty = answer(43, "2026-11-02", "[]");
    assert_eq!(crate::replace::replace(vec![empty.clone()], vec![had], &WeekLists, &accepted).lines, [empty]);
}

#[test]
fn weeks_that_come_back_without_points_are_lost_and_kept() {
    let both = list(&[("2026-11-09", 2), ("2026-11-02", 1)]);
    let had = answer(43, "2026-11-02", both);
    for poor in [
        r#"[{"date":"2026-11-09","points":null},{"date":"2026-11-02","points":null}]"#,
        r#"[{"date":"2026-11-09"},{"date":"2026-11-02T00:00:00Z"}]"#,
        r#"[{"date":"2026-11-09","points":""},{"date":"2026-11-02","points":{}}]"#,
    ] {
        assert_eq!(
            join(vec![answer(43, "2026-11-02", poor)], vec![had.clone()]),
            (vec![had.clone()], vec!["43".into()])
        );
    }
    // One of them; the other one is corrected, to 0 as well.
    let poor = answer(43, "2026-11-02", r#"[{"date":"2026-11-09","points":0},{"date":"2026-11-02","points":null}]"#);
    let (lines, lost) = join(vec![poor.clone()], vec![had.clone()]);
    assert_eq!(lost, ["43"]);
    assert_eq!((&lines[0], lines[1].body.as_deref()), (&poor, Some(list(&[("2026-11-02", 1)]))));
    assert_eq!(join(vec![had.clone()], lines), (vec![had.clone()], vec![]));
    // What never had points is not missed.
    assert_eq!(
        join(vec![answer(43, "2026-11-02", "[]")], vec![answer(43, "2026-11-02", r#"[{"date":"2026-11-09"}]"#)]).1,
        [""; 0]
    );
    let accepted = Terms { accept_loss: true, is_gone: &|_| false, now: "9000-01-01T00:00:00Z".parse().unwrap() };
    assert_eq!(crate::replace::replace(vec![poor.clone()], vec![had], &WeekLists, &accepted).lines, [poor]);
}

#[test]
fn neither_a_gap_nor_a_refusal_replaces_an_answer() {
    let had = answer(43, "2026-11-02", list(&[("2026-11-02", 1)]));
    for (poor, lost) in [(gap(43, "2026-11-02"), 0), (answer(43, "2026-11-02", "{}"), 1)] {
        let joined = join(vec![poor.clone()], vec![had.clone()]);
        assert_eq!((joined.0, joined.1.len()), (vec![had.clone()], lost));
        assert_eq!(join(vec![had.clone()], vec![poor.clone()]).0, vec![had.clone()]);
    }
}

#[test]
fn an_account_that_lacks_something_replaces_none_that_has_it() {
    let user = |body: &'static str| {
        let request = Request { learner: 43, limit: None, from: None, to: None };
        Line::answer(serde_json::to_string(&request).unwrap(), 200, &Bytes::from_static(body.as_bytes()), Utc::now())
    };
    let terms = Terms { accept_loss: false, is_gone: &|_| false, now: "9000-01-01T00:00:00Z".parse().unwrap() };
    let had = user(r#"{"honor":5,"points":7}"#);
    for poor in ["{}", r#"{"honor":6}"#, r#"{"honor":6,"points":null}"#] {
        let replaced = crate::replace::replace(vec![user(poor)], vec![had.clone()], &Users, &terms);
        assert_eq!((replaced.lines, replaced.lost.len()), (vec![had.clone()], 1), "{poor}");
    }
    let richer = user(r#"{"honor":4,"points":8,"x":null}"#);
    assert_eq!(crate::replace::replace(vec![richer.clone()], vec![had], &Users, &terms).lines, [richer]);
}

#[test]
fn lines_stand_in_the_order_of_ids_whatever_the_roster_says() {
    let of = |learner| answer(learner, "2026-11-02", "[]");
    assert_eq!(
        join(vec![of(9), of(3)], vec![of(5)]).0,
        [of(3), of(5), of(9)].map(|line| Line { received_at: line.received_at, ..line })
    );
}

/// Of two runs at once the one that asked first may write last: what the other one has got since stays.
#[test]
fn an_older_answer_replaces_none_that_another_run_has_got_since() {
    let at = |line: Line, time: &str| Line { received_at: time.to_owned(), ..line };
    let older = at(answer(43, "2026-11-02", list(&[("2026-11-09", 1), ("2026-11-02", 1)])), "2026-11-20T05:00:00Z");
    let newer = at(answer(43, "2026-11-02", list(&[("2026-11-09", 2)])), "2026-11-20T05:00:07Z");
    let other = at(answer(7, "2026-11-02", list(&[("2026-11-09", 5)])), "2026-11-20T05:00:00Z");
    let (lines, _) = join(vec![older.clone(), other.clone()], vec![newer.clone()]);
    let bodies: Vec<&str> = lines.iter().map(|line| line.body.as_deref().unwrap()).collect();
    let earlier = list(&[("2026-11-02", 1)]);
    assert_eq!(bodies, [list(&[("2026-11-09", 5)]), list(&[("2026-11-09", 2)]), earlier]);
    // In the other order it ends with the same.
    let (turned, _) = join(vec![newer], vec![older, other]);
    assert_eq!(turned.iter().map(|line| line.body.as_deref().unwrap()).collect::<Vec<_>>(), bodies);
}
