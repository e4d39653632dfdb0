use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::LazyLock;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMicrosecondType};
use chrono::DateTime;
use lake::dataset::Catalog;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{RawObject, Siblings};
use super::decode_by;
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::{Sink, TableWriter, Written};

const KEY: &str = "irceline/date=2026-11-18/values.ndjson";
/// The end of the first hour of that day in Brussels, in milliseconds.
const FIRST: i64 = 1_794_960_000_000;

/// Keeps everything: rows as (series, milliseconds, value), rejects as (row, reason, text).
#[derive(Debug, Default, PartialEq)]
struct Kept {
    rows: Vec<(String, i64, Option<f64>)>,
    rejects: Vec<(u64, String, String)>,
    outside: u64,
}

impl Sink for Kept {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let column = |name: &str| batch.column_by_name(name).unwrap();
        let (series, values) =
            (column("timeseries_id").as_string::<i32>(), column("value").as_primitive::<Float64Type>());
        let times = column("timestamp").as_primitive::<TimestampMicrosecondType>();
        for row in 0..batch.num_rows() {
            let value = values.is_valid(row).then(|| values.value(row));
            self.rows.push((series.value(row).to_owned(), times.value(row) / 1000, value));
        }
        Ok(())
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        let text = String::from_utf8_lossy(reject.text).into_owned();
        self.rejects.push((reject.row, reject.reason.to_owned(), text));
        Ok(())
    }

    fn outside(&mut self, count: u64) {
        self.outside += count;
    }
}

fn decoded(key: &str, text: impl Read) -> Result<Kept, Stop> {
    decoded_by::<true>(key, text)
}

fn decoded_by<const QUICK: bool>(key: &str, text: impl Read) -> Result<Kept, Stop> {
    with_object(key, |object, siblings| {
        let mut kept = Kept::default();
        let notes = decode_by::<QUICK>(object, siblings, text, &mut kept)?;
        assert_eq!(notes.seen, kept.rows.len() as u64 + kept.rejects.len() as u64 + kept.outside);
        Ok(kept)
    })
}

fn with_object<T>(key: &str, work: impl FnOnce(&RawObject, Siblings<'_>) -> T) -> T {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);
    let dataset = CATALOG.dataset("irceline").unwrap();
    let series = json!([{"id": "1", "uom": "µg/m³"}, {"id": "2"}, {"id": "3"}]);
    let sibling = |text: String| Box::new(std::io::Cursor::new(text)) as Box<dyn Read + Send>;
    let siblings = BTreeMap::from([
        ("timeseries.json".to_owned(), sibling(series.to_string())),
        ("stations.json".to_owned(), sibling("[]".to_owned())),
    ]);
    let table = dataset.table("measurement").unwrap();
    work(&RawObject { dataset, table, key, received_at: DateTime::UNIX_EPOCH }, siblings)
}

/// Takes runs row by row.
struct OneByOne<'a>(TableWriter<'a>);

impl Sink for OneByOne<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.0.write(batch)
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        self.0.reject(reject)
    }

    fn outside(&mut self, count: u64) {
        self.0.outside(count);
    }
}

