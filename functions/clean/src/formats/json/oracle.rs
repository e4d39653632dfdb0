//! The slow way that the decoders are compared with: each row by a parser of all JSON, and each value through the rules in
//! full.

use chrono::DateTime;
use lake::ledger::Gap;
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::{
    MAX_TEXT, elements, field, find_rows, has_any, no_members, one_object, refusal, row_of, seek_rows, without_rows,
};
use crate::error::Stop;
use crate::formats::answers::parsed;
use crate::formats::rows::{Record, Rows};
use crate::formats::tests::{Dribble, decoded_by, mutated};
use crate::formats::{Notes, RawObject};
use crate::reject::Reject;
use crate::scanner::Scanner;
use crate::writer::Sink;
use lake::json::{Json, Object};

fn lines(object: &RawObject, file: &[u8], sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    let received_at = object.received_at.timestamp_micros();
    let (mut rows, mut seen) = (Rows::new(object), 0);
    for (row, text) in (1..).zip(file.split(|byte| *byte == b'\n')) {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        if text.trim_ascii().is_empty() {
            continue;
        }
        seen += 1;
        let columns = &object.table.columns;
        let (reason, message) = match Json::parse(text) {
            Ok(Json::Object(element)) if has_any(columns, &element) => {
                let none = Object::default();
                rows.add(Record { row, text, received_at }, sink, |_, column| field(column, &element, &none))?;
                continue;
            }
            Ok(Json::Object(_)) => no_members(columns),
            _ => refusal("the line", text),
        };
        sink.reject(&Reject { row, column: None, reason, message, text })?;
    }
    rows.flush(sink)?;
    Ok(Notes { seen, ..Notes::default() })
}

fn document(object: &RawObject, file: &[u8], sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let received_at = object.received_at.timestamp_micros();
    let (mut rows, mut seen) = (Rows::new(object), 0);
    let mut scanner = Scanner::new(file)?;
    let columns = &object.table.columns;
    let mut is_first = true;
    while is_first || scanner.peek()?.is_some() {
        if !is_first && !matches!(scanner.peek()?, Some(b'{' | b'[')) {
            return Err(scanner.left_over());
        }
        let mut add = |text: &[u8], is_whole: bool| {
            seen += 1;
            let row = seen;
            match row_of(text, columns, true, &format!("element {row}")) {
                Ok(element) => {
                    let none = Object::default();
                    rows.add(Record { row, text, received_at }, sink, |_, column| field(column, &element, &none))
                }
                Err(("no_members", _)) if is_whole => Err(one_object()),
                Err((reason, message)) => sink.reject(&Reject { row, column: None, reason, message, text }),
            }
        };
        find_rows(&mut scanner, &object.table.rows, |scanner| {
            if scanner.peek()? != Some(b'{') {
                return elements(scanner, |_, text| add(text, false));
            }
            let length = scanner.value_length(MAX_TEXT)?;
            add(scanner.window().get(..length).unwrap_or_default(), is_first)?;
            scanner.consume(length);
            Ok(())
        })?;
        is_first = false;
        scanner.peek()?;
        scanner.pass_mark()?;
    }
    rows.flush(sink)?;
    Ok(Notes { seen, ..Notes::default() })
}

