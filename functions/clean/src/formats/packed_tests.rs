//! Tests of archives, workbooks and Parquet files, made here.

use std::io::{Cursor, Read, Write};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
    Float64Array, Int32Array, LargeStringArray, ListArray, NullArray, RecordBatch, StringArray, StringViewArray,
    TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::{Int8Type, Int32Type};
use lake::ledger::LeftOut;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel};
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::tests::{Dribble, decoded, refused};

const DECLARED: &str = "column.id = { type = 'int64' }\ncolumn.name = { type = 'string' }\n";

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn each_file_of_an_archive_is_a_part_of_the_object() {
    let zip = zipped(&[
        ("a/one.csv", b"id,name\n1,a\nx,b\n"),
        ("__MACOSX/a/._one.csv", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"),
        ("a/._two.csv", b"\x00\x05\x16\x07"),
        ("./two.CSV", b"name,id\nc,2\n"),
        ("/b/../three.ndjson", b"{\"id\":3}\n"),
        (".gitkeep", b""),
        (".DS_Store", b"\x00\x00\x00\x01Bud1\x00"),
        ("c\\Thumbs.db", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0"),
        ("d/", b""),
        ("../e.csv", b""),
    ]);
    let kept = decoded(DECLARED, "x.zip", Dribble(&zip, 7)).unwrap();
    assert_eq!(kept.rows, ["1|a", "2|c", "3|-"]);
    assert_eq!(kept.rejects, ["3 id not_an_integer: x,b"]);
    assert!(kept.messages[0].ends_with("(in a/one.csv)"), "{}", kept.messages[0]);
    let kept =
        decoded(&format!("format = 'csv'\n{DECLARED}"), "x.ZIP", zipped(&[("x.txt", b"id,name\n1,a\n")]).as_slice());
    assert_eq!(kept.unwrap().rows, ["1|a"]);
}

/// Names of one length in place of others, in the directory and before each file.
fn renamed(mut bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    bytes
}

#[test]
fn no_entry_of_an_archive_is_left_out_unseen() {
    let (rows, more) = (b"id,name\n1,a\n".as_slice(), b"id,name\n2,b\n".as_slice());
    for name in [
        "../evil.csv",
        "a/../../evil.csv",
        "..\\evil.csv",
        ".hidden.csv",
        ".git/a.csv",
        "__MACOSX/a.csv",
        "__MACOSX/._a.csv",
        "._a.csv",
        ".DS_Store",
        "Thumbs.db",
        "folder/",
        "folder.csv/",
    ] {
        let entry = name.strip_suffix('/').map_or_else(|| name.to_owned(), |folder| format!("{folder}x"));
        let zip = renamed(zipped(&[("one.csv", rows), (&entry, more)]), &entry, name);
        assert_eq!(decoded(DECLARED, "x.zip", zip.as_slice()).unwrap_err(), "unclear_archive", "{name}");
    }
    let twice = renamed(zipped(&[("one.csv", rows), ("two.csv", more)]), "two.csv", "one.csv");
    let before = [zipped(&[("one.csv", rows)]), zipped(&[("two.csv", more)])].concat();
    let behind = [zipped(&[("one.csv", rows)]), rows.to_vec()].concat();
    let mut linked = ZipWriter::new(Cursor::new(Vec::new()));
    linked.add_symlink("a.csv", "b.csv", SimpleFileOptions::default()).unwrap();
    let linked = linked.finish().unwrap().into_inner();
    for zip in [twice, before, behind, linked] {
        assert_eq!(decoded(DECLARED, "x.zip", zip.as_slice()).unwrap_err(), "unclear_archive");
    }
    assert!(decoded(DECLARED, "x.zip", zipped(&[]).as_slice()).unwrap().rows.is_empty());
}

#[test]
fn a_workbook_with_two_parts_of_one_name_is_refused() {
    let row = |id: u32| format!("{HEADER}<row r=\"2\"><c r=\"A2\"><v>{id}</v></c></row>");
    let file = workbook(&[("One", "visible", &row(1)), ("Two", "hidden", &row(2))]);
    for name in ["s1.xml", "S1.xml"] {
        let file = renamed(file.clone(), "s2.xml", name);
        assert_eq!(decoded(SHEET, "x.xlsx", file.as_slice()).unwrap_err(), "damaged", "{name}");
    }
}

#[test]
fn a_formula_without_its_result_rejects_its_row() {
    let rows = "<row r=\"2\"><c r=\"A2\"><f>1+1</f><v>2</v></c><c r=\"B2\" t=\"str\"><f>\"\"</f><v></v></c></row>\
        <row r=\"3\"><c r=\"A3\"><f>1+2</f><v></v></c><c r=\"B3\" t=\"s\"><v>3</v></c></row>\
        <row r=\"4\"><c r=\"A4\"><v>4</v></c><c r=\"B4\" t=\"str\"><f>\"a\"</f></c></row>\
        <row r=\"5\"><c r=\"A5\"><f>2+3</f></c></row>\
        <row r=\"6\"><c r=\"A6\"><v>6</v></c><c r=\"C6\"/></row>";
    let file = workbook(&[("Data", "visible", &format!("{HEADER}{rows}"))]);
    let kept = decoded(SHEET, "x.xlsx", file.as_slice()).unwrap();
    assert_eq!(kept.rows, ["2|-|-", "6|-|-"]);
    assert_eq!(kept.rejects, ["3 id not_computed: \tZoë", "4 name not_computed: 4\t", "5 id not_computed: "]);
    let joined = "column.x = { type = 'string', fields = ['id', 'name'] }\n";
    let kept = decoded(joined, "x.xlsx", file.as_slice()).unwrap();
    assert_eq!(kept.rows, ["2", "6"]);
    assert_eq!(kept.rejects.len(), 3);
}

#[test]
fn an_archive_is_read_as_a_whole_or_not_at_all() {
    let within = zipped(&[("b.csv", b"id,name\n1,a\n")]);
    let refused = |files: &[(&str, &[u8])]| decoded(DECLARED, "x.zip", zipped(files).as_slice()).unwrap_err();
    assert_eq!(refused(&[("a.csv", b"id,name\n1,a\n"), ("b.csv", b"other\n1\n")]), "missing_column");
    assert_eq!(refused(&[("a.csv", b"id,name\n1,a\n"), ("readme.txt", b"x")]), "unknown_format");
    assert_eq!(refused(&[("a.csv", &within)]), "wrong_kind");
    assert_eq!(refused(&[("a.csv", b"\x1f\x8b\x08\0")]), "wrong_kind");
    assert_eq!(refused(&[("a.zip", &within)]), "wrong_kind");
    assert_eq!(refused(&[("a.csv.gz", b"\x1f\x8b\x08\0")]), "wrong_kind");
    let whole = zipped(&[("a.csv", "id,name\n1,a\n".repeat(100).as_bytes())]);
    for length in 0..whole.len() {
        let error = decoded(DECLARED, "x.zip", &whole[..length]).unwrap_err();
        assert!(["damaged", "not_decompressible", "wrong_kind"].contains(&error.as_str()), "{length}: {error}");
    }
    assert_eq!(decoded(DECLARED, "x.zip", &b"id,name\n"[..]).unwrap_err(), "wrong_kind");
}

/// A workbook with these sheets: name, state, and the rows of cells as XML.
fn workbook(sheets: &[(&str, &str, &str)]) -> Vec<u8> {
    workbook_with("", sheets)
}

fn workbook_with(properties: &str, sheets: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut list = String::new();
    let mut relations = String::new();
    let mut files = Vec::new();
    for (number, (name, state, rows)) in (1..).zip(sheets) {
        list += &format!("<sheet name=\"{name}\" sheetId=\"{number}\" state=\"{state}\" r:id=\"r{number}\"/>");
        relations += &format!(
            "<Relationship Id=\"r{number}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/s{number}.xml\"/>"
        );
        let sheet = format!(
            "<?xml version=\"1.0\"?><worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
        );
        files.push((format!("xl/worksheets/s{number}.xml"), sheet));
    }
    files.push((
        "[Content_Types].xml".to_owned(),
        "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"
            .to_owned(),
    ));
    files.push((
        "_rels/.rels".to_owned(),
        "<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"w\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>".to_owned(),
    ));
    files.push((
        "xl/workbook.xml".to_owned(),
        format!("<?xml version=\"1.0\"?><workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">{properties}<sheets>{list}</sheets></workbook>"),
    ));
    files.push((
        "xl/_rels/workbook.xml.rels".to_owned(),
        format!("<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{relations}</Relationships>"),
    ));
    files.push((
        "xl/styles.xml".to_owned(),
        "<?xml version=\"1.0\"?><styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><numFmts count=\"2\"><numFmt numFmtId=\"164\" formatCode=\"0.0&quot; %&quot;\"/><numFmt numFmtId=\"165\" formatCode=\"[h]:mm\"/></numFmts><cellXfs count=\"7\"><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/><xf numFmtId=\"14\"/><xf numFmtId=\"165\"/><xf numFmtId=\"20\"/><xf numFmtId=\"10\"/><xf numFmtId=\"164\"/></cellXfs></styleSheet>".to_owned(),
    ));
    files.push((
        "xl/sharedStrings.xml".to_owned(),
        "<?xml version=\"1.0\"?><sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><si><t>id</t></si><si><t>Name</t></si><si><t>at</t></si><si><t>Zoë</t></si></sst>".to_owned(),
    ));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    zipped(&files)
}

const HEADER: &str = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c><c r=\"C1\" t=\"s\"><v>2</v></c></row>";
const ROWS: &str = "<row r=\"2\"><c r=\"A2\"><v>1</v></c><c r=\"B2\" t=\"s\"><v>3</v></c><c r=\"C2\" s=\"1\"><v>46345.4166666667</v></c></row>\
    <row r=\"4\"><c r=\"A4\"><v>2.5</v></c></row>\
    <row r=\"5\"><c r=\"A5\"><v>3</v></c><c r=\"B5\" t=\"inlineStr\"><is><t>x</t></is></c><c r=\"D5\"><v>9</v></c></row>\
    <row r=\"6\"><c r=\"A6\"><v>4</v></c><c r=\"C6\" s=\"1\"><v>46320.1041666667</v></c></row>";
const SHEET: &str = "column.id = { type = 'int64' }\ncolumn.name = { type = 'string' }\ncolumn.at = { type = 'timestamp', zone = 'Europe/Brussels', ambiguous = 'later' }\n";

#[test]
fn a_sheet_is_read_row_by_row() {
    let preamble = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Report</t></is></c></row>";
    let rows = format!("{HEADER}{ROWS}");
    let kept = decoded(
        SHEET,
        "x.xlsx",
        workbook(&[("Data", "visible", &rows), ("Empty", "visible", ""), ("Old", "hidden", HEADER)]).as_slice(),
    )
    .unwrap();
    assert_eq!(kept.rows, ["1|Zoë|2026-11-19T09:00:00Z", "4|-|2026-10-25T01:30:00Z"]);
    assert_eq!(
        kept.rejects.iter().map(|reject| reject.split(':').next().unwrap()).collect::<Vec<_>>(),
        ["4 id not_an_integer", "5 - wrong_column_count"]
    );
    let below = format!(
        "{preamble}{}",
        HEADER.replace("r=\"1\"", "r=\"2\"").replace("A1", "A2").replace("B1", "B2").replace("C1", "C2")
    );
    let third = "<row r=\"3\"><c r=\"A3\"><v>7</v></c></row>";
    let file = workbook(&[("Data", "visible", &format!("{below}{third}"))]);
    for options in ["", "header = 'find'\n", "skip_lines = 1\n"] {
        let kept = decoded(&format!("{options}{SHEET}"), "x.xlsx", file.as_slice()).unwrap();
        assert_eq!((kept.rows, kept.preamble), (vec!["7|-|-".to_owned()], 1), "{options}");
    }
}

#[test]
fn a_sheet_is_chosen_by_name_or_number() {
    let row = |id: u32| format!("{HEADER}<row r=\"2\"><c r=\"A2\"><v>{id}</v></c></row>");
    let file = workbook(&[("One", "visible", &row(1)), ("Hidden", "hidden", &row(2)), ("Three", "visible", &row(3))]);
    for (options, expected) in [
        ("", Err("unclear_sheet")),
        ("sheet = 'three'\n", Ok("3|-|-")),
        ("sheet = 'Hidden'\n", Ok("2|-|-")),
        ("sheet = 2\n", Ok("3|-|-")),
        ("sheet = 3\n", Err("no_sheet")),
        ("sheet = 'Four'\n", Err("no_sheet")),
    ] {
        let found = decoded(&format!("{options}{SHEET}"), "x.xlsx", file.as_slice()).map(|kept| kept.rows.concat());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{options}");
    }
}

#[test]
fn a_date_in_a_header_is_a_name() {
    let rows = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>site</t></is></c><c r=\"B1\" s=\"2\"><v>46327</v></c></row>\
        <row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>A</t></is></c><c r=\"B2\"><v>1.5</v></c></row>";
    let declared = "column.site = { type = 'string' }\ncolumn.v = { type = 'float64', field = '2026-11-01' }\n";
    let kept = decoded(declared, "x.xlsx", workbook(&[("Data", "visible", rows)]).as_slice()).unwrap();
    assert_eq!((kept.rows.concat(), kept.rejects.len()), ("A|1.5".to_owned(), 0));
}

#[test]
fn a_bomb_is_refused_before_it_is_in_memory() {
    let long = "a".repeat(2 * 1024 * 1024);
    let cell = format!("{HEADER}<row r=\"2\"><c r=\"B2\" t=\"inlineStr\"><is><t>{long}</t></is></c></row>");
    assert_eq!(decoded(SHEET, "x.xlsx", workbook(&[("Data", "visible", &cell)]).as_slice()).unwrap_err(), "too_large");
    let strings = std::iter::repeat_n(b"<si><t>a</t></si>".as_slice(), 5_000_000).collect::<Vec<_>>().concat();
    assert_eq!(
        decoded(SHEET, "x.xlsx", zipped(&[("xl/sharedStrings.xml", &strings)]).as_slice()).unwrap_err(),
        "too_large"
    );
}

fn parquet(compression: Compression) -> Vec<u8> {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)]), None, None]);
    let days = Decimal128Array::from(vec![Some(12345), None, Some(-5)]).with_precision_and_scale(10, 2).unwrap();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("Id", Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]))),
        ("kind", Arc::new(["a", "b", "a"].into_iter().collect::<DictionaryArray<Int32Type>>())),
        ("v", Arc::new(Float64Array::from(vec![0.1, f64::NAN, -1e300]))),
        ("utc", Arc::new(TimestampNanosecondArray::from(vec![1_763_546_400_000_001_999; 3]).with_timezone("+00:00"))),
        ("local", Arc::new(TimestampMillisecondArray::from(vec![1_763_546_400_000; 3]))),
        ("day", Arc::new(Date32Array::from(vec![20_000, 20_001, 20_002]))),
        ("sum", Arc::new(days)),
        ("ok", Arc::new(BooleanArray::from(vec![true, false, true]))),
        ("more", Arc::new(list)),
        ("text", Arc::new(StringArray::from(vec!["x", " ", "é"]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

const PARQUET: &str = "column.id = { type = 'int64' }\ncolumn.kind = { type = 'string' }\ncolumn.v = { type = 'float64', missing = ['NaN'] }\ncolumn.utc = { type = 'timestamp' }\ncolumn.local = { type = 'timestamp', zone = 'Europe/Brussels' }\ncolumn.day = { type = 'date' }\ncolumn.sum = { type = 'float64' }\ncolumn.ok = { type = 'bool' }\ncolumn.text = { type = 'string' }\ncolumn.gone = { type = 'string', optional = true }\n";

#[test]
fn parquet_of_others_is_read_by_name_and_its_types_are_checked() {
    for compression in
        [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(GzipLevel::default()), Compression::LZ4_RAW]
    {
        let kept = decoded(PARQUET, "x.parquet", Dribble(&parquet(compression), 1000)).unwrap();
        let rest = "2025-11-19T10:00:00.000001Z|2025-11-19T09:00:00Z";
        assert_eq!(
            kept.rows,
            [
                format!("1|a|0.1|{rest}|2024-10-04|123.45|true|x|-"),
                format!("-|b|-|{rest}|2024-10-05|-|false| |-"),
                format!("3|a|-1e300|{rest}|2024-10-06|-0.05|true|é|-"),
            ]
        );
        assert_eq!(kept.notes, (0, 1));
    }
    let file = parquet(Compression::SNAPPY);
    let kept =
        decoded("column.more = { type = 'string' }\ncolumn.text = { type = 'int64' }\n", "x.parquet", file.as_slice())
            .unwrap();
    assert!(
        kept.rejects[0].starts_with("1 more wrong_type") && kept.rejects[1].starts_with("3 text not_an_integer"),
        "{kept:?}"
    );
    assert_eq!(
        decoded("column.x = { type = 'string' }\n", "x.parquet", file.as_slice()).unwrap_err(),
        "missing_column"
    );
    let kept = decoded("column.local = { type = 'timestamp' }\n", "x.parquet", file.as_slice()).unwrap();
    assert!(kept.rejects[0].starts_with("1 local missing_offset"), "{kept:?}");
}

#[test]
fn rows_within_rows_see_those_around_them() {
    let declared = "rows = '/meters'\nexplode = ['/days', '/readings']\ncolumn.meter = { type = 'int64', path = '^^/id' }\ncolumn.day = { type = 'date', path = '^/day' }\ncolumn.v = { type = 'float64' }\n";
    let text = br#"{"meters": [{"id": 1, "days": [{"day": "2026-11-19", "readings": [{"v": 1}, {"v": "x"}, 7]}, {"day": "2026-11-20", "readings": []}]},
        {"id": 2}, {"days": [{"readings": [{"v": 2}]}], "id": 3}, {"id": 4, "days": 5}]}"#;
    let kept = decoded(declared, "x.json", Dribble(text, 5)).unwrap();
    assert_eq!(kept.rows, ["1|2026-11-19|1.0", "3|-|2.0"]);
    let rejects: Vec<_> = kept.rejects.iter().map(|reject| reject.split(':').next().unwrap()).collect();
    assert_eq!(rejects, ["2 v not_a_number", "3 - not_json", "4 - no_rows", "5 - no_rows", "7 - not_a_list"]);
    let declared =
        "explode = '/readings'\ncolumn.meter = { type = 'int64', path = '^/id' }\ncolumn.v = { type = 'float64' }\n";
    let lines =
        b"\xEF\xBB\xBF{\"readings\":[{\"v\":1},{\"v\":2}],\"id\":1}\n[]\n{\"id\":2,\"readings\":[{\"v\":\"x\"}]}\n";
    let kept = decoded(declared, "x.ndjson", &lines[..]).unwrap();
    assert_eq!(kept.rows, ["1|1.0", "1|2.0"]);
    assert_eq!(kept.rejects, ["2 - not_json: []", "3 v not_a_number: {\"v\":\"x\"}"]);
}

#[test]
fn a_row_whose_list_is_empty_is_counted() {
    let declared =
        "explode = '/items'\ncolumn.order = { type = 'int64', path = '^/id' }\ncolumn.n = { type = 'int64' }\n";
    let orders = [
        r#"{"id":1,"items":[{"n":1}]}"#,
        r#"{"id":2,"items":[]}"#,
        r#"{"id":3,"items":[ ]}"#,
        r#"{"id":4,"items":null}"#,
        r#"{"id":5}"#,
        r#"{"id":6,"items":[{"n":2}]}"#,
    ];
    for (name, text) in
        [("x.ndjson", orders.join("\n")), ("x.json", format!("[{}]", orders.join(","))), ("y.json", orders.join("\n"))]
    {
        let kept = decoded(declared, name, text.as_bytes()).unwrap();
        assert_eq!(kept.rows, ["1|1", "6|2"], "{name}");
        let wanted: Vec<String> = (2..6).map(|at| format!("{at} - no_rows: {}", orders[at - 1])).collect();
        assert_eq!(kept.rejects, wanted, "{name}");
        assert!(kept.messages[0].contains("/items") && kept.messages[0].contains("is empty"), "{:?}", kept.messages);
    }
    // Within a row that has others, it is named by its own text.
    let declared = "explode = ['/days', '/readings']\ncolumn.v = { type = 'int64' }\n";
    let text = r#"{"days":[{"readings":[{"v":1}]},{"day":2,"readings":[]}]}"#;
    for (name, row) in [("x.ndjson", 1), ("x.json", 2)] {
        let kept = decoded(declared, name, text.as_bytes()).unwrap();
        assert_eq!(kept.rejects, [format!("{row} - no_rows: {{\"day\":2,\"readings\":[]}}")], "{name}");
    }
    // A document without rows has none.
    let kept = decoded(declared, "x.json", &b"[]"[..]).unwrap();
    assert_eq!((kept.rows.len(), kept.rejects.len()), (0, 0));
}

#[test]
fn a_member_that_rows_are_within_comes_once() {
    let declared = "rows = '/a/r'\ncolumn.v = { type = 'int64' }\n";
    for text in [
        r#"{"a": {"r": [{"v": 1}, {"v": 2}], "r": [{"v": 3}]}}"#,
        r#"{"a": {"r": [{"v": 1}]}, "b": 1, "a": {"r": [{"v": 3}]}}"#,
        r#"{"a": {"r": [{"v": 1}]}, "\u0061": null}"#,
        r#"{"a": {"r": [{"v": 1}]}} {"a": {"r": [], "r": [{"v": 3}]}}"#,
    ] {
        assert_eq!(decoded(declared, "x.json", text.as_bytes()).unwrap_err(), "duplicate_member", "{text}");
    }
    let text = br#"{"r": 1, "r": 2, "a": {"x": 1, "x": 2, "r": [{"v": 1, "v": 2}]}}"#;
    assert_eq!(decoded(declared, "x.json", &text[..]).unwrap().rows, ["2"], "of a row's members the last counts");

    let declared = "explode = '/in/r'\ncolumn.v = { type = 'int64' }\n";
    let rows = b"{\"in\":{\"r\":[{\"v\":1}],\"r\":[{\"v\":2}]}}\n{\"in\":{\"r\":[{\"v\":3}]}}\n{\"in\":{\"r\":[{\"v\":4}]},\"in\":{\"r\":[]}}\n";
    let kept = decoded(declared, "x.ndjson", &rows[..]).unwrap();
    assert_eq!(kept.rows, ["3"]);
    let rejects: Vec<_> = kept.rejects.iter().map(|reject| reject.split(':').next().unwrap()).collect();
    assert_eq!(rejects, ["1 - duplicate_member", "3 - duplicate_member"]);
}

#[test]
fn json_is_one_object_or_several_documents() {
    for text in [
        "{\"id\": 1}\n{\"id\": 2,\n \"name\": \"a\"}",
        "[{\"id\": 1}]\n[{\"id\": 2, \"name\": \"a\"}]",
        "\u{feff}[{\"id\":1}] {\"id\":2,\"name\":\"a\"}",
        "\u{feff}[{\"id\":1}]\n\u{feff}[{\"id\":2,\"name\":\"a\"}]\n\u{feff}",
    ] {
        assert_eq!(decoded(DECLARED, "x.json", text.as_bytes()).unwrap().rows, ["1|-", "2|a"], "{text}");
    }
    assert_eq!(decoded(DECLARED, "x.json", &b"{\"id\": 1}"[..]).unwrap().rows, ["1|-"]);
    let joined = "\u{feff}{\"id\":1}\r\n\u{feff}{\"id\":2,\"name\":\"a\"}\n\u{feff}";
    let kept = decoded(DECLARED, "x.ndjson", joined.as_bytes()).unwrap();
    assert_eq!((kept.rows.join(" "), kept.rejects.len()), ("1|- 2|a".to_owned(), 0));
    assert_eq!(decoded(DECLARED, "x.json", &b"{\"error\": \"no\"}"[..]).unwrap_err(), "not_a_list");
    assert_eq!(decoded(DECLARED, "x.json", &b"[{\"id\": 1}] x"[..]).unwrap_err(), "not_json");
    let utf16: Vec<u8> = "\u{feff}[{\"id\": 1, \"name\": \"é\"}]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(decoded(DECLARED, "x.json", utf16.as_slice()).unwrap_err(), "wrong_encoding");
    assert_eq!(decoded(&format!("encoding = 'utf-16'\n{DECLARED}"), "x.json", utf16.as_slice()).unwrap().rows, ["1|é"]);
}

/// Bytes with some of them changed, and cut off.
fn damaged(bytes: &[u8], edits: &[(prop::sample::Index, u8)], end: prop::sample::Index) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, byte) in edits {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    let length = bytes.len() - end.index(bytes.len()) % 8;
    bytes.truncate(length);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damage_ends_in_rows_or_a_reason(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>(),
        kind in 0_usize..3,
    ) {
        let (declared, name, whole) = match kind {
            0 => (PARQUET, "x.parquet", parquet(Compression::SNAPPY)),
            1 => (SHEET, "x.xlsx", workbook(&[("Data", "visible", &format!("{HEADER}{ROWS}"))])),
            _ => (DECLARED, "x.zip", zipped(&[("a.csv", b"id,name\n1,a\n")])),
        };
        let bytes = damaged(&whole, &edits, end);
        match decoded(declared, name, bytes.as_slice()) {
            Ok(_) => {}
            // A failure of reading would be tried again for ever.
            Err(reason) => prop_assert!(crate::reasons::reason(&reason).is_some(), "{}", reason),
        }
    }
}

