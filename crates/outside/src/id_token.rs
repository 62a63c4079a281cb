//! The claims of an ID token, and every reason to refuse them (OIDC Core §3.1.3.7).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::{Digest, Timestamp};
use serde_json::Value;

use crate::{Bad, Claims, SKEW};

/// The last second of the year 9999.
const LAST: i64 = 253_402_300_799;
/// A subject has at most as many characters (OIDC Core §2).
const MAX_SUBJECT: usize = 255;
/// Claims that only other kinds of tokens have: access tokens (RFC 9068 §2.2), logout tokens
/// (OIDC Back-Channel Logout §2.4), and tokens whose key must be shown, too (RFC 7800 §3.1).
const OTHER_KINDS: [&str; 5] = ["scope", "scp", "client_id", "events", "cnf"];
/// Claims in which some issuers say what kind of token it is, and what an ID token says there.
const SAID_KINDS: [(&str, &str); 2] = [("typ", "ID"), ("token_use", "id")];

/// Whose ID tokens are taken here.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    /// The issuer, byte for byte.
    pub issuer: &'e str,
    /// The client that they are made out for.
    pub client_id: &'e str,
    /// One that was issued longer ago is none.
    pub longest_age: Duration,
}

/// Somebody signed in there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdToken<'c> {
    /// Who it is, at the issuer.
    pub subject: &'c str,
    /// When they signed in.
    pub auth_time: Option<Timestamp>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl<'c> IdToken<'c> {
    /// What claims say whose signature has been checked, if they are an ID token that is expected,
    /// and good at `now`.
    ///
    /// # Errors
    /// If they are not.
    pub fn read(claims: &'c Claims, expected: &Expected<'_>, now: Timestamp) -> Result<Self, Bad> {
        // 2: the issuer, exactly.
        if text(claims, "iss")? != Some(expected.issuer) {
            return Err(Bad::Issuer);
        }
        let other = OTHER_KINDS.iter().any(|name| claims.contains_key(*name));
        let said = |(name, id): &(&str, &str)| claims.get(*name).is_none_or(|kind| kind == id);
        if other || !SAID_KINDS.iter().all(said) {
            return Err(Bad::Type);
        }
        is_for(claims, expected.client_id)?;
        let subject = text(claims, "sub")?.filter(|sub| is_subject(sub)).ok_or(Bad::Claims)?;
        // 9, 10: dates that are there are whole numbers.
        let must = |name| date(claims, name)?.ok_or(Bad::Claims);
        let (expires_at, issued_at) = (must("exp")?, must("iat")?);
        let begins = date(claims, "nbf")?.unwrap_or(issued_at).max(issued_at);
        let auth_time = date(claims, "auth_time")?;
        if now >= expires_at {
            return Err(Bad::Expired);
        }
        if begins > now + SKEW {
            return Err(Bad::NotYet);
        }
        if now >= issued_at + expected.longest_age {
            return Err(Bad::TooOld);
        }
        Ok(Self { subject, auth_time, issued_at, expires_at })
    }
}

/// Whether a text can be a subject: 1 to 255 visible ASCII characters (OIDC Core §2).
pub fn is_subject(text: &str) -> bool {
    (1..=MAX_SUBJECT).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// A name for a token in logs: not its `jti`, which is its issuer's to choose.
pub fn known_by(token: &str) -> String {
    let digest = Digest::of(token.as_bytes());
    format!("idt_{}", URL_SAFE_NO_PAD.encode(&digest.as_bytes()[..16]))
}

/// 3 to 5: it is made out for `client`; for others beside it only if it was issued to `client`.
fn is_for(claims: &Claims, client: &str) -> Result<(), Bad> {
    let (ours, many) = match claims.get("aud") {
        Some(Value::String(one)) => (one == client, false),
        Some(Value::Array(all)) if all.iter().all(Value::is_string) => {
            (all.iter().any(|one| one == client), all.len() > 1)
        }
        _ => return Err(Bad::Claims),
    };
    let to_us = text(claims, "azp")?.map_or(!many, |party| party == client);
    if ours && to_us { Ok(()) } else { Err(Bad::Audience) }
}

fn text<'c>(claims: &'c Claims, name: &str) -> Result<Option<&'c str>, Bad> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Bad::Claims),
    }
}

/// NumericDate (RFC 7519 §2): a whole number of seconds, up to the year 9999.
fn date(claims: &Claims, name: &str) -> Result<Option<Timestamp>, Bad> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_i64().filter(|seconds| (0..=LAST).contains(seconds));
    seconds.map(|seconds| Some(Timestamp::from_secs(seconds))).ok_or(Bad::Claims)
}
