//! Format `xlsx`: a sheet of an Excel workbook, row by row.
//!
//! Cells have types of their own. Dates and times are local: Excel knows no time zone. The library holds the workbook's
//! shared texts and styles, so these are bounded; a sheet's cells pass one by one.

use std::collections::{BTreeSet, VecDeque};
use std::io::{Read, Seek};

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError};
use chrono::NaiveTime;
use lake::dataset::{Column, Header, Sheet, Table, TimeFormat};
use tempfile::SpooledTempFile;

use super::archive::{kept, open};
use super::cell::{Cell, damaged, guarded, line, value};
use super::columns::{Columns, Record};
use super::headers::{Headers, Turn};
use super::layout::{Ahead, Layout, Line, Nearest};
use super::{Notes, RawObject};
use crate::error::Stop;
use crate::reject::Reject;
use crate::writer::Sink;
use lake::value::{Raw, Refusal, excel_time};
use lake::years;

/// The most that a part of a workbook may become that is held in memory, and the most that a sheet may.
const MAX_PART: u64 = 64 * 1024 * 1024;
const MAX_SHEET: u64 = 4 * 1024 * 1024 * 1024;
/// The longest stretch of a part without a tag: no text of a cell is longer.
const MAX_STRETCH: u64 = 1024 * 1024;
/// Columns that a sheet can have.
const MAX_COLUMNS: u32 = 16_384;
/// Rows among which a header is looked for, where nothing is declared.
const LOOK_AHEAD: usize = 100;
const FORMAT: &str = "Excel workbook";

/// Reads the rows of a sheet.
pub(super) fn decode(object: &RawObject, reader: impl Read, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let mut file = kept(reader, b"PK", "an Excel workbook (.xlsx)")?;
    guarded(FORMAT, || {
        check_sizes(&mut file)?;
        file.rewind()?;
        let mut workbook: Xlsx<SpooledTempFile> = Xlsx::new(file).map_err(refused)?;
        let Some(sheet) = choose(&mut workbook, object.table.sheet.as_ref())? else { return Ok(Notes::default()) };
        let is_1904 = workbook.has_1904_epoch();
        let percents = Percents::of(&mut workbook, &sheet, object.table)?;
        let cells = workbook.worksheet_cells_reader(&sheet).map_err(refused)?;
        decode_sheet(object, &mut SheetRows { cells, is_1904, percents, next: None, is_at_end: false }, sink)
    })
}

/// A row of a sample: its number from 1, and its cells.
pub(super) type SampleRow = (u64, Vec<Cell>);

/// The beginning of a sheet.
#[derive(Debug, Default)]
pub(super) struct Sample {
    /// The sheet's name, if there are several with cells that are not hidden.
    pub sheet: Option<String>,
    /// The other sheets that have rows, hidden ones as well.
    pub others: Vec<Unread>,
    pub rows: Vec<SampleRow>,
    pub shown: Shown,
}

/// A sheet of which no row is read.
#[derive(Debug)]
pub(super) struct Unread {
    pub name: String,
    /// How many rows it has, of those that were counted; none if it cannot be read.
    pub rows: Option<usize>,
    pub is_hidden: bool,
    /// Its first row.
    first: Vec<Cell>,
}

impl Unread {
    /// Whether its first row has the texts of that of other rows, as headers of the same columns have.
    pub(super) fn is_like(&self, rows: &[SampleRow]) -> bool {
        let is_header = |cells: &[Cell]| {
            cells.iter().filter(|cell| !cell.is_blank()).count() > 1
                && cells.iter().all(|cell| cell.is_blank() || matches!(cell, Cell::Text(_)))
        };
        rows.first().is_some_and(|(_, first)| is_header(first) && *first == self.first)
    }
}

/// How cells of columns are shown, by the places of these.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Columns in which numbers have zeros before them.
    pub padded: BTreeSet<usize>,
    /// Those in which dates have a time of day.
    pub timed: BTreeSet<usize>,
}

