//! Lists of elements with ids that an API answers as a whole: more is never replaced by less here as well.
//!
//! An element that a new list lacks stays. One that is there, but without a value of a declared column that the earlier one
//! has (null, not there, or one that its table would reject), keeps the earlier one's member: the whole top-level member
//! that the value is in, byte for byte. A change from one value to another is a correction. Of an element that one list has
//! twice, both say what either says: a reader takes the last.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lake::dataset::{Column, Table, Verdict};
use lake::json::{Object, unescaped};
use serde_json::Value;
use serde_json::value::RawValue;

/// A list, and what of it the API no longer has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The list.
    pub list: Bytes,
    /// The ids of elements that the API no longer lists.
    pub gone: Vec<String>,
    /// The ids of those that it lists without something that it said of them before.
    pub poorer: Vec<String>,
}

/// What is known of the elements of a list.
#[derive(Clone, Copy)]
pub struct Elements<'a> {
    /// An element's id.
    pub id: fn(&Value) -> Option<String>,
    /// The table that the list feeds.
    pub table: Option<&'a Table>,
    /// Top-level members that may well be there one day and not the next: without a value they are no loss, but what its table
    /// would reject replaces none.
    pub fleeting: &'a [&'a str],
}

impl Elements<'_> {
    /// A new list with what an earlier one of another day says of its elements: those that are gone are not added.
    pub fn fill(&self, new: &Bytes, old: &[u8]) -> Option<Kept> {
        self.join(new, old, false)
    }

    /// Joins a new list with the earlier one in its place. `None` if one of them is no JSON list.
    pub fn keep(&self, new: &Bytes, old: &[u8]) -> Option<Kept> {
        self.join(new, old, true)
    }

    fn join(&self, new: &Bytes, old: &[u8], keeps_gone: bool) -> Option<Kept> {
        let fresh: Vec<&RawValue> = serde_json::from_slice(new).ok()?;
        let earlier: Vec<&RawValue> = serde_json::from_slice(old).ok()?;
        let known: BTreeMap<String, &str> =
            earlier.iter().filter_map(|element| Some((self.id_of(element)?, element.get()))).collect();
        // By id, the last element of the new list: one that comes again is read in place of it.
        let mut there: BTreeMap<String, String> = BTreeMap::new();
        let mut poorer = BTreeSet::new();
        let mut elements: Vec<String> = Vec::new();
        let mut is_new = true;
        for element in fresh {
            let Some(id) = self.id_of(element) else {
                elements.push(element.get().to_owned());
                continue;
            };
            let twin = there.get(&id);
            let before = twin.map(String::as_str).or_else(|| known.get(&id).copied());
            let filled = before.and_then(|before| self.filled(element.get(), before));
            is_new &= filled.is_none();
            if filled.is_some() && twin.is_none() {
                poorer.insert(id.clone());
            }
            let element = filled.unwrap_or_else(|| element.get().to_owned());
            elements.push(element.clone());
            there.insert(id, element);
        }
        let mut gone = Vec::new();
        for element in earlier.iter().filter(|_| keeps_gone) {
            if let Some(id) = self.id_of(element).filter(|id| !there.contains_key(id)) {
                elements.push(element.get().to_owned());
                gone.push(id);
            }
        }
        let list =
            if is_new && gone.is_empty() { new.clone() } else { Bytes::from(format!("[{}]", elements.join(","))) };
        Some(Kept { list, gone, poorer: poorer.into_iter().collect() })
    }

    fn id_of(&self, element: &RawValue) -> Option<String> {
        serde_json::from_str(element.get()).ok().and_then(|value| (self.id)(&value))
    }

    /// An element with the earlier one's members in place of those that say less; `None` if none does.
    fn filled(&self, new: &str, earlier: &str) -> Option<String> {
        let table = self.table?;
        let (fresh, before) = (Object::of_text(new)?, Object::of_text(earlier)?);
        let judged = [table.judge(new, "{}"), table.judge(earlier, "{}")];
        let [now, then] = judged.each_ref().map(|judged| judged.verdicts());
        let columns = table.columns.iter().zip(now).zip(then);
        let worse = columns.filter(|((column, now), then)| now < then && !says_otherwise(column, **now, &fresh));
        let of_member = |((column, now), _): ((&Column, &Verdict), &Verdict)| {
            let name = member(column, &before)?;
            let may_go = *now == Verdict::Missing && self.fleeting.contains(&name.as_str());
            (!may_go).then_some(name)
        };
        let lost: BTreeSet<String> = worse.filter_map(of_member).collect();
        if lost.is_empty() {
            return None;
        }
        // One that the earlier element does not have goes.
        let written = |name: &str, value: &str| format!("{}:{value}", quoted(name));
        let earlier = |name: &str| Some(written(name, before.get(name)?.get()));
        let in_place = fresh.members().filter_map(|(name, value)| {
            if lost.contains(name) { earlier(name) } else { Some(written(name, value.get())) }
        });
        let added = lost.iter().filter(|name| fresh.get(name).is_none()).filter_map(|name| earlier(name));
        let members: Vec<String> = in_place.chain(added).collect();
        Some(format!("{{{}}}", members.join(",")))
    }
}

