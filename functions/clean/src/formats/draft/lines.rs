//! A sample of delimited text as columns: where its header is, or that there is none, and what stands around the rows.

use std::collections::BTreeSet;

use lake::dataset::Encoding;

use super::above::is_type;
use super::around::{MOST_BELOW, footers, lines_below_header};
use super::blanks::{has_clock, is_clock, is_date, is_named};
use super::dialect::{Decoded, MARKS, decode, find, is_of_comments, rows_among_comments, whole_lines};
use super::grid::{Field, Grid, Origin, Value};
use super::head::{Head, body_looks, head, is_less_for_time, may_be_row, text_at, width};
use super::looks::{Look, look, reads_like_footer};
use super::names::is_usual;
use super::padding::{are_padded, is_padded_at, note_trim, trim_numbers};
use super::quotes::{self, cut_open_end};
use super::sampled::{is_rule, is_ruled, modal_width};
use super::titles::{self, titles};
use super::{first_rows, unnamed, wide};
use crate::error::Stop;
use crate::formats::csv::{self, Dialect, SampleRecord};
use lake::names::compared;

/// Rows that are looked at, and the lines among which a header is looked for.
const MOST_ROWS: usize = 500_000;

/// Reads the beginning of a text. `is_part` if there is more of it.
pub(super) fn grid(bytes: &[u8], is_part: bool, is_tsv: bool) -> Result<Grid, Stop> {
    let Decoded { encoding, text, is_sure } = decode(bytes)?;
    let text = if is_part { whole_lines(&text, text.len().saturating_sub(1)) } else { &text };
    let dialect = find(text)?;
    let (mut dialect, mut records) = quotes::sample(text, dialect, MOST_ROWS)?;
    let mut comments = 0;
    if let Some(mark) = dialect.comment {
        let plain = Dialect { comment: None, ..dialect };
        let (_, all) = csv::sample(text, plain, MOST_ROWS)?;
        // A row that begins as such lines do would be lost.
        if is_of_comments(&all, mark) {
            comments = rows_among_comments(&all, mark);
        } else {
            (dialect, records) = (plain, all);
        }
    }
    if is_part {
        cut_open_end(&mut records);
    }
    let mut grid = Grid { is_european: dialect.delimiter == b';', ..Grid::default() };
    grid.options = options(&dialect, encoding, is_tsv);
    if let Some(mark) = dialect.comment.filter(|_| comments > 0) {
        grid.note(format!(
            "{comments} of the lines that begin with {} have as many values as rows have, and are taken for comments: where they \
             are rows, leave comment out",
            char::from(mark)
        ));
    }
    let sound: Vec<&SampleRecord> = records.iter().filter(|record| record.is_sound).collect();
    if are_padded(&sound) {
        grid.options.push("trim = true".to_owned());
        note_trim(&mut grid, &sound);
    }
    if are_doubled(&sound, dialect.delimiter) {
        grid.note(
            "two colons stand between its values, and one is what delimiter takes: the columns between them are blank, and are \
             there for the order of the others"
                .to_owned(),
        );
    }
    if !is_sure {
        let name = if encoding == Encoding::Latin1 { "iso-8859-1" } else { "windows-1252" };
        grid.note(format!(
            "the text is not UTF-8: it is read as {name}; if letters with accents are wrong in a query, save it as UTF-8"
        ));
    }
    if sound.is_empty() && !records.is_empty() {
        let why = "no line of it can be read: each has a quote that is not closed, or that text follows; write it as CSV, with a \
                   delimiter between values (in R by write.csv, with row.names = FALSE)";
        return Err(Stop::reject("bad_quote", why));
    }
    quotes::note(&mut grid, &records, &dialect);
    fill(&mut grid, &sound, |row, at| sound.get(row)?.values.get(at).and_then(|value| Value::text(value)));
    trim_numbers(&mut grid, &sound);
    let ends = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let broken = ends.filter(|line| line.ends_with(b"\\")).count();
    if broken > 0 && dialect.escape.is_none() {
        grid.note(format!(
            "{} in a backslash: if it stands for a line break within a value, as in dumps of MySQL, the next line is no row of \
             its own; write values without line breaks, or with quotes around them",
            if broken == 1 { "1 line ends".to_owned() } else { format!("{broken} lines end") }
        ));
    }
    note_log(&mut grid, &sound, dialect.delimiter);
    let columns = usual_width(&sound);
    let mut rows = sound.iter().filter(|record| record.values.len() == columns);
    if let Some(mark) = dialect.comment.filter(|mark| MARKS.contains(mark))
        && rows.any(|record| record.first != dialect.delimiter)
    {
        grid.note(format!(
            "lines of dashes or the like would come through as rows, as all columns are text: comment leaves out each line that \
             begins with {}, and no row may begin so",
            char::from(mark)
        ));
    }
    let has_gaps = |record: &&&SampleRecord| record.values.first().is_some_and(|text| text.trim().contains("   "));
    if grid.fields.len() == 1 && sound.iter().filter(has_gaps).count() * 2 > sound.len() {
        grid.note(
            "the file has one column, with blanks within: columns at fixed places are not read, so write it with a delimiter",
        );
    }
    Ok(grid)
}

