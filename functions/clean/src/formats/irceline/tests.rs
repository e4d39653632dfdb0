use std::collections::BTreeMap;
use std::io::Read;
use std::sync::LazyLock;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMicrosecondType};
use chrono::DateTime;
use lake::dataset::Catalog;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{RawObject, decode};
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;

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
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);
    let dataset = CATALOG.dataset("irceline").unwrap();
    let series = json!([{"id": "1", "uom": "µg/m³"}, {"id": "2"}, {"id": "3"}]);
    let sibling = |text: String| Box::new(std::io::Cursor::new(text)) as Box<dyn Read + Send>;
    let siblings = BTreeMap::from([
        ("timeseries.json".to_owned(), sibling(series.to_string())),
        ("stations.json".to_owned(), sibling("[]".to_owned())),
    ]);
    let table = dataset.table("measurement").unwrap();
    let object = RawObject { dataset, table, key, received_at: DateTime::UNIX_EPOCH };
    let mut kept = Kept::default();
    decode(&object, siblings, text, &mut kept).map(|_| kept)
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

proptest! {
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
