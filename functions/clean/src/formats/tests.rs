//! What the tests of the declared formats share, and tests of values and of the JSON formats.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::DateTime;
use lake::dataset::{Catalog, Folder};
use lake::ledger::LeftOut;
use proptest::prelude::*;

use super::{Notes, RawObject, Siblings, decode};
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;

/// Everything a decoder hands on, as text.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Kept {
    /// Values of a row, separated by `|`, without `received_at`.
    pub rows: Vec<String>,
    /// `row column reason: text`
    pub rejects: Vec<String>,
    /// What the rejects say.
    pub messages: Vec<String>,
    /// `received_at` of each row.
    pub received: Vec<String>,
    pub notes: (usize, u64),
    pub preamble: u64,
    pub left_out: Option<LeftOut>,
}

impl Sink for Kept {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        let options = FormatOptions::default().with_null("-");
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let mut values: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            self.received.extend(values.pop());
            self.rows.push(values.join("|"));
        }
        Ok(())
    }

    fn reject(&mut self, reject: &Reject) -> Result<(), Stop> {
        let (row, column, reason) = (reject.row, reject.column.unwrap_or("-"), reject.reason);
        self.rejects.push(format!("{row} {column} {reason}: {}", String::from_utf8_lossy(reject.text)));
        self.messages.push(reject.message.clone());
        Ok(())
    }

    fn outside(&mut self, _: u64) {
        panic!("nothing declared is outside");
    }
}

/// Decodes as a table `t` that is declared by these lines, from a raw object of this name.
pub(super) fn decoded(declared: &str, name: &str, bytes: impl Read) -> Result<Kept, String> {
    decoded_by(declared, name, |object, sink| decode(object, Siblings::new(), bytes, sink))
}

/// Why an object is rejected as a whole: the reason and the message.
pub(super) fn refused(declared: &str, name: &str, bytes: impl Read) -> String {
    let mut why = String::new();
    let read = decoded_by(declared, name, |object, sink| {
        let read = decode(object, Siblings::new(), bytes, sink);
        if let Err(Stop::Reject(reject)) = &read {
            why = format!("{}: {}", reject.reason, reject.message);
        }
        read
    });
    assert!(read.is_err(), "{name}: {read:?}");
    why
}

/// A catalog with the table, made once: properties are tested with thousands of files.
fn catalog_of(declared: &str) -> Result<Arc<Catalog>, String> {
    static KNOWN: Mutex<BTreeMap<String, Arc<Catalog>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().map_err(|error| error.to_string())?;
    if let Some(catalog) = known.get(declared) {
        return Ok(Arc::clone(catalog));
    }
    let text = format!("title = \"T\"\ntime_zone = \"Europe/Brussels\"\n[table.t]\nfrom = \"*\"\n{declared}");
    let folder = Folder::from([("dataset.toml".to_owned(), text)]);
    // Without the built-in datasets, which would be read again for each table.
    let catalog = Arc::new(Catalog::of_folders(BTreeMap::from([("d".to_owned(), folder)])));
    known.insert(declared.to_owned(), Arc::clone(&catalog));
    Ok(catalog)
}

/// The same by a decoder.
pub(super) fn decoded_by(
    declared: &str,
    name: &str,
    decode: impl FnOnce(&RawObject, &mut dyn Sink) -> Result<Notes, Stop>,
) -> Result<Kept, String> {
    let catalog = catalog_of(declared)?;
    let dataset = catalog.dataset("d").map_err(|error| error.to_string())?;
    let key = format!("d/{name}");
    let received_at = DateTime::from_timestamp(0, 0).unwrap();
    let object = RawObject { dataset, table: dataset.table("t").unwrap(), key: &key, received_at };
    let mut kept = Kept::default();
    match decode(&object, &mut kept) {
        Ok(Notes { gaps, ignored_columns, preamble, left_out, seen, .. }) => {
            kept.preamble = preamble;
            kept.left_out = left_out;
            assert_eq!(seen, (kept.rows.len() + kept.rejects.len()) as u64, "what was seen arrived");
            kept.notes = (gaps.len(), ignored_columns);
            Ok(kept)
        }
        Err(Stop::Reject(reject)) => Err(reject.reason),
        Err(Stop::Broken(why)) => Err(why),
    }
}

/// Gives a few bytes at a time, so that every boundary is hit.
pub(super) struct Dribble<'a>(pub &'a [u8], pub usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(buffer.len());
        (&mut self.0).take(count as u64).read(buffer)
    }
}

/// Texts with pieces cut out, repeated, and replaced by what parsers trip over, and some left as they are.
pub(super) fn mutated(texts: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), 0_usize..4, prop::sample::select(PIECES));
    (prop::sample::select(texts), prop::collection::vec(edit, 0..8)).prop_map(|(text, edits)| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, cut, piece) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, piece.iter().copied());
        }
        bytes
    })
}

