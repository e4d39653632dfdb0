use std::io::Read;

use proptest::prelude::*;

use super::MAX_RECORD;
use crate::error::Stop;
use crate::formats::tests::{Dribble, Kept, decoded, decoded_by, refused};

const USAGE: &str = "format = 'csv'
column.customer = { type = 'int64', required = true }
column.kwh = { type = 'float64', field = ['usage_kwh', 'kwh'] }
column.note = { type = 'string' }
column.again = { type = 'string', field = 'note' }
";

fn csv(text: impl Read) -> Result<Kept, String> {
    decoded(USAGE, "x.csv", text)
}

/// The reason and message by which an object is rejected.
fn why(declared: &str, bytes: &[u8]) -> String {
    let mut message = String::new();
    let reason = decoded_by(declared, "x.csv", |object, sink| {
        let decoded = crate::formats::decode(object, Default::default(), bytes, sink);
        if let Err(Stop::Reject(reject)) = &decoded {
            message.clone_from(&reject.message);
        }
        decoded
    });
    format!("{}: {message}", reason.unwrap_err())
}

fn rows(text: &str) -> Vec<String> {
    csv(text.as_bytes()).unwrap().rows
}

#[test]
fn columns_are_found_by_name_without_regard_to_case_and_order() {
    assert_eq!(rows("NOTE, Usage_kWh ,customer\nx,1.5,7\n"), ["7|1.5|x|x"]);
    let kept = csv("kwh,other,customer,note,more\n1,a,7,x,b\n".as_bytes()).unwrap();
    assert_eq!((kept.rows, kept.notes), (vec!["7|1.0|x|x".to_owned()], (0, 2)));
}

#[test]
fn columns_are_found_by_position_where_no_line_looks_like_a_header() {
    assert_eq!(csv("kunde,verbrauch,bemerkung\n7,1.5,x\n".as_bytes()).unwrap_err(), "missing_column", "renamed");
    assert_eq!(rows("7,1.5,x\n8,2,y\n"), ["7|1.5|x|x", "8|2.0|y|y"], "there is no header");
    assert_eq!(rows("7,1.5,x,\n8,2,y,\n"), ["7|1.5|x|x", "8|2.0|y|y"], "with a delimiter at the end");
    let kept = csv("abc,1.5,x\n8,2,y\n".as_bytes()).unwrap();
    assert_eq!(kept.rejects, ["1 customer not_an_integer: abc,1.5,x"], "a bad first row is no header");
}

#[test]
fn missing_columns_reject_the_object() {
    assert_eq!(csv("customer,kwh\n7,1\n".as_bytes()).unwrap_err(), "missing_column");
    assert_eq!(csv("a,b\n7,1\n".as_bytes()).unwrap_err(), "missing_column");
    assert_eq!(csv("7,1\n8,2\n".as_bytes()).unwrap_err(), "missing_column");
}

#[test]
fn a_name_that_nothing_reads_is_told_where_the_header_is_known() {
    let said = |text: &str| why(USAGE, text.as_bytes());
    let why = said("customer,kwh,remark\n7,1,x\n");
    assert!(
        why.starts_with("missing_column: ")
            && why.contains("has no column note, and nothing reads its \"remark\" (column 3): rename it"),
        "{why}"
    );
    let why = said("customer,kwh\n7,1\n");
    assert!(why.contains("has no column note: write optional = true") && !why.contains("nothing reads"), "{why}");
    let why = said("Jan,Peeters,note\n7,1,x\n");
    assert!(!why.contains("Jan"), "a row may be personal: {why}");
    let find = |columns: &str, text: &str| {
        let declared = format!("format = 'csv'\nheader = 'find'\n{columns}");
        self::why(&declared, text.as_bytes())
    };
    let columns = "column.id = { type = 'int64' }\ncolumn.v = { type = 'float64' }\n";
    let why = find(columns, "Report\n\nid,value\n1,2\n");
    assert!(
        why.contains("line 3 has no v, and nothing reads its \"value\" (column 2)") && why.contains("[\"v\", ...]"),
        "{why}"
    );
    let why = find(columns, "Report\n1,2\n3,4\n");
    assert!(
        why.contains("declare the names that its header has as field") && why.contains("header = \"never\""),
        "{why}"
    );
    let people = "column.name = { type = 'string', personal = true }\ncolumn.email = { type = 'string', personal = true }\n\
                  column.score = { type = 'float64' }\n";
    for header in ["", "header = 'find'\n"] {
        let why = refused(&format!("format = 'csv'\n{header}{people}"), "x.csv", &b"name,jan@x.be,score\n1,2,3\n"[..]);
        assert!(why.contains("nothing reads its column 2") && !why.contains("jan"), "{why}");
        let text = &b"name,mail address,score\n1,2,3\n"[..];
        let why = refused(&format!("format = 'csv'\n{header}{people}"), "x.csv", text);
        assert!(why.contains("nothing reads its \"mail address\" (column 2)"), "{why}");
    }
    let why = find(people, "name,Jan Peeters\nx,y,z\n");
    assert!(!why.contains("Peeters"), "a line above a header may be of a form: {why}");
    let why = find(people, "name,email,score,jan@x.be,jan@x.be\nx,y,1,,\n");
    assert!(why.contains("duplicate_column") && !why.contains("jan"), "{why}");
}

#[test]
fn the_text_of_a_rejected_object_has_the_letters_of_its_encoding() {
    let latin = format!("encoding = 'windows-1252'\n{USAGE}");
    let head = b"caf\xe9,kwh\n7,1\n";
    for (declared, wanted) in [(latin.as_str(), "caf\u{e9},kwh\n7,1\n"), (USAGE, "caf\u{fffd},kwh\n7,1\n")] {
        let mut text = Vec::new();
        let _ = decoded_by(declared, "x.csv", |object, _| {
            text = crate::formats::as_utf8(object.table, head);
            Ok(Default::default())
        });
        assert_eq!(String::from_utf8_lossy(&text), wanted);
    }
}

