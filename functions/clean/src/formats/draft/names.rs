//! What names of columns hint at.

pub(super) use super::describes::{describes, describes_values};
use super::naming::column_name;
use super::quantities::{is_amount, is_id_of_several, is_of_row, is_quantity, tells_apart};

/// Parts of names of times and dates.
const TIME_PARTS: [&str; 16] = [
    "time",
    "date",
    "stamp",
    "epoch",
    "datum",
    "fecha",
    "heure",
    "moment",
    "zeitpunkt",
    "yyyymm",
    "yymmdd",
    "ddmmyy",
    "jjjjmm",
    "tijdstip",
    "zeitstempel",
    "horodat",
];

pub(super) fn has_word(label: &str, words: &[&str], parts: &[&str]) -> bool {
    let name = column_name(label, 0);
    name.split('_').any(|word| words.contains(&word)) || parts.iter().any(|part| name.contains(part))
}

/// Whether a name says that values are times or dates.
pub(super) fn is_time(label: &str) -> bool {
    let words = [
        "at", "ts", "t", "on", "when", "day", "dag", "jour", "tag", "dia", "unix", "created", "updated", "modified",
        "start", "begin", "end", "from", "to", "until", "since", "last", "first", "received", "uhr", "tijd", "zeit",
        "hora",
    ];
    has_word(label, &words, &TIME_PARTS)
}

/// Whether a name says so without doubt.
pub(super) fn is_date(label: &str) -> bool {
    has_word(label, &["day", "dag", "jour", "tag", "dia"], &TIME_PARTS)
}

/// Whether a name is that of times of day, and not of dates.
pub(super) fn is_clock(label: &str) -> bool {
    let is_of_day = has_word(
        label,
        &["tijd", "uur", "zeit", "uhr", "hora", "hour", "at"],
        &["time", "tijdstip", "uhrzeit", "heure"],
    );
    is_of_day && !has_word(label, &["day", "dag", "tag", "jour", "dia"], &["date", "datum", "fecha", "stamp"])
}

/// Whether a name says that values tell things apart.
pub(super) fn is_id(label: &str) -> bool {
    let words = [
        "id", "ids", "key", "code", "uuid", "guid", "nr", "no", "number", "num", "ref", "ean", "serial", "sku",
        "meter", "device", "sensor", "station", "account", "customer", "index",
    ];
    let stems = ["user", "person", "order", "item", "product", "asset", "site", "location", "client"];
    let name = column_name(label, 0);
    let is_stem = |stem: &str| words.contains(&stem) || stems.contains(&stem);
    // No word ends so but numbers of orders, customers, cards: `Bestelnr`.
    let is_number = name.ends_with("nr");
    is_number
        || has_word(label, &words, &["nummer", "numero", "identif", "barcode"])
        || name.strip_suffix("id").is_some_and(is_stem)
}

/// Whether a name says that values number rows, or those within something else: `line_no`, `seq`.
pub(super) fn is_counter(label: &str) -> bool {
    let alone = [
        "seq",
        "sequence",
        "position",
        "pos",
        "idx",
        "index",
        "rank",
        "rang",
        "row",
        "rownum",
        "step",
        "counter",
        "volgnr",
        "volgnummer",
        "regel",
        "regelnr",
        "regelnummer",
        "zeile",
        "ligne",
        "lineno",
        "linenr",
        "rowno",
        "rownr",
        "seqno",
        "seqnr",
        "posnr",
    ];
    let stems =
        ["line", "row", "seq", "sequence", "pos", "position", "step", "regel", "volg", "zeilen", "zeile", "ligne"];
    let ends = ["no", "nr", "num", "number", "idx", "index", "nummer"];
    let name = column_name(label, 0);
    let words: Vec<&str> = name.split('_').collect();
    alone.contains(&name.as_str())
        || words
            .last()
            .is_some_and(|last| ["seq", "sequence", "idx", "index", "position", "pos", "lineno"].contains(last))
        || words.windows(2).any(|pair| matches!(pair, [stem, end] if stems.contains(stem) && ends.contains(end)))
}

