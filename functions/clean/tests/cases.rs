#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! Small files that people had trouble with, from upload to rows and rejects.
//!
//! The files are made here. With `TRIBUTARY_CASES` set to a folder of cases (`NAME/dataset.toml`, `NAME/raw/c/...`), those
//! of the same name are taken from there instead.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use clean::formats::draft::{Draft, draft};
use clean::{Options, Selection};
use lake::Lake;
use lake::progress::Quiet;
use lake::settings::LakeSettings;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

/// What a case becomes.
#[derive(Debug, Default)]
struct Result {
    /// `NAME: a|b` of each row, without `received_at`, sorted.
    rows: Vec<String>,
    /// `NAME row column reason`, sorted.
    rejects: Vec<String>,
    messages: String,
    preamble: u64,
    /// Failures of the run.
    failed: Vec<String>,
    ignored: Vec<String>,
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.path().is_dir() { files(&entry.path(), found) } else { found.push(entry.path()) }
    }
    found.sort();
}

/// Cleans a case: its declaration, with texts replaced by others, and its files.
async fn case(name: &str, declared: &str, edits: &[(&str, &str)], raw: &[(&str, &[u8])]) -> Result {
    let folder = TempDir::new().unwrap();
    let given = std::env::var_os("TRIBUTARY_CASES")
        .map(|cases| Path::new(&cases).join(name))
        .filter(|case| !name.is_empty() && case.is_dir());
    let (mut declared, mut raw): (String, BTreeMap<String, Vec<u8>>) = (
        format!("title = \"T\"\ntime_zone = \"Europe/Brussels\"\n\n[table.t]\n{declared}"),
        raw.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect(),
    );
    if let Some(given) = given {
        declared = fs::read_to_string(given.join("dataset.toml")).unwrap();
        let (root, mut found) = (given.join("raw/c"), Vec::new());
        files(&root, &mut found);
        let name = |path: &Path| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        raw = found.iter().map(|path| (name(path), fs::read(path).unwrap())).collect();
    }
    for (from, to) in edits {
        assert!(declared.contains(from), "{name}: {from} is in {declared}");
        declared = declared.replace(from, to);
    }
    let write = |path: PathBuf, bytes: &[u8]| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write(folder.path().join("config/datasets/c/dataset.toml"), declared.as_bytes());
    for (name, bytes) in &raw {
        write(folder.path().join("raw/c").join(name), bytes);
    }
    clean(&folder).await
}

async fn clean(folder: &TempDir) -> Result {
    let url = format!("file:{}", folder.path().display());
    let lake = Lake::open(LakeSettings::at(url.parse().unwrap())).await.unwrap();
    lake.catalog.dataset("c").unwrap();
    let options = Options { workers: 1, prune: false, max_rejected: 1.0, now: chrono::Utc::now() };
    let outcome = clean::clean(&lake, &Selection::Stale(None), options, &Quiet).await.unwrap();
    let mut result = Result {
        failed: outcome.failed.iter().map(ToString::to_string).collect(),
        preamble: outcome.cleaned.iter().map(|cleaned| cleaned.preamble).sum(),
        ignored: clean::ignored(&lake, None).await.unwrap(),
        ..Result::default()
    };
    for cleaned in &outcome.cleaned {
        assert!(cleaned.rows.balance(), "{cleaned:?}");
        let name = cleaned.raw_key.rsplit('/').next().unwrap();
        for key in &cleaned.outputs {
            let path = folder.path().join("standard").join(key);
            result.rows.extend(rows(&path).into_iter().map(|row| format!("{name}: {row}")));
        }
    }
    let mut rejected = Vec::new();
    files(&folder.path().join("rejection"), &mut rejected);
    for path in rejected {
        for line in fs::read_to_string(path).unwrap().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |member: &str| line[member].as_str().unwrap_or("-").to_owned();
            let name = text("raw_key").rsplit('/').next().unwrap().to_owned();
            result.rejects.push(format!("{name} {} {} {}", line["row"], text("column"), text("reason")));
            result.messages += &format!("{}\n", text("message"));
        }
    }
    result.rows.sort();
    result.rejects.sort();
    result
}

