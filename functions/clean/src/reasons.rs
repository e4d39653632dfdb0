//! Why rows and objects are rejected: each reason with its cause and its cure. The codes are stable.

/// A reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The stable code, as rejects have it.
    pub code: &'static str,
    /// Whether it rejects an object as a whole; a row, if not. Some do both.
    pub whole: bool,
    /// What was found.
    pub cause: &'static str,
    /// What to do.
    pub cure: &'static str,
}

const fn row(code: &'static str, cause: &'static str, cure: &'static str) -> Reason {
    Reason { code, whole: false, cause, cure }
}

const fn whole(code: &'static str, cause: &'static str, cure: &'static str) -> Reason {
    Reason { code, whole: true, cause, cure }
}

/// All reasons, by code.
pub const REASONS: [Reason; 54] = [
    row(
        "above_maximum",
        "A number is greater than the column's `max`.",
        "Mend the value at its source, raise `max`, or list the value under `missing`.",
    ),
    row(
        "ambiguous_time",
        "A local time comes twice, where clocks are set back, and the column says `ambiguous = \"reject\"`.",
        "Export times with their offset, or declare `ambiguous` as `\"order\"`, `\"earlier\"` or `\"later\"`.",
    ),
    row(
        "bad_quote",
        "A quote opens and is not closed, or text follows where it is closed, or blanks stand before it.",
        "Double quotes inside a value, or declare `escape = \"\\\\\"` if a backslash stands before them, `skip_blanks = true` if \
         blanks stand around them, or `quote = \"none\"` \
         if quotes are characters like others. In a line that may be the header, it rejects the object.",
    ),
    row(
        "below_minimum",
        "A number is less than the column's `min`.",
        "Mend the value at its source, lower `min`, or list the value under `missing`.",
    ),
    whole(
        "damaged",
        "A zip archive, workbook or Parquet file is not as its format should be, has a password, or is packed by another method \
         than Deflate.",
        "Write or upload it again; the message says what is wrong.",
    ),
    whole(
        "duplicate_column",
        "Two columns have the same name, but for white space and upper case: which one is meant cannot be known.",
        "Rename one of them in the file.",
    ),
    whole(
        "duplicate_member",
        "A JSON document has two members of one name where `rows` point to or go through: rows of one of them would be lost. \
         Members of a row that are there twice are no such: the last one counts.",
        "Write one member, with all rows in its list. For `explode`, it rejects the row.",
    ),
    whole(
        "empty_snapshot",
        "A file of a table with `snapshot = true` has no row, or none that is valid: it would empty the table. The newest file \
         of another name is the table then; what the file itself had before it was overwritten is gone.",
        "Upload the whole list again. To empty the table, delete its raw objects. Rows that are rejected by themselves have \
         reasons of their own.",
    ),
    whole(
        "error_body",
        "A source answered an error in place of values. Beside series in one answer, it rejects that member alone.",
        "Ingest that day again; a member that comes with each answer costs nothing.",
    ),
    row(
        "excel_error",
        "A cell of a workbook is the error of a formula, such as `#N/A` or `#DIV/0!`.",
        "Mend the formula, or list the error under `missing` if it stands for a missing value.",
    ),
    row(
        "half_character",
        "A JSON text has half of a surrogate pair, such as `\\ud83d` without its other half: it stands for no character.",
        "Mend what cut or wrote the text, or write it without that half.",
    ),
    row(
        "line_too_long",
        "A line of JSON is longer than a row may be (8 MiB; 64 MiB if lists in it are exploded).",
        "Write one row per line; explode long lists.",
    ),
    whole(
        "missing_column",
        "The header lacks a declared column, or there is no header and the first line has another number of values. A header \
         below rows that lacks one rejects the rows below it. In JSON, no row has a declared member, and rows have an undeclared \
         one of the same letters, such as `startTime` for `start_time`.",
        "Rename the column in the file, or declare its name as `field`. Declare `optional = true` if files may lack it; \
         `header = \"find\"` or `skip_lines` if the header stands further below; `delimiter` if it is another one; \
         `header = \"never\"` if there is none.",
    ),
    row(
        "missing_key",
        "A value is missing that is part of the table's `key`: the row cannot be told from others.",
        "Mend the value at its source, or take the column out of `key`.",
    ),
    row(
        "missing_offset",
        "A time does not say how far it is from UTC, and the column has no time zone.",
        "Declare `zone = \"dataset\"` or the time zone that it is written in.",
    ),
    row(
        "missing_value",
        "A value is missing that is `required`.",
        "Mend the value at its source, or remove `required` if it may be missing.",
    ),
    row(
        "no_members",
        "A JSON object has none of the members that columns are read from.",
        "Declare the members' names as `field`, or where they are as `path`; `rows` if the rows are further within.",
    ),
    whole(
        "no_partition",
        "The table is partitioned by a part of the raw key, and the object's key lacks it or has no sound value there.",
        "Upload the object under a key such as `date=2026-11-19/NAME`.",
    ),
    whole(
        "no_rows",
        "There is nothing where `rows` or `explode` point to, or `explode` to an empty list. In a line of answers, it rejects that \
         answer alone.",
        "Correct the pointer; if the source answered an error, ingest that window again. For `explode`, it rejects the row, which \
         may have nothing to give: a table without `explode` has it.",
    ),
    whole(
        "no_sheet",
        "The workbook has no sheet of the declared name or number.",
        "Correct `sheet`, or rename the sheet.",
    ),
    row("not_a_bool", "A value is neither true nor false.", "Declare `true_values` and `false_values`."),
    row(
        "not_a_date",
        "A text is not a date as the column declares it (`%Y` takes four digits), or a value of a workbook or a Parquet file has a \
         time of day, or is an instant.",
        "Declare each `format` that occurs; for times `type = \"timestamp\"`, and a column with `day_of` for the day.",
    ),
    whole(
        "not_a_list",
        "One JSON object stands where a list of rows should be, and has no declared member: an error message, perhaps. Of answers \
         and of their series, it rejects the one that has no list alone.",
        "Look at the object; declare `rows` if the rows are further within. For `explode`, it rejects the row.",
    ),
    row(
        "not_a_monday",
        "A week of Codetrack is dated on another day than the Monday that it begins with.",
        "Nothing to do for a single one: which week is meant cannot be known. If all are, the API names weeks in another way.",
    ),
    row(
        "not_a_number",
        "A text is not a number, or has other marks for decimals or thousands.",
        "Declare `decimal` and `thousands`, `unit` or `accounting` as they are, or list the text under `missing`. No option reads a \
         minus that is another character than `-`, or digits in groups of two (`1,00,000`): write them otherwise.",
    ),
    row(
        "not_a_timestamp",
        "A text is not a time as the column declares it, or clocks skip that time where they are set forward.",
        "Declare each `format` that occurs, and the time zone that times are written in.",
    ),
    row(
        "not_an_integer",
        "A value is not a whole number, or is beyond 64 bits.",
        "Declare `float64`, or `round = true`; `string` for long identifiers; for texts with marks, `thousands`, `decimal`, `unit` or `accounting`.",
    ),
    row(
        "not_computed",
        "A cell of a workbook is a formula without its result: the program that wrote the file does not compute.",
        "Open the workbook in Excel or LibreOffice and save it, or write values in place of formulas.",
    ),
    whole(
        "not_decompressible",
        "A compressed object is damaged or incomplete, or is plain text under the name of something compressed.",
        "Upload it again, under a name that fits.",
    ),
    row(
        "not_exact",
        "A whole number beyond 2^53 stands in a workbook or a Parquet file as a double, which has lost its last digits, and the \
         column is no `float64`.",
        "Write it as an integer or a text where the file is made; declare `float64` if its last digits do not matter.",
    ),
    row(
        "not_finite",
        "A number is NaN or infinite.",
        "List `\"NaN\"` under `missing` if it stands for a missing value.",
    ),
    row("not_in_list", "A text is none of the column's `one_of`.", "Add it there, or mend it at its source."),
    row(
        "not_json",
        "A line or element is not a JSON object. Where a document as a whole is not JSON, it rejects the object.",
        "The message says where it stops to be JSON: write `null` for NaN, one row per line in NDJSON without commas between lines, \
         and no comments. Rows that are lists have no names for their values: write them as objects, or as CSV.",
    ),
    row(
        "not_utf8",
        "A record has bytes that are no text in UTF-8, or in the declared encoding. In a line that may be the header, it \
         rejects the object.",
        "Declare `encoding = \"windows-1252\"` or what else it is, or save the file as UTF-8.",
    ),
    row(
        "nul_byte",
        "A record has a NUL byte, or an escape that stands for one, which no text has.",
        "Upload the file again; look for a crash of what wrote it.",
    ),
    row(
        "out_of_range",
        "A date or time is of a year that is not 0001 to 9999, or of no school year (1970 to 2069), or a number is beyond \
         the range of doubles. In a workbook, a date or time is before 1900 (before 1904, if it counts from there) or after \
         9999: it counts no such days.",
        "Declare the unit that the time has: `epoch_ms` in place of `epoch_s`, for one. In a workbook, write such dates as \
         texts, and declare their `format`.",
    ),
    row(
        "record_too_long",
        "A record of a CSV file is longer than 1 MiB, with all lines of the values that it has in quotes (up to 16 MiB), or a \
         row of a Parquet file than 8 MiB. In a line that may be the header, it rejects the object, and so do rows of Parquet \
         that are longer than 64 MiB by what the file says of itself.",
        "Look for a lost line end; declare `quote = \"none\"` if quotes are characters like others.",
    ),
    whole("too_deep", "JSON is nested in more than 64 levels.", "Flatten it before it is uploaded."),
    whole(
        "too_large",
        "A part of a workbook becomes too large when it is unpacked, or a page of a Parquet file (more than 256 MiB).",
        "Save the sheet as CSV; write Parquet with smaller pages or row groups.",
    ),
    whole("too_long", "A JSON value is longer than is accepted.", "Write one object per row; explode long lists."),
    whole("too_many_files", "A zip archive has more than 10,000 files.", "Pack them in several."),
    whole("too_many_rows", "A partition would get more than 4 billion rows of one object.", "Upload it in parts."),
    whole("truncated", "A JSON object ends within a value.", "Upload it again: it is incomplete."),
    whole(
        "unclear_archive",
        "A zip archive has an entry with content that may hold rows and is no part: the second one of a name, a folder, a \
         link, a path that leads out of the archive, or a hidden file (a segment that begins with `.`, `__MACOSX`, \
         `Thumbs.db`); or something stands before or behind the archive. Empty entries are left out, and so is what macOS \
         and Windows leave behind, if it is that by its first bytes: `._NAME`, `.DS_Store`, `Thumbs.db`.",
        "Pack it again: each file with rows once, under a name of its own, and nothing else. The message names the entry.",
    ),
    whole(
        "unclear_header",
        "The first line has no declared name, and may be a header or a row. All columns are strings (so may lines before a later \
         one with all names be either); or the numbers or dates in it are as those of a series that is named so: years one after \
         the other, hours, or others where `field` is a number or a date.",
        "Declare `header = \"never\"`, `header = \"always\"` or `header = \"find\"`; of a header with other names, declare these as \
         `field`.",
    ),
    whole("unclear_sheet", "Several sheets of the workbook have cells.", "Declare `sheet`, by name or number."),
    whole(
        "unknown_format",
        "The name does not say how bytes become rows, and neither does the table.",
        "Declare `format`, or upload it under a name that ends in `.csv`, `.tsv`, `.json`, `.ndjson`, `.xlsx` or `.parquet`.",
    ),
    row(
        "unknown_timeseries",
        "A value is of a series that the metadata of its day does not have.",
        "Ingest that day again.",
    ),
    whole(
        "unreadable_column",
        "A declared column of a Parquet file has whole numbers of 16 bytes (Int128 or UInt128 of Polars), which Parquet does not \
         have.",
        "Write it as Int64 or as a decimal where the file is made.",
    ),
    row(
        "wrong_column_count",
        "A record has fewer or more values than the file has columns. Blank ones at its end do not count.",
        "Quote values with a delimiter in them; declare `quote`, `escape` or `delimiter` as they are.",
    ),
    whole(
        "wrong_encoding",
        "The object is UTF-16 text, or UTF-32; or it is UTF-8 where the table declares `windows-1252` or `iso-8859-1`: all bytes \
         beyond ASCII of its first 64 KiB are, as three or more usual characters.",
        "Declare `encoding = \"utf-16\"` or `\"utf-8\"` if it is that, or save it as UTF-8 with a byte order mark, which decides.",
    ),
    whole(
        "wrong_kind",
        "By its first bytes the object is something else than its name says: gzip, zip, Parquet, an Excel workbook, a web page; or \
         what no format reads: an OpenDocument spreadsheet, an old workbook (.xls), PDF, tar, ORC, an image. Or it is empty where a zip, a \
         workbook or Parquet should be, or a Parquet file that is encrypted, as a whole or in a declared column.",
        "Name it as what it is, or unpack or convert it; the message says which. Write Parquet without encryption.",
    ),
    row(
        "wrong_pattern",
        "A text does not match the column's `pattern`.",
        "Mend it at its source, or widen the pattern.",
    ),
    row(
        "wrong_type",
        "A list, an object or bytes that are no text stand where a single value should.",
        "In JSON, declare `path = \"/member/within\"`, or `explode` if each element is a row; in Parquet, write a column for each \
         value.",
    ),
];

