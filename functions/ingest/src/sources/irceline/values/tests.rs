use std::collections::BTreeSet;
use std::slice::from_ref;
use std::sync::LazyLock;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use lake::dataset::Catalog;
use lake::ledger::Gap;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::replace::{Replaced, Terms, replace};

const SPAN: &str = "2026-11-18T00:00:00Z/2026-11-18T23:00:00Z";

/// When all lines were received: with a clock, a second may begin between two of them, and one is the later one.
fn now() -> DateTime<Utc> {
    "2026-11-19T05:00:00Z".parse().unwrap()
}

/// The stamp of an hour of the day.
fn hour(hour: i64) -> i64 {
    1_763_424_000_000 + 365 * 86_400_000 + hour * 3_600_000
}

fn request(ids: &[&str]) -> String {
    Bulk { timespan: SPAN.to_owned(), timeseries: ids.iter().map(|id| (*id).to_owned()).collect() }.text()
}

/// An answer whose values stand for the hours from 0 on; an absent one is a hole.
fn answer(series: &[(&str, &[Option<Value>])]) -> Line {
    let records = |values: &[Option<Value>]| -> Vec<Value> {
        let hours = values.iter().zip(0..).filter_map(|(value, at)| Some((at, value.clone()?)));
        hours.map(|(at, value)| json!({"timestamp": hour(at), "value": value})).collect()
    };
    let body: serde_json::Map<String, Value> =
        series.iter().map(|(id, values)| ((*id).to_owned(), json!({"values": records(values)}))).collect();
    let ids: Vec<&str> = series.iter().map(|(id, _)| *id).collect();
    Line::answer(request(&ids), 200, &Bytes::from(Value::Object(body).to_string()), now())
}

fn gap(ids: &[&str]) -> Line {
    let what = ids.iter().map(|id| (*id).to_owned()).collect();
    Line::gap(request(ids), Some(500), Gap { what, reason: "down".into(), can_retry: true }, now())
}

fn unknown(id: &str) -> Line {
    Line::answer(request(&[id]), 404, &Bytes::from_static(b"{\"statusCode\":404}"), now())
}

/// The same, received at another time.
fn received(line: Line, at: &str) -> Line {
    Line { received_at: at.to_owned(), ..line }
}

#[test]
fn an_answer_from_a_time_that_is_not_yet_is_no_later_one() {
    let [old, new] = [1.0, 2.0].map(|value| answer(&[("a", &[Some(json!(value))])]));
    let new = received(new, "2026-11-18T10:00:00Z");
    for (labelled, value) in
        [("2026-11-18T09:00:00Z", "2.0"), ("2026-11-18T10:05:00Z", "1.0"), ("9500-01-01T00:00:00Z", "2.0")]
    {
        let replaced = joined(from_ref(&new), &[received(old.clone(), labelled)], false);
        let text = String::from_utf8(crate::raw::render(&replaced.lines).to_vec()).unwrap();
        assert!(text.contains(&format!("\"value\":{value}")), "{labelled}: {text}");
    }
}

fn shape() -> Values<'static> {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);
    Values { column: CATALOG.dataset("irceline").unwrap().table("measurement").unwrap().column("value") }
}

fn joined(new: &[Line], old: &[Line], accept_loss: bool) -> Replaced {
    let shape = shape();
    let terms = Terms { accept_loss, is_gone: &|id| id == "gone", now: "9000-01-01T00:00:00Z".parse().unwrap() };
    let replaced = replace(new.to_vec(), old.to_vec(), &shape, &terms);
    let again = replace(new.to_vec(), replaced.lines.clone(), &shape, &terms);
    assert_eq!(again.lines, replaced.lines, "a second run writes nothing");
    replaced
}

/// The values of a series as a reader sees them: of one hour the last record counts.
fn values(lines: &[Line], id: &str) -> Vec<(i64, String)> {
    let mut found = BTreeMap::new();
    let shape = shape();
    for holdings in lines.iter().filter(|line| line.is_answer()).map(|line| shape.holds(line)) {
        // What is rejected is read by nobody.
        let read = |item: &&Item| item.verdict != Verdict::Refused;
        for item in holdings.get(id).into_iter().flatten().filter(read) {
            found.insert((item.name.parse::<i64>().unwrap() - hour(0)) / 3_600_000, item.content.clone());
        }
    }
    found.into_iter().collect()
}

/// Hours of the series `a`.
fn lost(hours: &[i64]) -> BTreeMap<String, Vec<String>> {
    BTreeMap::from([("a".to_owned(), hours.iter().map(|at| hour(*at).to_string()).collect())])
}

fn v(value: f64) -> Option<Value> {
    Some(json!(value))
}