#[test]
fn an_object_without_rows_has_none() {
    for text in ["", "\n\r\n", "customer,kwh,note\n", "\u{feff}"] {
        assert_eq!(csv(text.as_bytes()).unwrap(), Kept::default(), "{text:?}");
    }
}

#[test]
fn quotes_hold_delimiters_quotes_and_line_breaks_and_rows_know_their_lines() {
    let text =
        "\u{feff}customer,kwh,note\r\n7,1,\"a,\r\n\"\"b\"\"\"\r\n\r\n  \r\nx,1,\"c\nd\"\r\n8,2,e\r\n9,2\r\ny,2,f";
    let kept = csv(text.as_bytes()).unwrap();
    assert_eq!(kept.rows, ["7|1.0|a,\r\n\"b\"|a,\r\n\"b\"", "8|2.0|e|e"]);
    assert_eq!(
        kept.rejects,
        ["6 customer not_an_integer: x,1,\"c\nd\"", "9 - wrong_column_count: 9,2", "10 customer not_an_integer: y,2,f"]
    );
}

#[test]
fn text_that_is_not_utf_8_is_rejected_alone() {
    let kept = csv(&b"customer,kwh,note\n7,1,caf\xe9\n8,1,ok\n"[..]).unwrap();
    assert_eq!(kept.rows, ["8|1.0|ok|ok"]);
    assert!(kept.rejects[0].starts_with("2 - not_utf8"), "{kept:?}");
}

#[test]
fn a_bad_quote_rejects_its_line_and_swallows_no_other() {
    let text = "customer,kwh,note\n4,1,\"open\n5,1,\"x\"y\n6,1,z\n7,1,\"a\nb\"\n8,1,\"a\"\"\"\n9,\"1\" ,z\n10,1,a\"b\n11,\"1\n\",\"open\n12,1,z\n13,1,\"open";
    let kept = csv(text.as_bytes()).unwrap();
    assert_eq!(kept.rows, ["6|1.0|z|z", "7|1.0|a\nb|a\nb", "8|1.0|a\"|a\"", "10|1.0|a\"b|a\"b", "12|1.0|z|z"]);
    assert_eq!(
        kept.rejects,
        [
            "2 - bad_quote: 4,1,\"open",
            "3 - bad_quote: 5,1,\"x\"y",
            "8 - bad_quote: 9,\"1\" ,z",
            "10 - bad_quote: 11,\"1\n\",\"open",
            "13 - bad_quote: 13,1,\"open",
        ]
    );
}

#[test]
fn a_quote_is_looked_for_as_far_as_a_record_goes() {
    let text = format!("customer,kwh,note\n7,1,\"open\n{}8,1,\"x\"", "9,1,x\n".repeat(400_000));
    let kept = csv(text.as_bytes()).unwrap();
    assert_eq!(kept.rows.len(), 400_001);
    assert_eq!(kept.rejects, ["2 - bad_quote: 7,1,\"open"]);
}

#[test]
fn a_bad_quote_in_the_header_rejects_the_object() {
    assert_eq!(csv("customer,\"kwh,note\n7,1,x\n".as_bytes()).unwrap_err(), "bad_quote");
}

#[test]
fn tabs_and_other_delimiters_are_declared() {
    let declared = "column.a = { type = 'int64' }\ncolumn.b = { type = 'string' }\n";
    assert_eq!(
        decoded(&format!("format = 'tsv'\n{declared}"), "x.txt", &b"b\ta\nx, y\t1\n"[..]).unwrap().rows,
        ["1|x, y"]
    );
    let semicolons = format!("format = 'csv'\ndelimiter = ';'\n{declared}");
    assert_eq!(decoded(&semicolons, "x", &b"a;b\n1;x,y\n"[..]).unwrap().rows, ["1|x,y"]);
}

#[test]
fn a_header_can_be_declared() {
    let declared = |header| format!("format = 'csv'\nheader = '{header}'\ncolumn.a = {{ type = 'string' }}\n");
    assert_eq!(decoded(&declared("always"), "x", &b"A\ny\n"[..]).unwrap().rows, ["y"]);
    assert_eq!(decoded(&declared("always"), "x", &b"x\ny\n"[..]).unwrap_err(), "missing_column");
    assert_eq!(decoded(&declared("auto"), "x", &b"x\ny\n"[..]).unwrap_err(), "unclear_header");
    assert_eq!(decoded(&declared("never"), "x", &b"a\ny\n"[..]).unwrap().rows, ["a", "y"]);
}

#[test]
fn names_are_the_same_whatever_white_space_is_in_them() {
    let declared =
        "format = 'csv'\ncolumn.id = { type = 'int64' }\ncolumn.v = { type = 'int64', field = 'Use (kWh)' }\n";
    for header in ["id,\"Use\n(kWh)\"", "\u{a0}id\u{200b},use\u{a0}(kWh)", "\u{feff}\u{feff}id,Use  (KWH) "] {
        let kept = decoded(declared, "x", format!("{header}\n1,2\n").as_bytes());
        assert_eq!(kept.unwrap().rows, ["1|2"], "{header:?}");
    }
    assert_eq!(decoded(declared, "x", &b"id,Use (kWh),use  (kWh)\n1,2,3\n"[..]).unwrap_err(), "duplicate_column");
}

