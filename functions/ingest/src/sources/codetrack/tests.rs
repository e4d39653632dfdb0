mod meaning;
mod together;
mod windows;

use std::slice::from_ref;
use std::sync::LazyLock;

use bytes::Bytes;
use lake::dataset::Catalog;

use super::known::Held;
use super::*;

static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);

fn points() -> WeekLists<'static> {
    LISTS.points.counts(CATALOG.dataset(NAME).unwrap())
}

fn accounts() -> Users<'static> {
    Users { table: CATALOG.dataset(NAME).unwrap().table("account") }
}

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

const LATEST: i64 = i64::MAX;

fn terms(weeks: Weeks, accept_loss: bool) -> Merge<'static> {
    let dataset = CATALOG.dataset(NAME).unwrap();
    Merge { shape: Both::each(|list| LISTS[list].counts(dataset)), weeks, accept_loss, latest: LATEST }
}

/// What becomes of lines of points, where there are no commits; who lost some.
fn renew(new: &[Line], old: &[Line], accept_loss: bool) -> (Vec<Line>, Vec<String>) {
    let asked = Request::of(&new[0]).unwrap();
    let merge = terms(Weeks { from: asked.from.unwrap(), to: asked.to.unwrap() }, accept_loss);
    let mut there = before::by_learner(old.to_vec());
    let mut lost = Vec::new();
    for (learner, new) in before::by_learner(new.to_vec()) {
        let own = Held {
            key: "own".into(),
            lists: Both { commits: vec![], points: there.remove(&learner).unwrap_or_default() },
            ..Held::default()
        };
        let commits = gap(learner, "2026-11-02");
        let merged = merge.merge(Both { commits: &commits, points: &new[0] }, &own, &[]);
        lost.extend(merged.lost.points.then(|| learner.to_string()));
        there.insert(learner, merged.lists.points);
    }
    (there.into_values().flatten().collect(), lost)
}

fn join(new: Vec<Line>, old: Vec<Line>) -> (Vec<Line>, Vec<String>) {
    let joined = renew(&new, &old, false);
    assert_eq!(renew(&new, &joined.0, false), joined, "a second run writes nothing, and reports the same");
    joined
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
    assert_eq!(
        (asked(&lines[1]), lines[1].body.as_deref()),
        (date("2026-03-02")..date("2026-11-02"), Some(list(&[early])))
    );
    assert_eq!(join(vec![wide.clone()], lines), (vec![wide.clone()], vec![]), "the wide one has all of it");
    let gone = answer(7, "2026-03-02", "[]");
    assert_eq!(join(vec![gap(43, "2026-11-02")], vec![gone.clone(), wide.clone()]).0, [gone, wide]);
}

#[test]
fn that_weeks_have_nothing_stays_known_until_they_are_asked_for_again() {
    let null = r#"[{"date":"2026-03-09","points":null}]"#;
    for body in ["[]", null] {
        let wide = answer(43, "2026-03-02", body);
        let narrow = answer(43, "2026-11-02", "[]");
        let (lines, lost) = join(vec![narrow.clone()], vec![wide.clone()]);
        assert_eq!((&lines[0], lost.len()), (&narrow, 0));
        assert_eq!((asked(&lines[1]), lines[1].body.as_deref()), (date("2026-03-02")..date("2026-11-02"), Some(body)));
        let wider = answer(43, "2026-02-02", "[]");
        assert_eq!(join(vec![wider.clone()], vec![wide]).0, [wider]);
    }
}

/// The request of a line, as weeks.
fn asked(line: &Line) -> Range<NaiveDate> {
    Request::of(line).unwrap().weeks()
}

/// What one route has of a learner and another one answers with 404 is missing, and the learner is not unknown.
#[test]
fn who_is_known_by_one_route_is_not_unknown() {
    let mut done = Part::new(NAME, "week", "2026-11-16".to_owned());
    let unknown = [("7", "users"), ("8", "weekly_commits"), ("7", "weekly_scores"), ("9", "weekly_commits")];
    let heard = Heard {
        known: ["8", "9"].map(str::to_owned).into(),
        unknown: unknown.map(|(id, file)| (id.to_owned(), file)).into(),
    };
    heard.note(&mut done);
    assert_eq!((done.ingested.unknown, done.ingested.failed), (vec!["7".to_owned()], 2));
    let messages: Vec<&str> = done.incomplete.iter().map(|incomplete| incomplete.message.as_str()).collect();
    let [message] = messages.as_slice() else { panic!("{messages:?}") };
    assert!(message.contains("weekly_commits") && message.contains("8, 9") && message.contains("404"), "{message}");
}

