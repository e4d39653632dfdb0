//! JSON one level deep, with its values as they stand: digits, order and repeated names are kept.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object. Of members with one name the last counts.
#[derive(Debug, Clone, Default)]
pub struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The members of a text that is an object.
    pub fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// All members in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    /// The value that a JSON pointer such as `/a/0/b` names.
    pub fn pointer(&self, pointer: &str) -> Option<&'a RawValue> {
        let mut parts = pointer.strip_prefix('/')?.split('/').map(unescaped);
        let mut found = self.get(&parts.next()?)?;
        for part in parts {
            let text = found.get();
            found = match text.bytes().next() {
                Some(b'{') => Members::of(text)?.get(&part)?,
                Some(b'[') => {
                    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                    items.get(part.parse::<usize>().ok()?).copied()?
                }
                _ => return None,
            };
        }
        Some(found)
    }
}

/// The name that a part of a JSON pointer stands for.
pub fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// A text; `None` for any other value, and for what is none (half of a surrogate pair).
pub fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text>(value.get()).ok().map(|text| text.0)
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_name_and_pointer_as_they_stand() {
        let text = r#"{"a": 1.10, "b": {"c": [1, {"d/e": "x"}]}, "f": 1e999, "a": -0.30}"#;
        let members = Members::of(text).unwrap();
        let found = |pointer| members.pointer(pointer).map(RawValue::get);
        assert_eq!(found("/a"), Some("-0.30"));
        assert_eq!(found("/b/c/0"), Some("1"));
        assert_eq!(found("/b/c/1/d~1e"), Some("\"x\""));
        assert_eq!((found("/f"), found("/a/x"), found("/b/x"), found("")), (Some("1e999"), None, None, None));
        assert_eq!(members.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b", "f", "a"]);
        assert!(Members::of("[1]").is_none() && Members::of("null").is_none());
    }
}
