//! What is guessed of a column by its values.

use std::collections::BTreeSet;

use lake::dataset::{Column, ColumnType};

use super::grid::{Field, Kind, Origin, Value};
use super::looks::{MISSING, is_accounting};
use super::times::{self, Found, Order, all_fit, nearly_all};
use super::{names, quantities, text};

mod exact;

pub(super) use self::exact::note_finer;
use self::exact::{are_shares, codes, has_twins, kept, lose_zeros, parts};

/// More digits than a double or a spreadsheet keeps: numbers of so many are names.
const MOST_DIGITS: usize = 15;
const SHORT_YEARS: &str = "its years have two digits: 70 to 99 are of the last century";
/// Texts that mean true, and those that mean false.
const TRUTHS: [(&str, &str); 8] = [
    ("y", "n"),
    ("ja", "nee"),
    ("ja", "nein"),
    ("oui", "non"),
    ("si", "no"),
    ("sí", "no"),
    ("on", "off"),
    ("vrai", "faux"),
];

/// Words that mean true and false without a declaration.
const TRUE_OR_FALSE: [(&str, &str); 2] = [("true", "false"), ("yes", "no")];

/// What all columns of a file have in common.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Habits {
    /// Whether a comma stands before decimals, as far as it is known.
    pub is_comma: Option<bool>,
    /// The order of dates that others decided.
    pub order: Option<Order>,
    /// What a comma is likelier, where nothing else tells.
    pub is_european: bool,
}

/// A column as it is drafted.
#[derive(Debug, Clone)]
pub(super) struct Guess {
    pub name: String,
    pub origin: Origin,
    /// Lines of the declaration: the type, and what belongs to it.
    pub declared: String,
    pub kind: ColumnType,
    pub required: bool,
    pub missing: Vec<&'static str>,
    pub is_personal: bool,
    /// Whether no value comes twice, and none is missing.
    pub is_unique: bool,
    pub is_id: bool,
    /// Whether it is the id of the table's own rows, and if so whether none comes again in another file.
    pub is_of_row: bool,
    pub is_of_all: bool,
    /// Whether its values are counted or measured, by its name or as decimals that are kept as text.
    pub is_quantity: bool,
    /// Further lines, such as comments.
    pub remarks: Vec<String>,
    /// What people should know of it.
    pub notes: Vec<String>,
    pub date_pattern: Option<String>,
    pub time_of_day: Option<&'static str>,
    /// The fields that it is joined of, in place of its origin.
    pub joined: Option<(String, String)>,
    /// Whether a comma stands before decimals, and which order dates have, where the column decides it.
    pub habits: Habits,
    pub open: Open,
}

/// What nothing in a column decides.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Open {
    /// Whether it could have another order of dates.
    pub order: bool,
    /// Whether it could have another mark before decimals.
    pub is_comma: bool,
}

/// A type, and what is worth knowing of it.
#[derive(Default)]
struct Typed {
    declared: String,
    remarks: Vec<String>,
    notes: Vec<String>,
    date_pattern: Option<String>,
    time_of_day: Option<&'static str>,
    habits: Habits,
    open: Open,
    /// Whether it is text only for the digits that a number would lose.
    is_measured: bool,
}

impl Typed {
    fn of(declared: impl Into<String>) -> Self {
        Self { declared: declared.into(), ..Self::default() }
    }
}

