//! Names of columns that say a quantity, whichever word of an id is also in them: `meter_reading`, `Number of calls`.
//!
//! A name is read as a whole phrase. What it is about comes last (`account balance`), or before `of` and the like (`number of
//! accounts`), so that a `reading number` is an id, and a `number of readings` none.

use super::names::{column_name, has_word, is_id};

/// Words between what is counted or measured and what it is of.
const OF: [&str; 13] = ["of", "van", "von", "der", "de", "d", "des", "du", "di", "del", "della", "dei", "do"];
/// Words that are an id's by themselves, and a quantity's before `of`.
const NUMBERS: [&str; 8] = ["number", "numbers", "num", "nr", "no", "nb", "zahl", "nombre"];
/// Further words that end the name of an id.
const IDS: [&str; 16] = [
    "id", "ids", "oid", "uuid", "guid", "key", "code", "codes", "ref", "nummer", "numero", "ean", "sku", "serial",
    "index", "type",
];
/// Words that say a quantity wherever they begin a name.
const FIRST: [&str; 31] = [
    "aantal", "anzahl", "total", "totaal", "gesamt", "sum", "som", "summe", "somme", "avg", "average", "mean",
    "median", "min", "max", "minimum", "maximum", "stdev", "variance", "saldo", "solde", "bedrag", "betrag", "montant",
    "importe", "importo", "valor", "valeur", "prix", "precio", "prezzo",
];
/// Words that say a quantity where a name ends in them.
const LAST: [&str; 71] = [
    "count",
    "counts",
    "reading",
    "readings",
    "balance",
    "balances",
    "amount",
    "amounts",
    "total",
    "totals",
    "sum",
    "value",
    "values",
    "price",
    "prices",
    "cost",
    "costs",
    "qty",
    "quantity",
    "quantities",
    "weight",
    "rate",
    "ratio",
    "percent",
    "percentage",
    "share",
    "avg",
    "average",
    "mean",
    "median",
    "min",
    "max",
    "minimum",
    "maximum",
    "consumption",
    "usage",
    "temperature",
    "temp",
    "humidity",
    "pressure",
    "voltage",
    "power",
    "energy",
    "speed",
    "distance",
    "duration",
    "score",
    "aantal",
    "waarde",
    "wert",
    "valeur",
    "valor",
    "stand",
    "lecture",
    "lectura",
    "lettura",
    "leitura",
    "releve",
    "consommation",
    "consumo",
    "consumos",
    "totaal",
    "gesamt",
    "summe",
    "somme",
    "solde",
    "montant",
    "importe",
    "prix",
    "precio",
    "age",
];
/// Ends of words of which the same is true, in languages that join words.
const ENDS: [&str; 14] = [
    "anzahl",
    "aantal",
    "stand",
    "saldo",
    "betrag",
    "bedrag",
    "preis",
    "prijs",
    "kosten",
    "verbrauch",
    "verbruik",
    "menge",
    "gewicht",
    "messwert",
];
/// Units behind a name: what is measured has one, and an id has none.
const UNITS: [&str; 49] = [
    "wh", "kwh", "mwh", "gwh", "kw", "mw", "kva", "kvarh", "joule", "kj", "mj", "gj", "volt", "volts", "kv", "amp",
    "amps", "watt", "watts", "hz", "khz", "eur", "euro", "euros", "usd", "gbp", "chf", "dollar", "dollars", "percent",
    "pct", "kg", "mg", "ug", "km", "cm", "mm", "m2", "m3", "ml", "hl", "liter", "liters", "litre", "litres", "celsius",
    "ppm", "ppb", "hpa",
];

/// Whether a name says a quantity.
pub(super) fn is_quantity(label: &str) -> bool {
    let name = column_name(&without_type(label), 0);
    let is_digits = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
    let mut words: Vec<&str> = name.split('_').filter(|word| !is_digits(word)).collect();
    let all = words.len();
    while words.last().is_some_and(|word| UNITS.contains(word)) {
        words.pop();
    }
    let has_unit = words.len() < all;
    if let Some(at) = words.iter().skip(1).position(|word| OF.contains(word)) {
        let (head, rest) = words.split_at(at + 1);
        return is_head(head, rest.last().copied().unwrap_or_default());
    }
    let Some((last, before)) = words.split_last() else { return has_unit };
    let is_first = before.first().is_some_and(|first| FIRST.contains(first));
    if NUMBERS.contains(last) {
        // A total number, and nitrogen oxide.
        return is_first && before.len() == 1 || *last == "no" && before.is_empty() && has_unit;
    }
    if IDS.contains(last) || last.ends_with("nr") || last.ends_with("nummer") {
        return false;
    }
    let counts = matches!(before, [first] if NUMBERS.contains(first)) && is_plural(last);
    has_unit || is_measure(last) || is_first || counts || before.contains(&"per")
}

fn is_plural(word: &str) -> bool {
    word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us")
}