/// The first rows of the sheet that has the most.
pub(super) fn sample(reader: impl Read, most: usize) -> Result<Sample, Stop> {
    let mut file = kept(reader, b"PK", "an Excel workbook (.xlsx)")?;
    guarded(FORMAT, || {
        check_sizes(&mut file)?;
        file.rewind()?;
        let mut workbook: Xlsx<SpooledTempFile> = Xlsx::new(file).map_err(refused)?;
        let (mut chosen, mut found, mut filled) = (String::new(), Sample::default(), 0);
        let mut others = Vec::new();
        // Some rows are blank.
        let within = u32::try_from(most.saturating_mul(2)).unwrap_or(u32::MAX);
        let visible = visible(&workbook);
        for name in &visible {
            let (percents, shown) = Percents::within(&mut workbook, name, within)?;
            let rows = rows_of(&mut workbook, name, most, percents)?;
            filled += usize::from(!rows.is_empty());
            // A cover sheet has few rows.
            let other = if rows.len() > found.rows.len() {
                let next = Sample { rows, shown, ..Sample::default() };
                (std::mem::replace(&mut chosen, name.clone()), std::mem::replace(&mut found, next).rows)
            } else {
                (name.clone(), rows)
            };
            others.extend(unread(other, false));
        }
        for name in hidden(&workbook) {
            let rows = guarded(FORMAT, || rows_of(&mut workbook, &name, most, Percents::default()));
            match rows {
                Ok(rows) => others.extend(unread((name, rows), true)),
                // It is not read, so it harms no row.
                Err(Stop::Reject(_)) => {
                    others.push(Unread { name, rows: None, is_hidden: true, first: Vec::new() });
                }
                Err(stop) => return Err(stop),
            }
        }
        let at = |unread: &Unread| workbook.sheet_names().iter().position(|name| *name == unread.name);
        others.sort_by_key(at);
        Ok(Sample { sheet: Some(chosen).filter(|_| filled > 1), others, ..found })
    })
}

/// The first rows of a sheet that have cells.
fn rows_of(
    workbook: &mut Xlsx<SpooledTempFile>,
    name: &str,
    most: usize,
    percents: Percents,
) -> Result<Vec<SampleRow>, Stop> {
    let is_1904 = workbook.has_1904_epoch();
    let cells = workbook.worksheet_cells_reader(name).map_err(refused)?;
    let mut sheet = SheetRows { cells, is_1904, percents, next: None, is_at_end: false };
    let mut rows = Vec::new();
    while rows.len() < most
        && let Some(row) = sheet.next_row()?
    {
        rows.push((row.number, row.cells));
    }
    Ok(rows)
}

/// A sheet that is not read, if it has rows.
fn unread((name, rows): (String, Vec<SampleRow>), is_hidden: bool) -> Option<Unread> {
    let count = rows.len();
    rows.into_iter().next().map(|(_, first)| Unread { name, rows: Some(count), is_hidden, first })
}

/// The names of the sheets that are not hidden.
fn visible(workbook: &Xlsx<SpooledTempFile>) -> Vec<String> {
    names_of(workbook, |visible| visible == SheetVisible::Visible)
}

/// The names of those that are.
fn hidden(workbook: &Xlsx<SpooledTempFile>) -> Vec<String> {
    names_of(workbook, |visible| visible != SheetVisible::Visible)
}

fn names_of(workbook: &Xlsx<SpooledTempFile>, is_of: impl Fn(SheetVisible) -> bool) -> Vec<String> {
    let is_one = |sheet: &&calamine::Sheet| sheet.typ == SheetType::WorkSheet && is_of(sheet.visible);
    workbook.sheets_metadata().iter().filter(is_one).map(|sheet| sheet.name.clone()).collect()
}

fn refused(error: XlsxError) -> Stop {
    match error {
        XlsxError::Password => Stop::reject("damaged", "the Excel workbook has a password: save it without one"),
        XlsxError::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => error.into(),
        // The library's words may quote what it read.
        _ => damaged(FORMAT, "a part of it is missing or is not as it should be"),
    }
}

