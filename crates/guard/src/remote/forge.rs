//! Signing whatever a test wants signed.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::Value;

/// A new key for ES256.
pub(super) fn ec() -> EncodingKey {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key pair");
    EncodingKey::from_ec_der(pair.to_pkcs8v1().expect("PKCS#8").as_ref())
}

pub(super) fn b64(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A JWS of any texts.
pub(super) fn sign(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let signed = format!("{}.{}", b64(header), b64(claims));
    let signature = crypto::sign(signed.as_bytes(), key, algorithm).expect("a signature");
    format!("{signed}.{signature}")
}

/// Changes members of an object; null takes one away.
pub(super) fn change(object: &mut Value, changed: Value) {
    for (name, value) in changed.as_object().cloned().unwrap_or_default() {
        if value.is_null() {
            object.as_object_mut().expect("an object").remove(&name);
        } else {
            object[name] = value;
        }
    }
}