#[test]
fn a_separator_may_stand_in_quotes() {
    let declared = "format = 'csv'\ncolumn.a = { type = 'int64' }\ncolumn.b = { type = 'int64' }\n";
    for (first, delimiter) in [("\"sep=;\"", ";"), ("\"SEP=\t\"\r", "\t"), ("sep=|", "|")] {
        let text = format!("{first}\na{delimiter}b\n1{delimiter}2\n");
        for step in [1, 5, 64] {
            assert_eq!(decoded(declared, "x", Dribble(text.as_bytes(), step)).unwrap().rows, ["1|2"], "{first:?}");
        }
    }
    for first in ["\"sep=;", "sep=;\"", "\"sep=\"\"", "\"sep=;;\"", "\"sep=", "\"sep=a\""] {
        let read = decoded(declared, "x", format!("{first}\na;b\n1;2\n").as_bytes());
        assert!(read.is_err(), "{first:?}: {read:?}");
    }
}

#[test]
fn null_of_a_dump_is_missing_where_that_is_declared() {
    let declared = "format = 'tsv'\nquote = 'none'\nescape = '\\'\ncolumn.a = { type = 'string', missing = ['\\N'] }\ncolumn.b = { type = 'int64', missing = ['\\N'] }\n";
    let text = "a\tb\n\\N\t\\N\nN\t1\n\\\\N\t2\nx\\N\t3\n\\N\\\ty\t4\n";
    let kept = decoded(declared, "x", text.as_bytes()).unwrap();
    // A backslash that is escaped makes the same text, which is a value.
    assert_eq!(kept.rows, ["-|-", "N|1", "\\N|2", "xN|3", "N\ty|4"]);
    let by_itself = decoded(&declared.replace("missing = ['\\N']", "optional = true"), "x", text.as_bytes()).unwrap();
    assert_eq!(by_itself, kept);
    let required = decoded(&declared.replace("missing = ['\\N']", "required = true"), "x", text.as_bytes()).unwrap();
    assert_eq!(required.rejects, ["2 a missing_value: \\N\t\\N"]);
}

#[test]
fn escapes_of_a_dump_are_what_databases_mean_by_them() {
    let declared = "format = 'tsv'\nquote = 'none'\nheader = 'never'\nescape = '\\'\ncolumn.id = { type = 'int64' }\ncolumn.s = { type = 'string' }\n";
    let text = "1\tline one\\nline two\n2\ta\\tb\\\\n\\r\n3\ta\\\tb\n4\t\\b\\f\\v\\x\n5\ta\\0b\n6\t\\\nx\n";
    let kept = decoded(declared, "x", text.as_bytes()).unwrap();
    assert_eq!(kept.rows, ["1|line one\nline two", "2|a\tb\\n\r", "3|a\tb", "4|\u{8}\u{c}\u{b}x", "6|\nx"]);
    assert_eq!(kept.rejects, ["5 - nul_byte: 5\ta\\0b"]);
    let quoted = declared.replace("quote = 'none'\n", "");
    assert_eq!(decoded(&quoted, "x", &b"1\t\"a\\nb\\\"\"\n"[..]).unwrap().rows, ["1|a\nb\""]);
    let other = declared.replace("'\\'", "'^'");
    assert_eq!(decoded(&other, "x", &b"1\ta^nb\\n\n2\t^N\n"[..]).unwrap().rows, ["1|anb\\n", "2|N"]);
}

#[test]
fn an_escape_before_a_line_break_protects_all_of_it() {
    let declared = "format = 'tsv'\nescape = '\\'\ncolumn.id = { type = 'int64' }\ncolumn.s = { type = 'string' }\ncolumn.t = { type = 'string' }\n";
    let text = "id\ts\tt\r\n1\ta\\\r\nb\tx\r\n2\tz\\\r\n\\\r\n\ty\r\n3\tc\\\r\td\r\n4\te\tf\\\r\r\n5\t\"g\\\r\nh\"\ti\r\nx\tj\tk\r\n";
    for step in [1, 2, 3, 5, 64, 4096] {
        let kept = decoded(declared, "x", Dribble(text.as_bytes(), step)).unwrap();
        assert_eq!(kept.rows, ["1|a\r\nb|x", "2|z\r\n\r\n|y", "3|c\r|d", "4|e|f\r", "5|g\r\nh|i"], "{step}");
        assert_eq!(kept.rejects, ["11 id not_an_integer: x\tj\tk"], "{step}");
    }
    let at_end = decoded(declared, "x", &b"id\ts\tt\r\n1\ta\tb\\\r\n"[..]).unwrap();
    assert_eq!(at_end.rows, ["1|a|b\r\n"]);
}

const MEASURED: &str = "format = 'csv'\ncolumn.pm10 = { type = 'float64' }\ncolumn.no2 = { type = 'float64' }\n";
const THREE: &str = "format = 'csv'\ncolumn.id = { type = 'int64', required = true }\ncolumn.name = { type = 'string' }\ncolumn.v = { type = 'float64' }\n";

#[test]
fn rows_before_a_later_header_are_rows() {
    let kept = decoded(THREE, "x", &b"1,a,1\n2,b,2\n3,c,3\nid,name,v\n4,d,4\n"[..]).unwrap();
    assert_eq!(kept.rows, ["1|a|1.0", "2|b|2.0", "3|c|3.0", "4|d|4.0"]);
    assert_eq!((kept.rejects.len(), kept.preamble), (0, 1));
    let kept = decoded(THREE, "x", &b"1,a,1\nx,b,2\nv,name,id\n4,d,5\n"[..]).unwrap();
    assert_eq!(
        (kept.rows, kept.rejects),
        (vec!["1|a|1.0".to_owned(), "5|d|4.0".to_owned()], vec!["2 id not_an_integer: x,b,2".to_owned()])
    );
    for rows in [50, 5_000, 20_000] {
        let text: String = (0..rows).map(|id| format!("{id},a,1\n")).collect();
        let kept = decoded(THREE, "x", format!("{text}id,name,v\n9,z,9\n").as_bytes()).unwrap();
        assert_eq!((kept.rows.len(), kept.rejects.len(), kept.preamble), (rows + 1, 0, 1), "{rows}");
    }
    // Rows under other names are neither read by position nor passed as what stands before the header.
    let renamed = b"ident,naam,waarde\n1,a,1\n2,b,2\nid,name,v\n5,e,5\n";
    assert_eq!(decoded(THREE, "x", &renamed[..]).unwrap_err(), "missing_column");
    let strings = "format = 'csv'\ncolumn.a = { type = 'string' }\ncolumn.b = { type = 'string' }\n";
    assert_eq!(decoded(strings, "x", &b"x,y\na,b\nz,w\n"[..]).unwrap_err(), "unclear_header");
    assert_eq!(decoded(strings, "x", &b"Report\na,b\nz,w\n"[..]).unwrap().rows, ["z|w"]);
}