/// Refuses a workbook of which the library would hold too much in memory.
fn check_sizes(file: &mut SpooledTempFile) -> Result<(), Stop> {
    let broken = |_| damaged(FORMAT, "it is no sound zip archive");
    let mut archive = open(file).map_err(|stop| match stop {
        Stop::Reject(reject) if reject.reason == "unclear_archive" => damaged(FORMAT, reject.message),
        Stop::Reject(_) => damaged(FORMAT, "it is no sound zip archive"),
        stop => stop,
    })?;
    let mut names = BTreeSet::new();
    let mut held = 0;
    for number in 0..archive.len() {
        let mut part = archive.by_index(number).map_err(broken)?;
        let name = part.name().map_err(broken)?.to_ascii_lowercase();
        let is_sheet = name.contains("worksheets/");
        // To a workbook these are one name, and the library reads one of them.
        if !names.insert(name) {
            return Err(damaged(FORMAT, "two of its parts have one name"));
        }
        let (mut size, mut stretch) = (0, 0);
        let mut buffer = [0; 16 * 1024];
        loop {
            let count = part.read(&mut buffer).map_err(|_| damaged(FORMAT, "a part of it is damaged"))?;
            let bytes = buffer.get(..count).unwrap_or_default();
            if bytes.is_empty() {
                break;
            }
            size += bytes.len() as u64;
            stretch = match bytes.iter().rposition(|byte| *byte == b'<') {
                Some(last) => (bytes.len() - last) as u64,
                None => stretch + bytes.len() as u64,
            };
            let limit = if is_sheet { MAX_SHEET } else { MAX_PART };
            if size > limit || is_sheet && stretch > MAX_STRETCH || !is_sheet && held + size > 2 * MAX_PART {
                let why = "a part of it becomes too large when it is unpacked: save the sheet as CSV";
                return Err(Stop::reject("too_large", format!("the {FORMAT} is not read: {why}")));
            }
        }
        held += if is_sheet { 0 } else { size };
    }
    Ok(())
}

/// The name of the sheet that is declared, or of the only one with cells.
fn choose(workbook: &mut Xlsx<SpooledTempFile>, declared: Option<&Sheet>) -> Result<Option<String>, Stop> {
    let sheets = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let (mut all, mut visible) = (Vec::new(), Vec::new());
    for sheet in sheets {
        all.push(sheet.name.clone());
        if sheet.visible == SheetVisible::Visible {
            visible.push(sheet.name.clone());
        }
    }
    let found = match declared {
        Some(Sheet::Named(name)) => all.iter().find(|known| known.to_lowercase() == name.to_lowercase()),
        Some(Sheet::Number(number)) => visible.get(number - 1),
        None => {
            let mut filled = Vec::new();
            for name in &visible {
                let mut cells = workbook.worksheet_cells_reader(name).map_err(refused)?;
                if cells.next_cell().map_err(refused)?.is_some() {
                    filled.push(name);
                }
            }
            return match filled.as_slice() {
                [] => Ok(None),
                [only] => Ok(Some((*only).clone())),
                several => {
                    let names = several.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
                    let why =
                        format!("the workbook has several sheets ({names}): declare sheet = \"NAME\" or its number");
                    Err(Stop::reject("unclear_sheet", why))
                }
            };
        }
    };
    let missing = || Stop::reject("no_sheet", format!("the workbook has no such sheet; it has {}", all.join(", ")));
    found.cloned().map(Some).ok_or_else(missing)
}

/// A row that has cells, and its number from 1.
struct SheetRow {
    number: u64,
    cells: Vec<Cell>,
}

/// Which cells of a sheet are shown as percentages: a bit for each cell, in their order. The library hands out a cell's
/// format or its formula, but not both.
#[derive(Default)]
struct Percents {
    words: Vec<u64>,
    /// Cells that were asked for.
    asked: usize,
}

impl Percents {
    /// Of a sheet with values of a column in percent; without such a column, it is not looked through.
    fn of(workbook: &mut Xlsx<SpooledTempFile>, sheet: &str, table: &Table) -> Result<Self, Stop> {
        if !table.columns.iter().any(|column| column.unit.iter().any(|unit| unit == "%")) {
            return Ok(Self::default());
        }
        Ok(Self::within(workbook, sheet, u32::MAX)?.0)
    }

    /// Of the rows of a sheet up to one. Returns as well how else cells are shown.
    fn within(workbook: &mut Xlsx<SpooledTempFile>, sheet: &str, rows: u32) -> Result<(Self, Shown), Stop> {
        let (mut percents, mut shown) = (Self::default(), Shown::default());
        let mut cells = workbook.worksheet_cells_reader(sheet).map_err(refused)?;
        let of = |style: &calamine::Style, test: fn(&str) -> bool| {
            style.number_format.as_ref().is_some_and(|format| test(&format.format_code))
        };
        let formats: Vec<bool> = cells.styles().iter().map(|style| of(style, is_percent)).collect();
        let zeros: Vec<bool> = cells.styles().iter().map(|style| of(style, is_padded)).collect();
        let times: Vec<bool> = cells.styles().iter().map(|style| of(style, has_date_and_clock)).collect();
        if ![&formats, &zeros, &times].iter().any(|any| any.contains(&true)) {
            return Ok((percents, shown));
        }
        let mut bit = 0;
        while let Some((cell, style)) = cells.next_cell_with_style_id().map_err(refused)? {
            let (row, column) = cell.get_position();
            if row >= rows {
                break;
            }
            if zeros.get(style) == Some(&true) {
                shown.padded.insert(column as usize);
            }
            if times.get(style) == Some(&true) {
                shown.timed.insert(column as usize);
            }
            if bit == 0 {
                percents.words.push(0);
            }
            if let Some(word) = percents.words.last_mut().filter(|_| formats.get(style) == Some(&true)) {
                *word |= 1 << bit;
            }
            bit = (bit + 1) % u64::BITS;
        }
        Ok((percents, shown))
    }

