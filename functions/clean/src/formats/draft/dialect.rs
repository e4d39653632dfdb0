//! How a text is written: its encoding, what stands between values, what quotes and comments are.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use lake::dataset::Encoding;

use super::blanks;
use super::head::body_looks;
use super::looks::{Look, look};
use super::quotes::{Quotes, cut_open_end, have_blanks_around};
use super::sampled::{COMPARED, is_rule, is_ruled, modal_width, opens_values};
use crate::error::Stop;
use crate::formats::csv::{self, Dialect, SampleRecord};
use crate::formats::{encoding, kinds};

/// Bytes by which dialects are compared.
const LOOKED_AT: usize = 64 * 1024;
/// Bytes at the end where a table is looked for that comes below many lines.
const NEAR_END: usize = 8 * 1024;
const DELIMITERS: [u8; 8] = [b',', b';', b'\t', b'|', b'^', b'~', 0x01, 0x1f];
/// What comments begin with.
const COMMENTS: [u8; 3] = [b'#', b'%', b'!'];

/// What lines of dashes and the like begin with.
pub(super) const MARKS: [u8; 4] = [b'-', b'+', b'=', b'_'];

/// A text as UTF-8, and how it was written. `is_sure` where no other encoding is likely.
pub(super) struct Decoded {
    pub encoding: Encoding,
    pub text: Vec<u8>,
    pub is_sure: bool,
}

/// Decodes the beginning of a text. The last character may be cut in two.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, Stop> {
    let (encoding, is_sure) = encoding_of(bytes);
    let mut text = Vec::new();
    let first = bytes.get(..4).unwrap_or(bytes);
    encoding::to_utf8(encoding, first, bytes).read_to_end(&mut text)?;
    if let Some(rest) = text.strip_prefix(b"\xEF\xBB\xBF") {
        text = rest.to_vec();
    }
    Ok(Decoded { encoding, text, is_sure })
}

fn encoding_of(bytes: &[u8]) -> (Encoding, bool) {
    if kinds::is_utf16(bytes.get(..kinds::LOOKED_AT).unwrap_or(bytes)) {
        return (Encoding::Utf16, true);
    }
    let (mut wide, mut wrong, mut rest) = (0, 0, bytes);
    loop {
        match std::str::from_utf8(rest) {
            Ok(text) => {
                wide += text.chars().filter(|character| !character.is_ascii()).count();
                break;
            }
            Err(error) => {
                let (valid, behind) = rest.split_at(error.valid_up_to());
                wide += std::str::from_utf8(valid).unwrap_or_default().chars().filter(|c| !c.is_ascii()).count();
                // The end may be cut within a character.
                let Some(length) = error.error_len() else { break };
                wrong += 1;
                rest = behind.get(length..).unwrap_or_default();
            }
        }
    }
    // Characters that are UTF-8 by accident are rare: a few wrong bytes among many of them are damage.
    if wrong == 0 || wide > 4 * wrong {
        return (Encoding::Utf8, true);
    }
    let has_none = bytes.iter().any(|byte| matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D));
    (if has_none { Encoding::Latin1 } else { Encoding::Windows1252 }, false)
}

