//! What was written in a dialect is read as it was written.

use proptest::prelude::*;

use crate::formats::tests::{Dribble, decoded};

/// How a file is written, and how its table declares that.
#[derive(Debug, Clone)]
struct Written {
    delimiter: char,
    quote: char,
    /// Quotes around each value, where they are needed, or never.
    quotes: Quotes,
    has_escape: bool,
    line_end: &'static str,
    encoding: &'static str,
    has_mark: bool,
    /// Lines before the header, and how they are declared.
    preamble: usize,
    is_found: bool,
    has_separator: bool,
    has_comments: bool,
    /// Delimiters at the end of each row, and of the header.
    trailing: (usize, usize),
    renamed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Quotes {
    Always,
    Needed,
    Never,
}

impl Written {
    fn value(&self, text: &str) -> String {
        let quote = self.quote;
        let is_special = |c: char| c == self.delimiter || c == quote || matches!(c, '\r' | '\n' | '\\' | '#');
        let escaped = |specials: &dyn Fn(char) -> bool| {
            text.chars().flat_map(|c| if specials(c) { vec!['\\', c] } else { vec![c] }).collect::<String>()
        };
        match self.quotes {
            Quotes::Never if self.has_escape => escaped(&|c| is_special(c) && c != quote),
            Quotes::Never => text.to_owned(),
            Quotes::Needed if !text.contains(is_special) => text.to_owned(),
            _ if self.has_escape => format!("{quote}{}{quote}", escaped(&|c| c == quote || c == '\\')),
            _ => format!("{quote}{}{quote}", text.replace(quote, &quote.to_string().repeat(2))),
        }
    }

    /// What values may have in this dialect.
    fn can_hold(&self, text: &str) -> bool {
        let is_latin = |c: char| (c as u32) < 0x80 || (0xA0..0x100).contains(&(c as u32));
        let fits_encoding = self.encoding.starts_with("utf") || text.chars().all(is_latin);
        let is_plain = |c: char| c != self.delimiter && !matches!(c, '\r' | '\n' | '#');
        fits_encoding && (self.quotes != Quotes::Never || self.has_escape || text.chars().all(is_plain))
    }

    fn file(&self, rows: &[(i64, String, String)]) -> Vec<u8> {
        let d = self.delimiter;
        let mut lines = Vec::new();
        if self.has_separator {
            lines.push(format!("sep={d}"));
        }
        lines.extend((0..self.preamble).map(|n| format!("Report{d}{n}{d}kWh")));
        if self.has_comments {
            lines.push("# made by a machine".to_owned());
        }
        let name = if self.renamed { "  NAME " } else { "name" };
        lines.push(format!("id{d}{name}{d}Note{}", d.to_string().repeat(self.trailing.1)));
        for (id, name, note) in rows {
            let values = [id.to_string(), self.value(name), self.value(note)].join(&d.to_string());
            lines.push(format!("{values}{}", d.to_string().repeat(self.trailing.0)));
            if self.has_comments {
                lines.push(format!("# {id}{d}\"x"));
            }
        }
        let text = format!("{}{}", lines.join(self.line_end), self.line_end);
        let text = if self.has_mark { format!("\u{feff}{text}") } else { text };
        match self.encoding {
            "utf-16" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "iso-8859-1" | "windows-1252" => text.chars().map(|c| u8::try_from(c as u32).unwrap()).collect(),
            _ => text.into_bytes(),
        }
    }