/// What parsers trip over.
static PIECES: &[&[u8]] = &[
    b"",
    b"",
    b"",
    b"\"",
    b"\"\"",
    b",",
    b",,",
    b";",
    b"\n",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"\t",
    b" ",
    b"\x0b",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xa9",
    b"\xef\xbb\xbf",
    b"\xc2\xa0",
    b"\xe2\x80\x82",
    b"0",
    b"9",
    b"1",
    b".",
    b"-",
    b"+",
    b"e5",
    b"1e999",
    b"NaN",
    b"inf",
    b"9223372036854775808",
    b"-99.99",
    b"T",
    b"t",
    b"Z",
    b":",
    b"24:00",
    b"-07:00",
    b"+23:59",
    b"60",
    b"0000",
    b"2026-03-29T02:30:00",
    b"2026-10-25 02:30:00",
    b"1970-01-01",
    b"1500000000000",
    b"{",
    b"}",
    b"[",
    b"]",
    b"{}",
    b"[]",
    b"\\",
    b"\\u00e9",
    b"\\ud800",
    b"\\ud83d\\ude00",
    b"\\n",
    b"null",
    b"true",
    b"false",
    b"\"a\":",
    b"\"a\":1,",
    b"\x1f",
];

/// One value through a column of these options: the value, or the reason why it is rejected.
fn one(options: &str, value: &str) -> String {
    let declared = format!("format = \"ndjson\"\ncolumn.a = {{ {options} }}\n");
    let kept = decoded(&declared, "x.ndjson", format!("{{\"a\": {value}}}").as_bytes()).unwrap();
    match kept.rejects.first() {
        Some(reject) => reject.split([' ', ':']).nth(2).unwrap().to_owned(),
        None => kept.rows.concat(),
    }
}

