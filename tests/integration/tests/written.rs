//! What other programs write is read back equal, and drafted without a reject.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail as tests do"
)]

use std::path::Path;
use std::process::Command;

use integration::{TestLake, python, tributary};
use serde_json::{Value, json};

const PACKAGES: [&str; 4] = ["duckdb==2.0.0", "pandas==3.1.1", "polars==2.1.0", "pyarrow==26.0.1"];

/// The tables: the folder of each, and the options of its declaration.
const TABLES: [(&str, &str); 25] = [
    ("csv_excel", ""),
    ("csv_unix", ""),
    ("csv_tab", ""),
    ("csv_nonnumeric", ""),
    ("csv_escape", "escape = \"\\\\\""),
    ("csv_unquoted", "quote = \"none\"\nescape = \"\\\\\""),
    ("csv_pipe", "delimiter = \"|\""),
    ("excel_european", "delimiter = \";\""),
    ("excel_separator", ""),
    ("excel_unicode", "format = \"tsv\"\nencoding = \"utf-16\""),
    ("excel_ansi", "delimiter = \";\"\nencoding = \"windows-1252\""),
    ("pandas_csv", ""),
    ("pandas_index", ""),
    ("pandas_european", "delimiter = \";\""),
    ("pandas_lines", ""),
    ("pandas_parquet", ""),
    ("polars_csv", ""),
    ("polars_semicolon", "delimiter = \";\""),
    ("polars_lines", ""),
    ("polars_parquet", ""),
    ("duckdb_csv", ""),
    ("duckdb_pipe", "delimiter = \"|\""),
    ("duckdb_lines", ""),
    ("duckdb_list", ""),
    ("duckdb_parquet", ""),
];

/// Tables whose numbers have commas.
const EUROPEAN: [&str; 4] = ["excel_european", "excel_separator", "excel_ansi", "pandas_european"];

/// Values that are hard to write: quotes, delimiters, line ends, other alphabets, and numbers of many digits.
fn rows() -> Vec<Value> {
    let names = [
        "plain",
        "a, b; c",
        "say \"hello\"",
        "two\nlines",
        "tab\there|and there",
        "Zoë café",
        "日本",
        "back\\slash",
        "'single' # no comment",
        "24\" monitor",
    ];
    let values = [0.1, -2.5, 1e-7, 123_456_789.125, 0.3, 1e20, 5e-5, 1.0, 1234.5, -0.001];
    let row = |(at, (name, value)): (usize, (&str, f64))| {
        let id = 9_007_199_254_740_000 + at as i64 * 991;
        let at_text = format!("2026-10-25T{:02}:30:05+00:00", at);
        json!({"id": id, "name": name, "value": value, "at": at_text, "flag": at % 2 == 0})
    };
    names.into_iter().zip(values).enumerate().map(row).collect()
}

fn declared() -> String {
    let mut text = "title = \"Written by others\"\ntime_zone = \"UTC\"\n".to_owned();
    for (name, options) in TABLES {
        let decimal = if EUROPEAN.contains(&name) { "\ndecimal = \",\"" } else { "" };
        text += &format!(
            "\n[table.{name}]\nfrom = \"{name}/*\"\n{options}\n\n[table.{name}.column.id]\ntype = \"int64\"\nrequired = true\n\
             \n[table.{name}.column.name]\ntype = \"string\"\n\n[table.{name}.column.value]\ntype = \"float64\"{decimal}\n\
             \n[table.{name}.column.at]\ntype = \"timestamp\"\n\
             format = [\"rfc3339\", \"%Y-%m-%dT%H:%M:%S%.f%z\", \"%Y-%m-%d %H:%M:%S%.f%#z\"]\n\
             \n[table.{name}.column.flag]\ntype = \"bool\"\n"
        );
    }
    text
}

fn write(python: &Path, lake: &TestLake) {
    lake.write("rows.json", serde_json::to_vec(&rows()).unwrap());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("writers.py");
    let mut command = Command::new(python);
    command.arg(script).arg(lake.path().join("rows.json")).arg(lake.path().join("raw/written"));
    let output = command.env("TZ", "America/New_York").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_other_programs_write_is_read_back_equal_and_drafted() {
    let Some(python) = python::environment("what other programs write", &PACKAGES) else { return };
    let lake = TestLake::new("http://127.0.0.1:9/");
    lake.write("config/datasets/written/dataset.toml", declared());
    write(&python, &lake);
    lake.call(&["clean", "--dataset", "written"]).ok();
    lake.call(&["verify"]).ok();
    for (table, _) in TABLES {
        let mut expected = rows();
        for row in &mut expected {
            // An instant without an offset of its own.
            row["at"] = row["at"].as_str().unwrap().replace("+00:00", "Z").into();
            if table == "excel_ansi" {
                row["name"] = row["name"].as_str().unwrap().replace("日本", "JP").into();
            }
        }
        let read = lake.query(&format!("SELECT id, name, value, at, flag FROM written.{table} ORDER BY id"));
        assert_eq!(read, expected, "{table}");
    }
    for (table, _) in TABLES {
        draft(&lake, table);
    }
}

/// A draft from a table's file reads all of its rows, with the types that they were written of.
fn draft(lake: &TestLake, table: &str) {
    let folder = lake.path().join("raw/written").join(table);
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let name = format!("of_{table}");
    let arguments = ["--output", "json", "dataset", "new", &name, "--into", "drafts", "--from"];
    let output =
        Command::new(tributary()).env_clear().current_dir(lake.path()).args(arguments).arg(file).output().unwrap();
    assert!(output.status.success(), "{table}: {}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(output.stdout.trim_ascii()).unwrap();
    let sample = &report["sample"];
    assert_eq!((&sample["clean"], &sample["rejected"]), (&json!(rows().len()), &json!(0)), "{table}: {report}");
    let text = std::fs::read_to_string(lake.path().join("drafts").join(&name).join("dataset.toml")).unwrap();
    for (column, kind) in [("value", "float64"), ("at", "timestamp"), ("flag", "bool"), ("name", "string")] {
        let declared = format!("[table.record.column.{column}]\ntype = \"{kind}\"");
        assert!(text.contains(&declared), "{table}: {declared} is not in:\n{text}");
    }
}