#[test]
fn an_endless_part_is_read_in_bounded_memory() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.csv", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"id,name\n1,a\n").unwrap();
    std::io::copy(&mut std::io::repeat(b'x').take(64 * 1024 * 1024), &mut zip).unwrap();
    zip.write_all(b"\n2,b\n").unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    assert!(bytes.len() < 1024 * 1024);
    let kept = decoded(DECLARED, "x.zip", bytes.as_slice()).unwrap();
    assert_eq!(kept.rows, ["1|a", "2|b"]);
    assert!(kept.rejects[0].starts_with("3 - record_too_long"));
}

/// A Parquet file of these columns.
fn parquet_of(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn a_column_without_values_is_null_whatever_its_type_is() {
    let file = parquet_of(vec![("id", Arc::new(Int32Array::from(vec![1, 2]))), ("name", Arc::new(NullArray::new(2)))]);
    assert_eq!(decoded(DECLARED, "x.parquet", file.as_slice()).unwrap().rows, ["1|-", "2|-"]);
}

#[test]
fn empty_texts_are_texts_where_there_are_nulls_beside_them() {
    let texts = || vec![Some(""), Some(" a "), None];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(texts())),
        Arc::new(LargeStringArray::from(texts())),
        Arc::new(StringViewArray::from(texts())),
        Arc::new(texts().into_iter().collect::<DictionaryArray<Int8Type>>()),
        Arc::new(BinaryArray::from(texts().into_iter().map(|text| text.map(str::as_bytes)).collect::<Vec<_>>())),
    ];
    for column in columns {
        let kind = column.data_type().clone();
        let file = parquet_of(vec![("id", Arc::new(Int32Array::from(vec![1, 2, 3]))), ("name", column)]);
        assert_eq!(decoded(DECLARED, "x.parquet", file.as_slice()).unwrap().rows, ["1|", "2| a ", "3|-"], "{kind}");
    }
    let json = b"{\"id\":1,\"name\":\"\"}\n{\"id\":2,\"name\":\" a \"}\n{\"id\":3,\"name\":null}\n";
    assert_eq!(decoded(DECLARED, "x.ndjson", &json[..]).unwrap().rows, ["1|", "2| a ", "3|-"]);
}

