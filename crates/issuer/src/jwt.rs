//! JWTs: ours are written, and everything else is refused, strictly.
//!
//! jsonwebtoken writes, signs and verifies. In front of it stands what RFC 8725 asks for:
//! we only ever read JWTs that we have written, so what comes in must look like them and
//! nothing more: three canonical base64url parts, a header of exactly `alg`,
//! `typ` and `kid`, no member twice, whole numbers for dates. The key is one of our own,
//! found by `kid` in memory; its algorithm comes from there and never from the header
//! (RFC 8725 §3.1), and nothing in a token points anywhere (§3.10). Types of tokens are
//! told apart by `typ` (§3.11), so that none passes for another.
//!
//! | part | what |
//! |---|---|
//! | [`claims`] | access token (RFC 9068 §2.2), ID token (OIDC Core §2), approved action |
//! | [`hallpass_core::strict`] | JSON without repeated members |

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::{Secret, Timestamp, strict};
use jsonwebtoken::Header;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::signing::{Alg, Key, Ring};

pub mod claims;

/// Longer than any token of ours: an access token has about 700 bytes.
const MAX_LEN: usize = 8 * 1024;

/// `typ` of an access token (RFC 9068 §2.1).
pub(crate) const ACCESS: Type = Type { typ: "at+jwt", algs: &[Alg::Es256] };
/// `typ` of the token of one approved action: no access token, and nobody takes it for one.
pub(crate) const ACTION: Type = Type { typ: "action+jwt", algs: &[Alg::Es256] };
/// `typ` of an ID token.
pub(crate) const ID: Type = Type { typ: "JWT", algs: &[Alg::Es256, Alg::Rs256] };

/// A type of token, and the algorithms that we sign it with.
pub(crate) struct Type {
    typ: &'static str,
    algs: &'static [Alg],
}

/// Why a text is none of our JWTs. It never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJwt {
    /// Not three canonical base64url parts, or too long.
    #[error("it is not a JWT in compact form")]
    Shape,
    /// Its header is not exactly `alg`, `typ` and `kid`.
    #[error("its header is not one of ours")]
    Header,
    /// It is another type of token (RFC 8725 §3.11).
    #[error("it is another type of token")]
    Type,
    /// Its `kid` names no key that we publish.
    #[error("it is signed with no key of ours")]
    Key,
    /// Its `alg` is not that of its key (RFC 8725 §3.1).
    #[error("its algorithm is not that of its key")]
    Algorithm,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// A claim is missing, repeated or of the wrong type.
    #[error("its claims are not well-formed")]
    Claims,
    /// It names another issuer.
    #[error("it names another issuer")]
    Issuer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderIn {
    alg: String,
    typ: String,
    kid: String,
}

/// Writes a token of `kind` (RFC 7515 §7.1).
pub(crate) fn write<C: Serialize>(kind: &Type, key: &Key, claims: &C) -> Result<Secret, Error> {
    let mut header = Header::new(key.alg.jws());
    header.typ = Some(kind.typ.to_owned());
    header.kid = Some(key.id.to_string());
    let token = jsonwebtoken::encode(&header, claims, &key.private);
    token.map(Secret::new).map_err(|_| Error::Crypto { doing: "writing a token" })
}

/// Reads a token of `kind`: shape, header, type, key, algorithm, signature, in this order,
/// then the claims, which are JSON that we wrote.
pub(crate) fn read<C: DeserializeOwned>(
    kind: &Type,
    ring: &Ring,
    now: Timestamp,
    token: &str,
) -> Result<C, BadJwt> {
    if token.len() > MAX_LEN {
        return Err(BadJwt::Shape);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(BadJwt::Shape)?;
    let (header, payload) = signed.split_once('.').ok_or(BadJwt::Shape)?;
    // The decoder refuses padding, foreign characters and trailing bits, so each part has
    // one spelling; a second dot in the payload is a foreign character.
    let part = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| BadJwt::Shape);
    let (header, payload, _) = (part(header)?, part(payload)?, part(signature)?);

    // RFC 7515 §4.1.11: `crit` names what we would have to understand. We understand
    // nothing beyond the three members that we write, so no other is let through.
    let header: HeaderIn = strict::from_slice(&header).ok_or(BadJwt::Header)?;
    // RFC 8725 §3.11, RFC 9068 §4.
    if header.typ != kind.typ {
        return Err(BadJwt::Type);
    }
    let kid = header.kid.parse().map_err(|_| BadJwt::Key)?;
    let key = ring.published(kid, now).ok_or(BadJwt::Key)?;
    // RFC 8725 §3.1: the algorithm is the key's; the header may only agree.
    if header.alg != key.alg.as_str() || !kind.algs.contains(&key.alg) {
        return Err(BadJwt::Algorithm);
    }
    match jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key.public, key.alg.jws()) {
        Ok(true) => {}
        Ok(false) | Err(_) => return Err(BadJwt::Signature),
    }
    strict::from_slice(&payload).ok_or(BadJwt::Claims)
}