#[test]
fn values_are_typed_and_checked() {
    for (options, value, expected) in [
        ("type = 'int64'", "\" 42 \"", "42"),
        ("type = 'int64'", "42.0", "42"),
        ("type = 'int64'", "\"42.0\"", "42"),
        ("type = 'int64'", "\"+42.00\"", "42"),
        ("type = 'int64'", "\"42.5\"", "not_an_integer"),
        ("type = 'int64'", "\"42e1\"", "420"),
        ("type = 'int64'", "\"+1E+3\"", "1000"),
        ("type = 'int64'", "\"+-5.0\"", "not_an_integer"),
        ("type = 'int64'", "\"1e-3\"", "not_an_integer"),
        ("type = 'int64'", "\"9007199254740993e3\"", "9007199254740993000"),
        ("type = 'int64', decimal = ','", "\"42,0\"", "42"),
        ("type = 'int64', thousands = '.', decimal = ','", "\"1.234\"", "1234"),
        ("type = 'int64', thousands = '.', decimal = ','", "\"1.0\"", "not_a_number"),
        ("type = 'float64', thousands = '.', decimal = ','", "\"-1.234.567,5\"", "-1234567.5"),
        ("type = 'float64', thousands = '.', decimal = ','", "\"1.23\"", "not_a_number"),
        ("type = 'float64', thousands = '.', decimal = ','", "\"1.5e3\"", "not_a_number"),
        ("type = 'float64', thousands = '.', decimal = ','", "\"12.34E-05\"", "not_a_number"),
        ("type = 'float64', thousands = '.', decimal = ','", "\"1.234e2\"", "123400.0"),
        ("type = 'float64', thousands = '.', decimal = ','", "\"1,5e3\"", "1500.0"),
        ("type = 'float64', thousands = ','", "\"1,5e3\"", "not_a_number"),
        ("type = 'float64', thousands = ','", "\"1,234.5e2\"", "123450.0"),
        ("type = 'float64', thousands = ' '", "\"1 5e3\"", "not_a_number"),
        ("type = 'int64', round = true, thousands = '.', decimal = ','", "\"12.5e1\"", "not_a_number"),
        ("type = 'int64', thousands = '.', decimal = ','", "\"1.5e3\"", "not_a_number"),
        ("type = 'float64', thousands = ','", "\"1,234.5\"", "1234.5"),
        ("type = 'float64', thousands = ' ', decimal = ','", "\"1\u{a0}234,5\"", "1234.5"),
        ("type = 'float64', missing = ['NaN']", "\" NaN \"", "-"),
        ("type = 'string', missing = [' - ']", "\"-  \"", "-"),
        ("type = 'int64'", "4.5", "not_an_integer"),
        ("type = 'int64'", "9007199254740993.0", "9007199254740993"),
        ("type = 'int64'", "-9.007199254740993e15", "-9007199254740993"),
        ("type = 'int64'", "1200e-2", "12"),
        ("type = 'int64'", "-0.0", "0"),
        ("type = 'int64'", "9007199254740992.4", "not_an_integer"),
        ("type = 'int64'", "1e19", "not_an_integer"),
        ("type = 'int64'", "1e999999999", "not_an_integer"),
        ("type = 'int64', round = true", "\"74.5\"", "74"),
        ("type = 'int64', round = true", "75.5", "76"),
        ("type = 'int64', min = 3", "2", "below_minimum"),
        ("type = 'int64', missing = [-1]", "\"-1\"", "-"),
        ("type = 'float64'", "\"inf\"", "not_finite"),
        ("type = 'float64'", "\"1e999\"", "out_of_range"),
        ("type = 'float64'", "\"-1e400\"", "out_of_range"),
        ("type = 'float64'", "1e400", "out_of_range"),
        ("type = 'float64'", "\"-Infinity\"", "not_finite"),
        ("type = 'float64', thousands = '.', decimal = ','", "\"0.123\"", "not_a_number"),
        ("type = 'float64', thousands = '.', decimal = ','", "\"-0.500\"", "not_a_number"),
        ("type = 'int64', missing = [9007199254740993]", "9007199254740992", "9007199254740992"),
        ("type = 'int64', missing = [9007199254740993]", "\"9007199254740992\"", "9007199254740992"),
        ("type = 'int64', missing = [9007199254740993]", "9007199254740993.0", "-"),
        ("type = 'string', missing = [9007199254740993]", "9007199254740992", "9007199254740992"),
        ("type = 'int64', missing = [-99.9]", "-99.9", "-"),
        ("type = 'int64', max = 9223372036854775806", "9223372036854775807", "above_maximum"),
        ("type = 'int64', min = -9223372036854775807", "\"-9223372036854775808\"", "below_minimum"),
        ("type = 'date', format = 'excel'", "2958465", "9999-12-31"),
        ("type = 'date', format = 'excel'", "2958466", "out_of_range"),
        ("type = 'timestamp', format = 'excel', zone = 'UTC'", "\"2958466.5\"", "out_of_range"),
        ("type = 'timestamp', format = '%Y-%m-%d %H', zone = 'UTC'", "\"2026-11-19 7\"", "2026-11-19T07:00:00Z"),
        ("type = 'timestamp', format = '%Y-%m-%d %H', zone = 'UTC'", "\"2026-11-19 24\"", "2026-11-20T00:00:00Z"),
        ("type = 'timestamp', format = '%Y-%m-%d %H%z'", "\"2026-11-19 13+0100\"", "2026-11-19T12:00:00Z"),
        ("type = 'timestamp', format = '%d/%m/%Y %I %p', zone = 'UTC'", "\"19/11/2026 1 PM\"", "2026-11-19T13:00:00Z"),
        (
            "type = 'timestamp', format = '%Y-%m-%d %H:%M:%S.%f', zone = 'UTC'",
            "\"2026-11-19 10:00:00.5\"",
            "2026-11-19T10:00:00.500Z",
        ),
        ("type = 'timestamp', format = '%Y-%m-%d', zone = 'UTC'", "\"2026-11-19\"", "2026-11-19T00:00:00Z"),
        ("type = 'timestamp'", "\"2026-01-05T01:02Z\"", "2026-01-05T01:02:00Z"),
        ("type = 'timestamp'", "\"2026-01-05T01:02+01:00\"", "2026-01-05T00:02:00Z"),
        ("type = 'timestamp'", "\"2026-01-05T01:02:03+0100\"", "2026-01-05T00:02:03Z"),
        ("type = 'timestamp'", "\"2026-01-05T01:02:03.5+01\"", "2026-01-05T00:02:03.500Z"),
        ("type = 'timestamp'", "\"20260105T010203Z\"", "2026-01-05T01:02:03Z"),
        ("type = 'timestamp'", "\"20260105T0102Z\"", "2026-01-05T01:02:00Z"),
        ("type = 'timestamp'", "\"20260105T010203+0100\"", "2026-01-05T00:02:03Z"),
        ("type = 'timestamp'", "\"2026-01-05T24:00Z\"", "2026-01-06T00:00:00Z"),
        ("type = 'timestamp'", "\"2026-01-05T01:02\"", "missing_offset"),
        ("type = 'timestamp'", "\"20260105T010203\"", "missing_offset"),
        ("type = 'timestamp'", "\"2026-01-05Z\"", "not_a_timestamp"),
        ("type = 'timestamp'", "\"20260105Z\"", "not_a_timestamp"),
        ("type = 'timestamp'", "\"12026-01-05T01:02Z\"", "not_a_timestamp"),
        ("type = 'timestamp', zone = 'Europe/Brussels'", "\"20260105T010203\"", "2026-01-05T00:02:03Z"),
        ("type = 'timestamp', zone = 'Europe/Brussels'", "\"2026-01-05T01:02\"", "2026-01-05T00:02:00Z"),
        ("type = 'timestamp', format = '%Y%m%dT%H%M%S%z'", "\"20260105T010203Z\"", "2026-01-05T01:02:03Z"),
        ("type = 'timestamp', format = '%Y%m%dT%H%M%S%z'", "\"20260105T010203+0100\"", "2026-01-05T00:02:03Z"),
        ("type = 'timestamp', format = '%Y-%m-%d %H:%M:%S %z'", "\"2026-01-05 01:02:03 Z\"", "2026-01-05T01:02:03Z"),
        ("type = 'timestamp', format = '%Y-%m-%dT%H:%M%:z'", "\"2026-01-05T01:02Z\"", "2026-01-05T01:02:00Z"),
        ("type = 'timestamp', format = '%Y-%m-%d %H:%M%z'", "\"2026-01-05 24:00Z\"", "2026-01-06T00:00:00Z"),
        (
            "type = 'timestamp', format = '%Y-%m-%dT%H:%M:%SZ', zone = 'UTC'",
            "\"2026-01-05T01:02:03Z\"",
            "2026-01-05T01:02:03Z",
        ),
        ("type = 'timestamp', format = '%Y-%m-%d %H:%M', zone = 'UTC'", "\"2026-11-19\"", "not_a_timestamp"),
        ("type = 'float64'", "\"1,5\"", "not_a_number"),
        ("type = 'float64', decimal = ','", "\"-1,5\"", "-1.5"),
        ("type = 'float64', decimal = ','", "\"1.5\"", "not_a_number"),
        ("type = 'float64', decimal = ','", "1.5", "1.5"),
        ("type = 'float64', missing = ['NaN']", "\"NaN\"", "-"),
        ("type = 'float64', max = 100", "100.5", "above_maximum"),
        ("type = 'float64', round = true", "2.5", "2.0"),
        ("type = 'float64', required = true", "\"\"", "missing_value"),
        ("type = 'float64'", "[1]", "wrong_type"),
        ("type = 'bool'", "\"T\"", "true"),
        ("type = 'bool', true_values = ['ja'], false_values = ['nee']", "\"nee\"", "false"),
        ("type = 'bool', true_values = ['ja']", "\"t\"", "not_a_bool"),
        ("type = 'string', one_of = ['a', 'b']", "\"c\"", "not_in_list"),
        ("type = 'string', pattern = '^[0-9]+$'", "\"12a\"", "wrong_pattern"),
        ("type = 'string', extract = '^(\\w+) -'", "\"40AL01 - Antwerpen\"", "40AL01"),
        ("type = 'date'", "\"2024-02-30\"", "not_a_date"),
        ("type = 'date'", "\"26-01-05\"", "not_a_date"),
        ("type = 'date'", "\"+2026-01-05\"", "not_a_date"),
        ("type = 'timestamp', zone = 'UTC'", "\"26-01-05T10:00:00\"", "not_a_timestamp"),
        ("type = 'timestamp', zone = 'UTC'", "\"26-01-05 10:00:00\"", "not_a_timestamp"),
        ("type = 'date', format = ['%d/%m/%Y', '%d.%m.%y']", "\"29.02.24\"", "2024-02-29"),
        ("type = 'date', format = 'rfc3339'", "\"2023-05-12T23:30:00-07:00\"", "2023-05-12"),
        ("type = 'date', null_before = '2001-01-01'", "\"2000-01-01\"", "-"),
        ("type = 'timestamp'", "\"2023-05-12T01:00:00-07:00\"", "2023-05-12T08:00:00Z"),
        ("type = 'timestamp'", "\"2023-05-12T01:00:00\"", "missing_offset"),
        ("type = 'timestamp'", "\"2023-05-12 01:00\"", "not_a_timestamp"),
        ("type = 'timestamp'", "\"2026-01-05 01:02:03+01\"", "2026-01-05T00:02:03Z"),
        ("type = 'timestamp'", "\"2026-01-05 01:02:03.5+0100\"", "2026-01-05T00:02:03.500Z"),
        ("type = 'timestamp'", "\"2026-01-05 01:02:03 +0100\"", "2026-01-05T00:02:03Z"),
        ("type = 'timestamp'", "\"2026-01-05 01:02Z\"", "2026-01-05T01:02:00Z"),
        ("type = 'timestamp'", "\"2026-01-05  01:02Z\"", "not_a_timestamp"),
        ("type = 'timestamp'", "\"2026-01-05 01:02 nonsense+01\"", "not_a_timestamp"),
        ("type = 'timestamp', format = ['epoch_s', 'epoch_ms']", "1767225603000", "2026-01-01T00:00:03Z"),
        ("type = 'timestamp', format = ['epoch_s', 'epoch_ms']", "1767225603", "2026-01-01T00:00:03Z"),
        ("type = 'timestamp', format = 'epoch_s'", "1767225603000", "out_of_range"),
        ("type = 'timestamp', format = 'epoch_s'", "0", "1970-01-01T00:00:00Z"),
        ("type = 'timestamp', format = 'epoch_s'", "\"60.0\"", "1970-01-01T00:01:00Z"),
        ("type = 'timestamp', format = 'epoch_s'", "\"1762000000.5\"", "2025-11-01T12:26:40.500Z"),
        ("type = 'timestamp', format = 'epoch_s'", "1762000000.5", "2025-11-01T12:26:40.500Z"),
        ("type = 'timestamp', format = 'epoch_s'", "1.762e9", "2025-11-01T12:26:40Z"),
        ("type = 'timestamp', format = 'epoch_s'", "\"1.762E9\"", "2025-11-01T12:26:40Z"),
        ("type = 'timestamp', format = ['epoch_s', 'excel'], zone = 'UTC'", "\"1.762e9\"", "2025-11-01T12:26:40Z"),
        ("type = 'timestamp', format = 'epoch_s'", "\"1762000000.1234567\"", "2025-11-01T12:26:40.123456Z"),
        ("type = 'timestamp', format = 'epoch_s'", "-0.0000001", "1969-12-31T23:59:59.999999Z"),
        ("type = 'timestamp'", "\"1969-12-31T23:59:59.9999999Z\"", "1969-12-31T23:59:59.999999Z"),
        ("type = 'timestamp', format = 'epoch_ms'", "1762000000000.25", "2025-11-01T12:26:40.000250Z"),
        ("type = 'timestamp', format = 'epoch_ns'", "1762000000000000999.9", "2025-11-01T12:26:40Z"),
        ("type = 'timestamp', format = 'epoch_ms'", "1762000000000000", "out_of_range"),
        ("type = 'timestamp', format = 'epoch_ms'", "\"17620000000000000\"", "out_of_range"),
        ("type = 'timestamp', format = 'epoch_ms'", "1762000000000000000", "out_of_range"),
        ("type = 'timestamp', format = 'epoch_us'", "\"9223372036854775808\"", "out_of_range"),
        ("type = 'timestamp', format = 'epoch_s'", "1e999999999", "out_of_range"),
        ("type = 'timestamp', format = 'epoch_s'", "0e999999999", "1970-01-01T00:00:00Z"),
        ("type = 'timestamp', format = 'epoch_s'", "1e-999999999", "1970-01-01T00:00:00Z"),
        ("type = 'timestamp', format = ['epoch_ms', 'epoch_ns']", "1762000000000000000", "2025-11-01T12:26:40Z"),
        ("type = 'timestamp', format = 'epoch_s'", "\"1762000000.\"", "2025-11-01T12:26:40Z"),
        ("type = 'timestamp', format = 'epoch_s'", "\"1,762,000,000\"", "not_a_timestamp"),
        ("type = 'string'", "\"\\ud83d\"", "half_character"),
        ("type = 'int64'", "\"\\udc00\"", "half_character"),
        ("type = 'timestamp', format = 'epoch_us'", "1000001", "1970-01-01T00:00:01.000001Z"),
        ("type = 'timestamp', format = 'epoch_ns'", "\"1000001999\"", "1970-01-01T00:00:01.000001Z"),
        ("type = 'timestamp', format = 'excel', zone = 'UTC'", "46345.4166666667", "2026-11-19T10:00:00Z"),
        ("type = 'timestamp', format = 'excel', zone = 'UTC'", "0.5", "not_a_timestamp"),
        ("type = 'timestamp', format = 'excel', zone = 'UTC'", "60", "not_a_timestamp"),
        ("type = 'date', format = 'excel'", "1", "1900-01-01"),
        ("type = 'date', format = 'excel'", "61", "1900-03-01"),
        ("type = 'date', format = 'excel'", "61.9", "not_a_date"),
        ("type = 'timestamp', format = '%d/%m/%Y %H:%M', zone = 'UTC'", "\"31/12/2026 24:00\"", "2027-01-01T00:00:00Z"),
        ("type = 'timestamp', format = '%Y%m%d%H%M', zone = 'UTC'", "\"202612312400\"", "2027-01-01T00:00:00Z"),
        ("type = 'timestamp', format = '%d/%m/%Y %H:%M', zone = 'UTC'", "\"31/12/2026 24:01\"", "not_a_timestamp"),
        ("type = 'timestamp', format = '%d/%m/%Y %H:%M', zone = 'UTC'", "\"24/12/2026 10:24\"", "2026-12-24T10:24:00Z"),
        ("type = 'timestamp'", "\"2026-11-19T24:00:00+01:00\"", "2026-11-19T23:00:00Z"),
        ("type = 'timestamp', zone = 'UTC'", "\"2026-11-19 24:00:00\"", "2026-11-20T00:00:00Z"),
        ("type = 'timestamp', format = '%d/%m/%Y %H:%M %z'", "\"19/11/2026 24:00 +0100\"", "2026-11-19T23:00:00Z"),
        ("type = 'timestamp', zone = 'UTC'", "\"9999-12-31 24:00:00\"", "out_of_range"),
        ("type = 'date', format = '%d/%m/%Y %H:%M'", "\"19/11/2026 24:00\"", "2026-11-20"),
        (
            "type = 'timestamp', zone = 'Europe/Brussels', ambiguous = 'later'",
            "\"2026-10-25T02:30:00\"",
            "2026-10-25T01:30:00Z",
        ),
        (
            "type = 'timestamp', zone = 'Europe/Brussels', ambiguous = 'reject'",
            "\"2026-10-25T02:30:00\"",
            "ambiguous_time",
        ),
        (
            "type = 'timestamp', format = '%Y-%m-%d %H:%M', zone = 'Europe/Brussels'",
            "\"2023-07-01 02:00\"",
            "2023-07-01T00:00:00Z",
        ),
        // The clocks go from 02:00 to 03:00, and from 03:00 back to 02:00.
        ("type = 'timestamp', zone = 'Europe/Brussels'", "\"2026-03-29T02:30:00\"", "not_a_timestamp"),
        ("type = 'timestamp', zone = 'Europe/Brussels'", "\"2026-10-25T02:30:00\"", "2026-10-25T00:30:00Z"),
    ] {
        assert_eq!(one(options, value), expected, "{options} {value}");
    }
}