#[test]
fn uuids_are_written_as_such() {
    let schema = "message m { required int32 id; optional fixed_len_byte_array(16) name (UUID); }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let mut writer = parquet::file::writer::SerializedFileWriter::new(&mut bytes, schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<parquet::data_type::Int32Type>().write_batch(&[1, 2], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let value = parquet::data_type::FixedLenByteArray::from(b"abcdefghijklmno\x00".to_vec());
    column.typed::<parquet::data_type::FixedLenByteArrayType>().write_batch(&[value], Some(&[1, 0]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let kept = decoded(DECLARED, "x.parquet", bytes.as_slice()).unwrap();
    assert_eq!(kept.rows, ["1|61626364-6566-6768-696a-6b6c6d6e6f00", "2|-"]);
}

#[test]
fn a_row_that_is_too_long_is_rejected() {
    let texts = ["a".to_owned(), "x".repeat(9 * 1024 * 1024), "b".to_owned()];
    let names: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let file = parquet_of(vec![("id", Arc::new(Int32Array::from(vec![1, 2, 3]))), ("name", names)]);
    let kept = decoded(DECLARED, "x.parquet", file.as_slice()).unwrap();
    assert_eq!(kept.rows, ["1|a", "3|b"]);
    assert!(kept.rejects[0].starts_with("2 - record_too_long: {\"id\":2,\"name\":\"xx"));
    let names: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(65 * 1024 * 1024)]));
    let file = parquet_of(vec![("id", Arc::new(Int32Array::from(vec![1]))), ("name", names)]);
    assert_eq!(decoded(DECLARED, "x.parquet", file.as_slice()).unwrap_err(), "record_too_long");
    assert_eq!(decoded("column.id = { type = 'int64' }\n", "x.parquet", file.as_slice()).unwrap().rows, ["1"]);
}

