//! Reading and checking a proof (RFC 9449 §4.3), strictly.
//!
//! Whoever holds a key may write proofs, so a proof is an attacker's text until all of it has
//! been checked. What is checked here costs no look-up; that a proof is used once is for who
//! keeps [`Proven::replay`].

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::{ALG, Crypto, PublicKey, TYP, Thumbprint, ath, nonce};
use crate::{Digest, Timestamp, strict};

/// Longer than any proof: ours have about 600 bytes.
const MAX_LEN: usize = 4 * 1024;
/// The longest `jti`; it is not kept, but hashed.
const MAX_JTI: usize = 256;
/// How far `iat` may be from now (§11.1). The nonce says how fresh a proof is, so this only
/// has to bear with clocks.
const WINDOW: Duration = Duration::from_secs(300);

/// Why a proof proves nothing. It never holds the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProof {
    /// §4.3 1: there is not exactly one `DPoP` header.
    #[error("there has to be exactly one DPoP header, with one proof in it")]
    NotOne,
    /// §4.3 2: not three canonical base64url parts, or too long.
    #[error("the DPoP proof is not a JWT in compact form")]
    Shape,
    /// §4.3 4–5: `typ` or `alg` is another, or the header holds what does not belong there.
    #[error("the header of the DPoP proof has to be typ dpop+jwt, alg ES256 and jwk")]
    Header,
    /// §4.3 7: `jwk` is no public key of P-256 alone.
    #[error("jwk in the DPoP proof has to be a public key of P-256 and nothing else")]
    Key,
    /// §4.3 6.
    #[error("the signature of the DPoP proof is wrong")]
    Signature,
    /// §4.3 3: a claim is missing, repeated or of the wrong type.
    #[error("the claims of the DPoP proof are not well-formed")]
    Claims,
    /// §4.3 8.
    #[error("htm of the DPoP proof is not the method of this request")]
    Method,
    /// §4.3 9.
    #[error("htu of the DPoP proof is not the address of this request")]
    Address,
    /// §4.3 10: there is no nonce of ours in it that is still good.
    #[error("the DPoP proof needs a nonce; take the one from the DPoP-Nonce header")]
    Nonce,
    /// §4.3 11.
    #[error("iat of the DPoP proof is too far from now; set the clock")]
    Time,
    /// §4.3 12: it belongs to another access token, or to none.
    #[error("ath of the DPoP proof is not that of the access token")]
    Token,
    /// §11.1.
    #[error("the DPoP proof was used before")]
    Replay,
    /// §7.1, §5: it was made with another key than the token is bound to.
    #[error("the DPoP proof was made with another key")]
    OtherKey,
    /// The token is bound to a key, and no proof came with it.
    #[error("this needs a DPoP proof, because it is bound to a key")]
    Missing,
}

/// What a proof has to be about.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// Where the request was sent, by our public URL and never by `Host`; without a query.
    pub url: &'a str,
    /// Now.
    pub now: Timestamp,
    /// The access token that came with it; none at the token endpoint.
    pub access_token: Option<&'a str>,
}

/// What was proved. Whoever admits it spends [`Proven::replay`] first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Whose key made it.
    pub jkt: Thumbprint,
    /// What must not be seen twice: key and `jti`.
    pub replay: Digest,
    /// Until when the same proof would be taken again.
    pub until: Timestamp,
    /// Its nonce is old: give the client a new one with the answer (§8.2).
    pub renew: bool,
}

/// A proof that was read, and is still nobody's.
#[derive(Clone, Debug)]
pub struct Proof<'a> {
    key: PublicKey,
    signed: &'a str,
    signature: [u8; 64],
    claims: Claims,
}

/// Exactly these: what a header could point to is not there (RFC 7515 §4.1, §4.1.11).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
}

/// A public key (RFC 7517 §4, RFC 7518 §6.2.1). What libraries write beside it is let
/// through; what is private (`d`) or points somewhere (`x5u`, `x5c`) is not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default, rename = "kid")]
    _kid: Option<String>,
    #[serde(default, rename = "key_ops")]
    _key_ops: Option<Vec<String>>,
    #[serde(default, rename = "ext")]
    _ext: Option<bool>,
}

/// §4.2. Others may be there.
#[derive(Clone, Debug, Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    #[serde(default)]
    nonce: Option<Value>,
    #[serde(default)]
    ath: Option<Value>,
}