fn line(body: &str) -> String {
    format!(r#"{{"request":{{"x":"}}"}},"received_at":"2026-11-19T05:00:00Z","status":200,"body":{body}}}"#)
}

#[test]
fn each_kind_of_value_goes_where_it_belongs() {
    let record = |value: &str| format!(r#"{{"timestamp":{FIRST},"value":{value}}}"#);
    for (value, wanted) in [
        ("18", Ok(Some(18.0))),
        ("18.0", Ok(Some(18.0))),
        ("-3.5", Ok(Some(-3.5))),
        ("1e1", Ok(Some(10.0))),
        ("-10", Ok(Some(-10.0))),
        ("null", Ok(None)),
        ("\"NaN\"", Ok(None)),
        ("-99.99", Ok(None)),
        ("-999", Ok(None)),
        ("-9999.0", Ok(None)),
        ("-10.5", Err("below_minimum")),
        ("\"high\"", Err("not_a_number")),
        ("true", Err("not_a_number")),
        ("[1]", Err("not_a_number")),
    ] {
        let text = line(&format!(r#"{{"1":{{"values":[{}]}}}}"#, record(value)));
        let kept = decoded(KEY, text.as_bytes()).unwrap();
        match wanted {
            Ok(value) => assert_eq!(kept.rows, [("1".to_owned(), FIRST, value)], "{text}"),
            Err(reason) => assert_eq!(kept.rejects, [(1, reason.to_owned(), record(value))], "{text}"),
        }
    }
}

#[test]
fn times_are_checked_against_the_day_of_the_key() {
    let text = |time: &str| line(&format!(r#"{{"1":{{"values":[{{"timestamp":{time},"value":1}}]}}}}"#));
    let at = |key: &str, time: i64| decoded(key, text(&time.to_string()).as_bytes()).unwrap();
    let hour = 3_600_000;
    for (time, inside) in [(FIRST - hour, false), (FIRST, true), (FIRST + 23 * hour, true), (FIRST + 24 * hour, false)]
    {
        assert_eq!(at(KEY, time).rows.len(), usize::from(inside), "{time}");
        assert_eq!(at(KEY, time).outside, u64::from(!inside), "{time}");
    }
    assert_eq!(at("irceline/values.ndjson", 0).rows.len(), 1, "without a day in the key nothing is outside");
    for time in ["\"soon\"", "null", "1.5", "99999999999999999"] {
        let kept = decoded("irceline/values.ndjson", text(time).as_bytes()).unwrap();
        assert_eq!(kept.rejects.len(), 1, "{time} {kept:?}");
        assert_eq!(kept.rejects[0].1, "not_a_timestamp");
    }
}

#[test]
fn unknown_series_are_rejected_and_refusals_are_no_rows() {
    let refused = r#"{"request":{},"received_at":"t","status":404,"body":{"statusCode":404,"reason":"Not Found"}}"#;
    assert!(decoded(KEY, refused.as_bytes()).is_err(), "a time that is none");
    let refused = refused.replace("\"t\"", "\"2026-11-19T05:00:00Z\"");
    let unknown =
        line(&format!(r#"{{"9":{{"values":[{{"timestamp":{FIRST},"value":1}}]}},"1":{{}},"2":{{"extra":[1]}}}}"#));
    let kept = decoded(KEY, format!("{refused}\n{unknown}\n").as_bytes()).unwrap();
    assert_eq!((kept.rows.len(), kept.rejects.len()), (0, 1));
    assert_eq!(kept.rejects[0].1, "unknown_timeseries");
}

#[test]
fn what_is_no_series_beside_series_rejects_no_other() {
    let good = |id: u8| format!(r#""{id}":{{"values":[{{"timestamp":{FIRST},"value":{id}.5}}]}}"#);
    let rows = vec![("1".to_owned(), FIRST, Some(1.5)), ("2".to_owned(), FIRST, Some(2.5))];
    for (other, rejects) in [
        (r#""message":"all is well""#, &[("error_body", r#""all is well""#)][..]),
        (r#""warnings":[{"values":[1]}]"#, &[("error_body", r#"[{"values":[1]}]"#)]),
        (r#""message":null,"n":7"#, &[("error_body", "null"), ("error_body", "7")]),
        (r#""3":{"values":"none"}"#, &[("not_a_list", r#""none""#)]),
        (r#""3":{"values":{"a":[]}}"#, &[("not_a_list", r#"{"a":[]}"#)]),
        (r#""3":{"values":null},"took":{"ms":5}"#, &[]),
    ] {
        let bodies = [[other.to_owned(), good(1), good(2)], [good(1), other.to_owned(), good(2)]];
        for body in bodies.into_iter().chain([[good(1), good(2), other.to_owned()]]) {
            let body = format!("{{{}}}", body.join(","));
            let found = decoded(KEY, line(&body).as_bytes()).unwrap();
            assert_eq!(found.rows, rows, "{body}");
            let told: Vec<(&str, &str)> =
                found.rejects.iter().map(|(_, reason, text)| (reason.as_str(), text.as_str())).collect();
            assert_eq!(told, rejects, "{body}");
        }
    }
}

#[test]
fn a_body_without_any_series_is_an_error() {
    let many: Vec<String> = (0..1000).map(|at| format!(r#""m{at}":{at}"#)).collect();
    let late = format!(r#"{{{},"1":{{"values":[]}}}}"#, many.join(","));
    for body in [r#"{"statusCode":404,"reason":"Not Found"}"#, &format!("{{{}}}", many.join(",")), &late] {
        match decoded(KEY, line(body).as_bytes()) {
            Err(Stop::Reject(reject)) => assert_eq!(reject.reason, "error_body", "{body}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn metadata_that_hardly_change_mean_what_they_say() {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);
    let dataset = CATALOG.dataset("irceline").unwrap();
    let known = |stations: &Value, timeseries: &Value| {
        let sibling = |value: &Value| Box::new(std::io::Cursor::new(value.to_string())) as Box<dyn Read + Send>;
        let siblings = BTreeMap::from([
            ("timeseries.json".to_owned(), sibling(timeseries)),
            ("stations.json".to_owned(), sibling(stations)),
        ]);
        let table = dataset.table("measurement").unwrap();
        let object = RawObject { dataset, table, key: KEY, received_at: DateTime::UNIX_EPOCH };
        let known = super::known_series(&object, siblings).unwrap();
        ["7", "8", "9", "10"]
            .map(|id| known.number(id).and_then(|number| known.get(number)).map(|(_, series)| series.clone()))
    };
    let series = |station_id, phenomenon_id: &str, parameter: &str, uom: Option<&str>| {
        let [phenomenon_id, parameter] = [phenomenon_id, parameter].map(|text| Some(text.to_owned()));
        Some(super::Series { station_id, phenomenon_id, parameter, uom: uom.map(str::to_owned) })
    };
    let mut stations = json!([{"properties": {"id": 5, "timeseries": {
        "9": {"phenomenon": {"id": "5", "label": "x"}}, "8": {"phenomenon": {"id": 77, "label": "A  B"}}}}, "at": [4.1, 50.2]}]);
    let mut timeseries = json!([
        {"id": "7", "uom": "ppm", "station": {"properties": {"id": 6}}, "last": {"value": 1.5, "timestamp": 17},
         "parameters": {"phenomenon": {"id": "71", "label": "y"}}},
        {"id": 8, "uom": "m/s", "station": {"properties": {"id": 6}}, "parameters": {"phenomenon": {"id": "3", "label": "Z"}}}]);
    let first = [
        series(Some(6), "71", "co2", Some("ppm")),
        series(Some(6), "3", "z", Some("m/s")),
        series(Some(5), "5", "pm10", None),
        None,
    ];
    assert_eq!(known(&stations, &timeseries), first);
    // Numbers that nothing is made of.
    timeseries[0]["last"] = json!({"value": -12.25, "timestamp": 18});
    stations[0]["at"][1] = json!(50.200001);
    assert_eq!(known(&stations, &timeseries), first);
    // Numbers that count, though they look the same.
    timeseries[0]["station"]["properties"]["id"] = json!(66);
    timeseries[1]["id"] = json!(10);
    let changed = known(&stations, &timeseries);
    assert_eq!(changed[0], series(Some(66), "71", "co2", Some("ppm")));
    assert_eq!(changed[1], series(Some(5), "77", "a_b", None));
    assert_eq!(changed[3], series(Some(6), "3", "z", Some("m/s")));
    stations[0]["properties"]["timeseries"]["8"]["phenomenon"]["id"] = json!(8);
    assert_eq!(known(&stations, &timeseries)[1], series(Some(5), "8", "no2", None));
    // Fewer, more, and none.
    timeseries.as_array_mut().unwrap().pop();
    assert_eq!(known(&stations, &timeseries)[3], None);
    assert_eq!(known(&json!([]), &json!([])), [None, None, None, None]);
}

/// What may become of a list of metadata from one day to the next.
fn edited(mut list: Vec<Value>, edits: &[(prop::sample::Index, u8)]) -> Vec<Value> {
    for (at, edit) in edits {
        if list.is_empty() {
            return list;
        }
        let at = at.index(list.len());
        match edit {
            0 => drop(list.remove(at)),
            1 => list.insert(at, list[at].clone()),
            2 => list.swap(at, 0),
            _ if !list[at].is_object() => {}
            3 => list[at]["last"] = json!({"value": "NaN"}),
            4 => list[at]["last"] = json!({"value": at}),
            5 => list[at]["uom"] = json!("other"),
            6 => list[at] = json!(at),
            _ => list[at]["id"] = json!(at),
        }
    }
    list
}

/// Bodies as any JSON writer may lay them out.
fn body() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        (-2_000_i64..9_000).prop_map(|tenths| json!(tenths as f64 / 10.0)),
        (-200_i64..900).prop_map(|number| json!(number)),
        Just(Value::Null),
        Just(json!("NaN")),
        Just(json!("?")),
    ];
    let record =
        (-5_i64..30, value).prop_map(|(hour, value)| json!({"timestamp": FIRST + hour * 3_600_000, "value": value}));
    let series =
        prop::collection::vec(record, 0..20).prop_map(|values| json!({"values": values, "extra": {"a": [1, "]"]}}));
    prop::collection::btree_map("[1-4]", series, 0..4).prop_map(|map| Value::Object(map.into_iter().collect()))
}

/// How many bytes go, and which come instead.
fn change() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let bytes = prop_oneof![
        "[-0-9.eE+]{0,4}".prop_map(String::into_bytes),
        "[\\]\\[{}\",: ]".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..3),
        Just(b"null".to_vec()),
        Just(b"1700701200000".to_vec()),
        Just(b"253402300800000".to_vec()),
    ];
    (0_usize..5, bytes)
}

proptest! {
    /// Whatever lists came before, the series are those of the lists alone.
    #[test]
    fn lists_that_came_before_are_not_to_be_seen(
        days in prop::collection::vec(prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 0..4), 1..5),
        of_stations in any::<bool>(),
    ) {
        let names = BTreeMap::from([("5".to_owned(), "pm10".to_owned())]);
        let mut timeseries: Vec<Value> = (0..12)
            .map(|id| json!({"id": id, "uom": "ppm", "station": {"properties": {"id": id % 4}}, "last": {"value": 1.5},
                "parameters": {"phenomenon": {"id": 5 + id % 2, "label": "A b"}}}))
            .collect();
        let mut stations: Vec<Value> = (0..12)
            .map(|id| json!({"id": "x", "properties": {"id": id, "timeseries": {(20 + id).to_string(): {"phenomenon": {"id": "5"}}}}}))
            .collect();
        let mut last = None;
        for edits in days {
            let list = if of_stations { &mut stations } else { &mut timeseries };
            *list = edited(std::mem::take(list), &edits);
            let siblings = || {
                let sibling = |list: &[Value]| -> Box<dyn Read + Send> {
                    Box::new(std::io::Cursor::new(Value::from(list).to_string()))
                };
                BTreeMap::from([
                    ("stations.json".to_owned(), sibling(&stations)),
                    ("timeseries.json".to_owned(), sibling(&timeseries)),
                ])
            };
            let (after, read) = super::series::series_after(last.as_ref(), names.clone(), siblings()).unwrap();
            let (alone, _) = super::series::series_after(None, names.clone(), siblings()).unwrap();
            prop_assert_eq!(after, alone);
            last = read.or(last);
        }
    }

    /// The quick way for compact records and the slow one for all others mean the same.
    #[test]
    fn layout_does_not_matter(body in body()) {
        let compact = decoded(KEY, line(&body.to_string()).as_bytes()).unwrap();
        let pretty = decoded(KEY, line(&serde_json::to_string_pretty(&body).unwrap()).as_bytes()).unwrap();
        let values: usize = body.as_object().unwrap().values().map(|series| series["values"].as_array().unwrap().len()).sum();
        prop_assert_eq!(&compact.rows, &pretty.rows);
        prop_assert_eq!(compact.rejects.len(), pretty.rejects.len());
        prop_assert_eq!(compact.outside, pretty.outside);
        prop_assert_eq!(values as u64, compact.rows.len() as u64 + compact.rejects.len() as u64 + compact.outside);
    }

    /// Any bytes mean the same with and without the quick way: real answers with a few bytes changed.
    #[test]
    fn the_quick_way_is_a_short_cut_and_nothing_else(
        body in body(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 0..4),
        dated in any::<bool>(),
    ) {
        let mut text = line(&body.to_string()).into_bytes();
        for (at, (cut, bytes)) in changes {
            let at = at.index(text.len());
            let end = (at + cut).min(text.len());
            text.splice(at..end, bytes);
        }
        let key = if dated { KEY } else { "irceline/values.ndjson" };
        match (decoded_by::<true>(key, text.as_slice()), decoded_by::<false>(key, text.as_slice())) {
            (Ok(quick), Ok(slow)) => prop_assert_eq!(quick, slow),
            (Err(Stop::Reject(quick)), Err(Stop::Reject(slow))) => prop_assert_eq!(quick, slow),
            (quick, slow) => prop_assert!(false, "{quick:?} {slow:?}"),
        }
    }

    /// Runs become the same files as their rows one by one, whatever comes twice.
    #[test]
    fn a_run_is_its_rows(bodies in prop::collection::vec(body(), 1..4)) {
        let text: String = bodies.iter().map(|body| line(&body.to_string()) + "\n").collect();
        let key = "irceline/values.ndjson";
        let written = |one_by_one: bool| {
            with_object(key, |object, siblings| {
                let mut writer = TableWriter::new(object.table, key, None).unwrap();
                if one_by_one {
                    let mut writer = OneByOne(writer);
                    decode_by::<true>(object, siblings, text.as_bytes(), &mut writer).unwrap();
                    return writer.0.finish().unwrap();
                }
                decode_by::<true>(object, siblings, text.as_bytes(), &mut writer).unwrap();
                writer.finish().unwrap()
            })
        };
        let (runs, rows) = (written(false), written(true));
        prop_assert_eq!(runs.rows, rows.rows);
        let last: BTreeSet<(String, i64)> =
            decoded(key, text.as_bytes()).unwrap().rows.into_iter().map(|(series, time, _)| (series, time)).collect();
        prop_assert_eq!(runs.rows.clean, last.len() as u64);
        let hashes = |written: Written| -> Vec<_> {
            let parts = written.parts.into_iter();
            parts.map(|part| (part.partition, part.rows, part.days, part.bytes.into_drafted().unwrap().hash)).collect()
        };
        prop_assert_eq!(hashes(runs), hashes(rows));
    }

    /// A cut anywhere is seen: no part of an object passes for the whole.
    #[test]
    fn a_truncated_object_is_never_taken_for_whole(body in body(), part in 0.0_f64..1.0) {
        let text = line(&body.to_string());
        let mut cut = (text.len() as f64 * part) as usize;
        while !text.is_char_boundary(cut) { cut -= 1 }
        prop_assert!(cut == 0 || decoded(KEY, &text.as_bytes()[..cut]).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decoded(KEY, bytes.as_slice());
        let _ = decoded(KEY, line(&String::from_utf8_lossy(&bytes)).as_bytes());
    }
}
