//! Records in the shape that the server's JSON writer produces: `{"timestamp":1700701200000,"value":17.9}`.
//!
//! What is read here is read eight bytes at a time. Whatever is not of this shape, to the byte, is left to a JSON parser.

use crate::formats::known::number_length;

/// What one record says its value is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reading {
    Number(f64),
    Missing,
    Wrong,
}

const BEFORE_STAMP: &[u8; 13] = b"{\"timestamp\":";
const STAMP: usize = 13;
const BEFORE_VALUE: &[u8; 9] = b",\"value\":";

/// Milliseconds and value of the record at the beginning, and its length; `None` if it has any other shape.
#[inline]
pub(super) fn compact_record(bytes: &[u8]) -> Option<(i64, Reading, usize)> {
    let (before, rest) = bytes.split_first_chunk::<{ BEFORE_STAMP.len() }>()?;
    let (stamp, rest) = rest.split_first_chunk::<STAMP>()?;
    let (between, rest) = rest.split_first_chunk::<{ BEFORE_VALUE.len() }>()?;
    if before != BEFORE_STAMP || between != BEFORE_VALUE {
        return None;
    }
    let millis = millis(stamp)?;
    let (value, length) = match short_decimal(rest) {
        Some((number, length)) => (Reading::Number(number), length),
        None => value(rest)?,
    };
    let length = BEFORE_STAMP.len() + STAMP + BEFORE_VALUE.len() + length;
    (bytes.get(length) == Some(&b'}')).then_some((millis, value, length + 1))
}

/// A whole number of 13 digits, as milliseconds are from 2001 to 2286.
#[inline]
fn millis(digits: &[u8; STAMP]) -> Option<i64> {
    // Two words that overlap by three digits.
    let head = eight_digits(u64::from_le_bytes(*digits.first_chunk()?))?;
    let tail = eight_digits(u64::from_le_bytes(*digits.last_chunk()?))?;
    // A number does not begin with a zero.
    (*digits.first()? != b'0').then_some((head / 1000 * 100_000_000 + tail) as i64)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The number that eight digits make, the first in the lowest byte.
#[inline]
fn eight_digits(word: u64) -> Option<u64> {
    let zeros = ONES * u64::from(b'0');
    // Raises the high bit of what is above '9', and of what is below '0'.
    let refused = word.wrapping_add(ONES * 0x46) | word.wrapping_sub(zeros);
    if refused & HIGHS != 0 {
        return None;
    }
    let digits = word - zeros;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff)
}

/// Where the first byte of a kind is in a word, in bits; 64 if it is nowhere.
#[inline]
fn position(word: u64, byte: u8) -> u32 {
    let differs = word ^ (ONES * u64::from(byte));
    // Exact for the lowest match: borrows only reach bytes above it.
    let found = differs.wrapping_sub(ONES) & !differs & HIGHS;
    if found == 0 { u64::BITS } else { found.trailing_zeros() & !7 }
}

/// A number of at most seven characters before a `}`, perhaps with a sign before them, and the length of all.
#[inline]
fn short_decimal(bytes: &[u8]) -> Option<(f64, usize)> {
    let is_negative = bytes.first() == Some(&b'-');
    let unsigned = bytes.get(usize::from(is_negative)..)?;
    let word = u64::from_le_bytes(*unsigned.first_chunk()?);
    let end = position(word, b'}');
    if end == 0 || end == u64::BITS {
        return None;
    }
    let text = word & ((1 << end) - 1);
    let point = position(text, b'.');
    // Digits with nothing between them, and how many are behind the point.
    let (digits, count, decimals) = if point == u64::BITS {
        (text, end, 0)
    } else {
        let whole = text & ((1 << point) - 1);
        (whole | (text >> 8) & !((1 << point) - 1), end - 8, (end - point) / 8 - 1)
    };
    // JSON has digits on both sides of a point, and no zero before other digits.
    let whole_digits = point.min(end) / 8;
    let is_json = whole_digits > 0 && (point == u64::BITS || decimals > 0) && (text as u8 != b'0' || whole_digits == 1);
    if !is_json {
        return None;
    }
    // Zeros in front, up to eight digits.
    let filled = digits << (u64::BITS - count) | (ONES * u64::from(b'0')) & !(u64::MAX << (u64::BITS - count));
    let number = eight_digits(filled)? as f64;
    // Both are exact, so their quotient is the double next to the decimal.
    let scale = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7].get(decimals as usize)?;
    let number = number / scale;
    Some((if is_negative { -number } else { number }, end as usize / 8 + usize::from(is_negative)))
}

