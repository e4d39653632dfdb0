//! What the quotes of a text speak for, and what is said of those that are no quotes of values.

use super::grid::Grid;
use super::sampled::{COMPARED, opens_values};
use crate::error::Stop;
use crate::formats::csv::{self, Dialect, SampleRecord};

/// Lines with bad quotes that are named.
const NAMED: usize = 5;

/// What a way to read a text makes of its quotes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Quotes {
    /// Whether values stand in quotes by the rules of CSV: in one line at least, however many others are damaged, as characters like
    /// others would stay in the values of all.
    pub fit: bool,
    /// Whether values in quotes have line breaks: read in another way, their rows are torn.
    pub have_breaks: bool,
}

impl Quotes {
    /// Those of records that were read in a dialect.
    pub(super) fn of(records: &[SampleRecord], dialect: &Dialect) -> Self {
        let Some(quote) = dialect.quote else { return Self::default() };
        // A quote that stands for the value above opens no value: the next one would close it.
        let is_ditto = |record: &SampleRecord| {
            let is_torn = |(at, value): (usize, &String)| {
                record.is_in_quotes(at)
                    && value.starts_with(['\n', '\r'])
                    && value.ends_with(char::from(dialect.delimiter))
            };
            record.lines > 1 && record.values.iter().enumerate().any(is_torn)
        };
        let closes = |record: &&SampleRecord| record.is_sound && record.in_quotes != 0 && !is_ditto(record);
        let closed = records.iter().filter(closes).count();
        let bad = records.iter().filter(|record| record.is_bad_quote || is_ditto(record)).count();
        // A value of several lines may be what two quotes have between them that belong to others.
        let are_closed = records.iter().any(|record| record.lines == 1 && closes(&record));
        let are_few = bad * 20 <= closed + bad || bad * 100 <= records.len() && bad * 3 <= closed;
        // Names alone need no quotes, unless what stands between values is in them; rows would be lost for them.
        let is_plain = |first: &SampleRecord| {
            first.lines == 1 && !first.values.iter().any(|value| value.contains([char::from(dialect.delimiter), '"']))
        };
        let of_names = records.first().is_some_and(|first| closes(&first) && is_plain(first));
        let has_rows = bad * 20 <= records.len() || !of_names || closed > 1;
        // Apostrophes stand for other things as well.
        let is_of_most = quote == b'"' || closed * 2 >= records.len();
        Self {
            fit: closed > 0 && (are_few || are_closed) && is_of_most && has_rows,
            have_breaks: are_few && records.iter().any(|record| record.lines > 1 && closes(&record)),
        }
    }
}

/// The records of a text, and its dialect: where no line near the beginning, by which dialects are found, has a value in quotes as
/// CSV writes it, a later one may.
pub(super) fn sample(text: &[u8], dialect: Dialect, most: usize) -> Result<(Dialect, Vec<SampleRecord>), Stop> {
    let plain = csv::sample(text, dialect, most)?;
    let quoted = Dialect { quote: Some(b'"'), ..dialect };
    let may_be = dialect.quote.is_none() && dialect.escape.is_none() && dialect.delimiter != b' ';
    if !may_be || plain.1.len() <= COMPARED || !opens_values(text, dialect.delimiter, b'"') {
        return Ok(plain);
    }
    let (found, records) = csv::sample(text, quoted, most)?;
    Ok(if Quotes::of(&records, &found).fit { (found, records) } else { plain })
}

/// Takes away what begins with a quote that nothing closes, where the text is cut behind it. Where it has many more lines than
/// values in quotes have, the quote is a bad one.
pub(super) fn cut_open_end(records: &mut Vec<SampleRecord>) {
    let Some((at, open)) = records.iter().enumerate().find(|(_, record)| record.is_open) else { return };
    let longest = records.iter().take(at).filter(|record| record.in_quotes != 0).map(|record| record.lines).max();
    let lines = records.last().map_or(0, |last| last.row - open.row + 1);
    if longest.is_some_and(|longest| lines <= longest * 4) || (records.len() - at) * 4 <= records.len().max(8) {
        records.truncate(at);
    }
}

