use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use bytes::Bytes;
use lake::dataset::{Catalog, Folder, Spread};
use lake::partition::Period;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use super::*;
use crate::formats::{self, RawObject, Siblings};

fn catalog(partition: &str) -> Catalog {
    catalog_with_key(partition, "[\"a\"]")
}

fn catalog_with_key(partition: &str, key: &str) -> Catalog {
    let text = format!(
        "title = \"T\"\ntime_zone = \"UTC\"\n[table.t]\nfrom = \"*\"\n{partition}\nkey = {key}\n\
         [table.t.column]\na = {{ type = \"int64\" }}\nday = {{ type = \"date\" }}\n"
    );
    let folder = Folder::from([("dataset.toml".to_owned(), text)]);
    Catalog::of_folders(BTreeMap::from([("d".to_owned(), folder)]))
}

fn write(catalog: &Catalog, text: &str) -> Written {
    let dataset = catalog.dataset("d").unwrap();
    let table = dataset.table("t").unwrap();
    let received_at = chrono::DateTime::from_timestamp(0, 0).unwrap();
    let object = RawObject { dataset, table, key: "d/a.csv", received_at };
    let mut writer = TableWriter::new(table, "d/a.csv", None).unwrap();
    let notes = formats::decode(&object, Siblings::new(), text.as_bytes(), &mut writer).unwrap();
    let written = writer.finish().unwrap();
    assert_eq!(notes.seen, written.rows.read);
    written
}

fn rows(part: PartFile) -> Vec<(i64, i32)> {
    let mut bytes = Vec::new();
    part.bytes.into_drafted().unwrap().content.reader().unwrap().read_to_end(&mut bytes).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap().build().unwrap();
    let mut found = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let numbers = batch.column(0).as_primitive::<arrow::datatypes::Int64Type>();
        let days = batch.column(1).as_primitive::<Date32Type>();
        found.extend(numbers.values().iter().copied().zip(days.values().iter().copied()));
    }
    assert_eq!(found.len() as u64, part.rows);
    found
}

fn batch(schema: &SchemaRef, rows: &[(i64, i32)]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Date32Array>()),
        Arc::new(TimestampMicrosecondArray::from(vec![0; rows.len()]).with_timezone("UTC")),
    ];
    RecordBatch::try_new(Arc::clone(schema), columns).unwrap()
}

proptest! {
    /// Whether keys are proved different by their order, hashed at once or hashed late is not to be seen.
    #[test]
    fn of_rows_with_the_same_key_the_last_counts(
        mut rows in prop::collection::vec((0_i64..60, 0_i32..3), 1..80),
        sorted in 0_usize..80,
        by_day in any::<bool>(),
        cuts in prop::collection::vec(1_usize..30, 80),
        key in prop_oneof![Just("[\"a\"]"), Just("[\"a\", \"day\"]")],
    ) {
        let sorted = sorted.min(rows.len());
        if by_day { rows[..sorted].sort_by_key(|row| (row.1, row.0)) } else { rows[..sorted].sort() }
        let catalog = catalog_with_key("", key);
        let table = catalog.dataset("d").unwrap().table("t").unwrap();
        let mut writer = TableWriter::new(table, "d/a.csv", None).unwrap();
        let mut rest = rows.as_slice();
        for cut in cuts {
            let (some, others) = rest.split_at(cut.min(rest.len()));
            writer.write(&batch(&table.schema(), some)).unwrap();
            rest = others;
        }
        let written = writer.finish().unwrap();
        let key_of = |row: &(i64, i32)| (row.0, if key.contains("day") { row.1 } else { 0 });
        let is_last = |at: usize| !rows[at + 1..].iter().any(|later| key_of(later) == key_of(&rows[at]));
        let wanted: Vec<(i64, i32)> = (0..rows.len()).filter(|at| is_last(*at)).map(|at| rows[at]).collect();
        prop_assert_eq!(written.rows.duplicate, (rows.len() - wanted.len()) as u64);
        prop_assert!(written.rows.balance());
        prop_assert_eq!(written.parts.into_iter().flat_map(super::tests::rows).collect::<Vec<_>>(), wanted);
    }
}

/// A table whose key has an instant, and whose day is the one that the instant's text says.
const INSTANTS: &str = "title = 'T'
time_zone = 'UTC'
[table.t]
from = '*'
partition = 'month(day)'
key = ['a', 'at']
[table.t.column]
a = { type = 'int64', required = true }
at = { type = 'timestamp', required = true }
day = { type = 'date', field = 'at', format = 'rfc3339' }
";

