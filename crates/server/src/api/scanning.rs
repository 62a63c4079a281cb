//! `POST /api/v1/secret-scanning/github`: GitHub found something that looks like a token of
//! ours and tells us, in the format of its secret scanning partner program.
//!
//! The body is an array of matches, signed as sent: ECDSA on P-256 with SHA-256, in ASN.1
//! and Base64. GitHub publishes its keys at
//! <https://api.github.com/meta/public_keys/secret_scanning>; the operator puts that answer
//! into a file, which is read for each delivery, so that new keys need no restart. Nothing is
//! read from a body, let alone done, before its signature has been checked.
//!
//! The answer is the feedback that GitHub asks for: for each match its SHA-256 and whether
//! it was real. That tells good from bad, but only to GitHub, which has the token anyhow.

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hallpass_core::{Digest, Secret};
use hallpass_issuer::Origin;
use http::{HeaderMap, Method, StatusCode};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::Shown;
use super::argument::{Argument, json_bytes};
use super::refused::Refused;
use super::right::{Needs, Right};
use super::route::{Incoming, Operation, Route};
use super::schema::{Described, Schemas, refer};
use super::{problem, right};
use crate::app::App;

const AT: &str = "/api/v1/secret-scanning/github";
const KEY: &str = "github-public-key-identifier";
const SIGNATURE: &str = "github-public-key-signature";
/// One delivery may hold many matches.
const BODY_LIMIT: usize = 1024 * 1024;
/// Longer than any list of keys.
const KEYS_LIMIT: u64 = 64 * 1024;

pub(super) fn table() -> Vec<Route> {
    let what = "Take in tokens that GitHub's secret scanning found";
    vec![Route::new(Method::POST, AT, "githubSecretScanning", what, found).or([401, 403])]
}

/// GitHub's signature over the body.
enum GithubSignature {}

impl Right for GithubSignature {
    type Who = ();

    fn describe(operation: &mut Operation) {
        right::Possession::describe(operation);
        operation.security = Some(("github", Vec::new()));
        operation.right = "GitHub's signature over the body.";
        operation.may_refuse([404]);
    }

    fn guarded(
        route: axum::routing::MethodRouter<App>,
        app: &App,
    ) -> axum::routing::MethodRouter<App> {
        right::Possession::guarded(route, app)
    }

    /// The signature stands over the body, so it is checked where that is read: nobody gets
    /// at a [`Delivery`] without.
    async fn admit(incoming: &mut Incoming, app: &App) -> Result<(), axum::response::Response> {
        right::Possession::admit(incoming, app).await
    }
}

/// A body that GitHub signed.
struct Delivery(Vec<Match>);

/// Something that GitHub found.
#[derive(Deserialize)]
struct Match {
    token: Secret,
    #[serde(default, rename = "type")]
    kind: String,
    /// Where, if that is public.
    #[serde(default)]
    url: String,
}

impl Argument for Delivery {
    fn describe(operation: &mut Operation) {
        operation.body = Some(refer::<Self>);
        operation.may_refuse([400, 408, 413, 415]);
    }

    async fn take(incoming: &mut Incoming, app: &App) -> Result<Self, axum::response::Response> {
        let (key, signature) = named(&incoming.parts.headers).map_err(|refusal| *refusal)?;
        let Some(file) = app.settings().secret_scanning_keys_file.as_deref() else {
            let detail = "No keys of GitHub are configured here (secret_scanning_keys_file).";
            return Err(problem(StatusCode::NOT_FOUND, "not_configured", detail));
        };
        let keys = Keys::read(file).await.map_err(|error| {
            tracing::error!(cause = %error, "secret scanning: GitHub's keys cannot be read");
            let detail = "GitHub's keys cannot be read; the operator has to look into it.";
            problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
        })?;
        let body = json_bytes(incoming, app, BODY_LIMIT).await?;
        if !keys.signed(&key, &body, &signature) {
            let detail = "The signature is not one of GitHub's over this body. Nothing was done.";
            return Err(problem(StatusCode::FORBIDDEN, "bad_signature", detail));
        }
        serde_json::from_slice(&body).map(Self).map_err(|_| {
            let detail = "The body is not an array of matches.";
            problem(StatusCode::BAD_REQUEST, "invalid_body", detail)
        })
    }
}

/// What the headers say: the key's name and the signature.
fn named(headers: &HeaderMap) -> Result<(String, Vec<u8>), Box<axum::response::Response>> {
    let one = |name: &str| {
        let mut sent = headers.get_all(name).iter();
        match (sent.next(), sent.next()) {
            (Some(value), None) => value.to_str().ok().map(str::to_owned),
            _ => None,
        }
    };
    let signature = one(SIGNATURE).and_then(|text| STANDARD.decode(text).ok());
    one(KEY).zip(signature).ok_or_else(|| {
        let detail =
            "Github-Public-Key-Identifier and Github-Public-Key-Signature are needed, each once.";
        Box::new(problem(StatusCode::UNAUTHORIZED, "not_signed", detail))
    })
}

