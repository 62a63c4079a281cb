//! Reading an ID token, and every reason to refuse it (OIDC Core §3.1.3.7, RFC 8725).
//!
//! What is not understood is refused: an unknown header parameter, a claim of the wrong type, a
//! member that is there twice, and whatever says of itself that it is another kind of token.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::text::presentable;
use hallpass_core::{Digest, Timestamp, strict};
use hallpass_verdict::{CredentialKind, Decision, Who};
use jsonwebtoken::Algorithm;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::OutsideIssuer;
use super::discovery::VerifyingKey;
use crate::shape::MAX_LEN;

/// How far the issuer's clock may be ahead of ours. Nothing lives longer by it.
const SKEW: Duration = Duration::from_secs(30);
/// The last second of the year 9999.
const LAST: i64 = 253_402_300_799;
/// A subject has at most as many characters (OIDC Core §2).
const MAX_SUBJECT: usize = 255;
/// A name is cut after as many.
const MAX_NAME: usize = 100;

/// Claims that only other kinds of tokens have: access tokens (RFC 9068 §2.2), logout tokens
/// (OIDC Back-Channel Logout §2.4), and tokens whose key must be shown, too (RFC 7800 §3.1).
const OTHER_KINDS: [&str; 5] = ["scope", "scp", "client_id", "events", "cnf"];
/// Claims in which some issuers say what kind of token it is, and what an ID token says there.
const SAID_KINDS: [(&str, &str); 2] = [("typ", "ID"), ("token_use", "id")];

/// Why it is no good. For logs and tests; a caller is told no more than `invalid_token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub(super) enum Bad {
    #[error("it is not a JWT in compact form")]
    Shape,
    #[error("its header has more or less than alg, typ, kid and thumbprints")]
    Header,
    #[error("it is another type of token")]
    Type,
    #[error("it names an issuer that is not trusted")]
    Issuer,
    #[error("its issuer publishes no such key")]
    Key,
    #[error("its issuer's keys are not known now")]
    KeysUnknown,
    #[error("its algorithm is not that of its key")]
    Algorithm,
    #[error("its signature is wrong")]
    Signature,
    #[error("its claims are not well-formed")]
    Claims,
    #[error("it is made out for another client")]
    Audience,
    #[error("it has expired")]
    Expired,
    #[error("it was issued longer ago than is allowed here")]
    TooOld,
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

/// A token that has been taken apart and not verified.
pub(super) struct IdToken<'a> {
    text: &'a str,
    header: Header,
    claims: Claims,
}

/// What a verified ID token says.
#[derive(Clone, Debug)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// The claim `name`, of whatever type it is; compare it to exactly what you expect. An
    /// e-mail address is no proof of who somebody is, verified or not (OIDC Core §5.7).
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Who it is, at its issuer.
    pub fn subject(&self) -> &str {
        self.get("sub").and_then(Value::as_str).unwrap_or_default()
    }

    fn text(&self, name: &str) -> Result<&str, Bad> {
        self.maybe_text(name)?.ok_or(Bad::Claims)
    }

    fn maybe_text(&self, name: &str) -> Result<Option<&str>, Bad> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Bad::Claims),
        }
    }

    /// NumericDate (RFC 7519 §2): a whole number of seconds, up to the year 9999.
    fn date(&self, name: &str) -> Result<Timestamp, Bad> {
        self.maybe_date(name)?.ok_or(Bad::Claims)
    }

    fn maybe_date(&self, name: &str) -> Result<Option<Timestamp>, Bad> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let seconds = value.as_i64().filter(|seconds| (0..=LAST).contains(seconds));
        seconds.map(|seconds| Some(Timestamp::from_secs(seconds))).ok_or(Bad::Claims)
    }

    /// OIDC Core §3.1.3.7, 3 to 5: it is made out for `client`; for others beside it only if it
    /// was issued to `client`.
    fn is_for(&self, client: &str) -> Result<(), Bad> {
        let (one, many) = match self.get("aud") {
            Some(Value::String(one)) => (Some(one.as_str()), false),
            Some(Value::Array(all)) if all.iter().all(Value::is_string) => {
                let client = all.iter().filter_map(Value::as_str).find(|known| *known == client);
                (client, all.len() > 1)
            }
            _ => return Err(Bad::Claims),
        };
        let issued_to = self.maybe_text("azp")?;
        let to_us = issued_to.map_or(!many, |party| party == client);
        if one == Some(client) && to_us { Ok(()) } else { Err(Bad::Audience) }
    }

    fn is_an_id_token(&self) -> Result<(), Bad> {
        let other = OTHER_KINDS.iter().any(|name| self.0.contains_key(*name));
        let said = |(name, id): &(&str, &str)| self.get(name).is_none_or(|kind| kind == id);
        if !other && SAID_KINDS.iter().all(said) { Ok(()) } else { Err(Bad::Type) }
    }
}

