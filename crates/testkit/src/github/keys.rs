//! The issuer's keys: RS256, as GitHub signs.

use anyhow::{Context as _, Result};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use crate::possession::b64;

/// One of them.
#[derive(Debug)]
pub(super) struct SigningKey {
    pub(super) id: String,
    pair: RsaKeyPair,
}

impl SigningKey {
    /// A new one.
    pub(super) fn new(id: String) -> Result<Self> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok().context("an RSA key")?;
        Ok(Self { id, pair })
    }

    /// Its public half (RFC 7517).
    pub(super) fn jwk(&self) -> Value {
        let [n, e] = numbers(self.pair.public_key().as_ref()).map(b64);
        json!({ "alg": "RS256", "e": e, "kid": self.id, "kty": "RSA", "n": n, "use": "sig" })
    }

    /// The modulus and the exponent, which is what a confused verifier could take for a secret.
    pub(super) fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Header and claims as they are, signed (RFC 7515 §7.1).
    pub(super) fn sign(&self, header: &str, claims: &str) -> String {
        let text = format!("{}.{}", b64(header), b64(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair
            .sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
            .expect("a signature of the length of its key");
        format!("{text}.{}", b64(signature))
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 §A.1.1), without leading zeros.
fn numbers(der: &[u8]) -> [&[u8]; 2] {
    let (sequence, _) = element(der);
    let (modulus, rest) = element(sequence);
    let (exponent, _) = element(rest);
    [modulus, exponent].map(|number| number.strip_prefix(&[0]).unwrap_or(number))
}

/// What the first element of `der` holds, and what comes after it.
fn element(der: &[u8]) -> (&[u8], &[u8]) {
    let long = usize::from(der[1]);
    let (start, length) = if long < 0x80 {
        (2, long)
    } else {
        let start = 2 + (long & 0x7f);
        (start, der[2..start].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    };
    der[start..].split_at(length)
}
