use super::*;

fn guessed(label: &str, values: &[&str], habits: Habits) -> Guess {
    let values = values.iter().map(|text| Value::text(text)).collect();
    let field = Field { label: label.to_owned(), origin: Origin::Named(label.to_owned()), values, declared: None };
    guess(&field, "c".to_owned(), habits)
}

#[test]
fn types_are_those_that_lose_nothing() {
    for (label, values, wanted) in [
        ("x", &["1", "2", ""][..], "type = \"int64\""),
        ("x", &["1.5", "2", "1e-7"], "type = \"float64\""),
        ("x", &["007", "12"], "type = \"string\""),
        ("x", &["+32475123456"], "type = \"string\""),
        ("x", &["+1.5", "-0.5"], "type = \"float64\""),
        ("ean", &["1234567890123456", "1"], "type = \"string\""),
        ("x", &["1E5", "2E7"], "type = \"string\""),
        // What a double has as it is written, and what it would change.
        ("x", &["0.30000000000000004", "4.3517000000000001", "0.1000000000000000055511"], "type = \"float64\""),
        ("x", &["3.0000000000000000000", "2.5"], "type = \"float64\""),
        ("x", &["12345678901234,5000"], "type = \"float64\"; decimal = \",\""),
        ("amount", &["1234567890123456.10", "1.00"], "type = \"string\""),
        ("amount", &["123456789012345678,05", "1,50"], "type = \"string\""),
        ("amount", &["1,234,567,890,123,456.10", "1.50"], "type = \"string\""),
        ("amount", &["12345678901234567", "1.50"], "type = \"string\""),
        ("amount", &["1234567890123456.10 \u{20ac}", "1.00 \u{20ac}"], "type = \"string\""),
        ("amount", &["0.123456789012345678", "1e-7"], "type = \"string\""),
        ("x", &["1,5", "22,25"], "type = \"float64\"; decimal = \",\""),
        ("x", &["1.234,5"], "type = \"float64\"; decimal = \",\"; thousands = \".\""),
        ("x", &["1,234.5", "7"], "type = \"float64\"; thousands = \",\""),
        ("x", &["1,234,567"], "type = \"int64\"; thousands = \",\""),
        ("x", &["1 234,5"], "type = \"float64\"; decimal = \",\"; thousands = \" \""),
        ("x", &["1'234.5"], "type = \"float64\"; thousands = \"'\""),
        ("ts", &["1763546400", "1763550000"], "type = \"timestamp\"; format = \"epoch_s\""),
        ("Datum", &["20261119", "20261120"], "type = \"date\"; format = \"%Y%m%d\""),
        ("timestamp", &["20261119130000"], "type = \"timestamp\"; format = \"%Y%m%d%H%M%S\"; zone = \"dataset\""),
        (
            "MESS_DATUM",
            &["2026111300", "2026111323"],
            "type = \"timestamp\"; format = \"%Y%m%d%H\"; zone = \"dataset\"",
        ),
        (
            "MESS_DATUM",
            &["1950010100", "1950010101"],
            "type = \"timestamp\"; format = \"%Y%m%d%H\"; zone = \"dataset\"",
        ),
        ("time", &["2611130030", "2611132359"], "type = \"timestamp\"; format = \"%y%m%d%H%M\"; zone = \"dataset\""),
        ("time", &["261113003059"], "type = \"timestamp\"; format = \"%y%m%d%H%M%S\"; zone = \"dataset\""),
        ("time", &["20261113003059123"], "type = \"timestamp\"; format = \"%Y%m%d%H%M%S%3f\"; zone = \"dataset\""),
        ("tijdstip", &["202611131030"], "type = \"timestamp\"; format = \"%Y%m%d%H%M\"; zone = \"dataset\""),
        ("YYYYMMDD", &["20261113"], "type = \"date\"; format = \"%Y%m%d\""),
        ("time", &["1701010000", "1701010001"], "type = \"timestamp\"; format = \"epoch_s\""),
        ("time", &["1701012459", "1701012460"], "type = \"timestamp\"; format = \"epoch_s\""),
        ("time", &["2026111325", "2026111399"], "type = \"timestamp\"; format = \"epoch_s\""),
        ("meter", &["2026111300", "2026111301"], "type = \"int64\""),
        ("last_value", &["20261119", "20261399"], "type = \"int64\""),
        ("meter", &["20261119", "20261120"], "type = \"int64\""),
        ("time", &["1763546400000"], "type = \"timestamp\"; format = \"epoch_ms\""),
        ("time", &["1763546400000000"], "type = \"timestamp\"; format = \"epoch_us\""),
        ("time", &["1763546400000000000"], "type = \"timestamp\"; format = \"epoch_ns\""),
        ("phone", &["1763546400"], "type = \"int64\""),
        ("date", &["45980.5"], "type = \"timestamp\"; format = \"excel\"; zone = \"dataset\""),
        ("date", &["45980"], "type = \"date\"; format = \"excel\""),
        ("x", &["true", "false"], "type = \"bool\""),
        ("x", &["Y", "N"], "type = \"bool\"; true_values = [\"y\"]; false_values = [\"n\"]"),
        // A letter alone is no half of true and false, nor are those of a sex.
        ("gender", &["F", "F"], "type = \"string\""),
        ("x", &["T", ""], "type = \"string\""),
        ("x", &["f"], "type = \"string\""),
        ("x", &["N", "N"], "type = \"string\""),
        ("x", &["Y"], "type = \"string\""),
        ("sex", &["t", "f"], "type = \"string\""),
        ("x", &["T", "F"], "type = \"bool\""),
        ("x", &["true", "true"], "type = \"bool\""),
        // What is 1.1 as a number may be another one than 1.10.
        ("version", &["1.1", "1.2", "1.40"], "type = \"string\""),
        ("section_no", &["1.1", "1.2"], "type = \"string\""),
        ("doc_id", &["0.5", "0.50"], "type = \"string\""),
        ("no", &["12.5", "7.25"], "type = \"float64\""),
        ("no", &["1.1", "1.10"], "type = \"string\""),
        ("customer_id", &["1.0", "2.0"], "type = \"float64\""),
        ("usage", &["0.5", "0.50"], "type = \"float64\""),
        ("lat", &["50,001", "50,123"], "type = \"float64\"; decimal = \",\""),
        ("Longitude", &["4,001", "-4,123"], "type = \"float64\"; decimal = \",\""),
        ("x", &["50,001"], "type = \"int64\"; thousands = \",\""),
        // Counts since 1970 with decimals or an exponent.
        ("ts", &["1767225780.003", "1767225781"], "type = \"timestamp\"; format = \"epoch_s\""),
        ("created_at", &["1.767225603E9"], "type = \"timestamp\"; format = \"epoch_s\""),
        ("time", &["1767225780000.5"], "type = \"timestamp\"; format = \"epoch_ms\""),
        ("x", &["1767225780.003"], "type = \"float64\""),
        // Times without anything between their parts.
        ("time", &["20260105T010203Z"], "type = \"timestamp\""),
        ("time", &["202601050102Z"], "type = \"timestamp\"; format = \"%Y%m%d%H%M%#z\""),
        ("time", &["20260105T0102+0100"], "type = \"timestamp\""),
        ("time", &["20260105 010203"], "type = \"timestamp\"; format = \"%Y%m%d %H%M%S\"; zone = \"dataset\""),
        ("date", &["05012026", "25012026"], "type = \"date\"; format = \"%d%m%Y\""),
        ("date", &["01252026"], "type = \"date\"; format = \"%m%d%Y\""),
        ("number", &["05012026"], "type = \"string\""),
        ("date", &["050126"], "type = \"string\""),
        ("x", &["1.5", "n.v.t."], "type = \"float64\""),
        ("x", &["a", "NA"], "type = \"string\""),
        ("x", &["", ""], "type = \"string\""),
        ("x", &["2026-11-19", "hello"], "type = \"string\""),
        ("x", &["12,5 %", "7 %", "0"], "type = \"float64\"; decimal = \",\"; unit = \"%\""),
        ("x", &["€ 1.234,50", "€ -5,25"], "type = \"float64\"; decimal = \",\"; thousands = \".\"; unit = \"€\""),
        ("x", &["(1,234.50)", "7.25"], "type = \"float64\"; thousands = \",\"; accounting = true"),
        ("x", &["$(5)", "$7"], "type = \"int64\"; unit = \"$\"; accounting = true"),
        ("x", &["5%", "0.05"], "type = \"string\""),
        ("x", &["(0470)", "(0471)"], "type = \"string\""),
        ("x", &["5 km", "7 kg"], "type = \"string\""),
        ("x", &["kr", "5 kWh"], "type = \"string\""),
        ("x", &["km5", "km7"], "type = \"string\""),
    ] {
        assert_eq!(guessed(label, values, Habits::default()).declared.replace('\n', "; "), wanted, "{values:?}");
    }
}

