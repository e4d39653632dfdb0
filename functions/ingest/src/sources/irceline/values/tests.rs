use std::slice::from_ref;
use std::sync::LazyLock;

use bytes::Bytes;
use chrono::Utc;
use lake::dataset::Catalog;
use lake::ledger::Gap;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::replace::{Replaced, Terms, replace};

const SPAN: &str = "2026-11-18T00:00:00Z/2026-11-18T23:00:00Z";

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
    Line::answer(request(&ids), 200, &Bytes::from(Value::Object(body).to_string()), Utc::now())
}

fn gap(ids: &[&str]) -> Line {
    let what = ids.iter().map(|id| (*id).to_owned()).collect();
    Line::gap(request(ids), Some(500), Gap { what, reason: "down".into(), can_retry: true }, Utc::now())
}

fn unknown(id: &str) -> Line {
    Line::answer(request(&[id]), 404, &Bytes::from_static(b"{\"statusCode\":404}"), Utc::now())
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

fn joined(new: &[Line], old: &[Line], accept_loss: bool) -> Replaced {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);
    let table = CATALOG.dataset("irceline").unwrap().tables.iter().find(|table| table.name == "measurement").unwrap();
    let shape = Values { column: table.column("value") };
    let terms = Terms { accept_loss, is_gone: &|id| id == "gone", now: "9000-01-01T00:00:00Z".parse().unwrap() };
    let replaced = replace(new.to_vec(), old.to_vec(), &shape, &terms);
    let again = replace(new.to_vec(), replaced.lines.clone(), &shape, &terms);
    assert_eq!(again.lines, replaced.lines, "a second run writes nothing");
    replaced
}

/// The values of a series as a reader sees them: of one hour the last record counts.
fn values(lines: &[Line], id: &str) -> Vec<(i64, String)> {
    let mut found = BTreeMap::new();
    for holdings in lines.iter().filter(|line| line.is_answer()).map(|line| Values { column: None }.holds(line)) {
        for item in holdings.get(id).into_iter().flatten() {
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

type Series = Vec<Option<Option<i64>>>;

fn run() -> impl Strategy<Value = Vec<Line>> {
    let hours = || prop::collection::vec(prop::option::of(prop::option::of(0_i64..3)), 0..4);
    let series = || prop_oneof![3 => hours().prop_map(Some), 1 => Just(None)];
    let lines = |ids: Vec<(&'static str, Option<Series>)>, fate: u8| -> Vec<Line> {
        let (there, missing): (Vec<_>, Vec<_>) = ids.into_iter().partition(|(_, series)| series.is_some());
        let json = |series: Series| -> Vec<Option<Value>> {
            series.into_iter().map(|hour| hour.map(|value| json!(value))).collect()
        };
        let there: Vec<(&str, Vec<Option<Value>>)> =
            there.into_iter().map(|(id, series)| (id, json(series.unwrap_or_default()))).collect();
        let mut lines: Vec<Line> = match fate % 2 {
            0 => there.iter().map(|(id, values)| answer(&[(id, values)])).collect(),
            _ => vec![answer(&there.iter().map(|(id, values)| (*id, values.as_slice())).collect::<Vec<_>>())],
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

proptest! {
    #[test]
    fn nothing_is_lost_whatever_comes_after_it(runs in prop::collection::vec(run(), 1..6)) {
        let mut lines: Vec<Line> = Vec::new();
        for new in runs {
            let before = known(&lines);
            let replaced = joined(&new, &lines, false).lines;
            let (after, fresh) = (known(&replaced), known(&new));
            for ((id, at), value) in &before {
                let there = after.get(&(id.clone(), *at));
                prop_assert!(value.is_none() || there.is_some(), "{id} {at} is lost");
            }
            for id in ["a", "b", "c"] {
                let of = |known: &BTreeMap<(String, i64), Option<i64>>| -> Vec<i64> {
                    known.iter().filter(|((one, _), value)| one == id && value.is_some()).map(|((_, at), _)| *at).collect()
                };
                // A series that has values in the answer has just these; where it has none, all earlier ones stay.
                for at in of(&fresh) {
                    let key = (id.to_owned(), at);
                    prop_assert_eq!(after.get(&key), fresh.get(&key));
                }
                if of(&fresh).is_empty() {
                    prop_assert_eq!(of(&before), of(&after));
                }
            }
            lines = replaced;
        }
    }
}