#[test]
fn declarations_that_make_no_sense_are_refused() {
    for (options, why) in [
        ("type = 'timestamp', format = '%Y-%m-%d %H:%M'", "zone"),
        ("type = 'timestamp', format = 'iso'", "is no format"),
        ("type = 'timestamp', zone = 'UTC', format = '%d/%m/%Y %I:%M'", "needs %p"),
        ("type = 'timestamp', zone = 'UTC', format = ['%d/%m/%Y', '%H:%M']", "no whole date"),
        ("type = 'timestamp', zone = 'UTC', format = '%Y-%m-%d %H:%M %Z'", "write %z"),
        ("type = 'date', format = '%m/%d'", "no whole date"),
        ("type = 'string', min = 1", "min is for numbers"),
        ("type = 'date', day_of = 'b'", "no timestamp column"),
        ("type = 'string', path = '/a', request = '/b'", "one place"),
        ("type = 'string', pattern = '('", "unclosed"),
    ] {
        let declared = format!("format = \"ndjson\"\ncolumn.a = {{ {options} }}\n");
        let error = decoded(&declared, "x", &b""[..]).unwrap_err();
        assert!(error.contains(why) && error.contains("d/dataset.toml, line "), "{error}");
    }
}

#[test]
fn the_day_of_a_time_is_local_and_by_its_stamp() {
    let declared =
        "format = \"ndjson\"\ncolumn.t = { type = 'timestamp' }\ncolumn.day = { type = 'date', day_of = 't' }\n";
    let kept = decoded(declared, "x", &b"{\"t\": \"2026-11-18T23:00:00Z\"}\n{\"t\": null}\n"[..]).unwrap();
    assert_eq!(kept.rows, ["2026-11-18T23:00:00Z|2026-11-19", "-|-"]);
}