/// Guesses a column.
pub(super) fn guess(field: &Field, name: String, habits: Habits) -> Guess {
    let there: Vec<&Value> = field.values.iter().flatten().collect();
    let different: BTreeSet<&str> = there.iter().map(|value| value.text.as_str()).collect();
    let missing: Vec<&'static str> = MISSING.into_iter().filter(|text| different.contains(text)).collect();
    // What is beyond all numbers is one of a column of doubles.
    let is_there = |value: &&Value| {
        let is_infinite = value.kind == Kind::Number && matches!(value.text.as_str(), "inf" | "-inf");
        !is_infinite && !missing.contains(&value.text.as_str())
    };
    let present: Vec<&Value> = there.iter().copied().filter(is_there).collect();
    let typed = match field.declared {
        // Of texts the file may only not know better.
        Some(declared) if there.is_empty() && declared != "type = \"string\"" => Typed::of(declared),
        // That all times of a sample are midnights does not make days of them: the next file may have others.
        Some(declared)
            if declared.starts_with("type = \"timestamp\"") && present.iter().all(|value| is_stamp(value)) =>
        {
            Typed::of(declared)
        }
        _ if present.is_empty() && there.iter().any(|value| value.kind == Kind::Number) => {
            Typed::of("type = \"float64\"")
        }
        _ => type_of(&field.label, &present, habits),
    };
    let is_text = typed.declared == "type = \"string\"";
    let kind = Column::from_declaration(&typed.declared).map_or(ColumnType::String, |column| column.kind);
    // Among texts, what stands for a missing number may be a value; an error of a formula is none, nor a database's null.
    let is_error =
        |text: &&str| *text == "\\N" || there.iter().any(|value| value.kind == Kind::Error && value.text == **text);
    let missing: Vec<&'static str> = if is_text { missing.into_iter().filter(is_error).collect() } else { missing };
    let required = !there.is_empty() && there.len() == field.values.len() && missing.is_empty();
    let mut notes = typed.notes;
    // `ND` is North Dakota as well.
    let codes: Vec<&str> =
        missing.iter().copied().filter(|text| text.bytes().all(|b| b.is_ascii_uppercase())).collect();
    if kind == ColumnType::Bool {
        notes.extend(note_third(&there, &missing));
    } else if !codes.is_empty() {
        notes.push(format!(
            "{} in it is read as no value: if it is one, declare type = \"string\" without missing",
            codes.join(", ")
        ));
    }
    if matches!(kind, ColumnType::Date | ColumnType::Timestamp) && names::is_birth(&field.label) {
        notes.push(
            "it is of people, and a date cannot be personal: declare type = \"string\" and personal = true if it is not to \
             be seen"
                .to_owned(),
        );
    }
    let texts: Vec<&str> = present.iter().map(|value| value.text.as_str()).collect();
    notes.extend(note_finer(&typed.declared, &texts));
    if matches!(kind, ColumnType::Int64 | ColumnType::Float64) {
        notes.extend(text::note_rejected_marks(&texts));
    }
    // A name that begins so may be that of texts as well: `nombre de cliente`.
    let is_counted = |text: &str| !text.starts_with(char::is_alphabetic) && text.bytes().any(|b| b.is_ascii_digit());
    let may_be_id = matches!(kind, ColumnType::String | ColumnType::Int64);
    let names_id = quantities::tells_apart(&field.label);
    // Of rows within a list, the id of what is around them is another table's.
    let is_in_row = !matches!(&field.origin, Origin::Path(path) if path.starts_with('^'));
    let has_mail = is_text
        && !present.is_empty()
        && present.iter().all(|value| value.text.contains('@') && value.text.contains('.'));
    Guess {
        is_personal: matches!(kind, ColumnType::String | ColumnType::Int64)
            && (has_mail || names::is_personal(&field.label) || names::is_birth(&field.label)),
        is_unique: required && different.len() == field.values.len(),
        is_id: may_be_id && names_id,
        is_of_row: may_be_id && quantities::is_of_row(&field.label) && is_in_row,
        is_of_all: quantities::is_of_all(&field.label),
        is_quantity: quantities::is_quantity(&field.label) && nearly_all(&texts, is_counted)
            || typed.is_measured && !names_id,
        name,
        origin: field.origin.clone(),
        kind,
        required,
        missing,
        declared: typed.declared,
        remarks: typed.remarks,
        notes,
        date_pattern: typed.date_pattern,
        time_of_day: typed.time_of_day,
        joined: None,
        habits: typed.habits,
        open: typed.open,
    }
}

fn is_stamp(value: &Value) -> bool {
    matches!(value.kind, Kind::Stamp { .. })
}

