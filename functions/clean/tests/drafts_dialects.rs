#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]
//! Drafts from samples whose dialect is unusual: tables of R, logs, lines of dashes, lines above a table, and what is no table.

mod drafting;

use std::sync::Arc;

use arrow::array::{ArrayRef, UInt64Array};

use self::drafting::{csv, drafted, parquet_of, said, tried};

fn table(head: &str, rows: usize, row: impl Fn(usize) -> String) -> String {
    head.to_owned() + &(1..=rows).map(|at| row(at) + "\n").collect::<String>()
}

#[test]
fn tables_of_r_have_dates_and_times() {
    let day = |at: usize| format!("2026-11-{at:02}");
    let rows = |row: &dyn Fn(usize) -> String| table("\"date\" \"value\"\n", 25, row);
    let lines =
        ["delimiter = \" \"", "column.date]\ntype = \"date\"", "column.value]\ntype = \"int64\"", "skip_lines = 1"];
    drafted("a.txt", rows(&|at| format!("\"{at}\" {} {at}", day(at))), 25, 0, &lines);
    drafted("a.txt", rows(&|at| format!("\"{at}\" \"{}\" {at}", day(at))), 25, 0, &lines);
    drafted("a.txt", rows(&|at| format!("\"{at}\" 2026/11/{at:02} {at}")), 25, 0, &lines);
    let text = "column.date]\ntype = \"string\"";
    drafted("a.txt", rows(&|at| format!("\"{at}\" \"on {}\" {at}", day(at))), 25, 0, &[text, "delimiter = \" \""]);
    drafted("a.txt", rows(&|at| format!("\"{at}\" \"10:{at:02}\" {at}")), 25, 0, &[text, "delimiter = \" \""]);
    drafted("a.txt", rows(&|at| format!("\"{at}\" \"a-b\" {at}")), 25, 0, &[text, "delimiter = \" \""]);
    drafted("a.txt", rows(&|at| format!("{} \"up\"", day(at))), 25, 0, &["delimiter = \" \"", lines[1]]);
    // Without names of rows, and without quotes.
    drafted("a.txt", rows(&|at| format!("{} {at}", day(at))), 25, 0, &lines[..3]);
    drafted("a.txt", rows(&|at| format!("\"10:{at:02}\" {at}")), 25, 0, &[text, lines[2]]);
    let three = table("\"id\" \"when\" \"kwh\"\n", 25, |at| format!("{at} \"{}\" {at}.0", day(at)));
    drafted(
        "a.txt",
        &three,
        25,
        0,
        &["delimiter = \" \"", "column.when]\ntype = \"date\"", "column.kwh]\ntype = \"float64\""],
    );
    let plain = table("date value\n", 25, |at| format!("{at} {} {at}", day(at)));
    drafted("a.txt", &plain, 25, 0, &lines);
    // A comma within texts is none between values.
    let commas = table("\"id\" \"name\"\n", 25, |at| format!("{at} \"a, b\""));
    drafted("a.txt", &commas, 25, 0, &["delimiter = \" \"", "column.name]\ntype = \"string\""]);
}

#[test]
fn times_that_r_writes_without_quotes_are_two_values() {
    let clock = |at: usize| format!("2026-11-{at:02} 10:{at:02}:00");
    let lines = ["delimiter = \" \"", "skip_lines = 1", "type = \"timestamp\""];
    let named = table("\"when\" \"kwh\"\n", 25, |at| format!("\"{at}\" {} {at}.5", clock(at)));
    drafted("a.txt", &named, 25, 0, &lines);
    drafted("a.txt", table("\"when\" \"kwh\"\n", 25, |at| format!("{} {at}.5", clock(at))), 25, 0, &lines);
    // Names would be those of the columns beside.
    let three = table("\"id\" \"when\" \"kwh\"\n", 25, |at| format!("{at} {} {at}.5", clock(at)));
    let draft = drafted("a.txt", &three, 25, 0, &lines);
    assert!(!draft.dataset_toml.contains("column.id]\n"), "the date is no id\n{}", draft.dataset_toml);
    assert!(said(&draft, "a date and a time of day are two values"), "{:?}", draft.notes);
    // A date and a time of day with names of their own keep them.
    let both = table("\"date\" \"time\" \"v\"\n", 25, |at| format!("\"{at}\" 2026-11-{at:02} 10:{at:02} {at}.5"));
    let draft = drafted("a.txt", &both, 25, 0, &["fields = [\"date\", \"time", "column.v]\ntype = \"float64\""]);
    assert!(!said(&draft, "are two values"), "{:?}", draft.notes);
    // One column of times, and thousands, are no two.
    for text in ["\"when\"\n2026-11-19 10:00\n2026-11-19 11:00\n", "n\n1 234\n5 678\n", "d\n19 Nov 2026\n20 Nov 2026\n"]
    {
        let draft = tried("a.csv", text).unwrap();
        assert!(!draft.dataset_toml.contains("delimiter"), "{text}\n{}", draft.dataset_toml);
    }
}

