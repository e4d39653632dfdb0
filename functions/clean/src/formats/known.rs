//! Elements of a JSON list that were seen before: those of a day's metadata differ from the day before in a few numbers.
//! `null` counts as a number here: a last value is one or the other.

use std::borrow::Borrow;
use std::ops::Range;
use std::sync::OnceLock;

/// What stands where no number is.
pub(super) const NULL: &[u8] = b"null";

/// An element, and what was made of it.
#[derive(Debug)]
pub(super) struct Known<T> {
    text: Box<[u8]>,
    /// Where numbers begin that may be no others.
    fixed: Vec<usize>,
    /// Where numbers are that may be others: found when they are asked for, as many elements never come again.
    numbers: OnceLock<Vec<Range<usize>>>,
    /// What was made of the rest.
    pub made: T,
}

impl<T> Known<T> {
    /// Remembers an element that is a JSON object. All its numbers may be others but those that begin at `fixed`.
    pub(super) fn new(text: &[u8], fixed: Vec<usize>, made: T) -> Self {
        Self { text: text.into(), fixed, numbers: OnceLock::new(), made }
    }

    fn numbers(&self) -> &[Range<usize>] {
        self.numbers.get_or_init(|| {
            let mut numbers = numbers(&self.text);
            numbers.retain(|number| !self.fixed.contains(&number.start));
            numbers
        })
    }

    /// Which of the numbers that may be others begins at a position of the element.
    pub(super) fn number_at(&self, start: usize) -> Option<usize> {
        self.numbers().iter().position(|number| number.start == start)
    }

    /// The length of the element that `bytes` begin with, if it is this one but for numbers that may be others.
    pub(super) fn length_in(&self, bytes: &[u8]) -> Option<usize> {
        self.follow(bytes, |_, _| ())
    }

    /// The same; `changed` is called with those that are others.
    pub(super) fn follow<'b>(&self, bytes: &'b [u8], mut changed: impl FnMut(usize, &'b [u8])) -> Option<usize> {
        let (mut rest, mut known) = (bytes, 0);
        for (at, number) in self.numbers().iter().enumerate() {
            // With the byte behind it, so that no longer number passes for this one.
            let same = self.text.get(known..number.end + 1)?;
            if rest.starts_with(same) {
                rest = rest.get(same.len() - 1..)?;
            } else {
                rest = rest.strip_prefix(self.text.get(known..number.start)?)?;
                let (digits, others) = rest.split_at_checked(null_length(rest).or_else(|| number_length(rest))?)?;
                changed(at, digits);
                rest = others;
            }
            known = number.end;
        }
        rest = rest.strip_prefix(self.text.get(known..)?)?;
        Some(bytes.len() - rest.len())
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.text.len() + size_of::<Self>() + self.fixed.len() * size_of::<usize>()
    }
}

/// Elements that may be passed over to find one that is known: those that are gone.
const GONE: usize = 2;
/// Of how many elements one may be another, and how many may be in any case: a list with more is read anew, to be the
/// one that the next lists are compared with.
const SHARE_OF_OTHERS: usize = 8;
const FEW_OTHERS: usize = 4;

/// Where the elements of a list come from, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The known element at this position, but for numbers.
    Known(usize),
    /// Another one, by its running number among those.
    Other(usize),
}

/// A number of a list that is not that of the known element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Changed<'t> {
    /// The position of the element in the list.
    pub at: usize,
    /// Which number of the known element.
    pub number: usize,
    /// What stands there now.
    pub digits: &'t [u8],
}

/// A list beside one that is known.
#[derive(Debug, Default)]
pub(super) struct Compared<'t> {
    /// One for each element.
    pub sources: Vec<Source>,
    /// In the order of the elements.
    pub changed: Vec<Changed<'t>>,
}

impl Compared<'_> {
    /// Whether it is the known list but for numbers.
    pub(super) fn is_same(&self, known: usize) -> bool {
        let is_its = |(at, source): (usize, &Source)| *source == Source::Known(at);
        self.sources.len() == known && self.sources.iter().enumerate().all(is_its)
    }
}

/// Compares a text with a list of known elements, one by one; `other` reads an element that is none of them, at the
/// beginning of a text, and returns its length. `None` if the text is no list, if `other` cannot read an element, or if
/// too many are others.
pub(super) fn compare<'t, T>(
    elements: &[impl Borrow<Known<T>>],
    text: &'t [u8],
    mut other: impl FnMut(usize, &'t [u8]) -> Option<usize>,
) -> Option<Compared<'t>> {
    let most = FEW_OTHERS.max(elements.len() / SHARE_OF_OTHERS);
    let mut compared = Compared { sources: Vec::with_capacity(elements.len() + most), changed: Vec::new() };
    let (mut others, mut next) = (0, 0);
    // Where the last elements that are others began: they may have been put in between.
    let mut begun: Option<usize> = None;
    let mut rest = text.trim_ascii_start().strip_prefix(b"[")?;
    loop {
        rest = rest.trim_ascii_start();
        let at = compared.sources.len();
        let known = (next..elements.len()).take(GONE + 1).chain(begun).find_map(|position| {
            let before = compared.changed.len();
            let note = |number, digits| compared.changed.push(Changed { at, number, digits });
            let length = elements.get(position)?.borrow().follow(rest, note);
            if length.is_none() {
                compared.changed.truncate(before);
            }
            Some((position, length?))
        });
        let length = match known {
            Some((position, length)) => {
                next = position + 1;
                begun = None;
                compared.sources.push(Source::Known(position));
                length
            }
            None if others == most => return None,
            None => {
                compared.sources.push(Source::Other(others));
                others += 1;
                // Most often it is another state of the element in its place.
                begun.get_or_insert(next);
                next += 1;
                other(at, rest)?
            }
        };
        rest = rest.get(length..)?.trim_ascii_start();
        match rest.split_first()? {
            (b',', behind) => rest = behind,
            (b']', behind) => return behind.trim_ascii().is_empty().then_some(compared),
            _ => return None,
        }
    }
}

