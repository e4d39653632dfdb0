#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! What names of columns say: ids, quantities, and numbers that are names.

mod drafting;

use self::drafting::{csv, drafted, key, said};

/// What a column has in each row.
type Values = fn(u32) -> String;

fn at(n: u32) -> String {
    format!("2026-01-{:02}T{:02}:00:00Z", n / 24 + 1, n % 24)
}

#[test]
fn the_id_of_what_happened_stays_in_the_key() {
    // On another day a customer has two orders.
    for id in ["order_id", "invoice_no", "Transaction ID", "ticket number"] {
        let text = csv(&format!("customer_id,{id},order_date,total\n"), 60, |n| {
            format!("C{},{},2026-01-{:02},{}.5", n % 5, 90_000 + n, n / 5 + 1, n * 7)
        });
        let draft = drafted("a.csv", text, 60, 0, &[]);
        let name = id.to_lowercase().replace(' ', "_");
        assert_eq!(
            key(&draft),
            format!("key = [\"customer_id\", \"{name}\", \"order_date\"]"),
            "{}",
            draft.dataset_toml
        );
    }
}

#[test]
fn a_quantity_is_no_part_of_a_key() {
    let sites = ["Gent", "Brugge"];
    let quantities: [(&str, Values); 13] = [
        ("num_calls", |n| (1000 + n * 7).to_string()),
        ("meter_reading", |n| format!("{:07}", 1000 + n * 7)),
        ("meter_reading", |n| format!("{}.123456789012345678", 1000 + n * 7)),
        ("account_balance", |n| format!("{}.123456789012345678", 1000 + n * 7)),
        ("number_of_calls", |n| (1000 + n * 7).to_string()),
        ("phone_number_of_calls", |n| (1000 + n * 7).to_string()),
        ("Anzahl Kunden", |n| format!("{:07}", 1000 + n / 9)),
        ("Aantal klanten", |n| format!("{:07}", 1000 + n / 9)),
        ("Nr of visits", |n| (1000 + n * 7).to_string()),
        ("Count of ID", |n| (1000 + n * 7).to_string()),
        ("Sum of Amount", |n| format!("{:07}", 1000 + n * 7)),
        ("val.$numberDecimal", |n| format!("{}.12345678901234567", 1000 + n / 9)),
        ("amount.$numberDecimal", |n| format!("{}.12345678901234567", 1000 + n * 7)),
    ];
    for (name, of) in quantities {
        let text =
            csv(&format!("at,{name},site\n"), 60, |n| format!("{},{},{}", at(n / 2), of(n), sites[n as usize % 2]));
        let draft = drafted("a.csv", text, 60, 0, &[]);
        assert_eq!(key(&draft), "# key = [\"site\", \"at\"]", "{name}: {}", draft.dataset_toml);
        let text = csv(&format!("at,{name},site_id\n"), 60, |n| format!("{},{},{}", at(n / 2), of(n), n % 2));
        let draft = drafted("a.csv", text, 60, 0, &[]);
        assert_eq!(key(&draft), "key = [\"site_id\", \"at\"]", "{name}: {}", draft.dataset_toml);
    }
    // Nested, and the same in all rows.
    let row =
        |n: u32| format!("{{\"at\":\"{}\",\"account\":{{\"balance\":\"{:09}\"}},\"site_id\":{}}}", at(n / 2), n, n % 2);
    let rows = |row: &dyn Fn(u32) -> String| format!("[{}]", (0..60).map(row).collect::<Vec<_>>().join(","));
    let draft = drafted("a.json", rows(&row), 60, 0, &["account_balance]"]);
    assert_eq!(key(&draft), "key = [\"site_id\", \"at\"]", "{}", draft.dataset_toml);
    let text = csv("meter_id,meter_reading,at\n", 60, |n| format!("{},0000000,{}", n % 2, at(n / 2)));
    assert_eq!(key(&drafted("a.csv", text, 60, 0, &[])), "key = [\"meter_id\", \"at\"]");
    // What is the number of a thing is its id.
    for name in ["reading number", "meter number", "number"] {
        let text = csv(&format!("at,{name},v\n"), 60, |n| format!("{},{},{n}.5", at(n / 2), n % 2 * 4 + 5));
        let draft = drafted("a.csv", text, 60, 0, &[]);
        assert_eq!(key(&draft), format!("key = [\"{}\", \"at\"]", name.replace(' ', "_")), "{}", draft.dataset_toml);
    }
    // A name of texts that begins as a French number of things.
    let text = csv("at,nombre de cliente\n", 60, |n| format!("{},c{}", at(n / 2), n % 2));
    assert_eq!(key(&drafted("a.csv", text, 60, 0, &[])), "# key = [\"nombre_de_cliente\", \"at\"]");
}

