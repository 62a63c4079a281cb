//! Proofs of possession (RFC 9449), honest or not: an implementation of its own, which knows
//! nothing that the server could agree with by accident.

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::{Clock as _, chance};
use serde_json::{Value, json};

use crate::oauth::{Answer, OAuth};
use crate::system::{RealClock, RealRandom};

/// base64url without padding.
pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key on P-256.
#[derive(Debug)]
pub struct Key(EcdsaKeyPair);

impl Key {
    /// A new one.
    pub fn new() -> Result<Self> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok().map(Self).context("a key")
    }

    /// The public key as an uncompressed point.
    pub fn point(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// Its public half (RFC 7517).
    pub fn jwk(&self) -> Value {
        let point = self.point();
        json!({ "kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..]) })
    }

    /// RFC 7638 §3.
    pub fn jkt(&self) -> String {
        let jwk = self.jwk();
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        b64(digest(&SHA256, text.as_bytes()))
    }

    /// The header of an honest proof.
    pub fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() })
    }

    /// Its signature over `text` (RFC 7518 §3.4).
    pub fn signature(&self, text: &str) -> Vec<u8> {
        let signed = self.0.sign(&SystemRandom::new(), text.as_bytes());
        signed.map(|signature| signature.as_ref().to_vec()).unwrap_or_default()
    }

    /// Header and claims as they are, signed.
    pub fn signed(&self, header: &str, claims: &str) -> String {
        let text = format!("{}.{}", b64(header), b64(claims));
        format!("{text}.{}", b64(self.signature(&text)))
    }

    /// An honest proof.
    pub fn proof(&self, method: &str, url: &str, nonce: &str, token: Option<&str>) -> String {
        let claims = claims(method, url, nonce, token);
        self.signed(&self.header().to_string(), &claims.to_string())
    }
}

/// What an honest proof says.
pub fn claims(method: &str, url: &str, nonce: &str, token: Option<&str>) -> Value {
    let mut claims = json!({
        "jti": b64(chance::bytes::<12>(&RealRandom)),
        "htm": method,
        "htu": url,
        "iat": RealClock.now().secs(),
        "nonce": nonce,
    });
    if let Some(token) = token {
        claims["ath"] = json!(b64(digest(&SHA256, token.as_bytes())));
    }
    claims
}

/// A nonce of this server, as its answer to a mistake brings it.
pub async fn nonce(tool: &OAuth) -> Result<String> {
    let answer = tool.post("/oauth/token", &[]).await?;
    let nonce = answer.header("dpop-nonce").to_owned();
    anyhow::ensure!(!nonce.is_empty(), "no nonce: {answer:?}");
    Ok(nonce)
}

/// A token request of a public client with these `DPoP` headers.
pub async fn token_with(tool: &OAuth, params: &[(&str, &str)], proofs: &[&str]) -> Result<Answer> {
    let mut request = tool.request("POST", "/oauth/token");
    for proof in proofs {
        request = request.header("DPoP", *proof);
    }
    let mut params = params.to_vec();
    params.push(("client_id", &tool.id));
    Answer::of(request.form(&params)).await
}

/// A token request with an honest proof.
pub async fn token(tool: &OAuth, params: &[(&str, &str)], key: &Key) -> Result<Answer> {
    let url = format!("{}/oauth/token", tool.server);
    let proof = key.proof("POST", &url, &nonce(tool).await?, None);
    token_with(tool, params, &[&proof]).await
}

/// A GET with a bound token and these `DPoP` headers.
pub async fn get_with(tool: &OAuth, path: &str, token: &str, proofs: &[&str]) -> Result<Answer> {
    let mut request = tool.request("GET", path).header("Authorization", format!("DPoP {token}"));
    for proof in proofs {
        request = request.header("DPoP", *proof);
    }
    Answer::of(request).await
}

/// A GET with a bound token and an honest proof.
pub async fn get(tool: &OAuth, path: &str, token: &str, key: &Key) -> Result<Answer> {
    let url = format!("{}{path}", tool.server);
    let proof = key.proof("GET", &url, &nonce(tool).await?, Some(token));
    get_with(tool, path, token, &[&proof]).await
}
