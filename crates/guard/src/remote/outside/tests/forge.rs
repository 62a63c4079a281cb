//! An outside issuer's keys, and tokens that it signs whatever they say.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_outside::ById;
use hallpass_outside::keys::usable;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::NOW;
use crate::remote::forge::{b64, change, ec, sign};

pub(super) const ISSUER: &str = "https://accounts.example.com";
pub(super) const CLIENT: &str = "registry-cli";
/// What a subject of ours looks like.
pub(super) const SUBJECT: &str = "usr_01JAAAAAAAAAAAAAAAAAAAAAAA";

pub(super) struct Forge {
    pub(super) es: EncodingKey,
    pub(super) rsa: EncodingKey,
    /// Published by nobody.
    pub(super) stray: EncodingKey,
}

fn rsa() -> EncodingKey {
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key pair");
    let der: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS#8");
    let lines: Vec<String> = STANDARD
        .encode(der.as_ref())
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let pem =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key")
}

impl Forge {
    pub(super) fn new() -> Self {
        Self { es: ec(), rsa: rsa(), stray: ec() }
    }

    /// A public key with these members changed; null takes one away.
    pub(super) fn jwk(&self, key: &EncodingKey, algorithm: Algorithm, changed: Value) -> Value {
        let jwk = Jwk::from_encoding_key(key, algorithm).expect("a JWK");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        change(&mut jwk, changed);
        jwk
    }

    /// The issuer's key set.
    pub(super) fn key_set(&self) -> Vec<Value> {
        let es = |changed| self.jwk(&self.es, Algorithm::ES256, changed);
        vec![
            es(json!({"kid": "es", "use": "sig"})),
            // As some issuers publish theirs: no word about the algorithm.
            self.jwk(&self.rsa, Algorithm::RS256, json!({"kid": "rsa", "alg": null})),
            es(json!({"kid": "for encryption", "use": "enc"})),
            es(json!({"kid": "only signs", "key_ops": ["sign"]})),
            es(json!({"kid": "another algorithm", "alg": "ES384"})),
            es(json!({"kid": "twice"})),
            self.jwk(&self.stray, Algorithm::ES256, json!({"kid": "twice"})),
            json!({"kty": "oct", "alg": "HS256", "kid": "shared", "k": b64("a secret that is shared")}),
            json!({"kty": "new", "kid": "later"}),
            json!("no key at all"),
        ]
    }

    pub(super) fn published(&self) -> ById {
        usable(self.key_set())
    }

    /// A token with these texts, signed with ES256.
    pub(super) fn text(&self, header: &str, claims: &str) -> String {
        sign(header, claims, &self.es, Algorithm::ES256)
    }

    /// A token whose claims are changed; null takes one away.
    pub(super) fn claims(&self, changed: Value) -> String {
        let mut claims = good_claims();
        change(&mut claims, changed);
        self.text(&good_header().to_string(), &claims.to_string())
    }

    /// A token with one claim of this value, null included.
    pub(super) fn claim(&self, name: &str, value: Value) -> String {
        let mut claims = good_claims();
        claims[name] = value;
        self.text(&good_header().to_string(), &claims.to_string())
    }

    /// A token whose header is changed; null takes a member away.
    pub(super) fn header(&self, changed: Value) -> String {
        self.headed(changed, &self.es, Algorithm::ES256)
    }

    /// As [`Forge::header`], signed with another key.
    pub(super) fn headed(&self, changed: Value, key: &EncodingKey, algorithm: Algorithm) -> String {
        let mut header = good_header();
        change(&mut header, changed);
        sign(&header.to_string(), &good_claims().to_string(), key, algorithm)
    }
}

pub(super) fn good_header() -> Value {
    json!({"alg": "ES256", "kid": "es", "typ": "JWT"})
}

pub(super) fn good_claims() -> Value {
    let now = NOW.secs();
    json!({
        "iss": ISSUER, "sub": SUBJECT, "aud": CLIENT, "exp": now + 300, "iat": now - 60,
        "auth_time": now - 90, "nonce": "n", "name": "Ada", "later": {"a": [1, 2.5, null]},
    })
}