/// The same where the key decides the day, or says nothing of it.
fn declared(spread: Spread) -> String {
    match spread {
        Spread::NearDays => INSTANTS.to_owned(),
        Spread::SameDay => INSTANTS.replace("['a', 'at']", "['a', 'at', 'day']"),
        Spread::AnyDay => INSTANTS.replace("['a', 'at']", "['a']"),
    }
}

/// `a`, the hour of `at` since the end of 2025 in UTC, and by how many hours the text is ahead of that.
type Reading = (i64, i64, i64);

fn readings(schema: &SchemaRef, rows: &[Reading]) -> RecordBatch {
    let first = Date32Type::from_naive_date("2026-01-01".parse().unwrap());
    let day = |(_, hour, ahead): &Reading| Some(first + (hour + ahead).div_euclid(24) as i32);
    let at = rows.iter().map(|row| (i64::from(first) * 24 + row.1) * 3_600_000_000).collect::<Vec<i64>>();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int64Array>()),
        Arc::new(TimestampMicrosecondArray::from(at).with_timezone("UTC")),
        Arc::new(rows.iter().map(day).collect::<Date32Array>()),
        Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.2)).with_timezone("UTC")),
    ];
    RecordBatch::try_new(Arc::clone(schema), columns).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Rows of several parts, sorted in one way or another up to some row: what is left is the last row of each key, in the
    /// order of the object, whatever way finds it.
    #[test]
    fn of_rows_with_the_same_key_the_last_counts_in_whichever_part(
        mut all in prop::collection::vec((0_i64..6, prop_oneof![-30_i64..30, 700_i64..780], prop_oneof![-14_i64..14, Just(0)]), 1..120),
        sorted in 0_usize..150,
        by in 0_usize..3,
        cuts in prop::collection::vec(1_usize..40, 120),
        spread in prop_oneof![Just(Spread::SameDay), Just(Spread::NearDays), Just(Spread::AnyDay)],
    ) {
        let sorted = sorted.min(all.len());
        match by {
            0 => all[..sorted].sort_by_key(|row| (row.0, row.1)),
            1 => all[..sorted].sort_by_key(|row| (row.1, row.0)),
            // As files of a month one behind the other.
            _ => all[..sorted].sort_by_key(|row| (row.1 / 360, row.0, row.1)),
        }
        let folder = Folder::from([("dataset.toml".to_owned(), declared(spread))]);
        let catalog = Catalog::of_folders(BTreeMap::from([("d".to_owned(), folder)]));
        let table = catalog.dataset("d").unwrap().table("t").unwrap();
        prop_assert_eq!(table.spread(), spread);
        let mut writer = TableWriter::new(table, "d/a.csv", None).unwrap();
        let mut rest = all.as_slice();
        for cut in cuts {
            let (some, others) = rest.split_at(cut.min(rest.len()));
            writer.write(&readings(&table.schema(), some)).unwrap();
            rest = others;
        }
        let written = writer.finish().unwrap();

        let batch = readings(&table.schema(), &all);
        let days = batch.column(2).as_primitive::<Date32Type>().values().to_vec();
        let key = |at: usize| match spread {
            Spread::SameDay => (all[at].0, all[at].1, days[at]),
            Spread::NearDays => (all[at].0, all[at].1, 0),
            Spread::AnyDay => (all[at].0, 0, 0),
        };
        let left: Vec<usize> = (0..all.len()).filter(|at| !(at + 1..all.len()).any(|later| key(later) == key(*at))).collect();
        prop_assert_eq!(written.rows.duplicate, (all.len() - left.len()) as u64);
        prop_assert!(written.rows.balance());
        for part in written.parts {
            let of_part = |at: &usize| Period::Month.of(to_date(days[*at]).unwrap()).as_ref() == Some(&part.partition);
            let wanted: Vec<usize> = left.iter().copied().filter(of_part).collect();
            let wanted_days: Vec<i32> = wanted.iter().map(|at| days[*at]).collect();
            let bounds = wanted_days.iter().min().zip(wanted_days.iter().max());
            prop_assert_eq!(part.days, bounds.map(|(first, last)| (to_date(*first).unwrap(), to_date(*last).unwrap())));
            let ascend = |key: fn(&Reading, i32) -> (i64, i64)| {
                wanted.is_sorted_by_key(|at| key(&all[*at], days[*at]))
            };
            // By the key, and by the day in its place.
            let columns = |columns: &[&str]| columns.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let known = [
                (columns(&["a", "at"]), ascend(|row, _| (row.0, row.1))),
                (columns(&["a", "day"]), ascend(|row, day| (row.0, i64::from(day)))),
            ];
            if spread == Spread::NearDays {
                let holds: Vec<_> = known.iter().filter(|(_, holds)| *holds).map(|(names, _)| names.clone()).collect();
                prop_assert!(part.orders.iter().all(|order| holds.contains(order)), "{:?}", part.orders);
                if (by, sorted) == (0, all.len()) {
                    prop_assert_eq!(&part.orders, &holds);
                }
            }
            let wanted = wanted.iter().map(|at| u32::try_from(*at).unwrap()).collect::<Vec<_>>();
            let wanted = take_record_batch(&batch, &UInt32Array::from(wanted)).unwrap();
            prop_assert_eq!(table_of(&table.schema(), part), wanted);
        }
    }
}

