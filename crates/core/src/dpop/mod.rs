//! Demonstrating proof of possession (RFC 9449): a token that is bound to a key is worth
//! nothing to who does not have the key.
//!
//! The one who proves writes with [`write`](fn@write), the one who checks reads with
//! [`check`], so that the two cannot drift apart. Signatures and MACs are arguments
//! ([`Crypto`]): this crate has no keys. Only ES256 is spoken; an algorithm that is not
//! there cannot be confused with another.
//!
//! | part | what | by |
//! |---|---|---|
//! | here | a key's public half and its thumbprint | RFC 7517, RFC 7638 |
//! | [`proof`] | reading and checking a proof | §4.3 |
//! | [`nonce`](mod@nonce) | nonces that a server makes and keeps nowhere | §8, §9 |
//! | [`write`](mod@write) | writing a proof | §4.2 |

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

pub mod nonce;
pub mod proof;
pub mod write;

pub use nonce::nonce;
pub use proof::{BadProof, Expected, Proof, Proven, check};
pub use write::{Claims, write};

/// The header that carries a proof (§4.1).
pub const HEADER: &str = "dpop";
/// The header that carries a nonce to the client (§8).
pub const NONCE_HEADER: &str = "dpop-nonce";
/// The `Authorization` scheme, and the `token_type`, of a bound access token (§5, §7.1).
pub const SCHEME: &str = "DPoP";
/// The one algorithm that proofs are signed with.
pub const ALG: &str = "ES256";
/// `typ` of a proof (§4.2).
pub(crate) const TYP: &str = "dpop+jwt";

/// What the reader's crate brings: one signature algorithm, and a key of its own.
pub trait Crypto {
    /// Whether `signature` is that of `key` over `signed` (ES256, RFC 7518 §3.4). A key that
    /// is no point of the curve has signed nothing.
    fn es256(&self, key: &PublicKey, signed: &[u8], signature: &[u8; 64]) -> bool;

    /// A MAC over `message`, under a key for nonces and nothing else.
    fn mac(&self, message: &[u8]) -> [u8; 32];
}

/// A point that claims to be on P-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The coordinate `x`.
    pub x: [u8; 32],
    /// The coordinate `y`.
    pub y: [u8; 32],
}

impl PublicKey {
    /// From an uncompressed point (SEC 1 §2.3.3).
    pub fn from_point(point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
        Some(Self { x: x.try_into().ok()?, y: y.try_into().ok()? })
    }

    /// As an uncompressed point (SEC 1 §2.3.3).
    pub fn point(&self) -> [u8; 65] {
        let mut point = [4; 65];
        point[1..33].copy_from_slice(&self.x);
        point[33..].copy_from_slice(&self.y);
        point
    }

    /// RFC 7638 §3: the members that a key of this type must have, in the order of their
    /// names, without white space.
    pub fn jwk(&self) -> String {
        let [x, y] = [self.x, self.y].map(|part| URL_SAFE_NO_PAD.encode(part));
        format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
    }

    /// RFC 7638 §3.
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint(Sha256::digest(self.jwk()).into())
    }
}

/// The SHA-256 thumbprint of a key (RFC 7638): what tokens are bound to (`jkt`, §6.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint([u8; 32]);

/// The text is no thumbprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a thumbprint is the 43 characters of a base64url SHA-256 digest")]
pub struct BadThumbprint;

impl Thumbprint {
    /// Reads `jkt` or `dpop_jkt` (§6.1, §10).
    pub fn parse(text: &str) -> Result<Self, BadThumbprint> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadThumbprint)?;
        bytes.try_into().map(Self).map_err(|_| BadThumbprint)
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

impl Serialize for Thumbprint {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

/// `cnf` of a bound token, in the token and in introspection (§6.1, §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The key that it is bound to.
    pub jkt: Thumbprint,
}

/// `ath` (§4.2): what binds a proof to an access token.
pub fn ath(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(access_token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: HP03
    #[test]
    fn the_thumbprint_of_the_standards_example() {
        // The key of RFC 9449 §4.1, and its thumbprint in §6.1.
        let part = |text: &str| -> [u8; 32] {
            URL_SAFE_NO_PAD.decode(text).expect("base64url").try_into().expect("32 bytes")
        };
        let key = PublicKey {
            x: part("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs"),
            y: part("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"),
        };
        assert_eq!(key.thumbprint().to_string(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert_eq!(PublicKey::from_point(&key.point()), Some(key));
        // §7.1 and §4.2: the access token of the example and its hash.
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        assert_eq!(ath(token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    }

    #[test]
    fn a_thumbprint_has_one_spelling() {
        let good = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        assert_eq!(Thumbprint::parse(good).expect("good").to_string(), good);
        for bad in ["", &good[1..], &format!("{good}="), &good.replace('-', "+"), "A", "é"] {
            assert_eq!(Thumbprint::parse(bad), Err(BadThumbprint), "{bad}");
        }
        // The last character carries bits that nothing decodes.
        assert!(Thumbprint::parse(&good.replace("A4I", "A4J")).is_err());
    }
}
