//! The slow way that the decoder is compared with: `csv-core` byte by byte, and each value through the rules in full.

use std::io::Read;

use csv_core::{ReadRecordResult, ReaderBuilder};
use proptest::prelude::*;

use super::cut::Span;
use super::dialect::Dialect;
use super::slicer::{Flaw, Sliced, Slicer};
use super::{Begin, MAX_RECORD, begin, decode_records, explain, refusal, value};
use crate::error::Stop;
use crate::formats::rows::{Record, Rows};
use crate::formats::tests::{Dribble, Kept, decoded_by, mutated};
use crate::formats::window::ByteWindow;
use crate::formats::{Notes, RawObject};
use crate::reject::Reject;
use crate::writer::{Sink, TableWriter};
use lake::value::Raw;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// A reader that takes what follows for no byte order mark, as it has read something.
fn reader(delimiter: u8) -> csv_core::Reader {
    let mut core = ReaderBuilder::new().delimiter(delimiter).build();
    core.read_record(b"\n", &mut [0], &mut [0]);
    core
}

/// Where the next record begins: behind line ends and byte order marks.
fn record_start(file: &[u8], mut at: usize) -> usize {
    loop {
        at += file[at..].iter().take_while(|byte| is_line_end(byte)).count();
        match file[at..].strip_prefix(BYTE_ORDER_MARK) {
            Some(_) => at += BYTE_ORDER_MARK.len(),
            None => return at,
        }
    }
}

/// Where the line ends whose quote is not closed as it should be, if the record that begins at `at` has one.
fn bad_quote(file: &[u8], mut at: usize, delimiter: u8) -> Option<usize> {
    loop {
        let blanks = file[at..].iter().take_while(|byte| **byte == b' ').count();
        if blanks > 0 && file.get(at + blanks) == Some(&b'"') {
            return Some((at..file.len()).find(|at| is_line_end(&file[*at])).unwrap_or(file.len()));
        }
        if file.get(at) == Some(&b'"') {
            let line_end = (at..file.len()).find(|at| is_line_end(&file[*at])).unwrap_or(file.len());
            at += 1;
            loop {
                match (file.get(at), file.get(at + 1)) {
                    (None, _) => return Some(line_end),
                    (Some(b'"'), Some(b'"')) => at += 2,
                    (Some(b'"'), _) => break,
                    _ => at += 1,
                }
            }
            at += 1;
            if file.get(at).is_some_and(|byte| *byte != delimiter && !is_line_end(byte)) {
                return Some(line_end);
            }
        }
        while file.get(at).is_some_and(|byte| *byte != delimiter && !is_line_end(byte)) {
            at += 1;
        }
        if file.get(at) != Some(&delimiter) {
            return None;
        }
        at += 1;
    }
}

/// The file with another byte, which it does not have, for each carriage return that is a character like others.
fn without_lone_returns(file: &[u8], dialect: &Dialect) -> (Vec<u8>, u8) {
    let other = (1..=8).chain(0x0E..0x20).find(|byte| !file.contains(byte)).unwrap();
    let mut plain = file.to_vec();
    if dialect.ends_at_returns == Some(false) {
        for at in 0..file.len() {
            let behind = file[at..].iter().find(|byte| **byte != b'\r');
            if file[at] == b'\r' && behind.is_some_and(|byte| *byte != b'\n') {
                plain[at] = other;
            }
        }
    }
    (plain, other)
}