/// Says what no option does of lines of logs.
fn note_log(grid: &mut Grid, sound: &[&SampleRecord], delimiter: u8) {
    let most = |test: &dyn Fn(&SampleRecord) -> bool| {
        let looked_at = || sound.iter().take(1000);
        looked_at().filter(|record| test(record)).count() * 10 > looked_at().count() * 9
    };
    let has_text_and_clock = |record: &SampleRecord| {
        let line = text_at(record, 0);
        has_clock(line.as_bytes())
            && line.split(' ').filter(|word| !word.is_empty()).count() > 3
            && line.split(' ').any(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 3)
    };
    let named = |record: &SampleRecord| record.values.iter().all(|value| is_named(value));
    if grid.fields.len() == 1 && most(&has_text_and_clock) {
        grid.note(
            "the file has one column, with a time and texts in each line, as lines of a log: they are read as they are; take them \
             apart in a model by regexp_match, or have them written as JSON, one object per line",
        );
    }
    if delimiter == b' ' && most(&named) {
        grid.note(
            "its values are written as name=value, and no option takes the name away: take it away in a model, as in \
             split_part(COLUMN, '=', 2), or have them written as JSON, one object per line",
        );
    }
    if delimiter == b' ' && sound.first().is_some_and(|first| is_split_time(first, sound)) {
        grid.note(
            "a date and a time of day are two values between blanks, and have one name in the header: columns are read in their \
             order, and named by it; in R, write times by format(), in quotes",
        );
    }
}

/// Whether the header has fewer names than there are values, as times are two.
fn is_split_time(first: &SampleRecord, sound: &[&SampleRecord]) -> bool {
    let is_of_time = is_less_for_time(first, sound);
    let has_time = |record: &&SampleRecord| {
        (record.values.len() > first.values.len() + 1 || is_of_time)
            && record.values.windows(2).any(|pair| matches!(pair, [date, clock] if is_date(date) && is_clock(clock)))
    };
    first.values.iter().all(|name| look(name) == Look::Text) && sound.iter().skip(1).take(100).any(has_time)
}

/// Whether each second value between colons is blank.
fn are_doubled(records: &[&SampleRecord], delimiter: u8) -> bool {
    let is_blank = |record: &&SampleRecord| record.values.iter().skip(1).step_by(2).all(String::is_empty);
    delimiter == b':' && records.iter().all(is_blank) && records.iter().any(|record| record.values.len() > 2)
}

fn options(dialect: &Dialect, encoding: Encoding, is_tsv: bool) -> Vec<String> {
    let mut options = Vec::new();
    match dialect.delimiter {
        b'\t' => options.push("format = \"tsv\"".to_owned()),
        b',' => options.push("format = \"csv\"".to_owned()),
        delimiter => {
            options.push("format = \"csv\"".to_owned());
            options.push(format!("delimiter = {}", serde_json::Value::from(char::from(delimiter).to_string())));
        }
    }
    if is_tsv && dialect.delimiter != b'\t' {
        options.insert(0, "# Its name says tabs, and other characters stand between values.".to_owned());
    }
    match encoding {
        Encoding::Utf8 => {}
        Encoding::Windows1252 => options.push("encoding = \"windows-1252\"".to_owned()),
        Encoding::Latin1 => options.push("encoding = \"iso-8859-1\"".to_owned()),
        Encoding::Utf16 => options.push("encoding = \"utf-16\"".to_owned()),
    }
    match dialect.quote {
        Some(b'"') => {}
        Some(quote) => options.push(format!("quote = {}", serde_json::Value::from(char::from(quote).to_string()))),
        None => options.push("quote = \"none\"".to_owned()),
    }
    if dialect.skips_blanks {
        options.push("skip_blanks = true".to_owned());
    }
    if dialect.escape.is_some() {
        options.push("escape = \"\\\\\"".to_owned());
    }
    if let Some(comment) = dialect.comment {
        options.push(format!("comment = \"{}\"", char::from(comment)));
    }
    options
}