/// An answer that was cut down to its counts lost its entries without one: unknown became 0.
#[test]
fn what_is_unknown_in_a_list_stays_unknown_where_the_list_is_cut() {
    let unknown = r#"{"date":"2026-09-07","points":null},{"date":"2026-09-14","points":"x"},{"date":"?"}"#;
    let body = |entries: &str| -> &'static str { format!("[{entries}]").leak() };
    // What a narrower answer did not ask for.
    let early = r#"{"date":"2026-09-21","points":4}"#;
    let wide = answer(43, "2026-09-07", body(&format!(r#"{unknown},{early},{{"date":"2026-11-02","points":null}}"#)));
    let narrow = answer(43, "2026-11-02", list(&[("2026-11-02", 3)]));
    let (lines, lost) = join(vec![narrow.clone()], vec![wide]);
    let bodies: Vec<&str> = lines.iter().map(|line| line.body.as_deref().unwrap()).collect();
    let left = r#"{"date":"2026-09-07","points":null},{"date":"2026-09-14","points":"x"}"#;
    assert_eq!((bodies, lost.len()), (vec![list(&[("2026-11-02", 3)]), body(&format!("{left},{early}"))], 0));
    assert_eq!(asked(&lines[1]), date("2026-09-07")..date("2026-09-28"), "it may say nothing of other weeks");
    // What one lacks that is not whole.
    let had = answer(43, "2026-09-07", body(&format!("{unknown},{early}")));
    for (poor, stays) in
        [("[]", body(&format!("{unknown},{early}"))), (r#"[{"date":"2026-09-07","points":5}]"#, body(early))]
    {
        let (lines, lost) = join(vec![answer(43, "2026-09-07", poor)], vec![had.clone()]);
        assert_eq!((lines.last().unwrap().body.as_deref(), lost.len()), (Some(stays), 1), "{poor}");
    }
    // One that is whole speaks of all that it was asked for.
    let whole = answer(43, "2026-09-07", list(&[("2026-09-21", 4)]));
    assert_eq!(join(vec![whole.clone()], vec![had]), (vec![whole], vec![]));
}

/// What is left of a list spoke of weeks that other lists were known to be uncertain of.
#[test]
fn what_is_unknown_stays_beside_a_list_that_may_be_of_any_week() {
    let null = r#"{"date":"2026-11-16","points":null}"#;
    let body = |entries: &[&str]| -> &'static str { format!("[{}]", entries.join(",")).leak() };
    let count = r#"{"date":"2026-10-26","points":1}"#;
    let wild = answer(43, "2026-11-02", r#"[{"date":"?"},{"date":"2026-11-02","points":1}]"#);
    let whole = answer(43, "2026-11-02", r#"[{"date":"2026-11-02","points":1}]"#);
    let had = answer(43, "2026-10-26", body(&[null, count]));
    let (lines, _) = join(vec![wild.clone()], vec![had.clone()]);
    assert_eq!(lines[1].body.as_deref(), Some(body(&[null])));
    assert_eq!(lines[2].body.as_deref(), Some(body(&[count])));
    let (lines, _) = join(vec![whole], vec![had]);
    assert_eq!(lines[1].body.as_deref(), Some(body(&[count])), "it speaks of the week, and has nothing of it");
    // The unknown week stands in one list, and what is missed in another.
    let narrow = answer(43, "2026-11-02", body(&[null]));
    let wide = answer(43, "2026-10-26", body(&[r#"{"date":"2026-11-09","points":5}"#]));
    let old = vec![narrow.clone(), wide.clone()];
    let (lines, lost) = join(vec![wild.clone()], old);
    let bodies: Vec<_> = lines.iter().map(|line| line.body.clone()).collect();
    assert_eq!((bodies, lost.len()), (vec![wild.body, narrow.body, wide.body, Some("[]".to_owned())], 1));
}

#[test]
fn a_list_that_its_limit_has_cut_speaks_of_no_week_beyond_it() {
    // The limit is 5.
    let lists: [(&[&str], &str, &str); 6] = [
        (&["2026-11-16", "2026-11-09", "2026-11-09", "2026-11-02", "2026-11-02"], "2026-11-02", "2026-11-23"),
        // It reaches back to all that was asked for.
        (&["2026-11-16", "2026-11-09", "2026-11-02", "2026-10-19", "2026-10-12"], "2026-10-19", "2026-11-23"),
        // Oldest first.
        (&["2026-10-12", "2026-10-19", "2026-10-26", "2026-11-02", "2026-11-02"], "2026-10-19", "2026-11-09"),
        // In no order.
        (&["2026-10-12", "2026-11-16", "2026-11-09", "2026-10-26", "2026-11-02"], "2026-10-19", "2026-11-23"),
        // Not cut, or nobody knows of which weeks it is.
        (&["2026-11-16", "2026-11-09", "2026-11-09", "2026-11-02"], "2026-10-19", "2026-11-23"),
        (&["2026-11-16", "2026-11-09", "2026-11-09", "2026-11-02", "?"], "2026-10-19", "2026-11-23"),
    ];
    for (days, from, to) in lists {
        let entries: Vec<(&str, i64)> = days.iter().map(|day| (*day, 1)).collect();
        let came = answer(43, "2026-10-19", list(&entries));
        let line = weeks::spoken_of(came.clone());
        assert_eq!(asked(&line), date(from)..date(to), "{days:?}");
        assert_eq!(line.body, came.body);
        assert_eq!(weeks::spoken_of(line.clone()), line);
        // Cut down, it still has its limit, and too few entries to be cut by it.
        let keep = [("43".to_owned(), crate::replace::Keep::Items([0].into()))].into();
        for line in [came, line] {
            assert_eq!(asked(&points().cut(&line, &keep)), date(from)..date(to), "{days:?}");
        }
    }
}

/// It was asked about no week after its last entry, so that what it had of those was outside, and was missed.
#[test]
fn what_a_list_in_no_order_has_is_taken_and_what_it_lacks_is_unknown() {
    let had = answer(43, "2026-11-02", list(&[("2026-11-16", 2), ("2026-11-09", 1), ("2026-11-02", 3)]));
    let entries = [("2026-10-12", 4), ("2026-11-16", 22), ("2026-10-05", 9), ("2026-11-09", 11), ("2026-10-19", 3)];
    let new = weeks::spoken_of(answer(43, "2026-11-02", list(&entries)));
    let (lines, lost) = join(vec![new.clone()], vec![had]);
    let kept = (date("2026-11-02")..date("2026-11-09"), Some(list(&[("2026-11-02", 3)])));
    assert_eq!((&lines[0], asked(&lines[1]), lines[1].body.as_deref()), (&new, kept.0, kept.1));
    assert_eq!((lines.len(), lost.len()), (2, 0));
    // It stays as long as its limit, and in no order.
    let [first, null] = [r#"{"date":"2026-11-16","points":2}"#, r#"{"date":"2026-11-16","points":null}"#];
    let rest = r#"{"date":"2026-10-05","points":1},{"date":"2026-11-09","points":1}"#;
    let body = |one: &str, other: &str| -> &'static str { format!("[{one},{rest},{other},{other}]").leak() };
    let turned = format!("[{null},{rest},{null},{first}]");
    let (lines, _) = join(vec![answer(43, "2026-11-02", body(first, null))], vec![]);
    assert_eq!((lines.len(), lines[0].body.as_deref()), (1, Some(turned.as_str())));
    assert_eq!(asked(&lines[0]), date("2026-11-02")..date("2026-11-23"));
}

/// What stood behind a count was left out, and the list was as if the limit had not cut it.
#[test]
fn a_list_whose_counts_come_twice_is_cut_by_its_limit_all_the_same() {
    let twice = r#"[{"date":"2026-11-16","points":2},{"date":"2026-11-16","points":null},{"date":"2026-11-09","points":1},{"date":"2026-11-02","points":1},{"date":"2026-11-02","points":1}]"#;
    let (lines, _) = join(vec![answer(43, "2026-10-19", twice)], vec![]);
    assert_eq!((lines.len(), asked(&lines[0])), (1, date("2026-11-02")..date("2026-11-23")));
    assert!(!lines[0].body.as_deref().unwrap().contains("null"));
}

#[test]
fn what_is_odd_in_a_member_that_nobody_reads_costs_no_value() {
    let had = answer(43, "2026-11-02", list(&[("2026-11-09", 2)]));
    for odd in [r#""\ud800""#, "1e999"] {
        let body = format!(r#"[{{"date":"2026-11-09","points":3,"note":{odd}}}]"#);
        let new = answer(43, "2026-11-02", body.leak());
        assert_eq!(join(vec![new.clone()], vec![had.clone()]), (vec![new], vec![]), "{odd}");
    }
}

#[test]
fn a_list_of_which_no_week_can_be_read_is_no_answer() {
    let dataset = CATALOG.dataset(NAME).unwrap();
    let mistake = |body| LISTS.commits.mistake(dataset, &answer(43, "2026-11-02", body));
    for body in [r#"[{"date":"abc","points":10}]"#, "[null,null]", "[7]", r#"[{"points":10},{"date":null}]"#] {
        assert_eq!(mistake(body), Some("the list names no week"), "{body}");
    }
    for body in ["[]", r#"[{"date":"abc","points":10},{"date":"2026-11-02","points":1}]"#] {
        assert_eq!(mistake(body), None, "{body}");
    }
}

#[test]
fn weeks_that_a_list_lacks_are_lost_and_kept() {
    let had = answer(43, "2026-11-02", list(&[("2026-11-09", 2), ("2026-11-02", 1)]));
    let (lines, lost) = join(vec![answer(43, "2026-11-02", list(&[("2026-11-09", 5)]))], vec![had.clone()]);
    assert_eq!(lost, ["43"]);
    // That there is nothing of the week of 16 November stays known as well.
    let there: Vec<_> = lines.iter().map(|line| (asked(line), line.body.as_deref().unwrap())).collect();
    let (all, last) = (date("2026-11-02")..date("2026-11-23"), date("2026-11-16")..date("2026-11-23"));
    let kept = date("2026-11-02")..date("2026-11-09");
    assert_eq!(there, [(all, list(&[("2026-11-09", 5)])), (last, "[]"), (kept, list(&[("2026-11-02", 1)]))]);
    let (lines, lost) = join(vec![answer(43, "2026-11-02", "[]")], vec![had.clone()]);
    assert_eq!((lines, lost.len()), (vec![had.clone()], 1));
    let empty = answer(43, "2026-11-02", "[]");
    assert_eq!(renew(from_ref(&empty), &[had], true).0, [empty]);
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
    assert_eq!(renew(from_ref(&poor), &[had], true).0, [poor]);
}

#[test]
fn counts_that_the_table_will_reject_are_lost_and_kept() {
    let had = answer(43, "2026-11-02", list(&[("2026-11-09", 2), ("2026-11-02", 1)]));
    for poor in ["1.5", "1000000000000000000000000000000", "\"abc\"", "\"1.0\"", "1e999", "true"] {
        let body = format!(r#"[{{"date":"2026-11-09","points":3}},{{"date":"2026-11-02","points":{poor}}}]"#);
        let poor = answer(43, "2026-11-02", body.leak());
        let (lines, lost) = join(vec![poor.clone()], vec![had.clone()]);
        assert_eq!(lost, ["43"], "{poor:?}");
        assert_eq!((&lines[0], lines[1].body.as_deref()), (&poor, Some(list(&[("2026-11-02", 1)]))));
    }
    for good in ["\" 4 \"", "4.0", "4"] {
        let body = format!(r#"[{{"date":"2026-11-09","points":3}},{{"date":"2026-11-02","points":{good}}}]"#);
        let good = answer(43, "2026-11-02", body.leak());
        assert_eq!(join(vec![good.clone()], vec![had.clone()]), (vec![good], vec![]));
    }
}

#[test]
fn of_a_week_that_a_list_has_twice_the_last_count_counts() {
    let twice = r#"[{"date":"2026-11-09","points":2},{"date":"2026-11-09T00:00:00Z","points":3},{"date":"2026-11-09","points":null},{"date":"2026-11-02"}]"#;
    let wanted =
        r#"[{"date":"2026-11-09","points":2},{"date":"2026-11-09T00:00:00Z","points":3},{"date":"2026-11-02"}]"#;
    for old in [vec![], vec![answer(43, "2026-11-02", list(&[("2026-11-09", 7)]))]] {
        let (lines, lost) = join(vec![answer(43, "2026-11-02", twice)], old);
        assert_eq!((lines.len(), lines[0].body.as_deref(), lost.len()), (1, Some(wanted), 0));
    }
}

fn store() -> (tempfile::TempDir, lake::store::Store) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file:{}", folder.path().display()).parse().unwrap();
    let store = lake::store::Store::open(&url, &lake::store::S3Client::default());
    (folder, store)
}

fn account(learner: i64, body: &str) -> Line {
    let request = Request { learner, limit: None, from: None, to: None };
    Line::answer(serde_json::to_string(&request).unwrap(), 200, &Bytes::from(body.to_owned()), Utc::now())
}

#[tokio::test]
async fn a_new_week_keeps_an_account_that_comes_back_without_what_the_week_before_has() {
    let (folder, store) = store();
    let had = account(43, r#"{"honor":5,"free_code_camp_points":7}"#);
    let other = account(7, r#"{"honor":1}"#);
    let older = account(43, r#"{"honor":4,"free_code_camp_points":6}"#);
    let key = |week: &str| format!("codetrack/week={week}/users.ndjson");
    for (week, lines) in [("2026-11-02", vec![older]), ("2026-11-09", vec![other.clone(), had.clone()])] {
        store.put(&key(week), raw::render(&lines), lake::store::Condition::Absent).await.unwrap();
    }
    let terms = Terms { accept_loss: false, is_gone: &|_| false, now: "9000-01-01T00:00:00Z".parse().unwrap() };
    let new = key("2026-11-16");
    let write = async |line: &Line, terms: &Terms<'_>| {
        let lines = [line.clone(), account(7, r#"{"honor":2}"#)];
        let before = before::accounts(&store, &new, date("2026-11-16"), &lines).await.unwrap();
        let put = raw::replace_lines(&store, &new, &lines, &before, &accounts(), terms).await.unwrap();
        let lost: Vec<String> = put.told.into_keys().collect();
        let of_43 = |line: &Line| Request::of(line).is_some_and(|request| request.learner == 43);
        let there = raw::read_lines(&store, &new).await.unwrap().into_iter().find(of_43).unwrap();
        (put.bytes.is_some(), there.body.unwrap(), lost)
    };
    let whole = had.body.clone().unwrap();
    for poor in [r#"{"honor":null,"free_code_camp_points":null}"#, "{}", r#"{"honor":"x","free_code_camp_points":8}"#] {
        let poor = account(43, poor);
        assert_eq!(write(&poor, &terms).await, (true, whole.clone(), vec!["43".to_owned()]), "{poor:?}");
        assert_eq!(write(&poor, &terms).await, (false, whole.clone(), vec!["43".to_owned()]), "again");
        let accepted = Terms { accept_loss: true, ..terms };
        assert_eq!(write(&poor, &accepted).await.1, poor.body.clone().unwrap());
        std::fs::remove_file(folder.path().join(&new)).unwrap();
    }
    let better = account(43, r#"{"honor":6,"free_code_camp_points":7}"#);
    assert_eq!(write(&better, &terms).await, (true, better.body.clone().unwrap(), vec![]));
    // One that is as it was is this week's answer all the same.
    std::fs::remove_file(folder.path().join(&new)).unwrap();
    let same = Line { received_at: "2026-11-20T05:00:00.000000Z".to_owned(), ..had.clone() };
    assert_eq!(write(&same, &terms).await, (true, whole, vec![]));
    assert!(raw::read_lines(&store, &new).await.unwrap().contains(&same));
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
    let had = user(r#"{"honor":5,"leetcode_points":7,"email":"a@example.org"}"#);
    for poor in [
        "{}",
        r#"{"honor":6}"#,
        r#"{"honor":6,"leetcode_points":null}"#,
        r#"{"honor":"x","leetcode_points":8}"#,
        r#"{"honor":"","leetcode_points":8}"#,
        r#"{"honor":-1,"leetcode_points":8}"#,
        r#"{"error":"not found"}"#,
    ] {
        let replaced = crate::replace::replace(vec![user(poor)], vec![had.clone()], &accounts(), &terms);
        assert_eq!((replaced.lines, replaced.lost.len()), (vec![had.clone()], 1), "{poor}");
    }
    // What no column is read from is not missed, and written where it is another.
    let same = user(r#"{"honor":5,"leetcode_points":7}"#);
    let richer = user(r#"{"honor":4,"leetcode_points":8,"x":null}"#);
    for (new, old) in [(&same, &had), (&had, &same), (&richer, &had), (&had, &user(r#"{"error":"not found"}"#))] {
        let replaced = crate::replace::replace(vec![new.clone()], vec![old.clone()], &accounts(), &terms);
        assert_eq!((replaced.lines, replaced.lost.len()), (vec![new.clone()], 0));
    }
}

#[test]
fn an_answer_that_says_nothing_of_the_learner_is_none() {
    let dataset = CATALOG.dataset(NAME).unwrap();
    let (users, scores) = (USERS, LISTS.points);
    for body in [
        r#"{"honor":0}"#,
        r#"{"id":45,"honor":1}"#,
        r#"{"id":"45","honor":1}"#,
        r#"{"id":45.0,"honor":1}"#,
        r#"{"id":null,"honor":1}"#,
        r#"{"id":"","leetcode_points":"3","honor":null}"#,
    ] {
        assert_eq!(users.mistake(dataset, &account(45, body)), None, "{body}");
    }
    for (body, wanted) in [
        ("{}", "none of the account's totals"),
        (r#"{"error":"not found"}"#, "none of the account's totals"),
        (r#"{"id":45,"user":{"honor":1}}"#, "none of the account's totals"),
        (r#"{"honor":null,"leetcode_points":""}"#, "none of the account's totals"),
        (r#"{"id":999,"honor":1}"#, "another learner"),
        (r#"{"id":"x","honor":1}"#, "another learner"),
        ("[]", "not as documented"),
        ("null", "not as documented"),
        ("<html>", "not as documented"),
        ("", "not as documented"),
    ] {
        let why = users.mistake(dataset, &account(45, body)).unwrap_or_default();
        assert!(why.contains(wanted), "{body}: {why}");
    }
    let weeks = |id: &str| -> &'static str {
        format!(r#"[{{"date":"2026-11-09","points":1}},{{"user_id":{id},"date":"2026-11-02","points":1}}]"#).leak()
    };
    for (body, is_answer) in [
        ("[]", true),
        (weeks("45"), true),
        (weeks("\"45\""), true),
        (weeks("null"), true),
        (weeks("46"), false),
        (weeks("[45]"), false),
        ("[5, null]", false),
    ] {
        assert_eq!(scores.mistake(dataset, &answer(45, "2026-11-02", body)).is_none(), is_answer, "{body}");
    }
}

#[test]
fn a_week_of_another_day_and_a_negative_count_replace_nothing() {
    let had = answer(43, "2026-11-02", list(&[("2026-11-09", 2)]));
    for poor in [&[("2026-11-10", 2)][..], &[("2026-11-09", -5)]] {
        let joined = join(vec![answer(43, "2026-11-02", list(poor))], vec![had.clone()]);
        let kept = joined
            .0
            .iter()
            .any(|line| line.body.as_deref().unwrap().contains(r#"2026-11-09T00:00:00.000Z","points":2"#));
        assert!(kept && joined.1 == ["43"], "{joined:?}");
    }
    // One that stands there from before is not kept against a sound answer.
    let odd = answer(43, "2026-11-02", list(&[("2026-11-10", 2)]));
    assert_eq!(join(vec![had.clone()], vec![odd]), (vec![had], vec![]));
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
    assert_eq!(bodies, [list(&[("2026-11-09", 5)]), list(&[("2026-11-09", 2)]), "[]", earlier]);
    // In the other order it ends with the same.
    let (turned, _) = join(vec![newer], vec![older, other]);
    assert_eq!(turned.iter().map(|line| line.body.as_deref().unwrap()).collect::<Vec<_>>(), bodies);
}