/// Whether a quote stands behind a delimiter and blanks, or blanks and a delimiter behind it.
pub(super) fn have_blanks_around(head: &[u8], delimiter: u8, quote: u8) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_none_or(|byte| *byte == delimiter || matches!(byte, b'\r' | b'\n'));
    let is_blank = |byte: &&u8| **byte == b' ';
    let places = head.iter().enumerate().filter(|(_, byte)| **byte == quote).map(|(at, _)| at);
    let are_around = |at: usize| {
        let before = || head.get(..at).unwrap_or_default().iter().rev();
        let behind = || head.get(at + 1..).unwrap_or_default().iter();
        before().next() == Some(&b' ') && is_edge(before().find(|byte| !is_blank(byte)))
            || behind().next() == Some(&b' ') && is_edge(behind().find(|byte| !is_blank(byte)))
    };
    delimiter != b' ' && places.into_iter().any(are_around)
}

/// `in line 5`, `in lines 5, 6 and 2 more`
fn places<'r>(records: impl Iterator<Item = &'r SampleRecord>) -> String {
    let rows: Vec<String> = records.map(|record| record.row.to_string()).collect();
    let named = rows.get(..NAMED).unwrap_or(&rows).join(", ");
    match rows.len().saturating_sub(NAMED) {
        0 if rows.len() == 1 => format!("in line {named}"),
        0 => format!("in lines {named}"),
        more => format!("in lines {named} and {more} more"),
    }
}

/// Says which quotes are no quotes of values: bad ones, or, where none is read as such, those that values keep.
pub(super) fn note(grid: &mut Grid, records: &[SampleRecord], dialect: &Dialect) {
    let lines = |count: usize, one: &str, several: &str| match count {
        1 => format!("1 line {one}"),
        _ => format!("{count} lines {several}"),
    };
    let bad = || records.iter().filter(|record| record.is_bad_quote);
    let count = bad().count();
    if count > 0 && dialect.quote.is_some() {
        grid.note(format!(
            "{} that nothing closes, or that text follows, {}: rejected (bad_quote), and no harm to other rows; write quotes within \
             values twice in the file",
            lines(count, "has a quote", "have a quote"),
            places(bad())
        ));
    }
    if dialect.quote.is_some() {
        return;
    }
    let of = |wanted: Opened| {
        let is_of =
            move |record: &&SampleRecord| record.values.iter().any(|value| opened(value.trim()) == Some(wanted));
        records.iter().filter(is_of)
    };
    let kept = of(Opened::Closed).count();
    if kept > 0 {
        grid.note(format!(
            "{} between quotes, which are read as part of them, as other quotes in the file are not those of CSV; to be rid of \
             them, write quotes within values twice in the file, and leave out quote = \"none\"",
            lines(kept, "has values", "have values")
        ));
    }
    let open = of(Opened::Open).count();
    if open > 0 {
        grid.note(format!(
            "{} that begins with a quote which does not end it: where a value goes on in the next line, it is torn in two, so \
             write quotes within values twice in the file, and leave out quote = \"none\"",
            lines(open, "has a value", "have a value")
        ));
    }
    let followed = of(Opened::Followed).count();
    if followed > 0 {
        grid.note(format!(
            "{} with a quote that text follows, where no value ends, {}: no row has values in quotes as CSV writes them, so quotes are \
             characters like others, which values keep (quote = \"none\"); where they are to be quotes, write those within values \
             twice in the file",
            lines(followed, "has a value", "have values"),
            places(of(Opened::Followed))
        ));
    }
}

/// What becomes of a quote that a value begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opened {
    /// One ends the value.
    Closed,
    /// Text follows the next one that stands alone: `"abc"x`, `"5" pipe"`.
    Followed,
    /// There is no other that stands alone.
    Open,
}

/// What becomes of the quote that a value begins with, if it does.
fn opened(value: &str) -> Option<Opened> {
    let mut rest = value.strip_prefix('"')?;
    while let Some((_, behind)) = rest.split_once('"') {
        match behind.strip_prefix('"') {
            Some(twice) => rest = twice,
            None if behind.is_empty() => return Some(Opened::Closed),
            None => return Some(Opened::Followed),
        }
    }
    Some(Opened::Open)
}