/// Says which words of a column of truth values are read as no value: one may be a third value beside yes and no.
fn note_third(there: &[&Value], missing: &[&str]) -> Option<String> {
    let count = there.iter().filter(|value| missing.contains(&value.text.as_str())).count();
    let are = match count {
        0 => return None,
        1 => "1 value of the sample is".to_owned(),
        count => format!("{count} values of the sample are"),
    };
    Some(format!(
        "{are} neither true nor false, but {}, which is read as no value: if that is to be told from a blank, declare type = \
         \"string\" without missing",
        missing.join(" or ")
    ))
}

fn type_of(label: &str, present: &[&Value], habits: Habits) -> Typed {
    let all = |test: fn(Kind) -> bool| !present.is_empty() && present.iter().all(|value| test(value.kind));
    if present.is_empty() {
        let mut typed = Typed::of("type = \"string\"");
        typed.remarks.push("# No value in the sample: any type may be right.".to_owned());
        return typed;
    }
    if all(|kind| kind == Kind::Bool) {
        return Typed::of("type = \"bool\"");
    }
    if all(|kind| matches!(kind, Kind::Stamp { .. })) {
        let is_utc = present.iter().all(|value| value.kind == Kind::Stamp { is_utc: true });
        let is_date = |value: &&Value| !value.text.contains('T');
        if !is_utc && present.iter().all(is_date) {
            return Typed { date_pattern: Some("%Y-%m-%d".to_owned()), ..Typed::of("type = \"date\"") };
        }
        return Typed::of(if is_utc { "type = \"timestamp\"" } else { "type = \"timestamp\"\nzone = \"dataset\"" });
    }
    let texts: Vec<&str> = present.iter().map(|value| value.text.as_str()).collect();
    let are_numbers = all(|kind| matches!(kind, Kind::Number | Kind::Percent | Kind::Padded | Kind::Vague));
    if all(|kind| kind == Kind::Percent) {
        let mut typed = Typed::of("type = \"float64\"\nunit = \"%\"");
        typed.notes.push(
            "its cells are shown as percentages: 5 % is 5, as in a CSV file of the same sheet; without unit it would be 0.05"
                .to_owned(),
        );
        return typed;
    }
    let mut typed = of_texts(label, &texts, are_numbers, habits);
    let has = |wanted: Kind| present.iter().any(|value| value.kind == wanted);
    if has(Kind::Percent) && typed.declared.starts_with("type = \"float64\"") {
        typed.notes.push(
            "some of its cells are shown as percentages, and others are not: 5 % is 0.05; with unit = \"%\" it would be 5"
                .to_owned(),
        );
    }
    if has(Kind::Padded) {
        typed.notes.push(
            "its cells are shown with zeros before their digits, as 00002, and the workbook has the number 2, which is read: \
             where it is a code, write it as text in the workbook, or lpad(CAST(COLUMN AS VARCHAR), 5, '0') in a model"
                .to_owned(),
        );
    }
    if has(Kind::Vague) {
        typed.notes.push(
            "some of its numbers have more digits than a workbook keeps, about 15: where they are names of things, write them \
             as text in the workbook"
                .to_owned(),
        );
    }
    typed
}

