//! Keeps personal columns off pages that do not say that they have them.
//!
//! A query of such a page may not name a personal column, nor take all columns: then nothing of a personal column can
//! reach its result, whatever it is renamed to or computed from.

use std::collections::BTreeSet;

use crate::mistake::Mistake;

pub(super) fn check(page: &str, sql: &str, personal: &BTreeSet<String>) -> Result<(), Mistake> {
    let tokens = tokens(sql);
    let mut before = String::new();
    for token in &tokens {
        if personal.contains(token) {
            let why = format!(
                "a query names the personal column \"{token}\": leave it out, or put `personal = true` on the page, which \
                 writes it below _personal/"
            );
            return Err(Mistake::new("", None, format!("page \"{page}\""), why));
        }
        if token == "*" && matches!(before.as_str(), "select" | "distinct" | "all" | "," | ".") {
            let why = "a query takes all columns (*), personal ones among them: name the columns that it needs";
            return Err(Mistake::new("", None, format!("page \"{page}\""), why));
        }
        before.clone_from(token);
    }
    Ok(())
}

/// Identifiers and signs, in small letters, without texts in quotes and comments.
fn tokens(sql: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else if first == '\'' {
            rest = after.split_once('\'').map_or("", |(_, after)| after);
        } else if first == '"' || first == '`' {
            let (name, after) = after.split_once(first).unwrap_or((after, ""));
            tokens.push(name.to_lowercase());
            rest = after;
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            tokens.push(name.to_lowercase());
            rest = after;
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            rest = after;
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(sql: &str) -> bool {
        let personal = BTreeSet::from(["email".to_owned(), "name".to_owned()]);
        check("report", sql, &personal).is_err()
    }

    #[test]
    fn personal_columns_cannot_be_taken() {
        for sql in [
            "SELECT email FROM t",
            "SELECT upper(t.EMAIL) AS x FROM t",
            "SELECT \"name\" AS x FROM t",
            "SELECT * FROM t",
            "SELECT a, t.* FROM t",
            "SELECT DISTINCT * FROM t",
            "SELECT 'it''s', name FROM t",
        ] {
            assert!(refused(sql), "{sql}");
        }
    }

    #[test]
    fn other_queries_pass() {
        for sql in [
            "SELECT count(*), a * b FROM t -- name\n",
            "SELECT 'email' AS kind /* name */, names FROM t",
            "SELECT count(*) * 2 FROM t",
        ] {
            assert!(!refused(sql), "{sql}");
        }
    }
}
