#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! Drafts from samples of each kind: what is declared, and what the draft then reads of its sample.

mod drafting;

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field};
use clean::formats::draft::Draft;
use lake::dataset::{Catalog, Folder};
use parquet::arrow::ArrowWriter;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use self::drafting::{csv, drafted, parquet_of, said, tried};

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn what_stands_around_the_rows_is_declared() {
    let text = "sep=;\r\nTeller;Datum;km\r\nA;25/11/2026;1.234,5\r\nB;26/11/2026;12,25\r\n";
    drafted(
        "a.csv",
        format!("\u{feff}{text}"),
        2,
        0,
        &["delimiter = \";\"", "format = \"%d/%m/%Y\"", "thousands = \".\""],
    );
    let text = "Report of May\n\n# by a machine\nid,name,v\n1,a,1\n2,b,2\nTotal,,3\n";
    let draft = drafted("a.csv", text, 2, 1, &["header = \"find\"", "comment = \"#\""]);
    assert!(draft.notes.iter().any(|note| note.contains("the last line looks like no row")), "{:?}", draft.notes);
    let first = draft.tried.reasons.values().next().unwrap();
    assert_eq!((first.rows, first.first), (1, 7));
    drafted("a.csv", "id,v,V\n1,2,3\n4,5,6\n", 2, 0, &["header = \"never\"", "skip_lines = 1", "column.v_2]"]);
    drafted("a.csv", "a,b\nr1,1,2\nr2,3,4\n", 2, 0, &["header = \"never\"", "[table.record.column.column_1]"]);
    drafted("a.csv", ",a,b\n0,x,1\n1,y,2\n", 2, 0, &["[table.record.column.a]"]);
    drafted("a.tsv", "id\tname\n1\t\"24\" monitor\n2\t\"TV\" set\n", 2, 0, &["quote = \"none\""]);
    drafted("a.csv", "id,name\n1,\"a \\\"b\\\" c\"\n2,\"d, e\"\n", 2, 0, &["escape = \"\\\\\""]);
    drafted("a.txt", "a|b\n1|x\n", 1, 0, &["from = \"**/*.txt\"", "format = \"csv\"", "delimiter = \"|\""]);
    drafted("no ending", "a,b\n1,x\n", 1, 0, &["from = \"**/*\"", "format = \"csv\""]);
    let text = "Identifiant;Type;Unite;\nX1;Courbe;W;\nHorodate;Valeur\n2023-01-01T00:00:00+01:00;460\n";
    let draft = drafted("a.csv", text, 1, 0, &["header = \"find\"", "[table.record.column.horodate]"]);
    assert_eq!(draft.tried.preamble, 2);
    drafted("a.csv", "id,name\n", 0, 0, &["header = \"always\""]);
}

#[test]
fn values_have_the_types_that_lose_nothing() {
    let text = "meter;code;phone;big;room;at;kwh;ok;mail\n\
                1;007;+32475123456;12345678901234567890;1E5;1763546400;0,5;ja;a@b.be\n\
                2;012;+32475123457;12345678901234567891;2E5;1763550000;1,25;nee;c@d.be\n";
    let draft = drafted(
        "a.csv",
        text,
        2,
        0,
        &[
            "[table.record.column.meter]\ntype = \"int64\"",
            "[table.record.column.code]\ntype = \"string\"",
            "[table.record.column.phone]\ntype = \"string\"",
            "[table.record.column.big]\ntype = \"string\"",
            "[table.record.column.room]\ntype = \"string\"",
            "format = \"epoch_s\"",
            "decimal = \",\"",
            "true_values = [\"ja\"]",
            "personal = true",
            "partition = \"month(day)\"",
            "# key = [\"meter\", \"at\"]",
        ],
    );
    let (name, sql) = draft.model.unwrap();
    assert_eq!(name, "records_by_day.sql");
    assert!(sql.contains("avg(kwh) AS average_kwh") && !sql.contains("avg(meter)"), "{sql}");
    // By it, two versions of the model's rows are compared.
    let files = [("dataset.toml".to_owned(), draft.dataset_toml), (name, sql)];
    let catalog = Catalog::of_folders(BTreeMap::from([("d".to_owned(), Folder::from(files))]));
    let tests = &catalog.dataset("d").unwrap().models[0].tests;
    assert!(tests.len() == 1 && format!("{tests:?}").contains("Unique"), "{tests:?}");
    let text = "DATE,START TIME,USAGE\n11/19/2026,12:00:00 AM,0.5\n11/20/2026,1:00:00 PM,0.6\n";
    drafted("a.csv", text, 2, 0, &["fields = [\"DATE\", \"START TIME\"]", "%m/%d/%Y %I:%M:%S %p"]);
    let draft = drafted("a.csv", "d,v\n01/02/2026,1\n", 1, 0, &["# 01/02/2026 could be either", "%d/%m/%Y"]);
    assert!(draft.notes.iter().any(|note| note.contains("01/02/2026 could be either")), "{:?}", draft.notes);
    let text = "a,b\n13/02/2026,01/02/2026\n14/02/2026,01/03/2026\n";
    let draft = drafted("a.csv", text, 2, 0, &[]);
    assert!(!draft.dataset_toml.contains("could be either"), "the other column decides\n{}", draft.dataset_toml);
    drafted("a.csv", "date_2,month\n2026-11-19,5\n", 1, 0, &["[table.record.column.day]", "column.month_value]"]);
}

#[test]
fn what_a_sample_lacks_is_said() {
    let says = |draft: &Draft, text: &str| draft.notes.iter().any(|note| note.contains(text));
    for (file, text) in [("a.csv", "id,date,v\n"), ("a.csv", "id\n\n")] {
        let draft = drafted(file, text, 0, 0, &["header = \"always\""]);
        assert!(says(&draft, "names of columns and no rows") && !says(&draft, "rejects half"), "{:?}", draft.notes);
    }
    for text in ["", "\n\n\n", "\u{feff}"] {
        assert!(tried("a.csv", text).unwrap_err().contains("is empty"), "{text:?}");
    }
    let batch =
        RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(Vec::<i64>::new())) as ArrayRef)]).unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let draft = drafted("a.parquet", file, 0, 0, &["[table.record.column.id]\ntype = \"int64\""]);
    assert!(says(&draft, "has columns and no rows") && !says(&draft, "rejects half"), "{:?}", draft.notes);
}

#[test]
fn a_first_line_that_is_rejected_is_said_to_be() {
    let rows = |first: &str| format!("{first}\n{}", (0..40).map(|at| format!("{at},A,{at}.5\n")).collect::<String>());
    let says = |draft: &Draft| draft.notes.iter().any(|note| note.contains("line 1 is the first one, and is rejected"));
    let draft = drafted("a.csv", rows("1,A,7.x5"), 40, 1, &["header = \"never\""]);
    assert!(says(&draft), "{:?}", draft.notes);
    let draft = drafted("a.csv", rows("1,A,7.5"), 41, 0, &["header = \"never\""]);
    assert!(!says(&draft), "{:?}", draft.notes);
}