#[test]
fn a_line_that_is_no_json_is_rejected_alone() {
    let declared = "format = \"ndjson\"\ncolumn.n = { type = 'int64', field = ['n', 'number'] }\n";
    let text = "\u{feff}{\"n\": 1}\r\n\n{\"number\": 2}\n[3]\n{\"n\": 4\n{\"n\": 5}";
    let kept = decoded(declared, "x.ndjson", text.as_bytes()).unwrap();
    assert_eq!(kept.rows, ["1", "2", "5"]);
    assert_eq!(kept.rejects, ["4 - not_json: [3]", "5 - not_json: {\"n\": 4"]);
}

#[test]
fn rows_of_responses_know_their_request_and_when_they_came() {
    let declared = "format = \"responses\"\nrows = \"/data/results\"\n\
                    column.learner = { type = 'int64', request = '/learner' }\ncolumn.points = { type = 'int64' }\n";
    let text = r#"{"request":{"learner":7},"received_at":"2026-01-01T00:00:00Z","status":200,"body":{"page":1,"data":{"n":[1],"results":[{"points":"3"},{"points":"x"}]}}}
{"request":{"learner":8},"received_at":"2026-01-02T00:00:00Z","status":404,"body":{"error":"no"}}
{"request":{"learner":9},"received_at":"2026-01-02T00:00:00Z","status":null,"body":null,"gap":{"what":["9"],"reason":"down","can_retry":true}}
{"request":{"learner":10},"received_at":"2026-01-03T00:00:00Z","status":200,"body":{"data":{"results":{"points":5}}}}
"#;
    let kept = decoded(declared, "x.ndjson", text.as_bytes()).unwrap();
    assert_eq!(kept.rows, ["7|3", "10|5"]);
    assert_eq!(kept.received, ["2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"]);
    assert_eq!(kept.rejects, ["2 points not_an_integer: {\"points\":\"x\"}"]);
    assert_eq!(kept.notes, (1, 0));
}