fn of_texts(label: &str, texts: &[&str], are_numbers: bool, habits: Habits) -> Typed {
    let typed = digits(label, texts, habits).or_else(|| epoch(label, texts)).or_else(|| excel(label, texts));
    let typed = typed.or_else(|| codes(texts, are_numbers)).or_else(|| parts(label, texts, are_numbers));
    let typed = typed.or_else(|| number(label, texts, are_numbers, habits));
    let typed = typed.or_else(|| time(label, texts, habits)).or_else(|| truth(label, texts));
    let typed = typed.or_else(|| with_unit(label, texts, habits)).map(|typed| kept(typed, texts));
    let mut typed = typed.unwrap_or_else(|| {
        let time_of_day = times::time_of_day(texts);
        let mut typed = Typed { time_of_day, ..Typed::of("type = \"string\"") };
        typed.notes.extend(text::notes(texts, time_of_day.is_some()));
        typed
    });
    if !are_numbers && names::is_date(label) && texts.iter().all(|text| is_digits(text)) {
        let of_day = || times::digits_of_day(texts).filter(|_| names::is_clock(label));
        typed.time_of_day = typed.time_of_day.or_else(of_day);
        let is_number = !typed.declared.contains("format");
        let length = texts.first().map_or(0, |text| text.len());
        let is_even = texts.iter().all(|text| text.len() == length);
        if typed.time_of_day.is_none() && is_number && is_even && (6..=14).contains(&length) {
            typed.notes.push(
                "its digits may be dates or times, and no format that drafts know reads them: declare format as they are, such \
                 as %d%m%y"
                    .to_owned(),
            );
        }
    }
    let is_serial =
        |text: &&str| matches!(text.replace(',', ".").parse::<f64>(), Ok(days) if (25_569.0..73_051.0).contains(&days));
    if typed.declared.contains("decimal") && names::is_date(label) && texts.iter().all(is_serial) {
        typed.notes.push(
            "its numbers may be days as Excel counts them, and format = \"excel\" reads none with a comma: they are numbers; \
             write a point before decimals, or dates and times, in the file"
                .to_owned(),
        );
    }
    typed
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A count of seconds, or of parts of them, since 1970: of the years 2000 to 2100, in a column that is called a time.
fn epoch(label: &str, texts: &[&str]) -> Option<Typed> {
    const FROM: u64 = 946_684_800;
    const TO: u64 = 4_102_444_800;
    if !names::is_time(label) {
        return None;
    }
    let units = [("epoch_s", 1), ("epoch_ms", 1000), ("epoch_us", 1_000_000), ("epoch_ns", 1_000_000_000)];
    let is_in = |text: &&&str, unit: u64| {
        let (from, to) = (FROM * unit, TO * unit);
        if is_digits(text) {
            return text.parse::<u64>().is_ok_and(|count| (from..to).contains(&count));
        }
        // With decimals, or an exponent.
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+".contains(&byte));
        is_number && text.parse::<f64>().is_ok_and(|count| (from as f64..to as f64).contains(&count))
    };
    let count = |unit: u64| texts.iter().filter(|text| is_in(text, unit)).count();
    let (format, unit) = units.into_iter().max_by_key(|(_, unit)| count(*unit))?;
    let fitting = count(unit);
    let all: usize = units.iter().map(|(_, unit)| count(*unit)).sum();
    if fitting * 2 <= texts.len() || all * 100 < texts.len() * 99 {
        return None;
    }
    let mut typed = Typed::of(format!("type = \"timestamp\"\nformat = \"{format}\""));
    if fitting < texts.len() {
        typed.notes.push(format!("most of its values are {format}, and some are of another unit: these are rejected"));
    }
    Some(typed)
}

/// Dates such as `20261119`, and times such as `2026111910`, in a column that is called a time: they are numbers as well, and
/// some of them seconds since 1970. Those that are a date are hardly ever that by accident.
fn digits(label: &str, texts: &[&str], habits: Habits) -> Option<Typed> {
    if !names::is_time(label) || !nearly_all(texts, is_digits) {
        return None;
    }
    let Some(found) = times::compact(label, texts) else {
        let epoch = epoch(label, texts);
        return epoch.or_else(|| times::compact_days(label, texts, habits.order).map(of_found));
    };
    let mut typed = Typed { date_pattern: found.date_pattern, ..Typed::of(found.declared) };
    if found.has_short_years {
        let days: BTreeSet<&str> = texts.iter().filter_map(|text| text.get(..6)).collect();
        let seconds = epoch(label, texts).filter(|_| nearly_all(texts, |text| text < "2"));
        match seconds {
            // Some minutes of the years 2001 to 2033 may all look so.
            Some(seconds) if days.len() == 1 => return Some(seconds),
            Some(_) => typed.notes.push(
                "its digits are read as year, month, day, hour and minute; they could be seconds since 1970 as well"
                    .to_owned(),
            ),
            None => {}
        }
        typed.notes.push(SHORT_YEARS.to_owned());
    }
    Some(typed)
}

/// Days as Excel counts them, in a column that is called a date or a time.
fn excel(label: &str, texts: &[&str]) -> Option<Typed> {
    let is_day = |text: &str| {
        !text.starts_with('0') && text.parse::<f64>().is_ok_and(|days| (25_569.0..73_051.0).contains(&days))
    };
    if !names::is_date(label) || !nearly_all(texts, is_day) {
        return None;
    }
    let has_times = texts.iter().any(|text| text.contains('.') && !text.ends_with(".0"));
    let declared = if has_times {
        "type = \"timestamp\"\nformat = \"excel\"\nzone = \"dataset\""
    } else {
        "type = \"date\"\nformat = \"excel\""
    };
    let mut typed = Typed::of(declared);
    typed.notes.push("its numbers are taken for days as Excel counts them".to_owned());
    Some(typed)
}

/// Whether numbers of a latitude or a longitude would be none if a mark stood between thousands.
fn is_beyond(label: &str, texts: &[&str], mark: char) -> bool {
    let most = match names::coordinate(label) {
        Some(names::Coordinate::Latitude) => 90.0,
        Some(names::Coordinate::Longitude) => 180.0,
        None => return false,
    };
    let grouped: Vec<f64> = texts.iter().filter_map(|text| text.replace(mark, "").parse::<f64>().ok()).collect();
    grouped.iter().filter(|number| number.abs() > most).count() * 2 > texts.len()
}

fn number(label: &str, texts: &[&str], are_numbers: bool, habits: Habits) -> Option<Typed> {
    let is_whole = |text: &str| is_digits(text.strip_prefix('-').unwrap_or(text));
    if nearly_all(texts, is_whole) && all_fit("type = \"int64\"", texts) {
        return Some(Typed { remarks: sentinel(texts), ..Typed::of("type = \"int64\"") });
    }
    let has = |mark: char| texts.iter().any(|text| text.contains(mark));
    let only_groups = |mark: char| texts.iter().filter(|text| text.contains(mark)).all(|text| is_grouped(text, mark));
    if all_fit("type = \"float64\"", texts) {
        // `1.234` is a thousand in a file whose decimals have commas.
        let is_thousands =
            !are_numbers && habits.is_comma == Some(true) && only_groups('.') && !is_beyond(label, texts, '.');
        if is_thousands {
            let mut typed = Typed::of("type = \"int64\"\ndecimal = \",\"\nthousands = \".\"");
            typed
                .notes
                .push("1.234 in it is read as a thousand, as other columns have commas before decimals".to_owned());
            return Some(typed);
        }
        let decided = if only_groups('.') { None } else { Some(false) };
        let is_unsure =
            decided.is_none() && has('.') && !are_numbers && habits.is_european && habits.is_comma.is_none();
        let habits = Habits { is_comma: decided, ..Habits::default() };
        let mut typed = Typed { habits, remarks: sentinel(texts), ..Typed::of("type = \"float64\"") };
        if is_unsure && !is_beyond(label, texts, '.') {
            typed.open.is_comma = true;
            typed.notes.push(either("1.234", "decimals"));
        }
        if !are_numbers && has_twins(texts) {
            typed.notes.push(
                "1.5 and 1.50, or others that are alike, both stand in it, and are one number; if they are names, as of versions \
                 or sections, declare type = \"string\""
                    .to_owned(),
            );
        } else if !are_numbers
            && names::may_have_parts(label)
            && !quantities::is_amount(label)
            && lose_zeros(texts)
            && (names::ends_in_id(label) || !are_shares(texts))
        {
            typed.notes.push(
                "by its name its values may be names such as 1.10, which as a number is 1.1: they are numbers; if they are names, \
                 declare type = \"string\""
                    .to_owned(),
            );
        }
        return Some(typed);
    }
    let comma = "type = \"float64\"\ndecimal = \",\"";
    if has(',') && !has('.') && all_fit(comma, texts) {
        let is_certain = !only_groups(',')
            || texts.iter().any(|text| text.trim_start_matches('-').starts_with("0,"))
            || is_beyond(label, texts, ',');
        let is_comma = is_certain || habits.is_comma.unwrap_or(habits.is_european);
        if is_comma {
            let decided = is_certain.then_some(true);
            let mut typed = Typed { habits: Habits { is_comma: decided, ..Habits::default() }, ..Typed::of(comma) };
            if !is_certain {
                typed.open.is_comma = true;
                typed.notes.push(either("1,234", "decimals"));
            }
            return Some(typed);
        }
    }
    for (decimal, mark) in [('.', ","), (',', "."), (',', " "), ('.', " "), ('.', "'"), (',', "'"), ('.', "_")] {
        let of_decimal = if decimal == ',' { "\ndecimal = \",\"" } else { "" };
        let marks = format!("{of_decimal}\nthousands = \"{mark}\"");
        let whole = format!("type = \"int64\"{marks}");
        let declared =
            if !has(decimal) && all_fit(&whole, texts) { whole } else { format!("type = \"float64\"{marks}") };
        if !all_fit(&declared, texts) {
            continue;
        }
        let is_certain =
            has(decimal) || mark == " " || mark == "'" || texts.iter().any(|text| text.matches(mark).count() > 1);
        let decided = has(decimal).then_some(decimal == ',');
        let mut typed = Typed { habits: Habits { is_comma: decided, ..Habits::default() }, ..Typed::of(declared) };
        let example = format!("1{mark}234");
        if !is_certain {
            typed.open.is_comma = true;
            typed.notes.push(either(&example, "thousands"));
        } else if matches!(mark, "." | ",")
            && texts
                .iter()
                .all(|text| text.matches(mark).count() < 2 && !(text.contains(decimal) && text.contains(mark)))
        {
            // Of several marks in one text the last one stands before decimals, and no text has both.
            let other = if mark == "." { "1,5" } else { "1.5" };
            typed.notes.push(format!(
                "{example} in it is read as a thousand, as others are written as {other}: it could have decimals; look at it"
            ));
        }
        return Some(typed);
    }
    None
}

/// Numbers with one unit beside them, or with parentheses around negative ones.
fn with_unit(label: &str, texts: &[&str], habits: Habits) -> Option<Typed> {
    let is_beside = |text: &str, unit: &str| {
        let text = text.trim_matches(['(', ')', '-', '+', ' ']);
        // Letters just before digits are a code's.
        let before =
            || text.strip_prefix(unit).filter(|bare| !unit.ends_with(char::is_alphabetic) || bare.starts_with(' '));
        let bare = text.strip_suffix(unit).or_else(before).map(str::trim);
        bare.is_some_and(|bare| bare.starts_with(|c: char| c.is_ascii_digit() || "-+(.".contains(c)))
    };
    let is_zero = |text: &str| text.chars().all(|character| "0.,".contains(character));
    let unit = lake::value::UNITS.into_iter().find(|unit| texts.iter().any(|text| is_beside(text, unit)));
    // A number without its unit may be one of another: only of zero that is the same.
    if unit.is_some_and(|unit| !nearly_all(texts, |text| is_beside(text, unit) || is_zero(text))) {
        return None;
    }
    let is_accounting = texts.iter().any(|text| is_accounting(text));
    let mut options = String::new();
    options.extend(unit.map(|unit| format!("\nunit = \"{unit}\"")));
    if is_accounting {
        options.push_str("\naccounting = true");
    }
    let column = Column::from_declaration(&format!("type = \"float64\"{options}")).ok()?;
    let bare: Vec<_> = texts.iter().map(|text| column.without_unit(text)).collect();
    let bare: Vec<&str> = bare.iter().map(|text| text.as_ref()).collect();
    // What would be a code without parentheses is one.
    if options.is_empty() || codes(&bare, false).is_some() {
        return None;
    }
    let mut typed = number(label, &bare, false, habits)?;
    typed.declared.push_str(&options);
    if is_accounting && texts.iter().all(|text| text.contains('(')) {
        typed.notes.push(
            "all of its values stand in parentheses, and are read as negative numbers: (100) is -100; if it is 100, they are no \
             marks of accounts, so declare type = \"string\", and take them away in a model"
                .to_owned(),
        );
    }
    if let Some(unit) = unit {
        typed.notes.push(format!("its numbers are read without the unit beside them: 5 {unit} is 5"));
    }
    Some(typed)
}

fn either(example: &str, what: &str) -> String {
    format!("{example} in it could be a thousand or have decimals: it is read as {what}; look at it")
}

/// Whether a mark stands between groups of three digits alone.
fn is_grouped(text: &str, mark: char) -> bool {
    let mut groups = text.trim_start_matches(['-', '+']).split(mark);
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len())
        && is_digits(first)
        && first != "0"
        && groups.all(|group| group.len() == 3 && is_digits(group))
}

