//! The token of an outside issuer, in two steps that are two types: [`Unverified`] says which
//! issuer's key to try and nothing else; [`Verified`] is signed, made out for us, and in time.
//!
//! What is not understood is refused: an unknown header parameter, a member that is there twice,
//! a claim of the wrong type.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::trust::{Claim, Claims};
use hallpass_core::{Digest, Timestamp, strict};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Deserializer};

/// No token is longer.
pub(super) const MAX_LEN: usize = 16 * 1024;
/// How far the issuer's clock may be ahead of ours. Nothing lives longer by it.
const SKEW: Duration = Duration::from_secs(30);
/// A token that is good for longer is no job's.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// The longest `jti`, and the longest `sub`.
const MAX_ID: usize = 1024;

/// A key, and the one algorithm that it is for (RFC 8725 §3.1).
pub(super) struct VerifyingKey {
    pub(super) key: DecodingKey,
    pub(super) algorithm: Algorithm,
}

/// Why a token is no good. For the log and for those who manage the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Bad {
    Shape,
    Header,
    Type,
    Claims,
    Issuer,
    Key,
    Algorithm,
    Signature,
    Audience,
    Client,
    Dates,
    Jti,
    Expired,
    NotYet,
    TooLong,
    TooOld,
    Again,
}

impl Bad {
    /// In words.
    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::Shape => "the token is not a JWT in compact form",
            Self::Header => {
                "the token's header has more or less than alg, typ, kid and thumbprints"
            }
            Self::Type => "the token says that it is of another type",
            Self::Claims => "the token's claims are not well-formed",
            Self::Issuer => "no policy names the token's issuer",
            Self::Key => "the token's issuer publishes no such key",
            Self::Algorithm => "the token's algorithm is not that of its key",
            Self::Signature => "the token's signature is wrong",
            Self::Audience => {
                "the token is made out for somebody else: aud has to be this server's issuer URL, alone"
            }
            Self::Client => "the token is made out for another client",
            Self::Dates => "exp, nbf and iat have to be there, as whole numbers",
            Self::Jti => "jti has to be there, as a text",
            Self::Expired => "the token has expired",
            Self::NotYet => "the token is not valid yet",
            Self::TooLong => "the token is good for longer than a job's",
            Self::TooOld => "the token was issued longer than five minutes ago",
            Self::Again => "the token was exchanged before",
        }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says())
    }
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
pub(super) struct Unverified<'a> {
    text: &'a str,
    header: Header,
    claims: Claims,
    issuer: String,
}

/// A token that its issuer signed, for us, and that is good now.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) claims: Claims,
    /// What issuer and `jti` are known by together, and until when it must be remembered.
    pub(super) once: Digest,
    pub(super) once_until: Timestamp,
    pub(super) issued_at: Timestamp,
}

/// Why a token was refused, and what it says if its issuer signed that.
#[derive(Debug)]
pub(super) struct Rejected {
    pub(super) why: Bad,
    pub(super) signed: Option<Claims>,
}

impl<'a> Unverified<'a> {
    /// Takes it apart: three canonical base64url parts, a header that we understand, claims
    /// without repeated members.
    pub(super) fn parse(text: &'a str) -> Result<Self, Bad> {
        let part = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| Bad::Shape);
        // H05: what is too long is an error, and nothing else is tried.
        if text.len() > MAX_LEN {
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
        // RFC 8725 §3.11: never an access token, a logout token or a proof.
        let typ = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != "jwt" {
            return Err(Bad::Type);
        }
        let claims = Claims::parse(&claims).ok_or(Bad::Claims)?;
        let issuer = claims.text("iss").ok_or(Bad::Claims)?;
        Ok(Self { text, header, claims, issuer })
    }

    /// Which issuer it names.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Which of the issuer's keys it names.
    pub(super) fn kid(&self) -> &str {
        &self.header.kid
    }

    /// What it says, if its issuer signed it with `key`.
    pub(super) fn signed(self, key: &VerifyingKey) -> Result<Claims, Bad> {
        self.must_be_signed(key).map(|()| self.claims)
    }

    /// Whether its issuer signed it with `key`, for `audience` alone, and it is good at `now`.
    /// `strict`: the platform is known to write `nbf` and `jti`.
    pub(super) fn verify(
        self,
        key: &VerifyingKey,
        audience: &str,
        now: Timestamp,
        strict: bool,
    ) -> Result<Verified, Rejected> {
        self.must_be_signed(key).map_err(|why| Rejected { why, signed: None })?;
        match self.dates(audience, now, strict) {
            Ok((once, once_until, issued_at)) => {
                Ok(Verified { claims: self.claims, once, once_until, issued_at })
            }
            Err(why) => Err(Rejected { why, signed: Some(self.claims) }),
        }
    }

    /// RFC 8725 §3.1: the algorithm is the key's; the header may only agree.
    fn must_be_signed(&self, key: &VerifyingKey) -> Result<(), Bad> {
        if self.header.alg.parse::<Algorithm>() != Ok(key.algorithm) {
            return Err(Bad::Algorithm);
        }
        let verified = self.text.rsplit_once('.').map(|(signed, signature)| {
            jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key.key, key.algorithm)
        });
        if matches!(verified, Some(Ok(true))) { Ok(()) } else { Err(Bad::Signature) }
    }

    fn dates(
        &self,
        audience: &str,
        now: Timestamp,
        strict: bool,
    ) -> Result<(Digest, Timestamp, Timestamp), Bad> {
        // H07: ours, and no other beside it. GitHub's default, the owner's page, is nobody's.
        if self.claims.single_audience() != Some(audience) {
            return Err(Bad::Audience);
        }
        // H08: there, and whole numbers.
        let date = |name: &str| self.claims.date(name).ok_or(Bad::Dates);
        let (expires, issued) = (date("exp")?, date("iat")?);
        let begins = match self.claims.get("nbf") {
            Claim::Missing if !strict => issued,
            _ => date("nbf")?,
        };
        if now >= expires {
            return Err(Bad::Expired);
        }
        if begins.max(issued) > now + SKEW {
            return Err(Bad::NotYet);
        }
        if expires.since(issued) > LONGEST {
            return Err(Bad::TooLong);
        }
        // H06: the issuer is part of what is remembered, and it is remembered for longer than
        // the token could be taken.
        let jti = match self.claims.get("jti") {
            Claim::Text(jti) if (1..=MAX_ID).contains(&jti.len()) => jti,
            // The signed part: a signature may have several spellings.
            Claim::Missing if !strict => {
                self.text.rsplit_once('.').map(|(signed, _)| signed.to_owned()).ok_or(Bad::Shape)?
            }
            _ => return Err(Bad::Jti),
        };
        let once = Digest::of(format!("outside token\n{}\n{jti}", self.issuer).as_bytes());
        Ok((once, expires + SKEW * 2, issued))
    }
}