#[test]
fn logs_have_blanks_between_values() {
    let line = |at: usize, rest: &str| {
        format!("192.0.2.{at} - - [01/Nov/2026:00:{at:02}:00 +0100] \"GET /p HTTP/1.1\" 200 {at}{rest}")
    };
    let time = "fields = [\"column_4\", \"column_5\"]";
    let lines = [
        "delimiter = \" \"",
        "header = \"never\"",
        time,
        "format = \"[%d/%b/%Y:%H:%M:%S %z]\"",
        "column.column_7]\ntype = \"int64\"",
    ];
    for rest in ["", " \"-\" \"curl\"", " \"http://x.be/a;b\" \"Mozilla/5.0 (X11; Linux, y|z)\""] {
        let draft = drafted("a.log", table("", 30, |at| line(at, rest)), 30, 0, &lines);
        assert!(!said(&draft, "look like times") && said(&draft, "column_5"), "{:?}", draft.notes);
    }
    // A quote within a text has a backslash before it.
    let escaped = table("", 30, |at| line(at, " \"-\" \"a \\\"b\\\" c\""));
    drafted("a.log", &escaped, 30, 0, &["escape = \"\\\\\"", time]);
    // A line of another kind is rejected, and the others are read.
    let other = table("", 30, |at| if at == 7 { "a line cut".to_owned() } else { line(at, "") });
    drafted("a.log", &other, 29, 1, &["delimiter = \" \""]);
    let named = table("", 30, |at| format!("ts=2026-11-01T00:{at:02}:00Z level=info n={at}"));
    let draft = drafted("a.log", &named, 30, 0, &["delimiter = \" \"", "column.column_3]"]);
    assert!(said(&draft, "name=value"), "{:?}", draft.notes);
    let begun = table("", 30, |at| format!("2026-11-01T00:{at:02}:00Z INFO started job={at}"));
    drafted("a.log", &begun, 30, 0, &["delimiter = \" \"", "column.column_1]\ntype = \"timestamp\""]);
    let sentences =
        table("", 30, |at| format!("2026-11-01 00:{at:02}:00 INFO main: started {}{at}", "a ".repeat(at % 3)));
    let draft = drafted("a.log", &sentences, 30, 0, &["column.column_1]\ntype = \"string\""]);
    assert!(!draft.dataset_toml.contains("delimiter") && said(&draft, "lines of a log"), "{:?}", draft.notes);
}

