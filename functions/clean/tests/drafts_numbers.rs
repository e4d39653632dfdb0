#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! Keys of tables with a number that is another in each row: it may be an id, or counted or measured.

mod drafting;

use self::drafting::{csv, drafted, key, said};

/// A number that is another one for each row.
fn other(n: u32) -> u32 {
    700 + n * 37 % 997
}

#[test]
fn a_number_pushes_no_numbers_of_things_out() {
    for name in ["passenger_number", "boarding_number", "ridership_no", "stock_no"] {
        // A few of them come twice, or none does.
        for twice in [0, 4] {
            let row = |n: u32| {
                let number = other(if n < twice * 2 { n / 2 } else { n });
                format!("{},{},2026-11-02 {:02}:00:00,{number}", n % 2 + 1, n / 2 % 5 + 1, n / 10)
            };
            let draft = drafted("a.csv", csv(&format!("line_no,stop_no,at,{name}\n"), 100, row), 100, 0, &[]);
            assert_eq!(key(&draft), "key = [\"line_no\", \"stop_no\", \"at\"]", "{name}: {}", draft.dataset_toml);
        }
    }
    // Of few values, some or nearly all of them others, and beside names of things.
    for (values, rows) in [(20, 100), (50, 100), (90, 100), (200, 100), (500, 600)] {
        for (head, of) in [("line_no,stop_no", ""), ("site,hall", "R"), ("site,room", "")] {
            let row = |n: u32| {
                let number = 700 + (n.wrapping_mul(2_654_435_761) >> 8) % values;
                format!(
                    "{of}{},{of}{},2026-11-{:02} {:02}:00:00,{number}",
                    n % 2 + 1,
                    n / 2 % 5 + 1,
                    n / 240 + 1,
                    n / 10 % 24
                )
            };
            let draft = drafted("a.csv", csv(&format!("{head},at,stock_no\n"), rows, row), u64::from(rows), 0, &[]);
            let wanted = format!("key = [\"{}\", \"at\"]", head.replace(',', "\", \""));
            assert!(key(&draft).ends_with(&wanted), "{head}, {values}: {}", draft.dataset_toml);
        }
    }
    // In no order, and not all of them are there.
    let row = |n: u32| {
        let n = n * 7 % 400;
        format!("{},{},2026-11-02 {:02}:{:02}:00,{}", n % 4 + 1, n / 4 % 5 + 1, n / 20, n % 60, other(n))
    };
    let draft = drafted("a.csv", csv("line_no,stop_no,at,passenger_number\n", 90, row), 90, 0, &[]);
    let found = key(&draft);
    for name in ["line_no", "stop_no", "at"] {
        assert!(found.starts_with('#') && found.contains("...") || found.contains(name), "{}", draft.dataset_toml);
    }
    // A table without a row at nearly each time: the key has all of them.
    let row = |n: u32| {
        format!("{},{},2026-11-{:02} {:02}:00:00,{}", n * n % 3 + 1, n * n % 7 % 4 + 1, n / 9 + 1, n % 9, other(n))
    };
    for name in ["passenger_number", "reading_id"] {
        let draft = drafted("a.csv", csv(&format!("line_no,stop_no,at,{name}\n"), 90, row), 90, 0, &[]);
        let found = key(&draft);
        assert!(["line_no", "stop_no", name, "at"].iter().all(|name| found.contains(name)), "{}", draft.dataset_toml);
    }
}

#[test]
fn a_number_is_in_no_key_that_is_unique_without_it() {
    let at = |n: u32| format!("2026-01-{:02}T00:00:00Z", n / 4 + 1);
    for name in ["index_number", "odometer_no", "octane_number", "wear_no"] {
        let row = |n: u32| format!("{},{},{}", n % 4, other(n), at(n));
        let draft = drafted("a.csv", csv(&format!("meter_id,{name},at\n"), 60, row), 60, 0, &[]);
        assert_eq!(key(&draft), "key = [\"meter_id\", \"at\"]", "{name}: {}", draft.dataset_toml);
        let says = format!("{name} is not in the key: meter_id and at tell rows apart without it");
        assert!(said(&draft, &says), "{name}: {:?}", draft.notes);
        // Of one thing, and where a name alone tells them apart, nothing is sure.
        for (head, of) in [("meter_id", "7"), ("site", "@")] {
            let row = |n: u32| match of {
                "7" => format!("7,{},2026-01-05T{:02}:{:02}:00Z", other(n), n / 7, n * 11 % 60),
                _ => format!("S{},{},{}", n % 4, other(n), at(n)),
            };
            let draft = drafted("a.csv", csv(&format!("{head},{name},at\n"), 60, row), 60, 0, &[]);
            assert_eq!(key(&draft), format!("# key = [\"{head}\", \"{name}\", \"at\"]"), "{}", draft.dataset_toml);
            let why = format!("only offered: {name} is another in each row, and in the sample {head} and at tell rows");
            assert!(draft.dataset_toml.contains(&why), "{}", draft.dataset_toml);
        }
    }
    // Texts are no amounts, and what happens once has an id.
    for (name, value) in [("case_number", "C"), ("reading_id", ""), ("event_no", "")] {
        let row = |n: u32| format!("{},{value}{},{}", n % 4, other(n), at(n));
        let draft = drafted("a.csv", csv(&format!("meter_id,{name},at\n"), 60, row), 60, 0, &[]);
        assert_eq!(key(&draft), format!("key = [\"meter_id\", \"{name}\", \"at\"]"), "{}", draft.dataset_toml);
    }
}
