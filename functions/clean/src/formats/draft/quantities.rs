//! Names of columns that say a quantity, whichever word of an id is also in them: `meter_reading`, `Number of calls`.
//!
//! A name is read as a whole phrase. What it is about comes last (`account balance`), or before `of` and the like (`number of
//! accounts`), so that a `reading number` is an id, and a `number of readings` none.

use super::names::is_id;
use super::naming::column_name;

/// Words between what is counted or measured and what it is of.
const OF: [&str; 13] = ["of", "van", "von", "der", "de", "d", "des", "du", "di", "del", "della", "dei", "do"];
/// Words that are an id's by themselves, and a quantity's before `of`, or before what is counted.
const NUMBERS: [&str; 8] = ["number", "numbers", "num", "nr", "no", "nb", "zahl", "nombre"];
/// Those of them that say how many behind what is counted: `units number`, `seats_no`, where `unit number` is an id.
const NUMBERS_BEHIND: [&str; 6] = ["number", "numbers", "num", "nb", "nr", "no"];
/// How words of German end before `Nr`, and are no plurals: `Rechnungs-Nr`.
const JOINED: [&str; 9] = ["ungs", "schafts", "heits", "keits", "itaets", "trags", "iebs", "ieds", "ktions"];
/// Words that say a quantity beside any number or id: `volume_no`, `total_id`.
const MEASURED: [&str; 20] = [
    "volume",
    "volumes",
    "amount",
    "amounts",
    "flow",
    "flows",
    "cumulative",
    "total",
    "totals",
    "score",
    "scores",
    "temperature",
    "temperatures",
    "rainfall",
    "precipitation",
    "level",
    "levels",
    "humidity",
    "pressure",
    "consumption",
];
/// Numbers and ids that these make quantities of.
const WITH_MEASURED: [&str; 13] =
    ["number", "numbers", "num", "nr", "no", "nb", "id", "ids", "nummer", "numero", "index", "zahl", "nombre"];
/// Units that stand before a number or an id as well: `kwh_no`. Others may be of what an id is of, as in `eur_account_id`.
const UNITS_BEFORE: [&str; 13] =
    ["wh", "kwh", "mwh", "gwh", "gj", "ug", "mg", "mm", "m2", "m3", "ppm", "ppb", "celsius"];
/// Further words that end the name of an id.
const IDS: [&str; 16] = [
    "id", "ids", "oid", "uuid", "guid", "key", "code", "codes", "ref", "nummer", "numero", "ean", "sku", "serial",
    "index", "type",
];
/// What says how many ids there are: `distinct_user_ids`. One of them may be unique.
const COUNTING: [&str; 8] = ["n", "nb", "count", "counts", "unique", "distinct", "aantal", "anzahl"];
/// What is made of several ids, and is none of a row: `max_id`.
const OF_SEVERAL: [&str; 9] = ["min", "max", "minimum", "maximum", "avg", "average", "mean", "median", "sum"];
const OF_ROWS: [&str; 2] = ["id", "ids"];
/// Which of several ids it is: `last_id`.
const WHICH: [&str; 8] = ["last", "first", "latest", "newest", "oldest", "previous", "prev", "next"];
/// What becomes of things that are counted: `number sold`.
const DONE: [&str; 60] = [
    "absent",
    "accepted",
    "added",
    "admitted",
    "answered",
    "available",
    "besteld",
    "bestellt",
    "born",
    "bought",
    "canceled",
    "cancelled",
    "closed",
    "completed",
    "consumed",
    "counted",
    "delivered",
    "died",
    "downloaded",
    "employed",
    "enrolled",
    "failed",
    "finished",
    "found",
    "geliefert",
    "infected",
    "injured",
    "installed",
    "killed",
    "left",
    "lost",
    "made",
    "missed",
    "opened",
    "ordered",
    "paid",
    "passed",
    "present",
    "produced",
    "received",
    "rejected",
    "remaining",
    "removed",
    "returned",
    "sent",
    "served",
    "shipped",
    "sold",
    "started",
    "tested",
    "treated",
    "unpaid",
    "used",
    "vaccinated",
    "vendidos",
    "vendus",
    "verkauft",
    "verkocht",
    "visited",
    "won",
];
/// Words that end as several things do, and are one or no number of them: a number before or behind these is an id.
const ONE: [&str; 15] = [
    "series", "species", "sales", "goods", "customs", "premises", "works", "news", "parts", "plates", "gas", "lens",
    "atlas", "pays", "acces",
];
/// Units behind a name: what is measured has one, and an id has none.
const UNITS: [&str; 49] = [
    "wh", "kwh", "mwh", "gwh", "kw", "mw", "kva", "kvarh", "joule", "kj", "mj", "gj", "volt", "volts", "kv", "amp",
    "amps", "watt", "watts", "hz", "khz", "eur", "euro", "euros", "usd", "gbp", "chf", "dollar", "dollars", "percent",
    "pct", "kg", "mg", "ug", "km", "cm", "mm", "m2", "m3", "ml", "hl", "liter", "liters", "litre", "litres", "celsius",
    "ppm", "ppb", "hpa",
];

