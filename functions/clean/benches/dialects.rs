#![allow(clippy::expect_used, clippy::indexing_slicing, missing_docs)]
//! What CSV in other dialects costs, in CPU time per row and beside the plain one: `cargo bench -p clean --bench dialects --
//! [RESULTS.json [DIALECT...]]`. `ROWS` is how many rows each file has. `tests/bench` makes a table of the results.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::time::Instant;

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime};
use clean::formats::{self, RawObject, Siblings};
use clean::writer::TableWriter;
use flate2::read::MultiGzDecoder;
use lake::dataset::{Catalog, Folder};
use serde_json::{Value, json};

use common::Counter;

/// Rounds; each measures a dialect and what it is compared with.
const ROUNDS: usize = 5;

/// A reading of energy usage.
struct Reading {
    number: usize,
    customer: usize,
    watts: usize,
    start: NaiveDateTime,
}

impl Reading {
    /// Customers by the hour in the order of the key, as a database exports them.
    fn of(number: usize) -> Self {
        let (customer, hour) = (100_000 + number / 720, number % 720);
        let start = NaiveDate::from_ymd_opt(2026, 11, 1).and_then(|day| day.and_hms_opt(0, 0, 0)).expect("a time");
        let watts = 450 + customer % 700 + hour * 13 % 700;
        Self { number, customer, watts, start: start + Duration::hours(hour as i64) }
    }

    /// The energy in kWh; one of a hundred is bad.
    fn usage(&self) -> String {
        self.or_bad(format!("{}.{:03}", self.watts / 1000, self.watts % 1000))
    }

    fn or_bad(&self, text: String) -> String {
        if self.number % 100 == 99 { "abc".to_owned() } else { text }
    }

    /// The start in a zone that is an hour ahead.
    fn iso(&self) -> String {
        format!("{}+01:00", self.start.format("%Y-%m-%dT%H:%M:%S"))
    }

    fn seconds(&self) -> i64 {
        self.start.and_utc().timestamp() - 3600
    }

    fn line(&self, values: [&str; 2], delimiter: &str) -> String {
        format!("{}{delimiter}{}{delimiter}{}\n", self.customer, values[0], values[1])
    }

    fn plain(&self) -> String {
        self.line([&self.usage(), &self.iso()], ",")
    }

    fn timed(&self, time: &str) -> String {
        self.line([&self.usage(), time], ",")
    }

    fn noted(&self, note: &str) -> String {
        format!("{},{},{},{note}\n", self.customer, self.usage(), self.iso())
    }
}

/// A dialect: how it is declared and written.
struct Dialect {
    name: String,
    /// The dialect that it is compared with.
    beside: &'static str,
    file: &'static str,
    header: &'static str,
    table: String,
    usage: String,
    time: String,
    has_note: bool,
    line: Box<dyn Fn(&Reading) -> String>,
    encode: fn(String) -> Vec<u8>,
}

impl Dialect {
    fn new(name: &str, line: impl Fn(&Reading) -> String + 'static) -> Self {
        Self {
            name: name.to_owned(),
            beside: "plain",
            file: "x.csv",
            header: "customer_id,usage_kwh,start_time\n",
            table: String::new(),
            usage: "type = \"float64\", min = 0".to_owned(),
            time: "field = \"start_time\"".to_owned(),
            has_note: false,
            line: Box::new(line),
            encode: String::into_bytes,
        }
    }

    fn with_table(self, options: &str) -> Self {
        Self { table: options.to_owned(), ..self }
    }

    fn with_usage(self, options: &str) -> Self {
        Self { usage: options.to_owned(), ..self }
    }

    fn with_time(self, options: &str) -> Self {
        Self { time: format!("field = \"start_time\", {options}"), ..self }
    }

    fn with_header(self, header: &'static str) -> Self {
        Self { header, ..self }
    }

    fn encoded(self, encode: fn(String) -> Vec<u8>) -> Self {
        Self { encode, ..self }
    }

    fn named(self, file: &'static str, beside: &'static str) -> Self {
        Self { file, beside, ..self }
    }

    fn noted(self) -> Self {
        Self { has_note: true, beside: "plain, with a note", header: "customer_id,usage_kwh,start_time,note\n", ..self }
    }

    fn declared(&self) -> String {
        let Self { table, usage, time, .. } = self;
        let place = time.split(", format").next().and_then(|place| place.split(", zone").next()).unwrap_or_default();
        let note = if self.has_note { "note = { type = \"string\" }\n" } else { "" };
        format!(
            "title = \"T\"\ntime_zone = \"Europe/Brussels\"\n[table.t]\nfrom = \"*\"\npartition = \"month(day)\"\n\
             key = [\"customer_id\", \"start_time\"]\n{table}\n[table.t.column]\n\
             customer_id = {{ type = \"int64\", required = true }}\nusage_kwh = {{ {usage}, required = true }}\n\
             start_time = {{ type = \"timestamp\", {time}, required = true }}\n\
             start_time_text = {{ type = \"string\", {place} }}\nday = {{ type = \"date\", day_of = \"start_time\" }}\n{note}"
        )
    }