impl<'a> Proof<'a> {
    /// Reads the value of a `DPoP` header. Says nothing about whether it is true.
    pub fn parse(text: &'a str) -> Result<Self, BadProof> {
        if text.len() > MAX_LEN {
            return Err(BadProof::Shape);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(BadProof::Shape)?;
        let (header, claims) = signed.split_once('.').ok_or(BadProof::Shape)?;
        // The decoder refuses padding, foreign characters and trailing bits: one spelling.
        let part = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| BadProof::Shape);
        let (header, claims, signature) = (part(header)?, part(claims)?, part(signature)?);
        let header: Value = strict::from_slice(&header).ok_or(BadProof::Header)?;
        let key_is_there = header.get("jwk").is_some_and(Value::is_object);
        let header: Header = serde_json::from_value(header)
            .map_err(|_| if key_is_there { BadProof::Key } else { BadProof::Header })?;
        // §4.3 4–5: `none` and whatever is symmetric are not on a list of one.
        if header.typ != TYP || header.alg != ALG {
            return Err(BadProof::Header);
        }
        let key = header.jwk.read().ok_or(BadProof::Key)?;
        // RFC 7518 §3.4: R and S, 32 bytes each.
        let signature = signature.try_into().map_err(|_| BadProof::Signature)?;
        let claims: Claims = strict::from_slice(&claims).ok_or(BadProof::Claims)?;
        if claims.jti.is_empty() || claims.jti.len() > MAX_JTI {
            return Err(BadProof::Claims);
        }
        Ok(Self { key, signed, signature, claims })
    }

    /// The key that it says it was made with.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// §4.3 6–12.
    pub fn verify(self, expected: &Expected<'_>, crypto: &impl Crypto) -> Result<Proven, BadProof> {
        if !crypto.es256(&self.key, self.signed.as_bytes(), &self.signature) {
            return Err(BadProof::Signature);
        }
        let Claims { jti, htm, htu, iat, nonce: given, ath: bound } = &self.claims;
        if htm != expected.method {
            return Err(BadProof::Method);
        }
        if !same_address(htu, expected.url) {
            return Err(BadProof::Address);
        }
        let given = given.as_ref().and_then(Value::as_str).ok_or(BadProof::Nonce)?;
        let until = nonce::good_until(given, expected.now, crypto).ok_or(BadProof::Nonce)?;
        let earliest = (expected.now - WINDOW).secs();
        let latest = (expected.now + WINDOW).secs();
        if !(earliest..=latest).contains(iat) {
            return Err(BadProof::Time);
        }
        let same_token = match (expected.access_token, bound) {
            (None, None) => true,
            // What belongs to a token is for a resource (§4.2).
            (None, Some(_)) | (Some(_), None) => false,
            (Some(token), Some(bound)) => bound
                .as_str()
                .is_some_and(|bound| bound.as_bytes().ct_eq(ath(token).as_bytes()).into()),
        };
        if !same_token {
            return Err(BadProof::Token);
        }
        let jkt = self.key.thumbprint();
        let replay = Sha256::new().chain_update(jkt.as_bytes()).chain_update(jti);
        Ok(Proven {
            jkt,
            replay: Digest::from_bytes(replay.finalize().into()),
            until,
            renew: until <= expected.now + nonce::LIFE / 2,
        })
    }
}

/// Reads and checks the value of a `DPoP` header (§4.3).
pub fn check(
    text: &str,
    expected: &Expected<'_>,
    crypto: &impl Crypto,
) -> Result<Proven, BadProof> {
    Proof::parse(text)?.verify(expected, crypto)
}

impl Jwk {
    fn read(&self) -> Option<PublicKey> {
        let other_use = self.usage.as_deref().is_some_and(|usage| usage != "sig");
        let other_alg = self.alg.as_deref().is_some_and(|alg| alg != ALG);
        if self.kty != "EC" || self.crv != "P-256" || other_use || other_alg {
            return None;
        }
        // RFC 7518 §6.2.1.2: the full size of a coordinate, leading zeros and all.
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
        Some(PublicKey { x: part(&self.x)?, y: part(&self.y)? })
    }
}

/// §4.3 9: equal after normalization by syntax and scheme (RFC 3986 §6.2.2, §6.2.3): the case
/// of scheme and host, and the port that a scheme implies, are no difference. §4.2: `htu` has
/// no query and no fragment; nor has it a user.
fn same_address(htu: &str, url: &str) -> bool {
    // The parser is lenient where nobody needs it: white space, backslashes, missing slashes.
    let plain = htu.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\@?#".contains(&byte));
    if !plain || !htu.contains("://") {
        return false;
    }
    match (Url::parse(htu), Url::parse(url)) {
        (Ok(said), Ok(ours)) => said == ours,
        _ => false,
    }
}

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;
