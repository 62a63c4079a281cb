//! What an access token says of itself, checked without asking anybody (RFC 9068 §4).
//!
//! Signature, type, issuer, audience and time. That it was not revoked since is not in it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::dpop::Confirmation;
use hallpass_core::id::{AgentId, GrantId, JobId};
use hallpass_core::wire::oauth::Act;
use hallpass_core::{Scope, Timestamp, strict};
use hallpass_verdict::{CredentialKind, Decision, Who};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Deserializer};

use super::answer::agent;

/// How far clocks may differ before a token looks as if it came from the future. Nothing
/// lives longer by it.
const SKEW: Duration = Duration::from_secs(5);

/// The header, exactly (RFC 7515 §4.1.11: what we do not understand, we do not accept).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    client_id: String,
    exp: i64,
    iat: i64,
    #[serde(default, deserialize_with = "there")]
    nbf: Option<i64>,
    jti: String,
    scope: Scope,
    #[serde(default, deserialize_with = "there")]
    auth_time: Option<i64>,
    grant: GrantId,
    #[serde(default, deserialize_with = "confirmation")]
    cnf: Option<Confirmation>,
    #[serde(default)]
    act: Option<Act>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// A claim that may be absent, but not null.
fn there<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    i64::deserialize(d).map(Some)
}

/// The key that it is bound to (RFC 9449 §6.1). Anything else in `cnf` would bind it in a way
/// that we cannot check.
fn confirmation<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Confirmation>, D::Error> {
    Confirmation::deserialize(d).map(Some)
}

/// Why it is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bad;

/// The id of the key that a token says it is signed with, if it says that it is an ES256
/// access token.
pub(super) fn key_id(token: &str) -> Option<String> {
    let header = token.split('.').next()?;
    let header: Header = strict::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?)?;
    let typ = header.typ.to_ascii_lowercase();
    let access = typ.strip_prefix("application/").unwrap_or(&typ) == "at+jwt";
    // The key's own algorithm; the header may only agree (RFC 8725 §3.1).
    (access && header.alg == "ES256").then_some(header.kid)
}

/// What `token` says, if it is signed with `key`, from `issuer`, for `resource`, and in its
/// time at `now`.
pub(super) fn read(
    token: &str,
    key: &DecodingKey,
    issuer: &str,
    resource: &str,
    now: Timestamp,
) -> Result<Decision, Bad> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Bad)?;
    let (_, claims) = signed.split_once('.').ok_or(Bad)?;
    match jsonwebtoken::crypto::verify(signature, signed.as_bytes(), key, Algorithm::ES256) {
        Ok(true) => {}
        Ok(false) | Err(_) => return Err(Bad),
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| Bad)?;
    let claims: Claims = strict::from_slice(&claims).ok_or(Bad)?;
    let audience = match claims.aud {
        Audience::One(one) => vec![one],
        Audience::Many(many) => many,
    };
    let (expires, issued) = (Timestamp::from_secs(claims.exp), Timestamp::from_secs(claims.iat));
    let begins = claims.nbf.map_or(issued, Timestamp::from_secs).max(issued);
    let good = claims.iss == issuer
        && audience.iter().any(|audience| audience == resource)
        && now < expires
        && begins <= now + SKEW;
    if !good {
        return Err(Bad);
    }
    let (kind, who) = who(&claims.sub, claims.act.as_ref()).ok_or(Bad)?;
    Ok(Decision {
        kind,
        who: Arc::new(who),
        client_id: Some(claims.client_id.into()),
        scope: claims.scope,
        grant: Some(claims.grant),
        audience,
        id: claims.jti,
        auth_time: claims.auth_time.map(Timestamp::from_secs),
        issued_at: issued,
        expires_at: Some(expires),
        jkt: claims.cnf.map(|cnf| cnf.jkt),
        place: None,
    })
}