/// Fills in the columns of records; adds to the options where rows begin. `value` is that of a record at a place.
pub(super) fn fill(grid: &mut Grid, sound: &[&SampleRecord], value: impl Fn(usize, usize) -> Option<Value>) {
    let widest = usual_width(sound);
    let columns = columns_of(sound, widest);
    // Lines of dashes between others are no rows, wherever they are.
    let is_row = |at: &usize| columns < 2 || !sound.get(*at).is_some_and(|record| is_ruled(record));
    let kept: Vec<usize> = (0..sound.len()).filter(is_row).collect();
    let others: Vec<&SampleRecord> = kept.iter().filter_map(|at| sound.get(*at).copied()).collect();
    let place = |at: usize| kept.get(at).copied().unwrap_or_default();
    let head = head(&others, columns);
    let (first, names) = match head {
        Head::Names { at, shift } => {
            let at = place(at);
            let header = sound.get(at).map(|record| record.values.as_slice()).unwrap_or_default();
            let names: Vec<String> = (0..shift).map(|_| String::new()).chain(header.iter().cloned()).collect();
            (at + 1, Some((at, shift, names)))
        }
        Head::Nothing { from, .. } => (place(from), None),
    };
    let is_nameless = names.as_ref().is_some_and(|(.., names)| has_nameless_values(names, &others, columns));
    let by_name = names.as_ref().is_some_and(|(_, shift, names)| *shift == 0 && !has_twice(names)) && !is_nameless;
    let header = names.as_ref().map(|(.., names)| names.as_slice()).filter(|_| by_name);
    let mut places = rows_below(grid, sound, first, header);
    // Those just below the header are said to be there.
    let is_typed = are_typed(&others, kept.partition_point(|at| *at < first), columns);
    let may_lead = names.is_some() && is_typed;
    let lead: Vec<usize> = places.iter().copied().take_while(|at| may_lead && !is_row(at)).take(MOST_BELOW).collect();
    let (below, ruled): (Vec<usize>, Vec<usize>) = places.iter().partition(|at| is_row(at) || lead.contains(at));
    places = below;
    let mut rows: Vec<&SampleRecord> = places.iter().filter_map(|at| sound.get(*at).copied()).collect();
    let ruled: Vec<&SampleRecord> = ruled.iter().filter_map(|at| sound.get(*at).copied()).collect();
    note_ruled(grid, &ruled, is_typed, widest);
    let footers = footers(&rows, columns);
    if footers > 0 {
        rows.truncate(rows.len() - footers);
        grid.footers = footers as u64;
        places.truncate(rows.len());
    }
    let below = names.as_ref().map_or(0, |_| lines_below_header(&rows, columns));
    if below > 0 {
        grid.are_types_below = rows.iter().take(below).all(|row| (0..columns).all(|at| is_type(text_at(row, at))));
        rows.drain(..below);
        grid.below_header = below as u64;
        places.drain(..below);
    }
    let line_of = |at: usize| sound.get(at).map_or(1, |record| record.row);
    let looks = body_looks(&rows, 0, columns);
    match &names {
        Some((at, _, names)) if by_name => {
            if *at > 0 {
                grid.options.push("# The header is the first line that has all required names.".to_owned());
                grid.options.push("header = \"find\"".to_owned());
            }
            if *at == 0 && is_all_text(&rows, columns) {
                grid.options.push("header = \"always\"".to_owned());
                grid.note("all columns are text: line 1 is taken for names; if it is a row, write header = \"never\"");
            } else if may_be_row(names, &looks) && titles(&others, columns).is_none() {
                let lines = if *at > 0 { format!(" and skip_lines = {}", line_of(*at) - 1) } else { String::new() };
                let above = if is_typed { ", as texts above other values," } else { "," };
                grid.note(format!(
                    "line {} is taken for the header{above} and none of its texts is what columns are usually called: if it is a \
                     row, write header = \"never\"{lines}, and names of your own for the columns",
                    line_of(*at)
                ));
            }
            grid.notes.extend(wide::note(names.get(..columns).unwrap_or(names)));
            let last = sound.get(*at).map_or(1, |header| header.row + header.lines - 1);
            grid.notes.extend(unnamed::note(names, &rows, columns, last));
        }
        Some((at, shift, names)) => {
            let last = sound.get(*at).map_or(1, |header| header.row + header.lines - 1);
            if *shift > 0 {
                grid.note("the header has a name less than rows have values: the first column is taken to have none");
            } else if is_nameless {
                grid.note(
                    "the header has no name for the first column, which has values: it is called column_1, and columns are read in \
                     their order; where another file has other columns, or these in another order, give the first one a name in \
                     the files, so that columns are known by their names",
                );
            } else {
                grid.note("two columns of the header have the same name: columns are read in their order");
            }
            if !names.iter().any(|name| is_usual(name)) {
                let option = first_rows::skip_to(line_of(*at));
                grid.note(format!("line {} is taken for names: if it is a row, {option}", line_of(*at)));
            }
            grid.notes.extend(wide::note(names.get(..columns).unwrap_or(names)));
            grid.options.push("# Columns are read in their order, as the header does not tell them apart.".to_owned());
            grid.options.push("header = \"never\"".to_owned());
            grid.options.push(format!("skip_lines = {last}"));
        }
        None => {
            grid.first = Some(line_of(first));
            grid.options.push("header = \"never\"".to_owned());
            if first > 0 {
                grid.options.push(format!("skip_lines = {}", line_of(first) - 1));
            }
            let (is_open, names_at) = match head {
                Head::Nothing { from, may_be_names, names_at } => {
                    first_rows::note_left_out(grid, &others, from, columns, &looks);
                    if !may_be_names {
                        first_rows::note_titles(grid, &others, from, columns, &looks);
                    }
                    (may_be_names, place(names_at))
                }
                Head::Names { .. } => (false, first),
            };
            // Lines above a header are left out where it is looked for.
            let option = if names_at > first { "header = \"find\"" } else { "header = \"always\"" };
            let line = line_of(names_at.max(first));
            grid.note(match is_open {
                true => format!(
                    "line {line} may be a header or a row, and is taken for a row: columns are read in their order, and named by \
                     it; if it is the header, write {option} and its names"
                ),
                false => format!(
                    "no line looks like a header: columns are read in their order, and named by it; if line {line} is one, write \
                     {option} and its names"
                ),
            });
        }
    }
    if let Some(found) = titles(&others, columns) {
        let line = |at: usize| line_of(place(at));
        let header = names.as_ref().map(|(at, ..)| line_of(*at));
        titles::note(grid, &found, line, header);
    }
    note_widths(grid, &rows, names.as_ref().map(|(.., names)| names.as_slice()), columns);
    grid.rows = rows.len();
    for at in 0..columns {
        let label = names.as_ref().and_then(|(.., names)| names.get(at)).map(|name| name.trim()).unwrap_or_default();
        if by_name && label.is_empty() {
            continue;
        }
        let origin = if by_name { Origin::Named(label.to_owned()) } else { Origin::InOrder };
        let values = places.iter().map(|row| value(*row, at)).collect();
        let padded = rows.iter().filter(|row| is_padded_at(row, at) && look(text_at(row, at)) == Look::Number).count();
        grid.padded.extend((padded > 0).then_some((grid.fields.len(), padded)));
        grid.fields.push(Field { label: label.to_owned(), origin, values, declared: None });
    }
}