    fn bytes(&self, rows: usize) -> Vec<u8> {
        let lines: String = (0..rows).map(|number| (self.line)(&Reading::of(number))).collect();
        (self.encode)(format!("{}{lines}", self.header))
    }
}

fn utf_16(text: String) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn latin(text: String) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).expect("a character of one byte")).collect()
}

fn gzip(text: String) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).expect("memory");
    packed.finish().expect("memory")
}

fn zip(text: String) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("x.csv", zip::write::SimpleFileOptions::default()).expect("a name");
    archive.write_all(text.as_bytes()).expect("memory");
    archive.finish().expect("memory").into_inner()
}

fn grouped(watts: usize, mark: &str, point: &str) -> String {
    format!("{}{mark}{:03}{point}{}", watts / 1000 + 1, watts % 1000, watts % 10)
}

fn ways_to_write() -> Vec<Dialect> {
    let quoted = |row: &Reading| row.line([&format!("\"{}\"", row.usage()), &format!("\"{}\"", row.iso())], ",");
    let all = move |row: &Reading| format!("\"{}\"{}", row.customer, quoted(row).trim_start_matches(char::is_numeric));
    vec![
        Dialect::new("semicolons", |row| row.line([&row.usage(), &row.iso()], ";"))
            .with_table("delimiter = \";\"")
            .with_header("customer_id;usage_kwh;start_time\n"),
        Dialect::new("tabs", |row| row.line([&row.usage(), &row.iso()], "\t"))
            .named("x.tsv", "plain")
            .with_header("customer_id\tusage_kwh\tstart_time\n"),
        Dialect::new("bars", |row| row.line([&row.usage(), &row.iso()], "|"))
            .with_table("delimiter = \"|\"")
            .with_header("customer_id|usage_kwh|start_time\n"),
        Dialect::new("all values in quotes", all),
        Dialect::new("all values in quotes, escape", all).with_table("escape = \"\\\\\""),
        Dialect::new("no quotes, escape", Reading::plain).with_table("quote = \"none\"\nescape = \"\\\\\""),
        Dialect::new("doubled quotes in a note", |row| row.noted("\"a \"\"good\"\" meter\"")).noted(),
        Dialect::new("escaped quotes in a note", |row| row.noted("\"a \\\"good\\\" meter\""))
            .noted()
            .with_table("escape = \"\\\\\""),
        Dialect::new("line breaks in a note", |row| row.noted("\"a good\nnew meter\"")).noted(),
        Dialect::new("CRLF", |row| row.plain().replace('\n', "\r\n")),
        Dialect::new("CR", Reading::plain).encoded(|text| text.replace('\n', "\r").into_bytes()),
        Dialect::new("sep=; and a byte order mark", |row| row.line([&row.usage(), &row.iso()], ";"))
            .with_header("\u{feff}sep=;\r\ncustomer_id;usage_kwh;start_time\n"),
        Dialect::new("header below a preamble", Reading::plain)
            .with_table("header = \"find\"")
            .with_header("Report\nof,November\n\ncustomer_id,usage_kwh,start_time\n"),
        Dialect::new("delimiters at the end", |row| row.plain().replace('\n', ",,\n")),
        Dialect::new("a delimiter missing at some ends", |row| {
            row.plain().replace('\n', if row.number % 2 == 0 { ",\n" } else { "\n" })
        }),
        Dialect::new("comments", |row| {
            if row.number.is_multiple_of(2) { format!("# a \"note\"\n{}", row.plain()) } else { row.plain() }
        })
        .with_table("comment = \"#\""),
        Dialect::new("windows-1252", |row| row.noted("Zoë"))
            .noted()
            .with_table("encoding = \"windows-1252\"")
            .encoded(latin),
        Dialect::new("utf-16", |row| row.noted("Zoë")).noted().with_table("encoding = \"utf-16\"").encoded(utf_16),
    ]
}

