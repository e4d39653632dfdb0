use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Encoding;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use proptest::prelude::*;

use super::*;

fn schema() -> SchemaRef {
    let field = |name: &str, kind| Field::new(name, kind, true);
    Arc::new(Schema::new(vec![
        field("text", DataType::Utf8),
        field("int", DataType::Int64),
        field("double", DataType::Float64),
        field("truth", DataType::Boolean),
        field("day", DataType::Date32),
        field("time", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
    ]))
}

type Row = (Option<String>, Option<i64>, Option<f64>, Option<bool>, Option<i32>, Option<i64>);

fn batch(rows: &[Row]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.3).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| row.4).collect::<Date32Array>()),
        Arc::new(rows.iter().map(|row| row.5).collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn written(batches: &[RecordBatch]) -> Vec<u8> {
    let mut file = TableFile::new(&batches[0].schema(), Vec::new()).unwrap();
    batches.iter().for_each(|batch| file.write(batch).unwrap());
    file.finish().unwrap()
}

fn read(bytes: Vec<u8>) -> (RecordBatch, Arc<ParquetMetaData>) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap().with_batch_size(1 << 20);
    let metadata = Arc::clone(reader.metadata());
    let schema = Arc::clone(reader.schema());
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    (concat_batches(&schema, &batches).unwrap(), metadata)
}

/// Rows of which many are alike, in stretches.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let text = prop_oneof!["[a-c]{0,2}", "\\PC{0,90}", Just("µg/m³".to_owned())];
    let double =
        prop_oneof![any::<f64>(), Just(0.0), Just(-0.0), Just(f64::NAN), (0_i32..20).prop_map(|n| f64::from(n) / 10.0)];
    let some = |chance| prop::option::weighted(chance, Just(()));
    let row = (text, prop_oneof![any::<i64>(), 0_i64..3], double, any::<bool>(), any::<i32>(), any::<i64>());
    let row = (row, some(0.9), some(0.8), some(0.9), some(0.5)).prop_map(
        |((text, int, double, truth, day, time), a, b, c, d)| {
            (
                a.map(|()| text),
                b.map(|()| int),
                c.map(|()| double),
                d.map(|()| truth),
                a.map(|()| day),
                c.map(|()| time),
            )
        },
    );
    let stretch = (row, prop_oneof![Just(1_usize), 1..40_usize]).prop_map(|(row, count)| vec![row; count]);
    prop::collection::vec(stretch, 1..60).prop_map(|stretches| stretches.concat())
}

/// Bits matter: NaN and the two zeros are told apart.
fn same(one: &RecordBatch, other: &RecordBatch) -> bool {
    one.num_rows() == other.num_rows()
        && one.columns().iter().zip(other.columns()).all(|(one, other)| {
            one.to_data() == other.to_data() || {
                let bits = |array: &ArrayRef| -> Option<Vec<Option<u64>>> {
                    let doubles = array.as_any().downcast_ref::<Float64Array>()?;
                    Some(doubles.iter().map(|double| double.map(f64::to_bits)).collect())
                };
                bits(one).is_some() && bits(one) == bits(other)
            }
        })
}