/// `null`, or any number of JSON; and its length.
fn value(bytes: &[u8]) -> Option<(Reading, usize)> {
    if bytes.starts_with(b"null") {
        return Some((Reading::Missing, b"null".len()));
    }
    let length = number_length(bytes)?;
    let number = fast_float2::parse::<f64, _>(bytes.get(..length)?).ok()?;
    Some((if number.is_finite() { Reading::Number(number) } else { Reading::Wrong }, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    fn record(value: &str) -> String {
        format!("{{\"timestamp\":1700701200000,\"value\":{value}}},")
    }

    #[test]
    fn a_number_is_the_double_that_its_digits_name() {
        for text in ["17.9", "0", "-0", "0.1", "9999999", "123456.7", "-0.335", "4.431792230792439", "1e1", "12345678"]
        {
            let line = record(text);
            let Some((1_700_701_200_000, Reading::Number(number), length)) = compact_record(line.as_bytes()) else {
                panic!("{text}");
            };
            assert_eq!((number.to_bits(), length), (text.parse::<f64>().unwrap().to_bits(), line.len() - 1), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_number_is_left_to_the_parser() {
        for text in
            ["01", "1.", ".5", "-", "--1", "1.2.3", "1 ", " 1", "+1", "1e", "0x1", "1,5", "NaN", "00", "-01", ""]
        {
            assert_eq!(compact_record(record(text).as_bytes()), None, "{text}");
        }
        assert_eq!(compact_record(b"{\"timestamp\":170070120000,\"value\":1}"), None);
        assert_eq!(compact_record(b"{\"timestamp\":0700701200000,\"value\":1}"), None);
        assert_eq!(compact_record(b"{\"timestamp\":17007012000000,\"value\":1}"), None);
        assert_eq!(compact_record(b"{\"timestamp\":170070120000x,\"value\":1}"), None);
    }

    proptest! {
        /// What is taken is JSON, and means what a parser takes it to mean.
        #[test]
        fn what_is_read_is_what_a_parser_reads(text in "-?[0-9.eE+]{1,9}|[-0-9a-z.}:/;]{0,9}|-?[0-9]{1,9}\\.[0-9]{1,17}") {
            let line = record(&text);
            if let Some((_, reading, length)) = compact_record(line.as_bytes()) {
                let read = line[..length].strip_prefix("{\"timestamp\":1700701200000,\"value\":").unwrap();
                let read = read.strip_suffix('}').unwrap();
                prop_assert!(serde_json::from_str::<&RawValue>(read).is_ok(), "{}", read);
                match reading {
                    Reading::Number(number) => {
                        prop_assert_eq!(number.to_bits(), read.parse::<f64>().unwrap().to_bits(), "{}", read);
                    }
                    Reading::Missing => prop_assert_eq!(read, "null"),
                    Reading::Wrong => prop_assert!(read.parse::<f64>().unwrap().is_infinite()),
                }
            } else {
                let is_json = serde_json::from_str::<&RawValue>(&text).is_ok_and(|raw| raw.get() == text);
                prop_assert!(!is_json || text == "true" || text == "false", "{}", text);
            }
        }

        #[test]
        fn eight_digits_are_read_and_nothing_else(bytes in prop::array::uniform8(prop_oneof![b'0'..=b'9', any::<u8>()])) {
            let text = std::str::from_utf8(&bytes).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert_eq!(eight_digits(u64::from_le_bytes(bytes)), text.map(|text| text.parse().unwrap()));
        }
    }
}