fn responses(object: &RawObject, file: &[u8], sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let (mut rows, mut seen, mut gaps) = (Rows::new(object), 0, Vec::new());
    let mut scanner = Scanner::new(file)?;
    while scanner.peek()?.is_some() {
        scanner.expect(b'{')?;
        let mut request: Option<Box<RawValue>> = None;
        let mut received_at = object.received_at.timestamp_micros();
        let (mut status, mut is_gap): (Option<u16>, bool) = (Some(200), false);
        loop {
            match scanner.key(MAX_TEXT)?.as_str() {
                "request" => request = Some(parsed(&mut scanner)?),
                "received_at" => {
                    let text: String = parsed(&mut scanner)?;
                    let time = DateTime::parse_from_rfc3339(&text);
                    received_at = time.map_err(|error| scanner.not_json(&error.to_string()))?.timestamp_micros();
                }
                "status" => status = parsed(&mut scanner)?,
                "gap" => {
                    let gap: Option<Gap> = parsed(&mut scanner)?;
                    is_gap |= gap.is_some();
                    gaps.extend(gap);
                }
                "body" if status == Some(200) && !is_gap && scanner.peek()? == Some(b'n') => {
                    let () = parsed(&mut scanner)?;
                }
                "body" if status == Some(200) && !is_gap => {
                    let asked = request.as_deref().map_or("{}", RawValue::get).to_owned();
                    let request = match request.as_deref().map(Json::of) {
                        Some(Ok(Json::Object(request))) => request,
                        _ => Object::default(),
                    };
                    let mut add = |_: u64, text: &[u8]| {
                        seen += 1;
                        let row = seen;
                        let record = Record { row, text, received_at };
                        match row_of(text, &object.table.columns, false, &format!("row {row}")) {
                            Ok(element) => rows.add(record, sink, |_, column| field(column, &element, &request)),
                            Err((reason, message)) => sink.reject(&Reject { row, column: None, reason, message, text }),
                        }
                    };
                    let mut reason = Some("no_rows");
                    seek_rows(&mut scanner, &object.table.rows, |scanner| {
                        let begin = scanner.peek()?;
                        reason = (!matches!(begin, Some(b'{' | b'[' | b'n'))).then_some("not_a_list");
                        match begin {
                            Some(b'{') => {
                                let length = scanner.value_length(MAX_TEXT)?;
                                add(1, scanner.window().get(..length).unwrap_or_default())?;
                                scanner.consume(length);
                                Ok(())
                            }
                            Some(b'[') => elements(scanner, &mut add),
                            _ => scanner.skip_value(),
                        }
                    })?;
                    if let Some(reason) = reason {
                        seen += 1;
                        let (row, text) = (seen, asked.as_bytes());
                        let message = without_rows(reason, &object.table.rows);
                        sink.reject(&Reject { row, column: None, reason, message, text })?;
                    }
                }
                _ => scanner.skip_value()?,
            }
            if !scanner.either(b',', b'}')? {
                break;
            }
        }
    }
    rows.flush(sink)?;
    Ok(Notes { gaps, seen, ..Notes::default() })
}

/// Columns of all types and rules, and values anywhere in a row. They are optional: what a renamed member makes of an object
/// is tested beside its rule.
static DECLARED: [&str; 4] = [
    "column.a = { type = 'string', field = ['a', 'A'], optional = true }
column.b = { type = 'int64', missing = [-1], optional = true }
column.c = { type = 'float64', round = true, missing = ['NaN', 2.5], min = -1000, optional = true }
column.again = { type = 'int64', field = 'c', optional = true }
column.d = { type = 'string', path = '/d/0/e' }
column.f = { type = 'timestamp', path = '/d/f' }
column.g = { type = 'string', path = '/g' }
column.h = { type = 'bool', path = '/i~1j' }
column.q = { type = 'string', request = '/q/0' }",
    "column.a = { type = 'string', missing = [7, ''], one_of = ['x', 'é\"', '1.10', 'true', ''], optional = true }
column.b = { type = 'timestamp', format = ['epoch_s', '%d/%m/%Y %H:%M'], zone = 'Europe/Brussels', optional = true }
column.c = { type = 'float64', decimal = ',', optional = true }
column.d = { type = 'date', day_of = 'b' }
column.e = { type = 'date', path = '/e/01', missing = [0] }
column.q = { type = 'int64', request = '/q/1', required = true }",
    "column.a = { type = 'string', path = '/d/0' }
column.b = { type = 'string', path = '/d/00' }
column.c = { type = 'string', path = 'd' }
column.d = { type = 'string', path = '/' }",
    "rows = '/d'
column.a = { type = 'string', optional = true }
column.q = { type = 'int64', request = '/q/1' }",
];

