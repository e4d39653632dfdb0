//! `tributary query`: SQL over the lake, printed as a table, CSV or JSON.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, ArrowNumericType, AsArray, RecordBatch, StringArray};
use arrow::csv::Writer as CsvWriter;
use arrow::datatypes::{ArrowTemporalType, DataType, FieldRef, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::json::{LineDelimitedWriter, WriterBuilder};
use arrow::temporal_conversions::as_datetime;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches;
use lake::Lake;
use serde_json::json;

use crate::cli;
use crate::failure::{self, Failure};
use crate::output::{counted, print};
use crate::summary::{exit_status, line};

/// A table needs all rows to know its widths: it stops here, and says so.
const TABLE_ROWS: usize = 10_000;

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns.
    Table,
    /// CSV with a header.
    Csv,
    /// One object per line.
    Json,
}

impl Format {
    /// By the command's options; `--output json` alone means JSON rows too, and `--output csv` CSV.
    pub fn choose(csv: bool, json: bool, output: cli::Format) -> Self {
        match (csv, json, output) {
            (true, _, _) | (false, false, cli::Format::Csv) => Format::Csv,
            (false, true, _) | (false, false, cli::Format::Json) => Format::Json,
            (false, false, cli::Format::Text) => Format::Table,
        }
    }
}

/// The query: as it was given, from standard input (`-`), or from a file. A byte order mark is no part of it.
pub fn text_of(sql: Option<&str>, file: Option<&Path>) -> Result<String, Failure> {
    let wrong = |place: &str, error: io::Error| Failure::usage(format!("cannot read the query from {place}: {error}"));
    let is_input = file.map_or(sql == Some("-"), |file| file == Path::new("-"));
    let text = match file {
        _ if is_input => io::read_to_string(io::stdin()).map_err(|error| wrong("standard input", error))?,
        Some(file) => std::fs::read_to_string(file).map_err(|error| wrong(&file.display().to_string(), error))?,
        None => sql.unwrap_or_default().to_owned(),
    };
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Whether a query asks which tables there are.
fn asks_for_tables(sql: &str) -> bool {
    let words: Vec<String> = sql.trim().trim_end_matches(';').split_whitespace().map(str::to_ascii_lowercase).collect();
    words == ["show", "tables"]
}

/// The columns of a terminal, where it is not known.
const USUAL_WIDTH: usize = 120;
/// What a table of three columns has beside their texts.
const FRAME: usize = 10;
/// What is always shown of a text.
const SHORTEST: usize = 20;

/// What can be queried, in the order of the names; as a table so that it fits into the terminal.
fn tables(lake: &Lake, format: Format) -> Result<RecordBatch, ArrowError> {
    let mut rows: Vec<(String, &str, String)> = Vec::new();
    for dataset in lake.catalog.datasets() {
        let name = |name: &str| format!("{}.{name}", dataset.name);
        let first = |about: &str| about.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        rows.extend(dataset.tables.iter().map(|table| (name(&table.name), "table", first(&table.about))));
        rows.extend(
            dataset
                .models
                .iter()
                .filter(|model| !model.intermediate)
                .map(|model| (name(&model.name), "model", first(model.about()))),
        );
    }
    if format == Format::Table {
        let width = terminal_size::terminal_size().map_or(USUAL_WIDTH, |(width, _)| usize::from(width.0));
        let names = rows.iter().map(|(name, kind, _)| name.chars().count() + kind.len()).max().unwrap_or_default();
        let room = width.saturating_sub(names + FRAME);
        rows.iter_mut().for_each(|(.., about)| *about = shortened(about, room));
    }
    let column = |texts: Vec<&str>| Arc::new(StringArray::from(texts)) as ArrayRef;
    RecordBatch::try_from_iter([
        ("name", column(rows.iter().map(|(name, ..)| name.as_str()).collect())),
        ("kind", column(rows.iter().map(|(_, kind, _)| *kind).collect())),
        ("about", column(rows.iter().map(|(.., about)| about.as_str()).collect())),
    ])
}

/// The beginning of a text, in whole words, of so many characters at most, but for the first few.
fn shortened(text: &str, room: usize) -> String {
    let room = room.max(SHORTEST);
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let cut: String = text.chars().take(room - 1).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole);
    format!("{}…", whole.trim_end_matches([',', ';', ':', '.', ' ']))
}