/// A row of a sheet: texts in quotes are strings, those that begin with # are errors, and others numbers.
fn sheet_row(number: u32, cells: &[&str]) -> String {
    let cell = |(at, text): (usize, &&str)| {
        let place = format!("{}{number}", char::from(b'A' + at as u8));
        match text.parse::<f64>() {
            Ok(_) => format!("<c r=\"{place}\"><v>{text}</v></c>"),
            Err(_) if text.starts_with('#') => format!("<c r=\"{place}\" t=\"e\"><f>X()</f><v>{text}</v></c>"),
            Err(_) => format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
        }
    };
    format!("<row r=\"{number}\">{}</row>", cells.iter().enumerate().map(cell).collect::<String>())
}

fn sheet_of(rows: &[&[&str]]) -> Vec<u8> {
    let rows: String = (1..).zip(rows).map(|(number, cells)| sheet_row(number, cells)).collect();
    workbook(&[("Data", "visible", &rows)])
}

#[test]
fn names_of_a_series_are_no_first_row_of_a_sheet() {
    let years = "column.country = { type = 'string' }\ncolumn.a = { type = 'float64', field = '1990' }\ncolumn.b = { type = 'float64', field = '1991' }\n";
    let file = sheet_of(&[&["land", "1993", "1994"], &["BE", "5", "6"]]);
    assert_eq!(decoded(years, "x.xlsx", file.as_slice()).unwrap_err(), "unclear_header");
    let never = format!("header = 'never'\n{years}");
    assert_eq!(decoded(&never, "x.xlsx", file.as_slice()).unwrap().rows.len(), 2);
    let file =
        sheet_of(&[&["country", "1990", "1991"], &["BE", "1", "2"], &["country", "1993", "1994"], &["FR", "3", "4"]]);
    let kept = decoded(years, "x.xlsx", file.as_slice()).unwrap();
    assert_eq!(kept.rows, ["BE|1.0|2.0"]);
    assert!(kept.rejects.len() == 2 && kept.rejects[0].starts_with("3 - missing_column"), "{:?}", kept.rejects);
    let file = sheet_of(&[&["BE", "5", "6"], &["FR", "7", "8"]]);
    assert_eq!(decoded(years, "x.xlsx", file.as_slice()).unwrap().rows, ["BE|5.0|6.0", "FR|7.0|8.0"]);
}