#[test]
fn json_is_drafted_by_where_its_rows_are() {
    drafted("a.json", "[{\"a\":1,\"b\":{\"c\":\"x\"}},{\"a\":2}]", 2, 0, &["path = \"/b/c\""]);
    let text = "{\"count\":2,\"data\":[{\"id\":1,\"at\":\"2026-11-19T10:00:00Z\"},{\"id\":2,\"at\":\"2026-11-19T11:00:00Z\"}]}";
    drafted("a.json", text, 2, 0, &["format = \"json\"", "rows = \"/data\"", "partition = \"month(day)\""]);
    let text =
        "[{\"station\":\"A\",\"readings\":[{\"v\":1.5},{\"v\":2}]},{\"station\":\"B\",\"readings\":[{\"v\":3}]}]";
    drafted("a.json", text, 3, 0, &["explode = \"/readings\"", "path = \"^/station\""]);
    let text = "{\"station\":\"A\",\"readings\":[{\"v\":1.5},{\"v\":2}]}";
    drafted("a.json", text, 2, 0, &["explode = \"/readings\"", "path = \"^/station\""]);
    let lines = "{\"a\":1,\"big\":12345678901234567890}\nx\n{\"a\":2,\"big\":1}\n";
    drafted("a.ndjson", lines, 2, 1, &["format = \"ndjson\"", "[table.record.column.big]\ntype = \"string\""]);
    drafted("a.txt", "{\"a\":1}\n{\"a\":2}\n", 2, 0, &["format = \"ndjson\""]);
    assert!(tried("a.json", "a,b\n1,2\n").unwrap_err().contains("does not begin with"));
}

#[test]
fn objects_without_elements_are_said_to_be_rejected() {
    let order = |at: u32| match at % 4 {
        0 => format!("{{\"id\":{at},\"items\":[]}}"),
        _ => format!("{{\"id\":{at},\"items\":[{{\"n\":{at}}}]}}"),
    };
    let orders: Vec<String> = (0..40).map(order).collect();
    for (file, text) in [("a.ndjson", orders.join("\n")), ("a.json", format!("[{}]", orders.join(",")))] {
        let draft = drafted(file, text, 30, 10, &["explode = \"/items\""]);
        assert!(said(&draft, "no list /items, or an empty one: they are rejected (no_rows)"), "{:?}", draft.notes);
        assert_eq!(draft.tried.reasons["no_rows"].rows, 10, "{file}");
    }
}

#[test]
fn numbers_that_a_double_would_change_are_text() {
    let says = "column v: some of its numbers have more than 15 digits";
    let texts = "[table.record.column.v]\ntype = \"string\"";
    let lines = csv("", 30, |at| format!("{{\"id\":{at},\"v\":900719925474{:04}.0}}", 993 + 2 * at));
    let exact = csv("", 30, |at| format!("{{\"id\":{at},\"v\":{}}}", f64::from(at) / 7.0));
    assert!(said(&drafted("a.ndjson", lines, 30, 0, &[texts]), says));
    assert!(!said(&drafted("a.ndjson", exact, 30, 0, &["[table.record.column.v]\ntype = \"float64\""]), says));
    for row in ["{};12345678901234567{},05", "{};1 234 567 890 123 45{},10", "{};1.234.567.890.123.45{},10"] {
        let text =
            csv("id;v\n", 30, |at| row.replacen("{}", &at.to_string(), 1).replacen("{}", &(at % 10).to_string(), 1));
        let draft = drafted("a.csv", text, 30, 0, &[texts]);
        assert!(said(&draft, says) && said(&draft, "decimal = \",\""), "{row}: {:?}", draft.notes);
    }
    let cents = (0..30).map(|at| 123_456_789_012_345_610 + at).collect::<Vec<i128>>();
    let column = Decimal128Array::from(cents).with_precision_and_scale(20, 2).unwrap();
    let file = parquet_of([("v", Arc::new(column) as ArrayRef)]);
    assert!(said(&drafted("a.parquet", file, 30, 0, &[texts]), says));
}

#[test]
fn columns_without_values_have_the_types_of_their_schema() {
    let cents = |precision| Decimal128Array::from(Vec::<i128>::new()).with_precision_and_scale(precision, 2).unwrap();
    let days = ListArray::new_null(Arc::new(Field::new_list_field(DataType::Int64, true)), 0);
    let none = parquet_of([
        ("n", Arc::new(Float64Array::from(Vec::<f64>::new())) as ArrayRef),
        ("ok", Arc::new(BooleanArray::from(Vec::<bool>::new()))),
        ("name", Arc::new(StringArray::from(Vec::<&str>::new()))),
        ("at", Arc::new(TimestampMicrosecondArray::from(Vec::<i64>::new()).with_timezone("UTC"))),
        ("local", Arc::new(TimestampMicrosecondArray::from(Vec::<i64>::new()))),
        ("price", Arc::new(cents(10))),
        ("total", Arc::new(cents(20))),
        ("days", Arc::new(days)),
    ]);
    let lines = [
        "[table.record.column.n]\ntype = \"float64\"",
        "[table.record.column.ok]\ntype = \"bool\"",
        "[table.record.column.name]\ntype = \"string\"",
        "[table.record.column.at]\ntype = \"timestamp\"\n",
        "[table.record.column.local]\ntype = \"timestamp\"\nzone = \"dataset\"",
        "[table.record.column.price]\ntype = \"float64\"",
        "[table.record.column.total]\ntype = \"string\"",
    ];
    let draft = drafted("a.parquet", none, 0, 0, &lines);
    assert!(said(&draft, "have the types of its schema") && said(&draft, "left out: days"), "{:?}", draft.notes);
    // One column without a value among others.
    let file = parquet_of([
        ("id", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
        ("v", Arc::new(Float64Array::from(vec![None::<f64>, None]))),
    ]);
    drafted("a.parquet", file, 2, 0, &["[table.record.column.v]\ntype = \"float64\""]);
}

/// A zip as OpenDocument is: its first entry says what it is, as it is.
fn open_document(kind: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("mimetype", stored).unwrap();
    zip.write_all(format!("application/vnd.oasis.opendocument.{kind}").as_bytes()).unwrap();
    zip.start_file("content.xml", SimpleFileOptions::default()).unwrap();
    zip.write_all(b"<x/>").unwrap();
    zip.finish().unwrap().into_inner()
}

#[test]
fn what_no_format_reads_is_named_whatever_its_name_is() {
    for file in ["a.ods", "a.xlsx", "a.csv", "a.json", "a.parquet", "a.zip", "a", "a.bin"] {
        let why = tried(file, open_document("spreadsheet")).unwrap_err();
        let wanted = "an OpenDocument spreadsheet, which no format reads: save it as .xlsx or CSV";
        assert!(why.contains(wanted), "{file}: {why}");
    }
    assert!(tried("a.odt", open_document("text")).unwrap_err().contains("an OpenDocument file that is no spreadsheet"));
    let packed = zipped(&[("b.ods", &open_document("spreadsheet"))]);
    let why = tried("a.zip", packed).unwrap_err();
    assert!(why.contains("b.ods") && why.contains("an OpenDocument spreadsheet"), "{why}");
    let tar =
        [b"a.csv".to_vec(), vec![0; 252], b"ustar\x0000".to_vec(), vec![0; 247], b"id,v\n1,2\n".to_vec()].concat();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&tar).unwrap();
    let packed = packed.finish().unwrap();
    for (file, bytes) in [("a.tar", &tar), ("a.csv", &tar), ("a.tar.gz", &packed), ("a.csv.gz", &packed)] {
        let why = tried(file, bytes).unwrap_err();
        assert!(why.contains("a tar archive, which no format reads: unpack it"), "{file}: {why}");
    }
    assert!(tried("a.csv", b"ORC\x0a\x03\0\0").unwrap_err().contains("is ORC, which no format reads"));
    drafted("a.csv", "ORC,n\nx,1\ny,2\n", 2, 0, &["[table.record.column.orc]"]);
}