    /// Whether the next cell is one.
    fn next(&mut self) -> bool {
        let (word, bit) = (self.asked / 64, self.asked % 64);
        self.asked += 1;
        self.words.get(word).is_some_and(|word| word >> bit & 1 == 1)
    }
}

/// Whether a number of this format is shown as a percentage: by a percent sign that is no text beside it.
fn is_percent(format: &str) -> bool {
    let (mut is_quoted, mut characters) = (false, format.chars());
    while let Some(character) = characters.next() {
        match character {
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            // The next one stands for itself.
            '\\' | '_' | '*' => _ = characters.next(),
            // Formats of other numbers follow.
            ';' => return false,
            '%' => return true,
            _ => {}
        }
    }
    false
}

/// Whether a number of this format is shown with zeros before it: `00000`.
fn is_padded(format: &str) -> bool {
    format.len() > 1 && format.bytes().all(|byte| byte == b'0')
}

/// Whether a date of this format is shown with its time of day: `yyyy-mm-dd hh:mm`.
fn has_date_and_clock(format: &str) -> bool {
    let (mut is_quoted, mut has_day, mut has_hour) = (false, false, false);
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '\\' | '_' | '*' => _ = characters.next(),
            // A language, a colour, or hours of a duration.
            '[' => _ = characters.find(|end| *end == ']'),
            'd' | 'D' | 'y' | 'Y' => has_day = true,
            'h' | 'H' => has_hour = true,
            _ => {}
        }
    }
    has_day && has_hour
}

struct SheetRows<'a> {
    cells: XlsxCellReader<'a, SpooledTempFile>,
    /// Whether the workbook counts days from 1904 on.
    is_1904: bool,
    percents: Percents,
    /// A cell of the row after the last.
    next: Option<(u32, u32, Cell)>,
    is_at_end: bool,
}

impl SheetRows<'_> {
    /// The next row that is not blank.
    fn next_row(&mut self) -> Result<Option<SheetRow>, Stop> {
        loop {
            let Some((row, column, cell)) = self.next_cell()? else { return Ok(None) };
            let mut cells = Vec::new();
            put(&mut cells, column, cell);
            while let Some((next_row, column, cell)) = self.next_cell()? {
                if next_row != row {
                    self.next = Some((next_row, column, cell));
                    break;
                }
                put(&mut cells, column, cell);
            }
            if !cells.iter().all(Cell::is_blank) {
                return Ok(Some(SheetRow { number: u64::from(row) + 1, cells }));
            }
        }
    }

    fn next_cell(&mut self) -> Result<Option<(u32, u32, Cell)>, Stop> {
        if let Some(next) = self.next.take() {
            return Ok(Some(next));
        }
        if self.is_at_end {
            return Ok(None);
        }
        let Some(cell) = self.cells.next_cell_with_formula_metadata().map_err(refused)? else {
            self.is_at_end = true;
            return Ok(None);
        };
        let is_percent = self.percents.next();
        let (row, column) = cell.pos;
        if column >= MAX_COLUMNS {
            return Err(damaged(FORMAT, "a cell is beyond the last column"));
        }
        let value = match cell.value {
            // A result that is an empty text stands there as one.
            DataRef::Empty if cell.formula.is_some() => Cell::Uncomputed,
            DataRef::Float(number) if is_percent => Cell::percent(number),
            DataRef::DateTime(time) => stamp(&time, self.is_1904),
            value => typed(&value),
        };
        Ok(Some((row, column, value)))
    }
}

fn put(cells: &mut Vec<Cell>, column: u32, cell: Cell) {
    let at = column as usize;
    if cells.len() <= at {
        cells.resize(at + 1, Cell::Empty);
    }
    cells.get_mut(at).into_iter().for_each(|place| *place = cell.clone());
}