fn rows(path: &Path) -> Vec<String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    let options = FormatOptions::default().with_null("-");
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let schema = batch.schema();
        let shown = schema.fields().iter().zip(batch.columns()).filter(|(field, _)| field.name() != "received_at");
        let columns: Vec<_> =
            shown.map(|(_, column)| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"));
        }
    }
    rows
}

/// Three columns, as most cases have them.
const THREE: &str = "from = \"**/*\"\n[table.t.column.id]\ntype = \"int64\"\nrequired = true\n\n[table.t.column.name]\ntype = \"string\"\n\n[table.t.column.v]\ntype = \"float64\"\n";
const FROM: (&str, &str) = ("from = \"**/*\"", "from = \"**/*\"");

fn with(options: &str) -> (&'static str, String) {
    (FROM.0, format!("{}\n{options}", FROM.1))
}

/// A case whose declaration gets further options of the table.
async fn case_with(name: &str, declared: &str, options: &str, raw: &[(&str, &[u8])]) -> Result {
    let (from, to) = with(options);
    case(name, declared, &[(from, &to)], raw).await
}

fn one(kind: &str) -> String {
    format!("from = \"**/*\"\n[table.t.column.t]\n{kind}\n")
}

const LOCAL: &str = "type = \"timestamp\"\nformat = \"%d/%m/%Y %H:%M\"\nzone = \"Europe/Brussels\"";

#[tokio::test]
async fn cr_only_row_numbers() {
    let done = case("cr_only_row_numbers", THREE, &[], &[("a.csv", b"id,name,v\r1,a,1\rx,b,2\r3,c,y\r")]).await;
    assert_eq!(done.rows, ["a.csv: 1|a|1.0"]);
    assert_eq!(done.rejects, ["a.csv 3 id not_an_integer", "a.csv 4 v not_a_number"]);
}

/// Drafts a dataset from the file of a case.
fn drafted(name: &str, bytes: &[u8]) -> std::result::Result<Draft, String> {
    let folder = TempDir::new().unwrap();
    let given = std::env::var_os("TRIBUTARY_CASES").map(|cases| Path::new(&cases).join(name).join("raw/c/a.csv"));
    let path = given.filter(|given| given.is_file()).unwrap_or_else(|| {
        fs::write(folder.path().join("a.csv"), bytes).unwrap();
        folder.path().join("a.csv")
    });
    draft("c", &path)
}

