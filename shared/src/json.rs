//! JSON values with their numbers as text: a parser's double may be the neighbour of the one that the digits name, and a
//! number that nobody declared may be out of any range.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use words::names::is_same;

/// A JSON value, one level deep.
#[derive(Debug)]
pub enum Json<'a> {
    /// Null.
    Null,
    /// True or false.
    Bool(bool),
    /// The digits as they stand.
    Number(&'a str),
    /// A text, without its escapes.
    Text(Cow<'a, str>),
    /// A list, not looked into.
    List(&'a RawValue),
    /// An object.
    Object(Object<'a>),
}

impl<'a> Json<'a> {
    /// Understands a value that was found to be JSON.
    pub fn of(raw: &'a RawValue) -> Result<Self, serde_json::Error> {
        let text = raw.get().trim_ascii();
        Ok(match text.bytes().next() {
            Some(b'n') => Json::Null,
            Some(b't' | b'f') => Json::Bool(text == "true"),
            Some(b'"') => Json::Text(serde_json::from_str::<Text>(text)?.0),
            Some(b'[') => Json::List(raw),
            Some(b'{') => Json::Object(serde_json::from_str(text)?),
            _ => Json::Number(text),
        })
    }

    /// Understands the bytes of a whole value.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        Self::of(serde_json::from_slice(bytes)?)
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The members of a JSON object. Of members with one name the last counts.
#[derive(Debug, Clone, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// The object that a text is; none if it is anything else.
    pub fn of_text(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// The value of a member that a column is read from: of that name, or else of the same but for case and white space.
    pub fn member(&self, name: &str) -> Option<&'a RawValue> {
        let same = || self.0.iter().rev().find(|(known, _)| is_same(known, name)).map(|(_, value)| *value);
        self.get(name).or_else(same)
    }

    /// All members in their order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    /// The value that a JSON pointer such as `/a/0/b` names.
    pub fn pointer(&self, pointer: &str) -> Option<&'a RawValue> {
        let mut parts = parts(pointer)?;
        let mut found = self.get(&parts.next()?)?;
        for part in parts {
            found = match Json::of(found).ok()? {
                Json::Object(object) => object.get(&part)?,
                Json::List(list) => item(list, &part)?,
                _ => return None,
            };
        }
        Some(found)
    }

    /// The first member on the way of a JSON pointer that its object has more than once.
    pub fn repeated(&self, pointer: &str) -> Option<String> {
        let mut parts = parts(pointer)?;
        let mut part = parts.next()?;
        let mut found = None;
        loop {
            let object = found.as_ref().unwrap_or(self);
            if object.0.iter().filter(|(known, _)| *known == part).nth(1).is_some() {
                return Some(part);
            }
            let mut value = object.get(&part)?;
            found = loop {
                part = parts.next()?;
                match Json::of(value).ok()? {
                    Json::Object(object) => break Some(object),
                    Json::List(list) => value = item(list, &part)?,
                    _ => return None,
                }
            };
        }
    }
}

/// The members and places that a JSON pointer names, one within the other.
fn parts(pointer: &str) -> Option<impl Iterator<Item = String>> {
    let rest = pointer.strip_prefix('/')?;
    Some(rest.split('/').map(unescaped))
}

/// The name that a part of a JSON pointer stands for.
pub fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// A text; none for any other value, and for what is none (half of a surrogate pair).
pub fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text>(value.get()).ok().map(|text| text.0)
}

/// An element of a list.
fn item<'a>(list: &'a RawValue, place: &str) -> Option<&'a RawValue> {
    let items: Vec<&RawValue> = serde_json::from_str(list.get()).ok()?;
    items.get(place.parse::<usize>().ok()?).copied()
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    members.push((name, value));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_name_and_pointer_with_their_own_digits() {
        let text = r#"{"a": 1.10, "b": {"c": [1, {"d/e": "x\n"}]}, "f": 1e999, "a": -0.30, "g": null, "h": true}"#;
        let Json::Object(object) = Json::parse(text.as_bytes()).unwrap() else { panic!("an object") };
        let number = |raw: Option<&RawValue>| raw.unwrap().get().to_owned();
        assert_eq!(number(object.get("a")), "-0.30");
        assert_eq!(number(object.pointer("/b/c/0")), "1");
        assert_eq!(number(object.get("f")), "1e999");
        assert!(matches!(Json::of(object.pointer("/b/c/1/d~1e").unwrap()), Ok(Json::Text(text)) if text == "x\n"));
        assert!(object.pointer("/b/x").is_none() && object.pointer("/a/x").is_none() && object.get("z").is_none());
        assert!(matches!(Json::of(object.get("g").unwrap()), Ok(Json::Null)));
        assert!(matches!(Json::of(object.get("h").unwrap()), Ok(Json::Bool(true))));
        assert!(Json::parse(b"{\"a\": 01}").is_err());
        assert!(Object::of_text("[1]").is_none() && Object::of_text("null").is_none());
        let text = r#"{"a": 1, "b": [0, {"c": {}, "c": {"d": 1}}], "\u0061": 2}"#;
        let Json::Object(object) = Json::parse(text.as_bytes()).unwrap() else { panic!("an object") };
        for (pointer, repeated) in [
            ("/a", Some("a")),
            ("/a/x", Some("a")),
            ("/b/1/c/d", Some("c")),
            ("/b/0/c", None),
            ("/b", None),
            ("", None),
        ] {
            assert_eq!(object.repeated(pointer).as_deref(), repeated, "{pointer}");
        }
    }
}
