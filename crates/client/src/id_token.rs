//! What an ID token says of itself (OIDC Core §2). Nobody's signature is checked here: it comes
//! straight from the token endpoint, or out of the person's own file.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::{Secret, Timestamp};
use serde::Deserialize;

/// The claims that a client has a use for.
#[derive(Debug, Deserialize)]
pub(crate) struct IdToken {
    pub(crate) iss: String,
    pub(crate) sub: String,
    aud: Audience,
    azp: Option<String>,
    iat: Option<f64>,
    exp: Option<f64>,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl IdToken {
    /// Reads one; `None` if it is none.
    pub(crate) fn read(token: &Secret) -> Option<Self> {
        let payload = token.expose().split('.').nth(1)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }

    /// Whether it is for this client.
    pub(crate) fn is_for(&self, client_id: &str) -> bool {
        match &self.aud {
            Audience::One(one) => one == client_id,
            Audience::Many(many) => many.iter().any(|one| one == client_id),
        }
    }

    /// The client that it was issued to, if it names one alone.
    pub(crate) fn client(&self) -> Option<&str> {
        self.azp.as_deref().or(match &self.aud {
            Audience::One(one) => Some(one),
            Audience::Many(many) => match &many[..] {
                [one] => Some(one),
                _ => None,
            },
        })
    }

    /// From `iat` to `exp`, in seconds; this machine's clock has no part in it (CLIENT J3).
    pub(crate) fn lifetime(&self) -> Option<u64> {
        let seconds = self.exp? - self.iat?;
        (seconds.is_finite() && seconds >= 0.0).then_some(seconds as u64)
    }

    /// When it ends, by its issuer's clock.
    pub(crate) fn end(&self) -> Option<Timestamp> {
        let seconds = self.exp.filter(|exp| exp.is_finite() && *exp >= 0.0)?;
        Some(Timestamp::from_millis((seconds * 1000.0) as i64))
    }
}