#[test]
fn columns_are_never_read_by_position_where_a_line_looks_like_a_header() {
    for text in [
        "Station,41\nNO2_ug,PM10_ug\n1.0,99.0\n2.0,98.0\n",
        "Station,41\nNO2,PM\n1.0,99.0\n",
        "1,41\nNO2_ug,PM10_ug\n1.0,99.0\n",
        "NO2_ug,PM10_ug\n1.0,99.0\n",
    ] {
        assert_eq!(decoded(MEASURED, "x", text.as_bytes()).unwrap_err(), "missing_column", "{text}");
    }
    // Bad values make no header.
    for text in ["1,2\nx,y\n3,4\n", "x,1\nNaN,null\n3,4\n", "x,1\n,y\n3,4\n", "x,1\ny,y\n3,4\n"] {
        let kept = decoded(MEASURED, "x", text.as_bytes()).unwrap();
        assert_eq!(kept.rows.last().unwrap(), "3.0|4.0", "{text}");
        assert_eq!(kept.rows.len() + kept.rejects.len(), 3, "{text}");
    }
}

#[test]
fn from_a_header_that_comes_again_on_columns_are_where_it_says() {
    let kept = decoded(MEASURED, "x", &b"pm10,no2\n1,10\nno2,pm10\n30,3\nPM10 ,no2,more\n4,40,x\n"[..]).unwrap();
    assert_eq!(kept.rows, ["1.0|10.0", "3.0|30.0", "4.0|40.0"]);
    assert_eq!((kept.rejects.len(), kept.preamble, kept.notes), (0, 2, (0, 1)));
    // Two files of Excel's, one after the other.
    let kept = decoded(MEASURED, "x", "\u{feff}pm10,no2\n1,10\n\u{feff}no2,pm10\n30,3\n".as_bytes()).unwrap();
    assert_eq!(kept.rows, ["1.0|10.0", "3.0|30.0"]);
    // Below other names it is not known which column is which.
    let kept = decoded(MEASURED, "x", &b"pm10,no2\n1,10\nno2,pm10_ug\n30,3\n40,4\npm10,no2\n5,50\n"[..]).unwrap();
    assert_eq!(kept.rows, ["1.0|10.0", "5.0|50.0"]);
    let reasons: Vec<&str> = kept.rejects.iter().map(|reject| reject.split(':').next().unwrap()).collect();
    assert_eq!(reasons, ["3 - missing_column", "4 - missing_column", "5 - missing_column"]);
    assert!(kept.messages[2].contains("line 3 is a header that has no column pm10"), "{}", kept.messages[2]);
    let strings = "format = 'csv'\ncolumn.a = { type = 'string' }\ncolumn.b = { type = 'string' }\n";
    let kept = decoded(strings, "x", &b"a,b,c\n1,2,3\nb,c,a\n2,3,1\na,x,y\nb,a,2\n"[..]).unwrap();
    assert_eq!(kept.rows, ["1|2", "1|2", "y|a", "2|b"], "a name among values makes no header");
    assert_eq!(kept.preamble, 1);
    let never = format!("header = 'never'\n{MEASURED}");
    let kept = decoded(&never, "x", &b"1,10\nno2,pm10\n30,3\n"[..]).unwrap();
    assert_eq!((kept.rows.len(), kept.rejects.len()), (2, 1), "there is no header by declaration");
}

#[test]
fn quotes_around_nothing_are_a_row_of_one_column() {
    let declared = "format = 'csv'\ncolumn.v = { type = 'float64' }\n";
    let kept = decoded(declared, "x", &b"v\n1.0\n\"\"\n\n  \n2.0\n"[..]).unwrap();
    assert_eq!((kept.rows, kept.rejects.len()), (vec!["1.0".to_owned(), "-".to_owned(), "2.0".to_owned()], 0));
    let required = declared.replace("}", ", required = true }");
    assert_eq!(decoded(&required, "x", &b"v\n\"\"\n"[..]).unwrap().rejects, ["2 v missing_value: \"\""]);
}