#[test]
fn json_without_a_row_is_refused_as_it_is_cleaned() {
    let pretty = "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n";
    for (file, text, wanted) in [
        (
            "a.ndjson",
            "[{\"a\":1},{\"a\":2}]",
            "line 1: the line is JSON, but a list and not an object: declare format = \"json\" for a list of rows; to draft it, \
             name it .json (not_json)",
        ),
        (
            "a.ndjson",
            pretty,
            "where values go over several lines, declare format = \"json\"; to draft it, name it .json",
        ),
        (
            "a.jsonl",
            "{'a': 1}\n{'a': 2}\n",
            "line 1: the line is not JSON at its line 1 column 2: JSON has double quotes",
        ),
        ("a.json", "[{\"a\": NaN}, {\"a\": NaN}]", "element 1 is not JSON at its line 1 column 7: NaN and Infinity"),
        ("a.json", "{\"a\": NaN}", "NaN and Infinity are no JSON numbers"),
        ("a.json", "[{'a': 1.5, 'b': None}]", "JSON has double quotes"),
        ("a.json", "[{\"a\": None}, {\"a\": True}]", "it is Python's notation"),
        ("a.json", "{\"rows\": [{\"a\": 1}, {\"a\"", "the object ends at byte 24, within a value (truncated)"),
        ("a.json", "[{\"a\": 1, \"b\"", "the object ends at byte 13, within a value (truncated)"),
        ("a.json", "[{\"a\": 1}, {\"a\": 2}", "truncated"),
        ("a.json", "[[1, 2], [3, 4]]", "a list and not an object"),
        ("a.json", "[]", "there is no JSON object in it"),
        ("a.json", ")]}'\n[{\"a\": 1}]", "it begins with )]}', a guard against scripts"),
        ("a.json", "", "the file is empty"),
        ("a.ndjson", "\n\n", "the file is empty"),
    ] {
        let why = tried(file, text).unwrap_err();
        assert!(why.contains(wanted), "{file}: {text}: {why}");
    }
}

#[test]
fn what_is_empty_or_damaged_is_named_with_its_place() {
    let why = tried("a.zip", zipped(&[("one.csv", b""), ("two.csv", b"id\n1\n")])).unwrap_err();
    assert!(why.contains("one.csv in the zip archive: there is no row in it: the file is empty"), "{why}");
    let why = tried("a.zip", zipped(&[("one.csv", b"%PDF-1.7\n")])).unwrap_err();
    assert!(why.contains("one.csv in the zip archive: by its first bytes"), "{why}");
    for (file, format) in [("a.zip", "a zip archive"), ("a.xlsx", "an Excel workbook"), ("a.parquet", "Parquet")] {
        let why = tried(file, b"").unwrap_err();
        assert!(why.contains("the object is empty, and not") && why.contains(format), "{file}: {why}");
    }
    let why = tried("a.csv", b"id,v\n1,2\n2,\x00\n").unwrap_err();
    assert!(why.contains("the first of them in line 3"), "{why}");
}

#[test]
fn packed_samples_are_looked_into() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"id,v\n1,2\n").unwrap();
    drafted("a.csv.gz", packed.finish().unwrap(), 1, 0, &["from = \"**/*.csv\""]);
    let zip =
        zipped(&[("__MACOSX/._x", b"\0\x05\x16\x07"), ("may.csv", b"id,v\n1,2\n"), ("june.csv", b"id,v\n2,x\n3,4\n")]);
    let draft = drafted("a.zip", &zip, 2, 1, &["from = \"**/*.zip\"", "format = \"csv\""]);
    assert!(draft.notes.iter().any(|note| note.contains("has 2 files")), "{:?}", draft.notes);
    drafted("a.csv.zip", &zip, 2, 1, &["from = \"**/*.csv\""]);
    assert!(tried("a.csv", &zip).unwrap_err().contains("zip"));
    assert!(tried("a.zip", b"PK\x03\x04").unwrap_err().contains("zip archive"));
    assert!(tried("a.zip", zipped(&[])).unwrap_err().contains("no files"));
}

/// A workbook of two sheets, of texts and numbers alone.
fn workbook(data: &[&[&str]]) -> Vec<u8> {
    // A percent sign or a zero before digits is a style's.
    let cell = |text: &str| match text.trim_end_matches('%').parse::<f64>() {
        Ok(share) if text.ends_with('%') => format!("<c s=\"1\"><v>{}</v></c>", share / 100.0),
        Ok(_) if text.starts_with("00") => format!("<c s=\"2\"><v>{}</v></c>", text.trim_start_matches('0')),
        Ok(_) => format!("<c><v>{text}</v></c>"),
        Err(_) => format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>"),
    };
    let sheet = |rows: &[&[&str]]| {
        let row = |cells: &&[&str]| format!("<row>{}</row>", cells.iter().map(|text| cell(text)).collect::<String>());
        let rows: String = rows.iter().map(row).collect();
        format!(
            "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
        )
    };
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relations = |of: &[(&str, &str, &str)]| {
        let relation = |(id, kind, target): &(&str, &str, &str)| {
            format!("<Relationship Id=\"{id}\" Type=\"{office}/{kind}\" Target=\"{target}\"/>")
        };
        let all: String = of.iter().map(relation).collect();
        format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{all}</Relationships>"
        )
    };
    let list = "<sheet name=\"Cover\" sheetId=\"1\" r:id=\"a\"/><sheet name=\"Data\" sheetId=\"2\" r:id=\"b\"/>";
    let files = [
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>".to_owned(),
        ),
        ("_rels/.rels", relations(&[("w", "officeDocument", "xl/workbook.xml")])),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"{office}\"><sheets>{list}</sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            relations(&[
                ("a", "worksheet", "worksheets/s1.xml"),
                ("b", "worksheet", "worksheets/s2.xml"),
                ("c", "styles", "styles.xml"),
            ]),
        ),
        ("xl/worksheets/s1.xml", sheet(&[&["Made by a machine"]])),
        ("xl/worksheets/s2.xml", sheet(data)),
        (
            "xl/styles.xml",
            "<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><numFmts count=\"1\">\
             <numFmt numFmtId=\"170\" formatCode=\"00000\"/></numFmts><cellXfs count=\"3\"><xf numFmtId=\"0\"/>\
             <xf numFmtId=\"10\"/><xf numFmtId=\"170\"/></cellXfs></styleSheet>"
                .to_owned(),
        ),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    zipped(&files)
}

