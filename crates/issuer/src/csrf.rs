//! Tokens against cross-site request forgery (RFC 6749 §10.12): one for each session and
//! purpose, made and checked without keeping anything.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_core::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::Issuer;

/// How long a page may stay open before its forms need a fresh token.
const LIFE: Duration = Duration::from_secs(8 * 3600);

impl Issuer {
    /// A token that a form of `purpose` carries in the browser that has `cookie`.
    pub fn csrf_token(&self, cookie: &str, purpose: &str) -> String {
        let made = self.now();
        let mac = URL_SAFE_NO_PAD.encode(self.csrf_mac(cookie, purpose, made));
        format!("{}.{mac}", made.millis())
    }

    /// Whether `token` was made for this cookie and purpose, not too long ago.
    pub fn csrf_holds(&self, cookie: &str, purpose: &str, token: &str) -> bool {
        let Some((made, mac)) = token.split_once('.') else { return false };
        let Ok(made) = made.parse().map(Timestamp::from_millis) else { return false };
        let Ok(mac) = URL_SAFE_NO_PAD.decode(mac) else { return false };
        let ours: bool = mac.ct_eq(&self.csrf_mac(cookie, purpose, made)).into();
        ours && self.now().since(made) <= LIFE
    }

    fn csrf_mac(&self, cookie: &str, purpose: &str, made: Timestamp) -> [u8; 32] {
        let made = made.millis().to_be_bytes();
        self.0.keys.csrf(&[&made, purpose.as_bytes(), cookie.as_bytes()])
    }
}
