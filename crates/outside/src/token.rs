//! A token, taken apart and held against a key (RFC 7515, RFC 8725).
//!
//! What is not understood is refused: an unknown header parameter, a member that is there twice,
//! and whatever says of itself that it is another type of token.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::strict;
use jsonwebtoken::Algorithm;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{Claims, VerifyingKey};

/// How far an issuer's clock may be ahead of ours. Nothing lives longer by it.
pub const SKEW: Duration = Duration::from_secs(30);

/// Why a token is no good. For logs and tests; a caller is told no more than `invalid_token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Bad {
    /// Not three canonical parts, or too long.
    #[error("it is not a JWT in compact form")]
    Shape,
    /// A header that is not understood.
    #[error("its header has more or less than alg, typ, kid and thumbprints")]
    Header,
    /// An access token, a logout token, a proof (RFC 8725 §3.11).
    #[error("it is another type of token")]
    Type,
    /// Nobody that we know.
    #[error("it names an issuer that is not trusted")]
    Issuer,
    /// Its `kid` is none of its issuer's.
    #[error("its issuer publishes no such key")]
    Key,
    /// Nobody can tell.
    #[error("its issuer's keys are not known now")]
    KeysUnknown,
    /// RFC 8725 §3.1.
    #[error("its algorithm is not that of its key")]
    Algorithm,
    /// It was not signed with that key.
    #[error("its signature is wrong")]
    Signature,
    /// One is missing, or of the wrong type.
    #[error("its claims are not well-formed")]
    Claims,
    /// It is somebody else's.
    #[error("it is made out for another client")]
    Audience,
    /// `exp` has passed.
    #[error("it has expired")]
    Expired,
    /// `iat` is too long ago.
    #[error("it was issued longer ago than is allowed here")]
    TooOld,
    /// `nbf` or `iat` is to come.
    #[error("it is not valid yet")]
    NotYet,
}

/// The header, exactly. Thumbprints are let be; whatever points somewhere, carries a key or has
/// to be understood is not (RFC 7515 §4.1, RFC 8725 §3.10).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default, deserialize_with = "there")]
    typ: Option<String>,
    #[serde(default, rename = "x5t")]
    _x5t: Option<String>,
    #[serde(default, rename = "x5t#S256")]
    _x5t_s256: Option<String>,
}

/// A member that may be absent, but not null.
fn there<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    String::deserialize(d).map(Some)
}

/// A token that has been taken apart, and that anybody may have written.
pub struct Unverified<'a> {
    text: &'a str,
    header: Header,
    claims: Claims,
}

impl<'a> Unverified<'a> {
    /// Takes a text of at most `longest` bytes apart: three canonical base64url parts, a header
    /// that we understand, claims without repeated members.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &'a str, longest: usize) -> Result<Self, Bad> {
        let part = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| Bad::Shape);
        if text.len() > longest {
            return Err(Bad::Shape);
        }
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Bad::Shape);
        };
        let (header, claims) = (part(header)?, part(claims)?);
        if part(signature)?.is_empty() {
            return Err(Bad::Signature);
        }
        let header: Header = strict::from_slice(&header).ok_or(Bad::Header)?;
        // RFC 8725 §3.11: never an access token, a logout token or a proof. OIDC asks for no
        // type, so it may be absent.
        let typ = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != "jwt" {
            return Err(Bad::Type);
        }
        let claims = strict::from_slice(&claims).ok_or(Bad::Claims)?;
        Ok(Self { text, header, claims })
    }

    /// Which issuer it names.
    ///
    /// # Errors
    /// If it names none.
    pub fn issuer(&self) -> Result<&str, Bad> {
        self.claims.get("iss").and_then(Value::as_str).ok_or(Bad::Claims)
    }

    /// Which of the issuer's keys it names.
    pub fn kid(&self) -> &str {
        &self.header.kid
    }

    /// What was signed: a signature may have several spellings.
    pub fn signed_part(&self) -> &'a str {
        self.text.rsplit_once('.').map_or(self.text, |(signed, _)| signed)
    }

    /// What it says, if `key` signed it.
    ///
    /// # Errors
    /// If it did not.
    pub fn signed(self, key: &VerifyingKey) -> Result<Claims, Bad> {
        // RFC 8725 §3.1: the algorithm is the key's; the header may only agree.
        if self.header.alg.parse::<Algorithm>() != Ok(key.algorithm) {
            return Err(Bad::Algorithm);
        }
        let (signed, signature) = self.text.rsplit_once('.').ok_or(Bad::Shape)?;
        let verified =
            jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key.key, key.algorithm);
        if verified == Ok(true) { Ok(self.claims) } else { Err(Bad::Signature) }
    }
}