#[test]
fn workbooks_and_parquet_are_drafted_by_their_types() {
    let lines = [
        "format = \"xlsx\"",
        "sheet = \"Data\"",
        "header = \"find\"",
        "column.used_kwh]\ntype = \"float64\"",
        "about = \"Used (kWh)\"",
        "about = \"Rows of files like a.xlsx; ",
    ];
    let rows: [&[&str]; 4] =
        [&["Report", "May"], &["Id", "Name", "Used (kWh)"], &["1", "a", "1.5"], &["2", "b", "2.5"]];
    drafted("a.xlsx", workbook(&rows), 2, 0, &lines);
    let columns: [(&str, ArrayRef); 5] = [
        ("id", Arc::new(Int64Array::from(vec![1, 2]))),
        ("Name", Arc::new(StringArray::from(vec![Some("007"), None]))),
        ("v", Arc::new(Float64Array::from(vec![1.0, 2.0]))),
        ("ok", Arc::new(BooleanArray::from(vec![true, false]))),
        (
            "at",
            Arc::new(
                TimestampMicrosecondArray::from(vec![1_763_546_400_000_000, 1_763_550_000_000_000])
                    .with_timezone("UTC"),
            ),
        ),
    ];
    let bytes = parquet_of(columns);
    let lines = [
        "format = \"parquet\"",
        "[table.record.column.id]\ntype = \"int64\"",
        "[table.record.column.name]\ntype = \"string\"\n# Digits with zeros",
        "[table.record.column.v]\ntype = \"float64\"",
        "[table.record.column.ok]\ntype = \"bool\"",
        "[table.record.column.at]\ntype = \"timestamp\"\nrequired",
    ];
    drafted("a.parquet", &bytes, 2, 0, &lines);
    assert!(tried("a.parquet", &bytes[..bytes.len() / 2]).is_err(), "damage is no panic");
    assert!(tried("a.csv", &bytes).unwrap_err().contains("Parquet"));
}

#[test]
fn what_cannot_be_drafted_is_said_without_its_values() {
    for (file, bytes, why) in [
        ("a.csv", &b""[..], "no row"),
        ("a.csv", b"\n\n", "no row"),
        ("a.csv", b"%PDF-1.7\n", "PDF"),
        ("a.json", b"[1,2]", "not an object"),
        ("a.json.gz", b"{}", ""),
    ] {
        let error = tried(file, bytes).unwrap_err();
        assert!(error.contains(why), "{file}: {error}");
    }
    let draft = tried("a.csv", format!("secret,n\n{}zzz,x\n", "zzz,1\n".repeat(200))).unwrap();
    let said = format!("{:?} {:?}", draft.notes, draft.tried);
    assert!(draft.tried.rejected == 1 && !said.contains("zzz"), "{said}");
}

#[test]
fn a_large_sample_is_read_in_part() {
    let mut text = "id,v\n".to_owned();
    for id in 0..1_000_000 {
        text.push_str(&format!("{id},1.5\n"));
    }
    let draft = tried("a.csv", text).unwrap();
    let tried = draft.tried;
    assert!(tried.is_beginning && (100_000..200_000).contains(&tried.clean) && tried.rejected == 0, "{tried:?}");
}

#[test]
fn what_only_people_can_know_is_said() {
    let said = |draft: &Draft, word: &str| draft.notes.iter().any(|note| note.contains(word));
    let dates: String = (0..30).map(|n| format!("{:02}/{:02}/26,{n}\n", 13 + n % 15, 1 + n % 9)).collect();
    let draft = drafted("a.csv", format!("d,v\n{dates}"), 30, 0, &["format = \"%d/%m/%y\""]);
    assert!(!said(&draft, "could be either"), "{:?}", draft.notes);
    let values: String = (0..30).map(|n| format!("{n};{}.{}\n", n + 1, 100 + n)).collect();
    let draft = drafted("a.csv", format!("id;v\n{values}"), 30, 0, &["[table.record.column.v]\ntype = \"float64\""]);
    assert!(said(&draft, "1.234 in it could be a thousand or have decimals"), "{:?}", draft.notes);
    let part: String = (1..31).map(|n| format!("{n},n{n},{n}.5\n")).collect();
    let twice = format!("id,name,v\n{part}id,name,v\n{part}");
    let lines = ["[table.record.column.id]\ntype = \"int64\"", "[table.record.column.v]\ntype = \"float64\""];
    let draft = drafted("a.csv", twice, 60, 0, &lines);
    assert!(said(&draft, "the header comes again once"), "{:?}", draft.notes);
    assert_eq!(draft.tried.preamble, 1);
}

#[test]
fn no_value_becomes_a_name() {
    for (text, rows) in [
        ("Thomas Vermeulen,Gent,thomas@ex.be\nEva Peeters,Brugge,eva@ex.be\nJan Claes,Aalst,jan@ex.be\n", 3),
        ("Thomas Vermeulen,Gent\nEva Peeters,Brugge\nJan Claes,Aalst\n", 3),
        ("Thomas Vermeulen,Gent,\nEva Peeters,Brugge,28\nJan Claes,Aalst,31\n", 3),
        ("Thomas Vermeulen,Gent,thomas@ex.be\n", 1),
    ] {
        let draft = drafted("a.csv", text, rows, 0, &["header = \"never\"", "[table.record.column.column_1]"]);
        let (model_name, model) = draft.model.clone().unwrap_or_default();
        let shown =
            format!("{}{:?}{:?}{model_name}{model}", draft.dataset_toml, draft.notes, draft.tried).to_lowercase();
        for value in ["thomas", "vermeulen", "gent", "eva", "aalst"] {
            assert!(!shown.contains(value), "{value}: {shown}");
        }
    }
}

#[test]
fn a_few_bad_values_leave_a_column_its_type_and_are_said() {
    let days = |bad: &str| (1..29).map(|day| format!("2026-11-{day:02},{day}\n")).collect::<String>() + bad;
    for bad in ["2026-11-31,29\n", "soon,29\n"] {
        let text = format!("day,v\n{}", days(bad));
        let draft = drafted("a.csv", text, 28, 1, &["column.day]\ntype = \"date\""]);
        assert!(draft.tried.reasons.contains_key("not_a_date"), "{bad}: {:?}", draft.tried);
    }
    let text = "id,d,v\n1,2026-11-01,5\n2,2026-11-02,6\n3,2026-11-03,7\nSource: X, Y\n";
    let draft = drafted("a.csv", text, 3, 1, &["column.id]\ntype = \"int64\"", "type = \"date\""]);
    assert!(draft.notes.iter().any(|note| note.contains("the last line looks like no row")), "{:?}", draft.notes);
    for below in ["UTC,degC", "----,----"] {
        let text = format!("time,temp\n{below}\n2026-11-01 10:00,1.5\n2026-11-02 10:00,2.5\n");
        let draft = drafted("a.csv", text, 2, 1, &["type = \"timestamp\"", "column.temp]\ntype = \"float64\""]);
        assert!(draft.notes.iter().any(|note| note.contains("below the header")), "{below}: {:?}", draft.notes);
    }
    // A card that may be read as a date is a card.
    let cards = (0..100).map(|card| format!("{card},{:08}\n", 18_929 + card * 731 % 90_000)).collect::<String>();
    let text = format!("id,card\n{cards}100,00090322\n");
    drafted("a.csv", text, 101, 0, &["column.card]\ntype = \"string\""]);
}

