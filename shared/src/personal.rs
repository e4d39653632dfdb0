//! Keyed hashes in place of personal values: HMAC-SHA-256. The same value has the same hash under the same key, so
//! joins and counts still work; without the key nobody can try out who it was.

use std::fmt;

use ring::hmac;

use crate::hash;

/// The key of the hashes. Never shown.
#[derive(Clone)]
pub struct PersonalKey(hmac::Key);

impl fmt::Debug for PersonalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonalKey(not shown)")
    }
}

impl PersonalKey {
    /// The key of a secret text.
    pub fn new(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// The hash of a text, as 64 hexadecimal digits.
    pub fn text(&self, value: &str) -> String {
        hmac::sign(&self.0, value.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The hash of a number, as a number above 0. Numbers of 0 and below name nobody and stay as they are.
    pub fn number(&self, value: i64) -> i64 {
        if value <= 0 {
            return value;
        }
        let tag = hmac::sign(&self.0, value.to_string().as_bytes());
        let head = tag.as_ref().first_chunk().copied().unwrap_or_default();
        (i64::from_be_bytes(head) & i64::MAX).max(1)
    }

    /// Tells keys apart without telling the key.
    pub fn fingerprint(&self) -> String {
        hash::bytes(hmac::sign(&self.0, b"fingerprint").as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_hmac_sha_256() {
        // RFC 4231, test case 2.
        let key = PersonalKey::new("Jefe");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(key.text("what do ya want for nothing?"), expected);
        assert!(!format!("{key:?}").contains("Jefe"));
    }

    #[test]
    fn numbers_of_nobody_stay() {
        let key = PersonalKey::new("k");
        assert_eq!((key.number(0), key.number(-1)), (0, -1));
        assert!(key.number(47) > 0 && key.number(47) != key.number(48));
    }
}