#[test]
fn a_sheet_has_headers_and_rows_as_a_text_has() {
    let three = "column.id = { type = 'int64' }\ncolumn.name = { type = 'string' }\ncolumn.v = { type = 'float64' }\n";
    let file = sheet_of(&[&["1", "a", "1"], &["2", "b", "2"], &["v", "name", "id"], &["3", "c", "4"]]);
    let kept = decoded(three, "x.xlsx", file.as_slice()).unwrap();
    assert_eq!((kept.rows.join(" "), kept.preamble), ("1|a|1.0 2|b|2.0 4|c|3.0".to_owned(), 1));
    let two = "column.pm10 = { type = 'float64' }\ncolumn.no2 = { type = 'float64' }\n";
    let file = sheet_of(&[&["Station", "41"], &["NO2_ug", "PM10_ug"], &["1", "99"], &["2", "98"]]);
    assert_eq!(decoded(two, "x.xlsx", file.as_slice()).unwrap_err(), "missing_column");
    let file = sheet_of(&[&["pm10", "no2"], &["1", "99"], &["no2", "PM10_ug"], &["2", "98"]]);
    let kept = decoded(two, "x.xlsx", file.as_slice()).unwrap();
    assert_eq!((kept.rows, kept.rejects.len()), (vec!["1.0|99.0".to_owned()], 2));
}

#[test]
fn an_error_of_a_formula_rejects_its_row_unless_it_is_declared_as_missing() {
    let file = sheet_of(&[&["id", "name"], &["1", "#N/A"], &["#DIV/0!", "b"], &["3", "c"]]);
    let kept = decoded(DECLARED, "x.xlsx", file.as_slice()).unwrap();
    assert_eq!(kept.rows, ["3|c"]);
    assert_eq!(kept.rejects, ["2 name excel_error: 1\t#N/A", "3 id excel_error: #DIV/0!\tb"]);
    assert!(kept.messages[0].contains("missing = [\"#N/A\"]"), "{}", kept.messages[0]);
    let declared = DECLARED.replace("'string'", "'string', missing = ['#N/A']");
    assert_eq!(decoded(&declared, "x.xlsx", file.as_slice()).unwrap().rows, ["1|-", "3|c"]);
    assert_eq!(decoded("column.id = { type = 'int64' }\n", "x.xlsx", file.as_slice()).unwrap().rows, ["1", "3"]);
}

#[test]
fn rows_are_where_an_escaped_pointer_says() {
    let declared = "rows = '/a~1b/~0'\ncolumn.id = { type = 'int64' }\n";
    assert_eq!(decoded(declared, "x.json", &b"{\"a/b\":{\"~\":[{\"id\":1}]}}"[..]).unwrap().rows, ["1"]);
}

#[test]
fn days_of_a_workbook_are_counted_as_it_counts_them() {
    let rows = format!("{HEADER}<row r=\"2\"><c r=\"A2\"><v>44883</v></c><c r=\"C2\" s=\"2\"><v>44883</v></c></row>");
    let declared = "column.id = { type = 'date', format = 'excel' }\ncolumn.at = { type = 'string' }\n";
    for (properties, day) in [("", "2022-11-18"), ("<workbookPr date1904=\"1\"/>", "2026-11-19")] {
        let file = workbook_with(properties, &[("Data", "visible", &rows)]);
        assert_eq!(decoded(declared, "x.xlsx", file.as_slice()).unwrap().rows, [format!("{day}|{day}")]);
    }
}

/// A workbook with a column `v`: numbers, each with the style that it is shown in; what is no number is a text.
fn styled(properties: &str, values: &[(u32, &str)]) -> Vec<u8> {
    let cell = |(row, (style, value)): (u32, &(u32, &str))| match value.parse::<f64>() {
        Ok(_) => format!("<row r=\"{row}\"><c r=\"A{row}\" s=\"{style}\"><v>{value}</v></c></row>"),
        Err(_) => {
            format!("<row r=\"{row}\"><c r=\"A{row}\" t=\"inlineStr\"><is><t>{value}</t></is></c></row>")
        }
    };
    let rows: String = (1..).zip([&(0, "v")].into_iter().chain(values)).map(cell).collect();
    workbook_with(properties, &[("Data", "visible", &rows)])
}

const FROM_1904: &str = "<workbookPr date1904=\"1\"/>";

#[test]
fn a_number_that_is_no_day_of_a_workbook_is_no_date() {
    let values =
        [(2, "-3588"), (1, "-5.25"), (2, "60"), (2, "2958466"), (2, "1"), (2, "59"), (2, "61"), (2, "2958465")];
    let first = ["1900-01-01", "1900-02-28", "1900-03-01", "9999-12-31"];
    for (kind, suffix) in [
        ("'date'", ""),
        ("'timestamp', zone = 'UTC'", "T00:00:00Z"),
        ("'string'", ""),
        ("'date', format = 'excel'", ""),
    ] {
        let declared = format!("column.v = {{ type = {kind} }}\n");
        let kept = decoded(&declared, "x.xlsx", styled("", &values).as_slice()).unwrap();
        assert_eq!(kept.rows, first.map(|day| format!("{day}{suffix}")), "{kind}");
        let rejects: Vec<_> = kept.rejects.iter().map(|reject| reject.split(':').next().unwrap()).collect();
        let expected = [2, 3, 4, 5].map(|row| format!("{row} v out_of_range"));
        assert_eq!(rejects, expected, "{kind}");
        assert!(kept.messages[0].contains("Write such a date as a text"), "{}", kept.messages[0]);
    }
    let later = [(2, "-1"), (2, "1"), (2, "60"), (1, "60.5"), (2, "2957003"), (2, "2957004")];
    let kept = decoded("column.v = { type = 'string' }\n", "x.xlsx", styled(FROM_1904, &later).as_slice()).unwrap();
    assert_eq!(kept.rows, ["1904-01-02", "1904-03-01", "1904-03-01T12:00:00", "9999-12-31"]);
    assert_eq!(kept.rejects.len(), 2, "{:?}", kept.rejects);
    let missing = "column.v = { type = 'date', missing = [-1] }\n";
    let kept = decoded(missing, "x.xlsx", styled("", &[(2, "-1"), (2, "46345")]).as_slice()).unwrap();
    assert_eq!(kept.rows, ["-", "2026-11-19"]);
}

