//! Key pair authentication: a token that says who asks, signed with the user's private key (RS256).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use lake::secret::Secret;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::json;

/// How long a token is good for, in seconds; Snowflake takes an hour at most.
const LIFETIME: i64 = 55 * 60;
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// `rsaEncryption` with its null parameter, as X.509 names the algorithm of a key.
const RSA_ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// Makes tokens for one user.
pub struct Signer {
    key: RsaKeyPair,
    /// `ACCOUNT.USER`.
    subject: String,
}

impl Signer {
    /// Reads an unencrypted private key, PKCS #8 as PEM. Errors have nothing of it.
    pub fn new(account: &str, user: &str, pem: &Secret) -> Result<Self, String> {
        let text = pem.expose();
        if text.contains("ENCRYPTED") {
            return Err("the key is encrypted: give it without a passphrase, as a secret".to_owned());
        }
        let body = text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).map(|(body, _)| body);
        let body = body.ok_or("it is no private key in PEM, \"-----BEGIN PRIVATE KEY-----\" (PKCS #8)")?;
        let body: String = body.split_whitespace().collect();
        let der = STANDARD.decode(body).map_err(|_| "the key's text is damaged: it is not base64".to_owned())?;
        let key = RsaKeyPair::from_pkcs8(&der)
            .map_err(|error| format!("it is no RSA key of 2,048 to 4,096 bits in PKCS #8 ({error})"))?;
        // An account's locator may have its region behind it, which is no part of its name.
        let account = account.split('.').next().unwrap_or_default();
        Ok(Self { key, subject: format!("{}.{}", account.to_uppercase(), user.to_uppercase()) })
    }

    /// A token from this second on, since 1970.
    pub fn token(&self, now: i64) -> Result<Secret, String> {
        let Self { key, subject } = self;
        let issuer = format!("{subject}.SHA256:{}", fingerprint(key));
        let claims = json!({"iss": issuer, "sub": subject, "iat": now, "exp": now + LIFETIME});
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(&claims));
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| "the token could not be signed".to_owned())?;
        Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

/// The hash of the public key, as `DESC USER` shows it: of the key as X.509 writes it.
fn fingerprint(key: &RsaKeyPair) -> String {
    let public = key.public_key().as_ref();
    let mut bits = vec![0];
    bits.extend_from_slice(public);
    let mut content = RSA_ALGORITHM.to_vec();
    content.extend(tagged(0x03, &bits));
    STANDARD.encode(digest(&SHA256, &tagged(0x30, &content)))
}

/// A value of DER with its tag and length.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut all = vec![tag];
    match length.as_slice() {
        [] => all.push(0),
        [short] if *short < 0x80 => all.push(*short),
        long => {
            all.push(0x80 | long.len().to_le_bytes().first().copied().unwrap_or_default());
            all.extend_from_slice(long);
        }
    }
    all.extend_from_slice(content);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_der() {
        assert_eq!(tagged(4, &[7]), [4, 1, 7]);
        assert_eq!(tagged(4, &[0; 200])[..3], [4, 0x81, 200]);
        assert_eq!(tagged(4, &[0; 300])[..4], [4, 0x82, 1, 44]);
        assert_eq!(tagged(4, &[]), [4, 0]);
    }

    #[test]
    fn a_key_that_is_none_is_refused_without_its_text() {
        for (text, why) in [
            ("sesame", "no private key in PEM"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nsesame\n-----END ENCRYPTED PRIVATE KEY-----", "encrypted"),
            ("-----BEGIN PRIVATE KEY-----\nse!same\n-----END PRIVATE KEY-----", "not base64"),
            ("-----BEGIN PRIVATE KEY-----\nc2VzYW1l\n-----END PRIVATE KEY-----", "no RSA key"),
        ] {
            let error = Signer::new("a", "u", &Secret::new(text)).err().unwrap();
            assert!(error.contains(why) && !error.contains("sesame"), "{error}");
        }
    }
}
