use arrow::array::{
    BinaryArray, Date64Array, Decimal128Array, DictionaryArray, Float16Array, Float32Array, Int8Array, Int32Array,
    Int64Array, LargeBinaryArray, LargeStringArray, ListArray, MapBuilder, StringArray, StringBuilder, StructArray,
    TimestampNanosecondArray, UInt8Array, UInt64Array,
};
use arrow::array::{FixedSizeBinaryArray, Int64Builder};
use arrow::datatypes::{ArrowNativeType, Field, Float16Type, Int32Type};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::*;
use crate::formats::tests::{decoded, refused};

/// A file of these columns, in row groups of so many rows.
fn file(columns: Vec<(&str, ArrayRef)>, group: usize) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
    let batch = batch.unwrap();
    let mut file = Vec::new();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file
}

#[test]
fn a_rejected_row_is_kept_with_all_that_the_file_has_of_it() {
    let nested: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]));
    let note: ArrayRef = Arc::new(StringArray::from(vec!["a \"b\"", "", "é"]));
    let inner = [
        (Arc::new(Field::new("x", DataType::Int32, true)), nested),
        (Arc::new(Field::new("y", DataType::Utf8, true)), note),
    ];
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None]), None, Some(vec![])]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for pairs in [&[("k", 1)][..], &[], &[("a", 2), ("b", 3)]] {
        for (key, value) in pairs {
            map.keys().append_value(key);
            map.values().append_value(*value);
        }
        map.append(true).unwrap();
    }
    let id = 0x00112233_44556677_8899aabb_ccddeeff_u128.to_be_bytes();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("v", Arc::new(StringArray::from(vec!["1", "x", "y"]))),
        ("list", Arc::new(list)),
        ("both", Arc::new(StructArray::from(inner.to_vec()))),
        ("map", Arc::new(map.finish())),
        ("bytes", Arc::new(BinaryArray::from(vec![Some(&b"\xFF\0"[..]), Some(b"text"), Some(b"\x80\x01")]))),
        ("fixed", Arc::new(FixedSizeBinaryArray::try_from_iter([id, id, id].iter()).unwrap())),
        (
            "sum",
            Arc::new(
                Decimal128Array::from(vec![1, -5, 12_345_678_901_234_567_890_123])
                    .with_precision_and_scale(38, 2)
                    .unwrap(),
            ),
        ),
        (
            "at",
            Arc::new(
                TimestampNanosecondArray::from(vec![1_763_546_400_000_001_999; 3]).with_timezone("Europe/Brussels"),
            ),
        ),
        ("small", Arc::new(Float32Array::from(vec![0.1, f32::NAN, 1e-30]))),
        ("big", Arc::new(Int64Array::from(vec![1, i64::MIN, i64::MAX]))),
    ];
    for group in [1, 2, 100] {
        let file = file(columns.clone(), group);
        let kept = decoded("column.v = { type = 'int64' }\n", "x.parquet", file.as_slice()).unwrap();
        assert_eq!(kept.rows, ["1"]);
        let fixed = "\"fixed\":\"0x00112233445566778899aabbccddeeff\"";
        let at = "\"at\":\"2025-11-19T10:00:00.000001999Z\"";
        assert_eq!(
            kept.rejects,
            [
                format!(
                    "2 v not_an_integer: {{\"v\":\"x\",\"list\":null,\"both\":{{\"x\":null,\"y\":\"\"}},\"map\":[],\"bytes\":\"text\",{fixed},\"sum\":-0.05,{at},\"small\":\"NaN\",\"big\":-9223372036854775808}}"
                ),
                format!(
                    "3 v not_an_integer: {{\"v\":\"y\",\"list\":[],\"both\":{{\"x\":3,\"y\":\"é\"}},\"map\":[[\"a\",2],[\"b\",3]],\"bytes\":\"0x8001\",{fixed},\"sum\":123456789012345678901.23,{at},\"small\":1e-30,\"big\":9223372036854775807}}"
                ),
            ],
            "{group}"
        );
    }
}

#[test]
fn rejects_without_end_are_read_once_more_in_part() {
    let count = 150_000;
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((1..=count).map(|row| match row % 50 {
        0 => row.to_string(),
        _ => format!("x{row}"),
    })));
    let others: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=count));
    let file = file(vec![("v", texts), ("other", others)], 40_000);
    let kept = decoded("column.v = { type = 'int64' }\n", "x.parquet", file.as_slice()).unwrap();
    assert_eq!((kept.rows.len(), kept.rejects.len()), (3_000, 147_000));
    let rejected = (1..=count).filter(|row| row % 50 != 0);
    for (at, (row, reject)) in rejected.zip(&kept.rejects).enumerate() {
        let whole = format!("{row} v not_an_integer: {{\"v\":\"x{row}\",\"other\":{row}}}");
        let is_whole = at < 100_000;
        assert!(if is_whole { *reject == whole } else { reject.starts_with(&format!("{row} v ")) }, "{at}: {reject}");
    }
}