/// Offers what often stands for a missing number.
fn sentinel(texts: &[&str]) -> Vec<String> {
    let known = ["-999", "-9999", "-99999", "-999.0", "-9999.0", "-99.9", "-999.9"];
    let Some(found) = known.into_iter().find(|known| texts.contains(known)) else { return Vec::new() };
    let number = |text: &&str| text.parse::<f64>().unwrap_or_default();
    let is_alone = texts.iter().filter(|text| **text != found).all(|text| number(text) > number(&found) / 2.0);
    if is_alone { vec![format!("# If {found} stands for no value: missing = [{found}]")] } else { Vec::new() }
}

fn time(label: &str, texts: &[&str], habits: Habits) -> Option<Typed> {
    times::find(label, texts, habits.order).map(of_found)
}

/// A type by how dates or times are written, and what the sample leaves open of it.
fn of_found(found: Found) -> Typed {
    let mut typed = Typed { date_pattern: found.date_pattern, ..Typed::of(found.declared) };
    if found.is_ambiguous {
        typed.open.order = true;
        let (example, part) = match (found.may_be_year, found.has_short_years) {
            (true, _) => ("13/01/26", "year"),
            (_, true) => ("01/02/26", "month"),
            _ => ("01/02/2026", "month"),
        };
        let (as_read, other) = match found.order {
            Some(Order::Month) => ("the month first", "%m and %d"),
            Some(Order::Year) => ("the year first", "%y and %d"),
            _ if found.may_be_year => ("the day first", "%d and %y"),
            _ => ("the day first", "%d and %m"),
        };
        let why = match found.is_contradictory {
            true => {
                format!("some of its dates can only be read with the day first, and as many only with the {part} first")
            }
            false => format!("nothing in the sample says whether the day or the {part} comes first"),
        };
        typed.notes.push(format!("{example} could be either: {why}; it is read with {as_read}"));
        typed
            .remarks
            .push(format!("# {example} could be either: read with {as_read}. If that is wrong, exchange {other}."));
    } else {
        typed.habits.order = found.order.filter(|order| *order != Order::Year);
    }
    if found.has_short_years {
        typed.notes.push(SHORT_YEARS.to_owned());
    }
    typed
}

