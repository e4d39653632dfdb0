//! Texts that are no table, by what they are: documents of XML and HTML, and dumps of SQL.

use crate::error::Stop;
use crate::formats::kinds;

/// Bytes that are looked at.
const LOOKED_AT: usize = 64 * 1024;
/// What statements begin with that stand in a dump before those that make tables and rows.
const FIRST: [&str; 20] = [
    "alter", "begin", "commit", "copy", "create", "delete", "drop", "go", "if", "insert", "lock", "pragma", "replace",
    "select", "set", "start", "truncate", "unlock", "use", "comment",
];

/// Refuses a text that is XML, HTML or SQL, by what it is.
pub(super) fn refuse(text: &[u8]) -> Result<(), Stop> {
    let head = text.get(..LOOKED_AT).unwrap_or(text);
    kinds::refuse_markup(head)?;
    let head = String::from_utf8_lossy(head);
    if is_xml(&head) {
        let why = "it is an XML or HTML document, and no format reads such: write its rows as CSV, or as JSON, one object per line";
        return Err(Stop::reject("wrong_kind", why));
    }
    if is_sql(&head) {
        let why = "it is SQL, statements that make tables and rows, and no format reads such: export the rows themselves as CSV, in \
                   PostgreSQL by COPY ... TO ... CSV HEADER, in MySQL by SELECT ... INTO OUTFILE, in SQLite by .mode csv";
        return Err(Stop::reject("wrong_kind", why));
    }
    Ok(())
}

/// Whether a text begins with a comment of XML, or with a tag that others are within or that ends. Some tables have names in
/// such brackets, `<DATE>,<OPEN>`, and values with tags.
fn is_xml(head: &str) -> bool {
    let text = head.trim_start();
    let Some(rest) = text.strip_prefix('<') else { return false };
    let name = rest.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next().unwrap_or_default();
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || "_-.:".contains(c));
    let Some((_, behind)) = rest.split_once('>').filter(|_| is_name) else { return text.starts_with("<!--") };
    let is_ended = rest.contains(&format!("</{name}"));
    let is_around = behind.starts_with(['<', '\r', '\n', ' ']) && behind.trim_start().starts_with('<');
    let is_empty = behind.trim().is_empty() && rest.trim_end().ends_with("/>");
    is_ended || is_empty || is_around && (behind.contains("</") || behind.contains("/>"))
}

/// Whether a text begins with a statement of SQL, and has one that makes a table or rows.
fn is_sql(head: &str) -> bool {
    let makes = |line: &str| {
        let of = |start: &str, parts: &[&str]| line.starts_with(start) && parts.iter().any(|part| line.contains(part));
        of("create table ", &["("])
            || ["insert into ", "insert or ", "replace into "]
                .iter()
                .any(|start| of(start, &["(", " values", " select"]))
            || of("copy ", &[" from stdin"])
    };
    let mut lines = head.lines().map(|line| line.trim_start().to_lowercase());
    let is_comment = |line: &str| line.is_empty() || ["--", "/*", "*/", "\\"].iter().any(|mark| line.starts_with(mark));
    let Some(first) = lines.find(|line| !is_comment(line)) else { return false };
    let word = first.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    FIRST.contains(&word) && std::iter::once(first.clone()).chain(lines).any(|line| makes(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_dumps_are_no_tables() {
        for (text, wanted) in [
            ("<rows><row/></rows>\n", "XML"),
            ("<rows/>", "XML"),
            ("<rows>\n  <row id=\"1\"/>\n  <row id=\"2\"/>\n", "XML"),
            ("\n<r:rows xmlns:r=\"x\"><r:v>1</r:v>\n", "XML"),
            ("<!-- by x -->\n<rows>\n", "XML"),
            ("<v>5</v>", "XML"),
            ("<?xml version=\"1.0\"?><rows/>", "XML"),
            ("<table>\n<tr><td>1</td></tr>\n</table>", "XML"),
            ("CREATE TABLE t (id int, v text);\nINSERT INTO t VALUES (1, 'a');\n", "SQL"),
            (
                "-- MySQL dump\n--\n/*!40101 SET x */;\n\nDROP TABLE IF EXISTS `t`;\nCREATE TABLE `t` (\n  `id` int\n);\n",
                "SQL",
            ),
            ("--\n-- PostgreSQL\n--\n\\restrict x\nSET a = 0;\nCOPY public.t (id) FROM stdin;\n1\n\\.\n", "SQL"),
            ("insert into t values (1);\ninsert into t values (2);\n", "SQL"),
            ("USE [x]\nGO\nCREATE TABLE [dbo].[t](\n[id] int)\nGO\nINSERT [dbo].[t] VALUES (1)\n", "SQL"),
            ("comment;who\ncreate table for guests;Jan\n", ""),
            ("use;n\ncopy room;5\ninsert into slot;6\n", ""),
            ("<DATE>\t<OPEN>\n2026-11-01\t5\n", ""),
            ("<TICKER>,<PER>\nA,<b>x</b>\nB,<br/>\n", ""),
            ("<10,10-20\n1,2\n", ""),
            ("< 5;> 5\n1;2\n", ""),
            ("id;statement\n1;insert into t values (1)\n", ""),
            ("insert;update\n1;2\n", ""),
            ("select\ncreate table\n", ""),
            ("id,v\n1,2\n", ""),
        ] {
            let why = match refuse(text.as_bytes()) {
                Err(Stop::Reject(reject)) => reject.message,
                Err(Stop::Broken(why)) => why,
                Ok(()) => String::new(),
            };
            assert!(why.contains(wanted), "{text}: {why}");
            assert_eq!(why.is_empty(), wanted.is_empty(), "{text}: {why}");
        }
    }
}
