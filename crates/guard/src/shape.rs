//! What cannot be a credential is told apart without a look-up.
//!
//! An access token is a JWT whose header says `typ: at+jwt` (RFC 9068 §2.1); personal tokens
//! and keys begin with a known prefix and end in a checksum that holds. A refresh token, a
//! code or an ID token at an API is a mistake or an attack, and so is a text that somebody
//! made up; neither deserves the work of a signature or a database (RFC 8725 §3.11). This is
//! no verification: whatever passes here is still to be checked by the
//! [`Verifier`](crate::Verifier).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::{Kind, TokenText};
use serde::Deserialize;

/// Longer than any access token of ours.
pub(crate) const MAX_LEN: usize = 8 * 1024;

/// What the credentials of a deployment look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shapes {
    prefixes: Vec<Box<str>>,
    legacy: Vec<Box<str>>,
    id_tokens: bool,
}

impl Shapes {
    /// Access tokens (JWTs), and nothing else.
    pub const fn jwt() -> Self {
        Self { prefixes: Vec::new(), legacy: Vec::new(), id_tokens: false }
    }

    /// Access tokens, personal tokens and keys with hallpass's own prefixes.
    pub fn standard() -> Self {
        [Kind::Personal, Kind::ProjectKey, Kind::OrgKey]
            .iter()
            .fold(Self::jwt(), |shapes, kind| shapes.prefix(kind.prefix()))
    }

    /// Also what begins with `prefix` and is a whole token text, checksum and all.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        if !prefix.is_empty() && !self.prefixes.iter().any(|known| **known == *prefix) {
            self.prefixes.push(prefix.into());
        }
        self
    }

    /// Also what begins with `prefix`, whatever follows: tokens of an older system.
    #[must_use]
    pub fn legacy_prefix(mut self, prefix: &str) -> Self {
        if !prefix.is_empty() {
            self.legacy.push(prefix.into());
        }
        self
    }

    /// Also ID tokens: JWTs of no special type. Only a verifier that trusts an outside issuer
    /// by name has any use for one.
    #[must_use]
    pub fn id_tokens(mut self) -> Self {
        self.id_tokens = true;
        self
    }

    /// Whether `token` may be a credential.
    pub fn fits(&self, token: &str) -> bool {
        token.len() <= MAX_LEN
            && (self.is_opaque(token)
                || is_access_token(token)
                || self.id_tokens && is_id_token(token))
    }

    /// Whether `token` may be a credential that is no JWT of ours.
    pub(crate) fn is_opaque(&self, token: &str) -> bool {
        let checked = |prefix: &str| TokenText::parse_with_prefix(prefix, token).is_ok();
        let legacy = |prefix: &str| token.len() > prefix.len() && token.starts_with(prefix);
        self.prefixes.iter().any(|prefix| checked(prefix))
            || self.legacy.iter().any(|prefix| legacy(prefix))
    }
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    typ: Option<String>,
}

/// Whether `token` looks like an access token.
pub fn is_access_token(token: &str) -> bool {
    jwt_type(token).is_some_and(|typ| typ.as_deref() == Some("at+jwt"))
}

/// Whether `token` looks like an ID token: its type is none, or the plain one.
fn is_id_token(token: &str) -> bool {
    jwt_type(token).is_some_and(|typ| typ.is_none_or(|typ| typ == "jwt"))
}

/// What type the header of a JWT names, in lower case and without `application/` (RFC 7515
/// §4.1.9: compared as a media type). `None`: it is no JWT.
fn jwt_type(token: &str) -> Option<Option<String>> {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    if token.len() > MAX_LEN || claims.is_empty() || signature.is_empty() {
        return None;
    }
    let header = URL_SAFE_NO_PAD.decode(header).ok()?;
    if header.first() != Some(&b'{') {
        return None;
    }
    let Header { typ } = serde_json::from_slice(&header).ok()?;
    Some(typ.map(|typ| {
        let typ = typ.to_ascii_lowercase();
        typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(header: &str) -> String {
        format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(header))
    }

    struct Counter;
    impl hallpass_core::Random for Counter {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.iter_mut().zip(7..).for_each(|(byte, next)| *byte = next);
        }
    }

    // proves: G04
    #[test]
    fn an_opaque_token_has_a_known_prefix_and_a_checksum_that_holds() {
        let text = |prefix: &str| TokenText::mint_with_prefix(prefix, &Counter).expose().to_owned();
        let shapes = Shapes::standard().prefix("sct_user_").legacy_prefix("sct_");
        for prefix in ["hp_user_", "hp_proj_", "hp_org_", "sct_user_"] {
            assert!(shapes.fits(&text(prefix)), "{prefix}");
        }
        assert!(shapes.fits("sct_0123") && !shapes.fits("sct_"));
        // No refresh token, session, code or client secret is one, whoever asks.
        for prefix in ["hp_rt_", "hp_ses_", "hp_ac_", "hp_dc_", "hp_cs_", "hp_setup_"] {
            assert!(!shapes.fits(&text(prefix)), "{prefix}");
        }
        let good = text("hp_user_");
        let typo =
            format!("{}{}", &good[..good.len() - 1], if good.ends_with('0') { 1 } else { 0 });
        for bad in [typo.as_str(), &good[..good.len() - 1], &format!("{good}0"), "hp_user_", ""] {
            assert!(!shapes.fits(bad), "{bad}");
        }
        assert!(!Shapes::jwt().fits(&good) && Shapes::jwt().fits(&jwt(r#"{"typ":"at+jwt"}"#)));
        assert!(!shapes.fits(&format!("sct_{}", "x".repeat(MAX_LEN))));
    }

    // proves: G04
    #[test]
    fn only_what_says_it_is_an_access_token() {
        assert!(is_access_token(&jwt(r#"{"alg":"ES256","typ":"at+jwt"}"#)));
        assert!(is_access_token(&jwt(r#"{"typ":"application/AT+JWT"}"#)));
        for other in [
            r#"{"alg":"RS256","typ":"JWT"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"typ":"logout+jwt"}"#,
            r#"{"typ":null}"#,
            r#"{"typ":"at+jwt","typ":"at+jwt"}"#,
            "[]",
            "",
        ] {
            assert!(!is_access_token(&jwt(other)), "{other}");
        }
        let (with, without) = (Shapes::jwt().id_tokens(), Shapes::jwt());
        for id in [r#"{"alg":"RS256","typ":"JWT"}"#, r#"{"alg":"RS256"}"#] {
            assert!(with.fits(&jwt(id)) && !without.fits(&jwt(id)), "{id}");
        }
        for other in [r#"{"typ":"logout+jwt"}"#, r#"{"typ":"dpop+jwt"}"#, r#"{"typ":1}"#, "[]", ""]
        {
            assert!(!with.fits(&jwt(other)), "{other}");
        }
        for other in [
            "hp_rt_000000000000000000000000000000000000",
            "..",
            "a.b",
            "a.b.c.d",
            &format!("{}.", jwt(r#"{"typ":"at+jwt"}"#)),
            &format!("{}{}", jwt(r#"{"typ":"at+jwt"}"#), "x".repeat(MAX_LEN)),
        ] {
            assert!(!is_access_token(other), "{other}");
        }
    }
}