fn typed(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Int(number) => Cell::Number(number.to_string()),
        DataRef::Float(number) => Cell::double(*number),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => of_text(text),
        DataRef::SharedString(text) => of_text(text),
        DataRef::Bool(truth) => Cell::Bool(*truth),
        DataRef::DateTime(time) => stamp(time, false),
        DataRef::Error(error) => Cell::Error(error.to_string()),
        DataRef::Empty => Cell::Empty,
    }
}

/// A sheet has no null beside its empty cells: one with a blank text is another of them.
fn of_text(text: &str) -> Cell {
    if text.trim().is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) }
}

/// Days from the beginning of the system that counts from 1900 to that of the one that counts from 1904.
const LATER: f64 = 1462.0;

/// A date and a time of day, or a duration. What is less than a day is a time of day alone.
fn stamp(time: &ExcelDateTime, is_1904: bool) -> Cell {
    let days = time.as_f64();
    if days.is_finite() && (time.is_duration() || (0.0..1.0).contains(&days)) {
        return Cell::clock(days);
    }
    // Before their beginning, Excel has no days: what others count backwards from there, they do not count alike.
    let since_1900 = if is_1904 { days + LATER } else { days };
    match excel_time(since_1900).filter(|time| days >= 0.0 && years::has(time.date())) {
        // A workbook does not tell midnight from no time of day.
        Some(time) if time.time() == NaiveTime::MIN => Cell::Date(time.date()),
        Some(time) => Cell::Stamp { time, is_utc: false },
        None => Cell::NoDate(days.to_string()),
    }
}

/// A number of a column that is declared to count days as Excel does, in a workbook that counts them from 1904 on.
fn from_1904<'c>(column: &Column, raw: Raw<'c>) -> Raw<'c> {
    let Raw::Number(digits) = raw else { return raw };
    let days = digits.parse::<f64>().ok().filter(|days| !column.is_missing_number(*days) && *days >= 0.0);
    match days.and_then(|days| excel_time(days + LATER)).filter(|_| column.format.contains(&TimeFormat::Excel)) {
        Some(time) => Raw::Stamp { time, is_utc: false },
        None => raw,
    }
}