#[test]
fn what_could_be_either_is_decided_by_the_file_and_said() {
    let comma = Habits { is_comma: Some(true), ..Habits::default() };
    assert_eq!(
        guessed("x", &["1.234", "2.500"], comma).declared,
        "type = \"int64\"\ndecimal = \",\"\nthousands = \".\""
    );
    assert_eq!(guessed("x", &["1.234", "2.500"], Habits::default()).declared, "type = \"float64\"");
    let european = Habits { is_european: true, ..Habits::default() };
    let either = guessed("x", &["1,234"], european);
    assert!(either.declared.contains("decimal") && either.notes[0].contains("could be"), "{either:?}");
    let either = guessed("x", &["1,234"], Habits::default());
    assert!(either.declared.contains("thousands") && either.notes[0].contains("could be"), "{either:?}");
    for (values, is_said) in [
        (&["1,5", "2,5", "1.234"][..], true),
        (&["1.5", "2.5", "1,234"], true),
        (&["1,5", "2,5", "1.234,5"], false),
        (&["1,5", "2,5", "1.234.567"], false),
    ] {
        let few = guessed("x", values, Habits::default());
        assert!(few.declared.contains("thousands"), "{few:?}");
        assert_eq!(few.notes.iter().any(|note| note.contains("is read as a thousand, as others")), is_said, "{few:?}");
    }
    let either = guessed("x", &["01/02/2026"], Habits::default());
    assert!(either.notes[0].contains("01/02/2026 could be either"), "{either:?}");
}

