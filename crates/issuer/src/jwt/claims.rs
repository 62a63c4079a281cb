//! What our JWTs say.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::dpop::{Confirmation, Thumbprint};
use hallpass_core::id::{AgentId, GrantId, JwtId, UserId};
use hallpass_core::wire::oauth::Act;
use hallpass_core::{Scope, Secret, Timestamp};
use hallpass_verdict::Presented;
use hallpass_verdict::live::Principal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An access token's claims (RFC 9068 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it; compared byte for byte.
    pub iss: String,
    /// Who acts with it: a person, an agent, or a job.
    #[serde(with = "principal")]
    pub sub: Principal,
    /// The resources that it is made out for (RFC 8707).
    pub aud: Audience,
    /// The client that it was issued to.
    pub client_id: String,
    /// When it was issued.
    #[serde(with = "date")]
    pub iat: Timestamp,
    /// Not before; we never write it.
    #[serde(default, with = "optional_date", skip_serializing_if = "Option::is_none")]
    pub nbf: Option<Timestamp>,
    /// When it ends.
    #[serde(with = "date")]
    pub exp: Timestamp,
    /// Its own id.
    pub jti: JwtId,
    /// What it is scoped to (RFC 9068 §2.2.3).
    pub scope: Scope,
    /// When the person signed in (RFC 9068 §2.2.1); of a job, when it was let in.
    #[serde(with = "date")]
    pub auth_time: Timestamp,
    /// Ours: the grant behind it.
    pub grant: GrantId,
    /// The key that it is bound to (RFC 9449 §6.1).
    #[serde(default, with = "confirmation", skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// Of an agent: whoever delegated to it (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
    /// Who may act for it (RFC 8693 §4.4): an agent that may have children, for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_act: Option<MayAct>,
}

/// Who may act for a subject (RFC 8693 §4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MayAct {
    /// Who.
    pub sub: String,
}

/// What the token of one approved action says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionClaims {
    /// Who issued it.
    pub iss: String,
    /// The agent that asked.
    pub sub: AgentId,
    /// Where it is to be done.
    pub aud: Audience,
    /// The client that the agent's own token was issued to.
    pub client_id: String,
    /// When it was issued.
    #[serde(with = "date")]
    pub iat: Timestamp,
    /// When it ends.
    #[serde(with = "date")]
    pub exp: Timestamp,
    /// Its own id, with the bits of the approval's.
    pub jti: JwtId,
    /// Ours: the agent's grant.
    pub grant: GrantId,
    /// Whoever delegated to the agent (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
    /// What was approved (RFC 9396 §9.1).
    pub authorization_details: Vec<serde_json::Value>,
}

impl AccessClaims {
    /// The key that it is bound to.
    pub fn key(&self) -> Option<Thumbprint> {
        self.cnf.map(|cnf| cnf.jkt)
    }
}

impl From<AccessClaims> for Presented {
    fn from(claims: AccessClaims) -> Self {
        Self {
            jkt: claims.key(),
            subject: claims.sub,
            client_id: claims.client_id,
            scope: claims.scope,
            grant: claims.grant,
            audience: claims.aud.0,
            jti: claims.jti.to_string(),
            auth_time: claims.auth_time,
            issued_at: claims.iat,
            not_before: claims.nbf,
            expires_at: claims.exp,
        }
    }
}

/// An ID token's claims (OIDC Core §2, §5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdClaims {
    /// Who issued it.
    pub iss: String,
    /// Who signed in.
    pub sub: UserId,
    /// The client.
    pub aud: Audience,
    /// When it was issued.
    #[serde(with = "date")]
    pub iat: Timestamp,
    /// When it ends.
    #[serde(with = "date")]
    pub exp: Timestamp,
    /// When the person signed in.
    #[serde(with = "date")]
    pub auth_time: Timestamp,
    /// What the client sent along, unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Binds it to the access token beside it (§3.1.3.6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    /// With scope `profile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// With scope `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// With scope `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// Ours: the grant behind it.
    pub grant: GrantId,
}

/// `at_hash` (OIDC Core §3.1.3.6): the left half of the SHA-256 of the access token.
/// Both our algorithms hash with SHA-256.
pub(crate) fn at_hash(access_token: &Secret) -> String {
    let hash = digest::digest(&digest::SHA256, access_token.expose().as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

/// `aud` (RFC 7519 §4.1.3): one text, or a list of them; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience(pub Vec<String>);

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => s.serialize_str(one),
            many => many.serialize(s),
        }
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany {
            One(String),
            Many(Vec<String>),
        }
        let many = match OneOrMany::deserialize(d)? {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        };
        if many.is_empty() || many.iter().any(String::is_empty) {
            return Err(serde::de::Error::custom("an audience is not empty"));
        }
        Ok(Self(many))
    }
}

/// `cnf` that may be absent, but not null, nor anything that we did not write.
mod confirmation {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        cnf: &Option<Confirmation>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        cnf.serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<Confirmation>, D::Error> {
        Confirmation::deserialize(d).map(Some)
    }
}

/// `sub`: a person, an agent or a job, and nobody else has JWTs of ours.
mod principal {
    use super::*;

    pub(super) fn serialize<S: Serializer>(who: &Principal, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(who)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Principal, D::Error> {
        match String::deserialize(d)?.parse() {
            Ok(who @ (Principal::User(_) | Principal::Agent(_) | Principal::Job(_))) => Ok(who),
            _ => Err(serde::de::Error::custom("nobody of ours")),
        }
    }
}

/// NumericDate (RFC 7519 §2) as we write it: a whole number of seconds, from 1970 to the
/// end of year 9999. A text, a fraction or a number that does not fit is no date.
mod date {
    use super::*;

    const LAST: i64 = 253_402_300_799;

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_i64(at.secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
        let secs = i64::deserialize(d)?;
        if !(0..=LAST).contains(&secs) {
            return Err(serde::de::Error::custom("no date of ours"));
        }
        Ok(Timestamp::from_secs(secs))
    }
}

/// As [`date`], for a claim that may be absent (but not null).
mod optional_date {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::secs).serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        date::deserialize(d).map(Some)
    }
}