#[test]
fn a_column_that_cannot_be_read_costs_no_row_and_no_text() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["1", "x"]));
    let other: ArrayRef = Arc::new(StringArray::from(vec!["qwertyuiop".repeat(20), "asdfghjkl".repeat(20)]));
    let mut file = file(vec![("v", texts), ("other", other)], 100);
    // The data of the column that no table column takes.
    let at = file.windows(10).position(|bytes| bytes == b"qwertyuiop").unwrap();
    file[at - 4..at].copy_from_slice(&[0xFF; 4]);
    let kept = decoded("column.v = { type = 'int64' }\n", "x.parquet", file.as_slice()).unwrap();
    assert_eq!(kept.rows, ["1"]);
    assert_eq!(kept.rejects, ["2 v not_an_integer: {\"v\":\"x\",\"other\":\"... (not read)\"}"]);
}

#[test]
fn a_page_that_no_memory_is_for_is_refused_where_its_column_is_read() {
    let texts: Vec<String> = (0..100).map(|number| format!("{number}{}", "x".repeat(10_000))).collect();
    let numbers: ArrayRef = Arc::new(arrow::array::Int64Array::from_iter_values(0..100));
    let columns: [(&str, ArrayRef); 2] = [("id", numbers), ("name", Arc::new(StringArray::from(texts)))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let file = Bytes::from(file);
    let metadata = metadata_of(&file).unwrap();
    for (columns, most, is_refused) in
        [(&[0, 1][..], 500_000, true), (&[0], 500_000, false), (&[0, 1], 2_000_000, false)]
    {
        let refused = refuse_large_pages(&file, &metadata, columns, most);
        let is_so = matches!(refused, Err(Stop::Reject(reject)) if reject.reason == "too_large");
        assert_eq!(is_so, is_refused, "{columns:?} {most}");
    }
}

#[test]
fn values_within_records_are_not_read_and_that_is_said() {
    let number: ArrayRef = Arc::new(Int64Array::from(vec![5]));
    let record = StructArray::from(vec![(Arc::new(Field::new("a", DataType::Int64, true)), Arc::clone(&number))]);
    let file = file(vec![("id", number), ("s", Arc::new(record))], 10);
    for (column, is_within) in [
        ("a = { type = 'int64', path = '/s/a' }", true),
        ("a = { type = 'int64', field = 's.a' }", true),
        ("a = { type = 'int64', field = 'id.a' }", false),
        ("a = { type = 'int64' }", false),
    ] {
        let declared = format!("column.id = {{ type = 'int64' }}\ncolumn.{column}\n");
        let why = refused(&declared, "x.parquet", file.as_slice());
        assert!(why.starts_with("missing_column: "), "{why}");
        assert_eq!(why.contains("within records of a Parquet file are not read"), is_within, "{column}: {why}");
    }
}

/// Values of each type that Arrow has for what a column may hold; none is there in the second row.
#[test]
fn values_are_read_whatever_type_holds_them() {
    type Half = <Float16Type as ArrowPrimitiveType>::Native;
    let texts = StringArray::from(vec![Some("a"), None]);
    let numbers = DictionaryArray::new(UInt8Array::from(vec![Some(1), None]), Arc::new(Int64Array::from(vec![7, -8])));
    let day = 86_400_000;
    for (array, wanted) in [
        (Arc::new(Int8Array::from(vec![Some(-128), None])) as ArrayRef, Cell::Number("-128".to_owned())),
        (Arc::new(UInt64Array::from(vec![Some(u64::MAX), None])), Cell::Number(u64::MAX.to_string())),
        (Arc::new(Float16Array::from(vec![Some(Half::usize_as(3)), None])), Cell::Number("3".to_owned())),
        (Arc::new(LargeStringArray::from(vec![Some("a"), None])), Cell::Text("a".to_owned())),
        (Arc::new(LargeBinaryArray::from(vec![Some(&b"a"[..]), None])), Cell::Text("a".to_owned())),
        (
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size([Some(b"ab"), None].into_iter(), 2).unwrap()),
            Cell::Text("ab".to_owned()),
        ),
        (Arc::new(Date64Array::from(vec![Some(-day), None])), Cell::Date("1969-12-31".parse().unwrap())),
        (Arc::new(Date64Array::from(vec![Some(day), None])), Cell::Date("1970-01-02".parse().unwrap())),
        (Arc::new(DictionaryArray::new(Int32Array::from(vec![0, 1]), Arc::new(texts))), Cell::Text("a".to_owned())),
        (Arc::new(numbers), Cell::Number("-8".to_owned())),
    ] {
        let column = ColumnReader { array: plain(&array).unwrap(), is_uuid: false, is_wide: false };
        assert_eq!((column.cell(0), column.cell(1)), (wanted, Cell::Empty), "{}", array.data_type());
    }
}

