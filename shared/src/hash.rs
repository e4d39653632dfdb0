//! Fingerprints: XXH3-128 as 32 hexadecimal digits. They tell whether something changed; they are no protection
//! against somebody who wants two things to look alike.

use std::io::{self, Read};

use xxhash_rust::xxh3::Xxh3;

/// The fingerprint of some bytes.
pub fn bytes(bytes: &[u8]) -> String {
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(bytes))
}

/// The fingerprint of a sequence of texts; where one ends and the next begins matters.
pub fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    format!("{:032x}", number(texts))
}

/// The fingerprint of a sequence of texts as a number: sums of such do not depend on an order.
pub fn number<'a>(texts: impl IntoIterator<Item = &'a str>) -> u128 {
    let mut hash = Xxh3::new();
    for text in texts {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.digest128()
}

/// A number of some bytes, the same on every machine: to spread values, not to know them by.
pub fn spread(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// The fingerprint of everything a reader yields, and how many bytes that was.
pub fn reader(mut reader: impl Read) -> io::Result<(String, u64)> {
    let mut hash = Xxh3::new();
    // Most objects are small: a large buffer is made for those alone that go beyond a small one.
    let (mut small, mut large) = ([0; 16 * 1024], Vec::new());
    let mut total = 0;
    loop {
        if total > small.len() as u64 && large.is_empty() {
            large.resize(256 * 1024, 0);
        }
        let buffer = if large.is_empty() { small.as_mut_slice() } else { large.as_mut_slice() };
        let count = match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let Some(chunk) = buffer.get(..count).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        hash.update(chunk);
        total += chunk.len() as u64;
    }
    Ok((format!("{:032x}", hash.digest128()), total))
}
