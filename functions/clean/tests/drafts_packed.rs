#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! Drafts from zip archives that hold tables of several kinds.

mod drafting;

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use self::drafting::{csv, drafted, said, tried};

fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_draft_of_an_archive_is_of_one_kind_of_files() {
    let orders = csv("order_id,at,amount\n", 40, |at| format!("O{at},2026-11-{:02},{at}.5", at % 28 + 1));
    let customers = csv("customer_id,name\n", 30, |at| format!("C{at},Name {at}"));
    let lines = csv("order_id,line_no,sku,qty\n", 40, |at| format!("O{at},1,s{at},3"));
    let (orders, customers, lines) = (orders.as_str(), customers.as_str(), lines.as_str());
    let says = "the archive has tables of several kinds: those like";
    for (files, clean, entries, others) in [
        (&[("orders.csv", orders), ("customers.csv", customers)][..], 40, "\"orders*.csv\"", "\"customers*.csv\""),
        (&[("customers.csv", customers), ("orders.csv", orders)], 30, "\"customers*.csv\"", "\"orders*.csv\""),
        (
            &[("x/orders_2026-01.csv", orders), ("x/orders_2026-02.csv", orders), ("x/customers.csv", customers)],
            80,
            "\"**/orders*.csv\"",
            "\"**/customers*.csv\"",
        ),
        // A name that another one begins with, names that have nothing in common, and other endings.
        (&[("orders.csv", orders), ("orders_lines.csv", lines)], 40, "\"orders.csv\"", "\"orders_lines*.csv\""),
        (
            &[("gent.csv", orders), ("brugge.csv", orders), ("people.csv", customers)],
            80,
            "[\"gent.csv\", \"brugge.csv\"]",
            "\"people*.csv\"",
        ),
        (&[("read me.txt", "Dear all"), ("orders.csv", orders), ("people.csv", customers)], 40, "\"orders*.csv\"", ""),
    ] {
        let draft = drafted("a.zip", zipped(files), clean, 0, &[&format!("entries = {entries}\n")]);
        assert!(said(&draft, says) && said(&draft, others), "{entries}: {:?}", draft.notes);
    }
    // Three kinds.
    let three = [("orders.csv", orders), ("people.csv", customers), ("lines.csv", lines)];
    let draft = drafted("a.zip", zipped(&three), 40, 0, &["entries = \"orders*.csv\"\n"]);
    assert!(said(&draft, "left out are files of other columns, people.csv, lines.csv"), "{:?}", draft.notes);
    assert!(said(&draft, "with entries of its own, such as \"people*.csv\""), "{:?}", draft.notes);
    // One kind, and one that has more columns.
    let more = csv("order_id,at,amount,remark\n", 40, |at| format!("P{at},2026-11-{:02},{at}.5,x", at % 28 + 1));
    let draft = drafted("a.zip", zipped(&[("a.csv", orders), ("b.csv", &more)]), 80, 0, &[]);
    assert!(!said(&draft, says) && !draft.dataset_toml.contains("entries"), "{:?}", draft.notes);
    // One that lacks some may be of the kind.
    let less = csv("order_id,at\n", 40, |at| format!("P{at},2026-11-{:02}", at % 28 + 1));
    let why = tried("a.zip", zipped(&[("orders.csv", orders), ("orders2.csv", &less)])).unwrap_err();
    for part in
        ["orders2.csv: ", "amount", "the archive has orders.csv, orders2.csv", "entries = \"orders.csv\"", "second"]
    {
        assert!(why.contains(part), "{part}: {why}");
    }
}

#[test]
fn entries_say_what_changes_from_one_archive_to_the_next() {
    let readings = csv("meter_id,at,kwh\n", 40, |at| format!("M{},2026-11-{:02},{at}.5", at % 2, at / 2 + 1));
    let customers = csv("customer_id,label,city\n", 30, |at| format!("C{at},Name {at},Gent"));
    let (readings, customers) = (readings.as_str(), customers.as_str());
    let says = "what is called otherwise in a later archive is left out";
    for (one, other, entries) in [
        ("orders/jan.csv", "customers/jan.csv", "orders/*.csv"),
        ("export_jan.csv", "export_customers_jan.csv", "export_???.csv"),
        ("20261101.csv", "customers.csv", "[0-9]*.csv"),
        ("data.csv", "data_legend.csv", "data.csv"),
        ("1.csv", "2.csv", "1.csv"),
    ] {
        let declared = format!("entries = \"{entries}\"\n");
        let draft = drafted("a.zip", zipped(&[(one, readings), (other, customers)]), 40, 0, &[&declared]);
        assert_eq!(said(&draft, says), !entries.contains(['*', '?']), "{entries}: {:?}", draft.notes);
    }
}

#[test]
fn a_column_that_another_file_has_is_named() {
    let readings = csv("meter_id,at,kwh\n", 40, |at| format!("M{},2026-11-{:02},{at}.5", at % 2, at / 2 + 1));
    let flagged = csv("meter_id,at,kwh,flag\n", 40, |at| format!("M{},2026-12-{:02},{at}.5,ok", at % 2, at / 2 + 1));
    let draft = drafted("a.zip", zipped(&[("jan.csv", &readings), ("feb.csv", &flagged)]), 80, 0, &[]);
    let says = "of the columns of jan.csv, and leaves out those that only other files have: flag (in feb.csv)";
    assert!(said(&draft, says), "{:?}", draft.notes);
    let draft = drafted("a.zip", zipped(&[("jan.csv", &readings), ("feb.csv", &readings)]), 80, 0, &[]);
    assert!(!said(&draft, "leaves out those"), "{:?}", draft.notes);
}