#[test]
fn a_long_value_in_quotes_is_one_record_with_all_of_its_lines() {
    let inner = |lines: u32| (10..lines).map(|n| format!("{n},phantom,{n}")).collect::<Vec<_>>().join("\n");
    // One value, and several that are too long together.
    for (value, lines) in [
        (format!("\"{}\"", inner(80_000)), 79_990),
        (format!("\"{}\",\"x\"\"y\n{}\"", inner(40_000), inner(40_000)), 79_980),
    ] {
        let text = format!("id,name,v,w\n1,{value},1\n2,b,2,3\nx,b,2,3\n");
        for step in [1 << 20, 4096] {
            let kept = decoded(THREE, "x", Dribble(text.as_bytes(), step)).unwrap();
            assert_eq!(kept.rows, ["2|b|2.0"]);
            let [long, other] = kept.rejects.as_slice() else { panic!("{}", kept.rejects.len()) };
            assert!(long.starts_with("2 - record_too_long: 1,\"10,phantom"), "{}", &long[..60]);
            assert_eq!(*other, format!("{} id not_an_integer: x,b,2,3", lines + 3));
        }
    }
    // What nothing closes is its own line alone, however much comes behind it.
    let text = format!("id,name,v\n1,\"open,1\n{}", "2,b,2\n".repeat(3_000_000));
    let mut rows = 0;
    let declared = decoded_by(THREE, "x.csv", |object, _| {
        struct Counted<'c>(&'c mut usize, usize);
        impl crate::writer::Sink for Counted<'_> {
            fn write(&mut self, batch: &arrow::array::RecordBatch) -> Result<(), Stop> {
                *self.0 += batch.num_rows();
                Ok(())
            }
            fn reject(&mut self, reject: &crate::reject::Reject) -> Result<(), Stop> {
                self.1 += 1;
                assert_eq!((reject.row, reject.reason, self.1), (2, "bad_quote", 1));
                Ok(())
            }
            fn outside(&mut self, _: u64) {}
        }
        super::decode(object, b',', text.as_bytes(), &mut Counted(&mut rows, 0))?;
        Ok(crate::formats::Notes::default())
    });
    assert_eq!((declared.is_ok(), rows), (true, 3_000_000));
}

#[test]
fn texts_keep_the_blanks_around_them() {
    let declared = "format = 'csv'\ncolumn.k = { type = 'string', missing = ['-'] }\ncolumn.v = { type = 'int64' }\n";
    let text = b"k,v\n\"B\",1\n\" B\", 2 \n C ,3\n - ,4\n\" \",5\n";
    assert_eq!(decoded(declared, "x", &text[..]).unwrap().rows, ["B|1", " B|2", " C |3", "-|4", "-|5"]);
    let trimmed = format!("trim = true\n{declared}");
    assert_eq!(decoded(&trimmed, "x", &text[..]).unwrap().rows, ["B|1", "B|2", "C|3", "-|4", "-|5"]);
    let listed = declared.replace("missing = ['-']", "one_of = ['B', 'C', '-']");
    assert_eq!(decoded(&listed, "x", &text[..]).unwrap().rows, ["B|1", "B|2", "C|3", "-|4", "-|5"]);
    let json = declared.replace("csv", "ndjson");
    let text = b"{\"k\":\" A\",\"v\":\" 1 \"}\n{\"k\":\"\",\"v\":\"\"}\n{\"k\":\" \\u0041 \",\"v\":3}\n{\"k\":\" \"}\n";
    assert_eq!(decoded(&json, "x", &text[..]).unwrap().rows, [" A|1", "|-", " A |3", " |-"]);
    assert_eq!(decoded(&format!("trim = true\n{json}"), "x", &text[..]).unwrap().rows, ["A|1", "|-", "A|3", "|-"]);
}

#[test]
fn a_header_that_cannot_be_read_says_what_would_read_it() {
    let street = "format = 'csv'\ndelimiter = ';'\ncolumn.id = { type = 'int64' }\ncolumn.s = { type = 'string', field = 'Straße' }\n";
    for text in [&b"id;Stra\xdfe\n1;a\n"[..], b"id;Stra\xc3\x9fe;Gr\xf6\xdfe\n2;b;x\n", b"Gr\xf6\xdfe\nid;Strasse\n"] {
        let why = why(street, text);
        assert!(
            why.starts_with("not_utf8: line 1 may be the header") && why.contains("encoding = \"windows-1252\""),
            "{why}"
        );
    }
    let found =
        decoded(&street.replace("format", "encoding = 'windows-1252'\nformat"), "x", &b"id;Stra\xdfe\n1;a\n"[..]);
    assert_eq!(found.unwrap().rows, ["1|a"]);
    for (text, delimiter) in
        [("id;name;v\n1;a;1\n", ";"), ("id\tname\tv\n", "\\t"), ("id|name|v\n", "|"), ("1;a;1\n", ";")]
    {
        let why = why(THREE, text.as_bytes());
        assert!(
            why.starts_with("missing_column") && why.contains(&format!("delimiter = \"{delimiter}\"")),
            "{text}: {why}"
        );
    }
    let optional = "format = 'csv'\ncolumn.x = { type = 'int64', optional = true }\n";
    let why = why(optional, b"p,q\n1,2\n");
    assert!(why.contains("the file has none of the columns x;"), "{why}");
}

#[test]
fn a_line_that_is_no_text_is_rejected_as_that_whatever_values_it_has() {
    let kept = csv(&b"customer,kwh,note\n7,1,x\n\0\0\0\n8\xe9,1\n"[..]).unwrap();
    assert_eq!(kept.rows, ["7|1.0|x|x"]);
    assert_eq!(kept.rejects[0], "3 - nul_byte: \0\0\0");
    assert!(kept.rejects[1].starts_with("4 - not_utf8"), "{kept:?}");
}

#[test]
fn an_object_is_named_as_what_it_is() {
    let why = |name: &str, bytes: &[u8]| {
        let mut message = String::new();
        let reason = decoded_by(USAGE, name, |object, sink| {
            let decoded = crate::formats::decode(object, Default::default(), bytes, sink);
            if let Err(Stop::Reject(reject)) = &decoded {
                message.clone_from(&reject.message);
            }
            decoded
        });
        format!("{}: {message}", reason.unwrap_err())
    };
    for page in ["<!DOCTYPE html><table>", "\u{feff}\n <HTML>", "<?xml version='1.0'?><Workbook/>"] {
        let why = why("x.csv", page.as_bytes());
        assert!(why.starts_with("wrong_kind") && why.contains("answered"), "{why}");
    }
    for wide in [&b"\xff\xfe\0\0i\0\0\0"[..], b"\0\0\xfe\xff\0\0\0i"] {
        let why = why("x.csv", wide);
        assert!(why.starts_with("wrong_encoding") && why.contains("UTF-32"), "{why}");
    }
    for name in ["x.csv.gz", "x.csv.zst"] {
        let why = why(name, b"\x1f\x8b\x08\0");
        assert!(why.starts_with("wrong_kind") && why.contains("packed in the object is gzip"), "{why}");
    }
    assert!(why("x.csv", b"PAR1\x15\x04\x15").contains("Parquet"));
}

