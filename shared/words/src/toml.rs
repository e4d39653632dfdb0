//! Messages of the TOML reader, in the words of those who write TOML.

/// What the TOML reader reports, without the names that types have in Rust.
pub fn plain(message: &str) -> String {
    if message.starts_with("invalid basic string") {
        return "a text in \"quotes\" is not closed on its line, or has a \\ that is not written \\\\".to_owned();
    }
    if message.starts_with("invalid literal string") {
        return "a text in 'quotes' is not closed on its line".to_owned();
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        return match rest.split_once(", expected ") {
            Some((found, known)) => {
                let known = known.trim_start_matches("one of ");
                format!("unknown value {found}, expected {known}")
            }
            None => format!("unknown value {rest}"),
        };
    }
    if let Some((found, wanted)) =
        message.strip_prefix("invalid length ").and_then(|rest| rest.split_once(", expected "))
    {
        return match wanted.strip_prefix("an array of length ") {
            Some(wanted) => format!("{wanted} values are expected here, not {found}"),
            None => format!("{wanted} is expected here, and there are {found} values"),
        };
    }
    let typed = ["invalid type: ", "invalid value: "].iter().find_map(|prefix| message.strip_prefix(prefix));
    match typed.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, wanted)) => format!("{} is expected here, not {}", wanted_type(wanted), found_value(found)),
        None => message.to_owned(),
    }
}

fn wanted_type(name: &str) -> &str {
    match name {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" | "str" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list in [ ]",
        "a map" => "a table",
        "a character" => "a single character in quotes",
        name if name.starts_with("struct ") => "a table",
        name => name,
    }
}

fn found_value(found: &str) -> String {
    for (name, shown) in [
        ("string ", "the text "),
        ("integer ", ""),
        ("floating point ", ""),
        ("boolean ", ""),
        ("character ", "the text "),
    ] {
        if let Some(value) = found.strip_prefix(name) {
            return format!("{shown}{}", value.trim_matches('`'));
        }
    }
    match found {
        "sequence" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        found => found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_no_words_of_rust() {
        for (message, wanted) in [
            (
                "invalid type: string \"30\", expected u32",
                "a whole number from 0 on is expected here, not the text \"30\"",
            ),
            ("invalid value: integer `-1`, expected u64", "a whole number from 0 on is expected here, not -1"),
            (
                "invalid type: string \"x, expected y\", expected f64",
                "a number is expected here, not the text \"x, expected y\"",
            ),
            ("invalid type: string \"a\", expected a sequence", "a list in [ ] is expected here, not the text \"a\""),
            ("invalid type: map, expected a boolean", "true or false is expected here, not a table"),
            ("invalid type: sequence, expected struct Csv", "a table is expected here, not a list"),
            ("invalid length 3, expected an array of length 2", "2 values are expected here, not 3"),
            ("unknown variant `a`, expected one of `b`, `c`", "unknown value `a`, expected `b`, `c`"),
            ("unknown variant `a`, expected `b` or `c`", "unknown value `a`, expected `b` or `c`"),
            ("duplicate key", "duplicate key"),
        ] {
            assert_eq!(plain(message), wanted);
        }
        assert!(plain("invalid basic string, expected `\"`").contains("not closed"));
    }
}