fn ways_of_numbers() -> Vec<Dialect> {
    let semicolons = "customer_id;usage_kwh;start_time\n";
    let with = |name: &str, text: fn(&Reading) -> String| {
        Dialect::new(name, move |row| row.line([&text(row), &row.iso()], ";"))
            .with_table("delimiter = \";\"")
            .with_header(semicolons)
    };
    vec![
        with("decimal comma", |row| row.usage().replace('.', ",")).with_usage("type = \"float64\", decimal = \",\""),
        with("thousands and decimal comma", |row| row.or_bad(grouped(row.watts, ".", ",")))
            .with_usage("type = \"float64\", decimal = \",\", thousands = \".\""),
        with("thousands with commas", |row| row.or_bad(grouped(row.watts, ",", ".")))
            .with_usage("type = \"float64\", thousands = \",\""),
        with("thousands of whole numbers", |row| {
            row.or_bad(format!("{},{:03}", row.watts / 1000 + 1, row.watts % 1000))
        })
        .with_usage("type = \"int64\", thousands = \",\""),
        with("whole numbers as 453.0", |row| row.or_bad(format!("{}.0", row.watts))).with_usage("type = \"int64\""),
        with("rounded whole numbers", |row| row.or_bad(format!("{}.4", row.watts)))
            .with_usage("type = \"int64\", round = true"),
    ]
}

fn ways_of_times() -> Vec<Dialect> {
    let pattern = |pattern: &'static str| {
        let options = format!("format = \"{pattern}\", zone = \"Europe/Brussels\"");
        Dialect::new(pattern, move |row| row.timed(&row.start.format(pattern).to_string())).with_time(&options)
    };
    let epoch = |unit: &str, zeros: &'static str| {
        Dialect::new(unit, move |row| row.timed(&format!("{}{zeros}", row.seconds())))
            .with_time(&format!("format = \"{unit}\""))
    };
    let mut ways: Vec<Dialect> = [
        "%d/%m/%Y %H:%M",
        "%d/%m/%Y %H:%M:%S%.3f",
        "%d.%m.%y %H:%M",
        "%-d/%-m/%Y %-H:%M",
        "%m/%d/%Y %I:%M:%S %p",
        "%-m/%-d/%Y %-I:%M %p",
        "%d-%b-%Y %H:%M",
        "%Y%m%d%H%M",
    ]
    .map(pattern)
    .into();
    ways.extend(
        [("epoch_s", ""), ("epoch_ms", "000"), ("epoch_us", "000000"), ("epoch_ns", "000000000")]
            .map(|(unit, zeros)| epoch(unit, zeros)),
    );
    ways.extend([
        Dialect::new("epoch_s as 1.0", |row| row.timed(&format!("{}.0", row.seconds())))
            .with_time("format = \"epoch_s\""),
        Dialect::new("%Y-%m-%d %H:%M:%S%z", |row| row.timed(&row.start.format("%Y-%m-%d %H:%M:%S+0100").to_string()))
            .with_time("format = \"%Y-%m-%d %H:%M:%S%z\""),
        Dialect::new("two formats", |row| row.timed(&row.start.format("%d.%m.%Y %H:%M").to_string()))
            .with_time("format = [\"%d/%m/%Y %H:%M\", \"%d.%m.%Y %H:%M\"], zone = \"Europe/Brussels\""),
        Dialect::new("excel", |row| {
            let days = row.start.and_utc().timestamp() as f64 / 86_400.0 + 25_569.0;
            row.timed(&format!("{days:.6}"))
        })
        .with_time("format = \"excel\", zone = \"Europe/Brussels\""),
        Dialect::new("local times", |row| row.timed(&row.start.format("%Y-%m-%d %H:%M:%S").to_string()))
            .with_time("zone = \"Europe/Brussels\""),
        Dialect::new("local times to the minute", |row| row.timed(&row.start.format("%Y-%m-%d %H:%M").to_string()))
            .with_time("zone = \"Europe/Brussels\", format = \"%Y-%m-%d %H:%M\""),
        Dialect {
            time: "fields = [\"date\", \"time\"], format = \"%d/%m/%Y %H:%M\", zone = \"Europe/Brussels\"".to_owned(),
            ..Dialect::new("date and time apart", |row| row.timed(&row.start.format("%d/%m/%Y,%H:%M").to_string()))
                .with_header("customer_id,usage_kwh,date,time\n")
        },
    ]);
    ways
}

fn dialects() -> Vec<Dialect> {
    let mut all = vec![
        Dialect::new("plain", Reading::plain),
        Dialect::new("plain, with a note", |row| row.noted("a 'good' meter")).noted(),
        Dialect::new("plain, gzip", Reading::plain).named("x.csv.gz", "plain").encoded(gzip),
    ];
    all.extend(ways_to_write());
    all.extend(ways_of_numbers());
    all.extend(ways_of_times());
    let packed = |name, file, encode| {
        Dialect::new(name, |row| {
            row.line([&row.usage().replace('.', ","), &row.start.format("%d/%m/%Y %H:%M").to_string()], ";")
        })
        .with_table("delimiter = \";\"")
        .with_header("customer_id;usage_kwh;start_time\n")
        .with_usage("type = \"float64\", decimal = \",\"")
        .with_time("format = \"%d/%m/%Y %H:%M\", zone = \"Europe/Brussels\"")
        .named(file, "plain, gzip")
        .encoded(encode)
    };
    all.push(packed("semicolons, day first, gzip", "x.csv.gz", gzip));
    all.push(packed("semicolons, day first, zip", "x.zip", zip));
    all.push(Dialect::new("plain, zip", Reading::plain).named("x.zip", "plain, gzip").encoded(zip));
    all
}

