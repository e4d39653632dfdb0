//! Names of what is said of a row, which may be corrected, and tells no things apart: `status`, `remark`, `quality_flag`.
//!
//! A code, an id or a number is said of a row where the word before it is: `status_code`, `error_no`.

use super::names::is_id;
use super::naming::column_name;

/// What is said of a row wherever it stands, by itself and as a code or a number.
const SAID: [&str; 17] = [
    "status",
    "statut",
    "quality",
    "kwaliteit",
    "qualitaet",
    "qualite",
    "calidad",
    "flag",
    "flags",
    "qc",
    "qa",
    "validity",
    "validated",
    "remark",
    "remarks",
    "remarque",
    "hinweis",
];
/// What is so by itself; with an id, it is a thing: `unit_id`, `comment_id`, or the code of a state.
const ALONE: [&str; 21] = [
    "state",
    "estado",
    "etat",
    "unit",
    "units",
    "uom",
    "eenheid",
    "einheit",
    "unite",
    "unidad",
    "comment",
    "comments",
    "commentaire",
    "comentario",
    "kommentar",
    "bemerkung",
    "note",
    "notes",
    "notiz",
    "opmerking",
    "opmerkingen",
];
/// What a row may be about, or a file, or a value, as `valid` is: behind what was measured, it is said of that.
const OF_VALUES: [&str; 22] = [
    "valid",
    "invalid",
    "error",
    "fout",
    "fehler",
    "erreur",
    "fault",
    "warning",
    "alarm",
    "alert",
    "event",
    "operator",
    "version",
    "versie",
    "revision",
    "source",
    "bron",
    "quelle",
    "bemerkung",
    "comment",
    "note",
    "opmerking",
];
/// What makes a code or a number of a word.
const ENDS: [&str; 10] = ["code", "id", "no", "nr", "num", "number", "key", "nummer", "numero", "ref"];
/// The same of texts, which are no ids.
const NAMED: [&str; 4] = ["type", "name", "text", "level"];

/// Whether a name is that of what is said of a row.
pub(super) fn describes(label: &str) -> bool {
    let name = column_name(label, 0);
    let is_said = |word: &str| SAID.contains(&word);
    match is_id(label) {
        true => head(&name, &ENDS).is_some_and(is_said),
        false => name.split('_').any(|word| is_said(word) || ALONE.contains(&word)),
    }
}

/// Whether a name is that of what is said of a measured value before it: `source`, `operator_id`, `alarm_code`.
pub(super) fn describes_values(label: &str) -> bool {
    let name = column_name(label, 0);
    let last = name.rsplit('_').next().unwrap_or_default();
    let head = head(&name, &ENDS).or_else(|| head(&name, &NAMED)).unwrap_or(last);
    OF_VALUES.contains(&head)
}

/// The word before the last one of a name, which is one of these.
fn head<'n>(name: &'n str, ends: &[&str]) -> Option<&'n str> {
    let mut words = name.rsplit('_').filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit()));
    words.next().filter(|last| ends.contains(last))?;
    words.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_before_a_code_says_whether_it_describes() {
        for label in ["status", "Status Code", "statusId", "quality_id", "qc_flag_no", "remark_code", "note", "Einheit"]
        {
            assert!(describes(label), "{label}");
        }
        for label in ["unit_number", "state_code", "comment_id", "status_meter", "flag_station_id", "parameter", "id"] {
            assert!(!describes(label), "{label}");
        }
        for label in
            ["error_code", "Error No", "alarm_id", "event_type", "operator", "data_source", "version", "note_id"]
        {
            assert!(describes_values(label), "{label}");
        }
        for label in ["source_station", "station_id", "error_meter_id", "user_id", "event_place", "channel"] {
            assert!(!describes_values(label), "{label}");
        }
    }
}
