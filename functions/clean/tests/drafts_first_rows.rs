#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! First rows of files without a header that have blanks, texts or words in place of values, and what stands in their place.

mod drafting;

use self::drafting::{csv, drafted, said, tried};

fn at(n: u32) -> String {
    format!("2026-03-{:02} {:02}:00", n / 24 + 1, n % 24)
}

#[test]
fn first_rows_without_a_last_value_are_rows() {
    for (file, mark) in [("a.csv", ','), ("a.csv", ';'), ("a.tsv", '\t')] {
        for blanks in [1, 17] {
            for blank in ["", "\"\""] {
                let value = |n: u32| if n < blanks { blank.to_owned() } else { (n % 7).to_string() };
                let text = csv("", 60, |n| format!("S{}{mark}{}{mark}{}", n % 3, at(n), value(n)));
                let draft = drafted(file, text, 60, 0, &["header = \"never\""]);
                assert!(!draft.dataset_toml.contains("skip_lines"), "{}", draft.dataset_toml);
            }
        }
    }
    // Numbers alone, words for no value, several blanks, an empty column, and remarks that few rows have.
    let numbers = csv("7,,\n", 40, |n| format!("{n},{},{}", n * 3 % 7, n * 5 % 11));
    let words = csv("S1,n/a,\nS2,,\n", 40, |n| format!("S{n},{n}.5,late"));
    let empty = csv("", 40, |n| format!("S{n},,{n}.5,{}", if n < 9 { "" } else { "late" }));
    let few = csv("", 40, |n| format!("S{n},{},{n}.5,{}", at(n), if n == 20 { "late" } else { "" }));
    for (text, rows) in [(numbers, 41), (words, 42), (empty, 40), (few, 40)] {
        let draft = drafted("a.csv", &text, rows, 0, &["header = \"never\""]);
        assert!(!draft.dataset_toml.contains("skip_lines"), "{text}\n{}", draft.dataset_toml);
    }
}

#[test]
fn a_first_whole_row_below_others_is_no_header() {
    // Of texts alone, and of words where others have numbers.
    let state = |n: u32| ["open", "closed"][n as usize % 2];
    for remark in [|n: u32| format!("seen {n}"), |_| "seen".to_owned(), |n| format!("Seen-{n}x")] {
        let text = csv("", 60, |n| format!("Gent {n},{},{}", state(n), if n < 17 { String::new() } else { remark(n) }));
        drafted("a.csv", text, 60, 0, &["header = \"never\"", "column.column_3]"]);
    }
    let row = |n: u32| match n {
        0..9 => format!("S{},ok,{n}.5,", n % 3),
        9 => "S1,broken,error,pump off".to_owned(),
        _ => format!("S{},ok,{n}.5,{}", n % 3, if n.is_multiple_of(9) { "seen" } else { "" }),
    };
    let draft = drafted("a.csv", csv("", 60, row), 59, 1, &["header = \"never\""]);
    assert!(!draft.dataset_toml.contains("skip_lines"), "{}", draft.dataset_toml);
    let row = |n: u32| format!("Leie;{};{n}.5", if n < 20 { "Gent" } else { "Deinze" });
    drafted("a.csv", csv("Post;Gent;\nrivier;post;stand\n", 40, row), 40, 0, &["header = \"find\"", "column.post]"]);
    // Lines about a table are none, though they have blanks, and values of its kinds.
    for head in [
        "Report;of May;\nname;city;remark\n",
        "Report;of May;\nWater;Ground;Sky\n",
        "Lat;50.1;\nLon;4.3;\nAlt;12;\nDepth;3;\nStation;Level;Remark\n",
    ] {
        let number = head.starts_with("Lat");
        let text = csv(head, 40, |n| match number {
            true => format!("Gent;{n}.5;late"),
            false => format!("Ann {n};Town {};seen {}", n % 5, n % 3),
        });
        drafted("a.csv", text, 40, 0, &["header = \"find\""]);
    }
}

#[test]
fn lines_that_are_left_out_and_may_be_rows_are_said() {
    let row = |n: u32| format!("S{},{},late", n % 3, at(n));
    // Of fewer fields.
    let text = csv("", 60, |n| if n < 17 { format!("S{},{}", n % 3, at(n)) } else { row(n) });
    let draft = drafted("a.csv", text, 43, 0, &["skip_lines = 17"]);
    assert!(said(&draft, "17 from line 1 to line 17 may be rows"), "{:?}", draft.notes);
    assert!(said(&draft, "if they are rows, leave skip_lines out"), "{:?}", draft.notes);
    let text = csv("Export of May\nS1,2026-02-28 23:00\n", 60, row);
    let draft = drafted("a.csv", text, 60, 0, &["skip_lines = 2"]);
    assert!(
        said(&draft, "line 2 may be a row, and skip_lines leaves it out") && said(&draft, "write skip_lines = 1"),
        "{:?}",
        draft.notes
    );
    let text = csv("Gent,,\n", 60, |n| format!("S{},{},{n}", n % 3, at(n)));
    let draft = drafted("a.csv", text, 60, 0, &["skip_lines = 1"]);
    assert!(said(&draft, "line 1 may be a row, and skip_lines leaves it out"), "{:?}", draft.notes);
    // A title alone is none, and a name alone is a row.
    let text = csv("Report of May,,\n", 60, |n| format!("S{},{},{n}", n % 3, at(n)));
    assert!(!said(&drafted("a.csv", text, 60, 0, &["skip_lines = 1"]), "may be a row"));
    let text = csv("S1,,\nS2,,\n", 60, |n| format!("S{},{},{n}", n % 3, at(n)));
    let draft = drafted("a.csv", text, 62, 0, &["header = \"never\""]);
    let says = "the first row has texts alone, and blanks where others have numbers or times";
    assert!(said(&draft, says) && said(&draft, "write skip_lines = 2"), "{:?}", draft.notes);
}

