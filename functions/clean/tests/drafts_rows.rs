#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! First lines that may be a header, units or a row, and types that a sample shows a part of.

mod drafting;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, TimestampMicrosecondArray};

use self::drafting::{csv, drafted, parquet_of, said};

#[test]
fn a_first_line_of_texts_that_may_be_a_row_is_said() {
    let rows = csv("", 60, |at| format!("S{at},{at}.5"));
    let says = "line 1 is taken for the header, as texts above other values";
    let draft = drafted("a.csv", format!("Pump,offline\n{rows}"), 60, 0, &[]);
    assert!(said(&draft, says) && said(&draft, "if it is a row, write header = \"never\""), "{:?}", draft.notes);
    for header in ["station,level", "meter_id,v", "Pump,kwh_total", "name,v", "Pump,Level (m)"] {
        let draft = drafted("a.csv", format!("{header}\n{rows}"), 60, 0, &[]);
        assert!(!said(&draft, says), "{header}: {:?}", draft.notes);
    }
    // Nothing is called so that is in place of a number, or that is written as the values below it.
    for (first, rejected) in [("S99,<0.5", 1), ("S99,error", 1), ("Uccle,missing", 0), ("S99,n/a", 0)] {
        let draft = drafted("a.csv", format!("{first}\n{rows}"), 61 - rejected, rejected, &["header = \"never\""]);
        assert!(said(&draft, "line 1 "), "{first}: {:?}", draft.notes);
    }
}

#[test]
fn a_line_of_units_may_have_what_its_column_is_called() {
    let at = |n: u32| format!("2026-11-{:02} {:02}:00:00", n / 24 + 1, n % 24);
    for (header, units) in
        [("meter_id,at,kWh", ",UTC,kWh"), ("meter_id,at,bar", "m3,UTC,bar"), ("m3,at,bar", "m3,UTC,bar")]
    {
        let text = csv(&format!("{header}\n{units}\n"), 60, |n| format!("{},{},{n}.5", 100 + n % 2, at(n / 2)));
        let draft = drafted("a.csv", text, 60, 1, &["type = \"timestamp\""]);
        assert!(said(&draft, "the line below the header is no row (units or marks)"), "{header}: {:?}", draft.notes);
    }
}

#[test]
fn a_first_row_with_marks_or_words_is_no_line_of_units() {
    let rows = csv("", 60, |at| format!("S{at},{at}.5,{}", at * 2));
    let says = "the line below the header is no row";
    for first in ["S99,<0.5,<1", "S99,offline,offline", "S99,err,err", "S99,>90,"] {
        let draft = drafted("a.csv", format!("station,level,flow\n{first}\n{rows}"), 60, 1, &["type = \"float64\""]);
        assert!(!said(&draft, says), "{first}: {:?}", draft.notes);
    }
    for units in [",m,m3/s", "text,float,int", "-,NTU,FNU", ",%,°C"] {
        let draft = drafted("a.csv", format!("station,level,flow\n{units}\n{rows}"), 60, 1, &["type = \"float64\""]);
        assert!(said(&draft, says), "{units}: {:?}", draft.notes);
    }
}

#[test]
fn timestamps_of_parquet_stay_such_where_all_are_midnights() {
    let day = |at: i64| 1_767_225_600_000_000 + at * 86_400_000_000;
    for zone in [None, Some("UTC")] {
        let times = TimestampMicrosecondArray::from_iter_values((0..40).map(|at| day(at / 2))).with_timezone_opt(zone);
        let columns: [(&str, ArrayRef); 2] =
            [("meter_id", Arc::new(Int64Array::from_iter_values((0..40).map(|at| at % 2)))), ("at", Arc::new(times))];
        drafted(
            "a.parquet",
            parquet_of(columns),
            40,
            0,
            &["column.at]\ntype = \"timestamp\"", "key = [\"meter_id\", \"at\"]"],
        );
    }
}

#[test]
fn a_third_word_beside_yes_and_no_is_said_with_its_count() {
    let text = csv("id,is_open\n", 60, |at| format!("{at},{}", ["yes", "no", "unknown"][at as usize % 3]));
    let draft = drafted("a.csv", text, 60, 0, &["type = \"bool\"", "missing = [\"unknown\"]"]);
    let says = "20 values of the sample are neither true nor false, but unknown, which is read as no value";
    assert!(said(&draft, says), "{:?}", draft.notes);
    let text = csv("id,is_open\n", 60, |at| format!("{at},{}", ["yes", "no", ""][at as usize % 3]));
    assert!(!said(&drafted("a.csv", text, 60, 0, &["type = \"bool\""]), "neither true nor false"));
}