#[test]
fn the_id_of_rows_is_the_key_alone() {
    let id = |n: u32| format!("64b0000000000000000000{n:02x}");
    for name in ["_id.$oid", "_id", "id"] {
        let head = format!("{name},ts.$date,amount.$numberDecimal,val.$numberDecimal,site\n");
        let text = csv(&head, 60, |n| {
            format!("{},{},{n}.12345678901234567890,{}.12345678901234567890,s{}", id(n), at(n / 2), n / 9, n % 2)
        });
        let draft = drafted("a.csv", text, 60, 0, &[]);
        let wanted = if name.contains("oid") { "key = [\"id_oid\"]" } else { "key = [\"id\"]" };
        assert_eq!(key(&draft), wanted, "{}", draft.dataset_toml);
    }
    let row = |n: u32| {
        format!(
            "{{\"_id\":{{\"$oid\":\"{}\"}},\"ts\":{{\"$date\":\"{}\"}},\"val\":{{\"$numberDecimal\":\"{n}.12345678901234567890\"}}}}",
            id(n),
            at(n)
        )
    };
    let rows = (0..60).map(row).collect::<Vec<_>>().join("\n");
    assert_eq!(key(&drafted("a.ndjson", rows, 60, 0, &[])), "key = [\"id_oid\"]");
    let text = csv("store_id,id,amount\n", 60, |n| format!("1,{n},{n}.5"));
    assert_eq!(key(&drafted("a.csv", text, 60, 0, &[])), "key = [\"id\"]");
    // Where it comes again, it is one of others; where all rows are of one time, it may in the next file.
    let text = csv("id,at,v\n", 60, |n| format!("{},{},{n}.5", n % 2, at(n / 2)));
    assert_eq!(key(&drafted("a.csv", text, 60, 0, &[])), "key = [\"id\", \"at\"]");
    let draft = drafted("a.csv", csv("id,at,v\n", 60, |n| format!("{n},{},{n}.5", at(0))), 60, 0, &[]);
    assert_eq!(key(&draft), "# key = [\"id\"]", "{}", draft.dataset_toml);
    assert!(draft.dataset_toml.contains("the sample has one at: with another, the same id may come again"));
}

#[test]
fn a_last_row_with_missing_values_is_a_row() {
    for (last, rejected) in [
        ("n31;;", 0),
        ("n99;;", 0),
        ("Total;;", 1),
        ("Source: n7;;", 1),
        ("32 rows;;", 1),
        ("exported by n7 on Monday;;", 1),
        ("n31", 1),
        (";465.0;465", 1),
        (";;465", 1),
    ] {
        let text = csv("name;v;w\n", 31, |n| format!("n{n};{n}.0;{n}")) + last + "\n";
        let draft = drafted("a.csv", text, 32 - rejected, rejected, &["column.v]\ntype = \"float64\""]);
        assert_eq!(draft.dataset_toml.matches("required = true").count(), if rejected == 0 { 1 } else { 3 }, "{last}");
        assert_eq!(said(&draft, "totals or a footer"), rejected == 1, "{last}: {:?}", draft.notes);
    }
}