fn decode_sheet(object: &RawObject, rows: &mut SheetRows, sink: &mut dyn Sink) -> Result<Notes, Stop> {
    let mut notes = Notes::default();
    let mut columns = Columns::new(object);
    let mut waiting = VecDeque::new();
    let begun = begin(object, rows, &mut waiting, &mut notes)?;
    let Some((mut layout, names)) = begun else {
        columns.flush(sink)?;
        return Ok(notes);
    };
    let headers = Headers::new(object.table, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut unreadable = None;
    notes.ignored_columns = layout.ignored;
    let received_at = object.received_at.timestamp_micros();
    let mut text = String::new();
    loop {
        let next = match waiting.pop_front() {
            Some(row) => Some(row),
            None => rows.next_row()?,
        };
        let Some(SheetRow { number: row, cells }) = next else { break };
        match headers.as_ref().and_then(|headers| turn(headers, &layout, row, &cells)) {
            None => {}
            Some(Turn::Other(why)) => unreadable = Some(why),
            Some(Turn::Header(next)) => {
                notes.ignored_columns = notes.ignored_columns.max(next.ignored);
                notes.preamble += 1;
                (layout, unreadable) = (next, None);
                continue;
            }
        }
        notes.seen += 1;
        line(&cells, &mut text);
        if let Some(why) = &unreadable {
            let (reason, message) = ("missing_column", why.clone());
            sink.reject(&Reject { row, column: None, reason, message, text: text.as_bytes() })?;
            continue;
        }
        let beyond = cells.get(layout.columns()..).unwrap_or_default();
        if let Some((column, (reason, message))) = without_value(&layout, object.table, &cells) {
            sink.reject(&Reject { row, column: Some(column), reason, message, text: text.as_bytes() })?;
            continue;
        }
        if beyond.iter().all(Cell::is_blank) {
            let record = Record { row, text: text.as_bytes(), received_at };
            let is_1904 = rows.is_1904;
            let value = |at, column| match value(&layout, at, column, &cells) {
                raw if is_1904 => from_1904(column, raw),
                raw => raw,
            };
            columns.add_raw(record, sink, value)?;
        } else {
            let message = format!(
                "the row has {} cells, and the sheet has {} columns: name the others in the header, or empty their cells",
                cells.len(),
                layout.columns()
            );
            let reason = "wrong_column_count";
            sink.reject(&Reject { row, column: None, reason, message, text: text.as_bytes() })?;
        }
    }
    columns.flush(sink)?;
    Ok(notes)
}

/// The header that a row is, if its cells are names.
fn turn(headers: &Headers, layout: &Layout, row: u64, cells: &[Cell]) -> Option<Turn> {
    let texts: Vec<_> = cells.iter().map(Cell::text).collect();
    if !headers.may_be(texts.iter().map(|text| text.as_bytes())) {
        return None;
    }
    headers.turn(layout, row, &texts.iter().map(AsRef::as_ref).collect::<Vec<_>>())
}

/// The first column that is read from a formula without a result, or with one that is an error and not declared as
/// missing, or from a date that is none.
fn without_value<'t>(layout: &Layout, table: &'t Table, cells: &[Cell]) -> Option<(&'t str, Refusal)> {
    if !cells.iter().any(|cell| matches!(cell, Cell::Uncomputed | Cell::Error(_) | Cell::NoDate(_))) {
        return None;
    }
    let refusal = |column: &Column, at: usize| {
        let name = &column.name;
        match cells.get(at)? {
            Cell::Uncomputed => {
                let why = format!(
                    "{name} is a formula without its result, as programs write that do not compute: open the workbook in one \
                     that does, and save it"
                );
                Some(("not_computed", why))
            }
            Cell::Error(error) if !column.is_missing_text(error) => {
                let why = format!(
                    "{name} is a formula that failed ({error}): mend it in the workbook, or declare missing = [\"{error}\"]"
                );
                Some(("excel_error", why))
            }
            Cell::NoDate(digits) if !digits.parse().is_ok_and(|number| column.is_missing_number(number)) => {
                let why = format!(
                    "{name} is shown as a date or a time, and is none: Excel counts days from 1900 (or 1904) to 9999, and has a \
                     29 February 1900 that was none. Write such a date as a text, like 1890-03-04, and declare its format; mend \
                     the formula if it is the difference of two"
                );
                Some(("out_of_range", why))
            }
            _ => None,
        }
    };
    table.columns.iter().enumerate().find_map(|(at, column)| {
        let found = match layout.joined().iter().find(|(joined, _)| *joined == at) {
            Some((_, parts)) => parts.iter().find_map(|at| refusal(column, *at)),
            None => refusal(column, layout.position(at)?),
        };
        found.map(|refusal| (column.name.as_str(), refusal))
    })
}

/// Finds the header, and its names. Rows that were looked at and come behind it are waiting.
fn begin(
    object: &RawObject,
    rows: &mut SheetRows,
    waiting: &mut VecDeque<SheetRow>,
    notes: &mut Notes,
) -> Result<Option<(Layout, Vec<String>)>, Stop> {
    let table = object.table;
    let (mut header, mut nearest) = (table.header, Nearest::default());
    loop {
        while waiting.len() < if header == Header::Auto { LOOK_AHEAD } else { 1 } {
            match rows.next_row()? {
                Some(row) if row.number <= table.skip_lines => notes.preamble += 1,
                Some(row) => waiting.push_back(row),
                None => break,
            }
        }
        let Some(first) = waiting.pop_front() else {
            let is_lost = header == Header::Find && notes.preamble > 0;
            return if is_lost { Err(Layout::no_header(table, &nearest)) } else { Ok(None) };
        };
        let texts = |row: &SheetRow| row.cells.iter().map(|cell| cell.text().into_owned()).collect::<Vec<_>>();
        let names = texts(&first);
        let ahead = || {
            let mut ahead = Ahead::default();
            for row in [&first].into_iter().chain(waiting.iter()) {
                let texts = texts(row);
                if !ahead.add(table, row.number, &texts.iter().map(String::as_str).collect::<Vec<_>>()) {
                    break;
                }
            }
            Ok(ahead)
        };
        match Layout::find(table, header, &names.iter().map(String::as_str).collect::<Vec<_>>(), ahead)? {
            Line::Header(layout) => return Ok(Some((layout, names))),
            Line::Row(layout) => {
                waiting.push_front(first);
                return Ok(Some((layout, Vec::new())));
            }
            Line::Preamble => {
                nearest.add(table, first.number, &names.iter().map(String::as_str).collect::<Vec<_>>());
                notes.preamble += 1;
                header = Header::Find;
            }
        }
    }
}