/// Where in a name a word says a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// At its front: `total calls`.
    Front,
    /// At its end, or before `of`: `meter reading`.
    End,
    /// At the end of its last word, in languages that join words: `Kundenanzahl`.
    Tail,
    /// Anywhere, where values look like amounts as well: `price per item`.
    Within,
}

/// Words of quantities, with their forms in some languages, and where in a name they say one.
const QUANTITIES: [(&[At], &[&str]); 18] = {
    use At::{End, Front, Tail, Within};
    [
        // How many.
        (&[Front, End, Within], &["count", "counts", "qty", "quantity", "quantities"]),
        (&[Front, End, Tail, Within], &["aantal", "anzahl"]),
        (&[End, Tail, Within], &["menge"]),
        // What is made of several.
        (
            &[Front, End, Within],
            &[
                "total", "totals", "totaal", "gesamt", "sum", "som", "summe", "somme", "avg", "average", "mean",
                "median",
            ],
        ),
        (&[Front, End, Within], &["min", "max", "minimum", "maximum", "std", "stdev", "variance"]),
        (&[End, Within], &["rate", "ratio", "percent", "percentage", "share"]),
        (&[Within], &["per", "pro"]),
        // Money.
        (&[End, Within], &["amount", "amounts", "price", "prices", "cost", "costs", "balance", "balances"]),
        (&[Front, End, Tail, Within], &["saldo", "bedrag", "betrag"]),
        (
            &[Front, End, Within],
            &["solde", "montant", "importe", "importo", "prix", "precio", "prezzo", "valor", "valeur"],
        ),
        (&[End, Within], &["preco", "cout", "costo", "coste", "value", "values", "waarde", "wert"]),
        (&[End, Tail, Within], &["prijs", "preis", "kosten", "gewicht"]),
        // What is measured.
        (&[End, Within], &["weight", "poids", "peso", "mass", "conc", "concentration", "emission", "emissions"]),
        (&[Within], &["nox", "volume", "area"]),
        (&[End, Tail], &["stand", "verbrauch", "verbruik", "messwert"]),
        (&[End], &["reading", "readings", "lecture", "lectura", "lettura", "leitura", "releve", "score", "age"]),
        (&[End], &["consumption", "consommation", "consumo", "consumos", "usage", "power", "energy", "voltage"]),
        (
            &[End],
            &[
                "temperature",
                "temp",
                "humidity",
                "pressure",
                "speed",
                "distance",
                "duration",
                "rainfall",
                "flow",
                "level",
            ],
        ),
    ]
};

/// Whether a word says a quantity at a place of a name.
fn says(word: &str, place: At) -> bool {
    let is_of = |(places, words): &(&[At], &[&str])| {
        let is_one = |known: &&str| if place == At::Tail { word.ends_with(*known) } else { word == *known };
        places.contains(&place) && words.iter().any(is_one)
    };
    QUANTITIES.iter().any(is_of)
}

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
    let is_measured = |word: &&str| MEASURED.contains(word) || UNITS_BEFORE.contains(word);
    if has_unit || WITH_MEASURED.contains(last) && before.iter().any(is_measured) {
        return true;
    }
    let is_first = before.first().is_some_and(|first| says(first, At::Front));
    if NUMBERS.contains(last) {
        let is_joined = |word: &str| *last == "nr" && JOINED.iter().any(|end| word.ends_with(end));
        let are_counted = before.last().is_some_and(|things| is_plural(things) && !is_joined(things));
        // A total number; that of a count is an id.
        return NUMBERS_BEHIND.contains(last) && are_counted
            || is_first && before.len() == 1 && before.first() != Some(&"count");
    }
    let counts_ids = *last == "ids" && before.iter().any(|word| NUMBERS.contains(word) || COUNTING.contains(word));
    if counts_ids || OF_ROWS.contains(last) && before.first().is_some_and(|first| OF_SEVERAL.contains(first)) {
        return true;
    }
    if IDS.contains(last) || last.ends_with("nr") || last.ends_with("nummer") {
        return false;
    }
    // `N°` is that of one thing.
    let is_ordinal = label.contains(['°', 'º', '№']);
    let counts = before.first().is_some_and(|first| NUMBERS.contains(first) || *first == "n" && !is_ordinal)
        && (is_plural(last) || words.iter().skip(1).any(|word| DONE.contains(word)));
    is_measure(last) || is_first || counts || before.contains(&"per")
}