/// Whether a name may say so, where values do.
pub(super) fn may_be_counter(label: &str) -> bool {
    let stems = ["item", "part", "stop", "page", "detail", "entry", "sub", "leg", "artikel"];
    let ends = ["no", "nr", "num", "number", "nummer"];
    let name = column_name(label, 0);
    match name.split('_').collect::<Vec<_>>().as_slice() {
        [only] => ends.contains(only) || *only == "line",
        [.., stem, end] => stems.contains(stem) && ends.contains(end),
        [] => false,
    }
}

/// Whether a name is that of ids of what happens once, and may have several lines.
pub(super) fn is_event(label: &str) -> bool {
    has_word(
        label,
        &["trip", "session", "visit", "bon", "rit", "beleg", "sale"],
        &[
            "order",
            "invoice",
            "transaction",
            "ticket",
            "booking",
            "basket",
            "receipt",
            "shipment",
            "delivery",
            "payment",
            "purchase",
            "event",
            "message",
            "bestel",
            "factuur",
            "facture",
            "rechnung",
            "commande",
            "pedido",
            "factura",
        ],
    )
}

/// Whether a name says an id for certain, by `id` at its end or by what happens once. A number, such as `index_no`, may be one that
/// is counted or measured as well, and so may `visits_id`.
pub(super) fn is_sure_id(label: &str) -> bool {
    let name = column_name(label, 0);
    let ends = ["id", "ids", "uuid", "guid", "key"];
    let is_end = |last: &str| ends.iter().any(|end| last.ends_with(end));
    is_event(label)
        || name.split('_').next() == Some("record")
        || name.split('_').next_back().is_some_and(is_end) && !is_id_of_several(&name)
}

/// Whether a name is that of a kind, which tells no things apart: `status_code`, `postcode`.
pub(super) fn is_kind(label: &str) -> bool {
    has_word(label, &["code", "type", "kind", "status", "state", "zip"], &["postcode", "category"])
}

/// Whether a name is that of places, or of other things of which several are measured or do something at a time.
pub(super) fn is_place(label: &str) -> bool {
    let words = [
        "site",
        "place",
        "location",
        "plaats",
        "locatie",
        "standort",
        "ort",
        "lieu",
        "region",
        "regio",
        "zone",
        "area",
        "city",
        "stad",
        "stadt",
        "ville",
        "town",
        "village",
        "country",
        "land",
        "pays",
        "gemeente",
        "gemeinde",
        "commune",
        "municipality",
        "store",
        "shop",
        "winkel",
        "branch",
        "filiale",
        "depot",
        "plant",
        "building",
        "gebouw",
        "room",
        "route",
        "road",
        "stop",
        "gate",
        "machine",
        "lane",
        "vehicle",
        "station",
        "house",
    ];
    has_word(label, &words, &[])
}

/// Whether a name is that of a period, of which a thing has several: `year`, `week`.
pub(super) fn is_period(label: &str) -> bool {
    let words = [
        "year",
        "jaar",
        "jahr",
        "annee",
        "ano",
        "quarter",
        "kwartaal",
        "quartal",
        "trimestre",
        "month",
        "maand",
        "monat",
        "mois",
        "mes",
        "week",
        "woche",
        "semaine",
        "semana",
        "period",
        "periode",
        "term",
        "semester",
        "season",
    ];
    has_word(label, &words, &[])
}

/// Whether a name is that of what there may be several rows of a thing for: `direction`, `lang`.
pub(super) fn is_dimension(label: &str) -> bool {
    let words = [
        "lang",
        "language",
        "taal",
        "sprache",
        "langue",
        "locale",
        "direction",
        "richting",
        "richtung",
        "parameter",
        "pollutant",
        "variable",
        "indicator",
        "register",
        "channel",
        "kanaal",
        "kanal",
        "phase",
        "tariff",
        "tarief",
        "tarif",
        "scenario",
        "product",
        "sku",
        "metric",
        "series",
        "sensor",
    ];
    is_period(label) || has_word(label, &words, &[])
}

/// Whether a name is that of a table's own rows, and of no other table's.
pub(super) fn is_own_id(label: &str) -> bool {
    is_of_row(label) || column_name(label, 0) == "key"
}

/// Whether a name is that of when a row was written, changed or handed on.
pub(super) fn is_of_record(label: &str) -> bool {
    let parts =
        ["creat", "updat", "modif", "chang", "export", "extract", "load", "import", "receiv", "generat", "snapshot"];
    has_word(label, &["file", "sent"], &parts)
}

