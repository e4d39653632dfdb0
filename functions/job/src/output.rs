//! Small things about printing.

use std::borrow::Cow;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};

use crate::cli::Format;

/// A number with its thousands apart: `15,840`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of bytes for people.
pub fn bytes(count: u64) -> String {
    indicatif::DecimalBytes(count).to_string()
}

/// A count with its noun: `1 object`, `3 objects`.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// Prints a command's result for programs: as a line of JSON, or as CSV what its lists have.
pub fn print_result(format: Format, result: &Value) {
    match format {
        Format::Csv => print(&as_csv(result)),
        Format::Json | Format::Text => print(&format!("{result}\n")),
    }
}

/// What the lists of a result have, a row for each element: lists within it make a row for each of theirs, with what stands
/// above it. Names are joined by points. Errors are left out: they are on standard error.
fn as_csv(result: &Value) -> String {
    let mut rows: Vec<Map<String, Value>> = Vec::new();
    let mut add = |name: &str, list: &[Value]| {
        list.iter().for_each(|element| unnest(&Map::new(), name, element, &mut rows));
    };
    let members: Vec<(&String, &Value)> =
        result.as_object().into_iter().flatten().filter(|(name, _)| *name != "errors").collect();
    let is_report = !members.iter().any(|(_, value)| value.is_array());
    for (name, value) in members {
        match value {
            Value::Array(list) => add(name, list),
            // One report is a row.
            Value::Object(_) if is_report => add(name, std::slice::from_ref(value)),
            Value::Object(members) => {
                for (member, list) in members {
                    list.as_array().into_iter().for_each(|list| add(&format!("{name}.{member}"), list));
                }
            }
            _ => {}
        }
    }
    let mut columns: Vec<&String> = Vec::new();
    for name in rows.iter().flat_map(Map::keys) {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let header = columns.iter().map(|column| column.to_string()).collect();
    let rows = rows.iter().map(|row| columns.iter().map(|column| text(row.get(*column))).collect::<Vec<_>>());
    for row in std::iter::once(header).chain(rows).filter(|row: &Vec<String>| !row.is_empty()) {
        // Memory is written to.
        let _ = writer.write_record(row);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// Adds the rows of one value, whose names begin with `path`, below `above`.
fn unnest(above: &Map<String, Value>, path: &str, value: &Value, rows: &mut Vec<Map<String, Value>>) {
    let mut row = above.clone();
    let mut lists: Vec<(String, &Vec<Value>)> = Vec::new();
    flatten(path, value, &mut row, &mut lists);
    let before = rows.len();
    for (name, list) in lists {
        for element in list {
            unnest(&row, &name, element, rows);
        }
    }
    if rows.len() == before && row.len() > above.len() {
        rows.push(row);
    }
}

fn flatten<'v>(path: &str, value: &'v Value, row: &mut Map<String, Value>, lists: &mut Vec<(String, &'v Vec<Value>)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, member, row, lists);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => lists.push((path.to_owned(), list)),
        Value::Array(list) => {
            let texts = list.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            row.insert(path.to_owned(), Value::String(texts.collect::<Vec<_>>().join("; ")));
        }
        value => {
            row.insert(path.to_owned(), value.clone());
        }
    }
}

/// Text without control characters, which could change what a terminal shows: `\u{1b}` in their place. Line ends and
/// tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if is_control(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// Prints text; a reader that has gone away (`| head`) is no error.
pub fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        // Not to the log either, which in a job of AWS Batch goes the same way.
        eprintln!("error: cannot print: {error}");
        IS_CUT.store(true, Ordering::Relaxed);
    }
}

/// Whether something could not be printed: who reads it has less than there is.
static IS_CUT: AtomicBool = AtomicBool::new(false);

/// The exit status of a run that ends so, unless its output was cut.
pub fn status_of_output(status: ExitCode) -> ExitCode {
    if status == ExitCode::SUCCESS && IS_CUT.load(Ordering::Relaxed) { ExitCode::FAILURE } else { status }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_is_rows_as_well() {
        let result = json!({"ok": true, "datasets": [
            {"dataset": "d", "tables": [
                {"table": "t", "columns": [{"column": "a", "rules": ["x", "y"]}, {"column": "b, c", "rules": []}]},
                {"table": "u", "columns": []},
            ]},
            {"dataset": "e", "rows": {"clean": 3}, "newest": null},
        ], "waiting": ["k1", "k2"], "errors": [{"message": "m"}]});
        let wanted = "datasets.dataset,datasets.tables.table,datasets.tables.columns.column,datasets.tables.columns.rules,\
            datasets.tables.columns,datasets.rows.clean,datasets.newest,waiting\n\
            d,t,a,x; y,,,,\nd,t,\"b, c\",,,,,\nd,u,,,,,,\ne,,,,,3,,\n,,,,,,,k1\n,,,,,,,k2\n";
        assert_eq!(as_csv(&result), wanted);
        assert_eq!(as_csv(&json!({"ok": true, "cleaned": [], "errors": []})), "");
        let nothing =
            json!({"ok": true, "waiting": [], "ignored": {"count": 0, "keys": []}, "steps_ms": {"preview": 43}});
        assert_eq!(as_csv(&nothing), "", "what is no element is no row");
        assert_eq!(
            as_csv(&json!({"ok": true, "report": {"rows": 3, "problems": []}})),
            "report.rows,report.problems\n3,\n"
        );
        let ignored = json!({"waiting": [], "ignored": {"count": 2, "keys": ["a", "b"]}});
        assert_eq!(as_csv(&ignored), "ignored.keys\na\nb\n");
    }

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(visible("d/a\u{1b}[2J\u{9b}\r.csv\nis gone"), "d/a\\u{1b}[2J\\u{9b}\\r.csv\nis gone");
        assert_eq!(visible("Liège"), "Liège");
    }

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