impl<'a> IdToken<'a> {
    /// Takes it apart: three canonical base64url parts, a header that we understand.
    pub(super) fn parse(text: &'a str) -> Result<Self, Bad> {
        let part = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| Bad::Shape);
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
        // RFC 8725 §3.11: never an access token, a logout token or a proof. OIDC asks for no
        // type, so it may be absent.
        let typ = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != "jwt" {
            return Err(Bad::Type);
        }
        let claims = strict::from_slice(&claims).map(Claims).ok_or(Bad::Claims)?;
        Ok(Self { text, header, claims })
    }

    /// Which issuer it names.
    pub(super) fn issuer(&self) -> Result<&str, Bad> {
        self.claims.text("iss")
    }

    /// Which of the issuer's keys it names.
    pub(super) fn kid(&self) -> &str {
        &self.header.kid
    }

    /// Who presents it, if it is `issuer`'s, signed with `key`, and good at `now`.
    pub(super) fn decide(
        self,
        issuer: &OutsideIssuer,
        key: &VerifyingKey,
        now: Timestamp,
    ) -> Result<Decision, Bad> {
        self.verify(key)?;
        let claims = self.claims;
        if claims.text("iss")? != issuer.issuer() {
            return Err(Bad::Issuer);
        }
        claims.is_an_id_token()?;
        claims.is_for(issuer.client_id())?;
        let subject = claims.text("sub")?;
        let printable = subject.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if subject.is_empty() || subject.len() > MAX_SUBJECT || !printable {
            return Err(Bad::Claims);
        }
        let (expires, issued) = (claims.date("exp")?, claims.date("iat")?);
        let begins = claims.maybe_date("nbf")?.unwrap_or(issued).max(issued);
        let auth_time = claims.maybe_date("auth_time")?;
        if now >= expires {
            return Err(Bad::Expired);
        }
        if begins > now + SKEW {
            return Err(Bad::NotYet);
        }
        if now >= issued + issuer.longest_age() {
            return Err(Bad::TooOld);
        }
        let name = claims.get("name").and_then(Value::as_str).unwrap_or(subject);
        let who = Who::Outside {
            issuer: issuer.issuer().to_owned(),
            subject: subject.to_owned(),
            name: presentable(name, MAX_NAME),
        };
        Ok(Decision {
            kind: CredentialKind::IdToken,
            who: Arc::new(who),
            // A client of theirs; it may be called as one of ours.
            client_id: None,
            scope: issuer.scope_of(&claims),
            grant: None,
            audience: vec![issuer.client_id().to_owned()],
            id: identifier(self.text),
            auth_time,
            issued_at: issued,
            expires_at: Some(expires),
            jkt: None,
            place: None,
        })
    }

    /// RFC 8725 §3.1: the algorithm is the key's; the header may only agree.
    fn verify(&self, key: &VerifyingKey) -> Result<(), Bad> {
        if self.header.alg.parse::<Algorithm>() != Ok(key.algorithm) {
            return Err(Bad::Algorithm);
        }
        let (signed, signature) = self.text.rsplit_once('.').ok_or(Bad::Shape)?;
        let verified =
            jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key.key, key.algorithm);
        if verified == Ok(true) { Ok(()) } else { Err(Bad::Signature) }
    }
}

/// A name for the token in logs: not its `jti`, which is theirs to choose.
fn identifier(token: &str) -> String {
    let digest = Digest::of(token.as_bytes());
    format!("idt_{}", URL_SAFE_NO_PAD.encode(&digest.as_bytes()[..16]))
}