/// Whether a name says so by what stands before `of`. `last` is its last word.
fn is_head(head: &[&str], last: &str) -> bool {
    let Some((word, before)) = head.split_last() else { return false };
    // The serial number of a device is an id, and a device's number of calls none.
    let is_plural = is_plural(last);
    let is_first = head.first().is_some_and(|first| FIRST.contains(first) || *first == "count");
    match *word {
        // The name of a customer in Spanish, and a number of clients in French: values decide.
        word if NUMBERS.contains(&word) => before.is_empty() || is_first || is_plural,
        // The number of an account is an id, those of accounts are counted.
        "numero" => before.is_empty() && ["as", "es", "os"].iter().any(|end| is_plural && last.ends_with(end)),
        word => is_measure(word) || is_first && !IDS.contains(&word),
    }
}

fn is_measure(word: &str) -> bool {
    let ends_so = |end: &&str| word.ends_with(*end);
    LAST.contains(&word) || FIRST.contains(&word) || ENDS.iter().any(ends_so)
}

/// Whether a name says that values tell things apart, and no quantity.
pub(super) fn tells_apart(label: &str) -> bool {
    is_id(&without_type(label)) && !is_quantity(label)
}

/// Whether a name is that of a table's own rows, whatever else a row has: `_id`, `id`.
pub(super) fn is_of_row(label: &str) -> bool {
    ["id", "uuid", "guid", "row_id", "record_id"].contains(&column_name(&without_type(label), 0).as_str())
}

/// Whether a name is that of ids that never come again, in other files neither: those that MongoDB makes, and UUIDs.
pub(super) fn is_of_all(label: &str) -> bool {
    label.starts_with('_') && is_of_row(label) || ["uuid", "guid"].contains(&column_name(label, 0).as_str())
}

/// A name without the type that MongoDB writes behind it, which says nothing of what a value is: `val.$numberDecimal`.
fn without_type(label: &str) -> String {
    const TYPES: [&str; 7] =
        ["$numberDecimal", "$numberDouble", "$numberLong", "$numberInt", "$oid", "$uuid", "$binary"];
    let label = label.trim();
    let bare = TYPES.iter().find_map(|of_type| label.strip_suffix(of_type)).unwrap_or(label);
    bare.trim_end_matches(['.', '/', '_', ' ']).to_owned()
}

/// Whether a word of a name says that values are amounts, or measured.
pub(super) fn is_amount(label: &str) -> bool {
    const AMOUNTS: [&str; 66] = [
        "price",
        "prices",
        "prijs",
        "preis",
        "prix",
        "precio",
        "prezzo",
        "preco",
        "amount",
        "amounts",
        "bedrag",
        "betrag",
        "montant",
        "importe",
        "importo",
        "valor",
        "cost",
        "costs",
        "kosten",
        "cout",
        "costo",
        "coste",
        "balance",
        "saldo",
        "solde",
        "total",
        "totaal",
        "gesamt",
        "sum",
        "summe",
        "somme",
        "value",
        "waarde",
        "wert",
        "valeur",
        "qty",
        "quantity",
        "aantal",
        "anzahl",
        "menge",
        "count",
        "weight",
        "gewicht",
        "poids",
        "peso",
        "rate",
        "ratio",
        "percent",
        "share",
        "avg",
        "average",
        "mean",
        "median",
        "min",
        "max",
        "std",
        "per",
        "pro",
        "conc",
        "concentration",
        "nox",
        "volume",
        "area",
        "mass",
        "emission",
        "emissions",
    ];
    has_word(label, &AMOUNTS, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_quantity_by_the_whole_phrase() {
        for label in [
            "meter_reading",
            "Meter Reading (kWh)",
            "meter_reading_1",
            "Account Balance",
            "account balance $numberDecimal",
            "account_total",
            "order_amount_eur",
            "meter_kwh",
            "number_of_calls",
            "phone_number_of_calls",
            "Nr of visits",
            "no. of items",
            "total number",
            "Total number of orders",
            "Anzahl Kunden",
            "Kundenanzahl",
            "Aantal klanten",
            "nombre de clients",
            "Nombre d'appels",
            "n\u{fa}mero de clientes",
            "saldo de cuenta",
            "Zählerstand",
            "meter_stand",
            "Count of ID",
            "Count (Distinct) of ID",
            "Sum of Amount",
            "Max of ID",
            "id count",
            "calls per account",
            "item_price",
            "amount.$numberDecimal",
            "no_ug_m3",
        ] {
            assert!(is_quantity(label), "{label}");
            assert!(!tells_apart(label), "{label}");
        }
        for label in [
            "reading number",
            "meter number",
            "number",
            "no",
            "part_no",
            "meter_id",
            "meter",
            "meter_reading_id",
            "Price code",
            "serial number of device",
            "id of reading",
            "code of balance sheet",
            "numéro de compte",
            "Kontonummer",
            "Rechnungsnr",
            "account",
            "customer_id.$numberLong",
            "_id.$oid",
        ] {
            assert!(!is_quantity(label), "{label}");
            assert!(tells_apart(label), "{label}");
        }
        for label in ["val.$numberDecimal", "date of reading", "name", "site", "v", ""] {
            assert!(!is_quantity(label) && !tells_apart(label), "{label}");
        }
        assert!(["id", "_id", "_id.$oid", "_id $oid", "ID", "uuid"].iter().all(|label| is_of_row(label)));
        assert!(!["user_id", "user id", "key", "idea", "id_type"].iter().any(|label| is_of_row(label)));
        assert!(is_of_all("_id.$oid") && !is_of_all("id"));
    }
}
