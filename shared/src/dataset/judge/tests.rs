use serde_json::value::RawValue;

use super::*;
use crate::dataset::{Catalog, Column};

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

/// What becomes of values, a letter each: a value, missing, refused.
fn judged(declared: &str, values: &[&str]) -> String {
    let column = Column::from_declaration(declared).unwrap();
    letters(values.iter().map(|value| column.judge(Some(&raw(value)))))
}

fn letters(verdicts: impl Iterator<Item = Verdict>) -> String {
    verdicts
        .map(|verdict| match verdict {
            Verdict::Value => 'v',
            Verdict::Missing => 'm',
            Verdict::Refused => 'r',
        })
        .collect()
}

#[test]
fn values_are_judged_by_type_and_rules() {
    for (declared, values, wanted) in [
        ("type = \"string\"", &["\"a\"", "\"\"", "5", "true", "null", "[1]", "{}", "\"\\ud800\""][..], "vvvvmrrr"),
        ("type = \"string\"\nmissing = [\"\"]\nrequired = true", &["\"a\"", "\" \"", "null"], "vrr"),
        ("type = \"string\"\npattern = \"^a\"", &["\"ab\"", "\"b\""], "vr"),
        ("type = \"string\"\none_of = [\"a\"]", &["\"a\"", "\"b\""], "vr"),
        ("type = \"string\"\nextract = \"^(a+)\"", &["\"aab\"", "\"b\""], "vm"),
        ("type = \"int64\"", &["5", "5.0", "5.5", "\"5\"", "\"abc\"", "1e30", "1e2", "true", "\" \""], "vvrvrrvrm"),
        ("type = \"int64\"\nround = true", &["5.5", "1e300", "\"1e2\""], "vrv"),
        ("type = \"int64\"\nmin = 0", &["0", "-1"], "vr"),
        ("type = \"float64\"", &["1e999", "\"1.5\"", "\"NaN\"", "\"inf\"", "\"1,5\"", "-0.0"], "rvrrrv"),
        ("type = \"float64\"\ndecimal = \",\"", &["\"1,5\"", "\"1.5\"", "1.5"], "vrv"),
        ("type = \"float64\"\nmissing = [\"NaN\", -99.99]\nmin = -10", &["-99.99", "\"NaN\"", "-500", "-10"], "mmrv"),
        ("type = \"bool\"", &["\"T\"", "true", "0", "\"maybe\"", "2"], "vvvrr"),
        ("type = \"date\"", &["\"2024-11-05\"", "\"2024-13-45\"", "\"24-11-05\"", "\"12024-11-05\"", "5"], "vrrrr"),
        (
            "type = \"date\"\nnull_before = \"2001-01-01\"",
            &["\"1970-01-01\"", "\"2001-01-01\"", "\"0000-00-00\""],
            "mvr",
        ),
        ("type = \"timestamp\"", &["\"2024-11-05T10:00:00Z\"", "\"2024-11-05T24:00:00Z\"", "\"2024-11-05\""], "vvr"),
        ("type = \"timestamp\"\nformat = \"epoch_ms\"", &["1763424000000", "\"x\"", "1.5", "9e300"], "vrvr"),
        (
            "type = \"timestamp\"\nformat = \"%Y-%m-%d %H:%M:%S\"\nzone = \"Europe/Brussels\"",
            &["\"2024-08-20 09:12:33\"", "\"2024-10-27 02:30:00\"", "\"2024-03-31 02:30:00\"", "\"2024-08-20\""],
            "vvrr",
        ),
    ] {
        assert_eq!(judged(declared, values), wanted, "{declared}: {values:?}");
    }
}

#[test]
fn counts_and_measurements_are_judged_by_their_formats() {
    let count = Column::from_declaration("type = \"int64\"\nmax = 100").unwrap();
    let counts =
        ["5", "5.0", "\" 5 \"", "\"5.0\"", "1.5", "1e30", "1e999", "null", "true", "{}", "101", "2.0000000000000001"]
            .map(raw);
    assert_eq!(letters(counts.iter().map(|value| count.judge_count(Some(value)))), "vvvrrrrmrrrr");
    let value = Column::from_declaration("type = \"float64\"\nmissing = [\"NaN\", -9999]\nmin = -10").unwrap();
    let values = ["5", "\"5\"", "\"abc\"", "\"NaN\"", "-9999", "-500", "1e999", "null", "true", "\"\\ud800\""].map(raw);
    assert_eq!(letters(values.iter().map(|one| value.judge_number(Some(one)))), "vrrmmrrmrm");
    assert_eq!((count.judge_count(None), value.judge_number(None)), (Verdict::Missing, Verdict::Missing));
}

#[test]
fn a_row_is_taken_if_no_column_refuses_it() {
    let catalog = Catalog::built_in();
    let table = catalog.dataset("illuminate").unwrap().table("result_group").unwrap();
    let row = |more: &str| table.judge(&format!("{{\"assessment_id\":1,\"local_student_id\":\"7\"{more}}}"), "{}");
    for (more, is_taken) in [
        ("", true),
        (",\"points\":null,\"date_taken\":\"\"", true),
        (",\"points\":\"abc\"", false),
        (",\"date_taken\":\"2024-13-45\"", false),
        (",\"assessment_id\":null", false),
        (",\"points\":\"abc\",\"points\":3", true),
    ] {
        assert_eq!(row(more).is_taken(), is_taken, "{more}");
    }
    assert!(!table.judge("null", "{}").is_taken() && !table.judge("[1]", "{}").is_taken());
    let account = catalog.dataset("codetrack").unwrap().table("account").unwrap();
    assert!(account.judge("{}", "{\"learner\":43}").is_taken() && !account.judge("{}", "{}").is_taken());
}

#[test]
fn a_blank_text_is_taken_and_says_nothing() {
    let catalog = Catalog::built_in();
    let table = catalog.dataset("irceline").unwrap().table("timeseries").unwrap();
    let uom = |uom: &str| {
        let judged = table.judge(&format!("{{\"id\":\"7\",\"uom\":{uom}}}"), "{}");
        (judged.is_taken(), judged.of(table, "uom"))
    };
    for (text, verdict) in [
        ("\"\"", Verdict::Missing),
        ("\" \\t\"", Verdict::Missing),
        ("null", Verdict::Missing),
        ("\"mg\"", Verdict::Value),
    ] {
        assert_eq!(uom(text), (true, Some(verdict)), "{text}");
    }
    assert!(!table.judge("{\"id\":\" \"}", "{}").is_taken(), "an id has a text");
    let last = |stamp: &str| {
        table.judge(&format!("{{\"id\":\"7\",\"lastValue\":{{\"timestamp\":{stamp}}}}}"), "{}").is_taken()
    };
    for (stamp, is_taken) in [
        ("1763424000000", true),
        ("null", true),
        ("\"abc\"", false),
        ("100000000000000000", false),
        ("-62135596800001", false),
        ("-62135596800000", true),
    ] {
        assert_eq!(last(stamp), is_taken, "{stamp}");
    }
}