#[test]
fn a_draft_that_does_not_fit_says_so() {
    let text = "id,v\n1,2\n2,3,4\n3,4,5\n4,5,6\n5,6\n";
    let draft = tried("a.csv", text).unwrap();
    let is_said = draft.notes.iter().any(|note| note.contains("half of its own sample"));
    assert_eq!(is_said, draft.tried.rejected * 2 >= 5, "{:?} {:?}", draft.tried, draft.notes);
    let quoted = "\"id\", \"name\"\n1, \"Doe, J\"\n2, \"Roe, K\"\n";
    drafted("a.csv", quoted, 2, 0, &["skip_blanks = true", "column.name]"]);
    let within = drafted("a.csv", "id,name\n1,\"a, \"\"b\"\"\"\n2,\"c, d\"\n", 2, 0, &["column.name]"]);
    assert!(!within.dataset_toml.contains("skip_blanks"), "{}", within.dataset_toml);
    let draft = drafted("a.csv", "'id','name'\n'1','Doe, J'\n'2','Roe'\n", 2, 0, &["quote = \"'\"", "column.name]"]);
    assert!(draft.dataset_toml.contains("column.id]\ntype = \"int64\""), "{}", draft.dataset_toml);
    drafted("a.csv", "id,name\n1,'t Zand\n2,'s-Gravenhage\n3,'n\n", 3, 0, &["column.name]\ntype = \"string\""]);
    let zip = zipped(&[
        ("README.md", b"# Rows of trams, in some detail, by the hour\n"),
        ("data/a.csv", b"id,v\n1,2\n2,3\n"),
    ]);
    drafted("a.zip", zip, 2, 0, &["entries = \"**/*.csv\"", "column.v]\ntype = \"int64\""]);
}

#[test]
fn a_list_with_an_element_that_is_no_json_is_drafted_by_the_others() {
    let text = "[{\"id\":1,\"v\":2},{\"id\":2,\"v\":NaN},{\"id\":3,\"v\":4}]";
    let draft = drafted("a.json", text, 2, 1, &["format = \"json\"", "column.v]\ntype = \"int64\""]);
    assert!(draft.tried.reasons.contains_key("not_json"), "{:?}", draft.tried);
}

#[test]
fn files_that_others_reported_are_drafted_or_said_to_be_what_they_are() {
    let said = |draft: &Draft, word: &str| draft.notes.iter().any(|note| note.contains(word));
    let rows = |head: &str, row: &dyn Fn(u32) -> String| head.to_owned() + &(1..=30).map(row).collect::<String>();
    // A title of fewer columns, and other delimiters within quotes.
    let text =
        rows("Estrazione del 2025-01-06\nid;Gestore;Nome;Lat\n", &|i| format!("{i};\"A, srl\";Imp | {i};4{i}.5\n"));
    drafted("a.csv", text, 30, 0, &["delimiter = \";\"", "header = \"find\"", "column.lat]\ntype = \"float64\""]);
    drafted("a.csv", ",,\nx,y,\"test\n123\"\na,b,c\n1,2,3\n", 2, 0, &["header = \"find\"", "column.test_123]"]);
    // A quote within a value is one.
    let text = rows("stop_id,name,lat\n", &|i| format!("{i},The \"Old\" Mill {i},50.{i}\n"));
    drafted("stops.txt", text, 30, 0, &["column.lat]\ntype = \"float64\""]);
    // Loggers of Campbell: names, units and kinds of means.
    let head = "\"TOA5\",\"CR1000\",\"x\",\"1\",\"y\",\"z\"\n\"TIMESTAMP\",\"RECORD\",\"AirTC_Avg\",\"RH\"\n\"TS\",\"RN\",\"Deg C\",\"%\"\n\"\",\"\",\"Avg\",\"Smp\"\n";
    let text = rows(head, &|i| format!("\"2026-11-19 10:{i:02}:00\",{i},{i}.5,{}\n", 50 + i % 9));
    let draft = drafted("a.csv", text, 30, 2, &["header = \"find\"", "column.air_tc_avg]\ntype = \"float64\""]);
    assert!(said(&draft, "the 2 lines below the header are no rows"), "{:?}", draft.notes);
    let lines = ["delimiter = \" \"", "column.x]\ntype = \"float64\""];
    drafted("a.txt", rows("id x y\n", &|i| format!("{i} {i}.5 {i}\n")), 30, 0, &lines);
    let draft = drafted("a.txt", rows("ID   NAME      VALUE\n", &|i| format!("{i:<5}Name{i:<6}{i:>5}\n")), 30, 0, &[]);
    assert!(said(&draft, "fixed places"), "{:?}", draft.notes);
    for month in ["5 mei 2026", "5-okt-2026", "2026-11-19 10:00:00 CET"] {
        let draft = drafted(
            "a.csv",
            rows("datum;v\n", &|i| format!("{month};{i}\n")),
            30,
            0,
            &["column.datum]\ntype = \"string\""],
        );
        assert!(said(&draft, "look like times"), "{month}: {:?}", draft.notes);
    }
    let lines =
        ["unit = \"%\"", "decimal = \",\"\nthousands = \".\"\nunit = \"€\"", "thousands = \",\"\naccounting = true"];
    let text = rows("name;share;cost;sum\n", &|i| format!("n{i};{i},5 %;€ 1.{i:03},50;({i},234.50)\n"));
    let draft = drafted("a.csv", text, 30, 0, &lines);
    assert!(said(&draft, "5 % is 5"), "{:?}", draft.notes);
    drafted("a.csv", "id,v\r\n1,2\r\n3,4\r\n\u{1a}", 2, 0, &[]);
    // JSON by columns, as pandas writes it, and a comma too many.
    let error = tried("a.json", "{\"id\":{\"0\":1,\"1\":2},\"v\":{\"0\":1.5,\"1\":2.5}}").unwrap_err();
    assert!(error.contains("orient = \"records\""), "{error}");
    let error = tried("a.json", "{\"columns\":[\"id\"],\"index\":[0],\"data\":[[1]]}").unwrap_err();
    assert!(error.contains("/data"), "{error}");
    let draft = drafted("a.json", "{\"BE\":{\"pop\":11},\"FR\":{\"pop\":68}}", 1, 0, &[]);
    assert!(said(&draft, "write them as a list"), "{:?}", draft.notes);
    let draft = drafted("a.json", "[{\"foo\":1},{\"foo\":2},]", 2, 1, &[]);
    assert!(
        draft.tried.reasons.values().any(|rejected| rejected.message.contains("a comma too many")),
        "{:?}",
        draft.tried
    );
}

#[test]
fn a_large_sample_of_parquet_tells_what_was_rejected_of_it() {
    let text = |row: u32| if row.is_multiple_of(1000) { "x".to_owned() } else { row.to_string() };
    let columns: [(&str, ArrayRef); 1] = [("v", Arc::new(StringArray::from_iter_values((1..200_000).map(text))))];
    let bytes = parquet_of(columns);
    let tried = tried("a.parquet", &bytes).unwrap().tried;
    assert!(tried.is_beginning && tried.clean >= 100_000 && tried.rejected >= 100, "{tried:?}");
    assert_eq!(tried.reasons["not_an_integer"].first, 1000);
}

#[test]
fn dates_in_a_header_are_names() {
    let rows: String = (0..20).map(|site| format!("S{site},1.5,2\n")).collect();
    let text = format!("site,2026-11-01,2026-11-02\n{rows}");
    let draft = drafted("a.csv", text, 20, 0, &["field = \"2026-11-01\"", "type = \"float64\""]);
    assert!(draft.notes.iter().any(|note| note.contains("by years, dates")), "{:?}", draft.notes);
}