/// Answers a query on stdout.
pub async fn run(
    lake: &Lake,
    sql: &str,
    format: Format,
    workers: usize,
    time: Duration,
    output: cli::Format,
) -> ExitCode {
    let begun = Instant::now();
    let mut printer = Printer::new(format);
    let answered = {
        let mut answer = |batch| printer.batch(batch).map_err(|error| aggregate::Error::Query(error.to_string()));
        if asks_for_tables(sql) {
            let known = tables(lake, format).map_err(|error| aggregate::Error::Query(error.to_string()));
            known.and_then(|known| answer(known.clone()).map(|()| known.schema()))
        } else {
            aggregate::query(lake, sql, workers, Some(time), &mut answer).await
        }
    };
    let finished = match answered {
        // The printer stops reading when nobody reads what it prints (`| head`).
        Err(_) if printer.is_unread() => Ok(()),
        Err(error) => Err(Failure::from(error)),
        Ok(schema) => match printer.finish(&schema) {
            Err(_) if printer.is_unread() => Ok(()),
            done => done.map_err(|error| Failure::lasting(format!("cannot print: {error}"))),
        },
    };
    let mut failures: Vec<Failure> = finished.err().into_iter().collect();
    let broken: Vec<Failure> = lake.catalog.broken().map(Failure::from).collect();
    if failures.is_empty() {
        // The answer is whole without them.
        failure::print_all(&broken);
    } else {
        failures.extend(broken);
        failure::print_all(&failures);
    }
    if output == cli::Format::Json {
        let elapsed_ms = begun.elapsed().as_millis() as u64;
        let ok = failures.is_empty();
        print(&format!("{}\n", json!({"ok": ok, "elapsed_ms": elapsed_ms, "rows": printer.rows, "errors": failures})));
    }
    exit_status(&failures)
}

/// Where rows go.
enum Sink {
    Table(Vec<RecordBatch>),
    Csv(Box<CsvWriter<BufWriter<Out>>>),
    Json(LineDelimitedWriter<BufWriter<Out>>),
}

/// Standard output, which tells when its reader has gone: writers put their own error in its place.
struct Out {
    stdout: Stdout,
    reader_gone: Arc<AtomicBool>,
}

impl Out {
    fn told<T>(&self, done: io::Result<T>) -> io::Result<T> {
        if done.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.reader_gone.store(true, Ordering::Relaxed);
        }
        done
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stdout.write(bytes);
        self.told(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.stdout.flush();
        self.told(flushed)
    }
}

/// Lists and structs as texts: CSV has no others.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let options = FormatOptions::default();
    let column = |(field, column): (&FieldRef, &ArrayRef)| {
        if !column.data_type().is_nested() {
            return Ok((field.name().clone(), Arc::clone(column)));
        }
        let texts = ArrayFormatter::try_new(column, &options)?;
        let text = |at: usize| (!column.is_null(at)).then(|| texts.value(at).to_string());
        let texts: StringArray = (0..column.len()).map(text).collect();
        Ok((field.name().clone(), Arc::new(texts) as ArrayRef))
    };
    let columns: Vec<(String, ArrayRef)> =
        batch.schema().fields().iter().zip(batch.columns()).map(column).collect::<Result<_, ArrowError>>()?;
    if columns.is_empty() {
        Ok(batch.clone())
    } else {
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
    }
}

/// Rows as a table; where a terminal is too narrow for it, each row as lines.
fn table(batches: &[RecordBatch], width: Option<usize>) -> Result<String, ArrowError> {
    let whole = pretty_format_batches(batches)?.to_string();
    let widest = whole.lines().next().map(|line| line.chars().count()).unwrap_or_default();
    if width.is_none_or(|width| widest <= width) {
        return Ok(format!("{whole}\n"));
    }
    let options = FormatOptions::default();
    let mut text = String::new();
    let mut number = 0;
    for batch in batches {
        let schema = batch.schema();
        let names = schema.fields().iter().map(|field| field.name().chars().count()).max().unwrap_or_default();
        let columns: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options)).collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            number += 1;
            line(&mut text, format_args!("row {number}"));
            for (field, column) in schema.fields().iter().zip(&columns) {
                let value = column.value(row).to_string();
                line(&mut text, format_args!("{}", format!("  {:names$}  {value}", field.name()).trim_end()));
            }
        }
    }
    // Without rows, the names of columns are what there is.
    Ok(if number == 0 { format!("{whole}\n") } else { text })
}

/// Fails if a time is beyond the calendar: writers of text would put their own error in its place.
fn check_times(batch: &RecordBatch) -> Result<(), ArrowError> {
    use arrow::datatypes as types;
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let is_sound = match field.data_type() {
            DataType::Date32 => all_in_calendar::<types::Date32Type>(column),
            DataType::Date64 => all_in_calendar::<types::Date64Type>(column),
            DataType::Timestamp(TimeUnit::Second, _) => all_in_calendar::<types::TimestampSecondType>(column),
            DataType::Timestamp(TimeUnit::Millisecond, _) => all_in_calendar::<types::TimestampMillisecondType>(column),
            DataType::Timestamp(TimeUnit::Microsecond, _) => all_in_calendar::<types::TimestampMicrosecondType>(column),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => all_in_calendar::<types::TimestampNanosecondType>(column),
            _ => true,
        };
        if !is_sound {
            let why = format!("column \"{}\" has a time that is no date of the calendar", field.name());
            return Err(ArrowError::CastError(why));
        }
    }
    Ok(())
}

