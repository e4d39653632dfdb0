//! Drafts of a dataset's declaration from a sample file: its dialect, its columns and their types, and a first model. A
//! draft is read with itself at once: what it says of the sample is what a cleaning would make of it.
//!
//! What is looked at is bounded, whatever the sample's size is.

mod above;
mod again;
mod around;
mod bare;
mod blanks;
mod column;
mod declare;
mod describes;
mod dialect;
mod doubled;
mod each;
mod entries;
mod first_rows;
mod grid;
mod head;
mod join;
mod key;
mod keyed;
mod lines;
mod looks;
mod names;
mod naming;
mod other;
mod packed;
mod padding;
mod quantities;
mod quotes;
mod sampled;
mod sheet;
mod sheets;
mod text;
mod times;
mod titles;
mod tree;
mod trial;
mod unnamed;
mod wide;

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use lake::dataset::{ARCHIVE, COMPRESSIONS, ColumnType, Encoding, ends_in};

pub(super) use self::above::is_unit;
use self::column::{Guess, Habits, guess};
use self::grid::{Field, Grid};
use self::packed::Packed;
use self::times::Order;
pub use self::trial::{Rejected, Tried};
use super::{columnar, kinds, xlsx};
use crate::decode::decompress;
use crate::error::Stop;

/// Bytes of a text that are looked at.
const SAMPLE_BYTES: u64 = 4 * 1024 * 1024;
/// Rows of a workbook or a Parquet file.
const SAMPLE_ROWS: usize = 10_000;
/// Endings that say that a file is text.
const TEXT: [&str; 8] = ["csv", "tsv", "tab", "txt", "dat", "json", "ndjson", "jsonl"];

/// What is said of a file without anything in it.
const IS_EMPTY: &str = "there is no row in it: the file is empty, or has blank lines alone";

/// A draft.
#[derive(Debug)]
pub struct Draft {
    /// The text of `dataset.toml`.
    pub dataset_toml: String,
    /// The name and the text of a first model, where the sample has a time.
    pub model: Option<(String, String)>,
    /// What is worth knowing, without values of the sample.
    pub notes: Vec<String>,
    /// What the draft makes of the sample.
    pub tried: Tried,
}

/// Drafts the declaration of a dataset from a file. Errors say what the file is.
pub fn draft(name: &str, from: &Path) -> Result<Draft, String> {
    let file = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (mut grid, packed) = sample(from, &file).map_err(why)?;
    let inside = packed.as_ref().map(|packed| format!("{} in the zip archive: ", packed.name)).unwrap_or_default();
    if grid.fields.is_empty() && grid.first.is_some() {
        return Err(format!("{inside}{IS_EMPTY}"));
    }
    if grid.fields.is_empty() {
        let notes = grid.notes.iter().map(|note| format!("; {note}"));
        return Err(format!("{inside}there is no row in it{}", notes.collect::<String>()));
    }
    if grid.rows == 0 {
        grid.note(if grid.fields.iter().any(|field| field.declared.is_some()) {
            "the sample has columns and no rows: columns have the types of its schema, and which of them always have a value, are a \
             key, or are of people is not known; draft again from a file with rows"
        } else {
            "the sample has names of columns and no rows: which types columns have is not known, and all are drafted as strings; \
             draft again from a file with rows"
        });
    }
    grid.notes.extend(packed.iter().flat_map(Packed::notes));
    let habits = Habits { is_european: grid.is_european, ..Habits::default() };
    let explained = |why: String| packed.as_ref().map_or_else(|| why.clone(), |packed| packed.explain(&why));
    let mut best = attempt(name, &file, from, &grid, habits).map_err(explained)?;
    // What the sample leaves open may be decided behind it.
    if best.tried.rejected > 0 {
        for habits in others(&best.guesses, habits) {
            if best.tried.rejected == 0 {
                break;
            }
            match attempt(name, &file, from, &grid, habits) {
                Ok(other) if other.tried.rejected < best.tried.rejected => best = other,
                _ => {}
            }
        }
    }
    let Attempt { guesses, dataset_toml, model, mut notes, tried } = best;
    for guess in &guesses {
        notes.extend(guess.notes.iter().map(|note| format!("column {}: {note}", guess.name)));
    }
    notes.extend(grid.first.and_then(|line| first_rejected(&tried, line)));
    let rejected = tried.rejected.saturating_sub(grid.footers + grid.below_header + grid.ruled);
    if rejected > 0 && rejected * 2 >= tried.clean + rejected {
        notes.insert(
            0,
            "the draft rejects half of its own sample or more: it does not fit the file, look at the reasons before you use it"
                .to_owned(),
        );
    }
    Ok(Draft { dataset_toml, model, notes, tried })
}

