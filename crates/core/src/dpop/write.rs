//! Writing a proof (RFC 9449 §4.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use url::Url;

use super::{ALG, PublicKey, TYP, ath};
use crate::Timestamp;

/// What a proof is to say.
#[derive(Clone, Copy, Debug)]
pub struct Claims<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// Where the request goes; query and fragment are left out.
    pub url: &'a Url,
    /// Now, by the clock of who will check it.
    pub at: Timestamp,
    /// Unguessable, and never used twice.
    pub jti: &'a str,
    /// The last nonce that this server gave.
    pub nonce: Option<&'a str>,
    /// The bound access token that the request carries.
    pub access_token: Option<&'a str>,
}

#[derive(Serialize)]
struct Body<'a> {
    jti: &'a str,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

/// A proof of `key`, signed by `sign`. `None` if that fails.
pub fn write(
    key: &PublicKey,
    claims: &Claims<'_>,
    sign: impl FnOnce(&[u8]) -> Option<[u8; 64]>,
) -> Option<String> {
    let mut url = claims.url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let header = format!(r#"{{"typ":"{TYP}","alg":"{ALG}","jwk":{}}}"#, key.jwk());
    let body = Body {
        jti: claims.jti,
        htm: claims.method,
        htu: url.as_str(),
        iat: claims.at.secs(),
        nonce: claims.nonce,
        ath: claims.access_token.map(ath),
    };
    let body = serde_json::to_vec(&body).ok()?;
    let mut proof = URL_SAFE_NO_PAD.encode(header);
    proof.push('.');
    URL_SAFE_NO_PAD.encode_string(body, &mut proof);
    let signature = sign(proof.as_bytes())?;
    proof.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut proof);
    Some(proof)
}