#[test]
fn durations_and_times_of_day_of_a_workbook_are_one_thing_in_a_column() {
    let values =
        [(3, "1.604166666666667"), (3, "0.3125"), (4, "0.3125"), (3, "1"), (3, "0"), (3, "-0.5"), (4, "0.00001")];
    let clocks = ["38:30:00", "07:30:00", "07:30:00", "24:00:00", "00:00:00", "-12:00:00", "00:00:00.864"];
    for properties in ["", FROM_1904] {
        let file = styled(properties, &values);
        let kept = decoded("column.v = { type = 'string' }\n", "x.xlsx", file.as_slice()).unwrap();
        assert_eq!((kept.rows.as_slice(), kept.rejects.len()), (clocks.map(str::to_owned).as_slice(), 0));
        let kept = decoded("column.v = { type = 'float64' }\n", "x.xlsx", file.as_slice()).unwrap();
        assert_eq!(kept.rows, ["1.604166666666667", "0.3125", "0.3125", "1.0", "0.0", "-0.5", "0.00001"]);
        let kept = decoded("column.v = { type = 'int64' }\n", "x.xlsx", file.as_slice()).unwrap();
        assert_eq!((kept.rows, kept.rejects.len()), (vec!["1".to_owned(), "0".to_owned()], 5));
        let kept = decoded("column.v = { type = 'date' }\n", "x.xlsx", file.as_slice()).unwrap();
        assert_eq!(kept.rejects.len(), 7, "{:?}", kept.rows);
    }
    let missing = "column.v = { type = 'float64', missing = ['00:00:00'] }\n";
    let kept = decoded(missing, "x.xlsx", styled("", &[(3, "0"), (3, "2")]).as_slice()).unwrap();
    assert_eq!(kept.rows, ["-", "2.0"]);
}

#[test]
fn a_number_that_is_shown_in_percent_is_one_in_a_column_of_percents() {
    let values = [(5, "0.5"), (0, "0.5"), (5, "0.07"), (5, "-0.295"), (6, "12.5"), (0, "50%"), (5, "1"), (5, "1e17")];
    let file = styled("", &values);
    let of = |options: &str| decoded(&format!("column.v = {{ {options} }}\n"), "x.xlsx", file.as_slice()).unwrap();
    let kept = of("type = 'float64', unit = '%'");
    assert_eq!(kept.rows, ["50.0", "0.5", "7.0", "-29.5", "12.5", "50.0", "100.0", "1e19"]);
    let kept = of("type = 'float64', unit = ['%', 'EUR'], missing = [7]");
    assert_eq!(kept.rows[2], "-");
    let kept = of("type = 'int64', unit = '%'");
    assert_eq!(kept.rows, ["50", "7", "50", "100"]);
    assert_eq!(kept.rejects.len(), 4);
    assert!(kept.rejects[3].starts_with("9 v not_exact"), "{:?}", kept.rejects);
    assert_eq!(of("type = 'float64', unit = 'EUR'").rows[..3], ["0.5", "0.5", "0.07"]);
    assert_eq!(of("type = 'string'").rows[..3], ["0.5", "0.5", "0.07"]);
    // Cells without values, and a formula, are cells as well.
    let rows = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>v</t></is></c><c r=\"B1\" s=\"5\"/></row>\
        <row r=\"2\"><c r=\"A2\" s=\"5\"><f>1/4</f><v>0.25</v></c><c r=\"B2\"/></row><row r=\"3\"><c r=\"A3\"><v>3</v></c></row>";
    let file = workbook(&[("Data", "visible", rows)]);
    let kept = decoded("column.v = { type = 'float64', unit = '%' }\n", "x.xlsx", file.as_slice()).unwrap();
    assert_eq!(kept.rows, ["25.0", "3.0"]);
}

#[test]
fn a_time_of_day_is_no_part_of_a_date() {
    let declared = "column.day = { type = 'date' }\n";
    let (midnight, evening) = (1_795_046_400_000, 1_795_131_000_000);
    let times = || TimestampMillisecondArray::from(vec![midnight, evening]);
    let local = parquet_of(vec![("day", Arc::new(times()))]);
    let kept = decoded(declared, "x.parquet", local.as_slice()).unwrap();
    assert_eq!((kept.rows, kept.rejects.len()), (vec!["2026-11-19".to_owned()], 1));
    assert!(kept.rejects[0].starts_with("2 day not_a_date"), "{:?}", kept.rejects);
    assert!(kept.messages[0].contains("day_of"), "{:?}", kept.messages);
    let instants = parquet_of(vec![("day", Arc::new(times().with_timezone("Europe/Brussels")))]);
    let kept = decoded(declared, "x.parquet", instants.as_slice()).unwrap();
    assert_eq!((kept.rows.len(), kept.rejects.len()), (0, 2), "an instant has a day in each zone");
    let by_its_text = "column.day = { type = 'date', format = 'rfc3339' }\n";
    assert_eq!(decoded(by_its_text, "x.parquet", instants.as_slice()).unwrap().rows, ["2026-11-19", "2026-11-19"]);
    let rows = format!("{HEADER}<row r=\"2\"><c r=\"C2\" s=\"1\"><v>46345.5</v></c></row>");
    for options in ["", ", format = 'excel'"] {
        let declared = format!("column.at = {{ type = 'date'{options} }}\n");
        let kept = decoded(&declared, "x.xlsx", workbook(&[("Data", "visible", &rows)]).as_slice()).unwrap();
        assert!(kept.rows.is_empty() && kept.rejects[0].starts_with("2 at not_a_date"), "{kept:?}");
    }
    let csv =
        decoded("column.at = { type = 'date', format = 'excel' }\n", "x.csv", &b"at\n46345\n46345.5\n"[..]).unwrap();
    assert_eq!((csv.rows, csv.rejects.len()), (vec!["2026-11-19".to_owned()], 1));
}

