#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
//! What drafts say of the sheets of a workbook that they do not read.

mod drafting;

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use self::drafting::{drafted, said, tried};

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";

/// A workbook with these sheets: their names, states and rows, of texts and numbers.
fn workbook(sheets: &[(&str, &str, String)]) -> Vec<u8> {
    let cell = |text: &str| match text.parse::<f64>() {
        Ok(_) => format!("<c><v>{text}</v></c>"),
        Err(_) => format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>"),
    };
    let row = |line: &str| format!("<row>{}</row>", line.split(',').map(cell).collect::<String>());
    let (mut list, mut relations, mut files) = (String::new(), String::new(), Vec::new());
    for (number, (name, state, rows)) in sheets.iter().enumerate() {
        list += &format!("<sheet name=\"{name}\" sheetId=\"{}\" state=\"{state}\" r:id=\"r{number}\"/>", number + 1);
        relations += &format!(
            "<Relationship Id=\"r{number}\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/s{number}.xml\"/>"
        );
        let rows: String = rows.lines().map(row).collect();
        let sheet = match rows.contains("damaged") {
            true => "<worksheet><sheetData><row".to_owned(),
            false => format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>"),
        };
        files.push((format!("xl/worksheets/s{number}.xml"), sheet));
    }
    let workbook = format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{list}</sheets></workbook>");
    let all = |of: String| format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{of}</Relationships>");
    let root = format!("<Relationship Id=\"w\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/>");
    files.push(("[Content_Types].xml".to_owned(), format!("<Types xmlns=\"{PACKAGE}/content-types\"/>")));
    files.push(("_rels/.rels".to_owned(), all(root)));
    files.push(("xl/workbook.xml".to_owned(), workbook));
    files.push(("xl/_rels/workbook.xml.rels".to_owned(), all(relations)));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn rows(count: u32) -> String {
    (0..count).fold("site_id,level".to_owned(), |text, n| format!("{text}\nS{n},{n}.5"))
}

#[test]
fn sheets_that_are_not_read_are_named_with_their_rows() {
    let sheets = [("Info", "visible", "Made by a machine".to_owned()), ("Jan", "visible", rows(40))];
    let draft = drafted("a.xlsx", workbook(&sheets), 40, 0, &["sheet = \"Jan\""]);
    let says = "the one with the most rows is \"Jan\", and it alone is read; no row is read of \"Info\" (1 row): to read one of \
                them in its place, declare sheet = \"Info\"";
    assert!(said(&draft, says) && !said(&draft, "UNION ALL"), "{:?}", draft.notes);
    let more = [
        ("Feb", "visible", rows(28)),
        ("Old", "hidden", rows(60)),
        ("Empty", "visible", String::new()),
        ("Older", "veryHidden", "damaged".to_owned()),
    ];
    let sheets: Vec<_> = sheets.into_iter().chain(more).collect();
    let draft = drafted("a.xlsx", workbook(&sheets), 40, 0, &["sheet = \"Jan\""]);
    for says in [
        "no row is read of \"Info\" (1 row), \"Feb\" (28 rows below the same header), \"Old\" (60 rows below the same header, hidden) \
         and \"Older\" (which cannot be read, hidden): to read one of them in its place, declare sheet = \"Feb\"; to read both, do \
         so in a second dataset, with a copy of the workbook",
        "UNION ALL",
    ] {
        assert!(said(&draft, says), "{says}: {:?}", draft.notes);
    }
}

#[test]
fn a_hidden_sheet_beside_the_only_other_one_is_named() {
    let sheets = [("Shown", "visible", rows(40)), ("Kept", "hidden", rows(60))];
    let draft = drafted("a.xlsx", workbook(&sheets), 40, 0, &["format = \"xlsx\""]);
    assert!(!draft.dataset_toml.contains("sheet ="), "{}", draft.dataset_toml);
    assert!(said(&draft, "no row is read of \"Kept\" (60 rows below the same header, hidden)"), "{:?}", draft.notes);
    let alone = [("Shown", "visible", rows(40))];
    assert!(!said(&drafted("a.xlsx", workbook(&alone), 40, 0, &[]), "sheet"));
    let why = tried("a.xlsx", workbook(&[("Kept", "hidden", rows(60))])).unwrap_err();
    assert!(why.contains("there is no row in it") && why.contains("declare sheet = \"Kept\""), "{why}");
}

#[test]
fn of_many_sheets_some_are_named() {
    let names: Vec<String> = (1..30).map(|day| format!("Day {day}")).collect();
    let sheets: Vec<_> = names.iter().map(|name| (name.as_str(), "visible", rows(30))).collect();
    let draft = drafted("a.xlsx", workbook(&sheets), 30, 0, &["sheet = \"Day 1\""]);
    assert!(said(&draft, "\"Day 9\" (30 rows below the same header) and 20 more with 620 rows"), "{:?}", draft.notes);
}