/// Decodes all of a file.
fn decode(object: &RawObject, delimiter: u8, file: &[u8], sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
    let received_at = object.received_at.timestamp_micros();
    // Where the header is has no second way.
    let mut slicer = Slicer::new(file, Dialect::plain(delimiter), MAX_RECORD)?;
    let Some(Begin { layout, is_row, records, lines, names }) = begin(object, &mut slicer)? else {
        Rows::new(object).flush(sink)?;
        return Ok(Notes::default());
    };
    let first = slicer.record().row + u64::from(!is_row);
    let file =
        if slicer.dialect().delimiter == delimiter { file } else { return Err(Stop::Broken("sep=".to_owned())) };
    let dialect = slicer.dialect();
    let (plain, other) = without_lone_returns(file, &dialect);
    let (original, file) = (file, plain.as_slice());
    let mut core = reader(delimiter);
    let (mut values, mut ends) = (vec![0; file.len() + 1], vec![0; file.len() + 1]);
    let mut rows = Rows::new(object);
    let (mut at, mut seen) = (0, 0);
    let _ = (records, names);
    let (mut row, mut counted) = (1, 0);
    loop {
        let begin = record_start(file, at);
        row += dialect.line_ends(&file[counted..begin]);
        (counted, at) = (begin, begin);
        if file.get(begin) == Some(&0x1A) && file[begin..].iter().all(|byte| is_line_end(byte) || *byte == 0x1A) {
            break;
        }
        if let Some(end) = bad_quote(file, begin, delimiter) {
            at = end;
            core = reader(delimiter);
            if row < first {
                continue;
            }
            seen += 1;
            let text = &original[begin..end];
            let (reason, message) = explain(Flaw::BadQuote);
            sink.reject(&Reject { row, column: None, reason, message, text })?;
            continue;
        }
        let (mut next, mut length, mut count) = (at, 0, 0);
        let is_record = loop {
            let (result, read, written, ended) =
                core.read_record(&file[next..], &mut values[length..], &mut ends[count..]);
            (next, length, count) = (next + read, length + written, count + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record => break true,
                ReadRecordResult::End => break false,
                full => panic!("{full:?}"),
            }
        };
        if !is_record {
            break;
        }
        let start = at;
        let end = file[start..next].iter().rposition(|byte| !is_line_end(byte)).map_or(start, |last| start + last + 1);
        let text = &original[start..end];
        values[..length].iter_mut().filter(|byte| **byte == other).for_each(|byte| *byte = b'\r');
        at = next;
        if count <= 1 && text.trim_ascii().is_empty() {
            continue;
        }
        if row < first {
            continue;
        }
        seen += 1;
        let starts = [0].iter().chain(&ends[..count]);
        let spans: Vec<Span> = starts.zip(&ends[..count]).map(|(start, end)| Span::of(*start..*end)).collect();
        let sound = |text: &[u8]| std::str::from_utf8(text).is_ok() && !text.contains(&0);
        let is_text = spans.iter().all(|span| sound(&values[span.range()]));
        let sliced = Sliced { window: &values, joined: &[], values: &spans, row, text, is_text, flaw: None };
        if let Some((reason, message)) = refusal(object, &sliced, &layout, None) {
            sink.reject(&Reject { row, column: None, reason, message, text })?;
            continue;
        }
        rows.add(Record { row, text, received_at }, sink, |column, _| {
            match layout.position(column).and_then(|at| value(&sliced, at)) {
                Some(text) => Raw::Text(std::str::from_utf8(text).unwrap().into()),
                None => Raw::Missing,
            }
        })?;
    }
    rows.flush(sink)?;
    Ok(Notes { ignored_columns: layout.ignored, seen, preamble: lines, ..Notes::default() })
}

/// Columns of all types and rules.
static DECLARED: [&str; 4] = [
    "column.customer_id = { type = 'int64', required = true }
column.usage_kwh = { type = 'float64', required = true, min = 0 }
column.start_time = { type = 'timestamp', required = true }
column.start_time_text = { type = 'string', field = 'start_time' }
column.day = { type = 'date', field = 'start_time', format = 'rfc3339', required = true }",
    "column.customer_id = { type = 'string', one_of = ['1', 'a', 'é'] }
column.usage_kwh = { type = 'float64', missing = ['NaN', '-', -1, 0.5], max = 100, decimal = ',' }
column.start_time = { type = 'timestamp', format = ['%Y-%m-%d %H:%M:%S', 'rfc3339'], zone = 'Europe/Brussels' }
column.day = { type = 'date', day_of = 'start_time' }",
    "column.customer_id = { type = 'int64', missing = [7, '8'], round = true, min = -5, max = 1e6 }
column.usage_kwh = { type = 'float64', round = true, missing = [2.5] }
column.start_time = { type = 'timestamp', zone = 'Europe/Brussels' }
column.day = { type = 'date', field = 'start_time', format = ['%d.%m.%Y', '%Y-%m-%d'], null_before = '2001-01-01' }
column.part = { type = 'date', day_of = 'start_time', required = true }",
    "column.customer_id = { type = 'bool', missing = ['f'] }
column.usage_kwh = { type = 'string', pattern = '^[0-9.]+$' }
column.start_time = { type = 'timestamp', format = 'epoch_ms' }
column.day = { type = 'string', field = 'start_time', extract = '^(\\d+)-' }",
];