/// Fails if two columns have one name: of a JSON object readers keep one of them.
fn check_names(batch: &RecordBatch) -> Result<(), ArrowError> {
    let mut names = BTreeSet::new();
    match batch.schema_ref().fields().iter().find(|field| !names.insert(field.name())) {
        Some(twice) => Err(ArrowError::InvalidArgumentError(format!(
            "two columns are called \"{}\", of which JSON keeps one: name one of them with AS",
            twice.name()
        ))),
        None => Ok(()),
    }
}

fn all_in_calendar<T: ArrowTemporalType + ArrowNumericType>(column: &ArrayRef) -> bool
where
    i64: From<T::Native>,
{
    let Some(times) = column.as_primitive_opt::<T>() else { return true };
    let ends = [arrow::compute::min(times), arrow::compute::max(times)];
    ends.into_iter().flatten().all(|time| as_datetime::<T>(i64::from(time)).is_some())
}

struct Printer {
    sink: Sink,
    rows: usize,
    reader_gone: Arc<AtomicBool>,
}

impl Printer {
    fn new(format: Format) -> Self {
        let reader_gone = Arc::new(AtomicBool::new(false));
        let stdout = BufWriter::new(Out { stdout: io::stdout(), reader_gone: Arc::clone(&reader_gone) });
        let sink = match format {
            Format::Table => Sink::Table(Vec::new()),
            Format::Csv => Sink::Csv(Box::new(CsvWriter::new(stdout))),
            Format::Json => Sink::Json(WriterBuilder::new().with_explicit_nulls(true).build(stdout)),
        };
        Self { sink, rows: 0, reader_gone }
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), ArrowError> {
        check_times(&batch)?;
        let room = TABLE_ROWS.saturating_sub(self.rows);
        self.rows += batch.num_rows();
        match &mut self.sink {
            Sink::Csv(csv) => csv.write(&flat(&batch)?),
            Sink::Json(json) => {
                check_names(&batch)?;
                json.write(&batch)
            }
            Sink::Table(table) => {
                if room > 0 {
                    table.push(batch.slice(0, room.min(batch.num_rows())));
                }
                Ok(())
            }
        }
    }

    /// Whether nobody reads what is printed.
    fn is_unread(&self) -> bool {
        self.reader_gone.load(Ordering::Relaxed)
    }

    /// Prints what is still held back.
    fn finish(&mut self, schema: &SchemaRef) -> Result<(), ArrowError> {
        let nothing = RecordBatch::new_empty(schema.clone());
        match std::mem::replace(&mut self.sink, Sink::Table(Vec::new())) {
            Sink::Csv(mut csv) => {
                let header = if self.rows == 0 { csv.write(&flat(&nothing)?) } else { Ok(()) };
                header.and_then(|()| Ok(csv.into_inner().flush()?))
            }
            Sink::Json(mut json) => json.finish().and_then(|()| Ok(json.into_inner().flush()?)),
            Sink::Table(mut rows) => {
                rows.push(nothing);
                let width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
                print(&table(&rows, width)?);
                if self.rows > TABLE_ROWS {
                    let (rows, shown) = (counted(self.rows as u64, "row"), counted(TABLE_ROWS as u64, "row"));
                    eprintln!("{rows}, of which the first {shown} are shown: use --csv or --json for all");
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::ListArray;
    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn rows_are_lines_where_a_table_is_too_wide() {
        let column = |texts: [&str; 2]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
        let rows =
            RecordBatch::try_from_iter([("id", column(["a", "b"])), ("about", column(["long text", ""]))]).unwrap();
        let lines = "row 1\n  id     a\n  about  long text\nrow 2\n  id     b\n  about\n";
        assert_eq!(table(std::slice::from_ref(&rows), Some(12)).unwrap(), lines);
        for width in [None, Some(80)] {
            let whole = table(std::slice::from_ref(&rows), width).unwrap();
            assert!(whole.contains("| a  | long text |"), "{whole}");
        }
        let none = table(&[rows.slice(0, 0)], Some(3)).unwrap();
        assert!(none.contains("| id | about |"), "{none}");
    }

    #[test]
    fn lists_are_texts_in_csv() {
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None]);
        let rows = RecordBatch::try_from_iter([("l", Arc::new(lists) as ArrayRef)]).unwrap();
        let flat = flat(&rows).unwrap();
        let texts = flat.column(0).as_string::<i32>();
        assert_eq!((texts.value(0), texts.is_null(1)), ("[1, ]", true));
    }

    #[test]
    fn texts_are_cut_between_words() {
        assert_eq!(shortened("Rides as they were counted", 40), "Rides as they were counted");
        assert_eq!(shortened("Rides as they were counted, line by line", 30), "Rides as they were counted…");
        assert_eq!(shortened("Rides as they were counted", 3), "Rides as they were…");
        assert_eq!(shortened("Überlängenbezeichnungswort", 20).chars().count(), 20);
    }
}