proptest! {
    /// What is known of arrays that come again is not to be seen: the bytes are those of arrays that never came before.
    #[test]
    fn columns_that_come_again_have_the_same_bytes(
        first in rows(),
        second in rows(),
        files in prop::collection::vec(prop::collection::vec(0_usize..2, 1..3), 1..6),
    ) {
        let rows = [first, second];
        let batches = [batch(&rows[0]), batch(&rows[1])];
        for file in files {
            let again: Vec<RecordBatch> = file.iter().map(|which| batches[*which].clone()).collect();
            let fresh: Vec<RecordBatch> = file.iter().map(|which| batch(&rows[*which])).collect();
            prop_assert_eq!(written(&again), written(&fresh));
        }
    }


    #[test]
    fn rows_are_read_as_they_were_written(rows in rows(), cut in 0.0_f64..1.0) {
        let all = batch(&rows);
        let cut = (rows.len() as f64 * cut) as usize;
        let bytes = written(&[all.slice(0, cut), all.slice(cut, rows.len() - cut)]);
        prop_assert_eq!(&bytes, &written(std::slice::from_ref(&all)), "batches leave no trace");
        let (found, metadata) = read(bytes);
        prop_assert!(same(&found, &all));
        let nulls: Vec<u64> = all.columns().iter().map(|column| column.null_count() as u64).collect();
        let told: Vec<u64> = (0..6).map(|at| metadata.row_group(0).column(at).statistics().unwrap().null_count_opt().unwrap()).collect();
        prop_assert_eq!(nulls, told);
        let Some(Statistics::Int64(ints)) = metadata.row_group(0).column(1).statistics() else { panic!("integers") };
        let known = || rows.iter().filter_map(|row| row.1);
        prop_assert_eq!((ints.min_opt().copied(), ints.max_opt().copied()), (known().min(), known().max()));
        let Some(Statistics::ByteArray(texts)) = metadata.row_group(0).column(0).statistics() else { panic!("texts") };
        let known = || rows.iter().filter_map(|row| row.0.as_deref().map(str::as_bytes));
        if let (Some(low), Some(high)) = (texts.min_opt(), texts.max_opt()) {
            prop_assert!(low.data() <= known().min().unwrap() && known().max().unwrap() <= high.data());
            prop_assert!(!texts.min_is_exact() || Some(low.data()) == known().min());
            prop_assert!(!texts.max_is_exact() || Some(high.data()) == known().max());
        }
    }

    #[test]
    fn a_run_is_written_as_its_rows_one_by_one(
        runs in prop::collection::vec((prop::option::of("[a-c]{0,2}"), prop::option::of(0_i64..5), prop::collection::vec((any::<bool>(), 0_i64..40), 1..40)), 1..30)
    ) {
        let field = |name: &str, kind| Field::new(name, kind, true);
        let schema = Arc::new(Schema::new(vec![
            field("text", DataType::Utf8), field("int", DataType::Int64), field("number", DataType::Int64),
            field("shown", DataType::Utf8), field("double", DataType::Float64),
        ]));
        fn shown(number: i64, text: &mut Vec<u8>) { text.extend_from_slice(format!("number {number}").as_bytes()) }
        let (mut by_run, mut by_row) = (TableFile::new(&schema, Vec::new()).unwrap(), TableFile::new(&schema, Vec::new()).unwrap());
        for (text, int, rows) in &runs {
            let numbers: Vec<i64> = rows.iter().map(|row| row.1).collect();
            let doubles: Vec<f64> = rows.iter().map(|row| if row.0 { row.1 as f64 } else { f64::NAN }).collect();
            by_run.write_run(rows.len(), &[
                Cells::Text(text.as_deref()), Cells::Int(*int), Cells::Ints(&numbers), Cells::TextOf { column: 2, text: shown }, Cells::Doubles(&doubles),
            ]).unwrap();
            let columns: Vec<ArrayRef> = vec![
                Arc::new(rows.iter().map(|_| text.as_deref()).collect::<StringArray>()),
                Arc::new(rows.iter().map(|_| *int).collect::<Int64Array>()),
                Arc::new(Int64Array::from(numbers.clone())),
                Arc::new(numbers.iter().map(|number| Some(format!("number {number}"))).collect::<StringArray>()),
                Arc::new(rows.iter().map(|row| row.0.then_some(row.1 as f64)).collect::<Float64Array>()),
            ];
            by_row.write(&RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()).unwrap();
        }
        prop_assert_eq!(by_run.finish().unwrap(), by_row.finish().unwrap());
    }
}

#[test]
fn many_rows_make_row_groups_and_useless_dictionaries_are_given_up() {
    let rows: Vec<Row> = (0..300_000_i64)
        .map(|row| {
            let text = format!("{:x}", row.wrapping_mul(0x1e37_79b9_7f4a_7c15));
            (
                Some(text),
                Some(row / 1000),
                Some(row as f64 / 7.0),
                Some(row % 3 == 0),
                Some(7),
                (row % 10 > 0).then_some(row),
            )
        })
        .collect();
    let all = batch(&rows);
    let (found, metadata) = read(written(&[all.slice(0, 100_001), all.slice(100_001, 199_999)]));
    assert!(same(&found, &all));
    let groups: Vec<i64> = metadata.row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(groups, [131_072, 131_072, 37_856]);
    let has_dictionary: Vec<bool> =
        metadata.row_group(1).columns().iter().map(|column| column.dictionary_page_offset().is_some()).collect();
    assert_eq!(has_dictionary, [false, true, false, false, true, false]);
    let encodings: Vec<Encoding> = metadata.row_group(0).column(1).encodings().collect();
    assert!(encodings.contains(&Encoding::RLE_DICTIONARY));
}

#[test]
fn a_file_without_rows_has_its_columns() {
    let empty = RecordBatch::new_empty(schema());
    let (found, metadata) = read(written(std::slice::from_ref(&empty)));
    assert_eq!((found.num_rows(), metadata.num_row_groups()), (0, 0));
    assert_eq!(found.schema().fields(), schema().fields());
}

#[test]
fn texts_of_many_bytes_end_a_row_group_early() {
    let text = "x".repeat(10_000);
    let rows: Vec<Row> = (0..5_000).map(|row| (Some(format!("{row}{text}")), None, None, None, None, None)).collect();
    let all = batch(&rows);
    let parts: Vec<RecordBatch> = (0..5).map(|at| all.slice(at * 1_000, 1_000)).collect();
    let (found, metadata) = read(written(&parts));
    assert!(same(&found, &all));
    assert!(metadata.num_row_groups() > 1);
}