#[test]
fn what_is_a_guess_is_said() {
    for (label, values, wanted) in [
        ("x", &["true", "true"][..], "one word of true and false"),
        ("x", &["true", "false"], ""),
        ("version", &["1.1", "1.10"], "1.10, which as a number would be 1.1"),
        ("usage", &["0.5", "0.50"], "1.5 and 1.50"),
        ("usage", &["0.5", "0.51"], ""),
        ("date", &["05012026", "06012026"], "could be either"),
        ("date", &["050126", "060126"], "such as %d%m%y"),
        ("datum", &["46000,041667", "46001,5"], "days as Excel counts them"),
        ("usage", &["46000,041667", "46001,5"], ""),
        ("time", &["/Date(1767225603000)/"], "JSON of .NET"),
    ] {
        let notes = guessed(label, values, Habits::default()).notes.join("; ");
        assert!(notes.is_empty() == wanted.is_empty() && notes.contains(wanted), "{label} {values:?}: {notes}");
    }
    let notes = guessed("date", &["11/02/01", "12/03/01", "10/04/01"], Habits::default()).notes.join("; ");
    assert!(notes.contains("01/02/26 could be either") && notes.contains("the last century"), "{notes}");
    // One of many that reads in one order alone, and one in the other.
    let mut dates: Vec<String> = (0..60).map(|at| format!("{0:02}/{0:02}/2026", at % 12 + 1)).collect();
    dates.extend(["04/13/2026".to_owned(), "13/04/2026".to_owned()]);
    let texts: Vec<&str> = dates.iter().map(String::as_str).collect();
    let notes = guessed("date", &texts, Habits::default()).notes.join("; ");
    assert!(notes.contains("only be read with the day first") && !notes.contains("nothing in"), "{notes}");
}

#[test]
fn parentheses_around_all_numbers_are_said() {
    let all = guessed("x", &["(100)", "(101)"], Habits::default());
    assert!(all.declared.contains("accounting") && all.notes[0].contains("(100) is -100"), "{all:?}");
    let some = guessed("x", &["(100)", "101"], Habits::default());
    assert!(some.declared.contains("accounting") && some.notes.is_empty(), "{some:?}");
}