#[test]
fn no_digits_are_made_up() {
    let doubles: ArrayRef =
        Arc::new(Float64Array::from(vec![9_007_199_254_740_992.0, 1.234_567_890_123_456_7e18, 0.1]));
    let file = parquet_of(vec![("id", doubles)]);
    let kept = decoded("column.id = { type = 'string' }\n", "x.parquet", file.as_slice()).unwrap();
    assert_eq!(kept.rows, ["9007199254740992", "0.1"]);
    assert!(kept.rejects[0].starts_with("2 id not_exact"), "{:?}", kept.rejects);
    let kept = decoded("column.id = { type = 'int64' }\n", "x.parquet", file.as_slice()).unwrap();
    assert_eq!((kept.rows.len(), kept.rejects.len()), (1, 2));
    let kept = decoded("column.id = { type = 'float64' }\n", "x.parquet", file.as_slice()).unwrap();
    assert_eq!((kept.rows.len(), kept.rejects.len()), (3, 0));
    let missing = "column.id = { type = 'int64', missing = [1234567890123456768, 0.1] }\n";
    assert_eq!(decoded(missing, "x.parquet", file.as_slice()).unwrap().rows, ["9007199254740992", "-", "-"]);
    let sheet = sheet_of(&[&["id"], &["12345678901234567"], &["123456789012345"]]);
    let kept = decoded("column.id = { type = 'string' }\n", "x.xlsx", sheet.as_slice()).unwrap();
    assert_eq!((kept.rows, kept.rejects.len()), (vec!["123456789012345".to_owned()], 1));
    // Those of four bytes have texts of their own, and their value is a double's.
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("v", Arc::new(Float32Array::from(vec![0.1, 16_777_216.0]))),
        ("day", Arc::new(Date32Array::from(vec![20_776, 20_777]))),
    ];
    let texts = "column.v = { type = 'string' }\ncolumn.n = { type = 'float64', field = 'v' }\ncolumn.day = { type = 'string' }\n";
    assert_eq!(
        decoded(texts, "x.parquet", parquet_of(columns).as_slice()).unwrap().rows,
        ["0.1|0.10000000149011612|2026-11-19", "16777216|16777216.0|2026-11-20"]
    );
}