#[test]
fn lines_of_dashes_among_rows_are_no_rows() {
    let marks = ["----", "---|---|---", "----+----+---", "|----|", "+----+", "====", "=== === ==="];
    let between = |head: &str, mark: &str, row: &dyn Fn(usize) -> String| {
        table(head, 400, |at| if at % 50 == 0 { format!("{mark}\n{}", row(at)) } else { row(at) })
    };
    let row = |at: usize| format!("{at}|n{at}|{at}.5");
    let lines = ["column.id]\ntype = \"int64\"\nrequired = true", "column.v]\ntype = \"float64\""];
    for mark in marks {
        let draft = drafted("a.txt", table(&format!("id|name|v\n{mark}\n"), 400, row), 400, 1, &lines);
        assert!(said(&draft, "the line below the header is no row"), "{:?}", draft.notes);
        let draft = drafted("a.txt", between("id|name|v\n", mark, &row), 400, 8, &lines);
        assert!(said(&draft, "8 lines of dashes or the like are no rows, the first in line 51"), "{:?}", draft.notes);
        assert!(!draft.dataset_toml.contains("comment"), "a negative id would be lost\n{}", draft.dataset_toml);
        drafted("a.csv", between("id,name,v\n", mark, &|at| row(at).replace('|', ",")), 400, 8, &lines);
    }
    // Between each two rows, and around the header.
    let grid = table("+---+---+\n|id |v  |\n+===+===+\n", 30, |at| format!("|{at} |{at}.5 |\n+---+---+"));
    drafted("a.txt", &grid, 30, 0, &["comment = \"+\"", "column.id]\ntype = \"int64\""]);
    let draft = drafted("a.txt", format!("Table: X\n\n{grid}"), 30, 0, &["comment = \"+\""]);
    assert!(!said(&draft, "no row may begin so"), "no row can: {:?}", draft.notes);
    let plain = table("==========\nid|v\n----------\n", 30, |at| format!("{at}|{at}.5"));
    drafted("a.txt", &plain, 30, 1, &["header = \"find\"", "column.id]\ntype = \"int64\""]);
    let none = table("==========\n", 30, |at| format!("{at}|{at}.5"));
    drafted("a.txt", &none, 30, 0, &["header = \"never\"", "skip_lines = 1"]);
    // Rows that begin with the delimiter leave such lines out by comment, whatever they begin with.
    for (mark, comment) in [("+----+", "+"), ("-----", "-"), ("=====", "=")] {
        let text = between("|id|name|v|\n", mark, &|at| format!("|{at}|n{at}|{at}.5|"));
        drafted("a.txt", &text, 400, 0, &[&format!("comment = \"{comment}\"")]);
    }
}

#[test]
fn lines_of_dashes_among_texts_are_left_out_or_said_to_be_rows() {
    let rows = |last: &str| {
        table("city|name\n", 400, |at| if at % 50 == 0 { "---|---".to_owned() } else { format!("c{at}|n{at}") }) + last
    };
    let draft = drafted("a.txt", rows(""), 392, 0, &["comment = \"-\""]);
    assert_eq!(draft.tried.preamble, 8);
    assert!(said(&draft, "no row may begin so"), "{:?}", draft.notes);
    // Another line begins with a dash: it is a row, behind what dialects are found by as well.
    let draft = drafted("a.txt", rows("-|n\n"), 401, 0, &[]);
    assert!(said(&draft, "8 lines of dashes or the like are no rows, and all columns are text"), "{:?}", draft.notes);
    let far = rows("") + &table("", 9_000, |at| format!("c{at}|n{at}")) + "-|n\n";
    let draft = drafted("a.txt", &far, 9_401, 0, &[]);
    assert!(!draft.dataset_toml.contains("comment") && said(&draft, "come through as rows"), "{:?}", draft.notes);
    // Dashes for what is missing are values.
    let draft = drafted(
        "a.csv",
        table("id,a,b\n", 40, |at| if at == 7 { "-,--,-".to_owned() } else { format!("{at},x,y") }),
        40,
        0,
        &[],
    );
    assert!(!said(&draft, "dashes"), "{:?}", draft.notes);
}

#[test]
fn tables_are_found_below_many_lines() {
    for (above, delimiter) in [(80, ','), (100, ','), (300, ';'), (999, '|'), (1_000, '\t'), (5_000, ';')] {
        let rows = table("", 500, |at| {
            ["x", "n", "5"].map(|text| format!("{text}{at}")).join(&delimiter.to_string()).replacen('x', "", 1)
        });
        let head = ["id", "name", "v"].join(&delimiter.to_string());
        let text = table("", above, |at| format!("Line {at} of a text")) + &head + "\n" + &rows;
        let draft = drafted("a.csv", &text, 500, 0, &["header = \"find\"", "column.id]\ntype = \"int64\""]);
        assert_eq!(draft.tried.preamble, above as u64, "{above}");
    }
    // Without a header.
    let text = table("", 300, |at| format!("Line {at} of a text"))
        + &table("", 500, |at| format!("{at},2026-11-01 10:00,{at}.5"));
    drafted("a.csv", &text, 500, 0, &["header = \"never\"", "skip_lines = 300"]);
}

#[test]
fn one_column_of_texts_with_line_breaks_is_one() {
    // Commas come behind what dialects are found by.
    let mark = |at: usize| if at > 1_500 { "," } else { "" };
    let text = table("text\n", 4_000, |at| format!("\"a{0} b {at}\nc{0} d\"", mark(at)));
    let draft = drafted("a.csv", &text, 4_000, 0, &["column.text]\ntype = \"string\""]);
    assert!(!draft.dataset_toml.contains("quote"), "{}", draft.dataset_toml);
}