/// Whether the first column has no name, and values that do not only count rows: left out, these would be lost.
fn has_nameless_values(names: &[String], records: &[&SampleRecord], columns: usize) -> bool {
    let is_blank = |name: &String| name.trim().is_empty();
    if columns < 2 || !names.first().is_some_and(is_blank) || names.iter().all(is_blank) {
        return false;
    }
    let is_whole = |record: &&&SampleRecord| width(record) == columns && !record.values.first().is_some_and(is_blank);
    let values = || records.iter().filter(is_whole).take(1000).map(|record| text_at(record, 0).trim());
    let numbers: Option<Vec<u64>> = values().map(|value| value.parse().ok()).collect();
    let counts = |numbers: &Vec<u64>| {
        numbers.first().is_some_and(|first| *first <= 1)
            && numbers.windows(2).all(|pair| matches!(pair, [one, next] if one + 1 == *next))
    };
    values().next().is_some() && !numbers.as_ref().is_some_and(counts)
}

/// Whether a column has numbers or times, from a record on.
fn are_typed(records: &[&SampleRecord], from: usize, columns: usize) -> bool {
    let looks = body_looks(records, from, columns);
    looks.iter().any(|look| matches!(look, Some(Look::Number | Look::Time)))
}

/// Says what becomes of lines of dashes among the rows of a table.
fn note_ruled(grid: &mut Grid, ruled: &[&SampleRecord], is_typed: bool, widest: usize) {
    let Some(first) = ruled.first() else { return };
    let through = ruled.iter().filter(|record| !is_typed && record.values.len() == widest).count();
    let rejected = ruled.len() - through;
    grid.ruled = rejected as u64;
    let of_dashes = |count: usize| match count {
        1 => "1 line of dashes or the like is no row".to_owned(),
        _ => format!("{count} lines of dashes or the like are no rows"),
    };
    if rejected > 0 {
        grid.note(format!(
            "{}, the first in line {}: rejected in each file, and no harm to other rows",
            of_dashes(rejected),
            first.row
        ));
    }
    if through > 0 {
        grid.note(format!(
            "{}, and all columns are text, which rejects none: they come through as rows, so leave them out in the file, or by \
             WHERE in a model",
            of_dashes(through)
        ));
    }
}