#[test]
fn each_time_of_day_is_joined_with_its_own_date() {
    let said = |draft: &Draft, word: &str| draft.notes.iter().any(|note| note.contains(word));
    let rows = |row: &dyn Fn(u32) -> String| (1..25).map(row).collect::<String>();
    let text = "Van (datum);Van (tijdstip);Tot (datum);Tot (tijdstip);v\n".to_owned()
        + &rows(&|day| format!("{day:02}-11-2026;23:45:00;{:02}-11-2026;00:00:00;{day}\n", day + 1));
    let lines = [
        "fields = [\"Van (datum)\", \"Van (tijdstip)\"]",
        "fields = [\"Tot (datum)\", \"Tot (tijdstip)\"]",
        "[table.record.column.tot_tijdstip]\ntype = \"timestamp\"",
    ];
    let draft = drafted("a.csv", text, 24, 0, &lines);
    assert!(said(&draft, "column tot_tijdstip: the time of day is read together with the date tot_datum"));
    // Of one date, an end before its start is of the next day.
    for (end, is_next) in [("06:00", true), ("23:00", false)] {
        let text = "date,start time,end time\n".to_owned() + &rows(&|day| format!("2026-11-{day:02},22:30,{end}\n"));
        let lines = ["fields = [\"date\", \"start time\"]", "fields = [\"date\", \"end time\"]"];
        let draft = drafted("a.csv", text, 24, 0, &lines);
        assert_eq!(said(&draft, "before it in some rows"), is_next, "{:?}", draft.notes);
    }
    // An end that is not there yet.
    let end = |day: u32, time: &str| if day > 20 { ",".to_owned() } else { format!("2026-11-{day:02},{time}") };
    let text = "start date,start time,end date,end time\n".to_owned()
        + &rows(&|day| format!("2026-11-{day:02},22:30,{}\n", end(day, "23:00")));
    drafted("a.csv", text, 24, 0, &["fields = [\"end date\", \"end time\"]"]);
    let text = "start date,start time,end date,end time\n".to_owned()
        + &rows(&|day| format!("2026-11-{day:02},22:30,{},23:00\n", if day > 20 { "" } else { "2026-11-30" }));
    let draft = drafted("a.csv", text, 24, 0, &["column.end_time]\ntype = \"string\""]);
    assert!(said(&draft, "not each row has both"), "{:?}", draft.notes);
}

#[test]
fn digits_that_are_dates_are_no_seconds_since_1970() {
    let hours: String = (0..24).map(|hour| format!("44;20261113{hour:02};{hour}.5\n")).collect();
    let text = format!("STATIONS_ID;MESS_DATUM;TT_TU\n{hours}");
    drafted("a.txt", text, 24, 0, &["column.mess_datum]\ntype = \"timestamp\"\nformat = \"%Y%m%d%H\""]);
}

#[test]
fn dumps_of_databases_have_escapes_and_nulls() {
    let said = |draft: &Draft, word: &str| draft.notes.iter().any(|note| note.contains(word));
    let row = |i: u32| format!("{i}\tn{i}\t{}\n", if i % 2 == 1 { "\\N" } else { "a\\tb" });
    let text = "id\tname\tnote\n".to_owned() + &(0..30).map(row).collect::<String>();
    drafted("a.tsv", text, 30, 0, &["escape = \"\\\\\"", "quote = \"none\""]);
    // Of CSV, no option says so, but a value that is only \N is none.
    let text = "id,note\n".to_owned() + &(0..30).map(|i| format!("{i},{}\n", ["\\N", "a"][i % 2])).collect::<String>();
    drafted("a.csv", text, 30, 0, &["column.note]\ntype = \"string\"\nmissing = [\"\\\\N\"]"]);
    let text: String = (0..30).map(|i| format!("{i}\tname {i}\\\nsecond line\t{i}\n")).collect();
    drafted("a.txt", text, 30, 0, &["escape = \"\\\\\"", "column.column_3]\ntype = \"int64\""]);
    let text: String = (0..30).map(|i| format!("{i}\tname {i}\\\r\nsecond line\t{i}\r\n")).collect();
    let draft = tried("a.txt", text).unwrap();
    let is_read = draft.dataset_toml.contains("column.column_3]");
    assert!(is_read || said(&draft, "30 lines end in a backslash"), "{:?}", draft.notes);
}

#[test]
fn tables_between_other_lines_are_found() {
    let said = |draft: &Draft, word: &str| draft.notes.iter().any(|note| note.contains(word));
    let footer = "\"Grand Totals\"\r\n\r\n\"Report\"\r\n\"Copyright\"\r\n\"Confidential\"\r\n\"Generated By: Jan\"\r\n";
    let text = format!("\"Account\",\"Amount\"\r\n\"A\",\"1.5\"\r\n\"B\",\"2.5\"\r\n{footer}");
    let draft = drafted("a.csv", text, 2, 5, &["column.account]", "column.amount]\ntype = \"float64\""]);
    assert!(
        said(&draft, "the last 5 lines look like no rows") && !said(&draft, "half of its own"),
        "{:?}",
        draft.notes
    );
    let rows: String = (0..20).map(|hour| format!(",U,2026-11-01 {hour:02}:00,0.{hour}\n")).collect();
    let lines = ["header = \"find\"", "column.time]\ntype = \"timestamp\"", "field = \"Rain (mm)\""];
    drafted("a.csv", format!(",Report,,\n,,,\n,Station,Time,Rain (mm)\n{rows}"), 20, 0, &lines);
    let rows: String = (0..25).map(|i| format!("|{i:07}|{:02}.11.2026|{i},50|\n", i + 1)).collect();
    let text =
        format!("Table:  ZENERGY\nDisplayed Fields:  3\n\n-----\n|Kunde  |Datum     |Menge |\n-----\n{rows}-----\n");
    let lines = ["comment = \"-\"", "header = \"find\"", "column.kunde]", "column.datum]\ntype = \"date\""];
    drafted("a.txt", text, 25, 0, &lines);
    let notes = "#group,false,false,true,true\n#datatype,string,long,dateTime:RFC3339,double\n#default,_result,,,\n";
    let rows = ",result,table,_time,_value\n,,0,2026-11-13T10:00:00Z,1.5\n,,0,2026-11-13T10:01:00Z,2.5\n";
    let lines = ["comment = \"#\"", "column.time]\ntype = \"timestamp\"", "column.value]\ntype = \"float64\""];
    drafted("a.csv", format!("{notes}{rows}"), 2, 0, &lines);
    drafted("a.csv", format!("#datatype,string,long,dateTime:RFC3339,double\n{rows}"), 2, 0, &lines);
    // As R writes tables.
    let text = "\"speed\" \"dist\" \"name\"\n\"1\" 4 2 \"a b\"\n\"2\" 4 10 \"c\"\n";
    let lines =
        ["delimiter = \" \"", "skip_lines = 1", "column.speed]\ntype = \"int64\"", "column.name]\ntype = \"string\""];
    let draft = drafted("a.txt", text, 2, 0, &lines);
    assert!(said(&draft, "a name less than rows have values"), "{:?}", draft.notes);
    let error = tried("a.txt", "\"a\" b \"c\n\"1\"x \"4 2\n").unwrap_err();
    assert!(error.contains("row.names = FALSE"), "{error}");
}