#[test]
fn ids_below_one_keep_their_zeros_or_a_note_says_so() {
    for (name, values) in [
        ("part number", ["0.10", "1.10", "2.10"]),
        ("Item", ["0.10", "1.10", "1.20"]),
        ("Part No", ["0.00", "1.10", "3.14"]),
    ] {
        let text = csv(&format!("id;{name};kwh\n"), 30, |n| format!("{n};{};{n}.5", values[n as usize % 3]));
        let declared = format!("column.{}]\ntype = \"string\"", name.to_lowercase().replace(' ', "_"));
        let draft = drafted("a.csv", text, 30, 0, &[declared.as_str()]);
        assert!(said(&draft, "names such as 1.10"), "{name}: {:?}", draft.notes);
    }
    // All below one are likelier measured.
    let text = csv("id;part number;kwh\n", 30, |n| format!("{n};0.{}0;{n}.5", n % 9 + 1));
    let draft = drafted("a.csv", text, 30, 0, &["column.part_number]\ntype = \"float64\""]);
    assert!(said(&draft, "may be names such as 1.10"), "{:?}", draft.notes);
}

#[test]
fn numbers_that_stay_text_lose_the_blanks_around_them() {
    for value in ["32435{n}.042016958547", "00{n}", "+3247000000{n}", "1234567890123456{n}"] {
        let text = csv("\"id\"|\"Reading\"|\"Omschrijving\"\n", 8, |n| {
            format!("\"x{n}\"| {}| \"a b\"", value.replace("{n}", &n.to_string()))
        });
        let draft =
            drafted("a.csv", text, 8, 0, &["skip_blanks = true", "trim = true", "column.reading]\ntype = \"string\""]);
        assert!(said(&draft, "texts lose these by trim = true"), "{value}: {:?}", draft.notes);
    }
    let draft = drafted("a.csv", csv("id, v\n", 8, |n| format!("x{n}, {n}.5")), 8, 0, &[]);
    assert!(!draft.dataset_toml.contains("trim"), "{}", draft.dataset_toml);
    let draft =
        drafted("a.csv", csv("k,code\n", 40, |n| format!("x{n},{}00{n}", if n == 7 { " " } else { "" })), 40, 0, &[]);
    assert!(!draft.dataset_toml.contains("trim = true"), "{}", draft.dataset_toml);
    assert!(said(&draft, "blanks stand around 1 of its values"), "{:?}", draft.notes);
}

#[test]
fn times_of_day_in_nanoseconds_are_read_with_their_dates_and_said() {
    let text =
        csv("date,time,v\n", 40, |at| format!("2026-11-{:02},10:00:00.{:09},1.5", at % 28 + 1, 123_456_000 + at));
    let draft = drafted("a.csv", text, 40, 0, &["fields = [\"date\", \"time\"]"]);
    let says = "column time: 39 of its 40 times have parts of a microsecond, as those in nanoseconds have, and these are cut off";
    assert!(said(&draft, says), "{:?}", draft.notes);
}

#[test]
fn a_last_line_with_a_date_of_the_file_is_said() {
    let says = "the last line looks like no row (totals or a footer)";
    for (last, is_footer) in [
        ("Downloaded: 2026-03-05", true),
        ("Date of export: 05/03/2026 10:00", true),
        ("Generated on 2026-03-05 10:00", true),
        ("(96 rows affected)", true),
        ("name 31", false),
        ("visit 2026-03-05", false),
    ] {
        let text = csv("name,city,remark\n", 30, |n| format!("name {n},city {},a b {n} c", n % 7)) + last + ",,\n";
        let rejected = u64::from(is_footer);
        let draft = drafted("a.csv", text, 31 - rejected, rejected, &[]);
        assert_eq!(said(&draft, says), is_footer, "{last}: {:?}", draft.notes);
        // Of one column it is a row all the same.
        let draft = drafted("a.csv", csv("name\n", 30, |n| format!("name{n}")) + last + "\n", 31, 0, &[]);
        assert_eq!(said(&draft, says), is_footer, "{last}: {:?}", draft.notes);
        assert_eq!(said(&draft, "so that it is a row of each file and counts"), is_footer, "{last}: {:?}", draft.notes);
    }
    // Where names are written so, it is a row.
    let text = csv("name,city\n", 30, |n| format!("visit: 2026-03-{:02},city {}", n % 28 + 1, n % 7));
    let draft = drafted("a.csv", text + "visit: 2026-03-30,\n", 31, 0, &[]);
    assert!(!said(&draft, says), "{:?}", draft.notes);
}