/// Whether a name may say how many ids there are, or which of them a row has to do with, rather than its own.
pub(super) fn may_count_ids(name: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    matches!(words.as_slice(), [.., "ids"]) || matches!(words.as_slice(), [first, .., "id"] if WHICH.contains(first))
}

/// Whether a name is that of an id of several things, or of how many there are: `visits_id`.
pub(super) fn is_id_of_several(name: &str) -> bool {
    matches!(name.split('_').collect::<Vec<_>>().as_slice(), [.., things, "id"] if is_plural(things))
}

/// Whether a word is one for several things.
fn is_plural(word: &str) -> bool {
    let is_one = ["ss", "us", "is"].iter().any(|end| word.ends_with(end)) || ONE.contains(&word);
    word.len() > 3 && word.ends_with('s') && !is_one
}

/// Whether a name says so by what stands before `of`. `last` is its last word.
fn is_head(head: &[&str], last: &str) -> bool {
    let Some((word, before)) = head.split_last() else { return false };
    // The serial number of a device is an id, and a device's number of calls none.
    let is_plural = is_plural(last);
    let is_first = head.first().is_some_and(|first| says(first, At::Front));
    match *word {
        // The name of a customer in Spanish, and a number of clients in French: values decide.
        word if NUMBERS.contains(&word) => before.is_empty() || is_first || is_plural,
        // The number of an account is an id, those of accounts are counted.
        "numero" => before.is_empty() && ["as", "es", "os"].iter().any(|end| is_plural && last.ends_with(end)),
        word => is_measure(word) || is_first && !IDS.contains(&word),
    }
}

fn is_measure(word: &str) -> bool {
    says(word, At::End) || says(word, At::Tail)
}

/// Whether a name says that values tell things apart, and no quantity.
pub(super) fn tells_apart(label: &str) -> bool {
    is_id(&without_type(label)) && !is_quantity(label)
}

/// Whether a name is that of a table's own rows, whatever else a row has: `_id`, `id`, `row_id`.
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
    column_name(label, 0).split('_').any(|word| says(word, At::Within))
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
            "numberOfCalls",
            "NoOfCalls",
            "number_sold",
            "num_sold",
            "num calls answered",
            "n_calls",
            "units_number",
            "qty",
            "Qty",
            "volume_no",
            "flow_nr",
            "cumulative_number",
            "total_id",
            "score_id",
            "temperature_no",
            "ref_level",
            "kWh no",
            "id_kwh",
            "co2_id_ppm",
            "export_id_kwh",
            "kwh_reading_number",
            "reading_no_kwh",
            "visits_no",
            "passengers_nr",
            "calls_nr",
            "seats_no",
            "quantity ordered",
            "count_sold",
            "n_ids",
            "num_ids",
            "nr_ids",
            "count_ids",
            "unique_ids",
            "distinct_user_ids",
            "max_id",
            "avgId",
        ] {
            assert!(is_quantity(label), "{label}");
            assert!(!tells_apart(label), "{label}");
        }
        for label in [
            "reading number",
            "meter number",
            "number",
            "num",
            "no",
            "part_no",
            "unit_number",
            "series_no",
            "chassis number",
            "sales number",
            "count number",
            "bus number",
            "business no",
            "Rechnungs-Nr.",
            "Vertrags Nr",
            "visit_no",
            "level_code",
            "eur_account_id",
            "number_called",
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
            "readingNumber",
            "series number",
            "sales_number",
            "parts_number",
            "number_sold_code",
            "N° id",
            "unique_id",
            "ids",
            "user_ids",
            "last_id",
            "visits_id",
        ] {
            assert!(!is_quantity(label), "{label}");
            assert!(tells_apart(label), "{label}");
        }
        for label in ["val.$numberDecimal", "date of reading", "name", "site", "v", "N° colis", "n", ""] {
            assert!(!is_quantity(label) && !tells_apart(label), "{label}");
        }
        assert!(["id", "_id", "_id.$oid", "_id $oid", "ID", "uuid"].iter().all(|label| is_of_row(label)));
        assert!(!["user_id", "user id", "key", "idea", "id_type"].iter().any(|label| is_of_row(label)));
        assert!(is_of_all("_id.$oid") && !is_of_all("id"));
    }
}