/// Whether a name is that of the end of what has a beginning.
pub(super) fn is_end(label: &str) -> bool {
    has_word(label, &["end", "ended", "until", "to", "till", "stop", "einde", "eind", "fin", "bis", "ende"], &[])
}

/// Whether a name is that of dates of birth.
pub(super) fn is_birth(label: &str) -> bool {
    has_word(label, &["dob", "born"], &["birth", "geboorte", "geburt", "naissance", "nacimiento"])
}

/// Whether a name is that of durations, which may be written as times of day are.
pub(super) fn is_duration(label: &str) -> bool {
    let words = [
        "elapsed",
        "pace",
        "lap",
        "laptime",
        "split",
        "total",
        "avg",
        "average",
        "mean",
        "spent",
        "worked",
        "remaining",
        "uptime",
        "downtime",
        "runtime",
        "length",
        "delay",
        "wait",
        "waiting",
        "travel",
        "response",
        "ttl",
        "eta",
        "age",
        "duur",
        "dauer",
        "gesamt",
        "totaal",
    ];
    has_word(label, &words, &["duration", "duree", "duracion", "tijdsduur", "looptijd", "laufzeit", "reistijd"])
}

/// Whether a name may be that of people, where others beside it are.
pub(super) fn may_be_personal(label: &str) -> bool {
    let name = column_name(label, 0);
    let whole = [
        "name", "naam", "nom", "nombre", "customer", "client", "user", "contact", "person", "adres", "address",
        "adresse",
    ];
    let ends = ["customer_name", "client_name", "user_name", "username", "contact_name", "klantnaam", "contact_person"];
    whole.contains(&name.as_str()) || ends.contains(&name.as_str())
}

/// Whether a name is that of people's sex.
pub(super) fn is_sex(label: &str) -> bool {
    has_word(label, &["sex", "sexe", "sexo"], &["gender", "geslacht", "geschlecht"])
}

/// Whether a name is that of versions, sections or ids, in which 1.10 is another one than 1.1.
pub(super) fn has_parts(label: &str) -> bool {
    let words = [
        "version",
        "versie",
        "versions",
        "ver",
        "release",
        "section",
        "sectie",
        "chapter",
        "hoofdstuk",
        "kapitel",
        "chapitre",
        "paragraph",
        "paragraaf",
        "clause",
        "abschnitt",
        "revision",
        "rev",
        "build",
        "firmware",
        "id",
        "ids",
        "uuid",
        "ref",
        "code",
        "codes",
    ];
    has_word(label, &words, &["identif", "barcode"]) && !is_quantity(label)
}

/// Whether a name is that of ids by its last word, such as `part_no`, `Artikelnr` or `sku`, and of no amount, such as
/// `price_per_item`: where decimals end in zeros, these belong to an id. Alone, some of the words are of measured values as well.
pub(super) fn ends_in_id(label: &str) -> bool {
    const ALONE: [&str; 32] = [
        "nr",
        "sku",
        "account",
        "acct",
        "konto",
        "rekening",
        "compte",
        "cuenta",
        "conto",
        "conta",
        "article",
        "artikel",
        "articulo",
        "articolo",
        "artigo",
        "item",
        "onderdeel",
        "bauteil",
        "pieza",
        "peca",
        "nummer",
        "numero",
        "rekeningnr",
        "partno",
        "itemno",
        "articleno",
        "accountno",
        "skuno",
        "orderno",
        "invoiceno",
        "mpn",
        "ean",
    ];
    // Behind what they are of; alone, `no` is nitrogen oxide, `part` a share and `number` a count.
    const BEHIND: [&str; 8] = ["no", "num", "number", "part", "parts", "teil", "piece", "parte"];
    const ENDS: [&str; 4] = ["nr", "nummer", "numero", "number"];
    let name = column_name(label, 0);
    let words: Vec<&str> = name.split('_').filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit())).collect();
    let Some((last, before)) = words.split_last() else { return false };
    let is_end = |end: &&str| last.len() > end.len() && last.ends_with(*end);
    let is_id = ALONE.contains(last) || ENDS.iter().any(is_end) || !before.is_empty() && BEHIND.contains(last);
    is_id && !is_amount(label) && !is_quantity(label)
}