/// The places of records below the header that may be rows: without that header where it comes again, and up to one with
/// other places for the same names.
fn rows_below(grid: &mut Grid, sound: &[&SampleRecord], first: usize, header: Option<&[String]>) -> Vec<usize> {
    let names = |values: &[String]| {
        let mut names: Vec<String> = values.iter().map(|name| compared(name)).collect();
        names.truncate(names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1));
        names
    };
    let Some(header) = header.map(names).filter(|names| names.len() > 1) else { return (first..sound.len()).collect() };
    let mut sorted = header.clone();
    sorted.sort_unstable();
    let (mut places, mut again) = (Vec::new(), 0);
    for (at, record) in sound.iter().enumerate().skip(first) {
        if !record.values.iter().any(|value| compared(value) == *header.first().unwrap_or(&String::new())) {
            places.push(at);
            continue;
        }
        let mut found = names(&record.values);
        if found == header {
            again += 1;
            continue;
        }
        found.sort_unstable();
        if found == sorted {
            grid.note(format!(
                "in line {} the header comes again with its columns in another order: the sample is looked at up to there, and \
                 rows below it are read by it",
                record.row
            ));
            break;
        }
        places.push(at);
    }
    if again > 0 {
        let times = if again == 1 { "once".to_owned() } else { format!("{again} times") };
        grid.note(format!(
            "the header comes again {times} below rows, as in files that were joined: it is no row there"
        ));
    }
    places
}

fn has_twice(names: &[String]) -> bool {
    let mut known = BTreeSet::new();
    names.iter().map(|name| compared(name)).filter(|name| !name.is_empty()).any(|name| !known.insert(name))
}

pub(super) fn columns_text(count: usize) -> String {
    if count == 1 { "1 column".to_owned() } else { format!("{count} columns") }
}

/// How many columns there are, without those at the end that are blank in each record of the usual width.
fn columns_of(records: &[&SampleRecord], widest: usize) -> usize {
    records.iter().filter(|record| record.values.len() == widest).map(|record| width(record)).max().unwrap_or(0)
}

/// How many values rows have: as many as most records, or, where most have one, as many as those of a block with a header and
/// values that are no texts: lines above and below it may be more than its rows.
pub(super) fn usual_width(records: &[&SampleRecord]) -> usize {
    let records: Vec<&SampleRecord> = records.iter().copied().filter(|record| !is_rule(record)).collect();
    let modal = modal_width(records.iter().copied());
    if modal > 1 {
        return modal;
    }
    let blocks = records.chunk_by(|one, next| one.values.len() == next.values.len());
    let block =
        blocks.filter(|block| block.len() > 1).max_by_key(|block| block.first().map_or(0, |row| row.values.len()));
    let Some((header, rows)) = block.and_then(|block| block.split_first()) else { return modal };
    let wide = header.values.len();
    let is_typed = body_looks(rows, 0, wide).iter().any(|look| matches!(look, Some(Look::Number | Look::Time)));
    let is_header = header.values.iter().all(|name| matches!(look(name), Look::Text | Look::Blank));
    if wide > 1 && is_header && (is_typed || is_above_footers(&records)) { wide } else { modal }
}