#[test]
fn an_answer_without_its_list_of_rows_rejects_no_other() {
    let declared = "format = \"responses\"\nrows = \"/results\"\ncolumn.points = { type = 'int64' }\n";
    let good = r#"{"request":{"id":1},"status":200,"body":{"results":[{"points":3}]}}"#;
    for (body, reject) in [
        (r#"{"results":null}"#, None),
        (r#"{"num_results":0,"results":[]}"#, None),
        (r#"{"error":"no"}"#, Some("2 - no_rows: {\"id\":2}")),
        ("{}", Some("2 - no_rows: {\"id\":2}")),
        (r#"{"results":"none"}"#, Some("2 - not_a_list: {\"id\":2}")),
        (r#"{"results":false,"n":[1]}"#, Some("2 - not_a_list: {\"id\":2}")),
        ("7", Some("2 - no_rows: {\"id\":2}")),
    ] {
        let text = format!("{good}\n{{\"request\":{{\"id\":2}},\"status\":200,\"body\":{body}}}\n{good}\n");
        let kept = decoded(declared, "x.ndjson", text.as_bytes()).unwrap();
        assert_eq!(kept.rows, ["3", "3"], "{body}");
        assert_eq!(kept.rejects, reject.into_iter().collect::<Vec<_>>(), "{body}");
    }
}

#[test]
fn the_format_follows_from_the_name_where_none_is_declared() {
    let declared = "column.n = { type = 'int64' }\n";
    for (name, text) in [("x.csv", "n\n1\n"), ("x.TSV", "n\n1\n"), ("x.ndjson", "{\"n\":1}"), ("x.json", "[{\"n\":1}]")]
    {
        assert_eq!(decoded(declared, name, text.as_bytes()).unwrap().rows, ["1"], "{name}");
    }
    assert_eq!(decoded(declared, "x.txt", &b"1"[..]).unwrap_err(), "unknown_format");
    assert_eq!(decoded(declared, "x.xlsx", &b"n\n1"[..]).unwrap_err(), "wrong_kind");
    assert_eq!(decoded(declared, "x.parquet", &b"n\n1"[..]).unwrap_err(), "wrong_kind");
    assert_eq!(decoded(declared, "x.zip", &b"n\n1"[..]).unwrap_err(), "wrong_kind");
}

/// Loses every third row.
#[derive(Default)]
struct Lossy {
    arrived: u64,
}

impl Sink for Lossy {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Stop> {
        self.arrived += (batch.num_rows() - batch.num_rows() / 3) as u64;
        Ok(())
    }

    fn reject(&mut self, _: &Reject) -> Result<(), Stop> {
        self.arrived += 1;
        Ok(())
    }

    fn outside(&mut self, count: u64) {
        self.arrived += count;
    }
}

#[test]
fn what_a_decoder_saw_does_not_depend_on_what_arrives() {
    let folder = Folder::from([(
        "dataset.toml".to_owned(),
        "title = \"T\"\ntime_zone = \"UTC\"\n[table.t]\nfrom = \"*\"\ncolumn.a = { type = \"int64\" }\n".to_owned(),
    )]);
    let catalog = Catalog::of_folders(BTreeMap::from([("d".to_owned(), folder)]));
    let dataset = catalog.dataset("d").unwrap();
    for (key, text) in [
        ("d/x.csv", "a\n1\n2\n\n3\nx\n"),
        ("d/x.ndjson", "{\"a\": 1}\n\n{\"a\": 2}\n{\"a\": 3}\nx\n"),
        ("d/x.json", "[{\"a\": 1}, {\"a\": 2}, {\"a\": 3}, {\"a\": \"x\"}]"),
    ] {
        let received_at = DateTime::from_timestamp(0, 0).unwrap();
        let object = RawObject { dataset, table: dataset.table("t").unwrap(), key, received_at };
        let mut sink = Lossy::default();
        let notes = decode(&object, Siblings::new(), text.as_bytes(), &mut sink).unwrap();
        assert_eq!((notes.seen, sink.arrived), (4, 3), "{key}");
    }
}

#[test]
fn doubles_of_json_are_those_of_csv_bit_for_bit() {
    // A fixed seed: xorshift over all bit patterns.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f64::from_bits(state)
    };
    let doubles: Vec<f64> = std::iter::repeat_with(&mut next).filter(|double| double.is_finite()).take(2_000).collect();
    let texts: Vec<String> = doubles.iter().map(|double| format!("{double:e}")).collect();
    let declared = "column.a = { type = \"float64\" }\n";
    let json: String = texts.iter().map(|text| format!("{{\"a\": {text}}}\n")).collect();
    let list = format!("[{}]", json.trim().replace('\n', ","));
    let wanted: Vec<u64> = doubles.iter().map(|double| double.to_bits()).collect();
    for (name, text) in [("x.csv", format!("a\n{}\n", texts.join("\n"))), ("x.ndjson", json), ("x.json", list)] {
        let kept = decoded(declared, name, text.as_bytes()).unwrap();
        let found: Vec<u64> = kept.rows.iter().map(|row| row.parse::<f64>().unwrap().to_bits()).collect();
        assert_eq!(found, wanted, "{name}");
    }
}

#[test]
fn a_number_keeps_its_digits_in_text_and_harms_nothing_where_nobody_declared_it() {
    assert_eq!(one("type = \"string\"", "1.10"), "1.10");
    assert_eq!(one("type = \"string\"", "12345678901234567890123"), "12345678901234567890123");
    assert_eq!(one("type = \"float64\"", "1e999"), "out_of_range");
    let text = "[{\"a\": 1, \"z\": 1e999}, {\"a\": 2, \"y\": {\"z\": [-1e999]}}]";
    let kept = decoded("column.a = { type = \"int64\" }\n", "x.json", text.as_bytes()).unwrap();
    assert_eq!((kept.rows, kept.rejects), (vec!["1".to_owned(), "2".to_owned()], Vec::new()));
}

#[test]
fn years_are_those_that_a_calendar_has() {
    for (options, value, wanted) in [
        ("type = \"date\"", "\"0001-01-01\"", "0001-01-01"),
        ("type = \"date\"", "\"0000-12-31\"", "out_of_range"),
        ("type = \"date\"", "\"+10000-01-01\"", "out_of_range"),
        ("type = \"date\", format = \"%Y-%m-%d\"", "\"26-01-02\"", "not_a_date"),
        ("type = \"date\", format = \"%d.%m.%Y\"", "\"02.01.2026\"", "2026-01-02"),
        ("type = \"timestamp\", format = \"epoch_s\"", "1795042800000", "out_of_range"),
        ("type = \"timestamp\", format = \"epoch_s\"", "1795042800", "2026-11-18T23:00:00Z"),
        ("type = \"timestamp\"", "\"0000-01-01T00:00:00Z\"", "out_of_range"),
    ] {
        assert_eq!(one(options, value), wanted, "{options} {value}");
    }
}

#[test]
fn days_without_a_school_year_are_rejected() {
    let declared = "partition = \"school_year(a)\"\ncolumn.a = { type = \"date\", required = true }\n";
    let text = "a\n1970-06-30\n1970-07-01\n2070-06-30\n2070-07-01\n";
    let kept = decoded(declared, "x.csv", text.as_bytes()).unwrap();
    assert_eq!(kept.rows, ["1970-07-01", "2070-06-30"]);
    assert_eq!(kept.rejects, ["2 a out_of_range: 1970-06-30", "5 a out_of_range: 2070-07-01"]);
}

#[test]
fn a_megabyte_of_blank_lines_is_no_record() {
    let declared = "column.a = { type = \"int64\" }\n";
    for blank in ["\n", "\r\n"] {
        let blanks = blank.repeat(1_500_000);
        let text = format!("\u{feff}{blanks}a\n1\n{blanks}x\n{blanks}");
        let kept = decoded(declared, "x.csv", text.as_bytes()).unwrap();
        assert_eq!(kept.rows, ["1"]);
        assert_eq!(kept.rejects, ["3000003 a not_an_integer: x"]);
    }
}