/// Rows as they come.
static ROWS: [&str; 7] = [
    r#"{"a": "x", "b": 1, "c": -2.5e1, "d": [{"e": "é"}], "i/j": true, "z": {"y": [1, {"x": null}]}}
{"a":"é\"\u00e9\ud83d\ude00","b":12345678901234567890,"c":"1,5","d":{"f":"2026-11-18T23:00:00Z"},"i/j":"f"}
{"A":null,"a":1.10,"b":"42 ","c":2.5,"d":"\n","i/j":0}
{"C":1,"B":2,"c":3," A ":"y"}
{"b":4,"B":5,"C ":6,"C":7}
"#,
    r#"{"a":true,"b":1795042800,"c":"NaN","e":[0,"2026-11-18"],"":"empty"}
{"a":"x","a":"","b":"19/11/2026 10:00","c":1e999,"e":{"01":"2026-02-30"}}
{"b":"29/03/2026 02:30","d":{"0":"zero","00":"more"}}
"#,
    r#"{"d":[{"e":"1"},{"e":"2"}],"d":[]}
{"d":[1,2],"d":{"f":"2026-11-18 23:00:00"},"g":[]}
{"d":[{"e":"1","e":2}],"a":"\ud800","\u0061":"y","b":-0,"c":01}
[3]
"#,
    "\u{feff}{\"a\": [], \"b\": {}, \"c\": \"\"}\r\n\r\n {} \n{\"a\":\"\t\"}\n{\"a\":1}x\n\u{feff}{\"a\":2}\n\u{feff}\u{feff}{}\n{\"a\":\"1\"",
    r#"[{"a": "x", "b": 1.0, "c": 1.25, "d": [{"e": "1"}]}, {"a": "y"}, {}, [1], "a", null, {"b": "x", "d": {"f": 1}}]"#,
    r#"{"request":{"q":["r\n",7]},"received_at":"2026-01-01T00:00:00Z","status":200,"body":[{"a":"1"},{"a":"x","b":5},{"b":"y"}]}
{"request":{"q":[null,"8"]},"received_at":"2026-01-02T00:00:00Z","status":200,"body":{"a":"x"}}
{"request":7,"status":null,"body":null,"gap":{"what":["9"],"reason":"down","can_retry":true}}
{"request":7,"status":200,"body":null,"gap":{"what":["8"],"reason":"HTML","can_retry":true}}
{"request":7,"status":200,"body":{"a":"z"},"gap":null}
"#,
    r#"{"request":{"q":["r",7]},"status":200,"body":7}
{"request":{"q":["s",8]},"status":200,"body":"none"}
{"status":200,"body":{"d":null,"a":"1"}}
{"request":[1],"status":200,"body":{"a":"x","d":[{"a":"2"}]}}
{"request":{},"status":200,"body":[{"a":"y"}]}
{"request":{},"status":200,"body":true}
"#,
];

type Decoder = fn(&RawObject, &[u8], &mut dyn Sink) -> Result<Notes, Stop>;

fn compare(declared: &str, file: &[u8], step: usize) -> Result<(), TestCaseError> {
    let fast_and_slow: [(Decoder, Decoder); 3] = [
        (|object, file, sink| super::lines(object, Dribble(file, 5), sink), lines),
        (|object, file, sink| super::document(object, file, sink), document),
        (|object, file, sink| super::responses(object, file, sink), responses),
    ];
    for (fast, slow) in fast_and_slow {
        let slow = decoded_by(declared, "x.json", |object, sink| slow(object, file, sink));
        let fast = decoded_by(declared, "x.json", |object, sink| fast(object, file, sink));
        prop_assert_eq!(fast, slow, "{}", String::from_utf8_lossy(file));
    }
    let whole = decoded_by(declared, "x.json", |object, sink| document(object, file, sink));
    let parts = decoded_by(declared, "x.json", |object, sink| super::document(object, Dribble(file, step), sink));
    prop_assert_eq!(parts, whole);
    Ok(())
}

#[test]
fn rows_as_they_come_are_read_as_by_the_slow_way() {
    for declared in DECLARED {
        for rows in ROWS {
            compare(declared, rows.as_bytes(), 7).unwrap();
        }
    }
    for body in ["]\"a", "x", "\"", "-", "7", "nul", "[", "{\"d\":]", "{\"d\":7,\"d\":8}"] {
        let text = format!("{{\"status\":200,\"body\":{body}}}\n{{\"status\":200,\"body\":[{{\"a\":\"x\"}}]}}\n");
        for declared in DECLARED {
            compare(declared, text.as_bytes(), 1).unwrap();
        }
    }
    let fine = decoded_by(DECLARED[0], "x", |object, sink| lines(object, ROWS[0].as_bytes(), sink)).unwrap();
    assert_eq!((fine.rows.len(), fine.rejects.len()), (3, 2), "the slow way reads rows, too");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_read_as_by_the_slow_way(
        declared in prop::sample::select(&DECLARED[..]),
        file in mutated(&ROWS),
        step in 1_usize..40,
    ) {
        compare(declared, &file, step)?;
    }
}