/// CPU time of this thread in nanoseconds, where the system counts it; else the time.
fn now(start: Instant) -> u64 {
    let counted = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = counted.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanos.unwrap_or(start.elapsed().as_nanos() as u64)
}

/// A dialect's file, and how it is read.
struct Prepared {
    dialect: Dialect,
    catalog: Catalog,
    bytes: Vec<u8>,
    rows: usize,
}

impl Prepared {
    fn new(dialect: Dialect, rows: usize) -> Self {
        let folder = Folder::from([("dataset.toml".to_owned(), dialect.declared())]);
        let catalog = Catalog::with_folders(BTreeMap::from([("d".to_owned(), folder)]));
        let bytes = dialect.bytes(rows);
        Self { dialect, catalog, bytes, rows }
    }

    /// Nanoseconds per row into columns, and into a finished Parquet file.
    fn measure(&self) -> [f64; 2] {
        let start = Instant::now();
        let dataset = self.catalog.dataset("d").expect("it is declared");
        let key = format!("d/{}", self.dialect.file);
        let table = dataset.table_of(&key).expect("a table takes the key");
        let object = RawObject { dataset, table, key: &key, received_at: DateTime::UNIX_EPOCH };
        let reader = || -> Box<dyn Read + '_> {
            let bytes = self.bytes.as_slice();
            if key.ends_with(".gz") { Box::new(MultiGzDecoder::new(bytes)) } else { Box::new(bytes) }
        };
        let name = &self.dialect.name;
        let before = now(start);
        let mut counter = Counter::default();
        formats::decode(&object, Siblings::new(), reader(), &mut counter).expect("sound rows");
        let between = now(start);
        let mut writer = TableWriter::new(table, &key, None).expect("a writer");
        formats::decode(&object, Siblings::new(), reader(), &mut writer).expect("sound rows");
        let rows = writer.finish().expect("a file").rows;
        let after = now(start);
        assert_eq!((counter.0, rows.read), (self.rows as u64, self.rows as u64), "{name}");
        assert_eq!(rows.rejected, self.rows as u64 / 100, "{name}");
        [between - before, after - between].map(|nanos| nanos as f64 / self.rows as f64)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let rows = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(1_000_000);
    let wanted = arguments.get(1..).unwrap_or_default();
    let is_beside = |name: &str| name == "plain" || name.starts_with("plain, with") || name.starts_with("plain, gzip");
    let (beside, others): (Vec<_>, Vec<_>) = dialects().into_iter().partition(|dialect| is_beside(&dialect.name));
    let beside: Vec<Prepared> = beside.into_iter().map(|dialect| Prepared::new(dialect, rows)).collect();
    let of_name = |name: &str| beside.iter().find(|prepared| prepared.dialect.name == name).expect("it is there");
    let mut results = Vec::new();
    let mut measure = |prepared: &Prepared| {
        let Dialect { name, beside, .. } = &prepared.dialect;
        let rounds: Vec<_> = (0..ROUNDS).map(|_| (of_name(beside).measure(), prepared.measure())).collect();
        let nanos = [0, 1].map(|stage| median(rounds.iter().map(|(_, own)| own[stage]).collect()));
        let ratios = [0, 1].map(|stage| median(rounds.iter().map(|(plain, own)| own[stage] / plain[stage]).collect()));
        let per_row = prepared.bytes.len() as f64 / rows as f64;
        println!(
            "{name:36} {per_row:6.1} B/row  {:7.1} ns {:5.2} x  {:6.2} s/GB   to Parquet {:7.1} ns {:5.2} x",
            nanos[0],
            ratios[0],
            nanos[0] / per_row,
            nanos[1],
            ratios[1]
        );
        results.push(json!({
            "name": name, "beside": beside, "rows": rows, "bytes_per_row": per_row,
            "columns_ns": nanos[0], "columns_ratio": ratios[0], "parquet_ns": nanos[1], "parquet_ratio": ratios[1],
        }));
    };
    beside.iter().for_each(&mut measure);
    for dialect in others {
        if wanted.is_empty() || wanted.iter().any(|part| dialect.name.contains(part.as_str())) {
            measure(&Prepared::new(dialect, rows));
        }
    }
    if let Some(path) = arguments.first().filter(|path| *path != "-") {
        let text = serde_json::to_string_pretty(&Value::Array(results)).expect("numbers");
        fs::write(path, text + "\n").expect("a file");
    }
}