/// The top-level member that a column is read from.
fn member(column: &Column, row: &Object<'_>) -> Option<String> {
    match &column.path {
        Some(path) => path.strip_prefix('/')?.split('/').next().map(unescaped),
        None => column.fields().find(|name| row.get(name).is_some()).map(str::to_owned),
    }
}

/// Whether a column is missing only because another text stands there, of which it is no part.
fn says_otherwise(column: &Column, verdict: Verdict, row: &Object<'_>) -> bool {
    let value = || column.path.as_ref().and_then(|path| row.pointer(path));
    column.extract.is_some() && verdict == Verdict::Missing && value().is_some_and(|value| value.get() != "null")
}

fn quoted(name: &str) -> String {
    serde_json::to_string(name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use lake::dataset::Catalog;

    use super::*;

    fn id(value: &Value) -> Option<String> {
        value.get("id").or_else(|| value.pointer("/properties/id")).map(|id| id.to_string().replace('"', ""))
    }

    fn kept(table: Option<&str>, new: &str, old: &str) -> Option<(String, Vec<String>, Vec<String>)> {
        let catalog = Catalog::built_in();
        let table = table.map(|name| catalog.dataset("irceline").unwrap().table(name).unwrap());
        let elements = Elements { id, table, fleeting: &["firstValue", "lastValue"] };
        let Kept { list, gone, poorer } = elements.keep(&Bytes::copy_from_slice(new.as_bytes()), old.as_bytes())?;
        Some((String::from_utf8_lossy(&list).into_owned(), gone, poorer))
    }

    #[test]
    fn elements_that_a_list_lacks_stay_behind_those_that_it_has() {
        let both = r#"[{"id":1, "x":1.50},{"id":2}]"#;
        for (new, old, wanted, lost) in [
            (both, "[]", both, vec![]),
            ("[ {\"id\":2} ]", both, r#"[{"id":2},{"id":1, "x":1.50}]"#, vec!["1"]),
            ("[]", both, r#"[{"id":1, "x":1.50},{"id":2}]"#, vec!["1", "2"]),
            (r#"[{"id":1,"x":2},{"id":2}]"#, both, r#"[{"id":1,"x":2},{"id":2}]"#, vec![]),
        ] {
            let lost = lost.into_iter().map(str::to_owned).collect();
            assert_eq!(kept(None, new, old), Some((wanted.to_owned(), lost, vec![])), "{new} {old}");
        }
        for (new, old) in [("{}", "[]"), ("[]", "{}"), ("[]", "[")] {
            assert_eq!(kept(None, new, old), None);
        }
    }

    #[test]
    fn what_was_said_of_an_element_stays_where_it_comes_back_as_null() {
        let series = |uom: &str, parameters: &str, last: &str| {
            format!(r#"[{{"id":"7","uom":{uom},"parameters":{parameters},"lastValue":{last}}}]"#)
        };
        let had = series("\"µg/m³\"", r#"{"phenomenon": {"id": "5", "label": "PM10"}}"#, r#"{"timestamp":1}"#);
        let full = r#"{"phenomenon": {"id": "5", "label": "PM10"}}"#;
        let newer = r#"{"timestamp":2}"#;
        for (uom, parameters, wanted) in [
            ("null", full, "\"µg/m³\""),
            ("\"mg\"", "null", "\"mg\""),
            ("\"mg\"", r#"{"phenomenon":null}"#, "\"mg\""),
            ("{}", "{}", "\"µg/m³\""),
        ] {
            let wanted = series(wanted, full, newer);
            let list = kept(Some("timeseries"), &series(uom, parameters, newer), &had).unwrap();
            assert_eq!(list, (wanted.clone(), vec![], vec!["7".to_owned()]), "{uom} {parameters}");
            // The same again writes the same, and reports it again.
            assert_eq!(kept(Some("timeseries"), &series(uom, parameters, newer), &list.0).unwrap(), list);
        }
        let without = r#"[{"id":"7","lastValue":null}]"#;
        let wanted = format!(r#"[{{"id":"7","lastValue":null,"parameters":{full},"uom":"µg/m³"}}]"#);
        assert_eq!(kept(Some("timeseries"), without, &had).unwrap().0, wanted);
        for (uom, parameters, last) in
            [("\"mg/m³\"", r#"{"phenomenon":{"id":6,"label":"x"}}"#, newer), ("\"µg/m³\"", full, "null")]
        {
            let new = series(uom, parameters, last);
            assert_eq!(kept(Some("timeseries"), &new, &had).unwrap(), (new, vec![], vec![]), "a correction");
        }
    }

    #[test]
    fn what_the_table_would_reject_replaces_nothing() {
        let series = |uom: &str, last: &str| format!(r#"[{{"id":"7"{uom},"lastValue":{{"timestamp":{last}}}}}]"#);
        let had = series(r#","uom":"mg""#, "1763424000000");
        for stamp in ["\"abc\"", "100000000000000000", "-62135596800001", "[1]"] {
            let list = kept(Some("timeseries"), &series(r#","uom":"mg""#, stamp), &had).unwrap();
            assert_eq!(list, (had.clone(), vec![], vec!["7".to_owned()]), "{stamp}");
        }
        for blank in ["\"\"", "\" \""] {
            let list = kept(Some("timeseries"), &series(&format!(",\"uom\":{blank}"), "1763424000000"), &had).unwrap();
            assert_eq!(list.0, had, "{blank}");
        }
        // Nothing was known of it: its row is taken without.
        let list = kept(Some("timeseries"), &series(r#","uom":{}"#, "5"), &series("", "5")).unwrap();
        assert_eq!(list, (series("", "5"), vec![], vec!["7".to_owned()]));
    }

    #[test]
    fn of_an_element_that_a_list_has_twice_what_either_says_counts() {
        let new = r#"[{"id":"7","uom":"mg"},{"id":"7","uom":null}]"#;
        let wanted = r#"[{"id":"7","uom":"mg"},{"id":"7","uom":"mg"}]"#;
        assert_eq!(kept(Some("timeseries"), new, "[]").unwrap(), (wanted.to_owned(), vec![], vec![]));
        let had = r#"[{"id":"7","uom":"µg"}]"#;
        assert_eq!(kept(Some("timeseries"), new, had).unwrap(), (wanted.to_owned(), vec![], vec![]));
    }

    #[test]
    fn a_list_of_another_day_fills_what_is_null_and_adds_nothing() {
        let catalog = Catalog::built_in();
        let table = catalog.dataset("irceline").unwrap().table("timeseries");
        let elements = Elements { id, table, fleeting: &[] };
        let new = Bytes::from_static(br#"[{"id":"7","uom":null},{"id":"8","uom":"x"}]"#);
        let kept =
            elements.fill(&new, br#"[{"id":"7","uom":"mg"},{"id":"8","uom":"y"},{"id":"9","uom":"z"}]"#).unwrap();
        assert_eq!(kept.list, br#"[{"id":"7","uom":"mg"},{"id":"8","uom":"x"}]"#.as_slice());
        assert_eq!((kept.gone.len(), kept.poorer), (0, vec!["7".to_owned()]));
    }

    #[test]
    fn a_station_keeps_its_place_and_its_label() {
        let station = |label: &str, coordinates: &str| {
            format!(r#"[{{"properties":{{"id":1,"label":{label}}},"geometry":{{"coordinates":{coordinates}}}}}]"#)
        };
        let had = station("\"4AL01 - Aalst\"", "[4.0,51.0,\"NaN\"]");
        for (label, coordinates, is_lost) in [
            ("null", "[4.0,51.0]", true),
            ("\"\"", "[4.0,51.0]", true),
            ("\"  \"", "[4.0,51.0]", true),
            ("\"4AL01 - Aalst\"", "[]", true),
            ("\"4AL01 - Aalst\"", "[4.0,\"NaN\"]", true),
            ("\"4AL01 - Aalst\"", "[4.0,951.0]", true),
            ("\"4AL01 - Aalst\"", "[4.1,51.1]", false),
            ("\"Aalst\"", "[4.0,51.0]", false),
        ] {
            let new = station(label, coordinates);
            let (list, _, poorer) = kept(Some("station"), &new, &had).unwrap();
            assert_eq!(poorer.len(), usize::from(is_lost), "{new}");
            assert_eq!(list == new, !is_lost);
            let catalog = Catalog::built_in();
            let table = catalog.dataset("irceline").unwrap().table("station").unwrap();
            assert!(table.judge(list.trim_matches(['[', ']']), "{}").is_taken(), "{list}");
        }
    }
}