#[test]
fn what_the_sample_leaves_open_is_decided_by_the_rows_behind_it() {
    // Behind 4 MiB.
    let note = "x".repeat(90);
    let open = |i: usize| format!("{i};{:02}/{:02}/2026;{note}\n", i % 12 + 1, i % 11 + 1);
    let mut text = "id;d;note\n".to_owned() + &(0..45_000).map(open).collect::<String>();
    assert!(text.len() > 4 * 1024 * 1024);
    text.extend((0..5_000).map(|i| format!("{i};{:02}/25/2026;{note}\n", i % 12 + 1)));
    let draft = drafted("a.csv", text, 50_000, 0, &["format = \"%m/%d/%Y\""]);
    assert!(!draft.notes.iter().any(|note| note.contains("could be either")), "{:?}", draft.notes);
}

#[test]
fn objects_whose_names_are_values_are_refused_without_them() {
    for (text, by) in [
        ("{\"jan@x.be\":{\"name\":\"J\",\"age\":3},\"an@x.be\":{\"name\":\"A\",\"age\":4}}", "addresses"),
        ("{\"jan@x.be\":[{\"a\":1},{\"a\":2}],\"an@x.be\":[{\"a\":1}]}", "addresses"),
        ("{\"scores\":{\"Jan Peeters\":3,\"An De Wit\":4},\"w\":1}", "keyed by names"),
        ("{\"sensor1\":{\"v\":1},\"sensor2\":{\"v\":2}}", "keyed by ids"),
        ("{\"data\":{\"2026-11-01\":1,\"2026-11-02\":2}}", "keyed by dates"),
        ("{\"data\":{\"1b4e28ba-2fa1-11d2-883f-0016d3cca427\":{\"v\":2}}}", "keyed by ids"),
        ("[{\"w\":1,\"scores\":{\"Jan Peeters\":3,\"An De Wit\":4}}]", "keyed by names"),
        ("{\"w\":1,\"by\":{\"jan@x.be\":3}}\n{\"w\":1,\"by\":{\"an@x.be\":3}}\n", "keyed by addresses"),
    ] {
        let said = match tried("a.json", text) {
            Ok(draft) => format!("{} {:?} {:?}", draft.dataset_toml, draft.notes, draft.tried),
            Err(why) => why,
        };
        assert!(said.contains(by) && said.contains("make a list"), "{text}: {said}");
        for value in ["jan", "peeters", "de wit", "1b4e28ba", "sensor1", "2026-11-01"] {
            assert!(!said.to_lowercase().contains(value), "{value}: {said}");
        }
    }
    // Names of columns.
    drafted("a.json", "[{\"Start Date\":\"2026-11-01\",\"End Date\":\"2026-11-02\"}]", 1, 0, &["column.start_date]"]);
    drafted("a.json", "[{\"air\":{\"pm10\":1,\"pm25\":2},\"First Use\":1}]", 1, 0, &["path = \"/air/pm10\""]);
    // Each row has others.
    let rows: String =
        (0..40).map(|i| format!("{{\"w\":{i},\"by\":{{\"k{}\":1}}}}\n", "abcdefghij".repeat(i % 30 + 1))).collect();
    let draft = drafted("a.ndjson", rows, 40, 0, &["column.w]"]);
    assert!(!draft.dataset_toml.contains("kabc"), "{}", draft.dataset_toml);
}

#[test]
fn lists_of_columns_are_named_as_such() {
    for text in [
        "{\"id\":[1,2],\"v\":[0.1,0.2]}",
        "{\"latitude\":51.2,\"hourly_units\":{\"time\":\"iso8601\"},\"hourly\":{\"time\":[\"2026-11-01T00:00\"],\"temperature\":[9.1]}}",
    ] {
        let error = tried("a.json", text).unwrap_err();
        assert!(error.contains("column by column") && error.contains("orient = \"records\""), "{error}");
    }
    for text in [
        "[{\"id\":1,\"a\":[1,2],\"b\":[3,4]}]",
        "{\"id\":1,\"a\":[1,2],\"b\":[3,4]}",
        "{\"rows\":[{\"id\":1,\"a\":[1,2],\"b\":[3,4]}]}",
    ] {
        drafted("a.json", text, 1, 0, &["column.id]"]);
    }
    let draft = drafted(
        "a.json",
        "{\"customers\":[{\"id\":1}],\"orders\":[{\"o\":1},{\"o\":2}]}",
        2,
        0,
        &["rows = \"/orders\""],
    );
    assert!(draft.notes.iter().any(|note| note.contains("left out: /customers")), "{:?}", draft.notes);
}

#[test]
fn no_binary_file_is_drafted_as_text() {
    for (file, bytes) in [
        ("a.parquet", &b"PARE\x15\x04abcdefg,h\n"[..]),
        ("a.xlsx", b"abc,def\n1,2\n"),
        ("a.csv", b"\x00\x01\x02\x00,\x00\x00\x7f\x00\n"),
        ("a.dat", b"id,v\x00\x00\n1,2\n3,4\n"),
    ] {
        let error = tried(file, bytes).unwrap_err();
        assert!(
            ["not Parquet", "not an Excel", "NUL", "by its first bytes"].iter().any(|why| error.contains(why)),
            "{error}"
        );
    }
}

#[test]
fn a_year_among_names_that_are_written_unlike_values_is_a_name() {
    for (head, row) in [
        ("meter,2026,unit", "M1,12,kWh"),
        ("gemeente,2025", "Gent,12"),
        ("code,2025,omschrijving", "A1,12,Fiets"),
        ("store,2026-01-01,unit", "S1,12,EUR"),
        ("naam,10:00,soort", "N1,12,A"),
    ] {
        let text = csv(&format!("{head}\n"), 30, |n| row.replace("12", &format!("{n}.5")));
        let draft = drafted("a.csv", text, 30, 0, &[]);
        assert!(!draft.dataset_toml.contains("\"never\""), "{}", draft.dataset_toml);
    }
    // What may be a row is one.
    for (head, row) in [("Gent,2025", "Aalst,2012"), ("A1,2025", "A2,7"), ("gent,2025", "aalst,7")] {
        let text = csv(&format!("{head}\n"), 30, |n| row.replace("12", &format!("{}", n % 9 + 10)));
        drafted("a.csv", text, 31, 0, &["header = \"never\""]);
    }
}

#[test]
fn a_mark_within_coordinates_decides_for_the_file() {
    let text = csv("id,lat,lon,v\n", 30, |at| format!("{at},\"50,{at:03}\",\"4,{at:03}\",\"1,{at:03}\""));
    let lines = [
        "column.lat]\ntype = \"float64\"\ndecimal = \",\"",
        "column.lon]\ntype = \"float64\"\ndecimal = \",\"",
        "column.v]\ntype = \"float64\"\ndecimal = \",\"",
    ];
    drafted("a.csv", text, 30, 0, &lines);
}