#[test]
fn one_damaged_date_makes_no_text_of_a_column() {
    let mut values: Vec<String> = (0..25).map(|at| format!("{:02}/02/1990", at % 9 + 1)).collect();
    values.push("99/99/9999".to_owned());
    let texts = |values: &[String]| -> Vec<String> { values.to_vec() };
    let guess_of = |values: Vec<String>| {
        guessed("x", &values.iter().map(String::as_str).collect::<Vec<_>>(), Habits::default()).declared
    };
    assert_eq!(guess_of(texts(&values)), "type = \"date\"\nformat = \"%d/%m/%Y\"");
    // Two of 26 do, and one of 10.
    values.push("88/88/8888".to_owned());
    assert_eq!(guess_of(texts(&values)), "type = \"string\"");
    assert_eq!(guess_of(texts(&values[17..26])), "type = \"string\"");
    let iso = |at: usize| if at == 7 { "2026-13-99".to_owned() } else { format!("2026-11-{:02}", at % 5 + 1) };
    assert_eq!(guess_of((0..26).map(iso).collect()), "type = \"date\"");
}

#[test]
fn days_without_digits_are_missing() {
    let guess = guessed("x", &["2024-01-01", "0000-00-00", "2024-01-02"], Habits::default());
    assert_eq!((guess.declared.as_str(), guess.missing), ("type = \"date\"", vec!["0000-00-00"]));
}

#[test]
fn missing_values_keys_and_people_are_noticed() {
    let with_missing = guessed("x", &["1", "NA", ""], Habits::default());
    assert_eq!((with_missing.missing, with_missing.required), (vec!["NA"], false));
    let id = guessed("meter_id", &["a", "b"], Habits::default());
    assert!(id.is_id && id.is_unique && id.required);
    assert!(guessed("x", &["a@b.be"], Habits::default()).is_personal);
    assert!(!guessed("x", &["a"], Habits::default()).is_personal);
    assert!(guessed("v", &["1.5", "-999"], Habits::default()).remarks[0].contains("-999"));
}

#[test]
fn numbers_beside_marks_are_said() {
    let rows = |marked: usize| {
        let value = |at| if at < marked { "<0.5".to_owned() } else { format!("{at}.25") };
        (0..40).map(value).collect::<Vec<String>>()
    };
    for (marked, kind, wanted) in [
        (
            12,
            ColumnType::String,
            "12 of its 40 values are numbers beside a mark, such as <0.5, and no number is written so: it is text",
        ),
        (
            1,
            ColumnType::Float64,
            "1 of its 40 values is a number beside a mark, such as <0.5, and no number is written so: its row is",
        ),
        (0, ColumnType::Float64, ""),
    ] {
        let values = rows(marked);
        let found = guessed("no2", &values.iter().map(String::as_str).collect::<Vec<_>>(), Habits::default());
        assert_eq!(found.kind, kind);
        assert_eq!(found.notes.len(), usize::from(!wanted.is_empty()), "{:?}", found.notes);
        assert!(found.notes.iter().all(|note| note.starts_with(wanted)), "{:?}", found.notes);
    }
}

#[test]
fn what_times_lose_is_said() {
    for (label, values, wanted) in [
        ("at", &["2026-11-01T10:00:00.123456789Z", "2026-11-01T10:00:00.123456000Z"][..], "1 of its 2 times"),
        ("at", &["2026-11-01 10:00:00.1234567", "2026-11-01 10:00:00.7654321"], "2 of its 2 times"),
        ("at", &["01/13/2026 10:00:00.123456789", "01/14/2026 10:00:00.5"], "1 of its 2 times"),
        ("time_ns", &["1793520000123456789", "1793520000123456000"], "1 of its 2 times"),
        ("time", &["1793520000.1234567", "1793520000.5"], "1 of its 2 times"),
        ("time", &["1793520000123.4567", "1793520000123.456"], "1 of its 2 times"),
        ("at", &["2026-11-01T10:00:00.123456Z", "2026-11-01T10:00:00.123456000Z"], ""),
        ("at", &["01.11.2026 10:00", "02.11.2026 10:00"], ""),
        ("x", &["0.123456789", "1.5"], ""),
    ] {
        let found = guessed(label, values, Habits::default());
        let said: Vec<&String> = found.notes.iter().filter(|note| note.contains("parts of a microsecond")).collect();
        assert_eq!(said.len(), usize::from(!wanted.is_empty()), "{values:?}: {} {:?}", found.declared, found.notes);
        assert!(said.iter().all(|note| note.starts_with(wanted)), "{values:?}: {said:?}");
    }
}