/// The person or job that `sub` is, or the agent with whoever delegated to it.
fn who(sub: &str, act: Option<&Act>) -> Option<(CredentialKind, Who)> {
    if sub.parse::<AgentId>().is_ok() {
        let agent = agent(sub, String::new(), act, None)?;
        return Some((CredentialKind::AgentToken, Who::Agent(agent)));
    }
    // Nobody acts for a person here, and nobody for a job.
    if let (Ok(id), None) = (sub.parse::<JobId>(), act) {
        return Some((CredentialKind::JobToken, Who::Job { id, name: String::new() }));
    }
    let id = sub.parse().ok().filter(|_| act.is_none())?;
    let (email, name) = (String::new(), String::new());
    Some((CredentialKind::AccessToken, Who::User { id, email, name, admin: false }))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;
    use jsonwebtoken::jwk::Jwk;
    use serde_json::{Value, json};

    use super::*;
    use crate::remote::forge::{b64, change, ec, sign};

    const ISSUER: &str = "https://id.example";
    const API: &str = "https://api.example";
    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn header() -> Value {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": "one"})
    }

    fn claims() -> Value {
        let now = NOW.secs();
        json!({
            "iss": ISSUER, "sub": "usr_01JAAAAAAAAAAAAAAAAAAAAAAA", "aud": [API, "https://b.example"],
            "client_id": "tool", "exp": now + 300, "iat": now - 1, "jti": "jti_1",
            "scope": "account", "auth_time": now - 9, "grant": "grt_01JBBBBBBBBBBBBBBBBBBBBBBB",
        })
    }

    fn token(key: &EncodingKey, header: &Value, claims: &Value) -> String {
        sign(&header.to_string(), &claims.to_string(), key, Algorithm::ES256)
    }

    fn public(key: &EncodingKey) -> DecodingKey {
        let jwk = Jwk::from_encoding_key(key, Algorithm::ES256).expect("a JWK");
        DecodingKey::from_jwk(&jwk).expect("a key")
    }

    /// What the guard does with a token whose key is known: both steps.
    fn admits(token: &str, key: &DecodingKey) -> bool {
        key_id(token).is_some_and(|kid| kid == "one") && read(token, key, ISSUER, API, NOW).is_ok()
    }

    // proves: G01, G02, G03, G09, attack-15
    #[test]
    fn an_access_token_is_checked_in_all_that_rfc_9068_asks_for() {
        let (key, other) = (ec(), ec());
        let (public, others) = (public(&key), public(&other));
        let with = |changed: Value| {
            let mut claims = claims();
            change(&mut claims, changed);
            token(&key, &header(), &claims)
        };
        let set = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            token(&key, &header(), &claims)
        };
        let now = NOW.secs();
        for good in [
            with(json!({})),
            with(json!({"aud": API, "auth_time": null})),
            with(json!({"nbf": now, "iat": now + 5})),
            with(json!({"sub": "job_01JAAAAAAAAAAAAAAAAAAAAAAA"})),
            with(json!({"exp": now + 1, "later": {"a": 1}})),
        ] {
            assert!(admits(&good, &public));
            assert!(!admits(&good, &others), "another key");
        }
        for name in ["iss", "sub", "aud", "client_id", "exp", "iat", "jti", "scope", "grant"] {
            assert!(!admits(&with(json!({name: null})), &public), "no {name}");
            assert!(!admits(&set(name, Value::Null), &public), "{name} is null");
            assert!(!admits(&set(name, json!({})), &public), "{name} is an object");
        }
        for (name, value) in [
            ("iss", json!("https://id.example/")),
            ("iss", json!("https://ID.example")),
            ("iss", json!("http://id.example")),
            ("iss", json!([ISSUER])),
            ("aud", json!("https://api.example/")),
            ("aud", json!("https://api.example https://b.example")),
            ("aud", json!(["https://b.example"])),
            ("aud", json!([])),
            ("aud", json!([API, 1])),
            ("sub", json!("https://accounts.example.com#somebody")),
            ("exp", json!(now)),
            ("exp", json!((now + 300).to_string())),
            ("exp", json!(1_800_000_300.5)),
            ("exp", json!(u64::MAX)),
            ("iat", json!(now + 6)),
            ("iat", json!("1800000000")),
            ("nbf", json!(now + 6)),
            ("nbf", Value::Null),
            ("nbf", json!("0")),
            ("auth_time", json!("0")),
            ("scope", json!(["account"])),
        ] {
            assert!(!admits(&set(name, value.clone()), &public), "{name}: {value}");
        }
        let twice = claims().to_string().replacen('{', r#"{"iss":"https://evil.example","#, 1);
        let twice = sign(&header().to_string(), &twice, &key, Algorithm::ES256);
        assert!(!admits(&twice, &public));
    }

    // proves: G01, G04, G05, G06, attack-14
    #[test]
    fn a_header_is_exactly_ours() {
        let key = ec();
        let public = public(&key);
        let with = |changed: Value| {
            let mut header = header();
            change(&mut header, changed);
            token(&key, &header, &claims())
        };
        assert!(admits(&with(json!({})), &public));
        for changed in [
            json!({"alg": "none"}),
            json!({"alg": "es256"}),
            json!({"alg": "HS256"}),
            json!({"alg": "RS256"}),
            json!({"alg": null}),
            json!({"typ": "JWT"}),
            json!({"typ": "logout+jwt"}),
            json!({"typ": null}),
            json!({"kid": null}),
            json!({"kid": 1}),
            json!({"jwk": {"kty": "EC"}}),
            json!({"jku": "https://evil.example/keys"}),
            json!({"x5u": "https://evil.example/c"}),
            json!({"x5c": ["MIIB"]}),
            json!({"crit": ["exp"]}),
            json!({"b64": false}),
            json!({"cty": "JWT"}),
        ] {
            assert!(!admits(&with(changed.clone()), &public), "{changed}");
        }
        let twice = r#"{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"one"}"#;
        assert!(!admits(&sign(twice, &claims().to_string(), &key, Algorithm::ES256), &public));
        let good = with(json!({}));
        let (signed, signature) = good.rsplit_once('.').expect("a signature");
        for forged in [
            format!("{signed}."),
            format!("{signed}.{signature}="),
            format!("{signed}.{}", b64([0; 64])),
            format!("{signed}.{}", b64([1; 32])),
            format!("{good}.{signature}"),
            format!("{}.{signature}", signed.replace('.', "..")),
        ] {
            assert!(!admits(&forged, &public), "{forged}");
        }
    }
}