/// With a column `v` that is encrypted, one `id` that is not, and a footer that is none of both, as PyArrow writes it.
const ENCRYPTED: &[u8] = include_bytes!("encrypted_column.parquet");

#[test]
fn what_is_encrypted_is_named() {
    let id = "column.id = { type = 'int64' }\n";
    let why = refused(&format!("{id}column.v = {{ type = 'float64' }}\n"), "x.parquet", ENCRYPTED);
    assert_eq!(why, "wrong_kind: column v of the Parquet file is encrypted: write it without encryption");
    assert_eq!(decoded(id, "x.parquet", ENCRYPTED).unwrap().rows.len(), 10, "the others are read");
    let kept = decoded("column.id = { type = 'int64', max = 8 }\n", "x.parquet", ENCRYPTED).unwrap();
    assert!(kept.rejects[0].starts_with("10 id above_maximum: {\"id\":9"), "{:?}", kept.rejects);
    let Err(Stop::Reject(reject)) = super::sample(ENCRYPTED, 10) else { panic!("the sample is encrypted") };
    assert!(reject.message.contains("column v"), "{}", reject.message);
    let whole = b"PARE\x15\x02\x19\x3c\xff\0\x01PARE";
    let why = refused(id, "x.parquet", &whole[..]);
    assert_eq!(why, "wrong_kind: the object is encrypted Parquet: write it without encryption");
    for name in ["x.csv", "x.ndjson"] {
        let why = refused(id, name, &whole[..]);
        assert!(why.starts_with("wrong_kind") && why.contains("encrypted Parquet"), "{why}");
    }
    assert_eq!(decoded("column.PAREN = { type = 'int64' }\n", "x.csv", &b"PAREN\n1\n"[..]).unwrap().rows, ["1"]);
}

#[test]
fn any_damage_to_a_file_with_encrypted_columns_is_no_panic() {
    for at in 0..ENCRYPTED.len() {
        let mut bytes = ENCRYPTED.to_vec();
        bytes[at] ^= 0xFF;
        let _ = decoded("column.v = { type = 'float64' }\n", "x.parquet", bytes.as_slice());
        let _ = decoded("column.v = { type = 'float64' }\n", "x.parquet", &ENCRYPTED[..at]);
    }
}

/// What Polars embeds in a file with columns `id` (Int64) and `i128` (Int128).
const SCHEMA_OF_POLARS: &str = "/////6sAAAAEAAAA8v///xQAAAAEAAEAAAAKAAsACAAKAAQA+P///wwAAAAIAAgAAAAEAAIAAAA4AAAABAAAALz///8gAAAAEAAAAAgAAAABAgAAAAAAALT///+AAAAAAQAAAAQAAABpMTI4AAAAAOz///84AAAAIAAAABgAAAABAgAAEAASAAQAEAARAAgAAAAMAAAAAAD0////QAAAAAEAAAAIAAkABAAIAAIAAABpZAA=";

#[test]
fn whole_numbers_of_sixteen_bytes_are_named_and_cost_no_other_column() {
    let numbers = [1_i128, -2, i128::from_le_bytes(*b"ABCDEFGHIJKLMNOP")].map(i128::to_le_bytes);
    let numbers = FixedSizeBinaryArray::try_from_iter(numbers.iter()).unwrap();
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let batch = RecordBatch::try_from_iter([("id", ids), ("i128", Arc::new(numbers) as ArrayRef)]).unwrap();
    let file = |program: &str| {
        let metadata = KeyValue::new("ARROW:schema".to_owned(), SCHEMA_OF_POLARS.to_owned());
        let properties = WriterProperties::builder().set_created_by(program.to_owned());
        let properties = properties.set_key_value_metadata(Some(vec![metadata])).build();
        let options = ArrowWriterOptions::new().with_skip_arrow_metadata(true).with_properties(properties);
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    };
    let polars = file("Polars (python) version 2.1.0");
    let id = "column.id = { type = 'int64' }\n";
    assert_eq!(decoded(id, "x.parquet", polars.as_slice()).unwrap().rows, ["1", "2", "3"]);
    for kind in ["string", "int64"] {
        let why = refused(&format!("{id}column.i128 = {{ type = '{kind}' }}\n"), "x.parquet", polars.as_slice());
        assert!(
            why.starts_with("unreadable_column: column i128") && why.contains("as Int64, or as a decimal"),
            "{why}"
        );
    }
    let super::Sample { names, rows, .. } = super::sample(polars.as_slice(), 10).unwrap();
    assert_eq!(names, ["id", "i128"]);
    assert_eq!(rows.first().and_then(|row| row.get(1)), Some(&Cell::Nested), "a draft leaves it out");
    // Of another program, they are the bytes of a text.
    let texts = "column.i128 = { type = 'string' }\n";
    let kept = decoded(texts, "x.parquet", file("parquet-mr").as_slice()).unwrap();
    assert_eq!((kept.rows, kept.rejects.len()), (vec!["ABCDEFGHIJKLMNOP".to_owned()], 2));
}