/// Finds the dialect of a text. Where its beginning has one value in each line, a table may come below it.
pub(super) fn find(text: &[u8]) -> Result<Dialect, Stop> {
    let head = whole_lines(text, LOOKED_AT);
    let (dialect, width) = find_in(head, head.len() < text.len())?;
    if width > 1 || text.len() <= LOOKED_AT && lines_of(text).count() <= COMPARED {
        return Ok(dialect);
    }
    // Within a value that has line breaks, quotes would be taken for others.
    let (declared, records) = csv::sample(head, Dialect { delimiter: 0, ..dialect }, COMPARED)?;
    if declared.delimiter != 0 || records.iter().any(|record| record.lines > 1) {
        return Ok(dialect);
    }
    for from in [text.len() / 2, text.len().saturating_sub(NEAR_END)] {
        let rest = text.get(from..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else { continue };
        let (found, width) = find_in(whole_lines(rest.get(end..).unwrap_or_default(), LOOKED_AT), true)?;
        if width > 1 {
            return Ok(found);
        }
    }
    Ok(dialect)
}

/// Finds the dialect of lines, and how many values most of them have. `is_cut` where the text goes on behind them.
fn find_in(head: &[u8], is_cut: bool) -> Result<(Dialect, usize), Stop> {
    let (declared, _) = csv::sample(head, Dialect::plain(0), 1)?;
    let delimiters: Vec<u8> = match declared.delimiter {
        0 => DELIMITERS.into_iter().filter(|delimiter| stands_between(head, *delimiter)).collect(),
        delimiter => vec![delimiter],
    };
    let usual = Dialect::plain(delimiters.first().copied().unwrap_or(b','));
    let mut ways = Vec::new();
    for delimiter in delimiters {
        let quotes = [Some(b'"'), None, Some(b'\'')];
        let of_delimiter = quotes.into_iter().flat_map(|quote| [(quote, None), (quote, Some(b'\\'))]);
        for ((quote, escape), skips_blanks) in of_delimiter.flat_map(|way| [(way, false), (way, true)]) {
            let is_of_use = match quote {
                None => head.contains(&b'"'),
                Some(b'"') => true,
                Some(quote) => opens_values(head, delimiter, quote),
            };
            let is_of_use = is_of_use
                && (escape.is_none() || has_escaped(head, quote, delimiter))
                && (!skips_blanks || quote.is_some_and(|quote| have_blanks_around(head, delimiter, quote)));
            if is_of_use {
                ways.push(Way::of(head, Dialect { quote, skips_blanks, escape, ..Dialect::plain(delimiter) }, is_cut)?);
            }
        }
    }
    let dialect = best(&ways).unwrap_or(usual);
    let read = |dialect| records_of(head, dialect, is_cut);
    let (mut dialect, mut records) = (dialect, read(dialect)?);
    if declared.delimiter == 0
        && let Some(found) = blanks::find(head, modal_width(records.iter()))?
    {
        dialect = found;
        records = read(dialect)?;
    }
    if declared.delimiter == 0 && are_between_colons(head, modal_width(records.iter()))? {
        dialect = Dialect::plain(b':');
        records = read(dialect)?;
    }
    if dialect.escape.is_none() {
        let dumped = Dialect { escape: Some(b'\\'), quote: quote_of_dump(head, dialect), ..dialect };
        let of_dump = read(dumped)?;
        if is_dump(&records, &of_dump, dialect.delimiter) {
            (dialect, records) = (dumped, of_dump);
        }
    }
    let width = modal_width(records.iter());
    Ok((Dialect { comment: comment(&records, dialect.delimiter), ..dialect }, width))
}

/// A way to read a text.
struct Way {
    dialect: Dialect,
    score: f64,
    quotes: Quotes,
}

impl Way {
    fn of(head: &[u8], dialect: Dialect, is_cut: bool) -> Result<Self, Stop> {
        let records = records_of(head, dialect, is_cut)?;
        let quotes = Quotes::of(&records, &dialect);
        Ok(Self { dialect, score: score(&records, quotes.fit), quotes })
    }
}

/// The best one. Where the quotes of a text are those of CSV, they are no characters like others, and no row ends within them,
/// however well lines fit together otherwise.
fn best(ways: &[Way]) -> Option<Dialect> {
    let have_breaks = ways.iter().any(|way| way.quotes.fit && way.quotes.have_breaks);
    let is_quoted = |of: &Way| {
        let is_same = |way: &&Way| way.dialect.delimiter == of.dialect.delimiter && way.dialect.quote == Some(b'"');
        ways.iter().filter(is_same).any(|way| way.quotes.fit)
    };
    let may_be = |way: &&Way| match have_breaks {
        true => way.quotes.fit && way.quotes.have_breaks,
        false => way.dialect.quote.is_some() || !is_quoted(way),
    };
    let mut best = (0.0, None);
    for way in ways.iter().filter(may_be) {
        if way.score > best.0 * 1.001 {
            best = (way.score, Some(way.dialect));
        }
    }
    best.1
}

/// The records by which dialects are compared. `is_cut` where the text goes on behind them.
fn records_of(head: &[u8], dialect: Dialect, is_cut: bool) -> Result<Vec<SampleRecord>, Stop> {
    let (_, mut records) = csv::sample(head, dialect, COMPARED)?;
    if is_cut {
        cut_open_end(&mut records);
    }
    Ok(records)
}

/// The quote of a dump of a database: between tabs there is none, if no value is in quotes.
fn quote_of_dump(head: &[u8], dialect: Dialect) -> Option<u8> {
    dialect.quote.filter(|quote| dialect.delimiter != b'\t' || opens_values(head, dialect.delimiter, *quote))
}

/// Whether records are those of a dump of a database, in which a backslash takes the meaning from what is behind it: between
/// tabs some values are only `\N`, or lines that end in a backslash are one record with the next.
fn is_dump(plain: &[SampleRecord], escaped: &[SampleRecord], delimiter: u8) -> bool {
    let width = |records: &[SampleRecord]| {
        let first = records.first().map_or(0, |record| record.values.len());
        Some(first).filter(|first| records.iter().all(|record| record.is_sound && record.values.len() == *first))
    };
    let has_null = plain.iter().flat_map(|record| &record.values).any(|value| value == "\\N");
    // Where a backslash stands before a delimiter, what fits better decided before.
    let is_same = |(one, other): (&SampleRecord, &SampleRecord)| one.values.len() == other.values.len();
    let is_alike = plain.len() == escaped.len()
        && plain
            .iter()
            .zip(escaped)
            .all(|pair| pair.0.is_sound <= pair.1.is_sound && (!pair.0.is_sound || is_same(pair)));
    let is_joined = escaped.len() > 1
        && escaped.len() < plain.len()
        && width(escaped).is_some_and(|width| width > modal_width(plain.iter()));
    delimiter == b'\t' && has_null && is_alike || is_joined
}

/// Whether lines have the same number of values between colons, or between pairs of them, and hardly by accident: what else
/// stands between values is in none of them, unless there are pairs.
fn are_between_colons(head: &[u8], width_of_others: usize) -> Result<bool, Stop> {
    let (_, records) = csv::sample(head, Dialect::plain(b':'), COMPARED)?;
    let Some((first, below)) = records.split_first().filter(|(_, below)| !below.is_empty()) else { return Ok(false) };
    let width = first.values.len();
    let is_even = |record: &SampleRecord| record.is_sound && record.values.len() == width;
    let are_pairs = width > 2
        && width % 2 == 1
        && records.iter().all(|record| record.values.iter().skip(1).step_by(2).all(String::is_empty));
    // A word before others, a time of day, or an address of a page.
    let are_of_times = lines_of(head).all(|line| blanks::colons(line) < 2);
    let is_other = |record: &SampleRecord| {
        let value = |value: &String| value.starts_with([' ', '\t']) || value.starts_with("//");
        // Addresses of devices and networks.
        let is_hex = |value: &String| value.len() <= 4 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_address = record.values.iter().all(is_hex) && record.values.iter().any(|value| value.len() > 1);
        let line = record.values.join(":");
        let is_time = look(&line) != Look::Text && !line.chars().any(|c| c.is_alphabetic() && !"TZAPM".contains(c));
        is_time || is_address || record.values.iter().any(value)
    };
    if width < 2 || !records.iter().all(is_even) || width_of_others > 1 && !are_pairs {
        return Ok(false);
    }
    let filled = || below.iter().flat_map(|record| &record.values).filter(|value| !value.is_empty());
    let typed = filled().filter(|value| matches!(look(value), Look::Number | Look::Time)).count();
    let is_typed = width > 2 && typed * 3 >= filled().count();
    Ok(are_pairs || is_typed && !are_of_times && !below.iter().any(is_other))
}

/// The beginning of a text, up to the end of a line.
pub(super) fn whole_lines(text: &[u8], most: usize) -> &[u8] {
    let Some(head) = text.get(..most) else { return text };
    let end = head.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(most, |last| last + 1);
    head.get(..end).unwrap_or(head)
}

/// The lines of a text that are not blank.
fn lines_of(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty())
}

