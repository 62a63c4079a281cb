//! Proofs of possession: nothing but an honest one is taken, and what is taken says what it
//! has to, read by other means.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::dpop::{self, Claims, Crypto, Expected, Proof, PublicKey};
use hallpass_core::{Digest, Timestamp};
use serde::Deserialize;
use url::Url;

use super::text;

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);
const URL: &str = "https://id.example/oauth/token";
const KEY: PublicKey = PublicKey { x: [1; 32], y: [2; 32] };
const SIGNATURE: [u8; 64] = [3; 64];

/// Takes one signature, over one text; or, if it is credulous, the same signature over any.
struct One<'t> {
    signed: &'t str,
    credulous: bool,
}

impl Crypto for One<'_> {
    fn es256(&self, key: &PublicKey, signed: &[u8], signature: &[u8; 64]) -> bool {
        let honest = *key == KEY && signed == self.signed.as_bytes();
        *signature == SIGNATURE && (self.credulous || honest)
    }

    fn mac(&self, message: &[u8]) -> [u8; 32] {
        *Digest::of(message).as_bytes()
    }
}

/// What an admitted proof must say, whatever else does.
#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: std::collections::BTreeMap<String, serde_json::Value>,
}

/// The input as a proof; as edits of an honest one (two bytes where, one byte what); and, if it
/// has two lines, as header and claims under a signature that counts.
pub fn dpop(bytes: &[u8]) {
    let strict = One { signed: "", credulous: false };
    let nonce = dpop::nonce(NOW, &strict);
    let url = Url::parse(URL).expect("an address");
    let claims = Claims {
        method: "POST",
        url: &url,
        at: NOW,
        jti: "one",
        nonce: Some(&nonce),
        access_token: None,
    };
    let honest = dpop::write(&KEY, &claims, |_| Some(SIGNATURE)).expect("a proof");
    let signed = honest.rsplit_once('.').map_or("", |(signed, _)| signed);
    let strict = One { signed, credulous: false };
    let expected = Expected { method: "POST", url: URL, now: NOW, access_token: None };
    let only_honest = |text: &str| {
        let taken = dpop::check(text, &expected, &strict).is_ok();
        assert_eq!(taken, text == honest, "{text:?}");
    };
    if let Some(text) = text(bytes) {
        only_honest(text);
    }
    let mut edited = honest.clone().into_bytes();
    for edit in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % edited.len();
        edited[at] = edit[2];
    }
    if let Some(text) = text(&edited) {
        only_honest(text);
    }
    let Some(at) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let [header, claims] = [&bytes[..at], &bytes[at + 1..]];
    let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let proof =
        format!("{}.{}.{}", encode(header), encode(claims), URL_SAFE_NO_PAD.encode(SIGNATURE));
    let credulous = One { signed, credulous: true };
    if Proof::parse(&proof).is_ok() {
        let header: Header = json(header);
        assert_eq!((header.typ.as_str(), header.alg.as_str()), ("dpop+jwt", "ES256"));
        for private in ["d", "k", "p", "q", "x5u", "x5c"] {
            assert!(!header.jwk.contains_key(private), "{private} was let through");
        }
    }
    if dpop::check(&proof, &expected, &credulous).is_ok() {
        let said: Said = json(claims);
        assert_eq!((said.htm.as_str(), said.nonce.as_str()), ("POST", nonce.as_str()));
        assert!(said.ath.is_none() && !said.jti.is_empty());
        assert!((said.iat - NOW.secs()).abs() <= 300);
        assert!(!said.htu.contains(['?', '#', '@', ' ']));
    }
}

#[derive(Deserialize)]
struct Said {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    nonce: String,
    #[serde(default)]
    ath: Option<String>,
}

/// What the parser under test has read, so that it is JSON.
fn json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> T {
    serde_json::from_slice(bytes).expect("JSON of that form")
}
