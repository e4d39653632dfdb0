//! What the beginning of a CSV file says of how it is written.

use memchr::{memchr, memchr2, memchr3};

use super::cut::{Quoted, quoted};
use super::dialect::{Dialect, END_OF_FILE, QUOTE, behind_returns};

/// How Excel says which delimiter a file has, on a line of its own before all others.
pub(super) const SEPARATOR: &[u8] = b"sep=";

/// Line ends that are compared.
const FEW: usize = 3;

/// The delimiter that a first line such as `sep=;` declares, in quotes or not.
pub(super) fn separator(head: &[u8]) -> Option<u8> {
    let (head, is_quoted) = head.strip_prefix(&[QUOTE]).map_or((head, false), |head| (head, true));
    let declared = head.split_at_checked(SEPARATOR.len()).filter(|(name, _)| name.eq_ignore_ascii_case(SEPARATOR));
    let (delimiter, rest) = declared.and_then(|(_, rest)| rest.split_first())?;
    let rest = if is_quoted { rest.strip_prefix(&[QUOTE]) } else { Some(rest) };
    let is_all = matches!(rest, Some([b'\r' | b'\n', ..] | []));
    let is_taken = matches!(*delimiter, b'\r' | b'\n' | QUOTE) || delimiter.is_ascii_alphanumeric();
    (is_all && !is_taken && delimiter.is_ascii()).then_some(*delimiter)
}

/// Whether carriage returns alone end the lines of a file that begins with these bytes: it has some outside of quotes, and
/// no line feed there but for one at its end. `is_whole` if there are no further bytes.
pub(super) fn returns_end_lines(bytes: &[u8], is_whole: bool, dialect: &Dialect) -> bool {
    if memchr(b'\r', bytes).is_none() {
        return false;
    }
    let behind_comment = |at: usize| match (dialect.comment, bytes.get(at)) {
        (Some(comment), Some(first)) if comment == *first => {
            at + memchr2(b'\r', b'\n', bytes.get(at..).unwrap_or_default()).unwrap_or_default()
        }
        _ => at,
    };
    let quote = dialect.quote.unwrap_or(b'\r');
    let mut at = behind_comment(0);
    let mut ends: Vec<usize> = Vec::new();
    // One line feed may stand behind lines that end in returns: several, or two of as many values.
    let is_last = |place: usize, ends: &[usize]| {
        let rest = bytes.get(place..).unwrap_or_default();
        let values = |from: usize, to: usize| {
            bytes.get(from..to).unwrap_or_default().iter().filter(|byte| **byte == dialect.delimiter).count()
        };
        let is_lone = |end: &&usize| behind_returns(bytes, **end).is_some_and(|byte| byte != b'\n');
        let mut lone = ends.iter().filter(is_lone);
        let are_lines = match (lone.next(), lone.next()) {
            (Some(first), None) => values(0, *first) == values(*first, place),
            (first, _) => first.is_some(),
        };
        is_whole && are_lines && rest.iter().all(|byte| matches!(*byte, b'\r' | b'\n' | END_OF_FILE))
    };
    while let Some(place) = memchr3(b'\r', b'\n', quote, bytes.get(at..).unwrap_or_default()).map(|found| at + found) {
        at = place + 1;
        let before = place.checked_sub(1).and_then(|before| bytes.get(before));
        match bytes.get(place) {
            _ if before.is_some() && before.copied() == dialect.escape => {}
            Some(b'\n') => return is_last(place, &ends),
            Some(b'\r') => {
                if ends.len() < FEW {
                    ends.push(place);
                }
                at = behind_comment(at);
            }
            _ => {
                let is_opening = before.is_none_or(|byte| *byte == dialect.delimiter || matches!(byte, b'\r' | b'\n'));
                if is_opening
                    && let Quoted::Value(value) = quoted(bytes, quote, at..bytes.len(), dialect, &mut Vec::new())
                {
                    at = value.next;
                }
            }
        }
    }
    !ends.is_empty()
}