fn table_of(schema: &SchemaRef, part: PartFile) -> RecordBatch {
    let mut bytes = Vec::new();
    part.bytes.into_drafted().unwrap().content.reader().unwrap().read_to_end(&mut bytes).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    // All rows of a part may be superseded.
    let Some(first) = batches.first() else { return RecordBatch::new_empty(Arc::clone(schema)) };
    let columns = concat_batches(&first.schema(), &batches).unwrap().columns().to_vec();
    RecordBatch::try_new(Arc::clone(schema), columns).unwrap()
}

fn last_of_each(text: &str, partition: &str, key: &str) -> (Vec<(i64, i32)>, u64) {
    let written = write(&catalog_with_key(partition, key), text);
    assert!(written.rows.balance());
    let mut found: Vec<(i64, i32)> = written.parts.into_iter().flat_map(rows).collect();
    found.sort_unstable();
    (found, written.rows.duplicate)
}

#[test]
fn of_a_key_whose_rows_are_in_several_partitions_the_last_row_of_the_object_counts() {
    let day = |text: &str| Date32Type::from_naive_date(text.parse().unwrap());
    let text = "a,day\n1,2026-01-31\n2,2026-02-01\n1,2026-05-01\n2,2026-01-01\n1,2026-02-02\n1,2026-02-02\n";
    let wanted = vec![(1, day("2026-02-02")), (2, day("2026-01-01"))];
    assert_eq!(last_of_each(text, "partition = \"month(day)\"", "[\"a\"]"), (wanted, 4));
    // Keys that have their day are compared within it.
    assert_eq!(last_of_each(text, "partition = \"month(day)\"", "[\"a\", \"day\"]").1, 1);
}

#[test]
fn any_number_of_partitions_is_written_with_few_open_files() {
    let day = |number: u64| NaiveDate::from_ymd_opt(2020, 1, 1).unwrap() + chrono::Days::new(number);
    let mut text = "a,day\n".to_owned();
    // Each key twice in its day: the first is superseded.
    for number in (0..1_000).flat_map(|number| [number, number]).chain(1_000..1_500) {
        text.push_str(&format!("{number},{}\n", day(number)));
    }
    let catalog = catalog("partition = \"date(day)\"");
    let written = write(&catalog, &text);
    assert_eq!((written.rows.read, written.rows.clean, written.rows.duplicate), (2_500, 1_500, 1_000));
    assert!(written.parts.iter().all(|part| matches!(part.bytes, PartBytes::Shared { .. })));
    assert_eq!(written.parts.len(), 1_500);
    for (part, number) in written.parts.into_iter().zip(0..) {
        assert_eq!(part.partition.as_str(), format!("date={}", day(number)));
        assert_eq!(part.days, Some((day(number), day(number))));
        assert_eq!(rows(part), [(number as i64, Date32Type::from_naive_date(day(number)))]);
    }
}

#[test]
fn a_partition_has_the_same_bytes_whether_it_was_open_or_waited_in_a_file() {
    let catalog = catalog("partition = \"month(day)\"");
    let alone: String = (1..=3000).map(|row| format!("{row},2026-11-{:02}\n", row % 30 + 1)).collect();
    let before: String = (0..200).map(|row| format!("{row},{:04}-01-01\n", 1800 + row)).collect();
    let bytes = |text: &str| {
        let written = write(&catalog, text);
        let part = written.parts.into_iter().find(|part| part.partition.as_str() == "month=2026-11").unwrap();
        let mut drafted = part.bytes.into_drafted().unwrap();
        let hash = lake::hash::reader(drafted.content.reader().unwrap()).unwrap();
        assert_eq!(hash, (drafted.hash, drafted.bytes));
        hash
    };
    assert_eq!(bytes(&format!("a,day\n{alone}")), bytes(&format!("a,day\n{before}{alone}")));
}