/// Whether a text has a delimiter that may be one: not within quotes alone, such as `(X11; Linux)` in lines of logs. Lines that
/// begin with a quote may be one value as a whole.
fn stands_between(head: &[u8], delimiter: u8) -> bool {
    let is_between = |line: &[u8]| {
        let mut is_within = false;
        line.iter().any(|byte| {
            is_within ^= *byte == b'"';
            *byte == delimiter && !is_within
        })
    };
    let has_pairs = |line: &[u8]| line.iter().filter(|byte| **byte == b'"').count() % 2 == 0;
    head.contains(&delimiter)
        && lines_of(head)
            .filter(|line| line.contains(&delimiter))
            .any(|line| line.first() == Some(&b'"') || !has_pairs(line) || is_between(line))
}

/// Whether a backslash stands before what it may take the meaning from: a quote, a delimiter or the end of a line.
fn has_escaped(head: &[u8], quote: Option<u8>, delimiter: u8) -> bool {
    let quote = quote.unwrap_or(b'"');
    head.windows(2).any(|pair| matches!(pair, [b'\\', next] if [quote, delimiter, b'\n', b'\r'].contains(next)))
}

/// How well records fit together: many of the same width, of values that look like values. (After van den Burg, Nazábal
/// and Sutton, "Wrangling messy CSV files by detecting row and type patterns".)
/// Where quotes fit, each value in them is one, and those of a few lines are damaged.
fn score(records: &[SampleRecord], quotes_fit: bool) -> f64 {
    let mut widths: BTreeMap<usize, f64> = BTreeMap::new();
    let (mut cells, mut typed) = (0.0, 0.0);
    for record in records.iter().filter(|record| !quotes_fit || !record.is_bad_quote) {
        let width = if record.is_sound { record.values.len() } else { 0 };
        *widths.entry(width).or_default() += 1.0;
        cells += width.max(1) as f64;
        let is_one = |(at, value): &(usize, &String)| quotes_fit && record.is_in_quotes(*at) || is_value(value);
        typed += record.values.iter().enumerate().filter(|value| record.is_sound && is_one(value)).count() as f64;
    }
    let part = |(width, count): (&usize, &f64)| count * (*width as f64 - 1.0).max(0.001) / (*width as f64).max(1.0);
    let patterns: f64 = widths.iter().map(part).sum::<f64>() / (widths.len() as f64).max(1.0);
    patterns * (typed / f64::max(cells, 1.0)).max(0.001)
}

