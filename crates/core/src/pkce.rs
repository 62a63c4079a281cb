//! Proof Key for Code Exchange (RFC 7636). Only `S256`; `plain` is refused
//! (RFC 9700 §2.1.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::{Random, Secret, chance};

/// `code_verifier`: 43 to 128 unreserved characters (RFC 7636 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier(Secret);

/// `code_challenge` for `S256`: BASE64URL(SHA-256(verifier)), 43 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

/// Why a text is neither verifier nor challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPkce {
    /// RFC 7636 §4.1.
    #[error("code_verifier must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~")]
    Verifier,
    /// RFC 7636 §4.2.
    #[error("code_challenge must be the 43 characters of a base64url SHA-256 digest")]
    Challenge,
}

impl Verifier {
    /// A new verifier from 32 random bytes.
    pub fn mint(random: &dyn Random) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(chance::bytes::<32>(random))))
    }

    /// RFC 7636 §4.1: `43*128unreserved`.
    pub fn parse(text: &str) -> Result<Self, BadPkce> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(Self(Secret::new(text)))
        } else {
            Err(BadPkce::Verifier)
        }
    }

    /// RFC 7636 §4.2.
    pub fn challenge(&self) -> Challenge {
        Challenge(URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.expose().as_bytes())))
    }

    /// RFC 7636 §4.6, in constant time.
    pub fn answers(&self, challenge: &Challenge) -> bool {
        self.challenge().0.as_bytes().ct_eq(challenge.0.as_bytes()).into()
    }

    /// The text, to send to the token endpoint.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl Challenge {
    /// Reads the `code_challenge` parameter of method `S256`.
    pub fn parse(text: &str) -> Result<Self, BadPkce> {
        let decoded = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadPkce::Challenge)?;
        if decoded.len() == 32 { Ok(Self(text.to_owned())) } else { Err(BadPkce::Challenge) }
    }

    /// The text, to send and to store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: B01
    #[test]
    fn the_example_of_appendix_b() {
        let verifier = Verifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let challenge = Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert!(verifier.answers(&challenge));
        assert_eq!(verifier.challenge(), challenge);
    }

    // proves: B05
    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        assert!(Verifier::parse(&"a".repeat(42)).is_err());
        assert!(Verifier::parse(&"a".repeat(43)).is_ok());
        assert!(Verifier::parse(&"~".repeat(128)).is_ok());
        assert!(Verifier::parse(&"a".repeat(129)).is_err());
        for odd in ["+", "/", "=", " ", "%", "é", "\0", "\n"] {
            assert!(Verifier::parse(&format!("{}{odd}", "a".repeat(50))).is_err(), "{odd:?}");
        }
        assert!(Verifier::parse("").is_err());
    }

    #[test]
    fn a_challenge_is_a_digest() {
        assert!(Challenge::parse("").is_err());
        assert!(Challenge::parse(&"A".repeat(42)).is_err());
        assert!(Challenge::parse(&"A".repeat(43)).is_ok());
        // Not canonical: the last character carries bits that nothing decodes.
        assert!(Challenge::parse(&format!("{}B", "A".repeat(42))).is_err());
        assert!(Challenge::parse(&"A".repeat(44)).is_err());
    }
}