fn truth(label: &str, texts: &[&str]) -> Option<Typed> {
    let different: BTreeSet<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    let known: Vec<&String> = different.iter().filter(|text| all_fit("type = \"bool\"", &[text.as_str()])).collect();
    let are_letters = known.iter().all(|text| text.len() == 1);
    // A letter by itself, and those of a sex, are no halves of true and false.
    let is_letter = are_letters && (known.len() == 1 || names::is_sex(label));
    if !is_letter && all_fit("type = \"bool\"", texts) {
        let mut typed = Typed::of("type = \"bool\"");
        if let [only] = known.as_slice() {
            let other = TRUE_OR_FALSE.into_iter().find_map(|(yes, no)| match only.as_str() {
                text if text == yes => Some(no),
                text if text == no => Some(yes),
                _ => None,
            });
            typed.notes.push(format!(
                "all of its values are one word of true and false, and it is read as such: where others than it and {} come, \
                 declare type = \"string\"",
                other.unwrap_or("its opposite")
            ));
        }
        return Some(typed);
    }
    let (yes, no) = TRUTHS
        .into_iter()
        .find(|(yes, no)| different.len() == 2 && different.iter().all(|text| text == yes || text == no))?;
    Some(Typed::of(format!("type = \"bool\"\ntrue_values = [\"{yes}\"]\nfalse_values = [\"{no}\"]")))
}

#[cfg(test)]
mod tests;