#[test]
fn documents_and_dumps_are_refused_by_what_they_are() {
    for (file, text, what) in [
        ("a.xml", "<rows><row id=\"secret\"/></rows>\n", "XML or HTML document"),
        ("a.csv", "<rows>\n  <row/>\n  <row/>\n</rows>\n", "XML or HTML document"),
        ("a.xml", "<?xml version=\"1.0\"?>\n<rows><row/></rows>\n", "which no format reads: write its rows as CSV"),
        ("a.txt", "<?xml version=\"1.0\"?>\n<rows><row/></rows>\n", "an XML document"),
        ("a.sql", "CREATE TABLE t (id int);\nINSERT INTO t VALUES ('secret');\n", "it is SQL"),
    ] {
        let why = tried(file, text).unwrap_err();
        assert!(why.contains(what) && !why.contains("secret"), "{file}: {why}");
    }
    drafted("a.txt", "<DATE>\t<OPEN>\n2026-11-01\t5\n2026-11-02\t6\n", 2, 0, &["field = \"<OPEN>\""]);
}

#[test]
fn images_archives_and_durations_are_named_as_such() {
    let mut jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec();
    jpeg.extend(0..=255);
    for file in ["a.jpg", "a.csv", "photo"] {
        let why = tried(file, &jpeg).unwrap_err();
        assert!(why.contains("a JPEG image, which no format reads"), "{file}: {why}");
    }
    let text = csv("id,Dur\n", 30, |at| format!("{at},{}:01:00", 20 + at));
    let draft = drafted("a.csv", text, 30, 0, &["column.dur]\ntype = \"string\""]);
    assert!(said(&draft, "durations") && !said(&draft, "look like times"), "{:?}", draft.notes);
}

#[test]
fn whole_numbers_beyond_int64_by_the_schema_are_text() {
    let none = UInt64Array::from(Vec::<u64>::new());
    let file = parquet_of([("n", Arc::new(none) as ArrayRef)]);
    let draft = drafted("a.parquet", file, 0, 0, &["column.n]\ntype = \"string\""]);
    assert!(said(&draft, "beyond int64 (UInt64)"), "{:?}", draft.notes);
    let file = parquet_of([("n", Arc::new(UInt64Array::from(vec![3, u64::MAX])) as ArrayRef)]);
    drafted("b.parquet", file, 2, 0, &["column.n]\ntype = \"string\""]);
}

#[test]
fn packed_archives_of_tar_are_said_to_be_such() {
    let tar =
        [b"a.csv".to_vec(), vec![0; 252], b"ustar\x0000".to_vec(), vec![0; 247], b"id,v\n1,2\n".to_vec()].concat();
    // So much that a frame's first block is not whole where it is looked at.
    let noise: Vec<u8> =
        (0..40_000_u64).flat_map(|at| xxhash_rust::xxh3::xxh3_64(&at.to_le_bytes()).to_le_bytes()).collect();
    let large = zstd::encode_all([tar.clone(), noise].concat().as_slice(), 3).unwrap();
    let zst = zstd::encode_all(tar.as_slice(), 3).unwrap();
    let xz = b"\xfd7zXZ\x00\0\x04\xe6\xd6\xb4\x46".to_vec();
    let bzip2 = b"BZh91AY&SY\x01".to_vec();
    for (file, bytes, wanted) in [
        ("a.tzst", &zst, "a tar archive packed by Zstandard"),
        ("a.tzst", &large, "a tar archive packed by Zstandard"),
        ("a.csv", &zst, "a tar archive packed by Zstandard"),
        ("a.tar.zst", &large, "a tar archive"),
        ("a.txz", &xz, "a tar archive packed by xz"),
        ("a.tar.xz", &xz, "a tar archive packed by xz"),
        ("a.tbz2", &bzip2, "a tar archive packed by bzip2"),
        ("a.tar.bz2", &bzip2, "a tar archive packed by bzip2"),
    ] {
        let why = tried(file, bytes).unwrap_err();
        let cure = "which no format reads: unpack it, and upload the files in it";
        assert!(why.contains(&format!("{wanted}, {cure}")), "{file}: {why}");
    }
    assert!(
        tried("a.csv.xz", &xz).unwrap_err().contains("xz, which no format reads: unpack it, or pack it as .gz or .zst")
    );
}