/// A draft, and what it makes of the file.
struct Attempt {
    guesses: Vec<Guess>,
    dataset_toml: String,
    model: Option<(String, String)>,
    notes: Vec<String>,
    tried: Tried,
}

fn attempt(name: &str, file: &str, from: &Path, grid: &Grid, habits: Habits) -> Result<Attempt, String> {
    let (guesses, joined) = guesses(grid, habits);
    let day = declare::day_of(&guesses);
    let text = |key: &[String]| declare::dataset(name, file, grid, &guesses, day.as_ref(), key);
    // A key is judged by what is stored of the sample.
    let watched = key::watched(&guesses, day.as_ref());
    let (tried, stored) = trial::read(name, file, from, &text(&[]), &watched)?;
    let key = key::choose(grid, &guesses, day.as_ref(), &stored);
    let dataset_toml = text(&key.lines);
    let model = day.as_ref().map(|day| declare::model(&guesses, day));
    let mut notes: Vec<String> = grid.notes.iter().cloned().chain(grid.about_no_rows(tried.rejected)).collect();
    notes.extend(joined.into_iter().chain(key.notes));
    if guesses.iter().any(|guess| guess.declared.contains("zone = \"dataset\"")) {
        notes.push("times without an offset are read as UTC: declare in time_zone which zone they are of".to_owned());
    }
    Ok(Attempt { guesses, dataset_toml, model, notes, tried })
}

/// What else columns could be that the sample leaves open.
fn others(guesses: &[Guess], habits: Habits) -> Vec<Habits> {
    let mut others = Vec::new();
    if guesses.iter().any(|guess| guess.open.order) {
        let orders = [Order::Month, Order::Day, Order::Year];
        others.extend(orders.map(|order| Habits { order: Some(order), ..habits }));
    }
    if guesses.iter().any(|guess| guess.open.is_comma) {
        others.extend([true, false].map(|is_comma| Habits { is_comma: Some(is_comma), ..habits }));
    }
    others
}

/// Words on the first row of a sample without a header, if it is rejected and nearly all others are not.
fn first_rejected(tried: &Tried, line: u64) -> Option<String> {
    let is_first = tried.reasons.values().any(|rejected| rejected.first == line);
    (is_first && (tried.rejected == 1 || tried.rejected * 20 <= tried.clean)).then(|| {
        format!(
            "line {line} is the first one, and is rejected: if it is the header, write header = \"always\" in place of \"never\", \
             and its names as field = \"...\""
        )
    })
}

fn why(stop: Stop) -> String {
    match stop {
        Stop::Reject(reject) => reject.message,
        Stop::Broken(why) => why,
    }
}

/// The ending of a name, in small letters.
fn ending(name: &str) -> String {
    name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default()
}

/// A name without the ending of its compression.
fn unpacked(name: &str) -> &str {
    let packed = COMPRESSIONS.iter().find(|ending| ends_in(name, ending));
    packed.and_then(|ending| name.get(..name.len() - ending.len())).unwrap_or(name)
}

/// The beginning of the file, or of the one that is looked at of an archive.
fn sample(from: &Path, file: &str) -> Result<(Grid, Option<Packed>), Stop> {
    let opened = File::open(from)?;
    if !ends_in(file, ARCHIVE) {
        let reader = decompress(file, Box::new(opened))?;
        return Ok((sample_of(unpacked(file), reader, unpacked(file) != file)?, None));
    }
    let (grid, packed) = packed::sample(opened)?;
    Ok((grid, Some(packed)))
}