/// Files as they come.
static FILES: [&str; 8] = [
    "customer_id,usage_kwh,start_time\n1,2.5,2023-05-12T01:00:00-07:00\n2,0.125,2023-05-12T02:00:00.25Z\nabc,1,2023-05-12T01:00:00+00:00\n3,,2023-05-12T01:00:00\n7,-1,2023-05-12 01:00:00\n8,1e3,1683853200000\n",
    "\u{feff}Customer_ID,usage_kwh,extra,start_time\r\n 1 ,\"2,5\",x,2026-03-29 02:30:00\r\n\r\n\"1\",\"12345678901234567890\",\"a \"\"b\"\"\",2026-10-25 02:30:00\r\na,\"1\",\"two\nlines\",19.11.2026\r\né,-,,2000-01-02\r\n",
    "t,0.1,1\nf,99.99,2026-11-18T23:00:00Z\nyes,3.,0000-01-01T00:00:00Z\r1,.5,9999-12-31T23:59:59-01:00\n0,inf,2026-06-31T00:00:00Z\n",
    "start_time,customer_id,usage_kwh\n\"2026-11-18T23:00:00Z\",\"1\",\"2\n\n2026-11-18,5\"\"x,\" 3 \"y\n",
    "customer_id;usage_kwh;start_time\n1;2;3\n",
    "customer_id,usage_kwh,start_time\n1,9007199254740993,2023-05-12T01:00:00-07:00\n1000000,-0,2023-05-12T24:00:00Z\n-5,0.30000000000000004,2023-05-12t01:00:00.1234567891z\n\u{a0}1\u{a0},1,2023-05-12T01:00:60Z\n+1,+1,2023-05-12T01:00:00+24:00\n",
    "customer_id,usage_kwh,start_time\n1,\"2\"x,2023-05-12T01:00:00Z\n2,\"3,2023-05-12T01:00:00Z\n3,\"4\",\"2023-05-12T01:00:00Z\"\r\n4,\"\n5\",\"open\n6,7,\"\"\"\"\n7,8,\"open\n\"\"",
    "customer_id,usage_kwh,start_time\n1,2,2023-05-12T01:00:00Z\n\u{feff}2,3,2023-05-12T02:00:00Z\r\n\u{feff}\u{feff}\n\u{feff}\"3\",4,\u{feff}2023-05-12T01:00:00Z\n\u{feff}",
];

fn compare(declared: &str, file: &[u8], step: usize, capacity: usize) -> Result<(), TestCaseError> {
    let slow = decoded_by(declared, "x.csv", |object, sink| decode(object, b',', file, sink));
    let fast = decoded_by(declared, "x.csv", |object, sink| {
        // Which line ends a file has is seen in its beginning, not in a few bytes.
        let dialect = Slicer::new(file, Dialect::plain(b','), MAX_RECORD)?.dialect();
        let window = ByteWindow::with_capacity(Dribble(file, step), capacity)?;
        decode_records(object, Slicer::over(window, dialect, MAX_RECORD), sink)
    });
    prop_assert_eq!(fast, slow, "{}", String::from_utf8_lossy(file));
    Ok(())
}

#[test]
fn files_as_they_come_are_read_as_by_the_slow_way() {
    for declared in DECLARED {
        for file in FILES {
            compare(declared, file.as_bytes(), 7, 16).unwrap();
        }
    }
    let fine = decoded_by(DECLARED[0], "x.csv", |object, sink| decode(object, b',', FILES[0].as_bytes(), sink));
    let Kept { rows, rejects, .. } = fine.unwrap();
    assert_eq!((rows.len(), rejects.len()), (2, 4), "the slow way reads rows, too");
}

#[test]
fn a_value_is_not_utf_8_though_it_is_with_the_next_one() {
    let file = b"customer_id,usage_kwh,start_time\n\xC3,\xA9,2023-05-12T01:00:00Z\n";
    let kept = decoded_by(DECLARED[1], "x.csv", |object, sink| super::decode(object, b',', &file[..], sink)).unwrap();
    assert!(kept.rejects[0].starts_with("2 - not_utf8"), "{kept:?}");
}

/// The bytes of the Parquet file that a decoder's rows become.
fn parquet(decode: impl FnOnce(&RawObject, &mut dyn Sink) -> Result<Notes, Stop>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = decoded_by(DECLARED[0], "x.csv", |object, _| {
        let mut writer = TableWriter::new(object.table, object.key, None)?;
        decode(object, &mut writer)?;
        for part in writer.finish()?.parts {
            part.bytes.into_drafted()?.content.reader()?.read_to_end(&mut bytes)?;
        }
        Ok(Notes::default())
    });
    assert_eq!(written, Ok(Kept::default()));
    bytes
}

#[test]
fn both_ways_give_the_same_bytes_of_parquet() {
    let row = |row: u32| match row % 10 {
        9 => format!("{row},,2023-05-12T01:00:00Z\n"),
        minute => format!("{row},{}.{},2023-05-12T01:0{minute}:00-07:00\n", row % 7, row % 1000),
    };
    let file = format!("customer_id,usage_kwh,start_time\n{}", (0..20_000).map(row).collect::<String>());
    let slow = parquet(|object, sink| decode(object, b',', file.as_bytes(), sink));
    let fast = parquet(|object, sink| super::decode(object, b',', file.as_bytes(), sink));
    assert!(slow.starts_with(b"PAR1") && fast == slow);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_read_as_by_the_slow_way(
        declared in prop::sample::select(&DECLARED[..]),
        file in mutated(&FILES),
        step in 1_usize..40,
        capacity in 3_usize..200,
    ) {
        compare(declared, &file, step, capacity)?;
    }
}