/// The reason of a code.
pub fn reason(code: &str) -> Option<&'static Reason> {
    REASONS.iter().find(|reason| reason.code == code)
}

/// The reasons as a page in Markdown.
pub fn page() -> String {
    let mut text = String::from(
        "# Reasons of rejects\n\nA row or object that is not as its table declares goes to the rejection zone, with one of \
         these codes as its `reason`. This page is made from `functions/clean/src/reasons.rs`.\n\nFor each raw object with rejects \
         there is one object of NDJSON, `DATASET/TABLE/NAME.ndjson` in the rejection zone, with a line per reject: `raw_key` and \
         `raw_version` (the object), `row` (the line of a text, or the running index, from 1), `column` (none if the record as a \
         whole is wrong), `reason`, `message`, and `raw_text` (the record, with personal values as they came). A line that stands for \
         several rows has `rows`: that of an object that is rejected as a whole, and the closing lines where there are very \
         many. In DuckDB, by reason:\n\n```sql\nSELECT \
         reason, count(*) FROM read_json('lake/rejection/trams/**/*.ndjson') GROUP BY reason;\n```\n\n| reason | rejects | cause \
         | cure |\n|---|---|---|---|\n",
    );
    for Reason { code, whole, cause, cure } in REASONS {
        let rejects = if whole { "the object" } else { "the row" };
        text.push_str(&format!("| `{code}` | {rejects} | {cause} | {cure} |\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use regex::Regex;

    use super::*;

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            match path.is_dir() {
                true if name != "tests" => sources(&path, found),
                false
                    if name.ends_with(".rs")
                        && !["tests.rs", "oracle.rs", "dialects.rs", "reasons.rs"].contains(&name.as_str()) =>
                {
                    found.push(path);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn each_reason_is_explained_and_in_order() {
        assert!(REASONS.is_sorted_by(|one, next| one.code < next.code));
        let mut files = Vec::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        sources(&root.join("src"), &mut files);
        files
            .extend(["dataset/column.rs", "value.rs", "years.rs"].map(|name| root.join("../../shared/src").join(name)));
        let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        let texts: Vec<&str> = texts.iter().filter_map(|text| text.split("#[cfg(test)]\nmod tests {").next()).collect();
        for reason in REASONS {
            let literal = format!("\"{}\"", reason.code);
            assert!(texts.iter().any(|text| text.contains(&literal)), "{} is never given", reason.code);
            assert!(!reason.cause.is_empty() && !reason.cure.is_empty(), "{}", reason.code);
        }
        let given = Regex::new(r#"(?:Stop::reject\(|reason: |not_a\(|Err\(\()\s*"([a-z_]+)""#).unwrap();
        let used: BTreeSet<&str> = texts
            .iter()
            .flat_map(|text| given.captures_iter(text))
            .map(|groups| groups.get(1).unwrap().as_str())
            .collect();
        let unexplained: Vec<&str> =
            used.into_iter().filter(|code| code.contains('_') && reason(code).is_none()).collect();
        assert!(unexplained.is_empty(), "{unexplained:?}");
    }

    /// With `TRIBUTARY_BLESS` set, the page is written.
    #[test]
    fn the_page_is_up_to_date() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reasons.md");
        if std::env::var_os("TRIBUTARY_BLESS").is_some() {
            fs::write(&file, page()).unwrap();
        }
        let text = fs::read_to_string(&file).unwrap_or_default();
        assert!(text == page(), "docs/reasons.md is not what the code says: run this test with TRIBUTARY_BLESS=1");
    }
}