#[test]
fn a_name_in_a_header_is_no_other_kind() {
    let declared = "format = 'csv'\ncolumn.par1 = { type = 'int64' }\n";
    assert_eq!(decoded(declared, "x", "PAR1,µmol\r\n\t7,8\r\n".as_bytes()).unwrap().rows, ["7"]);
    let declared = "format = 'csv'\nheader = 'never'\ncolumn.page = { type = 'string' }\n";
    assert_eq!(decoded(declared, "x", &b"<html>\n"[..]).unwrap().rows, ["<html>"]);
}

/// Counts the bytes that are read of an endless stream.
struct Endless(u8, u64);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        buffer.fill(self.0);
        self.1 += buffer.len() as u64;
        Ok(buffer.len())
    }
}

#[test]
fn a_record_that_is_too_long_is_rejected_alone_in_bounded_memory() {
    const LONG: u64 = 40 * 1024 * 1024;
    let header = "customer,kwh,note\n7,1,";
    for (head, byte) in
        [(header, b'x'), (header, b','), ("customer,kwh,note\n7,1,\"", b'x'), ("customer,kwh,note\n7,1,\"", b'"')]
    {
        let mut endless = Endless(byte, 0);
        let text = head.as_bytes().chain((&mut endless).take(LONG)).chain(&b"\r\n8,2,y\nx,2,y"[..]);
        let kept = csv(text).unwrap();
        assert_eq!(kept.rows, ["8|2.0|y|y"], "{head}{byte}");
        let [long, other] = kept.rejects.as_slice() else { panic!("{:?}", kept.rejects.len()) };
        assert!(long.starts_with("2 - record_too_long: 7,1,") && long.len() < 5_000, "{head}{byte}");
        assert_eq!(other, "4 customer not_an_integer: x,2,y");
    }
    // One that is just too long, but ends within what is at hand.
    let text = format!("customer,kwh,note\n7,1,{}\n8,2,y\n", "x".repeat(MAX_RECORD));
    let kept = csv(text.as_bytes()).unwrap();
    assert_eq!((kept.rows.len(), &kept.rejects[0][..20]), (1, "2 - record_too_long:"));
    // The first one may be the header.
    for (head, byte) in [("", b'x'), ("1,2,\"", b'"'), ("", b',')] {
        let mut endless = Endless(byte, 0);
        assert_eq!(csv(head.as_bytes().chain((&mut endless).take(LONG))).unwrap_err(), "record_too_long", "{head}");
    }
    let mut endless = Endless(b'[', 0);
    let declared = "format = 'ndjson'\ncolumn.a = { type = 'int64' }\n";
    let text = (&b"{\"a\":"[..]).chain((&mut endless).take(LONG)).chain(&b"\n{\"a\":1}\n"[..]);
    let kept = decoded(declared, "x", text).unwrap();
    assert_eq!((kept.rows, kept.rejects.len()), (vec!["1".to_owned()], 1));
    assert!(kept.rejects[0].starts_with("1 - line_too_long: {"), "{}", &kept.rejects[0][..40]);
}

#[test]
fn many_columns_and_long_numbers_are_just_values() {
    let names: String = (0..100_000).map(|n| format!("c{n},")).collect();
    let text = format!("{names}note,kwh,customer\n{}y,1.5,7\n{}x,2,z\n", "1,".repeat(100_000), ",".repeat(100_000));
    let kept = csv(text.as_bytes()).unwrap();
    assert_eq!((kept.rows, kept.notes), (vec!["7|1.5|y|y".to_owned()], (0, 100_000)));
    assert!(kept.rejects[0].starts_with("3 customer not_an_integer"));
    let digits = "1".repeat(1_000_000);
    let kept = csv(format!("customer,kwh,note\n{digits},1,\n1,{digits},\n2,0.{digits},\n").as_bytes()).unwrap();
    assert_eq!(kept.rows, ["2|0.1111111111111111|-|-"]);
    let reasons: Vec<_> = kept.rejects.iter().map(|reject| &reject[..reject.find(':').unwrap()]).collect();
    assert_eq!(reasons, ["2 customer not_an_integer", "3 kwh out_of_range"]);
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        notes in prop::collection::vec("[a-z,\"\n\r é]{0,12}[a-z]", 0..40),
        step in 1_usize..64,
        end in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let lines: Vec<String> = notes.iter().zip(1..).map(|(note, n)| format!("{n},{n}.5,{}{end}", quoted(note))).collect();
        let text = format!("customer,kwh,note{end}{}", lines.concat());
        let kept = csv(Dribble(text.as_bytes(), step)).unwrap();
        let expected: Vec<String> =
            notes.iter().zip(1..).map(|(note, n)| format!("{n}|{n}.5|{note}|{note}")).collect();
        prop_assert_eq!(kept.rows, expected);
        prop_assert!(kept.rejects.is_empty());
    }

    #[test]
    fn any_bytes_end_in_rows_rejects_or_a_reason(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = csv(bytes.as_slice());
    }
}