/// Whether a text is likely to be one value, not several or half of one.
fn is_value(text: &str) -> bool {
    match look(text) {
        Look::Blank | Look::Number | Look::Time => true,
        Look::Text => {
            let text = text.trim();
            // In another dialect these are quotes.
            if text.len() > 1 && text.starts_with('\'') && text.ends_with('\'') {
                return false;
            }
            let is_mark = |(at, character): (usize, char)| match character {
                // A comma in a sentence has a blank behind it.
                ',' => !text.get(at + 1..).is_some_and(|rest| rest.starts_with(' ')),
                '"' | ';' | '\t' | '|' | '^' | '~' | '\u{1}' | '\u{1f}' => true,
                _ => false,
            };
            !text.char_indices().any(is_mark)
        }
    }
}

/// What begins lines that are no records. A header may begin with it as well: it has the width of the others.
fn comment(records: &[SampleRecord], delimiter: u8) -> Option<u8> {
    let width = width_of_rows(records);
    let is_known = |comment: &u8| {
        records.iter().any(|record| record.first == *comment)
            && is_of_comments(records, *comment)
            && records.iter().any(|record| record.first != *comment)
    };
    let known = COMMENTS.into_iter().filter(|comment| *comment != delimiter).find(is_known);
    known.or_else(|| (width > 1).then(|| mark_of_rules(records, delimiter, width)).flatten())
}

fn width_of_rows(records: &[SampleRecord]) -> usize {
    modal_width(records.iter().filter(|record| !is_rule(record)))
}

/// Whether no line that begins so may be a row: one with as many values as rows have is one, unless it is about columns.
pub(super) fn is_of_comments(records: &[SampleRecord], mark: u8) -> bool {
    let begun = || records.iter().filter(|record| record.first == mark);
    if MARKS.contains(&mark) {
        return begun().all(is_rule);
    }
    let width = width_of_rows(records);
    width == 1
        || begun().all(|record| !record.is_sound || record.values.len() != width)
        || are_annotations(records, mark)
}

/// How many lines of a table of one column begin so below its first row: they may be rows as well.
pub(super) fn rows_among_comments(records: &[SampleRecord], mark: u8) -> usize {
    let below = records.iter().skip_while(|record| record.first == mark);
    let count = below.filter(|record| record.first == mark && record.is_sound && record.values.len() == 1).count();
    if width_of_rows(records) == 1 { count } else { 0 }
}