/// Whether a table of texts stands above at least as many lines of one value, of which the first one reads as what stands below a
/// table does.
fn is_above_footers(records: &[&SampleRecord]) -> bool {
    const FEW: usize = 3;
    let wide = records.first().map_or(0, |first| first.values.len());
    let is_row = |record: &&&SampleRecord| {
        record.values.len() == wide && record.values.iter().all(|value| !value.starts_with(' '))
    };
    let rows = records.iter().take_while(is_row).count();
    let below = records.get(rows..).unwrap_or_default();
    rows >= FEW
        && below.iter().all(|record| record.values.len() == 1)
        && below.first().is_some_and(|first| reads_like_footer(text_at(first, 0)))
}

fn is_all_text(rows: &[&SampleRecord], columns: usize) -> bool {
    let looks = body_looks(rows, 0, columns);
    looks.iter().all(|look| matches!(look, Some(Look::Text) | None))
}

/// Says where rows have more values than the header, or of different numbers.
fn note_widths(grid: &mut Grid, rows: &[&SampleRecord], header: Option<&[String]>, columns: usize) {
    let most = rows.iter().map(|row| row.values.len()).max().unwrap_or(0);
    if let Some(header) = header {
        let beyond = rows.iter().filter(|row| row.values.len() > header.len()).count();
        if beyond * 2 > rows.len() && header.len() == columns {
            grid.note(format!(
                "rows have {most} values and the header {}: what is beyond is blank, a delimiter at the end, and ignored",
                header.len()
            ));
            return;
        }
    }
    let short = rows.iter().filter(|row| row.values.len() < columns).count();
    if short > 0 {
        grid.note(format!("{} of fewer values than there are columns ({columns})", rows_are(short)));
    }
}