#[test]
fn a_carriage_return_alone_ends_a_line_only_where_no_line_feed_does() {
    let declared = "format = 'csv'\ncolumn.id = { type = 'int64' }\ncolumn.note = { type = 'string' }\n";
    for (text, wanted) in [
        ("id,note\n1,line one\rline two\n2,b\n", &["1|line one\rline two", "2|b"][..]),
        ("id,note\r\n1,\"a\rb\"\r\n2,c\rd,\r\n", &["1|a\rb", "2|c\rd"]),
        ("id,note\r1,a\r2,\"b\nc\"\r", &["1|a", "2|b\nc"]),
        ("sep=;\rid;note\r1;\"a\nb\"\r", &["1|a\nb"]),
        ("id,note\r\r\n1,a\r\r\n2,b\r\r\n", &["1|a", "2|b"]),
        ("id,note\n1,a\n2,b\r", &["1|a", "2|b"]),
        ("id,note\r", &[]),
        ("id,note\r1,a\r2,b\r\n", &["1|a", "2|b"]),
        ("id,note\r1,a\r2,b\n", &["1|a", "2|b"]),
        ("id,note\r1,a\n", &["1|a"]),
        ("sep=,\rid,note\r1,a\n", &["1|a"]),
        ("id,note\r1,a\r2,b\r\n\u{1a}", &["1|a", "2|b"]),
    ] {
        let kept = decoded(declared, "x.csv", text.as_bytes()).unwrap();
        assert_eq!(kept.rows, wanted, "{text:?}");
        assert!(kept.rejects.is_empty(), "{text:?} {:?}", kept.rejects);
    }
    let never = format!("header = 'never'\n{declared}");
    let kept = decoded(&never, "x.csv", &b"1,line one\rline two\n"[..]).unwrap();
    assert_eq!(kept.rows, ["1|line one\rline two"], "one row");
    let find = format!("header = 'find'\n{declared}");
    let kept = decoded(&find, "x.csv", &b"Report\rid,note\r1,a\n"[..]).unwrap();
    assert_eq!((kept.rows.concat().as_str(), kept.preamble), ("1|a", 1));
    let kept = decoded(declared, "x.csv", &b"id,note\n1,\"a\"\rb\n\r2,c\n3,d\n"[..]).unwrap();
    assert_eq!(kept.rows, ["2|c", "3|d"]);
    assert_eq!(kept.rejects, ["2 - bad_quote: 1,\"a\"\rb"]);
}

#[test]
fn blanks_around_quotes_are_passed_where_the_table_says_so() {
    let declared = "format = 'csv'\ncolumn.id = { type = 'int64' }\ncolumn.name = { type = 'string' }\n";
    let text = b"\"id\", \"name\"\n1, \"Doe, J\"\n\"2\" , x\n3,  \"a \"\"b\"\"\" \n";
    let kept = decoded(&format!("skip_blanks = true\n{declared}"), "x.csv", &text[..]).unwrap();
    assert_eq!(kept.rows, ["1|Doe, J", "2| x", "3|a \"b\""]);
    assert_eq!(decoded(declared, "x.csv", &text[..]).unwrap_err(), "bad_quote");
    let kept = decoded(declared, "x.csv", &b"id,name\n1, \"Doe\"\n2, x\n"[..]).unwrap();
    assert_eq!((kept.rows, kept.rejects), (vec!["2| x".to_owned()], vec!["2 - bad_quote: 1, \"Doe\"".to_owned()]));
}

#[test]
fn a_file_of_dos_ends_with_its_mark() {
    let declared = "header = 'always'\ncolumn.name = { type = 'string' }\n";
    for (text, rows, rejects) in [
        ("name\r\na\r\n\u{1a}", &["a"][..], 0),
        ("name\r\na\r\n\u{1a}\u{1a}\r\n", &["a"], 0),
        ("name\r\na\r\n\u{1a}b\r\n", &["a", "\u{1a}b"], 0),
    ] {
        for step in [1, 3, 100] {
            let kept = decoded(declared, "x.csv", Dribble(text.as_bytes(), step)).unwrap();
            assert_eq!((kept.rows, kept.rejects.len()), (rows.iter().map(|row| (*row).to_owned()).collect(), rejects));
        }
    }
}

#[test]
fn a_byte_order_mark_of_a_file_that_was_joined_is_no_part_of_a_value() {
    let declared = "column.name = { type = 'string' }\ncolumn.v = { type = 'int64' }\n";
    for step in [1, 2, 7, 1000] {
        let joined = "\u{feff}name,v\na,1\n\u{feff}name,v\nb,2\n\u{feff}\"name\",\"v\"\r\n\"c\",3\n\u{feff}";
        let kept = decoded(declared, "x.csv", Dribble(joined.as_bytes(), step)).unwrap();
        assert_eq!(
            (kept.rows, kept.rejects, kept.preamble),
            (vec!["a|1".into(), "b|2".into(), "c|3".into()], vec![], 2)
        );
        let never = format!("header = 'never'\n{declared}");
        let joined = "\u{feff}\u{feff}a,1\n\u{feff}b,2\n\u{feff}\"c\",3\n";
        let kept = decoded(&never, "x.csv", Dribble(joined.as_bytes(), step)).unwrap();
        assert_eq!((kept.rows, kept.rejects), (vec!["a|1".into(), "b|2".into(), "c|3".into()], vec![]));
        // Without a line end between them.
        let joined = "\u{feff}name,v\na,1\u{feff}name,v\nb,2\n";
        let kept = decoded(declared, "x.csv", Dribble(joined.as_bytes(), step)).unwrap();
        assert_eq!(kept.rows, ["b|2"]);
        assert!(kept.messages[0].contains("files were joined without a line end"), "{:?}", kept.messages);
        let joined = "\u{feff}name\na\u{feff}name\nb\n";
        let kept = decoded(
            "header = 'always'\ncolumn.name = { type = 'string' }\n",
            "x.csv",
            Dribble(joined.as_bytes(), step),
        );
        let kept = kept.unwrap();
        assert_eq!((kept.rows.concat(), kept.rejects.len()), ("b".to_owned(), 1));
        assert!(kept.rejects[0].starts_with("2 - wrong_column_count"), "{:?}", kept.rejects);
    }
}

