//! What columns are called: names that SQL reads, of what a file calls them.

/// Names that SQL would read as something else, or that every table has by itself.
const TAKEN: [&str; 1] = [lake::dataset::RECEIVED_AT];
/// Words that SQL does not read as a column's name.
const KEYWORDS: [&str; 58] = [
    "all",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cast",
    "check",
    "column",
    "create",
    "cross",
    "default",
    "delete",
    "desc",
    "distinct",
    "drop",
    "else",
    "end",
    "except",
    "exists",
    "false",
    "fetch",
    "filter",
    "for",
    "from",
    "full",
    "group",
    "having",
    "in",
    "inner",
    "insert",
    "intersect",
    "into",
    "is",
    "join",
    "left",
    "like",
    "limit",
    "natural",
    "not",
    "null",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "right",
    "select",
    "set",
    "table",
    "then",
    "true",
    "union",
    "values",
    "where",
];

/// `Start Time (UTC)` becomes `start_time_utc`, `meterId` `meter_id`, and what has no letters `column_3`.
pub(super) fn column_name(label: &str, at: usize) -> String {
    let mut plain = String::new();
    // Small letters so far of a word. After one alone no other word begins: `kWh`, but for a short word: `numberOfCalls`.
    let mut small = 0;
    let letters_of: Vec<char> = label.chars().collect();
    for (at, &character) in letters_of.iter().enumerate() {
        if character.is_uppercase() && (small > 1 || is_behind_short_word(&letters_of, at)) {
            plain.push(' ');
        }
        small = if character.is_lowercase() { small + 1 } else { 0 };
        for lower in character.to_lowercase() {
            match letters(lower) {
                Some(letters) => plain.push_str(letters),
                None if lower.is_ascii_alphanumeric() => plain.push(lower),
                None => plain.push(' '),
            }
        }
    }
    let name = plain.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_");
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => name,
        Some(_) => format!("column_{name}"),
        None => format!("column_{}", at + 1),
    }
}

/// Whether a word begins at a capital letter behind one of two letters that begins with a capital as well: `meterIdOfSite`. Such a
/// pair of letters may also be within a word, as in `LoRa`.
fn is_behind_short_word(label: &[char], at: usize) -> bool {
    const SHORT: [&str; 10] = ["Of", "Id", "No", "Nr", "At", "To", "In", "On", "By", "Is"];
    let (before, rest) = label.split_at_checked(at).unwrap_or_default();
    let (others, word) = before.split_at_checked(before.len().saturating_sub(2)).unwrap_or_default();
    let is_start = others.last().is_none_or(|letter| !letter.is_uppercase());
    let goes_on = rest.get(1).is_some_and(|letter| letter.is_lowercase());
    is_start && goes_on && SHORT.contains(&word.iter().collect::<String>().as_str())
}

/// ASCII letters for one that has none.
fn letters(character: char) -> Option<&'static str> {
    Some(match character {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ō' | 'ő' => "o",
        'ö' | 'ø' | 'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ß' => "ss",
        'ť' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' | 'ű' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'µ' | 'μ' => "u",
        '²' => "2",
        '³' => "3",
        '°' => " ",
        '%' => " percent ",
        '€' => " eur ",
        _ => return None,
    })
}

/// A name that no other column has, nor a partition.
pub(super) fn unique(name: String, is_known: impl Fn(&str) -> bool) -> String {
    let is_free = |name: &str| !is_known(name) && !TAKEN.contains(&name);
    // A table that is cut by month has a column of that name.
    let name = if name == "month" { format!("{name}_value") } else { name };
    if is_free(&name) {
        return name;
    }
    let mut number = 2;
    loop {
        let numbered = format!("{name}_{number}");
        if is_free(&numbered) {
            return numbered;
        }
        number += 1;
    }
}

/// A column's name as SQL reads it.
pub(super) fn in_sql(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("\"{name}\"") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_accents_and_numbers_become_names() {
        for (label, name) in [
            ("Consumption (kWh)", "consumption_kwh"),
            (" Start ", "start"),
            ("Énergie consommée [Wh]", "energie_consommee_wh"),
            ("Température °C", "temperature_c"),
            ("PM10 (µg/m³)", "pm10_ug_m3"),
            ("Humidity %", "humidity_percent"),
            ("Größe", "groesse"),
            ("2019", "column_2019"),
            ("meterId", "meter_id"),
            ("firstValueMWh", "first_value_mwh"),
            ("numberOfCalls", "number_of_calls"),
            ("NoOfCalls", "no_of_calls"),
            ("meterIdOfSite", "meter_id_of_site"),
            ("LoRa", "lora"),
            ("SoC", "soc"),
            ("NoX", "nox"),
            ("", "column_3"),
            ("日付", "column_3"),
        ] {
            assert_eq!(column_name(label, 2), name, "{label}");
        }
        let known = ["a".to_owned(), "a_2".to_owned()];
        assert_eq!(unique("a".to_owned(), |name| known.iter().any(|known| known == name)), "a_3");
        assert_eq!(unique("month".to_owned(), |_| false), "month_value");
        assert_eq!(unique("received_at".to_owned(), |_| false), "received_at_2");
        assert_eq!((in_sql("order").as_str(), in_sql("kwh").as_str()), ("\"order\"", "kwh"));
    }
}