fn rows_are(count: usize) -> String {
    if count == 1 { "1 row is".to_owned() } else { format!("{count} rows are") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Grid {
        grid(text.as_bytes(), false, false).unwrap()
    }

    fn names(grid: &Grid) -> Vec<&str> {
        grid.fields.iter().map(|field| field.label.as_str()).collect()
    }

    #[test]
    fn headers_are_found_or_none() {
        for (text, wanted, option, rows) in [
            ("id,v\n1,2\n", &["id", "v"][..], "", 1),
            ("101,2026-11-19 10:00,1.5\n102,2026-11-19 11:00,2.5\n", &["", "", ""], "header = \"never\"", 2),
            ("Account,12,\nUnit,kWh,\n,,\nid,name,v\n1,a,1\n2,b,2\n", &["id", "name", "v"], "header = \"find\"", 2),
            ("Report\n\nid,name\n1,a\n2,b\n", &["id", "name"], "header = \"find\"", 2),
            ("city,kind\nGhent,a\nLeuven,b\n", &["city", "kind"], "header = \"always\"", 2),
            ("north,active\nsouth,idle\nnorth,idle\nsouth,active\n", &["", ""], "header = \"never\"", 4),
            (",a,b\n0,x,1\n1,y,2\n", &["a", "b"], "", 2),
            ("a b\n", &["a b"], "header = \"always\"", 0),
            ("country,2019,2020\nBE,1,2\nFR,3,4\n", &["country", "2019", "2020"], "", 2),
            ("site,2026-11-01,2026-11-02\nA,1,2\nB,3,4\n", &["site", "2026-11-01", "2026-11-02"], "", 2),
            ("site;01/11/2026;02/11/2026\nA;1;2\nB;3;4\n", &["site", "01/11/2026", "02/11/2026"], "", 2),
            ("site,2026-01,2026-02\nA,1,2\nB,3,4\n", &["site", "2026-01", "2026-02"], "", 2),
            ("site,Jan 2026,Feb 2026\nA,1,2\nB,3,4\n", &["site", "Jan 2026", "Feb 2026"], "", 2),
            // Numbers, times and ranges are names as well.
            ("station,0,1,2,3\nS0,0.5,2.25,1,7\nS1,1.5,2.25,0,7\n", &["station", "0", "1", "2", "3"], "", 2),
            ("name,10,20,50\na,3,2,3\nb,1,2,1\n", &["name", "10", "20", "50"], "", 2),
            (",0,1,2\n0,0.5,2.25,7\n1,1.5,2.25,3\n", &["0", "1", "2"], "", 2),
            ("\"station\",\"0\",\"1\"\n\"S0\",0.5,2.25\n\"S1\",1.5,2.25\n", &["station", "0", "1"], "", 2),
            ("\"x\",\"7\"\n\"S0\",5\n\"S1\",4\n", &["x", "7"], "", 2),
            ("meter,00:15,00:30,00:45\nM0,0.5,2.25,1\nM1,1.5,2.25,0\n", &["meter", "00:15", "00:30", "00:45"], "", 2),
            ("name,<10,10-20,>20\na,3,2,3\nb,1,2,1\n", &["name", "<10", "10-20", ">20"], "", 2),
            ("id,1,2,3\n1,1.5,2.5,1\n2,2.5,0.5,2\n", &["id", "1", "2", "3"], "", 2),
            ("plaats;2024;2023\nA;5;6\nB;7;8\n", &["plaats", "2024", "2023"], "", 2),
            ("station,0,1\nS0,3,5\nS1,5,2\n", &["station", "0", "1"], "", 2),
            // One number, date or time among names, or several.
            ("region,2026,total\nA,1,2\nB,3,7\n", &["region", "2026", "total"], "", 2),
            ("region,12:00,total\nA,1,2\nB,3,7\n", &["region", "12:00", "total"], "", 2),
            ("code,2026-01-01,avg\n7,1,2\n9,3,7\n", &["code", "2026-01-01", "avg"], "", 2),
            ("id,name,1,2,3,total\n1,a,1,2,3,6\n2,b,2,3,4,9\n", &["id", "name", "1", "2", "3", "total"], "", 2),
            ("region,total,25\nA,1,2\nB,3,7\n", &["region", "total", "25"], "", 2),
            ("north,5,x1\nsouth,6,x2\n", &["", "", ""], "header = \"never\"", 2),
            ("7,5,unknown\n8,6,3\n9,7,4\n10,7,4\n", &["", "", ""], "header = \"never\"", 4),
            // Rows that ascend.
            ("S0,1990,1991\nS1,2001,2002\n", &["", "", ""], "header = \"never\"", 2),
            ("station 1,0,1\nstation 2,3,5\n", &["", "", ""], "header = \"never\"", 2),
            ("A,1,2,3\nB,2,3,4\nC,4,5,6\n", &["", "", "", ""], "header = \"never\"", 3),
            ("A,5,9\nB,7,2\nC,4,1\n", &["", "", ""], "header = \"never\"", 3),
            ("1,2,3\n4,1,6\n", &["", "", ""], "header = \"never\"", 2),
            ("A,1/1/2024,2/1/2024\nB,10/12/2024,11/12/2024\n", &["", "", ""], "header = \"never\"", 2),
            ("M0,00:15,00:30\nM1,00:20,00:45\n", &["", "", ""], "header = \"never\"", 2),
            // Rows of times and numbers are no names.
            ("A,2026-11-01,2026-11-02\nB,2026-11-01,2026-11-03\n", &["", "", ""], "header = \"never\"", 2),
            ("A,20261101,20261102\nB,20261101,20261103\n", &["", "", ""], "header = \"never\"", 2),
            ("A,2026-01,2026-02\nB,2026-01,2026-03\n", &["", "", ""], "header = \"never\"", 2),
            // What stands above the table is as wide as it.
            (
                "Station;Brussels\nUnit;kWh\ntime;value\n2026-11-19 10:00;1,5\n2026-11-19 11:00;2,5\n",
                &["time", "value"],
                "header = \"find\"",
                2,
            ),
            (
                "Station;Brussels\nLatitude;50,85\nDatum;Wert\n19.11.2026;1,5\n20.11.2026;2,5\n",
                &["Datum", "Wert"],
                "header = \"find\"",
                2,
            ),
            (
                "Report of May;;;\nStation;Brussels;;\nid;time;v;w\n1;2026-11-19 10:00;1,5;2\n2;2026-11-19 11:00;2,5;3\n",
                &["id", "time", "v", "w"],
                "header = \"find\"",
                2,
            ),
            ("time,temp\nUTC,degC\n2026-11-19 10:00,1.5\n2026-11-19 11:00,2.5\n", &["time", "temp"], "", 2),
            ("id,v,v\n1,2,3\n", &["id", "v", "v"], "skip_lines = 1", 1),
            ("a,b\nr1,1,2\nr2,3,4\n", &["", "a", "b"], "skip_lines = 1", 2),
            ("id,v\n1,2\n3,4\nTotal,6\n", &["id", "v"], "", 2),
            ("id,v\n1,2\n3,4\n2 rows exported\n", &["id", "v"], "", 2),
            (
                "Identifiant;Type;Unite;\nX1;Courbe;W;\nHorodate;Valeur\n2023-01-01T00:00:00+01:00;460\n",
                &["Horodate", "Valeur"],
                "header = \"find\"",
                1,
            ),
            // Lines above and below a table of few rows.
            (
                "\"Account\",\"Amount\"\n\"A\",\"1.5\"\n\"B\",\"2.5\"\n\"Grand Totals\"\n\"Report\"\n\"Copyright\"\n\"By: Jan\"\n",
                &["Account", "Amount"],
                "",
                2,
            ),
            (
                "Report\nOf May\nBy X\nId;Amount\nA;1,5\nB;2,5\nTotal of 2\nEnd\n",
                &["Id", "Amount"],
                "header = \"find\"",
                2,
            ),
            ("Dear all\nthis is, a\nand so, on\nbye\n", &["Dear all"], "header = \"always\"", 3),
            // Empty columns.
            (
                ",Report,,\n,,,\n,Station,Time,Rain (mm)\n,U,2026-11-01 10:00,0.5\n,U,2026-11-01 11:00,1\n",
                &["Station", "Time", "Rain (mm)"],
                "header = \"find\"",
                2,
            ),
            (
                "Table: X\n\n-----\n|Kunde |Menge |\n-----\n|01|1,50|\n|02|2,50|\n-----\n",
                &["Kunde", "Menge"],
                "header = \"find\"",
                2,
            ),
            (" id | v\n----+---\n  1 | 2\n  2 | 3\n(2 rows)\n", &["id", "v"], "", 2),
            ("#datatype,long,double\n,table,_value\n,0,1.5\n,0,2.5\n", &["table", "_value"], "", 2),
            ("\"speed\" \"dist\"\n\"1\" 4 2\n\"2\" 4 10\n", &["", "speed", "dist"], "skip_lines = 1", 2),
            ("id,v,at\n1,2,10:00\n3,4,11:00\nSource: X,,\n", &["id", "v", "at"], "", 2),
            ("Export of May\n1;2\n3;4\n", &["", ""], "skip_lines = 1", 2),
            // People: what is in the first line may be one of them.
            ("Ann Peeters,Gent,ann@ex.be\nEva Claes,Brugge,eva@ex.be\n", &["", "", ""], "header = \"never\"", 2),
            ("Ann Peeters,Gent\nEva Claes,Brugge\n", &["", ""], "header = \"never\"", 2),
            ("Ann Peeters,Gent,\nEva Claes,Brugge,28\nJan Maes,Gent,31\n", &["", "", ""], "header = \"never\"", 3),
            (
                "Ann Peeters,Gent,unknown\nEva Claes,Brugge,28\nJan Maes,Gent,31\n",
                &["", "", ""],
                "header = \"never\"",
                3,
            ),
            ("Ann Peeters\n", &[""], "header = \"never\"", 1),
            ("Name,City\nEva Claes,Brugge\nJan Maes,Gent\n", &["Name", "City"], "header = \"always\"", 2),
            ("Station,Value\nGhent,1.5\nLeuven,2\n", &["Station", "Value"], "", 2),
            // The header comes again.
            ("id,v\n1,2\n3,4\nID , v\n5,6\n", &["id", "v"], "", 3),
            ("id,v\n1,2\n3,4\nv,id\n6,5\n", &["id", "v"], "", 2),
        ] {
            let grid = read(text);
            assert_eq!(names(&grid), wanted, "{text}");
            assert!(option.is_empty() || grid.options.iter().any(|line| line == option), "{text}: {:?}", grid.options);
            assert!(!option.is_empty() || !grid.options.iter().any(|line| line.starts_with("header")), "{text}");
            assert_eq!(grid.rows, rows, "{text}");
        }
    }

    #[test]
    fn a_first_row_that_may_be_names_is_said() {
        for (text, is_said) in [
            ("0,1,2\n0.5,2.25,7\n1.5,2.25,3\n", true),
            ("land,10,20,50\na,3,2,3\nb,1,2,1\n", true),
            ("1,5,3\n0.5,2.25,7\n", false),
            ("A,1,2\nB,2,3\nC,3,4\n", false),
        ] {
            let grid = read(text);
            assert!(grid.options.iter().any(|line| line == "header = \"never\""), "{text}");
            assert_eq!(
                grid.notes.iter().any(|note| note.contains("may be a header")),
                is_said,
                "{text}: {:?}",
                grid.notes
            );
        }
    }

    #[test]
    fn what_is_beyond_the_header_is_said() {
        let grid = read("id,v\n1,2,\n3,4,\n");
        assert!(grid.notes.iter().any(|note| note.contains("3 values and the header 2")), "{:?}", grid.notes);
        assert_eq!(names(&grid), ["id", "v"]);
    }
}