    fn declared(&self) -> String {
        let mut text = format!("format = 'csv'\ndelimiter = '{}'\nencoding = '{}'\n", self.delimiter, self.encoding);
        if self.has_separator {
            // The file says otherwise.
            text = format!("format = 'csv'\nencoding = '{}'\n", self.encoding);
        }
        if self.quotes == Quotes::Never {
            text += "quote = 'none'\n";
        } else if self.quote != '"' {
            text += &format!("quote = \"{}\"\n", self.quote);
        }
        if self.has_escape {
            text += "escape = '\\'\n";
        }
        if self.has_comments {
            text += "comment = '#'\n";
        }
        if self.is_found {
            text += "header = 'find'\n";
        } else if self.preamble > 0 {
            text += &format!("skip_lines = {}\n", self.preamble + usize::from(self.has_separator));
        }
        text + "column.id = { type = 'int64' }\ncolumn.name = { type = 'string' }\ncolumn.note = { type = 'string' }\n"
    }
}

fn dialects() -> impl Strategy<Value = Written> {
    let quotes = prop::sample::select(vec![Quotes::Always, Quotes::Needed, Quotes::Never]);
    let encoding = prop::sample::select(vec!["utf-8", "utf-16", "windows-1252", "iso-8859-1"]);
    let first = (
        prop::sample::select(vec![
            (',', '"'),
            (';', '"'),
            ('\t', '"'),
            ('|', '"'),
            (',', '\''),
            (';', '~'),
            ('|', '\''),
        ]),
        quotes,
        any::<bool>(),
        prop::sample::select(vec!["\n", "\r\n", "\r"]),
    );
    let second = (encoding, any::<bool>(), 0_usize..4, any::<bool>(), any::<bool>(), any::<bool>());
    (first, second, (0_usize..3, 0_usize..3), any::<bool>()).prop_map(|(first, second, trailing, renamed)| {
        let ((delimiter, quote), quotes, has_escape, line_end) = first;
        let (encoding, has_mark, preamble, is_found, has_separator, has_comments) = second;
        // A header with more delimiters at its end than rows have is one with columns that they lack.
        let trailing = (trailing.0, trailing.1);
        // A mark is written in Unicode only.
        let has_mark = has_mark && encoding.starts_with("utf");
        Written {
            delimiter,
            quote,
            quotes,
            has_escape,
            line_end,
            encoding,
            has_mark,
            preamble,
            is_found,
            has_separator,
            has_comments,
            trailing,
            renamed,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_was_written_in_a_dialect_is_read(
        written in dialects(),
        texts in prop::collection::vec(("[a-z\"'~\\\\,;|# é€\t\n\r]{0,8}[a-zé]", "[a-z,;é ]{0,4}[a-z]"), 0..12),
        step in 1_usize..64,
    ) {
        let rows: Vec<(i64, String, String)> = (1..).zip(texts)
            .filter(|(_, (name, note))| written.can_hold(name) && written.can_hold(note))
            // A quote at the beginning of a value opens it, unless values are never quoted.
            .filter(|(_, (name, _))| written.quotes != Quotes::Needed || !name.is_empty())
            .map(|(id, (name, note))| (id, name, note))
            .collect();
        let kept = decoded(&written.declared(), "x.csv", Dribble(&written.file(&rows), step)).unwrap();
        let expected: Vec<String> = rows.iter().map(|(id, name, note)| format!("{id}|{name}|{note}")).collect();
        prop_assert_eq!(kept.rows, expected, "{}", String::from_utf8_lossy(&written.file(&rows)));
        prop_assert!(kept.rejects.is_empty(), "{:?}", kept.rejects);
        let comments = if written.has_comments { rows.len() + 1 } else { 0 };
        let lines = written.preamble + usize::from(written.has_separator) + comments;
        prop_assert_eq!(kept.preamble, lines as u64);
    }

    #[test]
    fn any_bytes_in_any_dialect_end_in_rows_rejects_or_a_reason(
        written in dialects(),
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\"\\,;\r\n#\0a1".to_vec())], 0..200),
        step in 1_usize..64,
    ) {
        let file = [written.file(&[]), bytes].concat();
        let _ = decoded(&written.declared(), "x.csv", Dribble(&file, step));
    }
}

#[test]
fn numbers_and_times_are_read_as_each_country_writes_them() {
    for (column, text, expected) in [
        ("type = 'float64', decimal = ',', thousands = '.'", "1.234.567,5", "1234567.5"),
        ("type = 'float64', thousands = ','", "\"1,234.5\"", "1234.5"),
        ("type = 'float64', decimal = ',', thousands = \"'\"", "1'234,5", "1234.5"),
        ("type = 'int64', thousands = ' '", "1 234 567", "1234567"),
        ("type = 'float64', decimal = ',', unit = '%'", "\"12,5 %\"", "12.5"),
        ("type = 'float64', decimal = ',', thousands = '.', unit = ['€', 'EUR']", "\"€ -1.234,50\"", "-1234.5"),
        ("type = 'float64', thousands = ',', accounting = true", "\"(1,234.50)\"", "-1234.5"),
        ("type = 'int64', unit = '%', accounting = true", "5-", "-5"),
        ("type = 'date', format = ['%d/%m/%Y', '%d.%m.%y']", "24.12.26", "2026-12-24"),
        (
            "type = 'timestamp', format = '%m/%d/%Y %I:%M:%S %p', zone = 'UTC'",
            "12/24/2026 01:30:00 PM",
            "2026-12-24T13:30:00Z",
        ),
        ("type = 'timestamp', format = 'excel', zone = 'Europe/Brussels'", "46345.5", "2026-11-19T11:00:00Z"),
    ] {
        let declared = format!("format = 'csv'\ndelimiter = ';'\nheader = 'always'\ncolumn.a = {{ {column} }}\n");
        let kept = decoded(&declared, "x.csv", format!("a\n{text}\n").as_bytes()).unwrap();
        assert_eq!(kept.rows, [expected], "{column}: {:?}", kept.messages);
    }
}

#[test]
fn messages_name_the_option_that_reads_a_value_or_that_none_does() {
    let message = |column: &str, text: &str| {
        let declared = format!("format = 'csv'\ndelimiter = ';'\nheader = 'always'\ncolumn.a = {{ {column} }}\n");
        let kept = decoded(&declared, "x.csv", format!("a\n{text}\n").as_bytes()).unwrap();
        assert_eq!(kept.messages.len(), 1, "{column}: {text}: {:?}", kept.rows);
        kept.messages.concat()
    };
    let unit = "type = 'float64', unit = 'EUR'";
    let both = ["declare unit", "and accounting = true"];
    for (column, text, wanted) in [
        ("type = 'float64'", "\u{2212}5", &["U+2212", "no option"][..]),
        ("type = 'int64'", "\u{2212}5", &["U+2212", "no option"]),
        (unit, "5 €", &["not among those declared as unit"]),
        (unit, "EUR (5)", &["declare accounting = true"]),
        (unit, "EUR 5-", &["declare accounting = true"]),
        (unit, "5 lbs", &["add it to those declared as unit"]),
        ("type = 'float64'", "€ (5)", &both),
        ("type = 'float64'", "(€ 5)", &both),
        ("type = 'float64'", "5- €", &both),
        ("type = 'float64'", "5 €", &["declare unit = \"%\""]),
        ("type = 'float64'", "5 km/h", &["declare unit as it is"]),
        ("type = 'float64', thousands = ','", "2,34,567", &["groups of two and three", "no option"]),
        ("type = 'int64'", "12,34,567", &["groups of two and three", "no option"]),
        ("type = 'int64'", "1e19", &["beyond the range of int64"]),
        ("type = 'int64'", "12345678901234567890.0", &["beyond the range of int64"]),
        ("type = 'int64'", "1.25e1", &["it has decimals"]),
        ("type = 'int64', round = true", "9007199254740993.5", &["beyond 2^53"]),
        ("type = 'float64'", "1,234.5", &["declare decimal = \",\" or thousands"]),
        ("type = 'float64'", "n.v.t.", &["list it under missing"]),
        ("type = 'bool'", "ja", &["declare true_values and false_values"]),
        ("type = 'date', format = ['excel', '%Y-%m-%d']", "0", &["counts days from 1 on", "missing"]),
        ("type = 'timestamp', format = ['excel', '%Y-%m-%d'], zone = 'UTC'", "0.5", &["counts days from 1 on"]),
        ("type = 'date', format = 'excel'", "60", &["a day 60 that was none"]),
    ] {
        let message = message(column, text);
        assert!(wanted.iter().all(|part| message.contains(part)), "{column}: {text}: {message}");
        assert!(text.len() < 3 || !message.contains(text), "{message}");
    }
    for (column, value) in [("type = 'date', format = 'excel'", "0"), ("type = 'date'", "46000")] {
        let declared = format!("format = 'json'\ncolumn.a = {{ {column} }}\n");
        let kept = decoded(&declared, "x.json", format!("[{{\"a\": {value}}}]").as_bytes()).unwrap();
        assert_eq!(kept.messages.concat().contains("declare format"), value != "0", "{:?}", kept.messages);
    }
}

#[test]
fn a_bad_time_is_rejected_whatever_its_format_has() {
    let rejected = |column: &str| {
        let declared = format!("format = 'csv'\nheader = 'always'\ncolumn.a = {{ {column} }}\n");
        let kept = decoded(&declared, "x.csv", &b"a\nx\n"[..]).unwrap();
        assert_eq!(kept.rejects.len(), 1, "{column}");
        kept.messages.concat()
    };
    let permissive = rejected("type = 'timestamp', format = '%Y-%m-%dT%H:%M%#z'");
    assert!(permissive.ends_with("a time like 2026-11-18T23:00+0000"), "{permissive}");
    let specifiers = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUvVwWxXyYzZ+f%";
    let widths = ["", "-", "_", "0", ".", ".3", ".6", "3", "6", "9", ":", "::", ":::", "#"];
    let mut taken = 0;
    for part in specifiers.chars().flat_map(|of| widths.map(|width| format!("%{width}{of}"))) {
        for pattern in
            [part.clone(), format!("%Y-%m-%d %H:%M {part}"), format!("%Y-%m-%d {part}"), format!("%Y {part} %d")]
        {
            let column = format!("type = 'timestamp', zone = 'UTC', format = '{pattern}'");
            if lake::dataset::Column::from_declaration(&column.replace(", ", "\n")).is_ok() {
                rejected(&column);
                taken += 1;
            }
        }
    }
    assert!(taken > 100, "{taken}");
}

#[test]
fn a_date_and_a_time_in_two_columns_are_one_instant() {
    let declared = "format = 'csv'\ncolumn.at = { type = 'timestamp', fields = ['day', 'time'], format = ['%d/%m/%Y %H:%M', '%d/%m/%Y'], zone = 'UTC' }\ncolumn.day = { type = 'string' }\n";
    let text = "Time,DAY,other\n10:30,19/11/2026,x\n,19/11/2026,x\n24:00,19/11/2026,x\n,,x\nx,19/11/2026,x\n";
    let kept = decoded(declared, "x.csv", text.as_bytes()).unwrap();
    assert_eq!(
        kept.rows,
        [
            "2026-11-19T10:30:00Z|19/11/2026",
            "2026-11-19T00:00:00Z|19/11/2026",
            "2026-11-20T00:00:00Z|19/11/2026",
            "-|-"
        ]
    );
    assert_eq!(kept.rejects, ["6 at not_a_timestamp: x,19/11/2026,x"]);
    assert_eq!(decoded(declared, "x.csv", &b"day\n19/11/2026\n"[..]).unwrap_err(), "missing_column");
    let never = format!("header = 'never'\n{declared}");
    assert_eq!(decoded(&never, "x.csv", &b"19/11/2026,10:30\n"[..]).unwrap().rows, ["2026-11-19T10:30:00Z|19/11/2026"]);
    let json = declared.replace("'csv'", "'ndjson'");
    let kept =
        decoded(&json, "x", &b"{\"day\":\"19/11/2026\",\"time\":\"10:30\"}\n{\"day\":\"19/11/2026\"}\n{\"x\":1}\n"[..])
            .unwrap();
    assert_eq!(kept.rows, ["2026-11-19T10:30:00Z|19/11/2026", "2026-11-19T00:00:00Z|19/11/2026"]);
    assert_eq!(kept.rejects, ["3 - no_members: {\"x\":1}"]);
}

#[test]
fn a_local_time_that_comes_twice_is_told_by_the_order_of_its_series() {
    let declared = |options: &str| {
        format!(
            "format = 'csv'\n{options}\ncolumn.id = {{ type = 'int64' }}\ncolumn.at = {{ type = 'timestamp', format = '%Y-%m-%d %H:%M', zone = 'Europe/Brussels' }}\n"
        )
    };
    let read = |options: &str, rows: &[(i64, &str)]| {
        let lines: String = rows.iter().map(|(id, time)| format!("{id},2026-10-25 {time}\n")).collect();
        let kept = decoded(&declared(options), "x.csv", format!("id,at\n{lines}").as_bytes()).unwrap();
        kept.rows.iter().map(|row| row[row.len() - 9..row.len() - 4].to_owned()).collect::<Vec<_>>().join(" ")
    };
    let key = "key = ['id', 'at']";
    let once = [(1, "01:30"), (1, "02:00"), (1, "02:30"), (1, "02:00"), (1, "02:30"), (1, "03:00")];
    assert_eq!(read(key, &once), "23:30 00:00 00:30 01:00 01:30 02:00");
    assert_eq!(read("", &once), "23:30 00:00 00:30 01:00 01:30 02:00", "without a key");
    let hourly = [(1, "02:00"), (2, "02:00"), (1, "02:00"), (2, "02:00"), (1, "03:00")];
    assert_eq!(read(key, &hourly), "00:00 00:00 01:00 01:00 02:00", "interleaved");
    let blocks = [(1, "02:00"), (1, "02:00"), (2, "01:00"), (2, "02:00"), (2, "02:00")];
    assert_eq!(read(key, &blocks), "00:00 01:00 23:00 00:00 01:00", "one after the other");
    let backwards = [(1, "03:00"), (1, "02:30"), (1, "02:00"), (1, "02:30"), (1, "02:00"), (1, "01:30")];
    assert_eq!(read(key, &backwards), "02:00 01:30 01:00 00:30 00:00 23:30", "newest first");
    assert_eq!(read(key, &[(1, "02:00")]), "00:00", "only once");
    let by_time = [(1, "02:00"), (1, "02:00"), (1, "02:30"), (1, "02:30")];
    assert_eq!(read(key, &by_time), "00:00 01:00 00:30 01:30", "sorted by local time");
    assert_eq!(read("", &by_time), "00:00 01:00 00:30 01:30", "sorted by local time, without a key");
    let others = [(1, "02:30"), (1, "02:30"), (2, "02:00"), (2, "02:00")];
    assert_eq!(read(key, &others), "00:30 01:30 00:00 01:00", "rows of another key do not decide");
    // More rows than a batch has between the two: the first one waits.
    let between: Vec<(i64, &str)> = (0..20_000).map(|id| (id, "02:00")).collect();
    let far = [between.clone(), between].concat();
    let found = read(key, &far);
    assert_eq!(found.split(' ').filter(|time| *time == "00:00").count(), 20_000);
    assert!(found.ends_with("01:00") && found.starts_with("00:00"));
}

#[test]
fn the_day_of_a_time_that_comes_twice_is_that_of_the_instant_it_is_settled_as() {
    // Clocks go back from 01:00 to midnight, and stamps are ends: the first midnight is of the day before.
    let declared = "format = 'csv'\nkey = ['id', 'at']\ncolumn.id = { type = 'int64' }\ncolumn.at = { type = 'timestamp', format = '%Y-%m-%d %H:%M', zone = 'Atlantic/Azores' }\ncolumn.day = { type = 'date', day_of = 'at' }\n";
    let text = "id,at\n1,2026-10-25 00:00\n1,2026-10-25 00:00\n1,2026-10-25 00:30\n1,2026-10-25 00:30\n";
    let kept = decoded(declared, "x.csv", text.as_bytes()).unwrap();
    let rows = ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"];
    assert_eq!(kept.rows, rows.map(|time| format!("1|{time}|2026-10-25")));
}

#[test]
fn a_row_without_its_key_is_rejected() {
    let declared = "format = 'csv'\nkey = ['id', 'day']\ncolumn.id = { type = 'int64' }\ncolumn.at = { type = 'timestamp' }\ncolumn.day = { type = 'date', day_of = 'at' }\n";
    let text = "id,at\n1,2026-11-19T10:00:00Z\n,2026-11-19T10:00:00Z\n2,\n";
    let kept = decoded(declared, "x.csv", text.as_bytes()).unwrap();
    assert_eq!(kept.rows, ["1|2026-11-19T10:00:00Z|2026-11-19"]);
    assert_eq!(kept.rejects, ["3 id missing_key: ,2026-11-19T10:00:00Z", "4 day missing_key: 2,"]);
}
