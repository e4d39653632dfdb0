//! Numbers of the common shapes, straight from their bytes. What is written otherwise is for a parser.

/// Powers of ten that a double has exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
/// The most digits whose number always fits into an i64.
const INT_DIGITS: usize = 18;
/// The most bytes of a decimal whose digits may be one of 2^53.
const DECIMAL_BYTES: usize = 17;
/// Up to here each integer is a double of its own.
pub(super) const EXACT: u64 = 1 << 53;

/// The integer that a sign and up to 19 digits are, if it fits without its sign: counts of nanoseconds have as many.
#[inline]
pub(super) fn int(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let (certain, last) = digits.split_at_checked(INT_DIGITS).unwrap_or((digits, &[]));
    if digits.is_empty() || last.len() > 1 {
        return None;
    }
    let mut number: i64 = 0;
    for byte in certain {
        number = number * 10 + i64::from(digit(*byte)?);
    }
    if let Some(byte) = last.first() {
        number = number.checked_mul(10)?.checked_add(i64::from(digit(*byte)?))?;
    }
    Some(if is_negative { -number } else { number })
}

/// The integer that is written like `18.0`.
#[inline]
pub(super) fn whole(text: &[u8], point: u8) -> Option<i64> {
    let (digits, decimals) = text.split_at_checked(text.iter().position(|byte| *byte == point)?)?;
    let is_whole = decimals.len() > 1 && decimals.iter().skip(1).all(|byte| *byte == b'0');
    int(digits).filter(|_| is_whole)
}

/// A decimal such as `1762000000.5` in parts of which `parts`, a power of ten, are one. What is less than one of them is cut
/// off, which makes a negative number less.
#[inline(never)]
pub(super) fn scaled(text: &[u8], parts: i64) -> Option<i64> {
    let (digits, decimals) = text.split_at_checked(text.iter().position(|byte| *byte == b'.')?)?;
    let mut decimals = decimals.get(1..).filter(|decimals| !decimals.is_empty())?.iter();
    let mut number = int(digits)?.checked_mul(parts)?;
    let is_negative = digits.first() == Some(&b'-');
    let mut part = parts;
    while part > 1 {
        part /= 10;
        let value = part * i64::from(digit(*decimals.next().unwrap_or(&b'0'))?);
        number = if is_negative { number.checked_sub(value)? } else { number.checked_add(value)? };
    }
    let mut is_cut = false;
    for byte in decimals {
        is_cut |= digit(*byte)? > 0;
    }
    if is_cut && is_negative { number.checked_sub(1) } else { Some(number) }
}

/// The integer nearest to a decimal, where a double has both.
#[inline]
pub(super) fn rounded(text: &[u8], point: u8) -> Option<i64> {
    let rounded = decimal(text, point)?.round_ties_even();
    (rounded.abs() <= EXACT as f64).then_some(rounded as i64)
}

/// The most bytes of a number with marks between thousands.
const GROUPED_BYTES: usize = 32;

/// A number's text without the marks between groups of three digits.
pub(super) struct Ungrouped {
    bytes: [u8; GROUPED_BYTES],
    length: usize,
}

impl Ungrouped {
    /// Takes the marks out of the digits before `point`; `None` if they stand elsewhere than between groups of three.
    #[inline]
    pub(super) fn of(text: &[u8], mark: u8, point: u8) -> Option<Self> {
        let mut without = Self { bytes: [0; GROUPED_BYTES], length: 0 };
        let mut rest = text;
        if let [sign @ (b'-' | b'+'), digits @ ..] = text {
            without.push(*sign)?;
            rest = digits;
        }
        // Digits since the last mark; none were before the first one.
        let (mut digits, mut is_grouped) = (0, false);
        let is_zero = rest.first() == Some(&b'0');
        while let Some((byte, behind)) = rest.split_first() {
            if *byte == point {
                break;
            }
            let Some(behind_mark) = behind_mark(rest, mark) else {
                without.push(*byte)?;
                (rest, digits) = (behind, digits + 1);
                continue;
            };
            rest = behind_mark;
            // No zero stands before the first group.
            if !(1..=3).contains(&digits) || is_zero || is_grouped && digits != 3 {
                return None;
            }
            (digits, is_grouped) = (0, true);
        }
        if is_grouped && digits != 3 {
            return None;
        }
        rest.iter().try_for_each(|byte| without.push(*byte))?;
        Some(without)
    }

    #[inline]
    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.length)? = byte;
        self.length += 1;
        Some(())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// What follows a mark between thousands that a text begins with. Blanks and apostrophes have other forms as well.
#[inline]
fn behind_mark(text: &[u8], mark: u8) -> Option<&[u8]> {
    match (mark, text) {
        (_, [byte, rest @ ..]) if *byte == mark => Some(rest),
        (b' ', [0xC2, 0xA0, rest @ ..] | [0xE2, 0x80, 0x89 | 0xAF, rest @ ..]) => Some(rest),
        (b'\'', [0xE2, 0x80, 0x99, rest @ ..]) => Some(rest),
        _ => None,
    }
}

/// The double nearest to a decimal such as `-12.5`, where the division of two doubles that are exact gives it: digits of at
/// most 2^53 over a power of ten of at most 10^22, as IEEE 754 rounds a quotient correctly.
#[inline]
pub(super) fn decimal(text: &[u8], point: u8) -> Option<f64> {
    let (is_negative, text) = match text {
        [b'-', text @ ..] => (true, text),
        text => (false, text),
    };
    if text.len() > DECIMAL_BYTES {
        return None;
    }
    let mut digits: u64 = 0;
    let mut rest = text.iter();
    let mut decimals = 0;
    for byte in rest.by_ref() {
        if *byte == point {
            decimals = rest.len();
            break;
        }
        digits = digits * 10 + u64::from(digit(*byte)?);
    }
    for byte in rest {
        digits = digits * 10 + u64::from(digit(*byte)?);
    }
    // Digits stand on both sides of a point.
    digit(*text.first()?)?;
    digit(*text.last()?)?;
    let number = digits as f64 / POWERS.get(decimals)?;
    (digits <= EXACT).then_some(if is_negative { -number } else { number })
}

#[inline]
fn digit(byte: u8) -> Option<u8> {
    let digit = byte.wrapping_sub(b'0');
    (digit <= 9).then_some(digit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_shapes_are_left_to_a_parser() {
        for text in
            ["", "-", "+", "1.", ".5", "1.5.5", "1e5", "nan", "inf", "--1", "+1.5", "1 ", "1,5", "90071992547409930"]
        {
            assert_eq!(decimal(text.as_bytes(), b'.'), None, "{text}");
        }
        for text in ["", "-", "+", "1.0", "--1", "1 ", "9223372036854775808", "12345678901234567890", "\u{661}"] {
            assert_eq!(int(text.as_bytes()), None, "{text}");
        }
        assert_eq!(int(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(decimal(b"-0", b'.').map(f64::to_bits), Some((-0.0_f64).to_bits()));
        assert_eq!(decimal(b"-1,5", b','), Some(-1.5));
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_a_parser(text in "[-+]?[0-9]{0,20}(\\.[0-9]{0,18})?") {
            if let Some(number) = decimal(text.as_bytes(), b'.') {
                prop_assert_eq!(number.to_bits(), text.parse::<f64>().unwrap().to_bits());
            }
            if let Some(number) = int(text.as_bytes()) {
                prop_assert_eq!(Ok(number), text.parse::<i64>());
            }
        }
    }
}