#[test]
fn names_of_a_series_are_no_first_row() {
    let years = "format = 'csv'\ncolumn.country = { type = 'string' }\ncolumn.a = { type = 'float64', field = '1990' }\ncolumn.b = { type = 'float64', field = '1991' }\n";
    for text in [
        "land,1993,1994\nBE,5,6\n",
        ",1993,1994\nBE,5,6\n",
        "land,1993,1994\n",
        "land,2024,2023\nBE,5,6\n",
        "land,1993,1995\nBE,1000,1001\n",
    ] {
        assert_eq!(decoded(years, "x", text.as_bytes()).unwrap_err(), "unclear_header", "{text}");
    }
    for text in ["BE,5,6\nFR,7,8\n", "BE,5.25,6.25\n", "BE,1993,\nFR,1,2\n", "BE,5012,4312\nFR,7,8\n"] {
        assert!(decoded(years, "x", text.as_bytes()).is_ok_and(|kept| kept.rejects.is_empty()), "{text}");
    }
    let declared = |columns: &[(&str, &str, &str)]| {
        let column = |(name, kind, field): &(&str, &str, &str)| {
            format!("column.{name} = {{ type = '{kind}', field = '{field}' }}\n")
        };
        format!("format = 'csv'\n{}", columns.iter().map(column).collect::<String>())
    };
    let one = declared(&[("name", "string", "name"), ("v", "int64", "2023")]);
    assert_eq!(decoded(&one, "x", &b"naam,2024\na,5\n"[..]).unwrap_err(), "unclear_header");
    assert_eq!(decoded(&one, "x", &b"naam,5\na,7\n"[..]).unwrap().rows, ["naam|5", "a|7"]);
    let plain = declared(&[("x", "string", "x"), ("y", "float64", "y"), ("z", "float64", "z"), ("w", "float64", "w")]);
    let whole = plain.replace("'string'", "'int64'");
    for (table, text) in [
        (&plain, "land,1993,1994,1995\nBE,5,6,7\n"),
        (&plain, ",0,1,2\nBE,5,6.5,7\nFR,4,1,1\n"),
        (&whole, "p,1993,1994,1995\n1,5,6,7\n"),
        (&whole, ",1993,1994,1995\n1,5,6,7\n"),
        (&whole, "p,0,1,2\n1,5,6.5,7\n2,4,1,1\n"),
    ] {
        assert_eq!(decoded(table, "x", text.as_bytes()).unwrap_err(), "unclear_header", "{text}");
        assert!(decoded(&format!("header = 'never'\n{table}"), "x", text.as_bytes()).is_ok(), "{text}");
    }
    // Rows of files without a header.
    for (table, text) in [
        (&plain, "A,2019,2020,2021\nB,2018,2019,2020\n"),
        (&plain, "A,2019,2020,2021\n"),
        (&plain, "A,1,2,3\nB,7,5,5\n"),
        (&plain, ",1,2,3\n,7,5,5\n"),
        (&plain, ",1,2,3\nA,4,5,6\n"),
        (&plain, ",5,9,7\nA,4,5,1\n"),
        (&whole, "1,2,3,4\n2,7,5,5\n"),
        (&whole, "q,1,2,3\nr,7,5,5\n"),
    ] {
        assert!(decoded(table, "x", text.as_bytes()).is_ok(), "{text}");
    }
}

#[test]
fn rows_of_dates_are_rows() {
    let dates = "format = 'csv'\ncolumn.x = { type = 'string' }\ncolumn.begun = { type = 'date', format = '%d/%m/%Y' }\ncolumn.ended = { type = 'date', format = '%d/%m/%Y' }\n";
    let kept = decoded(dates, "x", &b"A,1/1/2024,2/1/2024\nB,10/12/2024,11/12/2024\n"[..]).unwrap();
    assert_eq!(kept.rows, ["A|2024-01-01|2024-01-02", "B|2024-12-10|2024-12-11"]);
    let days = "format = 'csv'\ncolumn.x = { type = 'string' }\ncolumn.a = { type = 'int64' }\ncolumn.b = { type = 'int64' }\n";
    assert_eq!(decoded(days, "x", &b"K,20240101,20240102\nL,20241210,20241211\n"[..]).unwrap().rows.len(), 2);
    assert_eq!(decoded(days, "x", &b"plaats,20240101,20240102\nL,5,6\n"[..]).unwrap_err(), "unclear_header");
}

#[test]
fn other_names_of_a_series_below_rows_are_a_header() {
    let years = "format = 'csv'\ncolumn.country = { type = 'string' }\ncolumn.a = { type = 'float64', field = '1990' }\ncolumn.b = { type = 'float64', field = '1991' }\n";
    let kept =
        decoded(years, "x", &b"country,1990,1991\nBE,1,2\ncountry,1993,1994\nFR,3,4\ncountry,1991,1990\nDE,5,6\n"[..]);
    let kept = kept.unwrap();
    assert_eq!(kept.rows, ["BE|1.0|2.0", "DE|6.0|5.0"]);
    assert_eq!(kept.rejects, ["3 - missing_column: country,1993,1994", "4 - missing_column: FR,3,4"]);
    // A value that is called as a column is.
    let kept = decoded(years, "x", &b"country,1990,1991\ncountry,x,y\nFR,3,4\ncountry,7,8\n"[..]).unwrap();
    assert_eq!(kept.rows, ["FR|3.0|4.0", "country|7.0|8.0"]);
    assert_eq!(kept.rejects, ["2 a not_a_number: country,x,y"]);
}
