//! Memory does not grow with the input: a raw object many times larger than what cleaning may hold.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::process::Stdio;

use integration::{TestLake, peak_of};

const SERIES: usize = 4_000;
const VALUES: usize = 1_440;
/// 18 November 2026 00:00 in Brussels.
const START: u64 = 1_794_956_400_000;
const LIMIT_KIB: u64 = 256 * 1024;

/// 220 MB of values, nearly six million, in one line; the first series comes twice.
fn write_values(lake: &TestLake) -> u64 {
    lake.write("raw/irceline/date=2026-11-18/stations.json", "[]");
    let item =
        |id: usize| format!(r#"{{"id":"{id}","uom":"x","parameters":{{"phenomenon":{{"id":"5","label":"P"}}}}}}"#);
    let list = (0..SERIES).map(item).collect::<Vec<_>>().join(",");
    lake.write("raw/irceline/date=2026-11-18/timeseries.json", format!("[{list}]"));
    let path = lake.path().join("raw/irceline/date=2026-11-18/values.ndjson");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    file.write_all(br#"{"request":{},"received_at":"2026-11-19T05:00:00Z","status":200,"body":{"#).unwrap();
    for id in (0..SERIES).chain([0]) {
        let mut text = format!(r#""{id}":{{"values":["#);
        for value in 0..VALUES {
            let comma = if value == 0 { "" } else { "," };
            let time = START + (value as u64 + 1) * 60_000;
            write!(text, r#"{comma}{{"timestamp":{time},"value":{}.5}}"#, value % 90).unwrap();
        }
        text.push_str("]},");
        file.write_all(text.as_bytes()).unwrap();
    }
    file.write_all(b"\"unknown\":{\"values\":[]}}}\n").unwrap();
    file.into_inner().unwrap().metadata().unwrap().len()
}

#[test]
fn a_large_raw_object_is_cleaned_in_bounded_memory() {
    let lake = TestLake::new("http://127.0.0.1:1/");
    let bytes = write_values(&lake);
    assert!(bytes > 200_000_000, "{bytes}");
    let mut child = lake.command(&["clean"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let peak = peak_of(&mut child);
    assert!(child.wait().unwrap().success());
    assert!(peak > 0 && peak < LIMIT_KIB, "{peak} KiB for an object of {bytes} bytes");
    let entry = lake.tree().bytes("ledger/raw/irceline/date=2026-11-18/values.ndjson.json").unwrap().to_vec();
    let entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
    let (all, twice) = ((SERIES * VALUES) as u64, VALUES as u64);
    assert_eq!(entry["rows"]["read"], all + twice);
    assert_eq!(entry["rows"]["clean"], all);
    assert_eq!(entry["rows"]["duplicate"], twice, "the last row of a key stays");
}

/// A lake with a table of these columns beside `day`, by date, and one object with a row per day.
fn lake_by_date(columns: usize, days: u64) -> TestLake {
    let lake = TestLake::new("http://127.0.0.1:1/");
    let names: Vec<String> = (0..columns).map(|number| format!("c{number}")).collect();
    let declared: String = names.iter().map(|name| format!("{name} = {{ type = \"int64\" }}\n")).collect();
    lake.write(
        "config/datasets/wide/dataset.toml",
        format!(
            "title = \"T\"\ntime_zone = \"UTC\"\n[table.t]\nfrom = \"*\"\npartition = \"date(day)\"\n[table.t.column]\n\
             day = {{ type = \"date\", required = true }}\n{declared}"
        ),
    );
    let values = ",1".repeat(columns);
    let first = chrono::NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
    let row = |day| format!("{}{values}\n", first + chrono::Days::new(day));
    let rows: String = (0..days).map(row).collect();
    lake.write("raw/wide/a.csv", format!("day,{}\n{rows}", names.join(",")));
    lake
}

#[test]
fn more_partitions_than_a_process_has_files_are_cleaned() {
    const DAYS: u64 = 1_200;
    let lake = lake_by_date(2, DAYS);
    let command = lake.command(&[]);
    let mut limited = std::process::Command::new("/bin/sh");
    limited.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.args(["-c", "ulimit -n 256; exec \"$0\" \"$@\""]).arg(command.get_program()).arg("clean");
    let output = limited.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let entry = lake.tree().bytes("ledger/raw/wide/a.csv.json").unwrap().to_vec();
    let entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
    assert_eq!((&entry["rows"]["clean"], entry["outputs"].as_array().unwrap().len()), (&DAYS.into(), DAYS as usize));
}

#[test]
fn many_columns_of_many_partitions_are_cleaned_in_bounded_memory() {
    let lake = lake_by_date(50, 900);
    let mut child = lake.command(&["clean"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let peak = peak_of(&mut child);
    assert!(child.wait().unwrap().success());
    assert!(peak > 0 && peak < LIMIT_KIB, "{peak} KiB");
}