#[test]
fn draft_binary() {
    let why = drafted("draft_binary", b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xcb\x4c\x51\x29\xe3\x32\xd4").unwrap_err();
    assert!(why.contains("gzip") && why.contains("name it .gz"), "{why}");
    let mut zip = b"PK\x03\x04".to_vec();
    zip.resize(30, 0);
    assert!(drafted("", &zip).unwrap_err().contains("zip"));
    let latin = drafted("", b"id;name\n1;Zo\xEB\n2;Ann\n").unwrap();
    assert!(latin.dataset_toml.contains("encoding = \"windows-1252\""), "{}", latin.dataset_toml);
    let wide: Vec<u8> = "\u{feff}id;name\r\n1;Zoë\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = drafted("", &wide).unwrap();
    assert!(wide.dataset_toml.contains("encoding = \"utf-16\""), "{}", wide.dataset_toml);
    assert_eq!((latin.tried.clean, wide.tried.clean), (2, 1));
}

#[test]
fn draft_header_with_blanks() {
    let text = b"Consumption (kWh), Start, End\n0.5,2026-10-25T00:00:00+01:00,2026-10-25T00:30:00+01:00\n";
    let draft = drafted("draft_header_with_blanks", text).unwrap();
    assert_eq!((draft.tried.clean, draft.tried.rejected), (1, 0));
    assert!(draft.dataset_toml.contains("[table.record.column.consumption_kwh]"), "{}", draft.dataset_toml);
}

#[test]
fn draft_headerless() {
    let draft = drafted("draft_headerless", b"101,2026-11-19 10:00,1.5\n102,2026-11-19 11:00,2.5\n").unwrap();
    assert!(draft.dataset_toml.contains("header = \"never\""), "{}", draft.dataset_toml);
    assert_eq!((draft.tried.clean, draft.tried.rejected), (2, 0));
}

#[test]
fn draft_trailing_delimiter() {
    let draft = drafted("draft_trailing_delimiter", b"id,v\n1,2,\n3,4,\n").unwrap();
    assert!(draft.notes.iter().any(|note| note.contains("3 values and the header 2")), "{:?}", draft.notes);
    assert_eq!((draft.tried.clean, draft.tried.rejected), (2, 0));
}

#[test]
fn draft_two_digit_year() {
    let draft = drafted("draft_two_digit_year", b"d,v\n04/07/20,1\n05/07/20,2\n").unwrap();
    assert!(draft.dataset_toml.contains("%d/%m/%y"), "{}", draft.dataset_toml);
    assert_eq!((draft.tried.clean, draft.tried.rejected), (2, 0));
}

#[tokio::test]
async fn dst_gap_message() {
    let done = case("dst_gap_message", &one(LOCAL), &[], &[("a.csv", b"t\n29/03/2026 02:30\n")]).await;
    assert_eq!(done.rejects, ["a.csv 2 t not_a_timestamp"]);
    assert!(done.messages.contains("clocks skip it"), "{}", done.messages);
}

const EPOCH: &str = "from = \"**/*\"\npartition = \"month(day)\"\n[table.t.column.at]\ntype = \"timestamp\"\nformat = \"epoch_s\"\n[table.t.column.day]\ntype = \"date\"\nday_of = \"at\"\n[table.t.column.v]\ntype = \"float64\"\n";

#[tokio::test]
async fn epoch_unit_mixed() {
    let done = case("epoch_unit_mixed", EPOCH, &[], &[("a.csv", b"at,v\n1763546400,1\n1763546400000,2\n")]).await;
    assert_eq!(done.rows, ["a.csv: 2025-11-19T10:00:00Z|2025-11-19|1.0"]);
    assert_eq!(done.rejects, ["a.csv 3 at out_of_range"]);
}

const TWO: &str =
    "from = \"**/*\"\n[table.t.column.id]\ntype = \"int64\"\nrequired = true\n[table.t.column.v]\ntype = \"float64\"\n";

#[tokio::test]
async fn header_named_twice() {
    let files: &[(&str, &[u8])] = &[("a.csv", b"id,v,v\n1,10,20\n"), ("b.csv", b"id,V,v\n2,30,40\n")];
    let done = case("header_named_twice", TWO, &[], files).await;
    assert_eq!(done.rejects, ["a.csv 1 - duplicate_column", "b.csv 1 - duplicate_column"]);
    assert!(done.messages.contains("two columns of the file are named \"v\""), "{}", done.messages);
}

const STRINGS: &str = "from = \"**/*\"\n[table.t.column.x]\ntype = \"string\"\n[table.t.column.y]\ntype = \"string\"\n";

#[tokio::test]
async fn headerless_all_strings() {
    let files: &[(&str, &[u8])] = &[("a.csv", b"a1,b1\na2,b2\n")];
    let done = case("headerless_all_strings", STRINGS, &[], files).await;
    assert_eq!(done.rejects, ["a.csv 1 - unclear_header"]);
    assert!(done.messages.contains("header = \"never\""), "{}", done.messages);
    let done = case_with("headerless_all_strings", STRINGS, "header = \"never\"", files).await;
    assert_eq!(done.rows, ["a.csv: a1|b1", "a.csv: a2|b2"]);
}

#[tokio::test]
async fn hidden_file_message() {
    let files: &[(&str, &[u8])] = &[("_export.csv", b"id,name,v\n1,a,1\n")];
    let done = case("hidden_file_message", &THREE.replace("**/*", "**/*.csv"), &[], files).await;
    assert_eq!(done.ignored, ["c/_export.csv"]);
}

#[tokio::test]
async fn json_big_number_as_text() {
    let text = b"{\"id\":123456789012345678901234567890}\n{\"id\":18446744073709551616}\n{\"id\":0.1234567890123456789}\n{\"id\":1.10}\n";
    let declared = "from = \"**/*\"\n[table.t.column.id]\ntype = \"string\"\n";
    let done = case("json_big_number_as_text", declared, &[], &[("a.ndjson", text)]).await;
    let digits = ["0.1234567890123456789", "1.10", "123456789012345678901234567890", "18446744073709551616"];
    assert_eq!(done.rows, digits.map(|digits| format!("a.ndjson: {digits}")));
}

#[tokio::test]
async fn json_members_renamed() {
    let declared = "from = \"**/*\"\n[table.t.column.id]\ntype = \"int64\"\n[table.t.column.name]\ntype = \"string\"\n";
    let text = b"{\"ID\":1,\"Name\":\"a\"}\n{\"ident\":2}\n";
    let done = case("json_members_renamed", declared, &[], &[("a.ndjson", text)]).await;
    assert_eq!(done.rows, ["a.ndjson: 1|a"]);
    assert_eq!(done.rejects, ["a.ndjson 2 - no_members"]);
    assert!(done.messages.contains("(id, name)"), "{}", done.messages);
}

#[tokio::test]
async fn json_one_bad_element() {
    let files: &[(&str, &[u8])] = &[
        ("latin1.json", b"[{\"id\":5,\"name\":\"Zo\xEB\"},{\"id\":6}]"),
        ("nan.json", b"[{\"id\":1,\"v\":NaN},{\"id\":2,\"v\":1}]"),
        ("surrogate.json", b"[{\"id\":3,\"name\":\"\\ud83d\"},{\"id\":4}]"),
    ];
    let done = case("json_one_bad_element", &THREE.replace("required = true\n", ""), &[], files).await;
    assert_eq!(done.rows, ["latin1.json: 6|-|-", "nan.json: 2|-|1.0", "surrogate.json: 4|-|-"]);
    assert_eq!(done.rejects.len(), 3, "{:?}", done.rejects);
    assert!(done.rejects[..2] == ["latin1.json 1 - not_utf8", "nan.json 1 - not_json"], "{:?}", done.rejects);
    assert!(done.messages.contains("NaN and Infinity are no JSON numbers"), "{}", done.messages);
}

const DAY: &str = "from = \"**/*\"\n[table.t.column.day]\ntype = \"date\"\n[table.t.column.v]\ntype = \"float64\"\n";

/// Why a dataset of this table and a model by month of it is refused.
async fn refused(declared: &str) -> String {
    let folder = TempDir::new().unwrap();
    let dataset = folder.path().join("config/datasets/c");
    fs::create_dir_all(&dataset).unwrap();
    let toml = format!("title = \"T\"\ntime_zone = \"Europe/Brussels\"\n[table.t]\n{declared}");
    fs::write(dataset.join("dataset.toml"), toml).unwrap();
    let sql = "-- Rows.\n--\n-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"t\"]\n\nSELECT day, v FROM t ORDER BY day, v\n";
    fs::write(dataset.join("m.sql"), sql).unwrap();
    let url = format!("file:{}", folder.path().display());
    let lake = Lake::open(LakeSettings::at(url.parse().unwrap())).await.unwrap();
    lake.catalog.dataset("c").map_or_else(|error| error.to_string(), |_| String::new())
}

#[tokio::test]
async fn model_by_month_over_uncut_table_and_wild_date_makes_every_month() {
    let why = refused(DAY).await;
    assert!(why.contains("required = true"), "{why}");
    assert_eq!(refused(&DAY.replace("type = \"date\"", "type = \"date\"\nrequired = true")).await, "");
}

#[tokio::test]
async fn ndjson_message() {
    let declared = TWO.replace("required = true\n", "");
    let text = b"{\"id\":3,\"v\":NaN}\n{\"id\":1}{\"id\":2}\n";
    let done = case("ndjson_message", &declared, &[], &[("a.ndjson", text)]).await;
    assert_eq!(done.rejects, ["a.ndjson 1 - not_json", "a.ndjson 2 - not_json"]);
    assert!(done.messages.contains("column 13: NaN") && done.messages.contains("at byte 9"), "{}", done.messages);
}

#[tokio::test]
async fn no_way_24_00() {
    let done = case("no_way_24_00", &one(LOCAL), &[], &[("a.csv", b"t\n19/11/2026 24:00\n")]).await;
    assert_eq!(done.rows, ["a.csv: 2026-11-19T23:00:00Z"]);
}

#[tokio::test]
async fn no_way_date_and_time() {
    let declared = "from = \"**/*\"\n[table.t.column.at]\ntype = \"timestamp\"\nfield = [\"DATE\", \"START TIME\"]\nformat = \"%m/%d/%Y %I:%M:%S %p\"\nzone = \"UTC\"\n[table.t.column.v]\ntype = \"float64\"\nfield = \"USAGE\"\n";
    let edit = ("field = [\"DATE\"", "fields = [\"DATE\"");
    let text = b"DATE,START TIME,USAGE\n11/19/2026,12:00:00 AM,0.5\n";
    let done = case("no_way_date_and_time", declared, &[edit], &[("a.csv", text)]).await;
    assert_eq!(done.rows, ["a.csv: 2026-11-19T00:00:00Z|0.5"]);
}

#[tokio::test]
async fn no_way_encoding() {
    let files: &[(&str, &[u8])] = &[("a.csv", b"id,name,v\n1,Zo\xEB,1\n")];
    let done = case("no_way_encoding", THREE, &[], files).await;
    assert_eq!(done.rejects, ["a.csv 2 - not_utf8"]);
    assert!(done.messages.contains("encoding = \"windows-1252\""), "{}", done.messages);
    let done = case_with("no_way_encoding", THREE, "encoding = \"windows-1252\"", files).await;
    assert_eq!(done.rows, ["a.csv: 1|Zoë|1.0"]);
}

#[tokio::test]
async fn no_way_optional_column() {
    let files: &[(&str, &[u8])] = &[("new.csv", b"id,name,v\n2,b,2\n"), ("old.csv", b"id,v\n1,1\n")];
    let done = case("no_way_optional_column", THREE, &[], files).await;
    assert!(done.messages.contains("optional = true"), "{}", done.messages);
    let edit = ("type = \"string\"", "type = \"string\"\noptional = true");
    let done = case("no_way_optional_column", THREE, &[edit], files).await;
    assert_eq!(done.rows, ["new.csv: 2|b|2.0", "old.csv: 1|-|1.0"]);
}

const HORODATE: &str = "from = \"**/*\"\ndelimiter = \";\"\n[table.t.column.Horodate]\ntype = \"timestamp\"\n[table.t.column.Valeur]\ntype = \"float64\"\n";

#[tokio::test]
async fn no_way_preamble() {
    let files: &[(&str, &[u8])] =
        &[("a.csv", b"Identifiant;Type;Unite;\nX1;Courbe;W;\nHorodate;Valeur\n2023-01-01T00:00:00+01:00;460\n")];
    for options in ["header = \"find\"", "skip_lines = 2", "skip_lines = 2\nheader = \"always\"", ""] {
        let done = case_with("no_way_preamble", HORODATE, options, files).await;
        assert_eq!(done.rows, ["a.csv: 2022-12-31T23:00:00Z|460.0"], "{options}");
        assert_eq!((done.preamble, done.rejects.len()), (2, 0), "{options}");
    }
    let files: &[(&str, &[u8])] = &[("a.csv", b"sep=|\n# made by x\nid|name|v\n1|a|1\n# the end\n")];
    let done = case_with("", THREE, "comment = \"#\"", files).await;
    assert_eq!((done.rows, done.preamble), (vec!["a.csv: 1|a|1.0".to_owned()], 3));
}

#[tokio::test]
async fn no_way_thousands() {
    let declared = "from = \"**/*\"\ndelimiter = \";\"\n[table.t.column.id]\ntype = \"int64\"\n[table.t.column.v]\ntype = \"float64\"\ndecimal = \",\"\n";
    let edit = ("decimal = \",\"", "decimal = \",\"\nthousands = \".\"");
    let done = case("no_way_thousands", declared, &[edit], &[("a.csv", b"id;v\n1;1.234,5\n")]).await;
    assert_eq!(done.rows, ["a.csv: 1|1234.5"]);
}

#[tokio::test]
async fn no_way_trailing_delimiter() {
    let files: &[(&str, &[u8])] = &[("a.csv", b"id,name,v\n1,a,1,\n2,b,2,\n")];
    let done = case("no_way_trailing_delimiter", THREE, &[], files).await;
    assert_eq!(done.rows, ["a.csv: 1|a|1.0", "a.csv: 2|b|2.0"]);
}

#[tokio::test]
async fn no_way_whole_float() {
    let declared = "from = \"**/*\"\n[table.t.column.id]\ntype = \"int64\"\n[table.t.column.n]\ntype = \"int64\"\n";
    let done = case("no_way_whole_float", declared, &[], &[("a.csv", b"id,n\n1,1.0\n2,\n3,1.5\n")]).await;
    assert_eq!(done.rows, ["a.csv: 1|1", "a.csv: 2|-"]);
    assert_eq!(done.rejects, ["a.csv 4 n not_an_integer"]);
}

#[tokio::test]
async fn partition_folder_no_date() {
    let declared = "from = \"**/*.csv\"\npartition = \"date\"\n[table.t.column.v]\ntype = \"int64\"\n";
    let files: &[(&str, &[u8])] = &[("date=2026-11-18/a.csv", b"v\n1\n"), ("date=2026-13-45/a.csv", b"v\n2\n")];
    let done = case("partition_folder_no_date", declared, &[], files).await;
    assert_eq!(done.rows, ["a.csv: 1"]);
    assert_eq!(done.rejects, ["a.csv 1 - no_partition"]);
}

#[tokio::test]
async fn preamble_as_wide_as_the_table() {
    let files: &[(&str, &[u8])] = &[("a.csv", b"Account,12,\nUnit,kWh,\n,,\nid,name,v\n1,a,1\n2,b,2\n")];
    for options in ["", "header = \"find\""] {
        let done = case_with("preamble_as_wide_as_the_table", THREE, options, files).await;
        assert_eq!(done.rows, ["a.csv: 1|a|1.0", "a.csv: 2|b|2.0"], "{options}");
        assert_eq!((done.preamble, done.rejects.len()), (3, 0), "{options}");
    }
}

#[tokio::test]
async fn quote_as_inch() {
    let declared = THREE.split("\n[table.t.column.v]").next().unwrap();
    let files: &[(&str, &[u8])] = &[("a.tsv", b"id\tname\n1\t\"24\" monitor\n2\t\"TV\" set\n3\ta\"b\n")];
    let done = case("quote_as_inch", declared, &[], files).await;
    assert_eq!(done.rows, ["a.tsv: 3|a\"b"]);
    assert_eq!(done.rejects, ["a.tsv 2 - bad_quote", "a.tsv 3 - bad_quote"]);
    assert!(done.messages.contains("quote = \"none\""), "{}", done.messages);
    let done = case_with("quote_as_inch", declared, "quote = \"none\"", files).await;
    assert_eq!(done.rows, ["a.tsv: 1|\"24\" monitor", "a.tsv: 2|\"TV\" set", "a.tsv: 3|a\"b"]);
}

#[tokio::test]
async fn renamed_header_swaps() {
    let declared =
        "from = \"**/*\"\n[table.t.column.pm10]\ntype = \"float64\"\n[table.t.column.no2]\ntype = \"float64\"\n";
    let done = case("renamed_header_swaps", declared, &[], &[("a.csv", b"NO2_ug,PM10_ug\n1.0,99.0\n")]).await;
    assert_eq!(done.rejects, ["a.csv 1 - missing_column"]);
    assert!(done.messages.contains("no column pm10, no2"), "{}", done.messages);
}

#[tokio::test]
async fn school_year_before_2000() {
    let declared = "from = \"**/*\"\npartition = \"school_year(d)\"\n[table.t.column.d]\ntype = \"date\"\n[table.t.column.v]\ntype = \"float64\"\n";
    let text = b"d,v\n1999-09-01,1\n2026-09-01,2\n1926-09-01,3\n";
    let done = case("school_year_before_2000", declared, &[], &[("a.csv", text)]).await;
    assert_eq!(done.rows, ["a.csv: 1999-09-01|1.0", "a.csv: 2026-09-01|2.0"]);
    assert_eq!(done.rejects, ["a.csv 4 d out_of_range"]);
}

#[tokio::test]
async fn two_digit_year() {
    let declared = "from = \"**/*\"\n[table.t.column.d]\ntype = \"date\"\nformat = \"%d/%m/%Y\"\n[table.t.column.e]\ntype = \"date\"\n[table.t.column.t]\ntype = \"timestamp\"\nformat = \"%d/%m/%Y %H:%M\"\nzone = \"Europe/Brussels\"\n";
    let text = b"d,e,t\n04/07/2020,2026-11-19,19/11/2026 10:00\n04/07/20,26-11-19,19/11/26 10:00\n";
    let done = case("two_digit_year", declared, &[], &[("a.csv", text)]).await;
    assert_eq!(done.rows, ["a.csv: 2020-07-04|2026-11-19|2026-11-19T09:00:00Z"]);
    assert_eq!(done.rejects, ["a.csv 3 d not_a_date"]);
}

#[tokio::test]
async fn unclosed_quote_eof() {
    let declared = THREE.split("\n[table.t.column.v]").next().unwrap();
    let done = case("unclosed_quote_eof", declared, &[], &[("a.csv", b"id,name\n1,\"x\n2,y\n3,z\n")]).await;
    assert_eq!(done.rows, ["a.csv: 2|y", "a.csv: 3|z"]);
    assert_eq!(done.rejects, ["a.csv 2 - bad_quote"]);
}

#[tokio::test]
async fn upper_case_ending() {
    let declared = THREE.replace("**/*", "**/*.csv");
    let done = case("upper_case_ending", &declared, &[], &[("METER.CSV", b"id,name,v\n1,a,1\n")]).await;
    assert_eq!(done.rows, ["METER.CSV: 1|a|1.0"]);
    assert!(done.ignored.is_empty() && done.failed.is_empty());
}

#[tokio::test]
async fn wrong_bytes_message() {
    let mut zip = b"PK\x03\x04".to_vec();
    zip.resize(30, 0);
    let files: &[(&str, &[u8])] = &[
        ("gz.csv", b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xcb\x4c"),
        ("utf16.csv", b"\xff\xfei\0d\0,\0n\0a\0m\0e\0,\0v\0\n\0"),
        ("zip.csv", &zip),
    ];
    let done = case("wrong_bytes_message", THREE, &[], files).await;
    assert_eq!(done.rejects, ["gz.csv 1 - wrong_kind", "utf16.csv 1 - wrong_encoding", "zip.csv 1 - wrong_kind"]);
    for part in ["gzip", "name it .gz", "zip", "unpack it", "UTF-16", "save it as UTF-8"] {
        assert!(done.messages.contains(part), "{part}: {}", done.messages);
    }
}

#[tokio::test]
async fn what_is_not_compressed_as_its_name_says_is_named() {
    let plain = b"id,name,v\n1,a,1\n";
    let zstd = zstd::encode_all(&plain[..], 1).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, plain).unwrap();
    let gzip = gzip.finish().unwrap();
    let files: &[(&str, &[u8])] = &[
        ("gzip.csv.zst", &gzip),
        ("ok.csv.gz", &gzip),
        ("ok.csv.zst", &zstd),
        ("other.csv.gz", b"\x01\x02\x03\xff\xfe"),
        ("parquet.csv.gz", b"PAR1\x15\x04\x15\x00\x00"),
        ("part.csv.gz", &gzip[..12]),
        ("plain.csv.gz", plain),
        ("utf16.csv.gz", b"\xff\xfei\0d\0,\0n\0a\0m\0e\0"),
        ("zip.csv.zst", b"PK\x03\x04\0\0\0\0\0\0"),
        ("zstd.csv.gz", &zstd),
    ];
    let done = case_with("", THREE, "", files).await;
    assert_eq!(done.rows, ["ok.csv.gz: 1|a|1.0", "ok.csv.zst: 1|a|1.0"]);
    assert_eq!(
        done.rejects,
        [
            "gzip.csv.zst 1 - wrong_kind",
            "other.csv.gz 1 - not_decompressible",
            "parquet.csv.gz 1 - wrong_kind",
            "part.csv.gz 1 - not_decompressible",
            "plain.csv.gz 1 - not_decompressible",
            "utf16.csv.gz 1 - wrong_kind",
            "zip.csv.zst 1 - wrong_kind",
            "zstd.csv.gz 1 - wrong_kind",
        ]
    );
    for part in [
        "the object is gzip, not Zstandard, as its name says: name it .gz",
        "the object is Parquet, not gzip, as its name says: name it .parquet",
        "the object is plain text, not gzip, as its name says: name it without .gz",
        "the object is UTF-16 text, not gzip, as its name says: name it without .gz, and declare encoding",
        "the object is zip, or an Excel workbook, not Zstandard",
        "the object is Zstandard, not gzip, as its name says: name it .zst",
    ] {
        assert!(done.messages.contains(part), "{part}: {}", done.messages);
    }
}