/// The beginning of what has this name once it is unpacked.
fn sample_of(name: &str, mut reader: impl Read, is_unpacked: bool) -> Result<Grid, Stop> {
    let mut head = Vec::new();
    reader.by_ref().take(kinds::LOOKED_AT as u64).read_to_end(&mut head)?;
    let ending = ending(name);
    let is_text = TEXT.contains(&ending.as_str());
    kinds::refuse_packed_tar(name, &head, is_unpacked)?;
    kinds::refuse_unread(&head, is_unpacked)?;
    if is_unpacked && head.starts_with(b"PK\x03\x04") && (is_text || ending == "zip") {
        let why = "by its first bytes what is packed in the file is zip, and that is packed again: pack it once";
        return Err(Stop::reject("wrong_kind", why));
    }
    if head.starts_with(b"PK\x03\x04") && !is_text {
        let xlsx::Sample { sheet, others, rows, shown } = xlsx::sample(Cursor::new(head).chain(reader), SAMPLE_ROWS)?;
        let mut options = vec!["format = \"xlsx\"".to_owned()];
        let note = sheets::note(sheet.as_deref(), &others, &rows);
        if let Some(note) = note.as_ref().filter(|_| rows.is_empty()) {
            return Err(Stop::reject("no_rows", format!("there is no row in it: {note}")));
        }
        options.extend(sheet.map(|sheet| format!("sheet = {}", quoted(&sheet))));
        let mut grid = sheet::of_sheet(&rows, &shown, options);
        grid.notes.extend(note);
        return Ok(grid);
    }
    if head.starts_with(b"PAR1") && !is_text {
        let sample = columnar::sample(Cursor::new(head).chain(reader), SAMPLE_ROWS)?;
        return Ok(sheet::of_schema(&sample, vec!["format = \"parquet\"".to_owned()]));
    }
    kinds::refuse_other_kinds(&head, true, is_unpacked)?;
    match ending.as_str() {
        "parquet" => kinds::require(&head, b"PAR1", "Parquet")?,
        "xlsx" | "xlsm" => kinds::require(&head, b"PK", "an Excel workbook")?,
        _ if head.contains(&0) && !kinds::is_utf16(&head) => {
            let before = head.iter().take_while(|byte| **byte != 0);
            let line = 1 + before.filter(|byte| **byte == b'\n').count();
            let why = format!(
                "it has NUL bytes near its beginning, the first of them in line {line}, and no text has: it is no CSV and no JSON; if \
                 it is one that was damaged, take them out"
            );
            return Err(Stop::reject("wrong_kind", why));
        }
        _ => {}
    }
    reader.take(SAMPLE_BYTES).read_to_end(&mut head)?;
    let is_part = head.len() as u64 > SAMPLE_BYTES;
    of_text(&ending, &head, is_part)
}

fn of_text(ending: &str, bytes: &[u8], is_part: bool) -> Result<Grid, Stop> {
    let decoded = dialect::decode(bytes)?;
    let is_ndjson = matches!(ending, "ndjson" | "jsonl");
    let is_json = tree::is_json(&decoded.text);
    if is_ndjson || ending == "json" {
        if decoded.text.trim_ascii().is_empty() {
            return Err(Stop::reject("no_rows", IS_EMPTY));
        }
        let Some(is_lines) = is_json else {
            tree::refuse_known(&decoded.text)?;
            let why = "by its name it is JSON, and it does not begin with { or [".to_owned();
            return Err(Stop::reject("not_json", why));
        };
        return json(&decoded, is_part, is_ndjson || is_lines);
    }
    if let Some(is_lines) = is_json
        && let Ok(grid) = json(&decoded, is_part, is_lines)
    {
        return Ok(grid);
    }
    other::refuse(&decoded.text)?;
    lines::grid(bytes, is_part, ending == "tsv")
}

fn json(decoded: &dialect::Decoded, is_part: bool, is_lines: bool) -> Result<Grid, Stop> {
    let mut grid = tree::grid(&decoded.text, is_part, is_lines)?;
    match decoded.encoding {
        Encoding::Utf8 => {}
        Encoding::Windows1252 => grid.options.push("encoding = \"windows-1252\"".to_owned()),
        Encoding::Latin1 => grid.options.push("encoding = \"iso-8859-1\"".to_owned()),
        Encoding::Utf16 => grid.options.push("encoding = \"utf-16\"".to_owned()),
    }
    Ok(grid)
}

/// Guesses all columns, those that could be either by what the others are. Returns words on columns that are read together
/// as well.
fn guesses(grid: &Grid, mut habits: Habits) -> (Vec<Guess>, Vec<String>) {
    for field in &grid.fields {
        let of_column = guess(field, String::new(), habits).habits;
        habits.is_comma = habits.is_comma.or(of_column.is_comma);
        habits.order = habits.order.or(of_column.order);
    }
    let mut guesses: Vec<Guess> = Vec::new();
    for (at, field) in grid.fields.iter().enumerate() {
        let plain = naming::column_name(&field.label, at);
        let name = naming::unique(plain, |name| guesses.iter().any(|guess| guess.name == name));
        guesses.push(guess(field, name, habits));
    }
    if guesses.iter().any(|guess| guess.is_personal) {
        let may_be = |(guess, field): &(&mut Guess, &Field)| {
            guess.kind == ColumnType::String && !guess.is_personal && names::may_be_personal(&field.label)
        };
        for (guess, _) in guesses.iter_mut().zip(&grid.fields).filter(may_be) {
            guess.notes.push("it may be of people, as others beside it are: write personal = true if it is".to_owned());
        }
    }
    let notes = join::join_times(grid, &mut guesses);
    (guesses, notes)
}

fn quoted(text: &str) -> String {
    // A JSON string is a TOML string.
    serde_json::Value::from(text).to_string()
}