/// What lines of dashes and the like begin with, where no row can begin with it: each begins with what stands between values. Or
/// where such lines would come through as rows, as all columns are text, and no other line begins so.
fn mark_of_rules(records: &[SampleRecord], delimiter: u8, width: usize) -> Option<u8> {
    let rows: Vec<&SampleRecord> =
        records.iter().filter(|record| record.values.len() == width && !is_rule(record)).collect();
    let are_led = delimiter == b'|' && rows.iter().all(|record| record.first == delimiter);
    let is_typed = || body_looks(&rows, 1, width).iter().any(|look| matches!(look, Some(Look::Number | Look::Time)));
    let begun = |mark: u8| records.iter().filter(move |record| record.first == mark);
    let is_of_rules = |mark: &u8| {
        let are_wide = || begun(*mark).any(|record| record.values.len() == width);
        begun(*mark).count() > 0
            && *mark != delimiter
            && begun(*mark).all(|record| if are_led { is_rule(record) } else { is_ruled(record) })
            && (are_led || are_wide() && !is_typed())
    };
    MARKS.into_iter().filter(is_of_rules).max_by_key(|mark| begun(*mark).count())
}

/// Whether the lines at the beginning that begin with a mark are about columns, as InfluxDB writes them: the header comes
/// behind them, and then rows. Below rows they come again as they are, where tables were joined.
fn are_annotations(records: &[SampleRecord], comment: u8) -> bool {
    let begun = records.iter().take_while(|record| record.first == comment).count();
    let (above, below) = records.split_at_checked(begun).unwrap_or_default();
    let name = |record: &SampleRecord| record.values.first().cloned().unwrap_or_default();
    let known: BTreeSet<String> = above.iter().map(name).collect();
    let width = width_of_rows(below);
    let is_row = |record: &SampleRecord| {
        record.first == comment && record.is_sound && record.values.len() == width && !known.contains(&name(record))
    };
    let looks = |at: usize| {
        let values = records.get(at).map(|record| record.values.as_slice()).unwrap_or_default();
        values.iter().map(|value| look(value)).collect::<Vec<Look>>()
    };
    let (header, row) = (looks(begun), looks(begun + 1));
    let is_typed = |look: &Look| matches!(look, Look::Number | Look::Time);
    begun > 0
        && !below.iter().any(is_row)
        && header.iter().filter(|look| **look == Look::Text).count() > 1
        && !header.iter().any(is_typed)
        && header.len() == row.len()
        && row.iter().any(is_typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_are_found() {
        for (text, delimiter, quotes, escape, comment) in [
            ("id,name\n1,a\n2,b\n", b',', true, None, None),
            ("tram;speed\n7;12,5\n8;13,5\n", b';', true, None, None),
            ("101;1,5\n102;2,5\n", b';', true, None, None),
            ("a\tb\n1\tx, y\n2\tz\n", b'\t', true, None, None),
            ("a|b|c\n1|2|3\n", b'|', true, None, None),
            ("sep=|\na|b\n1|2\n", b'|', true, None, None),
            ("id,name\n1,\"a \\\"b\\\" c\"\n2,\"d, e\"\n", b',', true, Some(b'\\'), None),
            ("id\tname\n1\t\"24\" monitor\n2\t\"TV\" set\n3\ta\"b\n", b'\t', false, None, None),
            ("# by x\n# at y\nid,v\n1,2\n3,4\n", b',', true, None, Some(b'#')),
            ("#id,v\n1,2\n3,4\n", b',', true, None, None),
            ("a\u{1}b\n1\u{1}2\n", 1, true, None, None),
            ("one\ntwo\nthree\n", b',', true, None, None),
            ("id x y\n1 0.5 7\n2 1.5 8\n", b' ', true, None, None),
            ("\"x\" \"y\"\n\"1\" 4 2\n\"2\" 4 10\n", b' ', true, None, None),
            ("\"x\" \"name\"\n\"1\" 4 \"a b\"\n\"2\" 4 \"c\"\n", b' ', true, None, None),
            ("x y name\n1 4 2 ab\n2 4 10 c\n", b' ', true, None, None),
            ("\"Jan Claes\"\n\"Eva Maes\"\n", b',', true, None, None),
            ("Jan Claes\nEva Maes\n", b',', true, None, None),
            ("2026-11-19 10:00\n2026-11-19 11:00\n", b',', true, None, None),
            ("1 234\n5 678\n", b',', true, None, None),
            ("id\tname\tv\n1\ta\\tb\t\\N\n2\tc\t5\n", b'\t', false, Some(b'\\'), None),
            ("id\tname\tv\n1\t\"a\tb\"\t\\N\n2\tc\t5\n", b'\t', true, Some(b'\\'), None),
            ("id\tname\tv\n1\t\\New\t\n2\tc\t5\n", b'\t', true, None, None),
            ("id\tpath\tv\n1\tC:\\\t\\N\n2\tc\t5\n", b'\t', true, None, None),
            ("1\ta\\\nb\tx\n2\tc\\\nd\ty\n", b'\t', false, Some(b'\\'), None),
            ("n,path\n1,C:\\a\\\n2,D:\\\n", b',', true, None, None),
            ("#datatype,long,double\n,table,_value\n,0,1.5\n,0,2.5\n", b',', true, None, Some(b'#')),
            (
                "#group,false,true\n#datatype,long,double\n#default,,\n,table,_value\n,0,1.5\n",
                b',',
                true,
                None,
                Some(b'#'),
            ),
            ("#name,city,v\nAnn,Gent,1\nEva,Aalst,2\n", b',', true, None, None),
            ("Table: X\n\n----\n|Id|V|\n----\n|1|2|\n|2|-3|\n----\n", b'|', true, None, Some(b'-')),
            ("id|v\n--|--\n1|2\n-2|3\n", b'|', true, None, None),
            ("id:name:v\n1:a:2\n2:b:3\n", b':', true, None, None),
            ("id:name:v\n10:n10:20\n11:n11:22\n", b':', true, None, None),
            ("10:00:01 PM\n11:00:02 AM\n", b',', true, None, None),
            ("1::1193::5::978300760\n1::661::3::978302109\n", b':', true, None, None),
            ("1::Toy Story::Animation|Comedy\n2::Jumanji::Adventure|Comedy|Fantasy\n", b':', true, None, None),
            ("10:00\n11:00\n", b',', true, None, None),
            ("2026-11-19 10:00:00\n2026-11-19 11:00:00\n", b',', true, None, None),
            ("10:00:01\n11:00:02\n", b',', true, None, None),
            ("a: 1: 2\nb: 3: 4\n", b',', true, None, None),
            ("00:1a:2b\n00:3c:4d\n", b',', true, None, None),
            ("aa:bb:cc:11:22:33\nab:bb:cc:11:22:34\n", b',', true, None, None),
            ("path,n\n\"C:\\dir\\\",1\n\"D:\\\",2\n", b',', true, None, None),
        ] {
            let found = find(text.as_bytes()).unwrap();
            let all = (found.delimiter, found.quote, found.escape, found.comment);
            let quote = if quotes { Some(b'"') } else { None };
            assert_eq!(all, (delimiter, quote, escape, comment), "{text}");
        }
    }

    #[test]
    fn apostrophes_are_quotes_where_values_stand_between_them() {
        for (text, quote) in [
            ("'id','name'\n'1','Doe, J'\n'2','Roe'\n", b'\''),
            ("id;name\n1;'Doe; J'\n2;'O''Hara'\n", b'\''),
            ("id,name\n1,'t Zand\n2,'s-Gravenhage\n3,rock 'n'\n", b'"'),
            ("id,name\n1,\"'a'\"\n2,\"b, c\"\n", b'"'),
            ("id,code\n1,'007\n2,'008\n", b'"'),
        ] {
            assert_eq!(find(text.as_bytes()).unwrap().quote, Some(quote), "{text}");
        }
    }

    #[test]
    fn encodings_are_found() {
        let wide: Vec<u8> = "é;1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, encoding, text) in [
            ("Zoë".as_bytes(), Encoding::Utf8, "Zoë"),
            (b"\xEF\xBB\xBFa", Encoding::Utf8, "a"),
            (b"Zo\xEB \x80", Encoding::Windows1252, "Zoë €"),
            (b"Zo\xEB \x81", Encoding::Latin1, "Zoë \u{81}"),
            (b"\xFF\xFEa\0", Encoding::Utf16, "a"),
            (&wide, Encoding::Utf16, "é;1\n"),
        ] {
            let decoded = decode(bytes).unwrap();
            assert_eq!((decoded.encoding, String::from_utf8(decoded.text).unwrap().as_str()), (encoding, text));
        }
        let mut damaged = "Zoë à ï ö ü".as_bytes().to_vec();
        damaged.push(0xEB);
        damaged.push(b'\n');
        assert_eq!(decode(&damaged).unwrap().encoding, Encoding::Utf8);
        assert_eq!(decode(&"é".as_bytes()[..1]).unwrap().encoding, Encoding::Utf8);
    }
}