#[test]
fn times_of_day_are_joined_where_they_are_of_a_date() {
    let said = |draft: &Draft, word: &str| draft.notes.iter().any(|note| note.contains(word));
    let text = csv("date,time,v\n", 30, |at| format!("2026-01-{:02},{:02}{at:02},{at}.5", at % 28 + 1, at % 24));
    let lines = ["column.time]\ntype = \"timestamp\"\nformat = \"%Y-%m-%d %H%M\"", "fields = [\"date\", \"time\"]"];
    let draft = drafted("a.csv", text, 30, 0, &lines);
    assert!(!draft.dataset_toml.contains("a name, not a number"), "{}", draft.dataset_toml);
    let row = |at: u32| format!("2026-01-{:02},4:{at:02},00:3{}:{at:02}", at % 28 + 1, at % 10);
    let lines = ["column.pace]\ntype = \"string\"", "column.elapsed]\ntype = \"string\""];
    let draft = drafted("a.csv", csv("date,pace,elapsed\n", 30, row), 30, 0, &lines);
    assert!(said(&draft, "column pace: by its name its values are durations"), "{:?}", draft.notes);
    let row = |at: u32| format!("1960-01-{:02},14:{at:02},n{at}", at % 28 + 1);
    let lines = ["column.login_time]\ntype = \"string\""];
    let draft = drafted("a.csv", csv("birth_date,login_time,name\n", 30, row), 30, 0, &lines);
    assert!(said(&draft, "column login_time: its values look like times of day without a date"), "{:?}", draft.notes);
}

#[test]
fn words_for_what_is_missing_are_known_in_other_languages() {
    for word in ["n.v.t.", "n.b.", "onbekend", "k.A.", "s.o.", "n/d", "sin dato", "#N/B"] {
        let number = |at: u32| if at.is_multiple_of(7) { word.to_owned() } else { format!("{at}") };
        let day = |at: u32| if at.is_multiple_of(9) { word.to_owned() } else { format!("2026-11-{:02}", at % 28 + 1) };
        let text = csv("id;v;d;remark\n", 40, |at| format!("{at};{};{};{}", number(at), day(at), number(at) + "x"));
        let lines = [
            format!("column.v]\ntype = \"int64\"\nmissing = [\"{word}\"]"),
            format!("column.d]\ntype = \"date\"\nmissing = [\"{word}\"]"),
        ];
        drafted("a.csv", text, 40, 0, &lines.each_ref().map(String::as_str));
    }
}

#[test]
fn names_beside_addresses_may_be_personal() {
    let text = csv("id,naam,email,v\n", 30, |at| format!("{at},Jan {at},jan{at}@x.be,{at}.5"));
    let draft = drafted("a.csv", text, 30, 0, &["column.email]", "personal = true"]);
    let notes: Vec<&String> = draft.notes.iter().filter(|note| note.contains("personal = true")).collect();
    assert!(notes.len() == 1 && notes[0].starts_with("column naam:") && !notes[0].contains("Jan"), "{notes:?}");
}

#[test]
fn columns_of_doubles_stay_such() {
    let singles = |at: u32| match at % 10 {
        3 => 1e30,
        5 => f32::NAN,
        7 => f32::INFINITY,
        _ => at as f32 + 0.5,
    };
    let columns: [(&str, ArrayRef); 4] = [
        ("id", Arc::new(Int64Array::from_iter_values(0..40))),
        ("single", Arc::new(Float32Array::from_iter_values((0..40).map(singles)))),
        ("double", Arc::new(Float64Array::from_iter_values((0..40).map(|at| f64::from(at) * 1e30)))),
        ("none", Arc::new(Float64Array::from_iter_values((0..40).map(|_| f64::NAN)))),
    ];
    let bytes = parquet_of(columns);
    let lines = [
        "column.single]\ntype = \"float64\"",
        "column.double]\ntype = \"float64\"",
        "column.none]\ntype = \"float64\"",
    ];
    let draft = drafted("a.parquet", bytes, 36, 4, &lines);
    assert_eq!(draft.tried.reasons.keys().collect::<Vec<_>>(), ["not_finite"], "{:?}", draft.tried);
}

#[test]
fn what_is_packed_twice_is_said_to_be() {
    let gzip = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let text = b"id,v\n1,2\n";
    let zip = zipped(&[("a.csv", text)]);
    for (file, bytes) in [
        ("a.zip", zipped(&[("x.zip", zip.as_slice())])),
        ("a.csv.zip", zipped(&[("x.zip", zip.as_slice())])),
        ("a.csv.zip", zipped(&[("x.csv", zip.as_slice())])),
        ("a.zip", zipped(&[("a.csv.gz", gzip(text).as_slice())])),
        ("a.csv.gz", gzip(&gzip(text))),
        ("a.csv.gz", gzip(&zip)),
    ] {
        let error = tried(file, bytes).unwrap_err();
        assert!(error.contains("pack it once") && !error.contains("name it"), "{file}: {error}");
    }
}

#[test]
fn what_a_workbook_shows_otherwise_is_said() {
    let said = |draft: &Draft, word: &str| draft.notes.iter().any(|note| note.contains(word));
    let rows: [&[&str]; 4] = [
        &["Id", "Share", "Code", "Mixed", "Big"],
        &["1", "1%", "00002", "5%", "12345678901234567890"],
        &["2", "2.5%", "00003", "7", "5"],
        &["3", "100%", "00012", "8", "6"],
    ];
    let lines = [
        "column.share]\ntype = \"float64\"\nunit = \"%\"",
        "column.code]\ntype = \"int64\"",
        "column.mixed]\ntype = \"float64\"\nfield",
        "column.big]\ntype = \"float64\"",
    ];
    let draft = drafted("a.xlsx", workbook(&rows), 3, 0, &lines);
    for (column, word) in
        [("share", "5 % is 5, as"), ("code", "as 00002"), ("mixed", "5 % is 0.05"), ("big", "about 15")]
    {
        assert!(said(&draft, &format!("column {column}: ")) && said(&draft, word), "{column}: {:?}", draft.notes);
    }
}

#[test]
fn tables_for_people_lose_the_blanks_around_values() {
    let rows = |row: &dyn Fn(u32) -> String| (0..30).map(row).collect::<String>();
    let text = " id | name \n----+------\n".to_owned() + &rows(&|at| format!(" {at:2} | n{at}\n")) + "(30 rows)\n\n";
    drafted("a.txt", text, 30, 2, &["delimiter = \"|\"", "trim = true", "column.name]\ntype = \"string\""]);
    let text = "| id | name |\n|---|---|\n".to_owned() + &rows(&|at| format!("| {at} | n{at} |\n"));
    drafted("a.txt", text, 30, 1, &["trim = true", "column.id]\ntype = \"int64\""]);
    let text = "+----+------+\n| id | name |\n+----+------+\n".to_owned()
        + &rows(&|at| format!("| {at:2} | n{at} |\n"))
        + "+----+------+\n30 rows in set\n";
    let draft = tried("a.txt", text).unwrap();
    assert!(draft.dataset_toml.contains("trim = true") && draft.tried.clean == 30, "{}", draft.dataset_toml);
    let text = "id|name\n".to_owned() + &rows(&|at| format!("{at}|a b\n"));
    assert!(!drafted("a.txt", text, 30, 0, &[]).dataset_toml.contains("trim"), "no value has blanks around it");
}

#[test]
fn colons_may_stand_between_values() {
    let text = (0..30).map(|at| format!("{at}::{}::5::{}\n", at * 7, 978_300_760 + at)).collect::<String>();
    let draft = drafted("a.dat", text, 30, 0, &["delimiter = \":\"", "column.column_3]\ntype = \"int64\""]);
    assert!(draft.notes.iter().any(|note| note.contains("two colons")), "{:?}", draft.notes);
    drafted(
        "a.csv",
        csv("id::name::v\n", 30, |at| format!("{at}::n{at}::{at}")),
        30,
        0,
        &["column.v]\ntype = \"int64\""],
    );
}