/// The length of the JSON number at the beginning.
pub(super) fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || whole > 1 && bytes.get(at) == Some(&b'0') {
        return None;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let decimals = digits(at + 1);
        if decimals == 0 {
            return None;
        }
        at += 1 + decimals;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(at)
}

/// The length of `null` at the beginning.
fn null_length(bytes: &[u8]) -> Option<usize> {
    bytes.starts_with(NULL).then_some(NULL.len())
}

/// Where the numbers of a JSON object are.
fn numbers(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        at += match byte {
            b'"' => string_length(rest),
            b'n' | b'-' | b'0'..=b'9' => match null_length(rest).or_else(|| number_length(rest)) {
                Some(length) => {
                    found.push(at..at + length);
                    length
                }
                None => 1,
            },
            _ => 1,
        };
    }
    found
}

/// The length of the JSON string at the beginning.
fn string_length(text: &[u8]) -> usize {
    let mut is_escaped = true;
    let end = text.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_element_is_known_whatever_its_other_numbers_are() {
        let text = br#"{"id":17,"label":"a \" 5 \\","x":[4.25,-1e5],"last":{"value":0.5},"n":null}"#;
        let used = text.windows(2).position(|two| two == b"17").unwrap();
        let known = Known::new(text, vec![used], ());
        let length = |text: &str| known.length_in(text.as_bytes());
        let text = std::str::from_utf8(text).unwrap();
        assert_eq!(length(&format!("{text},")), Some(text.len()));
        for (from, to, is_known) in [
            ("4.25", "4.250001", true),
            ("4.25", "4", true),
            ("-1e5", "12", true),
            ("0.5", "-99.99", true),
            ("17", "18", false),
            ("17", "170", false),
            ("4.25", "04", false),
            ("4.25", "\"NaN\"", false),
            ("5 ", "6 ", false),
            ("0.5", "null", true),
            ("0.5", "nul", false),
            ("0.5", "nulls", false),
            ("null", "7", true),
            ("null", "true", false),
            ("17", "null", false),
            ("label", "table", false),
        ] {
            let other = text.replacen(from, to, 1);
            assert_eq!(length(&other), is_known.then_some(other.len()), "{other}");
        }
        assert_eq!(length(&text[..text.len() - 1]), None);
    }

    #[test]
    fn elements_of_a_list_are_found_where_they_stand_now() {
        let known: Vec<Known<()>> =
            "abcdefgh".chars().map(|name| Known::new(format!("{{\"{name}\":1}}").as_bytes(), Vec::new(), ())).collect();
        let (same, other) = (Source::Known, Source::Other);
        for (names, wanted) in [
            ("abcdefgh", Some((0..8).map(same).collect())),
            ("acdefgh", Some([0, 2, 3, 4, 5, 6, 7].map(same).to_vec())),
            ("adefg", Some([0, 3, 4, 5, 6].map(same).to_vec())),
            ("axcd", Some(vec![same(0), other(0), same(2), same(3)])),
            ("axbcd", Some(vec![same(0), other(0), same(1), same(2), same(3)])),
            ("axybc", Some(vec![same(0), other(0), other(1), same(1), same(2)])),
            ("x", Some(vec![other(0)])),
            ("vwxy", Some((0..4).map(other).collect())),
            ("uvwxy", None),
        ] {
            let text: Vec<String> = names.chars().map(|name| format!("{{\"{name}\":2}}")).collect();
            let text = format!(" [{}] ", text.join(" , "));
            let compared = compare(&known, text.as_bytes(), |_, rest| (rest.first() == Some(&b'{')).then_some(7));
            if let Some(compared) = &compared {
                assert_eq!(compared.is_same(known.len()), names == "abcdefgh");
                let of_known = compared.sources.iter().filter(|source| matches!(source, Source::Known(_))).count();
                assert_eq!(compared.changed.len(), of_known, "{names}");
            }
            assert_eq!(compared.map(|compared| compared.sources), wanted, "{names}");
        }
        for text in ["", "[", "[]", "{}", "[{\"a\":1}", "[{\"a\":1},]", "[{\"a\":1}]x", "[{\"a\":1} {\"b\":1}]"] {
            assert!(
                compare(&known, text.as_bytes(), |_, rest| rest.starts_with(b"{").then_some(7)).is_none(),
                "{text}"
            );
        }
    }

    proptest! {
        /// What is known is JSON, and has the same structure.
        #[test]
        fn no_other_bytes_are_known(at in 0_usize..60, byte in any::<u8>()) {
            let text = br#"{"id":17,"label":"a \" 5 \\","x":[4.25,-1e5],"v":null,"w":0.5}"#.to_vec();
            let known = Known::new(&text, vec![6], ());
            let mut other = text.clone();
            other[at] = byte;
            if let Some(length) = known.length_in(&other) {
                let value: serde_json::Value = serde_json::from_slice(&other[..length]).unwrap();
                prop_assert_eq!(&value["id"], 17);
                prop_assert_eq!(&value["label"], "a \" 5 \\");
            }
        }
    }
}