async fn found(
    app: App,
    _: Needs<GithubSignature>,
    origin: Origin,
    Delivery(matches): Delivery,
) -> Result<Shown<Feedback>, Refused> {
    let mut labels = Vec::with_capacity(matches.len());
    for Match { token, kind, url } in matches {
        let source = hallpass_core::text::presentable(&format!("found by GitHub {url}"), 300);
        let hash = hex(Digest::of(token.expose().as_bytes()).as_bytes());
        let were = app.issuer().revoke_leaked(&[token], source.trim(), &origin).await?;
        let label = if were.contains(&true) { "true_positive" } else { "false_positive" };
        labels.push(Label { token_hash: hash, token_type: kind, label });
    }
    Ok(Shown(Feedback(labels)))
}

/// What GitHub is told.
#[derive(Serialize)]
struct Feedback(Vec<Label>);

#[derive(Serialize)]
struct Label {
    /// SHA-256 of the token, in hex.
    token_hash: String,
    token_type: String,
    label: &'static str,
}

impl Described for Feedback {
    fn name() -> String {
        "SecretScanningFeedback".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        json!({
            "type": "array",
            "description": "Which of the matches were real.",
            "items": {
                "type": "object",
                "properties": {
                    "token_hash": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
                    "token_type": { "type": "string" },
                    "label": { "type": "string", "enum": ["true_positive", "false_positive"] },
                },
                "required": ["token_hash", "token_type", "label"],
                "additionalProperties": false,
            },
        })
    }
}

impl Described for Delivery {
    fn name() -> String {
        "SecretScanningMatches".to_owned()
    }

    fn schema(_: &mut Schemas) -> Value {
        json!({
            "type": "array",
            "description": "What was found.",
            "items": {
                "type": "object",
                "properties": {
                    "token": { "type": "string" },
                    "type": { "type": "string" },
                    "url": { "type": "string" },
                    "source": { "type": "string" },
                },
                "required": ["token"],
            },
        })
    }
}

/// GitHub's answer at `/meta/public_keys/secret_scanning`.
#[derive(Deserialize)]
struct Published {
    public_keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
struct PublishedKey {
    key_identifier: String,
    /// PEM (RFC 7468 §13).
    key: String,
}

/// Why a file does not hold GitHub's keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadKeys {
    #[error("the file {} cannot be read: {why}", path.display())]
    Unreadable { path: PathBuf, why: std::io::Error },
    #[error(
        "the file {} does not hold GitHub's keys; fetch it from https://api.github.com/meta/public_keys/secret_scanning",
        .0.display()
    )]
    NotKeys(PathBuf),
}

/// GitHub's keys, by name.
pub(crate) struct Keys(Vec<(String, Bytes)>);

impl Keys {
    /// Reads the file.
    pub(crate) async fn read(path: &Path) -> Result<Self, BadKeys> {
        let unreadable = |why| BadKeys::Unreadable { path: path.to_owned(), why };
        let length = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
        if length > KEYS_LIMIT {
            return Err(BadKeys::NotKeys(path.to_owned()));
        }
        let text = tokio::fs::read(path).await.map_err(unreadable)?;
        Self::parse(&text).ok_or_else(|| BadKeys::NotKeys(path.to_owned()))
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let published: Published = serde_json::from_slice(text).ok()?;
        let keys = published.public_keys.into_iter().map(|PublishedKey { key_identifier, key }| {
            let der = SubjectPublicKeyInfoDer::from_pem_slice(key.as_bytes()).ok()?;
            Some((key_identifier, Bytes::copy_from_slice(&der)))
        });
        let keys: Vec<_> = keys.collect::<Option<_>>()?;
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// Whether the key of that name signed this.
    fn signed(&self, name: &str, body: &[u8], signature: &[u8]) -> bool {
        let mut keys = self.0.iter().filter(|(known, _)| known == name);
        keys.any(|(_, key)| {
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key);
            key.verify(body, signature).is_ok()
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

    use super::*;

    /// What stands before the point in the SubjectPublicKeyInfo of a P-256 key (RFC 5480 §2).
    const SPKI: [u8; 26] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];

    fn published(keys: &[(&str, &EcdsaKeyPair)]) -> String {
        let keys = keys.iter().map(|(name, key)| {
            let der = [&SPKI, key.public_key().as_ref()].concat();
            let pem = format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                STANDARD.encode(der)
            );
            json!({ "key_identifier": name, "key": pem, "is_current": true })
        });
        json!({ "public_keys": keys.collect::<Vec<_>>() }).to_string()
    }

    fn key() -> EcdsaKeyPair {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key")
    }

    #[test]
    fn a_file_of_keys_holds_keys_and_nothing_half() {
        let good = published(&[("k", &key())]);
        assert!(Keys::parse(good.as_bytes()).is_some());
        let no_pem = good.replace("BEGIN", "BEGINN");
        for bad in ["", "{}", "[]", r#"{"public_keys":[]}"#, no_pem.as_str()] {
            assert!(Keys::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_what_the_named_key_signed_is_signed() {
        let (mine, other) = (key(), key());
        let text = published(&[("mine", &mine), ("other", &other)]);
        let keys = Keys::parse(text.as_bytes()).expect("keys");
        let signature = mine.sign(&SystemRandom::new(), b"[]").expect("signed");
        assert!(keys.signed("mine", b"[]", signature.as_ref()));
        assert!(!keys.signed("other", b"[]", signature.as_ref()));
        assert!(!keys.signed("none", b"[]", signature.as_ref()));
        assert!(!keys.signed("mine", b"[ ]", signature.as_ref()));
        assert!(!keys.signed("mine", b"[]", b""));
    }
}