#[test]
fn a_first_row_with_the_same_text_twice_is_a_row() {
    let state = |n: u32| ["open", "closed"][n as usize % 2].to_owned();
    let rows =
        |head: &str, last: &dyn Fn(u32) -> String| csv(head, 30, |n| format!("Village{n},Town{},{}", n % 5, last(n)));
    let says = "line 1 may be a header or a row, and is taken for a row";
    for (first, rejected) in [("Gent,Gent,open", 0), ("Gent,Gent,offline", 1), ("Gent,Gent,", 0), ("Gent,gent,open", 0)]
    {
        let text = match first.ends_with("open") {
            true => rows(&format!("{first}\n"), &state),
            false => rows(&format!("{first}\n"), &|n| n.to_string()),
        };
        let draft = drafted("a.csv", text, 31 - rejected, rejected, &["header = \"never\""]);
        assert!(!draft.dataset_toml.contains("skip_lines") && said(&draft, says), "{first}: {:?}", draft.notes);
    }
    // Names that columns are called by, and texts above numbers, of which the second may be a row.
    for head in ["name,name,status\n", "Town,Town,status\n", "id,remark,remark\n"] {
        let draft = drafted("a.csv", rows(head, &state), 30, 0, &["skip_lines = 1"]);
        assert!(said(&draft, "two columns of the header have the same name"), "{head}: {:?}", draft.notes);
    }
    let draft = drafted("a.csv", csv("Top,Top,Hum\n", 30, |n| format!("{n},{n},{n}")), 30, 0, &["skip_lines = 1"]);
    assert!(said(&draft, "line 1 is taken for names: if it is a row, leave skip_lines out"), "{:?}", draft.notes);
}

#[test]
fn a_word_for_no_value_is_no_name() {
    let rows = csv("", 40, |n| format!("S{n},{}", n * 3 % 17));
    let words = ["n.v.t.", "#REF!", "k.A.", "NaN", "-", "null", "#WERT!", "s.o.", "n/a", "?", "unknown", ""];
    for word in words {
        let draft = drafted("a.csv", format!("Gent,{word}\n{rows}"), 41, 0, &["header = \"never\""]);
        let says = "line 1 may be a header or a row, and is taken for a row";
        assert!(said(&draft, says), "{word}: {:?}", draft.notes);
    }
    // Where it stays the header, it is said.
    for first in ["Gent,ERR", "total,ERR", "Gent,offline"] {
        let draft = drafted("a.csv", format!("{first}\n{rows}"), 40, 0, &[]);
        assert!(said(&draft, "line 1 is taken for the header, as texts above"), "{first}: {:?}", draft.notes);
    }
    let draft = drafted("a.csv", format!("Export of May\nPump,offline\n{rows}"), 40, 0, &["header = \"find\""]);
    assert!(said(&draft, "if it is a row, write header = \"never\" and skip_lines = 1"), "{:?}", draft.notes);
    for first in ["station,NO", "country,total", "name,", "ref,count"] {
        let draft = drafted("a.csv", format!("{first}\n{rows}"), 40, 0, &[]);
        assert!(!draft.dataset_toml.contains("never") && !said(&draft, "taken for the header"), "{:?}", draft.notes);
    }
}

#[test]
fn a_line_of_which_each_value_is_in_brackets_is_no_header() {
    for names in ["site,time,level", "plek,wanneer,hoogte"] {
        for units in
            ["(text),(date),(m)", "[text],[date],[m]", "(id),(time),(value)", "(station name),(date of it),[m]"]
        {
            let text = csv(&format!("{names}\n{units}\n"), 40, |n| format!("S{},{},{n}.5", n % 3, at(n)));
            let columns: Vec<String> = names.split(',').map(|name| format!("column.{name}]")).collect();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            let draft = drafted("a.csv", text, 40, 1, &columns);
            assert!(said(&draft, "the line below the header is no row (units or marks)"), "{units}: {:?}", draft.notes);
        }
    }
    // Above the names, they are not these either.
    let text = csv("(text),(date),(m)\nplek,wanneer,hoogte\n", 40, |n| format!("S{},{},{n}.5", n % 3, at(n)));
    drafted("a.csv", text, 40, 0, &["header = \"find\"", "column.wanneer]"]);
}

#[test]
fn decimals_and_ranges_with_an_open_end_are_names() {
    for (head, name) in [
        ("depth,0.5,1.0,1.5,2.0", "field = \"0.5\""),
        ("area,0-4,5-9,10-14,15+", "field = \"15+\""),
        ("area,<5,5-9,10-14,15+", "field = \"15+\""),
    ] {
        let text = csv(&format!("{head}\n"), 20, |n| format!("A{n},{},{},{},{}", n * 3, n * 5, n, n * 2));
        drafted("a.csv", text, 20, 0, &[name]);
    }
    // Rows that are alike are none.
    for first in ["A0,0.5,1.0,1.5,2.0", "B,0.5,1.0,1.5,1.9", "A0,4,1,3,15+", "B,4,1,3,15+"] {
        let text = csv(&format!("{first}\n"), 20, |n| format!("A{n},{},{},{},{}", n * 3, n * 5, n, n * 2));
        assert!(tried("a.csv", text).unwrap().dataset_toml.contains("header = \"never\""), "{first}");
    }
}