#[test]
fn times_of_twelve_bytes_are_instants() {
    use parquet::data_type::{Int96, Int96Type};
    let schema = Arc::new(parquet::schema::parser::parse_message_type("message m { required int96 at; }").unwrap());
    let mut bytes = Vec::new();
    let mut writer = parquet::file::writer::SerializedFileWriter::new(&mut bytes, schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let times = [(2_440_588 + 20_776, 36_000_000_000_000_u64), (2_440_588 + 2_932_896, 0)].map(|(day, nanos)| {
        let mut time = Int96::new();
        time.set_data(nanos as u32, (nanos >> 32) as u32, day);
        time
    });
    column.typed::<Int96Type>().write_batch(&times, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    for zone in ["", ", zone = 'Europe/Brussels'"] {
        let kept =
            decoded(&format!("column.at = {{ type = 'timestamp'{zone} }}\n"), "x.parquet", bytes.as_slice()).unwrap();
        assert_eq!(kept.rows, ["2026-11-19T10:00:00Z", "9999-12-31T00:00:00Z"], "{zone}");
    }
}

#[test]
fn a_nul_is_in_no_text() {
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a\0b", "c"]));
    let parquet = parquet_of(vec![("id", Arc::new(Int32Array::from(vec![1, 2]))), ("name", names)]);
    let json = b"[{\"id\":1,\"name\":\"a\\u0000b\"},{\"id\":2,\"name\":\"c\"}]";
    let lines = b"{\"id\":1,\"name\":\"a\\u0000b\"}\n{\"id\":2,\"name\":\"c\"}\n";
    for (name, bytes) in [("x.parquet", parquet.as_slice()), ("x.json", &json[..]), ("x.ndjson", &lines[..])] {
        let kept = decoded(DECLARED, name, bytes).unwrap();
        assert_eq!(kept.rows, ["2|c"], "{name}");
        assert!(kept.rejects[0].starts_with("1 name nul_byte"), "{name} {:?}", kept.rejects);
    }
}

#[test]
fn members_are_known_without_regard_to_case() {
    for (lines, wanted) in [
        ("{\"ID\":1,\" Name \":\"a\"}\n", Ok("1|a")),
        ("{\"ID\":1,\"id\":2,\"Id\":3,\"name\":null}\n", Ok("2|-")),
        ("{\"id\":1}\n{\"id\":2,\"other\":3}\n", Ok("1|- 2|-")),
        ("{\"id\":1,\"name\":null,\"names\":3}\n", Ok("1|-")),
        ("{\"id\":1,\"full_name\":\"a\"}\n", Ok("1|-")),
        ("{\"id\":1,\"nam\":\"a\"}\n{\"id\":2}\n", Ok("1|- 2|-")),
        ("{\"id\":1,\"na-me\":\"a\"}\n{\"id\":2}\n", Err("missing_column")),
    ] {
        let array = format!("[{}]", lines.trim_end().replace('\n', ","));
        for (name, text) in [("x.ndjson", lines), ("x.json", array.as_str())] {
            let rows = decoded(DECLARED, name, text.as_bytes()).map(|kept| kept.rows.join(" "));
            assert_eq!(rows, wanted.map(str::to_owned).map_err(str::to_owned), "{name} {lines}");
        }
    }
    let optional = DECLARED.replace("'string' }", "'string', optional = true }");
    assert_eq!(decoded(&optional, "x.ndjson", &b"{\"id\":1,\"na-me\":\"a\"}\n"[..]).unwrap().rows, ["1|-"]);
}

#[test]
fn what_no_format_reads_is_named_whatever_its_name_is() {
    let open_document = |kind: &str| {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file("mimetype", stored).unwrap();
        zip.write_all(format!("application/vnd.oasis.opendocument.{kind}").as_bytes()).unwrap();
        zip.start_file("content.xml", SimpleFileOptions::default()).unwrap();
        zip.write_all(b"<x/>").unwrap();
        zip.finish().unwrap().into_inner()
    };
    let sheet = open_document("spreadsheet");
    let tar = |mark: &[u8]| [b"a.csv".as_slice(), &[0; 252], mark, &[0; 247], b"id,name\n1,a\n"].concat();
    let orc = b"ORC\x0a\x03\0\0".to_vec();
    for (bytes, wanted) in [
        (sheet.clone(), "an OpenDocument spreadsheet, which no format reads: save it as .xlsx or CSV"),
        (open_document("spreadsheet-template"), "an OpenDocument spreadsheet, which"),
        (open_document("text"), "an OpenDocument file that is no spreadsheet, which no format reads"),
        (tar(b"ustar\x0000"), "a tar archive, which no format reads: unpack it"),
        (tar(b"ustar  \0"), "a tar archive, which no format reads: unpack it"),
        (orc, "ORC, which no format reads: convert it to Parquet"),
        (b"%PDF-1.7\n".to_vec(), "PDF, which no format reads: export the table as CSV"),
    ] {
        for name in
            ["x.csv", "x.tsv", "x.json", "x.ndjson", "x.parquet", "x.xlsx", "x.zip", "x.ods", "x.tar", "x", "x.csv.gz"]
        {
            let why = refused(DECLARED, name, bytes.as_slice());
            assert!(why.starts_with("wrong_kind: ") && why.contains(wanted), "{name}: {why}");
            assert_eq!(why.contains("what is packed in"), name.ends_with(".gz"), "{name}: {why}");
        }
    }
    for (name, bytes) in [("b.ods", &sheet), ("b.xlsx", &sheet), ("b.csv", &sheet), ("b.tar", &tar(b"ustar\x0000"))] {
        let why = refused(DECLARED, "x.zip", zipped(&[(name, bytes)]).as_slice());
        let is_named = why.contains("an OpenDocument spreadsheet") || why.contains("a tar archive");
        assert!(why.starts_with("wrong_kind: ") && why.contains(name) && is_named, "{why}");
    }
    // A name in a header is none of them.
    let kept = decoded("column.orc = { type = 'int64' }\n", "x.csv", &b"ORC\n1\n"[..]).unwrap();
    assert_eq!(kept.rows, ["1"]);
    assert!(refused(DECLARED, "x.zip", &b""[..]).contains("the object is empty, and not a zip archive"));
}

#[test]
fn entries_are_chosen_by_their_names() {
    let zip = zipped(&[("README.md", b"# Rows"), ("a/one.csv", b"id,name\n1,a\n"), (".hidden.csv", b"id\n")]);
    assert_eq!(decoded(DECLARED, "x.zip", zip.as_slice()).unwrap_err(), "unknown_format");
    let chosen = |entries: &str| decoded(&format!("entries = '{entries}'\n{DECLARED}"), "x.zip", zip.as_slice());
    assert_eq!(chosen("**/one*.csv").unwrap().rows, ["1|a"]);
    assert_eq!(chosen("**/*.tsv").unwrap_err(), "unclear_archive");
    // What is left out is counted, but for what is no part of an archive.
    let zip = zipped(&[("a/", b""), ("b.csv", b"id,name\n2,b\n"), ("c.csv", b""), ("a/one.csv", b"id,name\n1,a\n")]);
    let left_out = |entries: &str| decoded(&format!("{entries}{DECLARED}"), "x.zip", zip.as_slice()).unwrap().left_out;
    assert_eq!(left_out("entries = '**/one*.csv'\n"), Some(LeftOut { files: 2, first: "b.csv".to_owned() }));
    assert_eq!(left_out(""), None);
}

#[test]
fn what_a_message_says_of_numbers_is_what_would_read_them() {
    for (options, text, wanted) in [
        ("type = 'float64', decimal = ',', thousands = '.'", "n.v.t.", "list it under missing"),
        ("type = 'float64'", "1.234,5", "declare decimal"),
        ("type = 'int64'", "2.5", "declare float64, or round"),
        ("type = 'int64'", "9223372036854775808", "beyond the range of int64"),
        ("type = 'float64', thousands = ','", "1,23", "not those declared"),
    ] {
        let csv = format!("v\n\"{text}\"\n");
        let kept = decoded(&format!("column.v = {{ {options} }}\n"), "x.csv", csv.as_bytes()).unwrap();
        assert!(kept.messages[0].contains(wanted), "{text}: {:?}", kept.messages);
    }
    let sheet = sheet_of(&[&["at"], &["46345"]]);
    let kept = decoded("column.at = { type = 'date' }\n", "x.xlsx", sheet.as_slice()).unwrap();
    assert!(kept.messages[0].contains("format = \"excel\""), "{:?}", kept.messages);
}

#[test]
fn files_packed_in_another_way_are_to_be_packed_again() {
    for method in [9_u8, 12, 14, 93] {
        let mut zip = zipped(&[("a.csv", b"id,name\n1,a\n")]);
        let directory = zip.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        (zip[8], zip[directory + 10]) = (method, method);
        let why = refused(DECLARED, "x.zip", zip.as_slice());
        assert!(
            why.starts_with("damaged: a.csv: ") && why.contains("pack it again in the usual one, Deflate"),
            "{why}"
        );
    }
}

#[test]
fn what_keeps_json_from_being_read_is_named() {
    for (text, wanted) in [
        ("{\"id\":1},\n{\"id\":2}\n", "a comma stands at byte 8, behind"),
        ("[{\"id\":1},\n// c\n{\"id\":2}]", "begins a comment"),
        ("// c\n[{\"id\":1}]", "begins a comment"),
        ("[{\"id\":1}] # c", "begins a comment"),
        ("{\"id\":1} /* c */", "begins a comment"),
        ("\u{1e}{\"id\":1}\n\u{1e}{\"id\":2}\n", "byte 0 begins a text sequence (RFC 7464)"),
        ("{\"id\":1}\n\u{1e}{\"id\":2}\n", "behind the JSON value that ends before byte 9"),
        (")]}'\n[{\"id\":1}]", "a guard against scripts: remove it"),
        (" for(;;);[{\"id\":1}]", "a guard against scripts: remove it"),
        ("var data = [{\"id\":1}];", "as JavaScript does: leave only the JSON"),
        ("window.data = [{\"id\":1}];", "as JavaScript does: leave only the JSON"),
        ("jQuery1_2.cb([{\"id\":1}]);", "(JSONP)"),
        ("Energy(kWh),id\n1,2\n", "if it is a table of values between delimiters"),
        ("[{\"id\":1}];", "something follows behind the JSON value that ends before byte 10, and is none"),
        ("[{\"id\":1}]]", "something follows behind the JSON value that ends before byte 10"),
        ("[{\"id\":1} {\"id\":2}]", "',' or ']' was expected at byte 10, and something else is there"),
    ] {
        for step in [1, 4096] {
            let why = refused(DECLARED, "x.json", Dribble(text.as_bytes(), step));
            assert!(why.starts_with("not_json: ") && why.contains(wanted), "{text}: {why}");
        }
    }
    for text in ["\u{1e}{\"a\":[{\"id\":1}]}\n", ")]}'\n{\"a\":[{\"id\":1}]}", "var d = {\"a\":[{\"id\":1}]};"] {
        let why = refused(&format!("rows = '/a'\n{DECLARED}"), "x.json", Dribble(text.as_bytes(), 1));
        assert!(why.starts_with("not_json: byte 0 begins "), "{text}: {why}");
    }
    let kept = decoded(DECLARED, "x.json", &b"[{\"id\":1},#x,{\"id\":2}]"[..]).unwrap();
    assert_eq!((kept.rows.len(), kept.rejects.len()), (2, 1), "what is no comment costs its own row");
    for (name, text, wanted) in [
        ("x.ndjson", "{\"id\":1}, \n", "a comma behind its value"),
        ("x.ndjson", "{\"id\":1} // c\n", "a comment behind its value"),
        ("x.ndjson", "{\"id\":1,/* c */\"name\":\"a\"}\n", "JSON has no comments"),
        ("x.ndjson", "# c\n", "JSON has no comments"),
        ("x.ndjson", "\u{1e}{\"id\":1}\n", "the line begins a text sequence (RFC 7464)"),
        ("x.ndjson", ")]}',\n", "the line begins with )]}', a guard"),
        ("x.ndjson", "cb({\"id\":1})\n", "(JSONP)"),
        ("x.ndjson", "{\"id\":1,\"name\":\"\\ud83d\"}\n", "half of a surrogate pair"),
        ("x.ndjson", "[1,\"a\"]\n", "no option reads such rows"),
        ("x.ndjson", "[[{\"id\":1}]]\n", "declare format = \"json\""),
        ("x.json", "[[\"id\",\"name\"]]", "no option reads such rows"),
        ("x.json", "[[{\"id\":1}]]", "no option reads such rows"),
    ] {
        let kept = decoded(DECLARED, name, text.as_bytes()).unwrap();
        assert!(kept.messages.len() == 1 && kept.messages[0].contains(wanted), "{text}: {:?}", kept.messages);
    }
}

#[test]
fn text_of_another_format_is_named() {
    for (name, text, reason) in [
        ("x.csv", "[{\"id\":1,\"name\":\"a\"}]\n", "wrong_kind"),
        ("x.csv", "{\"id\":1,\"name\":\"a\"}\n", "wrong_kind"),
        ("x.json", "id,name\n1,a\n", "not_json"),
    ] {
        assert_eq!(decoded(DECLARED, name, text.as_bytes()).unwrap_err(), reason, "{text}");
    }
    for text in ["[{\"id\":1}]\n", "{\n\"id\":1\n}\n"] {
        let kept = decoded(DECLARED, "x.ndjson", text.as_bytes()).unwrap();
        assert!(kept.messages[0].contains("format = \"json\""), "{:?}", kept.messages);
    }
}
