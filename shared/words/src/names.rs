//! Names of columns and members, as they are compared.

/// A name as it is compared: in lower case, and without what is not seen around it. Within, all white space is one blank: a
/// header has line breaks and blanks that do not break.
pub fn compared(name: &str) -> String {
    let is_unseen = |character: char| character.is_whitespace() || matches!(character, '\u{200b}' | '\u{feff}');
    let words = name.trim_matches(is_unseen).split_whitespace();
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Whether two names are the same when they are compared.
pub fn is_same(one: &str, other: &str) -> bool {
    let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_graphic());
    one.eq_ignore_ascii_case(other) || !(is_plain(one) && is_plain(other)) && compared(one) == compared(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_but_for_case_and_white_space() {
        for (one, other, wanted) in [
            ("name", "NAME", true),
            (" Start\u{a0}time\n", "start time", true),
            ("\u{feff}id", "ID", true),
            ("É", "é", true),
            ("name", "names", false),
            ("start time", "start_time", false),
        ] {
            assert_eq!((is_same(one, other), is_same(other, one)), (wanted, wanted), "{one} {other}");
        }
    }
}