/// Whether a name may be that of such, as well as one of a measured value: `no` is nitrogen oxide, too.
pub(super) fn may_have_parts(label: &str) -> bool {
    let may_be = has_word(label, &["article", "artikel", "item", "edition", "part"], &[]);
    tells_apart(label) || ends_in_id(label) || may_be && !is_quantity(label)
}

/// What a column of degrees is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coordinate {
    Latitude,
    Longitude,
}

/// Whether a name is that of latitudes or longitudes.
pub(super) fn coordinate(label: &str) -> Option<Coordinate> {
    if has_word(label, &["lat", "latitude", "latitud"], &["breedtegra", "breitengrad"]) {
        return Some(Coordinate::Latitude);
    }
    let is_longitude = has_word(label, &["lon", "lng", "long", "longitude", "longitud"], &["lengtegra", "laengengrad"]);
    is_longitude.then_some(Coordinate::Longitude)
}

/// Whether a text is what columns are called, and values are not.
pub(super) fn is_usual(label: &str) -> bool {
    let words = [
        "id",
        "name",
        "city",
        "town",
        "country",
        "region",
        "email",
        "e_mail",
        "mail",
        "phone",
        "address",
        "street",
        "zip",
        "postcode",
        "type",
        "kind",
        "status",
        "state",
        "code",
        "label",
        "title",
        "description",
        "note",
        "notes",
        "comment",
        "category",
        "group",
        "cohort",
        "gender",
        "sex",
        "language",
        "role",
        "unit",
        "value",
        "date",
        "time",
        "timestamp",
        "naam",
        "plaats",
        "gemeente",
        "stad",
        "adres",
        "straat",
        "nom",
        "prenom",
        "ville",
        "pays",
        "adresse",
        "rue",
        "ort",
        "strasse",
        "vorname",
        "nachname",
        "voornaam",
        "achternaam",
        "surname",
        "firstname",
        "lastname",
        "first",
        "last",
        "key",
        "text",
        "remark",
        "remarks",
        "reason",
        "message",
        "url",
        "source",
        "owner",
        "department",
        "company",
    ];
    let name = column_name(label, 0);
    let ends = ["_id", "_name", "_code", "_type", "_date", "_time", "_nr", "_no", "_number", "_address", "_status"];
    words.contains(&name.as_str()) || ends.iter().any(|end| name.ends_with(end))
}

/// Whether a name says that values are of a person.
pub(super) fn is_personal(label: &str) -> bool {
    let words = [
        "email",
        "mail",
        "phone",
        "tel",
        "telnr",
        "gsm",
        "mobiel",
        "mobile",
        "surname",
        "firstname",
        "lastname",
        "birthday",
        "iban",
        "ssn",
        "bsn",
    ];
    let parts = [
        "e_mail",
        "first_name",
        "last_name",
        "full_name",
        "given_name",
        "family_name",
        "date_of_birth",
        "birth_date",
        "telephone",
        "telefoon",
        "phone_number",
        "street",
        "home_address",
        "voornaam",
        "achternaam",
        "vorname",
        "nachname",
        "prenom",
        "apellido",
    ];
    has_word(label, &words, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hint_at_what_values_are() {
        assert!(["Tel", "GSM", "Tel. nr", "Phone"].iter().all(|label| is_personal(label)));
        assert!(!["hotel", "teller", "Intel"].iter().any(|label| is_personal(label)));
        let ids = [
            "sku",
            "part_no",
            "Item Number",
            "account",
            "article_no",
            "Artikelnr.",
            "Kontonummer",
            "N° compte",
            "numero_articulo",
            "rekening",
            "partNo",
            "Account (2)",
            "item",
        ];
        for label in ids {
            assert!(ends_in_id(label), "{label}");
        }
        let amounts = [
            "price",
            "item_price",
            "price_per_item",
            "account_balance",
            "no",
            "NO",
            "part",
            "number",
            "avg_no",
            "number_of_items",
            "amount",
            "account (EUR)",
            "no_ug_m3",
            "total_number",
            "",
        ];
        for label in amounts {
            assert!(!ends_in_id(label), "{label}");
        }
    }
}
