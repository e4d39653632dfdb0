//! What is said of a header that names columns by values, such as the days that numbers are of.

use super::looks::{Look, look};

/// What people should know of the names of a header.
pub(super) fn note(names: &[String]) -> Option<String> {
    let is_value = |name: &&String| !matches!(look(name), Look::Text | Look::Blank);
    let what = match names.iter().filter(is_value).count() {
        0 => return None,
        1 => "the header names 1 column by years, dates, times or numbers".to_owned(),
        count => format!(
            "the header names {count} columns by years, dates, times or numbers, as a wide table does, which has a column for each"
        ),
    };
    Some(format!(
        "{what}: a file of other ones lacks them, so write optional = true for those that come and go; for a row per value, have a \
         model SELECT each of them with its date or number as a column, joined by UNION ALL, or upload rows with the date in a column \
         of its own"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_table_is_said_to_be_one() {
        let of = |names: &[&str]| note(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["site", "kwh", ""]), None);
        let one = of(&["site", "2026"]).unwrap();
        assert!(one.contains("1 column by years") && !one.contains("wide"), "{one}");
        let several = of(&["site", "2026-11-01", "2026-11-02", "2026", "total"]).unwrap();
        assert!(several.contains("3 columns by years") && several.contains("as a wide table does"), "{several}");
        assert!(several.contains("optional = true") && several.contains("UNION ALL"), "{several}");
    }
}
