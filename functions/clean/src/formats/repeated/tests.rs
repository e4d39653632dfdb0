use std::sync::LazyLock;

use arrow::compute::concat_batches;
use lake::dataset::Catalog;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Keeps everything.
#[derive(Debug, Default)]
struct Kept {
    batches: Vec<RecordBatch>,
    rejects: Vec<(u64, String, String, Vec<u8>)>,
}

impl Sink for Kept {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.batches.push(batch.clone());
        Ok(())
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        self.rejects.push((reject.row, reject.reason.to_owned(), reject.message.clone(), reject.text.to_vec()));
        Ok(())
    }

    fn outside(&mut self, _: u64) {}
}

/// What a document becomes, by the way that remembers or by the one that does not.
fn decoded(file: &str, text: &[u8], by_memory: bool) -> Result<(RecordBatch, Kept, u64), Stop> {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);
    let dataset = CATALOG.dataset("irceline").unwrap();
    let key = format!("irceline/date=2026-11-18/{file}");
    let table = dataset.table_of(&key).unwrap();
    let object = RawObject { dataset, table, key: &key, received_at: chrono::DateTime::from_timestamp(7, 0).unwrap() };
    let mut kept = Kept::default();
    let notes = if by_memory { document(&object, text, &mut kept)? } else { json::document(&object, text, &mut kept)? };
    let rows = concat_batches(&table.schema(), &std::mem::take(&mut kept.batches)).unwrap();
    Ok((rows, kept, notes.seen))
}

fn stations() -> Value {
    let station = |id: u64| {
        json!({"properties": {"id": id, "label": format!("40R{id} - Gent (Street {id})")},
               "geometry": {"coordinates": [4.25 + id as f64, 51.5, "NaN"], "type": "Point"}, "type": "Feature"})
    };
    (1..6).map(station).collect()
}

fn timeseries() -> Value {
    let series = |id: u64| {
        json!({"id": id.to_string(), "label": format!("PM10 {id}"), "uom": "µg/m³", "station": {"properties": {"id": 1000 + id}},
               "firstValue": {"timestamp": 1_655_773_200_000_u64, "value": 0.335},
               "lastValue": if id == 3 { Value::Null } else { json!({"timestamp": 1_700_733_600_000_u64 + id, "value": 1.045}) },
               "parameters": {"phenomenon": {"id": "5", "label": "PM10"}}})
    };
    (1..6).map(series).collect()
}

#[test]
fn numbers_that_change_are_read_and_those_that_do_not_stay() {
    let mut next = timeseries();
    assert_eq!(decoded("timeseries.json", next.to_string().as_bytes(), true).unwrap().0.num_rows(), 5);
    next[1]["lastValue"] = json!({"timestamp": 1_700_820_000_000_u64, "value": -3});
    next[4]["station"]["properties"]["id"] = json!(17);
    let (rows, kept, seen) = decoded("timeseries.json", next.to_string().as_bytes(), true).unwrap();
    assert_eq!((rows.num_rows(), kept.rejects.len(), seen), (5, 0, 5));
    let stations = rows.column_by_name("station_id").unwrap().as_primitive::<Int64Type>();
    assert_eq!(stations.values(), &[1001, 1002, 1003, 1004, 17]);
    let last = rows.column_by_name("last_timestamp").unwrap().as_primitive::<TimestampMicrosecondType>();
    assert_eq!((last.value(1), last.is_null(2), last.value(3)), (1_700_820_000_000_000, true, 1_700_733_600_004_000));
}

#[test]
fn a_null_comes_and_goes_like_a_number() {
    let pointers = ["/1/lastValue/value", "/1/lastValue/timestamp", "/1/station/properties/id", "/2/lastValue"];
    for (pointer, other) in pointers.into_iter().flat_map(|pointer| [(pointer, Value::Null), (pointer, json!(7))]) {
        for first_is_changed in [false, true] {
            let mut changed = timeseries();
            *changed.pointer_mut(pointer).unwrap() = other.clone();
            let mut documents = [timeseries(), changed].map(|document| document.to_string());
            if first_is_changed {
                documents.reverse();
            }
            for document in &documents {
                let [by_memory, plain] = [true, false]
                    .map(|by_memory| decoded("timeseries.json", document.as_bytes(), by_memory).unwrap().0);
                assert_eq!(by_memory, plain, "{pointer} {other}");
            }
        }
    }
}

proptest! {
    /// The same where whole elements are others, gone, moved or new.
    #[test]
    fn elements_that_change_are_decoded_and_the_others_stay(
        days in prop::collection::vec(prop::collection::vec((any::<prop::sample::Index>(), 0_u8..9), 0..4), 1..5),
    ) {
        let Value::Array(mut list) = timeseries() else { panic!("a list") };
        for edits in days {
            for (at, edit) in edits {
                let at = at.index(list.len());
                match edit {
                    0 if list.len() > 1 => drop(list.remove(at)),
                    0 | 1 => list.insert(at, list[at].clone()),
                    2 => list.swap(at, 0),
                    _ if !list[at].is_object() => {}
                    3 => list[at]["lastValue"] = json!({"timestamp": 1_700_820_000_000_u64, "value": "NaN"}),
                    4 => list[at]["lastValue"] = json!({"timestamp": 1_700_820_000_000_u64 + at as u64, "value": 1}),
                    5 => list[at]["uom"] = json!("other"),
                    6 => list[at]["station"]["properties"]["id"] = json!("x"),
                    7 => list[at] = json!(at),
                    _ => list[at]["id"] = json!(format!("a\"{at}")),
                }
            }
            let text = Value::from(list.clone()).to_string();
            let [(rows, kept, seen), (plain, plainly, plainly_seen)] =
                [true, false].map(|by_memory| decoded("timeseries.json", text.as_bytes(), by_memory).unwrap());
            prop_assert_eq!((rows, kept.rejects, seen), (plain, plainly.rejects, plainly_seen));
        }
    }

    /// Whatever document came before, and whatever bytes of it are others: the result is that of the plain way.
    #[test]
    fn memory_is_not_to_be_seen(
        is_stations in any::<bool>(),
        changes in prop::collection::vec(
            prop::collection::vec((any::<prop::sample::Index>(), 0_usize..4, "[0-9]{0,3}|[-+.eE0-9]{0,2}|[\\[\\]{}\",: a-z]{0,2}|\\PC"), 0..3),
            1..4,
        ),
    ) {
        let (file, first) = if is_stations { ("stations.json", stations()) } else { ("timeseries.json", timeseries()) };
        let mut text = first.to_string().into_bytes();
        for changes in changes {
            let _ = decoded(file, &text, true);
            let mut next = text.clone();
            for (at, cut, bytes) in changes {
                let at = at.index(next.len());
                let end = (at + cut).min(next.len());
                next.splice(at..end, bytes.into_bytes());
            }
            match (decoded(file, &next, true), decoded(file, &next, false)) {
                (Ok((rows, kept, seen)), Ok((plain, plainly, plainly_seen))) => {
                    prop_assert_eq!((rows, kept.rejects, seen), (plain, plainly.rejects, plainly_seen));
                    text = next;
                }
                (Err(Stop::Reject(reject)), Err(Stop::Reject(plainly))) => prop_assert_eq!(reject, plainly),
                (result, plainly) => prop_assert!(false, "{:?} {:?}", result.map(|_| ()), plainly.map(|_| ())),
            }
        }
    }
}