#[test]
fn an_hour_that_had_a_value_is_not_lost_and_a_corrected_one_counts() {
    let old = answer(&[("a", &[v(1.0), v(2.0), v(3.0)]), ("b", &[v(5.0)])]);
    let new = answer(&[("a", &[v(1.5), None, v(3.0)]), ("b", &[v(5.0)])]);
    let replaced = joined(from_ref(&new), from_ref(&old), false);
    assert_eq!(values(&replaced.lines, "a"), [(0, "1.5".into()), (1, "2.0".into()), (2, "3.0".into())]);
    assert_eq!(replaced.lost, lost(&[1]));
    let kept = &replaced.lines[1];
    assert_eq!((kept.request.clone(), &kept.received_at), (request(&["a"]), &old.received_at));
    assert_eq!(
        kept.body.as_deref(),
        Some(format!(r#"{{"a":{{"values":[{{"timestamp":{},"value":2.0}}]}}}}"#, hour(1)).as_str())
    );
    let accepted = joined(from_ref(&new), &[old], true);
    assert_eq!((accepted.lines, accepted.lost), (vec![new], BTreeMap::new()));
}

#[test]
fn an_answer_without_values_replaces_none_that_has_some() {
    let old = answer(&[("a", &[v(1.0), v(2.0)]), ("b", &[v(5.0)])]);
    for poor in [&[][..], &[Some(Value::Null), Some(json!("NaN"))], &[v(-99.99), v(-999.0)]] {
        let replaced = joined(&[answer(&[("a", poor), ("b", &[v(6.0)])])], from_ref(&old), false);
        assert_eq!(values(&replaced.lines, "a"), [(0, "1.0".into()), (1, "2.0".into())], "{poor:?}");
        assert_eq!(values(&replaced.lines, "b"), [(0, "6.0".into())]);
        assert_eq!(replaced.lost, lost(&[0, 1]));
    }
    let first = answer(&[("a", &[])]);
    assert_eq!(joined(from_ref(&first), &[], false).lines, from_ref(&first));
    assert_eq!(joined(from_ref(&first), &[answer(&[("a", &[Some(Value::Null)])])], false).lines, [first]);
}

#[test]
fn one_value_that_turns_missing_is_a_correction() {
    let old = answer(&[("a", &[v(1.0), v(2.0)])]);
    let new = answer(&[("a", &[v(1.0), Some(Value::Null)])]);
    let replaced = joined(from_ref(&new), &[old], false);
    assert_eq!((replaced.lines, replaced.lost), (vec![new], BTreeMap::new()));
}

/// An answer about the series `a` with records as they are written.
fn written(records: &[(i64, &str)]) -> Line {
    let record = |(at, value): &(i64, &str)| format!(r#"{{"timestamp":{},"value":{value}}}"#, hour(*at));
    let records: Vec<String> = records.iter().map(record).collect();
    let body = format!(r#"{{"a":{{"values":[{}]}}}}"#, records.join(","));
    Line::answer(request(&["a"]), 200, &Bytes::from(body), now())
}

#[test]
fn what_the_table_will_reject_replaces_no_value() {
    let old = answer(&[("a", &[v(1.0), v(2.0)])]);
    for poor in ["\"abc\"", "\"2.0\"", "-500", "1e999", "true", "{}"] {
        let all = written(&[(0, poor), (1, poor)]);
        let replaced = joined(from_ref(&all), from_ref(&old), false);
        assert_eq!(values(&replaced.lines, "a"), [(0, "1.0".into()), (1, "2.0".into())], "{poor}");
        assert_eq!(replaced.lost, lost(&[0, 1]), "{poor}");
        // A single one is no correction, as a null would be.
        let one = written(&[(0, "1.5"), (1, poor)]);
        let replaced = joined(from_ref(&one), from_ref(&old), false);
        assert_eq!(values(&replaced.lines, "a"), [(0, "1.5".into()), (1, "2.0".into())], "{poor}");
        assert_eq!(replaced.lost, lost(&[1]), "{poor}");
        assert_eq!(joined(from_ref(&one), from_ref(&old), true).lines, from_ref(&one), "{poor}");
        // And it is replaced by a value, even by one that it stands behind.
        assert_eq!(joined(from_ref(&old), from_ref(&one), false).lines, from_ref(&old), "{poor}");
        let both = written(&[(0, "1.5"), (1, "2.5"), (1, poor)]);
        assert_eq!(joined(from_ref(&both), from_ref(&one), false).lines, from_ref(&both), "{poor}");
    }
}

#[tokio::test]
async fn of_an_hour_that_an_answer_has_twice_the_last_value_counts() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file:{}", folder.path().display()).parse().unwrap();
    let store = lake::store::Store::open(&url, &lake::store::S3Client::default());
    let shape = shape();
    let terms = Terms { accept_loss: false, is_gone: &|_| false, now: "9000-01-01T00:00:00Z".parse().unwrap() };
    let twice = written(&[(0, "1.0"), (1, "2.0"), (0, "null"), (1, "\"NaN\""), (1, "3.0"), (1, "-9999"), (2, "null")]);
    let wanted = [(0, "1.0".to_owned()), (1, "3.0".to_owned()), (2, "null".to_owned())];
    // The series twice is the same.
    let body = r#"{"b":{"values":[]},"a":{"values":[{"timestamp":T,"value":1.0}],"x":1},"a":{"values":[{"timestamp":T,"value":null}]}}"#;
    let body = Bytes::from(body.replace('T', &hour(0).to_string()));
    let series_twice = Line::answer(request(&["a", "b", "c"]), 200, &body, now());
    for (new, wanted) in [(&twice, &wanted[..]), (&series_twice, &wanted[..1])] {
        let alone = joined(from_ref(new), &[], false).lines;
        assert_eq!((values(&alone, "a"), &alone[0].request), (wanted.to_vec(), &new.request));
        for key in ["k", "k"] {
            let put = crate::raw::replace_lines(&store, key, from_ref(new), &[], &shape, &terms).await.unwrap();
            assert!(put.told.is_empty());
            assert_eq!(values(&crate::raw::read_lines(&store, key).await.unwrap(), "a"), wanted);
        }
        std::fs::remove_file(folder.path().join("k")).unwrap();
    }
    // What stood there before is replaced by what counts, and nothing is lost.
    let old = answer(&[("a", &[v(7.0), v(7.0), v(7.0)])]);
    let replaced = joined(from_ref(&twice), &[old], false);
    assert_eq!((values(&replaced.lines, "a"), replaced.lost), (wanted.to_vec(), BTreeMap::new()));
}

#[test]
fn gaps_and_refusals_replace_no_values_and_only_refusals_are_losses() {
    let old = answer(&[("a", &[v(1.0)]), ("b", &[v(2.0)])]);
    let replaced = joined(&[gap(&["a", "b", "c"])], from_ref(&old), true);
    assert_eq!((values(&replaced.lines, "a").len(), replaced.lost.len()), (1, 0));
    assert_eq!(replaced.lines[0].gap.as_ref().unwrap().what, ["c"], "the others are there");

    let new = [unknown("a"), answer(&[("b", &[v(2.0)])])];
    let replaced = joined(&new, from_ref(&old), false);
    assert_eq!((replaced.lines, replaced.lost), (vec![old.clone()], lost(&[0])));
    let accepted = joined(&new, &[old], true).lines;
    assert_eq!((accepted.len(), values(&accepted, "a").len(), values(&accepted, "b").len()), (2, 0, 1));
    assert_eq!(joined(&[unknown("a")], &[answer(&[("a", &[])])], false).lines[0].status, Some(404));
}

#[test]
fn what_was_not_asked_for_stays_unless_it_is_gone_and_that_is_accepted() {
    let old = [answer(&[("a", &[v(1.0)]), ("b", &[v(2.0)]), ("gone", &[v(3.0)])]), unknown("d"), gap(&["e"])];
    let new = [answer(&[("a", &[v(9.0)])])];
    let replaced = joined(&new, &old, false);
    assert!(replaced.lost.is_empty());
    assert_eq!(replaced.lines.len(), 4);
    for id in ["b", "gone"] {
        assert_eq!(values(&replaced.lines, id).len(), 1, "{id}");
    }
    let accepted = joined(&new, &old, true);
    assert_eq!((values(&accepted.lines, "b").len(), values(&accepted.lines, "gone").len()), (1, 0));
}

#[test]
fn the_same_values_in_other_pieces_are_the_same() {
    let old = [answer(&[("a", &[v(1.0)])]), unknown("d"), answer(&[("b", &[v(2.0)])])];
    assert_eq!(joined(&[answer(&[("a", &[v(1.0)]), ("b", &[v(2.0)])])], &old, false).lines, old);
}

#[test]
fn a_gap_is_filled_by_an_answer() {
    let new = [answer(&[("a", &[v(1.0)])])];
    assert_eq!(joined(&new, &[gap(&["a"])], false).lines, new);
}

#[test]
fn what_the_api_adds_beyond_the_timespan_is_not_missed() {
    let mut values = vec![None; 30];
    values[1] = v(1.0);
    let new = answer(&[("a", &values)]);
    values[29] = v(2.0);
    let replaced = joined(from_ref(&new), &[answer(&[("a", &values)])], false);
    assert_eq!((replaced.lines, replaced.lost), (vec![new], BTreeMap::new()));
}

/// What a reader of some lines knows: by series and hour, a number, or nothing where the value is missing.
fn known(lines: &[Line]) -> BTreeMap<(String, i64), Option<i64>> {
    let mut known = BTreeMap::new();
    for id in ["a", "b", "c"] {
        for (at, value) in values(lines, id) {
            known.insert((id.to_owned(), at), value.parse().ok());
        }
    }
    known
}

/// The records of each hour: a value, or none; -500 is rejected.
type Series = Vec<Vec<Option<i64>>>;

fn run() -> impl Strategy<Value = Vec<Line>> {
    let value = prop_oneof![4 => (0_i64..3).prop_map(Some), 2 => Just(None), 1 => Just(Some(-500))];
    let hours = move || prop::collection::vec(prop::collection::vec(value.clone(), 0..3), 0..4);
    let series = move || prop_oneof![3 => hours().prop_map(Some), 1 => Just(None)];
    let lines = |ids: Vec<(&'static str, Option<Series>)>, fate: u8| -> Vec<Line> {
        let (there, missing): (Vec<_>, Vec<_>) = ids.into_iter().partition(|(_, series)| series.is_some());
        let record = |at: i64, value: Option<i64>| json!({"timestamp": hour(at), "value": value});
        let records = |series: Series| -> Vec<Value> {
            let hours = series.into_iter().zip(0..);
            hours.flat_map(|(values, at)| values.into_iter().map(move |value| record(at, value))).collect()
        };
        let of = |series: &[(&'static str, Vec<Value>)]| {
            let body = series.iter().map(|(id, records)| ((*id).to_owned(), json!({"values": records})));
            let body = Value::Object(body.collect());
            let ids: Vec<&str> = series.iter().map(|(id, _)| *id).collect();
            Line::answer(request(&ids), 200, &Bytes::from(body.to_string()), now())
        };
        let there: Vec<(&str, Vec<Value>)> =
            there.into_iter().map(|(id, series)| (id, records(series.unwrap_or_default()))).collect();
        let mut lines: Vec<Line> = match fate % 2 {
            0 => there.iter().map(|series| of(from_ref(series))).collect(),
            _ => vec![of(&there)],
        };
        for (id, _) in missing {
            match fate / 2 {
                0 => lines.push(gap(&[id])),
                1 => lines.push(unknown(id)),
                _ => {}
            }
        }
        lines
    };
    (series(), series(), series(), 0_u8..6)
        .prop_map(move |(a, b, c, fate)| lines(vec![("a", a), ("b", b), ("c", c)], fate))
}

/// The values of some answers by series and hour: of each hour the last one.
fn counting(lines: &[Line]) -> BTreeMap<(String, i64), i64> {
    let mut found = BTreeMap::new();
    for (id, items) in lines.iter().filter(|line| line.is_answer()).flat_map(|line| shape().holds(line)) {
        for item in items.into_iter().filter(Item::is_value) {
            let at = (item.name.parse::<i64>().unwrap() - hour(0)) / 3_600_000;
            found.insert((id.clone(), at), item.content.parse().unwrap());
        }
    }
    found
}

/// The hours that some answers say have no value any more.
fn withdrawn(lines: &[Line]) -> BTreeSet<(String, i64)> {
    let all = known(lines).into_iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key);
    let values = counting(lines);
    all.filter(|key| !values.contains_key(key)).collect()
}

proptest! {
    #[test]
    fn nothing_is_lost_whatever_comes_after_it(runs in prop::collection::vec(run(), 1..6)) {
        let mut lines: Vec<Line> = Vec::new();
        for new in runs {
            let before = known(&lines);
            let replaced = joined(&new, &lines, false).lines;
            let (after, fresh, nulls) = (known(&replaced), counting(&new), withdrawn(&new));
            for ((id, at), value) in &before {
                let key = (id.clone(), *at);
                let there = after.get(&key).copied().flatten();
                let is_corrected = nulls.contains(&key) && fresh.keys().any(|(one, _)| one == id);
                prop_assert!(value.is_none() || there.is_some() || is_corrected, "{id} {at} is lost");
            }
            // The values of an answer are there; where a series has none in it, all earlier ones are.
            for (key, value) in &fresh {
                prop_assert_eq!(after.get(key), Some(&Some(*value)));
            }
            for (key, value) in &before {
                if !fresh.keys().any(|(one, _)| *one == key.0) && value.is_some() {
                    prop_assert_eq!(after.get(key), Some(value));
                }
            }
            lines = replaced;
        }
    }
}
